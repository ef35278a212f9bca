"""What the API says about this gateway: its directory, its limits, whether it is well.

In charge of: these bodies and their queries. Not in charge of: filling them (``api_directory``,
``api_service``).
"""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import Field

from gateway.web.models import Code, Cursor, Model, Moment


class AgencyLine(Model):
    """One agency as of a day. ``code`` is canonical, ``code_qcvn102`` the form that envelopes carry."""

    code: str
    code_qcvn102: str
    name: str
    level: str
    parent: str
    test: bool
    made_up: bool


class AgencyList(Model):
    """By code. ``cursor`` continues; empty is the end."""

    on: date
    agencies: list[AgencyLine]
    cursor: str


class LimitsBody(Model):
    """What one caller may send."""

    upload_bytes: int
    attachment_bytes: int
    requests_per_second: int


class GatewayAnswer(Model):
    """This gateway. Receipts verify against ``receipt_certificates`` (PEM, newest first)."""

    name: str
    version: str
    time: Moment
    clock: Literal["system", "scenario"]
    rule_set: str
    levels: list[str]
    limits: LimitsBody
    receipt_certificates: list[str]


class HealthAnswer(Model):
    """The process answers."""

    status: Literal["ok"]


class ReadyAnswer(Model):
    """The gateway can take documents."""

    status: Literal["ready"]
    free_bytes: int


class AgenciesQuery(Model):
    """Search in the directory."""

    q: Code = Field("", description="Part of the name (with or without accents) or of the code.")
    on: date | None = Field(None, description="As of this day; today when left out.")
    test: bool = Field(False, description="List test codes too, which real documents must not address.")
    cursor: Cursor = ""
    limit: int = Field(100, ge=1, le=500)
