"""``gateway scorecard``, ``totals``, ``outage`` and ``alerts`` on an installation without a server."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.cli_world import Commands

GOOD_CSV = "agency,from,to,outgoing_total\nH37,2020-04-13,2020-04-13,12\n"


@pytest.fixture
def commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Commands:
    made = Commands(tmp_path / "home", capsys)
    made.done("init", "--demo-directory")
    return made


def shown_by(commands: Commands, *words: str) -> str:
    """What people see."""
    code, out, error = commands.run(*words)
    assert code == 0, error
    return out


def test_a_scorecard_without_documents_has_no_rates(commands: Commands) -> None:
    shown = shown_by(commands, "scorecard", "--period", "2020-W16")
    assert "Tuần 16 năm 2020" in shown
    assert "—" in shown
    assert "100" not in shown.split("Số liệu")[0]


def test_a_list_behind_a_figure_may_be_empty(commands: Commands) -> None:
    shown = shown_by(commands, "scorecard", "documents", "K2.none", "--period", "2020-W16")
    assert "K2.none" in shown


def test_totals_are_imported_and_shown(commands: Commands, tmp_path: Path) -> None:
    file = tmp_path / "so.csv"
    file.write_text(GOOD_CSV, encoding="utf-8")
    assert "13/04/2020" in shown_by(commands, "totals", "import", str(file))
    assert " 12 " in shown_by(commands, "totals", "show", "--from", "2020-04-01", "--to", "2020-04-30")


def test_one_total_is_declared_from_the_command_line(commands: Commands) -> None:
    words = ("totals", "declare", "H37", "--from", "2020-04-13", "--to", "2020-04-13", "--outgoing", "9")
    assert " form " in shown_by(commands, *words)


def test_an_outage_waits_for_a_second_person(commands: Commands) -> None:
    times = ("--from", "2020-04-13T10:05", "--to", "2020-04-13T11:40")
    made = shown_by(commands, "outage", "propose", *times, "--reason", "Mất điện")
    assert "gateway outage decide" in made
    shown = shown_by(commands, "outage", "list")
    assert "chờ phê duyệt" in shown
    assert "13/04/2020 10:05:00" in shown


def test_an_objective_is_set_shown_and_ended(commands: Commands) -> None:
    words = ("alerts", "set", "fetched", "90", "--minutes", "60", "--agency", "H37", "--reason", "Gấp")
    named = shown_by(commands, *words).split()[-1]
    shown = shown_by(commands, "alerts", "show")
    assert "90,0 %" in shown
    assert "60 phút làm việc" in shown
    shown_by(commands, "alerts", "end", named, "--reason", "Hết gấp")
    assert "90,0 %" not in shown_by(commands, "alerts", "show")
