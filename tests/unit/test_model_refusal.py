"""Codes of returns: found where people write them, never guessed."""

from __future__ import annotations

import pytest

from gateway.model.refusal import Refusal, read_refusal, with_refusal


@pytest.mark.parametrize("code", list(Refusal))
def test_a_code_is_read_back_from_code_and_from_words(code: Refusal) -> None:
    assert read_refusal(f"{code.value} – vì thế") is code
    assert read_refusal(code.words.en) is code
    assert read_refusal(with_refusal(code, "")) is code


def test_the_code_counts_before_the_words() -> None:
    assert read_refusal("R02: sai nơi nhận") is Refusal.NOT_INTACT


def test_of_several_reasons_the_first_counts() -> None:
    assert read_refusal("Trùng lặp; sai thể thức") is Refusal.DUPLICATE


def test_part_of_a_word_or_a_longer_number_is_no_code() -> None:
    assert read_refusal("R0123") is None
    assert read_refusal("Nội dung không rõ") is None
    assert read_refusal("") is None


def test_a_description_that_names_the_code_already_stays() -> None:
    assert with_refusal(Refusal.FORM, "R05 thiếu số") == "R05 thiếu số"
    assert with_refusal(Refusal.FORM, "thiếu số") == "R05: thiếu số"
    assert with_refusal(None, "thiếu số") == "thiếu số"
