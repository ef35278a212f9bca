"""Accounts: opened, reset, closed, always by an administrator and always with a reason."""

from __future__ import annotations

import re

from gateway.flow import accounts
from gateway.flow.operate import LOCAL
from tests.console.conftest import PASSWORD, Console


async def principal_of(console: Console, login: str) -> str:
    lines = await accounts.list_accounts(console.gw, LOCAL)
    return next(line.principal.id for line in lines if line.login == login)


async def test_a_first_password_is_shown_once_and_opens_the_door(console: Console) -> None:
    boss = await console.person("administrator")
    page = await boss.post("/people", name="Nguyễn Thị Lan", login="Lan.NT", role="clerk", agencies="H37.03")
    found = re.search(r'class="secret">([^<]+)<', page.text)
    assert found
    assert found.group(1) not in (await boss.get("/people")).text
    clerk = console.stranger()
    answer = await clerk.sign_in("lan.nt", found.group(1))
    assert answer.url.endswith("/console/me")


async def test_a_clerk_has_an_agency_and_a_login_is_taken_once(console: Console) -> None:
    boss = await console.person("administrator")
    no_agency = await boss.post("/people", name="A", login="an.van", role="clerk")
    assert no_agency.status == 400
    unknown = await boss.post("/people", name="A", login="an.van", role="clerk", agencies="H99")
    assert "Danh mục không có đơn vị mang mã “H99”" in unknown.words
    taken = await boss.post("/people", name="A", login="administrator", role="auditor")
    assert (taken.status, "đã có người dùng" in taken.words) == (409, True)
    assert (await boss.post("/people", name="A", login="ân", role="auditor")).status == 400
    assert (await boss.post("/people", name="A", login="abc", role="system")).status == 400


async def test_closing_an_account_ends_its_sessions_and_opening_lets_it_in_again(console: Console) -> None:
    boss, operator = await console.person("administrator"), await console.person("operator")
    whose = await principal_of(console, "operator")
    assert (await boss.post(f"/people/{whose}/close", reason="")).status == 400
    page = await boss.post(f"/people/{whose}/close", reason="chuyển công tác")
    assert "Đã khóa tài khoản." in page.words
    assert (await operator.get("/me")).status == 401
    await boss.post(f"/people/{whose}/open", reason="trở lại")
    assert "sign-out" in (await operator.sign_in("operator")).text


async def test_nobody_closes_his_own_account(console: Console) -> None:
    boss = await console.person("administrator")
    whose = await principal_of(console, "administrator")
    answer = await boss.post(f"/people/{whose}/close", reason="thử")
    assert (answer.status, "Không ai tự khóa tài khoản của mình" in answer.words) == (403, True)


async def test_a_reset_ends_sessions_and_a_lock(console: Console) -> None:
    boss, operator = await console.person("administrator"), await console.person("operator")
    whose = await principal_of(console, "operator")
    page = await boss.post(f"/people/{whose}/reset", reason="quên mật khẩu")
    found = re.search(r'class="secret">([^<]+)<', page.text)
    assert found
    assert (await operator.get("/me")).status == 401
    assert (await console.stranger().sign_in("operator", PASSWORD)).status == 401
    assert (await console.stranger().sign_in("operator", found.group(1))).status == 200


async def test_an_administrator_ends_anybodys_session(console: Console) -> None:
    boss, auditor = await console.person("administrator"), await console.person("auditor")
    page = await boss.get("/people")
    ends = re.findall(r"/people/sessions/([^/]+)/end", page.text)
    for session in ends:
        if (await auditor.get("/me")).status == 401:
            break
        await boss.post(f"/people/sessions/{session}/end")
    assert (await auditor.get("/me")).status == 401


async def test_auditors_see_people_and_change_none(console: Console) -> None:
    auditor = await console.person("auditor")
    page = await auditor.get("/people")
    assert "Người auditor" in page.words
    assert "Mở tài khoản" not in page.words
    assert (await auditor.post("/people", name="A", login="abc", role="auditor")).status == 403
