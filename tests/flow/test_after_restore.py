"""A gateway whose database is older than what it published: it stops, and goes on only in a new epoch."""

from __future__ import annotations

import io
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway import app
from gateway.clock import SECOND
from gateway.errors import BadRequest, NotReady, WrongState
from gateway.exchange_log.checkpoint import read_checkpoint, read_note, sign
from gateway.exchange_log.epochs import Chain, Epoch
from gateway.exchange_log.replay import DoesNotFit, Report
from gateway.exchange_log.sequence import LogBroken, checkpoint_of, log_keys, log_origin, log_signer
from gateway.exchange_log.verify import verify_export
from gateway.flow.log import consistency
from gateway.flow.log_export import export_log
from gateway.flow.log_verify import Verified, verify_store
from gateway.flow.operate import LOCAL, run
from gateway.flow.receipts import receipt_proof
from gateway.flow.record import GATEWAY, event
from gateway.flow.recovery import must_be_settled, open_epoch
from gateway.model.event import EventType
from gateway.store import epochs, events, log
from gateway.store.contract import Tx
from tests.flow.installation import Installation
from tests.world import World, make_envelope

WHY = "Hỏng ổ đĩa"


@pytest.fixture
async def site(
    engine: str, database_url: str, tmp_path: Path, request: pytest.FixtureRequest
) -> AsyncIterator[Installation]:
    dsn = request.getfixturevalue("postgres_dsn") if engine == "postgres" else ""
    made = Installation(tmp_path / "home", database_url, dsn)
    await made.make()
    yield made
    made.drop_copies()


async def go_on(world: World, count: int = 3) -> str:
    """Record and publish more; the note."""

    def unit(tx: Tx) -> None:
        for number in range(count):
            at, told = world.clock.now(), {"number": number}
            events.record(tx, event(world.gw, EventType.PERSON_VIEWED, GATEWAY, at, facts=told))

    await world.gw.store.write(unit)
    head = await world.gw.sequencer.advance(publish=True)
    assert head is not None
    return head.note


@dataclass
class Loss:
    """The checkpoints at the moment of the backup and at that of the loss."""

    at_backup: str
    last: str

    @property
    def missing(self) -> int:
        return size_of(self.last) - size_of(self.at_backup)


async def lose(site: Installation, tmp_path: Path, *, published: bool = True, name: str = "backup") -> Loss:
    """A backup, more work, and the backup put back."""
    async with site.opened() as world:
        at_backup = await go_on(world, 300)
    site.copy(tmp_path / name)
    async with site.opened() as world:
        await go_on(world, 100)
        last = await go_on(world, 150)
    site.put_back(tmp_path / name, published=published)
    return Loss(at_backup, last)


def size_of(note: str) -> int:
    return read_checkpoint(read_note(note).text).size


def origin_of(note: str) -> str:
    return read_checkpoint(read_note(note).text).origin


async def verified(world: World, *given: str) -> Verified:
    return await verify_store(world.gw, log_keys(world.gw.keyring), given)


async def exported(world: World, start: int = 0) -> bytes:
    return b"".join([part async for part in export_log(world.gw, start)])


def replayed(world: World, data: bytes, *given: str) -> Report:
    return verify_export(io.BytesIO(data), log_keys(world.gw.keyring), world.clock.now() / SECOND, given)


async def test_a_server_on_an_older_database_does_not_start_and_says_what_to_do(
    site: Installation, tmp_path: Path
) -> None:
    await lose(site, tmp_path)
    with pytest.raises(NotReady) as caught:
        async with app.running(site.home, site.config, site.clock):
            pass
    assert caught.value.code == "log.restored"
    assert "gateway recovery accept" in caught.value.text.vi


async def test_no_command_accepts_anything_on_an_older_database(site: Installation, tmp_path: Path) -> None:
    envelope = tmp_path / "one.edxml"
    envelope.write_bytes(make_envelope("H37", ["H37.03"]))
    await lose(site, tmp_path)
    async with site.opened() as world:
        given = {"agency": "H37", "path": str(envelope)}
        with pytest.raises(NotReady) as caught:
            await run(world.gw, "document.send", given)
        assert caught.value.code == "log.restored"
        await open_epoch(world.gw, LOCAL, WHY)
        assert (await run(world.gw, "document.send", given))["receipt"]


async def test_an_older_database_gives_no_leaf_before_the_epoch_is_opened(
    site: Installation, tmp_path: Path
) -> None:
    await lose(site, tmp_path)
    async with site.opened() as world:
        before = await world.gw.store.read(log.state)
        with pytest.raises(LogBroken):
            await go_on(world)
        assert await world.gw.store.read(log.state) == before


async def test_the_log_goes_on_under_a_name_that_was_never_used_and_both_epochs_verify(
    site: Installation, tmp_path: Path
) -> None:
    loss = await lose(site, tmp_path)
    async with site.opened() as world:
        opened = await open_epoch(world.gw, LOCAL, WHY)
        await go_on(world, 300)
        await must_be_settled(world.gw)
        found = await verified(world, loss.at_backup, loss.last)
    assert opened["origin"].startswith(f"{origin_of(loss.last)}/e2-")
    assert found.problem is None
    assert found.report is not None
    assert [(one.origin, one.first, one.last) for one in found.report.missing] == [
        (origin_of(loss.last), size_of(loss.at_backup), size_of(loss.last))
    ]


async def test_the_first_leaf_of_the_epoch_names_the_checkpoint_that_was_given_up(
    site: Installation, tmp_path: Path
) -> None:
    loss = await lose(site, tmp_path)
    async with site.opened() as world:
        await open_epoch(world.gw, LOCAL, WHY)
        [opening] = await world.gw.store.read(epochs.openings)
        place = opening.leaf
        [first] = await world.gw.store.read(lambda tx: log.entries(tx, place, place + 1))
        reason = await world.gw.store.read(lambda tx: events.private_values(tx, first.event))
    told = json.loads(first.body)
    assert place == size_of(loss.at_backup)
    assert (told["before"], told["missing"], told["stood"]) == (loss.last, loss.missing, place)
    assert reason == {"reason": WHY}


async def test_heads_of_before_the_backup_are_proved_consistent_with_the_new_epoch(
    site: Installation, tmp_path: Path
) -> None:
    loss = await lose(site, tmp_path)
    async with site.opened() as world:
        await open_epoch(world.gw, LOCAL, WHY)
        note = await go_on(world)
        proof = await consistency(world.gw, size_of(loss.at_backup), size_of(note))
    assert proof


async def test_an_export_tells_of_its_epochs_and_verifies_without_the_gateway(
    site: Installation, tmp_path: Path
) -> None:
    loss = await lose(site, tmp_path)
    async with site.opened() as world:
        await open_epoch(world.gw, LOCAL, WHY)
        await go_on(world)
        data = await exported(world)
        report = replayed(world, data, loss.last)
        with pytest.raises(DoesNotFit) as caught:
            replayed(world, data.replace(b'"shared":', b'"shared":1', 1), loss.last)
        later = replayed(world, await exported(world, 256))
    assert [(one.first, one.last) for one in report.missing] == [
        (size_of(loss.at_backup), size_of(loss.last))
    ]
    assert caught.value.problem.what in {"epoch", "unreadable"}
    assert later.leaves == report.leaves


async def test_an_epoch_that_no_event_opened_is_not_believed(site: Installation, tmp_path: Path) -> None:
    """Whoever cuts a log off cannot explain it by a header."""
    loss = await lose(site, tmp_path)
    async with site.opened() as world:
        data = await exported(world)
        first = log_origin(world.gw.keyring)
        claim = {"origin": f"{first}/e2-00000000", "shared": 10, "leaf": 20, "before": first}
        forged = data.replace(b'"keys":', b'"epochs":[' + json.dumps(claim).encode() + b'],"keys":', 1)
        with pytest.raises(DoesNotFit) as caught:
            replayed(world, forged, loss.last)
    assert caught.value.problem.what == "epoch"


@pytest.mark.parametrize("where", ["epoch 1", "epoch 2", "given up"])
async def test_a_fork_within_one_epoch_is_still_found(site: Installation, tmp_path: Path, where: str) -> None:
    loss = await lose(site, tmp_path)
    async with site.opened() as world:
        opened = await open_epoch(world.gw, LOCAL, WHY)
        note = await go_on(world)
        keyring, now = world.gw.keyring, world.clock.now()
        origin, size = {
            "epoch 1": (origin_of(loss.last), size_of(loss.at_backup)),
            "epoch 2": (opened["origin"], size_of(note)),
            "given up": (origin_of(loss.last), size_of(loss.last)),
        }[where]
        head = checkpoint_of(keyring, size, bytes(32), now, "", origin)
        other = str(sign(head, *log_signer(keyring, origin)))
        found = await verified(world, other)
    assert found.problem is not None
    assert (found.problem.what, found.problem.position) == ("forked", size)


async def test_a_head_of_an_epoch_that_was_never_opened_is_of_another_log(
    site: Installation, tmp_path: Path
) -> None:
    await lose(site, tmp_path)
    async with site.opened() as world:
        await open_epoch(world.gw, LOCAL, WHY)
        keyring = world.gw.keyring
        origin = f"{log_origin(keyring)}/e2-00000000"
        head = checkpoint_of(keyring, 5, bytes(32), world.clock.now(), "", origin)
        found = await verified(world, str(sign(head, *log_signer(keyring, origin))))
    assert found.problem is not None
    assert found.problem.what == "foreign"


async def test_a_receipt_of_the_first_epoch_is_proved_under_a_head_of_the_second(
    site: Installation, tmp_path: Path
) -> None:
    async with site.opened() as world:
        sent = await world.send("H37")
    await lose(site, tmp_path)
    async with site.opened() as world:
        opened = await open_epoch(world.gw, LOCAL, WHY)
        again = await world.send("H37", number="363")
        await world.gw.sequencer.advance(publish=True)
        first = await receipt_proof(world.gw, LOCAL, sent.receipt)
        second = await receipt_proof(world.gw, LOCAL, again.receipt)
    assert origin_of(first.attachment.note) == log_origin(world.gw.keyring)
    assert origin_of(second.attachment.note) == opened["origin"]
    assert (first.judged.problem, second.judged.problem) == ("timestamp.off", "timestamp.off")


async def test_a_second_restore_opens_a_third_epoch(site: Installation, tmp_path: Path) -> None:
    """Of the backup from before the second: the database does not know that there was one."""
    loss = await lose(site, tmp_path)
    async with site.opened() as world:
        second = await open_epoch(world.gw, LOCAL, WHY)
        last = await go_on(world, 400)
    site.put_back(tmp_path / "backup")
    async with site.opened() as world:
        third = await open_epoch(world.gw, LOCAL, WHY)
        await go_on(world)
        found = await verified(world, loss.at_backup, loss.last, last)
    assert second["origin"] != third["origin"]
    assert "/e3-" in third["origin"]
    assert found.problem is None
    assert found.report is not None
    assert {one.origin for one in found.report.missing} == {origin_of(loss.last), second["origin"]}


async def test_a_log_that_lost_nothing_opens_no_epoch(site: Installation) -> None:
    async with site.opened() as world:
        await go_on(world)
        with pytest.raises(WrongState):
            await open_epoch(world.gw, LOCAL, WHY)
        with pytest.raises(BadRequest):
            await open_epoch(world.gw, LOCAL, " ")


async def test_where_the_published_heads_are_lost_too_a_witness_brings_them(
    site: Installation, tmp_path: Path
) -> None:
    loss = await lose(site, tmp_path, published=False)
    async with site.opened() as world:
        await must_be_settled(world.gw)  # nothing here tells that the database is old
        opened = await open_epoch(world.gw, LOCAL, WHY, [loss.last])
        found = await verified(world, loss.last)
    assert opened["missing"] == loss.missing
    assert found.problem is None


async def test_a_database_that_restore_wrote_waits_for_the_epoch(site: Installation, tmp_path: Path) -> None:
    await lose(site, tmp_path, published=False)
    (site.home / "restored.json").write_text('{"backup_at": "2020-04-13T10:00:00+07:00"}')
    async with site.opened() as world:
        with pytest.raises(NotReady):
            await must_be_settled(world.gw)
        await open_epoch(world.gw, LOCAL, WHY)
        await must_be_settled(world.gw)
        [opening] = await world.gw.store.read(epochs.openings)
    assert (site.home / f"restored-e{opening.number}.json").exists()


def test_epochs_of_different_logs_are_no_chain() -> None:
    with pytest.raises(ValueError, match="no later epoch"):
        Chain("a/1", [Epoch("b/1/e2-00000000", 1, 1, "a/1")])
