"""What flows return, as the models of the API.

In charge of: names and forms (instants become RFC 3339, digests hex). Not in charge of: who may see what
(``flow/look.py``).
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from typing import Any

from gateway.clock import to_rfc3339
from gateway.flow.footprints import View
from gateway.flow.history import Version
from gateway.flow.inbox import InboxItem, Settled
from gateway.flow.look import DocumentRow, Trace
from gateway.flow.recall import RecallLine, RecallReport
from gateway.flow.submit import Submission
from gateway.model.canonical import canonical_json
from gateway.model.delivery import Delivery
from gateway.model.finding import Finding
from gateway.model.status import StatusCode
from gateway.model.text import Bilingual, Instant
from gateway.web.models import FindingBody, Text
from gateway.web.models_documents import (
    DeliveryBody,
    DocumentAnswer,
    DocumentLine,
    EventBody,
    MessageBody,
    ReceiptBody,
    SignatureBody,
    StatusBody,
    SubmissionAnswer,
    VersionBody,
    ViewBody,
)
from gateway.web.models_inbox import DoneLine, InboxLine
from gateway.web.models_recall import RecallAnswer, RecallLineBody


def submission(done: Submission) -> SubmissionAnswer:
    """The answer to an upload that was taken."""
    return SubmissionAnswer.model_validate(
        {
            "message": done.message,
            "document": done.document,
            "receipt": done.receipt,
            "decision": done.decision.value,
            "repeated": done.repeated,
            "receipt_jws": done.jws,
            "findings": findings(done.findings),
        }
    )


def findings(found: Iterable[Finding]) -> list[FindingBody]:
    """Findings as they are shown."""
    return [FindingBody.model_validate(finding.as_json()) for finding in found]


def document_line(row: DocumentRow) -> DocumentLine:
    """One line of a list of documents."""
    return DocumentLine(
        id=row.id,
        sender=row.sender,
        document_id=row.document_id,
        kind=row.kind,
        decision=row.decision,
        urgency=row.urgency,
        created_at=to_rfc3339(row.created_at),
        number=row.header.get("number", ""),
        notation=row.header.get("notation", ""),
        type_name=row.header.get("type_name", ""),
        promulgation_date=row.header.get("promulgation_date", ""),
        subject=row.subject,
    )


def document(trace: Trace) -> DocumentAnswer:
    """A document with its history."""
    return DocumentAnswer(
        id=trace.id,
        sender=trace.sender,
        document_id=trace.document_id,
        subject=trace.subject,
        created_at=to_rfc3339(trace.created_at),
        replaces=list(trace.replaces),
        replaced_by=list(trace.replaced_by),
        standing=trace.standing.value,
        current_document=trace.current_document,
        versions=[_version(version) for version in trace.versions],
        frozen_at=_moment(trace.frozen_at),
        purged_at=_moment(trace.purged_at),
        messages=[_message(row) for row in trace.messages],
        deliveries=[delivery(row) for row in trace.deliveries],
        statuses=[_status(row) for row in trace.statuses],
        receipts=[_receipt(row) for row in trace.receipts],
    )


def recall(report: RecallReport) -> RecallAnswer:
    """Where the recall of a document stands."""
    return RecallAnswer(
        document=report.document,
        document_id=report.document_id,
        sender=report.sender,
        frozen_at=_moment(report.frozen_at),
        recipients=[_recall_line(line) for line in report.lines],
        earlier=[_recall_line(line) for line in report.earlier],
        not_asked=list(report.not_asked),
    )


def event(body: Mapping[str, Any]) -> EventBody:
    """A recorded fact; its body is given as the very bytes that were recorded (they are canonical)."""
    return EventBody(
        id=body["id"], type=body["type"], at=to_rfc3339(body["at"]), body=canonical_json(dict(body)).decode()
    )


def view(one: View) -> ViewBody:
    """That a person looked at a document."""
    return ViewBody(
        event=one.event,
        at=to_rfc3339(one.at),
        actor=one.actor,
        role=one.role,
        what=one.what,
        content=one.content,
        reason=one.reason,
    )


def delivery(row: Delivery) -> DeliveryBody:
    """One delivery."""
    return DeliveryBody.model_validate(
        {
            "id": row.id,
            "message": row.message,
            "kind": row.kind,
            "sender": row.sender,
            "document_id": row.document_id,
            "recipient": row.recipient,
            "addressed": row.addressed,
            "destination": row.destination,
            "adapter": row.adapter,
            "urgency": row.urgency,
            "state": row.state.value,
            "attempts": row.attempts,
            "accepted_at": to_rfc3339(row.accepted_at),
            "due_at": _moment(row.due_at),
            "fetched_at": _moment(row.fetched_at),
            "settled_at": _moment(row.settled_at),
            "reason_code": row.reason_code,
            "reason": _text(row.reason) if row.reason else None,
            "status_code": row.status_code,
            "status_at": _moment(row.status_at),
            "proof": row.proof,
        }
    )


def inbox_line(item: InboxItem) -> InboxLine:
    """One waiting message."""
    return InboxLine(
        delivery=item.delivery,
        message=item.message,
        document=item.document,
        kind=item.kind,
        sender=item.sender,
        recipient=item.recipient,
        addressed=item.addressed,
        document_id=item.document_id,
        urgency=item.urgency,
        size=item.size,
        envelope_sha256=item.envelope_sha256,
        accepted_at=to_rfc3339(item.accepted_at),
        fetched=item.fetched,
        subject=item.subject,
        content=None if item.content is None else base64.b64encode(item.content).decode(),
    )


def done_line(settled: Settled) -> DoneLine:
    """What became of one delivery of many."""
    if settled.delivery is not None:
        return DoneLine(delivery=settled.delivery_id, state=settled.delivery.state.value)
    problem = settled.problem
    return DoneLine(
        delivery=settled.delivery_id,
        state="",
        code=problem.code if problem else "",
        reason=_text(problem.text) if problem else None,
    )


def _recall_line(line: RecallLine) -> RecallLineBody:
    return RecallLineBody.model_validate(
        {
            "message": line.message,
            "recipient": line.recipient,
            "name": line.name,
            "state": line.state.value,
            "words": _text(line.state.words),
            "cause": line.cause,
            "asked_at": to_rfc3339(line.asked_at),
            "reason": line.reason,
            "answered_at": _moment(line.answered_at),
            "answer_reason": line.answer_reason,
            "answered_by": line.answered_by,
            "reminders": line.reminders,
            "next_reminder": _moment(line.remind_at),
            "notice": line.notice,
            "attempts": line.attempts,
        }
    )


def _version(version: Version) -> VersionBody:
    return VersionBody(
        message=version.message,
        kind=version.kind,
        accepted_at=to_rfc3339(version.accepted_at),
        current=version.current,
        reason=version.reason,
        changed=dict(version.changed),
    )


def _message(row: Mapping[str, Any]) -> MessageBody:
    return MessageBody(
        id=row["id"],
        kind=row["kind"],
        sender=row["sender"],
        decision=row["decision"],
        urgency=row["urgency"],
        size=row["size"],
        dialect=row["dialect"],
        envelope_sha256=row["envelope_sha256"],
        content_digest=row["content_digest"],
        accepted_at=to_rfc3339(row["accepted_at"]),
        rejudged_at=_moment(row["rejudged_at"]),
        timings=row["timings"],
        signatures=[SignatureBody.model_validate(verdict) for verdict in row["verdicts"]],
        findings=[FindingBody.model_validate(finding) for finding in row["findings"]],
    )


def _status(row: Mapping[str, Any]) -> StatusBody:
    return StatusBody(
        message=row["message"],
        code=row["code"],
        words=_text(StatusCode(row["code"]).words),
        reporter=row["reporter"],
        addressee=row["addressee"],
        declared_time=row["declared_time"],
        automatic=bool(row["automatic"]),
        reported_at=to_rfc3339(row["reported_at"]),
        reason=row["reason"],
    )


def _receipt(row: Mapping[str, Any]) -> ReceiptBody:
    return ReceiptBody(
        id=row["id"],
        message=row["message"],
        supplement_to=row["supplement_to"] or "",
        jws=row["jws"],
        issued_at=to_rfc3339(row["issued_at"]),
    )


def _moment(instant: Instant | None) -> str | None:
    return None if instant is None else to_rfc3339(instant)


def _text(text: Bilingual) -> Text:
    return Text(vi=text.vi, en=text.en)
