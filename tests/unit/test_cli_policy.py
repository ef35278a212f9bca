"""``gateway policy``: what is printed for people and for scripts."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.cli_world import GOOD, Commands

RULE = "signature.pdf_unsigned"


@pytest.fixture
def commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Commands:
    made = Commands(tmp_path / "home", capsys)
    made.done("init", "--demo-directory")
    return made


def test_without_policies_the_list_says_so(commands: Commands) -> None:
    assert commands.done("policy", "list") == {"policies": []}
    assert "mặc định" in commands.run("policy", "list")[1]


@pytest.fixture
def second(commands: Commands) -> str:
    """A file with the key of a second administrator."""
    path = str(commands.home.parent / "binh.key")
    commands.done("agency", "add", "Trần Thị Bình", "--role", "administrator", "--key-file", path)
    return path


def test_a_policy_is_set_listed_and_ended(commands: Commands, second: str) -> None:
    made = commands.done(
        "policy", "set", RULE, "--action", "hold", "--reason", "Chỉ thị 05.", "--key-file", second
    )
    [row] = commands.done("policy", "list")["policies"]
    assert (row["policy"]["id"], row["standing"]) == (made["id"], "in force")
    shown = commands.run("policy", "list")[1]
    assert "tạm giữ (hold): signature.pdf_unsigned" in shown
    assert "Chỉ thị 05." in shown
    commands.done("policy", "end", made["id"], "--reason", "Hết cần.", "--key-file", second)
    assert commands.done("policy", "list") == {"policies": []}
    [ended] = commands.done("policy", "list", "--all")["policies"]
    assert ended["standing"] == "ended"


def test_an_exemption_names_both_persons(commands: Commands, second: str) -> None:
    commands.done("policy", "set", RULE, "--reason", "Chỉ thị 05.", "--key-file", second)
    words = ("--agency", "H37", "--to", "2099-01-01", "--reason", "Đang xin cấp lại.")
    commands.done("policy", "exempt", RULE, *words, "--key-file", second)
    shown = " ".join(commands.run("policy", "list")[1].split())
    assert shown.count("Trần Thị Bình phê duyệt") == 2


def test_a_proposal_waits_for_the_second_person(commands: Commands, second: str) -> None:
    told = commands.run("policy", "set", RULE, "--reason", "Chỉ thị 05.")[1]
    [waiting] = commands.done("policy", "proposals")["proposals"]
    assert f"gateway policy decide {waiting['id']} --approve" in told
    assert commands.done("policy", "list") == {"policies": []}
    assert "chờ người thứ hai" in commands.run("policy", "proposals")[1]
    words = ("policy", "decide", waiting["id"], "--approve", "--reason", "Đồng ý.")
    code, answer = commands.json(*words)
    assert (code, answer["error"]["code"]) == (1, "policy.same_person")
    assert "đã phê duyệt" in commands.run(*words, "--key-file", second)[1]
    assert commands.done("policy", "proposals") == {"proposals": []}
    assert "Không có đề nghị nào" in commands.run("policy", "proposals")[1]
    [row] = commands.done("policy", "list")["policies"]
    assert row["policy"]["id"] == waiting["id"]


def test_a_rehearsal_names_the_documents(commands: Commands) -> None:
    sent = commands.done("send", GOOD / "new-cv-362.edxml", "--as", "H37")
    assert sent["decision"] == "accept"
    found = commands.done("policy", "rehearse", "--rule", "signature.*")
    assert (found["messages"], found["refused"]) == (1, 1)
    [document] = {one for row in found["rows"] for one in row["documents"]}
    shown = commands.run("policy", "rehearse", "--rule", "signature.*")[1]
    assert "Văn bản bị từ chối tại trục (refused)  1" in shown
    assert document.partition(",")[0] in shown


def test_a_rehearsal_that_finds_nothing_says_so(commands: Commands) -> None:
    assert "Không văn bản nào bị ảnh hưởng" in commands.run("policy", "rehearse", "--rule", RULE)[1]


def test_a_rehearsal_of_nothing_shows_how(commands: Commands) -> None:
    code, answer = commands.json("policy", "rehearse")
    assert (code, answer["error"]["code"]) == (1, "policy.nothing_to_rehearse")
    assert "--rule" in answer["error"]["vi"]
