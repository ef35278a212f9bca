"""Rows of proposals about policies: what one person wants changed, and what another made of it.

In charge of: these rows. Not in charge of: who may decide (``flow/policies.py``), the policies themselves
(``policies.py``).
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.model.agency import Period
from gateway.model.policy import Action, Direction
from gateway.model.text import AgencyCode, Instant
from gateway.store.contract import Row, Tx
from gateway.store.dates import period_columns, period_of

SET, EXEMPTED, ENDED = "set", "exempted", "ended"
APPROVED, DECLINED = "approved", "declined"


@dataclass(frozen=True, slots=True)
class PolicyProposal:
    """One row. ``change``: ``set``, ``exempted`` or ``ended``; ``policy``: the one that is to end, else the
    id that the new one will have. ``decision``: empty, ``approved`` or ``declined``."""

    id: str
    change: str
    policy: str
    agency: AgencyCode
    direction: Direction
    rule: str
    action: Action
    period: Period
    reason: str
    proposed_by: str
    proposed_at: Instant
    decision: str = ""
    decided_by: str = ""
    decided_at: Instant | None = None


def add(tx: Tx, new: PolicyProposal) -> None:
    """One person proposes it; nothing changes yet."""
    tx.run(
        "add_policy_proposal",
        id=new.id,
        change=new.change,
        policy=new.policy,
        agency=new.agency,
        direction=new.direction.value,
        rule=new.rule,
        action=new.action.value,
        **period_columns(new.period),
        reason=new.reason,
        proposed_by=new.proposed_by,
        proposed_at=new.proposed_at,
    )


def find(tx: Tx, proposal: str) -> PolicyProposal | None:
    """One proposal."""
    row = tx.one("policy_proposal", id=proposal)
    return None if row is None else _from_row(row)


def undecided(tx: Tx, limit: int) -> list[PolicyProposal]:
    """What waits for a second person, oldest first."""
    return [_from_row(row) for row in tx.all("undecided_policy_proposals", limit=limit)]


def newest(tx: Tx, limit: int) -> list[PolicyProposal]:
    """Proposals whatever became of them, newest first."""
    return [_from_row(row) for row in tx.all("newest_policy_proposals", limit=limit)]


def decide(tx: Tx, proposal: str, approved: bool, by: str, at: Instant) -> bool:
    """Write what was decided. False: it was decided before."""
    word = APPROVED if approved else DECLINED
    return tx.run("decide_policy_proposal", id=proposal, decision=word, by=by, at=at) > 0


def _from_row(row: Row) -> PolicyProposal:
    return PolicyProposal(
        id=row["id"],
        change=row["change"],
        policy=row["policy"],
        agency=AgencyCode(row["agency"]),
        direction=Direction(row["direction"]),
        rule=row["rule"],
        action=Action(row["action"]),
        period=period_of(row),
        reason=row["reason"],
        proposed_by=row["proposed_by"],
        proposed_at=row["proposed_at"],
        decision=row["decision"],
        decided_by=row["decided_by"],
        decided_at=row["decided_at"],
    )
