"""From recorded events to a published head: each step may die at any commit and be done again."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from gateway.clock import SECOND
from gateway.exchange_log import sequence
from gateway.exchange_log.checkpoint import read_checkpoint, read_note, signed_by_log
from gateway.exchange_log.merkle import Tree, inclusion_proof, leaf_hash, verify_inclusion
from gateway.exchange_log.sequence import LogBroken, Sequencer, log_keys, stored_nodes
from gateway.flow.record import GATEWAY, event
from gateway.model.event import EventType
from gateway.signature.keyring import LOG
from gateway.store import events, log
from gateway.store.contract import Store, StoreFull, Tx, Unit
from tests.world import World


class Died(Exception):
    """The process is gone."""


@dataclass
class Mortal:
    """A store whose process dies right before or right after its n-th commit."""

    inner: Store
    dies_at: int
    after: bool
    commits: int = field(default=0)

    @property
    def engine(self) -> str:
        return self.inner.engine

    async def write(self, unit: Unit[Any]) -> Any:
        self.commits += 1
        if self.commits == self.dies_at and not self.after:
            raise Died
        value = await self.inner.write(unit)
        if self.commits == self.dies_at:
            raise Died
        return value

    async def read(self, unit: Unit[Any]) -> Any:
        return await self.inner.read(unit)

    async def describe(self) -> dict[str, str | int]:
        return await self.inner.describe()

    async def close(self) -> None:
        await self.inner.close()


def sequencer(world: World, store: Store | None = None) -> Sequencer:
    gw = world.gw
    return Sequencer(store or gw.store, gw.keyring, gw.clock, world.home / "log")


async def record(world: World, count: int) -> None:
    def unit(tx: Tx) -> None:
        for number in range(count):
            at = world.clock.now()
            events.record(tx, event(world.gw, EventType.PERSON_VIEWED, GATEWAY, at, facts={"number": number}))

    await world.gw.store.write(unit)


async def leaves(world: World) -> list[log.Entry]:
    return await world.gw.store.read(lambda tx: log.entries(tx, 0, 1_000_000))


async def is_whole(world: World) -> bool:
    """Every event has exactly one leaf, the newest head covers all, and nothing is out of step."""
    found = await leaves(world)
    state = await world.gw.store.read(log.state)
    head = await world.gw.store.read(log.published)
    count = len(await world.event_types())
    tree = Tree(leaf_hash(entry.body) for entry in found)
    assert head is not None
    laid_out = read_note((world.home / "log" / "checkpoint").read_text())
    return (
        [entry.leaf for entry in found] == list(range(count))
        and len({entry.event for entry in found}) == count
        and state.sequenced == state.integrated == head.size == count
        and head.root == tree.root()
        and read_checkpoint(laid_out.text).root == tree.root()
        and signed_by_log(laid_out, log_keys(world.gw.keyring))
    )


async def test_every_event_gets_one_leaf_by_time_and_the_head_covers_all(world: World) -> None:
    await world.send("H37")
    steps = sequencer(world)
    await steps.catch_up()
    await steps.publish()
    assert await is_whole(world)
    bodies = [row["id"] for row in await world.rows("events_after", at=0, id="", limit=10_000)]
    assert [entry.event for entry in await leaves(world)] == bodies


async def test_an_event_that_is_committed_late_with_an_earlier_time_still_gets_its_leaf(world: World) -> None:
    early = event(world.gw, EventType.PERSON_VIEWED, GATEWAY, world.clock.now())
    await record(world, 3)
    steps = sequencer(world)
    await steps.catch_up()
    await world.gw.store.write(lambda tx: events.record(tx, early))
    await steps.catch_up()
    await steps.publish()
    assert (await leaves(world))[-1].event == early.id
    assert await is_whole(world)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("dies_at", range(1, 9))
async def test_a_process_that_dies_at_any_commit_leaves_a_log_that_goes_on(
    world: World, dies_at: int, after: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Batches of 300: steps cross the border of 256 leaves and several commits."""
    monkeypatch.setattr(sequence, "BATCH", 300)
    await record(world, 700)
    mortal = Mortal(world.gw.store, dies_at, after)
    with pytest.raises(Died):
        await run(sequencer(world, mortal))
    world.clock.jump_to(type(world.clock.now())(world.clock.now() + 20 * SECOND))
    await record(world, 5)
    await run(sequencer(world))
    assert await is_whole(world)


async def run(steps: Sequencer) -> None:
    """All steps as the loop does them; a death between them is one before the next commit."""
    await steps.catch_up()
    await steps.publish()


async def test_a_step_that_is_repeated_changes_nothing(world: World) -> None:
    await record(world, 300)
    steps = sequencer(world)
    await run(steps)
    before = [await world.rows("checkpoints_after", number=0, limit=9), await leaves(world)]
    assert await steps.sequence() == 0
    assert await steps.integrate() == 0
    await steps.publish()
    assert [await world.rows("checkpoints_after", number=0, limit=9), await leaves(world)] == before


async def test_an_empty_log_has_no_head(store: Store, tmp_path: Path, world: World) -> None:
    steps = sequencer(world)
    assert await steps.publish() is None


async def test_several_nodes_may_do_a_step_each(world: World) -> None:
    """Nobody waits for a node that died between two steps."""
    await record(world, 5)
    first, second = sequencer(world), sequencer(world)
    await first.sequence(2)
    await second.sequence()
    await first.integrate()
    await run(second)
    assert await is_whole(world)


async def test_two_nodes_that_sign_at_the_same_moment_publish_one_head(world: World) -> None:
    await record(world, 5)
    await sequencer(world).catch_up()

    class Overtaken(Mortal):
        async def write(self, unit: Unit[Any]) -> Any:
            await sequencer(world).publish()
            return await self.inner.write(unit)

    with pytest.raises(log.Taken):
        await sequencer(world, Overtaken(world.gw.store, 0, False)).publish()
    assert len(await world.rows("checkpoints_after", number=0, limit=9)) == 1
    assert await is_whole(world)


async def test_two_processes_that_read_at_the_same_moment_cannot_both_write(world: World) -> None:
    """The second one's commit finds that the log was moved, and keeps nothing."""
    await record(world, 5)

    class Overtaken(Mortal):
        async def write(self, unit: Unit[Any]) -> Any:
            await sequencer(world).catch_up()
            return await self.inner.write(unit)

    with pytest.raises(log.Taken):
        await sequencer(world, Overtaken(world.gw.store, 0, False)).sequence()
    await sequencer(world).publish()
    assert await is_whole(world)


async def test_a_head_that_another_node_lays_out_meanwhile_is_no_sign_of_lost_rows(world: World) -> None:
    """Nodes of one machine share the folder of published heads."""
    await record(world, 5)
    await run(sequencer(world))
    await record(world, 5)

    class Overtaken(Mortal):
        looks = 0

        async def read(self, unit: Unit[Any]) -> Any:
            found = await self.inner.read(unit)
            self.looks += 1
            if self.looks == 1:  # of the state, from which the next head is signed
                await record(world, 3)
                await run(sequencer(world))
            return found

    await sequencer(world).catch_up()
    with pytest.raises(log.Taken):
        await sequencer(world, Overtaken(world.gw.store, 0, False)).publish()
    await sequencer(world).publish()
    assert await is_whole(world)


async def test_proofs_from_the_stored_tree_hold(world: World) -> None:
    await record(world, 600)
    steps = sequencer(world)
    await run(steps)
    entries = await leaves(world)
    tree = Tree(entry.hash for entry in entries)
    for leaf in (0, 255, 256, 511, 512, len(entries) - 1):
        proof = await world.gw.store.read(
            lambda tx, at=leaf: inclusion_proof(stored_nodes(tx), at, len(entries))  # type: ignore[misc]
        )
        assert proof == tree.inclusion_proof(leaf)
        assert verify_inclusion(entries[leaf].hash, leaf, len(entries), proof, tree.root())


async def test_a_disk_that_is_full_while_publishing_loses_no_head(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await record(world, 5)
    steps = sequencer(world)
    await steps.catch_up()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            await steps.publish()
    waiting = await world.gw.store.read(log.last)
    assert waiting is not None
    assert waiting.published_at is None
    assert await world.gw.store.read(log.published) is None
    assert not (world.home / "log" / "checkpoint").exists()
    await steps.publish()
    assert await is_whole(world)
    assert len(await world.rows("checkpoints_after", number=0, limit=9)) == 1


async def test_a_database_that_is_full_while_sequencing_loses_no_event(world: World) -> None:
    await record(world, 5)

    class Full(Mortal):
        async def write(self, unit: Unit[Any]) -> Any:
            raise StoreFull(retry_after=60)

    with pytest.raises(StoreFull):
        await sequencer(world, Full(world.gw.store, 0, False)).sequence()
    await run(sequencer(world))
    assert await is_whole(world)


async def test_an_old_copy_of_the_database_cannot_begin_a_second_history(world: World) -> None:
    """What was published lies outside: with fewer events than that, no head is signed."""
    await record(world, 5)
    steps = sequencer(world)
    await run(steps)
    published = (world.home / "log" / "checkpoint").read_text()
    forged = read_checkpoint(read_note(published).text)
    later = type(forged)(forged.origin, forged.size + 100, bytes(32))
    (world.home / "log" / "checkpoint").write_text(published.replace(forged.text(), later.text()))
    await record(world, 1)
    await steps.catch_up()
    with pytest.raises(LogBroken) as caught:
        await steps.publish()
    assert caught.value.code == "log.truncated"


async def test_a_history_other_than_the_published_one_is_not_signed(world: World) -> None:
    await record(world, 5)
    steps = sequencer(world)
    await run(steps)
    published = (world.home / "log" / "checkpoint").read_text()
    forged = read_checkpoint(read_note(published).text)
    other = type(forged)(forged.origin, forged.size, bytes(32))
    (world.home / "log" / "checkpoint").write_text(published.replace(forged.text(), other.text()))
    await record(world, 1)
    await steps.catch_up()
    with pytest.raises(LogBroken) as caught:
        await steps.publish()
    assert caught.value.code == "log.forked"


async def test_a_new_log_key_goes_on_under_the_same_origin(world: World) -> None:
    await record(world, 5)
    steps = sequencer(world)
    await run(steps)
    first = await world.gw.store.read(log.published)
    world.gw.keyring.rotate_note_key(LOG, world.clock.now())
    await record(world, 5)
    await run(steps)
    second = await world.gw.store.read(log.published)
    assert first is not None
    assert second is not None
    newest, oldest = log_keys(world.gw.keyring)
    assert signed_by_log(read_note(second.note), [newest])
    assert not signed_by_log(read_note(second.note), [oldest])
    assert signed_by_log(read_note(first.note), [oldest])
    assert newest.name == oldest.name
