"""What the servers of a demo CA say: CRLs, OCSP answers, timestamps, each right or wrong in one known way.

In charge of: the bytes. Not in charge of: carrying them (``pki_http``), the CA's keys (``pki``), judging
answers (``signature/``). Not for production.

One mistake at a time, so that a test that expects a refusal knows what is refused.
"""

# mypy: disable-error-code="no-untyped-call"
# (asn1crypto carries no annotations)

from __future__ import annotations

import enum
import hashlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from asn1crypto import algos, cms, core, tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from gateway.practice.pki import DemoPki, Identity, KeyKind, Knobs, PrivateKey, make_crl

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class CrlMistake(enum.Enum):
    """What is wrong with a CRL."""

    NONE = "none"
    STALE = "stale"  # nextUpdate lies a day back
    FUTURE = "future"  # thisUpdate lies a day ahead
    STRANGER = "stranger"  # right issuer name, signed with another key
    OTHER_ISSUER = "other issuer"  # a good CRL, of another authority


class OcspMistake(enum.Enum):
    """What is wrong with an OCSP answer."""

    NONE = "none"
    STALE = "stale"  # nextUpdate lies a day back
    FUTURE = "future"  # thisUpdate lies a day ahead
    EXPIRED_RESPONDER = "expired responder"
    WRONG_USAGE = "wrong usage"  # the responder's certificate is not for OCSP
    STRANGER = "stranger"  # the responder's certificate comes from somebody else's CA
    OTHER_CERTIFICATE = "other certificate"  # a good answer, about another serial number
    TRY_LATER = "try later"  # an unsuccessful answer, signed by nobody


class TsaMistake(enum.Enum):
    """What is wrong with a timestamp."""

    NONE = "none"
    IMPRINT = "imprint"  # a good token over another hash
    NONCE = "nonce"  # a good token for another request
    NO_NONCE = "no nonce"
    REFUSED = "refused"  # status rejection, no token
    EXPIRED = "expired"  # the service's certificate ended before the token's time
    WRONG_USAGE = "wrong usage"  # its certificate is for OCSP
    UNCRITICAL_USAGE = "uncritical usage"  # timeStamping, but not marked critical
    STRANGER = "stranger"  # its certificate comes from somebody else's CA
    BAD_SIGNATURE = "bad signature"
    NO_CERTIFICATE = "no certificate"  # left out, though asked for


@dataclass(frozen=True, slots=True)
class Revoked:
    """Said of every certificate, whatever stands on the CRL."""

    at: datetime
    reason: x509.ReasonFlags | None = None


class _Response(core.Sequence):
    """``TimeStampResp``, its token optional, as RFC 3161 section 2.4.2 allows and asn1crypto does not."""

    _fields = [("status", tsp.PKIStatusInfo), ("time_stamp_token", cms.ContentInfo, {"optional": True})]  # noqa: RUF012


class Answers:
    """The voice of one PKI. Certificates of its services are issued when first needed."""

    def __init__(self, pki: DemoPki) -> None:
        self._pki = pki
        self._services: dict[tuple[str, str], Identity] = {}
        self._stranger: DemoPki | None = None

    def crl_answer(self, authority: str, mistake: CrlMistake, now: datetime) -> bytes:
        """DER of the authority's CRL, a week long, with what the PKI has revoked."""
        start, end = _period(mistake.value, now)
        issuer, revoked = self._pki.authorities[authority], self._pki.revoked(authority)
        if mistake is CrlMistake.STRANGER:
            issuer = replace(issuer, private_key=_any_key())
        if mistake is CrlMistake.OTHER_ISSUER:
            issuer, revoked = self._foreign().issuing, []
        return make_crl(issuer, start, end, revoked).public_bytes(Encoding.DER)

    def ocsp_answer(
        self, request: ocsp.OCSPRequest, says: ocsp.OCSPCertStatus | Revoked | None, mistake: OcspMistake,
        now: datetime,
    ) -> bytes:  # fmt: skip
        """DER of the answer to ``request``: what the CRL says, unless ``says`` knows better."""
        authority = self._authority_asked(request)
        if mistake is OcspMistake.TRY_LATER or authority is None:
            later = mistake is OcspMistake.TRY_LATER
            status = ocsp.OCSPResponseStatus.TRY_LATER if later else ocsp.OCSPResponseStatus.UNAUTHORIZED
            return ocsp.OCSPResponseBuilder.build_unsuccessful(status).public_bytes(Encoding.DER)
        found = self._on_crl(authority, request.serial_number) if says is None else says
        revoked = found if isinstance(found, Revoked) else None
        status_said = ocsp.OCSPCertStatus.REVOKED if isinstance(found, Revoked) else found
        start, end = _period(mistake.value, now)
        responder = self._responder(authority, mistake)
        builder = ocsp.OCSPResponseBuilder().add_response_by_hash(
            request.issuer_name_hash,
            request.issuer_key_hash,
            request.serial_number + (mistake is OcspMistake.OTHER_CERTIFICATE),
            request.hash_algorithm,
            status_said,
            start,
            end,
            revoked.at if revoked else None,
            revoked.reason if revoked else None,
        )
        builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, responder.certificate)
        builder = builder.certificates([responder.certificate])
        for extension in request.extensions:
            if isinstance(extension.value, x509.OCSPNonce):
                builder = builder.add_extension(extension.value, critical=False)
        return builder.sign(responder.private_key, hashes.SHA256()).public_bytes(Encoding.DER)

    def timestamp_answer(self, der: bytes, mistake: TsaMistake, now: datetime) -> bytes:
        """DER of a ``TimeStampResp`` (RFC 3161 section 2.4.2); ``ValueError`` for what is no request."""
        request = tsp.TimeStampReq.load(der, strict=True)
        if mistake is TsaMistake.REFUSED:
            status = {"status": "rejection", "fail_info": {"bad_request"}}
            return bytes(_Response({"status": status}).dump())
        service = self._timestamp_service(mistake)
        token = _token(_tst_info(request, mistake, now), service, request, mistake)
        return bytes(_Response({"status": {"status": "granted"}, "time_stamp_token": token}).dump())

    def _authority_asked(self, request: ocsp.OCSPRequest) -> str | None:
        for stem, authority in self._pki.authorities.items():
            if _key_hash(authority.certificate, request.hash_algorithm.name) == request.issuer_key_hash:
                return stem
        return None

    def _on_crl(self, authority: str, serial: int) -> ocsp.OCSPCertStatus | Revoked:
        for entry in self._pki.revoked(authority):
            if entry.serial_number == serial:
                reasons = [e.value.reason for e in entry.extensions if isinstance(e.value, x509.CRLReason)]
                return Revoked(entry.revocation_date_utc, reasons[0] if reasons else None)
        return ocsp.OCSPCertStatus.GOOD

    def _responder(self, authority: str, mistake: OcspMistake) -> Identity:
        purpose, knobs = ExtendedKeyUsageOID.OCSP_SIGNING, Knobs(key=KeyKind.P256, no_check=True)
        if mistake is OcspMistake.WRONG_USAGE:
            purpose = ExtendedKeyUsageOID.TIME_STAMPING
        if mistake is OcspMistake.EXPIRED_RESPONDER:
            knobs = replace(knobs, not_after=knobs.not_before + DAY)
        knobs = replace(knobs, issued_by=authority, purpose=purpose, purpose_critical=False)
        return self._service(f"OCSP {authority}", mistake, knobs)

    def _timestamp_service(self, mistake: TsaMistake) -> Identity:
        purpose, knobs = ExtendedKeyUsageOID.TIME_STAMPING, Knobs(key=KeyKind.P256)
        if mistake is TsaMistake.WRONG_USAGE:
            purpose = ExtendedKeyUsageOID.OCSP_SIGNING
        if mistake is TsaMistake.EXPIRED:
            knobs = replace(knobs, not_after=knobs.not_before + DAY)
        critical = mistake is not TsaMistake.UNCRITICAL_USAGE
        return self._service("TSA", mistake, replace(knobs, purpose=purpose, purpose_critical=critical))

    def _service(self, name: str, mistake: OcspMistake | TsaMistake, knobs: Knobs) -> Identity:
        kinds = ("EXPIRED_RESPONDER", "EXPIRED", "WRONG_USAGE", "UNCRITICAL_USAGE", "STRANGER")
        key = (name, mistake.name if mistake.name in kinds else "")
        if key not in self._services:
            strange = mistake.name == "STRANGER"
            pki = self._foreign() if strange else self._pki
            knobs = replace(knobs, issued_by="issuing") if strange else knobs
            self._services[key] = pki.issue_service(f"{name} - not for production", knobs)
        return self._services[key]

    def _foreign(self) -> DemoPki:
        """Somebody else's PKI, with the same names."""
        if self._stranger is None:
            folder = self._pki.folder / "stranger"
            exists = folder.is_dir()
            self._stranger = DemoPki.open(folder) if exists else DemoPki.create(folder, key=KeyKind.P256)
        return self._stranger


def _period(mistake: str, now: datetime) -> tuple[datetime, datetime]:
    """thisUpdate and nextUpdate; certificates and CRLs know whole seconds."""
    second = now.replace(microsecond=0)
    if mistake == "stale":
        return second - 8 * DAY, second - DAY
    if mistake == "future":
        return second + DAY, second + 8 * DAY
    return second - HOUR, second + 7 * DAY


def _tst_info(request: tsp.TimeStampReq, mistake: TsaMistake, now: datetime) -> tsp.TSTInfo:
    imprint = request["message_imprint"]
    if mistake is TsaMistake.IMPRINT:
        imprint = tsp.MessageImprint(
            {"hash_algorithm": {"algorithm": "sha256"}, "hashed_message": hashlib.sha256(b"other").digest()}
        )
    fields = {
        "version": "v1",
        "policy": "2.999.1",  # the arc for examples (ITU-T X.660)
        "message_imprint": imprint,
        "serial_number": x509.random_serial_number(),
        "gen_time": now.replace(microsecond=0),
        "accuracy": {"seconds": 1},
    }
    nonce = request["nonce"].native
    if nonce is not None and mistake is not TsaMistake.NO_NONCE:
        fields["nonce"] = nonce + (mistake is TsaMistake.NONCE)
    return tsp.TSTInfo(fields)


def _token(
    info: tsp.TSTInfo, service: Identity, request: tsp.TimeStampReq, mistake: TsaMistake
) -> cms.ContentInfo:
    """The CMS around ``info`` (RFC 3161 section 2.4.2, RFC 5816), signed with ECDSA and SHA-256."""
    certificate = service.certificate.public_bytes(Encoding.DER)
    holder = asn1_x509.Certificate.load(certificate)
    identity = tsp.SigningCertificateV2({"certs": [{"cert_hash": hashlib.sha256(certificate).digest()}]})
    attributes = cms.CMSAttributes(
        [
            {"type": "content_type", "values": ["tst_info"]},
            {"type": "message_digest", "values": [hashlib.sha256(info.dump()).digest()]},
            {"type": "signing_certificate_v2", "values": [identity]},
        ]
    )
    key = service.private_key
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    signature = key.sign(attributes.dump(), ec.ECDSA(hashes.SHA256()))
    if mistake is TsaMistake.BAD_SIGNATURE:
        signature = key.sign(b"something else", ec.ECDSA(hashes.SHA256()))
    chain = [holder] + [asn1_x509.Certificate.load(c.public_bytes(Encoding.DER)) for c in service.chain[1:]]
    embed = bool(request["cert_req"].native) and mistake is not TsaMistake.NO_CERTIFICATE
    algorithm = algos.DigestAlgorithm({"algorithm": "sha256"})
    signer = {
        "version": "v1",
        "sid": cms.SignerIdentifier(
            {"issuer_and_serial_number": {"issuer": holder.issuer, "serial_number": holder.serial_number}}
        ),
        "digest_algorithm": algorithm,
        "signed_attrs": attributes,
        "signature_algorithm": {"algorithm": "sha256_ecdsa"},
        "signature": signature,
    }
    content = cms.EncapsulatedContentInfo(
        {"content_type": "tst_info", "content": core.ParsableOctetString(info.dump())}
    )
    signed = {"version": "v3", "digest_algorithms": [algorithm], "encap_content_info": content,
              "certificates": chain if embed else [], "signer_infos": [signer]}  # fmt: skip
    return cms.ContentInfo({"content_type": "signed_data", "content": cms.SignedData(signed)})


def _key_hash(certificate: x509.Certificate, algorithm: str) -> bytes:
    """Hash of the issuer's public key as a CertID holds it (RFC 6960 section 4.1.1)."""
    key = certificate.public_key()
    if isinstance(key, ec.EllipticCurvePublicKey):
        bits = key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    else:
        bits = key.public_bytes(Encoding.DER, PublicFormat.PKCS1)
    return hashlib.new(algorithm, bits).digest()


def _any_key() -> PrivateKey:
    return ec.generate_private_key(ec.SECP256R1())
