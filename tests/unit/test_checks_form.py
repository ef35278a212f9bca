"""A header out of form never stops a document: the recipient's clerk is told."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from checks_world import ON, SOUND, findings, rules, to

from gateway.checks.standard import ADMINISTRATIVE_TYPES, LIMITS
from gateway.model.envelope import Attachment, DateText, DocumentType, Envelope, Kind, OtherInfo
from gateway.model.finding import Decision, Severity, decide


@pytest.mark.parametrize(
    ("message", "rule"),
    [
        (replace(SOUND, subject=""), "subject.missing"),
        (replace(SOUND, code_number=""), "number.missing"),
        (replace(SOUND, code_notation=""), "notation.missing"),
        (replace(SOUND, document_type=DocumentType("1")), "type.missing"),
        (replace(SOUND, promulgation_date=DateText()), "date.missing"),
        (replace(SOUND, promulgation_date=DateText("2014/02/30")), "date.impossible"),
        (replace(SOUND, promulgation_date=DateText("2020/04/14", date(2020, 4, 14))), "date.future"),
        (replace(SOUND, other=OtherInfo(priority_raw="5")), "priority.unknown"),
        (replace(SOUND, other=OtherInfo(priority_raw="khẩn")), "priority.unknown"),
        (replace(SOUND, attachments=()), "file.missing"),
        (replace(SOUND, recipients=to("H37.03", "000.00.03.H37")), "recipient.doubled"),
        (replace(SOUND, recipients=to("H37.03", "H37")), "recipient.is_sender"),
    ],
)
def test_fault_of_form_is_one_warning_and_the_document_goes_on(message: Envelope, rule: str) -> None:
    assert rules(message) == {rule: Severity.WARNING}
    assert decide(findings(message)) is Decision.ACCEPT


def test_every_administrative_kind_is_listed() -> None:
    assert len(ADMINISTRATIVE_TYPES) == len(set(ADMINISTRATIVE_TYPES)) == 29
    for name in ADMINISTRATIVE_TYPES:
        assert rules(replace(SOUND, document_type=DocumentType("1", "0", name.title()))) == {}


@pytest.mark.parametrize(
    "name", ["Quyết định (cá biệt)", "Nghị định", "Thông tư", "Bản thoả thuận", "CÔNG VĂN"]
)
def test_normative_kinds_and_other_spellings_are_accepted(name: str) -> None:
    assert rules(replace(SOUND, document_type=DocumentType("1", "0", name))) == {}


def test_kind_outside_the_lists_is_only_remarked_on() -> None:
    message = replace(SOUND, document_type=DocumentType("9", "0", "Giấy chứng nhận"))
    assert rules(message) == {"type.not_listed": Severity.INFO}


def test_date_of_today_is_not_in_the_future() -> None:
    assert rules(replace(SOUND, promulgation_date=DateText("13/04/2020", ON))) == {}
    tomorrow = ON + timedelta(days=1)
    assert "date.future" in rules(replace(SOUND, promulgation_date=DateText("x", tomorrow)))


def test_impossible_date_is_quoted_as_it_came() -> None:
    [finding] = findings(replace(SOUND, promulgation_date=DateText("2014/02/30")))
    assert "2014/02/30" in finding.text.vi
    assert finding.where == "PromulgationInfo/PromulgationDate"


@pytest.mark.parametrize("priority", ["0", "1", "2", "3", "4", ""])
def test_known_urgency_has_no_finding(priority: str) -> None:
    assert rules(replace(SOUND, other=OtherInfo(priority_raw=priority))) == {}


def test_text_over_its_length_is_a_warning_that_names_field_and_limit() -> None:
    assert rules(replace(SOUND, subject="a" * 500)) == {}
    [finding] = findings(replace(SOUND, subject="a" * 501))
    assert (finding.rule, finding.where, finding.clause) == ("length.over", "Subject", "NĐ 30/2020 PL VI")
    assert "501" in finding.text.vi
    assert "500" in finding.text.vi


def test_longest_recipient_is_measured() -> None:
    recipients = tuple(replace(to_, name="x" * 201) for to_ in to("H37.03"))
    [finding] = findings(replace(SOUND, recipients=recipients))
    assert (finding.rule, finding.where) == ("length.over", "To/OrganName")


def test_every_limit_reads_a_field_of_the_envelope() -> None:
    assert len({limit.where for limit in LIMITS}) == len(LIMITS)
    assert all(isinstance(limit.read(SOUND), str) for limit in LIMITS)


def test_empty_file_is_a_warning_that_names_it() -> None:
    empty = Attachment("2", "phu-luc.xlsx", 0, b"\0" * 32, "", "empty")
    [finding] = findings(replace(SOUND, attachments=(*SOUND.attachments, empty)))
    assert (finding.rule, finding.where) == ("file.empty", "phu-luc.xlsx")


def test_recall_and_change_of_recipients_need_no_file() -> None:
    for kind in (Kind.REVOKE, Kind.UPDATE):
        assert "file.missing" not in rules(replace(SOUND, kind=kind, attachments=()))
    changed = replace(SOUND.business, content_changed=True)
    assert "file.missing" in rules(replace(SOUND, kind=Kind.UPDATE, attachments=(), business=changed))


def test_doubled_recipient_is_seen_without_a_directory_too() -> None:
    message = replace(SOUND, recipients=to("H37.03", "000.00.03.H37"))
    assert "recipient.doubled" in rules(message, directory=None)
