"""Sending documents and seeing what became of them: ``/api/v1/documents``, ``/api/v1/check``.

In charge of: the endpoints. The walk of an upload is ``flow/submit.py``, what a caller may see
``flow/look.py``.
"""

from __future__ import annotations

from gateway.clock import from_datetime, to_rfc3339
from gateway.compliance.calendar import Clocks
from gateway.compliance.clause_words import of_examination
from gateway.compliance.clauses import clause_rules
from gateway.compliance.contributions import Reference
from gateway.errors import (
    DuplicateConflict,
    NotFound,
    Refused,
    TooLarge,
    TooSlow,
    Unreadable,
    UnsupportedMedia,
)
from gateway.flow import footprints, look, peers
from gateway.flow.door import receive
from gateway.flow.report import examination_json
from gateway.flow.submit import preflight
from gateway.model.text import Bilingual
from gateway.web import views
from gateway.web.endpoint import AGENCY, Call, Endpoint, Upload, Uploaded
from gateway.web.models import NoQuery
from gateway.web.models_documents import (
    CheckAnswer,
    DocumentAnswer,
    DocumentList,
    DocumentsQuery,
    EventList,
    SendQuery,
    SubmissionAnswer,
    ViewList,
)

_UPLOAD_ERRORS = (TooLarge, TooSlow, UnsupportedMedia)


async def send(call: Call[SendQuery, Upload]) -> SubmissionAnswer:
    """Take an envelope through the gate. When this answers, everything is on disk."""
    way = peers.read_way(call.request.headers.get(peers.WAY_HEADER, ""))
    upload = await receive(call.gw, call.body)
    narrow_to = [code.strip() for code in call.query.to.split(",") if code.strip()]
    done = await peers.submit_from(call.gw, call.caller, upload, way, narrow_to)
    return views.submission(done)


async def check(call: Call[NoQuery, Upload]) -> CheckAnswer:
    """What ``send`` would decide now; nothing is kept or recorded."""
    upload = await receive(call.gw, call.body)
    examination = await preflight(call.gw, call.caller, upload)
    gw = call.gw
    reference = Reference(gw.calendar, Clocks.of(gw.config.figures), clause_rules())
    clauses = [said.as_json() for said in of_examination(examination, reference, gw.clock.now())]
    return CheckAnswer.model_validate(examination_json(examination) | {"clauses": clauses})


async def list_documents(call: Call[DocumentsQuery, None]) -> DocumentList:
    """A page of documents, newest first. Who sees all agencies may leave the agency out."""
    query = call.query
    everyone = not query.agency and call.caller.role in look.SEES_ALL
    agency = None if everyone else call.agency(query.agency)
    before = from_datetime(query.before) if query.before else look.FAR_FUTURE
    rows = await look.list_documents(call.gw, call.caller, agency, before, query.limit)
    more = to_rfc3339(rows[-1].created_at) if len(rows) == query.limit else ""
    return DocumentList(documents=[views.document_line(row) for row in rows], before=more)


async def show_document(call: Call[NoQuery, None]) -> DocumentAnswer:
    """Everything about one document."""
    return views.document(await look.trace(call.gw, call.caller, call.part("document")))


async def list_events(call: Call[NoQuery, None]) -> EventList:
    """The recorded facts about one document."""
    trace = await look.trace(call.gw, call.caller, call.part("document"))
    return EventList(events=[views.event(body) for body in trace.events])


async def list_views(call: Call[NoQuery, None]) -> ViewList:
    """Who looked at a document that the caller's agency sent, and who opened its content, with the reason."""
    found = await footprints.views_of(call.gw, call.caller, call.part("document"))
    return ViewList(views=[views.view(one) for one in found])


ENDPOINTS = (
    Endpoint(
        "POST",
        "/api/v1/documents",
        "sendDocument",
        Bilingual("Gửi một gói tin edXML (văn bản hoặc trạng thái)", "Send an edXML message"),
        send,
        SubmissionAnswer,
        roles=AGENCY,
        query=SendQuery,
        body=Uploaded(),
        status=202,
        errors=(*_UPLOAD_ERRORS, Unreadable, Refused, DuplicateConflict),
    ),
    Endpoint(
        "POST",
        "/api/v1/check",
        "checkDocument",
        Bilingual(
            "Kiểm tra trước khi gửi, không lưu lại gì", "The gate's verdict before sending; nothing is kept"
        ),
        check,
        CheckAnswer,
        roles=AGENCY,
        body=Uploaded(),
        errors=_UPLOAD_ERRORS,
    ),
    Endpoint(
        "GET",
        "/api/v1/documents",
        "listDocuments",
        Bilingual("Danh sách văn bản của một đơn vị, mới nhất trước", "Documents of an agency, newest first"),
        list_documents,
        DocumentList,
        query=DocumentsQuery,
        errors=(NotFound,),
    ),
    Endpoint(
        "GET",
        "/api/v1/documents/{document}",
        "showDocument",
        Bilingual("Toàn bộ quá trình gửi, nhận của một văn bản", "One document with its whole history"),
        show_document,
        DocumentAnswer,
        errors=(NotFound,),
    ),
    Endpoint(
        "GET",
        "/api/v1/documents/{document}/events",
        "listEvents",
        Bilingual("Các sự kiện đã ghi về một văn bản", "The recorded events of one document"),
        list_events,
        EventList,
        errors=(NotFound,),
    ),
    Endpoint(
        "GET",
        "/api/v1/documents/{document}/views",
        "listViews",
        Bilingual(
            "Ai đã xem thông tin hoặc mở nội dung một văn bản của đơn vị mình",
            "Who looked at a document of one's own, and who opened it",
        ),
        list_views,
        ViewList,
        errors=(NotFound,),
    ),
)
