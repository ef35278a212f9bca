"""People in a real browser."""

from __future__ import annotations

from playwright.async_api import Browser

from tests.browser.conftest import window
from tests.console.conftest import Console, account


async def test_an_administrator_opens_an_account(console: Console, browser: Browser) -> None:
    for role in ("clerk", "auditor", "operator"):
        await account(console.gw, role)
    seen = await window(console, browser, "administrator")
    await seen.go("/people")
    await seen.picture("people")
    await seen.page.fill("#name", "Hoàng Văn Thụ")
    await seen.page.fill("#login", "thu.hv")
    await seen.page.select_option("#role", "operator")
    await seen.page.click("button:has-text('Mở tài khoản')")
    assert "Mật khẩu lần đầu" in await seen.words()
    assert seen.problems == []
