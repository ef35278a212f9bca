"""Where payload files lie: one face for a folder and for a bucket, and the folder.

In charge of: the names of payload files, what a place promises, and the folder
``payloads/aa/<sha256>.<random>``. Not in charge of: encryption and proof (``blobs``), buckets (``objects``).
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from gateway.errors import GatewayError
from gateway.store.contract import FULL_RETRY, StoreFull

CHUNK = 262_144  # bytes that one step of a read yields
# EFBIG: the limit of the file system, or of the process (ulimit -f), not of the disk; the cure is the same.
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_PAYLOAD = re.compile(r"([0-9a-f]{2})/\1[0-9a-f]{62}\.[0-9a-f]{16}")


class Damaged(GatewayError):
    """A stored payload is missing, or is not what was received."""

    code = "payload.damaged"
    http_status = 500
    vi = "Nội dung đã lưu bị mất hoặc không còn đúng như khi nhận; hãy khôi phục từ bản sao lưu."


@dataclass(slots=True)
class Sealed:
    """Encrypted bytes on their way to a place: in memory, or in an open staged file (then ``memory`` is empty
    or its last part, not written yet)."""

    memory: bytearray
    path: Path | None = None
    out: BinaryIO | None = None

    def flush(self) -> None:
        """Put all of it into the file, if there is one."""
        if self.out is not None:
            self.out.write(self.memory)
            self.memory.clear()
            self.out.flush()


@dataclass(frozen=True, slots=True)
class Lying:
    """One payload file as a place lists it. ``changed_at``: seconds, by the place's own clock."""

    name: str
    size: int
    changed_at: float


class Place(Protocol):
    """Keeps payload files. Everything blocks. ``Busy`` when the place does not answer or is full."""

    def keep(self, name: str, sealed: Sealed) -> None:
        """On return the bytes are durable under the name. ``sealed`` is used up, its file gone or renamed."""
        ...

    def remove(self, name: str) -> None:
        """On return there is none of that name; none there: no error."""
        ...

    def size(self, name: str) -> int | None:
        """Size in bytes; ``None``: there is none."""
        ...

    def pages(self) -> Iterator[list[Lying]]:
        """Every payload file, a page at a time, each page by rising names; other files are passed over."""
        ...

    def now(self) -> float:
        """Now, as the place stamps what it keeps (seconds)."""
        ...


class Files:
    """Payloads as files in one folder. ``staging``: beside it, on the same file system."""

    def __init__(self, folder: Path, staging: Path) -> None:
        self.folder, self.staging = folder, staging
        self._folders: dict[Path, int] = {}  # payload folders whose own names are on disk, opened for fsync

    def keep(self, name: str, sealed: Sealed) -> None:
        """Write or rename, fsync the file, fsync the folder.

        What was not staged is written under its final name at once: until a row names it, it is as much an
        orphan as a file in ``staging/``.
        """
        final = self.path(name)
        with disk_may_be_full():
            folder = self.open_folder(final.parent)
            if sealed.out is None:
                sealed.out = open(final, "xb", 65_536, opener=owner_only)  # noqa: SIM115
                sealed.path = final
            sealed.flush()
            os.fsync(sealed.out.fileno())
            sealed.out.close()
            sealed.out = None
            if sealed.path is not None and sealed.path != final:
                sealed.path.rename(final)
                sealed.path = final
            os.fsync(folder)

    def remove(self, name: str) -> None:
        path = self.path(name)
        with suppress(FileNotFoundError):
            path.unlink()
            sync_folder(path.parent)

    def size(self, name: str) -> int | None:
        try:
            return self.path(name).stat().st_size
        except FileNotFoundError:
            return None

    def pages(self) -> Iterator[list[Lying]]:
        for folder in sorted(path for path in self.folder.iterdir() if path.is_dir()):
            page = []
            for path in sorted(folder.iterdir()):
                name = f"{folder.name}/{path.name}"
                with suppress(FileNotFoundError):
                    if is_payload(name):
                        found = path.stat()
                        page.append(Lying(name, found.st_size, found.st_mtime))
            if page:
                yield page

    def now(self) -> float:
        probe = self.staging / ".now"
        probe.touch(0o600)
        return probe.stat().st_mtime

    def path(self, name: str) -> Path:
        """The path of a payload file; a name that we never give is an error of the program."""
        return self.folder / checked(name)

    def open_folder(self, folder: Path) -> int:
        """A folder of payloads whose own name is on disk, opened so that it can be synced. The fsync above it
        once a process: another may have made it and died before its own."""
        if folder not in self._folders:
            folder.mkdir(mode=0o700, exist_ok=True)
            sync_folder(folder.parent)
            self._folders[folder] = os.open(folder, os.O_RDONLY)
        return self._folders[folder]

    def close(self) -> None:
        """Let go of the opened folders."""
        while self._folders:
            os.close(self._folders.popitem()[1])


def is_payload(name: str) -> bool:
    """True for a name as we give them: ``aa/<sha256>.<random>``."""
    return _PAYLOAD.fullmatch(name) is not None


def checked(name: str) -> str:
    """The name, if it is one that we give; ``ValueError`` otherwise."""
    if not is_payload(name):
        raise ValueError(f"not the name of a payload file: {name!r}")
    return name


def open_file(path: Path) -> BinaryIO:
    """A payload file for reading; ``Damaged``: there is none."""
    try:
        return path.open("rb", 0)
    except FileNotFoundError as error:
        raise Damaged() from error


class Chunks:
    """What is in an open file, in chunks. It is closed at the end, or when nobody wants it any more."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        chunk = b"" if self._file.closed else self._file.read(CHUNK)
        if not chunk:
            self._file.close()
            raise StopIteration
        return chunk

    def __del__(self) -> None:
        self._file.close()


def file_chunks(path: Path) -> Iterator[bytes]:
    """What is in a file, in chunks; it is opened when the first is wanted. ``Damaged``: there is none."""
    yield from Chunks(open_file(path))


def owner_only(path: str, flags: int) -> int:
    """An opener whose new files nobody else reads."""
    return os.open(path, flags, 0o600)


def sync_folder(folder: Path) -> None:
    """On return the names in a folder are on disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def disk_may_be_full() -> Iterator[None]:
    """``StoreFull`` for the errors that mean it."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise StoreFull(retry_after=FULL_RETRY) from error
        raise
