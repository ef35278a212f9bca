"""Coming to partners for what they keep for us.

In charge of: one loop for each connection whose kind is a ``port.Collector``, so that a partner that answers
slowly delays nobody else; its pace, its rest after failures, when it counts as away; and telling it what
became of each item, once that is on disk. Not in charge of: the gate (``flow/collect.py``), the calls
(``adapters``), the daily comparisons (``daily.py``).

Order: list, and for each item in the partner's order: fetch, commit, confirm. An item with a row is only
confirmed again. Items go one after the other, so a recall does not overtake its document within a list. An
item that cannot be had, or that we cannot digest, is tried again after all others.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

import structlog

from gateway.clock import SECOND
from gateway.delivery.daily import Daily
from gateway.errors import Busy
from gateway.flow import record, second_copy
from gateway.flow.collect import Doubted, collect
from gateway.flow.peers import settings_of
from gateway.model.event import EventType
from gateway.model.text import AgencyCode, Bilingual, Instant, readable
from gateway.port import Collector, Unavailable, Waiting
from gateway.services import Bell, Services
from gateway.store import collected, events
from gateway.store.collected import NO_REASON, Collected, Outcome, PartnerState
from gateway.store.contract import Tx

log = structlog.get_logger("gateway.collect")
T = TypeVar("T")

TICK_SECONDS = 1.0  # how soon a new connection is noticed
POLL_SECONDS = 60  # setting ``poll_seconds`` of a connection
LONGEST_REST = 900  # seconds between looks at a partner that fails
CALL_SECONDS = 600  # no list, message or confirmation may take longer
AWAY_AFTER, BACK_AFTER = 3, 2  # looks in a row
GIVE_UP_ROUND = 3  # items in a row that could not be had
WAIT_AGAIN = 300 * SECOND  # a status before its document is fetched again after that time
UNCONFIRMED = 1000  # rows looked at in one round


@dataclass(slots=True)
class Pace:
    """What is remembered of a partner between looks; nothing is lost with it."""

    failures: int = 0  # looks in a row
    successes: int = 0
    tries: dict[str, int] = field(default_factory=dict)  # docId -> looks at which it could not be had
    doubted: Counter[str] = field(default_factory=Counter)  # docId -> how often it looked damaged


class Collecting:
    """One loop of one process."""

    def __init__(self, gw: Services) -> None:
        self._gw = gw
        self._daily = Daily(gw)
        self._paces: dict[AgencyCode, Pace] = {}
        self._tasks: dict[AgencyCode, asyncio.Task[None]] = {}
        self._stopped = asyncio.Event()

    async def run(self) -> None:
        """Come and go until ``stop``. What is under way then is given up: nobody was told anything yet."""
        while not self._stopped.is_set():
            self._begin()
            await self._pause(TICK_SECONDS)
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def stop(self) -> None:
        """End."""
        self._stopped.set()

    def partners(self) -> list[AgencyCode]:
        """The connections that we come to."""
        profiles = self._gw.directory.profiles
        return [profile.agency for profile in profiles if profile.adapter in self._gw.collectors]

    async def look(self, partner: AgencyCode) -> None:
        """One look at one partner, to its end."""
        pace = self._paces.setdefault(partner, Pace())
        settings = await settings_of(self._gw, partner)
        collector = self._gw.collectors[self._gw.directory.profile(partner).adapter]
        round_ = _Round(self._gw, partner, collector, settings, pace, self._stopped)
        try:
            backlog = await round_.take_all()
        except Unavailable as error:
            await self._failed(partner, pace, error)
        except Busy as error:  # our own disk or database: not the partner's doing
            log.warning("collecting has to wait", partner=partner, reason=error.text.en)
        else:
            await self._succeeded(partner, pace, backlog)
        await self._show()

    def _begin(self) -> None:
        """A task for each partner that has none."""
        self._tasks = {partner: task for partner, task in self._tasks.items() if not task.done()}
        for partner in self.partners():
            if partner not in self._tasks:
                self._tasks[partner] = asyncio.create_task(self._come_and_go(partner))

    async def _come_and_go(self, partner: AgencyCode) -> None:
        while not self._stopped.is_set() and partner in self.partners():
            try:
                await self.look(partner)
                if not self._paces[partner].failures:
                    await self._daily.see_to(partner)
            except Exception:  # a loop that ends in silence is the worst outage
                log.exception("round failed, trying again", partner=partner)
            await self._gw.partner_bells.setdefault(partner, Bell()).wait(self.rest(partner))

    def rest(self, partner: AgencyCode) -> float:
        """Seconds until the next look: longer with each failure."""
        set_to = dict(self._gw.directory.profile(partner).settings).get("poll_seconds", "")
        poll = int(set_to) if set_to.isascii() and set_to.isdigit() and int(set_to) else POLL_SECONDS
        failures = self._paces.setdefault(partner, Pace()).failures
        return max(poll, min(poll * 2 ** min(failures - 1, 10), LONGEST_REST)) if failures else poll

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopped.wait(), seconds)

    async def _failed(self, partner: AgencyCode, pace: Pace, error: Unavailable) -> None:
        pace.failures, pace.successes = pace.failures + 1, 0
        log.warning("partner unavailable", partner=partner, code=error.code, reason=error.text.en)
        now, reason = self._gw.clock.now(), error.text.readable()  # it may quote anything
        goes = pace.failures >= AWAY_AFTER

        def unit(tx: Tx) -> None:
            before = collected.state_of(tx, partner) or PartnerState(partner, False, now)
            state = replace(before, last_failure=now, reason_code=readable(error.code), reason=reason)
            if goes and not before.away:
                state = replace(state, away=True, since=now)
                _tell(tx, self._gw, EventType.PARTNER_UNAVAILABLE, partner, now, readable(error.code))
            collected.put_state(tx, state)

        await self._gw.store.write(unit)

    async def _succeeded(self, partner: AgencyCode, pace: Pace, backlog: int) -> None:
        pace.failures, pace.successes = 0, pace.successes + 1
        now = self._gw.clock.now()
        comes = pace.successes >= BACK_AFTER

        def unit(tx: Tx) -> None:
            before = collected.state_of(tx, partner) or PartnerState(partner, False, now)
            state = replace(before, last_success=now, backlog=backlog)
            if comes and before.away:
                state = replace(state, away=False, since=now, reason_code="", reason=NO_REASON)
                _tell(tx, self._gw, EventType.PARTNER_AVAILABLE, partner, now, "")
            collected.put_state(tx, state)

        await self._gw.store.write(unit)

    async def _show(self) -> None:
        """The gauges, over all partners of a kind."""
        gw = self._gw
        states = {state.partner: state for state in await gw.store.read(collected.states)}
        by_kind: dict[str, list[PartnerState]] = {}
        for partner in self.partners():
            if partner in states:
                by_kind.setdefault(gw.directory.profile(partner).adapter, []).append(states[partner])
        for kind, found in by_kind.items():
            gw.metrics.collect_backlog.labels(kind).set(sum(state.backlog for state in found))
            oldest = min(state.last_success or 0 for state in found)
            gw.metrics.collect_success.labels(kind).set(oldest / SECOND)
        gw.metrics.partners_away.set(sum(state.away for found in by_kind.values() for state in found))


class _StillWaits(Exception):
    """Nothing is wrong with the item; it is not its time yet."""


@dataclass(frozen=True, slots=True)
class _Round:
    """One look at one partner."""

    gw: Services
    partner: AgencyCode
    collector: Collector
    settings: Mapping[str, str]
    pace: Pace
    stopped: asyncio.Event

    async def take_all(self) -> int:
        """Everything that the partner lists; how many of them wait there still.

        Items that could not be had before come last, longest untried first: they keep nobody waiting.
        """
        items = await self._in_time(self.collector.waiting(self.settings))
        listed = {item.doc_id: item for item in items}
        tried = [doc_id for doc_id in self.pace.tries if doc_id in listed]
        self.pace.tries = {doc_id: self.pace.tries[doc_id] for doc_id in tried}
        left = await self._take_some([item for item in items if item.doc_id not in self.pace.tries])
        left += await self._take_some([listed[doc_id] for doc_id in tried])
        await self._settle_unlisted(set(listed))
        return left

    async def _take_some(self, items: Sequence[Waiting]) -> int:
        """These, in their order; how many wait still. After some in a row that could not be had it is the
        partner that fails (``Unavailable``), unless they are known for that; the rest then waits."""
        left, in_a_row = 0, 0
        for at, item in enumerate(items):
            if self.stopped.is_set():
                break
            error = await self._try(item)
            left += error is not None
            in_a_row = in_a_row + 1 if isinstance(error, Unavailable) else 0
            if in_a_row == GIVE_UP_ROUND and isinstance(error, Unavailable):
                if self.pace.tries[item.doc_id] <= AWAY_AFTER:
                    raise error
                return left + len(items) - at - 1
        return left

    async def _try(self, item: Waiting) -> Exception | None:
        """One item; ``None`` when it waits no more, else why (``_StillWaits`` where nothing failed)."""
        before = self.pace.tries.pop(item.doc_id, 0)
        try:
            return None if await self._take(item) else _StillWaits()
        except Busy:  # our own disk or database: nothing is wrong with the item
            raise
        except Unavailable as error:
            log.warning("item not taken", partner=self.partner, doc_id=item.doc_id, code=error.code)
            problem: Exception = error
        except Exception as error:  # a fault of ours with one item must not keep the others out
            log.exception("item not taken", partner=self.partner, doc_id=item.doc_id)
            problem = error
        self.pace.tries[item.doc_id] = before + 1
        return problem

    async def _take(self, item: Waiting) -> bool:
        """One item; False when it goes on waiting."""
        row = await self.gw.store.read(lambda tx: collected.find(tx, self.partner, item.doc_id))
        if row is None or row.outcome is Outcome.WAITING:
            if row is not None and self.gw.clock.now() - row.collected_at < WAIT_AGAIN:
                return False
            row = await self._fetch(item, row)
        if row is None or row.outcome is Outcome.WAITING:
            return False
        await self._confirm(item, row)
        return True

    async def _fetch(self, item: Waiting, seen: Collected | None) -> Collected | None:
        """The item through the gate; ``None`` when its bytes are to be fetched once more."""
        chunks = self.collector.fetch(item, self.settings)
        doubted = self.pace.doubted[item.doc_id]
        try:
            work = collect(self.gw, self.partner, item, chunks, seen=seen, doubted=doubted)
            taken = await self._in_time(work)
        finally:
            if isinstance(chunks, AsyncGenerator):  # one that was not read to its end holds a connection
                await chunks.aclose()
        if isinstance(taken, Doubted):
            self.pace.doubted[item.doc_id] += 1
            return None
        del self.pace.doubted[item.doc_id]
        return taken

    async def _confirm(self, item: Waiting, row: Collected) -> None:
        """Tell the partner, once it is on the second disk too; then write down that it was told."""
        if row.message:
            await second_copy.settle(self.gw, row.message)
        why = "" if row.taken else row.reason
        await self._in_time(self.collector.confirm(item, self.settings, row.taken, why))
        at = self.gw.clock.now()
        await self.gw.store.write(lambda tx: collected.confirm(tx, self.partner, item.doc_id, at))

    async def _settle_unlisted(self, listed: set[str]) -> None:
        """What the partner no longer lists, it was told of (we died before we wrote it down)."""
        rows = await self.gw.store.read(lambda tx: collected.unconfirmed(tx, self.partner, UNCONFIRMED))
        gone = [row.doc_id for row in rows if row.doc_id not in listed]
        if not gone:
            return
        at = self.gw.clock.now()

        def unit(tx: Tx) -> None:
            for doc_id in gone:
                collected.confirm(tx, self.partner, doc_id, at)

        await self.gw.store.write(unit)

    async def _in_time(self, work: Awaitable[T]) -> T:
        try:
            async with asyncio.timeout(CALL_SECONDS):
                return await work
        except TimeoutError as error:
            raise Unavailable("answer.timeout", _SLOW) from error


def _tell(tx: Tx, gw: Services, kind: EventType, partner: AgencyCode, at: Instant, code: str) -> None:
    told = record.event(gw, kind, record.GATEWAY, at, reason_code=code, facts={"partner": partner})
    events.record(tx, told)


_SLOW = Bilingual("Trục trả lời quá chậm.", "The partner answers too slowly.")
