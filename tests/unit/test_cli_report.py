"""``gateway report``: what a person types, and what comes back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.unit.cli_world import Commands
from tests.world import make_envelope


@pytest.fixture
def commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Commands:
    made = Commands(tmp_path / "home", capsys)
    made.done("init", "--demo-directory")
    file = tmp_path / "letter.edxml"
    file.write_bytes(make_envelope())
    made.done("send", file, "--as", "H37")
    return made


def this_month(commands: Commands) -> str:
    """The month of the clock of this machine, as the log has it."""
    made: str = commands.done("log", "checkpoint")["signed_at"]
    return made[:7]


def published(commands: Commands) -> dict[str, Any]:
    answer: dict[str, Any] = commands.done("report", "publish", "--period", this_month(commands))
    return answer


def test_a_document_that_was_sent_stands_in_the_published_report(commands: Commands, tmp_path: Path) -> None:
    report = published(commands)
    assert report["provisional"] is True
    file = tmp_path / "report.json"
    shown = commands.done("report", "show", report["id"], "-o", file)
    assert shown["body"]["counts"]["H37"]["D.sent"] == 1
    assert orjson.loads(file.read_bytes()) == shown
    assert [one["id"] for one in commands.done("report", "list")["reports"]] == [report["id"]]
    for words in (("list",), ("show", report["id"]), ("make", "--period", this_month(commands))):
        code, out, _ = commands.run("report", *words)
        assert (code, bool(out)) == (0, True)


def test_the_file_verifies_with_the_key_list_and_not_once_it_was_changed(
    commands: Commands, tmp_path: Path
) -> None:
    report = published(commands)
    file, keys = tmp_path / "report.json", tmp_path / "keys.txt"
    commands.done("report", "show", report["id"], "-o", file)
    keys.write_text(commands.done("evidence", "keys")["keys"])
    elsewhere = Commands(tmp_path / "nowhere", commands.capture)
    assert elsewhere.done("report", "verify", file, "--key", keys)["holds"] is True
    assert elsewhere.json("report", "verify", file)[0] == 1
    file.write_bytes(file.read_bytes().replace(b'"D.sent":1', b'"D.sent":2'))
    code, answer = elsewhere.json("report", "verify", file, "--key", keys)
    assert (code, answer["holds"]) == (1, False)
    code, out, _ = elsewhere.run("report", "verify", file, "--key", keys)
    assert (code, "Không được tin báo cáo này" in out) == (1, True)


def test_a_later_status_is_shown_by_compare_and_named_by_the_next_report(
    commands: Commands, tmp_path: Path
) -> None:
    report = published(commands)
    assert commands.done("report", "compare", report["id"])["differences"] == []
    second = tmp_path / "second.edxml"
    second.write_bytes(make_envelope(number="363"))
    commands.done("send", second, "--as", "H37")
    commands.done("log", "checkpoint")
    code, answer = commands.json("report", "compare", report["id"])
    assert (code, answer["same"]) == (1, False)
    moved = {(one["agency"], one["name"]): one for one in answer["differences"]}
    assert (moved["H37", "D.sent"]["before"], moved["H37", "D.sent"]["after"]) == (1, 2)
    assert "events" in moved["H37", "D.sent"]["causes"]
    code, out, _ = commands.run("report", "compare", report["id"])
    assert (code, "D.sent" in out) == (1, True)
    again = published(commands)
    assert again["earlier"] == report["id"]
    assert again["differences"] > 0


def test_a_recount_of_the_log_agrees_with_the_published_report(commands: Commands, tmp_path: Path) -> None:
    report = published(commands)
    file, log = tmp_path / "report.json", tmp_path / "log.txt"
    commands.done("report", "show", report["id"], "-o", file)
    assert commands.done("report", "recount", file)["equal"] is True
    commands.done("log", "export", "-o", log)
    elsewhere = Commands(tmp_path / "nowhere", commands.capture)
    assert elsewhere.done("report", "recount", file, "--log", log)["equal"] is True
    assert elsewhere.done("report", "recount", log, "--report", file)["equal"] is True
    keys = tmp_path / "keys.txt"
    keys.write_text(commands.done("evidence", "keys")["keys"])
    assert elsewhere.done("report", "recount", file, "--log", log, "--key", keys)["equal"] is True
    log.write_bytes(log.read_bytes().replace(b"document.accepted", b"document.refused!", 1))
    code, answer = elsewhere.json("report", "recount", file, "--log", log)
    assert (code, answer["equal"]) == (1, False)


def test_a_form_is_written_once(commands: Commands, tmp_path: Path) -> None:
    report = published(commands)
    target = tmp_path / "f2.xlsx"
    words = ("report", "form", "F2", "--report", report["id"], "-o", target)
    assert commands.done(*words)["size"] == target.stat().st_size
    code, answer = commands.json(*words)
    assert (code, answer["error"]["code"]) == (1, "file.unwritable")


def test_what_is_no_period_and_no_report_is_said(commands: Commands, tmp_path: Path) -> None:
    code, answer = commands.json("report", "publish", "--period", "tuần 16")
    assert (code, answer["error"]["code"]) == (1, "period.unreadable")
    (tmp_path / "x.json").write_text("{}")
    code, answer = commands.json("report", "verify", tmp_path / "x.json")
    assert (code, answer["error"]["code"]) == (1, "report.unreadable")
