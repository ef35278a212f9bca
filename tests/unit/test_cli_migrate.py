"""``gateway migrate`` and ``gateway archive`` on an installation of one machine."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from gateway.store.migrate import load_migrations
from tests.unit.cli_world import Commands


@pytest.fixture
def commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Commands:
    """An installation whose database was not made yet."""
    made = Commands(tmp_path / "home", capsys)
    made.done("init")
    for file in (tmp_path / "home").glob("gateway.db*"):
        file.unlink()
    return made


def test_a_new_installation_is_told_every_step_and_nothing_is_made(
    commands: Commands, tmp_path: Path
) -> None:
    answer = commands.done("migrate", "--dry-run")
    assert [step["version"] for step in answer["steps"]] == [
        step.version for step in load_migrations("sqlite")
    ]
    assert not (tmp_path / "home" / "gateway.db").exists()


def test_the_steps_are_taken_once(commands: Commands) -> None:
    assert commands.done("migrate")["steps"]
    assert commands.done("migrate")["steps"] == []
    assert "đã đúng phiên bản" in commands.run("migrate")[1]


def test_what_is_missing_is_named_before_it_is_done(commands: Commands, tmp_path: Path) -> None:
    commands.done("migrate")
    with sqlite3.connect(tmp_path / "home" / "gateway.db") as file:
        newest = file.execute("SELECT max(version), name FROM schema_migration").fetchone()
        file.execute("DELETE FROM schema_migration WHERE version = ?", newest[:1])
    file.close()
    shown = commands.run("migrate", "--dry-run")[1]
    assert f"{newest[0]:04} {newest[1]}" in shown
    assert "chưa thực hiện" in shown


def test_a_database_of_a_newer_release_is_refused(commands: Commands, tmp_path: Path) -> None:
    commands.done("migrate")
    with sqlite3.connect(tmp_path / "home" / "gateway.db") as file:
        file.execute("INSERT INTO schema_migration VALUES (9999, 'later', 0, '')")
    file.close()
    code, _, shown = commands.run("migrate")
    assert code == 1
    assert "mới hơn" in shown


def test_archive_says_that_one_file_holds_all(commands: Commands) -> None:
    assert "SQLite" in commands.run("archive", "list")[1]
    assert commands.done("archive", "list")["months"] == []
    code, _, shown = commands.run("archive", "detach", "2020-01", "--reason", "cũ")
    assert code == 1
    assert "Chỉ PostgreSQL" in " ".join(shown.split())
