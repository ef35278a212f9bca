"""Rows of declared totals: how many documents an agency's register holds for some days.

In charge of: writing and reading them; nothing is ever changed but that a later one takes its place. Not in
charge of: who may declare (``flow/declared.py``), which of them cover a period (``docs/figures.md``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from gateway.clock import VIETNAM, from_datetime
from gateway.model.text import AgencyCode, Instant
from gateway.store.contract import Row, Tx


@dataclass(frozen=True, slots=True)
class Declared:
    """One declaration; both days are included. ``outgoing_total`` does not hold the secret ones."""

    id: str
    agency: AgencyCode
    from_day: date
    to_day: date
    outgoing_total: int
    paper_only: int
    secret_count: int
    to_non_state: int
    source: str
    event: str
    declared_by: str
    declared_at: Instant
    replaced_at: Instant | None = None


def put(tx: Tx, new: Declared) -> bool:
    """Write a declaration; the one of the same days stays, marked as replaced. True when there was one."""
    days = {"agency": new.agency, "from_day": new.from_day.isoformat(), "to_day": new.to_day.isoformat()}
    replaced = tx.run("replace_declared", at=new.declared_at, **days) > 0
    tx.run(
        "add_declared",
        id=new.id,
        outgoing_total=new.outgoing_total,
        paper_only=new.paper_only,
        secret_count=new.secret_count,
        to_non_state=new.to_non_state,
        source=new.source,
        event=new.event,
        declared_by=new.declared_by,
        declared_at=new.declared_at,
        **days,
    )
    return replaced


def within(tx: Tx, from_day: date, to_day: date, agency: str = "", replaced: bool = False) -> list[Declared]:
    """Declarations that share a day with the period, of one agency or all."""
    rows = tx.all("declared_within", from_day=from_day.isoformat(), to_day=to_day.isoformat(), agency=agency)
    return [_declared(row) for row in rows if replaced or row["replaced_at"] is None]


def observed(tx: Tx, agency: AgencyCode, from_day: date, to_day: date) -> int:
    """Documents that the agency handed in on these days; both are included."""
    row = tx.one(
        "documents_sent_between",
        agency=agency,
        from_at=_start_of(from_day),
        to_at=_start_of(to_day + timedelta(days=1)),
    )
    assert row is not None
    return int(row["n"])


def _start_of(day: date) -> Instant:
    return from_datetime(datetime(day.year, day.month, day.day, tzinfo=VIETNAM))


def _declared(row: Row) -> Declared:
    return Declared(
        row["id"],
        AgencyCode(row["agency"]),
        date.fromisoformat(row["from_day"]),
        date.fromisoformat(row["to_day"]),
        row["outgoing_total"],
        row["paper_only"],
        row["secret_count"],
        row["to_non_state"],
        row["source"],
        row["event"],
        row["declared_by"],
        row["declared_at"],
        row["replaced_at"],
    )
