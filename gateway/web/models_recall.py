"""A sender asks for a document back, and what each recipient said.

In charge of: these bodies. Not in charge of: filling them (``views``).
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from gateway.web.models import PRINTABLE, Code, Model, Moment, StaffBody, Text


class RecallRequest(Model):
    """A sender asks for a document back."""

    reason: str = Field(min_length=1, max_length=2000, pattern=PRINTABLE)
    to: list[Code] = Field(
        default_factory=list,
        max_length=1000,
        description="Recipients to ask; empty: all that were not asked yet, or that refused.",
    )
    staff: StaffBody = StaffBody()


class RecallLineBody(Model):
    """One recipient. ``asked`` means silent so far; ``withdrawn``: it never had the document."""

    message: str
    recipient: str
    name: str
    state: Literal["attempt", "withdrawn", "not_addressed", "asked", "agreed", "refused"]
    words: Text
    cause: Literal["status", "revoke", "update", "incident"]
    asked_at: Moment
    reason: str
    answered_at: Moment | None
    answer_reason: str
    answered_by: str = Field(description="The person whom the recipient names.")
    reminders: int
    next_reminder: Moment | None
    notice: str = Field(description="Transport state of the message that asks.")
    attempts: int = Field(description="Tries to deliver what was asked back; it may have arrived unnoticed.")


class RecallAnswer(Model):
    """Every recipient once, earlier requests apart, and who was not asked."""

    document: str
    document_id: str
    sender: str
    frozen_at: Moment | None
    recipients: list[RecallLineBody]
    earlier: list[RecallLineBody]
    not_asked: list[str]
