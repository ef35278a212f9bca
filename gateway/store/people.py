"""Rows of principals and their credentials (contracts: who acts).

In charge of: who may call, for which agencies, proved by what. Secrets are never here: an API key is kept as
its SHA-256 (it is 256 random bits, so a slow hash would add nothing), a certificate as its fingerprint. The
credentials of partner dialects are rows of ``partners.py``; the snapshot holds them beside the others.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from gateway.model.text import AgencyCode, Instant
from gateway.store import partners
from gateway.store.contract import Tx
from gateway.store.partners import PRINCIPALS, PartnerCredential


class Role(enum.Enum):
    """What a principal may do, least first."""

    SYSTEM = "system"  # an agency's software, for its own agencies only
    CLERK = "clerk"  # a person of one agency
    AUDITOR = "auditor"  # reads metadata of all, changes nothing
    OPERATOR = "operator"  # keeps the exchange running
    ADMINISTRATOR = "administrator"  # grants and revokes


class CredentialKind(enum.Enum):
    """How a principal proves who it is."""

    API_KEY = "api_key"
    CERTIFICATE = "certificate"


@dataclass(frozen=True, slots=True)
class Scope:
    """Agencies that another gateway speaks for: ``agency`` and all below it, or (``outside``) all others."""

    agency: AgencyCode
    outside: bool = False

    @property
    def word(self) -> str:
        """As it stands in the row."""
        return "outside" if self.outside else "below"


@dataclass(frozen=True, slots=True)
class Principal:
    """A system or person. ``agencies`` are those it acts for, beside those of its ``scopes``."""

    id: str
    name: str
    role: Role
    active: bool
    agencies: frozenset[AgencyCode]
    scopes: tuple[Scope, ...] = ()


@dataclass(frozen=True, slots=True)
class Credential:
    """``hash`` is SHA-256 of the key or of the certificate's DER; instants are UTC microseconds."""

    id: str
    principal: str
    kind: CredentialKind
    hash: bytes
    issued_at: Instant
    valid_until: Instant | None = None
    revoked_at: Instant | None = None

    def holds_at(self, now: Instant) -> bool:
        """True while it may be used."""
        return self.revoked_at is None and (self.valid_until is None or now < self.valid_until)


def read(
    tx: Tx,
) -> tuple[tuple[Principal, ...], tuple[Credential, ...], tuple[PartnerCredential, ...]]:
    """All principals, all credentials, and all credentials of partner dialects."""
    agencies: dict[str, set[AgencyCode]] = {}
    for row in tx.all("all_principal_agencies"):
        agencies.setdefault(row["principal"], set()).add(row["agency"])
    scopes: dict[str, list[Scope]] = {}
    for row in tx.all("all_principal_scopes"):
        scopes.setdefault(row["principal"], []).append(Scope(row["agency"], row["scope"] == "outside"))
    principals = tuple(
        Principal(
            row["id"],
            row["name"],
            Role(row["role"]),
            bool(row["active"]),
            frozenset(agencies.get(row["id"], ())),
            tuple(scopes.get(row["id"], ())),
        )
        for row in tx.all("all_principals")
    )
    credentials = tuple(
        Credential(
            row["id"],
            row["principal"],
            CredentialKind(row["kind"]),
            bytes(row["hash"]),
            row["issued_at"],
            row["valid_until"],
            row["revoked_at"],
        )
        for row in tx.all("all_credentials")
    )
    return principals, credentials, partners.read(tx)


def add(tx: Tx, principal: Principal, at: Instant) -> None:
    """A new principal and its agencies."""
    tx.run("add_principal", id=principal.id, name=principal.name, role=principal.role.value, created_at=at)
    for agency in sorted(principal.agencies):
        tx.run("add_principal_agency", principal=principal.id, agency=agency)
    for scope in principal.scopes:
        tx.run("add_principal_scope", principal=principal.id, scope=scope.word, agency=scope.agency)
    tx.run("bump_revision", name=PRINCIPALS)


def erase_name(tx: Tx, principal: str, at: Instant) -> bool:
    """Forget the name of an account and end it. False when that was done before."""
    erased = tx.run("erase_principal_name", id=principal, at=at) > 0
    tx.run("bump_revision", name=PRINCIPALS)
    return erased


def set_active(tx: Tx, principal: Principal) -> None:
    """Close or open an account, as ``principal.active`` says."""
    tx.run("set_principal_active", id=principal.id, active=int(principal.active))
    tx.run("bump_revision", name=PRINCIPALS)


def add_credential(tx: Tx, credential: Credential, *, others_until: Instant | None = None) -> None:
    """Register a credential; with ``others_until`` the older ones of its kind run out then (overlap)."""
    tx.run(
        "add_credential",
        id=credential.id,
        principal=credential.principal,
        kind=credential.kind.value,
        hash=credential.hash,
        issued_at=credential.issued_at,
        valid_until=credential.valid_until,
    )
    if others_until is not None:
        tx.run(
            "end_credentials",
            principal=credential.principal,
            kind=credential.kind.value,
            keep=credential.id,
            valid_until=others_until,
        )
    tx.run("bump_revision", name=PRINCIPALS)


def revoke_credential(tx: Tx, credential_id: str, at: Instant) -> bool:
    """Withdraw a credential at once; False when there is none to withdraw."""
    revoked = tx.run("revoke_credential", id=credential_id, revoked_at=at) > 0
    tx.run("bump_revision", name=PRINCIPALS)
    return revoked


class People:
    """All principals and credentials as an immutable snapshot, looked up by what a caller shows."""

    def __init__(
        self,
        principals: tuple[Principal, ...],
        credentials: tuple[Credential, ...],
        partner_credentials: tuple[PartnerCredential, ...] = (),
    ) -> None:
        self.principals = principals
        self.credentials = credentials
        self.partner_credentials = partner_credentials
        self._by_id = {principal.id: principal for principal in principals}
        self._by_hash = {(c.kind, c.hash): c for c in credentials}
        self._by_system: dict[tuple[str, str], tuple[PartnerCredential, ...]] = {}
        for secret in partner_credentials:
            key = (secret.dialect, secret.system_id)
            self._by_system[key] = (*self._by_system.get(key, ()), secret)

    def who(self, kind: CredentialKind, digest: bytes, now: Instant) -> Principal | None:
        """The active principal that the credential proves at ``now``, or ``None``."""
        credential = self._by_hash.get((kind, digest))
        if credential is None or not credential.holds_at(now):
            return None
        principal = self._by_id.get(credential.principal)
        return principal if principal is not None and principal.active else None

    def principal(self, principal_id: str) -> Principal | None:
        """The principal with that id."""
        return self._by_id.get(principal_id)

    def system(
        self, dialect: str, system_id: str, now: Instant
    ) -> tuple[Principal | None, tuple[PartnerCredential, ...]]:
        """Whose system id that is, and the secrets that prove it at ``now``, newest first.

        ``(None, ())`` when nobody's, or when its account is not active.
        """
        secrets = self._by_system.get((dialect, system_id), ())
        holding = tuple(secret for secret in reversed(secrets) if secret.holds_at(now))
        principal = self._by_id.get(holding[0].principal) if holding else None
        if principal is None or not principal.active:
            return None, ()
        return principal, tuple(secret for secret in holding if secret.principal == principal.id)

    def owner(self, dialect: str, system_id: str) -> str:
        """The account to which a system id was ever given, whether a secret of it still holds or not."""
        secrets = self._by_system.get((dialect, system_id), ())
        return secrets[-1].principal if secrets else ""


__all__ = [
    "PRINCIPALS",
    "Credential",
    "CredentialKind",
    "PartnerCredential",
    "People",
    "Principal",
    "Role",
    "Scope",
    "add",
    "add_credential",
    "read",
    "revoke_credential",
    "set_active",
]
