"""Rows of failures at the console's door: of an address, and of logins that nobody has.

In charge of: reading and writing them, so that they hold on every node and after a restart. Not in charge of:
how many are too many (``flow/sign_in.py``), failures of accounts that there are (``accounts.py``).

Names come as keyed tags: a login that nobody has may be a password typed into the wrong field.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.model.text import Instant
from gateway.store.contract import Tx

SOURCE, LOGIN = "source", "login"


@dataclass(frozen=True, slots=True)
class Failures:
    """How often since when, and until when that locks."""

    times: int
    since: Instant
    locked_until: Instant | None = None


def failures(tx: Tx, kind: str, name: str, *, lock: bool = False) -> Failures | None:
    """Those of an address or of a login; ``None``: none are known. ``lock``: to count one more."""
    row = tx.one("lock_door_failures" if lock else "door_failures", kind=kind, name=name)
    return None if row is None else Failures(row["failures"], row["since"], row["locked_until"])


def put(tx: Tx, kind: str, name: str, now: Failures) -> None:
    """As of now."""
    since, until = now.since, now.locked_until
    tx.run("put_door_failures", kind=kind, name=name, failures=now.times, since=since, locked_until=until)


def forget(tx: Tx, before: Instant, now: Instant) -> int:
    """Those that began before a moment and lock nothing any more; how many."""
    return tx.run("drop_door_failures", before=before, now=now)
