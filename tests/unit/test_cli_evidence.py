"""``gateway evidence``: from an installation to a laptop that has nothing but a file and a key."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.cli_world import Commands
from tests.world import make_envelope


@pytest.fixture
def commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Commands:
    made = Commands(tmp_path / "home", capsys)
    made.done("init", "--demo-directory")
    return made


@pytest.fixture
def laptop(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Commands:
    """No installation here."""
    return Commands(tmp_path / "nothing", capsys)


def exported(commands: Commands, folder: Path, *words: str) -> Path:
    letter, target = folder / "letter.edxml", folder / "hoso.asice"
    letter.write_bytes(make_envelope())
    document = commands.done("send", letter, "--as", "H37")["document"]
    answer = commands.done("evidence", "export", document, "-o", target, *words)
    assert (answer["path"], answer["size"]) == (str(target), target.stat().st_size)
    return target


def test_a_container_is_exported_without_a_reason_and_holds_at_home(
    commands: Commands, tmp_path: Path
) -> None:
    file = exported(commands, tmp_path)
    assert commands.done("evidence", "verify", file)["holds"] is True


def test_a_laptop_with_the_keys_believes_it(commands: Commands, laptop: Commands, tmp_path: Path) -> None:
    file, keys = exported(commands, tmp_path, "--reason", "Thanh tra"), tmp_path / "keys.txt"
    commands.done("evidence", "keys", "-o", keys)
    assert laptop.done("evidence", "verify", file, "--key", keys)["holds"] is True


def test_a_laptop_without_keys_concludes_nothing(
    commands: Commands, laptop: Commands, tmp_path: Path
) -> None:
    code, answer = laptop.json("evidence", "verify", exported(commands, tmp_path))
    assert (code, answer["holds"]) == (1, False)
    assert [row["code"] for row in answer["rows"] if row["holds"] is False] == ["container.signature"]


def test_a_changed_container_is_named_to_people(commands: Commands, tmp_path: Path) -> None:
    file = exported(commands, tmp_path)
    file.write_bytes(file.read_bytes().replace(b"HOLDS", b"HOLDZ", 1))
    code, out, _ = commands.run("evidence", "verify", file)
    assert code == 1
    assert "verify.py" in out
    assert "Không được tin hồ sơ này" in out


def test_a_file_is_never_overwritten(commands: Commands, tmp_path: Path) -> None:
    file = exported(commands, tmp_path)
    before = file.read_bytes()
    document = commands.done("trace", "--list")["documents"][0]["id"]
    code, answer = commands.json("evidence", "export", document, "-o", file)
    assert (code, answer["error"]["code"]) == (1, "file.unwritable")
    assert file.read_bytes() == before


def test_a_key_file_that_is_none_is_said_so(commands: Commands, tmp_path: Path) -> None:
    file, keys = exported(commands, tmp_path), tmp_path / "keys.txt"
    keys.write_text("not a key\n")
    code, answer = commands.json("evidence", "verify", file, "--key", keys)
    assert (code, answer["error"]["code"]) == (1, "evidence.key_unreadable")
