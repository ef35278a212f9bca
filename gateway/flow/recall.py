"""A sender asks for a document back, and sees what came of it with every recipient.

In charge of: building one status 13 for each recipient (they go through the gate like any other), and the one
answer that lists everybody: withdrawn, agreed, refused, silent. Not in charge of: what a recall changes
(``withdraw.py``), reminders (``delivery/remind.py``).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.clock import SECOND, local_day
from gateway.edxml.build import build_status
from gateway.errors import BadRequest, NotFound
from gateway.flow.door import Caller, receive, stated
from gateway.flow.identity import identify
from gateway.flow.look import SEES_ALL
from gateway.flow.notices import first_message, status_envelope
from gateway.flow.submit import submit
from gateway.model.delivery import Delivery
from gateway.model.envelope import Dialect, Envelope, StaffInfo
from gateway.model.recall import Recall, RecallState
from gateway.model.status import StatusCode
from gateway.model.text import AgencyCode, Bilingual, Instant, nfc
from gateway.services import Services
from gateway.store import deliveries, events, recalls
from gateway.store.contract import Row, Tx

NOBODY_NAMED = StaffInfo()
# What needs no further 13, unless the caller names the recipient.
SETTLED = frozenset({RecallState.WITHDRAWN, RecallState.ASKED, RecallState.ATTEMPT, RecallState.AGREED})


@dataclass(frozen=True, slots=True)
class RecallLine:
    """One recipient and one message that asked it. ``notice``: transport state of that message."""

    message: str
    recipient: AgencyCode
    name: str
    state: RecallState
    cause: str
    asked_at: Instant
    reason: str
    answered_at: Instant | None
    answer_reason: str
    answered_by: str  # the person whom the recipient named
    reminders: int
    remind_at: Instant | None
    notice: str
    attempts: int  # of the deliveries that were asked back: a withdrawn one with attempts may have arrived


@dataclass(frozen=True, slots=True)
class RecallReport:
    """Every recipient once (``lines``), earlier requests to the same recipients, and who was not asked."""

    document: str
    document_id: str
    sender: AgencyCode
    frozen_at: Instant | None
    lines: tuple[RecallLine, ...]
    earlier: tuple[RecallLine, ...]
    not_asked: tuple[AgencyCode, ...]


async def ask_back(
    gw: Services,
    caller: Caller,
    reference: str,
    reason: str,
    to: Sequence[str] = (),
    staff: StaffInfo = NOBODY_NAMED,
) -> RecallReport:
    """Ask for a document back from the recipients in ``to``, or from all not asked yet (or that refused).

    Each recipient's request is a transaction of its own; after a failure the call may be made again.
    """
    reason = stated(reason)
    document, asked = await gw.store.read(lambda tx: _whom(tx, gw, caller, reference, to))
    for recipient in asked:
        await _ask(gw, caller, document, recipient, reason, staff)
    return await gw.store.read(lambda tx: _report(tx, gw, document))


async def show_recall(gw: Services, caller: Caller, reference: str) -> RecallReport:
    """Where the recall of a document stands. For its sender, and for those who see all."""

    def unit(tx: Tx) -> RecallReport:
        document = _document(tx, reference, caller, also_watchers=True)
        return _report(tx, gw, document)

    return await gw.store.read(unit)


async def silent_recalls(gw: Services, caller: Caller, limit: int = 200) -> list[dict[str, Any]]:
    """Recipients that have not answered a recall, longest silent first. For operators, auditors and up."""
    caller.require(*SEES_ALL)

    def unit(tx: Tx) -> list[dict[str, Any]]:
        found = []
        for recall in recalls.silent(tx, limit):
            document = tx.one("document_by_id", id=recall.document)
            assert document is not None
            covered = [
                d for d in deliveries.of_document(tx, recall.document) if d.recipient == recall.recipient
            ]
            line = _line(tx, gw, recall, covered)
            found.append({"document_id": document["document_id"], "sender": document["sender"], "line": line})
        return found

    return await gw.store.read(unit)


def _whom(
    tx: Tx, gw: Services, caller: Caller, reference: str, to: Sequence[str]
) -> tuple[Row, tuple[AgencyCode, ...]]:
    document = _document(tx, reference, caller, also_watchers=False)
    everybody = recalls.recipients(tx, document["id"])
    newest = {recall.recipient: recall for recall in recalls.of_document(tx, document["id"])}
    if not to:
        return document, tuple(
            code for code in everybody if code not in newest or newest[code].state not in SETTLED
        )
    named = tuple(dict.fromkeys(AgencyCode(gw.directory.canonical(code)) for code in to))
    if strangers := [code for code in named if code not in everybody]:
        raise BadRequest(_strangers(strangers), code="recall.not_a_recipient")
    return document, named


def _document(tx: Tx, reference: str, caller: Caller, *, also_watchers: bool) -> Row:
    by_id = tx.one("document_by_id", id=reference)
    rows = [by_id] if by_id else tx.all("documents_by_document_id", document_id=nfc(reference))
    for row in rows:
        if caller.acts_for(row["sender"]) or (also_watchers and caller.role in SEES_ALL):
            return row
    raise NotFound(code="document.unknown")


async def _ask(
    gw: Services, caller: Caller, document: Row, recipient: AgencyCode, reason: str, staff: StaffInfo
) -> None:
    """One 13. Statuses are told apart by their second, so a second request waits for the next one."""
    at = gw.clock.now()
    while True:
        envelope = await gw.store.read(lambda tx: _envelope(tx, gw, document, recipient, reason, at, staff))  # noqa: B023
        if envelope is not None:
            break
        at = Instant(at + SECOND)
    await submit(gw, caller, await receive(gw, _once(build_status(envelope, Dialect.JAVA))))


def _envelope(
    tx: Tx,
    gw: Services,
    document: Row,
    recipient: AgencyCode,
    reason: str,
    at: Instant,
    staff: StaffInfo,
) -> Envelope | None:
    """The message; ``None`` when one with this second is there already."""
    delivery = _any_delivery(tx, document["id"])
    first, sender = first_message(tx, delivery), AgencyCode(document["sender"])
    code = StatusCode.RECALL_ASKED
    envelope = status_envelope(gw, first, delivery, sender, code, reason, at, staff, recipient)
    key = identify(envelope, gw.directory).duplicate_key
    return None if tx.one("message_by_key", duplicate_key=key) else envelope


def _any_delivery(tx: Tx, document: str) -> Delivery:
    found = deliveries.of_document(tx, document)
    if not found:
        raise NotFound(code="document.without_deliveries")
    return found[0]


def _report(tx: Tx, gw: Services, document: Row) -> RecallReport:
    lines: dict[AgencyCode, RecallLine] = {}
    earlier = []
    covered: dict[AgencyCode, list[Delivery]] = {}
    for delivery in deliveries.of_document(tx, document["id"]):
        covered.setdefault(delivery.recipient, []).append(delivery)
    for recall in recalls.of_document(tx, document["id"]):
        if before := lines.pop(recall.recipient, None):
            earlier.append(before)
        lines[recall.recipient] = _line(tx, gw, recall, covered.get(recall.recipient, ()))
    everybody = recalls.recipients(tx, document["id"])
    return RecallReport(
        document=document["id"],
        document_id=document["document_id"],
        sender=AgencyCode(document["sender"]),
        frozen_at=document["frozen_at"],
        lines=tuple(lines.values()),
        earlier=tuple(earlier),
        not_asked=tuple(code for code in everybody if code not in lines),
    )


def _line(tx: Tx, gw: Services, recall: Recall, covered: Sequence[Delivery]) -> RecallLine:
    """``covered``: every delivery about the document to this recipient."""
    asked, answered = _words(tx, recall.message), _words(tx, recall.answer)
    notices = [d for d in covered if d.message == recall.message]
    return RecallLine(
        message=recall.message,
        recipient=recall.recipient,
        name=gw.directory.name(recall.recipient, local_day(recall.asked_at)),
        state=recall.state,
        cause=recall.cause.value,
        asked_at=recall.asked_at,
        reason=asked.get("reason", ""),
        answered_at=recall.answered_at,
        answer_reason=answered.get("reason", ""),
        answered_by=answered.get("staff", ""),
        reminders=recall.reminders,
        remind_at=recall.remind_at,
        notice=notices[0].state.value if notices else "",
        attempts=sum(delivery.attempts for delivery in covered if delivery.recall),
    )


def _words(tx: Tx, message: str) -> dict[str, str]:
    row = tx.one("message_by_id", id=message) if message else None
    return events.private_values(tx, row["event"]) if row is not None else {}


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data


def _strangers(codes: Iterable[str]) -> Bilingual:
    listed = ", ".join(codes)
    return Bilingual(
        f"Văn bản này không gửi đến: {listed}. Hãy kiểm tra mã cơ quan.",
        f"This document did not go to: {listed}. Check the codes.",
    )
