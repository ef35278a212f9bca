"""What arrives at an inbound half: bodies of partner software's calls.

In charge of: patience, sizes, ``Expect: 100-continue`` and small JSON, for every dialect whose software calls
us. Not in charge of: who calls (``flow/door.py``), what a body means (each dialect). The native API has the
same rules in ``gateway/web/body.py``; web and adapters never import each other.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import orjson
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from gateway.errors import BadRequest, TooLarge, TooSlow, UnsupportedMedia
from gateway.model.text import Bilingual

SMALL_BYTES = 65_536  # of a JSON body
IDLE_SECONDS = 30.0  # between two chunks of an upload
SLOWEST_BYTES_PER_SECOND = 8_192  # after the first half minute


async def accept_expectation(request: web.Request) -> None:
    """Answer ``Expect: 100-continue`` only once the body is wanted, so that a refusal costs no upload."""


async def chunks_of(request: web.Request) -> AsyncIterator[bytes]:
    """The body as it arrives. ``TooSlow`` when it stalls, ``BadRequest`` when it is cut off."""
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise UnsupportedMedia()
    if request.headers.get("Expect", "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # the answer itself has not begun
    clock = asyncio.get_running_loop().time
    started, received = clock(), 0
    try:
        while True:
            async with asyncio.timeout(IDLE_SECONDS):
                chunk = await request.content.readany()
            if not chunk:
                return
            yield chunk
            received += len(chunk)
            if clock() - started > IDLE_SECONDS + received / SLOWEST_BYTES_PER_SECOND:
                raise TooSlow()
    except TimeoutError as error:
        raise TooSlow() from error
    except (ConnectionError, web.RequestPayloadError, HttpProcessingError) as error:
        raise BadRequest(_CUT_OFF, code="upload.cut_off") from error


async def small_json(request: web.Request) -> dict[str, Any]:
    """The JSON object that the body holds; ``BadRequest`` when it is none, ``TooLarge`` above 64 KiB."""
    if (request.content_length or 0) > SMALL_BYTES:
        raise TooLarge()
    body = bytearray()
    async for chunk in chunks_of(request):
        body += chunk
        if len(body) > SMALL_BYTES:
            raise TooLarge()
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadRequest(_NO_JSON) from error
    if not isinstance(value, dict):
        raise BadRequest(_NO_JSON)
    return value


_CUT_OFF = Bilingual(
    "Nội dung gửi lên bị ngắt giữa chừng; hãy gửi lại.", "The upload broke off; send it again."
)
_NO_JSON = Bilingual("Nội dung gửi lên không phải đối tượng JSON.", "The body is not a JSON object.")
