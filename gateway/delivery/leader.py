"""One node leads: it does the work that must be done once, and another one takes over when it is gone.

In charge of: this node's heartbeat, what it knows of the others, the lease of the clock work, and the loops
that run only while this node holds it. Not in charge of: what a holder may still write once it lost the lease
without noticing (``store/fence.py`` refuses that), which loops these are (``app.py``).

No clock is compared with another one, for clocks of nodes are minutes off and are set: a node counts as gone
when its heartbeat has not grown for ``LEASE_SECONDS`` of time that the looking node counted itself. So a
lease changes hands that long after its holder's last sign of life at the earliest, and two beats later at
the latest.

A process that has its database to itself (SQLite) leads from its first moment and writes no heartbeats.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import platform
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from contextvars import copy_context
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import Protocol

import structlog

from gateway.clock import steady_seconds
from gateway.model.node import Node, Seen
from gateway.services import Bell, Services
from gateway.store import nodes
from gateway.store.contract import Tx
from gateway.store.fence import Fence
from gateway.store.nodes import Lease

log = structlog.get_logger("gateway.leader")

BEAT_SECONDS = 2.0
LEASE_SECONDS = 8.0
FORGET_SECONDS = 600.0  # a node that was silent for so long is no longer shown


class Loop(Protocol):
    """What runs while this node leads."""

    async def run(self) -> None: ...

    def stop(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds between beats, and of silence after which a holder counts as gone."""

    beat: float = BEAT_SECONDS
    lease: float = LEASE_SECONDS


PACE = Pace()


@dataclass(slots=True)
class _Office:
    """The lease while it is ours, and what runs with it."""

    lease: Lease
    loops: Sequence[Loop]
    tasks: list[asyncio.Task[None]]


def this_node(gw: Services) -> Node:
    """This process, as others are told of it."""
    now, release = gw.clock.now(), version("document-gateway")
    return Node(gw.new_id(), platform.node(), os.getpid(), release, digest_of_keys(gw), now, now, 0)


def digest_of_keys(gw: Services) -> str:
    """Equal on nodes that hold the same keys, and tells nothing of them."""
    names = ",".join(sorted(row.name for row in gw.keyring.describe()))
    return hashlib.sha256(names.encode()).hexdigest()[:16]


class Leadership:
    """One loop of one process. ``loops`` makes those of the leader, anew each time that this node leads."""

    def __init__(
        self,
        gw: Services,
        me: Node,
        loops: Callable[[], Sequence[Loop]],
        pace: Pace = PACE,
        steady: Callable[[], float] = steady_seconds,
    ) -> None:
        self._gw, self._me, self._loops = gw, me, loops
        self._pace, self._steady = pace, steady
        self._bell = Bell()
        self._stopped = self._fallen = False
        self._office: _Office | None = None
        self._heard: dict[str, tuple[int, float]] = {}  # node -> its newest beat, and when it came
        self._beaten = steady()  # when our own newest beat was on its way
        gw.fleet.me, gw.fleet.leads = me, not gw.store.shared

    async def run(self) -> None:
        """Lead, or wait to, until ``stop``; then the loops end as they like, and others may lead at once."""
        if self._gw.store.shared:
            while not self._stopped:
                await self._safely()
                await self._bell.wait(self._pace.beat)
            await self._resign()
        else:
            self._begin(Lease(nodes.CLOCK_WORK, self._me.id, 0), None)
            await self._say_alone()
            while not self._stopped:
                await self._bell.wait(3600)
            await self._resign()
        with suppress(Exception):  # others notice without it
            await self._gw.store.write(lambda tx: nodes.forget(tx, self._me.id))

    def stop(self) -> None:
        """Lead no longer."""
        self._stopped = True
        self._bell.ring()

    async def _safely(self) -> None:
        """One turn and what follows from it; no error ends the heartbeat."""
        if not self._fallen:
            try:
                async with asyncio.timeout(self._pace.lease):
                    await self._turn()
            except Exception as error:
                log.warning("no heartbeat, trying again", problem=str(error) or type(error).__name__)
                self._fallen = self._steady() - self._beaten > self._pace.lease
        if self._fallen:
            await self._stand_down()
        elif self._gw.fleet.draining:
            await self._resign()

    async def _turn(self) -> None:
        """Beat, hear the others, and lead if nobody does."""
        began = self._steady()
        found, lease = await self._gw.store.write(self._beat(began))
        self._beaten = began
        silent = self._listen([node for node in found if node.id != self._me.id])
        fleet = self._gw.fleet
        fleet.leader, fleet.epoch = lease.holder, lease.epoch
        if self._office and self._office.lease != lease:
            self._fallen = True
        elif self._office:
            await self._forget(silent)
        elif not fleet.draining and self._is_free(lease, silent):
            await self._take(lease)
        self._show()

    def _beat(self, now: float) -> Callable[[Tx], tuple[list[Node], Lease]]:
        fleet = self._gw.fleet
        self._me = fleet.me = replace(
            self._me,
            keys=digest_of_keys(self._gw),
            seen_at=self._gw.clock.now(),
            beat=self._me.beat + 1,
            draining=fleet.draining,
            used=fleet.use(now - self._beaten),
        )

        def unit(tx: Tx) -> tuple[list[Node], Lease]:
            nodes.beat(tx, self._me)
            return nodes.everybody(tx), nodes.lease(tx)

        return unit

    def _listen(self, others: Iterable[Node]) -> dict[str, float]:
        """For how long each other node has been silent, in seconds counted here."""
        now, heard = self._steady(), {}
        for node in others:
            beat, since = self._heard.get(node.id, (-1, now))
            heard[node.id] = (node.beat, since if beat == node.beat else now)
        self._heard = heard
        silent = {name: now - since for name, (_, since) in heard.items()}
        seen = [Seen(one, silent[one.id], silent[one.id] < self._pace.lease) for one in others]
        self._gw.fleet.hear(tuple(seen))
        return silent

    def _is_free(self, lease: Lease, silent: dict[str, float]) -> bool:
        """Nobody has it, or its holder is gone. Ours from before we stood down is free, too."""
        return silent.get(lease.holder, self._pace.lease) >= self._pace.lease

    async def _take(self, had: Lease) -> None:
        taken = await self._gw.store.write(lambda tx: nodes.take(tx, had, self._me.id))
        if taken is not None:
            self._begin(taken, Fence(taken.name, taken.epoch, self._fell))
            log.info("this node leads", epoch=taken.epoch, before=had.holder or None)

    def _begin(self, lease: Lease, fence: Fence | None) -> None:
        """Start the loops: behind the fence, or as they are where nobody else can write."""
        self._fallen, fleet = False, self._gw.fleet
        fleet.leader, fleet.epoch, fleet.leads = self._me.id, lease.epoch, True
        loops = self._loops()
        contexts = [fence.context() if fence else copy_context() for _ in loops]
        tasks = [
            asyncio.create_task(loop.run(), context=context)
            for loop, context in zip(loops, contexts, strict=True)
        ]
        self._office = _Office(lease, loops, tasks)
        self._show()

    def _fell(self) -> None:
        """A write was refused: somebody else leads."""
        self._fallen = True
        self._bell.ring()

    async def _resign(self) -> None:
        """End the loops in order, and let others lead at once."""
        if (office := self._office) is None:
            return
        await self._end(office, patient=True)
        with suppress(Exception):  # it is taken over after its time
            await self._gw.store.write(lambda tx: nodes.release(tx, office.lease))
        log.info("this node leads no longer", epoch=office.lease.epoch)

    async def _stand_down(self) -> None:
        """End the loops at once: another node leads, or the database is away; they can write nothing more."""
        self._fallen = False
        if (office := self._office) is not None:
            log.warning("this node has lost the lease", epoch=office.lease.epoch)
            await self._end(office, patient=False)

    async def _end(self, office: _Office, *, patient: bool) -> None:
        self._office, self._gw.fleet.leads = None, False
        for loop in office.loops:
            loop.stop()
        for task in () if patient else office.tasks:
            task.cancel()
        for ended in await asyncio.gather(*office.tasks, return_exceptions=True):
            if isinstance(ended, Exception):
                log.error("a loop of the leader ended badly", problem=repr(ended))
        self._show()

    async def _say_alone(self) -> None:
        """Write down that there is this node and no other. Work goes on if that fails."""

        def unit(tx: Tx) -> Lease:
            nodes.forget_others(tx, self._me.id)
            nodes.beat(tx, self._me)
            return nodes.take(tx, had := nodes.lease(tx), self._me.id) or had

        try:
            lease = await self._gw.store.write(unit)
        except Exception as error:
            log.warning("the node is not written down", problem=str(error))
            return
        if self._office:
            self._office.lease = lease
        self._gw.fleet.epoch = lease.epoch
        self._show()

    async def _forget(self, silent: dict[str, float]) -> None:
        """Rows of nodes that have been gone for long."""
        for name in [name for name, seconds in silent.items() if seconds > FORGET_SECONDS]:
            await self._gw.store.write(lambda tx, name=name: nodes.forget(tx, name))  # type: ignore[misc]

    def _show(self) -> None:
        metrics, fleet = self._gw.metrics, self._gw.fleet
        metrics.leader.set(int(fleet.leads))
        metrics.lease_epoch.set(fleet.epoch)
        metrics.nodes.set(fleet.alive)
