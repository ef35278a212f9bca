"""Rows of the delivery queue.

In charge of: the one way to create a delivery, the one way to change its transport state, and following a
changed connection. The event of a change is written beside it by the flow that makes it. Not in charge of:
when to try again (``delivery/retry.py``) or what an outcome means (``delivery/settle.py``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from gateway.model.delivery import ALLOWED, Delivery, Hop, State
from gateway.model.text import AgencyCode, Bilingual, Instant
from gateway.store import archive
from gateway.store.contract import Conflict, Row, Tx

# Rank by urgency 0..4: hỏa tốc (4 and 3) first, then 2, 1, 0 (contracts).
URGENCY_RANK = (3, 2, 1, 0, 0)


@dataclass(frozen=True, slots=True)
class NewDelivery:
    """One message for one recipient, before it is a row. ``payload`` is set when the bytes were rebuilt."""

    id: str
    message: str
    document: str
    kind: str
    sender: AgencyCode
    document_id: str
    addressed: AgencyCode
    recipient: AgencyCode
    destination: AgencyCode
    adapter: str
    pull: bool
    order_key: str
    urgency: int
    accepted_at: Instant
    payload: bytes | None = None
    held_code: str = ""
    held: Bilingual | None = None
    in_place_of: AgencyCode = AgencyCode("")  # see ``model.delivery.Hop``

    @property
    def named(self) -> AgencyCode:
        """The code by which the envelope named the recipient."""
        return self.in_place_of or self.addressed


@dataclass(frozen=True, slots=True)
class Change:
    """A change of transport state. ``lease`` is that of the attempt which ends, or empty."""

    to_state: State
    at: Instant
    due_at: Instant | None = None
    lease: str = ""
    reason_code: str = ""
    reason: Bilingual | None = None
    proof: str = ""


def add(tx: Tx, new: NewDelivery) -> None:
    """Create the row: held when a reason says so, else queued (due at once unless the recipient pulls)."""
    held = new.held is not None
    tx.run(
        "add_delivery",
        id=new.id,
        message=new.message,
        document=new.document,
        kind=new.kind,
        sender=new.sender,
        document_id=new.document_id,
        addressed=new.addressed,
        recipient=new.recipient,
        destination=new.destination,
        adapter=new.adapter,
        pull=int(new.pull),
        order_key=new.order_key,
        urgency=new.urgency,
        urgency_rank=URGENCY_RANK[new.urgency],
        state=(State.HELD if held else State.QUEUED).value,
        due_at=None if held or new.pull else new.accepted_at,
        payload=new.payload,
        accepted_at=new.accepted_at,
        reason_code=new.held_code,
        reason_vi=new.held.vi if new.held else "",
        reason_en=new.held.en if new.held else "",
        in_place_of=new.in_place_of or None,
    )


def move(tx: Tx, delivery: Delivery, change: Change) -> bool:
    """Change the transport state. False when somebody else moved the delivery first: a late answer of an
    attempt whose lease was lost changes nothing. ``ValueError`` for a change that the contract forbids."""
    if change.to_state not in ALLOWED[delivery.state]:
        raise ValueError(f"{delivery.state.value} never becomes {change.to_state.value}")
    settled_at = None if change.to_state in (State.QUEUED, State.HELD) else change.at
    if change.to_state is State.RECALLED:
        settled_at = delivery.settled_at  # when it was delivered; the recall has its own times
    queued_again = change.to_state is State.QUEUED and delivery.state is not State.QUEUED
    reason = change.reason or Bilingual("", "")
    moved = tx.run(
        "move_delivery",
        id=delivery.id,
        from_state=delivery.state.value,
        state=change.to_state.value,
        due_at=change.due_at,
        lease=change.lease,
        queued_at=change.at if queued_again else None,
        settled_at=settled_at,
        reason_code=change.reason_code,
        reason_vi=reason.vi,
        reason_en=reason.en,
        proof=change.proof,
    )
    return moved > 0


def reroute(tx: Tx, delivery: Delivery, hop: Hop, payload: bytes | None, at: Instant) -> bool:
    """A held delivery goes to another recipient, on under the code that the envelope named; it stays held
    where the hop says so. False: it is held no more."""
    queued, held = hop.held is None, hop.held or Bilingual("", "")
    moved = tx.run(
        "reroute_delivery",
        id=delivery.id,
        recipient=hop.recipient,
        destination=hop.destination,
        adapter=hop.adapter,
        pull=int(hop.pull),
        payload=payload,
        state=(State.QUEUED if queued else State.HELD).value,
        due_at=at if queued and not hop.pull else None,
        queued_at=at,
        reason_code=hop.held_code,
        reason_vi=held.vi,
        reason_en=held.en,
    )
    return moved > 0


def order_key_of(tx: Tx, delivery_id: str) -> str:
    """What binds a delivery to others of its destination."""
    row = tx.one("delivery_by_id", id=delivery_id)
    assert row is not None
    return str(row["order_key"])


def waiting_by_recipient(tx: Tx) -> dict[AgencyCode, int]:
    """How many deliveries are open for each recipient that has any."""
    return {AgencyCode(row["recipient"]): row["deliveries"] for row in tx.all("waiting_by_recipient")}


def stand_ins(tx: Tx, document: str) -> tuple[tuple[AgencyCode, AgencyCode], ...]:
    """(code that a message named, who was to have it in its place) for what was sent about a document."""
    rows = tx.all("stand_ins_of_document", document=document)
    return tuple((AgencyCode(row["named"]), AgencyCode(row["recipient"])) for row in rows)


def reconnect(tx: Tx, destination: str, adapter: str, pull: bool, now: Instant) -> None:
    """Everything that waits for a destination follows its new connection; running attempts follow when they
    end. Its lane is open again."""
    due_at = None if pull else now
    tx.run("reconnect_queued", destination=destination, adapter=adapter, pull=int(pull), due_at=due_at)
    tx.run("reconnect_kept", destination=destination, adapter=adapter, pull=int(pull))
    tx.run("put_lane", destination=destination, failures=0, not_before=0)
    tx.run("wake_lane", destination=destination, now=now)


def find(tx: Tx, delivery_id: str, *, lock: bool = False) -> Delivery | None:
    """One delivery; with ``lock`` it stays ours until the transaction ends."""
    row = tx.one("lock_delivery" if lock else "delivery_by_id", id=delivery_id)
    return None if row is None else from_row(row)


def waiting(
    tx: Tx, destination: str, *, statuses: bool, since: Instant, until: Instant, limit: int
) -> list[Delivery]:
    """What waits in one inbox and was accepted within the time, most urgent and oldest first: documents, or
    statuses. A later message of a document stays out of sight while an earlier one is still on its way."""
    query = "waiting_statuses" if statuses else "waiting_documents"
    rows = tx.all(query, destination=destination, since=since, until=until, limit=limit)
    return [from_row(row) for row in rows]


def count_waiting(tx: Tx, destination: str, *, statuses: bool) -> int:
    """How many documents, or statuses, wait in one inbox."""
    query = "count_waiting_statuses" if statuses else "count_waiting_documents"
    row = tx.one(query, destination=destination)
    return int(row["waiting"]) if row is not None else 0


def head_of_queue(tx: Tx, now: Instant) -> tuple[Instant | None, int]:
    """Since when the longest-waiting delivery is due that could go now; and how many destinations fail."""
    row = tx.one("head_of_queue", now=now)
    assert row is not None  # two counts
    return row["due_at"], row["failing"]


def sent_by(tx: Tx, sender: str, *, statuses: bool, limit: int) -> list[Delivery]:
    """The newest deliveries of what one agency sent."""
    query = "statuses_sent_by" if statuses else "documents_sent_by"
    return [from_row(row) for row in tx.all(query, sender=sender, limit=limit)]


def of_message(tx: Tx, message: str) -> list[Delivery]:
    """Every delivery of one message. ``Archived`` when they are away."""
    found = [from_row(row) for row in tx.all("deliveries_of_message", message=message)]
    if not found:
        archive.require_id(tx, message)
    return found


def note_recipient(tx: Tx, delivery_id: str, code: str, words: Bilingual) -> bool:
    """What the recipient's system says of a message that goes on waiting; False when it waits no more."""
    return tx.run("note_recipient", id=delivery_id, code=code, vi=words.vi, en=words.en) > 0


def of_document(tx: Tx, document: str) -> list[Delivery]:
    """Deliveries of every message of a document, the statuses about it included. ``Archived`` when some are
    away."""
    archive.require_document(tx, document)
    return [from_row(row) for row in tx.all("deliveries_of_document", document=document)]


def addressed_of(tx: Tx, message: str) -> frozenset[str]:
    """The codes, as the envelope named them, that already have a delivery of the message."""
    return frozenset(row["addressed"] for row in tx.all("deliveries_of_message", message=message))


def lease(tx: Tx, leased: Sequence[tuple[Delivery, str]], at: Instant) -> None:
    """Write down that attempts begin: deliveries as they are from now on, each with the id of its lease.

    ``Conflict`` when one of them was no longer to be had; the unit is run again then.
    """
    if not leased:
        return
    rows = [
        {
            "id": delivery.id,
            "lease": lease,
            "number": delivery.attempts,
            "leased_until": delivery.leased_until,
            "next_due": delivery.due_at,
        }
        for delivery, lease in leased
    ]
    text = orjson.dumps(rows).decode()
    taken = tx.run("lease_deliveries", leased=text)
    if taken != len(leased):
        raise Conflict("delivery", f"{taken} of {len(leased)} were to be leased")
    tx.run("add_attempts", leased=text, started_at=at)


def from_row(row: Row) -> Delivery:
    """The value of a row."""
    return Delivery(
        id=row["id"],
        message=row["message"],
        document=row["document"],
        kind=row["kind"],
        sender=row["sender"],
        document_id=row["document_id"],
        recipient=row["recipient"],
        destination=row["destination"],
        adapter=row["adapter"],
        urgency=row["urgency"],
        state=State(row["state"]),
        due_at=row["due_at"],
        leased_until=row["leased_until"],
        attempts=row["attempts"],
        accepted_at=row["accepted_at"],
        queued_at=row["queued_at"],
        fetched_at=row["fetched_at"],
        settled_at=row["settled_at"],
        reason_code=row["reason_code"],
        reason=Bilingual(row["reason_vi"], row["reason_en"]) if row["reason_code"] else None,
        status_code=row["status_code"],
        status_at=row["status_at"],
        proof=row["proof"],
        recall=row["recall"] or "",
        addressed=row["in_place_of"] or row["addressed"],
    )
