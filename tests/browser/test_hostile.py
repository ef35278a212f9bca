"""Hostile words in a real browser: none of them runs, on any page."""

from __future__ import annotations

import re

from playwright.async_api import Browser

from gateway.flow import hold
from gateway.flow.operate import LOCAL
from gateway.web.console.page import WATCH
from gateway.web.console.pages import PAGES
from tests.browser.conftest import window
from tests.console.conftest import Console

HOSTILE = "\"><img src=x onerror=alert(1)><script>alert(2)</script>' onload=alert(3)"


async def test_nothing_that_others_wrote_runs_on_any_page(console: Console, browser: Browser) -> None:
    sent = await console.world.send(
        to=["H37.03", "H37.31"], number="1<b>", notation='"><svg onload=alert(4)>', subject=HOSTILE
    )
    [row, *_] = await console.world.rows("deliveries_of_document", document=sent.document)
    await hold.hold(console.gw, LOCAL, str(row["id"]), HOSTILE)
    await console.gw.sequencer.catch_up()
    await console.gw.sequencer.publish()
    [event] = [
        one["id"]
        for one in await console.world.rows("events_after", at=0, id="", limit=999)
        if one["type"] == "document.accepted"
    ]
    ids = {"document": sent.document, "delivery": str(row["id"]), "event": str(event), "agency": "H37.03"}
    ids |= {"measure": "K2", "name": "D.sent", "number": "1", "kind": "inbox", "report": "x", "form": "F1"}
    seen = await window(console, browser, "administrator")
    dialogs: list[str] = []
    seen.page.on("dialog", lambda dialog: dialogs.append(dialog.message))
    shown = 0
    for page in PAGES:
        named = re.findall(r"{(\w+)}", page.path)
        if page.method != "GET" or not WATCH & page.roles or page.live or not set(named) <= ids.keys():
            continue
        if page.path.endswith((".csv", ".xlsx")) or "/checkpoints/" in page.path:
            continue  # files, no pages
        await seen.go(re.sub(r"{(\w+)}", lambda found: ids[found.group(1)], page.path))
        shown += "onerror=alert(1)" in await seen.page.inner_text("body")
    assert dialogs == []
    assert [problem for problem in seen.problems if "Content Security Policy" in problem] == []
    assert shown >= 3  # the words were there to be run: document, delivery, event
