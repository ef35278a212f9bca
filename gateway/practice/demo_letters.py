"""The letters of the scenario as edXML files: a signed PDF in an envelope of the sender's dialect.

In charge of: paper, signatures by person and agency, header, and the XML signature where a letter has one.
What the sending office's document system does in real life. Not in charge of: sending (``agency``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from gateway.directory.snapshot import Directory
from gateway.edxml.build import build_envelope
from gateway.model.envelope import (
    Attachment,
    Business,
    DateText,
    DocumentType,
    Envelope,
    Kind,
    Organization,
    OtherInfo,
    ResponseFor,
    SignerInfo,
    StaffInfo,
    TraceHeader,
)
from gateway.model.text import AgencyCode
from gateway.practice.papers import Paper, make_paper, sign_paper
from gateway.practice.pki import Identity
from gateway.practice.scenario import Habit, Letter, Signatory
from gateway.signature.seal import sign_envelope

SIGNED_BEFORE = timedelta(minutes=60)  # the person signs an hour before the letter is sent
SEALED_BEFORE = timedelta(minutes=25)  # the records office seals it
TYPES = {"Quyết định": "2", "Kế hoạch": "10", "Báo cáo": "14", "Công văn": "18"}


@dataclass(frozen=True, slots=True)
class Desk:
    """What an office needs to write letters: the directory, and its two signers."""

    habit: Habit
    directory: Directory
    person: Identity
    agency: Identity
    answered: dict[str, Letter]  # number/notation -> the letter, for references


def write_letter(letter: Letter, desk: Desk, *, signed_paper: bool = True) -> bytes:
    """The whole edXML file. CPU work of some tens of milliseconds: call it on a thread."""
    pdf = make_paper(_paper(letter, desk))
    if signed_paper:
        signed_at, sealed_at = letter.at - SIGNED_BEFORE, letter.at - SEALED_BEFORE
        pdf = sign_paper(pdf, desk.person, desk.agency, signed_at, sealed_at)
    envelope = _envelope(letter, desk, len(pdf))
    data = b"".join(build_envelope(envelope, lambda _: (pdf,), desk.habit.writes))
    if not letter.sealed:
        return data
    return sign_envelope(data, desk.agency.private_key, desk.agency.chain)


def with_one_byte_changed(signed: bytes) -> bytes:
    """A signed envelope after somebody changed the hour of the meeting it calls to."""
    return _replaced_once(signed, "mời họp trực tuyến", "mời họp trực tuyếN")


def document_id(letter: Letter, directory: Directory) -> str:
    """The DocumentId that the national samples use: sender, day, number and notation."""
    day = letter.at.date()
    return f"{_written(directory, letter.sender, day)},{day:%Y/%m/%d},{letter.code}"


def _replaced_once(data: bytes, old: str, new: str) -> bytes:
    before, after = old.encode(), new.encode()
    if before not in data:
        raise ValueError(f"the envelope does not say {old!r}")
    return data.replace(before, after, 1)


def _paper(letter: Letter, desk: Desk) -> Paper:
    day, directory = letter.at.date(), desk.directory
    signatory = _signatory(desk)
    row = directory.agency(letter.sender, day)
    parent = directory.name(row.parent, day) if row and row.parent else ""
    plain = letter.type_name == "Công văn"
    names = [directory.name(AgencyCode(code), day) or code for code in letter.recipients]
    return Paper(
        agency=directory.name(letter.sender, day),
        number=letter.number,
        notation=letter.notation,
        place=desk.habit.place,
        day=day,
        subject=letter.subject.removeprefix("V/v "),
        body=letter.body,
        signer_title="\n".join(filter(None, (signatory.competence, signatory.position))),
        signer_name=signatory.name,
        made_at=letter.at - SIGNED_BEFORE,
        parent=parent,
        kind="" if plain else letter.type_name.upper(),
        addressees=names if plain else (),
        copies=("Như trên", "Lưu: VT") if plain else (*names, "Lưu: VT"),
    )


def _envelope(letter: Letter, desk: Desk, size: int) -> Envelope:
    day, signatory = letter.at.date(), _signatory(desk)
    number = letter.number
    return Envelope(
        kind=Kind.NEW,
        sender=_organization(desk.directory, letter.sender, day),
        recipients=tuple(_organization(desk.directory, code, day) for code in letter.recipients),
        document_id=document_id(letter, desk.directory),
        code_number=number,
        code_notation=letter.notation,
        place=desk.habit.place,
        promulgation_date=_date_text(day),
        document_type=DocumentType(TYPES[letter.type_name], "0", letter.type_name),
        subject=letter.subject,
        content=letter.subject,
        signer=SignerInfo(signatory.competence, signatory.position, signatory.name),
        to_places=("Như trên", "Lưu: VT"),
        other=OtherInfo(
            priority=letter.urgency,
            sphere="Liên thông",
            typer_notation="VT",
            promulgation_amount="1",
            page_amount="1",
        ),
        response_for=_answers(letter, desk),
        steering_type="1",
        business=Business(
            reason="Văn bản điện tử mới",
            paper="0",
            staff=StaffInfo(department="Văn thư", staff="Văn thư mẫu", email="vanthu@example.invalid"),
        ),
        trace=(TraceHeader(_written(desk.directory, letter.sender, day), _stamp(letter.at)),),
        attachments=(
            Attachment(
                content_id=f"{number}-{letter.sender}",
                name=f"{number}_{_plain(letter.notation)}.signed.pdf",
                size=size,
                sha256=b"",
                content_type="application/pdf",
                format="pdf",
                description="Văn bản chính",
            ),
        ),
    )


def _answers(letter: Letter, desk: Desk) -> tuple[ResponseFor, ...]:
    if not letter.answers:
        return ()
    answered = desk.answered[letter.answers]
    day = answered.at.date()
    return (
        ResponseFor(
            organ_id=_written(desk.directory, answered.sender, day),
            code=answered.code,
            promulgation_date=_date_text(day),
            document_id=document_id(answered, desk.directory),
        ),
    )


def _signatory(desk: Desk) -> Signatory:
    if desk.habit.signatory is None:
        raise ValueError(f"{desk.habit.code} only receives")
    return desk.habit.signatory


def _organization(directory: Directory, code: str, day: date) -> Organization:
    """As the sample messages write organisations; an unknown code is written as it is."""
    agency = AgencyCode(code)
    name = directory.name(agency, day)
    row = directory.agency(agency, day)
    above = directory.name(row.parent, day) if row and row.parent else name
    return Organization(
        organ_id=_written(directory, agency, day),
        in_charge=above or "Chưa rõ",
        name=name or "Đơn vị không có trong danh mục",
        address="Tỉnh Lạng Sơn",
        email="vanthu@example.invalid",
        telephone="02050000000",
    )


def _written(directory: Directory, code: AgencyCode, day: date) -> str:
    return directory.written_form(code, "qcvn102", day)


def _date_text(day: date) -> DateText:
    return DateText(f"{day:%Y/%m/%d}", day)


def _stamp(moment: datetime) -> str:
    """As ``yyyy/MM/dd HH:mm:ss``, local time."""
    return f"{moment:%Y/%m/%d %H:%M:%S}"


def _plain(notation: str) -> str:
    """A notation for a file name: only ASCII letters, digits and ``-``."""
    folded = notation.replace("Đ", "D").replace("Ư", "U").replace("/", "-")
    return "".join(letter for letter in folded if letter.isascii())
