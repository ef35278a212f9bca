"""A sender asks for a document back: what is withdrawn, who is asked, what the answers change."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from itertools import chain, count
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings, strategies

from gateway.clock import SECOND
from gateway.delivery.janitor import free_expired_leases
from gateway.delivery.remind import Reminder
from gateway.delivery.settle import Attempt, settle
from gateway.delivery.worker import claim_due
from gateway.edxml.parse import parse_envelope
from gateway.errors import BadRequest, NotFound, Refused, WrongState
from gateway.flow import hold, inbox, office, recall
from gateway.flow.operate import LOCAL
from gateway.flow.progress import report_status
from gateway.model.agency import Profile
from gateway.model.delivery import ALLOWED, State
from gateway.model.envelope import Kind, StaffInfo
from gateway.model.status import StatusCode
from gateway.model.text import AgencyCode, Bilingual, Instant
from gateway.port import Delivered, TryLater
from gateway.port import Refused as PartnerRefused
from tests.world import World, make_envelope

DOCUMENT = "H37,2020/04/13,362/UBND-KGVX"
DOWN = TryLater("connect.refused", Bilingual("Không kết nối được.", "Connection refused."))


async def ask_back(world: World, *recipients: str, reason: str = "Sai thể thức", second: int = 0) -> None:
    """A 13 to each of them, as the sender's software writes it."""
    for code in recipients:
        await world.report(
            "H37", "13", DOCUMENT, about=code, description=reason, timestamp=f"2020/04/13 16:00:{second:02}"
        )


async def states(world: World, document: str, kind: str = "new") -> dict[str, str]:
    rows = await world.rows("deliveries_of_document", document=document)
    return {str(row["recipient"]): str(row["state"]) for row in rows if row["kind"] == kind}


async def recalls(world: World, document: str) -> dict[str, str]:
    rows = await world.rows("recalls_of_document", document=document)
    return {str(row["recipient"]): str(row["state"]) for row in rows}


async def test_a_recall_withdraws_what_nobody_fetched_and_tells_nobody(world: World) -> None:
    submission = await world.send(to=["H37.03", "H37.05"])
    await ask_back(world, "H37.03")
    assert await states(world, submission.document) == {"H37.03": "cancelled", "H37.05": "queued"}
    assert await world.waiting("H37.03") == []
    assert [item.kind for item in await world.waiting("H37.05")] == ["new"]
    assert await recalls(world, submission.document) == {"H37.03": "withdrawn"}
    assert await states(world, submission.document, "status") == {"H37.03": "cancelled"}


async def test_what_was_withdrawn_can_neither_be_fetched_nor_confirmed(world: World) -> None:
    await world.send()
    [item] = await world.waiting("H37.03")
    await ask_back(world, "H37.03")
    with pytest.raises(WrongState):
        await inbox.fetch(world.gw, world.caller("H37.03"), item.delivery)
    with pytest.raises(WrongState):
        await inbox.done(world.gw, world.caller("H37.03"), item.delivery)


async def test_a_recall_during_a_fetch_keeps_the_last_bytes_back(world: World) -> None:
    submission = await world.send(files={"a.pdf": b"%PDF-1.7\n" + b"x" * 900_000})
    [item] = await world.waiting("H37.03")
    parcel = await inbox.fetch(world.gw, world.caller("H37.03"), item.delivery)
    taken = [await anext(parcel.chunks)]
    await ask_back(world, "H37.03")
    with pytest.raises(WrongState):
        await take_rest(parcel, taken)
    assert sum(map(len, taken)) < parcel.size
    assert await recalls(world, submission.document) == {"H37.03": "withdrawn"}


async def test_who_has_the_document_is_asked_and_its_agreement_recalls_it(world: World) -> None:
    submission = await world.send()
    await world.fetch("H37.03")
    await ask_back(world, "H37.03", reason="Sai số liệu tại phụ lục 2")
    [asked] = await world.fetch("H37.03")
    status = parse_envelope(asked.data).envelope.status
    assert status is not None
    assert (status.code, status.description) == ("13", "Sai số liệu tại phụ lục 2")
    await world.report("H37.03", "15", DOCUMENT, description="Đã hủy văn bản")
    assert await states(world, submission.document) == {"H37.03": "recalled"}
    assert await recalls(world, submission.document) == {"H37.03": "agreed"}
    assert "delivery.recalled" in await world.event_types()


async def test_a_recalled_delivery_keeps_the_time_and_proof_of_its_arrival(world: World) -> None:
    submission = await world.send()
    await world.fetch("H37.03")
    [before] = await world.rows("deliveries_of_message", message=submission.message)
    later(world, 3 * 3600)
    await ask_back(world, "H37.03")
    await world.report("H37.03", "15", DOCUMENT)
    [after] = await world.rows("deliveries_of_message", message=submission.message)
    assert after["state"] == "recalled"
    assert (after["settled_at"], after["proof"]) == (before["settled_at"], before["proof"])


async def test_a_refused_recall_leaves_the_document_with_its_recipient(world: World) -> None:
    submission = await world.send()
    await world.fetch("H37.03")
    await ask_back(world, "H37.03")
    await world.report("H37.03", "16", DOCUMENT, description="Đã thi hành xong")
    assert await states(world, submission.document) == {"H37.03": "delivered"}
    assert await recalls(world, submission.document) == {"H37.03": "refused"}


async def test_a_recipient_that_refused_may_still_agree(world: World) -> None:
    submission = await world.send()
    await world.fetch("H37.03")
    await ask_back(world, "H37.03")
    await world.report("H37.03", "16", DOCUMENT)
    await world.report("H37.03", "15", DOCUMENT, timestamp="2020/04/14 09:00:00")
    assert await recalls(world, submission.document) == {"H37.03": "agreed"}
    assert await states(world, submission.document) == {"H37.03": "recalled"}


async def test_an_agreement_without_a_recall_changes_nothing(world: World) -> None:
    submission = await world.send()
    await world.fetch("H37.03")
    await world.report("H37.03", "15", DOCUMENT)
    assert await states(world, submission.document) == {"H37.03": "delivered"}


async def test_fetched_but_not_confirmed_counts_as_had(world: World) -> None:
    submission = await world.send()
    await world.fetch("H37.03", done=False)
    await ask_back(world, "H37.03")
    assert await states(world, submission.document) == {"H37.03": "queued"}
    assert [item.kind for item in await world.waiting("H37.03")] == ["new", "status"]
    await world.report("H37.03", "15", DOCUMENT)
    assert await states(world, submission.document) == {"H37.03": "recalled"}


async def test_a_document_that_is_asked_back_cannot_be_fetched_again(world: World) -> None:
    await world.send()
    [taken] = await world.fetch("H37.03")
    await ask_back(world, "H37.03")
    with pytest.raises(WrongState) as refused:
        await inbox.fetch(world.gw, world.caller("H37.03"), taken.item.delivery)
    assert refused.value.code == "document.asked_back"


async def test_only_the_sender_recalls_its_document(world: World) -> None:
    await world.send(to=["H37.03", "H37.05"])
    with pytest.raises(Refused):
        await world.report("H37.05", "13", DOCUMENT, about="H37.03")


async def test_a_recall_of_a_stranger_is_recorded_and_reaches_nobody(world: World) -> None:
    submission = await world.send()
    await ask_back(world, "H37.32")
    assert await recalls(world, submission.document) == {"H37.32": "not_addressed"}
    assert await world.waiting("H37.32") == []


async def test_held_and_dead_deliveries_are_withdrawn_too(world: World) -> None:
    await office.set_profile(world.gw, LOCAL, Profile(AgencyCode("H37.05"), "webhook"))
    submission = await world.send(to=["H37.03", "H37.05"])
    [item] = await world.waiting("H37.03")
    await hold.hold(world.gw, LOCAL, item.delivery, "Chờ ý kiến")
    await end_attempt(world, dead=True)
    await ask_back(world, "H37.03", "H37.05")
    assert await states(world, submission.document) == {"H37.03": "cancelled", "H37.05": "cancelled"}


async def test_partial_recalls_add_up_and_every_reason_stays(world: World) -> None:
    submission = await world.send(to=["H37.03", "H37.05", "H37.31"])
    for code in ("H37.03", "H37.05", "H37.31"):
        await world.fetch(code)
    await ask_back(world, "H37.03", reason="Lý do thứ nhất")
    await ask_back(world, "H37.05", reason="Lý do thứ hai", second=1)
    await world.report("H37.03", "16", DOCUMENT, description="Không đồng ý")
    await ask_back(world, "H37.03", reason="Lý do thứ ba", second=2)
    rows = await world.rows("recalls_of_recipient", document=submission.document, recipient="H37.03")
    assert [row["state"] for row in rows] == ["refused", "asked"]
    reasons = {
        private["value"]
        for event in await world.rows("events_of_document", document=submission.document)
        for private in await world.rows("private_of", event=str(event["id"]))
        if private["name"] == "reason"
    }
    assert {"Lý do thứ nhất", "Lý do thứ hai", "Lý do thứ ba", "Không đồng ý"} <= reasons
    assert await states(world, submission.document) == {
        "H37.03": "delivered",
        "H37.05": "delivered",
        "H37.31": "delivered",
    }


async def test_a_revoke_message_asks_those_who_have_it_and_withdraws_from_the_rest(world: World) -> None:
    submission = await world.send(to=["H37.03", "H37.05"])
    await world.fetch("H37.03")
    revoke = await world.send(
        to=["H37.03", "H37.05"], kind=Kind.REVOKE, document_id=DOCUMENT, reason="Ban hành sai thẩm quyền"
    )
    assert revoke.document == submission.document
    assert await states(world, submission.document) == {"H37.03": "delivered", "H37.05": "cancelled"}
    assert [item.kind for item in await world.waiting("H37.03")] == ["revoke"]
    assert await world.waiting("H37.05") == []
    await world.fetch("H37.03")
    await world.report("H37.03", "15", DOCUMENT)
    assert await states(world, submission.document) == {"H37.03": "recalled", "H37.05": "cancelled"}


async def test_a_revoke_for_some_leaves_the_others_alone(world: World) -> None:
    submission = await world.send(to=["H37.03", "H37.05"])
    await world.send(to=["H37.05"], kind=Kind.REVOKE, document_id=DOCUMENT)
    assert await states(world, submission.document) == {"H37.03": "queued", "H37.05": "cancelled"}


async def test_the_same_revoke_again_gets_its_first_receipt_and_asks_nobody_twice(world: World) -> None:
    submission = await world.send()
    fields = {"to": ["H37.03"], "kind": Kind.REVOKE, "document_id": DOCUMENT}
    first = await world.send(**fields)  # type: ignore[arg-type]
    again = await world.send(**fields)  # type: ignore[arg-type]
    assert again.repeated
    assert again.jws == first.jws
    assert len(await world.rows("recalls_of_document", document=submission.document)) == 1


async def test_a_recipient_added_after_its_recall_gets_nothing(world: World) -> None:
    """The axis narrows a call to one recipient; the recall of the other came before its turn."""
    data = make_envelope(to=["H37.03", "H37.05"])
    submission = await world.upload("H37", data, ["H37.03"])
    await world.send(to=["H37.03", "H37.05"], kind=Kind.REVOKE, document_id=DOCUMENT)
    await world.upload("H37", data, ["H37.05"])
    assert await states(world, submission.document) == {"H37.03": "cancelled", "H37.05": "cancelled"}
    assert await world.waiting("H37.05") == []


# ------------------------------------------------------------------ a running attempt


async def claimed(world: World) -> Attempt:
    [attempt] = await world.gw.store.write(lambda tx: claim_due(tx, world.gw, 1))
    return attempt


async def end_attempt(world: World, *, dead: bool = False) -> None:
    attempt = await claimed(world)
    outcome = PartnerRefused("partner.refused", Bilingual("Từ chối.", "Refused.")) if dead else DOWN
    await world.gw.store.write(lambda tx: settle(tx, world.gw, attempt, outcome))


@pytest.fixture
async def pushed(world: World) -> World:
    await office.set_profile(world.gw, LOCAL, Profile(AgencyCode("H37.03"), "webhook"))
    return world


async def test_a_recall_waits_for_a_running_attempt_and_never_overtakes_it(pushed: World) -> None:
    submission = await pushed.send()
    attempt = await claimed(pushed)
    await ask_back(pushed, "H37.03")
    assert await recalls(pushed, submission.document) == {"H37.03": "attempt"}
    assert await pushed.gw.store.write(lambda tx: claim_due(tx, pushed.gw, 9)) == []
    await pushed.gw.store.write(lambda tx: settle(tx, pushed.gw, attempt, Delivered("200 OK")))
    assert await states(pushed, submission.document) == {"H37.03": "delivered"}
    assert await recalls(pushed, submission.document) == {"H37.03": "asked"}
    [notice] = await pushed.gw.store.write(lambda tx: claim_due(tx, pushed.gw, 9))
    assert notice.delivery.kind == "status"


async def test_an_attempt_that_fails_under_a_recall_is_not_tried_again(pushed: World) -> None:
    submission = await pushed.send()
    attempt = await claimed(pushed)
    await ask_back(pushed, "H37.03")
    await pushed.gw.store.write(lambda tx: settle(tx, pushed.gw, attempt, DOWN))
    assert await states(pushed, submission.document) == {"H37.03": "cancelled"}
    assert await states(pushed, submission.document, "status") == {"H37.03": "cancelled"}
    assert await recalls(pushed, submission.document) == {"H37.03": "withdrawn"}


async def test_an_attempt_that_never_came_back_is_not_tried_again_either(pushed: World) -> None:
    submission = await pushed.send()
    await claimed(pushed)
    await ask_back(pushed, "H37.03")
    later(pushed, 3600)
    await pushed.gw.store.write(lambda tx: free_expired_leases(tx, pushed.gw))
    assert await states(pushed, submission.document) == {"H37.03": "cancelled"}
    assert await recalls(pushed, submission.document) == {"H37.03": "withdrawn"}


async def test_a_person_cannot_release_the_notice_before_the_attempt_ended(pushed: World) -> None:
    submission = await pushed.send()
    await claimed(pushed)
    await ask_back(pushed, "H37.03")
    rows = await pushed.rows("deliveries_of_document", document=submission.document)
    [notice] = [row for row in rows if row["kind"] == "status"]
    with pytest.raises(WrongState):
        await hold.release(pushed.gw, LOCAL, str(notice["id"]), "Cho gửi tiếp")


async def test_two_recalls_during_one_attempt_both_go_on_when_it_arrives(pushed: World) -> None:
    submission = await pushed.send()
    attempt = await claimed(pushed)
    await ask_back(pushed, "H37.03")
    await ask_back(pushed, "H37.03", second=5)
    await pushed.gw.store.write(lambda tx: settle(tx, pushed.gw, attempt, Delivered("200 OK")))
    rows = await pushed.rows("recalls_of_document", document=submission.document)
    assert [row["state"] for row in rows] == ["asked", "asked"]


async def test_a_recall_and_a_fetch_at_the_same_moment_agree_on_who_has_it(world: World) -> None:
    submission = await world.send()
    await asyncio.gather(world.fetch("H37.03", done=False), ask_back(world, "H37.03"), return_exceptions=True)
    state = (await states(world, submission.document))["H37.03"]
    [row] = await world.rows("deliveries_of_message", message=submission.message)
    asked = (await recalls(world, submission.document))["H37.03"]
    assert (state, row["fetched_at"] is not None, asked) in {
        ("cancelled", False, "withdrawn"),
        ("queued", True, "asked"),
    }


async def take_rest(parcel: inbox.Parcel, taken: list[bytes]) -> None:
    async for chunk in parcel.chunks:
        taken.append(chunk)


def later(world: World, seconds: int) -> None:
    world.clock.jump_to(Instant(world.clock.now() + seconds * SECOND))


# ------------------------------------------------------------------ the answer on one page, and reminders


async def test_one_answer_lists_withdrawn_agreed_refused_and_silent(world: World) -> None:
    everybody = ["H37.03", "H37.05", "H37.31", "H37.32"]
    submission = await world.send(to=everybody)
    for code in everybody[1:]:
        await world.fetch(code)
    report = await recall.ask_back(world.gw, world.caller("H37"), DOCUMENT, "Ban hành nhầm")
    await world.report("H37.05", "15", DOCUMENT)
    await world.report("H37.31", "16", DOCUMENT, description="Đã giải quyết")
    report = await recall.show_recall(world.gw, world.caller("H37"), submission.document)
    assert {line.recipient: line.state.value for line in report.lines} == {
        "H37.03": "withdrawn",
        "H37.05": "agreed",
        "H37.31": "refused",
        "H37.32": "asked",
    }
    assert {line.reason for line in report.lines} == {"Ban hành nhầm"}
    assert next(line.answer_reason for line in report.lines if line.recipient == "H37.31") == "Đã giải quyết"
    assert report.frozen_at is not None


async def test_asking_again_asks_only_those_who_refused_or_were_not_asked(world: World) -> None:
    everybody = ["H37.03", "H37.05", "H37.31"]
    submission = await world.send(to=everybody)
    for code in everybody:
        await world.fetch(code)
    sender = world.caller("H37")
    await recall.ask_back(world.gw, sender, DOCUMENT, "Lần một", ["H37.03", "H37.05"])
    await world.report("H37.03", "16", DOCUMENT)
    await recall.ask_back(world.gw, sender, DOCUMENT, "Lần hai")
    rows = await world.rows("recalls_of_document", document=submission.document)
    assert sorted(str(row["recipient"]) for row in rows) == ["H37.03", "H37.03", "H37.05", "H37.31"]


async def test_a_recall_of_somebody_elses_document_finds_nothing(world: World) -> None:
    await world.send()
    with pytest.raises(NotFound):
        await recall.ask_back(world.gw, world.caller("H37.05"), DOCUMENT, "Nhầm")
    with pytest.raises(NotFound):
        await recall.show_recall(world.gw, world.caller("H37.03"), DOCUMENT)


async def test_a_recall_without_a_reason_or_from_a_stranger_is_refused(world: World) -> None:
    await world.send()
    with pytest.raises(BadRequest):
        await recall.ask_back(world.gw, world.caller("H37"), DOCUMENT, "  ")
    with pytest.raises(BadRequest) as refused:
        await recall.ask_back(world.gw, world.caller("H37"), DOCUMENT, "Nhầm", ["H37.32"])
    assert refused.value.code == "recall.not_a_recipient"


async def test_who_does_not_answer_is_reminded_three_times_and_then_left_to_a_person(world: World) -> None:
    await world.send()
    await world.fetch("H37.03")
    await ask_back(world, "H37.03", reason="Sai số liệu")
    reminder, seen = Reminder(world.gw), []
    for _ in range(6):
        later(world, 24 * 3600 + 1)
        await reminder.round()
        for taken in await world.fetch("H37.03"):
            status = parse_envelope(taken.data).envelope.status
            assert status is not None
            seen.append((status.code, status.description))
    assert [code for code, _ in seen] == ["13"] * 3  # the request waited unfetched at the first reminder
    assert seen[1][1] == "Nhắc lại lần 2 yêu cầu thu hồi văn bản: Sai số liệu"
    assert (await world.event_types()).count("recall.reminded") == 3
    [line] = await recall.silent_recalls(world.gw, LOCAL)
    assert line["line"].reminders == 3


async def test_a_request_that_waits_unfetched_is_not_doubled_by_reminders(world: World) -> None:
    await world.send()
    await world.fetch("H37.03")
    await ask_back(world, "H37.03")
    reminder = Reminder(world.gw)
    for _ in range(3):
        later(world, 24 * 3600 + 1)
        assert await reminder.round() == 1
    assert len(await world.waiting("H37.03")) == 1


async def test_an_answer_ends_the_reminders(world: World) -> None:
    await world.send()
    await world.fetch("H37.03")
    await ask_back(world, "H37.03")
    await world.report("H37.03", "16", DOCUMENT)
    later(world, 48 * 3600)
    assert await Reminder(world.gw).round() == 0


# ------------------------------------------------------------------ copies


async def kept(world: World, sha256: bytes) -> bool:
    [row] = await world.rows("payload", sha256=sha256)
    return row["wrapped_key"] is not None


async def test_an_agreement_destroys_the_form_that_only_this_recipient_had(world: World) -> None:
    for code in ("H37.03", "H37.05"):
        await office.set_profile(world.gw, LOCAL, Profile(AgencyCode(code), dialect="dotnet"))
    submission = await world.send(to=["H37.03", "H37.05"], files={"a.pdf": b"%PDF-1.7\n" + b"x" * 200_000})
    for code in ("H37.03", "H37.05"):
        await world.fetch(code)
    rows = await world.rows("deliveries_of_message", message=submission.message)
    form = bytes(rows[0]["payload"])  # type: ignore[call-overload]
    [message] = await world.rows("message_by_id", id=submission.message)
    original = bytes(message["envelope_sha256"])  # type: ignore[call-overload]
    await ask_back(world, "H37.03", "H37.05")
    await world.report("H37.03", "15", DOCUMENT)
    assert await kept(world, form)  # the other recipient's copy
    await world.report("H37.05", "15", DOCUMENT)
    assert not await kept(world, form)
    assert await kept(world, original)  # the sender's, frozen
    [row] = await world.rows("payload", sha256=form)
    assert row["backups_until"] == int(str(row["destroyed_at"])) + 30 * 86_400 * SECOND
    assert len(list((world.home / "payloads" / "payloads").rglob("*.*"))) == 1
    assert "payload.destroyed" in await world.event_types()


async def test_bytes_that_were_destroyed_live_again_when_they_are_needed_again(world: World) -> None:
    await office.set_profile(world.gw, LOCAL, Profile(AgencyCode("H37.03"), dialect="dotnet"))
    await office.set_profile(world.gw, LOCAL, Profile(AgencyCode("H37.05"), dialect="dotnet"))
    data = make_envelope(to=["H37.03", "H37.05"])
    await world.upload("H37", data, ["H37.03"])
    await ask_back(world, "H37.03")  # the only one that needed the rebuilt form
    await world.upload("H37", data, ["H37.05"])
    [taken] = await world.fetch("H37.05")
    assert parse_envelope(taken.data).envelope.document_id == DOCUMENT


async def test_the_person_whom_the_recipient_names_stands_with_its_answer(world: World) -> None:
    await world.send()
    [taken] = await world.fetch("H37.03")
    await ask_back(world, "H37.03")
    staff = StaffInfo(staff="Nguyễn Thị Mẫu", department="Văn thư")
    await report_status(
        world.gw,
        world.caller("H37.03"),
        taken.item.delivery,
        StatusCode.CHANGE_AGREED,
        "Đã hủy cả bản in",
        staff,
    )
    [line] = (await recall.show_recall(world.gw, world.caller("H37"), DOCUMENT)).lines
    assert line.answered_by == "Nguyễn Thị Mẫu, Văn thư"
    assert line.answer_reason == "Đã hủy cả bản in"


# ------------------------------------------------------------------ everything in any order

ACTIONS = (
    *("fetch", "done", "hold", "release", "revoke", "update", "take off"),
    *("recall inbox", "15 inbox", "16 inbox"),
    *("claim", "arrive", "fail", "recall push", "15 push", "16 push"),
)
# What chance alone seldom puts together.
SCENES = (
    ("claim", "recall push"),
    ("claim", "recall push", "claim", "arrive"),
    ("claim", "revoke", "fail", "claim"),
    ("claim", "arrive", "recall push", "claim", "arrive"),
    ("done", "recall inbox", "15 inbox"),
    ("fetch", "recall inbox", "update"),
)
STEPS = strategies.sampled_from([*((action,) for action in ACTIONS), *SCENES])
INBOX, PUSH = "H37.05", "H37.03"


@dataclass
class Story:
    """One document to an inbox and to a push recipient, and what each of them has seen."""

    world: World
    number: str
    document: str = ""
    second: int = 0
    attempts: list[Attempt] = field(default_factory=list)
    had: set[str] = field(default_factory=set)

    @property
    def document_id(self) -> str:
        return f"H37,2020/04/13,{self.number}/UBND-KGVX"

    async def act(self, action: str) -> None:
        try:
            await self._act(action)
        except (WrongState, Refused, NotFound):
            return  # not in this state; the invariants say whether that was right

    async def _act(self, action: str) -> None:
        world, verb, where = self.world, *[*action.split(), ""][:2]
        code = {"inbox": INBOX, "push": PUSH}.get(where, INBOX)
        self.second += 1
        when = f"2020/04/14 {self.second // 3600:02}:{self.second // 60 % 60:02}:{self.second % 60:02}"
        match verb:
            case "fetch" | "done":
                await self._visit(done=verb == "done")
            case "claim":
                self.attempts += await world.gw.store.write(lambda tx: claim_due(tx, world.gw, 9))
            case "arrive" | "fail" if self.attempts:
                await self._end(self.attempts.pop(), Delivered("200 OK") if verb == "arrive" else DOWN)
            case "recall":
                await world.report("H37", "13", self.document_id, about=code, timestamp=when)
            case "15" | "16":
                await world.report(code, verb, self.document_id, timestamp=when)
            case "revoke" | "update":
                kind = Kind.REVOKE if verb == "revoke" else Kind.UPDATE
                await self._amend(kind, to=[INBOX, PUSH])
            case "take":
                await self._amend(Kind.UPDATE, to=[PUSH], removed=[INBOX])
            case "hold" | "release":
                wanted = "queued" if verb == "hold" else "held"
                decide = hold.hold if verb == "hold" else hold.release
                for row in [row for row in await self.rows() if row["state"] == wanted]:
                    with contextlib.suppress(WrongState):
                        await decide(world.gw, LOCAL, str(row["id"]), "Thử")

    async def _amend(self, kind: Kind, **fields: Any) -> None:
        reason = f"Lần {self.second}"
        await self.world.send(
            number=self.number, kind=kind, document_id=self.document_id, reason=reason, **fields
        )

    async def _visit(self, *, done: bool) -> None:
        """The inbox recipient takes what it sees; a notice before the document would be an overtaking."""
        for item in await self.world.waiting(INBOX):
            if item.document != self.document:
                continue
            if item.kind in ("new", "update"):
                self.had.add(INBOX)
            else:
                assert INBOX in self.had
            parcel = await inbox.fetch(self.world.gw, self.world.caller(INBOX), item.delivery)
            await take_rest(parcel, [])
            if done:
                await inbox.done(self.world.gw, self.world.caller(INBOX), item.delivery)

    async def _end(self, attempt: Attempt, outcome: Delivered | TryLater) -> None:
        delivery = attempt.delivery
        if delivery.document == self.document and isinstance(outcome, Delivered):
            if delivery.kind in ("new", "update"):
                self.had.add(delivery.recipient)
            elif delivery.recipient != "H37":
                assert delivery.recipient in self.had
        await self.world.gw.store.write(lambda tx: settle(tx, self.world.gw, attempt, outcome))
        later(self.world, 7200)

    async def rows(self) -> list[dict[str, object]]:
        return await self.world.rows("deliveries_of_document", document=self.document)

    async def leave_nothing(self) -> None:
        """The next story begins with open lanes and no rest of this one."""
        for row in await self.rows():
            if row["state"] in ("queued", "held", "dead"):
                await hold.give_up(self.world.gw, LOCAL, str(row["id"]), "Hết chuyện")
        await self.world.gw.store.write(
            lambda tx: tx.run("put_lane", destination=PUSH, failures=0, not_before=0)
        )

    async def check(self) -> None:
        await self._check_transitions()
        rows = await self.rows()
        for row in rows:
            if row["kind"] in ("new", "update") and row["state"] == "cancelled" and row["recipient"] == INBOX:
                with pytest.raises(WrongState):
                    await inbox.fetch(self.world.gw, self.world.caller(INBOX), str(row["id"]))
            if row["recall"] and row["state"] == "queued":  # asked back, and tried no more
                assert row["leased_until"] is not None or row["fetched_at"] is not None
        notices = {(row["message"], row["recipient"]): row for row in rows}
        for row in await self.world.rows("recalls_of_document", document=self.document):
            if row["state"] in ("asked", "agreed", "refused"):
                assert row["recipient"] in self.had
            if row["state"] == "asked":  # and it will hear of it
                assert notices[row["message"], row["recipient"]]["state"] != "cancelled"

    async def _check_transitions(self) -> None:
        """Every change stands in the log, is allowed, and leads to the state of the row: nothing is lost."""
        now: dict[str, State] = {}
        for event in await self.world.rows("events_of_document", document=self.document):
            body = orjson.loads(bytes(event["body"]))  # type: ignore[call-overload]
            if not str(event["type"]).startswith("delivery.") or "to_state" not in body:
                continue
            delivery, to_state = str(event["delivery"]), State(body["to_state"])
            if delivery in now and body["type"] != "delivery.fetched":
                assert State(body["from_state"]) is now[delivery]
                assert to_state in ALLOWED[now[delivery]]
            now[delivery] = to_state
        assert now == {str(row["id"]): State(str(row["state"])) for row in await self.rows()}


@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(scenes=strategies.lists(STEPS, min_size=3, max_size=9))
async def test_in_any_order_nothing_is_lost_overtaken_or_fetched_after_it_was_withdrawn(
    pushed: World, scenes: list[tuple[str, ...]]
) -> None:
    story = Story(pushed, str(next(NUMBERS)))
    story.document = (await pushed.send(to=[INBOX, PUSH], number=story.number)).document
    for action in chain.from_iterable(scenes):
        await story.act(action)
        await story.check()
    while story.attempts:
        await story.act("arrive")
    await story.check()
    await story.leave_nothing()


NUMBERS = count(1000)
