"""The recipient comes for its messages: ``/api/v1/inbox``.

In charge of: the endpoints, and streaming the bytes out. What fetched and done mean is ``flow/inbox.py``.
"""

from __future__ import annotations

import base64

import structlog
from aiohttp import web

from gateway.errors import BadRequest, NotFound, Refused, TooLarge, TooSlow, UnsupportedMedia, WrongState
from gateway.flow import inbox
from gateway.flow.progress import report_status
from gateway.model.envelope import StaffInfo
from gateway.model.refusal import Refusal
from gateway.model.status import read_status_code
from gateway.model.text import Bilingual
from gateway.web import views
from gateway.web.endpoint import AGENCY, Bytes, Call, Endpoint
from gateway.web.models import NoQuery
from gateway.web.models_documents import DeliveryBody, SubmissionAnswer
from gateway.web.models_inbox import DoneList, DoneRequest, InboxList, InboxQuery, StatusRequest

AT_ONCE_BYTES = 65_536  # up to this an envelope goes out with its headers, as one write

log = structlog.get_logger("gateway.web")


async def list_inbox(call: Call[InboxQuery, None]) -> InboxList:
    """What waits for one agency."""
    query = call.query
    agency = call.agency(query.agency)
    page = await inbox.list_inbox(
        call.gw, call.caller, agency, query.cursor, query.limit, content=query.content
    )
    return InboxList(items=[views.inbox_line(item) for item in page.items], cursor=page.cursor)


async def fetch(call: Call[NoQuery, None]) -> web.StreamResponse:
    """The envelope's bytes. Only a fetch that was written to its end counts."""
    parcel = await inbox.fetch(call.gw, call.caller, call.part("delivery"))
    digest = base64.b64encode(bytes.fromhex(parcel.envelope_sha256)).decode()
    headers = {
        "Content-Type": "application/xml",
        "Content-Disposition": f'attachment; filename="{parcel.delivery.id}.edxml"',
        "X-Envelope-SHA256": parcel.envelope_sha256,
        "Digest": f"sha-256={digest}",
        "Content-Digest": f"sha-256=:{digest}:",
    }
    if parcel.size <= AT_ONCE_BYTES:
        return web.Response(body=b"".join([chunk async for chunk in parcel.chunks]), headers=headers)
    response = web.StreamResponse(headers=headers | {"Content-Length": str(parcel.size)})
    await response.prepare(call.request)
    try:
        async for chunk in parcel.chunks:
            await response.write(chunk)
    except ConnectionError:
        log.info("recipient went away", delivery=parcel.delivery.id)
    except Exception:
        log.exception("fetch broke off", delivery=parcel.delivery.id)
        if call.request.transport is not None:
            call.request.transport.abort()  # the only way left to say that this is not the whole
    return response


async def done(call: Call[NoQuery, None]) -> DeliveryBody:
    """The recipient's system has stored it."""
    return views.delivery(await inbox.done(call.gw, call.caller, call.part("delivery")))


async def done_many(call: Call[NoQuery, DoneRequest]) -> DoneList:
    """The recipient's system has stored all of these."""
    settled = await inbox.done_many(call.gw, call.caller, call.body.done)
    return DoneList(items=[views.done_line(one) for one in settled])


async def report(call: Call[NoQuery, StatusRequest]) -> SubmissionAnswer:
    """Report a status without writing edXML."""
    body, staff = call.body, call.body.staff
    code = read_status_code(body.code)
    if code is None:
        raise BadRequest(code="status.unknown")
    info = StaffInfo(
        staff.department, staff.department_id, staff.staff, staff.staff_id, staff.email, staff.mobile
    )
    delivery = call.part("delivery")
    refusal = Refusal(body.refusal) if body.refusal else None
    sent = await report_status(call.gw, call.caller, delivery, code, body.description, info, refusal)
    return views.submission(sent)


ENDPOINTS = (
    Endpoint(
        "GET",
        "/api/v1/inbox",
        "listInbox",
        Bilingual("Gói tin đang chờ trong hộp nhận", "Messages that wait for an agency"),
        list_inbox,
        InboxList,
        roles=AGENCY,
        query=InboxQuery,
        errors=(NotFound,),
    ),
    Endpoint(
        "POST",
        "/api/v1/inbox",
        "confirmMessages",
        Bilingual("Xác nhận đã lưu nhiều gói tin", "Say that many messages are stored"),
        done_many,
        DoneList,
        roles=AGENCY,
        body=DoneRequest,
        errors=(TooLarge, TooSlow, UnsupportedMedia),
    ),
    Endpoint(
        "GET",
        "/api/v1/inbox/{delivery}",
        "fetchMessage",
        Bilingual("Tải gói tin edXML về", "Fetch the envelope"),
        fetch,
        Bytes("application/xml", "The edXML envelope, byte for byte; X-Envelope-SHA256 is its SHA-256."),
        roles=AGENCY,
        errors=(NotFound, WrongState),
    ),
    Endpoint(
        "POST",
        "/api/v1/inbox/{delivery}/done",
        "confirmMessage",
        Bilingual("Xác nhận đã lưu gói tin vào hệ thống nhận", "Say that the message is stored"),
        done,
        DeliveryBody,
        roles=AGENCY,
        errors=(NotFound, WrongState),
    ),
    Endpoint(
        "POST",
        "/api/v1/inbox/{delivery}/status",
        "reportStatus",
        Bilingual("Báo trạng thái xử lý văn bản (02, 03, 06 …)", "Report a status (02, 03, 06 …)"),
        report,
        SubmissionAnswer,
        roles=AGENCY,
        body=StatusRequest,
        status=202,
        errors=(NotFound, Refused, TooLarge, TooSlow, UnsupportedMedia),
    ),
)
