"""The store when things go wrong: killed, locked out, full, closed, its server gone."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import psycopg
import pytest

from gateway.clock import SystemClock
from gateway.errors import Busy, NotReady
from gateway.store import open_store
from gateway.store.contract import Store, StoreClosed, StoreFull, StoreUnavailable, Tx, surely_undone
from gateway.store.postgres import ATTEMPTS, POOL
from gateway.store.sqlite import SqliteStore
from tests.contract.things import OpenStore, add, count, keys

ROOT = Path(__file__).parents[2]
only_sqlite = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
only_postgres = pytest.mark.parametrize("engine", ["postgres"], indirect=True)

# Many writers at once; each unit writes two rows, and its key is printed after ``write`` returned.
WRITERS = """
import asyncio, os, sys
from pathlib import Path
from gateway.clock import SystemClock
from gateway.store import open_store

async def main(url, home, sql, cycle):
    store = await open_store(url, Path(home), clock=SystemClock(), sql=Path(sql))
    async def writer(me):
        for number in range(10**9):
            key = f"{cycle}-{me}-{number}"
            def unit(tx):
                tx.run("add_thing", key=key, value=1)
                tx.run("add_child", key=key + "-child", parent=key)
            await store.write(unit)
            os.write(1, (key + "\\n").encode())
    await asyncio.gather(*map(writer, range(16)))

asyncio.run(main(*sys.argv[1:]))
"""
HOLDER = """
import asyncio, sys
from pathlib import Path
from gateway.clock import SystemClock
from gateway.store import open_store

async def main(home, sql):
    await open_store("sqlite:///gateway.db", Path(home), clock=SystemClock(), sql=Path(sql), purpose="serve")
    print("open", flush=True)
    await asyncio.sleep(60)

asyncio.run(main(*sys.argv[1:]))
"""
PARENT = HOLDER.replace(
    'print("open", flush=True)',
    """import os, signal
    if os.fork() == 0:
        os.write(1, f"{os.getpid()}\\n".encode())
        signal.pause()""",
)


@pytest.fixture
def sql(things: Path) -> Path:
    return things


def start(script: str, *args: object) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", script, *map(str, args)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}
    )


def kill(process: subprocess.Popen[bytes]) -> bytes:
    """Kill -9, and everything that the process had printed before."""
    process.send_signal(signal.SIGKILL)
    rest, _ = process.communicate(timeout=30)
    return rest


async def test_what_was_acknowledged_survives_kill_9(
    database_url: str, store_factory: OpenStore, tmp_path: Path, sql: Path
) -> None:
    acknowledged: set[str] = set()
    for cycle in range(3):
        process = start(WRITERS, database_url, tmp_path, sql, cycle)
        assert process.stdout is not None
        first = [process.stdout.readline() for _ in range(100 + 37 * cycle)]
        printed = b"".join(first) + kill(process)
        acknowledged |= {line for line in printed.decode().split("\n") if line}
        store = await store_factory()
        there = set(await store.read(keys))
        await store.close()
        assert len(acknowledged) >= 100 * (cycle + 1)
        assert acknowledged <= there
        parents = {key for key in there if not key.endswith("-child")}
        assert there - parents == {key + "-child" for key in parents}, "half of a unit was committed"


@only_sqlite
async def test_a_second_writer_is_refused_and_told_who_is_first(
    store_factory: OpenStore, tmp_path: Path
) -> None:
    await store_factory(purpose="gateway serve")
    with pytest.raises(NotReady, match=rf"pid {os.getpid()} \(gateway serve\)") as refused:
        await store_factory()
    assert refused.value.code == "store.locked"
    assert f"pid {os.getpid()}" in refused.value.text.vi


@only_sqlite
async def test_the_lock_is_free_when_its_holder_was_killed(
    store_factory: OpenStore, tmp_path: Path, sql: Path
) -> None:
    process = start(HOLDER, tmp_path, sql)
    assert process.stdout is not None
    assert process.stdout.readline() == b"open\n"
    with pytest.raises(NotReady, match=rf"pid {process.pid} \(serve\)"):
        await store_factory()
    kill(process)
    assert await (await store_factory()).write(add("a")) == 1


@only_sqlite
async def test_a_forked_child_does_not_keep_the_lock_of_its_killed_parent(
    store_factory: OpenStore, tmp_path: Path, sql: Path
) -> None:
    with start(PARENT, tmp_path, sql) as process:
        assert process.stdout is not None
        child = int(process.stdout.readline())
        try:
            process.kill()
            process.wait(10)
            os.kill(child, 0)  # it lives on, as a worker process would
            assert await (await store_factory()).write(add("a")) == 1
        finally:
            os.kill(child, signal.SIGKILL)


@only_sqlite
async def test_readers_need_no_lock_and_leave_none(store_factory: OpenStore, tmp_path: Path) -> None:
    await (await store_factory()).close()
    reader = await store_factory(read_only=True)
    assert await (await store_factory()).write(add("a")) == 1
    assert await reader.read(keys) == ["a"]


async def test_a_read_only_store_refuses_to_write(store_factory: OpenStore) -> None:
    await store_factory()
    reader = await store_factory(read_only=True)
    with pytest.raises(NotReady, match="read-only"):
        await reader.write(add("a"))


async def test_a_reader_does_not_create_a_database(tmp_path: Path) -> None:
    with pytest.raises(NotReady, match="no database"):
        await open_store("sqlite:///none.db", tmp_path, clock=SystemClock(), read_only=True)
    assert list(tmp_path.iterdir()) == []


@only_sqlite
async def test_the_database_is_readable_by_its_owner_only(store: Store, tmp_path: Path) -> None:
    await store.write(add("a"))
    modes = {file.name: file.stat().st_mode & 0o777 for file in tmp_path.glob("gateway.db*")}
    assert modes == dict.fromkeys(
        ("gateway.db", "gateway.db-wal", "gateway.db-shm", "gateway.db.lock"), 0o600
    )


@only_sqlite
async def test_a_full_database_says_so_and_works_again_once_there_is_room(store: SqliteStore) -> None:
    assert store.writer is not None
    large = {"value": 1, "ratio": 0.5, "body": bytes(1_000_000)}
    await store.writer.execute("PRAGMA max_page_count = 100")
    units = [lambda tx: tx.one("add_full", key="large", **large), add("small")]
    full, small = await asyncio.gather(*map(store.write, units), return_exceptions=True)
    assert isinstance(full, StoreFull)
    assert isinstance(full, Busy)
    assert full.retry_after > 0
    assert small == 1 or isinstance(small, StoreFull)
    await store.writer.execute("PRAGMA max_page_count = 100000")
    await store.write(lambda tx: tx.one("add_full", key="large", **large))
    assert "large" in await store.read(keys)


@only_sqlite
async def test_when_the_commit_fails_every_unit_of_the_batch_hears_it(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_commit(connection: object) -> None:
        raise OSError("the disk is gone")

    monkeypatch.setattr("gateway.store.sqlite._commit", no_commit)
    outcomes = await asyncio.gather(*(store.write(add(key)) for key in "abc"), return_exceptions=True)
    assert [str(outcome) for outcome in outcomes] == ["the disk is gone"] * 3
    monkeypatch.undo()
    assert await store.read(count) == 0
    assert await store.write(add("a")) == 1


@only_sqlite
async def test_a_failed_fsync_leaves_the_outcome_open(store: SqliteStore, tmp_path: Path) -> None:
    """A WAL whose file cannot grow: the kernel refuses the write, as a broken disk would."""
    import resource

    await store.write(add("a"))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    size = (tmp_path / "gateway.db-wal").stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        with pytest.raises(StoreUnavailable) as failed:
            await store.write(add("b"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not surely_undone(failed.value)
    assert await store.write(add("c")) == 1
    assert "c" in await store.read(keys)


async def test_closing_finishes_what_was_handed_in_and_refuses_the_rest(store_factory: OpenStore) -> None:
    store = await store_factory()
    waiting = [asyncio.create_task(store.write(add(str(number)))) for number in range(50)]
    await asyncio.sleep(0)
    await store.close()
    assert await asyncio.gather(*waiting) == [1] * 50
    for late in (store.write(add("late")), store.read(count)):
        with pytest.raises(StoreClosed):
            await late
    assert await (await store_factory()).read(count) == 50


@only_sqlite
async def test_a_stopped_loop_leaves_no_caller_waiting(store: SqliteStore) -> None:
    """What ``asyncio.run`` does at its end: cancel every task, the writer's too."""
    begun, go_on = threading.Event(), threading.Event()

    def slow(tx: Tx) -> None:
        begun.set()
        assert go_on.wait(10)

    running = asyncio.create_task(store.write(slow))
    await asyncio.to_thread(begun.wait, 10)
    waiting = asyncio.create_task(store.write(add("never begun")))
    await asyncio.sleep(0)
    pump = store._group._pump
    assert pump is not None
    pump.cancel()
    outcomes = await asyncio.gather(running, waiting, return_exceptions=True)
    go_on.set()
    assert [type(outcome) for outcome in outcomes] == [StoreClosed, StoreClosed]
    assert [surely_undone(outcome) for outcome in outcomes] == [False, True]
    assert await store.write(add("after all")) == 1


def drop_connections(database_url: str) -> None:
    """What a restart of the server does to those who are connected."""
    with psycopg.connect(database_url, autocommit=True) as other:
        other.execute(
            b"SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            b"WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


@only_postgres
async def test_a_unit_survives_the_loss_of_every_connection(store: Store, database_url: str) -> None:
    all_at_once = threading.Barrier(POOL)
    await asyncio.gather(*(store.write(lambda tx: all_at_once.wait(10)) for _ in range(POOL)))
    assert (await store.describe())["connections"] == POOL > ATTEMPTS
    drop_connections(database_url)
    assert await store.write(add("a")) == 1
    assert await store.read(keys) == ["a"]


@only_postgres
async def test_a_connection_lost_in_the_middle_runs_the_unit_again(store: Store, database_url: str) -> None:
    runs: list[int] = []

    def unit(tx: Tx) -> int:
        runs.append(tx.run("add_thing", key="a", value=1))
        if len(runs) == 1:
            drop_connections(database_url)
        return tx.run("raise_thing", key="a", by=1)

    assert await store.write(unit) == 1
    assert len(runs) == 2
    assert await store.read(keys) == ["a"]


async def test_a_server_that_does_not_answer_is_reported_as_busy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.store.postgres.WAIT", 0.2)
    url = f"postgresql:///none?host={tmp_path}"
    with pytest.raises(StoreUnavailable):
        await open_store(url, tmp_path, clock=SystemClock())


def test_only_a_known_end_counts_as_undone() -> None:
    assert surely_undone(StoreFull())
    assert surely_undone(LookupError("the unit changed its mind"))
    assert not surely_undone(asyncio.CancelledError())
    assert not surely_undone(StoreUnavailable(code="store.outcome_unknown"))
