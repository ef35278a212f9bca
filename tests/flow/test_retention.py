"""Values beside the log are erased by decision of two persons; events and leaves stay; a freeze stops it."""

from __future__ import annotations

from datetime import date
from typing import Any

import orjson
import pytest

from gateway.clock import SECOND
from gateway.errors import BadRequest, NotFound, NotPermitted, WrongState
from gateway.exchange_log.merkle import leaf_hash
from gateway.flow import facts, footprints, hold, incident, look, retention
from gateway.flow.door import Caller
from gateway.flow.log_verify import verify_log
from gateway.flow.operate import LOCAL, run
from gateway.flow.record import event
from gateway.flow.retention_data import read_retention, shipped_retention
from gateway.model.event import EventType, commitment
from gateway.model.text import AgencyCode, Instant
from gateway.resources import shipped
from gateway.store import events
from gateway.store.contract import Tx
from gateway.store.people import Role
from gateway.store.retention import erase
from tests.world import World

DAY = 86_400 * SECOND
YEARS = 366 * DAY
SECOND_PERSON = Caller("admin-2", "Quản trị viên thứ hai", Role.ADMINISTRATOR, frozenset())
AUDITOR = Caller("auditor-1", "Thanh tra viên", Role.AUDITOR, frozenset())


def in_years(world: World, years: int) -> None:
    world.clock.jump_to(Instant(world.clock.now() + years * YEARS))


async def private_of(world: World, kind: str) -> list[dict[str, str]]:
    rows = await world.rows("events_after", at=0, id="", limit=10_000)
    wanted = [str(row["id"]) for row in rows if row["type"] == kind]
    return await world.gw.store.read(lambda tx: [events.private_values(tx, one) for one in wanted])


async def seen(world: World) -> str:
    """A document that an auditor searched for; the words of the search are private."""
    document = (await world.send()).document
    await look.list_documents(world.gw, AUDITOR, AgencyCode("H37.03"))
    return document


async def approved(world: World, name: str = "security") -> str:
    proposal = await retention.propose(world.gw, LOCAL, name, "Hết thời hạn lưu")
    await retention.decide(world.gw, SECOND_PERSON, proposal.id, True, "Đồng ý")
    return proposal.id


# ------------------------------------------------------------------ decided by two


async def test_what_is_due_is_erased_after_a_decision_and_no_leaf_changes(world: World) -> None:
    await seen(world)
    await world.gw.sequencer.advance(publish=True)
    before = await world.rows("log_entries", start=0, stop=1000)
    in_years(world, 9)  # security logs are data from July 2026 on
    done = await retention.run_decision(world.gw, LOCAL, await approved(world))
    assert done.erased == 1
    assert done.ended_at is not None
    assert await private_of(world, "person.viewed") == [{}]
    after = await world.rows("log_entries", start=0, stop=len(before))
    assert after == before
    assert all(leaf_hash(bytes(row["body"])) == row["hash"] for row in after)  # type: ignore[call-overload]
    await world.gw.sequencer.advance(publish=True)
    assert (await verify_log(world.gw, LOCAL))["fits"]


async def test_the_commitment_still_proves_a_value_that_somebody_kept(world: World) -> None:
    await seen(world)
    rows = await world.rows("events_after", at=0, id="", limit=99)
    [viewed] = [row for row in rows if row["type"] == "person.viewed"]
    [kept] = await world.rows("commitments_of", event=str(viewed["id"]))
    in_years(world, 9)
    await retention.run_decision(world.gw, LOCAL, await approved(world))
    body = orjson.loads(bytes(viewed["body"]))  # type: ignore[call-overload]
    assert body["commitments"]["searched"] == commitment(bytes(kept["salt"]), str(kept["value"]))  # type: ignore[call-overload]


async def test_a_proposal_erases_nothing(world: World) -> None:
    await seen(world)
    in_years(world, 9)
    proposal = await retention.propose(world.gw, LOCAL, "security", "Hết hạn")
    assert proposal.found == 1
    with pytest.raises(WrongState):
        await retention.run_decision(world.gw, LOCAL, proposal.id)
    assert await private_of(world, "person.viewed") != [{}]


async def test_a_declined_proposal_erases_nothing(world: World) -> None:
    await seen(world)
    in_years(world, 9)
    proposal = await retention.propose(world.gw, LOCAL, "security", "Hết hạn")
    await retention.decide(world.gw, SECOND_PERSON, proposal.id, False, "Còn thanh tra")
    with pytest.raises(WrongState):
        await retention.run_decision(world.gw, LOCAL, proposal.id)


async def test_who_proposed_cannot_approve(world: World) -> None:
    in_years(world, 9)
    proposal = await retention.propose(world.gw, LOCAL, "security", "Hết hạn")
    with pytest.raises(NotPermitted):
        await retention.decide(world.gw, LOCAL, proposal.id, True, "Tự duyệt")


async def test_a_decision_is_made_once(world: World) -> None:
    in_years(world, 9)
    decision = await approved(world)
    with pytest.raises(WrongState):
        await retention.decide(world.gw, SECOND_PERSON, decision, False, "Đổi ý")


async def test_the_second_person_shows_an_api_key(world: World) -> None:
    in_years(world, 9)
    made = await run(world.gw, "agency.add_system", {"name": "B", "agencies": [], "role": "administrator"})
    proposal = await run(world.gw, "retention.propose", {"name": "security", "reason": "Hết hạn"})
    decided = await run(
        world.gw,
        "retention.decide",
        {"decision": proposal["id"], "approve": True, "reason": "Đồng ý", "key": made["api_key"]},
    )
    assert decided["approved_by"] == made["principal"]["id"]


async def test_even_the_store_erases_nothing_without_an_approved_decision(world: World) -> None:
    await seen(world)
    rows = await world.rows("events_after", at=0, id="", limit=99)
    [viewed] = [str(row["id"]) for row in rows if row["type"] == "person.viewed"]

    def unit(tx: Tx) -> None:
        erase(tx, "no-decision", [viewed], None)

    with pytest.raises(LookupError):
        await world.gw.store.write(unit)
    assert await private_of(world, "person.viewed") != [{}]


async def test_each_step_is_recorded_with_who(world: World) -> None:
    in_years(world, 9)
    await retention.run_decision(world.gw, LOCAL, await approved(world))
    rows = await world.rows("events_after", at=0, id="", limit=99)
    steps = {
        str(row["type"]): orjson.loads(bytes(row["body"]))  # type: ignore[call-overload]
        for row in rows
        if str(row["type"]).startswith("retention.")
    }
    assert list(steps) == ["retention.proposed", "retention.decided", "retention.erased"]
    decided = steps["retention.decided"]
    assert (decided["proposed_by"], decided["actor"], "decided_by" in decided) == ("local", "admin-2", False)


async def test_what_happened_at_one_instant_is_erased_whole_however_many(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "PAGE", 2)
    at = world.clock.now()

    def unit(tx: Tx) -> None:
        for number in range(5):
            private = facts.salted({"searched": str(number)})
            events.record(tx, event(world.gw, EventType.PERSON_VIEWED, "auditor-1", at, private=private))

    await world.gw.store.write(unit)
    in_years(world, 9)
    done = await retention.run_decision(world.gw, LOCAL, await approved(world))
    assert (done.found, done.erased) == (5, 5)


# ------------------------------------------------------------------ how long


async def test_what_is_not_due_stays(world: World) -> None:
    in_years(world, 8)
    await seen(world)
    in_years(world, 1)
    done = await retention.run_decision(world.gw, LOCAL, await approved(world))
    assert done.erased == 0
    assert await private_of(world, "person.viewed") != [{}]


async def test_each_class_erases_only_its_own(world: World) -> None:
    await seen(world)
    [item] = await world.waiting("H37.03")
    await hold.hold(world.gw, LOCAL, item.delivery, "Chờ xác minh")
    in_years(world, 21)
    await retention.run_decision(world.gw, LOCAL, await approved(world, "register"))
    assert await private_of(world, "delivery.held") == [{}]
    assert await private_of(world, "person.viewed") != [{}]
    assert (await private_of(world, "document.accepted"))[0]["subject"] != ""


@pytest.mark.parametrize("name", ["document", "unknown"])
async def test_what_lives_as_long_as_the_document_is_never_due(world: World, name: str) -> None:
    in_years(world, 90)
    with pytest.raises(BadRequest):
        await retention.propose(world.gw, LOCAL, name, "Hết hạn")


async def test_a_class_is_in_force_only_from_its_day_on(world: World) -> None:
    with pytest.raises(BadRequest):  # it is 2020
        await retention.propose(world.gw, LOCAL, "security", "Hết hạn")


def test_data_that_keeps_less_than_its_source_demands_is_refused() -> None:
    text = shipped("schemas", "rules", "retention.toml").read_text("utf-8")
    with pytest.raises(ValueError, match="security"):
        read_retention(text.replace("months = 24", "months = 11", 1))


@pytest.mark.parametrize(
    ("today", "first_kept"),
    [
        (date(2028, 7, 15), date(2026, 7, 15)),
        (date(2028, 2, 29), date(2026, 2, 28)),
        (date(2028, 1, 31), date(2026, 1, 31)),
    ],
)
def test_the_end_of_a_period_is_counted_in_months(today: date, first_kept: date) -> None:
    [security] = [one for one in shipped_retention().classes if one.name == "security"]
    assert security.due_before(today) == first_kept


def test_every_event_belongs_to_one_class() -> None:
    assert shipped_retention().class_of("login.failed") == "security"
    assert shipped_retention().class_of("delivery.held") == "register"
    assert shipped_retention().class_of("clock.stepped") == "reports"


# ------------------------------------------------------------------ a freeze stops everything


FREEZES: list[dict[str, Any]] = [
    {"document": "H37,2020/04/13,362/UBND-KGVX"},
    {"agency": "H37.03"},
    {"from_day": date(2020, 4, 13), "to_day": date(2020, 4, 13)},
]


async def held(world: World) -> str:
    document = (await world.send()).document
    [item] = await world.waiting("H37.03")
    await hold.hold(world.gw, LOCAL, item.delivery, "Chờ xác minh")
    return document


@pytest.mark.parametrize("what", FREEZES)
async def test_a_freeze_keeps_what_a_decision_would_erase_until_it_ends(
    world: World, what: dict[str, Any]
) -> None:
    await held(world)
    frozen = await retention.freeze(world.gw, LOCAL, "Tòa án yêu cầu", **what)
    in_years(world, 21)
    decision = await approved(world, "register")
    assert (await retention.run_decision(world.gw, LOCAL, decision)).erased == 0
    assert await private_of(world, "delivery.held") == [{"reason": "Chờ xác minh"}]
    await retention.thaw(world.gw, LOCAL, frozen.id, "Tòa án đã xử xong")
    assert (await retention.run_decision(world.gw, LOCAL, decision)).erased == 1


@pytest.mark.parametrize(
    "what", [{"agency": "H37.05"}, {"from_day": date(2020, 4, 14)}, {"to_day": date(2020, 4, 12)}]
)
async def test_a_freeze_of_something_else_keeps_nothing(world: World, what: dict[str, Any]) -> None:
    await held(world)
    await retention.freeze(world.gw, LOCAL, "Thanh tra", **what)
    in_years(world, 21)
    assert (await retention.run_decision(world.gw, LOCAL, await approved(world, "register"))).erased == 1


async def test_a_freeze_of_everything_and_nothing_is_refused(world: World) -> None:
    with pytest.raises(BadRequest):
        await retention.freeze(world.gw, LOCAL, "Thanh tra")


async def test_a_freeze_that_is_none_cannot_end(world: World) -> None:
    with pytest.raises(NotFound):
        await retention.thaw(world.gw, LOCAL, "none", "Gỡ")


async def test_a_frozen_document_is_not_purged(world: World) -> None:
    document = await held(world)
    frozen = await retention.freeze(world.gw, LOCAL, "Tòa án yêu cầu", document=document)
    opened = await incident.open_incident(world.gw, LOCAL, document, "Lộ bí mật")
    with pytest.raises(WrongState):
        await incident.confirm_incident(world.gw, SECOND_PERSON, opened.id)
    await retention.thaw(world.gw, LOCAL, frozen.id, "Tòa án cho phép")
    assert (
        await incident.confirm_incident(world.gw, SECOND_PERSON, opened.id)
    ).incident.state.value == "purged"


async def test_only_administrators_propose_decide_and_freeze(world: World) -> None:
    for action in (
        retention.propose(world.gw, AUDITOR, "security", "Hết hạn"),
        retention.decide(world.gw, AUDITOR, "x", True, "Đồng ý"),
        retention.freeze(world.gw, AUDITOR, "Thanh tra", agency="H37"),
    ):
        with pytest.raises(NotPermitted):
            await action
    assert (await retention.show(world.gw, AUDITOR))["decisions"] == []


async def test_views_keep_their_actor_when_their_reason_is_erased(world: World) -> None:
    document = (await world.send()).document
    await run(world.gw, "document.views", {"reference": document})
    await look.trace(world.gw, AUDITOR, document)
    in_years(world, 9)
    await retention.run_decision(world.gw, LOCAL, await approved(world))
    views = await footprints.views_of(world.gw, world.caller("H37"), document)
    assert [one.actor for one in views] == ["auditor-1"]
