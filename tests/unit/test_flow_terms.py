"""Words as they are found: without accents, without case, without what nobody sees."""

from __future__ import annotations

import unicodedata

import pytest

from gateway.flow import terms


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("V/v Chuyển đổi số", ["v", "chuyen", "doi", "so"]),
        ("ĐẠI DỊCH Covid-19", ["dai", "dich", "covid", "19"]),
        (unicodedata.normalize("NFD", "Quyết định"), ["quyet", "dinh"]),
        ("ho\u200bả\u202etốc", ["hoatoc"]),
        ("năm năm NĂM", ["nam"]),
        ("<script>=cmd", ["script", "cmd"]),
        ("%_*", []),
        ("", []),
    ],
)
def test_words_are_folded(text: str, words: list[str]) -> None:
    assert terms.words_of(text) == words


def test_a_hostile_subject_gives_few_and_short_words() -> None:
    found = terms.words_of(" ".join(f"từ{n}" + "x" * 500 for n in range(5000)))
    assert len(found) <= terms.MOST_WORDS
    assert max(map(len, found)) <= terms.MOST_LETTERS


@pytest.mark.parametrize(("one", "other"), [("0362", "362"), ("362a", "362A"), (" 7 ", "7"), ("0", "000")])
def test_a_number_is_found_however_it_is_padded(one: str, other: str) -> None:
    assert terms.number_term(one) == terms.number_term(other)


@pytest.mark.parametrize(
    ("indications", "worst"),
    [
        ([], "none"),
        (["TOTAL-PASSED", "TOTAL-PASSED"], "passed"),
        (["TOTAL-PASSED", "INDETERMINATE"], "indeterminate"),
        (["INDETERMINATE", "TOTAL-FAILED"], "failed"),
    ],
)
def test_the_worst_verdict_is_what_a_document_is_found_by(indications: list[str], worst: str) -> None:
    assert terms.worst_of([{"indication": one} for one in indications]) == worst
