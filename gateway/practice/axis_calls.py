"""What each call of the simulated axis does, when nothing goes wrong (reference section 6.1).

In charge of: the calls' meaning and the shapes of their answers. Not in charge of: HTTP, signatures and
faults on the way (``axis``, ``axis_wire``); only the faults within lists and messages are applied here.

Answers are an object, or for large things an iterator of bytes. ``No`` is the axis' FAIL.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Any

import orjson

from adapters.vxp import sign
from gateway.clock import SECOND, VIETNAM, Clock, from_datetime, local, new_id
from gateway.edxml.limits import Limits
from gateway.edxml.parse import parse_envelope
from gateway.errors import Unreadable
from gateway.model.envelope import Envelope, Kind
from gateway.model.text import Instant
from gateway.practice import axis_rewrite
from gateway.practice.axis_knobs import Fault, Knobs
from gateway.practice.axis_store import DONE, FAIL, PROCESSING, Book, Item, Message, System

TIME = "%d/%m/%Y %H:%M:%S"
EDOC, STATUS = "edoc", "status"
MAX_BYTES = 50 * 1024**2 * 2  # of one message: 50 MB of file grow by a third in base64
LIST_LIMIT = 1000
CRLF = b"\r\n"
_AT_A_TIME = 512  # rows in one piece of a long list

Parameters = dict[str, str]
Answer = dict[str, Any] | Iterator[bytes]
AgencyRows = Callable[[], Iterable[dict[str, Any]]]


class No(Exception):
    """The axis says FAIL, with its ErrorCode and words."""

    def __init__(self, code: str, words: str) -> None:
        self.code, self.words = code, words
        super().__init__(f"{code}: {words}")


@dataclass(slots=True)
class Calls:
    """The calls, over one book. ``systems`` by id; ``agencies`` makes the rows of the agency list."""

    book: Book
    knobs: Knobs
    clock: Clock
    systems: dict[str, System]
    agencies: AgencyRows
    trace_code: str = ""

    def now(self) -> Instant:
        """The axis' own idea of the time."""
        return Instant(self.clock.now() + int(self.knobs.seconds(Fault.CLOCK_SKEW, "clock", 0) * SECOND))

    def answer(self, call: str, system: System, parameters: Parameters, body: bytes) -> Answer:
        """Do one call. ``No`` when the axis refuses."""
        return _CALLS[call](self, system, parameters, body)

    def put(
        self, data: bytes, to: Iterable[str] | None = None, system: str = "", sender: str = "", kind: str = ""
    ) -> str:
        """A message for its recipients (or those of ``to`` only); the DocId. ``No`` for what cannot be read,
        for nobody here, and for what is not the ``kind`` that was announced."""
        envelope = _read(data)
        now = self.now()
        found = STATUS if envelope.kind is Kind.STATUS else EDOC
        if kind and kind != found:
            raise No("messagetype", "messagetype không khớp nội dung gói tin")
        how = axis_rewrite.Writing(self.trace_code, local(now).strftime("%Y/%m/%d %H:%M:%S"))
        message = Message(
            new_id(now),
            found,
            sender or envelope.sender.organ_id,
            system,
            envelope.document_id,
            data,
            axis_rewrite.rewrite(data, how),
        )
        recipients = list(to) if to is not None else _recipients(envelope)
        items = [self._item(message, envelope, code) for code in recipients if self._holder(code)]
        if not items:
            raise No("receiver.unknown", f"Không có đơn vị nhận nào trên trục: {', '.join(recipients)}")
        self.book.add(message, items)
        for item in items:
            if self.knobs.strike(Fault.DUPLICATE, "sendEdoc"):
                self.again(item)
        return message.doc_id

    def again(self, item: Item) -> Item:
        """The same message for the same recipient, under another docId."""
        now = self.now()
        copy = replace(
            item, doc_id=new_id(now), created=now, updated=now, state="initial", fetched=0, confirmed=0
        )
        self.book.add_item(copy)
        return copy

    def send(self, system: System, parameters: Parameters, body: bytes) -> Answer:
        data, declared = body, parameters.get("hash-file", "")
        if self.knobs.strike(Fault.WRONG_HASH, "sendEdoc"):
            data = axis_rewrite.damaged(body)
        data = _hashed(data, declared)
        sender = parameters.get("from", "")
        if not (sender == system.system_id if system.strict else system.serves(sender)):
            raise No("from", f"from={sender} không thuộc hệ thống {system.system_id}")
        if len(data) > MAX_BYTES:
            raise No("size", "Gói tin vượt quá dung lượng cho phép")
        to = _narrowed(parameters.get("to", ""))
        return _ok(DocId=self.put(data, to, system.system_id, sender, _type(parameters)))

    def received(self, system: System, parameters: Parameters, body: bytes) -> Answer:
        kind = _type(parameters)
        since = _time(parameters.get("fromdate", ""), 0)
        until = _time(parameters.get("todate", ""), 2**62)
        items = [
            item
            for item in self.book.of(system)
            if item.open and item.kind == kind and since <= item.created <= until
        ]
        return _ok(data=self._spoilt("getReceivedEdocList", [_received_row(item) for item in items]))

    def sent(self, system: System, parameters: Parameters, body: bytes) -> Answer:
        kind, doc_id = parameters.get("messagetype", ""), parameters.get("docid", "")
        items = [
            item
            for item in self.book.sent_by(system)
            if (not kind or item.kind == kind) and doc_id in ("", item.sender_doc_id)
        ]
        return _ok(data=self._spoilt("getSentEdocList", [_sent_row(item) for item in items]))

    def get(self, system: System, parameters: Parameters, body: bytes) -> Answer:
        data = base64.b64encode(self._fetched("getEdoc", system, parameters)).decode()
        return _ok(data=data)

    def download(self, system: System, parameters: Parameters, body: bytes) -> Answer:
        return iter([self._fetched("downloadEdoc", system, parameters)])

    def count_documents(self, system: System, parameters: Parameters, body: bytes) -> Answer:
        return _ok(count=sum(item.open and item.kind == EDOC for item in self.book.of(system)))

    def count_statuses(self, system: System, parameters: Parameters, body: bytes) -> Answer:
        return _ok(count=sum(item.open and item.kind == STATUS for item in self.book.of(system)))

    def update_status(self, system: System, parameters: Parameters, body: bytes) -> Answer:
        item, status = self._own(system, parameters), parameters.get("status", "").lower()
        if status not in (DONE, FAIL, PROCESSING):
            raise No("status", "status phải là done, fail hoặc processing")
        if status == DONE and self.knobs.strike(Fault.FORGOTTEN_DONE, "updateStatus"):
            item.confirmed += 1
            return _ok()
        self.book.move(item, status, parameters.get("description", ""), self.now())
        return _ok()

    def list_agencies(self, system: System, parameters: Parameters, body: bytes) -> Answer:
        return _streamed(self._agency_rows())

    def list_agencies_qd20(self, system: System, parameters: Parameters, body: bytes) -> Answer:
        level = parameters.get("level", "")
        rows = ({**row, "code102": row.get("oldCode", "")} for row in self._agency_rows())
        return _streamed(row for row in rows if not level or row["code"].count(".") + 1 == int(level))

    def list_units(self, system: System, parameters: Parameters, body: bytes) -> Answer:
        closed = {code for code, row in self.book.agencies.items() if not row}
        more = {"version": "1", "centerCode": "", "modifyDate": "", "isAgency": True}
        return _streamed({**row, **more, "deleted": row["code"] in closed} for row in self.agencies())

    def register(self, system: System, parameters: Parameters, body: bytes) -> Answer:
        try:
            asked = orjson.loads(body)
            code = str(asked["code"])
        except (orjson.JSONDecodeError, KeyError, TypeError) as error:
            raise No("body", "Nội dung không phải JSON của registerAgency") from error
        row = {"id": str(asked.get("id") or code), "pid": str(asked.get("pcode") or ""), "code": code}
        texts = {"name": str(asked.get("name") or ""), "mail": str(asked.get("mail") or "")}
        self.book.set_agency(code, row | texts | {"oldCode": ""})
        return _ok()

    def delete(self, system: System, parameters: Parameters, body: bytes) -> Answer:
        self.book.set_agency(parameters.get("agencycode", ""), {})
        return _ok()

    def _agency_rows(self) -> Iterator[dict[str, Any]]:
        changed = self.book.agencies
        yield from (row for row in self.agencies() if row["code"] not in changed)
        yield from (row for row in list(changed.values()) if row)

    def _fetched(self, call: str, system: System, parameters: Parameters) -> bytes:
        item = self._own(system, parameters)
        item.fetched += 1
        data = self.book.bytes_of(item)
        nulls = self.knobs.strike(Fault.NULLS, call) is not None
        backwards = self.knobs.strike(Fault.ORDER, call) is not None
        if nulls or backwards:
            data = axis_rewrite.rewrite(data, axis_rewrite.Writing(nulls=nulls, backwards=backwards))
        if self.knobs.strike(Fault.PREFIX, call):
            data = axis_rewrite.with_prefix(data)
        if self.knobs.strike(Fault.WHITESPACE, call):
            data = axis_rewrite.without_line_ends(data)
        return axis_rewrite.damaged(data) if self.knobs.strike(Fault.WRONG_HASH, call) else data

    def _spoilt(self, call: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """A list as an axis with knobs gives it; at most ``LIST_LIMIT`` rows of what is there."""
        rows = rows[:LIST_LIMIT]
        if self.knobs.strike(Fault.PARTIAL, call):
            rows = rows[: len(rows) // 2]
        if self.knobs.strike(Fault.REORDER, call):
            rows = rows[::-1]
        if self.knobs.strike(Fault.LISTED_TWICE, call):
            rows = [row for row in rows for _ in range(2)]
        if self.knobs.strike(Fault.NULLS, call):
            rows = [{name: value or "null" for name, value in row.items()} for row in rows]
        return rows

    def _own(self, system: System, parameters: Parameters) -> Item:
        item = self.book.items.get(parameters.get("docid", ""))
        if item is None or item.system != system.system_id:
            raise No("docId", "Không có văn bản này trong hộp nhận của hệ thống")
        return item

    def _holder(self, code: str) -> System | None:
        return next((system for system in self.systems.values() if system.serves(code)), None)

    def _item(self, message: Message, envelope: Envelope, code: str) -> Item:
        holder, now = self._holder(code), self.now()
        assert holder is not None  # asked for before
        notation = f"{envelope.code_number}/{envelope.code_notation}" if envelope.code_notation else ""
        return Item(
            doc_id=new_id(now),
            sender_doc_id=message.doc_id,
            kind=message.kind,
            sender=message.sender,
            recipient=code,
            system=holder.system_id,
            document_id=envelope.document_id,
            title=envelope.subject,
            notation=notation,
            created=now,
            updated=now,
        )


_CALLS: dict[str, Callable[[Calls, System, Parameters, bytes], Answer]] = {
    "getAgenciesList": Calls.list_agencies,
    "getAgenciesListQD20": Calls.list_agencies_qd20,
    "getSynchronizeUnit": Calls.list_units,
    "registerAgency": Calls.register,
    "deleteAgency": Calls.delete,
    "sendEdoc": Calls.send,
    "getReceivedEdocList": Calls.received,
    "getSentEdocList": Calls.sent,
    "getEdoc": Calls.get,
    "downloadEdoc": Calls.download,
    "countReceiveEdoc": Calls.count_documents,
    "countReceiveStatus": Calls.count_statuses,
    "updateStatus": Calls.update_status,
}
NAMES = tuple(_CALLS)


def _ok(**fields: Any) -> dict[str, Any]:
    return {"status": "OK", "ErrorCode": "0", "ErrorDesc": "", **fields}


def _read(data: bytes) -> Envelope:
    try:
        return parse_envelope(data, Limits(max_bytes=2 * MAX_BYTES)).envelope
    except Unreadable as error:
        raise No("edxml", f"Gói tin không đúng edXML: {error.text.vi}") from error


def _recipients(envelope: Envelope) -> list[str]:
    """Whom a message is for: its recipients, or for a status those whose document it is about."""
    if envelope.kind is Kind.STATUS:
        return [answer.organ_id for answer in envelope.response_for]
    return [one.organ_id for one in envelope.recipients]


def _hashed(body: bytes, declared: str) -> bytes:
    """The file without the CRLF of the SDK. ``No`` when it is not the one that was hashed."""
    for data in (body.removesuffix(CRLF), body):
        if sign.same_hash(declared, hashlib.sha256(data).digest()):
            return data
    raise No("hash-file", "hash-file không khớp nội dung nhận được")


def _narrowed(text: str) -> list[str] | None:
    if not text:
        return None
    try:
        codes = orjson.loads(text) if text.startswith("[") else [text]
    except orjson.JSONDecodeError as error:
        raise No("to", "to phải là mảng JSON") from error
    return [str(code) for code in codes] or None


def _type(parameters: Parameters) -> str:
    kind = parameters.get("messagetype", "")
    if kind not in (EDOC, STATUS):
        raise No("messagetype", "messagetype phải là edoc hoặc status")
    return kind


def _time(text: str, otherwise: int) -> int:
    if not text:
        return otherwise
    try:
        return from_datetime(datetime.strptime(text, TIME).replace(tzinfo=VIETNAM))
    except ValueError as error:
        raise No("date", "Ngày phải có dạng dd/MM/yyyy HH:mm:ss") from error


def _shown(at: int) -> str:
    return local(Instant(at)).strftime(TIME)


def _received_row(item: Item) -> dict[str, Any]:
    return {
        "docId": item.doc_id,
        "serviceType": "eDoc",
        "messageType": item.kind,
        "created_time": _shown(item.created),
        "updated_time": _shown(item.updated),
        "from": item.sender,
        "to": item.recipient,
        "status": item.state,
        "status_desc": item.description,
    }


def _sent_row(item: Item) -> dict[str, Any]:
    return {
        "serviceType": "eDoc",
        "messageType": item.kind,
        "senderDocId": item.sender_doc_id,
        "receiverDocId": item.doc_id,
        "fromCode": item.sender,
        "toCode": item.recipient,
        "title": item.title,
        "notation": item.notation,
        "sentTime": _shown(item.created),
        "receivedTime": _shown(item.updated) if item.state == DONE else "",
        "sendStatus": "done",
        "sendStatusDesc": "",
        "receiveStatus": item.state,
        "receiveStatusDesc": item.description,
    }


def _streamed(rows: Iterable[dict[str, Any]]) -> Iterator[bytes]:
    """A list answer in pieces: nobody holds 120 000 rows."""
    source, before = iter(rows), b'{"status":"OK","ErrorCode":"0","ErrorDesc":"","data":['
    yield before
    between = b""
    while some := list(islice(source, _AT_A_TIME)):
        yield between + b",".join(orjson.dumps(row) for row in some)
        between = b","
    yield b"]}"
