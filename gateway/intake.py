"""The body of a request as it comes in, for both edges: the native API, and dialects whose software calls us.

In charge of: where it comes from, patience, sizes, ``Expect: 100-continue`` and small JSON. Not in charge of:
who calls and how much may come in at one time (``flow/door.py``), what a body means (``web/body.py``, each
dialect).
"""

from __future__ import annotations

import asyncio
import functools
import ipaddress
from collections.abc import AsyncIterator
from typing import Any

import orjson
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from gateway.errors import BadRequest, TooLarge, TooSlow, UnsupportedMedia
from gateway.model.text import Bilingual

SMALL_BYTES = 65_536  # of a JSON body
IDLE_SECONDS = 30.0  # between two chunks of an upload
# After the first half minute an upload must have come at this rate: a 512 kbit/s line is eight times faster.
SLOWEST_BYTES_PER_SECOND = 8_192
CUT_OFF = Bilingual(
    "Nội dung gửi lên bị ngắt giữa chừng; hãy gửi lại.", "The upload broke off; send it again."
)


def source_of(request: web.Request, proxies: str) -> str:
    """The address that a request comes from: behind one of our own proxies (``server.proxies``) what the last
    of them that is not ours names in X-Forwarded-For. Nobody else's word about it counts."""
    source, trusted = request.remote or "", networks(proxies)
    named = ",".join(request.headers.getall("X-Forwarded-For", ())).split(",")
    while named and named[-1].strip() and _is_one_of(source, trusted):
        source = named.pop().strip()[:100]
    return source


def is_secure(request: web.Request, proxies: str) -> bool:
    """True over TLS: ours, or that of a proxy of ours."""
    proxied = _is_one_of(request.remote or "", networks(proxies))
    return request.secure or (proxied and request.headers.get("X-Forwarded-Proto", "") == "https")


@functools.cache
def networks(text: str) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    """Networks, comma-separated. ``ValueError`` for what is none."""
    return tuple(ipaddress.ip_network(one.strip()) for one in text.split(",") if one.strip())


def _is_one_of(address: str, trusted: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]) -> bool:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(found in network for network in trusted)


async def accept_expectation(request: web.Request) -> None:
    """Answer ``Expect: 100-continue`` only once the body is wanted, so that a refusal costs no upload."""


async def chunks_of(request: web.Request, cut_off: Bilingual = CUT_OFF) -> AsyncIterator[bytes]:
    """The body as it arrives. ``TooSlow`` when it stalls, ``BadRequest`` (``cut_off``) when it is cut off."""
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
        raise BadRequest(cut_off, code="upload.cut_off") from error


async def small_body(
    request: web.Request, too_large: Bilingual | None = None, cut_off: Bilingual = CUT_OFF
) -> bytes:
    """The whole body; ``TooLarge`` (``too_large``) above 64 KiB, else as ``chunks_of``."""
    if (request.content_length or 0) > SMALL_BYTES:
        raise TooLarge(too_large)
    body = bytearray()
    async for chunk in chunks_of(request, cut_off):
        body += chunk
        if len(body) > SMALL_BYTES:
            raise TooLarge(too_large)
    return bytes(body)


async def small_json(request: web.Request) -> dict[str, Any]:
    """The JSON object that a small body holds; ``BadRequest`` when it is none."""
    try:
        value = orjson.loads(await small_body(request))
    except orjson.JSONDecodeError as error:
        raise BadRequest(_NO_JSON) from error
    if not isinstance(value, dict):
        raise BadRequest(_NO_JSON)
    return value


_NO_JSON = Bilingual("Nội dung gửi lên không phải đối tượng JSON.", "The body is not a JSON object.")
