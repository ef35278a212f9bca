"""Named SQL, read once from text files.

In charge of: loading ``sql/common.sql``, laying ``sql/<engine>.sql`` over it, and turning ``:name`` into the
placeholder of the driver. Not in charge of: running anything, or what a query is for (its comment says so).

The format, read from top to bottom::

    -- name: claim_due
    -- Take a lease on deliveries that are due, urgent ones first.
    SELECT … WHERE due_at <= :now

One statement a query; at least one comment line below its name; in an engine's file that comment says why
the common text would not do. What the engines understand alike, so that most queries stay common:

* ``CAST(:x AS TEXT) IS NULL`` and never ``:x IS NULL``: PostgreSQL has to know the type of a parameter;
* ``ORDER BY x NULLS FIRST`` (or LAST) wherever a NULL can be: the defaults are opposite;
* LIKE tells upper from lower case on both (a setting of ours on SQLite); ``lower()`` of SQLite is ASCII only;
* text compares by its bytes on both (``migrate`` gives TEXT columns the collation "C" on PostgreSQL);
* truth is 0 or 1; SUM is an integer and AVG a float on both.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

SHIPPED = Path(__file__).with_name("sql")

# Text in which nothing is to be replaced: 'strings', "names", -- comments, /* comments */.
QUOTED = r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|/\*.*?\*/"""
_TOKEN = re.compile(rf"(?P<quoted>{QUOTED})|(?P<cast>::)|:(?P<param>[a-z_][a-z0-9_]*)|(?P<mark>[%;])", re.S)
_NAME = re.compile(r"-- name: ([a-z][a-z0-9_]*)\s*$")


class SqlFileError(ValueError):
    """A file in ``store/sql`` that does not keep to the format; says the file and the query."""


@dataclass(frozen=True, slots=True)
class Query:
    """One statement: its name, text for the driver, parameters, and the sentence that explains it."""

    name: str
    sql: str
    params: frozenset[str]
    doc: str

    def check(self, params: Mapping[str, Any]) -> None:
        """``TypeError`` unless exactly the named parameters are given: the drivers would differ here."""
        if params.keys() != self.params:
            missing = sorted(self.params - params.keys())
            foreign = sorted(params.keys() - self.params)
            raise TypeError(f"query {self.name}: missing parameters {missing}, unknown parameters {foreign}")


Queries = Mapping[str, Query]


def load_queries(engine: str, folder: Path = SHIPPED) -> Queries:
    """Every query by name, as ``engine`` (``sqlite``, ``postgres``) is to run it. ``SqlFileError``."""
    found = {query.name: query for query in _parse(folder / "common.sql")}
    own = folder / f"{engine}.sql"
    for query in _parse(own) if own.exists() else ():
        _check_override(query, found.get(query.name), own)
        found[query.name] = query
    if engine == "postgres":
        return {name: replace(query, sql=_TOKEN.sub(_psycopg, query.sql)) for name, query in found.items()}
    return found


def named(queries: Queries, name: str) -> Query:
    """The query called ``name``. ``LookupError`` says which name is not there."""
    try:
        return queries[name]
    except KeyError:
        raise LookupError(f"no query is named {name} in store/sql") from None


def _check_override(query: Query, common: Query | None, file: Path) -> None:
    if common is None:
        raise SqlFileError(f"{file.name}: {query.name} replaces nothing in common.sql")
    if query.params != common.params:
        raise SqlFileError(f"{file.name}: {query.name} has other parameters than in common.sql")


def _parse(file: Path) -> Iterator[Query]:
    seen: set[str] = set()
    for name, lines in _blocks(file):
        if name in seen:
            raise SqlFileError(f"{file.name}: {name} stands there twice")
        seen.add(name)
        yield _query(file, name, lines)


def _blocks(file: Path) -> Iterator[tuple[str, list[str]]]:
    """Name and lines of each query; what stands before the first name is about the file."""
    name, lines = "", list[str]()
    for line in file.read_text("utf-8").splitlines():
        if line.startswith("-- name:"):
            if name:
                yield name, lines
            match = _NAME.match(line)
            if match is None:
                raise SqlFileError(f"{file.name}: not a name: {line}")
            name, lines = match[1], []
        else:
            lines.append(line)
    if name:
        yield name, lines


def _query(file: Path, name: str, lines: list[str]) -> Query:
    doc = list[str]()
    while lines and lines[0].startswith("--"):
        doc.append(lines.pop(0).removeprefix("--").strip())
    if not any(doc):
        raise SqlFileError(f"{file.name}: {name} has no sentence that explains it")
    sql = _TOKEN.sub(_without_comment, "\n".join(lines)).strip().removesuffix(";").rstrip()
    tokens = list(_TOKEN.finditer(sql))
    if not sql or any(token["mark"] == ";" for token in tokens):
        raise SqlFileError(f"{file.name}: {name} is not exactly one statement")
    params = frozenset(token["param"] for token in tokens if token["param"])
    return Query(name, sql, params, " ".join(doc))


def _without_comment(token: re.Match[str]) -> str:
    return "" if token[0].startswith(("--", "/*")) else token[0]


def _psycopg(token: re.Match[str]) -> str:
    """``:name`` becomes ``%(name)s``, every other % is doubled, ``::type`` stays."""
    return f"%({token['param']})s" if token["param"] else token[0].replace("%", "%%")
