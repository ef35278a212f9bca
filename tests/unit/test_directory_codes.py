"""Identifiers: the two spellings and the way between them."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.directory.codes import MAX_LENGTH, scheme_of, to_canonical, to_qcvn102
from gateway.model.text import AgencyCode

VECTORS = Path(__file__).parents[1] / "corpus" / "vectors" / "agency-codes.csv"
ROWS = list(csv.DictReader(VECTORS.read_text(encoding="utf-8").splitlines()))

roots = st.from_regex(r"[A-Y][0-9]{2}", fullmatch=True)
pairs = st.integers(1, 99).map(lambda n: f"{n:02d}")
triples = st.integers(1, 999).map(lambda n: f"{n:03d}")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["old_qcvn102"])
def test_vector_converts_in_both_directions(row: dict[str, str]) -> None:
    assert to_canonical(row["old_qcvn102"]) == row["new_qd20"]
    assert to_canonical(row["new_qd20"]) == row["new_qd20"]
    assert to_qcvn102(AgencyCode(row["new_qd20"])) == row["old_qcvn102"]
    assert len(row["new_qd20"].split(".")) == int(row["depth"])


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("28.22.H17", "H17.22.28"),
        ("01.02.G22", "G22.02.01"),
        ("13.H53", "H53.13"),
        ("002.00.20.H13", "H13.20.002"),
        ("005.00.00.H37", "H37.005"),
        ("H37.DN.001", "H37.DN.001"),
        ("H37.02.02", "H37.02.02"),
        ("  h37.31.21 ", "H37.31.21"),
        ("777.77.04.D77", "D77.04.77.777"),
        ("000.00.01.TT2", "TT2.01"),
        ("Z01ABC.5", "Z01ABC.5"),
        ("0100109106", "0100109106"),
    ],
)
def test_spelling_is_read(text: str, code: str) -> None:
    assert to_canonical(text) == code


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "UBND tỉnh Lạng Sơn",
        "vxp.saas.12",
        "H3",
        "H37.",
        "H37..31",
        ".H37",
        "H37.31/21",
        "000.00.H37.31",
        "Z00ABC",
        "000.21.00.H37",  # a gap: dropping it would name H37.21
        "H37." + "1" * 32,  # 36 characters
    ],
)
def test_text_that_spells_no_code_is_none(text: str) -> None:
    assert to_canonical(text) is None


def test_gap_between_levels_never_becomes_another_units_code() -> None:
    assert to_canonical("000.00.21.H37") == "H37.21"
    assert to_canonical("000.21.00.H37") is None


def test_code_that_does_not_fit_the_old_form_has_none() -> None:
    for text in ("H37.DN.001", "H37.02.05.01", "H37.01.02.03.004", "Z01ABC", "0100109106", "H37.00.13"):
        assert to_qcvn102(AgencyCode(text)) is None


@given(roots, st.lists(pairs, max_size=2), st.none() | triples)
def test_every_code_that_fits_survives_the_round_trip(root: str, groups: list[str], leaf: str | None) -> None:
    code = AgencyCode(".".join([root, *groups, *([leaf] if leaf else [])]))
    old = to_qcvn102(code)
    assert old is not None
    assert len(old) == 13
    assert to_canonical(old) == code


@given(st.text(alphabet="HGW0123456789.DNZ", max_size=40))
def test_reading_a_canonical_code_again_changes_nothing(text: str) -> None:
    code = to_canonical(text)
    if code is not None:
        assert len(code) <= MAX_LENGTH
        assert to_canonical(code) == code
        old = to_qcvn102(code)
        assert old is None or to_canonical(old) == code


@given(st.from_regex(r"[0-9]{3}\.[0-9]{2}\.[0-9]{2}\.[A-Y][0-9]{2}", fullmatch=True))
def test_old_form_is_read_back_to_itself_or_refused(old: str) -> None:
    code = to_canonical(old)
    if code is None:
        assert ".00." in old  # only a gap is refused
    else:
        assert to_qcvn102(code) == old


@pytest.mark.parametrize(
    ("alias", "scheme"),
    [
        ("000.21.31.H37", "qcvn102"),
        ("28.22.H17", "qcvn102"),
        ("H37.31", "qd20"),
        ("vxp.saas.3", "vxp"),
        ("ABC", "other"),
    ],
)
def test_scheme_follows_the_shape(alias: str, scheme: str) -> None:
    assert scheme_of(alias) == scheme
