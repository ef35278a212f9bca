"""Rows of timestamps over receipts.

In charge of: which receipts wait, the trees that hold them, the tokens. Not in charge of: hashing
(``exchange_log/``), judging a token (``signature/timestamp.py``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.model.text import Instant
from gateway.store.contract import Tx

COUNT_UP_TO = 100_000


@dataclass(frozen=True, slots=True)
class Leaf:
    """One receipt and the hash of its leaf."""

    receipt: str
    hash: bytes


@dataclass(frozen=True, slots=True)
class Stamp:
    """A tree over receipts: what a token is asked for."""

    id: str
    size: int
    root: bytes
    created_at: Instant


@dataclass(frozen=True, slots=True)
class Stamped:
    """A receipt, whose it is, and the tree that holds it. ``leaf``, ``stamp``: ``None`` when none does yet;
    ``token``: empty until the service answered."""

    receipt: str
    jws: str
    sender: str
    stamp: str | None
    leaf: int | None
    token: bytes


class Taken(Exception):
    """Another process put some of these receipts into a tree meanwhile."""


def unstamped(tx: Tx, limit: int) -> list[tuple[str, str]]:
    """Receipts that no tree holds yet: (id, compact JWS), oldest first."""
    return [(row["id"], row["jws"]) for row in tx.all("unstamped_receipts", limit=limit)]


def count_unstamped(tx: Tx) -> int:
    """How many wait, at most ``COUNT_UP_TO``."""
    row = tx.one("count_unstamped", limit=COUNT_UP_TO)
    assert row is not None
    return int(row["receipts"])


def add(tx: Tx, stamp: Stamp, leaves: Sequence[Leaf]) -> None:
    """Keep a tree and its leaves; they wait no longer. ``Taken``: nothing may be kept of this unit."""
    tx.run("add_stamp", id=stamp.id, size=stamp.size, root=stamp.root, created_at=stamp.created_at)
    if tx.many("drop_unstamped", [{"receipt": leaf.receipt} for leaf in leaves]) != len(leaves):
        raise Taken(stamp.id)
    tx.many(
        "add_stamp_leaf",
        [
            {"stamp": stamp.id, "leaf": place, "receipt": leaf.receipt, "hash": leaf.hash}
            for place, leaf in enumerate(leaves)
        ],
    )


def waiting(tx: Tx) -> Stamp | None:
    """The tree that waits longest for its token."""
    row = tx.one("waiting_stamp")
    if row is None:
        return None
    return Stamp(row["id"], row["size"], bytes(row["root"]), row["created_at"])


def set_token(tx: Tx, stamp: str, token: bytes, stamped_at: Instant) -> bool:
    """Keep the token; False when there is one already."""
    return tx.run("set_stamp_token", id=stamp, token=token, stamped_at=stamped_at) == 1


def of_receipt(tx: Tx, receipt: str) -> Stamped | None:
    """The receipt and its tree; ``None`` when there is no such receipt."""
    row = tx.one("stamp_of_receipt", receipt=receipt)
    if row is None:
        return None
    token = bytes(row["token"]) if row["token"] is not None else b""
    return Stamped(row["id"], row["jws"], row["sender"], row["stamp"], row["leaf"], token)


def leaves(tx: Tx, stamp: str) -> list[bytes]:
    """Hashes of all leaves of a tree, in order."""
    return [bytes(row["hash"]) for row in tx.all("stamp_leaves", stamp=stamp)]
