"""What goes wrong, scenario by scenario: the plan of a server's life and what happens around it.

In charge of: the table. A *cycle* is one life of a server: it recovers what the last one left, takes traffic
while the fault strikes, and is killed at its end at the latest. Not in charge of: running them (``run``).
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import signal
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from gateway.practice.s3 import Fault
from tests.fault.bed import Bed, Sent
from tests.fault.plan import Plan
from tests.fault.steps import STEPS
from tests.world import make_envelope

Life = Callable[[Bed, random.Random], Awaitable[None]]
STEP_SECONDS = 8.0  # for a step to be passed
LOG, LOG_SECONDS = 18, 1.0  # number of the steps that come by themselves, and how often
LORIS = 200  # slow clients at one time
HOUR = 3600  # seconds
PACE = 0.4  # seconds between heartbeats, where a lease is to run out
FLOOD, FLOOD_BYTES = 16, 4_000_000  # uploads at one time, bytes of each


@dataclass(frozen=True, slots=True)
class Scenario:
    """``plan`` makes the plan of cycle ``n``; ``life`` is what happens once the server has recovered."""

    name: str
    words: str
    plan: Callable[[Bed, int, random.Random], Plan]
    life: Life
    share: float = 1  # of all cycles
    engine: str = "sqlite"
    settings: Mapping[str, str] = field(default_factory=dict)
    bucket: bool = False  # payloads lie in an object store


async def until_it_dies(bed: Bed, _: random.Random) -> None:
    """Traffic, again and again until the armed step was passed; the log takes its steps once a second."""
    bed.zygote.tell(signal.SIGUSR1)
    clock = asyncio.get_running_loop().time
    until = clock() + STEP_SECONDS
    while not await bed.is_dead() and clock() < until:
        await bed.traffic()
        if bed.step_number == LOG:
            await asyncio.sleep(LOG_SECONDS)


async def killed_somewhere(bed: Bed, dice: random.Random) -> None:
    """Dies at any moment of some traffic."""
    work = asyncio.create_task(bed.traffic(8))
    await asyncio.sleep(dice.uniform(0.0, 0.35))
    bed.zygote.tell(signal.SIGKILL)
    await work


async def struck_and_mended(bed: Bed, _: random.Random) -> None:
    """The fault is there for some traffic, goes away, and everything comes through."""
    bed.zygote.tell(signal.SIGUSR1)
    await bed.traffic()
    bed.zygote.tell(signal.SIGUSR2)
    await bed.settle()


async def black_hole(bed: Bed, _: random.Random) -> None:
    """The recipient takes connections and never answers; others are served all the same."""
    bed.pushed.mode = "hang"
    await bed.traffic()
    bed.pushed.mode = "sound"


async def answer_lost(bed: Bed, _: random.Random) -> None:
    """The recipient keeps the message and breaks off before its answer: it comes again under the same id."""
    bed.pushed.mode = "lose"
    await bed.traffic()
    await asyncio.sleep(0.1)
    bed.pushed.mode = "sound"


async def slow_loris(bed: Bed, _: random.Random) -> None:
    """Two hundred clients send a byte now and then; everybody else is served."""
    host, port = bed.base.removeprefix("http://").split(":")
    slow = await asyncio.gather(*(_drip(host, int(port)) for _ in range(LORIS)))
    await bed.traffic(8)
    for task in slow:
        task.cancel()
    await asyncio.gather(*slow, return_exceptions=True)


async def flood(bed: Bed, _: random.Random) -> None:
    """More bytes at one time than fit: turned away with a time to come back, and nothing half taken."""
    bed.documents += FLOOD
    work = asyncio.create_task(bed.traffic())
    await asyncio.gather(*(_upload(bed, number) for number in range(FLOOD)))
    await work
    await bed.settle()


async def objects_away(bed: Bed, dice: random.Random) -> None:
    """The object store hangs up, asks for patience or loses its answers; then it is back."""
    assert bed.bucket is not None
    bed.bucket.knobs.fault = dice.choice((Fault.DOWN, Fault.SLOW_DOWN, Fault.ANSWER_LOST))
    await bed.traffic()
    bed.bucket.knobs.fault = Fault.NONE
    await bed.settle()


async def connections_cut(bed: Bed, _: random.Random) -> None:
    """The database ends every connection while traffic runs."""
    assert bed.database is not None
    work = asyncio.create_task(bed.traffic(8))
    for _n in range(3):
        await asyncio.sleep(0.1)
        await asyncio.to_thread(bed.database.cut)
    await work
    await bed.settle()


async def database_killed(bed: Bed, dice: random.Random) -> None:
    """The database is killed and comes back."""
    assert bed.database is not None
    work = asyncio.create_task(bed.traffic(8))
    await asyncio.sleep(dice.uniform(0.0, 0.3))
    await bed.database.kill()
    await work
    await bed.settle()


async def paused_and_woken(bed: Bed, _: random.Random) -> None:
    """The leading node sleeps past its lease while another goes on, then wakes and believes it leads."""
    first, other = bed.base, await bed.start_other(PACE)
    bed.zygote.tell(signal.SIGSTOP)
    bed.base = other
    await bed.traffic()
    await asyncio.sleep(6 * PACE)
    await bed.traffic()
    bed.zygote.tell(signal.SIGCONT)
    bed.base = first
    await bed.traffic()
    assert bed.other is not None
    bed.other.tell(signal.SIGKILL)
    await bed.other.ended()


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
    Scenario("steps, PostgreSQL", "the same on PostgreSQL", _at_a_step, until_it_dies, 3, "postgres"),
    Scenario("any moment", "kill -9 at any moment under load", _with(), killed_somewhere, 4),
    Scenario(
        "commit fails", "the disk reports an error at COMMIT", _with(commit_fails=0.3), struck_and_mended
    ),
    Scenario("fsync fails", "fsync of payload files fails", _with(fsync_fails=0.5), struck_and_mended),
    Scenario("disk full", "no file may grow any more", _with(file_bytes=40_000), struck_and_mended),
    Scenario(
        "clock ahead", "the clock is set an hour ahead and back", _with(clock_step=HOUR), struck_and_mended
    ),
    Scenario(
        "clock back", "the clock is set back an hour and ahead", _with(clock_step=-HOUR), struck_and_mended
    ),
    Scenario("black hole", "a recipient never answers", _with(), black_hole),
    Scenario("answer lost", "a recipient's answers are lost", _with(), answer_lost),
    Scenario("slow clients", f"{LORIS} clients send a byte now and then", _with(), slow_loris),
    Scenario(
        "flood",
        "uploads beyond the limit of bytes",
        _with(),
        flood,
        0.2,
        settings={"GATEWAY_LIMITS_BYTES_IN_FLIGHT": "20000000"},
    ),
    Scenario(
        "object store down", "the object store does not answer", _with(), objects_away, 0.5, bucket=True
    ),
    Scenario("connections cut", "PostgreSQL cuts all connections", _with(), connections_cut, 1, "postgres"),
    Scenario(
        "database killed", "PostgreSQL is killed, comes back", _with(), database_killed, 0.3, "postgres"
    ),
    Scenario(
        "paused leader",
        "the leading node sleeps past its lease beside a second node, and wakes",
        _with(pace=PACE),
        paused_and_woken,
        0.2,
        "postgres",
    ),
)
BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}
