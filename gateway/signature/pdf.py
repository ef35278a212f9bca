"""The signatures of PDF files: what a file's bytes say (``read_pdf_signatures``), and what that is worth
(``judge_pdf``).

In charge of: reading without ever raising. Not in charge of: pyHanko (``pdf_read``), limits of time and
memory (``workers``: untrusted files are read there, not in the server's process).
"""

from __future__ import annotations

from dataclasses import replace

from gateway.model.verdict import Indication
from gateway.signature import pdf_texts as texts
from gateway.signature.pdf_facts import Coverage, Failure, Later, Pages, PdfFacts, PdfSignature
from gateway.signature.pdf_judge import judge_pdf
from gateway.signature.pdf_text import read_pages

__all__ = [
    "Coverage",
    "Failure",
    "Later",
    "Pages",
    "PdfFacts",
    "PdfSignature",
    "judge_pdf",
    "may_be_signed",
    "may_have_pages",
    "read_pdf",
    "read_pdf_signatures",
    "without_pages",
]

_WINDOW = 1 << 20
MAX_BYTES = 64 * 1024 * 1024  # the largest attachment is 50 MB (edXML reference 1.4)


def may_be_signed(data: bytes) -> bool:
    """False for anything but a PDF with a byte range: such a file is unsigned, whatever else it is.

    A signature cannot hide from this: its dictionary must stand uncompressed in the file, because it names
    positions in the file. One that spells the name with escapes goes unseen, and thus never passes.
    """
    return _is_pdf(data) and _holds(data, b"/ByteRange")


def may_have_pages(data: bytes) -> bool:
    """False for anything but a PDF that names a page or holds objects in compressed streams."""
    return _is_pdf(data) and (_holds(data, b"/Page") or _holds(data, b"/ObjStm"))


def _is_pdf(data: bytes) -> bool:
    return data.find(b"%PDF-", 0, 1024) >= 0


def _holds(data: bytes, name: bytes) -> bool:
    """In steps: no other thread runs during a search."""
    starts = range(0, len(data), _WINDOW)
    return any(data.find(name, at, at + _WINDOW + len(name)) >= 0 for at in starts)


def read_pdf(data: bytes) -> PdfFacts:
    """Signatures and pages. Never raises."""
    pages = read_pages(data) if may_have_pages(data) and len(data) <= MAX_BYTES else without_pages(data)
    return PdfFacts(tuple(read_pdf_signatures(data)), pages)


def without_pages(data: bytes) -> Pages:
    """Of a file in which no page can be: it does not open. One that is too large was not looked at."""
    return Pages() if len(data) > MAX_BYTES else Pages(opens=False)


def read_pdf_signatures(data: bytes) -> list[PdfSignature]:
    """Every signature of ``data`` in the order of signing; ``[]`` for an unsigned PDF or another format.

    Never raises: what cannot be read is one entry with a failure.
    """
    if not may_be_signed(data):
        return []
    if len(data) > MAX_BYTES:
        return [undecided(Failure("SIGNED_DATA_NOT_FOUND", texts.too_large(len(data), MAX_BYTES)))]
    try:
        from gateway.signature.pdf_read import read_signatures  # slow to import: only where files are read

        return read_signatures(data)
    except MemoryError:
        return [undecided(Failure("SIGNED_DATA_NOT_FOUND", texts.too_much_memory()))]
    except Exception as problem:  # pyHanko raises far more than its own errors
        return [PdfSignature("", Failure("FORMAT_FAILURE", texts.unreadable(type(problem).__name__)))]


def undecided(failure: Failure) -> PdfSignature:
    """A file that was not read to the end: chưa đủ căn cứ kết luận."""
    return PdfSignature("", replace(failure, indication=Indication.INDETERMINATE))
