"""What a recipient's system asks and is told: what waits, what it has stored, what it reports.

In charge of: these bodies and their queries. Not in charge of: filling them (``views``).
"""

from __future__ import annotations

from pydantic import Field

from gateway.web.models import PRINTABLE, AgencyQuery, Code, Cursor, Digest, Model, Moment, StaffBody, Text


class InboxLine(Model):
    """One waiting message. Fetch it, store it, then say done."""

    delivery: str
    message: str
    document: str
    kind: str
    sender: str
    recipient: str
    addressed: str = Field(description="The code that the sender named: an old one after a succession.")
    document_id: str
    urgency: int
    size: int
    envelope_sha256: Digest
    accepted_at: Moment
    fetched: bool
    subject: str
    content: str | None = Field(None, description="The envelope in base64, where it was asked for and small.")


class InboxList(Model):
    """In the order in which to fetch: hỏa tốc first, then oldest. ``cursor`` continues; empty is the end."""

    items: list[InboxLine]
    cursor: str


class DoneRequest(Model):
    """Messages that the recipient's system has stored durably."""

    done: list[Code] = Field(min_length=1, max_length=100, description="Ids of deliveries.")


class DoneLine(Model):
    """What became of one of them. ``code`` and ``reason`` say why it could not be settled."""

    delivery: str
    state: str
    code: str = ""
    reason: Text | None = None


class DoneList(Model):
    """One line for each delivery that was named, in the same order."""

    items: list[DoneLine]


class StatusRequest(Model):
    """What a recipient reports on a document that it was sent."""

    code: str = Field(pattern=r"^(0?[1-6]|13|15|16)$", examples=["03"])
    description: str = Field("", max_length=2000, pattern=PRINTABLE)
    refusal: str = Field(
        "",
        pattern=r"^(R0[1-9]|R99)?$",
        description="Why, with 02: R01 wrong recipient, R02 not intact, R03 signature, R04 file or metadata "
        "missing, R05 form, R06 competence, R07 duplicate, R08 signs of a state secret, R09 technical, R99 "
        "other. Stands at the beginning of the description.",
    )
    staff: StaffBody = StaffBody()


class InboxQuery(AgencyQuery):
    """A page of an inbox."""

    cursor: Cursor = ""
    limit: int = Field(100, ge=1, le=100)
    content: bool = Field(False, description="Send small messages (statuses) along; that counts as a fetch.")
