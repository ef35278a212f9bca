"""Breaking text into lines of a width, with the widths of the embedded font.

In charge of: lines that never run out of their column, also for words that are longer than it (hashes, ids).
Not in charge of: drawing.
"""

# mypy: disable-error-code="no-untyped-call"
# (reportlab carries few annotations)

from __future__ import annotations

import re
from functools import lru_cache

from reportlab.pdfbase import pdfmetrics

# After these an id or a path may be broken without a hyphen.
_PIECES = re.compile(r"[^-/.,;_:]*[-/.,;_:]|[^-/.,;_:]+")


def width_of(text: str, font: str, size: float) -> float:
    """Points."""
    return float(pdfmetrics.stringWidth(text, font, size))


@lru_cache(maxsize=4096)
def _cached(text: str, font: str, size: float, room: float) -> tuple[str, ...]:
    if width_of(text, font, size) <= room:
        return (text,)
    lines, line = [], ""
    for word in text.split(" "):
        longer = f"{line} {word}" if line else word
        if width_of(longer, font, size) <= room:
            line = longer
            continue
        if line and width_of(word, font, size) <= room:
            lines.append(line)
            line = word
            continue
        *full, line = _pieces(longer, font, size, room)
        lines += full
    return (*lines, line)


def _pieces(text: str, font: str, size: float, room: float) -> list[str]:
    """A text with a word that is too long, filled into lines: after a separator, else anywhere."""
    lines = [""]
    for piece in _PIECES.findall(text):
        if width_of(lines[-1] + piece, font, size) <= room:
            lines[-1] += piece
        elif width_of(piece, font, size) <= room:
            lines.append(piece)
        else:
            _letters(lines, piece, font, size, room)
    return [line for line in (one.strip() for one in lines) if line] or [""]


def _letters(lines: list[str], piece: str, font: str, size: float, room: float) -> None:
    for letter in piece:
        if lines[-1] and width_of(lines[-1] + letter, font, size) > room:
            lines.append("")
        lines[-1] += letter


def broken(text: str, font: str, size: float, room: float) -> list[str]:
    """The lines of a text, each at most ``room`` points wide (but at least one letter)."""
    return list(_cached(text, font, size, room))


__all__ = ["broken", "width_of"]
