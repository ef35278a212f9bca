"""What agencies declare of their registers: all lines or none, by who may, compared with what was seen."""

from __future__ import annotations

from datetime import date
from typing import Any

import orjson
import pytest

from gateway.errors import BadRequest, NotPermitted
from gateway.flow import declared
from gateway.flow.declared import Taken, Total, read_totals_csv
from gateway.flow.door import Caller
from gateway.flow.operate import LOCAL, run
from gateway.model.text import AgencyCode
from gateway.store import declared as rows
from gateway.store.people import Role
from tests.world import World

DAY = date(2020, 4, 13)
AUDITOR = Caller("auditor-1", "Thanh tra viên", Role.AUDITOR, frozenset())
CLERK = Caller("clerk-1", "Văn thư", Role.CLERK, frozenset({AgencyCode("H37.03")}))
HEADER = "agency,from,to,outgoing_total,paper_only,secret_count,to_non_state"


def total(agency: str = "H37", number: int = 12, **fields: Any) -> Total:
    given = {"from_day": DAY, "to_day": DAY} | fields
    return Total(agency, outgoing_total=number, **given)


async def declare(world: World, *totals: Total, caller: Caller | None = None) -> list[Taken]:
    return await declared.declare(world.gw, caller or world.caller("H37"), totals, "api")


async def kept(world: World, **fields: Any) -> list[rows.Declared]:
    given = {"from_day": DAY, "to_day": DAY} | fields
    return await world.gw.store.read(lambda tx: rows.within(tx, **given))


async def bodies(world: World) -> list[dict[str, Any]]:
    found = await world.rows("events_after", at=0, id="", limit=10_000)
    mine = [row for row in found if row["type"] == "totals.declared"]
    return [orjson.loads(bytes(row["body"])) for row in mine]  # type: ignore[call-overload]


async def test_a_declaration_is_a_row_and_an_event_with_its_days(world: World) -> None:
    await declare(world, total(paper_only=2, secret_count=1, to_non_state=3))
    [body] = await bodies(world)
    said = {name: body[name] for name in ("agency", "from", "to", "outgoing_total", "paper_only",
            "secret_count", "to_non_state", "source")}  # fmt: skip
    assert said == {
        "agency": "H37", "from": "2020-04-13", "to": "2020-04-13", "outgoing_total": 12, "paper_only": 2,
        "secret_count": 1, "to_non_state": 3, "source": "api",
    }  # fmt: skip
    [row] = await kept(world)
    assert (row.agency, row.outgoing_total, row.event) == ("H37", 12, body["id"])


async def test_the_leaf_first_code_declares_for_the_same_agency(world: World) -> None:
    [taken] = await declare(world, total("000.00.00.H37"))
    assert taken.declared.agency == "H37"


async def test_a_later_declaration_of_the_same_days_takes_the_place_and_the_first_one_stays(
    world: World,
) -> None:
    [first] = await declare(world, total())
    [second] = await declare(world, total(number=15))
    assert (first.replaced, second.replaced) == (False, True)
    assert [one.outgoing_total for one in await kept(world)] == [15]
    assert [one.outgoing_total for one in await kept(world, replaced=True)] == [12, 15]
    assert len(await bodies(world)) == 2


async def test_other_days_that_overlap_are_told(world: World) -> None:
    await declare(world, total(from_day=date(2020, 4, 1)))
    [taken] = await declare(world, total())
    assert (taken.replaced, taken.overlaps) == (False, 1)


async def test_a_total_below_what_the_gateway_took_is_told_as_a_contradiction(world: World) -> None:
    for number in ("1", "2"):
        await world.send(number=number)
    [low] = await declare(world, total(number=1))
    [right] = await declare(world, total(number=2))
    assert (low.observed, low.contradicts) == (2, True)
    assert not right.contradicts


async def test_nobody_declares_for_another_agency(world: World) -> None:
    with pytest.raises(NotPermitted) as caught:
        await declare(world, total(), total("H37.05"))
    assert caught.value.code == "totals.not_yours"
    with pytest.raises(NotPermitted):
        await declare(world, total(), caller=AUDITOR)
    assert await kept(world) == []


async def test_an_operator_declares_what_agencies_told(world: World) -> None:
    await declare(world, total(), total("H37.05"), caller=LOCAL)
    assert [one.agency for one in await kept(world)] == ["H37", "H37.05"]


async def test_a_clerk_types_the_numbers_of_the_own_agency(world: World) -> None:
    taken = await declared.declare_one(world.gw, CLERK, "H37.03", DAY, DAY, 7)
    assert taken.declared.source == "form"
    with pytest.raises(NotPermitted):
        await declared.declare_one(world.gw, CLERK, "H37", DAY, DAY, 7)


@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        (total("H99"), "totals.1.agency"),
        (total(number=-1), "totals.1.outgoing_total"),
        (total(number=10**9), "totals.1.outgoing_total"),
        (total(number=1, paper_only=2), "totals.1.outgoing_total"),
        (total(to_day=date(2020, 4, 12)), "totals.1.to"),
        (total(to_day=date(2020, 4, 14)), "totals.1.to"),
        (total(from_day=date(2018, 4, 13)), "totals.1.to"),
        (total("H37.03"), "totals.1.agency"),
    ],
    ids=["unknown", "negative", "huge", "parts", "backwards", "future", "too-long", "twice"],
)
async def test_one_wrong_line_and_nothing_is_taken(world: World, wrong: Total, where: str) -> None:
    with pytest.raises(BadRequest) as caught:
        await declare(world, total("H37.03"), wrong, caller=LOCAL)
    assert [finding.where for finding in caught.value.findings] == [where]
    assert await kept(world) == []


async def test_an_empty_declaration_is_refused(world: World) -> None:
    with pytest.raises(BadRequest):
        await declare(world)


async def test_a_csv_file_from_a_spreadsheet_is_taken_whole(world: World) -> None:
    text = f"\ufeff{HEADER}\nH37.03,2020-04-13,2020-04-13,5,,,\nH37.05,2020-04-06,2020-04-12,40,1,2,3\n"
    taken = await declared.declare_csv(world.gw, LOCAL, text)
    assert [(one.declared.agency, one.declared.outgoing_total) for one in taken] == [
        ("H37.03", 5),
        ("H37.05", 40),
    ]
    assert {one.declared.source for one in taken} == {"csv"}


def test_semicolons_are_read_as_well() -> None:
    [line] = read_totals_csv(f"{HEADER.replace(',', ';')}\nH37;2020-04-13;2020-04-13;5;0;0;0")
    assert line == Total("H37", DAY, DAY, 5)


@pytest.mark.parametrize(
    ("line", "where"),
    [
        ("H37,13/04/2020,2020-04-13,5,0,0,0", "line 2, from"),
        ("H37,2020-04-13,2020-04-13,five,0,0,0", "line 2, outgoing_total"),
        ("H37,2020-04-13,2020-04-13,,0,0,0", "line 2, outgoing_total"),
        ("H37,2020-04-13,2020-04-13,5,0,-1,0", "line 2, secret_count"),
        ("H37,2020-04-13,2020-04-13,5,0,1.5,0", "line 2, secret_count"),
    ],
)
def test_a_wrong_cell_of_a_csv_file_is_named(line: str, where: str) -> None:
    with pytest.raises(BadRequest) as caught:
        read_totals_csv(f"{HEADER}\n{line}\n")
    assert [finding.where for finding in caught.value.findings] == [where]


@pytest.mark.parametrize("text", ["", "agency,from\nH37,2020-04-13\n", "not a table"])
def test_a_csv_file_without_its_columns_is_refused(text: str) -> None:
    with pytest.raises(BadRequest) as caught:
        read_totals_csv(text)
    assert caught.value.code == "totals.columns"


async def test_agencies_see_their_own_declarations_and_auditors_all(world: World) -> None:
    await declare(world, total(), total("H37.05"), caller=LOCAL)
    assert len(await declared.list_declared(world.gw, AUDITOR, DAY, DAY)) == 2
    own = await declared.list_declared(world.gw, world.caller("H37.05"), DAY, DAY, "H37.05")
    assert [one.agency for one in own] == ["H37.05"]
    for agency in ("", "H37"):
        with pytest.raises(NotPermitted):
            await declared.list_declared(world.gw, world.caller("H37.05"), DAY, DAY, agency)


async def test_the_command_line_imports_a_file(world: World) -> None:
    answer = await run(world.gw, "totals.import", {"text": f"{HEADER}\nH37,2020-04-13,2020-04-13,5,0,0,0\n"})
    assert [line["declared"]["agency"] for line in answer] == ["H37"]
