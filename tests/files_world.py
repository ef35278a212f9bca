"""Papers for the tests of the gate: PDFs that were signed by the right and the wrong people on Monday.

``make_papers`` makes them once; ``reading_here`` lets a test's gateway read PDFs in its own process, where
pyHanko is imported once and not for each test.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from pyhanko.pdf_utils.generic import NumberObject
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from gateway.flow import office
from gateway.flow.operate import LOCAL
from gateway.model.text import AgencyCode
from gateway.practice.papers import Paper, make_paper
from gateway.practice.pki import DemoPki, Identity, KeyKind, Knobs
from gateway.services import Services
from gateway.signature.pdf import read_pdf
from gateway.signature.pdf_facts import PdfFacts
from gateway.signature.workers import PdfWorkers
from tests.unit.pdf_world import add_revision, sign_once

H37, H05 = AgencyCode("H37"), AgencyCode("H37.05")
SIGNED_AT = datetime(2020, 4, 13, 7, 30, tzinfo=UTC)  # 14:30 in Vietnam; the gate's clock says 15:30
SEALED_AT = datetime(2020, 4, 13, 8, 5, tzinfo=UTC)
P256 = Knobs(key=KeyKind.P256)
DOCX = b"PK\x03\x04" + b"\0" * 60


@dataclass(frozen=True, slots=True)
class Papers:
    """Files by what is wrong with them, and the PKI behind them."""

    pki: DemoPki
    seal: Identity  # signs whole messages of H37
    register: tuple[tuple[Identity, AgencyCode], ...]
    files: dict[str, bytes]

    async def join(self, gw: Services) -> None:
        """Fill the signer register, and read PDFs in this process."""
        await office.import_signers(gw, LOCAL, [who.signer(agency) for who, agency in self.register])
        reading_here(gw)


class _ReadingHere(PdfWorkers):
    """Workers without processes."""

    async def read_file(self, data: bytes) -> PdfFacts:
        return read_pdf(data)


def reading_here(gw: Services) -> None:
    """PDFs are read in the process of the test."""
    gw.pdf_workers = _ReadingHere()


def make_papers(folder: Path) -> Papers:
    """All papers, with one PKI in ``folder``."""
    pki = DemoPki.create(folder, key=KeyKind.P256)
    person = pki.issue_person("H37", "UBND tỉnh Lạng Sơn", "Nguyễn Văn A", P256)
    agency = pki.issue_agency("H37", "UBND tỉnh Lạng Sơn", P256)
    lost = pki.issue_agency("H37", "UBND tỉnh Lạng Sơn", P256)
    ended = pki.issue_agency("H37", "UBND tỉnh Lạng Sơn", P256)
    other = pki.issue_agency("H37.05", "Sở Y tế", P256)
    unknown = pki.issue_person("H37", "UBND tỉnh Lạng Sơn", "Trần Thị B", P256)
    pki.publish_crls()
    pki.revoke(lost.certificate, datetime(2020, 4, 12, tzinfo=UTC))
    pki.revoke(ended.certificate, datetime(2020, 4, 14, tzinfo=UTC))
    page = make_page()
    leader = sign_once(page, person, "NguoiKy", SIGNED_AT)
    signed = sign_once(leader, agency, "CoQuan", SEALED_AT)
    files = {
        "unsigned": page,
        "leader only": leader,
        "signed": signed,
        "agency only": sign_once(page, agency, "CoQuan", SEALED_AT),
        "wrong order": sign_once(sign_once(page, agency, "CoQuan", SIGNED_AT), person, "NguoiKy", SEALED_AT),
        "tampered": signed.replace(b"%PDF-1.4", b"%PDF-1.5", 1),
        "changed later": add_revision(signed, _turn_page),
        "revoked before": sign_once(leader, lost, "CoQuan", SEALED_AT),
        "revoked after": sign_once(leader, ended, "CoQuan", SEALED_AT),
        "other agency": sign_once(leader, other, "CoQuan", SEALED_AT),
        "unregistered": sign_once(
            sign_once(page, unknown, "NguoiKy", SIGNED_AT), agency, "CoQuan", SEALED_AT
        ),
        "garbage": b"%PDF-1.7 /ByteRange /Page",
        "docx": DOCX,
    }
    register = ((person, H37), (agency, H37), (lost, H37), (ended, H37), (other, H05))
    return Papers(pki, agency, register, files)


def _turn_page(writer: IncrementalPdfFileWriter) -> None:
    page = writer.root["/Pages"]["/Kids"][0]
    page["/Rotate"] = NumberObject(90)
    writer.update_container(page)


def make_page(body: str = "Đề nghị các đơn vị đăng ký nhu cầu kinh phí.", kind: str = "") -> bytes:
    """An unsigned page."""
    return make_paper(
        Paper(
            agency="Ủy ban nhân dân tỉnh Lạng Sơn",
            number="362",
            notation="UBND-KGVX",
            place="Lạng Sơn",
            day=date(2020, 4, 13),
            subject="xây dựng Chính quyền điện tử",
            body=(body,),
            signer_title="Phó Chủ tịch",
            signer_name="Nguyễn Văn A",
            made_at=SIGNED_AT,
            kind=kind,
        )
    )
