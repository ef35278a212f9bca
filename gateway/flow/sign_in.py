"""Signing in at the console: password, second factor, session.

In charge of: who a browser is, from its token; locking what is guessed at; ending sessions. Every session can
be ended by its owner and by an administrator. Not in charge of: making accounts (``accounts.py``), pages.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, replace

from gateway.clock import SECOND, random_bytes
from gateway.errors import NotAuthenticated, NotFound, TooMany
from gateway.flow import passwords, record
from gateway.flow.door import Caller, turned_away
from gateway.model.event import EventType
from gateway.model.text import Bilingual, Instant
from gateway.services import Services
from gateway.store import accounts, doors, events
from gateway.store.accounts import Account, OpenSession, Session
from gateway.store.contract import Tx
from gateway.store.people import Principal, Role

MINUTE = 60 * SECOND
IDLE = 30 * MINUTE  # a session that nobody uses ends
LONGEST = 12 * 60 * MINUTE  # a working day; then everybody signs in again
SEEN_EVERY = MINUTE  # a session in use is written no more often
FREE_FAILURES = 5  # of one account, before it is locked
LOCK = MINUTE  # the first lock; each further failure doubles it
LONGEST_LOCK = 60 * MINUTE
SOURCE_FAILURES = 30  # from one address within SOURCE_WINDOW
SOURCE_WINDOW = 10 * MINUTE


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A browser that proved who it is. ``token`` goes into the cookie and is kept nowhere."""

    token: str
    session: Session


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who a session belongs to. ``limited``: only the password or second factor may be set now."""

    caller: Caller
    session: Session
    account: Account
    limited: bool


async def require_source(gw: Services, source: str) -> None:
    """``TooMany`` from an address that failed too often, on whichever node."""
    await gw.store.read(lambda tx: _require_source(tx, gw, source))


async def source_failed(gw: Services, source: str) -> None:
    """One more failure of an address."""
    await gw.store.write(lambda tx: _source_failed(tx, gw, source))


async def sign_in(gw: Services, login: str, password: str, code: str, source: str, agent: str) -> SignedIn:
    """Prove a person by password, and by a code where one is set up. ``NotAuthenticated`` tells nothing about
    which was wrong; ``TooMany`` while an account or an address is locked. A login that nobody has locks like
    one that exists, so that a lock tells nothing either."""
    login = login.strip().lower()[:200]

    def look(tx: Tx) -> Account | None:
        _require_source(tx, gw, source)
        account = accounts.by_login(tx, login)
        nobody = None if account else doors.failures(tx, doors.LOGIN, _tag(gw, login))
        until = account.locked_until if account else nobody.locked_until if nobody else None
        require_unlocked(until, gw.clock.now())
        return account

    account = await gw.store.read(look)
    right = await passwords.matches(account.password if account else "", password)
    if account is not None and right:  # others may have guessed, and locked it, while this one was compared
        account = await gw.store.read(look)
    if account is None or not right or not await _takes_code(gw, account, code):
        await _failed(gw, account, login, source)
        raise turned_away(gw, _WRONG, "sign_in.wrong", source)
    principal = gw.people.principal(account.principal)
    if principal is None or not principal.active:
        raise turned_away(gw, _WRONG, "sign_in.wrong", source)
    return await open_session(gw, principal, source, agent)


async def _failed(gw: Services, account: Account | None, login: str, source: str) -> None:
    """One more failure of the address, and of the account or of a login that nobody has."""
    now = gw.clock.now()

    def unit(tx: Tx) -> None:
        _source_failed(tx, gw, source)
        if account is not None:
            _account_failed(tx, account.principal, now)
            return
        name = _tag(gw, login)
        before = doors.failures(tx, doors.LOGIN, name, lock=True)
        times = before.times + 1 if before else 1
        doors.put(tx, doors.LOGIN, name, doors.Failures(times, now, _locked(times, now)))

    await gw.store.write(unit)


def _require_source(tx: Tx, gw: Services, source: str) -> None:
    found, now = doors.failures(tx, doors.SOURCE, _tag(gw, source)), gw.clock.now()
    if found is not None and found.times >= SOURCE_FAILURES and now - found.since < SOURCE_WINDOW:
        after = (SOURCE_WINDOW - now + found.since) // SECOND
        raise TooMany(_SOURCE, code="sign_in.source", retry_after=after)


def _source_failed(tx: Tx, gw: Services, source: str) -> None:
    name, now = _tag(gw, source), gw.clock.now()
    found = doors.failures(tx, doors.SOURCE, name, lock=True)
    fresh = found if found is not None and now - found.since < SOURCE_WINDOW else doors.Failures(0, now)
    doors.put(tx, doors.SOURCE, name, replace(fresh, times=fresh.times + 1))


def _tag(gw: Services, name: str) -> str:
    return gw.keyring.tag("sign-in", name.encode("utf-8", "surrogatepass")).hex()


async def _takes_code(gw: Services, account: Account, code: str) -> bool:
    """True when no code is asked for, or when this one is right and was never used."""
    if not account.asks_code:
        return True
    assert account.totp is not None
    secret = gw.keyring.decrypt_secret(account.totp).decode()
    step = passwords.step_of_code(secret, code, gw.clock.now())
    if step is None:
        return False
    return await gw.store.write(
        lambda tx: accounts.take_step(tx, account.principal, step, gw.clock.now()),
    )


def require_unlocked(locked_until: Instant | None, now: Instant) -> None:
    """``TooMany`` while an account is locked."""
    if locked_until is not None and now < locked_until:
        raise TooMany(_LOCKED, code="sign_in.locked", retry_after=(locked_until - now) // SECOND + 1)


async def count_failure(gw: Services, principal: str) -> None:
    """One more failure of an account."""
    now = gw.clock.now()
    await gw.store.write(lambda tx: _account_failed(tx, principal, now))


def _account_failed(tx: Tx, principal: str, now: Instant) -> None:
    """Counted from what the store says now: guesses may come side by side."""
    account = accounts.of(tx, principal)
    failures = account.failures + 1 if account else 1
    accounts.count_failure(tx, principal, _locked(failures, now))


def _locked(failures: int, now: Instant) -> Instant | None:
    """Until when so many failures in a row lock."""
    if failures < FREE_FAILURES:
        return None
    return Instant(now + min(LONGEST_LOCK, LOCK << min(failures - FREE_FAILURES, 10)))


async def open_session(gw: Services, principal: Principal, source: str, agent: str) -> SignedIn:
    """A new session of somebody who proved who it is; an event says so."""
    now = gw.clock.now()
    token = _token()
    session = Session(
        gw.new_id(),
        _digest(token),
        principal.id,
        _token(),
        now,
        now,
        Instant(now + IDLE),
        source[:100],
        agent[:300],
        "",
    )
    facts = {"principal": principal.id, "source": source[:100], "proof": "session", "session": session.id}
    entered = record.event(gw, EventType.LOGIN_SUCCEEDED, principal.id, now, facts=facts)

    def unit(tx: Tx) -> None:
        accounts.forget_failures(tx, principal.id)
        accounts.add_session(tx, session)
        events.record(tx, entered)

    await gw.store.write(unit)
    return SignedIn(token, session)


async def visitor_of(gw: Services, token: str) -> Visitor:
    """Who shows this token. ``NotAuthenticated`` when its session is over."""
    if not token:
        raise NotAuthenticated(_OVER, code="session.over")
    now, digest = gw.clock.now(), _digest(token)

    def unit(tx: Tx) -> tuple[Session | None, Account | None]:
        found = accounts.session(tx, digest, now)
        return found, accounts.of(tx, found.principal) if found else None

    session, account = await gw.store.read(unit)
    principal = gw.people.principal(session.principal) if session else None
    if session is None or account is None or principal is None or not principal.active:
        raise NotAuthenticated(_OVER, code="session.over")
    if now - session.seen_at > SEEN_EVERY:
        until = Instant(min(now + IDLE, session.created_at + LONGEST))
        await gw.store.write(lambda tx: accounts.see(tx, digest, now, until))
    caller = Caller(principal.id, principal.name, principal.role, gw.agencies_of(principal))
    return Visitor(caller, session, account, _is_limited(gw, account, principal))


def _is_limited(gw: Services, account: Account, principal: Principal) -> bool:
    """A password that somebody else chose is changed first; roles that change things need a second factor
    where the settings say so."""
    needs_code = gw.config.console.second_factor and principal.role in (Role.OPERATOR, Role.ADMINISTRATOR)
    return account.must_change or (needs_code and not account.asks_code and bool(account.password))


async def say(gw: Services, session: Session, said: str) -> None:
    """One sentence (JSON) for the next page of this session; ``""`` once it was shown."""
    await gw.store.write(lambda tx: accounts.say(tx, session.hash, said))


async def sign_out(gw: Services, session: Session) -> None:
    """On return the token opens nothing."""
    await _end(gw, session.id, session.principal, session.principal)


async def end_session(gw: Services, caller: Caller, session_id: str) -> OpenSession:
    """End a session: one's own, or as administrator anybody's."""
    every = await list_sessions(gw, caller)
    found = next((one for one in every if one.id == session_id), None)
    if found is None:
        raise NotFound(_NO_SESSION, code="session.unknown")
    await _end(gw, found.id, found.principal, caller.principal)
    return found


async def list_sessions(gw: Services, caller: Caller) -> list[OpenSession]:
    """Open sessions: one's own, as administrator everybody's."""
    whose = "" if caller.role is Role.ADMINISTRATOR else caller.principal
    return await gw.store.read(lambda tx: accounts.open_sessions(tx, gw.clock.now(), whose))


async def _end(gw: Services, session_id: str, principal: str, actor: str) -> None:
    now = gw.clock.now()
    facts = {"credential": session_id, "principal": principal, "proof": "session"}
    ended = record.event(gw, EventType.CREDENTIAL_REVOKED, actor, now, facts=facts)

    def unit(tx: Tx) -> None:
        if accounts.end(tx, session_id, principal, now):
            events.record(tx, ended)

    await gw.store.write(unit)


def _token() -> str:
    return base64.urlsafe_b64encode(random_bytes(32)).decode().rstrip("=")


def _digest(token: str) -> bytes:
    """What is kept of a token. It holds 256 random bits, so one SHA-256 is enough."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


_WRONG = Bilingual(
    "Tên đăng nhập, mật khẩu hoặc mã xác thực không đúng. Hãy kiểm tra bộ gõ tiếng Việt và phím Caps Lock.",
    "Login, password or code is wrong. Check the keyboard layout and Caps Lock.",
)
_LOCKED = Bilingual(
    "Tài khoản tạm khóa vì nhập sai nhiều lần. Hãy đợi rồi thử lại, hoặc nhờ quản trị viên đặt lại mật khẩu.",
    "The account is locked for a while after several failures. Wait, or ask an administrator to reset it.",
)
_SOURCE = Bilingual(
    "Máy này đã nhập sai quá nhiều lần. Hãy thử lại sau ít phút.",
    "Too many failures from this address. Try again in some minutes.",
)
_OVER = Bilingual(
    "Phiên làm việc đã hết hạn hoặc đã kết thúc. Hãy đăng nhập lại.",
    "The session has expired or was ended. Sign in again.",
)
_NO_SESSION = Bilingual("Phiên này đã kết thúc.", "This session is over.")
