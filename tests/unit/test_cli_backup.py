"""``gateway backup``, ``restore`` and ``migrate --to`` as people and scripts call them."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.flow.backup import without_secrets
from tests.unit.cli_world import GOOD, Commands


@pytest.fixture
def commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Commands:
    made = Commands(tmp_path / "home", capsys)
    made.done("init", "--demo-directory")
    made.done("send", GOOD / "new-cv-362.edxml", "--as", "H37")
    (tmp_path / "passphrase").write_text("một mật khẩu đủ dài\n", "utf-8")
    return made


def test_a_backup_is_made_verified_restored_and_has_to_be_accepted(
    commands: Commands, tmp_path: Path
) -> None:
    secret = ("--passphrase-file", tmp_path / "passphrase")
    made = commands.done("backup", tmp_path / "backups", *secret)
    assert made["missing"] == []
    assert commands.done("backup", "verify", tmp_path / "backups", "--deep", *secret)["holds"]
    again = Commands(tmp_path / "new", commands.capture)
    assert again.done("restore", tmp_path / "backups", *secret)["rows"] == made["rows"]
    code, _, shown = again.run("serve")
    assert code == 1
    assert "gateway recovery accept" in shown
    again.done("recovery", "accept", "--reason", "Hỏng ổ đĩa")
    assert again.done("log", "verify")["fits"]


def test_people_are_told_what_was_done_and_what_comes_next(commands: Commands, tmp_path: Path) -> None:
    secret = ("--passphrase-file", tmp_path / "passphrase")
    assert "tệp nội dung" in commands.run("backup", tmp_path / "backups", *secret)[1]
    assert "khớp" in commands.run("backup", "verify", tmp_path / "backups")[1]
    assert "đã xóa 0" in commands.run("backup", "prune", tmp_path / "backups")[1].lower()
    again = Commands(tmp_path / "new", commands.capture)
    assert "gateway recovery accept" in again.run("restore", tmp_path / "backups", *secret)[1]


def test_a_damaged_backup_gives_exit_code_1_and_names_the_file(commands: Commands, tmp_path: Path) -> None:
    made = commands.done("backup", tmp_path / "backups", "--passphrase-file", tmp_path / "passphrase")
    (Path(made["backup"]) / "rows.gz").write_bytes(b"")
    code, shown, _ = commands.run("backup", "verify", tmp_path / "backups")
    assert code == 1
    assert "rows.gz bị mất hoặc hỏng" in shown


@pytest.mark.parametrize("words", [("backup",), ("restore",), ("backup", "verify", "--deep")])
def test_without_a_passphrase_file_it_is_said_how_to_give_one(
    commands: Commands, tmp_path: Path, words: tuple[str, ...]
) -> None:
    code, answer = commands.json(*words, tmp_path / "backups")
    assert (code, answer["error"]["code"]) == (1, "backup.passphrase")
    assert "--passphrase-file" in answer["error"]["vi"]


def test_a_database_is_copied_and_the_next_step_is_said(commands: Commands, tmp_path: Path) -> None:
    shown = commands.run("migrate", "--to", f"sqlite:///{tmp_path}/other.db")[1]
    assert "gateway.toml" in shown
    code, answer = commands.json("migrate", "--to", f"sqlite:///{tmp_path}/other.db")
    assert (code, answer["error"]["code"]) == (1, "restore.not_empty")


def test_a_password_behind_the_name_of_the_database_stays_out_of_saved_settings() -> None:
    kept, left_out = without_secrets('[database]\nlisten_url = "postgresql:///truc?password=bi-mat"\n')
    assert "bi-mat" not in kept
    assert left_out == ["database.listen_url"]
