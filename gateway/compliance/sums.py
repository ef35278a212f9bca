"""The counts of a period, read from the tables.

In charge of: sums by agency and by level, what is still young, how long recalls took, numbers of series, and
what data they stand for. Not in charge of: counting (``counting.py``), rates (``scorecard.py``). Defined by
``docs/figures.md``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial

import orjson

from gateway.clock import SECOND
from gateway.compliance.contributions import OUTSIDE
from gateway.exchange_log.merkle import root
from gateway.exchange_log.sequence import stored_nodes
from gateway.model.text import AgencyCode, Instant
from gateway.services import Services
from gateway.store import figures, log
from gateway.store.contract import Tx

MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
Sums = dict[AgencyCode, dict[str, int]]


@dataclass(frozen=True, slots=True)
class DataAsOf:
    """What the tables stand for: the first ``size`` leaves of the log, under ``root`` (hex; "" while the tree
    is behind); ``at`` is the latest instant among them."""

    at: Instant
    size: int
    root: str


@dataclass(frozen=True, slots=True)
class RecallTimes:
    """Recalls that were answered, from asked to answered, in whole minutes (nearest rank)."""

    n: int
    p50_minutes: int | None = None
    p95_minutes: int | None = None


@dataclass(frozen=True, slots=True)
class DaySums:
    """Counts of one agency on one day."""

    day: str
    agency: AgencyCode
    level: str
    counts: Mapping[str, int]


async def as_of(gw: Services) -> DataAsOf:
    """Which data the tables stand for now."""

    def unit(tx: Tx) -> DataAsOf:
        had = figures.progress(tx)
        whole = had.next_leaf <= log.state(tx).integrated
        head = root(stored_nodes(tx), had.next_leaf).hex() if whole else ""
        return DataAsOf(Instant(had.data_end), had.next_leaf, head)

    return await gw.store.read(unit)


async def sums(gw: Services, from_: date, to: date, agency: str = "") -> Sums:
    """Agency -> name -> how many, over the days of a period, of one agency or all."""
    found: Sums = {}
    for (code, _), counts in (await by_agency_and_level(gw, from_, to, agency)).items():
        _add(found.setdefault(AgencyCode(code), {}), counts)
    return found


async def sums_by_level(gw: Services, from_: date, to: date) -> dict[str, dict[str, int]]:
    """Level -> name -> how many; the level of an agency is that of the day."""
    found: dict[str, dict[str, int]] = {}
    for (_, level), counts in (await by_agency_and_level(gw, from_, to)).items():
        _add(found.setdefault(level, {}), counts)
    return found


async def by_agency_and_level(
    gw: Services, from_: date, to: date, agency: str = ""
) -> dict[tuple[str, str], dict[str, int]]:
    """(Agency, its level of the day) -> name -> how many."""
    return await gw.store.read(partial(_sums, gw=gw, from_=from_, to=to, agency=agency))


async def by_day(gw: Services, from_: date, to: date, agency: str = "") -> list[DaySums]:
    """Counts of each day, without what is young."""
    first, last = from_.isoformat(), to.isoformat()
    rows = await gw.store.read(lambda tx: figures.counts_by_day(tx, first, last, agency))
    merged: dict[tuple[str, str, str], dict[str, int]] = {}
    for row in rows:
        counts = merged.setdefault((row["day"], row["agency"], row["level"]), {})
        _add(counts, orjson.loads(row["counts"]))
    out = excluded(gw)
    return [
        DaySums(day, AgencyCode(code), level, counts)
        for (day, code, level), counts in merged.items()
        if code not in out
    ]


async def recall_times(gw: Services, from_: date, to: date, agency: str = "") -> RecallTimes:
    """How long the recalls took that were asked in the period and answered."""
    first, last = from_.isoformat(), to.isoformat()
    rows = await gw.store.read(lambda tx: figures.recalls(tx, first, last, agency))
    out = excluded(gw)
    minutes = sorted(
        (row["answered_at"] - row["asked_at"]) // MINUTE
        for row in rows
        if row["answered_at"] is not None and row["level"] != OUTSIDE and row["recipient"] not in out
    )
    if not minutes:
        return RecallTimes(0)
    return RecallTimes(len(minutes), nearest_rank(minutes, 50), nearest_rank(minutes, 95))


async def estimated(gw: Services, from_: date, to: date) -> dict[AgencyCode, int]:
    """Outgoing documents of a period by the yearly number series: an upper bound, never for rankings
    (NĐ 30/2020 Đ15.1: a series may be split by type, and gaps hold letters to citizens)."""
    first, last = from_.isoformat(), to.isoformat()
    grown = await gw.store.read(lambda tx: figures.series(tx, first, last))
    return {AgencyCode(code): number for code, number in grown.items()}


def nearest_rank(ordered: list[int], percent: int) -> int:
    """The value at or below which so many per cent of all lie."""
    return ordered[max(1, -(-len(ordered) * percent // 100)) - 1]


def excluded(gw: Services) -> dict[str, str]:
    """Agencies that are in no figure, and why."""
    return {row.code: "test" for row in gw.directory.agencies if row.test}


def _sums(tx: Tx, gw: Services, from_: date, to: date, agency: str) -> dict[tuple[str, str], dict[str, int]]:
    first, last, out = from_.isoformat(), to.isoformat(), excluded(gw)
    found: dict[tuple[str, str], dict[str, int]] = {}
    for row in figures.counts(tx, first, last, agency):
        if row["agency"] not in out:
            _add(found.setdefault((row["agency"], row["level"]), {}), orjson.loads(row["counts"]))
    clocks, end = gw.config.figures, figures.progress(tx).data_end
    young = (
        ("K8.young", "figure_young_unfetched", end - clocks.pull_hours * HOUR),
        ("K11.young", "figure_young_unmoved", end - clocks.status_days * DAY),
    )
    for name, query, since in young:
        for row in figures.young(tx, query, first, last, since):
            code = row["recipient"]
            if code in out or row["level"] == OUTSIDE or (agency and code != agency):
                continue
            _add(found.setdefault((code, row["level"]), {}), {name: int(row["number"])})
    return found


def _add(counts: dict[str, int], more: Mapping[str, int]) -> None:
    for name, number in more.items():
        counts[name] = counts.get(name, 0) + number
