"""The agency list of the axis beside our directory, and what it took beside what it lists."""

from __future__ import annotations

import resource
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway.clock import SECOND, local_day
from gateway.delivery.daily import Daily
from gateway.errors import Busy, NotFound
from gateway.flow import operate
from gateway.flow.agency_sync import Sync, sync_agencies
from gateway.flow.operate import LOCAL
from gateway.flow.reconcile import reconcile
from gateway.model.text import AgencyCode, Instant
from gateway.port import Unavailable
from gateway.practice.axis import invented_agencies
from gateway.practice.axis_knobs import Fault
from gateway.store import collected
from gateway.store.contract import Store
from tests.flow.axis_bed import AXIS, Bed, connect, make_bed

DAY = 86_400 * SECOND


def row(code: str, name: str, pid: str = "", old: str = "") -> dict[str, Any]:
    return {
        "id": f"#{code}",
        "pid": pid and f"#{pid}",
        "code": code,
        "name": name,
        "mail": "",
        "oldCode": old,
    }


ROWS = [
    row("G22", "Văn phòng Chính phủ"),
    row("G09", "Bộ Khoa học và Công nghệ"),
    row("G09.01", "Cục Chuyển đổi số quốc gia", "G09"),  # another name than ours
    row("G09.02", "Cục Viễn thông", "G09"),
    row("G10.05", "Cục Thuế", "G10", "000.00.05.G10"),  # listed before the one above it
    row("G10", "Bộ Tài chính", "G22"),
    row("H37.03", "Sở gì đó"),  # ours: the axis does not tell us who we are
    row("H37.99", "Sở không có ở tỉnh"),
    row("TT2.01", "Đơn vị kiểm thử"),
    row("G11", "Bộ Công Thương (test)"),
    row("vxp.saas.9", "Doanh nghiệp", old="000.00.07.G10"),
    row("???", "Không rõ"),
    row("G10", "Bộ Tài chính"),
]


@pytest.fixture
async def rows() -> list[dict[str, Any]]:
    return list(ROWS)


@pytest.fixture
async def bed(store: Store, tmp_path: Path, rows: list[dict[str, Any]]) -> AsyncIterator[Bed]:
    def listed() -> Iterable[dict[str, Any]]:
        return iter(rows)

    async with make_bed(store, tmp_path, agencies=listed) as found:
        yield found


async def sync(bed: Bed, apply: bool = False) -> Sync:
    return await sync_agencies(bed.world.gw, LOCAL, "G22", apply)


def resident_bytes() -> int:
    """What this process holds of the machine's memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


async def events_of(bed: Bed, kind: str) -> list[dict[str, Any]]:
    rows = await bed.world.rows("events_after", at=0, id="", limit=10_000)
    return [orjson.loads(bytes(row["body"])) for row in rows if row["type"] == kind]


# ---------------------------------------------------------------- agencies


async def test_a_preview_says_what_is_new_and_renamed_and_changes_nothing(bed: Bed) -> None:
    before = bed.world.gw.directory.agencies
    found = await sync(bed)
    assert [agency.code for agency in found.changes.added] == ["G10.05", "G10", "TT2.01", "G11", "G10.07"]
    assert [(c.code, c.fields[0].after) for c in found.changes.changed] == [
        ("G09.01", "Cục Chuyển đổi số quốc gia")
    ]
    assert (found.ours, found.repeated, found.unreadable) == (3, 1, ("???",))
    assert bed.world.gw.directory.agencies == before
    (event,) = await events_of(bed, "directory.compared")
    assert (event["added"], event["changed"], event["listed"]) == (5, 1, len(ROWS))


async def test_an_applied_list_can_be_routed_to_and_marks_tests(bed: Bed) -> None:
    found = await sync(bed, apply=True)
    directory, today = bed.world.gw.directory, local_day(bed.world.clock.now())
    assert found.test == 2
    assert [agency.code for agency in directory.all(today) if agency.test] == ["G11", "TT2.01"]
    assert directory.resolve("vxp.saas.9") == "G10.07"
    assert directory.agency(AgencyCode("G10.05"), today) is not None
    assert directory.profile(AgencyCode("G10.05")).agency == AXIS
    assert directory.profile(AgencyCode("H37.31")).adapter == "inbox"
    assert directory.name(AgencyCode("H37.03"), today) == "Sở Thông tin và Truyền thông"
    assert directory.resolve("H37.99") is None
    again = await sync(bed)
    assert (again.changes.added, again.changes.changed, again.changes.closed) == ((), (), ())


async def test_an_agency_that_the_list_lost_is_closed(bed: Bed, rows: list[dict[str, Any]]) -> None:
    rows[:] = [one for one in rows if one["code"] != "G09.02"]
    found = await sync(bed, apply=True)
    assert [change.code for change in found.changes.closed] == ["G09.02"]
    today = local_day(bed.world.clock.now())
    assert bed.world.gw.directory.agency(AgencyCode("G09.02"), today) is None


async def test_a_list_that_lacks_many_closes_nobody(bed: Bed, rows: list[dict[str, Any]]) -> None:
    rows[:] = [one for one in rows if not one["code"].startswith("G09")]
    found = await sync(bed, apply=True)
    assert found.changes.closed == ()
    assert set(found.left_open) == {"G09", "G09.01", "G09.02"}


async def test_a_list_that_breaks_off_changes_nothing(store: Store, tmp_path: Path) -> None:
    async with make_bed(store, tmp_path, agencies=invented_agencies(5000)) as bed:
        bed.axis.knobs.turn(Fault.CUT_OFF, call="getAgenciesList")
        with pytest.raises(Unavailable):
            await sync(bed, apply=True)
        assert bed.world.gw.directory.resolve("T000.000") is None


async def test_circles_and_shared_spellings_in_the_list_do_not_stop_it(
    bed: Bed, rows: list[dict[str, Any]]
) -> None:
    rows += [
        row("G30", "Một", "G31"),
        row("G31", "Hai", "G30"),
        row("G32", "Ba", "G32"),
        row("G33", "Bốn", old="000.00.00.G30"),
        row("vxp.a1", "", old="000.00.00.G34"),
    ]
    await sync(bed, apply=True)
    directory, today = bed.world.gw.directory, local_day(bed.world.clock.now())
    assert {"G30", "G31", "G32", "G33"} <= {agency.code for agency in directory.all(today)}
    assert directory.resolve("000.00.00.G30") == "G30"


async def test_only_an_axis_that_we_come_to_can_be_asked(bed: Bed) -> None:
    with pytest.raises(NotFound):
        await sync_agencies(bed.world.gw, LOCAL, "H37.03", apply=False)


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
async def test_a_list_of_120_000_agencies_is_taken_over_within_memory(store: Store, tmp_path: Path) -> None:
    def listed() -> Iterator[dict[str, Any]]:
        for number in range(120_000):
            root, group = f"{'BCDEFGKL'[number // 15_000]}{number // 1000 % 15 + 10}", number % 1000
            old = f"{group:03d}.00.00.{root}"
            yield row(f"{root}.{group:03d}", f"Đơn vị {number}", old=old)

    async with make_bed(store, tmp_path, agencies=listed) as bed:
        before = resident_bytes()
        found = await sync(bed, apply=True)
        assert (found.listed, len(found.changes.added)) == (120_000, 120_000)
        assert len(bed.world.gw.directory.agencies) > 120_000
        assert resident_bytes() - before < 600 * 1024**2


# ---------------------------------------------------------------- reconciliation


async def test_two_sides_that_have_the_same_agree(bed: Bed) -> None:
    await bed.world.send("H37", ["G09.01"])
    await bed.carry()
    made = await reconcile(bed.world.gw, LOCAL, "G22", local_day(bed.world.clock.now()))
    assert (made.ours, made.theirs, made.agrees) == (1, 1, True)


async def test_what_only_one_side_has_is_named(bed: Bed) -> None:
    await bed.world.send("H37", ["G09.01"], number="1")
    await bed.world.send("H37", ["G09.01"], number="2")
    await bed.carry()
    lost, _ = list(bed.axis.items.values())
    strange = replace(lost, doc_id="x-recv", sender_doc_id="x-sent", notation="9/AB")
    bed.axis.messages["x-sent"] = replace(bed.axis.messages[lost.sender_doc_id], doc_id="x-sent")
    del bed.axis.items[lost.doc_id]
    bed.axis.items["x-recv"] = strange
    made = await reconcile(bed.world.gw, LOCAL, "G22", local_day(bed.world.clock.now()))
    assert [one["doc_id"] for one in made.only_ours] == [lost.sender_doc_id]
    assert [(one["doc_id"], one["notation"]) for one in made.only_theirs] == [("x-sent", "9/AB")]
    (event,) = await events_of(bed, "reconciliation.made")
    assert (event["ours"], event["theirs"], event["only_theirs"]) == (2, 2, ["x-sent"])
    kept = await bed.world.gw.store.read(lambda tx: collected.reconciliations_since(tx, made.day, 10))
    assert [one.agrees for one in kept] == [False]
    shown = bed.world.gw.metrics.registry.get_sample_value
    assert shown("gateway_reconciliation_differences", {"side": "ours"}) == 1


async def test_a_list_that_is_cut_is_no_difference(bed: Bed) -> None:
    for number in ("1", "2", "3", "4"):
        await bed.world.send("H37", ["G09.01"], number=number)
    await bed.carry()
    bed.axis.knobs.turn(Fault.PARTIAL, call="getSentEdocList", times=1)
    made = await reconcile(bed.world.gw, LOCAL, "G22", local_day(bed.world.clock.now()))
    assert (made.ours, made.theirs, made.agrees) == (4, 2, True)


async def test_another_day_is_another_comparison(bed: Bed) -> None:
    await bed.world.send("H37", ["G09.01"])
    await bed.carry()
    made = await reconcile(bed.world.gw, LOCAL, "G22", date(2020, 4, 1))
    assert (made.ours, made.theirs) == (0, 0)


async def test_the_commands_say_when_the_axis_does_not_answer(bed: Bed) -> None:
    bed.axis.knobs.turn(Fault.HTML)
    for operation in ("partner.reconcile", "directory.sync"):
        with pytest.raises(Busy) as caught:
            await operate.run(bed.world.gw, operation, {"partner": "G22"})
        assert caught.value.code == "answer.not_json"


async def test_both_comparisons_are_made_once_a_day(bed: Bed) -> None:
    daily = Daily(bed.world.gw)
    await bed.look()
    await daily.see_to(AXIS)
    await daily.see_to(AXIS)
    assert bed.axis.requests["getAgenciesList"] == 1
    assert len(await events_of(bed, "reconciliation.made")) == 1
    assert bed.world.gw.directory.resolve("G10") is None
    bed.world.clock.jump_to(Instant(bed.world.clock.now() + DAY))
    await daily.see_to(AXIS)
    assert bed.axis.requests["getAgenciesList"] == 2
    assert len(await events_of(bed, "reconciliation.made")) == 2


async def test_a_setting_lets_the_daily_list_be_applied(bed: Bed) -> None:
    await connect(bed.world, bed.axis.url, directory="apply")
    await bed.look()
    await Daily(bed.world.gw).see_to(AXIS)
    assert bed.world.gw.directory.resolve("G10") == "G10"


async def test_a_list_that_nobody_looked_at_closes_nobody_that_it_lacks(
    bed: Bed, rows: list[dict[str, Any]]
) -> None:
    rows[:] = [one for one in rows if one["code"] != "G09.02"]
    await connect(bed.world, bed.axis.url, directory="apply")
    await Daily(bed.world.gw).see_to(AXIS)
    assert bed.world.gw.directory.agency(AgencyCode("G09.02"), local_day(bed.world.clock.now())) is not None


async def test_a_list_that_calls_everybody_closed_needs_a_person(
    bed: Bed, rows: list[dict[str, Any]]
) -> None:
    rows[:] = [one | {"deleted": "true"} for one in rows]
    found = await sync_agencies(bed.world.gw, LOCAL, "G22", apply=True, unattended=True)
    assert found.changes.closed == ()
    assert set(found.left_open) == {"G09", "G09.01", "G09.02"}
    assert len((await sync(bed)).changes.closed) == 3  # a person sees it, and may apply it


async def test_a_list_cannot_take_a_code_of_our_side_that_nobody_has_yet(
    bed: Bed, rows: list[dict[str, Any]]
) -> None:
    rows.append(row("G99.01", "Đơn vị lạ", old="H37.98"))
    await sync(bed, apply=True)
    assert bed.world.gw.directory.resolve("G99.01") == "G99.01"
    assert bed.world.gw.directory.resolve("H37.98") is None


async def test_characters_that_no_text_holds_do_not_stop_the_list(
    bed: Bed, rows: list[dict[str, Any]]
) -> None:
    rows += [row("G50", "Bộ\x00 lạ\x1b[2J"), row("G51\x00", "Bộ khác"), row("vxp.\x07", "Bộ nữa", old="G52")]
    found = await sync(bed, apply=True)
    today = local_day(bed.world.clock.now())
    assert bed.world.gw.directory.name(AgencyCode("G50"), today) == "Bộ lạ [2J"
    assert found.unreadable == ("???", "G51 ", "vxp. ")


async def test_a_row_without_end_is_given_up(bed: Bed, rows: list[dict[str, Any]]) -> None:
    rows[:] = [row("G10", "x" * 1_000_000)]
    with pytest.raises(Unavailable):
        await sync(bed)


async def test_a_comparison_that_breaks_is_not_made_again_at_once(
    bed: Bed, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr("gateway.delivery.daily.reconcile", broken)
    daily = Daily(bed.world.gw)
    with pytest.raises(RuntimeError):
        await daily.see_to(AXIS)
    await daily.see_to(AXIS)
