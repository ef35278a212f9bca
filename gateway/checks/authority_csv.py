"""The list of authorised signers as CSV. Pure.

In charge of: reading it, with a sentence for the line at fault. Not in charge of: identifier schemes (the
caller hands in how an agency's code becomes canonical), what the rows mean (``authority.py``).
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from datetime import date

from gateway.errors import BadRequest
from gateway.model.agency import Period
from gateway.model.authority import ANY, NONE, PREFIXES, Authority
from gateway.model.text import AgencyCode, Bilingual, nfc

COLUMNS = ("agency", "certificate_sha256", "title", "prefixes", "types", "valid_from", "valid_to", "source")
MALFORMED = "authority.malformed"
_OWN_RIGHT = frozenset({"", "NONE", "KHÔNG"})


def read_authority_csv(text: str, canonical: Callable[[str], AgencyCode]) -> list[Authority]:
    """Rows of a CSV with ``COLUMNS``. ``BadRequest`` names the line at fault.

    ``prefixes``: TM. Q. KT. TL. TUQ. and ``none`` (or empty: in his own right), apart by blanks or signs;
    ``*``: any. ``types``: kinds of documents, apart by semicolons; empty: all. Dates are ``yyyy-mm-dd`` or
    empty (open), both days included. ``canonical`` may raise ``ValueError``.
    """
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    missing = [column for column in COLUMNS if column not in (reader.fieldnames or ())]
    if missing:
        raise BadRequest(_columns(missing), code=MALFORMED)
    rows: dict[tuple[object, ...], Authority] = {}
    for line in reader:
        try:
            row = _row(line, canonical)
            key = row.agency, row.certificate_sha256, row.title, row.types, row.period.start
            if key in rows:
                raise ValueError("the same row stands twice")
        except (ValueError, AttributeError) as problem:  # AttributeError: a line with too few cells
            raise BadRequest(_line(reader.line_num, problem), code=MALFORMED) from problem
        rows[key] = row
    if not rows:
        raise BadRequest(_EMPTY, code=MALFORMED)
    return list(rows.values())


def _row(line: dict[str, str], canonical: Callable[[str], AgencyCode]) -> Authority:
    digest = line["certificate_sha256"].strip().lower().replace(":", "")
    title, source = nfc(line["title"].strip()), nfc(line["source"].strip())
    if digest and len(bytes.fromhex(digest)) != 32:
        raise ValueError("certificate_sha256 needs 64 hex digits")
    if not (digest or title):
        raise ValueError("certificate_sha256 or title is needed")
    if not source:
        raise ValueError("source is missing: name the decision")
    start, end = _day(line["valid_from"]), _day(line["valid_to"])
    if start and end and end < start:
        raise ValueError("valid_to is before valid_from")
    types = tuple(nfc(name.strip()) for name in line["types"].split(";") if name.strip())
    agency = canonical(line["agency"].strip())
    return Authority(agency, digest, title, _prefixes(line["prefixes"]), types, Period(start, end), source)


def _prefixes(text: str) -> tuple[str, ...]:
    words = dict.fromkeys(word.upper() for word in re.split(r"[\s.,;/|]+", nfc(text)) if word)
    found = []
    for word in words or {"": None}:
        if word in _OWN_RIGHT:
            found.append(NONE)
        elif word in PREFIXES or word == ANY:
            found.append(word)
        else:
            raise ValueError(f"unknown prefix {word}")
    return tuple(found)


def _day(text: str) -> date | None:
    return date.fromisoformat(text.strip()) if text.strip() else None


_EMPTY = Bilingual(
    "Tệp danh sách người có thẩm quyền ký không có dòng nào.", "The list of authorised signers has no row."
)


def _columns(missing: list[str]) -> Bilingual:
    names = ", ".join(missing)
    return Bilingual(
        f"Tệp danh sách người có thẩm quyền ký thiếu cột: {names}.",
        f"The list of authorised signers lacks these columns: {names}.",
    )


def _line(line: int, problem: Exception) -> Bilingual:
    return Bilingual(
        f"Tệp danh sách người có thẩm quyền ký sai ở dòng {line}: {problem}. Hãy sửa dòng này rồi nạp lại.",
        f"The list of authorised signers is wrong in line {line}: {problem}. Correct it and load it again.",
    )
