"""``gateway recovery`` and what ``gateway doctor`` says before it, as a person at the machine has them."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.signature.seal import RECEIPT_TYPE
from tests.unit.cli_world import Commands


@pytest.fixture
def commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Commands:
    made = Commands(tmp_path / "home", capsys)
    made.done("init", "--demo-directory")
    return made


@pytest.fixture
def restored(commands: Commands) -> Commands:
    """An installation that ``gateway restore`` has just made."""
    commands.done("log", "checkpoint")
    (commands.home / "restored.json").write_text('{"backup": "night", "backup_at": 1586766600000000}')
    return commands


def with_second(commands: Commands, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    with (commands.home / "gateway.toml").open("a") as settings:
        settings.write(f'\n[durability]\nsecond_copy = "{folder}"\n')


def test_accept_opens_the_epoch_and_the_report_names_it(restored: Commands, tmp_path: Path) -> None:
    opened = restored.done("recovery", "accept", "--reason", "Hỏng ổ đĩa")
    assert "/e2-" in opened["origin"]
    report = restored.done("recovery", "report", "-o", tmp_path / "report.jws")
    assert (report["epoch"], report["reason"]) == (opened["origin"], "Hỏng ổ đĩa")
    assert report["backup_at"].startswith("2020-04-13T15:30:00")
    assert (tmp_path / "report.jws").read_text().count(".") == 2
    assert RECEIPT_TYPE not in (tmp_path / "report.jws").read_text()
    assert restored.done("log", "verify")["fits"] is True


def test_people_read_what_to_do(restored: Commands) -> None:
    code, out, _ = restored.run("recovery", "accept", "--reason", "Hỏng ổ đĩa")
    assert (code, "Kỳ nhật ký mới" in out) == (0, True)
    code, out, _ = restored.run("recovery", "reconcile", "--no-partners")
    assert (code, "Lấy lại được 0" in out) == (0, True)
    code, out, _ = restored.run("recovery", "report")
    assert (code, "Báo cáo khôi phục" in out) == (0, True)


def test_accept_wants_a_reason_and_a_restore(commands: Commands) -> None:
    commands.done("log", "checkpoint")
    code, answer = commands.json("recovery", "accept", "--reason", " ")
    assert (code, answer["error"]["code"]) == (1, "reason.missing")
    code, answer = commands.json("recovery", "accept", "--reason", "Thử")
    assert (code, answer["error"]["code"]) == (1, "log.whole")


def test_doctor_says_that_a_restore_waits_for_a_decision(restored: Commands) -> None:
    code, answer = restored.json("doctor")
    assert code == 1
    assert "recovery" in {line["topic"] for line in answer["lines"] if line["weight"] == "bad"}


def test_prepare_marks_the_folder_and_says_that_it_is_on_the_same_disk(
    commands: Commands, tmp_path: Path
) -> None:
    with_second(commands, tmp_path / "second")
    _, before = commands.json("doctor")
    assert commands.done("recovery", "prepare")["same_disk"] == "yes"
    _, after = commands.json("doctor")
    said = [
        next(line["vi"] for line in answer["lines"] if line["topic"] == "second_copy")
        for answer in (before, after)
    ]
    assert "recovery prepare" in said[0]
    assert "cùng ổ đĩa" in said[1]


def test_doctor_says_that_second_copies_outlive_what_was_destroyed(
    commands: Commands, tmp_path: Path
) -> None:
    """Each destruction records until when copies of it may still lie elsewhere."""
    with_second(commands, tmp_path / "second")
    commands.done("recovery", "prepare")
    (tmp_path / "second" / "2026-01-05").mkdir()
    (tmp_path / "second" / "2026-01-05" / "1767546000000000-m.copy").write_bytes(b"")
    _, answer = commands.json("doctor")
    said = [line["vi"] for line in answer["lines"] if line["topic"] == "second_copy"]
    step = next(text for text in said if "2026-01-05" in text).rpartition(": ")[2]
    assert step.startswith("gateway recovery prune --before ")
    assert commands.done(*step.split()[1:]) == {"pruned": 1}


def test_prune_says_how_many(commands: Commands, tmp_path: Path) -> None:
    with_second(commands, tmp_path / "second")
    commands.done("recovery", "prepare")
    assert commands.done("recovery", "prune", "--before", "2026-01-01") == {"pruned": 0}


def test_without_the_setting_prepare_names_it(commands: Commands) -> None:
    code, answer = commands.json("recovery", "prepare")
    assert (code, answer["error"]["code"]) == (1, "durability.not_set")
