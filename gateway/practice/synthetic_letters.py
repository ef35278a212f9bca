"""What a synthetic document is: its number, files, signatures, and what the gate says of it.

In charge of: the facts of ``document.accepted``, of the shape that ``flow/facts.py`` gives real ones, with
the subject beside it. Not in charge of: when it is sent or what becomes of it (``synthetic_way``).
There are no bytes behind any hash here.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from gateway.directory.snapshot import OUTSIDE
from gateway.model.text import Instant
from gateway.practice.synthetic_dice import Dice, Table
from gateway.practice.synthetic_plan import Shares
from gateway.practice.synthetic_time import MINUTE, day_of, midnight, rfc3339
from gateway.practice.synthetic_units import Unit

KIB, MIB = 1024, 1024 * 1024
MEDIAN_PDF, SIGMA, LARGEST = 350 * KIB, 1.74, 50 * MIB  # p99 about 20 MiB
TYPES = Table(
    [
        (("Công văn", ""), 0.62),
        (("Báo cáo", "BC"), 0.13),
        (("Quyết định", "QĐ"), 0.09),
        (("Thông báo", "TB"), 0.06),
        (("Kế hoạch", "KH"), 0.05),
        (("Tờ trình", "TTr"), 0.05),
    ]
)
SUBJECTS = (
    "V/v triển khai nhiệm vụ trọng tâm trong tháng",
    "V/v báo cáo kết quả thực hiện công tác phòng, chống dịch",
    "V/v đôn đốc giải quyết kiến nghị của cử tri",
    "V/v cử cán bộ dự lớp bồi dưỡng nghiệp vụ",
    "V/v góp ý dự thảo kế hoạch",
    "V/v mời dự họp giao ban",
    "V/v rà soát, thống kê số liệu",
    "V/v thẩm định hồ sơ",
)
ATTACHED = Table([(0, 0.36), (1, 0.33), (2, 0.15), (3, 0.08), (4, 0.04), (6, 0.03), (8, 0.01)])
FORMATS = Table([("pdf", 0.62), ("docx", 0.2), ("xlsx", 0.18)])
UNSIGNED = Table([("leader", 0.5), ("agency", 0.2), ("none", 0.15), ("unchecked", 0.1), ("invalid", 0.05)])
SOURCES = Table([("signed_attribute", 0.8), ("timestamp", 0.18), ("declared", 0.02)])
AUTHORITY = Table(
    [("listed", 0.97), ("not_listed", 0.012), ("prefix_not_allowed", 0.008), ("unregistered", 0.01)]
)
MISSING: Table[tuple[str, ...]] = Table(
    [
        ((), 0.976),
        (("Subject",), 0.002),
        (("SignerInfo/FullName",), 0.012),
        (("Code/CodeNumber",), 0.005),
        (("OtherInfo/PageAmount",), 0.005),
    ]
)
WARNINGS = Table(
    [("", 0.975), ("recipient.doubled", 0.005), ("duplicate.number", 0.002), ("signature.pdf_order", 0.018)]
)
EXPIRED = "EXPIRED"


@dataclass(frozen=True, slots=True)
class Letter:
    """One document as it is handed in. ``way``: how it was signed (both, leader, agency, none, …)."""

    sender: Unit
    sent: Instant
    signed: Instant
    urgency: int
    way: str
    kind: str
    document_id: str
    number: str
    notation: str
    type_name: str
    subject: str
    facts: dict[str, Any] = field(repr=False)

    @property
    def promulgated(self) -> date:
        """The day on the document: that of signing."""
        return day_of(self.signed)

    @property
    def size(self) -> int:
        """Bytes of the envelope: files are base64 in it."""
        return 4096 + sum(4 * int(file["size"]) // 3 for file in self.facts["files"])

    @property
    def number_key(self) -> str:
        """As ``document.number_key`` in the store."""
        return f"{self.promulgated.year}\n{self.number}\n{self.notation}" if self.number else ""


class Registers:
    """The number series of every agency: per year and type of document, with rare gaps and doubles."""

    def __init__(self) -> None:
        self._last: dict[tuple[str, int, str], int] = {}

    def next(self, unit: Unit, day: date, type_name: str, dice: Dice) -> int:
        """The next number; a series that is first seen in the middle of a year stands somewhere already."""
        key = (unit.code, day.year, type_name)
        last = self._last.get(key)
        if last is None:
            last = int(day.timetuple().tm_yday * unit.weight * dice.between(0.2, 0.6))
        step = 0 if dice.chance(0.0005) and last else 2 if dice.chance(0.004) else 1
        self._last[key] = last + step
        return max(last + step, 1)


def urgency_of(shares: Shares, dice: Dice) -> int:
    """0 to 4."""
    left = dice.share()
    for level, share in enumerate(shares.urgent, 1):
        left -= share
        if left < 0:
            return level
    return 0


def way_of(unit: Unit, dice: Dice) -> str:
    """How the main file is signed."""
    return "both" if dice.chance(unit.both) else dice.of(UNSIGNED)


def write(
    unit: Unit,
    sent: Instant,
    signed: Instant,
    urgency: int,
    way: str,
    registers: Registers,
    dice: Dice,
    kind: str,
) -> Letter:
    """A new document of the unit."""
    day = day_of(signed)
    type_name, mark = dice.of(TYPES)
    number = registers.next(unit, day, type_name, dice)
    notation = f"{mark}-{_office(unit)}" if mark else f"{_office(unit)}-VP"
    document_id = f"{unit.code},{day:%Y/%m/%d},{number}/{notation},{dice.digest()[:8]}"
    subject = f"{dice.pick(SUBJECTS)} (mô phỏng)"
    facts = _facts(unit, day, urgency, way, signed, dice)
    facts |= {"document_id": document_id, "kind": kind, "number": str(number), "notation": notation}
    facts |= {"type_name": type_name}
    return Letter(
        unit, sent, signed, urgency, way, kind, document_id, str(number), notation, type_name, subject, facts
    )


def again(letter: Letter, sent: Instant, kind: str = "") -> Letter:
    """The same document in a later message: sent again after a refusal, or as a message of another kind."""
    kind = kind or letter.kind
    return replace(letter, sent=sent, kind=kind, facts=letter.facts | {"kind": kind})


def _office(unit: Unit) -> str:
    return "UBND" if unit.category in ("commune", "district") else f"S{unit.code.rpartition('.')[2]}"


def _facts(unit: Unit, day: date, urgency: int, way: str, signed: Instant, dice: Dice) -> dict[str, Any]:
    files = [_file("pdf", dice), *(_file(dice.of(FORMATS), dice) for _ in range(dice.of(ATTACHED)))]
    verdicts = _verdicts(unit, way, signed, files, dice)
    findings = [
        {"rule": rule, "severity": "warning"} for rule in (_FINDING.get(way, ""), dice.of(WARNINGS)) if rule
    ]
    missing = dice.of(MISSING)
    return {
        "decision": "accept",
        "content_digest": dice.digest(),
        "findings": findings,
        "verdicts": verdicts,
        "promulgation_date": day.isoformat(),
        "urgency": urgency,
        "paper": "1" if dice.chance(0.03) else "0",
        "file_count": len(files),
        "files": files,
        "automatic": False,
        "authority": "no_list" if unit.category == OUTSIDE else dice.of(AUTHORITY),
        "metadata": list(missing),
        "subject_present": "Subject" not in missing,
    }


def _file(format: str, dice: Dice) -> dict[str, Any]:
    size = min(int(dice.spread(MEDIAN_PDF, SIGMA)) + 2 * KIB, LARGEST)
    file: dict[str, Any] = {"sha256": dice.digest(), "size": size, "format": format}
    if format == "pdf":
        file |= {"opens": not dice.chance(0.0005), "pages": dice.skewed(1, 60, 3), "pdf_version": "1.7"}
    return file


def _verdicts(
    unit: Unit, way: str, signed: Instant, files: list[dict[str, Any]], dice: Dice
) -> list[dict[str, Any]]:
    """Of the main file by ``way``; attached PDFs carry the seal, mostly."""
    source = dice.of(SOURCES)
    leader = Instant(max(signed - dice.whole(2, 20) * MINUTE, midnight(day_of(signed))))
    main = files[0]["sha256"]
    if way == "none":
        return []
    if way == "invalid":
        found = [_verdict(unit, "person", leader, source, main, "TOTAL-FAILED", "HASH_FAILURE")]
    elif way == "unchecked":
        found = [
            _verdict(unit, "not machine-checkable", signed, source, main, "INDETERMINATE", "NO_REVOCATION")
        ]
    elif way == "expired":
        found = [
            _verdict(unit, "person", signed, source, main),
            _verdict(unit, "agency", signed, source, main, "INDETERMINATE", EXPIRED),
        ]
    else:
        person = _verdict(unit, "person", leader if way == "both" else signed, source, main)
        seal = _verdict(unit, "agency", signed, source, main)
        found = {"both": [person, seal], "leader": [person], "agency": [seal]}[way]
    if way in ("both", "agency"):
        pdfs = [file for file in files if file["format"] == "pdf"]
        found += [
            _verdict(unit, "agency", signed, source, file["sha256"], number=number)
            for number, file in enumerate(pdfs[1:], 1)
            if dice.chance(unit.seals_attachments)
        ]
    return found


def _verdict(
    unit: Unit, role: str, at: Instant, source: str, signed_sha256: str,
    indication: str = "TOTAL-PASSED", sub: str = "", number: int = 0,
) -> dict[str, Any]:  # fmt: skip
    """Names as ``flow/facts.verdict_fact``; chains and answers there are none."""
    certificate = {"person": unit.person, "agency": unit.seal}.get(role, unit.seal)
    return {
        "indication": indication,
        "sub_indication": sub,
        "role": role,
        "agency": "" if role == "not machine-checkable" else unit.code,
        "certificate_sha256": certificate,
        "signing_time": rfc3339(at),
        "time_source": source,
        "rule_set": "synthetic",
        "algorithm": "RSA-2048 SHA-256",
        "coverage": "changed"
        if indication == "TOTAL-FAILED"
        else "whole file"
        if role == "agency"
        else "revision",
        "signed_sha256": signed_sha256,
        "chain": [],
        "revocation": [],
        "timestamps": [],
        "file": number,
    }


_FINDING = {
    "leader": "signature.pdf_no_agency",
    "agency": "signature.pdf_no_person",
    "none": "signature.pdf_unsigned",
    "unchecked": "signature.pdf_not_valid",
    "invalid": "signature.pdf_not_valid",
    "expired": "signature.pdf_not_valid",
}

__all__ = ["Letter", "Registers", "again", "urgency_of", "way_of", "write"]
