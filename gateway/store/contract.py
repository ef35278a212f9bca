"""What a store promises, whichever engine keeps it.

In charge of: the words that the rest of the gateway uses for the database (``Store``, ``Tx``, ``Row``), the
errors that come out of it, and the rules that make one unit of work mean the same on both engines. Not in
charge of: connections (``sqlite``, ``postgres``), SQL text (``sql/``), what the rows mean (the noun modules).

A *unit of work* is a plain function ``(tx) -> value``. It has no ``await``, so no network call can stand
inside a transaction; it depends on nothing but its inputs and what it reads, because an engine may run it
again from the start (PostgreSQL does so after a lost race). It must be short: on SQLite all wait for it.
"""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, Protocol, TypeVar

from gateway.errors import Busy, NotReady
from gateway.model.text import Bilingual
from gateway.store.queries import Queries, named

T = TypeVar("T")
P = TypeVar("P")
Value = str | bytes | int | float | None  # what a column holds; a bool is stored as 0 or 1 on both engines


class Row(Protocol):
    """One row, read by column name; ``dict(row)`` copies it. Do not iterate: the engines differ there."""

    def __getitem__(self, column: str, /) -> Any: ...

    def keys(self) -> Iterable[str]: ...


class Tx(Protocol):
    """The inside of one transaction. ``query`` is the name of a query in ``store/sql``.

    Parameters must be exactly those that the query names (``TypeError``). An error of the database ends the
    unit: it may not be swallowed, and nothing that the unit wrote stays.
    """

    def one(self, query: str, /, **params: Value) -> Row | None:
        """The row, or ``None``. ``ValueError`` for a second row: such a query has to say LIMIT 1."""
        ...

    def all(self, query: str, /, **params: Value) -> list[Row]:
        """All rows, in memory."""
        ...

    def run(self, query: str, /, **params: Value) -> int:
        """Change something; the number of rows it touched."""
        ...

    def many(self, query: str, rows: Iterable[Mapping[str, Value]], /) -> int:
        """The same change for many sets of parameters; the number of rows touched in all."""
        ...


Unit = Callable[[Tx], T]


class Store(Protocol):
    """A durable memory. Belongs to the event loop that opened it."""

    @property
    def engine(self) -> str:
        """``sqlite`` or ``postgres``."""
        ...

    @property
    def shared(self) -> bool:
        """Whether other processes may write beside this one."""
        ...

    async def write(self, unit: Unit[T]) -> T:
        """Run ``unit`` in a transaction. On return, everything the unit wrote is on disk.

        On an exception nothing of it is, unless ``surely_undone`` says that nobody knows: the disk or the
        server failed during COMMIT, or the caller was cancelled (a unit that has begun is finished and
        committed all the same). Whoever cleans up after a failed write asks ``surely_undone`` first.
        """
        ...

    async def read(self, unit: Unit[T]) -> T:
        """Run ``unit`` on one snapshot of what is committed; it cannot write."""
        ...

    async def describe(self) -> dict[str, str | int]:
        """Versions, sizes, settings that durability hangs on, counters: for ``doctor`` and metrics."""
        ...

    async def close(self) -> None:
        """Finish what was handed in, refuse what comes later, let go of every file and connection."""
        ...


class Conflict(Exception):
    """A unique key is taken, and running the unit again did not change that. ``table`` is where."""

    def __init__(self, table: str, detail: str) -> None:
        self.table = table
        super().__init__(f"{table}: {detail}")


class Impossible(Exception):
    """A row that the schema does not allow (CHECK, NOT NULL, FOREIGN KEY): the program is wrong."""


class StoreFull(Busy):
    """The disk of the gateway is full; nothing was taken, try again later."""

    code = "store.full"
    vi = "Ổ đĩa của trục đã đầy; trục chưa nhận gì từ yêu cầu này, hãy gửi lại sau."


class StoreUnavailable(Busy):
    """The database of the gateway does not answer at the moment; try again shortly."""

    code = "store.unavailable"
    vi = "Cơ sở dữ liệu của trục tạm thời không đáp ứng; hãy gửi lại sau ít phút."


class StoreClosed(Busy):
    """The gateway is shutting down; try again shortly."""

    code = "store.closed"
    vi = "Trục đang dừng hoạt động; hãy gửi lại sau ít phút."


OUTCOME_UNKNOWN = "store.outcome_unknown"


def surely_undone(error: BaseException) -> bool:
    """Whether a ``Store.write`` that raised ``error`` certainly left nothing behind.

    False: do not delete what the rows may point to; a repeat of the request and the janitor sort it out.
    """
    return isinstance(error, Exception) and getattr(error, "code", "") != OUTCOME_UNKNOWN


FULL_RETRY = 60  # seconds until somebody has made room
AWAY_RETRY = 5  # seconds until a restarted database is back


class NamedTx(ABC):
    """``Tx`` as both engines have it: names, parameters, the first error. An engine runs the statements."""

    __slots__ = ("_queries", "problem")
    database_error: ClassVar[type[Exception]]

    def __init__(self, queries: Queries) -> None:
        self._queries = queries
        self.problem: Exception | None = None  # the unit's first database error; then, that it is over

    @abstractmethod
    def fetch(self, sql: str, params: Mapping[str, Value]) -> list[Row]:
        """Run one statement and take all its rows."""

    @abstractmethod
    def change(self, sql: str, params: Mapping[str, Value]) -> int:
        """Run one statement; the rows it touched."""

    @abstractmethod
    def change_many(self, sql: str, rows: Sequence[Mapping[str, Value]]) -> int:
        """Run one statement for each of ``rows``; the rows touched in all."""

    @abstractmethod
    def translated(self, error: Exception) -> Exception:
        """This module's error for one of the driver; any other stays what it is."""

    def one(self, query: str, /, **params: Value) -> Row | None:
        rows = self.all(query, **params)
        if len(rows) > 1:
            raise ValueError(f"query {query} gave {len(rows)} rows where at most one is meant")
        return rows[0] if rows else None

    def all(self, query: str, /, **params: Value) -> list[Row]:
        return self._do(self.fetch, self._checked(query, params), params)

    def run(self, query: str, /, **params: Value) -> int:
        return self._do(self.change, self._checked(query, params), params)

    def many(self, query: str, rows: Iterable[Mapping[str, Value]], /) -> int:
        filled = list(rows)
        if not filled:
            return 0
        for params in filled:
            sql = self._checked(query, params)
        return self._do(self.change_many, sql, filled)

    def end(self) -> None:
        """From here on every call is an error: rows are not to be read after their transaction."""
        self.problem = RuntimeError("the unit of work is over; fetch what you need inside it")

    def _checked(self, name: str, params: Mapping[str, Value]) -> str:
        """The SQL of the query, if the unit may go on and the parameters fit."""
        if self.problem is not None:
            raise self.problem
        query = named(self._queries, name)
        query.check(params)
        return query.sql

    def _do(self, work: Callable[[str, P], T], sql: str, params: P) -> T:
        try:
            return work(sql, params)
        except self.database_error as error:
            self.problem = self.translated(error)
            if self.problem is error:
                raise
            raise self.problem from error


def run_unit(unit: Unit[T], tx: NamedTx) -> T:
    """Run ``unit`` to its end and return its value.

    A database error that the unit caught is raised after all: PostgreSQL would turn COMMIT into ROLLBACK
    without a word, and the caller would believe in rows that are not there.
    """
    try:
        value = unit(tx)
        if tx.problem is not None:
            raise tx.problem
        return _plain(value)
    except StopIteration as stop:  # a future cannot carry it
        raise RuntimeError("a unit of work let StopIteration out") from stop
    finally:
        tx.end()


def _plain(value: T) -> T:
    """``value``, unless the unit was an ``async def``: then nothing of it has run."""
    if inspect.iscoroutine(value):
        value.close()
        raise TypeError("a unit of work is a plain function; it cannot await")
    return value


def read_only_error() -> NotReady:
    """For a write to a store that was opened read-only."""
    return NotReady(
        Bilingual(
            "Cơ sở dữ liệu đang mở ở chế độ chỉ đọc nên không ghi được.",
            "The database is open read-only; nothing can be written.",
        ),
        code="store.read_only",
    )
