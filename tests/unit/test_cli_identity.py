"""``gateway queue choose`` and ``gateway directory rehearse``: what is printed for people and for scripts."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.practice import province
from tests.unit.cli_world import Commands
from tests.world import make_envelope

SPLIT, HEIR, OTHER_HEIR = "H37.91", "H37.24", "H37.13.11"  # a closed unit of the demo directory


@pytest.fixture
def commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Commands:
    made = Commands(tmp_path / "home", capsys)
    made.done("init", "--demo-directory")
    return made


@pytest.fixture
def held(commands: Commands, tmp_path: Path) -> str:
    """The id of a delivery to the closed unit."""
    file = tmp_path / "vb.edxml"
    file.write_bytes(make_envelope(to=[SPLIT]))
    commands.done("send", file, "--as", "H37")
    [delivery] = commands.done("queue", "show")["deliveries"]
    assert delivery["reason_code"] == "recipient.several_successors"
    return str(delivery["id"])


def choose(commands: Commands, delivery: str, *to: str) -> tuple[int, str, str]:
    named = [word for code in to for word in ("--to", code)]
    return commands.run("queue", "choose", delivery, *named, "--reason", "Theo địa bàn")


def test_a_choice_is_told_with_the_old_name(commands: Commands, held: str) -> None:
    code, out, _ = choose(commands, held, HEIR, OTHER_HEIR)
    assert code == 0
    assert f"{HEIR} (gửi tới tên cũ: {SPLIT}) nay là: chờ gửi" in out
    assert f"{OTHER_HEIR} (gửi tới tên cũ: {SPLIT})" in out


def test_the_trace_shows_who_got_it_in_whose_place(commands: Commands, held: str) -> None:
    choose(commands, held, HEIR)
    [document] = commands.done("trace", "--list")["documents"]
    shown = " ".join(commands.run("trace", document["id"])[1].split())
    assert f"tên cũ: {SPLIT})" in shown
    [delivery] = commands.done("trace", document["id"])["deliveries"]
    assert (delivery["recipient"], delivery["addressed"]) == (HEIR, SPLIT)


def test_a_wrong_choice_lists_the_successors(commands: Commands, held: str) -> None:
    code, _, error = choose(commands, held, "H37.05")
    assert code == 1
    assert f"({HEIR})" in " ".join(error.split())


def test_releasing_without_choosing_names_the_command(commands: Commands, held: str) -> None:
    code, _, error = commands.run("queue", "release", held, "--reason", "Cho gửi")
    assert code == 1
    assert "gateway queue choose" in error


def test_a_rehearsal_shows_lanes_and_what_is_missing(commands: Commands, tmp_path: Path) -> None:
    file = tmp_path / "sap-xep.csv"
    file.write_text(province.reorganisation_csv(), encoding="utf-8")
    found = commands.done("directory", "rehearse", "--on", "2025-07-01", "--file", file)
    lanes = {lane["code"]: lane for lane in found["lanes"]}
    assert (lanes["H37.31.21"]["way"], lanes["H37.31"]["way"]) == ("moves", "held")
    assert found["counts"]["account"] == len({gap["agency"] for gap in found["gaps"]})
    shown = " ".join(commands.run("directory", "rehearse", "--on", "2025-07-01", "--file", file)[1].split())
    assert "tạm giữ để chọn" in shown
    assert "chưa có tài khoản nào để gửi và nhận" in shown


def test_a_day_on_which_nothing_closes_lacks_nothing(commands: Commands) -> None:
    found = commands.done("directory", "rehearse", "--on", "2099-01-01")
    assert (found["lanes"], found["gaps"]) == ([], [])
    assert "không thiếu gì" in commands.run("directory", "rehearse", "--on", "2099-01-01")[1]
