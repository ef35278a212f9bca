"""Writes the terms by which documents are found, round after round.

In charge of: when. Not in charge of: what a term is (``flow/terms.py``). A search writes what waits before it
looks, so this loop matters after an upgrade, when all documents wait.
"""

from __future__ import annotations

import structlog

from gateway.delivery.rounds import Rounds
from gateway.flow import terms
from gateway.services import Services

log = structlog.get_logger("gateway.terms")

ROUND_SECONDS = 5.0
BUSY_SECONDS = 0.2  # between two batches while many documents wait: other writers go first


class TermWriter(Rounds):
    """One loop of one process; documents that two nodes write at once are written twice, and the same."""

    def __init__(self, gw: Services) -> None:
        super().__init__(log, ROUND_SECONDS)
        self._gw = gw

    async def turn(self) -> float:
        written = await terms.write_waiting(self._gw)
        return BUSY_SECONDS if written == terms.TOGETHER else ROUND_SECONDS
