"""Nodes wake each other: a key that is revoked on one is refused on the others at once.

In charge of: saying what this node has to call, a moment later so that many calls become one, and doing what
others call. Not in charge of: who calls what (``Services.call``). Every word has a timer behind it (the
janitor's round, the worker's rest), so a lost one costs seconds and never a document. Calls are made in
transactions of their own: NOTIFY makes commits wait for each other, and none of ours shall.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import structlog

from gateway.services import CHANGED, WORK, Services

log = structlog.get_logger("gateway.wakes")

GATHER_SECONDS = 0.05
REST_SECONDS = 60.0


class Wakes:
    """One loop of every process. ``listen`` begins to hear; not called where nobody else can be."""

    def __init__(self, gw: Services, listen: Callable[[], AsyncIterator[str]]) -> None:
        self._gw, self._listen = gw, listen
        self._stopped = False

    async def run(self) -> None:
        """Call and hear until ``stop``."""
        if not self._gw.store.shared:
            return
        hearing = asyncio.create_task(self._hear())
        while not self._stopped:
            await self._gw.calls.bell.wait(REST_SECONDS)
            await asyncio.sleep(GATHER_SECONDS)
            await self._say()
        hearing.cancel()
        await asyncio.gather(hearing, return_exceptions=True)

    def stop(self) -> None:
        """End."""
        self._stopped = True
        self._gw.calls.bell.ring()

    async def _say(self) -> None:
        try:
            await self._gw.tell_nodes()
        except Exception as error:
            log.warning("other nodes were not woken, their timers will do it", problem=str(error))

    async def _hear(self) -> None:
        async for call in self._listen():
            word, _, caller = call.partition(" ")
            if caller == self._name:
                continue
            try:
                await self._do(word)
            except Exception as error:
                log.warning("a call of another node led to nothing", word=word, problem=str(error))

    async def _do(self, word: str) -> None:
        """``""``: anything may have been called while nobody heard."""
        if word in (CHANGED, ""):
            await self._gw.refresh(tell=False)
            self._gw.keyring.reread()
        if word in (WORK, ""):
            self._gw.bell.ring()

    @property
    def _name(self) -> str:
        return self._gw.fleet.me.id if self._gw.fleet.me else ""
