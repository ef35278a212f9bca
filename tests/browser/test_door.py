"""The door in a real browser."""

from __future__ import annotations

from playwright.async_api import Browser

from tests.browser.conftest import window
from tests.console.conftest import Console


async def test_a_person_signs_in_changes_language_and_leaves(console: Console, browser: Browser) -> None:
    seen = await window(console, browser, "auditor")
    await seen.go("/me")
    assert "Đổi mật khẩu" in await seen.words()
    await seen.picture("me")
    await seen.page.click("text=English")
    assert "Change password" in await seen.words()
    await seen.page.click("text=Sign out")
    assert seen.page.url.endswith("/console/sign-in")
    assert seen.problems == []


async def test_the_door_works_without_scripts(console: Console, browser: Browser) -> None:
    seen = await window(console, browser, "operator", scripts=False)
    await seen.go("/me")
    assert "Xác thực hai lớp" in await seen.words()


async def test_the_first_tab_goes_to_the_content(console: Console, browser: Browser) -> None:
    seen = await window(console, browser, "operator")
    await seen.go("/me")
    await seen.page.keyboard.press("Tab")
    assert await seen.page.evaluate("document.activeElement.textContent") == "Đến nội dung"


async def test_a_double_click_sends_once_and_a_second_file_can_be_fetched(
    console: Console, browser: Browser
) -> None:
    seen = await window(console, browser, "operator")
    await seen.go("/me")
    sent: list[str] = []
    await seen.page.route("**/me/code", lambda route: (sent.append("x"), route.fulfill(status=204))[1])
    button = "button:has-text('Bật xác thực hai lớp')"
    await seen.page.dblclick(button)
    await seen.page.wait_for_timeout(300)
    assert len(sent) == 1
    await seen.page.wait_for_timeout(3000)
    await seen.page.click(button)
    await seen.page.wait_for_timeout(300)
    assert len(sent) == 2
