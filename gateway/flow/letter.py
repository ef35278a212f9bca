"""A clerk sends a signed PDF with a form, where her document system is missing or down.

In charge of: what the form must say, writing the edXML, and sending it through the same gate as any upload;
the record that it was sent by hand, so that the system that comes back doubles nothing. Not in charge of: the
form (``web/console/compose.py``), the gate (``submit.py``).

The DocumentId is the usual one of document systems: sender, day, number and notation. The same document again
is a repeat there, and another content under it a conflict (contracts: duplicate key).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from gateway.checks.standard import ADMINISTRATIVE_TYPES, PRIORITIES
from gateway.clock import local, local_day
from gateway.directory.snapshot import Directory, StandingKind
from gateway.edxml.build import build_envelope
from gateway.errors import WrongState
from gateway.flow.desk import require_own, row_of
from gateway.flow.door import Caller, receive
from gateway.flow.submit import Answer, Submission, submit
from gateway.flow.terms import folded
from gateway.model.agency import Agency
from gateway.model.envelope import (
    Attachment,
    Business,
    DateText,
    Dialect,
    DocumentType,
    Envelope,
    Kind,
    Organization,
    OtherInfo,
    Reference,
    SignerInfo,
    TraceHeader,
)
from gateway.model.text import AgencyCode, Bilingual
from gateway.services import Services
from gateway.store import desk
from gateway.store.blobs import Staging
from gateway.store.contract import Tx

TYPES = tuple(name.capitalize() for name in ADMINISTRATIVE_TYPES)
MAIN_FORMAT = b"%PDF-"
MOST_FOUND = 20
WRITTEN = "qcvn102"  # the form of agency codes that every document system reads


@dataclass(frozen=True, slots=True)
class Draft:
    """What the clerk typed, as it came: NĐ 30/2020 Đ8.2. ``day`` is ``None`` where the text is no date."""

    sender: AgencyCode
    to: tuple[AgencyCode, ...]
    number: str
    notation: str
    day: date | None
    type_name: str
    subject: str
    competence: str = ""
    position: str = ""
    signer: str = ""
    urgency: str = "0"
    place: str = ""
    again: bool = False  # the number was used before, and the clerk knows


@dataclass(frozen=True, slots=True)
class LetterFile:
    """A file of the letter, staged; the first is the document itself."""

    name: str
    staging: Staging


def problems(draft: Draft, files: Sequence[LetterFile]) -> list[Bilingual]:
    """What keeps the letter from being sent at all; everything else is for the gate to say."""
    lacking = [text for text, value in _wanted(draft) if not value]
    if draft.type_name and draft.type_name not in TYPES:
        lacking.append(_TYPE)
    if draft.urgency not in PRIORITIES:
        lacking.append(_URGENCY)
    if not files:
        lacking.append(_FILE)
    elif not next(files[0].staging.chunks(), b"").lstrip().startswith(MAIN_FORMAT):
        lacking.append(_PDF)
    return lacking


async def send_letter(gw: Services, caller: Caller, draft: Draft, files: Sequence[LetterFile]) -> Submission:
    """Write the message and hand it in. Raises what ``submit`` raises; ``WrongState``
    (``letter.number_used``) for the number of another document, unless the clerk says that she knows.

    The same letter again gets its first receipt.
    """
    require_own(caller, draft.sender)
    envelope = _envelope(gw, draft, files)
    if not draft.again:
        await gw.store.read(lambda tx: _require_fresh_number(tx, draft, envelope.document_id))
    pieces = build_envelope(envelope, lambda index: files[index].staging.chunks(), Dialect.JAVA)
    upload = await receive(gw, _async(pieces))

    def note(tx: Tx, answer: Answer) -> None:
        if answer.outcome in ("accepted", "held"):
            desk.add(tx, row_of(gw, caller, draft.sender, "sent", answer.message))

    return await submit(gw, caller, upload, beside=note)


class AgencyFinder:
    """Finds agencies by words of their names, without accents. Folded names are kept until the directory is
    another one."""

    def __init__(self) -> None:
        self._directory: Directory | None = None
        self._folded: list[tuple[str, AgencyCode]] = []

    def find(self, gw: Services, text: str) -> list[Agency]:
        """Agencies of today whose name or code holds every word, short names first."""
        words = folded(text).split()
        today = local_day(gw.clock.now())
        if not words:
            return []
        codes = [code for name, code in self._names(gw.directory) if all(word in name for word in words)]
        rows = (gw.directory.agency(code, today) for code in codes)
        found = [row for row in rows if row is not None and not row.test]
        return sorted(found, key=lambda row: (len(row.name), row.code))[:MOST_FOUND]

    def _names(self, directory: Directory) -> list[tuple[str, AgencyCode]]:
        if self._directory is not directory:
            names = {(f"{folded(row.name)} {row.code.casefold()}", row.code) for row in directory.agencies}
            self._directory, self._folded = directory, sorted(names)
        return self._folded


def can_receive(gw: Services, code: AgencyCode) -> bool:
    """True for an agency that can be addressed today."""
    return gw.directory.standing(code, local_day(gw.clock.now())).kind is StandingKind.ACTIVE


def _wanted(draft: Draft) -> list[tuple[Bilingual, object]]:
    return [
        (_TO, draft.to),
        (_NUMBER, draft.number),
        (_NOTATION, draft.notation),
        (_DAY, draft.day),
        (_NO_TYPE, draft.type_name),
        (_SUBJECT, draft.subject),
        (_SIGNER, draft.signer),
    ]


def _require_fresh_number(tx: Tx, draft: Draft, document_id: str) -> None:
    assert draft.day is not None
    key = f"{draft.day.year}\n{draft.number}\n{draft.notation}"
    rows = tx.all("documents_by_number", sender=draft.sender, number_key=key)
    other = next((row for row in rows if row["document_id"] != document_id), None)
    if other is not None:
        raise WrongState(_number_used(draft, other["document_id"]), code="letter.number_used")


def _envelope(gw: Services, draft: Draft, files: Sequence[LetterFile]) -> Envelope:
    assert draft.day is not None
    now = gw.clock.now()
    sender = _organization(gw, draft.sender)
    day = DateText(draft.day.strftime("%Y/%m/%d"), draft.day)
    attachments = tuple(_attachment(number, file) for number, file in enumerate(files, start=1))
    return Envelope(
        kind=Kind.NEW,
        sender=sender,
        recipients=tuple(_organization(gw, code) for code in draft.to),
        document_id=f"{sender.organ_id},{day.raw},{draft.number}/{draft.notation}",
        code_number=draft.number,
        code_notation=draft.notation,
        place=draft.place,
        promulgation_date=day,
        document_type=DocumentType("1", "0", draft.type_name),
        subject=draft.subject,
        content=draft.subject,
        signer=SignerInfo(draft.competence, draft.position, draft.signer),
        other=OtherInfo(priority=int(draft.urgency), priority_raw=draft.urgency),
        steering_type="1",
        business=Business(doc_type="0", paper="0"),
        trace=(TraceHeader(sender.organ_id, local(now).strftime("%Y/%m/%d %H:%M:%S")),),
        references=tuple(Reference(one.content_id, "application/pdf", "", one.name) for one in attachments),
        attachments=attachments,
    )


def _organization(gw: Services, code: AgencyCode) -> Organization:
    today = local_day(gw.clock.now())
    written = gw.directory.written_form(code, WRITTEN, today)
    return Organization(written, name=gw.directory.name(code, today))


def _attachment(number: int, file: LetterFile) -> Attachment:
    form = "pdf" if next(file.staging.chunks(), b"").startswith(MAIN_FORMAT) else ""
    return Attachment(
        f"file-{number}", file.name, file.staging.size, file.staging.sha256, format=form, in_manifest=True
    )


async def _async(pieces: Iterable[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


def _number_used(draft: Draft, document_id: str) -> Bilingual:
    code = f"{draft.number}/{draft.notation}"
    return Bilingual(
        f"Trong năm nay đơn vị đã gửi một văn bản số {code} (mã văn bản {document_id}). Nếu là cùng một văn "
        "bản thì không gửi lại; nếu là văn bản khác thì kiểm tra lại số, hoặc đánh dấu ô “Vẫn gửi”.",
        f"Your agency sent a document {code} this year (DocumentId {document_id}). If it is the same, do not "
        "send it again; if it is another, check the number, or tick “Send all the same”.",
    )


_TO = Bilingual("Chưa chọn nơi nhận.", "Choose at least one recipient.")
_NUMBER = Bilingual("Thiếu số văn bản.", "The number is missing.")
_NOTATION = Bilingual("Thiếu ký hiệu văn bản (ví dụ UBND-VP).", "The notation is missing (UBND-VP, say).")
_DAY = Bilingual("Thiếu ngày ban hành, hoặc ngày không có thật.", "The date is missing or no date.")
_NO_TYPE = Bilingual("Chưa chọn loại văn bản.", "Choose the kind of document.")
_TYPE = Bilingual(
    "Loại văn bản không thuộc 29 loại của Nghị định 30/2020 (Điều 7).", "No kind of NĐ 30/2020 Đ7."
)
_SUBJECT = Bilingual("Thiếu trích yếu nội dung.", "The subject is missing.")
_SIGNER = Bilingual("Thiếu họ tên người ký.", "The signer's name is missing.")
_URGENCY = Bilingual("Độ khẩn không hợp lệ.", "There is no such urgency.")
_FILE = Bilingual("Chưa chọn tệp PDF đã ký số.", "Choose the signed PDF.")
_PDF = Bilingual(
    "Tệp văn bản chính không phải PDF. Hãy chọn tệp PDF đã ký số.",
    "The main file is no PDF. Choose the signed PDF.",
)
