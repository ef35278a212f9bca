"""A sheet of a report: title, head, columns, rows, notes, a picture and a closing statement.

In charge of: the shape that every form is made into and every writer takes, and how a cell prints (97,3 %,
1.234, 23/11/2026, "—"). Not in charge of: what stands in the rows (``forms_*.py``, ``registers.py``) or the
file formats (``plain.py``, ``xlsx.py``, ``report_pdf.py``).
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime

from gateway.model.text import Bilingual, nfc, readable

EMPTY = "—"  # of an empty denominator, and of a value that nobody knows: never 0 % and never 100 %
SMALL = 20  # a rate over fewer is marked
SMALL_MARK = "*"
LANGUAGES = ("vi", "en")


class Kind(enum.Enum):
    """What stands in a column; decides alignment and number format."""

    TEXT = "text"
    COUNT = "count"
    RATE = "rate"
    POINTS = "points"  # change of a rate in percentage points
    SCORE = "score"
    DAY = "day"
    MOMENT = "moment"  # a day and a time of day, Vietnamese


@dataclass(frozen=True, slots=True)
class Ratio:
    """A rate with what it was made of. ``sure`` is false where the denominator is an estimate."""

    numerator: int
    denominator: int
    sure: bool = True

    @property
    def tenths(self) -> int | None:
        """Tenths of a percent, rounded half up; ``None`` for an empty denominator. What is not 100 % gives
        at most 999, what is not 0 at least 1 (docs/figures.md, Rates)."""
        if self.denominator <= 0:
            return None
        rounded = (2000 * self.numerator + self.denominator) // (2 * self.denominator)
        if 0 < self.numerator < self.denominator:
            return min(999, max(1, rounded))
        return rounded

    @property
    def small(self) -> bool:
        """True where the denominator is too small to say much."""
        return 0 < self.denominator < SMALL


@dataclass(frozen=True, slots=True)
class Tenths:
    """A number with one decimal: points of change (``signed``) or a score."""

    value: int
    signed: bool = False


@dataclass(frozen=True, slots=True)
class Link:
    """Text that leads somewhere. ``target`` is an address of this gateway, or a path below it."""

    text: str
    target: str


Cell = str | int | Ratio | Tenths | Link | date | datetime | None


@dataclass(frozen=True, slots=True)
class Column:
    """``width``: its share of the sheet, about as many letters. ``group``: a heading above several."""

    title: str
    kind: Kind = Kind.TEXT
    width: float = 10
    group: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One line. ``strong``: a total, or the heading of what follows."""

    cells: tuple[Cell, ...]
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Series:
    """One colour of a picture; a value of ``None`` is not drawn. Values are percent."""

    name: str
    values: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """Percentages as bars (side by side for each category) or as lines (from one category to the next)."""

    title: str
    categories: tuple[str, ...]
    series: tuple[Series, ...]
    lines: bool = False


@dataclass(frozen=True, slots=True)
class Sheet:
    """One table of a form. ``name`` is short (a tab), ``mark`` stands over everything (synthetic data)."""

    name: str
    title: str
    head: tuple[tuple[str, str], ...]
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    subtitle: str = ""
    lead: tuple[str, ...] = ()  # sentences before the table
    notes: tuple[str, ...] = ()  # sentences after it
    charts: tuple[Chart, ...] = ()
    closing: tuple[str, ...] = ()  # of a register; ``{pages}`` becomes the number of printed pages
    signers: tuple[str, ...] = ()  # who signs below, left to right
    mark: str = ""
    lang: str = "vi"

    def __post_init__(self) -> None:
        """``ValueError`` for a row that does not fit the columns: it would move values under wrong heads."""
        for number, row in enumerate(self.rows, 1):
            if len(row.cells) != len(self.columns):
                raise ValueError(
                    f"{self.name}: row {number} has {len(row.cells)} of {len(self.columns)} cells"
                )


Say = Callable[[str, str], str]


def speaking(lang: str) -> Say:
    """Chooses the Vietnamese (``vi``) or the English of two texts. ``ValueError`` for another language."""
    if lang not in LANGUAGES:
        raise ValueError(f"language {lang!r} is none of {', '.join(LANGUAGES)}")
    return (lambda vi, en: vi) if lang == "vi" else (lambda vi, en: en)


def chosen(text: Bilingual, lang: str) -> str:
    """One of the two texts."""
    return speaking(lang)(text.vi, text.en)


def shown(cell: Cell) -> str:
    """A cell as people read it."""
    match cell:
        case None | "":
            return EMPTY if cell is None else ""
        case Link(text, _):
            return clean(text)
        case Ratio():
            return rate_text(cell)
        case Tenths(value, signed):
            return tenths_text(value, signed)
        case bool() | int():
            return thousands(int(cell))
        case datetime():
            return f"{cell:%d/%m/%Y %H:%M}"
        case date():
            return f"{cell:%d/%m/%Y}"
        case str():
            return clean(cell)
    raise TypeError(f"no cell: {cell!r}")


def rate_text(ratio: Ratio) -> str:
    """``97,3 %``, ``—``; ``97,3 %*`` over fewer than 20."""
    tenths = ratio.tenths
    if tenths is None:
        return EMPTY
    text = f"{tenths_text(tenths)} %"
    return text + (SMALL_MARK if ratio.small else "")


def tenths_text(value: int, signed: bool = False) -> str:
    """``97,3``; with ``signed`` ``+1,2``, ``-0,4``, ``0,0``."""
    sign = "-" if value < 0 else "+" if signed and value else ""
    whole, tenth = divmod(abs(value), 10)
    return f"{sign}{thousands(whole)},{tenth}"


def thousands(value: int) -> str:
    """``1.234``."""
    return f"{value:,}".replace(",", ".")


def clean(text: str) -> str:
    """Somebody else's words on one line: NFC, no control characters, white space as single spaces."""
    return " ".join(nfc(readable(text)).split())


def totals(rows: Iterable[tuple[Cell, ...]], column: int) -> int:
    """The sum of a column of counts."""
    return sum(value for row in rows if isinstance(value := row[column], int))


__all__ = [
    "EMPTY",
    "LANGUAGES",
    "SMALL",
    "SMALL_MARK",
    "Cell",
    "Chart",
    "Column",
    "Kind",
    "Link",
    "Ratio",
    "Row",
    "Say",
    "Series",
    "Sheet",
    "Tenths",
    "chosen",
    "clean",
    "rate_text",
    "shown",
    "speaking",
    "tenths_text",
    "thousands",
    "totals",
]
