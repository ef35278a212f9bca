"""Normalising text: the same words whatever a sender's keyboard wrote, in linear time whatever he wrote."""

from __future__ import annotations

import sys
import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.text import MAX_MARKS, has_stacked_marks, nfc, readable

VIETNAMESE = "Về việc triển khai thử nghiệm liên thông văn bản điện tử"


def is_mark(character: str) -> bool:
    """True for what decomposes to combining marks only: what UAX #15 section 13 counts."""
    return unicodedata.combining(unicodedata.normalize("NFKD", character)[0]) != 0


def test_exactly_the_characters_that_combine_are_counted() -> None:
    everything = (chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code < 0xE000)
    wrong = [one for one in everything if has_stacked_marks(one * (MAX_MARKS + 1)) != is_mark(one)]
    assert wrong == []


def test_thirty_marks_may_stand_in_a_row() -> None:
    assert not has_stacked_marks(("a" + "\u0301" * MAX_MARKS) * 3)
    assert has_stacked_marks(("a" + "\u0301" * MAX_MARKS) * 3 + "\u0301")


def test_vietnamese_is_composed() -> None:
    assert nfc(unicodedata.normalize("NFD", VIETNAMESE)) == VIETNAMESE


@pytest.mark.parametrize(
    "pile", ["a" + "\u0301\u0323" * 32_000, "\u0f73" * 64_000], ids=["marks", "of marks"]
)
def test_a_pile_of_marks_is_normalised_in_no_time(pile: str) -> None:
    started = time.process_time()
    assert nfc(nfc(pile)) == nfc(pile)
    assert time.process_time() - started < 0.5


@given(st.text(alphabet="aê\u0301\u0323\u0f73漢đ ", max_size=30))
def test_real_text_is_normalised_as_the_standard_says(text: str) -> None:
    assert nfc(text) == unicodedata.normalize("NFC", text)


def test_words_of_others_keep_their_letters_and_lose_what_no_text_holds() -> None:
    assert readable(VIETNAMESE) == VIETNAMESE
    assert readable("dòng một\ndòng hai\t…") == "dòng một\ndòng hai\t…"
    assert readable("a\x00b\x1bc\ufffed\ud800e\u202ef") == "a b c d e f"
