"""Dates, flags and numbers in the forms that real senders use.

In charge of: reading one value; what cannot be read stays as text. Not in charge of: which field it is.
Source: reference section 1.5 (forms seen in traffic), 2.2 (urgency).
"""

from __future__ import annotations

import re
from datetime import date

from gateway.model.envelope import DateText

_YEAR_FIRST = re.compile(r"(\d{4})([/.-])(\d{1,2})\2(\d{1,2})(?:[T ].*)?", re.ASCII | re.DOTALL)
_DAY_FIRST = re.compile(r"(\d{1,2})([/.-])(\d{1,2})\2(\d{4})(?:[T ].*)?", re.ASCII | re.DOTALL)
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})", re.ASCII)
_OLDEST = 1900  # .NET writes 0001-01-01 for "no date"


def read_date(raw: str) -> DateText:
    """yyyy/MM/dd as the standard says; also dd/MM/yyyy, ``-`` or ``.`` between, a time behind, yyyyMMdd.

    An impossible date (2014/02/30 occurs in the national samples) keeps its text and has no value.
    """
    if not raw:
        return DateText()
    parts = _numbers(raw)
    if parts is None or parts[0] < _OLDEST:
        return DateText(raw)
    try:
        return DateText(raw, date(*parts))
    except ValueError:
        return DateText(raw)


def _numbers(raw: str) -> tuple[int, int, int] | None:
    if match := _YEAR_FIRST.fullmatch(raw):
        return int(match[1]), int(match[3]), int(match[4])
    if match := _DAY_FIRST.fullmatch(raw):
        return int(match[4]), int(match[3]), int(match[1])
    if match := _COMPACT.fullmatch(raw):
        return int(match[1]), int(match[2]), int(match[3])
    return None


def read_flag(text: str) -> bool:
    """``true`` or ``1`` in any letter case; everything else, also nothing, is false."""
    return text.lower() in ("true", "1")


def read_priority(text: str) -> int:
    """0 thường … 4 hỏa tốc hẹn giờ; 0 for anything else."""
    return int(text) if text in ("0", "1", "2", "3", "4") else 0
