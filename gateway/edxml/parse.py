"""Reading an edXML message: bytes in, words out. The door of this room.

In charge of: feeding the parser in bounded pieces and turning its errors into sentences. Liberal in what it
accepts (``assemble.py`` and the readers behind it); memory does not grow with the attachments.
Not in charge of: what the schemas say (``schema.py``), whether the message may travel (``checks/``).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice

from lxml import etree

from gateway.edxml import names
from gateway.edxml.assemble import assemble
from gateway.edxml.attachments import Writer
from gateway.edxml.limits import KIB, Limits
from gateway.edxml.notes import Notes
from gateway.edxml.problems import unreadable
from gateway.edxml.safe_xml import target_parser
from gateway.edxml.stream import Collector
from gateway.edxml.tree import Node, to_lxml
from gateway.errors import Unreadable
from gateway.model.envelope import Envelope
from gateway.model.finding import Finding

_PIECE = 64 * KIB  # what the parser gets at a time
_DECLARATION = 256  # bytes in which an XML declaration must end
_OPENING = re.compile(rb"(?:\xef\xbb\xbf)?<\?xml\s")
_ENCODING = re.compile(rb"""\bencoding\s*=\s*["']([^"'>]*)["']""")
_ATTRIBUTE = re.compile(rb"""=\s*["']""")
_UTF8 = (b"utf-8", b"utf8", b"us-ascii")
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff", b"<\0", b"\0<")


@dataclass(frozen=True, slots=True)
class Parsed:
    """A message that could be read. ``findings`` may refuse it all the same (a missing sender, say)."""

    envelope: Envelope
    findings: tuple[Finding, ...]
    root: Node  # the message without the contents of its attachments

    @property
    def skeleton(self) -> etree._Element:
        """The message without the contents of its attachments, made anew at each call; prefixes are gone."""
        return to_lxml(self.root)


def parse_envelope(data: bytes | Iterable[bytes], limits: Limits = Limits()) -> Parsed:  # noqa: B008  (frozen)
    """A whole message at once, or from an iterable of chunks. Raises ``Unreadable``."""
    reader = EnvelopeReader(limits)
    for chunk in (data,) if isinstance(data, bytes) else data:
        reader.feed(chunk)
    return reader.close()


def check_before_tree(data: bytes, limits: Limits = Limits()) -> None:  # noqa: B008  (frozen)
    """Refuse what must not reach a tree parser: another encoding, or a tree out of all proportion.

    A tree takes its memory before anything can be counted in it, so its parts are counted in the bytes: no
    element, comment or instruction without ``<``, no attribute without an equals sign and a quote. Base64
    holds neither. Several times the limits leave room for closing tags and for text that looks like
    attributes. Raises ``Unreadable``.
    """
    _declared(data[:_DECLARATION])
    if data.count(b"<") > 3 * limits.max_elements:
        raise unreadable("envelope.too_many_elements", limit=limits.max_elements)
    most = 2 * limits.max_elements  # declarations of namespaces count here and not for the reader
    if data.count(b"=") > most and next(islice(_ATTRIBUTE.finditer(data), most, None), None) is not None:
        raise unreadable("envelope.too_many_attributes", limit=limits.max_attributes)


class EnvelopeReader:
    """Reads one message that arrives in chunks of any size.

    ``open_file(i)`` is called once for attachment ``i`` (its index in ``Envelope.attachments``) and gets the
    file's own bytes, decoded and unwrapped, as they pass; closing the writer is the caller's business, also
    after a refusal. After ``Unreadable`` the reader is spent.
    """

    def __init__(
        self,
        limits: Limits = Limits(),  # noqa: B008  (frozen)
        open_file: Callable[[int], Writer] | None = None,
    ) -> None:
        self._limits = limits
        self._collector = Collector(limits, open_file)
        self._parser = target_parser(self._collector)
        self._notes = Notes(limits)
        self._head: bytes | None = b""  # until the encoding is known
        self._size = 0

    def feed(self, chunk: bytes) -> None:
        """The next bytes of the upload. Raises ``Unreadable``."""
        self._size += len(chunk)
        if self._size > self._limits.max_bytes:
            raise unreadable("envelope.too_large", limit=self._limits.max_bytes)
        if self._head is not None:
            self._head += chunk
            if len(self._head) < _DECLARATION:
                return
            chunk = self._take_head()
        self._parse(chunk)

    def close(self) -> Parsed:
        """The message, once all bytes were fed. Raises ``Unreadable``."""
        if self._size == 0:
            raise unreadable("envelope.empty")
        if self._head is not None:
            self._parse(self._take_head())
        self._close_parser()
        self._collector.drain(0)
        self._check_prefixes()
        envelope = assemble(self._collector, self._notes)
        assert self._collector.root is not None
        return Parsed(envelope, tuple(self._notes.findings), self._collector.root)

    def _parse(self, chunk: bytes) -> None:
        for start in range(0, len(chunk), _PIECE):
            piece = chunk[start : start + _PIECE]
            try:
                self._parser.feed(piece)
            except etree.XMLSyntaxError as error:
                raise self._broken(error, at_end=False) from error
            self._collector.drain(len(piece))

    def _close_parser(self) -> None:
        """At the end libxml2 also reports half a tag as an element: not worth a complaint of its own."""
        try:
            self._parser.close()
        except etree.XMLSyntaxError as error:
            raise self._broken(error, at_end=True) from error
        except Unreadable as error:
            if self._collector.complete or error.code == "envelope.doctype":
                raise
            raise unreadable("envelope.truncated") from error

    def _take_head(self) -> bytes:
        """What was held back for a look at its encoding."""
        head, self._head = self._head or b"", None
        found = _declared(head[:_DECLARATION])
        if found:
            self._notes.add("envelope.encoding_declared", names.ROOT, found=found)
        return head

    def _broken(self, error: etree.XMLSyntaxError, at_end: bool) -> Unreadable:
        """An incomplete message shows only when it is closed; anything else is an error where it stands."""
        if at_end and not self._collector.complete:
            return unreadable("envelope.truncated")
        return unreadable("envelope.not_xml", line=error.lineno or 1)

    def _check_prefixes(self) -> None:
        """A streaming parser forgives undeclared prefixes and doubled attributes; a tree parser does not."""
        for entry in self._parser.feed_error_log:
            if entry.type_name.startswith("NS_ERR"):
                raise unreadable("envelope.undeclared_prefix", line=entry.line)


def _declared(head: bytes) -> str:
    """The encoding that a harmless declaration wrongly names, else ``""``. Raises ``Unreadable``.

    We read UTF-8 whatever is declared; a recipient believes the declaration, so it must be seen whole.
    """
    if head.startswith(_UTF16_MARKS):
        raise unreadable("envelope.encoding", found="UTF-16")
    if not _OPENING.match(head):
        return ""
    declaration, end, _ = head.partition(b"?>")
    if not end and len(head) >= _DECLARATION:
        raise unreadable("envelope.declaration_too_long", limit=_DECLARATION)
    declared = _ENCODING.search(declaration)
    if declared is None or declared[1].lower() in _UTF8:
        return ""
    found = declared[1].decode("utf-8", "replace")
    if not found.lower().startswith("utf-16"):
        raise unreadable("envelope.encoding", found=found or "–")
    return found  # a .NET StringWriter says utf-16 whatever it is saved as; these bytes are not UTF-16
