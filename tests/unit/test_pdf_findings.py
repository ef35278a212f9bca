"""What the verdicts on a file mean for its document."""

from __future__ import annotations

from pathlib import Path

import pytest
from pdf_world import (
    P256,
    SEALED_AT,
    SENDER,
    SIGNED_AT,
    PdfWorld,
    add_revision,
    build_pdf_world,
    sign_once,
)
from pyhanko.pdf_utils.generic import NumberObject
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from gateway.model.finding import Finding, Severity
from gateway.model.text import AgencyCode
from gateway.signature.pdf_findings import judge_file, judge_other_format


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> PdfWorld:
    return build_pdf_world(tmp_path_factory.mktemp("pdf") / "pki")


def findings(
    world: PdfWorld, pdf: bytes, is_main: bool = True, sender: AgencyCode | None = SENDER
) -> list[Finding]:
    return judge_file("vb.pdf", world.judge(pdf), is_main, sender)


def rules(found: list[Finding]) -> list[str]:
    return [one.rule for one in found]


def test_an_original_has_no_findings(world: PdfWorld) -> None:
    assert findings(world, world.signed) == []


def test_the_leader_alone_lacks_the_agency(world: PdfWorld) -> None:
    (found,) = findings(world, world.leader)
    assert (found.rule, found.severity, found.where) == (
        "signature.pdf_no_agency",
        Severity.WARNING,
        "vb.pdf",
    )


def test_the_agency_alone_is_enough_for_an_attachment_only(world: PdfWorld) -> None:
    sealed = sign_once(world.page, world.agency, "CoQuan", SEALED_AT)
    assert findings(world, sealed, is_main=False) == []
    assert rules(findings(world, sealed)) == ["signature.pdf_no_person"]


def test_the_agency_before_the_leader_is_the_wrong_order(world: PdfWorld) -> None:
    sealed = sign_once(world.page, world.agency, "CoQuan", SIGNED_AT)
    both = sign_once(sealed, world.person, "NguoiKy", SEALED_AT)
    (found,) = findings(world, both)
    assert (found.rule, found.clause) == ("signature.pdf_order", "NĐ 30/2020 Đ32")


def test_an_unregistered_signer_is_neither_pass_nor_failure(world: PdfWorld) -> None:
    other = world.pki.issue_agency("000.00.00.H37", "UBND", P256)
    (found,) = findings(world, sign_once(world.leader, other, "CoQuan", SEALED_AT))
    assert (found.rule, found.severity) == ("signature.pdf_signer_unknown", Severity.INFO)


def test_a_stranger_who_signs_after_the_agency_is_noticed(world: PdfWorld) -> None:
    """The picture of a signature may cover the whole page."""
    stranger = world.pki.issue_person("", "Công ty ABC", "Kẻ Gian", P256)
    (found,) = findings(world, sign_once(world.signed, stranger, "Khac", SEALED_AT))
    assert (found.rule, found.severity) == ("signature.pdf_signed_after", Severity.WARNING)


@pytest.mark.parametrize("name", ["b.pdf", "b.PDF", "b.pdf. ", "b.pdf (2)"])
def test_an_attachment_that_only_calls_itself_a_pdf_is_noticed(name: str) -> None:
    assert judge_other_format(name, "zip", False).severity is Severity.WARNING


@pytest.mark.parametrize("name", ["b.zip", "b.pdf.zip", "pdf"])
def test_an_attachment_of_another_format_and_name_is_worth_knowing_only(name: str) -> None:
    assert judge_other_format(name, "zip", False).severity is Severity.INFO


def test_a_page_without_signatures_is_unsigned(world: PdfWorld) -> None:
    (found,) = findings(world, world.page)
    assert (found.rule, found.severity) == ("signature.pdf_unsigned", Severity.WARNING)


def test_the_document_of_another_agency_is_noticed(world: PdfWorld) -> None:
    assert rules(findings(world, world.leader, is_main=False, sender=AgencyCode("H38"))) == [
        "signature.pdf_other_agency",
        "signature.pdf_no_agency",
    ]


def test_an_edit_after_signing_is_refused(world: PdfWorld) -> None:
    def rotate(writer: IncrementalPdfFileWriter) -> None:
        page = writer.root["/Pages"]["/Kids"][0]
        page["/Rotate"] = NumberObject(90)
        writer.update_container(page)

    found = findings(world, add_revision(world.signed, rotate))
    assert [(one.rule, one.severity) for one in found] == [("signature.pdf_changed", Severity.REFUSE)] * 2


def test_a_changed_byte_is_refused_as_tampered(world: PdfWorld) -> None:
    spoiled = bytearray(world.signed)
    spoiled[spoiled.index(b"stream") + 12] ^= 1
    assert set(rules(findings(world, bytes(spoiled)))) == {"signature.pdf_tampered"}


def test_a_certificate_revoked_before_signing_is_refused(tmp_path: Path) -> None:
    fresh = build_pdf_world(tmp_path / "pki")
    fresh.pki.revoke(fresh.person.certificate, SIGNED_AT.replace(hour=1))
    (found,) = findings(fresh, fresh.signed)
    assert (found.rule, found.severity) == ("signature.pdf_revoked", Severity.REFUSE)


def test_a_file_that_is_not_concluded_travels_with_a_warning(world: PdfWorld) -> None:
    later = SIGNED_AT.replace(year=2021)
    (found,) = findings(world, sign_once(world.page, world.person, "NguoiKy", later))
    assert (found.rule, found.severity) == ("signature.pdf_not_valid", Severity.WARNING)
