"""The national axis as our partner: what goes up, what comes down, what goes wrong on the way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from adapters.vxp import client
from gateway.clock import SECOND
from gateway.delivery.collect import AWAY_AFTER, WAIT_AGAIN
from gateway.flow.collect import FETCHES, PATIENCE
from gateway.model.envelope import Kind
from gateway.model.text import Bilingual, Instant
from gateway.port import Unavailable, Waiting
from gateway.practice.axis_knobs import Fault
from gateway.practice.pki import DemoPki
from gateway.signature.seal import sign_envelope
from gateway.store import collected
from gateway.store.contract import Store
from tests.flow.axis_bed import AXIS, Bed, make_bed
from tests.world import make_envelope, make_status

UP = "H37,2020/04/13,362/UBND-KGVX"
DOWN = "G09.01,2020/04/13,362/UBND-KGVX"


@pytest.fixture
async def bed(store: Store, tmp_path: Path) -> AsyncIterator[Bed]:
    async with make_bed(store, tmp_path) as found:
        yield found


def down(to: list[str] | None = None, **fields: Any) -> bytes:
    """A document of a ministry's office for the province."""
    return make_envelope("G09.01", to or ["H37.03"], **fields)


async def events_of(bed: Bed, kind: str) -> list[dict[str, Any]]:
    rows = await bed.world.rows("events_after", at=0, id="", limit=10_000)
    return [orjson.loads(bytes(row["body"])) for row in rows if row["type"] == kind]


# ---------------------------------------------------------------- up


async def test_a_document_goes_up_and_its_doc_id_is_the_proof(bed: Bed) -> None:
    await bed.world.send("H37", ["G09.01"])
    await bed.carry()
    (delivery,) = await bed.deliveries("new")
    (doc_id,) = bed.axis.messages
    assert (delivery["state"], delivery["destination"]) == ("delivered", AXIS)
    assert delivery["proof"] == f"DocId {doc_id}; rests on a shared secret (HMAC)"
    assert await bed.deliveries("status") == []  # 01 is for the recipient's own system to say


async def test_each_delivery_of_several_narrows_to_its_recipient(bed: Bed) -> None:
    await bed.world.send("H37", ["G09.01", "G09.02", "H37.03"])
    await bed.carry()
    assert sorted(item.recipient for item in bed.axis.items.values()) == ["G09.01", "G09.02"]


async def test_a_recipient_that_the_axis_refuses_keeps_nothing_from_the_others(bed: Bed) -> None:
    await bed.world.send("H37", ["G09.01", "G09.02"])
    bed.axis.knobs.turn(Fault.FAIL, call="sendEdoc", argument="receiver.unknown", times=1)
    await bed.carry()
    assert sorted(row["state"] for row in await bed.deliveries("new")) == ["dead", "delivered"]


async def test_a_status_of_ours_goes_up_as_a_status(bed: Bed) -> None:
    bed.axis.put(down())
    await bed.look()
    await bed.world.fetch("H37.03")
    await bed.world.report("H37.03", "03", DOWN, about="G09.01")
    await bed.carry()
    codes = [bytes(message.raw) for message in bed.axis.messages.values() if message.kind == "status"]
    assert len(codes) == 2
    assert any(b">01<" in raw for raw in codes)
    assert any(b">03<" in raw for raw in codes)


async def test_word_goes_back_to_a_sender_that_our_list_does_not_have_yet(bed: Bed) -> None:
    bed.axis.put(make_envelope("G77.01", ["H37.03"]))
    await bed.look()
    await bed.world.fetch("H37.03")
    await bed.world.report("H37.03", "03", "G77.01,2020/04/13,362/UBND-KGVX", about="G77.01")
    await bed.carry()
    sent = [message.raw for message in bed.axis.messages.values() if message.kind == "status"]
    assert [b">01<" in raw for raw in sent] == [True, False]


@pytest.mark.parametrize(
    ("code", "state", "reason"),
    [
        ("receiver.unknown", "dead", "axis.receiver.unknown"),
        ("edxml", "dead", "axis.edxml"),
        ("77", "queued", "axis.77"),
        ("401", "queued", "axis.401"),
    ],
)
async def test_a_fail_is_final_only_when_its_code_says_so(
    bed: Bed, code: str, state: str, reason: str
) -> None:
    bed.axis.knobs.turn(Fault.FAIL, call="sendEdoc", argument=code)
    await bed.world.send("H37", ["G09.01"])
    await bed.carry()
    (delivery,) = await bed.deliveries("new")
    assert delivery["state"] == state
    wanted = "delivery.dead" if state == "dead" else "delivery.postponed"
    assert [event["reason_code"] for event in await events_of(bed, wanted)] == [reason]


@pytest.mark.parametrize(
    "fault", [Fault.EMPTY, Fault.HTML, Fault.BAD_GATEWAY, Fault.REFUSED, Fault.BUSY, Fault.WRONG_HASH]
)
async def test_what_is_no_answer_is_tried_again(bed: Bed, fault: Fault) -> None:
    bed.axis.knobs.turn(fault, call="sendEdoc", times=1)
    await bed.world.send("H37", ["G09.01"])
    await bed.carry()
    assert [row["state"] for row in await bed.deliveries("new")] == ["queued"]
    bed.world.clock.jump_to(Instant(bed.world.clock.now() + 3600 * SECOND))
    await bed.carry()
    assert [row["state"] for row in await bed.deliveries("new")] == ["delivered"]


async def test_an_answer_that_is_cut_off_is_tried_again(bed: Bed) -> None:
    bed.axis.knobs.turn(Fault.CUT_OFF, call="sendEdoc", times=1)
    await bed.world.send("H37", ["G09.01"])
    await bed.carry()
    assert [row["state"] for row in await bed.deliveries("new")] == ["queued"]


async def test_the_sender_is_told_of_a_failure_as_a_notice(bed: Bed) -> None:
    bed.axis.knobs.turn(Fault.FAIL, call="sendEdoc", argument="receiver.unknown")
    await bed.world.send("H37", ["G09.01"])
    await bed.carry()
    (told,) = await events_of(bed, "status.reported")
    assert (told["status"], told["notice"], told["automatic"]) == ("02", True, True)


# ---------------------------------------------------------------- down


async def test_a_document_comes_down_and_is_done_after_it_is_on_disk(bed: Bed) -> None:
    bed.axis.put(down(["H37.03", "H37.05", "G09.02"]), to=["H37.03"])
    await bed.look()
    (item,) = bed.axis.items.values()
    assert (item.state, item.fetched, item.confirmed) == ("done", 1, 1)
    found = {row["recipient"] for row in await bed.deliveries("new")}
    assert found == {"H37.03", "H37.05"}  # ours; the ministry's is recorded only
    (fetched,) = await bed.world.fetch("H37.03")
    (message,) = bed.axis.messages.values()
    assert fetched.data == message.written
    (kept,) = await events_of(bed, "partner.collected")
    assert (kept["doc_id"], kept["outcome"], kept["message"]) == (
        item.doc_id,
        "accepted",
        fetched.item.message,
    )


async def test_done_waits_for_the_commit_and_nothing_is_taken_twice(
    bed: Bed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """We die between the commit and the confirmation."""
    bed.axis.put(down())
    kind = bed.world.gw.collectors["axis"]

    async def dies(self: object, waiting: Waiting, *args: object) -> None:
        raise asyncio.CancelledError(f"killed before {waiting.doc_id} was confirmed")

    with monkeypatch.context() as patch:
        patch.setattr(type(kind), "confirm", dies)
        with pytest.raises(asyncio.CancelledError, match="killed"):
            await bed.look()
    (item,) = bed.axis.items.values()
    assert (item.state, await bed.collected()) == ("initial", {item.doc_id: "accepted"})
    await bed.look()
    assert (item.state, item.fetched) == ("done", 1)
    assert len(await bed.deliveries("new")) == 1


async def test_nothing_is_confirmed_when_the_commit_fails(bed: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    bed.axis.put(down())

    def full(*args: object) -> None:
        raise OSError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr("gateway.flow.collect.collected.put", full)
        await bed.look()
    (item,) = bed.axis.items.values()
    assert (item.state, await bed.deliveries()) == ("initial", [])
    await bed.look()
    assert (item.state, await bed.collected()) == ("done", {item.doc_id: "accepted"})


async def test_an_item_listed_twice_or_again_is_taken_once(bed: Bed) -> None:
    bed.axis.put(down())
    bed.axis.knobs.turn(Fault.LISTED_TWICE)
    bed.axis.knobs.turn(Fault.FORGOTTEN_DONE, call="updateStatus", times=1)
    await bed.look()
    await bed.look()
    (item,) = bed.axis.items.values()
    assert (item.state, item.fetched, item.confirmed) == ("done", 1, 2)
    assert len(await bed.deliveries("new")) == 1


async def test_the_same_document_under_another_doc_id_is_a_repeat(bed: Bed) -> None:
    first = bed.axis.put(down())
    await bed.look()
    again = bed.axis.again(next(i.doc_id for i in bed.axis.items.values() if i.sender_doc_id == first))
    await bed.look()
    assert (await bed.collected())[again.doc_id] == "repeated"
    assert (again.state, len(await bed.deliveries("new"))) == ("done", 1)


@pytest.mark.parametrize("fault", [Fault.ORDER, Fault.PREFIX, Fault.WHITESPACE, Fault.NULLS])
async def test_a_message_that_was_written_anew_is_a_repeat(bed: Bed, fault: Fault) -> None:
    bed.axis.put(down())
    await bed.look()
    again = bed.axis.again(next(iter(bed.axis.items)))
    bed.axis.knobs.turn(fault)
    await bed.look()
    assert (await bed.collected())[again.doc_id] == "repeated"
    assert len(await bed.deliveries("new")) == 1


async def test_another_header_over_the_same_files_is_a_repeat_and_other_files_a_conflict(bed: Bed) -> None:
    bed.axis.put(down())
    await bed.look()
    bed.axis.put(down(subject="Trục đã viết lại trích yếu"))
    bed.axis.put(down(files={"khac.pdf": b"%PDF-1.7 khac"}))
    await bed.look()
    assert sorted((await bed.collected()).values()) == ["accepted", "refused", "repeated"]
    assert len(await bed.deliveries("new")) == 1


async def test_a_repeat_that_names_another_of_ours_adds_that_delivery(bed: Bed) -> None:
    bed.axis.put(down(["H37.03"]))
    await bed.look()
    bed.axis.put(down(["H37.03", "H37.05"]))
    await bed.look()
    assert {row["recipient"] for row in await bed.deliveries("new")} == {"H37.03", "H37.05"}


async def test_a_secret_document_is_recorded_by_its_hash_and_failed(bed: Bed) -> None:
    bed.axis.put(down(subject="TUYỆT MẬT: kế hoạch"))
    await bed.look()
    (item,) = bed.axis.items.values()
    (refused,) = await events_of(bed, "submission.refused")
    assert (item.state, await bed.deliveries()) == ("fail", [])
    assert "mat" in item.description.lower()
    assert refused["envelope_sha256"]


async def test_an_xml_signature_that_the_axis_broke_refuses_nothing(bed: Bed, tmp_path: Path) -> None:
    pki = DemoPki.create(tmp_path / "pki")
    ministry = pki.issue_agency("G09.01", "Cục Chuyển đổi số")
    bed.axis.put(sign_envelope(down(), ministry.private_key, ministry.chain))
    await bed.look()
    assert list((await bed.collected()).values()) == ["accepted"]


async def test_a_document_for_nobody_here_is_failed(bed: Bed) -> None:
    bed.axis.put(down(["G09.02"]), to=["H37"])
    await bed.look()
    (item,) = bed.axis.items.values()
    assert (item.state, await bed.deliveries()) == ("fail", [])


async def test_what_cannot_be_read_is_fetched_again_some_rounds_before_it_is_refused(bed: Bed) -> None:
    bed.axis.put(down())
    bed.axis.knobs.turn(Fault.WRONG_HASH, call="downloadEdoc", times=FETCHES - 1)
    for _ in range(FETCHES - 1):  # the very same half of it, each time
        await bed.look()
        assert await bed.collected() == {}
    await bed.look()
    assert list((await bed.collected()).values()) == ["accepted"]


async def test_what_stays_unreadable_is_refused_with_its_reason(bed: Bed) -> None:
    bed.axis.put(down())
    bed.axis.knobs.turn(Fault.WRONG_HASH, call="downloadEdoc")
    for _ in range(FETCHES):
        await bed.look()
    (item,) = bed.axis.items.values()
    row = await bed.world.gw.store.read(lambda tx: collected.find(tx, AXIS, item.doc_id))
    assert row is not None
    assert (row.outcome.value, item.state) == ("refused", "fail")
    assert row.envelope_sha256
    assert item.description


@pytest.mark.parametrize("kind", [Kind.REVOKE, Kind.UPDATE])
async def test_a_change_of_an_unknown_document_is_held(bed: Bed, kind: Kind) -> None:
    bed.axis.put(down(kind=kind, document_id=DOWN, reason="Sai số"))
    await bed.look()
    assert list((await bed.collected()).values()) == ["held"]
    assert bed.axis.open_items("H37") == []


# ---------------------------------------------------------------- statuses


async def test_a_status_from_beyond_finds_its_document(bed: Bed) -> None:
    await bed.world.send("H37", ["G09.01"])
    await bed.carry()
    await bed.ministry.send(make_status("G09.01", "03", UP), "G09.01", "status")
    await bed.look()
    (delivery,) = await bed.deliveries("new")
    assert delivery["status_code"] == "03"
    assert [row["recipient"] for row in await bed.deliveries("status")] == ["H37"]


async def test_a_status_before_its_document_waits_for_it(bed: Bed) -> None:
    await bed.ministry.send(make_status("G09.01", "13", DOWN, about="H37.03"), "G09.01", "status")
    await bed.look()
    assert list((await bed.collected()).values()) == ["waiting"]
    bed.axis.put(down())
    bed.world.clock.jump_to(Instant(bed.world.clock.now() + WAIT_AGAIN))
    await bed.look()
    assert sorted((await bed.collected()).values()) == ["accepted", "accepted"]
    assert bed.axis.open_items("H37") == []


async def test_a_status_whose_document_never_comes_is_refused_after_a_day(bed: Bed) -> None:
    await bed.ministry.send(make_status("G09.01", "03", UP), "G09.01", "status")
    await bed.look()
    assert await events_of(bed, "submission.refused") == []
    bed.world.clock.jump_to(Instant(bed.world.clock.now() + PATIENCE))
    await bed.look()
    (refused,) = await events_of(bed, "submission.refused")
    assert refused["reason_code"] == "status.unknown_document"
    assert [item.state for item in bed.axis.items.values()] == ["fail"]


# ---------------------------------------------------------------- an axis that fails


@pytest.mark.parametrize("fault", [Fault.EMPTY, Fault.HTML, Fault.CUT_OFF, Fault.BAD_GATEWAY, Fault.FAIL])
async def test_a_list_that_is_no_list_is_not_an_empty_one(bed: Bed, fault: Fault) -> None:
    bed.axis.put(down())
    bed.axis.knobs.turn(fault, call="getReceivedEdocList", times=1)
    await bed.look()
    assert bed.loop.rest(AXIS) == 60
    assert (await bed.collected(), bed.loop._paces[AXIS].failures) == ({}, 1)
    await bed.look()
    assert list((await bed.collected()).values()) == ["accepted"]


async def test_a_partial_list_loses_nothing(bed: Bed) -> None:
    for number in range(1, 6):
        bed.axis.put(down(number=str(number)))
    bed.axis.knobs.turn(Fault.PARTIAL, call="getReceivedEdocList", times=2)
    await bed.look()
    await bed.look()
    assert sorted((await bed.collected()).values()) == ["accepted"] * 5


async def test_a_list_of_any_length_is_taken_in_parts(bed: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "MOST_WAITING", 2)
    for number in "123":
        bed.axis.put(down(number=number))
    await bed.look()
    assert list((await bed.collected()).values()) == ["accepted"] * 2
    await bed.look()
    assert list((await bed.collected()).values()) == ["accepted"] * 3


async def test_a_list_in_another_order_is_taken(bed: Bed) -> None:
    bed.axis.put(down())
    bed.axis.put(down(kind=Kind.UPDATE, document_id=DOWN))
    bed.axis.knobs.turn(Fault.REORDER)
    await bed.look()
    assert sorted((await bed.collected()).values()) == ["accepted", "held"]


async def test_one_item_that_cannot_be_had_delays_no_other(bed: Bed) -> None:
    bed.axis.put(down(number="1"))
    bed.axis.put(down(number="2"))
    bed.axis.knobs.turn(Fault.EMPTY, call="downloadEdoc", times=1)
    await bed.look()
    assert list((await bed.collected()).values()) == ["accepted"]
    await bed.look()
    assert list((await bed.collected()).values()) == ["accepted", "accepted"]


@pytest.mark.parametrize("step", ["fetch", "confirm"])
async def test_items_that_never_work_keep_nothing_behind_them_waiting(
    bed: Bed, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    bad = {item for number in "123" for item in _new_items(bed, down(number=number))}
    good = _new_items(bed, down(number="4"))
    kind = bed.world.gw.collectors["axis"]
    real = getattr(kind, step)

    def stubborn(item: Waiting, *rest: object) -> object:
        if item.doc_id in bad:
            raise Unavailable("axis.broken", Bilingual("Hỏng.", "Broken."))
        return real(item, *rest)

    monkeypatch.setattr(kind, step, stubborn)
    for _ in range(AWAY_AFTER + 2):
        await bed.look()
    taken = await bed.collected()
    assert [taken.get(item) for item in good] == ["accepted"]
    state = await bed.world.gw.store.read(lambda tx: collected.state_of(tx, AXIS))
    assert state is not None
    assert (state.away, state.backlog) == (False, 3)


async def test_a_fault_of_ours_with_one_item_keeps_no_other_out(
    bed: Bed, monkeypatch: pytest.MonkeyPatch
) -> None:
    [bad] = _new_items(bed, down(number="1"))
    [good] = _new_items(bed, down(number="2"))
    kind = bed.world.gw.collectors["axis"]
    real = kind.fetch

    def fetch(item: Waiting, settings: Any) -> Any:
        if item.doc_id == bad:
            raise ValueError("a fault of ours")
        return real(item, settings)

    monkeypatch.setattr(kind, "fetch", fetch)
    await bed.look()
    assert await bed.collected() == {good: "accepted"}
    monkeypatch.undo()
    await bed.look()
    assert await bed.collected() == {bad: "accepted", good: "accepted"}


def _new_items(bed: Bed, data: bytes) -> list[str]:
    """Put a message at the axis; its items."""
    before = set(bed.axis.items)
    bed.axis.put(data)
    return [item for item in bed.axis.items if item not in before]


async def test_an_axis_that_fails_is_away_after_some_looks_and_back_after_two(bed: Bed) -> None:
    await bed.look()
    await bed.axis.hang_up()
    for _ in range(AWAY_AFTER + 1):
        await bed.look()
    assert bed.loop.rest(AXIS) > 60
    (away,) = await events_of(bed, "partner.unavailable")
    assert away["reason_code"] == "connect.refused"
    await bed.axis.listen()
    await bed.look()
    assert await events_of(bed, "partner.available") == []
    await bed.look()
    assert len(await events_of(bed, "partner.available")) == 1


async def test_an_answer_of_any_bytes_is_a_reason_that_can_be_shown(
    bed: Bed, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def rubbish(*_: object) -> None:
        raise Unavailable("axis.\x00", Bilingual("Trục trả lời \x00", "It says \x00"))

    monkeypatch.setattr(bed.world.gw.collectors["axis"], "waiting", rubbish)
    for _ in range(AWAY_AFTER):
        await bed.look()
    state = await bed.world.gw.store.read(lambda tx: collected.state_of(tx, AXIS))
    assert state is not None
    assert (state.away, state.reason_code, state.reason.vi) == (True, "axis. ", "Trục trả lời  ")


async def test_a_slow_axis_delays_nobody_else(bed: Bed) -> None:
    """It answers nothing for as long as this test takes; documents within the province travel."""
    bed.axis.knobs.turn(Fault.DELAY, argument="60")
    task = asyncio.create_task(bed.loop.run())
    await asyncio.sleep(0.2)
    assert bed.axis.requests["getReceivedEdocList"] == 1
    await bed.world.send("H37", ["H37.03"])
    assert len(await bed.world.fetch("H37.03")) == 1
    bed.loop.stop()
    await asyncio.wait_for(task, 5)


async def test_unavailable_is_said_by_code(bed: Bed) -> None:
    bed.axis.knobs.turn(Fault.HTML, call="getReceivedEdocList")
    kind = bed.world.gw.collectors["axis"]
    settings = {"url": bed.axis.url, "system_id": "H37", "secret": "khoa-bi-mat-cua-tinh"}
    with pytest.raises(Unavailable) as caught:
        await kind.waiting(settings)
    assert caught.value.code == "answer.not_json"
    assert isinstance(caught.value.text, Bilingual)


# ---------------------------------------------------------------- what an axis may not say


async def test_a_document_in_the_name_of_one_of_ours_waits_for_a_person(bed: Bed) -> None:
    bed.axis.put(make_envelope("H37.05", ["H37.03"]))
    await bed.look()
    assert list((await bed.collected()).values()) == ["held"]
    assert await bed.world.waiting("H37.03") == []


@pytest.mark.parametrize("kind", [Kind.STATUS, Kind.REVOKE])
async def test_nobody_beyond_an_axis_recalls_a_document_of_ours(bed: Bed, kind: Kind) -> None:
    await bed.world.send("H37", ["H37.03"])
    status, revoke = make_status("H37", "13", UP, about="H37.03"), Kind.REVOKE
    bed.axis.put(status if kind is not revoke else make_envelope(kind=revoke, document_id=UP, reason="giả"))
    await bed.look()
    await bed.look()
    assert list((await bed.collected()).values()) == ["refused"]
    assert len(await bed.world.waiting("H37.03")) == 1
    (refusal,) = await events_of(bed, "submission.refused")
    assert (refusal["reason_code"], refusal.get("sender", "")) == ("sender.not_beyond", "")


async def test_nobody_beyond_an_axis_agrees_to_a_recall_in_our_name(bed: Bed) -> None:
    await bed.world.send("H37", ["H37.03"])
    await bed.world.fetch("H37.03")
    await bed.world.report("H37", "13", UP, about="H37.03")
    bed.axis.put(make_status("H37.03", "15", UP))
    await bed.look()
    await bed.look()
    assert [row["state"] for row in await bed.deliveries("new")] == ["delivered"]
