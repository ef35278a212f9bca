"""Rows of recalls: who was asked by which message to give a document back, and what came of it.

In charge of: these rows, and the mark that a recall leaves on deliveries. Not in charge of: cancelling
deliveries or telling anybody (``flow/withdraw.py``).
"""

from __future__ import annotations

from gateway.model.delivery import Delivery
from gateway.model.recall import Recall, RecallCause, RecallState
from gateway.model.text import AgencyCode, Instant
from gateway.store.contract import Row, Tx
from gateway.store.deliveries import from_row


def add(tx: Tx, recall: Recall) -> None:
    """A recipient is asked; earlier reminders of it end, the newest message counts."""
    tx.run("end_reminders", document=recall.document, recipient=recall.recipient)
    tx.run(
        "add_recall",
        message=recall.message,
        document=recall.document,
        recipient=recall.recipient,
        cause=recall.cause.value,
        state=recall.state.value,
        asked_at=recall.asked_at,
        answer=recall.answer or None,
        answered_at=recall.answered_at,
        remind_at=recall.remind_at,
    )


def set_state(tx: Tx, recall: Recall, state: RecallState, remind_at: Instant | None = None) -> None:
    """How the attempt ended for which it waited."""
    tx.run(
        "set_recall_state",
        message=recall.message,
        recipient=recall.recipient,
        state=state.value,
        remind_at=remind_at,
    )


def answer(tx: Tx, recall: Recall, state: RecallState, message: str, at: Instant) -> None:
    """The recipient's 15 or 16."""
    tx.run(
        "answer_recall",
        message=recall.message,
        recipient=recall.recipient,
        state=state.value,
        answer=message,
        answered_at=at,
    )


def remind(tx: Tx, recall: Recall, seen: Instant, next_at: Instant | None) -> bool:
    """One more reminder; False when it was answered, or reminded of, meanwhile."""
    touched = tx.run(
        "remind_recall",
        message=recall.message,
        recipient=recall.recipient,
        seen_remind_at=seen,
        remind_at=next_at,
    )
    return touched > 0


def of_document(tx: Tx, document: str) -> list[Recall]:
    """Every recall of a document, oldest first."""
    return [_from_row(row) for row in tx.all("recalls_of_document", document=document)]


def of_recipient(tx: Tx, document: str, recipient: str) -> list[Recall]:
    """Every recall of a document from one recipient, oldest first."""
    rows = tx.all("recalls_of_recipient", document=document, recipient=recipient)
    return [_from_row(row) for row in rows]


def due(tx: Tx, now: Instant, limit: int) -> list[Recall]:
    """Recalls whose recipients have not answered in time, longest due first."""
    return [_from_row(row) for row in tx.all("recalls_to_remind", now=now, limit=limit)]


def silent(tx: Tx, limit: int) -> list[Recall]:
    """Recalls without an answer, oldest first."""
    return [_from_row(row) for row in tx.all("silent_recalls", limit=limit)]


def lock_deliveries(
    tx: Tx, document: str, recipient: str, addressed: str = "", *, but: str = ""
) -> list[Delivery]:
    """Deliveries of the document itself (no notice of recall, no status) to a recipient, under its own code
    or the one that the envelope named. They stay ours until the transaction ends. ``but``: a message to leave
    out."""
    rows = tx.all(
        "lock_deliveries_to",
        document=document,
        recipient=recipient,
        addressed=addressed or recipient,
        but=but,
    )
    return [from_row(row) for row in rows]


def recipients(tx: Tx, document: str) -> tuple[AgencyCode, ...]:
    """Everybody to whom the document itself was to go, whatever became of it."""
    rows = tx.all("addressees_of_document", document=document)
    return tuple(AgencyCode(row["recipient"]) for row in rows)


def mark(tx: Tx, delivery_id: str, message: str) -> None:
    """The newest message that asks for what this delivery carries."""
    tx.run("mark_recall", id=delivery_id, message=message)


def _from_row(row: Row) -> Recall:
    return Recall(
        message=row["message"],
        document=row["document"],
        recipient=AgencyCode(row["recipient"]),
        cause=RecallCause(row["cause"]),
        state=RecallState(row["state"]),
        asked_at=row["asked_at"],
        answer=row["answer"] or "",
        answered_at=row["answered_at"],
        reminders=row["reminders"],
        remind_at=row["remind_at"],
    )
