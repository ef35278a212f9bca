"""Rows about partners that keep messages for us until we come.

In charge of: what was fetched from whom and whether the partner was told, how it stands with each partner,
and comparisons of our list with theirs. Not in charge of: fetching (``delivery/collect.py``), what a
difference means (``flow/reconcile.py``).
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import orjson

from gateway.model.text import Bilingual, Instant
from gateway.store.contract import Row, Tx

NO_REASON = Bilingual("", "")


class Outcome(enum.Enum):
    """What became of an item that a partner kept for us."""

    WAITING = "waiting"  # a status before its document; fetched again
    ACCEPTED = "accepted"
    HELD = "held"
    REPEATED = "repeated"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Collected:
    """One item. ``envelope_sha256`` is ``None`` when its bytes never came to their end."""

    partner: str
    doc_id: str
    kind: str  # edoc, status
    envelope_sha256: bytes | None
    message: str
    outcome: Outcome
    reason_code: str
    reason: str  # what the partner is told
    declared: Mapping[str, str]
    first_seen: Instant
    collected_at: Instant
    confirmed_at: Instant | None = None

    @property
    def taken(self) -> bool:
        """True when the partner is told that we have it."""
        return self.outcome is not Outcome.REFUSED


@dataclass(frozen=True, slots=True)
class PartnerState:
    """How it stands with one partner. ``since``: when it became away, or available."""

    partner: str
    away: bool
    since: Instant
    last_success: Instant | None = None
    last_failure: Instant | None = None
    reason_code: str = ""
    reason: Bilingual = NO_REASON
    backlog: int = 0
    compared_at: Instant | None = None


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """One comparison for one day (``YYYY-MM-DD``, Vietnamese). ``only_ours``: delivery, recipient and DocId
    of what the partner does not list; ``only_theirs``: DocId and what the partner says of it."""

    id: str
    partner: str
    day: str
    ours: int
    theirs: int
    only_ours: Sequence[Mapping[str, str]]
    only_theirs: Sequence[Mapping[str, str]]
    made_at: Instant

    @property
    def agrees(self) -> bool:
        """True when both sides have the same."""
        return not self.only_ours and not self.only_theirs


def put(tx: Tx, item: Collected) -> None:
    """Write an item, or the end of one that waited. One that has its end stays as it is."""
    tx.run(
        "put_collected",
        partner=item.partner,
        doc_id=item.doc_id,
        kind=item.kind,
        envelope_sha256=item.envelope_sha256,
        message=item.message,
        outcome=item.outcome.value,
        reason_code=item.reason_code,
        reason=item.reason,
        declared=orjson.dumps(dict(item.declared)).decode(),
        at=item.collected_at,
    )


def find(tx: Tx, partner: str, doc_id: str) -> Collected | None:
    """One item, if it was seen before."""
    row = tx.one("collected_item", partner=partner, doc_id=doc_id)
    return _item(row) if row is not None else None


def confirm(tx: Tx, partner: str, doc_id: str, at: Instant) -> None:
    """The partner was told what became of an item."""
    tx.run("confirm_collected", partner=partner, doc_id=doc_id, at=at)


def unconfirmed(tx: Tx, partner: str, limit: int) -> list[Collected]:
    """Items with an end that the partner was not told, oldest first."""
    return [_item(row) for row in tx.all("unconfirmed_items", partner=partner, limit=limit)]


def waiting(tx: Tx, partner: str, limit: int) -> list[Collected]:
    """Items that wait for their document, oldest first."""
    return [_item(row) for row in tx.all("waiting_items", partner=partner, limit=limit)]


def state_of(tx: Tx, partner: str) -> PartnerState | None:
    """How it stands with one partner; ``None`` before the first look."""
    row = tx.one("partner_state", partner=partner)
    return _state(row) if row is not None else None


def states(tx: Tx) -> list[PartnerState]:
    """How it stands with all partners."""
    return [_state(row) for row in tx.all("all_partner_states")]


def put_state(tx: Tx, state: PartnerState) -> None:
    """How it stands now (``compared_at`` is written by ``compared``)."""
    tx.run(
        "put_partner_state",
        partner=state.partner,
        away=int(state.away),
        since=state.since,
        last_success=state.last_success,
        last_failure=state.last_failure,
        reason_code=state.reason_code,
        reason_vi=state.reason.vi,
        reason_en=state.reason.en,
        backlog=state.backlog,
    )


def compared(tx: Tx, partner: str, at: Instant) -> None:
    """Its agency list was compared with our directory."""
    tx.run("partner_compared", partner=partner, at=at)


def add_reconciliation(tx: Tx, made: Reconciliation) -> None:
    """Keep one comparison."""
    tx.run(
        "add_reconciliation",
        id=made.id,
        partner=made.partner,
        day=made.day,
        ours=made.ours,
        theirs=made.theirs,
        only_ours=orjson.dumps([dict(one) for one in made.only_ours]).decode(),
        only_theirs=orjson.dumps([dict(one) for one in made.only_theirs]).decode(),
        made_at=made.made_at,
    )


def reconciliation_of(tx: Tx, partner: str, day: str) -> Reconciliation | None:
    """The last comparison of a day."""
    row = tx.one("newest_reconciliation", partner=partner, day=day)
    return _reconciliation(row) if row is not None else None


def reconciliations_since(tx: Tx, day: str, limit: int) -> list[Reconciliation]:
    """The last comparison of each partner and day from ``day`` on, newest day first."""
    found: dict[tuple[str, str], Reconciliation] = {}
    for row in tx.all("reconciliations_since", day=day, limit=limit):
        found.setdefault((row["partner"], row["day"]), _reconciliation(row))
    return list(found.values())


def delivered_to(tx: Tx, destination: str, since: Instant, until: Instant) -> list[Row]:
    """Deliveries that a destination took from ``since`` until before ``until``: id, sender, recipient,
    document_id, kind, proof, settled_at."""
    return tx.all("delivered_to", destination=destination, since=since, until=until)


def _item(row: Row) -> Collected:
    return Collected(
        partner=row["partner"],
        doc_id=row["doc_id"],
        kind=row["kind"],
        envelope_sha256=bytes(row["envelope_sha256"]) if row["envelope_sha256"] is not None else None,
        message=row["message"],
        outcome=Outcome(row["outcome"]),
        reason_code=row["reason_code"],
        reason=row["reason"],
        declared=orjson.loads(row["declared"]),
        first_seen=row["first_seen"],
        collected_at=row["collected_at"],
        confirmed_at=row["confirmed_at"],
    )


def _state(row: Row) -> PartnerState:
    return PartnerState(
        partner=row["partner"],
        away=bool(row["away"]),
        since=row["since"],
        last_success=row["last_success"],
        last_failure=row["last_failure"],
        reason_code=row["reason_code"],
        reason=Bilingual(row["reason_vi"], row["reason_en"]),
        backlog=row["backlog"],
        compared_at=row["compared_at"],
    )


def _reconciliation(row: Row) -> Reconciliation:
    return Reconciliation(
        id=row["id"],
        partner=row["partner"],
        day=row["day"],
        ours=row["ours"],
        theirs=row["theirs"],
        only_ours=orjson.loads(row["only_ours"]),
        only_theirs=orjson.loads(row["only_theirs"]),
        made_at=row["made_at"],
    )
