"""OCSP (RFC 6960): the question about one certificate, and whether an answer may be believed.

In charge of: bytes of a request, and everything that must hold before a response counts: it is about this
certificate, of this issuer, signed by the issuer or by a responder that the issuer itself appointed, strongly
and within time. Pure: the bytes are handed in. Not in charge of: sending (``net``), when to ask
(``delivery/revocation.py``), remembering (``revocation_cache``).

No nonce is sent: responders that answer from a cache ignore it (RFC 5019 section 4), and an answer counts
only until its nextUpdate anyway.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from gateway.clock import SECOND, from_datetime
from gateway.model.text import Instant
from gateway.signature.certificates import CA_CURVES, fingerprint, is_strong_hash, is_strong_key
from gateway.signature.revocation import RevocationAnswer, Standing, Unusable, key_of, standing_at

CONTENT_TYPE = "application/ocsp-request"
# Without nextUpdate newer information is always available (RFC 6960 section 2.4): ask again after an hour.
_WITHOUT_END = 3600 * SECOND
_AHEAD = 600 * SECOND  # by which a responder's clock may be ahead of ours
_MOST_CERTIFICATES = 5
_PKCS1 = ("1.2.840.113549.1.1.11", "1.2.840.113549.1.1.12", "1.2.840.113549.1.1.13")  # with SHA-256/384/512

KnownRevoked = Callable[[x509.Certificate], bool]


class UnusableOcsp(Unusable):
    """This OCSP answer cannot be used; the text says why."""


@dataclass(frozen=True, slots=True)
class OcspAnswer:
    """One verified answer about one certificate; instants are UTC microseconds."""

    source: str  # the responder's address
    sha256: str
    owner: bytes  # ``key_of`` the certificate's issuer
    knows: bool  # False: the responder does not know the certificate
    this_update: Instant
    next_update: Instant
    revoked_at: Instant | None
    reason: str
    data: bytes = field(repr=False, compare=False)  # DER of the OCSPResponse

    def answer(self, certificate: x509.Certificate, at: Instant, now: Instant) -> RevocationAnswer:
        """What it says about ``certificate``, the one that was asked about, at the moment ``at``."""
        standing = standing_at(certificate, self.this_update, self.next_update, self.revoked_at, at, now)
        known = self.knows or standing is Standing.STALE
        return RevocationAnswer(
            standing if known else Standing.UNKNOWN,
            fingerprint(certificate),
            self.source,
            self.sha256,
            self.this_update,
            self.next_update,
            self.revoked_at,
            self.reason if known else "unknown",
            "ocsp",
            self.data,
        )


def ocsp_request(certificate: x509.Certificate, issuer: x509.Certificate) -> bytes:
    """DER of the question. SHA-1 names the issuer, as every responder understands (RFC 5019 section 2.1.1);
    nothing is proved by it."""
    builder = ocsp.OCSPRequestBuilder().add_certificate(certificate, issuer, hashes.SHA1())
    return builder.build().public_bytes(Encoding.DER)


def read_ocsp(
    source: str,
    data: bytes,
    certificate: x509.Certificate,
    issuer: x509.Certificate,
    at: Instant,
    known_revoked: KnownRevoked = lambda responder: False,
) -> OcspAnswer:
    """The answer in ``data``, received at ``at``. ``UnusableOcsp`` says what is wrong with it.

    ``known_revoked`` is asked about an appointed responder that does not carry id-pkix-ocsp-nocheck.
    """
    try:
        response = ocsp.load_der_ocsp_response(data)
        if response.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
            raise UnusableOcsp("refused", f"the responder says {response.response_status.name}")
        if any(e.critical and isinstance(e.value, x509.UnrecognizedExtension) for e in response.extensions):
            raise UnusableOcsp("garbage", "it has a critical extension that is not known")
        _check_signer(response, issuer, at, known_revoked)
        return _answer(source, data, _about(response, certificate, issuer), key_of(issuer), at)
    except UnusableOcsp:
        raise
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.DuplicateExtension) as problem:
        raise UnusableOcsp("garbage", f"it cannot be read ({problem})") from problem


def _answer(
    source: str, data: bytes, single: ocsp.OCSPSingleResponse, owner: bytes, at: Instant
) -> OcspAnswer:
    this_update = from_datetime(single.this_update_utc)
    end, revoked_at, reason = single.next_update_utc, single.revocation_time_utc, single.revocation_reason
    if this_update > at + _AHEAD:
        raise UnusableOcsp("future", "its thisUpdate lies in the future")
    return OcspAnswer(
        source,
        hashlib.sha256(data).hexdigest(),
        owner,
        single.certificate_status is not ocsp.OCSPCertStatus.UNKNOWN,
        this_update,
        from_datetime(end) if end is not None else Instant(this_update + _WITHOUT_END),
        None if revoked_at is None else from_datetime(revoked_at),
        "" if reason is None else reason.value,
        data,
    )


def _about(
    response: ocsp.OCSPResponse, certificate: x509.Certificate, issuer: x509.Certificate
) -> ocsp.OCSPSingleResponse:
    """The part about ``certificate``; names, key and serial must all be those of the question."""
    for single in response.responses:
        asked = _identity(certificate, issuer, single.hash_algorithm)
        if (single.issuer_name_hash, single.issuer_key_hash, single.serial_number) == asked:
            return single
    raise UnusableOcsp("wrong_certificate", "it is about another certificate")


def _identity(
    certificate: x509.Certificate, issuer: x509.Certificate, algorithm: hashes.HashAlgorithm
) -> tuple[bytes, bytes, int]:
    request = ocsp.OCSPRequestBuilder().add_certificate(certificate, issuer, algorithm).build()
    return request.issuer_name_hash, request.issuer_key_hash, request.serial_number


def _check_signer(
    response: ocsp.OCSPResponse, issuer: x509.Certificate, at: Instant, known_revoked: KnownRevoked
) -> None:
    """RFC 6960 section 4.2.2.2: the issuer itself, or a responder to which it gave that right."""
    algorithm = response.signature_hash_algorithm
    if algorithm is None or algorithm.digest_size < 32:
        raise UnusableOcsp("weak", "it is signed with a weak algorithm")
    if _is_responder(response, issuer) and _is_signed_by(response, issuer):
        return
    for responder in response.certificates[:_MOST_CERTIFICATES]:
        if _is_responder(response, responder) and _is_appointed(responder, issuer, at, known_revoked):
            if _is_signed_by(response, responder):
                return
            raise UnusableOcsp("forged", "its signature does not verify")
    raise UnusableOcsp("untrusted_responder", "its signer is neither the issuer nor appointed by it")


def _is_responder(response: ocsp.OCSPResponse, certificate: x509.Certificate) -> bool:
    if response.responder_name is not None:
        return response.responder_name == certificate.subject
    digest = x509.SubjectKeyIdentifier.from_public_key(certificate.public_key()).digest  # SHA-1 of the key
    return response.responder_key_hash == digest


def _is_appointed(
    responder: x509.Certificate, issuer: x509.Certificate, at: Instant, known_revoked: KnownRevoked
) -> bool:
    start, end = responder.not_valid_before_utc, responder.not_valid_after_utc
    if not from_datetime(start) <= at <= from_datetime(end) or not is_strong_hash(responder):
        return False
    try:
        responder.verify_directly_issued_by(issuer)
        purposes = responder.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except (InvalidSignature, ValueError, TypeError, x509.ExtensionNotFound):  # another issuer, or nonsense
        return False
    if ExtendedKeyUsageOID.OCSP_SIGNING not in purposes or not _may_sign(responder):
        return False
    return _needs_no_check(responder) or not known_revoked(responder)


def _may_sign(responder: x509.Certificate) -> bool:
    try:
        return responder.extensions.get_extension_for_class(x509.KeyUsage).value.digital_signature
    except x509.ExtensionNotFound:
        return True


def _needs_no_check(responder: x509.Certificate) -> bool:
    try:
        responder.extensions.get_extension_for_class(x509.OCSPNoCheck)
    except x509.ExtensionNotFound:
        return False
    return True


def _is_signed_by(response: ocsp.OCSPResponse, signer: x509.Certificate) -> bool:
    if not is_strong_key(signer, CA_CURVES):
        return False
    key, algorithm = signer.public_key(), response.signature_hash_algorithm
    assert algorithm is not None  # looked at before
    try:
        if isinstance(key, rsa.RSAPublicKey) and response.signature_algorithm_oid.dotted_string in _PKCS1:
            key.verify(response.signature, response.tbs_response_bytes, padding.PKCS1v15(), algorithm)
            return True
        if isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(response.signature, response.tbs_response_bytes, ec.ECDSA(algorithm))
            return True
    except InvalidSignature:
        return False
    return False
