"""The scorecard as the API and the command line show it, and the way from a figure to its documents.

In charge of: who may see which lines, their order, and which list stands behind a name. Not in charge of:
figures (``scorecard.py``), the lists (``drilling.py``), what a document's page shows (``flow/look.py``).

Figure -> list (here) -> document -> events -> evidence: each answer names where the next one is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote, urlencode

from gateway.clock import local_day
from gateway.compliance import counting, drilling, periods
from gateway.compliance.catalogue import MEASURES, Measure
from gateway.compliance.drilling import Page
from gateway.compliance.periods import Period
from gateway.compliance.scorecard import ALL, Rate, Scorecard, scorecard
from gateway.compliance.sums import DataAsOf
from gateway.errors import BadRequest, NotFound, NotPermitted
from gateway.flow.door import Caller
from gateway.flow.look import SEES_ALL
from gateway.model.text import AgencyCode, Bilingual
from gateway.services import Services
from gateway.store import figures

By = Literal["level", "agency"]
Kind = Literal["documents", "deliveries"]
AT_ONCE = 10_000  # leaves that a look may wait for; with more the answer says how many are missing
PATH = "/api/v1/scorecard"
_DOCUMENTS = ("D.", "K2.", "K3", "K4.", "K9.", "K10.", "K12.", "K14.number")
_DELIVERIES = ("R.", "A.", "K5", "K6.", "K7.", "K8.", "K11.")
_CLAUSES = tuple(f"C{number}." for number in range(1, 8))


@dataclass(frozen=True, slots=True)
class Line:
    """The figures of a scope: ``all``, a level, or an agency (``level`` then says which it has)."""

    scope: str
    name: str
    level: str
    rates: tuple[Rate, ...]
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Board:
    """What is shown of a period. ``uncounted``: leaves of the log that are not in it yet."""

    period: Period
    by: By
    agency: AgencyCode
    level: str
    data: DataAsOf
    uncounted: int
    provisional: bool
    synthetic: bool
    lines: tuple[Line, ...]
    measures: tuple[Measure, ...] = MEASURES

    def href(self, name: str, line: Line) -> str:
        """The list behind a name of a line; ``""``: there is none."""
        kind = kind_of(name)
        if not kind:
            return ""
        query = {"period": self.period.name}
        if line.scope != ALL:
            query["agency" if self.by == "agency" else "level"] = line.scope
        return f"{PATH}/{quote(name)}/{kind}?{urlencode(query)}"


async def show(
    gw: Services,
    caller: Caller,
    period: str = "",
    by: By = "level",
    level: str = "",
    agency: str = "",
) -> Board:
    """The figures of a period (this week by default): of all levels, of the agencies (of one level), or of
    one agency. Who does not see all sees its own agencies, one at a time."""
    chosen = _period(gw, period)
    code = _agency(gw, caller, agency)
    if code:
        by = "agency"
    await _catch_up(gw)
    data = await counting.as_of(gw)
    card = await scorecard(gw, chosen.from_, chosen.to, agency=code)
    return Board(
        chosen,
        by,
        code,
        level,
        data,
        await gw.store.read(figures.leaves_left),
        not chosen.is_over(local_day(gw.clock.now())),
        gw.config.gateway.synthetic,
        tuple(_lines(gw, card, chosen, by, level, code)),
    )


async def documents(
    gw: Services,
    caller: Caller,
    measure: str,
    period: str = "",
    level: str = "",
    agency: str = "",
    limit: int = 100,
    cursor: str = "",
) -> Page:
    """Documents that count under a name such as ``K2.none`` or ``C4.fail``, with why."""
    return await _list(gw, caller, "documents", measure, period, level, agency, limit, cursor)


async def deliveries(
    gw: Services,
    caller: Caller,
    measure: str,
    period: str = "",
    level: str = "",
    agency: str = "",
    limit: int = 100,
    cursor: str = "",
) -> Page:
    """Deliveries that count under a name such as ``K5.none`` or ``K8.never``, with their moments."""
    return await _list(gw, caller, "deliveries", measure, period, level, agency, limit, cursor)


def kind_of(name: str) -> Kind | Literal[""]:
    """Which list stands behind a name; ``""``: single events, of which there is no list, and what was once
    addressed to a unit (``R.history``): those deliveries stand in the lists of its successor."""
    if name == "R.history":
        return ""
    if name.startswith((*_DOCUMENTS, *_CLAUSES)):
        return "documents"
    return "deliveries" if name.startswith(_DELIVERIES) else ""


async def show_json(
    gw: Services, caller: Caller, period: str = "", by: By = "level", level: str = "", agency: str = ""
) -> dict[str, Any]:
    """``show`` for the command line, with every leaf counted: there may be no loop that does."""
    await counting.catch_up(gw)
    board = await show(gw, caller, period, by, level, agency)
    return {
        "period": {**board.period.as_json(), "words": board.period.words.as_json()},
        "by": board.by,
        "data_as_of": {"at": board.data.at, "size": board.data.size, "root": board.data.root},
        "uncounted": board.uncounted,
        "provisional": board.provisional,
        "synthetic": board.synthetic,
        "measures": {one.key: one.as_json() for one in board.measures},
        "lines": [
            {
                "scope": line.scope,
                "name": line.name,
                "level": line.level,
                "rates": [rate.as_json() for rate in line.rates],
                "counts": dict(sorted(line.counts.items())),
            }
            for line in board.lines
        ],
    }


async def _list(
    gw: Services,
    caller: Caller,
    kind: Kind,
    measure: str,
    period: str,
    level: str,
    agency: str,
    limit: int,
    cursor: str,
) -> Page:
    if kind_of(measure) != kind:
        raise BadRequest(_no_list(measure, kind), code="scorecard.measure")
    chosen, code = _period(gw, period), _agency(gw, caller, agency)
    await _catch_up(gw)
    find = drilling.documents if kind == "documents" else drilling.deliveries
    return await find(
        gw, measure, agency=code, level=level, from_=chosen.from_, to=chosen.to, limit=limit, after=cursor
    )


async def _catch_up(gw: Services) -> None:
    """Count what is new, unless so much is that a look would wait for it (``delivery/figures.py`` does)."""
    if await gw.store.read(figures.leaves_left) <= AT_ONCE:
        await counting.catch_up(gw)


def _period(gw: Services, text: str) -> Period:
    if text:
        return periods.parse(text)
    year, number, _ = local_day(gw.clock.now()).isocalendar()
    return periods.week(year, number)


def _agency(gw: Services, caller: Caller, text: str) -> AgencyCode:
    """The agency asked for; ``""``: all, for who sees all."""
    if not text and caller.role in SEES_ALL:
        return AgencyCode("")
    code = gw.directory.resolve(text)
    if text and code is None:
        raise NotFound(_unknown(text), code="agency.unknown")
    if caller.role not in SEES_ALL and (code is None or not caller.acts_for(code)):
        raise NotPermitted(code="scorecard.not_yours")
    return code or AgencyCode("")


def _lines(
    gw: Services, card: Scorecard, period: Period, by: By, level: str, agency: AgencyCode
) -> list[Line]:
    rates: dict[str, list[Rate]] = {}
    for rate in card.rates:
        rates.setdefault(rate.scope, []).append(rate)
    if by == "level":
        order = [*gw.directory.levels(period.to), *sorted(card.levels)]
        found = [one for one in dict.fromkeys(order) if one in card.levels and level in ("", one)]
        scopes = found if level else [ALL, *found]
        return [Line(s, "", s, tuple(rates[s]), card.whole if s == ALL else card.levels[s]) for s in scopes]
    lines = []
    for code in sorted(card.agencies):
        of_level = gw.directory.level(AgencyCode(code), period.to)
        if agency in ("", code) and level in ("", of_level):
            name = gw.directory.name(AgencyCode(code), period.to)
            lines.append(Line(code, name, of_level, tuple(rates[code]), card.agencies[code]))
    return lines


def _unknown(text: str) -> Bilingual:
    return Bilingual(
        f"Danh mục không có đơn vị mang mã {text}.", f"The directory does not know the agency {text}."
    )


def _no_list(measure: str, kind: Kind) -> Bilingual:
    asked = {"documents": "văn bản", "deliveries": "lượt nhận"}[kind]
    return Bilingual(
        f"Chỉ tiêu “{measure}” không đếm {asked}. Tên các số đếm được nêu trong docs/figures.md.",
        f"“{measure}” counts no {kind}. Names of counts stand in docs/figures.md.",
    )
