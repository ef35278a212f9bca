"""Messages are judged again when what was missing is there.

In charge of: taking what is due, oldest first and one at a time, so that live uploads come first. Not in
charge of: judging and recording (``flow/rejudge.py``), fetching the answers (``delivery/revocation.py``).
"""

from __future__ import annotations

import structlog

from gateway.delivery.rounds import Rounds
from gateway.flow.rejudge import postpone, rejudge_due
from gateway.services import Services
from gateway.store import rechecks

log = structlog.get_logger("gateway.recheck")

ROUND_SECONDS = 5.0
BATCH = 20


class Rechecker(Rounds):
    """One loop of one process."""

    def __init__(self, gw: Services) -> None:
        super().__init__(log, ROUND_SECONDS)
        self._gw = gw

    async def turn(self) -> float:
        """A full batch is followed by the next at once. ``stop`` waits for one message only."""
        return 0.01 if await self.round() == BATCH else ROUND_SECONDS

    async def round(self) -> int:
        """One batch; how many messages it had."""
        gw = self._gw
        messages = await gw.store.read(lambda tx: rechecks.due(tx, gw.clock.now(), BATCH))
        if messages:
            await gw.refresh(tell=False)  # a register row that came a moment ago counts
        for message in messages:
            if self._stopped.is_set():
                break
            await self._judge(message)
        return len(messages)

    async def _judge(self, message: str) -> None:
        try:
            judged = await rejudge_due(self._gw, message)
        except Exception:  # one message must not keep the others from their turn
            log.exception("message could not be judged again", message=message)
            await postpone(self._gw, message)
            return
        log.info("judged again", message=message, outcome=judged.outcome.value, held=len(judged.held) or None)
