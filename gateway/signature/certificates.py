"""Small questions about certificates and keys, asked by several modules of this room.

In charge of: fingerprints, names for people, and which keys and algorithms are strong enough to count
(RSA of 2048 bits or more, ECDSA on P-256 or P-384; no SHA-1, no MD5). Not in charge of: chains (``trust``).
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Sequence

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

MINIMUM_RSA_BITS = 2048  # a test holds these to schemas/rules/signature-rules.toml
CURVES = ("secp256r1", "secp384r1")
CA_CURVES = (*CURVES, "secp521r1")
_LONGEST_NAME = 1000  # characters shown of a name; a whole certificate may be one name


def load_certificate(der: bytes) -> x509.Certificate | None:
    """A stranger's certificate, ``None`` when it cannot be read.

    Its parts are parsed when first asked for, so a damaged one would raise somewhere deep.
    """
    try:
        certificate = x509.load_der_x509_certificate(der)
        _ = (certificate.subject, certificate.issuer, certificate.serial_number)
        _ = (certificate.not_valid_before_utc, certificate.not_valid_after_utc)
    except (ValueError, TypeError, OverflowError, x509.InvalidVersion):
        return None
    return certificate


def visible(name: str) -> str:
    """``name`` for screens and sentences: what would steer a terminal or turn the line around is replaced."""
    shown = "".join("\N{REPLACEMENT CHARACTER}" if _steers(sign) else sign for sign in name[:_LONGEST_NAME])
    return shown if len(name) <= _LONGEST_NAME else f"{shown}…"


def _steers(sign: str) -> bool:
    return unicodedata.category(sign)[0] == "C" or sign in "\u2028\u2029"


def fingerprint(certificate: x509.Certificate) -> str:
    """Hex SHA-256 of the DER: the key of the signer register."""
    return hashlib.sha256(certificate.public_bytes(Encoding.DER)).hexdigest()


def subject_text(certificate: x509.Certificate) -> str:
    """Subject in RFC 4514 form; ``""`` when it cannot be read."""
    try:
        return visible(certificate.subject.rfc4514_string())
    except (ValueError, TypeError):
        return ""


def key_text(certificate: x509.Certificate) -> str:
    """``RSA-2048``, ``ECDSA-P256``, or the name of what we do not accept."""
    key = _public_key(certificate)
    if isinstance(key, rsa.RSAPublicKey):
        return f"RSA-{key.key_size}"
    if isinstance(key, ec.EllipticCurvePublicKey):
        name = {"secp256r1": "P256", "secp384r1": "P384"}.get(key.curve.name, key.curve.name)
        return f"ECDSA-{name}"
    return "unknown key"


def is_strong_key(certificate: x509.Certificate, curves: Sequence[str] = CURVES) -> bool:
    """True for RSA ≥ 2048 bits and for ECDSA on one of ``curves`` (P-256 or P-384 for signers)."""
    key = _public_key(certificate)
    if isinstance(key, rsa.RSAPublicKey):
        return key.key_size >= MINIMUM_RSA_BITS
    return isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in curves


def is_strong_hash(certificate: x509.Certificate) -> bool:
    """True when the issuer signed this certificate with SHA-256 or better."""
    try:
        algorithm = certificate.signature_hash_algorithm
    except (UnsupportedAlgorithm, ValueError):
        return False
    return algorithm is not None and algorithm.digest_size >= 32


def issuers_hash_text(certificate: x509.Certificate) -> str:
    """``SHA-1``, ``MD5``: the hash with which the issuer signed; ``"?"`` when it is not known."""
    try:
        algorithm = certificate.signature_hash_algorithm
    except (UnsupportedAlgorithm, ValueError):
        return "?"
    return "?" if algorithm is None else algorithm.name.upper().replace("SHA", "SHA-", 1)


def is_for_timestamps(certificate: x509.Certificate) -> bool:
    """True when it may be used for timestamps and nothing else, critically (RFC 3161 section 2.3)."""
    try:
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    except (x509.ExtensionNotFound, ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        return False
    return usage.critical and list(usage.value) == [ExtendedKeyUsageOID.TIME_STAMPING]


def is_self_issued(certificate: x509.Certificate) -> bool:
    """True when subject and issuer are the same name."""
    return certificate.subject == certificate.issuer


def _public_key(certificate: x509.Certificate) -> object:
    try:
        return certificate.public_key()
    except (UnsupportedAlgorithm, ValueError):
        return None
