"""A log that goes on after an older backup was restored: its epochs, and what of the earlier ones is gone.

In charge of: which checkpoints this log still has to fit, which it has given up by saying so, and the proof
of that: the event that opened the epoch is a leaf. Stands alone with ``replay``. Not in charge of: opening
one (``flow/recovery.py``), rows (``store/epochs.py``).

The first epoch has the name of the log, ``truc/3f2a9c1d``. A later one adds ``/e2-`` and eight random
digits: a name that was never used before, so no head is ever contradicted under the same name. The tree goes
on over the same leaves: heads of the epoch before stay provable up to ``shared`` leaves. The event at
``leaf`` says so: ``origin``, ``shared``, ``before_origin`` and ``before``, the last checkpoint
known of the epoch before (as a note).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from gateway.exchange_log.checkpoint import log_of, read_checkpoint, read_note
from gateway.exchange_log.replay import DoesNotFit, Head, Missing, Problem

OPENED = "log.epoch_opened"
_NUMBER = re.compile(r"/e([1-9][0-9]{0,8})-[0-9a-f]{8}$")


@dataclass(frozen=True, slots=True)
class Epoch:
    """An epoch after the first. ``shared``: leaves it has in common with the one before, whose origin is
    ``before``; ``leaf``: place of the event that opened it."""

    origin: str
    shared: int
    leaf: int
    before: str

    def as_json(self) -> dict[str, str | int]:
        """As the header of an export names it."""
        return asdict(self)


def read_epochs(given: Any) -> list[Epoch]:
    """The epochs that a header claims. ``ValueError`` when it is none."""
    if not isinstance(given, list):
        raise ValueError("epochs")
    found = []
    for one in given:
        if not isinstance(one, dict) or set(one) != {"origin", "shared", "leaf", "before"}:
            raise ValueError("an epoch in the header")
        origin, before, shared, leaf = str(one["origin"]), str(one["before"]), one["shared"], one["leaf"]
        if not (isinstance(shared, int) and isinstance(leaf, int) and 0 <= shared <= leaf):
            raise ValueError(f"epoch {origin}")
        found.append(Epoch(origin, shared, leaf, before))
    return found


def number_of(origin: str) -> int:
    """Which epoch of its log an origin names, from 1."""
    found = _NUMBER.search(origin)
    return int(found[1]) if found else 1


class Chain:
    """The epochs of one log, as they are claimed, and what is met of them."""

    def __init__(self, first: str, epochs: Iterable[Epoch] = ()) -> None:
        """``first``: the origin of the first epoch. ``ValueError``: they cannot be epochs of one log."""
        self._epochs = list(epochs)
        self._ends: dict[str, int | None] = {first: None}  # leaves that an epoch shares with all later ones
        self._begins = {first: -1}
        self._lost: dict[tuple[str, int], Head] = {}
        self._met: set[str] = set()
        self.newest = first
        for epoch in self._epochs:
            if log_of(epoch.origin) != first or log_of(epoch.before) != first or epoch.origin in self._ends:
                raise ValueError(f"{epoch.origin} is no later epoch of {first}")
            for name, end in self._ends.items():
                self._ends[name] = epoch.shared if end is None else min(end, epoch.shared)
            self._ends.setdefault(epoch.before, 0)  # an epoch that the backup did not know: all of it is gone
            self._ends[epoch.origin], self._begins[epoch.origin] = None, epoch.leaf
            self.newest = epoch.origin

    def is_given_up(self, origin: str, size: int) -> bool:
        """True when a later epoch says that the log no longer fits a head of that epoch and size."""
        end = self._ends.get(origin)
        return end is not None and size > end

    def is_here(self, head: Head) -> bool:
        """True for a head that the tree has to fit, False for one given up. ``DoesNotFit``: it belongs to
        another log, covers less than the opening of its own epoch, or contradicts one given up."""
        if head.origin not in self._ends:
            raise DoesNotFit(Problem("foreign", head.size, notes=(head.note,)))
        if head.size <= self._begins.get(head.origin, -1):
            raise DoesNotFit(Problem("epoch", head.size, detail=head.origin, notes=(head.note,)))
        if not self.is_given_up(head.origin, head.size):
            return True
        self._give_up(head)
        return False

    def meet(self, start: int, bodies: Sequence[bytes]) -> None:
        """The next events, from place ``start`` on: each claimed epoch was opened by the event at its place.
        ``DoesNotFit`` when it was not."""
        for epoch in self._epochs:
            if start <= epoch.leaf < start + len(bodies):
                self._must_open(epoch, bytes(bodies[epoch.leaf - start]))
                self._met.add(epoch.origin)

    def end(self, start: int = 0) -> tuple[Missing, ...]:
        """Everything was met, from leaf ``start`` on: what earlier epochs had and is not here."""
        for epoch in self._epochs:
            if epoch.origin not in self._met and (epoch.leaf >= start or self._lost):
                raise DoesNotFit(Problem("epoch", epoch.leaf, detail=epoch.origin))
        largest: dict[str, Head] = {}
        for head in self._lost.values():
            if head.origin not in largest or largest[head.origin].size < head.size:
                largest[head.origin] = head
        return tuple(
            Missing(origin, self._ends[origin] or 0, head.size, head.note) for origin, head in largest.items()
        )

    def _must_open(self, epoch: Epoch, body: bytes) -> None:
        try:
            event = json.loads(body)
            told = (event["type"], event["origin"], event["shared"], event["before_origin"])
            before = str(event["before"])
            if told != (OPENED, epoch.origin, epoch.shared, epoch.before):
                raise ValueError(str(told))
            if before:
                self._name(before)
        except (ValueError, KeyError, TypeError) as error:
            raise DoesNotFit(Problem("epoch", epoch.leaf, detail=epoch.origin)) from error

    def _name(self, note: str) -> None:
        """The checkpoint that the opening event names: others of its epoch must not contradict it."""
        head = read_checkpoint(read_note(note).text)
        if self.is_given_up(head.origin, head.size):
            self._give_up(Head(head.size, 0, head.root, note, given=True))

    def _give_up(self, head: Head) -> None:
        before = self._lost.setdefault((head.origin, head.size), head)
        if before.root != head.root:
            raise DoesNotFit(Problem("forked", head.size, notes=(before.note, head.note)))


__all__ = ["OPENED", "Chain", "Epoch", "number_of", "read_epochs"]
