"""Sheets as PDF, A4 across, with an embedded font that has Vietnamese.

In charge of: breaking lines and pages, headings that come again on every page, page numbers ("Trang 2/7"),
pictures, the closing statement. Equal sheets give equal bytes. Not in charge of: what stands in the sheets.

Pages are laid out first and drawn then, because the first page already tells how many there are. Tables are
set by hand: reportlab's own take time by the square of their rows, and a register has thousands.
"""

# mypy: disable-error-code="no-untyped-call"
# (reportlab carries few annotations)

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby

from reportlab.graphics import renderPDF
from reportlab.graphics.shapes import Drawing
from reportlab.lib.colors import Color, HexColor, black
from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas

from gateway.compliance.charts import drawing
from gateway.compliance.sheet import Chart, Column, Kind, Row, Sheet, clean, shown, speaking
from gateway.compliance.typeset import broken, width_of
from gateway.exchange_log.fonts import BOLD, FAMILY, ITALIC, register_fonts

WIDTH, HEIGHT = (float(points) for points in landscape(A4))
LEFT, RIGHT, TOP, BOTTOM = float(15 * mm), float(12 * mm), float(13 * mm), float(15 * mm)
INNER = WIDTH - LEFT - RIGHT
SIZE = 8.5  # of the table, in points
PAD = 2.5  # inside a cell, left and right
_GREY, _RULE, _HEAD, _STRONG = (HexColor(code) for code in ("#555555", "#B5BDC7", "#DCE4EE", "#F1F4F8"))
_RED = HexColor("#B00020")
_MIDDLE, _RIGHT, _LEFT = "c", "r", "l"

Draw = Callable[[Canvas], None]


@dataclass(slots=True)
class _Page:
    """What is drawn on one page, in order."""

    sheet: Sheet
    draws: list[Draw] = field(default_factory=list)


def write(sheets: Sequence[Sheet]) -> bytes:
    """The file; every sheet begins on a page of its own."""
    register_fonts()
    stream = io.BytesIO()
    canvas = Canvas(stream, pagesize=(WIDTH, HEIGHT), invariant=1, lang="vi", pageCompression=1)
    canvas.setTitle(clean(sheets[0].title) if sheets else "")
    for page, number, of in _numbered([_Setting(sheet).pages() for sheet in sheets]):
        for draw in page.draws:
            draw(canvas)
        _foot(canvas, page.sheet, number, of)
        canvas.showPage()
    canvas.save()
    return stream.getvalue()


def _numbered(sheets: Sequence[Sequence[_Page]]) -> Iterator[tuple[_Page, int, int]]:
    """Each page with its number and how many there are: through the file, but a register that is closed has
    numbers of its own, because its closing statement says how many pages it has."""
    whole, before = sum(map(len, sheets)), 0
    for pages in sheets:
        own = bool(pages[0].sheet.closing)
        for number, page in enumerate(pages, 1):
            yield (page, number, len(pages)) if own else (page, before + number, whole)
        before += len(pages)


def _foot(canvas: Canvas, sheet: Sheet, number: int, pages: int) -> None:
    say = speaking(sheet.lang)
    canvas.setFont(FAMILY, 8)
    canvas.setFillColor(_RED if sheet.mark else _GREY)
    canvas.drawString(LEFT, 8 * mm, clean(sheet.mark or sheet.subtitle)[:150])
    canvas.setFillColor(_GREY)
    canvas.drawRightString(WIDTH - RIGHT, 8 * mm, f"{say('Trang', 'Page')} {number}/{pages}")


class _Setting:
    """Lays one sheet out, from top to bottom, page after page. ``y`` is the free space's upper edge."""

    def __init__(self, sheet: Sheet) -> None:
        self.sheet = sheet
        self.done = [_Page(sheet)]
        self.y = HEIGHT - TOP
        self.widths = _widths(sheet.columns)

    def pages(self) -> list[_Page]:
        """The laid out pages."""
        self._top()
        if self.sheet.columns:
            self._table()
        for place in range(0, len(self.sheet.charts), 2):
            self._pictures(self.sheet.charts[place : place + 2])
        self._gap(4)
        for text in self.sheet.notes:
            self._words(text, 8.5, font=ITALIC)
        if self.sheet.closing or self.sheet.signers:
            self._closing()
        return self.done

    # -- where on the page

    def _add(self, draw: Draw) -> None:
        self.done[-1].draws.append(draw)

    def _new_page(self) -> None:
        self.done.append(_Page(self.sheet))
        self.y = HEIGHT - TOP

    @property
    def _left(self) -> float:
        """Room on this page, in points."""
        return self.y - BOTTOM

    def _gap(self, points: float) -> None:
        self.y -= points

    # -- text

    def _top(self) -> None:
        sheet = self.sheet
        if sheet.mark:
            self._words(sheet.mark, 9, font=BOLD, colour=_RED, align=_MIDDLE)
        self._words(sheet.title, 14, font=BOLD, align=_MIDDLE)
        if sheet.subtitle:
            self._words(sheet.subtitle, 10, font=ITALIC, align=_MIDDLE)
        self._gap(3)
        self._facts()
        for text in sheet.lead:
            self._words(text, 10)
            self._gap(1)
        self._gap(4)

    def _facts(self) -> None:
        """The head in two columns: names grey, values black."""
        half, column = -(-len(self.sheet.head) // 2), INNER / 2
        for first, second in zip(
            self.sheet.head[:half], [*self.sheet.head[half:], ("", "")][:half], strict=True
        ):
            heights = [
                self._fact(fact, LEFT + place * column, column) for place, fact in enumerate((first, second))
            ]
            self.y -= max(heights)
        self._gap(3)

    def _fact(self, fact: tuple[str, str], x: float, room: float) -> float:
        name, value = fact
        if not name:
            return 0
        label = f"{clean(name)}: "
        indent = width_of(label, FAMILY, 8)
        lines = broken(clean(value), FAMILY, 8, room - indent - 8)
        self._line(label, x, self.y - 9, FAMILY, 8, _GREY)
        for number, line in enumerate(lines):
            self._line(line, x + indent, self.y - 9 - 10 * number, FAMILY, 8, black)
        return 10.5 * len(lines)

    def _words(
        self, text: str, size: float, *, font: str = FAMILY, colour: Color = black, align: str = _LEFT
    ) -> None:
        """A paragraph over the whole width."""
        leading = size * 1.28
        for line in broken(clean(text), font, size, INNER):
            if self._left < leading:
                self._new_page()
            self.y -= leading
            x = WIDTH / 2 if align == _MIDDLE else LEFT
            self._line(line, x, self.y + size * 0.25, font, size, colour, align)

    def _line(
        self, text: str, x: float, y: float, font: str, size: float, colour: Color, align: str = _LEFT
    ) -> None:
        def draw(canvas: Canvas) -> None:
            canvas.setFont(font, size)
            canvas.setFillColor(colour)
            at = {_LEFT: canvas.drawString, _RIGHT: canvas.drawRightString, _MIDDLE: canvas.drawCentredString}
            at[align](x, y, text)

        self._add(draw)

    def _box(self, x: float, y: float, width: float, height: float, fill: Color | None) -> None:
        def draw(canvas: Canvas) -> None:
            canvas.setStrokeColor(_RULE)
            canvas.setLineWidth(0.4)
            if fill is not None:
                canvas.setFillColor(fill)
            canvas.rect(x, y, width, height, stroke=1, fill=0 if fill is None else 1)

        self._add(draw)

    # -- the table

    def _table(self) -> None:
        self._headings()
        rows = self.sheet.rows
        for number, row in enumerate(rows):
            cells = [self._broken(row, place) for place in range(len(row.cells))]
            needed = _height(max(map(len, cells)))
            if row.strong and number + 1 < len(rows):
                needed += _height(1)  # a heading does not stand alone at the end of a page
            splits = needed > self._fresh() / 3 and self._left > _height(4)  # rather than leave a third empty
            if needed > self._left and not splits:
                self._new_page()
                self._headings()
            self._row(row, cells)

    def _broken(self, row: Row, place: int) -> list[str]:
        font = BOLD if row.strong else FAMILY
        return broken(shown(row.cells[place]), font, SIZE, self.widths[place] - 2 * PAD)

    def _row(self, row: Row, cells: list[list[str]]) -> None:
        """One row; one that is higher than a page goes on on the next."""
        while True:
            lines = max(map(len, cells))
            fit = max(1, int((self._left - 2 * PAD) // _leading()))
            self._band(row, [cell[:fit] for cell in cells], min(lines, fit))
            if lines <= fit:
                return
            cells = [cell[fit:] for cell in cells]
            self._new_page()
            self._headings()

    def _band(self, row: Row, cells: list[list[str]], lines: int) -> None:
        height, x = _height(lines), LEFT
        font = BOLD if row.strong else FAMILY
        self.y -= height
        for column, width, cell in zip(self.sheet.columns, self.widths, cells, strict=True):
            self._box(x, self.y, width, height, _STRONG if row.strong else None)
            self._set(cell, column, x, width, self.y + height, font)
            x += width

    def _set(
        self, cell: Iterable[str], column: Column, x: float, width: float, top: float, font: str
    ) -> None:
        right = column.kind is not Kind.TEXT
        at, align = (x + width - PAD, _RIGHT) if right else (x + PAD, _LEFT)
        for number, line in enumerate(cell, 1):
            if line:
                self._line(line, at, top - number * _leading() + 0.5, font, SIZE, black, align)

    def _headings(self) -> None:
        if any(column.group for column in self.sheet.columns):
            self._heading_line(list(self._groups()))
        titles = [
            (column.title, width) for column, width in zip(self.sheet.columns, self.widths, strict=True)
        ]
        self._heading_line(titles)

    def _groups(self) -> Iterator[tuple[str, float]]:
        """Headings above several columns; a column without one has an empty field."""
        pairs = zip(self.sheet.columns, self.widths, strict=True)
        numbered = enumerate(pairs)
        for (group, _), several in groupby(numbered, lambda one: _group_key(one[0], one[1][0])):
            yield group, sum(width for _, (_, width) in several)

    def _heading_line(self, titles: list[tuple[str, float]]) -> None:
        cells = [broken(clean(title), BOLD, 8, width - 2 * PAD) for title, width in titles]
        lines = max(map(len, cells))
        height, x = _height(lines), LEFT
        self.y -= height
        for (_, width), cell in zip(titles, cells, strict=True):
            self._box(x, self.y, width, height, _HEAD)
            above = (lines - len(cell)) * _leading() / 2
            for number, line in enumerate(cell, 1):
                y = self.y + height - above - number * _leading() + 0.5
                self._line(line, x + width / 2, y, BOLD, 8, black, _MIDDLE)
            x += width

    def _fresh(self) -> float:
        """Room for rows on an empty page, below the headings."""
        return HEIGHT - TOP - BOTTOM - 4 * _leading()

    # -- picture and end

    def _pictures(self, charts: Sequence[Chart]) -> None:
        """One over the whole width, or two side by side."""
        height, width = 165.0, INNER / len(charts)
        if self._left < height + 8:
            self._new_page()
        self._gap(height + 8)
        for place, chart in enumerate(charts):
            self._add(partial(_draw, drawing(chart, width, height), LEFT + place * width, self.y))

    def _closing(self) -> None:
        """The statement that closes a register, and who signs below it, together on one page."""
        needed = 14.0 * len(self.sheet.closing) + (75 if self.sheet.signers else 0)
        if self._left < needed:
            self._new_page()
        self._gap(6)
        pages = str(len(self.done))
        for text in self.sheet.closing:
            self._words(text.replace("{pages}", pages), 10)
        self._gap(14)
        share = INNER / max(1, len(self.sheet.signers))
        for place, who in enumerate(self.sheet.signers):
            middle = LEFT + share * (place + 0.5)
            self._line(clean(who), middle, self.y - 6, BOLD, 10, black, _MIDDLE)
        self._gap(60)


def _draw(picture: Drawing, x: float, y: float, canvas: Canvas) -> None:
    renderPDF.draw(picture, canvas, x, y)


def _group_key(number: int, column: Column) -> tuple[str, int]:
    return (column.group, -1) if column.group else ("", number)


def _leading() -> float:
    return SIZE * 1.22


def _height(lines: int) -> float:
    return lines * _leading() + 2 * PAD


def _widths(columns: Sequence[Column]) -> list[float]:
    """Points for each column."""
    whole = sum(column.width for column in columns) or 1
    return [INNER * column.width / whole for column in columns]


__all__ = ["write"]
