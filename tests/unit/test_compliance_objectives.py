"""Working time, windows and burn rates: what is due when, and what is an alert."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.calendar_data import shipped_calendar
from gateway.clock import SECOND, from_datetime, local
from gateway.compliance.calendar import Clocks
from gateway.compliance.objectives import (
    Rule,
    Rules,
    Standing,
    Tally,
    WorkClock,
    due_at,
    last_start,
    read_rules,
    shipped_rules,
    standing,
)
from gateway.model.agency import Period
from gateway.model.objective import AlertKey, Measure, Objective, Span, objective_for
from gateway.model.text import AgencyCode, Instant
from gateway.resources import shipped

WORK = WorkClock(shipped_calendar(), shipped_rules().hours)
CLOCKS = Clocks()
SAME_DAY = Objective(Measure.ACKNOWLEDGED, 990, 0, Period())
FOUR_HOURS = Objective(Measure.FETCHED, 950, 240, Period())
TAM_THANH = AgencyCode("H37.31.21")
KEY = AlertKey(TAM_THANH, Measure.FETCHED, Span.FAST)
FAST = Rule(Span.FAST, 60, raise_at=6.0, end_below=3.0, least_missed=3, calm_minutes=60)


def at(text: str) -> Instant:
    """``2020-04-13 08:30``, local."""
    return from_datetime(datetime.fromisoformat(text))


def says(instant: Instant) -> str:
    return local(instant).strftime("%Y-%m-%d %H:%M")


# ------------------------------------------------------------------ working time


@pytest.mark.parametrize(
    ("start", "minutes", "end"),
    [
        ("2020-04-13 08:00", 60, "2020-04-13 09:00"),
        ("2020-04-13 11:30", 60, "2020-04-13 14:00"),  # over lunch
        ("2020-04-13 12:30", 60, "2020-04-13 14:30"),  # arrived at lunch
        ("2020-04-13 16:30", 60, "2020-04-14 08:00"),  # over night
        ("2020-04-17 16:30", 60, "2020-04-20 08:00"),  # over a weekend
        ("2020-04-18 10:00", 240, "2020-04-20 11:30"),  # came on a Saturday
        ("2020-04-29 16:00", 240, "2020-05-04 10:30"),  # over 30 April, 1 May and a weekend
        ("2025-04-25 16:00", 120, "2025-04-26 08:30"),  # into a make-up Saturday
    ],
)
def test_minutes_of_work_pass_only_in_working_hours(start: str, minutes: int, end: str) -> None:
    assert says(WORK.add(at(start), minutes)) == end


@pytest.mark.parametrize(
    ("end", "minutes", "start"),
    [
        ("2020-04-13 09:00", 60, "2020-04-13 08:00"),
        ("2020-04-13 14:00", 60, "2020-04-13 11:30"),
        ("2020-04-20 08:00", 60, "2020-04-17 16:30"),
        ("2020-05-04 08:30", 480, "2020-04-29 08:30"),
        ("2020-04-19 12:00", 60, "2020-04-17 16:00"),
    ],
)
def test_a_window_reaches_back_over_nights_and_days_off(end: str, minutes: int, start: str) -> None:
    assert says(WORK.back(at(end), minutes)) == start


@given(st.integers(0, 20 * 24 * 60), st.integers(1, 2000))
def test_back_undoes_add_but_for_time_in_which_nobody_works(offset: int, minutes: int) -> None:
    start = Instant(at("2020-04-06 00:00") + offset * 60 * SECOND)
    end = WORK.add(start, minutes)
    assert WORK.add(WORK.back(end, minutes), minutes) == end
    assert end > start


@pytest.mark.parametrize(
    ("moment", "working"),
    [
        ("2020-04-13 07:29", False),
        ("2020-04-13 07:30", True),
        ("2020-04-13 12:15", False),
        ("2020-04-13 16:59", True),
        ("2020-04-13 17:00", False),
        ("2020-04-18 09:00", False),
        ("2020-04-30 09:00", False),
        ("2025-04-26 09:00", True),
    ],
)
def test_somebody_is_at_work_only_in_working_hours_of_working_days(moment: str, working: bool) -> None:
    assert WORK.is_working(at(moment)) is working


def test_a_calendar_without_working_days_is_an_error_and_no_endless_loop() -> None:
    with pytest.raises(ValueError, match="no working days"):
        WorkClock(WORK.calendar, ()).add(at("2020-04-13 08:00"), 1)
    with pytest.raises(ValueError, match="no working days"):
        WorkClock(WORK.calendar, ()).back(at("2020-04-13 08:00"), 1)


# ------------------------------------------------------------------ due


@pytest.mark.parametrize(
    ("arrived", "due"),
    [
        ("2020-04-13 08:30", "2020-04-14 00:00"),
        ("2020-04-13 17:00", "2020-04-14 00:00"),
        ("2020-04-13 17:01", "2020-04-15 00:00"),  # after hours: the next working day
        ("2020-04-17 18:00", "2020-04-21 00:00"),
        ("2020-04-18 09:00", "2020-04-21 00:00"),
    ],
)
def test_an_acknowledgement_is_due_by_the_end_of_the_working_day_of_arrival(arrived: str, due: str) -> None:
    assert says(due_at(WORK, CLOCKS, SAME_DAY, at(arrived))) == due


@pytest.mark.parametrize("objective", [SAME_DAY, FOUR_HOURS], ids=["same-day", "four-hours"])
@given(st.integers(0, 14 * 24 * 60), st.integers(0, 14 * 24 * 60))
def test_what_began_before_the_last_start_is_due_and_nothing_else(
    objective: Objective, begins: int, looks: int
) -> None:
    """The loop reads each delivery once, so the bound must cut exactly where due begins."""
    start = Instant(at("2020-04-20 00:00") + begins * 60 * SECOND)
    now = Instant(at("2020-04-20 00:00") + looks * 60 * SECOND + 30 * SECOND)
    if not WORK.is_working(now):
        return
    is_due = due_at(WORK, CLOCKS, objective, start) <= now
    assert (start < last_start(WORK, CLOCKS, objective.minutes, now)) is is_due


# ------------------------------------------------------------------ objectives


def test_an_agency_of_its_own_objective_goes_before_everybodys_and_the_later_decision_first() -> None:
    day = date(2020, 4, 13)
    own = Objective(Measure.FETCHED, 800, 480, Period(), TAM_THANH, decided_at=Instant(1))
    later = Objective(Measure.FETCHED, 850, 480, Period(), TAM_THANH, decided_at=Instant(2))
    everybody = Objective(Measure.FETCHED, 990, 60, Period(), decided_at=Instant(3))
    rows = (FOUR_HOURS, own, later, everybody)
    assert objective_for(rows, Measure.FETCHED, TAM_THANH, day) is later
    assert objective_for(rows, Measure.FETCHED, AgencyCode("H37"), day) is everybody
    assert objective_for(rows, Measure.ACKNOWLEDGED, TAM_THANH, day) is None


def test_an_objective_holds_in_its_period_only_and_zero_means_none() -> None:
    april = Objective(Measure.FETCHED, 800, 60, Period(date(2020, 4, 1), date(2020, 4, 30)), TAM_THANH)
    none = Objective(Measure.FETCHED, 0, 60, Period(date(2020, 5, 4), None), TAM_THANH)
    rows = (FOUR_HOURS, april, none)
    found = [objective_for(rows, Measure.FETCHED, TAM_THANH, date(2020, month, 5)) for month in (3, 4, 5)]
    assert found == [FOUR_HOURS, april, None]


# ------------------------------------------------------------------ windows and burn


def test_a_window_sums_what_came_due_within_it() -> None:
    tally = Tally()
    for moment, missed in (("08:00", True), ("08:30", True), ("09:10", False)):
        tally.take(TAM_THANH, Measure.FETCHED, at(f"2020-04-13 {moment}"), missed)
    assert tally.since(TAM_THANH, Measure.FETCHED, at("2020-04-13 08:10")) == (2, 1)
    assert tally.since(TAM_THANH, Measure.FETCHED, at("2020-04-13 07:00")) == (3, 2)
    assert tally.since(AgencyCode("H37"), Measure.FETCHED, at("2020-04-13 07:00")) == (0, 0)


def test_what_no_window_reaches_any_more_is_forgotten() -> None:
    tally = Tally()
    tally.take(TAM_THANH, Measure.FETCHED, at("2020-04-13 08:00"), True)
    tally.forget(at("2020-04-13 08:00"))
    assert tally.keys() == [(TAM_THANH, Measure.FETCHED)]
    tally.forget(at("2020-04-13 08:05"))
    assert tally.keys() == []


def test_the_burn_rate_is_the_share_missed_over_the_share_that_may_be_missed() -> None:
    assert standing(KEY, 100, 5, FOUR_HOURS).burn == pytest.approx(1.0)
    assert standing(KEY, 10, 5, FOUR_HOURS).burn == pytest.approx(10.0)
    assert standing(KEY, 100, 5, SAME_DAY).burn == pytest.approx(5.0)
    assert standing(KEY, 0, 0, FOUR_HOURS).burn == 0.0


def test_few_deliveries_are_no_alert_whatever_their_share() -> None:
    assert not standing(KEY, 2, 2, FOUR_HOURS).raises(FAST)
    assert standing(KEY, 3, 3, FOUR_HOURS).raises(FAST)
    assert not standing(KEY, 100, 20, FOUR_HOURS).raises(FAST)


def test_what_lies_between_the_thresholds_neither_begins_nor_ends_an_alert() -> None:
    between = standing(KEY, 100, 20, FOUR_HOURS)
    assert between.burn == pytest.approx(4.0)
    assert not between.raises(FAST)
    assert not between.is_calm(FAST, overdue=0)


def test_an_empty_window_is_calm_only_when_nothing_old_waits() -> None:
    empty = Standing(KEY, 0, 0, 0.0)
    assert empty.is_calm(FAST, overdue=0)
    assert not empty.is_calm(FAST, overdue=3)


# ------------------------------------------------------------------ data


def test_the_shipped_rules_are_those_of_the_file() -> None:
    rules = shipped_rules()
    assert isinstance(rules, Rules)
    assert [(one.measure, one.per_mille, one.minutes) for one in rules.objectives] == [
        (Measure.FETCHED, 950, 240),
        (Measure.ACKNOWLEDGED, 990, 0),
    ]
    assert [rule.span for rule in rules.spans] == [Span.FAST, Span.SLOW]


def test_thresholds_that_would_flutter_are_refused() -> None:
    text = shipped("schemas", "rules", "objectives.toml").read_text("utf-8")
    with pytest.raises(ValueError, match="end_below"):
        read_rules(text.replace("end_below = 3.0", "end_below = 6.0"))
