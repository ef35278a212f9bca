"""/console/compliance: the scorecard of a period, and the way from a figure to its documents.

In charge of: choosing the period, laying out cards, table, clauses, trend and ranking, the lists behind a
figure. Not in charge of: figures and rights (``compliance/board.py``), a document's page (``document.py``).

Figure -> measure (what it is made of) -> list -> document -> evidence: each page links to the next.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from aiohttp import web

from gateway.clock import local_day
from gateway.compliance import board, periods
from gateway.compliance.behind import LESS_IS_BETTER, behind, words_of
from gateway.compliance.board import Line
from gateway.compliance.catalogue import BY_KEY, MEASURES, Measure
from gateway.compliance.clauses import Clause, clause_rules
from gateway.compliance.drilling import Found
from gateway.compliance.periods import Period
from gateway.compliance.scorecard import ALL, Rate
from gateway.compliance.sheet import tenths_text
from gateway.compliance.trend import ranked, rate_of, trend
from gateway.errors import NotFound
from gateway.model.text import AgencyCode, Bilingual
from gateway.store import messages
from gateway.store.people import Role
from gateway.web.console import drawing
from gateway.web.console.evidence_words import why
from gateway.web.console.page import SIGNED_IN, WATCH, Page, Visit
from gateway.web.public_reports import LEVELS

ROOT = "/console/compliance"
HEADLINES = ("K9", "K2", "K3", "K5", "K8")  # of the cards
ROWS = 50
OUTCOMES = ("pass", "fail", "unchecked", "na")


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the page is about: a period, and all, a level or an agency."""

    period: str
    level: str
    agency: str

    def query(self, **more: str) -> str:
        """``?period=…&level=…`` for a link, without what is not chosen."""
        given = {"period": self.period, "level": self.level, "agency": self.agency} | more
        return "?" + urlencode({name: value for name, value in given.items() if value})


@dataclass(frozen=True, slots=True)
class Card:
    """A headline: the rate now, in the period before, and whether the change is for the better."""

    measure: Measure
    rate: Rate
    before: Rate | None

    @property
    def change(self) -> str:
        """``+1,2`` points; "" where one of the two is no rate, or nothing changed."""
        points = self._points
        return tenths_text(points, signed=True) if points else ""

    @property
    def better(self) -> bool:
        """True when the change is for the better."""
        return (self._points > 0) != (self.measure.key in LESS_IS_BETTER)

    @property
    def _points(self) -> int:
        now, then = self.rate.tenths, self.before.tenths if self.before else None
        return now - then if now is not None and then is not None else 0


@dataclass(frozen=True, slots=True)
class MeasureRow:
    """One measure over the scopes of the table."""

    measure: Measure
    cells: tuple[tuple[str, Rate | None], ...]  # where it leads, what stands there


@dataclass(frozen=True, slots=True)
class ClauseRow:
    """One clause: its outcomes as a bar, and where each list is."""

    clause: str
    name: Bilingual
    source: str
    parts: tuple[drawing.Part, ...]
    fails: int
    link: str


async def show_compliance(visit: Visit) -> web.StreamResponse:
    """The scorecard: by level, or of one agency."""
    chosen = _chosen(visit)
    shown = await board.show(visit.gw, visit.caller, chosen.period, level=chosen.level, agency=chosen.agency)
    past = await board.show(
        visit.gw,
        visit.caller,
        periods.before(shown.period).name,
        level=chosen.level,
        agency=chosen.agency,
    )
    main = shown.lines[0] if shown.lines else None
    return visit.html(
        "compliance.html",
        **_frame(visit, chosen, shown.period),
        shown=shown,
        before=past.period,
        scopes=[_scope(line) for line in shown.lines],
        empty=not any(line.counts for line in shown.lines),
        counted=_counted(shown.lines),
        cards=_cards(main, past.lines[0] if past.lines else None) if main else [],
        rows=[_measure_row(chosen, one, shown.lines) for one in MEASURES],
        clauses=_clauses(chosen, main.counts) if main else [],
        levels=_level_names(visit, shown.period),
    )


async def show_measure(visit: Visit) -> web.StreamResponse:
    """One measure: what it is, what it is made of (each count leads to its list), its trend."""
    chosen, measure = _chosen(visit), _measure(visit.part("measure"))
    shown = await board.show(visit.gw, visit.caller, chosen.period, level=chosen.level, agency=chosen.agency)
    line = shown.lines[0] if shown.lines else None
    return visit.html(
        "compliance_measure.html",
        **_frame(visit, chosen, shown.period, measure.name),
        shown=shown,
        measure=measure,
        scope=_scope(line) if line else None,
        rate=rate_of(line, measure.key) if line else None,
        behind=behind(measure.key, line.counts) if line else [],
        drawn=await _drawn(visit, chosen, measure.key),
        quote=quote,
    )


async def show_trend(visit: Visit) -> web.StreamResponse:
    """The last eight periods of one measure, as a piece of the page."""
    chosen, measure = _chosen(visit), _measure(visit.query.get("measure", "K9"))
    drawn = await _drawn(visit, chosen, measure.key)
    return visit.part_html("compliance_trend.html", drawn=drawn, measure=measure)


async def show_list(visit: Visit) -> web.StreamResponse:
    """The documents or deliveries behind a count, each with why it counts."""
    chosen, name = _chosen(visit), visit.part("name")
    kind = board.kind_of(name)
    if not kind:
        raise NotFound(_NO_LIST, code="scorecard.measure")
    find = board.documents if kind == "documents" else board.deliveries
    page = await find(
        visit.gw,
        visit.caller,
        name,
        chosen.period,
        chosen.level,
        chosen.agency,
        ROWS,
        visit.query.get("after", ""),
    )
    numbers = await _numbers(visit, page.rows)
    period = periods.parse(chosen.period)
    return visit.html(
        "compliance_list.html",
        **_frame(visit, chosen, period, words_of(name)),
        name=name,
        kind=kind,
        rows=[(one, numbers.get(one.id, ("", "")), why(one, name)) for one in page.rows],
        names={one.agency: _name(visit, one.agency, period) for one in page.rows},
        more=page.cursor,
        scope=_scope_words(visit, chosen, period),
        family=_family(name),
    )


async def show_ranking(visit: Visit) -> web.StreamResponse:
    """Agencies by one measure, the best first."""
    chosen, measure = _chosen(visit), _measure(visit.query.get("measure", "K9"))
    shown = await board.show(visit.gw, visit.caller, chosen.period, "agency", chosen.level)
    placed = ranked(shown.lines, measure.key)
    first = visit.number("from", 0, 100_000)
    return visit.html(
        "compliance_ranking.html",
        **_frame(visit, chosen, shown.period),
        shown=shown,
        measure=measure,
        measures=[one for one in MEASURES if one.below],
        placed=placed[first : first + ROWS],
        total=len(placed),
        first=first,
        step=ROWS,
        levels=_level_names(visit, shown.period),
        level_words=LEVELS,
        less_is_better=measure.key in LESS_IS_BETTER,
    )


def _chosen(visit: Visit) -> Chosen:
    """From the address; a clerk without a choice sees the first of her agencies."""
    agency = visit.query.get("agency", "").strip()
    if not agency and visit.caller.role is Role.CLERK and visit.caller.agencies:
        agency = min(visit.caller.agencies)
    period = visit.query.get("other", "").strip() or visit.query.get("period", "").strip()
    if not period:
        year, number, _ = local_day(visit.gw.clock.now()).isocalendar()
        period = periods.week(year, number).name
    return Chosen(period, visit.query.get("level", "").strip(), agency)


def _frame(visit: Visit, chosen: Chosen, period: Period, title: Bilingual | None = None) -> dict[str, Any]:
    """What the head of each of these pages needs."""
    return {
        "title": title or visit.page.title,
        "chosen": chosen,
        "period": period,
        "presets": periods.presets(local_day(visit.gw.clock.now())),
        "watch": visit.caller.role in WATCH,
    }


def _measure(key: str) -> Measure:
    if key not in BY_KEY:
        raise NotFound(_NO_MEASURE, code="scorecard.measure")
    return BY_KEY[key]


def _cards(line: Line, before: Line | None) -> list[Card]:
    cards = []
    for key in HEADLINES:
        if (rate := rate_of(line, key)) is not None:
            cards.append(Card(BY_KEY[key], rate, rate_of(before, key) if before else None))
    return cards


def _measure_row(chosen: Chosen, measure: Measure, lines: Sequence[Line]) -> MeasureRow:
    cells = []
    for line in lines:
        scope = {"level": "" if line.scope == ALL else line.scope} if not chosen.agency else {}
        link = f"{ROOT}/measure/{quote(measure.key)}{chosen.query(**scope)}"
        cells.append((link, rate_of(line, measure.key)))
    return MeasureRow(measure, tuple(cells))


def _counted(lines: Sequence[Line]) -> list[tuple[Bilingual, list[int]]]:
    """The two sums that everything is measured against."""
    names = (("D.sent", _SENT), ("R.n", _DELIVERIES))
    return [(words, [line.counts.get(name, 0) for line in lines]) for name, words in names]


def _clauses(chosen: Chosen, counts: Mapping[str, int]) -> list[ClauseRow]:
    rules = clause_rules()
    rows = []
    for clause in Clause:
        numbers = [(outcome, counts.get(f"{clause.value}.{outcome}", 0)) for outcome in OUTCOMES]
        rows.append(
            ClauseRow(
                clause.value,
                rules.names[clause],
                rules.sources[clause],
                drawing.bar(numbers),
                dict(numbers)["fail"],
                f"{ROOT}/list/{clause.value}.fail{chosen.query()}",
            )
        )
    return rows


async def _drawn(visit: Visit, chosen: Chosen, measure: str) -> drawing.Line:
    points = await trend(visit.gw, visit.caller, measure, chosen.period, chosen.level, chosen.agency)
    return drawing.line(
        [_short(point.period) for point in points],
        [point.rate.tenths if point.rate else None for point in points],
        [point.rate.text if point.rate else "—" for point in points],
    )


def _short(period: Period) -> str:
    """``W16/2020``, ``04/2020``: what fits beneath a point; a stretch of days by its last."""
    year, _, rest = period.name.removesuffix(periods.TAIL).partition("-")
    if not rest:
        return year
    if ".." in period.name or period.ends or len(rest) > 6:
        return f"{period.to:%d/%m/%y}"
    return f"{rest}/{year}"


async def _numbers(visit: Visit, rows: Sequence[Found]) -> dict[str, tuple[str, str]]:
    """Gateway id -> (number as the sender wrote it, sender)."""
    documents = list(dict.fromkeys(one.id for one in rows))
    return await visit.gw.store.read(
        lambda tx: {
            document: (str(row["document_id"]), str(row["sender"]))
            for document in documents
            for row in messages.documents_named(tx, document)[:1]
        }
    )


def _scope(line: Line) -> Bilingual:
    if line.name:
        return Bilingual(line.name, line.name)
    return LEVELS.get(line.scope, Bilingual(line.scope, line.scope))


def _scope_words(visit: Visit, chosen: Chosen, period: Period) -> Bilingual:
    if chosen.agency:
        name = _name(visit, visit.agency(chosen.agency), period)
        return Bilingual(name, name)
    level = chosen.level or ALL
    return LEVELS.get(level, Bilingual(level, level))


def _level_names(visit: Visit, period: Period) -> list[tuple[str, Bilingual]]:
    levels = visit.gw.directory.levels(period.to)
    return [(level, LEVELS.get(level, Bilingual(level, level))) for level in levels]


def _name(visit: Visit, code: str, period: Period) -> str:
    return visit.gw.directory.name(AgencyCode(code), period.to) or code


def _family(name: str) -> str:
    """The measure that a count belongs to, for the way back."""
    key = name.partition(".")[0]
    return "K9" if key.startswith("C") or key not in BY_KEY else key


_NO_MEASURE = Bilingual("Không có chỉ tiêu này.", "There is no such measure.")
_NO_LIST = Bilingual(
    "Con số này không có danh sách văn bản đứng sau. Hãy chọn một con số khác.",
    "No list of documents stands behind this number. Choose another.",
)
_SENT = Bilingual("Văn bản đã gửi", "Documents sent")
_DELIVERIES = Bilingual("Lượt gửi theo nơi nhận", "Deliveries")
_TITLE = Bilingual("Bảng chỉ tiêu gửi, nhận", "Compliance")
_RANKING = Bilingual("Xếp hạng đơn vị", "Ranking of agencies")

PAGES = (
    Page("GET", "/compliance", show_compliance, _TITLE, SIGNED_IN, "compliance"),
    Page("GET", "/compliance/trend", show_trend, _TITLE, SIGNED_IN, "compliance"),
    Page("GET", "/compliance/ranking", show_ranking, _RANKING, WATCH, "compliance"),
    Page("GET", "/compliance/measure/{measure}", show_measure, _TITLE, SIGNED_IN, "compliance"),
    Page("GET", "/compliance/list/{name}", show_list, _TITLE, SIGNED_IN, "compliance"),
)
