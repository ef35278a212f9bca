"""The log in a real browser."""

from __future__ import annotations

from playwright.async_api import Browser

from tests.browser.conftest import window
from tests.console.conftest import Console


async def test_an_auditor_follows_an_event_to_its_proof_and_verifies_the_log(
    console: Console, browser: Browser
) -> None:
    for number in range(1, 6):
        await console.world.send(to=["H37.03"], number=str(number))
    await console.gw.sequencer.catch_up()
    await console.gw.sequencer.publish()
    seen = await window(console, browser, "auditor")
    await seen.go("/audit")
    await seen.picture("audit")
    await seen.page.select_option("#type", "document.accepted")
    await seen.page.click("button:has-text('Lọc')")
    await seen.page.click("td a:has-text('document.accepted') >> nth=0")
    assert "Băm của lá" in await seen.words()
    await seen.picture("event")
    await seen.page.click("text=Mốc chốt >> nth=0")
    await seen.picture("checkpoints")
    await seen.go("/audit/verify")
    await seen.page.click("button:has-text('Kiểm tra ngay')")
    await seen.page.wait_for_selector("text=Nhật ký nguyên vẹn.")
    await seen.picture("verify")
    assert seen.problems == []
