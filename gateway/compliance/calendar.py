"""Deadlines: what the law gives from signing to sending, from arrival to acknowledging.

In charge of: both readings of "sent in time" (QĐ 28/2018 Đ6.2: the morning of the next working day;
NĐ 30/2020 Đ4.2c, Đ18.1: within it), both readings of "acknowledged the same day" (NĐ 30/2020 Đ21.2c), urgent
documents, and the other clocks of the figures. Not in charge of: which days are worked
(``model/calendar.py``, data), what is counted (``contributions.py``).

A deadline that ends with a day is the midnight after it, exclusive: in time is ``at < deadline``. The morning
of QĐ 28 ends at a time of day, inclusive: in time is ``at <= deadline``. All times of day are at +07:00.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from gateway.clock import SECOND, VIETNAM, from_datetime, local, local_day
from gateway.config import FiguresSection
from gateway.model.calendar import Calendar, CalendarVersion, Day, DayKind
from gateway.model.text import Instant

MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
_ONE = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Clocks:
    """What the law leaves open, as an installation reads it (settings ``figures.*``)."""

    morning_until: time = time(12)  # "the morning" of QĐ 28/2018 Đ6.2 ends, inclusive
    working_until: time = time(17)  # what arrives after it, arrives on the next working day (K5w)
    urgent_minutes: int = 60  # "at once" of QĐ 28/2018 Đ6.2 (K4)
    pull_hours: int = 48  # then a document that nobody fetched is late (K8)
    status_days: int = 15  # from 03 to a further status (K11)
    clock_seconds: int = 300  # by which a declared time may differ (K13)

    @classmethod
    def of(cls, settings: FiguresSection) -> Clocks:
        """As the installation's settings say."""
        return cls(
            morning_until=time.fromisoformat(settings.morning_until),
            working_until=time.fromisoformat(settings.working_until),
            urgent_minutes=settings.urgent_minutes,
            pull_hours=settings.pull_hours,
            status_days=settings.status_days,
            clock_seconds=settings.clock_seconds,
        )


def qd28_deadline(calendar: Calendar, clocks: Clocks, signed: Instant) -> Instant:
    """The end, inclusive, of the morning of the first working day after the day of signing."""
    return _at(calendar.next_working_day(local_day(signed)), clocks.morning_until)


def nd30_deadline(calendar: Calendar, signed: Instant) -> Instant:
    """The end, exclusive, of the first working day after the day of signing."""
    return end_of(calendar.next_working_day(local_day(signed)))


def urgent_deadline(clocks: Clocks, signed: Instant) -> Instant:
    """Until when, inclusive, an urgent document is sent "at once"; days off make no difference."""
    return Instant(signed + clocks.urgent_minutes * MINUTE)


def in_time_qd28(calendar: Calendar, clocks: Clocks, signed: Instant, sent: Instant) -> bool:
    """True when it was sent by the stricter reading."""
    return sent <= qd28_deadline(calendar, clocks, signed)


def in_time_nd30(calendar: Calendar, signed: Instant, sent: Instant) -> bool:
    """True when it was sent by the reading of the decree."""
    return sent < nd30_deadline(calendar, signed)


def arrival_in_working_hours(calendar: Calendar, clocks: Clocks, arrived: Instant) -> Instant:
    """When an arrival counts for a clerk: itself, or the start of the next working day when it came after
    hours or on a day off."""
    day = local_day(arrived)
    if calendar.is_working(day) and arrived <= _at(day, clocks.working_until):
        return arrived
    return start_of(calendar.next_working_day(day))


def same_day(arrived: Instant) -> Instant:
    """Until when, exclusive, an acknowledgement is one of the day of arrival."""
    return end_of(local_day(arrived))


def next_day_deadline(calendar: Calendar, arrived: Instant) -> Instant:
    """Until when, exclusive, an acknowledgement is one of the next working day."""
    return end_of(calendar.next_working_day(local_day(arrived)))


def signed_on_rest_day(calendar: Calendar, signed: Instant) -> bool:
    """True when nobody had to be at work on the day of signing."""
    return not calendar.is_working(local_day(signed))


def start_of(day: date) -> Instant:
    """Midnight at which a day begins."""
    return _at(day, time())


def end_of(day: date) -> Instant:
    """Midnight after a day."""
    return start_of(day + _ONE)


def time_of_day(at: Instant) -> time:
    """The wall clock's time."""
    return local(at).timetz().replace(tzinfo=None)


def _at(day: date, moment: time) -> Instant:
    return from_datetime(datetime.combine(day, moment, VIETNAM))


__all__ = [
    "HOUR",
    "MINUTE",
    "Calendar",
    "CalendarVersion",
    "Clocks",
    "Day",
    "DayKind",
    "arrival_in_working_hours",
    "end_of",
    "in_time_nd30",
    "in_time_qd28",
    "nd30_deadline",
    "next_day_deadline",
    "qd28_deadline",
    "same_day",
    "signed_on_rest_day",
    "start_of",
    "time_of_day",
    "urgent_deadline",
]
