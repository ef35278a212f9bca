"""The XML signature of an envelope: structure first, then cryptography, then the bytes that were signed.

In charge of: one call that says either "these canonical bytes were signed with the key of this certificate"
or why not. Not in charge of: whether that certificate means anything (``trust``, ``register``), what the gate
does (``judge``).

signxml computes; what it is given and what is taken from it is decided here: a new verifier per call (it
keeps state), our parser settings, the certificate handed in (else it would trust the web's CAs), the exact
place of the signature, one reference, a short list of algorithms. Afterwards only ``signed_bytes`` may be
read: the canonical form of the message without its signature.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any, Final

from cryptography import x509
from lxml import etree
from signxml.algorithms import CanonicalizationMethod, DigestAlgorithm, SignatureMethod
from signxml.exceptions import InvalidDigest, InvalidSignature
from signxml.verifier import SignatureConfiguration, VerifyResult, XMLVerifier

from gateway.edxml.names import DSIG, NS
from gateway.edxml.safe_xml import parse_tree
from gateway.errors import Unreadable
from gateway.model.text import Bilingual, Instant
from gateway.signature import xmldsig_texts as texts
from gateway.signature.certificates import is_strong_key, key_text
from gateway.signature.xmldsig_shape import DIGESTS, METHODS, Malformed, Shape, read_shape

SIGNATURE_PARENT: Final = f"./{{{NS}}}edXMLEnvelope/{{{NS}}}edXMLHeader"
# How libxml2 says that a file is too large; its other limits (depth, entities) are no honest sender's.
_TOO_LONG: Final = ("Text node too long", "Buffer size limit")
logging.getLogger("signxml").setLevel(logging.WARNING)  # at DEBUG it writes whole documents into the log


class TooLargeToVerify(Exception):
    """A text of the envelope is over the parser's limit, so that its signature cannot be computed."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why the signature does not hold. ``sub_indication`` is of ETSI EN 319 102-1 section 5.1.3."""

    sub_indication: str
    reason: Bilingual


@dataclass(frozen=True, slots=True)
class XmlSignature:
    """What the cryptography says. ``signed_bytes`` is set exactly when ``failure`` is not.

    With a failure, ``certificate`` is only what the signature claims.
    """

    failure: Failure | None
    signed_bytes: bytes | None = None
    certificate: x509.Certificate | None = None
    others: tuple[x509.Certificate, ...] = ()
    algorithm: str = ""  # e.g. "RSA-2048 SHA-256"
    declared_time: Instant | None = None  # SignatureProperties; not covered by the signature


def verify_xmldsig(data: bytes) -> XmlSignature:
    """Verify the enveloped signature of an edXML message. Raises only ``TooLargeToVerify``."""
    try:
        shape = read_shape(_parse(data))
    except Malformed as fault:
        return XmlSignature(Failure(fault.sub_indication, fault.reason))
    except Unreadable as fault:
        return XmlSignature(Failure("FORMAT_FAILURE", fault.text))
    algorithm = f"{key_text(shape.certificate)} {shape.hash_name}"
    outcome = _compute(data, shape)
    return XmlSignature(
        outcome if isinstance(outcome, Failure) else None,
        None if isinstance(outcome, Failure) else outcome,
        shape.certificate,
        shape.others,
        algorithm,
        shape.declared_time,
    )


def _parse(data: bytes) -> etree._Element:
    try:
        return parse_tree(data)
    except Unreadable as fault:
        cause = fault.__cause__
        said = (cause.msg or "") if isinstance(cause, etree.XMLSyntaxError) else ""
        if any(words in said for words in _TOO_LONG):
            raise TooLargeToVerify from fault
        raise


def _compute(data: bytes, shape: Shape) -> bytes | Failure:
    """The canonical bytes that were signed, or why they were not."""
    if not is_strong_key(shape.certificate):
        return Failure("CRYPTO_CONSTRAINTS_FAILURE", texts.weak_key(key_text(shape.certificate)))
    try:
        result = _Verifier().verify(data, x509_cert=shape.certificate, expect_config=_config(shape))
    except InvalidDigest:
        return Failure("HASH_FAILURE", texts.changed())
    except InvalidSignature:
        return Failure("SIG_CRYPTO_FAILURE", texts.wrong_key())
    except Exception:  # hostile input makes signxml raise TypeError, AttributeError and more: never a pass
        return Failure("FORMAT_FAILURE", texts.uncomputable())
    if not isinstance(result, VerifyResult) or not _is_message_without_signature(result.signed_xml):
        return Failure("FORMAT_FAILURE", texts.uncomputable())
    return result.signed_data


def _is_message_without_signature(root: etree._Element | None) -> bool:
    """What was signed must be the whole message and nothing of the signature."""
    return root is not None and root.tag == f"{{{NS}}}edXML" and next(root.iter(f"{{{DSIG}}}*"), None) is None


def _config(shape: Shape) -> SignatureConfiguration:
    """Exactly what we accept. The time only keeps signxml from judging validity: that is for ``trust``."""
    return SignatureConfiguration(
        location=f"{SIGNATURE_PARENT}/",
        expect_references=1,
        signature_methods=frozenset(SignatureMethod(uri) for uri in METHODS),
        digest_algorithms=frozenset(DigestAlgorithm(uri) for uri in DIGESTS),
        verification_time=shape.certificate.not_valid_before_utc,
        default_reference_c14n_method=CanonicalizationMethod.CANONICAL_XML_1_0,
    )


class _Verifier(XMLVerifier):
    """signxml's verifier, reading XML with our parser settings only. One per call."""

    def _fromstring(self, xml_string: bytes, **_: Any) -> etree._Element:
        return parse_tree(xml_string)

    def _c14n(self, nodes: etree._Element, algorithm: Any, inclusive_ns_prefixes: Any = None) -> bytes:
        """Canonicalise an inner element (SignedInfo) as a root of its own.

        lxml 6.1 writes ``xmlns=""`` into the grandchildren of an inner element whose default namespace is
        inherited, under inclusive C14N: the form that Java's signatures have would never verify.
        """
        root = self._fromstring(etree.tostring(nodes, with_tail=False))
        return bytes(super()._c14n(root, algorithm, inclusive_ns_prefixes))
