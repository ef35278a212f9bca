"""Warnings before a certificate ends: 60 and 14 days ahead, each once.

In charge of: keeping what was noted of certificates in use, looking at their ends, and the warning as event,
log line and metric. A gateway that was down on the day warns when it is back. Not in charge of: what to do
about it (``flow/certificates.py`` says so), judging signatures.
"""

from __future__ import annotations

import structlog

from gateway.clock import to_rfc3339
from gateway.delivery.rounds import Rounds
from gateway.flow import record
from gateway.flow.certificates import DAY, IN_USE, SHOWN_AFTER, days_left, successor_of, trusted
from gateway.model.certificate import GATEWAY, ISSUER, UsedCertificate
from gateway.model.event import Event, EventType
from gateway.model.text import Instant
from gateway.services import Services
from gateway.store import certificates, events, signers
from gateway.store.contract import Tx

log = structlog.get_logger("gateway.watch")

WARN_DAYS = (60, 14)
ROUND_SECONDS = 60.0
LOOK_EVERY = DAY // 24
RECHECKED_FOR = 60 * DAY  # messages are judged again for so long


class CertificateWatch(Rounds):
    """One loop of one process."""

    def __init__(self, gw: Services) -> None:
        super().__init__(log, ROUND_SECONDS)
        self._gw = gw
        self._looked_at: Instant | None = None

    async def turn(self) -> float:
        await self.round()
        return ROUND_SECONDS

    async def round(self) -> None:
        """Keep what was noted; look at the ends when the last look was long ago."""
        now = self._gw.clock.now()
        await self._gw.keep_certificates()
        if self._looked_at is None or now - self._looked_at >= LOOK_EVERY:
            await self.look(now)
            self._looked_at = now

    async def look(self, now: Instant) -> list[UsedCertificate]:
        """Warn of every end that came near since the last look; what was warned of."""
        gw = self._gw
        await gw.refresh(tell=False)
        warned, near = await gw.store.write(lambda tx: _look(tx, gw, now))
        for one in warned:
            log.warning(
                "certificate expires soon",
                certificate=one.sha256,
                used_by=one.used_by,
                not_after=to_rfc3339(one.not_after),
                days_left=days_left(one, now),
                successor=successor_of(gw, one) or None,
            )
        for days in WARN_DAYS:
            within = [one for one in near if 0 <= days_left(one, now) <= days]
            gw.metrics.certificates_expiring.labels(str(days)).set(len(within))
        return warned


def _look(tx: Tx, gw: Services, now: Instant) -> tuple[list[UsedCertificate], list[UsedCertificate]]:
    """Certificates that are warned of now, and all whose end is near."""
    certificates.touch(tx, trusted(gw, now))
    signers.forget_uses(tx, Instant(now - RECHECKED_FOR))
    until = Instant(now + (max(WARN_DAYS) + 1) * DAY)
    near = certificates.ending(tx, Instant(now - SHOWN_AFTER), until, Instant(now - IN_USE))
    warned = []
    for one in near:
        days = _warning_due(one, now)
        if days is not None and certificates.mark_warned(tx, one.sha256, days):
            events.record(tx, _warning(gw, one, days, now))
            warned.append(one)
    return warned, near


def _warning_due(one: UsedCertificate, now: Instant) -> int | None:
    """60 or 14 when that warning was not given yet; the nearer one stands for both."""
    left = days_left(one, now)
    due = [days for days in WARN_DAYS if left <= days]
    if not due or (one.warned_days is not None and one.warned_days <= min(due)):
        return None
    return min(due)


def _warning(gw: Services, one: UsedCertificate, days: int, now: Instant) -> Event:
    """Without the subject: of a person's certificate it is a name."""
    successor = successor_of(gw, one)
    is_agency = one.used_by not in (GATEWAY, ISSUER)
    return record.event(
        gw,
        EventType.CERTIFICATE_EXPIRING,
        record.GATEWAY,
        now,
        facts={
            "certificate_sha256": one.sha256,
            "used_by": "agency" if is_agency else one.used_by,
            "not_after": one.not_after,
            "days": days,
            "days_left": days_left(one, now),
        }
        | ({"agency": one.used_by} if is_agency and one.used_by else {})
        | ({"successor": successor} if successor else {}),
    )
