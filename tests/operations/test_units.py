"""The systemd units: what systemd itself says of them, and that the program does what they rely on."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.cli import service
from tests.operations.compose import OPERATIONS
from tests.server import Bed, prepare
from tests.test_docs import names_a_command

UNITS = sorted(OPERATIONS.glob("gateway*.service")) + sorted(OPERATIONS.glob("gateway*.timer"))
SERVICES = [unit for unit in UNITS if unit.suffix == ".service"]
# Refuse memory that is written and then run: prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN), as systemd does.
DENY_WRITE_EXECUTE = (
    "import ctypes, os, sys; assert ctypes.CDLL(None).prctl(65, 1, 0, 0, 0) == 0; "
    "os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
)


def analyze(*words: str) -> str:
    program = shutil.which("systemd-analyze")
    if program is None:
        if os.environ.get("REQUIRE_OPERATIONS"):
            pytest.fail("systemd-analyze is missing: apt-get install systemd")
        pytest.skip("systemd is not installed")
    done = subprocess.run([program, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """The units beside a program that is there."""
    for unit in UNITS:
        text = unit.read_text("utf-8").replace("/usr/local/bin/gateway", "/bin/true")
        (tmp_path / unit.name).write_text(text, encoding="utf-8")
    return tmp_path


def test_systemd_understands_every_line(units: Path) -> None:
    assert analyze("verify", "--man=no", *map(str, sorted(units.glob("gateway*")))) == ""


@pytest.mark.parametrize("name", [unit.name for unit in SERVICES])
def test_a_service_is_exposed_as_little_as_may_be(units: Path, name: str) -> None:
    said = analyze("security", "--offline=true", str(units / name))
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", said)
    assert found is not None
    assert float(found[1]) <= 2.0


@pytest.mark.parametrize("unit", SERVICES, ids=lambda unit: unit.name)
def test_a_unit_starts_a_command_that_there_is(unit: Path) -> None:
    started = re.findall(r"^ExecStart(?:Post)?=/usr/local/bin/gateway (.+)$", unit.read_text("utf-8"), re.M)
    assert started
    for words in started:
        assert names_a_command([word for word in words.split() if not word.startswith(("-", "/", "$"))])


@contextlib.asynccontextmanager
async def managed(
    bed: Bed, *options: str
) -> AsyncIterator[tuple[asyncio.Queue[str], asyncio.subprocess.Process]]:
    """``gateway serve`` as systemd starts it, and what it tells."""
    heard: asyncio.Queue[str] = asyncio.Queue()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(bed.home / "notify"))
        manager.setblocking(False)
        asyncio.get_running_loop().add_reader(manager, lambda: heard.put_nowait(manager.recv(100).decode()))
        told = {"NOTIFY_SOCKET": str(bed.home / "notify"), "WATCHDOG_USEC": "400000"}
        command = [sys.executable, "-m", "gateway", "serve", "--json", "--home", str(bed.home), *options]
        process = await asyncio.create_subprocess_exec(
            *command, env=os.environ | told | {"GATEWAY_SERVER_PORT": "0"}, stdout=asyncio.subprocess.DEVNULL
        )
        try:
            yield heard, process
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            await asyncio.wait_for(process.wait(), 60)
            asyncio.get_running_loop().remove_reader(manager)


async def hear(heard: asyncio.Queue[str], word: str) -> None:
    async with asyncio.timeout(30):
        while await heard.get() != word:
            pass


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
async def test_the_manager_hears_that_it_is_ready_that_it_lives_and_that_it_stops(
    engine: str, database_url: str, tmp_path: Path
) -> None:
    bed = await prepare(tmp_path / "home", database_url)
    async with managed(bed, "--workers", "2") as (heard, process):
        await hear(heard, service.READY)
        await hear(heard, service.ALIVE)
        await hear(heard, service.ALIVE)
        process.send_signal(signal.SIGTERM)
        await hear(heard, service.STOPPING)
        assert await asyncio.wait_for(process.wait(), 60) == 0


async def test_a_process_that_hangs_tells_nothing_so_that_the_manager_starts_it_anew(tmp_path: Path) -> None:
    bed = await prepare(tmp_path / "home")
    async with managed(bed) as (heard, process):
        await hear(heard, service.READY)
        process.send_signal(signal.SIGSTOP)
        await asyncio.sleep(0.5)
        while not heard.empty():
            heard.get_nowait()
        await asyncio.sleep(1)
        assert heard.empty()
        process.send_signal(signal.SIGCONT)
        await hear(heard, service.ALIVE)


def test_without_a_manager_nobody_is_told(tmp_path: Path) -> None:
    assert not service.tell(service.READY, {})
    assert not service.tell(service.READY, {"NOTIFY_SOCKET": str(tmp_path / "nobody")})


def test_all_of_it_runs_without_memory_that_is_written_and_run(tmp_path: Path) -> None:
    """MemoryDenyWriteExecute: a week of a province, PDFs, signatures, TLS and all."""
    assert "MemoryDenyWriteExecute=yes" in (OPERATIONS / "gateway.service").read_text("utf-8")
    command = [sys.executable, "-c", DENY_WRITE_EXECUTE, "-m", "gateway", "demo", "--once", "--json"]
    done = subprocess.run(
        [*command, "--home", str(tmp_path / "demo")], capture_output=True, text=True, check=False
    )
    if "AssertionError" in done.stderr and "prctl" in done.stderr:
        pytest.skip("this kernel is older than 6.3 and cannot be asked")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["lost"] == 0
