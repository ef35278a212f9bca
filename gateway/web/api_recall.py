"""A sender asks for a document back and sees every answer: ``/api/v1/documents/{document}/recall``.

In charge of: the endpoints. What a recall changes is ``flow/withdraw.py``. Software that writes edXML itself
sends a status 13 or a message of kind 1 through ``/api/v1/documents`` instead; both do the same.
"""

from __future__ import annotations

from gateway.errors import NotFound, Refused, Unreadable
from gateway.flow.recall import ask_back, show_recall
from gateway.model.envelope import StaffInfo
from gateway.model.text import Bilingual
from gateway.web import views
from gateway.web.endpoint import AGENCY, Call, Endpoint
from gateway.web.models import NoQuery
from gateway.web.models_recall import RecallAnswer, RecallRequest


async def send_recall(call: Call[NoQuery, RecallRequest]) -> RecallAnswer:
    """One request to each recipient; when this answers, all are on disk."""
    body = call.body
    staff = StaffInfo(**body.staff.model_dump())
    report = await ask_back(call.gw, call.caller, call.part("document"), body.reason, body.to, staff)
    return views.recall(report)


async def show(call: Call[NoQuery, None]) -> RecallAnswer:
    """Where it stands with every recipient."""
    return views.recall(await show_recall(call.gw, call.caller, call.part("document")))


ENDPOINTS = (
    Endpoint(
        "POST",
        "/api/v1/documents/{document}/recall",
        "recallDocument",
        Bilingual("Yêu cầu thu hồi văn bản đã gửi", "Ask for a document back"),
        send_recall,
        RecallAnswer,
        roles=AGENCY,
        body=RecallRequest,
        status=202,
        errors=(NotFound, Refused, Unreadable),
    ),
    Endpoint(
        "GET",
        "/api/v1/documents/{document}/recall",
        "showRecall",
        Bilingual("Kết quả thu hồi ở từng nơi nhận", "Every recipient of a recall and its answer"),
        show,
        RecallAnswer,
        errors=(NotFound,),
    ),
)
