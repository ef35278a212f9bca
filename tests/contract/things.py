"""A tiny schema of its own for the tests of the engine: things with a key, a value and a parent."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from gateway.store.contract import Store, Tx

FIRST = """
-- A trigger has semicolons inside; it stands in a file of each engine. 'quo;ted' text stays INTEGER.
CREATE TABLE thing (
  id INTEGER PRIMARY KEY,
  key TEXT NOT NULL UNIQUE,
  value INTEGER NOT NULL CHECK (value >= 0), -- never a BLOB; not even here
  ratio REAL,
  body BLOB,
  parent TEXT REFERENCES thing (key),
  kind TEXT NOT NULL DEFAULT 'INTEGER; TEXT'
);
CREATE TABLE total (name TEXT PRIMARY KEY, sum INTEGER NOT NULL);
INSERT INTO total (name, sum) VALUES (CAST('all' AS TEXT), 0)
"""
FIRST_SQLITE = """
CREATE TRIGGER thing_added AFTER INSERT ON thing BEGIN
  UPDATE total SET sum = sum + NEW.value WHERE name = 'all';
END;
"""
FIRST_POSTGRES = """
CREATE FUNCTION thing_added() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE total SET sum = sum + NEW.value WHERE name = 'all';
  RETURN NEW;
END $$;
CREATE TRIGGER thing_added AFTER INSERT ON thing FOR EACH ROW EXECUTE FUNCTION thing_added();
"""
COMMON = """
-- What stands before the first name is about the file.

-- name: add_thing
-- One thing without a parent.
INSERT INTO thing (key, value) VALUES (:key, :value);

-- ------------------------------------------------ a heading between queries; with a semicolon

-- name: add_child
-- One thing below another.
INSERT INTO thing (key, value, parent) VALUES (:key, 0, :parent)

-- name: add_full
-- One thing with every kind of value; it says which number it was given.
INSERT INTO thing (key, value, ratio, body) VALUES (:key, :value, :ratio, :body) RETURNING id;

-- name: thing
-- The thing of that key.
SELECT * FROM thing WHERE key = :key;

-- name: keys
-- All keys in order.
SELECT key FROM thing ORDER BY key;

-- name: count_things
-- How many there are.
SELECT count(*) AS count FROM thing;

-- name: raise_thing
-- Add to one thing.
UPDATE thing SET value = value + :by WHERE key = :key;

-- name: keys_like
-- Keys by pattern, of those that end in a percent sign ('50%' is text, and so is ':none').
SELECT key FROM thing WHERE key LIKE :pattern AND key LIKE '%\\%' ESCAPE '\\' AND key <> ':none' ORDER BY key;

-- name: figures
-- What arithmetic gives; the comparison and the cast are to come out alike.
SELECT sum(value) AS sum, avg(value) AS avg, min(value) = 1 AS same, CAST(:x AS TEXT) IS NULL AS empty
FROM thing;

-- name: total
-- What the trigger added up.
SELECT sum FROM total WHERE name = 'all';

-- name: slow
-- Counts for a long time.
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :upto) SELECT max(i) AS last FROM n;

-- name: durability
-- What COMMIT waits for.
SELECT 'on' AS setting;

-- name: mine
-- Which engine answers.
SELECT 'common' AS engine
"""
SQLITE = """
-- name: mine
-- Replaced to prove that it can be.
SELECT 'sqlite' AS engine
"""
POSTGRES = """
-- name: mine
-- Replaced to prove that it can be; a cast of PostgreSQL's own stays.
SELECT 'postgres'::text AS engine;

-- name: durability
-- Only here it can be off.
SELECT current_setting('synchronous_commit') AS setting
"""


class OpenStore(Protocol):
    """The fixture ``store_factory``."""

    async def __call__(self, *, read_only: bool = False, purpose: str = "test") -> Store: ...


def write_sql(folder: Path) -> Path:
    """Lay the schema and the queries down in ``folder``."""
    (folder / "migrations").mkdir(parents=True)
    for name, text in (
        ("common.sql", COMMON),
        ("sqlite.sql", SQLITE),
        ("postgres.sql", POSTGRES),
        ("migrations/0001_things.sql", FIRST),
        ("migrations/0001_things.sqlite.sql", FIRST_SQLITE),
        ("migrations/0001_things.postgres.sql", FIRST_POSTGRES),
    ):
        (folder / name).write_text(text, "utf-8")
    return folder


def add(key: str, value: int = 1) -> Callable[[Tx], int]:
    """A unit that adds one thing."""
    return lambda tx: tx.run("add_thing", key=key, value=value)


def keys(tx: Tx) -> list[str]:
    """A unit that lists the keys."""
    return [row["key"] for row in tx.all("keys")]


def count(tx: Tx) -> int:
    """A unit that counts the things."""
    row = tx.one("count_things")
    assert row is not None
    return int(row["count"])


def find(key: str) -> Callable[[Tx], dict[str, Any] | None]:
    """A unit that reads one thing."""

    def unit(tx: Tx) -> dict[str, Any] | None:
        row = tx.one("thing", key=key)
        return None if row is None else {name: row[name] for name in row.keys()}  # noqa: SIM118

    return unit
