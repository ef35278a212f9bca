"""Working time, windows and burn rates: when missing an objective is an alert. Pure.

In charge of: the clock that stands still outside working hours, when a delivery is due by an objective,
counting what came due, and whether an alert begins or ends. Not in charge of: reading deliveries or writing
alerts (``delivery/alerts.py``), the days (``model/calendar.py``).

A delivery is judged once, at the moment it is due, and that judgement is final: so shares need no correction
and a window is the sum of its buckets. The burn rate is the share missed over the share that may be missed.
"""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

from gateway.clock import SECOND, VIETNAM, from_datetime, local_day
from gateway.compliance.calendar import Clocks, arrival_in_working_hours, same_day
from gateway.model.agency import Period
from gateway.model.calendar import Calendar
from gateway.model.objective import AlertKey, Measure, Objective, Span
from gateway.model.text import AgencyCode, Instant
from gateway.resources import shipped

MINUTE = 60 * SECOND
BUCKET = 5 * MINUTE
_ONE = timedelta(days=1)
_NEVER_OPEN = 370  # days without a working hour: the calendar is wrong


@dataclass(frozen=True, slots=True)
class Rule:
    """When the burn rate within a span is an alert. Times are minutes of working time."""

    span: Span
    minutes: int
    raise_at: float
    end_below: float
    least_missed: int
    calm_minutes: int


@dataclass(frozen=True, slots=True)
class Rules:
    """The shipped data: working hours, objectives for everybody, spans."""

    version: str
    hours: tuple[tuple[time, time], ...]
    objectives: tuple[Objective, ...]
    spans: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class WorkClock:
    """Time that passes in working hours only."""

    calendar: Calendar
    hours: tuple[tuple[time, time], ...]
    _known: dict[date, tuple[tuple[Instant, Instant], ...]] = field(
        default_factory=dict, repr=False, compare=False
    )

    def is_working(self, at: Instant) -> bool:
        """True when somebody is at work."""
        return any(start <= at < stop for start, stop in self._spans(local_day(at)))

    def add(self, at: Instant, minutes: int) -> Instant:
        """The moment at which ``minutes`` of working time have passed since ``at``."""
        left, day = minutes * MINUTE, local_day(at)
        for _ in range(_NEVER_OPEN):
            for start, stop in self._spans(day):
                begin = max(start, at)
                if begin < stop and left <= stop - begin:
                    return Instant(begin + left)
                left -= max(0, stop - begin)
            day += _ONE
        raise ValueError("the calendar has no working days")

    def back(self, at: Instant, minutes: int) -> Instant:
        """The latest moment since which ``minutes`` of working time have passed until ``at``."""
        left, day = minutes * MINUTE, local_day(at)
        for _ in range(_NEVER_OPEN):
            for start, stop in reversed(self._spans(day)):
                end = min(stop, at)
                if start < end and left <= end - start:
                    return Instant(end - left)
                left -= max(0, end - start)
            day -= _ONE
        raise ValueError("the calendar has no working days")

    def _spans(self, day: date) -> tuple[tuple[Instant, Instant], ...]:
        if day not in self._known:
            hours = self.hours if self.calendar.is_working(day) else ()
            self._known[day] = tuple((_at(day, start), _at(day, stop)) for start, stop in hours)
        return self._known[day]


def due_at(work: WorkClock, clocks: Clocks, objective: Objective, start: Instant) -> Instant:
    """Until when, exclusive, it is in time. ``start``: when it began to wait, or when it arrived."""
    if objective.minutes:
        return work.add(start, objective.minutes)
    return same_day(arrival_in_working_hours(work.calendar, clocks, start))


def last_start(work: WorkClock, clocks: Clocks, minutes: int, now: Instant) -> Instant:
    """Whatever began before this moment, exclusive, is due by ``now``; nothing later is."""
    if minutes:
        return work.back(now, minutes)
    day = local_day(now) - _ONE
    while not work.calendar.is_working(day):
        day -= _ONE
    return Instant(_at(day, clocks.working_until) + 1)


@dataclass(slots=True)
class Tally:
    """What came due, by bucket of five minutes: (due, missed)."""

    _buckets: dict[tuple[AgencyCode, Measure], dict[int, list[int]]] = field(default_factory=dict)

    def take(self, agency: AgencyCode, measure: Measure, due: Instant, missed: bool) -> None:
        """Count one delivery, at the moment it was due."""
        buckets = self._buckets.setdefault((agency, measure), {})
        counts = buckets.setdefault(due // BUCKET, [0, 0])
        counts[0] += 1
        counts[1] += missed

    def since(self, agency: AgencyCode, measure: Measure, start: Instant) -> tuple[int, int]:
        """(due, missed) of buckets that do not end before ``start``."""
        first = start // BUCKET
        buckets = self._buckets.get((agency, measure), {})
        counted = [counts for number, counts in buckets.items() if number >= first]
        return sum(due for due, _ in counted), sum(missed for _, missed in counted)

    def forget(self, before: Instant) -> None:
        """Drop what no window reaches any more."""
        last = before // BUCKET
        for key, buckets in list(self._buckets.items()):
            kept = {number: counts for number, counts in buckets.items() if number >= last}
            if kept:
                self._buckets[key] = kept
            else:
                del self._buckets[key]

    def keys(self) -> list[tuple[AgencyCode, Measure]]:
        """Whose deliveries came due, of which measure."""
        return list(self._buckets)


@dataclass(frozen=True, slots=True)
class Standing:
    """How an agency does within one span."""

    key: AlertKey
    due: int
    missed: int
    burn: float

    def raises(self, rule: Rule) -> bool:
        """True when it is an alert."""
        return self.missed >= rule.least_missed and self.burn >= rule.raise_at

    def is_calm(self, rule: Rule, overdue: int) -> bool:
        """True when an alert may end soon. A span in which nothing came due says nothing as long as old
        deliveries still wait (``overdue``)."""
        if self.due == 0:
            return overdue < rule.least_missed
        return self.burn < rule.end_below


def standing(key: AlertKey, due: int, missed: int, objective: Objective) -> Standing:
    """The burn rate: 0 when nothing came due."""
    allowed = (1000 - objective.per_mille) / 1000
    return Standing(key, due, missed, missed / due / allowed if due else 0.0)


def read_rules(text: str) -> Rules:
    """The data. ``ValueError`` names what is wrong."""
    data = tomllib.loads(text)
    spans = tuple(_rule(row) for row in data["span"])
    for rule in spans:
        if not 0 < rule.end_below < rule.raise_at:
            raise ValueError(f"{rule.span.value}: end_below must lie below raise_at")
    hours = tuple((time.fromisoformat(a), time.fromisoformat(b)) for a, b in data["hours"])
    return Rules(data["version"], hours, tuple(_objective(row) for row in data["objective"]), spans)


@functools.cache
def shipped_rules() -> Rules:
    """What this release ships."""
    return read_rules(shipped("schemas", "rules", "objectives.toml").read_text("utf-8"))


def _rule(row: Mapping[str, Any]) -> Rule:
    return Rule(
        Span(row["name"]),
        row["minutes"],
        row["raise_at"],
        row["end_below"],
        row["least_missed"],
        row["calm_minutes"],
    )


def _objective(row: Mapping[str, Any]) -> Objective:
    period = Period(date.fromisoformat(row["valid_from"]), None)
    return Objective(Measure(row["measure"]), row["per_mille"], row["minutes"], period)


def _at(day: date, moment: time) -> Instant:
    return from_datetime(datetime.combine(day, moment, VIETNAM))
