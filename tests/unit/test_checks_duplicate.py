"""A DocumentId belongs to one content of one agency."""

from __future__ import annotations

from dataclasses import replace

from checks_world import KNOWN, SOUND, findings, rules

from gateway.checks.subject import Earlier
from gateway.model.envelope import Business, Kind, ReplacementInfo
from gateway.model.finding import Severity


def test_first_submission_has_no_conflict() -> None:
    assert rules(earlier=Earlier()) == {}
    assert rules(earlier=None) == {}


def test_known_id_with_other_content_is_refused_and_names_the_first_message() -> None:
    [finding] = findings(earlier=replace(KNOWN, first_message="018f-first"))
    assert (finding.rule, finding.severity) == ("duplicate.conflict", Severity.REFUSE)
    assert "018f-first" in finding.text.vi
    assert "018f-first" in finding.text.en


def test_known_id_with_the_same_content_is_a_retry_and_no_conflict() -> None:
    assert rules(earlier=replace(KNOWN, same_content=True)) == {}


def test_from_the_axis_a_rewritten_header_is_recorded_and_not_refused() -> None:
    said = rules(earlier=replace(KNOWN, same_files=True), from_axis=True)
    assert said == {"duplicate.rewritten": Severity.INFO}


def test_from_the_axis_other_files_under_a_known_id_are_a_conflict() -> None:
    assert rules(earlier=KNOWN, from_axis=True) == {"duplicate.conflict": Severity.REFUSE}


def test_our_own_senders_cannot_rewrite_a_header_under_a_known_id() -> None:
    assert rules(earlier=replace(KNOWN, same_files=True)) == {"duplicate.conflict": Severity.REFUSE}


def test_replacement_joins_its_known_document() -> None:
    business = Business(doc_type="3", reason="Thay thế", replacements=(ReplacementInfo("x"),))
    assert rules(replace(SOUND, kind=Kind.REPLACE, business=business), earlier=KNOWN) == {}


def test_number_used_for_another_document_is_a_warning() -> None:
    said = rules(earlier=Earlier(same_number="018f-other"))
    assert said == {"duplicate.number": Severity.WARNING}
