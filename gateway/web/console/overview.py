"""/console/overview: today's exchange, and what needs a person now.

In charge of: laying the ledger of the day out by level, the picture, the live part. Not in charge of: finding
what needs a person (``flow/attention.py``), the equation (``flow/conservation.py``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from aiohttp import web

from gateway.clock import local_day
from gateway.flow import nodes
from gateway.flow.attention import needs
from gateway.flow.conservation import Ledger, show_conservation
from gateway.model.text import AgencyCode, Bilingual
from gateway.services import Services
from gateway.web.console.page import WATCH, Page, Visit

LEVELS = {
    "province": Bilingual("Cấp tỉnh", "Province"),
    "district": Bilingual("Cấp huyện", "Districts"),
    "commune": Bilingual("Cấp xã", "Communes"),
    "outside": Bilingual("Ngoài tỉnh", "Outside the province"),
    "": Bilingual("Chưa rõ cấp", "No level"),
}
WIDTH = 250  # of a bar at its longest, in the picture's units
ROW = 34  # height of a row of the picture


@dataclass(frozen=True, slots=True)
class LevelRow:
    """What one level sent and received today. Bars in the picture's units."""

    title: Bilingual
    sent: int
    received: int
    delivered: int
    y: int
    sent_bar: int
    received_bar: int


@dataclass(frozen=True, slots=True)
class Totals:
    """The province's day: deliveries of documents, by what became of them (the recipients' side)."""

    opening: int
    made: int
    delivered: int
    rejected: int
    cancelled: int
    queued: int
    held: int
    dead: int

    @property
    def closing(self) -> int:
        return self.queued + self.held + self.dead


async def show_overview(visit: Visit) -> web.StreamResponse:
    """The whole page."""
    return visit.html("overview.html", title=visit.page.title, **await _today(visit))


async def show_live(visit: Visit) -> web.StreamResponse:
    """What changes while one looks."""
    return visit.part_html("overview_live.html", **await _today(visit))


async def show_ledger(visit: Visit) -> web.StreamResponse:
    """The conservation ledger of a day, by agency, and every delivery that does not agree."""
    day = _day(visit.query.get("day", ""), local_day(visit.gw.clock.now()))
    ledger = await show_conservation(visit.gw, visit.caller, day)
    lines = [line | {"name": _name(visit.gw, line["agency"], day)} for line in ledger.lines]
    return visit.html("ledger.html", title=visit.page.title, ledger=ledger, lines=lines, on=day.isoformat())


async def _today(visit: Visit) -> dict[str, Any]:
    today = local_day(visit.gw.clock.now())
    ledger = await show_conservation(visit.gw, visit.caller, today)
    rows = level_rows(visit.gw, ledger, today)
    return {
        "ledger": ledger,
        "totals": totals_of(ledger),
        "levels": rows,
        "height": len(rows) * ROW + 30,
        "needs": await needs(visit.gw, visit.caller),
        "nodes": nodes.everybody(visit.gw) if visit.gw.store.shared else [],
        "leader": visit.gw.fleet.leader,
        "now": visit.gw.clock.now(),
        "empty": not visit.gw.directory.all(today),
        "no_systems": not visit.gw.people.credentials and not visit.gw.people.partner_credentials,
    }


def totals_of(ledger: Ledger) -> Totals:
    """The sums of the recipients' side, documents alone."""
    lines = [line for line in ledger.lines if line["side"] == "recipient" and line["what"] == "document"]

    def total(name: str) -> int:
        return sum(int(line[name]) for line in lines)

    names = ("opening", "made", "delivered", "rejected", "cancelled", "queued", "held", "dead")
    return Totals(*map(total, names))


def level_rows(gw: Services, ledger: Ledger, day: date) -> list[LevelRow]:
    """Sent and received by level, in the order of the level set."""
    sums = _by_level(gw, (line for line in ledger.lines if line["what"] == "document"), day)
    most = max((max(sent, received) for sent, received, _ in sums.values()), default=0) or 1
    shown = [level for level in LEVELS if level in sums] + sorted(set(sums) - set(LEVELS))
    return [
        LevelRow(
            LEVELS.get(level, Bilingual(level, level)),
            *sums[level],
            y=number * ROW + 24,
            sent_bar=round(WIDTH * sums[level][0] / most),
            received_bar=round(WIDTH * sums[level][1] / most),
        )
        for number, level in enumerate(shown)
    ]


def _by_level(gw: Services, lines: Iterable[Mapping[str, Any]], day: date) -> dict[str, tuple[int, int, int]]:
    sums: dict[str, tuple[int, int, int]] = {}
    for line in lines:
        level = gw.directory.level(AgencyCode(line["agency"]), day)
        sent, received, delivered = sums.get(level, (0, 0, 0))
        if line["side"] == "sender":
            sent += line["made"]
        else:
            received, delivered = received + line["made"], delivered + line["delivered"]
        sums[level] = (sent, received, delivered)
    return sums


def _day(text: str, default: date) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return default


def _name(gw: Services, code: str, day: date) -> str:
    return gw.directory.name(AgencyCode(code), day) or code


_TITLE = Bilingual("Tổng quan", "Overview")
_LEDGER = Bilingual("Sổ cân đối gửi, nhận", "Conservation ledger")

PAGES = (
    Page("GET", "/overview", show_overview, _TITLE, WATCH, "overview"),
    Page("GET", "/overview/live", show_live, _TITLE, WATCH, "overview", live=True),
    Page("GET", "/overview/ledger", show_ledger, _LEDGER, WATCH, "overview"),
)
