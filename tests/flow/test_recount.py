"""Two programs, written apart, give the same figures: over real exchanges, and over a made-up province."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from gateway import app
from gateway.calendar_data import shipped_calendar
from gateway.clock import SECOND, ScenarioClock, SystemClock
from gateway.compliance import reports
from gateway.compliance.frozen import digest_of
from gateway.compliance.recount_compare import Outcome, recount_report
from gateway.config import load
from gateway.errors import DuplicateConflict
from gateway.exchange_log.sequence import log_keys
from gateway.flow import calendar
from gateway.flow.log_export import export_log
from gateway.flow.operate import LOCAL
from gateway.model.calendar import Calendar, Day, DayKind
from gateway.model.envelope import Kind
from gateway.model.text import Bilingual
from gateway.practice.synthetic_home import simulate
from gateway.practice.synthetic_plan import Plan
from gateway.services import Services
from tests.world import World

DAY = 86_400 * SECOND
FIRST = "H37,2020/04/13,362/UBND-KGVX"


async def report_of(gw: Services, period: str) -> dict[str, Any]:
    """A report as it would be published."""
    await gw.sequencer.advance(publish=True)
    body = await reports.make(gw, LOCAL, period)
    return {"body": body, "sha256": digest_of(body), "jws": ""}


async def export(gw: Services, folder: Path) -> Path:
    """The log as an auditor gets it."""
    file = folder / "exported"
    with file.open("wb") as opened:
        async for part in export_log(gw):
            opened.write(part)
    return file


async def agreed(gw: Services, folder: Path, period: str) -> Outcome:
    """Both programs, compared; signed checkpoints verified."""
    report = await report_of(gw, period)
    believed = "\n".join(str(key) for key in log_keys(gw.keyring))
    return recount_report(await export(gw, folder), report, believed, gw.clock.now() / SECOND)


def rates(report: dict[str, Any]) -> set[tuple[str, str]]:
    return {(row["scope"], row["key"]) for row in report["body"]["rates"]}


def told(outcome: Outcome) -> list[object]:
    """What a failing test shows."""
    return [*(reason.text.en for reason in outcome.reasons), *(cell.as_json() for cell in outcome.cells)]


async def test_two_programs_give_the_same_figures(world: World, tmp_path: Path) -> None:
    await world.send("H37", to=["H37.03", "H37.05"])
    await world.send("H37", to=["H37.03"], number="363", priority=2)
    await world.fetch("H37.03")
    await world.report("H37.03", "03", FIRST, timestamp="2020/04/13 08:00:00")
    await world.report("H37.03", "02", FIRST, timestamp="2020/04/13 09:00:00")
    await world.send("H37", to=["H37.05"], kind=Kind.UPDATE, document_id=FIRST, added=["H37.05"])
    await world.send("H37", to=["H37.03"], kind=Kind.REPLACE, number="364", replaces=[FIRST])
    await world.send("H37", to=["H37.03", "H37.05"])  # again
    with pytest.raises(DuplicateConflict):
        await world.send("H37", to=["H37.03"], number="999", document_id=FIRST)
    await world.send("H37", to=["H37.03"], kind=Kind.REVOKE, document_id=FIRST)
    await world.report("H37.03", "15", FIRST)
    outcome = await agreed(world.gw, tmp_path, "2020-W16")
    assert told(outcome) == []
    assert outcome.counts["H37"]["D.sent"] == 3
    assert outcome.counts["H37.03"]["K7.confirmed"] == 1
    assert outcome.counts["H37"]["K14.conflict"] == 1
    assert outcome.compared > 50


async def test_late_statuses_change_a_later_report_and_no_earlier_one(world: World, tmp_path: Path) -> None:
    await world.send("H37", to=["H37.03"])
    await world.fetch("H37.03")
    before = await report_of(world.gw, "2020-W16")
    await world.report("H37.03", "02", FIRST)
    after = await report_of(world.gw, "2020-W16")
    log = await export(world.gw, tmp_path)
    assert recount_report(log, before).equal
    assert recount_report(log, after).equal
    assert {("all", "K0"), ("all", "K2"), ("province", "K5")} <= rates(after)
    assert "K6.refused" not in before["body"]["counts"]["H37.03"]
    assert after["body"]["counts"]["H37.03"]["K6.refused"] == 1


async def test_a_day_off_long_before_the_period_counts_by_the_calendar_of_the_report(
    world: World, tmp_path: Path
) -> None:
    signed = date(2019, 7, 10)  # a Wednesday on which nobody worked, says this calendar and no other
    off = Day(signed, DayKind.REST, Bilingual("Nghỉ bão", "Storm"), "Quyết định thử nghiệm")
    shipped = shipped_calendar()
    await calendar.approve(world.gw, LOCAL, Calendar("thu-1", {**shipped.days, signed: off}), "Nghỉ bão")
    await world.send("H37", to=["H37.03"], day=signed)
    outcome = await agreed(world.gw, tmp_path, "2020-W16")
    assert told(outcome) == []
    assert outcome.counts["H37"]["D.rest_day"] == 1


@pytest.mark.parametrize(
    ("plan", "period"),
    [
        pytest.param(Plan(date(2020, 4, 1), 30, 25), "2020-04", id="three levels, April 2020"),
        pytest.param(Plan(date(2025, 6, 23), 14, 25), "2025-06-23..2025-07-06", id="the merger of July 2025"),
    ],
)
async def test_two_programs_give_the_same_figures_of_a_made_up_province(
    plan: Plan, period: str, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    made = await simulate(home, plan)
    clock = ScenarioClock(SystemClock().now())
    gw = await app.open_services(home, load(home), clock, "recount")
    try:
        outcome = await agreed(gw, tmp_path, period)
    finally:
        await gw.close()
    assert told(outcome) == []
    assert outcome.leaves >= made.events
    assert outcome.compared > 2_000


async def test_one_event_removed_makes_the_made_up_month_unequal_with_the_reason(tmp_path: Path) -> None:
    home = tmp_path / "home"
    await simulate(home, Plan(date(2020, 4, 13), 7, 25))
    gw = await app.open_services(home, load(home), ScenarioClock(SystemClock().now()), "recount")
    try:
        report = await report_of(gw, "2020-W16")
        log = await export(gw, tmp_path)
    finally:
        await gw.close()
    lines = log.read_bytes().splitlines(keepends=True)
    place = next(n for n, line in enumerate(lines) if b'"type":"status.reported"' in line)
    log.write_bytes(b"".join(lines[:place] + lines[place + 1 :]))
    [reason] = recount_report(log, report).reasons
    assert (reason.code, reason.place) == ("log.missing", place - 1)
