"""Forms: their fields, their files, and the word that proves where they come from.

In charge of: sizes, and reading multipart bodies part by part: files are handed on as they come. Not in
charge of: what fields mean.
"""

from __future__ import annotations

import hmac
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from aiohttp import BodyPartReader, web

from gateway.errors import BadRequest, NotPermitted, TooLarge, UnsupportedMedia
from gateway.intake import small_body
from gateway.model.text import Bilingual

CSRF = "csrf"  # name of the hidden field
FIELDS = 200
FIELD_BYTES = 65_536
FILE_CHUNK = 262_144


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
    pairs: list[tuple[str, str]] = []
    told = False
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader) or not part.name:
            raise BadRequest(_FORM)
        if part.filename is None:
            pairs.append((part.name, await _text(part)))
            if len(pairs) > FIELDS:
                raise BadRequest(_FORM)
            continue
        if not told:
            form = Form(_grouped(pairs))
            require_csrf(form, expected_csrf)
            yield form
            told = True
        yield File(part.name, part.filename, _chunks(part, limit))
    if not told:
        form = Form(_grouped(pairs))
        require_csrf(form, expected_csrf)
        yield form


async def _text(part: BodyPartReader) -> str:
    body = b""
    while chunk := await part.read_chunk(FIELD_BYTES):
        body += chunk
        if len(body) > FIELD_BYTES:
            raise TooLarge(_FORM_TOO_LARGE)
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadRequest(_FORM) from error


async def _chunks(part: BodyPartReader, limit: int) -> AsyncIterator[bytes]:
    received = 0
    while chunk := await part.read_chunk(FILE_CHUNK):
        received += len(chunk)
        if received > limit:
            raise TooLarge()
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
