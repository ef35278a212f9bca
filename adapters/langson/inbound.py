"""Software of agencies that speaks to the Lạng Sơn provincial axis calls us: ``/langson``.

In charge of: the table of calls, and calling the flow. Not in charge of: proving a call (``call.py``), the
shapes of answers (``wire.py``), what a send or a fetch means (``flow``).
"""

from __future__ import annotations

from aiohttp import web

from adapters import streams
from adapters.langson import wire
from adapters.langson.call import Answer, Call, Desk, Handler, answer_errors
from adapters.langson.guard import Guard
from adapters.langson.sending import send
from gateway.clock import local_day
from gateway.errors import BadRequest
from gateway.flow import inbox, progress, requests, waiting
from gateway.flow.door import Admission
from gateway.intake import accept_expectation, small_json
from gateway.model.delivery import Delivery
from gateway.model.envelope import Kind, StaffInfo
from gateway.model.status import StatusCode, read_status_code
from gateway.model.text import Bilingual
from gateway.services import Services

PROOF = "fetched in full, then confirmed over the Lạng Sơn dialect (token and secret key)"
LOGIN = "login"


def make_app(gw: Services, admission: Admission) -> web.Application:
    """The application that ``adapters.MOUNTS`` puts under ``/langson``."""
    desk = Desk(gw, admission, Guard())
    app = web.Application(middlewares=[answer_errors(gw, {*CALLS, LOGIN})])
    app.router.add_post("/v1/auth/login", desk.log_in, expect_handler=accept_expectation)
    for name, (method, handler) in CALLS.items():
        app.router.add_route(method, f"/v1/{name}", desk.served(handler), expect_handler=accept_expectation)
    return app


async def list_received(call: Call) -> Answer:
    """What waits, of one type or (no ``messageType``) of both; ``waiting.LIST_LIMIT`` of each at most."""
    span = wire.day_span(call.query("fromDate"), call.query("toDate"))
    if span is None:
        raise BadRequest(_NO_DAY, code="parameter.day")
    found: list[Delivery] = []
    for kind in _types(call.query("messageType")):
        found += await waiting.list_waiting(
            call.gw, call.caller, statuses=kind == wire.STATUS, since=span[0], until=span[1]
        )
    today = local_day(call.gw.clock.now())
    rows = [wire.received_row(call.gw, delivery, today) for delivery in found]
    return wire.ok(count=len(rows), data=rows)


async def get(call: Call) -> Answer:
    """One waiting message as base64 within JSON, streamed."""
    parcel = await inbox.fetch(call.gw, call.caller, call.doc_id(call.query("docId")))
    head = wire.FILE_HEAD % parcel.delivery.id.encode()
    return await streams.base64_file(call.request, parcel.chunks, head, wire.FILE_TAIL)


async def update_status(call: Call) -> Answer:
    """``done`` settles a message after a full fetch; ``fail`` and ``processing`` are noted; a two-digit code
    is the agency's status of the document, and says ``done`` too: clients that send it say nothing else."""
    body = await small_json(call.request)
    doc_id, status = call.doc_id(str(body.get("docId") or "")), str(body.get("status") or "").strip().lower()
    words = str(body.get("description") or "")
    code = read_status_code(status) if status else None
    if status == "done":
        await inbox.done(call.gw, call.caller, doc_id, PROOF)
    elif status in ("fail", "processing"):
        await waiting.note(call.gw, call.caller, doc_id, failed=status == "fail", description=words)
    elif code is not None and not code.from_document_sender:
        await _report(call, doc_id, code, words)
    else:
        raise BadRequest(_NO_STATUS, code="status.unknown")
    return wire.ok()


async def _report(call: Call, doc_id: str, code: StatusCode, words: str) -> None:
    """Settle the delivery, then report. The same code again is a repeat (but 05), for there is no time in the
    call by which two reports could be told apart."""
    settled = await inbox.done(call.gw, call.caller, doc_id, PROOF)
    repeated = settled.status_code == code.value and code is not StatusCode.IN_WORK
    if settled.kind != Kind.STATUS.value and not repeated:
        await progress.report_status(call.gw, call.caller, doc_id, code, words, StaffInfo())


async def list_agencies(call: Call) -> Answer:
    """Agencies in force, streamed."""
    today = local_day(call.gw.clock.now())
    return await streams.rows(call.request, wire.agency_rows(call.gw, today), wire.LIST_HEAD)


async def register_agency(call: Call) -> Answer:
    """A request below the caller's own agency; an operator decides. Fields as in ``getAgenciesList``, or as
    the national axis spells them."""
    body = await small_json(call.request)
    code = str(body.get("orgCode") or body.get("code") or "")
    wanted = {
        "code": code,
        "name": str(body.get("orgName") or body.get("name") or ""),
        "pcode": str(body.get("parentCode") or body.get("pcode") or ""),
        "mail": str(body.get("email") or body.get("mail") or ""),
        "mobile": str(body.get("phone") or body.get("mobile") or ""),
    }
    asked = await requests.ask(call.gw, call.caller, "register", code, wanted)
    return wire.ok(data={"requestId": asked.request.id, "description": _ASKED})


async def receive_status(call: Call) -> Answer:
    """What became of one ``docId`` (of a send), or of the newest that were sent, recipient by recipient."""
    doc_id = call.query("docId")
    kind = call.query("messageType") or wire.EDOC
    found = await waiting.list_sent(
        call.gw,
        call.caller,
        call.doc_id(doc_id) if doc_id else "",
        statuses=_types(kind) == (wire.STATUS,),
    )
    today = local_day(call.gw.clock.now())
    rows = [wire.sent_row(call.gw, item, today) for item in found]
    return wire.ok(count=len(rows), data=rows)


CALLS: dict[str, tuple[str, Handler]] = {
    "sendEdoc": ("POST", send),
    "syncReceivedEdocList": ("GET", list_received),
    "getEdoc": ("GET", get),
    "updateStatus": ("POST", update_status),
    "getAgenciesList": ("GET", list_agencies),
    "registerAgency": ("POST", register_agency),
    "getReceiveStatus": ("GET", receive_status),
}


def _types(text: str) -> tuple[str, ...]:
    kind = text.lower()
    if kind and kind not in (wire.EDOC, wire.STATUS):
        raise BadRequest(_NO_TYPE, code="message.type_unknown")
    return (kind,) if kind else (wire.EDOC, wire.STATUS)


_NO_TYPE = Bilingual(
    "messageType phải là edoc (văn bản) hoặc status (trạng thái).", "messageType is edoc or status."
)
_NO_DAY = Bilingual(
    "fromDate và toDate phải có dạng YYYY/MM/DD, ví dụ 2026/11/23.", "fromDate and toDate are YYYY/MM/DD."
)
_NO_STATUS = Bilingual(
    "status phải là done, fail, processing hoặc mã trạng thái hai chữ số (01 đến 06, 15, 16).",
    "status is done, fail, processing or a two-digit code (01 to 06, 15, 16).",
)
_ASKED = "Đã ghi nhận đề nghị; quản trị viên của trục sẽ xem xét."
