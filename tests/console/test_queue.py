"""Where it is stuck, and what people do about it."""

from __future__ import annotations

import pytest

from gateway.clock import SECOND
from gateway.flow import hold
from gateway.flow.operate import LOCAL
from gateway.model.text import Bilingual, Instant
from tests.console.conftest import Console

HOUR = 3600 * SECOND


async def open_deliveries(console: Console) -> list[str]:
    return [str(row["id"]) for row in await console.world.rows("queue_rows", limit=99)]


async def state_of(console: Console, delivery: str) -> str:
    row = await console.gw.store.read(lambda tx: tx.one("delivery_by_id", id=delivery))
    assert row is not None
    return str(row["state"])


async def test_the_matrix_counts_by_age_and_each_number_opens_its_list(console: Console) -> None:
    await console.world.send(to=["H37.03", "H37.31"])
    console.world.clock.jump_to(Instant(console.world.clock.now() + 2 * HOUR))
    await console.world.send(to=["H37.03"], number="363")
    person = await console.person("auditor")
    page = await person.get("/queue")
    assert "3 lượt gửi còn mở" in page.words
    assert 'href="/console/queue/H37.03?state=queued&amp;age=3">1<' in page.text
    listed = await person.get("/queue/H37.03?state=queued&age=3")
    assert "362/UBND-KGVX" in listed.words
    assert "363/UBND-KGVX" not in listed.words


async def test_an_empty_queue_says_so(console: Console) -> None:
    assert "Hàng đợi trống" in (await (await console.person("operator")).get("/queue")).words


async def test_every_decision_needs_a_reason_and_is_shown_with_who_and_why(console: Console) -> None:
    await console.world.send(to=["H37.03"])
    [delivery] = await open_deliveries(console)
    person = await console.person("operator")
    assert (await person.post(f"/queue/delivery/{delivery}/hold", reason="  ")).status == 400
    page = await person.post(f"/queue/delivery/{delivery}/hold", reason="chờ đơn vị xác minh")
    assert page.words.startswith("Lượt gửi Đã tạm giữ.")
    assert "tạm giữ – Người operator chờ đơn vị xác minh" in page.words
    page = await person.post(f"/queue/delivery/{delivery}/release", reason="đã xác minh")
    assert await state_of(console, delivery) == "queued"
    assert "cho gửi tiếp – Người operator đã xác minh" in page.words


async def test_of_two_operators_the_second_is_told(console: Console) -> None:
    await console.world.send(to=["H37.03"])
    [delivery] = await open_deliveries(console)
    first, second = await console.person("operator"), await console.person("administrator")
    await first.post(f"/queue/delivery/{delivery}/hold", reason="chờ xác minh")
    await first.post(f"/queue/delivery/{delivery}/give-up", reason="văn bản gửi nhầm")
    answer = await second.post(f"/queue/delivery/{delivery}/release", reason="cho đi")
    assert answer.status == 409
    assert "Người operator" in (await second.get(f"/queue/delivery/{delivery}")).words
    assert await state_of(console, delivery) == "cancelled"


async def test_several_at_once_and_what_somebody_else_did_is_counted(console: Console) -> None:
    for number in ("1", "2", "3"):
        await console.world.send(to=["H37.03"], number=number)
    chosen = await open_deliveries(console)
    await hold.hold(console.gw, LOCAL, chosen[0], "đã giữ trước")
    person = await console.person("operator")
    async with person.session.post(
        f"{console.base}/console/queue/H37.03/decide",
        data=[
            ("csrf", person.csrf),
            ("action", "hold"),
            ("reason", "bảo trì"),
            *(("delivery", one) for one in chosen),
        ],
    ) as response:
        text = await response.text()
    assert "Đã tạm giữ: 2. Không làm được 1:" in text
    assert [await state_of(console, one) for one in chosen] == ["held"] * 3


async def test_choosing_nothing_is_told(console: Console) -> None:
    await console.world.send(to=["H37.03"])
    person = await console.person("operator")
    answer = await person.post("/queue/H37.03/decide", action="hold", reason="bảo trì")
    assert (answer.status, "Hãy đánh dấu ít nhất một lượt gửi." in answer.words) == (400, True)


async def test_auditors_see_everything_and_have_no_buttons(console: Console) -> None:
    await console.world.send(to=["H37.03"])
    [delivery] = await open_deliveries(console)
    person = await console.person("auditor")
    page = await person.get(f"/queue/delivery/{delivery}")
    assert "Tài khoản của bạn chỉ được xem." in page.words
    assert "/hold" not in page.text
    assert (await person.post(f"/queue/delivery/{delivery}/hold", reason="x")).status == 403
    assert "Thử kết nối" not in (await person.get("/queue/H37.03")).words


async def test_a_connection_is_tried_and_what_happened_is_said(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = await console.person("operator")
    page = await person.post("/queue/H37.03/test")
    assert "✓ Kết nối được. Đơn vị tự đến lấy văn bản" in page.words
    wrong = Bilingual("Thiếu địa chỉ url.", "The url is missing.")
    monkeypatch.setattr(console.gw, "connection_problems", lambda kind, settings: [wrong])
    assert "✗ Không kết nối được. Thiếu địa chỉ url." in (await person.post("/queue/H37.03/test")).words


@pytest.mark.parametrize(
    "path", ["/queue/H99", "/queue/delivery/nothing", "/queue/H37.03?age=77&after=x~y&state=q"]
)
async def test_what_is_not_there_is_said_plainly(console: Console, path: str) -> None:
    answer = await (await console.person("operator")).get(path)
    assert answer.status in (200, 400, 404)
    assert answer.words


async def test_hostile_names_show_what_cannot_be_seen(console: Console) -> None:
    await console.world.send(to=["H37.03"], subject="Về việc \u202egnp.exe <script>alert(1)</script>\u200b")
    [delivery] = await open_deliveries(console)
    page = await (await console.person("operator")).get(f"/queue/delivery/{delivery}")
    assert "<script>alert" not in page.text
    assert "\u202e" not in page.text
    assert "U+202E" in page.words


async def test_a_long_lane_is_shown_in_pages(console: Console) -> None:
    for number in range(1, 56):
        await console.world.send(to=["H37.03"], number=str(number))
    person = await console.person("auditor")
    first = await person.get("/queue/H37.03")
    assert first.text.count("/console/queue/delivery/") == 50
    link = first.text.partition("Trang sau")[0].rpartition('href="/console')[2].partition('"')[0]
    second = await person.get(link.replace("&amp;", "&"))
    assert second.text.count("/console/queue/delivery/") == 5
