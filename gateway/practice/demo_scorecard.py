"""The week's scorecard, with which the demo ends: 13 to 19 April 2020, level by level.

In charge of: having everything counted that the week recorded, and asking for its figures as ``gateway
scorecard`` does. Not in charge of: the figures (``compliance/``), printing (``cli/scorecard``).
"""

from __future__ import annotations

from typing import Any

from gateway.compliance.counting import catch_up
from gateway.flow.operate import run
from gateway.practice.demo import Week

PERIOD = "2020-W16"


async def week_card(week: Week) -> dict[str, Any]:
    """The answer of ``gateway scorecard --period 2020-W16 --json``."""
    await week.gw.sequencer.advance()
    await catch_up(week.gw)
    answer: dict[str, Any] = await run(week.gw, "scorecard.show", {"period": PERIOD, "by": "level"})
    return answer
