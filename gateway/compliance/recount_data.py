"""Shipped data that a recount reads: the calendar and the rules of clauses, and nothing else.

In charge of: reading ``schemas/calendar/vn.toml`` and ``schemas/rules/clauses.toml`` with code of its own.
Not in charge of: what the data says.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping, Sequence
from typing import Any

from gateway.compliance.recount_calendar import WorkingDays
from gateway.compliance.recount_counts import Rules
from gateway.model.canonical import canonical_json
from gateway.resources import shipped


def working_days(stated: Mapping[str, Any]) -> WorkingDays:
    """Working days by the calendar that a report states (``version``, ``sha256``, ``days``).

    A report may hold only the days around its period. Then the others come from the shipped calendar, when it
    has the same version or the report names none; else they are as their weekday says.
    """
    days: Sequence[Mapping[str, Any]] = stated["days"]
    if _is_whole(stated):
        return WorkingDays(days)
    calendar = _shipped_calendar()
    if stated["version"] not in ("", calendar["version"]):
        return WorkingDays(days)
    return WorkingDays([*calendar["calendar"]["days"], *days])


def is_in_force(stated: Mapping[str, Any], approved: Mapping[str, str]) -> bool:
    """True when the calendar that a report states is the newest of ``approved`` (version -> SHA-256, in the
    order of approval), day by day; without any, the shipped one. A name alone proves nothing."""
    if approved:
        version, digest = list(approved.items())[-1]
        return (stated["version"], stated.get("sha256")) == (version, digest) and _is_whole(stated)
    calendar = _shipped_calendar()
    same_days = _kinds(stated["days"]) == _kinds(calendar["calendar"]["days"])
    return bool(stated["version"] == calendar["version"] and same_days)


def _shipped_calendar() -> dict[str, Any]:
    return tomllib.loads(shipped("schemas", "calendar", "vn.toml").read_text("utf-8"))


def _kinds(days: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    return {str(day["date"]): str(day["kind"]) for day in days}


def _is_whole(stated: Mapping[str, Any]) -> bool:
    return hashlib.sha256(canonical_json(stated["days"])).hexdigest() == stated.get("sha256")


def rules_at_hand() -> Rules:
    """Which findings count against C1, C3 and C7, as shipped with this program."""
    read = tomllib.loads(shipped("schemas", "rules", "clauses.toml").read_text("utf-8"))
    rules = {one["code"]: frozenset(one["rules"]) for one in read["clause"]}
    return Rules(read["version"], rules["C1"], rules["C3"], rules["C7"], frozenset(read["paper_too"]))


__all__ = ["is_in_force", "rules_at_hand", "working_days"]
