"""Rows of the epochs of the exchange log.

In charge of: reading and writing them, and the heads that an epoch gave up. Not in charge of: what they mean
(``exchange_log/epochs.py``), opening one (``flow/recovery.py``).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

from gateway.model.text import Instant
from gateway.store.contract import Tx


@dataclass(frozen=True, slots=True)
class Opening:
    """One epoch after the first. ``shared``: leaves in common with the one before, whose origin is
    ``before_origin``; ``leaf``: place of the event that opened it, whose id is ``event``."""

    number: int
    origin: str
    shared: int
    leaf: int
    before_origin: str
    event: str
    opened_at: Instant


def openings(tx: Tx) -> list[Opening]:
    """Every epoch after the first, in order."""
    names = Opening.__slots__
    return [Opening(*(row[name] for name in names)) for row in tx.all("log_epochs")]


def add(tx: Tx, opened: Opening) -> None:
    """The log goes on in this one. ``Conflict`` when somebody opened one meanwhile."""
    tx.run("add_log_epoch", **asdict(opened))


def give_up(tx: Tx, origin: str, size: int, root: bytes, note: str) -> None:
    """Keep a published head that is not of this tree."""
    tx.run("add_lost_head", origin=origin, size=size, root=root, note=note)
