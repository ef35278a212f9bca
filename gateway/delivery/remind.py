"""Reminders of recalls that nobody answers.

In charge of: when a recipient is reminded, and that there is an end to it: a reminder is an event, a line of
``gateway recall silent``, and a second 13 to the recipient. While an earlier notice still waits to be fetched
or delivered no further 13 is written: a system that is away would find a pile of them. Not in charge of: the
first request (``flow/withdraw.py``), the message (``flow/notices.py``).
"""

from __future__ import annotations

import structlog

from gateway.clock import SECOND
from gateway.delivery.rounds import Rounds
from gateway.flow.notices import ask_again
from gateway.flow.record import GATEWAY, event
from gateway.model.delivery import OPEN
from gateway.model.envelope import Kind
from gateway.model.event import EventType
from gateway.model.recall import Recall
from gateway.model.text import AgencyCode, Instant
from gateway.services import Services
from gateway.store import deliveries, events, recalls
from gateway.store.contract import Tx

log = structlog.get_logger("gateway.remind")

ROUND_SECONDS = 60.0
BATCH = 50


class Reminder(Rounds):
    """One loop of one process."""

    def __init__(self, gw: Services) -> None:
        super().__init__(log, ROUND_SECONDS)
        self._gw = gw

    async def turn(self) -> float:
        await self.round()
        return ROUND_SECONDS

    async def round(self) -> int:
        """Everybody who is due, each in a transaction of its own; how many were reminded."""
        gw = self._gw
        now = gw.clock.now()
        due = await gw.store.read(lambda tx: recalls.due(tx, now, BATCH))
        reminded = 0
        for recall in due:
            reminded += await gw.store.write(lambda tx, recall=recall: remind(tx, gw, recall))  # type: ignore[misc]
        gw.ring_for({recall.recipient for recall in due})
        return reminded


def remind(tx: Tx, gw: Services, recall: Recall) -> bool:
    """One reminder of one recipient; False when it answered, or was reminded, meanwhile."""
    assert recall.remind_at is not None
    now, number = gw.clock.now(), recall.reminders + 1
    last = number >= gw.config.recall.reminders
    next_at = None if last else Instant(now + gw.config.recall.remind_hours * 3600 * SECOND)
    if not recalls.remind(tx, recall, recall.remind_at, next_at):
        return False
    document = tx.one("document_by_id", id=recall.document)
    assert document is not None
    sent = "" if _notice_waits(tx, recall) else _send(tx, gw, recall, number)
    reminded = event(
        gw,
        EventType.RECALL_REMINDED,
        GATEWAY,
        now,
        document=recall.document,
        message=recall.message,
        sender=document["sender"],
        recipient=recall.recipient,
        facts={"number": number, "asked_at": recall.asked_at, "sent": sent, "last": last},
    )
    events.record(tx, reminded)
    return True


def _notice_waits(tx: Tx, recall: Recall) -> bool:
    """True while some request for this document is still on its way to the recipient."""
    found = deliveries.of_document(tx, recall.document)
    return any(
        one.recipient == recall.recipient
        and one.state in OPEN
        and one.kind in (Kind.STATUS.value, Kind.REVOKE.value)
        for one in found
    )


def _send(tx: Tx, gw: Services, recall: Recall, number: int) -> str:
    found = recalls.lock_deliveries(tx, recall.document, recall.recipient)
    message = tx.one("message_by_id", id=recall.message)
    reason = events.private_values(tx, message["event"]).get("reason", "") if message else ""
    text = f"Nhắc lại lần {number} yêu cầu thu hồi văn bản" + (f": {reason}" if reason else ".")
    return ask_again(tx, gw, found[0], AgencyCode(recall.recipient), text) if found else ""
