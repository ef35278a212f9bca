"""The frame of a loop: round after round, until somebody says stop.

In charge of: that no error ends a loop in silence, and that ``stop`` cuts its rest short; a loop whose write
was refused because another node leads is over. Not in charge of: what a round does, loops that a bell wakes
(``worker``, ``revocation``).
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from contextlib import suppress

from structlog.typing import FilteringBoundLogger

from gateway.store.fence import Fenced


class Rounds(ABC):
    """One loop of one process."""

    def __init__(self, log: FilteringBoundLogger, rest: float) -> None:
        self._log = log
        self._rest = rest  # seconds after a round that ended in an error
        self._stopped = asyncio.Event()

    async def run(self) -> None:
        """Round after round until ``stop``."""
        while not self._stopped.is_set():
            try:
                seconds = await self.turn()
            except Fenced:
                return  # another node does this now
            except Exception:  # a loop that ends in silence is the worst outage
                self._log.exception("round failed, trying again")
                seconds = self.after_error()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopped.wait(), seconds)

    def stop(self) -> None:
        """End after the present round."""
        self._stopped.set()

    @abstractmethod
    async def turn(self) -> float:
        """One round; for how many seconds to rest afterwards."""

    def after_error(self) -> float:
        """For how many seconds to rest after a round that failed."""
        return self._rest
