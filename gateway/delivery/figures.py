"""Counts new leaves for the compliance figures, and everything again when reference data changed.

In charge of: when. Not in charge of: what is counted (``compliance/counting.py``).
"""

from __future__ import annotations

import structlog

from gateway.compliance import counting
from gateway.delivery.rounds import Rounds
from gateway.services import Services

log = structlog.get_logger("gateway.figures")

ROUND_SECONDS = 5.0
BUSY_SECONDS = 0.2  # between two batches while many leaves wait: other writers go first
BATCH = 1_000  # leaves of one batch while the gateway serves


class Figures(Rounds):
    """One loop of one process; several nodes may run it, each batch is counted by one."""

    def __init__(self, gw: Services) -> None:
        super().__init__(log, ROUND_SECONDS)
        self._gw = gw

    async def turn(self) -> float:
        return BUSY_SECONDS if await self.round() else ROUND_SECONDS

    async def round(self) -> bool:
        """Reference data looked at, one batch counted. True when more leaves wait."""
        if await counting.renew(self._gw):
            log.info("figures stand for other reference data now: calendar, clocks, clauses or outages")
        return await counting.count(self._gw, BATCH) == BATCH
