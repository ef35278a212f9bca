"""A receipt and its proof: the event that names it, its leaf, the signed head over it, and a timestamp.

In charge of: verifying a receipt with its attachment, offline and without us. Not in charge of: trees
(``merkle``), heads (``checkpoint``), tokens (``signature/timestamp.py``), rows (``store/log.py``).

The event that accepted a message holds ``receipt_sha256``: the SHA-256 of the compact JWS, hex. The event's
canonical bytes are a leaf of the exchange log; a checkpoint signs a head over it; where a timestamp service
is set, the checkpoint as the gateway signed it (text and signature, without the lines of witnesses) is
stamped.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from gateway.exchange_log.checkpoint import (
    Checkpoint,
    NotANote,
    Note,
    PublicKey,
    read_checkpoint,
    read_note,
    signed_by_log,
)
from gateway.exchange_log.merkle import leaf_hash, verify_inclusion
from gateway.model.text import Instant
from gateway.model.verdict import Indication
from gateway.signature.timestamp import Judged, judge_token
from gateway.signature.timestamp_texts import PROBLEMS
from gateway.signature.trust import TrustStore


@dataclass(frozen=True, slots=True)
class Attachment:
    """What goes with a receipt later."""

    event: bytes  # canonical bytes of the event: what became the leaf
    leaf: int  # its place in the log, from 0
    inclusion_proof: tuple[bytes, ...]
    note: str  # the checkpoint: text, our signature, lines of witnesses
    token: bytes  # DER of the ContentInfo (RFC 3161); empty while there is none


def receipt_digest(jws: str) -> str:
    """What the event says of its receipt."""
    return hashlib.sha256(jws.encode("ascii")).hexdigest()


def stamped_bytes(note: str) -> bytes:
    """What is timestamped of a checkpoint: its text and the log's own signature."""
    read = read_note(note)
    origin = read.text.partition("\n")[0]
    return str(Note(read.text, tuple(one for one in read.signatures if one.name == origin))).encode()


def proved(jws: str, attachment: Attachment, keys: Sequence[PublicKey]) -> Checkpoint | None:
    """The head that this receipt is under, signed by one of the log's ``keys``; ``None`` when it is not."""
    try:
        note = read_note(attachment.note)
        head = read_checkpoint(note.text)
        signed = signed_by_log(note, keys)
        names = _names(attachment.event, receipt_digest(jws))
    except (NotANote, ValueError):
        return None
    leaf = leaf_hash(attachment.event)
    included = verify_inclusion(leaf, attachment.leaf, head.size, attachment.inclusion_proof, head.root)
    return head if signed and names and included else None


def verify_receipt(
    jws: str, attachment: Attachment, keys: Sequence[PublicKey], trust: TrustStore, now: Instant
) -> Judged:
    """Was this receipt there at the token's time? Pure: receipt, attachment, the log's public keys and the
    anchors are all it needs. Without a token: INDETERMINATE, ``timestamp.pending``, once the log proves
    it."""
    if proved(jws, attachment, keys) is None:
        return Judged(Indication.FAILED, "timestamp.proof", PROBLEMS["timestamp.proof"])
    if not attachment.token:
        return Judged(Indication.INDETERMINATE, "timestamp.pending", PROBLEMS["timestamp.pending"])
    return judge_token(attachment.token, stamped_bytes(attachment.note), trust, now)


def _names(event: bytes, digest: str) -> bool:
    body: Any = orjson.loads(event)
    return isinstance(body, dict) and body.get("receipt_sha256") == digest


__all__ = ["Attachment", "proved", "receipt_digest", "stamped_bytes", "verify_receipt"]
