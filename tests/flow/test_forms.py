"""Report forms made from a gateway at work: what failed, who may see it."""

from __future__ import annotations

from datetime import date

import pytest

from gateway.compliance import counting, failures, forms
from gateway.compliance.gathering import Counted
from gateway.compliance.periods import Period
from gateway.compliance.sheet import Link, Sheet, shown
from gateway.errors import NotPermitted
from gateway.flow.door import Caller
from gateway.flow.operate import LOCAL
from gateway.model.text import AgencyCode
from gateway.services import Services
from gateway.store.people import Role
from tests.world import World

CLERK = Caller("clerk", "Văn thư", Role.CLERK, frozenset({AgencyCode("H37.03")}))
WEEK = "2020-W16"
DAY = date(2020, 4, 13)


async def count(gw: Services, period: Period) -> Counted:
    """The sums of the tables, as a report takes them."""
    found = await counting.sums(gw, period.from_, period.to)
    return Counted(found, gw.clock.now(), 0, "")


async def caught_up(world: World) -> None:
    await world.gw.sequencer.advance(publish=True)
    await counting.catch_up(world.gw)


async def made(world: World, form: str, caller: Caller = LOCAL, **options: str) -> list[Sheet]:
    await caught_up(world)
    return await forms.sheets(world.gw, caller, form, WEEK, count=count, **options)


async def test_f7_lists_an_unsigned_document_with_the_clause_that_it_fails_in_words(world: World) -> None:
    await world.send()
    (sheet,) = await made(world, "F7")
    rows = {shown(row.cells[1]): row for row in sheet.rows}
    signed = rows["C4 Chữ ký số"]
    assert shown(signed.cells[0]) == "UBND tỉnh Lạng Sơn"
    assert shown(signed.cells[3]) == "H37,2020/04/13,362/UBND-KGVX"
    assert "Văn bản chính chưa được ký số" in shown(signed.cells[4])
    (document,) = await world.rows("recent_documents", before=2**62, limit=1)
    assert isinstance(signed.cells[5], Link)
    assert signed.cells[5].text == document["id"]


async def test_f7_of_one_agency_holds_only_its_documents(world: World) -> None:
    await world.send("H37")
    await world.send("H37.03", to=["H37"])
    (sheet,) = await made(world, "F7", agency="H37.03")
    assert {shown(row.cells[0]) for row in sheet.rows} == {"Sở Thông tin và Truyền thông"}


async def test_f7_ends_at_its_most_lines_and_says_so(world: World) -> None:
    for number in ("1", "2", "3"):
        await world.send(number=number)
    await caught_up(world)
    found, more = await failures.of_period(world.gw, DAY, DAY, most=2)
    assert (len(found), more) == (2, True)


async def test_a_late_document_tells_when_it_was_signed_and_when_sent() -> None:
    assert failures.told("sent_at:2020-04-14T13:00:00.000000+07:00", "vi") == "Gửi lúc 14/04/2020 13:00:00"
    assert failures.told("late:qd28", "vi").startswith("Gửi sau buổi sáng")


async def test_a_clerk_gets_no_list_of_others_and_no_report_of_operation(world: World) -> None:
    for form in ("F7", "F4", "F1"):
        with pytest.raises(NotPermitted):
            await made(world, form, CLERK)


async def test_the_weekly_form_counts_what_was_sent_and_received(world: World) -> None:
    await world.send(to=["H37.03", "H37.05"])
    await world.fetch("H37.03")
    notice, ranking = await made(world, "F1")
    whole = notice.rows[-1]
    assert [shown(cell) for cell in whole.cells[:4]] == ["Toàn tỉnh", "0/7", "1", "2"]
    assert any(shown(row.cells[2]) == "H37" and shown(row.cells[0]) == "1" for row in ranking.rows)


async def test_the_operators_form_tells_of_events_in_the_period_only(world: World) -> None:
    await world.send()
    sheets = await made(world, "F4")
    operation = sheets[2]
    assert operation.title == "DIỄN BIẾN VẬN HÀNH TỪ NHẬT KÝ GỬI, NHẬN"
    assert shown(operation.rows[0].cells[1]) == "0"
