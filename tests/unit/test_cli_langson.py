"""The commands of ``docs/partners.md`` for the Lạng Sơn dialect."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.cli_world import Commands
from tests.unit.test_cli_doors import PAGE, shell


@pytest.fixture
def commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Commands:
    made = Commands(tmp_path / "home", capsys)
    made.done("init", "--demo-directory")
    return made


def block(heading: str) -> str:
    """The first shell block under a heading of the dialect's section."""
    section = PAGE.read_text(encoding="utf-8").split("## The Lạng Sơn provincial axis dialect")[1]
    return section.split(f"### {heading}\n")[1].split("```sh\n")[1].split("```")[0]


def test_the_commands_for_an_agencys_software_work(commands: Commands, tmp_path: Path) -> None:
    shell(block("Software of agencies calls us"), commands.home, tmp_path)
    listed = commands.done("agency", "list")
    (connection,) = listed["connections"]
    assert (connection["agency"], connection["adapter"]) == ("H37.31", "langson")
    assert len((tmp_path / "key.txt").read_text().strip()) > 40


def test_an_account_gets_a_login_of_its_own(commands: Commands, tmp_path: Path) -> None:
    (tmp_path / "password.txt").write_text("mat-khau-cu\n")
    words = ("agency", "add-system", "--dialect", "langson")
    first = commands.done(*words, "--system-id", "TP.LANGSON", "--agency", "H37.31")
    login = ("--system-id", "vanthu", "--secret-file", str(tmp_path / "password.txt"))
    second = commands.done(*words, *login, "--account", first["principal"])
    assert second["principal"] == first["principal"]


def test_the_commands_for_a_client_of_such_an_axis_work(commands: Commands, tmp_path: Path) -> None:
    script = "PASSWORD=mat-khau SECRET_KEY=khoa\n" + block("The gateway as a client of such an axis")
    shell(script, commands.home, tmp_path)
    (connection,) = commands.done("agency", "list")["connections"]
    assert (connection["agency"], connection["adapter"]) == ("H37.05", "langson_axis")
    assert "khoa" not in str(connection)


@pytest.mark.parametrize("missing", ["url", "username", "system_id"])
def test_a_connection_that_lacks_a_setting_is_refused_with_a_sentence(
    commands: Commands, tmp_path: Path, missing: str
) -> None:
    (tmp_path / "secret.txt").write_text("a\nb\n")
    settings = {"url": "https://axis.example", "username": "u", "system_id": "s"}
    given = [f"--setting={name}={value}" for name, value in settings.items() if name != missing]
    code, answer = commands.json(
        "agency",
        "connect",
        "H37.05",
        "--adapter",
        "langson_axis",
        "--secret-file",
        str(tmp_path / "secret.txt"),
        *given,
    )
    assert (code, answer["error"]["code"]) == (1, "profile.settings")
