"""How strict the gate is beyond its default, for one agency and direction.

In charge of: the values. Not in charge of: applying them (``checks/policies.py``), deciding them
(``flow/policies.py``).
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import date

from gateway.model.agency import Period
from gateway.model.text import AgencyCode, Instant

EVERY_AGENCY = AgencyCode("")


class Direction(enum.Enum):
    """Whom a policy is about: what an agency sends, or what it is to receive."""

    SENDS = "sends"
    RECEIVES = "receives"


class Action(enum.Enum):
    """What follows from a finding that the policy names."""

    REFUSE = "refuse"  # sends: the gate does not take it; receives: that delivery is rejected
    HOLD = "hold"  # a person decides
    ACCEPT_AND_REPORT = "accept_and_report"  # an exemption: the gate's default again, for one agency


@dataclass(frozen=True, slots=True)
class Policy:
    """One row. ``agency`` is ``""`` for all; ``rule`` a finding's rule, or a prefix that ends in ``*``."""

    id: str
    agency: AgencyCode
    direction: Direction
    rule: str
    action: Action
    period: Period
    reason: str
    decided_by: str  # principal who proposed it
    approved_by: str  # principal, another one
    decided_at: Instant
    ended_at: Instant | None = None  # withdrawn before its end

    def covers(self, rule: str) -> bool:
        """True when the policy names this rule."""
        return rule.startswith(self.rule[:-1]) if self.rule.endswith("*") else rule == self.rule

    def concerns(self, agency: AgencyCode | None, direction: Direction) -> bool:
        """True when the policy is about this agency in this direction; ``None``: an unknown agency."""
        return self.direction is direction and self.agency in (EVERY_AGENCY, agency)

    def holds_at(self, moment: Instant, day: date) -> bool:
        """True when it was decided, had begun, and had neither ended nor been withdrawn; ``day`` is the
        moment's, here."""
        decided = self.decided_at <= moment and (self.ended_at is None or moment < self.ended_at)
        return decided and self.period.holds_on(day)
