"""A stand-in provincial axis of the Lạng Sơn dialect: real HTTP, a token that rotates, and fault knobs.

In charge of: that dialect's calls (reference section 6.3), its login and its codes. Not in charge of:
listening and what goes wrong on the way (``axis_wire``). What is kept and what happens to a message is the
same as at the simulated national axis (``axis_calls``, ``axis_store``); its knobs hold here too, under the
call names of the national axis for lists (``getReceivedEdocList``, ``getSentEdocList``) and their own for the
rest. Not for production.

    async with SimulatedLangsonAxis([Account("ubnd", "mat-khau", System("H37", key, ("H37",)))]) as axis:
        axis.url                                       # what goes into the connection
        axis.put(edxml)                                # as if another agency had sent it
        axis.knobs.turn("stale", call="sendEdoc", times=1)     # 401: the token was rotated early
        axis.rotate()                                  # every token ends now

A login ends the account's earlier token, as an axis does that rotates. ``sendEdoc`` wants a Content-Length.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
from aiohttp import web

from gateway.clock import SECOND, Clock, SystemClock, new_id
from gateway.edxml.limits import Limits
from gateway.edxml.parse import parse_envelope
from gateway.errors import Unreadable
from gateway.model.text import Instant
from gateway.practice.axis_calls import MAX_BYTES, TIME, AgencyRows, Calls, No
from gateway.practice.axis_store import DONE, System
from gateway.practice.axis_wire import HOST, AxisWire, Unproved, nobody

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
Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Account:
    """A login, and the system id with its key (``System.secret``) that belongs to it."""

    username: str
    password: str = field(repr=False)
    system: System


class SimulatedLangsonAxis(AxisWire):
    """A provincial axis; ``url`` is what stands before ``/v1``. ``locked`` recipients are refused with 23."""

    fault_code = "20"
    body_bytes = MAX_BYTES

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
        super().__init__(folder, seed, host, port)
        self.accounts = {account.username: account for account in accounts}
        self.locked: set[str] = set()
        self._clock = clock or SystemClock()
        systems = {account.system.system_id: account.system for account in self.accounts.values()}
        self._calls = Calls(self.book, self.knobs, self._clock, systems, agencies or nobody, "")
        self._tokens: dict[str, tuple[str, Instant]] = {}  # username -> token, end

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
            raise Unproved
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
        """The system of the token. ``Unproved`` for the token, ``No`` for the key."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        now = self._clock.now()
        for username, (held, until) in self._tokens.items():
            if scheme == "Bearer" and token == held and now < until:
                system = self.accounts[username].system
                shown = (request.headers.get("X-SystemId"), request.headers.get("X-SecretKey"))
                if shown != (system.system_id, system.secret):
                    raise No("key", "Sai SystemId hoặc SecretKey")
                return system
        raise Unproved

    def _served(
        self, name: str, handler: Callable[[SimulatedLangsonAxis, web.Request], Awaitable[Answer]]
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        call = _NATIONAL.get(name, name)

        async def serve(request: web.Request) -> web.StreamResponse:
            return await self._handle(request, name, call, lambda: handler(self, request))

        return serve

    def _routes(self) -> list[web.RouteDef]:
        return [
            web.route(method, f"/v1/{name}", self._served(name.rpartition("/")[2], handler))
            for name, (method, handler) in _CALLS.items()
        ]

    def _failed(self, code: str, words: str) -> Answer:
        data = {"docId": None, "status": "FAIL", "errorCode": code, "errorDesc": words}
        return {"success": False, "message": words, "docId": None, "data": data}

    def _unproved(self, words: str) -> Answer:
        return UNAUTHORIZED

    def _code(self, no: No) -> str:
        return CODES.get(no.code, INVALID_FILE)

    def _expired(self) -> Answer:
        self.rotate()
        return UNAUTHORIZED


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


__all__ = ["Account", "SimulatedLangsonAxis", "System"]
