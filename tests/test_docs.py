"""The documents are true: generated pages are current, links lead somewhere, the README's commands work."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import click
import pytest

from gateway.cli import root
from gateway.cli.docs import generated

REPOSITORY = Path(__file__).resolve().parent.parent
READMES = (REPOSITORY / "README.md", REPOSITORY / "docs" / "vi" / "README.md")
PAGES = sorted(
    [*REPOSITORY.glob("*.md"), *REPOSITORY.glob("docs/**/*.md"), *REPOSITORY.glob("*/README.md")],
    key=str,
)
_LINK = re.compile(r"\]\(([^)#]+)[^)]*\)")
_COMMAND = re.compile(r"(?:^|`)gateway ((?:[a-z]+(?:-[a-z]+)*(?: |`|$))+)", re.MULTILINE)


@pytest.mark.parametrize("name", sorted(generated()))
def test_a_generated_page_is_current(name: str) -> None:
    assert (REPOSITORY / "docs" / name).read_text(encoding="utf-8") == generated()[name], "run: make docs"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_links_lead_to_files_that_exist(page: Path) -> None:
    targets = [t for t in _LINK.findall(page.read_text("utf-8")) if not t.startswith(("http", "mailto"))]
    missing = [target for target in targets if not (page.parent / target).exists()]
    assert missing == []


@pytest.mark.parametrize("page", READMES, ids=["en", "vi"])
def test_commands_that_a_readme_names_exist(page: Path) -> None:
    words = [found.replace("`", " ").split() for found in _COMMAND.findall(page.read_text(encoding="utf-8"))]
    assert len(words) > 10
    assert [" ".join(command) for command in words if not names_a_command(command)] == []


@pytest.mark.parametrize("page", READMES, ids=["en", "vi"])
def test_folders_that_a_readme_names_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:gateway|adapters|schemas|keys|tests|docs)/[\w./-]*)`", text))
    assert named
    assert [path for path in named if not (REPOSITORY / path).exists() and path != "keys/"] == []


@pytest.mark.parametrize("page", READMES, ids=["en", "vi"])
def test_the_first_document_of_a_readme_arrives(page: Path, tmp_path: Path) -> None:
    """The block after the marker, run word for word but for the port."""
    block = (
        page.read_text(encoding="utf-8").split("<!-- first document")[1].split("```sh\n")[1].split("```")[0]
    )
    port = free_port()
    code, shown = run_block(block.replace("8080", str(port)), checkout(tmp_path), environment(tmp_path, port))
    assert code == 0, shown
    assert '"decision":"accept"' in shown
    assert '"state":"delivered"' in shown
    received = (tmp_path / "var" / "received.edxml").read_bytes()
    assert received == (REPOSITORY / "tests/corpus/good/new-cv-362.edxml").read_bytes()
    assert "03 Đã tiếp nhận" in shown


def run_block(block: str, folder: Path, env: dict[str, str]) -> tuple[int, str]:
    """Exit code and all that was printed; the server that the block starts never outlives it."""
    with subprocess.Popen(
        ["bash", "-eu", "-c", block],
        cwd=folder,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            shown, _ = process.communicate(timeout=240)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    return process.returncode, shown


def names_a_command(words: list[str]) -> bool:
    """True when the words begin with a command, down to the end of the groups."""
    command: click.Command | None = root
    context = click.Context(root, info_name="gateway")
    for word in words:
        if not isinstance(command, click.Group):
            break
        command = command.get_command(context, word)
    return command is not None


def checkout(folder: Path) -> Path:
    """A folder that looks like a checkout to somebody who types the README's commands."""
    (folder / "var").mkdir()
    (folder / "tests").symlink_to(REPOSITORY / "tests")
    return folder


def environment(folder: Path, port: int) -> dict[str, str]:
    """``gateway`` on the path, and another port than a server of the person who runs the tests."""
    programs = folder / "bin"
    programs.mkdir()
    for name, words in {
        "gateway": f'"{sys.executable}" -m gateway',
        "python3": f'"{sys.executable}"',
    }.items():
        (programs / name).write_text(f'#!/bin/sh\nexec {words} "$@"\n')
        (programs / name).chmod(0o755)
    path = f"{programs}:{os.environ['PATH']}"
    set_to = {"PATH": path, "PYTHONPATH": str(REPOSITORY), "GATEWAY_SERVER_PORT": str(port)}
    set_to["PYTHONPYCACHEPREFIX"] = str(folder / "pycache")  # as at a reader's, who compiles once
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"} | set_to


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
