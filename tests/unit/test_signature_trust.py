"""Paths to an anchor: who is trusted, at which time, and what a missing or stale answer means."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.errors import NotReady
from gateway.model.text import Instant
from gateway.model.verdict import Indication
from gateway.practice.pki import END, START, DemoPki, Identity, KeyKind, Knobs, Usage, signed_with_sha1
from gateway.resources import shipped
from gateway.signature.certificates import fingerprint
from gateway.signature.revocation import RevocationAnswer, Standing
from gateway.signature.trust import PathResult, TrustStore
from tests.unit.signature_world import AT, P256, at, day

PASSED, FAILED, UNCLEAR = Indication.PASSED, Indication.FAILED, Indication.INDETERMINATE


@pytest.fixture
def pki(tmp_path: Path) -> DemoPki:
    return DemoPki.create(tmp_path / "var", key=KeyKind.P256)


def person(pki: DemoPki, **knobs: object) -> Identity:
    made = Knobs(**{"key": KeyKind.P256, **knobs})  # type: ignore[arg-type]
    return pki.issue_person("H37", "UBND tỉnh Lạng Sơn", "Người ký", made)


def check(pki: DemoPki, who: Identity, when: Instant = AT, now: Instant | None = None) -> PathResult:
    return TrustStore.load(pki.trust_folder).check_path(who.certificate, [], when, now)


def outcome(result: PathResult) -> tuple[Indication, str]:
    return result.indication, result.sub_indication


def write_sidecar(pki: DemoPki, body: str) -> None:
    (pki.trust_folder / "trust.toml").write_text(f'[anchors."root.crt.pem"]\n{body}\n', "utf-8")


# the good path


def test_certificate_of_a_known_ca_passes_with_its_whole_chain(pki: DemoPki) -> None:
    who = person(pki)
    result = check(pki, who)
    assert outcome(result) == (PASSED, "")
    assert result.chain == (who.certificate, pki.issuing.certificate, pki.root.certificate)
    assert "01/01/2019" in result.reason.vi


def test_answers_name_the_crl_that_was_used(pki: DemoPki) -> None:
    who = person(pki)
    leaf, issuing = check(pki, who).answers
    assert (leaf.certificate_sha256, leaf.source) == (fingerprint(who.certificate), "issuing.crl.pem")
    assert (leaf.standing, issuing.source) == (Standing.GOOD, "root.crl.pem")
    assert len(leaf.source_sha256) == 64


def test_issuing_ca_may_come_with_the_signature(pki: DemoPki) -> None:
    (pki.trust_folder / "issuing.crt.pem").unlink()
    (pki.trust_folder / "issuing.crl.pem").unlink()
    write_sidecar(pki, 'revocation = "not_published"')
    who, store = person(pki), TrustStore.load(pki.trust_folder)
    assert outcome(store.check_path(who.certificate, [], AT)) == (UNCLEAR, "NO_CERTIFICATE_CHAIN_FOUND")
    assert outcome(store.check_path(who.certificate, who.issuers, AT)) == (PASSED, "")


def test_folder_may_hold_der_and_an_intermediates_folder(pki: DemoPki) -> None:
    folder = pki.trust_folder
    inner = folder / "intermediates"
    inner.mkdir()
    (folder / "issuing.crt.pem").rename(inner / "issuing.pem")
    for old, new, encoded in (
        ("root.crt.pem", "root.cer", pki.root.certificate.public_bytes(Encoding.DER)),
        ("root.crl.pem", "root.crl", crl(folder / "root.crl.pem").public_bytes(Encoding.DER)),
    ):
        (folder / old).unlink()
        (folder / new).write_bytes(encoded)
    assert outcome(check(pki, person(pki))) == (PASSED, "")


def test_self_issued_certificate_among_the_intermediates_is_no_anchor(pki: DemoPki) -> None:
    inner = pki.trust_folder / "intermediates"
    inner.mkdir()
    (pki.trust_folder / "root.crt.pem").rename(inner / "root.crt.pem")
    assert check(pki, person(pki)).indication is UNCLEAR


@pytest.mark.parametrize("usage", [Usage.SIGN, Usage.UNSAID])
def test_usage_for_signatures_or_no_usage_at_all_passes(pki: DemoPki, usage: Usage) -> None:
    assert outcome(check(pki, person(pki, usage=usage))) == (PASSED, "")


# validity


def test_expired_certificate_fails(pki: DemoPki) -> None:
    who = person(pki, not_after=day("2020-01-01"))
    result = check(pki, who)
    assert outcome(result) == (FAILED, "EXPIRED")
    assert "01/01/2020" in result.reason.vi


def test_certificate_that_expired_later_passes_for_the_time_before(pki: DemoPki) -> None:
    who = person(pki, not_after=day("2021-01-01"))
    assert outcome(check(pki, who, AT)) == (PASSED, "")
    assert outcome(check(pki, who, at("2021-01-02"))) == (FAILED, "EXPIRED")


def test_certificate_not_yet_valid_fails(pki: DemoPki) -> None:
    assert outcome(check(pki, person(pki, not_before=day("2020-06-01")))) == (FAILED, "NOT_YET_VALID")


def test_last_second_of_validity_counts_and_the_next_does_not(pki: DemoPki) -> None:
    """Also within one day, where a remembered path must not outlive the certificate."""
    end = day("2020-04-14") + timedelta(hours=8)
    who, store = person(pki, not_after=end), TrustStore.load(pki.trust_folder)
    assert outcome(store.check_path(who.certificate, [], AT)) == (PASSED, "")
    assert outcome(store.check_path(who.certificate, [], Instant(AT + 1_000_000))) == (FAILED, "EXPIRED")


def test_remembered_path_belongs_to_its_certificate_alone(pki: DemoPki, tmp_path: Path) -> None:
    stranger = person(DemoPki.create(tmp_path / "other", "Stranger", KeyKind.P256))
    one, two, store = person(pki), person(pki), TrustStore.load(pki.trust_folder)
    found = [store.check_path(who.certificate, [], AT).chain[:1] for who in (one, two, stranger, one)]
    assert found == [(one.certificate,), (two.certificate,), (), (one.certificate,)]


# revocation


def test_certificate_revoked_before_signing_fails(pki: DemoPki) -> None:
    who = person(pki)
    pki.revoke(who.certificate, day("2020-04-01"))
    result = check(pki, who)
    assert outcome(result) == (FAILED, "REVOKED")
    assert "01/04/2020" in result.reason.vi


def test_certificate_revoked_after_signing_passes(pki: DemoPki) -> None:
    who = person(pki)
    pki.revoke(who.certificate, day("2020-04-15"))
    assert outcome(check(pki, who)) == (PASSED, "")


def test_revocation_takes_effect_within_the_day(pki: DemoPki) -> None:
    who = person(pki)
    pki.revoke(who.certificate, day("2020-04-14") + timedelta(hours=9))
    store = TrustStore.load(pki.trust_folder)
    assert outcome(store.check_path(who.certificate, [], AT)) == (PASSED, "")
    later = Instant(AT + 2 * 3600 * 1_000_000)
    assert outcome(store.check_path(who.certificate, [], later)) == (FAILED, "REVOKED")


def test_revoked_issuing_ca_takes_its_certificates_with_it(pki: DemoPki) -> None:
    who = person(pki)
    pki.revoke(pki.issuing.certificate, day("2020-01-01"))
    assert outcome(check(pki, who)) == (FAILED, "REVOKED")


def test_absent_crl_is_indeterminate(pki: DemoPki) -> None:
    (pki.trust_folder / "issuing.crl.pem").unlink()
    result = check(pki, person(pki))
    assert outcome(result) == (UNCLEAR, "TRY_LATER")
    assert result.reason.vi.startswith("Chưa đủ căn cứ kết luận")


def test_stale_crl_is_indeterminate(pki: DemoPki) -> None:
    pki.publish_crls(START, day("2020-04-14"))
    result = check(pki, person(pki))
    assert outcome(result) == (UNCLEAR, "TRY_LATER")
    assert "14/04/2020" in result.reason.vi


def test_crl_is_stale_by_the_present_and_not_by_the_signing_time(pki: DemoPki) -> None:
    pki.publish_crls(day("2026-11-20"), day("2026-11-27"))
    who = person(pki)
    assert outcome(check(pki, who, AT, now=at("2026-11-24"))) == (PASSED, "")
    assert outcome(check(pki, who, AT, now=at("2026-12-01"))) == (UNCLEAR, "TRY_LATER")


def test_stale_crl_still_knows_whom_it_revoked(pki: DemoPki) -> None:
    who = person(pki)
    pki.revoke(who.certificate, day("2020-01-01"))
    pki.publish_crls(START, day("2020-02-01"))
    assert outcome(check(pki, who)) == (FAILED, "REVOKED")


def test_crl_made_after_the_certificate_expired_says_nothing_about_it(pki: DemoPki) -> None:
    """Expired certificates leave the list (RFC 5280 section 3.3)."""
    who = person(pki, not_after=day("2021-01-01"))
    pki.publish_crls(day("2022-01-01"), END)
    assert outcome(check(pki, who, AT, now=at("2022-02-01"))) == (UNCLEAR, "TRY_LATER")


def test_ca_that_publishes_no_crl_passes_and_it_is_said(pki: DemoPki) -> None:
    for file in pki.trust_folder.glob("*.crl.pem"):
        file.unlink()
    write_sidecar(pki, 'revocation = "not_published"')
    result = check(pki, person(pki))
    assert outcome(result) == (PASSED, "")
    assert "không công bố danh sách thu hồi" in result.reason.vi


def test_crl_signed_by_somebody_else_is_left_out(pki: DemoPki, tmp_path: Path) -> None:
    """Same name, other key: an attacker would publish an empty list."""
    other = DemoPki.create(tmp_path / "other", key=KeyKind.P256)
    (pki.trust_folder / "issuing.crl.pem").write_bytes((other.trust_folder / "issuing.crl.pem").read_bytes())
    store = TrustStore.load(pki.trust_folder)
    assert [problem.en for problem in store.problems] == [
        "The CRL issuing.crl.pem is left out: its signature does not verify."
    ]
    assert store.check_path(person(pki).certificate, [], AT).indication is UNCLEAR


@pytest.mark.parametrize(
    "extension",
    [
        x509.DeltaCRLIndicator(1),
        x509.IssuingDistributionPoint(None, None, True, False, None, False, False),
    ],
)
def test_crl_for_a_part_of_the_certificates_is_left_out(pki: DemoPki, extension: x509.ExtensionType) -> None:
    partial = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(pki.issuing.certificate.subject)
        .last_update(START)
        .next_update(END)
        .add_extension(extension, critical=True)
        .sign(pki.issuing.private_key, hashes.SHA256())
    )
    (pki.trust_folder / "issuing.crl.pem").write_bytes(partial.public_bytes(Encoding.PEM))
    store = TrustStore.load(pki.trust_folder)
    assert "not a full CRL" in store.problems[0].en
    assert store.check_path(person(pki).certificate, [], AT).indication is UNCLEAR


def test_newest_crl_of_an_issuer_counts(pki: DemoPki) -> None:
    who = person(pki)
    old = (pki.trust_folder / "issuing.crl.pem").read_bytes()
    pki.revoke(who.certificate, day("2020-01-01"))
    pki.publish_crls(day("2020-01-02"), END)
    (pki.trust_folder / "z-older.crl.pem").write_bytes(old)
    assert outcome(check(pki, who)) == (FAILED, "REVOKED")


class Responder:
    """A second source, as OCSP will be."""

    def __init__(self, standing: Standing) -> None:
        self.standing = standing

    def answer(
        self, certificate: x509.Certificate, issuer: x509.Certificate, at: Instant, now: Instant
    ) -> RevocationAnswer | None:
        return RevocationAnswer(self.standing, fingerprint(certificate), "ocsp")


@pytest.mark.parametrize(
    ("standing", "expected"),
    [
        (Standing.GOOD, (PASSED, "")),
        (Standing.REVOKED, (FAILED, "REVOKED")),
        (Standing.STALE, (UNCLEAR, "TRY_LATER")),
        (Standing.UNKNOWN, (UNCLEAR, "TRY_LATER")),
    ],
)
def test_further_source_answers_where_there_is_no_crl(
    pki: DemoPki, standing: Standing, expected: tuple[Indication, str]
) -> None:
    for file in pki.trust_folder.glob("*.crl.pem"):
        file.unlink()
    store = TrustStore.load(pki.trust_folder, [Responder(standing)])
    assert outcome(store.check_path(person(pki).certificate, [], AT)) == expected


def test_one_source_that_says_revoked_outweighs_a_good_crl(pki: DemoPki) -> None:
    store = TrustStore.load(pki.trust_folder, [Responder(Standing.REVOKED)])
    assert outcome(store.check_path(person(pki).certificate, [], AT)) == (FAILED, "REVOKED")


# chains that must not hold


def test_unknown_root_is_indeterminate(pki: DemoPki, tmp_path: Path) -> None:
    stranger = DemoPki.create(tmp_path / "other", "Stranger", KeyKind.P256)
    assert outcome(check(pki, person(stranger))) == (UNCLEAR, "NO_CERTIFICATE_CHAIN_FOUND")


def test_root_of_the_same_name_is_not_ours(pki: DemoPki, tmp_path: Path) -> None:
    imitator = DemoPki.create(tmp_path / "other", key=KeyKind.P256)
    who = person(imitator)
    store = TrustStore.load(pki.trust_folder)
    result = store.check_path(who.certificate, who.issuers, AT)
    assert outcome(result) == (UNCLEAR, "CERTIFICATE_CHAIN_GENERAL_FAILURE")


def test_certificate_issued_by_a_person_does_not_pass(pki: DemoPki) -> None:
    """An end entity is no CA, whatever it signs (basicConstraints)."""
    person_as_ca = person(pki)
    pki.issuing = Identity(person_as_ca.private_key, person_as_ca.certificate, person_as_ca.issuers, "ca")
    victim = person(pki)
    store = TrustStore.load(pki.trust_folder)
    result = store.check_path(victim.certificate, victim.issuers, AT)
    assert result.indication is UNCLEAR
    assert result.chain == ()


def authority(pki: DemoPki, usage: x509.KeyUsage) -> Identity:
    """A CA below the demo root, with its own key and this key usage."""
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        x509.CertificateBuilder()
        .subject_name(pki.issuing.certificate.subject)
        .issuer_name(pki.root.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(START)
        .not_valid_after(END)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .sign(pki.root.private_key, hashes.SHA256())
    )
    return Identity(key, certificate, (pki.root.certificate,), "ca")


def key_usage(*, certificates: bool, crls: bool) -> x509.KeyUsage:
    return x509.KeyUsage(False, False, False, False, False, certificates, crls, False, False)


def install(pki: DemoPki, issuing: Identity) -> None:
    """Make ``issuing`` the issuing CA of the PKI and of its trust folder, CRL included."""
    pki.issuing = issuing
    certificate = issuing.certificate.public_bytes(Encoding.PEM)
    (pki.trust_folder / "issuing.crt.pem").write_bytes(certificate)
    pki.publish_crls()


def test_ca_that_may_not_sign_certificates_issues_none(pki: DemoPki) -> None:
    install(pki, authority(pki, key_usage(certificates=True, crls=True)))
    assert outcome(check(pki, person(pki))) == (PASSED, "")
    install(pki, authority(pki, key_usage(certificates=False, crls=True)))
    assert outcome(check(pki, person(pki))) == (UNCLEAR, "CERTIFICATE_CHAIN_GENERAL_FAILURE")


def test_ca_that_may_not_sign_crls_revokes_nothing_and_clears_nothing(pki: DemoPki) -> None:
    install(pki, authority(pki, key_usage(certificates=True, crls=False)))
    assert TrustStore.load(pki.trust_folder).problems != ()
    assert outcome(check(pki, person(pki))) == (UNCLEAR, "TRY_LATER")


def test_ca_certificate_signed_with_sha1_fails(tmp_path: Path) -> None:
    pki = DemoPki.create(tmp_path / "rsa")
    weak = signed_with_sha1(pki.issuing.certificate, pki.root.private_key)
    install(pki, replace(pki.issuing, certificate=weak))
    assert outcome(check(pki, person(pki))) == (FAILED, "CRYPTO_CONSTRAINTS_FAILURE")


def test_ca_with_a_weak_key_fails(tmp_path: Path) -> None:
    pki = DemoPki.create(tmp_path / "weak", key=KeyKind.RSA_1024)
    assert outcome(check(pki, person(pki))) == (FAILED, "CRYPTO_CONSTRAINTS_FAILURE")


def test_certificate_for_encryption_fails(pki: DemoPki) -> None:
    assert outcome(check(pki, person(pki, usage=Usage.ENCRYPT))) == (FAILED, "CHAIN_CONSTRAINTS_FAILURE")


def test_ca_certificate_is_not_for_signing_documents(pki: DemoPki) -> None:
    assert outcome(check(pki, pki.issuing)) == (FAILED, "CHAIN_CONSTRAINTS_FAILURE")


def test_weak_key_fails(pki: DemoPki) -> None:
    result = check(pki, person(pki, key=KeyKind.RSA_1024))
    assert outcome(result) == (FAILED, "CRYPTO_CONSTRAINTS_FAILURE")
    assert "RSA-1024" in result.reason.vi


def test_sha1_certificate_fails(tmp_path: Path) -> None:
    pki = DemoPki.create(tmp_path / "rsa")
    assert outcome(check(pki, person(pki, sha1=True))) == (FAILED, "CRYPTO_CONSTRAINTS_FAILURE")


# the folder


def test_empty_folder_trusts_nobody(pki: DemoPki, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    store = TrustStore.load(tmp_path / "empty")
    assert store.anchors == ()
    assert store.check_path(person(pki).certificate, person(pki).issuers, AT).indication is UNCLEAR


def test_missing_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(NotReady, match="no trust folder"):
        TrustStore.load(tmp_path / "nowhere")


def test_damaged_certificate_names_its_file(pki: DemoPki) -> None:
    (pki.trust_folder / "root.crt.pem").write_bytes(b"-----BEGIN CERTIFICATE-----\nAAAA\n")
    with pytest.raises(NotReady, match=r"root\.crt\.pem"):
        TrustStore.load(pki.trust_folder)


def test_damaged_crl_is_left_out_and_said(pki: DemoPki) -> None:
    (pki.trust_folder / "issuing.crl.pem").write_bytes(b"nothing")
    assert "issuing.crl.pem" in TrustStore.load(pki.trust_folder).problems[0].vi


def test_anchor_is_trusted_only_on_its_days(pki: DemoPki) -> None:
    write_sidecar(pki, "valid_from = 2020-01-01\nvalid_to = 2020-12-31")
    who = person(pki)
    assert outcome(check(pki, who, AT)) == (PASSED, "")
    for when in ("2019-06-01", "2021-06-01"):
        result = check(pki, who, at(when))
        assert outcome(result) == (UNCLEAR, "NO_CERTIFICATE_CHAIN_FOUND")
        assert "thời gian được tin cậy" in result.reason.vi


@pytest.mark.parametrize(
    "body",
    [
        'revocation = "none"',
        'valid_form = "2020-01-01"',
        'valid_from = "2020-01-01"',
        "valid_from = 2020-01-01T00:00:00",
        "revocation = true",
        "revocation =",
    ],
)
def test_misspelt_sidecar_is_refused(pki: DemoPki, body: str) -> None:
    """It would silently trust more than was meant."""
    write_sidecar(pki, body)
    with pytest.raises(NotReady, match=r"trust\.toml"):
        TrustStore.load(pki.trust_folder)


def test_sidecar_for_an_anchor_that_is_not_there_is_refused(pki: DemoPki) -> None:
    (pki.trust_folder / "root.crt.pem").rename(pki.trust_folder / "root.pem")
    write_sidecar(pki, 'revocation = "not_published"')
    with pytest.raises(NotReady, match="no such anchor"):
        TrustStore.load(pki.trust_folder)


def test_shipped_trust_folder_trusts_nobody() -> None:
    assert TrustStore.load(shipped("keys", "trust")).anchors == ()


def crl(path: Path) -> x509.CertificateRevocationList:
    return x509.load_pem_x509_crl(path.read_bytes())


def test_a_good_day_is_long(pki: DemoPki) -> None:
    """Signed in 2019 and in 2038, both within the demo's period."""
    who = person(pki)
    for moment in (datetime(2019, 1, 2, tzinfo=UTC), datetime(2038, 12, 30, tzinfo=UTC)):
        assert outcome(check(pki, who, at(moment.date().isoformat()))) == (PASSED, "")


def test_defaults_of_the_tests_make_good_certificates(pki: DemoPki) -> None:
    assert outcome(check(pki, pki.issue_agency("H37", "UBND tỉnh Lạng Sơn", P256))) == (PASSED, "")
