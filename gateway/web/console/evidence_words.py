"""Why a document or delivery counts under a name, in sentences.

In charge of: the words of ``drilling.Found``: its outcomes, clauses, moments and refusal. Not in charge of:
what counts (``compliance/``).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from gateway.clock import from_datetime
from gateway.compliance.behind import words_of
from gateway.compliance.clause_words import evidence_words
from gateway.compliance.clauses import Clause
from gateway.compliance.drilling import Found
from gateway.compliance.forms_data import moment_text
from gateway.model.text import Bilingual

_CLAUSES = frozenset(clause.value for clause in Clause)


def why(found: Found, name: str) -> list[Bilingual]:
    """What it counts under beside ``name`` that fails or explains, then what that rests on."""
    return [*_outcomes(found, name), *map(_piece, found.evidence)]


def _outcomes(found: Found, name: str) -> Iterator[Bilingual]:
    family = name.partition("-")[0].partition(".")[0]
    for one in found.outcome:
        key, _, what = one.partition(".")
        if one == name or what == "n":
            continue
        if key == family or (family in ("K9", "D") and what == "fail"):
            yield words_of(one)


def _piece(evidence: str) -> Bilingual:
    kind, _, value = evidence.partition(":")
    if kind in _CLAUSES:
        said = evidence_words(value)
        return Bilingual(f"{kind}: {said.vi}", f"{kind}: {said.en}")
    if kind == "refusal":
        return Bilingual(f"Mã từ chối {value}", f"Refusal code {value}")
    words = _MOMENTS.get(kind, Bilingual(kind, kind))
    at = moment_text(from_datetime(datetime.fromisoformat(value)))
    return Bilingual(f"{words.vi} {at}", f"{words.en} {at}")


_MOMENTS = {
    "signed": Bilingual("Ký lúc", "Signed at"),
    "sent": Bilingual("Gửi lúc", "Sent at"),
    "made": Bilingual("Bắt đầu chờ lúc", "Waited from"),
    "fetched": Bilingual("Lấy về lúc", "Fetched at"),
    "arrived": Bilingual("Đến nơi lúc", "Arrived at"),
    "system": Bilingual("Hệ thống báo đã đến lúc", "Its system reported arrival at"),
    "acknowledged": Bilingual("Phản hồi lúc", "Acknowledged at"),
    "refused": Bilingual("Từ chối lúc", "Refused at"),
    "accepted": Bilingual("Tiếp nhận lúc", "Accepted at"),
    "moved": Bilingual("Chuyển xử lý lúc", "Passed on at"),
    "asked": Bilingual("Yêu cầu thu hồi lúc", "Recall asked at"),
    "answered": Bilingual("Trả lời lúc", "Answered at"),
}

__all__ = ["why"]
