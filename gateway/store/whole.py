"""Whole databases by their address: read at one moment, or filled while empty.

In charge of: choosing the engine. Not in charge of: the form of the stream (``dump``).
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

from gateway.store import rows_sqlite
from gateway.store.dump import Source, Target

SQLITE = "sqlite:///"


def is_file(url: str) -> bool:
    """True for a SQLite address."""
    return url.startswith(SQLITE)


def file_of(url: str, home: Path) -> Path:
    """Where a SQLite address points to."""
    return (home / url.removeprefix(SQLITE)).resolve()


def snapshot(url: str, home: Path, scratch: Path) -> AbstractContextManager[Source]:
    """The rows as of now, beside a running server. ``scratch``: a file for the copy of a SQLite database."""
    if is_file(url):
        return rows_sqlite.snapshot(file_of(url, home), scratch)
    from gateway.store import rows_postgres

    return rows_postgres.snapshot(url)


def at_rest(url: str, home: Path, purpose: str) -> AbstractContextManager[Source]:
    """The rows of a database that no server of ours writes to. ``NotReady`` when one holds a SQLite file."""
    if is_file(url):
        return rows_sqlite.at_rest(file_of(url, home), purpose)
    from gateway.store import rows_postgres

    return rows_postgres.snapshot(url)


def filling(url: str, home: Path, purpose: str) -> AbstractContextManager[Target]:
    """A migrated, unused database to be filled in one transaction."""
    if is_file(url):
        return rows_sqlite.filling(file_of(url, home), purpose)
    from gateway.store import rows_postgres

    return rows_postgres.filling(url)


def is_unused(url: str, home: Path) -> bool:
    """True when nothing would be lost: no database there, or one that no gateway has worked with."""
    if is_file(url):
        path = file_of(url, home)
        return not path.exists() or path.stat().st_size == 0 or rows_sqlite.is_unused(path)
    from gateway.store import rows_postgres

    return rows_postgres.is_unused(url)


__all__ = ["at_rest", "file_of", "filling", "is_file", "is_unused", "snapshot"]
