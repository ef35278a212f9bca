"""Nodes and the lease of the clock work: the same rows on both engines; the fence, where others may write."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from gateway.clock import SystemClock
from gateway.model.node import Node
from gateway.store import fence, nodes
from gateway.store.contract import Store, Tx, Unit
from gateway.store.fence import Fence, Fenced
from gateway.store.nodes import Lease
from tests.contract.things import OpenStore

NOW = SystemClock().now()


def node(name: str, **more: object) -> Node:
    made = Node(name, "máy-1", 4711, "1.0", "khóa", NOW, NOW, 1)
    return replace(made, **more)  # type: ignore[arg-type]


async def taken(store: Store, holder: str) -> Lease:
    had = await store.read(nodes.lease)
    lease = await store.write(lambda tx: nodes.take(tx, had, holder))
    assert lease is not None
    return lease


async def behind(held: Fence, store: Store, unit: Unit[object]) -> object:
    """Write as a loop of the leader does."""
    return await asyncio.create_task(store.write(unit), context=held.context())


async def test_a_node_that_was_forgotten_comes_back_with_its_next_beat(store: Store) -> None:
    one = node("a", used={"một hệ thống": 12.5})
    await store.write(lambda tx: nodes.beat(tx, one))
    await store.write(lambda tx: nodes.forget(tx, "a"))
    later = replace(one, beat=2, draining=True)
    await store.write(lambda tx: nodes.beat(tx, later))
    await store.write(lambda tx: nodes.beat(tx, later))
    assert await store.read(nodes.everybody) == [later]


async def test_one_of_two_that_saw_the_same_epoch_gets_the_lease(store: Store) -> None:
    had = await store.read(nodes.lease)
    first = await store.write(lambda tx: nodes.take(tx, had, "a"))
    second = await store.write(lambda tx: nodes.take(tx, had, "b"))
    assert (first, second) == (Lease("clock-work", "a", had.epoch + 1), None)


async def test_who_lost_the_lease_cannot_release_it_for_its_successor(store: Store) -> None:
    first = await taken(store, "a")
    second = await taken(store, "b")
    await store.write(lambda tx: nodes.release(tx, first))
    assert await store.read(nodes.lease) == second
    await store.write(lambda tx: nodes.release(tx, second))
    assert (await store.read(nodes.lease)).holder == ""


async def test_a_database_belongs_to_the_keys_that_came_first(store: Store) -> None:
    assert await store.write(lambda tx: nodes.belongs_to(tx, "aa", NOW))
    assert await store.write(lambda tx: nodes.belongs_to(tx, "aa", NOW))
    assert not await store.write(lambda tx: nodes.belongs_to(tx, "bb", NOW))


@pytest.mark.parametrize("engine", ["postgres"], indirect=True)
async def test_behind_a_fence_nothing_is_written_in_an_epoch_that_is_over(store: Store) -> None:
    fell: list[bool] = []
    lease = await taken(store, "a")
    held = Fence(lease.name, lease.epoch, lambda: fell.append(True))
    await behind(held, store, lambda tx: nodes.beat(tx, node("one")))
    await taken(store, "b")
    with pytest.raises(Fenced):
        await behind(held, store, lambda tx: nodes.beat(tx, node("two")))
    assert [one.id for one in await store.read(nodes.everybody)] == ["one"]
    assert fell == [True]
    await store.write(lambda tx: nodes.beat(tx, node("three")))  # in front of the fence everybody may write


@pytest.mark.parametrize("engine", ["postgres"], indirect=True)
async def test_tasks_that_a_loop_begins_stand_behind_its_fence_too(store: Store) -> None:
    lease = await taken(store, "a")
    held = Fence(lease.name, lease.epoch)

    async def loop() -> fence.Fence | None:
        async def child() -> fence.Fence | None:
            return fence.current()

        return await asyncio.create_task(child())

    assert await asyncio.create_task(loop(), context=held.context()) is held
    assert fence.current() is None


@pytest.mark.parametrize("engine", ["postgres"], indirect=True)
async def test_nobody_succeeds_a_leader_that_is_just_committing(store_factory: OpenStore) -> None:
    """Else a write proven in the old epoch could be committed after the first one of the new."""
    ours, theirs = await store_factory(), await store_factory()
    lease = await taken(ours, "a")
    held = Fence(lease.name, lease.epoch)
    loop, inside, go_on = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()

    def slow(tx: Tx) -> None:
        loop.call_soon_threadsafe(inside.set)
        asyncio.run_coroutine_threadsafe(go_on.wait(), loop).result()
        nodes.beat(tx, node("slow"))

    writing = asyncio.create_task(ours.write(slow), context=held.context())
    await inside.wait()
    assert await theirs.write(lambda tx: nodes.take(tx, lease, "b")) is None
    go_on.set()
    await writing
    assert await theirs.write(lambda tx: nodes.take(tx, lease, "b")) is not None
    assert [one.id for one in await theirs.read(nodes.everybody)] == ["slow"]


@pytest.mark.parametrize("engine", ["postgres"], indirect=True)
async def test_a_process_paused_inside_a_unit_does_not_keep_the_lease(
    store_factory: OpenStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server ends its session, so that others need not wait until it wakes."""
    monkeypatch.setattr("gateway.store.postgres.PAUSED", 1)
    ours, theirs = await store_factory(), await store_factory()
    lease = await taken(ours, "a")
    held = Fence(lease.name, lease.epoch)
    loop, inside, go_on = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()

    def paused(tx: Tx) -> None:
        loop.call_soon_threadsafe(inside.set)
        asyncio.run_coroutine_threadsafe(go_on.wait(), loop).result()
        nodes.beat(tx, node("paused"))

    writing = asyncio.create_task(ours.write(paused), context=held.context())
    await inside.wait()
    async with asyncio.timeout(8):
        while await theirs.write(lambda tx: nodes.take(tx, lease, "b")) is None:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    go_on.set()
    with pytest.raises(Fenced):
        await writing
    assert await theirs.read(nodes.everybody) == []
