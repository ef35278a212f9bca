"""``gateway agency add-system …`` and ``gateway directory requests …``, without a running server."""

from __future__ import annotations

import asyncio
import stat
from pathlib import Path

import pytest

from gateway.app import open_services
from gateway.clock import SystemClock
from gateway.config import load
from gateway.flow import requests
from gateway.flow.door import partner_of
from tests.unit.cli_world import Commands

SYSTEM = ("--dialect", "vxp", "--system-id", "lang.son")


@pytest.fixture
def commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Commands:
    made = Commands(tmp_path / "home", capsys)
    made.done("init", "--demo-directory")
    return made


def asked_for(home: Path, code: str) -> str:
    """The id of a request that the software of ``lang.son`` made."""

    async def ask() -> str:
        gw = await open_services(home, load(home), SystemClock(), "test")
        try:
            caller = partner_of(gw, "vxp", "lang.son").caller
            body = {"pcode": "H37", "code": code, "name": "Đơn vị mới"}
            return (await requests.ask(gw, caller, "register", code, body)).request.id
        finally:
            await gw.close()

    return asyncio.run(ask())


def test_a_system_id_is_given_out_with_its_secret_and_listed_without_it(commands: Commands) -> None:
    issued = commands.done("agency", "add-system", *SYSTEM, "--agency", "H37", "--fresh-hours", "48")
    (listed,) = commands.done("agency", "list")["partner_systems"]
    assert (listed["system_id"], listed["fresh_seconds"], listed["kept"]) == ("lang.son", 48 * 3600, "sealed")
    assert len(issued["secret"]) == 43
    assert issued["secret"] not in commands.run("agency", "list")[1]
    assert "lang.son" in commands.run("agency", "list")[1]


def test_a_secret_goes_into_a_file_that_only_its_owner_reads(commands: Commands, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    issued = commands.done("agency", "add-system", *SYSTEM, "--agency", "H37", "--key-file", str(file))
    assert "secret" not in issued
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_the_secret_that_the_software_has_already_is_taken_over(commands: Commands, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("da co tu truoc\n")
    issued = commands.done("agency", "add-system", *SYSTEM, "--agency", "H37", "--secret-file", str(file))
    assert issued["secret"] == "da co tu truoc"


def test_a_secret_is_renewed_with_overlap_and_withdrawn_by_its_id(commands: Commands) -> None:
    first = commands.done("agency", "add-system", *SYSTEM, "--agency", "H37")
    commands.done("agency", "renew-secret", *SYSTEM, "--overlap-days", "7")
    commands.done("key", "revoke", first["credential"])
    old, new = commands.done("agency", "list")["partner_systems"]
    assert old["revoked_at"] is not None
    assert (old["valid_until"] is not None, new["revoked_at"]) == (True, None)


def test_freshness_is_set(commands: Commands) -> None:
    commands.done("agency", "add-system", *SYSTEM, "--agency", "H37")
    commands.done("agency", "freshness", *SYSTEM, "--hours", "1")
    assert commands.done("agency", "list")["partner_systems"][0]["fresh_seconds"] == 3600


def test_a_system_id_that_is_taken_is_refused(commands: Commands) -> None:
    commands.done("agency", "add-system", *SYSTEM, "--agency", "H37")
    code, answer = commands.json("agency", "add-system", *SYSTEM, "--agency", "H37")
    assert (code, answer["error"]["code"]) == (1, "system.id_taken")


def test_requests_are_listed_approved_and_declined(commands: Commands) -> None:
    commands.done("agency", "add-system", *SYSTEM, "--agency", "H37")
    wanted, unwanted = (asked_for(commands.home, code) for code in ("H37.77", "H37.78"))
    assert "Đơn vị mới" in commands.run("directory", "requests", "list")[1]
    assert commands.done("directory", "requests", "approve", wanted)["decision"] == "approved"
    assert (
        "không chấp thuận"
        in commands.run("directory", "requests", "decline", unwanted, "--reason", "trùng")[1]
    )
    assert commands.done("directory", "resolve", "H37.77")["name"] == "Đơn vị mới"
    assert commands.done("directory", "requests", "list") == {"requests": []}
    assert len(commands.done("directory", "requests", "list", "--all")["requests"]) == 2
