"""The page of an evidence container as PDF on A4, with an embedded font that has Vietnamese.

In charge of: setting the blocks of a page. Equal pages give equal bytes. Not in charge of: what they say.
"""

# mypy: disable-error-code="no-untyped-call"
# (reportlab carries few annotations)

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

from reportlab.lib.colors import HexColor, black
from reportlab.lib.enums import TA_CENTER, TA_LEFT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Paragraph, SimpleDocTemplate, Table
from reportlab.platypus.flowables import CondPageBreak, Flowable, HRFlowable, KeepTogether, Spacer

from gateway.clock import local
from gateway.exchange_log.evidence_page import Block, Facts, Fate, Grid, Heading, Page, Words
from gateway.exchange_log.fonts import FAMILY, register_fonts
from gateway.model.text import nfc

_LEFT, _RIGHT = 20 * mm, 16 * mm
_PADDING = 6  # points on each side inside reportlab's frame
_WIDTH = A4[0] - _LEFT - _RIGHT - 2 * _PADDING
_GREY, _LINE = HexColor("#555555"), HexColor("#bbbbbb")
_FACT = 46 * mm  # width of the names beside facts


def pdf_of(page: Page) -> bytes:
    """The whole page, on as many sheets as it needs."""
    register_fonts()
    stream = io.BytesIO()
    template = SimpleDocTemplate(
        stream,
        pagesize=A4,
        leftMargin=_LEFT,
        rightMargin=_RIGHT,
        topMargin=16 * mm,
        bottomMargin=18 * mm,
        title=page.title,
        author=page.foot,
        invariant=1,
        lang="vi",
    )
    date = local(page.made_at).strftime("D:%Y%m%d%H%M%S+07'00'")

    class Dated(Canvas):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.setDateFormatter(lambda *_: date)

    def foot(canvas: Canvas, document: Any) -> None:
        canvas.saveState()
        canvas.setFont(FAMILY, 8)
        canvas.setFillColor(_GREY)
        canvas.drawString(_LEFT + _PADDING, 10 * mm, nfc(page.foot))
        canvas.drawRightString(A4[0] - _RIGHT - _PADDING, 10 * mm, f"Trang {document.page}")
        canvas.restoreState()

    template.build(list(_flow(page)), onFirstPage=foot, onLaterPages=foot, canvasmaker=Dated)
    return stream.getvalue()


def _flow(page: Page) -> Iterator[Flowable]:
    yield _text(f"<b>{_safe(page.title)}</b>", 15, center=True, after=1 * mm)
    yield _text(f"<i>{_safe(page.subtitle)}</i>", 10, center=True, after=4 * mm)
    for block in page.blocks:
        yield from _set(block)


def _set(block: Block) -> Iterator[Flowable]:
    match block:
        case Heading(text):
            yield CondPageBreak(30 * mm)  # not alone at the end of a sheet
            yield Spacer(1, 4 * mm)
            yield _text(f"<b>{_safe(text)}</b>", 11.5)
            yield HRFlowable(width="100%", thickness=0.5, color=_GREY, spaceBefore=1, spaceAfter=2 * mm)
        case Words(text):
            yield _text(_safe(text), 10, after=1.5 * mm)
        case Facts(rows):
            yield _facts(rows)
            yield Spacer(1, 2 * mm)
        case Fate(recipient, conclusion, steps):
            parts: list[Flowable] = [
                _text(f"<b>{_safe(recipient)}</b>", 10.5),
                _text(f"<b>{_safe(conclusion)}</b>", 10, indent=4 * mm),
                *(_text(f"• {_safe(step)}", 9.5, indent=4 * mm, hanging=5) for step in steps),
                Spacer(1, 2 * mm),
            ]
            yield KeepTogether(parts)
        case Grid(headings, widths, rows):
            yield _grid(headings, widths, rows)


def _facts(rows: tuple[tuple[str, str], ...]) -> Flowable:
    lines = [[_text(_safe(name), 10, grey=True), _text(_safe(value), 10)] for name, value in rows]
    table = Table(lines, colWidths=[_FACT, _WIDTH - _FACT], hAlign="LEFT")
    table.setStyle([*_PLAIN, ("BOTTOMPADDING", (0, 0), (-1, -1), 1.5), ("TOPPADDING", (0, 0), (-1, -1), 0)])
    return table


def _grid(
    headings: tuple[str, ...], widths: tuple[float, ...], rows: tuple[tuple[str, ...], ...]
) -> Flowable:
    lines = [[_text(f"<b>{_safe(one)}</b>", 9) for one in headings]]
    lines += [[_text(_safe(cell), 9) for cell in row] for row in rows]
    table = Table(lines, colWidths=[_WIDTH * share for share in widths], repeatRows=1, hAlign="LEFT")
    rule = ("LINEBELOW", (0, 0), (-1, -1), 0.3, _LINE)
    table.setStyle(
        [*_PLAIN, rule, ("BOTTOMPADDING", (0, 0), (-1, -1), 2), ("TOPPADDING", (0, 0), (-1, -1), 1)]
    )
    return table


_PLAIN = (
    ("VALIGN", (0, 0), (-1, -1), "TOP"),
    ("LEFTPADDING", (0, 0), (-1, -1), 0),
    ("RIGHTPADDING", (0, 0), (-1, -1), 6),
)


def _text(
    markup: str,
    size: float,
    *,
    center: bool = False,
    grey: bool = False,
    indent: float = 0,
    hanging: float = 0,
    after: float = 0,
) -> Flowable:
    """One paragraph; sizes in points. Long hashes and ids break anywhere rather than leave the sheet."""
    style = ParagraphStyle(
        "evidence",
        fontName=FAMILY,
        fontSize=size,
        leading=size * 1.3,
        leftIndent=indent + hanging,
        firstLineIndent=-hanging,
        spaceAfter=after,
        splitLongWords=1,
        alignment=TA_CENTER if center else TA_LEFT,
        textColor=_GREY if grey else black,
    )
    return Paragraph(markup, style)


def _safe(text: str) -> str:
    """Text for reportlab's own markup; NFC, because the font has no combining accents for every letter."""
    return nfc(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


__all__ = ["pdf_of"]
