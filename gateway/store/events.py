"""Rows of the event stream.

In charge of: writing a fact in the transaction that changes the state it tells of, and reading the stream.
Not in charge of: what a fact says (``model/event.py``).
"""

from __future__ import annotations

from gateway.model.event import Event
from gateway.model.text import Instant
from gateway.store import archive
from gateway.store.contract import Row, Tx, Value


def record(tx: Tx, event: Event) -> None:
    """Write one event and its private values; it waits for its leaf (``exchange_log/sequence.py``)."""
    tx.run(
        "add_event",
        id=event.id,
        at=event.at,
        type=event.type.value,
        document=event.document or None,
        message=event.message or None,
        delivery=event.delivery or None,
        sender=event.sender or None,
        recipient=event.recipient or None,
        body=event.body(),
    )
    tx.run("add_event_unsequenced", at=event.at, event=event.id)
    for name, (salt, text) in event.private.items():
        tx.run("add_event_private", event=event.id, name=name, salt=salt, value=text)


def private_values(tx: Tx, event_id: str) -> dict[str, str]:
    """Name -> text of the personal values behind an event; empty once they were erased."""
    return {row["name"]: row["value"] for row in tx.all("private_of", event=event_id)}


def body_of(tx: Tx, event_id: str) -> bytes | None:
    """The canonical bytes of one event."""
    row = tx.one("event_body", id=event_id)
    if row is None:
        archive.require_id(tx, event_id)
        return None
    return bytes(row["body"])


def of_document(tx: Tx, document: str) -> list[Row]:
    """Events of a document, oldest first. ``Archived`` when some are away."""
    archive.require_document(tx, document)
    return tx.all("events_of_document", document=document)


def stream_after(tx: Tx, at: Instant, event_id: str, limit: int) -> list[Row]:
    """At most ``limit`` events after the position (``at``, ``event_id``), oldest first."""
    return tx.all("events_after", at=at, id=event_id, limit=limit)


def count_refusal(
    tx: Tx, caller: str, envelope_sha256: bytes, rule_set: str, at: Instant, event: Event
) -> bool:
    """Count a refusal; the first of its kind is recorded with ``event``. True when it was the first."""
    key: dict[str, Value] = {"caller": caller, "envelope_sha256": envelope_sha256, "rule_set": rule_set}
    if tx.run("count_refusal", at=at, **key):
        return False
    tx.run("add_refusal", at=at, event=event.id, **key)
    record(tx, event)
    return True
