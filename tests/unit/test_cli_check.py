"""``gateway check``: the gate's engine without a gateway."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.model.text import AgencyCode
from gateway.practice import province
from gateway.practice.pki import DemoPki, Identity, KeyKind, Knobs
from gateway.signature.seal import sign_envelope
from tests.unit.cli_world import CORPUS, GOOD, Commands


@pytest.fixture
def commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Commands:
    return Commands(tmp_path / "home", capsys)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    file = tmp_path / "agencies.csv"
    file.write_text(province.agencies_csv(), encoding="utf-8")
    return file


def changed(tmp_path: Path, name: str, old: str, new: str) -> Path:
    """A copy of a good message in which ``old`` reads ``new``."""
    text = (GOOD / name).read_text(encoding="utf-8")
    assert old in text
    file = tmp_path / "changed.edxml"
    file.write_text(text.replace(old, new), encoding="utf-8")
    return file


def rules(answer: dict[str, list[dict[str, str]]]) -> list[str]:
    return [finding["rule"] for finding in answer["findings"]]


@pytest.mark.parametrize("file", sorted(GOOD.glob("*.edxml")), ids=lambda file: file.stem)
def test_every_good_message_would_be_accepted(commands: Commands, directory: Path, file: Path) -> None:
    code, answer = commands.json("check", file, "--directory", directory)
    assert (code, answer["decision"]) == (0, "accept"), rules(answer)


def test_the_answer_has_the_shape_that_scripts_read(commands: Commands, directory: Path) -> None:
    _, answer = commands.json("check", GOOD / "new-cv-362.edxml", "--directory", directory)
    assert list(answer) == ["decision", "document", "signatures", "findings", "clauses"]
    assert [said["clause"] for said in answer["clauses"]] == ["C1", "C2", "C3", "C4", "C5", "C6", "C7"]
    assert {said["outcome"] for said in answer["clauses"]} <= {"pass", "fail", "unchecked", "na"}
    document = answer["document"]
    assert (document["number"], document["notation"]) == ("362", "UBND-KGVX")
    assert document["sender"]["code"] == "H37"
    assert [route["recipient"] for route in document["routes"]] == [
        *("H37.01", "H37.03", "H37.05", "H37.31", "H37.32")
    ]
    [file] = document["files"]
    assert (file["name"], file["format"]) == ("362_cv-362.signed.pdf", "pdf")
    for finding in answer["findings"]:
        assert set(finding) == {"rule", "severity", "where", "clause", "vi", "en"}


def test_without_a_directory_recipients_are_not_judged(commands: Commands) -> None:
    code, answer = commands.json("check", GOOD / "new-cv-362.edxml")
    assert code == 0
    assert "recipient.not_checkable" in rules(answer)


def test_an_unknown_recipient_is_refused_with_exit_code_1(
    commands: Commands, directory: Path, tmp_path: Path
) -> None:
    file = changed(tmp_path, "new-cv-362.edxml", "000.00.05.H37", "000.99.05.H37")
    code, answer = commands.json("check", file, "--directory", directory)
    assert (code, answer["decision"]) == (1, "refuse")
    assert "recipient.unknown" in rules(answer)


def test_of_a_secret_document_nothing_is_repeated(commands: Commands, tmp_path: Path) -> None:
    file = changed(tmp_path, "new-qd-666.edxml", "<edXML:Subject>Bổ nhiệm", "<edXML:Subject>MẬT: Bổ nhiệm")
    code, out, err = commands.run("check", file)
    assert code == 1
    assert "secrecy.marked" in out
    assert "Bổ nhiệm" not in out + err
    code, answer = commands.json("check", file)
    assert (code, answer["decision"]) == (1, "refuse")
    assert "subject" not in answer["document"]


@pytest.mark.parametrize("name", ["envelope.truncated", "envelope.empty"])
def test_what_is_no_edxml_gives_exit_code_2_and_names_the_file(commands: Commands, name: str) -> None:
    file = CORPUS / "bad" / f"{name}.edxml"
    code, answer = commands.json("check", file)
    assert (code, answer["decision"], answer["document"]) == (2, "refuse", {})
    assert answer["findings"][0]["where"] == file.name
    assert answer["findings"][0]["vi"] != answer["findings"][0]["en"]


class Signed:
    """A message of H37.03 with an XML signature, and what is needed to judge it."""

    def __init__(self, folder: Path) -> None:
        self.pki = DemoPki.create(folder / "pki", key=KeyKind.P256)
        self.seal = self.pki.issue_agency("H37", "UBND tỉnh", Knobs(key=KeyKind.P256))
        self.file = folder / "signed.edxml"
        self.file.write_bytes(signed_by(self.seal))
        self.signers = folder / "signers.csv"
        row = self.seal.signer(AgencyCode("H37"))
        self.signers.write_text(
            "certificate_sha256,agency,title,role,valid_from,valid_to\n"
            f"{row.certificate_sha256},H37,,agency,2019-01-01,2039-01-01\n",
            encoding="utf-8",
        )

    @property
    def words(self) -> list[str | Path]:
        return ["check", self.file, "--trust", self.pki.trust_folder, "--signers", self.signers]


def signed_by(identity: Identity) -> bytes:
    data = (GOOD / "new-cv-362.edxml").read_bytes()
    return sign_envelope(data, identity.private_key, identity.chain)


def test_a_genuine_signature_is_listed_with_its_reason(commands: Commands, tmp_path: Path) -> None:
    signed = Signed(tmp_path)
    code, answer = commands.json(*signed.words)
    signature, *_ = answer["signatures"]  # the rest are those of its PDF
    assert code == 0
    assert (signature["indication"], signature["role"], signature["agency"]) == (
        *("TOTAL-PASSED", "agency", "H37"),
    )
    assert set(signature["reason"]) == {"vi", "en"}


def test_one_changed_byte_after_signing_is_refused(commands: Commands, tmp_path: Path) -> None:
    signed = Signed(tmp_path)
    data = signed.file.read_bytes()
    signed.file.write_bytes(data.replace(b"<edXML:CodeNumber>362", b"<edXML:CodeNumber>363"))
    code, answer = commands.json(*signed.words)
    assert (code, answer["decision"]) == (1, "refuse")
    assert answer["signatures"][0]["indication"] == "TOTAL-FAILED"
    assert "signature.tampered" in rules(answer)


def test_without_a_trust_folder_no_signature_is_claimed_to_be_judged(
    commands: Commands, tmp_path: Path
) -> None:
    signed = Signed(tmp_path)
    code, answer = commands.json("check", signed.file)
    assert (code, answer["signatures"]) == (0, [])


def test_an_existing_store_is_asked_for_duplicates_and_not_changed(
    commands: Commands, tmp_path: Path
) -> None:
    commands.done("init", "--demo-directory")
    commands.done("send", GOOD / "new-cv-362.edxml", "--as", "H37")
    before = commands.done("status")["events"]
    file = changed(tmp_path, "new-cv-362.edxml", "<edXML:Subject>V/v", "<edXML:Subject>Về việc")
    code, answer = commands.json("check", file)
    assert (code, "duplicate.conflict" in rules(answer)) == (1, True)
    assert commands.done("status")["events"] == before


def test_a_person_reads_the_decision_in_vietnamese_first(commands: Commands) -> None:
    code, out, _ = commands.run("check", GOOD / "new-cv-362.edxml")
    assert code == 0
    assert out.startswith("✓ TRỤC SẼ NHẬN")
    assert "362/UBND-KGVX" in out
    assert "13/04/2020" in out


def test_what_would_count_in_the_figures_is_said_in_words(commands: Commands, directory: Path) -> None:
    _, out, _ = commands.run("check", GOOD / "new-cv-362.edxml", "--directory", directory)
    assert "C2 Thẩm quyền: Không kiểm tra được bằng máy" in out
    assert "C4 Chữ ký số: Không kiểm tra được bằng máy – Chưa kiểm tra chữ ký số" in out
    assert "C6 Thời hạn: Không đạt" in out


def test_a_secret_message_and_one_that_makes_no_document_have_no_clauses(
    commands: Commands, directory: Path, tmp_path: Path
) -> None:
    secret = changed(tmp_path, "new-cv-362.edxml", "<edXML:Subject>", "<edXML:Subject>MẬT: ")
    _, answer = commands.json("check", secret, "--directory", directory)
    assert (answer["decision"], answer["clauses"]) == ("refuse", [])
    _, answer = commands.json("check", GOOD / "odd-status-dotnet.edxml", "--directory", directory)
    assert (answer["decision"], answer["clauses"]) == ("accept", [])
