"""The loop that publishes: when a checkpoint is due, which one closes a day, what an error does."""

from __future__ import annotations

import os
from datetime import date

import pytest

from gateway.clock import SECOND, local_day
from gateway.delivery.log_keeper import LogKeeper
from gateway.exchange_log import sequence
from gateway.exchange_log.checkpoint import read_checkpoint, read_note
from gateway.model.text import Instant
from gateway.store import log
from gateway.store.log import SignedHead
from tests.flow.log_cases import record
from tests.world import World

HOUR = 3600 * SECOND


def later(world: World, microseconds: int) -> None:
    world.clock.jump_to(Instant(world.clock.now() + microseconds))


async def heads(world: World) -> list[SignedHead]:
    return await world.gw.store.read(lambda tx: log.after(tx, 0))


def value(world: World, name: str) -> float:
    found = world.gw.metrics.registry.get_sample_value(name)
    assert found is not None
    return found


async def test_a_checkpoint_comes_a_minute_after_the_last_if_anything_is_new(world: World) -> None:
    keeper = LogKeeper(world.gw)
    await record(world, 3)
    await keeper.round()
    await record(world, 3)
    await keeper.round()
    assert len(await heads(world)) == 1
    assert value(world, "gateway_log_unpublished") == 3
    later(world, 61 * SECOND)
    await keeper.round()
    later(world, 61 * SECOND)
    await keeper.round()
    assert [head.size for head in await heads(world)] == [4, 7]
    assert value(world, "gateway_log_unpublished") == 0
    assert value(world, "gateway_log_leaves") == 7


async def test_the_first_checkpoint_after_midnight_closes_the_day(world: World) -> None:
    """Also when nothing was recorded since: then the head is the same and only says that the day is over."""
    world.gw.log_folder = world.home / "log"
    keeper = LogKeeper(world.gw)
    await record(world, 3)
    await keeper.round()
    day = local_day(world.clock.now())
    later(world, 24 * HOUR)
    await keeper.round()
    await keeper.round()
    first, closing = await heads(world)
    assert (first.closes, closing.closes) == ("", day.isoformat())
    assert first.size == closing.size
    note = read_note((world.home / "log" / day.isoformat()).read_text())
    assert read_checkpoint(note.text).stated("closes") == day.isoformat()
    later(world, 24 * HOUR)
    await keeper.round()
    assert (await heads(world))[-1].closes == date.fromordinal(day.toordinal() + 1).isoformat()


async def test_a_disk_that_is_full_ends_no_loop_and_the_head_is_laid_out_later(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.gw.log_folder = world.home / "log"
    keeper = LogKeeper(world.gw)
    await record(world, 3)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        await keeper.round()
    (head,) = await heads(world)
    assert head.published_at is None
    counted = world.gw.metrics.registry.get_sample_value(
        "gateway_log_problems_total", {"problem": "log.disk"}
    )
    assert counted == 1
    await keeper.round()
    (head,) = await heads(world)
    assert head.published_at is not None
    assert (world.home / "log" / "checkpoint").read_text() == head.note


async def test_a_log_that_is_not_the_published_one_is_not_signed_and_counted(world: World) -> None:
    world.gw.log_folder = world.home / "log"
    keeper = LogKeeper(world.gw)
    await record(world, 3)
    await keeper.round()
    file = world.home / "log" / "checkpoint"
    head = read_checkpoint(read_note(file.read_text()).text)
    other = type(head)(head.origin, head.size, bytes(32), head.extra)
    file.write_text(file.read_text().replace(head.text(), other.text()))
    await record(world, 3)
    later(world, 61 * SECOND)
    await keeper.round()
    assert len(await heads(world)) == 1
    name, labels = "gateway_log_problems_total", {"problem": "log.forked"}
    assert world.gw.metrics.registry.get_sample_value(name, labels) == 1


async def test_the_loop_goes_on_where_another_node_stopped(world: World) -> None:
    other = sequence.Sequencer(world.gw.store, world.gw.keyring, world.clock)
    await record(world, 3)
    await other.sequence(1)
    await LogKeeper(world.gw).round()
    assert (await world.gw.store.read(log.state)).integrated == 4
