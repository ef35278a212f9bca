"""Several nodes behind one socket: they come back when they die, and are replaced under load without loss."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import aiohttp
import pytest

from gateway.web.control_call import NoServer, call_control
from tests.client import Client
from tests.server import Bed, family, prepare, served
from tests.world import make_envelope

QUICK = "[server]\ndrain_seconds = 1\n"
UNDER_LOAD = 4  # senders at one time


@pytest.fixture
def engine() -> str:
    return "postgres"


@pytest.fixture
async def bed(tmp_path: Path, database_url: str) -> Bed:
    return await prepare(tmp_path / "home", database_url, QUICK)


def nodes_of(supervisor: int) -> set[int]:
    return set(map(int, Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split()))


async def until(holds: Callable[[], bool], seconds: float = 60) -> None:
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110 (nobody tells)
            await asyncio.sleep(0.05)


def is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


class Sender:
    """Hands documents in, one after the other, until it is told to stop. It tries again only where nobody
    took its connection; every other failure is a loss."""

    def __init__(self, client: Client, name: str) -> None:
        self._client, self._name = client, name
        self.sent: list[str] = []
        self.stopping = False

    async def run(self) -> None:
        while not self.stopping:
            number = f"{self._name}-{len(self.sent)}"
            try:
                await self._client.submit(make_envelope("H37", ["H37.03"], number=number))
            except aiohttp.ClientConnectorError:
                continue
            self.sent.append(number)


@contextlib.asynccontextmanager
async def load(base: str, key: str) -> AsyncIterator[list[Sender]]:
    """Senders at work; on leaving they end, and whatever one met that is a loss is raised."""
    async with aiohttp.ClientSession() as session:
        senders = [Sender(Client(session, base, key, "H37"), f"L{n}") for n in range(UNDER_LOAD)]
        tasks = [asyncio.create_task(sender.run()) for sender in senders]
        yield senders
        for sender in senders:
            sender.stopping = True
        await asyncio.gather(*tasks)


async def taken(base: str, key: str, expected: int) -> list[str]:
    """Every delivery that waits for H37.03 once ``expected`` have been taken."""
    async with aiohttp.ClientSession() as session:
        client = Client(session, base, key, "H37.03")
        async with asyncio.timeout(60):
            await client.take_all(expected)
        return [item["delivery"] for item in await client.items()]


@pytest.mark.timeout(300)  # four starts of a node, on a machine that may be busy
async def test_all_nodes_are_replaced_under_load_and_nothing_is_lost(bed: Bed) -> None:
    async with served(bed, "--workers", "2") as (base, supervisor):
        await until(lambda: len(nodes_of(supervisor.pid)) == 2)
        first = nodes_of(supervisor.pid)
        async with load(base, bed.keys["H37"]) as senders:
            await asyncio.sleep(0.5)
            supervisor.send_signal(signal.SIGHUP)
            await until(lambda: not nodes_of(supervisor.pid) & first)
            await asyncio.sleep(0.5)
        sent = [number for sender in senders for number in sender.sent]
        assert len(sent) > 4 * UNDER_LOAD
        assert await taken(base, bed.keys["H37.03"], len(sent)) == []
        assert len(nodes_of(supervisor.pid)) == 2


async def test_a_node_that_dies_is_started_again_and_commands_are_answered(bed: Bed) -> None:
    async with served(bed, "--workers", "2") as (_, supervisor):
        await until(lambda: len(nodes_of(supervisor.pid)) == 2)
        victim = min(nodes_of(supervisor.pid))
        os.kill(victim, signal.SIGKILL)
        for _ in range(10):
            assert (await call_control(bed.home, "status", {}))["store"]["engine"] == "postgres"
        await until(lambda: len(nodes_of(supervisor.pid) - {victim}) == 2)


async def test_told_to_stop_it_ends_every_process_and_leaves_no_socket(bed: Bed) -> None:
    async with served(bed, "--workers", "2") as (_, supervisor):
        await until(lambda: len(nodes_of(supervisor.pid)) == 2)
        everybody = family(supervisor.pid)
    assert supervisor.returncode == 0
    assert all(map(is_gone, everybody))
    with pytest.raises(NoServer):
        await call_control(bed.home, "status", {})


async def test_a_single_node_that_is_asked_to_reload_goes_on(bed: Bed) -> None:
    """A service manager asks with SIGHUP, whose default would end the process."""
    async with served(bed) as (base, process), aiohttp.ClientSession() as session:
        process.send_signal(signal.SIGHUP)
        await asyncio.sleep(0.2)
        assert (await session.get(f"{base}/healthz")).status == 200
        assert process.returncode is None


async def test_nodes_end_when_their_supervisor_is_killed(bed: Bed) -> None:
    async with served(bed, "--workers", "2") as (_, supervisor):
        await until(lambda: len(nodes_of(supervisor.pid)) == 2)
        nodes = nodes_of(supervisor.pid)
        supervisor.kill()
        await until(lambda: all(map(is_gone, nodes)))


async def test_a_first_node_that_does_not_come_up_ends_the_supervisor(bed: Bed) -> None:
    with (bed.home / "gateway.toml").open("a") as settings:
        settings.write('tls_certificate = "none.pem"\n')
    with pytest.raises(RuntimeError, match="ended with 1"):
        async with served(bed, "--workers", "2"):
            pass
