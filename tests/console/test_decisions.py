"""Decisions: nobody does both halves, whichever page or address he uses."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from gateway.clock import SystemClock, from_datetime
from gateway.flow import incident, retention, signers
from gateway.flow.operate import LOCAL
from gateway.model.agency import Period
from gateway.model.policy import Action
from gateway.store import signers as signer_rows
from gateway.store.incidents import IncidentState
from gateway.store.signers import SignerProposal
from tests.console.conftest import Console, Person, account

RULE = "signature.pdf_unsigned"
STRICTER = {"rule": RULE, "action": "refuse", "direction": "sends", "reason": "Chỉ thị số 1"}
DIGEST = "ab" * 32


async def bosses(console: Console) -> tuple[Person, Person]:
    """Two administrators, each in a browser of their own."""
    await account(console.gw, "administrator", "second")
    other = console.stranger()
    await other.sign_in("second")
    return await console.person("administrator"), other


def first(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    assert found, text
    return found.group(1)


async def proposed(boss: Person) -> str:
    page = await boss.post("/decisions/policies", **STRICTER)
    assert "chưa có gì thay đổi" in page.words
    return first(r"/decisions/proposals/([^\"]+)\"", page.text)


async def reported(console: Console, boss: Person) -> str:
    sent = await console.world.send()
    page = await boss.post("/decisions/incidents", document=sent.document, reason="Có nội dung mật")
    assert "/decisions/incidents/" in page.url, page.text
    return page.url.rsplit("/", 1)[1]


async def test_an_empty_page_says_that_nothing_waits(console: Console) -> None:
    words = (await (await console.person("auditor")).get("/decisions")).words
    assert "Chưa có sự cố nào" in words
    assert "trục áp dụng mặc định" in words
    assert "Không có chứng thư số nào chờ" in words


async def test_a_policy_needs_two_administrators(console: Console) -> None:
    boss, other = await bosses(console)
    proposal = await proposed(boss)
    assert "Người khác phải phê duyệt" in (await boss.get("/decisions")).words
    alone = await boss.post(f"/decisions/proposals/{proposal}", decision="approve", reason="Tôi")
    assert (alone.status, "phải khác người đề nghị" in alone.words) == (403, True)
    assert console.gw.policies == ()
    page = await other.post(f"/decisions/proposals/{proposal}", decision="approve", reason="Đồng ý")
    assert "Đã phê duyệt." in page.words
    assert [(one.rule, one.action) for one in console.gw.policies] == [(RULE, Action.REFUSE)]
    again = await other.post(f"/decisions/proposals/{proposal}", decision="decline", reason="Nhầm")
    assert (again.status, "đã được quyết định" in again.words) == (409, True)


async def test_an_exemption_and_an_end_need_two_as_well(console: Console) -> None:
    boss, other = await bosses(console)
    await other.post(f"/decisions/proposals/{await proposed(boss)}", decision="approve", reason="Đồng ý")
    exemption = STRICTER | {"action": "accept_and_report", "agency": "H37"}
    assert (await boss.post("/decisions/policies", **exemption)).status == 400
    page = await boss.post("/decisions/policies", **exemption, to="2099-12-31")
    asked = first(r"/decisions/proposals/([^\"]+)\"", page.text)
    assert (await boss.post(f"/decisions/proposals/{asked}", decision="approve", reason="Tôi")).status == 403
    await other.post(f"/decisions/proposals/{asked}", decision="approve", reason="Đồng ý")
    assert len(console.gw.policies) == 2
    ending = first(r"/decisions/policies/([^\"]+)/end", (await other.get("/decisions")).text)
    page = await other.post(f"/decisions/policies/{ending}/end", reason="Hết cần")
    asked = first(r"/decisions/proposals/([^\"]+)\"", page.text)
    assert (await other.post(f"/decisions/proposals/{asked}", decision="approve", reason="Tôi")).status == 403
    assert all(one.ended_at is None for one in console.gw.policies)
    await boss.post(f"/decisions/proposals/{asked}", decision="approve", reason="Đồng ý")
    assert any(one.ended_at is not None for one in console.gw.policies)


async def test_a_declined_policy_never_holds(console: Console) -> None:
    boss, other = await bosses(console)
    proposal = await proposed(boss)
    assert (await other.post(f"/decisions/proposals/{proposal}", decision="decline", reason="")).status == 400
    assert (await other.post(f"/decisions/proposals/{proposal}", reason="Không rõ")).status == 400
    page = await other.post(f"/decisions/proposals/{proposal}", decision="decline", reason="Chưa cần")
    assert "không có gì thay đổi" in page.words
    assert console.gw.policies == ()


async def test_a_purge_needs_two_administrators_and_a_ticked_box(console: Console) -> None:
    boss, other = await bosses(console)
    case = await reported(console, boss)
    path = f"/decisions/incidents/{case}"
    assert "Bạn đã báo sự cố này" in (await boss.get(path)).words
    alone = await boss.post(f"{path}/confirm", sure="yes")
    assert (alone.status, "phải khác người báo" in alone.words) == (403, True)
    assert (await other.post(f"{path}/confirm")).status == 400
    [waiting] = await incident.list_incidents(console.gw, LOCAL)
    assert waiting.state is IncidentState.OPEN
    page = await other.post(f"{path}/confirm", sure="yes")
    assert "Đã xóa mọi nội dung" in page.words
    assert "Có nội dung mật" not in (await other.get("/decisions")).words
    page = await boss.post(f"{path}/close", reason="Nơi nhận đã báo hủy")
    assert "Đã đóng sự cố." in page.words


async def test_a_dismissed_incident_lets_the_document_go_on(console: Console) -> None:
    boss, _ = await bosses(console)
    case = await reported(console, boss)
    assert await console.world.waiting("H37.03") == []
    page = await boss.post(f"/decisions/incidents/{case}/dismiss", reason="Nhầm văn bản")
    assert "không phải sự cố" in page.words
    assert len(await console.world.waiting("H37.03")) == 1


async def test_a_document_nobody_knows_cannot_be_reported(console: Console) -> None:
    boss = await console.person("administrator")
    answer = await boss.post("/decisions/incidents", document="không có", reason="Thử")
    assert answer.status == 404
    assert (await boss.get("/decisions/incidents/không-có")).status == 404


async def test_erasing_needs_two_administrators_and_then_a_hand(console: Console) -> None:
    in_force = datetime(2026, 8, 1, tzinfo=UTC)  # of the class for logs of logins
    console.world.clock.jump_to(from_datetime(in_force))
    boss, other = await bosses(console)
    page = await boss.post("/decisions/retention", **{"class": "security"}, reason="Hết hạn lưu")
    decision = first(r"/decisions/retention/([^\"/]+)\"", page.text)
    path = f"/decisions/retention/{decision}"
    assert (await boss.post(path, decision="approve", reason="Tôi")).status == 403
    assert (await boss.post(f"{path}/run")).status == 409
    assert "Đã phê duyệt." in (await other.post(path, decision="approve", reason="Đồng ý")).words
    assert "Đã xóa 0 giá trị riêng." in (await boss.post(f"{path}/run")).words
    [kept] = (await retention.show(console.gw, LOCAL))["decisions"]
    assert kept.proposed_by != kept.approved_by


async def propose_signer(console: Console) -> None:
    """A valid signature by <script>, whom nobody registered."""
    at = SystemClock().now()
    new = SignerProposal(DIGEST, "<script>alert(1)</script>\u202e", "H37", "person", Period(), "m", "H37", at)
    await console.gw.store.write(lambda tx: signer_rows.propose(tx, new))


@pytest.mark.parametrize("decision", ["approve", "decline"])
async def test_a_person_decides_about_a_signer(console: Console, decision: str) -> None:
    await propose_signer(console)
    boss = await console.person("administrator")
    page = await boss.get("/decisions")
    assert "<script>alert" not in page.text
    assert "U+202E" in page.text
    path = f"/decisions/signers/{DIGEST}"
    assert (await boss.post(path, decision=decision, reason="")).status == 400
    fields = {"agency": "H37", "role": "person", "position": "Chánh Văn phòng"}
    await boss.post(path, decision=decision, reason="Đúng người", **fields)
    registered = await signers.list_signers(console.gw, LOCAL)
    titles = [one.title for one in registered if one.certificate_sha256 == DIGEST]
    assert titles == (["Chánh Văn phòng"] if decision == "approve" else [])
    assert await signers.list_proposals(console.gw, LOCAL) == []


@pytest.mark.parametrize("role", ["auditor", "operator"])
async def test_who_only_watches_sees_all_and_is_offered_no_form(console: Console, role: str) -> None:
    boss, _ = await bosses(console)
    proposal, case = await proposed(boss), await reported(console, boss)
    watcher = await console.person(role)
    page = await watcher.get("/decisions")
    assert (page.status, "Chỉ thị số 1" in page.words) == (200, True)
    assert 'action="/console/decisions' not in page.text
    assert (await watcher.get(f"/decisions/incidents/{case}")).status == 200
    asked = await watcher.post(f"/decisions/proposals/{proposal}", decision="approve", reason="Thử")
    assert asked.status == 403
