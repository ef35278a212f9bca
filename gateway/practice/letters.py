"""Plain letters and statuses for practice: what a document system writes, without signatures.

In charge of: whole messages from a few words, and a PDF of any size. Not in charge of: the demo's signed
letters (``demo_letters``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.clock import random_bytes
from gateway.edxml.build import build_envelope, build_status
from gateway.model.envelope import (
    Attachment,
    Business,
    DateText,
    DocumentType,
    Envelope,
    Kind,
    Organization,
    OtherInfo,
    Reference,
    ResponseFor,
    SignerInfo,
    StatusReport,
    TraceHeader,
)

STAMP = "%Y/%m/%d %H:%M:%S"


@dataclass(frozen=True, slots=True)
class Office:
    """An agency as it writes itself."""

    code: str
    name: str


@dataclass(frozen=True, slots=True)
class Draft:
    """What a clerk enters."""

    number: str
    notation: str
    subject: str
    urgency: int = 0
    kind: Kind = Kind.NEW
    reason: str = ""


def document_id(sender: Office, draft: Draft, at: datetime) -> str:
    """The usual DocumentId: code, day, number and notation."""
    return f"{sender.code},{at:%Y/%m/%d},{draft.number}/{draft.notation}"


def write(
    sender: Office, to: Sequence[Office], draft: Draft, at: datetime, files: Mapping[str, bytes] | None = None
) -> bytes:
    """One document message; without ``files`` a one-page PDF goes along."""
    contents = dict(files) if files is not None else {"van-ban.pdf": pdf(0)}
    attachments = tuple(
        Attachment(f"file-{index}", name, len(data), hashlib.sha256(data).digest(), "application/pdf")
        for index, (name, data) in enumerate(contents.items(), 1)
    )
    day = DateText(at.strftime("%Y/%m/%d"), at.date())
    envelope = Envelope(
        kind=draft.kind,
        sender=Organization(sender.code, name=sender.name),
        recipients=tuple(Organization(one.code, name=one.name) for one in to),
        document_id=document_id(sender, draft, at),
        code_number=draft.number,
        code_notation=draft.notation,
        place="Lạng Sơn",
        promulgation_date=day,
        document_type=DocumentType("18", "0", "Công văn"),
        subject=draft.subject,
        content=draft.subject,
        signer=SignerInfo("", "Chánh Văn phòng", "Người ký thử"),
        other=OtherInfo(priority=draft.urgency, priority_raw=str(draft.urgency), page_amount="1"),
        steering_type="1",
        business=Business(doc_type=str(draft.kind.wire_number), reason=draft.reason, paper="0"),
        trace=(TraceHeader(sender.code, at.strftime(STAMP)),),
        references=tuple(
            Reference(one.content_id, "application/pdf", "Văn bản", one.name) for one in attachments
        ),
        attachments=attachments,
    )
    data = list(contents.values())
    return b"".join(build_envelope(envelope, lambda index: [data[index]], envelope.dialect))


def status(reporter: Office, about: Envelope, code: str, at: datetime, text: str = "") -> bytes:
    """A status about a document that ``reporter`` received."""
    number = f"{about.code_number}/{about.code_notation}"
    answer = ResponseFor(about.sender.organ_id, number, about.promulgation_date, about.document_id)
    return _status(reporter, answer, code, at, text)


def answer_to_recall(reporter: Office, recall: Envelope, code: str, at: datetime, text: str = "") -> bytes:
    """15 or 16 to the sender of a status 13."""
    about = recall.response_for[0]
    answer = ResponseFor(recall.sender.organ_id, about.code, about.promulgation_date, recall.document_id)
    return _status(reporter, answer, code, at, text)


def recall(sender: Office, recipient: Office, draft: Draft, at: datetime, sent: datetime) -> bytes:
    """Status 13: ``sender`` asks for the document back that it sent to ``recipient``."""
    day = DateText(sent.strftime("%Y/%m/%d"), sent.date())
    number = f"{draft.number}/{draft.notation}"
    about = ResponseFor(recipient.code, number, day, document_id(sender, draft, sent))
    return _status(sender, about, "13", at, draft.reason)


def pdf(size: int) -> bytes:
    """A PDF of at least ``size`` bytes that cannot be packed smaller."""
    filling = random_bytes(size)
    head = b"%PDF-1.7\n1 0 obj\n<< /Length " + str(len(filling)).encode() + b" >>\nstream\n"
    return head + filling + b"\nendstream\nendobj\ntrailer\n<<>>\n%%EOF\n"


def _status(reporter: Office, about: ResponseFor, code: str, at: datetime, text: str) -> bytes:
    return build_status(
        Envelope(
            kind=Kind.STATUS,
            sender=Organization(reporter.code, name=reporter.name),
            document_id=about.document_id,
            response_for=(about,),
            status=StatusReport(code, text, at.strftime(STAMP)),
        )
    )
