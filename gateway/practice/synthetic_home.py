"""An installation that holds a made-up exchange, marked as such.

In charge of: the folder with its marker and the setting ``gateway.synthetic``, the directory and the signer
register, and writing the events through the real store and the real exchange log. A folder without the marker
is never touched. Not in charge of: what happens in it (``synthetic``).
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from gateway import app
from gateway.clock import ScenarioClock, local_day
from gateway.config import load
from gateway.directory.load import default_level_sets
from gateway.errors import NotReady
from gateway.exchange_log.merkle import root
from gateway.exchange_log.sequence import stored_nodes
from gateway.model.event import EventType
from gateway.model.text import AgencyCode, Bilingual, Instant
from gateway.practice import synthetic_bodies as bodies
from gateway.practice import synthetic_units as units
from gateway.practice.synthetic import APPROVERS, Batch, Exchange, Made
from gateway.practice.synthetic_dice import Dice
from gateway.practice.synthetic_plan import MARK, Plan
from gateway.practice.synthetic_stories import Told
from gateway.practice.synthetic_time import midnight
from gateway.practice.synthetic_units import Unit
from gateway.services import Services
from gateway.store import log, outages, people, registry, synthetic
from gateway.store.contract import Tx
from gateway.store.outages import Outage
from gateway.store.people import Principal, Role

MARKER = "SYNTHETIC"
NAME = "truc-mo-phong"
LEAVES = 50_000  # events in one transaction of the log: nobody else waits here
HOPS = 5  # of the event loop until a unit of work has reached the store's thread
TOGETHER = 20_000  # events in one transaction of the store

Tell = Callable[[str, int, int], None]  # what, done, of


@dataclass(frozen=True, slots=True)
class Simulated:
    """What was made. ``size`` and ``root``: of the exchange log; ``told``: the planted stories."""

    home: Path
    documents: int
    deliveries: int
    events: int
    size: int
    root: bytes
    told: tuple[Told, ...]


async def simulate(home: Path, plan: Plan, tell: Tell = lambda what, done, of: None) -> Simulated:
    """Make the installation anew and fill it. ``NotReady`` when something else lies there."""
    exchange = Exchange(plan)
    clock = ScenarioClock(Instant(exchange.begin - 1_000_000))
    make_folder(home, clock)
    gw = await app.open_services(home, load(home), clock, "gateway simulate province")
    try:
        await gw.store.write(lambda tx: _set_up(tx, plan, exchange))
        with _no_collection():
            counts = await _Writing(gw, clock, exchange, tell).all()
        size, head = await gw.store.read(_head)
    finally:
        await gw.close()
    return Simulated(home, *counts, size, head, exchange.planted.told)


def make_folder(home: Path, clock: ScenarioClock) -> None:
    """An empty, marked installation. ``NotReady`` when something else lies there."""
    if home.exists() and any(home.iterdir()):
        if not (home / MARKER).is_file():
            raise NotReady(_not_ours(home), code="simulate.folder")
        shutil.rmtree(home)
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    (home / MARKER).write_text(f"{MARK.vi} / {MARK.en}\n", encoding="utf-8")
    settings = f'[gateway]\nname = "{NAME}"\nsynthetic = true\n\n[log]\nlevel = "warning"\n'
    (home / "gateway.toml").write_text(settings, encoding="utf-8")
    app.init_home(home, NAME, clock)


@contextlib.contextmanager
def _no_collection() -> Iterator[None]:
    """Millions of small values without circles among them: looking for some costs a fifth of the time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


class _Writing:
    """Batches into the store, leaf by leaf into the log; a signed head closes each day."""

    def __init__(self, gw: Services, clock: ScenarioClock, exchange: Exchange, tell: Tell) -> None:
        self._gw, self._clock, self._exchange, self._tell = gw, clock, exchange, tell
        self._waiting: list[Batch] = []
        self._under_way: asyncio.Task[None] | None = None
        self._documents = self._deliveries = self._events = self._unwritten = 0
        self._closed = exchange.plan.first - timedelta(days=1)

    async def all(self) -> tuple[int, int, int]:
        """Documents, deliveries and events that were written."""
        for batch in self._exchange.batches():
            self._waiting.append(batch)
            self._unwritten += len(batch.events)
            if self._unwritten >= TOGETHER or batch.until >= self._exchange.end:
                await self._write()
            await self._close_days(local_day(batch.until))
        await self._close_days(self._exchange.plan.last + timedelta(days=1))
        await self._written()
        return self._documents, self._deliveries, self._events

    async def _write(self) -> None:
        """Begin to write what waits; the store's thread does so while the next events are made."""
        await self._written()
        batches, self._waiting, self._unwritten = self._waiting, [], 0
        self._under_way = asyncio.create_task(self._store(batches))
        for _ in range(HOPS):
            await asyncio.sleep(0)

    async def _written(self) -> None:
        """On return, everything that was handed over is on disk."""
        task, self._under_way = self._under_way, None
        if task is not None:
            await task

    async def _store(self, batches: list[Batch]) -> None:

        def unit(tx: Tx) -> None:
            for batch in batches:
                synthetic.add_events(tx, batch.events)
                synthetic.add_rows(tx, batch.rows)
                for made in batch.events:
                    if made.type == EventType.OUTAGE_RECORDED.value:
                        _outage(tx, self._exchange, made)

        await self._gw.store.write(unit)
        for batch in batches:
            self._documents += len(batch.rows.documents)
            self._deliveries += len(batch.rows.deliveries)
            self._events += len(batch.events)

    async def _close_days(self, day: date) -> None:
        """Sequence and sign what happened before the day; hours of the night are in the next batch."""
        over = day - timedelta(days=1)
        if over <= self._closed:
            return
        await self._write()
        await self._written()
        await self._sequence()
        self._clock.jump_to(Instant(max(self._clock.now(), midnight(day))))
        await self._gw.sequencer.publish(over.isoformat())
        self._closed = over
        done = (over - self._exchange.plan.first).days + 1
        self._tell("Ngày", done, self._exchange.plan.days)

    async def _sequence(self) -> None:
        while await self._gw.sequencer.sequence(LEAVES):
            await self._gw.sequencer.integrate()


def _set_up(tx: Tx, plan: Plan, exchange: Exchange) -> None:
    """Directory, signers, accounts; the events say so with ids of the seed, so that the log is the same."""
    data, census = units.data(), _everybody(exchange)
    registry.write(tx, data.agencies, data.aliases, data.successions)
    registry.write_level_sets(tx, default_level_sets())
    for profile in units.profiles(census):
        registry.write_profile(tx, profile, None, exchange.begin)
    signers = units.signers(census)
    registry.write_signers(tx, signers)
    for unit in census:
        name = f"Phần mềm của {unit.code} (mô phỏng)"
        people.add(
            tx, Principal(unit.principal, name, Role.SYSTEM, True, frozenset({unit.code})), exchange.begin
        )
    for number, approver in enumerate(APPROVERS, 1):
        person = Principal(approver, f"Người vận hành {number} (mô phỏng)", Role.OPERATOR, True, frozenset())
        people.add(tx, person, exchange.begin)
    imported = {"added": sorted(one.code for one in data.agencies), "changed": [], "closed": []}
    registered = {
        "signers": [{"certificate_sha256": s.certificate_sha256, "agency": s.agency} for s in signers]
    }
    dice = Dice(plan.seed, "set up")
    at, later = Instant(exchange.begin - 1_000), Instant(exchange.begin - 500)
    synthetic.add_events(
        tx,
        [
            bodies.plain(EventType.DIRECTORY_IMPORTED, at, dice.id(at), APPROVERS[0], imported),
            bodies.plain(EventType.SIGNERS_IMPORTED, later, dice.id(later), APPROVERS[0], registered),
        ],
    )


def _everybody(exchange: Exchange) -> list[Unit]:
    """The units of the first and the last day, each once, by code."""
    found: dict[AgencyCode, Unit] = {}
    for day in (exchange.plan.last, exchange.plan.first):
        found |= exchange.units.on(day).units
    return [found[code] for code in sorted(found)]


def _outage(tx: Tx, exchange: Exchange, made: Made) -> None:
    """The row of the planted outage, as two people make it."""
    assert exchange.planted.outage is not None
    begin, end = exchange.planted.outage
    reason = "Mất điện trung tâm dữ liệu (mô phỏng)"
    outages.propose(tx, Outage(made.id, AgencyCode(""), begin, end, reason, APPROVERS[0], made.at))
    outages.decide(tx, made.id, True, APPROVERS[1], made.at, made.id)


def _head(tx: Tx) -> tuple[int, bytes]:
    size = log.state(tx).sequenced
    return size, root(stored_nodes(tx), size)


def _not_ours(home: Path) -> Bilingual:
    return Bilingual(
        f"Thư mục {home} không phải do lệnh mô phỏng tạo ra nên không bị xóa. Hãy chọn thư mục khác "
        "bằng --home.",
        f"{home} was not made by this command, so it is not deleted. Choose another folder with --home.",
    )


__all__ = ["MARKER", "Simulated", "Tell", "make_folder", "simulate"]
