"""A demo certification authority: root, issuing CA, signers, CRLs. Not for production.

In charge of: everything that a government CA would give to the agencies of the demo and of the tests, in one
folder and dated, with knobs for certificates that must be refused. Not in charge of: trusting them
(``signature/trust``), the gateway's own keys (``signature/keyring``).

    folder/ca/        keys of the two CAs (0600)
    folder/signers/   key and certificate of each signer (keys 0600)
    folder/trust/     what a gateway needs: root, issuing CA, their CRLs

Private keys are written only into ``folder``, which belongs below ``var/`` (or a temporary folder of a test).
Subjects follow the demo profile of the signer register: OU is the agency's code, O is ``DEMO`` for the seal
of an agency and anything else for a person.
"""

from __future__ import annotations

import enum
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID

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


GOOD = Knobs()


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
    """The two CAs of one folder."""

    def __init__(self, folder: Path, root: Identity, issuing: Identity) -> None:
        self.folder = folder
        self.root = root
        self.issuing = issuing

    @classmethod
    def create(cls, folder: Path, name: str = "DEMO", key: KeyKind = KeyKind.RSA_2048) -> DemoPki:
        """A new PKI with long-lived empty CRLs. ``FileExistsError`` when ``folder`` already holds one."""
        for part in ("ca", "signers", "trust"):
            (folder / part).mkdir(mode=0o700, parents=True, exist_ok=False)
        root_key, issuing_key = _new_key(key), _new_key(key)
        root_name = _name(name, f"{name} Root CA - not for production")
        issuing_name = _name(name, f"{name} Issuing CA - not for production")
        root_certificate = _ca_certificate(root_name, root_key, root_name, root_key)
        issuing_certificate = _ca_certificate(issuing_name, issuing_key, root_name, root_key)
        pki = cls(
            folder,
            Identity(root_key, root_certificate, (), "ca"),
            Identity(issuing_key, issuing_certificate, (root_certificate,), "ca"),
        )
        pki._write_authorities()
        pki.publish_crls()
        return pki

    @classmethod
    def open(cls, folder: Path) -> DemoPki:
        """The PKI that ``create`` made there."""
        root = _read_identity(folder / "ca" / "root", (), "ca")
        issuing = _read_identity(folder / "ca" / "issuing", (root.certificate,), "ca")
        return cls(folder, root, issuing)

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

    def load(self, certificate_sha256: str) -> Identity:
        """A signer issued before, by the fingerprint of its certificate."""
        stem = self.folder / "signers" / certificate_sha256[:16]
        role = stem.with_suffix(".role").read_text("utf-8")
        return _read_identity(stem, (self.issuing.certificate, self.root.certificate), role)

    def revoke(self, certificate: x509.Certificate, at: datetime) -> None:
        """Put ``certificate`` on its issuer's CRL, revoked at ``at``. On return the CRL file is replaced."""
        entry = (
            x509.RevokedCertificateBuilder()
            .serial_number(certificate.serial_number)
            .revocation_date(at)
            .build()
        )
        authority = "root" if certificate.issuer == self.root.certificate.subject else "issuing"
        self._publish(authority, START, END, [*self._revoked(authority), entry])

    def publish_crls(self, this_update: datetime = START, next_update: datetime = END) -> None:
        """Write both CRLs anew with these dates, keeping what was revoked."""
        for authority in ("root", "issuing"):
            self._publish(authority, this_update, next_update, self._revoked(authority))

    def _issue(self, subject: x509.Name, role: str, knobs: Knobs) -> Identity:
        key = _new_key(knobs.key)
        certificate = _leaf_certificate(subject, key, self.issuing, knobs)
        identity = Identity(key, certificate, (self.issuing.certificate, self.root.certificate), role)
        stem = self.folder / "signers" / fingerprint(certificate)[:16]
        _write_identity(stem, identity)
        stem.with_suffix(".role").write_text(role, "utf-8")
        return identity

    def _write_authorities(self) -> None:
        for authority, identity in (("root", self.root), ("issuing", self.issuing)):
            _write_identity(self.folder / "ca" / authority, identity)
            certificate = identity.certificate.public_bytes(serialization.Encoding.PEM)
            (self.trust_folder / f"{authority}.crt.pem").write_bytes(certificate)

    def _revoked(self, authority: str) -> list[x509.RevokedCertificate]:
        path = self.trust_folder / f"{authority}.crl.pem"
        return list(x509.load_pem_x509_crl(path.read_bytes())) if path.exists() else []

    def _publish(
        self, authority: str, start: datetime, end: datetime, revoked: list[x509.RevokedCertificate]
    ) -> None:
        identity = self.root if authority == "root" else self.issuing
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(identity.certificate.subject)
            .last_update(start)
            .next_update(end)
            .add_extension(x509.CRLNumber(1 + len(revoked)), critical=False)
            .add_extension(_authority_key(identity.private_key), critical=False)
        )
        for entry in revoked:
            builder = builder.add_revoked_certificate(entry)
        crl = builder.sign(identity.private_key, hashes.SHA256())
        path = self.trust_folder / f"{authority}.crl.pem"
        path.write_bytes(crl.public_bytes(serialization.Encoding.PEM))


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
    subject: x509.Name, key: PrivateKey, issuer: x509.Name, issuer_key: PrivateKey
) -> x509.Certificate:
    usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
    builder = _builder(subject, key, issuer, START, END)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    builder = builder.add_extension(usage, critical=True)
    if subject != issuer:
        builder = builder.add_extension(_authority_key(issuer_key), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def _leaf_certificate(
    subject: x509.Name, key: PrivateKey, issuing: Identity, knobs: Knobs
) -> x509.Certificate:
    builder = _builder(subject, key, issuing.certificate.subject, knobs.not_before, knobs.not_after)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    if knobs.usage is not Usage.UNSAID:
        signs = knobs.usage is Usage.SIGN
        usage = x509.KeyUsage(signs, signs, not signs, False, False, False, False, False, False)
        builder = builder.add_extension(usage, critical=True)
    builder = builder.add_extension(_authority_key(issuing.private_key), critical=False)
    certificate = builder.sign(issuing.private_key, hashes.SHA256())
    return signed_with_sha1(certificate, issuing.private_key) if knobs.sha1 else certificate


def _builder(
    subject: x509.Name, key: PrivateKey, issuer: x509.Name, start: datetime, end: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


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
