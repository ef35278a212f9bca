"""A calendar is replaced by a person with a reason; what was counted under the old one can still be told."""

from __future__ import annotations

from datetime import date, timedelta

import orjson
import pytest

from gateway.calendar_data import make_calendar, shipped_calendar
from gateway.clock import SECOND
from gateway.compliance.operations import OPERATIONS
from gateway.errors import BadRequest, NotPermitted
from gateway.flow import calendar, office
from gateway.flow.door import Caller
from gateway.flow.footprints import note_settings
from gateway.flow.operate import LOCAL, run
from gateway.model.calendar import Calendar
from gateway.model.text import Instant
from gateway.store import calendars
from gateway.store.people import Role
from tests.world import World

TODAY = date(2020, 4, 13)  # of the world, a Monday
HEADER = "date,kind,vi,en,source,doubtful"
STORM = date(2020, 4, 14)  # a day off that the shipped calendar does not know


def corrected(version: str = "lich-2", day: date = STORM, kind: str = "holiday") -> Calendar:
    """The shipped calendar with one more day."""
    rows = [row for row in shipped_rows() if row["date"] != day.isoformat()]
    added = {"date": day.isoformat(), "kind": kind, "vi": "Nghỉ bão", "en": "Storm", "source": "Công văn 1"}
    return make_calendar(version, [*rows, added])


def shipped_rows() -> list[dict[str, object]]:
    return [
        {**{name: row[name] for name in ("date", "kind", "source", "doubtful")}, **row["name"]}
        for row in shipped_calendar().as_json()
    ]


async def in_force(world: World, at: Instant | None = None) -> str:
    moment = at or world.clock.now()
    found = await world.gw.store.read(lambda tx: calendars.in_force(tx, moment))
    return found.version


async def bodies(world: World, kind: str) -> list[dict[str, object]]:
    rows = await world.rows("events_after", at=0, id="", limit=1000)
    return [orjson.loads(row["body"]) for row in rows if row["type"] == kind]  # type: ignore[arg-type]


async def test_the_shipped_calendar_is_in_force_without_anybodys_approval(world: World) -> None:
    assert await in_force(world) == shipped_calendar().version == world.gw.calendar.version
    [only] = await calendar.versions(world.gw, LOCAL)
    assert (only.in_force, only.approved_by, only.years) == (True, "", tuple(range(2018, 2028)))


async def test_an_approved_calendar_counts_from_that_moment_and_not_before(world: World) -> None:
    before = world.clock.now()
    done = await calendar.approve(world.gw, LOCAL, corrected(), "Tỉnh cho nghỉ phòng bão")
    assert done.approved
    assert await in_force(world) == world.gw.calendar.version == "lich-2"
    assert await in_force(world, before) == shipped_calendar().version
    assert world.gw.calendar.next_working_day(TODAY) == date(2020, 4, 15)


async def test_approving_is_recorded_with_who_and_the_hash_and_the_reason_apart(world: World) -> None:
    await calendar.approve(world.gw, LOCAL, corrected(), "Tỉnh cho nghỉ phòng bão")
    [body] = await bodies(world, "calendar.approved")
    assert body["version"] == "lich-2"
    assert body["sha256"] == corrected().sha256
    assert body["days"] == len(corrected().days)
    assert body["replaces"] == shipped_calendar().version
    assert body["valid_from"] == body["at"]
    assert body["actor"] == LOCAL.principal
    assert "bão" not in orjson.dumps(body).decode()


async def test_versions_name_who_approved_and_why(world: World) -> None:
    added = await office.add_principal(world.gw, LOCAL, "Hoa", Role.OPERATOR)
    hoa = Caller(added.id, "Hoa", Role.OPERATOR, frozenset())
    await world.gw.refresh()
    await calendar.approve(world.gw, hoa, corrected(), "Nghỉ bão")
    shipped, approved = await calendar.versions(world.gw, LOCAL)
    assert (shipped.in_force, approved.in_force) == (False, True)
    assert (approved.approved_by, approved.reason) == ("Hoa", "Nghỉ bão")


async def test_what_was_stored_reads_back_to_the_same_hash(world: World) -> None:
    await calendar.approve(world.gw, LOCAL, corrected(), "Nghỉ bão")
    stored = (await world.gw.store.read(calendars.read))[-1].calendar
    assert stored == corrected()
    assert stored.sha256 == corrected().sha256


async def test_the_preview_names_days_and_the_deadlines_that_are_over(world: World) -> None:
    world.clock.jump_to(Instant(world.clock.now() + 7 * 86_400 * SECOND))
    found = calendar.preview(shipped_calendar(), corrected(), TODAY + timedelta(days=7))
    assert [change.date for change in found.changes] == [STORM]
    [moved] = found.deadlines
    assert (moved.signed, moved.before, moved.after, moved.past) == (TODAY, STORM, date(2020, 4, 15), True)


async def test_a_deadline_to_come_is_not_called_past(world: World) -> None:
    [moved] = calendar.preview(shipped_calendar(), corrected(), TODAY).deadlines
    assert moved.past is False


async def test_a_day_before_a_weekend_moves_the_deadline_of_the_days_before_it() -> None:
    """A make-up Saturday concerns what was signed on the Friday; a free Monday three days of signing."""
    saturday = corrected(day=date(2020, 4, 18), kind="make_up")
    found = calendar.preview(shipped_calendar(), saturday, TODAY).deadlines
    assert [(one.signed, one.after) for one in found] == [(date(2020, 4, 17), date(2020, 4, 18))]
    monday = calendar.preview(shipped_calendar(), corrected(day=date(2020, 4, 20)), TODAY).deadlines
    assert [one.signed.day for one in monday] == [17, 18, 19]


async def test_a_new_name_of_a_day_moves_no_deadline() -> None:
    found = calendar.preview(shipped_calendar(), corrected(day=date(2020, 4, 30)), TODAY)
    assert (len(found.changes), found.deadlines) == (1, ())


async def test_a_preview_changes_nothing(world: World) -> None:
    text = "\n".join([HEADER, "2020-01-01,holiday,Tết,New Year,BLLĐ,"])
    found = await calendar.import_calendar(world.gw, LOCAL, text, "lich-3")
    assert not found.approved
    assert found.years_lost == (2018, 2019, *range(2021, 2028))
    assert await in_force(world) == shipped_calendar().version
    assert "calendar.approved" not in await world.event_types()


@pytest.mark.parametrize("reason", ["", "  "])
async def test_approving_needs_a_reason(world: World, reason: str) -> None:
    with pytest.raises(BadRequest):
        await calendar.approve(world.gw, LOCAL, corrected(), reason)
    assert await in_force(world) == shipped_calendar().version


@pytest.mark.parametrize("role", [Role.SYSTEM, Role.CLERK, Role.AUDITOR])
async def test_only_operators_and_administrators_approve(world: World, role: Role) -> None:
    with pytest.raises(NotPermitted):
        await calendar.approve(world.gw, Caller("x", "x", role, frozenset()), corrected(), "Vì")
    assert await in_force(world) == shipped_calendar().version


async def test_a_name_of_a_version_is_used_once(world: World) -> None:
    await calendar.approve(world.gw, LOCAL, corrected(), "Nghỉ bão")
    with pytest.raises(BadRequest) as refused:
        await calendar.approve(world.gw, LOCAL, corrected(day=date(2020, 4, 15)), "Sửa lại")
    assert refused.value.code == "calendar.version_used"
    with pytest.raises(BadRequest):
        await calendar.approve(world.gw, LOCAL, corrected(shipped_calendar().version), "Sửa lại")


async def test_a_calendar_that_changes_nothing_is_not_approved(world: World) -> None:
    with pytest.raises(BadRequest) as refused:
        await calendar.approve(world.gw, LOCAL, make_calendar("lich-9", shipped_rows()), "Vì")
    assert refused.value.code == "calendar.same"


async def test_a_correction_after_a_correction_is_a_version_of_its_own(world: World) -> None:
    await calendar.approve(world.gw, LOCAL, corrected(), "Nghỉ bão")
    between = world.clock.now()
    await calendar.approve(world.gw, LOCAL, make_calendar("lich-4", shipped_rows()), "Nhập nhầm")
    assert await in_force(world) == "lich-4"
    assert await in_force(world, between) == "lich-2"
    first = await calendar.show(world.gw, LOCAL, version="lich-2")
    assert first.sha256 == corrected().sha256


async def test_another_node_hears_of_a_calendar_at_its_next_refresh(world: World) -> None:
    await calendar.approve(world.gw, LOCAL, corrected(), "Nghỉ bão")
    world.gw.calendar, world.gw._revisions = shipped_calendar(), {}
    await world.gw.refresh()
    assert world.gw.calendar.version == "lich-2"


async def test_an_accepted_document_says_under_which_calendar(world: World) -> None:
    await world.send()
    await calendar.approve(world.gw, LOCAL, corrected(), "Nghỉ bão")
    await world.send(number="363")
    await world.fetch("H37.03")
    await world.report("H37.03", "03", "H37,2020/04/13,363/UBND-KGVX")
    first, second = await bodies(world, "document.accepted")
    assert (first["calendar"], second["calendar"]) == (shipped_calendar().version, "lich-2")
    assert all("calendar" not in body for body in await bodies(world, "status.reported"))


async def test_the_commands_reach_the_flow(world: World) -> None:
    world.gw.operations = OPERATIONS
    shown = await run(world.gw, "calendar.show", {"year": 2020})
    assert shown["days"][0]["date"] == "2020-01-01"
    assert (await run(world.gw, "calendar.show", {"year": 2040}))["covered"] is False
    checked = await run(world.gw, "calendar.check", {"signed": "2026-08-21T15:00"})
    assert checked["next_working_day"] == "2026-08-22"
    with pytest.raises(BadRequest):
        await run(world.gw, "calendar.show", {"version": "never"})


async def test_a_release_that_brings_another_calendar_is_recorded(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await note_settings(world.gw)
    monkeypatch.setattr("gateway.flow.footprints.shipped_calendar", corrected)
    changed = await note_settings(world.gw)
    assert changed["calendar.shipped"][1].startswith("lich-2 ")
