"""Sheets as a workbook (XlsxWriter).

In charge of: cells that are real numbers and real dates, text that stays text whatever it begins with, frozen
headings, and a page set up for printing. Equal sheets give equal bytes. Not in charge of: what stands in the
sheets.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from gateway.compliance.plain import FORMULA_SIGNS
from gateway.compliance.sheet import (
    EMPTY,
    SMALL_MARK,
    Cell,
    Chart,
    Kind,
    Link,
    Ratio,
    Sheet,
    Tenths,
    clean,
    shown,
)

MOST_LETTERS = 32_000  # a cell holds 32 767
MOST_ROWS = 1_000_000  # a sheet holds 1 048 576
_BAD_NAME = str.maketrans(dict.fromkeys("[]:*?/\\'", "-"))
_FONT = "Times New Roman"  # what NĐ 30/2020 PL I prescribes for documents; every office has it
_FORMATS = {
    Kind.COUNT: "#,##0",
    Kind.RATE: r"0.0\ %",
    Kind.POINTS: "+0.0;-0.0;0.0",
    Kind.SCORE: "0.0",
    Kind.DAY: "dd/mm/yyyy",
    Kind.MOMENT: "dd/mm/yyyy hh:mm",
}
_SMALL_RATE = rf'0.0\ %"{SMALL_MARK}"'
_EPOCH = datetime(2020, 1, 1)  # of the file's own properties, so that equal sheets give equal bytes


def write(sheets: Sequence[Sheet]) -> bytes:
    """The workbook, one tab for each sheet. ``ValueError`` for more rows than a sheet can hold."""
    import xlsxwriter  # a server starts without it

    stream = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    book = xlsxwriter.Workbook(stream, options)
    book.set_properties({"title": sheets[0].title if sheets else "", "created": _EPOCH})
    styles = _Styles(book)
    names: set[str] = set()
    for sheet in sheets:
        if len(sheet.rows) > MOST_ROWS:
            raise ValueError(f"{sheet.name}: {len(sheet.rows)} rows are more than a sheet holds")
        _Tab(book, styles, sheet, _tab_name(sheet.name, names)).write()
    book.close()
    return stream.getvalue()


def _tab_name(name: str, taken: set[str]) -> str:
    """At most 31 letters, none of those that are refused, and no second one alike."""
    base = clean(name).translate(_BAD_NAME)[:31].strip() or "1"
    found, number = base, 1
    while found.lower() in taken:
        number += 1
        found = f"{base[:27]} {number}"
    taken.add(found.lower())
    return found


@dataclass(slots=True)
class _Styles:
    """Cell formats, made once each."""

    book: Any
    made: dict[tuple[tuple[str, Any], ...], Any] = field(default_factory=dict)

    def get(self, **properties: Any) -> Any:
        """The format with these properties."""
        key = tuple(sorted(properties.items()))
        if key not in self.made:
            self.made[key] = self.book.add_format({"font_name": _FONT, "valign": "top", **properties})
        return self.made[key]

    def cell(self, kind: Kind, strong: bool, **more: Any) -> Any:
        """The format of a cell of the table."""
        properties: dict[str, Any] = {"border": 1, "border_color": "#BBBBBB", **more}
        if strong:
            properties |= {"bold": True, "bg_color": "#EEF2F7"}
        if kind is Kind.TEXT:
            return self.get(text_wrap=True, **properties)
        return self.get(**{"num_format": _FORMATS[kind], "align": "right"} | properties)


class _Tab:
    """One sheet, written from top to bottom."""

    def __init__(self, book: Any, styles: _Styles, sheet: Sheet, name: str) -> None:
        self.book, self.styles, self.sheet, self.name = book, styles, sheet, name
        self.tab = book.add_worksheet(name)
        self.line = 0
        self.last = len(sheet.columns) - 1

    def write(self) -> None:
        """Everything."""
        self._head()
        first = self._headings()
        for row in self.sheet.rows:
            for number, (column, cell) in enumerate(zip(self.sheet.columns, row.cells, strict=True)):
                self._cell(number, column.kind, cell, row.strong)
            self.line += 1
        self._foot()
        self._page(first)
        for number, chart in enumerate(self.sheet.charts):
            _picture(self.book, self.tab, chart, self.line + 1 + 18 * number, f"{self.name}".replace("'", ""))

    def _head(self) -> None:
        sheet, get = self.sheet, self.styles.get
        if sheet.mark:
            self._sentence(sheet.mark, get(bold=True, font_color="#B00020"))
        self._sentence(sheet.title, get(bold=True, font_size=14))
        if sheet.subtitle:
            self._sentence(sheet.subtitle, get(italic=True))
        for name, value in sheet.head:
            self._text(self.line, 0, f"{name}: {value}", get(font_color="#444444"))
            self.line += 1
        for text in sheet.lead:
            self._sentence(text, get(text_wrap=True))
        self.line += 1

    def _headings(self) -> int:
        """The headings, in two lines where columns have a common one; the line of the last."""
        columns = self.sheet.columns
        style = self.styles.get(
            bold=True, text_wrap=True, align="center", border=1, bg_color="#DCE4EE", valign="vcenter"
        )
        if any(column.group for column in columns):
            self._groups(style)
            self.line += 1
        for number, column in enumerate(columns):
            self._text(self.line, number, column.title, style)
            self.tab.set_column(number, number, max(6.0, column.width))
        self.line += 1
        return self.line - 1

    def _groups(self, style: Any) -> None:
        columns, start = self.sheet.columns, 0
        while start <= self.last:
            stop = start
            while stop < self.last and columns[stop + 1].group == columns[start].group != "":
                stop += 1
            if stop > start:
                self.tab.merge_range(self.line, start, self.line, stop, "", style)
            self._text(self.line, start, columns[start].group, style)
            start = stop + 1

    def _cell(self, number: int, kind: Kind, cell: Cell, strong: bool) -> None:
        style = self.styles.cell(kind, strong)
        match cell:
            case Ratio() if cell.tenths is not None:
                if cell.small:
                    style = self.styles.cell(kind, strong, num_format=_SMALL_RATE)
                self.tab.write_number(self.line, number, cell.tenths / 1000, style)
            case Tenths(value, _):
                self.tab.write_number(self.line, number, value / 10, style)
            case datetime() | date():
                self.tab.write_datetime(self.line, number, cell, style)
            case int():
                self.tab.write_number(self.line, number, cell, style)
            case Link(text, target):
                self._link(number, text, target, strong)
            case _:
                self._text(self.line, number, EMPTY if isinstance(cell, Ratio) else shown(cell), style)

    def _link(self, number: int, text: str, target: str, strong: bool) -> None:
        style = self.styles.cell(Kind.TEXT, strong, font_color="#0B57D0", underline=1)
        if target.startswith(("https://", "http://")) and len(target) < 2000:
            self.tab.write_url(self.line, number, target, style, clean(text)[:255])
        else:
            self._text(self.line, number, text, self.styles.cell(Kind.TEXT, strong))

    def _text(self, line: int, number: int, text: str, style: Any) -> None:
        """Text that stays text: also when somebody edits the cell later (``quote_prefix``)."""
        text = clean(text)
        if len(text) > MOST_LETTERS:
            text = text[:MOST_LETTERS] + "…"
        if text.startswith(FORMULA_SIGNS):
            style = self._quoted(style)
        self.tab.write_string(line, number, text, style)

    def _quoted(self, style: Any) -> Any:
        properties = next(key for key, made in self.styles.made.items() if made is style)
        return self.styles.get(**dict(properties), quote_prefix=True)

    def _sentence(self, text: str, style: Any) -> None:
        """Text over the whole width."""
        if self.last > 0:
            self.tab.merge_range(self.line, 0, self.line, self.last, "", style)
        self._text(self.line, 0, text, style)
        width = sum(max(6.0, column.width) for column in self.sheet.columns)
        lines = -(-len(text) // max(1, int(width * 1.1)))
        if lines > 1:
            self.tab.set_row(self.line, 15.0 * lines)
        self.line += 1

    def _foot(self) -> None:
        self.line += 1
        wrapped = self.styles.get(text_wrap=True)
        for text in self.sheet.notes:
            self._sentence(text, self.styles.get(text_wrap=True, italic=True))
        for text in self.sheet.closing:
            self._sentence(text.replace("{pages}", "…"), wrapped)
        signers = self.sheet.signers
        if signers:
            self.line += 1
            step = max(1, (self.last + 1) // len(signers))
            for place, who in enumerate(signers):
                self._text(
                    self.line, min(self.last, place * step), who, self.styles.get(bold=True, align="center")
                )
            self.line += 5

    def _page(self, headings: int) -> None:
        tab = self.tab
        tab.freeze_panes(headings + 1, 0)
        tab.repeat_rows(headings)
        if self.sheet.rows:
            tab.autofilter(headings, 0, headings + len(self.sheet.rows), self.last)
        tab.set_paper(9)  # A4
        tab.set_landscape()
        tab.fit_to_pages(1, 0)
        tab.set_margins(0.5, 0.5, 0.6, 0.6)
        tab.set_footer("&L&8" + clean(self.sheet.mark).replace("&", "&&")[:200] + "&R&8&P/&N")


def _picture(book: Any, tab: Any, chart: Chart, line: int, name: str) -> None:
    """A chart of the book's own, over values that stand in a hidden sheet."""
    values = book.add_worksheet(f"~{len(book.worksheets())}")
    values.hide()
    for place, category in enumerate(chart.categories, 1):
        values.write_string(place, 0, clean(category))
    drawn = book.add_chart({"type": "line" if chart.lines else "column"})
    for place, series in enumerate(chart.series, 1):
        values.write_string(0, place, clean(series.name))
        for row, value in enumerate(series.values, 1):
            if value is not None:
                values.write_number(row, place, value / 100)
        last = len(chart.categories)
        drawn.add_series(
            {
                "name": [values.get_name(), 0, place],
                "categories": [values.get_name(), 1, 0, last, 0],
                "values": [values.get_name(), 1, place, last, place],
            }
        )
    drawn.set_title({"name": clean(chart.title), "name_font": {"size": 11}})
    drawn.set_y_axis({"num_format": "0%", "max": 1})
    drawn.set_size({"width": 760, "height": 340})
    tab.insert_chart(line, 0, drawn)


__all__ = ["write"]
