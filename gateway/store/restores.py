"""Rows of what came of a restore: messages taken back, receipts that cannot be honoured; and that
a database was restored.

In charge of: reading and writing them. Not in charge of: finding them out (``flow/recovered.py``).
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from gateway.model.text import Instant
from gateway.store.contract import Tx, Value


class Fate(enum.Enum):
    """What became of something that followed the backup."""

    RECOVERED = "recovered"  # here again under the same ids
    LOST = "lost"  # its receipt cannot be honoured: the sender is asked for it
    REPEATED = "repeated"  # its sender handed it in again before; it has a newer receipt
    PARTNER_HAS = "partner_has"  # a partner lists it from us, and we know nothing of it


@dataclass(frozen=True, slots=True)
class Item:
    """One of them. ``id``: the message, or the partner's DocId. ``detail``: for people."""

    fate: Fate
    id: str
    sender: str
    document_id: str
    receipt: str
    detail: str
    at: Instant


def put(tx: Tx, epoch: int, item: Item) -> None:
    """Keep it under the epoch that the restore opened; a later word about the same replaces the detail.
    What came back, or was handed in again, is not lost."""
    if item.fate in (Fate.RECOVERED, Fate.REPEATED):
        tx.run("drop_restore_item", epoch=epoch, kind=Fate.LOST.value, id=item.id)
    tx.run(
        "put_restore_item",
        epoch=epoch,
        kind=item.fate.value,
        id=item.id,
        sender=item.sender,
        document_id=item.document_id,
        receipt=item.receipt,
        detail=item.detail,
        at=item.at,
    )


@dataclass(frozen=True, slots=True)
class Pending:
    """This database was restored and no epoch is open yet. A row of it says so, because a mark in a home
    folder is not seen by nodes that have another. ``told``: JSON, as in that mark; ``at``: of the backup."""

    backup: str
    told: str
    at: Instant

    def row(self) -> dict[str, Value]:
        """Of ``restore_item``: under no epoch yet."""
        found: dict[str, Value] = {"epoch": 0, "kind": "pending", "id": self.backup}
        found |= dict.fromkeys(("sender", "document_id", "receipt"), "")
        return found | {"detail": self.told, "at": self.at}


def suspend(tx: Tx, pending: Pending) -> None:
    """Nothing goes on before an epoch is opened."""
    tx.run("put_restore_item", **pending.row())


def pending(tx: Tx) -> str | None:
    """What is told of a restore that waits for its epoch; ``None``: none does."""
    row = tx.one("pending_restore")
    return None if row is None else str(row["detail"])


def settle(tx: Tx) -> None:
    """The epoch is open."""
    tx.run("drop_pending_restores")


def of_epoch(tx: Tx, epoch: int) -> list[Item]:
    """What came of the restore before an epoch, by fate and time."""
    return [
        Item(
            Fate(row["kind"]),
            row["id"],
            row["sender"],
            row["document_id"],
            row["receipt"],
            row["detail"],
            row["at"],
        )
        for row in tx.all("restore_items", epoch=epoch)
    ]
