"""How the two dialects differ: order, empty elements, layout.

In charge of: the two national libraries' habits, as data, and turning parts into text in them. Not in charge
of: values (``parts.py``), attachments (``build.py``).
Source: reference sections 1.2 to 1.6 (columns J and N), samples written by the national Java library.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from gateway.edxml import names
from gateway.edxml.parts import Part
from gateway.model.envelope import Dialect

_ORGANIZATION_END = ("OrganAdd", "Email", "Telephone", "Fax", "Website")
_JAVA_ORGANIZATION = ("OrganId", "OrganizationInCharge", "OrganName", *_ORGANIZATION_END)
_DOTNET_ORGANIZATION = ("OrganId", "OrganName", "OrganizationInCharge", *_ORGANIZATION_END)

_JAVA_ORDER = {
    names.MESSAGE_HEADER: (
        *("From", "To", "DocumentId", "Code", "PromulgationInfo", "DocumentType", "Subject", "Content"),
        *("SignerInfo", "DueDate", "OtherInfo", "ResponseFor", "SteeringType", "ResponseForTask"),
        *("ApplicationType", "ToPlaces", "StaffInfo", "StatusCode", "Description", "Timestamp"),
    ),
    "From": _JAVA_ORGANIZATION,
    "To": _JAVA_ORGANIZATION,
    "DocumentType": ("Type", "TypeDetail", "TypeName"),
    "ResponseFor": ("OrganId", "Code", "DocumentId", "PromulgationDate"),
    "StaffInfo": ("Department", "DepartmentId", "Staff", "StaffId", "Email", "Mobile"),
    names.TRACE_LIST: (names.BUSINESS, "TraceHeader"),
    names.REFERENCE: ("ContentId", "ContentType", "Description", "AttachmentName"),
    names.ATTACHMENT: ("ContentId", "AttachmentName", "Description", "ContentType", names.CONTENT),
}
_DOTNET_ORDER = {
    names.MESSAGE_HEADER: (
        *("From", "To", "Code", "PromulgationInfo", "DocumentType", "Subject", "Content", "SignerInfo"),
        *("DueDate", "ToPlaces", "OtherInfo", "ResponseFor", "SteeringType", "ResponseForTask"),
        *("ApplicationType", "DocumentId", "StaffInfo", "StatusCode", "Description", "Timestamp"),
    ),
    "From": _DOTNET_ORGANIZATION,
    "To": _DOTNET_ORGANIZATION,
    "DocumentType": ("Type", "TypeName", "TypeDetail"),
    "ResponseFor": ("OrganId", "Code", "PromulgationDate", "DocumentId"),
    "StaffInfo": ("Department", "DepartmentId", "Staff", "StaffId", "Mobile", "Email"),
    names.TRACE_LIST: ("TraceHeader", names.BUSINESS),
    names.BUSINESS: (
        *("DocumentId", "BussinessDocType", "BussinessDocReason", "BussinessDocumentInfo"),
        *("ReplacementInfoList", "StaffInfo", "Paper"),
    ),
    names.REFERENCE: ("Description", "AttachmentName", "ContentType", "ContentId"),
    names.ATTACHMENT: ("ContentType", "ContentId", "Description", names.CONTENT, "AttachmentName"),
}

# Characters that XML 1.0 cannot carry at all.
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class Style:
    """One dialect's way of writing."""

    declaration: str
    root: str  # the start tag of edXML
    newline: str
    indent: str
    keep_empty: bool
    content_tag: str  # ContentTransferEncoded: Java prefixes this one element among the attachments
    order: dict[str, tuple[str, ...]]

    def arrange(self, part: Part) -> list[Part]:
        """The children to write, in this dialect's order."""
        order = self.order.get(part.name)
        kept = [child for child in part.parts if self._writes(child)]
        return sorted(kept, key=lambda child: order.index(child.name)) if order else kept

    def render(self, parts: Iterable[Part], depth: int, prefix: str) -> Iterator[str]:
        """Text of the parts at ``depth``; ``prefix`` is ``edXML:`` or nothing."""
        for part in parts:
            yield from self._render(part, depth, prefix)

    def line(self, depth: int, text: str) -> str:
        """One line of a layout with lines; the bare text in a layout without."""
        return f"{self.indent * depth}{text}{self.newline}"

    def _render(self, part: Part, depth: int, prefix: str) -> Iterator[str]:
        tag = prefix + part.name
        attributes = "".join(f' {name}="{escape_attribute(value)}"' for name, value in part.attributes)
        if not part.parts:
            yield self.line(depth, _leaf(tag, attributes, part))
            return
        yield self.line(depth, f"<{tag}{attributes}>")
        yield from self.render(self.arrange(part), depth + 1, prefix)
        yield self.line(depth, f"</{tag}>")

    def _writes(self, part: Part) -> bool:
        if part.name == "Direction":
            return (
                not self.keep_empty or part.text == "true"
            )  # Java only; .NET gets it when it says something
        return not part.empty or (self.keep_empty and not part.optional)


def _leaf(tag: str, attributes: str, part: Part) -> str:
    if part.name == "DigitalSignature":
        return f"<{tag}/>"
    return f"<{tag}{attributes}>{escape(part.text)}</{tag}>"


def escape(text: str) -> str:
    """Text as element content. ``ValueError`` for characters that XML cannot carry."""
    if _ILLEGAL.search(text):
        raise ValueError("the text holds characters that XML cannot carry")
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text.replace("\r", "&#13;")


def escape_attribute(text: str) -> str:
    """Text as the value of an attribute in double quotes."""
    return escape(text).replace('"', "&quot;").replace("\n", "&#10;").replace("\t", "&#9;")


STYLES = {
    Dialect.JAVA: Style(
        declaration='<?xml version="1.0" encoding="UTF-8"?>\r\n',
        root=f'<edXML xmlns="{names.NS}">',
        newline="\r\n",
        indent="  ",
        keep_empty=False,
        content_tag=f'edXML:{names.CONTENT} xmlns:edXML="{names.NS}"',
        order=_JAVA_ORDER,
    ),
    Dialect.DOTNET: Style(
        declaration="<?xml version='1.0' encoding='utf-8'?>\n",
        root=f'<edXML xmlns="{names.NS}" xmlns:xsi="{names.XSI}" xmlns:xsd="{names.XSD}">',
        newline="",
        indent="",
        keep_empty=True,
        content_tag=names.CONTENT,
        order=_DOTNET_ORDER,
    ),
}
