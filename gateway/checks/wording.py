"""Text made comparable, for rules that look at words.

In charge of: ``clean`` (what the eye sees) and ``fold`` (without accents). Pure. Not in charge of: which
words matter (the tables beside this file).
"""

from __future__ import annotations

import re
import unicodedata

# Letters of other alphabets that look the same.
LOOKALIKES = str.maketrans("мтаоуіеѕμταοι", "mtaoyiesmtaoi")


def clean(text: str) -> str:
    """Lower case, compatibility forms and look-alike letters resolved, invisible characters gone, NFC."""
    decomposed = unicodedata.normalize("NFKD", text)
    visible = "".join(c for c in decomposed if unicodedata.category(c) != "Cf")
    lowered = unicodedata.normalize("NFC", visible.lower().translate(LOOKALIKES))
    return re.sub(r"[^\S\n\r]+", " ", lowered).strip()


def fold(text: str) -> str:
    """Without accents, letter by letter: the result has the length of the (NFC) text."""
    return "".join("d" if c == "đ" else unicodedata.normalize("NFD", c)[0] for c in text)
