"""Certificates, paths, revocation answers and signers of the tables get the verdict that they must."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.model.verdict import Indication
from tests.unit.pdf_world import PdfWorld, build_pdf_world
from tests.unit.pki_cases import PKI_CASES, WHO_CASES, PkiCase, WhoCase
from tests.unit.signature_table import PAGE, with_tables


@pytest.fixture(scope="module")
def pdf_world(tmp_path_factory: pytest.TempPathFactory) -> PdfWorld:
    return build_pdf_world(tmp_path_factory.mktemp("pdf") / "pki")


@pytest.mark.parametrize("case", PKI_CASES, ids=lambda case: case.name)
def test_a_certificate_gets_its_verdict(case: PkiCase, tmp_path: Path) -> None:
    result = case.build(tmp_path)
    assert (result.indication, result.sub_indication) == (case.indication, case.sub_indication)
    doubt = result.reason.vi.startswith("Chưa đủ căn cứ kết luận")
    assert doubt == (case.indication is Indication.INDETERMINATE)


@pytest.mark.parametrize("case", WHO_CASES, ids=lambda case: case.name)
def test_who_signed_decides_what_the_clerk_reads(case: WhoCase, pdf_world: PdfWorld) -> None:
    assert tuple(finding.rule for finding in case.build(pdf_world)) == case.rules


def test_the_tables_of_the_page_are_current() -> None:
    page = PAGE.read_text("utf-8")
    assert with_tables(page) == page, "run: make docs"
