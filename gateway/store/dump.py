"""All rows of a database as one stream of lines, the same on both engines.

In charge of: the form of the stream, its counts and digests, and loading it into an empty database of the
same schema. One mechanism for backups and for copying to another engine. Not in charge of: connections
(``rows_sqlite``, ``rows_postgres``), where the stream lies (``flow/backup.py``).

A table begins with ``{"table", "columns", "key"}``, its rows follow as JSON arrays in the order of the key,
it ends with ``{"rows", "sha256"}``. Columns are sorted by name, bytes are ``{"b": base64}``, a REAL has its
shortest decimal form. The digest is over the first line and the rows as they stand, so it is equal wherever
the same rows are. Memory is bounded by the largest row.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import orjson

from gateway.store.contract import Value

LEDGER = "schema_migration"  # differs by engine, and is made by the migrations of the target
BATCH = 1000  # rows that are loaded at once
Page = tuple[str, list[dict[str, Any]]]  # a table, and rows of it as an archive file holds them
# Where the engines have other keys; the order of a table must be one.
KEYS = {"attempt": ("delivery", "id")}
# SQL: whether a gateway has worked with the database; what the migrations write does not count.
WORKED_WITH = " OR ".join(
    f"EXISTS (SELECT 1 FROM {name})" for name in ("event", "agency", "principal", "payload")
)


@dataclass(frozen=True, slots=True)
class Table:
    """One table: its columns by name, and the columns by which its rows are ordered."""

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]

    def line(self) -> bytes:
        return orjson.dumps({"table": self.name, "columns": self.columns, "key": self.key}) + b"\n"


@dataclass(frozen=True, slots=True)
class Tally:
    """What was counted of one table. ``sha256`` is hex."""

    table: str
    rows: int
    sha256: str


class Source(Protocol):
    """Every table of one snapshot."""

    def steps(self) -> int:
        """How many migrations the database has had."""
        ...

    def tables(self) -> list[Table]:
        """Sorted by name."""
        ...

    def rows(self, table: Table) -> Iterator[Sequence[Value]]:
        """All rows in the order of the key; values in the order of ``table.columns``."""
        ...


class Target(Source, Protocol):
    """An empty, migrated database, inside one transaction; what was added can be read back."""

    def add(self, table: Table, rows: Sequence[Sequence[Value]]) -> None: ...

    def bring_back(self, month: str, pages: Iterable[Page]) -> int:
        """The rows of a month that was taken out, from its file, into their tables; how many. From here on
        it counts as returned."""
        ...


class BadStream(ValueError):
    """The stream was changed, or is of another schema; says where."""


def lines(source: Source, found: list[Tally]) -> Iterator[bytes]:
    """The stream. What was counted of each table is added to ``found`` at its end."""
    for table in source.tables():
        first = table.line()
        digest, rows = hashlib.sha256(first), 0
        yield first
        for rows, row in enumerate(source.rows(table), 1):  # noqa: B007 (the last number counts)
            line = orjson.dumps(list(row), default=_bytes) + b"\n"
            digest.update(line)
            yield line
        found.append(Tally(table.name, rows, digest.hexdigest()))
        yield orjson.dumps({"rows": rows, "sha256": digest.hexdigest()}) + b"\n"


def count(source: Source) -> list[Tally]:
    """What ``lines`` would count."""
    found = list[Tally]()
    for _ in lines(source, found):
        pass
    return found


def load_stream(stream: Iterable[bytes], target: Target) -> list[Tally]:
    """Load all lines of ``stream``. ``BadStream``: a digest is wrong, or the tables are not those of the
    target; then the caller undoes its transaction."""
    rest, found = iter(stream), list[Tally]()
    known = {table.name: table for table in target.tables()}
    for first in rest:
        table = _read_table(first, known)
        found.append(_load_table(table, first, rest, target))
        del known[table.name]
    if known:
        raise BadStream(f"tables are missing: {', '.join(sorted(known))}")
    return found


def rows_in(stream: Iterable[bytes], table: str) -> Iterator[dict[str, Value]]:
    """The rows of one table, by column name, out of a stream that was verified or written by us."""
    columns: list[str] | None = None
    for line in stream:
        if line.startswith(b"{"):
            if columns is not None:
                return
            told = orjson.loads(line)
            columns = told["columns"] if told.get("table") == table else None
        elif columns is not None:
            yield dict(zip(columns, _decoded(orjson.loads(line)), strict=True))


def _decoded(row: Sequence[Any]) -> list[Value]:
    return [base64.b64decode(one["b"], validate=True) if type(one) is dict else one for one in row]


def _load_table(table: Table, first: bytes, rest: Iterator[bytes], target: Target) -> Tally:
    digest, batch = hashlib.sha256(first), list[list[Value]]()
    for rows, line in enumerate(rest):
        if line.startswith(b"{"):
            target.add(table, batch)
            return _ended(table, line, Tally(table.name, rows, digest.hexdigest()))
        digest.update(line)
        batch.append(_values(table, line))
        if len(batch) == BATCH:
            target.add(table, batch)
            batch = []
    raise BadStream(f"{table.name} has no end")


def _ended(table: Table, line: bytes, counted: Tally) -> Tally:
    said = _json(table.name, line)
    if said != {"rows": counted.rows, "sha256": counted.sha256}:
        raise BadStream(f"{table.name} is not what was written: {counted.rows} rows")
    return counted


def _read_table(line: bytes, known: dict[str, Table]) -> Table:
    said = _json("the stream", line)
    name = said.get("table") if isinstance(said, dict) else None
    table = known.get(str(name))
    if table is None or table.line() != line:
        raise BadStream(f"{str(name)[:80]} is no table of this release, or has other columns there")
    return table


def _values(table: Table, line: bytes) -> list[Value]:
    row = _json(table.name, line)
    if not isinstance(row, list) or len(row) != len(table.columns):
        raise BadStream(f"{table.name} holds a line that is no row")
    try:
        return _decoded(row)
    except (ValueError, KeyError, TypeError) as error:
        raise BadStream(f"{table.name}: {error}") from error


def _json(where: str, line: bytes) -> Any:
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise BadStream(f"{where}: {error}") from error


def _bytes(value: Any) -> dict[str, str]:
    return {"b": base64.b64encode(value).decode()}
