"""Rows of console accounts and their sessions.

In charge of: reading and writing them. Not in charge of: passwords and codes (``flow/sign_in.py``), roles and
agencies (``people.py``: an account is a principal that signs in with a password).
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.model.text import Instant
from gateway.store.contract import Row, Tx


@dataclass(frozen=True, slots=True)
class Account:
    """How a person signs in. ``totp`` is encrypted under the keyring; ``password`` is an argon2id hash."""

    principal: str
    login: str
    password: str
    must_change: bool
    subject: str
    totp: bytes | None
    totp_confirmed_at: Instant | None
    totp_step: int
    failures: int
    locked_until: Instant | None
    password_at: Instant
    seen_at: Instant | None = None

    @property
    def asks_code(self) -> bool:
        """True when a second factor is set up."""
        return self.totp_confirmed_at is not None


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in browser. ``id`` names it in lists and opens nothing; ``said`` is for the next page."""

    id: str
    hash: bytes
    principal: str
    csrf: str
    created_at: Instant
    seen_at: Instant
    expires_at: Instant
    source: str
    agent: str
    said: str


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A session as lists show it."""

    id: str
    principal: str
    created_at: Instant
    seen_at: Instant
    expires_at: Instant
    source: str
    agent: str


def add(tx: Tx, account: Account) -> None:
    """A new account; its principal exists."""
    tx.run(
        "add_account",
        principal=account.principal,
        login=account.login,
        password=account.password,
        must_change=int(account.must_change),
        subject=account.subject or None,
        at=account.password_at,
    )


def by_login(tx: Tx, login: str) -> Account | None:
    """Whose login that is."""
    return _account(tx.one("account_by_login", login=login))


def by_subject(tx: Tx, subject: str) -> Account | None:
    """Whom the identity provider means."""
    return _account(tx.one("account_by_subject", subject=subject))


def of(tx: Tx, principal: str) -> Account | None:
    """The account of a principal, if it may sign in at all."""
    return _account(tx.one("account_of", principal=principal))


def every(tx: Tx) -> list[Account]:
    """All accounts with when they were last seen, by login."""
    return [account for row in tx.all("all_accounts") if (account := _account(row, row["seen_at"]))]


def _account(row: Row | None, seen_at: Instant | None = None) -> Account | None:
    if row is None:
        return None
    return Account(
        row["principal"],
        row["login"],
        row["password"],
        bool(row["must_change"]),
        row["subject"] or "",
        None if row["totp"] is None else bytes(row["totp"]),
        row["totp_confirmed_at"],
        row["totp_step"],
        row["failures"],
        row["locked_until"],
        row["password_at"],
        seen_at,
    )


def set_password(tx: Tx, principal: str, password: str, at: Instant, *, must_change: bool) -> None:
    """A new hash; a lock ends."""
    tx.run("set_password", principal=principal, password=password, must_change=int(must_change), at=at)


def set_totp(tx: Tx, principal: str, totp: bytes | None) -> None:
    """A new secret that has to be confirmed by a code, or none."""
    tx.run("set_totp", principal=principal, totp=totp)


def take_step(tx: Tx, principal: str, step: int, at: Instant) -> bool:
    """Use up a code's time step. False when it, or a later one, was used before."""
    return tx.run("take_totp_step", principal=principal, step=step, at=at) == 1


def count_failure(tx: Tx, principal: str, locked_until: Instant | None) -> None:
    """One more failure in a row."""
    tx.run("count_sign_in_failure", principal=principal, locked_until=locked_until)


def forget_failures(tx: Tx, principal: str) -> None:
    """The person proved who it is."""
    tx.run("forget_sign_in_failures", principal=principal)


def add_session(tx: Tx, session: Session) -> None:
    """A browser signed in."""
    tx.run(
        "add_session",
        hash=session.hash,
        id=session.id,
        principal=session.principal,
        csrf=session.csrf,
        at=session.created_at,
        expires_at=session.expires_at,
        source=session.source,
        agent=session.agent,
    )


def session(tx: Tx, digest: bytes, at: Instant) -> Session | None:
    """The session of a token's SHA-256, while it is open."""
    row = tx.one("session_by_hash", hash=digest, at=at)
    if row is None:
        return None
    return Session(
        row["id"],
        bytes(row["hash"]),
        row["principal"],
        row["csrf"],
        row["created_at"],
        row["seen_at"],
        row["expires_at"],
        row["source"],
        row["agent"],
        row["said"],
    )


def see(tx: Tx, digest: bytes, at: Instant, expires_at: Instant) -> None:
    """The session was used."""
    tx.run("see_session", hash=digest, at=at, expires_at=expires_at)


def say(tx: Tx, digest: bytes, said: str) -> None:
    """One sentence for the next page, or nothing any more."""
    tx.run("say_in_session", hash=digest, said=said)


def end(tx: Tx, session_id: str, principal: str, at: Instant) -> bool:
    """End one session of a person; False when it was over."""
    return tx.run("end_session", id=session_id, principal=principal, at=at) == 1


def end_all(tx: Tx, principal: str, at: Instant, keep: str = "") -> int:
    """End all sessions of a person but one; how many."""
    return tx.run("end_sessions_of", principal=principal, keep=keep, at=at)


def open_sessions(tx: Tx, at: Instant, principal: str = "") -> list[OpenSession]:
    """Who is signed in, the last seen first."""
    rows = tx.all("open_sessions", at=at, principal=principal)
    return [
        OpenSession(
            row["id"],
            row["principal"],
            row["created_at"],
            row["seen_at"],
            row["expires_at"],
            row["source"],
            row["agent"],
        )
        for row in rows
    ]


def sweep(tx: Tx, before: Instant) -> int:
    """Forget sessions that ran out before ``before``."""
    return tx.run("sweep_sessions", before=before)
