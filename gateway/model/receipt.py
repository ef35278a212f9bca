"""The gateway's signed promise that a message is durable.

In charge of: what a receipt says (contracts: receipts). Not in charge of: signing it (``signature/seal.py``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gateway.model.text import Instant


@dataclass(frozen=True, slots=True)
class Receipt:
    """Payload of the compact JWS; digests are hex, ``accepted_at`` is UTC microseconds."""

    id: str
    gateway: str
    message: str
    sender: str
    document_id: str
    kind: str
    envelope_sha256: str
    content_digest: str
    accepted_at: Instant
    decision: str
    recipients: tuple[str, ...]
    supplement_to: str = ""  # id of the first receipt, when a repeat named further recipients

    def payload(self) -> dict[str, Any]:
        """The claims of the JWS, by name."""
        claims: dict[str, Any] = {
            "receipt": self.id,
            "gateway": self.gateway,
            "message": self.message,
            "sender": self.sender,
            "document_id": self.document_id,
            "kind": self.kind,
            "envelope_sha256": self.envelope_sha256,
            "content_digest": self.content_digest,
            "accepted_at": self.accepted_at,
            "decision": self.decision,
            "recipients": list(self.recipients),
        }
        if self.supplement_to:
            claims["supplement_to"] = self.supplement_to
        return claims
