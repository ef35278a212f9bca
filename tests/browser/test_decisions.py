"""Decisions in a real browser: two administrators, each with a window."""

from __future__ import annotations

from playwright.async_api import Browser

from gateway.flow import incident, policies
from gateway.flow.door import Caller
from gateway.flow.operate import LOCAL
from gateway.model.agency import Period
from gateway.model.policy import Action
from gateway.store import signers
from gateway.store.people import Role
from gateway.store.signers import SignerProposal
from tests.browser.conftest import window
from tests.console.conftest import Console, account

SECOND = Caller("second", "Trần Thị Bình", Role.ADMINISTRATOR, frozenset())


async def test_a_second_person_approves_and_purges(console: Console, browser: Browser) -> None:
    gw, rule = console.gw, "signature.pdf_unsigned"
    old = await policies.set_policy(gw, LOCAL, "form.*", Action.HOLD, "Chỉ thị 05/CT-UBND")
    await policies.decide(gw, SECOND, old.id, True, "Đồng ý")
    await policies.set_policy(gw, LOCAL, rule, Action.REFUSE, "Chỉ nhận văn bản đã ký số")
    at = gw.clock.now()
    seen = SignerProposal(
        "ab" * 32, "CN=Nguyễn Văn An, O=UBND tỉnh", "H37", "person", Period(), "m", "H37", at
    )
    await gw.store.write(lambda tx: signers.propose(tx, seen))
    sent = await console.world.send()
    await incident.open_incident(gw, LOCAL, sent.document, "Có nội dung mật gửi nhầm")
    boss = await window(console, browser, "administrator")
    await boss.go("/decisions")
    await boss.picture("decisions")
    row = boss.page.locator("tr", has_text=rule)
    await row.get_by_label("Lý do").fill("Đồng ý")
    await row.get_by_role("button", name="Phê duyệt").click()
    assert "Đã phê duyệt." in await boss.words()
    await boss.page.locator("tr", has_text="chờ người thứ hai xác nhận").get_by_role("link").click()
    await boss.picture("decisions-incident")
    await boss.page.check("input[name=sure]")
    await boss.page.click("button:has-text('Xóa văn bản')")
    assert "Đã xóa mọi nội dung" in await boss.words()
    assert boss.problems == []


async def test_an_auditor_sees_decisions_in_english_without_scripts(
    console: Console, browser: Browser
) -> None:
    await account(console.gw, "operator")
    seen = await window(console, browser, "auditor", lang="en", scripts=False)
    await seen.go("/decisions?lang=en")
    assert "No incidents." in await seen.words()
    assert await seen.page.locator("main form").count() == 0
