"""A certificate of the agency that the sender succeeded: what the gate says of it, under every policy."""

from __future__ import annotations

from datetime import date

import pytest

from gateway.model.envelope import SignatureForm
from gateway.model.finding import Severity
from gateway.model.text import AgencyCode, Bilingual
from gateway.model.verdict import Indication, SignerRole, Verdict
from gateway.signature.judge import POLICIES, judge
from gateway.signature.pdf_findings import judge_file

SENDER, OLD, OTHER = AgencyCode("H37.31"), AgencyCode("H37.40"), AgencyCode("H37.05")
UNTIL = date(2020, 12, 31)
REASON = Bilingual("lý do", "reason")


def serves(agency: AgencyCode) -> date | None:
    return UNTIL if agency == OLD else None


def verdict(agency: AgencyCode, *, where: str = "envelope", sub: str = "") -> Verdict:
    indication = Indication.FAILED if sub else Indication.PASSED
    return Verdict(where, indication, sub, REASON, agency=agency, role=SignerRole.AGENCY)


def of_envelope(one: Verdict, policy: str) -> list[tuple[str, Severity]]:
    found = judge([one], SignatureForm.XMLDSIG, policy, SENDER, serves)
    return [(finding.rule, finding.severity) for finding in found]


def of_file(*verdicts: Verdict) -> list[tuple[str, Severity]]:
    return [(f.rule, f.severity) for f in judge_file("vb.pdf", verdicts, False, SENDER, serves)]


@pytest.mark.parametrize("policy", POLICIES)
def test_it_counts_as_the_senders_and_is_named(policy: str) -> None:
    assert of_envelope(verdict(OLD), policy) == [("signature.predecessor", Severity.INFO)]


@pytest.mark.parametrize("policy", POLICIES)
def test_that_of_anybody_else_is_still_anothers(policy: str) -> None:
    assert of_envelope(verdict(OTHER), policy) == [("signature.wrong_agency", Severity.REFUSE)]


@pytest.mark.parametrize(
    ("sub", "rule"), [("HASH_FAILURE", "tampered"), ("REVOKED", "revoked"), ("EXPIRED", "expired")]
)
def test_it_hides_nothing_that_is_wrong_with_the_signature(sub: str, rule: str) -> None:
    [(found, severity)] = of_envelope(verdict(OLD, sub=sub), "required")
    assert (found, severity) == (f"signature.{rule}", Severity.REFUSE)


def test_a_file_signed_with_it_travels_without_a_warning() -> None:
    assert of_file(verdict(OLD, where="vb.pdf")) == [("signature.pdf_predecessor", Severity.INFO)]


def test_a_file_signed_by_anybody_else_travels_with_one() -> None:
    assert of_file(verdict(OTHER, where="vb.pdf")) == [("signature.pdf_other_agency", Severity.WARNING)]


def test_both_names_and_the_last_day_are_told() -> None:
    [finding] = judge([verdict(OLD)], SignatureForm.XMLDSIG, "if_present", SENDER, serves)
    for word in (OLD, SENDER, "31/12/2020"):
        assert word in finding.text.vi
