"""The wire of a simulated axis, whatever its dialect: listening, and everything that can go wrong on the way.

In charge of: a server that can go away and come back, and what the fault knobs (``axis_knobs``) do to a call
before and after it. Not in charge of: what the calls of a dialect are and how they are proved (``axis``,
``langson_axis``), what they do (``axis_calls``).
"""

from __future__ import annotations

import asyncio
import contextlib
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self

import orjson
from aiohttp import web

from gateway.practice.axis_calls import No
from gateway.practice.axis_knobs import Fault, Knobs
from gateway.practice.axis_store import Book, Item

HOST = "127.0.0.1"
JSON, BYTES = "application/json", "application/octet-stream"
_PAGE = "<!doctype html><html><body><h1>Đăng nhập</h1><form><input name=user></form></body></html>"

Object = dict[str, Any]
Sent = Object | bytes | Iterator[bytes]  # an answer: JSON, a file, or JSON as it is made


class Unproved(Exception):
    """The caller did not prove who it is: 401."""

    def __init__(self, words: str = "") -> None:
        self.words = words
        super().__init__(words)


class AxisWire(ABC):
    """An axis as an async context manager; a dialect says its routes, and how it refuses.

    ``requests`` counts calls by name. With ``folder`` it is the same axis after a restart.
    """

    fault_code: ClassVar[str]  # of the knob ``fail``, when it is given none
    body_bytes: ClassVar[int]  # the most that one request may hold

    def __init__(self, folder: Path | None, seed: int, host: str, port: int) -> None:
        self.knobs = Knobs(seed)
        self.requests: Counter[str] = Counter()
        self.book = Book(folder)
        self._host, self._port = host, port
        self._runner: web.AppRunner | None = None

    @abstractmethod
    def _routes(self) -> Iterable[web.RouteDef]:
        """What is served."""

    @abstractmethod
    def _failed(self, code: str, words: str) -> Object:
        """The answer, with status 200, of an axis that says no."""

    @abstractmethod
    def _unproved(self, words: str) -> Object:
        """The answer that goes with a 401."""

    def _code(self, no: No) -> str:
        """The dialect's code of a refusal."""
        return no.code

    def _expired(self) -> Object:
        """The answer of the knob ``stale``, which goes with a 401."""
        return self._unproved("Chữ ký đã hết hạn")

    async def __aenter__(self) -> Self:
        await self.listen()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.hang_up()
        self.book.close()

    async def listen(self) -> None:
        """Listen, on the same port as before; the axis may have been away (``hang_up``)."""
        app = web.Application(client_max_size=self.body_bytes)
        app.add_routes(self._routes())
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await runner.setup()
        await web.TCPSite(runner, self._host, self._port).start()
        self._port = int(runner.addresses[0][1])
        self._runner = runner

    async def hang_up(self) -> None:
        """Stop listening: connections are refused until ``listen``."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    @property
    def url(self) -> str:
        """The base URL of the calls."""
        return f"http://{self._host}:{self._port}"

    @property
    def items(self) -> dict[str, Item]:
        """Every item by docId, oldest first."""
        return self.book.items

    async def _handle(
        self, request: web.Request, name: str, call: str, work: Callable[[], Awaitable[Sent]]
    ) -> web.StreamResponse:
        """Do one request, counted as ``name``, under the knobs of ``call``."""
        self.requests[name] += 1
        if seconds := self.knobs.seconds(Fault.DELAY, call, 1.0):
            await asyncio.sleep(seconds)
        if (spoilt := self._before(request, call)) is not None:
            return spoilt
        answer: Sent
        try:
            answer, status = await work(), 200
        except Unproved as problem:
            answer, status = self._unproved(problem.words), 401
        except No as no:
            answer, status = self._failed(self._code(no), no.words), 200
        return await self._after(request, call, answer, status)

    def _before(self, request: web.Request, call: str) -> web.Response | None:
        """What answers instead of the axis."""
        if self.knobs.strike(Fault.REFUSED, call):
            _cut(request)
            return web.Response()
        if self.knobs.strike(Fault.BAD_GATEWAY, call):
            return web.Response(status=502, text="<html>502 Bad Gateway</html>", content_type="text/html")
        if self.knobs.strike(Fault.HTML, call):
            return web.Response(text=_PAGE, content_type="text/html")
        if knob := self.knobs.strike(Fault.BUSY, call):
            return web.Response(status=503, text="busy", headers={"Retry-After": knob.argument or "2"})
        if knob := self.knobs.strike(Fault.FAIL, call):
            return _json(self._failed(knob.argument or self.fault_code, "Lỗi do núm vặn của trục mô phỏng"))
        if self.knobs.strike(Fault.STALE, call):
            return _json(self._expired(), 401)
        return None

    async def _after(self, request: web.Request, call: str, answer: Sent, status: int) -> web.StreamResponse:
        """The answer, or what is left of it."""
        if self.knobs.strike(Fault.LOST_ANSWER, call):
            _cut(request)
            return web.Response()
        if self.knobs.strike(Fault.EMPTY, call):
            return web.Response()
        cut = self.knobs.strike(Fault.CUT_OFF, call) is not None
        if isinstance(answer, dict):
            body, media = orjson.dumps(answer), JSON
        elif isinstance(answer, bytes):
            body, media = answer, BYTES
        else:
            return await _streamed(request, answer, cut=cut)
        if cut:
            return await _half(request, body, media)
        return web.Response(body=body, status=status, content_type=media)


def nobody() -> Iterable[Object]:
    """The agency list of an axis that was given none."""
    return ()


def _json(answer: Object, status: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(answer), status=status, content_type=JSON)


def _cut(request: web.Request) -> None:
    """The connection is gone."""
    if request.transport is not None:
        request.transport.abort()


async def _streamed(request: web.Request, parts: Iterator[bytes], *, cut: bool) -> web.StreamResponse:
    """A long list as it is made; cut off after its first rows."""
    response = web.StreamResponse(headers={"Content-Type": JSON})
    await response.prepare(request)
    with contextlib.suppress(ConnectionError):
        for number, part in enumerate(parts):
            if cut and number == 1:
                await response.write(part[: len(part) // 2])
                _cut(request)
                return response
            await response.write(part)
    return response


async def _half(request: web.Request, body: bytes, media: str) -> web.StreamResponse:
    """Half of what Content-Length promised."""
    response = web.StreamResponse(headers={"Content-Type": media, "Content-Length": str(len(body))})
    await response.prepare(request)
    with contextlib.suppress(ConnectionError):
        await response.write(body[: len(body) // 2])
    _cut(request)
    return response
