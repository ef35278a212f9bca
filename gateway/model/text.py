"""Text in two languages, and the identifiers that are more than ``str``.

In charge of: ``Bilingual`` (every sentence that a person reads exists in Vietnamese and in English), the
``NewType`` names of identifiers, and NFC in linear time. Not in charge of: parsing or choosing between
identifier schemes (``directory/``).
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final, NewType

# Canonical, root-first (QĐ 20/2020/QĐ-TTg Đ4), e.g. ``H37.31.21``.
AgencyCode = NewType("AgencyCode", str)
# Opaque text of the sender, compared byte for byte after NFC; unique only together with the sender.
DocumentId = NewType("DocumentId", str)
# UTC microseconds since 1970-01-01T00:00:00Z.
Instant = NewType("Instant", int)

# Combining marks in a row that real text may hold: Stream-Safe Text Format, UAX #15 section 13.
MAX_MARKS: Final = 30
_DECOMPOSED_TO_MARKS = "\u0f73\u0f75\u0f81\uff9e\uff9f"  # no marks themselves, but of nothing else
_PLANES = range(0x300, 0x20000)  # behind them no character combines


def _marks() -> str:
    """A character class of all that normalisation sorts within a run."""
    found = [code for code in _PLANES if unicodedata.combining(chr(code))]
    first = [code for code in found if not unicodedata.combining(chr(code - 1))]
    last = [code for code in found if not unicodedata.combining(chr(code + 1))]
    ranges = (f"{chr(begin)}-{chr(end)}" for begin, end in zip(first, last, strict=True))
    return f"[{''.join(ranges)}{_DECOMPOSED_TO_MARKS}]"


_MARK = _marks()
# Most text ends here: 31 letters in a row that are neither Latin nor Vietnamese.
_FOREIGN = re.compile(f"[^\x00-\u02ff\u1e00-\u1eff]{{{MAX_MARKS + 1}}}")
_STACKED = re.compile(f"{_MARK}(?<!{_MARK}{_MARK}){_MARK}{{{MAX_MARKS}}}")  # only where a run begins: linear
_FULL = re.compile(f"({_MARK}{{{MAX_MARKS // 2}}})(?={_MARK})")  # a mark becomes two at most
_JOINER = "\u034f"  # combining grapheme joiner: ends a run, shows nothing


@dataclass(frozen=True, slots=True)
class Bilingual:
    """One sentence for people, Vietnamese first."""

    vi: str
    en: str

    def readable(self) -> Bilingual:
        """The same, as ``readable`` makes it: where it quotes a partner."""
        return Bilingual(readable(self.vi), readable(self.en))

    def as_json(self) -> dict[str, str]:
        """``{"vi": …, "en": …}``, the shape of every text at the API."""
        return {"vi": self.vi, "en": self.en}


def readable(text: str) -> str:
    """Somebody else's words, fit to be kept and written on: what is no character of a text (control
    characters, NUL, halves of pairs, what steers a terminal) becomes a space. XML and databases refuse it."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() or one in "\n\t" else " " for one in text)


def has_stacked_marks(text: str) -> bool:
    """True for more than ``MAX_MARKS`` combining marks in a row, over which normalising is quadratic."""
    return not text.isascii() and bool(_FOREIGN.search(text)) and bool(_STACKED.search(text))


def nfc(text: str) -> str:
    """Normalise for comparison (contracts: text is compared after NFC), in time linear in its length.

    Longer runs of marks are broken by joiners first (Stream-Safe Text Process, UAX #15 section 13).
    """
    if text.isascii():
        return text
    if has_stacked_marks(text):
        text = _FULL.sub(rf"\1{_JOINER}", text)
    return unicodedata.normalize("NFC", text)
