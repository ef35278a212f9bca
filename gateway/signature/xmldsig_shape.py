"""What an envelope's XML signature must look like before anything is computed.

In charge of: the structure (one Signature in its place, one Reference to the whole message, only the
enveloped and canonicalisation transforms, allowed algorithms, an X.509 certificate), so that a forgery that
plays with structure never reaches the cryptography. Not in charge of: DOCTYPE and entities (``safe_xml``
refuses them), the cryptography (``xmldsig``), chains (``trust``).

Every element of the signature is on a list of what may be there; the rest is refused, for the signature does
not cover itself and the bytes travel on as they came: an element of edXML in there would be read by somebody.
Ids of the signature stand nowhere else, and base64 is only base64, so that no other verifier takes another
element or another value. Comments that split a text and processing instructions are refused too: readers
disagree about them, and the signature does not cover comments.
"""

from __future__ import annotations

import base64
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NoReturn

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from lxml import etree

from gateway.clock import from_datetime
from gateway.edxml.names import ALL, DSIG, NS, XML
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
_MOST_BESIDE: Final = 64  # attributes of an element, and namespaces that it sees; real ones have ten
_DSIG11: Final = "http://www.w3.org/2009/xmldsig11#"  # ECKeyValue
_IDS: Final = ("Id", "ID", "id", f"{{{XML}}}id")  # spellings by which verifiers look elements up
_X509_PARTS: Final = frozenset(
    {"X509Certificate", "X509IssuerSerial", "X509SKI", "X509SubjectName", "X509CRL"}
)
_BASE64: Final = re.compile(r"[A-Za-z0-9+/\s]*+={0,2}+\s*+")
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
    _refuse_crowded_elements(root)
    _refuse_hidden_nodes(root)
    parts = _children(signature)
    names = [_name(part) for part in parts]
    if names[:3] != ["SignedInfo", "SignatureValue", "KeyInfo"] or set(names[3:]) - {"Object"}:
        _malformed("Signature")
    hash_name = _check_signed_info(parts[0])
    _refuse_foreign_elements(signature)
    _refuse_shared_ids(root, signature)
    _check_base64(parts[1])
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


def _refuse_crowded_elements(root: etree._Element) -> None:
    """Canonicalisation takes time quadratic in the attributes and in the namespaces that an element sees."""
    for element in root.iter(etree.Element):  # from the top: the first that is crowded ends it
        if len(element.attrib) > _MOST_BESIDE or len(element.nsmap) > _MOST_BESIDE:
            raise Malformed(texts.crowded(_MOST_BESIDE))


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


def _refuse_foreign_elements(signature: etree._Element) -> None:
    """Nothing of edXML hides in the signature, with its namespace or (as the reader allows) without any."""
    for element in signature.iter(etree.Element):
        name = etree.QName(element)
        if name.namespace not in (DSIG, _DSIG11, EXCLUSIVE) and not _is_property(element):
            _malformed(name.localname)


def _is_property(element: etree._Element) -> bool:
    """True for a value in its only place (XML-DSig section 5.2) that no reader takes for a field of ours."""
    parent, name = element.getparent(), etree.QName(element)
    is_ours = name.namespace == NS or (name.namespace is None and name.localname in ALL)
    return parent is not None and _name(parent) == _PROPERTIES[1] and not is_ours


def _refuse_shared_ids(root: etree._Element, signature: etree._Element) -> None:
    """An id of the signature that stands twice would let another verifier take another element."""
    own = _ids(signature)
    if own and any(count > 1 for value, count in _ids(root).items() if value in own):
        raise Malformed(texts.shared_id())


def _ids(top: etree._Element) -> Counter[str]:
    elements = top.iter(etree.Element)
    return Counter(str(one.get(name)) for one in elements for name in _IDS if name in one.attrib)


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
    if reference.get("URI") != "":
        raise Malformed(texts.reference_uri(reference.get("URI")))
    if set(reference.attrib) - {"URI", "Id"}:
        _malformed("Reference")
    parts = _children(reference)
    if [_name(part) for part in parts] != ["Transforms", "DigestMethod", "DigestValue"]:
        _malformed("Reference")
    transforms, digest, value = parts
    _algorithm(digest, DIGESTS)
    _check_base64(value)
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


def _check_base64(element: etree._Element) -> None:
    """Python skips what is not base64; another verifier may not."""
    if len(element) or not _BASE64.fullmatch(element.text or ""):
        _malformed(_name(element))


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
    inside = _children(data)
    texts_found = [element.text or "" for element in inside if _name(element) == "X509Certificate"]
    if not 0 < len(texts_found) <= _MOST_CERTIFICATES:
        raise Malformed(texts.no_certificate(), "NO_SIGNING_CERTIFICATE_FOUND")
    certificates = [_certificate(text) for text in texts_found]
    _check_naming(inside, certificates)
    return _signer_and_others(certificates)


def _check_naming(inside: Sequence[etree._Element], certificates: Sequence[x509.Certificate]) -> None:
    """Whatever names a certificate names one that is there (XML-DSig section 4.4.4).

    A subject or an issuer in words has too many spellings to compare, and nothing here believes it.
    """
    serials = {str(one.serial_number) for one in certificates}
    keys = {_key_identifier(one) for one in certificates}
    for element in inside:
        if _name(element) not in _X509_PARTS:
            _malformed("X509Data")
        named = element.findtext(f"{{{DSIG}}}X509SerialNumber")
        if named is not None and named.strip() not in serials:
            raise Malformed(texts.another_certificate(), "NO_SIGNING_CERTIFICATE_FOUND")
        if _name(element) == "X509SKI" and None not in keys and _bytes(element) not in keys:
            raise Malformed(texts.another_certificate(), "NO_SIGNING_CERTIFICATE_FOUND")


def _key_identifier(certificate: x509.Certificate) -> bytes | None:
    try:
        return certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    except (x509.ExtensionNotFound, ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        return None


def _bytes(element: etree._Element) -> bytes | None:
    try:
        return base64.b64decode("".join((element.text or "").split()), validate=True)
    except ValueError:
        return None


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
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion):
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
