"""JSON bodies of the API, as models that validate what comes and serialise what goes: what all share.

In charge of: the kinds of fields, and the bodies that belong to no one resource. Those of a resource stand in
``models_*.py``, or beside its endpoints (``api_*.py``); the OpenAPI document is generated from them. Instants
are RFC 3339 texts with +07:00, digests hex, empty texts mean "absent". Not in charge of: filling them
(``views``).
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

# XML and both databases take these characters; anything else in a text of ours would fail later.
PRINTABLE = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]*$"

Moment = Annotated[
    str, Field(json_schema_extra={"format": "date-time"}, examples=["2020-04-13T15:30:00.000000+07:00"])
]
Digest = Annotated[str, Field(description="SHA-256, hex.", examples=["9f86d081884c7d65…"])]
_ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)")


def _iso(text: object) -> datetime:
    """Only RFC 3339 (pydantic would also read a number); a ``+`` that a URL made a space is put back."""
    written = str(text).replace(" ", "+").upper()
    if not _ISO.fullmatch(written):
        raise ValueError("expected a moment such as 2020-04-13T15:30:00+07:00")
    return datetime.fromisoformat(written)


MomentGiven = Annotated[AwareDatetime, BeforeValidator(_iso)]
Code = Annotated[str, Field(pattern=PRINTABLE, max_length=100)]
Cursor = Annotated[str, Field(pattern=PRINTABLE, max_length=300)]


class Model(BaseModel):
    """Unknown fields are refused, so a misspelt one never passes in silence."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Text(Model):
    """One sentence in both languages."""

    vi: str
    en: str


class FindingBody(Model):
    """One thing that a check has to say. ``rule`` is stable, ``clause`` cites the regulation. ``policy``: the
    policy that made it weigh more; ``exempted_by``: the exemption that took that back."""

    rule: str
    severity: Literal["info", "warning", "hold", "refuse"]
    where: str
    clause: str
    vi: str
    en: str
    policy: str = ""
    exempted_by: str = ""


class Problem(Model):
    """An error (RFC 9457). ``title`` and ``detail`` are Vietnamese, ``*_en`` English; ``code`` is stable."""

    type: str
    title: str
    title_en: str
    status: int
    code: str
    detail: str
    detail_en: str
    findings: list[FindingBody] = []
    retry_after: int | None = Field(None, description="Seconds to wait before trying again.")
    incident: str | None = Field(None, description="Name this to the operator: the log has the rest.")


class StaffBody(Model):
    """The clerk who reports; personal data, kept apart from the log."""

    department: str = Field("", max_length=200, pattern=PRINTABLE)
    department_id: str = Field("", max_length=100, pattern=PRINTABLE)
    staff: str = Field("", max_length=200, pattern=PRINTABLE)
    staff_id: str = Field("", max_length=100, pattern=PRINTABLE)
    email: str = Field("", max_length=200, pattern=PRINTABLE)
    mobile: str = Field("", max_length=50, pattern=PRINTABLE)


class NoQuery(Model):
    """No parameters."""


class AgencyQuery(Model):
    """Whose list; may be left out by a caller that acts for one agency only."""

    agency: Code = Field("", description="Agency code in any of its forms.")
