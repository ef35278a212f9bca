"""Declared totals, outages and alerts at the API.

In charge of: these bodies. Not in charge of: filling them (``api_totals.py``, ``api_outages.py``).
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from gateway.web.models import PRINTABLE, Code, Model, Moment, MomentGiven

Day = Annotated[date, Field(strict=True, examples=["2020-04-13"])]
Count = Annotated[int, Field(strict=True, ge=0, le=10_000_000)]
Reason = Annotated[str, Field(min_length=1, max_length=2000, pattern=PRINTABLE)]


class TotalLine(Model):
    """What an agency's register holds for some days; both are included. Secret documents have a series of
    their own (NĐ 30/2020 Đ15.2): only their number is declared, the total does not hold them."""

    agency: Code = Field(description="Agency code in any of its forms.")
    from_day: Day
    to_day: Day
    outgoing_total: Count = Field(description="All outgoing documents, without secret ones.")
    paper_only: Count = Field(0, description="Of these: on paper only.")
    secret_count: Count = Field(0, description="Secret documents: their number, nothing else.")
    to_non_state: Count = Field(0, description="Of the outgoing: to others than state agencies.")


class TotalsRequest(Model):
    """Declarations, taken all or none."""

    totals: list[TotalLine] = Field(min_length=1, max_length=1000)


class TotalTaken(Model):
    """A declaration that was taken."""

    id: str
    agency: str
    from_day: str
    to_day: str
    outgoing_total: int
    observed: int = Field(description="Documents that the gateway took from the agency in these days.")
    contradicts: bool = Field(description="The total is below what was observed, so it is not used.")
    replaced: bool = Field(description="There was one of the same days; it stays in the record.")
    overlaps: int = Field(description="Declarations of other stretches that share days with it.")


class TotalsAnswer(Model):
    """What was taken, in the order in which it was sent."""

    totals: list[TotalTaken]


class TotalsQuery(Model):
    """Which declarations."""

    from_day: Day = Field(alias="from", description="First day.")
    to_day: Day = Field(alias="to", description="Last day, included.")
    agency: Code = Field("", description="Whose; needed by who does not see all.")
    replaced: bool = Field(False, description="Also those that later ones took the place of.")


class TotalDeclared(Model):
    """A declaration as it stands in the record."""

    agency: str
    from_day: str
    to_day: str
    outgoing_total: int
    paper_only: int
    secret_count: int
    to_non_state: int
    id: str
    source: Literal["api", "csv", "form"]
    declared_at: Moment
    replaced_at: Moment | None
    event: str


class TotalsList(Model):
    """Declarations that share a day with the period, by agency and day."""

    totals: list[TotalDeclared]


class OutageRequest(Model):
    """Hours in which the gateway, or one agency's system, could not exchange documents."""

    from_at: MomentGiven
    to_at: MomentGiven
    reason: Reason
    agency: Code = Field("", description="Whose system; left out: the gateway.")


class OutageDecision(Model):
    """What a second person decides."""

    approve: bool
    reason: str = Field("", max_length=2000, pattern=PRINTABLE)


class OutageWithdrawal(Model):
    """Why its hours are to count again."""

    reason: Reason


class OutageAnswer(Model):
    """One outage."""

    id: str
    agency: str = Field(description="Empty: the gateway.")
    from_at: Moment
    to_at: Moment
    standing: Literal["proposed", "declined", "in force", "withdrawn"]
    proposed_by: str
    decided_by: str
    event: str = Field(description="outage.recorded; empty before it was approved.")


class OutageLine(OutageAnswer):
    """One outage with its reason."""

    reason: str


class OutageList(Model):
    """Outages, oldest first."""

    outages: list[OutageLine]


class AlertsQuery(Model):
    """Which alerts."""

    agency: Code = Field("", description="Whose; needed by who does not see all.")
    limit: int = Field(50, ge=1, le=500)


class AlertLine(Model):
    """A delivery objective that is, or was, missed too fast. Counts are as of the raise."""

    id: str
    agency: str
    name: str
    measure: Literal["fetched", "acknowledged"]
    span: Literal["fast", "slow"]
    due: int = Field(description="Deliveries that came due within the span.")
    missed: int
    burn: float = Field(description="1: missed as fast as the objective allows.")
    worst: float
    raised_at: Moment
    ended_at: str = Field(description="Empty: not over.")
    event: str


class AlertList(Model):
    """Newest first."""

    alerts: list[AlertLine]
