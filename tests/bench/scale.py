"""``make bench-scale``: what more processes do for documents per second, and what a document then costs.

Signed envelopes of some 300 KB, each with a doubly signed PDF, from the first byte sent until the recipient
has said done. On SQLite one node stores and 1 to 4 processes read PDFs; on PostgreSQL 1 to 4 whole nodes
share the address (``gateway serve --workers N``), the database with fsync and synchronous commit. Load client
and database share the machine, so on few cores the figure to look at is CPU per document beside one node's.

Writes ``var/bench/scale.json``, prints the table and puts it into ``docs/performance.md`` (``--write``).
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from rich.console import Console
from rich.table import Table

from gateway.practice.pki import DemoPki
from gateway.signature.seal import sign_envelope
from tests.bench.database import Server, postgres
from tests.bench.pages import machine, put_table
from tests.bench.pdf import FILES, make_pdfs
from tests.client import Client
from tests.server import Bed, family, family_pss, family_seconds, prepare, served
from tests.world import make_envelope

FOLDER = Path("var/bench")
WARM, COUNT = 24, 200  # documents before and under measurement
AT_ONCE = 16
SQLITE, POSTGRES = (1, 2, 3, 4), (1, 2, 3, 4)
SETTINGS = "[server]\ndrain_seconds = 0\n"


@dataclass(frozen=True, slots=True)
class Run:
    """One way to serve, measured. CPU is milliseconds a document; PSS is of all processes of the gateway."""

    engine: str
    workers: int
    documents_per_second: float
    cpu_ms: float
    database_cpu_ms: float | None
    p50_ms: float
    p99_ms: float
    pss_mib: float
    load: float  # of the machine, when it began

    def as_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


async def measured(
    bed: Bed, envelopes: Sequence[bytes], engine: str, workers: int, server: int | None
) -> Run:
    """``server``: process id of the database, whose time is told apart."""
    load = os.getloadavg()[0]
    async with served(bed, "--workers", str(workers)) as (base, process), _session() as session:
        await _all_up(process.pid, engine, workers)
        sender = Client(session, base, bed.keys["H37"], "H37")
        recipient = Client(session, base, bed.keys["H37.03"], "H37.03")
        await _through(sender, recipient, envelopes[:WARM])
        before = family_seconds(process.pid), _database(server)
        began = time.perf_counter()
        waits = await _through(sender, recipient, envelopes[WARM:])
        seconds = time.perf_counter() - began
        cpu, database = family_seconds(process.pid) - before[0], _database(server) - before[1]
        pss = family_pss(process.pid)
    return Run(
        engine,
        workers,
        len(waits) / seconds,
        cpu / len(waits) * 1000,
        database / len(waits) * 1000 if server else None,
        waits[len(waits) // 2] * 1000,
        waits[len(waits) * 99 // 100] * 1000,
        pss / 1_048_576,
        load,
    )


def _session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))


async def _through(sender: Client, recipient: Client, envelopes: Sequence[bytes]) -> list[float]:
    """All of them, submitted and taken; sorted seconds that the sender waited for each receipt."""
    waits: list[float] = []
    queue = list(reversed(envelopes))

    async def sending() -> None:
        while queue:
            data, began = queue.pop(), time.perf_counter()
            await sender.submit(data)
            waits.append(time.perf_counter() - began)

    await asyncio.gather(*(sending() for _ in range(AT_ONCE)), recipient.take_all(len(envelopes)))
    return sorted(waits)


async def _all_up(pid: int, engine: str, workers: int) -> None:
    """Wait until every process that was asked for is there, and what it imports is imported."""
    several = engine == "PostgreSQL" and workers > 1
    readers = workers if engine == "SQLite" or several else 2
    wanted = 1 + several * workers + readers + (workers if several else 1)  # each node has a nursery
    async with asyncio.timeout(60):
        while len(family(pid)) < wanted:  # noqa: ASYNC110 (nobody tells)
            await asyncio.sleep(0.1)


def _database(pid: int | None) -> float:
    return family_seconds(pid) if pid else 0.0


async def bench(envelopes_of: Callable[[Bed], Awaitable[list[bytes]]]) -> list[Run]:
    """SQLite first, then PostgreSQL; every run has a home and a database of its own."""
    shutil.rmtree(FOLDER / "scale", ignore_errors=True)
    first = await prepare((FOLDER / "scale" / "first").resolve(), settings=SETTINGS)
    envelopes = await envelopes_of(first)
    runs = []
    for workers in SQLITE:
        bed = await prepare(first.home.with_name(f"sqlite-{workers}"), settings=SETTINGS, like=first)
        runs.append(await measured(bed, envelopes, "SQLite", workers, None))
        _say(runs[-1])
    with postgres() as server:
        for workers in POSTGRES:
            runs.append(await _on_postgres(first, envelopes, workers, server))
            _say(runs[-1])
    shutil.rmtree(FOLDER / "scale", ignore_errors=True)
    return runs


async def _on_postgres(first: Bed, envelopes: Sequence[bytes], workers: int, server: Server) -> Run:
    home = first.home.with_name(f"postgres-{workers}")
    bed = await prepare(home, server.database(), SETTINGS, like=first)
    return await measured(bed, envelopes, "PostgreSQL", workers, server.pid)


async def signed_documents(bed: Bed) -> list[bytes]:
    """Every envelope another document; the PDFs repeat, nothing remembers them."""
    pdfs = await asyncio.to_thread(make_pdfs, DemoPki.open(bed.home / "pki"))
    return [
        sign_envelope(
            make_envelope("H37", ["H37.03"], number=f"S{n}", files={"a.pdf": pdfs[n % FILES]}),
            bed.signer.private_key,
            bed.signer.chain,
        )
        for n in range(WARM + COUNT)
    ]


COLUMNS = ("", "documents/s", "to one", "CPU ms", "to one", "database ms", "p50 ms", "p99 ms", "PSS MiB")


def rows(runs: Sequence[Run]) -> list[tuple[str, ...]]:
    """As ``COLUMNS``; ``to one`` is beside the first run of the same engine."""
    table = []
    for run in runs:
        one = next(other for other in runs if other.engine == run.engine)
        what = "node" if run.engine == "PostgreSQL" else "PDF reader"
        database = "" if run.database_cpu_ms is None else f"{run.database_cpu_ms:.1f}"
        table.append(
            (
                f"{run.engine}, {run.workers} {what}{'s' * (run.workers > 1)}",
                f"{run.documents_per_second:.1f}",
                f"{run.documents_per_second / one.documents_per_second:.2f}",
                f"{run.cpu_ms:.1f}",
                f"{run.cpu_ms / one.cpu_ms:.2f}",
                database,
                f"{run.p50_ms:.0f}",
                f"{run.p99_ms:.0f}",
                f"{run.pss_mib:.0f}",
            )
        )
    return table


def _say(run: Run) -> None:
    print(rows([run])[0], f"load {run.load:.1f}", file=sys.stderr, flush=True)


def main(arguments: list[str]) -> None:
    """Measure, write the file, print the table; with ``--write`` also into the page."""
    runs = asyncio.run(bench(signed_documents))
    FOLDER.mkdir(parents=True, exist_ok=True)
    results = {"machine": machine(), "results": [run.as_json() for run in runs]}
    (FOLDER / "scale.json").write_text(json.dumps(results, indent=2))
    table = Table(*COLUMNS, title="scale")
    for row in rows(runs):
        table.add_row(*row)
    Console(width=140).print(table)
    if "--write" in arguments:
        put_table("scale", COLUMNS, rows(runs), [run.load for run in runs])


if __name__ == "__main__":
    main(sys.argv[1:])
