"""CRLs, OCSP answers and the memory of both, as values: no network, no store."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from gateway.clock import SECOND, from_datetime
from gateway.model.text import Instant
from gateway.practice.pki import DemoPki, Identity, KeyKind, Knobs, make_crl
from gateway.signature import revocation_texts, trust_texts
from gateway.signature.ocsp import OcspAnswer, UnusableOcsp, ocsp_request, read_ocsp
from gateway.signature.revocation import (
    RevocationAnswer,
    Standing,
    crl_addresses,
    key_of,
    ocsp_addresses,
    weigh,
)
from gateway.signature.revocation_cache import Place, RevocationCache
from gateway.signature.revocation_crl import UnusableCrl, read_crl
from gateway.signature.trust import TrustStore

NOW = datetime(2020, 4, 14, 8, 0, tzinfo=UTC)
AT = from_datetime(NOW)
DAY = timedelta(days=1)
P256 = Knobs(key=KeyKind.P256)
CRL_URL, OCSP_URL = "http://ca.example/issuing.crl", "http://ca.example/ocsp"


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> DemoPki:
    return DemoPki.create(tmp_path_factory.mktemp("pki") / "var", key=KeyKind.P256)


@pytest.fixture(scope="module")
def person(pki: DemoPki) -> Identity:
    knobs = replace(P256, crl_url=CRL_URL, ocsp_url=OCSP_URL)
    return pki.issue_person("H37", "UBND tỉnh", "Người ký", knobs)


@dataclass(frozen=True)
class Said:
    """What a responder puts into its answer."""

    responder: Identity
    status: ocsp.OCSPCertStatus = ocsp.OCSPCertStatus.GOOD
    this_update: datetime = NOW
    next_update: datetime | None = NOW + DAY
    revoked_at: datetime | None = None
    reason: x509.ReasonFlags | None = None
    embed: bool = True
    named: hashes.HashAlgorithm = field(default_factory=hashes.SHA1)
    signed: hashes.HashAlgorithm = field(default_factory=hashes.SHA256)


def answer_bytes(about: x509.Certificate, issuer: x509.Certificate, said: Said) -> bytes:
    builder = ocsp.OCSPResponseBuilder().add_response(
        about,
        issuer,
        said.named,
        said.status,
        said.this_update,
        said.next_update,
        said.revoked_at,
        said.reason,
    )
    builder = builder.responder_id(ocsp.OCSPResponderEncoding.NAME, said.responder.certificate)
    if said.embed:
        builder = builder.certificates([said.responder.certificate])
    return builder.sign(said.responder.private_key, said.signed).public_bytes(Encoding.DER)


def read(pki: DemoPki, person: Identity, said: Said, **more: object) -> OcspAnswer:
    issuer = pki.issuing.certificate
    data = answer_bytes(person.certificate, issuer, said)
    return read_ocsp(OCSP_URL, data, person.certificate, issuer, AT, **more)  # type: ignore[arg-type]


def responder(pki: DemoPki, **knobs: object) -> Identity:
    made = Knobs(key=KeyKind.P256, purpose=ExtendedKeyUsageOID.OCSP_SIGNING, purpose_critical=False)
    return pki.issue_service("OCSP", replace(made, **knobs))  # type: ignore[arg-type]


def problem(pki: DemoPki, person: Identity, said: Said, **more: object) -> str:
    with pytest.raises(UnusableOcsp) as caught:
        read(pki, person, said, **more)
    return caught.value.problem


# OCSP


def test_answer_of_the_issuer_itself_counts(pki: DemoPki, person: Identity) -> None:
    answer = read(pki, person, Said(pki.issuing, embed=False)).answer(person.certificate, AT, AT)
    assert (answer.standing, answer.kind, answer.this_update) == (Standing.GOOD, "ocsp", AT)


def test_answer_of_an_appointed_responder_counts(pki: DemoPki, person: Identity) -> None:
    assert read(pki, person, Said(responder(pki, no_check=True))).knows


def test_certificate_may_be_named_with_sha256(pki: DemoPki, person: Identity) -> None:
    assert read(pki, person, Said(pki.issuing, named=hashes.SHA256())).knows


def test_person_of_the_same_ca_is_no_responder(pki: DemoPki, person: Identity) -> None:
    assert problem(pki, person, Said(person)) == "untrusted_responder"


def test_responder_for_another_purpose_does_not_count(pki: DemoPki, person: Identity) -> None:
    stamper = responder(pki, purpose=ExtendedKeyUsageOID.TIME_STAMPING)
    assert problem(pki, person, Said(stamper)) == "untrusted_responder"


def test_responder_of_another_ca_below_the_same_root_does_not_count(pki: DemoPki, person: Identity) -> None:
    of_the_root = responder(pki, issued_by="root")
    assert problem(pki, person, Said(of_the_root)) == "untrusted_responder"


def test_expired_responder_does_not_count(pki: DemoPki, person: Identity) -> None:
    old = responder(pki, not_after=NOW - DAY)
    assert problem(pki, person, Said(old)) == "untrusted_responder"


def test_responder_that_a_crl_revokes_does_not_count_unless_marked_nocheck(
    pki: DemoPki, person: Identity
) -> None:
    revoked = {"known_revoked": lambda certificate: True}
    assert problem(pki, person, Said(responder(pki)), **revoked) == "untrusted_responder"
    assert read(pki, person, Said(responder(pki, no_check=True)), **revoked).knows


def test_responder_that_the_trust_folder_revokes_does_not_count(person: Identity, tmp_path: Path) -> None:
    own = DemoPki.create(tmp_path / "own", key=KeyKind.P256)
    who, revoked = own.issue_person("H37", "UBND tỉnh", "Người ký", P256), responder(own)
    issuer = own.issuing.certificate
    data = answer_bytes(who.certificate, issuer, Said(revoked))
    place, cache = Place("ocsp", OCSP_URL, "ab"), RevocationCache()
    TrustStore.load(own.trust_folder, (cache,))
    assert cache.read(place, data, who.certificate, [issuer], AT).sha256
    own.revoke(revoked.certificate, NOW - DAY)
    TrustStore.load(own.trust_folder, (cache,))
    with pytest.raises(UnusableOcsp) as caught:
        cache.read(place, data, who.certificate, [issuer], AT)
    assert caught.value.problem == "untrusted_responder"


def test_critical_extension_that_is_not_known_refuses_the_answer(pki: DemoPki, person: Identity) -> None:
    issuer = pki.issuing.certificate
    builder = ocsp.OCSPResponseBuilder().add_response(
        person.certificate, issuer, hashes.SHA1(), ocsp.OCSPCertStatus.GOOD, NOW, NOW + DAY, None, None
    )
    builder = builder.responder_id(ocsp.OCSPResponderEncoding.NAME, issuer)
    strange = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.999.7"), b"\x05\x00")
    builder = builder.add_extension(strange, critical=True)
    data = builder.sign(pki.issuing.private_key, hashes.SHA256()).public_bytes(Encoding.DER)
    with pytest.raises(UnusableOcsp):
        read_ocsp(OCSP_URL, data, person.certificate, issuer, AT)


def test_answer_about_another_certificate_does_not_count(pki: DemoPki, person: Identity) -> None:
    other = pki.issue_person("H37", "UBND tỉnh", "Người khác", P256)
    data = answer_bytes(other.certificate, pki.issuing.certificate, Said(pki.issuing))
    with pytest.raises(UnusableOcsp) as caught:
        read_ocsp(OCSP_URL, data, person.certificate, pki.issuing.certificate, AT)
    assert caught.value.problem == "wrong_certificate"


def test_answer_about_the_same_serial_of_another_ca_does_not_count(pki: DemoPki, person: Identity) -> None:
    """The names and the key of the issuer are part of the question, not only the number."""
    data = answer_bytes(person.certificate, pki.root.certificate, Said(pki.issuing))
    with pytest.raises(UnusableOcsp) as caught:
        read_ocsp(OCSP_URL, data, person.certificate, pki.issuing.certificate, AT)
    assert caught.value.problem == "wrong_certificate"


def test_weak_signature_does_not_count(pki: DemoPki, person: Identity) -> None:
    assert problem(pki, person, Said(pki.issuing, signed=hashes.SHA224())) == "weak"


def test_changed_byte_of_an_answer_does_not_count(pki: DemoPki, person: Identity) -> None:
    issuer = pki.issuing.certificate
    data = bytearray(answer_bytes(person.certificate, issuer, Said(pki.issuing, embed=False)))
    good = ocsp.load_der_ocsp_response(bytes(data))
    data[data.index(good.signature) - 40] ^= 1
    with pytest.raises(UnusableOcsp):
        read_ocsp(OCSP_URL, bytes(data), person.certificate, issuer, AT)


def test_no_mutation_of_a_revoked_answer_makes_it_good(pki: DemoPki, person: Identity) -> None:
    said = Said(pki.issuing, ocsp.OCSPCertStatus.REVOKED, revoked_at=NOW - DAY, embed=False)
    issuer = pki.issuing.certificate
    data = answer_bytes(person.certificate, issuer, said)
    survived = []
    for position in range(len(data)):
        forged = data[:position] + bytes([data[position] ^ 0x11]) + data[position + 1 :]
        try:
            answer = read_ocsp(OCSP_URL, forged, person.certificate, issuer, AT)
        except UnusableOcsp:
            continue
        survived.append(answer.answer(person.certificate, AT, AT).standing)
    assert set(survived) <= {Standing.REVOKED}


def test_answer_without_end_counts_for_an_hour(pki: DemoPki, person: Identity) -> None:
    answer = read(pki, person, Said(pki.issuing, next_update=None))
    assert answer.next_update == AT + 3600 * SECOND


def test_answer_made_after_the_certificate_expired_says_nothing(pki: DemoPki) -> None:
    short = pki.issue_person("H37", "UBND tỉnh", "Người ký", replace(P256, not_after=NOW - DAY))
    answer = read(pki, short, Said(pki.issuing)).answer(short.certificate, Instant(0), AT)
    assert answer.standing is Standing.UNKNOWN
    assert "hết hạn trước" in trust_texts.no_answer(answer, short.certificate).vi


def test_request_names_the_certificate(pki: DemoPki, person: Identity) -> None:
    request = ocsp.load_der_ocsp_request(ocsp_request(person.certificate, pki.issuing.certificate))
    assert request.serial_number == person.certificate.serial_number


# CRLs


def crl_bytes(pki: DemoPki, *entries: x509.RevokedCertificate) -> bytes:
    return make_crl(pki.issuing, NOW - DAY, NOW + DAY, list(entries)).public_bytes(Encoding.DER)


def entry(certificate: x509.Certificate, reason: x509.ReasonFlags) -> x509.RevokedCertificate:
    builder = x509.RevokedCertificateBuilder().serial_number(certificate.serial_number)
    return builder.revocation_date(NOW - DAY).add_extension(x509.CRLReason(reason), critical=False).build()


@pytest.mark.parametrize("encoding", [Encoding.DER, Encoding.PEM])
def test_fetched_crl_may_be_der_or_pem(pki: DemoPki, encoding: Encoding) -> None:
    data = make_crl(pki.issuing, NOW - DAY, NOW + DAY, []).public_bytes(encoding)
    crl = read_crl(CRL_URL, data, [pki.issuing.certificate], AT)
    assert crl.owner == key_of(pki.issuing.certificate)


def test_entry_that_ends_a_suspension_revokes_nobody(pki: DemoPki, person: Identity) -> None:
    removed = entry(person.certificate, x509.ReasonFlags.remove_from_crl)
    crl = read_crl(CRL_URL, crl_bytes(pki, removed), [pki.issuing.certificate], AT)
    found = crl.answer(person.certificate, AT, AT)
    assert found is not None
    assert (found.standing, found.revoked_at) == (Standing.GOOD, None)


@pytest.mark.parametrize("reason", [r for r in x509.ReasonFlags if r is not x509.ReasonFlags.remove_from_crl])
def test_reason_of_an_entry_is_kept(pki: DemoPki, person: Identity, reason: x509.ReasonFlags) -> None:
    crl = read_crl(CRL_URL, crl_bytes(pki, entry(person.certificate, reason)), [pki.issuing.certificate], AT)
    found = crl.answer(person.certificate, AT, AT)
    assert found is not None
    assert (found.standing, found.reason) == (Standing.REVOKED, reason.value)


def with_point(pki: DemoPki, url: str) -> bytes:
    point = x509.IssuingDistributionPoint(
        [x509.UniformResourceIdentifier(url)], None, False, False, None, False, False
    )
    builder = x509.CertificateRevocationListBuilder().issuer_name(pki.issuing.certificate.subject)
    builder = builder.last_update(NOW - DAY).next_update(NOW + DAY).add_extension(point, critical=True)
    key = pki.issuing.private_key
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


@pytest.mark.parametrize(("url", "speaks"), [(CRL_URL, True), ("http://ca.example/other.crl", False)])
def test_crl_of_a_distribution_point_speaks_only_for_certificates_that_name_it(
    pki: DemoPki, person: Identity, url: str, speaks: bool
) -> None:
    crl = read_crl(CRL_URL, with_point(pki, url), [pki.issuing.certificate], AT)
    assert (crl.answer(person.certificate, AT, AT) is not None) is speaks


def test_crl_of_another_ca_is_not_taken(pki: DemoPki) -> None:
    with pytest.raises(UnusableCrl) as caught:
        read_crl(CRL_URL, crl_bytes(pki), [pki.root.certificate], AT)
    assert caught.value.problem == "wrong_issuer"


def test_crl_with_a_hundred_thousand_entries_is_cheap_to_ask(pki: DemoPki, person: Identity) -> None:
    """Each look is one look into a dictionary; reading the list again would take a hundred times as long."""
    builder = x509.CertificateRevocationListBuilder().issuer_name(pki.issuing.certificate.subject)
    builder = builder.last_update(NOW - DAY).next_update(NOW + DAY)
    builder._revoked_certificates = [
        x509.RevokedCertificateBuilder().serial_number(number + 1).revocation_date(NOW - DAY).build()
        for number in range(100_000)
    ]
    key = pki.issuing.private_key
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    data = builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)
    started = time.process_time()
    crl = read_crl(CRL_URL, data, [pki.issuing.certificate], AT)
    reading = time.process_time() - started
    started = time.process_time()
    for _ in range(100):
        crl.answer(person.certificate, AT, AT)
    assert time.process_time() - started < reading


# addresses, memory, weighing


def test_addresses_come_from_the_certificate(person: Identity) -> None:
    assert crl_addresses(person.certificate) == (CRL_URL,)
    assert ocsp_addresses(person.certificate) == (OCSP_URL,)


@pytest.mark.parametrize("url", ["ldap://ca.example/cn=crl", "file:///etc/passwd", f"http://ca/{'a' * 3000}"])
def test_other_addresses_than_http_are_left_alone(pki: DemoPki, url: str) -> None:
    who = pki.issue_person("H37", "UBND tỉnh", "Người ký", replace(P256, crl_url=url))
    assert crl_addresses(who.certificate) == ()
    cache = RevocationCache()
    assert cache.answer(who.certificate, pki.issuing.certificate, AT, AT) is None
    assert cache.take_wishes() == []


def test_older_answer_never_replaces_a_newer_one(pki: DemoPki, person: Identity) -> None:
    cache, place, issuer = RevocationCache(), Place("crl", CRL_URL), pki.issuing.certificate
    new = read_crl(CRL_URL, crl_bytes(pki), [issuer], AT)
    old = make_crl(pki.issuing, NOW - 2 * DAY, NOW + DAY, []).public_bytes(Encoding.DER)
    assert cache.put(place, new)
    assert not cache.put(place, read_crl(CRL_URL, old, [issuer], AT))
    assert cache.held(place) == (new,)


def test_wishes_that_could_not_be_kept_are_not_lost(pki: DemoPki, person: Identity) -> None:
    cache = RevocationCache()
    cache.answer(person.certificate, pki.issuing.certificate, AT, AT)
    wishes = cache.take_wishes()
    assert {wish.place.kind for wish in wishes} == {"crl", "ocsp"}
    cache.give_back(wishes)
    assert len(cache.take_wishes()) == 2


def test_listener_hears_of_an_open_question_once_until_it_looks(pki: DemoPki, person: Identity) -> None:
    cache, heard = RevocationCache(), []
    cache.listen(lambda: heard.append(1))
    for _ in range(5):
        cache.answer(person.certificate, pki.issuing.certificate, AT, AT)
    assert len(heard) == 2  # a CRL and a responder


def said(standing: Standing, updated: int | None = None, reason: str = "") -> RevocationAnswer:
    moment = None if updated is None else Instant(updated)
    return RevocationAnswer(standing, "", this_update=moment, reason=reason)


REVOKED, GOOD = said(Standing.REVOKED, 1), said(Standing.GOOD, 5)
HELD, STALE = said(Standing.REVOKED, 3, "certificateHold"), said(Standing.STALE, 2)
SILENT = said(Standing.UNREACHABLE)
WEIGHED = [
    ([GOOD, REVOKED], REVOKED),
    ([HELD, GOOD], GOOD),  # the suspension ended meanwhile
    ([said(Standing.GOOD, 2), HELD], HELD),
    ([said(Standing.GOOD, 3), HELD], HELD),
    ([STALE, GOOD], GOOD),
    ([SILENT, STALE], STALE),
    ([None, SILENT], SILENT),
    ([None, None], RevocationAnswer(Standing.UNKNOWN, "ab")),
]


@pytest.mark.parametrize(("answers", "counts"), WEIGHED)
def test_weighing(answers: list[RevocationAnswer | None], counts: RevocationAnswer) -> None:
    assert weigh(answers, "ab") == counts


def test_every_problem_has_a_sentence_of_its_own() -> None:
    words = [revocation_texts.problem_words(problem).vi for problem in revocation_texts._PROBLEMS]
    assert len(words) == len(set(words))
    assert revocation_texts.problem_words("unreachable.http.500").vi == "không trả lời"
