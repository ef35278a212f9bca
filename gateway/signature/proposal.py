"""Who a certificate says it belongs to: words for a person to confirm, never a fact.

In charge of: reading subject and period of an unregistered certificate. Not in charge of: whether it is valid
(``trust``), who decides (``flow/signers.py``): until then its role is "not machine-checkable".

Demo profile (contracts: who signed): OU is the agency's code in any alias form, O is ``DEMO`` for the seal of
an agency and anything else for a person. Where OU is no code, nothing is proposed but the subject is shown.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cryptography import x509
from cryptography.x509.oid import NameOID

from gateway.clock import from_datetime, local_day
from gateway.model.agency import Period
from gateway.model.text import AgencyCode
from gateway.model.verdict import ProofKind, Verdict
from gateway.signature.certificates import subject_text

SEAL = "DEMO"  # O of an agency's seal


@dataclass(frozen=True, slots=True)
class Proposal:
    """What the certificate says. ``agency`` and ``role`` are empty when it says nothing of the kind."""

    certificate_sha256: str  # hex
    subject: str  # RFC 4514
    agency: str  # canonical
    role: str  # person, agency or ""
    period: Period  # validity of the certificate, in Vietnamese days


def propose(verdict: Verdict, resolve: Callable[[str], AgencyCode | None]) -> Proposal:
    """A proposal from the certificate among the verdict's proofs; from the verdict alone without one.

    ``resolve`` turns any form of an agency's code into the canonical one, ``None`` when it is unknown.
    """
    certificate = leaf_of(verdict)
    if certificate is None:
        return Proposal(verdict.certificate_sha256, verdict.signer, "", "", Period())
    known = (resolve(text) for text in _texts(certificate, NameOID.ORGANIZATIONAL_UNIT_NAME))
    agency = next((code for code in known if code is not None), None)
    is_seal = SEAL in _texts(certificate, NameOID.ORGANIZATION_NAME)
    role = ("agency" if is_seal else "person") if agency else ""
    start = local_day(from_datetime(certificate.not_valid_before_utc))
    end = local_day(from_datetime(certificate.not_valid_after_utc))
    subject = subject_text(certificate)
    return Proposal(verdict.certificate_sha256, subject, agency or "", role, Period(start, end))


def leaf_of(verdict: Verdict) -> x509.Certificate | None:
    """The signer's certificate, if its bytes are among the verdict's proofs and can be read."""
    return next((c for c in chain_of(verdict) if c[0] == verdict.certificate_sha256), ("", None))[1]


def chain_of(verdict: Verdict) -> tuple[tuple[str, x509.Certificate], ...]:
    """Hex SHA-256 and value of each certificate that the verdict rests on, in the order of its proofs."""
    found = []
    for proof in verdict.proofs:
        if proof.kind is ProofKind.CERTIFICATE:
            try:
                found.append((proof.sha256, x509.load_der_x509_certificate(proof.data)))
            except ValueError:
                continue
    return tuple(found)


def _texts(certificate: x509.Certificate, oid: x509.ObjectIdentifier) -> list[str]:
    try:
        return [str(attribute.value) for attribute in certificate.subject.get_attributes_for_oid(oid)]
    except ValueError:
        return []
