"""Rows of documents, messages, receipts and statuses.

In charge of: turning values into rows and back, one function per thing that a flow wants to say. Not in
charge of: deciding anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from gateway.model.receipt import Receipt
from gateway.model.text import Instant, nfc
from gateway.store import archive, searches
from gateway.store.contract import Row, Tx


@dataclass(frozen=True, slots=True)
class NewMessage:
    """Everything a message row holds. JSON fields are plain lists and objects."""

    id: str
    document: str
    kind: str
    duplicate_key: bytes
    sender: str
    envelope_sha256: bytes
    content_digest: bytes
    size: int
    dialect: str
    decision: str
    caller: str
    rule_set: str
    urgency: int
    header: dict[str, Any]
    findings: list[dict[str, str]]
    verdicts: list[dict[str, Any]]
    timings: dict[str, int]
    event: str
    accepted_at: Instant


@dataclass(frozen=True, slots=True)
class NewStatus:
    """One status about a document. ``automatic``: written by the gateway; ``forwarded``: it travels on."""

    message: str
    document: str
    reporter: str
    addressee: str
    code: str
    declared_time: str
    automatic: bool
    forwarded: bool
    reported_at: Instant


def add(tx: Tx, message: NewMessage) -> None:
    """Write the message row; its document row must exist. The document is to be found by what it says."""
    tx.run(
        "add_message",
        id=message.id,
        document=message.document,
        kind=message.kind,
        duplicate_key=message.duplicate_key,
        sender=message.sender,
        envelope_sha256=message.envelope_sha256,
        content_digest=message.content_digest,
        size=message.size,
        dialect=message.dialect,
        decision=message.decision,
        caller=message.caller,
        rule_set=message.rule_set,
        urgency=message.urgency,
        header=_json(message.header),
        findings=_json(message.findings),
        verdicts=_json(message.verdicts),
        timings=_json(message.timings),
        event=message.event,
        accepted_at=message.accepted_at,
    )
    if message.kind != "status":
        searches.queue(tx, message.document)


def add_document(
    tx: Tx, document: str, sender: str, document_id: str, message: str, number_key: str, at: Instant
) -> None:
    """Open the history of a document with its first message."""
    tx.run(
        "add_document",
        id=document,
        sender=sender,
        document_id=document_id,
        first_message=message,
        number_key=number_key,
        created_at=at,
    )


def add_link(tx: Tx, document: str, replaced_document_id: str) -> None:
    """Say that ``document`` replaces the sender's document of that DocumentId."""
    tx.run("add_document_link", document=document, replaces=replaced_document_id)


def add_receipt(tx: Tx, receipt: Receipt, jws: str, event: str) -> None:
    """Keep an issued receipt as it is. ``event`` carries its SHA-256 into the exchange log."""
    tx.run(
        "add_receipt",
        id=receipt.id,
        message=receipt.message,
        supplement_to=receipt.supplement_to or None,
        jws=jws,
        issued_at=receipt.accepted_at,
        event=event,
    )


def receipt(tx: Tx, receipt_id: str) -> Row | None:
    """A receipt with its ``sender`` and the ``event`` that names it."""
    return tx.one("receipt_by_id", id=receipt_id)


def add_status(tx: Tx, status: NewStatus) -> None:
    """Record a status, and note it on the deliveries of the reporter (of the addressee for 13)."""
    tx.run(
        "add_status_report",
        message=status.message,
        document=status.document,
        reporter=status.reporter,
        addressee=status.addressee,
        code=status.code,
        declared_time=status.declared_time,
        automatic=int(status.automatic),
        forwarded=int(status.forwarded),
        reported_at=status.reported_at,
    )
    recipient = status.addressee if status.code == "13" else status.reporter
    tx.run(
        "note_status",
        document=status.document,
        recipient=recipient,
        code=status.code,
        at=status.reported_at,
    )


def document_of(tx: Tx, sender: str, document_id: str, *, lock: bool = False) -> Row | None:
    """The document with that key; with ``lock`` it stays ours until the transaction ends, and ``Archived`` is
    raised when a part of it is away."""
    query = "lock_document" if lock else "document_by_key"
    row = tx.one(query, sender=sender, document_id=document_id)
    if row is not None and lock:
        archive.require_document(tx, row["id"])
    return row


def newest(tx: Tx, document: str) -> Instant | None:
    """When the document's newest message was accepted."""
    row = tx.one("newest_message", document=document)
    return None if row is None or row["at"] is None else Instant(row["at"])


def documents_named(tx: Tx, reference: str) -> list[Row]:
    """The documents that a person means: by id here, else by DocumentId, whoever sent them."""
    row = tx.one("document_by_id", id=reference)
    return [row] if row else tx.all("documents_by_document_id", document_id=nfc(reference))


def find(tx: Tx, message: str) -> Row | None:
    """One message."""
    return tx.one("message_by_id", id=message)


def first_of(tx: Tx, document: str) -> Row:
    """The message with which a document began."""
    row = tx.one("first_new_message", document=document)
    assert row is not None  # nobody creates a document without its message
    return row


def of_document(tx: Tx, document: str) -> list[Row]:
    """The history of a document, oldest first."""
    return tx.all("messages_of_document", document=document)


def receipts_of(tx: Tx, message: str) -> list[Row]:
    """The first receipt of a message and its supplements."""
    return tx.all("receipts_of_message", message=message)


def recipients_of(tx: Tx, document: str) -> frozenset[str]:
    """Codes to which any message of the document was addressed."""
    archive.require_document(tx, document)
    return frozenset(row["recipient"] for row in tx.all("recipients_of_document", document=document))


def reporters_of(tx: Tx, document: str) -> frozenset[str]:
    """Who may report on the document: its recipients, and agencies whose gateway carried it on to them."""
    carriers = (row["destination"] for row in tx.all("carriers_of_document", document=document))
    return recipients_of(tx, document).union(carriers)


def arrival_reported(tx: Tx, document: str, reporter: str) -> bool:
    """True when the reporter's 01 is already recorded."""
    return tx.one("arrival_reported", document=document, reporter=reporter) is not None


def decode(row: Row, *names: str) -> dict[str, Any]:
    """The row as a plain dictionary, with the named JSON columns decoded."""
    plain = dict(row)
    for name in names:
        plain[name] = orjson.loads(plain[name])
    return plain


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()
