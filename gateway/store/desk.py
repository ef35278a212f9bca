"""Rows of the clerk's desk: what waits for an agency, what came back to it, what was done for it by hand.

In charge of: lists for one agency, a page at a time, along indexes of their own, and the rows of what a clerk
did in place of her agency's document system. Not in charge of: who may see them (``flow/desk.py``).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

import orjson

from gateway.model.delivery import Delivery
from gateway.model.text import AgencyCode, Instant
from gateway.store import events
from gateway.store.contract import Row, Tx
from gateway.store.deliveries import from_row

LAST = "zzzz"  # after every id
COUNTED = 1000  # more are told as "more than"


@dataclass(frozen=True, slots=True)
class Letter:
    """A document as lists show it. ``subject`` is empty once it was erased."""

    document: str
    document_id: str
    sender: AgencyCode
    header: dict[str, Any]
    subject: str
    at: Instant

    @property
    def code(self) -> str:
        """Number and notation."""
        return "/".join(filter(None, (self.header.get("number", ""), self.header.get("notation", ""))))


@dataclass(frozen=True, slots=True)
class Stage:
    """How many deliveries of a document stand like this."""

    state: str
    status_code: str
    fetched: bool
    deliveries: int


@dataclass(frozen=True, slots=True)
class Item:
    """A delivery with its document. ``rank`` is the place of its urgency in the queue."""

    delivery: Delivery
    letter: Letter
    rank: int = 0
    size: int = 0


@dataclass(frozen=True, slots=True)
class ToAnswer:
    """A recall that waits for the agency's 15 or 16."""

    letter: Letter
    asked_at: Instant
    cause: str
    reason: str


@dataclass(frozen=True, slots=True)
class ByHand:
    """Something that a clerk did by hand. ``delivery`` is empty for what was sent."""

    id: str
    agency: AgencyCode
    what: str  # sent, taken
    message: str
    delivery: str
    principal: str
    at: Instant


@dataclass(frozen=True, slots=True)
class Done:
    """The same with its document."""

    row: ByHand
    letter: Letter


@dataclass(frozen=True, slots=True)
class Counts:
    """How much lies on the desk, each counted up to ``COUNTED``."""

    unanswered: int
    in_work: int
    troubled: int


_BY_HAND = tuple(field.name for field in fields(ByHand))


def sent(tx: Tx, agency: str, before: str, limit: int) -> list[Letter]:
    """Documents of one sender, newest first."""
    rows = tx.all("desk_sent", agency=agency, before=before or LAST, limit=limit)
    return [_letter(tx, row, row["id"], AgencyCode(agency), row["created_at"]) for row in rows]


def stages(tx: Tx, document: str) -> list[Stage]:
    """What its deliveries came to, counted."""
    return [
        Stage(row["state"], row["status_code"], bool(row["fetched"]), row["deliveries"])
        for row in tx.all("desk_stages", document=document)
    ]


def recipients(tx: Tx, document: str, stage: str, after: tuple[str, str], limit: int) -> list[Delivery]:
    """Deliveries of a document by recipient's code, after (recipient, id)."""
    rows = tx.all(
        "desk_recipients", document=document, stage=stage, recipient=after[0], id=after[1], limit=limit
    )
    return [from_row(row) for row in rows]


def words_of_status(tx: Tx, document: str, reporter: str, code: str) -> str:
    """What a recipient wrote with its newest status of this code."""
    row = tx.one("desk_status_message", document=document, reporter=reporter, code=code)
    return events.private_values(tx, row["event"]).get("reason", "") if row else ""


def returned(tx: Tx, agency: str, before: tuple[str, str], limit: int) -> list[Item]:
    """What was refused or cannot go on, newest documents first, before (document, delivery)."""
    rows = tx.all("desk_returned", agency=agency, document=before[0] or LAST, id=before[1], limit=limit)
    return [
        Item(from_row(row), _letter(tx, row, row["document"], AgencyCode(agency), row["document_created_at"]))
        for row in rows
    ]


def incoming(
    tx: Tx, agency: str, after: tuple[int, int, str], limit: int, *, in_work: bool = False
) -> list[Item]:
    """What waits for the agency's answer, or is being handled, after (rank, accepted_at, id)."""
    rows = tx.all(
        "desk_in_work" if in_work else "desk_unanswered",
        agency=agency,
        rank=after[0],
        accepted_at=after[1],
        id=after[2],
        limit=limit,
    )
    return [
        Item(
            from_row(row),
            _letter(tx, row, row["document"], AgencyCode(row["sender"]), row["accepted_at"]),
            row["urgency_rank"],
            row["size"],
        )
        for row in rows
    ]


def counts(tx: Tx, agency: str) -> Counts:
    """How much lies on the desk."""
    found = [
        tx.one(f"desk_count_{name}", agency=agency, limit=COUNTED + 1)
        for name in ("unanswered", "in_work", "troubled")
    ]
    return Counts(*(int(row["deliveries"]) if row else 0 for row in found))


def to_answer(tx: Tx, agency: str, limit: int) -> list[ToAnswer]:
    """Recalls that the agency has not answered, longest asked first."""
    return [
        ToAnswer(
            _letter(tx, row, row["document"], AgencyCode(row["sender"]), row["asked_at"]),
            row["asked_at"],
            row["cause"],
            events.private_values(tx, row["asked_event"]).get("reason", ""),
        )
        for row in tx.all("desk_recalls_to_answer", agency=agency, limit=limit)
    ]


def delivery_of(tx: Tx, document: str, recipient: str) -> str:
    """The newest delivery of a document to one recipient; "" for none."""
    row = tx.one("desk_delivery_of", document=document, recipient=recipient)
    return str(row["id"]) if row else ""


def statuses(tx: Tx, agency: str, limit: int) -> list[str]:
    """Ids of status deliveries that wait in the agency's inbox, oldest first."""
    return [row["id"] for row in tx.all("desk_statuses", agency=agency, limit=limit)]


def add(tx: Tx, new: ByHand) -> None:
    """Write down what was done by hand."""
    tx.run("add_by_hand", **asdict(new))


def by_hand(tx: Tx, agency: str, before: str, limit: int) -> list[Done]:
    """What was done by hand for one agency, newest first."""
    return [
        Done(
            ByHand(**{name: row[name] for name in _BY_HAND}),
            _letter(tx, row, row["document"], AgencyCode(row["sender"]), row["at"]),
        )
        for row in tx.all("by_hand_of", agency=agency, before=before or LAST, limit=limit)
    ]


def was_sent_by_hand(tx: Tx, message: str) -> bool:
    """True for a message that a clerk sent with the form."""
    return tx.one("by_hand_sent", message=message) is not None


def _letter(tx: Tx, row: Row, document: str, sender: AgencyCode, at: Instant) -> Letter:
    subject = events.private_values(tx, row["event"]).get("subject", "")
    return Letter(document, row["document_id"], sender, orjson.loads(row["header"]), subject, at)
