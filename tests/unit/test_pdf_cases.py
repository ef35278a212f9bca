"""Every case of ``pdf_cases`` gets its verdict, with the fast reader as with pyHanko's own."""

from __future__ import annotations

import pytest

from gateway.model.verdict import Indication
from gateway.signature import pdf_fast
from tests.unit.pdf_cases import HARMLESS, PDF_CASES, TIMES, PdfCase, worst_verdict
from tests.unit.pdf_world import PdfWorld, build_pdf_world


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> PdfWorld:
    return build_pdf_world(tmp_path_factory.mktemp("cases") / "pki")


@pytest.mark.parametrize("case", PDF_CASES, ids=lambda case: case.name)
def test_each_case_gets_its_verdict(case: PdfCase, world: PdfWorld) -> None:
    data = case.build(world)
    verdicts = world.judge(data)
    worst = worst_verdict(verdicts)
    assert (worst.indication, worst.sub_indication) == (case.indication, case.sub_indication)
    with pdf_fast.upstream():
        assert world.judge(data) == verdicts


def test_no_attack_is_expected_to_pass() -> None:
    attacks = [case for case in PDF_CASES if case not in HARMLESS and case not in TIMES]
    assert len({case.name for case in PDF_CASES}) == len(PDF_CASES)
    assert not any(case.indication is Indication.PASSED for case in attacks)
