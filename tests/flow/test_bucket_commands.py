"""``gateway payloads``, ``gateway simulate s3`` and what ``gateway doctor`` says of a bucket."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.flow.test_simulate_commands import first_line, started
from tests.unit.cli_world import Commands


@pytest.fixture
def commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Commands:
    made = Commands(tmp_path / "gw", capsys)
    made.done("init", "--name", "truc-thu")
    return made


def in_bucket(commands: Commands, endpoint: object, url: object = "s3://truc/thu") -> None:
    with (commands.home / "gateway.toml").open("a", encoding="utf-8") as settings:
        settings.write(f'\n[payloads]\nurl = "{url}"\nendpoint = "{endpoint}"\nallow_http = true\n')
        settings.write('access_key = "any"\nsecret_key = "any"\ntimeout_seconds = 1\n')


def lines_of(commands: Commands) -> list[dict[str, str]]:
    _, answer = commands.json("doctor")
    return [line for line in answer["lines"] if line["topic"] == "payloads"]


def test_the_doctor_tries_the_bucket(commands: Commands, tmp_path: Path) -> None:
    with started("simulate", "s3", home=tmp_path) as process:
        in_bucket(commands, first_line(process)["endpoint"])
        assert [line["weight"] for line in lines_of(commands)] == ["good"]
    [away] = lines_of(commands)
    assert away["weight"] == "bad"
    assert "s3://truc/thu" in away["vi"]


def test_the_doctor_notices_a_store_that_overwrites(commands: Commands, tmp_path: Path) -> None:
    with started("simulate", "s3", "--fault", "overwrites", home=tmp_path) as process:
        in_bucket(commands, first_line(process)["endpoint"])
        assert [line["weight"] for line in lines_of(commands)] == ["good", "bad"]


def test_moving_and_verifying_an_installation_without_documents(commands: Commands, tmp_path: Path) -> None:
    with started("simulate", "s3", home=tmp_path) as process:
        in_bucket(commands, first_line(process)["endpoint"])
        moved = commands.done("payloads", "move", "--to", "bucket")
        assert moved == {"looked_at": 0, "damaged": [], "moved": 0}
        assert commands.done("payloads", "verify", "--deep") == {"looked_at": 0, "damaged": [], "good": 0}
        code, answer = commands.json("payloads", "move", "--to", "files")
        assert (code, answer["error"]["code"]) == (1, "payloads.other_way")


def test_an_address_that_is_no_bucket_is_a_wrong_setting(commands: Commands) -> None:
    in_bucket(commands, "http://127.0.0.1:1", url="https://truc")
    code, answer = commands.json("payloads", "verify")
    assert (code, answer["error"]["code"]) == (1, "config.wrong")
