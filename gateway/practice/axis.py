"""A stand-in national axis: real HTTP, every call of SDKVXP 2.0.1, a memory of its own, and fault knobs.

In charge of: listening, proving calls (HMAC over the exact text), and everything that can go wrong on the way
(``axis_knobs``). Not in charge of: what calls do (``axis_calls``), what is kept (``axis_store``), what the
axis does to a message (``axis_rewrite``). Not for production: it forgives what the real axis may not.

    async with SimulatedAxis([System("H37", secret, ("H37",)), System("G09", other, ("G09",))]) as axis:
        axis.url                                  # what goes into the connection
        axis.put(edxml, to=["H37.31"])            # as if another agency had sent it
        axis.items                                # by docId, with states and counts
        axis.knobs.turn("502", call="sendEdoc", times=2)
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson
import structlog
from aiohttp import web

from adapters.vxp import sign
from gateway.clock import Clock, SystemClock
from gateway.practice.axis_calls import MAX_BYTES, NAMES, AgencyRows, Answer, Calls, No
from gateway.practice.axis_knobs import Fault, Knobs
from gateway.practice.axis_store import Book, Item, Message, System

HOST = "127.0.0.1"
FRESH_SECONDS = 86_400  # how old the time of signing may be, either way
JSON, BYTES = "application/json", "application/octet-stream"
_PAGE = "<!doctype html><html><body><h1>Đăng nhập</h1><form><input name=user></form></body></html>"
_GET = ("downloadEdoc",)

log = structlog.get_logger("gateway.practice.axis")


class SimulatedAxis:
    """The axis as an async context manager. ``calls`` counts by call name; ``requests`` of the control page
    are not counted. With ``folder`` it is the same axis after a restart."""

    def __init__(
        self,
        systems: Iterable[System] = (),
        *,
        clock: Clock | None = None,
        folder: Path | None = None,
        agencies: AgencyRows | None = None,
        seed: int = 0,
        host: str = HOST,
        port: int = 0,
        trace_code: str = "",
    ) -> None:
        self.systems = {system.system_id: system for system in systems}
        self.knobs = Knobs(seed)
        self.requests: Counter[str] = Counter()
        self.book = Book(folder)
        self._calls = Calls(
            self.book, self.knobs, clock or SystemClock(), self.systems, agencies or _nobody, trace_code
        )
        self._host, self._port = host, port
        self._runner: web.AppRunner | None = None
        self.extra_routes: list[web.RouteDef] = []  # the control page; before entering

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
        app = web.Application(client_max_size=MAX_BYTES + 2)
        for name in NAMES:
            app.router.add_route("GET" if name in _GET else "POST", f"/{name}", self._serve)
        app.add_routes(self.extra_routes)
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

    @property
    def messages(self) -> dict[str, Message]:
        """Every accepted message by DocId: the bytes as they came and as the axis wrote them."""
        return self.book.messages

    def put(self, data: bytes, to: Iterable[str] | str | None = None) -> str:
        """Put a message there, as if its sender had sent it; the DocId. ``to`` narrows its recipients.

        ``No`` when nobody of them is served here, or it is no edXML.
        """
        return self._calls.put(data, [to] if isinstance(to, str) else to)

    def again(self, doc_id: str) -> Item:
        """An item once more under another docId."""
        return self._calls.again(self.items[doc_id])

    def open_items(self, system_id: str = "") -> list[Item]:
        """What still waits, of one system or of all."""
        return [item for item in self.items.values() if item.open and system_id in ("", item.system)]

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        call = request.path.rpartition("/")[2]
        self.requests[call] += 1
        if seconds := self.knobs.seconds(Fault.DELAY, call, 1.0):
            await asyncio.sleep(seconds)
        if (spoilt := self._before(request, call)) is not None:
            return spoilt
        try:
            system, parameters = self._proved(request)
            answer = self._calls.answer(call, system, parameters, await request.read())
            status = 200
        except _Unproved as problem:
            answer, status = _fail("401", problem.words), 401
        except No as no:
            answer, status = _fail(no.code, no.words), 200
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
            return _json(_fail(knob.argument or "99", "Lỗi do núm vặn của trục mô phỏng"))
        if self.knobs.strike(Fault.STALE, call):
            return _json(_fail("401", "Chữ ký đã hết hạn"), 401)
        return None

    async def _after(
        self, request: web.Request, call: str, answer: Answer, status: int
    ) -> web.StreamResponse:
        """The answer, or what is left of it."""
        if self.knobs.strike(Fault.LOST_ANSWER, call):
            _cut(request)
            return web.Response()
        if self.knobs.strike(Fault.EMPTY, call):
            return web.Response()
        if isinstance(answer, dict):
            body, media = orjson.dumps(answer), JSON
        elif call in _GET:
            body, media = b"".join(answer), BYTES
        else:
            return await _streamed(request, answer, cut=self.knobs.strike(Fault.CUT_OFF, call) is not None)
        if self.knobs.strike(Fault.CUT_OFF, call):
            return await _half(request, body, media)
        return web.Response(body=body, status=status, content_type=media)

    def _proved(self, request: web.Request) -> tuple[System, dict[str, str]]:
        try:
            signed = sign.read_signed(lambda name: request.headers.getall(name, []))
        except sign.BadSignature as problem:
            raise _Unproved(problem.text.vi) from problem
        system = self.systems.get(signed.system_id)
        if system is None or not signed.proved_by(system.secret.encode()):
            raise _Unproved("Sai systemid hoặc khóa bí mật")
        if not signed.fresh(self._calls.now(), FRESH_SECONDS):
            raise _Unproved("Thời điểm ký lệch quá 24 giờ so với đồng hồ của trục")
        return system, dict(signed.parameters)


class _Unproved(Exception):
    def __init__(self, words: str) -> None:
        self.words = words
        super().__init__(words)


def _nobody() -> Iterable[dict[str, Any]]:
    return ()


def invented_agencies(count: int) -> AgencyRows:
    """So many made-up agencies, as the list of the real axis has more than a hundred thousand."""

    def rows() -> Iterator[dict[str, Any]]:
        for number in range(count):
            code = f"T{number // 1000:03d}.{number % 1000:03d}"
            yield {
                "id": str(number),
                "pid": "",
                "code": code,
                "name": f"Đơn vị thử {number}",
                "mail": "",
                "oldCode": f"000.00.{number % 1000:03d}.T{number // 1000:03d}",
            }

    return rows


def _fail(code: str, words: str) -> dict[str, Any]:
    return {"status": "FAIL", "ErrorCode": code, "ErrorDesc": words}


def _json(answer: dict[str, Any], status: int = 200) -> web.Response:
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


__all__ = ["SimulatedAxis", "System", "invented_agencies"]
