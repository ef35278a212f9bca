"""Who may call what: every endpoint with every role, API keys that overlap and end, client certificates."""

from __future__ import annotations

import re
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from gateway.clock import SECOND
from gateway.config import Config, ServerSection
from gateway.flow import office
from gateway.flow.operate import LOCAL
from gateway.model.text import AgencyCode, Instant
from gateway.store.people import Role
from gateway.web.endpoint import AGENCY, EVERYBODY, NOBODY, Uploaded
from gateway.web.models_inbox import DoneRequest
from gateway.web.routes import ENDPOINTS
from gateway.web.server import make_web_app, serve_web
from tests.web.certificates import Issued, issue
from tests.web.conftest import PEOPLE, XML, Site
from tests.world import World, make_envelope

BY_ROLE = {Role.SYSTEM: "H37", Role.CLERK: "clerk"} | {Role(name): name for name in list(PEOPLE)[-3:]}
# Spelled out once more here: whoever widens a right has to say so twice.
RIGHTS = {
    "sendDocument": AGENCY,
    "checkDocument": AGENCY,
    "listDocuments": EVERYBODY,
    "showDocument": EVERYBODY,
    "listEvents": EVERYBODY,
    "listViews": EVERYBODY,
    "takeEvidence": EVERYBODY,
    "recallDocument": AGENCY,
    "showRecall": EVERYBODY,
    "showReceiptTimestamp": EVERYBODY,
    "showCheckpoint": NOBODY,
    "showConsistency": NOBODY,
    "showInclusion": NOBODY,
    "listLogEntries": frozenset({Role.OPERATOR, Role.AUDITOR, Role.ADMINISTRATOR}),
    "takeCosignatures": NOBODY,
    "listInbox": AGENCY,
    "fetchMessage": AGENCY,
    "confirmMessage": AGENCY,
    "confirmMessages": AGENCY,
    "reportStatus": AGENCY,
    "showScorecard": EVERYBODY,
    "listScorecardDocuments": EVERYBODY,
    "listScorecardDeliveries": EVERYBODY,
    "declareTotals": AGENCY | {Role.OPERATOR, Role.ADMINISTRATOR},
    "listTotals": EVERYBODY,
    "proposeOutage": frozenset({Role.OPERATOR, Role.ADMINISTRATOR}),
    "listOutages": frozenset({Role.OPERATOR, Role.AUDITOR, Role.ADMINISTRATOR}),
    "decideOutage": frozenset({Role.OPERATOR, Role.ADMINISTRATOR}),
    "withdrawOutage": frozenset({Role.OPERATOR, Role.ADMINISTRATOR}),
    "listAlerts": EVERYBODY,
    "publishReport": frozenset({Role.OPERATOR, Role.ADMINISTRATOR}),
    "listReports": EVERYBODY,
    "showReport": EVERYBODY,
    "printReport": frozenset({Role.OPERATOR, Role.AUDITOR, Role.ADMINISTRATOR}),
    "showPublicReport": NOBODY,
    "listPublicReports": NOBODY,
    "readPublicReport": NOBODY,
    "showPublicStyle": NOBODY,
    "listAgencies": EVERYBODY,
    "showGateway": EVERYBODY,
    "health": NOBODY,
    "ready": NOBODY,
    "metrics": NOBODY,
    "startPage": NOBODY,
}


def test_the_table_of_rights_names_every_endpoint() -> None:
    assert {endpoint.name: endpoint.roles for endpoint in ENDPOINTS} == RIGHTS


async def attempt(site: Site, name: str, who: str | None) -> int:
    """Call an endpoint with a body of the right kind; the status."""
    endpoint = next(endpoint for endpoint in ENDPOINTS if endpoint.name == name)
    path = re.sub(r"{\w+}", "none", endpoint.path)
    if isinstance(endpoint.body, Uploaded):
        return (await site.call(endpoint.method, path, who, XML, data=b"<a/>")).status
    if endpoint.body is not None:
        body = {"done": ["none"]} if endpoint.body is DoneRequest else {"code": "03"}
        return (await site.call(endpoint.method, path, who, json=body)).status
    return (await site.call(endpoint.method, path, who)).status


@pytest.mark.parametrize("name", sorted(RIGHTS))
async def test_an_endpoint_is_open_to_its_roles_and_to_nobody_else(site: Site, name: str) -> None:
    for role, who in BY_ROLE.items():
        allowed = role in RIGHTS[name] or RIGHTS[name] == NOBODY
        assert (await attempt(site, name, who) != 403) == allowed, role
    assert (await attempt(site, name, None) == 401) == (RIGHTS[name] != NOBODY)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-API-Key": "gw_wrong"},
        {"X-API-Key": "gw_khóa-có-dấu"},
        {"X-API-Key": ""},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer gw_wrong"},
        {"Authorization": "Basic aGVsbG86d29ybGQ="},
    ],
)
async def test_without_a_valid_credential_nobody_is_let_in(site: Site, headers: dict[str, str]) -> None:
    reply = await site.call("GET", "/api/v1/gateway", None, headers)
    assert (reply.status, reply.code) == (401, "caller.unknown")
    assert reply.headers["www-authenticate"].startswith("Bearer")


async def test_a_key_may_also_come_as_a_bearer_token(site: Site) -> None:
    headers = {"Authorization": f"Bearer {site.keys['H37']}"}
    assert (await site.call("GET", "/api/v1/gateway", None, headers)).status == 200


async def test_a_wrong_key_is_not_saved_by_a_right_bearer_token(site: Site) -> None:
    headers = {"X-API-Key": "gw_wrong", "Authorization": f"Bearer {site.keys['H37']}"}
    assert (await site.call("GET", "/api/v1/gateway", None, headers)).status == 401


async def test_keys_overlap_while_they_are_rotated_and_then_the_old_one_ends(site: Site) -> None:
    gw, old = site.world.gw, site.keys["H37"]
    principal = next(p for p in gw.people.principals if p.agencies == {"H37"} and p.role is Role.SYSTEM)
    until = Instant(gw.clock.now() + 3600 * SECOND)
    new = await office.issue_api_key(gw, LOCAL, principal.id, overlap_until=until)

    async def works(key: str) -> bool:
        return (await site.call("GET", "/api/v1/gateway", None, {"X-API-Key": key})).status == 200

    assert await works(old)
    assert await works(new)
    site.world.clock.jump_to(until)
    assert not await works(old)
    assert await works(new)


async def test_a_revoked_key_ends_at_once(site: Site) -> None:
    gw = site.world.gw
    principal = next(p for p in gw.people.principals if p.agencies == {"H37.05"})
    [credential] = [c for c in gw.people.credentials if c.principal == principal.id]
    await office.revoke_credential(gw, LOCAL, credential.id)
    assert (await site.get("/api/v1/gateway", "H37.05")).status == 401


async def test_no_key_is_found_in_the_database(site: Site) -> None:
    database = b"".join(path.read_bytes() for path in site.world.home.glob("gateway.db*"))
    assert len(database) > 4096
    assert not any(key.encode() in database for key in site.keys.values())


# -- client certificates


@dataclass(frozen=True, slots=True)
class SecureSite:
    """A gateway that asks for client certificates of ``authority``."""

    world: World
    port: int
    authority: Issued
    stranger: Issued

    async def get(self, path: str, client: Issued | None, headers: dict[str, str] | None = None) -> int:
        context = ssl.create_default_context(cafile=str(self.authority.file))
        if client is not None:
            context.load_cert_chain(client.file)
        connector = aiohttp.TCPConnector(ssl=context, force_close=True)
        async with (
            aiohttp.ClientSession(connector=connector) as session,
            session.get(f"https://127.0.0.1:{self.port}{path}", headers=headers) as response,
        ):
            assert response.headers["Strict-Transport-Security"]
            return response.status


@pytest.fixture
async def secure(world: World, tmp_path: Path) -> AsyncIterator[SecureSite]:
    authority, stranger = issue(tmp_path, "authority"), issue(tmp_path, "stranger")
    server = issue(tmp_path, "server", authority)
    section = ServerSection(port=0, tls_certificate=server.file.name, client_ca=authority.file.name)
    async with serve_web(make_web_app(world.gw), Config(server=section), tmp_path) as port:
        yield SecureSite(world, port, authority, stranger)


async def registered(secure: SecureSite, client: Issued) -> None:
    gw = secure.world.gw
    principal = await office.add_principal(gw, LOCAL, "Hệ thống H37", Role.SYSTEM, [AgencyCode("H37")])
    await office.add_certificate(gw, LOCAL, principal.id, client.der)


async def test_a_registered_client_certificate_proves_its_system(secure: SecureSite, tmp_path: Path) -> None:
    client = issue(tmp_path, "client", secure.authority)
    await registered(secure, client)
    assert await secure.get("/api/v1/inbox", client) == 200


async def test_a_good_certificate_that_nobody_registered_proves_nothing(
    secure: SecureSite, tmp_path: Path
) -> None:
    assert await secure.get("/api/v1/inbox", issue(tmp_path, "client", secure.authority)) == 401


async def test_a_caller_without_certificate_may_still_show_a_key(secure: SecureSite) -> None:
    gw = secure.world.gw
    principal = await office.add_principal(gw, LOCAL, "Hệ thống H37", Role.SYSTEM, [AgencyCode("H37")])
    key = await office.issue_api_key(gw, LOCAL, principal.id)
    assert await secure.get("/api/v1/inbox", None) == 401
    assert await secure.get("/api/v1/inbox", None, {"X-API-Key": key}) == 200


async def test_a_wrong_key_is_not_saved_by_a_right_certificate(secure: SecureSite, tmp_path: Path) -> None:
    client = issue(tmp_path, "client", secure.authority)
    await registered(secure, client)
    assert await secure.get("/api/v1/inbox", client, {"X-API-Key": "gw_wrong"}) == 401


async def test_a_certificate_of_another_authority_is_turned_away_by_tls(
    secure: SecureSite, tmp_path: Path
) -> None:
    forged = issue(tmp_path, "forged", secure.stranger)
    await registered(secure, forged)
    with pytest.raises((aiohttp.ClientError, ConnectionError)):
        await secure.get("/api/v1/inbox", forged)


async def test_an_upload_passes_over_tls(secure: SecureSite, tmp_path: Path) -> None:
    client = issue(tmp_path, "client", secure.authority)
    await registered(secure, client)
    context = ssl.create_default_context(cafile=str(secure.authority.file))
    context.load_cert_chain(client.file)
    url = f"https://127.0.0.1:{secure.port}/api/v1/documents"
    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context, force_close=True)) as session,
        session.post(url, data=make_envelope(), headers=XML) as response,
    ):
        assert response.status == 202
