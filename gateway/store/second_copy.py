"""A folder on another disk with everything that an acceptance promised.

In charge of: writing one file for each acceptance so that it is on disk on return, reading it back with proof
that no byte is missing, deleting old ones; the rows of those that are still to be written. Not in charge of:
what stands in the statements (``journal``), when (``flow/second_copy.py``).

``<folder>/<day>/<instant>-<message>.copy``: one line of JSON (``FORMAT``, message, instant, schema, length of
the statements, names and lengths of payload files), the statements as the keyring encrypted them, the payload
files as they lie in ``payloads/`` (each encrypted under its own key, which is in the statements), SHA-256 of
all that.

The folder holds a file ``MARK``, made by hand (``gateway recovery prepare``): a share that is not mounted is
an empty folder on the first disk, and must not count as a second one.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from gateway.clock import random_bytes
from gateway.model.text import Instant
from gateway.store.contract import Row, Tx
from gateway.store.places import sync_folder

FORMAT = "gateway-second-copy 1"
MARK = "gateway-second-copy"
SUFFIX = ".copy"
FORGOTTEN_AT_ONCE = 200  # rows of written copies that one acceptance deletes


@dataclass(frozen=True, slots=True)
class Copy:
    """One acceptance. ``statements`` are encrypted; ``files``: name and bytes of payload files."""

    message: str
    at: Instant
    schema: int
    statements: bytes
    files: Sequence[tuple[str, bytes]]


@dataclass(slots=True)
class SecondCopies:
    """The folder, for one process."""

    folder: Path
    written: dict[tuple[str, Instant], None] = field(default_factory=dict)  # their rows may be deleted
    # By message: copies whose rows are being deleted in a transaction that is not committed yet.
    forgetting: dict[str, list[tuple[str, Instant]]] = field(default_factory=dict)
    _days: set[Path] = field(default_factory=set)

    def is_there(self) -> bool:
        """True while the marked folder can be seen."""
        return (self.folder / MARK).is_file()

    def prepare(self, name: str) -> None:
        """Mark the folder as the second disk of the log of that name. ``FileExistsError``: of another."""
        mark = self.folder / MARK
        if mark.exists() and mark.read_text("utf-8").strip() != name:
            raise FileExistsError(mark)
        mark.write_text(f"{name}\n", encoding="utf-8")
        sync_folder(self.folder)

    def write(self, copy: Copy, day: str) -> None:
        """On return the copy is on disk. ``OSError`` when it is not; writing it again is no error."""
        if not self.is_there():
            raise FileNotFoundError(self.folder / MARK)
        folder = self.folder / day
        if folder not in self._days:
            folder.mkdir(mode=0o700, exist_ok=True)
            sync_folder(self.folder)
            self._days.add(folder)
        name = f"{copy.at:016d}-{copy.message}{SUFFIX}"
        temporary = folder / f".{name}.{random_bytes(4).hex()}.new"  # two may be at the same copy
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as out:
            for part in _parts(copy):
                out.write(part)
            out.flush()
            os.fsync(out.fileno())
        temporary.replace(folder / name)
        sync_folder(folder)

    def all(self) -> Iterator[Path]:
        """The files of all copies, oldest first."""
        found = [file for file in self.folder.glob(f"*/*{SUFFIX}") if not file.name.startswith(".")]
        return iter(sorted(found, key=lambda file: file.name))

    def prune(self, before: Instant) -> int:
        """Delete copies of what was accepted before that moment; how many."""
        gone = 0
        for file in self.all():
            at = accepted_at(file)
            if at is not None and at < before:
                file.unlink()
                gone += 1
        return gone


def accepted_at(file: Path) -> Instant | None:
    """When that was accepted, as the name says; ``None``: it is no name of ours."""
    text = file.name.partition("-")[0]
    return Instant(int(text)) if text.isascii() and text.isdigit() else None


def read_copy(file: Path) -> Copy:
    """One copy. ``ValueError`` when it is not whole."""
    data = file.read_bytes()
    body, digest = data[:-32], data[-32:]
    if hashlib.sha256(body).digest() != digest:
        raise ValueError(f"{file} is not whole")
    line, _, rest = body.partition(b"\n")
    head = orjson.loads(line)
    if head["format"] != FORMAT:
        raise ValueError(f"{file} is no second copy")
    start, files = head["statements"], []
    for name, size in head["files"]:
        files.append((str(name), rest[start : start + size]))
        start += size
    return Copy(head["message"], Instant(head["at"]), head["schema"], rest[: head["statements"]], files)


def add_due(tx: Tx, message: str, at: Instant, statements: bytes) -> None:
    """The copy of this acceptance is to be written after its commit."""
    tx.run("add_second_copy_due", message=message, at=at, body=statements)


def forget(tx: Tx, done: Sequence[tuple[str, Instant]]) -> None:
    """These copies are on their disk."""
    tx.many("drop_second_copy_due", [{"message": message, "at": at} for message, at in done])


def due_of(tx: Tx, message: str) -> list[Row]:
    """What of a message may not be on the second disk (message, at, body)."""
    return tx.all("second_copy_due_of", message=message)


def all_due(tx: Tx, limit: int) -> list[Row]:
    """The same of all messages, oldest first."""
    return tx.all("second_copy_due", limit=limit)


def _parts(copy: Copy) -> Iterator[bytes]:
    head = {
        "format": FORMAT,
        "message": copy.message,
        "at": copy.at,
        "schema": copy.schema,
        "statements": len(copy.statements),
        "files": [[name, len(data)] for name, data in copy.files],
    }
    digest = hashlib.sha256()
    for part in (orjson.dumps(head) + b"\n", copy.statements, *(data for _, data in copy.files)):
        digest.update(part)
        yield part
    yield digest.digest()
