"""Was a certificate revoked before the moment that counts?

In charge of: the answer of one source, weighing the answers of several, and the addresses that a certificate
names for asking. A source (``revocation_crl``: the trust folder; ``revocation_cache``: what was fetched)
implements ``RevocationSource`` and is handed to ``TrustStore``. Not in charge of: chains (``trust``),
fetching anything (``delivery/revocation.py``).

An answer is stale only when now is past its nextUpdate (contracts: who signed).
"""

from __future__ import annotations

import enum
import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import AuthorityInformationAccessOID

from gateway.clock import from_datetime
from gateway.model.text import Instant

E = TypeVar("E", bound=x509.ExtensionType)

HOLD = "certificateHold"  # RFC 5280 section 5.3.1: suspended, and may become good again
_MOST_ADDRESSES = 2  # of one kind, in the certificate's order
_LONGEST_ADDRESS = 2048


class Standing(enum.Enum):
    """What a source says about one certificate at one moment."""

    GOOD = "good"
    REVOKED = "revoked"  # at or before that moment
    STALE = "stale"  # there is an answer, but it is out of date
    UNKNOWN = "unknown"  # no answer
    UNREACHABLE = "unreachable"  # the source was asked and did not answer


@dataclass(frozen=True, slots=True)
class RevocationAnswer:
    """One answer and where it came from; instants are UTC microseconds, ``None`` means none given.

    UNKNOWN with a ``this_update`` was said by the source; with only a ``source`` the question is on its way.
    """

    standing: Standing
    certificate_sha256: str  # hex, of the certificate asked about
    source: str = ""  # e.g. "issuing.crl.pem", or an address
    source_sha256: str = ""  # hex, of the CRL or OCSP bytes used
    this_update: Instant | None = None
    next_update: Instant | None = None
    revoked_at: Instant | None = None
    # Of a revocation, RFC 5280 section 5.3.1, e.g. "keyCompromise", "" when none is given; of UNREACHABLE,
    # what went wrong, e.g. "garbage".
    reason: str = ""
    kind: str = "crl"  # or "ocsp"
    data: bytes = field(repr=False, compare=False, default=b"")  # DER of the CRL or OCSP answer

    @property
    def is_hold(self) -> bool:
        """True while the certificate is only suspended."""
        return self.standing is Standing.REVOKED and self.reason == HOLD


class RevocationSource(Protocol):
    """Where answers come from."""

    def answer(
        self, certificate: x509.Certificate, issuer: x509.Certificate, at: Instant, now: Instant
    ) -> RevocationAnswer | None:
        """The standing of ``certificate`` at ``at``, as known at ``now``; ``None``: nothing to say."""
        ...


class Unusable(ValueError):
    """This CRL or OCSP answer cannot be used. ``problem`` is a stable word, the text says more."""

    def __init__(self, problem: str, text: str) -> None:
        self.problem = problem
        super().__init__(text)


def weigh(answers: Sequence[RevocationAnswer | None], certificate_sha256: str) -> RevocationAnswer:
    """The answer that counts: revoked, then good (the newest), stale, unreachable; none at all is unknown.

    A suspension ends with a newer answer, unlike a revocation, which no other answer outweighs.
    """
    given = [answer for answer in answers if answer is not None]
    if final := [a for a in given if a.standing is Standing.REVOKED and not a.is_hold]:
        return final[0]
    if said := [a for a in given if a.is_hold or a.standing is Standing.GOOD]:
        return max(said, key=lambda a: (a.this_update or 0, a.is_hold))
    said_unknown = [a for a in given if a.standing is Standing.UNKNOWN and a.this_update is not None]
    for standing in (Standing.STALE, Standing.UNREACHABLE):
        if found := [a for a in given if a.standing is standing]:
            return found[0]
    return (said_unknown or given or [RevocationAnswer(Standing.UNKNOWN, certificate_sha256)])[0]


def standing_at(
    certificate: x509.Certificate,
    this_update: Instant,
    next_update: Instant,
    revoked_at: Instant | None,
    at: Instant,
    now: Instant,
) -> Standing:
    """What an answer with these dates says about the moment ``at``."""
    if revoked_at is not None and revoked_at <= at:
        return Standing.REVOKED  # a stale answer still knows what it knew
    if now > next_update:
        return Standing.STALE
    if this_update > from_datetime(certificate.not_valid_after_utc):
        return Standing.UNKNOWN  # RFC 5280 section 3.3: expired certificates leave the CRL
    return Standing.GOOD


@functools.lru_cache(maxsize=1024)
def key_of(issuer: x509.Certificate) -> bytes:
    """Name and key of an issuer: the same for all its certificates."""
    key = issuer.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return issuer.subject.public_bytes() + key


def crl_addresses(certificate: x509.Certificate) -> tuple[str, ...]:
    """HTTP addresses of the CRLs that its issuer itself gives out for this certificate."""
    return _http(crl_points(certificate))


def crl_points(certificate: x509.Certificate) -> list[str]:
    """Where full CRLs of its issuer are, by any protocol (RFC 5280 section 4.2.1.13)."""
    points = _extension(certificate, x509.CRLDistributionPoints) or ()
    whole = [p for p in points if not p.crl_issuer and not p.reasons]
    return uris(name for point in whole for name in point.full_name or ())


def ocsp_addresses(certificate: x509.Certificate) -> tuple[str, ...]:
    """HTTP addresses of OCSP responders for this certificate (RFC 5280 section 4.2.2.1)."""
    entries = _extension(certificate, x509.AuthorityInformationAccess) or ()
    wanted = AuthorityInformationAccessOID.OCSP
    return _http(uris(entry.access_location for entry in entries if entry.access_method == wanted))


def uris(names: Iterable[x509.GeneralName]) -> list[str]:
    """Those of the names that are URIs."""
    return [name.value for name in names if isinstance(name, x509.UniformResourceIdentifier)]


def _http(addresses: Iterable[str]) -> tuple[str, ...]:
    usable = (a for a in addresses if a.startswith(("http://", "https://")) and len(a) <= _LONGEST_ADDRESS)
    return tuple(dict.fromkeys(usable))[:_MOST_ADDRESSES]


def _extension(certificate: x509.Certificate, kind: type[E]) -> E | None:
    """The extension, ``None`` when it is absent or cannot be read."""
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except (x509.ExtensionNotFound, ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        return None
