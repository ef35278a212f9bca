"""What is compared with a partner once a day: yesterday's deliveries, and its agency list.

In charge of: when. Not in charge of: comparing (``flow/reconcile.py``, ``flow/agency_sync.py``).

An agency list is only looked at and written down as an event; a person applies it, unless the setting
``directory=apply`` of the connection says otherwise (``off``: not even looked at); even then no agency is
closed because a list lacks it.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

import structlog

from gateway.clock import SECOND, local
from gateway.errors import GatewayError
from gateway.flow.agency_sync import sync_agencies
from gateway.flow.operate import LOCAL
from gateway.flow.reconcile import reconcile
from gateway.model.text import AgencyCode, Instant
from gateway.port import Unavailable
from gateway.services import Services
from gateway.store import collected

log = structlog.get_logger("gateway.collect")

HOUR = 3600 * SECOND
LONGEST_SECONDS = 1800  # a partner that answers for ever must not keep us from collecting
NOT_BEFORE = 1  # o'clock: by then the partner's list of yesterday is complete


class Daily:
    """What is due for each partner. A failure, of whatever kind, is tried again after an hour."""

    def __init__(self, gw: Services) -> None:
        self._gw = gw
        self._rest_until: dict[AgencyCode, Instant] = {}

    async def see_to(self, partner: AgencyCode) -> None:
        """Do what is due, if anything is."""
        now = self._gw.clock.now()
        if now < self._rest_until.get(partner, 0):
            return
        self._rest_until[partner] = Instant(now + HOUR)
        try:
            async with asyncio.timeout(LONGEST_SECONDS):
                await self._reconcile(partner, now)
                await self._compare(partner, now)
        except (Unavailable, GatewayError) as error:
            log.warning("daily comparison failed", partner=partner, code=error.code, reason=error.text.en)
        except TimeoutError:
            log.warning("daily comparison took too long", partner=partner, seconds=LONGEST_SECONDS)
        else:
            del self._rest_until[partner]

    async def _reconcile(self, partner: AgencyCode, now: Instant) -> None:
        moment = local(now)
        day = (moment - timedelta(days=1)).date()
        if moment.hour < NOT_BEFORE:
            return
        made = await self._gw.store.read(lambda tx: collected.reconciliation_of(tx, partner, day.isoformat()))
        if made is None:
            await reconcile(self._gw, LOCAL, partner, day)

    async def _compare(self, partner: AgencyCode, now: Instant) -> None:
        how = dict(self._gw.directory.profile(partner).settings).get("directory", "preview")
        state = await self._gw.store.read(lambda tx: collected.state_of(tx, partner))
        last = state.compared_at if state is not None else None
        if how != "off" and (last is None or now - last >= 24 * HOUR):
            await sync_agencies(self._gw, LOCAL, partner, apply=how == "apply", unattended=True)
