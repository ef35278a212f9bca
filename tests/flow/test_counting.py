"""The figures kept: counted as leaves come, equal to counting all at once, renewed with reference data."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from gateway import app
from gateway.clock import SECOND, ScenarioClock, SystemClock
from gateway.compliance import counting, drilling
from gateway.compliance.scorecard import ALL, scorecard
from gateway.compliance.sums import by_agency_and_level, by_day, sums_by_level
from gateway.config import load
from gateway.delivery.figures import Figures
from gateway.directory.data import DirectoryData
from gateway.errors import Refused
from gateway.flow import declared, record
from gateway.flow.operate import LOCAL
from gateway.model.agency import Agency, Succession, SuccessionKind
from gateway.model.envelope import Kind
from gateway.model.event import EventType
from gateway.model.text import AgencyCode, Instant
from gateway.practice.synthetic_home import simulate
from gateway.practice.synthetic_plan import Plan
from gateway.services import Services
from gateway.store import events, figures
from gateway.store.contract import Store
from tests.world import World, make_world

DAY = date(2020, 4, 13)
H37, STT, SYT = AgencyCode("H37"), AgencyCode("H37.03"), AgencyCode("H37.05")
FIRST = "H37,2020/04/13,362/UBND-KGVX"
MADE_UP = (date(2020, 4, 10), date(2020, 4, 19))
TABLES = ("figure_documents_of_days", "figure_deliveries_of_days", "figure_arrivals_of_days")


async def counted(world: World, day: date = DAY) -> dict[AgencyCode, dict[str, int]]:
    """The sums of a day, everything sequenced and counted."""
    await world.gw.sequencer.advance(publish=True)
    await counting.catch_up(world.gw)
    return await counting.sums(world.gw, day, day)


async def everything(gw: Services) -> dict[str, Any]:
    """What the tables hold."""
    span = ("2000-01-01", "2100-01-01")
    place = figures.Place()
    found: dict[str, Any] = {}
    for query in TABLES:
        rows = await gw.store.read(
            lambda tx: figures.records(tx, query, *span, "", "", place, 10**6)  # noqa: B023
        )
        found[query] = [dict(row) for row in rows]
    rows = await gw.store.read(lambda tx: figures.counts_by_day(tx, *span))
    found["counts"] = [dict(row) for row in rows]
    found["series"] = await gw.store.read(lambda tx: figures.series(tx, *span))
    found["recalls"] = [dict(row) for row in await gw.store.read(lambda tx: figures.recalls(tx, *span))]
    return found


@pytest.fixture(scope="module")
def made_up(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten days of a small made-up province."""
    home = tmp_path_factory.mktemp("province") / "home"
    asyncio.run(simulate(home, Plan(MADE_UP[0], 10, 20)))
    return home


@pytest.fixture
async def province(made_up: Path) -> AsyncIterator[Services]:
    """The same, opened; its figures forgotten."""
    gw = await app.open_services(made_up, load(made_up), ScenarioClock(SystemClock().now()), "counting")
    await gw.store.write(figures.forget)
    yield gw
    await gw.close()


async def test_a_document_counts_for_its_sender_and_a_delivery_for_its_recipient(world: World) -> None:
    await world.send("H37", to=["H37.03", "H37.05"])
    await world.fetch("H37.03")
    found = await counted(world)
    assert found[H37]["D.sent"] == 1
    assert found[H37]["D.recipients"] == 2
    assert found[H37]["K2.none"] == 1
    assert found[STT]["R.n"] == 1
    assert found[STT]["K5.system"] == 1
    assert found[STT]["K5.none"] == 1
    assert found[SYT] == {"R.n": 1, "K8.never": 1, "K8.young": 1}


async def test_an_update_makes_no_document_and_a_replacement_does(world: World) -> None:
    await world.send("H37", to=["H37.03"])
    await world.send("H37", to=["H37.05"], kind=Kind.UPDATE, document_id=FIRST, added=["H37.05"])
    await world.send("H37", to=["H37.03"], kind=Kind.REPLACE, number="363", replaces=[FIRST])
    found = await counted(world)
    assert found[H37]["D.sent"] == 2
    assert found[H37]["D.replace"] == 1
    assert found[H37]["D.recipients"] == 3


async def test_what_was_young_grows_old_with_the_data(world: World) -> None:
    await world.send("H37", to=["H37.03"])
    assert (await counted(world))[STT]["K8.young"] == 1
    world.clock.jump_to(Instant(world.clock.now() + 48 * 3600 * SECOND))
    await world.send("H37", to=["H37.05"], number="363")
    assert "K8.young" not in (await counted(world))[STT]
    assert (await counted(world))[STT]["K8.never"] == 1


async def test_a_late_status_changes_the_day_that_it_belongs_to(world: World) -> None:
    await world.send("H37", to=["H37.03"])
    await world.fetch("H37.03")
    assert (await counted(world))[STT]["K5.none"] == 1
    world.clock.jump_to(Instant(world.clock.now() + 30 * 86_400 * SECOND))
    await world.report("H37.03", "03", FIRST)
    found = (await counted(world))[STT]
    assert found["K5.later"] == found["K11.n"] == found["K11.young"] == 1
    assert "K5.none" not in found


async def test_a_secret_document_is_counted_as_a_refusal_and_nowhere_else(world: World) -> None:
    with pytest.raises(Refused):
        await world.send("H37", to=["H37.03"], subject="TỐI MẬT")
    assert (await counted(world))[H37] == {"G.secret": 1}


async def test_the_tables_say_which_leaves_they_stand_for(world: World) -> None:
    await world.send("H37", to=["H37.03"])
    await counted(world)
    seen = await counting.as_of(world.gw)
    assert seen.size == await counting.rebuild(world.gw)
    assert len(seen.root) == 64
    newest = await world.rows("events_after", at=0, id="", limit=10_000)
    assert seen.at == max(int(str(row["at"])) for row in newest)


async def test_an_approved_outage_counts_once_its_event_is_counted_and_no_more_when_withdrawn(
    world: World,
) -> None:
    await world.send("H37", to=["H37.03"])
    await world.fetch("H37.03")
    assert (await counted(world))[STT]["K5x.n"] == 1
    at = world.clock.now()
    told = {"outage": "o1", "from": at, "to": at + 3600 * SECOND, "agency": ""}
    await _record(world, EventType.OUTAGE_RECORDED, told)
    assert "K5x.n" not in (await counted(world))[STT]
    await _record(world, EventType.OUTAGE_WITHDRAWN, {"outage": "o1"})
    assert (await counted(world))[STT]["K5x.n"] == 1


async def _record(world: World, kind: EventType, told: dict[str, Any]) -> None:
    made = record.event(world.gw, kind, record.GATEWAY, world.clock.now(), facts=told)
    await world.gw.store.write(lambda tx: events.record(tx, made))


@pytest.mark.parametrize("size", [1, 7, 100_000])
async def test_batches_of_any_size_give_the_same_tables(world: World, size: int) -> None:
    await world.send("H37", to=["H37.03", "H37.05"])
    await world.send("H37", to=["H37.03"], number="363")
    await world.fetch("H37.03")
    await world.report("H37.03", "02", FIRST)
    await world.send("H37", to=["H37.05"], number="362", document_id="another", notation="UBND-KGVX")
    await counted(world)
    at_once = await everything(world.gw)
    await world.gw.store.write(figures.forget)
    await counting.renew(world.gw)
    while await counting.count(world.gw, size):
        pass
    assert await everything(world.gw) == at_once
    assert len(at_once["figure_documents_of_days"]) == 3


async def test_a_made_up_province_counts_the_same_in_small_batches(province: Services) -> None:
    await counting.catch_up(province)
    at_once = await everything(province)
    await province.store.write(figures.forget)
    await counting.renew(province)
    while await counting.count(province, 83) or await counting.renew(province):
        pass  # an outage is recorded on the way
    assert await everything(province) == at_once
    assert len(at_once["figure_documents_of_days"]) > 50


@pytest.mark.parametrize("change", [{"pull_hours": 1}, {"clock_seconds": 1}, {"morning_until": "08:00"}])
async def test_other_clocks_give_what_counting_with_them_from_the_start_gives(
    province: Services, change: dict[str, Any]
) -> None:
    await counting.catch_up(province)
    before = await everything(province)
    clocks = province.config.figures.model_copy(update=change)
    province.config = province.config.model_copy(update={"figures": clocks})
    assert await counting.renew(province)
    await counting.catch_up(province)
    renewed = await everything(province)
    await counting.rebuild(province)
    assert await everything(province) == renewed
    assert renewed["counts"] != before["counts"]


async def test_nothing_is_counted_while_the_tables_stand_for_other_reference_data(province: Services) -> None:
    await counting.renew(province)
    await counting.count(province, 100)
    clocks = province.config.figures.model_copy(update={"urgent_minutes": 1})
    province.config = province.config.model_copy(update={"figures": clocks})
    assert await counting.count(province, 100) == 0
    await counting.renew(province)
    assert await counting.count(province, 100) == 100


async def test_the_loop_counts_batch_by_batch(province: Services) -> None:
    loop = Figures(province)
    rounds = 1
    while await loop.round():
        rounds += 1
    assert rounds > 2
    assert await province.store.read(figures.leaves_left) == 0


async def test_levels_days_and_agencies_add_up_to_the_same(province: Services) -> None:
    await counting.catch_up(province)
    card = await scorecard(province, *MADE_UP)
    by_level = await sums_by_level(province, *MADE_UP)
    days = await by_day(province, *MADE_UP)
    for name in ("D.sent", "K2.both", "K5.n", "R.n", "Kf.n", "K8.never"):
        whole = card.whole[name]
        assert whole > 0
        assert sum(counts.get(name, 0) for counts in card.agencies.values()) == whole, name
        assert sum(counts.get(name, 0) for counts in by_level.values()) == whole, name
        assert sum(one.counts.get(name, 0) for one in days) == whole, name
    assert {"province", "district", "commune"} <= card.levels.keys()


DOCUMENTS = ("D.sent", "K2.both", "K2.leader", "C4.fail", "K9.pass", "K3.qd28", "K10.full", "D.held")
DELIVERIES = ("R.n", "K5.none", "K5.same_day", "K6.refused", "K8.never", "K8.young", "K11.young", "K7.asked")


@pytest.mark.parametrize("measure", [*DOCUMENTS, *DELIVERIES])
async def test_a_list_is_as_long_as_its_figure(province: Services, measure: str) -> None:
    await counting.catch_up(province)
    whole = (await scorecard(province, *MADE_UP)).whole
    listed = drilling.documents if measure in DOCUMENTS else drilling.deliveries
    rows: list[drilling.Found] = []
    after, going = "", True
    while going:
        page = await listed(province, measure, from_=MADE_UP[0], to=MADE_UP[1], limit=17, after=after)
        rows, after, going = rows + list(page.rows), page.cursor, bool(page.cursor)
    assert len(rows) == whole.get(measure, 0)
    if measure in DOCUMENTS:
        assert len({row.id for row in rows}) == len(rows)
        assert all(measure in row.outcome for row in rows)


async def test_a_failed_clause_shows_what_it_rests_on(world: World) -> None:
    await world.send("H37", to=["H37.03"])
    await counted(world)
    page = await drilling.documents(world.gw, "C4.fail", agency="H37", from_=DAY, to=DAY)
    [row] = page.rows
    assert row.document_id == FIRST
    assert "C4:signature:none" in row.evidence


async def test_a_day_is_read_again_as_the_agencies_are_organised_later(store: Store, tmp_path: Path) -> None:
    merged = AgencyCode("H37.31")
    old = Agency(AgencyCode("H37.31.21"), "UBND phường cũ", "commune", merged)
    closed = replace(old, period=replace(old.period, end=date(2020, 4, 14)))
    data = DirectoryData(
        agencies=(closed,),
        successions=(Succession(old.code, merged, SuccessionKind.MERGE, date(2020, 4, 15)),),
    )
    async with make_world(store, tmp_path, agencies=data) as world:
        await world.send(str(old.code), to=["H37.03"])
        await counted(world)
        then = await scorecard(world.gw, DAY, DAY)
        now = await scorecard(world.gw, DAY, DAY, organised_on=date(2020, 5, 1))
    assert then.agencies[old.code]["D.sent"] == 1
    assert now.agencies[merged]["D.sent"] == 1
    assert old.code not in now.agencies
    assert now.levels["district"]["D.sent"] == 1


async def test_the_number_series_bounds_what_was_issued(world: World) -> None:
    for number in ("10", "12", "19"):
        await world.send("H37", to=["H37.03"], number=number)
    await counted(world)
    card = await scorecard(world.gw, DAY, DAY)
    one = next(found for found in card.outgoing if found.agency == H37)
    assert (one.total, one.source) == (19, "estimated")
    whole = next(found for found in card.rates if found.key == "K1" and found.scope == ALL)
    assert (whole.numerator, whole.denominator, whole.source) == (3, 19, "estimated")


async def test_who_declares_a_register_and_sends_nothing_stays_in_the_share(world: World) -> None:
    for code, total in (("H37.31", 1), ("H37.32", 99)):
        await declared.declare_one(world.gw, LOCAL, code, DAY, DAY, total)
    await world.send("H37.31", to=["H37.03"], number="1")
    await counted(world)
    card = await scorecard(world.gw, DAY, DAY)
    k1 = {one.scope: (one.numerator, one.denominator) for one in card.rates if one.key == "K1"}
    assert k1["district"] == (1, 100)
    assert k1[ALL] == (1, 100)
    alone = await scorecard(world.gw, DAY, DAY, agency="H37.31")
    assert [one.agency for one in alone.outgoing] == ["H37.31"]


async def test_an_agency_that_closed_in_the_period_stays_in_the_share_of_its_level(
    store: Store, tmp_path: Path
) -> None:
    old = Agency(AgencyCode("H37.31.21"), "UBND phường cũ", "commune", AgencyCode("H37.31"))
    closed = replace(old, period=replace(old.period, end=date(2020, 4, 14)))
    async with make_world(store, tmp_path, agencies=DirectoryData(agencies=(closed,))) as world:
        await world.send(str(old.code), to=["H37.03"], number="10")
        await counted(world)
        card = await scorecard(world.gw, DAY, date(2020, 4, 19))
    k1 = {one.scope: (one.numerator, one.denominator) for one in card.rates if one.key == "K1"}
    assert k1["commune"] == k1[ALL] == (1, 10)


async def test_test_agencies_are_in_no_figure(store: Store, tmp_path: Path) -> None:
    data = DirectoryData(agencies=(Agency(H37, "UBND tỉnh", "province", None, test=True),))
    async with make_world(store, tmp_path, agencies=data) as world:
        await world.send("H37", to=["H37"])
        await counted(world)
        assert await by_agency_and_level(world.gw, DAY, DAY) == {}
