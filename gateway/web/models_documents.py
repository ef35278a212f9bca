"""What the API says about documents: messages, deliveries, receipts, versions, events, who looked.

In charge of: these bodies and their queries. Not in charge of: filling them (``views``).
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from gateway.web.models import PRINTABLE, AgencyQuery, Digest, FindingBody, Model, Moment, MomentGiven, Text


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
    proofs: list[ProofBody] = Field([])
    reason: Text


class SubmissionAnswer(Model):
    """The gateway has the message: it is on disk. ``receipt_jws`` is the signed promise."""

    message: str
    document: str
    receipt: str
    decision: Literal["accept", "hold"]
    repeated: bool = Field(description="True: this message was accepted before; the first answer again.")
    receipt_jws: str
    findings: list[FindingBody]


class ClauseBody(Model):
    """One clause of the composite test (K9). ``evidence`` is stable, ``reasons`` say the same in words."""

    clause: Literal["C1", "C2", "C3", "C4", "C5", "C6", "C7"]
    name: Text
    source: str
    outcome: Literal["pass", "fail", "unchecked", "na"]
    evidence: list[str]
    reasons: list[Text]


class CheckAnswer(Model):
    """What the gate would decide now. ``document`` is empty when the bytes cannot be read; ``clauses`` say
    what would count in the compliance figures, and are empty for what makes no document."""

    decision: Literal["accept", "hold", "refuse"]
    document: dict[str, Any]
    signatures: list[SignatureBody]
    findings: list[FindingBody]
    clauses: list[ClauseBody] = Field([])


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
