"""Characters that look like others, as data: what ``wording.visible`` reads them as.

In charge of: letters of other alphabets that pass for Latin ones, blanks that are no spaces, line breaks.
Not in charge of: compatibility forms (full width, mathematical, circled), which NFKD resolves, nor invisible
characters (``wording.py``).
"""

from __future__ import annotations

import string

# Latin letter -> its doubles: Cyrillic, Greek, Cherokee, Coptic, Lisu, Armenian, Canadian, symbols. A double
# that has a small form of its own shape (Cherokee) brings it along.
CAPITALS = (
    ("A", "АΑᎪⲀꓮᗩ"),
    ("B", "ВΒᏴⲂꓐᗷ"),
    ("C", "СϹᏟⲤꓚ"),
    ("D", "ᎠꓓᗪԀ"),
    ("Đ", "ÐƉ"),
    ("E", "ЕΕᎬꓰⲈ"),
    ("G", "ԌᏀꓖ"),
    ("H", "НΗᎻⲎꓧ"),
    ("I", "ІΙᏆⲒꓲӀ"),
    ("K", "КΚᏦⲔꓗ"),
    ("L", "ᏞⳐꓡᒪ"),
    ("M", "МΜᎷⲘꓟᗰϺ"),
    ("N", "ΝⲚꓠ"),
    ("O", "ОΟՕⲞꓳØƟ"),
    ("P", "РΡᏢⲢꓑᑭ"),
    ("R", "ᎡᏒꓣᖇ"),
    ("S", "ЅᏚꓢՏ"),
    ("T", "ТΤᎢⲦꓔŦ⊤"),
    ("U", "Սꓴᑌ∪⋃"),
    ("V", "ᏙꓦѴᐯ"),
    ("X", "ХΧⲬꓫ"),
    ("Y", "УΥᎩᎽⲨꓬҮ"),
)
SMALL = (
    ("a", "аαɑᴀ\u0363"),
    ("b", "ʙᏏ"),
    ("c", "сᴄⅽϲ\u0368"),
    ("d", "ԁᴅ\u0369"),
    ("đ", "ðɖ"),
    ("e", "еεᴇҽ\u0364"),
    ("g", "ɡɢ"),
    ("h", "һʜ\u036a"),
    ("i", "іιıɪɩɨ\u0365"),
    ("k", "кκᴋ"),
    ("l", "ʟӏ"),
    ("m", "мμᴍɱ\u036b"),
    ("n", "ɴո"),
    ("o", "оοօᴏøɵσ\u0366"),
    ("p", "рρᴘ"),
    ("r", "ʀг\u036c"),
    ("s", "ѕꜱ"),
    ("t", "тτᴛŧƫƭ\u036d"),
    ("u", "υսᴜʊ\u0367"),
    ("v", "νѵᴠ\u036e"),
    ("x", "хχ\u036f"),
    ("y", "уүʏγ"),
)
# The first letter of each alphabet of white-on-black circles, squares, and flags.
ENCLOSED = ("\U0001f150", "\U0001f170", "\U0001f1e6")
# Braille blank, Hangul fillers (NFKD turns U+3164 and U+FFA0 into U+1160), null notehead: blank, not spaces.
BLANKS = "\u2800\u115f\u1160\U0001d159"
LINE_BREAKS = "\v\f\x1c\x1d\x1e\x85\u2028\u2029"
OBJECT = "\ufffc"  # stands for something that is not in the text


def _seen_as() -> dict[int, str]:
    seen = {ord(double.lower()): latin.lower() for latin, doubles in CAPITALS for double in doubles}
    seen |= {ord(double): latin for latin, doubles in (*CAPITALS, *SMALL) for double in doubles}
    for first in ENCLOSED:
        seen |= {ord(first) + at: latin for at, latin in enumerate(string.ascii_uppercase)}
    seen |= dict.fromkeys(map(ord, BLANKS), " ") | dict.fromkeys(map(ord, LINE_BREAKS), "\n")
    return seen | {ord(OBJECT): ""}


SEEN_AS = _seen_as()  # for ``str.translate``
