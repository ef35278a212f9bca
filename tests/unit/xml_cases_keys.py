"""Attacks on keys, algorithms, encodings and values of an envelope's signature, and what is harmless.

``XML_CASES`` is the whole table; ``HARMLESS`` are changes that leave every signed byte as it was.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Callable

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from gateway.edxml.names import DSIG
from gateway.model.verdict import Indication
from gateway.practice.pki import END, START, Identity, KeyKind, Knobs
from gateway.signature.seal import sign_envelope
from tests.unit import signature_world as w
from tests.unit.signature_cases import Case
from tests.unit.xml_cases import (
    FORMAT,
    HASH,
    STRUCTURE,
    XmlCase,
    changed,
    crafted,
    replaced,
)
from tests.unit.xml_workshop import Workshop, box, dsig, first, forge

NO_SIGNER = "NO_SIGNING_CERTIFICATE_FOUND"
WRONG_KEY = "SIG_CRYPTO_FAILURE"
WEAK = "CRYPTO_CONSTRAINTS_FAILURE"
NO_CHAIN = "NO_CERTIFICATE_CHAIN_FOUND"
BROKEN_CHAIN = "CERTIFICATE_CHAIN_GENERAL_FAILURE"
MORE = "http://www.w3.org/2001/04/xmldsig-more#"
PSS = "http://www.w3.org/2007/05/xmldsig-more#"
Build = Callable[[Workshop], bytes]


def failed(name: str, vi: str, en: str, build: Build, sub: str) -> XmlCase:
    return Case(name, vi, en, build, Indication.FAILED, sub)


def unclear(name: str, vi: str, en: str, build: Build, sub: str) -> XmlCase:
    return Case(name, vi, en, build, Indication.INDETERMINATE, sub)


def harmless(name: str, vi: str, en: str, build: Build) -> XmlCase:
    return Case(name, vi, en, build, Indication.PASSED)


# whose key


def _with_key_info(markup: str, more: str = "") -> Build:
    """The agency signs; KeyInfo is ``markup``, then its certificate unless ``more`` replaces it."""

    def build(shop: Workshop) -> bytes:
        own = more or w.x509_data([w.der(shop.world.agency)])
        text = markup.replace("HTTP", shop.http).replace("FILE", shop.file.as_uri())
        return shop.craft(key_info=text + ("" if more == "none" else own))

    return build


def _key_value(identity: Identity) -> str:
    key = identity.certificate.public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    numbers = key.public_numbers()
    modulus = base64.b64encode(numbers.n.to_bytes(key.key_size // 8)).decode()
    value = f"<Modulus>{modulus}</Modulus><Exponent>AQAB</Exponent>"
    return f"<KeyValue><RSAKeyValue>{value}</RSAKeyValue></KeyValue>"


def _forged_with(key_info: Callable[[Workshop], str]) -> Build:
    """The forger signs his own version with his own key; KeyInfo is what he makes of it."""

    def build(shop: Workshop) -> bytes:
        message = w.edit(shop.message, forge)
        return w.craft(shop.forger, w.Craft(key_info=key_info(shop)), message)

    return build


def _both_certificates(shop: Workshop) -> str:
    return w.x509_data([w.der(shop.world.agency), w.der(shop.forger)])


def _chain_of_forger(shop: Workshop) -> str:
    return w.x509_data([one.public_bytes(Encoding.DER) for one in (*shop.forger.chain, *shop.forger.issuers)])


def _issued_by_agency(shop: Workshop) -> bytes:
    """The agency's certificate is no CA, but it stands above the forger's in the signature."""
    agency = shop.world.agency
    assert isinstance(shop.forger.private_key, rsa.RSAPrivateKey)
    forged = (
        x509.CertificateBuilder()
        .subject_name(agency.certificate.subject)
        .issuer_name(agency.certificate.subject)
        .public_key(shop.forger.private_key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(START)
        .not_valid_after(END)
        .sign(shop.forger.private_key, hashes.SHA256())
    )
    other = (forged, agency.certificate)
    return sign_envelope(w.edit(shop.message, forge), shop.forger.private_key, other)


def _many_certificates(shop: Workshop) -> bytes:
    return shop.craft(certificates=[w.der(shop.world.agency)] * 9)


def _unrelated_first(shop: Workshop) -> bytes:
    return shop.craft(certificates=[w.der(shop.forger), w.der(shop.world.agency)])


def _named(markup: str) -> Build:
    """More of X509Data beside the agency's certificate; ``{serial}`` and ``{ski}`` are the forger's."""

    def build(shop: Workshop) -> bytes:
        serial = str(shop.forger.certificate.serial_number)
        found = shop.forger.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
        ski = base64.b64encode(found.value.digest).decode()
        inside = markup.replace("{serial}", serial).replace("{ski}", ski)
        own = w.x509_data([w.der(shop.world.agency)])
        return shop.craft(key_info=own.replace("<X509Data>", f"<X509Data>{inside}"))

    return build


_ISSUER_SERIAL = (
    "<X509IssuerSerial><X509IssuerName>CN=CA</X509IssuerName>"
    "<X509SerialNumber>{serial}</X509SerialNumber></X509IssuerSerial>"
)
_DER_KEY = '<DEREncodedKeyValue xmlns="http://www.w3.org/2009/xmldsig11#">AAAA</DEREncodedKeyValue>'
KEYS: tuple[XmlCase, ...] = (
    failed(
        "key-value-alone",
        "Chỉ có khóa công khai, không có chứng thư số",
        "Only a public key, no certificate",
        _forged_with(lambda shop: _key_value(shop.forger)),
        NO_SIGNER,
    ),
    failed(
        "key-value-forger",
        "Khóa của kẻ giả mạo đặt cạnh chứng thư số thật",
        "The forger's key beside the genuine certificate",
        _forged_with(lambda shop: _key_value(shop.forger) + w.x509_data([w.der(shop.world.agency)])),
        WRONG_KEY,
    ),
    failed(
        "key-value-contradicts",
        "Khóa công khai không khớp chứng thư số",
        "A public key that contradicts the certificate",
        lambda shop: shop.craft(key_info=_key_value(shop.forger) + w.x509_data([w.der(shop.world.agency)])),
        FORMAT,
    ),
    failed(
        "key-name-alone",
        "Chỉ có tên khóa",
        "Only a key name",
        _with_key_info("<KeyName>x</KeyName>", "none"),
        NO_SIGNER,
    ),
    failed(
        "retrieval-http",
        "Chứng thư số phải lấy từ địa chỉ mạng",
        "The certificate is to be fetched from the web",
        _with_key_info('<RetrievalMethod URI="HTTP"/>'),
        NO_SIGNER,
    ),
    failed(
        "retrieval-file",
        "Chứng thư số phải lấy từ tệp trên máy chủ",
        "The certificate is to be read from a file",
        _with_key_info('<RetrievalMethod URI="FILE"/>'),
        NO_SIGNER,
    ),
    failed(
        "der-key-value",
        "Có thêm DEREncodedKeyValue",
        "A DEREncodedKeyValue",
        _with_key_info(_DER_KEY),
        NO_SIGNER,
    ),
    failed(
        "x509-data-twice",
        "Hai phần X509Data",
        "X509Data twice",
        lambda shop: shop.craft(
            key_info=w.x509_data([w.der(shop.forger)]) + w.x509_data([w.der(shop.world.agency)])
        ),
        NO_SIGNER,
    ),
    failed(
        "certificate-of-another",
        "Kẻ giả mạo ký, kèm chứng thư số của cơ quan",
        "The forger signs and shows the agency's certificate",
        _forged_with(lambda shop: w.x509_data([w.der(shop.world.agency)])),
        WRONG_KEY,
    ),
    failed(
        "certificates-both",
        "Kẻ giả mạo ký, kèm cả hai chứng thư số",
        "The forger signs and shows both certificates",
        _forged_with(_both_certificates),
        NO_SIGNER,
    ),
    failed(
        "certificate-unrelated-first",
        "Một chứng thư số không liên quan đứng trước",
        "An unrelated certificate first",
        _unrelated_first,
        NO_SIGNER,
    ),
    failed(
        "certificates-nine",
        "Chín lần chứng thư số",
        "The certificate nine times",
        _many_certificates,
        NO_SIGNER,
    ),
    failed(
        "certificate-garbage",
        "Chứng thư số không đọc được",
        "A certificate that cannot be read",
        _with_key_info("", "<X509Data><X509Certificate>AAAA</X509Certificate></X509Data>"),
        NO_SIGNER,
    ),
    failed(
        "certificate-none",
        "Không có chứng thư số",
        "No certificate",
        _with_key_info("", "<X509Data><X509SubjectName>CN=x</X509SubjectName></X509Data>"),
        NO_SIGNER,
    ),
    failed(
        "issuer-serial-mismatch",
        "X509IssuerSerial chỉ tới chứng thư số khác",
        "X509IssuerSerial names another certificate",
        _named(_ISSUER_SERIAL),
        NO_SIGNER,
    ),
    failed(
        "ski-mismatch",
        "X509SKI chỉ tới chứng thư số khác",
        "X509SKI names another certificate",
        _named("<X509SKI>{ski}</X509SKI>"),
        NO_SIGNER,
    ),
    unclear(
        "own-root",
        "Kẻ giả mạo tự lập tổ chức chứng thực trùng tên và gửi kèm cả gốc",
        "The forger's own CA with the same names, root included",
        _forged_with(_chain_of_forger),
        BROKEN_CHAIN,
    ),
    unclear(
        "issued-by-agency",
        "Chứng thư số giả tự nhận do chứng thư số của cơ quan cấp",
        "A forged certificate said to be issued by the agency's",
        _issued_by_agency,
        BROKEN_CHAIN,
    ),
)


# which algorithm


def _hmac(secret: Callable[[Workshop], bytes], algorithm: str = "hmac-sha256") -> Build:
    def build(shop: Workshop) -> bytes:
        key = secret(shop)
        return shop.craft(method=f"{MORE}{algorithm}", raw_sign=lambda data: hmac.digest(key, data, "sha256"))

    return build


def _hmac_truncated(shop: Workshop) -> bytes:
    """HMACOutputLength 1: one bit to guess (CVE-2009-0217)."""
    data = shop.craft(method=f"{MORE}hmac-sha256", raw_sign=lambda _: b"\0")

    def cut(root: etree._Element) -> None:
        box(first(root, "SignatureMethod", DSIG), dsig("HMACOutputLength")).text = "1"

    return w.edit(data, cut)


def _pss_parameters(shop: Workshop) -> bytes:
    data = shop.craft(method=f"{PSS}rsa-pss")

    def odd(root: etree._Element) -> None:
        parameters = box(first(root, "SignatureMethod", DSIG), f"{{{PSS}}}RSAPSSParams")
        box(parameters, f"{{{PSS}}}SaltLength").text = "0"

    return w.edit(data, odd)


def _weak_key(shop: Workshop) -> bytes:
    weak = shop.world.pki.issue_agency("H37", "UBND tỉnh Lạng Sơn", Knobs(key=KeyKind.RSA_1024))
    return w.craft(weak, w.Craft(), shop.message)


def _substituted(name: str, words: str, old: str, new: str, sub: str = WRONG_KEY) -> XmlCase:
    vi = f"Thuật toán bị thay trong chữ ký thật: {words}"
    return replaced(
        f"substituted-{name}", vi, f"Algorithm exchanged in a genuine signature: {words}", old, new, sub
    )


ALGORITHMS: tuple[XmlCase, ...] = (
    failed(
        "hmac-public-key",
        "HMAC với khóa công khai làm khóa bí mật",
        "HMAC with the public key as its secret",
        _hmac(lambda shop: w.public_pem(shop.world.agency)),
        FORMAT,
    ),
    failed(
        "hmac-certificate",
        "HMAC với chứng thư số làm khóa bí mật",
        "HMAC with the certificate as its secret",
        _hmac(lambda shop: w.der(shop.world.agency)),
        FORMAT,
    ),
    failed("hmac-empty", "HMAC với khóa rỗng", "HMAC with an empty secret", _hmac(lambda _: b""), FORMAT),
    failed("hmac-one-bit", "HMAC cắt còn một bit", "HMAC cut to one bit", _hmac_truncated, FORMAT),
    crafted("rsa-sha1", "Chữ ký rsa-sha1", "Signed with rsa-sha1", WEAK, method=f"{DSIG}rsa-sha1"),
    crafted("rsa-md5", "Chữ ký rsa-md5", "Signed with rsa-md5", WEAK, method=f"{MORE}rsa-md5"),
    crafted("dsa-sha1", "Chữ ký dsa-sha1", "Signed with dsa-sha1", WEAK, method=f"{DSIG}dsa-sha1"),
    crafted("rsa-sha224", "Chữ ký rsa-sha224", "Signed with rsa-sha224", WEAK, method=f"{MORE}rsa-sha224"),
    crafted("digest-sha1", "Mã băm SHA-1", "Digest SHA-1", WEAK, digest=f"{DSIG}sha1"),
    crafted("digest-md5", "Mã băm MD5", "Digest MD5", WEAK, digest=f"{MORE}md5"),
    crafted(
        "digest-ripemd",
        "Mã băm RIPEMD-160, không nằm trong danh sách",
        "Digest RIPEMD-160, on no list",
        digest="http://www.w3.org/2001/04/xmlenc#ripemd160",
    ),
    failed("rsa-1024", "Khóa RSA 1024 bit", "An RSA key of 1024 bits", _weak_key, WEAK),
    failed(
        "pss-parameters", "RSA-PSS với tham số lạ", "RSA-PSS with odd parameters", _pss_parameters, FORMAT
    ),
    crafted(
        "ecdsa-with-rsa-key",
        "Khai ecdsa-sha256 nhưng chứng thư số là RSA",
        "ecdsa-sha256 claimed for an RSA certificate",
        method=f"{MORE}ecdsa-sha256",
    ),
    crafted("method-none", "Thuật toán “none”", "Algorithm “none”", method="none"),
    _substituted("method", "rsa-sha256 → rsa-sha512", "rsa-sha256", "rsa-sha512"),
    _substituted("digest", "sha256 → sha512", "xmlenc#sha256", "xmlenc#sha512"),
    _substituted("sha1", "rsa-sha256 → rsa-sha1", f"{MORE}rsa-sha256", f"{DSIG}rsa-sha1", WEAK),
    _substituted("pss", "rsa-sha256 → sha256-rsa-MGF1", f"{MORE}rsa-sha256", f"{PSS}sha256-rsa-MGF1"),
)


# how it is written


def _value(change: Callable[[str], str]) -> Callable[[etree._Element], None]:
    def put(root: etree._Element) -> None:
        value = first(root, "SignatureValue", DSIG)
        value.text = change(value.text or "")

    return put


def _flip(text: str) -> str:
    body = bytearray(base64.b64decode(text))
    body[-1] ^= 1
    return base64.b64encode(body).decode()


def _recompute_digest(root: etree._Element) -> None:
    """As somebody would who can hash but not sign."""
    forge(root)
    first(root, "DigestValue", DSIG).text = base64.b64encode(bytes(32)).decode()


def _padded(shop: Workshop) -> bytes:
    forged = w.edit(shop.signed, forge)
    return forged.replace(b"JVBERi0x", b"A" * 10_000_004 + b"JVBERi0x", 1)


def _hidden_namespace(shop: Workshop) -> bytes:
    """The namespace written with a character reference, so that a search for it finds nothing."""
    forged = w.edit(shop.signed, forge)
    return forged.replace(DSIG.encode() + b'"', DSIG[:-1].encode() + b'&#35;"')


def _many(form: str, count: int) -> str:
    return " ".join(form.format(index) for index in range(count))


def _entity_bomb(shop: Workshop) -> bytes:
    steps = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
    doctype = f'<!DOCTYPE edXML [<!ENTITY a0 "aaaaaaaaaa">{steps}]>'
    return shop.text("<edXML xmlns=", doctype + '<edXML b="&a9;" xmlns=')


def _removed(shop: Workshop) -> bytes:
    def strip(root: etree._Element) -> None:
        w.header_of(root).remove(w.signature_of(root))
        forge(root)

    return w.edit(shop.signed, strip)


WRITING: tuple[XmlCase, ...] = (
    failed("utf-16", "Bản sao UTF-16", "A UTF-16 copy", lambda s: s.signed.decode().encode("utf-16"), FORMAT),
    failed(
        "nul-behind",
        "Byte NUL và một gói tin khác ở cuối",
        "NUL and another message at the end",
        lambda shop: shop.signed + b"\0" + shop.message,
        FORMAT,
    ),
    failed(
        "second-root",
        "Hai gói tin nối nhau",
        "Two messages in a row",
        lambda shop: shop.signed + shop.message.partition(b"?>")[2],
        FORMAT,
    ),
    failed(
        "nul-inside",
        "Byte NUL trong trích yếu",
        "NUL inside the subject",
        lambda shop: shop.signed.replace(b"<edXML:Subject>", b"<edXML:Subject>\0", 1),
        FORMAT,
    ),
    failed(
        "invalid-utf-8",
        "Byte không phải UTF-8",
        "Bytes that are not UTF-8",
        lambda shop: shop.signed.replace(b"<edXML:Subject>", b"<edXML:Subject>\xc0\x80", 1),
        FORMAT,
    ),
    failed(
        "decomposed",
        "Chữ có dấu viết ở dạng tổ hợp khác",
        "Accents in another form of Unicode",
        lambda shop: shop.text("Chính quyền", "Chi\u0301nh quyền"),
        HASH,
    ),
    failed("truncated", "Gói tin bị cắt cụt", "A truncated message", lambda shop: shop.signed[:-200], FORMAT),
    failed(
        "deep",
        "Ba trăm phần tử lồng nhau",
        "Three hundred nested elements",
        lambda shop: shop.text("<edXML:edXMLBody>", "<edXML:edXMLBody>" + "<a>" * 300 + "</a>" * 300),
        FORMAT,
    ),
    failed(
        "attributes-crowd",
        "Một phần tử mang hai vạn thuộc tính",
        "An element with twenty thousand attributes",
        lambda shop: shop.text("<edXML:From>", "<edXML:From " + _many('a{}=""', 20_000) + ">"),
        FORMAT,
    ),
    failed(
        "namespaces-crowd",
        "Một phần tử khai bốn vạn không gian tên",
        "An element with forty thousand namespaces",
        lambda shop: shop.text("<edXML xmlns=", "<edXML " + _many('xmlns:a{}="urn:x"', 40_000) + " xmlns="),
        FORMAT,
    ),
    failed(
        "entity-bomb",
        "Thực thể lồng nhau phình ra mười tỷ ký tự",
        "Nested entities that grow to ten thousand million characters",
        _entity_bomb,
        FORMAT,
    ),
    changed(
        "value-flipped",
        "Giá trị chữ ký sai một bit",
        "One bit of SignatureValue changed",
        _value(_flip),
        WRONG_KEY,
    ),
    changed(
        "value-cut", "Giá trị chữ ký bị cắt", "SignatureValue cut", _value(lambda text: text[:-8]), WRONG_KEY
    ),
    changed("value-empty", "Giá trị chữ ký rỗng", "SignatureValue empty", _value(lambda _: ""), FORMAT),
    changed(
        "value-zero",
        "Giá trị chữ ký toàn số không",
        "SignatureValue all zero",
        _value(lambda _: base64.b64encode(bytes(256)).decode()),
        WRONG_KEY,
    ),
    changed(
        "value-huge",
        "Giá trị chữ ký chín triệu ký tự",
        "SignatureValue of nine million characters",
        _value(lambda text: "A" * 9_000_000 + text),
        WRONG_KEY,
    ),
    changed(
        "value-not-base64",
        "Ký tự lạ trong giá trị chữ ký",
        "Foreign characters in SignatureValue",
        _value(lambda text: f"!!{text}"),
    ),
    changed(
        "value-padded-inside",
        "Dấu = giữa giá trị chữ ký",
        "An equals sign inside SignatureValue",
        _value(lambda text: f"{text[:8]}=={text[8:]}"),
    ),
    changed(
        "digest-recomputed",
        "Mã băm được tính lại, không ký lại",
        "Digest computed again, not signed again",
        _recompute_digest,
        WRONG_KEY,
    ),
    failed(
        "namespace-hidden",
        "Không gian tên của chữ ký bị viết trá hình",
        "The signature's namespace in disguise",
        _hidden_namespace,
        HASH,
    ),
    unclear(
        "padded-over-limit",
        "Nội dung bị sửa, thêm tệp vượt giới hạn kiểm tra",
        "Changed, and padded over the limit of what is verified",
        _padded,
        "SIGNED_DATA_NOT_FOUND",
    ),
)
# Without a signature nothing is wrong with a message unless its sender's profile requires one.
STRIPPED: tuple[XmlCase, ...] = (
    failed(
        "signature-removed",
        "Chữ ký bị gỡ bỏ, nội dung bị sửa",
        "Signature removed, content changed",
        _removed,
        FORMAT,
    ),
    replaced(
        "signature-renamed",
        "Chữ ký bị đổi không gian tên",
        "Signature in another namespace",
        f'xmlns:ds="{DSIG}"',
        f'xmlns:ds="{DSIG}khac"',
    ),
)


# what changes nothing that is signed


def _moved_up(root: etree._Element) -> None:
    w.header_of(root).insert(0, w.signature_of(root))


def _signed_crl(shop: Workshop) -> bytes:
    crl = (shop.world.pki.trust_folder / "issuing.crl.pem").read_bytes()
    body = base64.b64encode(x509.load_pem_x509_crl(crl).public_bytes(Encoding.DER)).decode()
    return _named(f"<X509CRL>{body}</X509CRL>")(shop)


def _issuer_first(shop: Workshop) -> bytes:
    issuing = shop.world.pki.issuing.certificate.public_bytes(Encoding.DER)
    return shop.craft(certificates=[issuing, w.der(shop.world.agency)])


HARMLESS: tuple[XmlCase, ...] = (
    harmless("genuine", "Gói tin ký đúng", "A genuine message", lambda shop: shop.signed),
    harmless(
        "certificates-reversed",
        "Chứng thư số của tổ chức cấp đứng trước",
        "The issuer's certificate first",
        _issuer_first,
    ),
    harmless(
        "comment-between",
        "Chú thích XML giữa các phần tử",
        "A comment between elements",
        lambda shop: shop.text("<edXML:edXMLBody>", "<!-- x --><edXML:edXMLBody>"),
    ),
    harmless(
        "cdata",
        "Nội dung viết bằng CDATA",
        "A text written as CDATA",
        lambda shop: shop.text("V/v xây", "<![CDATA[V/v ]]>xây"),
    ),
    harmless(
        "character-reference",
        "Ký tự viết bằng mã số",
        "A character written as a reference",
        lambda shop: shop.text("V/v xây", "V&#47;v xây"),
    ),
    harmless(
        "namespace-unused",
        "Khai báo không gian tên thừa",
        "An unused namespace declared",
        lambda shop: shop.text("<edXML:Subject>", '<edXML:Subject xmlns:x="urn:khac">'),
    ),
    harmless(
        "byte-order-mark", "Dấu BOM ở đầu", "A byte order mark", lambda shop: b"\xef\xbb\xbf" + shop.signed
    ),
    harmless(
        "value-white-space",
        "Xuống dòng trong giá trị chữ ký",
        "Line breaks in SignatureValue",
        lambda shop: shop.change(
            _value(lambda text: "\n".join(text[i : i + 64] for i in range(0, len(text), 64)))
        ),
    ),
    harmless(
        "signature-first",
        "Chữ ký đứng đầu phần thông tin chung",
        "Signature first in the header",
        lambda shop: shop.change(_moved_up),
    ),
    harmless(
        "key-name-false",
        "Tên khóa ghi sai",
        "A false key name",
        _with_key_info("<KeyName>CN=Kẻ khác</KeyName>"),
    ),
    harmless(
        "subject-name-false",
        "X509SubjectName ghi tên khác",
        "X509SubjectName names another",
        _named("<X509SubjectName>CN=x</X509SubjectName>"),
    ),
    harmless("crl-sent-along", "Người gửi kèm danh sách thu hồi", "A CRL sent along", _signed_crl),
)
XML_CASES: tuple[XmlCase, ...] = STRUCTURE + KEYS + ALGORITHMS + WRITING + STRIPPED + HARMLESS
