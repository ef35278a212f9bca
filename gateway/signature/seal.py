"""What the gateway signs: receipts, and envelopes that it writes itself.

In charge of: receipts and other statements as immutable compact JWS (contracts: receipts), reading them
back, and putting an XML signature into an envelope. Not in charge of: the keys (``keyring``), judging what
others signed (``verify``).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import orjson
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa, utils
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree
from signxml.algorithms import CanonicalizationMethod, SignatureMethod
from signxml.signer import XMLSigner

from gateway.edxml.names import DSIG
from gateway.edxml.safe_xml import parse_tree
from gateway.model.canonical import canonical_json
from gateway.model.receipt import Receipt
from gateway.signature.keyring import Keyring, key_id
from gateway.signature.xmldsig import SIGNATURE_PARENT

RECEIPT_TYPE = "gateway-receipt+json"  # header ``typ``
EnvelopeKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


def issue_receipt(keyring: Keyring, receipt: Receipt) -> str:
    """The receipt as compact JWS (RFC 7515), ES256, payload ``canonical_json(receipt.payload())``.

    Two calls give two different texts (ECDSA is randomised): issue once, store, answer with the stored one.
    """
    return sign_statement(keyring, RECEIPT_TYPE, receipt.payload())


def sign_statement(keyring: Keyring, kind: str, payload: Mapping[str, Any]) -> str:
    """``payload`` as compact JWS of the receipt key (RFC 7515), ES256; ``kind`` becomes the header ``typ``,
    so that no statement can be shown as one of another kind."""
    certificate = keyring.receipt_certificate
    header = {
        "alg": "ES256",
        "kid": key_id(certificate),
        "typ": kind,
        "x5c": [base64.b64encode(certificate.public_bytes(Encoding.DER)).decode()],
    }
    signed = f"{_encode(canonical_json(header))}.{_encode(canonical_json(dict(payload)))}"
    return f"{signed}.{_encode(keyring.sign_receipt(signed.encode()))}"


def read_receipt(jws: str, certificates: Sequence[x509.Certificate]) -> dict[str, Any]:
    """The claims of a receipt signed by one of ``certificates``; ``ValueError`` says why it is none.

    ``x5c`` is for people and tools: trust comes from ``certificates`` alone.
    """
    return read_statement(jws, RECEIPT_TYPE, certificates)


def read_statement(jws: str, kind: str, certificates: Sequence[x509.Certificate]) -> dict[str, Any]:
    """The payload of a statement of that kind signed by one of ``certificates``; ``ValueError`` otherwise."""
    parts = jws.split(".")
    if len(parts) != 3:
        raise ValueError("a signed statement has three parts joined by dots")
    header, payload, signature = (_decode(part) for part in parts)
    certificate = _certificate_of(_json_object(header), kind, certificates)
    _verify_es256(certificate, f"{parts[0]}.{parts[1]}".encode(), signature)
    return _json_object(payload)


def read_pinned_receipt(jws: str, pins: Collection[str]) -> dict[str, Any]:
    """The claims of a receipt whose own certificate is one of ``pins`` (hex SHA-256 of its DER).

    ``ValueError`` says why it is none. For receipts of another gateway, whose certificate we know only by its
    fingerprint.
    """
    chain = _json_object(_decode(jws.split(".")[0])).get("x5c")
    if not isinstance(chain, list) or not chain or not isinstance(chain[0], str):
        raise ValueError("the receipt brings no certificate")
    der = base64.b64decode(chain[0], validate=True)
    if hashlib.sha256(der).hexdigest() not in pins:
        raise ValueError("signed with a certificate that is not pinned")
    return read_receipt(jws, [x509.load_der_x509_certificate(der)])


def sign_envelope(
    xml: bytes, private_key: EnvelopeKey, certificate_chain: Sequence[x509.Certificate]
) -> bytes:
    """``xml`` with an enveloped XML-DSig signature as the last child of ``edXMLHeader``.

    One Reference ``URI=""``, exclusive C14N, SHA-256; ``certificate_chain``, signer's first, is in KeyInfo.
    ``ValueError`` when ``xml`` has no header to put it in.
    """
    root = parse_tree(xml)
    header = root.find(SIGNATURE_PARENT)
    if header is None:
        raise ValueError("no edXMLHeader to sign in")
    etree.SubElement(header, f"{{{DSIG}}}Signature", {"Id": "placeholder"}, {"ds": DSIG})
    signer = _Signer(
        signature_algorithm=_method_for(private_key),
        c14n_algorithm=CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0,
    )
    signed = signer.sign(root, key=private_key, cert=list(certificate_chain))
    return etree.tostring(signed, xml_declaration=True, encoding="UTF-8")


class _Signer(XMLSigner):
    """signxml's signer, reading XML with our parser settings only."""

    def _fromstring(self, xml_string: bytes, **_: Any) -> etree._Element:
        return parse_tree(xml_string)


def _method_for(key: EnvelopeKey) -> SignatureMethod:
    if isinstance(key, rsa.RSAPrivateKey):
        return SignatureMethod.RSA_SHA256
    return SignatureMethod.ECDSA_SHA384 if key.curve.name == "secp384r1" else SignatureMethod.ECDSA_SHA256


def _certificate_of(
    header: dict[str, Any], kind: str, certificates: Sequence[x509.Certificate]
) -> x509.Certificate:
    if header.get("alg") != "ES256" or header.get("typ") != kind:
        raise ValueError(f"not a statement of the kind {kind}: wrong alg or typ")
    for certificate in certificates:
        if key_id(certificate) == header.get("kid"):
            return certificate
    raise ValueError("signed with a key that is not among the given certificates")


def _verify_es256(certificate: x509.Certificate, signed: bytes, signature: bytes) -> None:
    key = certificate.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name != "secp256r1":
        raise ValueError("the certificate does not hold a P-256 key")
    if len(signature) != 64:
        raise ValueError("an ES256 signature has 64 bytes")
    der = utils.encode_dss_signature(int.from_bytes(signature[:32]), int.from_bytes(signature[32:]))
    try:
        key.verify(der, signed, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        raise ValueError("it was changed after it was signed") from None


def _json_object(body: bytes) -> dict[str, Any]:
    value = orjson.loads(body)
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")
    return value


def _encode(body: bytes) -> str:
    return base64.urlsafe_b64encode(body).rstrip(b"=").decode()


def _decode(part: str) -> bytes:
    """Strict: a text that does not encode back to itself was changed (unused bits of the last letter)."""
    try:
        body = base64.b64decode(part + "=" * (-len(part) % 4), altchars="-_", validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("not base64url") from None
    if _encode(body) != part:
        raise ValueError("not base64url in its only form")
    return body
