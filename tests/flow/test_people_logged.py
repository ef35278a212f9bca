"""Whatever a person does leaves an event; who the person is can be erased without touching it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest
from pydantic import BaseModel

from gateway.clock import SECOND
from gateway.config import Config, LimitsSection
from gateway.delivery.people_log import PeopleLog
from gateway.errors import BadRequest, NotAuthenticated, NotFound, NotPermitted, WrongState
from gateway.exchange_log.merkle import leaf_hash
from gateway.exchange_log.sequence import Sequencer
from gateway.flow import footprints, hold, look, office
from gateway.flow.door import Caller, authenticate
from gateway.flow.open_content import open_content
from gateway.flow.operate import LOCAL, run
from gateway.model.attendance import HOUR, MINUTE, SOURCES, Attendance
from gateway.model.text import AgencyCode, Instant
from gateway.store import events
from gateway.store.people import Role
from gateway.web.server import make_web_app, serve_web
from tests.world import World

AUDITOR = Caller("auditor-1", "Thanh tra viên", Role.AUDITOR, frozenset())
OPERATOR = Caller("operator-1", "Người vận hành", Role.OPERATOR, frozenset())
ADMINISTRATOR = Caller("admin-1", "Quản trị viên", Role.ADMINISTRATOR, frozenset())


async def recorded(world: World, kind: str) -> list[dict[str, Any]]:
    """Bodies of the events of one type, oldest first."""
    rows = await world.rows("events_after", at=0, id="", limit=10_000)
    return [orjson.loads(bytes(row["body"])) for row in rows if row["type"] == kind]  # type: ignore[call-overload]


async def private(world: World, event: dict[str, Any]) -> dict[str, str]:
    return await world.gw.store.read(lambda tx: events.private_values(tx, event["id"]))


@pytest.mark.parametrize("who", [AUDITOR, OPERATOR, ADMINISTRATOR, LOCAL])
async def test_looking_at_a_document_is_recorded_with_who_and_which(world: World, who: Caller) -> None:
    document = (await world.send()).document
    await look.trace(world.gw, who, document)
    [seen] = await recorded(world, "person.viewed")
    assert (seen["actor"], seen["role"], seen["document"]) == (who.principal, who.role.value, document)


async def test_the_software_of_an_agency_leaves_no_such_trace(world: World) -> None:
    document = (await world.send()).document
    await look.trace(world.gw, world.caller("H37"), document)
    assert await recorded(world, "person.viewed") == []


async def test_a_search_is_recorded_with_its_words_beside_the_log(world: World) -> None:
    await world.send()
    await look.list_documents(world.gw, AUDITOR, AgencyCode("H37.03"))
    [seen] = await recorded(world, "person.viewed")
    assert (seen["what"], seen["found"]) == ("documents", 1)
    assert "H37.03" not in orjson.dumps(seen).decode()
    assert (await private(world, seen))["searched"] == '{"agency":"H37.03"}'


async def test_a_search_that_finds_nothing_is_recorded_too(world: World) -> None:
    with pytest.raises(NotFound):
        await look.trace(world.gw, AUDITOR, "H37,2020/01/01,9/XX")
    [seen] = await recorded(world, "person.viewed")
    assert seen["found"] == 0
    assert "9/XX" in (await private(world, seen))["searched"]


LOOKS = ["queue.show", "trace.list", "key.list", "agency.principals", "signers.list", "conservation.show"]


@pytest.mark.parametrize("operation", LOOKS)
async def test_looking_from_the_command_line_is_recorded(world: World, operation: str) -> None:
    await run(world.gw, operation, {})
    assert len(await recorded(world, "person.viewed")) == 1


async def test_a_hold_and_a_release_carry_their_reason_beside_the_log(world: World) -> None:
    await world.send()
    [item] = await world.waiting("H37.03")
    await hold.hold(world.gw, OPERATOR, item.delivery, "Chờ xác minh")
    await hold.release(world.gw, OPERATOR, item.delivery, "Đã xác minh")
    [held], [released] = await recorded(world, "delivery.held"), await recorded(world, "delivery.released")
    assert (await private(world, held))["reason"] == "Chờ xác minh"
    assert (await private(world, released))["reason"] == "Đã xác minh"
    assert {held["actor"], released["actor"]} == {"operator-1"}


# ------------------------------------------------------------------ opening content


async def test_opening_content_is_recorded_before_a_byte_is_shown(world: World) -> None:
    document = (await world.send()).document
    payload = await open_content(world.gw, ADMINISTRATOR, document, "Giải quyết khiếu nại số 5")
    [opened] = await recorded(world, "person.opened")  # nothing was read from ``payload`` yet
    assert (opened["document"], opened["sender"]) == (document, "H37")
    assert (await private(world, opened))["reason"] == "Giải quyết khiếu nại số 5"
    assert b"".join(payload.chunks).startswith(b"<")


@pytest.mark.parametrize("who", [AUDITOR, OPERATOR])
async def test_auditors_and_operators_read_metadata_only(world: World, who: Caller) -> None:
    document = (await world.send()).document
    with pytest.raises(NotPermitted):
        await open_content(world.gw, who, document, "Xem thử")
    assert await recorded(world, "person.opened") == []


async def test_content_without_a_reason_stays_closed(world: World) -> None:
    document = (await world.send()).document
    with pytest.raises(BadRequest):
        await open_content(world.gw, ADMINISTRATOR, document, "  ")


async def test_content_stays_closed_while_an_incident_is_open(world: World) -> None:
    document = (await world.send()).document
    await run(world.gw, "incident.open", {"document": document, "reason": "Lộ bí mật"})
    with pytest.raises(WrongState):
        await open_content(world.gw, ADMINISTRATOR, document, "Xem lại")


async def test_the_owning_agency_sees_who_looked_and_why_it_was_opened(world: World) -> None:
    document = (await world.send()).document
    await look.trace(world.gw, AUDITOR, document)
    await open_content(world.gw, ADMINISTRATOR, document, "Giải quyết khiếu nại")
    views = await footprints.views_of(world.gw, world.caller("H37"), document)
    assert [(one.actor, one.content, one.reason) for one in views] == [
        ("auditor-1", False, ""),
        ("admin-1", True, "Giải quyết khiếu nại"),
    ]


async def test_a_recipient_does_not_see_who_looked_at_anothers_document(world: World) -> None:
    document = (await world.send()).document
    with pytest.raises(NotFound):
        await footprints.views_of(world.gw, world.caller("H37.03"), document)


async def test_the_command_line_writes_what_it_opened_into_a_file(world: World, tmp_path: Path) -> None:
    document = (await world.send()).document
    target = tmp_path / "opened.edxml"
    answer = await run(
        world.gw, "document.open", {"document": document, "path": str(target), "reason": "Đối chiếu"}
    )
    assert target.stat().st_size == answer["size"]
    assert target.stat().st_mode & 0o777 == 0o600


# ------------------------------------------------------------------ coming in


async def person(world: World, role: Role = Role.AUDITOR) -> tuple[str, str]:
    """Account and API key of a person."""
    made = await run(world.gw, "agency.add_system", {"name": "Nguyễn Văn Mẫu", "agencies": [], "role": role})
    return made["principal"]["id"], made["api_key"]


async def test_a_login_is_recorded_once_within_an_hour(world: World) -> None:
    principal, key = await person(world)
    for _ in range(3):
        authenticate(world.gw, key, source="10.0.0.7")
    await footprints.write_attendance(world.gw)
    [entered] = await recorded(world, "login.succeeded")
    assert (entered["actor"], entered["role"]) == (principal, "auditor")
    assert (await private(world, entered))["source"] == "10.0.0.7"
    world.clock.jump_to(Instant(world.clock.now() + HOUR))
    authenticate(world.gw, key, source="10.0.0.7")
    await footprints.write_attendance(world.gw)
    assert len(await recorded(world, "login.succeeded")) == 2


async def test_failures_of_a_source_are_one_event_a_minute_with_their_number(world: World) -> None:
    for _ in range(1000):
        with pytest.raises(NotAuthenticated):
            authenticate(world.gw, "gw_wrong", source="10.0.0.66")
    assert await footprints.write_attendance(world.gw) == 0  # the minute is not over
    world.clock.jump_to(Instant(world.clock.now() + MINUTE))
    await footprints.write_attendance(world.gw)
    failed = await recorded(world, "login.failed")
    assert sum(one["times"] for one in failed) == 1000
    assert len(failed) <= 2  # the calls may lie in two minutes
    assert (await private(world, failed[0]))["source"] == "10.0.0.66"
    assert "10.0.0.66" not in orjson.dumps(failed).decode()


def test_an_attacker_with_many_addresses_does_not_fill_the_log() -> None:
    attendance, minute = Attendance(), Instant(1_000 * MINUTE)
    for number in range(5000):
        attendance.failed(f"2001:db8::{number:x}", Instant(minute + number))
    _, failures = attendance.take(Instant(minute + MINUTE))
    assert len(failures) == SOURCES + 1
    assert sum(one.times for one in failures) == 5000


async def test_a_stop_writes_what_the_minute_still_holds(world: World) -> None:
    with pytest.raises(NotAuthenticated):
        authenticate(world.gw, "gw_wrong", source="10.0.0.66")
    loop = PeopleLog(world.gw)
    loop.stop()
    await loop.run()
    assert [one["times"] for one in await recorded(world, "login.failed")] == [1]
    assert len(await recorded(world, "gateway.started")) == 1


# ------------------------------------------------------------------ settings


def with_setting(world: World, section: str, **values: Any) -> None:
    changed: BaseModel = getattr(world.gw.config, section).model_copy(update=values)
    world.gw.config = Config.model_validate(world.gw.config.model_dump() | {section: changed.model_dump()})


async def test_a_setting_that_differs_from_the_last_start_is_recorded(world: World) -> None:
    assert await footprints.note_start(world.gw) == {}
    before = str(LimitsSection().upload_bytes)
    with_setting(world, "limits", upload_bytes=5000)
    await footprints.note_start(world.gw)
    [changed] = await recorded(world, "settings.changed")
    assert changed["changed"] == {"limits.upload_bytes": [before, "5000"]}
    await footprints.note_start(world.gw)
    assert len(await recorded(world, "settings.changed")) == 1


async def test_a_password_in_a_setting_is_never_recorded(world: World) -> None:
    await footprints.note_start(world.gw)
    with_setting(world, "database", url="postgresql://gw:s3cret@db/gw")
    await footprints.note_start(world.gw)
    [changed] = await recorded(world, "settings.changed")
    assert changed["changed"] == {"database.url": ["(secret)", "(secret)"]}
    kept = await world.rows("settings_seen")
    assert "s3cret" not in str(kept)


# ------------------------------------------------------------------ who that was


async def test_a_name_is_erased_and_no_leaf_changes(world: World) -> None:
    principal, key = await person(world)
    caller = authenticate(world.gw, key)
    await look.list_documents(world.gw, caller)
    await Sequencer(world.gw.store, world.gw.keyring, world.clock).catch_up()
    before = await world.rows("log_entries", start=0, stop=1000)
    with pytest.raises(WrongState):  # its key still works
        await office.erase_name(world.gw, LOCAL, principal, "Đã nghỉ việc")
    [credential] = [one for one in world.gw.people.credentials if one.principal == principal]
    await office.revoke_credential(world.gw, LOCAL, credential.id)
    await office.erase_name(world.gw, LOCAL, principal, "Đã nghỉ việc")
    erased = world.gw.people.principal(principal)
    assert erased is not None
    assert (erased.name, erased.active) == ("", False)
    after = await world.rows("log_entries", start=0, stop=len(before))
    assert after == before
    assert all(leaf_hash(bytes(row["body"])) == row["hash"] for row in after)  # type: ignore[call-overload]
    assert not any("Nguyễn Văn Mẫu".encode() in bytes(row["body"]) for row in after)  # type: ignore[call-overload]
    with pytest.raises(WrongState):
        await office.erase_name(world.gw, LOCAL, principal, "Đã nghỉ việc")


# ------------------------------------------------------------------ over HTTP


@pytest.fixture
async def address(world: World) -> AsyncIterator[str]:
    with_setting(world, "server", port=0)
    async with serve_web(make_web_app(world.gw), world.gw.config) as port:
        yield f"http://127.0.0.1:{port}"


async def test_over_http_views_are_recorded_and_shown_to_the_sender(world: World, address: str) -> None:
    document = (await world.send()).document
    principal, key = await person(world)
    made = await run(world.gw, "agency.add_system", {"name": "Hệ thống H37", "agencies": ["H37"]})
    async with aiohttp.ClientSession() as session:
        for path in (f"/api/v1/documents/{document}", "/api/v1/agencies"):
            async with session.get(f"{address}{path}", headers={"X-API-Key": key}) as response:
                assert response.status == 200
        headers = {"X-API-Key": made["api_key"]}
        async with session.get(f"{address}/api/v1/documents/{document}/views", headers=headers) as response:
            shown = (await response.json())["views"]
    assert [one["actor"] for one in shown] == [principal]
    assert len(await recorded(world, "person.viewed")) == 2
    world.clock.jump_to(Instant(world.clock.now() + SECOND))
    await footprints.write_attendance(world.gw)
    assert {one["actor"] for one in await recorded(world, "login.succeeded")} == {
        principal,
        made["principal"]["id"],
    }
