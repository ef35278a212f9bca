"""A real browser before a real gateway. Screenshots go to ``docs/console`` when ``SCREENSHOTS=1`` is set.

The browser is the system's Chromium (Debian: ``apt-get install chromium``). Without one these tests are
skipped and say so; with ``REQUIRE_BROWSER=1``, as in CI, they fail.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, async_playwright

from tests.console.conftest import PASSWORD, Console, account, config, console, world

__all__ = ["config", "console", "world"]
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
PICTURES = Path(__file__).resolve().parents[2] / "docs" / "console"
DESKTOP, PHONE = {"width": 1366, "height": 768}, {"width": 390, "height": 844}


@dataclass(slots=True)
class Window:
    """A window of one person's browser at the console."""

    page: Page
    base: str
    problems: list[str]  # what the browser's console complained about

    async def go(self, path: str) -> None:
        """Open a page of the console."""
        await self.page.goto(f"{self.base}/console{path}")

    async def words(self) -> str:
        """What the page's content says."""
        return " ".join((await self.page.inner_text("main")).split())

    async def picture(self, name: str) -> None:
        """Keep how the page looks, in daylight and on a telephone, when pictures are asked for."""
        if not os.environ.get("SCREENSHOTS"):
            return
        PICTURES.mkdir(parents=True, exist_ok=True)
        await self.page.screenshot(path=PICTURES / f"{name}.png", full_page=True)
        await self.page.set_viewport_size(PHONE)  # type: ignore[arg-type]
        await self.page.screenshot(path=PICTURES / f"{name}-phone.png")
        await self.page.set_viewport_size(DESKTOP)  # type: ignore[arg-type]


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """The system's Chromium."""
    if CHROMIUM is None:
        if os.environ.get("REQUIRE_BROWSER"):
            pytest.fail("no chromium on this machine, and REQUIRE_BROWSER is set")
        pytest.skip("no chromium on this machine: apt-get install chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        await browser.close()


async def window(
    console: Console, browser: Browser, role: str, *, lang: str = "vi", scripts: bool = True
) -> Window:
    """A person of that role, signed in through the form."""
    await account(console.gw, role)
    page = await browser.new_page(
        viewport=DESKTOP,  # type: ignore[arg-type]
        timezone_id="America/New_York",  # the pages speak +07:00 wherever the browser is
        locale="vi-VN" if lang == "vi" else "en-US",
        java_script_enabled=scripts,
    )
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    found = Window(page, console.base, problems)
    await found.go("/sign-in")
    await page.fill("#login", role)
    await page.fill("#password", PASSWORD)
    await page.click("button.main")
    return found
