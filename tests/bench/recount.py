"""Counting a made-up province again from its exported log: seconds, events per second, memory.

The export is written first and not timed. A month at ordinary load is what ``make bench`` shows; the year of
the issue (about 400 000 documents, 8 million events, 6.5 GB) is ``make bench ARGS=recount-year``. Two
processes: one counts, the other hashes. ``year_seconds`` scales to a year of the same load.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import subprocess
import sys
import time
from datetime import date
from pathlib import Path
from typing import Any

from gateway.practice.synthetic import events
from gateway.practice.synthetic_plan import Plan
from tests.server import Bed

FIRST = date(2020, 1, 1)
MONTH, YEAR = 30, 366
_WATCH = """
import resource, sys
from gateway.compliance.recount import main
code = main(sys.argv[1:])
counting, hashing = (resource.getrusage(who).ru_maxrss // 1024 for who in (resource.RUSAGE_SELF,
    resource.RUSAGE_CHILDREN))
print(counting, hashing, file=sys.stderr)
sys.exit(code)
"""


async def bench_recount(bed: Bed) -> dict[str, Any]:
    """A month."""
    return {"month": await asyncio.to_thread(_measure, bed.home, MONTH)}


async def bench_recount_year(bed: Bed) -> dict[str, Any]:
    """A year: minutes of writing the export before it."""
    return {"year": await asyncio.to_thread(_measure, bed.home, YEAR)}


def _measure(folder: Path, days: int) -> dict[str, Any]:
    plan = Plan(FIRST, days)
    log = folder / "exported"
    leaves = _write(log, plan)
    started = time.perf_counter()
    counts, resident = _recount(log, f"{plan.first}..{plan.last}")
    seconds = time.perf_counter() - started
    size = log.stat().st_size
    log.unlink()
    return {
        "events": leaves,
        "megabytes": size // 1_000_000,
        "documents": sum(names.get("D.sent", 0) for names in counts.values()),
        "deliveries": sum(names.get("R.n", 0) for names in counts.values()),
        "seconds": seconds,
        "events_per_second": leaves / seconds,
        "resident_mib": resident,
        "year_seconds": seconds * YEAR / days,
    }


def _write(file: Path, plan: Plan) -> int:
    """The log of the plan as an export; how many leaves."""
    leaves = 0
    with file.open("wb") as opened:
        opened.write(b'gateway-log 1 {"origin":"bench","from":0,"left":[],"keys":[]}\n')
        for made in events(plan):
            stated = hashlib.sha256(b"\x00" + made.body).hexdigest().encode()
            opened.write(b"%d %s %s\n" % (leaves, stated, made.body))
            leaves += 1
        opened.write(b"end %d\n" % leaves)
    return leaves


def _recount(log: Path, period: str) -> tuple[dict[str, dict[str, int]], int]:
    """In a process of its own, as an auditor runs it; the counts, and MiB of both processes at their most."""
    words = [sys.executable, "-c", _WATCH, str(log), "--period", period, "--json"]
    done = subprocess.run(words, capture_output=True, check=True)
    counts: dict[str, dict[str, int]] = json.loads(done.stdout)["counts"]
    return counts, sum(int(word) for word in done.stderr.split()[-2:])


__all__ = ["bench_recount", "bench_recount_year"]
