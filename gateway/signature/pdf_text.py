"""The text of a PDF's first page, to look for marks of secrecy that its header does not show.

In charge of: one function that never raises. Only worker processes call it; the text is looked at once and is
neither kept nor logged. Not in charge of: what a mark is (``checks/secrecy.py``), limits of time and memory
(``workers``).
"""

from __future__ import annotations

import io
import logging

MOST_CHARACTERS = 20_000  # a mark stands at the top of the page (NĐ 30/2020 Phụ lục I)


def first_page_text(data: bytes) -> str:
    """The first page's text, line by line, ``""`` where there is none or it cannot be read."""
    try:
        from pypdf import PdfReader  # slow to import: only where files are read

        logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # a sender must not fill our log
        return PdfReader(io.BytesIO(data)).pages[0].extract_text()[:MOST_CHARACTERS]
    except Exception:  # a hostile file makes it raise anything; then there is no text
        return ""
