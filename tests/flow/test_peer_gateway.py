"""Real gateways on this machine: province, district and commune exchange documents, statuses and refusals."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer, unused_port
from cryptography.hazmat.primitives.serialization import Encoding

from adapters import KINDS, make_adapters
from adapters.peer import Peer
from gateway.app import outbound
from gateway.clock import SECOND, SystemClock
from gateway.config import Config, GatewaySection, NetSection, ServerSection
from gateway.delivery.worker import Worker, claim_due
from gateway.edxml.parse import parse_envelope
from gateway.errors import BadRequest
from gateway.flow import office, peers
from gateway.flow.operate import LOCAL, run
from gateway.model.agency import Profile
from gateway.model.text import AgencyCode, Instant
from gateway.net import Net
from gateway.signature.seal import read_receipt
from gateway.store import open_store
from gateway.store.peers import answer_of, way_of
from gateway.store.people import Role, Scope
from gateway.web.server import make_web_app, serve_web
from tests.web.test_auth import issue
from tests.world import World, make_envelope, make_world

PROVINCE, DISTRICT, COMMUNE = "H37", "H37.31", "H37.31.21"
DOCUMENT = "H37,2020/04/13,362/UBND-KGVX"


@dataclass(slots=True)
class Node:
    """One gateway: its world, its address, its worker."""

    name: str
    world: World
    url: str
    net: Net
    peers: list[Node] = field(default_factory=list)

    @property
    def pin(self) -> str:
        """The fingerprint that another gateway pins."""
        der = self.world.gw.keyring.receipt_certificate.public_bytes(Encoding.DER)
        return hashlib.sha256(der).hexdigest()

    async def key_for(self, name: str, *scopes: Scope) -> str:
        """An API key for another gateway."""
        gw = self.world.gw
        principal = await office.add_principal(gw, LOCAL, name, Role.SYSTEM, (), scopes)
        return await office.issue_api_key(gw, LOCAL, principal.id)

    async def connect(self, agency: str, other: Node, key: str, **changes: str) -> None:
        """From here on ``agency`` and what is below it is reached through ``other``."""
        settings = {"url": other.url, "receipt_sha256": other.pin, "serves": "subtree"} | changes
        profile = Profile(AgencyCode(agency), "gateway", tuple(sorted(settings.items())))
        await office.set_profile(self.world.gw, LOCAL, profile, key)

    async def keep(self, agency: str) -> None:
        """``agency`` and everything below it has an inbox here."""
        profile = Profile(AgencyCode(agency), "inbox", (("serves", "each"),))
        await office.set_profile(self.world.gw, LOCAL, profile)

    async def turn(self) -> int:
        """Carry what is due now; how many attempts."""
        gw = self.world.gw
        worker = Worker(gw, make_adapters(self.net, gw.clock))
        attempts = await gw.store.write(lambda tx: claim_due(tx, gw, 32))
        await asyncio.gather(*(worker._carry(attempt) for attempt in attempts))
        return len(attempts)

    async def deliveries(self, reference: str = DOCUMENT) -> list[dict[str, Any]]:
        """Document deliveries here, as ``gateway trace`` shows them."""
        found = await run(self.world.gw, "trace.show", {"reference": reference})
        return [row for row in found["deliveries"] if row["kind"] != "status"]

    async def statuses(self, agency: str) -> list[tuple[str, str]]:
        """Statuses that an agency here took from its inbox: code and reporter."""
        read = [parse_envelope(taken.data).envelope for taken in await self.world.fetch(agency)]
        code = self.world.gw.directory.canonical
        return [(e.status.code, code(e.sender.organ_id)) for e in read if e.status is not None]


async def settle(*nodes: Node) -> None:
    """Until nobody has anything due."""
    while sum([await node.turn() for node in nodes]):
        continue


@contextlib.asynccontextmanager
async def started(
    home: Path, name: str, code: str, server: ServerSection | None = None, net_: NetSection | None = None
) -> AsyncIterator[Node]:
    home.mkdir()
    config = Config(
        gateway=GatewaySection(name=name, code=code),
        server=server or ServerSection(port=0),
        net=net_ or NetSection(allow_private="127.0.0.0/8"),
    )
    store = await open_store("sqlite:///gateway.db", home, clock=SystemClock(), purpose="test")
    async with make_world(store, home, config=config) as world:
        world.gw.kinds = {kind: adapter.pull for kind, adapter in KINDS.items()}
        net = outbound(config, home)
        world.gw.tracers = {"gateway": Peer(net, world.clock)}
        async with serve_web(make_web_app(world.gw), config, home) as port:
            scheme = "https" if config.server.tls_certificate else "http"
            yield Node(name, world, f"{scheme}://127.0.0.1:{port}", net)
        await net.close()
    await store.close()


async def join(upper: Node, lower: Node, code: str) -> None:
    """``lower`` is the gateway of ``code`` and of everything below it."""
    up = await upper.key_for(lower.name, Scope(AgencyCode(code)))
    down = await lower.key_for(upper.name, Scope(AgencyCode(code), outside=True))
    await upper.connect(code, lower, down)
    await lower.keep(code)
    await lower.connect(PROVINCE, upper, up)


@pytest.fixture
async def province(tmp_path: Path) -> AsyncIterator[Node]:
    async with started(tmp_path / "province", "truc-tinh", "") as node:
        yield node


@pytest.fixture
async def district(tmp_path: Path) -> AsyncIterator[Node]:
    async with started(tmp_path / "district", "truc-huyen", DISTRICT) as node:
        yield node


@pytest.fixture
async def commune(tmp_path: Path) -> AsyncIterator[Node]:
    async with started(tmp_path / "commune", "truc-xa", COMMUNE) as node:
        yield node


@pytest.fixture
async def pair(province: Node, district: Node) -> tuple[Node, Node]:
    await join(province, district, DISTRICT)
    return province, district


@pytest.fixture
async def chain(pair: tuple[Node, Node], commune: Node) -> tuple[Node, Node, Node]:
    await join(pair[1], commune, COMMUNE)
    return *pair, commune


# ---------------------------------------------------------------- two gateways


async def test_a_document_goes_down_byte_for_byte_and_the_peers_receipt_is_the_proof(
    pair: tuple[Node, Node],
) -> None:
    province, district = pair
    data = make_envelope(PROVINCE, [DISTRICT])
    await province.world.upload(PROVINCE, data)
    await settle(*pair)
    (delivery,) = await province.deliveries()
    assert delivery["state"] == "delivered"
    answer = await province.world.gw.store.read(lambda tx: answer_of(tx, delivery["id"]))
    claims = read_receipt(orjson.loads(answer)["jws"], [district.world.gw.keyring.receipt_certificate])
    assert claims["gateway"] == "truc-huyen"
    assert claims["envelope_sha256"] == hashlib.sha256(data).hexdigest()
    assert claims["receipt"] in delivery["proof"]
    assert [taken.data for taken in await district.world.fetch(DISTRICT)] == [data]


async def test_arrival_is_reported_once_and_by_the_gateway_that_saw_it(pair: tuple[Node, Node]) -> None:
    province, district = pair
    await province.world.send(PROVINCE, [DISTRICT])
    await settle(*pair)
    assert await province.statuses(PROVINCE) == []  # the peer has it, the recipient does not
    await district.world.fetch(DISTRICT)
    await settle(*pair)
    assert await province.statuses(PROVINCE) == [("01", DISTRICT)]


async def test_statuses_come_back_the_same_way(pair: tuple[Node, Node]) -> None:
    province, district = pair
    await province.world.send(PROVINCE, [DISTRICT])
    await settle(*pair)
    await district.world.fetch(DISTRICT)
    await district.world.report(DISTRICT, "03", DOCUMENT)
    await settle(*pair)
    assert await province.statuses(PROVINCE) == [("01", DISTRICT), ("03", DISTRICT)]
    (delivery,) = await province.deliveries()
    assert delivery["status_code"] == "03"


async def test_a_document_goes_up(pair: tuple[Node, Node]) -> None:
    province, district = pair
    data = make_envelope(DISTRICT, ["H37.03"])
    await district.world.upload(DISTRICT, data)
    await settle(*pair)
    assert [taken.data for taken in await province.world.fetch("H37.03")] == [data]


async def test_only_the_recipients_behind_a_gateway_are_asked_of_it(pair: tuple[Node, Node]) -> None:
    province, district = pair
    await province.world.send(PROVINCE, ["H37.03", DISTRICT, COMMUNE])
    await settle(*pair)
    there = await district.deliveries()
    assert sorted(row["recipient"] for row in there) == [DISTRICT, COMMUNE]
    assert {row["state"] for row in await province.deliveries()} == {"queued", "delivered"}
    assert len(await province.world.waiting("H37.03")) == 1
    assert len(await district.world.waiting(COMMUNE)) == 1


async def test_a_peer_that_is_down_is_tried_again_and_nothing_is_lost(pair: tuple[Node, Node]) -> None:
    province, district = pair
    settings = dict(province.world.gw.directory.profile(AgencyCode(DISTRICT)).settings)
    gone = settings | {"url": f"http://127.0.0.1:{unused_port()}"}
    profile = Profile(AgencyCode(DISTRICT), "gateway", tuple(sorted(gone.items())))
    await office.set_profile(province.world.gw, LOCAL, profile)
    await province.world.send(PROVINCE, [DISTRICT])
    await settle(province)
    (waiting,) = await province.deliveries()
    assert (waiting["state"], waiting["attempts"]) == ("queued", 1)
    back = Profile(AgencyCode(DISTRICT), "gateway", tuple(sorted(settings.items())))
    await office.set_profile(province.world.gw, LOCAL, back)
    province.world.clock.jump_to(Instant(province.world.clock.now() + 600 * SECOND))
    await settle(*pair)
    assert (await province.deliveries())[0]["state"] == "delivered"
    assert len(await district.world.waiting(DISTRICT)) == 1


async def test_a_lost_answer_makes_no_second_delivery_at_the_peer(pair: tuple[Node, Node]) -> None:
    province, district = pair
    await province.world.send(PROVINCE, [DISTRICT])
    gw = province.world.gw
    (attempt,) = await gw.store.write(lambda tx: claim_due(tx, gw, 1))
    adapters = make_adapters(province.net, gw.clock)
    parcel = await Worker(gw, adapters)._parcel(attempt)
    await adapters["gateway"].deliver(parcel)  # the answer is lost
    await Worker(gw, adapters)._carry(attempt)
    assert (await province.deliveries())[0]["state"] == "delivered"
    assert len(await district.world.waiting(DISTRICT)) == 1


async def test_a_gateway_speaks_for_the_agencies_below_it_and_for_no_others(pair: tuple[Node, Node]) -> None:
    province, district = pair
    gw = province.world.gw
    (lower,) = [p for p in gw.people.principals if p.name == "truc-huyen"]
    (upper,) = [p for p in district.world.gw.people.principals if p.name == "truc-tinh"]
    assert gw.agencies_of(lower) == {DISTRICT, COMMUNE}
    reach = district.world.gw.agencies_of(upper)
    assert {PROVINCE, "H37.03", "H37.32.22"} <= reach
    assert not {DISTRICT, COMMUNE} & reach


async def test_a_peer_that_sends_in_anothers_name_is_not_believed(pair: tuple[Node, Node]) -> None:
    province, district = pair
    await district.world.send(
        "H37.05", [PROVINCE]
    )  # an agency of the province: not the district's to send for
    await settle(*pair)
    assert await province.world.waiting(PROVINCE) == []
    (delivery,) = await district.deliveries("H37.05,2020/04/13,362/UBND-KGVX")
    assert (delivery["state"], delivery["attempts"]) == ("queued", 1)


async def test_a_refusal_of_the_peers_gate_reaches_the_sender_in_its_words(pair: tuple[Node, Node]) -> None:
    province, district = pair
    await district.world.upload(DISTRICT, make_envelope(DISTRICT, ["H37.03"]))
    other = make_envelope(DISTRICT, ["H37.03"], subject="V/v khác")
    await province.world.upload(DISTRICT, other)  # the same DocumentId, another content
    await settle(*pair)
    (delivery,) = await district.deliveries("H37.31,2020/04/13,362/UBND-KGVX")
    assert (delivery["state"], delivery["reason_code"]) == ("dead", "duplicate.conflict")
    assert "đã được dùng cho một nội dung khác" in delivery["reason"]["vi"]
    assert ("02", DISTRICT) in await district.statuses(DISTRICT)


async def test_client_certificates_prove_gateways_to_each_other(tmp_path: Path) -> None:
    authority = issue(tmp_path, "authority")
    server, client = (issue(tmp_path, name, authority) for name in ("server", "client"))
    section = ServerSection(port=0, tls_certificate=str(server.file), client_ca=str(authority.file))
    net = NetSection(
        allow_private="127.0.0.0/8", tls_certificate=str(client.file), tls_ca=str(authority.file)
    )
    async with (
        started(tmp_path / "up", "truc-tinh", "", ServerSection(port=0), net) as upper,
        started(tmp_path / "down", "truc-huyen", DISTRICT, section) as lower,
    ):
        gw = lower.world.gw
        scopes = [Scope(AgencyCode(DISTRICT), outside=True)]
        principal = await office.add_principal(gw, LOCAL, "truc-tinh", Role.SYSTEM, (), scopes)
        await office.add_certificate(gw, LOCAL, principal.id, client.der)
        await upper.connect(DISTRICT, lower, "")
        await upper.world.send(PROVINCE, [DISTRICT])
        await settle(upper)
        assert (await upper.deliveries())[0]["state"] == "delivered"
        (stage,) = await run(upper.world.gw, "trace.peers", {"reference": DOCUMENT})
        assert stage["problem"] is None


# ---------------------------------------------------------------- receipts that do not hold


async def faked(
    province: Node, answer: Callable[[bytes], Mapping[str, Any]], pin: str
) -> tuple[str, dict[str, Any]]:
    """Send to a peer that answers so; the code of the attempt, and the delivery."""

    async def handle(request: web.Request) -> web.Response:
        return web.json_response(answer(await request.read()), status=202)

    app = web.Application()
    app.router.add_post("/api/v1/documents", handle)
    server = TestServer(app)
    await server.start_server()
    settings = {"url": str(server.make_url("")), "receipt_sha256": pin}
    profile = Profile(AgencyCode(DISTRICT), "gateway", tuple(sorted(settings.items())))
    await office.set_profile(province.world.gw, LOCAL, profile, "gw_khoa-cua-truc-gia-mao")
    await province.world.send(PROVINCE, [DISTRICT])
    await province.turn()
    await server.close()
    (delivery,) = await province.deliveries()
    (attempt,) = await province.world.rows("attempts_of_delivery", delivery=delivery["id"])
    return str(attempt["code"]), delivery


async def test_a_forged_receipt_is_no_delivery(province: Node, district: Node) -> None:
    data = make_envelope(PROVINCE, [DISTRICT])
    genuine = (await district.world.upload(PROVINCE, data)).jws
    head, _, signature = genuine.split(".")
    claims = orjson.dumps({"gateway": "truc-huyen", "envelope_sha256": hashlib.sha256(data).hexdigest()})
    forged = f"{head}.{base64.urlsafe_b64encode(claims).rstrip(b'=').decode()}.{signature}"
    code, delivery = await faked(province, lambda _: {"receipt_jws": forged}, district.pin)
    assert (code, delivery["state"]) == ("receipt.not_genuine", "queued")


async def test_a_genuine_receipt_of_somebody_else_is_no_delivery(province: Node, district: Node) -> None:
    receipt = (await district.world.upload(PROVINCE, make_envelope(PROVINCE, [DISTRICT]))).jws
    code, delivery = await faked(province, lambda _: {"receipt_jws": receipt}, "0" * 64)
    assert (code, delivery["state"]) == ("receipt.not_genuine", "queued")


async def test_a_genuine_receipt_for_other_bytes_is_no_delivery(province: Node, district: Node) -> None:
    receipt = (await district.world.upload(PROVINCE, make_envelope(PROVINCE, [DISTRICT], number="9"))).jws
    code, delivery = await faked(province, lambda _: {"receipt_jws": receipt}, district.pin)
    assert (code, delivery["state"]) == ("receipt.of_another", "queued")


@pytest.mark.parametrize("answer", [{}, {"receipt_jws": ""}, {"receipt_jws": "a.b"}, {"receipt_jws": 7}])
async def test_an_answer_without_a_receipt_is_no_delivery(
    province: Node, district: Node, answer: dict[str, Any]
) -> None:
    code, delivery = await faked(province, lambda _: answer, district.pin)
    assert code in ("receipt.missing", "receipt.not_genuine")
    assert delivery["state"] == "queued"


# ---------------------------------------------------------------- circles


async def test_two_gateways_that_point_at_each_other_end_with_a_refusal_and_a_notice(
    province: Node, district: Node
) -> None:
    up = await province.key_for(district.name, Scope(AgencyCode(DISTRICT)))
    down = await district.key_for(province.name, Scope(AgencyCode(DISTRICT), outside=True))
    await province.connect(DISTRICT, district, down)
    await district.connect(PROVINCE, province, up)  # and nothing says that the district's own are here
    await province.world.send(PROVINCE, [DISTRICT])
    await settle(province, district)
    (there,) = await district.deliveries()
    assert (there["state"], there["reason_code"]) == ("dead", "hops.loop")
    assert "truc-tinh → truc-huyen → truc-tinh" in there["reason"]["vi"]
    refused = await province.world.event_types()
    assert refused.count("submission.refused") == 1
    assert await province.statuses(PROVINCE) == [("02", DISTRICT)]


async def test_a_message_that_passed_eight_gateways_goes_no_further(pair: tuple[Node, Node]) -> None:
    _, district = pair
    key = await district.key_for("xa-xoi", Scope(AgencyCode(DISTRICT), outside=True))
    way = ", ".join(f"truc-{number}" for number in range(8))
    headers = {"X-API-Key": key, "X-Gateway-Hops": way, "Content-Type": "application/xml"}
    async with (
        aiohttp.ClientSession() as session,
        session.post(
            f"{district.url}/api/v1/documents", data=make_envelope(PROVINCE, [DISTRICT]), headers=headers
        ) as answer,
    ):
        problem = await answer.json()
    assert (answer.status, problem["code"]) == (422, "hops.too_many")
    assert await district.world.waiting(DISTRICT) == []


# ---------------------------------------------------------------- three gateways


async def test_from_province_over_district_to_commune_and_back(chain: tuple[Node, Node, Node]) -> None:
    province, district, commune = chain
    data = make_envelope(PROVINCE, [COMMUNE])
    await province.world.upload(PROVINCE, data)
    await settle(*chain)
    assert [taken.data for taken in await commune.world.fetch(COMMUNE)] == [data]
    (message,) = (await run(commune.world.gw, "trace.show", {"reference": DOCUMENT}))["messages"][:1]
    way = await commune.world.gw.store.read(lambda tx: way_of(tx, message["id"]))
    assert way == ("truc-tinh", "truc-huyen")
    await commune.world.report(COMMUNE, "03", DOCUMENT)
    await settle(*chain)
    assert await province.statuses(PROVINCE) == [("01", COMMUNE), ("03", COMMUNE)]
    assert [row["state"] for row in await district.deliveries()] == ["delivered"]


async def test_a_commune_answers_the_province_over_the_district(chain: tuple[Node, Node, Node]) -> None:
    province, _, commune = chain
    data = make_envelope(COMMUNE, [PROVINCE])
    await commune.world.upload(COMMUNE, data)
    await settle(*chain)
    assert [taken.data for taken in await province.world.fetch(PROVINCE)] == [data]


async def test_a_trace_shows_the_stages_at_the_peer(chain: tuple[Node, Node, Node]) -> None:
    province, district, _ = chain
    await province.world.send(PROVINCE, [COMMUNE])
    (before,) = await run(province.world.gw, "trace.peers", {"reference": DOCUMENT})
    assert "chưa đến trục" in before["problem"]["vi"]
    await settle(*chain)
    (stage,) = await run(province.world.gw, "trace.peers", {"reference": DOCUMENT})
    assert (stage["gateway"], stage["problem"]) == ("truc-huyen", None)
    assert [row["state"] for row in stage["deliveries"]] == ["delivered"]
    (beyond,) = await run(district.world.gw, "trace.peers", {"reference": DOCUMENT})
    assert (beyond["gateway"], beyond["deliveries"][0]["state"]) == ("truc-xa", "queued")


async def test_a_peer_that_does_not_tell_is_said_so(pair: tuple[Node, Node]) -> None:
    province, district = pair
    await province.world.send(PROVINCE, [DISTRICT])
    await settle(*pair)
    for credential in district.world.gw.people.credentials:
        await office.revoke_credential(district.world.gw, LOCAL, credential.id)
    (stage,) = await run(province.world.gw, "trace.peers", {"reference": DOCUMENT})
    assert "HTTP 401" in stage["problem"]["vi"]


def test_names_on_the_way_may_hold_any_letter_but_no_control_characters() -> None:
    assert peers.read_way("tr%E1%BB%A5c%20t%E1%BB%89nh, b") == ("trục tỉnh", "b")
    assert peers.read_way("") == ()
    for header in ("a%0Ab", "%ff"):
        with pytest.raises(BadRequest, match="malformed"):
            peers.read_way(header)
