"""Rows of policies: how strict the gate is, who decided so, and until when.

In charge of: reading them whole (they live in memory as an immutable snapshot), adding one, ending one. Not
in charge of: what they mean (``checks/policies.py``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from gateway.model.policy import Action, Direction, Policy
from gateway.model.text import AgencyCode, Instant
from gateway.store import archive
from gateway.store.contract import Row, Tx
from gateway.store.dates import period_columns, period_of

POLICIES = "policies"


@dataclass(frozen=True, slots=True)
class Judged:
    """An accepted message with the findings that count now: those of its newest judgement."""

    message: str
    document: str
    document_id: str
    sender: AgencyCode
    accepted_at: Instant
    findings: tuple[dict[str, Any], ...]
    position: tuple[Instant, str]  # in the stream of events


def read(tx: Tx) -> tuple[Policy, ...]:
    """Every policy, oldest first, also those that are over."""
    return tuple(_policy(row) for row in tx.all("all_policies"))


def add(tx: Tx, policy: Policy) -> None:
    """A policy that was decided."""
    tx.run(
        "add_policy",
        id=policy.id,
        agency=policy.agency,
        direction=policy.direction.value,
        rule=policy.rule,
        action=policy.action.value,
        **period_columns(policy.period),
        reason=policy.reason,
        decided_by=policy.decided_by,
        approved_by=policy.approved_by,
        decided_at=policy.decided_at,
    )
    tx.run("bump_revision", name=POLICIES)


def end(tx: Tx, policy: str, at: Instant) -> bool:
    """Withdraw a policy; False when there is none that goes on."""
    ended = tx.run("end_policy", id=policy, at=at) > 0
    if ended:
        tx.run("bump_revision", name=POLICIES)
    return ended


def judged_page(tx: Tx, after: tuple[Instant, str], until: Instant, limit: int) -> list[Judged]:
    """Up to ``limit`` messages accepted after a position (``Judged.position``) and before ``until``, oldest
    first."""
    archive.require_since(tx, after[0])
    rows = tx.all("judged_messages", at=after[0], id=after[1], until=until, limit=limit)
    return [_judged(row) for row in rows]


def recipients_of(tx: Tx, message: str) -> Iterator[AgencyCode]:
    """Who has, or was to have, a message."""
    for row in tx.all("deliveries_of_message", message=message):
        yield AgencyCode(row["recipient"])


def _policy(row: Row) -> Policy:
    return Policy(
        id=row["id"],
        agency=AgencyCode(row["agency"]),
        direction=Direction(row["direction"]),
        rule=row["rule"],
        action=Action(row["action"]),
        period=period_of(row),
        reason=row["reason"],
        decided_by=row["decided_by"],
        approved_by=row["approved_by"],
        decided_at=row["decided_at"],
        ended_at=row["ended_at"],
    )


def _judged(row: Row) -> Judged:
    return Judged(
        message=row["id"],
        document=row["document"],
        document_id=row["document_id"],
        sender=AgencyCode(row["sender"]),
        accepted_at=row["accepted_at"],
        findings=tuple(orjson.loads(row["findings"])),
        position=(row["event_at"], row["event"]),
    )
