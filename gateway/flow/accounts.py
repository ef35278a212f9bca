"""Accounts of persons at the console: opening, resetting, closing, second factor.

In charge of: that no account starts with a password anybody else could know for long: the first one is
random, shown once, and must be changed. Not in charge of: signing in (``sign_in.py``), rights
(``door.Caller``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from gateway.errors import BadRequest, NotAuthenticated, NotFound, NotPermitted, WrongState
from gateway.flow import office, passwords, record, sign_in
from gateway.flow.door import Caller, stated
from gateway.flow.facts import salted
from gateway.model.event import Event, EventType
from gateway.model.text import AgencyCode, Bilingual, Instant
from gateway.services import Services
from gateway.store import accounts, events, people
from gateway.store.accounts import Account
from gateway.store.contract import Conflict, Tx
from gateway.store.people import Principal, Role

_LOGIN = re.compile(r"[a-z0-9][a-z0-9._@-]{2,63}")


@dataclass(frozen=True, slots=True)
class NewAccount:
    """``password``: shown once, has to be changed; empty where an identity provider proves the person."""

    principal: Principal
    login: str
    password: str


@dataclass(frozen=True, slots=True)
class AccountLine:
    """An account as lists show it."""

    principal: Principal
    login: str
    subject: str
    asks_code: bool
    must_change: bool
    locked_until: Instant | None
    seen_at: Instant | None


async def open_account(
    gw: Services,
    caller: Caller,
    login: str,
    name: str,
    role: Role,
    agencies: Iterable[AgencyCode] = (),
    subject: str = "",
) -> NewAccount:
    """Let a person sign in. ``subject``: whom an identity provider means; then no password is made."""
    caller.require(Role.ADMINISTRATOR)
    login = login.strip().lower()
    if not _LOGIN.fullmatch(login):
        raise BadRequest(_BAD_LOGIN, code="account.login")
    if role is Role.SYSTEM:
        raise BadRequest(_NO_SYSTEM, code="account.system")
    if await gw.store.read(lambda tx: accounts.by_login(tx, login)):
        raise WrongState(_LOGIN_TAKEN, code="account.exists")
    principal = await office.add_principal(gw, caller, name, role, agencies)
    password = "" if subject else passwords.temporary_password()
    kept = await passwords.hashed(password) if password else ""
    now = gw.clock.now()
    account = Account(
        principal.id, login, kept, bool(password), subject, None, None, 0, 0, None, now,
    )  # fmt: skip
    issued = _event(gw, EventType.CREDENTIAL_ISSUED, caller, principal.id, "oidc" if subject else "password")

    def unit(tx: Tx) -> None:
        accounts.add(tx, account)
        events.record(tx, issued)

    try:
        await gw.store.write(unit)
    except Conflict as error:
        raise WrongState(_LOGIN_TAKEN, code="account.exists") from error
    return NewAccount(principal, login, password)


async def list_accounts(gw: Services, caller: Caller) -> list[AccountLine]:
    """Everybody who can sign in."""
    caller.require(Role.ADMINISTRATOR, Role.AUDITOR, Role.OPERATOR)
    found = await gw.store.read(accounts.every)
    lines = []
    for one in found:
        if principal := gw.people.principal(one.principal):
            lines.append(
                AccountLine(
                    principal,
                    one.login,
                    one.subject,
                    one.asks_code,
                    one.must_change,
                    one.locked_until,
                    one.seen_at,
                )
            )
    return lines


async def reset_password(gw: Services, caller: Caller, principal: str, reason: str) -> NewAccount:
    """A new random password, a lock ended, all sessions ended."""
    caller.require(Role.ADMINISTRATOR)
    reason, account, whose = stated(reason), await _account(gw, principal), _principal(gw, principal)
    password = passwords.temporary_password()
    kept, now = await passwords.hashed(password), gw.clock.now()
    issued = _event(gw, EventType.CREDENTIAL_ISSUED, caller, principal, "password", reason)

    def unit(tx: Tx) -> None:
        accounts.set_password(tx, principal, kept, now, must_change=True)
        accounts.end_all(tx, principal, now)
        events.record(tx, issued)

    await gw.store.write(unit)
    return NewAccount(whose, account.login, password)


async def change_password(gw: Services, caller: Caller, old: str, new: str, keep_session: str = "") -> None:
    """One's own. All other sessions end. Guessing the present one locks as it does at the door."""
    account = await _account(gw, caller.principal)
    sign_in.require_unlocked(account.locked_until, gw.clock.now())
    if not await passwords.matches(account.password, old):
        await sign_in.count_failure(gw, caller.principal)
        raise NotAuthenticated(_WRONG_PASSWORD, code="password.wrong")
    new = passwords.checked_new(new, account.login)
    if await passwords.matches(account.password, new):
        raise BadRequest(_SAME, code="password.same")
    kept, now = await passwords.hashed(new), gw.clock.now()
    issued = _event(gw, EventType.CREDENTIAL_ISSUED, caller, caller.principal, "password")

    def unit(tx: Tx) -> None:
        accounts.set_password(tx, caller.principal, kept, now, must_change=False)
        accounts.end_all(tx, caller.principal, now, keep=keep_session)
        events.record(tx, issued)

    await gw.store.write(unit)


async def begin_second_factor(gw: Services, caller: Caller) -> str:
    """A new secret (base32) for an authenticator app; it counts once a code of it was given."""
    account = await _account(gw, caller.principal)
    if account.asks_code:
        raise WrongState(_HAS_CODE, code="totp.exists")
    secret = passwords.new_code_secret()
    sealed = gw.keyring.encrypt_secret(secret.encode())
    await gw.store.write(lambda tx: accounts.set_totp(tx, caller.principal, sealed))
    return secret


async def confirm_second_factor(gw: Services, caller: Caller, code: str) -> None:
    """From now on a code is asked for at each sign-in."""
    account = await _account(gw, caller.principal)
    if account.totp is None or account.asks_code:
        raise WrongState(_NOT_BEGUN, code="totp.not_begun")
    now = gw.clock.now()
    step = passwords.step_of_code(gw.keyring.decrypt_secret(account.totp).decode(), code, now)
    if step is None:
        raise BadRequest(_WRONG_CODE, code="totp.wrong")
    issued = _event(gw, EventType.CREDENTIAL_ISSUED, caller, caller.principal, "totp")

    def unit(tx: Tx) -> None:
        if accounts.take_step(tx, caller.principal, step, now):
            events.record(tx, issued)

    await gw.store.write(unit)


async def drop_second_factor(gw: Services, caller: Caller, principal: str, reason: str) -> None:
    """For a lost telephone: an administrator takes the second factor away; all sessions end."""
    caller.require(Role.ADMINISTRATOR)
    reason, now = stated(reason), gw.clock.now()
    await _account(gw, principal)
    revoked = _event(gw, EventType.CREDENTIAL_REVOKED, caller, principal, "totp", reason)

    def unit(tx: Tx) -> None:
        accounts.set_totp(tx, principal, None)
        accounts.end_all(tx, principal, now)
        events.record(tx, revoked)

    await gw.store.write(unit)


async def set_active(gw: Services, caller: Caller, principal: str, active: bool, reason: str) -> None:
    """Close an account (its sessions end, its keys open nothing) or open it again. Nobody closes his own."""
    caller.require(Role.ADMINISTRATOR)
    reason, now, whose = stated(reason), gw.clock.now(), _principal(gw, principal)
    if principal == caller.principal:
        raise NotPermitted(_NOT_YOURSELF, code="account.own")
    kind = EventType.CREDENTIAL_ISSUED if active else EventType.CREDENTIAL_REVOKED
    changed = _event(gw, kind, caller, principal, "account", reason)

    def unit(tx: Tx) -> None:
        people.set_active(tx, replace(whose, active=active))
        if not active:
            accounts.end_all(tx, principal, now)
        events.record(tx, changed)

    await gw.store.write(unit)
    await gw.refresh()


async def _account(gw: Services, principal: str) -> Account:
    found = await gw.store.read(lambda tx: accounts.of(tx, principal))
    if found is None:
        raise NotFound(_NO_ACCOUNT, code="account.unknown")
    return found


def _principal(gw: Services, principal: str) -> Principal:
    found = gw.people.principal(principal)
    if found is None:
        raise NotFound(_NO_ACCOUNT, code="account.unknown")
    return found


def _event(
    gw: Services, kind: EventType, caller: Caller, principal: str, proof: str, reason: str = ""
) -> Event:
    return record.event(
        gw,
        kind,
        caller.principal,
        gw.clock.now(),
        facts={"principal": principal, "proof": proof},
        private=salted({"reason": reason}),
    )


_BAD_LOGIN = Bilingual(
    "Tên đăng nhập gồm 3 đến 64 chữ thường không dấu, chữ số, dấu chấm, gạch ngang hoặc @.",
    "A login has 3 to 64 small letters, digits, dots, dashes, underscores or @.",
)
_NO_SYSTEM = Bilingual(
    "Phần mềm dùng khóa API, không đăng nhập màn hình quản trị: gateway agency add.",
    "Software uses an API key and does not sign in here: gateway agency add.",
)
_LOGIN_TAKEN = Bilingual("Tên đăng nhập này đã có người dùng.", "This login is taken.")
_WRONG_PASSWORD = Bilingual("Mật khẩu hiện tại không đúng.", "The present password is wrong.")
_SAME = Bilingual("Mật khẩu mới trùng mật khẩu cũ.", "The new password is the old one.")
_HAS_CODE = Bilingual("Tài khoản đã bật xác thực hai lớp.", "A second factor is set up already.")
_NOT_BEGUN = Bilingual(
    "Hãy tạo mã QR trước rồi nhập mã xác thực.", "Make the QR code first, then give a code."
)
_WRONG_CODE = Bilingual(
    "Mã xác thực không đúng. Hãy kiểm tra giờ trên điện thoại rồi nhập mã mới.",
    "The code is wrong. Check the clock of the telephone and give the next code.",
)
_NOT_YOURSELF = Bilingual(
    "Không ai tự khóa tài khoản của mình; hãy nhờ quản trị viên khác.",
    "Nobody closes his own account; ask another administrator.",
)
_NO_ACCOUNT = Bilingual("Không có tài khoản này.", "There is no such account.")
