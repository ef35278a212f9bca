"""Lines of an import file, before anybody believes them.

In charge of: turning CSV or JSON text into ``RawRow`` values with their line numbers, and reading single
cells (dates, yes or no, aliases). Not in charge of: whether the rows make a directory (``load.py``).
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any

from gateway.directory import codes
from gateway.errors import BadRequest
from gateway.model.agency import Period
from gateway.model.text import Bilingual, nfc

REQUIRED = ("code", "name", "level")
YES = frozenset({"1", "true", "yes", "x", "có"})
NO = frozenset({"", "0", "false", "no", "không"})
_DATE_FORMS = ("%Y-%m-%d", "%Y/%m/%d", "%d/%m/%Y")
_ALIAS = re.compile(r"(?:(qcvn102|qd20|vxp|other):)?([^@|]+?)(?:@([^@]*?)\.\.([^@]*))?")


@dataclass(frozen=True, slots=True)
class RawRow:
    """One line as text: NFC, stripped. ``line`` counts the header as 1; in JSON it is the item's position."""

    line: int
    code: str = ""
    name: str = ""
    level: str = ""
    parent: str = ""
    aliases: str = ""
    valid_from: str = ""
    valid_to: str = ""
    successors: str = ""
    succession_kind: str = ""
    test: str = ""
    made_up: str = ""
    certificates_until: str = ""


COLUMNS = tuple(f.name for f in fields(RawRow) if f.name != "line")


def read_rows(text: str, format: str) -> Iterator[RawRow]:
    """The rows of a ``csv`` or ``json`` text. ``BadRequest`` when the file as a whole cannot be read."""
    if format == "csv":
        return _csv_rows(text.removeprefix("\ufeff"))
    if format == "json":
        return _json_rows(text.removeprefix("\ufeff"))
    raise _unreadable(f"định dạng {format} không được hỗ trợ", f"format {format} is not supported")


def _csv_rows(text: str) -> Iterator[RawRow]:
    header = text.partition("\n")[0]
    delimiter = ";" if header.count(";") > header.count(",") else ","  # Excel in Vietnamese writes ';'
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        known = [name.strip().lower() for name in reader.fieldnames or ()]
        if missing := [name for name in REQUIRED if name not in known]:
            named = ", ".join(missing)
            raise _unreadable(f"thiếu cột {named} ở dòng đầu", f"the first line lacks the columns {named}")
        reader.fieldnames = known
        for cells in reader:
            if None in cells:
                raise _unreadable(
                    f"dòng {reader.line_num} có nhiều ô hơn số cột",
                    f"line {reader.line_num} has too many cells",
                )
            if any(cells.values()):
                yield _row(reader.line_num, cells)
    except csv.Error as error:
        line = reader.line_num + 1  # the line that failed was not counted
        raise _unreadable(f"dòng {line} không đúng dạng CSV", f"line {line} is not CSV: {error}") from error


def _json_rows(text: str) -> Iterator[RawRow]:
    try:
        loaded = json.loads(text)
    except ValueError as error:
        raise _unreadable("không đúng dạng JSON", f"it is not JSON: {error}") from error
    items = loaded.get("agencies") if isinstance(loaded, dict) else loaded
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise _unreadable(
            'cần một danh sách đối tượng, hoặc {"agencies": […]}',
            'a list of objects or {"agencies": […]} is needed',
        )
    for position, item in enumerate(items, 1):
        yield _row(position, item)


def _row(line: int, cells: Mapping[str, Any]) -> RawRow:
    return RawRow(line, *(_cell(cells.get(column)) for column in COLUMNS))


def _cell(value: Any) -> str:
    """Text of a cell; a JSON list becomes the CSV form, joined by ``|``."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else ""
    if isinstance(value, list):
        return "|".join(_cell(item) for item in value)
    if isinstance(value, dict):  # an alias written as an object
        scheme, start, end = (_cell(value.get(key)) for key in ("scheme", "from", "to"))
        dates = f"@{start}..{end}" if start or end else ""
        return f"{scheme}{':' if scheme else ''}{_cell(value.get('alias'))}{dates}"
    return nfc(str(value)).strip()


def read_date(text: str) -> date | None:
    """``2020-04-13``, ``2020/04/13`` or ``13/04/2020``; empty is ``None``. ``ValueError`` for the rest."""
    if not text:
        return None
    for form in _DATE_FORMS:
        try:
            return datetime.strptime(text, form).date()
        except ValueError:
            continue
    raise ValueError(text)


def read_flag(text: str) -> bool:
    """Yes or no in the words of ``YES`` and ``NO``. ``ValueError`` for anything else."""
    word = text.lower()
    if word not in YES | NO:
        raise ValueError(text)
    return word in YES


def read_alias(text: str) -> tuple[str, str, Period]:
    """``[scheme:]alias[@from..to]`` -> (alias, scheme, period). The shape decides a scheme not named."""
    match = _ALIAS.fullmatch(text)
    if match is None:
        raise ValueError(text)
    scheme, alias, start, end = match.groups()
    return alias, scheme or codes.scheme_of(alias), Period(read_date(start or ""), read_date(end or ""))


def split(cell: str) -> list[str]:
    """Values of a cell that holds several, separated by ``|``."""
    return [value.strip() for value in cell.split("|") if value.strip()]


def _unreadable(vi: str, en: str) -> BadRequest:
    text = Bilingual(f"Không đọc được tệp danh mục cơ quan: {vi}.", f"The agency file cannot be read: {en}.")
    return BadRequest(text, code="directory.unreadable")
