"""Objectives that are missed too fast: raised once, over when it stays calm, aware of working hours."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from gateway.delivery.alert_senders import AlertSender
from gateway.delivery.alerts import Alerting
from gateway.directory.data import DirectoryData
from gateway.errors import BadRequest, NotFound, NotPermitted
from gateway.flow import alerts
from gateway.flow.door import Caller
from gateway.flow.operate import LOCAL, run
from gateway.model.agency import Agency
from gateway.model.objective import Measure, Span
from gateway.model.text import AgencyCode
from gateway.net import Net
from gateway.store.contract import Store
from gateway.store.people import Role
from tests.flow.alert_bed import UNREAD, Watched, settings, watching
from tests.world import make_world

AUDITOR = Caller("auditor-1", "Thanh tra viên", Role.AUDITOR, frozenset())


@pytest.fixture
async def watched(store: Store, tmp_path: Path) -> AsyncIterator[Watched]:
    async with watching(store, tmp_path, settings()) as made:
        yield made


# ------------------------------------------------------------------ raised and over


async def test_documents_that_nobody_fetches_for_four_working_hours_raise_an_alert(watched: Watched) -> None:
    await watched.stuck()
    found = {(one.agency, one.measure, one.span, one.due, one.missed) for one in await watched.open()}
    assert found == {
        (UNREAD, Measure.FETCHED, Span.FAST, 5, 5),
        (UNREAD, Measure.FETCHED, Span.SLOW, 5, 5),
    }
    bodies = await watched.events("alert.raised")
    assert {(body["agency"], body["burn_hundredths"]) for body in bodies} == {(UNREAD, 2000)}


async def test_before_four_working_hours_are_over_there_is_no_alert(watched: Watched) -> None:
    watched.at(14, 8, 30)
    await watched.send(5)
    watched.at(14, 13, 59)  # lunch does not count
    assert await watched.watch.round() == (0, 0)
    watched.at(14, 14, 1)
    await watched.watch.round()
    assert len(await watched.open()) == 2


async def test_a_night_and_a_weekend_are_no_waiting_time(watched: Watched) -> None:
    watched.at(17, 16)  # Friday
    await watched.send(5)
    watched.at(20, 9)  # Monday: two working hours and a half
    await watched.watch.round()
    assert await watched.open() == []
    watched.at(20, 10, 31)
    await watched.watch.round()
    assert {one.span for one in await watched.open()} == {Span.FAST, Span.SLOW}


async def test_nobody_is_alerted_outside_working_hours(watched: Watched) -> None:
    watched.at(14, 8)
    await watched.send(5)
    watched.at(14, 20)
    assert await watched.watch.round() == (0, 0)
    watched.at(15, 7, 30)
    assert await watched.watch.round() == (1, 0)


async def test_an_agency_that_fetches_in_time_is_none(watched: Watched) -> None:
    watched.at(14, 8)
    await watched.send(5)
    watched.at(14, 11)
    await watched.world.fetch(UNREAD)
    watched.at(14, 14)
    assert await watched.watch.round() == (0, 0)


async def test_what_was_not_acknowledged_the_same_day_is_told_the_next_morning(watched: Watched) -> None:
    watched.at(14, 8)
    await watched.send(5)
    watched.at(14, 9)
    await watched.world.fetch(UNREAD)  # arrived, but no 02 or 03
    watched.at(14, 16, 59)
    assert await watched.watch.round() == (0, 0)
    watched.at(15, 7, 31)
    await watched.watch.round()
    assert {one.measure for one in await watched.open()} == {Measure.ACKNOWLEDGED}


async def test_an_acknowledgement_on_the_day_of_arrival_is_in_time(watched: Watched) -> None:
    watched.at(14, 8)
    await watched.send(5)
    watched.at(14, 9)
    fetched = await watched.world.fetch(UNREAD)
    watched.at(14, 20)  # late in the evening, but the same day
    for one in fetched:
        await watched.world.report(UNREAD, "03", one.item.document_id)
    watched.at(15, 8)
    assert await watched.watch.round() == (0, 0)


async def test_an_alert_that_goes_on_is_raised_once(watched: Watched) -> None:
    await watched.stuck()
    watched.at(14, 14, 5)
    assert await watched.watch.round() == (0, 0)
    assert len(await watched.events("alert.raised")) == 2


async def test_two_nodes_raise_it_once(watched: Watched) -> None:
    other = Alerting(watched.world.gw)
    watched.at(14, 8)
    await watched.send(5)
    watched.at(14, 14)
    assert await watched.watch.round() == (2, 0)
    assert await other.round() == (0, 0)


async def test_a_loop_that_begins_anew_counts_what_came_due_before_its_start(watched: Watched) -> None:
    watched.at(14, 8)
    await watched.send(5)
    watched.at(15, 9)
    assert await Alerting(watched.world.gw).round() == (1, 0)  # the slow span; the last hour was quiet


async def test_an_alert_is_over_only_after_it_stayed_calm(watched: Watched) -> None:
    await watched.stuck()
    await watched.world.fetch(UNREAD)
    watched.at(14, 15, 30)  # nothing came due within the hour, nothing waits
    assert await watched.watch.round() == (0, 0)
    watched.at(14, 16)
    assert await watched.watch.round() == (0, 0)  # calm for half an hour only
    watched.at(14, 16, 31)
    assert await watched.watch.round() == (0, 1)
    [ended] = await watched.events("alert.ended")
    assert ended["span"] == "fast"
    assert [one.span for one in await watched.open()] == [Span.SLOW]


async def test_an_hour_without_new_documents_does_not_end_the_alert_of_a_stuck_system(
    watched: Watched,
) -> None:
    await watched.stuck()
    watched.at(14, 15, 30)
    await watched.watch.round()
    watched.at(14, 16, 59)
    assert await watched.watch.round() == (0, 0)
    assert all(one.calm_since is None for one in await watched.open())


async def test_an_agency_beyond_the_province_is_not_watched(store: Store, tmp_path: Path) -> None:
    beyond = Agency(AgencyCode("G22"), "Văn phòng Chính phủ", "outside", None)
    async with make_world(store, tmp_path, agencies=DirectoryData((beyond,))) as world:
        watched = Watched(world, Alerting(world.gw), AlertSender(world.gw, Net("", 5)))
        watched.at(14, 8)
        await watched.send(5, to="G22")
        watched.at(14, 14)
        assert await watched.watch.round() == (0, 0)


async def test_an_agency_without_an_objective_raises_none(watched: Watched) -> None:
    await alerts.set_objective(watched.world.gw, LOCAL, Measure.FETCHED, 0, "Chưa có phần mềm", 240, UNREAD)
    await watched.stuck()
    assert await watched.open() == []


# ------------------------------------------------------------------ objectives


async def test_an_objective_of_an_agency_takes_the_place_of_everybodys(watched: Watched) -> None:
    watched.at(14, 7)
    await alerts.set_objective(watched.world.gw, LOCAL, Measure.FETCHED, 900, "Cần nhanh hơn", 60, UNREAD)
    watched.at(14, 8)
    await watched.send(5)
    watched.at(14, 9, 1)
    await watched.watch.round()
    [changed] = await watched.events("objective.changed")
    assert (changed["agency"], changed["per_mille"], changed["minutes"]) == (UNREAD, 900, 60)
    assert {round(one.burn) for one in await watched.open()} == {10}


async def test_an_objective_that_was_ended_gives_way_and_cannot_end_twice(watched: Watched) -> None:
    gw = watched.world.gw
    made = await alerts.set_objective(gw, LOCAL, Measure.FETCHED, 0, "Tạm dừng", 240, UNREAD)
    await alerts.end_objective(gw, LOCAL, made.id, "Hoạt động lại")
    await watched.stuck()
    assert len(await watched.open()) == 2
    with pytest.raises(NotFound):
        await alerts.end_objective(gw, LOCAL, made.id, "Lần nữa")


async def test_an_alert_is_over_when_its_objective_is_taken_away(watched: Watched) -> None:
    await watched.stuck()
    await alerts.set_objective(watched.world.gw, LOCAL, Measure.FETCHED, 0, "Đang nâng cấp", 240, UNREAD)
    watched.at(14, 14, 10)
    await watched.watch.round()
    watched.at(14, 15, 11)
    await watched.watch.round()
    assert [one.span for one in await watched.open()] == [Span.SLOW]


async def test_objectives_need_an_administrator_a_reason_and_days_to_come(watched: Watched) -> None:
    gw = watched.world.gw
    with pytest.raises(NotPermitted):
        await alerts.set_objective(gw, AUDITOR, Measure.FETCHED, 900, "Vì", 60)
    for wrong in ({"per_mille": 1000}, {"reason": " "}, {"valid_from": date(2020, 4, 12)}, {"minutes": -1}):
        given: dict[str, Any] = {"per_mille": 900, "reason": "Vì", "minutes": 60} | wrong
        with pytest.raises(BadRequest):
            await alerts.set_objective(gw, LOCAL, Measure.FETCHED, **given)
    with pytest.raises(NotFound):
        await alerts.set_objective(gw, LOCAL, Measure.FETCHED, 900, "Vì", 60, "H99")


async def test_an_agency_sees_its_own_alerts_only(watched: Watched) -> None:
    gw = watched.world.gw
    await watched.stuck()
    own = await alerts.show_alerts(gw, watched.world.caller(UNREAD), UNREAD)
    assert [one["agency"] for one in own["alerts"]] == [UNREAD, UNREAD]
    assert "notices" not in own
    for code in ("", "H37"):
        with pytest.raises(NotPermitted):
            await alerts.show_alerts(gw, watched.world.caller(UNREAD), code)
    assert (await run(gw, "alerts.show", {}, AUDITOR))["alerts"] == own["alerts"]
