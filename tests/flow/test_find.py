"""Finding documents on both engines, and the page of one with very many recipients."""

from __future__ import annotations

import pytest

from gateway.errors import NotFound, NotPermitted
from gateway.flow import hold, office, searches
from gateway.flow.door import Caller
from gateway.flow.find import Sought, find_documents
from gateway.flow.look_document import Asked, show_document
from gateway.flow.operate import LOCAL
from gateway.model.envelope import Kind
from gateway.model.text import AgencyCode, Instant
from gateway.store.people import Role
from tests.world import World

CLERK = Caller("clerk", "clerk", Role.CLERK, frozenset({AgencyCode("H37.31")}))


async def found(world: World, caller: Caller = LOCAL, **asked: str) -> list[str]:
    """Numbers of what a search finds."""
    page = await find_documents(world.gw, caller, Sought(**asked))
    return [str(line.header["number"]) for line in page.lines]


async def filled(world: World) -> None:
    """Three documents: to a department and a city, to a city, to the province."""
    await world.send(number="1", to=["H37.03", "H37.31"], subject="Kế hoạch chuyển đổi số")
    await world.send("H37.05", number="2", to=["H37.31"], notation="SYT-NVY", subject="Kế hoạch tiêm chủng")
    await world.send("H37.32.22", number="3", to=["H37"], subject="Báo cáo tháng")
    await world.fetch("H37.03")


@pytest.mark.parametrize(
    ("asked", "numbers"),
    [
        ({}, ["3", "2", "1"]),
        ({"subject": "ke hoach"}, ["2", "1"]),
        ({"subject": "kế hoạch số"}, ["1"]),
        ({"subject": "kế hoạch %"}, ["2", "1"]),
        ({"notation": "nvy"}, ["2"]),
        ({"number": "3", "notation": "nvy"}, []),
        ({"recipient": "H37.31"}, ["2", "1"]),
        ({"recipient": "H37.31", "sender": "H37"}, ["1"]),
        ({"state": "delivered"}, ["1"]),
        ({"state": "queued"}, ["3", "2", "1"]),
        ({"state": "delivered", "recipient": "H37.31"}, []),
        ({"status": "01"}, ["1"]),
        ({"levels": "commune>province"}, ["3"]),
        ({"levels": "province>district", "subject": "tiêm"}, ["2"]),
        ({"verdict": "none", "sender": "H37.05"}, ["2"]),
        ({"verdict": "no-such"}, []),
        ({"from_day": "2020-04-13", "to_day": "2020-04-13"}, ["3", "2", "1"]),
        ({"from_day": "2020-04-14"}, []),
        ({"to_day": "2020-04-12"}, []),
        ({"from_day": "not a day", "to_day": "9999-12-31"}, ["3", "2", "1"]),
    ],
)
async def test_all_conditions_are_true_of_what_is_found(
    world: World, asked: dict[str, str], numbers: list[str]
) -> None:
    await filled(world)
    assert await found(world, **asked) == numbers


async def test_a_reason_for_which_a_delivery_is_held_is_found(world: World) -> None:
    await filled(world)
    rows = await world.rows("queue_rows", limit=9)
    chosen = next(row for row in rows if row["sender"] == "H37.05")
    held = await hold.hold(world.gw, LOCAL, str(chosen["id"]), "chờ xác minh")
    assert await found(world, reason=held.reason_code) == ["2"]
    assert await found(world, reason=held.reason_code, recipient="H37.31", state="held") == ["2"]


async def test_a_clerk_sees_its_own_part_and_no_state_of_others(world: World) -> None:
    await filled(world)
    assert await found(world, CLERK) == ["2", "1"]
    assert await found(world, CLERK, state="delivered") == []  # delivered to the department, not to her
    assert await found(world, CLERK, recipient="H37.03") == []
    page = await find_documents(world.gw, CLERK, Sought())
    assert [line.outlook for line in page.lines] == [(), ()]
    with pytest.raises(NotPermitted):
        await find_documents(world.gw, Caller("x", "x", Role.CLERK, frozenset()), Sought())


async def test_an_update_with_another_subject_is_found_by_it(world: World) -> None:
    done = await world.send(number="1", subject="Bản cũ")
    assert await found(world, subject="cũ") == ["1"]
    document_id = "H37,2020/04/13,1/UBND-KGVX"
    await world.send(number="1", subject="Bản mới", kind=Kind.UPDATE, document_id=document_id)
    assert await found(world, subject="mới") == ["1"]
    assert await found(world, subject="cũ") == []
    assert (await show_document(world.gw, LOCAL, done.document)).subject == "Bản mới"


async def test_a_long_search_goes_on_with_the_next_page(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.flow.find.SCANNED", 2)
    monkeypatch.setattr("gateway.flow.find.STRETCH", 1)
    for number in range(5):
        await world.send(number=str(number + 1), to=["H37.31"] if number == 0 else ["H37.03"])
    sought = Sought(sender="H37", levels="province>district")
    page = await find_documents(world.gw, LOCAL, sought)
    seen = list(page.lines)
    while page.cursor:
        page = await find_documents(world.gw, LOCAL, sought, page.cursor)
        seen += page.lines
    assert [line.header["number"] for line in seen] == ["1"]


async def test_a_document_with_ten_thousand_recipients_is_read_page_by_page(world: World) -> None:
    done = await world.send(number="1", to=["H37.03"])
    [model] = [dict(row) for row in await world.rows("deliveries_of_document", document=done.document)]
    names = (
        "message", "document", "kind", "sender", "document_id", "adapter", "pull", "urgency", "urgency_rank",
        "state", "attempts", "accepted_at", "queued_at", "fetched_at", "settled_at", "reason_code",
        "status_code", "status_at",
    )  # fmt: skip
    rows = [
        {name: model[name] for name in names}
        | {"id": world.gw.new_id(), "addressed": f"H99.{n:05}", "recipient": f"H99.{n:05}"}
        for n in range(10_000)
    ]
    await world.gw.store.write(lambda tx: tx.many("add_synthetic_delivery", rows))
    page = await show_document(world.gw, LOCAL, done.document)
    assert page.recipients == 10_001
    assert len(page.deliveries) == 50
    assert page.next_place is not None
    later = await show_document(world.gw, LOCAL, done.document, Asked(page.next_place))
    assert later.deliveries[0].recipient == "H99.00049"
    [line] = (await find_documents(world.gw, LOCAL, Sought())).lines
    assert line.deliveries == 10_001


async def test_a_kept_search_is_replaced_under_its_name_and_old_nameless_ones_go(world: World) -> None:
    gw = world.gw
    person = await office.add_principal(gw, LOCAL, "x", Role.AUDITOR, [])
    caller = Caller(person.id, "x", Role.AUDITOR, frozenset())
    first = await searches.keep(gw, caller, Sought(number="1"), "của tôi")
    again = await searches.keep(gw, caller, Sought(number="2"), "của tôi")
    assert again == first
    assert await searches.kept(gw, caller, first) == Sought(number="2")
    nameless = await searches.keep(gw, caller, Sought(subject="mật danh"))
    world.clock.jump_to(Instant(world.clock.now() + 8 * 86_400 * 1_000_000))
    await searches.keep(gw, caller, Sought())
    with pytest.raises(NotFound):
        await searches.kept(gw, caller, nameless)
