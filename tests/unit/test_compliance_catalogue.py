"""The table of measures: complete, quotable, and the same as the page that defines them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gateway.compliance.catalogue import BY_KEY, MEASURES, Measure

PAGE = (Path(__file__).parents[2] / "docs/figures.md").read_text(encoding="utf-8")
EVERY = pytest.mark.parametrize("measure", MEASURES, ids=lambda measure: measure.key)


def test_every_measure_of_the_page_is_in_the_table() -> None:
    rates = PAGE.split("## Rates")[1].split("## ")[0]
    named = set(re.findall(r"^\| (K\w+) \|", rates, re.MULTILINE))
    assert named == {f"K{number}" for number in range(15)} | {"K2b"}
    assert named <= BY_KEY.keys()


@EVERY
def test_every_count_that_a_measure_names_is_defined_on_the_page(measure: Measure) -> None:
    for name in (*measure.above, *measure.below):
        assert f"`{name.removeprefix('-')}`" in PAGE, name


@EVERY
def test_a_measure_says_in_two_sentences_what_it_is_and_against_what(measure: Measure) -> None:
    for text in (measure.sentences.vi, measure.sentences.en):
        assert len(re.findall(r"[.](?= |$)", text)) == 2, text
        assert len(text) < 400
        assert text.endswith(".")


@EVERY
def test_the_second_sentence_names_the_denominator_and_what_is_left_out(measure: Measure) -> None:
    second_vi, second_en = (text.split(". ", 1)[1] for text in (measure.sentences.vi, measure.sentences.en))
    assert second_vi.startswith(("So với", "Đây là một con số"))
    assert second_en.startswith(("Measured against", "This is a number"))
    assert "không tính" in second_vi or "vẫn tính" in second_vi
    assert "left out" in second_en or "stay in" in second_en


@EVERY
def test_documents_and_deliveries_are_never_divided_by_each_other(measure: Measure) -> None:
    of_documents = ("D.", "K1.", "K2", "K3", "K4", "K9", "Kf", "K10", "K12", "K14", "C")
    sides = {name.removeprefix("-").startswith(of_documents) for name in (*measure.above, *measure.below)}
    assert measure.key == "K0" or len(sides) == 1


@EVERY
def test_a_measure_names_the_clause_that_it_comes_from(measure: Measure) -> None:
    assert re.search(r"(QĐ|NĐ) \d+/\d{4} (Đ|PL)", measure.hook)
