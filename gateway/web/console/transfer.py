"""Files that come with forms, and files that are handed out.

In charge of: room for an upload (``flow/door.py`` counts it like any other), safe names both ways (RFC 6266,
RFC 8187), streaming out. Not in charge of: what a file is for.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable
from urllib.parse import quote

import structlog
from aiohttp import web

from gateway.model.text import nfc, readable
from gateway.web.console.forms import File, Form, read_upload
from gateway.web.console.page import Visit
from gateway.web.endpoint import DESK

MOST_NAME = 120  # letters of a file's name
NAMELESS = "tep"
XML, PDF, ANY = "application/xml", "application/pdf", "application/octet-stream"
_NO_NAME = re.compile(r'[\\/:*?"<>|\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]+')

log = structlog.get_logger("gateway.web.console")


async def parts_of(visit: Visit, limit: int) -> AsyncIterator[Form | File]:
    """The form of a visit with its files, at most ``limit`` bytes in all; room is taken as they come in."""
    assert visit.visitor is not None
    request, gw = visit.request, visit.gw
    announced = request.content_length or 0
    with request.app[DESK].admission.room(gw, visit.caller.principal, min(announced, limit)) as room:
        async for part in read_upload(request, visit.visitor.session.csrf, limit):
            if isinstance(part, File):
                yield File(part.field, safe_name(part.name, ""), room.filled(part.chunks))
            else:
                yield part


def safe_name(name: str, otherwise: str = NAMELESS) -> str:
    """Somebody's name for a file without paths, control characters and what steers direction."""
    last = re.split(r"[\\/]", readable(nfc(name)))[-1]
    bare = " ".join(_NO_NAME.sub(" ", last).split()).strip(". ")
    if len(bare) > MOST_NAME:
        stem, dot, ending = bare.rpartition(".")
        bare = f"{stem[: MOST_NAME - 12]}{dot}{ending[:10]}" if dot else bare[:MOST_NAME]
    return bare or otherwise


def disposition(name: str) -> str:
    """``Content-Disposition`` of a download: never shown in the browser's own window."""
    plain = re.sub(r"[^A-Za-z0-9._ -]", "_", name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def whole(name: str, data: bytes, kind: str = ANY) -> web.Response:
    """A small file as a download."""
    return web.Response(body=data, content_type=kind, headers={"Content-Disposition": disposition(name)})


async def stream(
    visit: Visit, name: str, size: int, chunks: AsyncIterator[bytes], kind: str = ANY
) -> web.StreamResponse:
    """A file as a download, in pieces; what breaks off is seen to have broken off."""
    headers = {
        "Content-Type": kind,
        "Content-Disposition": disposition(name),
        "Content-Length": str(size),
    }
    response = web.StreamResponse(headers=headers)
    await response.prepare(visit.request)
    try:
        async for chunk in chunks:
            await response.write(chunk)
    except ConnectionError:
        log.info("reader went away", page=visit.page.path)
    except Exception:
        log.exception("download broke off", page=visit.page.path)
        if visit.request.transport is not None:
            visit.request.transport.abort()  # the only way left to say that this is not the whole
    return response


async def each(chunks: Iterable[bytes]) -> AsyncIterator[bytes]:
    """An iterable as an asynchronous one."""
    for chunk in chunks:
        yield chunk
