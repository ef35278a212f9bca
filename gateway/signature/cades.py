"""The gateway's own detached signature over a file: CMS with the attributes of CAdES baseline B-B.

In charge of: making one with the receipt key (ECDSA P-256), and checking one against given certificates.
ETSI EN 319 122-1 section 6.3, level B-B: content-type, message-digest, signing-time and
signing-certificate-v2 are signed (RFC 5652 section 11, RFC 5035 section 3). It carries no timestamp: when it
was made is proved by the exchange log. Not in charge of: what is signed (``exchange_log/evidence.py``),
signatures of others (``verify``).
"""

# mypy: disable-error-code="no-untyped-call"
# (asn1crypto carries no annotations)

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from asn1crypto import algos, cms, core, tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.clock import from_datetime, local
from gateway.model.text import Instant
from gateway.signature.keyring import Keyring

_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of the group P-256


def sign_detached(keyring: Keyring, content: bytes, at: Instant) -> bytes:
    """DER of a CMS SignedData over ``content``, which is not in it; the certificate is."""
    der = keyring.receipt_certificate.public_bytes(Encoding.DER)
    attributes = _attributes(content, der, at)
    raw = keyring.sign_receipt(attributes.dump())
    return _assemble(der, attributes, _low(raw))


def check_detached(der: bytes, content: bytes, certificates: Sequence[x509.Certificate]) -> x509.Certificate:
    """The one of ``certificates`` that signed ``content``; ``ValueError`` says why none did.

    The whole is made again from the given certificate, the time and the signature, and compared: there is no
    byte in it that may be another. Trust comes from ``certificates`` alone.
    """
    try:
        signer = _only(cms.ContentInfo.load(der, strict=True)["content"]["signer_infos"])
        kinds = {a["type"].native: _only(a["values"]).native for a in signer["signed_attrs"]}
        at, digest, value = kinds["signing_time"], kinds["message_digest"], signer["signature"].native
        r, s = utils.decode_dss_signature(value)
    except Exception as problem:  # a stranger's bytes; asn1crypto raises whatever comes up
        raise ValueError("not a signature of a gateway") from problem
    if digest != hashlib.sha256(content).digest():
        raise ValueError("what was signed was changed")
    for certificate in certificates:
        own = certificate.public_bytes(Encoding.DER)
        attributes = _attributes(content, own, from_datetime(at))
        if _assemble(own, attributes, value) == der and s <= _ORDER // 2:
            _verify(certificate, utils.encode_dss_signature(r, s), attributes.dump())
            return certificate
    raise ValueError("signed with a key that is not among the given certificates, or changed")


def _verify(certificate: x509.Certificate, value: bytes, signed: bytes) -> None:
    key = certificate.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name != "secp256r1":
        raise ValueError("the certificate does not hold a P-256 key")
    try:
        key.verify(value, signed, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        raise ValueError("the signature was changed") from None


def _low(raw: bytes) -> bytes:
    """DER of r and s; of the two values of s that verify always the lower, so that nobody can swap them."""
    r, s = int.from_bytes(raw[:32]), int.from_bytes(raw[32:])
    return utils.encode_dss_signature(r, min(s, _ORDER - s))


def _assemble(certificate_der: bytes, attributes: cms.CMSAttributes, signature: bytes) -> bytes:
    certificate = asn1_x509.Certificate.load(certificate_der)
    name = {"issuer": certificate.issuer, "serial_number": certificate.serial_number}
    signer = {
        "version": "v1",
        "sid": cms.SignerIdentifier({"issuer_and_serial_number": cms.IssuerAndSerialNumber(name)}),
        "digest_algorithm": algos.DigestAlgorithm({"algorithm": "sha256"}),
        "signed_attrs": attributes,
        "signature_algorithm": algos.SignedDigestAlgorithm({"algorithm": "sha256_ecdsa"}),
        "signature": signature,
    }
    signed = {
        "version": "v1",
        "digest_algorithms": [algos.DigestAlgorithm({"algorithm": "sha256"})],
        "encap_content_info": {"content_type": "data"},
        "certificates": [certificate],
        "signer_infos": [cms.SignerInfo(signer)],
    }
    return bytes(cms.ContentInfo({"content_type": "signed_data", "content": cms.SignedData(signed)}).dump())


def _attributes(content: bytes, certificate: bytes, at: Instant) -> cms.CMSAttributes:
    named = tsp.ESSCertIDv2(
        {
            "hash_algorithm": algos.DigestAlgorithm({"algorithm": "sha256"}),
            "cert_hash": hashlib.sha256(certificate).digest(),
        }
    )
    moment = core.UTCTime(local(at).replace(microsecond=0))
    values: dict[str, Any] = {
        "content_type": "data",
        "signing_time": cms.Time({"utc_time": moment}),
        "message_digest": hashlib.sha256(content).digest(),
        "signing_certificate_v2": tsp.SigningCertificateV2({"certs": [named]}),
    }
    return cms.CMSAttributes(
        [cms.CMSAttribute({"type": name, "values": [value]}) for name, value in values.items()]
    )


def _only(items: Any) -> Any:
    if len(items) != 1:
        raise ValueError("one was expected")
    return items[0]


__all__ = ["check_detached", "sign_detached"]
