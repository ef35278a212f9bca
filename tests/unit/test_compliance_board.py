"""A figure leads to a list only where the list holds what was counted."""

from __future__ import annotations

import pytest

from gateway.compliance.board import kind_of


@pytest.mark.parametrize(
    ("name", "kind"),
    [("D.sent", "documents"), ("C4.fail", "documents"), ("R.n", "deliveries"), ("G.secret", "")],
)
def test_a_count_of_records_has_the_list_of_its_kind(name: str, kind: str) -> None:
    assert kind_of(name) == kind


def test_what_was_once_addressed_to_a_closed_unit_has_no_list_of_its_own() -> None:
    """Its deliveries are the successor's: a list under the old unit would be empty beside a count."""
    assert kind_of("R.history") == ""
