"""``gateway serve`` as a process, and commands that speak to it over its socket."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.unit.cli_world import GOOD, Commands

ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass
class Served:
    """A running server and the address that it printed."""

    process: subprocess.Popen[str]
    url: str

    def stop(self, number: int) -> int:
        self.process.send_signal(number)
        return self.process.wait(20)


def refused_to_serve(commands: Commands, port: int) -> str:
    """The code of the error with which a server ends at once."""
    ended = subprocess.run(
        [sys.executable, "-m", "gateway", "serve", "--json", "--home", str(commands.home)],
        cwd=ROOT,
        env=os.environ | {"GATEWAY_SERVER_PORT": str(port)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert ended.returncode == 1
    return str(json.loads(ended.stdout)["error"]["code"])


@pytest.fixture
def commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Commands:
    made = Commands(tmp_path / "home", capsys)
    made.done("init", "--demo-directory")
    return made


@pytest.fixture
def served(commands: Commands) -> Iterator[Served]:
    process = subprocess.Popen(
        [sys.executable, "-m", "gateway", "serve", "--json", "--home", str(commands.home)],
        cwd=ROOT,
        env=os.environ | {"GATEWAY_SERVER_PORT": "0"},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    with process, process.stdout:
        yield Served(process, json.loads(process.stdout.readline())["serving"])
        process.kill()


def test_the_printed_address_answers(served: Served) -> None:
    with urllib.request.urlopen(f"{served.url}healthz", timeout=5) as answer:
        assert json.load(answer) == {"status": "ok"}


def test_commands_go_through_the_running_server(commands: Commands, served: Served) -> None:
    sent = commands.done("send", GOOD / "new-cv-362.edxml", "--as", "H37")
    assert commands.done("trace", sent["document"])["sender"] == "H37"
    [holder] = [line["en"] for line in commands.done("doctor")["lines"] if line["topic"] == "lock"]
    assert str(served.process.pid) in holder


def test_an_error_of_the_server_arrives_with_its_findings(commands: Commands, served: Served) -> None:
    code, answer = commands.json("send", GOOD / "new-cv-362.edxml", "--as", "H37.03")
    assert (code, answer["error"]["code"]) == (1, "sender.not_yours")
    assert answer["error"]["findings"]


def test_a_key_made_while_the_server_runs_is_good_at_once(commands: Commands, served: Served) -> None:
    key = commands.done("agency", "add", "Phần mềm", "--agency", "H37.03")["api_key"]
    request = urllib.request.Request(f"{served.url}api/v1/inbox", headers={"Authorization": f"Bearer {key}"})
    with urllib.request.urlopen(request, timeout=5) as answer:
        assert json.load(answer)["items"] == []


def test_a_second_server_on_the_same_folder_is_refused(commands: Commands, served: Served) -> None:
    assert refused_to_serve(commands, 0) == "store.locked"


def test_a_port_that_is_taken_is_said_in_a_sentence(commands: Commands) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert refused_to_serve(commands, taken.getsockname()[1]) == "server.address"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_server_stops_in_order_and_the_folder_is_free_again(
    commands: Commands, served: Served, number: int
) -> None:
    assert served.stop(number) == 0
    assert not (commands.home / "control.sock").exists()
    assert commands.done("trace", "--list") == {"documents": []}
