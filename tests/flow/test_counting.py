"""The figures kept: counted as leaves come, equal to counting all at once, renewed when reference data change."""

from __future__ import annotations

from datetime import date

from gateway.clock import SECOND
from gateway.compliance import counting
from gateway.model.text import AgencyCode, Instant
from tests.world import World

DAY = date(2020, 4, 13)
H37, STT = AgencyCode("H37"), AgencyCode("H37.03")


async def counted(world: World) -> dict[AgencyCode, dict[str, int]]:
    """The sums of the day, everything sequenced and counted."""
    await world.gw.sequencer.advance(publish=True)
    await counting.catch_up(world.gw)
    return await counting.sums(world.gw, DAY, DAY)


async def test_a_document_counts_for_its_sender_and_a_delivery_for_its_recipient(world: World) -> None:
    await world.send("H37", to=["H37.03", "H37.05"])
    await world.fetch("H37.03")

    sums = await counted(world)

    assert sums[H37]["D.sent"] == 1
    assert sums[H37]["D.recipients"] == 2
    assert sums[H37]["K2.none"] == 1
    assert sums[STT]["R.n"] == 1
    assert sums[STT]["K5.system"] == 1
    assert sums[STT]["K5.none"] == 1
    assert sums[AgencyCode("H37.05")] == {"R.n": 1, "K8.never": 1, "K8.young": 1}


async def test_an_update_makes_no_document_and_a_replacement_does(world: World) -> None:
    first = await world.send("H37", to=["H37.03"])
    assert first.document
    document_id = "H37,2020/04/13,362/UBND-KGVX"
    from gateway.model.envelope import Kind

    await world.send("H37", to=["H37.05"], kind=Kind.UPDATE, document_id=document_id, added=["H37.05"])
    await world.send("H37", to=["H37.03"], kind=Kind.REPLACE, number="363", replaces=[document_id])

    sums = await counted(world)

    assert sums[H37]["D.sent"] == 2
    assert sums[H37]["D.replace"] == 1
    assert sums[H37]["D.recipients"] == 3
