"""Partner systems that speak the SDK's calls: polling beside sending, and the list of a full inbox.

In charge of: how long a verdict takes while twenty systems poll every second, and how long the first page of
an inbox with 100 000 waiting messages takes. Clients share the machine with the gateway.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from adapters.vxp.client import VxpClient
from gateway.app import open_services
from gateway.clock import SystemClock
from gateway.config import load
from gateway.directory.data import DirectoryData
from gateway.flow import office, partners
from gateway.flow.operate import LOCAL
from gateway.model.agency import Agency
from gateway.model.text import AgencyCode
from gateway.net import Net
from gateway.signature.seal import sign_envelope
from tests.client import Client
from tests.server import Bed, cpu_seconds, started
from tests.world import AGENCIES, make_envelope

POLLERS, SENDERS = 20, 10
POLL_SECONDS = 1.0
SECONDS = 6.0  # at most, of each kind of load
BYTES = 300_000
# Seconds from one send of a system to its next, and how many documents each has at hand.
LOADS = {"one a second each": (1.0, 6), "as fast as they can": (0.0, 30)}
WAITING, PAGES = 100_000, 20
FULL = "H37.31.21"
Columns = tuple[str, ...]


@dataclass(slots=True)
class Seen:
    """What the clients saw, in seconds."""

    verdicts: list[float] = field(default_factory=list)
    lists: list[float] = field(default_factory=list)
    taken: int = 0


async def bench_partners(bed: Bed) -> dict[str, Any]:
    """Both measurements in one table; cells that do not apply stay empty."""
    secrets = await _systems(bed)
    results: dict[str, Any] = {}
    async with started(bed) as (base, pid), _clients(base, secrets) as clients:
        for name, (pace, each) in LOADS.items():
            results[name] = await _load(clients, pid, pace, _documents(bed, secrets, name, each))
        await clients[AgencyCode("H37")].send(make_envelope("H37", [FULL], number="F0"), "H37")
    _fill(bed.home / "gateway.db")
    async with started(bed) as (base, pid), _clients(base, secrets) as clients:
        results |= await _full_inbox(bed, base, pid, clients)
    return results


async def _systems(bed: Bed) -> dict[AgencyCode, str]:
    """Twenty more agencies, and a system id with its secret for each of them and for H37."""
    codes = [AgencyCode(f"H37.{100 + number}") for number in range(POLLERS)]
    more = [Agency(code, f"Đơn vị thử {code}", "province", AgencyCode("H37")) for code in codes]
    gw = await open_services(bed.home, load(bed.home), SystemClock(), "bench")
    try:
        await office.import_directory(gw, LOCAL, DirectoryData((*AGENCIES, *more)), apply=True)
        secrets = {}
        for code in (AgencyCode("H37"), AgencyCode(FULL), *codes):
            issued = await partners.add_system(gw, LOCAL, f"Phần mềm {code}", "vxp", code, [code])
            secrets[code] = issued.secret
        return secrets
    finally:
        await gw.close()


@contextlib.asynccontextmanager
async def _clients(base: str, secrets: dict[AgencyCode, str]) -> AsyncIterator[dict[AgencyCode, VxpClient]]:
    """A client for each system, as the SDK signs: one object, whose headers grow old."""
    net = Net("127.0.0.0/8", 30)
    try:
        yield {
            code: VxpClient(net, f"{base}/vxp", code, secret, SystemClock(), sticky=True)
            for code, secret in secrets.items()
        }
    finally:
        await net.close()


def _documents(bed: Bed, secrets: Iterable[AgencyCode], name: str, each: int) -> list[list[bytes]]:
    """Signed documents of 300 KB for each sender, made beforehand."""
    to, body = _polling(secrets), b"%PDF-1.7\n" + os.urandom(BYTES * 3 // 4 - 4000)

    def made(number: int) -> bytes:
        recipient = to[number % len(to)]
        data = make_envelope("H37", [recipient], number=f"{name[:3]}{number}", files={"a.pdf": body})
        return sign_envelope(data, bed.signer.private_key, bed.signer.chain)

    return [[made(sender + SENDERS * at) for at in range(each)] for sender in range(SENDERS)]


async def _load(
    clients: dict[AgencyCode, VxpClient], pid: int, pace: float, documents: list[list[bytes]]
) -> dict[str, Any]:
    seen, polling, sender = Seen(), _polling(clients), clients[AgencyCode("H37")]
    began, cpu, over = time.perf_counter(), cpu_seconds(pid), asyncio.Event()
    polls = [
        asyncio.create_task(_poll(clients[code], seen, over, at / POLLERS)) for at, code in enumerate(polling)
    ]
    await asyncio.gather(*(_send(sender, own, seen, pace, at / SENDERS) for at, own in enumerate(documents)))
    took, cpu = time.perf_counter() - began, cpu_seconds(pid) - cpu
    over.set()
    await asyncio.gather(*polls)
    count = len(seen.verdicts)
    return _cells(
        documents=count,
        p50_ms=_share(seen.verdicts, 0.5) * 1000,
        p99_ms=_share(seen.verdicts, 0.99) * 1000,
        max_ms=max(seen.verdicts) * 1000,
        per_second=count / took,
        lists=len(seen.lists),
        list_p50_ms=_share(seen.lists, 0.5) * 1000,
        list_p99_ms=_share(seen.lists, 0.99) * 1000,
        fetched=seen.taken,
        busy=cpu / took,
    )


def _polling(codes: Iterable[AgencyCode]) -> list[AgencyCode]:
    return [code for code in codes if code not in ("H37", FULL)]


async def _poll(client: VxpClient, seen: Seen, over: asyncio.Event, begin: float) -> None:
    """Both lists every second; what waits is fetched and confirmed."""
    await asyncio.sleep(begin * POLL_SECONDS)
    while not over.is_set():
        began = time.perf_counter()
        for kind in ("edoc", "status"):
            rows = await _timed(seen.lists, client.received(kind))
            for row in rows:
                async for _ in client.download(row["docId"]):
                    pass
                await client.update_status(row["docId"], "done")
                seen.taken += 1
        await asyncio.sleep(max(0.0, POLL_SECONDS - (time.perf_counter() - began)))


async def _send(client: VxpClient, documents: list[bytes], seen: Seen, pace: float, begin: float) -> None:
    """One document after the other, for a few seconds; the time is that of the whole call."""
    await asyncio.sleep(begin * pace)
    until = time.perf_counter() + SECONDS
    for data in documents:
        if (began := time.perf_counter()) > until:
            return
        await _timed(seen.verdicts, client.send(data, "H37"))
        await asyncio.sleep(max(0.0, pace - (time.perf_counter() - began)))


async def _timed(into: list[float], call: Awaitable[Any]) -> Any:
    began = time.perf_counter()
    answer = await call
    into.append(time.perf_counter() - began)
    return answer


async def _full_inbox(bed: Bed, base: str, pid: int, clients: dict[AgencyCode, VxpClient]) -> dict[str, Any]:
    """The first page of 100 000 messages: of our interface (100 rows), of the SDK's list (500 rows)."""
    async with aiohttp.ClientSession() as session:
        client, sdk = Client(session, base, bed.keys[FULL], FULL), clients[AgencyCode(FULL)]
        calls: dict[str, Callable[[], Awaitable[Any]]] = {
            "100 000 waiting, our API": client.items,
            "100 000 waiting, SDK's list": lambda: sdk.received("edoc"),
        }
        return {name: await _first_page(call, pid) for name, call in calls.items()}


async def _first_page(call: Callable[[], Awaitable[Any]], pid: int) -> dict[str, float | None]:
    times: list[float] = []
    await call()  # opens the connection and fills the page cache
    cpu = cpu_seconds(pid)
    for _ in range(PAGES):
        await _timed(times, call())
    return _cells(
        lists=PAGES,
        list_p50_ms=_share(times, 0.5) * 1000,
        list_p99_ms=_share(times, 0.99) * 1000,
        list_cpu_ms=(cpu_seconds(pid) - cpu) / PAGES * 1000,
    )


def _fill(database: Path) -> None:
    """The one waiting message 100 000 times over, while the gateway is down: rows only."""
    with contextlib.closing(sqlite3.connect(database)) as db, db:
        message, delivery = _columns(db, "message"), _columns(db, "delivery")
        new = {"id": "id || '-' || n", "duplicate_key": "randomblob(32)"}
        one = "kind = 'new' AND destination = :destination"
        _copy(db, "message", message, new, f"id = (SELECT message FROM delivery WHERE {one})")
        new = {
            "id": "substr(id, 1, 24) || printf('%012x', n)",
            "message": "message || '-' || n",
            "order_key": "order_key || n",
            "accepted_at": "accepted_at + n",
        }
        _copy(db, "delivery", delivery, new, one)


def _copy(db: sqlite3.Connection, table: str, columns: Columns, new: dict[str, str], which: str) -> None:
    values = ", ".join(new.get(column, column) for column in columns)
    db.execute(
        "WITH RECURSIVE counted(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < :count) "
        f"INSERT INTO {table} ({', '.join(columns)}) SELECT {values} FROM {table}, counted WHERE {which}",
        {"count": WAITING - 1, "destination": FULL},
    )


def _columns(db: sqlite3.Connection, table: str) -> Columns:
    return tuple(row[1] for row in db.execute(f"PRAGMA table_info({table})"))


def _cells(**cells: float) -> dict[str, float | None]:
    """A row of the one table: columns that do not apply stay empty."""
    return {column: cells.get(column) for column in COLUMNS}


def _share(values: Sequence[float], share: float) -> float:
    """The value below which that share of them lies."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


COLUMNS = (
    "documents",
    "per_second",
    "p50_ms",
    "p99_ms",
    "max_ms",
    "lists",
    "list_p50_ms",
    "list_p99_ms",
    "fetched",
    "busy",  # share of one core that the gateway used
    "list_cpu_ms",  # of the gateway, for one list
)
