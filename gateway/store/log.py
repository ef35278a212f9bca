"""Rows of the exchange log: leaves, nodes, signed heads, and what witnesses said.

In charge of: reading and writing them, and the guard against two that move the log at once. Not in
charge of: hashing (``exchange_log/merkle.py``), the order of the steps (``exchange_log/sequence.py``), notes
(``exchange_log/checkpoint.py``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.model.text import Instant
from gateway.store import archive
from gateway.store.contract import Row, Tx

COUNT_UP_TO = 100_000


@dataclass(frozen=True, slots=True)
class State:
    """How far the steps are."""

    sequenced: int
    integrated: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """An event without a leaf, and the bytes that become it."""

    at: Instant
    event: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Node:
    """The head of the complete subtree over ``2**level`` leaves."""

    level: int
    node: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Entry:
    """One leaf with the stored bytes of its event."""

    leaf: int
    event: str
    hash: bytes
    body: bytes


@dataclass(frozen=True, slots=True)
class SignedHead:
    """A row of ``log_checkpoint``. ``note``: text and our signature; ``token``: empty when there is none."""

    number: int
    size: int
    root: bytes
    note: str
    closes: str
    signed_at: Instant
    published_at: Instant | None = None
    token: bytes = b""
    stamped_at: Instant | None = None


@dataclass(frozen=True, slots=True)
class Cosigned:
    """The line of a witness. ``at``: when it says that it signed."""

    witness: str
    line: str
    at: Instant


@dataclass(frozen=True, slots=True)
class Watched:
    """The largest head of another log that we cosigned."""

    size: int
    root: bytes
    note: str
    at: Instant


class Taken(Exception):
    """Another process moved the log meanwhile; nothing may be kept of this unit."""


def state(tx: Tx) -> State:
    """How far the steps are."""
    row = tx.one("log_state")
    assert row is not None  # the migration wrote it
    return State(row["sequenced"], row["integrated"])


def move(tx: Tx, had: State, sequenced: int, integrated: int) -> None:
    """Go on from ``had``. ``Taken`` when the log is not as it was."""
    moved = tx.run(
        "move_log",
        sequenced=had.sequenced,
        integrated=had.integrated,
        to_sequenced=sequenced,
        to_integrated=integrated,
    )
    if moved != 1:
        raise Taken


def waiting(tx: Tx, limit: int) -> list[Waiting]:
    """Events without a leaf, by (at, id)."""
    rows = tx.all("unsequenced_events", limit=limit)
    return [Waiting(row["at"], row["event"], bytes(row["body"])) for row in rows]


def count_waiting(tx: Tx) -> int:
    """How many wait, at most ``COUNT_UP_TO``."""
    row = tx.one("count_unsequenced", limit=COUNT_UP_TO)
    assert row is not None
    return int(row["events"])


def add_leaves(tx: Tx, start: int, events: Sequence[Waiting], hashes: Sequence[bytes]) -> None:
    """Give the events the leaves from ``start`` on. ``Taken`` when one of them has a leaf already."""
    gone = tx.many("drop_unsequenced", [{"at": one.at, "event": one.event} for one in events])
    if gone != len(events):
        raise Taken
    rows = zip(events, hashes, strict=True)
    tx.many(
        "add_leaf",
        [{"leaf": leaf, "event": one.event, "hash": value} for leaf, (one, value) in enumerate(rows, start)],
    )


def add_nodes(tx: Tx, nodes: Sequence[Node]) -> None:
    """Keep heads of complete subtrees."""
    tx.many("add_node", [{"level": one.level, "node": one.node, "hash": one.hash} for one in nodes])


def hashes(tx: Tx, level: int, start: int, stop: int) -> list[bytes]:
    """Hashes of the nodes from ``start`` to before ``stop``; ``level`` is a multiple of 8, 0 for leaves."""
    if level:
        return [bytes(row["hash"]) for row in tx.all("node_hashes", level=level, start=start, stop=stop)]
    return [bytes(row["hash"]) for row in tx.all("leaf_hashes", start=start, stop=stop)]


def leaf_of(tx: Tx, event: str) -> tuple[int, bytes] | None:
    """Place and hash of an event's leaf; ``None`` when it has none yet."""
    row = tx.one("leaf_of_event", event=event)
    return None if row is None else (row["leaf"], bytes(row["hash"]))


def entries(tx: Tx, start: int, stop: int) -> list[Entry]:
    """Leaves from ``start`` to before ``stop``, with the stored bytes."""
    archive.require_leaves(tx, start, stop)
    rows = tx.all("log_entries", start=start, stop=stop)
    return [Entry(row["leaf"], row["event"], bytes(row["hash"]), bytes(row["body"])) for row in rows]


def stored(tx: Tx, start: int, stop: int) -> list[Row]:
    """Leaves with their events as they are stored; event columns are NULL where the event is gone."""
    archive.require_leaves(tx, start, stop)
    return tx.all("log_rows", start=start, stop=stop)


def stray(tx: Tx) -> tuple[str, str] | None:
    """The first row that does not belong: (``inserted`` or ``deleted``, the event's id); ``None``: all do.

    Events that neither have a leaf nor wait for one are looked for only when the numbers do not add up.
    """
    for query in ("waiting_without_event", "refusal_without_event", "message_without_event"):
        if row := tx.one(query):
            return "deleted", row["event"]
    counted = tx.one("count_log_rows")
    assert counted is not None
    if counted["events"] != counted["leaves"] + counted["waiting"]:
        row = tx.one("event_beside_log")
        return ("inserted", row["id"]) if row else ("deleted", "")
    if row := tx.one("leaf_out_of_place"):
        return "inserted", row["event"]
    if row := tx.one("node_out_of_place"):
        return "column", f"log_node {row['level']}.{row['node']}"
    return None


def private_values(tx: Tx, event: str, name: str) -> list[Row]:
    """The next private values after this one (event, name, salt, value, body), in their order."""
    return tx.all("private_values", event=event, name=name, limit=1000)


def add_checkpoint(tx: Tx, head: SignedHead) -> None:
    """Keep a signed head that is not published yet."""
    tx.run(
        "add_checkpoint",
        number=head.number,
        size=head.size,
        root=head.root,
        note=head.note,
        closes=head.closes,
        signed_at=head.signed_at,
    )


def set_published(tx: Tx, number: int, at: Instant) -> None:
    """It lies where others fetch it."""
    tx.run("set_checkpoint_published", number=number, at=at)


def set_token(tx: Tx, number: int, token: bytes, stamped_at: Instant) -> bool:
    """Keep the token; False when there is one already."""
    return tx.run("set_checkpoint_token", number=number, token=token, stamped_at=stamped_at) == 1


def last(tx: Tx) -> SignedHead | None:
    """The newest head, published or not."""
    return _head(tx.one("last_checkpoint"))


def published(tx: Tx) -> SignedHead | None:
    """The newest head that was published."""
    return _head(tx.one("published_checkpoint"))


def stamped(tx: Tx) -> SignedHead | None:
    """The newest head under a timestamp."""
    return _head(tx.one("stamped_checkpoint"))


def over(tx: Tx, leaf: int) -> SignedHead | None:
    """The first head over that leaf that has a timestamp, else the first that was published."""
    return _head(tx.one("stamped_checkpoint_over", leaf=leaf)) or _head(tx.one("checkpoint_over", leaf=leaf))


def after(tx: Tx, number: int, limit: int = 500) -> list[SignedHead]:
    """Heads after a number, oldest first."""
    rows = tx.all("checkpoints_after", number=number, limit=limit)
    return [head for row in rows if (head := _head(row))]


def newest(tx: Tx, before: int, limit: int) -> list[SignedHead]:
    """Heads before a number, newest first."""
    rows = tx.all("newest_checkpoints", number=before, limit=limit)
    return [head for row in rows if (head := _head(row))]


def of_root(tx: Tx, size: int, root: bytes) -> list[SignedHead]:
    """The heads of this size and root that we signed."""
    return [head for row in tx.all("checkpoints_of_root", size=size, root=root) if (head := _head(row))]


def cosign(tx: Tx, number: int, cosigned: Cosigned, received_at: Instant) -> None:
    """Keep the line of a witness under a head."""
    tx.run(
        "add_cosignature",
        checkpoint=number,
        witness=cosigned.witness,
        line=cosigned.line,
        at=cosigned.at,
        received_at=received_at,
    )


def cosignatures(tx: Tx, number: int) -> list[Cosigned]:
    """The lines of witnesses under a head, by name."""
    return [
        Cosigned(row["witness"], row["line"], row["at"])
        for row in tx.all("cosignatures_of", checkpoint=number)
    ]


def watched(tx: Tx, origin: str) -> Watched | None:
    """What we remember of another log."""
    row = tx.one("watched_log", origin=origin)
    return None if row is None else Watched(row["size"], bytes(row["root"]), row["note"], row["at"])


def watch(tx: Tx, origin: str, seen: Watched) -> None:
    """Remember a larger head of another log."""
    tx.run("watch_log", origin=origin, size=seen.size, root=seen.root, note=seen.note, at=seen.at)


def _head(row: Row | None) -> SignedHead | None:
    if row is None:
        return None
    token = bytes(row["token"]) if row["token"] is not None else b""
    return SignedHead(
        row["number"],
        row["size"],
        bytes(row["root"]),
        row["note"],
        row["closes"],
        row["signed_at"],
        row["published_at"],
        token,
        row["stamped_at"],
    )
