"""Reporting periods: what their names mean, and what is no name."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.compliance.periods import before, parse, presets
from gateway.errors import BadRequest

CASES = {
    "2020-W16": ("2020-04-13", "2020-04-19"),
    "2020-W01": ("2019-12-30", "2020-01-05"),
    "2020-W53": ("2020-12-28", "2021-01-03"),
    "2020-W16/fri": ("2020-04-10", "2020-04-16"),
    "2020-04": ("2020-04-01", "2020-04-30"),
    "2020-02": ("2020-02-01", "2020-02-29"),
    "2020-04/15-14": ("2020-03-15", "2020-04-14"),
    "2020-01/15-14": ("2019-12-15", "2020-01-14"),
    "2020-Q1": ("2020-01-01", "2020-03-31"),
    "2020-Q1/15-14": ("2019-12-15", "2020-03-14"),
    "2020-Q2/15-14": ("2020-03-15", "2020-06-14"),
    "2020-H1": ("2020-01-01", "2020-06-30"),
    "2020-H1/15-14": ("2019-12-15", "2020-06-14"),
    "2020-H2": ("2020-07-01", "2020-12-31"),
    "2020-9M": ("2020-01-01", "2020-09-30"),
    "2020-9M/15-14": ("2019-12-15", "2020-09-14"),
    "2020": ("2020-01-01", "2020-12-31"),
    "2020/15-14": ("2019-12-15", "2020-12-14"),
    "2020-04-13": ("2020-04-13", "2020-04-13"),
    "2020-04-13..2020-04-19": ("2020-04-13", "2020-04-19"),
    "as-of 2025-12-31": ("2025-01-01", "2025-12-31"),
}


@pytest.mark.parametrize("name", CASES)
def test_a_name_means_these_days(name: str) -> None:
    period = parse(name)
    assert (period.from_.isoformat(), period.to.isoformat()) == CASES[name]


@pytest.mark.parametrize("name", CASES)
def test_the_name_of_a_period_reads_back_to_it(name: str) -> None:
    assert parse(parse(name).name) == parse(name)
    assert parse(name).name == name


@pytest.mark.parametrize(
    "text",
    [
        "", "2020-W54", "2021-W53", "2020-W00", "2020-13", "2020-00", "2020-Q5", "2020-Q0", "2020-H3",
        "20", "2020-8M", "2020-02-30", "2020-04-19..2020-04-13", "2020-W16/15-14", "as-of", "as-of 2020",
        "2020-W16/xyz", "٢٠٢٠-04", "2020-04\n2020-05", "W16", "tuần 16", "2020-04-13..", "9999-12/15-14x",
    ],
)  # fmt: skip
def test_what_names_no_period_is_refused_with_examples(text: str) -> None:
    with pytest.raises(BadRequest) as refused:
        parse(text)
    assert refused.value.code == "period.unreadable"
    assert "2020-W16" in refused.value.text.vi


@pytest.mark.parametrize("text", ["2000-01-01..2020-12-31", "0001-01/15-14", "0999", "9999", "1989-W20"])
def test_a_period_of_other_centuries_or_longer_than_ten_years_is_refused(text: str) -> None:
    with pytest.raises(BadRequest):
        parse(text)


@pytest.mark.parametrize(
    ("name", "earlier"),
    [
        ("2020-W16", "2020-W15"),
        ("2021-W01", "2020-W53"),
        ("2020-W16/fri", "2020-W15/fri"),
        ("2020-01", "2019-12"),
        ("2020-01/15-14", "2019-12/15-14"),
        ("2020-Q1", "2019-Q4"),
        ("2020-H2/15-14", "2020-H1/15-14"),
        ("2020-9M", "2019-9M"),
        ("2020", "2019"),
        ("2020-04-13", "2020-04-12"),
        ("2020-04-13..2020-04-19", "2020-04-06..2020-04-12"),
        ("as-of 2025-12-31", "as-of 2024-12-31"),
        ("as-of 2024-02-29", "as-of 2023-02-28"),
    ],
)
def test_the_period_before_is_of_the_same_sort(name: str, earlier: str) -> None:
    assert before(parse(name)).name == earlier


SORTS = [
    "2020-W16",
    "2020-W16/fri",
    "2020-04",
    "2020-03/15-14",
    "2020-Q3",
    "2020-Q3/15-14",
    "2020-H2",
    "2020/15-14",
]


@pytest.mark.parametrize("name", SORTS)
def test_periods_of_one_sort_follow_each_other_without_gap_or_overlap(name: str) -> None:
    period = parse(name)
    for _ in range(25):
        earlier = before(period)
        assert earlier.to + timedelta(days=1) == period.from_
        period = earlier


def test_the_last_month_of_a_tail_quarter_ends_when_the_quarter_ends() -> None:
    assert parse("2020-Q2/15-14").to == parse("2020-06/15-14").to
    assert parse("2020-Q2/15-14").from_ == parse("2020-04/15-14").from_


@given(st.dates(date(2000, 1, 1), date(2100, 12, 31)))
def test_presets_of_any_day_read_back_and_those_under_way_hold_it(today: date) -> None:
    made = {preset.key: preset.period for preset in presets(today)}
    assert all(parse(period.name) == period for period in made.values())
    for key in (
        "week",
        "week_fri",
        "month",
        "month_15",
        "quarter",
        "quarter_15",
        "half",
        "half_15",
        "year",
        "year_15",
    ):
        assert made[key].from_ <= today <= made[key].to, key
    assert made["last_week"].is_over(today)
    assert made["as_of"].to == date(today.year - 1, 12, 31)


def test_a_period_is_over_when_its_last_day_is() -> None:
    week = parse("2020-W16")
    assert not week.is_over(date(2020, 4, 19))
    assert week.is_over(date(2020, 4, 20))


def test_people_read_the_days_in_the_vietnamese_way() -> None:
    assert parse("2020-W16").words.vi == "Tuần 16 năm 2020 (13/04/2020 – 19/04/2020)"
    tail = parse("2020-Q1/15-14").words.vi
    assert tail == "Quý I năm 2020, kỳ từ ngày 15 đến ngày 14 (15/12/2019 – 14/03/2020)"
