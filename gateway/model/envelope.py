"""One edXML message as words (QCVN 102:2016/BTTTT).

In charge of: the shape of a parsed message. Field names follow the element names in snake case, with the
standard's misspellings corrected in Python only (``Bussiness`` is ``business`` here and ``Bussiness`` on the
wire). Texts are NFC and stripped; an empty element, a missing one and the text ``null`` are all ``""``.
Not in charge of: reading or writing bytes (``edxml/``), knowing agencies (``directory/``): ``organ_id`` is
the text of the partner, in whatever identifier scheme.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import date


class Kind(enum.Enum):
    """What a message is. The wire number stands in ``Bussiness/BussinessDocType``."""

    NEW = "new"  # 0
    REVOKE = "revoke"  # 1 thu hồi
    UPDATE = "update"  # 2 cập nhật
    REPLACE = "replace"  # 3 thay thế
    STATUS = "status"  # has no BussinessDocType

    @property
    def wire_number(self) -> int:
        """0 to 3 for the document kinds; ``ValueError`` for a status."""
        return (Kind.NEW, Kind.REVOKE, Kind.UPDATE, Kind.REPLACE).index(self)


class Dialect(enum.Enum):
    """The two ways in which agencies' software writes edXML."""

    JAVA = "java"  # national Java library: order J of the reference, empty elements left out
    DOTNET = "dotnet"  # national .NET library: order N, empty elements written


class SignatureForm(enum.Enum):
    """What stands where an XML signature could stand."""

    NONE = "none"
    EMPTY = "empty"  # <edXML:DigitalSignature/> of the .NET dialect: no signature
    WRONG_NAMESPACE = "wrong_namespace"  # <Signature> in the QCVN namespace: no signature
    XMLDSIG = "xmldsig"  # {http://www.w3.org/2000/09/xmldsig#}Signature


@dataclass(frozen=True, slots=True)
class DateText:
    """A date as the partner wrote it, and our reading of it (``None``: no or an impossible date)."""

    raw: str = ""
    value: date | None = None


@dataclass(frozen=True, slots=True)
class Organization:
    """``From`` or one ``To``."""

    organ_id: str
    in_charge: str = ""
    name: str = ""
    address: str = ""
    email: str = ""
    telephone: str = ""
    fax: str = ""
    website: str = ""


@dataclass(frozen=True, slots=True)
class DocumentType:
    """``DocumentType``: numbers are kept as text; classify by ``name`` only (reference section 2.1)."""

    type: str = ""
    detail: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class SignerInfo:
    """``SignerInfo``: who signed, as declared in the header."""

    competence: str = ""
    position: str = ""
    full_name: str = ""


@dataclass(frozen=True, slots=True)
class OtherInfo:
    """``OtherInfo``; ``priority`` 0 to 4 (0 when absent or unreadable; the text is ``priority_raw``)."""

    priority: int = 0
    priority_raw: str = ""
    sphere: str = ""
    typer_notation: str = ""
    promulgation_amount: str = ""
    page_amount: str = ""
    direction: bool = False
    reply_fors: str = ""
    reference_codes: str = ""
    appendixes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ResponseFor:
    """``ResponseFor``: the document that this message answers (or, in a status, is about)."""

    organ_id: str = ""
    code: str = ""  # "number/notation"
    promulgation_date: DateText = DateText()
    document_id: str = ""


@dataclass(frozen=True, slots=True)
class StaffInfo:
    """``StaffInfo``: personal data of the clerk; never enters the content digest or an event body."""

    department: str = ""
    department_id: str = ""
    staff: str = ""
    staff_id: str = ""
    email: str = ""
    mobile: str = ""


@dataclass(frozen=True, slots=True)
class TraceHeader:
    """One hop; ``timestamp`` is the partner's text (``yyyy/MM/dd HH:mm:ss``, local, no zone)."""

    organ_id: str = ""
    timestamp: str = ""


@dataclass(frozen=True, slots=True)
class ReceiverChange:
    """One ``ReceiverList/Receiver`` of an update."""

    organ_id: str
    added: bool  # ReceiverType 1; 0 = removed


@dataclass(frozen=True, slots=True)
class ReplacementInfo:
    """One replaced document, and who had received it."""

    document_id: str
    organ_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Business:
    """``Bussiness``: what kind of message this is and why."""

    document_id: str = ""  # the affected document, in updates and some revocations
    doc_type: str = "0"  # the wire text
    reason: str = ""
    paper: str = ""
    content_changed: bool = False  # BussinessDocumentInfo/DocumentInfo
    receivers_changed: bool = False  # BussinessDocumentInfo/DocumentReceiver
    receiver_changes: tuple[ReceiverChange, ...] = ()
    replacements: tuple[ReplacementInfo, ...] = ()
    staff: StaffInfo = StaffInfo()


@dataclass(frozen=True, slots=True)
class StatusReport:
    """The status part of a status message (reference section 3)."""

    code: str  # two digits; "1" was read as "01"
    description: str = ""
    timestamp: str = ""  # the partner's text, part of the duplicate key
    staff: StaffInfo = StaffInfo()


@dataclass(frozen=True, slots=True)
class Reference:
    """One promised file of the manifest; ``content_id`` without ``cid:``."""

    content_id: str = ""
    content_type: str = ""
    description: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Attachment:
    """One file that travelled, as it was after base64 and (where the wrapper form was used) unzipping.

    ``size`` is bytes, ``sha256`` covers the decoded and unwrapped bytes; the bytes themselves are not here.
    """

    content_id: str
    name: str
    size: int
    sha256: bytes
    content_type: str = ""  # as declared: never trusted
    format: str = ""  # by the bytes: pdf, docx, xlsx, pptx, odf, zip, doc, xml, text, empty, unknown
    description: str = ""
    wrapped: bool = False  # arrived as a ZIP with one entry <uuid>.<ext>
    in_manifest: bool = True


@dataclass(frozen=True, slots=True)
class Extension:
    """An element or attribute that the standard does not know, kept: where it stood and what it said."""

    path: str  # local names from the root, joined by "/"; an attribute ends with "@name"
    text: str


@dataclass(frozen=True, slots=True)
class Envelope:
    """A whole message. For a status only ``kind``, ``sender``, ``response_for``, ``status`` and
    ``extensions`` are filled, and ``document_id`` is that of the document reported on."""

    kind: Kind
    sender: Organization
    recipients: tuple[Organization, ...] = ()
    document_id: str = ""
    code_number: str = ""
    code_notation: str = ""
    place: str = ""
    promulgation_date: DateText = DateText()
    document_type: DocumentType = DocumentType()
    subject: str = ""
    content: str = ""
    signer: SignerInfo = SignerInfo()
    due_date: DateText = DateText()
    to_places: tuple[str, ...] = ()
    other: OtherInfo = OtherInfo()
    response_for: tuple[ResponseFor, ...] = ()
    steering_type: str = ""
    task_codes: tuple[str, ...] = ()
    application_type: str = ""
    business: Business = Business()
    trace: tuple[TraceHeader, ...] = ()
    references: tuple[Reference, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    status: StatusReport | None = None
    signature: SignatureForm = SignatureForm.NONE
    dialect: Dialect = Dialect.JAVA  # the reader's guess from the order of elements
    extensions: tuple[Extension, ...] = ()
