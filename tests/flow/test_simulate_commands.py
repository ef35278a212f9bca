"""``gateway simulate`` and ``gateway conform`` as somebody types them, each in a process of its own."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import orjson
import pytest

from adapters.vxp.client import Failed, VxpClient
from gateway.clock import SystemClock
from gateway.net import Net
from gateway.practice.conform import NOWHERE
from tests.world import make_envelope

DIRECTORY = (
    "code,name,level,parent,test\nT00.01,Đơn vị thử của phần mềm,outside,,x\nT00.02,Đơn vị thử,outside,,x\n"
)


@contextlib.contextmanager
def started(*words: str, home: Path) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "gateway", *words, "--json"]
    environment = os.environ | {"GATEWAY_HOME": str(home)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as process:
        try:
            yield process
        finally:
            process.terminate()
            process.wait(20)


def first_line(process: subprocess.Popen[bytes]) -> Any:
    assert process.stdout is not None
    return orjson.loads(process.stdout.readline())


def gateway(home: Path, *words: str, expect: int = 0) -> Any:
    ended = subprocess.run(
        [sys.executable, "-m", "gateway", *words, "--json"],
        env=os.environ | {"GATEWAY_HOME": str(home)},
        capture_output=True,
        timeout=100,
        check=False,
    )
    assert ended.returncode == expect, ended.stdout + ended.stderr
    return orjson.loads(ended.stdout) if ended.stdout.strip() else None


def asked(url: str, data: bytes | None = None, token: str = "") -> Any:
    headers = {"X-Practice-Token": token, "Content-Type": "application/json"}
    return orjson.loads(opened(Request(url, data, headers)))


def opened(what: Request | str) -> bytes:
    with urlopen(what) as reply:
        return bytes(reply.read())


async def test_an_axis_to_practise_on_makes_secrets_turns_knobs_and_remembers(tmp_path: Path) -> None:
    words = (
        "simulate",
        "axis",
        "--system",
        "H37",
        "--system",
        "G09=G09,A01",
        "--folder",
        str(tmp_path / "a"),
    )
    net = Net("127.0.0.0/8", 10)
    with started(*words, "--agencies", "7", home=tmp_path) as process:
        about = first_line(process)
        one, two = about["systems"]
        assert one["secret"] != two["secret"]
        client = VxpClient(net, about["url"], one["system_id"], one["secret"], SystemClock())
        assert len(await client.agencies()) == 7
        knobs = f"{about['url']}/_knobs"
        assert asked(knobs, b'{"set": "sendEdoc:fail=1x"}', about["token"])["turned"]
        with pytest.raises(Failed):
            await client.send(make_envelope("H37", ["A01.02"]), "H37")
        await client.send(make_envelope("H37", ["A01.02"]), "H37")
        assert len(asked(f"{about['url']}/_items", token=about["token"])["items"]) == 1
        assert "A01.02" in opened(about["control"]).decode()
        for attempt in (
            (knobs, b'{"set": "502=on"}', "guessed"),
            (knobs, b'{"set": "503=on"}', about["token"]),
        ):
            with pytest.raises(HTTPError):
                asked(*attempt)
    with started("simulate", "axis", "--folder", str(tmp_path / "a"), home=tmp_path) as process:
        again = first_line(process)
        assert again["systems"] == about["systems"]
        assert again["token"] != about["token"]
        client = VxpClient(net, again["url"], "G09", two["secret"], SystemClock())
        assert await client.count("edoc") == 1
    await net.close()


def test_a_simulated_agency_passes_the_connection_test(tmp_path: Path) -> None:
    home, report = tmp_path / "home", tmp_path / "bien-ban.html"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    gateway(home, "init")
    (home / "gateway.toml").write_text(f'[gateway]\nname = "truc"\n[server]\nport = {port}\n')
    (tmp_path / "codes.csv").write_text(DIRECTORY)
    gateway(home, "directory", "import", str(tmp_path / "codes.csv"), "--apply")
    secret = tmp_path / "secret"
    system = ("--dialect", "vxp", "--system-id", "phan-mem", "--agency", "T00.01", "--key-file", str(secret))
    gateway(home, "agency", "add-system", *system)
    vendor = (
        *("simulate", "agency", "--gateway", f"http://127.0.0.1:{port}", "--agency", "T00.01"),
        *("--system-id", "phan-mem", "--secret-file", str(secret), "--folder", str(tmp_path / "cabinet")),
        *("--poll", "0.2", "--every", "0.5", "--send-to", "T00.02", "--send-to", NOWHERE),
    )
    with started("serve", home=home) as server:
        first_line(server)
        with started(*vendor, home=home):
            told = gateway(home, "conform", "phan-mem", "--shown", "--large-mb", "1", "-o", str(report))
    assert told["passed"], told
    assert told["report_sha256"] in report.read_text(encoding="utf-8")
    assert list((tmp_path / "cabinet" / "received").glob("*.edxml"))
