"""Exporting and verifying evidence about one document, beside the bare hashing of the same bytes.

The target is one second for one document. The floor is SHA-256 over the container twice (its members, and the
whole), in the same run; what is above it is reading the store, decrypting, setting the page, signing.
"""

from __future__ import annotations

import hashlib
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gateway.clock import SystemClock
from gateway.exchange_log import plain_verifier
from gateway.exchange_log.evidence_check import check_container
from gateway.flow.evidence import export_evidence, public_keys, trusted_of
from gateway.flow.operate import LOCAL
from gateway.store import open_store
from tests.server import Bed
from tests.world import World, make_world

SIZES = {
    "30 KB": (20_000, 2),
    "3 MB": (2_200_000, 2),
    "50 MB": (37_000_000, 2),
    "30 KB, 6 recipients": (20_000, 6),
}
RECIPIENTS = ("H37.03", "H37.05", "H37.31", "H37.32", "H37.31.21", "H37.32.22")
TIMES = 5
OTHERS = 300  # documents in the log beside it


async def bench_evidence(_: Bed) -> dict[str, Any]:
    """Milliseconds, of ``TIMES`` runs the median and the worst."""
    with tempfile.TemporaryDirectory() as folder:
        store = await open_store("sqlite:///gateway.db", Path(folder), clock=SystemClock(), purpose="bench")
        try:
            async with make_world(store, Path(folder)) as world:
                for number in range(OTHERS):
                    await world.send("H37", ["H37.03"], number=f"K{number}")
                return {name: await _measure(world, name, *size) for name, size in SIZES.items()}
        finally:
            await store.close()


async def _measure(world: World, name: str, size: int, recipients: int) -> dict[str, Any]:
    body = b"%PDF-1.7\n" + bytes(range(256)) * (size // 256)
    sent = await world.send(
        "H37", RECIPIENTS[:recipients], number=f"{size}-{recipients}", files={"a.pdf": body}
    )
    await world.fetch("H37.03")
    taken, data = [], b""
    for _ in range(TIMES):
        began = time.perf_counter()
        data = (await export_evidence(world.gw, LOCAL, sent.document, "bench")).data
        taken.append((time.perf_counter() - began) * 1000)
    keys = (await public_keys(world.gw, LOCAL))["keys"]
    trusted, now = trusted_of(world.gw.keyring), world.clock.now()
    floor = _time(lambda: [hashlib.sha256(data).digest() for _ in range(2)])
    return {
        "bytes": len(data),
        "export_ms": statistics.median(taken),
        "worst_ms": max(taken),
        "verify_ms": _time(lambda: check_container(data, trusted, now)),
        "plain_verify_ms": _time(lambda: list(plain_verifier.run(data, keys))),
        "floor_ms": floor,
        "ratio": statistics.median(taken) / floor,
        "under_one_second": int(max(taken) < 1000),
    }


def _time(work: Callable[[], object]) -> float:
    taken = []
    for _ in range(3):
        began = time.perf_counter()
        work()
        taken.append((time.perf_counter() - began) * 1000)
    return statistics.median(taken)
