"""A certificate that is in use, and when it ends.

In charge of: the value that the watch works with. Not in charge of: who may use it (the signer register).
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.model.text import Instant

ISSUER = "issuer"  # used by a certification or timestamp authority
GATEWAY = "gateway"  # used by the gateway itself


@dataclass(frozen=True, slots=True)
class UsedCertificate:
    """One certificate. ``used_by``: an agency's code, ``issuer``, ``gateway``, or "" while nobody knows.

    ``not_after`` and ``last_used`` are UTC microseconds; ``warned_days`` is 60 or 14, the last warning given.
    """

    sha256: str  # hex
    subject: str  # RFC 4514
    used_by: str
    not_after: Instant
    last_used: Instant
    warned_days: int | None = None
