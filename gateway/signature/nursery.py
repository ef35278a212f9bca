"""The process that PDF workers are forked from: it has imported pyHanko once, so a worker costs milliseconds
and a few megabytes instead of a second and forty.

In charge of: starting that process, asking it for a worker, and the handle of one worker (its socket, its
pidfd). Not in charge of: what a worker is asked (``workers``), what it does (``pdf_worker``).

The nursery never sees a file, so every worker begins as clean as a new process. It inherits neither the
environment nor open files of the server. When the server dies, the nursery and its workers end by themselves.
"""

from __future__ import annotations

import asyncio
import os
import select
import signal
import socket
import struct
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from gateway.signature.pdf_worker import CHILD, FORK, READY

_WARM_UP = 60.0  # seconds; the import takes 0.6 on an idle machine, twice that without compiled modules
_FORK_SECONDS = 10.0  # for one fork, which takes milliseconds
_ROOT = Path(__file__).resolve().parents[2]  # where the package ``gateway`` lies


class WorkerLost(Exception):
    """The process ended, or said something that is no answer."""


@dataclass(slots=True)
class Child:
    """One forked worker. ``pidfd`` names this process and no later one with its number."""

    pid: int
    pidfd: int
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @property
    def is_alive(self) -> bool:
        if self.pidfd < 0:
            return False
        poll = select.poll()
        poll.register(self.pidfd, select.POLLIN)  # readable from the moment of its death
        return not poll.poll(0)

    async def kill(self) -> None:
        """On return the process is gone."""
        if self.pidfd < 0:
            return
        pidfd, gone = self.pidfd, asyncio.Event()
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(pidfd, signal.SIGKILL)
        self.writer.close()
        loop = asyncio.get_running_loop()
        loop.add_reader(pidfd, gone.set)
        self.pidfd = -1
        try:
            await gone.wait()
        finally:
            loop.remove_reader(pidfd)
            os.close(pidfd)


class Nursery:
    """Forks workers with these limits: ``seconds`` of CPU for a file, ``memory_bytes`` of address space."""

    def __init__(self, seconds: float, memory_bytes: int) -> None:
        self._limits = (str(seconds), str(memory_bytes))
        self._process: asyncio.subprocess.Process | None = None
        self._control: socket.socket | None = None
        self._asking = asyncio.Lock()
        self._closed = False

    async def fork(self) -> Child:
        """A warm worker. ``WorkerLost`` when there can be none; a nursery that died is started again."""
        async with self._asking:
            for _ in range(2):
                try:
                    return await self._unless_closed()
                except (OSError, EOFError, struct.error):
                    await self._end()
            raise WorkerLost

    def stop(self) -> None:
        """From now on there is no new worker."""
        self._closed = True

    async def close(self) -> None:
        """On return the nursery is gone. End its workers first: it is their parent, and buries them."""
        self._closed = True
        self._kill()  # whoever waits for a worker hears the end of the socket
        async with self._asking:
            await self._end()

    async def _unless_closed(self) -> Child:
        if self._is_open():
            child = await self._fork(await self._begun())
            if self._is_open():
                return child
            await child.kill()
        raise WorkerLost

    def _is_open(self) -> bool:
        """Asked anew after every wait."""
        return not self._closed

    async def _begun(self) -> socket.socket:
        """The way to the running nursery."""
        if self._control is not None:
            return self._control
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._control = ours
        ours.setblocking(False)
        with theirs:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "gateway.signature.pdf_worker",
                *self._limits,
                stdin=theirs.fileno(),
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
                env={"PATH": os.environ.get("PATH", ""), "PYTHONPATH": str(_ROOT), "LANG": "C.UTF-8"},
            )
        said, _ = await _hear(ours, _WARM_UP)
        if said != READY:
            raise EOFError
        return ours

    async def _fork(self, control: socket.socket) -> Child:
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                socket.send_fds(control, [FORK], [theirs.fileno()])
            said, (pidfd,) = await _hear(control, _FORK_SECONDS)
        except BaseException:
            ours.close()  # a worker that was forked all the same ends with it
            raise
        reader, writer = await asyncio.open_unix_connection(sock=ours)
        (pid,) = struct.unpack(CHILD, said)
        return Child(pid, pidfd, reader, writer)

    def _kill(self) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.kill()

    async def _end(self) -> None:
        self._kill()
        if self._process is not None:
            await self._process.wait()
        if self._control is not None:
            self._control.close()
        self._process = self._control = None


async def _hear(control: socket.socket, seconds: float) -> tuple[bytes, list[int]]:
    """One message, and the descriptor that a worker comes with. ``EOFError``: nobody is there any more."""
    loop, readable = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(control, readable.set)
    try:
        async with asyncio.timeout(seconds):
            await readable.wait()
    finally:
        loop.remove_reader(control)
    said, fds, _, _ = socket.recv_fds(control, 64, 1)
    if not said:
        raise EOFError
    if said != READY and len(fds) != 1:
        raise EOFError
    return said, fds
