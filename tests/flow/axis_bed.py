"""A gateway of the province H37 beside a simulated national axis, joined by a connection of kind ``axis``."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adapters.vxp.axis import Axis
from adapters.vxp.client import VxpClient
from gateway.delivery.collect import Collecting
from gateway.delivery.worker import Worker, claim_due
from gateway.directory.data import DirectoryData
from gateway.flow import office
from gateway.flow.operate import LOCAL
from gateway.model.agency import Agency, Profile
from gateway.model.text import AgencyCode
from gateway.net import Net
from gateway.practice.axis import SimulatedAxis, System
from gateway.store import collected
from gateway.store.contract import Store
from tests.world import World, make_world

PROVINCE = System("H37", "khoa-bi-mat-cua-tinh", ("H37",), strict=True)
MINISTRY = System("G09", "khoa-bi-mat-cua-bo", ("G09", "G77"))
AXIS = AgencyCode("G22")  # Văn phòng Chính phủ stands for its axis
BEYOND = DirectoryData(
    tuple(
        Agency(AgencyCode(code), name, "outside", AgencyCode(parent) if parent else None)
        for code, name, parent in (
            ("G22", "Văn phòng Chính phủ", ""),
            ("G09", "Bộ Khoa học và Công nghệ", ""),
            ("G09.01", "Cục Chuyển đổi số", "G09"),
            ("G09.02", "Cục Viễn thông", "G09"),
        )
    )
)


@dataclass(slots=True)
class Bed:
    """Everything, and what each side does."""

    world: World
    axis: SimulatedAxis
    net: Net
    worker: Worker
    loop: Collecting
    ministry: VxpClient

    async def carry(self) -> None:
        """The worker hands over what is due."""
        gw = self.world.gw
        while attempts := await gw.store.write(lambda tx: claim_due(tx, gw, 100)):
            await asyncio.gather(*(self.worker._carry(attempt) for attempt in attempts))

    async def look(self) -> None:
        """One look at the axis."""
        await self.loop.look(AXIS)

    async def deliveries(self, kind: str = "") -> list[dict[str, Any]]:
        """All deliveries, of one kind of message or of all."""
        documents = await self.world.rows("recent_documents", before=2**62, limit=1000)
        rows: list[dict[str, Any]] = []
        for document in documents:
            rows += await self.world.rows("deliveries_of_document", document=str(document["id"]))
        return [row for row in rows if kind in ("", row["kind"])]

    async def collected(self) -> dict[str, str]:
        """docId -> what became of it."""
        found = {}
        for doc_id in self.axis.items:
            row = await self.world.gw.store.read(lambda tx, at=doc_id: collected.find(tx, AXIS, at))
            if row is not None:
                found[doc_id] = row.outcome.value
        return found


@contextlib.asynccontextmanager
async def make_bed(store: Store, home: Path, **axis_fields: Any) -> AsyncIterator[Bed]:
    """The bed; ``axis_fields`` go to the simulated axis."""
    net = Net("127.0.0.0/8", 5)
    async with make_world(store, home, agencies=BEYOND) as world:
        clock = world.clock
        async with SimulatedAxis([PROVINCE, MINISTRY], clock=clock, **axis_fields) as axis:
            kind = Axis(net, clock)
            world.gw.kinds = {**world.gw.kinds, Axis.kind: False}
            world.gw.collectors = {Axis.kind: kind}
            await connect(world, axis.url)
            ministry = VxpClient(net, axis.url, MINISTRY.system_id, MINISTRY.secret, clock)
            yield Bed(world, axis, net, Worker(world.gw, {Axis.kind: kind}), Collecting(world.gw), ministry)
    await net.close()


async def connect(world: World, url: str, **settings: str) -> None:
    """The connection; ``settings`` over the usual ones."""
    usual = {"url": url, "system_id": "H37", "serves": "others", "ours": "H37", "codes": "qd20"}
    profile = Profile(AXIS, Axis.kind, tuple(sorted((usual | settings).items())))
    await office.set_profile(world.gw, LOCAL, profile, PROVINCE.secret)
