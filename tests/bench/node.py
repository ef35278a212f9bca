"""One node: seconds from calling ``gateway serve`` to the first 200 of ``/readyz``, and its memory when idle.

CPU is what the start takes, whoever else is at work. Memory is the proportional set size of all processes,
those that read PDFs included. ``without .pyc``: a first start after an installation that compiled nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

import aiohttp

from tests.bench.database import postgres
from tests.server import Bed, cpu_seconds, family, family_pss, prepare

STARTS = 3
IDLE_SECONDS = 6.0


async def bench_node(bed: Bed) -> dict[str, Any]:
    """SQLite and PostgreSQL, with and without compiled modules."""
    with postgres() as server, tempfile.TemporaryDirectory() as empty:
        other = await prepare(bed.home / "beside", server.database(), like=bed)
        nowhere = {"PYTHONPYCACHEPREFIX": empty, "PYTHONDONTWRITEBYTECODE": "1"}
        return {
            "SQLite": await _starts(bed, {}),
            "PostgreSQL": await _starts(other, {}),
            "SQLite, without .pyc": await _starts(bed, nowhere),
        }


async def _starts(bed: Bed, environment: Mapping[str, str]) -> dict[str, Any]:
    found = [await _start(bed, environment) for _ in range(STARTS)]
    seconds = sorted(one.seconds for one in found)
    return {
        "ready_seconds": statistics.median(seconds),
        "slowest_seconds": seconds[-1],
        "cpu_seconds": statistics.median(one.cpu for one in found),
        "pss_mib": max(one.pss for one in found) / 1_048_576,
        "processes": found[0].processes,
        "load": os.getloadavg()[0],
    }


class _Start(NamedTuple):
    """Seconds and CPU seconds to ready; bytes and processes when idle."""

    seconds: float
    cpu: float
    pss: int
    processes: int


async def _start(bed: Bed, environment: Mapping[str, str]) -> _Start:
    began = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway", "serve", "--json", "--home", str(bed.home)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=os.environ | environment | {"GATEWAY_SERVER_PORT": "0"},
    )
    assert process.stdout is not None  # asked for above
    try:
        await _ready(json.loads(await process.stdout.readline())["serving"])
        seconds, cpu = time.perf_counter() - began, cpu_seconds(process.pid)
        await asyncio.sleep(IDLE_SECONDS)
        if process.returncode is not None:
            raise RuntimeError(f"gateway serve ended with {process.returncode}")
        return _Start(seconds, cpu, family_pss(process.pid), len(family(process.pid)))
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await asyncio.wait_for(process.wait(), 60)


async def _ready(base: str) -> None:
    async with aiohttp.ClientSession() as session:
        while True:
            async with session.get(f"{base}readyz") as answer:
                if answer.status == 200:
                    return
            await asyncio.sleep(0.01)
