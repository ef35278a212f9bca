"""All rows of a PostgreSQL database as of one moment; and rows into an empty one.

In charge of: the connection for that, apart from the pool of ``postgres``. Not in charge of: the form of the
stream (``dump``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import orjson
import psycopg
from psycopg import sql
from psycopg.types.numeric import Int8Dumper

from gateway.store.contract import Value
from gateway.store.dump import KEYS, LEDGER, WORKED_WITH, Page, Table

# The column of a table with months that says in which month a row lies (migration 23).
MONTHLY = {"attempt": "delivery", "delivery": "id", "delivery_answer": "delivery", "event": "id"}
# Parts of such tables are read through them; months that were taken out stand beside and are in their files.
_TABLES = f"""SELECT c.oid, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p') AND NOT c.relispartition
AND c.relname <> '{LEDGER}' AND c.relname !~ '^(attempt|delivery|delivery_answer|event)_([0-9]{{6}}|default)$'
ORDER BY c.relname COLLATE "C" """
_COLUMNS = """SELECT a.attname, coalesce(array_position(i.indkey::int[], a.attnum::int), -1)
FROM pg_attribute a LEFT JOIN pg_index i ON i.indrelid = a.attrelid AND i.indisprimary
WHERE a.attrelid = %s AND a.attnum > 0 AND NOT a.attisdropped"""
_REFERENCES = """SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
WHERE contype = 'f' AND conparentid = 0 AND connamespace = current_schema()::text::regnamespace"""
RETURNED = (
    "UPDATE archived_month SET state = 'returned' WHERE month = %(month)s",
    "DELETE FROM archived_document WHERE month = %(month)s",
)
# The tables of a month that stood beside the others are not in a stream. A month whose file is lost, too, is
# away until the file is found.
AWAY_IN_FILES = "UPDATE archived_month SET state = 'dropped' WHERE state = 'detached' AND file <> ''"
FETCH = 2000  # rows


@dataclass(frozen=True, slots=True)
class PostgresRows:
    """``dump.Source`` and ``dump.Target`` over one connection that stands in a transaction."""

    connection: psycopg.Connection[Any]
    has_months: bool = False
    _months: set[str] = field(default_factory=set)

    def steps(self) -> int:
        row = self.connection.execute(f"SELECT count(*) FROM {LEDGER}".encode()).fetchone()
        return int(row[0]) if row else 0

    def tables(self) -> list[Table]:
        return [self._table(oid, name) for oid, name in self.connection.execute(_TABLES.encode()).fetchall()]

    def rows(self, table: Table) -> Iterator[Sequence[Value]]:
        query = sql.SQL("SELECT {} FROM {} ORDER BY {}").format(
            _names(table.columns), sql.Identifier(table.name), _names(table.key)
        )
        with self.connection.cursor("rows") as cursor:
            cursor.itersize = FETCH
            yield from cursor.execute(query)

    def add(self, table: Table, rows: Sequence[Sequence[Value]]) -> None:
        if self.has_months and table.name in MONTHLY:
            self._make_months(table.columns.index(MONTHLY[table.name]), rows)
        copy = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table.name), _names(table.columns))
        with self.connection.cursor() as cursor, cursor.copy(copy) as into:
            for row in rows:
                into.write_row(row)

    def bring_back(self, month: str, pages: Iterable[Page]) -> int:
        found = self.connection.execute("SELECT to_regclass('event_' || %s) IS NULL", (month,)).fetchone()
        if is_new := bool(found and found[0]):
            self.connection.execute("SELECT lay_month(%s)", (month,))
        count = 0
        for name, rows in pages:
            query = "SELECT fill_month(%s, %s, %s)"
            filled = self.connection.execute(query, (name, month, orjson.dumps(rows).decode())).fetchone()
            count += filled[0] if filled else 0
        if is_new:
            self.connection.execute("SELECT attach_month(%s)", (month,))
        for statement in RETURNED:
            self.connection.execute(statement, {"month": month})
        return count

    def _make_months(self, place: int, rows: Sequence[Sequence[Value]]) -> None:
        """A month has to be there before its rows: else they would lie in the rest for good."""
        query = "SELECT DISTINCT month_of_id(id) FROM unnest(%s::text[]) id"
        found = self.connection.execute(query, ([row[place] for row in rows],)).fetchall()
        for month in {month for (month,) in found if month} - self._months:
            self.connection.execute("SELECT make_month(%s)", (month,))
            self._months.add(month)

    def _table(self, oid: int, name: str) -> Table:
        columns = self.connection.execute(_COLUMNS, (oid,)).fetchall()
        key = [column for column, place in sorted(columns, key=lambda row: int(row[1])) if place >= 0]
        return Table(name, tuple(sorted(column for column, _ in columns)), KEYS.get(name, tuple(key)))


@contextmanager
def snapshot(url: str) -> Iterator[PostgresRows]:
    """The rows as of now, whatever is written meanwhile. The tables are locked before the moment is fixed
    (as pg_dump does): a month that is taken out or put in later would be gone from rows not read yet, since
    which parts a table has is not of the moment. Whoever tries that meanwhile is told to try again."""
    with psycopg.connect(url, autocommit=True, application_name="gateway backup") as connection:
        found = connection.execute(_TABLES.encode()).fetchall()
        connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        if found:
            names = sql.SQL(", ").join(sql.Identifier(name) for _, name in found)
            connection.execute(sql.SQL("LOCK TABLE {} IN ACCESS SHARE MODE").format(names))
        yield PostgresRows(connection)


@contextmanager
def filling(url: str) -> Iterator[PostgresRows]:
    """A migrated database to be filled, in one transaction; what the migrations wrote into it is taken out
    first. References between tables are taken off and put back at the end, which checks them all."""
    with psycopg.connect(url, autocommit=True, application_name="gateway restore") as connection:
        connection.adapters.register_dumper(int, Int8Dumper)
        connection.execute("BEGIN")
        found = connection.execute("SELECT to_regproc('make_month') IS NOT NULL").fetchone()
        target = PostgresRows(connection, bool(found and found[0]))
        references = connection.execute(_REFERENCES).fetchall()
        for table, name, _ in references:
            connection.execute(_statement(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"'))
        names = [table.name for table in target.tables()]
        connection.execute(_statement(f"TRUNCATE {', '.join(names)}"))
        if target.has_months:  # what the trigger looks for was held where the rows come from
            connection.execute("ALTER TABLE delivery DISABLE TRIGGER delivery_once")
        yield target
        if target.has_months:
            connection.execute("ALTER TABLE delivery ENABLE TRIGGER delivery_once")
            connection.execute(AWAY_IN_FILES)
        for table, name, definition in references:
            connection.execute(_statement(f'ALTER TABLE {table} ADD CONSTRAINT "{name}" {definition}'))
        _set_sequences(connection, names)
        connection.execute("COMMIT")
        connection.execute("ANALYZE")


def is_unused(url: str) -> bool:
    """True for a database without a gateway in it: empty, or migrated and never worked with."""
    with psycopg.connect(url, autocommit=True) as connection:
        found = connection.execute("SELECT to_regclass('event') IS NULL").fetchone()
        if found is not None and found[0]:
            return True
        row = connection.execute(f"SELECT {WORKED_WITH}".encode()).fetchone()
        return row is not None and not row[0]


def _set_sequences(connection: psycopg.Connection[Any], tables: Sequence[str]) -> None:
    """The next number that a table gives itself is behind those it holds."""
    query = """SELECT table_name, column_name FROM information_schema.columns
        WHERE table_schema = current_schema() AND is_identity = 'YES' AND table_name = ANY(%s)"""
    for table, column in connection.execute(query, (list(tables),)).fetchall():
        text = f"SELECT setval(pg_get_serial_sequence('{table}', '{column}'), max({column}) + 1, false)"
        connection.execute(_statement(f"{text} FROM {table} HAVING max({column}) >= 1"))


def _statement(text: str) -> sql.SQL:
    """Names in it are those of our own tables."""
    return sql.SQL(cast(Any, text))


def _names(columns: Sequence[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, columns))
