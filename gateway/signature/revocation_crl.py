"""Certificate revocation lists: verified once, then cheap to ask.

In charge of: which CRL may be used (signed by the issuer itself, full, not weak), and what it says about a
certificate. Not in charge of: OCSP (``ocsp``), fetching, what an answer means for a signature (``trust``).

Only full CRLs count: deltas, indirect ones and those for a part of the certificates are left out, and the
store says so. A CRL whose issuingDistributionPoint names addresses speaks only for certificates that name one
of them too (RFC 5280 section 6.3.3 b).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.clock import SECOND, from_datetime
from gateway.model.text import Instant
from gateway.signature.certificates import CA_CURVES, fingerprint, is_strong_key
from gateway.signature.revocation import (
    RevocationAnswer,
    Unusable,
    crl_points,
    key_of,
    standing_at,
    uris,
)

_REMOVED = "removeFromCRL"
AHEAD = 600 * SECOND  # by which the clock of a CA may be ahead of ours


class UnusableCrl(Unusable):
    """This CRL cannot be used; the text says why."""


@dataclass(frozen=True, slots=True)
class Crl:
    """One verified CRL: serials in a dict, so that a big list costs nothing per signature."""

    name: str
    sha256: str
    owner: bytes  # ``key_of`` its issuer
    this_update: Instant
    next_update: Instant
    revoked: dict[int, Instant] = field(repr=False)
    points: frozenset[str]  # addresses of its issuingDistributionPoint; empty: for all certificates
    data: bytes = field(repr=False, compare=False)  # DER
    body: x509.CertificateRevocationList = field(repr=False, compare=False)

    def answer(self, certificate: x509.Certificate, at: Instant, now: Instant) -> RevocationAnswer | None:
        """What this CRL of the certificate's issuer says; ``None`` when it is not for this certificate."""
        if self.points and self.points.isdisjoint(crl_points(certificate)):
            return None
        revoked_at = self.revoked.get(certificate.serial_number)
        reason = "" if revoked_at is None else self._reason(certificate.serial_number)
        if reason == _REMOVED:
            revoked_at, reason = None, ""  # RFC 5280 section 5.3.1: out of its suspension
        return RevocationAnswer(
            standing_at(certificate, self.this_update, self.next_update, revoked_at, at, now),
            fingerprint(certificate),
            self.name,
            self.sha256,
            self.this_update,
            self.next_update,
            revoked_at,
            reason,
            data=self.data,
        )

    def _reason(self, serial: int) -> str:
        """Read only when it is needed: it costs ten times as much as the rest of an entry."""
        entry = self.body.get_revoked_certificate_by_serial_number(serial)
        try:
            assert entry is not None
            return entry.extensions.get_extension_for_class(x509.CRLReason).value.reason.value
        except (x509.ExtensionNotFound, ValueError, x509.DuplicateExtension):
            return ""  # a reason that cannot be read changes nothing about the revocation


class CrlShelf:
    """CRLs by issuer (name and key); of several from one issuer the newest counts."""

    def __init__(self) -> None:
        self._shelf: dict[tuple[bytes, frozenset[str]], Crl] = {}  # by owner and points

    @property
    def lists(self) -> tuple[Crl, ...]:
        """Every CRL that counts."""
        return tuple(self._shelf.values())

    def add(
        self, name: str, crl: x509.CertificateRevocationList, issuers: Iterable[x509.Certificate]
    ) -> None:
        """Take ``crl`` in. ``UnusableCrl`` unless one of ``issuers`` signed it and it is a full CRL."""
        entry = _read(name, crl, _issuer_of(crl, issuers))
        place = (entry.owner, entry.points)
        known = self._shelf.get(place)
        if known is None or known.this_update <= entry.this_update:
            self._shelf[place] = entry

    def answer(
        self, certificate: x509.Certificate, issuer: x509.Certificate, at: Instant, now: Instant
    ) -> RevocationAnswer | None:
        """See ``RevocationSource``."""
        key = key_of(issuer)
        ours = [crl for (owner, _), crl in self._shelf.items() if owner == key]
        answers = [a for a in (crl.answer(certificate, at, now) for crl in ours) if a is not None]
        return max(answers, key=lambda answer: answer.this_update or 0, default=None)


def read_crl(name: str, data: bytes, issuers: Iterable[x509.Certificate], now: Instant) -> Crl:
    """A fetched CRL (DER, or PEM as some servers send it) that one of ``issuers`` signed. ``UnusableCrl``."""
    is_pem = data[:64].lstrip().startswith(b"-----BEGIN")
    try:
        crl = x509.load_pem_x509_crl(data) if is_pem else x509.load_der_x509_crl(data)
    except ValueError as problem:
        raise UnusableCrl("garbage", f"it cannot be read ({problem})") from problem
    read = _read(name, crl, _issuer_of(crl, issuers))
    if read.this_update > now + AHEAD:
        raise UnusableCrl("future", "its thisUpdate lies in the future")
    return read


def _issuer_of(crl: x509.CertificateRevocationList, issuers: Iterable[x509.Certificate]) -> x509.Certificate:
    named = [issuer for issuer in issuers if issuer.subject == crl.issuer and _may_sign_crls(issuer)]
    if not named:
        raise UnusableCrl("wrong_issuer", "its issuer is not among the certificates that may issue it")
    for issuer in named:
        if _is_signed_by(crl, issuer):
            return issuer
    raise UnusableCrl("forged", "its signature does not verify")


def _is_signed_by(crl: x509.CertificateRevocationList, issuer: x509.Certificate) -> bool:
    try:
        return is_strong_key(issuer, CA_CURVES) and crl.is_signature_valid(issuer.public_key())  # type: ignore[arg-type]
    except (TypeError, ValueError, UnsupportedAlgorithm):
        return False


def _may_sign_crls(issuer: x509.Certificate) -> bool:
    try:
        return issuer.extensions.get_extension_for_class(x509.KeyUsage).value.crl_sign
    except x509.ExtensionNotFound:
        return True


def _read(name: str, crl: x509.CertificateRevocationList, issuer: x509.Certificate) -> Crl:
    algorithm = crl.signature_hash_algorithm
    if algorithm is None or algorithm.digest_size < 32:
        raise UnusableCrl("weak", "it is signed with a weak algorithm")
    if crl.next_update_utc is None:
        raise UnusableCrl("garbage", "it has no nextUpdate")
    for extension in crl.extensions:
        if extension.critical and not _is_full_scope(extension.value):
            what = f"critical extension {extension.oid.dotted_string}"
            raise UnusableCrl("partial", f"it is not a full CRL ({what})")
    der = crl.public_bytes(Encoding.DER)
    return Crl(
        name,
        hashlib.sha256(der).hexdigest(),
        key_of(issuer),
        from_datetime(crl.last_update_utc),
        from_datetime(crl.next_update_utc),
        {entry.serial_number: from_datetime(entry.revocation_date_utc) for entry in crl},
        _points(crl),
        der,
        crl,
    )


def _points(crl: x509.CertificateRevocationList) -> frozenset[str]:
    try:
        point = crl.extensions.get_extension_for_class(x509.IssuingDistributionPoint).value
    except x509.ExtensionNotFound:
        return frozenset()
    return frozenset(uris(point.full_name or ()))


def _is_full_scope(value: x509.ExtensionType) -> bool:
    """True for an issuingDistributionPoint that limits nothing; any other critical extension limits."""
    return isinstance(value, x509.IssuingDistributionPoint) and not (
        value.only_contains_user_certs
        or value.only_contains_ca_certs
        or value.only_contains_attribute_certs
        or value.only_some_reasons
        or value.indirect_crl
    )
