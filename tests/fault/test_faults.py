"""A short run of every fault, and proof that the oracle would have noticed.

The figure of a release is made by ``make faults N=2000`` (docs/reliability.md).
"""

from __future__ import annotations

import re
import signal
from pathlib import Path

import pytest

from tests.fault import audit
from tests.fault.bed import Bed, opened
from tests.fault.run import run
from tests.fault.scenarios import SCENARIOS, Scenario
from tests.fault.steps import STEPS

WALK = Path(__file__).parents[2] / "docs" / "one-document.md"
# Steps of the page at which no process of the exchange stands: a decision of two persons (17).
ELSEWHERE = {17}


@pytest.mark.parametrize(
    "scenario", [one for one in SCENARIOS if "steps" not in one.name], ids=lambda s: s.name
)
async def test_nothing_is_lost_or_doubled(scenario: Scenario) -> None:
    outcome = await run(scenario.name, 2, seed=7)
    assert outcome.sound, outcome
    assert outcome.struck == 2
    assert outcome.acknowledged >= 8


@pytest.mark.timeout(300)
@pytest.mark.parametrize("half", [0, 1])
async def test_killed_at_every_numbered_step(half: int) -> None:
    outcome = await run("steps", len(STEPS), seed=7, first=half * len(STEPS))
    assert outcome.sound, outcome
    assert outcome.struck == len(STEPS)


async def test_killed_at_steps_on_postgresql() -> None:
    outcome = await run("steps, PostgreSQL", 4, seed=7, first=6)
    assert outcome.sound, outcome


def test_every_numbered_step_of_the_walk_has_a_place() -> None:
    numbers = {int(number) for number in re.findall(r"^\*\*(\d+)\. ", WALK.read_text("utf-8"), re.M)}
    assert numbers - {step.number for step in STEPS} == ELSEWHERE


@pytest.mark.parametrize(
    ("bug", "found"), [("early", "lost"), ("drop", "lost"), ("mint", "doubled")], ids=lambda value: value
)
async def test_a_planted_mistake_is_found(
    bug: str, found: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.fault.bed.PATIENCE", 3.0)
    async with opened(tmp_path) as bed:
        await bed.start(bed.plan(bug=bug))
        await bed.traffic()
        await bed.recover()
        bed.zygote.tell(signal.SIGKILL)
        await bed.zygote.ended()
        await bed.start(bed.plan(bug=bug))  # an hour later: what is tried again is due
        await bed.recover()
        assert {"lost": bed.ledger.missing(), "doubled": bed.ledger.doubled()}[found] or bed.ledger.faults


async def test_a_receipt_for_other_bytes_and_a_shown_delivery_that_was_done_are_found(tmp_path: Path) -> None:
    async with opened(tmp_path) as bed:
        await _sound_traffic(bed)
        sent = next(iter(bed.ledger.sent.values()))
        bed.ledger.acknowledged(sent, sent.receipt, "00" * 32)
        bed.ledger.offered(next(iter(bed.ledger.settled)))
        sent.receipt += "x"
        assert len(bed.ledger.faults) == 2
        bed.zygote.tell(signal.SIGTERM)
        await bed.zygote.ended()
        assert any("receipt" in problem for problem in await audit.problems(bed))


async def _sound_traffic(bed: Bed) -> None:
    await bed.start(bed.plan())
    await bed.traffic()
    await bed.recover()
    assert not bed.ledger.faults
