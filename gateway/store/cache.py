"""Payloads of the bucket that were wanted here lately: files, still encrypted, as many as fit.

In charge of: a bounded folder from which the least lately used file goes first. What is in it may vanish or
rot without loss: whoever reads proves it, and fetches it again. Not in charge of: fetching (``objects``).
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from gateway.store.places import is_payload


class Cache:
    """At most ``most_bytes`` below ``folder``. Safe between threads. Several processes may share the folder:
    each counts what it took in itself, and finds gone what another dropped."""

    def __init__(self, folder: Path, most_bytes: int) -> None:
        self.folder, self.most_bytes = folder, most_bytes
        self._sizes: OrderedDict[str, int] = OrderedDict()  # name -> bytes, the least lately used first
        self._bytes = 0
        self._lock = threading.Lock()
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._look()

    @property
    def bytes(self) -> int:
        """How much lies in it."""
        return self._bytes

    def open(self, name: str, size: int) -> BinaryIO | None:
        """The file, opened: it stays readable when it is dropped. ``None``: not here, or not of that size."""
        with self._lock:
            if name in self._sizes:
                self._sizes.move_to_end(name)
        try:
            file = (self.folder / name).open("rb", 0)
        except FileNotFoundError:
            self.drop(name)
            return None
        if file.seek(0, 2) != size:
            file.close()
            self.drop(name)
            return None
        file.seek(0)
        return file

    def take(self, name: str, file: Path, size: int) -> None:
        """Take a complete file in under that name; one that does not fit at all is deleted."""
        if size > self.most_bytes:
            file.unlink(missing_ok=True)
            return
        path = self.folder / name
        path.parent.mkdir(mode=0o700, exist_ok=True)
        file.replace(path)
        with self._lock:
            self._bytes += size - self._sizes.pop(name, 0)
            self._sizes[name] = size
            gone = []
            while self._bytes > self.most_bytes:
                oldest, freed = self._sizes.popitem(last=False)
                self._bytes -= freed
                gone.append(oldest)
        for oldest in gone:
            (self.folder / oldest).unlink(missing_ok=True)

    def drop(self, name: str) -> None:
        """Forget a file."""
        with self._lock:
            self._bytes -= self._sizes.pop(name, 0)
        (self.folder / name).unlink(missing_ok=True)

    def _look(self) -> None:
        """Take over what an earlier process left, the longest unread first."""
        found = []
        for path in self.folder.glob("*/*"):
            name = path.relative_to(self.folder).as_posix()
            with suppress(FileNotFoundError):
                if is_payload(name):
                    stat = path.stat()
                    found.append((stat.st_atime, name, stat.st_size))
        for _, name, size in sorted(found):
            self._sizes[name] = size
            self._bytes += size
        while self._bytes > self.most_bytes:
            self.drop(next(iter(self._sizes)))
