"""What administrators change: agencies, signers, connections, callers and their keys.

In charge of: each change with its event in one transaction, and refreshing what is held in memory. API keys
are made here and shown once. Not in charge of: reading import files (``directory/load.py``), transport of the
commands (``operate.py``).
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from gateway.clock import random_bytes
from gateway.directory.changes import Changes, preview
from gateway.directory.data import DirectoryData
from gateway.directory.load import default_level_sets, merge, problems
from gateway.directory.snapshot import AS_RECEIVED, CODE_FORMS, CODES
from gateway.errors import BadRequest, NotFound, WrongState
from gateway.flow import facts, record
from gateway.flow.door import KEY_PREFIX, Caller, hash_api_key, stated
from gateway.model.agency import LevelSet, Profile, Signer
from gateway.model.event import Event, EventType
from gateway.model.finding import Finding, Severity
from gateway.model.text import AgencyCode, Bilingual, Instant
from gateway.services import CHANGED, Services
from gateway.signature.keyring import LOG, WITNESS
from gateway.store import deliveries, events, partners, people, registry
from gateway.store import signers as proposals
from gateway.store.contract import Tx
from gateway.store.people import Credential, CredentialKind, Principal, Role, Scope


async def import_directory(
    gw: Services,
    caller: Caller,
    incoming: DirectoryData,
    level_sets: Iterable[LevelSet] = (),
    *,
    apply: bool,
) -> Changes:
    """Show what an import would change; with ``apply`` do it. ``BadRequest`` if the result does not hold."""
    caller.require(Role.ADMINISTRATOR)
    size = 100 * (len(gw.directory.agencies) + len(incoming.agencies))  # a national list takes seconds
    if found := await gw.offload(size, lambda: problems(merge(gw.directory, incoming))):
        raise BadRequest(found[0].text, code="directory.invalid", findings=tuple(found))
    changes = await gw.offload(size, preview, gw.directory, incoming)
    if not apply:
        return changes
    sets = tuple(level_sets) or (() if gw.directory.level_sets else default_level_sets())
    imported = _event(
        gw,
        EventType.DIRECTORY_IMPORTED,
        caller,
        added=[agency.code for agency in changes.added],
        changed=[change.code for change in changes.changed],
        closed=[change.code for change in changes.closed],
    )

    def unit(tx: Tx) -> None:
        registry.write(tx, incoming.agencies, incoming.aliases, incoming.successions)
        registry.write_level_sets(tx, sets)
        events.record(tx, imported)

    await gw.store.write(unit)
    await gw.refresh()
    return changes


async def import_signers(gw: Services, caller: Caller, signers: list[Signer]) -> int:
    """Add or correct rows of the signer register; how many rows were written. Proposals about these
    certificates are decided by that, and the messages that carry them are judged again."""
    caller.require(Role.ADMINISTRATOR)
    unknown = sorted({s.agency for s in signers if gw.directory.resolve(s.agency) is None})
    if unknown:
        raise BadRequest(_unknown_agencies(unknown), code="signers.unknown_agency")
    imported = _event(
        gw,
        EventType.SIGNERS_IMPORTED,
        caller,
        signers=[{"certificate_sha256": s.certificate_sha256, "agency": s.agency} for s in signers],
    )

    def unit(tx: Tx) -> None:
        digests = [signer.certificate_sha256 for signer in signers]
        proposals.registered(tx, digests, caller.principal, "import", imported.at)
        registry.write_signers(tx, signers)
        events.record(tx, imported)

    await gw.store.write(unit)
    await gw.refresh()
    return len(signers)


async def set_profile(gw: Services, caller: Caller, profile: Profile, secret: str | None = None) -> None:
    """Set how an agency is connected. ``secret`` (of a webhook) is sealed; ``None`` keeps the old one."""
    caller.require(Role.ADMINISTRATOR)
    if gw.directory.resolve(profile.agency) is None:
        raise NotFound(_unknown_agencies([profile.agency]), code="agency.unknown")
    if profile.adapter not in gw.kinds:
        raise BadRequest(_unknown_adapter(profile.adapter, gw.kinds), code="profile.unknown_adapter")
    if dict(profile.settings).get(CODES, AS_RECEIVED) not in CODE_FORMS:
        raise BadRequest(_CODES, code="profile.codes")
    settings = dict(profile.settings) | {"secret": await _secret_of(gw, profile.agency, secret)}
    if wrong := gw.connection_problems(profile.adapter, settings):
        others = tuple(Finding(_WRONG, Severity.REFUSE, profile.adapter, text) for text in wrong[1:])
        raise BadRequest(wrong[0], code=_WRONG, findings=others)
    now = gw.clock.now()
    changed = _event(
        gw,
        EventType.PROFILE_CHANGED,
        caller,
        agency=profile.agency,
        adapter=profile.adapter,
        dialect=profile.dialect,
        envelope_signature=profile.envelope_signature,
        reports_arrival=profile.reports_arrival,
    )

    def unit(tx: Tx) -> None:
        sealed = registry.sealed_secret(tx, profile.agency)
        if secret is not None:
            sealed = gw.keyring.encrypt_secret(secret.encode())
        registry.write_profile(tx, profile, sealed, now)
        deliveries.reconnect(tx, profile.agency, profile.adapter, gw.kinds[profile.adapter], now)
        events.record(tx, changed)

    await gw.store.write(unit)
    await gw.refresh()


async def _secret_of(gw: Services, agency: AgencyCode, new: str | None) -> str:
    """The secret that a connection will have: the new one, else the one that is kept."""
    if new is not None:
        return new
    sealed = await gw.store.read(lambda tx: registry.sealed_secret(tx, agency))
    return gw.keyring.decrypt_secret(sealed).decode() if sealed is not None else ""


async def add_principal(
    gw: Services,
    caller: Caller,
    name: str,
    role: Role,
    agencies: Iterable[AgencyCode] = (),
    scopes: Iterable[Scope] = (),
) -> Principal:
    """Give a system or person an account. Systems and clerks act for at least one known agency; another
    gateway (a system) for those of its ``scopes``."""
    caller.require(Role.ADMINISTRATOR)
    codes = frozenset(AgencyCode(gw.directory.canonical(code)) for code in agencies)
    wide = tuple(Scope(AgencyCode(gw.directory.canonical(s.agency)), s.outside) for s in scopes)
    named = codes | {scope.agency for scope in wide}
    if unknown := sorted(code for code in named if gw.directory.resolve(code) is None):
        raise BadRequest(_unknown_agencies(unknown), code="agency.unknown")
    if wide and role is not Role.SYSTEM:
        raise BadRequest(_ONLY_SYSTEMS, code="principal.scope_of_person")
    if role in (Role.SYSTEM, Role.CLERK) and not named:
        raise BadRequest(_NEEDS_AGENCY, code="principal.needs_agency")
    principal = Principal(gw.new_id(), name, role, True, codes, wide)
    created = _event(
        gw,
        EventType.PRINCIPAL_CREATED,
        caller,
        principal=principal.id,
        role=role.value,
        agencies=sorted(codes),
        **({"scopes": [[scope.word, scope.agency] for scope in wide]} if wide else {}),
    )

    def unit(tx: Tx) -> None:
        people.add(tx, principal, created.at)
        events.record(tx, created)

    await gw.store.write(unit)
    await gw.refresh()
    return principal


async def erase_name(gw: Services, caller: Caller, principal: str, reason: str) -> dict[str, str]:
    """Forget who is behind an actor. Its account ends; its id, role and every event stay as they are.

    ``WrongState`` while a credential of it still works: that is to be withdrawn first, by decision.
    """
    caller.require(Role.ADMINISTRATOR)
    reason, now = stated(reason), gw.clock.now()
    if gw.people.principal(principal) is None:
        raise NotFound(code="principal.unknown")
    if any(one.principal == principal and one.holds_at(now) for one in gw.people.credentials):
        raise WrongState(_STILL_WORKS, code="principal.in_use")
    erased = record.event(
        gw,
        EventType.PRINCIPAL_ERASED,
        caller.principal,
        now,
        facts={"principal": principal},
        private=facts.salted({"reason": reason}),
    )

    def unit(tx: Tx) -> None:
        if not people.erase_name(tx, principal, now):
            raise WrongState(_ERASED, code="principal.erased")
        events.record(tx, erased)

    await gw.store.write(unit)
    await gw.refresh()
    return {"erased": principal}


async def issue_api_key(
    gw: Services, caller: Caller, principal_id: str, *, overlap_until: Instant | None = None
) -> str:
    """A new API key, shown once and kept as its hash. Older keys go on working, until ``overlap_until`` when
    that is given."""
    key = KEY_PREFIX + base64.urlsafe_b64encode(random_bytes(32)).decode().rstrip("=")
    await _add_credential(gw, caller, principal_id, CredentialKind.API_KEY, hash_api_key(key), overlap_until)
    return key


async def add_certificate(
    gw: Services,
    caller: Caller,
    principal_id: str,
    certificate_der: bytes,
    *,
    overlap_until: Instant | None = None,
) -> str:
    """Let a client certificate (DER) prove a principal; the hex SHA-256 under which it is known."""
    digest = hashlib.sha256(certificate_der).digest()
    await _add_credential(gw, caller, principal_id, CredentialKind.CERTIFICATE, digest, overlap_until)
    return digest.hex()


async def revoke_credential(gw: Services, caller: Caller, credential_id: str) -> None:
    """Withdraw a key, a certificate or a partner's secret at once."""
    caller.require(Role.ADMINISTRATOR)
    revoked = _event(gw, EventType.CREDENTIAL_REVOKED, caller, credential=credential_id)

    def unit(tx: Tx) -> None:
        ours = people.revoke_credential(tx, credential_id, revoked.at)
        if not ours and not partners.revoke_credential(tx, credential_id, revoked.at):
            raise NotFound(code="credential.unknown")
        events.record(tx, revoked)

    await gw.store.write(unit)
    await gw.refresh()


async def rotate_key(gw: Services, caller: Caller, which: str) -> None:
    """Begin to use a new key of the gateway's own: ``receipt``, ``wrapping``, ``log`` or ``witness``.

    Old ones still verify and open.
    """
    caller.require(Role.ADMINISTRATOR)
    now = gw.clock.now()
    if which == "receipt":
        gw.keyring.rotate_receipt_key(now)
    elif which == "wrapping":
        gw.keyring.rotate_wrapping_key(now)
    elif which in (LOG, WITNESS):
        gw.keyring.rotate_note_key(which, now)
    else:
        raise BadRequest(
            Bilingual(
                "Chỉ đổi được khóa receipt, wrapping, log hoặc witness.",
                "Only receipt, wrapping, log or witness can be rotated.",
            ),
            code="key.unknown",
        )
    rotated = _event(gw, EventType.KEY_ROTATED, caller, key=which)
    await gw.store.write(lambda tx: events.record(tx, rotated))
    gw.call(CHANGED)


async def _add_credential(
    gw: Services,
    caller: Caller,
    principal_id: str,
    kind: CredentialKind,
    digest: bytes,
    overlap_until: Instant | None,
) -> None:
    caller.require(Role.ADMINISTRATOR)
    if gw.people.principal(principal_id) is None:
        raise NotFound(code="principal.unknown")
    credential = Credential(gw.new_id(), principal_id, kind, digest, gw.clock.now())
    issued = _event(
        gw,
        EventType.CREDENTIAL_ISSUED,
        caller,
        credential=credential.id,
        principal=principal_id,
        proof=kind.value,
    )

    def unit(tx: Tx) -> None:
        people.add_credential(tx, credential, others_until=overlap_until)
        events.record(tx, issued)

    await gw.store.write(unit)
    await gw.refresh()


def _event(gw: Services, kind: EventType, caller: Caller, **what: Any) -> Event:
    return record.event(gw, kind, caller.principal, gw.clock.now(), facts=what)


def _unknown_agencies(codes: Iterable[str]) -> Bilingual:
    listed = ", ".join(codes)
    return Bilingual(
        f"Danh mục chưa có đơn vị: {listed}. Hãy nhập danh mục trước.",
        f"The directory does not know: {listed}. Import the directory first.",
    )


def _unknown_adapter(kind: str, kinds: Mapping[str, bool]) -> Bilingual:
    listed = ", ".join(sorted(kinds))
    return Bilingual(
        f"Không có kiểu kết nối “{kind}”. Các kiểu hiện có: {listed}.",
        f"There is no adapter “{kind}”. There are: {listed}.",
    )


_WRONG = "profile.settings_wrong"
_STILL_WORKS = Bilingual(
    "Tài khoản này còn khóa hoặc chứng thư đang dùng. Hãy thu hồi trước: gateway key revoke MÃ.",
    "A key or certificate of this account still works. Withdraw it first: gateway key revoke ID.",
)
_ERASED = Bilingual("Tên của tài khoản này đã được xóa.", "The name of this account was erased already.")
_ONLY_SYSTEMS = Bilingual(
    "Chỉ tài khoản của hệ thống (một trục khác) mới được thay mặt cả nhánh đơn vị.",
    "Only the account of a system (another gateway) may act for a whole subtree.",
)
_CODES = Bilingual(
    "Thiết lập codes (dạng mã định danh mà phần mềm của đơn vị muốn nhận) chỉ nhận một trong các giá trị: "
    + ", ".join(CODE_FORMS)
    + ".",
    "The setting codes (the form of agency codes that its software wants) is one of: "
    + ", ".join(CODE_FORMS)
    + ".",
)
_NEEDS_AGENCY = Bilingual(
    "Hệ thống hoặc văn thư phải thuộc ít nhất một đơn vị.",
    "A system or clerk must act for at least one agency.",
)
