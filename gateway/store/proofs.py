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


def find(tx: Tx, sha256: str) -> Proof | None:
    """The bytes with that hash (hex)."""
    row = tx.one("proof_by_hash", sha256=sha256)
    return None if row is None else Proof(ProofKind(row["kind"]), row["sha256"], bytes(row["bytes"]))
