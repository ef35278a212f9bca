"""Which data of QĐ 28/2018 Đ10.2 a document's header lacks. Pure.

In charge of: the list of fields that a header can show, and which of them are empty or unreadable. Not in
charge of: findings on them (``form.py``, ``competence.py``), counting (K10, C7: ``compliance/``).

The handling deadline is not in the list: most documents have none. Urgency is there unless it is unreadable:
a header without it is not urgent. Status and history are the gateway's own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gateway.checks.standard import PRIORITIES
from gateway.model.envelope import Envelope
from gateway.model.text import Bilingual


@dataclass(frozen=True, slots=True)
class DataField:
    """A field by its name in the standard (the fact ``metadata`` holds it), and whether it is there."""

    name: str
    text: Bilingual
    is_there: Callable[[Envelope], bool]


FIELDS = (
    DataField(
        "From/OrganId", Bilingual("Mã cơ quan gửi", "Sender's code"), lambda e: bool(e.sender.organ_id)
    ),
    DataField("From/OrganName", Bilingual("Tên cơ quan gửi", "Sender's name"), lambda e: bool(e.sender.name)),
    DataField(
        "To/OrganId",
        Bilingual("Mã nơi nhận", "Recipients' codes"),
        lambda e: bool(e.recipients) and all(to.organ_id for to in e.recipients),
    ),
    DataField(
        "To/OrganName",
        Bilingual("Tên nơi nhận", "Recipients' names"),
        lambda e: bool(e.recipients) and all(to.name for to in e.recipients),
    ),
    DataField("DocumentId", Bilingual("Mã định danh văn bản", "DocumentId"), lambda e: bool(e.document_id)),
    DataField("Code/CodeNumber", Bilingual("Số văn bản", "Number"), lambda e: bool(e.code_number)),
    DataField("Code/CodeNotation", Bilingual("Ký hiệu văn bản", "Notation"), lambda e: bool(e.code_notation)),
    DataField(
        "PromulgationInfo/PromulgationDate",
        Bilingual("Ngày ban hành", "Date of promulgation"),
        lambda e: e.promulgation_date.value is not None,
    ),
    DataField(
        "DocumentType/TypeName",
        Bilingual("Tên loại văn bản", "Kind of document"),
        lambda e: bool(e.document_type.name),
    ),
    DataField("Subject", Bilingual("Trích yếu", "Subject"), lambda e: bool(e.subject)),
    DataField(
        "SignerInfo/FullName", Bilingual("Họ tên người ký", "Signer"), lambda e: bool(e.signer.full_name)
    ),
    DataField(
        "SignerInfo/Position",
        Bilingual("Chức vụ người ký", "Signer's title"),
        lambda e: bool(e.signer.position),
    ),
    DataField(
        "OtherInfo/Priority",
        Bilingual("Độ khẩn", "Urgency"),
        lambda e: not e.other.priority_raw or e.other.priority_raw in PRIORITIES,
    ),
    DataField("AttachmentEncoded", Bilingual("Tệp văn bản", "Files"), lambda e: bool(e.attachments)),
)


def missing_metadata(envelope: Envelope) -> list[str]:
    """Names of the fields that are not there, in the order of the list."""
    return [field.name for field in FIELDS if not field.is_there(envelope)]
