"""What goes wrong, scenario by scenario: the plan of a server's life and what happens around it.

In charge of: the table. A *cycle* is one life of a server: it recovers what the last one left, takes traffic
while the fault strikes, and is killed at its end at the latest. Not in charge of: running them (``run``).
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tests.fault.bed import Bed, Sent
from tests.fault.plan import Plan
from tests.fault.steps import STEPS
from tests.world import make_envelope

Life = Callable[[Bed, random.Random], Awaitable[None]]
LORIS = 200  # slow clients at one time
FLOOD, FLOOD_BYTES = 16, 4_000_000  # uploads at one time, bytes of each


@dataclass(frozen=True, slots=True)
class Scenario:
    """``plan`` makes the plan of cycle ``n``; ``life`` is what happens once the server has recovered."""

    name: str
    words: str
    plan: Callable[[Bed, int, random.Random], Plan]
    life: Life
    share: int = 1  # of all cycles
    engine: str = "sqlite"
    settings: str = ""


async def until_it_dies(bed: Bed, dice: random.Random) -> None:
    """Traffic, again and again until the armed step was passed."""
    bed.zygote.tell(signal.SIGUSR1)
    for _ in range(2):
        await bed.traffic()


async def killed_somewhere(bed: Bed, dice: random.Random) -> None:
    """Dies at any moment of some traffic."""
    work = asyncio.create_task(bed.traffic(8))
    await asyncio.sleep(dice.uniform(0.0, 0.35))
    bed.zygote.tell(signal.SIGKILL)
    await work


async def struck_and_mended(bed: Bed, dice: random.Random) -> None:
    """The fault is there for some traffic, goes away, and everything comes through."""
    bed.zygote.tell(signal.SIGUSR1)
    await bed.traffic()
    bed.zygote.tell(signal.SIGUSR2)
    await bed.recover()


async def black_hole(bed: Bed, dice: random.Random) -> None:
    """The recipient takes connections and never answers; others are served all the same."""
    bed.pushed.mode = "hang"
    await bed.traffic()
    bed.pushed.mode = "sound"


async def answer_lost(bed: Bed, dice: random.Random) -> None:
    """The recipient keeps the message and breaks off before its answer: it comes again under the same id."""
    bed.pushed.mode = "lose"
    await bed.traffic()
    await asyncio.sleep(0.1)
    bed.pushed.mode = "sound"


async def slow_loris(bed: Bed, dice: random.Random) -> None:
    """Two hundred clients send a byte now and then; everybody else is served."""
    host, port = bed.base.removeprefix("http://").split(":")
    slow = await asyncio.gather(*(_drip(host, int(port)) for _ in range(LORIS)))
    await bed.traffic(8)
    for task in slow:
        task.cancel()
    await asyncio.gather(*slow, return_exceptions=True)


async def flood(bed: Bed, dice: random.Random) -> None:
    """More bytes at one time than fit: turned away with a time to come back, and nothing half taken."""
    bed.documents += FLOOD
    work = asyncio.create_task(bed.traffic())
    await asyncio.gather(*(_upload(bed, number) for number in range(FLOOD)))
    await work
    await bed.recover()


async def _upload(bed: Bed, number: int) -> None:
    body = b"%PDF-1.7\n" + bytes(FLOOD_BYTES)
    data = make_envelope("H37", ["H37.03"], number=f"flood-{bed.lives}-{number}", files={"a.pdf": body})
    await bed.submit(bed.ledger.hand_in(Sent("H37", data, ("H37.03",))))


async def _drip(host: str, port: int) -> asyncio.Task[None]:
    _, writer = await asyncio.open_connection(host, port)

    async def drip() -> None:
        try:
            writer.write(b"POST /api/v1/documents HTTP/1.1\r\nHost: x\r\n")
            while True:
                writer.write(b"a")
                with contextlib.suppress(ConnectionError):
                    await writer.drain()
                await asyncio.sleep(0.5)
        finally:
            writer.close()

    return asyncio.create_task(drip())


def _at_a_step(bed: Bed, cycle: int, dice: random.Random) -> Plan:
    """Every step before and after, in turn; then at later passages."""
    step = STEPS[cycle % len(STEPS)]
    turn = cycle // len(STEPS)
    return bed.plan(step=step.name, moment=step.moments[turn % 2], passage=1 + turn // 2 % 4)


def _with(**faults: object) -> Callable[[Bed, int, random.Random], Plan]:
    return lambda bed, cycle, dice: bed.plan(seed=dice.randrange(2**31), **faults)


SCENARIOS = (
    Scenario("steps", "kill -9 at each numbered step", _at_a_step, until_it_dies, 10),
    Scenario("steps, PostgreSQL", "the same on PostgreSQL", _at_a_step, until_it_dies, 4, "postgres"),
    Scenario("any moment", "kill -9 at any moment under load", _with(), killed_somewhere, 4),
    Scenario(
        "commit fails", "the disk reports an error at COMMIT", _with(commit_fails=0.3), struck_and_mended
    ),
    Scenario("fsync fails", "fsync of payload files fails", _with(fsync_fails=0.5), struck_and_mended),
    Scenario("disk full", "no file may grow any more", _with(file_bytes=40_000), struck_and_mended),
    Scenario(
        "clock ahead", "the clock is set an hour ahead and back", _with(clock_step=3600), struck_and_mended
    ),
    Scenario(
        "clock back", "the clock is set back an hour and ahead", _with(clock_step=-3600), struck_and_mended
    ),
    Scenario("black hole", "a recipient never answers", _with(), black_hole),
    Scenario("answer lost", "a recipient's answers are lost", _with(), answer_lost),
    Scenario("slow clients", f"{LORIS} clients send a byte now and then", _with(), slow_loris),
    Scenario(
        "flood",
        "uploads beyond the limit of bytes",
        _with(),
        flood,
        settings="[limits]\nrequests_per_second = 100000\nbytes_in_flight = 20000000\n",
    ),
)
BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}
