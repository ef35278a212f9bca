"""What one signature turned out to be (words of ETSI EN 319 102-1).

In charge of: the frozen result of a verification. Not in charge of: reaching it (``signature/``).
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any

from gateway.model.text import Bilingual


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
            "reason": self.reason.as_json(),
        }
