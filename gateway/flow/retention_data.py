"""Retention classes: how long what stands beside the log is kept, as dated data.

In charge of: reading ``schemas/rules/retention.toml``, which class an event belongs to, and the day before
which it is due. Not in charge of: erasing anything (``flow/retention.py``).
"""

from __future__ import annotations

import functools
import tomllib
from calendar import monthrange
from dataclasses import dataclass
from datetime import date

from gateway.model.text import Bilingual
from gateway.resources import shipped


@dataclass(frozen=True, slots=True)
class RetentionClass:
    """One class. ``months`` 0: as long as the document, never due. ``covers``: event types begin so."""

    name: str
    text: Bilingual
    covers: tuple[str, ...]
    months: int
    valid_from: date
    source: str

    def due_before(self, today: date) -> date | None:
        """Events before that day are due; ``None``: none ever is."""
        if self.months == 0:
            return None
        years, month = divmod(today.year * 12 + today.month - 1 - self.months, 12)
        return date(years, month + 1, min(today.day, monthrange(years, month + 1)[1]))


@dataclass(frozen=True, slots=True)
class Retention:
    """All classes of one version of the data."""

    version: str
    classes: tuple[RetentionClass, ...]

    def find(self, name: str, on: date) -> RetentionClass | None:
        """The class of that name in force on a day, the newest."""
        found = [one for one in self.classes if one.name == name and one.valid_from <= on]
        return max(found, key=lambda one: one.valid_from, default=None)

    def class_of(self, event_type: str) -> str:
        """The class that an event's private values belong to."""
        for one in self.classes:
            if event_type.startswith(one.covers):
                return one.name
        return next(one.name for one in self.classes if not one.covers)


def read_retention(text: str) -> Retention:
    """The data. ``ValueError`` names a class that keeps less than its source demands."""
    data = tomllib.loads(text)
    for row in data["class"]:
        if row["months"] < row["least_months"]:
            raise ValueError(
                f"{row['name']}: kept {row['months']} months, {row['least_months']} are demanded"
            )
    return Retention(data["version"], tuple(_class(row) for row in data["class"]))


@functools.cache
def shipped_retention() -> Retention:
    """The classes that this release ships."""
    return read_retention(shipped("schemas", "rules", "retention.toml").read_text("utf-8"))


def _class(row: dict[str, object]) -> RetentionClass:
    covers = row["covers"]
    assert isinstance(covers, list)
    return RetentionClass(
        str(row["name"]),
        Bilingual(str(row["vi"]), str(row["en"])),
        tuple(str(one) for one in covers),
        int(str(row["months"])),
        date.fromisoformat(str(row["valid_from"])),
        str(row["source"]),
    )
