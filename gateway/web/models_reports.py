"""Published reports in lists, and the request to publish one.

In charge of: these bodies. A report itself is served as the bytes that were signed. Not in charge of: filling
them (``api_reports.py``).
"""

from __future__ import annotations

from pydantic import Field

from gateway.web.models import Code, Cursor, Digest, Model, Moment, Text


class PublishRequest(Model):
    """Freeze the figures of a period."""

    period: Code = Field(
        description="2020-W16, 2020-W16/fri, 2020-04, 2020-04/15-14, 2020-Q1, 2020-H1, 2020-9M, 2020, "
        "2020-04-13..2020-04-19, or as-of 2025-12-31.",
        examples=["2020-W16"],
    )


class ReportLine(Model):
    """A published report; nothing of it changes any more."""

    id: str
    period: str
    words: Text = Field(description="The period, as people call it.")
    from_day: str = Field(description="First day (+07:00).")
    to_day: str = Field(description="Last day.")
    provisional: bool = Field(description="Published before the period was over.")
    synthetic: bool = Field(description="Made of synthetic data.")
    sha256: Digest
    leaves: int = Field(description="Leaves of the exchange log that were counted.")
    earlier: str = Field(description="The report of the same period before it; empty: it is the first.")
    published_at: Moment


class ReportsQuery(Model):
    """Which reports."""

    period: Code = ""
    cursor: Cursor = ""


class ReportsAnswer(Model):
    """Newest first."""

    reports: list[ReportLine]
    cursor: str = Field(description="Where the next page begins; empty: this was the last.")


class FormQuery(Model):
    """How to print it."""

    form: Code = Field("F2", description="F1 to F5, or F7.")
    lang: Code = Field("vi", description="vi or en.")
