"""Counts new leaves for the conservation ledger and compares deliveries with it, round after round.

In charge of: when, the metrics and the log line of an alarm. Not in charge of: what counts
(``flow/conservation.py``).
"""

from __future__ import annotations

import structlog

from gateway.delivery.rounds import Rounds
from gateway.flow import conservation
from gateway.services import Services
from gateway.store import conservation as rows

log = structlog.get_logger("gateway.conservation")

ROUND_SECONDS = 10.0
BUSY_SECONDS = 0.2  # between two batches while many leaves wait: other writers go first


class Conservation(Rounds):
    """One loop of one process; several nodes may run it, each batch is counted by one."""

    def __init__(self, gw: Services) -> None:
        super().__init__(log, ROUND_SECONDS)
        self._gw = gw
        self._differences = 0

    async def turn(self) -> float:
        return BUSY_SECONDS if await self.round() else ROUND_SECONDS

    async def round(self) -> bool:
        """One batch counted, and one stretch compared when nothing waits. True when more leaves wait."""
        counted = await conservation.count(self._gw)
        left = await self._gw.store.read(rows.leaves_left)
        self._gw.metrics.conservation_uncounted.set(left)
        if counted and left:
            return True
        differences = await conservation.compare(self._gw)
        if differences > self._differences:
            log.error("conservation is broken", differences=differences, next="gateway conservation")
        self._differences = differences
        return False
