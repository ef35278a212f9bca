"""``gateway log``: what a person types, and what comes back."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.exchange_log.checkpoint import read_key
from tests.unit.cli_world import Commands
from tests.world import make_envelope


@pytest.fixture
def commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Commands:
    made = Commands(tmp_path / "home", capsys)
    made.done("init", "--demo-directory")
    file = tmp_path / "letter.edxml"
    file.write_bytes(make_envelope())
    made.done("send", file, "--as", "H37")
    return made


def keys_file(commands: Commands, folder: Path) -> Path:
    (key,) = commands.done("log", "keys")["log"]
    assert read_key(key).name.startswith("truc-lien-thong/")
    file = folder / "keys.txt"
    file.write_text(f"# khóa nhật ký\n{key}\n")
    return file


def test_a_checkpoint_is_made_and_the_log_fits(commands: Commands, tmp_path: Path) -> None:
    made = commands.done("log", "checkpoint", "-o", tmp_path / "note.txt")
    assert (tmp_path / "note.txt").read_text() == made["checkpoint"]
    answer = commands.done("log", "verify", "--checkpoint", tmp_path / "note.txt")
    assert (answer["fits"], answer["leaves"], answer["covered"]) == (True, made["size"], made["size"])
    code, out, _ = commands.run("log", "verify")
    assert (code, "sự kiện khớp" in out) == (0, True)
    code, out, _ = commands.run("log", "checkpoint")
    assert (code, out.splitlines()[1]) == (0, str(made["size"]))


def test_an_export_is_verified_with_a_key_file(commands: Commands, tmp_path: Path) -> None:
    commands.done("log", "checkpoint")
    keys, log = keys_file(commands, tmp_path), tmp_path / "log.txt"
    assert commands.done("log", "export", "-o", log)["bytes"] == log.stat().st_size
    assert commands.done("log", "verify", "--export", log, "--key", keys)["fits"] is True
    log.write_bytes(log.read_bytes().replace(b"document.accepted", b"document.refused!", 1))
    code, answer = commands.json("log", "verify", "--export", log, "--key", keys)
    assert (code, answer["problem"]["what"]) == (1, "changed")
    code, out, _ = commands.run("log", "verify", "--export", log, "--key", keys)
    assert (code, "Nội dung sự kiện đã bị sửa" in out) == (1, True)


def test_an_export_without_a_key_is_not_believed(commands: Commands, tmp_path: Path) -> None:
    commands.done("log", "checkpoint")
    commands.done("log", "export", "-o", tmp_path / "log.txt")
    code, answer = commands.json("log", "verify", "--export", tmp_path / "log.txt")
    assert (code, answer["error"]["code"]) == (1, "log.keys")
    (tmp_path / "bad.txt").write_text("no key\n")
    code, answer = commands.json("log", "verify", "--key", tmp_path / "bad.txt")
    assert (code, answer["error"]["code"]) == (1, "log.keys")


def test_rotating_the_log_key_keeps_the_log_whole(commands: Commands, tmp_path: Path) -> None:
    commands.done("log", "checkpoint")
    old = keys_file(commands, tmp_path)
    commands.done("key", "rotate", "log")
    commands.done("log", "checkpoint")
    assert len(commands.done("log", "keys")["log"]) == 2
    assert commands.done("log", "verify")["fits"] is True
    code, answer = commands.json("log", "verify", "--key", old)
    assert (code, answer["problem"]["what"]) == (1, "unknown_key")
