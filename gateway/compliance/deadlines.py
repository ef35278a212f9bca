"""One signing time, both deadlines, and why: what ``gateway calendar check`` answers.

In charge of: explaining; the deadlines are those of the figures (``calendar.py``). Not in charge of: printing
(``cli/calendar.py``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from gateway.clock import from_datetime, local_day, to_rfc3339
from gateway.compliance.calendar import (
    Calendar,
    Clocks,
    Day,
    nd30_deadline,
    qd28_deadline,
    signed_on_rest_day,
    urgent_deadline,
)
from gateway.errors import BadRequest
from gateway.flow.door import Caller
from gateway.model.text import Bilingual, Instant
from gateway.services import Services

_ONE = timedelta(days=1)
_YEARS = range(1946, 2200)
_WEEKDAYS = (
    ("thứ Hai", "Monday"),
    ("thứ Ba", "Tuesday"),
    ("thứ Tư", "Wednesday"),
    ("thứ Năm", "Thursday"),
    ("thứ Sáu", "Friday"),
    ("thứ Bảy", "Saturday"),
    ("Chủ nhật", "Sunday"),
)


@dataclass(frozen=True, slots=True)
class Otherwise:
    """The deadlines if the days that are not confirmed turned out the other way round."""

    qd28: str
    nd30: str
    next_working_day: str


@dataclass(frozen=True, slots=True)
class Checked:
    """Times as RFC 3339. ``covered`` false: some year without data, weekends alone were looked at."""

    signed: str
    version: str
    on_rest_day: bool
    qd28: str  # inclusive
    nd30: str  # exclusive: the midnight after the day
    urgent: str  # inclusive
    next_working_day: str
    covered: bool
    why: tuple[Bilingual, ...]
    doubts: tuple[Day, ...]
    otherwise: Otherwise | None


async def check(gw: Services, caller: Caller, signed: str) -> Checked:
    """Both deadlines of what was signed then (``2026-08-21T15:00``, at +07:00 unless it says otherwise)."""
    return explain(gw.calendar, Clocks.of(gw.config.figures), read_moment(signed))


def explain(calendar: Calendar, clocks: Clocks, signed: Instant) -> Checked:
    """The same for a calendar at hand."""
    day, following = local_day(signed), calendar.next_working_day(local_day(signed))
    doubts = calendar.doubts(day + _ONE, following)
    covered = calendar.covers(day) and calendar.covers(following)
    return Checked(
        signed=to_rfc3339(signed),
        version=calendar.version,
        on_rest_day=signed_on_rest_day(calendar, signed),
        qd28=to_rfc3339(qd28_deadline(calendar, clocks, signed)),
        nd30=to_rfc3339(nd30_deadline(calendar, signed)),
        urgent=to_rfc3339(urgent_deadline(clocks, signed)),
        next_working_day=following.isoformat(),
        covered=covered,
        why=tuple(_why(calendar, day, following)),
        doubts=doubts,
        otherwise=_otherwise(calendar, clocks, signed, doubts) if doubts else None,
    )


def read_moment(text: str) -> Instant:
    """A time of signing; a day alone is its last minute (as a document without a time). ``BadRequest``."""
    try:
        found = datetime.fromisoformat(text.strip())
        if len(text.strip()) == len("2026-08-21"):
            found = datetime.combine(found.date(), time(23, 59))
    except ValueError as error:
        raise BadRequest(_UNREADABLE, code="calendar.moment") from error
    if found.year not in _YEARS:
        raise BadRequest(_UNREADABLE, code="calendar.moment")
    return from_datetime(found)


def day_words(calendar: Calendar, day: date) -> Bilingual:
    """A day, its weekday and what the calendar says about it."""
    named, (vi, en) = calendar.days.get(day), _WEEKDAYS[day.weekday()]
    works = calendar.is_working(day)
    said = named.name if named else None
    what_vi = "làm việc" if works else "nghỉ"
    what_en = "worked" if works else "off"
    about = (f", {said.vi}", f", {said.en}") if said else ("", "")
    local = day.strftime("%d/%m/%Y")
    return Bilingual(f"{vi} {local}: {what_vi}{about[0]}", f"{en} {day.isoformat()}: {what_en}{about[1]}")


def _why(calendar: Calendar, day: date, following: date) -> Iterator[Bilingual]:
    """What stands between signing and the deadline, day by day."""
    while day < following:
        day += _ONE
        yield day_words(calendar, day)


def _otherwise(calendar: Calendar, clocks: Clocks, signed: Instant, doubts: tuple[Day, ...]) -> Otherwise:
    dropped = {day.date for day in doubts}
    days = {day: named for day, named in calendar.days.items() if day not in dropped}
    other = Calendar(calendar.version, days)
    return Otherwise(
        qd28=to_rfc3339(qd28_deadline(other, clocks, signed)),
        nd30=to_rfc3339(nd30_deadline(other, signed)),
        next_working_day=other.next_working_day(local_day(signed)).isoformat(),
    )


_UNREADABLE = Bilingual(
    "Thời điểm ký phải ghi dạng 2026-08-21T15:00 (giờ Việt Nam) hoặc chỉ ngày 2026-08-21.",
    "Write the time of signing like 2026-08-21T15:00 (Vietnamese time), or the day alone: 2026-08-21.",
)

__all__ = ["Checked", "check", "day_words", "explain", "read_moment"]
