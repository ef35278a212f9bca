"""Months of events and deliveries, made before anything lies in them (PostgreSQL; elsewhere there are none).

In charge of: when. Not in charge of: what a month is (``store/archive.py``), taking one out
(``flow/archive.py``).
"""

from __future__ import annotations

import structlog

from gateway.clock import local_day
from gateway.delivery.rounds import Rounds
from gateway.errors import Busy
from gateway.services import Services
from gateway.store import archive

log = structlog.get_logger("gateway.months")

ROUND_SECONDS = 6 * 3600.0
SOON_SECONDS = 60.0  # somebody held the tables just now
AHEAD = 2  # months after this one


class Months(Rounds):
    """One loop of the leader."""

    def __init__(self, gw: Services) -> None:
        super().__init__(log, SOON_SECONDS)
        self._gw = gw

    async def turn(self) -> float:
        month = archive.month_of(local_day(self._gw.clock.now()))
        try:
            for _ in range(AHEAD + 1):
                await self._make(month)
                month = archive.month_after(month)
        except Busy as error:
            log.warning("a month could not be made now, trying again", month=month, code=error.code)
            return SOON_SECONDS
        return ROUND_SECONDS

    async def _make(self, month: str) -> None:
        """In a transaction of its own: it keeps everybody else waiting while it lasts."""
        if await self._gw.store.write(lambda tx: archive.make(tx, month)):
            log.info("month made", month=month)
