"""``gateway calendar``: what is printed for people and for scripts."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.resources import shipped
from tests.unit.cli_world import Commands


@pytest.fixture
def commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Commands:
    made = Commands(tmp_path / "home", capsys)
    made.done("init")
    return made


@pytest.fixture
def without_culture_day(tmp_path: Path) -> Path:
    lines = shipped("schemas", "calendar", "vn.toml").read_text("utf-8").splitlines()
    kept = [line for line in lines if "-11-24" not in line]
    file = tmp_path / "lich.toml"
    file.write_text("\n".join(kept).replace('version = "vn-2026.11"', 'version = "lich-2"'), encoding="utf-8")
    return file


def test_check_prints_both_deadlines_and_why(commands: Commands) -> None:
    shown = commands.run("calendar", "check", "2026-08-21T15:00")[1]
    assert "chậm nhất 22/08/2026 12:00" in shown
    assert "hết ngày 22/08/2026" in shown
    assert "thứ Bảy 22/08/2026: làm việc, Làm bù cho ngày 31/8/2026" in shown


def test_check_prints_the_other_answer_for_a_day_in_doubt(commands: Commands) -> None:
    shown = " ".join(commands.run("calendar", "check", "2026-11-23T09:00")[1].split())
    assert "chậm nhất 25/11/2026 12:00" in shown
    assert "! 24/11/2026 chưa xác nhận" in shown
    assert "QĐ 28 24/11/2026 12:00, NĐ 30 hết ngày 24/11/2026" in shown


def test_check_and_show_say_where_the_data_ends(commands: Commands) -> None:
    for words in (("check", "2040-01-02"), ("show", "2040")):
        assert "chỉ tính thứ Bảy, Chủ nhật là ngày nghỉ" in " ".join(
            commands.run("calendar", *words)[1].split()
        )
    assert commands.done("calendar", "check", "2040-01-02")["covered"] is False


def test_show_names_each_day_with_its_kind(commands: Commands) -> None:
    shown = commands.run("calendar", "show", "2026")[1]
    assert "22/08/2026" in shown
    assert "làm bù" in shown
    assert "01/01/2025" not in shown


def test_a_calendar_is_previewed_then_approved(commands: Commands, without_culture_day: Path) -> None:
    preview = commands.run("calendar", "import", without_culture_day)[1]
    assert "Chưa thay đổi gì" in preview
    assert "24/11/2026" in preview
    assert commands.done("calendar", "show")["version"] == "vn-2026.11"
    code, refused = commands.json("calendar", "import", without_culture_day, "--approve")
    assert (code, refused["error"]["code"]) == (1, "reason.missing")
    words = ("--approve", "--reason", "Luật chưa sửa")
    assert "được áp dụng từ bây giờ" in commands.run("calendar", "import", without_culture_day, *words)[1]
    assert "chậm nhất 24/11/2026 12:00" in commands.run("calendar", "check", "2026-11-23T09:00")[1]
    listed = commands.run("calendar", "versions")[1]
    assert "kèm phần mềm" in listed
    assert "Luật chưa sửa" in listed


def test_a_wrong_file_is_named_row_by_row(commands: Commands, tmp_path: Path) -> None:
    file = tmp_path / "lich.csv"
    file.write_text("date,kind,vi,en,source\n2026-01-01,holiday,Tết,New Year,\n", encoding="utf-8")
    code, answer = commands.json("calendar", "import", file, "--version", "x")
    assert (code, answer["error"]["code"]) == (1, "calendar.file")
    assert "dòng 1 (01/01/2026): thiếu nguồn" in answer["error"]["vi"]
