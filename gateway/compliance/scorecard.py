"""Rates out of sums, as people read them: by agency, by level, of the whole.

In charge of: numerators and denominators of every measure, how a rate prints, all outgoing documents of an
agency (declared, estimated, observed), agencies that merged. Not in charge of: counting (``counting.py``),
what the measures are (``catalogue.py``). Defined by ``docs/figures.md`` ("Rates").
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from gateway.compliance.catalogue import MEASURES, Names
from gateway.compliance.contributions import OUTSIDE
from gateway.compliance.forms_data import declared_total
from gateway.compliance.sheet import Ratio, rate_text, thousands
from gateway.compliance.sums import by_agency_and_level, estimated, excluded
from gateway.model.text import AgencyCode
from gateway.services import Services
from gateway.store import declared as declared_rows

ALL = "all"  # the scope of rates over every agency
DECLARED, ESTIMATED, OBSERVED = "declared", "estimated", "observed"
OF_OUTGOING = ("K1", "K2b")  # measured against all outgoing documents
Counts = Mapping[str, int]
ByLevel = dict[tuple[str, str], dict[str, int]]  # (agency, level) -> counts


@dataclass(frozen=True, slots=True)
class Rate:
    """One printed figure. ``denominator`` is ``None`` for K14, a number alone; ``source`` says where a
    denominator comes from that the gateway did not observe itself."""

    key: str
    scope: str  # an agency, a level, or ``all``
    numerator: int
    denominator: int | None
    small: bool
    text: str
    source: str = OBSERVED

    @property
    def tenths(self) -> int | None:
        """Tenths of a percent, for sorting and drawing; ``None`` where there is no rate."""
        return None if self.denominator is None else Ratio(self.numerator, self.denominator).tenths

    def as_json(self) -> dict[str, Any]:
        """The shape at the API and in published reports."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


@dataclass(frozen=True, slots=True)
class Outgoing:
    """All outgoing documents of an agency in a period, and who says so. ``contradiction``: what it declared,
    where that is less than what the gateway saw; it is not used then."""

    agency: AgencyCode
    total: int
    source: str
    contradiction: int | None = None

    def as_json(self) -> dict[str, Any]:
        """The shape at the API and in published reports."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


@dataclass(frozen=True, slots=True)
class Known:
    """Of the agencies whose total is known: the totals, what of it was sent, what was signed by both."""

    total: int = 0
    sent: int = 0
    both: int = 0
    source: str = DECLARED

    def plus(self, one: Outgoing, counts: Counts) -> Known:
        """With one agency more; one estimate makes the sum an estimate."""
        sent, both = counts.get("D.sent", 0), counts.get("K2.both", 0)
        source = self.source if one.source == DECLARED else ESTIMATED
        return Known(self.total + one.total, self.sent + sent, self.both + both, source)


@dataclass(frozen=True, slots=True)
class Scorecard:
    """The figures of a period: sums and rates of every agency, every level and the whole."""

    agencies: Mapping[str, Counts]
    levels: Mapping[str, Counts]
    whole: Counts
    rates: tuple[Rate, ...]
    outgoing: tuple[Outgoing, ...]


async def scorecard(
    gw: Services, from_: date, to: date, *, organised_on: date | None = None, agency: str = ""
) -> Scorecard:
    """The figures of a period, of one agency or all.

    The level of an agency is that of each day. ``organised_on``: as the agencies were organised on that day
    instead, what a closed one did is its successor's (where there is exactly one).
    """
    found = await by_agency_and_level(gw, from_, to, agency)
    if organised_on is not None:
        found = _reorganised(gw, found, organised_on)
    agencies: dict[str, dict[str, int]] = {}
    levels: dict[str, dict[str, int]] = {}
    whole: dict[str, int] = {}
    for (code, level), counts in found.items():
        for sum_ in (agencies.setdefault(code, {}), levels.setdefault(level, {}), whole):
            for name, number in counts.items():
                sum_[name] = sum_.get(name, 0) + number
    outgoing = await outgoing_of(gw, from_, to, agencies, agency, organised_on)
    scopes: dict[str, Counts] = {**agencies} if agency else {ALL: whole, **levels, **agencies}
    on = organised_on or to
    known = _known({code: gw.directory.level(AgencyCode(code), on) for code in outgoing}, outgoing, agencies)
    made = rates(scopes, _connected(_levels_on(gw, on), agencies), known)
    return Scorecard(agencies, levels, whole, tuple(made), tuple(outgoing.values()))


async def outgoing_of(
    gw: Services,
    from_: date,
    to: date,
    agencies: Mapping[str, Counts],
    agency: str = "",
    organised_on: date | None = None,
) -> dict[str, Outgoing]:
    """All outgoing documents of each agency: declared for every day, else estimated, else observed.

    Who declared a total and sent nothing is in it (``agency``: that one only): its register is a denominator
    too. Not where closed agencies stand under successors: what they declared cannot be told apart there.
    """
    rows = await gw.store.read(lambda tx: declared_rows.within(tx, from_, to))
    by_agency: dict[str, dict[tuple[date, date], int]] = {}
    for row in rows:
        by_agency.setdefault(row.agency, {})[row.from_day, row.to_day] = row.outgoing_total
    guessed = await estimated(gw, from_, to)
    found = {
        code: _outgoing(
            AgencyCode(code),
            agencies.get(code, {}).get("D.sent", 0),
            declared_total(by_agency.get(code, {}), from_, to),
            guessed.get(AgencyCode(code), 0),
        )
        for code in dict.fromkeys([*agencies, *(by_agency if organised_on is None else ())])
        if code in agencies or (agency in ("", code) and _is_counted(gw, code, to))
    }
    return {code: one for code, one in found.items() if code in agencies or one.source == DECLARED}


def _is_counted(gw: Services, code: str, on: date) -> bool:
    """False for agencies that are in no figure."""
    return code not in excluded(gw) and gw.directory.level(AgencyCode(code), on) != OUTSIDE


def _outgoing(agency: AgencyCode, sent: int, declared: int | None, guessed: int) -> Outgoing:
    below = declared is not None and declared < sent
    if declared is not None and not below:
        return Outgoing(agency, declared, DECLARED)
    if guessed >= sent > 0:
        return Outgoing(agency, guessed, ESTIMATED, declared if below else None)
    return Outgoing(agency, sent, OBSERVED, declared if below else None)


def rates(
    sums: Mapping[str, Counts],
    connected: Mapping[str, tuple[int, int]] | None = None,
    outgoing: Mapping[str, Known] | None = None,
) -> list[Rate]:
    """Every measure of every scope of ``sums``. ``connected``: scope -> (active agencies, agencies of the
    level set), for K0. ``outgoing``: scope -> what is known of all outgoing documents, for K1 and K2b."""
    found = []
    for scope, counts in sums.items():
        active, listed = (connected or {}).get(scope, (0, 0))
        known = (outgoing or {}).get(scope, Known())
        for measure in MEASURES:
            above = signed_sum(counts, measure.above)
            if measure.below:
                found.append(rate(measure.key, scope, above, signed_sum(counts, measure.below)))
            elif measure.key == "K0":
                found.append(rate(measure.key, scope, active, listed))
            elif measure.key in OF_OUTGOING:
                above = known.sent if measure.key == "K1" else known.both
                found.append(rate(measure.key, scope, above, known.total, known.source))
            else:
                found.append(Rate(measure.key, scope, above, None, False, thousands(above)))
    return found


def rate(key: str, scope: str, numerator: int, denominator: int, source: str = OBSERVED) -> Rate:
    """A quotient as it prints: ``97,3 %``, ``—`` over nothing, marked over fewer than 20."""
    return Rate(key, scope, numerator, denominator, *_printed(numerator, denominator), source)


@functools.lru_cache(maxsize=50_000)
def _printed(numerator: int, denominator: int) -> tuple[bool, str]:
    """Small or not, and the text; most rates of a scorecard are the same few."""
    ratio = Ratio(numerator, denominator)
    return ratio.small, rate_text(ratio)


def signed_sum(counts: Counts, names: Names) -> int:
    """The sum of counts; those with "-" before their name are taken away."""
    return sum(-counts.get(one[1:], 0) if one.startswith("-") else counts.get(one, 0) for one in names)


def definitions() -> dict[str, dict[str, object]]:
    """Key -> name, unit, formula, source and the two sentences of every measure."""
    return {one.key: one.as_json() for one in MEASURES}


def _reorganised(gw: Services, found: ByLevel, on: date) -> ByLevel:
    """What closed agencies did, under their successors of that day; levels of that day."""
    moved: ByLevel = {}
    for (code, _), counts in found.items():
        after = gw.directory.final_successors(AgencyCode(code), on)
        heir = after[0] if len(after) == 1 else AgencyCode(code)
        sum_ = moved.setdefault((heir, gw.directory.level(heir, on)), {})
        for name, number in counts.items():
            sum_[name] = sum_.get(name, 0) + number
    return moved


def _levels_on(gw: Services, on: date) -> dict[str, str]:
    """Agency of the level set -> its level on that day."""
    out, levels = excluded(gw), gw.directory.levels(on)
    return {
        row.code: row.level
        for row in gw.directory.all(on)
        if row.code not in out and row.level != OUTSIDE and (not levels or row.level in levels)
    }


def _connected(of_level: Mapping[str, str], agencies: Mapping[str, Counts]) -> dict[str, tuple[int, int]]:
    """Scope -> agencies that sent and received something / agencies of the level set."""
    found: dict[str, tuple[int, int]] = {}
    for code, level in of_level.items():
        counts = agencies.get(code, {})
        is_active = counts.get("D.sent", 0) > 0 and counts.get("A.pulled", 0) > 0
        for scope in (ALL, level, code):
            active, listed = found.get(scope, (0, 0))
            found[scope] = (active + is_active, listed + 1)
    return found


def _known(
    of_level: Mapping[str, str], outgoing: Mapping[str, Outgoing], agencies: Mapping[str, Counts]
) -> dict[str, Known]:
    found: dict[str, Known] = {}
    for code, one in outgoing.items():
        if one.source == OBSERVED:
            continue
        for scope in (ALL, of_level[code], code):
            found[scope] = found.get(scope, Known()).plus(one, agencies.get(code, {}))
    return found
