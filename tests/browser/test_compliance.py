"""Story 2: an auditor goes from 97,3 % to the one document, takes its evidence, and it holds."""

from __future__ import annotations

from pathlib import Path

from playwright.async_api import Browser

from gateway.exchange_log.evidence_check import check_container
from gateway.flow.evidence import trusted_of
from tests.browser.conftest import window
from tests.console.conftest import Console
from tests.console.test_compliance import a_week


async def test_an_auditor_goes_from_the_figure_to_evidence_that_holds(
    console: Console, browser: Browser, tmp_path: Path
) -> None:
    await a_week(console)
    seen = await window(console, browser, "auditor")
    await seen.page.click("nav >> text=Chỉ tiêu")
    await seen.page.wait_for_selector(".trend")
    await seen.picture("compliance")
    await seen.page.click("a.card:has-text('97,3 %')")
    await seen.picture("compliance-measure")
    await seen.page.click("tr:has-text('Gửi muộn theo QĐ 28/2018') a")
    await seen.picture("compliance-list")
    await seen.page.click("text=H37,2020/04/10,99/UBND-KGVX")
    await seen.page.fill("#why-evidence", "kiểm tra văn bản gửi muộn")
    async with seen.page.expect_download() as download:
        await seen.page.click("text=Tải hồ sơ minh chứng")
    file = tmp_path / "evidence.asice"
    await (await download.value).save_as(file)
    checked = check_container(file.read_bytes(), trusted_of(console.gw.keyring), console.world.clock.now())
    assert checked.holds
    assert seen.problems == []


async def test_the_other_pages_of_compliance_are_whole(console: Console, browser: Browser) -> None:
    await a_week(console)
    seen = await window(console, browser, "administrator")
    for path, name in (
        ("/compliance/ranking?measure=K3", "compliance-ranking"),
        ("/reports", "reports"),
        ("/reports/preview?period=2020-W16", "report-preview"),
        ("/totals", "totals"),
        ("/calendar?year=2020", "calendar"),
        ("/outages", "outages"),
        ("/objectives", "objectives"),
    ):
        await seen.go(path)
        await seen.picture(name)
        wide = await seen.page.evaluate("document.documentElement.scrollWidth")
        assert wide <= 1366, path
    assert seen.problems == []
