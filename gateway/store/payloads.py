"""Rows of payloads: which bytes are kept, under which key, for how many messages.

In charge of: counting references by SHA-256, freezing, and destroying (the key goes, the row stays). Not in
charge of: the bytes (``store/blobs.py``) or the keyring.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.model.text import Instant
from gateway.store.contract import Tx


@dataclass(frozen=True, slots=True)
class StoredPayload:
    """What is needed to read a payload; ``wrapped_key`` is ``None`` once it was destroyed."""

    sha256: bytes
    size: int
    wrapped_key: bytes | None
    file: str | None
    inline: bytes | None


def keep(tx: Tx, payload: StoredPayload, at: Instant) -> bool:
    """Count one more reference to the payload. False when these bytes were kept already, under another
    key: the caller's own file is then an orphan and may go. Bytes that were destroyed live again.

    On PostgreSQL the insert waits for another node that is just destroying the row, and the statements after
    it see what that node did."""
    added = tx.run(
        "add_payload",
        sha256=payload.sha256,
        size=payload.size,
        wrapped_key=payload.wrapped_key,
        file=payload.file,
        inline=payload.inline,
        stored_at=at,
    )
    if not added and payload.wrapped_key is not None:
        added = tx.run(
            "revive_payload",
            sha256=payload.sha256,
            wrapped_key=payload.wrapped_key,
            file=payload.file,
            inline=payload.inline,
            stored_at=at,
        )
    tx.run("hold_payload", sha256=payload.sha256)
    if added:
        return True
    kept = find(tx, payload.sha256)  # two recipients of one message share what was rebuilt for them
    return kept is not None and kept.wrapped_key == payload.wrapped_key


def release(tx: Tx, sha256: bytes, at: Instant, backups_until: Instant) -> StoredPayload | None:
    """One reason less to keep it. The payload as it was, when that was the last one and it is not frozen: its
    key is gone after the commit, its file may go."""
    tx.run("release_payload", sha256=sha256)
    before = find(tx, sha256)  # only now the row is ours
    destroyed = tx.run("destroy_payload", sha256=sha256, at=at, backups_until=backups_until)
    return before if destroyed else None


def purge(tx: Tx, sha256: bytes, at: Instant, backups_until: Instant) -> StoredPayload | None:
    """Destroy it whoever needs it, frozen or not; ``None`` when it was destroyed before."""
    before = find(tx, sha256)
    return before if tx.run("purge_payload", sha256=sha256, at=at, backups_until=backups_until) else None


def of_document(tx: Tx, document: str) -> list[bytes]:
    """SHA-256 of everything that is kept of a document: as received and rebuilt, statuses too."""
    return [bytes(row["sha256"]) for row in tx.all("payloads_of_document", document=document)]


def freeze(tx: Tx, document: str, at: Instant) -> bool:
    """What the sender sent, and the document itself, stay as they are. True the first time."""
    tx.run("freeze_payloads", document=document, at=at)
    return tx.run("freeze_document", document=document, at=at) > 0


def find(tx: Tx, sha256: bytes) -> StoredPayload | None:
    """The payload with that hash."""
    row = tx.one("payload", sha256=sha256)
    if row is None:
        return None
    return StoredPayload(
        sha256=bytes(row["sha256"]),
        size=row["size"],
        wrapped_key=None if row["wrapped_key"] is None else bytes(row["wrapped_key"]),
        file=row["file"],
        inline=None if row["inline"] is None else bytes(row["inline"]),
    )


def in_places(tx: Tx, after: bytes, limit: int) -> list[StoredPayload]:
    """Payloads that lie in a place outside the database, by hash, beginning after one."""
    rows = tx.all("payloads_in_places", after=after, limit=limit)
    return [
        StoredPayload(bytes(row["sha256"]), row["size"], bytes(row["wrapped_key"]), row["file"], None)
        for row in rows
    ]


def known(tx: Tx, names: Sequence[str]) -> frozenset[str]:
    """Which of these payload files rows own. ``names``: of one page, by rising names; each begins with its
    folder and the payload's hash, so that the rows' own order serves."""
    first, last = (bytes.fromhex(name[3:67]) for name in (names[0], names[-1]))
    owned = frozenset(row["file"] for row in tx.all("payload_files", first=first, last=last))
    return owned.intersection(names)
