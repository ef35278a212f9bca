"""Writes down who came to the door and who failed there, a few seconds later and once a minute.

In charge of: when, and that nothing is left unwritten at a stop. Not in charge of: what is noticed
(``model/attendance.py``) and how it is written (``flow/footprints.py``).
"""

from __future__ import annotations

import structlog

from gateway.delivery.rounds import Rounds
from gateway.flow import footprints
from gateway.services import Services

log = structlog.get_logger("gateway.people")

ROUND_SECONDS = 5.0


class PeopleLog(Rounds):
    """One loop of one process."""

    def __init__(self, gw: Services) -> None:
        super().__init__(log, ROUND_SECONDS)
        self._gw = gw

    async def run(self) -> None:
        """As every loop; before it and after it what a start and a stop ask for."""
        await footprints.note_start(self._gw)
        await super().run()
        await footprints.write_attendance(self._gw, all_of_it=True)

    async def turn(self) -> float:
        await footprints.write_attendance(self._gw)
        return ROUND_SECONDS
