"""Months that leave the database and come back: nothing is lost, and nobody is given half an answer."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from gateway.clock import SECOND, local_day
from gateway.compliance import counting
from gateway.delivery.conserve import Conservation
from gateway.delivery.months import AHEAD, Months
from gateway.errors import Archived, BadRequest, GatewayError, NotReady, WrongState
from gateway.exchange_log.sequence import log_keys
from gateway.flow import archive_file, waiting
from gateway.flow.log_verify import verify_store
from gateway.flow.operate import run
from gateway.model.text import Instant
from gateway.store import archive
from gateway.store.contract import Store
from tests.world import World, make_world

WHY = {"reason": "tháng đã đóng từ lâu"}
YEARS = 3 * 366 * 86_400 * SECOND
only_postgres = pytest.mark.parametrize("engine", ["postgres"], indirect=True)


@dataclass
class Old:
    """A world with one delivered document in a month that was closed years ago."""

    world: World
    document: str
    month: str
    folder: Path

    async def do(self, what: str, **more: Any) -> Any:
        return await run(self.world.gw, f"archive.{what}", {"month": self.month, **WHY, **more})

    async def all_rows(self) -> dict[str, list[dict[str, Any]]]:
        """What a month takes along, as it is seen through the tables."""
        found = {}
        for query, name in (("events_of_document", "event"), ("deliveries_of_document", "delivery")):
            rows = await self.world.rows(query, document=self.document)
            found[name] = [{key: row[key] for key in row} for row in rows]
        return found

    async def file(self) -> Path:
        kept = await self.world.gw.store.read(lambda tx: archive.find(tx, self.month))
        assert kept is not None
        return self.folder / kept.file


async def settle(world: World) -> None:
    """Everything recorded is sealed and counted."""
    await world.gw.sequencer.advance(publish=True)
    await counting.catch_up(world.gw)
    loop = Conservation(world.gw)
    while await loop.round():
        pass


@pytest.fixture
async def old(store: Store, tmp_path: Path) -> AsyncIterator[Old]:
    async with make_world(store, tmp_path) as world:
        world.gw.archive_folder = tmp_path / "archive"
        sent = await world.send("H37", to=["H37.03"])
        await world.fetch("H37.03")
        await world.fetch("H37")  # that it arrived
        row, _ = await world.rows("deliveries_of_document", document=sent.document)
        # Ids of one process never go back, so the month is that of its other tests.
        milliseconds = int(str(row["id"])[:13].replace("-", ""), 16)
        month = archive.month_of(_day(milliseconds))
        world.clock.jump_to(Instant(max(world.clock.now(), milliseconds * 1000) + YEARS))
        await store.write(lambda tx: archive.make(tx, month))
        await settle(world)
        yield Old(world, sent.document, month, tmp_path / "archive")


def _day(milliseconds: int) -> date:
    return local_day(Instant(milliseconds * 1000))


@only_postgres
async def test_a_month_goes_into_its_file_and_comes_back_as_it_was(old: Old) -> None:
    before = await old.all_rows()
    assert len(before["event"]) >= 3
    assert len(before["delivery"]) == 2
    out = await old.do("detach")
    assert archive_file.digest(old.folder / out["file"]) == out["sha256"]
    gone = await old.do("detach", drop=True)
    assert gone["state"] == "dropped"
    assert await old.all_rows() == {"event": [], "delivery": []}
    assert (await old.do("attach"))["state"] == "here"
    assert await old.all_rows() == before
    kinds = [
        row["type"]
        for row in await old.world.rows(
            "newest_events", at=2**60, id="z", since=0, look=50, agency="", limit=50
        )
    ]
    assert kinds[:3] == ["archive.attached", "archive.dropped", "archive.detached"]


@only_postgres
async def test_a_month_that_still_has_its_tables_comes_back_without_its_file(old: Old) -> None:
    before = await old.all_rows()
    await old.do("detach")
    (await old.file()).unlink()
    await old.do("attach")
    assert await old.all_rows() == before


@only_postgres
async def test_after_a_round_trip_the_log_verifies_and_nothing_is_missed(old: Old) -> None:
    await old.do("detach")
    await old.do("detach", drop=True)
    await settle(old.world)  # the ledger looks at every delivery while the month is away
    gw = old.world.gw
    assert await gw.store.read(lambda tx: tx.all("open_differences", limit=5)) == []
    await old.do("attach")
    await settle(old.world)
    verified = await verify_store(gw, log_keys(gw.keyring))
    assert verified.problem is None


@only_postgres
@pytest.mark.parametrize(
    ("operation", "arguments"),
    [
        ("conservation.recount", {}),
        ("conservation.recount", {"rebuild": True}),
        ("trace.show", {"reference": "DOCUMENT"}),
        ("evidence.export", {"reference": "DOCUMENT", "path": "/nonexistent/evidence", "reason": "xem"}),
    ],
)
async def test_while_it_is_away_nobody_gets_half_an_answer(
    old: Old, operation: str, arguments: dict[str, Any]
) -> None:
    """A sentence that names the month and the command, before anything is forgotten."""
    await old.do("detach")
    given = {key: old.document if value == "DOCUMENT" else value for key, value in arguments.items()}
    with pytest.raises(Archived) as refused:
        await run(old.world.gw, operation, given)
    shown = f"{old.month[4:]}/{old.month[:4]}"
    for words in (refused.value.text.vi, refused.value.text.en):
        assert shown in words
        assert f"gateway archive attach {old.month[:4]}-{old.month[4:]}" in words
    await old.do("attach")
    assert (await run(old.world.gw, "conservation.recount", {}))["unlike"] == []


@only_postgres
async def test_while_it_is_away_the_log_cannot_be_verified_as_a_whole(old: Old) -> None:
    await old.do("detach")
    gw = old.world.gw
    with pytest.raises(Archived):
        await verify_store(gw, log_keys(gw.keyring))


@only_postgres
async def test_a_status_about_a_document_that_is_away_is_told_so(old: Old) -> None:
    """And not that its sender never had the document."""
    [row] = await old.world.rows("document_by_id", id=old.document)
    await old.do("detach")
    with pytest.raises(Archived):
        await old.world.report("H37.03", "03", str(row["document_id"]))


@only_postgres
async def test_its_sender_is_told_so_when_it_asks_what_became_of_a_message(old: Old) -> None:
    row, _ = await old.world.rows("deliveries_of_document", document=old.document)
    await old.do("detach")
    with pytest.raises(Archived):
        await waiting.list_sent(old.world.gw, old.world.caller("H37"), str(row["message"]))


@only_postgres
async def test_proofs_of_later_leaves_go_on(old: Old) -> None:
    await old.do("detach")
    await old.do("detach", drop=True)
    await old.world.send("H37", to=["H37.03"], number="77")
    await settle(old.world)
    gw = old.world.gw
    state = await gw.store.read(lambda tx: tx.one("log_state"))
    assert state is not None
    assert state["integrated"] == state["sequenced"]
    head = await gw.store.read(lambda tx: tx.one("published_checkpoint"))
    assert head is not None
    assert head["size"] == state["sequenced"]


@only_postgres
@pytest.mark.parametrize("what", ["cut", "changed", "gone"])
async def test_a_file_that_does_not_fit_drops_nothing(old: Old, what: str) -> None:
    await old.do("detach")
    file = await old.file()
    whole = file.read_bytes()
    {"cut": lambda: file.write_bytes(whole[:-20]), "changed": lambda: file.write_bytes(whole + b"x"),
     "gone": file.unlink}[what]()  # fmt: skip
    with pytest.raises(NotReady) as refused:
        await old.do("detach", drop=True)
    assert refused.value.code == "archive.file"
    assert str(file) in refused.value.text.vi
    await old.do("attach")
    assert len((await old.all_rows())["delivery"]) == 2


@only_postgres
async def test_a_dropped_month_does_not_come_back_from_a_file_that_was_touched(old: Old) -> None:
    await old.do("detach")
    await old.do("detach", drop=True)
    file = await old.file()
    whole = file.read_bytes()
    file.write_bytes(gzip.compress(gzip.decompress(whole).replace(b'"delivered"', b'"cancelled"')))
    with pytest.raises(NotReady):
        await old.do("attach")
    file.write_bytes(whole)
    await old.do("attach")
    assert (await old.all_rows())["delivery"][0]["state"] == "delivered"


@only_postgres
async def test_personal_values_stay_in_the_database(old: Old) -> None:
    await old.do("detach")
    text = gzip.decompress((await old.file()).read_bytes()).decode()
    assert old.document in text
    private = await old.world.gw.store.read(
        lambda tx: tx.all("private_values", event="", name="", limit=1000)
    )
    values = {str(row["value"]) for row in private if len(str(row["value"])) > 3}
    assert values
    assert not [value for value in values if value in text]


@only_postgres
async def test_what_died_before_its_file_was_written_goes_on(
    old: Old, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def dies(*_: object) -> tuple[str, str]:
        raise OSError("no space left")

    monkeypatch.setattr(archive_file, "write_month", dies)
    with pytest.raises(OSError, match="no space"):
        await old.do("detach")
    monkeypatch.undo()
    with pytest.raises(WrongState):
        await old.do("detach", drop=True)  # nothing may go that is in no file
    assert (await old.do("detach"))["file"]


@only_postgres
async def test_a_month_with_something_open_stays(old: Old) -> None:
    await old.world.send("H37", to=["H37.03"], number="78")
    [row] = [one for one in await old.world.rows("queue_rows", limit=5) if one["state"] == "queued"]
    milliseconds = int(str(row["id"])[:13].replace("-", ""), 16)
    month = archive.month_of(_day(milliseconds))
    await old.world.gw.store.write(lambda tx: archive.make(tx, month))
    old.world.clock.jump_to(Instant(milliseconds * 1000 + YEARS))
    with pytest.raises(WrongState, match="1 open deliveries") as refused:
        await run(old.world.gw, "archive.detach", {"month": month, **WHY})
    assert "1 lượt gửi chưa kết thúc" in refused.value.text.vi


@only_postgres
@pytest.mark.parametrize(
    ("month", "code"),
    [("2126-01", "archive.young"), ("2001-01", "archive.no_month"), ("2026-13", "archive.month")],
)
async def test_a_month_that_cannot_go_says_why(old: Old, month: str, code: str) -> None:
    with pytest.raises((WrongState, BadRequest)) as refused:
        await run(old.world.gw, "archive.detach", {"month": month, **WHY})
    assert refused.value.code == code


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
async def test_on_sqlite_there_is_one_file_and_a_sentence(world: World) -> None:
    assert (await run(world.gw, "archive.list", {}))["months"] == []
    for what in ("detach", "attach"):
        with pytest.raises(GatewayError) as refused:
            await run(world.gw, f"archive.{what}", {"month": "2026-01", **WHY})
        assert refused.value.code == "archive.one_file"
        assert "SQLite" in refused.value.text.vi


async def test_the_leader_makes_this_month_and_the_next_two(world: World) -> None:
    await Months(world.gw).turn()
    here = await world.gw.store.read(archive.present)
    if world.gw.store.engine == "postgres":
        assert {"202004", "202005", "202006"} <= set(here)
        assert AHEAD == 2
    else:
        assert here == []
