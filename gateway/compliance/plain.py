"""Sheets as CSV and as JSON.

In charge of: CSV that a Vietnamese spreadsheet opens with a double click (UTF-8 with BOM, semicolons) and in
which no text is ever a formula, and JSON for programs. Not in charge of: what stands in the sheets.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

import orjson

from gateway.compliance.sheet import Cell, Link, Ratio, Row, Sheet, Tenths, clean, shown

BOM = "\ufeff"
# A spreadsheet takes text that begins so for a formula, also after white space (OWASP, CSV injection).
FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def csv_text(sheets: Sequence[Sheet]) -> str:
    """All sheets below each other, an empty line between them. Counts are plain digits (a point means
    another thing elsewhere), rates as they print."""
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter=";", lineterminator="\r\n")
    for number, sheet in enumerate(sheets):
        if number:
            writer.writerow([])
        writer.writerows(_lines(sheet))
    return BOM + stream.getvalue()


def _lines(sheet: Sheet) -> Iterator[list[str]]:
    for text in filter(None, (sheet.mark, sheet.title, sheet.subtitle)):
        yield [harmless(text)]
    yield from ([harmless(name), harmless(value)] for name, value in sheet.head)
    yield from ([harmless(text)] for text in sheet.lead)
    yield [harmless(_full(column.group, column.title)) for column in sheet.columns]
    for row in sheet.rows:
        yield [_csv_cell(cell) for cell in row.cells]
    for text in (*sheet.notes, *sheet.closing):
        yield [harmless(text)]


def _full(group: str, title: str) -> str:
    return f"{group}: {title}" if group else title


def _csv_cell(cell: Cell) -> str:
    if isinstance(cell, int):
        return str(cell)
    if isinstance(cell, Ratio | Tenths | date):  # our own numbers: a minus there is a minus
        return shown(cell)
    return harmless(shown(cell))


def harmless(text: str) -> str:
    """Text that no spreadsheet takes for a formula: an apostrophe goes before what could be one."""
    text = clean(text)
    return f"'{text}" if text.startswith(FORMULA_SIGNS) else text


def json_text(sheets: Sequence[Sheet]) -> bytes:
    """``{"sheets": [{"name", "title", "head", "columns", "rows", …}]}``; a rate is an object with its
    numerator, denominator and text; an unknown value is ``null``."""
    return orjson.dumps({"sheets": [_json_sheet(sheet) for sheet in sheets]}, option=orjson.OPT_INDENT_2)


def _json_sheet(sheet: Sheet) -> dict[str, Any]:
    return {
        "name": sheet.name,
        "title": sheet.title,
        "subtitle": sheet.subtitle,
        "mark": sheet.mark,
        "head": [{"name": name, "value": value} for name, value in sheet.head],
        "lead": list(sheet.lead),
        "columns": [
            {"title": column.title, "group": column.group, "kind": column.kind.value}
            for column in sheet.columns
        ],
        "rows": [_json_row(row) for row in sheet.rows],
        "notes": list(sheet.notes),
        "closing": list(sheet.closing),
    }


def _json_row(row: Row) -> dict[str, Any]:
    return {"strong": row.strong, "cells": [_json_cell(cell) for cell in row.cells]}


def _json_cell(cell: Cell) -> Any:
    match cell:
        case Ratio(numerator, denominator, sure):
            return {
                "numerator": numerator,
                "denominator": denominator,
                "estimate": not sure,
                "small": cell.small,
                "text": shown(cell),
            }
        case Tenths(value, _):
            return value / 10
        case Link(text, target):
            return {"text": clean(text), "href": target}
        case date():  # a datetime is one too
            return cell.isoformat()
        case str():
            return clean(cell)
    return cell


__all__ = ["BOM", "csv_text", "harmless", "json_text"]
