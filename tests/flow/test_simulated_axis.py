"""The simulated axis does what the real one does, and fails the way its knobs are turned. Over real HTTP."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest

from adapters.vxp.client import Failed, VxpClient
from gateway.clock import VIETNAM, ScenarioClock, SystemClock, from_datetime
from gateway.edxml.parse import parse_envelope
from gateway.model.envelope import SignatureForm
from gateway.net import Net
from gateway.port import Unavailable
from gateway.practice.axis import SimulatedAxis, System, invented_agencies
from gateway.practice.axis_calls import No
from gateway.practice.axis_knobs import Fault, Knobs
from tests.world import PDF, make_envelope, make_status

PROVINCE = System("H37", "khoa-tinh", ("H37",))
MINISTRY = System("G09", "khoa-bo", ("G09",))
CORPUS = Path(__file__).parents[1] / "corpus"


@dataclass(slots=True)
class Bench:
    """An axis, and the software of a province and of a ministry."""

    axis: SimulatedAxis
    net: Net
    province: VxpClient
    ministry: VxpClient


def client(axis: SimulatedAxis, net: Net, system: System, secret: str = "") -> VxpClient:
    return VxpClient(net, axis.url, system.system_id, secret or system.secret, SystemClock())


async def listening(**fields: Any) -> AsyncIterator[Bench]:
    net = Net("127.0.0.0/8", 5)
    async with SimulatedAxis([PROVINCE, MINISTRY], **fields) as axis:
        yield Bench(axis, net, client(axis, net, PROVINCE), client(axis, net, MINISTRY))
    await net.close()


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async for found in listening(agencies=invented_agencies(3)):
        yield found


async def upwards(bench: Bench, number: str = "362") -> str:
    return await bench.province.send(make_envelope("H37", ["G09.01"], number), "H37")


# ---------------------------------------------------------------- when nothing goes wrong


async def test_a_document_travels_and_is_done(bench: Bench) -> None:
    doc_id = await upwards(bench)
    (row,) = await bench.ministry.received("edoc")
    assert (row["from"], row["to"], row["status"]) == ("H37", "G09.01", "initial")
    assert b"362" in await bench.ministry.get(row["docId"])
    await bench.ministry.update_status(row["docId"], "done")
    assert (await bench.ministry.received("edoc"), await bench.ministry.count("edoc")) == ([], 0)
    (sent,) = await bench.province.sent(doc_id)
    assert (sent["receiverDocId"], sent["receiveStatus"]) == (row["docId"], "done")


async def test_a_status_goes_to_whose_document_it_is_about(bench: Bench) -> None:
    await upwards(bench)
    status = make_status("G09.01", "03", "H37,2020/04/13,362/UBND-KGVX")
    await bench.ministry.send(status, "G09.01", "status")
    (row,) = await bench.province.received("status")
    data = b"".join([chunk async for chunk in bench.province.download(row["docId"])])
    parsed = parse_envelope(data).envelope
    assert parsed.status is not None
    assert parsed.status.code == "03"


async def test_to_narrows_and_dates_select(bench: Bench) -> None:
    data = make_envelope("H37", ["G09.01", "G09.02"])
    await bench.province.send(data, "H37", to=["G09.02"])
    assert [item.recipient for item in bench.axis.items.values()] == ["G09.02"]
    assert await bench.ministry.received("edoc", "01/01/2100 00:00:00") == []
    assert len(await bench.ministry.received("edoc", "01/01/2020 00:00:00")) == 1


async def test_agencies_are_listed_added_and_closed(bench: Bench) -> None:
    await bench.ministry.register_agency({"code": "G09.77", "name": "Cục mới", "pcode": "G09"})
    await bench.ministry.delete_agency("T000.001")
    codes = [row["code"] for row in await bench.province.agencies()]
    assert codes == ["T000.000", "T000.002", "G09.77"]
    assert [row["code"] for row in await bench.province.units() if row["deleted"]] == ["T000.001"]
    assert len(await bench.province.agencies_qd20("2")) == 3


async def test_a_long_agency_list_arrives_whole() -> None:
    async for bench in listening(agencies=invented_agencies(20_000)):
        assert len(await bench.province.agencies()) == 20_000


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (make_envelope("G09.01", ["H37"]), "from"),
        (make_envelope("H37", ["A01"]), "receiver.unknown"),
        (b"<edXML/>", "edxml"),
    ],
)
async def test_what_is_wrong_with_a_send_is_said(bench: Bench, data: bytes, code: str) -> None:
    sender = "G09.01" if code == "from" else "H37"
    with pytest.raises(Failed) as caught:
        await bench.province.send(data, sender)
    assert caught.value.code == code
    assert bench.axis.items == {}


async def test_a_wrong_secret_and_somebody_elses_item_are_refused(bench: Bench) -> None:
    doc = bench.axis.put(make_envelope("H37", ["G09.01"]))
    (item,) = [one for one in bench.axis.items.values() if one.sender_doc_id == doc]
    with pytest.raises(Failed, match="401"):
        await client(bench.axis, bench.net, PROVINCE, "sai").received("edoc")
    with pytest.raises(Failed, match="docId"):
        await bench.province.get(item.doc_id)


async def test_all_recorded_requests_of_the_sdk_are_answered() -> None:
    recorded = orjson.loads((CORPUS / "vectors" / "vxp-requests.json").read_bytes())
    bodies = {"edoc": "new-cv-362.edxml", "status": "status-03-cv-362.edxml"}
    clock = ScenarioClock(from_datetime(datetime(2026, 11, 23, 14, 48, tzinfo=VIETNAM)))
    system = System("test.sys", recorded["secret"], ("H37",))
    async with SimulatedAxis([system], clock=clock) as axis, aiohttp.ClientSession() as session:
        axis.put(make_envelope("G09.01", ["H37"]))
        axis.items["abc"] = replace(next(iter(axis.items.values())), doc_id="abc")
        for request in recorded["requests"]:
            body = (request["body"] or "").encode()
            headers = [(name, value) for name, value in request["headers"] if name != "Content-Length"]
            if request["path"] == "/sendEdoc":
                name = bodies[dict(headers)["XroadVnpt-messagetype"]]
                body = (CORPUS / "good" / name).read_bytes() + b"\r\n"
            method, url = request["method"], axis.url + request["path"]
            async with session.request(method, url, headers=headers, data=body or None) as reply:
                answer = await reply.read()
            said = "downloadEdoc" if method == "GET" else orjson.loads(answer)["ErrorCode"]
            assert said in ("0", "downloadEdoc"), answer
        assert (axis.items["abc"].state, axis.items["abc"].fetched) == ("done", 2)
        assert len([item for item in axis.items.values() if item.document_id.endswith("362/UBND-KGVX")]) > 5


async def test_it_is_the_same_axis_after_a_restart(tmp_path: Path) -> None:
    async for bench in listening(folder=tmp_path / "axis"):
        bench.axis.put(make_envelope("G09.01", ["H37"], "1"))
        bench.axis.put(make_envelope("G09.01", ["H37"], "2"))
        (first, _) = await bench.province.received("edoc")
        await bench.province.update_status(first["docId"], "done")
        await bench.ministry.register_agency({"code": "G09.77", "name": "Cục mới"})
    async for bench in listening(folder=tmp_path / "axis"):
        (row,) = await bench.province.received("edoc")
        assert b"2/UBND" in await bench.province.get(row["docId"])
        assert [one["code"] for one in await bench.province.agencies()] == ["G09.77"]


# ---------------------------------------------------------------- what it does to a message


def test_an_axis_writes_a_message_anew() -> None:
    axis = SimulatedAxis([PROVINCE], trace_code="001.00.20.TT2")
    data = make_envelope("G09.01", ["H37"]).replace(
        b"<edXML:Subject>", b"<edXML:Unknown>x</edXML:Unknown><edXML:ResponseFor/><edXML:Subject>", 1
    )
    message = axis.messages[axis.put(data)]
    parsed = parse_envelope(message.written).envelope
    assert message.raw == data
    assert b"Unknown" not in message.written
    assert b"<edXML:ResponseFor />" in message.written
    assert b"<edXML:Direction>false</edXML:Direction>" in message.written
    assert parsed.trace[-1].organ_id == "001.00.20.TT2"
    assert (parsed.subject, parsed.document_id) == (
        parse_envelope(data).envelope.subject,
        parse_envelope(data).envelope.document_id,
    )
    assert parsed.attachments[0].sha256 == hashlib.sha256(PDF).digest()


@pytest.mark.parametrize("name", sorted(path.name for path in (CORPUS / "good").glob("*-*.edxml")))
def test_every_good_message_says_the_same_after_the_axis(name: str) -> None:
    axis = SimulatedAxis([System("all", "x", ("H37", "G09", "A01", "G22"))])
    data = (CORPUS / "good" / name).read_bytes()
    before = parse_envelope(data).envelope
    try:
        written = axis.messages[axis.put(data)].written
    except No as no:
        pytest.fail(f"{no.code} {no.words}")
    after = parse_envelope(written).envelope
    assert (after.kind, after.document_id, after.subject) == (before.kind, before.document_id, before.subject)
    assert [one.organ_id for one in after.recipients] == [one.organ_id for one in before.recipients]
    assert [one.sha256 for one in after.attachments] == [one.sha256 for one in before.attachments]
    assert after.signature in (before.signature, SignatureForm.WRONG_NAMESPACE, SignatureForm.NONE)


@pytest.mark.parametrize("fault", [Fault.PREFIX, Fault.ORDER, Fault.WHITESPACE, Fault.NULLS])
async def test_a_message_written_anew_says_the_same(bench: Bench, fault: Fault) -> None:
    plain = parse_envelope(bench.axis.messages[bench.axis.put(make_envelope("G09.01", ["H37"]))].written)
    bench.axis.knobs.turn(fault, call="getEdoc")
    (row,) = await bench.province.received("edoc")
    data = await bench.province.get(row["docId"])
    assert data not in {message.written for message in bench.axis.messages.values()}
    assert parse_envelope(data).envelope.recipients == plain.envelope.recipients
    assert parse_envelope(data).envelope.attachments == plain.envelope.attachments


# ---------------------------------------------------------------- knobs


@pytest.mark.parametrize(
    "fault", [Fault.BAD_GATEWAY, Fault.HTML, Fault.BUSY, Fault.REFUSED, Fault.EMPTY, Fault.CUT_OFF]
)
async def test_a_spoilt_list_is_no_list(bench: Bench, fault: Fault) -> None:
    bench.axis.put(make_envelope("G09.01", ["H37"]))
    bench.axis.knobs.turn(fault, call="getReceivedEdocList", times=1)
    with pytest.raises(Unavailable):
        await bench.province.received("edoc")
    assert len(await bench.province.received("edoc")) == 1


@pytest.mark.parametrize(("fault", "code"), [(Fault.FAIL, "77"), (Fault.STALE, "401")])
async def test_the_axis_says_no(bench: Bench, fault: Fault, code: str) -> None:
    bench.axis.knobs.turn(fault, argument="77", times=1)
    with pytest.raises(Failed) as caught:
        await upwards(bench)
    assert (caught.value.code, bench.axis.items) == (code, {})


async def test_a_send_that_seems_damaged_is_refused(bench: Bench) -> None:
    bench.axis.knobs.turn(Fault.WRONG_HASH, call="sendEdoc", times=1)
    with pytest.raises(Failed, match="hash-file"):
        await upwards(bench)
    assert await upwards(bench)


async def test_a_lost_answer_hides_a_send_that_was_taken(bench: Bench) -> None:
    bench.axis.knobs.turn(Fault.LOST_ANSWER, call="sendEdoc", times=1)
    with pytest.raises(Unavailable):
        await upwards(bench)
    assert len(bench.axis.items) == 1
    await upwards(bench)
    assert {item.document_id for item in bench.axis.items.values()} == {"H37,2020/04/13,362/UBND-KGVX"}
    assert len(bench.axis.items) == 2


async def test_lists_double_shrink_turn_and_say_null(bench: Bench) -> None:
    for number in range(4):
        bench.axis.put(make_envelope("G09.01", ["H37"], str(number + 1)))
    ids = list(bench.axis.items)
    expected = {
        Fault.LISTED_TWICE: [one for one in ids for _ in range(2)],
        Fault.PARTIAL: ids[:2],
        Fault.REORDER: ids[::-1],
        Fault.NULLS: ids,
    }
    for fault, rows in expected.items():
        bench.axis.knobs.turn(fault, call="getReceivedEdocList", times=1)
        found = await bench.province.received("edoc")
        assert [row["docId"] for row in found] == rows
    assert found[0]["status_desc"] == "null"


async def test_a_done_is_forgotten_and_the_item_listed_again(bench: Bench) -> None:
    bench.axis.put(make_envelope("G09.01", ["H37"]))
    bench.axis.knobs.turn(Fault.FORGOTTEN_DONE, times=1)
    for waiting in (1, 0):
        (row,) = bench.axis.open_items("H37")
        await bench.province.update_status(row.doc_id, "done")
        assert len(await bench.province.received("edoc")) == waiting
    assert row.confirmed == 2


async def test_a_message_comes_again_under_another_doc_id(bench: Bench) -> None:
    bench.axis.knobs.turn(Fault.DUPLICATE, times=1)
    await upwards(bench)
    first, second = await bench.ministry.received("edoc")
    assert first["docId"] != second["docId"]
    assert await bench.ministry.get(first["docId"]) == await bench.ministry.get(second["docId"])


async def test_a_clock_that_is_a_year_off_believes_nobody(bench: Bench) -> None:
    bench.axis.knobs.turn(Fault.CLOCK_SKEW, argument=str(365 * 86_400))
    with pytest.raises(Failed, match="401"):
        await bench.province.received("edoc")
    bench.axis.knobs.turn(Fault.CLOCK_SKEW, argument="-3600")
    assert await bench.province.received("edoc") == []


async def test_an_axis_that_was_away_listens_again_at_the_same_address(bench: Bench) -> None:
    await bench.axis.hang_up()
    with pytest.raises(Unavailable):
        await bench.province.received("edoc")
    await bench.axis.listen()
    assert await bench.province.received("edoc") == []


def test_a_knob_with_a_probability_strikes_as_often_and_alike_for_one_seed() -> None:
    def strikes(seed: int) -> list[bool]:
        knobs = Knobs(seed)
        knobs.set("sendEdoc:502=0.3")
        return [knobs.strike(Fault.BAD_GATEWAY, "sendEdoc") is not None for _ in range(1000)]

    assert strikes(1) == strikes(1) != strikes(2)
    assert 250 < sum(strikes(1)) < 350


@pytest.mark.parametrize(
    ("words", "calls", "expected"),
    [
        ("502=2x", ["sendEdoc"] * 3, [True, True, False]),
        ("sendEdoc:502=on", ["sendEdoc", "getEdoc"], [True, False]),
        ("502=off", ["sendEdoc"], [False]),
        ("502=0", ["sendEdoc"], [False]),
    ],
)
def test_a_knob_is_set_in_words(words: str, calls: list[str], expected: list[bool]) -> None:
    knobs = Knobs()
    knobs.set(words)
    assert [knobs.strike(Fault.BAD_GATEWAY, call) is not None for call in calls] == expected


@pytest.mark.parametrize("words", ["502", "502=oft", "503=on", "=on", "502=2.0"])
def test_a_knob_that_does_not_exist_is_not_set(words: str) -> None:
    with pytest.raises(ValueError, match=r"knob|Fault"):
        Knobs().set(words)


# ---------------------------------------------------------------- memory


def test_a_last_line_that_a_crash_cut_off_was_never_answered_and_is_dropped(tmp_path: Path) -> None:
    axis = SimulatedAxis([PROVINCE], folder=tmp_path)
    axis.put(make_envelope("G09.01", ["H37"], "1"))
    axis.put(make_envelope("G09.01", ["H37"], "2"))
    axis.book.close()
    journal = tmp_path / "journal.jsonl"
    journal.write_bytes(journal.read_bytes()[:-20])
    again = SimulatedAxis([PROVINCE], folder=tmp_path)
    assert [item.notation for item in again.items.values()] == ["1/UBND-KGVX"]
    again.put(make_envelope("G09.01", ["H37"], "3"))
    again.book.close()
    third = SimulatedAxis([PROVINCE], folder=tmp_path)
    third.book.close()
    assert [item.notation for item in third.items.values()] == ["1/UBND-KGVX", "3/UBND-KGVX"]


async def test_a_strict_system_sends_under_its_own_id_alone() -> None:
    strict = System("bo", "khoa", ("G09", "H37"), strict=True)
    net = Net("127.0.0.0/8", 5)
    async with SimulatedAxis([strict]) as axis:
        speaking = client(axis, net, strict)
        with pytest.raises(Failed, match="from"):
            await speaking.send(make_envelope("G09", ["H37"]), "G09")
        assert await speaking.send(make_envelope("G09", ["H37"]), "bo")
    await net.close()


@pytest.mark.parametrize(
    ("code", "served"),
    [
        ("H37", True),
        ("H37.31.21", True),
        ("000.00.00.H37", True),
        ("000.21.31.H37", True),
        ("H370", False),
        ("000.00.00.H38", False),
    ],
)
def test_a_system_serves_what_lies_below_its_agencies_in_either_form(code: str, served: bool) -> None:
    assert PROVINCE.serves(code) is served
