"""``make bench-peers``: the same work through django-pyas2 (AS2) and through ours, alternating, in one run.

    make bench-peers                    three sizes, two rounds each
    make bench-peers ARGS="--rounds 3"
    make bench-peers ARGS="--write"     and into docs/performance.md

Eight processes sign and send; each send ends when the sender has verified the signed receipt. Ours is also
fetched and confirmed by its recipient. CPU is that of senders, servers and recipient together. Writes
``var/bench/peers.json``.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.bench.floor import floor_seconds
from tests.bench.pages import PAGE, machine, put_table
from tests.bench.peers import Round, as2, ours
from tests.bench.peers.environment import environment
from tests.server import prepare, started

FOLDER = Path("var/bench")
SIZES = {"30 KB": (30_000, 96, 320), "300 KB": (300_000, 64, 160), "3 MB": (3_000_000, 16, 24)}
NAMES = {"peer": "django-pyas2", "ours": "this gateway"}
COLUMNS = ("size", "through", "documents/s", "CPU ms", "× floor", "p50 ms", "p99 ms", "PSS MiB", "failed")


async def measure(rounds: int) -> dict[str, Any]:
    """Rounds of both, alternating; the floor from the same envelopes."""
    folder = (FOLDER / "home-peers").resolve()
    shutil.rmtree(folder, ignore_errors=True)
    python = environment(Path("var/peers").resolve())
    bed = await prepare(folder / "gateway")
    results: dict[str, Any] = {}
    async with as2.serving(python, folder / "as2") as peer, started(bed) as (base, pid):
        own = ours.Ours(bed, base, pid)
        for name, (size, theirs, count) in SIZES.items():
            found: dict[str, list[Round]] = {"peer": [], "ours": []}
            for number in range(rounds):
                seed = size + number
                found["peer"].append(await peer.round(theirs, size, seed))
                found["ours"].append(await own.round(count, size, seed))
            floor = floor_seconds(ours.signed(bed, size), bed.signer.certificate)
            results[name] = {"floor_ms": floor * 1000} | {
                who: summary(taken, floor) for who, taken in found.items()
            }
    shutil.rmtree(folder, ignore_errors=True)
    return results


def summary(rounds: list[Round], floor: float) -> dict[str, float]:
    """What all rounds together say."""
    documents = sum(one.documents for one in rounds)
    seconds = [second for one in rounds for second in one.seconds]
    cpu = sum(one.cpu for one in rounds) / documents
    return {
        "documents": documents,
        "failed": sum(one.failed for one in rounds),
        "documents_per_second": documents / sum(one.wall for one in rounds),
        "cpu_ms": cpu * 1000,
        "ratio": cpu / floor,
        "p50_ms": median(seconds) * 1000,
        "p99_ms": quantiles(seconds, n=100)[98] * 1000,
        "pss_mib": max(one.pss for one in rounds) / 1_048_576,
    }


def rows(results: dict[str, Any]) -> list[tuple[str, ...]]:
    """The table, cell by cell."""
    found = []
    for size, result in results.items():
        for who, name in NAMES.items():
            one = result[who]
            found.append(
                (
                    size,
                    name,
                    f"{one['documents_per_second']:.1f}",
                    f"{one['cpu_ms']:.1f}",
                    f"{one['ratio']:.1f}",
                    f"{one['p50_ms']:.0f}",
                    f"{one['p99_ms']:.0f}",
                    f"{one['pss_mib']:.0f}",
                    f"{one['failed']} of {one['documents']}",
                )
            )
    return found


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(prog="make bench-peers")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--write", action="store_true", help=f"write the table into {PAGE}")
    given = parser.parse_args()
    load = os.getloadavg()[0]
    results = asyncio.run(measure(given.rounds))
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / "peers.json").write_text(json.dumps({"machine": machine(), "results": results}, indent=2))
    table = Table(title="peers")
    for column in COLUMNS:
        table.add_column(column, justify="right" if column not in COLUMNS[:2] else "left")
    for row in rows(results):
        table.add_row(*row)
    Console(width=120).print(table)
    if given.write:
        put_table("peers", COLUMNS, rows(results), [load])


if __name__ == "__main__":
    main()
