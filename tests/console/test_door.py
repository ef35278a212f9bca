"""The door of the console: passwords, codes, sessions, forms, languages."""

from __future__ import annotations

import pyotp
import pytest

from gateway.clock import SECOND
from gateway.flow import accounts, sign_in
from gateway.flow.operate import LOCAL
from gateway.model.event import EventType
from gateway.model.text import Instant
from gateway.web.console.page import ANYBODY
from gateway.web.console.pages import PAGES
from tests.console.conftest import PASSWORD, ROLES, Console, account

MINUTE = 60 * SECOND


def later(console: Console, minutes: float) -> None:
    clock = console.world.clock
    clock.jump_to(Instant(clock.now() + int(minutes * MINUTE)))


async def events(console: Console, kind: EventType) -> int:
    rows = await console.world.rows("events_after", at=0, id="", limit=9999)
    return sum(row["type"] == kind.value for row in rows)


@pytest.mark.parametrize(
    "page", [page for page in PAGES if page.roles != ANYBODY], ids=lambda p: f"{p.method} {p.path}"
)
async def test_every_page_asks_who_it_is(console: Console, page: object) -> None:
    stranger = console.stranger()
    path = page.path.replace("{", "").replace("}", "")  # type: ignore[attr-defined]
    call = stranger.get if page.method == "GET" else stranger.post  # type: ignore[attr-defined]
    answer = await call(path, follow=False)
    assert answer.status == 401 or answer.status == 415


@pytest.mark.parametrize("role", sorted(ROLES))
async def test_a_role_is_shown_only_its_pages(console: Console, role: str) -> None:
    person, kind = await console.person(role), ROLES[role][0]
    for page in PAGES:
        if page.roles == ANYBODY or kind in page.roles or page.upload:
            continue
        path = page.path.replace("{", "").replace("}", "")
        answer = await (person.get(path) if page.method == "GET" else person.post(path))
        assert answer.status == 403, page.path
        assert "không có quyền" in answer.words


async def test_forms_of_other_sites_change_nothing(console: Console) -> None:
    person = await console.person("operator")
    answer = await person.post("/sign-out", csrf="x" * 43)
    assert answer.status == 403
    assert "Chưa có gì được thực hiện" in answer.words
    assert (await person.get("/me")).status == 200


async def test_a_wrong_password_and_an_unknown_login_look_the_same(console: Console) -> None:
    await account(console.gw, "operator")
    known = await console.stranger().sign_in("operator", "sai mật khẩu rồi đó")
    unknown = await console.stranger().sign_in("nobody", "sai mật khẩu rồi đó")
    assert (known.status, unknown.status) == (401, 401)
    assert known.words == unknown.words


async def test_guessing_locks_the_account_for_longer_and_longer(console: Console) -> None:
    await account(console.gw, "operator")
    stranger = console.stranger()
    for _ in range(sign_in.FREE_FAILURES):
        assert (await stranger.sign_in("operator", "x")).status == 401
    assert (await stranger.sign_in("operator")).status == 429  # even the right one
    later(console, 1.1)
    assert (await stranger.sign_in("operator", "x")).status == 401
    later(console, 1.1)
    assert (await stranger.sign_in("operator")).status == 429
    later(console, 1.1)
    assert "sign-out" in (await stranger.sign_in("operator")).text


async def test_guessing_the_present_password_locks_as_at_the_door(console: Console) -> None:
    person = await console.person("auditor")
    given = {"password_new": "một câu khác dài hơn", "password_again": "một câu khác dài hơn"}
    for _ in range(sign_in.FREE_FAILURES):
        assert (await person.post("/me/password", password_old="x", **given)).status == 401
    assert (await person.post("/me/password", password_old=PASSWORD, **given)).status == 429
    later(console, 1.1)
    assert "Đã đổi mật khẩu" in (await person.post("/me/password", password_old=PASSWORD, **given)).words


async def test_over_tls_browsers_are_told_to_stay_there(console: Console) -> None:
    person = console.stranger()
    plain = await person.get("/sign-in")
    proxied = await person.get("/sign-in", **{"X-Forwarded-Proto": "https"})
    assert "strict-transport-security" not in plain.headers
    assert proxied.headers["strict-transport-security"] == "max-age=31536000"


async def test_one_address_cannot_try_all_accounts(console: Console) -> None:
    stranger = console.stranger()
    for number in range(sign_in.SOURCE_FAILURES):
        assert (await stranger.sign_in(f"person{number}", "x")).status == 401
    await account(console.gw, "operator")
    assert (await stranger.sign_in("operator")).status == 429


async def test_a_session_ends_when_it_is_not_used_and_after_a_day(console: Console) -> None:
    person = await console.person("auditor")
    for _ in range(20):
        later(console, 25)
        assert (await person.get("/me")).status == 200
    later(console, 31)
    assert (await person.get("/me")).status == 401
    again = await console.person_again("auditor")
    for _ in range(28):
        later(console, 25)
        await again.get("/me")
    later(console, 25)
    assert (await again.get("/me")).status == 401


async def test_what_was_typed_is_not_lost_when_the_session_expired(console: Console) -> None:
    person = await console.person("operator")
    later(console, 31)
    door = await person.post("/me/code/confirm", code="123456", note="Lý do <b>dài</b>")
    assert door.status == 401
    assert 'name="keep:note" value="Lý do &lt;b&gt;dài&lt;/b&gt;"' in door.text
    fields = {"keep:code": "123456", "keep:note": "Lý do <b>dài</b>"}
    back = await person.post(
        "/sign-in", csrf="", login="operator", password=PASSWORD, code="", resume="/console/me/code/confirm",
        **fields,
    )  # fmt: skip
    assert 'action="/console/me/code/confirm"' in back.text
    assert "Lý do <b>dài</b>" in back.words


async def test_passwords_are_never_carried_over_a_sign_in(console: Console) -> None:
    person = await console.person("operator")
    later(console, 31)
    door = await person.post("/me/password", password_old=PASSWORD, password_new="another one")
    assert door.status == 401
    assert PASSWORD not in door.text


async def test_the_first_password_must_be_changed_before_anything_else(console: Console) -> None:
    made = await accounts.open_account(console.gw, LOCAL, "moi", "Người mới", ROLES["operator"][0])
    person = console.stranger()
    answer = await person.sign_in("moi", made.password)
    assert answer.url.endswith("/console/me")
    assert "Hãy đổi mật khẩu" in answer.words
    assert (
        await person.post(
            "/me/password", password_old=made.password, password_new="ngan", password_again="ngan"
        )
    ).status == 400
    changed = await person.post(
        "/me/password", password_old=made.password, password_new=PASSWORD, password_again=PASSWORD
    )
    assert "Đã đổi mật khẩu" in changed.words
    assert "Đã đổi mật khẩu" not in (await person.get("/me")).words


async def test_a_second_factor_is_asked_for_and_no_code_works_twice(console: Console) -> None:
    person = await console.person("administrator")
    page = await person.post("/me/code")
    secret = page.words.partition("nhập tay: ")[2].partition(" Mã 6")[0].replace(" ", "")
    now = console.world.clock.now() // SECOND
    assert (await person.post("/me/code/confirm", code="000000")).status == 400
    await person.post("/me/code/confirm", code=pyotp.TOTP(secret).at(now))
    stranger = console.stranger()
    assert (await stranger.sign_in("administrator")).status == 401
    assert (await stranger.sign_in("administrator", code=pyotp.TOTP(secret).at(now))).status == 401  # used
    later(console, 1)
    code = pyotp.TOTP(secret).at(console.world.clock.now() // SECOND)
    assert "sign-out" in (await stranger.sign_in("administrator", code=code)).text
    assert (await console.stranger().sign_in("administrator", code=code)).status == 401


async def test_ending_a_session_takes_effect_at_once(console: Console) -> None:
    person = await console.person("operator")
    other = await console.person_again("operator")
    listed = await sign_in.list_sessions(console.gw, LOCAL)
    await sign_in.end_session(console.gw, LOCAL, listed[-1].id)
    assert sorted([(await person.get("/me")).status, (await other.get("/me")).status]) == [200, 401]


async def test_a_closed_account_opens_nothing(console: Console) -> None:
    person = await console.person("operator")
    [line] = await accounts.list_accounts(console.gw, LOCAL)
    await accounts.set_active(console.gw, LOCAL, line.principal.id, False, "nghỉ việc")
    assert (await person.get("/me")).status == 401
    assert (await console.stranger().sign_in("operator")).status == 401


async def test_pages_carry_no_inline_script_and_may_not_be_framed(console: Console) -> None:
    answer = await console.stranger().get("/sign-in")
    policy = answer.headers["content-security-policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert "<script>" not in answer.text
    assert " on" not in answer.text.replace(" one", "").replace(" on ", " ") or "onclick" not in answer.text
    assert answer.headers["cache-control"] == "no-store"


async def test_the_cookie_is_kept_from_scripts_and_other_sites(console: Console) -> None:
    await account(console.gw, "auditor")
    person = console.stranger()
    data = {"login": "auditor", "password": PASSWORD}
    async with person.session.post(
        f"{console.base}/console/sign-in", data=data, allow_redirects=False
    ) as response:
        cookie = response.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    headers = {"X-Forwarded-Proto": "https"}
    async with person.session.post(
        f"{console.base}/console/sign-in", data=data, headers=headers, allow_redirects=False
    ) as response:
        cookie = response.headers["Set-Cookie"]
    assert cookie.startswith("__Host-")
    assert "Secure" in cookie


async def test_behind_our_proxy_each_address_is_counted_for_itself(console: Console) -> None:
    person = console.stranger()

    async def guess(address: str, number: int = 0) -> int:
        headers = {"X-Forwarded-For": f"10.9.9.9, {address}"}  # the first is the caller's own word
        data = {"login": f"nobody{number}", "password": "x"}
        async with person.session.post(
            f"{console.base}/console/sign-in", data=data, headers=headers
        ) as response:
            return response.status

    for number in range(sign_in.SOURCE_FAILURES):
        assert await guess("203.0.113.7", number) == 401
    assert await guess("203.0.113.7") == 429
    assert await guess("203.0.113.8", 99) == 401


async def test_nobody_is_sent_to_another_site_after_signing_in(console: Console) -> None:
    await account(console.gw, "auditor")
    for target in ("https://evil.example/", "//evil.example/", "/console//evil", "/console/\\evil", "/other"):
        person = console.stranger()
        answer = await person.post(
            "/sign-in", csrf="", follow=False, login="auditor", password=PASSWORD, next=target
        )
        assert answer.headers["location"] == "/console/"


async def test_english_is_one_click_away_and_stays(console: Console) -> None:
    person = await console.person("auditor")
    assert "Đổi mật khẩu" in (await person.get("/me")).words
    await person.post("/language", lang="en", next="/console/me")
    page = await person.get("/me")
    assert "Change password" in page.words
    assert '<html lang="en">' in page.text


async def test_signing_in_and_looking_are_recorded(console: Console) -> None:
    before = await events(console, EventType.LOGIN_SUCCEEDED)
    person = await console.person("auditor")
    assert await events(console, EventType.LOGIN_SUCCEEDED) == before + 1
    seen = await events(console, EventType.PERSON_VIEWED)
    await person.get("/me")
    assert await events(console, EventType.PERSON_VIEWED) == seen + 1
