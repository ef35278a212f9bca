"""The ledger: nothing appears and nothing vanishes, counted from events alone, compared with the rows."""

from __future__ import annotations

import asyncio
from datetime import date
from itertools import chain
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings, strategies

from gateway.clock import SECOND
from gateway.delivery.conserve import Conservation
from gateway.errors import NotPermitted
from gateway.exchange_log.sequence import Sequencer
from gateway.flow import conservation, hold, office
from gateway.flow.choose import choose
from gateway.flow.conservation import Ledger
from gateway.flow.operate import LOCAL, run
from gateway.model.agency import Profile
from gateway.model.delivery import State
from gateway.model.text import AgencyCode, Instant
from gateway.store import deliveries, events
from gateway.store.conservation import Difference
from gateway.store.contract import Tx
from gateway.store.deliveries import Change
from tests.flow.test_identity_bridge import CITY, CLOSED, DISTRICT, closing
from tests.flow.test_recall import INBOX, NUMBERS, PUSH, STEPS, Story
from tests.world import World

DAY = 86_400 * SECOND


async def counted(world: World) -> None:
    """Everything recorded has its leaf, is counted, and every row was compared."""
    await Sequencer(world.gw.store, world.gw.keyring, world.clock).catch_up()
    loop = Conservation(world.gw)
    while await loop.round():
        pass


async def ledger(world: World, day: date | None = None, agency: str = "") -> Ledger:
    await counted(world)
    return await conservation.show_conservation(world.gw, LOCAL, day, agency)


def line(found: Ledger, side: str, agency: str, what: str = "document") -> dict[str, Any]:
    [one] = [x for x in found.lines if (x["side"], x["agency"], x["what"]) == (side, agency, what)]
    return one


def numbers(one: dict[str, Any], *names: str) -> list[int]:
    return [one[name] for name in names]


def raw(statement: str) -> Any:
    """A unit that does what nobody should: change a table past the program."""
    return lambda tx: tx.change(statement, {})


async def test_a_day_balances_for_sender_and_recipients(world: World) -> None:
    first = await world.send(to=["H37.03", "H37.05"])
    await world.fetch("H37.03")
    [waiting] = await world.waiting("H37.05")
    await hold.hold(world.gw, LOCAL, waiting.delivery, "Chờ kiểm tra")
    found = await ledger(world)
    assert found.holds
    assert found.uncounted == 0
    sent = line(found, "sender", "H37")
    assert numbers(sent, "opening", "made", "delivered", "held", "closing") == [0, 2, 1, 1, 1]
    assert numbers(line(found, "recipient", "H37.03"), "made", "delivered", "closing") == [1, 1, 0]
    assert numbers(line(found, "recipient", "H37.05"), "made", "delivered", "closing") == [1, 0, 1]
    assert first.document not in [one.document for one in found.differences]


async def test_what_stays_open_opens_the_next_day(world: World) -> None:
    await world.send(to=["H37.03"])
    today = date(2020, 4, 13)
    assert numbers(line(await ledger(world, today), "sender", "H37"), "opening", "closing") == [0, 1]
    world.clock.jump_to(Instant(world.clock.now() + DAY))
    await world.fetch("H37.03")
    tomorrow = await ledger(world, date(2020, 4, 14))
    assert numbers(line(tomorrow, "sender", "H37"), "opening", "made", "delivered", "closing") == [1, 0, 1, 0]
    assert numbers(line(await ledger(world, today), "sender", "H37"), "delivered", "closing") == [0, 1]


async def test_refused_cancelled_and_recalled_are_told_apart(world: World) -> None:
    document = (await world.send(to=["H37.03", "H37.05", "H37.31"])).document
    for row in await world.rows("deliveries_of_document", document=document):
        if row["recipient"] == "H37.03":
            await hold.hold(world.gw, LOCAL, str(row["id"]), "Sai thể thức")
            await hold.reject(world.gw, LOCAL, str(row["id"]), "Sai thể thức")
        if row["recipient"] == "H37.05":
            await hold.give_up(world.gw, LOCAL, str(row["id"]), "Gửi nhầm")
    await world.fetch("H37.31")
    name = "H37,2020/04/13,362/UBND-KGVX"
    await world.report("H37", "13", name, about="H37.31", description="Thu hồi")
    await world.fetch("H37.31")
    await world.report("H37.31", "15", name)
    found = await ledger(world)
    assert found.holds
    sent = line(found, "sender", "H37")
    assert numbers(sent, "made", "delivered", "rejected", "cancelled", "recalled", "closing") == [
        3, 1, 1, 1, 1, 0,
    ]  # fmt: skip


async def test_statuses_stand_apart_from_documents(world: World) -> None:
    await world.send(to=["H37.03"])
    await world.fetch("H37.03")
    await world.report("H37.03", "03", "H37,2020/04/13,362/UBND-KGVX")
    found = await ledger(world)
    assert line(found, "sender", "H37")["made"] == 1
    assert line(found, "sender", "H37.03", "status")["made"] == 2  # 01 by the gateway, 03


@pytest.fixture
async def split(world: World) -> World:
    """H37.40 is closed; the city and the district took its place."""
    await office.import_directory(world.gw, LOCAL, closing(CITY, DISTRICT), apply=True)
    return world


async def test_a_delivery_that_goes_to_a_successor_is_handed_on_and_taken_over(split: World) -> None:
    document = (await split.send(to=[CLOSED])).document
    assert line(await ledger(split), "recipient", CLOSED)["held"] == 1
    [row] = await split.rows("deliveries_of_document", document=document)
    await choose(split.gw, LOCAL, str(row["id"]), [CITY, DISTRICT], "Theo Quyết định chia tách")
    found = await ledger(split)
    assert found.holds
    assert numbers(line(found, "recipient", CLOSED), "made", "handed_on", "closing") == [1, 1, 0]
    assert numbers(line(found, "recipient", CITY), "made", "taken_over", "queued") == [0, 1, 1]
    assert numbers(line(found, "recipient", DISTRICT), "made", "taken_over", "queued") == [1, 0, 1]
    shown = {(one["predecessor"], one["successor"]): one["deliveries"] for one in found.successions}
    assert shown == {(CLOSED, CITY): 1, (CLOSED, DISTRICT): 1}


async def one_delivery(world: World) -> dict[str, Any]:
    document = (await world.send(to=["H37.03"])).document
    [row] = await world.rows("deliveries_of_document", document=document)
    await counted(world)
    return row


async def only_difference(world: World) -> Difference:
    found = await ledger(world)
    assert not found.holds
    [difference] = found.differences
    return difference


async def test_a_row_that_moved_without_an_event_is_an_alarm_that_names_the_document(world: World) -> None:
    row = await one_delivery(world)

    def unit(tx: Tx) -> None:
        delivery = deliveries.find(tx, str(row["id"]))
        assert delivery is not None
        deliveries.move(tx, delivery, Change(State.DELIVERED, world.clock.now(), proof="?"))

    await world.gw.store.write(unit)
    difference = await only_difference(world)
    assert (difference.delivery, difference.document) == (row["id"], row["document"])
    assert (difference.events_say, difference.row_says) == ("queued @H37.03", "delivered @H37.03")
    assert (await world.event_types()).count("conservation.broken") == 1
    assert world.gw.metrics.conservation_differences._value.get() == 1


async def test_an_alarm_is_recorded_once_and_ends_when_it_is_set_right(world: World) -> None:
    row = await one_delivery(world)
    await world.gw.store.write(raw(f"UPDATE delivery SET recipient = 'H37.05' WHERE id = '{row['id']}'"))
    assert (await only_difference(world)).row_says == "queued @H37.05"
    await counted(world)
    assert (await world.event_types()).count("conservation.broken") == 1
    await world.gw.store.write(raw(f"UPDATE delivery SET recipient = 'H37.03' WHERE id = '{row['id']}'"))
    assert (await ledger(world)).holds
    assert world.gw.metrics.conservation_differences._value.get() == 0


async def test_a_deleted_row_is_missed(world: World) -> None:
    row = await one_delivery(world)
    await world.gw.store.write(raw(f"DELETE FROM delivery WHERE id = '{row['id']}'"))
    difference = await only_difference(world)
    assert (difference.document, difference.row_says) == (row["document"], "")


async def test_an_inserted_row_that_no_event_made_is_noticed(world: World) -> None:
    row = await one_delivery(world)
    columns = [name for name in row if name not in ("id", "addressed")]
    listed = ", ".join(columns)
    await world.gw.store.write(
        raw(
            f"INSERT INTO delivery (id, addressed, {listed}) SELECT 'zz', 'H37.05', {listed} FROM delivery"
            f" WHERE id = '{row['id']}'"
        )
    )
    difference = await only_difference(world)
    assert (difference.delivery, difference.events_say) == ("zz", "")


async def test_an_event_that_fits_no_other_breaks_the_equation(world: World) -> None:
    """Somebody writes an event of a delivery that was delivered twice."""
    row = await one_delivery(world)
    await world.fetch("H37.03")
    recorded = await world.rows("events_after", at=0, id="", limit=99)
    [delivered] = [one for one in recorded if one["type"] == "delivery.delivered"]
    body = orjson.loads(bytes(delivered["body"]))  # type: ignore[call-overload]
    body |= {"id": "again", "from_state": "cancelled"}

    def unit(tx: Tx) -> None:
        again = orjson.dumps(body)
        tx.run(
            "add_event", id="again", at=body["at"], type=body["type"], document=row["document"], message=None,
            delivery=row["id"], sender="H37", recipient="H37.03", body=again,
        )  # fmt: skip
        tx.run("add_event_unsequenced", at=body["at"], event="again")

    await world.gw.store.write(unit)
    found = await ledger(world)
    assert line(found, "sender", "H37")["difference"] == -1
    assert not found.holds
    assert [one.events_say for one in found.differences] == ["delivered×2 cancelled×-1 @H37.03"]


async def test_a_row_ahead_of_the_count_is_no_difference(world: World) -> None:
    await one_delivery(world)
    await world.fetch("H37.03")  # these events have no leaves yet
    assert await conservation.compare(world.gw) == 0


async def test_counting_again_from_the_events_gives_the_same(world: World) -> None:
    await one_delivery(world)
    await world.fetch("H37.03")
    await counted(world)
    assert (await run(world.gw, "conservation.recount", {}))["unlike"] == []
    await world.gw.store.write(raw("UPDATE conservation_day SET delivered = 7 WHERE side = 'sender'"))
    unlike = (await run(world.gw, "conservation.recount", {}))["unlike"]
    assert {one["stored"]["delivered"] for one in unlike} == {7}
    rebuilt = await run(world.gw, "conservation.recount", {"rebuild": True})
    assert rebuilt["unlike"] == []
    assert (await ledger(world)).holds


async def test_two_processes_count_each_leaf_once(world: World) -> None:
    for number in range(5):
        await world.send(number=str(number))
    await Sequencer(world.gw.store, world.gw.keyring, world.clock).catch_up()
    while sum(await asyncio.gather(*(conservation.count(world.gw, 3) for _ in range(4)))):
        pass
    found = await ledger(world)
    assert line(found, "sender", "H37")["made"] == 5
    assert found.holds


async def test_comparing_goes_on_stretch_by_stretch_and_begins_again(world: World) -> None:
    for number in range(3):
        await world.send(number=str(number))
    await counted(world)
    [last] = (await world.rows("recent_documents", before=2**62, limit=1))[:1]
    [row] = await world.rows("deliveries_of_document", document=str(last["id"]))
    await world.gw.store.write(raw(f"UPDATE delivery SET recipient = 'H37.05' WHERE id = '{row['id']}'"))
    found = [await conservation.compare(world.gw, 1) for _ in range(3)]
    assert found == [0, 0, 1]


async def test_a_system_sees_no_ledger(world: World) -> None:
    with pytest.raises(NotPermitted):
        await conservation.show_conservation(world.gw, world.caller("H37"))


async def test_events_that_move_no_delivery_count_nothing(world: World) -> None:
    await counted(world)
    assert (await ledger(world)).lines == ()
    assert await world.gw.store.read(lambda tx: len(events.stream_after(tx, Instant(0), "", 9))) > 0


@pytest.fixture
async def pushed(world: World) -> World:
    await office.set_profile(world.gw, LOCAL, Profile(AgencyCode(PUSH), "webhook"))
    return world


@settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(scenes=strategies.lists(STEPS, min_size=3, max_size=9))
async def test_whatever_happens_in_whatever_order_it_balances(
    pushed: World, scenes: list[tuple[str, ...]]
) -> None:
    story = Story(pushed, str(next(NUMBERS)))
    story.document = (await pushed.send(to=[INBOX, PUSH], number=story.number)).document
    for action in chain.from_iterable(scenes):
        await story.act(action)
    found = await ledger(pushed)
    assert found.differences == ()
    assert [one for one in found.lines if not one["holds"]] == []
    while story.attempts:
        await story.act("arrive")
    await story.leave_nothing()
    assert (await ledger(pushed)).holds
