"""Searches and pages of the console over a made-up exchange of a million deliveries in SQLite.

Rows are those of ``gateway simulate province`` without its log: documents, messages, deliveries, subjects,
and the terms that they are found by. Milliseconds of the flow behind a page, with its record of who looked;
of whole pages over HTTP with the kilobytes that a first visit transfers (style and scripts included).
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Awaitable, Callable
from datetime import date
from functools import partial
from typing import Any

import aiohttp

from gateway import app
from gateway.clock import ScenarioClock
from gateway.config import Config, ServerSection, load
from gateway.directory.load import default_level_sets
from gateway.flow import terms
from gateway.flow.door import Caller
from gateway.flow.find import Sought, find_documents
from gateway.flow.look_document import show_document
from gateway.model.text import AgencyCode, Instant
from gateway.practice import synthetic_units as units
from gateway.practice.synthetic import Batch, Exchange
from gateway.practice.synthetic_home import make_folder
from gateway.practice.synthetic_plan import Plan
from gateway.services import Services
from gateway.store import registry, synthetic
from gateway.store.contract import Tx
from gateway.store.people import Role
from gateway.web.console.pages import STATIC
from gateway.web.server import make_web_app, serve_web
from tests.console.conftest import Person, account
from tests.server import Bed

FIRST = date(2020, 1, 1)
DELIVERIES = 1_000_000
TIMES = 40
PAGES = ("/overview", "/documents", "/queue", "/agencies", "/audit")  # what a morning begins with
AUDITOR = Caller("bench", "bench", Role.AUDITOR, frozenset())
CLERK = Caller("bench", "bench", Role.CLERK, frozenset({AgencyCode("H37.03")}))
SEARCHES = {
    "newest": (AUDITOR, Sought()),
    "number": (AUDITOR, Sought(number="123")),
    "number and notation": (AUDITOR, Sought(number="123", notation="UBND")),
    "one frequent word": (AUDITOR, Sought(subject="về")),
    "words of a subject": (AUDITOR, Sought(subject="kế hoạch chuyển đổi số")),
    "words that are never together": (AUDITOR, Sought(subject="kế hoạch không-có-chữ-này")),
    "sender": (AUDITOR, Sought(sender="H37.03")),
    "recipient": (AUDITOR, Sought(recipient="H37.05")),
    "recipient and 02": (AUDITOR, Sought(recipient="H37.05", status="02")),
    "days": (AUDITOR, Sought(from_day="2020-02-03", to_day="2020-02-07")),
    "dead": (AUDITOR, Sought(state="dead")),
    "queued to one": (AUDITOR, Sought(state="queued", recipient="H37.05")),
    "invalid signature": (AUDITOR, Sought(verdict="failed")),
    "levels and verdict": (AUDITOR, Sought(levels="commune>province", verdict="failed")),
    "frequent and never together": (AUDITOR, Sought(levels="commune>commune", sender="H37")),
    "a clerk's own": (CLERK, Sought()),
    "a clerk's word": (CLERK, Sought(subject="báo cáo")),
}


async def bench_console(bed: Bed) -> dict[str, Any]:
    """Each search ``TIMES`` times, and pages of single documents."""
    home = bed.home / "console"
    clock = ScenarioClock(Instant(1_577_800_000_000_000))
    make_folder(home, clock)
    gw = await app.open_services(home, load(home), clock, "make bench")
    try:
        ids = await _fill(gw)
        size = sum(file.stat().st_size for file in home.glob("*.db*"))
        results: dict[str, Any] = {"filled": _row(len(ids), size // 10**6)}
        for name, (caller, sought) in SEARCHES.items():
            results[name] = await _measured(partial(_search, gw, caller, sought))
        pages = iter(ids[:: max(1, len(ids) // (TIMES + 2))])
        results["a document's page"] = await _measured(lambda: _page(gw, next(pages)))
        results |= await _over_http(gw)
    finally:
        await gw.close()
    return results


async def _over_http(gw: Services) -> dict[str, Any]:
    """Whole pages, as a signed-in auditor's browser gets them."""
    await account(gw, "auditor")
    config, results = Config(server=ServerSection(port=0)), dict[str, Any]()
    async with serve_web(make_web_app(gw), config) as port:
        jar = aiohttp.CookieJar(unsafe=True)
        async with aiohttp.ClientSession(cookie_jar=jar) as session:
            person = Person(f"http://127.0.0.1:{port}", session)
            await person.sign_in("auditor")
            shared = [len((await person.get(f"/static/{name}")).text.encode()) for name in STATIC]
            for path in PAGES:

                async def once(path: str = path) -> int:
                    return len((await person.get(path)).text.encode())

                row = await _measured(once)
                results[f"page {path}"] = row | {
                    "found": None,
                    "first_kb": (row["found"] + sum(shared)) / 1000,
                }
    return results


def _row(documents: int | None = None, megabytes: int | None = None, **times: Any) -> dict[str, Any]:
    empty = {"found": None, "p50_ms": None, "p95_ms": None, "first_kb": None}
    return {"documents": documents, "megabytes": megabytes} | empty | times


async def _fill(gw: Services) -> list[str]:
    """Rows of as many days as it takes; ids of the documents."""
    data = units.data()

    def set_up(tx: Tx) -> None:
        registry.write(tx, data.agencies, data.aliases, data.successions)
        registry.write_level_sets(tx, default_level_sets())

    await gw.store.write(set_up)
    await gw.refresh()
    ids: list[str] = []
    deliveries = 0
    for batch in Exchange(Plan(FIRST, 730)).batches():
        await gw.store.write(partial(_write, batch=batch))
        ids += [str(row["id"]) for row in batch.rows.documents]
        deliveries += len(batch.rows.deliveries)
        if deliveries >= DELIVERIES:
            break
    while await terms.write_waiting(gw, 2000):
        pass
    return ids


def _write(tx: Tx, batch: Batch) -> None:
    accepted = [one for one in batch.events if one.id in {row["event"] for row in batch.rows.messages}]
    synthetic.add_events(tx, accepted)
    known = {one.id for one in accepted}
    batch.rows.private = [row for row in batch.rows.private if row["event"] in known]
    batch.rows.refusals, batch.rows.declared = [], []
    synthetic.add_rows(tx, batch.rows)


async def _search(gw: Services, caller: Caller, sought: Sought) -> int:
    return len((await find_documents(gw, caller, sought)).lines)


async def _page(gw: Services, document: str) -> int:
    return len((await show_document(gw, AUDITOR, document)).deliveries)


async def _measured(once: Callable[[], Awaitable[int]]) -> dict[str, Any]:
    found = await once()
    took = []
    for _ in range(TIMES):
        started = time.perf_counter()
        await once()
        took.append((time.perf_counter() - started) * 1000)
    return _row(found=found, p50_ms=statistics.median(took), p95_ms=statistics.quantiles(took, n=20)[-1])
