"""A stand-in object store: as much of S3 as payloads need, on loopback, with fault knobs.

In charge of: PUT with ``If-None-Match: *``, GET with ranges, HEAD, deleting one and many, paged listing, and
what can go wrong with each. Not in charge of: signatures of calls (not looked at), keeping anything (objects
lie in memory). Not for production.

    async with SimulatedBucket() as bucket:
        bucket.knobs.fault = Fault.SLOW_DOWN
"""

from __future__ import annotations

import asyncio
import enum
import hashlib
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import Self
from xml.sax.saxutils import escape, unescape

from aiohttp import web

from gateway.clock import Clock, SystemClock

HOST = "127.0.0.1"
MOST_BYTES = 1024**3
_SPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
_XML = '<?xml version="1.0" encoding="UTF-8"?>'
_HTTP_DATE = "%a, %d %b %Y %H:%M:%S GMT"


class Fault(enum.Enum):
    """What goes wrong, whatever was asked."""

    NONE = "none"
    DOWN = "down"  # the connection is closed without an answer, nothing is done
    SLOW = "slow"  # the answer comes after ``Knobs.seconds``
    SLOW_DOWN = "slow-down"  # 503 SlowDown
    CUT_OFF = "cut-off"  # half of the body that Content-Length promised
    ANSWER_LOST = "answer-lost"  # it is done, and the connection closed without an answer
    STALE_LIST = "stale-list"  # listings do not show what was written since the knob was turned
    OVERWRITES = "overwrites"  # If-None-Match is ignored, as some stores do
    LOSES_HALF = "loses-half"  # answers 200 and keeps half of the body


@dataclass(slots=True)
class Knobs:
    """``times``: so many calls, then all is well again; 0: until turned back. ``call``: method, or any."""

    fault: Fault = Fault.NONE
    call: str = ""
    times: int = 0
    seconds: float = 1.0

    def strikes(self, method: str) -> Fault:
        """What goes wrong with this call."""
        if self.call and self.call != method:
            return Fault.NONE
        fault = self.fault
        if self.times and fault is not Fault.NONE:
            self.times -= 1
            if not self.times:
                self.fault = Fault.NONE
        return fault


@dataclass(frozen=True, slots=True)
class Kept:
    """One object; ``at``: UTC."""

    data: bytes
    at: datetime

    @property
    def etag(self) -> str:
        """As S3 has it for an object of one part."""
        return f'"{hashlib.md5(self.data, usedforsecurity=False).hexdigest()}"'


@dataclass(slots=True)
class SimulatedBucket:
    """One bucket at ``url``; every path below ``/BUCKET/`` is an object."""

    name: str = "bucket"
    clock: Clock = field(default_factory=SystemClock)
    host: str = HOST
    port: int = 0
    page: int = 1_000  # names in one answer
    knobs: Knobs = field(default_factory=Knobs)
    objects: dict[str, Kept] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)  # "PUT aa/…", oldest first
    _shown: frozenset[str] | None = None  # what a stale listing still shows
    _runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """The endpoint."""
        return f"http://{self.host}:{self.port}"

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=MOST_BYTES)
        app.router.add_route("*", "/{bucket}", self._answer)
        app.router.add_route("*", "/{bucket}/{key:.*}", self._answer)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self.host, self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        key = request.match_info.get("key", "")
        self.calls.append(f"{request.method} {key}")
        fault = self.knobs.strikes(request.method)
        if self.knobs.fault is Fault.STALE_LIST:
            self._shown = frozenset(self.objects) if self._shown is None else self._shown
        else:
            self._shown = None
        if fault is Fault.DOWN:
            return _hung_up(request)
        if fault is Fault.SLOW_DOWN:
            return _problem(503, "SlowDown", "Please reduce your request rate.")
        if fault is Fault.SLOW:
            await asyncio.sleep(self.knobs.seconds)
        answer = await self._do(request, key, fault)
        if fault is Fault.ANSWER_LOST:
            return _hung_up(request)
        if fault is Fault.CUT_OFF and request.method == "GET":
            return await _half(request, answer)
        return answer

    async def _do(self, request: web.Request, key: str, fault: Fault) -> web.Response:
        if request.match_info["bucket"] != self.name:
            return _problem(404, "NoSuchBucket", "The specified bucket does not exist")
        if request.method == "PUT":
            return await self._put(request, key, fault)
        if request.method == "GET" and not key:
            return self._list(request)
        if request.method == "DELETE":
            self.objects.pop(key, None)
            return web.Response(status=204)
        if request.method == "POST" and "delete" in request.query:
            return await self._delete(request)
        kept = self.objects.get(key)
        if kept is None:
            return _problem(404, "NoSuchKey", "The specified key does not exist.")
        return _shown(request, kept)

    async def _put(self, request: web.Request, key: str, fault: Fault) -> web.Response:
        data = await request.read()
        once = request.headers.get("If-None-Match") == "*" and fault is not Fault.OVERWRITES
        if once and key in self.objects:
            return _problem(412, "PreconditionFailed", "At least one of the pre-conditions did not hold")
        if fault is Fault.LOSES_HALF:
            data = data[: len(data) // 2]
        kept = self.objects[key] = Kept(data, _now(self.clock))
        return web.Response(headers={"ETag": kept.etag})

    async def _delete(self, request: web.Request) -> web.Response:
        """DeleteObjects: the names in the body; names that are not there count as deleted."""
        names = [unescape(name) for name in re.findall(r"<Key>(.*?)</Key>", await request.text())]
        for name in names:
            self.objects.pop(name, None)
        rows = "".join(f"<Deleted><Key>{escape(name)}</Key></Deleted>" for name in names)
        text = f'{_XML}<DeleteResult xmlns="{_SPACE}">{rows}</DeleteResult>'
        return web.Response(content_type="application/xml", text=text)

    def _list(self, request: web.Request) -> web.Response:
        """ListObjectsV2: a page by rising names; the token is the last name of the page before."""
        asked, prefix = request.query, request.query.get("prefix", "")
        after = max(asked.get("continuation-token", ""), asked.get("start-after", ""))
        seen = self._shown if self._shown is not None else self.objects.keys()
        names = sorted(name for name in seen if name in self.objects and name.startswith(prefix))
        rest = [name for name in names if name > after]
        page, more = rest[: self.page], len(rest) > self.page
        rows = "".join(self._row(name) for name in page)
        token = f"<NextContinuationToken>{escape(page[-1])}</NextContinuationToken>" if more else ""
        return web.Response(
            content_type="application/xml",
            text=f'{_XML}<ListBucketResult xmlns="{_SPACE}">'
            f"<Name>{self.name}</Name><Prefix>{escape(prefix)}</Prefix><KeyCount>{len(page)}</KeyCount>"
            f"<MaxKeys>{self.page}</MaxKeys><IsTruncated>{str(more).lower()}</IsTruncated>{token}{rows}"
            "</ListBucketResult>",
        )

    def _row(self, name: str) -> str:
        kept = self.objects[name]
        return (
            f"<Contents><Key>{escape(name)}</Key><LastModified>{kept.at:%Y-%m-%dT%H:%M:%S.000Z}</LastModified>"
            f"<ETag>{escape(kept.etag)}</ETag><Size>{len(kept.data)}</Size></Contents>"
        )


def _shown(request: web.Request, kept: Kept) -> web.Response:
    """The object, or the range of it that was asked for."""
    about = {"ETag": kept.etag, "Last-Modified": kept.at.strftime(_HTTP_DATE), "Accept-Ranges": "bytes"}
    if request.method == "HEAD":
        return web.Response(headers={**about, "Content-Length": str(len(kept.data))})
    asked = request.http_range
    if asked.start is None and asked.stop is None:
        return web.Response(body=kept.data, headers=about)
    start = asked.start or 0
    if start >= len(kept.data):
        return _problem(416, "InvalidRange", "The requested range is not satisfiable")
    part = kept.data[start : asked.stop]
    about["Content-Range"] = f"bytes {start}-{start + len(part) - 1}/{len(kept.data)}"
    return web.Response(status=206, body=part, headers=about)


async def _half(request: web.Request, whole: web.Response) -> web.StreamResponse:
    """The beginning of an answer, then nothing."""
    body = whole.body if isinstance(whole.body, bytes) else b""
    answer = web.StreamResponse(status=whole.status, headers=whole.headers)
    answer.content_length = len(body)
    await answer.prepare(request)
    await answer.write(body[: len(body) // 2])
    return _hung_up(request)


def _hung_up(request: web.Request) -> web.Response:
    """The connection ends here."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)


def _problem(status: int, code: str, message: str) -> web.Response:
    text = f"{_XML}<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    return web.Response(status=status, text=text, content_type="application/xml")


def _now(clock: Clock) -> datetime:
    return datetime.fromtimestamp(clock.now() / 1_000_000, UTC)
