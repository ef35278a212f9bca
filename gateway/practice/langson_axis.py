"""A stand-in provincial axis of the Lạng Sơn dialect: real HTTP, a token that rotates, and fault knobs.

In charge of: that dialect's calls (reference section 6.3), its login, its codes, and what goes wrong on the
way. What is kept and what happens to a message is the same as at the simulated national axis (``axis_calls``,
``axis_store``); its knobs hold here too, under the call names of the national axis for lists
(``getReceivedEdocList``, ``getSentEdocList``) and their own for the rest. Not for production.

    async with SimulatedLangsonAxis([Account("ubnd", "mat-khau", System("H37", key, ("H37",)))]) as axis:
        axis.url                                       # what goes into the connection
        axis.put(edxml)                                # as if another agency had sent it
        axis.knobs.turn("stale", call="sendEdoc", times=1)     # 401: the token was rotated early
        axis.rotate()                                  # every token ends now

A login ends the account's earlier token, as an axis does that rotates. ``sendEdoc`` wants a Content-Length.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson
from aiohttp import web

from gateway.clock import SECOND, Clock, SystemClock, new_id
from gateway.edxml.limits import Limits
from gateway.edxml.parse import parse_envelope
from gateway.errors import Unreadable
from gateway.model.text import Instant
from gateway.practice.axis_calls import MAX_BYTES, TIME, AgencyRows, Calls, No
from gateway.practice.axis_knobs import Fault, Knobs
from gateway.practice.axis_store import DONE, Book, Item, System

HOST = "127.0.0.1"
JSON = "application/json"
DAY = "%Y/%m/%d"
TOKEN_SECONDS = 1_800
UNAUTHORIZED = {
    "errorDetail": None,
    "code": 401,
    "message": "Unauthorized",
    "licenseInfo": "invalid",
    "totalTime": 0,
}
# Why the axis says no -> its code.
CODES = {"receiver.unknown": "18", "sender": "19", "edxml": "22", "locked": "23", "key": "15"}
INVALID_FILE = "10"
BUSINESS = ("02", "03", "04", "05", "06")  # what the known client sends to updateStatus
_NATIONAL = {"syncReceivedEdocList": "getReceivedEdocList", "getReceiveStatus": "getSentEdocList"}
_PAGE = "<!doctype html><html><body><h1>Đăng nhập</h1></body></html>"
Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Account:
    """A login, and the system id with its key (``System.secret``) that belongs to it."""

    username: str
    password: str = field(repr=False)
    system: System


class SimulatedLangsonAxis:
    """The axis as an async context manager. ``requests`` counts calls by name; ``locked`` recipients are
    refused with 23."""

    def __init__(
        self,
        accounts: Iterable[Account] = (),
        *,
        clock: Clock | None = None,
        folder: Path | None = None,
        agencies: AgencyRows | None = None,
        seed: int = 0,
        host: str = HOST,
        port: int = 0,
    ) -> None:
        self.accounts = {account.username: account for account in accounts}
        self.knobs = Knobs(seed)
        self.requests: Counter[str] = Counter()
        self.book = Book(folder)
        self.locked: set[str] = set()
        self._clock = clock or SystemClock()
        systems = {account.system.system_id: account.system for account in self.accounts.values()}
        self._calls = Calls(self.book, self.knobs, self._clock, systems, agencies or _nobody, "")
        self._tokens: dict[str, tuple[str, Instant]] = {}  # username -> token, end
        self._host, self._port = host, port
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=MAX_BYTES)
        for name, (method, handler) in _CALLS.items():
            app.router.add_route(method, f"/v1/{name}", self._served(name.rpartition("/")[2], handler))
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host, self._port).start()
        self._port = int(self._runner.addresses[0][1])
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
        self.book.close()

    @property
    def url(self) -> str:
        """What stands before ``/v1``."""
        return f"http://{self._host}:{self._port}"

    @property
    def items(self) -> dict[str, Item]:
        """Every item by docId, oldest first."""
        return self.book.items

    def put(self, data: bytes) -> str:
        """Put a message there, as if its sender had sent it; the docId that the sender was told."""
        return self._calls.put(data)

    def rotate(self) -> None:
        """Every token ends now."""
        self._tokens.clear()

    # ------------------------------------------------------------ calls

    async def log_in(self, request: web.Request) -> Answer:
        """Name and password for a token; the one before ends."""
        body = orjson.loads(await request.read())
        account = self.accounts.get(str(body.get("username")))
        if account is None or body.get("password") != account.password:
            raise _Unauthorized
        now = self._clock.now()
        token = new_id(now)
        self._tokens[account.username] = (token, Instant(now + TOKEN_SECONDS * SECOND))
        return {"code": 200, "message": "", "errorDetail": None, "data": {"token": token}, "totalTime": 1}

    async def send(self, request: web.Request) -> Answer:
        """One edXML file in a form."""
        system = self._proved(request)
        if request.content_length is None:
            raise No("length", "Thiếu Content-Length")
        fields = await request.post()
        file, kind = fields.get("edocFile"), fields.get("messageType")
        if not isinstance(file, web.FileField) or not isinstance(kind, str):
            raise No("form", "Thiếu edocFile hoặc messageType")
        data = file.file.read()
        sender, recipients = _ends(data)
        if not system.serves(sender):
            raise No("sender", f"Đơn vị gửi {sender} chưa đăng ký")
        if locked := self.locked & set(recipients):
            raise No("locked", f"Đơn vị nhận {', '.join(locked)} đã bị khóa")
        doc_id = self._again(system, data) or self._calls.put(data, None, system.system_id, sender, kind)
        answer = {"docId": doc_id, "status": "OK", "errorCode": "0", "errorDesc": ""}
        return {"success": True, "message": "", "docId": doc_id, "data": answer}

    async def received(self, request: web.Request) -> Answer:
        """What waits."""
        system = self._proved(request)
        parameters = {"messagetype": request.query.get("messageType", "")}
        for name, hours in (("fromDate", "00:00:00"), ("toDate", "23:59:59")):
            if text := request.query.get(name):
                parameters[name.lower()] = f"{datetime.strptime(text, DAY):%d/%m/%Y} {hours}"
        rows = self._rows("getReceivedEdocList", system, parameters)
        data = [_received(row) for row in rows]
        return {"code": 200, "message": "", "count": len(data), "errorDetail": [], "data": data}

    async def get(self, request: web.Request) -> Answer:
        """One waiting message."""
        answer = self._national("getEdoc", self._proved(request), {"docid": request.query.get("docId", "")})
        return {"code": 200, "message": "", "errorDetail": [], "data": {"data": answer["data"]}}

    async def update_status(self, request: web.Request) -> Answer:
        """``done`` or ``fail``; a two-digit code says ``done`` too, and is kept as the description."""
        system, body = self._proved(request), orjson.loads(await request.read())
        status = str(body.get("status"))
        parameters = {"docid": str(body.get("docId")), "status": status}
        if status in BUSINESS:
            parameters |= {"status": DONE, "description": status}
        else:
            parameters["description"] = str(body.get("description") or "")
        self._national("updateStatus", system, parameters)
        return {"success": True, "code": 200, "message": ""}

    async def agencies(self, request: web.Request) -> Answer:
        """The agency list."""
        self._proved(request)
        rows = [
            {
                "orgCode": row["code"],
                "orgName": row["name"],
                "parentCode": row["pid"],
                "address": "",
                "email": row["mail"],
                "phone": "",
            }
            for row in self._calls.agencies()
        ]
        return {"code": 200, "message": "", "data": rows}

    async def sent(self, request: web.Request) -> Answer:
        """What became of what the caller sent."""
        system = self._proved(request)
        rows = self._rows("getSentEdocList", system, {"docid": request.query.get("docId", "")})
        return {"code": 200, "message": "", "count": len(rows), "data": [_sent(row) for row in rows]}

    # ------------------------------------------------------------ inside

    def _national(self, call: str, system: System, parameters: dict[str, str]) -> Answer:
        answer = self._calls.answer(call, system, parameters, b"")
        assert isinstance(answer, dict)
        return answer

    def _rows(self, call: str, system: System, parameters: dict[str, str]) -> list[dict[str, Any]]:
        rows = self._national(call, system, parameters)["data"]
        assert isinstance(rows, list)
        return rows

    def _again(self, system: System, data: bytes) -> str:
        """The docId of the same bytes sent before by this system."""
        messages = self.book.messages.values()
        return next((m.doc_id for m in messages if m.raw == data and m.system == system.system_id), "")

    def _proved(self, request: web.Request) -> System:
        """The system of the token. ``_Unauthorized`` for the token, ``No`` for the key."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        now = self._clock.now()
        for username, (held, until) in self._tokens.items():
            if scheme == "Bearer" and token == held and now < until:
                system = self.accounts[username].system
                shown = (request.headers.get("X-SystemId"), request.headers.get("X-SecretKey"))
                if shown != (system.system_id, system.secret):
                    raise No("key", "Sai SystemId hoặc SecretKey")
                return system
        raise _Unauthorized

    def _served(
        self, name: str, handler: Callable[[SimulatedLangsonAxis, web.Request], Awaitable[Answer]]
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        call = _NATIONAL.get(name, name)

        async def serve(request: web.Request) -> web.StreamResponse:
            self.requests[name] += 1
            if seconds := self.knobs.seconds(Fault.DELAY, call, 1.0):
                await asyncio.sleep(seconds)
            if (spoilt := self._before(request, call)) is not None:
                return spoilt
            try:
                answer, status = await handler(self, request), 200
            except _Unauthorized:
                answer, status = UNAUTHORIZED, 401
            except No as no:
                answer, status = _failure(CODES.get(no.code, INVALID_FILE), no.words), 200
            return await self._after(request, call, answer, status)

        return serve

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
            return _json(_failure(knob.argument or "20", "Lỗi do núm vặn của trục mô phỏng"))
        if self.knobs.strike(Fault.STALE, call):
            self.rotate()
            return _json(UNAUTHORIZED, 401)
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
        if not self.knobs.strike(Fault.CUT_OFF, call):
            return _json(answer, status)
        body = orjson.dumps(answer)
        response = web.StreamResponse(headers={"Content-Type": JSON, "Content-Length": str(len(body))})
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):
            await response.write(body[: len(body) // 2])
        _cut(request)
        return response


class _Unauthorized(Exception):
    """No token of ours, or one that was rotated."""


_CALLS: dict[str, tuple[str, Callable[[SimulatedLangsonAxis, web.Request], Awaitable[Answer]]]] = {
    "auth/login": ("POST", SimulatedLangsonAxis.log_in),
    "sendEdoc": ("POST", SimulatedLangsonAxis.send),
    "syncReceivedEdocList": ("GET", SimulatedLangsonAxis.received),
    "getEdoc": ("GET", SimulatedLangsonAxis.get),
    "updateStatus": ("POST", SimulatedLangsonAxis.update_status),
    "getAgenciesList": ("GET", SimulatedLangsonAxis.agencies),
    "getReceiveStatus": ("GET", SimulatedLangsonAxis.sent),
}


def _ends(data: bytes) -> tuple[str, list[str]]:
    """Who sends, and to whom; ``No`` for what cannot be read."""
    try:
        envelope = parse_envelope(data, Limits(max_bytes=2 * MAX_BYTES)).envelope
    except Unreadable as error:
        code = "file" if error.code in ("envelope.not_xml", "envelope.empty") else "edxml"
        raise No(code, f"Gói tin không đúng edXML: {error.text.vi}") from error
    return envelope.sender.organ_id, [one.organ_id for one in envelope.recipients]


def _received(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "serviceType": row["serviceType"],
        "createdTime": _time(row["created_time"]),
        "updatedTime": _time(row["updated_time"]),
        "messageType": row["messageType"],
        "docId": row["docId"],
        "from": row["from"],
        "to": row["to"],
        "status": row["status"],
        "statusDesc": row["status_desc"],
    }


def _sent(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "docId": row["senderDocId"],
        "from": row["fromCode"],
        "to": row["toCode"],
        "notation": row["notation"],
        "sentTime": _time(row["sentTime"]),
        "status": row["receiveStatus"],
        "statusDesc": row["receiveStatusDesc"],
    }


def _time(text: str) -> str:
    """A time of the national axis in this one's form; anything else (the text "null") as it is."""
    try:
        return datetime.strptime(text, TIME).strftime("%Y/%m/%d %H:%M:%S")
    except ValueError:
        return text


def _failure(code: str, words: str) -> Answer:
    data = {"docId": None, "status": "FAIL", "errorCode": code, "errorDesc": words}
    return {"success": False, "message": words, "docId": None, "data": data}


def _nobody() -> Iterable[dict[str, Any]]:
    return ()


def _json(answer: Answer, status: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(answer), status=status, content_type=JSON)


def _cut(request: web.Request) -> None:
    """The connection is gone."""
    if request.transport is not None:
        request.transport.abort()


__all__ = ["Account", "SimulatedLangsonAxis", "System"]
