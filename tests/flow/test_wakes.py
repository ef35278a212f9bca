"""What nodes call to each other, and that every call has a timer behind it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import psycopg
import pytest

from gateway.delivery.leader import this_node
from gateway.delivery.wakes import Wakes
from gateway.services import CHANGED, WORK
from gateway.store import listen
from tests.contract.things import OpenStore
from tests.world import World, make_world


@pytest.fixture
def engine() -> str:
    return "postgres"


@pytest.fixture
async def pair(store_factory: OpenStore, tmp_path: Path) -> AsyncIterator[tuple[World, World]]:
    first, second = await store_factory(), await store_factory()
    async with make_world(first, tmp_path / "a") as a, make_world(second, tmp_path / "b") as b:
        for world in (a, b):
            world.gw.fleet.me = this_node(world.gw)
        yield a, b


class Ear:
    """A node that calls and listens."""

    def __init__(self, world: World, listen: Callable[[], AsyncIterator[str]]) -> None:
        self.wakes = Wakes(world.gw, listen)
        self.task = asyncio.create_task(self.wakes.run())

    async def end(self) -> None:
        self.wakes.stop()
        await asyncio.wait_for(self.task, 5)


async def test_many_calls_of_one_moment_are_one(pair: tuple[World, World], database_url: str) -> None:
    a, _ = pair
    words: list[str] = []

    async def note() -> None:
        async for word in listen(database_url):
            words.append(word)

    noting = asyncio.create_task(note())
    await until(lambda: words == [""])
    ear = Ear(a, lambda: silence())
    for _ in range(500):
        a.gw.call(CHANGED)
    await until(lambda: len(words) > 1)
    await asyncio.sleep(0.3)
    noting.cancel()
    await ear.end()
    assert a.gw.fleet.me is not None
    assert words == ["", f"{CHANGED} {a.gw.fleet.me.id}"]


async def test_work_that_one_node_cannot_carry_wakes_the_worker_of_another(
    pair: tuple[World, World], database_url: str
) -> None:
    a, b = pair
    ears = [Ear(world, lambda: listen(database_url)) for world in pair]
    await b.gw.bell.wait(5)  # both hear: whoever begins to listen looks once
    await a.gw.bell.wait(5)
    a.gw.call(WORK)
    began = asyncio.get_running_loop().time()
    await b.gw.bell.wait(5)
    assert asyncio.get_running_loop().time() - began < 2
    await a.gw.bell.wait(0.3)  # its own call is not for itself: this waits its whole time
    assert asyncio.get_running_loop().time() - began >= 0.3
    for ear in ears:
        await ear.end()


async def test_a_node_hears_again_after_its_connection_was_cut(
    pair: tuple[World, World], database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And takes in what it may have missed."""
    monkeypatch.setattr("gateway.store.postgres.LISTEN_AGAIN", 0.1)
    _, b = pair
    ear = Ear(b, lambda: listen(database_url))
    await b.gw.bell.wait(5)
    with psycopg.connect(database_url, autocommit=True) as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'gateway listens' AND datname = current_database()"
        )
    began = asyncio.get_running_loop().time()
    await b.gw.bell.wait(10)
    assert asyncio.get_running_loop().time() - began < 9
    await ear.end()


async def silence() -> AsyncIterator[str]:
    """Nobody calls."""
    await asyncio.sleep(60)
    yield ""


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not holds():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
