"""Folders below one root, and files in them that appear whole or not at all.

In charge of: opening a folder part by part without following links, writing under a hidden name and renaming,
and making that durable. Every function blocks. Not in charge of: what the files hold, which thread waits
(``Hands`` gives each agency one of its own).

A folder is held open by a descriptor, and all names are single names within it: whoever swaps a folder for a
link meanwhile changes nothing for us.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

CHUNK = 262_144
FILE_MODE = 0o640  # official documents: for the owner and the group of the folder
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # a pipe in our way must not stop us
_WRITE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def parts_of(path: str) -> tuple[str, ...] | None:
    """The single names of a relative path; ``None`` when it could lead out of its root."""
    parts = tuple(path.split("/"))
    plain = all(part and not part.startswith(".") and part.isprintable() for part in parts)
    return parts if plain and "\\" not in path else None


@contextlib.contextmanager
def opened(root: Path, *parts: str) -> Iterator[int]:
    """The descriptor of a folder below ``root``. ``OSError`` when a part is missing, a link or a file."""
    folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for part in parts:
            inner = os.open(part, _FOLDER, dir_fd=folder)
            os.close(folder)
            folder = inner
        yield folder
    finally:
        os.close(folder)


@dataclass(frozen=True, slots=True)
class Mark:
    """What tells one state of a file from another."""

    inode: int
    size: int
    changed: int  # modification time, nanoseconds


def mark_of(found: os.stat_result) -> Mark:
    """The mark of a file."""
    return Mark(found.st_ino, found.st_size, found.st_mtime_ns)


def open_file(folder: int, name: str) -> int | None:
    """A descriptor of a regular file, or ``None`` when there is no such file here (links are none)."""
    try:
        file = os.open(name, _READ, dir_fd=folder)
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        return None
    return file


def hash_of(folder: int, name: str) -> str:
    """Hex SHA-256 of a file, ``""`` when there is none."""
    file = open_file(folder, name)
    if file is None:
        return ""
    with open(file, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def write_whole(folder: int, name: str, data: bytes) -> None:
    """Write a small file. On return it is on disk under its name, in place of one that had it."""
    with Draft(folder, f".{name}.part") as draft:
        draft.write(data)
        draft.publish(name)


class Draft:
    """A file under a hidden name until it is published. Left without that, it is removed."""

    def __init__(self, folder: int, hidden: str) -> None:
        self._folder = folder
        self._hidden = hidden
        self._hash = hashlib.sha256()
        with contextlib.suppress(FileNotFoundError):  # of an attempt that died
            os.unlink(hidden, dir_fd=folder)
        self._file = open(os.open(hidden, _WRITE, FILE_MODE, dir_fd=folder), "wb")  # noqa: SIM115

    def __enter__(self) -> Draft:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._hidden, dir_fd=self._folder)

    @property
    def sha256(self) -> str:
        """Hex, of everything written so far."""
        return self._hash.hexdigest()

    def write(self, data: bytes) -> None:
        """Append."""
        self._hash.update(data)
        self._file.write(data)

    def publish(self, name: str) -> None:
        """On return the bytes are on disk, and the name too."""
        self._file.flush()
        os.fsync(self._file.fileno())
        os.rename(self._hidden, name, src_dir_fd=self._folder, dst_dir_fd=self._folder)
        os.fsync(self._folder)


class Hands:
    """A thread for each agency's folder: a share that hangs stops nobody else, and steps of one agency never
    overlap."""

    def __init__(self) -> None:
        self._threads: dict[str, ThreadPoolExecutor] = {}

    async def do(self, place: str, step: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a blocking step for the folder ``place``."""
        threads = self._threads.get(place)
        if threads is None:
            threads = self._threads[place] = ThreadPoolExecutor(1, "folder")
        return await asyncio.get_running_loop().run_in_executor(threads, lambda: step(*args, **kwargs))

    def later(self, place: str, step: Callable[[], None]) -> None:
        """The same, without waiting for it: tidying up after whatever runs there now."""
        if place in self._threads:
            self._threads[place].submit(step)

    def close(self) -> None:
        """Let the threads end; one that hangs is not waited for."""
        for threads in self._threads.values():
            threads.shutdown(wait=False)
        self._threads.clear()
