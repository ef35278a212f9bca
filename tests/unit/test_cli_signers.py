"""The commands about signers and certificates, on an installation without a running server."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.cli.recheck import OUTCOMES
from gateway.clock import SystemClock, local
from gateway.flow.rejudge import Outcome
from gateway.practice.pki import DemoPki, Identity, Knobs
from gateway.signature.certificates import fingerprint
from gateway.signature.seal import sign_envelope
from tests.unit.cli_world import GOOD, Commands

LETTER = GOOD / "new-cv-362.edxml"


@pytest.fixture
def commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Commands:
    made = Commands(tmp_path / "home", capsys)
    made.done("init", "--demo-directory")
    return made


@pytest.fixture
def seal(tmp_path: Path, commands: Commands) -> Identity:
    """A seal of H37 that ends in ten days, trusted by the installation."""
    pki = DemoPki.create(tmp_path / "pki")
    for file in pki.trust_folder.iterdir():
        (commands.home / "trust" / file.name).write_bytes(file.read_bytes())
    end = local(SystemClock().now()) + timedelta(days=10)
    return pki.issue_agency("H37", "UBND tỉnh Lạng Sơn", Knobs(not_after=end))


@pytest.fixture
def sent(tmp_path: Path, commands: Commands, seal: Identity) -> Any:
    """The answer to a letter that was signed with that seal and handed in."""
    file = tmp_path / "signed.edxml"
    file.write_bytes(sign_envelope(LETTER.read_bytes(), seal.private_key, seal.chain))
    return commands.done("send", file, "--as", "H37")


def test_a_proposal_is_shown_confirmed_and_then_registered(
    commands: Commands, seal: Identity, sent: Any
) -> None:
    [proposal] = commands.done("signers", "proposals")["proposals"]
    digest = fingerprint(seal.certificate)
    assert (proposal["certificate_sha256"], proposal["agency"]) == (digest, "H37")
    _, out, _ = commands.run("signers", "proposals")
    assert digest in out
    assert "cơ quan, tổ chức" in out
    given = ("--reason", "Theo danh sách của tỉnh", "--to", "2030-12-31")
    assert commands.done("signers", "confirm", digest, *given)["period"]["end"] == "2030-12-31"
    assert commands.done("signers", "proposals")["proposals"] == []
    [signer] = commands.done("signers", "list", "--agency", "H37")["signers"]
    assert (signer["certificate_sha256"], signer["role"]) == (digest, "agency")


def test_a_declined_proposal_is_no_more_waiting(commands: Commands, seal: Identity, sent: Any) -> None:
    digest = fingerprint(seal.certificate)
    commands.done("signers", "decline", digest, "--reason", "Không rõ")
    assert commands.done("signers", "proposals")["proposals"] == []
    [proposal] = commands.done("signers", "proposals", "--all")["proposals"]
    assert (proposal["decision"], proposal["reason"]) == ("declined", "Không rõ")


def test_a_decision_without_a_reason_is_no_call(commands: Commands) -> None:
    code, answer = commands.json("signers", "confirm", "00" * 32)
    assert (code, answer["error"]["code"]) == (2, "command.usage")


def test_an_unknown_proposal_says_so(commands: Commands) -> None:
    code, answer = commands.json("signers", "confirm", "00" * 32, "--reason", "Đúng")
    assert (code, answer["error"]["code"]) == (1, "signer.unknown")
    assert answer["error"]["next"] == "gateway signers proposals"


def test_a_preview_of_the_register_shows_rows_and_writes_none(commands: Commands, tmp_path: Path) -> None:
    file = tmp_path / "signers.csv"
    head = "certificate_sha256,agency,title,role,valid_from,valid_to"
    file.write_text(f"{head}\n{'ab' * 32},H37,Chủ tịch,person,2020-01-01,\n", "utf-8")
    _, out, _ = commands.run("signers", "import", file, "--preview")
    assert "thêm 1, sửa 0, giữ nguyên 0" in out
    assert "Chủ tịch" in out
    assert commands.done("signers", "list")["signers"] == []
    assert commands.done("signers", "import", file)["rows"] == 1
    assert commands.done("signers", "import", file, "--preview")["changes"]["unchanged"] == 1


def test_signatures_are_judged_again_when_a_person_asks(
    commands: Commands, seal: Identity, sent: Any
) -> None:
    commands.done("signers", "confirm", fingerprint(seal.certificate), "--reason", "Đúng")
    answer = commands.done("signatures", "recheck", sent["document"], "--reason", "Vừa đăng ký")
    [judged] = answer["judged"]
    assert judged["outcome"] == "changed"
    assert judged["verdicts"][0]["agency"] == "H37"
    code, out, _ = commands.run("signatures", "recheck", sent["document"], "--reason", "Xem lại")
    assert code == 0
    assert "kết quả không thay đổi" in out


def test_every_outcome_of_judging_again_has_words() -> None:
    assert {outcome.value for outcome in Outcome} <= OUTCOMES.keys()


def test_certificates_are_listed_by_their_end_and_doctor_names_the_next(
    commands: Commands, seal: Identity, sent: Any
) -> None:
    rows = commands.done("certificates")["certificates"]
    assert rows[0]["sha256"] == fingerprint(seal.certificate)
    assert [row["not_after"] for row in rows] == sorted(row["not_after"] for row in rows)
    assert len(commands.done("certificates", "--within", "14")["certificates"]) == 1
    _, out, _ = commands.run("certificates", "--within", "14")
    assert "còn 10 ngày" in out
    assert "cấp chứng thư số mới" in out
    _, report = commands.json("doctor")
    lines = [line for line in report["lines"] if line["topic"] == "certificates"]
    assert [line["weight"] for line in lines] == ["note"]
