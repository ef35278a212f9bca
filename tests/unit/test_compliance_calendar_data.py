"""The shipped days against what can be computed, and every way in which a file is refused."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from datetime import date, timedelta
from itertools import pairwise

import pytest

from gateway.calendar_data import make_calendar, read_calendar, shipped_calendar
from gateway.errors import BadRequest
from gateway.model.calendar import SATURDAY, Day, DayKind

CALENDAR = shipped_calendar()
YEARS = range(2018, 2028)
EPOCH = date(2000, 1, 1)  # Julian day 2451544.5
NEW_YEAR = {
    "date": "2026-01-01",
    "kind": "holiday",
    "vi": "Tết Dương lịch",
    "en": "New Year",
    "source": "BLLĐ",
}


# --- computing, so that typing errors show (Meeus, Astronomical Algorithms, chapters 25 and 49, shortened;
# good to some ten minutes, and no new moon of these months lies that near to a midnight in Vietnam)


def new_moon(lunation: int) -> float:
    """Days at +07:00 since the start of 2000 of a new moon; lunation 0 is that of 6 January 2000."""
    centuries = lunation / 1236.85
    sun = math.radians(2.5534 + 29.10535670 * lunation)
    moon = math.radians(201.5643 + 385.81693528 * lunation)
    node = math.radians(160.7108 + 390.67050284 * lunation)
    julian = 2451550.09766 + 29.530588861 * lunation + 0.00015437 * centuries**2
    julian += -0.40720 * math.sin(moon) + 0.17241 * math.sin(sun) + 0.01608 * math.sin(2 * moon)
    julian += 0.01039 * math.sin(2 * node) + 0.00739 * math.sin(moon - sun) - 0.00514 * math.sin(moon + sun)
    julian += 0.00208 * math.sin(2 * sun)
    return julian - 69 / 86_400 - 2451544.5 + 7 / 24


def sun_longitude(days: float) -> float:
    """Apparent longitude of the sun in degrees, ``days`` at +07:00 since the start of 2000."""
    centuries = (days - 7 / 24 - 0.5) / 36_525
    anomaly = math.radians(357.52911 + 35_999.05029 * centuries)
    mean = 280.46646 + 36_000.76983 * centuries
    return (mean + 1.914602 * math.sin(anomaly) + 0.019993 * math.sin(2 * anomaly) - 0.00569) % 360


def lunar_month(year: int, longitude: float) -> date:
    """The first day of the lunar month in which the sun reaches ``longitude``: 330 is in the first, 30 in the
    third."""
    day = float((date(year, 1, 15) - EPOCH).days)
    while not 0 <= sun_longitude(day + 1) - longitude < 2:  # until the term lies within the day
        day += 1
    lunation = round((day - 5) / 29.530588861)
    begins = [math.floor(new_moon(lunation + back)) for back in range(-2, 3)]
    return EPOCH + timedelta(days=max(begin for begin in begins if begin <= day))


@pytest.mark.parametrize("year", YEARS)
def test_tet_has_its_new_year_day_where_the_moon_has_it(year: int) -> None:
    tet = lunar_month(year, 330)
    named = [day.date for day in of_kind(year, DayKind.HOLIDAY) if day.name.vi == "Tết Âm lịch"]
    assert tet in named
    assert tet - timedelta(days=1) in named  # the law wants at least one day before and two from it
    assert len(named) == 5
    assert all((after - before).days == 1 for before, after in pairwise(named))


@pytest.mark.parametrize("year", YEARS)
def test_hung_kings_day_is_the_tenth_of_the_third_lunar_month(year: int) -> None:
    [found] = [day.date for day in of_kind(year, DayKind.HOLIDAY) if day.name.vi.startswith("Giỗ Tổ")]
    assert found == lunar_month(year, 30) + timedelta(days=9)


def of_kind(year: int, kind: DayKind) -> list[Day]:
    return [day for _, day in sorted(CALENDAR.days.items()) if day.date.year == year and day.kind is kind]


@pytest.mark.parametrize("year", YEARS)
def test_a_year_has_the_days_off_that_the_labour_code_gives(year: int) -> None:
    """Ten until 2020, eleven since (National Day has two); Culture Day from 2026 stands in doubt."""
    holidays = [day for day in of_kind(year, DayKind.HOLIDAY) if "24/11" not in day.name.vi]
    assert len(holidays) == (10 if year < 2021 else 11)
    assert {date(year, 1, 1), date(year, 4, 30), date(year, 5, 1), date(year, 9, 2)} <= {
        d.date for d in holidays
    }


@pytest.mark.parametrize("year", YEARS)
def test_every_holiday_on_a_weekly_day_of_rest_has_its_substitute(year: int) -> None:
    """Counted without the weekends that a swap has in it: each falls before or after a holiday."""
    on_rest = [d for d in of_kind(year, DayKind.HOLIDAY) if d.date.weekday() >= SATURDAY]
    assert len(on_rest) == len(of_kind(year, DayKind.SUBSTITUTE))


def test_every_day_of_a_swap_has_its_saturday() -> None:
    kinds = Counter(day.kind for day in CALENDAR.days.values())
    assert kinds[DayKind.REST] == kinds[DayKind.MAKE_UP] == 6
    assert all(d.date.weekday() == SATURDAY for d in CALENDAR.days.values() if d.kind is DayKind.MAKE_UP)


def test_the_doubtful_days_are_those_that_nobody_here_can_confirm() -> None:
    doubtful = [day.date for day in CALENDAR.days.values() if day.doubtful]
    assert doubtful[0] == date(2026, 11, 24)
    certain_of_2027 = [d.date for d in CALENDAR.days.values() if d.date.year == 2027 and not d.doubtful]
    assert certain_of_2027 == [date(2027, 1, 1)]
    assert len(doubtful) == 1 + sum(day.year == 2027 for day in CALENDAR.days) - 1


def test_a_version_is_known_by_the_hash_of_its_days() -> None:
    same = make_calendar("other name", [row_of(day) for day in CALENDAR.days.values()])
    assert same.sha256 == CALENDAR.sha256
    less = make_calendar("other name", [row_of(day) for day in list(CALENDAR.days.values())[:-1]])
    assert less.sha256 != CALENDAR.sha256


def row_of(day: Day) -> dict[str, object]:
    said = {"vi": day.name.vi, "en": day.name.en, "source": day.source, "doubtful": day.doubtful}
    return {"date": day.date, "kind": day.kind.value, **said}


# --- files


def csv_of(*rows: Mapping[str, str]) -> str:
    columns = ("date", "kind", "vi", "en", "source", "doubtful")
    lines = [",".join(row.get(name, "") for name in columns) for row in rows]
    return "\n".join([",".join(columns), *lines])


def refusal(text: str, version: str = "v") -> str:
    with pytest.raises(BadRequest) as refused:
        read_calendar(text, version)
    assert refused.value.code == "calendar.file"
    return refused.value.text.en


def test_a_spreadsheet_is_read_like_the_toml() -> None:
    made = read_calendar(
        "\ufeff" + csv_of(NEW_YEAR, {**NEW_YEAR, "date": "2026-09-02", "doubtful": "x"}), "v"
    )
    assert made.version == "v"
    assert made.days[date(2026, 9, 2)].doubtful
    assert made.years == (2026,)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"date": "2026-02-30"}, "the date must read like"),
        ({"date": "02/09/2026"}, "the date must read like"),
        ({"date": "9999-01-01"}, "the date must read like"),
        ({"kind": "feast"}, "kind must be one of"),
        ({"source": " "}, "no source is named"),
        ({"vi": ""}, "the day has no name"),
        ({"doubtful": "maybe"}, "doubtful must be true or false"),
        ({"date": "2026-09-02", "kind": "make_up"}, "a make-up day must be a Saturday or Sunday"),
        ({"date": "2026-09-05", "kind": "rest"}, "on a weekly day of rest"),
        ({"date": "2026-01-01"}, "stands there 2 times"),
        ({"date": "2028-01-01"}, "the year 2027 has no New Year's Day"),
        ({"date": "2027-09-02"}, "the year 2027 has no New Year's Day"),
    ],
)
def test_a_wrong_row_is_named_with_what_is_wrong(change: dict[str, str], complaint: str) -> None:
    row = {**NEW_YEAR, "date": "2026-09-02", **change}
    assert complaint in refusal(csv_of(NEW_YEAR, row))


def test_all_problems_come_in_one_answer_but_not_thousands() -> None:
    bad = {**NEW_YEAR, "source": ""}
    text = refusal(csv_of(*[{**bad, "date": f"2026-03-{day:02}"} for day in range(1, 29)]))
    assert text.count("no source is named") == 10
    assert "and 18 more" in text


def test_a_version_needs_a_name() -> None:
    assert "the version has no name" in refusal(csv_of(NEW_YEAR), version="")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "date,kind",
        "days = 1",
        "[calendar]\ndays = 3",
        'version = "x"',
        "[calendar]\ndays = [1, 2]",
        "\x00",
        "= =",
    ],
)
def test_what_is_no_calendar_is_refused(text: str) -> None:
    assert refusal(text)


def test_a_file_of_endless_rows_is_refused() -> None:
    assert "more than 5000 rows" in refusal(csv_of(*[NEW_YEAR] * 5001))
