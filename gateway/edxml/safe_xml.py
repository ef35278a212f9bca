"""Untrusted XML: the only place with parser settings.

In charge of: how lxml is set up for everything that comes from outside (no DTD, no entities, no network, no
recovery), and compiling the schemas we ship. Not in charge of: what the elements mean.

``collect_ids`` stays on: switched off, libxml2 2.14 opens the file that a DOCTYPE names, whatever
``load_dtd`` says.

Every parser reads UTF-8 whatever the XML declaration says (``stream.py`` refuses other encodings first), so
the streaming reader and the tree reader never see different characters in the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Protocol

from lxml import etree

from gateway.edxml.problems import unreadable


class Target(Protocol):
    """What a streaming parser calls; ``doctype`` must refuse."""

    @property
    def data(self) -> Callable[[str], None]: ...
    def start(self, tag: str, attrib: dict[str, str]) -> None: ...
    def end(self, tag: str) -> None: ...
    def doctype(self, name: str, public_id: str | None, system: str | None) -> None: ...
    def close(self) -> object: ...


class LogEntry(Protocol):
    """What libxml2 had to say at one place."""

    type_name: str
    line: int


class FeedParser(Protocol):
    """A parser that is fed; its type has no name outside lxml's stubs."""

    @property
    def feed_error_log(self) -> Iterable[LogEntry]: ...
    def feed(self, data: bytes) -> None: ...
    def close(self) -> object: ...


def target_parser(target: Target) -> FeedParser:
    """A parser to be fed in pieces. One per message: a parser keeps state."""
    parser: Any = etree.XMLParser
    made: FeedParser = parser(
        target=target,
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        recover=False,
    )
    return made


def parse_tree(data: bytes, *, huge: bool = False) -> etree._Element:
    """The whole tree of ``data``, prefixes and white space kept: for skeletons and signed envelopes.

    ``huge`` lifts libxml2's limit of 10 000 000 bytes for one text: only for an envelope that carries an XML
    signature (5 to 8 times its size in memory). Raises ``Unreadable``.
    """
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=huge,
        recover=False,
    )
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise unreadable("envelope.not_xml", line=error.lineno or 1) from error
    if root.getroottree().docinfo.doctype:
        raise unreadable("envelope.doctype")
    return root


def load_schema(path: Path) -> etree.XMLSchema:
    """A compiled schema of ours. Read as bytes: a parser that is given a file name resolves more than it."""
    return etree.XMLSchema(parse_tree(path.read_bytes()))
