"""Rates of the recount: quotients of its own counts, printed by the rules of ``docs/figures.md``.

In charge of: the rates that follow from counts alone, and K0. Not in charge of: K1 and K2b, whose
denominators agencies declare or number series estimate; comparing (``recount_compare.py``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from gateway.compliance.recount_counts import Counts

ALL = "all"
SMALL = 20
NOT_COUNTED = ("K1", "K2b")  # their denominators are declared or estimated
Row = tuple[int, int | None, str, bool]  # numerator, denominator, as printed, small
Names = Mapping[str, int]
# Key -> numerator / denominator; "-" before a name takes it away.
_QUOTIENTS = {
    "K2": "K2.both / D.sent",
    "K2f": "K2f.both / Kf.n",
    "K3": "K3.qd28 / K3.n",
    "K3.nd30": "K3.nd30 / K3.n",
    "K3x": "K3x.qd28 / K3x.n",
    "K3x.nd30": "K3x.nd30 / K3x.n30",
    "K4": "K4.in_time / K4.n",
    "K5": "K5.same_day / K5.n",
    "K5w": "K5w.same_day / K5.n",
    "K5.system": "K5.system / K5.n",
    "K5x": "K5x.same_day / K5x.n",
    "K6": "K6.refused / R.n",
    "K7": "K7.confirmed K7.withdrawn / K7.asked",
    "K8": "K8.late K8.never -K8.young / R.n -K8.young",
    "K9": "K9.pass / D.sent",
    "K9.unchecked": "K9.unchecked / D.sent",
    "K9f": "K9f.pass / Kf.n",
    "K10": "K10.full / D.sent",
    "K11": "K11.moved / K11.n -K11.young",
    "K12": "K12.paper / D.sent",
    "K13": "K13.skewed / K13.n",
}


def rates_of(counts: Counts, agencies: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], Row]:
    """(Scope, key) -> row, for the whole and every level.

    ``agencies``: those of the level set on the last day of the period (``code``, ``level``), as the report
    lists them.
    """
    whole: Counter[str] = Counter()
    for names in counts.by_agency.values():
        whole.update(names)
    found: dict[tuple[str, str], Row] = {}
    for scope, names in {ALL: whole, **counts.by_level}.items():
        listed = [one["code"] for one in agencies if scope in (ALL, one["level"])]
        active = sum(_is_active(counts.by_agency.get(code, {})) for code in listed)
        found[scope, "K0"] = _row(active, len(listed))
        for key, formula in _QUOTIENTS.items():
            above, _, below = formula.partition(" / ")
            found[scope, key] = _row(_sum(names, above), _sum(names, below))
        number = _sum(names, "K14.number K14.conflict")
        found[scope, "K14"] = (number, None, f"{number:,}".replace(",", "."), False)
    return found


def _is_active(names: Names) -> bool:
    return names.get("D.sent", 0) > 0 and names.get("A.pulled", 0) > 0


def _sum(names: Names, formula: str) -> int:
    return sum(
        -names.get(name[1:], 0) if name.startswith("-") else names.get(name, 0) for name in formula.split()
    )


def _row(above: int, below: int) -> Row:
    return above, below, printed(above, below), 0 < below < SMALL


def printed(above: int, below: int) -> str:
    """``97,3 %``: half up, but 100 % and 0 % only when it is exactly so; ``—`` over nothing."""
    if below <= 0:
        return "—"
    tenths = (2000 * above + below) // (2 * below)
    if above < below:
        tenths = min(tenths, 999)
    if above > 0:
        tenths = max(tenths, 1)
    return f"{tenths // 10},{tenths % 10} %"


__all__ = ["ALL", "NOT_COUNTED", "Row", "printed", "rates_of"]
