"""Rows of outages: hours that figures are also shown without.

In charge of: proposing, deciding, withdrawing, and reading what counts. Not in charge of: who decides
(``flow/outages.py``), what an outage takes out of a figure (``docs/figures.md``).
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.model.text import AgencyCode, Instant
from gateway.store.contract import Row, Tx


@dataclass(frozen=True, slots=True)
class Outage:
    """An interval ``[from_at, to_at)``. ``agency`` empty: of the gateway. ``decision``: empty, ``approved``
    or ``declined``. ``reason`` is empty once it was decided: then it stands beside the event."""

    id: str
    agency: AgencyCode
    from_at: Instant
    to_at: Instant
    reason: str
    proposed_by: str
    proposed_at: Instant
    decision: str = ""
    decided_by: str = ""
    decided_at: Instant | None = None
    event: str = ""
    withdrawn_at: Instant | None = None
    withdrawn_by: str = ""

    @property
    def counts(self) -> bool:
        """True while figures are also shown without it."""
        return self.decision == "approved" and self.withdrawn_at is None


def propose(tx: Tx, new: Outage) -> None:
    """Write a proposal."""
    tx.run(
        "add_outage",
        id=new.id,
        agency=new.agency,
        from_at=new.from_at,
        to_at=new.to_at,
        reason=new.reason,
        proposed_by=new.proposed_by,
        proposed_at=new.proposed_at,
    )


def decide(tx: Tx, outage: str, approved: bool, by: str, at: Instant, event: str) -> bool:
    """Write what was decided; the reason moves beside the event. False: it was decided before."""
    word = "approved" if approved else "declined"
    return tx.run("decide_outage", id=outage, decision=word, by=by, at=at, event=event or None) > 0


def withdraw(tx: Tx, outage: str, by: str, at: Instant) -> bool:
    """Its hours count again. False: it was not in force."""
    return tx.run("withdraw_outage", id=outage, by=by, at=at) > 0


def find(tx: Tx, outage: str) -> Outage | None:
    """One outage."""
    row = tx.one("outage_by_id", id=outage)
    return None if row is None else _outage(row)


def within(tx: Tx, from_at: Instant, to_at: Instant) -> list[Outage]:
    """Outages of any standing that lie at least in part in ``[from_at, to_at)``, oldest first."""
    return [_outage(row) for row in tx.all("outages_within", from_at=from_at, to_at=to_at)]


def in_force(tx: Tx, from_at: Instant, to_at: Instant) -> list[Outage]:
    """Those of them that were approved and not withdrawn."""
    return [one for one in within(tx, from_at, to_at) if one.counts]


def _outage(row: Row) -> Outage:
    return Outage(
        row["id"],
        AgencyCode(row["agency"]),
        row["from_at"],
        row["to_at"],
        row["reason"],
        row["proposed_by"],
        row["proposed_at"],
        row["decision"],
        row["decided_by"] or "",
        row["decided_at"],
        row["event"] or "",
        row["withdrawn_at"],
        row["withdrawn_by"] or "",
    )
