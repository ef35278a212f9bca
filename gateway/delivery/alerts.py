"""Looks each minute of working time whether delivery objectives are missed too fast.

In charge of: when, reading what came due since the last look, and the decision for every agency. Not in
charge of: the arithmetic (``compliance/objectives.py``), events and messages (``flow/alerts.py``), sending
(``alert_senders.py``).

The tally lives in memory: after a start it is made again from the deliveries of the last working days.
Several nodes may run this loop; an alert is opened and ended by one of them (``store/alerts.py``).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from functools import partial

import structlog

from gateway.clock import SECOND, local_day
from gateway.compliance.calendar import Clocks
from gateway.compliance.objectives import (
    Rule,
    Standing,
    Tally,
    WorkClock,
    due_at,
    last_start,
    shipped_rules,
    standing,
)
from gateway.delivery.rounds import Rounds
from gateway.directory.snapshot import OUTSIDE
from gateway.flow.alerts import write_changes
from gateway.model.objective import Alert, AlertKey, Measure, Objective, Span, objective_for
from gateway.model.text import AgencyCode, Instant
from gateway.services import Services
from gateway.store import alerts, calendars
from gateway.store.contract import Tx

log = structlog.get_logger("gateway.alerts")

ROUND_SECONDS = 60.0
STRETCH = 6 * 3600 * SECOND  # of starts read at once


class Alerting(Rounds):
    """One loop of one process."""

    def __init__(self, gw: Services) -> None:
        super().__init__(log, ROUND_SECONDS)
        self._gw = gw
        self._rules = shipped_rules()
        self._tally = Tally()
        self._read_to: dict[tuple[Measure, int], Instant] = {}

    async def turn(self) -> float:
        await self.round()
        return ROUND_SECONDS

    async def round(self) -> tuple[int, int]:
        """One look: how many alerts began and ended. Outside working hours nothing changes."""
        gw, now = self._gw, self._gw.clock.now()
        calendar = await gw.store.read(lambda tx: calendars.in_force(tx, now))
        work = WorkClock(calendar, self._rules.hours)
        if not work.is_working(now):
            return 0, 0
        objectives = self._rules.objectives + await gw.store.read(alerts.objectives)
        await self._take(work, objectives, now)
        opened = await gw.store.read(alerts.open_alerts)
        standings = self._standings(work, objectives, opened, now)
        changed = await self._decide(work, standings, opened, now)
        await self._measure()
        return changed

    async def _take(self, work: WorkClock, objectives: tuple[Objective, ...], now: Instant) -> None:
        """Judge what came due since the last look."""
        longest = max(rule.minutes for rule in self._rules.spans)
        oldest = work.back(now, longest)
        for measure, minutes in sorted(
            {(one.measure, one.minutes) for one in objectives}, key=lambda pair: (pair[0].value, pair[1])
        ):
            upto = last_start(work, self._clocks, minutes, now)
            start = self._read_to.get((measure, minutes)) or last_start(work, self._clocks, minutes, oldest)
            while start < upto:
                stop = Instant(min(upto, start + STRETCH))
                found = await self._gw.store.read(
                    partial(alerts.starts, measure=measure, from_at=start, to_at=stop)
                )
                self._judge(work, objectives, measure, minutes, found)
                start = stop
            self._read_to[measure, minutes] = upto
        self._tally.forget(oldest)

    def _judge(
        self,
        work: WorkClock,
        objectives: tuple[Objective, ...],
        measure: Measure,
        minutes: int,
        found: Iterable[alerts.Start],
    ) -> None:
        for one in found:
            day = local_day(one.at)
            objective = objective_for(objectives, measure, one.recipient, day)
            if objective is None or objective.minutes != minutes or self._is_outside(one.recipient, day):
                continue
            due = due_at(work, self._clocks, objective, one.at)
            self._tally.take(one.recipient, measure, due, one.done is None or one.done >= due)

    def _standings(
        self, work: WorkClock, objectives: tuple[Objective, ...], opened: list[Alert], now: Instant
    ) -> list[tuple[Standing, Rule]]:
        """Of every agency with something due, or with an open alert, within every span."""
        pairs = {*self._tally.keys(), *((one.agency, one.measure) for one in opened)}
        since = {rule.span: work.back(now, rule.minutes) for rule in self._rules.spans}
        found = []
        for (agency, measure), rule in itertools.product(
            sorted(pairs, key=lambda pair: (pair[0], pair[1].value)), self._rules.spans
        ):
            objective = objective_for(objectives, measure, agency, local_day(now))
            key = AlertKey(agency, measure, rule.span)
            if objective is None:
                found.append((Standing(key, 1, 0, 0.0), rule))  # nothing is missed where nothing is asked
                continue
            due, missed = self._tally.since(agency, measure, since[rule.span])
            found.append((standing(key, due, missed, objective), rule))
        return found

    async def _decide(
        self, work: WorkClock, standings: list[tuple[Standing, Rule]], opened: list[Alert], now: Instant
    ) -> tuple[int, int]:
        """Begin, end, or note how open alerts stand, in one transaction."""
        known = {one.key: one for one in opened}
        begin = [self._new(one, now) for one, rule in standings if one.key not in known and one.raises(rule)]
        end: list[Alert] = []
        noted: list[Alert] = []
        for one, rule in standings:
            if (alert := known.get(one.key)) is None:
                continue
            calm = one.is_calm(rule, await self._overdue(work, one, now))
            since = (alert.calm_since or now) if calm else None
            if since is not None and work.back(now, rule.calm_minutes) >= since:
                end.append(alert)
            elif since != alert.calm_since or one.burn > alert.worst:
                noted.append(replace(alert, calm_since=since, worst=max(alert.worst, one.burn)))
        if not (begin or end or noted):
            return 0, 0

        def unit(tx: Tx) -> tuple[int, int]:
            for alert in noted:
                alerts.note(tx, alert.id, alert.worst, alert.calm_since)
            return write_changes(tx, self._gw, begin, end, now)

        return await self._gw.store.write(unit)

    async def _overdue(self, work: WorkClock, one: Standing, now: Instant) -> int:
        """Old deliveries that nobody fetched; asked only when the span itself says nothing."""
        if one.due or one.key.measure is not Measure.FETCHED:
            return 0
        before = work.back(now, max(rule.minutes for rule in self._rules.spans if rule.span is Span.FAST))
        return await self._gw.store.read(lambda tx: alerts.overdue(tx, one.key.agency, before))

    async def _measure(self) -> None:
        opened = await self._gw.store.read(alerts.open_alerts)
        for measure, span in itertools.product(Measure, Span):
            number = sum(one.measure is measure and one.span is span for one in opened)
            self._gw.metrics.alerts_open.labels(measure.value, span.value).set(number)

    def _new(self, one: Standing, now: Instant) -> Alert:
        key = one.key
        return Alert(
            self._gw.new_id(),
            key.agency,
            key.measure,
            key.span,
            now,
            one.due,
            one.missed,
            one.burn,
            one.burn,
            "",
        )

    def _is_outside(self, agency: AgencyCode, day: date) -> bool:
        return self._gw.directory.level(agency, day) == OUTSIDE

    @property
    def _clocks(self) -> Clocks:
        return Clocks.of(self._gw.config.figures)
