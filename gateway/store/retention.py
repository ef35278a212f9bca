"""Rows about what may be forgotten beside the log: proposals, decisions, freezes, and the values themselves.

In charge of: reading and writing them; values go in the transaction that counts them. Not in charge of: who
decides and how long what is kept (``flow/retention.py``, ``flow/retention_data.py``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.model.text import AgencyCode, Instant
from gateway.store import archive, searches
from gateway.store.contract import Row, Tx


@dataclass(frozen=True, slots=True)
class Decision:
    """A proposal and what became of it. ``decision``: empty, ``approved`` or ``declined``."""

    id: str
    retention_class: str
    version: str
    before: Instant
    found: int
    proposed_by: str
    proposed_at: Instant
    event: str
    decision: str = ""
    approved_by: str = ""
    decided_at: Instant | None = None
    erased: int = 0
    ended_at: Instant | None = None


@dataclass(frozen=True, slots=True)
class Freeze:
    """A legal hold. Empty ``document`` or ``agency``: any; the time is that of events, or of the document's
    acceptance."""

    id: str
    document: str
    agency: AgencyCode
    from_at: Instant
    to_at: Instant
    event: str
    frozen_by: str
    frozen_at: Instant


def due(tx: Tx, after: Instant, last: str, before: Instant, limit: int) -> list[Row]:
    """Events (id, at, type) with private values that no freeze covers, by (at, id) after (``after``,
    ``last``). ``Archived`` when some of that time are away: their values are here, they are not."""
    archive.require_until(tx, before)
    return tx.all("due_private_values", after=after, last=last, before=before, limit=limit)


def erase(tx: Tx, decision: str, events: Sequence[str], ended_at: Instant | None) -> int:
    """Erase the values of these events under a decision; how many there were."""
    erased = tx.many("erase_due_values", [{"event": one} for one in events])
    searches.erase_subjects_of(tx, events)
    if not tx.run("count_erased", id=decision, erased=erased, ended_at=ended_at):
        raise LookupError(f"{decision} was not approved")  # the transaction is undone
    return erased


def propose(tx: Tx, new: Decision) -> None:
    """Write a proposal."""
    tx.run(
        "add_retention_decision",
        id=new.id,
        **{"class": new.retention_class},
        version=new.version,
        before=new.before,
        found=new.found,
        proposed_by=new.proposed_by,
        proposed_at=new.proposed_at,
        event=new.event,
    )


def decide(tx: Tx, decision: str, approved: bool, by: str, at: Instant) -> bool:
    """Write what was decided. False: it was decided before."""
    word = "approved" if approved else "declined"
    return tx.run("decide_retention", id=decision, decision=word, approved_by=by, at=at) > 0


def find(tx: Tx, decision: str) -> Decision | None:
    """One proposal."""
    row = tx.one("retention_decision", id=decision)
    return None if row is None else _decision(row)


def newest(tx: Tx, limit: int) -> list[Decision]:
    """The newest proposals."""
    return [_decision(row) for row in tx.all("retention_decisions", limit=limit)]


def freeze(tx: Tx, new: Freeze) -> None:
    """From now on nothing that it covers is erased."""
    tx.run(
        "add_freeze",
        id=new.id,
        document=new.document,
        agency=new.agency,
        from_at=new.from_at,
        to_at=new.to_at,
        event=new.event,
        frozen_by=new.frozen_by,
        frozen_at=new.frozen_at,
    )


def thaw(tx: Tx, freeze_id: str, at: Instant) -> bool:
    """End a freeze. False: there is no such one."""
    return tx.run("thaw", id=freeze_id, at=at) > 0


def freezes(tx: Tx) -> list[Freeze]:
    """What is frozen now."""
    return [
        Freeze(
            row["id"],
            row["document"],
            AgencyCode(row["agency"]),
            row["from_at"],
            row["to_at"],
            row["event"],
            row["frozen_by"],
            row["frozen_at"],
        )
        for row in tx.all("freezes")
    ]


def is_frozen(tx: Tx, document: str) -> bool:
    """True while a freeze covers the document."""
    return tx.one("freeze_of_document", document=document) is not None


def _decision(row: Row) -> Decision:
    return Decision(
        row["id"],
        row["class"],
        row["version"],
        row["before"],
        row["found"],
        row["proposed_by"],
        row["proposed_at"],
        row["event"],
        row["decision"],
        row["approved_by"] or "",
        row["decided_at"],
        row["erased"],
        row["ended_at"],
    )
