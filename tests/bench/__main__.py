"""``make bench``: documents per second and milliseconds per stage, beside the floor, in one run.

    make bench                          everything
    make bench ARGS="envelopes"         signed envelopes of 30 KB, 300 KB and 3 MB, submit to delivered
    make bench ARGS="statuses"          small status messages, submit to delivered
    make bench ARGS="memory"            growth of the server for one 50 MB attachment
    make bench ARGS="partners"          20 SDK-style systems that poll beside 10 that send; a full inbox
    make bench ARGS="log"               exchange log: sequencing, proofs in ten million leaves, verifying
    make bench ARGS="pdf"               doubly signed PDFs: reading, workers, submit to verdict
    make bench ARGS="evidence"          evidence about one document: export and verification
    make bench ARGS="console"           searches of the console over a million deliveries
    make bench ARGS="figures"           counting ten days, a report, a scorecard; figures-ten: tenfold month
    make bench ARGS="recount"           a province's month counted again from its log; recount-year: a year
    make bench ARGS="node"              from the call to the first 200 of /readyz; memory of an idle node
    make bench ARGS="claims"            due deliveries that the queue hands out, on both engines
    make bench ARGS="province"          a province's month made, counted and shown; province-ten: tenfold

Writes ``var/bench/NAME.json``; ``--write`` puts the tables of ``node`` and ``claims`` into
``docs/performance.md`` too. Everything stays on loopback; the load client shares the machine.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import aiohttp
from rich.console import Console
from rich.table import Table

from gateway.signature.seal import sign_envelope
from tests.bench.claims import bench_claims
from tests.bench.console import bench_console
from tests.bench.evidence import bench_evidence
from tests.bench.figures import bench_figures, bench_figures_ten
from tests.bench.floor import floor_seconds
from tests.bench.log import bench_log
from tests.bench.node import bench_node
from tests.bench.pages import machine, put_table
from tests.bench.partners import bench_partners
from tests.bench.pdf import bench_pdf
from tests.bench.province import bench_province, bench_province_ten
from tests.bench.recount import bench_recount, bench_recount_year
from tests.client import Client, submit_all
from tests.server import Bed, cpu_seconds, prepare, resident_bytes, started
from tests.world import make_envelope, make_status

FOLDER = Path("var/bench")
SIZES = {"30 KB": (30_000, 240), "300 KB": (300_000, 120), "3 MB": (3_000_000, 16)}
STATUSES = 3000
AT_ONCE = 16
DOCUMENT = "H37,2020/04/13,{}/UBND-KGVX"


async def bench_envelopes(bed: Bed) -> dict[str, Any]:
    """Signed envelopes of three sizes, from the first byte sent to the recipient's ``done``."""
    results = {}
    for name, (size, count) in SIZES.items():
        envelopes = [_signed(bed, name, number, size) for number in range(count)]
        floor = floor_seconds(envelopes[: max(8, count // 4)], bed.signer.certificate)
        async with started(bed) as (base, pid), aiohttp.ClientSession() as session:
            sender = Client(session, base, bed.keys["H37"], "H37")
            recipient = Client(session, base, bed.keys["H37.03"], "H37.03")
            cpu, wall = cpu_seconds(pid), time.perf_counter()
            await asyncio.gather(submit_all(sender, envelopes, AT_ONCE), recipient.take_all(count))
            wall, cpu = time.perf_counter() - wall, cpu_seconds(pid) - cpu
            stages = await _stages(session, base, bed.keys["H37"])
        results[name] = {
            "documents": count,
            "bytes": len(envelopes[0]),
            "documents_per_second": count / wall,
            "cpu_ms": cpu / count * 1000,
            "floor_ms": floor * 1000,
            "ratio": cpu / count / floor,
            "stages_ms": stages,
        }
    return results


async def bench_statuses(bed: Bed) -> dict[str, Any]:
    """Small status messages on many documents, submit to delivered."""
    documents = 50
    envelopes = [make_envelope("H37", ["H37.05"], number=f"S{n}") for n in range(documents)]
    statuses = [
        make_status(
            "H37.05",
            "05",
            DOCUMENT.format(f"S{n % documents}"),
            timestamp=f"2020/04/13 {n // 3600:02d}:{n // 60 % 60:02d}:{n % 60:02d}",
        )
        for n in range(STATUSES)
    ]
    floor = floor_seconds(statuses[:500], None)
    async with started(bed) as (base, pid), aiohttp.ClientSession() as session:
        sender = Client(session, base, bed.keys["H37"], "H37")
        reporter = Client(session, base, bed.keys["H37.05"], "H37.05")
        await submit_all(sender, envelopes, AT_ONCE)
        cpu, wall = cpu_seconds(pid), time.perf_counter()
        await asyncio.gather(submit_all(reporter, statuses, 64), sender.take_small(STATUSES))
        wall, cpu = time.perf_counter() - wall, cpu_seconds(pid) - cpu
    return {
        "statuses": {
            "documents": STATUSES,
            "bytes": len(statuses[0]),
            "documents_per_second": STATUSES / wall,
            "cpu_ms": cpu / STATUSES * 1000,
            "floor_ms": floor * 1000,
            "ratio": cpu / STATUSES / floor,
        }
    }


async def bench_memory(bed: Bed) -> dict[str, Any]:
    """How much the server grows for one attachment of 50 MB."""
    small = make_envelope("H37", ["H37.03"], number="M0")
    large = make_envelope(
        "H37", ["H37.03"], number="M1", files={"a.pdf": b"%PDF-1.7\n" + os.urandom(50_000_000)}
    )
    async with started(bed) as (base, pid), aiohttp.ClientSession() as session:
        sender = Client(session, base, bed.keys["H37"], "H37")
        recipient = Client(session, base, bed.keys["H37.03"], "H37.03")
        for data in (small, large):
            before = resident_bytes(pid)
            await submit_all(sender, [data], 1)
            await recipient.take_all(1)
        growth = resident_bytes(pid, "VmHWM") - before
    return {"50 MB attachment": {"bytes": len(large), "growth_mib": growth / 1_048_576}}


def _signed(bed: Bed, name: str, number: int, size: int) -> bytes:
    body = b"%PDF-1.7\n" + os.urandom(size * 3 // 4 - 4000)
    data = make_envelope("H37", ["H37.03"], number=f"{name[:-3]}-{number}", files={"a.pdf": body})
    return sign_envelope(data, bed.signer.private_key, bed.signer.chain)


async def _stages(session: aiohttp.ClientSession, base: str, key: str) -> dict[str, float]:
    """Mean milliseconds of each stage, from the gateway's own metrics."""
    async with session.get(f"{base}/metrics", headers={"X-API-Key": key}) as answer:
        lines = (await answer.text()).splitlines()
    totals: dict[str, dict[str, float]] = {}
    for line in lines:
        if line.startswith(("gateway_stage_seconds_sum", "gateway_stage_seconds_count")):
            what, value = line.rsplit(" ", 1)
            stage = what.split('stage="')[1].split('"')[0]
            totals.setdefault(stage, {})["sum" if "_sum" in what else "count"] = float(value)
    return {stage: t["sum"] / t["count"] * 1000 for stage, t in totals.items() if t["count"]}


BENCHES = {
    "envelopes": bench_envelopes,
    "statuses": bench_statuses,
    "memory": bench_memory,
    "pdf": bench_pdf,
    "log": bench_log,
    "evidence": bench_evidence,
    "partners": bench_partners,
    "figures": bench_figures,
    "recount": bench_recount,
    "province": bench_province,
    "node": bench_node,
    "claims": bench_claims,
}
ON_PAGE = ("node", "claims")  # have a place in docs/performance.md
LONG = {
    "console": bench_console,
    "figures-ten": bench_figures_ten,
    "recount-year": bench_recount_year,
    "province-ten": bench_province_ten,
}  # only when named: minutes and gigabytes


def main(names: list[str]) -> None:
    """Run the named benches, print their tables, write their files."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    writes = "--write" in names
    for name in [name for name in names if name != "--write"] or list(BENCHES):
        load = os.getloadavg()[0]
        home = FOLDER / f"home-{name}"
        shutil.rmtree(home, ignore_errors=True)
        results = asyncio.run(_run(name, home.resolve()))
        shutil.rmtree(home, ignore_errors=True)
        text = json.dumps({"machine": machine(), "results": results}, indent=2)
        (FOLDER / f"{name}.json").write_text(text)
        _print(name, results)
        if writes and name in ON_PAGE:
            columns = list(next(iter(results.values())))
            rows = [(row, *(_cell(values[column]) for column in columns)) for row, values in results.items()]
            put_table(name, ["", *(column.replace("_", " ") for column in columns)], rows, [load])


async def _run(name: str, home: Path) -> dict[str, Any]:
    return await (BENCHES | LONG)[name](await prepare(home))


def _print(name: str, results: dict[str, Any]) -> None:
    table = Table(title=name)
    columns = [column for column in next(iter(results.values())) if column != "stages_ms"]
    table.add_column("")
    for column in columns:
        table.add_column(column, justify="right")
    for row, values in results.items():
        table.add_row(row, *(_cell(values[column]) for column in columns))
    console = Console(width=140)
    console.print(table)
    for row, values in results.items():
        if stages := values.get("stages_ms"):
            console.print(f"{row}: " + ", ".join(f"{stage} {ms:.2f} ms" for stage, ms in stages.items()))


def _cell(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.2f}" if isinstance(value, float) else f"{value:,}"


if __name__ == "__main__":
    main(sys.argv[1:])
