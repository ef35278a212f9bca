"""Rows of nodes and of the lease of the clock work.

In charge of: reading and writing them. Not in charge of: when a node counts as dead (``delivery/leader.py``),
what a holder may write (``fence.py``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import orjson

from gateway.model.node import Node
from gateway.model.text import Instant
from gateway.store.contract import Row, Tx, Value

CLOCK_WORK = "clock-work"  # what one node at a time does: the log, reminders, alerts, collecting, sweeps


@dataclass(frozen=True, slots=True)
class Lease:
    """Who does a work. ``holder``: a node's id, or ``""``; ``epoch`` grows whenever it changes hands."""

    name: str
    holder: str
    epoch: int


def beat(tx: Tx, node: Node) -> None:
    """Write down that the node is there; again from the start if it was forgotten meanwhile."""
    changing: dict[str, Value] = {
        "id": node.id,
        "keys": node.keys,
        "seen_at": node.seen_at,
        "beat": node.beat,
        "draining": int(node.draining),
        "used": orjson.dumps(dict(node.used)).decode(),
    }
    if not tx.run("beat_node", **changing):
        fixed: dict[str, Value] = {"host": node.host, "pid": node.pid, "version": node.version}
        tx.run("put_node", started_at=node.started_at, **fixed, **changing)


def everybody(tx: Tx) -> list[Node]:
    """Every node that was not forgotten, the oldest first."""
    return [_node(row) for row in tx.all("nodes")]


def forget(tx: Tx, node_id: str) -> None:
    """The node is gone."""
    tx.run("drop_node", id=node_id)


def forget_others(tx: Tx, node_id: str) -> None:
    """Nobody else can be there."""
    tx.run("drop_other_nodes", id=node_id)


def lease(tx: Tx, name: str = CLOCK_WORK) -> Lease:
    """Who does that work."""
    row = tx.one("lease_by_name", name=name)
    assert row is not None  # the migration wrote it
    return Lease(row["name"], row["holder"], row["epoch"])


def take(tx: Tx, had: Lease, node_id: str) -> Lease | None:
    """Take the work over; ``None`` when somebody was faster, or while its holder is just writing."""
    if not tx.run("take_lease", name=had.name, epoch=had.epoch, holder=node_id):
        return None
    return Lease(had.name, node_id, had.epoch + 1)


def release(tx: Tx, held: Lease) -> None:
    """Let others take the work at once; nothing happens when they have it already."""
    tx.run("release_lease", name=held.name, holder=held.holder, epoch=held.epoch)


def call(tx: Tx, word: str) -> None:
    """Call a word to the other nodes; they hear it after the commit, or never."""
    tx.one("call_nodes", word=word)


def belongs_to(tx: Tx, log_key: str, now: Instant) -> bool:
    """Whether the database is that of the gateway with this log key (hex); a new one becomes it."""
    row = tx.one("identity")
    if row is None:
        tx.run("put_identity", log_key=log_key, seen_at=now)
        return True
    return bool(row["log_key"] == log_key)


def _node(row: Row) -> Node:
    used: Mapping[str, float] = orjson.loads(row["used"])
    return Node(
        id=row["id"],
        host=row["host"],
        pid=row["pid"],
        version=row["version"],
        keys=row["keys"],
        started_at=row["started_at"],
        seen_at=row["seen_at"],
        beat=row["beat"],
        draining=bool(row["draining"]),
        used=used,
    )
