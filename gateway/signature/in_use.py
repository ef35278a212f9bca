"""Which certificates are in use, gathered in memory and taken from here once in a while.

In charge of: noting the certificates of valid signatures, each once a day, so that a signature costs a look
into a dictionary. Not in charge of: keeping them (``store/certificates.py``), warning
(``delivery/watch.py``).
What a dying process forgets is noted again at the next use.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from datetime import date

from cryptography import x509

from gateway.clock import from_datetime, local_day
from gateway.model.certificate import ISSUER, UsedCertificate
from gateway.model.text import Instant
from gateway.model.verdict import Indication, Proof, ProofKind, Verdict
from gateway.signature.certificates import fingerprint, subject_text

_MOST = 20_000  # certificates remembered; full means begin again


class CertificatesInUse:
    """Noted by whoever accepts a message; taken by the watch."""

    def __init__(self) -> None:
        self._noted: dict[str, tuple[date, str]] = {}
        self._waiting: dict[str, UsedCertificate] = {}
        self._lock = threading.Lock()  # noted on the store's thread, taken on the loop's

    def note(self, verdicts: Iterable[Verdict], at: Instant) -> None:
        """Note signer, issuers and timestamp authority of each valid signature."""
        day = local_day(at)
        for verdict in verdicts:
            if verdict.indication is Indication.PASSED:
                for proof in verdict.proofs:
                    if proof.kind is ProofKind.CERTIFICATE:
                        is_leaf = proof.sha256 == verdict.certificate_sha256
                        self._note(proof, verdict.agency if is_leaf else ISSUER, day, at)

    def take(self) -> tuple[UsedCertificate, ...]:
        """What was noted since the last time."""
        with self._lock:
            taken, self._waiting = tuple(self._waiting.values()), {}
        return taken

    def give_back(self, taken: Iterable[UsedCertificate]) -> None:
        """They could not be kept: hand them out again the next time."""
        with self._lock:
            self._waiting = {one.sha256: one for one in taken} | self._waiting

    def _note(self, proof: Proof, used_by: str, day: date, at: Instant) -> None:
        if self._noted.get(proof.sha256) == (day, used_by):
            return
        try:
            certificate = x509.load_der_x509_certificate(proof.data)
        except ValueError:
            return
        with self._lock:
            if len(self._noted) >= _MOST:
                self._noted.clear()
                self._waiting.clear()
            self._noted[proof.sha256] = (day, used_by)
            self._waiting[proof.sha256] = used(certificate, used_by, at)


def used(certificate: x509.Certificate, used_by: str, at: Instant) -> UsedCertificate:
    """A certificate that was in use at ``at``."""
    end = from_datetime(certificate.not_valid_after_utc)
    return UsedCertificate(fingerprint(certificate), subject_text(certificate), used_by, end, at)
