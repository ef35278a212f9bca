"""The scorecard and the lists behind its figures.

In charge of: these bodies. Not in charge of: filling them (``api_scorecard.py``).
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from gateway.web.models import Code, Cursor, Model, Moment, Text

_PERIOD = (
    "2020-W16, 2020-04, 2020-04/15-14, 2020-Q1, 2020-H1, 2020-9M, 2020, 2020-04-13..2020-04-19; left out: "
)
_AGENCY = "Only this agency; needed by who does not see all."


class ScorecardQuery(Model):
    """Which figures."""

    period: Code = Field("", description=f"{_PERIOD}this week.")
    by: Literal["level", "agency"] = "level"
    level: Code = Field("", description="Only this level, as the directory names it.")
    agency: Code = Field("", description=_AGENCY)


class ListQuery(Model):
    """Which documents or deliveries."""

    period: Code = Field("", description=f"{_PERIOD}this week.")
    level: Code = Field("", description="Only this level, as the directory names it.")
    agency: Code = Field("", description=_AGENCY)
    limit: int = Field(100, ge=1, le=500)
    cursor: Cursor = ""


class RateBody(Model):
    """One figure as it prints. No denominator: a number alone (K14). ``small``: under 20."""

    key: str
    numerator: int
    denominator: int | None
    tenths: int | None = Field(description="Tenths of a percent; null over nothing.")
    small: bool
    text: str = Field(examples=["97,3 %"])
    source: Literal["observed", "declared", "estimated"] = Field(description="Where the denominator is from.")


class CountBody(Model):
    """One count (docs/figures.md) and the list behind it."""

    name: str
    number: int
    href: str = Field(description="Empty: it counts single events, of which there is no list.")


class LineBody(Model):
    """The figures of a scope: ``all``, a level, or an agency."""

    scope: str
    name: str
    level: str
    rates: list[RateBody]
    counts: list[CountBody] = Field(description="Empty in a list of agencies: see href.")
    href: str = Field(description="This line alone, with its counts.")


class MeasureBody(Model):
    """What a key means."""

    key: str
    name: Text
    unit: str
    formula: str
    hook: str = Field(description="The clause that it comes from.")
    sentences: Text


class DataBody(Model):
    """Of which data the figures are: the first leaves of the exchange log."""

    at: Moment
    leaves: int
    root: str = Field(description="Root of the log over these leaves, hex.")
    uncounted: int = Field(description="Leaves that came since.")


class ScorecardAnswer(Model):
    """The figures of a period."""

    period: str
    words: Text
    from_day: str
    to_day: str
    provisional: bool = Field(description="The period is not over.")
    synthetic: bool = Field(description="Made of synthetic data.")
    by: Literal["level", "agency"]
    data_as_of: DataBody
    lines: list[LineBody]
    measures: list[MeasureBody]


class FoundBody(Model):
    """A document (or a delivery of it) that counts under the name, and why."""

    document: str
    document_id: str = Field(description="Empty in lists of deliveries: see href.")
    agency: str = Field(description="The sender of a document, the recipient of a delivery.")
    level: str
    day: str
    counts: list[str] = Field(description="Every name that it counts under.")
    why: list[str] = Field(description="kind:value", examples=[["sent:2020-04-13T15:30:00.000000+07:00"]])
    href: str = Field(description="The document.")
    events: str = Field(description="What was recorded of it.")
    evidence: str = Field(description="Its evidence container.")


class FoundList(Model):
    """In order of day and agency."""

    found: list[FoundBody]
    cursor: str = Field(description="Where the next page begins; empty: this was the last.")
