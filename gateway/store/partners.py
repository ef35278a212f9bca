"""Rows of what partner software proves itself with, and of what it asks an operator for.

In charge of: credentials of partner dialects (a secret that is used lies here sealed, one that is only
compared lies here as its hash), and requests to add or close an agency. Not in charge of: opening a secret
(``signature/keyring.py``) or deciding a request (``flow/partners.py``).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.model.text import Instant
from gateway.store.contract import Row, Tx

PRINCIPALS = "principals"  # the revision of principals and of every kind of credential


@dataclass(frozen=True, slots=True)
class PartnerCredential:
    """One secret of one system id in one dialect. Exactly one of ``sealed`` and ``hash`` is set.

    Several rows of one system id are a rotation with overlap. ``fresh_seconds``: how old a signed call may
    be.
    """

    id: str
    principal: str
    dialect: str
    system_id: str
    sealed: bytes | None = field(repr=False)
    hash: bytes | None = field(repr=False)
    fresh_seconds: int
    issued_at: Instant
    valid_until: Instant | None = None
    revoked_at: Instant | None = None

    def holds_at(self, now: Instant) -> bool:
        """True while it may be used."""
        return self.revoked_at is None and (self.valid_until is None or now < self.valid_until)


@dataclass(frozen=True, slots=True)
class AgencyRequest:
    """A partner's software asks to add (``register``) or close (``delete``) an agency.

    ``body`` is JSON, in the partner's own words; ``decision`` is empty while nobody has decided.
    """

    id: str
    kind: str
    code: str
    body: str
    principal: str
    asked_at: Instant
    decision: str = ""
    decided_at: Instant | None = None
    decided_by: str = ""
    reason: str = ""


def read(tx: Tx) -> tuple[PartnerCredential, ...]:
    """All credentials of partner dialects, oldest first."""
    return tuple(_credential(row) for row in tx.all("all_partner_credentials"))


def add_credential(tx: Tx, credential: PartnerCredential, *, others_until: Instant | None = None) -> None:
    """Register a secret of a system id; with ``others_until`` its older ones run out then (overlap)."""
    tx.run(
        "add_partner_credential",
        id=credential.id,
        principal=credential.principal,
        dialect=credential.dialect,
        system_id=credential.system_id,
        sealed=credential.sealed,
        hash=credential.hash,
        fresh_seconds=credential.fresh_seconds,
        issued_at=credential.issued_at,
        valid_until=credential.valid_until,
    )
    if others_until is not None:
        tx.run(
            "end_partner_credentials",
            dialect=credential.dialect,
            system_id=credential.system_id,
            keep=credential.id,
            valid_until=others_until,
        )
    tx.run("bump_revision", name=PRINCIPALS)


def revoke_credential(tx: Tx, credential_id: str, at: Instant) -> bool:
    """Withdraw a secret at once; False when there is none to withdraw."""
    revoked = tx.run("revoke_partner_credential", id=credential_id, revoked_at=at) > 0
    tx.run("bump_revision", name=PRINCIPALS)
    return revoked


def set_freshness(tx: Tx, dialect: str, system_id: str, seconds: int) -> bool:
    """How old a signed call of a system id may be; False when there is no such system id."""
    found = tx.run("set_partner_freshness", dialect=dialect, system_id=system_id, fresh_seconds=seconds) > 0
    tx.run("bump_revision", name=PRINCIPALS)
    return found


def add_request(tx: Tx, request: AgencyRequest) -> None:
    """Write down what was asked for."""
    tx.run(
        "add_agency_request",
        id=request.id,
        kind=request.kind,
        code=request.code,
        body=request.body,
        principal=request.principal,
        asked_at=request.asked_at,
    )


def open_request(tx: Tx, principal: str, kind: str, code: str) -> AgencyRequest | None:
    """The same request of the same account, not decided yet."""
    row = tx.one("open_agency_request", principal=principal, kind=kind, code=code)
    return _request(row) if row is not None else None


def request(tx: Tx, request_id: str) -> AgencyRequest | None:
    """One request."""
    row = tx.one("agency_request_by_id", id=request_id)
    return _request(row) if row is not None else None


def requests(tx: Tx, *, everything: bool, limit: int) -> list[AgencyRequest]:
    """Requests that wait, oldest first; with ``everything`` the decided ones too, newest first."""
    query = "all_agency_requests" if everything else "waiting_agency_requests"
    return [_request(row) for row in tx.all(query, limit=limit)]


def decide_request(tx: Tx, request_id: str, decision: str, decided_by: str, reason: str, at: Instant) -> bool:
    """Write down a decision; False when it was decided already."""
    decided = tx.run(
        "decide_agency_request",
        id=request_id,
        decision=decision,
        decided_by=decided_by,
        reason=reason,
        decided_at=at,
    )
    return decided > 0


def _credential(row: Row) -> PartnerCredential:
    return PartnerCredential(
        id=row["id"],
        principal=row["principal"],
        dialect=row["dialect"],
        system_id=row["system_id"],
        sealed=bytes(row["sealed"]) if row["sealed"] is not None else None,
        hash=bytes(row["hash"]) if row["hash"] is not None else None,
        fresh_seconds=row["fresh_seconds"],
        issued_at=row["issued_at"],
        valid_until=row["valid_until"],
        revoked_at=row["revoked_at"],
    )


def _request(row: Row) -> AgencyRequest:
    return AgencyRequest(
        id=row["id"],
        kind=row["kind"],
        code=row["code"],
        body=row["body"],
        principal=row["principal"],
        asked_at=row["asked_at"],
        decision=row["decision"],
        decided_at=row["decided_at"],
        decided_by=row["decided_by"],
        reason=row["reason"],
    )
