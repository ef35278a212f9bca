"""The clerk's desk: what her agency sent and got, what waits for an answer, what came back and why.

In charge of: the lists and pages of one agency, and that only its own people read them. Not in charge of:
taking files (``desk_files.py``), reporting statuses (``progress.py``), recalls (``recall.py``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from gateway.clock import local_day
from gateway.errors import NotFound, NotPermitted
from gateway.flow import footprints
from gateway.flow.door import Caller
from gateway.flow.look import UNSEEN
from gateway.model.delivery import Delivery, State
from gateway.model.envelope import Kind
from gateway.model.recall import Recall, RecallState
from gateway.model.status import StatusCode
from gateway.model.text import AgencyCode, Bilingual, Instant
from gateway.services import Services
from gateway.store import deliveries, desk, events, messages, recalls, rechecks
from gateway.store.contract import Row, Tx
from gateway.store.desk import ByHand, Counts, Item, Letter, ToAnswer
from gateway.store.people import Role

ARRIVED = ("", StatusCode.ARRIVED.value)
STAGES = ("waiting", "arrived", "acknowledged", "refused", "stopped")
OPEN_RECALLS = 200


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a document is, in deliveries. ``stopped``: held, given up, rejected, withdrawn, given back."""

    total: int
    waiting: int
    arrived: int
    acknowledged: int
    refused: int
    stopped: int

    @property
    def of_stage(self) -> dict[str, int]:
        """By the names of ``STAGES``."""
        return {name: getattr(self, name) for name in STAGES}


@dataclass(frozen=True, slots=True)
class SentLine:
    """A document of the agency's and how far it is."""

    letter: Letter
    progress: Progress


@dataclass(frozen=True, slots=True)
class Overview:
    """What lies on the desk; ``to_answer`` are recalls, at most ``OPEN_RECALLS``."""

    counts: Counts
    to_answer: tuple[ToAnswer, ...]
    statuses: int
    sent: tuple[SentLine, ...]
    more: bool


@dataclass(frozen=True, slots=True)
class RecipientLine:
    """One delivery of a document, with what the recipient wrote when it refused."""

    delivery: Delivery
    name: str
    words: str


@dataclass(frozen=True, slots=True)
class SentDocument:
    """A document of the agency's, with a page of its recipients."""

    letter: Letter
    message: str
    decision: str
    progress: Progress
    lines: tuple[RecipientLine, ...]
    more: bool
    receipts: tuple[dict[str, Any], ...]
    findings: tuple[dict[str, Any], ...]
    recalled: bool  # it was asked back from somebody


@dataclass(frozen=True, slots=True)
class ReturnedLine:
    """A delivery that was refused or cannot go on, and the recipient's words."""

    item: Item
    name: str
    words: str


@dataclass(frozen=True, slots=True)
class NamedFile:
    """An attachment as the manifest tells; ``name`` is empty once it was erased."""

    number: int
    name: str
    size: int
    format: str


@dataclass(frozen=True, slots=True)
class Incoming:
    """A message that the agency was sent, with everything that a clerk needs to answer it."""

    delivery: Delivery
    letter: Letter
    private: dict[str, str]
    files: tuple[NamedFile, ...]
    verdicts: tuple[dict[str, Any], ...]
    findings: tuple[dict[str, Any], ...]
    statuses: tuple[dict[str, Any], ...]
    recall: Recall | None
    recall_reason: str
    pull: bool
    waits_for_earlier: bool


def require_own(caller: Caller, agency: AgencyCode) -> None:
    """``NotPermitted`` unless a clerk of that agency calls."""
    if caller.role is not Role.CLERK or agency not in caller.agencies:
        raise NotPermitted(_NOT_YOURS, code="desk.not_yours")


async def overview(
    gw: Services, caller: Caller, agency: AgencyCode, before: str = "", limit: int = 25
) -> Overview:
    """What lies on the desk, and what was sent, newest first."""
    require_own(caller, agency)

    def unit(tx: Tx) -> Overview:
        letters = desk.sent(tx, agency, before, limit + 1)
        return Overview(
            desk.counts(tx, agency),
            tuple(desk.to_answer(tx, agency, OPEN_RECALLS)),
            len(desk.statuses(tx, agency, desk.COUNTED)),
            tuple(SentLine(one, _progress(tx, one.document)) for one in letters[:limit]),
            len(letters) > limit,
        )

    return await gw.store.read(unit)


async def returned(
    gw: Services, caller: Caller, agency: AgencyCode, before: tuple[str, str], limit: int = 50
) -> tuple[list[ReturnedLine], bool]:
    """What came back or cannot go on, and why; whether there is more."""
    require_own(caller, agency)

    def unit(tx: Tx) -> tuple[list[ReturnedLine], bool]:
        items = desk.returned(tx, agency, before, limit + 1)
        lines = [
            ReturnedLine(one, _name(gw, one.delivery.recipient), _refusal_words(tx, one.delivery))
            for one in items[:limit]
        ]
        return lines, len(items) > limit

    return await gw.store.read(unit)


async def sent_document(
    gw: Services, caller: Caller, document: str, stage: str, after: tuple[str, str], limit: int = 100
) -> SentDocument:
    """One document of the agency's, recipient by recipient. ``NotFound`` when it is somebody else's."""

    def unit(tx: Tx) -> SentDocument:
        row = own_document(tx, caller, document)
        first = messages.find(tx, row["first_message"])
        assert first is not None
        plain = messages.decode(first, "header", "findings", "verdicts", "timings")
        again = rechecks.newest_judgement(tx, first["id"])
        found = desk.recipients(tx, document, stage, after, limit + 1)
        return SentDocument(
            _letter(tx, row, first),
            first["id"],
            first["decision"],
            _progress(tx, document),
            tuple(
                RecipientLine(one, _name(gw, one.recipient), _refusal_words(tx, one)) for one in found[:limit]
            ),
            len(found) > limit,
            tuple(
                dict(receipt)
                for one in messages.of_document(tx, document)
                for receipt in messages.receipts_of(tx, one["id"])
                if one["sender"] == row["sender"] and one["kind"] != Kind.STATUS.value
            ),
            tuple(again.findings if again else plain["findings"]),
            bool(recalls.of_document(tx, document)),
        )

    found = await gw.store.read(unit)
    await footprints.viewed(gw, caller, "document", document=document, sender=found.letter.sender)
    return found


async def incoming(
    gw: Services,
    caller: Caller,
    agency: AgencyCode,
    after: tuple[int, int, str],
    *,
    in_work: bool = False,
    limit: int = 50,
) -> tuple[list[Item], bool]:
    """What waits for the agency's answer (or is being handled), most urgent and oldest first; whether there
    is more."""
    require_own(caller, agency)
    items = await gw.store.read(lambda tx: desk.incoming(tx, agency, after, limit + 1, in_work=in_work))
    return items[:limit], len(items) > limit


async def incoming_one(gw: Services, caller: Caller, delivery_id: str) -> Incoming:
    """One message that the agency was sent. ``NotFound`` for what its people know nothing of."""

    def unit(tx: Tx) -> Incoming:
        delivery = own_incoming(tx, caller, delivery_id)
        return _incoming(tx, gw, delivery)

    found = await gw.store.read(unit)
    await footprints.viewed(
        gw, caller, "incoming", document=found.delivery.document, sender=found.delivery.sender
    )
    return found


async def recall_delivery(gw: Services, caller: Caller, agency: AgencyCode, document: str) -> str:
    """The delivery under which the agency answers a recall of a document."""
    require_own(caller, agency)
    found = await gw.store.read(lambda tx: desk.delivery_of(tx, document, agency))
    if not found:
        raise NotFound(code="document.unknown")
    return found


async def by_hand(
    gw: Services, caller: Caller, agency: AgencyCode, before: str, limit: int = 50
) -> tuple[list[desk.Done], bool]:
    """What clerks did in place of the agency's document system, newest first; whether there is more."""
    require_own(caller, agency)
    rows = await gw.store.read(lambda tx: desk.by_hand(tx, agency, before, limit + 1))
    return rows[:limit], len(rows) > limit


def own_document(tx: Tx, caller: Caller, document: str) -> Row:
    """The row of a document that the caller's agency sent; ``NotFound`` for any other."""
    row = tx.one("document_by_id", id=document)
    if row is None or caller.role is not Role.CLERK or row["sender"] not in caller.agencies:
        raise NotFound(_NO_DOCUMENT, code="document.unknown")
    return row


def own_incoming(tx: Tx, caller: Caller, delivery_id: str, *, lock: bool = False) -> Delivery:
    """A delivery of a document to the caller's agency; ``NotFound`` for what it does not know of."""
    found = deliveries.find(tx, delivery_id, lock=lock)
    ours = found is not None and caller.role is Role.CLERK and found.recipient in caller.agencies
    if found is None or not ours or found.kind == Kind.STATUS.value or found.state in UNSEEN:
        raise NotFound(_NO_DELIVERY, code="delivery.unknown")
    return found


def row_of(gw: Services, caller: Caller, agency: str, what: str, message: str, delivery: str = "") -> ByHand:
    """What a clerk does by hand now."""
    at = gw.clock.now()
    return ByHand(gw.new_id(), AgencyCode(agency), what, message, delivery, caller.principal, at)


def _incoming(tx: Tx, gw: Services, delivery: Delivery) -> Incoming:
    message = messages.find(tx, delivery.message)
    document = tx.one("document_by_id", id=delivery.document)
    assert message is not None
    assert document is not None
    gone = delivery.state is State.RECALLED  # its data go with the document (NĐ 30/2020 PL VI)
    private = {} if gone else events.private_values(tx, message["event"])
    plain = messages.decode(message, "header", "findings", "verdicts", "timings")
    again = rechecks.newest_judgement(tx, message["id"])
    asked = recalls.of_recipient(tx, delivery.document, delivery.recipient)
    recall = asked[-1] if asked else None
    asking = messages.find(tx, recall.message) if recall else None
    return Incoming(
        delivery=delivery,
        letter=_letter(tx, document, message, gone=gone),
        private=private,
        files=() if gone else _files(plain["header"], private),
        verdicts=() if gone else tuple(again.verdicts if again else plain["verdicts"]),
        findings=() if gone else tuple(again.findings if again else plain["findings"]),
        statuses=tuple(_statuses(tx, delivery)),
        recall=recall,
        recall_reason=events.private_values(tx, asking["event"]).get("reason", "") if asking else "",
        pull=gw.kinds.get(delivery.adapter, False),
        waits_for_earlier=tx.one("earlier_open", id=delivery.id) is not None,
    )


def _statuses(tx: Tx, delivery: Delivery) -> list[dict[str, Any]]:
    """What this recipient reported so far, and 13 that it was sent, oldest first."""
    found = []
    for row in tx.all("status_reports_of", document=delivery.document):
        if delivery.recipient in (row["reporter"], row["addressee"]):
            message = messages.find(tx, row["message"])
            private = events.private_values(tx, message["event"]) if message else {}
            found.append(dict(row) | {"reason": private.get("reason", ""), "staff": private.get("staff", "")})
    return found


def _files(header: dict[str, Any], private: dict[str, str]) -> tuple[NamedFile, ...]:
    files = header.get("files", [])
    names: Sequence[str] = orjson.loads(private["file_names"]) if "file_names" in private else ()
    return tuple(
        NamedFile(index + 1, names[index] if index < len(names) else "", file["size"], file["format"])
        for index, file in enumerate(files)
    )


def _letter(tx: Tx, document: Row, message: Row, *, gone: bool = False) -> Letter:
    subject = "" if gone else events.private_values(tx, message["event"]).get("subject", "")
    header = {} if gone else orjson.loads(message["header"])
    at: Instant = message["accepted_at"]
    return Letter(
        document["id"], document["document_id"], AgencyCode(document["sender"]), header, subject, at
    )


def _progress(tx: Tx, document: str) -> Progress:
    counted: Counter[str] = Counter()
    for one in desk.stages(tx, document):
        counted[stage_of(State(one.state), one.status_code)] += one.deliveries
    return Progress(total=counted.total(), **{name: counted[name] for name in STAGES})


def stage_of(state: State, status_code: str) -> str:
    """Where one delivery stands for its sender: one of ``STAGES``."""
    if status_code == StatusCode.REFUSED.value:
        return "refused"
    if status_code not in ARRIVED:
        return "acknowledged"
    return {State.QUEUED: "waiting", State.DELIVERED: "arrived"}.get(state, "stopped")


def _refusal_words(tx: Tx, delivery: Delivery) -> str:
    if delivery.status_code != StatusCode.REFUSED.value:
        return ""
    return desk.words_of_status(tx, delivery.document, delivery.recipient, delivery.status_code)


def _name(gw: Services, code: AgencyCode) -> str:
    return gw.directory.name(code, local_day(gw.clock.now())) or code


def answers_recall(found: Incoming) -> bool:
    """True while the sender waits for a 15 (or 16) of this recipient."""
    return found.recall is not None and found.recall.state in (RecallState.ASKED, RecallState.REFUSED)


_NOT_YOURS = Bilingual(
    "Bạn không phải văn thư của đơn vị này nên không xem được bàn làm việc của đơn vị.",
    "You are no clerk of this agency, so its desk is not yours to see.",
)
_NO_DOCUMENT = Bilingual(
    "Đơn vị của bạn không gửi văn bản nào như vậy.", "Your agency sent no such document."
)
_NO_DELIVERY = Bilingual(
    "Không có văn bản nào như vậy gửi đến đơn vị của bạn.", "Your agency was sent no such document."
)
