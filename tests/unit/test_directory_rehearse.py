"""A reorganisation is seen before it happens: which lanes move, and what the new agencies still lack."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from gateway.clock import ScenarioClock
from gateway.directory.changes import merge
from gateway.directory.load import read_directory, to_directory
from gateway.directory.rehearsal import Way, lanes
from gateway.errors import BadRequest, NotPermitted
from gateway.flow import office
from gateway.flow.directory_rehearsal import Gap, Need, Rehearsal, rehearse_directory
from gateway.flow.operate import LOCAL, run
from gateway.model.agency import Period, Profile, Signer
from gateway.model.text import AgencyCode
from gateway.practice import province
from gateway.store import open_store
from gateway.store.people import Role
from tests.world import World, make_world

FIRST_OF_JULY = date(2025, 7, 1)
TODAY = date(2020, 4, 13)
WARD, NEW_WARD, CITY = AgencyCode("H37.31.21"), AgencyCode("H37.101"), AgencyCode("H37.31")
REORGANISED = to_directory(merge(province.data(), read_directory(province.reorganisation_csv(), "csv")))


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """The demo province, today; the reorganisation is a file that nobody has imported yet."""
    store = await open_store("sqlite:///gateway.db", tmp_path, clock=ScenarioClock(0), purpose="test")
    try:
        async with make_world(store, tmp_path, agencies=province.data()) as made:
            yield made
    finally:
        await store.close()


async def rehearsed(world: World) -> Rehearsal:
    return await rehearse_directory(world.gw, LOCAL, FIRST_OF_JULY, province.reorganisation_csv())


def gaps_of(found: Rehearsal, agency: AgencyCode) -> dict[Need, Gap]:
    return {gap.need: gap for gap in found.gaps if gap.agency == agency}


def signer(agency: AgencyCode, role: str, until: date | None = None) -> Signer:
    digest = (f"{role}{agency}".encode().hex() * 8)[:64]
    return Signer(digest, agency, "Chủ tịch", role, Period(None, until))


def test_every_commune_moves_to_one_successor_and_every_district_has_several() -> None:
    closing = lanes(REORGANISED, FIRST_OF_JULY, TODAY)
    ways = Counter((REORGANISED.level(lane.code, TODAY), lane.way) for lane in closing)
    assert ways == {("commune", Way.MOVES): 200, ("district", Way.HELD): 11, ("province", Way.MOVES): 5}


def test_before_the_day_the_communes_are_where_they_were() -> None:
    closing = lanes(REORGANISED, date(2025, 6, 30), TODAY)
    assert {REORGANISED.level(lane.code, TODAY) for lane in closing} == {"province"}


def test_a_lane_names_its_last_day_and_its_successor() -> None:
    [ward] = [lane for lane in lanes(REORGANISED, FIRST_OF_JULY, TODAY) if lane.code == WARD]
    assert (ward.last_day, ward.successors) == (date(2025, 6, 30), (NEW_WARD,))
    assert ward.names == ("UBND phường Tam Thanh (sau sắp xếp)",)


def test_what_is_closed_already_is_told_only_of_a_day_that_has_come() -> None:
    closed = {"H37.39.43", "H37.91", "H37.92"}
    assert not closed & {lane.code for lane in lanes(REORGANISED, FIRST_OF_JULY, TODAY)}
    assert {lane.code for lane in lanes(REORGANISED, TODAY, TODAY)} == closed


def test_after_it_there_are_two_levels_and_67_communes_below_the_province() -> None:
    levels = {REORGANISED.level(row.code, FIRST_OF_JULY) for row in REORGANISED.all(FIRST_OF_JULY)}
    assert levels == {"province", "commune", "outside"}
    new = [row for row in REORGANISED.all(FIRST_OF_JULY) if row.level == "commune"]
    assert len(new) == 67
    assert {row.parent for row in new} == {"H37"}


async def test_a_file_is_rehearsed_and_not_imported(world: World) -> None:
    assert (await rehearsed(world)).counts["held"] == 11
    assert world.gw.directory.agency(NEW_WARD, FIRST_OF_JULY) is None


async def test_a_new_commune_lacks_everything_at_first(world: World) -> None:
    gaps = gaps_of(await rehearsed(world), NEW_WARD)
    assert set(gaps) == {Need.ACCOUNT, Need.CERTIFICATE, Need.SIGNER}
    assert CITY in gaps[Need.ACCOUNT].predecessors
    assert gaps[Need.CERTIFICATE].until is None


async def test_the_accounts_of_predecessors_are_named(world: World) -> None:
    await office.add_principal(world.gw, LOCAL, "QLVB phường Tam Thanh", Role.SYSTEM, [WARD])
    assert "QLVB phường Tam Thanh" in gaps_of(await rehearsed(world), NEW_WARD)[Need.ACCOUNT].text.vi


async def test_an_account_for_the_successor_fills_the_gap(world: World) -> None:
    await office.import_directory(
        world.gw, LOCAL, read_directory(province.reorganisation_csv(), "csv"), apply=True
    )
    await office.add_principal(world.gw, LOCAL, "QLVB phường mới", Role.SYSTEM, [NEW_WARD])
    found = await rehearse_directory(world.gw, LOCAL, FIRST_OF_JULY)
    assert Need.ACCOUNT not in gaps_of(found, NEW_WARD)


async def test_a_certificate_that_still_serves_is_told_with_its_last_day(world: World) -> None:
    await office.import_signers(world.gw, LOCAL, [signer(WARD, "agency")])
    gap = gaps_of(await rehearsed(world), NEW_WARD)[Need.CERTIFICATE]
    assert gap.until == date(2025, 12, 31)
    assert "31/12/2025" in gap.text.vi


async def test_a_certificate_that_ends_before_the_day_serves_nobody(world: World) -> None:
    await office.import_signers(world.gw, LOCAL, [signer(WARD, "agency", date(2025, 6, 30))])
    assert gaps_of(await rehearsed(world), NEW_WARD)[Need.CERTIFICATE].until is None


async def test_a_pushed_predecessor_shows_that_its_successor_is_not_connected(world: World) -> None:
    url = (("url", "https://qlvb.example/nhan"),)
    await office.set_profile(
        world.gw, LOCAL, Profile(WARD, "webhook", url), "mật khẩu rất dài 0123456789abcdef"
    )
    gap = gaps_of(await rehearsed(world), NEW_WARD)[Need.CONNECTION]
    assert "webhook" in gap.text.vi


async def test_what_waits_for_a_closing_agency_is_counted(world: World) -> None:
    await world.send(to=[WARD])
    waiting = {lane.code: lane.waiting for lane in (await rehearsed(world)).lanes}
    assert (waiting[WARD], waiting[CITY]) == (1, 0)


async def test_a_file_that_fits_nowhere_is_refused(world: World) -> None:
    wrong = "code,name,level,valid_to,successors\nH37.31,UBND TP Lạng Sơn,district,2025-06-30,H37.999\n"
    with pytest.raises(BadRequest) as refused:
        await rehearse_directory(world.gw, LOCAL, FIRST_OF_JULY, wrong)
    assert refused.value.code == "directory.invalid"


async def test_an_agency_of_the_province_may_not_look(world: World) -> None:
    with pytest.raises(NotPermitted):
        await rehearse_directory(world.gw, world.caller("H37"), FIRST_OF_JULY)


async def test_the_operation_answers_in_json(world: World) -> None:
    answer = await run(
        world.gw, "directory.rehearse", {"on": "2025-07-01", "text": province.reorganisation_csv()}
    )
    assert answer["on"] == "2025-07-01"
    assert answer["counts"]["moves"] == 205
    [ward] = [lane for lane in answer["lanes"] if lane["code"] == WARD]
    assert (ward["way"], ward["last_day"]) == ("moves", "2025-06-30")


def test_the_last_day_of_certificates_survives_an_import_of_the_same_file() -> None:
    step = next(row for row in REORGANISED.successions if row.old == WARD)
    assert step.certificates_until == date(2025, 12, 31)
    assert replace(step, certificates_until=None) != step
