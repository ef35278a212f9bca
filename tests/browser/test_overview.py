"""The overview in a real browser."""

from __future__ import annotations

from playwright.async_api import Browser

from gateway.flow import hold
from gateway.flow.operate import LOCAL
from tests.browser.conftest import window
from tests.console.conftest import Console
from tests.console.test_overview import counted


async def test_the_overview_follows_what_happens_without_reloading(
    console: Console, browser: Browser
) -> None:
    for number in range(1, 9):
        await console.world.send(to=["H37.03", "H37.31", "H37.31.21", "H37.32"], number=str(number))
    await console.world.fetch("H37.03")
    await counted(console)
    seen = await window(console, browser, "operator")
    assert "Không có việc nào cần xử lý" in await seen.words()
    [delivery, *_] = await console.world.rows("queue_rows", limit=9)
    await hold.hold(console.gw, LOCAL, str(delivery["id"]), "chờ đơn vị xác minh")
    await seen.page.evaluate("htmx.ajax('GET', '/console/overview/live', '[hx-get]')")
    await seen.page.wait_for_selector("text=đang được tạm giữ")
    await seen.picture("overview")
    await seen.go("/overview/ledger")
    await seen.picture("ledger")
    assert seen.problems == []
