"""XML signatures of envelopes: genuine ones hold, and every known trick is refused."""

from __future__ import annotations

import base64
import copy
import hmac
from pathlib import Path

import pytest
import xmlsec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from gateway.edxml.names import DSIG, NS
from gateway.model.text import AgencyCode
from gateway.model.verdict import Indication, SignerRole
from gateway.practice.pki import DemoPki, KeyKind, Knobs
from gateway.signature.seal import sign_envelope
from gateway.signature.xmldsig import TooLargeToVerify, verify_xmldsig
from tests.unit import signature_world as w

RSA = KeyKind.RSA_2048
SUBJECT = f"{{{NS}}}Subject"
FORGED = "V/v chuyển kinh phí"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> w.World:
    return w.build_world(tmp_path_factory.mktemp("pki") / "var", key=RSA)


@pytest.fixture(scope="module")
def signed(world: w.World) -> bytes:
    return w.sign(world.agency)


def refused(world: w.World, data: bytes, sub_indication: str) -> None:
    """Total failure with this sub-indication, no usable bytes, and a reason in both languages."""
    result = world.verify(data)
    assert (result.verdict.indication, result.verdict.sub_indication) == (Indication.FAILED, sub_indication)
    assert result.signed_bytes is None
    assert result.verdict.agency == ""
    assert result.verdict.reason.vi
    assert result.verdict.reason.en


def forge_subject(root: etree._Element) -> None:
    subject = root.find(f".//{SUBJECT}")
    assert subject is not None
    subject.text = FORGED


# genuine signatures


def test_signature_by_the_registered_agency_passes(world: w.World, signed: bytes) -> None:
    verdict = world.verify(signed).verdict
    assert (verdict.indication, verdict.sub_indication) == (Indication.PASSED, "")
    assert (verdict.agency, verdict.role) == (w.SENDER, SignerRole.AGENCY)
    assert (verdict.algorithm, verdict.time_source, verdict.rule_set) == ("RSA-2048 SHA-256", "none", w.RULES)
    assert verdict.signing_time == "2020-04-14T15:00:00.000000+07:00"
    assert "UBND tỉnh Lạng Sơn (DEMO)" in verdict.signer


def test_signed_bytes_are_the_canonical_message_without_its_signature(world: w.World, signed: bytes) -> None:
    expected = etree.tostring(etree.fromstring(w.MESSAGE), method="c14n", exclusive=True)
    assert world.verify(signed).signed_bytes == expected


def test_signature_is_the_last_child_of_the_header(signed: bytes) -> None:
    root = etree.fromstring(signed)
    assert w.header_of(root)[-1] is w.signature_of(root)


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        (KeyKind.P256, "ECDSA-P256 SHA-256"),
        (KeyKind.P384, "ECDSA-P384 SHA-384"),
        (RSA, "RSA-2048 SHA-256"),
    ],
)
def test_each_allowed_kind_of_key_passes(world: w.World, key: KeyKind, algorithm: str) -> None:
    person = world.pki.issue_person("H37", "UBND tỉnh Lạng Sơn", "Người ký", Knobs(key=key))
    verdict = world.verify(w.sign(person)).verdict
    assert (verdict.indication, verdict.algorithm) == (Indication.PASSED, algorithm)


def test_certificate_outside_the_register_leaves_the_role_open(world: w.World) -> None:
    stranger = world.pki.issue_agency("H37.03", "Sở Tài chính", w.P256)
    verdict = world.verify(w.sign(stranger)).verdict
    assert (verdict.indication, verdict.agency) == (Indication.PASSED, "")
    assert verdict.role is SignerRole.NOT_CHECKABLE


def test_certificate_of_another_agency_is_named_as_such(world: w.World) -> None:
    other = world.pki.issue_agency("H37.05", "Sở Nội vụ", w.P256)
    neighbour = w.World(world.pki, other, [*world.rows, other.signer(AgencyCode("H37.05"))])
    assert neighbour.verify(w.sign(other)).verdict.agency == "H37.05"


def test_a_signature_made_by_hand_in_the_allowed_form_passes(world: w.World) -> None:
    """So that the attacks below, made the same way, fail for the reason they name."""
    assert world.verify(w.craft(world.agency, w.Craft())).verdict.indication is Indication.PASSED


@pytest.mark.parametrize("form", [w.INCLUSIVE, "http://www.w3.org/2006/12/xml-c14n11", w.EXCLUSIVE])
def test_each_canonicalisation_without_comments_passes(world: w.World, form: str) -> None:
    how = w.Craft(transforms=(w.ENVELOPED, form), canonicalization=form)
    assert world.verify(w.craft(world.agency, how)).verdict.indication is Indication.PASSED


def test_issuer_before_signer_in_key_info_passes(world: w.World) -> None:
    """X509Data has no order; some tools write the CA first."""
    issuing = world.pki.issuing.certificate.public_bytes(Encoding.DER)
    data = w.craft(world.agency, w.Craft(certificates=[issuing, w.der(world.agency)]))
    assert world.verify(data).verdict.indication is Indication.PASSED


def test_declared_signing_time_is_shown_and_decides_nothing(world: w.World, tmp_path: Path) -> None:
    properties = (
        "<Object><SignatureProperties><SignatureProperty Target='#s'><SigningTime xmlns='urn:any'>"
        "2019-06-01T08:00:00+07:00</SigningTime></SignatureProperty></SignatureProperties></Object>"
    )
    own = w.build_world(tmp_path / "var", key=RSA)
    data = w.craft(own.agency, w.Craft(extra=properties))
    verdict = own.verify(data).verdict
    assert (verdict.signing_time, verdict.time_source) == ("2019-06-01T08:00:00.000000+07:00", "declared")
    own.pki.revoke(own.agency.certificate, w.day("2020-01-01"))
    assert own.verify(data).verdict.sub_indication == "REVOKED"


def test_comment_between_elements_does_not_harm(world: w.World, signed: bytes) -> None:
    data = edit_text(signed, b"<edXML:edXMLBody/>", b"<!-- kiem tra --><edXML:edXMLBody/>")
    result = world.verify(data)
    assert result.verdict.indication is Indication.PASSED
    assert result.signed_bytes == world.verify(signed).signed_bytes


def edit_text(signed: bytes, old: bytes, new: bytes) -> bytes:
    assert signed.count(old) == 1
    return signed.replace(old, new)


# content changed


def test_changed_text_is_refused(world: w.World, signed: bytes) -> None:
    refused(world, w.edit(signed, forge_subject), "HASH_FAILURE")


def test_changed_attachment_is_refused(world: w.World, signed: bytes) -> None:
    refused(world, edit_text(signed, b"cid:1", b"cid:2"), "HASH_FAILURE")


def test_added_attribute_is_refused(world: w.World, signed: bytes) -> None:
    refused(
        world, edit_text(signed, b"<edXML:MessageHeader>", b'<edXML:MessageHeader a="1">'), "HASH_FAILURE"
    )


def test_text_moved_behind_the_signature_is_refused(world: w.World, signed: bytes) -> None:
    refused(world, edit_text(signed, b"</ds:Signature>", b"</ds:Signature>x"), "FORMAT_FAILURE")


def test_changed_digest_value_is_refused(world: w.World, signed: bytes) -> None:
    def recompute(root: etree._Element) -> None:
        """As somebody would who can hash but not sign."""
        forge_subject(root)
        digest = root.find(f".//{{{DSIG}}}DigestValue")
        assert digest is not None
        digest.text = base64.b64encode(b"\0" * 32).decode()

    refused(world, w.edit(signed, recompute), "SIG_CRYPTO_FAILURE")


# structure


def test_signature_wrapping_is_refused(world: w.World, signed: bytes) -> None:
    """The signed header is moved aside, a forged one takes its place and keeps the signature."""

    def wrap(root: etree._Element) -> None:
        header = w.header_of(root)
        envelope = header.getparent()
        assert envelope is not None
        forged = copy.deepcopy(header)
        envelope.replace(header, forged)
        forge_subject(forged)
        original = etree.SubElement(root, f"{{{NS}}}Extension")
        original.append(header)
        header.remove(w.signature_of(header))

    refused(world, w.edit(signed, wrap), "FORMAT_FAILURE")


def test_original_hidden_inside_the_signature_is_refused(world: w.World, signed: bytes) -> None:
    """The enveloped transform takes the signature out before hashing: nothing may hide in there."""

    def hide(root: etree._Element) -> None:
        box = etree.SubElement(w.signature_of(root), f"{{{DSIG}}}Object")
        box.append(copy.deepcopy(w.header_of(root)[0]))

    refused(world, w.edit(signed, hide), "FORMAT_FAILURE")


@pytest.mark.parametrize(
    "extra",
    [
        "<Object>text</Object>",
        "<Object><SignatureProperties><SignatureProperty Target='#s'><a xmlns='urn:any'><b>x</b></a>"
        "</SignatureProperty></SignatureProperties></Object>",
        "<Object><Manifest><Reference URI=''/></Manifest></Object>",
        "<Object><a xmlns='urn:any'/></Object>",
    ],
)
def test_anything_but_plain_signature_properties_is_refused(world: w.World, extra: str) -> None:
    refused(world, w.craft(world.agency, w.Craft(extra=extra)), "FORMAT_FAILURE")


def test_part_of_a_signature_elsewhere_in_the_message_is_refused(world: w.World) -> None:
    stray = f'<Object xmlns="{DSIG}">x</Object></edXML:edXMLEnvelope>'.encode()
    message = w.MESSAGE.replace(b"</edXML:edXMLEnvelope>", stray)
    refused(world, w.craft(world.agency, w.Craft(), message), "FORMAT_FAILURE")


def test_signed_message_inside_another_message_is_refused(world: w.World, signed: bytes) -> None:
    outer = etree.fromstring(w.MESSAGE)
    outer.append(etree.fromstring(signed))
    refused(world, etree.tostring(outer), "FORMAT_FAILURE")


def test_second_signature_is_refused(world: w.World, signed: bytes) -> None:
    def repeat(root: etree._Element) -> None:
        w.header_of(root).append(copy.deepcopy(w.signature_of(root)))

    refused(world, w.edit(signed, repeat), "FORMAT_FAILURE")


def test_signature_inside_the_body_is_refused(world: w.World, signed: bytes) -> None:
    def move(root: etree._Element) -> None:
        body = root.find(f".//{{{NS}}}edXMLBody")
        assert body is not None
        body.append(w.signature_of(root))

    refused(world, w.edit(signed, move), "FORMAT_FAILURE")


def test_duplicate_ids_are_refused(world: w.World) -> None:
    message = w.MESSAGE.replace(b"<edXML:From>", b'<edXML:From Id="a">').replace(
        b"<edXML:To>", b'<edXML:To Id="a">'
    )
    refused(world, w.craft(world.agency, w.Craft(uri="#a"), message), "FORMAT_FAILURE")


def test_reference_to_a_part_of_the_message_is_refused(world: w.World) -> None:
    message = w.MESSAGE.replace(b"<edXML:From>", b'<edXML:From Id="a">')
    refused(world, w.craft(world.agency, w.Craft(uri="#a"), message), "FORMAT_FAILURE")


@pytest.mark.parametrize(
    "uri", ["file:///etc/hostname", "http://127.0.0.1:9/x", "cid:1", "#xpointer(/)", "other.xml", None]
)
def test_reference_outside_the_message_is_refused(world: w.World, uri: str | None) -> None:
    refused(world, w.craft(world.agency, w.Craft(uri=uri)), "FORMAT_FAILURE")


def test_second_reference_is_refused(world: w.World, signed: bytes) -> None:
    def add(root: etree._Element) -> None:
        reference = root.find(f".//{{{DSIG}}}Reference")
        assert reference is not None
        reference.addnext(copy.deepcopy(reference))

    refused(world, w.edit(signed, add), "FORMAT_FAILURE")


XPATH = "<XPath>not(ancestor-or-self::*[local-name()='Subject'])</XPath>"
XSLT = '<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"/>'


@pytest.mark.parametrize(
    ("transforms", "body"),
    [
        ((w.ENVELOPED, "http://www.w3.org/TR/1999/REC-xpath-19991116"), XPATH),
        ((w.ENVELOPED, "http://www.w3.org/2002/06/xmldsig-filter2"), ""),
        ((w.ENVELOPED, "http://www.w3.org/TR/1999/REC-xslt-19991116"), XSLT),
        ((w.ENVELOPED, f"{DSIG}base64"), ""),
        ((w.ENVELOPED, f"{w.EXCLUSIVE}WithComments"), ""),
        ((w.ENVELOPED, "http://www.w3.org/TR/xml-exc-c14n#"), ""),  # the misspelling of the public samples
        ((w.EXCLUSIVE, w.ENVELOPED), ""),
        ((w.ENVELOPED, w.EXCLUSIVE, w.EXCLUSIVE), ""),
        ((w.EXCLUSIVE,), ""),
        ((w.ENVELOPED, w.EXCLUSIVE), "<XPath>1</XPath>"),
        ((), ""),
    ],
)
def test_foreign_transform_is_refused(world: w.World, transforms: tuple[str, ...], body: str) -> None:
    how = w.Craft(transforms=transforms, transform_body=body)
    data = w.craft(world.agency, how)
    refused(world, data, "FORMAT_FAILURE")
    assert "phép biến đổi không được phép" in world.verify(data).verdict.reason.vi


def test_canonicalisation_that_keeps_comments_is_refused(world: w.World) -> None:
    how = w.Craft(canonicalization=f"{w.INCLUSIVE}#WithComments")
    refused(world, w.craft(world.agency, how), "FORMAT_FAILURE")


def test_comment_inside_a_text_is_refused(world: w.World, signed: bytes) -> None:
    """Canonical bytes do not hold it, but a naive reader of the raw bytes would stop before it."""
    data = edit_text(signed, b"kinh ph", b"kinh<!-- --> ph")
    refused(world, data, "FORMAT_FAILURE")


@pytest.mark.parametrize("place", [b"<ds:SignatureValue>", b"<ds:SignedInfo>", b"<ds:DigestValue>"])
def test_comment_inside_the_signature_is_refused(world: w.World, signed: bytes, place: bytes) -> None:
    refused(world, edit_text(signed, place, place + b"<!---->"), "FORMAT_FAILURE")


@pytest.mark.parametrize("place", [b"<edXML:edXMLBody/>", b"<edXML xmlns="])
def test_processing_instruction_is_refused(world: w.World, signed: bytes, place: bytes) -> None:
    refused(world, edit_text(signed, place, b"<?a b?>" + place), "FORMAT_FAILURE")


def test_doctype_is_refused(world: w.World, signed: bytes) -> None:
    doctype = b'<!DOCTYPE edXML [<!ENTITY x "y">]>\n<edXML xmlns='
    refused(world, edit_text(signed, b"<edXML xmlns=", doctype), "FORMAT_FAILURE")


def test_something_that_is_not_xml_is_refused(world: w.World) -> None:
    refused(world, b"PK\x03\x04", "FORMAT_FAILURE")


# keys and algorithms


@pytest.mark.parametrize("secret", ["certificate", "public key", "empty"])
def test_hmac_with_public_knowledge_as_its_key_is_refused(world: w.World, secret: str) -> None:
    key = {
        "certificate": w.der(world.agency),
        "public key": w.public_pem(world.agency),
        "empty": b"",
    }[secret]
    how = w.Craft(
        method="http://www.w3.org/2001/04/xmldsig-more#hmac-sha256",
        raw_sign=lambda data: hmac.digest(key, data, "sha256"),
    )
    refused(world, w.craft(world.agency, how), "FORMAT_FAILURE")


@pytest.mark.parametrize(
    "how",
    [
        w.Craft(method=f"{DSIG}rsa-sha1"),
        w.Craft(digest=f"{DSIG}sha1"),
        w.Craft(method=f"{DSIG}rsa-sha1", digest=f"{DSIG}sha1", canonicalization=w.INCLUSIVE),
    ],
)
def test_sha1_is_refused_as_weak(world: w.World, how: w.Craft) -> None:
    refused(world, w.craft(world.agency, how), "CRYPTO_CONSTRAINTS_FAILURE")


def test_rsa_1024_is_refused_as_weak(world: w.World) -> None:
    weak = world.pki.issue_agency("H37", "UBND tỉnh Lạng Sơn", Knobs(key=KeyKind.RSA_1024))
    refused(world, w.craft(weak, w.Craft()), "CRYPTO_CONSTRAINTS_FAILURE")


def test_certificate_signed_with_sha1_is_refused_as_weak(world: w.World) -> None:
    weak = world.pki.issue_agency("H37", "UBND tỉnh Lạng Sơn", Knobs(sha1=True))
    result = world.verify(w.craft(weak, w.Craft()))
    assert result.verdict.indication is Indication.FAILED
    assert result.verdict.sub_indication == "CRYPTO_CONSTRAINTS_FAILURE"


def test_certificate_of_somebody_else_is_refused(world: w.World, tmp_path: Path) -> None:
    """The forger signs with his own key and shows the victim's certificate."""
    forger = DemoPki.create(tmp_path / "var", "Forger").issue_agency("H37", "UBND tỉnh Lạng Sơn")
    refused(world, w.craft(forger, w.Craft(certificates=[w.der(world.agency)])), "SIG_CRYPTO_FAILURE")


def test_two_unrelated_certificates_are_refused(world: w.World, tmp_path: Path) -> None:
    forger = DemoPki.create(tmp_path / "var", "Forger").issue_agency("H37", "UBND tỉnh Lạng Sơn")
    how = w.Craft(certificates=[w.der(world.agency), w.der(forger)])
    refused(world, w.craft(forger, how), "NO_SIGNING_CERTIFICATE_FOUND")


@pytest.mark.parametrize(
    "key_info",
    [
        "",
        "<KeyName>UBND</KeyName>",
        "<X509Data><X509SubjectName>CN=UBND</X509SubjectName></X509Data>",
        '<RetrievalMethod URI="file:///etc/hostname"/>',
        "<X509Data><X509Certificate>AAAA</X509Certificate></X509Data>",
        "<X509Data><X509Certificate>???</X509Certificate></X509Data>",
    ],
)
def test_key_info_without_a_certificate_is_refused(world: w.World, key_info: str) -> None:
    refused(world, w.craft(world.agency, w.Craft(key_info=key_info)), "NO_SIGNING_CERTIFICATE_FOUND")


def test_key_value_that_contradicts_the_certificate_is_refused(world: w.World) -> None:
    value = "<KeyValue><RSAKeyValue><Modulus>AQAB</Modulus><Exponent>AQAB</Exponent></RSAKeyValue></KeyValue>"
    how = w.Craft(key_info=value + w.x509_data([w.der(world.agency)]))
    refused(world, w.craft(world.agency, how), "FORMAT_FAILURE")


def test_unknown_root_is_never_a_pass(world: w.World, tmp_path: Path) -> None:
    stranger = DemoPki.create(tmp_path / "var", "Stranger").issue_agency("H37", "UBND tỉnh Lạng Sơn")
    verdict = world.verify(w.sign(stranger)).verdict
    assert verdict.indication is Indication.INDETERMINATE
    assert verdict.sub_indication == "NO_CERTIFICATE_CHAIN_FOUND"
    assert verdict.reason.vi.startswith("Nội dung gói tin chưa bị thay đổi")  # so that nobody reads "forged"


def test_root_sent_along_is_not_trusted(world: w.World, tmp_path: Path) -> None:
    pki = DemoPki.create(tmp_path / "var", "Stranger")
    stranger = pki.issue_agency("H37", "UBND tỉnh Lạng Sơn")
    chain = (*stranger.chain, pki.root.certificate)
    data = sign_envelope(w.MESSAGE, stranger.private_key, chain)
    assert world.verify(data).verdict.indication is Indication.INDETERMINATE


# no signature, and too much of it


@pytest.mark.parametrize(
    "element", [b"", b"<edXML:DigitalSignature/>", b"<edXML:Signature><edXML:SignedInfo/></edXML:Signature>"]
)
def test_what_is_no_signature_is_not_taken_for_one(element: bytes) -> None:
    data = w.MESSAGE.replace(b"</edXML:edXMLHeader>", element + b"</edXML:edXMLHeader>")
    failure = verify_xmldsig(data).failure
    assert failure is not None
    assert failure.reason.en == "The message carries no XML signature."


@pytest.fixture(scope="module")
def oversize(signed: bytes) -> bytes:
    return signed.replace(b"cid:1", b"A" * 10_000_001)


def test_envelope_over_the_text_limit_is_indeterminate_with_its_reason(
    world: w.World, oversize: bytes
) -> None:
    result = world.verify(oversize)
    assert result.verdict.indication is Indication.INDETERMINATE
    assert result.signed_bytes is None
    assert "10.000.000 byte" in result.verdict.reason.vi


def test_envelope_over_the_text_limit_is_told_apart_from_broken_xml(oversize: bytes) -> None:
    with pytest.raises(TooLargeToVerify):
        verify_xmldsig(oversize)


# other implementations


def xmlsec_accepts(data: bytes, world: w.World) -> bool:
    """xmlsec with the issuing CA and the root as trusted, at the time of the test message."""
    manager = xmlsec.KeysManager()
    for certificate in (world.pki.root.certificate, world.pki.issuing.certificate):
        key = certificate.public_bytes(Encoding.DER)
        manager.load_cert_from_memory(
            key, xmlsec.constants.KeyDataFormatCertDer, xmlsec.constants.KeyDataTypeTrusted
        )
    context = xmlsec.SignatureContext(manager)
    try:
        context.verify(w.signature_of(etree.fromstring(data)))
    except xmlsec.Error:
        return False
    return True


def test_xmlsec_agrees_on_a_good_signature(world: w.World, signed: bytes) -> None:
    assert xmlsec_accepts(signed, world)


@pytest.mark.parametrize("form", [w.INCLUSIVE, w.EXCLUSIVE])
def test_xmlsec_agrees_on_each_canonicalisation(world: w.World, form: str) -> None:
    data = w.craft(world.agency, w.Craft(transforms=(w.ENVELOPED, form), canonicalization=form))
    assert xmlsec_accepts(data, world)
    assert world.verify(data).verdict.indication is Indication.PASSED


def test_xmlsec_agrees_on_changed_content(world: w.World, signed: bytes) -> None:
    assert not xmlsec_accepts(w.edit(signed, forge_subject), world)


def test_signature_made_by_xmlsec_passes(world: w.World) -> None:
    root = etree.fromstring(w.MESSAGE)
    template = xmlsec.template.create(
        root, xmlsec.constants.TransformInclC14N, xmlsec.constants.TransformRsaSha256, ns="ds"
    )
    w.header_of(root).append(template)
    reference = xmlsec.template.add_reference(template, xmlsec.constants.TransformSha256, uri="")
    xmlsec.template.add_transform(reference, xmlsec.constants.TransformEnveloped)
    xmlsec.template.add_x509_data(xmlsec.template.ensure_key_info(template))
    context = xmlsec.SignatureContext()
    key = world.agency.private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    context.key = xmlsec.Key.from_memory(key, xmlsec.constants.KeyDataFormatPem)
    context.key.load_cert_from_memory(w.der(world.agency), xmlsec.constants.KeyDataFormatCertDer)
    context.sign(template)
    assert world.verify(etree.tostring(root)).verdict.indication is Indication.PASSED


# whatever else somebody does to the bytes


@pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")
@settings(max_examples=150, deadline=None)
@given(st.data())
def test_no_changed_byte_changes_what_was_signed(world: w.World, signed: bytes, data: st.DataObject) -> None:
    position = data.draw(st.integers(0, len(signed) - 1))
    value = data.draw(st.integers(0, 255))
    result = world.verify(signed[:position] + bytes([value]) + signed[position + 1 :])
    assert result.signed_bytes in (None, world.verify(signed).signed_bytes)


@pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")
@settings(max_examples=100, deadline=None)
@given(st.data())
def test_no_cut_or_doubled_piece_changes_what_was_signed(
    world: w.World, signed: bytes, data: st.DataObject
) -> None:
    start = data.draw(st.integers(0, len(signed)))
    end = data.draw(st.integers(start, len(signed)))
    piece = data.draw(st.sampled_from([b"", signed[start:end] * 2]))
    result = world.verify(signed[:start] + piece + signed[end:])
    assert result.signed_bytes in (None, world.verify(signed).signed_bytes)
