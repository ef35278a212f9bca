"""One document's page: its way, its recipients, its signatures, its life.

In charge of: reading it together, bounded (fifty recipients at a time, however many there are), and what each
reader sees: the sender's people and auditors everything, a recipient's people their own part. Nothing here
changes anything. Not in charge of: the whole trace for the API and for evidence (``look.py``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from gateway.errors import NotFound
from gateway.flow import footprints, history
from gateway.flow.door import Caller
from gateway.flow.footprints import View
from gateway.flow.history import CONTENT, Standing, Version
from gateway.flow.look import SEES_ALL, UNSEEN
from gateway.model.delivery import Delivery, State
from gateway.model.recall import Recall
from gateway.model.text import AgencyCode, Instant
from gateway.services import Services
from gateway.store import dossiers, events, messages, recalls, rechecks
from gateway.store.contract import Row, Tx
from gateway.store.dossiers import Place

ROWS = 50  # recipients, statuses, looks on one page
MESSAGES = 50
BEGIN = Place()


@dataclass(frozen=True, slots=True)
class Message:
    """One message of the document with the verdicts and findings that count now. JSON values as they are
    kept; ``names``: of its files, ``subject``: while they are not erased."""

    id: str
    kind: str
    accepted_at: Instant
    size: int
    dialect: str
    decision: str
    rule_set: str
    envelope_sha256: str
    header: Mapping[str, Any]
    findings: Sequence[Mapping[str, Any]]
    verdicts: Sequence[Mapping[str, Any]]
    timings: Mapping[str, int]
    rejudged_at: Instant | None
    names: tuple[str, ...]
    subject: str = ""


@dataclass(frozen=True, slots=True)
class StatusLine:
    """One status about the document. ``automatic``: written by the gateway in the recipient's name."""

    code: str
    reporter: AgencyCode
    addressee: AgencyCode
    reported_at: Instant
    automatic: bool
    reason: str


@dataclass(frozen=True, slots=True)
class DocumentPage:
    """What a page shows. ``whole``: the reader sees every recipient; ``parts`` are deliveries by (state,
    status)."""

    id: str
    sender: AgencyCode
    document_id: str
    created_at: Instant
    subject: str
    signer: str
    whole: bool
    messages: tuple[Message, ...]
    standing: Standing
    versions: tuple[Version, ...]
    current_document: str
    replaces: tuple[str, ...]
    replaced_by: tuple[str, ...]
    recalls: tuple[Recall, ...]
    receipts: tuple[Mapping[str, Any], ...]
    deliveries: tuple[Delivery, ...]
    next_place: Place | None
    parts: tuple[tuple[str, str, int], ...]
    moments: Mapping[str, Any]
    status_moments: tuple[Mapping[str, Any], ...]
    statuses: tuple[StatusLine, ...]
    attempts: Mapping[str, tuple[Mapping[str, Any], ...]] = field(default_factory=dict)
    looks: tuple[View, ...] = ()
    frozen_at: Instant | None = None
    purged_at: Instant | None = None

    @property
    def recipients(self) -> int:
        """How many deliveries it has that the reader may know of."""
        return sum(number for _, _, number in self.parts)


@dataclass(frozen=True, slots=True)
class Asked:
    """Which part of the recipients is looked at."""

    after: Place = BEGIN
    state: str = ""
    recipient: str = ""


async def show_document(
    gw: Services, caller: Caller, reference: str, asked: Asked | None = None
) -> DocumentPage:
    """The page of a document, by its id here or its DocumentId. ``NotFound`` also when it is not the
    caller's, as sender or as one of the recipients. Recorded."""
    found = await gw.store.read(lambda tx: _show(tx, caller, reference, asked or Asked()))
    if found is None:
        await footprints.viewed(gw, caller, "document", searched={"reference": reference}, found=0)
        raise NotFound(code="document.unknown")
    await footprints.viewed(gw, caller, "document", document=found.id, sender=found.sender)
    return found


def _show(tx: Tx, caller: Caller, reference: str, asked: Asked) -> DocumentPage | None:
    for row in messages.documents_named(tx, reference):
        if caller.role in SEES_ALL or row["sender"] in caller.agencies:
            return _whole(tx, row, asked)
        own = _recipient_of(tx, row["id"], caller.agencies)
        if own:
            return _part(tx, row, own)
    return None


def _recipient_of(tx: Tx, document: str, agencies: frozenset[AgencyCode]) -> list[AgencyCode]:
    """Those of the agencies that the document reached or is on its way to."""
    return [
        code
        for code in sorted(agencies)
        if any(_known(one) for one in dossiers.page(tx, document, Place(), ROWS, code))
    ]


def _known(delivery: Delivery) -> bool:
    return delivery.state not in UNSEEN


def _whole(tx: Tx, row: Row, asked: Asked) -> DocumentPage:
    document = row["id"]
    found = dossiers.page(tx, document, asked.after, ROWS + 1, asked.recipient, asked.state)
    shown = tuple(found[:ROWS])
    last = Place(shown[-1].recipient, shown[-1].id) if len(found) > ROWS else None
    page = _common(tx, row, shown)
    receipts = tuple(dict(one) for m in page.messages for one in messages.receipts_of(tx, m.id))
    return replace(
        page,
        next_place=last,
        parts=tuple((n["state"], n["status_code"], n["deliveries"]) for n in dossiers.counts(tx, document)),
        moments=dict(dossiers.moments(tx, document)),
        status_moments=tuple(dict(one) for one in dossiers.status_moments(tx, document)),
        statuses=_statuses(tx, dossiers.statuses(tx, document, ROWS)),
        receipts=receipts,
        attempts={d.id: tuple(dict(a) for a in dossiers.attempts(tx, d.id)) for d in shown if d.attempts},
        looks=tuple(footprints.view(tx, one) for one in dossiers.looks(tx, document, ROWS)),
        frozen_at=row["frozen_at"],
        purged_at=row["purged_at"],
    )


def _part(tx: Tx, row: Row, own: Sequence[AgencyCode]) -> DocumentPage:
    """What a recipient's people see: their own deliveries and statuses, and the messages they got."""
    document = row["id"]
    shown = tuple(d for code in own for d in dossiers.page(tx, document, Place(), ROWS, code) if _known(d))
    page = _common(tx, row, shown)
    asked = tuple(one for one in page.recalls if one.recipient in own)
    known = {delivery.message for delivery in shown}
    rows = [one for code in own for one in dossiers.statuses(tx, document, ROWS, code)]
    had = [delivery.state for delivery in shown if delivery.kind in CONTENT]
    gave_back = bool(had) and all(state is State.RECALLED for state in had)
    mine = tuple(_bare(m) if gave_back else m for m in page.messages if m.id in known)
    return replace(
        page,
        whole=False,
        subject="" if gave_back else _subject(mine),
        signer="" if gave_back else page.signer,
        messages=mine,
        recalls=asked,
        standing=history.standing_of(asked, own, bool(page.replaced_by)),
        versions=tuple(one for one in page.versions if one.message in known),
        parts=tuple((d.state.value, d.status_code, 1) for d in shown),
        statuses=_statuses(tx, rows),
    )


def _bare(message: Message) -> Message:
    """Without what it says: the recipient gave the document back (NĐ 30/2020 PL VI)."""
    return replace(message, header={}, findings=(), verdicts=(), names=(), subject="")


def _subject(said: Sequence[Message]) -> str:
    """The newest that is still known."""
    return next((one.subject for one in reversed(said) if one.subject), "")


def _common(tx: Tx, row: Row, shown: tuple[Delivery, ...]) -> DocumentPage:
    document = row["id"]
    rows = dossiers.messages(tx, document, MESSAGES)
    asked = tuple(recalls.of_document(tx, document))
    later = history.current_document(tx, row)
    standing = history.standing_of(asked, recalls.recipients(tx, document), later != document)
    key = {"sender": row["sender"], "document_id": row["document_id"]}
    said = tuple(_message(tx, one) for one in rows)
    return DocumentPage(
        id=document,
        sender=AgencyCode(row["sender"]),
        document_id=row["document_id"],
        created_at=row["created_at"],
        subject=_subject(said),
        signer=events.private_values(tx, rows[0]["event"]).get("signer", "") if rows else "",
        whole=True,
        messages=said,
        standing=standing,
        versions=history.versions(tx, rows, standing),
        current_document=later,
        replaces=tuple(one["replaces"] for one in tx.all("links_of", document=document)),
        replaced_by=tuple(one["id"] for one in tx.all("replaced_by", **key)),
        recalls=asked,
        receipts=(),
        deliveries=shown,
        next_place=None,
        parts=(),
        moments={},
        status_moments=(),
        statuses=(),
    )


def _message(tx: Tx, row: Row) -> Message:
    again = rechecks.newest_judgement(tx, row["id"])
    private = events.private_values(tx, row["event"])
    names = private.get("file_names", "")
    return Message(
        id=row["id"],
        kind=row["kind"],
        accepted_at=row["accepted_at"],
        size=row["size"],
        dialect=row["dialect"],
        decision=row["decision"],
        rule_set=again.rule_set if again else row["rule_set"],
        envelope_sha256=bytes(row["envelope_sha256"]).hex(),
        header=orjson.loads(row["header"]),
        findings=again.findings if again else orjson.loads(row["findings"]),
        verdicts=again.verdicts if again else orjson.loads(row["verdicts"]),
        timings=orjson.loads(row["timings"]),
        rejudged_at=again.judged_at if again else None,
        names=tuple(orjson.loads(names)) if names else (),
        subject=private.get("subject", ""),
    )


def _statuses(tx: Tx, rows: Sequence[Row]) -> tuple[StatusLine, ...]:
    return tuple(_status(tx, row) for row in rows)


def _status(tx: Tx, row: Row) -> StatusLine:
    message = messages.find(tx, row["message"])
    private = events.private_values(tx, message["event"]) if message else {}
    return StatusLine(
        row["code"],
        AgencyCode(row["reporter"]),
        AgencyCode(row["addressee"]),
        row["reported_at"],
        bool(row["automatic"]),
        private.get("reason", ""),
    )
