"""Days and deadlines of the recount, in numbers.

In charge of: local days as numbers, which of them are working days, hours of outages. Written apart from
``calendar.py``, from ``docs/figures.md`` alone, and shares nothing with it. Not in charge of: what is counted
(``recount_counts.py``).

An instant is UTC microseconds; a day is the number of days since 1970-01-01 of the calendar at +07:00.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

MINUTE = 60_000_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
_EAST = 7 * HOUR
_FIRST = date(1970, 1, 1)  # a Thursday
_MOMENT = re.compile(
    r"(\d{4}([-/])\d{2}\2\d{2})[ T](\d{2}:\d{2}:\d{2})(\.\d+)?(Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)?", re.ASCII
)


def day_of(at: int) -> int:
    """The local day on which an instant lies."""
    return (at + _EAST) // DAY


def midnight(day: int) -> int:
    """The instant at which a local day begins."""
    return day * DAY - _EAST


def number_of(day: date) -> int:
    """A date as a number of days."""
    return (day - _FIRST).days


def instant_of(text: str) -> int | None:
    """A moment as somebody wrote it, in microseconds; ``None`` when it is none of the forms that
    ``docs/figures.md`` (K13) calls readable. Without offset it is of Vietnam."""
    found = _MOMENT.fullmatch(text)
    if found is None:
        return None
    day, _, clock, fraction, offset = found.groups()
    hours, minutes, seconds = int(clock[:2]), int(clock[3:5]), int(clock[6:])
    number = _number_of_text(day)
    if number is None or hours > 23 or minutes > 59 or seconds > 59:
        return None
    at = number * DAY + (hours * 3600 + minutes * 60 + seconds) * 1_000_000
    if fraction:
        at += int(fraction[1:7].ljust(6, "0"))
    return at - (_EAST if offset is None else _offset(offset))


@lru_cache(4096)
def _number_of_text(day: str) -> int | None:
    """``yyyy-MM-dd`` or with slashes, as a number of days."""
    try:
        return number_of(date(int(day[:4]), int(day[5:7]), int(day[8:])))
    except ValueError:
        return None


def _offset(text: str) -> int:
    if text == "Z":
        return 0
    size = int(text[1:3]) * HOUR + int(text[4:]) * MINUTE
    return -size if text[0] == "-" else size


@dataclass(frozen=True, slots=True)
class Limits:
    """The clocks that the law leaves open, as the report states them. Times of day in microseconds."""

    morning_until: int = 12 * HOUR
    working_until: int = 17 * HOUR
    urgent: int = 60 * MINUTE
    pull: int = 48 * HOUR
    status: int = 15 * DAY
    clock: int = 5 * MINUTE


def limits_of(stated: Mapping[str, Any]) -> Limits:
    """From the report's header. ``KeyError`` or ``ValueError`` when a clock is missing or makes no sense."""
    return Limits(
        _time_of_day(str(stated["morning_until"])),
        _time_of_day(str(stated["working_until"])),
        int(stated["urgent_minutes"]) * MINUTE,
        int(stated["pull_hours"]) * HOUR,
        int(stated["status_days"]) * DAY,
        int(stated["clock_seconds"]) * 1_000_000,
    )


def _time_of_day(text: str) -> int:
    hours, minutes, *rest = text.split(":")
    seconds = rest[0] if rest else "0"
    return int(hours) * HOUR + int(minutes) * MINUTE + int(seconds) * 1_000_000


class WorkingDays:
    """Monday to Friday, but for the days that a calendar names."""

    def __init__(self, named: Iterable[Mapping[str, Any]]) -> None:
        """``named``: rows with ``date`` (ISO) and ``kind``; only ``make_up`` is worked."""
        self._named = {
            number_of(date.fromisoformat(str(row["date"]))): row["kind"] == "make_up" for row in named
        }
        self._next: dict[int, int] = {}

    def works(self, day: int) -> bool:
        """True when offices are open."""
        named = self._named.get(day)
        return (day + 3) % 7 < 5 if named is None else named  # day 0 was a Thursday

    def after(self, day: int) -> int:
        """The first working day after ``day``."""
        known = self._next.get(day)
        if known is None:
            known = day + 1
            while not self.works(known):
                known += 1
            self._next[day] = known
        return known


@dataclass(frozen=True, slots=True)
class Outage:
    """Hours in which the gateway (``agency`` empty) or an agency's system did not work."""

    start: int
    end: int
    agency: str = ""


def is_excused(outages: Iterable[Outage], agency: str, start: int, deadline: int) -> bool:
    """True when an outage of the gateway or of the agency lies, at least in part, between the two."""
    return any(
        one.start < deadline and one.end > start for one in outages if not one.agency or one.agency == agency
    )


__all__ = [
    "DAY",
    "HOUR",
    "MINUTE",
    "Limits",
    "Outage",
    "WorkingDays",
    "day_of",
    "instant_of",
    "is_excused",
    "limits_of",
    "midnight",
    "number_of",
]
