"""Text made comparable, for rules that look at words.

In charge of: ``visible`` (what the eye sees), ``clean`` (that, in small letters) and ``fold`` (without
accents). Pure; each costs time in proportion to the length. Not in charge of: which characters look alike
(``lookalikes.py``), which words matter (the tables beside this file).
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from gateway.checks.lookalikes import SEEN_AS

# Grave, acute, tilde, hook, circumflex, breve, horn, dot below: all the accents of Vietnamese.
ACCENTS = "\u0300\u0301\u0303\u0309\u0302\u0306\u031b\u0323"
_VOWELS = frozenset("aeiouyAEIOUY")
_STACK = re.compile(f"([^{ACCENTS}]?)([{ACCENTS}]+)")
# Control, format, unassigned and private characters and marks on letters: with them nothing is written that
# a clerk reads. They hold every default-ignorable code point that ``lookalikes`` does not turn into a space.
_UNSEEN = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Mn", "Me"})
_LONGEST = 4  # a compatibility form with more letters (U+FDFA has 18) is a phrase of a script without marks


def visible(text: str) -> str:
    """Compatibility forms and look-alikes resolved, invisible characters gone, NFC; capitals stay."""
    letters = "".join(map(_seen, text))
    return unicodedata.normalize("NFC", _STACK.sub(_accented, letters))


def plain(seen: str) -> str:
    """A ``visible`` text in small letters, with single spaces; line breaks stay."""
    return re.sub(r"[^\S\n\r]+", " ", seen.lower()).strip()


def clean(text: str) -> str:
    """``plain`` of ``visible``: the form that words are looked for in."""
    return plain(visible(text))


def fold(text: str) -> str:
    """Without accents, letter by letter: the result has the length of the (NFC) text."""
    return "".join("d" if c == "đ" else unicodedata.normalize("NFD", c)[0] for c in text)


@lru_cache(maxsize=4096)
def _seen(character: str) -> str:
    """One character as letters and Vietnamese accents.

    One by one, because normalising a long run of accents at once takes quadratic time to sort them.
    """
    decomposed = unicodedata.normalize("NFKD", character)
    if len(decomposed) > _LONGEST:
        return "\n"  # sets apart what stands beside it
    return "".join(c for c in decomposed.translate(SEEN_AS) if _shows(c))


def _shows(c: str) -> bool:
    if c in ACCENTS or c.isspace():
        return True
    return unicodedata.category(c) not in _UNSEEN and not unicodedata.combining(c)


def _accented(stack: re.Match[str]) -> str:
    """A vowel with each of its accents once; any other letter, and no letter, bears none."""
    base, accents = stack.groups()
    return base + "".join(dict.fromkeys(accents)) if base in _VOWELS else base
