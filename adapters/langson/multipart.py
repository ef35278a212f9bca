"""A form with a file, as it arrives: the parts of ``multipart/form-data``, none of them held whole.

In charge of: finding the parts (RFC 2046 section 5.1.1, RFC 7578 section 4.2) in chunks of any size, with a
bound on everything but the content of a file. It reads from ``gateway/intake.py``, whose patience it so
keeps. Not in charge of: which fields there must be (``sending.py``).
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass

from gateway.errors import BadRequest
from gateway.model.text import Bilingual

MAX_PARTS = 16
HEAD_BYTES = 8_192  # of one part
AROUND_BYTES = 8_192  # before the first part, and behind the last
_BOUNDARY = re.compile(
    r"""multipart/form-data\b.*?;\s*boundary\s*=\s*(?:"([^"]{1,70})"|([^\s;"]{1,70}))""", re.I
)
_NAME = re.compile(r"""(?:^|;)\s*name\s*=\s*(?:"([^"]*)"|([^\s;"]+))""", re.I)


@dataclass(frozen=True, slots=True)
class Part:
    """One field. ``chunks`` is its content; what is not read of it is passed over."""

    name: str
    chunks: AsyncIterator[bytes]

    async def text(self, limit: int) -> str:
        """A short field; ``BadRequest`` above ``limit`` bytes or when it is not UTF-8."""
        value = bytearray()
        async for chunk in self.chunks:
            value += chunk
            if len(value) > limit:
                raise BadRequest(_LONG, code="form.field_too_long")
        try:
            return value.decode().strip()
        except UnicodeDecodeError as error:
            raise BadRequest(_BROKEN, code="form.malformed") from error


def boundary_of(content_type: str) -> bytes:
    """The boundary that a Content-Type names; ``BadRequest`` when it is no form."""
    found = _BOUNDARY.match(content_type.strip())
    if found is None:
        raise BadRequest(_NO_FORM, code="form.missing")
    return (found[1] or found[2]).encode("utf-8", "surrogateescape")


async def parts(chunks: AsyncIterator[bytes], boundary: bytes) -> AsyncIterator[Part]:
    """The parts in their order. ``BadRequest`` when the form is malformed or breaks off."""
    source = _Source(chunks, b"\r\n--" + boundary)
    await source.before(source.delimiter, AROUND_BYTES)
    count = 0
    while await source.opens_part():
        count += 1
        if count > MAX_PARTS:
            raise BadRequest(_MANY, code="form.too_many_parts")
        content = source.content()
        yield Part(_name_in(await source.before(b"\r\n\r\n", HEAD_BYTES)), content)
        async for _ in content:
            pass
    await source.drain()


class _Source:
    """The body as a buffer that grows at its end. A line end in front lets a form begin with a boundary."""

    def __init__(self, chunks: AsyncIterator[bytes], delimiter: bytes) -> None:
        self.delimiter = delimiter
        self._chunks = chunks
        self._buffer = bytearray(b"\r\n")

    async def before(self, mark: bytes, limit: int) -> bytes:
        """What stands before ``mark``, at most ``limit`` bytes; both are taken from the buffer."""
        searched = 0
        while (at := self._buffer.find(mark, searched)) < 0:
            searched = max(0, len(self._buffer) - len(mark) + 1)
            if searched > limit:
                raise BadRequest(_BROKEN, code="form.malformed")
            await self._more()
        if at > limit:
            raise BadRequest(_BROKEN, code="form.malformed")
        taken = bytes(self._buffer[:at])
        del self._buffer[: at + len(mark)]
        return taken

    async def opens_part(self) -> bool:
        """Behind a delimiter: true when a part follows, false at the last one (``--``)."""
        while len(self._buffer) < 2:
            await self._more()
        if self._buffer.startswith(b"--"):
            return False
        if (await self.before(b"\r\n", HEAD_BYTES)).strip(b" \t"):
            raise BadRequest(_BROKEN, code="form.malformed")
        self._buffer[:0] = b"\r\n"  # a part without headers has its empty line here
        return True

    async def content(self) -> AsyncIterator[bytes]:
        """Bytes up to the next delimiter, which is taken too."""
        kept = len(self.delimiter) - 1
        while (at := self._buffer.find(self.delimiter)) < 0:
            if len(self._buffer) > kept:
                ready = bytes(self._buffer[:-kept])
                del self._buffer[:-kept]
                yield ready
            await self._more()
        last = bytes(self._buffer[:at])
        del self._buffer[: at + len(self.delimiter)]
        if last:
            yield last

    async def drain(self) -> None:
        """Read what stands behind the form, so that the connection can serve another call."""
        behind = len(self._buffer)
        async for chunk in self._chunks:
            behind += len(chunk)
            if behind > AROUND_BYTES:
                raise BadRequest(_BROKEN, code="form.malformed")

    async def _more(self) -> None:
        try:
            self._buffer += await anext(self._chunks)
        except StopAsyncIteration:
            raise BadRequest(_CUT_OFF, code="upload.cut_off") from None


def _name_in(head: bytes) -> str:
    for line in head.decode("utf-8", "replace").split("\r\n"):
        field, _, value = line.partition(":")
        if field.strip().lower() == "content-disposition" and (found := _NAME.search(value)):
            return found[1] or found[2] or ""
    return ""


_NO_FORM = Bilingual(
    "Nội dung phải là multipart/form-data với trường edocFile và messageType.",
    "The body must be multipart/form-data with the fields edocFile and messageType.",
)
_BROKEN = Bilingual("Nội dung multipart không đúng định dạng.", "The multipart body is malformed.")
_MANY = Bilingual("Nội dung multipart có quá nhiều trường.", "The multipart body has too many fields.")
_LONG = Bilingual("Một trường của biểu mẫu quá dài.", "A field of the form is too long.")
_CUT_OFF = Bilingual(
    "Nội dung gửi lên bị ngắt giữa chừng; hãy gửi lại.", "The upload broke off; send it again."
)
