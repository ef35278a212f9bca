"""What ``gateway doctor`` says of the nodes on a shared database.

In charge of: looking twice, a heartbeat apart, so that no clock has to be believed. Not in charge of: the
words (``flow/nodes.py``), any other line (``doctor.py``).
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from gateway import config
from gateway.clock import SystemClock
from gateway.delivery.leader import BEAT_SECONDS
from gateway.flow.nodes import Concern, concerns, name_of
from gateway.model.node import Seen
from gateway.model.text import Bilingual
from gateway.store import nodes, open_store


async def look(
    home: Path, loaded: config.Config, between: float = 1.5 * BEAT_SECONDS
) -> tuple[Bilingual, list[Concern]] | None:
    """Who is there, and what is wrong; ``None`` where one process has the database to itself."""
    if not loaded.database.is_shared:
        return None
    clock = SystemClock()
    store = await open_store(loaded.database.url, home, clock=clock, purpose="doctor", read_only=True)
    try:
        before = {node.id: node.beat for node in await store.read(nodes.everybody)}
        if before:
            await asyncio.sleep(between)
        after, lease = await store.read(lambda tx: (nodes.everybody(tx), nodes.lease(tx)))
    finally:
        await store.close()
    seen = [Seen(node, between, node.beat != before.get(node.id)) for node in after]
    return _summary(seen, lease.holder), concerns(seen, lease.holder)


def _summary(seen: list[Seen], leader: str) -> Bilingual:
    alive = [one.node for one in seen if one.alive]
    if not alive:
        return Bilingual("Không có nút nào đang chạy", "No node runs.")
    first = next((name_of(node) for node in alive if node.id == leader), "—")
    return Bilingual(
        f"{len(alive)} nút đang chạy; nút chính: {first}", f"{len(alive)} nodes run; {first} leads."
    )
