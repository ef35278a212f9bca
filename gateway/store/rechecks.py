"""Rows of messages whose signatures are to be judged again, and of what was found then.

In charge of: the list of messages that wait, and the judgements after the first (the first stands in the
message). Not in charge of: judging (``flow``), when to try again (``delivery/recheck.py``).
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any

import orjson

from gateway.model.text import Instant
from gateway.store import searches
from gateway.store.contract import Tx

A_FILE = "file"  # what a message waits for whose file could not be read


class Cause(enum.Enum):
    """Why a message is judged again."""

    ANSWER = "answer"  # a revocation answer was missing
    UNREAD = "unread"  # a file could not be read when it came: a process died, or time ran out
    SIGNER = "signer"  # a certificate of it was registered
    PERSON = "person"  # somebody asked


@dataclass(frozen=True, slots=True)
class Recheck:
    """One reason to judge a message again.

    ``waits_for``: hex SHA-256 of the signer's certificate when a revocation answer is missing, ``A_FILE``
    when a file was not read, else empty.
    """

    message: str
    waits_for: str
    cause: Cause
    since: Instant
    due_at: Instant
    tries: int


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a message's signatures turned out to be. JSON fields are plain lists of objects; ``findings`` are
    all findings of the message as they stand now."""

    id: str
    message: str
    verdicts: list[dict[str, Any]]
    findings: list[dict[str, str]]
    rule_set: str
    cause: Cause
    event: str
    judged_at: Instant


def add(tx: Tx, message: str, waits_for: str, cause: Cause, at: Instant, due_at: Instant) -> None:
    """Have a message judged again at ``due_at``, or earlier if it waits for an earlier time already."""
    tx.run("add_recheck", message=message, waits_for=waits_for, cause=cause.value, since=at, due_at=due_at)


def due(tx: Tx, now: Instant, limit: int) -> list[str]:
    """At most ``limit`` messages to be judged again now, longest due first."""
    return [row["message"] for row in tx.all("due_rechecks", now=now, limit=limit)]


def waiting(tx: Tx) -> dict[str, int | None]:
    """How many messages wait to be judged again (``messages``), and since when the oldest (``oldest``)."""
    row = tx.one("count_rechecks")
    assert row is not None
    return {"messages": row["messages"], "oldest": row["oldest"]}


def of_message(tx: Tx, message: str) -> list[Recheck]:
    """Why a message is to be judged again; empty when it is not."""
    return [
        Recheck(
            row["message"], row["waits_for"], Cause(row["cause"]), row["since"], row["due_at"], row["tries"]
        )
        for row in tx.all("rechecks_of", message=message)
    ]


def answer_came(tx: Tx, at: Instant) -> int:
    """A revocation answer came: everything that waits for one is due at ``at``. How many rows that moved."""
    return tx.run("wake_rechecks", at=at)


def postpone(tx: Tx, seen: Recheck, due_at: Instant) -> bool:
    """Try again at ``due_at``. False when the row changed since it was read: it is due as it stands then."""
    changed = tx.run(
        "postpone_recheck",
        message=seen.message,
        waits_for=seen.waits_for,
        seen_due_at=seen.due_at,
        due_at=due_at,
    )
    return changed > 0


def end(tx: Tx, seen: Recheck) -> bool:
    """Nothing waits any more. False when the row changed since it was read: it is due as it stands then."""
    removed = tx.run("end_recheck", message=seen.message, waits_for=seen.waits_for, seen_due_at=seen.due_at)
    return removed > 0


def add_judgement(tx: Tx, judgement: Judgement) -> None:
    """Keep a judgement; from now on it is the one that counts."""
    tx.run(
        "add_judgement",
        id=judgement.id,
        message=judgement.message,
        verdicts=orjson.dumps(judgement.verdicts).decode(),
        findings=orjson.dumps(judgement.findings).decode(),
        rule_set=judgement.rule_set,
        cause=judgement.cause.value,
        event=judgement.event,
        judged_at=judgement.judged_at,
    )
    if document := searches.document_of(tx, judgement.message):
        searches.queue(tx, document)


def newest_judgement(tx: Tx, message: str) -> Judgement | None:
    """The judgement that counts; ``None``: what stands in the message counts."""
    row = tx.one("newest_judgement", message=message)
    if row is None:
        return None
    return Judgement(
        row["id"],
        row["message"],
        orjson.loads(row["verdicts"]),
        orjson.loads(row["findings"]),
        row["rule_set"],
        Cause(row["cause"]),
        row["event"],
        row["judged_at"],
    )
