"""Who leads: two nodes on one PostgreSQL database, driven turn by turn over a time that the test counts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gateway.clock import SECOND
from gateway.config import Config, LimitsSection
from gateway.delivery import leader
from gateway.delivery.leader import Leadership, Pace
from gateway.delivery.log_keeper import LogKeeper
from gateway.errors import TooMany
from gateway.flow import record
from gateway.flow.door import Admission
from gateway.model.event import EventType
from gateway.model.node import Fleet, Node, Seen
from gateway.model.text import Instant
from gateway.services import Services
from gateway.store import events, nodes
from gateway.store.fence import Fenced
from tests.contract.things import OpenStore
from tests.world import World, make_world

PACE = Pace(beat=0.01, lease=8.0)


@pytest.fixture
def engine() -> str:
    return "postgres"


class Work:
    """A loop of the leader: waits until it is told, writes one event, and says how that went."""

    def __init__(self, gw: Services) -> None:
        self._gw = gw
        self.goes = asyncio.Event()
        self.outcomes: asyncio.Queue[str] = asyncio.Queue()
        self.stopped = False

    async def run(self) -> None:
        while True:
            await self.goes.wait()
            self.goes.clear()
            if self.stopped:
                return
            now = self._gw.clock.now()
            event = record.event(self._gw, EventType.CLOCK_STEPPED, record.GATEWAY, now, facts={})
            try:
                await self._gw.store.write(lambda tx: events.record(tx, event))  # noqa: B023
                self.outcomes.put_nowait("written")
            except Fenced:
                self.outcomes.put_nowait("refused")

    def stop(self) -> None:
        self.stopped = True
        self.goes.set()

    async def once(self) -> str:
        self.goes.set()
        return await asyncio.wait_for(self.outcomes.get(), 5)


@dataclass
class Place:
    """One node: its world, its leadership, the loops it was given, and its steady time in seconds."""

    world: World
    time: float = 0.0
    works: list[Work] = field(default_factory=list)
    leadership: Leadership = field(init=False)

    def __post_init__(self) -> None:
        gw = self.world.gw
        self.leadership = Leadership(gw, leader.this_node(gw), self._loops, PACE, lambda: self.time)

    def _loops(self) -> list[Work]:
        self.works.append(Work(self.world.gw))
        return [self.works[-1]]

    @property
    def fleet(self) -> Fleet:
        return self.world.gw.fleet

    async def turn(self, seconds: float = 0.0) -> None:
        self.time += seconds
        await self.leadership._safely()


@pytest.fixture
async def places(store_factory: OpenStore, tmp_path: Path) -> AsyncIterator[tuple[Place, Place]]:
    first, second = await store_factory(), await store_factory()
    async with make_world(first, tmp_path / "a") as a, make_world(second, tmp_path / "b") as b:
        pair = Place(a), Place(b, time=5_000.0)
        yield pair
        for place in pair:
            await place.leadership._resign()


async def test_the_first_node_leads_and_the_second_waits(places: tuple[Place, Place]) -> None:
    a, b = places
    await a.turn()
    await b.turn()
    await a.turn(2)
    assert (a.fleet.leads, b.fleet.leads) == (True, False)
    assert b.fleet.leader == a.fleet.me.id if a.fleet.me else False
    assert (a.fleet.alive, b.fleet.alive, b.works) == (2, 2, [])
    assert await a.works[0].once() == "written"


async def test_a_node_that_is_silent_for_its_time_is_followed_by_another(
    places: tuple[Place, Place],
) -> None:
    a, b = places
    await a.turn()
    await b.turn()
    await b.turn(7.9)
    assert not b.fleet.leads
    await b.turn(0.2)
    assert (b.fleet.leads, b.fleet.epoch) == (True, a.fleet.epoch + 1)


async def test_a_leader_that_beats_is_left_in_peace_however_long_it_takes(
    places: tuple[Place, Place],
) -> None:
    a, b = places
    for _ in range(12):
        await a.turn(2)
        await b.turn(2)
    assert (a.fleet.leads, b.fleet.leads, len(a.works)) == (True, False, 1)


async def test_clocks_that_are_hours_apart_and_jump_change_nothing(places: tuple[Place, Place]) -> None:
    a, b = places
    b.world.clock.jump_to(Instant(b.world.clock.now() + 5 * 3600 * SECOND))
    for hour in range(1, 5):
        a.world.clock.jump_to(Instant(a.world.clock.now() + hour * 3600 * SECOND))
        await a.turn(2)
        await b.turn(2)
    assert (a.fleet.leads, b.fleet.leads, b.fleet.alive) == (True, False, 2)


async def test_a_leader_paused_past_its_lease_writes_nothing_when_it_wakes(
    places: tuple[Place, Place],
) -> None:
    a, b = places
    await a.turn()
    await b.turn()
    await b.turn(8)  # meanwhile a did nothing at all
    assert a.fleet.leads  # and does not know that it is over
    assert b.fleet.leads
    before = await a.world.event_types()
    assert await a.works[0].once() == "refused"
    assert await b.works[0].once() == "written"
    assert len(await a.world.event_types()) == len(before) + 1
    await a.turn(10)
    assert (a.fleet.leads, a.works[0].stopped) == (False, True)


async def test_a_refused_write_ends_the_loops_before_the_next_beat(places: tuple[Place, Place]) -> None:
    a, b = places
    running = asyncio.create_task(a.leadership.run())
    await until(lambda: a.fleet.leads)
    lease = await b.world.gw.store.read(nodes.lease)
    await b.world.gw.store.write(lambda tx: nodes.take(tx, lease, "b"))
    a.works[0].goes.set()
    await until(lambda: a.works[0].stopped)
    a.leadership.stop()
    await running


async def test_the_log_has_no_fork_after_two_leaders(places: tuple[Place, Place]) -> None:
    """The loop of a leader that lost the lease ends; what it was about to write, the other has written."""
    a, b = places
    await a.turn()
    context = leader.Fence(nodes.CLOCK_WORK, a.fleet.epoch).context()
    await b.turn()
    await b.turn(8)
    keeper = LogKeeper(a.world.gw)
    await asyncio.wait_for(asyncio.create_task(keeper.run(), context=context), 10)
    assert (await b.world.rows("log_state"))[0]["sequenced"] == 0
    await LogKeeper(b.world.gw).round()
    [head] = await b.world.rows("checkpoints_after", number=0, limit=9)
    assert head["size"] == len(await b.world.event_types())


async def test_a_node_that_ends_is_followed_at_once(places: tuple[Place, Place]) -> None:
    a, b = places
    running = asyncio.create_task(a.leadership.run())
    await until(lambda: a.fleet.leads)
    await b.turn()
    a.leadership.stop()
    await running
    assert a.works[0].stopped
    await b.turn(2)
    assert (b.fleet.leads, b.fleet.alive) == (True, 1)


async def test_a_draining_node_gives_the_work_up_and_takes_none(places: tuple[Place, Place]) -> None:
    a, b = places
    await a.turn()
    a.fleet.draining = True
    await a.turn(2)
    await a.turn(2)
    assert (a.fleet.leads, a.fleet.leader) == (False, "")
    await b.turn()
    assert b.fleet.leads
    assert b.fleet.others[0].node.draining


async def test_without_the_database_nobody_leads_for_longer_than_the_lease(
    places: tuple[Place, Place], monkeypatch: pytest.MonkeyPatch
) -> None:
    a, _ = places
    await a.turn()

    async def away(self: object, unit: object) -> None:
        raise OSError("away")

    monkeypatch.setattr(type(a.world.gw.store), "write", away)
    await a.turn(7)
    assert a.fleet.leads
    await a.turn(2)
    assert not a.fleet.leads
    monkeypatch.undo()
    await a.turn(2)
    assert (a.fleet.leads, len(a.works)) == (True, 2)


async def test_a_node_that_was_gone_for_long_is_forgotten(places: tuple[Place, Place]) -> None:
    a, b = places
    await b.turn()
    await b.leadership._resign()
    await a.turn()
    await a.turn(20)
    assert [seen.alive for seen in a.fleet.others] == [False]
    await a.turn(leader.FORGET_SECONDS)
    await a.turn(2)
    assert a.fleet.others == ()


async def test_the_rate_of_a_caller_holds_over_two_nodes(places: tuple[Place, Place]) -> None:
    """Each node lets in what the other leaves; after two beats both together keep to the rate."""
    admissions = [Admission(), Admission()]
    limits = Config(limits=LimitsSection(requests_per_second=100))
    let_in = []
    for place in places:
        place.world.gw.config = limits
        await place.turn()
    for _ in range(10):  # seconds
        let_in.append(0)
        for _ in range(20):
            for place, admission in zip(places, admissions, strict=True):
                place.world.clock.jump_to(Instant(place.world.clock.now() + SECOND // 20))
                let_in[-1] += asks(admission, place.world.gw, 20)
        for place in places:
            await place.turn(1)
    assert sum(let_in[5:]) == pytest.approx(500, rel=0.1)
    assert max(let_in) <= 2 * 100 + 2 * 200 + 10  # at the start: both rates and both bursts


def asks(admission: Admission, gw: Services, times: int) -> int:
    """How many of so many requests of one caller are let in now."""
    count = 0
    for _ in range(times):
        try:
            admission.take_token(gw, "một hệ thống")
        except TooMany:
            continue
        count += 1
    return count


def test_what_a_silent_node_once_told_does_not_count() -> None:
    fleet, now = Fleet(), Instant(0)
    other = Node("b", "", 1, "", "", now, now, 1, used={"x": 90.0})
    fleet.hear((Seen(other, 1.0, True),))
    assert fleet.share("x", 100) == 50
    assert fleet.share("y", 100) == 100
    fleet.hear((Seen(other, 60.0, False),))
    assert fleet.share("x", 100) == 100


async def until(holds: Callable[[], bool]) -> None:
    """Wait until that holds, five seconds at most."""
    async with asyncio.timeout(5):
        while not holds():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
