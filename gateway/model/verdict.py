"""What one signature turned out to be (words of ETSI EN 319 102-1).

In charge of: the frozen result of a verification. Not in charge of: reaching it (``signature/``).
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Any

from gateway.model.text import Bilingual

TRY_LATER = "TRY_LATER"  # ETSI EN 319 102-1 section 5.1.3: no fresh revocation answer yet


class Indication(enum.Enum):
    """ETSI EN 319 102-1 section 5.1.3; on the screen: hợp lệ, chưa đủ căn cứ kết luận, không hợp lệ."""

    PASSED = "TOTAL-PASSED"
    INDETERMINATE = "INDETERMINATE"
    FAILED = "TOTAL-FAILED"


class SignerRole(enum.Enum):
    """Who signed, according to the signer register (contracts: who signed)."""

    PERSON = "person"
    AGENCY = "agency"
    NOT_CHECKABLE = "not machine-checkable"  # not registered, or no register at hand


class ProofKind(enum.Enum):
    """What kind of bytes a verdict rests on. What follows a timestamp is about the timestamp's authority."""

    CERTIFICATE = "certificate"  # DER; the chain, leaf first, anchor last
    CRL = "crl"  # DER
    OCSP = "ocsp"  # DER of the OCSPResponse
    TIMESTAMP = "timestamp"  # DER of the RFC 3161 token


@dataclass(frozen=True, slots=True)
class Proof:
    """Bytes that a verdict rests on, named by their SHA-256, kept beside it (TT 41/2017 Đ8)."""

    kind: ProofKind
    sha256: str  # hex
    data: bytes = field(repr=False, compare=False)
    about: str = ""  # hex SHA-256 of the certificate that a CRL or OCSP answer is about
    says: str = ""  # good, revoked, unknown, stale
    this_update: str = ""  # RFC 3339
    next_update: str = ""
    revoked_at: str = ""
    revocation_reason: str = ""  # RFC 5280 section 5.3.1, e.g. "keyCompromise"

    def as_json(self) -> dict[str, str]:
        """Everything but the bytes; what is empty is left out."""
        values = {
            "kind": self.kind.value,
            "sha256": self.sha256,
            "about": self.about,
            "says": self.says,
            "this_update": self.this_update,
            "next_update": self.next_update,
            "revoked_at": self.revoked_at,
            "revocation_reason": self.revocation_reason,
        }
        return {name: value for name, value in values.items() if value}


@dataclass(frozen=True, slots=True)
class Verdict:
    """One signature, judged. ``where`` is ``envelope`` or the attachment's file name."""

    where: str
    indication: Indication
    sub_indication: str  # HASH_FAILURE, NO_CERTIFICATE_CHAIN_FOUND, … or ""
    reason: Bilingual
    signer: str = ""  # subject of the certificate, RFC 4514
    certificate_sha256: str = ""  # hex
    agency: str = ""  # canonical code from the register, or ""
    role: SignerRole = SignerRole.NOT_CHECKABLE
    signing_time: str = ""  # RFC 3339, or ""
    time_source: str = ""  # timestamp, signed_attribute, declared, none
    algorithm: str = ""  # e.g. "RSA-2048 SHA-256"
    rule_set: str = ""
    coverage: str = ""  # whole file, revision, changed, unclear (``Coverage``); for an envelope "message"
    signed_sha256: str = ""  # hex, of the file (for an envelope: of the message as received)
    checked_at: str = ""  # RFC 3339
    unread: bool = False  # the file could not be read here and now: to be read again; not kept
    proofs: tuple[Proof, ...] = ()

    @property
    def is_open(self) -> bool:
        """True while only an answer from outside is missing: to be judged again when it comes."""
        return self.indication is Indication.INDETERMINATE and self.sub_indication == TRY_LATER

    def as_json(self) -> dict[str, Any]:
        """The shape of a signature in ``gateway check --json`` and at the API."""
        return {
            "where": self.where,
            "indication": self.indication.value,
            "sub_indication": self.sub_indication,
            "signer": self.signer,
            "certificate_sha256": self.certificate_sha256,
            "agency": self.agency,
            "role": self.role.value,
            "signing_time": self.signing_time,
            "time_source": self.time_source,
            "algorithm": self.algorithm,
            "rule_set": self.rule_set,
            "coverage": self.coverage,
            "signed_sha256": self.signed_sha256,
            "checked_at": self.checked_at,
            "proofs": [proof.as_json() for proof in self.proofs],
            "reason": self.reason.as_json(),
        }
