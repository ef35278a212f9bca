"""F7: each clause that failed, with the document, the evidence and the unit that answers for it.

In charge of: that form. Not in charge of: finding the failures (``counting``), judging (``clauses``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from gateway.compliance.forms_data import SYNTHETIC, Data, day_text, head_of
from gateway.compliance.forms_tables import CLAUSES
from gateway.compliance.sheet import Column, Kind, Link, Row, Say, Sheet, speaking, thousands


@dataclass(frozen=True, slots=True)
class Failure:
    """A document that a clause of the composite test does not pass, and why: ``kind:value`` each."""

    clause: str  # C1 … C7
    document: str  # id at the gateway
    document_id: str
    day: date
    agency: str
    evidence: tuple[str, ...]


def make(
    data: Data,
    lang: str,
    failures: Sequence[Failure],
    *,
    address: Callable[[str], str] = lambda document: f"/api/v1/documents/{document}/evidence",
    told: Callable[[str, str], str] = lambda evidence, lang: evidence,
    more: bool = False,
) -> list[Sheet]:
    """One row for each failed clause. ``address`` is where the evidence about a document is had, ``told`` the
    words for one piece of evidence; ``more``: there were too many, the list ends early."""
    say = speaking(lang)
    ordered = sorted(failures, key=lambda one: (one.agency, one.clause, one.day, one.document))
    return [
        Sheet(
            name=say("F7 Không đạt", "F7 Exceptions"),
            title=say(
                "DANH SÁCH VĂN BẢN KHÔNG ĐẠT TỪNG ĐIỀU KIỆN", "DOCUMENTS THAT FAIL A CLAUSE, ONE BY ONE"
            ),
            subtitle=f"{day_text(data.first)} – {day_text(data.last)}",
            head=head_of(data, say),
            lead=(_summary(ordered, say),),
            columns=(
                Column(say("Đơn vị chịu trách nhiệm", "Responsible unit"), width=26),
                Column(say("Điều kiện", "Clause"), width=18),
                Column(say("Ngày", "Day"), Kind.DAY, 9),
                Column(say("Mã văn bản", "Document id"), width=28),
                Column(say("Vì sao", "Why"), width=34),
                Column(say("Hồ sơ minh chứng", "Evidence"), width=30),
            ),
            rows=tuple(
                Row(
                    (
                        data.name_of(one.agency),
                        say(*CLAUSES[one.clause]),
                        one.day,
                        one.document_id,
                        "; ".join(told(piece, lang) for piece in one.evidence),
                        Link(one.document, address(one.document)),
                    )
                )
                for one in ordered
            ),
            notes=tuple(_notes(more, say)),
            mark=say(*SYNTHETIC) if data.synthetic else "",
            lang=lang,
        )
    ]


def _summary(failures: Sequence[Failure], say: Say) -> str:
    if not failures:
        return say("Không có văn bản nào không đạt.", "No document failed.")
    counted = Counter(one.clause for one in failures)
    parts = ", ".join(f"{say(*CLAUSES[clause])}: {thousands(counted[clause])}" for clause in sorted(counted))
    documents = thousands(len({one.document for one in failures}))
    return say(
        f"{documents} văn bản không đạt ít nhất một điều kiện. {parts}.",
        f"{documents} documents fail at least one clause. {parts}.",
    )


def _notes(more: bool, say: Say) -> Sequence[str]:
    found = [
        say(
            "Một văn bản có thể xuất hiện nhiều lần: mỗi điều kiện không đạt là một dòng. Hồ sơ minh chứng "
            "lấy bằng lệnh gateway evidence export theo mã ở cột cuối.",
            "A document may stand here more than once: each clause it fails is a line. Evidence is exported "
            "with gateway evidence export and the id in the last column.",
        )
    ]
    if more:
        found.append(
            say(
                "DANH SÁCH CHƯA ĐỦ: quá nhiều dòng, hãy lập riêng cho từng đơn vị hoặc kỳ ngắn hơn.",
                "THE LIST IS NOT COMPLETE: too many lines, ask for one unit or a shorter period.",
            )
        )
    return found


__all__ = ["Failure", "make"]
