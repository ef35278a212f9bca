"""Deadlines by both readings, over the shipped calendar; the vectors are those of the reference."""

from __future__ import annotations

import csv
from datetime import date, datetime, time, timedelta
from pathlib import Path

import pytest

from gateway.calendar_data import shipped_calendar
from gateway.clock import from_datetime, local
from gateway.compliance.calendar import (
    Calendar,
    Clocks,
    arrival_in_working_hours,
    end_of,
    in_time_nd30,
    in_time_qd28,
    nd30_deadline,
    next_day_deadline,
    qd28_deadline,
    same_day,
    signed_on_rest_day,
    urgent_deadline,
)
from gateway.compliance.deadlines import explain, read_moment
from gateway.config import FiguresSection
from gateway.errors import BadRequest
from gateway.model.text import Instant

VECTORS = Path(__file__).parents[1] / "corpus" / "vectors" / "deadlines.csv"
CALENDAR, CLOCKS = shipped_calendar(), Clocks()
TABLE = (  # reference, section 6.3: signed, deadline day
    ("2026-11-20T16:30", "2026-11-23"),
    ("2026-02-13", "2026-02-23"),
    ("2026-08-21", "2026-08-22"),
    ("2026-08-28", "2026-09-03"),
    ("2025-04-25", "2025-04-26"),
    ("2025-04-29", "2025-05-05"),
    ("2020-04-01", "2020-04-03"),
    ("2020-04-29", "2020-05-04"),
    ("2026-04-24", "2026-04-28"),
    ("2026-11-21T10:00", "2026-11-23"),  # a Saturday, overtime
)


def at(text: str) -> Instant:
    """Vietnamese wall-clock time; ``24:00`` is the midnight after the day."""
    day, _, moment = text.partition("T")
    if moment == "24:00":
        return end_of(date.fromisoformat(day))
    return from_datetime(datetime.combine(date.fromisoformat(day), time.fromisoformat(moment or "09:00")))


def vectors() -> list[dict[str, str]]:
    with VECTORS.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("row", vectors(), ids=lambda row: row["signed_local"])
def test_the_vectors_hold_by_both_readings(row: dict[str, str]) -> None:
    signed = at(row["signed_local"])
    assert qd28_deadline(CALENDAR, CLOCKS, signed) == at(row["qd28_deadline"])
    assert nd30_deadline(CALENDAR, signed) == at(row["nd30_deadline"])


@pytest.mark.parametrize(("signed", "day"), TABLE)
def test_the_table_of_the_reference_holds(signed: str, day: str) -> None:
    assert qd28_deadline(CALENDAR, CLOCKS, at(signed)) == at(f"{day}T12:00")
    assert nd30_deadline(CALENDAR, at(signed)) == at(f"{day}T24:00")


def test_a_day_off_that_is_not_confirmed_is_told_with_both_answers() -> None:
    found = explain(CALENDAR, CLOCKS, at("2026-11-23T09:00"))
    assert found.qd28.startswith("2026-11-25T12:00")
    assert [day.date for day in found.doubts] == [date(2026, 11, 24)]
    assert found.otherwise is not None
    assert found.otherwise.qd28.startswith("2026-11-24T12:00")
    assert found.otherwise.next_working_day == "2026-11-24"


def test_what_is_certain_has_one_answer() -> None:
    found = explain(CALENDAR, CLOCKS, at("2026-08-21T15:00"))
    assert (found.doubts, found.otherwise, found.covered) == ((), None, True)
    assert [reason.en for reason in found.why] == [
        "Saturday 2026-08-22: worked, Worked in place of 31/8/2026",
    ]


def test_a_year_without_data_is_answered_by_weekends_and_says_so() -> None:
    found = explain(CALENDAR, CLOCKS, at("2030-08-30T09:00"))  # a Friday before 2 September
    assert found.covered is False
    assert found.next_working_day == "2030-09-02"


def test_the_end_of_the_data_shows_where_the_deadline_lies_beyond_it() -> None:
    assert explain(CALENDAR, CLOCKS, at("2027-12-30T09:00")).covered is True
    assert explain(CALENDAR, CLOCKS, at("2027-12-31T09:00")).covered is False


def test_the_morning_ends_with_its_last_minute_and_the_day_before_midnight() -> None:
    signed = at("2020-04-13T15:30")
    noon, midnight = at("2020-04-14T12:00"), at("2020-04-14T24:00")
    assert in_time_qd28(CALENDAR, CLOCKS, signed, noon)
    assert not in_time_qd28(CALENDAR, CLOCKS, signed, Instant(noon + 1))
    assert in_time_nd30(CALENDAR, signed, Instant(midnight - 1))
    assert not in_time_nd30(CALENDAR, signed, midnight)


def test_days_end_at_midnight_in_vietnam_not_in_greenwich() -> None:
    evening, morning = at("2020-04-13T23:59"), at("2020-04-14T00:00")
    assert nd30_deadline(CALENDAR, evening) == at("2020-04-14T24:00")
    assert nd30_deadline(CALENDAR, morning) == at("2020-04-15T24:00")


def test_an_installation_may_read_the_morning_otherwise() -> None:
    clocks = Clocks.of(FiguresSection(morning_until="11:30"))
    assert qd28_deadline(CALENDAR, clocks, at("2020-04-13T15:30")) == at("2020-04-14T11:30")


def test_the_settings_and_the_clocks_have_the_same_defaults() -> None:
    assert Clocks.of(FiguresSection()) == Clocks()


def test_urgent_documents_have_minutes_also_at_night() -> None:
    assert urgent_deadline(CLOCKS, at("2026-02-14T23:30")) == at("2026-02-15T00:30")


def test_signing_on_a_day_off_is_seen() -> None:
    assert signed_on_rest_day(CALENDAR, at("2026-11-21T10:00"))
    assert not signed_on_rest_day(CALENDAR, at("2026-08-22T10:00"))  # a Saturday, worked


def test_an_acknowledgement_has_the_day_of_arrival_or_the_next_working_day() -> None:
    friday = at("2026-11-20T16:59")
    assert same_day(friday) == at("2026-11-20T24:00")
    assert next_day_deadline(CALENDAR, friday) == at("2026-11-23T24:00")


@pytest.mark.parametrize(
    ("arrived", "counts_as"),
    [
        ("2026-11-20T17:00", "2026-11-20T17:00"),
        ("2026-11-20T17:01", "2026-11-23T00:00"),
        ("2026-11-21T09:00", "2026-11-23T00:00"),
        ("2026-08-22T09:00", "2026-08-22T09:00"),
    ],
)
def test_what_arrives_after_hours_counts_as_arrived_on_the_next_working_day(
    arrived: str, counts_as: str
) -> None:
    assert arrival_in_working_hours(CALENDAR, CLOCKS, at(arrived)) == at(counts_as)


def test_a_calendar_without_days_knows_weekends() -> None:
    empty = Calendar("none", {})
    assert empty.next_working_day(date(2020, 4, 17)) == date(2020, 4, 20)
    assert empty.years == ()


def test_a_deadline_is_always_on_a_working_day_and_the_first() -> None:
    day = date(2018, 1, 1)
    while day < date(2028, 1, 1):
        following = CALENDAR.next_working_day(day)
        between = (day + timedelta(days=one) for one in range(1, (following - day).days))
        assert CALENDAR.is_working(following)
        assert not any(CALENDAR.is_working(one) for one in between)
        day += timedelta(days=1)


@pytest.mark.parametrize(
    "text", ["", "hôm qua", "2026-13-01", "2026-08-21T25:00", "9999-12-31", "0001-01-01"]
)
def test_a_moment_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(BadRequest):
        read_moment(text)


def test_a_day_alone_is_its_last_minute() -> None:
    assert local(read_moment("2026-08-21")).isoformat() == "2026-08-21T23:59:00+07:00"


def test_a_moment_with_a_zone_keeps_it() -> None:
    assert read_moment("2026-08-21T15:00+00:00") == at("2026-08-21T22:00")
