"""Days and periods as columns: ISO texts, "" for none.

In charge of: the one way in which ``valid_from`` and ``valid_to`` are written and read. Not in charge of:
what a period means (``model/agency.py``).
"""

from __future__ import annotations

from datetime import date

from gateway.model.agency import Period
from gateway.store.contract import Row


def day_of(text: str) -> date | None:
    """A day column."""
    return date.fromisoformat(text) if text else None


def period_of(row: Row) -> Period:
    """The period of a row with ``valid_from`` and ``valid_to``."""
    return Period(day_of(row["valid_from"]), day_of(row["valid_to"]))


def period_columns(period: Period) -> dict[str, str]:
    """``valid_from`` and ``valid_to`` of a row to be written."""
    return {
        "valid_from": period.start.isoformat() if period.start else "",
        "valid_to": period.end.isoformat() if period.end else "",
    }
