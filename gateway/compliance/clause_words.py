"""The clauses C1–C7 in words: what counts against a document that was sent, or would if it were.

In charge of: sentences for outcomes and evidence, and the clauses of an examination at the gate. Not in
charge of: judging (``clauses.py``), deciding about the message (no clause refuses anything).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.checks.metadata import FIELDS
from gateway.clock import local
from gateway.compliance.clauses import (
    Clause,
    ClauseResult,
    ClauseRules,
    Outcome,
    SignedAs,
    clause_rules,
    judge_clauses,
)
from gateway.compliance.contributions import Reference, timeliness
from gateway.compliance.facts import document_made
from gateway.flow import facts
from gateway.flow.competence import MAKES_A_DOCUMENT
from gateway.flow.examine import Examination
from gateway.flow.report import may_be_secret
from gateway.model.authority import SignerAuthority
from gateway.model.text import Bilingual, Instant


@dataclass(frozen=True, slots=True)
class ClauseSaid:
    """One clause of one document for people. ``evidence`` is the machine's, ``reasons`` are its sentences."""

    clause: str
    name: Bilingual
    source: str
    outcome: str
    evidence: tuple[str, ...]
    reasons: tuple[Bilingual, ...]

    def as_json(self) -> dict[str, Any]:
        """The shape at the API and in ``gateway check --json``."""
        return {
            "clause": self.clause,
            "name": self.name.as_json(),
            "source": self.source,
            "outcome": self.outcome,
            "evidence": list(self.evidence),
            "reasons": [reason.as_json() for reason in self.reasons],
        }


def outcome_words(outcome: str) -> Bilingual:
    """What a screen prints for an outcome."""
    return _OUTCOMES[Outcome(outcome)]


def of_examination(exam: Examination, reference: Reference, now: Instant) -> list[ClauseSaid]:
    """The clauses as they would count if the message were accepted ``now``; empty for what makes no document,
    and for what may be secret."""
    envelope = exam.envelope
    if envelope is None or envelope.kind not in MAKES_A_DOCUMENT or may_be_secret(exam):
        return []
    sender = exam.identity.sender if exam.identity else ""
    recipients = [hop.recipient for hop in exam.hops]
    made = {"document": "", "sender": sender, "at": now, "recipients": recipients}
    record = document_made(facts.facts_of(exam) | made)
    results = judge_clauses(record, timeliness(record, reference), reference.rules)
    if any(finding.rule == NOT_JUDGED for finding in exam.findings):  # no trust folder at hand
        results |= dict.fromkeys((Clause.C4, Clause.C5), ClauseResult(Outcome.UNCHECKED, (_UNJUDGED,)))
    return said_of(results, reference.rules)


def said_of(results: Mapping[Clause, ClauseResult], rules: ClauseRules | None = None) -> list[ClauseSaid]:
    """Results in words, in the order of the clauses."""
    rules = rules or clause_rules()
    return [
        ClauseSaid(
            clause.value,
            rules.names[clause],
            rules.sources[clause],
            result.outcome.value,
            result.evidence,
            tuple(dict.fromkeys(evidence_words(one) for one in result.evidence)),
        )
        for clause, result in results.items()
    ]


def evidence_words(evidence: str) -> Bilingual:
    """One piece of evidence as a sentence."""
    kind, _, value = evidence.partition(":")
    if fixed := _FIXED.get(evidence):
        return fixed
    if kind == "metadata":
        field = next((one.text for one in FIELDS if one.name == value), Bilingual(value, value))
        return Bilingual(f"Thiếu dữ liệu: {field.vi}.", f"Missing data: {field.en}.")
    if kind == "signed":
        value = f"{local(Instant(int(value))):%H:%M %d/%m/%Y}"
    vi, en = _BY_KIND[kind]
    return Bilingual(vi.format(value), en.format(value))


NOT_JUDGED = "signature.pdf_not_judged"
_UNJUDGED = "signature:not_judged"
_OUTCOMES = {
    Outcome.PASS: Bilingual("Đạt", "Pass"),
    Outcome.FAIL: Bilingual("Không đạt", "Fail"),
    Outcome.UNCHECKED: Bilingual("Không kiểm tra được bằng máy", "Not machine-checkable"),
    Outcome.NA: Bilingual("Không áp dụng", "Not applicable"),
}
_FIXED = {
    "files:none": Bilingual("Không có tệp văn bản.", "There is no file."),
    "subject:empty": Bilingual("Thiếu trích yếu.", "The subject is empty."),
    f"authority:{SignerAuthority.NOT_LISTED.value}": Bilingual(
        "Người ký không có trong danh sách người có thẩm quyền ký của cơ quan vào ngày ký.",
        "The signer is not on the agency's list of authorised signers for the day of signing.",
    ),
    f"authority:{SignerAuthority.PREFIX_NOT_ALLOWED.value}": Bilingual(
        "Người ký không được ký với quyền hạn ghi trên văn bản (TM., Q., KT., TL., TUQ.).",
        "The signer may not sign with the prefix on the document (TM., Q., KT., TL., TUQ.).",
    ),
    f"authority:{SignerAuthority.NO_LIST.value}": Bilingual(
        "Chưa có danh sách người có thẩm quyền ký của cơ quan.",
        "There is no list of authorised signers of the agency.",
    ),
    f"authority:{SignerAuthority.UNREGISTERED.value}": Bilingual(
        "Không có chữ ký số của người có trong danh sách người ký đã đăng ký.",
        "No person of the signer register signed.",
    ),
    f"signature:{SignedAs.NONE.value}": Bilingual(
        "Văn bản chính chưa được ký số.", "The main file carries no signature."
    ),
    f"signature:{SignedAs.LEADER.value}": Bilingual(
        "Thiếu chữ ký số của cơ quan.", "The agency's signature is missing."
    ),
    f"signature:{SignedAs.AGENCY.value}": Bilingual(
        "Thiếu chữ ký số của người có thẩm quyền.", "The competent person's signature is missing."
    ),
    f"signature:{SignedAs.INVALID.value}": Bilingual(
        "Văn bản chính có chữ ký số không hợp lệ.", "The main file carries an invalid signature."
    ),
    f"signature:{SignedAs.UNCHECKED.value}": Bilingual(
        "Chưa đủ căn cứ kết luận về chữ ký số, hoặc người ký chưa được đăng ký.",
        "The signatures are undecided, or the signers are not registered.",
    ),
    _UNJUDGED: Bilingual(
        "Chưa kiểm tra chữ ký số vì không có danh sách chứng thư số gốc tin cậy.",
        "Signatures were not verified: no trusted certificates are at hand.",
    ),
    "late:qd28": Bilingual(
        "Gửi sau buổi sáng của ngày làm việc tiếp theo ngày ký.",
        "Sent after the morning of the working day that follows the day of signing.",
    ),
    "late:urgent": Bilingual("Văn bản khẩn không được gửi ngay sau khi ký.", "Urgent, and not sent at once."),
    "signed:unknown": Bilingual("Không xác định được thời điểm ký.", "The time of signing is not known."),
    "signed:rough": Bilingual(
        "Thời điểm ký chỉ suy từ ngày ban hành.", "The time of signing is only that of the date."
    ),
    "refusal:R01": Bilingual(
        "Bị trả lại vì sai nơi nhận (R01).", "Returned for going to the wrong recipient (R01)."
    ),
}
_BY_KIND = {
    "rule": ("Có lỗi “{}” trong kết quả kiểm tra.", "The check found “{}”."),
    "file": ("Không mở được một tệp PDF (SHA-256 {}).", "A PDF could not be opened (SHA-256 {})."),
    "verdict": (
        "Chữ ký số thứ {} (đếm từ 0) không hợp lệ hoặc chưa đủ căn cứ kết luận.",
        "Signature number {} (from 0) is invalid or undecided.",
    ),
    "attachment": (
        "Tệp PDF kèm theo thứ {} chưa có chữ ký số của cơ quan.",
        "Attached PDF number {} lacks the agency's signature.",
    ),
    "signed": ("Ký lúc {}.", "Signed at {} (+07:00)."),
}
