"""Rows of the working-day calendar: every version that a person approved, beside the shipped one.

In charge of: reading them, adding one, and which is in force at an instant. Not in charge of: what is in a
calendar (``model/calendar.py``), approving one (``flow/calendar.py``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import orjson

from gateway.calendar_data import shipped_calendar
from gateway.model.calendar import Calendar, CalendarVersion, Day, DayKind
from gateway.model.canonical import canonical_json
from gateway.model.text import Bilingual, Instant
from gateway.store.contract import Row, Tx

CALENDARS = "calendars"


def read(tx: Tx) -> tuple[CalendarVersion, ...]:
    """Every version, the shipped one first, then by the instant from which each is in force."""
    return (CalendarVersion(shipped_calendar(), Instant(0)), *map(_version, tx.all("all_calendars")))


def in_force(tx: Tx, at: Instant) -> Calendar:
    """The calendar at an instant: the last one approved until then, else the shipped one."""
    return latest(read(tx), at).calendar


def latest(versions: Iterable[CalendarVersion], at: Instant) -> CalendarVersion:
    """The one in force at an instant, of versions as ``read`` gives them."""
    return [one for one in versions if one.shipped or one.valid_from <= at][-1]


def add(tx: Tx, new: CalendarVersion, event: str) -> None:
    """A version that was approved under that event."""
    tx.run(
        "add_calendar",
        version=new.calendar.version,
        sha256=new.calendar.sha256,
        days=canonical_json(new.calendar.as_json()).decode(),
        valid_from=new.valid_from,
        approved_by=new.approved_by,
        reason=new.reason,
        event=event,
    )
    tx.run("bump_revision", name=CALENDARS)


def _version(row: Row) -> CalendarVersion:
    days = [_day(day) for day in orjson.loads(row["days"])]
    calendar = Calendar(row["version"], {day.date: day for day in days})
    return CalendarVersion(calendar, row["valid_from"], row["approved_by"], row["reason"])


def _day(row: Mapping[str, Any]) -> Day:
    name = Bilingual(row["name"]["vi"], row["name"]["en"])
    return Day(date.fromisoformat(row["date"]), DayKind(row["kind"]), name, row["source"], row["doubtful"])


__all__ = ["CALENDARS", "add", "in_force", "latest", "read"]
