"""What IT staff see first."""

from __future__ import annotations

import re

from gateway.clock import SECOND
from gateway.flow import conservation, hold
from gateway.flow.operate import LOCAL
from gateway.model.node import Node, Seen
from gateway.model.text import Instant
from tests.console.conftest import Console

HOUR = 3600 * SECOND


async def counted(console: Console) -> None:
    await console.gw.sequencer.catch_up()
    while await conservation.count(console.gw):
        pass


async def test_the_first_morning_says_where_to_begin(console: Console) -> None:
    console.gw.directory = console.gw.directory.__class__((), (), (), (), ())
    page = await (await console.person("auditor")).get("/overview")
    assert "gateway directory import" in page.words
    assert "Hôm nay chưa có văn bản nào qua trục." in page.words


async def test_today_is_counted_by_level(console: Console) -> None:
    await console.world.send(to=["H37.03", "H37.31", "H37.31.21"])
    await console.world.fetch("H37.03")
    await counted(console)
    page = await (await console.person("operator")).get("/overview")
    table = page.text.partition("<caption")[2]
    rows = re.findall(r'<th scope="row">([^<]+)</th>' + r'<td class="number">(\d+)</td>' * 3, table)
    assert rows == [("Cấp tỉnh", "3", "1", "1"), ("Cấp huyện", "0", "1", "0"), ("Cấp xã", "0", "1", "0")]
    assert "Cân đối: khớp" in page.words


async def test_a_held_delivery_is_a_need_with_its_next_step(console: Console) -> None:
    await console.world.send(to=["H37.03"])
    [delivery] = await console.world.rows("queue_rows", limit=9)
    await hold.hold(console.gw, LOCAL, str(delivery["id"]), "chờ đơn vị xác minh")
    page = await (await console.person("operator")).get("/overview/live")
    assert "1 lượt gửi đến Sở Thông tin và Truyền thông đang được tạm giữ." in page.text
    assert 'href="/console/queue/H37.03"' in page.text


async def test_an_agency_that_fetches_nothing_is_called(console: Console) -> None:
    await console.world.send(to=["H37.31"])
    console.world.clock.jump_to(Instant(console.world.clock.now() + 50 * HOUR))
    page = await (await console.person("auditor")).get("/overview")
    assert "UBND thành phố Lạng Sơn chưa lấy về 1 lượt gửi, lâu nhất 50 giờ." in page.words


async def test_the_live_part_keeps_no_session_alive_and_sends_to_the_door(console: Console) -> None:
    person = await console.person("operator")
    console.world.clock.jump_to(Instant(console.world.clock.now() + HOUR))
    answer = await person.get("/overview/live")
    assert (answer.status, answer.headers["hx-redirect"]) == (401, "/console/sign-in")


async def test_the_ledger_names_what_does_not_agree(console: Console) -> None:
    await console.world.send(to=["H37.03"])
    await counted(console)
    [delivery] = await console.world.rows("queue_rows", limit=9)
    said = {"delivery": str(delivery["id"]), "document": str(delivery["document"]), "found_at": 1}
    said |= {"events_say": "queued", "row_says": "delivered", "event": ""}
    await console.gw.store.write(lambda tx: tx.run("put_difference", **said))
    person = await console.person("auditor")
    assert "Cân đối: lệch" in (await person.get("/overview")).words
    page = await person.get("/overview/ledger")
    assert said["delivery"] in page.text
    assert "queued delivered" in page.words


async def test_a_day_that_is_none_shows_today(console: Console) -> None:
    page = await (await console.person("auditor")).get("/overview/ledger?day=2020-99-01")
    assert page.status == 200
    assert 'value="2020-04-13"' in page.text


async def test_nodes_on_a_shared_database_stand_at_the_end_with_what_is_wrong(console: Console) -> None:
    now = console.gw.clock.now()
    me = Node("a", "máy-một", 11, "1.0", "khóa", now, now, 5)
    other = Node("b", "máy-hai", 12, "1.0", "khóa", now, now, 5)
    console.gw.fleet.me, console.gw.fleet.leader = me, "a"
    person = await console.person("operator")
    assert "máy-hai" not in (await person.get("/overview")).words
    console.gw.store.shared = True  # type: ignore[misc]
    console.gw.fleet.hear((Seen(other, 61.0, False),))
    page = await person.get("/overview")
    assert "máy-một pid 11 nút chính đang chạy" in page.words
    assert "máy-hai pid 12 im lặng 61 giây" in page.words
    assert "Các nút khác làm thay việc của nút này." in page.words
