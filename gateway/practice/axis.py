"""A stand-in national axis: real HTTP, every call of SDKVXP 2.0.1, a memory of its own, and fault knobs.

In charge of: that dialect's routes, proving calls (HMAC over the exact text), its words of refusal. Not in
charge of: listening and what goes wrong on the way (``axis_wire``), what calls do (``axis_calls``), what is
kept (``axis_store``), what the axis does to a message (``axis_rewrite``). Not for production: it forgives
what the real axis may not.

    async with SimulatedAxis([System("H37", secret, ("H37",)), System("G09", other, ("G09",))]) as axis:
        axis.url                                  # what goes into the connection
        axis.put(edxml, to=["H37.31"])            # as if another agency had sent it
        axis.items                                # by docId, with states and counts
        axis.knobs.turn("502", call="sendEdoc", times=2)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from aiohttp import web

from adapters.vxp import sign
from gateway.clock import Clock, SystemClock
from gateway.practice.axis_calls import MAX_BYTES, NAMES, AgencyRows, Calls
from gateway.practice.axis_store import Item, Message, System
from gateway.practice.axis_wire import HOST, AxisWire, Object, Sent, Unproved, nobody

FRESH_SECONDS = 86_400  # how old the time of signing may be, either way
_GET = ("downloadEdoc",)


class SimulatedAxis(AxisWire):
    """The national axis. Requests of its control page are not counted."""

    fault_code = "99"
    body_bytes = MAX_BYTES + 2

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
        super().__init__(folder, seed, host, port)
        self.systems = {system.system_id: system for system in systems}
        self._calls = Calls(
            self.book, self.knobs, clock or SystemClock(), self.systems, agencies or nobody, trace_code
        )
        self.extra_routes: list[web.RouteDef] = []  # the control page; before entering

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

    def _routes(self) -> list[web.RouteDef]:
        calls = [web.route("GET" if name in _GET else "POST", f"/{name}", self._serve) for name in NAMES]
        return [*calls, *self.extra_routes]

    def _failed(self, code: str, words: str) -> Object:
        return {"status": "FAIL", "ErrorCode": code, "ErrorDesc": words}

    def _unproved(self, words: str) -> Object:
        return self._failed("401", words)

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        call = request.path.rpartition("/")[2]

        async def work() -> Sent:
            system, parameters = self._proved(request)
            answer = self._calls.answer(call, system, parameters, await request.read())
            return answer if isinstance(answer, dict) or call not in _GET else b"".join(answer)

        return await self._handle(request, call, call, work)

    def _proved(self, request: web.Request) -> tuple[System, dict[str, str]]:
        try:
            signed = sign.read_signed(lambda name: request.headers.getall(name, []))
        except sign.BadSignature as problem:
            raise Unproved(problem.text.vi) from problem
        system = self.systems.get(signed.system_id)
        if system is None or not signed.proved_by(system.secret.encode()):
            raise Unproved("Sai systemid hoặc khóa bí mật")
        if not signed.fresh(self._calls.now(), FRESH_SECONDS):
            raise Unproved("Thời điểm ký lệch quá 24 giờ so với đồng hồ của trục")
        return system, dict(signed.parameters)


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


__all__ = ["SimulatedAxis", "System", "invented_agencies"]
