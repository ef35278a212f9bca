"""The gateway as a client of an axis of the Lạng Sơn dialect: a simulated one, with all its faults."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest

from adapters.langson.axis import LangsonAxis
from gateway.clock import ScenarioClock
from gateway.edxml.parse import parse_envelope
from gateway.model.envelope import Kind
from gateway.net import Net
from gateway.port import Delivered, Refused, TryLater, Unavailable, Waiting
from gateway.practice.langson_axis import Account, SimulatedLangsonAxis, System
from tests.flow.langson_bed import Client
from tests.world import MONDAY, make_envelope, make_status

UP = make_envelope("H37.31", ["H37.03"])
DOWN = make_envelope("H37.03", ["H37.31"])


@pytest.fixture
async def net() -> AsyncIterator[Net]:
    made = Net("127.0.0.0/8", 5)
    yield made
    await made.close()


def settings_for(url: str) -> dict[str, str]:
    return {"url": url, "username": "ubnd", "system_id": "TP", "secret": "mat-khau\nkhoa-bi-mat"}


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


async def test_a_list_of_any_length_is_taken_in_parts(
    client: Client, far: SimulatedLangsonAxis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.langson.axis.MOST_WAITING", 2)
    for number in "123":
        far.put(make_envelope("H37.03", ["H37.31"], number=number))
    first = await client.waiting()
    assert len(first) == 2
    for item in first:
        await client.confirm(item)
    assert len(await client.waiting()) == 1


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
