"""What an envelope's XML signature must look like before anything is computed.

In charge of: the structure (one Signature in its place, one Reference to the whole message, only the
enveloped and canonicalisation transforms, allowed algorithms, an X.509 certificate), so that a forgery that
plays with structure never reaches the cryptography. Not in charge of: DOCTYPE and entities (``safe_xml``
refuses them), the cryptography (``xmldsig``), chains (``trust``).

Every element of the signature is on a list of what may be there; the rest is refused. Comments that split a
text and processing instructions are refused too: readers disagree about them, and the signature does not
cover comments.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NoReturn

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from lxml import etree

from gateway.clock import from_datetime
from gateway.edxml.names import DSIG, NS
from gateway.model.text import Bilingual, Instant
from gateway.signature import xmldsig_texts as texts

HEADER_PATH: Final = (f"{{{NS}}}edXML", f"{{{NS}}}edXMLEnvelope", f"{{{NS}}}edXMLHeader")
ENVELOPED: Final = f"{DSIG}enveloped-signature"
EXCLUSIVE: Final = "http://www.w3.org/2001/10/xml-exc-c14n#"
_INCLUSIVE_NAMESPACES: Final = f"{{{EXCLUSIVE}}}InclusiveNamespaces"
# Without comments: for URI="" the standard takes comments out anyway (XML-DSig section 4.4.3.3).
CANONICALIZATIONS: Final = (
    "http://www.w3.org/TR/2001/REC-xml-c14n-20010315",
    "http://www.w3.org/2006/12/xml-c14n11",
    EXCLUSIVE,
)
_MORE: Final = "http://www.w3.org/2001/04/xmldsig-more#"
_ENC: Final = "http://www.w3.org/2001/04/xmlenc#"
_PSS: Final = "http://www.w3.org/2007/05/xmldsig-more#"
DIGESTS: Final = {f"{_ENC}sha256": "SHA-256", f"{_MORE}sha384": "SHA-384", f"{_ENC}sha512": "SHA-512"}
METHODS: Final = {
    f"{_MORE}rsa-sha256": "SHA-256",
    f"{_MORE}rsa-sha384": "SHA-384",
    f"{_MORE}rsa-sha512": "SHA-512",
    f"{_PSS}sha256-rsa-MGF1": "SHA-256",
    f"{_PSS}sha384-rsa-MGF1": "SHA-384",
    f"{_PSS}sha512-rsa-MGF1": "SHA-512",
    f"{_MORE}ecdsa-sha256": "SHA-256",
    f"{_MORE}ecdsa-sha384": "SHA-384",
    f"{_MORE}ecdsa-sha512": "SHA-512",
}
# Known and too weak: no proof, but no forgery either (the public samples carry rsa-sha1).
WEAK: Final = frozenset(
    {
        f"{DSIG}sha1",
        f"{DSIG}rsa-sha1",
        f"{DSIG}dsa-sha1",
        f"{_MORE}ecdsa-sha1",
        f"{_MORE}md5",
        f"{_MORE}rsa-md5",
        f"{_MORE}sha224",
        f"{_MORE}rsa-sha224",
        f"{_MORE}ecdsa-sha224",
    }
)
_MOST_CERTIFICATES: Final = 8
_PROPERTIES: Final = ("SignatureProperties", "SignatureProperty")


class Malformed(Exception):
    """The signature is not of the form that is verified. ``sub_indication`` is of ETSI EN 319 102-1."""

    def __init__(self, reason: Bilingual, sub_indication: str = "FORMAT_FAILURE") -> None:
        self.reason = reason
        self.sub_indication = sub_indication
        super().__init__(reason.en)


@dataclass(frozen=True, slots=True)
class Shape:
    """What the signature says about itself, none of it verified yet."""

    certificate: x509.Certificate
    others: tuple[x509.Certificate, ...]
    hash_name: str  # the weaker of the two that matter is refused, so this is SHA-256 or better
    declared_time: Instant | None  # SignatureProperties/SigningTime, not covered by the signature


def read_shape(root: etree._Element) -> Shape:
    """The one signature of the message; ``Malformed`` says what does not fit."""
    signature = _the_signature(root)
    _refuse_hidden_nodes(root)
    parts = _children(signature)
    names = [_name(part) for part in parts]
    if names[:3] != ["SignedInfo", "SignatureValue", "KeyInfo"] or set(names[3:]) - {"Object"}:
        _malformed("Signature")
    hash_name = _check_signed_info(parts[0])
    for extra in parts[3:]:
        _check_object(extra)
    certificate, others = _read_key_info(parts[2])
    return Shape(certificate, others, hash_name, _declared_time(parts[3:]))


def _the_signature(root: etree._Element) -> etree._Element:
    found = list(root.iter(f"{{{DSIG}}}Signature"))
    if not found:
        raise Malformed(texts.no_signature())
    if len(found) > 1:
        raise Malformed(texts.several_signatures(len(found)))
    path = tuple(str(element.tag) for element in found[0].iterancestors())[::-1]
    if path != HEADER_PATH or len(list(root.iter(HEADER_PATH[1], HEADER_PATH[2]))) != 2:
        raise Malformed(texts.wrong_place())
    return found[0]


def _refuse_hidden_nodes(root: etree._Element) -> None:
    outside = [*root.itersiblings(preceding=True), *root.itersiblings()]
    if any(isinstance(node, etree._ProcessingInstruction) for node in outside):
        raise Malformed(texts.processing_instruction())
    for node in root.iter(etree.Comment, etree.ProcessingInstruction):
        parent = node.getparent()
        if isinstance(node, etree._ProcessingInstruction):
            raise Malformed(texts.processing_instruction())
        if parent is None or _splits_text(node, parent):
            raise Malformed(texts.comment())


def _splits_text(node: etree._Element, parent: etree._Element) -> bool:
    before = node.getprevious()
    left = parent.text if before is None else before.tail
    return bool((left or "").strip() or (node.tail or "").strip())


def _check_signed_info(signed_info: etree._Element) -> str:
    parts = _children(signed_info)
    if [_name(part) for part in parts] != ["CanonicalizationMethod", "SignatureMethod", "Reference"]:
        raise Malformed(texts.references())
    canonicalization, method, reference = parts
    hash_name = _algorithm(method, METHODS)
    if len(method):
        _malformed("SignatureMethod")
    _check_reference(reference)
    _check_canonicalization(canonicalization)
    return hash_name


def _check_reference(reference: etree._Element) -> None:
    if reference.get("URI") != "" or set(reference.attrib) - {"URI", "Id"}:
        raise Malformed(texts.reference_uri(str(reference.get("URI"))))
    parts = _children(reference)
    if [_name(part) for part in parts] != ["Transforms", "DigestMethod", "DigestValue"]:
        _malformed("Reference")
    transforms, digest, _ = parts
    _algorithm(digest, DIGESTS)
    steps = _children(transforms)
    if not steps or len(steps) > 2 or steps[0].get("Algorithm") != ENVELOPED or len(steps[0]):
        raise Malformed(texts.transforms(_algorithms(steps)))
    for step in steps[1:]:
        _check_canonicalization(step)


def _check_canonicalization(element: etree._Element) -> None:
    algorithm = element.get("Algorithm")
    inside = {str(child.tag) for child in element}
    allowed = {_INCLUSIVE_NAMESPACES} if algorithm == EXCLUSIVE else set()
    if algorithm not in CANONICALIZATIONS or inside - allowed or len(element) > 1:
        raise Malformed(texts.transforms(str(algorithm)))


def _algorithm(element: etree._Element, allowed: dict[str, str]) -> str:
    algorithm = element.get("Algorithm") or ""
    if algorithm in WEAK:
        raise Malformed(texts.weak_algorithm(algorithm), "CRYPTO_CONSTRAINTS_FAILURE")
    if algorithm not in allowed:
        raise Malformed(texts.unknown_algorithm(algorithm))
    return allowed[algorithm]


def _check_object(element: etree._Element) -> None:
    """Only SignatureProperties: anything else could carry a second, unsigned message."""
    for part in _children(element):
        inner = _children(part)
        if _name(part) != _PROPERTIES[0] or any(_name(one) != _PROPERTIES[1] for one in inner):
            _malformed("Object")
        if any(len(leaf) for one in inner for leaf in one):
            _malformed("SignatureProperty")


def _read_key_info(key_info: etree._Element) -> tuple[x509.Certificate, tuple[x509.Certificate, ...]]:
    parts = _children(key_info)
    names = [_name(part) for part in parts]
    if names.count("X509Data") != 1 or set(names) - {"X509Data", "KeyName", "KeyValue"}:
        raise Malformed(texts.no_certificate(), "NO_SIGNING_CERTIFICATE_FOUND")
    data = parts[names.index("X509Data")]
    texts_found = [element.text or "" for element in _children(data) if _name(element) == "X509Certificate"]
    if not 0 < len(texts_found) <= _MOST_CERTIFICATES:
        raise Malformed(texts.no_certificate(), "NO_SIGNING_CERTIFICATE_FOUND")
    return _signer_and_others([_certificate(text) for text in texts_found])


def _signer_and_others(
    certificates: list[x509.Certificate],
) -> tuple[x509.Certificate, tuple[x509.Certificate, ...]]:
    """The signer's certificate is the one that issued none of the others (X509Data has no order)."""
    unique = list(dict.fromkeys(certificates))
    leaves = [
        one for one in unique if not any(other.issuer == one.subject for other in unique if other != one)
    ]
    if len(leaves) != 1:
        raise Malformed(texts.several_certificates(), "NO_SIGNING_CERTIFICATE_FOUND")
    return leaves[0], tuple(one for one in unique if one != leaves[0])


def _certificate(text: str) -> x509.Certificate:
    try:
        certificate = x509.load_der_x509_certificate(base64.b64decode("".join(text.split()), validate=True))
        # these are parsed when first asked for, so a damaged one would raise somewhere deep
        _ = (
            certificate.subject,
            certificate.issuer,
            certificate.public_key(),
            certificate.not_valid_before_utc,
        )
    except (ValueError, UnsupportedAlgorithm, x509.InvalidVersion):
        raise Malformed(texts.unreadable_certificate(), "NO_SIGNING_CERTIFICATE_FOUND") from None
    return certificate


def _declared_time(objects: list[etree._Element]) -> Instant | None:
    for element in (leaf for extra in objects for leaf in extra.iter("{*}SigningTime")):
        try:
            return from_datetime(datetime.fromisoformat((element.text or "").strip()))
        except (ValueError, OverflowError):
            return None
    return None


def _children(element: etree._Element) -> list[etree._Element]:
    """Child elements; text beside them must be white space."""
    if (element.text or "").strip() or any((child.tail or "").strip() for child in element):
        _malformed(_name(element))
    return list(element)


def _name(element: etree._Element) -> str:
    """Local name within the dsig namespace; ``?`` for anything else, which no list contains."""
    tag = str(element.tag)
    return tag.removeprefix(f"{{{DSIG}}}") if tag.startswith(f"{{{DSIG}}}") else "?"


def _algorithms(steps: list[etree._Element]) -> str:
    return ", ".join(_all(steps)) or "–"


def _all(steps: list[etree._Element]) -> Iterator[str]:
    yield from (str(step.get("Algorithm")) for step in steps[:4])


def _malformed(place: str) -> NoReturn:
    raise Malformed(texts.unexpected(place))
