"""Bytes that verdicts rest on: certificates, CRLs, OCSP answers, timestamps, each once (TT 41/2017 Đ8).

In charge of: keeping and finding them by their SHA-256. Not in charge of: which verdict rests on which (the
verdict itself says so).
"""

from __future__ import annotations

from collections.abc import Iterable

from gateway.model.text import Instant
from gateway.model.verdict import Proof, ProofKind
from gateway.store.contract import Tx


def keep(tx: Tx, proofs: Iterable[Proof], at: Instant) -> None:
    """Keep those that are not here yet; a CRL of megabytes is looked up before it is handed over."""
    for proof in {proof.sha256: proof for proof in proofs}.values():
        if tx.one("proof_is_kept", sha256=proof.sha256) is None:
            tx.run("add_proof", sha256=proof.sha256, kind=proof.kind.value, bytes=proof.data, stored_at=at)


class KnownProofs:
    """Hashes of proofs that are known to be in the store, so that nobody asks it about each one again.

    Proofs are never deleted while their gateway runs. Bounded: when it is full it starts again.
    """

    def __init__(self, size: int = 10_000) -> None:
        self._size = size
        self._known: set[str] = set()

    def new(self, proofs: Iterable[Proof]) -> list[Proof]:
        """Those that may not be in the store yet."""
        return [proof for proof in proofs if proof.sha256 not in self._known]

    def remember(self, proofs: Iterable[Proof]) -> None:
        """They are in the store: to be called after the commit."""
        hashes = {proof.sha256 for proof in proofs}
        if len(self._known) + len(hashes) > self._size:
            self._known.clear()
        self._known |= hashes


def find(tx: Tx, sha256: str) -> Proof | None:
    """The bytes with that hash (hex)."""
    row = tx.one("proof_by_hash", sha256=sha256)
    return None if row is None else Proof(ProofKind(row["kind"]), row["sha256"], bytes(row["bytes"]))
