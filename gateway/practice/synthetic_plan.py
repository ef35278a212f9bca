"""What the synthetic exchange is to look like: its size, its shares, its planted stories.

In charge of: the parameters (``reference/compliance.md`` 4.7; assumptions, no measurement of any province)
and the values that a run is made of. Not in charge of: carrying them out (the other ``synthetic_*`` modules).
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Protocol

from gateway.model.text import Bilingual

MARK = Bilingual("DỮ LIỆU MÔ PHỎNG", "SYNTHETIC")
TWO_LEVELS_FROM = date(2025, 7, 1)


class WorkingDays(Protocol):
    """What is asked of a calendar (``model/calendar.Calendar``)."""

    def is_working(self, day: date) -> bool: ...

    def next_working_day(self, day: date) -> date: ...


class Story(enum.Enum):
    """What is planted, so that the figures have something to find."""

    CERTIFICATE = "certificate"  # a commune signs three days with an expired agency certificate
    LEADER = "leader"  # a department whose seal is never put on: leader's signature only
    STUCK = "stuck"  # a unit whose software fetches nothing any more
    OUTAGE = "outage"  # the gateway is away from 10:05 to 11:40 on a morning on which deadlines end
    MERGED = "merged"  # a commune merged on 1 July 2025 and is still addressed by its old code


ALL_STORIES = frozenset(Story)


@dataclass(frozen=True, slots=True)
class Shares:
    """How often something is so. Where two numbers stand: every unit has its own between them."""

    urgent: tuple[float, ...] = (0.04, 0.013, 0.005, 0.002)  # priority 1 (khẩn) to 4
    urgent_in_time: float = 0.90
    signed_both: tuple[float, float] = (0.90, 0.99)
    signed_both_commune: tuple[float, float] = (0.78, 0.99)
    on_time: tuple[float, float] = (0.92, 0.99)
    same_day: tuple[float, float] = (0.85, 0.98)
    refused: tuple[float, float] = (0.005, 0.02)
    recalled: float = 0.002
    never_pulled: float = 0.002
    repeated: float = 0.003
    refused_at_gate: float = 0.008
    held: float = 0.003
    replaced: float = 0.002
    updated: float = 0.001
    paper: float = 0.03
    moved_on: float = 0.85
    weekend: float = 0.015  # of the load of a working day
    declares: float = 0.9  # agencies that declare their register's totals each day


# Category of the sender -> its part of all documents, with three levels and, since 1 July 2025, with two.
LOAD_3 = {"office": 0.12, "department": 0.27, "subordinate": 0.06, "district": 0.25, "commune": 0.30}
LOAD_2 = {"office": 0.14, "department": 0.32, "subordinate": 0.09, "commune": 0.45}
FROM_OUTSIDE = 0.03  # of all documents; ministries and others, in no figure
TO_OUTSIDE = 0.04  # of documents of the province that also go to somebody outside


@dataclass(frozen=True, slots=True)
class Plan:
    """One run. ``documents_per_day`` is per working day, before ``scale``."""

    first: date = date(2020, 4, 1)
    days: int = 30
    documents_per_day: int = 1500
    scale: int = 1
    seed: int = 1
    stories: frozenset[Story] = ALL_STORIES
    shares: Shares = field(default_factory=Shares)

    @property
    def last(self) -> date:
        """The last day."""
        return self.first + timedelta(days=self.days - 1)

    @property
    def load(self) -> int:
        """Documents on an ordinary working day."""
        return self.documents_per_day * self.scale


__all__ = [
    "ALL_STORIES",
    "FROM_OUTSIDE",
    "LOAD_2",
    "LOAD_3",
    "MARK",
    "TO_OUTSIDE",
    "TWO_LEVELS_FROM",
    "Plan",
    "Shares",
    "Story",
    "WorkingDays",
]
