"""Which codes are closed on a day to come, and where what is sent to them will go then.

In charge of: one lane for each closed code. Pure. Not in charge of: what the agencies that take over still
lack (``flow/directory_rehearsal.py``), routing one message (``route.py``).
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import date

from gateway.directory.snapshot import Directory, StandingKind
from gateway.model.text import AgencyCode


class Way(enum.Enum):
    """What becomes of documents to a closed code."""

    MOVES = "moves"  # one successor: it gets them, the sender is told
    HELD = "held"  # several successors: a person chooses
    ENDS = "ends"  # no successor: they are refused at the gate


@dataclass(frozen=True, slots=True)
class Lane:
    """A code that is closed on the day. ``waiting``: deliveries in its own name that are open now."""

    code: AgencyCode
    name: str
    last_day: date | None
    way: Way
    successors: tuple[AgencyCode, ...] = ()
    names: tuple[str, ...] = ()  # of the successors, in their order
    waiting: int = 0


def lanes(directory: Directory, on: date, today: date) -> tuple[Lane, ...]:
    """Codes closed on ``on``; those that are closed ``today`` already only when ``on`` is not after today."""
    codes = sorted({row.code for row in directory.agencies if not row.test})
    if on > today:
        codes = [code for code in codes if directory.standing(code, today).kind is not StandingKind.CLOSED]
    return tuple(
        _lane(directory, code, on)
        for code in codes
        if directory.standing(code, on).kind is StandingKind.CLOSED
    )


def _lane(directory: Directory, code: AgencyCode, on: date) -> Lane:
    successors = directory.standing(code, on).successors
    ways = {0: Way.ENDS, 1: Way.MOVES}
    return Lane(
        code,
        directory.name(code, on),
        directory.last_day(code, on),
        ways.get(len(successors), Way.HELD),
        successors,
        tuple(directory.name(one, on) for one in successors),
    )
