"""Software of the Lạng Sơn axis calls the gateway (``/langson``), over real HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import aiohttp
import pytest

from adapters.langson import wire
from gateway.clock import SECOND
from gateway.config import LimitsSection
from gateway.directory.data import DirectoryData
from gateway.edxml.parse import parse_envelope
from gateway.flow import office, partners, requests
from gateway.flow.operate import LOCAL
from gateway.model.agency import Agency, Period, Profile
from gateway.model.text import AgencyCode, Instant
from gateway.web.endpoint import DESK
from tests.flow.langson_bed import Axis, Outbox, around, jump, listening, on_one_engine
from tests.world import AGENCIES, PDF, World, make_envelope, make_status

DOCUMENT = "H37,2020/04/13,362/UBND-KGVX"
MEGABYTE = 1_048_576
MINUTE = 60 * SECOND
MONDAY_BEFORE = date(2020, 4, 6)


@pytest.fixture
async def axis(world: World) -> AsyncIterator[Axis]:
    async for found in listening(world):
        yield found


@pytest.fixture
async def one_axis(tmp_path: Path) -> AsyncIterator[Axis]:
    """A gateway on one engine, for what depends on no engine."""
    async with on_one_engine(tmp_path) as found:
        yield found


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


async def test_the_commands_of_the_documentation_work(one_axis: Axis, tmp_path: Path) -> None:
    software = await one_axis.software("TP.LANGSON", "H37")
    (tmp_path / "key.txt").write_text(software.password)
    (tmp_path / "document.edxml").write_bytes(make_envelope())
    page = (Path(__file__).parents[2] / "docs" / "partners.md").read_text(encoding="utf-8")
    section = page.split("## The Lạng Sơn provincial axis dialect")[1]
    script = section.split("### With curl")[1].split("```sh\n")[1].split("```")[0]
    process = await asyncio.create_subprocess_exec(
        "bash",
        "-euc",
        script.replace("https://GATEWAY/langson", one_axis.url),
        cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE,
    )
    sent, listed = (await process.communicate())[0].decode().replace("}{", "}\n{").splitlines()
    assert json.loads(sent)["docId"]
    assert json.loads(listed)["code"] == 200
    assert len(await one_axis.world.waiting("H37.03")) == 1


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


async def test_software_that_expects_100_continue_is_told_to_go_on(one_axis: Axis) -> None:
    province = await one_axis.software("p", "H37")
    await province.log_in()
    reply = await province.raw(
        "POST",
        "/v1/sendEdoc",
        headers=province.headers("axis"),
        data=around(make_envelope()),
        expect100=True,
    )
    assert reply.json["success"] is True


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


async def test_a_field_without_end_does_not_fill_the_room_of_all(one_axis: Axis) -> None:
    set_limits(one_axis.world, LimitsSection(upload_bytes=2 * MEGABYTE, bytes_in_flight=4 * MEGABYTE))
    province = await one_axis.software("p", "H37")
    await province.log_in()
    held = []

    async def endless() -> AsyncIterator[bytes]:
        yield b'--axis\r\nContent-Disposition: form-data; name="la"\r\n\r\n'
        for _ in range(16):
            yield b"x" * MEGABYTE
            await asyncio.sleep(0.01)
            held.append(one_axis.app[DESK].admission.bytes_in_flight)

    with contextlib.suppress(aiohttp.ClientError):  # told before it was sent, or cut off
        reply = await province.raw("POST", "/v1/sendEdoc", headers=province.headers("axis"), data=endless())
        assert reply.json["code"] == 413
    assert max(held) < 4 * MEGABYTE


async def test_a_key_of_any_bytes_is_a_wrong_key(one_axis: Axis) -> None:
    province = await one_axis.software("p", "H37")
    await province.log_in()
    province.secret_key = "\udcff\udcfe"
    reply = await province.call("GET", "/v1/syncReceivedEdocList")
    assert reply.json["data"]["errorCode"] == "15"


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
