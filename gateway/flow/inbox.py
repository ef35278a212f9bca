"""The recipient comes for its messages: lists, fetches, says done.

In charge of: what waits for an agency, handing the bytes over, and settling pull deliveries (the worker never
touches them). Not in charge of: wire formats (``web/api_inbox.py`` and adapters' inbound halves).

A message stays in the inbox until the recipient says done after a full fetch, so a recipient that dies in
between simply fetches again.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from gateway.errors import BadRequest, Busy, GatewayError, NotFound, NotPermitted, WrongState
from gateway.flow import record
from gateway.flow.door import Caller
from gateway.flow.payload import inline_bytes, of_delivery, open_stored
from gateway.flow.progress import arrive
from gateway.model.delivery import Delivery, State
from gateway.model.envelope import Kind
from gateway.model.event import EventType
from gateway.model.text import AgencyCode, Bilingual, Instant
from gateway.services import Services
from gateway.store import deliveries, events, incidents
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
    addressed: AgencyCode = AgencyCode("")  # the code that the sender named: another one after a succession
    content: bytes | None = None  # only where it was asked for, and small


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


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of one delivery of ``done_many``; ``problem`` when it could not be settled."""

    delivery_id: str
    delivery: Delivery | None
    problem: GatewayError | None = None


async def list_inbox(
    gw: Services,
    caller: Caller,
    agency: AgencyCode,
    cursor: str = "",
    limit: int = PAGE,
    *,
    content: bool = False,
) -> InboxPage:
    """What waits for ``agency``: hỏa tốc first, then by age; statuses too.

    With ``content``, messages small enough to lie in their row come with their bytes, and count as fetched:
    a poller of statuses needs one call for a hundred of them.
    """
    if not caller.acts_for(agency):
        raise NotPermitted(code="inbox.not_yours")
    rank, accepted_at, last = _read_cursor(cursor)
    limit = max(1, min(limit, PAGE))

    def unit(tx: Tx) -> InboxPage:
        rows = tx.all("inbox", destination=agency, rank=rank, accepted_at=accepted_at, id=last, limit=limit)
        items = tuple(_item(row, events.private_values(tx, row["event"])) for row in rows)
        if content:
            items = tuple(_with_content(tx, gw, item) for item in items)
        return InboxPage(items, _cursor_of(rows[-1]) if len(rows) == limit else "")

    page = await gw.store.read(unit)
    taken = [item.delivery for item in page.items if item.content is not None and not item.fetched]
    if taken:
        gone = await gw.store.write(lambda tx: _mark_taken(tx, gw, caller, taken))
        page = replace(page, items=tuple(item for item in page.items if item.delivery not in gone))
    return page


async def fetch(gw: Services, caller: Caller, delivery_id: str, *, by_hand: bool = False) -> Parcel:
    """The bytes of one waiting (or already delivered) message. ``by_hand``: see ``own_delivery``."""

    def unit(tx: Tx) -> tuple[Delivery, StoredPayload | None]:
        delivery = own_delivery(tx, gw, caller, delivery_id, by_hand=by_hand)
        _require_readable(tx, delivery)
        return delivery, of_delivery(tx, delivery_id)

    delivery, stored = await gw.store.read(unit)
    payload = await open_stored(gw, stored)
    started = gw.clock.now()

    async def chunks() -> AsyncIterator[bytes]:
        """The last chunk waits for its record (and the hash): whoever has it all may say done at once."""
        held = b""
        for chunk in payload.chunks:
            if held:
                yield held
            held = chunk
        await _mark_fetched(gw, caller, delivery, started, by_hand)
        yield held

    return Parcel(delivery, payload.size, payload.sha256.hex(), chunks())


async def done(gw: Services, caller: Caller, delivery_id: str, proof: str = PROOF) -> Delivery:
    """The recipient's system has stored the message durably. Saying it twice changes nothing."""
    settled = await gw.store.write(lambda tx: settle(tx, gw, caller, delivery_id, proof))
    gw.ring_for([settled.sender])  # its 01
    return settled


async def done_many(gw: Services, caller: Caller, delivery_ids: Sequence[str]) -> list[Settled]:
    """``done`` for many at once, in one transaction. One that cannot be settled does not keep the others."""

    def unit(tx: Tx) -> list[Settled]:
        return [_settle_or_say(tx, gw, caller, delivery_id) for delivery_id in delivery_ids]

    settled = await gw.store.write(unit)
    gw.ring_for({one.delivery.sender for one in settled if one.delivery is not None})
    return settled


def settle(
    tx: Tx, gw: Services, caller: Caller, delivery_id: str, proof: str = PROOF, *, by_hand: bool = False
) -> Delivery:
    """The recipient has it, within this transaction. Raises before it writes anything."""
    current = own_delivery(tx, gw, caller, delivery_id, lock=True, by_hand=by_hand)
    if current.state is State.DELIVERED:
        return current
    if current.state is not State.QUEUED:
        raise WrongState(_not_waiting(current), code=f"delivery.{current.state.value}")
    if current.fetched_at is None:
        raise WrongState(_NOT_FETCHED, code="delivery.not_fetched")
    if current.kind != Kind.STATUS.value:
        _lesson(gw, caller)
    if not arrive(tx, gw, current, proof, actor=caller.principal):
        raise Busy(_ATTEMPT_RUNS, code="delivery.attempt_running", retry_after=60)
    return deliveries.find(tx, delivery_id) or current


def _lesson(gw: Services, caller: Caller) -> None:
    """A connection test may turn a confirmation away: the message is listed again (``flow/conform.py``)."""
    if seconds := gw.lessons.seconds_left(caller.principal, "done", gw.clock.now()):
        raise Busy(retry_after=seconds)


def _settle_or_say(tx: Tx, gw: Services, caller: Caller, delivery_id: str) -> Settled:
    try:
        return Settled(delivery_id, settle(tx, gw, caller, delivery_id))
    except (NotFound, WrongState) as problem:
        return Settled(delivery_id, None, problem)


def own_delivery(
    tx: Tx, gw: Services, caller: Caller, delivery_id: str, *, lock: bool = False, by_hand: bool = False
) -> Delivery:
    """A delivery that waits (or waited) in an inbox of the caller, and that may be taken now. ``by_hand``: a
    clerk of the recipient takes it in place of the system that it is pushed to, or that serves many."""
    delivery = deliveries.find(tx, delivery_id, lock=lock)
    ours = delivery is not None and (
        caller.acts_for(delivery.destination) or (by_hand and caller.acts_for(delivery.recipient))
    )
    if delivery is None or not ours:
        raise NotFound(code="delivery.unknown")
    if not by_hand and not gw.kinds.get(delivery.adapter, False):
        raise WrongState(_PUSHED, code="delivery.pushed")
    if delivery.state is State.QUEUED and delivery.kind != Kind.STATUS.value and _waits(tx, delivery):
        raise WrongState(_EARLIER, code="delivery.waits_for_earlier")
    return delivery


def _waits(tx: Tx, delivery: Delivery) -> bool:
    """True while an earlier message of the same document is on its way to the same destination."""
    row = tx.one("earlier_open", id=delivery.id)
    return row is not None


async def _mark_fetched(
    gw: Services, caller: Caller, delivery: Delivery, started: Instant, by_hand: bool
) -> None:
    """Record the first full fetch. Raises when the message was withdrawn while its bytes were on their way:
    the last of them are not given then."""
    if delivery.fetched_at is None:
        await gw.store.write(lambda tx: _fetched(tx, gw, caller, delivery.id, started, by_hand))


def _mark_taken(tx: Tx, gw: Services, caller: Caller, delivery_ids: Sequence[str]) -> frozenset[str]:
    """Record fetches; those that were withdrawn meanwhile and are not to be shown."""
    gone = set()
    for delivery_id in delivery_ids:
        try:
            _fetched(tx, gw, caller, delivery_id, gw.clock.now())
        except WrongState:
            gone.add(delivery_id)
    return frozenset(gone)


def _require_readable(tx: Tx, delivery: Delivery) -> None:
    """Not what was withdrawn or given back, nor what is frozen: the sender asked for it back, or an incident
    is open. Frozen means readable by named roles only."""
    if delivery.state not in (State.QUEUED, State.DELIVERED):
        raise WrongState(_not_waiting(delivery), code=f"delivery.{delivery.state.value}")
    if delivery.state is State.DELIVERED and delivery.recall:
        raise WrongState(_ASKED_BACK, code="document.asked_back")
    if delivery.kind != Kind.STATUS.value and incidents.open_for(tx, delivery.document) is not None:
        raise WrongState(_KEPT_BACK, code="document.under_incident")


def _fetched(
    tx: Tx, gw: Services, caller: Caller, delivery_id: str, started: Instant, by_hand: bool = False
) -> None:
    """The first full fetch of a delivery; later ones leave no trace."""
    at = gw.clock.now()
    delivery = own_delivery(tx, gw, caller, delivery_id, lock=True, by_hand=by_hand)
    _require_readable(tx, delivery)
    if tx.run("mark_fetched", id=delivery.id, handed_over_at=started, fetched_at=at):
        fetched = record.delivery_moved(
            gw, EventType.DELIVERY_FETCHED, delivery, delivery.state, caller.principal, at
        )
        events.record(tx, fetched)


def _with_content(tx: Tx, gw: Services, item: InboxItem) -> InboxItem:
    stored = of_delivery(tx, item.delivery)
    if stored is None or stored.inline is None:
        return item
    if item.kind != Kind.STATUS.value and incidents.open_for(tx, item.document) is not None:
        return item
    return replace(item, content=inline_bytes(gw, stored))


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
        addressed=row["in_place_of"] or row["addressed"],
    )


def _cursor_of(row: Row) -> str:
    position = orjson.dumps([row["urgency_rank"], row["accepted_at"], row["id"]])
    return base64.urlsafe_b64encode(position).decode().rstrip("=")


def _read_cursor(cursor: str) -> tuple[int, Instant, str]:
    if not cursor:
        return -1, Instant(0), ""
    try:
        rank, accepted_at, last = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError, TypeError) as error:
        raise BadRequest(_NOT_OUR_CURSOR, code="cursor.malformed") from error
    # Databases take no larger integers, and no text with control characters.
    numbers = all(type(number) is int and 0 <= number < 2**63 for number in (rank, accepted_at))
    if not (numbers and isinstance(last, str) and last.isprintable()):
        raise BadRequest(_NOT_OUR_CURSOR, code="cursor.malformed")
    return rank, Instant(accepted_at), last


def _not_waiting(delivery: Delivery) -> Bilingual:
    return Bilingual(
        f"Gói tin này không chờ trong hộp nhận (trạng thái: {delivery.state.value}).",
        f"This message does not wait in the inbox (state: {delivery.state.value}).",
    )


_NOT_OUR_CURSOR = Bilingual("Tham số cursor không hợp lệ.", "The cursor is not one that this gateway gave.")
_NOT_FETCHED = Bilingual(
    "Chưa tải về đầy đủ gói tin này nên chưa thể xác nhận đã nhận. Hãy tải về rồi xác nhận lại.",
    "This message was not fetched in full yet, so it cannot be confirmed. Fetch it, then confirm again.",
)
_ASKED_BACK = Bilingual(
    "Cơ quan gửi đã yêu cầu thu hồi văn bản này nên không tải lại được. Hãy trả lời yêu cầu thu hồi (15 hoặc "
    "16).",
    "The sender asked for this document back, so it cannot be fetched again. Answer the recall (15 or 16).",
)
_KEPT_BACK = Bilingual(
    "Trục đang tạm giữ văn bản này để xử lý sự cố. Hãy thử lại sau hoặc liên hệ đơn vị vận hành.",
    "The gateway keeps this document back because of an incident. Try later, or speak to the operator.",
)
_ATTEMPT_RUNS = Bilingual(
    "Trục đang gửi gói tin này đến hệ thống của đơn vị; hãy thử lại sau một phút.",
    "The message is on its way to the agency's system at this moment; try again in a minute.",
)
_EARLIER = Bilingual(
    "Một gói tin trước đó của cùng văn bản chưa đến đơn vị; hãy nhận gói tin đó trước.",
    "An earlier message of the same document has not arrived yet; take that one first.",
)
_PUSHED = Bilingual(
    "Gói tin này được trục gửi chủ động đến hệ thống của đơn vị, không lấy qua hộp nhận.",
    "This message is pushed to the agency's system; it is not fetched from the inbox.",
)
