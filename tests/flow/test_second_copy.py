"""What followed an older backup: kept on a second disk, taken back under the same ids, or listed as lost."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from adapters.vxp.axis import Axis
from adapters.vxp.client import VxpClient
from gateway.clock import SECOND
from gateway.delivery.collect import Collecting
from gateway.delivery.janitor import Janitor
from gateway.delivery.worker import Worker
from gateway.directory.changes import merge
from gateway.directory.data import DirectoryData
from gateway.errors import BadRequest, NotReady, WrongState
from gateway.exchange_log import plain_verifier
from gateway.exchange_log.container import unpack
from gateway.exchange_log.evidence_check import check_container
from gateway.exchange_log.sequence import log_keys
from gateway.flow import office
from gateway.flow.evidence import export_evidence, public_keys, trusted_of
from gateway.flow.log_export import export_log
from gateway.flow.log_verify import verify_store
from gateway.flow.operate import LOCAL, run
from gateway.flow.receipts import receipt_proof
from gateway.flow.recovered import accept_restore, reconcile, restore_report
from gateway.flow.recovery import must_be_settled
from gateway.flow.second_copy import NoSecondCopy, settle_left
from gateway.model.text import Instant
from gateway.net import Net
from gateway.practice.axis import SimulatedAxis
from gateway.store.second_copy import MARK, _parts, read_copy
from tests.flow.axis_bed import BEYOND, MINISTRY, PROVINCE, Bed, connect
from tests.flow.installation import Installation
from tests.world import AGENCIES, make_envelope

WHY = "Hỏng ổ đĩa"
LARGE = {"bản.pdf": b"%PDF-1.7\n" + bytes(60_000)}


@pytest.fixture
async def site(
    engine: str, database_url: str, tmp_path: Path, request: pytest.FixtureRequest
) -> AsyncIterator[Installation]:
    dsn = request.getfixturevalue("postgres_dsn") if engine == "postgres" else ""
    (tmp_path / "second").mkdir()
    made = Installation(tmp_path / "home", database_url, dsn, str(tmp_path / "second"))
    await made.make()
    async with made.opened() as world:
        await run(world.gw, "recovery.prepare", {})
    yield made
    made.drop_copies()


async def backed_up(site: Installation, tmp_path: Path) -> None:
    async with site.opened() as world:
        await world.send("H37", number="1")
        await world.gw.sequencer.advance(publish=True)
    site.copy(tmp_path / "backup")


def copies(site: Installation) -> list[Path]:
    return sorted(Path(site.second_copy).glob("*/*.copy"))


async def test_an_acceptance_is_on_the_second_disk_when_it_is_answered(site: Installation) -> None:
    async with site.opened() as world:
        sent = await world.send("H37", files=LARGE)
        [file] = copies(site)
        copy = read_copy(file)
    assert (copy.message, len(copy.files)) == (sent.message, 1)
    assert b"362/UBND-KGVX" not in file.read_bytes()  # what it says is encrypted


async def test_a_status_is_on_the_second_disk_too(site: Installation) -> None:
    async with site.opened() as world:
        await world.send("H37", document_id="H37,2020/04/13,362/UBND-KGVX")
        told = await world.report("H37.03", "03", "H37,2020/04/13,362/UBND-KGVX")
        assert told.message in {read_copy(file).message for file in copies(site)}


async def test_without_the_second_disk_nothing_is_acknowledged_and_nothing_is_taken(
    site: Installation,
) -> None:
    (Path(site.second_copy) / MARK).unlink()
    async with site.opened() as world:
        with pytest.raises(NoSecondCopy) as caught:
            await world.send("H37")
        assert "document.accepted" not in await world.event_types()
    assert caught.value.http_status == 503
    assert caught.value.retry_after > 0


async def test_a_message_whose_copy_failed_is_acknowledged_when_it_comes_again(
    site: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with site.opened() as world:
        assert world.gw.second is not None
        with monkeypatch.context() as patch:
            patch.setattr("gateway.store.second_copy.os.fsync", _full)
            with pytest.raises(NoSecondCopy):
                await world.send("H37")
            with pytest.raises(NoSecondCopy):
                await world.send("H37")
        again = await world.send("H37")
        [file] = copies(site)
    assert again.repeated
    assert read_copy(file).message == again.message


def _full(descriptor: int) -> None:
    raise OSError(28, "No space left on device")


async def test_a_process_that_died_before_the_copy_writes_it_at_its_next_start(
    site: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with site.opened() as world:
        with monkeypatch.context() as patch:
            patch.setattr("gateway.store.second_copy.os.fsync", _full)
            with pytest.raises(NoSecondCopy):
                await world.send("H37")
    async with site.opened() as world:
        assert await settle_left(world.gw) == 1
        assert await settle_left(world.gw) == 0
    assert len(copies(site)) == 1


async def test_rows_of_written_copies_are_forgotten(site: Installation) -> None:
    async with site.opened() as world:
        for number in range(4):
            await world.send("H37", number=str(number))
        left = await world.rows("second_copy_due", limit=100)
    assert len(left) == 1  # that of the newest, which the next acceptance takes along


async def test_a_lost_message_is_accepted_again_under_the_same_ids(
    site: Installation, tmp_path: Path
) -> None:
    await backed_up(site, tmp_path)
    async with site.opened() as world:
        sent = await world.send("H37", to=["H37.03", "H37.05"], number="2", files=LARGE)
        ids = {one.delivery for code in ("H37.03", "H37.05") for one in await world.waiting(code)}
        taken = (await world.fetch("H37.05"))[-1]
        await world.gw.sequencer.advance(publish=True)
    site.put_back(tmp_path / "backup")
    async with site.opened() as world:
        answer = await accept_restore(world.gw, LOCAL, WHY)
        await must_be_settled(world.gw)
        back = {one.delivery for code in ("H37.03", "H37.05") for one in await world.waiting(code)}
        again = [one for one in await world.fetch("H37.05") if one.item.delivery == taken.item.delivery]
        proof = await receipt_proof(world.gw, LOCAL, sent.receipt)
        repeated = await world.send("H37", to=["H37.03", "H37.05"], number="2", files=LARGE)
        found = await verify_store(world.gw, log_keys(world.gw.keyring))
    assert answer["reconciled"]["counts"] == {"recovered": 1, "lost": 0, "repeated": 0, "partner_has": 0}
    assert ids <= back
    assert [one.data for one in again] == [taken.data]
    assert proof.jws == sent.jws == repeated.jws
    assert repeated.repeated
    assert found.problem is None


async def test_evidence_of_a_document_that_came_back_holds_for_who_has_the_old_keys(
    site: Installation, tmp_path: Path
) -> None:
    await backed_up(site, tmp_path)
    async with site.opened() as world:
        keys = (await public_keys(world.gw, LOCAL))["keys"]
        await world.send("H37", document_id="H37,2020/04/13,9/UBND")
        await world.gw.sequencer.advance(publish=True)
    site.put_back(tmp_path / "backup")
    async with site.opened() as world:
        await accept_restore(world.gw, LOCAL, WHY)
        made = await export_evidence(world.gw, world.caller("H37"), "H37,2020/04/13,9/UBND")
        checked = check_container(made.data, trusted_of(world.gw.keyring), world.clock.now())
    assert checked.holds, [row for row in checked.rows if row.holds is False]
    assert any("under a signed head" in line for line in plain_verifier.run(made.data, keys))
    origin = unpack(made.data)["log/checkpoint.txt"].decode().partition("\n")[0]
    assert "/e2-" in origin


async def test_what_came_after_a_lost_message_comes_back_in_its_order(
    site: Installation, tmp_path: Path
) -> None:
    await backed_up(site, tmp_path)
    async with site.opened() as world:
        name = "H37,2020/04/13,7/UBND"
        await world.send("H37", document_id=name)
        site.clock.jump_to(Instant(site.clock.now() + 60 * SECOND))
        told = await world.report("H37.03", "03", name)
        await world.gw.sequencer.advance(publish=True)
    site.put_back(tmp_path / "backup")
    async with site.opened() as world:
        answer = await accept_restore(world.gw, LOCAL, WHY)
        proof = await receipt_proof(world.gw, LOCAL, told.receipt)
    assert answer["reconciled"]["counts"]["recovered"] == 2
    assert proof.jws == told.jws


async def test_taking_back_twice_changes_nothing(site: Installation, tmp_path: Path) -> None:
    await backed_up(site, tmp_path)
    async with site.opened() as world:
        await world.send("H37", number="2")
        await world.gw.sequencer.advance(publish=True)
    site.put_back(tmp_path / "backup")
    async with site.opened() as world:
        await accept_restore(world.gw, LOCAL, WHY)
        before = await world.event_types()
        await reconcile(world.gw, LOCAL)
        after = await world.event_types()
    assert [kind for kind in after if kind not in before] == []
    assert after.count("message.restored") == before.count("message.restored") == 1


async def test_without_the_copy_an_exported_log_names_the_receipts_that_cannot_be_honoured(
    site: Installation, tmp_path: Path
) -> None:
    await backed_up(site, tmp_path)
    async with site.opened() as world:
        sent = await world.send("H37", number="2")
        await world.gw.sequencer.advance(publish=True)
        data = b"".join([part async for part in export_log(world.gw)])
    (tmp_path / "log.txt").write_bytes(data)
    shutil.rmtree(Path(site.second_copy))
    site.put_back(tmp_path / "backup")
    async with site.opened() as world:
        await accept_restore(world.gw, LOCAL, WHY)
        found = await reconcile(world.gw, LOCAL, [str(tmp_path / "log.txt")])
        [item] = (await restore_report(world.gw, LOCAL))["items"]
    assert found["counts"]["lost"] == 1
    assert (item["receipt"], item["sender"], item["fate"]) == (sent.receipt, "H37", "lost")
    assert "gửi lại" in item["to_do"]["vi"]


async def test_a_sender_who_hands_a_lost_message_in_again_gets_a_new_receipt(
    site: Installation, tmp_path: Path
) -> None:
    await backed_up(site, tmp_path)
    async with site.opened() as world:
        sent = await world.send("H37", number="2")
        await world.gw.sequencer.advance(publish=True)
    second = tmp_path / "aside"
    shutil.copytree(Path(site.second_copy), second)
    for file in copies(site):
        file.unlink()
    site.put_back(tmp_path / "backup")
    async with site.opened() as world:
        await accept_restore(world.gw, LOCAL, WHY)
        again = await world.send("H37", number="2")
        shutil.copytree(second, Path(site.second_copy), dirs_exist_ok=True)  # found after all
        found = await reconcile(world.gw, LOCAL)
    assert not again.repeated
    assert again.receipt != sent.receipt
    assert found["counts"] == {"recovered": 0, "lost": 0, "repeated": 1, "partner_has": 0}


async def test_a_damaged_copy_is_listed_and_the_others_come_back(site: Installation, tmp_path: Path) -> None:
    await backed_up(site, tmp_path)
    async with site.opened() as world:
        await world.send("H37", number="2")
        await world.send("H37", number="3")
        await world.gw.sequencer.advance(publish=True)
    damaged = copies(site)[-1]
    damaged.write_bytes(damaged.read_bytes()[:-1])
    site.put_back(tmp_path / "backup")
    async with site.opened() as world:
        answer = await accept_restore(world.gw, LOCAL, WHY)
    counts = answer["reconciled"]["counts"]
    assert (counts["recovered"], counts["lost"]) == (1, 1)


async def test_a_copy_given_another_payload_is_listed_and_not_taken_for_the_document(
    site: Installation, tmp_path: Path
) -> None:
    """By somebody who can write to the second disk: its digest needs no key. A file of his
    own beside it keeps nothing else from coming back."""
    await backed_up(site, tmp_path)
    async with site.opened() as world:
        await world.send("H37", number="2", files=LARGE)
        name = "H37,2020/04/13,7/UBND"
        await world.send("H37", document_id=name)
        await world.gw.sequencer.advance(publish=True)
    large = next(file for file in copies(site) if read_copy(file).files)
    copy = read_copy(large)
    [(file, sealed)] = copy.files
    forged = replace(copy, files=[(file, bytes(len(sealed)))])
    body = b"".join(_parts(forged))
    large.write_bytes(body)
    (large.parent / "của tôi.copy").write_bytes(b"hello")
    site.put_back(tmp_path / "backup")
    async with site.opened() as world:
        answer = await accept_restore(world.gw, LOCAL, WHY)
        assert not (world.gw.blobs.payloads / file).exists()
    counts = answer["reconciled"]["counts"]
    assert (counts["recovered"], counts["lost"]) == (1, 2)


async def test_the_report_is_signed_and_its_hash_is_in_the_log(site: Installation, tmp_path: Path) -> None:
    await backed_up(site, tmp_path)
    async with site.opened() as world:
        await world.send("H37", number="2")
        await world.gw.sequencer.advance(publish=True)
    site.put_back(tmp_path / "backup")
    async with site.opened() as world:
        await accept_restore(world.gw, LOCAL, WHY)
        report = await restore_report(world.gw, LOCAL)
        recorded = await world.event_types()
    assert report["reason"] == WHY
    assert report["jws"].count(".") == 2
    assert "restore.recorded" in recorded


async def test_the_second_disk_tells_of_a_loss_of_the_first(site: Installation, tmp_path: Path) -> None:
    """Nothing on the first disk says that the database is old; the checkpoint on the second does."""
    await backed_up(site, tmp_path)
    async with site.opened() as world:
        await world.send("H37", number="2")
        await world.gw.sequencer.advance(publish=True)
    site.put_back(tmp_path / "backup", published=False)
    async with site.opened() as world:
        with pytest.raises(NotReady, match=r"log\.restored"):
            await must_be_settled(world.gw)


async def test_old_copies_are_pruned(site: Installation) -> None:
    async with site.opened() as world:
        await world.send("H37", number="1")
        site.clock.jump_to(Instant(site.clock.now() + 60 * SECOND))
        now = world.clock.now()
        await world.send("H37", number="2")
        answer = await run(world.gw, "recovery.prune", {"before": now})
    assert answer == {"pruned": 1}
    assert len(copies(site)) == 1


async def test_nothing_is_reconciled_where_nothing_was_restored(site: Installation) -> None:
    async with site.opened() as world:
        with pytest.raises(WrongState):
            await reconcile(world.gw, LOCAL)


async def test_a_log_of_another_gateway_is_refused(site: Installation, tmp_path: Path) -> None:
    await backed_up(site, tmp_path)
    async with site.opened() as world:
        await world.send("H37", number="2")
        await world.gw.sequencer.advance(publish=True)
        data = b"".join([part async for part in export_log(world.gw)])
    site.put_back(tmp_path / "backup")
    (tmp_path / "log.txt").write_bytes(data.replace(b"document.accepted", b"document.excepted", 1))
    async with site.opened() as world:
        await accept_restore(world.gw, LOCAL, WHY)
        with pytest.raises(BadRequest):
            await reconcile(world.gw, LOCAL, [str(tmp_path / "log.txt")])


# ---------------------------------------------------------------- an axis that says done already


@dataclass
class Beside:
    """A simulated axis beside an installation that may lose its disk."""

    axis: SimulatedAxis
    net: Net
    site: Installation

    @contextlib.asynccontextmanager
    async def opened(self) -> AsyncIterator[Bed]:
        async with self.site.opened() as world:
            kind = Axis(self.net, self.site.clock)
            world.gw.kinds = {**world.gw.kinds, Axis.kind: False}
            world.gw.collectors = {Axis.kind: kind}
            secret = (self.axis.url, MINISTRY.system_id, MINISTRY.secret)
            ministry = VxpClient(self.net, *secret, self.site.clock)
            worker = Worker(world.gw, {Axis.kind: kind})
            yield Bed(world, self.axis, self.net, worker, Collecting(world.gw), ministry)


@pytest.fixture
async def beside(site: Installation) -> AsyncIterator[Beside]:
    net = Net("127.0.0.0/8", 5)
    async with SimulatedAxis([PROVINCE, MINISTRY], clock=site.clock) as axis:
        made = Beside(axis, net, site)
        async with made.opened() as bed:
            await office.import_directory(
                bed.world.gw, LOCAL, merge(DirectoryData(AGENCIES), BEYOND), apply=True
            )
            await connect(bed.world, axis.url)
        yield made
    await net.close()


async def test_what_an_axis_took_from_us_after_the_backup_is_named(beside: Beside, tmp_path: Path) -> None:
    await backed_up(beside.site, tmp_path)
    async with beside.opened() as bed:
        await bed.world.send("H37", ["G09.01"], number="2")
        await bed.carry()
        await bed.world.gw.sequencer.advance(publish=True)
    for file in copies(beside.site):
        file.unlink()
    beside.site.put_back(tmp_path / "backup")
    async with beside.opened() as bed:
        await accept_restore(bed.world.gw, LOCAL, WHY)
        found = await reconcile(bed.world.gw, LOCAL)
        [item] = (await restore_report(bed.world.gw, LOCAL))["items"]
    assert found["counts"]["partner_has"] == 1
    assert (item["fate"], item["sender"]) == ("partner_has", "H37")
    assert "G09.01" in item["detail"]


async def test_an_axis_that_does_not_answer_is_said(beside: Beside, tmp_path: Path) -> None:
    await backed_up(beside.site, tmp_path)
    async with beside.opened() as bed:
        await bed.world.send("H37", number="2")
        await bed.world.gw.sequencer.advance(publish=True)
    beside.site.put_back(tmp_path / "backup")
    async with beside.opened() as bed:
        await accept_restore(bed.world.gw, LOCAL, WHY)
        await connect(bed.world, "http://127.0.0.1:9")
        found = await reconcile(bed.world.gw, LOCAL)
    assert [one["partner"] for one in found["unanswered"]] == ["G22"]


async def test_an_axis_is_not_told_before_the_copy_is_written(
    beside: Beside, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with beside.opened() as bed:
        await bed.ministry.send(make_envelope("G09.01", ["H37.03"], number="5"), "G09.01")
        with monkeypatch.context() as patch:
            patch.setattr("gateway.store.second_copy.os.fsync", _full)
            await bed.look()
            await bed.look()
        told = [item.state for item in beside.axis.items.values()]
        await bed.look()
        after = [item.state for item in beside.axis.items.values()]
    assert "done" not in told
    assert after == ["done"]
    assert len(copies(beside.site)) == 1


async def test_what_is_left_is_written_by_the_janitor(
    site: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with site.opened() as world:
        with monkeypatch.context() as patch:
            patch.setattr("gateway.store.second_copy.os.fsync", _full)
            with pytest.raises(NoSecondCopy):
                await world.send("H37")
        await Janitor(world.gw).round()
    assert len(copies(site)) == 1


async def test_what_an_axis_gave_us_and_calls_done_comes_back_from_the_second_disk(
    beside: Beside, tmp_path: Path
) -> None:
    await backed_up(beside.site, tmp_path)
    async with beside.opened() as bed:
        data = make_envelope("G09.01", ["H37.03"], number="5")
        await bed.ministry.send(data, "G09.01")
        await bed.look()
        taken = [one.delivery for one in await bed.world.waiting("H37.03")]
        await bed.world.gw.sequencer.advance(publish=True)
    beside.site.put_back(tmp_path / "backup")
    async with beside.opened() as bed:
        await accept_restore(bed.world.gw, LOCAL, WHY)
        await bed.look()  # the axis has nothing for us any more
        back = [one.delivery for one in await bed.world.waiting("H37.03")]
    assert taken[-1] in back
    assert len(back) == len(set(back)) == len(taken)
