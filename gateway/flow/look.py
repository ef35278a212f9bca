"""Reading what happened: one document's way, lists of documents, the queue.

In charge of: views that the API, the command line and later the console share, and who may see them. Nothing
here changes anything. Not in charge of: figures (``compliance/``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from gateway.errors import NotFound, NotPermitted
from gateway.flow import footprints
from gateway.flow.door import Caller
from gateway.flow.history import (
    CONTENT,
    Standing,
    Version,
    current_document,
    standing_of,
    versions,
)
from gateway.model.delivery import Delivery, State
from gateway.model.recall import Recall
from gateway.model.text import AgencyCode, Instant
from gateway.services import Services
from gateway.store import deliveries, events, messages, recalls, rechecks
from gateway.store.contract import Row, Tx
from gateway.store.people import Role

SEES_ALL = (Role.AUDITOR, Role.OPERATOR, Role.ADMINISTRATOR)
UNSEEN = frozenset({State.HELD, State.REJECTED, State.CANCELLED})  # a recipient knows nothing of these
FAR_FUTURE = Instant(2**62)


@dataclass(frozen=True, slots=True)
class DocumentRow:
    """One line of a list."""

    id: str
    sender: AgencyCode
    document_id: str
    kind: str
    decision: str
    urgency: int
    created_at: Instant
    header: dict[str, Any]
    subject: str


@dataclass(frozen=True, slots=True)
class Trace:
    """Everything about one document. Rows are plain dictionaries with JSON columns decoded."""

    id: str
    sender: AgencyCode
    document_id: str
    created_at: Instant
    replaces: tuple[str, ...]
    replaced_by: tuple[str, ...]
    subject: str
    messages: tuple[dict[str, Any], ...]
    deliveries: tuple[Delivery, ...]
    attempts: dict[str, tuple[dict[str, Any], ...]]
    statuses: tuple[dict[str, Any], ...]
    receipts: tuple[dict[str, Any], ...]
    events: tuple[dict[str, Any], ...]
    standing: Standing = Standing.IN_FORCE
    versions: tuple[Version, ...] = ()
    current_document: str = ""  # this one, or the last of the documents that replace it
    recalls: tuple[Recall, ...] = ()
    frozen_at: Instant | None = None
    purged_at: Instant | None = None


async def list_documents(
    gw: Services,
    caller: Caller,
    agency: AgencyCode | None = None,
    before: Instant = FAR_FUTURE,
    limit: int = 50,
) -> list[DocumentRow]:
    """Documents, newest first. A caller without the right to see all names one of its own agencies."""
    if caller.role not in SEES_ALL and (agency is None or not caller.acts_for(agency)):
        raise NotPermitted(code="documents.not_yours")

    def unit(tx: Tx) -> list[DocumentRow]:
        if agency is None:
            rows = tx.all("recent_documents", before=before, limit=limit)
        else:
            rows = tx.all("recent_documents_of", before=before, limit=limit, agency=agency)
        return [_line(row, events.private_values(tx, row["event"])) for row in rows]

    rows = await gw.store.read(unit)
    searched = {"agency": agency, "before": "" if before == FAR_FUTURE else before}
    await footprints.viewed(gw, caller, "documents", searched=searched, found=len(rows))
    return rows


async def trace(gw: Services, caller: Caller, reference: str) -> Trace:
    """The whole way of a document, found by its id here or by its DocumentId.

    ``NotFound`` also when it is not the caller's: as sender or as one of the recipients.
    """
    found = await gw.store.read(lambda tx: _trace(tx, caller, reference))
    if found is None:
        await footprints.viewed(gw, caller, "document", searched={"reference": reference}, found=0)
        raise NotFound(code="document.unknown")
    await footprints.viewed(gw, caller, "document", document=found.id, sender=found.sender)
    return found


async def queue(
    gw: Services, caller: Caller, limit: int = 200
) -> tuple[list[dict[str, Any]], list[Delivery]]:
    """The queue by destination and state, and its oldest deliveries. For operators, auditors and up."""
    caller.require(*SEES_ALL)
    summary, rows = await gw.store.read(
        lambda tx: (
            [dict(row) for row in tx.all("queue_summary")],
            [deliveries.from_row(row) for row in tx.all("queue_rows", limit=limit)],
        )
    )
    await footprints.viewed(gw, caller, "queue", found=len(rows))
    return summary, rows


def _trace(tx: Tx, caller: Caller, reference: str) -> Trace | None:
    for row in messages.documents_named(tx, reference):
        if caller.role in SEES_ALL or row["sender"] in caller.agencies:
            return _whole(tx, row)
        if caller.agencies & messages.recipients_of(tx, row["id"]):
            return _part_of(_whole(tx, row), caller.agencies)
    return None


def _part_of(trace: Trace, own: frozenset[AgencyCode]) -> Trace:
    """What a recipient sees: the document, and its own deliveries, statuses and events, not other
    recipients'.
    """
    shown = tuple(
        d for d in trace.deliveries if d.sender in own or (d.recipient in own and d.state not in UNSEEN)
    )
    known = {delivery.message for delivery in shown}
    if _gave_back(shown):
        trace = replace(trace, subject="", messages=tuple(_bare(m) for m in trace.messages))
    recalls_ = tuple(recall for recall in trace.recalls if recall.recipient in own)
    return replace(
        trace,
        recalls=recalls_,
        standing=standing_of(recalls_, own, bool(trace.replaced_by)),
        versions=tuple(version for version in trace.versions if version.message in known),
        deliveries=shown,
        attempts={},
        messages=tuple(m for m in trace.messages if m["id"] in known or m["sender"] in own),
        statuses=tuple(s for s in trace.statuses if own & {s["reporter"], s["addressee"]}),
        receipts=tuple(r for r in trace.receipts if _issued_to(r, trace, own)),
        events=tuple(e for e in trace.events if e.get("delivery", "") in {d.id for d in shown}),
    )


def _gave_back(shown: Sequence[Delivery]) -> bool:
    """True when the recipient agreed to a recall of all that it had: its metadata is gone too (NĐ 30/2020 PL
    VI); the record of the recall stays."""
    had = [delivery.state for delivery in shown if delivery.kind in CONTENT]
    return bool(had) and all(state is State.RECALLED for state in had)


def _bare(message: dict[str, Any]) -> dict[str, Any]:
    """A message without what it says about its document."""
    return message | {"header": {}, "findings": [], "verdicts": []}


def _issued_to(receipt: dict[str, Any], trace: Trace, own: frozenset[AgencyCode]) -> bool:
    return any(m["id"] == receipt["message"] and m["sender"] in own for m in trace.messages)


def _whole(tx: Tx, row: Row) -> Trace:
    document = row["id"]
    history = messages.of_document(tx, document)
    found = deliveries.of_document(tx, document)
    first = next(message for message in history if message["id"] == row["first_message"])
    asked = tuple(recalls.of_document(tx, document))
    later = current_document(tx, row)
    standing = standing_of(asked, recalls.recipients(tx, document), later != document)
    return Trace(
        standing=standing,
        versions=versions(tx, history, standing),
        current_document=later,
        recalls=asked,
        frozen_at=row["frozen_at"],
        purged_at=row["purged_at"],
        id=document,
        sender=row["sender"],
        document_id=row["document_id"],
        created_at=row["created_at"],
        replaces=tuple(link["replaces"] for link in tx.all("links_of", document=document)),
        replaced_by=tuple(
            later["id"]
            for later in tx.all("replaced_by", sender=row["sender"], document_id=row["document_id"])
        ),
        subject=events.private_values(tx, first["event"]).get("subject", ""),
        messages=tuple(_message(tx, message) for message in history),
        deliveries=tuple(found),
        attempts={
            delivery.id: tuple(dict(a) for a in tx.all("attempts_of_delivery", delivery=delivery.id))
            for delivery in found
            if delivery.attempts
        },
        statuses=tuple(_status(tx, status) for status in tx.all("status_reports_of", document=document)),
        receipts=tuple(
            dict(receipt) for message in history for receipt in messages.receipts_of(tx, message["id"])
        ),
        events=tuple(_event(event) for event in events.of_document(tx, document)),
    )


def _message(tx: Tx, row: Row) -> dict[str, Any]:
    """With the verdicts and findings that count: those of the newest judgement, if it was judged again."""
    plain = messages.decode(row, "header", "findings", "verdicts", "timings")
    again = rechecks.newest_judgement(tx, row["id"])
    plain["rejudged_at"] = again.judged_at if again else None
    if again:
        plain |= {"verdicts": again.verdicts, "findings": again.findings}
    for name in ("envelope_sha256", "content_digest", "duplicate_key"):
        plain[name] = bytes(plain[name]).hex()
    return plain


def _status(tx: Tx, row: Row) -> dict[str, Any]:
    message = messages.find(tx, row["message"])
    private = events.private_values(tx, message["event"]) if message else {}
    return dict(row) | {"reason": private.get("reason", "")}


def _event(row: Row) -> dict[str, Any]:
    decoded: dict[str, Any] = orjson.loads(bytes(row["body"]))
    return decoded


def _line(row: Row, private: dict[str, str]) -> DocumentRow:
    return DocumentRow(
        id=row["id"],
        sender=row["sender"],
        document_id=row["document_id"],
        kind=row["kind"],
        decision=row["decision"],
        urgency=row["urgency"],
        created_at=row["created_at"],
        header=orjson.loads(row["header"]),
        subject=private.get("subject", ""),
    )
