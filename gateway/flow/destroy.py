"""The gateway's own copies: frozen for the sender, destroyed for recipients that gave a document back.

In charge of: counting down what one delivery needed, freezing what the sender sent, and the event that says
until when backups still hold what was destroyed (NĐ 30/2020 PL VI, ADR 0006). Not in charge of: when
(``withdraw.py``, ``incident.py``).

What these functions return are payloads whose key is gone with the commit. Their files may be removed after
it; whatever is left is swept.
"""

from __future__ import annotations

from gateway.clock import SECOND
from gateway.flow import record
from gateway.model.delivery import Delivery
from gateway.model.event import EventType
from gateway.model.text import Instant
from gateway.services import Services
from gateway.store import events, payloads, retention
from gateway.store.contract import Tx
from gateway.store.payloads import StoredPayload

DAY = 86_400 * SECOND


def backups_until(gw: Services, at: Instant) -> Instant:
    """From then on no backup holds what was destroyed at ``at``."""
    return Instant(at + gw.config.recall.backup_days * DAY)


def freeze(tx: Tx, gw: Services, document: str, sender: str, actor: str, at: Instant) -> None:
    """The sender's copy and metadata stay as they are; recorded the first time."""
    if payloads.freeze(tx, document, at):
        frozen = record.event(gw, EventType.DOCUMENT_FROZEN, actor, at, document=document, sender=sender)
        events.record(tx, frozen)


def let_go(tx: Tx, gw: Services, delivery: Delivery, actor: str, at: Instant) -> list[StoredPayload]:
    """A delivery that ended needs its rebuilt form no more, unless a freeze covers the document. The bytes as
    received are the sender's."""
    row = tx.one("delivery_by_id", id=delivery.id)
    if row is None or row["payload"] is None or retention.is_frozen(tx, delivery.document):
        return []
    until = backups_until(gw, at)
    gone = payloads.release(tx, bytes(row["payload"]), at, until)
    if gone is None:
        return []
    destroyed = record.event(
        gw,
        EventType.PAYLOAD_DESTROYED,
        actor,
        at,
        document=delivery.document,
        message=delivery.message,
        delivery=delivery.id,
        sender=delivery.sender,
        recipient=delivery.recipient,
        facts={"sha256": gone.sha256.hex(), "size": gone.size, "backups_until": until},
    )
    events.record(tx, destroyed)
    return [gone]


def remove_files(gw: Services, gone: list[StoredPayload]) -> None:
    """After the commit: the files of payloads whose key is gone."""
    for payload in gone:
        if payload.file is not None:
            gw.blobs.remove(payload.file)
