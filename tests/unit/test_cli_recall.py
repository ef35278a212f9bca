"""``gateway recall`` and ``gateway incident`` on an installation without a running server."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.cli_world import GOOD, Commands

LETTER = GOOD / "new-cv-362.edxml"


@pytest.fixture
def commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Commands:
    made = Commands(tmp_path / "home", capsys)
    made.done("init", "--demo-directory")
    return made


@pytest.fixture
def document(commands: Commands) -> str:
    return str(commands.done("send", LETTER, "--as", "H37")["document"])


def test_a_document_that_nobody_fetched_is_withdrawn_from_the_command_line(
    commands: Commands, document: str
) -> None:
    answer = commands.done("recall", "send", document, "--reason", "Sai thể thức")
    assert {line["state"] for line in answer["lines"]} == {"withdrawn"}
    code, shown, _ = commands.run("recall", "show", document)
    assert code == 0
    assert "Đã rút lại" in shown
    assert "Sai thể thức" in shown
    trace = commands.done("trace", document)
    assert trace["standing"] == "recalled"
    assert "Đã thu hồi" in commands.run("trace", document)[1]


def test_silent_recipients_are_a_list(commands: Commands, document: str) -> None:
    [item] = commands.done("inbox", "--as", recipient(commands, document))["items"]
    commands.done("inbox", "--fetch", item["delivery"], "-o", commands.home / "x.edxml", "--reason", "Thử")
    commands.done("inbox", "--done", item["delivery"])
    commands.done("recall", "send", document, "--reason", "Sai thể thức", "--to", item["recipient"])
    [line] = commands.done("recall", "silent")["silent"]
    assert line["line"]["recipient"] == item["recipient"]
    assert "chưa được trả lời" in commands.run("recall", "silent")[1]


def test_a_recall_from_a_stranger_is_refused_in_both_languages(commands: Commands, document: str) -> None:
    code, problem = commands.json("recall", "send", document, "--reason", "Nhầm", "--to", "A99")
    assert code == 1
    assert problem["error"]["code"] == "recall.not_a_recipient"


def test_two_persons_purge_a_spilled_document(commands: Commands, document: str, tmp_path: Path) -> None:
    opened = commands.done("incident", "open", document, "--reason", "Có bí mật nhà nước")
    code, problem = commands.json("incident", "confirm", opened["id"])
    assert (code, problem["error"]["code"]) == (1, "incident.same_person")
    key_file = tmp_path / "second.key"
    added = ("agency", "add", "Quản trị viên B", "--role", "administrator", "--key-file", key_file)
    commands.done(*added)
    report = commands.done("incident", "confirm", opened["id"], "--key-file", key_file)
    assert report["incident"]["state"] == "purged"
    assert "Bản sao lưu còn giữ đến" in commands.run("incident", "show", opened["id"])[1]
    closed = commands.done("incident", "close", opened["id"], "--reason", "Đã xong")
    assert closed["state"] == "closed"
    assert len(commands.done("incident", "list")["incidents"]) == 1
    assert commands.run("incident", "list")[0] == 0


def recipient(commands: Commands, document: str) -> str:
    return str(commands.done("trace", document)["deliveries"][0]["recipient"])
