"""The table of what operators and administrators may do from the command line.

In charge of: names, arguments and JSON answers of operations. The same table is served on the Unix socket of
a running server (``web/control.py``) and run in-process when no server runs, so a command does the same
either way. Not in charge of: doing it (``hold.py``, ``office.py``, ``look.py``).

Arguments are validated from the functions' annotations; a wrong one is a ``BadRequest`` that names it.
"""

from __future__ import annotations

import base64
import dataclasses
import enum
import functools
import inspect
from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from gateway.clock import SECOND, local_day, to_rfc3339
from gateway.directory.load import read_directory
from gateway.errors import BadRequest, Busy, NotFound
from gateway.flow import (
    conform,
    footprints,
    hold,
    incident,
    local,
    look,
    office,
    partners,
    peers,
    requests,
    retention,
    trust,
)
from gateway.flow import log as exchange_log
from gateway.flow.agency_sync import sync_agencies
from gateway.flow.certificates import list_certificates
from gateway.flow.choose import choose
from gateway.flow.compromise import compromise_key, import_receipt_key
from gateway.flow.conservation import recount, show_conservation
from gateway.flow.directory_rehearsal import rehearse_directory
from gateway.flow.door import Caller
from gateway.flow.evidence import export_evidence_file, public_keys
from gateway.flow.policies import end_policy, exempt, list_policies, set_policy
from gateway.flow.policy_rehearsal import rehearse
from gateway.flow.recall import show_recall, silent_recalls
from gateway.flow.receipts import show_receipt
from gateway.flow.reconcile import reconcile
from gateway.flow.rejudge import recheck_document
from gateway.flow.signers import compare, confirm, decline, list_proposals, list_signers
from gateway.model.agency import Profile
from gateway.model.text import AgencyCode, Bilingual, Instant
from gateway.port import Unavailable
from gateway.services import Services
from gateway.signature.register import read_signers_csv
from gateway.store import rechecks
from gateway.store.people import Role, Scope

Operation = Callable[..., Awaitable[Any]]
LOCAL = Caller("local", "command line on this machine", Role.ADMINISTRATOR, frozenset())


async def run(gw: Services, name: str, arguments: dict[str, Any], caller: Caller = LOCAL) -> Any:
    """Do one operation; a JSON value. ``BadRequest`` for an unknown name or a wrong argument."""
    operation = OPERATIONS.get(name)
    if operation is None:
        raise BadRequest(
            Bilingual(f"Không có thao tác “{name}”.", f"There is no operation “{name}”."),
            code="operation.unknown",
        )
    try:
        checked = _arguments(operation).model_validate(arguments)
    except ValidationError as error:
        problem = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise BadRequest(
            Bilingual(f"Tham số không hợp lệ: {problem}", f"Wrong argument: {problem}"),
            code="operation.argument",
        ) from error
    given = {field: getattr(checked, field) for field in checked.model_fields_set}
    answer = plain(await operation(gw, caller, **given))
    if name in LOOKS:
        await footprints.viewed(gw, caller, name, searched=given)
    return answer


@functools.cache
def _arguments(operation: Operation) -> type[BaseModel]:
    """A model of what the operation takes besides the services and the caller."""
    parameters = list(inspect.signature(operation, eval_str=True).parameters.values())[2:]
    fields: dict[str, Any] = {
        p.name: (p.annotation, ... if p.default is p.empty else p.default) for p in parameters
    }
    return create_model("Arguments", __config__=ConfigDict(extra="forbid"), **fields)


def plain(value: Any) -> Any:
    """Values of the gateway as JSON values: dataclasses become objects, enums their value, bytes hex."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, set | frozenset):
        return sorted(plain(item) for item in value)
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, date):
        return value.isoformat()
    return value.hex() if isinstance(value, bytes) else value


async def import_directory(
    gw: Services, caller: Caller, text: str, format: str = "csv", apply: bool = False
) -> Any:
    """Preview, or with ``apply`` do, an import of agencies."""
    return await office.import_directory(gw, caller, read_directory(text, format), apply=apply)


async def import_signers(gw: Services, caller: Caller, text: str, preview: bool = False) -> Any:
    """Add the rows of a signer register in CSV, or with ``preview`` only say what would change."""
    rows = read_signers_csv(text, lambda code: AgencyCode(gw.directory.canonical(code)))
    if preview:
        return {"rows": 0, "changes": compare(await list_signers(gw, caller), rows)}
    return {"rows": await office.import_signers(gw, caller, rows)}


async def sync_directory(gw: Services, caller: Caller, partner: str, apply: bool = False) -> Any:
    """Lay a partner's agency list beside the directory; with ``apply`` take it over."""
    try:
        return await sync_agencies(gw, caller, partner, apply)
    except Unavailable as error:
        raise Busy(error.text, code=error.code) from error


async def reconcile_partner(gw: Services, caller: Caller, partner: str, day: date | None = None) -> Any:
    """Compare what a partner took on a day (yesterday by default) with what it lists."""
    try:
        return await reconcile(gw, caller, partner, day)
    except Unavailable as error:
        raise Busy(error.text, code=error.code) from error


async def show_directory(gw: Services, caller: Caller, on: date | None = None, under: str = "") -> Any:
    """Agencies in force on a day, with their levels."""
    day = on or local_day(gw.clock.now())
    root = gw.directory.resolve(under) if under else None
    return [
        agency
        for agency in gw.directory.all(day)
        if root is None or gw.directory.within(agency.code, root, day)
    ]


async def resolve_agency(gw: Services, caller: Caller, code: str) -> Any:
    """What an identifier of any scheme or date means today, and how that agency is connected."""
    day = local_day(gw.clock.now())
    found = gw.directory.resolve(code)
    if found is None:
        raise NotFound(
            Bilingual(f"Danh mục không có mã {code}.", f"The directory does not know {code}."),
            code="agency.unknown",
        )
    return {
        "code": found,
        "name": gw.directory.name(found, day),
        "level": gw.directory.level(found, day),
        "agency": gw.directory.agency(found, day),
        "standing": gw.directory.standing(found, day),
        "aliases": gw.directory.aliases_of(found),
        "connection": gw.directory.profile(found),
    }


async def connect_agency(
    gw: Services,
    caller: Caller,
    agency: str,
    adapter: str = "inbox",
    settings: dict[str, str] | None = None,
    secret: str | None = None,
    dialect: str = "",
    envelope_signature: str = "if_present",
    reports_arrival: bool = False,
) -> Any:
    """Set how an agency is connected."""
    profile = Profile(
        AgencyCode(gw.directory.canonical(agency)),
        adapter,
        tuple(sorted((settings or {}).items())),
        dialect,
        envelope_signature,
        reports_arrival,
    )
    await office.set_profile(gw, caller, profile, secret)
    return profile


async def add_system(
    gw: Services,
    caller: Caller,
    name: str,
    agencies: list[str],
    role: Role = Role.SYSTEM,
    below: list[str] | None = None,
    outside: list[str] | None = None,
) -> Any:
    """Give a system or person an account and its first API key (shown once). Another gateway speaks for all
    agencies ``below`` one, or for all ``outside`` the subtree of one."""
    scopes = [Scope(AgencyCode(code)) for code in below or ()]
    scopes += [Scope(AgencyCode(code), outside=True) for code in outside or ()]
    codes = [AgencyCode(code) for code in agencies]
    principal = await office.add_principal(gw, caller, name, role, codes, scopes)
    return {"principal": principal, "api_key": await office.issue_api_key(gw, caller, principal.id)}


async def issue_key(gw: Services, caller: Caller, principal: str, overlap_days: int | None = None) -> Any:
    """A further API key for a principal; with ``overlap_days`` the older ones run out after that time."""
    until = Instant(gw.clock.now() + overlap_days * 86_400 * SECOND) if overlap_days is not None else None
    return {"api_key": await office.issue_api_key(gw, caller, principal, overlap_until=until)}


async def add_certificate(gw: Services, caller: Caller, principal: str, der_base64: str) -> Any:
    """Let a client certificate prove a principal."""
    digest = await office.add_certificate(gw, caller, principal, base64.b64decode(der_base64, validate=True))
    return {"certificate_sha256": digest}


async def list_principals(gw: Services, caller: Caller) -> Any:
    """Systems and persons, their credentials (hashes only, never keys), and how agencies are connected."""
    return {
        "principals": gw.people.principals,
        "credentials": gw.people.credentials,
        "partner_systems": partners.described(gw),
        "connections": gw.directory.profiles,
    }


async def add_partner_system(
    gw: Services,
    caller: Caller,
    dialect: str,
    system_id: str,
    name: str = "",
    agencies: list[str] | None = None,
    secret: str = "",
    fresh_seconds: int = partners.FRESH_SECONDS,
    principal: str = "",
) -> Any:
    """Give partner software a system id and its first secret (shown once)."""
    codes = [AgencyCode(code) for code in agencies or ()]
    return await partners.add_system(
        gw, caller, name or system_id, dialect, system_id, codes, secret, fresh_seconds, principal
    )


async def renew_partner_secret(
    gw: Services,
    caller: Caller,
    dialect: str,
    system_id: str,
    secret: str = "",
    overlap_days: int | None = None,
) -> Any:
    """A further secret of a system id; with ``overlap_days`` the older ones run out after that time."""
    until = Instant(gw.clock.now() + overlap_days * 86_400 * SECOND) if overlap_days is not None else None
    return await partners.renew_secret(gw, caller, dialect, system_id, secret, until)


async def set_partner_freshness(
    gw: Services, caller: Caller, dialect: str, system_id: str, seconds: int
) -> Any:
    """How old a signed call of a system id may be."""
    await partners.set_freshness(gw, caller, dialect, system_id, seconds)
    return {"dialect": dialect, "system_id": system_id, "fresh_seconds": seconds}


async def list_keys(gw: Services, caller: Caller) -> Any:
    """The gateway's own keys."""
    return gw.keyring.describe()


async def import_key(gw: Services, caller: Caller, pkcs12_base64: str, password: str) -> Any:
    """Begin to use the receipt key of a PKCS#12 file."""
    return await import_receipt_key(gw, caller, base64.b64decode(pkcs12_base64, validate=True), password)


async def show_queue(gw: Services, caller: Caller, limit: int = 200) -> Any:
    """The queue by destination and state, and its oldest deliveries."""
    summary, rows = await look.queue(gw, caller, limit)
    return {"summary": summary, "deliveries": rows}


async def show_trace(gw: Services, caller: Caller, reference: str) -> Any:
    """Everything about one document."""
    return await look.trace(gw, caller, reference)


async def list_traces(gw: Services, caller: Caller, agency: str = "", limit: int = 50) -> Any:
    """Documents, newest first."""
    code = AgencyCode(gw.directory.canonical(agency)) if agency else None
    return {"documents": await look.list_documents(gw, caller, code, limit=limit)}


async def revoke_credential(gw: Services, caller: Caller, credential: str) -> Any:
    """Withdraw a key or certificate at once."""
    await office.revoke_credential(gw, caller, credential)
    return {"revoked": credential}


async def rotate_key(gw: Services, caller: Caller, which: str) -> Any:
    """Begin to use a new key of the gateway's own."""
    await office.rotate_key(gw, caller, which)
    return gw.keyring.describe()


async def describe_store(gw: Services, caller: Caller) -> Any:
    """Versions, sizes and counts, for ``doctor`` and ``status``."""
    counts = await gw.store.read(lambda tx: [dict(row) for row in tx.all("count_by_state")])
    events = await gw.store.read(lambda tx: [dict(row) for row in tx.all("count_events")])
    lanes = await gw.store.read(lambda tx: [dict(row) for row in tx.all("all_lanes")])
    waiting = await gw.store.read(rechecks.waiting)
    return {
        "store": await gw.store.describe(),
        "deliveries": counts,
        "events": events,
        "failing_lanes": lanes,
        "rechecks": waiting,
        "clock": {
            "source": gw.clock.source,
            "offset": gw.clock.offset,
            "now": to_rfc3339(gw.clock.now()),
        },
    }


# Looking, where the flow behind does not say so itself.
LOOKS = frozenset({
    "directory.show", "signers.list", "signers.proposals", "agency.principals", "key.list", "inbox.list",
    "recall.show", "recall.silent", "incident.show", "incident.list", "receipt.show", "conservation.show",
    "document.views", "retention.show",
})  # fmt: skip
OPERATIONS: dict[str, Operation] = {
    "directory.import": import_directory,
    "directory.sync": sync_directory,
    "directory.show": show_directory,
    "directory.resolve": resolve_agency,
    "signers.import": import_signers,
    "signers.list": list_signers,
    "signers.proposals": list_proposals,
    "signers.confirm": confirm,
    "signers.decline": decline,
    "certificates.list": list_certificates,
    "signatures.recheck": recheck_document,
    "agency.connect": connect_agency,
    "agency.add_system": add_system,
    "agency.principals": list_principals,
    "partner.reconcile": reconcile_partner,
    "partner.add_system": add_partner_system,
    "partner.renew_secret": renew_partner_secret,
    "partner.freshness": set_partner_freshness,
    "directory.rehearse": rehearse_directory,
    "directory.requests": requests.list_requests,
    "directory.approve": requests.approve,
    "directory.decline": requests.decline,
    "policy.list": list_policies,
    "policy.set": set_policy,
    "policy.end": end_policy,
    "policy.exempt": exempt,
    "policy.rehearse": rehearse,
    "key.issue": issue_key,
    "key.add_certificate": add_certificate,
    "key.revoke": revoke_credential,
    "key.rotate": rotate_key,
    "key.list": list_keys,
    "key.compromised": compromise_key,
    "key.import": import_key,
    "queue.show": show_queue,
    "queue.hold": hold.hold,
    "queue.release": hold.release,
    "queue.choose": choose,
    "queue.reject": hold.reject,
    "queue.retry": hold.retry,
    "queue.give_up": hold.give_up,
    "document.send": local.send_file,
    "inbox.list": local.list_inbox,
    "inbox.fetch": local.fetch_file,
    "inbox.done": local.confirm,
    "inbox.report": local.report,
    "recall.send": local.recall,
    "recall.show": show_recall,
    "recall.silent": silent_recalls,
    "incident.open": incident.open_incident,
    "incident.confirm": incident.confirm_incident,
    "incident.dismiss": incident.dismiss_incident,
    "incident.close": incident.close_incident,
    "incident.show": incident.show_incident,
    "incident.list": incident.list_incidents,
    "receipt.show": show_receipt,
    "log.checkpoint": exchange_log.make_checkpoint,
    "log.keys": exchange_log.show_keys,
    "log.remembered": exchange_log.remembered,
    "log.witness": exchange_log.witness,
    "evidence.export": export_evidence_file,
    "evidence.keys": public_keys,
    "conservation.show": show_conservation,
    "conservation.recount": recount,
    "retention.show": retention.show,
    "retention.propose": retention.propose,
    "retention.decide": retention.decide,
    "retention.run": retention.run_decision,
    "retention.freeze": retention.freeze,
    "retention.thaw": retention.thaw,
    "document.views": footprints.views_of,
    "document.open": local.open_file,
    "agency.erase_name": office.erase_name,
    "trace.show": show_trace,
    "trace.peers": peers.stages,
    "trace.list": list_traces,
    "trust.list": trust.list_trust,
    "trust.refresh": trust.refresh_trust,
    "conform.who": conform.who,
    "conform.look": conform.look,
    "conform.teach": conform.teach,
    "status": describe_store,
}
