"""Signatures in PDF files: what passes, what must not, and whose they are."""

from __future__ import annotations

import base64
import io
import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID
from pdf_world import (
    P256,
    RECEIVED,
    SEALED_AT,
    SIGNED_AT,
    PdfWorld,
    add_revision,
    authority_for_time,
    build_pdf_world,
    sign_once,
)
from pyhanko.keys import load_certs_from_pemder_data
from pyhanko.pdf_utils.generic import NameObject, NumberObject, TextStringObject
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.writer import copy_into_new_writer
from pyhanko.sign.fields import MDPPerm, SigFieldSpec, append_signature_field
from pyhanko.sign.signers import PdfTimeStamper
from pyhanko.sign.validation.dss import DocumentSecurityStore

from gateway.model.verdict import Indication, SignerRole, Verdict
from gateway.practice.pki import KeyKind, Knobs
from gateway.signature import pdf
from gateway.signature.pdf import Coverage, Later, judge_pdf, read_pdf_signatures
from gateway.signature.register import SignerRegister
from gateway.signature.trust import TrustStore
from gateway.signature.verify import Trust

PASSED, FAILED, UNCLEAR = Indication.PASSED, Indication.FAILED, Indication.INDETERMINATE
CORPUS = Path(__file__).parents[1] / "corpus" / "good"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> PdfWorld:
    return build_pdf_world(tmp_path_factory.mktemp("pdf") / "pki")


def outcomes(verdicts: tuple[Verdict, ...]) -> list[tuple[Indication, str]]:
    return [(one.indication, one.sub_indication) for one in verdicts]


def rotate(writer: IncrementalPdfFileWriter) -> None:
    page = writer.root["/Pages"]["/Kids"][0]
    page["/Rotate"] = NumberObject(90)
    writer.update_container(page)


# What passes


def test_leader_then_agency_are_two_valid_signatures(world: PdfWorld) -> None:
    person, agency = world.judge(world.signed)
    assert (person.indication, agency.indication) == (PASSED, PASSED)
    assert (person.role, agency.role) == (SignerRole.PERSON, SignerRole.AGENCY)
    assert person.agency == agency.agency == "H37"
    assert person.signing_time == "2020-04-14T14:30:00.000000+07:00"
    assert agency.time_source == "signed_attribute"
    assert agency.algorithm == "ECDSA-P256 SHA-256"


def test_what_each_signature_covers_is_told(world: PdfWorld) -> None:
    first, second = read_pdf_signatures(world.signed)
    assert (first.field, first.coverage, first.later) == ("NguoiKy", Coverage.REVISION, Later.SIGNATURES)
    assert (second.field, second.coverage, second.later) == ("CoQuan", Coverage.WHOLE_FILE, Later.NOTHING)


def test_a_sample_made_elsewhere_can_be_read() -> None:
    """PDF of the national library's message: RSA, signed by another PKI."""
    message = (CORPUS / "new-cv-362.edxml").read_bytes()
    found = re.search(rb">\s*(JVBERi[A-Za-z0-9+/=\s]+)<", message)
    assert found is not None
    signatures = read_pdf_signatures(base64.b64decode(found[1]))
    assert [(one.failure, one.algorithm) for one in signatures] == [(None, "RSA-2048 SHA-256")] * 2


def test_a_pades_signature_has_its_time_from_its_dictionary(world: PdfWorld) -> None:
    signed = sign_once(world.page, world.person, "NguoiKy", SIGNED_AT, pades=True)
    (verdict,) = world.judge(signed)
    assert (verdict.indication, verdict.signing_time[:16]) == (PASSED, "2020-04-14T14:30")


def test_a_document_timestamp_may_follow(world: PdfWorld) -> None:
    stamper = PdfTimeStamper(authority_for_time(world.pki, SEALED_AT))
    output = io.BytesIO()
    writer = IncrementalPdfFileWriter(io.BytesIO(world.signed))
    stamper.timestamp_pdf(writer, "sha256", output=output)
    first, second, stamp = read_pdf_signatures(output.getvalue())
    assert (second.coverage, second.later, second.failure) == (
        Coverage.REVISION,
        Later.LONG_TERM_DATA,
        None,
    )
    assert stamp.is_timestamp
    assert stamp.failure is None
    assert outcomes(world.judge(output.getvalue())) == [(PASSED, "")] * 2
    assert first.failure is None


def test_long_term_data_may_follow(world: PdfWorld) -> None:
    (issuing,) = load_certs_from_pemder_data(world.pki.issuing.certificate.public_bytes(Encoding.DER))

    def keep(writer: IncrementalPdfFileWriter) -> None:
        DocumentSecurityStore.supply_dss_in_writer(writer, None, certs=[issuing])

    _, second = read_pdf_signatures(add_revision(world.signed, keep))
    assert (second.coverage, second.later) == (Coverage.REVISION, Later.LONG_TERM_DATA)
    assert outcomes(world.judge(add_revision(world.signed, keep))) == [(PASSED, "")] * 2


# What does not count as a signature


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 /ByteRange", b"\xd0\xcf\x11\xe0", b"%PDF-1.7\n%%EOF\n"])
def test_other_formats_and_unsigned_files_are_unsigned(data: bytes, world: PdfWorld) -> None:
    assert read_pdf_signatures(data) == []
    assert world.judge(data) == ()


@pytest.mark.parametrize("before", [0, (1 << 20) - 6, (1 << 20) - 1, 1 << 20, (1 << 21) - 5])
def test_a_byte_range_is_seen_wherever_it_stands(before: int) -> None:
    assert pdf.may_be_signed(b"%PDF-1.7\n".ljust(before, b" ") + b"/ByteRange")
    assert not pdf.may_be_signed(b"%PDF-1.7\n".ljust(before, b" ") + b"/ByteRang")


def test_an_unsigned_page_has_no_verdicts(world: PdfWorld) -> None:
    assert world.judge(world.page) == ()


# What was changed


def test_a_changed_byte_under_the_signature_is_a_hash_failure(world: PdfWorld) -> None:
    position = world.signed.index(b"stream") + 12
    spoiled = bytearray(world.signed)
    spoiled[position] ^= 1
    assert outcomes(world.judge(bytes(spoiled))) == [(FAILED, "HASH_FAILURE")] * 2


@pytest.mark.parametrize("tail", [b"x", b"\n", b"\0" * 5000, b"<script>", b"\nstartxref\n9\n%%EOF"])
def test_appended_bytes_fail_every_signature(tail: bytes, world: PdfWorld) -> None:
    verdicts = world.judge(world.signed + tail)
    assert verdicts
    assert all(one.indication is FAILED for one in verdicts)


def test_appended_bytes_are_counted(world: PdfWorld) -> None:
    found = read_pdf_signatures(world.signed + b"\0" * 5000)
    assert [one.trailing_bytes for one in found] == [5000, 5000]
    assert outcomes(world.judge(world.signed + b"\0" * 5000)) == [(FAILED, "SIG_CONSTRAINTS_FAILURE")] * 2


def test_the_end_of_the_file_repeated_is_no_revision(world: PdfWorld) -> None:
    end = world.signed[world.signed.rindex(b"startxref") :]
    verdicts = world.judge(world.signed + b"\n(anything)\n" + end)
    assert outcomes(verdicts) == [(FAILED, "SIG_CONSTRAINTS_FAILURE")] * 2


def test_an_edit_after_signing_fails_both_signatures(world: PdfWorld) -> None:
    edited = add_revision(world.signed, rotate)
    assert outcomes(world.judge(edited)) == [(FAILED, "SIG_CONSTRAINTS_FAILURE")] * 2


def test_an_edit_between_the_signatures_fails_the_first_only(world: PdfWorld) -> None:
    edited = add_revision(world.leader, rotate)
    sealed = sign_once(edited, world.agency, "CoQuan", SEALED_AT)
    assert outcomes(world.judge(sealed)) == [(FAILED, "SIG_CONSTRAINTS_FAILURE"), (PASSED, "")]


def test_an_unsigned_visible_field_is_a_change(world: PdfWorld) -> None:
    def cover(writer: IncrementalPdfFileWriter) -> None:
        append_signature_field(writer, SigFieldSpec("Che", box=(50, 400, 500, 700), on_page=0))

    (verdict,) = world.judge(add_revision(world.leader, cover))
    assert (verdict.indication, verdict.sub_indication) == (FAILED, "SIG_CONSTRAINTS_FAILURE")


def test_a_certified_document_takes_no_second_signature_when_it_says_so(world: PdfWorld) -> None:
    first = sign_once(world.page, world.person, "NguoiKy", SIGNED_AT, only=MDPPerm.NO_CHANGES)
    second = sign_once(first, world.agency, "CoQuan", SEALED_AT)
    assert outcomes(world.judge(second))[0] == (FAILED, "SIG_CONSTRAINTS_FAILURE")


def test_a_signature_field_removed_by_an_update_is_not_unsigned(world: PdfWorld) -> None:
    def strip(writer: IncrementalPdfFileWriter) -> None:
        del writer.root["/AcroForm"]
        writer.update_root()

    assert outcomes(world.judge(add_revision(world.signed, strip))) == [(UNCLEAR, "SIGNED_DATA_NOT_FOUND")]


def test_in_a_file_off_the_standard_only_a_signature_over_the_whole_is_concluded(world: PdfWorld) -> None:
    odd = world.page.replace(b" 65535 f", b" 99999 f")  # a generation above 65535 (ISO 32000-1 Annex C)
    assert odd != world.page
    leader = sign_once(odd, world.person, "NguoiKy", SIGNED_AT)
    assert outcomes(world.judge(leader)) == [(PASSED, "")]
    both = sign_once(leader, world.agency, "CoQuan", SEALED_AT)
    assert outcomes(world.judge(both)) == [(UNCLEAR, "SIGNED_DATA_NOT_FOUND"), (PASSED, "")]


# Files that cannot be read


def test_a_file_cut_short_fails(world: PdfWorld) -> None:
    for length in (len(world.leader) // 2, len(world.leader) - 4, len(world.signed) - 40):
        verdicts = world.judge(world.signed[:length])
        assert not any(one.indication is PASSED for one in verdicts), length


def test_an_encrypted_file_says_so(world: PdfWorld) -> None:
    writer = copy_into_new_writer(PdfFileReader(io.BytesIO(world.signed)))
    writer.encrypt(owner_pass="secret", user_pass="secret")
    output = io.BytesIO()
    writer.write(output)
    (verdict,) = world.judge(output.getvalue())
    assert (verdict.indication, verdict.sub_indication) == (FAILED, "FORMAT_FAILURE")
    assert "mật khẩu" in verdict.reason.vi


def test_a_file_without_pages_fails(world: PdfWorld) -> None:
    def empty(writer: IncrementalPdfFileWriter) -> None:
        pages = writer.root["/Pages"]
        pages["/Count"] = NumberObject(0)
        writer.update_container(pages)

    (verdict,) = world.judge(add_revision(world.signed, empty))
    assert (verdict.sub_indication, "không có trang nào" in verdict.reason.vi) == ("FORMAT_FAILURE", True)


def test_a_huge_file_is_not_concluded(world: PdfWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf, "MAX_BYTES", 1000)
    assert outcomes(world.judge(world.signed)) == [(UNCLEAR, "SIGNED_DATA_NOT_FOUND")]


def test_rubbish_with_the_right_words_is_a_format_failure(world: PdfWorld) -> None:
    verdicts = world.judge(b"%PDF-1.7\n/ByteRange [0 1 2 3]\nstartxref\n0\n%%EOF")
    assert outcomes(verdicts) == [(FAILED, "FORMAT_FAILURE")]


# Algorithms


def test_sha1_fails_with_its_own_reason(world: PdfWorld) -> None:
    signed = sign_once(world.page, world.person, "NguoiKy", SIGNED_AT, digest=hashes.SHA1())
    (verdict,) = world.judge(signed)
    assert (verdict.indication, verdict.sub_indication) == (FAILED, "CRYPTO_CONSTRAINTS_FAILURE")
    assert "SHA-1" in verdict.reason.vi


def test_an_old_sha1_form_by_the_agency_is_weak_and_leaves_the_leaders_alone(world: PdfWorld) -> None:
    old = world.signed.replace(b"/adbe.pkcs7.detached", b"/adbe.pkcs7.sha1    ")
    assert set(outcomes(world.judge(old))) == {(FAILED, "CRYPTO_CONSTRAINTS_FAILURE")}
    cut = world.signed.rindex(b"/adbe.pkcs7.detached")
    late = world.signed[:cut] + b"/adbe.pkcs7.sha1    " + world.signed[cut + 20 :]
    assert outcomes(world.judge(late)) == [(PASSED, ""), (FAILED, "CRYPTO_CONSTRAINTS_FAILURE")]


def test_a_changed_sha1_signature_is_tampered_before_it_is_weak(world: PdfWorld) -> None:
    signed = bytearray(sign_once(world.page, world.person, "NguoiKy", SIGNED_AT, digest=hashes.SHA1()))
    signed[signed.index(b"stream") + 12] ^= 1
    assert outcomes(world.judge(bytes(signed))) == [(FAILED, "HASH_FAILURE")]


@pytest.mark.parametrize("kind", [KeyKind.RSA_1024])
def test_a_short_rsa_key_fails_with_its_own_reason(kind: KeyKind, world: PdfWorld) -> None:
    weak = world.pki.issue_person("000.00.00.H37", "UBND", "Khóa yếu", Knobs(key=kind))
    (verdict,) = world.judge(sign_once(world.page, weak, "NguoiKy", SIGNED_AT))
    assert (verdict.indication, verdict.sub_indication) == (FAILED, "CRYPTO_CONSTRAINTS_FAILURE")


# Who, and when


def test_an_unregistered_certificate_is_not_machine_checkable(world: PdfWorld) -> None:
    other = world.pki.issue_person("000.00.00.H37", "UBND", "Trần Thị B", P256)
    (verdict,) = world.judge(sign_once(world.page, other, "NguoiKy", SIGNED_AT))
    assert (verdict.indication, verdict.role, verdict.agency) == (PASSED, SignerRole.NOT_CHECKABLE, "")


@pytest.mark.parametrize("register", [None, SignerRegister([])])
def test_without_a_register_no_role_is_claimed(register: SignerRegister | None, world: PdfWorld) -> None:
    trust = replace(world.trust, signers=register)
    verdicts = judge_pdf("vb.pdf", read_pdf_signatures(world.signed), trust, RECEIVED, None)
    assert [(one.indication, one.role) for one in verdicts] == [(PASSED, SignerRole.NOT_CHECKABLE)] * 2


def test_an_unknown_authority_is_indeterminate(world: PdfWorld) -> None:
    trust = Trust(TrustStore(()), world.trust.signers)
    verdicts = judge_pdf("vb.pdf", read_pdf_signatures(world.signed), trust, RECEIVED, None)
    assert outcomes(verdicts) == [(UNCLEAR, "NO_CERTIFICATE_CHAIN_FOUND")] * 2


def test_a_certificate_that_expired_after_signing_was_valid(world: PdfWorld) -> None:
    short = Knobs(key=KeyKind.P256, not_after=SIGNED_AT + timedelta(minutes=5))
    person = world.pki.issue_person("000.00.00.H37", "UBND", "Sắp hết hạn", short)
    (verdict,) = world.judge(sign_once(world.page, person, "NguoiKy", SIGNED_AT))
    assert verdict.indication is PASSED
    (verdict,) = world.judge(sign_once(world.page, person, "NguoiKy", SEALED_AT))
    assert (verdict.indication, verdict.sub_indication) == (FAILED, "EXPIRED")


def test_revocation_counts_from_its_date(tmp_path: Path) -> None:
    fresh = build_pdf_world(tmp_path / "pki")
    fresh.pki.revoke(fresh.person.certificate, SIGNED_AT + timedelta(hours=1))
    fresh.pki.revoke(fresh.agency.certificate, SEALED_AT - timedelta(hours=1))
    # Nothing but his own word says that the person signed before: chưa đủ căn cứ kết luận.
    assert outcomes(fresh.judge(fresh.signed)) == [(UNCLEAR, "REVOKED_NO_POE"), (FAILED, "REVOKED")]


def test_a_trusted_timestamp_decides_over_the_signers_clock(world: PdfWorld) -> None:
    stamper = authority_for_time(world.pki, SEALED_AT)
    (verdict,) = world.judge(sign_once(world.page, world.person, "NguoiKy", SIGNED_AT, stamper=stamper))
    assert (verdict.indication, verdict.time_source) == (PASSED, "timestamp")
    assert verdict.signing_time[:16] == "2020-04-14T15:05"


def test_a_timestamp_of_an_authority_for_something_else_decides_nothing(world: PdfWorld) -> None:
    stamper = authority_for_time(world.pki, SEALED_AT, ExtendedKeyUsageOID.CODE_SIGNING)
    (verdict,) = world.judge(sign_once(world.page, world.person, "NguoiKy", SIGNED_AT, stamper=stamper))
    assert (verdict.time_source, verdict.signing_time[:16]) == ("signed_attribute", "2020-04-14T14:30")


def test_without_any_time_the_declared_date_counts_then_receipt(world: PdfWorld) -> None:
    (one,) = read_pdf_signatures(world.leader)
    silent = [replace(one, claimed_time=None)]
    (declared,) = judge_pdf("vb.pdf", silent, world.trust, RECEIVED, date(2020, 4, 14))
    (nothing,) = judge_pdf("vb.pdf", silent, world.trust, RECEIVED, None)
    assert (declared.time_source, declared.signing_time[:16]) == ("declared", "2020-04-14T23:59")
    assert (nothing.time_source, nothing.signing_time[:16]) == ("none", "2020-04-15T08:00")


def test_a_signature_from_the_future_is_not_concluded(world: PdfWorld) -> None:
    later = datetime(2020, 5, 1, tzinfo=UTC)
    (verdict,) = world.judge(sign_once(world.page, world.person, "NguoiKy", later))
    assert (verdict.indication, verdict.sub_indication) == (UNCLEAR, "TIMESTAMP_ORDER_FAILURE")


def test_another_certificate_over_the_same_signature_does_not_fit(world: PdfWorld) -> None:
    """The signer's certificate replaced by another one with the same issuer and serial is noticed."""
    other = world.pki.issue_person("000.00.00.H37", "UBND", "Nguyễn Văn A", P256)
    forged = sign_once(world.page, replace(other, private_key=world.agency.private_key), "NguoiKy", SIGNED_AT)
    assert outcomes(world.judge(forged)) == [(FAILED, "SIG_CRYPTO_FAILURE")]


def test_a_changed_title_in_the_catalogue_is_a_change(world: PdfWorld) -> None:
    def relabel(writer: IncrementalPdfFileWriter) -> None:
        writer.root["/OpenAction"] = TextStringObject("x")
        writer.root["/PageMode"] = NameObject("/UseNone")
        writer.update_root()

    assert outcomes(world.judge(add_revision(world.signed, relabel)))[1][0] is FAILED
