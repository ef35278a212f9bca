"""What one unit of work writes, as named statements that can be run again on an older copy of the database.

In charge of: noting the statements of a unit while it runs, as bytes and back. Not in charge of: where they
are kept (``second_copy``), which units are noted (``flow/second_copy.py``).

Statements are kept by the name of their query, so they are run again by the release that noted them, or by
one whose queries still mean the same: the number of the schema stands beside them (``flow/second_copy.py``).
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from gateway.store.contract import Row, Tx, Value


@dataclass(frozen=True, slots=True)
class Statement:
    """One call of ``run`` or ``many``."""

    query: str
    rows: Sequence[Mapping[str, Value]]


@dataclass(slots=True)
class Noted:
    """A ``Tx`` that writes down what is written through it."""

    tx: Tx
    statements: list[Statement] = field(default_factory=list)

    def one(self, query: str, /, **params: Value) -> Row | None:
        return self.tx.one(query, **params)

    def all(self, query: str, /, **params: Value) -> list[Row]:
        return self.tx.all(query, **params)

    def run(self, query: str, /, **params: Value) -> int:
        self.statements.append(Statement(query, [params]))
        return self.tx.run(query, **params)

    def many(self, query: str, rows: Iterable[Mapping[str, Value]], /) -> int:
        filled = list(rows)
        if filled:
            self.statements.append(Statement(query, filled))
        return self.tx.many(query, filled)


def encode(statements: Sequence[Statement]) -> bytes:
    """The statements as bytes."""
    return orjson.dumps([
        [one.query, [{name: _plain(value) for name, value in row.items()} for row in one.rows]]
        for one in statements
    ])  # fmt: skip


def decode(data: bytes) -> list[Statement]:
    """The statements again. ``ValueError`` when these bytes are none."""
    try:
        return [
            Statement(query, [{name: _value(value) for name, value in row.items()} for row in rows])
            for query, rows in orjson.loads(data)
        ]
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError("not the statements of a unit") from error


def run_again(tx: Tx, statements: Sequence[Statement]) -> None:
    """Run them in their order."""
    for one in statements:
        tx.many(one.query, one.rows)


def files_of(statements: Sequence[Statement]) -> list[str]:
    """The payload files that rows of these statements name."""
    named = [row["file"] for one in statements for row in one.rows if row.get("file")]
    return sorted({str(file) for file in named})


def _plain(value: Value) -> Any:
    if isinstance(value, bytes | bytearray | memoryview):
        return {"b": base64.b64encode(bytes(value)).decode()}
    return value


def _value(value: Any) -> Value:
    if isinstance(value, dict):
        return base64.b64decode(value["b"])
    return value  # type: ignore[no-any-return]
