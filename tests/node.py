"""One node as a process of its own, with a quick heartbeat: ``python -m tests.node HOME``.

Prints ``port=N`` when it listens, and ends on SIGTERM. The home folder and its database are made by the test.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

from gateway.app import running
from gateway.clock import SystemClock
from gateway.config import load
from gateway.delivery.leader import Pace

PACE = Pace(beat=0.2, lease=1.5)


async def _main(home: Path) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with running(home, load(home), SystemClock(), pace=PACE) as (_, port):
        print(f"port={port}", flush=True)
        await stop.wait()


if __name__ == "__main__":
    asyncio.run(_main(Path(sys.argv[1])))
