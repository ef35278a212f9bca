"""Rule sets: dated data that chooses itself by the day of receipt, and that the code is held to."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from test_checks_clauses import STANDARDS, standing_clauses

from gateway.clock import from_datetime
from gateway.model.agency import Period
from gateway.model.verdict import Indication
from gateway.practice.pki import DemoPki, KeyKind, Knobs
from gateway.signature import pdf_read, pdf_texts, trust_texts, xmldsig_shape, xmldsig_texts
from gateway.signature.certificates import CA_CURVES, CURVES, MINIMUM_RSA_BITS
from gateway.signature.rules import RuleSet, RuleSets, shipped_rules
from gateway.signature.trust import TrustStore
from gateway.signature.verify import Trust

SHIPPED = shipped_rules().all


@pytest.mark.parametrize(
    ("day", "name"),
    [
        (date(2018, 7, 12), "TT41-2017/1"),
        (date(2026, 11, 14), "TT41-2017/1"),
        (date(2026, 11, 15), "TT59-2026/1"),
        (date(2040, 1, 1), "TT59-2026/1"),
    ],
)
def test_the_day_of_receipt_chooses_the_rule_set(day: date, name: str) -> None:
    assert shipped_rules().on(day).name == name


def test_the_day_begins_at_midnight_in_vietnam() -> None:
    trust = Trust(TrustStore(()), None)
    before = from_datetime(datetime(2026, 11, 14, 16, 59, 59, tzinfo=UTC))
    after = from_datetime(datetime(2026, 11, 14, 17, 0, tzinfo=UTC))
    assert (trust.rule_set_at(before), trust.rule_set_at(after)) == ("TT41-2017/1", "TT59-2026/1")


def test_the_data_says_that_the_text_of_the_new_circular_is_missing() -> None:
    assert [(one.name, one.text_obtained) for one in SHIPPED] == [
        ("TT41-2017/1", True),
        ("TT59-2026/1", False),
    ]


@pytest.mark.parametrize("rules", SHIPPED, ids=lambda one: one.name)
def test_the_code_accepts_exactly_the_algorithms_of_the_data(rules: RuleSet) -> None:
    """Should two rule sets ever differ here, the code must take them from the data."""
    pdf_digests = {pdf_read._hash_text(name).replace("SHA3_", "SHA3-") for name in pdf_read._STRONG}
    assert pdf_digests == rules.digests
    assert set(xmldsig_shape.DIGESTS.values()) | set(xmldsig_shape.METHODS.values()) <= rules.digests
    assert (
        rules.rsa_bits,
        rules.signer_curves,
        rules.issuer_curves,
    ) == (MINIMUM_RSA_BITS, CURVES, CA_CURVES)


@pytest.mark.parametrize("rules", SHIPPED, ids=lambda one: one.name)
def test_every_clause_of_a_rule_set_stands_in_the_document(rules: RuleSet) -> None:
    assert set(rules.clauses) <= standing_clauses(STANDARDS.read_text(encoding="utf-8")).keys()


@pytest.mark.parametrize(
    "periods",
    [
        (),
        (Period(date(2020, 1, 1)),),
        (Period(None, date(2026, 11, 14)),),
        (Period(None, date(2026, 11, 14)), Period(date(2026, 11, 16))),
        (Period(None, date(2026, 11, 14)), Period(date(2026, 11, 14))),
    ],
    ids=["none", "no beginning", "no end", "a day without", "a day with two"],
)
def test_rule_sets_with_a_gap_or_an_overlap_are_not_taken(periods: tuple[Period, ...]) -> None:
    with pytest.raises(ValueError, match=r"rule sets must be|does not begin"):
        RuleSets(tuple(replace(SHIPPED[0], period=period) for period in periods))


def test_sha1_md5_and_short_keys_have_sentences_of_their_own() -> None:
    sentences = {
        pdf_texts.weak_algorithm("SHA-1").vi,
        pdf_texts.weak_algorithm("MD5").vi,
        xmldsig_texts.weak_algorithm("#sha1").vi,
        xmldsig_texts.weak_algorithm("#md5").vi,
        xmldsig_texts.weak_key("RSA-1024").vi,
    }
    assert len(sentences) == 5


@pytest.mark.parametrize(
    ("knobs", "says"),
    [(Knobs(key=KeyKind.RSA_1024), "RSA-1024"), (Knobs(sha1=True), "SHA-1")],
    ids=["short key", "signed with SHA-1"],
)
def test_the_sentence_on_a_weak_certificate_names_what_is_weak(
    knobs: Knobs, says: str, tmp_path: Path
) -> None:
    pki = DemoPki.create(tmp_path)
    weak = pki.issue_agency("H37", "UBND tỉnh Lạng Sơn", knobs)
    at = from_datetime(datetime(2020, 4, 13, tzinfo=UTC))
    result = TrustStore.load(pki.trust_folder).check_path(weak.certificate, weak.chain[1:], at, at)
    assert (result.indication, result.sub_indication) == (Indication.FAILED, "CRYPTO_CONSTRAINTS_FAILURE")
    assert says in result.reason.vi
    assert says in result.reason.en
    assert result.reason == trust_texts.weak(weak.certificate)
