"""Certificates and times that a stranger makes up: each gets a verdict, none stops the gate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pdf_world import (
    P256,
    RECEIVED,
    SEALED_AT,
    SIGNED_AT,
    PdfWorld,
    authority_for_time,
    build_pdf_world,
    sign_once,
)

from gateway.clock import from_datetime, local, local_day, to_rfc3339
from gateway.model.text import Instant
from gateway.model.verdict import Verdict
from gateway.practice.pki import Identity
from gateway.signature.certificates import subject_text
from gateway.signature.pdf import PdfSignature, judge_pdf, read_pdf_signatures
from gateway.signature.proposal import propose

WITHOUT_END = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)  # RFC 5280 section 4.1.2.5
SIGN = x509.KeyUsage(True, True, False, False, False, False, False, False, False)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> PdfWorld:
    return build_pdf_world(tmp_path_factory.mktemp("pdf") / "pki")


def stranger(name: str = "Kẻ lạ", issuer: Identity | None = None) -> Identity:
    """A certificate without an end, issued by itself unless an ``issuer`` is given."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name, _validate=False)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if issuer is None else issuer.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime(2019, 1, 1, tzinfo=UTC))
        .not_valid_after(WITHOUT_END)
        .add_extension(SIGN, critical=True)
    )
    certificate = builder.sign(key if issuer is None else issuer.private_key, hashes.SHA256())
    return Identity(key, certificate, () if issuer is None else (issuer.certificate,), "person")


def judge(world: PdfWorld, signatures: Sequence[PdfSignature]) -> tuple[Verdict, ...]:
    return judge_pdf("vb.pdf", signatures, world.trust, RECEIVED, None)


def test_an_unknown_certificate_without_an_end_gets_a_verdict(world: PdfWorld) -> None:
    (verdict,) = world.judge(sign_once(world.page, stranger(), "X", SIGNED_AT))
    assert verdict.sub_indication == "NO_CERTIFICATE_CHAIN_FOUND"


def test_a_valid_certificate_without_an_end_is_proposed(world: PdfWorld) -> None:
    signer = stranger(issuer=world.pki.issuing)
    (verdict,) = world.judge(sign_once(world.page, signer, "X", SIGNED_AT))
    end = propose(verdict, lambda text: None).period.end
    assert (verdict.indication.value, end and end.year) == ("TOTAL-PASSED", 9999)


@pytest.mark.parametrize(
    ("moment", "sub_indication"),
    [
        (from_datetime(WITHOUT_END), "TIMESTAMP_ORDER_FAILURE"),
        (Instant(10**20), "TIMESTAMP_ORDER_FAILURE"),
        (Instant(-(10**20)), "NOT_YET_VALID"),
    ],
)
def test_a_signing_time_outside_the_calendar_gets_a_verdict(
    world: PdfWorld, moment: Instant, sub_indication: str
) -> None:
    (signature,) = read_pdf_signatures(world.leader)
    (verdict,) = judge(world, [replace(signature, claimed_time=moment)])
    assert verdict.sub_indication == sub_indication


@pytest.mark.parametrize("moment", [Instant(10**20), Instant(-(10**20))])
def test_the_clock_tells_any_instant(moment: Instant) -> None:
    assert to_rfc3339(moment)[:4] in ("0001", "9999")
    assert local_day(moment) == local(moment).date()


@pytest.mark.filterwarnings("ignore:Parsed a serial number")
@pytest.mark.parametrize("place", range(0, 400, 3))
def test_no_damaged_certificate_stops_the_gate(world: PdfWorld, place: int) -> None:
    """Its parts are parsed when first asked for; here each byte is spoilt in turn, for signer and issuer."""
    (signature,) = read_pdf_signatures(world.leader)
    for value in (0x00, 0x7F, 0xFF):
        spoilt = bytearray(signature.certificate)
        spoilt[place] = value
        others = tuple(bytes(spoilt) for _ in signature.others)
        for one in (replace(signature, certificate=bytes(spoilt)), replace(signature, others=others)):
            (verdict,) = judge(world, [one])
            propose(verdict, lambda text: None)


def test_a_name_that_would_steer_a_terminal_is_shown_harmless() -> None:
    shown = subject_text(stranger("\x1b[31mđỏ\n\u202etxt").certificate)
    assert shown == "CN=\ufffd[31mđỏ\ufffd\ufffdtxt"


@pytest.mark.filterwarnings("ignore:Attribute's length")
def test_a_name_of_any_length_is_cut_on_screens() -> None:
    assert len(subject_text(stranger("A" * 20_000).certificate)) < 1_100


def revoke(world: PdfWorld, at: datetime) -> Identity:
    """A seal of the agency that stands on the CRL."""
    seal = world.pki.issue_agency("000.00.00.H37", "UBND tỉnh Lạng Sơn", P256)
    world.pki.revoke(seal.certificate, at)
    return seal


def test_a_revoked_key_that_states_an_earlier_time_does_not_pass(world: PdfWorld) -> None:
    seal = revoke(world, SEALED_AT)  # hours before the file came
    (verdict,) = world.judge(sign_once(world.page, seal, "CoQuan", SIGNED_AT))
    assert (verdict.indication.value, verdict.sub_indication) == ("INDETERMINATE", "REVOKED_NO_POE")


def test_a_timestamp_proves_that_a_signature_is_older_than_the_revocation(world: PdfWorld) -> None:
    seal, stamper = revoke(world, SEALED_AT), authority_for_time(world.pki, SIGNED_AT)
    (verdict,) = world.judge(sign_once(world.page, seal, "CoQuan", SIGNED_AT, stamper=stamper))
    assert (verdict.indication.value, verdict.time_source) == ("TOTAL-PASSED", "timestamp")


def test_the_receipt_proves_that_a_signature_is_older_than_a_later_revocation(world: PdfWorld) -> None:
    seal = revoke(world, datetime(2020, 5, 1, tzinfo=UTC))
    (verdict,) = world.judge(sign_once(world.page, seal, "CoQuan", SIGNED_AT))
    assert verdict.indication.value == "TOTAL-PASSED"
