"""The only room with a database in it, and the payload files beside it.

In charge of: choosing the engine by the address. Everything else says what it is for in its own file:
``contract`` (the words), ``sqlite`` and ``postgres`` (the engines), ``queries`` and ``migrate`` (SQL text),
``lock`` (one writer), ``blobs`` (payloads); the noun modules hold the units of work.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from gateway.clock import Clock
from gateway.errors import NotReady
from gateway.model.text import Bilingual
from gateway.store.contract import Store
from gateway.store.migrate import Migration, load_migrations
from gateway.store.queries import SHIPPED, load_queries
from gateway.store.sqlite import open_sqlite, pending_sqlite


async def open_store(
    url: str,
    home: Path,
    *,
    clock: Clock,
    purpose: str = "gateway",
    read_only: bool = False,
    sql: Path = SHIPPED,
    steps: int | None = None,
) -> Store:
    """Open the database at ``url``; on return it has this release's schema.

    ``sqlite:///gateway.db`` lies in ``home``, ``sqlite:////srv/gateway.db`` where it says;
    ``postgresql://user@host/name`` needs the extra ``postgres``. ``purpose`` is what others are told when
    they find the SQLite file locked. ``read_only`` works beside a running server: no lock, no migration.
    ``steps``: so many migrations only, to be filled with the rows of an older release.
    ``NotReady`` says what to do: locked, missing, of another release, unknown address.
    """
    scheme, _, rest = url.partition("://")
    if scheme == "sqlite" and rest.startswith("/") and len(rest) > 1:
        queries, migrations = load_queries("sqlite", sql), load_migrations("sqlite", sql)[:steps]
        path = (home / rest[1:]).resolve()
        return await open_sqlite(path, queries, migrations, clock.now, purpose=purpose, read_only=read_only)
    if scheme in ("postgresql", "postgres"):
        return await asyncio.to_thread(_open_postgres, url, clock, purpose, read_only, sql, steps)
    raise _unknown(scheme)


async def pending_steps(url: str, home: Path, *, sql: Path = SHIPPED) -> Sequence[Migration]:
    """The steps that ``open_store`` would take on that database; nothing is changed. ``NotReady``: it is of
    another release."""
    scheme, _, rest = url.partition("://")
    if scheme == "sqlite" and rest.startswith("/") and len(rest) > 1:
        path = (home / rest[1:]).resolve()
        return await asyncio.to_thread(pending_sqlite, path, load_migrations("sqlite", sql))
    if scheme in ("postgresql", "postgres"):
        return await asyncio.to_thread(_pending_postgres, url, sql)
    raise _unknown(scheme)


def listen(url: str) -> AsyncIterator[str]:
    """Words that nodes on the database at ``url`` call to each other (``nodes.call``), as they come; ``""``
    whenever some may have been lost. It goes on for as long as it is read: only for a ``shared`` store."""
    from gateway.store.postgres import listen as listen_there

    return listen_there(url)


def _open_postgres(
    url: str, clock: Clock, purpose: str, read_only: bool, sql: Path, steps: int | None
) -> Store:
    try:
        from gateway.store.postgres import open_postgres
    except ImportError as error:
        raise _no_driver() from error
    queries, migrations = load_queries("postgres", sql), load_migrations("postgres", sql)[:steps]
    return open_postgres(url, queries, migrations, clock.now, purpose=purpose, read_only=read_only)


def _pending_postgres(url: str, sql: Path) -> Sequence[Migration]:
    try:
        from gateway.store.postgres import pending_postgres
    except ImportError as error:
        raise _no_driver() from error
    return pending_postgres(url, load_migrations("postgres", sql))


def _no_driver() -> NotReady:
    return NotReady(
        Bilingual(
            "Chưa cài thư viện kết nối PostgreSQL. Hãy cài gói: pip install 'document-gateway[postgres]'.",
            "The PostgreSQL driver is not installed. Install it: pip install 'document-gateway[postgres]'.",
        ),
        code="store.no_driver",
    )


def _unknown(scheme: str) -> NotReady:
    """Only the scheme is repeated: the rest of an address may hold a password."""
    return NotReady(
        Bilingual(
            f"Không hiểu địa chỉ cơ sở dữ liệu bắt đầu bằng “{scheme}”. Hãy ghi sqlite:///gateway.db hoặc "
            "postgresql://….",
            f"Not a database address: “{scheme}…”. Write sqlite:///gateway.db or postgresql://….",
        ),
        code="store.address",
    )
