"""Finding a document and reading its page, in a real browser."""

from __future__ import annotations

from playwright.async_api import Browser

from tests.browser.conftest import window
from tests.console.conftest import Console

LONG = "V/v triển khai nhiệm vụ chuyển đổi số, cải cách hành chính " * 12


async def test_a_document_is_found_by_words_and_read(console: Console, browser: Browser) -> None:
    world = console.world
    await world.send(
        number="362", to=["H37.03", "H37.31", "H37.31.21"], subject="Kế hoạch chuyển đổi số năm 2020"
    )
    await world.send(number="363", to=["H37.05"], subject="Báo cáo phòng, chống dịch", priority=3)
    await world.send("H37.05", to=["H37.03"], number="18", notation="SYT-NVY", subject=LONG)
    await world.fetch("H37.03")
    seen = await window(console, browser, "operator")
    await seen.go("/documents")
    await seen.picture("documents")
    await seen.page.fill("#q", "chuyen doi so nam")
    await seen.page.press("#q", "Enter")
    await seen.page.wait_for_url("**search=*")
    assert "Kế hoạch chuyển đổi số năm 2020" in await seen.words()
    assert "Báo cáo" not in await seen.words()
    assert "chuyen" not in seen.page.url
    await seen.picture("documents-found")
    await seen.page.click("text=362/UBND-KGVX")
    words = await seen.words()
    assert "Đường đi của văn bản" in words
    assert "1 trên 3 lượt gửi" in words
    await seen.picture("document")
    assert await seen.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert seen.problems == []


async def test_the_form_works_without_scripts_and_by_keyboard(console: Console, browser: Browser) -> None:
    await console.world.send(number="362", to=["H37.31"])
    seen = await window(console, browser, "auditor", scripts=False)
    await seen.go("/documents")
    await seen.page.click("summary")
    await seen.page.select_option("#levels", "province>district")
    await seen.page.fill("#recipient", "thành phố lạng sơn")
    await seen.page.press("#recipient", "Enter")
    assert "362/UBND-KGVX" in await seen.words()
    assert "recipient=H37.31" in seen.page.url
