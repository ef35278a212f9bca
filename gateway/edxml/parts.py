"""The header and manifest of a message as a tree of parts, the same for both dialects.

In charge of: which element gets which value. Not in charge of: order and empty elements (``dialects.py``),
bytes (``build.py``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from gateway.edxml import names
from gateway.model.envelope import (
    Attachment,
    Business,
    DateText,
    Dialect,
    Envelope,
    Kind,
    OtherInfo,
    ReceiverChange,
    ReplacementInfo,
    ResponseFor,
    TraceHeader,
)

_FORMATS = {
    "pdf": "application/pdf",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "odf": "application/vnd.oasis.opendocument.text",
    "zip": "application/zip",
    "doc": "application/msword",
    "png": "image/png",
    "jpeg": "image/jpeg",
    "xml": "text/xml",
    "text": "text/plain",
}
_SOAP_NEXT = "http://schemas.xmlsoap.org/soap/actor/next"


@dataclass(frozen=True, slots=True)
class Part:
    """One element to be written: a text or parts. ``optional``: no dialect writes it when it is empty."""

    name: str
    text: str = ""
    parts: tuple[Part, ...] = ()
    optional: bool = False
    attributes: tuple[tuple[str, str], ...] = ()

    @property
    def empty(self) -> bool:
        """Nothing in it, however deep; an attribute is something (the version of an empty manifest)."""
        return not self.text and not self.attributes and all(part.empty for part in self.parts)


def document_header(envelope: Envelope, dialect: Dialect) -> tuple[Part, ...]:
    """``MessageHeader`` and ``TraceHeaderList``; for .NET also its empty ``DigitalSignature``."""
    dotnet = dialect is Dialect.DOTNET
    reference = hashlib.sha256(envelope.document_id.encode()).hexdigest()[:8]
    attributes = (
        ("id", reference),
        ("version", "1.0"),
        ("mustUnderstand", "1"),
        ("actor", _SOAP_NEXT),
    )
    trace = Part(
        names.TRACE_LIST,
        parts=(_business(envelope.business, envelope.kind), *map(_hop, envelope.trace)),
        attributes=attributes if dotnet else (),
    )
    header = Part(names.MESSAGE_HEADER, parts=_message_header(envelope))
    return (header, trace, Part("DigitalSignature")) if dotnet else (header, trace)


def status_header(envelope: Envelope) -> tuple[Part, ...]:
    """``MessageHeader`` of a status message. ``ValueError`` when the envelope is none."""
    if envelope.status is None or not envelope.response_for:
        raise ValueError("not a status message about a document")
    status = envelope.status
    parts = (
        Part("From", parts=_fields(envelope.sender, names.ORGANIZATION)),
        _answer(envelope.response_for[0]),
        Part("StaffInfo", parts=_fields(status.staff, names.STAFF)),
        Part("StatusCode", status.code),
        Part("Description", status.description),
        Part("Timestamp", status.timestamp),
    )
    return (Part(names.MESSAGE_HEADER, parts=parts),)


def manifest(envelope: Envelope, dialect: Dialect) -> Part:
    """The list of files; every file that is sent is named in it."""
    entries = (_reference(one, index, dialect) for index, one in enumerate(envelope.attachments))
    return Part(names.MANIFEST, parts=tuple(entries), attributes=(("version", "1.0"),))


def attachment_fields(one: Attachment, index: int, dialect: Dialect) -> tuple[Part, ...]:
    """The small fields of an ``Attachment``; .NET writes its id without ``cid:``."""
    prefix = "" if dialect is Dialect.DOTNET else "cid:"
    return (
        Part("ContentId", prefix + _content_id(one, index)),
        Part("AttachmentName", one.name),
        Part("Description", one.description),
        Part("ContentType", _content_type(one)),
    )


def _message_header(envelope: Envelope) -> tuple[Part, ...]:
    answers = tuple(map(_answer, envelope.response_for))
    recipients = (Part("To", parts=_fields(one, names.ORGANIZATION)) for one in envelope.recipients)
    return (
        Part("From", parts=_fields(envelope.sender, names.ORGANIZATION)),
        *recipients,
        Part("DocumentId", envelope.document_id),
        _group("Code", CodeNumber=envelope.code_number, CodeNotation=envelope.code_notation),
        _group("PromulgationInfo", Place=envelope.place, PromulgationDate=_date(envelope.promulgation_date)),
        Part("DocumentType", parts=_fields(envelope.document_type, names.DOCUMENT_TYPE)),
        Part("Subject", envelope.subject),
        Part("Content", envelope.content),
        Part("SignerInfo", parts=_fields(envelope.signer, names.SIGNER)),
        Part("DueDate", _date(envelope.due_date)),
        Part("ToPlaces", parts=_repeated("Place", envelope.to_places)),
        Part("OtherInfo", parts=_other(envelope.other)),
        *answers,
        Part("SteeringType", envelope.steering_type),
        Part("ResponseForTask", parts=_repeated("TaskCode", envelope.task_codes), optional=True),
        Part("ApplicationType", envelope.application_type, optional=True),
    )


def _other(other: OtherInfo) -> tuple[Part, ...]:
    """``Direction`` is always written by Java; .NET does not know it and gets it only when it is true."""
    return (
        Part("Priority", other.priority_raw or str(other.priority)),
        Part("SphereOfPromulgation", other.sphere),
        Part("TyperNotation", other.typer_notation),
        Part("PromulgationAmount", other.promulgation_amount),
        Part("PageAmount", other.page_amount),
        Part("ReplyFors", other.reply_fors, optional=True),
        Part("Direction", "true" if other.direction else "false"),
        Part("ReferenceCodes", other.reference_codes, optional=True),
        Part("Appendixes", parts=_repeated("Appendix", other.appendixes)),
    )


def _answer(answer: ResponseFor) -> Part:
    return _group(
        "ResponseFor",
        OrganId=answer.organ_id,
        Code=answer.code,
        PromulgationDate=_date(answer.promulgation_date),
        DocumentId=answer.document_id,
    )


def _business(business: Business, kind: Kind) -> Part:
    flags = business.content_changed or business.receivers_changed or business.receiver_changes
    changed = kind is Kind.UPDATE or bool(flags)
    parts = (
        Part("DocumentId", business.document_id, optional=True),
        Part("BussinessDocType", str(kind.wire_number)),
        Part("BussinessDocReason", business.reason),
        Part("Paper", business.paper),
        *((_document_info(business),) if changed else ()),
        Part("ReplacementInfoList", parts=tuple(map(_replacement, business.replacements)), optional=True),
        Part("StaffInfo", parts=_fields(business.staff, names.STAFF)),
    )
    return Part(names.BUSINESS, parts=parts)


def _document_info(business: Business) -> Part:
    receivers = Part("ReceiverList", parts=tuple(map(_receiver, business.receiver_changes)), optional=True)
    parts = (
        Part("DocumentInfo", _digit(business.content_changed)),
        Part("DocumentReceiver", _digit(business.receivers_changed)),
        receivers,
    )
    return Part("BussinessDocumentInfo", parts=parts)


def _receiver(change: ReceiverChange) -> Part:
    return _group("Receiver", OrganId=change.organ_id, ReceiverType=_digit(change.added))


def _replacement(info: ReplacementInfo) -> Part:
    holders = Part("OrganIdList", parts=_repeated("OrganId", info.organ_ids), optional=True)
    return Part("ReplacementInfo", parts=(Part("DocumentId", info.document_id), holders))


def _hop(hop: TraceHeader) -> Part:
    return _group("TraceHeader", OrganId=hop.organ_id, Timestamp=hop.timestamp)


def _reference(one: Attachment, index: int, dialect: Dialect) -> Part:
    """Java says application/zip for every file here, also for those it does not pack (reference 6.1 f)."""
    content_id = "cid:" + _content_id(one, index)
    java = dialect is Dialect.JAVA
    link = (
        ("xmlns:xlink", names.XLINK),
        ("xlink:href", content_id),
        ("xlink:role", "XLinkRole"),
        ("xlink:type", "simple"),
    )
    parts = (
        Part("ContentId", content_id),
        Part("ContentType", "application/zip" if java else _content_type(one)),
        Part("Description", one.description),
        Part("AttachmentName", one.name),
    )
    return Part(names.REFERENCE, parts=parts, attributes=() if java else link)


def _content_id(one: Attachment, index: int) -> str:
    return one.content_id or f"file-{index + 1}"


def _content_type(one: Attachment) -> str:
    return _FORMATS.get(one.format, "application/octet-stream")


def _fields(value: object, fields: Mapping[str, str]) -> tuple[Part, ...]:
    """Plain text children from the attributes of one of the model's values; codes of staff are optional."""
    optional = ("DepartmentId", "StaffId")
    return tuple(
        Part(name, getattr(value, field), optional=name in optional) for name, field in fields.items()
    )


def _repeated(name: str, texts: tuple[str, ...]) -> tuple[Part, ...]:
    """One child for each text; one empty child for none, as .NET writes it."""
    return tuple(Part(name, text) for text in texts) or (Part(name),)


def _group(group: str, **texts: str) -> Part:
    return Part(group, parts=tuple(Part(name, text) for name, text in texts.items()))


def _date(one: DateText) -> str:
    """yyyy/MM/dd; a text that is no date goes on as it came."""
    return one.value.strftime("%Y/%m/%d") if one.value else one.raw


def _digit(value: bool) -> str:
    return "1" if value else "0"
