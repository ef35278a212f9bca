"""A web address that counts calls and a file that counts openings: neither may ever be touched."""

from __future__ import annotations

import contextlib
import ctypes
import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_OPENED = 0x20  # IN_OPEN, inotify(7): sees openings by libxml2 as well, unlike Python's audit events


@dataclass(frozen=True)
class Trap:
    server: socket.socket
    notices: int  # file descriptor of inotify
    file: Path

    @property
    def http(self) -> str:
        return f"http://127.0.0.1:{self.server.getsockname()[1]}/x"

    def touched(self) -> bool:
        """True when somebody called the address or opened the file since the last question."""
        called = opened = False
        with contextlib.suppress(BlockingIOError):
            self.server.accept()[0].close()
            called = True
        with contextlib.suppress(BlockingIOError):
            opened = bool(os.read(self.notices, 4096))
        return called or opened


@contextlib.contextmanager
def open_trap(folder: Path) -> Iterator[Trap]:
    """The file has content, so that reading it could matter."""
    file = folder / "never-opened.xml"
    file.write_text("<edXML/>", "utf-8")
    libc = ctypes.CDLL(None, use_errno=True)
    notices = libc.inotify_init1(os.O_NONBLOCK)
    assert libc.inotify_add_watch(notices, os.fsencode(file), _OPENED) >= 0
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield Trap(server, notices, file)
    os.close(notices)
