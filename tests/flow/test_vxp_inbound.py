"""The national SDK calls the gateway: recorded requests replayed, a client that behaves like the SDK, and
everything that can be wrong with a call. Over real HTTP, on both engines."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import sqlite3
import tracemalloc
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from adapters import KINDS, MOUNTS
from adapters.vxp import sign
from adapters.vxp.client import AGENT, Failed, VxpClient
from gateway.clock import SECOND, SystemClock
from gateway.config import Config, LimitsSection, ServerSection
from gateway.directory.data import DirectoryData
from gateway.directory.snapshot import Directory
from gateway.flow import office, partners, requests, waiting
from gateway.flow.operate import LOCAL
from gateway.model.agency import Agency, Profile
from gateway.model.delivery import State
from gateway.model.text import AgencyCode, Instant
from gateway.net import Net
from gateway.store import deliveries, open_store
from gateway.store.contract import Store
from gateway.store.deliveries import NewDelivery
from gateway.store.queries import SHIPPED, load_queries
from gateway.web.endpoint import DESK
from gateway.web.server import make_web_app, serve_web
from tests.world import AGENCIES, World, make_envelope, make_status, make_world

CORPUS = Path(__file__).parents[1] / "corpus"
RECORDED = json.loads((CORPUS / "vectors" / "vxp-requests.json").read_text())
RECIPIENTS = ("H37.01",)  # beyond those of every test world
BODIES = {"edoc": "new-cv-362.edxml", "status": "status-03-cv-362.edxml"}
YEARS = 20 * 365 * 86_400  # seconds
HOUR = 3600 * SECOND
MEGABYTE = 1_048_576


@dataclass(slots=True)
class Axis:
    """The listening gateway, and the SDK objects of agencies' software."""

    world: World
    app: web.Application
    url: str
    net: Net
    session: aiohttp.ClientSession
    secrets: dict[str, str] = field(default_factory=dict)

    async def system(self, name: str, *agencies: str, fresh: int = 86_400, secret: str = "") -> VxpClient:
        """A new system id for these agencies, and one SDK object that lives long."""
        codes = [AgencyCode(code) for code in agencies]
        issued = await partners.add_system(
            self.world.gw, LOCAL, name, "vxp", name, codes, secret=secret, fresh_seconds=fresh
        )
        self.secrets[name] = issued.secret
        return self.object_of(name)

    def object_of(self, name: str, secret: str = "", *, sticky: bool = True) -> VxpClient:
        """Another SDK object of a system id; with another secret, one that was set up wrongly."""
        secret = secret or self.secrets[name]
        return VxpClient(self.net, self.url, name, secret, self.world.clock, sticky=sticky)

    async def raw(
        self, method: str, path: str, headers: Any, body: bytes = b"", expect: bool = False
    ) -> tuple[int, bytes]:
        """One request as it is given."""
        more = {"expect100": True} if expect else {}
        async with self.session.request(
            method, self.url + path, headers=headers, data=body or None, **more
        ) as reply:
            return reply.status, await reply.read()

    async def call(
        self, name: str, path: str, body: bytes = b"", method: str = "POST", **parameters: str
    ) -> dict[str, Any]:
        """A call with exactly these parameters, signed."""
        spelled = {key.replace("_", "-"): value for key, value in parameters.items()}
        common = {"systemid": name, "timestamp": sign.stamp(self.world.clock.now())}
        headers = sign.sign(common | spelled, self.secrets[name].encode())
        _, answer = await self.raw(method, path, headers, body)
        return dict(json.loads(answer))


async def listening(world: World) -> AsyncIterator[Axis]:
    world.gw.kinds = {kind: adapter.pull for kind, adapter in KINDS.items()}
    config = Config(server=ServerSection(port=0))
    net, app = Net("127.0.0.0/8", 20), make_web_app(world.gw, MOUNTS)
    async with (
        serve_web(app, config, world.home) as port,
        aiohttp.ClientSession() as session,
    ):
        yield Axis(world, app, f"http://127.0.0.1:{port}/vxp", net, session)
    await net.close()


@pytest.fixture
async def axis(world: World) -> AsyncIterator[Axis]:
    async for found in listening(world):
        yield found


@pytest.fixture
async def one_store(tmp_path: Path) -> AsyncIterator[Store]:
    """One engine, for what costs seconds and depends on no engine."""
    store = await open_store("sqlite:///gateway.db", tmp_path, clock=SystemClock(), purpose="test")
    yield store
    await store.close()


@pytest.fixture
async def big_axis(one_store: Store, tmp_path: Path) -> AsyncIterator[Axis]:
    async with make_world(one_store, tmp_path) as world:
        async for found in listening(world):
            yield found


async def refused(call: Any) -> Failed:
    with pytest.raises(Failed) as caught:
        await call
    return caught.value


# ---------------------------------------------------------------- the recorded requests


async def prepared(axis: Axis) -> None:
    """A world in which the recorded requests make sense: system id, its agencies, a delivery ``abc``."""
    made_up = [
        Agency(AgencyCode(code), name, "outside", AgencyCode(parent) if parent else None)
        for code, name, parent in (
            ("W00", "Nhóm thử", ""),
            ("W00.22", "Đơn vị thử", "W00"),
            ("G21", "Bộ thử", ""),
            ("G21.99.99.99", "Đơn vị cần đóng", "G21"),
            *((code, f"Nơi nhận {code}", "H37") for code in RECIPIENTS),
        )
    ]
    await office.import_directory(axis.world.gw, LOCAL, DirectoryData(tuple(made_up)), apply=True)
    await axis.system("test.sys", "H37", "H37.03", "W00", "G21", fresh=YEARS, secret=RECORDED["secret"])
    submission = await axis.world.send("H37.05", ["H37"], number="9", notation="SYT")
    first = (await axis.world.rows("deliveries_of_message", message=submission.message))[0]
    new = NewDelivery(
        id="abc",
        message=submission.message,
        document=submission.document,
        kind="new",
        sender=AgencyCode("H37.05"),
        document_id=str(first["document_id"]),
        addressed=AgencyCode("H37.03"),
        recipient=AgencyCode("H37.03"),
        destination=AgencyCode("H37.03"),
        adapter="inbox",
        pull=True,
        order_key="abc",
        urgency=0,
        accepted_at=axis.world.clock.now(),
    )
    await axis.world.gw.store.write(lambda tx: deliveries.add(tx, new))


def body_of(request: dict[str, Any]) -> bytes:
    if request["body"] is not None:
        return str(request["body"]).encode()
    kind = dict(request["headers"])["XroadVnpt-messagetype"]
    return (CORPUS / "good" / BODIES[kind]).read_bytes() + b"\r\n"


async def test_all_recorded_requests_are_answered(axis: Axis) -> None:
    await prepared(axis)
    answers = []
    for request in RECORDED["requests"]:
        body = body_of(request)
        assert hashlib.sha256(body).hexdigest() == request["body_sha256"]
        headers = [pair for pair in request["headers"] if pair[0] != "Content-Length"]
        expect = request["method"] == "POST" and bool(body)  # the SDK expects 100-continue there
        status, answer = await axis.raw(request["method"], request["path"], headers, body, expect)
        assert status == 200, answer
        answers.append((request["path"], answer))
    documents = [json.loads(answer) for path, answer in answers if path != "/downloadEdoc"]
    assert len(answers) == 15
    assert [(a["status"], a["ErrorCode"]) for a in documents] == [("OK", "0")] * 14
    assert b"edXML" in dict(answers)["/downloadEdoc"]
    assert base64.b64decode(json.loads(dict(answers)["/getEdoc"])["data"]) == dict(answers)["/downloadEdoc"]


async def test_the_recorded_documents_arrive_byte_for_byte(axis: Axis) -> None:
    await prepared(axis)
    for request in RECORDED["requests"][4:6]:
        headers = [pair for pair in request["headers"] if pair[0] != "Content-Length"]
        await axis.raw("POST", request["path"], headers, body_of(request))
    taken = await axis.world.fetch("H37.03", done=False)
    sent = (CORPUS / "good" / "new-cv-362.edxml").read_bytes()
    assert sent in [fetched.data for fetched in taken]


async def test_a_recorded_request_is_stale_once_the_window_is_the_usual_one(axis: Axis) -> None:
    await axis.system("test.sys", "H37", secret=RECORDED["secret"])
    request = RECORDED["requests"][0]
    status, answer = await axis.raw("POST", request["path"], request["headers"])
    assert (status, json.loads(answer)["ErrorCode"]) == (401, "signature.stale")


# ---------------------------------------------------------------- like the SDK


async def test_a_document_travels_from_one_sdk_to_another(axis: Axis) -> None:
    province, department = await axis.system("p", "H37"), await axis.system("d", "H37.03")
    data = make_envelope("000.00.00.H37", ["000.00.03.H37"])
    doc_id = await province.send(data, "000.00.00.H37")
    (row,) = await department.received("edoc")
    assert (row["from"], row["to"], row["status"]) == ("000.00.00.H37", "000.00.03.H37", "initial")
    assert await department.get(row["docId"]) == data
    assert b"".join([chunk async for chunk in department.download(row["docId"])]) == data
    await department.update_status(row["docId"], "done")
    assert await department.received("edoc") == []
    (sent,) = await province.sent(doc_id)
    assert (sent["senderDocId"], sent["receiverDocId"]) == (doc_id, row["docId"])
    assert (sent["receiveStatus"], sent["notation"]) == ("done", "362/UBND-KGVX")


async def test_an_agencys_software_takes_its_connection_as_kind_vxp(axis: Axis) -> None:
    profile = Profile(AgencyCode("H37.03"), "vxp", (("codes", "qd20"),))
    await office.set_profile(axis.world.gw, LOCAL, profile)
    department = await axis.system("d", "H37.03")
    await axis.world.send()
    (row,) = await department.received("edoc")
    assert (row["from"], row["to"]) == ("H37", "H37.03")
    assert [item.delivery for item in await axis.world.waiting("H37.03")] == [row["docId"]]


async def test_the_proof_of_delivery_says_that_the_operator_holds_the_secret_too(axis: Axis) -> None:
    department = await axis.system("d", "H37.03")
    await axis.world.send()
    (row,) = await department.received("edoc")
    await department.get(row["docId"])
    await department.update_status(row["docId"], "done", spelling="docId")
    (delivery,) = await axis.world.rows("delivery_by_id", id=row["docId"])
    assert "operator holds" in str(delivery["proof"])


async def test_a_status_goes_back_to_the_sender(axis: Axis) -> None:
    province, department = await axis.system("p", "H37"), await axis.system("d", "H37.03")
    data = make_envelope()
    await province.send(data, "H37")
    await department.send(make_status("H37.03", "03", "H37,2020/04/13,362/UBND-KGVX"), "H37.03", "status")
    (row,) = await province.received("status")
    assert (row["messageType"], await province.count("status")) == ("status", 1)
    assert b"03" in await province.get(row["docId"])
    assert await province.received("edoc") == []


async def test_sending_twice_gives_the_first_doc_id_again_and_no_second_delivery(axis: Axis) -> None:
    province, department = await axis.system("p", "H37"), await axis.system("d", "H37.03")
    first = await province.send(make_envelope(), "H37")
    assert await axis.object_of("p").send(make_envelope(), "H37") == first
    assert await department.count("edoc") == 1


async def test_one_object_polls_for_two_hours_with_one_timestamp(axis: Axis) -> None:
    department = await axis.system("d", "H37.03")
    started = axis.world.clock.now()
    for minute in range(0, 121, 10):
        axis.world.clock.jump_to(Instant(started + minute * 60 * SECOND + 600 * SECOND))
        await axis.world.send(number=str(minute + 1))
        (row,) = await department.received("edoc")
        await department.get(row["docId"])
        await department.update_status(row["docId"], "done")
    assert await department.count("edoc") == 0


async def test_dates_select_by_the_time_of_acceptance(axis: Axis) -> None:
    department = await axis.system("d", "H37.03")
    await axis.world.send()
    assert len(await department.received("edoc", "13/04/2020 00:00:00", "13/04/2020 23:59:59")) == 1
    assert await axis.object_of("d").received("edoc", "14/04/2020 00:00:00") == []
    failed = await refused(axis.object_of("d").received("edoc", "2020-04-13"))
    assert failed.code == "parameter.time"


async def test_one_system_serves_many_agencies_and_only_its_own(axis: Axis) -> None:
    both = await axis.system("two", "H37.31", "H37.32")
    await axis.world.send(to=["H37.31", "H37.32", "H37.05"])
    assert {row["to"] for row in await both.received("edoc")} == {"000.00.31.H37", "000.00.32.H37"}
    foreign = (await axis.world.waiting("H37.05"))[0].delivery
    for call in (both.get(foreign), both.update_status(foreign, "done")):
        assert (await refused(call)).code == "delivery.unknown"
    assert await both.send(make_envelope("H37.31", ["H37.32"]), "H37.31")


async def test_the_system_id_stands_for_its_only_agency(axis: Axis) -> None:
    single, two = await axis.system("one", "H37"), await axis.system("two", "H37.31", "H37.32")
    assert await single.send(make_envelope(), "one")
    assert (await refused(two.send(make_envelope("H37.31"), "two"))).code == "sender.not_yours"


async def test_to_narrows_the_recipients_and_a_later_call_adds_one(axis: Axis) -> None:
    province = await axis.system("p", "H37")
    data = make_envelope(to=["H37.03", "H37.05"])
    first = await province.send(data, "H37", to=["000.00.03.H37"])
    assert (len(await axis.world.waiting("H37.03")), await axis.world.waiting("H37.05")) == (1, [])
    assert await axis.object_of("p").send(data, "H37", to=["000.00.05.H37"]) == first
    assert (len(await axis.world.waiting("H37.03")), len(await axis.world.waiting("H37.05"))) == (1, 1)


async def test_to_may_not_name_whom_the_envelope_does_not(axis: Axis) -> None:
    province = await axis.system("p", "H37")
    failed = await refused(province.send(make_envelope(), "H37", to=["H37.05"]))
    assert failed.code.startswith("recipient.")
    assert await axis.world.waiting("H37.05") == []


async def test_a_to_left_over_from_an_earlier_call_narrows_nothing(axis: Axis) -> None:
    province = await axis.system("p", "H37")
    data = make_envelope(to=["H37.03", "H37.05"])
    await province.send(data, "H37", to=["H37.03"])
    await province.send(make_envelope(to=["H37.03", "H37.05"], number="7"), "H37")
    assert len(await axis.world.waiting("H37.05")) == 1


@pytest.mark.parametrize("ending", [b"", b"\n", b"\r\n", b"\r\n\r\n"])
async def test_exactly_one_crlf_behind_the_file_is_taken_away(axis: Axis, ending: bytes) -> None:
    data = make_envelope() + ending
    province = await axis.system("p", "H37")
    await province.send(data, "H37")
    (fetched,) = await axis.world.fetch("H37.03")
    assert fetched.data == data


async def test_a_client_that_adds_no_crlf_is_understood_too(axis: Axis) -> None:
    await axis.system("p", "H37")
    data = make_envelope() + b"\r\n"
    answer = await axis.call(
        "p",
        "/sendEdoc",
        data,
        messagetype="edoc",
        hash_file=hashlib.sha256(data).hexdigest(),
        **{"from": "H37"},
    )
    assert answer["status"] == "OK"
    (fetched,) = await axis.world.fetch("H37.03")
    assert fetched.data == data


# ---------------------------------------------------------------- done, fail, processing


async def test_done_needs_a_full_fetch(axis: Axis) -> None:
    department = await axis.system("d", "H37.03")
    await axis.world.send()
    (row,) = await department.received("edoc")
    assert (await refused(department.update_status(row["docId"], "done"))).code == "delivery.not_fetched"
    await department.get(row["docId"])
    await department.update_status(row["docId"], "done")
    await department.update_status(row["docId"], "done")


async def test_fail_is_noted_for_operators_and_the_message_goes_on_waiting(axis: Axis) -> None:
    department = await axis.system("d", "H37.03")
    await axis.world.send()
    (row,) = await department.received("edoc")
    for _ in range(2):
        await department.update_status(row["docId"], "fail", "Het dung luong")
    (again,) = await department.received("edoc")
    assert (again["docId"], again["status"]) == (row["docId"], "fail")
    (delivery,) = await axis.world.rows("delivery_by_id", id=row["docId"])
    assert (delivery["state"], delivery["reason_code"]) == ("queued", "recipient.failed")
    assert "Het dung luong" in str(delivery["reason_vi"])
    assert (await axis.world.event_types()).count("delivery.unprocessed") == 1
    await department.get(row["docId"])
    await department.update_status(row["docId"], "done")
    assert (await axis.world.rows("delivery_by_id", id=row["docId"]))[0]["state"] == State.DELIVERED.value


async def test_fail_after_done_is_refused_and_processing_changes_nothing(axis: Axis) -> None:
    department = await axis.system("d", "H37.03")
    await axis.world.send()
    (row,) = await department.received("edoc")
    await department.update_status(row["docId"], "processing")
    assert (await department.received("edoc"))[0]["status"] == "processing"
    await department.get(row["docId"])
    await department.update_status(row["docId"], "done")
    await department.update_status(row["docId"], "processing")
    assert (await refused(department.update_status(row["docId"], "fail"))).code == "delivery.delivered"


async def test_a_status_that_there_is_not_is_refused(axis: Axis) -> None:
    department = await axis.system("d", "H37.03")
    await axis.world.send()
    (row,) = await department.received("edoc")
    assert (await refused(department.update_status(row["docId"], "03"))).code == "status.unknown"


async def test_an_unknown_doc_id_is_refused_everywhere_and_an_empty_list_for_the_sender(axis: Axis) -> None:
    department = await axis.system("d", "H37.03")
    assert (await refused(department.get("nothing"))).code == "delivery.unknown"
    assert (await refused(department.update_status("nothing", "done"))).code == "delivery.unknown"
    assert (await refused(anext(department.download("nothing")))).code == "delivery.unknown"
    assert await department.sent("nothing") == []


async def test_a_failed_download_is_no_file(axis: Axis) -> None:
    await axis.system("d", "H37.03")
    headers = sign.sign(
        {"systemid": "d", "docId": "x", "timestamp": sign.stamp(axis.world.clock.now())},
        axis.secrets["d"].encode(),
    )
    status, answer = await axis.raw("GET", "/downloadEdoc", headers)
    assert (status, json.loads(answer)["status"]) == (404, "FAIL")


async def test_what_another_agency_sent_is_not_shown(axis: Axis) -> None:
    province, other = await axis.system("p", "H37"), await axis.system("o", "H37.05")
    doc_id = await province.send(make_envelope(), "H37")
    assert await other.sent(doc_id) == []
    assert [row["senderDocId"] for row in await province.sent()] == [doc_id]


async def test_the_command_of_the_documentation_works(axis: Axis, tmp_path: Path) -> None:
    await axis.system("lang.son", "H37.03", fresh=YEARS)
    await axis.world.send()
    (tmp_path / "secret.txt").write_text(axis.secrets["lang.son"])
    page = (Path(__file__).parents[2] / "docs" / "partners.md").read_text()
    command = page.split("### With curl")[1].split("```sh\n")[1].split("```")[0]
    process = await asyncio.create_subprocess_exec(
        "bash",
        "-euc",
        command.replace("https://GATEWAY/vxp", axis.url),
        cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE,
    )
    answer = json.loads((await process.communicate())[0])
    assert (answer["status"], len(answer["data"])) == ("OK", 1)


# ---------------------------------------------------------------- who calls


@pytest.mark.parametrize("shift", [-2 * 24 * HOUR, -25 * HOUR, 25 * HOUR, 365 * 24 * HOUR])
async def test_a_clock_that_is_off_by_more_than_the_window_is_told_so(axis: Axis, shift: int) -> None:
    client = await axis.system("d", "H37.03")
    client._stamp = sign.stamp(Instant(axis.world.clock.now() + shift))
    failed = await refused(client.count("edoc"))
    assert failed.code == "signature.stale"
    assert "24 giờ" in failed.words


async def test_a_clock_that_is_off_by_an_hour_is_within_a_day_and_outside_half_an_hour(axis: Axis) -> None:
    client, strict = await axis.system("d", "H37.03"), await axis.system("s", "H37.03", fresh=1800)
    for one in (client, strict):
        one._stamp = sign.stamp(Instant(axis.world.clock.now() - HOUR))
    assert await client.count("edoc") == 0
    assert (await refused(strict.count("edoc"))).code == "signature.stale"


async def test_a_wrong_secret_and_an_unknown_system_are_refused(axis: Axis) -> None:
    await axis.system("d", "H37.03")
    assert (await refused(axis.object_of("d", "wrong").count("edoc"))).code == "signature.wrong"
    assert (await refused(axis.object_of("nobody", "x").count("edoc"))).code == "caller.unknown"


async def test_a_system_id_of_another_does_not_fit_ones_own_secret(axis: Axis) -> None:
    await axis.system("d", "H37.03")
    await axis.system("e", "H37.05")
    assert (await refused(axis.object_of("e", axis.secrets["d"]).count("edoc"))).code == "signature.wrong"


async def test_both_secrets_hold_while_a_rotation_overlaps(axis: Axis) -> None:
    old = await axis.system("d", "H37.03")
    until = Instant(axis.world.clock.now() + HOUR)
    new = await partners.renew_secret(axis.world.gw, LOCAL, "vxp", "d", overlap_until=until)
    assert await old.count("edoc") == await axis.object_of("d", new.secret).count("edoc")
    axis.world.clock.jump_to(until)
    assert (await refused(old.count("edoc"))).code == "signature.wrong"
    assert await axis.object_of("d", new.secret).count("edoc") == 0


async def test_a_header_that_was_changed_after_signing_is_refused(axis: Axis) -> None:
    await axis.system("p", "H37", "H37.31")
    common = {"systemid": "p", "timestamp": sign.stamp(axis.world.clock.now()), "from": "H37"}
    headers = sign.sign(common, axis.secrets["p"].encode()) | {"XroadVnpt-from": "H37.31"}
    status, answer = await axis.raw("POST", "/countReceiveEdoc", headers, b"{}")
    assert (status, json.loads(answer)["ErrorCode"]) == (401, "signature.header_changed")


async def test_an_unsigned_parameter_that_the_call_needs_is_refused(axis: Axis) -> None:
    await axis.system("d", "H37.03")
    common = {"systemid": "d", "timestamp": sign.stamp(axis.world.clock.now())}
    headers = sign.sign(common, axis.secrets["d"].encode()) | {"XroadVnpt-messagetype": "edoc"}
    status, answer = await axis.raw("POST", "/getReceivedEdocList", headers)
    assert (status, json.loads(answer)["ErrorCode"]) == (200, "parameter.unsigned")


async def test_a_call_without_any_signature_is_refused_in_the_sdks_shape(axis: Axis) -> None:
    status, answer = await axis.raw("POST", "/sendEdoc", {}, b"x")
    assert (status, json.loads(answer)["status"]) == (401, "FAIL")


async def test_unauthenticated_calls_are_counted_and_leave_no_event(axis: Axis) -> None:
    await axis.system("d", "H37.03")
    before = await axis.world.event_types()
    await refused(axis.object_of("d", "wrong").count("edoc"))
    assert await axis.world.event_types() == before
    assert axis.world.gw.metrics.unauthenticated._value.get() == 1  # type: ignore[attr-defined]


async def test_too_many_calls_are_told_when_to_come_again(axis: Axis) -> None:
    limits = LimitsSection(requests_per_second=1)
    axis.world.gw.config = axis.world.gw.config.model_copy(update={"limits": limits})
    client = await axis.system("d", "H37.03")
    for _ in range(2):
        await client.count("edoc")
    assert (await refused(client.count("edoc"))).code == "caller.too_many"


async def test_a_gateway_that_shuts_down_says_so_in_the_sdks_shape(axis: Axis) -> None:
    client = await axis.system("d", "H37.03")
    axis.app[DESK].draining = True
    status, answer = await axis.raw("POST", "/countReceiveEdoc", {})
    assert (status, json.loads(answer)["ErrorCode"]) == (503, "gateway.draining")
    axis.app[DESK].draining = False
    assert await client.count("edoc") == 0


async def test_an_address_that_there_is_not_is_answered_in_the_sdks_shape(axis: Axis) -> None:
    _, answer = await axis.raw("POST", "/getSomething", {})
    assert (json.loads(answer)["status"], json.loads(answer)["ErrorCode"]) == ("FAIL", "http.404")


# ---------------------------------------------------------------- what is sent


async def test_a_body_that_does_not_match_its_hash_is_refused_and_recorded(axis: Axis) -> None:
    await axis.system("p", "H37")
    sent: dict[str, str] = {"messagetype": "edoc", "hash_file": "0" * 64, "from": "H37"}
    for _ in range(2):
        answer = await axis.call("p", "/sendEdoc", make_envelope() + b"\r\n", **sent)
        assert (answer["status"], answer["ErrorCode"]) == ("FAIL", "upload.hash_mismatch")
    assert (await axis.world.event_types()).count("submission.refused") == 1
    assert await axis.world.waiting("H37.03") == []
    assert [path for path in axis.world.gw.blobs.staging.iterdir() if path.name != ".now"] == []


@pytest.mark.parametrize(
    ("message_type", "sender", "code"),
    [
        ("letter", "H37", "message.type_unknown"),
        ("edoc", "H37.05", "sender.not_yours"),
        ("edoc", "không có", "sender.not_yours"),
    ],
)
async def test_what_is_wrong_with_the_call_is_recorded_with_the_bytes(
    axis: Axis, message_type: str, sender: str, code: str
) -> None:
    province = await axis.system("p", "H37")
    assert (await refused(province.send(make_envelope(), sender, message_type))).code == code
    assert "submission.refused" in await axis.world.event_types()


async def test_an_envelope_of_another_of_ones_own_agencies_is_not_sent_in_this_ones_name(axis: Axis) -> None:
    both = await axis.system("two", "H37.31", "H37.32")
    failed = await refused(both.send(make_envelope("H37.31", ["H37.03"]), "H37.32"))
    assert failed.code == "sender.not_yours"


async def test_what_is_no_edxml_is_refused_with_a_sentence(axis: Axis) -> None:
    province = await axis.system("p", "H37")
    failed = await refused(province.send(b"<html>not edXML</html>", "H37"))
    assert failed.code
    assert f"[{failed.code}]" in failed.words


async def test_a_refusal_names_the_first_reason_and_how_many_more(axis: Axis) -> None:
    province = await axis.system("p", "H37")
    failed = await refused(province.send(make_envelope(to=["H99.01", "H99.02"]), "H37"))
    assert failed.code == "recipient.unknown"
    assert "lý do khác" in failed.words


async def test_a_known_document_id_with_other_content_is_a_conflict(axis: Axis) -> None:
    province = await axis.system("p", "H37")
    await province.send(make_envelope(), "H37")
    assert (await refused(province.send(make_envelope(subject="Khác"), "H37"))).code == "duplicate.conflict"


async def test_a_status_for_an_unknown_document_is_refused_and_recorded(axis: Axis) -> None:
    department = await axis.system("d", "H37.03")
    failed = await refused(department.send(make_status("H37.03", "03", "nothing"), "H37.03", "status"))
    assert failed.code.startswith("status.")
    assert "submission.refused" in await axis.world.event_types()


async def test_a_recall_of_somebody_elses_document_is_refused(axis: Axis) -> None:
    await axis.world.send()
    other = await axis.system("o", "H37.05")
    recall = make_status("H37.05", "13", "H37,2020/04/13,362/UBND-KGVX", about="H37.03")
    assert (await refused(other.send(recall, "H37.05", "status"))).code.startswith("status.")


# ---------------------------------------------------------------- agencies


async def test_agency_lists_carry_old_and_new_codes_and_no_test_codes(axis: Axis) -> None:
    test = Agency(AgencyCode("H37.99"), "Mã thử", "province", AgencyCode("H37"), test=True)
    await office.import_directory(axis.world.gw, LOCAL, DirectoryData((test,)), apply=True)
    client = await axis.system("d", "H37.03")
    rows = {row["code"]: row for row in await client.agencies()}
    assert rows["H37.31.21"] == {
        "id": "H37.31.21",
        "pid": "H37.31",
        "code": "H37.31.21",
        "name": "UBND phường Tam Thanh",
        "mail": "",
        "oldCode": "000.21.31.H37",
    }
    assert "H37.99" not in rows
    assert [row["code102"] for row in await client.agencies_qd20("1")] == ["000.00.00.H37"]
    assert len(await axis.object_of("d").agencies_qd20()) == len(rows)


async def test_closed_agencies_are_marked_in_the_list_of_units(axis: Axis) -> None:
    client = await axis.system("d", "H37.31")
    asked = await requests.ask(axis.world.gw, axis.world.caller("H37.31"), "delete", "H37.31.21", {})
    await requests.approve(axis.world.gw, LOCAL, asked.request.id)
    axis.world.clock.jump_to(Instant(axis.world.clock.now() + 24 * HOUR))
    units = {row["code"]: row for row in await axis.object_of("d").units()}
    assert (units["H37.31.21"]["deleted"], units["H37.31"]["deleted"]) == (True, False)
    assert "H37.31.21" not in {row["code"] for row in await axis.object_of("d").agencies()}
    assert client is not None


async def test_an_agency_asked_for_over_vxp_waits_for_an_operator(axis: Axis) -> None:
    client = await axis.system("d", "H37.31")
    wanted = {"id": "", "pcode": "H37.31", "code": "H37.31.25", "name": "UBND phường Đông Kinh", "mail": ""}
    assert "đề nghị" in await client.register_agency(wanted)
    assert "đề nghị" in await client.delete_agency("000.21.31.H37")
    asked = await requests.list_requests(axis.world.gw, LOCAL)
    assert [(one.kind, one.code) for one in asked] == [("register", "H37.31.25"), ("delete", "H37.31.21")]
    failed = await refused(client.register_agency(wanted | {"pcode": "H37.32", "code": "H37.32.25"}))
    assert failed.code == "agency.outside_subtree"


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"code": 7}'])
async def test_a_request_that_cannot_be_read_is_refused(axis: Axis, body: bytes) -> None:
    await axis.system("d", "H37.31")
    assert (await axis.call("d", "/registerAgency", body))["status"] == "FAIL"


# ---------------------------------------------------------------- large things


def many_agencies(count: int) -> tuple[Agency, ...]:
    root = AgencyCode("H99")
    below = (
        Agency(
            AgencyCode(f"H99.{index // 1000:02d}{index % 1000:03d}"), f"Đơn vị số {index}", "outside", root
        )
        for index in range(count)
    )
    return (*AGENCIES, Agency(root, "Tỉnh thử", "outside", None), *below)


async def test_a_list_of_120000_agencies_is_streamed_and_never_held(big_axis: Axis) -> None:
    gw = big_axis.world.gw
    await big_axis.system("d", "H37.03")
    gw.directory = Directory(many_agencies(120_000))
    headers = sign.sign(
        {"systemid": "d", "timestamp": sign.stamp(big_axis.world.clock.now())}, big_axis.secrets["d"].encode()
    )
    tracemalloc.start()
    size = codes = 0
    async with big_axis.session.post(big_axis.url + "/getAgenciesList", headers=headers) as reply:
        async for chunk in reply.content.iter_any():
            size += len(chunk)
            codes += chunk.count(b'"oldCode"')
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert size > 12 * MEGABYTE
    assert codes > 119_000  # one may lie across two chunks
    assert peak < 6 * MEGABYTE


@pytest.mark.parametrize(("megabytes", "accepted"), [(50, True), (51, False)])
async def test_a_file_of_50_megabytes_passes_and_one_of_51_is_refused_with_words(
    big_axis: Axis, megabytes: int, accepted: bool
) -> None:
    province, department = await big_axis.system("p", "H37"), await big_axis.system("d", "H37.03")
    pdf = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"
    data = make_envelope(files={"lon.pdf": pdf + bytes(megabytes * MEGABYTE - len(pdf))})
    if not accepted:
        failed = await refused(province.send(data, "H37"))
        assert failed.code == "attachment.too_large"
        assert "lon.pdf" in failed.words
        return
    await province.send(data, "H37")
    (row,) = await department.received("edoc")
    digest = hashlib.sha256()
    async for chunk in department.download(row["docId"]):
        digest.update(chunk)
    assert digest.digest() == hashlib.sha256(data).digest()


async def test_an_envelope_over_the_limit_is_413_in_the_sdks_shape(axis: Axis) -> None:
    limits = LimitsSection(upload_bytes=100_000)
    axis.world.gw.config = axis.world.gw.config.model_copy(update={"limits": limits})
    await axis.system("p", "H37")
    parameters = {
        "systemid": "p",
        "messagetype": "edoc",
        "hash-file": "0",
        "from": "H37",
        "timestamp": sign.stamp(axis.world.clock.now()),
    }
    headers = sign.sign(parameters, axis.secrets["p"].encode()) | {"User-Agent": AGENT}
    status, answer = await axis.raw("POST", "/sendEdoc", headers, bytes(100_003), expect=True)
    assert (status, json.loads(answer)["ErrorCode"]) == (413, "request.too_large")


async def test_the_list_is_bounded_and_the_rest_follows_once_the_first_are_done(
    axis: Axis, monkeypatch: pytest.MonkeyPatch
) -> None:
    department = await axis.system("d", "H37.03")
    for number in range(4):
        await axis.world.send(number=str(number + 1), priority=3 if number == 3 else 0)
    in_order = [item.delivery for item in await axis.world.waiting("H37.03")]
    monkeypatch.setattr(waiting.list_waiting, "__kwdefaults__", {"since": 0, "until": 2**62, "limit": 2})
    assert [row["docId"] for row in await department.received("edoc")] == in_order[:2]
    for delivery in in_order[:2]:
        await department.get(delivery)
        await department.update_status(delivery, "done")
    assert [row["docId"] for row in await department.received("edoc")] == in_order[2:]


QUERIES = {
    "inbox": {"destination": "H37.03", "rank": -1, "accepted_at": 0, "id": "", "limit": 100},
    "waiting_documents": {"destination": "H37.03", "since": 0, "until": 2**62, "limit": 500},
    "waiting_statuses": {"destination": "H37.03", "since": 0, "until": 2**62, "limit": 500},
    "count_waiting_documents": {"destination": "H37.03"},
    "documents_sent_by": {"sender": "H37", "limit": 500},
}


@pytest.mark.parametrize("query", QUERIES)
async def test_lists_of_a_full_inbox_are_answered_from_an_index(one_store: Store, query: str) -> None:
    """Nothing is scanned or sorted: the first of 100 000 waiting items cost what the first of 500 do."""
    text = load_queries("sqlite", SHIPPED)[query].sql
    with sqlite3.connect(one_store.path) as connection:  # type: ignore[attr-defined]
        plan = [str(row[3]) for row in connection.execute(f"EXPLAIN QUERY PLAN {text}", QUERIES[query])]
    assert [step for step in plan if step.startswith("SCAN") or "B-TREE" in step] == []
    assert any("INDEX" in step for step in plan)
