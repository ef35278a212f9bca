"""Everything that a report of one period holds: counts, and the dated reference data beside them.

In charge of: making the body of ``frozen-report/1``, published or not. Not in charge of: counting
(``counting``), signing it (``frozen``), keeping it (``reports``).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from gateway.clock import local_day, to_rfc3339
from gateway.compliance import counting
from gateway.compliance.calendar import end_of, start_of
from gateway.compliance.clauses import clause_rules
from gateway.compliance.frozen import FORM
from gateway.compliance.periods import Period
from gateway.compliance.scorecard import ALL, definitions, scorecard
from gateway.compliance.sums import recall_times
from gateway.model.agency import LevelSet
from gateway.model.agency import Period as Always
from gateway.model.calendar import Calendar
from gateway.model.text import AgencyCode, Instant
from gateway.services import Services
from gateway.store import calendars, declared, outages
from gateway.store.contract import Tx

REACH = timedelta(days=40)  # outages so near a period are shown with it
OUTSIDE = "outside"  # the level of agencies beyond the province: in no figure


@dataclass(frozen=True, slots=True)
class Recalls:
    """How long recalls took that were answered, in whole minutes; ``None`` without any."""

    n: int = 0
    p50_minutes: int | None = None
    p95_minutes: int | None = None


@dataclass(frozen=True, slots=True)
class Counted:
    """What was counted, of which leaves of the log (``size``, ``root`` as hex), up to when (``at``)."""

    counts: Mapping[str, Mapping[str, int]]
    at: Instant
    size: int
    root: str
    recalls: Recalls = Recalls()
    rates: tuple[Mapping[str, Any], ...] = ()
    outgoing: tuple[Mapping[str, Any], ...] = ()  # all outgoing documents of an agency: declared, estimated
    definitions: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


Count = Callable[[Services, Period], Awaitable[Counted]]


async def counted(gw: Services, period: Period) -> Counted:
    """The figures of a period, counted up to the last leaf of the log; all of them of the same leaves."""
    await counting.catch_up(gw)
    seen = await counting.as_of(gw)
    while True:
        card = await scorecard(gw, period.from_, period.to)
        times = await recall_times(gw, period.from_, period.to)
        before, seen = seen, await counting.as_of(gw)
        if seen.size == before.size:
            break  # nobody counted further meanwhile
    return Counted(
        counts=card.agencies,
        at=seen.at,
        size=seen.size,
        root=seen.root,
        recalls=Recalls(times.n, times.p50_minutes, times.p95_minutes),
        rates=tuple(one.as_json() for one in card.rates if one.scope == ALL or one.scope in card.levels),
        outgoing=tuple(one.as_json() for one in card.outgoing),
        definitions=definitions(),
    )


async def body_of(gw: Services, period: Period, counted: Counted, query: str) -> dict[str, Any]:
    """The body without id, publisher and time of publication. ``query``: the command that made it."""
    dated = await gw.store.read(lambda tx: _dated(tx, gw, period))
    level_set = _level_set(gw, period)
    excluded = excluded_agencies(gw)
    return {
        "form": FORM,
        "gateway": gw.keyring.gateway,
        "synthetic": gw.config.gateway.synthetic,
        "period": {**period.as_json(), "words": period.words.as_json()},
        "provisional": not period.is_over(local_day(gw.clock.now())),
        "data_as_of": {"at": to_rfc3339(counted.at), "size": counted.size, "root": counted.root},
        "level_set": {"version": level_set.version, "levels": list(level_set.levels)},
        "rule_sets": _rule_sets(gw, period, counted.at),
        "clauses_version": clause_rules().version,
        "clocks": gw.config.figures.model_dump(),
        "excluded": [{"code": code, "reason": reason} for code, reason in sorted(excluded.items())],
        "agencies": _agencies(gw, period, level_set, excluded),
        "levels": _levels(gw, period, counted.counts),
        "names": {code: gw.directory.name(AgencyCode(code), period.to) for code in sorted(counted.counts)},
        "query": query,
        "counts": {code: dict(row) for code, row in counted.counts.items() if row},
        "recalls": _recalls(counted.recalls),
        "rates": [dict(rate) for rate in counted.rates],
        "outgoing": [dict(one) for one in counted.outgoing],
        "definitions": {key: dict(one) for key, one in counted.definitions.items()},
        **dated,
    }


def excluded_agencies(gw: Services) -> dict[str, str]:
    """Code -> why it is in no figure. Nor are agencies of the level ``outside``, which are not listed."""
    return {row.code: "test" for row in gw.directory.agencies if row.test}


def _dated(tx: Tx, gw: Services, period: Period) -> dict[str, Any]:
    """Calendar, outages and declared totals, read together."""
    calendar = calendars.in_force(tx, gw.clock.now())
    begin, end = start_of(period.from_ - REACH), end_of(period.to + REACH)
    return {
        "calendar": _calendar(calendar),
        "outages": [
            {
                "outage": one.id,
                "agency": one.agency,
                "from": to_rfc3339(one.from_at),
                "to": to_rfc3339(one.to_at),
            }
            for one in outages.in_force(tx, begin, end)
        ],
        "declared": [
            {
                "agency": one.agency,
                "from": one.from_day.isoformat(),
                "to": one.to_day.isoformat(),
                "outgoing_total": one.outgoing_total,
                "paper_only": one.paper_only,
                "secret_count": one.secret_count,
                "to_non_state": one.to_non_state,
                "declared_at": to_rfc3339(one.declared_at),
            }
            for one in declared.within(tx, period.from_, period.to)
        ],
    }


def _calendar(calendar: Calendar) -> dict[str, Any]:
    """Whole: a document may have been signed long before it was sent, and a recount needs those days too."""
    return {"version": calendar.version, "sha256": calendar.sha256, "days": calendar.as_json()}


def _level_set(gw: Services, period: Period) -> LevelSet:
    """The one in force on the last day; without any, the levels that agencies have."""
    for one in gw.directory.level_sets:
        if one.period.holds_on(period.to):
            return one
    found = {row.level for row in gw.directory.all(period.to)} - {OUTSIDE}
    return LevelSet("", tuple(sorted(found)), Always())


def _agencies(
    gw: Services, period: Period, level_set: LevelSet, excluded: Mapping[str, str]
) -> list[dict[str, str]]:
    """The agencies of the level set on the last day of the period: what K0 divides by."""
    return [
        {"code": row.code, "name": row.name, "level": row.level}
        for row in gw.directory.all(period.to)
        if row.level in level_set.levels and row.code not in excluded
    ]


def _levels(gw: Services, period: Period, counts: Mapping[str, object]) -> dict[str, str]:
    """The level of every agency that was counted, on the last day of the period (or its own last)."""
    return {code: gw.directory.level(AgencyCode(code), period.to) for code in sorted(counts)}


def _rule_sets(gw: Services, period: Period, at: Instant) -> list[str]:
    """The rule sets for signatures and secrecy in force at the ends of the period."""
    last = min(end_of(period.to), at)
    return sorted({gw.rule_set_at(start_of(period.from_)), gw.rule_set_at(last)})


def _recalls(recalls: Recalls) -> dict[str, int | None]:
    return {"n": recalls.n, "p50_minutes": recalls.p50_minutes, "p95_minutes": recalls.p95_minutes}
