"""Conservation: over the deliveries of a day and an agency nothing appears and nothing vanishes (contracts).

In charge of: the counts, the keys they stand under, and the equation
opening + new + taken over = delivered + rejected + cancelled + handed on + closing, where closing is queued,
held and dead. Not in charge of: reading events (``flow/conservation.py``), keeping counts (``store/``).
"""

from __future__ import annotations

from dataclasses import dataclass, fields

from gateway.model.text import AgencyCode

STATES = ("queued", "held", "dead", "delivered", "rejected", "cancelled", "recalled")
OPEN_STATES = ("queued", "held", "dead")
Entered = tuple[str, int]  # a state, and how often it was entered less how often it was left


@dataclass(frozen=True, slots=True)
class DayKey:
    """What a row of counts is about: a day (+07:00, ISO), an agency as ``sender`` or ``recipient``, and
    ``document`` or ``status``."""

    day: str
    side: str
    agency: AgencyCode
    what: str

    def as_columns(self) -> dict[str, str]:
        """Names and values of the columns."""
        return {"day": self.day, "side": self.side, "agency": self.agency, "what": self.what}


@dataclass(frozen=True, slots=True)
class Succession:
    """Deliveries that went to ``successor`` where the envelope named ``predecessor``."""

    day: str
    predecessor: AgencyCode
    successor: AgencyCode
    what: str

    def as_columns(self) -> dict[str, str | int]:
        """Names and values of the columns."""
        return {name.name: getattr(self, name.name) for name in fields(self)}


@dataclass(slots=True)
class Totals:
    """Counts of one key. ``queued``, ``held``, ``dead``: how much more stayed open; the others: how many."""

    made: int = 0
    taken_over: int = 0
    handed_on: int = 0
    delivered: int = 0
    rejected: int = 0
    cancelled: int = 0
    recalled: int = 0
    queued: int = 0
    held: int = 0
    dead: int = 0

    @classmethod
    def names(cls) -> list[str]:
        """Names of the counts, as the columns are called."""
        return [one.name for one in fields(cls)]

    def add(self, name: str, number: int = 1) -> None:
        """Count."""
        setattr(self, name, getattr(self, name) + number)

    def as_columns(self) -> dict[str, int]:
        """Names and values of the columns."""
        return {name: getattr(self, name) for name in self.names()}


@dataclass(slots=True)
class OfDelivery:
    """What events say of one delivery: how often it was made, and each state entered less left."""

    document: str
    recipient: AgencyCode
    made: int = 0
    queued: int = 0
    held: int = 0
    dead: int = 0
    delivered: int = 0
    rejected: int = 0
    cancelled: int = 0
    recalled: int = 0

    def add(self, name: str, number: int = 1) -> None:
        """Count."""
        setattr(self, name, getattr(self, name) + number)

    def as_columns(self) -> dict[str, str | int]:
        """Names and values of the columns."""
        return {one.name: getattr(self, one.name) for one in fields(self)}


@dataclass(frozen=True, slots=True)
class Balance:
    """One line of the ledger: the equation of one agency, side and day."""

    day: str
    side: str
    agency: AgencyCode
    what: str
    opening: int
    made: int
    taken_over: int
    delivered: int
    rejected: int
    cancelled: int
    handed_on: int
    queued: int  # at the end of the day, as held and dead
    held: int
    dead: int
    recalled: int  # of those delivered on this day or before; not part of the equation

    @property
    def closing(self) -> int:
        """What is open at the end of the day."""
        return self.queued + self.held + self.dead

    @property
    def difference(self) -> int:
        """What came in less what went out and stayed; 0 when the equation holds."""
        came = self.opening + self.made + self.taken_over
        return came - (self.delivered + self.rejected + self.cancelled + self.handed_on + self.closing)

    @property
    def holds(self) -> bool:
        """True when nothing appeared, nothing vanished, and no count is below nothing."""
        return self.difference == 0 and min(self.opening, self.queued, self.held, self.dead) >= 0


def balance(key: DayKey, before: tuple[int, int, int], totals: Totals) -> Balance:
    """The line of a key: ``before`` is queued, held, dead at the beginning of the day."""
    queued, held, dead = before
    return Balance(
        day=key.day,
        side=key.side,
        agency=key.agency,
        what=key.what,
        opening=queued + held + dead,
        made=totals.made,
        taken_over=totals.taken_over,
        delivered=totals.delivered,
        rejected=totals.rejected,
        cancelled=totals.cancelled,
        handed_on=totals.handed_on,
        queued=queued + totals.queued,
        held=held + totals.held,
        dead=dead + totals.dead,
        recalled=totals.recalled,
    )
