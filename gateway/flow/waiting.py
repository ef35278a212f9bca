"""What partner software asks beside fetching: lists without pages, counts, what became of what it sent.

In charge of: what its system may see (its own agencies only), a bound on each list, and noting what a
recipient's system says of a message that it has not confirmed. Not in charge of: fetching and done
(``inbox.py``), wire formats (the adapters' inbound halves).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import orjson

from gateway.errors import WrongState
from gateway.flow import facts, record
from gateway.flow.door import Caller
from gateway.flow.inbox import own_delivery
from gateway.model.delivery import Delivery, State
from gateway.model.event import EventType
from gateway.model.text import Bilingual, Instant, readable
from gateway.services import Services
from gateway.store import deliveries, events
from gateway.store.contract import Row, Tx
from gateway.store.deliveries import URGENCY_RANK

LIST_LIMIT = 500  # the SDK's lists have no pages: what was confirmed leaves the list, so the rest follows
FAR = Instant(2**62)
FAILED, PROCESSING = "recipient.failed", "recipient.processing"
WORDS = 500  # characters of a recipient's words that are kept


@dataclass(frozen=True, slots=True)
class SentItem:
    """One delivery of what the caller's agencies sent. ``header`` is what lists show of the message."""

    delivery: Delivery
    header: dict[str, Any]
    subject: str


async def list_waiting(
    gw: Services,
    caller: Caller,
    *,
    statuses: bool,
    since: Instant = Instant(0),
    until: Instant = FAR,
    limit: int = LIST_LIMIT,
) -> list[Delivery]:
    """What waits for the caller's agencies, most urgent and oldest first, at most ``limit``."""

    def unit(tx: Tx) -> list[Delivery]:
        return [
            delivery
            for agency in sorted(caller.agencies)
            for delivery in deliveries.waiting(
                tx, agency, statuses=statuses, since=since, until=until, limit=limit
            )
        ]

    found = await gw.store.read(unit)
    return sorted(found, key=_order)[:limit]


async def count_waiting(gw: Services, caller: Caller, *, statuses: bool) -> int:
    """How many documents, or statuses, wait for the caller's agencies."""

    def unit(tx: Tx) -> int:
        return sum(deliveries.count_waiting(tx, agency, statuses=statuses) for agency in caller.agencies)

    return await gw.store.read(unit)


async def list_sent(
    gw: Services, caller: Caller, message: str = "", *, statuses: bool = False, limit: int = LIST_LIMIT
) -> list[SentItem]:
    """What became of one message of the caller's, or (newest first, at most ``limit``) of all it sent."""

    def unit(tx: Tx) -> list[SentItem]:
        if message:
            found = [d for d in deliveries.of_message(tx, message) if caller.acts_for(d.sender)]
        else:
            found = [
                delivery
                for agency in sorted(caller.agencies)
                for delivery in deliveries.sent_by(tx, agency, statuses=statuses, limit=limit)
            ]
            found = sorted(found, key=lambda delivery: delivery.accepted_at, reverse=True)[:limit]
        return list(_with_headers(tx, found))

    return await gw.store.read(unit)


async def note(
    gw: Services, caller: Caller, delivery_id: str, *, failed: bool, description: str = ""
) -> Delivery:
    """The recipient's system says that it works on a message, or that it could not process it.

    The message goes on waiting: a system that could not take it has not got it. Operators see the words in
    the queue. Saying the same twice changes nothing; of a confirmed message nothing can be said any more.
    """
    code = FAILED if failed else PROCESSING
    description = readable(description[:WORDS])
    words = _words(failed, description)

    def unit(tx: Tx) -> Delivery:
        current = own_delivery(tx, gw, caller, delivery_id, lock=True)
        if current.state is not State.QUEUED:
            if current.state is State.DELIVERED and not failed:
                return current
            raise WrongState(_SETTLED, code=f"delivery.{current.state.value}")
        if current.reason_code == code and current.reason == words:
            return current
        deliveries.note_recipient(tx, delivery_id, code, words)
        said = record.delivery_moved(
            gw,
            EventType.DELIVERY_UNPROCESSED,
            current,
            State.QUEUED,
            caller.principal,
            gw.clock.now(),
            reason_code=code,
            private=facts.salted({"reason": description}),
        )
        events.record(tx, said)
        return deliveries.find(tx, delivery_id) or current

    return await gw.store.write(unit)


def _with_headers(tx: Tx, found: Iterable[Delivery]) -> Iterable[SentItem]:
    known: dict[str, tuple[dict[str, Any], str]] = {}
    for delivery in found:
        if delivery.message not in known:
            row = tx.one("message_by_id", id=delivery.message)
            assert row is not None  # a delivery belongs to a message
            known[delivery.message] = _shown(tx, row)
        yield SentItem(delivery, *known[delivery.message])


def _shown(tx: Tx, message: Row) -> tuple[dict[str, Any], str]:
    return orjson.loads(message["header"]), events.private_values(tx, message["event"]).get("subject", "")


def _order(delivery: Delivery) -> tuple[int, Instant, str]:
    return URGENCY_RANK[delivery.urgency], delivery.accepted_at, delivery.id


def _words(failed: bool, description: str) -> Bilingual:
    if failed:
        return Bilingual(
            f"Hệ thống nhận báo không xử lý được: {description or 'không nêu lý do'}",
            f"The recipient's system says that it could not process it: {description or 'no reason given'}",
        )
    return Bilingual(
        f"Hệ thống nhận báo đang xử lý. {description}".strip(),
        f"The recipient's system says that it is working on it. {description}".strip(),
    )


_SETTLED = Bilingual(
    "Gói tin này không còn chờ trong hộp nhận, nên không ghi nhận được trạng thái fail hoặc processing.",
    "This message waits in the inbox no more, so fail or processing cannot be noted.",
)
