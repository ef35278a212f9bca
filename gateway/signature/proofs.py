"""The bytes that a verdict rests on, gathered so that an auditor can judge again (TT 41/2017 Đ8).

In charge of: turning a path, its revocation answers and a timestamp into ``Proof`` values. Not in charge of:
keeping them (``store/proofs.py``).
"""

from __future__ import annotations

import hashlib

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.clock import to_rfc3339
from gateway.model.text import Instant
from gateway.model.verdict import Proof, ProofKind
from gateway.signature.certificates import fingerprint
from gateway.signature.revocation import RevocationAnswer
from gateway.signature.trust import PathResult


def proofs_of(certificate: x509.Certificate | None, path: PathResult | None = None) -> tuple[Proof, ...]:
    """The chain (leaf first, anchor last), then each revocation answer that was used.

    Where no chain was found, the certificate alone; nothing when there is none.
    """
    chain = path.chain if path is not None else ()
    if not chain:
        return (certificate_proof(certificate),) if certificate is not None else ()
    answers = path.answers if path is not None else ()
    return (
        *(certificate_proof(one) for one in chain),
        *(_answer_proof(answer, one) for answer, one in zip(answers, chain, strict=False) if answer.data),
    )


def certificate_proof(certificate: x509.Certificate) -> Proof:
    der = certificate.public_bytes(Encoding.DER)
    return Proof(ProofKind.CERTIFICATE, hashlib.sha256(der).hexdigest(), der)


def timestamp_proof(token: bytes) -> Proof:
    """``token``: DER of the RFC 3161 token (a ContentInfo)."""
    return Proof(ProofKind.TIMESTAMP, hashlib.sha256(token).hexdigest(), token)


def _answer_proof(answer: RevocationAnswer, about: x509.Certificate) -> Proof:
    return Proof(
        ProofKind(answer.kind),
        answer.source_sha256 or hashlib.sha256(answer.data).hexdigest(),  # a CRL may have megabytes
        answer.data,
        about=fingerprint(about),
        says=answer.standing.value,
        this_update=_time(answer.this_update),
        next_update=_time(answer.next_update),
        revoked_at=_time(answer.revoked_at),
        revocation_reason=answer.reason,
    )


def _time(at: Instant | None) -> str:
    return "" if at is None else to_rfc3339(at)
