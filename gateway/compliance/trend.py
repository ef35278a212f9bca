"""One measure over the last periods, and the ranking of agencies by one measure.

In charge of: which periods, which line of each, and who stands before whom. Not in charge of: figures and
rights (``board.py``), the ranking of the weekly notice (``forms_week.py``), drawing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from gateway.compliance import board, periods
from gateway.compliance.behind import LESS_IS_BETTER
from gateway.compliance.board import Line
from gateway.compliance.periods import Period
from gateway.compliance.scorecard import ALL, ESTIMATED, Rate
from gateway.flow.door import Caller
from gateway.services import Services

PERIODS = 8


@dataclass(frozen=True, slots=True)
class Point:
    """One period. ``rate`` is ``None`` where the scope did nothing."""

    period: Period
    rate: Rate | None


@dataclass(frozen=True, slots=True)
class Placed:
    """An agency and its place; ``None``: it has no rate, or one over an estimate (never ranked). Equals share
    a place (1, 2, 2, 4)."""

    place: int | None
    line: Line
    rate: Rate


async def trend(
    gw: Services, caller: Caller, measure: str, period: str = "", level: str = "", agency: str = ""
) -> list[Point]:
    """The measure in the period and the seven of the same sort before it, oldest first."""
    shown = await board.show(gw, caller, period, level=level, agency=agency)
    points = [Point(shown.period, _rate(shown.lines, measure))]
    while len(points) < PERIODS:
        before = periods.before(points[-1].period)
        shown = await board.show(gw, caller, before.name, level=level, agency=agency)
        points.append(Point(shown.period, _rate(shown.lines, measure)))
    return points[::-1]


def ranked(lines: Iterable[Line], measure: str) -> list[Placed]:
    """The best first; those without a place last, by their code."""
    found = [(line, rate) for line in lines if (rate := rate_of(line, measure)) is not None]
    counted = [(line, rate) for line, rate in found if rate.tenths is not None and rate.source != ESTIMATED]
    upwards = -1 if measure not in LESS_IS_BETTER else 1
    counted.sort(key=lambda one: (upwards * (one[1].tenths or 0), one[0].scope))
    tenths = [rate.tenths for _, rate in counted]
    placed = [Placed(tenths.index(rate.tenths) + 1, line, rate) for line, rate in counted]
    known = {line.scope for line, _ in counted}
    return placed + [Placed(None, line, rate) for line, rate in found if line.scope not in known]


def rate_of(line: Line, measure: str) -> Rate | None:
    """A measure of a line."""
    return next((one for one in line.rates if one.key == measure), None)


def _rate(lines: Iterable[Line], measure: str) -> Rate | None:
    """Of the first line, or of the whole where it is among them."""
    chosen = list(lines)
    line = next((one for one in chosen if one.scope == ALL), chosen[0] if chosen else None)
    return rate_of(line, measure) if line else None


__all__ = ["PERIODS", "Placed", "Point", "ranked", "rate_of", "trend"]
