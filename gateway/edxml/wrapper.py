"""The ZIP in which the national Java library wraps one file.

In charge of: recognising the wrapper (exactly one entry, its stem a UUID, its extension that of the file's
name), and unpacking it as it passes, within limits, soundly: sizes, checksum and the list of entries must all
agree. Other ZIP files (docx, a ZIP that somebody attached) are no wrappers and stay as they are.
Not in charge of: deciding when (``attachments.py``).
Source: reference section 1.4, trap 1; PKWARE APPNOTE 4.3 for the layout.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from gateway.edxml.limits import KIB, MIB, Limits
from gateway.edxml.problems import unreadable

_LOCAL = struct.Struct("<4s5H3I2H")  # signature … name length, extra length: 30 bytes
_CENTRAL = struct.Struct("<4s6H3I5H2I")  # 46 bytes
_END = struct.Struct("<4s4H2IH")  # 22 bytes
_STORED, _DEFLATED = 0, 8
_ENCRYPTED, _DESCRIPTOR = 0x01, 0x08  # bits of the general purpose flag
_PIECE = 256 * KIB  # unpacked bytes at a time
_MAX_TAIL = 256 * KIB  # everything behind the packed data: descriptor, one central entry, comments
_UUID_NAME = re.compile(rb"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}(\.[^./\\]{1,16})?")
HEADER_ROOM = 30 + 64  # enough bytes to see a wrapper's header with its name


class Header(NamedTuple):
    """The local header of the first entry, as far as a wrapper needs it."""

    name: bytes
    data_offset: int
    method: int
    packed: int  # -1: not known before the end (data descriptor)

    @property
    def extension(self) -> str:
        """``.pdf``, in lower case; ``""`` when the entry has none."""
        return extension(self.name.decode("utf-8", "replace"))


def extension(name: str) -> str:
    """The extension of a file name with its dot, in lower case."""
    stem, dot, end = name.rpartition(".")
    return dot + end.lower() if stem else ""


def read_header(head: bytes) -> Header | None:
    """The header when the file may be a wrapper, else ``None``. ``head``: at least the first 94 bytes."""
    if len(head) < _LOCAL.size:
        return None
    magic, _, flags, method, _, _, _, packed, _, name_length, extra = _LOCAL.unpack_from(head)
    name = head[_LOCAL.size : _LOCAL.size + name_length]
    if magic != b"PK\x03\x04" or not _UUID_NAME.fullmatch(name) or flags & _ENCRYPTED:
        return None
    described = bool(flags & _DESCRIPTOR)
    if method not in (_STORED, _DEFLATED) or (described and method == _STORED):
        return None  # the end of a stored entry cannot be found without its size
    return Header(name, _LOCAL.size + name_length + extra, method, -1 if described else packed)


class Entry(NamedTuple):
    """What the list of entries at the end says about the only one."""

    name: bytes
    checksum: int
    packed: int
    unpacked: int


def read_end(tail: bytes, offset: int) -> Entry | None:
    """The only entry, or ``None`` unless the archive lists exactly one that starts at its first byte.

    ``tail`` ends with the archive's last byte; ``offset`` is where in the archive it begins.
    """
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or at + _END.size > len(tail):
        return None
    _, disk, first_disk, here, total, size, start, comment = _END.unpack_from(tail, at)
    start -= offset
    ends_there = at + _END.size + comment == len(tail)
    if (
        (disk, first_disk, here, total) != (0, 0, 1, 1)
        or not ends_there
        or not 0 <= start <= at - _CENTRAL.size
    ):
        return None
    magic, *fields = _CENTRAL.unpack_from(tail, start)
    name_length, extra, entry_comment = fields[9:12]
    length = _CENTRAL.size + name_length + extra + entry_comment
    if magic != b"PK\x01\x02" or fields[-1] != 0 or length != size or start + length != at:
        return None
    name = tail[start + _CENTRAL.size : start + _CENTRAL.size + name_length]
    return Entry(name, fields[6], fields[7], fields[8])


class Unwrapper:
    """Unpacks one wrapper that arrives in pieces. ``where`` names the file in refusals."""

    def __init__(self, header: Header, limits: Limits, where: str) -> None:
        self._header = header
        self._limits = limits
        self._where = where
        self._inflate = zlib.decompressobj(-zlib.MAX_WBITS) if header.method == _DEFLATED else None
        self._skip = header.data_offset
        self._checksum = 0
        self._given = 0
        self._packed = 0
        self._unpacked = 0
        self._data_ended = False
        self._tail = bytearray()

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """The file's own bytes that ``piece`` of the archive brings. Raises ``Unreadable``."""
        self._given += len(piece)
        if self._skip:
            skipped = min(self._skip, len(piece))
            self._skip -= skipped
            piece = piece[skipped:]
        if not self._data_ended:
            unpack = self._copy(piece) if self._inflate is None else self._unpack(piece)
            for out in unpack:
                self._count(out)
                yield out
        else:
            self._keep(piece)

    def finish(self) -> None:
        """Raises ``Unreadable`` unless the archive was whole, sound and held only this file."""
        data_end = self._header.data_offset + self._packed
        entry = read_end(bytes(self._tail), data_end)
        seen = Entry(self._header.name, self._checksum, self._packed, self._unpacked)
        if not self._data_ended or entry != seen:
            raise unreadable("attachment.broken_wrapper", self._where)

    def _unpack(self, piece: bytes) -> Iterator[bytes]:
        assert self._inflate is not None
        given = len(piece)
        while piece and not self._inflate.eof:
            try:
                out = self._inflate.decompress(piece, _PIECE)
            except zlib.error as error:
                raise unreadable("attachment.broken_wrapper", self._where) from error
            piece = self._inflate.unconsumed_tail
            if out:
                yield out
        rest = self._inflate.unused_data
        self._packed += given - len(rest)
        if self._inflate.eof:
            self._data_ended = True
            self._keep(rest)

    def _copy(self, piece: bytes) -> Iterator[bytes]:
        missing = self._header.packed - self._packed
        out = piece[:missing]
        self._packed += len(out)
        if out:
            yield out
        if self._packed == self._header.packed:
            self._data_ended = True
            self._keep(piece[missing:])

    def _keep(self, rest: bytes) -> None:
        self._tail += rest
        if len(self._tail) > _MAX_TAIL:
            raise unreadable("attachment.broken_wrapper", self._where)

    def _count(self, out: bytes) -> None:
        self._checksum = zlib.crc32(out, self._checksum)
        self._unpacked += len(out)
        if self._unpacked > self._limits.max_attachment:
            raise unreadable("attachment.too_large", self._where, limit=self._limits.max_attachment)
        if self._unpacked > max(MIB, self._limits.max_ratio * self._given):
            raise unreadable("attachment.zip_bomb", self._where, limit=self._limits.max_ratio)
