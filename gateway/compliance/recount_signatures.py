"""What the verdicts of one document say, for the recount.

In charge of: reading the verdicts of an event into the few facts that the figures rest on. Not in charge of:
judging signatures (``signature/``), counting (``recount_counts.py``). Source: ``docs/figures.md``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gateway.compliance.recount_calendar import instant_of

PASSED, INDETERMINATE, FAILED = "TOTAL-PASSED", "INDETERMINATE", "TOTAL-FAILED"
_SOURCES = ("timestamp", "signed_attribute", "declared")  # the first that there is counts


@dataclass(frozen=True, slots=True)
class Signatures:
    """``state``: invalid, both, leader, agency, unchecked or none, of the main file. ``signed_at``: latest
    signing time by the best source, 0 when there is none. ``sealed``: numbers of the PDFs that an agency's
    valid signature stands on."""

    state: str
    signed_at: int
    sealed: frozenset[int]
    any_at_all: bool
    indeterminate: bool
    changed: bool


def read_signatures(verdicts: Sequence[dict[str, Any]]) -> Signatures:
    """All but those about the envelope itself; without ``file`` they are about the main file."""
    ours = [one for one in verdicts if one.get("file", 0) >= 0]
    passed = [one for one in ours if one["indication"] == PASSED]
    return Signatures(
        _state([one for one in ours if one.get("file", 0) == 0]),
        _signed_at(passed),
        frozenset(one.get("file", 0) for one in passed if one["role"] == "agency"),
        bool(ours),
        any(one["indication"] == INDETERMINATE for one in ours),
        any(one.get("coverage") == "changed" for one in passed),
    )


def _state(main: Sequence[dict[str, Any]]) -> str:
    if any(one["indication"] == FAILED for one in main):
        return "invalid"
    roles = {one["role"] for one in main if one["indication"] == PASSED}
    leader, agency = "person" in roles, "agency" in roles
    if leader or agency:
        return "both" if leader and agency else "leader" if leader else "agency"
    return "unchecked" if main else "none"


def _signed_at(passed: Sequence[dict[str, Any]]) -> int:
    for source in _SOURCES:
        stated = [one.get("signing_time", "") for one in passed if one.get("time_source") == source]
        times = [at for at in map(instant_of, stated) if at is not None]
        if times:
            return max(times)
    return 0


__all__ = ["Signatures", "read_signatures"]
