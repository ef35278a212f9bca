"""Request bodies of the native API: uploads and small JSON.

In charge of: media types, and turning what pydantic finds wrong into findings that name the field. Not in
charge of: patience and sizes while a body comes (``gateway/intake.py``), what an envelope says (``flow``).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from typing import TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from gateway.errors import BadRequest, TooLarge, UnsupportedMedia
from gateway.intake import SMALL_BYTES, chunks_of, small_body
from gateway.model.finding import Finding, Severity
from gateway.model.text import Bilingual
from gateway.web.endpoint import ENVELOPE_TYPES

M = TypeVar("M", bound=BaseModel)


def announced_size(request: web.Request, limit: int) -> int:
    """The Content-Length of an upload, 0 when it comes in chunks. ``TooLarge`` above ``limit``."""
    size = request.content_length or 0
    if size > limit:
        raise TooLarge()
    return size


def require_envelope_type(request: web.Request) -> None:
    """``UnsupportedMedia`` for anything but plain edXML bytes."""
    if request.content_type not in ENVELOPE_TYPES:
        raise UnsupportedMedia(_wanted(" | ".join(ENVELOPE_TYPES)))
    _require_no_encoding(request)


def upload_chunks(request: web.Request) -> AsyncIterator[bytes]:
    """The body as it arrives. ``TooSlow`` when it stalls, ``BadRequest`` when it is cut off."""
    return chunks_of(request, _CUT_OFF)


async def read_json(request: web.Request, model: type[M]) -> M:
    """The JSON body as a model; ``BadRequest`` names every field that is wrong."""
    if request.content_type != "application/json":
        raise UnsupportedMedia(_wanted("application/json"))
    _require_no_encoding(request)
    body = await small_body(request, _JSON_TOO_LARGE, _CUT_OFF)
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise _malformed(error) from error


def read_query(request: web.Request, model: type[M]) -> M:
    """The query parameters as a model; unknown and repeated ones are refused."""
    values: Mapping[str, str] = request.query
    if len(set(values)) != len(values):
        raise BadRequest(_REPEATED)
    try:
        return model.model_validate_strings(dict(values), strict=True)
    except ValidationError as error:
        raise _malformed(error) from error


def _require_no_encoding(request: web.Request) -> None:
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise UnsupportedMedia(_NOT_COMPRESSED)


def _malformed(error: ValidationError) -> BadRequest:
    findings = tuple(_finding(detail) for detail in error.errors(include_url=False, include_context=False))
    listed = ", ".join(dict.fromkeys(finding.where for finding in findings if finding.where))
    if not listed:
        return BadRequest(_NOT_JSON, findings=findings)
    text = Bilingual(
        f"Yêu cầu có trường hoặc tham số không hợp lệ: {listed}.",
        f"Fields or parameters are wrong: {listed}.",
    )
    return BadRequest(text, findings=findings)


def _finding(detail: ErrorDetails) -> Finding:
    where = _path(detail["loc"])
    match detail["type"]:
        case "missing":
            text = Bilingual(f"Thiếu trường “{where}”.", f"The field “{where}” is missing.")
        case "extra_forbidden":
            text = Bilingual(f"Không có trường nào tên là “{where}”.", f"There is no field “{where}”.")
        case _:
            text = Bilingual(
                f"Giá trị của “{where}” không hợp lệ.", f"The value of “{where}” is wrong: {detail['msg']}."
            )
    return Finding("field.invalid", Severity.REFUSE, where, text)


def _path(location: Iterable[int | str]) -> str:
    """``staff.email``; names that a caller made up are shortened and shown without control characters."""
    text = ".".join(map(str, location))
    return "".join(character for character in text if character.isprintable())[:100]


def _wanted(media_type: str) -> Bilingual:
    return Bilingual(
        f"Content-Type của nội dung gửi lên phải là {media_type}.", f"The Content-Type must be {media_type}."
    )


_NOT_COMPRESSED = Bilingual(
    "Không nhận nội dung nén (Content-Encoding). Hãy gửi nguyên tệp edXML.",
    "Compressed bodies (Content-Encoding) are not taken. Send the edXML file as it is.",
)
_CUT_OFF = Bilingual(
    "Kết nối bị ngắt trước khi nhận đủ nội dung; trục không giữ lại gì. Hãy gửi lại.",
    "The connection broke before the whole body arrived; nothing was kept. Send it again.",
)
_JSON_TOO_LARGE = Bilingual(
    f"Nội dung JSON lớn hơn {SMALL_BYTES // 1024} KB.",
    f"The JSON body is larger than {SMALL_BYTES // 1024} KB.",
)
_NOT_JSON = Bilingual("Nội dung gửi lên không phải là JSON hợp lệ.", "The body is not valid JSON.")
_REPEATED = Bilingual("Mỗi tham số chỉ được ghi một lần.", "Each parameter may stand only once.")
