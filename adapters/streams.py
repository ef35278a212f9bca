"""Large answers to partner software, written as they are made: agency lists, and files.

In charge of: never holding the whole. Not in charge of: what the rows and the JSON around them say (each
dialect's ``wire.py``). An answer that breaks off is cut, not ended: the only way left to say that this is not
the whole.
"""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Iterable
from itertools import islice
from typing import Any

import orjson
import structlog
from aiohttp import web

from gateway.flow.inbox import Parcel

AT_A_TIME = 256  # rows in one write: some 50 KB, a few milliseconds of the loop
JSON, BYTES = "application/json", "application/octet-stream"

log = structlog.get_logger("gateway.partner")


async def rows(
    request: web.Request, made: Iterable[dict[str, Any]], head: bytes, tail: bytes = b"]}"
) -> web.StreamResponse:
    """A list answer between ``head`` and ``tail``; its rows are made while it is written."""
    return await _written(request, _list_parts(made, head, tail), {"Content-Type": JSON})


async def base64_file(
    request: web.Request, chunks: AsyncIterator[bytes], head: bytes, tail: bytes = b'"}'
) -> web.StreamResponse:
    """A file as base64 within the JSON between ``head`` and ``tail``."""
    return await _written(request, _base64_parts(chunks, head, tail), {"Content-Type": JSON})


async def file(request: web.Request, parcel: Parcel) -> web.StreamResponse:
    """A file as it is."""
    name = f'attachment; filename="{parcel.delivery.id}.edxml"'
    headers = {"Content-Type": BYTES, "Content-Length": str(parcel.size), "Content-Disposition": name}
    return await _written(request, parcel.chunks, headers)


async def _written(
    request: web.Request, parts: AsyncIterator[bytes], headers: dict[str, str]
) -> web.StreamResponse:
    response = web.StreamResponse(headers=headers)
    await response.prepare(request)
    try:
        async for part in parts:
            await response.write(part)
    except ConnectionError:
        log.info("caller went away", path=request.path)
    except Exception:
        log.exception("answer broke off", path=request.path)
        if request.transport is not None:
            request.transport.abort()
    return response


async def _list_parts(made: Iterable[dict[str, Any]], head: bytes, tail: bytes) -> AsyncIterator[bytes]:
    source, between = iter(made), head
    while some := list(islice(source, AT_A_TIME)):
        yield between + b",".join(orjson.dumps(row) for row in some)
        between = b","
    yield (head if between is head else b"") + tail


async def _base64_parts(chunks: AsyncIterator[bytes], head: bytes, tail: bytes) -> AsyncIterator[bytes]:
    """Base64 in pieces: each encodes a multiple of three bytes, the rest waits for the next chunk."""
    yield head
    rest = b""
    async for chunk in chunks:
        rest += chunk
        whole = len(rest) - len(rest) % 3
        yield base64.b64encode(rest[:whole])
        rest = rest[whole:]
    yield base64.b64encode(rest) + tail
