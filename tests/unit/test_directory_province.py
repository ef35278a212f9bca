"""The demo province has the size and shape of Lạng Sơn in April 2020."""

from __future__ import annotations

from collections import Counter

from gateway.directory.snapshot import StandingKind
from gateway.model.text import AgencyCode
from gateway.practice import province

DIRECTORY = province.directory()
ON = province.as_of()
HOME = province.home()
UNITS = [row for row in DIRECTORY.all(ON) if DIRECTORY.within(row.code, HOME, ON)]

# From the OrganName elements of the sample messages.
SAMPLES = {
    "000.00.00.H37": "UBND tỉnh Lạng Sơn",
    "000.00.01.H37": "Văn phòng UBND tỉnh Lạng Sơn",
    "000.00.03.H37": "Sở Thông tin và Truyền thông tỉnh Lạng Sơn",
    "000.00.05.H37": "Sở Y tế tỉnh Lạng Sơn",
    "000.00.07.H37": "Sở Giao thông vận tải tỉnh Lạng Sơn",
    "000.00.09.H37": "Sở Nông nghiệp và Phát triển nông thôn tỉnh Lạng Sơn",
    "000.00.11.H37": "Sở Tài nguyên và Môi trường tỉnh Lạng Sơn",
    "000.00.13.H37": "Sở Kế hoạch và Đầu tư tỉnh Lạng Sơn",
    "000.00.20.H37": "Công an tỉnh Lạng Sơn",
    "000.00.31.H37": "UBND thành phố Lạng Sơn",
    "000.00.32.H37": "UBND huyện Hữu Lũng",
    "000.21.31.H37": "UBND phường Tam Thanh",
}


def test_agencies_of_the_sample_messages_are_there_under_their_names() -> None:
    found = {text: DIRECTORY.resolve(text) for text in SAMPLES}
    assert {text: code and DIRECTORY.name(code, ON) for text, code in found.items()} == SAMPLES


def test_units_stand_at_three_levels_in_their_real_numbers() -> None:
    levels = Counter(DIRECTORY.level(row.code, ON) for row in UNITS)
    assert levels["district"] == 11
    assert levels["commune"] == 200
    assert 80 <= levels["province"] <= 100
    assert 280 <= len(UNITS) <= 310


def test_communes_are_5_wards_14_townships_and_181_communes() -> None:
    kinds = Counter(
        row.name.removeprefix("UBND ").split(" ")[0]
        for row in UNITS
        if DIRECTORY.level(row.code, ON) == "commune"
    )
    assert kinds == {"phường": 5, "thị": 14, "xã": 181}


def test_every_district_has_its_communes_below_it() -> None:
    districts = [row for row in DIRECTORY.children(HOME, ON) if row.level == "district"]
    sizes = {row.name: len(DIRECTORY.children(row.code, ON)) for row in districts}
    assert sizes["UBND thành phố Lạng Sơn"] == 8
    assert sizes["UBND huyện Hữu Lũng"] == 24
    assert sum(sizes.values()) == 200


def test_names_are_distinct() -> None:
    names = Counter(row.name for row in UNITS)
    assert [name for name, times in names.items() if times > 1] == []


def test_invented_codes_are_marked_and_stay_open() -> None:
    real = {row.code for row in UNITS if not row.made_up}
    assert real == {"H37", "H37.02.02"}
    assert all(row.period.end is None for row in UNITS)


def test_closed_units_show_one_several_and_no_successor() -> None:
    closed = {
        row.code: len(DIRECTORY.standing(row.code, ON).successors)
        for row in DIRECTORY.agencies
        if DIRECTORY.standing(row.code, ON).kind is StandingKind.CLOSED
    }
    assert sorted(closed.values()) == [0, 1, 2]


def test_test_code_and_agencies_outside_are_there() -> None:
    assert DIRECTORY.standing(AgencyCode("W00"), ON).kind is StandingKind.TEST
    assert DIRECTORY.resolve("000.00.00.G22") == "G22"
    assert not DIRECTORY.within(AgencyCode("G22"), HOME, ON)


def test_old_form_is_written_in_2020_and_the_new_one_after_the_transition() -> None:
    ward = AgencyCode("H37.31.21")
    assert DIRECTORY.written_form(ward, "qcvn102", ON) == "000.21.31.H37"
    assert DIRECTORY.written_form(ward, "qcvn102", ON.replace(year=2023)) == "H37.31.21"


def test_note_says_that_the_data_is_a_sample_in_both_languages() -> None:
    assert "mẫu" in province.note().vi
    assert "made up" in province.note().en
