"""Story 1: a stuck delivery is found and released."""

from __future__ import annotations

from playwright.async_api import Browser

from gateway.clock import SECOND
from gateway.flow import hold
from gateway.flow.operate import LOCAL
from gateway.model.text import Instant
from tests.browser.conftest import window
from tests.console.conftest import Console


async def test_a_stuck_delivery_is_found_and_released(console: Console, browser: Browser) -> None:
    for number in range(1, 30):
        await console.world.send(to=["H37.03", "H37.31", "H37.31.21"], number=str(number))
    [stuck, *_] = [
        row for row in await console.world.rows("queue_rows", limit=99) if row["destination"] == "H37.31"
    ]
    await hold.hold(console.gw, LOCAL, str(stuck["id"]), "chờ đơn vị xác minh chữ ký")
    console.world.clock.jump_to(Instant(console.world.clock.now() + 3 * 3600 * SECOND))
    seen = await window(console, browser, "operator")
    await seen.page.click("text=Xem lý do rồi cho gửi tiếp hoặc từ chối")
    await seen.picture("lane")
    await seen.page.click("text=1/UBND-KGVX >> nth=0")
    assert "chờ đơn vị xác minh chữ ký" in await seen.words()
    await seen.picture("delivery")
    await seen.page.fill("#reason-release", "đơn vị đã xác minh qua điện thoại")
    await seen.page.click("button:has-text('Cho gửi tiếp')")
    assert "Đã cho gửi tiếp." in await seen.words()
    await seen.go("/queue")
    assert "tạm giữ" not in await seen.words()
    await seen.picture("queue")
    assert seen.problems == []
