"""``gateway verify``: one PDF, signature by signature, without a gateway."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.cli_world import Commands
from tests.unit.pdf_world import SENDER, PdfWorld, build_pdf_world


@pytest.fixture
def commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Commands:
    return Commands(tmp_path / "home", capsys)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> PdfWorld:
    return build_pdf_world(tmp_path_factory.mktemp("pdf"))


@pytest.fixture
def paper(tmp_path: Path, world: PdfWorld) -> Path:
    file = tmp_path / "vb.pdf"
    file.write_bytes(world.signed)
    return file


@pytest.fixture
def register(tmp_path: Path, world: PdfWorld) -> Path:
    lines = ["certificate_sha256,agency,title,role,valid_from,valid_to"]
    for identity in (world.person, world.agency):
        row = identity.signer(SENDER)
        lines.append(f"{row.certificate_sha256},{row.agency},{row.title},{row.role},,")
    file = tmp_path / "signers.csv"
    file.write_text("\n".join(lines), encoding="utf-8")
    return file


def test_both_signers_are_named_with_their_roles(
    commands: Commands, world: PdfWorld, paper: Path, register: Path
) -> None:
    code, answer = commands.json("verify", paper, "--trust", world.pki.trust_folder, "--signers", register)
    assert code == 0
    told = [(one["indication"], one["role"], one["agency"]) for one in answer["signatures"]]
    assert told == [("TOTAL-PASSED", "person", "H37"), ("TOTAL-PASSED", "agency", "H37")]


def test_appended_bytes_are_told_and_nothing_passes(
    commands: Commands, world: PdfWorld, paper: Path, register: Path
) -> None:
    paper.write_bytes(paper.read_bytes() + b"something else")
    code, answer = commands.json("verify", paper, "--trust", world.pki.trust_folder, "--signers", register)
    assert code == 1
    assert {one["indication"] for one in answer["signatures"]} == {"TOTAL-FAILED"}
    assert "signature.pdf_changed" in [finding["rule"] for finding in answer["findings"]]


def test_without_anchors_nothing_is_concluded(commands: Commands, paper: Path) -> None:
    code, answer = commands.json("verify", paper)
    assert code == 1
    assert {one["indication"] for one in answer["signatures"]} == {"INDETERMINATE"}
    assert {one["role"] for one in answer["signatures"]} == {"not machine-checkable"}


def test_an_unsigned_file_is_called_unsigned(commands: Commands, tmp_path: Path) -> None:
    file = tmp_path / "bang.xlsx"
    file.write_bytes(b"PK\x03\x04 not a PDF at all")
    code, answer = commands.json("verify", file)
    assert (code, answer["signatures"]) == (1, [])
    assert [finding["rule"] for finding in answer["findings"]] == ["signature.pdf_unsigned"]
