"""The gateway as a process of its own, for load and fault tests: ``python -m tests.server HOME``.

Prints ``port=N`` when it listens and serves until it is ended. The home folder is made by ``prepare``.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from gateway.app import init_home, open_services, running
from gateway.clock import SystemClock
from gateway.config import load
from gateway.directory.data import DirectoryData
from gateway.flow import office
from gateway.flow.operate import LOCAL
from gateway.model.text import AgencyCode
from gateway.practice.pki import DemoPki, Identity
from gateway.store.people import Role
from tests.world import AGENCIES

BLOCK_FILE = "longest-block"


@dataclass(frozen=True, slots=True)
class Bed:
    """A prepared home: API keys by agency, and the identity that signs H37's envelopes."""

    home: Path
    keys: dict[str, str]
    signer: Identity


async def prepare(home: Path, database_url: str = "", settings: str = "", like: Bed | None = None) -> Bed:
    """A home with the small directory of the tests, a demo PKI and a system for each agency.

    ``settings``: more lines of ``gateway.toml``. ``like``: a bed whose signer it has, so that its envelopes
    can be handed in here too.
    """
    clock = SystemClock()
    init_home(home, "truc-do-toc-do", clock)
    database = f'[database]\nurl = "{database_url}"\n' if database_url else ""
    (home / "gateway.toml").write_text(
        f'[gateway]\nname = "bench"\n[limits]\nrequests_per_second = 100000\n{database}{settings}'
    )
    signer = like.signer if like else _new_signer(home)
    trust = like.home / "trust" if like else DemoPki.open(home / "pki").trust_folder
    for file in trust.iterdir():
        (home / "trust" / file.name).write_bytes(file.read_bytes())
    gw = await open_services(home, load(home), clock, "bench")
    try:
        await office.import_directory(gw, LOCAL, DirectoryData(AGENCIES), apply=True)
        await office.import_signers(gw, LOCAL, [signer.signer(AgencyCode("H37"))])
        keys = {}
        for agency in AGENCIES:
            principal = await office.add_principal(gw, LOCAL, agency.name, Role.SYSTEM, [agency.code])
            keys[agency.code] = await office.issue_api_key(gw, LOCAL, principal.id)
    finally:
        await gw.close()
    return Bed(home, keys, signer)


def _new_signer(home: Path) -> Identity:
    pki = DemoPki.create(home / "pki")
    signer = pki.issue_agency("H37", "UBND tỉnh Lạng Sơn")
    pki.publish_crls()
    return signer


@contextlib.asynccontextmanager
async def started(bed: Bed, ticker: bool = False) -> AsyncIterator[tuple[str, int]]:
    """Base URL and process id of a gateway on ``bed``.

    With ``ticker`` it writes the longest block of its event loop into ``BLOCK_FILE`` at the end, in seconds;
    SIGUSR1 begins anew.
    """
    command = [sys.executable, "-m", "tests.server", str(bed.home), *(["ticker"] if ticker else [])]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    try:
        assert process.stdout is not None
        line = (await process.stdout.readline()).decode()
        if not line.startswith("port="):
            raise RuntimeError(f"the server did not start: {line!r}")
        yield f"http://127.0.0.1:{line.split('=')[1].strip()}", process.pid
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await asyncio.wait_for(process.wait(), 30)


@contextlib.asynccontextmanager
async def served(bed: Bed, *options: str) -> AsyncIterator[tuple[str, asyncio.subprocess.Process]]:
    """Base URL and process of ``gateway serve`` itself on ``bed``, on a free port."""
    command = [sys.executable, "-m", "gateway", "serve", "--json", "--home", str(bed.home), *options]
    environment = os.environ | {"GATEWAY_SERVER_PORT": "0"}
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, env=environment)
    try:
        assert process.stdout is not None
        line = await process.stdout.readline()
        if not line:
            raise RuntimeError(f"gateway serve ended with {await process.wait()}")
        yield json.loads(line)["serving"].rstrip("/"), process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await asyncio.wait_for(process.wait(), 60)


def cpu_seconds(pid: int) -> float:
    """User and system time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def family(pid: int) -> list[int]:
    """A process and all that descend from it, as far as they live."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [pid, *(one for child in children for one in family(int(child)))]


def family_seconds(pid: int) -> float:
    """CPU time of a process and of its descendants that live."""
    return sum(map(cpu_seconds, family(pid)))


def family_pss(pid: int) -> int:
    """Bytes of memory of a process and its descendants; what they share counts once."""
    total = 0
    for one in family(pid):
        with contextlib.suppress(OSError):
            lines = Path(f"/proc/{one}/smaps_rollup").read_text().splitlines()
            total += sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
    return total


def resident_bytes(pid: int, field: str = "VmRSS") -> int:
    """``VmRSS`` (now) or ``VmHWM`` (peak) of a process."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"no {field} in /proc")


class _Ticker:
    """How late a task comes that wants to run every few milliseconds."""

    EVERY = 0.005

    def __init__(self) -> None:
        self.longest = 0.0

    def reset(self) -> None:
        self.longest = 0.0

    async def run(self) -> None:
        while True:
            began = time.perf_counter()
            await asyncio.sleep(self.EVERY)
            self.longest = max(self.longest, time.perf_counter() - began - self.EVERY)


@contextlib.asynccontextmanager
async def _ticking(home: Path) -> AsyncIterator[None]:
    ticker = _Ticker()
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, ticker.reset)
    task = asyncio.create_task(ticker.run())
    try:
        yield
    finally:
        task.cancel()
        (home / BLOCK_FILE).write_text(str(ticker.longest))


async def _main(home: Path, ticker: bool) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    config = load(home)
    config = config.model_copy(update={"server": config.server.model_copy(update={"port": 0})})
    async with running(home, config, SystemClock()) as (_, port):
        print(f"port={port}", flush=True)
        async with _ticking(home) if ticker else contextlib.nullcontext():
            await stop.wait()


if __name__ == "__main__":
    asyncio.run(_main(Path(sys.argv[1]), "ticker" in sys.argv[2:]))
