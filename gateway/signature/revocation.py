"""Was a certificate revoked before the moment that counts?

In charge of: the answer of one source, the CRLs of the trust folder as such a source, and weighing the
answers of several. Another source (OCSP, CRLs fetched over the network) implements ``RevocationSource`` and
is handed to ``TrustStore``. Not in charge of: chains (``trust``), fetching anything.

A CRL is stale only when now is past its nextUpdate (contracts: who signed). Only full CRLs count: deltas,
indirect ones and those for a part of the certificates are left out, and the store says so.
"""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway.clock import from_datetime
from gateway.model.text import Instant


class Standing(enum.Enum):
    """What a source says about one certificate at one moment."""

    GOOD = "good"
    REVOKED = "revoked"  # at or before that moment
    STALE = "stale"  # there is an answer, but it is out of date
    UNKNOWN = "unknown"  # no answer
    UNREACHABLE = "unreachable"  # the source was asked and did not answer


@dataclass(frozen=True, slots=True)
class RevocationAnswer:
    """One answer and where it came from; instants are UTC microseconds, ``None`` means none given."""

    standing: Standing
    certificate_sha256: str  # hex, of the certificate asked about
    source: str = ""  # e.g. "issuing.crl.pem"
    source_sha256: str = ""  # hex, of the CRL or OCSP bytes used
    this_update: Instant | None = None
    next_update: Instant | None = None
    revoked_at: Instant | None = None
    reason: str = ""  # of a revocation, RFC 5280 section 5.3.1, e.g. "keyCompromise"; "" when none is given
    kind: str = "crl"  # or "ocsp"
    data: bytes = field(repr=False, compare=False, default=b"")  # DER of the CRL or OCSP answer


class RevocationSource(Protocol):
    """Where answers come from."""

    def answer(
        self, certificate: x509.Certificate, issuer: x509.Certificate, at: Instant, now: Instant
    ) -> RevocationAnswer | None:
        """The standing of ``certificate`` at ``at``, as known at ``now``; ``None``: nothing to say."""
        ...


class UnusableCrl(ValueError):
    """This CRL cannot be used; the text says why."""


class Revoked(NamedTuple):
    """One entry of a CRL."""

    at: Instant
    reason: str  # RFC 5280 section 5.3.1, "" when the CRL gives none


@dataclass(frozen=True, slots=True)
class Crl:
    """One verified CRL: serials in a dict, so that a big list costs nothing per signature."""

    name: str
    sha256: str
    this_update: Instant
    next_update: Instant
    revoked: dict[int, Revoked]
    data: bytes = field(repr=False, compare=False, default=b"")  # DER


class CrlShelf:
    """CRLs by issuer (name and key); of several from one issuer the newest counts."""

    def __init__(self) -> None:
        self._shelf: dict[bytes, Crl] = {}

    def add(
        self, name: str, crl: x509.CertificateRevocationList, issuers: Iterable[x509.Certificate]
    ) -> None:
        """Take ``crl`` in. ``UnusableCrl`` unless one of ``issuers`` signed it and it is a full CRL."""
        issuer = _issuer_of(crl, issuers)
        entry = _read(name, crl)
        known = self._shelf.get(_key(issuer))
        if known is None or known.this_update <= entry.this_update:
            self._shelf[_key(issuer)] = entry

    def answer(
        self, certificate: x509.Certificate, issuer: x509.Certificate, at: Instant, now: Instant
    ) -> RevocationAnswer | None:
        """See ``RevocationSource``."""
        crl = self._shelf.get(_key(issuer))
        if crl is None:
            return None
        entry = crl.revoked.get(certificate.serial_number)
        revoked_at = entry.at if entry else None
        return RevocationAnswer(
            _standing(crl, certificate, revoked_at, at, now),
            hashlib.sha256(certificate.public_bytes(Encoding.DER)).hexdigest(),
            crl.name,
            crl.sha256,
            crl.this_update,
            crl.next_update,
            revoked_at,
            entry.reason if entry else "",
            data=crl.data,
        )


def weigh(answers: Sequence[RevocationAnswer | None], certificate_sha256: str) -> RevocationAnswer:
    """The answer that counts: revoked before good before stale; none at all is unknown."""
    for standing in (Standing.REVOKED, Standing.GOOD, Standing.STALE):
        for answer in answers:
            if answer is not None and answer.standing is standing:
                return answer
    return next((a for a in answers if a is not None), RevocationAnswer(Standing.UNKNOWN, certificate_sha256))


def _standing(
    crl: Crl, certificate: x509.Certificate, revoked_at: Instant | None, at: Instant, now: Instant
) -> Standing:
    if revoked_at is not None and revoked_at <= at:
        return Standing.REVOKED  # a stale CRL still knows what it knew
    if now > crl.next_update:
        return Standing.STALE
    if crl.this_update > from_datetime(certificate.not_valid_after_utc):
        return Standing.UNKNOWN  # RFC 5280 section 3.3: expired certificates leave the CRL
    return Standing.GOOD


def _issuer_of(crl: x509.CertificateRevocationList, issuers: Iterable[x509.Certificate]) -> x509.Certificate:
    named = [issuer for issuer in issuers if issuer.subject == crl.issuer and _may_sign_crls(issuer)]
    if not named:
        raise UnusableCrl("its issuer is not among the certificates of the trust folder")
    for issuer in named:
        if _is_signed_by(crl, issuer):
            return issuer
    raise UnusableCrl("its signature does not verify")


def _is_signed_by(crl: x509.CertificateRevocationList, issuer: x509.Certificate) -> bool:
    try:
        return crl.is_signature_valid(issuer.public_key())  # type: ignore[arg-type]
    except (TypeError, ValueError, UnsupportedAlgorithm):
        return False


def _may_sign_crls(issuer: x509.Certificate) -> bool:
    try:
        return issuer.extensions.get_extension_for_class(x509.KeyUsage).value.crl_sign
    except x509.ExtensionNotFound:
        return True


def _read(name: str, crl: x509.CertificateRevocationList) -> Crl:
    algorithm = crl.signature_hash_algorithm
    if algorithm is None or algorithm.digest_size < 32:
        raise UnusableCrl("it is signed with a weak algorithm")
    if crl.next_update_utc is None:
        raise UnusableCrl("it has no nextUpdate")
    for extension in crl.extensions:
        if extension.critical and not _is_full_scope(extension.value):
            raise UnusableCrl(f"it is not a full CRL (critical extension {extension.oid.dotted_string})")
    der = crl.public_bytes(Encoding.DER)
    return Crl(
        name,
        hashlib.sha256(der).hexdigest(),
        from_datetime(crl.last_update_utc),
        from_datetime(crl.next_update_utc),
        {entry.serial_number: _revoked(entry) for entry in crl},
        der,
    )


def _revoked(entry: x509.RevokedCertificate) -> Revoked:
    try:
        reason = entry.extensions.get_extension_for_class(x509.CRLReason).value.reason.value
    except (x509.ExtensionNotFound, ValueError, x509.DuplicateExtension):
        reason = ""  # a reason that cannot be read changes nothing about the revocation
    return Revoked(from_datetime(entry.revocation_date_utc), reason)


def _is_full_scope(value: x509.ExtensionType) -> bool:
    """True for an issuingDistributionPoint that limits nothing; any other critical extension limits."""
    return isinstance(value, x509.IssuingDistributionPoint) and not (
        value.only_contains_user_certs
        or value.only_contains_ca_certs
        or value.only_contains_attribute_certs
        or value.only_some_reasons
        or value.indirect_crl
    )


def _key(issuer: x509.Certificate) -> bytes:
    key = issuer.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(issuer.subject.public_bytes() + key).digest()
