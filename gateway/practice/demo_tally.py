"""What the week came to, counted where it can be seen.

In charge of: ``lost`` and ``duplicated`` from the agencies' own disks against the receipts that they hold,
the other figures and the timings from the gateway's record, and the refusals at the gate. Not in charge of:
printing (``cli/demo``).
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from gateway.flow.operate import run
from gateway.model.status import StatusCode
from gateway.model.text import AgencyCode, Bilingual
from gateway.practice import province
from gateway.practice.agency import Cabinet, Item
from gateway.practice.demo import RefusedUpload, Sent, Week
from gateway.practice.scenario import Fault, Letter
from gateway.signature.seal import read_receipt

MOST = 10_000  # rows of the queue; the demo leaves none


@dataclass(frozen=True, slots=True)
class DocumentLine:
    """One document of the week. Times are microseconds; ``stages`` are those at the gate."""

    letter: Letter
    document: str
    deliveries: int
    delivered: int
    acknowledged: int
    refused: int
    stages: Mapping[str, int]
    arrived_after: int | None  # accepted -> the last recipient has it
    acknowledged_after: int | None  # accepted -> the last recipient has taken it in or refused it


@dataclass(frozen=True, slots=True)
class RefusalLine:
    """One upload at the gate, and the reason that was given. ``expected``: it was refused for its fault."""

    fault: Fault
    letter: Letter
    status: int
    code: str
    reason: Bilingual
    expected: bool


@dataclass(frozen=True, slots=True)
class Figures:
    """The object of the last line of ``--json``. ``deliveries`` are of documents, never of statuses."""

    documents: int
    deliveries: int
    delivered: int
    acknowledged: int
    refused_by_recipient: int
    refused_at_gate: int
    lost: int
    duplicated: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Tally:
    """Everything that is told at the end. ``levels``: level -> how many documents it sent and received."""

    figures: Figures
    documents: tuple[DocumentLine, ...]
    refusals: tuple[RefusalLine, ...]
    levels: Mapping[str, Mapping[str, int]]
    recipients_reason: str  # why a recipient refused, in its own words

    @property
    def holds(self) -> bool:
        """Everything went as it must: nothing lost or doubled, all delivered, every bad upload refused."""
        figures = self.figures
        return (
            figures.lost == 0
            and figures.duplicated == 0
            and figures.delivered == figures.deliveries == figures.acknowledged
            and all(line.expected for line in self.refusals)
        )

    def as_json(self) -> dict[str, Any]:
        """The figures first, then what they are made of."""
        return {
            **asdict(self.figures),
            "levels": {level: dict(counts) for level, counts in self.levels.items()},
            "refusals": [
                {"fault": r.fault.name.lower(), "http": r.status, "code": r.code, **r.reason.as_json()}
                for r in self.refusals
            ],
        }


async def tally(week: Week) -> Tally:
    """Count. The week must have come to rest."""
    traces = [await run(week.gw, "trace.show", {"reference": s.answer["document"]}) for s in week.sent]
    lines = tuple(_line(sent, trace) for sent, trace in zip(week.sent, traces, strict=True))
    refusals = tuple(_refusal(upload) for upload in week.refused)
    cabinets = {code: software.cabinet for code, software in week.softwares.items()}
    opened = (await run(week.gw, "queue.show", {"limit": MOST}))["deliveries"]
    waiting = {(row["message"], row["recipient"]) for row in opened}
    claims = [claim for claim in _claims(week, cabinets) if claim not in waiting]
    figures = Figures(
        documents=len(lines),
        deliveries=sum(line.deliveries for line in lines),
        delivered=sum(line.delivered for line in lines),
        acknowledged=sum(line.acknowledged for line in lines),
        refused_by_recipient=sum(line.refused for line in lines),
        refused_at_gate=sum(line.status >= 400 for line in refusals),
        lost=sum(not _arrived(claim, cabinets) for claim in claims),
        duplicated=sum(_doubled(cabinet) for cabinet in cabinets.values()),
        seconds=round(week.seconds, 2),
    )
    return Tally(figures, lines, refusals, _levels(week.sent), _words_of_refusal(traces))


def _claims(week: Week, cabinets: Mapping[AgencyCode, Cabinet]) -> Iterator[tuple[str, str]]:
    """(message, recipient) of everything that the gateway promised, by receipts whose signature is good."""
    certificates = week.gw.keyring.receipt_certificates
    for cabinet in cabinets.values():
        for jws in cabinet.receipts():
            receipt = read_receipt(jws, certificates)
            for recipient in receipt["recipients"]:
                yield receipt["message"], recipient


def _arrived(claim: tuple[str, str], cabinets: Mapping[AgencyCode, Cabinet]) -> bool:
    """True when the recipient's disk holds the message, with the bytes that were announced to it."""
    message, recipient = claim
    cabinet = cabinets[AgencyCode(recipient)]
    return any(item.message == message and _intact(cabinet, item) for item in cabinet.items())


def _intact(cabinet: Cabinet, item: Item) -> bool:
    return hashlib.sha256(cabinet.bytes_of(item)).hexdigest() == item.envelope_sha256


def _doubled(cabinet: Cabinet) -> int:
    """How many messages lie there once too often, whatever their delivery ids."""
    counts = Counter(item.message for item in cabinet.items())
    return sum(count - 1 for count in counts.values())


def _line(sent: Sent, trace: Mapping[str, Any]) -> DocumentLine:
    deliveries = [delivery for delivery in trace["deliveries"] if delivery["kind"] != "status"]
    accepted = trace["created_at"]
    answers = [status for status in trace["statuses"] if status["code"] in _ANSWERS]
    return DocumentLine(
        letter=sent.letter,
        document=trace["id"],
        deliveries=len(deliveries),
        delivered=sum(delivery["state"] == "delivered" for delivery in deliveries),
        acknowledged=len({status["reporter"] for status in answers}),
        refused=sum(status["code"] == StatusCode.REFUSED.value for status in answers),
        stages=trace["messages"][0]["timings"],
        arrived_after=_latest(accepted, [delivery["settled_at"] for delivery in deliveries]),
        acknowledged_after=_latest(accepted, [status["reported_at"] for status in answers]),
    )


def _latest(start: int, moments: list[int | None]) -> int | None:
    known = [moment for moment in moments if moment is not None]
    return max(known) - start if known and len(known) == len(moments) else None


def _refusal(upload: RefusedUpload) -> RefusalLine:
    """The reason is the first refusing finding; a conflict has it in the problem itself."""
    problem, fault = upload.problem, upload.attempt.fault
    refusing = [f for f in problem.get("findings", ()) if f["severity"] == "refuse"]
    rules = [finding["rule"] for finding in refusing] or [problem.get("code", "")]
    vi = refusing[0]["vi"] if refusing else problem.get("detail", "")
    en = refusing[0]["en"] if refusing else problem.get("detail_en", "")
    return RefusalLine(
        fault, upload.attempt.letter, upload.status, rules[0], Bilingual(vi, en), set(rules) == {fault.value}
    )


def _levels(sent: list[Sent]) -> dict[str, dict[str, int]]:
    directory, day = province.directory(), province.as_of()
    counts = {level: {"sent": 0, "received": 0} for level in directory.levels(day)}
    for letter in (one.letter for one in sent):
        counts[directory.level(letter.sender, day)]["sent"] += 1
        for recipient in letter.recipients:
            counts[directory.level(AgencyCode(recipient), day)]["received"] += 1
    return counts


def _words_of_refusal(traces: list[dict[str, Any]]) -> str:
    """The recipient's reason, as the gateway carried it back."""
    for trace in traces:
        for status in trace["statuses"]:
            if status["code"] == StatusCode.REFUSED.value:
                return str(status["reason"])
    return ""


_ANSWERS = (StatusCode.REFUSED.value, StatusCode.ACCEPTED.value)
