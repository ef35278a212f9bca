"""The table as a whole: order, kinds, and words that a clerk can read."""

from __future__ import annotations

import inspect
import re
from collections import Counter
from dataclasses import replace

import pytest
from checks_world import KNOWN, SOUND, STATUS, code, findings, subject, to

from gateway.checks import run_checks, secrecy
from gateway.checks.subject import Earlier
from gateway.checks.table import TABLE
from gateway.model.envelope import Business, DateText, DocumentType, Envelope, Kind, OtherInfo, SignerInfo
from gateway.model.finding import Finding, Severity

FAULTY = replace(
    SOUND,
    recipients=to("H37.99", "H37.63", "H37.64", "W00.01", "H37", "H37.03", "000.00.03.H37"),
    subject="",
    code_number="1" * 12,
    code_notation="",
    document_type=DocumentType("1", "0", "Giấy chứng nhận"),
    promulgation_date=DateText("2014/02/30"),
    signer=SignerInfo("PP. X"),
    other=OtherInfo(priority_raw="9"),
    attachments=(replace(SOUND.attachments[0], size=0),),
)
ALL_KINDS: tuple[Envelope, ...] = (
    FAULTY,
    replace(FAULTY, kind=Kind.REVOKE, business=Business(doc_type="1")),
    replace(FAULTY, kind=Kind.UPDATE, business=Business(doc_type="2")),
    replace(FAULTY, kind=Kind.REPLACE, business=Business(doc_type="3")),
    replace(STATUS, status=replace(STATUS.status, code="77")),  # type: ignore[type-var]
    replace(SOUND, subject="MẬT", attachments=(replace(SOUND.attachments[0], name="MAT.pdf"),)),
    replace(SOUND, attachments=(replace(SOUND.attachments[0], name="MAT.pdf"),)),
)


def everything_said() -> list[Finding]:
    said: list[Finding] = []
    for message in ALL_KINDS:
        for earlier in (
            None,
            Earlier(same_number="1", spilled_file=True),
            replace(KNOWN, statuses=("06",), same_files=True),
        ):
            for from_axis in (False, True):
                said += findings(message, earlier=earlier, from_axis=from_axis, sender_is_here=from_axis)
        said += findings(message, directory=None, caller_agencies=None)
        said += findings(message, caller_agencies=frozenset({code("G22")}), narrow_to=("G22",))
    return said


def test_findings_come_in_the_order_of_the_table() -> None:
    order = [finding.rule for finding in findings(FAULTY)]
    assert order.index("recipient.unknown") < order.index("signer.missing") < order.index("date.impossible")


def test_the_same_message_is_judged_the_same_twice() -> None:
    assert run_checks(subject(FAULTY)) == run_checks(subject(FAULTY))


def test_every_rule_has_a_docstring_and_stands_once() -> None:
    rules = [check.rule for check in TABLE]
    assert len(set(rules)) == len(rules)
    assert all(inspect.getdoc(rule) for rule in rules)


def test_every_kind_of_message_is_looked_at() -> None:
    assert {kind for check in TABLE for kind in check.kinds} == set(Kind)


def test_every_finding_is_told_in_vietnamese_and_english_sentences() -> None:
    for finding in everything_said():
        vi, en = finding.text.vi, finding.text.en
        assert vi.endswith(".")
        assert en.endswith(".")
        assert vi != en
        assert re.search("[ăâđêôơưàáảãạ]", vi.lower()), finding.rule
        assert "None" not in vi + en


def test_rules_are_dotted_and_places_are_never_empty() -> None:
    for finding in everything_said():
        assert re.fullmatch(r"[a-z]+\.[a-z_]+", finding.rule)
        assert finding.where


def test_secret_message_of_a_foreign_sender_still_says_so() -> None:
    said = findings(replace(SOUND, subject="MẬT"), caller_agencies=frozenset({code("G22")}))
    assert [finding.rule for finding in said] == ["sender.not_yours", "secrecy.marked"]


def test_each_text_is_read_for_secrecy_once(monkeypatch: pytest.MonkeyPatch) -> None:
    read: Counter[str] = Counter()
    judge = secrecy.mark_in_text

    def counted(text: str) -> Severity | None:
        read[text] += 1
        return judge(text)

    monkeypatch.setattr(secrecy, "mark_in_text", counted)
    findings(replace(SOUND, subject="Kế hoạch", content="MẬT"))
    assert (read["Kế hoạch"], read["MẬT"]) == (1, 1)
