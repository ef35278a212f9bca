"""Timestamps by RFC 3161: the request, and whether an answer or a kept token holds. Works offline.

In charge of: the bytes to send, and judging what came back: status, imprint, nonce, signature, the service's
certificate and its path at the token's time. Not in charge of: asking (``delivery/stamp.py``), what is
stamped (``exchange_log/receipts.py``), timestamps inside a PDF (``pdf_read``).

A token whose service cannot be checked for revocation right now is INDETERMINATE (TRY_LATER): worth keeping,
since it will be judged again whenever it is shown, and never counted as valid meanwhile.
"""

# mypy: disable-error-code="no-untyped-call"
# (asn1crypto carries no annotations)

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from asn1crypto import cms, core, tsp
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.clock import from_datetime
from gateway.model.text import Bilingual, Instant
from gateway.model.verdict import Indication
from gateway.signature import timestamp_texts as texts
from gateway.signature.certificates import is_for_timestamps, subject_text
from gateway.signature.trust import TrustStore

_GRANTED = ("granted", "granted_with_mods")
_HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}


@dataclass(frozen=True, slots=True)
class Judged:
    """What a timestamp turned out to be. ``token`` is DER; what could not be read is empty."""

    indication: Indication
    problem: str  # "" or a code, e.g. "timestamp.nonce"
    text: Bilingual
    token: bytes = b""
    time: Instant | None = None
    authority: str = ""  # subject of the service's certificate

    @property
    def worth_keeping(self) -> bool:
        """It holds, or everything does but the answer about revocation."""
        return self.indication is Indication.PASSED or self.problem == "timestamp.revocation_unknown"


class _Wrong(Exception):
    """A reason not to accept; the text is a key of ``texts.PROBLEMS``."""


class _Response(core.Sequence):
    """``TimeStampResp``: unlike asn1crypto's, it knows that a refusal carries no token (section 2.4.2)."""

    _fields = [("status", tsp.PKIStatusInfo), ("time_stamp_token", cms.ContentInfo, {"optional": True})]  # noqa: RUF012


@dataclass(frozen=True, slots=True)
class _Token:
    """A token that was read and whose signature holds."""

    info: tsp.TSTInfo
    time: Instant
    certificate: x509.Certificate
    others: tuple[x509.Certificate, ...]


def make_request(data: bytes, nonce: int) -> bytes:
    """DER of a request for a timestamp over SHA-256 of ``data``, with the service's certificate."""
    imprint = {"hash_algorithm": {"algorithm": "sha256"}, "hashed_message": hashlib.sha256(data).digest()}
    request = {"version": "v1", "message_imprint": imprint, "nonce": nonce, "cert_req": True}
    return bytes(tsp.TimeStampReq(request).dump())


def judge_response(der: bytes, data: bytes, nonce: int, trust: TrustStore, now: Instant) -> Judged:
    """The answer to ``make_request(data, nonce)``."""
    try:
        token = _token_of(der)
        read = _read(token, data)
        if read.info["nonce"].native != nonce:
            raise _Wrong("timestamp.nonce")
    except _Wrong as problem:
        return _failed(str(problem))
    return _judge_path(token, read, trust, now)


def judge_token(token: bytes, data: bytes, trust: TrustStore, now: Instant) -> Judged:
    """A token kept since; DER of the ``ContentInfo``."""
    try:
        read = _read(token, data)
    except _Wrong as problem:
        return _failed(str(problem))
    return _judge_path(token, read, trust, now)


def _judge_path(token: bytes, read: _Token, trust: TrustStore, now: Instant) -> Judged:
    found = Judged(Indication.PASSED, "", texts.passed(), token, read.time, subject_text(read.certificate))
    if not is_for_timestamps(read.certificate):
        problem = "timestamp.usage"
        return replace(found, indication=Indication.FAILED, problem=problem, text=texts.PROBLEMS[problem])
    path = trust.check_path(read.certificate, read.others, at=read.time, now=max(now, read.time))
    if path.indication is Indication.PASSED:
        return found
    open_question = path.sub_indication == "TRY_LATER"
    return replace(
        found,
        indication=path.indication,
        problem="timestamp.revocation_unknown" if open_question else "timestamp.path",
        text=texts.untrusted(path.reason),
    )


def _failed(problem: str) -> Judged:
    return Judged(Indication.FAILED, problem, texts.PROBLEMS[problem])


def _token_of(der: bytes) -> bytes:
    try:
        response = _Response.load(der, strict=True)
        granted = response["status"]["status"].native in _GRANTED
        token = response["time_stamp_token"]
        body = b"" if isinstance(token, core.Void) else bytes(token.dump())
    except Exception as problem:  # a stranger's bytes; asn1crypto raises whatever comes up
        raise _Wrong("timestamp.unreadable") from problem
    if not granted:
        raise _Wrong("timestamp.refused")
    return body


def _read(token: bytes, data: bytes) -> _Token:
    """The token's facts, once its imprint is that of ``data`` and its signature holds."""
    try:
        return _read_strictly(token, data)
    except _Wrong:
        raise
    except InvalidSignature as problem:
        raise _Wrong("timestamp.signature") from problem
    except Exception as problem:  # a stranger's bytes; asn1crypto raises whatever comes up
        raise _Wrong("timestamp.unreadable") from problem


def _read_strictly(token: bytes, data: bytes) -> _Token:
    content = cms.ContentInfo.load(token, strict=True)
    signed = content["content"]
    encapsulated = signed["encap_content_info"]
    if content["content_type"].native != "signed_data" or encapsulated["content_type"].native != "tst_info":
        raise _Wrong("timestamp.unreadable")
    body = bytes(encapsulated["content"])
    info = tsp.TSTInfo.load(body, strict=True)
    imprint = info["message_imprint"]
    expected = hashlib.sha256(data).digest()
    if imprint["hash_algorithm"]["algorithm"].native != "sha256" or (
        imprint["hashed_message"].native != expected
    ):
        raise _Wrong("timestamp.imprint")
    signer = _only(signed["signer_infos"])  # section 2.4.2: the service's signature and no other
    certificates = _certificates(signed)
    certificate = _signer_of(signer, certificates)
    _verify(signer, certificate, body)
    others = tuple(c for c in certificates if c != certificate)
    return _Token(info, from_datetime(info["gen_time"].native), certificate, others)


def _certificates(signed: Any) -> list[x509.Certificate]:
    chosen = () if isinstance(signed["certificates"], core.Void) else signed["certificates"]
    return [x509.load_der_x509_certificate(c.chosen.dump()) for c in chosen if c.name == "certificate"]


def _signer_of(signer: Any, certificates: Sequence[x509.Certificate]) -> x509.Certificate:
    sid = signer["sid"]
    for certificate in certificates:
        if sid.name == "issuer_and_serial_number":
            issuer = certificate.issuer.public_bytes()
            named = (sid.chosen["issuer"].dump(), sid.chosen["serial_number"].native)
            if named == (issuer, certificate.serial_number):
                return certificate
        elif _key_identifier(certificate) == sid.chosen.native:
            return certificate
    raise _Wrong("timestamp.certificate_missing")


def _key_identifier(certificate: x509.Certificate) -> bytes | None:
    try:
        return certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    except x509.ExtensionNotFound:
        return None


def _verify(signer: Any, certificate: x509.Certificate, body: bytes) -> None:
    """The CMS signature over ``body`` by ``certificate`` (RFC 5652 section 5.4, RFC 5816)."""
    name = signer["digest_algorithm"]["algorithm"].native
    if name not in _HASHES:
        raise _Wrong("timestamp.signature")
    attributes = signer["signed_attrs"]
    same = (
        _attribute(attributes, "content_type").native == "tst_info"
        and _attribute(attributes, "message_digest").native == hashlib.new(name, body).digest()
        and _names(attributes, certificate)
    )
    if not same:
        raise _Wrong("timestamp.signature")
    signed = bytes(attributes.untag().dump())  # the SET itself is signed, not its place in SignerInfo
    _verify_value(signer["signature_algorithm"], name, certificate, signer["signature"].native, signed)


def _verify_value(
    algorithm: Any, digest: str, certificate: x509.Certificate, value: bytes, signed: bytes
) -> None:
    key, kind = certificate.public_key(), algorithm.signature_algo
    names_hash = algorithm["algorithm"].native != "rsassa_pkcs1v15"  # plain rsaEncryption leaves it open
    if names_hash and algorithm.hash_algo != digest:
        raise _Wrong("timestamp.signature")
    try:
        if isinstance(key, rsa.RSAPublicKey) and kind == "rsassa_pkcs1v15":
            key.verify(value, signed, padding.PKCS1v15(), _HASHES[digest])
        elif isinstance(key, rsa.RSAPublicKey) and kind == "rsassa_pss":
            salt = algorithm["parameters"]["salt_length"].native
            key.verify(value, signed, padding.PSS(padding.MGF1(_HASHES[digest]), salt), _HASHES[digest])
        elif isinstance(key, ec.EllipticCurvePublicKey) and kind == "ecdsa":
            key.verify(value, signed, ec.ECDSA(_HASHES[digest]))
        else:
            raise _Wrong("timestamp.signature")
    except UnsupportedAlgorithm as problem:
        raise _Wrong("timestamp.signature") from problem


def _names(attributes: Any, certificate: x509.Certificate) -> bool:
    """True when the signed attributes name this certificate, so that no other can be put in its place."""
    der = certificate.public_bytes(Encoding.DER)
    kinds = [attribute["type"].native for attribute in attributes]
    if "signing_certificate_v2" in kinds:
        first = _attribute(attributes, "signing_certificate_v2")["certs"][0]
        name = first["hash_algorithm"]["algorithm"].native
        return name in _HASHES and first["cert_hash"].native == hashlib.new(name, der).digest()
    first = _attribute(attributes, "signing_certificate")["certs"][0]
    # RFC 2634 knows only SHA-1 here; it picks among certificates of one key and proves nothing by itself.
    return bool(first["cert_hash"].native == hashlib.sha1(der, usedforsecurity=False).digest())


def _attribute(attributes: Any, kind: str) -> Any:
    """The only value of the only attribute of that kind (RFC 5652 section 11)."""
    return _only(_only([a for a in attributes if a["type"].native == kind])["values"])


def _only(items: Any) -> Any:
    if len(items) != 1:
        raise _Wrong("timestamp.unreadable")
    return items[0]
