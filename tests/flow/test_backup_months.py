"""A backup of a database from which months were taken out holds those months, or says that it does not."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.clock import local_day
from gateway.errors import NotReady, WrongState
from gateway.exchange_log.sequence import log_keys
from gateway.flow import archive_file
from gateway.flow import backup_folder as form
from gateway.flow.backup import MARK, Made, back_up
from gateway.flow.backup_verify import Report, verify
from gateway.flow.copy_database import Copied, copy_database
from gateway.flow.log_verify import verify_store
from gateway.flow.operate import run
from gateway.flow.restore import restore
from gateway.model.text import Instant
from gateway.store import archive, whole
from gateway.store.contract import StoreUnavailable
from gateway.store.dump import count
from tests.flow.installation import Installation
from tests.flow.test_archive import YEARS, only_postgres, settle
from tests.flow.test_backup import PASSPHRASE, empty

__all__ = ["empty"]
WHY = {"reason": "tháng đã đóng từ lâu"}
pytestmark = only_postgres


@dataclass
class Old:
    """An installation with one delivered document in a month that was closed years ago."""

    made: Installation
    month: str
    document: str
    folder: Path

    async def detach(self, drop: bool = False) -> None:
        async with self.made.opened() as world:
            await run(world.gw, "archive.detach", {"month": self.month, "drop": drop, **WHY})

    async def back_up(self) -> Made:
        home, config, clock = self.made.home, self.made.config, self.made.clock
        return await back_up(home, config, clock, self.folder, PASSPHRASE)

    async def copy(self, url: str) -> Copied:
        return await copy_database(self.made.home, self.made.config, self.made.clock, url)

    async def verify(self) -> Report:
        return await verify(self.folder, self.made.clock, PASSPHRASE, deep=True)


@pytest.fixture
async def old(database_url: str, tmp_path: Path, postgres_dsn: str) -> Old:
    made = Installation(tmp_path / "home", database_url, postgres_dsn)
    await made.make()
    async with made.opened() as world:
        sent = await world.send("H37", to=["H37.03"])
        await world.fetch("H37.03")
        await world.fetch("H37")
        row, _ = await world.rows("deliveries_of_document", document=sent.document)
        at = Instant(int(str(row["id"])[:13].replace("-", ""), 16) * 1000)
        month = archive.month_of(local_day(at))
        made.clock.jump_to(Instant(max(made.clock.now(), at) + YEARS))
        await world.gw.store.write(lambda tx: archive.make(tx, month))
        await settle(world)
    return Old(made, month, sent.document, tmp_path / "backups")


@pytest.mark.parametrize("drop", [False, True], ids=["beside the tables", "in its file only"])
@pytest.mark.parametrize("into", ["postgres", "sqlite"])
async def test_a_month_that_is_away_is_verified_and_is_in_the_tables_of_what_is_restored(
    old: Old, empty: str, tmp_path: Path, drop: bool, into: str
) -> None:
    await old.detach()
    if drop:
        await old.detach(drop=True)
    await old.back_up()
    assert (await old.verify()).problems == []
    url = empty if into == "postgres" else "sqlite:///gateway.db"
    await restore(old.folder, tmp_path / "new", old.made.clock, PASSPHRASE, url)
    again = Installation(tmp_path / "new", url, clock=old.made.clock)
    async with again.opened() as world:
        assert await world.gw.store.read(archive.away) == []
        assert len(await world.rows("deliveries_of_document", document=old.document)) == 2
        assert (await verify_store(world.gw, log_keys(world.gw.keyring))).problem is None


async def test_a_month_between_its_tables_and_its_file_lets_no_backup_be_made(
    old: Old, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Its command died, or is at work just now."""

    async def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(archive_file, "write_month", full)
        with pytest.raises(OSError, match="No space"):
            await old.detach()
    for copying in (old.back_up(), old.copy("sqlite:///copied.db")):
        with pytest.raises(NotReady) as refused:
            await copying
        assert refused.value.code == "archive.unfinished"
        assert f"gateway archive detach {old.month[:4]}-{old.month[4:]}" in refused.value.text.vi
    assert form.backups_in(old.folder) == []
    await old.detach()  # the next step that it names
    await old.back_up()
    assert (await old.verify()).problems == []


async def test_a_month_whose_file_is_not_here_is_said_and_can_still_be_put_in_after_a_restore(
    old: Old, empty: str, tmp_path: Path
) -> None:
    await old.detach()
    await old.detach(drop=True)
    [file] = (old.made.home / "archive").iterdir()
    kept = file.rename(tmp_path / file.name)
    made = await old.back_up()
    assert made.manifest.missing == [f"archive/{file.name}"]
    assert not (old.made.home / MARK).exists()
    assert "backup.missing" in {one["code"] for one in (await old.verify()).problems}
    with pytest.raises(WrongState) as refused:
        await restore(old.folder, tmp_path / "one", old.made.clock, PASSPHRASE, "sqlite:///gateway.db")
    assert refused.value.code == "restore.month"
    await restore(old.folder, tmp_path / "new", old.made.clock, PASSPHRASE, empty)
    (tmp_path / "new" / "archive").mkdir(exist_ok=True)
    kept.rename(tmp_path / "new" / "archive" / file.name)
    async with Installation(tmp_path / "new", empty, clock=old.made.clock).opened() as world:
        await run(world.gw, "archive.attach", {"month": old.month, **WHY})
        assert len(await world.rows("deliveries_of_document", document=old.document)) == 2


async def test_a_month_taken_out_while_rows_are_read_is_refused_and_stays(
    old: Old, database_url: str
) -> None:
    """Which parts a table has is not of the moment of a snapshot."""
    with whole.snapshot(database_url, old.made.home, Path("unused")) as source:
        with pytest.raises(StoreUnavailable):
            await old.detach()
        [here] = [one.rows for one in count(source) if one.table == "event"]
    await old.detach()
    with whole.snapshot(database_url, old.made.home, Path("unused")) as source:
        [left] = [one.rows for one in count(source) if one.table == "event"]
    assert left < here


async def test_a_copy_in_another_database_has_the_months_that_were_away(old: Old, empty: str) -> None:
    await old.detach()
    for url in (empty, "sqlite:///copied.db"):
        await old.copy(url)
        async with Installation(old.made.home, url, clock=old.made.clock).opened() as world:
            assert len(await world.rows("deliveries_of_document", document=old.document)) == 2
