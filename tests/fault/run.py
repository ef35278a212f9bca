"""Cycles of one scenario on one installation, and what the oracle says at their end.

In charge of: a run. Not in charge of: how many, side by side (``__main__``).
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import signal
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.buckets import simulated
from tests.fault import audit
from tests.fault.bed import Bed, opened
from tests.fault.database import database
from tests.fault.scenarios import BY_NAME, Scenario


@dataclass(frozen=True, slots=True)
class Outcome:
    """``struck``: servers that died of the fault or lived through it, of ``cycles``; ``lost``, ``doubled``:
    messages; ``repeats``: copies under the same id; ``problems``: everything else that must not be."""

    scenario: str
    cycles: int
    struck: int
    acknowledged: int
    lost: int
    doubled: int
    repeats: int
    problems: tuple[str, ...]
    seconds: tuple[float, ...] = ()  # of answers

    @property
    def sound(self) -> bool:
        return not (self.lost or self.doubled or self.problems)


@dataclass(frozen=True, slots=True)
class Job:
    """Some cycles of one scenario on an installation of their own."""

    name: str
    cycles: int
    seed: int
    first: int


def do(job: Job) -> Outcome:
    """In a process of its own. A harness that breaks is a problem too."""
    try:
        return asyncio.run(run(job.name, job.cycles, job.seed, job.first))
    except Exception as error:
        return Outcome(job.name, job.cycles, 0, 0, 0, 0, 0, (f"{type(error).__name__}: {error}"[:500],))


async def run(name: str, cycles: int, seed: int, first: int = 0) -> Outcome:
    """``cycles`` lives of a server under that scenario, beginning with cycle number ``first``."""
    scenario, dice = BY_NAME[name], random.Random(f"{name}-{seed}-{first}")
    with contextlib.ExitStack() as rooms:
        folder = Path(rooms.enter_context(tempfile.TemporaryDirectory(prefix="gwfault")))
        on = rooms.enter_context(database()) if scenario.engine == "postgres" else None
        bucket = rooms.enter_context(simulated()) if scenario.bucket else None
        async with opened(folder, on, scenario.settings, bucket) as bed:
            struck = 0
            for cycle in range(first, first + cycles):
                struck += await _life(bed, scenario, cycle, dice)
            await _last_life(bed)
            return await _outcome(bed, name, cycles, struck)


async def _life(bed: Bed, scenario: Scenario, cycle: int, dice: random.Random) -> bool:
    """One server: recovers, is struck, dies. True unless it was to die at a step that it never passed."""
    plan = scenario.plan(bed, cycle, dice)
    await bed.start(plan)
    await bed.recover()
    await scenario.life(bed, dice)
    died = not plan.step
    if plan.step and (died := await bed.is_dead()):
        await bed.zygote.ended()
        return True
    bed.zygote.tell(signal.SIGKILL)
    await bed.zygote.ended()
    return died


async def _last_life(bed: Bed) -> None:
    """A sound server, until everything is at rest; it is told to stop, and stops."""
    await bed.start(bed.plan())
    await bed.recover()
    bed.zygote.tell(signal.SIGTERM)
    if code := await bed.zygote.ended():
        bed.ledger.faults.append(f"the last server ended with {code}")


async def _outcome(bed: Bed, name: str, cycles: int, struck: int) -> Outcome:
    ledger = bed.ledger
    found = [
        *ledger.faults,
        *(f"nobody sent {pair}" for pair in ledger.foreign()),
        *await audit.problems(bed),
    ]
    return Outcome(
        scenario=name,
        cycles=cycles,
        struck=struck,
        acknowledged=sum(bool(one.receipt) for one in ledger.sent.values()),
        lost=len(ledger.missing()),
        doubled=len(ledger.doubled()),
        repeats=ledger.repeats,
        problems=tuple(found),
        seconds=tuple(bed.answer_seconds),
    )
