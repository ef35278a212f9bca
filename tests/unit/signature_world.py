"""A small world for the signature tests: one message, one PKI, and a workshop for dishonest signatures.

``sign`` makes a genuine signature with the gateway's own code; ``craft`` makes any structure one likes and
signs it with a real key, so that only the check under test stands between a forgery and a pass.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from lxml import etree

from gateway.clock import from_datetime
from gateway.edxml.names import DSIG, NS
from gateway.model.agency import Signer
from gateway.model.text import AgencyCode, Instant
from gateway.practice.pki import DemoPki, Identity, KeyKind, Knobs
from gateway.signature.register import SignerRegister
from gateway.signature.seal import sign_envelope
from gateway.signature.trust import TrustStore
from gateway.signature.verify import EnvelopeSignature, Trust, verify_envelope

SENDER = AgencyCode("H37")
RULES = "TT41-2017/1"
AT = from_datetime(datetime(2020, 4, 14, 8, 0, tzinfo=UTC))
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
INCLUSIVE = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
ENVELOPED = f"{DSIG}enveloped-signature"
RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
P256 = Knobs(key=KeyKind.P256)

MESSAGE = f"""<?xml version="1.0" encoding="UTF-8"?>
<edXML xmlns="{NS}">
  <edXML:edXMLEnvelope xmlns:edXML="{NS}">
    <edXML:edXMLHeader>
      <edXML:MessageHeader>
        <edXML:From><edXML:OrganId>000.00.00.H37</edXML:OrganId></edXML:From>
        <edXML:To><edXML:OrganId>000.00.03.H37</edXML:OrganId></edXML:To>
        <edXML:DocumentId>000.00.00.H37,2020/04/14,373/UBND-KT</edXML:DocumentId>
        <edXML:Subject>V/v đăng ký nhu cầu &amp; kinh phí</edXML:Subject>
      </edXML:MessageHeader>
    </edXML:edXMLHeader>
    <edXML:edXMLBody/>
  </edXML:edXMLEnvelope>
  <AttachmentEncoded><Attachment><ContentId>cid:1</ContentId></Attachment></AttachmentEncoded>
</edXML>
""".encode()


@dataclass(frozen=True)
class World:
    """One PKI with an agency that is registered as the sender."""

    pki: DemoPki
    agency: Identity
    rows: list[Signer] = field(default_factory=list)

    @property
    def trust(self) -> Trust:
        """Read anew, so that a test may change the trust folder first."""
        return Trust(TrustStore.load(self.pki.trust_folder), SignerRegister(self.rows))

    def verify(self, data: bytes, at: Instant = AT) -> EnvelopeSignature:
        return verify_envelope(data, self.trust, at)


def build_world(folder: Path, key: KeyKind = KeyKind.P256) -> World:
    pki = DemoPki.create(folder, key=key)
    agency = pki.issue_agency("000.00.00.H37", "UBND tỉnh Lạng Sơn", Knobs(key=key))
    return World(pki, agency, [agency.signer(SENDER)])


def sign(identity: Identity, message: bytes = MESSAGE) -> bytes:
    return sign_envelope(message, identity.private_key, identity.chain)


def at(text: str) -> Instant:
    """``2020-04-14`` as the instant of its midnight in UTC."""
    return from_datetime(day(text))


def day(text: str) -> datetime:
    """``2020-04-14`` as midnight in UTC."""
    return datetime.combine(date.fromisoformat(text), datetime.min.time(), UTC)


def header_of(root: etree._Element) -> etree._Element:
    header = root.find(f"./{{{NS}}}edXMLEnvelope/{{{NS}}}edXMLHeader")
    assert header is not None
    return header


def signature_of(root: etree._Element) -> etree._Element:
    signature = root.find(f".//{{{DSIG}}}Signature")
    assert signature is not None
    return signature


def edit(signed: bytes, change: Callable[[etree._Element], None]) -> bytes:
    """``signed`` after somebody changed its tree."""
    root = etree.fromstring(signed)
    change(root)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


@dataclass(frozen=True)
class Craft:
    """Everything one can get wrong, or do on purpose, in a signature."""

    uri: str | None = ""
    transforms: Sequence[str] = (ENVELOPED, EXCLUSIVE)
    transform_body: str = ""  # XML inside the last transform
    canonicalization: str = EXCLUSIVE
    method: str = RSA_SHA256
    digest: str = SHA256
    certificates: Sequence[bytes] | None = None  # DER; None: the signer's own
    key_info: str | None = None  # XML that replaces KeyInfo
    extra: str = ""  # XML after KeyInfo
    raw_sign: Callable[[bytes], bytes] | None = None


def craft(identity: Identity, how: Craft, message: bytes = MESSAGE) -> bytes:
    """``message`` with a signature made by hand; digest and SignatureValue are really computed."""
    root = etree.fromstring(message)
    digest = _digest(how, etree.tostring(root, method="c14n", exclusive=EXCLUSIVE in how.transforms))
    header = header_of(root)
    header.append(etree.fromstring(_markup(identity, how, digest)))
    root = etree.fromstring(etree.tostring(root))
    signature = signature_of(root)
    alone = etree.fromstring(etree.tostring(signature[0], with_tail=False))  # lxml errs on inner elements
    signed_info = etree.tostring(alone, method="c14n", exclusive=how.canonicalization == EXCLUSIVE)
    value = (how.raw_sign or (lambda data: _sign_raw(identity, how.method, data)))(signed_info)
    signature[1].text = base64.b64encode(value).decode()
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def x509_data(certificates: Sequence[bytes]) -> str:
    parts = "".join(
        f"<X509Certificate>{base64.b64encode(one).decode()}</X509Certificate>" for one in certificates
    )
    return f"<X509Data>{parts}</X509Data>"


def public_pem(identity: Identity) -> bytes:
    key = identity.certificate.public_key()
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def der(identity: Identity) -> bytes:
    return identity.certificate.public_bytes(Encoding.DER)


def _markup(identity: Identity, how: Craft, digest: bytes) -> str:
    uri = "" if how.uri is None else f' URI="{how.uri}"'
    steps = "".join(
        f'<Transform Algorithm="{one}">{how.transform_body if one == how.transforms[-1] else ""}</Transform>'
        for one in how.transforms
    )
    certificates = how.certificates if how.certificates is not None else [der(identity)]
    key_info = x509_data(certificates) if how.key_info is None else how.key_info
    return (
        f'<Signature xmlns="{DSIG}"><SignedInfo>'
        f'<CanonicalizationMethod Algorithm="{how.canonicalization}"/>'
        f'<SignatureMethod Algorithm="{how.method}"/>'
        f"<Reference{uri}><Transforms>{steps}</Transforms>"
        f'<DigestMethod Algorithm="{how.digest}"/>'
        f"<DigestValue>{base64.b64encode(digest).decode()}</DigestValue></Reference>"
        f"</SignedInfo><SignatureValue/><KeyInfo>{key_info}</KeyInfo>{how.extra}</Signature>"
    )


def _digest(how: Craft, body: bytes) -> bytes:
    return (hashlib.sha1 if how.digest.endswith("sha1") else hashlib.sha256)(body).digest()


def _sign_raw(identity: Identity, method: str, data: bytes) -> bytes:
    algorithm = hashes.SHA1() if method.endswith("sha1") else hashes.SHA256()
    key = identity.private_key
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(data, padding.PKCS1v15(), algorithm)
    r, s = utils.decode_dss_signature(key.sign(data, ec.ECDSA(algorithm)))
    return r.to_bytes(32) + s.to_bytes(32)
