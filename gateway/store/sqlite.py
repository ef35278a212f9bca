"""The store in one SQLite file: one writer, a few short readers.

In charge of: the connections to the file, and putting units of work that wait at the same moment into one
transaction (group commit). Not in charge of: SQL text, schema steps (``migrate``), payload files (``blobs``).

SQLite before 3.51.3 can damage a WAL file when two connections write or checkpoint, so exactly one connection
of one process writes, under the lock file ``<database>.lock``; all others open ``mode=ro`` and can do
neither.
Never open the database file by other means in this process: closing such a handle drops SQLite's own locks.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import aiosqlite

from gateway.errors import NotReady
from gateway.model.text import Bilingual
from gateway.store.contract import (
    AWAY_RETRY,
    FULL_RETRY,
    OUTCOME_UNKNOWN,
    Conflict,
    Impossible,
    NamedTx,
    Row,
    StoreClosed,
    StoreFull,
    StoreUnavailable,
    Unit,
    Value,
    read_only_error,
    run_unit,
)
from gateway.store.group_commit import GroupCommit, Job
from gateway.store.lock import WriterLock
from gateway.store.migrate import Migration, check_schema, migrate, not_applied
from gateway.store.places import sync_folder
from gateway.store.queries import Queries

T = TypeVar("T")
P = ParamSpec("P")

READERS = 2
_COMMON = ("busy_timeout=5000", "temp_store=MEMORY", "trusted_schema=OFF", "case_sensitive_like=ON")
_WRITER = (
    "journal_mode=WAL",
    "synchronous=FULL",  # the commit is the promise: fsync the WAL each time
    "foreign_keys=ON",
    "journal_size_limit=67108864",  # bytes; a WAL that a slow reader let grow is cut back
    "cache_size=-32768",  # KiB
)
_READER = ("query_only=ON",)


async def _on_thread(
    connection: aiosqlite.Connection,
    work: Callable[Concatenate[sqlite3.Connection, P], T],
    *args: P.args,
    **kwargs: P.kwargs,
) -> T:
    """Run ``work(connection, …)`` on the thread of ``connection``, in one hop.

    The only use of aiosqlite's private half (0.22, pinned by uv.lock): its public API hops once for every
    statement, which would cost a batch more than its fsync. ``test_units_run_on_the_connections_thread``
    notices when a new version changes it.
    """
    result: T = await connection._execute(work, connection._conn, *args, **kwargs)  # type: ignore[no-untyped-call]
    return result


class SqliteTx(NamedTx):
    """``Tx`` over a connection that stands in a transaction."""

    __slots__ = ("_connection",)
    database_error = sqlite3.Error

    def __init__(self, connection: sqlite3.Connection, queries: Queries) -> None:
        super().__init__(queries)
        self._connection = connection

    def fetch(self, sql: str, params: Mapping[str, Value]) -> list[Row]:
        return self._connection.execute(sql, params).fetchall()

    def change(self, sql: str, params: Mapping[str, Value]) -> int:
        return self._connection.execute(sql, params).rowcount

    def change_many(self, sql: str, rows: Sequence[Mapping[str, Value]]) -> int:
        return self._connection.executemany(sql, rows).rowcount

    def translated(self, error: Exception) -> Exception:
        return translated(error)


def _commit_together(connection: sqlite3.Connection, queries: Queries, jobs: list[Job]) -> None:
    """One transaction for all ``jobs``; on return, those without an ``error`` are on disk."""
    try:
        connection.execute("BEGIN IMMEDIATE")
        for job in jobs:
            _run_in_savepoint(connection, queries, job)
        _commit(connection)
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _commit(connection: sqlite3.Connection) -> None:
    """Commit. After a failed fsync the WAL may or may not hold the transaction when the machine restarts."""
    try:
        connection.execute("COMMIT")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_IOERR:
            raise StoreUnavailable(code=OUTCOME_UNKNOWN, retry_after=AWAY_RETRY) from error
        raise


def _run_in_savepoint(connection: sqlite3.Connection, queries: Queries, job: Job) -> None:
    """A unit that fails undoes its own changes only, unless SQLite has given up the whole transaction."""
    connection.execute("SAVEPOINT unit")
    try:
        job.value = run_unit(job.unit, SqliteTx(connection, queries))
    except BaseException as error:
        if not connection.in_transaction:
            raise
        connection.execute("ROLLBACK TO unit")
        job.error = error
    connection.execute("RELEASE unit")


def _read_once(connection: sqlite3.Connection, queries: Queries, unit: Unit[T]) -> T:
    """Run ``unit`` on one snapshot, and let go of it: a pinned snapshot keeps the WAL from being reused."""
    connection.execute("BEGIN")
    try:
        return run_unit(unit, SqliteTx(connection, queries))
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


@dataclass(slots=True, eq=False)
class SqliteStore:
    """``Store`` over one file. Made by ``open_sqlite``; without a ``writer`` it only reads."""

    path: Path
    queries: Queries
    writer: aiosqlite.Connection | None
    readers: tuple[aiosqlite.Connection, ...]
    resources: AsyncExitStack
    schema: int
    engine: str = "sqlite"
    shared: bool = False  # one writer, under the lock
    _group: GroupCommit = field(init=False)
    _idle: asyncio.Queue[aiosqlite.Connection] = field(default_factory=asyncio.Queue)
    _closed: bool = False

    def __post_init__(self) -> None:
        self._group = GroupCommit(self._commit)
        for reader in self.readers:
            self._idle.put_nowait(reader)

    async def write(self, unit: Unit[T]) -> T:
        self._check_open()
        if self.writer is None:
            raise read_only_error()
        return await self._group.write(unit)

    async def read(self, unit: Unit[T]) -> T:
        self._check_open()
        reader = await self._idle.get()
        running = asyncio.ensure_future(_on_thread(reader, _read_once, self.queries, unit))
        running.add_done_callback(lambda _: self._idle.put_nowait(reader))
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            if not running.done():
                await reader.interrupt()  # cancelling an await does not stop a query
            raise

    async def describe(self) -> dict[str, str | int]:
        self._check_open()
        facts: dict[str, str | int] = {"engine": self.engine, "path": str(self.path), "schema": self.schema}
        facts |= {"sqlite": sqlite3.sqlite_version, "aiosqlite": aiosqlite.__version__}
        reader = await self._idle.get()
        try:
            facts |= await _on_thread(reader, _facts)
        finally:
            self._idle.put_nowait(reader)
        if self.writer is not None:
            facts["synchronous"] = await _on_thread(self.writer, _pragma, "synchronous")
        wal = self.path.with_name(self.path.name + "-wal")
        facts["wal_bytes"] = wal.stat().st_size if wal.exists() else 0
        return facts | {"units": self._group.units, "batches": self._group.batches}

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        await self._group.finished()
        for _ in self.readers:
            await self._idle.get()  # reads that came before us end first
        await self.resources.aclose()

    def _check_open(self) -> None:
        if self._closed:
            raise StoreClosed(retry_after=AWAY_RETRY)

    async def _commit(self, jobs: list[Job]) -> None:
        if self.writer is None:
            raise read_only_error()
        try:
            await _on_thread(self.writer, _commit_together, self.queries, jobs)
        except sqlite3.Error as error:  # of BEGIN or COMMIT; those of the units are translated already
            if (problem := translated(error)) is error:
                raise
            raise problem from error


async def open_sqlite(
    path: Path,
    queries: Queries,
    migrations: tuple[Migration, ...],
    now: Callable[[], int],
    *,
    purpose: str,
    read_only: bool,
) -> SqliteStore:
    """Open and migrate ``path``; on return the file's name is on disk too. ``NotReady`` when locked or newer.

    ``read_only`` takes no lock and changes nothing, but wants a migrated database.
    """
    async with AsyncExitStack() as resources:
        writer = None
        if read_only:
            _must_exist(path)
        else:
            _create(path, resources, purpose)
            writer = await _connect(str(path), resources, _COMMON + _WRITER)
            await _on_thread(writer, lambda connection: migrate(_Session(connection), migrations, now))
        where = f"{path.as_uri()}?mode=ro"
        readers = [await _connect(where, resources, _COMMON + _READER) for _ in range(READERS)]
        if read_only:
            await _on_thread(readers[0], lambda connection: check_schema(_Session(connection), migrations))
        return SqliteStore(path, queries, writer, tuple(readers), resources.pop_all(), len(migrations))
    raise AssertionError("an exit stack of ours swallows nothing")


def pending_sqlite(path: Path, migrations: tuple[Migration, ...]) -> Sequence[Migration]:
    """The steps that the database at ``path`` has not had; all of them when there is none. Takes no lock."""
    if not path.exists():
        return migrations
    connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
    try:
        return not_applied(_Session(connection), migrations)
    finally:
        connection.close()


def _create(path: Path, resources: AsyncExitStack, purpose: str) -> None:
    """Take the lock, and make the empty file readable by its owner only (-wal and -shm follow its mode)."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = WriterLock(path.with_name(path.name + ".lock"), purpose)
    lock.take()
    resources.callback(lock.release)
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    sync_folder(path.parent)


async def _connect(where: str, resources: AsyncExitStack, pragmas: Iterable[str]) -> aiosqlite.Connection:
    connection = await aiosqlite.connect(
        where, uri=where.startswith("file:"), isolation_level=None, cached_statements=512
    )
    resources.push_async_callback(connection.close)
    connection.row_factory = sqlite3.Row
    await _on_thread(connection, _set, pragmas)
    return connection


def _set(connection: sqlite3.Connection, pragmas: Iterable[str]) -> None:
    for pragma in pragmas:
        connection.execute(f"PRAGMA {pragma}").fetchall()


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])


def _facts(connection: sqlite3.Connection) -> dict[str, str | int]:
    page = _pragma(connection, "page_size")
    return {
        "bytes": page * _pragma(connection, "page_count"),
        "free_bytes": page * _pragma(connection, "freelist_count"),
        "journal_mode": connection.execute("PRAGMA journal_mode").fetchone()[0],
    }


@dataclass(frozen=True, slots=True)
class _Session:
    """``migrate.Session`` over the writing connection."""

    connection: sqlite3.Connection

    def begin(self) -> None:
        self.connection.execute("BEGIN IMMEDIATE")

    def script(self, text: str) -> None:
        """Statement by statement: ``executescript`` would commit first."""
        statement = ""
        for part in text.split(";"):
            statement += part
            if sqlite3.complete_statement(statement + ";"):
                self.connection.execute(statement)
                statement = ""
            else:
                statement += ";"
        if statement.strip(" \n\t;"):
            self.connection.execute(statement.removesuffix(";"))

    def rows(self, text: str) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in self.connection.execute(text)]

    def has_ledger(self) -> bool:
        return bool(self.rows("SELECT 1 FROM sqlite_master WHERE name = 'schema_migration'"))

    def commit(self) -> None:
        self.connection.execute("COMMIT")

    def rollback(self) -> None:
        if self.connection.in_transaction:
            self.connection.execute("ROLLBACK")


_UNIQUE = {
    sqlite3.SQLITE_CONSTRAINT_UNIQUE,
    sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY,
    sqlite3.SQLITE_CONSTRAINT_ROWID,
}
_AWAY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN}


def translated(error: Exception) -> Exception:
    """The contract's error for one of SQLite; any other stays what it is."""
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        return error
    if code in _UNIQUE:  # "UNIQUE constraint failed: delivery.id, delivery.recipient"
        return Conflict(str(error).partition(": ")[2].partition(".")[0], str(error))
    if code & 0xFF == sqlite3.SQLITE_CONSTRAINT:
        return Impossible(str(error))
    if code == sqlite3.SQLITE_FULL:
        return StoreFull(retry_after=FULL_RETRY)
    if code & 0xFF in _AWAY:
        return StoreUnavailable(retry_after=AWAY_RETRY)
    return error


def _must_exist(path: Path) -> None:
    if not path.exists():
        raise NotReady(
            Bilingual(
                f"Chưa có cơ sở dữ liệu {path}. Hãy khởi động máy chủ một lần để tạo, hoặc chỉ đúng thư mục "
                "bằng --home.",
                f"There is no database {path}. Start the server once to make it, or point --home to it.",
            ),
            code="store.missing",
        )
