"""Gauges that somebody has to go and read: disk, lanes, the queue's head, PDF processes, the last backup.

In charge of: looking every few seconds. What stands in the database is looked at by the leader alone; other
nodes show 0. Not in charge of: counts that come from the work itself, what counts as an alarm
(``docs/operations/alerts.yml``).
"""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import structlog

from gateway.clock import SECOND
from gateway.config import BACKUP_MARK
from gateway.delivery.rounds import Rounds
from gateway.services import Services
from gateway.store import deliveries
from gateway.store.contract import StoreUnavailable

log = structlog.get_logger("gateway.gauges")

ROUND_SECONDS = 10.0
NOWHERE = f"00/{'0' * 64}.{'0' * 16}"  # no payload's name: asking for it shows whether anybody answers


class Gauges(Rounds):
    """One loop of every process."""

    def __init__(self, gw: Services, home: Path) -> None:
        super().__init__(log, ROUND_SECONDS)
        self._gw, self._home = gw, home
        self._lost = 0

    async def turn(self) -> float:
        self.look_at_machine()
        await self.look_at_bucket()
        await self.look_at_queue()
        return ROUND_SECONDS

    def look_at_machine(self) -> None:
        """Disk, processes, the mark of the last backup."""
        metrics, workers = self._gw.metrics, self._gw.pdf_workers
        for place, folder in (("home", self._home), ("payloads", self._gw.blobs.payloads)):
            metrics.disk_free.labels(place).set(shutil.disk_usage(folder).free)
        metrics.pdf_workers.set(len(workers.pids))
        metrics.pdf_workers_lost.inc(workers.lost - self._lost)
        self._lost = workers.lost
        mark = self._home / BACKUP_MARK
        metrics.backup_at.set(mark.stat().st_mtime if mark.exists() else 0)

    async def look_at_bucket(self) -> None:
        """Whether the bucket of the payloads answers, where there is one."""
        away = 0
        if (objects := self._gw.blobs.objects) is not None:
            try:
                await asyncio.to_thread(objects.size, NOWHERE)
            except StoreUnavailable:
                away = 1
        self._gw.metrics.payloads_away.set(away)

    async def look_at_queue(self) -> None:
        """What waits though it could go, and destinations that fail."""
        metrics, waiting, failing = self._gw.metrics, 0.0, 0
        if self._gw.fleet.leads:
            now = self._gw.clock.now()
            due, failing = await self._gw.store.read(lambda tx: deliveries.head_of_queue(tx, now))
            waiting = max(0.0, (now - due) / SECOND) if due is not None else 0.0
        metrics.next_due.set(waiting)
        metrics.lanes_failing.set(failing)
