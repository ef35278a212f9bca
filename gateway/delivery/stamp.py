"""Timestamps for receipts: the loop that gathers receipts into a tree and has its head stamped.

In charge of: when, how many, asking the service, trying again. Not in charge of: what is stamped
(``exchange_log/receipts.py``), judging the answer (``signature/timestamp.py``).

The tree is committed before the service is asked. If we die between the two, or the service is down, the
next round asks for the same head; no new tree is begun meanwhile, so receipts gather for the one after. No
document ever waits for any of this.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import structlog

from gateway.clock import random_bytes, to_rfc3339
from gateway.delivery.rounds import Rounds
from gateway.exchange_log.receipts import hash_receipt, head_of, stamped_bytes
from gateway.flow.record import GATEWAY, event
from gateway.model.event import EventType
from gateway.net import Net, Unreachable
from gateway.services import Services
from gateway.signature.timestamp import Judged, judge_response, make_request
from gateway.store import events, stamps
from gateway.store.contract import Tx
from gateway.store.stamps import Leaf, Stamp

log = structlog.get_logger("gateway.stamp")

MOST_RECEIPTS = 2_000  # under one token: keeps the commit short, all writers wait for it
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
        """A full tree is followed by the next at once."""
        return 0 if await self.round() else self.wait_seconds

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
        """The tree that waits, else a new one. True when it was stamped and was full: more may wait."""
        stamp = await self._gw.store.read(stamps.waiting) or await self._gather()
        self._gw.metrics.receipts_unstamped.set(await self._gw.store.read(stamps.count_unstamped))
        if stamp is None:
            return False
        problem = await self._have_stamped(stamp)
        self._gw.metrics.timestamps.labels(problem or "ok").inc()
        if problem:
            self._failures += 1
            log.warning("no timestamp, trying again", problem=problem, seconds=self.wait_seconds)
            return False
        self._failures = 0
        return stamp.size == MOST_RECEIPTS

    async def _gather(self) -> Stamp | None:
        """A tree over receipts that are in none yet, committed; ``None`` when none waits."""
        gw = self._gw
        leaves = await gw.store.read(_waiting_leaves)
        if not leaves:
            return None
        hashes = [leaf.hash for leaf in leaves]
        root = await gw.offload(len(hashes) * 256, head_of, hashes)
        stamp = Stamp(gw.new_id(), len(leaves), root, gw.clock.now())
        await gw.store.write(lambda tx: stamps.add(tx, stamp, leaves))
        return stamp

    async def _have_stamped(self, stamp: Stamp) -> str:
        """Ask, judge, keep. ``""`` when the token is kept, else what is wrong."""
        data, nonce = stamped_bytes(stamp.size, stamp.root), int.from_bytes(random_bytes(8))
        request, url = make_request(data, nonce), self._gw.config.trust.timestamp_url
        try:
            answer = await self._net.post(url, _once(request), len(request), _HEADERS)
        except Unreachable as error:
            return error.code
        if answer.status != 200:
            return f"http.{answer.status}"
        found = judge_response(answer.body, data, nonce, self._gw.trust_store, self._gw.clock.now())
        if not found.worth_keeping:
            return found.problem
        await self._gw.store.write(lambda tx: _keep(tx, self._gw, stamp, found))
        return ""


def _waiting_leaves(tx: Tx) -> list[Leaf]:
    return [Leaf(receipt, hash_receipt(jws)) for receipt, jws in stamps.unstamped(tx, MOST_RECEIPTS)]


def _keep(tx: Tx, gw: Services, stamp: Stamp, found: Judged) -> None:
    assert found.time is not None
    if not stamps.set_token(tx, stamp.id, found.token, found.time):
        return  # another process was first
    facts = {
        "stamp": stamp.id,
        "receipts": stamp.size,
        "root": stamp.root.hex(),
        "stamped_at": to_rfc3339(found.time),
        "authority": found.authority,
    }
    events.record(tx, event(gw, EventType.RECEIPTS_STAMPED, GATEWAY, gw.clock.now(), facts=facts))


async def _once(body: bytes) -> AsyncIterator[bytes]:
    yield body
