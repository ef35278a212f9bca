"""The recipient comes for its messages: lists, fetches, says done.

In charge of: what waits for an agency, handing the bytes over, and settling pull deliveries (the worker never
touches them). Not in charge of: wire formats (``web/api_inbox.py`` and adapters' inbound halves).

A message stays in the inbox until the recipient says done after a full fetch, so a recipient that dies in
between simply fetches again.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import orjson

from gateway.errors import BadRequest, NotFound, NotPermitted, WrongState
from gateway.flow import record
from gateway.flow.door import Caller
from gateway.flow.payload import of_delivery, open_stored
from gateway.flow.progress import arrive
from gateway.model.delivery import Delivery, State
from gateway.model.event import EventType
from gateway.model.text import AgencyCode, Bilingual, Instant
from gateway.services import Services
from gateway.store import deliveries, events
from gateway.store.contract import Row, Tx
from gateway.store.payloads import StoredPayload

PAGE = 100
PROOF = "fetched in full, then confirmed by the recipient's system"


@dataclass(frozen=True, slots=True)
class InboxItem:
    """One waiting message, as lists show it."""

    delivery: str
    message: str
    document: str
    kind: str
    sender: AgencyCode
    recipient: AgencyCode
    document_id: str
    urgency: int
    size: int
    envelope_sha256: str
    accepted_at: Instant
    fetched: bool
    header: dict[str, Any]
    subject: str


@dataclass(frozen=True, slots=True)
class InboxPage:
    """Items in the order in which they should be fetched; ``cursor`` continues, ``""`` is the end."""

    items: tuple[InboxItem, ...]
    cursor: str


@dataclass(frozen=True, slots=True)
class Parcel:
    """The bytes of one waiting message. Reading ``chunks`` to the end counts as the full fetch."""

    delivery: Delivery
    size: int
    envelope_sha256: str
    chunks: AsyncIterator[bytes]


async def list_inbox(
    gw: Services, caller: Caller, agency: AgencyCode, cursor: str = "", limit: int = PAGE
) -> InboxPage:
    """What waits for ``agency``: hỏa tốc first, then by age; statuses too."""
    if not caller.acts_for(agency):
        raise NotPermitted(code="inbox.not_yours")
    rank, accepted_at, last = _read_cursor(cursor)
    limit = max(1, min(limit, PAGE))

    def unit(tx: Tx) -> InboxPage:
        rows = tx.all("inbox", destination=agency, rank=rank, accepted_at=accepted_at, id=last, limit=limit)
        items = tuple(_item(row, events.private_values(tx, row["event"])) for row in rows)
        return InboxPage(items, _cursor_of(rows[-1]) if len(rows) == limit else "")

    return await gw.store.read(unit)


async def fetch(gw: Services, caller: Caller, delivery_id: str) -> Parcel:
    """The bytes of one waiting (or already delivered) message."""

    def unit(tx: Tx) -> tuple[Delivery, StoredPayload | None]:
        return _own(tx, gw, caller, delivery_id), of_delivery(tx, delivery_id)

    delivery, stored = await gw.store.read(unit)
    if delivery.state not in (State.QUEUED, State.DELIVERED):
        raise WrongState(_not_waiting(delivery), code=f"delivery.{delivery.state.value}")
    payload = open_stored(gw, stored)
    started = gw.clock.now()

    async def chunks() -> AsyncIterator[bytes]:
        """The last chunk waits for its record (and the hash): whoever has it all may say done at once."""
        held = b""
        for chunk in payload.chunks:
            if held:
                yield held
            held = chunk
        await _mark_fetched(gw, caller, delivery, started)
        yield held

    return Parcel(delivery, payload.size, payload.sha256.hex(), chunks())


async def done(gw: Services, caller: Caller, delivery_id: str) -> Delivery:
    """The recipient's system has stored the message durably. Saying it twice changes nothing."""

    def unit(tx: Tx) -> Delivery:
        current = _own(tx, gw, caller, delivery_id, lock=True)
        if current.state is State.DELIVERED:
            return current
        if current.state is not State.QUEUED:
            raise WrongState(_not_waiting(current), code=f"delivery.{current.state.value}")
        if current.fetched_at is None:
            raise WrongState(_NOT_FETCHED, code="delivery.not_fetched")
        arrive(tx, gw, current, PROOF, actor=caller.principal)
        return deliveries.find(tx, delivery_id) or current

    settled = await gw.store.write(unit)
    gw.bell.ring()
    return settled


def _own(tx: Tx, gw: Services, caller: Caller, delivery_id: str, *, lock: bool = False) -> Delivery:
    delivery = deliveries.find(tx, delivery_id, lock=lock)
    if delivery is None or not caller.acts_for(delivery.destination):
        raise NotFound(code="delivery.unknown")
    if not gw.kinds.get(delivery.adapter, False):
        raise WrongState(_PUSHED, code="delivery.pushed")
    return delivery


async def _mark_fetched(gw: Services, caller: Caller, delivery: Delivery, started: Instant) -> None:
    if delivery.fetched_at is not None:
        return
    at = gw.clock.now()
    fetched = record.delivery_moved(
        gw, EventType.DELIVERY_FETCHED, delivery, delivery.state, caller.principal, at
    )

    def unit(tx: Tx) -> None:
        if tx.run("mark_fetched", id=delivery.id, handed_over_at=started, fetched_at=at):
            events.record(tx, fetched)

    await gw.store.write(unit)


def _item(row: Row, private: dict[str, str]) -> InboxItem:
    return InboxItem(
        delivery=row["id"],
        message=row["message"],
        document=row["document"],
        kind=row["kind"],
        sender=row["sender"],
        recipient=row["recipient"],
        document_id=row["document_id"],
        urgency=row["urgency"],
        size=row["size"],
        envelope_sha256=bytes(row["envelope_sha256"]).hex(),
        accepted_at=row["accepted_at"],
        fetched=row["fetched_at"] is not None,
        header=orjson.loads(row["header"]),
        subject=private.get("subject", private.get("reason", "")),
    )


def _cursor_of(row: Row) -> str:
    position = orjson.dumps([row["urgency_rank"], row["accepted_at"], row["id"]])
    return base64.urlsafe_b64encode(position).decode().rstrip("=")


def _read_cursor(cursor: str) -> tuple[int, Instant, str]:
    if not cursor:
        return -1, Instant(0), ""
    try:
        rank, accepted_at, last = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        return int(rank), Instant(int(accepted_at)), str(last)
    except (binascii.Error, ValueError, TypeError) as error:
        raise BadRequest(
            Bilingual("Tham số cursor không hợp lệ.", "The cursor is not one that this gateway gave."),
            code="cursor.malformed",
        ) from error


def _not_waiting(delivery: Delivery) -> Bilingual:
    return Bilingual(
        f"Gói tin này không chờ trong hộp nhận (trạng thái: {delivery.state.value}).",
        f"This message does not wait in the inbox (state: {delivery.state.value}).",
    )


_NOT_FETCHED = Bilingual(
    "Chưa tải về đầy đủ gói tin này nên chưa thể xác nhận đã nhận. Hãy tải về rồi xác nhận lại.",
    "This message was not fetched in full yet, so it cannot be confirmed. Fetch it, then confirm again.",
)
_PUSHED = Bilingual(
    "Gói tin này được trục gửi chủ động đến hệ thống của đơn vị, không lấy qua hộp nhận.",
    "This message is pushed to the agency's system; it is not fetched from the inbox.",
)
