"""``gateway authority``: preview, import and list on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.practice import province
from tests.unit.cli_world import Commands

ROWS = (
    "agency,certificate_sha256,title,prefixes,types,valid_from,valid_to,source\n"
    "H37,,Chủ tịch,TM. none,,2016-07-01,,NQ 1/NQ-HĐND\n"
    f"H37.03,{'ab' * 32},,KT.,Công văn;Báo cáo,,2020-12-31,QĐ 5/QĐ-STTTT\n"
)


@pytest.fixture
def commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Commands:
    made = Commands(tmp_path / "home", capsys)
    made.done("init")
    agencies = tmp_path / "agencies.csv"
    agencies.write_text(province.agencies_csv(), encoding="utf-8")
    made.done("directory", "import", agencies, "--apply")
    return made


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "authority.csv"
    made.write_text(ROWS, encoding="utf-8")
    return made


def test_a_preview_shows_the_rows_and_changes_nothing(commands: Commands, file: Path) -> None:
    _, out, _ = commands.run("authority", "import", file, "--preview")
    assert "thêm 2, bỏ 0" in out
    assert "H37  Chủ tịch  TM., ký trực tiếp" in out
    assert commands.done("authority", "list")["authority"] == []


def test_an_import_is_listed_with_what_stands_behind_it(commands: Commands, file: Path) -> None:
    commands.done("authority", "import", file)
    _, out, _ = commands.run("authority", "list", "--agency", "000.00.00.H37")
    assert "NQ 1/NQ-HĐND" in out
    assert "H37.03" not in out
    [row] = commands.done("authority", "list", "--agency", "H37.03")["authority"]
    assert (row["prefixes"], row["types"]) == (["KT"], ["Công văn", "Báo cáo"])
