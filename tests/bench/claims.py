"""How many due deliveries a second the queue hands out, over several hundred destinations, on both engines.

``claims_per_second``: ``claim_due`` and its commit alone, as ``claimers`` nodes do it side by side in batches
of the worker's size; what was claimed is out of the way before the next round. ``cycles_per_second``: claimed
and settled as delivered, each in its own commit, with an adapter that costs nothing.
"""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg

from gateway.clock import SystemClock
from gateway.delivery.settle import Attempt, settle
from gateway.delivery.worker import claim_due
from gateway.port import Delivered
from gateway.services import Services
from gateway.store import open_store
from gateway.store.contract import Store
from tests.bench.database import postgres
from tests.world import make_world

DELIVERIES = 12_000
DESTINATIONS = 400
DOCUMENTS = 1_500
ROUND, ROUNDS = 1_024, 6  # claims between two looks away from the clock
BATCH = 32  # what a worker has room for (delivery.concurrency)
CYCLES = 1_500
CLAIMERS = (1, 2, 4)


async def bench_claims(_: object) -> dict[str, Any]:
    """Both engines; on PostgreSQL several claimers at one time."""
    results = {"SQLite": await _measured("sqlite:///gateway.db", 1)}
    with postgres() as server:
        for claimers in CLAIMERS:
            name = f"PostgreSQL, {claimers} claimer{'s' * (claimers > 1)}"
            results[name] = await _measured(server.database(), claimers)
    return results


async def _measured(url: str, claimers: int) -> dict[str, Any]:
    home = Path(tempfile.mkdtemp(prefix="gwclaims"))
    stores = [await open_store(url, home, clock=SystemClock())]
    if claimers > 1:
        stores += [await open_store(url, home, clock=SystemClock()) for _ in range(claimers - 1)]
    try:
        async with make_world(stores[0], home) as world:
            await world.send("H37", ["H37.03"])
            await asyncio.to_thread(_multiply, url, home)
            gateways = [_beside(world.gw, store) for store in stores]
            seconds = cpu = 0.0
            for _ in range(ROUNDS):
                began = time.process_time(), time.perf_counter()
                claimed = await asyncio.gather(*(_claim(gw, ROUND // claimers) for gw in gateways))
                cpu, seconds = cpu + time.process_time() - began[0], seconds + time.perf_counter() - began[1]
                ids = [attempt.delivery.id for some in claimed for attempt in some]
                if len(set(ids)) != len(ids) or len(ids) < ROUND:
                    raise RuntimeError(f"{len(ids)} claims of {len(set(ids))} deliveries")
                await asyncio.to_thread(_finish, url, home)
            cycles = await _cycles(gateways)
    finally:
        for store in stores:
            await store.close()
        shutil.rmtree(home, ignore_errors=True)
    return {
        "claims": ROUNDS * ROUND,
        "claims_per_second": ROUNDS * ROUND / seconds,
        "claim_cpu_ms": cpu / (ROUNDS * ROUND) * 1000,
        "cycles_per_second": cycles,
    }


def _beside(gw: Services, store: Store) -> Services:
    """The same gateway as a node of its own on ``store``."""
    return Services(
        config=gw.config,
        clock=SystemClock(),
        store=store,
        blobs=gw.blobs,
        keyring=gw.keyring,
        trust_store=gw.trust_store,
        kinds=gw.kinds,
        directory=gw.directory,
    )


async def _claim(gw: Services, count: int) -> list[Attempt]:
    found: list[Attempt] = []
    while len(found) < count:
        found += await gw.store.write(lambda tx: claim_due(tx, gw, BATCH))
    return found


async def _cycles(gateways: list[Services]) -> float:
    """Claim and settle per second."""

    async def node(gw: Services) -> int:
        done = 0
        while done < CYCLES // len(gateways):
            claimed = await gw.store.write(lambda tx: claim_due(tx, gw, BATCH))
            await asyncio.gather(*(_settle(gw, attempt) for attempt in claimed))
            done += len(claimed)
        return done

    wall = time.perf_counter()
    done = sum(await asyncio.gather(*map(node, gateways)))
    return done / (time.perf_counter() - wall)


async def _settle(gw: Services, attempt: Attempt) -> None:
    await gw.store.write(lambda tx: settle(tx, gw, attempt, Delivered("bench")))


def _multiply(url: str, home: Path) -> None:
    """The one delivery that was made becomes ``DELIVERIES`` that are pushed, of ``DOCUMENTS`` documents."""
    with _connected(url, home) as connection:
        documents = [{"id": f"d{number}", "document_id": f"bench-{number}"} for number in range(DOCUMENTS)]
        _copies(connection, url, "document", lambda old: documents)
        _copies(connection, url, "delivery", lambda old: [_pushed(old, n) for n in range(DELIVERIES)])


def _pushed(old: dict[str, Any], number: int) -> dict[str, Any]:
    return {
        "id": f"{old['id'][:24]}{number:012x}",
        "addressed": f"D{number}",
        "destination": f"D{number % DESTINATIONS}",
        "document": f"d{number % DOCUMENTS}",
        "document_id": f"bench-{number % DOCUMENTS}",
        "order_key": f"o{number}",
        "adapter": "webhook",
        "pull": 0,
        "due_at": old["accepted_at"],
    }


def _copies(
    connection: Any, url: str, table: str, changes: Callable[[dict[str, Any]], list[dict[str, Any]]]
) -> None:
    """The only row of a table again and again, each time with some columns changed."""
    cursor = connection.execute(f"SELECT * FROM {table}")
    names = [column[0] for column in cursor.description or ()]
    old = dict(zip(names, cursor.fetchone(), strict=True))
    mark = "?" if url.startswith("sqlite") else "%s"
    insert = f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join([mark] * len(names))})"
    rows = [tuple((old | change)[name] for name in names) for change in changes(old)]
    connection.cursor().executemany(insert, rows)


def _finish(url: str, home: Path) -> None:
    """What is leased has gone out."""
    with _connected(url, home) as connection:
        connection.execute(
            "UPDATE delivery SET state = 'delivered', lease = NULL, leased_until = NULL, due_at = NULL "
            "WHERE leased_until IS NOT NULL"
        )


def _connected(url: str, home: Path) -> Any:
    if url.startswith("sqlite"):
        return sqlite3.connect(home / "gateway.db")
    return psycopg.connect(url)
