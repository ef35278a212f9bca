"""Days off and days worked instead, as dated data with their source.

In charge of: the values of a calendar, and which day is a working day. Not in charge of: reading calendars
(``calendar_data.py``), deadlines (``compliance/calendar.py``), approving one (``flow/calendar.py``).

A day that the data does not name is a working day from Monday to Friday. Years without data are answered by
weekends alone; ``covers`` says so, and whoever shows a deadline there shows that too.
"""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from gateway.model.canonical import canonical_json
from gateway.model.text import Bilingual, Instant

SATURDAY = 5
_ONE = timedelta(days=1)


class DayKind(enum.Enum):
    """Why a day is not what its weekday says."""

    HOLIDAY = "holiday"  # Bộ luật Lao động Đ112: New Year, Tết, Hùng Kings, 30/4, 1/5, National Day
    SUBSTITUTE = "substitute"  # in place of a holiday on a weekly day of rest (Đ111.3)
    REST = "rest"  # swapped with a Saturday by decision of the Prime Minister
    MAKE_UP = "make_up"  # that Saturday, worked


@dataclass(frozen=True, slots=True)
class Day:
    """One day of the data. ``doubtful``: somebody has yet to confirm it; ``source`` says what is open."""

    date: date
    kind: DayKind
    name: Bilingual
    source: str
    doubtful: bool = False

    @property
    def works(self) -> bool:
        """True when offices are open on this day."""
        return self.kind is DayKind.MAKE_UP

    def as_json(self) -> dict[str, Any]:
        """The form that is hashed, stored and shown in frozen reports."""
        return {
            "date": self.date.isoformat(),
            "kind": self.kind.value,
            "name": self.name.as_json(),
            "source": self.source,
            "doubtful": self.doubtful,
        }


@dataclass(frozen=True, slots=True)
class Calendar:
    """One version: every day that is not what its weekday says."""

    version: str
    days: Mapping[date, Day] = field(repr=False)

    def covers(self, day: date) -> bool:
        """True when the data speaks about the year: it names its New Year's Day."""
        return date(day.year, 1, 1) in self.days

    @property
    def years(self) -> tuple[int, ...]:
        """The years that the data speaks about."""
        return tuple(sorted({day.year for day in self.days if self.covers(day)}))

    def is_working(self, day: date) -> bool:
        """True when offices are open."""
        named = self.days.get(day)
        return named.works if named else day.weekday() < SATURDAY

    def next_working_day(self, day: date) -> date:
        """The first working day after ``day``."""
        following = day + _ONE
        while not self.is_working(following):
            following += _ONE
        return following

    def working_day_of(self, day: date) -> date:
        """``day`` when it is a working day, else the next one."""
        return day if self.is_working(day) else self.next_working_day(day)

    def between(self, first: date, last: date) -> Iterator[Day]:
        """The days of the data from ``first`` to ``last``, both included, in order."""
        return (self.days[day] for day in sorted(self.days) if first <= day <= last)

    def doubts(self, first: date, last: date) -> tuple[Day, ...]:
        """The days in that stretch that somebody has yet to confirm."""
        return tuple(day for day in self.between(first, last) if day.doubtful)

    def as_json(self) -> list[dict[str, Any]]:
        """Every day, in order."""
        return [self.days[day].as_json() for day in sorted(self.days)]

    @property
    def sha256(self) -> str:
        """Hex SHA-256 over the canonical form of the days; the name of the version is not in it."""
        return hashlib.sha256(canonical_json(self.as_json())).hexdigest()


@dataclass(frozen=True, slots=True)
class CalendarVersion:
    """A calendar and who put it in force. Nobody approved the shipped one: it is in force from the start."""

    calendar: Calendar = field(repr=False)
    valid_from: Instant
    approved_by: str = ""  # principal; "" for the shipped one
    reason: str = ""

    @property
    def shipped(self) -> bool:
        """True for the calendar that came with the program."""
        return not self.approved_by


__all__ = ["Calendar", "CalendarVersion", "Day", "DayKind"]
