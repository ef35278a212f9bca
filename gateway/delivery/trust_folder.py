"""Noticing what an administrator puts into the trust folder, without a restart.

In charge of: looking at the folder now and then (anchors, intermediates, CRLs, ``trust.toml``), and reading
it again once it lies still. A folder that cannot be read leaves what is known in force. Not in charge of:
what it means (``signature/trust.py``).
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import structlog

from gateway.delivery.rounds import Rounds
from gateway.errors import NotReady
from gateway.flow import footprints
from gateway.services import Services
from gateway.signature.trust import FolderState, TrustStore, folder_state
from gateway.store import rechecks

log = structlog.get_logger("gateway.trust")

LOOK_SECONDS = 10.0


class TrustFolder(Rounds):
    """One loop of one process."""

    def __init__(self, gw: Services, folder: Path) -> None:
        super().__init__(log, LOOK_SECONDS)
        self._gw = gw
        self._folder = folder
        self._seen: FolderState | None = None
        self._refused: FolderState | None = None

    async def turn(self) -> float:
        await self.look()
        return LOOK_SECONDS

    async def look(self) -> bool:
        """Read the folder again if it changed and then lay still from one look to the next: a file that is
        still being copied must not count. True when it was read."""
        state = await asyncio.to_thread(folder_state, self._folder)
        is_still, self._seen = state == self._seen, state
        if not is_still or state in (self._gw.trust_store.state, self._refused):
            return False
        try:
            store = await asyncio.to_thread(TrustStore.load, self._folder, (self._gw.revocation,))
        except NotReady as error:
            self._refused = state
            log.error("trust folder not taken over", problem=error.text.en)
            return False
        self._gw.trust_store = store
        now = self._gw.clock.now()
        await self._gw.store.write(lambda tx: rechecks.answer_came(tx, now))
        await footprints.note_settings(self._gw)
        log.info("trust folder read again", anchors=len(store.anchors), crls=len(store.crls))
        return True
