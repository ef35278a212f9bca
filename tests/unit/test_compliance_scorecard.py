"""Rates out of sums: what is divided by what, and how it prints."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.compliance.catalogue import MEASURES
from gateway.compliance.scorecard import DECLARED, ESTIMATED, Known, Outgoing, Rate, rate, rates
from gateway.compliance.sums import nearest_rank
from gateway.model.text import AgencyCode


def found(counts: dict[str, int], key: str, **given: object) -> Rate:
    """One rate of a scope."""
    made = rates({"H37": counts}, **given)  # type: ignore[arg-type]
    return next(one for one in made if one.key == key)


@pytest.mark.parametrize(
    ("numerator", "denominator", "text"),
    [
        (0, 0, "—"),
        (0, 40, "0,0 %"),
        (40, 40, "100,0 %"),
        (973, 1000, "97,3 %"),
        (9995, 10_000, "99,9 %"),
        (99_999, 100_000, "99,9 %"),
        (1, 100_000, "0,1 %"),
        (1, 3, "33,3 %*"),
        (1, 40, "2,5 %"),
        (125, 1000, "12,5 %"),
        (1245, 10_000, "12,5 %"),
        (5, 5, "100,0 %*"),
    ],
)
def test_a_rate_prints_with_one_decimal_and_never_rounds_to_all_or_nothing(
    numerator: int, denominator: int, text: str
) -> None:
    assert rate("K2", "H37", numerator, denominator).text == text


@given(st.integers(1, 10**7), st.integers(1, 10**7))
def test_only_all_is_a_hundred_and_only_none_is_zero(part: int, more: int) -> None:
    assert rate("K2", "all", part, part + more).text.rstrip("*") not in ("100,0 %", "0,0 %")


def test_an_empty_period_has_no_rate_at_all() -> None:
    made = rates({"H37": {}})
    assert {one.key for one in made} == {one.key for one in MEASURES}
    assert {one.text for one in made if one.denominator is not None} == {"—"}
    assert [one.text for one in made if one.denominator is None] == ["0"]


def test_what_may_still_be_fetched_in_time_is_in_no_part_of_the_late() -> None:
    counts = {"R.n": 110, "K8.late": 3, "K8.never": 12, "K8.young": 10}
    assert (found(counts, "K8").numerator, found(counts, "K8").denominator) == (5, 100)


def test_recalls_that_were_done_before_the_arrival_are_confirmed() -> None:
    counts = {"K7.asked": 30, "K7.confirmed": 20, "K7.withdrawn": 7, "K7.refused": 1, "K7.open": 2}
    assert found(counts, "K7").text == "90,0 %"


def test_connected_agencies_are_counted_of_the_level_set() -> None:
    one = found({}, "K0", connected={"H37": (19, 20)})
    assert (one.text, one.numerator, one.denominator) == ("95,0 %", 19, 20)


def test_the_share_of_all_outgoing_documents_needs_a_total() -> None:
    counts = {"D.sent": 90, "K2.both": 80}
    assert found(counts, "K1").text == found(counts, "K2b").text == "—"
    known = {"H37": Known(100, 90, 80)}
    assert found(counts, "K1", outgoing=known).text == "90,0 %"
    assert found(counts, "K2b", outgoing=known).text == "80,0 %"
    assert found(counts, "K1", outgoing=known).source == DECLARED


def test_one_estimate_makes_a_sum_an_estimate() -> None:
    declared = Outgoing(AgencyCode("H37"), 100, DECLARED)
    guessed = Outgoing(AgencyCode("H37.03"), 50, ESTIMATED)
    known = Known().plus(declared, {"D.sent": 90}).plus(guessed, {"D.sent": 40, "K2.both": 30})
    assert known == Known(150, 130, 30, ESTIMATED)


def test_duplicates_are_a_number_without_a_denominator() -> None:
    one = found({"K14.number": 1200, "K14.conflict": 34}, "K14")
    assert (one.text, one.denominator, one.small) == ("1.234", None, False)


@pytest.mark.parametrize(
    ("values", "percent", "rank"),
    [([7], 50, 7), ([7], 95, 7), ([1, 2], 50, 1), ([1, 2, 3], 50, 2), (list(range(1, 101)), 95, 95)],
)
def test_percentiles_go_by_the_nearest_rank(values: list[int], percent: int, rank: int) -> None:
    assert nearest_rank(values, percent) == rank
