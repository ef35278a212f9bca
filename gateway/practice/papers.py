"""Signed papers for the demo: a document on a page, and the two signatures that make it an original.

In charge of: writing a PDF that looks as NĐ 30/2020 Phụ lục I describes (national title, issuing agency,
number and notation, place and date, subject, body, signer), with an embedded font that has Vietnamese, and
signing it twice with pyHanko: the competent person first, then the agency (NĐ 30/2020 Đ5.1, Đ32). Not in
charge of: judging PDF signatures, making keys (``practice/pki``).

The bytes of ``make_paper`` depend only on the paper. Signing takes tens of milliseconds and starts an event
loop of its own: from async code, ``await asyncio.to_thread(sign_paper, …)``.
"""

# mypy: disable-error-code="no-untyped-call"
# (reportlab and pyHanko carry few annotations)

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.keys import load_certs_from_pemder_data
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import SigSeedSubFilter
from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner, Signer
from pyhanko.sign.signers.pdf_signer import PdfSigningSession
from pyhanko_certvalidator.registry import SimpleCertificateStore
from reportlab.lib.enums import TA_CENTER, TA_JUSTIFY, TA_LEFT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Paragraph, SimpleDocTemplate, Table
from reportlab.platypus.flowables import Flowable, Spacer

from gateway.model.text import nfc
from gateway.practice.pki import Identity

_FONTS = Path(__file__).with_name("fonts")
_FAMILY = "VanThuSerif"  # looks like Times New Roman, which NĐ 30/2020 Phụ lục I asks for
_RESERVED = 12288  # hex digits kept free for one CMS signature with three RSA-2048 certificates
_WIDTH = A4[0] - 50 * mm  # A4 less the margins of NĐ 30/2020 Phụ lục I: 30 mm left, 20 mm right


@dataclass(frozen=True, slots=True)
class Paper:
    """What stands on the page. ``number`` and ``notation`` make ``373/UBND-KT``; texts are plain Vietnamese.

    ``made_at`` is the time in the PDF's metadata, and the only time in its bytes.
    """

    agency: str
    number: str
    notation: str
    place: str
    day: date
    subject: str
    body: Sequence[str]
    signer_title: str
    signer_name: str
    made_at: datetime
    parent: str = ""  # the body above the agency, printed over it
    kind: str = ""  # e.g. "QUYẾT ĐỊNH"; "" prints the subject as a công văn does, under the number
    addressees: Sequence[str] = ()  # "Kính gửi" of a công văn
    copies: Sequence[str] = ()  # "Nơi nhận"


def make_paper(paper: Paper) -> bytes:
    """The PDF: one page, or more when the body is long. Equal papers give equal bytes."""
    _register_fonts()
    stream = io.BytesIO()
    template = SimpleDocTemplate(
        stream,
        pagesize=A4,
        leftMargin=30 * mm,
        rightMargin=20 * mm,
        topMargin=20 * mm,
        bottomMargin=20 * mm,
        title=paper.subject,
        author=paper.agency,
        invariant=1,
        lang="vi",
    )
    template.build(list(_flow(paper)), canvasmaker=_dated_canvas(paper.made_at))
    return stream.getvalue()


def sign_paper(
    pdf: bytes, person: Identity, agency: Identity, signed_at: datetime, sealed_at: datetime
) -> bytes:
    """``pdf`` with two signatures: the person's at ``signed_at``, then the agency's at ``sealed_at``.

    Both are ``adbe.pkcs7.detached`` with a signing-time attribute, as the tools in use make them.
    """
    once = _sign(pdf, person, "NguoiKy", signed_at)
    return _sign(once, agency, "CoQuan", sealed_at)


class _HeldKey(Signer):
    """Signs with the key of an identity; pyHanko's own class loads and checks the key for each signature."""

    def __init__(self, identity: Identity) -> None:
        registry = SimpleCertificateStore()
        registry.register_multiple([_asn1(certificate) for certificate in identity.issuers])
        super().__init__(signing_cert=_asn1(identity.certificate), cert_registry=registry)
        self._key = identity.private_key

    async def async_sign_raw(self, data: bytes, digest_algorithm: str, dry_run: bool = False) -> bytes:
        if isinstance(self._key, rsa.RSAPrivateKey):
            return self._key.sign(data, padding.PKCS1v15(), hashes.SHA256())
        return self._key.sign(data, ec.ECDSA(hashes.SHA256()))


class _DatedSigner(PdfSigner):
    """pyHanko's signer with the clock handed in."""

    def __init__(self, metadata: PdfSignatureMetadata, signer: Signer, at: datetime) -> None:
        super().__init__(metadata, signer)
        self._at = at

    def init_signing_session(self, *args: Any, **kwargs: Any) -> PdfSigningSession:
        session = super().init_signing_session(*args, **kwargs)
        session.system_time = self._at
        return session


def _sign(pdf: bytes, identity: Identity, field: str, at: datetime) -> bytes:
    metadata = PdfSignatureMetadata(
        field_name=field, md_algorithm="sha256", subfilter=SigSeedSubFilter.ADOBE_PKCS7_DETACHED
    )
    signer = _DatedSigner(metadata, _HeldKey(identity), at)
    output = io.BytesIO()
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
    signer.sign_pdf(writer, output=output, bytes_reserved=_RESERVED)
    return output.getvalue()


def _asn1(certificate: x509.Certificate) -> Any:
    (converted,) = load_certs_from_pemder_data(certificate.public_bytes(Encoding.DER))
    return converted


def _register_fonts() -> None:
    if _FAMILY in pdfmetrics.getRegisteredFontNames():
        return
    for style, suffix in (("Regular", ""), ("Bold", "-Bold"), ("Italic", "-Italic")):
        pdfmetrics.registerFont(TTFont(f"{_FAMILY}{suffix}", _FONTS / f"{_FAMILY}-{style}.ttf"))
    pdfmetrics.registerFontFamily(
        _FAMILY,
        normal=_FAMILY,
        bold=f"{_FAMILY}-Bold",
        italic=f"{_FAMILY}-Italic",
        boldItalic=f"{_FAMILY}-Bold",
    )


def _dated_canvas(made_at: datetime) -> type[Canvas]:
    """A canvas whose metadata says ``made_at``; reportlab otherwise writes now, or the year 2000."""
    zone = made_at.strftime("%z") or "+0000"
    text = made_at.strftime("D:%Y%m%d%H%M%S") + f"{zone[:3]}'{zone[3:5]}'"

    class DatedCanvas(Canvas):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.setDateFormatter(lambda *_: text)

    return DatedCanvas


def _flow(paper: Paper) -> Iterator[Flowable]:
    """The parts of the page, top to bottom (NĐ 30/2020 Đ8.2)."""
    yield _heading(paper)
    yield Spacer(1, 6 * mm)
    if paper.kind:
        yield _text(f"<b>{_safe(paper.kind)}</b>", 14, TA_CENTER)
        yield _text(f"<b>{_safe(paper.subject)}</b>", 14, TA_CENTER, after=4 * mm)
    if paper.addressees:
        names = "; ".join(_safe(one) for one in paper.addressees)
        yield _text(f"Kính gửi: {names}.", 14, TA_CENTER, after=4 * mm)
    for paragraph in paper.body:
        yield _text(_safe(paragraph), 14, TA_JUSTIFY, indent=10 * mm, after=2 * mm)
    yield Spacer(1, 4 * mm)
    yield _signature_block(paper)


def _heading(paper: Paper) -> Flowable:
    """Agency and number on the left; national title, place and date on the right."""
    left = [_text(_safe(paper.parent.upper()), 12, TA_CENTER)] if paper.parent else []
    left.append(_text(f"<b>{_safe(paper.agency.upper())}</b>", 12, TA_CENTER, after=2 * mm))
    left.append(_text(f"Số: {_safe(paper.number)}/{_safe(paper.notation)}", 13, TA_CENTER))
    if not paper.kind:
        left.append(_text(f"V/v {_safe(paper.subject)}", 12, TA_CENTER))
    # NĐ 30/2020 Phụ lục I: a zero goes before days under 10 and before January and February only
    month = f"{paper.day.month:02d}" if paper.day.month < 3 else str(paper.day.month)
    day = f"ngày {paper.day.day:02d} tháng {month} năm {paper.day.year}"
    right = [
        _text("<b>CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM</b>", 12, TA_CENTER),
        _text("<b>Độc lập - Tự do - Hạnh phúc</b>", 13, TA_CENTER, after=2 * mm),
        _text(f"<i>{_safe(paper.place)}, {day}</i>", 13, TA_CENTER),
    ]
    return _columns(left, right, 0.4)


def _signature_block(paper: Paper) -> Flowable:
    """Copies on the left; title, room for the signature, and name on the right."""
    left = [_text("<b><i>Nơi nhận:</i></b>", 12)] if paper.copies else []
    for index, one in enumerate(paper.copies, start=1):
        left.append(_text(f"- {_safe(one)}{'.' if index == len(paper.copies) else ';'}", 11))
    titles = paper.signer_title.upper().splitlines()
    right = [_text(f"<b>{_safe(line)}</b>", 14, TA_CENTER) for line in titles]
    right.append(Spacer(1, 22 * mm))
    right.append(_text(f"<b>{_safe(paper.signer_name)}</b>", 14, TA_CENTER))
    return _columns(left, right, 0.5)


def _columns(left: list[Flowable], right: list[Flowable], share: float) -> Flowable:
    table = Table([[left, right]], colWidths=[_WIDTH * share, _WIDTH * (1 - share)])
    table.setStyle([("VALIGN", (0, 0), (-1, -1), "TOP"), ("LEFTPADDING", (0, 0), (-1, -1), 0)])
    return table


def _text(markup: str, size: int, align: int = TA_LEFT, indent: float = 0, after: float = 0) -> Flowable:
    """One paragraph; ``size`` and the rest in points."""
    style = ParagraphStyle(
        "paper",
        fontName=_FAMILY,
        fontSize=size,
        leading=size * 1.25,
        alignment=align,
        firstLineIndent=indent,
        spaceAfter=after,
    )
    return Paragraph(markup, style)


def _safe(text: str) -> str:
    """Text for reportlab's own markup; NFC, because the font has no combining accents for every letter."""
    return nfc(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
