"""What administrators do about partner software: its system ids, and the secrets that prove them.

In charge of: giving a system id of a dialect to an account, renewing its secrets, how old its signed calls
may be; each change in one transaction with its event. Not in charge of: withdrawing a secret
(``office.revoke_credential``), proving a call (``door.py`` and the adapters).

A secret that must be used (HMAC) is sealed under the keyring, one that is only compared is hashed
(contracts: who acts). A new one is shown once.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from gateway.clock import random_bytes
from gateway.errors import BadRequest, NotFound, WrongState
from gateway.flow import office, record
from gateway.flow.door import Caller, hash_api_key
from gateway.model.event import Event, EventType
from gateway.model.text import AgencyCode, Bilingual, Instant
from gateway.services import Services
from gateway.store import events, partners
from gateway.store.contract import Tx
from gateway.store.partners import PartnerCredential
from gateway.store.people import Role

DIALECTS = ("vxp", "langson", "gateway")
USED = frozenset({"vxp", "gateway"})  # dialects whose secret signs calls; of the others only a hash is kept
FRESH_SECONDS = 86_400  # SDK 2.0.1 of the national axis stamps a client object once, not each call
SECRET_BYTES = 32
MAX_SYSTEM_ID = 100


@dataclass(frozen=True, slots=True)
class Issued:
    """What is shown once: the secret of a system id."""

    credential: str
    principal: str
    dialect: str
    system_id: str
    secret: str
    fresh_seconds: int


async def add_system(
    gw: Services,
    caller: Caller,
    name: str,
    dialect: str,
    system_id: str,
    agencies: Iterable[AgencyCode],
    secret: str = "",
    fresh_seconds: int = FRESH_SECONDS,
    principal: str = "",
) -> Issued:
    """Give a system id to a new account (or to ``principal``), with its first secret.

    ``secret``: the one that the partner's software has already; empty: a new one is made.
    """
    caller.require(Role.ADMINISTRATOR)
    _require_free(gw, dialect, system_id)
    if principal and gw.people.principal(principal) is None:
        raise NotFound(code="principal.unknown")
    if not principal:
        principal = (await office.add_principal(gw, caller, name, Role.SYSTEM, agencies)).id
    return await _issue(gw, caller, dialect, system_id, principal, secret, fresh_seconds, None)


async def renew_secret(
    gw: Services,
    caller: Caller,
    dialect: str,
    system_id: str,
    secret: str = "",
    overlap_until: Instant | None = None,
) -> Issued:
    """A further secret for a system id. Older ones hold on, until ``overlap_until`` when that is given."""
    caller.require(Role.ADMINISTRATOR)
    known = _secrets_of(gw, dialect, system_id)
    fresh = known[-1].fresh_seconds
    return await _issue(gw, caller, dialect, system_id, known[-1].principal, secret, fresh, overlap_until)


async def set_freshness(gw: Services, caller: Caller, dialect: str, system_id: str, seconds: int) -> None:
    """How old a signed call of a system id may be."""
    caller.require(Role.ADMINISTRATOR)
    _secrets_of(gw, dialect, system_id)
    _require_seconds(seconds)
    changed = _event(
        gw, EventType.CREDENTIAL_CHANGED, caller, dialect=dialect, system_id=system_id, fresh_seconds=seconds
    )

    def unit(tx: Tx) -> None:
        partners.set_freshness(tx, dialect, system_id, seconds)
        events.record(tx, changed)

    await gw.store.write(unit)
    await gw.refresh()


def described(gw: Services) -> list[dict[str, Any]]:
    """Every secret of partner software, without the secret."""
    return [
        {
            "id": secret.id,
            "principal": secret.principal,
            "dialect": secret.dialect,
            "system_id": secret.system_id,
            "kept": "sealed" if secret.sealed is not None else "hashed",
            "fresh_seconds": secret.fresh_seconds,
            "issued_at": secret.issued_at,
            "valid_until": secret.valid_until,
            "revoked_at": secret.revoked_at,
        }
        for secret in gw.people.partner_credentials
    ]


async def _issue(
    gw: Services,
    caller: Caller,
    dialect: str,
    system_id: str,
    principal: str,
    given: str,
    fresh_seconds: int,
    overlap_until: Instant | None,
) -> Issued:
    _require_seconds(fresh_seconds)
    secret = given or base64.urlsafe_b64encode(random_bytes(SECRET_BYTES)).decode().rstrip("=")
    used = dialect in USED
    credential = PartnerCredential(
        gw.new_id(),
        principal,
        dialect,
        system_id,
        gw.keyring.encrypt_secret(secret.encode()) if used else None,
        None if used else hash_api_key(secret),
        fresh_seconds,
        gw.clock.now(),
    )
    issued = _event(
        gw,
        EventType.CREDENTIAL_ISSUED,
        caller,
        credential=credential.id,
        principal=principal,
        proof=dialect,
        system_id=system_id,
    )

    def unit(tx: Tx) -> None:
        partners.add_credential(tx, credential, others_until=overlap_until)
        events.record(tx, issued)

    await gw.store.write(unit)
    await gw.refresh()
    return Issued(credential.id, principal, dialect, system_id, secret, fresh_seconds)


def _require_free(gw: Services, dialect: str, system_id: str) -> None:
    if dialect not in DIALECTS:
        raise BadRequest(_no_dialect(dialect), code="system.dialect_unknown")
    if not system_id.isascii() or not system_id.isprintable() or not 0 < len(system_id) <= MAX_SYSTEM_ID:
        raise BadRequest(_BAD_ID, code="system.id_malformed")
    if gw.people.owner(dialect, system_id):
        raise WrongState(_taken(system_id), code="system.id_taken")


def _secrets_of(gw: Services, dialect: str, system_id: str) -> list[PartnerCredential]:
    """What was ever issued for a system id, oldest first."""
    known = [
        secret
        for secret in gw.people.partner_credentials
        if secret.dialect == dialect and secret.system_id == system_id
    ]
    if not known:
        raise NotFound(_no_system(dialect, system_id), code="system.unknown")
    return known


def _require_seconds(seconds: int) -> None:
    if seconds <= 0:
        raise BadRequest(_NO_TIME, code="system.freshness")


def _event(gw: Services, type_: EventType, caller: Caller, **what: Any) -> Event:
    return record.event(gw, type_, caller.principal, gw.clock.now(), facts=what)


def _no_dialect(dialect: str) -> Bilingual:
    listed = ", ".join(DIALECTS)
    return Bilingual(
        f"Không có giao thức “{dialect}”. Các giao thức: {listed}.",
        f"There is no dialect “{dialect}”. There are: {listed}.",
    )


def _no_system(dialect: str, system_id: str) -> Bilingual:
    return Bilingual(
        f"Chưa cấp mã hệ thống {system_id} cho giao thức {dialect}.",
        f"No system id {system_id} of dialect {dialect} was given out.",
    )


def _taken(system_id: str) -> Bilingual:
    return Bilingual(
        f"Mã hệ thống {system_id} đã cấp rồi. Hãy cấp thêm khóa cho mã đó, hoặc chọn mã khác.",
        f"The system id {system_id} is taken. Renew its secret, or choose another.",
    )


_BAD_ID = Bilingual(
    f"Mã hệ thống chỉ gồm chữ không dấu, số và ký hiệu, tối đa {MAX_SYSTEM_ID} ký tự.",
    f"A system id is printable ASCII, at most {MAX_SYSTEM_ID} characters.",
)
_NO_TIME = Bilingual("Thời hạn chữ ký phải lớn hơn 0 giây.", "The freshness must be more than 0 seconds.")
