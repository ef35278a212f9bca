"""/console/objectives: how fast documents are to be taken and answered, and alerts when they are not.

In charge of: the pages and forms. Not in charge of: when an alert begins (``compliance/objectives.py``), who
may set an objective (``flow/alerts.py``), sending (``delivery/alert_senders.py``).
"""

from __future__ import annotations

from datetime import datetime

from aiohttp import web

from gateway.clock import from_datetime, local_day
from gateway.compliance.objectives import shipped_rules
from gateway.compliance.sheet import tenths_text
from gateway.errors import BadRequest
from gateway.flow import alerts
from gateway.model.objective import MEASURES, SPANS, Measure, Objective, Span
from gateway.model.text import Bilingual, Instant
from gateway.web.console.page import RULE, RUN, WATCH, Moved, Page, Visit

ROOT = "/console/objectives"
ROWS = 50


async def show_objectives(visit: Visit) -> web.StreamResponse:
    """Open alerts first, then objectives, then the messages that were written."""
    found = await alerts.show_alerts(visit.gw, visit.caller, limit=ROWS)
    today = local_day(visit.gw.clock.now())
    shipped = [one for one in shipped_rules().objectives if one.period.holds_on(today)]
    return visit.html(
        "objectives.html",
        title=visit.page.title,
        alerts=sorted(found["alerts"], key=lambda one: bool(one["ended_at"])),
        at=_instant,
        objectives=[*found["objectives"], *shipped],
        names={one.agency: _who(visit, one) for one in found["objectives"]} | {"": _EVERY},
        notices=found["notices"],
        channels=found["channels"],
        measures=MEASURES,
        spans=SPANS,
        measure_of=Measure,
        span_of=Span,
        percent=lambda per_mille: tenths_text(per_mille),
        may=visit.caller.role in RULE,
        may_try=visit.caller.role in RUN,
    )


async def set_objective(visit: Visit) -> Moved:
    """Set one for an agency, or for all."""
    form = visit.form
    agency = form.get("agency")
    await alerts.set_objective(
        visit.gw,
        visit.caller,
        _measure(form.get("measure")),
        _per_mille(form.get("percent")),
        form.get("reason"),
        _minutes(form.get("minutes")),
        visit.agency(agency) if agency else "",
    )
    return Moved(ROOT, _SET)


async def end_objective(visit: Visit) -> Moved:
    """What holds for everybody takes its place."""
    await alerts.end_objective(visit.gw, visit.caller, visit.part("objective"), visit.form.get("reason"))
    return Moved(ROOT, _ENDED)


async def try_channels(visit: Visit) -> Moved:
    """Write a test message for every channel."""
    await alerts.try_channels(visit.gw, visit.caller)
    return Moved(ROOT, _TRIED)


def _who(visit: Visit, one: Objective) -> Bilingual:
    name = visit.gw.directory.name(one.agency, local_day(visit.gw.clock.now())) or one.agency
    return Bilingual(name, name) if one.agency else _EVERY


def _instant(text: str) -> Instant | None:
    return from_datetime(datetime.fromisoformat(text)) if text else None


def _measure(text: str) -> Measure:
    try:
        return Measure(text)
    except ValueError as error:
        raise BadRequest(_NUMBERS, code="objective.measure") from error


def _per_mille(text: str) -> int:
    """``95``, ``99,5``: per cent with at most one decimal."""
    whole, _, tenth = text.replace(",", ".").partition(".")
    if not (whole.isascii() and whole.isdigit() and len(whole) <= 3 and (tenth == "" or _is_digit(tenth))):
        raise BadRequest(_NUMBERS, code="objective.percent")
    return int(whole) * 10 + int(tenth or 0)


def _is_digit(text: str) -> bool:
    return len(text) == 1 and text.isascii() and text.isdigit()


def _minutes(text: str) -> int:
    if text and not (text.isascii() and text.isdigit() and len(text) <= 6):
        raise BadRequest(_NUMBERS, code="objective.minutes")
    return int(text or 0)


_EVERY = Bilingual("Mọi đơn vị", "Every agency")
_NUMBERS = Bilingual(
    "Mục tiêu là một tỷ lệ phần trăm, ví dụ 95 hoặc 99,5; số phút là số nguyên.",
    "An objective is a percentage such as 95 or 99.5; minutes are whole.",
)
_SET = Bilingual("Đã đặt mục tiêu.", "The objective is set.")
_ENDED = Bilingual("Đã bỏ mục tiêu; mục tiêu chung được áp dụng.", "Ended; what holds for everybody applies.")
_TRIED = Bilingual(
    "Đã xếp hàng thư thử. Kết quả hiện ở bảng thư cảnh báo bên dưới.",
    "Test messages are queued; the table of messages below shows how it went.",
)
_OBJECTIVES = Bilingual("Mục tiêu và cảnh báo", "Objectives and alerts")

PAGES = (
    Page("GET", "/objectives", show_objectives, _OBJECTIVES, WATCH, "compliance"),
    Page("POST", "/objectives", set_objective, _OBJECTIVES, RULE, "compliance"),
    Page("POST", "/objectives/try", try_channels, _OBJECTIVES, RUN, "compliance"),
    Page("POST", "/objectives/{objective}/end", end_objective, _OBJECTIVES, RULE, "compliance"),
)
