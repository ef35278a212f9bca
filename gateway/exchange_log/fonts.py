"""The font that PDF pages of the gateway embed: Latin and Vietnamese, four styles.

In charge of: registering it with reportlab, once. Not in charge of: setting pages.
"""

# mypy: disable-error-code="no-untyped-call"
# (reportlab carries few annotations)

from __future__ import annotations

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

from gateway.resources import packaged

FAMILY = "VanThuSerif"
BOLD = f"{FAMILY}-Bold"
ITALIC = f"{FAMILY}-Italic"


def register_fonts() -> None:
    """Make ``FAMILY`` known, so that it can be named and is embedded."""
    if FAMILY in pdfmetrics.getRegisteredFontNames():
        return
    folder = packaged("practice", "fonts")
    for style, suffix in (("Regular", ""), ("Bold", "-Bold"), ("Italic", "-Italic")):
        pdfmetrics.registerFont(TTFont(f"{FAMILY}{suffix}", folder / f"{FAMILY}-{style}.ttf"))
    pdfmetrics.registerFontFamily(FAMILY, normal=FAMILY, bold=BOLD, italic=ITALIC, boldItalic=BOLD)


__all__ = ["BOLD", "FAMILY", "ITALIC", "register_fonts"]
