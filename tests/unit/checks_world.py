"""A small world for the tests of directory and checks: a province, its agencies, and a sound message."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

from gateway.checks.subject import Earlier, Subject
from gateway.checks.table import run_checks
from gateway.clock import from_datetime
from gateway.directory.load import default_level_sets
from gateway.directory.snapshot import Directory
from gateway.model.agency import Agency, Alias, Period, Profile, Succession, SuccessionKind
from gateway.model.envelope import (
    Attachment,
    Business,
    DateText,
    DocumentType,
    Envelope,
    Kind,
    Organization,
    OtherInfo,
    SignerInfo,
    StatusReport,
)
from gateway.model.finding import Finding, Severity
from gateway.model.text import AgencyCode

ON = date(2020, 4, 13)
NOW = from_datetime(datetime(2020, 4, 13, 15, 30))
PROVINCE = AgencyCode("H37")
CLOSED_ON = date(2020, 3, 31)


def code(text: str) -> AgencyCode:
    return AgencyCode(text)


def agency(
    text: str,
    name: str = "",
    level: str = "province",
    parent: str = "",
    start: date | None = None,
    end: date | None = None,
    test: bool = False,
) -> Agency:
    above = code(parent) if parent else None
    return Agency(code(text), name or f"Cơ quan {text}", level, above, Period(start, end), test)


def succession(old: str, *new: str, on: date = date(2020, 4, 1)) -> tuple[Succession, ...]:
    kind = (
        SuccessionKind.DISSOLVE
        if not new
        else SuccessionKind.MERGE
        if len(new) == 1
        else SuccessionKind.SPLIT
    )
    return tuple(Succession(code(old), code(n) if n else None, kind, on) for n in (new or ("",)))


AGENCIES = (
    agency("H37", "UBND tỉnh Lạng Sơn"),
    agency("H37.03", "Sở Thông tin và Truyền thông", parent="H37"),
    agency("H37.05", "Sở Y tế", parent="H37"),
    agency("H37.31", "UBND thành phố Lạng Sơn", "district", "H37"),
    agency("H37.31.21", "UBND phường Tam Thanh", "commune", "H37.31"),
    agency("H37.61", "Đơn vị một kế thừa", parent="H37", end=CLOSED_ON),
    agency("H37.62", "Đơn vị hai kế thừa", parent="H37", end=CLOSED_ON),
    agency("H37.63", "Đơn vị giải thể", parent="H37", end=CLOSED_ON),
    agency("H37.64", "Đơn vị tương lai", parent="H37", start=date(2021, 1, 1)),
    agency("W00.01", "Đơn vị thử", "outside", test=True),
    agency("G22", "Văn phòng Chính phủ", "outside"),
)
SUCCESSIONS = (
    *succession("H37.61", "H37.03"),
    *succession("H37.62", "H37.03", "H37.05"),
    *succession("H37.63"),
)
ALIASES = (Alias("vxp.saas.12", code("H37.05"), "vxp"),)


def directory(
    agencies: tuple[Agency, ...] = AGENCIES,
    aliases: tuple[Alias, ...] = ALIASES,
    successions: tuple[Succession, ...] = SUCCESSIONS,
    profiles: tuple[Profile, ...] = (),
) -> Directory:
    return Directory(agencies, aliases, successions, default_level_sets(), profiles)


def to(*codes: str) -> tuple[Organization, ...]:
    return tuple(Organization(text, name="Nơi nhận") for text in codes)


SOUND = Envelope(
    kind=Kind.NEW,
    sender=Organization("000.00.00.H37", name="UBND tỉnh Lạng Sơn"),
    recipients=to("000.00.03.H37", "000.00.05.H37"),
    document_id="000.00.00.H37,2020/04/13,362/UBND-KGVX",
    code_number="362",
    code_notation="UBND-KGVX",
    place="Lạng Sơn",
    promulgation_date=DateText("2020/04/13", ON),
    document_type=DocumentType("18", "0", "Công văn"),
    subject="V/v xây dựng Chính quyền điện tử",
    content="V/v xây dựng Chính quyền điện tử",
    signer=SignerInfo("KT. CHỦ TỊCH", "Phó Chủ tịch", "Người ký mẫu"),
    other=OtherInfo(priority=1, priority_raw="1"),
    business=Business(reason="Văn bản điện tử mới"),
    attachments=(Attachment("cv-1", "362_cv.signed.pdf", 1000, b"\1" * 32, "application/pdf", "pdf"),),
)
STATUS = Envelope(
    kind=Kind.STATUS,
    sender=Organization("000.00.03.H37"),
    document_id=SOUND.document_id,
    status=StatusReport("03", "Đã tiếp nhận", "2020/04/13 15:40:00"),
)
KNOWN = Earlier(
    known_document=True,
    first_message="01",
    document_sender=PROVINCE,
    document_recipients=frozenset({code("H37.03"), code("H37.05")}),
)


def subject(envelope: Envelope = SOUND, **changes: object) -> Subject:
    """The sound message at the gate, with everything at hand; ``changes`` are fields of ``Subject``."""
    everything = directory()
    sender = everything.resolve(envelope.sender.organ_id)
    base = Subject(
        envelope, sender, frozenset({PROVINCE, code("H37.03")}), everything, NOW, earlier=Earlier()
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def findings(envelope: Envelope = SOUND, **changes: object) -> list[Finding]:
    return run_checks(subject(envelope, **changes))


def rules(envelope: Envelope = SOUND, **changes: object) -> dict[str, Severity]:
    """Rule -> severity of everything that the checks say."""
    return {finding.rule: finding.severity for finding in findings(envelope, **changes)}
