"""A secret was spilled: two persons purge it everywhere, and the record says what, when and by whom."""

from __future__ import annotations

import asyncio

import orjson
import pytest

from gateway.clock import SECOND
from gateway.delivery.settle import settle
from gateway.delivery.worker import claim_due
from gateway.edxml.parse import parse_envelope
from gateway.errors import BadRequest, NotFound, NotPermitted, Refused, WrongState
from gateway.flow import hold, inbox, incident, look, office
from gateway.flow.door import Caller
from gateway.flow.operate import LOCAL
from gateway.model.agency import Profile
from gateway.model.envelope import Kind
from gateway.model.finding import Decision
from gateway.model.text import AgencyCode
from gateway.port import Delivered
from gateway.store.incidents import IncidentState
from gateway.store.people import Role
from tests.world import World

DOCUMENT = "H37,2020/04/13,362/UBND-KGVX"
SUBJECT = "V/v xây dựng Chính quyền điện tử"
SECOND_PERSON = Caller("second", "Quản trị viên thứ hai", Role.ADMINISTRATOR, frozenset())
OPERATOR = Caller("operator", "Trực vận hành", Role.OPERATOR, frozenset())
FILE = {"a.pdf": b"%PDF-1.7\n" + b"x" * 200_000}


async def opened(world: World) -> str:
    found = await incident.open_incident(world.gw, LOCAL, DOCUMENT, "Có nội dung bí mật nhà nước")
    return found.id


async def purged(world: World) -> incident.IncidentReport:
    return await incident.confirm_incident(world.gw, SECOND_PERSON, await opened(world))


async def states(world: World, message: str) -> dict[str, str]:
    rows = await world.rows("deliveries_of_message", message=message)
    return {str(row["recipient"]): str(row["state"]) for row in rows}


async def test_an_open_incident_keeps_the_document_back_at_once(world: World) -> None:
    submission = await world.send(to=["H37.03", "H37.05"])
    [taken] = await world.fetch("H37.05")
    await opened(world)
    assert await states(world, submission.message) == {"H37.03": "held", "H37.05": "delivered"}
    assert await world.waiting("H37.03") == []
    with pytest.raises(WrongState) as refused:
        await inbox.fetch(world.gw, world.caller("H37.05"), taken.item.delivery)
    assert refused.value.code == "document.under_incident"


async def test_nobody_releases_what_an_incident_holds_but_by_deciding_it(world: World) -> None:
    submission = await world.send()
    await opened(world)
    [row] = await world.rows("deliveries_of_message", message=submission.message)
    with pytest.raises(WrongState):
        await hold.release(world.gw, LOCAL, str(row["id"]), "Cho gửi tiếp")


async def test_no_one_confirms_their_own_report(world: World) -> None:
    await world.send()
    found = await opened(world)
    with pytest.raises(NotPermitted) as refused:
        await incident.confirm_incident(world.gw, LOCAL, found)
    assert refused.value.code == "incident.same_person"


async def test_a_second_person_at_the_same_machine_shows_a_key(world: World) -> None:
    await world.send()
    found = await opened(world)
    person = await office.add_principal(world.gw, LOCAL, "Quản trị viên B", Role.ADMINISTRATOR)
    key = await office.issue_api_key(world.gw, LOCAL, person.id)
    report = await incident.confirm_incident(world.gw, LOCAL, found, key=key)
    assert report.incident.confirmed_by == person.id


async def test_only_administrators_report_and_only_with_a_reason(world: World) -> None:
    await world.send()
    with pytest.raises(NotPermitted):
        await incident.open_incident(world.gw, OPERATOR, DOCUMENT, "Lý do")
    with pytest.raises(BadRequest):
        await incident.open_incident(world.gw, LOCAL, DOCUMENT, " ")
    with pytest.raises(NotFound):
        await incident.open_incident(world.gw, LOCAL, "không có", "Lý do")


async def test_after_the_purge_no_key_no_file_and_no_word_of_it_is_left(world: World) -> None:
    await office.set_profile(world.gw, LOCAL, Profile(AgencyCode("H37.03"), dialect="dotnet"))
    submission = await world.send(to=["H37.03", "H37.05"], files=FILE)
    await world.fetch("H37.03")
    report = await purged(world)
    for row in await world.rows("payloads_of_document", document=submission.document):
        [payload] = await world.rows("payload", sha256=row["sha256"])  # type: ignore[arg-type]
        if payload["destroyed_at"] is None:  # the requests to destroy it, written after the purge
            assert payload["size"] < 5_000  # type: ignore[operator]
    assert list((world.home / "payloads" / "payloads").rglob("*.*")) == []
    assert await words_about(world, submission.document) == set()
    assert report.incident.payloads >= 2
    assert report.incident.backups_until == report.incident.confirmed_at + 30 * 86_400 * SECOND  # type: ignore[operator]


async def words_about(world: World, document: str) -> set[str]:
    """Everything in words that the store still has of the document itself."""
    found = set()
    for event in await world.rows("events_of_document", document=document):
        for value in await world.rows("private_of", event=str(event["id"])):
            if SUBJECT in str(value["value"]) or "Người ký mẫu" in str(value["value"]):
                found.add(str(value["value"]))
        assert SUBJECT.encode() not in bytes(event["body"])  # type: ignore[call-overload]
    for message in await world.rows("messages_of_document", document=document):
        found |= {str(message[name]) for name in ("findings", "verdicts") if message[name] != "[]"}
    return found


async def test_open_deliveries_are_withdrawn_and_who_had_it_is_told_to_destroy_it(
    world: World,
) -> None:
    submission = await world.send(to=["H37.03", "H37.05"])
    await world.fetch("H37.05")
    report = await purged(world)
    assert await states(world, submission.message) == {"H37.03": "cancelled", "H37.05": "delivered"}
    assert {line.recipient: line.state.value for line in report.recall.lines} == {
        "H37.03": "withdrawn",
        "H37.05": "asked",
    }
    assert await world.waiting("H37.03") == []
    [order] = await world.fetch("H37.05")
    status = parse_envelope(order.data).envelope.status
    assert status is not None
    assert status.code == "13"
    await world.report("H37.05", "15", DOCUMENT)
    assert (await states(world, submission.message))["H37.05"] == "recalled"


async def test_in_the_log_every_delivery_goes_from_state_to_state(world: World) -> None:
    """Also the order to destroy, which is queued and withdrawn at once where nobody had the document."""
    await world.send(to=["H37.03", "H37.05"])
    await world.fetch("H37.05")
    await purged(world)
    stands: dict[str, str] = {}
    for row in await world.rows("events_after", at=0, id="", limit=999):
        body = orjson.loads(bytes(row["body"]))  # type: ignore[call-overload]
        if body["type"].startswith("delivery."):
            assert stands.get(body["delivery"]) == body.get("from_state"), body
            stands[body["delivery"]] = body["to_state"]
    assert sorted(stands.values()).count("cancelled") == 3


async def test_the_log_keeps_hashes_ids_and_times(world: World) -> None:
    submission = await world.send()
    before = await world.rows("events_of_document", document=submission.document)
    await purged(world)
    after = await world.rows("events_of_document", document=submission.document)
    assert [bytes(event["body"]) for event in after[: len(before)]] == [  # type: ignore[call-overload]
        bytes(event["body"])  # type: ignore[call-overload]
        for event in before
    ]
    types = await world.event_types()
    assert {"incident.opened", "incident.purged", "payload.destroyed"} <= set(types)


async def test_a_spilled_file_in_another_document_waits_for_a_person(world: World) -> None:
    await world.send(files=FILE)
    await purged(world)
    again = await world.send(number="363", files={"b.pdf": FILE["a.pdf"]})
    assert again.decision is Decision.HOLD
    assert "document.spilled_file" in {finding.rule for finding in again.findings}
    other = await world.send(number="364", files={"b.pdf": b"%PDF-1.7\nkhac"})
    assert other.decision is Decision.ACCEPT


async def test_nothing_of_a_purged_document_enters_again(world: World) -> None:
    await world.send()
    await purged(world)
    with pytest.raises(Refused) as refused:
        await world.send(kind=Kind.UPDATE, document_id=DOCUMENT)
    assert "document.purged" in {finding.rule for finding in refused.value.findings}


async def test_an_attempt_that_ran_during_the_purge_ends_as_a_recall_says(world: World) -> None:
    await office.set_profile(world.gw, LOCAL, Profile(AgencyCode("H37.03"), "webhook"))
    submission = await world.send()
    [attempt] = await world.gw.store.write(lambda tx: claim_due(tx, world.gw, 1))
    await purged(world)
    await world.gw.store.write(lambda tx: settle(tx, world.gw, attempt, Delivered("200 OK")))
    [row] = await world.rows("recalls_of_document", document=submission.document)
    assert (row["state"], row["cause"]) == ("asked", "incident")


async def test_a_dismissed_incident_lets_the_document_go_on(world: World) -> None:
    submission = await world.send()
    found = await opened(world)
    await incident.dismiss_incident(world.gw, SECOND_PERSON, found, "Báo nhầm văn bản")
    assert await states(world, submission.message) == {"H37.03": "queued"}
    assert len(await world.fetch("H37.03")) == 1


async def test_an_incident_is_decided_once_and_closed_after_its_purge(world: World) -> None:
    await world.send()
    found = await opened(world)
    with pytest.raises(WrongState):
        await incident.open_incident(world.gw, LOCAL, DOCUMENT, "Lần nữa")
    with pytest.raises(WrongState):
        await incident.close_incident(world.gw, LOCAL, found, "Xong")
    await incident.confirm_incident(world.gw, SECOND_PERSON, found)
    with pytest.raises(WrongState):
        await incident.confirm_incident(world.gw, SECOND_PERSON, found)
    closed = await incident.close_incident(world.gw, LOCAL, found, "Bản sao lưu đã hết hạn")
    assert closed.state is IncidentState.CLOSED
    assert [one.id for one in await incident.list_incidents(world.gw, OPERATOR)] == [found]


async def test_two_persons_who_confirm_at_one_moment_purge_once(world: World) -> None:
    await world.send()
    found = await opened(world)
    third = Caller("third", "Quản trị viên thứ ba", Role.ADMINISTRATOR, frozenset())
    ends = await asyncio.gather(
        incident.confirm_incident(world.gw, SECOND_PERSON, found),
        incident.confirm_incident(world.gw, third, found),
        return_exceptions=True,
    )
    assert sorted(type(end).__name__ for end in ends) == ["IncidentReport", "WrongState"]


async def test_the_trace_of_a_purged_document_says_so_and_quotes_nothing(world: World) -> None:
    submission = await world.send()
    await purged(world)
    watcher = Caller("auditor", "Kiểm tra", Role.AUDITOR, frozenset())
    trace = await look.trace(world.gw, watcher, submission.document)
    assert trace.subject == ""
    assert trace.purged_at is not None
