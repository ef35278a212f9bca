"""The directory answers by day: who, under which name, at which level, after whom."""

from __future__ import annotations

import time
import unicodedata
from datetime import date, timedelta

import pytest
from checks_world import AGENCIES, ALIASES, CLOSED_ON, ON, SUCCESSIONS, agency, code, directory, succession

from gateway.directory.snapshot import Directory, Standing, StandingKind
from gateway.model.agency import Alias, LevelSet, Period, Profile, Succession

EVERYTHING = directory()


@pytest.mark.parametrize("text", ["H37.31.21", "000.21.31.H37", "21.31.H37", " h37.31.21 "])
def test_every_spelling_resolves_to_the_canonical_code(text: str) -> None:
    assert EVERYTHING.resolve(text) == "H37.31.21"


def test_alias_of_another_scheme_resolves_whatever_its_date() -> None:
    expired = Alias("vxp.saas.99", code("H37.05"), "vxp", Period(None, date(2019, 1, 1)))
    known = directory(aliases=(expired,))
    assert known.resolve("VXP.SAAS.99") == "H37.05"


@pytest.mark.parametrize("text", ["H37.99", "000.00.99.H37", "vxp.saas.1", "", "null"])
def test_unknown_text_resolves_to_nothing(text: str) -> None:
    assert EVERYTHING.resolve(text) is None


def test_canonical_spelling_exists_for_known_and_unknown_alike() -> None:
    assert EVERYTHING.canonical("vxp.saas.12") == "H37.05"
    assert EVERYTHING.canonical("000.00.99.H37") == "H37.99"
    assert EVERYTHING.canonical(unicodedata.normalize("NFD", " Sở Y tế ")) == "Sở Y tế"


def test_level_comes_from_the_data_and_not_from_the_depth_of_the_code() -> None:
    deep = directory((*AGENCIES, agency("H37.05.21.001", parent="H37.05")))
    assert deep.level(code("H37.05.21.001"), ON) == "province"
    assert deep.level(code("H37.31.21"), ON) == "commune"
    assert deep.level(code("G22"), ON) == "outside"


def test_district_is_a_level_until_30_june_2025_and_no_longer() -> None:
    assert EVERYTHING.levels(date(2025, 6, 30)) == ("province", "district", "commune")
    assert EVERYTHING.levels(date(2025, 7, 1)) == ("province", "commune")
    assert EVERYTHING.level(code("H37.31"), date(2025, 6, 30)) == "district"
    assert EVERYTHING.level(code("H37.31"), date(2025, 7, 1)) == ""
    assert EVERYTHING.level(code("H37.31.21"), date(2025, 7, 1)) == "commune"


def test_level_and_parent_follow_the_period_of_the_day() -> None:
    rows = (
        agency("H37"),
        agency("H37.31", level="district", parent="H37"),
        agency("H37.31.21", "Phường cũ", "commune", "H37.31", end=date(2025, 6, 30)),
        agency("H37.31.21", "Phường mới", "commune", "H37", start=date(2025, 7, 1)),
    )
    dated = directory(rows, successions=())
    ward = code("H37.31.21")
    assert dated.name(ward, date(2025, 6, 30)) == "Phường cũ"
    assert dated.name(ward, date(2025, 7, 1)) == "Phường mới"
    assert dated.within(ward, code("H37.31"), date(2025, 6, 30))
    assert not dated.within(ward, code("H37.31"), date(2025, 7, 1))
    assert dated.within(ward, code("H37"), date(2025, 7, 1))
    assert [row.code for row in dated.children(code("H37"), date(2025, 7, 1))] == ["H37.31", "H37.31.21"]


def test_standing_tells_active_closed_test_future_and_unknown_apart() -> None:
    expected = {
        "H37.05": Standing(StandingKind.ACTIVE),
        "H37.61": Standing(StandingKind.CLOSED, (code("H37.03"),)),
        "H37.62": Standing(StandingKind.CLOSED, (code("H37.03"), code("H37.05"))),
        "H37.63": Standing(StandingKind.CLOSED),
        "H37.64": Standing(StandingKind.NOT_YET),
        "W00.01": Standing(StandingKind.TEST),
        "H37.99": Standing(StandingKind.UNKNOWN),
    }
    assert {text: EVERYTHING.standing(code(text), ON) for text in expected} == expected


def test_agency_is_active_on_its_last_day_and_closed_on_the_next() -> None:
    assert EVERYTHING.standing(code("H37.61"), CLOSED_ON).kind is StandingKind.ACTIVE
    assert EVERYTHING.standing(code("H37.61"), CLOSED_ON + timedelta(days=1)).kind is StandingKind.CLOSED


def test_closed_agency_keeps_its_name_for_history() -> None:
    assert EVERYTHING.agency(code("H37.63"), ON) is None
    assert EVERYTHING.name(code("H37.63"), ON) == "Đơn vị giải thể"
    assert EVERYTHING.name(code("H37.99"), ON) == ""


def test_chain_of_successions_is_followed_to_its_end() -> None:
    rows = (
        agency("H37.71", end=CLOSED_ON),
        agency("H37.72", end=CLOSED_ON),
        agency("H37.73"),
        agency("H37.74"),
    )
    steps = (*succession("H37.71", "H37.72", "H37.74"), *succession("H37.72", "H37.73", "H37.74"))
    chained = directory(rows, successions=steps)
    assert chained.final_successors(code("H37.71"), ON) == ("H37.74", "H37.73")
    assert chained.final_successors(code("H37.73"), ON) == ("H37.73",)


def test_succession_counts_only_from_its_day() -> None:
    rows = (agency("H37.71", end=CLOSED_ON), agency("H37.72"))
    late = directory(rows, successions=succession("H37.71", "H37.72", on=date(2020, 6, 1)))
    assert late.final_successors(code("H37.71"), ON) == ()
    assert late.final_successors(code("H37.71"), date(2020, 6, 1)) == ("H37.72",)


def test_successor_that_was_dissolved_leads_nowhere() -> None:
    rows = (agency("H37.71", end=CLOSED_ON), agency("H37.72", end=CLOSED_ON))
    ended = directory(rows, successions=(*succession("H37.71", "H37.72"), *succession("H37.72")))
    assert ended.standing(code("H37.71"), ON) == Standing(StandingKind.CLOSED)


def test_successions_in_a_circle_are_no_directory() -> None:
    rows = (agency("H37.71", end=CLOSED_ON), agency("H37.72", end=CLOSED_ON))
    with pytest.raises(ValueError, match=r"circle: H37\.71 -> H37\.72 -> H37\.71"):
        directory(rows, successions=(*succession("H37.71", "H37.72"), *succession("H37.72", "H37.71")))


def test_parents_in_a_circle_are_no_directory() -> None:
    with pytest.raises(ValueError, match="parents run in a circle"):
        directory((agency("H37.71", parent="H37.72"), agency("H37.72", parent="H37.71")), successions=())


def test_alias_of_two_agencies_is_no_directory() -> None:
    shared = (Alias("vxp.saas.1", code("H37.03"), "vxp"), Alias("VXP.SAAS.1", code("H37.05"), "vxp"))
    with pytest.raises(ValueError, match="spells both"):
        directory(aliases=shared)


def test_alias_that_is_another_agencys_code_is_no_directory() -> None:
    with pytest.raises(ValueError, match=r"spells both H37\.05 and H37\.03"):
        directory(aliases=(Alias("000.00.05.H37", code("H37.03"), "qcvn102"),))


def test_written_form_follows_the_dates_of_the_aliases() -> None:
    old = Alias("000.00.05.H37", code("H37.05"), "qcvn102", Period(None, date(2022, 9, 14)))
    known = directory(aliases=(old,))
    assert known.written_form(code("H37.05"), "qcvn102", date(2022, 9, 14)) == "000.00.05.H37"
    assert known.written_form(code("H37.05"), "qcvn102", date(2022, 9, 15)) == "H37.05"
    assert known.resolve("000.00.05.H37") == "H37.05"  # read for ever


def test_written_form_without_aliases_is_computed() -> None:
    assert EVERYTHING.written_form(code("H37.31.21"), "qcvn102", ON) == "000.21.31.H37"
    assert EVERYTHING.written_form(code("H37.31.21"), "qd20", ON) == "H37.31.21"
    assert EVERYTHING.written_form(code("H37.DN.001"), "qcvn102", ON) == "H37.DN.001"


def test_latest_of_several_aliases_is_written() -> None:
    first = Alias("vxp.saas.1", code("H37.05"), "vxp")
    second = Alias("vxp.saas.2", code("H37.05"), "vxp", Period(date(2020, 4, 1)))
    known = directory(aliases=(second, first))
    assert known.written_form(code("H37.05"), "vxp", date(2020, 3, 31)) == "vxp.saas.1"
    assert known.written_form(code("H37.05"), "vxp", ON) == "vxp.saas.2"
    assert known.aliases_of(code("H37.05")) == (second, first)


def test_agency_without_a_profile_has_an_inbox() -> None:
    assert EVERYTHING.profile(code("H37.05")) == Profile(code("H37.05"), adapter="inbox")


def test_profile_serves_the_agencies_below_only_when_it_says_so() -> None:
    own = Profile(code("H37.31"), adapter="webhook")
    shared = Profile(code("H37.31"), adapter="webhook", settings=(("serves", "subtree"),))
    assert directory(profiles=(own,)).profile(code("H37.31.21")).adapter == "inbox"
    assert directory(profiles=(shared,)).profile(code("H37.31.21")) == shared


def test_all_lists_the_active_agencies_of_the_day_by_code() -> None:
    listed = [row.code for row in EVERYTHING.all(ON)]
    assert listed == sorted(listed)
    assert "H37.61" not in listed
    assert "H37.64" not in listed
    assert "H37.61" in [row.code for row in EVERYTHING.all(CLOSED_ON)]


def test_without_level_sets_the_level_is_what_the_row_says() -> None:
    assert Directory(AGENCIES, ALIASES, SUCCESSIONS).level(code("H37.31"), ON) == "district"


def test_names_of_tiers_are_only_data() -> None:
    sets = (LevelSet("x", ("top", "bottom"), Period()),)
    assert Directory((agency("H37", level="top"),), level_sets=sets).level(code("H37"), ON) == "top"


def test_long_chain_is_walked_without_recursion() -> None:
    count = 5000
    rows = tuple(agency(f"H37.{n}", end=CLOSED_ON if n < count else None) for n in range(1, count + 1))
    steps: tuple[Succession, ...] = ()
    for n in range(1, count):
        steps += succession(f"H37.{n}", f"H37.{n + 1}")
    assert directory(rows, successions=steps).final_successors(code("H37.1"), ON) == (f"H37.{count}",)


def test_directory_of_120_000_agencies_is_built_and_asked_quickly() -> None:
    """The national catalogue has that size; the bound is an order of magnitude above what was measured."""
    rows = [agency("H37")]
    for district in range(1, 400):
        rows.append(agency(f"H37.{district:03d}X", parent="H37"))
        rows += [agency(f"H37.{district:03d}X.{n:03d}", parent=f"H37.{district:03d}X") for n in range(300)]
    began = time.perf_counter()
    large = directory(tuple(rows), aliases=(), successions=())
    built = time.perf_counter()
    assert all(large.resolve(row.code) == row.code for row in rows[-10_000:])
    assert len(rows) > 120_000
    assert built - began < 10
    assert time.perf_counter() - built < 1
