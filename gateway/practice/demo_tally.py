"""What the week came to, counted where it can be seen.

In charge of: ``lost`` and ``duplicated`` from the agencies' own disks against the receipts that they hold (or
what they sent, where they get none), the other figures and the timings from the gateway's record, and the
refusals at the gate. Not in charge of: printing (``cli/demo``).

An axis writes bytes and ids anew, so what passes through one is known by name (``sdk_agency.name``).
"""

from __future__ import annotations

import enum
import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from gateway.directory.snapshot import OUTSIDE
from gateway.edxml.parse import parse_envelope
from gateway.flow.operate import run
from gateway.model.delivery import State
from gateway.model.envelope import Kind
from gateway.model.status import StatusCode
from gateway.model.text import AgencyCode, Bilingual
from gateway.practice import province
from gateway.practice.agency import Cabinet, Item
from gateway.practice.demo import RefusedUpload, Sent, Week
from gateway.practice.demo_letters import document_id
from gateway.practice.scenario import MINISTRY, RECALL, YOURS, Fault, Letter
from gateway.practice.sdk_agency import name, name_of
from gateway.signature.seal import read_receipt

MOST = 10_000  # rows of the queue; the demo leaves none


class Way(enum.Enum):
    """Through what a document went."""

    INSIDE = "within the province"
    UP = "up over the national axis"
    DOWN = "down from the national axis"


@dataclass(frozen=True, slots=True)
class DocumentLine:
    """One document of the week. Times are microseconds; ``stages`` are those at the gate."""

    letter: Letter
    document: str
    deliveries: int  # without those that were withdrawn
    delivered: int
    acknowledged: int
    refused: int
    withdrawn: int
    given_back: int  # recipients that agreed to the recall
    way: Way
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
    """The object of the last line of ``--json``. ``deliveries`` are of documents, never of statuses, and
    without those that a recall withdrew."""

    documents: int
    deliveries: int
    delivered: int
    acknowledged: int
    refused_by_recipient: int
    refused_at_gate: int
    lost: int
    duplicated: int
    seconds: float
    axis_up: int  # documents that went over the national axis, or came from it
    axis_down: int
    recalled: int  # documents that were asked back; then their deliveries
    given_back: int
    withdrawn: int


@dataclass(frozen=True, slots=True)
class Tally:
    """Everything that is told at the end. ``levels``: level -> how many documents it sent and received."""

    figures: Figures
    documents: tuple[DocumentLine, ...]
    refusals: tuple[RefusalLine, ...]
    levels: Mapping[str, Mapping[str, int]]
    recipients_reason: str  # why a recipient refused, in its own words
    recall_complete: bool  # every recipient was withdrawn from or gave the document back

    @property
    def holds(self) -> bool:
        """Everything went as it must: nothing lost or doubled, all delivered, every bad upload refused."""
        figures = self.figures
        return (
            figures.lost == 0
            and figures.duplicated == 0
            and figures.delivered == figures.deliveries == figures.acknowledged
            and all(line.expected for line in self.refusals)
            and self.recall_complete
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
    directory = province.directory()
    references = [document_id(one.letter, directory) for one in week.sent]
    traces = [await run(week.gw, "trace.show", {"reference": reference}) for reference in references]
    lines = tuple(_line(sent, trace) for sent, trace in zip(week.sent, traces, strict=True))
    refusals = tuple(_refusal(upload) for upload in week.refused)
    cabinets = {code: software.cabinet for code, software in week.softwares.items()}
    opened = (await run(week.gw, "queue.show", {"limit": MOST}))["deliveries"]
    names = _names(traces)
    expected = _claims(week, cabinets, names) - _not_to_arrive(opened, traces, names)
    figures = Figures(
        documents=len(lines),
        deliveries=sum(line.deliveries for line in lines),
        delivered=sum(line.delivered for line in lines),
        acknowledged=sum(line.acknowledged for line in lines),
        refused_by_recipient=sum(line.refused for line in lines),
        refused_at_gate=sum(line.status >= 400 for line in refusals),
        lost=sum(not _arrived(claim, cabinets, names) for claim in expected),
        duplicated=sum(_doubled(cabinet) for cabinet in cabinets.values()),
        seconds=round(week.seconds, 2),
        axis_up=sum(line.way is Way.UP for line in lines),
        axis_down=sum(line.way is Way.DOWN for line in lines),
        recalled=sum(line.withdrawn + line.given_back > 0 for line in lines),
        given_back=sum(line.given_back for line in lines),
        withdrawn=sum(line.withdrawn for line in lines),
    )
    [recalled] = [line for line in lines if line.letter.code == RECALL.document]
    complete = recalled.withdrawn + recalled.given_back == len(recalled.letter.recipients)
    return Tally(figures, lines, refusals, _levels(week.sent), _words_of_refusal(traces), complete)


def _names(traces: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Message id here -> the name under which both ends of an axis know the message."""
    return {
        message["id"]: name(
            message["kind"], trace["document_id"], message["sender"], message["header"].get("status", "")
        )
        for trace in traces
        for message in trace["messages"]
    }


def _claims(
    week: Week, cabinets: Mapping[AgencyCode, Cabinet], names: Mapping[str, str]
) -> set[tuple[str, str]]:
    """(name, recipient) of everything that was promised: by receipts whose signature is good, by the answer
    to the recall, and by the ids that the SDK's callers got."""
    certificates = week.gw.keyring.receipt_certificates
    claims = set()
    for cabinet in cabinets.values():
        for jws in cabinet.receipts():
            receipt = read_receipt(jws, certificates)
            claims |= {(names[receipt["message"]], recipient) for recipient in receipt["recipients"]}
        for data in cabinet.sent_without_receipt():
            claims |= set(_addressed(data))
    asked = (line for line in week.asked_back["recipients"] if line["state"] == "asked")
    return claims | {(names[line["message"]], line["recipient"]) for line in asked}


def _addressed(data: bytes) -> Iterator[tuple[str, str]]:
    """(name, recipient) of a message as its sender wrote it; of a status the sender of the document."""
    envelope, directory = parse_envelope(data).envelope, province.directory()
    to = envelope.response_for if envelope.kind is Kind.STATUS else envelope.recipients
    for one in to:
        yield name_of(envelope, directory), directory.canonical(one.organ_id)


def _not_to_arrive(
    opened: Iterable[Mapping[str, Any]], traces: Iterable[Mapping[str, Any]], names: Mapping[str, str]
) -> set[tuple[str, str]]:
    """What waits for the office that nobody plays, and what a recall withdrew."""
    withdrawn = (
        delivery
        for trace in traces
        for delivery in trace["deliveries"]
        if delivery["state"] == State.CANCELLED.value
    )
    return {(names[one["message"]], one["recipient"]) for one in (*opened, *withdrawn)}


def _arrived(
    claim: tuple[str, str], cabinets: Mapping[AgencyCode, Cabinet], names: Mapping[str, str]
) -> bool:
    """True when the recipient's disk holds the message, with the bytes that were announced to it."""
    message, recipient = claim
    cabinet = cabinets[AgencyCode(recipient)]
    return any(
        names.get(item.message, item.message) == message and _intact(cabinet, item)
        for item in cabinet.items()
    )


def _intact(cabinet: Cabinet, item: Item) -> bool:
    return hashlib.sha256(cabinet.bytes_of(item)).hexdigest() == item.envelope_sha256


def _doubled(cabinet: Cabinet) -> int:
    """How many messages lie there once too often, whatever their delivery ids."""
    counts = Counter(item.message for item in cabinet.items())
    return sum(count - 1 for count in counts.values())


def _line(sent: Sent, trace: Mapping[str, Any]) -> DocumentLine:
    everything = [delivery for delivery in trace["deliveries"] if delivery["kind"] != "status"]
    deliveries = [delivery for delivery in everything if delivery["state"] != State.CANCELLED.value]
    accepted, agreed = trace["created_at"], StatusCode.CHANGE_AGREED.value
    answers = [status for status in trace["statuses"] if status["code"] in _ANSWERS]
    return DocumentLine(
        letter=sent.letter,
        document=trace["id"],
        deliveries=len(deliveries),
        delivered=sum(delivery["state"] in _HAD for delivery in deliveries),
        acknowledged=len({status["reporter"] for status in answers}),
        refused=sum(status["code"] == StatusCode.REFUSED.value for status in answers),
        withdrawn=len(everything) - len(deliveries),
        given_back=len({status["reporter"] for status in trace["statuses"] if status["code"] == agreed}),
        way=_way(sent.letter),
        stages=trace["messages"][0]["timings"],
        arrived_after=_latest(accepted, [delivery["settled_at"] for delivery in deliveries]),
        acknowledged_after=_latest(accepted, [status["reported_at"] for status in answers]),
    )


def _way(letter: Letter) -> Way:
    if letter.sender == MINISTRY:
        return Way.DOWN
    return Way.UP if MINISTRY in letter.recipients else Way.INSIDE


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
    counts = {level: {"sent": 0, "received": 0} for level in (*directory.levels(day), OUTSIDE)}
    for letter in (one.letter for one in sent):
        counts[directory.level(letter.sender, day)]["sent"] += 1
        for recipient in letter.recipients:
            if recipient != YOURS:  # it never came for the one that was sent to it
                counts[directory.level(AgencyCode(recipient), day)]["received"] += 1
    counts.pop(OUTSIDE)
    return counts


def _words_of_refusal(traces: list[dict[str, Any]]) -> str:
    """The recipient's reason, as the gateway carried it back."""
    for trace in traces:
        for status in trace["statuses"]:
            if status["code"] == StatusCode.REFUSED.value:
                return str(status["reason"])
    return ""


_HAD = (State.DELIVERED.value, State.RECALLED.value)
_ANSWERS = (StatusCode.REFUSED.value, StatusCode.ACCEPTED.value)
