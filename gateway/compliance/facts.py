"""What the events say of one document and of one delivery: the records that every figure is counted from.

In charge of: the records, what an event adds to them, their stored form. Pure. Not in charge of: what is
counted (``contributions.py``), which record an event belongs to (``folding.py``). Defined by
``docs/figures.md`` ("Records", "Finer points"): events are taken in the order of the log.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

import orjson

from gateway.clock import from_datetime
from gateway.model.text import Instant

PASSED, INDETERMINATE, FAILED = "TOTAL-PASSED", "INDETERMINATE", "TOTAL-FAILED"
PERSON, AGENCY = "person", "agency"
SIGNATURE = "signature."  # findings that judging again replaces
HOLD = "hold"
WRONG_PLACE = "R01"  # the refusal code that counts against the sender (C7)
OTHER_REFUSAL = "R99"  # of a 02 that names none
DAY_US: Final = 86_400_000_000
OFFSET_US: Final = 7 * 3_600_000_000  # +07:00, no daylight saving
EPOCH_ORDINAL: Final = date(1970, 1, 1).toordinal()


@dataclass(frozen=True, slots=True)
class VerdictFact:
    """One signature as the event tells it. ``file``: 0 the main PDF, 1 and up the others, -1 the envelope."""

    indication: str
    role: str
    signing_time: Instant | None  # None: none, or unreadable
    time_source: str  # timestamp, signed_attribute, declared, none
    coverage: str
    file: int = 0
    sub_indication: str = ""

    @property
    def passed(self) -> bool:
        """True when the signature is valid, whoever signed."""
        return self.indication == PASSED


@dataclass(frozen=True, slots=True)
class FileFact:
    """One file of the envelope. ``opens`` is ``None`` when nobody tried."""

    sha256: str
    format: str
    opens: bool | None = None
    pages: int | None = None
    pdf_version: str = ""


@dataclass(slots=True)
class DocumentRecord:
    """One D: what its events say so far. Changed by the functions below alone."""

    id: str
    sender: str
    level: str
    at: Instant
    message: str  # the one that made it
    kind: str  # new, replace
    held: bool
    released: bool = False
    document_id: str = ""
    number: str = ""
    notation: str = ""
    type_name: str = ""
    promulgated: str = ""  # as the event tells it: an ISO day when it could be read
    urgency: int = 0
    paper: str = ""
    recipients: tuple[str, ...] = ()
    subject_present: bool = True
    authority: str = "no_list"
    metadata: tuple[str, ...] = ()  # fields of QĐ 28/2018 Đ10.2 that are missing
    findings: tuple[str, ...] = ()  # rules
    verdicts: tuple[VerdictFact, ...] = ()
    files: tuple[FileFact, ...] = ()
    misaddressed: bool = False  # a recipient refused it with R01
    deliveries: int = 0  # R of it
    first: bool = False  # its acceptance was the first submission
    twin: bool = False  # another D of the sender and year has its number and notation

    @property
    def sent(self) -> bool:
        """False while a person has yet to let it go."""
        return self.released or not self.held

    @property
    def day(self) -> date:
        """The day it counts on."""
        return day_of(self.at)

    @property
    def promulgation_date(self) -> date | None:
        """``None`` when the date is missing or unreadable."""
        return iso_day(self.promulgated)

    @property
    def number_key(self) -> str:
        """Equal for D of one sender and year with one number and notation; "" without number or date."""
        return number_key(self.sender, self.promulgation_date, self.number, self.notation)

    def main_verdicts(self) -> list[VerdictFact]:
        """Those of the main file."""
        return [one for one in self.verdicts if one.file == 0]

    def file_verdicts(self) -> list[VerdictFact]:
        """Those of files, the envelope's own left out."""
        return [one for one in self.verdicts if one.file >= 0]

    def pdfs(self) -> list[FileFact]:
        """The PDFs in their order: number 0 is the main file."""
        return [one for one in self.files if one.format == "pdf"]


@dataclass(frozen=True, slots=True)
class Timeliness:
    """Whether a D kept its deadlines; ``None``: unknown (urgent: or not urgent, or only a rough time)."""

    signed: Instant | None
    rough: bool = False
    qd28: bool | None = None
    nd30: bool | None = None
    urgent: bool | None = None


@dataclass(frozen=True, slots=True)
class Passage:
    """That an R belonged to another unit before, or was addressed to it."""

    agency: str
    level: str
    day: str  # ISO


@dataclass(slots=True)
class DeliveryRecord:
    """One R: what the events say so far of (document, recipient). Changed by the functions below alone.

    ``made`` is ``None`` until the event that makes an R; statuses alone make none.
    """

    document: str
    recipient: str
    level: str = ""
    made: Instant | None = None
    made_level: str = ""  # of who had it when it was made
    fetched_first: Instant | None = None
    arrived: Instant | None = None
    withdrawn: bool = False  # cancelled or rejected at least once
    system: Instant | None = None  # 01
    acknowledged: Instant | None = None  # 02 or 03
    refused: Instant | None = None
    refusal: str = ""  # code of the first 02
    accepted: Instant | None = None
    overturned: bool = False  # the first 03 came after the first 02
    moved: Instant | None = None  # 04, 05 or 06
    passages: tuple[Passage, ...] = ()
    ended: bool = False  # rerouted onto an agency that had an R already

    @property
    def counts(self) -> bool:
        """True for an R; false for statuses without one, and for what was handed on."""
        return self.made is not None and not self.ended

    @property
    def excluded(self) -> bool:
        """True when it was withdrawn before anybody had it."""
        return self.withdrawn and self.arrived is None

    @property
    def fetched(self) -> Instant | None:
        """When the recipient's system had all bytes."""
        return self.arrived if self.fetched_first is None else self.fetched_first


# ---- what events say


def document_made(body: Mapping[str, Any]) -> DocumentRecord:
    """The D that a ``document.accepted`` of kind new or replace makes."""
    return DocumentRecord(
        id=body["document"],
        sender=body.get("sender", ""),
        level=body.get("sender_level", ""),
        at=Instant(body["at"]),
        message=body.get("message", ""),
        kind=body["kind"],
        held=body.get("decision") == HOLD,
        document_id=body.get("document_id", ""),
        number=body.get("number", ""),
        notation=body.get("notation", ""),
        type_name=body.get("type_name", ""),
        promulgated=body.get("promulgation_date", ""),
        urgency=int(body.get("urgency") or 0),
        paper=str(body.get("paper") or "").strip(),
        recipients=tuple(body.get("recipients", ())),
        subject_present=body.get("subject_present", True),
        authority=body.get("authority", "no_list"),
        metadata=tuple(body.get("metadata", ())),
        findings=rules_of(body.get("findings", ())),
        verdicts=verdicts_of(body.get("verdicts", ())),
        files=tuple(_file(one) for one in body.get("files", ())),
    )


def judged_again(record: DocumentRecord, body: Mapping[str, Any]) -> None:
    """A ``document.rejudged`` about the message that made the D: verdicts and their findings anew."""
    if body.get("message", "") != record.message:
        return
    kept = tuple(rule for rule in record.findings if not rule.startswith(SIGNATURE))
    ours = tuple(rule for rule in rules_of(body.get("findings", ())) if rule.startswith(SIGNATURE))
    record.verdicts = verdicts_of(body.get("verdicts", ()))
    record.authority = body.get("authority", record.authority)
    record.findings = kept + ours


def status_given(record: DeliveryRecord, code: str, at: Instant, refusal: str) -> None:
    """A status of the recipient about the document."""
    if code == "01":
        record.system = at if record.system is None else record.system
    elif code == "02":
        if record.refused is None:
            record.refused, record.refusal = at, refusal or OTHER_REFUSAL
        record.acknowledged = at if record.acknowledged is None else record.acknowledged
    elif code == "03":
        if record.accepted is None:
            record.accepted, record.overturned = at, record.refused is not None
        record.acknowledged = at if record.acknowledged is None else record.acknowledged
    elif code in ("04", "05", "06"):
        record.moved = at if record.moved is None else record.moved


def number_key(sender: str, promulgated: date | None, number: str, notation: str) -> str:
    """Equal for the same number and notation of a sender in a year; "" without number or date."""
    if not number or promulgated is None:
        return ""
    return orjson.dumps([sender, promulgated.year, number, notation]).decode()


def rules_of(findings: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """The rules of findings, each once."""
    return tuple(dict.fromkeys(one["rule"] for one in findings))


def verdicts_of(verdicts: Sequence[Mapping[str, Any]]) -> tuple[VerdictFact, ...]:
    """Verdicts as events hold them; without ``file`` they belong to the main file."""
    return tuple(_verdict(one) for one in verdicts)


def _verdict(fact: Mapping[str, Any]) -> VerdictFact:
    return VerdictFact(
        fact.get("indication", ""),
        fact.get("role", ""),
        read_instant(fact.get("signing_time", "")),
        fact.get("time_source", ""),
        fact.get("coverage", ""),
        fact.get("file", 0),
        fact.get("sub_indication", ""),
    )


def _file(fact: Mapping[str, Any]) -> FileFact:
    return FileFact(
        fact.get("sha256", ""),
        fact.get("format", ""),
        fact.get("opens"),
        fact.get("pages"),
        str(fact.get("pdf_version", "")),
    )


# ---- days and instants


def day_of(at: Instant) -> date:
    """The day at +07:00; as ``clock.local_day``, and a good deal faster."""
    return date.fromordinal(EPOCH_ORDINAL + (at + OFFSET_US) // DAY_US)


def midnight(day: date) -> Instant:
    """When a day begins at +07:00."""
    return Instant((day.toordinal() - EPOCH_ORDINAL) * DAY_US - OFFSET_US)


def iso_day(text: str) -> date | None:
    """``2020-04-13``, and nothing else."""
    if len(text) != 10 or text[4] != "-" or text[7] != "-":
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def read_instant(text: str) -> Instant | None:
    """RFC 3339; without an offset +07:00; ``None`` when it cannot be read."""
    if not text:
        return None
    try:
        return from_datetime(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        return None


# ---- the stored form: a JSON array of the fields in their order


def dump_document(record: DocumentRecord) -> bytes:
    """Compact JSON."""
    return orjson.dumps([getattr(record, name) for name in _DOCUMENT], default=_plain, option=_PLAIN)


def load_document(data: bytes | str) -> DocumentRecord:
    """What ``dump_document`` wrote."""
    values = orjson.loads(data)
    record = DocumentRecord(*values)
    record.recipients, record.metadata = tuple(record.recipients), tuple(record.metadata)
    record.findings = tuple(record.findings)
    record.verdicts = tuple(VerdictFact(*one) for one in record.verdicts)  # type: ignore[misc]
    record.files = tuple(FileFact(*one) for one in record.files)  # type: ignore[misc]
    return record


def dump_delivery(record: DeliveryRecord) -> bytes:
    """Compact JSON; document and recipient are the key and stay out."""
    return orjson.dumps([getattr(record, name) for name in _DELIVERY], default=_plain, option=_PLAIN)


def load_delivery(document: str, recipient: str, data: bytes | str) -> DeliveryRecord:
    """What ``dump_delivery`` wrote."""
    record = DeliveryRecord(document, recipient, *orjson.loads(data))
    if record.passages:
        record.passages = tuple(Passage(*one) for one in record.passages)  # type: ignore[misc]
    return record


def _plain(value: VerdictFact | FileFact | Passage) -> list[Any]:
    return [getattr(value, name) for name in value.__dataclass_fields__]


_PLAIN = orjson.OPT_PASSTHROUGH_DATACLASS
_DOCUMENT = tuple(DocumentRecord.__dataclass_fields__)
_DELIVERY = tuple(DeliveryRecord.__dataclass_fields__)[2:]

__all__ = [
    "AGENCY",
    "DAY_US",
    "EPOCH_ORDINAL",
    "FAILED",
    "INDETERMINATE",
    "OFFSET_US",
    "PASSED",
    "PERSON",
    "DeliveryRecord",
    "DocumentRecord",
    "FileFact",
    "Passage",
    "Timeliness",
    "VerdictFact",
    "day_of",
    "document_made",
    "dump_delivery",
    "dump_document",
    "iso_day",
    "judged_again",
    "load_delivery",
    "load_document",
    "midnight",
    "number_key",
    "read_instant",
    "status_given",
]
