"""/console/check: drop a file, read the gate's verdict. Nothing is kept.

In charge of: the form and the page of a verdict. Not in charge of: judging (``flow/check_file.py``).
"""

from __future__ import annotations

from typing import Any

from aiohttp import web

from gateway.compliance.calendar import Clocks
from gateway.compliance.clause_words import of_examination, outcome_words
from gateway.compliance.clauses import clause_rules
from gateway.compliance.contributions import Reference
from gateway.errors import BadRequest
from gateway.flow.check_file import PdfCheck, check_file
from gateway.flow.examine import Examination
from gateway.flow.report import document_json
from gateway.model.finding import Decision, Severity
from gateway.model.text import Bilingual
from gateway.web.console.desk import bar_of
from gateway.web.console.forms import File, Form
from gateway.web.console.page import DESK, Page, Visit
from gateway.web.console.transfer import parts_of
from gateway.web.console.verdicts import shown_findings, shown_verdicts

FORM_BYTES = 1_048_576  # beside the file
DECISIONS = {
    Decision.ACCEPT: ("good", Bilingual("Trục sẽ nhận tệp này", "The gateway would take this file")),
    Decision.HOLD: (
        "warn",
        Bilingual("Trục sẽ tạm giữ để người phụ trách xem", "The gateway would hold it for a person"),
    ),
    Decision.REFUSE: ("bad", Bilingual("Trục sẽ từ chối tệp này", "The gateway would refuse this file")),
}
OUTCOME_TONES = {"pass": "good", "fail": "bad", "unchecked": "warn", "na": ""}


async def show_form(visit: Visit) -> web.StreamResponse:
    """Where a file is dropped."""
    return visit.html("check.html", title=visit.page.title, bar=bar_of(visit, "check"), result=None)


async def check(visit: Visit) -> web.StreamResponse:
    """The verdict on the file, at once; nothing is kept, so the answer is no redirect."""
    limit = visit.gw.config.limits.upload_bytes + FORM_BYTES
    bar = bar_of(visit, "check")
    async for part in parts_of(visit, limit):
        if isinstance(part, Form):
            bar = bar_of(visit, "check", part.get("agency"))
        elif isinstance(part, File) and part.name:
            found = await check_file(visit.gw, visit.caller, bar.agency, part.name, part.chunks)
            return _answer(visit, bar, part.name, found)
    raise BadRequest(_NO_FILE, code="file.missing")


def _answer(visit: Visit, bar: Any, name: str, found: Examination | PdfCheck) -> web.StreamResponse:
    result = _of_pdf(found) if isinstance(found, PdfCheck) else _of_message(visit, found)
    return visit.html("check.html", title=visit.page.title, bar=bar, result=result | {"name": name})


def _of_pdf(found: PdfCheck) -> dict[str, Any]:
    held = any(one.severity is Severity.HOLD for one in found.findings)
    tone, words = ("warn", _PDF_HELD) if held else _pdf_words(found)
    return {
        "tone": tone,
        "words": words,
        "document": None,
        "clauses": [],
        "verdicts": shown_verdicts([one.as_json() for one in found.verdicts]),
        "findings": shown_findings([one.as_json() for one in found.findings]),
        "size": found.size,
        "pages": found.pages.count,
    }


def _pdf_words(found: PdfCheck) -> tuple[str, Bilingual]:
    if not found.verdicts:
        return "bad", _PDF_UNSIGNED
    if any(one.indication.value == "TOTAL-FAILED" for one in found.verdicts):
        return "bad", _PDF_BAD
    if any(one.severity >= Severity.WARNING for one in found.findings):
        return "warn", _PDF_WARNED
    return "good", _PDF_GOOD


def _of_message(visit: Visit, exam: Examination) -> dict[str, Any]:
    gw = visit.gw
    reference = Reference(gw.calendar, Clocks.of(gw.config.figures), clause_rules())
    tone, words = DECISIONS[exam.decision]
    warned = any(one.severity is Severity.WARNING for one in exam.findings)
    if exam.envelope is None:
        tone, words = "bad", _UNREADABLE
    elif exam.decision is Decision.ACCEPT and warned:
        words = Bilingual(f"{words.vi}, có cảnh báo", f"{words.en}, with warnings")
    return {
        "tone": tone,
        "words": words,
        "document": document_json(exam) if exam.envelope else None,
        "clauses": [
            (one, OUTCOME_TONES[one.outcome], outcome_words(one.outcome))
            for one in of_examination(exam, reference, gw.clock.now())
        ],
        "verdicts": shown_verdicts([one.as_json() for one in exam.verdicts]),
        "findings": shown_findings([one.as_json() for one in exam.findings]),
        "size": 0,
        "pages": None,
    }


_TITLE = Bilingual("Kiểm tra tệp trước khi gửi", "Check a file before sending")
_NO_FILE = Bilingual("Chưa chọn tệp để kiểm tra.", "Choose a file to check.")
_UNREADABLE = Bilingual(
    "Tệp này không phải gói tin edXML đọc được, cũng không phải PDF",
    "This file is neither a readable edXML message nor a PDF",
)
_PDF_GOOD = Bilingual("Chữ ký số trên tệp PDF hợp lệ", "The signatures of the PDF are valid")
_PDF_WARNED = Bilingual("Tệp PDF có điểm cần xem lại", "There are points to look at in the PDF")
_PDF_BAD = Bilingual("Chữ ký số trên tệp PDF không hợp lệ", "A signature of the PDF is invalid")
_PDF_UNSIGNED = Bilingual("Tệp PDF chưa được ký số", "The PDF carries no signature")
_PDF_HELD = Bilingual(
    "Trục sẽ tạm giữ văn bản có tệp này để người phụ trách xem",
    "A document with this file would be held for a person",
)

PAGES = (
    Page("GET", "/check", show_form, _TITLE, DESK, "desk"),
    Page("POST", "/check", check, _TITLE, DESK, "desk", upload=True),
)
