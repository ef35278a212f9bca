"""SQL in files: the format of named queries, and the way from an empty database to this release."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from pathlib import Path

import psycopg
import pytest

from gateway.clock import SystemClock
from gateway.errors import NotReady
from gateway.store import open_store
from gateway.store.migrate import TYPES, load_migrations, postgres_types
from gateway.store.queries import SHIPPED, SqlFileError, load_queries
from tests.contract.things import OpenStore, add, count, write_sql

SECOND = "CREATE TABLE more (a INTEGER PRIMARY KEY);\nUPDATE thing SET value = value + 1;"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of SQL that a test may change."""
    return write_sql(tmp_path / "changing")


@pytest.fixture
def sql(things: Path) -> Path:
    return things


def test_a_query_knows_its_text_parameters_and_sentence(things: Path) -> None:
    query = load_queries("sqlite", things)["raise_thing"]
    assert query.sql == "UPDATE thing SET value = value + :by WHERE key = :key"
    assert query.params == {"by", "key"}
    assert query.doc == "Add to one thing."


def test_placeholders_of_psycopg_leave_text_casts_and_percents_alone(folder: Path) -> None:
    (folder / "common.sql").write_text(
        "-- name: mine\n-- One.\nSELECT :a::text, 'x:b 5%', \"c:d%\" -- :e 100%\n, :a % :f /* :g; */, a[1:2];"
    )
    (folder / "postgres.sql").unlink()
    query = load_queries("postgres", folder)["mine"]
    assert query.sql == "SELECT %(a)s::text, 'x:b 5%%', \"c:d%%\" \n, %(a)s %% %(f)s , a[1:2]"
    assert query.params == {"a", "f"}


@pytest.mark.parametrize(
    ("file", "text", "complaint"),
    [
        (
            "common.sql",
            "-- name: a\n-- One.\nSELECT 1;\n-- name: a\n-- Two.\nSELECT 2;",
            "a stands there twice",
        ),
        ("common.sql", "-- name: a\nSELECT 1;", "no sentence"),
        ("common.sql", "-- name: a\n--\nSELECT 1;", "no sentence"),
        ("common.sql", "-- name: a\n-- One.\n", "not exactly one statement"),
        ("common.sql", "-- name: a\n-- One.\nSELECT 1; SELECT 2;", "not exactly one statement"),
        ("common.sql", "-- name: A b\n-- One.\nSELECT 1;", "not a name"),
        ("sqlite.sql", "-- name: stranger\n-- Why.\nSELECT 1;", "replaces nothing"),
        ("sqlite.sql", "-- name: thing\nSELECT 1;", "no sentence"),
        ("sqlite.sql", "-- name: thing\n-- Why.\nSELECT :other;", "other parameters"),
    ],
)
def test_a_file_that_breaks_the_format_is_refused(folder: Path, file: str, text: str, complaint: str) -> None:
    (folder / file).write_text(text)
    with pytest.raises(SqlFileError, match=complaint):
        load_queries("sqlite", folder)


def test_column_types_become_those_of_postgres_and_nothing_else_does() -> None:
    ddl = (
        "a INTEGER PRIMARY KEY, b INTEGER, c BLOB, d REAL, e TEXT, 'TEXT', \"BLOB\", CAST(x AS TEXT) -- REAL"
    )
    assert postgres_types(ddl) == (
        f'a {TYPES["INTEGER PRIMARY KEY"]}, b BIGINT, c BYTEA, d DOUBLE PRECISION, e TEXT COLLATE "C", '
        "'TEXT', \"BLOB\", CAST(x AS TEXT) -- REAL"
    )


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("0003_gap.sql", "SELECT 1", "numbered"),
        ("0001_twice.sql", "SELECT 1", "one common file"),
        ("0002_only.sqlite.sql", "SELECT 1", "one common file"),
        ("two.sql", "SELECT 1", "not NNNN_name"),
        ("0002_late.sql", "CREATE TABLE a (b INTEGER REFERENCES a DEFERRABLE)", "deferred"),
    ],
)
def test_a_stray_migration_is_refused(folder: Path, name: str, text: str, complaint: str) -> None:
    (folder / "migrations" / name).write_text(text)
    with pytest.raises(SqlFileError, match=complaint):
        load_migrations("sqlite", folder)


async def test_opening_again_migrates_nothing(store_factory: OpenStore) -> None:
    first = await store_factory()
    await first.write(add("a"))
    await first.close()
    again = await store_factory()
    assert await again.read(count) == 1
    assert (await again.describe())["schema"] == 1


async def reopen(url: str, home: Path, sql: Path, read_only: bool = False) -> list[str]:
    """Open with ``sql``, and say which tables there are and what is written down about migrations."""
    store = await open_store(url, home, clock=SystemClock(), sql=sql, read_only=read_only)
    await store.close()
    return _raw(url, home, "SELECT name || ' ' || version FROM schema_migration ORDER BY version")


def _raw(url: str, home: Path, statement: str) -> list[str]:
    if url.startswith("sqlite"):
        with sqlite3.connect(home / "gateway.db") as file:
            rows = file.execute(statement).fetchall()
        file.close()
    else:
        with psycopg.connect(url) as connection:
            cursor = connection.execute(statement.encode())
            rows = cursor.fetchall() if cursor.description else []
    return [row[0] for row in rows]


async def test_the_next_release_adds_its_steps(database_url: str, tmp_path: Path, folder: Path) -> None:
    assert await reopen(database_url, tmp_path, folder) == ["things 1"]
    (folder / "migrations" / "0002_more.sql").write_text(SECOND)
    assert await reopen(database_url, tmp_path, folder) == ["things 1", "more 2"]
    assert _raw(database_url, tmp_path, "SELECT count(*) FROM more") == [0]


async def test_a_database_of_a_newer_release_is_refused(
    database_url: str, tmp_path: Path, folder: Path, things: Path
) -> None:
    (folder / "migrations" / "0002_more.sql").write_text(SECOND)
    await reopen(database_url, tmp_path, folder)
    with pytest.raises(NotReady, match="0002_more") as refused:
        await reopen(database_url, tmp_path, things)
    assert refused.value.code == "store.schema_newer"
    with pytest.raises(NotReady, match="newer release"):
        await reopen(database_url, tmp_path, things, read_only=True)


async def test_an_edited_migration_is_refused(database_url: str, tmp_path: Path, folder: Path) -> None:
    await reopen(database_url, tmp_path, folder)
    file = folder / "migrations" / "0001_things.sql"
    file.write_text(file.read_text().replace("tot", "sub"))
    with pytest.raises(NotReady, match="0001_things") as refused:
        await reopen(database_url, tmp_path, folder)
    assert refused.value.code == "store.schema_changed"


async def test_a_failing_migration_leaves_the_database_as_it_was(
    database_url: str, tmp_path: Path, folder: Path
) -> None:
    await reopen(database_url, tmp_path, folder)
    bad = folder / "migrations" / "0002_more.sql"
    bad.write_text(SECOND + "\nINSERT INTO nowhere VALUES (1);")
    with pytest.raises(Exception, match="nowhere"):
        await reopen(database_url, tmp_path, folder)
    bad.write_text(SECOND)
    assert await reopen(database_url, tmp_path, folder) == ["things 1", "more 2"]


async def test_a_reader_asks_for_a_migrated_database(database_url: str, tmp_path: Path, folder: Path) -> None:
    await reopen(database_url, tmp_path, folder)
    (folder / "migrations" / "0002_more.sql").write_text(SECOND)
    with pytest.raises(NotReady, match="0002_more") as refused:
        await reopen(database_url, tmp_path, folder, read_only=True)
    assert refused.value.code == "store.schema_old"


@pytest.mark.parametrize("engine", ["postgres"], indirect=True)
async def test_two_nodes_that_start_together_migrate_once(
    postgres_dsn: str, database_url: str, tmp_path: Path, folder: Path
) -> None:
    (folder / "migrations" / "0002_more.sql").write_text("SELECT pg_sleep(0.2);\n" + SECOND)
    seen = await asyncio.gather(*(reopen(database_url, tmp_path, folder) for _ in range(4)))
    assert seen == [["things 1", "more 2"]] * 4


@pytest.mark.parametrize("sql", [SHIPPED], ids=["shipped"])
async def test_every_shipped_query_is_understood_by_the_engine(
    database_url: str, store_factory: OpenStore, tmp_path: Path, engine: str, sql: Path
) -> None:
    """Each is prepared without knowing any parameter, which also finds the ones PostgreSQL cannot type."""
    await (await store_factory()).close()
    queries = load_queries(engine, sql)
    assert queries
    if engine == "sqlite":
        connection = sqlite3.connect(tmp_path / "gateway.db")
        for query in queries.values():
            connection.execute("EXPLAIN " + query.sql, dict.fromkeys(query.params))
        connection.close()
        return
    with psycopg.connect(database_url) as server:
        for query in queries.values():
            text = query.sql
            for number, name in enumerate(sorted(query.params), 1):
                text = text.replace(f"%({name})s", f"${number}")
            result = server.pgconn.prepare(b"", text.replace("%%", "%").encode())
            assert result.error_message == b"", f"{query.name}: {result.error_message.decode()}"


def test_the_shipped_migrations_are_numbered_and_hashed_alike_for_both_engines() -> None:
    ours, theirs = load_migrations("sqlite"), load_migrations("postgres")
    assert (
        [step.version for step in ours] == [step.version for step in theirs] == list(range(1, len(ours) + 1))
    )
    assert ours


async def test_an_address_that_is_none_is_refused_without_repeating_its_password(tmp_path: Path) -> None:
    for url in ("mysql://me:secret@host/db", "sqlite://", "gateway.db"):
        with pytest.raises(NotReady, match="Not a database address") as refused:
            await open_store(url, tmp_path, clock=SystemClock())
        assert "secret" not in str(refused.value)


def test_line_endings_do_not_change_what_a_migration_is(folder: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(folder, tmp_path / "windows"))
    for file in (copy / "migrations").iterdir():
        file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    assert [s.sha256 for s in load_migrations("sqlite", copy)] == [
        s.sha256 for s in load_migrations("sqlite", folder)
    ]
