"""A document changes after it was sent: updates, recipients added and taken off, replacements, versions."""

from __future__ import annotations

import pytest

from gateway.errors import NotFound, Refused
from gateway.flow import look
from gateway.flow.door import Caller
from gateway.flow.history import Standing
from gateway.model.envelope import Kind
from gateway.store.people import Role
from tests.world import World

DOCUMENT = "H37,2020/04/13,362/UBND-KGVX"
WATCHER = Caller("auditor", "Kiểm tra", Role.AUDITOR, frozenset())


async def states(world: World, message: str) -> dict[str, str]:
    rows = await world.rows("deliveries_of_message", message=message)
    return {str(row["recipient"]): str(row["state"]) for row in rows}


async def test_an_update_reaches_its_recipients_and_those_that_it_adds(world: World) -> None:
    await world.send(to=["H37.03"])
    await world.fetch("H37.03")
    update = await world.send(to=["H37.03"], kind=Kind.UPDATE, document_id=DOCUMENT, added=["H37.05"])
    assert await states(world, update.message) == {"H37.03": "queued", "H37.05": "queued"}


async def test_an_added_recipient_that_nobody_knows_refuses_the_update(world: World) -> None:
    await world.send()
    with pytest.raises(Refused) as refused:
        await world.send(kind=Kind.UPDATE, document_id=DOCUMENT, added=["H37.99"])
    assert "recipient.unknown" in {finding.rule for finding in refused.value.findings}


async def test_a_recipient_that_is_taken_off_before_it_fetched_hears_nothing(world: World) -> None:
    first = await world.send(to=["H37.03", "H37.05"])
    update = await world.send(to=["H37.03"], kind=Kind.UPDATE, document_id=DOCUMENT, removed=["H37.05"])
    assert await states(world, first.message) == {"H37.03": "queued", "H37.05": "cancelled"}
    assert (await states(world, update.message))["H37.05"] == "cancelled"
    assert await world.waiting("H37.05") == []


async def test_a_recipient_that_had_it_learns_that_it_was_taken_off_and_gives_it_back(world: World) -> None:
    first = await world.send(to=["H37.03", "H37.05"])
    await world.fetch("H37.05")
    await world.send(to=["H37.03"], kind=Kind.UPDATE, document_id=DOCUMENT, removed=["H37.05"])
    assert [item.kind for item in await world.waiting("H37.05")] == ["update"]
    await world.fetch("H37.05")
    await world.report("H37.05", "15", DOCUMENT)
    assert await states(world, first.message) == {"H37.03": "queued", "H37.05": "recalled"}


async def test_taking_a_recipient_off_does_not_freeze_the_document(world: World) -> None:
    first = await world.send(to=["H37.03", "H37.05"])
    await world.send(to=["H37.03"], kind=Kind.UPDATE, document_id=DOCUMENT, removed=["H37.05"])
    trace = await look.trace(world.gw, WATCHER, first.document)
    assert trace.frozen_at is None


async def test_an_update_after_a_recall_is_delivered_and_its_agreement_recalls_only_the_recalled(
    world: World,
) -> None:
    first = await world.send()
    await world.fetch("H37.03")
    await world.report("H37", "13", DOCUMENT, about="H37.03")
    update = await world.send(kind=Kind.UPDATE, document_id=DOCUMENT)
    await world.fetch("H37.03")
    await world.report("H37.03", "15", DOCUMENT)
    assert await states(world, first.message) == {"H37.03": "recalled"}
    assert await states(world, update.message) == {"H37.03": "delivered"}


async def test_the_newest_content_is_the_current_version(world: World) -> None:
    first = await world.send()
    update = await world.send(kind=Kind.UPDATE, document_id=DOCUMENT, reason="Sửa phụ lục", added=["H37.05"])
    trace = await look.trace(world.gw, WATCHER, first.document)
    assert [(v.message, v.current) for v in trace.versions] == [
        (first.message, False),
        (update.message, True),
    ]
    assert trace.versions[1].reason == "Sửa phụ lục"
    assert trace.versions[1].changed["added"] == ["H37.05"]
    assert trace.standing is Standing.IN_FORCE


async def test_a_replacement_is_the_current_document_of_the_one_it_replaces(world: World) -> None:
    old = await world.send()
    middle = await world.send(number="363", kind=Kind.REPLACE, replaces=[DOCUMENT])
    newest = await world.send(number="364", kind=Kind.REPLACE, replaces=["H37,2020/04/13,363/UBND-KGVX"])
    trace = await look.trace(world.gw, WATCHER, old.document)
    assert trace.current_document == newest.document
    assert trace.replaced_by == (middle.document,)
    assert trace.standing is Standing.REPLACED
    assert [version.current for version in trace.versions] == [False]


async def test_documents_that_replace_each_other_do_not_hang_the_trace(world: World) -> None:
    other = "H37,2020/04/13,363/UBND-KGVX"
    first = await world.send(kind=Kind.REPLACE, replaces=[other])
    second = await world.send(number="363", kind=Kind.REPLACE, replaces=[DOCUMENT])
    trace = await look.trace(world.gw, WATCHER, first.document)
    assert trace.current_document == second.document


async def test_a_document_recalled_from_everybody_has_no_current_version(world: World) -> None:
    submission = await world.send(to=["H37.03", "H37.05"])
    await world.fetch("H37.03")
    await world.send(to=["H37.03", "H37.05"], kind=Kind.REVOKE, document_id=DOCUMENT)
    trace = await look.trace(world.gw, WATCHER, submission.document)
    assert trace.standing is Standing.RECALL_ASKED
    await world.report("H37.03", "15", DOCUMENT)
    trace = await look.trace(world.gw, WATCHER, submission.document)
    assert trace.standing is Standing.RECALLED
    assert [(version.kind, version.current) for version in trace.versions] == [
        ("new", False),
        ("revoke", False),
    ]
    assert trace.frozen_at is not None


async def test_who_gave_a_document_back_sees_the_recall_and_no_longer_the_document(world: World) -> None:
    submission = await world.send()
    await world.fetch("H37.03")
    me = world.caller("H37.03")
    assert (await look.trace(world.gw, me, submission.document)).subject != ""
    await world.report("H37", "13", DOCUMENT, about="H37.03", description="Sai thể thức")
    await world.report("H37.03", "15", DOCUMENT)
    trace = await look.trace(world.gw, me, submission.document)
    assert trace.subject == ""
    assert all(message["header"] == {} for message in trace.messages)
    assert {status["code"] for status in trace.statuses} >= {"13", "15"}
    assert await look.list_documents(world.gw, me, next(iter(me.agencies))) == []


async def test_a_recipient_sees_nothing_of_others_recalls(world: World) -> None:
    submission = await world.send(to=["H37.03", "H37.05"])
    await world.fetch("H37.03")
    await world.report("H37", "13", DOCUMENT, about="H37.05")
    trace = await look.trace(world.gw, world.caller("H37.03"), submission.document)
    assert trace.standing is Standing.IN_FORCE
    assert trace.recalls == ()
    with pytest.raises(NotFound):
        await look.trace(world.gw, world.caller("H37.05"), submission.document)
