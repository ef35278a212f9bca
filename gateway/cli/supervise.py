"""Several nodes on one machine behind one address: ``gateway serve --workers N`` on PostgreSQL.

In charge of: the listening sockets that all nodes share, starting nodes, starting those that died again,
ending them, and replacing them one by one. Not in charge of: anything a node does (``app.py``).

The nodes inherit one listening socket instead of opening one each with SO_REUSEPORT: with that, connections
that wait in the queue of a node which ends are reset, and the kernel deals them out by hash whether a node is
busy or not. Here they wait in one queue, which outlives every node, and the next idle one takes them. The
same holds for the control socket: any node answers a command.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import structlog

from gateway.cli.service import OURS_ALONE
from gateway.config import Config
from gateway.web.control_socket import bound_socket

log = structlog.get_logger("gateway.supervise")

READY = "READY"  # what a node says on its standard output once it serves
BACKLOG = 1_024
LONGEST_PAUSE = 30.0  # seconds between two starts of a node that does not stay up
STEADY_SECONDS = 60.0  # who lived for so long starts again at once
END_SECONDS = 150.0  # for open connections, running requests and attempts, then the store


@dataclass(frozen=True, slots=True)
class Sockets:
    """What the nodes listen on. They are named to them by their descriptors (``--inherited``)."""

    web: socket.socket
    control: socket.socket

    @property
    def port(self) -> int:
        return int(self.web.getsockname()[1])

    @property
    def descriptors(self) -> tuple[int, int]:
        return self.web.fileno(), self.control.fileno()


@contextlib.contextmanager
def listening(config: Config, home: Path) -> Iterator[Sockets]:
    """Open sockets at the configured address and in the home folder. ``OSError``, ``NotReady`` as there."""
    found = socket.getaddrinfo(
        config.server.host, config.server.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    family, *_, address = found[0]
    with bound_socket(home) as control, socket.socket(family, socket.SOCK_STREAM) as web:
        web.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        web.bind(address)
        web.listen(BACKLOG)
        control.listen(BACKLOG)
        yield Sockets(web, control)


class _Node:
    """One process. Its standard input ends with us, which tells it to stop should we die."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.started = time.monotonic()
        self.leaving = False  # told to

    @classmethod
    async def start(cls, home: Path, sockets: Sockets) -> _Node:
        given = ",".join(map(str, sockets.descriptors))
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "gateway", "serve", "--home", str(home), "--inherited", given),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            pass_fds=sockets.descriptors,
            env={name: value for name, value in os.environ.items() if name not in OURS_ALONE},
            process_group=0,  # Ctrl-C is for us: we tell the nodes
        )
        return cls(process)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def lived(self) -> float:
        return time.monotonic() - self.started

    async def is_ready(self) -> bool:
        """Wait until it serves; False when it ended before."""
        assert self._process.stdout is not None  # asked for at the start
        return await self._process.stdout.readline() == f"{READY}\n".encode()

    async def ended(self) -> int:
        return await self._process.wait()

    def give_notice(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGUSR1)

    async def end(self) -> None:
        """Let it finish what it has begun. On return it is gone."""
        self.leaving = True
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()
        try:
            async with asyncio.timeout(END_SECONDS):
                await self.ended()
        except TimeoutError:
            log.error("node does not end, killed", node=self.pid)
            self._process.kill()
            await self.ended()


class Supervisor:
    """``count`` nodes on shared sockets. ``run`` works until ``stop`` is set; then all say that they are not
    ready, and go on for ``notice`` seconds before they leave."""

    def __init__(self, home: Path, count: int, sockets: Sockets, notice: float = 0) -> None:
        self._home, self._count, self._sockets, self._notice = home, count, sockets, notice
        self._keepers: list[_Keeper] = []
        self._rolling = asyncio.Lock()

    @property
    def pids(self) -> list[int]:
        """Process ids of the nodes, one for each place that is filled."""
        return [keeper.node.pid for keeper in self._keepers if keeper.node is not None]

    async def run(self, started: Callable[[int], None], stop: asyncio.Event) -> int:
        """0; or the exit code of the first node when it does not come up (it has said why).

        The first comes alone: it brings the database up to date, and what stops it would stop all.
        """
        first = await _Node.start(self._home, self._sockets)
        if not await first.is_ready():
            return await first.ended() or 1
        self._keepers = [
            _Keeper(self._home, self._sockets, first if n == 0 else None) for n in range(self._count)
        ]
        keeping = [asyncio.create_task(keeper.run()) for keeper in self._keepers]
        started(self._sockets.port)
        await stop.wait()
        async with self._rolling:  # a replacement under way ends first, so that no node is forgotten
            if self._notice:
                for keeper in self._keepers:
                    keeper.give_notice()
                await asyncio.sleep(self._notice)
            await asyncio.gather(*(keeper.stop() for keeper in self._keepers))
        await asyncio.gather(*keeping)
        return 0

    async def replace_all(self) -> None:
        """One by one: a new node takes over, then the old one leaves. Settings and program are read anew."""
        async with self._rolling:
            for keeper in self._keepers:
                if not await keeper.replace():
                    log.error("the new node did not come up, the others stay as they are")
                    return
        log.info("all nodes are new", nodes=self.pids)


class _Keeper:
    """One place for a node: filled again whenever its node dies."""

    def __init__(self, home: Path, sockets: Sockets, node: _Node | None) -> None:
        self._home, self._sockets = home, sockets
        self.node = node
        self._stopping = asyncio.Event()
        self._pause = 0.0

    async def run(self) -> None:
        """Until ``stop``. A node that does not stay up is started after longer and longer pauses."""
        while not self._stopping.is_set():
            if self.node is None:
                await self._fill()
            else:
                await self._watch(self.node)
        if self.node is not None:  # it came up meanwhile
            await self.node.end()

    async def _fill(self) -> None:
        node = await self._started()
        if node is None:
            await self._rest(2 * self._pause + 1)
        elif self.node is None:
            self.node = node
        else:  # somebody put another one here meanwhile
            await node.end()

    async def _watch(self, node: _Node) -> None:
        """Return when it is gone, or another one has its place."""
        code = await node.ended()
        if node is not self.node or node.leaving:
            return
        log.error("node died, starting another", node=node.pid, code=code, lived=round(node.lived, 1))
        self.node = None
        await self._rest(0.0 if node.lived > STEADY_SECONDS else 2 * self._pause + 1)

    async def _rest(self, seconds: float) -> None:
        self._pause = min(seconds, LONGEST_PAUSE)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), self._pause)

    async def replace(self) -> bool:
        """False when the new node does not come up; then nothing has changed."""
        new, old = await self._started(), self.node
        if new is None:
            return False
        self.node = new
        if old is not None:
            await old.end()
        return True

    def give_notice(self) -> None:
        """Make the node say that it is not ready, so that proxies turn to other machines."""
        if self.node is not None:
            self.node.give_notice()

    async def stop(self) -> None:
        """On return no node is left here."""
        self._stopping.set()
        if self.node is not None:
            await self.node.end()

    async def _started(self) -> _Node | None:
        """A node that serves, or None."""
        node = await _Node.start(self._home, self._sockets)
        if await node.is_ready():
            log.info("node serves", node=node.pid)
            return node
        await node.ended()
        return None


def inherited(text: str) -> tuple[socket.socket, socket.socket]:
    """The sockets that a supervisor named in ``--inherited``."""
    web, control = (socket.socket(fileno=int(number)) for number in text.split(","))
    return web, control


def when_orphaned(then: Callable[[], None]) -> None:
    """Call ``then`` when the supervisor is gone: standard input, a pipe from it, ends."""
    loop, pipe = asyncio.get_running_loop(), sys.stdin.fileno()

    def heard() -> None:
        if not os.read(pipe, 64):
            loop.remove_reader(pipe)
            then()

    loop.add_reader(pipe, heard)
