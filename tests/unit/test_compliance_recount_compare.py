"""The recount agrees with an honest report, and names the reason where it does not."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from gateway.compliance import recount, recount_compare
from gateway.compliance.recount_compare import Outcome, recount_report
from gateway.compliance.recount_log import Checked, check_log
from gateway.compliance.recount_rates import printed
from gateway.errors import BadRequest
from gateway.model.canonical import canonical_json
from tests.recount_world import Log, counts, root_of, shipped_as_stated, stated, write


@pytest.fixture
def log() -> Log:
    """Two documents, one on a Monday, one on a Thursday; Wednesday is empty."""
    log = Log()
    log.accepted("d1", "13/04 10:00")
    log.delivered()
    log.status("03", "13/04 15:00")
    log.accepted("d2", "14/04 10:00")
    log.accepted("d3", "16/04 10:00")
    log.accepted("d4", "17/04 10:00")
    return log


@pytest.fixture
def report(log: Log, tmp_path: Path) -> dict[str, Any]:
    return log.report(counts(log, tmp_path))


def codes(outcome: Outcome) -> list[str]:
    return [reason.code for reason in outcome.reasons]


def signed(report: dict[str, Any]) -> dict[str, Any]:
    return report | {"sha256": hashlib.sha256(canonical_json(report["body"])).hexdigest()}


def test_an_honest_report_agrees(log: Log, report: dict[str, Any], tmp_path: Path) -> None:
    outcome = recount_report(log.export(tmp_path), report)
    assert (outcome.equal, outcome.cells, outcome.leaves) == (True, (), 8)
    assert outcome.compared > 20


def test_what_the_log_gained_since_is_not_counted(log: Log, report: dict[str, Any], tmp_path: Path) -> None:
    log.accepted("d5", "17/04 11:00")
    log.status("02", "13/04 16:00", refusal="R01")
    assert recount_report(log.export(tmp_path), report).equal


def test_a_cell_that_differs_is_shown_with_both_values(
    log: Log, report: dict[str, Any], tmp_path: Path
) -> None:
    report["body"]["counts"]["H37"]["K2.both"] = 3
    outcome = recount_report(log.export(tmp_path), signed(report))
    assert codes(outcome) == ["cells.differ"]
    assert [cell.as_json() for cell in outcome.cells] == [
        {"agency": "H37", "name": "K2.both", "report": 3, "recount": 4}
    ]


def test_a_report_that_was_edited_is_named_so(log: Log, report: dict[str, Any], tmp_path: Path) -> None:
    report["body"]["counts"]["H37"]["K2.both"] = 3
    assert "report.changed" in codes(recount_report(log.export(tmp_path), report))


def test_an_event_that_was_cut_out_is_named_by_its_place(
    log: Log, report: dict[str, Any], tmp_path: Path
) -> None:
    outcome = recount_report(log.export(tmp_path, leave_out=[5]), report)
    [reason] = outcome.reasons
    assert (reason.code, reason.place) == ("log.missing", 5)
    assert "13/04/2020" in reason.text.vi  # the newest event before the gap


def test_a_log_from_which_a_day_was_taken_is_shorter_and_the_day_is_named(
    log: Log, report: dict[str, Any], tmp_path: Path
) -> None:
    log.bodies = [body for body in log.bodies if body.get("document") != "d3"]  # all of Thursday
    [reason] = recount_report(log.export(tmp_path), report).reasons
    assert reason.code == "log.short"
    assert "15/04/2020, 16/04/2020" in reason.text.en


def test_a_log_with_another_event_in_place_of_one_has_another_root(
    log: Log, report: dict[str, Any], tmp_path: Path
) -> None:
    log.bodies[5]["urgency"] = 2
    assert codes(recount_report(log.export(tmp_path), report)) == ["log.root"]


def test_an_event_changed_under_its_hash_is_found(log: Log, report: dict[str, Any], tmp_path: Path) -> None:
    file = log.export(tmp_path)
    file.write_bytes(file.read_bytes().replace(b'"number":"d2"', b'"number":"d9"'))
    [reason] = recount_report(file, report).reasons
    assert (reason.code, reason.place) == ("log.changed", 5)


@pytest.mark.parametrize(
    ("find", "put", "code"),
    [
        (b"end 8\n", b"", "log.cut"),
        (b"end 8\n", b"end 9\n", "log.missing"),
        (b'"from":0', b'"from":256', "log.partial"),
        (b"\n3 ", b"\n2 ", "log.order"),
        (b"\n3 ", b"\nx ", "log.unreadable"),
    ],
)
def test_an_export_that_does_not_hold_says_how(
    log: Log, report: dict[str, Any], tmp_path: Path, find: bytes, put: bytes, code: str
) -> None:
    file = log.export(tmp_path)
    file.write_bytes(file.read_bytes().replace(find, put))
    assert codes(recount_report(file, report)) == [code]


def test_an_event_without_what_its_type_must_have_is_named(log: Log, tmp_path: Path) -> None:
    del log.bodies[1]["recipient"]
    [reason] = recount_report(log.export(tmp_path), log.report({})).reasons
    assert (reason.code, reason.place) == ("log.event", 1)


def test_a_calendar_that_nobody_approved_is_named(log: Log, tmp_path: Path) -> None:
    log.add("calendar.approved", "13/04 00:00", version="mine", sha256="cd" * 32)
    outcome = recount_report(log.export(tmp_path), log.report(counts(log, tmp_path)))
    assert codes(outcome) == ["calendar.other"]


def test_other_rules_of_clauses_are_named(log: Log, tmp_path: Path) -> None:
    report = log.report(counts(log, tmp_path), clauses_version="1999")
    assert codes(recount_report(log.export(tmp_path), report)) == ["clauses.other"]


DAY_OFF = {"date": "2020-04-14", "kind": "holiday"}


def test_the_calendar_of_the_report_decides_and_not_ours(log: Log, tmp_path: Path) -> None:
    log.accepted("d6", "15/04 09:00")  # signed on the 13th: late, unless the 14th was a day off
    calendar = stated("mine", [DAY_OFF])
    log.add("calendar.approved", "13/04 00:00", version="mine", sha256=calendar["sha256"])
    outcome = recount_report(log.export(tmp_path), log.report({}, calendar=calendar))
    late = {c.agency: c for c in outcome.cells if c.name == "K3.qd28"}
    assert late["H37"].recount == 3  # d1, d2 and d6; without the day off, two
    assert codes(outcome) == ["cells.differ"]


def test_a_calendar_that_the_log_does_not_know_is_named(log: Log, tmp_path: Path) -> None:
    report = log.report(counts(log, tmp_path), calendar=stated("made up", [DAY_OFF]))
    assert "calendar.other" in codes(recount_report(log.export(tmp_path), report))


def test_a_calendar_of_the_shipped_name_with_another_day_off_is_named(log: Log, tmp_path: Path) -> None:
    shipped = shipped_as_stated()
    report = log.report({}, calendar=stated(shipped["version"], [*shipped["days"], DAY_OFF]))
    assert "calendar.other" in codes(recount_report(log.export(tmp_path), report))


def test_days_that_are_not_those_of_the_stated_hash_are_named(log: Log, tmp_path: Path) -> None:
    honest = stated("mine", [DAY_OFF])
    log.add("calendar.approved", "13/04 00:00", version="mine", sha256=honest["sha256"])
    days = [*honest["days"], {"date": "2020-04-15", "kind": "holiday"}]
    report = log.report({}, calendar=honest | {"days": days})
    assert "calendar.other" in codes(recount_report(log.export(tmp_path), report))


def test_a_calendar_that_was_replaced_since_is_named(log: Log, tmp_path: Path) -> None:
    old, new = stated("one", [DAY_OFF]), stated("two", [])
    for calendar in (old, new):
        log.add("calendar.approved", "13/04 00:00", version=calendar["version"], sha256=calendar["sha256"])
    assert "calendar.other" in codes(recount_report(log.export(tmp_path), log.report({}, calendar=old)))
    assert "calendar.other" not in codes(recount_report(log.export(tmp_path), log.report({}, calendar=new)))


def rate_rows(outcome: Outcome) -> list[tuple[str, str, object, object]]:
    return [(cell.agency, cell.name, cell.report, cell.recount) for cell in outcome.cells]


def stated_cells(outcome: Outcome) -> list[tuple[str, str, object, object]]:
    """Those that the report states at all."""
    return [row for row in rate_rows(outcome) if row[2] is not None]


def test_a_rate_of_a_scope_that_does_not_exist_differs(log: Log, tmp_path: Path) -> None:
    rate = {"numerator": 9, "denominator": 9, "text": "100,0 %", "small": False}
    rates = [{"scope": "all (corrected)", "key": key, **rate} for key in ("K3", "K1")]
    outcome = recount_report(log.export(tmp_path), log.report(counts(log, tmp_path), rates=rates))
    assert [row for row in rate_rows(outcome) if row[3] is None] == [
        ("all (corrected)", "K3", "100,0 %", None),
        ("all (corrected)", "K1", "100,0 %", None),
    ]


def test_a_rate_that_a_report_keeps_to_itself_differs(log: Log, tmp_path: Path) -> None:
    outcome = recount_report(log.export(tmp_path), log.report(counts(log, tmp_path), rates=[]))
    assert ("all", "K3", None, "50,0 %") in rate_rows(outcome)
    assert not [row for row in rate_rows(outcome) if row[1] in ("K1", "K2b")]


def test_times_of_recalls_are_compared_too(log: Log, tmp_path: Path) -> None:
    log.add("recall.asked", "14/04 10:00", message="r", recipient="H37.03", to_state="asked")
    log.add("recall.answered", "14/04 10:30", message="r", recipient="H37.03", to_state="agreed")
    report = log.report(counts(log, tmp_path), recalls={"n": 1, "p50_minutes": 30, "p95_minutes": 31})
    [cell] = recount_report(log.export(tmp_path), report).cells
    assert (cell.name, cell.report, cell.recount) == ("recalls.p95_minutes", 31, 30)


@pytest.mark.parametrize(
    ("above", "below", "text"),
    [
        (0, 0, "—"),
        (0, 5, "0,0 %"),
        (5, 5, "100,0 %"),
        (973, 1000, "97,3 %"),
        (1, 3, "33,3 %"),
        (9725, 100_000, "9,7 %"),
        (12_345, 100_000, "12,3 %"),
        (3125, 100_000, "3,1 %"),
        (1235, 10_000, "12,4 %"),
        (9_996, 10_000, "99,9 %"),
        (1, 10_000, "0,1 %"),
    ],
)
def test_rates_print_half_up_and_never_reach_what_is_not_so(above: int, below: int, text: str) -> None:
    assert printed(above, below) == text


def test_a_printed_rate_that_differs_is_a_cell_too(log: Log, tmp_path: Path) -> None:
    row = {"scope": "all", "key": "K2", "numerator": 4, "denominator": 4, "small": True, "text": "100,0 %*"}
    good = log.report(counts(log, tmp_path), rates=[row], agencies=[])
    assert stated_cells(recount_report(log.export(tmp_path), good)) == []
    bad = log.report(counts(log, tmp_path), rates=[row | {"numerator": 3, "text": "75,0 %*"}], agencies=[])
    assert stated_cells(recount_report(log.export(tmp_path), bad)) == [
        ("all", "K2 numerator", 3, 4),
        ("all", "K2 text", "75,0 %", "100,0 %"),
    ]


@pytest.mark.parametrize("size", [0, 1, 2, 3, 6, 7, 8])
def test_the_root_is_that_of_rfc_6962_over_any_number_of_leaves(log: Log, tmp_path: Path, size: int) -> None:
    bodies = [canonical_json(body) for body in log.bodies]
    assert check_log(log.export(tmp_path), size).root == root_of(bodies[:size])


def test_with_keys_the_checkpoints_are_asked_too(log: Log, report: dict[str, Any], tmp_path: Path) -> None:
    file = log.export(tmp_path)
    data = file.read_bytes().replace(b"end 8", b'checkpoint {"note":"thu\\n8\\nAAAA\\n"}\nend 8')
    file.write_bytes(data)
    key = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    assert recount_report(file, report).equal
    assert codes(recount_report(file, report, key, 1.6e9)) == ["log.checkpoint"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("form", "frozen-report/9"),
        ("counts", {"H37": {"D.sent": "4"}}),
        ("counts", []),
        ("recalls", []),
        ("clocks", {}),
        ("period", "2020-W16"),
        ("data_as_of", {"at": "yesterday", "size": 8, "root": ""}),
    ],
)
def test_a_file_that_is_no_report_of_ours_is_named_so(
    log: Log, report: dict[str, Any], tmp_path: Path, name: str, value: object
) -> None:
    report["body"][name] = value
    assert codes(recount_report(log.export(tmp_path), report)) == ["report.unreadable"]


# the command


def test_report_and_log_are_told_apart_by_what_is_in_them(
    log: Log, report: dict[str, Any], tmp_path: Path
) -> None:
    export, file = log.export(tmp_path), write(report, tmp_path)
    assert recount.recount(file, log=export).equal
    assert recount.recount(export, report=file).equal


def test_the_command_exits_0_when_equal_and_1_when_not(
    log: Log, report: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    export, file = str(log.export(tmp_path)), str(write(report, tmp_path))
    assert recount.main([file, "--log", export]) == 0
    assert "✓ Đếm lại khớp" in capsys.readouterr().out
    report["body"]["counts"]["H37"]["D.sent"] = 9
    changed = str(write(signed(report), tmp_path))
    assert recount.main([changed, "--log", export, "--json"]) == 1
    said = json.loads(capsys.readouterr().out)
    assert (said["equal"], said["differences"][0]["name"]) == (False, "D.sent")
    assert recount.main([changed, "--log", export]) == 1
    row = next(line for line in capsys.readouterr().out.splitlines() if "D.sent" in line)
    assert row.split() == ["H37", "D.sent", "9", "4"]


def test_without_a_report_the_sums_of_the_period_are_shown(
    log: Log, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert recount.main([str(log.export(tmp_path)), "--period", "2020-04-13..2020-04-19"]) == 0
    assert ["D.sent", "4"] in [line.split() for line in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize("words", [[], ["--period", "2020-W99"], ["--period", "2020-04-19..2020-04-13"]])
def test_a_wrong_call_is_told_in_words(
    log: Log, tmp_path: Path, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert recount.main([str(log.export(tmp_path)), *words]) == 2
    assert "Cần báo cáo" in capsys.readouterr().err


def test_a_report_without_a_log_asks_for_it(report: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="exported log") as caught:
        recount.recount(write(report, tmp_path))
    assert caught.value.code == "recount.no_log"


def test_a_large_export_is_hashed_beside_the_counting(
    log: Log, report: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here: list[Path] = []

    def check(file: Path, size: int | None) -> Checked:
        here.append(file)
        return check_log(file, size)

    monkeypatch.setattr(recount_compare, "_LARGE", 1)
    monkeypatch.setattr(recount_compare, "check_log", check)
    file = log.export(tmp_path)
    assert recount_report(file, report).equal
    assert here == []  # another process did it
    file.write_bytes(file.read_bytes().replace(b'"number":"d2"', b'"number":"d9"'))
    [reason] = recount_report(file, report).reasons
    assert (reason.code, reason.place, here) == ("log.changed", 5, [file])
