"""Story 2: an auditor goes from 97,3 % to the one document."""

from __future__ import annotations

from playwright.async_api import Browser

from tests.browser.conftest import window
from tests.console.conftest import Console
from tests.console.test_compliance import a_week


async def test_an_auditor_goes_from_the_figure_to_the_document(console: Console, browser: Browser) -> None:
    await a_week(console)
    seen = await window(console, browser, "auditor")
    await seen.page.click("text=Chỉ tiêu")
    await seen.page.wait_for_selector(".trend")
    await seen.picture("compliance")
    await seen.page.click("a.card:has-text('97,3 %')")
    await seen.picture("compliance-measure")
    await seen.page.click("tr:has-text('Gửi muộn theo QĐ 28/2018') a")
    assert "H37,2020/04/10,99/UBND-KGVX" in await seen.words()
    await seen.picture("compliance-list")
    await seen.go("/compliance/ranking?measure=K3")
    await seen.picture("compliance-ranking")
    assert seen.problems == []
