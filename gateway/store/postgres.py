"""The store in a PostgreSQL database, shared by any number of gateway processes.

In charge of: the connection pool, running units of work on a bounded set of threads, running a unit again
when it lost a race, and hearing what other nodes call. Not in charge of: SQL text, schema steps
(``migrate``), the server's own settings.

Needs the extra ``postgres`` (psycopg 3); nothing else imports this module before a ``postgresql://`` address
asks for it. Each unit is a transaction of its own: the server commits concurrent sessions with one flush.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

import psycopg
import structlog
from psycopg import errors as pg
from psycopg.abc import Buffer
from psycopg.adapt import Dumper, Loader
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import TransactionStatus
from psycopg.rows import DictRow, dict_row
from psycopg.types.numeric import Int8Dumper
from psycopg_pool import ConnectionPool, PoolTimeout

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
from gateway.store.fence import Fenced, current, proven
from gateway.store.migrate import Migration, check_schema, migrate, not_applied
from gateway.store.queries import Queries

log = structlog.get_logger("gateway.store")
T = TypeVar("T")
Connection = psycopg.Connection[DictRow]
Pool = ConnectionPool[Connection]

ATTEMPTS = 5  # how often a unit is run before a lost race is reported
PAUSE = 0.005  # seconds, times the number of attempts made
POOL = 8  # connections, and threads that use them
WAIT = 10.0  # seconds for a free connection
LISTEN_AGAIN = 2.0  # seconds until the connection for words of other nodes is made again
# A cut line, or a server that is gone without a word, has to be noticed: nobody waits for ever.
_NOTICED = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}
PAUSED = 5  # seconds between two statements of a unit; then its process is paused or dead
SLOWEST = 120  # seconds that one statement may take
_WRITE = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"
_READ = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"  # one snapshot, as on SQLite
_MONTH = re.compile(r"_(\d{6}|default)$")  # a part of a table that is cut by months
_MIGRATORS = 0x6761746577617901  # advisory lock: "gateway", 1


class _Again(Exception):
    """The unit lost a race, or its connection, before anything was committed."""


class _BoolAsInteger(Dumper):
    """Truth is stored as 0 or 1, as on SQLite."""

    oid = psycopg.adapters.types["int8"].oid

    def dump(self, obj: bool) -> Buffer:
        return b"1" if obj else b"0"


class _IntegerFromBool(Loader):
    def load(self, data: Buffer) -> int:
        return int(bytes(data) == b"t")


class _NumberFromNumeric(Loader):
    """SUM of integers is an integer and AVG a float, as on SQLite; never a Decimal."""

    def load(self, data: Buffer) -> int | float:
        text = bytes(data).decode()
        return int(text) if text.lstrip("-").isdigit() else float(text)


class PostgresTx(NamedTx):
    """``Tx`` over a connection that stands in a transaction."""

    __slots__ = ("_cursor",)
    database_error = psycopg.Error

    def __init__(self, connection: Connection, queries: Queries) -> None:
        super().__init__(queries)
        self._cursor = connection.cursor()

    def fetch(self, sql: str, params: Mapping[str, Value]) -> list[Row]:
        return list(self._cursor.execute(sql.encode(), params).fetchall())

    def change(self, sql: str, params: Mapping[str, Value]) -> int:
        return self._cursor.execute(sql.encode(), params).rowcount

    def change_many(self, sql: str, rows: Sequence[Mapping[str, Value]]) -> int:
        self._cursor.executemany(sql.encode(), rows)
        return self._cursor.rowcount

    def translated(self, error: Exception) -> Exception:
        return translated(error)


@dataclass(slots=True, eq=False)
class PostgresStore:
    """``Store`` over one database. Made by ``open_postgres``."""

    pool: Pool
    queries: Queries
    read_only: bool
    schema: int
    engine: str = "postgres"
    shared: bool = True
    _threads: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(POOL, "store"))
    _limits: bytes = b""  # what each transaction sets for itself
    _closed: bool = False
    _units: int = 0
    _reruns: int = 0

    async def write(self, unit: Unit[T]) -> T:
        if self.read_only:
            raise read_only_error()
        if (fence := current()) is None:
            return await self._offload(self._write, unit)
        try:
            return await self._offload(self._write, proven(fence, unit))
        except Fenced:
            fence.fell()
            raise

    async def read(self, unit: Unit[T]) -> T:
        return await self._offload(self._repeat, _READ, unit)

    async def describe(self) -> dict[str, str | int]:
        facts = await self._offload(self._facts)
        stats = self.pool.get_stats()
        facts |= {"connections": stats.get("pool_size", 0), "waiting": stats.get("requests_waiting", 0)}
        return facts | {"units": self._units, "reruns": self._reruns}

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        await asyncio.to_thread(self._threads.shutdown)
        await asyncio.to_thread(self.pool.close)

    async def _offload(self, work: Callable[..., T], *args: Any) -> T:
        if self._closed:
            raise StoreClosed(retry_after=AWAY_RETRY)
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *args)

    def _write(self, unit: Unit[T]) -> T:
        self._units += 1
        return self._repeat(_WRITE, unit)

    def _repeat(self, begin: str, unit: Unit[T]) -> T:
        """Run ``unit`` until it neither loses a race nor a connection, ``ATTEMPTS`` times at most.

        After a lost race for a unique key the winner's row is visible, so a unit that looks first finds it.
        """
        for attempt in range(1, ATTEMPTS):
            try:
                return self._attempt(begin, unit)
            except (Conflict, _Again):
                self._reruns += 1
                time.sleep(PAUSE * attempt)
        try:
            return self._attempt(begin, unit)
        except _Again as last:
            raise StoreUnavailable(retry_after=AWAY_RETRY) from last

    def _attempt(self, begin: str, unit: Unit[T]) -> T:
        connection = self._connection()
        try:
            connection.execute(begin.encode() + self._limits)
            value = run_unit(unit, PostgresTx(connection, self.queries))
            _commit(connection)
            return value
        except (psycopg.OperationalError, pg.IdleInTransactionSessionTimeout) as error:
            # Of BEGIN, or of a process that was paused before its COMMIT; those of the unit are translated.
            raise translated(error) from error
        finally:
            self._put_back(connection)

    def _connection(self) -> Connection:
        try:
            return self.pool.getconn(WAIT)
        except PoolTimeout as error:
            raise StoreUnavailable(retry_after=AWAY_RETRY) from error

    def _put_back(self, connection: Connection) -> None:
        """Return the connection clean. When the server dropped it, look at the idle ones too."""
        lost = connection.closed
        if not lost and connection.info.transaction_status != TransactionStatus.IDLE:
            with suppress(psycopg.Error):
                connection.rollback()
        self.pool.putconn(connection)
        if lost:
            self.pool.check()

    def _facts(self) -> dict[str, str | int]:
        with self.pool.connection(WAIT) as connection:
            row = connection.execute(_FACTS).fetchone()
        return {"engine": self.engine, "schema": self.schema, "psycopg": psycopg.__version__, **(row or {})}


_FACTS = b"""
SELECT current_setting('server_version') AS server, current_database() AS database,
    pg_database_size(current_database()) AS bytes, current_setting('fsync') AS fsync,
    current_setting('synchronous_commit') AS synchronous_commit,
    current_setting('full_page_writes') AS full_page_writes"""


def _commit(connection: Connection) -> None:
    """Commit. If the connection breaks now, nobody knows whether the server did."""
    try:
        connection.execute(b"COMMIT")
    except psycopg.OperationalError as error:
        if connection.closed:
            raise StoreUnavailable(code=OUTCOME_UNKNOWN, retry_after=AWAY_RETRY) from error
        raise


def translated(error: Exception) -> Exception:
    """The contract's error for one of PostgreSQL; any other stays what it is."""
    match error:
        case pg.UniqueViolation() | pg.ExclusionViolation():
            table = _MONTH.sub("", error.diag.table_name or "")
            return Conflict(table, str(error).splitlines()[0])
        case pg.SerializationFailure() | pg.DeadlockDetected() | pg.IdleInTransactionSessionTimeout():
            return _Again(str(error))
        case pg.IntegrityError():
            return Impossible(str(error))
        case pg.DiskFull():
            return StoreFull(retry_after=FULL_RETRY)
        case psycopg.OperationalError() if (error.sqlstate or "08").startswith(("08", "57P")):
            return _Again(str(error))  # connection lost, server shutting down
        case psycopg.OperationalError():
            return StoreUnavailable(retry_after=AWAY_RETRY)
    return error


def _configure(connection: Connection) -> None:
    """Make values mean what they mean on SQLite."""
    adapters = connection.adapters
    adapters.register_dumper(int, Int8Dumper)
    adapters.register_dumper(bool, _BoolAsInteger)
    adapters.register_loader("bool", _IntegerFromBool)
    adapters.register_loader("numeric", _NumberFromNumeric)


def _limits(connection: Connection) -> bytes:
    """What each transaction sets for itself, with its BEGIN; not for a session, so that a pooler may stand
    between us and the server (PgBouncer in transaction mode).

    COMMIT means what the contract says, whatever the server's default is. A process that is paused inside a
    unit must not keep its locks: units wait for nothing but the database. No statement takes for ever.
    """
    row = connection.execute(b"SHOW synchronous_commit").fetchone()
    durable = "SET LOCAL synchronous_commit = on;" if row and row["synchronous_commit"] == "off" else ""
    return (
        f"; {durable} SET LOCAL idle_in_transaction_session_timeout = {PAUSED * 1000}; "
        f"SET LOCAL statement_timeout = {SLOWEST * 1000}"
    ).encode()


def _address(url: str, **more: str) -> str:
    """``url`` with our limits for what it does not say itself."""
    given: dict[str, Any] = {**_NOTICED, **conninfo_to_dict(url), **more}
    return make_conninfo("", **given)


def open_postgres(
    url: str,
    queries: Queries,
    migrations: tuple[Migration, ...],
    now: Callable[[], int],
    *,
    purpose: str,
    read_only: bool,
) -> PostgresStore:
    """Connect and migrate; blocks, so call it on a thread. ``StoreUnavailable`` when no server answers.

    ``read_only`` changes nothing, but wants a migrated database.
    """
    settings = {"autocommit": True, "row_factory": dict_row}
    where = _address(url, application_name=purpose)
    pool = Pool(where, kwargs=settings, min_size=1, max_size=POOL, open=False, configure=_configure)
    try:
        pool.open(wait=True, timeout=WAIT)
        with pool.connection(WAIT) as connection:
            session = _Session(connection)
            check_schema(session, migrations) if read_only else migrate(session, migrations, now)
            limits = _limits(connection)
    except PoolTimeout as error:
        pool.close()
        raise StoreUnavailable(retry_after=AWAY_RETRY) from error
    except BaseException:
        pool.close()
        raise
    return PostgresStore(pool, queries, read_only, len(migrations), _limits=limits)


def pending_postgres(url: str, migrations: tuple[Migration, ...]) -> Sequence[Migration]:
    """The steps that a database has not had; changes nothing. ``StoreUnavailable`` when no server answers."""
    try:
        with psycopg.connect(_address(url), autocommit=True, row_factory=dict_row) as connection:
            return not_applied(_Session(connection), migrations)
    except psycopg.OperationalError as error:
        raise StoreUnavailable(retry_after=AWAY_RETRY) from error


@dataclass(frozen=True, slots=True)
class _Session:
    """``migrate.Session`` over one connection."""

    connection: Connection

    def begin(self) -> None:
        self.connection.execute(b"BEGIN")
        self.connection.execute(f"SELECT pg_advisory_xact_lock({_MIGRATORS})".encode())

    def script(self, text: str) -> None:
        self.connection.execute(text.encode())

    def rows(self, text: str) -> list[tuple[Any, ...]]:
        return [tuple(row.values()) for row in self.connection.execute(text.encode())]

    def has_ledger(self) -> bool:
        return self.rows("SELECT to_regclass('schema_migration') AS ledger") != [(None,)]

    def commit(self) -> None:
        self.connection.execute(b"COMMIT")

    def rollback(self) -> None:
        self.connection.execute(b"ROLLBACK")


async def listen(url: str) -> AsyncIterator[str]:
    """Words that nodes call (LISTEN), our own too, as they come; ``""`` whenever the connection was made.

    A word only saves waiting for a timer: those that are called while the connection is down are lost.
    """
    where = _address(url, application_name="gateway listens")
    while True:
        try:
            async with await psycopg.AsyncConnection.connect(where, autocommit=True) as connection:
                await connection.execute("LISTEN gateway")
                yield ""
                async for notify in connection.notifies():
                    yield notify.payload
        except psycopg.Error as error:
            log.warning("nothing is heard from other nodes, trying again", problem=str(error).strip())
        await asyncio.sleep(LISTEN_AGAIN)
