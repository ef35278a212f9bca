"""The figures of a made-up province: counting its leaves, a month's report, today's scorecard.

Ten days at ordinary load are counted (``make bench ARGS=figures``); with ``figures-ten`` a month at ten times
the load, which takes an hour to make. What a report takes hardly depends on the load: it reads a row for each
agency and day.
"""

from __future__ import annotations

import os
import time
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from gateway import app
from gateway.clock import ScenarioClock, SystemClock
from gateway.compliance import counting, gathering, periods
from gateway.compliance.scorecard import scorecard
from gateway.config import load
from gateway.practice.synthetic_home import simulate
from gateway.practice.synthetic_plan import Plan
from gateway.services import Services
from tests.server import Bed, resident_bytes

FIRST = date(2020, 4, 1)
ROUNDS = 5


async def bench_figures(bed: Bed) -> dict[str, Any]:
    """Ten days."""
    return {"ten days": await _measure(bed.home / "province", Plan(FIRST, 10))}


async def bench_figures_ten(bed: Bed) -> dict[str, Any]:
    """A month at ten times the load of a province."""
    plan = Plan(FIRST, 30, scale=10)
    return {"month x10": await _measure(bed.home / "province", plan)}


async def _measure(home: Path, plan: Plan) -> dict[str, Any]:
    made = await simulate(home, plan)
    gw = await app.open_services(home, load(home), ScenarioClock(SystemClock().now()), "bench")
    try:
        before = resident_bytes(os.getpid())
        wall, cpu = time.perf_counter(), time.process_time()
        leaves = await counting.catch_up(gw)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        report, whole = await _report(gw)
        return {
            "events": made.events,
            "documents": whole.get("D.sent", 0),
            "deliveries": whole.get("R.n", 0),
            "leaves_per_second": round(leaves / wall),
            "leaves_per_cpu_second": round(leaves / cpu),
            "report_seconds": report,
            "scorecard_ms": await _today(gw, plan),
            "report_mebibytes": (resident_bytes(os.getpid()) - before) >> 20,
        }
    finally:
        await gw.close()


async def _report(gw: Services) -> tuple[float, dict[str, int]]:
    """Seconds of the body of a month's report, and its sums."""
    started = time.perf_counter()
    period = periods.parse(f"{FIRST:%Y-%m}")
    counted = await gathering.counted(gw, period)
    await gathering.body_of(gw, period, counted, "bench")
    seconds = round(time.perf_counter() - started, 2)
    return seconds, dict((await scorecard(gw, period.from_, period.to)).whole)


async def _today(gw: Services, plan: Plan) -> float:
    """Milliseconds of one day's scorecard, the median of some."""
    taken = []
    day = plan.first + timedelta(days=plan.days - 1)
    for _ in range(ROUNDS):
        started = time.perf_counter()
        await scorecard(gw, day, day)
        taken.append(time.perf_counter() - started)
    return round(1000 * sorted(taken)[ROUNDS // 2], 1)
