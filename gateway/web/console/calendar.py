"""/console/calendar: working days, the deadlines they give, and replacing the calendar.

In charge of: a year on one page, doubtful days marked, versions, a file with its preview. Not in charge of:
approving (``flow/calendar.py``), deadlines (``compliance/deadlines.py``).
"""

from __future__ import annotations

import calendar as weeks
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from aiohttp import web

from gateway.clock import local_day
from gateway.compliance import deadlines
from gateway.flow import calendar
from gateway.model.calendar import Day, DayKind
from gateway.model.text import Bilingual
from gateway.web.console.page import RUN, WATCH, Page, Visit
from gateway.web.console.page import Moved as Gone
from gateway.web.console.text_upload import form_with_text

ROOT = "/console/calendar"
FIRST_YEAR, LAST_YEAR = 1990, 2199
NAMED = 60  # changes and deadlines that a preview spells out
KINDS = {
    DayKind.HOLIDAY: Bilingual("ngày lễ", "holiday"),
    DayKind.SUBSTITUTE: Bilingual("nghỉ bù", "substitute"),
    DayKind.REST: Bilingual("nghỉ do hoán đổi", "swapped rest"),
    DayKind.MAKE_UP: Bilingual("làm bù", "worked instead"),
}
WEEKDAYS = (
    Bilingual("T2", "Mo"),
    Bilingual("T3", "Tu"),
    Bilingual("T4", "We"),
    Bilingual("T5", "Th"),
    Bilingual("T6", "Fr"),
    Bilingual("T7", "Sa"),
    Bilingual("CN", "Su"),
)
_COMMAND = "gateway calendar import FILE"


@dataclass(frozen=True, slots=True)
class Square:
    """One day of a month. ``look``: off, make_up, or nothing; ``told``: what the calendar says about it."""

    number: int
    look: str
    doubtful: bool
    today: bool
    told: Bilingual | None


@dataclass(frozen=True, slots=True)
class Month:
    """Weeks from Monday; ``None``: a day of another month."""

    number: int
    weeks: tuple[tuple[Square | None, ...], ...]


async def show_calendar(visit: Visit) -> web.StreamResponse:
    """A year; with ``signed`` also the deadlines of what was signed then."""
    today = local_day(visit.gw.clock.now())
    year = visit.number("year", today.year, LAST_YEAR)
    year = year if year >= FIRST_YEAR else today.year
    version, signed = visit.query.get("version", ""), visit.query.get("signed", "").strip()
    shown = await calendar.show(visit.gw, visit.caller, year, version)
    named = {day.date: day for day in shown.days}
    return visit.html(
        "calendar.html",
        title=visit.page.title,
        year=year,
        shown=shown,
        months=[month_of(year, number, named, today) for number in range(1, 13)],
        weekdays=WEEKDAYS,
        kinds=KINDS,
        versions=await calendar.versions(visit.gw, visit.caller),
        version=version,
        signed=signed,
        checked=await deadlines.check(visit.gw, visit.caller, signed) if signed else None,
        may=visit.caller.role in RUN,
    )


async def preview(visit: Visit) -> web.StreamResponse:
    """What a file would change. Nothing is changed."""
    form, text = await form_with_text(visit, _COMMAND)
    found = await calendar.import_preview(visit.gw, visit.caller, text, form.get("version"))
    return visit.html(
        "calendar_preview.html",
        title=_PREVIEW,
        found=found,
        text=text,
        named=NAMED,
        kinds=KINDS,
        past=sum(one.past for one in found.deadlines),
        may=visit.caller.role in RUN,
    )


async def approve(visit: Visit) -> Gone:
    """Put it in force from now on."""
    form, text = await form_with_text(visit, _COMMAND)
    done = await calendar.import_calendar(
        visit.gw, visit.caller, text, form.get("version"), approve_it=True, reason=form.get("reason")
    )
    said = Bilingual(
        f"Lịch {done.version} được áp dụng từ bây giờ, thay {done.against}. Báo cáo đã công bố giữ lịch cũ.",
        f"The calendar {done.version} is in force, instead of {done.against}. Published reports keep theirs.",
    )
    return Gone(ROOT, said)


def month_of(year: int, number: int, named: Mapping[date, Day], today: date) -> Month:
    """A month, week by week."""
    return Month(
        number,
        tuple(
            tuple(_square(day, named.get(day), today) if day.month == number else None for day in week)
            for week in weeks.Calendar().monthdatescalendar(year, number)
        ),
    )


def _square(day: date, named: Day | None, today: date) -> Square:
    if named is None:
        return Square(day.day, "weekend" if day.weekday() > 4 else "", False, day == today, None)
    kind, about = KINDS[named.kind], named.name
    told = Bilingual(f"{kind.vi}: {about.vi}", f"{kind.en}: {about.en}")
    return Square(day.day, "make-up" if named.works else "off", named.doubtful, day == today, told)


_CALENDAR = Bilingual("Lịch làm việc", "Working days")
_PREVIEW = Bilingual("Xem trước lịch mới", "Preview of a calendar")

PAGES = (
    Page("GET", "/calendar", show_calendar, _CALENDAR, WATCH, "compliance"),
    Page("POST", "/calendar/preview", preview, _PREVIEW, RUN, "compliance", upload=True),
    Page("POST", "/calendar/approve", approve, _PREVIEW, RUN, "compliance", upload=True),
)
