"""An agency whose software only reads and writes files: what it gets, what it sends, what it is told."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import tracemalloc
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from adapters import KINDS, make_adapters
from adapters.folder.collect import FolderCollector, take
from adapters.folder.place import open_file
from gateway.clock import SECOND
from gateway.config import Config, LimitsSection
from gateway.delivery.worker import Worker, claim_due
from gateway.errors import Busy
from gateway.flow import office
from gateway.flow.operate import LOCAL
from gateway.model.agency import Profile
from gateway.model.text import AgencyCode, Instant
from gateway.net import Net
from gateway.services import Services
from gateway.signature.seal import read_receipt
from tests.world import World, make_envelope

CODE = "H37.03"
ID = "H37.03,2020/04/13,362/UBND-KGVX"


@dataclass(slots=True)
class Desk:
    """The folder of H37.03, and the two halves of the gateway that use it."""

    world: World
    home: Path
    net: Net
    collector: FolderCollector

    def names(self, folder: str) -> list[str]:
        return sorted(os.listdir(self.home / folder))

    def leave(self, data: bytes, name: str = "cv.edxml") -> Path:
        path = self.home / "out" / name
        path.write_bytes(data)
        return path

    def answer(self, folder: str, name: str) -> dict[str, Any]:
        return dict(json.loads((self.home / folder / name).read_text()))

    def pass_seconds(self, seconds: int) -> None:
        clock = self.world.clock
        clock.jump_to(Instant(clock.now() + seconds * SECOND))

    async def look(self, seconds: int = 3) -> None:
        """A round, then some seconds, then another."""
        await self.collector.look()
        self.pass_seconds(seconds)
        await self.collector.look()

    async def deliver(self) -> None:
        """The worker carries what is due."""
        gw = self.world.gw
        worker = Worker(gw, make_adapters(self.net, self.world.clock))
        while attempts := await gw.store.write(lambda tx: claim_due(tx, gw, 32)):
            await asyncio.gather(*(worker._carry(attempt) for attempt in attempts))


@pytest.fixture
async def desk(world: World, tmp_path: Path) -> AsyncIterator[Desk]:
    root = tmp_path / "folders"
    for name in ("in", "out", "sent", "refused"):
        (root / "so-tt" / name).mkdir(parents=True)
    world.gw.kinds = {kind: adapter.pull for kind, adapter in KINDS.items()}
    await office.set_profile(world.gw, LOCAL, Profile(AgencyCode(CODE), "folder", (("path", "so-tt"),)))
    net = Net("", 1, folders=str(root))
    yield Desk(world, root / "so-tt", net, FolderCollector(world.gw, net))
    await net.close()


# ---------------------------------------------------------------- what the agency gets


async def test_a_document_becomes_a_file_with_a_note_beside_it(desk: Desk) -> None:
    data = make_envelope()
    await desk.world.upload("H37", data)
    await desk.deliver()
    note_name, name = desk.names("in")[1], desk.names("in")[0]
    assert (desk.home / "in" / name).read_bytes() == data
    note = desk.answer("in", note_name)
    assert note["file"] == name
    assert (note["sender"], note["recipient"], note["kind"]) == ("H37", CODE, "new")
    assert note["dropped_at"].endswith("+07:00")
    (delivery,) = await desk.world.rows("delivery_by_id", id=note["delivery"])
    assert delivery["state"] == "delivered"
    assert f"so-tt/in/{name}" in str(delivery["proof"])


async def test_files_are_for_the_owner_and_the_group_only(desk: Desk) -> None:
    await desk.world.send()
    await desk.deliver()
    modes = {path.stat().st_mode & 0o007 for path in (desk.home / "in").iterdir()}
    assert modes == {0}


async def test_a_share_that_is_not_mounted_gets_no_new_folder_and_the_document_waits(desk: Desk) -> None:
    (desk.home / "in").rmdir()
    await desk.world.send()
    await desk.deliver()
    assert not (desk.home / "in").exists()
    (row,) = await desk.world.rows("queue_rows", limit=10)
    assert (row["state"], row["attempts"]) == ("queued", 1)


# ---------------------------------------------------------------- what the agency sends


async def test_a_file_is_taken_and_its_receipt_lies_beside_it(desk: Desk) -> None:
    data = make_envelope(CODE, ["H37"])
    desk.leave(data)
    await desk.look()
    assert desk.names("out") == []
    assert desk.names("sent") == ["cv.edxml", "cv.receipt.json"]
    answer = desk.answer("sent", "cv.receipt.json")
    certificates = [desk.world.gw.keyring.receipt_certificate]
    claims = read_receipt(answer["receipt_jws"], certificates)
    assert (claims["sender"], claims["document_id"]) == (CODE, ID)
    assert claims["envelope_sha256"] == answer["envelope_sha256"]
    assert (answer["decision"], answer["file"]) == ("accept", "cv.edxml")
    assert [fetched.data for fetched in await desk.world.fetch("H37")] == [data]


async def test_a_refused_file_comes_back_with_reasons_that_a_clerk_can_read(desk: Desk) -> None:
    desk.leave(make_envelope(CODE, ["H99"]))
    await desk.look()
    assert desk.names("refused") == ["cv.edxml", "cv.refused.json"]
    answer = desk.answer("refused", "cv.refused.json")
    assert any("không có trong danh mục" in sentence for sentence in answer["ly_do"])
    assert any("not in the directory" in sentence for sentence in answer["reason"])
    assert (desk.names("out"), desk.names("sent")) == ([], [])


async def test_the_folder_of_one_agency_sends_for_no_other(desk: Desk) -> None:
    desk.leave(make_envelope("H37.05", ["H37"]))
    await desk.look()
    assert desk.answer("refused", "cv.refused.json")["code"] == "sender.not_yours"
    assert await desk.world.waiting("H37") == []


async def test_rubbish_and_an_empty_file_are_refused(desk: Desk) -> None:
    desk.leave(b"\x00 no xml", "a.edxml")
    desk.leave(b"", "b.edxml")
    await desk.look()
    assert desk.names("refused") == ["a.edxml", "a.refused.json", "b.edxml", "b.refused.json"]


async def test_a_file_that_is_still_being_written_is_left_alone(desk: Desk) -> None:
    data = make_envelope(CODE, ["H37"])
    path = desk.leave(data[:100])
    await desk.look(seconds=1)
    path.write_bytes(data)
    await desk.look(seconds=1)
    assert desk.names("out") == ["cv.edxml"]
    desk.pass_seconds(3)
    await desk.collector.look()
    assert desk.names("sent") == ["cv.edxml", "cv.receipt.json"]


async def test_other_names_hidden_names_links_and_pipes_are_not_looked_at(desk: Desk, tmp_path: Path) -> None:
    data = make_envelope(CODE, ["H37"])
    desk.leave(data, "cv.tmp")
    desk.leave(data, ".cv.edxml")
    (tmp_path / "elsewhere.edxml").write_bytes(data)
    (desk.home / "out" / "link.edxml").symlink_to(tmp_path / "elsewhere.edxml")
    os.mkfifo(desk.home / "out" / "pipe.edxml")
    await desk.look()
    assert desk.names("out") == [".cv.edxml", "cv.tmp", "link.edxml", "pipe.edxml"]
    assert await desk.world.waiting("H37") == []


async def test_taken_twice_is_the_first_receipt_again(desk: Desk) -> None:
    data = make_envelope(CODE, ["H37"])
    desk.leave(data)
    await desk.look()
    first = desk.answer("sent", "cv.receipt.json")
    desk.leave(data)
    await desk.look()
    again = desk.answer("sent", "cv.receipt.json")
    assert again["receipt_jws"] == first["receipt_jws"]
    assert again["repeated"] is True
    assert desk.names("sent") == ["cv.edxml", "cv.receipt.json"]
    assert len(await desk.world.waiting("H37")) == 1


async def test_a_process_that_dies_between_the_commit_and_the_move_takes_the_file_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.leave(make_envelope(CODE, ["H37"]))
    with monkeypatch.context() as broken:

        def dies(*_: object, **__: object) -> None:
            raise OSError("killed")

        broken.setattr("adapters.folder.collect.os.rename", dies)
        await desk.look()
    assert desk.names("out") == ["cv.edxml"]
    survivor = FolderCollector(desk.world.gw, desk.net)
    await survivor.look()
    desk.pass_seconds(3)
    await survivor.look()
    assert (desk.names("out"), desk.names("sent")) == ([], ["cv.edxml", "cv.receipt.json"])
    assert desk.answer("sent", "cv.receipt.json")["repeated"] is True
    assert len(await desk.world.waiting("H37")) == 1


async def test_a_used_name_never_overwrites_other_content(desk: Desk) -> None:
    desk.leave(make_envelope(CODE, ["H37"]))
    await desk.look()
    desk.leave(make_envelope(CODE, ["H37"], number="7"))
    await desk.look()
    kept = desk.names("sent")
    assert len(kept) == 4
    assert {"cv.edxml", "cv.receipt.json"} < set(kept)
    hashes = {desk.answer("sent", name)["envelope_sha256"] for name in kept if name.endswith(".json")}
    assert len(hashes) == 2


async def test_very_long_and_strange_names_are_taken(desk: Desk) -> None:
    long, strange = "ă" * 120 + ".edxml", os.fsdecode(b"c\xf4ng v\xe3n.edxml")
    desk.leave(make_envelope(CODE, ["H37"]), long)
    desk.leave(make_envelope(CODE, ["H37"], number="8"), strange)
    await desk.look()
    assert (desk.names("out"), len(desk.names("sent"))) == ([], 4)


async def test_a_full_gateway_leaves_the_file_where_it_is(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def busy(*_: object) -> None:
        raise Busy(retry_after=2)

    desk.leave(make_envelope(CODE, ["H37"]))
    with monkeypatch.context() as full:
        full.setattr("gateway.flow.folders.receive", busy)
        await desk.look()
    assert desk.names("out") == ["cv.edxml"]
    await desk.collector.look()
    assert desk.names("out") == []


async def test_a_file_over_the_limit_is_refused_and_does_not_stop_the_next(desk: Desk) -> None:
    small = LimitsSection(upload_bytes=20_000)
    desk.world.gw.config = Config(limits=small)
    desk.leave(make_envelope(CODE, ["H37"], files={"a.pdf": b"%PDF-" + b"x" * 40_000}), "a.edxml")
    desk.leave(make_envelope(CODE, ["H37"]), "b.edxml")
    await desk.look()
    assert desk.answer("refused", "a.refused.json")["code"] == "request.too_large"
    assert desk.names("sent") == ["b.edxml", "b.receipt.json"]


async def test_a_file_that_cannot_be_read_keeps_no_other_waiting(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, name in enumerate(("a.edxml", "b.edxml")):
        os.utime(desk.leave(make_envelope(CODE, ["H37"], number=str(number)), name), (number, number))

    def guarded(folder: int, name: str) -> int | None:
        if name == "a.edxml":
            raise PermissionError(errno.EACCES, "Permission denied")
        return open_file(folder, name)

    with monkeypatch.context() as patch:
        patch.setattr("adapters.folder.collect.open_file", guarded)
        await desk.look()
    assert (desk.names("out"), desk.names("sent")) == (["a.edxml"], ["b.edxml", "b.receipt.json"])
    await desk.look()
    assert desk.names("out") == []


async def test_a_fault_of_ours_with_one_file_keeps_no_other_waiting(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, name in enumerate(("a.edxml", "b.edxml")):
        os.utime(desk.leave(make_envelope(CODE, ["H37"], number=str(number)), name), (number, number))

    async def faulty(gw: Services, agency: AgencyCode, name: str, *rest: Any) -> Any:
        if name == "a.edxml":
            raise ValueError("a fault of ours")
        return await take(gw, agency, name, *rest)

    monkeypatch.setattr("adapters.folder.collect.take", faulty)
    await desk.look()
    assert (desk.names("out"), desk.names("sent")) == (["a.edxml"], ["b.edxml", "b.receipt.json"])


async def test_a_receipt_that_somebody_else_made_is_not_read_to_its_end(desk: Desk) -> None:
    huge = desk.home / "sent" / "cv.receipt.json"
    huge.touch()
    os.truncate(huge, 300_000_000)
    desk.leave(make_envelope(CODE, ["H37"]))
    await desk.collector.look()
    desk.pass_seconds(3)
    tracemalloc.start()
    await desk.collector.look()
    assert tracemalloc.get_traced_memory()[1] < 50_000_000
    tracemalloc.stop()
    assert desk.names("out") == []
    assert huge.stat().st_size == 300_000_000


async def test_each_file_of_a_full_folder_is_looked_at_by_itself(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(4):
        desk.leave(make_envelope(CODE, ["H37"], number=str(number)), f"{number}.edxml")
    listed = []
    scan = os.scandir

    def counted(folder: int) -> Any:
        listed.append(folder)
        return scan(folder)

    monkeypatch.setattr("adapters.folder.collect.os.scandir", counted)
    await desk.look()
    assert (desk.names("out"), len(listed)) == ([], 2)  # once for each round


async def test_the_loop_takes_files_until_it_is_stopped(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.folder.collect.POLL_SECONDS", 0.01)
    monkeypatch.setattr("adapters.folder.collect.QUIET_SECONDS", 0)
    task = asyncio.create_task(desk.collector.run())
    desk.leave(make_envelope(CODE, ["H37"], day=date(2020, 4, 13)))
    async with asyncio.timeout(10):
        while desk.names("sent") != ["cv.edxml", "cv.receipt.json"]:  # noqa: ASYNC110 - no event to wait for
            await asyncio.sleep(0.01)
    desk.collector.stop()
    await task
