"""Time: unique and in order, from a stated source, and a jump of the machine's clock never goes unnoticed."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway.clock import (
    SECOND,
    Discipline,
    ScenarioClock,
    SystemClock,
    kernel_discipline,
    new_id,
    read_timex,
)
from gateway.delivery.clock_watch import ClockWatch
from gateway.model.text import Instant
from gateway.store import open_store
from tests.world import MONDAY, World, make_world

NANO = 1_000_000_000


class Machine:
    """A machine whose clock can be set while another one only counts."""

    def __init__(self) -> None:
        self.wall = 1_600_000_000 * NANO
        self.steady = 5 * NANO
        self.discipline = Discipline(False, None)

    def clock(self) -> SystemClock:
        return SystemClock(lambda: self.wall, lambda: self.steady, lambda: self.discipline)

    def wait(self, nanoseconds: int) -> None:
        self.wall += nanoseconds
        self.steady += nanoseconds


def test_no_two_threads_ever_get_the_same_instant() -> None:
    clock = SystemClock()
    with ThreadPoolExecutor(8) as threads:
        taken = list(threads.map(lambda _: [clock.now() for _ in range(2000)], range(8)))
    everything = list(itertools.chain.from_iterable(taken))
    assert len(set(everything)) == len(everything)
    assert all(one == sorted(one) for one in taken)


def test_ids_made_side_by_side_are_unique_and_sort_by_time() -> None:
    clock = SystemClock()
    with ThreadPoolExecutor(8) as threads:
        taken = list(threads.map(lambda _: [new_id(clock.now()) for _ in range(500)], range(8)))
    everything = list(itertools.chain.from_iterable(taken))
    assert len(set(everything)) == len(everything)
    assert all(one == sorted(one) for one in taken)


def test_time_that_stands_still_still_gives_a_new_instant_each_time() -> None:
    clock = Machine().clock()
    assert [clock.now() - 1_600_000_000 * SECOND for _ in range(3)] == [0, 1, 2]


@pytest.mark.parametrize("seconds", [-3600, -2, 2, 86_400])
def test_a_step_is_seen_once_with_its_size(seconds: int) -> None:
    machine = Machine()
    clock = machine.clock()
    machine.wait(5 * NANO)
    machine.wall += seconds * NANO
    assert clock.look().step == seconds * SECOND
    machine.wait(5 * NANO)
    assert clock.look().step == 0


def test_slow_correction_is_no_step() -> None:
    machine = Machine()
    clock = machine.clock()
    for _ in range(20):  # 0.5 s within each look: more than NTP slews
        machine.wait(5 * NANO)
        machine.wall += NANO // 2
        assert clock.look().step == 0


def test_time_never_goes_back_when_the_clock_is_set_back() -> None:
    machine = Machine()
    clock = machine.clock()
    before = clock.now()
    machine.wall -= 3600 * NANO
    assert clock.now() == before + 1


def test_the_source_says_whether_somebody_keeps_the_clock_right() -> None:
    machine = Machine()
    clock = machine.clock()
    assert (clock.source, clock.offset) == ("system", None)
    machine.discipline = Discipline(True, 250)
    clock.look()
    assert (clock.source, clock.offset) == ("ntp", 250)


@pytest.mark.parametrize(
    ("state", "status", "offset", "meaning"),
    [
        (0, 0x0001, 1500, Discipline(True, 1500)),  # STA_PLL, microseconds
        (0, 0x2001, 1_500_000, Discipline(True, 1500)),  # STA_NANO
        (0, 0x0040, 1500, Discipline(False, None)),  # STA_UNSYNC
        (5, 0x0001, 0, Discipline(False, None)),  # TIME_ERROR
        (-1, 0, 0, Discipline(False, None)),
    ],
)
def test_what_the_kernel_says_is_read(state: int, status: int, offset: int, meaning: Discipline) -> None:
    assert read_timex(state, status, offset) == meaning


def test_this_machines_kernel_answers() -> None:
    found = kernel_discipline()
    assert found.synchronised == (found.offset is not None)


def test_a_scenario_that_jumps_has_no_step() -> None:
    clock = ScenarioClock(MONDAY)
    clock.jump_to(Instant(MONDAY + 86_400 * SECOND))
    assert clock.look().step == 0


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    store = await open_store("sqlite:///gateway.db", tmp_path, clock=SystemClock(), purpose="test")
    async with make_world(store, tmp_path) as made:
        yield made
    await store.close()


async def bodies(world: World, kind: str) -> list[dict[str, Any]]:
    rows = await world.rows("events_after", at=0, id="", limit=99)
    return [orjson.loads(bytes(row["body"])) for row in rows if row["type"] == kind]  # type: ignore[call-overload]


async def test_a_step_is_an_event_and_every_event_names_source_and_offset(world: World) -> None:
    machine = Machine()
    machine.discipline = Discipline(True, -42)
    world.gw.clock = machine.clock()
    watch = ClockWatch(world.gw)
    assert (await watch.round()).step == 0
    machine.wait(5 * NANO)
    machine.wall += 90 * NANO
    await watch.round()
    [stepped] = await bodies(world, "clock.stepped")
    assert (stepped["step"], stepped["synchronised"]) == (90 * SECOND, True)
    assert stepped["clock"] == {"source": "ntp", "offset": -42}
    assert world.gw.metrics.clock_steps._value.get() == 1
    assert world.gw.metrics.clock_offset._value.get() == -42 / SECOND


async def test_without_a_measurement_the_offset_is_null(world: World) -> None:
    [imported, *_] = await bodies(world, "directory.imported")
    assert imported["clock"] == {"source": "scenario", "offset": None}
