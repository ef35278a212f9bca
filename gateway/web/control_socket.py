"""The control socket's name and file: where both sides find it, and who may bind it.

In charge of: ``home/control.sock``, readable by this user alone, replaced when its server died. It loads
nothing of the gateway, since the supervisor of several nodes binds it for all of them. Not in charge of: what
is said on it (``control.py``, ``control_call.py``).

A Unix socket's path holds at most 108 bytes, a home folder's may be longer, and changing the working
directory would change it for the whole process. So everybody opens the folder and names the socket through
its descriptor: ``/proc/self/fd/7/control.sock``.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path

from gateway.errors import NotReady
from gateway.model.text import Bilingual

SOCKET = "control.sock"


class NoServer(Exception):
    """No server runs on this home folder."""


@contextlib.contextmanager
def short_name(home: Path) -> Iterator[str]:
    """A name of the socket that is short however long the folder's path is. ``NoServer`` without a folder."""
    try:
        folder = os.open(home, os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError as error:
        raise NoServer from error
    try:
        yield f"/proc/self/fd/{folder}/{SOCKET}"
    finally:
        os.close(folder)


@contextlib.contextmanager
def bound_socket(home: Path) -> Iterator[socket.socket]:
    """A socket bound to ``home/control.sock`` that nobody else can open, ever; it goes on leaving.

    ``NotReady`` when another server answers there already.
    """
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    with listening, short_name(home) as name:
        _remove_stale(name)
        os.fchmod(listening.fileno(), 0o600)  # before bind: the file is made with this mode
        listening.bind(name)
        try:
            yield listening
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name)


def _remove_stale(name: str) -> None:
    """Remove the socket of a server that died; ``NotReady`` when one answers."""
    if not os.path.exists(name):
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(name)
        except ConnectionRefusedError:
            os.unlink(name)
            return
    raise NotReady(
        Bilingual(
            "Một tiến trình trục khác đang chạy trên thư mục này.",
            "Another gateway is running on this folder.",
        ),
        code="home.in_use",
    )
