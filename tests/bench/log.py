"""The exchange log: sequencing, proofs in a log of ten million leaves, verifying beside the hashing floor.

Events are those of a delivery with facts of a usual size. The ten million leaves have random hashes; their
nodes are made by the gateway's own step. The floor is the bare hashing of the same bytes, leaves and nodes,
from memory: what no verification can do without.
"""

from __future__ import annotations

import hashlib
import random
import statistics
import time
from pathlib import Path
from typing import Any

from gateway.clock import SECOND, SystemClock
from gateway.exchange_log.merkle import inclusion_proof, root, verify_inclusion
from gateway.exchange_log.sequence import Sequencer, log_keys, new_nodes, stored_nodes
from gateway.exchange_log.verify import verify_export
from gateway.flow.log_export import export_log
from gateway.flow.log_verify import verify_store
from gateway.flow.record import event
from gateway.model.event import EventType
from gateway.model.text import AgencyCode
from gateway.store import events, log, open_store
from gateway.store.contract import Store, Tx
from tests.server import Bed
from tests.world import World, make_world

EVENTS = 100_000
LEAVES = 10_000_000
PROOFS = 300
STEP = 500_000


async def bench_log(bed: Bed) -> dict[str, Any]:
    """All rows; the store is a SQLite file on the disk of this checkout."""
    home = bed.home / "log"
    home.mkdir()
    store = await open_store("sqlite:///log.db", home, clock=SystemClock())
    try:
        async with make_world(store, home) as world:
            await _record(world)
            results = {"sequence and integrate": await _sequence(world)}
            results |= await _verify(world, home / "log.txt")
            results[f"inclusion proof of {LEAVES:,}"] = await _prove(store)
    finally:
        await store.close()
    return results


async def _record(world: World) -> None:
    """Events as the gateway writes them."""

    def unit(tx: Tx) -> None:
        for _ in range(1000):
            at = world.clock.now()
            fields: dict[str, Any] = {"sender": AgencyCode("H37"), "recipient": AgencyCode("H37.03")}
            ids = {name: world.gw.new_id() for name in ("document", "message", "delivery")}
            facts = {"kind": "new", "urgency": 0, "adapter": "inbox", "note": "x" * 120}
            events.record(
                tx,
                event(
                    world.gw, EventType.DELIVERY_QUEUED, "gateway", at, to_state="queued", facts=facts,
                    **fields, **ids,
                ),
            )  # fmt: skip

    for _ in range(EVENTS // 1000):
        await world.gw.store.write(unit)


async def _sequence(world: World) -> dict[str, Any]:
    gw = world.gw
    steps = Sequencer(_Timed(gw.store), gw.keyring, world.clock, "bench", world.home / "published")
    wall, cpu = time.perf_counter(), time.process_time()
    done = await steps.catch_up()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    await steps.publish()
    assert isinstance(steps.store, _Timed)
    longest = sorted(steps.store.milliseconds)
    return _row(done, wall, cpu, p50_ms=statistics.median(longest), max_ms=longest[-1])


class _Timed:
    """A store that notes how long each unit held the writer, commit not counted."""

    def __init__(self, inner: Store) -> None:
        self._inner = inner
        self.milliseconds: list[float] = []

    engine = "sqlite"

    async def write(self, unit: Any) -> Any:
        def timed(tx: Tx) -> Any:
            started = time.perf_counter()
            try:
                return unit(tx)
            finally:
                self.milliseconds.append((time.perf_counter() - started) * 1000)

        return await self._inner.write(timed)

    async def read(self, unit: Any) -> Any:
        return await self._inner.read(unit)

    async def describe(self) -> dict[str, str | int]:
        return await self._inner.describe()

    async def close(self) -> None:
        await self._inner.close()


async def _verify(world: World, file: Path) -> dict[str, Any]:
    gw = world.gw
    entries = await gw.store.read(lambda tx: log.entries(tx, 0, EVENTS * 2))
    floor = _floor([one.body for one in entries])
    count = len(entries)
    del entries
    file.write_bytes(b"".join([part async for part in export_log(gw)]))
    keys, now = log_keys(gw.keyring), world.clock.now() / SECOND
    wall, cpu = time.perf_counter(), time.process_time()
    with file.open("rb") as opened:
        assert verify_export(opened, keys, now).leaves == count
    exported = _row(count, time.perf_counter() - wall, time.process_time() - cpu, floor)
    wall, cpu = time.perf_counter(), time.process_time()
    assert (await verify_store(gw, keys)).problem is None
    stored = _row(count, time.perf_counter() - wall, time.process_time() - cpu, floor)
    return {"verify an export": exported, "verify the database": stored}


def _floor(bodies: list[bytes]) -> float:
    """Seconds for the bare hashing of all leaves and all nodes."""
    sha256 = hashlib.sha256
    started = time.process_time()
    row = [sha256(b"\x00" + body).digest() for body in bodies]
    while len(row) > 1:
        odd = row[len(row) // 2 * 2 :]
        row = [sha256(b"\x01" + a + b).digest() for a, b in zip(row[::2], row[1::2], strict=False)] + odd
    return time.process_time() - started


async def _prove(store: Store) -> dict[str, Any]:
    """Proofs of leaves anywhere, each verified against the head."""
    size = await _grow(store)
    head = await store.read(lambda tx: root(stored_nodes(tx), size))
    chance = random.Random(6962)
    took = []
    cpu = time.process_time()
    for _ in range(PROOFS):
        leaf = chance.randrange(size)
        started = time.perf_counter()
        proof = await store.read(lambda tx, at=leaf: inclusion_proof(stored_nodes(tx), at, size))  # type: ignore[misc]
        took.append((time.perf_counter() - started) * 1000)
        (value,) = await store.read(lambda tx, at=leaf: log.hashes(tx, 0, at, at + 1))  # type: ignore[misc]
        assert verify_inclusion(value, leaf, size, proof, head)
    cpu = time.process_time() - cpu
    return _row(PROOFS, sum(took) / 1000, cpu, p50_ms=statistics.median(took), max_ms=max(took))


async def _grow(store: Store) -> int:
    """Leaves with random hashes up to ``LEAVES``, integrated by the real step."""
    writer = store.writer  # type: ignore[attr-defined]
    await writer.execute("PRAGMA foreign_keys=OFF")
    size = (await store.read(log.state)).integrated
    while size < LEAVES:
        stop = min(size + STEP, LEAVES)
        await writer.execute(
            f"WITH RECURSIVE n(x) AS (SELECT {size} UNION ALL SELECT x + 1 FROM n WHERE x + 1 < {stop}) "
            "INSERT INTO log_leaf (leaf, event, hash) SELECT x, printf('~%09d', x), randomblob(32) FROM n"
        )
        nodes = await store.read(lambda tx, a=size, b=stop: new_nodes(tx, a, b))  # type: ignore[misc]
        await store.write(lambda tx, made=nodes: log.add_nodes(tx, made))  # type: ignore[misc]
        size = stop
    return size


def _row(
    count: int,
    wall: float,
    cpu: float,
    floor: float | None = None,
    p50_ms: float | None = None,
    max_ms: float | None = None,
) -> dict[str, Any]:
    return {
        "number": count,
        "per_second": count / wall,
        "per_cpu_second": count / cpu,
        "floor_per_second": count / floor if floor else None,
        "ratio": cpu / floor if floor else None,
        "p50_ms": p50_ms,
        "max_ms": max_ms,
    }
