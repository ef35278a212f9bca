"""The skeleton of a message: its elements without the contents of the attachments.

In charge of: a node that costs little, and turning the skeleton into an lxml element for the validators.
Prefixes and comments are gone. Not in charge of: meaning (``read_*.py``).
"""

from __future__ import annotations

from collections.abc import Mapping

from lxml import etree

from gateway.edxml.names import NS, XLINK
from gateway.model.text import nfc

_NO_ATTRIBUTES: Mapping[str, str] = {}
_NO_CHILDREN: list[Node] = []
_HREF = f"{{{XLINK}}}href"


class Node:
    """One element. ``name`` is the local name for edXML elements and ``{namespace}local`` for foreign ones.

    ``text`` is the text of a leaf, or text that stands between children (where none belongs).
    """

    __slots__ = ("attributes", "children", "name", "text")

    def __init__(self, name: str) -> None:
        self.name = name
        self.text = ""
        self.attributes = _NO_ATTRIBUTES
        self.children = (
            _NO_CHILDREN  # shared by all leaves and never changed: the reader puts a list of its own
        )


def local(name: str) -> str:
    """The name without its namespace."""
    return name.rpartition("}")[2]


def clean(text: str) -> str:
    """A field as the model keeps it: stripped, NFC, and ``""`` for the text ``null``.

    The national axis returns a missing agency as the text ``null`` (reference section 1.8).
    """
    text = text.strip()
    if text.isascii():
        return "" if text == "null" else text
    return nfc(text)


def bare_id(text: str) -> str:
    """A content id without ``cid:``, which only some senders write."""
    return text[4:] if text[:4].lower() == "cid:" else text


def promised_id(reference: Node, content_id: str) -> str:
    """The id of a promised file: its ``ContentId``, else the ``xlink:href`` of its ``Reference``."""
    return bare_id(content_id or reference.attributes.get(_HREF, "").strip())


def same(one: Node, other: Node) -> bool:
    """True when both say the same to every reader: texts, attributes and elements, in one order."""
    if clean(one.text) != clean(other.text) or one.attributes != other.attributes:
        return False
    pairs = zip(one.children, other.children, strict=False)
    return len(one.children) == len(other.children) and all(a.name == b.name and same(a, b) for a, b in pairs)


def to_lxml(node: Node) -> etree._Element:
    """The skeleton as lxml sees it, with cleaned texts."""
    root = etree.Element(_tag(node), dict(node.attributes), nsmap={None: NS})
    _fill(root, node)
    return root


def _fill(element: etree._Element, node: Node) -> None:
    """Depth is bounded by the reader, so recursion is."""
    if node.text:
        element.text = clean(node.text)
    for child in node.children:
        _fill(etree.SubElement(element, _tag(child), dict(child.attributes)), child)


def _tag(node: Node) -> str:
    return node.name if node.name.startswith("{") else f"{{{NS}}}{node.name}"
