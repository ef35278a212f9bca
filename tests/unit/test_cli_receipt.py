"""``gateway receipt show``, and what ``gateway doctor`` says of the timestamp service."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from gateway import app, config
from gateway.clock import SECOND, ScenarioClock, SystemClock
from gateway.delivery.stamp import Stamper
from gateway.exchange_log.sequence import Sequencer
from gateway.model.text import Instant
from gateway.net import Net
from gateway.practice.pki import DemoPki, KeyKind
from gateway.practice.pki_http import PkiServers
from gateway.services import Services
from tests.unit.cli_world import Commands
from tests.world import make_envelope

CLOCK = SystemClock()


@pytest.fixture
def commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Commands:
    made = Commands(tmp_path / "home", capsys)
    made.done("init", "--demo-directory")
    return made


@pytest.fixture
def pki(tmp_path: Path, commands: Commands) -> DemoPki:
    made = DemoPki.create(tmp_path / "pki", key=KeyKind.P256)
    for file in made.trust_folder.iterdir():
        (commands.home / "trust" / file.name).write_bytes(file.read_bytes())
    return made


def set_service(commands: Commands, url: str) -> None:
    text = f'[trust]\ntimestamp_url = "{url}"\n[net]\nallow_private = "127.0.0.0/8"\n'
    (commands.home / "gateway.toml").write_text(text)


def send(commands: Commands, folder: Path) -> str:
    file = folder / "letter.edxml"
    file.write_bytes(make_envelope())
    return str(commands.done("send", file, "--as", "H37")["receipt"])


async def opened(commands: Commands) -> Services:
    return await app.open_services(commands.home, config.load(commands.home), CLOCK, "test")


def stamp_once(commands: Commands, pki: DemoPki) -> None:
    async def work() -> None:
        async with PkiServers(pki, CLOCK) as servers:
            set_service(commands, servers.tsa_url)
            gw = await opened(commands)
            net = Net("127.0.0.0/8", 5)
            await gw.sequencer.advance(publish=True)
            await Stamper(gw, net).round()
            await net.close()
            await gw.close()

    asyncio.run(work())


def test_a_receipt_is_shown_with_its_timestamp(commands: Commands, pki: DemoPki, tmp_path: Path) -> None:
    receipt = send(commands, tmp_path)
    stamp_once(commands, pki)
    answer = commands.done("receipt", "show", receipt)
    assert (answer["indication"], answer["problem"]) == ("TOTAL-PASSED", "")
    assert answer["checkpoint"].startswith("truc-lien-thong/")
    assert answer["jws"].count(".") == 2
    code, out, _ = commands.run("receipt", "show", receipt)
    assert code == 0
    assert "Dấu thời gian hợp lệ" in out


def test_a_receipt_whose_service_is_trusted_no_longer_is_not_valid(
    commands: Commands, pki: DemoPki, tmp_path: Path
) -> None:
    receipt = send(commands, tmp_path)
    stamp_once(commands, pki)
    for file in (commands.home / "trust").iterdir():
        file.unlink()
    code, answer = commands.json("receipt", "show", receipt)
    assert (code, answer["problem"]) == (1, "timestamp.path")
    assert "không được chấp nhận" in answer["text"]["vi"]


def test_a_receipt_is_proved_by_the_log_without_a_timestamp_service(
    commands: Commands, tmp_path: Path
) -> None:
    receipt = send(commands, tmp_path)
    assert commands.json("receipt", "show", receipt)[1]["error"]["code"] == "log.pending"
    publish(commands, 0)
    assert commands.json("receipt", "show", receipt)[1]["problem"] == "timestamp.off"
    set_service(commands, "http://tsa.example/")
    code, answer = commands.json("receipt", "show", receipt)
    assert (code, answer["problem"], answer["time"]) == (0, "timestamp.pending", "")


def timestamps_line(commands: Commands) -> dict[str, Any]:
    _, answer = commands.json("doctor")
    (line,) = [line for line in answer["lines"] if line["topic"] == "timestamps"]
    return dict(line)


def publish(commands: Commands, age: int) -> None:
    """A checkpoint that was signed so long ago (microseconds)."""

    async def work() -> None:
        gw = await opened(commands)
        clock = ScenarioClock(Instant(CLOCK.now() - age))
        steps = Sequencer(gw.store, gw.keyring, clock, commands.home / "log")
        await steps.advance(publish=True)
        await gw.close()

    asyncio.run(work())


def test_doctor_is_content_with_a_service_that_is_late_by_a_minute(commands: Commands) -> None:
    set_service(commands, "http://tsa.example/")
    assert timestamps_line(commands)["weight"] == "good"
    publish(commands, 60 * SECOND)
    assert timestamps_line(commands)["weight"] == "good"


def test_doctor_says_since_when_the_timestamp_service_is_away(commands: Commands) -> None:
    set_service(commands, "http://tsa.example/")
    publish(commands, 2 * 3600 * SECOND)
    line = timestamps_line(commands)
    assert line["weight"] == "note"
    assert "chưa có dấu thời gian" in line["vi"]
