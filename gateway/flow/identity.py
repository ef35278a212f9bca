"""What makes two uploads the same message, and what the store already knows about one.

In charge of: the duplicate key of the contracts, and looking up what came before it. Not in charge of:
judging a repeat or a conflict (``checks/duplicate.py``) or acting on it (``submit.py``).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import orjson

from gateway.checks.subject import Earlier
from gateway.directory.snapshot import Directory
from gateway.edxml.digest import content_digest, status_key
from gateway.model.canonical import canonical_json
from gateway.model.envelope import Envelope, Kind
from gateway.model.status import read_status_code
from gateway.model.text import AgencyCode, nfc
from gateway.store import deliveries, desk, incidents, messages
from gateway.store.contract import Row, Tx


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
    number_key: str = ""  # year, number and notation of a document (NĐ 30/2020 PL VI III.1h); "" for others
    files: frozenset[str] = frozenset()  # hex SHA-256 of each attachment
    about: AgencyCode = AgencyCode("")  # the recipient that a status is about

    def order_key(self, document_id: str) -> str:
        """See the class."""
        parts = [self.document_sender, document_id]
        if self.kind is Kind.STATUS:
            parts.append(self.sender)
        return "\n".join(parts)


@dataclass(frozen=True, slots=True)
class Known:
    """What the store knows: the document's row, the message that this one repeats, and what checks need.

    ``earlier`` is ``None`` only when no store was at hand.
    """

    document: str = ""
    document_id: str = ""
    repeats: str = ""
    addressed: frozenset[str] = frozenset()  # who already has a delivery of the repeated message
    earlier: Earlier | None = None
    stand_ins: tuple[tuple[AgencyCode, AgencyCode], ...] = ()  # code named so far -> who had it in its place


NOTHING_KNOWN = Known()


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
        return Identity(
            Kind.STATUS,
            sender,
            document_sender=sender if from_sender else addressee,
            document_ids=(nfc(envelope.document_id),),
            content_digest=digest,
            duplicate_key=_key("status", *status_key(envelope, canonical)),
            about=addressee if from_sender else sender,
        )
    return Identity(
        envelope.kind,
        sender,
        document_sender=sender,
        document_ids=_document_ids(envelope),
        content_digest=digest,
        duplicate_key=_key(sender, nfc(envelope.document_id), envelope.kind.value, digest.hex()),
        number_key=_number_key(envelope),
        files=frozenset(file.sha256.hex() for file in envelope.attachments),
    )


def look_up(tx: Tx, identity: Identity, *, lock: bool = False, rewritten: bool = False) -> Known:
    """What the store knows about this message; with ``lock`` its document stays ours until the commit.

    The document comes first: what is read after its lock was given is what others committed before.
    ``rewritten``: it came from an axis that writes headers anew, so a ``new`` with the same files repeats.
    """
    row = _document(tx, identity, lock)
    if row is None:
        number = _same_number(tx, identity, "")
        by_hand = _sent_by_hand(tx, identity, number)
        spilled = _is_spilled(tx, identity, "")
        return Known(earlier=Earlier(same_number=number, sent_by_hand=by_hand, spilled_file=spilled))
    repeated = tx.one("message_by_key", duplicate_key=identity.duplicate_key)
    earlier = _earlier(tx, identity, row, repeated is not None)
    if repeated is None and rewritten and identity.kind is Kind.NEW:
        repeated = _with_same_files(tx, identity, row)
    stand_ins = deliveries.stand_ins(tx, row["id"])
    if repeated is None:
        return Known(row["id"], row["document_id"], earlier=earlier, stand_ins=stand_ins)
    addressed = deliveries.addressed_of(tx, repeated["id"])
    return Known(row["id"], row["document_id"], repeated["id"], addressed, earlier, stand_ins)


def _document(tx: Tx, identity: Identity, lock: bool) -> Row | None:
    for document_id in identity.document_ids:
        row = messages.document_of(tx, identity.document_sender, document_id, lock=lock)
        if row is not None:
            return row
    return None


def _with_same_files(tx: Tx, identity: Identity, document: Row) -> Row | None:
    """The first version of the document, if its files are those of this message."""
    for version in tx.all("versions_of_document", document=document["id"]):
        if version["kind"] == Kind.NEW.value and _files(version) == identity.files:
            return version
    return None


def _earlier(tx: Tx, identity: Identity, document: Row, same_content: bool) -> Earlier:
    versions = tx.all("versions_of_document", document=document["id"])
    return Earlier(
        known_document=True,
        first_message=document["first_message"],
        same_content=same_content,
        same_files=any(_files(version) == identity.files for version in versions),
        document_sender=AgencyCode(document["sender"]),
        document_recipients=frozenset(AgencyCode(code) for code in messages.reporters_of(tx, document["id"])),
        statuses=_statuses(tx, document["id"], identity),
        amended=any(version["kind"] in ("revoke", "update") for version in versions),
        same_number=_same_number(tx, identity, document["id"]),
        spilled_file=_is_spilled(tx, identity, document["id"]),
        purged=document["purged_at"] is not None or incidents.open_for(tx, document["id"]) is not None,
    )


def _statuses(tx: Tx, document: str, identity: Identity) -> tuple[str, ...]:
    """Codes recorded so far for the recipient that a status is about, oldest first."""
    if identity.kind is not Kind.STATUS:
        return ()
    rows = tx.all("statuses_about", document=document, recipient=identity.about)
    return tuple(row["code"] for row in rows)


def _same_number(tx: Tx, identity: Identity, document: str) -> str:
    """The first message of another document of this sender with the same number, notation and year."""
    if not identity.number_key:
        return ""
    rows = tx.all("documents_by_number", sender=identity.sender, number_key=identity.number_key)
    return next((row["first_message"] for row in rows if row["id"] != document), "")


def _sent_by_hand(tx: Tx, identity: Identity, message: str) -> str:
    """The DocumentId of the message with the same number, if a clerk sent it by hand with a file of ours."""
    row = messages.find(tx, message) if message and desk.was_sent_by_hand(tx, message) else None
    if row is None or identity.kind is not Kind.NEW or identity.files.isdisjoint(_files(row)):
        return ""
    document = tx.one("document_by_id", id=row["document"])
    return str(document["document_id"]) if document else ""


def _is_spilled(tx: Tx, identity: Identity, document: str) -> bool:
    """True when one of its files belongs to another document, about which there is an incident."""
    return bool(identity.files) and not identity.files.isdisjoint(incidents.spilled_files(tx, document))


def _files(version: Row) -> frozenset[str]:
    return frozenset(file["sha256"] for file in orjson.loads(version["header"]).get("files", ()))


def _key(*parts: str) -> bytes:
    return hashlib.sha256(canonical_json(list(parts))).digest()


def _number_key(envelope: Envelope) -> str:
    promulgated = envelope.promulgation_date.value
    if envelope.kind not in (Kind.NEW, Kind.REPLACE) or promulgated is None or not envelope.code_number:
        return ""
    return f"{promulgated.year}\n{envelope.code_number}\n{envelope.code_notation}"


def _document_ids(envelope: Envelope) -> tuple[str, ...]:
    own = nfc(envelope.document_id)
    named = nfc(envelope.business.document_id)
    if envelope.kind in (Kind.REVOKE, Kind.UPDATE) and named and named != own:
        return (named, own)
    return (own,)
