"""Software of the Lạng Sơn axis calls the gateway (``/langson``), the gateway calls such an axis, and both
halves speak with each other. Over real HTTP."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import pytest

from adapters import make_adapters
from adapters.langson import wire
from adapters.langson.axis import LangsonAxis
from gateway.clock import SECOND, ScenarioClock, SystemClock
from gateway.config import LimitsSection
from gateway.delivery.worker import Worker, claim_due
from gateway.directory.data import DirectoryData
from gateway.directory.snapshot import Directory
from gateway.edxml.parse import parse_envelope
from gateway.flow import office, partners, requests
from gateway.flow.operate import LOCAL
from gateway.model.agency import Agency, Period, Profile
from gateway.model.envelope import Kind
from gateway.model.text import AgencyCode, DocumentId, Instant
from gateway.net import Net
from gateway.port import Delivered, Outcome, Parcel, Refused, TryLater, Unavailable, Waiting
from gateway.practice.langson_axis import Account, SimulatedLangsonAxis, System
from gateway.store import open_store
from gateway.web.endpoint import DESK
from tests.flow.langson_bed import Axis, Outbox, Software, around, listening
from tests.world import AGENCIES, MONDAY, PDF, World, make_envelope, make_status, make_world

DOCUMENT = "H37,2020/04/13,362/UBND-KGVX"
MEGABYTE = 1_048_576
MINUTE = 60 * SECOND
MONDAY_BEFORE = date(2020, 4, 6)


@pytest.fixture
async def axis(world: World) -> AsyncIterator[Axis]:
    async for found in listening(world):
        yield found


@pytest.fixture
async def one_world(tmp_path: Path) -> AsyncIterator[World]:
    """A gateway on one engine, for what depends on no engine."""
    store = await open_store("sqlite:///gateway.db", tmp_path, clock=SystemClock(), purpose="test")
    async with make_world(store, tmp_path) as made:
        yield made
    await store.close()


@pytest.fixture
async def one_axis(one_world: World) -> AsyncIterator[Axis]:
    async for found in listening(one_world):
        yield found


def jump(world: World, microseconds: int) -> None:
    world.clock.jump_to(Instant(world.clock.now() + microseconds))


def set_limits(world: World, limits: LimitsSection) -> None:
    world.gw.config = world.gw.config.model_copy(update={"limits": limits})


# ---------------------------------------------------------------- an agency's software calls us


async def test_a_document_travels_from_one_software_to_another(axis: Axis) -> None:
    province, department = await axis.software("p", "H37"), await axis.software("d", "H37.03")
    data = make_envelope()
    sent = await province.send(data)
    assert (sent.status, sent.json["success"], sent.json["docId"]) == (
        200,
        True,
        sent.json["data"]["docId"],
    )
    (row,) = await department.listed(since="2020/04/13", until="2020/04/13")
    assert (row["from"], row["to"], row["messageType"], row["status"]) == ("H37", "H37.03", "edoc", "initial")
    assert row["createdTime"].startswith("2020/04/13 15:30")
    assert await department.get(row["docId"]) == data
    assert (await department.update(row["docId"], "done")).json["success"] is True
    assert await department.listed() == []
    reply = await province.call("GET", "/v1/getReceiveStatus", params={"docId": sent.json["docId"]})
    (became,) = reply.json["data"]
    assert (became["to"], became["status"], became["statusCode"]) == ("H37.03", "done", "01")
    assert became["notation"] == "362/UBND-KGVX"


async def test_the_same_file_again_gets_the_first_doc_id_and_is_delivered_once(axis: Axis) -> None:
    province, department = await axis.software("p", "H37"), await axis.software("d", "H37.03")
    first, second = [(await province.send(make_envelope())).json["docId"] for _ in range(2)]
    assert first == second
    assert len(await department.listed()) == 1


async def test_the_known_client_polls_and_reports_with_two_digits_only(axis: Axis) -> None:
    province, department = await axis.software("p", "H37"), await axis.software("d", "H37.03")
    await province.send(make_envelope())
    (row,) = await department.listed()
    await department.get(row["docId"])
    for code in ("03", "03", "06"):
        assert (await department.update(row["docId"], code)).json["success"] is True
    assert await department.listed() == []
    codes = []
    for waiting in await province.listed("status"):
        status = parse_envelope(await province.get(waiting["docId"])).envelope.status
        assert status is not None
        codes.append(status.code)
    assert codes == ["01", "03", "06"]


async def test_a_refusal_by_the_recipient_carries_its_words(axis: Axis) -> None:
    province, department = await axis.software("p", "H37"), await axis.software("d", "H37.03")
    await province.send(make_envelope())
    (row,) = await department.listed()
    await department.get(row["docId"])
    await department.update(row["docId"], "02", description="Sai nơi nhận")
    statuses = [
        parse_envelope(await province.get(waiting["docId"])).envelope.status
        for waiting in await province.listed("status")
    ]
    assert [(s.code, s.description) for s in statuses if s and s.code == "02"] == [("02", "Sai nơi nhận")]


async def test_work_may_be_reported_more_than_once(axis: Axis) -> None:
    province, department = await axis.software("p", "H37"), await axis.software("d", "H37.03")
    await province.send(make_envelope())
    (row,) = await department.listed()
    await department.get(row["docId"])
    for _ in range(2):
        await department.update(row["docId"], "05")
        jump(axis.world, 2 * SECOND)
    assert len(await province.listed("status")) == 3  # 01, 05, 05


@pytest.mark.parametrize("status", ["done", "03"])
async def test_nothing_is_settled_that_was_not_fetched_whole(axis: Axis, status: str) -> None:
    department = await axis.software("d", "H37.03")
    await axis.world.send()
    (row,) = await department.listed()
    reply = await department.update(row["docId"], status)
    assert reply.json["success"] is False
    assert "[delivery.not_fetched]" in reply.json["message"]
    assert len(await department.listed()) == 1


async def test_fail_is_noted_and_the_message_goes_on_waiting(axis: Axis) -> None:
    department = await axis.software("d", "H37.03")
    await axis.world.send()
    (row,) = await department.listed()
    await department.update(row["docId"], "fail", description="Hết dung lượng")
    (again,) = await department.listed()
    assert (again["docId"], again["status"]) == (row["docId"], "fail")


@pytest.mark.parametrize("status", ["13", "99", "", "xong"])
async def test_a_status_that_a_recipient_cannot_report_is_refused(one_axis: Axis, status: str) -> None:
    department = await one_axis.software("d", "H37.03")
    await one_axis.world.send()
    (row,) = await department.listed()
    await department.get(row["docId"])
    reply = await department.update(row["docId"], status)
    assert "[status.unknown]" in reply.json["message"]


async def test_a_status_message_is_sent_like_a_document_and_settled_with_done(axis: Axis) -> None:
    province, department = await axis.software("p", "H37"), await axis.software("d", "H37.03")
    await province.send(make_envelope())
    sent = await department.send(make_status("H37.03", "03", DOCUMENT), "status")
    assert sent.json["success"] is True
    (row,) = await province.listed("status")
    assert await province.listed("edoc") == []
    assert [item["docId"] for item in await province.listed("")] == [row["docId"]]
    await province.get(row["docId"])
    await province.update(row["docId"], "done")
    assert await province.listed("status") == []


async def test_days_select_by_acceptance_and_malformed_ones_are_refused(one_axis: Axis) -> None:
    department = await one_axis.software("d", "H37.03")
    await one_axis.world.send()
    assert len(await department.listed(since="2020/04/13")) == 1
    assert await department.listed(since="2020/04/14") == []
    assert await department.listed(until="2020/04/12") == []
    reply = await department.call("GET", "/v1/syncReceivedEdocList", params={"fromDate": "13/04/2020"})
    assert "[parameter.day]" in reply.json["message"]


async def test_one_software_serves_its_agencies_and_sees_no_other(one_axis: Axis) -> None:
    both = await one_axis.software("two", "H37.31", "H37.32")
    await one_axis.world.send(to=["H37.31", "H37.32", "H37.05"])
    assert {row["to"] for row in await both.listed()} == {"H37.31", "H37.32"}
    foreign = (await one_axis.world.waiting("H37.05"))[0].delivery
    reply = await both.call("GET", "/v1/getEdoc", params={"docId": foreign})
    assert "[delivery.unknown]" in reply.json["message"]
    assert "[delivery.unknown]" in (await both.update(foreign, "done")).json["message"]
    assert "[delivery.unknown]" in (await both.update(foreign, "03")).json["message"]


async def test_a_connection_may_want_the_old_codes(one_axis: Axis) -> None:
    profile = Profile(AgencyCode("H37.03"), "langson", (("codes", "qcvn102"),))
    await office.set_profile(one_axis.world.gw, LOCAL, profile)
    department = await one_axis.software("d", "H37.03")
    await one_axis.world.send()
    (row,) = await department.listed()
    assert (row["from"], row["to"]) == ("000.00.00.H37", "000.00.03.H37")


async def test_the_proof_of_delivery_says_on_what_it_rests(one_axis: Axis) -> None:
    department = await one_axis.software("d", "H37.03")
    await one_axis.world.send()
    (row,) = await department.listed()
    await department.get(row["docId"])
    await department.update(row["docId"], "done")
    (delivery,) = await one_axis.world.rows("delivery_by_id", id=row["docId"])
    assert "token and secret key" in str(delivery["proof"])


# ---------------------------------------------------------------- the codes


@pytest.mark.parametrize(
    ("data", "code", "rule"),
    [
        (b"", "10", "envelope.empty"),
        (b"\x00\x01 not a file", "10", "envelope"),
        (b"<html><body>x</body></html>", "10", "envelope.not_edxml"),
        (make_envelope()[:900], "10", "envelope"),
        (make_envelope(to=["H99.01"]), "18", "recipient.unknown"),
        (make_envelope(sender="H37.05"), "19", "sender.not_yours"),
        (make_envelope(sender="H99"), "19", "sender.not_yours"),
        (make_envelope(to=["H37.77"]), "23", "recipient.closed"),
        (make_envelope(subject="Độ mật: TỐI MẬT"), "22", "secrecy.marked"),
        (make_envelope().replace(b"QCVN_102_2016", b"eDoc"), "22", "envelope.wrong_namespace"),
    ],
)
async def test_what_the_gate_refuses_gets_a_code_and_a_sentence(
    one_axis: Axis, data: bytes, code: str, rule: str
) -> None:
    gone = Agency(
        AgencyCode("H37.77"),
        "Đơn vị đã giải thể",
        "province",
        AgencyCode("H37"),
        Period(None, MONDAY_BEFORE),
    )
    await office.import_directory(one_axis.world.gw, LOCAL, DirectoryData((gone,)), apply=True)
    province = await one_axis.software("p", "H37")
    reply = await province.send(data)
    assert reply.status == 200
    assert (reply.json["success"], reply.json["data"]["errorCode"]) == (False, code), reply.json
    assert f"[{rule}" in reply.json["message"]
    assert "submission.refused" in await one_axis.world.event_types()


async def test_a_known_document_id_with_other_content_is_refused(one_axis: Axis) -> None:
    province = await one_axis.software("p", "H37")
    await province.send(make_envelope())
    reply = await province.send(make_envelope(subject="Khác"))
    assert reply.json["data"]["errorCode"] == "22"
    assert "[duplicate.conflict]" in reply.json["message"]


async def test_a_status_for_an_unknown_document_is_refused(one_axis: Axis) -> None:
    department = await one_axis.software("d", "H37.03")
    reply = await department.send(make_status("H37.03", "03", "nothing"), "status")
    assert (reply.json["data"]["errorCode"], reply.json["success"]) == ("22", False)


async def test_an_outbox_that_knows_only_codes_and_5xx_gets_every_document_through(one_axis: Axis) -> None:
    """The retry table of the known client: every code is final; 5xx, silence and rubbish are tried again."""
    province = await one_axis.software("p", "H37")
    await province.log_in()
    outbox = Outbox(province)
    one_axis.app[DESK].draining = True
    assert await outbox.turn(make_envelope()) == "retry"
    one_axis.app[DESK].draining = False
    limits = one_axis.world.gw.config.limits
    set_limits(one_axis.world, LimitsSection(requests_per_second=1))
    assert [await outbox.turn(make_envelope()) for _ in range(3)] == ["sent", "sent", "retry"]
    set_limits(one_axis.world, limits)
    assert await outbox.turn(around(make_envelope())[:400], whole=False) == "retry"
    assert await outbox.turn(make_envelope(to=["H99.01"], number="2")) == "18"
    assert len(await one_axis.world.waiting("H37.03")) == 1


# ---------------------------------------------------------------- the form


async def test_fields_may_come_in_any_order_and_chunked(one_axis: Axis) -> None:
    province = await one_axis.software("p", "H37")
    data = around(make_envelope(), type_last=True)

    async def chunked() -> AsyncIterator[bytes]:
        for start in range(0, len(data), 500):
            yield data[start : start + 500]

    await province.log_in()
    first = await province.post_form(data)
    second = await province.post_form(chunked())
    assert first.json["docId"] == second.json["docId"]
    (fetched,) = await one_axis.world.fetch("H37.03")
    assert fetched.data == make_envelope()


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        (b"--axis--\r\n", "form.file_missing"),
        (b"no form at all", "upload.cut_off"),
        (around(make_envelope())[:300], "upload.cut_off"),
        (around(make_envelope(), "thư"), "message.type_unknown"),
        (around(make_envelope())[: -len("--axis--\r\n")] + around(make_envelope()), "form.two_files"),
    ],
)
async def test_a_form_that_is_wrong_is_told_so_and_leaves_no_file(
    one_axis: Axis, body: bytes, rule: str
) -> None:
    province = await one_axis.software("p", "H37")
    reply = await province.post_form(body)
    assert f"[{rule}]" in reply.json["message"]
    assert await one_axis.world.waiting("H37.03") == []
    assert [path for path in one_axis.world.gw.blobs.staging.iterdir() if path.name != ".now"] == []


async def test_a_body_that_is_no_form_is_told_so(one_axis: Axis) -> None:
    province = await one_axis.software("p", "H37")
    reply = await province.call("POST", "/v1/sendEdoc", data=make_envelope())
    assert (reply.json["data"]["errorCode"], "[form.missing]" in reply.json["message"]) == ("10", True)


async def test_an_envelope_over_the_limit_is_told_so(one_axis: Axis) -> None:
    set_limits(one_axis.world, LimitsSection(upload_bytes=100_000))
    province = await one_axis.software("p", "H37")
    reply = await province.send(bytes(120_000))
    assert (reply.status, reply.json["data"]["errorCode"]) == (413, "10")


@pytest.mark.parametrize(("megabytes", "accepted"), [(50, True), (51, False)])
async def test_a_file_of_50_megabytes_passes_and_one_of_51_is_refused_with_words(
    one_axis: Axis, megabytes: int, accepted: bool
) -> None:
    province, department = await one_axis.software("p", "H37"), await one_axis.software("d", "H37.03")
    data = make_envelope(files={"lon.pdf": PDF + bytes(megabytes * MEGABYTE - len(PDF))})
    reply = await province.send(data)
    assert reply.json["success"] is accepted
    if not accepted:
        assert reply.json["data"]["errorCode"] == "10"
        assert "lon.pdf" in reply.json["message"]
        return
    (row,) = await department.listed()
    assert hashlib.sha256(await department.get(row["docId"])).digest() == hashlib.sha256(data).digest()


# ---------------------------------------------------------------- who calls


async def test_a_wrong_login_gets_the_401_body_of_the_axis(one_axis: Axis) -> None:
    software = await one_axis.software("d", "H37.03")
    for wrong in (replace(software, password="sai"), replace(software, username="nobody")):
        reply = await wrong.log_in()
        assert (reply.status, reply.body) == (401, wire.UNAUTHORIZED)


@pytest.mark.parametrize("token", ["", "x", "a.b.c"])
async def test_a_call_without_a_token_of_ours_gets_the_401_body(one_axis: Axis, token: str) -> None:
    software = await one_axis.software("d", "H37.03")
    headers = software.headers() | {"Authorization": f"Bearer {token}"}
    for path in ("/v1/syncReceivedEdocList", "/v1/getEdoc", "/v1/getAgenciesList", "/v1/getReceiveStatus"):
        reply = await software.raw("GET", path, headers=headers)
        assert (reply.status, reply.body) == (401, wire.UNAUTHORIZED)


async def test_a_token_ends_after_thirty_minutes_and_the_client_logs_in_again(one_axis: Axis) -> None:
    software = await one_axis.software("d", "H37.03")
    await software.listed()
    jump(one_axis.world, 29 * MINUTE)
    await software.listed()
    assert software.logins == 1
    jump(one_axis.world, 2 * MINUTE)
    await software.listed()
    assert software.logins == 2


async def test_a_token_ends_with_the_secret_for_which_it_was_given(one_axis: Axis) -> None:
    software = await one_axis.software("d", "H37.03")
    await software.listed()
    (secret,) = partners.described(one_axis.world.gw)
    await office.revoke_credential(one_axis.world.gw, LOCAL, secret["id"])
    reply = await software.raw("GET", "/v1/syncReceivedEdocList", headers=software.headers())
    assert (reply.status, reply.body) == (401, wire.UNAUTHORIZED)


async def test_both_secrets_hold_while_a_rotation_overlaps(one_axis: Axis) -> None:
    old = await one_axis.software("d", "H37.03")
    until = Instant(one_axis.world.clock.now() + 10 * MINUTE)
    issued = await partners.renew_secret(one_axis.world.gw, LOCAL, "langson", "d", overlap_until=until)
    new = replace(old, password=issued.secret, secret_key=issued.secret)
    assert await old.listed() == await new.listed() == []
    one_axis.world.clock.jump_to(until)
    assert (await old.call("GET", "/v1/syncReceivedEdocList")).status == 401
    assert await new.listed() == []


@pytest.mark.parametrize("change", [{"secret_key": "sai"}, {"system_id": "nobody"}, {"secret_key": ""}])
async def test_a_wrong_key_is_code_15_because_a_new_login_would_not_help(
    one_axis: Axis, change: dict[str, str]
) -> None:
    software = replace(await one_axis.software("d", "H37.03"), **change)
    reply = await software.call("GET", "/v1/syncReceivedEdocList")
    assert (reply.status, reply.json["data"]["errorCode"]) == (200, "15")
    assert software.logins == 1


async def test_a_key_of_another_account_does_not_fit_ones_own_token(one_axis: Axis) -> None:
    mine, other = await one_axis.software("d", "H37.03"), await one_axis.software("e", "H37.05")
    mixed = replace(mine, system_id="e", secret_key=other.secret_key)
    assert (await mixed.call("GET", "/v1/syncReceivedEdocList")).json["data"]["errorCode"] == "15"


async def test_an_account_may_have_a_login_beside_its_system_id(one_axis: Axis) -> None:
    software = await one_axis.software("d", "H37.03")
    gw = one_axis.world.gw
    principal = gw.people.owner("langson", "d")
    await partners.add_system(
        gw, LOCAL, "", "langson", "vanthu@so", [], secret="mat-khau-cu", principal=principal
    )
    both = replace(software, username="vanthu@so", password="mat-khau-cu")
    assert await both.listed() == []


async def test_after_ten_wrong_logins_the_eleventh_waits_and_a_token_goes_on_holding(
    one_axis: Axis,
) -> None:
    software = await one_axis.software("d", "H37.03")
    await software.listed()
    wrong = replace(software, password="sai")
    for _ in range(10):
        assert (await wrong.log_in()).status == 401
    reply = await replace(software).log_in()
    assert (reply.status, reply.headers["Retry-After"]) == (503, "300")
    reply = await software.raw("GET", "/v1/syncReceivedEdocList", headers=software.headers())
    assert reply.status == 200
    jump(one_axis.world, 301 * SECOND)
    assert (await replace(software).log_in()).status == 200


async def test_unauthenticated_calls_are_counted_and_leave_no_event(one_axis: Axis) -> None:
    software = replace(await one_axis.software("d", "H37.03"), password="sai")
    before = await one_axis.world.event_types()
    await software.log_in()
    assert await one_axis.world.event_types() == before
    assert one_axis.world.gw.metrics.unauthenticated._value.get() == 1  # type: ignore[attr-defined]


async def test_too_many_calls_are_told_when_to_come_again(one_axis: Axis) -> None:
    software = await one_axis.software("d", "H37.03")
    set_limits(one_axis.world, LimitsSection(requests_per_second=1))
    replies = [await software.call("GET", "/v1/syncReceivedEdocList") for _ in range(3)]
    assert [reply.status for reply in replies] == [200, 200, 503]
    assert replies[-1].json["data"]["errorCode"] == "20"


async def test_a_gateway_that_shuts_down_is_a_system_error(one_axis: Axis) -> None:
    software = await one_axis.software("d", "H37.03")
    await software.log_in()
    one_axis.app[DESK].draining = True
    reply = await software.call("GET", "/v1/syncReceivedEdocList")
    assert (reply.status, reply.json["data"]["errorCode"]) == (503, "20")
    one_axis.app[DESK].draining = False


@pytest.mark.parametrize("path", ["/v1/getSomething", "/api/lgspedoc/getEdoc", "/"])
async def test_a_call_that_there_is_not_is_answered_in_the_dialects_shape(one_axis: Axis, path: str) -> None:
    software = await one_axis.software("d", "H37.03")
    reply = await software.call("GET", path)
    assert (reply.json["success"], "[http.404]" in reply.json["message"]) == (False, True)


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"username":7,"password":"x"}', b'{"username":"d"}'])
async def test_a_login_that_cannot_be_read_is_refused(one_axis: Axis, body: bytes) -> None:
    software = await one_axis.software("d", "H37.03")
    reply = await software.raw("POST", "/v1/auth/login", data=body)
    assert reply.json["success"] is False


# ---------------------------------------------------------------- agencies


async def test_the_list_of_agencies_holds_no_test_codes(one_axis: Axis) -> None:
    test = Agency(AgencyCode("H37.99"), "Mã thử", "province", AgencyCode("H37"), test=True)
    await office.import_directory(one_axis.world.gw, LOCAL, DirectoryData((test,)), apply=True)
    software = await one_axis.software("d", "H37.03")
    reply = await software.call("GET", "/v1/getAgenciesList")
    rows = {row["orgCode"]: row for row in reply.json["data"]}
    assert set(rows) == {agency.code for agency in AGENCIES}
    assert rows["H37.31.21"] == {
        "orgCode": "H37.31.21",
        "orgName": "UBND phường Tam Thanh",
        "parentCode": "H37.31",
        "address": "",
        "email": "",
        "phone": "",
    }


async def test_an_agency_asked_for_waits_for_an_operator(one_axis: Axis) -> None:
    software = await one_axis.software("d", "H37.31")
    wanted = {"orgCode": "H37.31.25", "orgName": "UBND phường Đông Kinh", "parentCode": "H37.31"}
    reply = await software.call("POST", "/v1/registerAgency", json=wanted)
    assert reply.json["success"] is True
    asked = await requests.list_requests(one_axis.world.gw, LOCAL)
    assert [(one.kind, one.code) for one in asked] == [("register", "H37.31.25")]
    foreign = await software.call(
        "POST", "/v1/registerAgency", json=wanted | {"orgCode": "H37.32.25", "parentCode": "H37.32"}
    )
    assert "[agency.outside_subtree]" in foreign.json["message"]


# ---------------------------------------------------------------- we call such an axis


@dataclass(slots=True)
class Client:
    """Our adapter, and the settings with which it calls an axis."""

    adapter: LangsonAxis
    settings: dict[str, str]

    async def deliver(self, data: bytes, kind: Kind = Kind.NEW, **changes: str) -> Outcome:
        async def opened() -> AsyncIterator[bytes]:
            for start in range(0, len(data), 65_536):
                yield data[start : start + 65_536]

        return await self.adapter.deliver(
            Parcel(
                delivery_id="01900000-0000-7000-8000-000000000001",
                message_id="01900000-0000-7000-8000-000000000002",
                kind=kind,
                sender=AgencyCode("H37.31"),
                document_id=DocumentId("x"),
                recipient=AgencyCode("H37.03"),
                urgency=0,
                envelope_sha256=hashlib.sha256(data).hexdigest(),
                size=len(data),
                attempt=1,
                settings=self.settings | changes,
                open=opened,
            )
        )

    async def waiting(self) -> list[Waiting]:
        return list(await self.adapter.waiting(self.settings))

    async def fetch(self, item: Waiting) -> bytes:
        return b"".join([chunk async for chunk in self.adapter.fetch(item, self.settings)])

    async def confirm(self, item: Waiting, taken: bool = True, words: str = "") -> None:
        await self.adapter.confirm(item, self.settings, taken, words)


def settings_for(url: str) -> dict[str, str]:
    return {"url": url, "username": "ubnd", "system_id": "TP", "secret": "mat-khau\nkhoa-bi-mat"}


@pytest.fixture
async def net() -> AsyncIterator[Net]:
    made = Net("127.0.0.0/8", 5)
    yield made
    await made.close()


@pytest.fixture
async def far() -> AsyncIterator[SimulatedLangsonAxis]:
    """A simulated axis with us (H37.31) and a department (H37.03)."""
    clock = ScenarioClock(MONDAY)
    accounts = [
        Account("ubnd", "mat-khau", System("TP", "khoa-bi-mat", ("H37.31",))),
        Account("so", "mat-khau-so", System("SO", "khoa-cua-so", ("H37.03",))),
    ]
    rows = [{"id": "1", "pid": "", "code": f"H37.{n}", "name": f"Đơn vị {n}", "mail": ""} for n in range(500)]
    async with SimulatedLangsonAxis(accounts, clock=clock, agencies=lambda: rows) as axis:
        yield axis


@pytest.fixture
def client(far: SimulatedLangsonAxis, net: Net) -> Client:
    return Client(LangsonAxis(net, ScenarioClock(MONDAY)), settings_for(far.url))


UP = make_envelope("H37.31", ["H37.03"])
DOWN = make_envelope("H37.03", ["H37.31"])


async def test_a_document_goes_up_and_the_proof_names_its_doc_id(
    client: Client, far: SimulatedLangsonAxis
) -> None:
    outcome = await client.deliver(UP)
    (message,) = far.book.messages.values()
    assert outcome == Delivered(
        f"DocId {message.doc_id} at the provincial axis (token and shared secret key)"
    )
    assert message.raw == UP


async def test_a_document_comes_down_and_is_confirmed(client: Client, far: SimulatedLangsonAxis) -> None:
    far.put(DOWN)
    (item,) = await client.waiting()
    assert (item.kind, item.sender, item.declared["to"]) == ("edoc", "H37.03", "H37.31")
    assert parse_envelope(await client.fetch(item)).envelope.sender.organ_id == "H37.03"
    await client.confirm(item)
    assert await client.waiting() == []
    assert far.items[item.doc_id].state == "done"


async def test_what_we_do_not_take_is_told_with_its_reason(client: Client, far: SimulatedLangsonAxis) -> None:
    far.put(DOWN)
    (item,) = await client.waiting()
    await client.confirm(item, False, "Văn bản có dấu hiệu mật")
    assert (far.items[item.doc_id].state, far.items[item.doc_id].description) == (
        "fail",
        "Văn bản có dấu hiệu mật",
    )


async def test_statuses_go_up_and_come_down_as_status(client: Client, far: SimulatedLangsonAxis) -> None:
    status = make_status("H37.31", "03", "x", about="H37.03")
    assert isinstance(await client.deliver(status, Kind.STATUS), Delivered)
    assert [message.kind for message in far.book.messages.values()] == ["status"]
    far.put(make_status("H37.03", "03", "x", about="H37.31"))
    assert [item.kind for item in await client.waiting()] == ["status"]


async def test_one_login_serves_many_calls_and_both_halves(
    client: Client, far: SimulatedLangsonAxis, net: Net
) -> None:
    collector = Client(LangsonAxis(net, ScenarioClock(MONDAY)), client.settings)
    await asyncio.gather(
        *(client.deliver(make_envelope("H37.31", ["H37.03"], number=str(n))) for n in range(5))
    )
    await collector.waiting()
    assert far.requests["login"] == 1


async def test_a_token_that_was_rotated_early_costs_one_more_login(
    client: Client, far: SimulatedLangsonAxis
) -> None:
    far.put(DOWN)
    (item,) = await client.waiting()
    far.rotate()
    assert isinstance(await client.deliver(UP), Delivered)
    far.rotate()
    await client.fetch(item)
    far.rotate()
    await client.confirm(item)
    assert far.requests["login"] == 4
    assert len(far.book.messages) == 2


async def test_an_axis_that_goes_on_refusing_the_token_is_tried_later(
    client: Client, far: SimulatedLangsonAxis
) -> None:
    far.knobs.turn("stale", call="sendEdoc")
    outcome = await client.deliver(UP)
    assert isinstance(outcome, TryLater)
    assert outcome.code == "axis.unauthorized"
    assert far.requests["sendEdoc"] == 2


async def test_a_refused_login_and_a_wrong_key_wait_for_a_person(
    client: Client, far: SimulatedLangsonAxis
) -> None:
    for secret, code in (("sai\nkhoa-bi-mat", "axis.login_refused"), ("mat-khau\nsai", "axis.15")):
        outcome = await client.deliver(UP, secret=secret)
        assert isinstance(outcome, TryLater)
        assert outcome.code == code
        assert "sai" not in outcome.text.en
    assert len(far.book.messages) == 0


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("10", Refused),
        ("15", TryLater),
        ("18", Refused),
        ("19", Refused),
        ("20", TryLater),
        ("21", TryLater),
        ("22", Refused),
        ("23", Refused),
        ("77", TryLater),
    ],
)
async def test_each_code_is_final_or_tried_again(
    client: Client, far: SimulatedLangsonAxis, code: str, kind: type
) -> None:
    far.knobs.turn("fail", call="sendEdoc", argument=code)
    outcome = await client.deliver(UP)
    assert isinstance(outcome, kind)
    assert isinstance(outcome, Refused | TryLater)
    assert outcome.code == f"axis.{code}"
    assert "núm vặn" in outcome.text.vi


async def test_the_simulated_axis_gives_its_codes_for_what_they_mean(
    client: Client, far: SimulatedLangsonAxis
) -> None:
    far.locked = {"H37.05"}
    sent = {
        "axis.18": make_envelope("H37.31", ["H99.01"]),
        "axis.19": make_envelope("H37.32", ["H37.03"]),
        "axis.22": UP.replace(b"QCVN_102_2016", b"eDoc"),
        "axis.23": make_envelope("H37.31", ["H37.05"]),
        "axis.10": b"khong phai xml",
    }
    for code, data in sent.items():
        outcome = await client.deliver(data)
        assert isinstance(outcome, Refused)
        assert outcome.code == code


@pytest.mark.parametrize(
    ("knob", "code"),
    [
        ("502", "answer.502"),
        ("html", "answer.not_json"),
        ("busy", "answer.503"),
        ("empty", "answer.empty"),
        ("cut-off", "answer.empty"),
        ("reset", "answer.cut_off"),
        ("lost-answer", "answer.cut_off"),
    ],
)
async def test_an_axis_in_trouble_is_tried_later_and_gets_the_document_once(
    client: Client, far: SimulatedLangsonAxis, knob: str, code: str
) -> None:
    far.knobs.turn(knob, call="sendEdoc", times=1, argument="9")
    outcome = await client.deliver(UP)
    assert isinstance(outcome, TryLater)
    assert outcome.code == code
    assert outcome.retry_after == (9 if knob == "busy" else 0)
    assert isinstance(await client.deliver(UP), Delivered)
    assert len(far.book.messages) == 1


@pytest.mark.parametrize("knob", ["502", "html", "busy", "empty", "cut-off", "reset", "lost-answer", "fail"])
@pytest.mark.parametrize("call", ["getReceivedEdocList", "getEdoc", "updateStatus", "login"])
async def test_a_collector_in_trouble_says_unavailable_and_loses_nothing(
    client: Client, far: SimulatedLangsonAxis, knob: str, call: str
) -> None:
    far.put(DOWN)
    (item,) = await client.waiting()
    far.rotate()
    far.knobs.turn(knob, call=call, times=2)  # a GET on a kept connection is repeated once below us
    with pytest.raises(Unavailable):
        await round_trip(client, item)
    far.knobs.clear()
    assert await client.fetch(item)
    await client.confirm(item)
    assert far.items[item.doc_id].state == "done"


async def round_trip(client: Client, item: Waiting) -> None:
    await client.waiting()
    await client.fetch(item)
    await client.confirm(item)


async def test_lists_with_null_texts_and_doubled_rows_are_read(
    client: Client, far: SimulatedLangsonAxis
) -> None:
    for number in range(3):
        far.put(make_envelope("H37.03", ["H37.31"], number=str(number)))
    in_order = [item.doc_id for item in await client.waiting()]
    far.knobs.turn("nulls", call="getReceivedEdocList")
    far.knobs.turn("listed-twice", call="getReceivedEdocList")
    found = await client.waiting()
    assert [item.doc_id for item in found] == in_order == list(far.items)
    assert all("null" not in item.declared.values() for item in found)


async def test_what_the_axis_lists_as_done_is_not_fetched_again(
    client: Client, far: SimulatedLangsonAxis
) -> None:
    far.put(DOWN)
    (item,) = await client.waiting()
    far.knobs.turn("forgotten-done", call="updateStatus")
    await client.confirm(item)
    assert [again.doc_id for again in await client.waiting()] == [item.doc_id]
    far.knobs.clear()
    await client.confirm(item)
    assert await client.waiting() == []


async def test_agencies_and_what_was_sent_are_listed(client: Client, far: SimulatedLangsonAxis) -> None:
    listed = [agency async for agency in client.adapter.agencies(client.settings)]
    assert (len(listed), listed[7].code, listed[7].name) == (500, "H37.7", "Đơn vị 7")
    await client.deliver(UP)
    (sent,) = await client.adapter.sent(client.settings)
    assert (sent.sender, sent.recipient, sent.notation) == ("H37.31", "H37.03", "362/UBND-KGVX")
    assert await client.adapter.sent(client.settings, "nothing") == []


async def test_secrets_stand_in_no_text_and_no_log(
    client: Client, far: SimulatedLangsonAxis, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    far.knobs.turn("html", call="sendEdoc", times=1)
    outcomes = [await client.deliver(UP), await client.deliver(UP)]
    said = repr(outcomes) + caplog.text + repr(client.adapter._client(client.settings)._account)
    assert "khoa-bi-mat" not in said
    assert "mat-khau" not in said


# ---------------------------------------------------------------- both halves against each other


@dataclass(slots=True)
class Pair:
    """Gateway ``near`` (with H37.31) is a client of gateway ``axis`` (with all others)."""

    near: World
    axis: Axis
    client: Client

    async def push(self) -> list[str]:
        """One turn of the near gateway's worker; the states of what it carried."""
        adapters = make_adapters(self.client.adapter._net, self.near.clock)
        worker = Worker(self.near.gw, adapters)
        attempts = await self.near.gw.store.write(lambda tx: claim_due(tx, self.near.gw, 32))
        for attempt in attempts:
            await worker._carry(attempt)
        states = []
        for attempt in attempts:
            (row,) = await self.near.rows("delivery_by_id", id=attempt.delivery.id)
            states.append(str(row["state"]))
        return states

    async def connect(self, **changes: str) -> None:
        """How the near gateway reaches H37.03: through the axis."""
        settings: Mapping[str, str] = self.client.settings | changes
        kept = tuple((name, value) for name, value in settings.items() if name != "secret")
        profile = Profile(AgencyCode("H37.03"), "langson_axis", kept)
        await office.set_profile(self.near.gw, LOCAL, profile, settings["secret"])

    async def pull(self) -> list[bytes]:
        """Everything that waits at the axis for the near gateway, confirmed."""
        taken = []
        for item in await self.client.waiting():
            taken.append(await self.client.fetch(item))
            await self.client.confirm(item)
        return taken


@pytest.fixture
async def pair(one_axis: Axis, net: Net, tmp_path: Path) -> AsyncIterator[Pair]:
    store = await open_store("sqlite:///near.db", tmp_path, clock=SystemClock(), purpose="near")
    software: Software = await one_axis.software("tp", "H37.31")
    settings = {
        "url": one_axis.url,
        "username": "tp",
        "system_id": "tp",
        "secret": software.password,
    }
    async with make_world(store, tmp_path / "near") as near:
        near.gw.kinds = one_axis.world.gw.kinds
        found = Pair(near, one_axis, Client(LangsonAxis(net, near.clock), settings))
        await found.connect()
        yield found
    await store.close()


async def test_a_document_goes_from_gateway_to_gateway_and_its_statuses_come_back(pair: Pair) -> None:
    await pair.near.send("H37.31", ["H37.03"])
    assert await pair.push() == ["delivered"]
    (arrived,) = await pair.axis.world.fetch("H37.03")
    assert arrived.data == UP
    await pair.axis.world.report("H37.03", "03", "H37.31,2020/04/13,362/UBND-KGVX", about="H37.31")
    for data in await pair.pull():
        await pair.near.upload("H37.03", data)
    codes = []
    for taken in await pair.near.fetch("H37.31"):
        status = parse_envelope(taken.data).envelope.status
        assert status is not None
        codes.append(status.code)
    assert "03" in codes
    assert await pair.client.waiting() == []


async def test_a_document_comes_down_from_the_other_gateway(pair: Pair) -> None:
    await pair.axis.world.send("H37.03", ["H37.31"])
    (data,) = await pair.pull()
    await pair.near.upload("H37.03", data)
    (taken,) = await pair.near.fetch("H37.31")
    assert taken.data == DOWN
    (delivery,) = await pair.axis.world.rows("documents_sent_by", sender="H37.03", limit=10)
    assert (delivery["state"], "token and secret key" in str(delivery["proof"])) == ("delivered", True)


async def test_a_large_document_passes_both_gateways_whole(pair: Pair) -> None:
    data = make_envelope("H37.31", ["H37.03"], files={"lon.pdf": PDF + bytes(8 * MEGABYTE)})
    await pair.near.upload("H37.31", data)
    assert await pair.push() == ["delivered"]
    (arrived,) = await pair.axis.world.fetch("H37.03")
    assert hashlib.sha256(arrived.data).digest() == hashlib.sha256(data).digest()


async def test_the_token_of_the_other_gateway_runs_out_and_nothing_is_lost(pair: Pair) -> None:
    await pair.near.send("H37.31", ["H37.03"])
    await pair.push()
    jump(pair.axis.world, 40 * MINUTE)  # only there: here it still seems to hold
    await pair.near.send("H37.31", ["H37.03"], number="2")
    assert await pair.push() == ["delivered"]
    assert len(await pair.axis.world.waiting("H37.03")) == 2


async def test_a_wrong_secret_keeps_the_document_until_a_person_mends_it(pair: Pair) -> None:
    await pair.connect(secret="sai")
    await pair.near.send("H37.31", ["H37.03"])
    assert await pair.push() == ["queued"]
    await pair.connect()
    jump(pair.near, 10 * MINUTE)
    assert await pair.push() == ["delivered"]
    assert len(await pair.axis.world.waiting("H37.03")) == 1


async def test_a_lost_answer_leads_to_one_delivery(pair: Pair) -> None:
    await pair.near.send("H37.31", ["H37.03"])
    first = await pair.client.deliver(UP)
    assert isinstance(first, Delivered)  # the near gateway died before it wrote that down
    assert await pair.push() == ["delivered"]
    assert len(await pair.axis.world.waiting("H37.03")) == 1


@pytest.mark.parametrize(
    ("sender", "to", "code"),
    [("H37.31", "H37.88", "axis.18"), ("H37.05", "H37.03", "axis.19")],
)
async def test_what_the_other_gateway_refuses_ends_and_the_sender_is_told(
    pair: Pair, sender: str, to: str, code: str
) -> None:
    only_here = Agency(AgencyCode("H37.88"), "Đơn vị chỉ có ở đây", "province", AgencyCode("H37"))
    await office.import_directory(pair.near.gw, LOCAL, DirectoryData((only_here,)), apply=True)
    settings = tuple((name, value) for name, value in pair.client.settings.items() if name != "secret")
    profile = Profile(AgencyCode("H37.88"), "langson_axis", settings)
    await office.set_profile(pair.near.gw, LOCAL, profile, pair.client.settings["secret"])
    await pair.near.send(sender, [to])
    assert await pair.push() == ["dead"]
    (dead,) = await pair.near.rows("documents_sent_by", sender=sender, limit=10)
    assert dead["reason_code"] == code
    (notice,) = await pair.near.waiting(sender)
    assert notice.kind == "status"


async def test_a_list_of_120000_agencies_is_read_row_by_row(pair: Pair) -> None:
    root = AgencyCode("H99")
    many = (Agency(AgencyCode(f"H99.{n:06d}"), f"Đơn vị số {n}", "outside", root) for n in range(120_000))
    pair.axis.world.gw.directory = Directory((*AGENCIES, Agency(root, "Tỉnh thử", "outside", None), *many))
    count = 0
    async for agency in pair.client.adapter.agencies(pair.client.settings):
        count += agency.code.startswith("H99.")
    assert count == 120_000
