"""Backups: whole, incremental, verified byte by byte, restored into what is empty, and expired."""

from __future__ import annotations

import gzip
import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from gateway.app import init_home
from gateway.clock import SECOND
from gateway.config import Config
from gateway.errors import BadRequest, GatewayError, NotReady, WrongState
from gateway.flow import backup as making
from gateway.flow import backup_folder as form
from gateway.flow.backup import MARK, Made, back_up, prune, without_secrets
from gateway.flow.backup_verify import Report, verify
from gateway.flow.copy_database import copy_database
from gateway.flow.destroy import DAY
from gateway.flow.recovery import MARKER
from gateway.flow.restore import Restored, restore, with_database
from gateway.model.text import Instant
from gateway.store import open_store, whole
from gateway.store.dump import count
from tests.flow.installation import Installation
from tests.world import World, make_envelope

PASSPHRASE = "một mật khẩu đủ dài"
BIG = b"%PDF-1.4\n" + random.Random(8).randbytes(40_000)  # too large for the row: it gets a file


@dataclass
class Site:
    """An installation with three documents, and a place for backups."""

    made: Installation
    folder: Path
    new: Path  # where a home may be restored

    async def back_up(self) -> Made:
        home, config, clock = self.made.home, self.made.config, self.made.clock
        return await back_up(home, config, clock, self.folder, PASSPHRASE)

    async def verify(self, *, deep: bool = False) -> Report:
        return await verify(self.folder, self.made.clock, PASSPHRASE if deep else "", deep)

    async def restore(self, url: str = "", passphrase: str = PASSPHRASE) -> Restored:
        return await restore(self.folder, self.new, self.made.clock, passphrase, url)


async def send(world: World, *numbers: int) -> None:
    for number in numbers:
        data = make_envelope(number=str(number), files={"a.pdf": BIG + str(number).encode()})
        await world.upload("H37", data)
    await world.gw.sequencer.advance(publish=True)


@pytest.fixture
async def site(engine: str, database_url: str, tmp_path: Path, request: pytest.FixtureRequest) -> Site:
    dsn = request.getfixturevalue("postgres_dsn") if engine == "postgres" else ""
    made = Installation(tmp_path / "home", database_url, dsn)
    await made.make()
    (made.home / "gateway.toml").write_text(f'[gateway]\nname = "truc-thu"\n[database]\nurl = "{made.url}"\n')
    async with made.opened() as world:
        await send(world, 1, 2, 3)
    return Site(made, tmp_path / "backups", tmp_path / "new")


@pytest.fixture
def empty(postgres_dsn: str) -> Iterator[str]:
    """Address of an empty PostgreSQL database."""
    name = f"gwt_{uuid.uuid4().hex}"
    with psycopg.connect(postgres_dsn, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
        base, _, query = postgres_dsn.partition("?")
        yield f"{base.rpartition('/')[0]}/{name}" + (f"?{query}" if query else "")
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def later(site: Site, seconds: int) -> None:
    site.made.clock.jump_to(Instant(site.made.clock.now() + seconds * SECOND))


def counted(url: str, home: Path) -> list[object]:
    """All but what a restore writes itself."""
    with whole.at_rest(url, home, "test") as source:
        return [one for one in count(source) if one.table != "restore_item"]


def problems(report: Report) -> set[str]:
    return {one["code"] for one in report.problems}


async def test_a_backup_is_whole_and_every_payload_opens(site: Site) -> None:
    made = await site.back_up()
    report = await site.verify(deep=True)
    assert report.problems == []
    assert (report.payloads, report.keys) == (3, True)
    assert report.decrypted == 3
    assert report.leaves > 3
    assert made.manifest.missing == [] == made.manifest.destroyed
    assert (site.made.home / MARK).exists()


async def test_a_restored_installation_has_every_row_and_every_payload(site: Site, empty: str) -> None:
    await site.back_up()
    url = "" if site.made.url.startswith("sqlite") else empty
    done = await site.restore(url)
    where = url or "sqlite:///gateway.db"
    assert (done.payloads, done.newer) == (3, False)
    assert counted(where, site.new) == counted(site.made.url, site.made.home)
    assert (site.new / MARKER).is_file()
    again = Installation(site.new, where, site.made.dsn, clock=site.made.clock)
    async with again.opened() as world:
        taken = await world.fetch("H37.03")
    assert len(taken) == 3


async def test_a_backup_goes_from_one_engine_to_the_other(site: Site, empty: str) -> None:
    await site.back_up()
    url = empty if site.made.url.startswith("sqlite") else "sqlite:///gateway.db"
    await site.restore(url)
    assert counted(url, site.new) == counted(site.made.url, site.made.home)
    assert url in (site.new / "gateway.toml").read_text()


async def test_rows_that_are_written_meanwhile_are_not_in_it_and_harm_nothing(
    site: Site,
) -> None:
    """The server accepts while the payloads are carried."""
    async with site.made.opened() as world:
        await send(world, 4)
        before = await world.rows("events_after", at=0, id="", limit=1000)
        made = await site.back_up()  # beside it
        await send(world, 5)
    assert made.manifest.tables["event"]["rows"] == len(before)
    assert (await site.verify()).problems == []


async def test_a_second_backup_copies_only_what_is_new(site: Site) -> None:
    first = await site.back_up()
    async with site.made.opened() as world:
        await send(world, 4)
    later(site, 60)
    second = await site.back_up()
    assert (first.new_payloads, second.new_payloads) == (3, 1)
    assert second.manifest.payloads == 4
    assert (await site.verify(deep=True)).decrypted == 4


async def test_a_payload_destroyed_while_the_backup_runs_is_recorded_and_no_error(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = making._write_rows

    def then_destroyed(home: Path, config: Config, backup: Path) -> object:
        found = before(home, config, backup)
        gone.append(next(Path(home / "payloads" / "payloads").glob("*/*")))
        gone[0].unlink()
        return found

    gone: list[Path] = []
    monkeypatch.setattr(making, "_write_rows", then_destroyed)
    monkeypatch.setattr(making, "find", lambda tx, sha256: None)  # the row is gone by then, too
    made = await site.back_up()
    assert made.manifest.destroyed == [f"{gone[0].parent.name}/{gone[0].name}"]
    assert (await site.verify(deep=True)).problems == []
    monkeypatch.undo()


async def test_a_payload_that_is_lost_at_the_gateway_is_said_and_is_no_whole_backup(site: Site) -> None:
    lost = next((site.made.home / "payloads" / "payloads").glob("*/*"))
    lost.unlink()
    made = await site.back_up()
    assert made.manifest.missing == [f"{lost.parent.name}/{lost.name}"]
    assert problems(await site.verify()) == {"backup.missing"}
    assert not (site.made.home / MARK).exists()


@pytest.mark.timeout(400)
async def test_any_flipped_bit_is_found(site: Site) -> None:
    """In each file of the backup, payloads too, at a place that a seeded generator chooses."""
    await site.back_up()
    chance = random.Random(20)
    files = [path for path in sorted(site.folder.rglob("*")) if path.is_file()]
    assert len(files) >= 8
    for path in files:
        whole_bytes = path.read_bytes()
        place = chance.randrange(len(whole_bytes) * 8)
        damaged = bytearray(whole_bytes)
        damaged[place // 8] ^= 1 << place % 8
        path.write_bytes(damaged)
        assert (await site.verify()).problems, f"{path}, bit {place}"
        path.write_bytes(whole_bytes)
    assert (await site.verify()).problems == []


@pytest.mark.parametrize("name", [form.ROWS, form.SEALED, form.PAYLOAD_LIST, form.SIGNATURE])
async def test_a_file_that_is_gone_is_found(site: Site, name: str) -> None:
    made = await site.back_up()
    (made.path / name).unlink()
    assert (await site.verify()).problems


async def test_a_file_that_somebody_added_is_found(site: Site) -> None:
    made = await site.back_up()
    form.write(made.path / form.HOME / "trust" / "anchor.pem", b"of somebody else")
    assert problems(await site.verify()) == {"backup.stray"}


async def test_a_manifest_written_anew_by_somebody_else_is_not_signed(site: Site) -> None:
    made = await site.back_up()
    text = (made.path / form.MANIFEST).read_text()
    (made.path / form.MANIFEST).write_text(text.replace('"truc-thu"', '"truc-kia"', 1))
    assert problems(await site.verify()) == {"backup.signature"}
    with pytest.raises(WrongState) as refused:
        await site.restore("sqlite:///gateway.db")
    assert refused.value.code == "backup.signature"
    assert not site.new.exists()


async def test_without_the_passphrase_nothing_is_restored(site: Site) -> None:
    await site.back_up()
    with pytest.raises(BadRequest) as refused:
        await site.restore("sqlite:///gateway.db", "một mật khẩu khác hẳn")
    assert refused.value.code == "backup.passphrase"
    assert not site.new.exists()


async def test_a_short_passphrase_is_refused_before_anything_is_written(site: Site) -> None:
    with pytest.raises(BadRequest) as refused:
        await back_up(site.made.home, site.made.config, site.made.clock, site.folder, "ngắn")
    assert refused.value.code == "backup.passphrase"
    assert not site.folder.exists()


async def test_no_key_lies_readable_in_a_backup(site: Site) -> None:
    await site.back_up()
    keys = [path.read_bytes() for path in (site.made.home / "keys").glob("*.key*")]
    for path in site.folder.rglob("*"):
        if path.is_file():
            body = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
            assert not [key for key in keys if key in body], path
            assert path.stat().st_mode & 0o077 == 0


async def test_nothing_is_ever_overwritten(site: Site) -> None:
    await site.back_up()
    for home, url, code in (
        (site.made.home, "", "home.exists"),
        (site.new, site.made.url, "restore.not_empty"),
    ):
        if url.startswith("sqlite"):
            url = f"sqlite:///{site.made.home}/gateway.db"
        with pytest.raises(NotReady) as refused:
            await restore(site.folder, home, site.made.clock, PASSPHRASE, url or "sqlite:///gateway.db")
        assert refused.value.code == code


async def test_a_restore_that_breaks_off_leaves_no_installation(site: Site) -> None:
    await site.back_up()
    payload = next((site.folder / form.PAYLOADS).glob("*/*"))
    payload.write_bytes(payload.read_bytes()[:-1])
    with pytest.raises(WrongState):
        await site.restore("sqlite:///gateway.db")
    with pytest.raises(NotReady) as refused:
        async with Installation(site.new, "sqlite:///gateway.db", clock=site.made.clock).opened():
            pass
    assert refused.value.code == "home.missing"


async def test_a_newer_published_checkpoint_is_noticed(site: Site) -> None:
    await site.back_up()
    async with site.made.opened() as world:
        await send(world, 4)
    heads = (site.made.home / "log",)
    done = await restore(site.folder, site.new, site.made.clock, PASSPHRASE, "sqlite:///gateway.db", heads)
    assert done.newer


async def test_expired_backups_go_with_the_payloads_that_only_they_have(site: Site) -> None:
    await site.back_up()
    later(site, 40 * DAY // SECOND)
    async with site.made.opened() as world:
        await world.gw.store.write(
            lambda tx: tx.run("purge_payload", sha256=first(world), at=1, backups_until=2)
        )
    second = await site.back_up()
    removed, payloads, kept_old = prune(site.folder, site.made.clock.now(), 30)
    assert (len(removed), payloads, kept_old) == (1, 1, False)
    assert form.backups_in(site.folder) == [second.path]
    assert (await site.verify(deep=True)).problems == []


def first(world: World) -> bytes:
    name = min(path.name for path in world.gw.blobs.payloads.glob("*/*"))
    return bytes.fromhex(name[:64])


async def test_the_last_backup_is_never_removed(site: Site) -> None:
    await site.back_up()
    removed, _, kept_old = prune(site.folder, Instant(site.made.clock.now() + 400 * DAY), 30)
    assert (removed, kept_old) == ([], True)
    assert (await site.verify()).problems == []


async def test_a_backup_that_was_never_finished_is_none_and_is_cleared_away(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise OSError(28, "no space left")

    with monkeypatch.context() as patched:
        patched.setattr(making, "_finish", broken)
        with pytest.raises(OSError, match="no space"):
            await site.back_up()
    with pytest.raises(NotReady) as refused:
        await site.verify()
    assert refused.value.code == "backup.missing"
    later(site, 1)
    await site.back_up()
    removed, _, _ = prune(site.folder, site.made.clock.now(), 30)
    assert len(removed) == 1


async def test_two_backups_at_once_do_not_mix(site: Site) -> None:
    with form.alone(site.folder), pytest.raises(NotReady) as refused:
        await site.back_up()
    assert refused.value.code == "backup.busy"


async def test_a_database_is_copied_to_the_other_engine_and_is_the_same(site: Site, empty: str) -> None:
    url = empty if site.made.url.startswith("sqlite") else "sqlite:///copied.db"
    done = await copy_database(site.made.home, site.made.config, site.made.clock, url)
    assert counted(site.made.url, site.made.home) == counted(url, site.made.home)
    assert set(counted(url, site.made.home)) < set(done.tables)
    again = Installation(site.made.home, url, site.made.dsn, clock=site.made.clock)
    async with again.opened() as world:
        assert len(await world.fetch("H37.03")) == 3
        await send(world, 9)


async def test_a_database_in_use_is_no_target_and_a_served_one_no_source(site: Site, empty: str) -> None:
    url = empty if site.made.url.startswith("sqlite") else "sqlite:///copied.db"
    await copy_database(site.made.home, site.made.config, site.made.clock, url)
    with pytest.raises(NotReady) as refused:
        await copy_database(site.made.home, site.made.config, site.made.clock, url)
    assert refused.value.code == "restore.not_empty"
    if site.made.url.startswith("sqlite"):
        async with site.made.opened():
            with pytest.raises(GatewayError) as locked:
                await copy_database(site.made.home, site.made.config, site.made.clock, url)
        assert locked.value.code == "store.locked"


async def test_a_database_of_an_older_release_is_restored_and_brought_up_to_date(
    tmp_path: Path, site: Site, empty: str
) -> None:
    """One that had the first twenty migrations, from a file into both engines."""
    old, clock = tmp_path / "old", site.made.clock
    init_home(old, "truc-cu", clock)
    store = await open_store("sqlite:///gateway.db", old, clock=clock, purpose="test", steps=20)
    await store.close()
    made = await back_up(old, Config(), clock, tmp_path / "of-old", PASSPHRASE)
    assert made.manifest.schema == 20
    for url, home in ((empty, tmp_path / "one"), ("sqlite:///gateway.db", tmp_path / "two")):
        await restore(made.path, home, clock, PASSPHRASE, url)
        with whole.at_rest(url, home, "test") as source:
            assert "log_epoch" in [table.name for table in source.tables()]


def test_secrets_stay_out_of_saved_settings() -> None:
    text = (
        '[database]\nurl = "postgresql://truc:bi-mat@db/truc"\n'
        '[oidc]\nclient_secret = "bi-mat"\nclient_id = "truc"\n[net]\nproxy = "http://a@b"\n'
    )
    kept, left_out = without_secrets(text)
    assert "bi-mat" not in kept
    assert left_out == ["database.url", "oidc.client_secret"]
    assert 'client_id = "truc"' in kept


def test_the_address_of_the_database_is_the_new_one() -> None:
    old = '[database]\nurl = "sqlite:///alt.db"\nkeep_months = 3\n[net]\nurl = "x"\n'
    new = with_database(old, "postgresql:///neu")
    assert new.count("url =") == 2
    assert 'url = "postgresql:///neu"\nkeep_months = 3' in new
    assert "alt.db" not in with_database(old, "")
