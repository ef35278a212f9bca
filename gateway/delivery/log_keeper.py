"""The loop that carries recorded events into the exchange log and has heads published.

In charge of: when. A checkpoint is signed ``exchange_log.checkpoint_seconds`` after the last one if anything
new is in the log, and once more when a day (+07:00) on which one was signed is over: that one closes the day.
Not in charge of: the steps (``exchange_log/sequence.py``), timestamps (``stamp``).
"""

from __future__ import annotations

import structlog

from gateway.clock import SECOND, local_day
from gateway.delivery.rounds import Rounds
from gateway.errors import GatewayError
from gateway.exchange_log.sequence import LogBroken
from gateway.services import Services
from gateway.store import log as rows
from gateway.store.contract import Tx
from gateway.store.fence import Fenced
from gateway.store.log import SignedHead, State, Taken

log = structlog.get_logger("gateway.log")

LONGEST_REST_SECONDS = 2
AFTER_ERROR_SECONDS = 10


class LogKeeper(Rounds):
    """One loop of the leader."""

    def __init__(self, gw: Services) -> None:
        super().__init__(log, AFTER_ERROR_SECONDS)
        self._gw = gw

    async def run(self) -> None:
        """Rounds until ``stop``; then what is left is carried into the log."""
        await super().run()
        try:
            await self.round()
        except (GatewayError, OSError, Taken, Fenced):
            log.warning("the exchange log goes on after the next start")

    async def turn(self) -> float:
        await self.round()
        return min(LONGEST_REST_SECONDS, self._gw.config.exchange_log.checkpoint_seconds)

    async def round(self) -> None:
        """Sequence and integrate what waits; publish when it is time."""
        gw = self._gw
        try:
            await gw.sequencer.advance()
            state, last = await gw.store.read(_look)
            closes = self._closes(last)
            if closes or self._is_due(state, last):
                await gw.sequencer.advance(publish=True, closes=closes)
        except Taken:
            return  # another node is at it
        except LogBroken as broken:
            gw.metrics.log_problems.labels(broken.code).inc()
            log.error("the exchange log is not signed any further", problem=broken.code, text=broken.text.en)
        except OSError as error:
            gw.metrics.log_problems.labels("log.disk").inc()
            log.error("the checkpoint is not laid out, trying again", problem=str(error))
        await self._measure()

    def _is_due(self, state: State, last: SignedHead | None) -> bool:
        if last is None or last.published_at is None:
            return state.integrated > 0
        waited = self._gw.clock.now() - last.signed_at
        return state.integrated > last.size and (
            waited >= self._gw.config.exchange_log.checkpoint_seconds * SECOND
        )

    def _closes(self, last: SignedHead | None) -> str:
        """The day that is over and not closed yet, or ``""``."""
        if last is None:
            return ""
        day = local_day(last.signed_at)
        return day.isoformat() if day < local_day(self._gw.clock.now()) else ""

    async def _measure(self) -> None:
        metrics = self._gw.metrics
        state, waiting, published, stamped = await self._gw.store.read(_figures)
        metrics.log_leaves.set(state.sequenced)
        metrics.log_waiting.set(waiting)
        metrics.log_unpublished.set(state.sequenced - (published.size if published else 0))
        if self._gw.config.trust.timestamp_url:
            metrics.log_unstamped.set(state.sequenced - (stamped.size if stamped else 0))


def _look(tx: Tx) -> tuple[State, SignedHead | None]:
    return rows.state(tx), rows.last(tx)


def _figures(tx: Tx) -> tuple[State, int, SignedHead | None, SignedHead | None]:
    return rows.state(tx), rows.count_waiting(tx), rows.published(tx), rows.stamped(tx)
