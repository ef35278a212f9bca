"""Import of the directory: what is read, what is told to be wrong and where, what would change."""

from __future__ import annotations

import json
from datetime import date

import pytest
from checks_world import ON, agency, code, directory

from gateway.directory.data import DirectoryData
from gateway.directory.load import (
    default_level_sets,
    merge,
    preview,
    problems,
    read_directory,
    read_level_sets,
    to_directory,
)
from gateway.errors import BadRequest
from gateway.model.agency import Alias, Period, Succession, SuccessionKind

HEADER = "code,name,level,parent,aliases,valid_from,valid_to,successors,succession_kind,test,made_up\n"
GOOD = (
    HEADER
    + "H37,UBND tỉnh,province,,,,,,,,\n"
    + "H37.05,Sở Y tế,province,H37,vxp:vxp.saas.12@2020-01-01..|000.00.05.H37@..2022-09-14,2018-01-01,,,,,x\n"
    + "H37.61,Đơn vị cũ,province,H37,,,31/03/2020,H37.05,merge,,\n"
    + "W00.01,Mã thử,outside,,,,,,,yes,\n"
)


def errors(text: str, format: str = "csv") -> list[str]:
    """The English sentences of what is wrong."""
    with pytest.raises(BadRequest) as refused:
        read_directory(text, format)
    return [finding.text.en for finding in refused.value.findings]


def test_csv_becomes_agencies_aliases_and_successions() -> None:
    data = read_directory(GOOD, "csv")
    health = next(row for row in data.agencies if row.code == "H37.05")
    assert (health.name, health.parent, health.period.start, health.made_up) == (
        "Sở Y tế",
        "H37",
        date(2018, 1, 1),
        True,
    )
    assert data.aliases == (
        Alias("vxp.saas.12", code("H37.05"), "vxp", Period(date(2020, 1, 1))),
        Alias("000.00.05.H37", code("H37.05"), "qcvn102", Period(None, date(2022, 9, 14))),
    )
    step = Succession(code("H37.61"), code("H37.05"), SuccessionKind.MERGE, date(2020, 4, 1))
    assert data.successions == (step,)
    assert [row.code for row in data.agencies if row.test] == ["W00.01"]


def test_json_says_the_same_as_csv() -> None:
    items = [
        {"code": "H37", "name": "UBND tỉnh", "level": "province"},
        {
            "code": "000.00.05.H37",
            "name": "Sở Y tế",
            "level": "province",
            "parent": "H37",
            "aliases": [
                {"alias": "vxp.saas.12", "scheme": "vxp", "from": "2020-01-01"},
                "000.00.05.H37@..2022-09-14",
            ],
            "valid_from": "2018-01-01",
            "made_up": True,
        },
        {
            "code": "H37.61",
            "name": "Đơn vị cũ",
            "level": "province",
            "parent": "H37",
            "valid_to": "2020-03-31",
            "successors": ["H37.05"],
            "succession_kind": "merge",
        },
        {"code": "W00.01", "name": "Mã thử", "level": "outside", "test": True, "valid_to": None},
    ]
    expected = read_directory(GOOD, "csv")
    assert read_directory(json.dumps(items), "json") == expected
    assert read_directory(json.dumps({"agencies": items}), "json") == expected


def test_excel_in_vietnamese_writes_semicolons_and_a_byte_order_mark() -> None:
    text = "\ufeffcode;name;level\r\nH37;UBND tỉnh;province\r\n"
    assert [row.code for row in read_directory(text, "csv").agencies] == ["H37"]


def test_decomposed_names_are_composed_and_blank_lines_skipped() -> None:
    text = "code,name,level\n,,\nH37,UBND ti\u0309nh,province\n"
    assert read_directory(text, "csv").agencies[0].name == "UBND tỉnh"


def test_several_successors_are_a_split_and_none_is_a_dissolution() -> None:
    text = (
        HEADER
        + "H37.61,A,province,,,,2020-03-31,H37.03|H37.05,,,\n"
        + "H37.62,B,province,,,,2020-03-31,,dissolve,,\n"
        + "H37.63,C,province,,,,2020-03-31,,,,\n"
    )
    steps = [(s.old, s.new, s.kind) for s in read_directory(text, "csv").successions]
    assert steps == [
        ("H37.61", "H37.03", SuccessionKind.SPLIT),
        ("H37.61", "H37.05", SuccessionKind.SPLIT),
        ("H37.62", None, SuccessionKind.DISSOLVE),
    ]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("x,Tên,province,,,,,,,,", "Line 2, column code: not an agency code."),
        ("H37,,province,,,,,,,,", "Line 2, column name: the name is missing."),
        ("H37,Tên,tỉnh,,,,,,,,", "Line 2, column level: the level must be one of"),
        ("H37,Tên,province,Sở,,,,,,,", "Line 2, column parent: Sở is not an agency code."),
        ("H37,Tên,province,,a@b,,,,,,", "Line 2, column aliases: the value a@b cannot be read."),
        ("H37,Tên,province,,a@x..,,,,,,", "Line 2, column aliases: the value a@x.. cannot be read."),
        ("H37,Tên,province,,,30/02/2020,,,,,", "Line 2, column valid_from: the value 30/02/2020"),
        ("H37,Tên,province,,,2020-02-01,2020-01-01,,,,", "Line 2, column valid_to: the last day is before"),
        ("H37,Tên,province,,,,,H37.05,,,", "Line 2, column valid_to: an agency that gave way"),
        ("H37,Tên,province,,,,2020-01-01,,merge,,", "Line 2, column succession_kind: must be"),
        ("H37,Tên,province,,,,2020-01-01,H37.05,dissolve,,", "Line 2, column succession_kind: must be"),
        ("H37,Tên,province,,,,2020-01-01,H37.05,sáp nhập,,", "Line 2, column succession_kind: must be"),
        ("H37,Tên,province,,,,2020-01-01,Sở,,,", "Line 2, column successors: Sở is not an agency code."),
        ("H37,Tên,province,,,,,,,maybe,", "Line 2, column test: the value maybe cannot be read."),
    ],
)
def test_wrong_line_is_told_with_line_and_column(line: str, said: str) -> None:
    [sentence] = errors(HEADER + line + "\n")
    assert sentence.startswith(said)


def test_all_wrong_lines_are_told_at_once_in_both_languages() -> None:
    text = HEADER + "x,Tên,province,,,,,,,,\nH37,,province,,,,,,,,\n"
    with pytest.raises(BadRequest) as refused:
        read_directory(text, "csv")
    assert [finding.where for finding in refused.value.findings] == ["line 2", "line 3"]
    assert refused.value.code == "directory.invalid"
    assert refused.value.findings[1].text.vi == "Dòng 3, cột name: thiếu tên cơ quan."
    assert "2 lỗi" in refused.value.text.vi


def test_periods_of_one_code_must_not_overlap() -> None:
    text = HEADER + "H37,A,province,,,,2020-06-30,,,,\nH37,B,province,,,2020-06-30,,,,,\n"
    assert errors(text) == ["Line 3, column code: another line of H37 covers the same days."]


def test_periods_of_one_code_may_follow_each_other() -> None:
    text = HEADER + "H37,A,province,,,,2020-06-30,,,,\nH37,B,province,,,2020-07-01,,,,,\n"
    known = to_directory(read_directory(text, "csv"))
    assert known.name(code("H37"), date(2020, 6, 30)) == "A"
    assert known.name(code("H37"), date(2020, 7, 1)) == "B"


def test_circle_of_successions_is_refused_with_the_path() -> None:
    text = HEADER + "H37.61,A,province,,,,2020-03-31,H37.62,,,\nH37.62,B,province,,,,2020-03-31,H37.61,,,\n"
    [sentence] = errors(text)
    assert sentence == (
        "Line 2 (H37.61), column successors: succession run in a circle: H37.61 → H37.62 → H37.61."
    )


def test_agency_that_succeeds_itself_is_refused() -> None:
    text = HEADER + "H37.61,A,province,,,,2020-03-31,H37.61,,,\n"
    assert "H37.61 → H37.61" in errors(text)[0]


def test_circle_of_parents_is_refused() -> None:
    text = HEADER + "H37.61,A,province,H37.62,,,,,,,\nH37.62,B,province,H37.61,,,,,,,\n"
    assert "parents run in a circle" in errors(text)[0]


@pytest.mark.parametrize("alias", ["vxp.saas.1", "000.00.03.H37"])
def test_alias_that_already_belongs_to_another_agency_is_refused(alias: str) -> None:
    text = HEADER + f"H37.03,A,province,,vxp.saas.1,,,,,,\nH37.05,B,province,,{alias},,,,,,\n"
    assert errors(text) == [f"Line 3 (H37.05), column aliases: {alias} already belongs to H37.03."]


@pytest.mark.parametrize(
    ("text", "format", "said"),
    [
        ("name,level\nA,province\n", "csv", "lacks the columns code"),
        ("", "csv", "lacks the columns code, name, level"),
        ("code,name,level\nH37,A,province,x\n", "csv", "line 2 has too many cells"),
        ('code,name,level\nH37,"A"b,province\n', "csv", "line 2 is not CSV"),
        ("{", "json", "it is not JSON"),
        ('{"agencies": 3}', "json", "a list of objects"),
        ("[1]", "json", "a list of objects"),
        ("code", "xlsx", "format xlsx is not supported"),
    ],
)
def test_file_that_is_no_table_is_refused_whole(text: str, format: str, said: str) -> None:
    with pytest.raises(BadRequest, match=r"directory\.unreadable") as refused:
        read_directory(text, format)
    assert said in refused.value.text.en


def test_parent_or_successor_that_nobody_knows_is_no_directory() -> None:
    text = HEADER + "H37.05,A,province,H37,,,,,,,\nH37.61,B,province,,,,2020-03-31,H37.99,,,\n"
    data = read_directory(text, "csv")  # they may stand in the present directory
    assert [finding.where for finding in problems(data)] == ["H37.05", "H37.61"]
    with pytest.raises(BadRequest, match=r"directory\.invalid"):
        to_directory(data)


def test_preview_tells_added_changed_closed_unchanged_and_absent_apart() -> None:
    current = read_directory(
        HEADER
        + "H37,UBND tỉnh,province,,,,,,,,\n"
        + "H37.03,Sở TT,province,H37,,,,,,,\n"
        + "H37.05,Sở Y tế,province,H37,vxp.saas.1,,,,,,\n"
        + "H37.07,Sở GT,province,H37,,,,,,,\n"
        + "H37.09,Sở NN,province,H37,,,,,,,\n",
        "csv",
    )
    incoming = read_directory(
        HEADER
        + "H37,UBND tỉnh,province,,,,,,,,\n"
        + "H37.03,Sở Thông tin,province,H37,,,,,,,\n"
        + "H37.05,Sở Y tế,province,H37,vxp.saas.2,,,,,,\n"
        + "H37.07,Sở GT,province,H37,,,2021-12-31,H37.08,,,\n"
        + "H37.08,Sở Xây dựng,province,H37,,,,,,,\n",
        "csv",
    )
    changes = preview(current, incoming)
    assert [row.code for row in changes.added] == ["H37.08"]
    assert [(c.code, [(f.field, f.before, f.after) for f in c.fields]) for c in changes.changed] == [
        ("H37.03", [("name", "Sở TT", "Sở Thông tin")]),
        ("H37.05", [("aliases", "vxp:vxp.saas.1@..", "vxp:vxp.saas.2@..")]),
    ]
    [closed] = changes.closed
    assert closed.code == "H37.07"
    assert [(f.field, f.after) for f in closed.fields] == [
        ("valid_to", "2021-12-31"),
        ("successors", "merge 2022-01-01: H37.08"),
    ]
    assert (changes.unchanged, changes.absent) == (1, 1)


def test_preview_of_the_same_rows_in_another_order_changes_nothing() -> None:
    current = read_directory(GOOD, "csv")
    turned = DirectoryData(
        tuple(reversed(current.agencies)), tuple(reversed(current.aliases)), current.successions
    )
    changes = preview(current, turned)
    assert (changes.added, changes.changed, changes.closed, changes.unchanged) == ((), (), (), 4)


def test_preview_compares_with_a_directory_in_use() -> None:
    assert preview(directory(), DirectoryData((agency("H37.05", "Sở Y tế", parent="H37"),))).changed


def test_merge_replaces_what_the_import_names_and_nothing_else() -> None:
    current = read_directory(GOOD, "csv")
    incoming = read_directory("code,name,level,parent\nH37.05,Sở Y tế mới,province,H37\n", "csv")
    merged = to_directory(merge(current, incoming))
    assert merged.name(code("H37.05"), ON) == "Sở Y tế mới"
    assert merged.resolve("vxp.saas.12") is None
    assert merged.standing(code("H37.61"), ON).successors == ("H37.05",)
    assert len(merged.agencies) == len(current.agencies)


def test_level_sets_are_read_from_data() -> None:
    text = '[[level_set]]\nversion = "x"\nlevels = ["a", "b"]\nfrom = 2020-01-01\n'
    [levels] = read_level_sets(text)
    assert (levels.version, levels.levels, levels.period) == ("x", ("a", "b"), Period(date(2020, 1, 1)))


def test_shipped_level_sets_cover_every_day_once() -> None:
    for day in (date(2018, 1, 1), date(2025, 6, 30), date(2025, 7, 1), date(2030, 1, 1)):
        assert sum(s.period.holds_on(day) for s in default_level_sets()) == 1
