"""A demo certification authority: root, issuing CA, signers, CRLs. Not for production.

In charge of: everything that a government CA would give to the agencies of the demo and of the tests, in one
folder and dated, with knobs for certificates that must be refused. Not in charge of: trusting them
(``signature/trust``), the gateway's own keys (``signature/keyring``).

    folder/ca/        keys of the CAs (0600)
    folder/signers/   key and certificate of each signer (keys 0600)
    folder/trust/     what a gateway needs: root, issuing CAs, their CRLs

An authority is known by its stem: ``root``, ``issuing``, and whatever ``add_authority`` was asked for.

Private keys are written only into ``folder``, which belongs below ``var/`` (or a temporary folder of a test).
Subjects follow the demo profile of the signer register: OU is the agency's code, O is ``DEMO`` for the seal
of an agency and anything else for a person.
"""

from __future__ import annotations

import enum
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

from gateway.model.agency import Period, Signer
from gateway.model.text import AgencyCode
from gateway.signature.certificates import fingerprint

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
START = datetime(2019, 1, 1, tzinfo=UTC)
END = datetime(2039, 1, 1, tzinfo=UTC)
_SHA256_WITH_RSA = bytes.fromhex("2a864886f70d01010b")  # 1.2.840.113549.1.1.11
_SHA1_WITH_RSA = bytes.fromhex("2a864886f70d010105")  # 1.2.840.113549.1.1.5


class KeyKind(enum.Enum):
    """What a signer's key is."""

    RSA_2048 = "rsa-2048"
    P256 = "p256"
    P384 = "p384"
    RSA_1024 = "rsa-1024"  # too weak: to be refused


class Usage(enum.Enum):
    """What a signer's certificate may be used for."""

    SIGN = "sign"  # digitalSignature and nonRepudiation, as government certificates
    ENCRYPT = "encrypt"  # keyEncipherment only: to be refused for signatures
    UNSAID = "unsaid"  # no keyUsage extension at all


@dataclass(frozen=True, slots=True)
class Knobs:
    """How a certificate is made; the defaults make a good one."""

    not_before: datetime = START
    not_after: datetime = END
    key: KeyKind = KeyKind.RSA_2048
    usage: Usage = Usage.SIGN
    sha1: bool = False  # signed by the CA with SHA-1: to be refused
    issued_by: str = "issuing"  # stem of the authority
    crl_url: str = ""  # cRLDistributionPoints
    ocsp_url: str = ""  # authorityInfoAccess, id-ad-ocsp
    issuers_url: str = ""  # authorityInfoAccess, id-ad-caIssuers
    purpose: x509.ObjectIdentifier | None = None  # extendedKeyUsage with this one purpose
    purpose_critical: bool = True
    no_check: bool = False  # id-pkix-ocsp-nocheck: nobody asks whether this one was revoked


GOOD = Knobs()
CA_KNOBS = Knobs(issued_by="root")


@dataclass(frozen=True, slots=True)
class Identity:
    """A signer: key, certificate, and the certificates above it (issuing CA, root)."""

    private_key: PrivateKey
    certificate: x509.Certificate
    issuers: tuple[x509.Certificate, ...]
    role: str  # person, agency

    @property
    def chain(self) -> tuple[x509.Certificate, ...]:
        """What goes into a signature: the certificate and the issuing CA, without the root."""
        return (self.certificate, *(c for c in self.issuers if c.subject != c.issuer))

    def signer(self, agency: AgencyCode, title: str = "") -> Signer:
        """The row of the signer register for this certificate."""
        start, end = self.certificate.not_valid_before_utc, self.certificate.not_valid_after_utc
        period = Period(start.date(), end.date())
        return Signer(fingerprint(self.certificate), agency, title, self.role, period)


class DemoPki:
    """The CAs of one folder: a root, and issuing CAs below it."""

    def __init__(self, folder: Path, authorities: dict[str, Identity]) -> None:
        self.folder = folder
        self.authorities = authorities

    @classmethod
    def create(cls, folder: Path, name: str = "DEMO", key: KeyKind = KeyKind.RSA_2048) -> DemoPki:
        """A new PKI with long-lived empty CRLs. ``FileExistsError`` when ``folder`` already holds one."""
        for part in ("ca", "signers", "trust"):
            (folder / part).mkdir(mode=0o700, parents=True, exist_ok=False)
        root_key, root_name = _new_key(key), _name(name, f"{name} Root CA - not for production")
        root = Identity(root_key, _ca_certificate(root_name, root_key, root_name, root_key), (), "ca")
        pki = cls(folder, {"root": root})
        pki._write_authority("root", root)
        pki.add_authority("issuing", Knobs(key=key, issued_by="root"))
        pki.publish_crls()
        return pki

    @classmethod
    def open(cls, folder: Path) -> DemoPki:
        """The PKI that ``create`` made there."""
        root = _read_identity(folder / "ca" / "root", (), "ca")
        stems = sorted(path.name.removesuffix(".crt.pem") for path in (folder / "ca").glob("*.crt.pem"))
        issuing = {
            stem: _read_identity(folder / "ca" / stem, (root.certificate,), "ca")
            for stem in stems
            if stem != "root"
        }
        return cls(folder, {"root": root, **issuing})

    @property
    def root(self) -> Identity:
        """The anchor."""
        return self.authorities["root"]

    @property
    def issuing(self) -> Identity:
        """The issuing CA that was there from the first."""
        return self.authorities["issuing"]

    @issuing.setter
    def issuing(self, authority: Identity) -> None:
        self.authorities["issuing"] = authority

    @property
    def trust_folder(self) -> Path:
        """What ``TrustStore.load`` reads."""
        return self.folder / "trust"

    def issue_person(self, agency_code: str, agency_name: str, name: str, knobs: Knobs = GOOD) -> Identity:
        """A person of an agency; O is the agency's name, marked as demo."""
        return self._issue(_name(f"{agency_name} (DEMO)", name, agency_code), "person", knobs)

    def issue_agency(self, agency_code: str, agency_name: str, knobs: Knobs = GOOD) -> Identity:
        """The seal of an agency; O is ``DEMO``."""
        return self._issue(_name("DEMO", f"{agency_name} (DEMO)", agency_code), "agency", knobs)

    def issue_service(self, name: str, knobs: Knobs) -> Identity:
        """A machine's certificate: a timestamp service, an OCSP responder. ``knobs.purpose`` says which."""
        return self._issue(_name("DEMO", name), "service", knobs)

    def add_authority(self, stem: str, knobs: Knobs = CA_KNOBS) -> Identity:
        """One more issuing CA below the root, as at a roll-over. On return it and its empty CRL are in
        ``trust``. Of ``knobs`` count key, validity and addresses. ``FileExistsError`` when ``stem`` is taken.
        """
        organization = _organization(self.root.certificate)
        label = "Issuing" if stem == "issuing" else f"Issuing {stem}"
        subject = _name(organization, f"{organization} {label} CA - not for production")
        key = _new_key(knobs.key)
        certificate = _ca_certificate(
            subject, key, self.root.certificate.subject, self.root.private_key, knobs
        )
        self.authorities[stem] = Identity(key, certificate, (self.root.certificate,), "ca")
        self._write_authority(stem, self.authorities[stem])
        self._publish(stem, START, END, [])
        return self.authorities[stem]

    def cross_certify(self, other: Identity) -> x509.Certificate:
        """Our root's certificate for another PKI's CA: a bridge to it for whoever trusts only us."""
        return _ca_certificate(
            other.certificate.subject,
            other.private_key,
            self.root.certificate.subject,
            self.root.private_key,
        )

    def load(self, certificate_sha256: str) -> Identity:
        """A signer issued before, by the fingerprint of its certificate."""
        stem = self.folder / "signers" / certificate_sha256[:16]
        role = stem.with_suffix(".role").read_text("utf-8")
        certificate = x509.load_pem_x509_certificate(Path(f"{stem}.crt.pem").read_bytes())
        issuer = self.authorities[self.authority_of(certificate)]
        return _read_identity(stem, (issuer.certificate, *issuer.issuers), role)

    def authority_of(self, certificate: x509.Certificate) -> str:
        """Stem of the authority that issued ``certificate``."""
        return next(s for s, a in self.authorities.items() if a.certificate.subject == certificate.issuer)

    def revoke(
        self, certificate: x509.Certificate, at: datetime, reason: x509.ReasonFlags | None = None
    ) -> None:
        """Put ``certificate`` on its issuer's CRL, revoked at ``at``. On return the CRL file is replaced."""
        entry = x509.RevokedCertificateBuilder().serial_number(certificate.serial_number).revocation_date(at)
        if reason is not None:
            entry = entry.add_extension(x509.CRLReason(reason), critical=False)
        authority = self.authority_of(certificate)
        self._publish(authority, START, END, [*self.revoked(authority), entry.build()])

    def publish_crls(self, this_update: datetime = START, next_update: datetime = END) -> None:
        """Write all CRLs anew with these dates, keeping what was revoked."""
        for authority in self.authorities:
            self._publish(authority, this_update, next_update, self.revoked(authority))

    def revoked(self, authority: str) -> list[x509.RevokedCertificate]:
        """What stands on the authority's CRL file."""
        path = self.trust_folder / f"{authority}.crl.pem"
        return list(x509.load_pem_x509_crl(path.read_bytes())) if path.exists() else []

    def _issue(self, subject: x509.Name, role: str, knobs: Knobs) -> Identity:
        key, issuer = _new_key(knobs.key), self.authorities[knobs.issued_by]
        certificate = _leaf_certificate(subject, key, issuer, knobs)
        identity = Identity(key, certificate, (issuer.certificate, *issuer.issuers), role)
        stem = self.folder / "signers" / fingerprint(certificate)[:16]
        _write_identity(stem, identity)
        stem.with_suffix(".role").write_text(role, "utf-8")
        return identity

    def _write_authority(self, stem: str, identity: Identity) -> None:
        _write_identity(self.folder / "ca" / stem, identity)
        certificate = identity.certificate.public_bytes(serialization.Encoding.PEM)
        (self.trust_folder / f"{stem}.crt.pem").write_bytes(certificate)

    def _publish(
        self, authority: str, start: datetime, end: datetime, revoked: list[x509.RevokedCertificate]
    ) -> None:
        crl = make_crl(self.authorities[authority], start, end, revoked)
        path = self.trust_folder / f"{authority}.crl.pem"
        path.write_bytes(crl.public_bytes(serialization.Encoding.PEM))


def _organization(certificate: x509.Certificate) -> str:
    value = certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)[0].value
    return value if isinstance(value, str) else value.decode()


def make_crl(
    authority: Identity, start: datetime, end: datetime, revoked: Sequence[x509.RevokedCertificate]
) -> x509.CertificateRevocationList:
    """A full CRL of ``authority`` with these dates and entries."""
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(authority.certificate.subject)
        .last_update(start)
        .next_update(end)
        .add_extension(x509.CRLNumber(1 + len(revoked)), critical=False)
        .add_extension(_authority_key(authority.private_key), critical=False)
    )
    for entry in revoked:
        builder = builder.add_revoked_certificate(entry)
    return builder.sign(authority.private_key, hashes.SHA256())


def _new_key(kind: KeyKind) -> PrivateKey:
    if kind is KeyKind.P256:
        return ec.generate_private_key(ec.SECP256R1())
    if kind is KeyKind.P384:
        return ec.generate_private_key(ec.SECP384R1())
    return rsa.generate_private_key(65537, 1024 if kind is KeyKind.RSA_1024 else 2048)


def _name(organization: str, common_name: str, unit: str = "") -> x509.Name:
    parts = [(NameOID.COUNTRY_NAME, "VN"), (NameOID.ORGANIZATION_NAME, organization)]
    if unit:
        parts.append((NameOID.ORGANIZATIONAL_UNIT_NAME, unit))
    parts.append((NameOID.COMMON_NAME, common_name))
    return x509.Name([x509.NameAttribute(oid, value[:64]) for oid, value in parts])  # ub-common-name is 64


def _ca_certificate(
    subject: x509.Name, key: PrivateKey, issuer: x509.Name, issuer_key: PrivateKey, knobs: Knobs = GOOD
) -> x509.Certificate:
    usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
    builder = _builder(subject, key, issuer, knobs)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    builder = builder.add_extension(usage, critical=True)
    if subject != issuer:
        builder = builder.add_extension(_authority_key(issuer_key), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def _leaf_certificate(
    subject: x509.Name, key: PrivateKey, issuing: Identity, knobs: Knobs
) -> x509.Certificate:
    builder = _builder(subject, key, issuing.certificate.subject, knobs)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    if knobs.usage is not Usage.UNSAID:
        signs = knobs.usage is Usage.SIGN
        usage = x509.KeyUsage(signs, signs, not signs, False, False, False, False, False, False)
        builder = builder.add_extension(usage, critical=True)
    builder = builder.add_extension(_authority_key(issuing.private_key), critical=False)
    if knobs.purpose is not None:
        builder = builder.add_extension(x509.ExtendedKeyUsage([knobs.purpose]), knobs.purpose_critical)
    if knobs.no_check:
        builder = builder.add_extension(x509.OCSPNoCheck(), critical=False)
    certificate = builder.sign(issuing.private_key, hashes.SHA256())
    return signed_with_sha1(certificate, issuing.private_key) if knobs.sha1 else certificate


def _builder(subject: x509.Name, key: PrivateKey, issuer: x509.Name, knobs: Knobs) -> x509.CertificateBuilder:
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(knobs.not_before)
        .not_valid_after(knobs.not_after)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    if knobs.crl_url:
        point = x509.DistributionPoint([_url(knobs.crl_url)], None, None, None)
        builder = builder.add_extension(x509.CRLDistributionPoints([point]), critical=False)
    ways = [
        x509.AccessDescription(method, _url(url))
        for method, url in (
            (AuthorityInformationAccessOID.OCSP, knobs.ocsp_url),
            (AuthorityInformationAccessOID.CA_ISSUERS, knobs.issuers_url),
        )
        if url
    ]
    return builder.add_extension(x509.AuthorityInformationAccess(ways), critical=False) if ways else builder


def _url(text: str) -> x509.UniformResourceIdentifier:
    return x509.UniformResourceIdentifier(text)


def _authority_key(key: PrivateKey) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())


def signed_with_sha1(certificate: x509.Certificate, key: PrivateKey) -> x509.Certificate:
    """The same certificate with a SHA-1 signature, which ``cryptography`` no longer makes itself.

    Works on the bytes, because both names of algorithm and both signatures have the same length.
    """
    if not isinstance(key, rsa.RSAPrivateKey):
        raise ValueError("the SHA-1 knob needs a PKI with RSA keys")
    body = certificate.tbs_certificate_bytes.replace(_SHA256_WITH_RSA, _SHA1_WITH_RSA)
    whole = certificate.public_bytes(serialization.Encoding.DER).replace(_SHA256_WITH_RSA, _SHA1_WITH_RSA)
    signature = key.sign(body, padding.PKCS1v15(), hashes.SHA1())
    return x509.load_der_x509_certificate(whole[: -len(signature)] + signature)


def _write_identity(stem: Path, identity: Identity) -> None:
    """``STEM.key.pem`` (0600) and ``STEM.crt.pem``."""
    descriptor = os.open(f"{stem}.key.pem", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(
            identity.private_key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
    certificate = identity.certificate.public_bytes(serialization.Encoding.PEM)
    Path(f"{stem}.crt.pem").write_bytes(certificate)


def _read_identity(stem: Path, issuers: tuple[x509.Certificate, ...], role: str) -> Identity:
    key = serialization.load_pem_private_key(Path(f"{stem}.key.pem").read_bytes(), password=None)
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise ValueError(f"{stem}.key.pem holds neither an RSA nor an EC key")
    certificate = x509.load_pem_x509_certificate(Path(f"{stem}.crt.pem").read_bytes())
    return Identity(key, certificate, issuers, role)
