"""The national SDK calls us: ``/vxp``, every call of SDKVXP 2.0.1.

In charge of: the table of calls, and calling the flow. Not in charge of: proving a call (``call.py``), the
shapes of answers (``wire.py``), what a send or a fetch means (``flow``).

The signature proves the system id, not the moment: the SDK sets its time once per client object, so identical
polls come for hours. A call is believed while its time lies within the system id's window; there is no memory
of calls, and none is needed: sends are idempotent by content, everything else only reads or settles.
"""

from __future__ import annotations

from aiohttp import web

from adapters import streams
from adapters.vxp import wire
from adapters.vxp.call import Answer, Call, Handler, answer_errors, served
from adapters.vxp.sending import send
from gateway.clock import local_day
from gateway.errors import BadRequest
from gateway.flow import inbox, requests, waiting
from gateway.flow.door import Admission
from gateway.intake import accept_expectation, small_json
from gateway.model.text import Bilingual, Instant
from gateway.services import Services

PROOF = "fetched in full, then confirmed over VXP (HMAC with a secret that this gateway's operator holds too)"


def make_app(gw: Services, admission: Admission) -> web.Application:
    """The application that ``adapters.MOUNTS`` puts under ``/vxp``."""
    app = web.Application(middlewares=[answer_errors(gw, CALLS)])
    for name, (method, handler) in CALLS.items():
        app.router.add_route(
            method, f"/{name}", served(gw, admission, handler), expect_handler=accept_expectation
        )
    return app


async def list_agencies(call: Call) -> Answer:
    """Agencies in force, streamed."""
    today = local_day(call.gw.clock.now())
    return await streams.rows(call.request, wire.agency_rows(call.gw, today), wire.LIST_HEAD)


async def list_agencies_qd20(call: Call) -> Answer:
    """The same with both codes; ``level`` restricts it to codes of so many groups."""
    level = call.optional("level")
    if level and not (level.isascii() and level.isdigit() and len(level) < 3):
        raise BadRequest(_NO_LEVEL, code="parameter.level")
    today = local_day(call.gw.clock.now())
    rows = wire.qd20_rows(call.gw, today, "" if level == "0" else level)
    return await streams.rows(call.request, rows, wire.LIST_HEAD)


async def list_units(call: Call) -> Answer:
    """Every agency there ever was, streamed."""
    today = local_day(call.gw.clock.now())
    return await streams.rows(call.request, wire.unit_rows(call.gw, today), wire.LIST_HEAD)


async def register_agency(call: Call) -> Answer:
    """A request below the caller's own agency; an operator decides."""
    body = await small_json(call.request)
    code = str(body.get("code") or "")
    asked = await requests.ask(call.gw, call.caller, "register", code, body)
    return wire.ok(_ASKED, requestId=asked.request.id)


async def delete_agency(call: Call) -> Answer:
    """The same for closing one."""
    asked = await requests.ask(call.gw, call.caller, "delete", call.required("AgencyCode"), {})
    return wire.ok(_ASKED, requestId=asked.request.id)


async def list_received(call: Call) -> Answer:
    """What waits, of one type; at most ``waiting.LIST_LIMIT``."""
    gw = call.gw
    found = await waiting.list_waiting(
        gw,
        call.caller,
        statuses=_is_status(call.required("messagetype")),
        since=call.time("fromDate", Instant(0)),
        until=call.time("toDate", waiting.FAR),
    )
    today = local_day(gw.clock.now())
    return wire.ok(data=[wire.received_row(gw, delivery, today) for delivery in found])


async def list_sent(call: Call) -> Answer:
    """What became of one ``DocId``, or of the newest that were sent. An unknown one is an empty list."""
    statuses = _is_status(call.optional("messagetype") or wire.EDOC)
    found = await waiting.list_sent(call.gw, call.caller, call.doc_id(required=False), statuses=statuses)
    today = local_day(call.gw.clock.now())
    return wire.ok(data=[wire.sent_row(call.gw, item, today) for item in found])


async def get(call: Call) -> Answer:
    """One waiting message as base64 within JSON, streamed."""
    parcel = await inbox.fetch(call.gw, call.caller, call.doc_id())
    return await streams.base64_file(call.request, parcel.chunks, wire.FILE_HEAD)


async def download(call: Call) -> Answer:
    """One waiting message, its bytes."""
    parcel = await inbox.fetch(call.gw, call.caller, call.doc_id())
    return await streams.file(call.request, parcel)


async def count_documents(call: Call) -> Answer:
    """How many documents wait."""
    return wire.ok(count=await waiting.count_waiting(call.gw, call.caller, statuses=False))


async def count_statuses(call: Call) -> Answer:
    """How many statuses wait."""
    return wire.ok(count=await waiting.count_waiting(call.gw, call.caller, statuses=True))


async def update_status(call: Call) -> Answer:
    """``done`` after a full fetch settles a message; ``fail`` and ``processing`` are noted, and it stays."""
    doc_id, status = call.doc_id(), call.required("status").lower()
    if status == "done":
        await inbox.done(call.gw, call.caller, doc_id, PROOF)
    elif status in ("fail", "processing"):
        words = call.optional("description")
        await waiting.note(call.gw, call.caller, doc_id, failed=status == "fail", description=words)
    else:
        raise BadRequest(_NO_STATUS, code="status.unknown")
    return wire.ok()


CALLS: dict[str, tuple[str, Handler]] = {
    "getAgenciesList": ("POST", list_agencies),
    "getAgenciesListQD20": ("POST", list_agencies_qd20),
    "getSynchronizeUnit": ("POST", list_units),
    "registerAgency": ("POST", register_agency),
    "deleteAgency": ("POST", delete_agency),
    "sendEdoc": ("POST", send),
    "getReceivedEdocList": ("POST", list_received),
    "getSentEdocList": ("POST", list_sent),
    "getEdoc": ("POST", get),
    "downloadEdoc": ("GET", download),
    "countReceiveEdoc": ("POST", count_documents),
    "countReceiveStatus": ("POST", count_statuses),
    "updateStatus": ("POST", update_status),
}


def _is_status(text: str) -> bool:
    kind = text.lower()
    if kind not in (wire.EDOC, wire.STATUS):
        raise BadRequest(_NO_TYPE, code="message.type_unknown")
    return kind == wire.STATUS


_NO_TYPE = Bilingual(
    "messagetype phải là edoc (văn bản) hoặc status (trạng thái).", "messagetype is edoc or status."
)
_NO_LEVEL = Bilingual("Tham số level phải là số.", "The parameter level is a number.")
_NO_STATUS = Bilingual("status phải là done, fail hoặc processing.", "status is done, fail or processing.")
_ASKED = "Đã ghi nhận đề nghị; quản trị viên của trục sẽ xem xét."
