"""Every JSON body of the API, as models that validate what comes and serialise what goes.

In charge of: names, types and limits of fields (the OpenAPI document is generated from here). Instants are
RFC 3339 texts with +07:00, digests hex, empty texts mean "absent". Not in charge of: filling them
(``views``).
"""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Annotated, Any, Literal

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


class ProofBody(Model):
    """Bytes that a verdict rests on, by their SHA-256. ``about``: the certificate that an answer is about.

    The chain stands leaf first, anchor last; what follows a timestamp is about the timestamp's authority.
    """

    kind: Literal["certificate", "crl", "ocsp", "timestamp"]
    sha256: Digest
    about: str = ""
    says: str = ""
    this_update: str = ""
    next_update: str = ""
    revoked_at: str = ""
    revocation_reason: str = ""


class SignatureBody(Model):
    """One signature, judged. ``coverage``: which part of the file; ``reason``: the sentence to show."""

    where: str
    indication: Literal["TOTAL-PASSED", "INDETERMINATE", "TOTAL-FAILED"]
    sub_indication: str
    signer: str
    certificate_sha256: str
    agency: str
    role: Literal["person", "agency", "not machine-checkable"]
    signing_time: str
    time_source: Literal["timestamp", "signed_attribute", "declared", "none", ""]
    algorithm: str
    rule_set: str
    coverage: Literal["whole file", "revision", "changed", "unclear", "message", ""] = ""
    signed_sha256: str = ""
    checked_at: str = ""
    proofs: list[ProofBody] = []
    reason: Text


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


class SubmissionAnswer(Model):
    """The gateway has the message: it is on disk. ``receipt_jws`` is the signed promise."""

    message: str
    document: str
    receipt: str
    decision: Literal["accept", "hold"]
    repeated: bool = Field(description="True: this message was accepted before; the first answer again.")
    receipt_jws: str
    findings: list[FindingBody]


class CheckAnswer(Model):
    """What the gate would decide now. ``document`` is empty when the bytes cannot be read."""

    decision: Literal["accept", "hold", "refuse"]
    document: dict[str, Any]
    signatures: list[SignatureBody]
    findings: list[FindingBody]


class DocumentLine(Model):
    """One document of a list."""

    id: str
    sender: str
    document_id: str
    kind: str
    decision: str
    urgency: int
    created_at: Moment
    number: str
    notation: str
    type_name: str
    promulgation_date: str
    subject: str


class DocumentList(Model):
    """Newest first. Pass ``before`` on to continue; empty is the end."""

    documents: list[DocumentLine]
    before: Moment | Literal[""]


class MessageBody(Model):
    """One message of a document's history."""

    id: str
    kind: str
    sender: str
    decision: str
    urgency: int
    size: int
    dialect: str
    envelope_sha256: Digest
    content_digest: Digest
    accepted_at: Moment
    rejudged_at: Moment | None = Field(description="When the signatures were judged again, if they were.")
    timings: dict[str, int] = Field(description="Microseconds that each stage at the gate took.")
    signatures: list[SignatureBody]
    findings: list[FindingBody]


class DeliveryBody(Model):
    """One message for one recipient. ``state`` is transport, ``status_code`` what the recipient reported."""

    id: str
    message: str
    kind: str
    sender: str
    document_id: str
    recipient: str
    addressed: str = Field(description="The code that the sender named: an old one after a succession.")
    destination: str
    adapter: str
    urgency: int
    state: Literal["queued", "held", "delivered", "rejected", "dead", "cancelled", "recalled"]
    attempts: int
    accepted_at: Moment
    due_at: Moment | None
    fetched_at: Moment | None
    settled_at: Moment | None
    reason_code: str
    reason: Text | None
    status_code: str
    status_at: Moment | None
    proof: str


class StatusBody(Model):
    """One reported status (01 to 06, 13, 15, 16)."""

    message: str
    code: str
    words: Text
    reporter: str
    addressee: str
    declared_time: str
    automatic: bool = Field(description="True: written by the gateway in the recipient's name.")
    reported_at: Moment
    reason: str


class ReceiptBody(Model):
    """A signed receipt (compact JWS, ES256)."""

    id: str
    message: str
    supplement_to: str
    jws: str
    issued_at: Moment


class VersionBody(Model):
    """One message that made or ended a version of the document; at most one is current."""

    message: str
    kind: str
    accepted_at: Moment
    current: bool
    reason: str
    changed: dict[str, Any] = Field(description="What an update says that it changes.")


class DocumentAnswer(Model):
    """A document with everything that happened to it."""

    id: str
    sender: str
    document_id: str
    subject: str
    created_at: Moment
    replaces: list[str]
    replaced_by: list[str]
    standing: Literal["in_force", "replaced", "recall_asked", "partly_recalled", "recalled"]
    current_document: str = Field(description="This document, or the last of those that replace it.")
    versions: list[VersionBody]
    frozen_at: Moment | None = Field(description="Since when the sender's copy is frozen by a recall.")
    purged_at: Moment | None = Field(description="When it was purged because of an incident.")
    messages: list[MessageBody]
    deliveries: list[DeliveryBody]
    statuses: list[StatusBody]
    receipts: list[ReceiptBody]


class EventBody(Model):
    """A recorded fact. ``body`` is its canonical JSON as text: hash these bytes to find it in the log."""

    id: str
    type: str
    at: Moment
    body: str


class EventList(Model):
    """Oldest first."""

    events: list[EventBody]


class ViewBody(Model):
    """That a person looked at a document. ``actor`` is an account's id; ``content``: it was opened."""

    event: str
    at: Moment
    actor: str
    role: str
    what: str
    content: bool
    reason: str


class ViewList(Model):
    """Oldest first."""

    views: list[ViewBody]


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


class StaffBody(Model):
    """The clerk who reports; personal data, kept apart from the log."""

    department: str = Field("", max_length=200, pattern=PRINTABLE)
    department_id: str = Field("", max_length=100, pattern=PRINTABLE)
    staff: str = Field("", max_length=200, pattern=PRINTABLE)
    staff_id: str = Field("", max_length=100, pattern=PRINTABLE)
    email: str = Field("", max_length=200, pattern=PRINTABLE)
    mobile: str = Field("", max_length=50, pattern=PRINTABLE)


class StatusRequest(Model):
    """What a recipient reports on a document that it was sent."""

    code: str = Field(pattern=r"^(0?[1-6]|13|15|16)$", examples=["03"])
    description: str = Field("", max_length=2000, pattern=PRINTABLE)
    staff: StaffBody = StaffBody()


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


class NoQuery(Model):
    """No parameters."""


class AgencyQuery(Model):
    """Whose list; may be left out by a caller that acts for one agency only."""

    agency: Code = Field("", description="Agency code in any of its forms.")


class SendQuery(Model):
    """For which of the envelope's recipients this call is; another call may name others."""

    to: str = Field(
        "",
        pattern=PRINTABLE,
        max_length=4_000,
        description="Codes of recipients that the envelope names, comma-separated; empty: all of them.",
    )


class DocumentsQuery(AgencyQuery):
    """A page of documents."""

    before: MomentGiven | None = Field(None, description="Only documents accepted before this moment.")
    limit: int = Field(50, ge=1, le=200)


class InboxQuery(AgencyQuery):
    """A page of an inbox."""

    cursor: Cursor = ""
    limit: int = Field(100, ge=1, le=100)
    content: bool = Field(False, description="Send small messages (statuses) along; that counts as a fetch.")


class AgenciesQuery(Model):
    """Search in the directory."""

    q: Code = Field("", description="Part of the name (with or without accents) or of the code.")
    on: date | None = Field(None, description="As of this day; today when left out.")
    test: bool = Field(False, description="List test codes too, which real documents must not address.")
    cursor: Cursor = ""
    limit: int = Field(100, ge=1, le=500)
