"""Receipts under a timestamp: many receipts, one tree, one token; and the proof that one receipt is under it.

In charge of: what exactly is stamped, and verifying a receipt with its attachment, offline and without us.
Not in charge of: trees (``merkle``), tokens (``signature/timestamp.py``), rows (``store/stamps.py``).

A receipt is a leaf: the bytes of its compact JWS. What the timestamp service hashes is a text of three lines,
so that a person can rebuild it and ask ``openssl ts -verify -data``:

    gateway-receipts/1
    <number of receipts, decimal>
    <head of the tree, hex>

each with a line feed. The number is bound because a proof alone may fit trees of several sizes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from gateway.exchange_log.merkle import HASH_BYTES, Tree, leaf_hash, verify_inclusion
from gateway.model.text import Instant
from gateway.model.verdict import Indication
from gateway.signature.timestamp import Judged, judge_token
from gateway.signature.timestamp_texts import PROBLEMS
from gateway.signature.trust import TrustStore

HEADING = "gateway-receipts/1"


@dataclass(frozen=True, slots=True)
class Attachment:
    """What goes with a receipt later: its place in the tree, the way up, and the token over the head."""

    size: int  # receipts under this timestamp
    root: bytes
    leaf: int  # place of this receipt, from 0
    inclusion_proof: tuple[bytes, ...]
    token: bytes  # DER of the ContentInfo (RFC 3161)


def stamped_bytes(size: int, root: bytes) -> bytes:
    """What is timestamped."""
    return f"{HEADING}\n{size}\n{root.hex()}\n".encode()


def hash_receipt(jws: str) -> bytes:
    """The leaf's hash of one receipt."""
    return leaf_hash(jws.encode("ascii"))


def head_of(leaves: Iterable[bytes]) -> bytes:
    """The head over these leaf hashes."""
    return Tree(leaves).root()


def prove(leaves: Iterable[bytes], leaf: int, token: bytes) -> Attachment:
    """The attachment of the receipt at place ``leaf`` among all the batch's leaf hashes."""
    tree = Tree(leaves)
    return Attachment(len(tree), tree.root(), leaf, tree.inclusion_proof(leaf), token)


def verify_receipt_timestamp(jws: str, attachment: Attachment, trust: TrustStore, now: Instant) -> Judged:
    """Was this receipt there at the token's time? Pure: receipt, attachment and anchors are all it needs."""
    proved = len(attachment.root) == HASH_BYTES and verify_inclusion(
        hash_receipt(jws), attachment.leaf, attachment.size, attachment.inclusion_proof, attachment.root
    )
    if not proved:
        return Judged(Indication.FAILED, "timestamp.proof", PROBLEMS["timestamp.proof"])
    return judge_token(attachment.token, stamped_bytes(attachment.size, attachment.root), trust, now)


__all__ = ["Attachment", "hash_receipt", "head_of", "prove", "stamped_bytes", "verify_receipt_timestamp"]
