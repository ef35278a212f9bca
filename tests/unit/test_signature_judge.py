"""What the gate makes of an envelope's signature: every verdict under every policy."""

from __future__ import annotations

import pytest

from gateway.model.envelope import SignatureForm
from gateway.model.finding import Decision, Finding, Severity, decide
from gateway.model.text import AgencyCode, Bilingual
from gateway.model.verdict import Indication, SignerRole, Verdict
from gateway.signature.judge import IF_PRESENT, OFF, POLICIES, REQUIRED, judge

SENDER = AgencyCode("H37")
REASON = Bilingual("lý do", "reason")
INFO, WARNING, REFUSE = Severity.INFO, Severity.WARNING, Severity.REFUSE
PASSED, FAILED, UNCLEAR = Indication.PASSED, Indication.FAILED, Indication.INDETERMINATE


def verdict(indication: Indication, sub_indication: str = "", agency: str = SENDER) -> Verdict:
    role = SignerRole.AGENCY if agency else SignerRole.NOT_CHECKABLE
    return Verdict("envelope", indication, sub_indication, REASON, agency=agency, role=role)


def judged(one: Verdict, policy: str, sender: AgencyCode | None = SENDER) -> list[tuple[str, Severity]]:
    return [(f.rule, f.severity) for f in judge([one], SignatureForm.XMLDSIG, policy, sender)]


TABLE = [
    (verdict(FAILED, "HASH_FAILURE", ""), "signature.tampered", REFUSE),
    (verdict(FAILED, "SIG_CRYPTO_FAILURE", ""), "signature.tampered", REFUSE),
    (verdict(FAILED, "FORMAT_FAILURE", ""), "signature.malformed", REFUSE),
    (verdict(FAILED, "NO_SIGNING_CERTIFICATE_FOUND", ""), "signature.malformed", REFUSE),
    (verdict(FAILED, "REVOKED"), "signature.revoked", REFUSE),
    (verdict(FAILED, "REVOKED", "H37.03"), "signature.revoked", REFUSE),
    (verdict(PASSED, agency="H37.03"), "signature.wrong_agency", REFUSE),
    (verdict(UNCLEAR, "TRY_LATER", "H37.03"), "signature.wrong_agency", REFUSE),
    (verdict(FAILED, "EXPIRED", "H37.03"), "signature.wrong_agency", REFUSE),
    (verdict(FAILED, "EXPIRED"), "signature.expired", WARNING),
    (verdict(FAILED, "NOT_YET_VALID"), "signature.not_yet_valid", WARNING),
    (verdict(FAILED, "CRYPTO_CONSTRAINTS_FAILURE"), "signature.weak", WARNING),
    (verdict(FAILED, "CHAIN_CONSTRAINTS_FAILURE"), "signature.wrong_usage", WARNING),
    (verdict(UNCLEAR, "NO_CERTIFICATE_CHAIN_FOUND", ""), "signature.indeterminate", WARNING),
    (verdict(UNCLEAR, "NO_CERTIFICATE_CHAIN_FOUND"), "signature.indeterminate", WARNING),
    (verdict(UNCLEAR, "TRY_LATER"), "signature.indeterminate", WARNING),
    (verdict(UNCLEAR, "SIGNED_DATA_NOT_FOUND", ""), "signature.indeterminate", WARNING),
    (verdict(PASSED, agency=""), "signature.not_registered", WARNING),
]


@pytest.mark.parametrize(("one", "rule", "severity"), TABLE)
def test_by_default_only_forged_tampered_and_revoked_refuse(
    one: Verdict, rule: str, severity: Severity
) -> None:
    assert judged(one, IF_PRESENT) == [(rule, severity)]


@pytest.mark.parametrize(("one", "rule"), [row[:2] for row in TABLE])
def test_required_refuses_anything_but_a_pass_by_the_sender(one: Verdict, rule: str) -> None:
    assert judged(one, REQUIRED) == [(rule, REFUSE)]


@pytest.mark.parametrize(("one", "rule", "severity"), TABLE)
def test_off_informs_where_the_default_warns_and_softens_no_refusal(
    one: Verdict, rule: str, severity: Severity
) -> None:
    assert judged(one, OFF) == [(rule, REFUSE if severity is REFUSE else INFO)]


@pytest.mark.parametrize("policy", POLICIES)
def test_pass_by_the_registered_sender_says_nothing(policy: str) -> None:
    assert judged(verdict(PASSED), policy) == []


@pytest.mark.parametrize("form", [SignatureForm.NONE, SignatureForm.EMPTY, SignatureForm.WRONG_NAMESPACE])
def test_what_is_no_signature_refuses_where_one_is_required(form: SignatureForm) -> None:
    findings = judge([], form, REQUIRED, SENDER)
    assert [f.rule for f in findings] == ["signature.required"]
    assert decide(findings) is Decision.REFUSE


@pytest.mark.parametrize("policy", [IF_PRESENT, OFF])
def test_missing_signature_is_no_matter_where_none_is_required(policy: str) -> None:
    assert judge([], SignatureForm.NONE, policy, SENDER) == []


@pytest.mark.parametrize("policy", [IF_PRESENT, OFF])
@pytest.mark.parametrize("form", [SignatureForm.EMPTY, SignatureForm.WRONG_NAMESPACE])
def test_element_that_is_no_signature_is_named_and_travels(form: SignatureForm, policy: str) -> None:
    assert [(f.rule, f.severity) for f in judge([], form, policy, SENDER)] == [
        ("signature.not_a_signature", INFO)
    ]


def test_refusal_tells_apart_the_three_ways_of_having_no_signature() -> None:
    forms = (SignatureForm.NONE, SignatureForm.EMPTY, SignatureForm.WRONG_NAMESPACE)
    sentences = [judge([], form, REQUIRED, SENDER)[0].text.vi for form in forms]
    assert "DigitalSignature để trống" in sentences[1]
    assert "không gian tên" in sentences[2]
    assert all("Hãy ký số gói tin" in sentence for sentence in sentences)


def test_signature_that_nobody_verified_never_counts_as_one() -> None:
    assert [f.severity for f in judge([], SignatureForm.XMLDSIG, REQUIRED, SENDER)] == [REFUSE]
    assert [f.severity for f in judge([], SignatureForm.XMLDSIG, IF_PRESENT, SENDER)] == [WARNING]


def test_signatures_of_files_are_somebody_elses_task() -> None:
    pdf = Verdict("cv.pdf", FAILED, "HASH_FAILURE", REASON)
    assert judge([pdf], SignatureForm.NONE, IF_PRESENT, SENDER) == []
    assert [f.rule for f in judge([pdf], SignatureForm.NONE, REQUIRED, SENDER)] == ["signature.required"]


def test_sender_unknown_to_the_directory_cannot_be_compared() -> None:
    assert judged(verdict(PASSED), IF_PRESENT, None) == [("signature.sender_unknown", WARNING)]
    assert judged(verdict(PASSED), REQUIRED, None) == [("signature.sender_unknown", REFUSE)]


def test_unknown_policy_is_a_mistake_of_the_program() -> None:
    with pytest.raises(ValueError, match="sometimes"):
        judge([], SignatureForm.NONE, "sometimes", SENDER)


def test_wrong_agency_names_both() -> None:
    finding = judge([verdict(PASSED, agency="H37.03")], SignatureForm.XMLDSIG, IF_PRESENT, SENDER)[0]
    assert "H37.03" in finding.text.vi
    assert "Cơ quan gửi H37." in finding.text.vi


def every_finding() -> list[Finding]:
    found = [f for one, _, _ in TABLE for f in judge([one], SignatureForm.XMLDSIG, REQUIRED, SENDER)]
    found += [f for form in SignatureForm for f in judge([], form, REQUIRED, SENDER)]
    found += [f for form in SignatureForm for f in judge([], form, IF_PRESENT, SENDER)]
    return found


@pytest.mark.parametrize("finding", every_finding())
def test_every_finding_speaks_both_languages(finding: Finding) -> None:
    assert finding.where == "Signature"
    assert finding.rule.startswith("signature.")
    assert finding.text.vi != finding.text.en
    assert min(len(finding.text.vi), len(finding.text.en)) >= len(REASON.en) - 1
