"""The pages of a PDF: whether it opens, how many there are, and the text of the first, to look for marks of
secrecy that its header does not show.

In charge of: functions that never raise. Only worker processes call them; the text is looked at once and is
neither kept nor logged. Not in charge of: what a mark is (``checks/secrecy.py``), limits of time and memory
(``workers``).
"""

from __future__ import annotations

import io
import json
import logging
import re
from contextlib import suppress
from typing import Any

from gateway.signature.pdf_facts import Pages

MOST_CHARACTERS = 20_000  # a mark stands at the top of the page (NĐ 30/2020 Phụ lục I)
_VERSION = re.compile(rb"%PDF-(\d\.\d)")
_VERSIONS = re.compile(r"\d\.\d")
_MOST_PAGES = 1_000_000  # what a file claims beyond that is no number of pages


def read_pages(data: bytes) -> Pages:
    """What can be read of them; of a file that asks for a password nothing but that it does not open."""
    found = _VERSION.search(data, 0, 1024)
    version = found.group(1).decode() if found else ""
    try:
        from pypdf import PdfReader  # slow to import: only where files are read

        logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # a sender must not fill our log
        reader = PdfReader(io.BytesIO(data))
        if reader.is_encrypted:
            return Pages(False, 0, version)
        count = min(len(reader.pages), _MOST_PAGES)
        return Pages(count > 0, count, _version(reader, version), _first_text(reader))
    except MemoryError:  # of this process: the next one may have more
        return Pages(None, 0, version)
    except Exception:  # a hostile file makes it raise anything; then it does not open
        return Pages(False, 0, version)


def _version(reader: Any, of_header: str) -> str:
    """The catalog may name a later version than the file's first line (ISO 32000-1 section 7.5.2)."""
    with suppress(Exception):
        named = str(reader.trailer["/Root"].get("/Version", "")).removeprefix("/")
        if _VERSIONS.fullmatch(named):
            return max(named, of_header)
    return of_header


def _first_text(reader: Any) -> str:
    with suppress(Exception):
        return str(reader.pages[0].extract_text())[:MOST_CHARACTERS]
    return ""


def pages_in(answer: bytes) -> Pages:
    """The form in which a worker says them, read back. ``ValueError``: no such answer."""
    opens, count, version, text = json.loads(answer)
    is_fit = isinstance(count, int) and isinstance(version, str) and isinstance(text, str)
    if not is_fit or not (opens is None or isinstance(opens, bool)) or len(version) > 3:
        raise ValueError("no pages")
    return Pages(opens, count, version, text)


def answer_of(pages: Pages) -> bytes:
    """Pages as a worker says them."""
    return json.dumps((pages.opens, pages.count, pages.version, pages.first_text)).encode()
