"""A sender asks for a document back: what is withdrawn, who is asked, what the answers change."""

from __future__ import annotations

import asyncio

import pytest

from gateway.clock import SECOND
from gateway.delivery.janitor import free_expired_leases
from gateway.delivery.settle import Attempt, settle
from gateway.delivery.worker import claim_due
from gateway.edxml.parse import parse_envelope
from gateway.errors import Refused, WrongState
from gateway.flow import hold, inbox, office
from gateway.flow.operate import LOCAL
from gateway.model.agency import Profile
from gateway.model.envelope import Kind
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
    recall = (await recalls(world, submission.document))["H37.03"]
    assert (state, row["fetched_at"] is not None, recall) in {
        ("cancelled", False, "withdrawn"),
        ("queued", True, "asked"),
    }


async def take_rest(parcel: inbox.Parcel, taken: list[bytes]) -> None:
    async for chunk in parcel.chunks:
        taken.append(chunk)


def later(world: World, seconds: int) -> None:
    world.clock.jump_to(Instant(world.clock.now() + seconds * SECOND))
