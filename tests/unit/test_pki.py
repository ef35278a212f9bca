"""The demo's certificates, and the papers signed with them."""

from __future__ import annotations

import asyncio
import io
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.keys import load_certs_from_pemder_data
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import EmbeddedPdfSignature, validate_pdf_signature
from pyhanko.sign.validation.status import PdfSignatureStatus, SignatureCoverageLevel
from pyhanko_certvalidator import ValidationContext
from reportlab.pdfbase import pdfmetrics

from gateway.clock import VIETNAM, local_day
from gateway.model.text import AgencyCode
from gateway.practice.papers import Paper, make_paper, sign_paper
from gateway.practice.pki import DemoPki, Identity, KeyKind, Knobs, Usage
from gateway.signature.certificates import fingerprint
from gateway.signature.register import SignerRegister
from tests.unit.signature_world import AT, P256

SIGNED = datetime(2020, 4, 14, 14, 30, tzinfo=VIETNAM)
SEALED = datetime(2020, 4, 14, 15, 5, tzinfo=VIETNAM)
PAPER = Paper(
    agency="Ủy ban nhân dân tỉnh Lạng Sơn",
    number="373",
    notation="UBND-KT",
    place="Lạng Sơn",
    day=date(2020, 4, 14),
    subject="tăng cường gửi, nhận văn bản điện tử <100%> & ký số",
    body=["Ủy ban nhân dân tỉnh đề nghị các đơn vị thực hiện nghiêm túc các nội dung sau đây."] * 3,
    signer_title="TM. Ủy ban nhân dân\nKT. Chủ tịch\nPhó Chủ tịch",
    signer_name="Nguyễn Văn A",
    made_at=datetime(2020, 4, 14, 14, 0, tzinfo=VIETNAM),
    addressees=["Các sở, ban, ngành", "UBND các huyện, thành phố"],
    copies=["Như trên", "Lưu: VT, KT"],
)


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> DemoPki:
    return DemoPki.create(tmp_path_factory.mktemp("pki") / "var")


@pytest.fixture(scope="module")
def person(pki: DemoPki) -> Identity:
    return pki.issue_person("000.00.00.H37", "UBND tỉnh Lạng Sơn", "Nguyễn Văn A")


@pytest.fixture(scope="module")
def agency(pki: DemoPki) -> Identity:
    return pki.issue_agency("000.00.00.H37", "UBND tỉnh Lạng Sơn", P256)


@pytest.fixture(scope="module")
def signed(person: Identity, agency: Identity) -> bytes:
    return sign_paper(make_paper(PAPER), person, agency, SIGNED, SEALED)


# certificates


def test_subjects_follow_the_demo_profile_of_the_register(person: Identity, agency: Identity) -> None:
    """Contracts: OU is the agency's code, O is DEMO for a seal and anything else for a person."""
    assert person.certificate.subject.rfc4514_string() == (
        "CN=Nguyễn Văn A,OU=000.00.00.H37,O=UBND tỉnh Lạng Sơn (DEMO),C=VN"
    )
    assert agency.certificate.subject.rfc4514_string() == (
        "CN=UBND tỉnh Lạng Sơn (DEMO),OU=000.00.00.H37,O=DEMO,C=VN"
    )
    assert (person.role, agency.role) == ("person", "agency")


def test_two_tiers_reach_from_2019_to_2039(pki: DemoPki, person: Identity) -> None:
    assert person.issuers == (pki.issuing.certificate, pki.root.certificate)
    for certificate in (person.certificate, *person.issuers):
        assert certificate.not_valid_before_utc == datetime(2019, 1, 1, tzinfo=UTC)
        assert certificate.not_valid_after_utc == datetime(2039, 1, 1, tzinfo=UTC)
    person.certificate.verify_directly_issued_by(pki.issuing.certificate)
    pki.issuing.certificate.verify_directly_issued_by(pki.root.certificate)


def test_nobody_can_mistake_the_cas_for_real_ones(pki: DemoPki) -> None:
    for authority in (pki.root, pki.issuing):
        assert "not for production" in authority.certificate.subject.rfc4514_string()


def test_private_keys_are_readable_by_their_owner_only(pki: DemoPki, person: Identity) -> None:
    keys = list(pki.folder.rglob("*.key.pem"))
    assert len(keys) >= 3
    assert {key.stat().st_mode & 0o777 for key in keys} == {0o600}
    assert not list(pki.trust_folder.rglob("*.key*"))


def test_pki_opens_again_and_goes_on_issuing(pki: DemoPki, person: Identity) -> None:
    again = DemoPki.open(pki.folder)
    assert again.root.certificate == pki.root.certificate
    loaded = again.load(fingerprint(person.certificate))
    assert (loaded.certificate, loaded.role, loaded.issuers) == (
        person.certificate,
        "person",
        person.issuers,
    )
    again.issue_agency("H37.03", "Sở Tài chính", P256).certificate.verify_directly_issued_by(
        pki.issuing.certificate
    )


def test_existing_pki_is_not_overwritten(pki: DemoPki) -> None:
    with pytest.raises(FileExistsError):
        DemoPki.create(pki.folder)


def test_register_row_of_a_signer_is_found_by_its_certificate(person: Identity) -> None:
    row = person.signer(AgencyCode("H37"), "Phó Chủ tịch")
    found = SignerRegister([row]).find(fingerprint(person.certificate), local_day(AT))
    assert found is row
    assert (row.agency, row.role, row.title) == ("H37", "person", "Phó Chủ tịch")


def test_revoked_certificate_stands_on_the_crl_of_its_issuer(tmp_path: Path) -> None:
    pki = DemoPki.create(tmp_path / "var", key=KeyKind.P256)
    one, two = (pki.issue_agency(f"H37.0{i}", "Sở", P256) for i in (1, 2))
    pki.revoke(one.certificate, datetime(2020, 4, 1, tzinfo=UTC))
    pki.revoke(two.certificate, datetime(2020, 4, 2, tzinfo=UTC))
    crl = x509.load_pem_x509_crl((pki.trust_folder / "issuing.crl.pem").read_bytes())
    assert {entry.serial_number for entry in crl} == {
        one.certificate.serial_number,
        two.certificate.serial_number,
    }
    assert crl.next_update_utc == datetime(2039, 1, 1, tzinfo=UTC)
    assert len(list(x509.load_pem_x509_crl((pki.trust_folder / "root.crl.pem").read_bytes()))) == 0


def test_sha1_knob_needs_an_rsa_ca(tmp_path: Path) -> None:
    pki = DemoPki.create(tmp_path / "var", key=KeyKind.P256)
    with pytest.raises(ValueError, match="RSA"):
        pki.issue_agency("H37", "UBND", replace(P256, sha1=True))


def test_sha1_knob_makes_a_certificate_that_its_ca_really_signed(pki: DemoPki) -> None:
    certificate = pki.issue_agency("H37", "UBND", Knobs(sha1=True)).certificate
    algorithm = certificate.signature_hash_algorithm
    assert algorithm is not None
    assert algorithm.name == "sha1"
    ca_key = pki.issuing.certificate.public_key()
    assert isinstance(ca_key, rsa.RSAPublicKey)
    signed = certificate.tbs_certificate_bytes
    ca_key.verify(certificate.signature, signed, padding.PKCS1v15(), hashes.SHA1())


def test_usage_knob_says_what_the_key_is_for(pki: DemoPki) -> None:
    made = pki.issue_agency("H37", "UBND", replace(P256, usage=Usage.ENCRYPT)).certificate
    usage = made.extensions.get_extension_for_class(x509.KeyUsage).value
    assert (usage.digital_signature, usage.key_encipherment) == (False, True)


# papers


def statuses(pdf: bytes, pki: DemoPki) -> list[PdfSignatureStatus]:
    """What pyHanko says of each signature, with the demo root and its CRLs as the only trust."""
    (root,) = load_certs_from_pemder_data((pki.trust_folder / "root.crt.pem").read_bytes())
    crls = [
        x509.load_pem_x509_crl(path.read_bytes()).public_bytes(Encoding.DER)
        for path in pki.trust_folder.glob("*.crl.pem")
    ]
    context = ValidationContext(
        trust_roots=[root],
        crls=crls,
        moment=SEALED + timedelta(hours=1),
        allow_fetching=False,
        revocation_mode="hard-fail",
        best_signature_time=SEALED,
    )
    reader = PdfFileReader(io.BytesIO(pdf))
    return [validate_pdf_signature(one, context) for one in reader.embedded_signatures]


def test_paper_carries_two_signatures_that_pyhanko_validates(pki: DemoPki, signed: bytes) -> None:
    person, agency = statuses(signed, pki)
    assert (person.bottom_line, agency.bottom_line) == (True, True)
    assert agency.coverage is SignatureCoverageLevel.ENTIRE_FILE
    assert person.coverage is SignatureCoverageLevel.ENTIRE_REVISION


def test_person_signs_first_and_each_at_the_time_given(pki: DemoPki, signed: bytes) -> None:
    """NĐ 30/2020 Đ32: the agency signs after the competent person."""
    found = [(one.field_name, one.self_reported_timestamp) for one in embedded(signed)]
    assert found == [("NguoiKy", SIGNED), ("CoQuan", SEALED)]


def test_signatures_are_of_the_person_and_of_the_agency(
    person: Identity, agency: Identity, signed: bytes
) -> None:
    found = [one.signer_cert.sha256.hex() for one in embedded(signed)]
    assert found == [fingerprint(person.certificate), fingerprint(agency.certificate)]


def test_changed_paper_does_not_validate(pki: DemoPki, signed: bytes) -> None:
    position = signed.index(b"ReportLab PDF Library")
    changed = signed[:position] + b"X" + signed[position + 1 :]
    assert [one.bottom_line for one in statuses(changed, pki)] == [False, False]


def test_paper_of_another_pki_is_not_trusted(pki: DemoPki, tmp_path: Path) -> None:
    other = DemoPki.create(tmp_path / "var", "Stranger", KeyKind.P256)
    one, two = other.issue_person("H37", "UBND", "A", P256), other.issue_agency("H37", "UBND", P256)
    forged = sign_paper(make_paper(PAPER), one, two, SIGNED, SEALED)
    assert [status.bottom_line for status in statuses(forged, pki)] == [False, False]
    assert [status.bottom_line for status in statuses(forged, other)] == [True, True]


def test_equal_papers_give_equal_bytes() -> None:
    assert make_paper(PAPER) == make_paper(replace(PAPER))
    assert b"D:20200414140000+07'00'" in make_paper(PAPER)


def test_every_sign_of_vietnamese_is_in_the_font() -> None:
    make_paper(PAPER)
    alphabet = "aàáảãạăằắẳẵặâầấẩẫậeèéẻẽẹêềếểễệiìíỉĩịoòóỏõọôồốổỗộơờớởỡợuùúủũụưừứửữựyỳýỷỹỵđ–“”…"
    for name in ("VanThuSerif", "VanThuSerif-Bold", "VanThuSerif-Italic"):
        face = pdfmetrics.getFont(name).face
        missing = [c for c in alphabet + alphabet.upper() if ord(c) not in face.charToGlyph]
        assert missing == []


def test_font_is_embedded(signed: bytes) -> None:
    assert signed.count(b"/FontFile2") == 3


def test_long_paper_takes_a_second_page() -> None:
    pages = [pages_of(make_paper(replace(PAPER, body=PAPER.body * times))) for times in (1, 8)]
    assert pages == [1, 2]


def test_decision_prints_its_kind_and_month_as_the_decree_writes_it() -> None:
    decision = replace(PAPER, kind="QUYẾT ĐỊNH", day=date(2020, 2, 5), addressees=())
    assert pages_of(make_paper(decision)) == 1
    assert make_paper(decision) != make_paper(replace(decision, kind=""))


async def test_papers_can_be_signed_from_async_code(person: Identity, agency: Identity) -> None:
    made = await asyncio.to_thread(sign_paper, make_paper(PAPER), person, agency, SIGNED, SEALED)
    assert len(embedded(made)) == 2


def embedded(pdf: bytes) -> list[EmbeddedPdfSignature]:
    return list(PdfFileReader(io.BytesIO(pdf)).embedded_signatures)


def pages_of(pdf: bytes) -> int:
    return int(PdfFileReader(io.BytesIO(pdf)).root["/Pages"]["/Count"])
