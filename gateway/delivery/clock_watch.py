"""Notices when somebody sets the machine's clock, and whether it is kept right.

In charge of: looking every few seconds, the event ``clock.stepped``, the metrics. Not in charge of: measuring
(``clock.py``). QCVN 12:2026 3.9.2.1.8: every event has a time of its own, from a stated source.
"""

from __future__ import annotations

import structlog

from gateway.clock import SECOND, Look
from gateway.delivery.rounds import Rounds
from gateway.flow import record
from gateway.model.event import EventType
from gateway.services import Services
from gateway.store import events

log = structlog.get_logger("gateway.clock")

ROUND_SECONDS = 5.0


class ClockWatch(Rounds):
    """One loop of one process."""

    def __init__(self, gw: Services) -> None:
        super().__init__(log, ROUND_SECONDS)
        self._gw = gw

    async def turn(self) -> float:
        await self.round()
        return ROUND_SECONDS

    async def round(self) -> Look:
        """Look once; a jump is on disk on return."""
        gw = self._gw
        look = gw.clock.look()
        gw.metrics.clock_synchronised.set(int(look.discipline.synchronised))
        gw.metrics.clock_offset.set((look.discipline.offset or 0) / SECOND)
        if look.step:
            gw.metrics.clock_steps.inc()
            log.warning("the clock was set", seconds=look.step / SECOND)
            stepped = record.event(
                gw,
                EventType.CLOCK_STEPPED,
                record.GATEWAY,
                gw.clock.now(),
                facts={"step": look.step, "synchronised": look.discipline.synchronised},
            )
            await gw.store.write(lambda tx: events.record(tx, stepped))
        return look
