"""Is the header complete and in form? Nothing here refuses: it travels to the recipient's clerk.

In charge of: what a form can show without a directory or a store. Not in charge of: whether the bytes can be
read and follow the standard's structure (``edxml/``), how the document looks on paper.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from gateway.checks.standard import ADMINISTRATIVE_TYPES, LIMITS, OTHER_TYPES, PRIORITIES
from gateway.checks.subject import Subject, info, warning
from gateway.checks.wording import clean, fold
from gateway.model.envelope import Kind
from gateway.model.finding import Finding

_TYPES = frozenset(fold(name) for name in (*ADMINISTRATIVE_TYPES, *OTHER_TYPES))


def parts_are_present(subject: Subject) -> Iterator[Finding]:
    """NĐ 30/2020 Đ8.2: abstract, number and notation, name of the kind."""
    envelope = subject.envelope
    parts = (
        ("subject.missing", "Subject", "trích yếu", "the subject", envelope.subject),
        ("number.missing", "Code/CodeNumber", "số văn bản", "the number", envelope.code_number),
        ("notation.missing", "Code/CodeNotation", "ký hiệu văn bản", "the notation", envelope.code_notation),
        (
            "type.missing",
            "DocumentType/TypeName",
            "tên loại văn bản",
            "the kind",
            envelope.document_type.name,
        ),
    )
    for rule, where, vi, en, text in parts:
        if not text:
            yield warning(
                rule,
                where,
                f"Thiếu {vi}. Hãy ghi đầy đủ theo văn bản.",
                f"{en.capitalize()} of the document is missing. Write it as it stands on the document.",
                "NĐ 30/2020 Đ8.2",
            )


def type_is_listed(subject: Subject) -> Iterator[Finding]:
    """NĐ 30/2020 Đ7 names 29 administrative kinds; normative documents and copies are known besides."""
    name = subject.envelope.document_type.name
    bare = fold(clean(name).partition("(")[0].strip())
    if bare and bare not in _TYPES:
        yield info(
            "type.not_listed",
            "DocumentType/TypeName",
            f"Tên loại “{name}” không có trong 29 loại văn bản hành chính.",
            f"The kind “{name}” is not one of the 29 kinds of administrative documents.",
            "NĐ 30/2020 Đ7",
        )


def date_is_possible(subject: Subject) -> Iterator[Finding]:
    """The date of promulgation can be read and is not in the future; the text goes on as it came."""
    date = subject.envelope.promulgation_date
    if not date.raw:
        trouble = "Thiếu ngày ban hành văn bản.", "The date of promulgation is missing."
        rule = "date.missing"
    elif date.value is None:
        trouble = f"Ngày ban hành “{date.raw}” không có thật.", f"There is no such date as “{date.raw}”."
        rule = "date.impossible"
    elif date.value > subject.today:
        trouble = (
            f"Ngày ban hành {date.value:%d/%m/%Y} sau ngày gửi.",
            f"The date of promulgation, {date.value}, lies in the future.",
        )
        rule = "date.future"
    else:
        return
    vi, en = trouble
    yield warning(
        rule,
        "PromulgationInfo/PromulgationDate",
        f"{vi} Hãy kiểm tra lại theo văn bản.",
        f"{en} Check it against the document.",
        "NĐ 30/2020 Đ8.2",
    )


def priority_is_known(subject: Subject) -> Iterator[Finding]:
    """QĐ 28/2018 Đ10.2 lists the urgency; edXML writes 0 to 4."""
    raw = subject.envelope.other.priority_raw
    if raw and raw not in PRIORITIES:
        yield warning(
            "priority.unknown",
            "OtherInfo/Priority",
            f"Độ khẩn “{raw}” không thuộc 0 đến 4; trục gửi như văn bản thường.",
            f"The urgency “{raw}” is not 0 to 4; the document is sent as not urgent.",
            "QĐ 28/2018 Đ10.2",
        )


def lengths_fit(subject: Subject) -> Iterator[Finding]:
    """Longer texts are passed on whole, but a recipient's system may cut them."""
    for limit in LIMITS:
        length = len(limit.read(subject.envelope))
        if length > limit.most:
            yield warning(
                "length.over",
                limit.where,
                f"{limit.vi.capitalize()} dài {length} ký tự, quá {limit.most}; phần mềm nơi nhận có thể "
                "cắt bớt.",
                f"{limit.where} has {length} characters, more than {limit.most}; the recipient may cut it.",
                limit.clause,
            )


def files_are_there(subject: Subject) -> Iterator[Finding]:
    """QĐ 28/2018 Đ10.1: the document itself and the whole accompanying dossier."""
    envelope = subject.envelope
    attachments = envelope.attachments
    only_receivers = envelope.kind is Kind.UPDATE and not envelope.business.content_changed
    if not attachments and not only_receivers:
        yield warning(
            "file.missing",
            "AttachmentEncoded",
            "Gói tin không có tệp văn bản nào. Hãy đính kèm văn bản đã ký số.",
            "The message carries no file. Attach the signed document.",
            "QĐ 28/2018 Đ10.1",
        )
    for attachment in attachments:
        if attachment.size == 0:
            yield warning(
                "file.empty",
                attachment.name or "AttachmentEncoded",
                f"Tệp {attachment.name} rỗng. Hãy đính kèm lại.",
                f"The file {attachment.name} is empty. Attach it again.",
                "QĐ 28/2018 Đ10.1",
            )


def recipients_are_distinct(subject: Subject) -> Iterator[Finding]:
    """Each recipient once, and not the sender itself."""
    named = Counter(subject.canonical(to.organ_id) for to in subject.envelope.recipients)
    for code, times in named.items():
        if times > 1:
            yield warning(
                "recipient.doubled",
                code or "To/OrganId",
                f"Nơi nhận {code} được ghi {times} lần; trục chỉ gửi một lần.",
                f"The recipient {code} is named {times} times; it gets the document once.",
            )
    sender = subject.sender or subject.canonical(subject.envelope.sender.organ_id)
    if sender and sender in named:
        yield warning(
            "recipient.is_sender",
            sender,
            f"Nơi nhận {sender} chính là cơ quan gửi. Hãy kiểm tra lại nơi nhận.",
            f"The recipient {sender} is the sender itself. Check the recipients.",
        )
