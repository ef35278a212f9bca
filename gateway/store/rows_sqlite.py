"""All rows of a SQLite file, read from a copy of one moment; and rows into an empty one.

In charge of: the connections for that, apart from those of ``sqlite``. Not in charge of: the form of the
stream (``dump``). No store of this process may be open on the same file (see ``sqlite``).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.store.contract import Value
from gateway.store.dump import KEYS, LEDGER, WORKED_WITH, Page, Table
from gateway.store.lock import WriterLock

_TABLES = f"""SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'
AND name <> '{LEDGER}' ORDER BY name"""
RETURNED = (
    "UPDATE archived_month SET state = 'returned' WHERE month = :month",
    "DELETE FROM archived_document WHERE month = :month",
)


@dataclass(frozen=True, slots=True)
class SqliteRows:
    """``dump.Source`` and ``dump.Target`` over one connection."""

    connection: sqlite3.Connection

    def steps(self) -> int:
        return int(self.connection.execute(f"SELECT count(*) FROM {LEDGER}").fetchone()[0])

    def tables(self) -> list[Table]:
        return [self._table(name) for (name,) in self.connection.execute(_TABLES).fetchall()]

    def rows(self, table: Table) -> Iterator[Sequence[Value]]:
        columns, key = _names(table.columns), _names(table.key)
        yield from self.connection.execute(f"SELECT {columns} FROM {table.name} ORDER BY {key}")

    def add(self, table: Table, rows: Sequence[Sequence[Value]]) -> None:
        marks = ", ".join("?" * len(table.columns))
        self.connection.executemany(
            f"INSERT INTO {table.name} ({_names(table.columns)}) VALUES ({marks})", rows
        )

    def bring_back(self, month: str, pages: Iterable[Page]) -> int:
        """Bytes stand in the file as PostgreSQL writes them (``\\x`` and hex)."""
        count = 0
        for name, rows in pages:
            declared = self.connection.execute(f"PRAGMA table_info({name})").fetchall()
            are_bytes = {row[1] for row in declared if row[2] == "BLOB"}
            table = self._table(name)
            self.add(table, [[_value(row[one], one in are_bytes) for one in table.columns] for row in rows])
            count += len(rows)
        for statement in RETURNED:
            self.connection.execute(statement, {"month": month})
        return count

    def _table(self, name: str) -> Table:
        columns = self.connection.execute(f"PRAGMA table_info({name})").fetchall()
        key = [row[1] for row in sorted(columns, key=lambda row: int(row[5])) if row[5]]
        return Table(name, tuple(sorted(row[1] for row in columns)), KEYS.get(name, tuple(key)))


@contextmanager
def snapshot(path: Path, scratch: Path) -> Iterator[SqliteRows]:
    """The rows as of now. The file is copied to ``scratch`` in one go (the backup of SQLite itself), because
    a read that lasts as long as a stream would let the log of a running server grow; the copy goes at the
    end."""
    scratch.unlink(missing_ok=True)
    scratch.touch(0o600)
    try:
        copied = sqlite3.connect(scratch, isolation_level=None)
        try:
            source = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
            try:
                source.execute("PRAGMA busy_timeout=5000")
                source.backup(copied)
            finally:
                source.close()
            yield SqliteRows(copied)
        finally:
            copied.close()
    finally:
        for suffix in ("", "-wal", "-shm", "-journal"):
            scratch.with_name(scratch.name + suffix).unlink(missing_ok=True)


@contextmanager
def at_rest(path: Path, purpose: str) -> Iterator[SqliteRows]:
    """The rows of a file that nobody writes to meanwhile: we hold its lock. ``NotReady``: somebody does."""
    lock = WriterLock(path.with_name(path.name + ".lock"), purpose)
    lock.take()
    try:
        connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, isolation_level=None)
        try:
            yield SqliteRows(connection)
        finally:
            connection.close()
    finally:
        lock.release()


@contextmanager
def filling(path: Path, purpose: str) -> Iterator[SqliteRows]:
    """A migrated file to be filled, in one transaction; what the migrations wrote into it is taken out first.
    On return everything is on disk. References are checked once, at the end (``IntegrityError``)."""
    lock = WriterLock(path.with_name(path.name + ".lock"), purpose)
    lock.take()
    try:
        connection = sqlite3.connect(path, isolation_level=None)
        try:
            connection.execute("PRAGMA foreign_keys=OFF")
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("BEGIN IMMEDIATE")
            target = SqliteRows(connection)
            for table in target.tables():
                connection.execute(f"DELETE FROM {table.name}")
            yield target
            if broken := connection.execute("PRAGMA foreign_key_check").fetchone():
                raise sqlite3.IntegrityError(f"{broken[0]} refers to {broken[2]}, which is not there")
            connection.execute("COMMIT")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            connection.close()
    finally:
        lock.release()


def is_unused(path: Path) -> bool:
    """True for a migrated file that no gateway has worked with."""
    connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
    try:
        return not connection.execute(f"SELECT {WORKED_WITH}").fetchone()[0]
    finally:
        connection.close()


def _value(value: Any, is_bytes: bool) -> Value:
    return bytes.fromhex(value[2:]) if is_bytes and value is not None else value


def _names(columns: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in columns)
