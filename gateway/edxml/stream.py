"""From parser events to a skeleton and a list of files.

In charge of: what happens at each tag. Ordinary elements become nodes; the text of ``ContentTransferEncoded``
goes straight to its ``ContentStream`` and never into a node. Limits on depth, elements, attributes and texts.
Not in charge of: the meaning of the elements, parser settings (``safe_xml.py``).

Hot path: lxml calls ``start`` and ``end`` for every element and appends every piece of text to a plain list
(``data`` is that list's ``append``), so nothing of Python runs for the bulk of a message.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

from gateway.edxml import names
from gateway.edxml.attachments import ContentStream, FileFacts, Writer
from gateway.edxml.limits import Limits
from gateway.edxml.place import first_texts
from gateway.edxml.problems import unreadable
from gateway.edxml.tree import Node, bare_id, clean, local, promised_id
from gateway.model.text import MAX_MARKS, has_stacked_marks

_BY_TAG = names.BY_TAG.get
_FRAME_BY_CASE = {name.lower(): name for name in names.FRAME}
_MANIFEST_PATH = [names.ROOT, names.ENVELOPE, names.BODY, names.MANIFEST]


@dataclass(frozen=True, slots=True)
class TravelledFile:
    """An ``Attachment`` element: its small fields as a node, and its content if it had any."""

    node: Node
    facts: FileFacts | None


class Collector:
    """The target of one streaming parser. ``open_file(i)`` gives the writer of attachment ``i``."""

    def __init__(self, limits: Limits, open_file: Callable[[int], Writer] | None) -> None:
        self.root: Node | None = None
        self.files: list[TravelledFile] = []
        self.without_namespace = ""  # an element that stood outside every namespace
        self.has_signature = False  # an XML-DSig signature, wherever it stands
        self._limits = limits
        self._open_file = open_file
        self._top = Node("")
        self._stack: list[Node] = [self._top]
        self._pieces: list[str] = []
        self.data = self._pieces.append
        self._promised: dict[str, str] = {}  # content id -> name, of the list of files
        self._references = 0
        self._content: ContentStream | None = None  # of the Attachment that is open
        self._inside: ContentStream | None = None  # the same, while its ContentTransferEncoded is open
        self._elements = 0
        self._attributes = 0
        self._texts = 0
        self._unpacked = 0
        self._kept = 0  # attachments with content, so far
        self._idle = 0
        self._events_seen = 0

    # what the parser calls

    def start(self, tag: str, attrib: dict[str, str]) -> None:
        stack = self._stack
        parent = stack[-1]
        if self._inside is not None:
            raise unreadable("attachment.unreadable_base64", self._where_now())
        pieces = self._pieces
        if pieces:
            if len(pieces) > 1 or not pieces[0].isspace():
                self._text_between(parent)
            pieces.clear()
        self._elements += 1
        name = _BY_TAG(tag) or self._unusual(tag)
        node = Node(name)
        if attrib:
            self._take_attributes(node, attrib)
        if parent.children:
            parent.children.append(node)
        else:
            parent.children = [node]
        stack.append(node)
        if len(stack) > self._limits.max_depth:
            raise unreadable("envelope.too_deep", name, limit=self._limits.max_depth)
        if name == names.CONTENT and parent.name == names.ATTACHMENT:
            self._begin_content(parent)

    def end(self, tag: str) -> None:
        node = self._stack.pop()
        pieces = self._pieces
        if self._inside is not None:
            self._pass_content(self._inside)
            self._inside = None
        elif pieces:
            if node.children:
                self._text_between(node)
            else:
                node.text = text = pieces[0] if len(pieces) == 1 else "".join(pieces)
                self._texts += len(text)
                if len(text) > self._limits.max_text:
                    self._too_long(node)
                if not text.isascii():
                    _refuse_stacked_marks(text, node)
            pieces.clear()
        if node.name == names.ATTACHMENT:
            self._end_attachment(node)
        elif self._stack[-1].name == names.MANIFEST:
            self._end_reference(node)

    def doctype(self, name: str, public_id: str | None, system: str | None) -> None:
        raise unreadable("envelope.doctype")

    def close(self) -> Node | None:
        self.root = self._top.children[0] if self._top.children else None
        return self.root

    # what the reader calls

    def drain(self, fed: int) -> None:
        """After every ``fed`` bytes: pass content on and look at the limits. Raises ``Unreadable``."""
        limits = self._limits
        if self._texts > limits.max_texts:
            raise unreadable("envelope.texts_too_long", limit=limits.max_texts)
        if self._elements > limits.max_elements:
            raise unreadable("envelope.too_many_elements", limit=limits.max_elements)
        if self._attributes > limits.max_attributes:
            raise unreadable("envelope.too_many_attributes", limit=limits.max_attributes)
        self._watch_tokens(fed)
        if self._inside is not None:
            self._pass_content(self._inside)
        elif self._pieces:
            self._watch_field()

    @property
    def complete(self) -> bool:
        """True when the root element has been closed."""
        return len(self._stack) == 1 and bool(self._top.children)

    # tags

    def _unusual(self, tag: str) -> str:
        """The node name of an element that the standard does not know, or that lacks a namespace."""
        _refuse_stacked_marks(tag, self._stack[-1])
        space, brace, name = tag.rpartition("}")
        if len(self._stack) == 1:
            _check_root(space[1:], name)
        if space[1:] == names.NS:
            frame = _FRAME_BY_CASE.get(name.lower())
            if frame is not None:
                raise unreadable("envelope.wrong_case", frame, found=name)
            return name
        if brace:
            self.has_signature = self.has_signature or tag == names.SIGNATURE
            if name in names.FRAME and name.startswith(names.ROOT):
                raise unreadable("envelope.wrong_namespace", name, found=space[1:])
            return tag
        self.without_namespace = self.without_namespace or name
        return name

    def _take_attributes(self, node: Node, attrib: dict[str, str]) -> None:
        self._attributes += len(attrib)
        if self._attributes > self._limits.max_attributes:
            raise unreadable("envelope.too_many_attributes", limit=self._limits.max_attributes)
        for name, value in attrib.items():
            _refuse_stacked_marks(name, node)
            _refuse_stacked_marks(value, node)
        node.attributes = attrib
        self._texts += sum(map(len, attrib.values()))

    # text

    def _text_between(self, parent: Node) -> None:
        """Text before a child: white space, unless the sender mixed text and elements."""
        text = "".join(self._pieces)
        if not text.isspace():
            self._texts += len(text)
            parent.text += text
            if len(parent.text) > self._limits.max_text:
                self._too_long(parent)
            _refuse_stacked_marks(parent.text[-len(text) - MAX_MARKS :], parent)

    def _watch_field(self) -> None:
        """A field that spans several chunks must not grow without bound before its end tag."""
        if sum(map(len, self._pieces)) > self._limits.max_text:
            self._too_long(self._stack[-1])

    def _too_long(self, node: Node) -> NoReturn:
        raise unreadable("envelope.field_too_long", local(node.name), limit=self._limits.max_text)

    def _watch_tokens(self, fed: int) -> None:
        events = self._elements
        self._idle = 0 if self._pieces or events != self._events_seen else self._idle + fed
        self._events_seen = events
        if self._idle > self._limits.max_token:
            raise unreadable("envelope.token_too_long", limit=self._limits.max_token)

    # attachments

    def _begin_content(self, attachment: Node) -> None:
        if self._content is not None:
            raise unreadable("attachment.content_repeated", self._where_now())
        if self._kept >= self._limits.max_attachments:
            raise unreadable("attachment.too_many", limit=self._limits.max_attachments)
        hint = self._name_of(attachment)
        where = hint or self._where_now()
        self._content = ContentStream(hint, where, self._limits, self._spend, self._writer)
        self._inside = self._content

    def _pass_content(self, content: ContentStream) -> None:
        text = "".join(self._pieces)
        self._pieces.clear()
        content.feed(text)

    def _end_attachment(self, node: Node) -> None:
        content, self._content = self._content, None
        if content is None or (content.empty and not any(clean(field.text) for field in node.children)):
            self.files.append(TravelledFile(node, None))
            return
        self.files.append(TravelledFile(node, content.finish(self._name_of(node))))
        self._kept += 1

    def _spend(self, count: int) -> None:
        self._unpacked += count
        if self._unpacked > self._limits.max_unpacked:
            raise unreadable("attachment.unpacked_too_large", limit=self._limits.max_unpacked)

    def _writer(self) -> Writer | None:
        return None if self._open_file is None else self._open_file(self._kept)

    def _name_of(self, attachment: Node) -> str:
        """The file's name: its own, or the one that the list of files promised for its id, or ``""``."""
        fields = first_texts(attachment, names.ATTACHMENT)
        own = fields.get("AttachmentName", "")
        return own or self._promised.get(bare_id(fields.get("ContentId", "")), "")

    def _end_reference(self, node: Node) -> None:
        """Remember what the list of files calls a file; of several with one id the first counts."""
        at_place = [one.name for one in self._stack[1:]] == _MANIFEST_PATH
        if not at_place or node.name.lower() != names.REFERENCE.lower():
            return
        self._references += 1
        if self._references > self._limits.max_attachments:
            raise unreadable("attachment.too_many", limit=self._limits.max_attachments)
        fields = first_texts(node, names.REFERENCE)
        wanted = promised_id(node, fields.get("ContentId", ""))
        if wanted:
            self._promised.setdefault(wanted, fields.get("AttachmentName", ""))

    def _where_now(self) -> str:
        return f"#{len(self.files) + 1}"


def _refuse_stacked_marks(text: str, node: Node) -> None:
    """Before anything normalises it: that takes time quadratic in a run of marks."""
    if has_stacked_marks(text):
        raise unreadable("text.combining_marks", local(node.name), limit=MAX_MARKS)


def _check_root(namespace: str, name: str) -> None:
    """Say what is wrong with a root that is not edXML, as exactly as its name allows."""
    looks_right = name.lower() == names.ROOT.lower()
    if namespace in names.OLD_NAMESPACES:
        old = f"{namespace} ({names.OLD_NAMESPACES[namespace]})"
        raise unreadable("envelope.wrong_namespace", name, found=old)
    if looks_right and namespace != names.NS:
        raise unreadable("envelope.wrong_namespace", name, found=namespace or "–")
    if looks_right:
        raise unreadable("envelope.wrong_case", names.ROOT, found=name)
    raise unreadable("envelope.not_edxml", name, found=name)
