"""What makes two uploads the same message, and what the store already knows about one.

In charge of: the duplicate key of the contracts, and looking up what came before it. Not in charge of: judging
a repeat or a conflict (``checks/duplicate.py``) or acting on it (``submit.py``).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from gateway.checks.subject import Earlier
from gateway.directory.snapshot import Directory
from gateway.edxml.digest import content_digest, status_key
from gateway.model.canonical import canonical_json
from gateway.model.envelope import Envelope, Kind
from gateway.model.status import read_status_code
from gateway.model.text import AgencyCode, nfc
from gateway.store import deliveries, messages
from gateway.store.contract import Tx


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a message is. All codes are canonical where the directory knows them.

    ``document_ids`` are tried in order: updates and revocations may name their document in two places.
    ``order_key`` binds messages that must keep their order to one destination: those of one document, and
    for statuses those of one reporter about one document.
    """

    kind: Kind
    sender: AgencyCode
    document_sender: AgencyCode
    document_ids: tuple[str, ...]
    content_digest: bytes
    duplicate_key: bytes

    def order_key(self, document_id: str) -> str:
        """See the class."""
        parts = [self.document_sender, document_id]
        if self.kind is Kind.STATUS:
            parts.append(self.sender)
        return "\n".join(parts)


@dataclass(frozen=True, slots=True)
class Known:
    """What the store knows: the document's row, the message that this one repeats, and what checks need."""

    document: str = ""
    document_id: str = ""
    repeats: str = ""
    addressed: frozenset[str] = frozenset()  # who already has a delivery of the repeated message
    earlier: Earlier | None = None


def identify(envelope: Envelope, directory: Directory) -> Identity:
    """The identity of a parsed message."""
    canonical = directory.canonical
    sender = AgencyCode(canonical(envelope.sender.organ_id))
    digest = content_digest(envelope, canonical)
    if envelope.kind is Kind.STATUS:
        about = envelope.response_for[0] if envelope.response_for else None
        addressee = AgencyCode(canonical(about.organ_id)) if about else AgencyCode("")
        code = read_status_code(envelope.status.code) if envelope.status else None
        from_sender = code is not None and code.from_document_sender
        key = status_key(envelope, canonical)
        return Identity(
            Kind.STATUS,
            sender,
            sender if from_sender else addressee,
            (nfc(envelope.document_id),),
            digest,
            hashlib.sha256(canonical_json(["status", *key])).digest(),
        )
    parts = [sender, nfc(envelope.document_id), envelope.kind.value, digest.hex()]
    return Identity(
        envelope.kind,
        sender,
        sender,
        _document_ids(envelope),
        digest,
        hashlib.sha256(canonical_json(parts)).digest(),
    )


def look_up(tx: Tx, identity: Identity, *, lock: bool = False) -> Known:
    """What the store knows about this message; with ``lock`` its document stays ours until the commit."""
    repeated = tx.one("message_by_key", duplicate_key=identity.duplicate_key)
    for document_id in identity.document_ids:
        row = messages.document_of(tx, identity.document_sender, document_id, lock=lock)
        if row is not None:
            break
    else:
        return Known()
    earlier = Earlier(
        known_document=True,
        first_message=row["first_message"],
        same_content=repeated is not None,
        document_sender=AgencyCode(row["sender"]),
        document_recipients=frozenset(AgencyCode(code) for code in messages.recipients_of(tx, row["id"])),
        statuses=_statuses(tx, row["id"], identity),
    )
    if repeated is None:
        return Known(row["id"], row["document_id"], earlier=earlier)
    addressed = deliveries.addressed_of(tx, repeated["id"])
    return Known(row["id"], row["document_id"], repeated["id"], addressed, earlier)


def _statuses(tx: Tx, document: str, identity: Identity) -> tuple[str, ...]:
    """Codes that the reporter of a status has reported on the document so far."""
    if identity.kind is not Kind.STATUS:
        return ()
    rows = tx.all("status_reports_of", document=document)
    return tuple(row["code"] for row in rows if row["reporter"] == identity.sender)


def _document_ids(envelope: Envelope) -> tuple[str, ...]:
    own = nfc(envelope.document_id)
    named = nfc(envelope.business.document_id)
    if envelope.kind in (Kind.REVOKE, Kind.UPDATE) and named and named != own:
        return (named, own)
    return (own,)
