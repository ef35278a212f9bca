"""Faster replacements for some functions of pyHanko, with the same results.

In charge of: what costs most when a signed PDF is read with pyHanko 0.38. Not in charge of: what is read
(``pdf_read``). ``install`` puts them in, ``upstream`` takes them out again for a block, so that a test
compares the two and a bench has its floor. Each replacement hands whatever is unusual to the original.

What pyHanko does:

- hex strings: two generator steps and two method calls for each digit, 24 000 digits for two signatures.
  Here: the string as a whole, and the original where something else than digits and white space stands in it.
- names and their delimiters: one ``read`` for each character. Here: a block and a regular expression.
- issuer and serial number: compares the names first, by the long rules of RFC 4518, for every certificate
  of a signature. Here: the serial numbers first, and names that are written alike are the same.
- paths to objects (for "what came later"): walks to every number of every array once for each way to it; a
  font's widths are walked once for each page. Here: the references within an object are listed once, and the
  paths are put into pyHanko's form for those objects only that are asked for.
"""

# mypy: disable-error-code="no-untyped-call"
# (pyHanko carries few annotations)

from __future__ import annotations

import binascii
import re
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

from asn1crypto import x509
from pyhanko.pdf_utils import generic, misc
from pyhanko.pdf_utils.reader import HistoricalResolver, RawPdfPath
from pyhanko.sign import general

_HEX = b"0123456789abcdefABCDEF"
_BLOCK = 8192
_TOKEN = 48  # longer than most names
_END_OF_TOKEN = re.compile(rb"[ \n\r\t\f\x00()<>\[\]{}/%]")
_PLAIN_NAME = re.compile(rb"[!-~]*")  # of bytes that hold no delimiter: those have ended the name
_SPECIAL_IN_NAME = re.compile(rb"[#()<>\[\]{}/%]")

_hex_string = generic.read_hex_string_from_stream
_decode_name = generic._decode_name
_matches = general.match_issuer_serial
_subsume_object = HistoricalResolver._subsume_object


def _read_hex_string(stream: IO[bytes]) -> Any:
    """For ``generic.read_hex_string_from_stream``: from the ``<`` to behind the ``>``."""
    start = stream.tell()
    digits = bytearray()
    stream.seek(start + 1)
    while block := stream.read(_BLOCK):
        piece, closing, rest = block.partition(b">")
        piece = piece.translate(None, misc.PDF_WHITESPACE)
        if piece.translate(None, _HEX):
            break
        digits += piece
        if closing:
            stream.seek(-len(rest), 1)
            return generic.pdf_string(binascii.unhexlify(digits + b"0" * (len(digits) % 2)))
    stream.seek(start)
    return _hex_string(stream)


def _read_until_delimiter(stream: IO[bytes]) -> bytes:
    """For ``misc.read_until_delimiter``: the delimiter is left in the stream."""
    read = b""
    while block := stream.read(_TOKEN):
        found = _END_OF_TOKEN.search(block)
        if found is not None:
            stream.seek(found.start() - len(block), 1)
            return read + block[: found.start()]
        read += block
    return read


def _name(name_bytes: bytes) -> Any:
    """For ``generic._decode_name``."""
    if _PLAIN_NAME.fullmatch(name_bytes) is None or _SPECIAL_IN_NAME.search(name_bytes) is not None:
        return _decode_name(name_bytes)
    return generic.NameObject("/" + name_bytes.decode("ascii"))


def _match_issuer_serial(expected: Any, cert: Any) -> bool:
    """For ``general.match_issuer_serial``."""
    if expected["serial_number"] != cert["tbs_certificate"]["serial_number"]:
        return False
    return _is_written_alike(expected["issuer"], cert.issuer) or bool(_matches(expected, cert))


def _is_written_alike(expected: Any, issuer: Any) -> bool:
    """pyHanko compares the bytes as well, but with the tag that a name has within ``GeneralNames``."""
    if isinstance(expected, x509.GeneralNames):
        if len(expected) != 1 or expected[0].name != "directory_name":
            return False
        expected = expected[0].chosen
    return bool(expected.chosen.contents == issuer.chosen.contents)


# Paths to objects

_Path = tuple[Any, ...]  # names and positions from the trailer, e.g. ("/Root", "/Pages", "/Kids", 0)
_STRUCTURE = ("/Root", "/StructTreeRoot", "/K")


class _Paths:
    """Every way from the trailer to each object, without those that pyHanko leaves out: up by ``/Parent``,
    up by ``/P`` in the structure tree, into a page but by the page tree, into the structure from outside."""

    def __init__(self, resolver: Any) -> None:
        self.found: dict[Any, set[_Path]] = defaultdict(set)
        self._resolver = resolver
        self._pages = dict(_page_tree(resolver.root))
        self._structure = set(_structure_tree(resolver.root))
        self._within: dict[Any, list[tuple[_Path, Any]]] = {}
        self._open: set[Any] = set()  # the objects between the trailer and here

    def walk(self) -> None:
        self._follow(_references(self._resolver.trailer_view), ())

    def _follow(self, references: list[tuple[_Path, Any]], here: _Path) -> None:
        for steps, reference in references:
            path = here + steps
            inside = path[:3] == _STRUCTURE
            if inside and _climbs(here, steps):
                continue
            if reference not in self._open:
                self._enter(reference, path, inside)

    def _enter(self, reference: Any, path: _Path, inside: bool) -> None:
        self.found[reference].add(path)
        content = self._resolver(reference)
        if self._pages.get(reference, path) != path:
            return
        if not inside and reference in self._structure:
            return
        if reference not in self._within:
            self._within[reference] = _references(content)
        self._open.add(reference)
        self._follow(self._within[reference], path)
        self._open.remove(reference)


def _climbs(here: _Path, steps: _Path) -> bool:
    """True when a ``/P`` is followed within the structure tree."""
    return any(step == "/P" and len(here) + at >= len(_STRUCTURE) for at, step in enumerate(steps))


def _references(content: Any) -> list[tuple[_Path, Any]]:
    """The references within an object and the steps to each; ``/Parent`` is not followed."""
    found: list[tuple[_Path, Any]] = []
    _collect(content, (), found)
    return found


def _collect(content: Any, steps: _Path, found: list[tuple[_Path, Any]]) -> None:
    if isinstance(content, generic.IndirectObject):
        found.append((steps, content.reference))
    elif isinstance(content, generic.DictionaryObject):
        for key, value in content.items():
            if key != "/Parent" and isinstance(value, _MAY_REFER):
                _collect(value, (*steps, key), found)
    elif isinstance(content, generic.ArrayObject):
        for index, value in enumerate(content):
            if isinstance(value, _MAY_REFER):
                _collect(value, (*steps, index), found)


_MAY_REFER = (generic.IndirectObject, generic.DictionaryObject, generic.ArrayObject)


def _page_tree(root: Any) -> Iterator[tuple[Any, _Path]]:
    """Nodes of the page tree, each with its path."""
    pages = root.raw_get("/Pages")
    seen = set()
    if isinstance(pages, generic.IndirectObject):
        seen.add(pages.reference)
        yield pages.reference, ("/Root", "/Pages")
    for reference, path in _kids(pages.get_object(), ("/Root", "/Pages")):
        if reference in seen:
            raise misc.PdfReadError("Circular reference in page tree")
        seen.add(reference)
        yield reference, path


def _kids(pages: Any, path: _Path) -> Iterator[tuple[Any, _Path]]:
    for index, kid in enumerate(pages["/Kids"]):
        place = (*path, "/Kids", index)
        if isinstance(kid, generic.IndirectObject):
            yield kid.reference, place
        content = kid.get_object()
        if content.get("/Type", None) == "/Pages":
            yield from _kids(content, place)


def _structure_tree(root: Any) -> Iterator[Any]:
    """The elements of the structure tree."""
    try:
        top = root.raw_get("/StructTreeRoot")
    except KeyError:
        return
    seen = set()
    for reference in _elements(top.get_object()):
        if reference in seen:
            raise misc.PdfReadError("Circular reference in structure tree")
        seen.add(reference)
        yield reference


def _elements(element: Any) -> Iterator[Any]:
    children = _value(element, "/K", ())
    for child in children if isinstance(children, generic.ArrayObject | tuple) else (children,):
        content = child.get_object()
        if not isinstance(content, generic.DictionaryObject):
            continue
        if _value(content, "/Type", "/StructElem") != "/StructElem":
            continue
        if isinstance(child, generic.IndirectObject):
            yield child.reference
        yield from _elements(content)


def _value(content: Any, key: str, otherwise: Any) -> Any:
    """``content.get`` would not take a null for a missing value."""
    try:
        return content[key]
    except KeyError:
        return otherwise


def _load_paths(self: Any) -> None:
    """For ``HistoricalResolver._load_reverse_xref_cache``."""
    if self._indirect_object_access_cache is None:
        paths = _Paths(self)
        paths.walk()
        self._indirect_object_access_cache = paths.found


def _usages(self: Any, reference: Any) -> set[RawPdfPath]:
    """For ``HistoricalResolver._get_usages_of_ref``: pyHanko's own form, for those that are asked for."""
    found = self._indirect_object_access_cache or {}
    return {RawPdfPath(*path) for path in found.get(reference, ())}


def _subsume(self: Any, content: Any) -> Any:
    """For ``HistoricalResolver._subsume_object``: values that refer to nothing stay what they are."""
    return _subsume_object(self, content) if isinstance(content, _HELD) else content


_HELD = (*_MAY_REFER, generic.DecryptedObjectProxy)


_REPLACED: tuple[tuple[Any, str, Any], ...] = (
    (generic, "read_hex_string_from_stream", _read_hex_string),
    (generic, "read_until_delimiter", _read_until_delimiter),
    (generic, "_decode_name", _name),
    (general, "match_issuer_serial", _match_issuer_serial),
    (HistoricalResolver, "_load_reverse_xref_cache", _load_paths),
    (HistoricalResolver, "_get_usages_of_ref", _usages),
    (HistoricalResolver, "_subsume_object", _subsume),
)
_UPSTREAM = tuple((place, name, getattr(place, name)) for place, name, _ in _REPLACED)


def install() -> None:
    """On return this process reads with the replacements."""
    for place, name, function in _REPLACED:
        setattr(place, name, function)


@contextmanager
def upstream() -> Iterator[None]:
    """Within the block pyHanko is what it was; for comparisons only."""
    for place, name, function in _UPSTREAM:
        setattr(place, name, function)
    try:
        yield
    finally:
        install()
