"""System ids of partner software: given out, renewed, withdrawn; and the agencies it asks to add or close."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from gateway.clock import SECOND, local_day
from gateway.directory.data import DirectoryData
from gateway.errors import BadRequest, NotAuthenticated, NotFound, NotPermitted, WrongState
from gateway.flow import office, partners, requests
from gateway.flow.door import Caller, partner_of
from gateway.flow.operate import LOCAL, run
from gateway.model.agency import Agency
from gateway.model.text import AgencyCode, Instant
from gateway.store.people import Role
from tests.world import World

DAY = 86_400 * SECOND
HOUSE = AgencyCode("H37.31")


async def given(world: World, system_id: str = "lang.son", dialect: str = "vxp") -> partners.Issued:
    return await partners.add_system(world.gw, LOCAL, "Phần mềm TP", dialect, system_id, [HOUSE])


async def asking(world: World) -> Caller:
    await given(world)
    return partner_of(world.gw, "vxp", "lang.son").caller


def new_ward(**changes: str) -> dict[str, str]:
    body = {"pcode": "H37.31", "code": "000.25.31.H37", "name": "UBND phường Đông Kinh", "mail": ""}
    return body | changes


async def test_a_system_id_names_its_account_and_its_secret_opens_under_the_keyring(world: World) -> None:
    issued = await given(world)
    partner = partner_of(world.gw, "vxp", "lang.son")
    assert partner.caller.agencies == {HOUSE}
    assert [secret.opened(world.gw).decode() for secret in partner.secrets] == [issued.secret]


async def test_an_hmac_secret_does_not_lie_in_the_database(world: World) -> None:
    issued = await given(world)
    row = (await world.rows("all_partner_credentials"))[0]
    assert row["hash"] is None
    assert issued.secret.encode() not in bytes(row["sealed"])  # type: ignore[call-overload]


async def test_a_secret_that_is_only_compared_is_kept_as_its_hash(world: World) -> None:
    issued = await given(world, dialect="langson")
    secret = partner_of(world.gw, "langson", "lang.son").secrets[0]
    assert secret.credential.sealed is None
    assert secret.is_shown(issued.secret)
    assert not secret.is_shown(issued.secret + "x")


async def test_a_system_id_of_one_dialect_is_unknown_in_another(world: World) -> None:
    await given(world)
    with pytest.raises(NotAuthenticated):
        partner_of(world.gw, "langson", "lang.son")


async def test_a_renewed_secret_holds_beside_the_old_one_until_the_overlap_ends(world: World) -> None:
    old = await given(world)
    until = Instant(world.clock.now() + DAY)
    new = await partners.renew_secret(world.gw, LOCAL, "vxp", "lang.son", overlap_until=until)
    shown = [s.opened(world.gw).decode() for s in partner_of(world.gw, "vxp", "lang.son").secrets]
    assert shown == [new.secret, old.secret]
    world.clock.jump_to(until)
    shown = [s.opened(world.gw).decode() for s in partner_of(world.gw, "vxp", "lang.son").secrets]
    assert shown == [new.secret]


async def test_a_withdrawn_secret_proves_nothing_at_once(world: World) -> None:
    issued = await given(world)
    await office.revoke_credential(world.gw, LOCAL, issued.credential)
    with pytest.raises(NotAuthenticated):
        partner_of(world.gw, "vxp", "lang.son")


async def test_a_system_id_is_given_out_once(world: World) -> None:
    await given(world)
    with pytest.raises(WrongState, match="id_taken"):
        await given(world)


async def test_freshness_is_set_for_one_system_id(world: World) -> None:
    await given(world)
    await given(world, "other")
    await run(
        world.gw, "partner.freshness", {"dialect": "vxp", "system_id": "lang.son", "seconds": 3600}, LOCAL
    )
    assert partner_of(world.gw, "vxp", "lang.son").secrets[0].fresh_seconds == 3600
    assert partner_of(world.gw, "vxp", "other").secrets[0].fresh_seconds == partners.FRESH_SECONDS


async def test_the_list_of_systems_shows_no_secret(world: World) -> None:
    issued = await given(world)
    shown = str(await run(world.gw, "agency.principals", {}, LOCAL))
    sealed = partner_of(world.gw, "vxp", "lang.son").secrets[0].credential.sealed
    assert sealed is not None
    assert issued.secret not in shown
    assert sealed.hex() not in shown


async def test_only_an_administrator_gives_out_a_system_id(world: World) -> None:
    with pytest.raises(NotPermitted):
        await partners.add_system(world.gw, world.caller("H37"), "x", "vxp", "x", [HOUSE])


async def test_an_agency_that_software_asked_for_exists_once_it_is_approved(world: World) -> None:
    asked = await requests.ask(world.gw, await asking(world), "register", "000.25.31.H37", new_ward())
    assert world.gw.directory.resolve("H37.31.25") is None
    await requests.approve(world.gw, LOCAL, asked.request.id, level="commune")
    made = world.gw.directory.all(_today(world))
    ward = next(agency for agency in made if agency.code == "H37.31.25")
    assert (ward.name, ward.parent, ward.level) == ("UBND phường Đông Kinh", "H37.31", "commune")
    assert await requests.list_requests(world.gw, LOCAL) == []


async def test_asking_again_changes_nothing(world: World) -> None:
    caller = await asking(world)
    first = await requests.ask(world.gw, caller, "register", "000.25.31.H37", new_ward())
    again = await requests.ask(world.gw, caller, "register", "H37.31.25", new_ward())
    assert (again.repeated, again.request.id) == (True, first.request.id)


async def test_an_agency_is_closed_as_of_today_and_its_history_stays(world: World) -> None:
    asked = await requests.ask(world.gw, await asking(world), "delete", "H37.31.21", {})
    await requests.approve(world.gw, LOCAL, asked.request.id)
    rows = [row for row in world.gw.directory.agencies if row.code == "H37.31.21"]
    assert [row.period.end for row in rows] == [_today(world)]


@pytest.mark.parametrize(
    ("kind", "code", "body"),
    [
        ("register", "H37.32.99", new_ward(code="H37.32.99", pcode="H37.32")),
        ("register", "H37.32.99", new_ward(code="H37.32.99")),  # another's code under the caller's own roof
        ("delete", "H37.32.22", {}),
        ("delete", "H37.31", {}),  # itself
    ],
)
async def test_software_asks_only_within_its_own_subtree(
    world: World, kind: str, code: str, body: dict[str, str]
) -> None:
    with pytest.raises(NotPermitted, match="outside_subtree"):
        await requests.ask(world.gw, await asking(world), kind, code, body)


@pytest.mark.parametrize(
    ("code", "body", "error"),
    [
        ("không phải mã", new_ward(), BadRequest),
        ("H37.31.25", new_ward(name=" "), BadRequest),
        ("H37.31.25", new_ward(pcode="H99.99"), BadRequest),
        ("H37.31.21", new_ward(), WrongState),
    ],
)
async def test_a_request_that_could_never_be_granted_is_refused(
    world: World, code: str, body: dict[str, str], error: type[Exception]
) -> None:
    with pytest.raises(error):
        await requests.ask(world.gw, await asking(world), "register", code, body)


async def test_an_approval_never_overwrites_an_agency_that_came_meanwhile(world: World) -> None:
    asked = await requests.ask(world.gw, await asking(world), "register", "H37.31.25", new_ward())
    ward = Agency(AgencyCode("H37.31.25"), "Tên trong quyết định", "commune", AgencyCode("H37.32"))
    await office.import_directory(world.gw, LOCAL, DirectoryData((ward,)), apply=True)
    with pytest.raises(WrongState, match="exists"):
        await requests.approve(world.gw, LOCAL, asked.request.id)
    assert world.gw.directory.periods_of(ward.code) == (ward,)


async def test_an_approval_that_died_half_way_is_finished_by_the_next(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = await requests.ask(world.gw, await asking(world), "register", "H37.31.25", new_ward())
    with monkeypatch.context() as patch:
        patch.setattr("gateway.flow.requests.partners.decide_request", _killed)
        with pytest.raises(OSError, match="killed"):
            await requests.approve(world.gw, LOCAL, asked.request.id)
    assert (await requests.approve(world.gw, LOCAL, asked.request.id)).decision == "approved"


def _killed(*_: object) -> bool:
    raise OSError("killed")


async def test_a_declined_request_needs_a_reason_and_is_decided_once(world: World) -> None:
    asked = await requests.ask(world.gw, await asking(world), "register", "H37.31.25", new_ward())
    with pytest.raises(BadRequest, match="reason"):
        await requests.decline(world.gw, LOCAL, asked.request.id, " ")
    await requests.decline(world.gw, LOCAL, asked.request.id, "Chưa có quyết định thành lập")
    with pytest.raises(WrongState, match="decided"):
        await requests.approve(world.gw, LOCAL, asked.request.id)
    shown = (await requests.list_requests(world.gw, LOCAL, everything=True))[0]
    assert (shown.decision, shown.reason) == ("declined", "Chưa có quyết định thành lập")


async def test_an_operator_declines_but_does_not_change_the_directory(world: World) -> None:
    operator = replace(LOCAL, role=Role.OPERATOR)
    asked = await requests.ask(world.gw, await asking(world), "register", "H37.31.25", new_ward())
    with pytest.raises(NotPermitted):
        await requests.approve(world.gw, operator, asked.request.id)
    assert (await requests.decline(world.gw, operator, asked.request.id, "trùng")).decision == "declined"


async def test_each_step_leaves_its_event(world: World) -> None:
    asked = await requests.ask(world.gw, await asking(world), "register", "H37.31.25", new_ward())
    await requests.approve(world.gw, LOCAL, asked.request.id)
    types = await world.event_types()
    for expected in ("credential.issued", "agency.requested", "directory.imported", "agency.decided"):
        assert expected in types


async def test_an_unknown_system_id_has_no_secret_to_renew(world: World) -> None:
    with pytest.raises(NotFound, match="unknown"):
        await partners.renew_secret(world.gw, LOCAL, "vxp", "nobody")


def _today(world: World) -> date:
    return local_day(world.clock.now())
