"""An outage counts only when a second person approved it, and until it is withdrawn."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from gateway.clock import from_datetime
from gateway.errors import BadRequest, NotFound, NotPermitted, WrongState
from gateway.flow import outages
from gateway.flow.door import Caller
from gateway.flow.operate import LOCAL, run
from gateway.model.text import Instant
from gateway.store import events
from gateway.store import outages as rows
from gateway.store.people import Role
from tests.world import World

SECOND_PERSON = Caller("admin-2", "Quản trị viên thứ hai", Role.ADMINISTRATOR, frozenset())
AUDITOR = Caller("auditor-1", "Thanh tra viên", Role.AUDITOR, frozenset())
START = datetime(2020, 4, 13, 10, 5, tzinfo=UTC)
STOP = datetime(2020, 4, 13, 11, 40, tzinfo=UTC)
WHY = "Mất điện phòng máy chủ"


@pytest.fixture(autouse=True)
def later(world: World) -> None:
    """It is evening: the outage is over."""
    world.clock.jump_to(from_datetime(datetime(2020, 4, 13, 12, 0, tzinfo=UTC)))


async def proposed(world: World, **fields: Any) -> rows.Outage:
    given = {"from_at": START, "to_at": STOP, "reason": WHY} | fields
    return await outages.propose_outage(world.gw, LOCAL, **given)


async def in_force(world: World) -> list[rows.Outage]:
    return await world.gw.store.read(lambda tx: rows.in_force(tx, Instant(0), Instant(2**53)))


async def bodies(world: World, kind: str) -> list[dict[str, Any]]:
    found = await world.rows("events_after", at=0, id="", limit=10_000)
    return [orjson.loads(bytes(row["body"])) for row in found if row["type"] == kind]  # type: ignore[call-overload]


async def test_a_proposal_alone_takes_nothing_out_and_is_no_event(world: World) -> None:
    await proposed(world)
    assert await in_force(world) == []
    assert await bodies(world, "outage.recorded") == []


async def test_an_outage_that_a_second_person_approved_is_an_event_with_its_hours(world: World) -> None:
    one = await proposed(world, agency="H37.32.22")
    await outages.decide_outage(world.gw, SECOND_PERSON, one.id, True, "Đã kiểm tra nhật ký")
    [body] = await bodies(world, "outage.recorded")
    assert (body["from"], body["to"]) == (from_datetime(START), from_datetime(STOP))
    assert (body["agency"], body["approver"], body["outage"]) == ("H37.32.22", "admin-2", one.id)
    assert WHY not in str(body)
    assert [found.id for found in await in_force(world)] == [one.id]


async def test_nobody_approves_their_own_outage(world: World) -> None:
    one = await proposed(world)
    with pytest.raises(NotPermitted) as caught:
        await outages.decide_outage(world.gw, LOCAL, one.id, True)
    assert caught.value.code == "outage.same_person"
    assert await in_force(world) == []


async def test_the_reason_moves_beside_the_event(world: World) -> None:
    one = await proposed(world)
    decided = await outages.decide_outage(world.gw, SECOND_PERSON, one.id, True)
    assert decided.reason == ""
    private = await world.gw.store.read(lambda tx: events.private_values(tx, decided.event))
    assert private == {"reason": WHY}
    [line] = await outages.list_outages(world.gw, AUDITOR)
    assert (line["reason"], line["standing"]) == (WHY, "in force")


async def test_a_declined_outage_never_counts_and_cannot_be_decided_again(world: World) -> None:
    one = await proposed(world)
    await outages.decide_outage(world.gw, SECOND_PERSON, one.id, False)
    with pytest.raises(WrongState):
        await outages.decide_outage(world.gw, SECOND_PERSON, one.id, True)
    assert await in_force(world) == []


async def test_a_withdrawn_outage_counts_no_more_and_says_why_in_an_event(world: World) -> None:
    one = await proposed(world)
    await outages.decide_outage(world.gw, SECOND_PERSON, one.id, True)
    await outages.withdraw_outage(world.gw, LOCAL, one.id, "Ghi nhầm ngày")
    [body] = await bodies(world, "outage.withdrawn")
    assert body["outage"] == one.id
    assert await in_force(world) == []
    with pytest.raises(WrongState):
        await outages.withdraw_outage(world.gw, LOCAL, one.id, "Lần nữa")


@pytest.mark.parametrize(
    ("start", "stop"),
    [(STOP, START), (START, START), (START, datetime(2020, 4, 13, 23, tzinfo=UTC)),
     (datetime(2020, 1, 1, tzinfo=UTC), STOP)],
    ids=["ends-first", "empty", "not-over", "too-long"],
)  # fmt: skip
async def test_times_that_no_outage_has_are_refused(world: World, start: datetime, stop: datetime) -> None:
    with pytest.raises(BadRequest) as caught:
        await proposed(world, from_at=start, to_at=stop)
    assert caught.value.code == "outage.times"


async def test_an_outage_needs_a_reason_a_known_agency_and_an_operator(world: World) -> None:
    with pytest.raises(BadRequest):
        await proposed(world, reason="  ")
    with pytest.raises(NotFound):
        await proposed(world, agency="H99")
    with pytest.raises(NotPermitted):
        await outages.propose_outage(world.gw, AUDITOR, START, STOP, WHY)
    with pytest.raises(NotPermitted):
        await outages.list_outages(world.gw, world.caller("H37"))


async def test_the_command_line_proposes_and_lists(world: World) -> None:
    times = {"from_at": START.isoformat(), "to_at": STOP.isoformat()}
    made = await run(world.gw, "outage.propose", times | {"reason": WHY})
    [line] = await run(world.gw, "outage.list", {})
    assert (line["id"], line["standing"]) == (made["id"], "proposed")
