"""Revoke, update, replace and status: about a known document, by somebody who may."""

from __future__ import annotations

from dataclasses import replace

import pytest
from checks_world import KNOWN, PROVINCE, SOUND, STATUS, code, findings, rules

from gateway.checks.amendment import affected_document
from gateway.checks.subject import Earlier
from gateway.model.envelope import Business, Envelope, Kind, Organization, ReplacementInfo, StatusReport
from gateway.model.finding import Decision, Severity, decide

REVOKE = replace(SOUND, kind=Kind.REVOKE, business=Business(doc_type="1", reason="Sai thể thức"))
UPDATE = replace(SOUND, kind=Kind.UPDATE, business=Business(doc_type="2", receivers_changed=True))
REPLACE = replace(
    SOUND, kind=Kind.REPLACE, business=Business(doc_type="3", replacements=(ReplacementInfo("67"),))
)


def status(status_code: str, reporter: str = "000.00.03.H37") -> Envelope:
    report = StatusReport(status_code, timestamp="2020/04/13 15:40:00")
    return replace(STATUS, sender=Organization(reporter), status=report)


@pytest.mark.parametrize("message", [REVOKE, UPDATE])
def test_amendment_of_a_known_document_is_accepted(message: Envelope) -> None:
    assert rules(message, earlier=KNOWN) == {}


@pytest.mark.parametrize("message", [REVOKE, UPDATE])
def test_amendment_of_an_unknown_document_is_refused(message: Envelope) -> None:
    assert rules(message, earlier=Earlier()) == {"amendment.unknown_document": Severity.REFUSE}


@pytest.mark.parametrize("message", [REVOKE, UPDATE])
def test_amendment_of_an_unknown_document_from_the_axis_is_held(message: Envelope) -> None:
    said = findings(message, earlier=Earlier(), from_axis=True)
    assert decide(said) is Decision.HOLD
    assert [finding.rule for finding in said] == ["amendment.unknown_document"]


@pytest.mark.parametrize("message", [REVOKE, UPDATE, STATUS])
def test_without_a_store_the_earlier_document_is_not_machine_checkable(message: Envelope) -> None:
    assert rules(message, earlier=None) == {"document.not_checkable": Severity.INFO}


def test_replacement_of_a_document_unknown_here_is_accepted() -> None:
    assert rules(REPLACE, earlier=Earlier()) == {}


def test_recall_without_a_reason_is_a_warning() -> None:
    silent = replace(REVOKE, business=Business(doc_type="1"))
    assert rules(silent, earlier=KNOWN) == {"amendment.no_reason": Severity.WARNING}


def test_update_that_changes_nothing_is_remarked_on() -> None:
    empty = replace(UPDATE, business=Business(doc_type="2"))
    assert rules(empty, earlier=KNOWN) == {"amendment.nothing_changed": Severity.INFO}


def test_replacement_that_lists_nothing_is_a_warning() -> None:
    empty = replace(REPLACE, business=Business(doc_type="3"))
    assert rules(empty, earlier=Earlier()) == {"amendment.nothing_replaced": Severity.WARNING}


def test_affected_document_is_looked_for_in_both_places() -> None:
    named = replace(UPDATE, business=replace(UPDATE.business, document_id="old"))
    assert affected_document(named) == "old"
    assert affected_document(REVOKE) == SOUND.document_id
    assert (
        affected_document(replace(SOUND, business=replace(SOUND.business, document_id="old")))
        == SOUND.document_id
    )


@pytest.mark.parametrize("status_code", ["01", "02", "03", "3"])
def test_status_of_a_recipient_is_accepted(status_code: str) -> None:
    assert rules(status(status_code), earlier=KNOWN) == {}


@pytest.mark.parametrize("status_code", ["", "07", "99", "999", "x"])
def test_unknown_status_code_is_refused(status_code: str) -> None:
    assert rules(status(status_code), earlier=KNOWN)["status.unknown_code"] is Severity.REFUSE


def test_status_of_an_unknown_document_is_refused() -> None:
    assert rules(status("03"), earlier=Earlier()) == {"status.unknown_document": Severity.REFUSE}


def test_status_of_somebody_who_is_no_recipient_is_refused() -> None:
    message = status("03", "000.00.31.H37")
    said = rules(message, earlier=KNOWN, caller_agencies=frozenset({code("H37.31")}))
    assert said == {"status.not_recipient": Severity.REFUSE}


def test_sender_of_the_document_may_ask_for_its_recall() -> None:
    assert rules(status("13", "000.00.00.H37"), earlier=KNOWN) == {}


def test_recipient_cannot_ask_for_the_recall_of_what_it_received() -> None:
    assert rules(status("13"), earlier=KNOWN) == {"status.not_sender": Severity.REFUSE}


def test_sender_cannot_report_reception_for_its_recipients() -> None:
    said = rules(status("03", "000.00.00.H37"), earlier=KNOWN, caller_agencies=frozenset({PROVINCE}))
    assert said == {"status.not_recipient": Severity.REFUSE}


@pytest.mark.parametrize(
    ("status_code", "before"),
    [
        ("03", ("01", "02")),
        ("05", ("01", "03", "06")),
        ("03", ("01", "03")),
        ("01", ("03",)),
        ("04", ("01",)),
        ("06", ()),
        ("15", ("03",)),
        ("16", ()),
    ],
)
def test_odd_order_is_accepted_and_remarked_on(status_code: str, before: tuple[str, ...]) -> None:
    said = findings(status(status_code), earlier=replace(KNOWN, statuses=before))
    assert [(f.rule, f.severity) for f in said] == [("status.odd_order", Severity.INFO)]
    assert decide(said) is Decision.ACCEPT


@pytest.mark.parametrize(
    ("status_code", "before"),
    [
        ("02", ("01",)),
        ("04", ("01", "03")),
        ("05", ("03", "05")),
        ("06", ("01", "03")),
        ("15", ("03", "06", "13")),
        ("16", ("13",)),
    ],
)
def test_usual_order_has_no_finding(status_code: str, before: tuple[str, ...]) -> None:
    assert rules(status(status_code), earlier=replace(KNOWN, statuses=before)) == {}


def test_answer_to_a_revoke_message_needs_no_status_13() -> None:
    assert rules(status("15"), earlier=replace(KNOWN, amended=True)) == {}
