"""A made-up province: writing its month, counting it, and opening its scorecard. Seconds and milliseconds.

The month at ordinary load is what ``make bench`` shows; the tenfold one of issue 6 (about 400 000 documents,
8 million events, 16 GB) is ``make bench ARGS=province-ten``. Counting is what the server does as events come;
here all of it at once. ``month_ms`` and ``today_ms``: opening a scorecard, the best of five, from the
operation's call to its answer.
"""

from __future__ import annotations

import resource
import shutil
import time
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from gateway import app
from gateway.clock import ScenarioClock
from gateway.compliance.counting import catch_up
from gateway.config import load
from gateway.flow.operate import run
from gateway.practice.synthetic_home import simulate
from gateway.practice.synthetic_plan import Plan
from gateway.practice.synthetic_time import midnight
from gateway.services import Services
from tests.server import Bed

MONTH = date(2020, 4, 1)
DAYS, DOCUMENTS, TEN = 30, 1500, 2000  # documents on a working day; ten times 2000 are 400 000 in the month
PERIODS = {"month": "2020-04", "today": "2020-04-29"}
TRIES = 5


async def bench_province(bed: Bed) -> dict[str, Any]:
    """A month at ordinary load."""
    return {"month": await _measure(bed.home / "province", Plan(MONTH, DAYS, DOCUMENTS))}


async def bench_province_ten(bed: Bed) -> dict[str, Any]:
    """A month at ten times the load."""
    return {"month": await _measure(bed.home / "province", Plan(MONTH, DAYS, TEN, scale=10))}


async def _measure(home: Path, plan: Plan) -> dict[str, Any]:
    started = time.perf_counter()
    made = await simulate(home, plan)
    written = time.perf_counter() - started
    clock = ScenarioClock(midnight(plan.last + timedelta(days=1)))
    gw = await app.open_services(home, load(home), clock, "bench")
    try:
        started = time.perf_counter()
        await catch_up(gw)
        counted = time.perf_counter() - started
        opened = {f"{name}_ms": await _best(gw, period) for name, period in PERIODS.items()}
    finally:
        await gw.close()
    size = (home / "gateway.db").stat().st_size
    shutil.rmtree(home)
    return {
        "documents": made.documents,
        "deliveries": made.deliveries,
        "events": made.events,
        "megabytes": size // 1_000_000,
        "write_seconds": round(written, 1),
        "events_per_second": round(made.events / written),
        "count_seconds": round(counted, 1),
        **opened,
        "resident_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


async def _best(gw: Services, period: str) -> float:
    times = []
    for _ in range(TRIES):
        started = time.perf_counter()
        await run(gw, "scorecard.show", {"period": period})
        times.append(time.perf_counter() - started)
    return round(1000 * min(times), 1)
