"""A small world for the tests of PDF signatures: one PKI, two signers, one page, and ways to spoil it."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from pyhanko.keys import load_certs_from_pemder_data, load_private_key_from_pemder_data
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import MDPPerm, SigSeedSubFilter
from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner, Signer
from pyhanko.sign.timestamps import DummyTimeStamper
from pyhanko_certvalidator.registry import SimpleCertificateStore

from gateway.clock import from_datetime
from gateway.model.text import AgencyCode
from gateway.model.verdict import Verdict
from gateway.practice.papers import Paper, make_paper
from gateway.practice.pki import DemoPki, Identity, KeyKind, Knobs
from gateway.signature.pdf import judge_pdf, read_pdf_signatures
from gateway.signature.register import SignerRegister
from gateway.signature.trust import TrustStore
from gateway.signature.verify import Trust

SENDER = AgencyCode("H37")
SIGNED_AT = datetime(2020, 4, 14, 7, 30, tzinfo=UTC)  # 14:30 in Vietnam
SEALED_AT = datetime(2020, 4, 14, 8, 5, tzinfo=UTC)
RECEIVED = from_datetime(datetime(2020, 4, 15, 1, 0, tzinfo=UTC))
P256 = Knobs(key=KeyKind.P256)


@dataclass(frozen=True)
class PdfWorld:
    """``page`` is unsigned, ``leader`` carries the person's signature, ``signed`` the agency's as well."""

    pki: DemoPki
    person: Identity
    agency: Identity
    page: bytes
    leader: bytes
    signed: bytes

    @property
    def trust(self) -> Trust:
        rows = [self.person.signer(SENDER), self.agency.signer(SENDER)]
        return Trust(TrustStore.load(self.pki.trust_folder), SignerRegister(rows))

    def judge(self, pdf: bytes, declared: date | None = None) -> tuple[Verdict, ...]:
        return judge_pdf("vb.pdf", read_pdf_signatures(pdf), self.trust, RECEIVED, declared)


def build_pdf_world(folder: Path) -> PdfWorld:
    pki = DemoPki.create(folder, key=KeyKind.P256)
    person = pki.issue_person("000.00.00.H37", "UBND tỉnh Lạng Sơn", "Nguyễn Văn A", P256)
    agency = pki.issue_agency("000.00.00.H37", "UBND tỉnh Lạng Sơn", P256)
    page = make_page()
    leader = sign_once(page, person, "NguoiKy", SIGNED_AT)
    return PdfWorld(pki, person, agency, page, leader, sign_once(leader, agency, "CoQuan", SEALED_AT))


def make_page() -> bytes:
    paper = Paper(
        agency="Ủy ban nhân dân tỉnh Lạng Sơn",
        number="373",
        notation="UBND-KT",
        place="Lạng Sơn",
        day=date(2020, 4, 14),
        subject="đăng ký nhu cầu kinh phí",
        body=("Đề nghị các đơn vị đăng ký nhu cầu kinh phí.",),
        signer_title="Phó Chủ tịch",
        signer_name="Nguyễn Văn A",
        made_at=SIGNED_AT,
    )
    return make_paper(paper)


class _Key(Signer):
    """Signs with any digest, also those that nobody should use."""

    def __init__(self, identity: Identity, digest: hashes.HashAlgorithm) -> None:
        registry = SimpleCertificateStore()
        registry.register_multiple([_asn1(certificate) for certificate in identity.issuers])
        super().__init__(signing_cert=_asn1(identity.certificate), cert_registry=registry)
        self._key, self._digest = identity.private_key, digest

    async def async_sign_raw(self, data: bytes, digest_algorithm: str, dry_run: bool = False) -> bytes:
        if isinstance(self._key, rsa.RSAPrivateKey):
            return self._key.sign(data, padding.PKCS1v15(), self._digest)
        return self._key.sign(data, ec.ECDSA(self._digest))


class _DatedSigner(PdfSigner):
    at: datetime

    def init_signing_session(self, *args: Any, **kwargs: Any) -> Any:
        session = super().init_signing_session(*args, **kwargs)
        session.system_time = self.at
        return session

    def _enforce_certification_constraints(self, reader: Any) -> None:
        """Signs also where an earlier signature forbids it."""


def sign_once(
    pdf: bytes,
    identity: Identity,
    field: str,
    at: datetime,
    *,
    digest: hashes.HashAlgorithm | None = None,
    pades: bool = False,
    stamper: DummyTimeStamper | None = None,
    only: MDPPerm | None = None,
) -> bytes:
    """``pdf`` with one more signature; ``only`` makes it a certification that permits no more than that."""
    digest = digest or hashes.SHA256()
    form = SigSeedSubFilter.PADES if pades else SigSeedSubFilter.ADOBE_PKCS7_DETACHED
    metadata = PdfSignatureMetadata(
        field_name=field,
        md_algorithm=digest.name,
        subfilter=form,
        certify=only is not None,
        docmdp_permissions=only or MDPPerm.FILL_FORMS,
    )
    signer = _DatedSigner(metadata, _Key(identity, digest), timestamper=stamper)
    signer.at = at
    output = io.BytesIO()
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf), strict=False)
    signer.sign_pdf(writer, output=output, bytes_reserved=16384)
    return output.getvalue()


def add_revision(pdf: bytes, change: Callable[[IncrementalPdfFileWriter], None]) -> bytes:
    """``pdf`` after somebody changed it by an incremental update, as editors do."""
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
    change(writer)
    output = io.BytesIO()
    writer.write(output)
    return output.getvalue()


def authority_for_time(pki: DemoPki, at: datetime, purpose: Any = ExtendedKeyUsageOID.TIME_STAMPING) -> Any:
    """A timestamper of the same PKI that says it is ``at``."""
    key = rsa.generate_private_key(65537, 2048)
    issuing = pki.issuing
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "DEMO TSA")]))
        .issuer_name(issuing.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime(2019, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2039, 1, 1, tzinfo=UTC))
        .add_extension(x509.ExtendedKeyUsage([purpose]), critical=True)
        .sign(issuing.private_key, hashes.SHA256())
    )
    registry = SimpleCertificateStore()
    registry.register(_asn1(issuing.certificate))
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return DummyTimeStamper(
        tsa_cert=_asn1(certificate),
        tsa_key=load_private_key_from_pemder_data(pem, passphrase=None),
        certs_to_embed=registry,
        fixed_dt=at,
    )


def _asn1(certificate: x509.Certificate) -> Any:
    (converted,) = load_certs_from_pemder_data(certificate.public_bytes(Encoding.DER))
    return converted
