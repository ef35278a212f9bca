"""The worker: claims what is due, hands it to an adapter, writes down how it went.

In charge of: the loop, leases, and how many attempts run at one time, in all and towards one destination.
Lease, attempt count and next time are committed before anything goes out, so a worker that dies costs a
polite retry and never a document. Not in charge of: pull deliveries (``flow/inbox.py`` settles them).
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace

import structlog

from gateway.clock import SECOND, local_day
from gateway.delivery.retry import wait_after
from gateway.delivery.settle import LOCAL_FAULT, Attempt, settle
from gateway.flow.payload import open_payload
from gateway.flow.peers import settings_of
from gateway.model.delivery import Delivery
from gateway.model.envelope import Kind
from gateway.model.text import AgencyCode, Bilingual, DocumentId, Instant
from gateway.port import Adapter, Outcome, Parcel, TryLater
from gateway.services import WORK, Services
from gateway.store import deliveries, peers
from gateway.store.contract import Tx

log = structlog.get_logger("gateway.delivery")

IDLE_SECONDS = 1.0
LOOK_FURTHER = 2  # times the deliveries that are wanted: some of the first may have no room in their lane


class Worker:
    """One loop of one process. ``adapters`` maps a kind to its outbound half."""

    def __init__(self, gw: Services, adapters: Mapping[str, Adapter]) -> None:
        self._gw = gw
        self._adapters = adapters
        self._running: set[asyncio.Task[None]] = set()
        self._stopping = self._full = False

    async def run(self) -> None:
        """Work until ``stop``; then let running attempts end."""
        while not self._stopping:
            claimed = await self._claim_safely()
            for attempt in claimed:
                task = asyncio.create_task(self._carry(attempt))
                self._running.add(task)
                task.add_done_callback(self._finished)
            if not claimed:
                await self._gw.bell.wait(IDLE_SECONDS)
        if self._running:
            await asyncio.gather(*self._running, return_exceptions=True)

    def stop(self) -> None:
        """Claim nothing more."""
        self._stopping = True
        self._gw.bell.ring()

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._gw.bell.ring()

    async def _claim_safely(self) -> list[Attempt]:
        free = self._gw.config.delivery.concurrency - len(self._running)
        if free <= 0:
            if not self._full:  # once in a busy time: others may have a hand free, then look by themselves
                self._gw.call(WORK)
            self._full = True
            return []
        try:
            claimed = await self._gw.store.write(lambda tx: claim_due(tx, self._gw, free))
            self._full = self._full and len(claimed) == free
            return claimed
        except Exception:  # a loop that ends in silence is the worst outage
            log.exception("claim failed, trying again")
            await asyncio.sleep(IDLE_SECONDS)
            return []

    async def _carry(self, attempt: Attempt) -> None:
        """One attempt, start to end. Whatever goes wrong here, the lease runs out and it is tried again."""
        outcome = await self._hand_over(attempt)
        self._gw.metrics.attempts.labels(attempt.delivery.adapter, type(outcome).__name__.lower()).inc()
        try:
            await self._gw.store.write(lambda tx: settle(tx, self._gw, attempt, outcome))
        except Exception:
            log.exception("outcome not written, the lease will run out", delivery=attempt.delivery.id)

    async def _hand_over(self, attempt: Attempt) -> Outcome:
        seconds = self._gw.config.delivery.lease_seconds * 0.8
        try:
            async with asyncio.timeout(seconds):
                adapter = self._adapters[attempt.delivery.adapter]
                return await adapter.deliver(await self._parcel(attempt))
        except TimeoutError:
            return TryLater("attempt.timeout", _TIMEOUT)
        except Exception as error:  # the port's promise: any exception means "not now"
            log.exception("attempt failed", delivery=attempt.delivery.id)
            detail = f"{type(error).__name__}: {error}"
            return TryLater(LOCAL_FAULT, Bilingual(f"Lỗi khi gửi: {detail}", f"Failed to send: {detail}"))

    async def _parcel(self, attempt: Attempt) -> Parcel:
        gw, delivery = self._gw, attempt.delivery
        payload = await open_payload(gw, delivery)
        way, addressed, all_addressed = await gw.store.read(
            lambda tx: (
                peers.way_of(tx, delivery.message),
                peers.addressed_as(tx, delivery.id),
                deliveries.addressed_of(tx, delivery.message),
            )
        )
        settings = await settings_of(gw, delivery.destination)
        unread = [payload]

        async def stream() -> AsyncIterator[bytes]:
            """The bytes, from their beginning each time: a partner may ask for a new login first."""
            opened = unread.pop() if unread else await open_payload(gw, delivery)
            for chunk in opened.chunks:
                yield chunk

        return Parcel(
            delivery_id=delivery.id,
            message_id=delivery.message,
            kind=Kind(delivery.kind),
            sender=delivery.sender,
            document_id=DocumentId(delivery.document_id),
            recipient=delivery.recipient,
            urgency=delivery.urgency,
            envelope_sha256=payload.sha256.hex(),
            size=payload.size,
            attempt=delivery.attempts,
            settings=settings,
            open=stream,
            addressed=AgencyCode(addressed),
            named=self._named(AgencyCode(addressed), settings) if len(all_addressed) > 1 else "",
            way=(*way, gw.config.gateway.name),
        )

    def _named(self, code: AgencyCode, settings: Mapping[str, str]) -> str:
        """A code as the partner writes codes (setting ``codes``; without, the canonical one)."""
        on = local_day(self._gw.clock.now())
        return self._gw.directory.written_form(code, settings.get("codes", "qd20"), on)


def claim_due(tx: Tx, gw: Services, limit: int) -> list[Attempt]:
    """Lease up to ``limit`` due deliveries, most urgent and oldest first.

    At most ``delivery.per_destination`` attempts run towards one destination, and a single one while it is
    failing. On return (after the commit) lease, attempt and next time are on disk.
    """
    now = gw.clock.now()
    most = gw.config.delivery.per_destination
    running = Counter[str]()
    chosen: list[Delivery] = []
    tx.all("walk_in_order")
    for row in tx.all("due_deliveries", now=now, limit=limit * LOOK_FURTHER, per_destination=most):
        running[row["destination"]] += 1
        room = 1 if row["failures"] else most
        if row["running"] + running[row["destination"]] <= room and len(chosen) < limit:
            chosen.append(deliveries.from_row(row))
    return _lease(tx, gw, chosen, now)


def _lease(tx: Tx, gw: Services, chosen: list[Delivery], now: Instant) -> list[Attempt]:
    """All of them in two calls of the database: one by one, its round trips were most of the work."""
    until = Instant(now + gw.config.delivery.lease_seconds * SECOND)
    attempts = []
    for old in chosen:
        number = old.attempts + 1
        due_at = Instant(now + wait_after(number, old.id))
        leased = replace(old, attempts=number, leased_until=until, due_at=due_at)
        attempts.append(Attempt(leased, gw.new_id(), now))
    deliveries.lease(tx, [(attempt.delivery, attempt.lease) for attempt in attempts], now)
    return attempts


_TIMEOUT = Bilingual(
    "Hệ thống của đơn vị nhận không trả lời trong thời gian cho phép.",
    "The recipient's system did not answer in time.",
)
