"""What the national axis does to a message that passes: it reads it into its objects and writes it anew.

In charge of: the changes that were seen in real traffic (reference section 1.8), and three further ways of
writing the same message anew, for the knobs. Not in charge of: keeping messages (``axis_store``). The tables
are its own on purpose: a simulator that used the gateway's writer could not show where the two differ.

Elements stand in the Java order; empty and unknown ones are gone; a ``ResponseFor`` of empties is an empty
element; ``Direction`` is added; the axis appends its own ``TraceHeader``; an XML signature loses its
namespace and with it its value; an agency without a code gets the text ``null``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree

from gateway.edxml.dialects import escape, escape_attribute
from gateway.edxml.names import DSIG, NS
from gateway.edxml.safe_xml import parse_tree

_ORGANIZATION = (
    *("OrganId", "OrganizationInCharge", "OrganName", "OrganAdd"),
    *("Email", "Telephone", "Fax", "Website"),
)
_STAFF = ("Department", "Staff", "Email", "Mobile")
_TO_FILE = ("ContentId", "ContentType", "Description", "AttachmentName")
# Element -> its children in the order in which the axis writes them. What is not here is text.
_ORDER: dict[str, tuple[str, ...]] = {
    "edXMLEnvelope": ("edXMLHeader", "edXMLBody"),
    "edXMLHeader": ("MessageHeader", "TraceHeaderList", "Signature"),
    "MessageHeader": (
        *("From", "To", "DocumentId", "Code", "PromulgationInfo", "DocumentType", "Subject", "Content"),
        *("SignerInfo", "DueDate", "OtherInfo", "ResponseFor", "SteeringType", "ResponseForTask"),
        *("ApplicationType", "ToPlaces", "StaffInfo", "StatusCode", "Description", "Timestamp"),
    ),
    "From": _ORGANIZATION,
    "To": _ORGANIZATION,
    "Code": ("CodeNumber", "CodeNotation"),
    "PromulgationInfo": ("Place", "PromulgationDate"),
    "DocumentType": ("Type", "TypeDetail", "TypeName"),
    "SignerInfo": ("Competence", "Position", "FullName"),
    "OtherInfo": (
        *("Priority", "SphereOfPromulgation", "TyperNotation", "PromulgationAmount", "PageAmount"),
        *("ReplyFors", "Direction", "ReferenceCodes", "Appendixes"),
    ),
    "Appendixes": ("Appendix",),
    "ResponseFor": ("OrganId", "Code", "DocumentId", "PromulgationDate"),
    "ResponseForTask": ("TaskCode",),
    "ToPlaces": ("Place",),
    "StaffInfo": _STAFF,
    "TraceHeaderList": ("Bussiness", "TraceHeader"),
    "TraceHeader": ("OrganId", "Timestamp"),
    "Bussiness": (
        *("DocumentId", "BussinessDocType", "BussinessDocReason", "Paper", "BussinessDocumentInfo"),
        *("ReplacementInfoList", "StaffInfo"),
    ),
    "BussinessDocumentInfo": ("DocumentInfo", "DocumentReceiver", "ReceiverList"),
    "ReceiverList": ("Receiver",),
    "Receiver": ("OrganId", "ReceiverType"),
    "ReplacementInfoList": ("ReplacementInfo",),
    "ReplacementInfo": ("DocumentId", "OrganIdList"),
    "OrganIdList": ("OrganId",),
    "edXMLBody": ("edXMLManifest",),
    "edXMLManifest": ("Reference",),
    "Reference": _TO_FILE,
    "AttachmentEncoded": ("Attachment",),
    "Attachment": (*("ContentId", "AttachmentName", "Description", "ContentType", "ContentTransferEncoded"),),
}
_FRAME = frozenset({"edXMLEnvelope", "edXMLHeader", "edXMLBody", "edXMLManifest", "AttachmentEncoded"})
# ``Code`` of a ResponseFor is text, that of a document a group.
_TEXT_IN = {("ResponseFor", "Code")}
_NULLED = {  # where an axis that knows nothing writes the word
    "From": ("OrganAdd", "Email", "Telephone", "Fax", "Website"),
    "To": ("OrganizationInCharge", "OrganAdd", "Email", "Telephone", "Fax", "Website"),
    "MessageHeader": ("DueDate",),
    "StaffInfo": _STAFF,
}


@dataclass(frozen=True, slots=True)
class Writing:
    """How the axis writes. ``code`` stands in its trace (the test system of 2025 leaves it out)."""

    code: str = ""
    stamp: str = ""  # yyyy/MM/dd HH:mm:ss; empty: no trace is appended
    nulls: bool = False
    backwards: bool = False  # children in the opposite order; elements that repeat keep their own order


def rewrite(data: bytes, how: Writing) -> bytes:
    """The message as the axis writes it. Raises ``Unreadable`` for what is no XML."""
    root = parse_tree(data, huge=True)
    status = _find(root, "StatusCode") is not None
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<edXML xmlns="{NS}">',
    ]
    for child in _named(root, "edXMLEnvelope"):
        lines.append(f'  <edXML:edXMLEnvelope xmlns:edXML="{NS}">')
        lines += _children(child, "edXMLEnvelope", 2, how, status)
        lines.append("  </edXML:edXMLEnvelope>")
    for child in _named(root, "AttachmentEncoded"):
        lines.append("  <AttachmentEncoded>")
        lines += _children(child, "AttachmentEncoded", 2, how, status)
        lines.append("  </AttachmentEncoded>")
    return ("\r\n".join(lines) + "\r\n</edXML>\r\n").encode()


def with_prefix(data: bytes, prefix: str = "ns2") -> bytes:
    """The same message with another prefix for the namespace."""
    return re.sub(rb"(</?|\sxmlns:)edXML(?=[:=])", rb"\g<1>" + prefix.encode(), data)


def without_line_ends(data: bytes) -> bytes:
    """The same message without white space between elements."""
    return re.sub(rb">\s+<", b"><", data)


def damaged(data: bytes) -> bytes:
    """A message that did not survive its way: its second half is missing."""
    return data[: len(data) // 2]


def _children(node: etree._Element, place: str, depth: int, how: Writing, status: bool) -> Iterator[str]:
    """What stands inside ``node``, written anew."""
    order = _ORDER[place]
    for name in reversed(order) if how.backwards else order:
        found = list(_named(node, name))
        yield from _added(node, place, name, bool(found), depth, how)
        for child in found:
            yield from _element(child, place, name, depth, how, status)
        if name == "TraceHeader" and how.stamp and not status:
            yield from _trace(depth, how)


def _element(
    child: etree._Element, place: str, name: str, depth: int, how: Writing, status: bool
) -> Iterator[str]:
    tag, pad = _tag(place, name), "  " * depth
    if name == "Signature":
        yield from _signature(child, depth)
        return
    if name not in _ORDER or (place, name) in _TEXT_IN:
        text = _text(child)
        if text:
            yield f"{pad}<{tag}>{escape(text)}</{tag.split()[0]}>"
        elif name == "OrganId" and place in ("From", "To"):
            yield f"{pad}<{tag}>null</{tag}>"
        return
    inner = list(_children(child, name, depth + 1, how, status))
    if inner or name in _FRAME:
        attributes = ' version="1.0"' if name == "edXMLManifest" else ""
        yield f"{pad}<{tag}{attributes}>"
        yield from inner
        yield f"{pad}</{tag}>"
    elif name == "ResponseFor":
        yield f"{pad}<{tag} />"


def _added(
    node: etree._Element, place: str, name: str, found: bool, depth: int, how: Writing
) -> Iterator[str]:
    """What the axis writes where the sender wrote nothing."""
    if found:
        return
    if (place, name) == ("OtherInfo", "Direction"):
        yield f"{'  ' * depth}<edXML:Direction>false</edXML:Direction>"
    elif (place, name) in (("From", "OrganId"), ("To", "OrganId")) or (
        how.nulls and name in _NULLED.get(place, ()) and not _is_status(node, place)
    ):
        yield f"{'  ' * depth}<edXML:{name}>null</edXML:{name}>"


def _is_status(node: etree._Element, place: str) -> bool:
    return place == "MessageHeader" and _find(node, "StatusCode") is not None


def _trace(depth: int, how: Writing) -> Iterator[str]:
    pad = "  " * depth
    yield f"{pad}<edXML:TraceHeader>"
    if how.code:
        yield f"{pad}  <edXML:OrganId>{escape(how.code)}</edXML:OrganId>"
    yield f"{pad}  <edXML:Timestamp>{how.stamp}</edXML:Timestamp>"
    yield f"{pad}</edXML:TraceHeader>"


def _signature(node: etree._Element, depth: int) -> Iterator[str]:
    """A signature without its namespace: the value is kept, and proves nothing any more."""
    pad, name = "  " * depth, _local(node)
    attributes = "".join(f' {key}="{escape_attribute(str(value))}"' for key, value in node.attrib.items())
    if not len(node):
        yield f"{pad}<edXML:{name}{attributes}>{escape(_text(node))}</edXML:{name}>"
        return
    yield f"{pad}<edXML:{name}{attributes}>"
    for child in _elements(node):
        yield from _signature(child, depth + 1)
    yield f"{pad}</edXML:{name}>"


def _tag(place: str, name: str) -> str:
    """Attachments stand without a prefix, except for the one element that declares it again."""
    if name == "ContentTransferEncoded":
        return f'edXML:ContentTransferEncoded xmlns:edXML="{NS}"'
    return name if place in ("AttachmentEncoded", "Attachment") else f"edXML:{name}"


def _named(node: etree._Element, name: str) -> Iterator[etree._Element]:
    """Children of that name, in the message's namespace, in none, or (a signature) in its own."""
    spaces = {NS, None} | ({DSIG} if name == "Signature" else set())
    return (
        child for child in _elements(node) if _local(child) == name and etree.QName(child).namespace in spaces
    )


def _find(node: etree._Element, name: str) -> etree._Element | None:
    return next(
        (child for child in node.iter() if isinstance(child.tag, str) and _local(child) == name), None
    )


def _elements(node: etree._Element) -> Iterator[etree._Element]:
    return (child for child in node if isinstance(child.tag, str))


def _local(node: etree._Element) -> str:
    return etree.QName(node).localname


def _text(node: etree._Element) -> str:
    return "".join(str(part) for part in node.itertext()).strip()


__all__ = ["Writing", "damaged", "rewrite", "with_prefix", "without_line_ends"]
