"""The commands of ``docs/partners.md`` for folders and for other gateways, and what a trace says without a
server."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.cli_world import Commands
from tests.world import make_envelope

PAGE = Path(__file__).parents[2] / "docs" / "partners.md"
PIN = "ab" * 32


@pytest.fixture
def commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Commands:
    made = Commands(tmp_path / "home", capsys)
    made.done("init", "--demo-directory")
    return made


def block(heading: str) -> str:
    """The first shell block under a heading of the page."""
    return PAGE.read_text(encoding="utf-8").split(f"## {heading}\n")[1].split("```sh\n")[1].split("```")[0]


def shell(script: str, home: Path, folder: Path) -> None:
    """Run a script with ``gateway`` on the path."""
    programs = folder / "bin"
    programs.mkdir(exist_ok=True)
    program = programs / "gateway"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m gateway "$@"\n')
    program.chmod(0o755)
    path = f"{programs}:{os.environ['PATH']}"
    env = os.environ | {"PATH": path, "GATEWAY_HOME": str(home), "PYTHONPATH": str(PAGE.parents[1])}
    ended = subprocess.run(
        ["bash", "-euc", script], cwd=folder, env=env, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_the_commands_for_a_folder_work(commands: Commands, tmp_path: Path) -> None:
    script = block("Folders").replace("/srv/edoc", str(tmp_path / "edoc"))
    first, rest = script.split("\n", 1)
    shell(f"export {first.split('#')[0]}\n{rest}", commands.home, tmp_path)
    (connection,) = commands.done("agency", "list")["connections"]
    assert (connection["agency"], connection["adapter"]) == ("H37.03", "folder")
    assert sorted(os.listdir(tmp_path / "edoc" / "H37.03")) == ["in", "out", "refused", "sent"]


def test_a_path_that_leads_out_is_refused_with_a_sentence(commands: Commands) -> None:
    code, answer = commands.json(
        "agency", "connect", "H37.03", "--adapter", "folder", "--setting", "path=../etc"
    )
    assert (code, answer["error"]["code"]) == (1, "profile.settings")


def test_the_commands_for_two_gateways_work(commands: Commands, tmp_path: Path) -> None:
    script = (
        block("Another gateway of ours").replace("DISTRICTS_SHA256", PIN).replace("PROVINCES_SHA256", PIN)
    )
    province, district = script.split("# district:")
    for name in ("from-district.txt", "from-province.txt"):
        (tmp_path / name).write_text("gw_khoa-cua-truc-kia-1234")
    shell(province, commands.home, tmp_path)
    listed = commands.done("agency", "list")
    (principal,) = listed["principals"]
    assert principal["scopes"] == [{"agency": "H37.31", "outside": False}]
    assert "H37.31 và cấp dưới" in " ".join(commands.run("agency", "list")[1].split())
    shell("# district:" + district, commands.home, tmp_path)
    connections = {row["agency"]: row for row in commands.done("agency", "list")["connections"]}
    assert (connections["H37"]["adapter"], connections["H37.31"]["adapter"]) == ("gateway", "inbox")


def test_the_fingerprint_to_pin_is_shown(commands: Commands) -> None:
    keys = commands.done("key", "list")["gateway"]
    (pin,) = [key["certificate_sha256"] for key in keys if key["certificate_sha256"]]
    assert pin in commands.run("key", "list")[1]


def test_only_a_system_may_speak_for_a_subtree(commands: Commands) -> None:
    code, answer = commands.json("agency", "add", "Văn thư", "--role", "clerk", "--below", "H37.31")
    assert (code, answer["error"]["code"]) == (1, "principal.scope_of_person")


def test_a_trace_without_a_server_says_why_the_peer_was_not_asked(commands: Commands, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("gw_khoa-cua-truc-kia-1234")
    settings = ("--setting", "url=https://xa.example", "--setting", f"receipt_sha256={PIN}")
    commands.done(
        "agency", "connect", "H37.03", "--adapter", "gateway", *settings, "--secret-file", tmp_path / "key"
    )
    (tmp_path / "cv.edxml").write_bytes(make_envelope("H37", ["H37.03"]))
    sent = commands.done("send", tmp_path / "cv.edxml", "--as", "H37")
    (peer,) = commands.done("trace", sent["document"])["peers"]
    assert peer["problem"]["vi"] in " ".join(commands.run("trace", sent["document"])[1].split())
