"""Timestamps for checkpoints: the loop that has the newest head of the exchange log stamped (RFC 3161).

In charge of: when, asking the service, trying again. Not in charge of: what is stamped
(``exchange_log/receipts.py``), judging the answer (``signature/timestamp.py``).

A head covers all leaves before it, so only the newest published one is stamped: while the service is away,
heads gather, and one token covers them all afterwards. No document ever waits for any of this.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import structlog

from gateway.clock import random_bytes
from gateway.delivery.rounds import Rounds
from gateway.exchange_log.receipts import stamped_bytes
from gateway.net import Net, Unreachable
from gateway.services import Services
from gateway.signature.timestamp import judge_response, make_request
from gateway.store import log as rows
from gateway.store.contract import Tx
from gateway.store.log import SignedHead

log = structlog.get_logger("gateway.stamp")

LONGEST_WAIT_SECONDS = 3600
_HEADERS = {"Content-Type": "application/timestamp-query", "Accept": "application/timestamp-reply"}


class Stamper(Rounds):
    """One loop of one process."""

    def __init__(self, gw: Services, net: Net) -> None:
        super().__init__(log, LONGEST_WAIT_SECONDS)
        self._gw = gw
        self._net = net
        self._failures = 0

    async def run(self) -> None:
        """Stamp what waits, again and again, until ``stop``. Nothing to do without a service."""
        if self._gw.config.trust.timestamp_url:
            await super().run()

    async def turn(self) -> float:
        await self.round()
        return self.wait_seconds

    def after_error(self) -> float:
        self._failures += 1
        return self.wait_seconds

    @property
    def wait_seconds(self) -> int:
        """Until the next round: doubled with each failure in a row."""
        seconds = self._gw.config.trust.timestamp_seconds
        longest = max(seconds, LONGEST_WAIT_SECONDS)
        return min(longest, seconds << min(self._failures, 16))

    async def round(self) -> bool:
        """Have the newest head stamped, if it covers more than the last one stamped. True when it was."""
        head = await self._gw.store.read(unstamped)
        if head is None:
            return False
        problem = await self._have_stamped(head)
        self._gw.metrics.timestamps.labels(problem or "ok").inc()
        if problem:
            self._failures += 1
            log.warning("no timestamp, trying again", problem=problem, seconds=self.wait_seconds)
            return False
        self._failures = 0
        return True

    async def _have_stamped(self, head: SignedHead) -> str:
        """Ask, judge, keep. ``""`` when the token is kept, else what is wrong."""
        data, nonce = stamped_bytes(head.note), int.from_bytes(random_bytes(8))
        request, url = make_request(data, nonce), self._gw.config.trust.timestamp_url
        try:
            answer = await self._net.post(url, _once(request), len(request), _HEADERS)
        except Unreachable as error:
            return error.code
        if answer.status != 200:
            return f"http.{answer.status}"
        found = judge_response(answer.body, data, nonce, self._gw.trust_store, self._gw.clock.now())
        if not found.worth_keeping or found.time is None:
            return found.problem
        token, time = found.token, found.time
        await self._gw.store.write(lambda tx: rows.set_token(tx, head.number, token, time))
        return ""


def unstamped(tx: Tx) -> SignedHead | None:
    """The newest published head, when it covers leaves that no timestamp covers."""
    newest, stamped = rows.published(tx), rows.stamped(tx)
    covers_more = newest is not None and (stamped is None or newest.size > stamped.size)
    return newest if covers_more else None


async def _once(body: bytes) -> AsyncIterator[bytes]:
    yield body
