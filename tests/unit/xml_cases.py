"""Attacks on the XML signature of an envelope: structure, references, transforms, hidden nodes, smuggling.

Each is built on a genuinely signed message. Keys, algorithms, encodings and what is harmless stand in
``xml_cases_keys``; ``XML_CASES`` there holds all.
"""

from __future__ import annotations

import copy

from lxml import etree

from gateway.edxml.names import DSIG, NS, XML
from gateway.model.verdict import Indication
from tests.unit import signature_world as w
from tests.unit.signature_cases import Case
from tests.unit.xml_workshop import FORGED, Change, Workshop, box, dsig, first, forge, forged_copy

XmlCase = Case[Workshop, bytes]
FORMAT = "FORMAT_FAILURE"
HASH = "HASH_FAILURE"
EXTENSION = f"{{{NS}}}Extension"
XPATH = "<XPath>not(ancestor-or-self::*[local-name()='Subject'])</XPath>"
XSLT = '<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"/>'
FILTER2 = "http://www.w3.org/2002/06/xmldsig-filter2"


def changed(name: str, vi: str, en: str, change: Change, sub: str = FORMAT) -> XmlCase:
    """An outsider changes the tree."""
    return Case(name, vi, en, lambda shop: shop.change(change), Indication.FAILED, sub)


def replaced(name: str, vi: str, en: str, old: str, new: str, sub: str = FORMAT) -> XmlCase:
    """An outsider replaces characters; ``HTTP`` and ``FILE`` stand for what nobody may fetch."""

    def build(shop: Workshop) -> bytes:
        return shop.text(old, new.replace("HTTP", shop.http).replace("FILE", shop.file.as_uri()))

    return Case(name, vi, en, build, Indication.FAILED, sub)


def crafted(name: str, vi: str, en: str, sub: str = FORMAT, **how: object) -> XmlCase:
    """The agency itself signs something crooked."""
    return Case(name, vi, en, lambda shop: shop.craft(**how), Indication.FAILED, sub)


# signature wrapping: the signed part stays somewhere, a forged one stands in its place


def _aside(root: etree._Element, new_home: etree._Element, keep_signature: bool) -> None:
    header = w.header_of(root)
    envelope = header.getparent()
    assert envelope is not None
    forged = copy.deepcopy(header)
    forge(forged)
    loser = header if keep_signature else forged
    loser.remove(next(loser.iter(dsig("Signature"))))
    envelope.replace(header, forged)
    new_home.append(header)


def _wrap_extension(root: etree._Element) -> None:
    _aside(root, box(root, EXTENSION), keep_signature=True)


def _wrap_with_original(root: etree._Element) -> None:
    _aside(root, box(root, EXTENSION), keep_signature=False)


def _wrap_sibling(root: etree._Element) -> None:
    header = w.header_of(root)
    header.addprevious(forged_copy(header))


def _wrap_sibling_behind(root: etree._Element) -> None:
    header = w.header_of(root)
    header.addnext(forged_copy(header))


def _wrap_envelope_sibling(root: etree._Element) -> None:
    root[0].addprevious(forged_copy(root[0]))


def _wrap_message_header(root: etree._Element) -> None:
    message = w.header_of(root)[0]
    message.addprevious(forged_copy(message))


def _wrap_in_object(root: etree._Element) -> None:
    message = w.header_of(root)[0]
    box(w.signature_of(root), dsig("Object")).append(copy.deepcopy(message))
    forge(message)


def _wrap_in_soap_header(root: etree._Element) -> None:
    """As in SOAP: the signed part moves into a header block that nobody processes."""
    header = w.header_of(root)
    block = etree.Element("{http://schemas.xmlsoap.org/soap/envelope/}Header")
    original = copy.deepcopy(header[0])
    header.insert(0, block)
    block.append(original)
    forge(header[1])


def _wrap_ancestor(shop: Workshop) -> bytes:
    outer = forged_copy(etree.fromstring(shop.message))
    box(outer, EXTENSION).append(etree.fromstring(shop.signed))
    return etree.tostring(outer)


def _wrap_ancestor_in_header(shop: Workshop) -> bytes:
    """The forged message carries the whole signed one where its own signature would stand."""
    outer = forged_copy(etree.fromstring(shop.message))
    w.header_of(outer).append(etree.fromstring(shop.signed))
    return etree.tostring(outer)


def _wrap_by_id(shop: Workshop) -> bytes:
    """The agency signs one part by its Id; the forger moves that part and writes another."""
    marked = shop.message.replace(b"<edXML:MessageHeader>", b'<edXML:MessageHeader Id="vb">')
    signed = shop.craft(marked, uri="#vb")

    def move(root: etree._Element) -> None:
        message = w.header_of(root)[0]
        message.addprevious(forged_copy(message))
        box(root, EXTENSION).append(message)

    return w.edit(signed, move)


def _forged_and_signature_kept(root: etree._Element) -> None:
    forge(root)


def _transplant(shop: Workshop) -> bytes:
    """A genuine signature of another message of the same agency."""
    other = w.sign(shop.world.agency, shop.message.replace(b"362/UBND", b"363/UBND"))

    def put(root: etree._Element) -> None:
        w.header_of(root).append(w.signature_of(etree.fromstring(other)))

    return w.edit(shop.message, put)


def _failed(name: str, vi: str, en: str, build: object, sub: str = FORMAT) -> XmlCase:
    return Case(name, vi, en, build, Indication.FAILED, sub)  # type: ignore[arg-type]


WRAPPING: tuple[XmlCase, ...] = (
    changed(
        "wrapping-extension",
        "Phần đã ký bị chuyển vào phần mở rộng, phần giả mạo thế chỗ và giữ chữ ký",
        "The signed header moved into an extension, a forged one keeps the signature",
        _wrap_extension,
    ),
    changed(
        "wrapping-with-original",
        "Phần đã ký bị chuyển vào phần mở rộng cùng với chữ ký",
        "The signed header moved into an extension together with its signature",
        _wrap_with_original,
    ),
    changed(
        "wrapping-sibling",
        "Một phần thông tin chung giả mạo đứng trước phần đã ký",
        "A forged header before the signed one",
        _wrap_sibling,
    ),
    changed(
        "wrapping-sibling-behind",
        "Một phần thông tin chung giả mạo đứng sau phần đã ký",
        "A forged header behind the signed one",
        _wrap_sibling_behind,
    ),
    changed(
        "wrapping-envelope",
        "Một phần edXMLEnvelope giả mạo đứng trước phần đã ký",
        "A forged edXMLEnvelope before the signed one",
        _wrap_envelope_sibling,
    ),
    changed(
        "wrapping-message-header",
        "Một MessageHeader giả mạo đứng trước phần đã ký",
        "A forged MessageHeader before the signed one",
        _wrap_message_header,
        HASH,
    ),
    changed(
        "wrapping-object",
        "Phần đã ký bị giấu trong Object của chữ ký",
        "The signed part hidden in the signature's Object",
        _wrap_in_object,
    ),
    changed(
        "wrapping-soap-header",
        "Phần đã ký bị chuyển vào một khối kiểu SOAP Header",
        "The signed part moved into a SOAP-like header block",
        _wrap_in_soap_header,
        HASH,
    ),
    _failed(
        "wrapping-ancestor",
        "Cả gói tin đã ký nằm trong một gói tin giả mạo",
        "The whole signed message inside a forged one",
        _wrap_ancestor,
    ),
    _failed(
        "wrapping-ancestor-header",
        "Cả gói tin đã ký nằm trong phần thông tin chung của gói tin giả mạo",
        "The whole signed message inside the header of a forged one",
        _wrap_ancestor_in_header,
    ),
    _failed(
        "wrapping-by-id",
        "Ký theo mã Id, rồi phần mang mã đó bị chuyển đi chỗ khác",
        "Signed by Id, then the part with that Id is moved",
        _wrap_by_id,
    ),
    changed(
        "content-changed",
        "Nội dung bị sửa sau khi ký",
        "Content changed after signing",
        _forged_and_signature_kept,
        HASH,
    ),
    _failed(
        "transplant",
        "Chữ ký thật của một gói tin khác",
        "The genuine signature of another message",
        _transplant,
        HASH,
    ),
)


# place and number of signatures


def _to_body(root: etree._Element) -> None:
    first(root, "edXMLBody").append(w.signature_of(root))


def _to_root(root: etree._Element) -> None:
    root.append(w.signature_of(root))


def _to_message_header(root: etree._Element) -> None:
    w.header_of(root)[0].append(w.signature_of(root))


def _doubled(root: etree._Element) -> None:
    w.header_of(root).append(copy.deepcopy(w.signature_of(root)))


def _nested(root: etree._Element) -> None:
    box(w.signature_of(root), dsig("Object")).append(copy.deepcopy(w.signature_of(root)))


def _nested_in_key_info(root: etree._Element) -> None:
    first(root, "KeyInfo", DSIG).append(copy.deepcopy(w.signature_of(root)))


def _forgers_beside(shop: Workshop) -> bytes:
    """The forger signs his own version and leaves the genuine signature beside his."""
    forged = w.sign(shop.forger, w.edit(shop.message, forge))

    def put(root: etree._Element) -> None:
        w.header_of(root).append(w.signature_of(etree.fromstring(shop.signed)))

    return w.edit(forged, put)


def _reference_twice(root: etree._Element) -> None:
    reference = first(root, "Reference", DSIG)
    reference.addnext(copy.deepcopy(reference))


def _reference_to_part(root: etree._Element) -> None:
    reference = first(root, "Reference", DSIG)
    twin = copy.deepcopy(reference)
    twin.set("URI", "#vb")
    reference.addprevious(twin)


def _no_reference(root: etree._Element) -> None:
    reference = first(root, "Reference", DSIG)
    first(root, "SignedInfo", DSIG).remove(reference)


PLACES: tuple[XmlCase, ...] = (
    changed("place-body", "Chữ ký đặt trong phần thân", "Signature in the body", _to_body),
    changed("place-root", "Chữ ký đặt ngoài phần thông tin chung", "Signature outside the header", _to_root),
    changed(
        "place-message-header",
        "Chữ ký đặt trong MessageHeader",
        "Signature inside MessageHeader",
        _to_message_header,
    ),
    changed("several-same", "Chữ ký lặp lại hai lần", "The same signature twice", _doubled),
    _failed(
        "several-forger",
        "Chữ ký của kẻ giả mạo đặt cạnh chữ ký thật",
        "A forger's signature beside the genuine one",
        _forgers_beside,
    ),
    changed("nested-object", "Chữ ký lồng trong Object", "A signature nested in Object", _nested),
    changed(
        "nested-key-info", "Chữ ký lồng trong KeyInfo", "A signature nested in KeyInfo", _nested_in_key_info
    ),
    changed("references-two", "Hai phần tham chiếu", "Two references", _reference_twice),
    changed(
        "references-part", "Thêm tham chiếu tới một phần", "A further reference to a part", _reference_to_part
    ),
    changed("references-none", "Không có phần tham chiếu", "No reference", _no_reference),
)


# references and ids


def _uri_case(name: str, what_vi: str, what_en: str, uri: str | None) -> XmlCase:
    def build(shop: Workshop) -> bytes:
        target = uri
        if target is not None:
            target = target.replace("HTTP", shop.http).replace("FILE", shop.file.as_uri())
        return shop.craft(uri=target)

    vi, en = f"Chữ ký tham chiếu tới {what_vi}", f"The reference points to {what_en}"
    return Case(name, vi, en, build, Indication.FAILED, FORMAT)


def _id_clash(attribute: str) -> XmlCase:
    """The signature takes the id of a message element, which it does not cover itself."""
    name = f"{{{XML}}}id" if attribute == "xml:id" else attribute

    def build(shop: Workshop) -> bytes:
        def mark(root: etree._Element) -> None:
            first(root, "From").set(name, "vb")

        signed = w.sign(shop.world.agency, w.edit(shop.message, mark))
        return w.edit(signed, lambda root: w.signature_of(root).set("Id", "vb"))

    vi = f"Mã Id của chữ ký trùng với {attribute} của một phần tử"
    en = f"The signature's Id is also the {attribute} of an element"
    return Case(f"id-clash-{attribute.replace(':', '-')}", vi, en, build, Indication.FAILED, FORMAT)


def _doubled_xml_id(shop: Workshop) -> bytes:
    message = shop.message.replace(b"<edXML:From>", b'<edXML:From xml:id="vb">')
    return w.sign(shop.world.agency, message).replace(b"<ds:Signature ", b'<ds:Signature xml:id="vb" ')


REFERENCES: tuple[XmlCase, ...] = (
    _uri_case("uri-id", "một mã Id", "an Id", "#vb"),
    _uri_case("uri-xpointer-root", "#xpointer(/)", "#xpointer(/)", "#xpointer(/)"),
    _uri_case("uri-xpointer-id", "#xpointer(id('vb'))", "#xpointer(id('vb'))", "#xpointer(id('vb'))"),
    _uri_case("uri-absent", "không rõ đâu (thiếu URI)", "nothing (no URI)", None),
    _uri_case("uri-http", "một địa chỉ mạng", "a web address", "HTTP"),
    _uri_case("uri-file", "một tệp trên máy chủ", "a file of the server", "FILE"),
    _uri_case("uri-relative", "một tệp bên cạnh", "a relative file", "other.xml"),
    _uri_case("uri-cid", "tệp đính kèm", "an attachment", "cid:file-0"),
    _uri_case("uri-data", "dữ liệu nằm ngay trong URI", "data inside the URI", "data:text/xml,x"),
    _id_clash("Id"),
    _id_clash("ID"),
    _id_clash("id"),
    _id_clash("xml:id"),
    _failed(
        "id-doubled-xml-id",
        "Chữ ký và một phần tử cùng mang một xml:id",
        "The signature and an element with one xml:id",
        _doubled_xml_id,
    ),
    replaced(
        "reference-manifest-type",
        "Tham chiếu kiểu Manifest",
        "A reference of type Manifest",
        'Reference URI=""',
        f'Reference URI="" Type="{DSIG}Manifest"',
    ),
    crafted(
        "manifest-object",
        "Manifest trong Object",
        "A Manifest in Object",
        extra="<Object><Manifest><Reference URI=''/></Manifest></Object>",
    ),
)


# transforms and canonicalisation


def _transform_case(name: str, title: str, *steps: str, body: str = "") -> XmlCase:
    """``title`` is one word for both languages, or Vietnamese and English with a bar between."""
    vi, _, en = title.partition("|")
    return crafted(
        f"transform-{name}",
        f"Phép biến đổi: {vi}",
        f"Transform: {en or vi}",
        transforms=steps,
        transform_body=body,
    )


_NAMESPACES = f'<InclusiveNamespaces xmlns="{w.EXCLUSIVE}" PrefixList="edXML"/>'
TRANSFORMS: tuple[XmlCase, ...] = (
    _transform_case(
        "xpath", "XPath", w.ENVELOPED, "http://www.w3.org/TR/1999/REC-xpath-19991116", body=XPATH
    ),
    _transform_case("xpath-filter2", "XPath Filter 2", w.ENVELOPED, FILTER2),
    _transform_case("xslt", "XSLT", w.ENVELOPED, "http://www.w3.org/TR/1999/REC-xslt-19991116", body=XSLT),
    _transform_case("base64", "base64", w.ENVELOPED, f"{DSIG}base64"),
    _transform_case("decrypt", "giải mã|decryption", w.ENVELOPED, "http://www.w3.org/2002/07/decrypt#XML"),
    _transform_case("exclusive-comments", "exc-c14n#WithComments", w.ENVELOPED, f"{w.EXCLUSIVE}WithComments"),
    _transform_case("inclusive-comments", "c14n#WithComments", w.ENVELOPED, f"{w.INCLUSIVE}#WithComments"),
    _transform_case(
        "c14n11-comments",
        "c14n11#WithComments",
        w.ENVELOPED,
        "http://www.w3.org/2006/12/xml-c14n11#WithComments",
    ),
    _transform_case("order", "c14n trước enveloped|c14n before enveloped", w.EXCLUSIVE, w.ENVELOPED),
    _transform_case("three", "ba bước|three steps", w.ENVELOPED, w.EXCLUSIVE, w.EXCLUSIVE),
    _transform_case("enveloped-twice", "enveloped hai lần|enveloped twice", w.ENVELOPED, w.ENVELOPED),
    _transform_case("no-enveloped", "thiếu enveloped|without enveloped", w.EXCLUSIVE),
    _transform_case("none", "không có bước nào|none at all"),
    _transform_case(
        "xpath-in-c14n",
        "XPath giấu trong c14n|XPath hidden in c14n",
        w.ENVELOPED,
        w.EXCLUSIVE,
        body="<XPath>1</XPath>",
    ),
    _transform_case(
        "namespaces-in-inclusive",
        "InclusiveNamespaces trong c14n thường|InclusiveNamespaces in inclusive c14n",
        w.ENVELOPED,
        w.INCLUSIVE,
        body=_NAMESPACES,
    ),
    _transform_case(
        "namespaces-twice",
        "InclusiveNamespaces hai lần|InclusiveNamespaces twice",
        w.ENVELOPED,
        w.EXCLUSIVE,
        body=_NAMESPACES * 2,
    ),
    crafted(
        "canonicalization-comments",
        "SignedInfo được chuẩn hóa có giữ chú thích",
        "SignedInfo canonicalised with comments",
        canonicalization=f"{w.INCLUSIVE}#WithComments",
    ),
    replaced(
        "namespaces-added",
        "InclusiveNamespaces được chèn vào chữ ký thật",
        "InclusiveNamespaces added to a genuine signature",
        f'<ds:Transform Algorithm="{w.EXCLUSIVE}"/>',
        f'<ds:Transform Algorithm="{w.EXCLUSIVE}">'
        f'<ec:InclusiveNamespaces xmlns:ec="{w.EXCLUSIVE}" PrefixList="#default"/></ds:Transform>',
        "SIG_CRYPTO_FAILURE",
    ),
)


# nodes that readers disagree about

_SUBJECT = "<edXML:Subject>V/v xây dựng"
_ROOT = "<edXML xmlns="
HIDDEN: tuple[XmlCase, ...] = (
    replaced(
        "comment-in-text",
        "Chú thích XML cắt đôi trích yếu",
        "A comment splits the subject",
        _SUBJECT,
        "<edXML:Subject>V/v xây<!-- --> dựng",
    ),
    replaced(
        "comment-in-code",
        "Chú thích XML cắt đôi mã định danh nơi nhận",
        "A comment splits a recipient's code",
        "H37.03</edXML:OrganId>",
        "H37<!---->.03</edXML:OrganId>",
    ),
    replaced(
        "comment-before-text",
        "Chú thích XML đứng trước nội dung",
        "A comment before a text",
        _SUBJECT,
        "<edXML:Subject><!--V/v khác-->V/v xây dựng",
    ),
    replaced(
        "comment-in-attachment",
        "Chú thích XML trong tệp đính kèm",
        "A comment inside an attachment",
        "JVBERi0x",
        "JVBE<!---->Ri0x",
    ),
    replaced(
        "comment-in-signature",
        "Chú thích XML trong giá trị chữ ký",
        "A comment inside SignatureValue",
        "<ds:SignatureValue>",
        "<ds:SignatureValue><!---->",
    ),
    replaced(
        "instruction-in-text",
        "Chỉ thị xử lý XML trong trích yếu",
        "A processing instruction in the subject",
        _SUBJECT,
        "<edXML:Subject>V/v xây<?a b?> dựng",
    ),
    replaced(
        "instruction-before-root",
        "Chỉ thị xml-stylesheet trước gói tin",
        "An xml-stylesheet instruction before the message",
        _ROOT,
        "<?xml-stylesheet href='HTTP'?>" + _ROOT,
    ),
    replaced(
        "doctype-entity",
        "DOCTYPE với thực thể nội bộ",
        "DOCTYPE with an internal entity",
        _ROOT,
        '<!DOCTYPE edXML [<!ENTITY x "y">]>' + _ROOT,
    ),
    replaced(
        "doctype-external",
        "DOCTYPE lấy từ địa chỉ mạng",
        "DOCTYPE from a web address",
        _ROOT,
        '<!DOCTYPE edXML SYSTEM "HTTP">' + _ROOT,
    ),
    replaced(
        "doctype-file",
        "DOCTYPE lấy từ tệp trên máy chủ",
        "DOCTYPE from a file of the server",
        _ROOT,
        '<!DOCTYPE edXML SYSTEM "FILE">' + _ROOT,
    ),
    replaced(
        "doctype-file-parameter",
        "Thực thể tham số trỏ tới tệp trên máy chủ",
        "A parameter entity that names a file of the server",
        _ROOT,
        '<!DOCTYPE edXML [<!ENTITY % x SYSTEM "FILE"> %x;]>' + _ROOT,
    ),
    replaced(
        "doctype-file-entity",
        "Thực thể trỏ tới tệp trên máy chủ",
        "An entity that names a file of the server",
        _ROOT,
        '<!DOCTYPE edXML [<!ENTITY x SYSTEM "FILE">]>' + _ROOT,
    ),
    replaced(
        "doctype-parameter-entity",
        "Thực thể tham số trỏ tới địa chỉ mạng",
        "A parameter entity that names a web address",
        _ROOT,
        '<!DOCTYPE edXML [<!ENTITY % x SYSTEM "HTTP"> %x;]>' + _ROOT,
    ),
    replaced(
        "doctype-id-attribute",
        "DOCTYPE khai thuộc tính là mã ID",
        "DOCTYPE that declares an ID attribute",
        _ROOT,
        "<!DOCTYPE edXML [<!ATTLIST edXML version ID #IMPLIED>]>" + _ROOT,
    ),
    replaced(
        "xinclude",
        "XInclude trỏ tới tệp trên máy chủ",
        "XInclude of a file of the server",
        "<edXML:edXMLBody>",
        '<edXML:edXMLBody><xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="FILE"/>',
        HASH,
    ),
)


# parts beside what is signed


def _smuggled(parent: str) -> Change:
    """An element of edXML inside a part of the signature, which the signature does not cover."""

    def put(root: etree._Element) -> None:
        box(first(root, parent, DSIG), f"{{{NS}}}Subject").text = FORGED

    return put


def _attachment_in_object(root: etree._Element) -> None:
    box(w.signature_of(root), dsig("Object")).append(copy.deepcopy(first(root, "Attachment")))


def _attachment_in_x509(root: etree._Element) -> None:
    first(root, "X509Data", DSIG).append(copy.deepcopy(first(root, "Attachment")))


def _key_value(root: etree._Element) -> None:
    value = box(first(root, "KeyInfo", DSIG), dsig("KeyValue"))
    box(value, f"{{{NS}}}Subject").text = FORGED


def _property(tag: str) -> Change:
    def put(root: etree._Element) -> None:
        properties = box(box(w.signature_of(root), dsig("Object")), dsig("SignatureProperties"))
        item = box(properties, dsig("SignatureProperty"))
        item.set("Target", "#s")
        box(item, tag).text = FORGED

    return put


def _second_encoded(root: etree._Element) -> None:
    encoded = first(root, "AttachmentEncoded")
    encoded.addnext(copy.deepcopy(encoded))


def _attachment_added(root: etree._Element) -> None:
    one = first(root, "Attachment")
    one.addnext(copy.deepcopy(one))


def _recipient_added(root: etree._Element) -> None:
    to = first(root, "To")
    twin = copy.deepcopy(to)
    first(twin, "OrganId").text = "H37.31"
    to.addprevious(twin)


SMUGGLING: tuple[XmlCase, ...] = (
    changed("smuggled-recipient", "Thêm một nơi nhận", "A recipient added", _recipient_added, HASH),
    changed("smuggled-attachment", "Thêm một tệp đính kèm", "An attachment added", _attachment_added, HASH),
    replaced(
        "attachment-swapped", "Tệp đính kèm bị thay", "An attachment exchanged", "JVBERi0x", "JVBERi1x", HASH
    ),
    changed(
        "smuggled-attachments",
        "Thêm một phần tệp đính kèm thứ hai",
        "A second part with attachments",
        _second_encoded,
        HASH,
    ),
    changed(
        "attachment-in-object",
        "Tệp đính kèm giấu trong Object của chữ ký",
        "An attachment in the signature's Object",
        _attachment_in_object,
    ),
    changed(
        "attachment-in-x509",
        "Tệp đính kèm giấu trong X509Data",
        "An attachment in X509Data",
        _attachment_in_x509,
    ),
    changed(
        "field-in-x509", "Trường edXML giấu trong X509Data", "A field in X509Data", _smuggled("X509Data")
    ),
    changed("field-in-key-value", "Trường edXML giấu trong KeyValue", "A field in KeyValue", _key_value),
    changed(
        "field-in-property",
        "Trường edXML giấu trong SignatureProperty",
        "A field in SignatureProperty",
        _property(f"{{{NS}}}Subject"),
    ),
    changed(
        "bare-field-in-property",
        "Trường không có không gian tên giấu trong SignatureProperty",
        "A field without namespace in SignatureProperty",
        _property("Subject"),
    ),
    replaced(
        "text-behind-signature",
        "Chữ viết thêm ngay sau chữ ký",
        "Text right behind the signature",
        "</ds:Signature>",
        f"</ds:Signature>{FORGED}",
    ),
    replaced(
        "namespace-redeclared",
        "Tiền tố edXML bị gán cho không gian tên khác",
        "The prefix edXML bound to another namespace",
        "<edXML:Subject>",
        '<edXML:Subject xmlns:edXML="urn:khac">',
        HASH,
    ),
    replaced(
        "namespace-undeclared",
        "Không gian tên mặc định bị bỏ ở tệp đính kèm",
        "The default namespace taken from an attachment",
        "<Attachment>",
        '<Attachment xmlns="">',
        HASH,
    ),
    replaced(
        "attribute-added",
        "Thêm thuộc tính vào một phần tử",
        "An attribute added",
        "<edXML:MessageHeader>",
        '<edXML:MessageHeader a="1">',
        HASH,
    ),
    replaced(
        "white-space-added",
        "Khoảng trắng bị chèn trong nội dung",
        "White space added inside a text",
        _SUBJECT,
        "<edXML:Subject>V/v  xây dựng",
        HASH,
    ),
)

STRUCTURE: tuple[XmlCase, ...] = WRAPPING + PLACES + REFERENCES + TRANSFORMS + HIDDEN + SMUGGLING
