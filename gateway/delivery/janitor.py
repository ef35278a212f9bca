"""Tidying up after what died, and noticing what changed elsewhere.

In charge of: leases that ran out, files without a row, snapshots that another process made old, and the
gauges. Runs beside the worker; each round is safe to repeat. Not in charge of: anything a document waits for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from functools import partial

import structlog

from gateway.clock import SECOND, steady_seconds
from gateway.delivery.rounds import Rounds
from gateway.delivery.settle import give_up_unreachable, lease_expired
from gateway.errors import Busy, NotReady
from gateway.flow.second_copy import NoSecondCopy, settle_left
from gateway.model.delivery import OPEN
from gateway.model.text import Instant
from gateway.services import Services
from gateway.store import deliveries, doors, payloads
from gateway.store.contract import Tx

log = structlog.get_logger("gateway.janitor")

ROUND_SECONDS = 5.0
SWEEP_EVERY = 600 * SECOND
# Longer than any upload may take, so that a file whose row is about to be committed is never swept.
ORPHAN_SECONDS = 3600.0
DOORS_KEPT = 3600 * SECOND
BATCH = 200
MOST_LEASES = 10_000  # looked at in one round


class Janitor(Rounds):
    """One loop of every process."""

    def __init__(self, gw: Services, steady: Callable[[], float] = steady_seconds) -> None:
        super().__init__(log, ROUND_SECONDS)
        self._gw, self._steady = gw, steady
        self._leases: dict[str, float] = {}  # lease of an attempt -> when it was seen here first
        self._swept_at = gw.clock.now()

    async def turn(self) -> float:
        await self.round()
        return ROUND_SECONDS

    async def round(self) -> None:
        """Everything once."""
        gw = self._gw
        await gw.refresh(tell=False)
        self._reread_keys()
        if gw.fleet.leads:
            await self._once()
        counts = await gw.store.read(_open_by_state)
        for state in OPEN:
            gw.metrics.deliveries.labels(state.value).set(counts.get(state.value, 0))
        if gw.clock.now() - self._swept_at > SWEEP_EVERY:
            self._swept_at = gw.clock.now()
            await self.sweep()

    def _reread_keys(self) -> None:
        """Other nodes rotate keys, too. A folder that does not fit together leaves those in use in use."""
        try:
            self._gw.keyring.reread()
        except NotReady as error:
            log.error("keys not taken over", problem=error.text.en)

    async def _once(self) -> None:
        """What one node does for all; it is safe if two do."""
        gw = self._gw
        lost = None if not gw.store.shared else await self._lost_leases()
        if await gw.store.write(lambda tx: free_expired_leases(tx, gw, lost)):
            gw.bell.ring()
        await gw.store.write(lambda tx: give_up_unreachable(tx, gw, BATCH))
        try:
            await settle_left(gw)
        except NoSecondCopy:
            log.warning("second copies wait for their disk")

    async def _lost_leases(self) -> frozenset[str]:
        """Leases that were there for their whole time, counted here: clocks of other nodes say nothing."""
        rows = await self._gw.store.read(lambda tx: tx.all("leased_deliveries", limit=MOST_LEASES))
        now = self._steady()
        self._leases = {row["lease"]: self._leases.get(row["lease"], now) for row in rows}
        longest = self._gw.config.delivery.lease_seconds
        return frozenset(lease for lease, since in self._leases.items() if now - since >= longest)

    async def sweep(self) -> None:
        """Remove staged and payload files that no row claims and nobody is writing, and failures at the door
        that lock nothing any more."""
        now = self._gw.clock.now()
        await self._gw.store.write(lambda tx: doors.forget(tx, Instant(now - DOORS_KEPT), now))
        staged = await asyncio.to_thread(self._gw.blobs.sweep_staged, ORPHAN_SECONDS)
        gone = await self._sweep_payloads() if self._gw.fleet.leads else 0
        if staged or gone:
            log.info("orphans removed", staged=staged, payloads=gone)

    async def _sweep_payloads(self) -> int:
        """A page at a time, so that neither memory nor the database notices how many there are."""
        try:
            return await sweep_payloads(self._gw, ORPHAN_SECONDS)
        except Busy as error:
            log.warning("payloads not swept", problem=error.text.en)
        except NotReady as error:
            log.error("payloads not swept", problem=error.text.en)
        return 0


def free_expired_leases(tx: Tx, gw: Services, lost: Collection[str] | None = None) -> int:
    """Give deliveries back whose attempt never came back; how many. ``lost``: whose they are; ``None``: our
    own clock wrote the times, so it knows."""
    if lost is None:
        rows = tx.all("expired_leases", now=gw.clock.now(), limit=BATCH)
    else:
        every = tx.all("leased_deliveries", limit=MOST_LEASES) if lost else []
        rows = [row for row in every if row["lease"] in lost]
    for row in rows:
        lease_expired(tx, gw, deliveries.from_row(row), row["lease"])
    return len(rows)


async def sweep_payloads(gw: Services, older_than: float) -> int:
    """Remove payload files that no row names, untouched for so many seconds; how many. ``Busy``: a place does
    not answer; ``NotReady``: the bucket is another installation's, whose rows we cannot ask."""
    if gw.blobs.objects is not None:
        await asyncio.to_thread(gw.blobs.objects.claim, gw.identity)
    pages, gone = gw.blobs.aged(older_than), 0
    while (page := await asyncio.to_thread(next, pages, None)) is not None:
        known = await gw.store.read(partial(payloads.known, names=page.names))
        orphans = [name for name in page.names if name not in known]
        gone += await asyncio.to_thread(gw.blobs.drop, page.place, orphans)
    return gone


def _open_by_state(tx: Tx) -> dict[str, int]:
    return {row["state"]: row["deliveries"] for row in tx.all("count_open")}
