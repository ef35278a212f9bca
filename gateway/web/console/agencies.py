"""/console/agencies: the directory as a tree on a day, and finding an agency in it.

In charge of: which branches are open, the search box. Branches come when they are opened; without JavaScript
each is a page of its own. Not in charge of: reading the directory (``flow/look_agency.py``), one agency
(``agency.py``), changing the directory (``directory_changes.py``).
"""

from __future__ import annotations

from datetime import date
from typing import Any

from aiohttp import web

from gateway.clock import local_day
from gateway.directory.snapshot import OUTSIDE
from gateway.flow import look_agency
from gateway.flow.look_agency import Branch
from gateway.flow.requests import list_requests
from gateway.model.text import AgencyCode, Bilingual
from gateway.web.console.connection_kinds import kind_of
from gateway.web.console.page import RULE, WATCH, Page, Visit
from gateway.web.public_reports import LEVELS

OPEN_ROOTS = 3  # at most so many top agencies are shown with those below them
MOST_TEXT = 200
LEVEL_NAMES = LEVELS | {OUTSIDE: Bilingual("Ngoài tỉnh", "Outside")}


async def show_agencies(visit: Visit) -> web.StreamResponse:
    """The tree from its top, or from one agency on; or what a search found."""
    day, text = day_of(visit), visit.query.get("q", "").strip()[:MOST_TEXT]
    under = _under(visit)
    branch = await look_agency.tree(visit.gw, visit.caller, day, under, visit.query.get("after", ""))
    found = await look_agency.find(visit.gw, visit.caller, text, day) if text else None
    return visit.html(
        "agencies.html",
        title=visit.page.title,
        q=text,
        found=found,
        under=under,
        under_name=visit.gw.directory.name(under, day) if under else "",
        opened=await _opened(visit, branch, day) if not under else {},
        total=len(visit.gw.directory.all(day)) if not text else 0,
        requests=len(await list_requests(visit.gw, visit.caller)),
        rules=visit.caller.role in RULE,
        **_branch(visit, branch, day),
    )


async def show_below(visit: Visit) -> web.StreamResponse:
    """One branch, for htmx."""
    day = day_of(visit)
    branch = await look_agency.tree(visit.gw, visit.caller, day, _under(visit), visit.query.get("after", ""))
    return visit.part_html(
        "agencies_branch.html", opened={}, under=_under(visit), **_branch(visit, branch, day)
    )


def day_of(visit: Visit) -> date:
    """The day of ``?on=``; today for none or what is none."""
    try:
        return date.fromisoformat(visit.query.get("on", ""))
    except ValueError:
        return local_day(visit.gw.clock.now())


def level_name(level: str) -> Bilingual:
    """A level in words; levels are data, so an unknown one is its own name."""
    return LEVEL_NAMES.get(level, Bilingual(level, level))


def _under(visit: Visit) -> AgencyCode | None:
    text = visit.query.get("under", "")
    return visit.agency(text) if text else None


async def _opened(visit: Visit, branch: Branch, day: date) -> dict[str, Branch]:
    """The branches that are open at first: those of few top agencies."""
    parents = [node for node in branch.nodes if node.below]
    if len(parents) > OPEN_ROOTS:
        return {}
    return {node.code: await look_agency.tree(visit.gw, visit.caller, day, node.code) for node in parents}


def _branch(visit: Visit, branch: Branch, day: date) -> dict[str, Any]:
    today = local_day(visit.gw.clock.now())
    return {
        "branch": branch,
        "on": day.isoformat(),
        "dated": "" if day == today else f"&on={day.isoformat()}",
        "level_name": level_name,
        "kind_of": kind_of,
    }


_TITLE = Bilingual("Đơn vị", "Agencies")

PAGES = (
    Page("GET", "/agencies", show_agencies, _TITLE, WATCH, "agencies"),
    Page("GET", "/agencies/below", show_below, _TITLE, WATCH, "agencies"),
)
