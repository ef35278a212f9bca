"""Forms: their fields, their files, and the word that proves where they come from.

In charge of: sizes, and reading multipart bodies part by part: files are handed on as they come. Not in
charge of: what fields mean.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import AsyncIterator, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import parse_qsl

from aiohttp import BodyPartReader, MultipartReader, web
from aiohttp.http_exceptions import HttpProcessingError

from gateway.errors import BadRequest, NotPermitted, TooLarge, TooSlow, UnsupportedMedia
from gateway.intake import IDLE_SECONDS, small_body
from gateway.model.text import Bilingual

CSRF = "csrf"  # name of the hidden field
FIELDS = 200
FIELD_BYTES = 65_536
FILE_CHUNK = 262_144
OWN_SITE = ("same-origin", "none")  # what browsers call our own pages, and an address typed by hand

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Form:
    """Fields by name; of a repeated one all values, in order."""

    fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def get(self, name: str, default: str = "") -> str:
        """The (first) value, without blanks around it."""
        values = self.fields.get(name, ())
        return values[0].strip() if values else default

    def secret(self, name: str) -> str:
        """The value exactly as typed: blanks belong to a password."""
        return (self.fields.get(name) or ("",))[0]

    def all(self, name: str) -> list[str]:
        """Every value of a repeated field."""
        return [value.strip() for value in self.fields.get(name, ()) if value.strip()]

    def on(self, name: str) -> bool:
        """True for a box that was ticked."""
        return bool(self.fields.get(name))


@dataclass(frozen=True, slots=True)
class File:
    """One file of a form, as it comes."""

    field: str
    name: str
    chunks: AsyncIterator[bytes]


@dataclass(slots=True)
class _Spent:
    """Bytes of one form with files, all its parts together."""

    limit: int
    received: int = 0

    def add(self, size: int) -> None:
        """``TooLarge`` once they are too many."""
        self.received += size
        if self.received > self.limit:
            raise TooLarge()


def require_own_site(request: web.Request) -> None:
    """``NotPermitted`` for a form that a page of another site sends, as the browser itself tells. The hidden
    word cannot tell that at the door, where nobody has a session yet."""
    if request.headers.get("Sec-Fetch-Site", "none") not in OWN_SITE:
        raise NotPermitted(_FOREIGN, code="form.foreign")


async def read_form(request: web.Request) -> Form:
    """A form without files (``application/x-www-form-urlencoded``), at most 64 KB."""
    if request.content_type != "application/x-www-form-urlencoded":
        raise UnsupportedMedia(_FORM)
    body = await small_body(request, _FORM_TOO_LARGE, _CUT_OFF)
    try:
        pairs = parse_qsl(
            body.decode("utf-8"), keep_blank_values=True, max_num_fields=FIELDS, errors="strict"
        )
    except ValueError as error:
        raise BadRequest(_FORM) from error
    return Form(_grouped(pairs))


def require_csrf(form: Form, expected: str) -> None:
    """``NotPermitted`` unless the form came from a page of this session."""
    if not expected or not hmac.compare_digest(form.secret(CSRF).encode(), expected.encode()):
        raise NotPermitted(_FOREIGN, code="form.foreign")


async def read_upload(request: web.Request, expected_csrf: str, limit: int) -> AsyncIterator[Form | File]:
    """A form with files. Yields the fields that stand before the first file, then each file; the hidden
    field has to come first, so nothing of a foreign form is taken. At most ``limit`` bytes in all."""
    if request.content_type != "multipart/form-data":
        raise UnsupportedMedia(_FORM)
    if (request.content_length or 0) > limit:
        raise TooLarge()
    pairs, told, spent = list[tuple[str, str]](), False, _Spent(limit)
    parts = await _read(request.multipart())
    while (found := await _read(parts.next())) is not None:
        part, name, filename = _named(found)
        if filename is None:
            pairs.append((name, await _text(part, spent)))
            if len(pairs) > FIELDS:
                raise BadRequest(_FORM)
            continue
        if not told:
            yield _checked(pairs, expected_csrf)
            told = True
        yield File(name, filename, _chunks(part, spent))
    if not told:
        yield _checked(pairs, expected_csrf)


def _checked(pairs: list[tuple[str, str]], expected_csrf: str) -> Form:
    form = Form(_grouped(pairs))
    require_csrf(form, expected_csrf)
    return form


async def _read(reading: Coroutine[Any, Any, T]) -> T:
    """The next piece of a body; ``BadRequest`` for what is no form with files or breaks off, ``TooSlow``."""
    try:
        async with asyncio.timeout(IDLE_SECONDS):
            return await reading
    except TimeoutError as error:
        raise TooSlow() from error
    except (ConnectionError, web.RequestPayloadError) as error:
        raise BadRequest(_CUT_OFF, code="upload.cut_off") from error
    except (ValueError, LookupError, RuntimeError, AssertionError, HttpProcessingError) as error:
        raise BadRequest(_FORM) from error  # what aiohttp raises for bad boundaries, headers, encodings


def _named(part: BodyPartReader | MultipartReader) -> tuple[BodyPartReader, str, str | None]:
    """A part, its name and its file name; ``BadRequest`` without name, or when a name cannot be decoded."""
    try:
        if isinstance(part, BodyPartReader) and part.name:
            return part, part.name, part.filename
    except (ValueError, LookupError) as error:
        raise BadRequest(_FORM) from error
    raise BadRequest(_FORM)


async def _text(part: BodyPartReader, spent: _Spent) -> str:
    body = bytearray()
    while chunk := await _read(part.read_chunk(FIELD_BYTES)):
        spent.add(len(chunk))
        body += chunk
        if len(body) > FIELD_BYTES:
            raise TooLarge(_FORM_TOO_LARGE)
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadRequest(_FORM) from error


async def _chunks(part: BodyPartReader, spent: _Spent) -> AsyncIterator[bytes]:
    while chunk := await _read(part.read_chunk(FILE_CHUNK)):
        spent.add(len(chunk))
        yield bytes(chunk)


def _grouped(pairs: list[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value.replace("\r\n", "\n"))
    return {name: tuple(values) for name, values in found.items()}


_FORM = Bilingual("Biểu mẫu gửi lên không đọc được.", "The form cannot be read.")
_FORM_TOO_LARGE = Bilingual("Nội dung biểu mẫu quá dài.", "The form is too long.")
_CUT_OFF = Bilingual(
    "Kết nối bị ngắt khi đang gửi biểu mẫu; chưa có gì được ghi nhận. Hãy gửi lại.",
    "The connection broke before the whole form arrived; nothing was done. Send it again.",
)
_FOREIGN = Bilingual(
    "Biểu mẫu này không đến từ phiên làm việc hiện tại (có thể trang đã mở từ trước khi đăng nhập lại). "
    "Chưa có gì được thực hiện. Hãy mở lại trang rồi gửi lại.",
    "This form does not belong to the present session (perhaps the page was opened before you signed in "
    "again). Nothing was done. Open the page again and repeat.",
)
