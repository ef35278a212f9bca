"""/console/outages: hours in which documents could not be exchanged.

In charge of: the list, the form, decisions of a second person. Not in charge of: who may
(``flow/outages.py``), what an outage takes out of a figure (``docs/figures.md``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aiohttp import web

from gateway.clock import local_day
from gateway.errors import BadRequest
from gateway.flow import outages
from gateway.flow.door import stated
from gateway.model.text import AgencyCode, Bilingual, Instant
from gateway.web.console.page import RUN, WATCH, Moved, Page, Visit

ROOT = "/console/outages"
ROWS = 100
_YEARS = range(1990, 2200)
STANDINGS = {
    "proposed": (Bilingual("chờ người thứ hai phê duyệt", "waits for a second person"), "warn"),
    "in force": (Bilingual("có hiệu lực", "in force"), "good"),
    "declined": (Bilingual("không đồng ý", "declined"), ""),
    "withdrawn": (Bilingual("đã rút", "withdrawn"), ""),
}


@dataclass(frozen=True, slots=True)
class Row:
    """One outage as the page shows it."""

    id: str
    where: Bilingual
    from_at: Instant
    to_at: Instant
    seconds: float
    reason: str
    standing: str
    proposed_by: str
    decided_by: str
    own: bool  # the visitor proposed it, so somebody else decides


async def show_outages(visit: Visit) -> web.StreamResponse:
    """Those that wait for a decision first, then the newest."""
    found = await outages.list_outages(visit.gw, visit.caller)
    rows = [_row(visit, one) for one in found]
    rows.sort(key=lambda one: (one.standing != "proposed", -one.from_at, one.id))
    return visit.html(
        "outages.html",
        title=visit.page.title,
        rows=rows[:ROWS],
        total=len(rows),
        standings=STANDINGS,
        may=visit.caller.role in RUN,
    )


async def propose(visit: Visit) -> Moved:
    """Propose one; it takes nothing out of any figure yet."""
    form = visit.form
    agency = form.get("agency")
    await outages.propose_outage(
        visit.gw,
        visit.caller,
        _moment(form.get("from_at")),
        _moment(form.get("to_at")),
        form.get("reason"),
        visit.agency(agency) if agency else "",
    )
    return Moved(ROOT, _PROPOSED)


async def decide(visit: Visit) -> Moved:
    """Approve or decline, as another person than who proposed."""
    approve = visit.form.get("decision") == "approve"
    reason = stated(visit.form.get("reason")) if approve else ""
    await outages.decide_outage(visit.gw, visit.caller, visit.part("outage"), approve, reason)
    return Moved(ROOT, _APPROVED if approve else _DECLINED)


async def withdraw(visit: Visit) -> Moved:
    """Its hours count again in what is counted from now on."""
    await outages.withdraw_outage(
        visit.gw, visit.caller, visit.part("outage"), stated(visit.form.get("reason"))
    )
    return Moved(ROOT, _WITHDRAWN)


def _row(visit: Visit, one: dict[str, Any]) -> Row:
    name = visit.gw.directory.name(AgencyCode(one["agency"]), local_day(one["from_at"]))
    return Row(
        one["id"],
        Bilingual(f"{name} ({one['agency']})", f"{name} ({one['agency']})") if one["agency"] else _GATEWAY,
        one["from_at"],
        one["to_at"],
        (one["to_at"] - one["from_at"]) / 1_000_000,
        one["reason"],
        one["standing"],
        _person(visit, one["proposed_by"]),
        _person(visit, one["decided_by"]),
        one["proposed_by"] == visit.caller.principal,
    )


def _person(visit: Visit, principal: str) -> str:
    found = visit.gw.people.principal(principal)
    return found.name if found else principal


def _moment(text: str) -> datetime:
    """Vietnamese time, as the browser's field gives it."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadRequest(_NO_MOMENT, code="outage.moment") from error
    if found.year not in _YEARS:
        raise BadRequest(_NO_MOMENT, code="outage.moment")
    return found


_GATEWAY = Bilingual("Toàn trục", "The whole gateway")
_PROPOSED = Bilingual(
    "Đã đề nghị. Sự cố có hiệu lực khi người thứ hai phê duyệt.",
    "Proposed. It counts once a second person approved it.",
)
_APPROVED = Bilingual("Đã phê duyệt sự cố.", "The outage is approved.")
_DECLINED = Bilingual("Đã ghi nhận: không đồng ý.", "Declined.")
_WITHDRAWN = Bilingual("Đã rút sự cố; các giờ này lại được tính.", "Withdrawn; its hours count again.")
_NO_MOMENT = Bilingual(
    "Hãy ghi đủ ngày và giờ bắt đầu, kết thúc (giờ Việt Nam).",
    "Name the day and time of its start and end (Vietnamese time).",
)
_OUTAGES = Bilingual("Sự cố gián đoạn gửi, nhận", "Outages")

PAGES = (
    Page("GET", "/outages", show_outages, _OUTAGES, WATCH, "compliance"),
    Page("POST", "/outages", propose, _OUTAGES, RUN, "compliance"),
    Page("POST", "/outages/{outage}/decide", decide, _OUTAGES, RUN, "compliance"),
    Page("POST", "/outages/{outage}/withdraw", withdraw, _OUTAGES, RUN, "compliance"),
)
