"""Delivery objectives, and alerts about those that are missed too fast.

In charge of: the values. Not in charge of: the arithmetic of windows (``compliance/objectives.py``), rows
(``store/alerts.py``), who is told (``delivery/alert_senders.py``).
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import date

from gateway.model.agency import Period
from gateway.model.text import AgencyCode, Bilingual, Instant

EVERY_AGENCY = AgencyCode("")


class Measure(enum.Enum):
    """What an objective speaks about."""

    FETCHED = "fetched"  # the recipient's system took it, counted in working time since it began to wait
    ACKNOWLEDGED = "acknowledged"  # 02 or 03 by the end of the working day of arrival (NĐ 30/2020 Đ21.2c)


class Span(enum.Enum):
    """The stretch of working time that an alert looks back on."""

    FAST = "fast"  # something broke just now
    SLOW = "slow"  # it has been going badly for days


MEASURES: dict[Measure, Bilingual] = {
    Measure.FETCHED: Bilingual("lấy văn bản về", "fetched in time"),
    Measure.ACKNOWLEDGED: Bilingual("phản hồi trong ngày", "acknowledged the same day"),
}
SPANS: dict[Span, Bilingual] = {
    Span.FAST: Bilingual("trong giờ làm việc vừa qua", "within the last working hour"),
    Span.SLOW: Bilingual("trong ba ngày làm việc vừa qua", "within the last three working days"),
}


@dataclass(frozen=True, slots=True)
class Objective:
    """So many of a thousand in time. ``minutes`` of working time; ``per_mille`` 0: no objective.

    ``agency`` empty: every agency without one of its own.
    """

    measure: Measure
    per_mille: int
    minutes: int
    period: Period
    agency: AgencyCode = EVERY_AGENCY
    id: str = ""  # "" for a shipped one
    decided_by: str = ""
    decided_at: Instant = Instant(0)
    event: str = ""
    ended_at: Instant | None = None


@dataclass(frozen=True, slots=True)
class Alert:
    """An objective of an agency that is, or was, missed too fast. Counts and ``burn`` are as of the raise."""

    id: str
    agency: AgencyCode
    measure: Measure
    span: Span
    raised_at: Instant
    due: int
    missed: int
    burn: float
    worst: float
    event: str
    told: bool = True
    calm_since: Instant | None = None
    ended_at: Instant | None = None

    @property
    def key(self) -> AlertKey:
        """Of one key only one alert is open at a time."""
        return AlertKey(self.agency, self.measure, self.span)


@dataclass(frozen=True, slots=True)
class AlertKey:
    """What an alert is about."""

    agency: AgencyCode
    measure: Measure
    span: Span


def objective_for(
    objectives: tuple[Objective, ...], measure: Measure, agency: AgencyCode, on: date
) -> Objective | None:
    """The one in force for an agency on a day: its own before everybody's, the later decision before the
    earlier. ``None``: there is none."""
    found = [
        one
        for one in objectives
        if one.measure is measure
        and one.agency in (agency, EVERY_AGENCY)
        and one.ended_at is None
        and one.period.holds_on(on)
    ]
    best = max(found, key=lambda one: (one.agency != EVERY_AGENCY, one.decided_at), default=None)
    return best if best is not None and best.per_mille else None
