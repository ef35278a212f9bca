"""One writer for each SQLite file (contracts: one writer).

In charge of: a lock file beside the database that says who holds it. Not in charge of: what a second process
does then (speak to the server's socket, open read-only, or give up).

The kernel lets go of the lock when the holder dies, however it dies, so a file left behind means nothing. The
file is never deleted: whoever deletes a lock file can hand the same lock to two processes.
"""

from __future__ import annotations

import fcntl
import os
import weakref
from pathlib import Path

from gateway.errors import NotReady
from gateway.model.text import Bilingual


class WriterLock:
    """The right to write to one database. ``purpose`` tells others what for (``gateway serve``)."""

    def __init__(self, file: Path, purpose: str) -> None:
        self._file = file
        self._purpose = purpose
        self._descriptor = -1

    def take(self) -> None:
        """Hold the lock until ``release`` or the end of the process. ``NotReady`` names who has it."""
        descriptor = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 300).decode("utf-8", "replace").strip()
            os.close(descriptor)
            raise _taken(self._file, holder) from None
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"pid {os.getpid()} ({self._purpose})\n".encode())
        self._descriptor = descriptor
        _held.add(self)

    def release(self) -> None:
        """Let others write. Calling it again does nothing."""
        if self._descriptor >= 0:
            os.ftruncate(self._descriptor, 0)
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)  # at once, even if a child still has the handle
            self.forget()

    def forget(self) -> None:
        """Close our handle; as a forked child does, whose handle would outlive a killed parent."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
        _held.discard(self)


_held: weakref.WeakSet[WriterLock] = weakref.WeakSet()


def _forget_all() -> None:
    for lock in list(_held):
        lock.forget()


os.register_at_fork(after_in_child=_forget_all)


def _taken(file: Path, holder: str) -> NotReady:
    who = holder or "pid ?"
    return NotReady(
        Bilingual(
            f"Cơ sở dữ liệu đang được tiến trình khác ghi: {who}. Hãy dừng tiến trình đó, hoặc thực hiện "
            f"lệnh thông qua máy chủ đang chạy. Tệp khóa: {file}",
            f"Another process is writing to the database: {who}. Stop it, or let the running server do "
            f"this. Lock file: {file}",
        ),
        code="store.locked",
    )
