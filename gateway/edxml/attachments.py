"""The content of one attachment, decoded and hashed as it passes.

In charge of: base64, the ZIP wrapper, SHA-256, size and format of the file's own bytes, without ever holding
more than a few megabytes of them. Not in charge of: names and ids (``stream.py``), whether the file was
promised (``read_files.py``).

A file that begins like a wrapper is held back until it is certain what it is: up to 4 MiB of packed bytes.
A longer one is taken for a wrapper as soon as its header says so, and refused if its end disagrees.
"""

from __future__ import annotations

import binascii
import hashlib
from collections.abc import Callable
from typing import NamedTuple, Protocol

from gateway.edxml import wrapper
from gateway.edxml.limits import KIB, MIB, Limits
from gateway.edxml.problems import unreadable
from gateway.edxml.sniff import Sniffer

_HOLD = 4 * MIB
_SLICE = 64 * KIB
_WHITE = b" \t\r\n"


class Writer(Protocol):
    """Where the bytes of one file go; any binary file does."""

    def write(self, data: bytes, /) -> object: ...


class FileFacts(NamedTuple):
    """What is known of a file once all its bytes have passed."""

    size: int
    sha256: bytes
    format: str
    wrapped: bool
    destroyed: bool  # a PDF that went through a text decoder


class Base64Decoder:
    """Strict base64 in pieces of text: only white space is forgiven, else ``ValueError``."""

    __slots__ = ("_ended", "_rest")

    def __init__(self) -> None:
        self._rest = ""
        self._ended = False

    def feed(self, text: str) -> bytes:
        """Bytes of all whole quanta so far. The first try assumes no line breaks: nearly all traffic."""
        text = self._rest + text
        usable = len(text) & ~3
        try:
            data = binascii.a2b_base64(text[:usable], strict_mode=True)
        except ValueError:
            text = text.encode("ascii").translate(None, _WHITE).decode("ascii")
            usable = len(text) & ~3
            data = binascii.a2b_base64(text[:usable], strict_mode=True)
        self._rest = text[usable:]
        if self._ended and usable:
            raise ValueError("text after the padding")
        self._ended = self._ended or (usable > 0 and text[usable - 1] == "=")
        return data

    def finish(self) -> None:
        """``ValueError`` when the text ended within a quantum."""
        if self._rest.strip():
            raise ValueError("incomplete base64")


class ContentStream:
    """One attachment's content from base64 text to facts.

    ``hint`` is the file's name if it stood before the content, else ``""``; ``open_writer`` is called once,
    when the first byte is certain; ``spend`` is told how many bytes of the message's budget were used.
    """

    def __init__(
        self,
        hint: str,
        where: str,
        limits: Limits,
        spend: Callable[[int], None],
        open_writer: Callable[[], Writer | None],
    ) -> None:
        self._hint = hint
        self._where = where
        self._limits = limits
        self._spend = spend
        self._open_writer = open_writer
        self._writer: Writer | None = None
        self._opened = False
        self._base64 = Base64Decoder()
        self._packed = 0
        self._held: bytearray | None = bytearray()
        self._unwrapper: wrapper.Unwrapper | None = None
        self._header: wrapper.Header | None = None
        self._size = 0
        self._hash = hashlib.sha256()
        self._sniffer = Sniffer()

    def feed(self, text: str) -> None:
        """The next piece of base64. Raises ``Unreadable``."""
        try:
            data = self._base64.feed(text)
        except ValueError as error:
            raise unreadable("attachment.unreadable_base64", self._where) from error
        self._packed += len(data)
        if self._packed > self._limits.max_attachment:
            raise unreadable("attachment.too_large", self._where, limit=self._limits.max_attachment)
        self._take(data)

    @property
    def empty(self) -> bool:
        """No byte of content so far."""
        return self._packed == 0

    def finish(self, name: str) -> FileFacts:
        """The facts, once the whole ``Attachment`` is known; ``name`` is its name or ``""``."""
        try:
            self._base64.finish()
        except ValueError as error:
            raise unreadable("attachment.unreadable_base64", self._where) from error
        if self._held is not None:
            self._decide(name or self._hint)
        self._finish_wrapper(name)
        self._open()
        wrapped = self._unwrapper is not None
        facts = self._sniffer
        return FileFacts(self._size, self._hash.digest(), facts.format, wrapped, facts.destroyed)

    def _take(self, data: bytes) -> None:
        if self._unwrapper is not None:
            for out in self._unwrapper.feed(data):
                self._emit(out)
        elif self._held is None:
            self._emit(data)
        else:
            self._held += data
            self._look(self._held)

    def _look(self, held: bytearray) -> None:
        """Let go of what is held as soon as it is certain what it is."""
        if len(held) < wrapper.HEADER_ROOM:
            return
        header = wrapper.read_header(bytes(held[: wrapper.HEADER_ROOM]))
        if header is None or (self._hint and header.extension != wrapper.extension(self._hint)):
            self._release(held)
        elif len(held) > _HOLD:
            self._unwrap(held, header)

    def _decide(self, name: str) -> None:
        """All bytes are here: a wrapper is one that fits the name and lists exactly one entry."""
        held = self._held or bytearray()
        header = wrapper.read_header(bytes(held[: wrapper.HEADER_ROOM]))
        fits = header is not None and (not name or header.extension == wrapper.extension(name))
        tail = bytes(held[-256 * KIB :])
        if header is not None and fits and wrapper.read_end(tail, len(held) - len(tail)) is not None:
            self._unwrap(held, header)
        else:
            self._release(held)

    def _finish_wrapper(self, name: str) -> None:
        if self._unwrapper is None or self._header is None:
            return
        self._unwrapper.finish()
        if name and self._header.extension != wrapper.extension(name):
            raise unreadable("attachment.broken_wrapper", self._where)

    def _release(self, held: bytearray) -> None:
        self._held = None
        self._emit(bytes(held))

    def _unwrap(self, held: bytearray, header: wrapper.Header) -> None:
        self._held = None
        self._header = header
        self._unwrapper = wrapper.Unwrapper(header, self._limits, self._where)
        for start in range(0, len(held), _SLICE):
            self._take(bytes(held[start : start + _SLICE]))

    def _emit(self, out: bytes) -> None:
        if not out:
            return
        self._size += len(out)
        self._spend(len(out))
        self._hash.update(out)
        self._sniffer.feed(out)
        self._open()
        if self._writer is not None:
            self._writer.write(out)

    def _open(self) -> None:
        if not self._opened:
            self._opened = True
            self._writer = self._open_writer()
