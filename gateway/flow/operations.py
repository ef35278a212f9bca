"""Operations whose arguments from a command line or a form need turning into words first.

In charge of: codes to agencies, days to moments, errors of partners to errors of a caller, and answers of one
JSON object. Not in charge of: doing it (the flows), names and validation (``operate.py``).
"""

from __future__ import annotations

import base64
from datetime import date
from typing import Any

from gateway.clock import SECOND, local_day, to_rfc3339
from gateway.directory.load import read_directory
from gateway.errors import Busy, NotFound
from gateway.flow import look, nodes, office, partners
from gateway.flow.agency_sync import sync_agencies
from gateway.flow.compromise import import_receipt_key
from gateway.flow.door import Caller
from gateway.flow.reconcile import reconcile
from gateway.flow.signers import compare, list_signers
from gateway.model.agency import Profile
from gateway.model.text import AgencyCode, Bilingual, Instant
from gateway.port import Unavailable
from gateway.services import Services
from gateway.signature.register import read_signers_csv
from gateway.store import rechecks
from gateway.store.people import Role, Scope


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
        "nodes": nodes.describe(gw),
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
