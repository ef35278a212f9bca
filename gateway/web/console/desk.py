"""/console/desk: what the clerk's agency sent, what came back, recalls, and what she did by hand.

In charge of: the pages and their forms. Not in charge of: what lies on the desk (``flow/desk.py``), what a
recall does (``flow/recall.py``), incoming documents (``incoming.py``).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from aiohttp import web

from gateway.clock import local, local_day
from gateway.errors import NotFound
from gateway.flow import desk, desk_files
from gateway.flow.desk import SentDocument
from gateway.flow.door import stated
from gateway.flow.recall import RecallLine, RecallReport, ask_back, show_recall
from gateway.model.delivery import State
from gateway.model.envelope import StaffInfo
from gateway.model.recall import RecallState
from gateway.model.status import StatusCode
from gateway.model.text import AgencyCode, Bilingual
from gateway.store.desk import COUNTED, Done
from gateway.web.console.page import DESK, Moved, Page, Visit
from gateway.web.console.serve import ROOT
from gateway.web.console.transfer import XML, each, stream, whole

RECIPIENTS = 100  # on one page
RECALL_LINES = 200  # on one page: a recall's sixty rows stand together
STAGES = {
    "waiting": Bilingual("Chờ nơi nhận lấy", "Not taken yet"),
    "arrived": Bilingual("Đã đến, chờ tiếp nhận", "Arrived"),
    "acknowledged": Bilingual("Đã tiếp nhận", "Accepted"),
    "refused": Bilingual("Bị từ chối (trả lại)", "Refused"),
    "stopped": Bilingual("Dừng lại", "Stopped"),
}
TONES = {"waiting": "", "arrived": "", "acknowledged": "good", "refused": "bad", "stopped": "warn"}
STATES = {
    State.QUEUED: Bilingual("Chờ nơi nhận lấy về", "Waits for the recipient"),
    State.HELD: Bilingual("Trục tạm giữ", "Held by the gateway"),
    State.DELIVERED: Bilingual("Đã đến", "Arrived"),
    State.REJECTED: Bilingual("Trục từ chối chuyển", "Rejected at the gateway"),
    State.DEAD: Bilingual("Không gửi được", "Could not be delivered"),
    State.CANCELLED: Bilingual("Đã rút lại trước khi đến", "Withdrawn before it arrived"),
    State.RECALLED: Bilingual("Đã thu hồi", "Recalled"),
}
RECALL_TONES = {
    RecallState.ASKED: "warn",
    RecallState.ATTEMPT: "warn",
    RecallState.AGREED: "good",
    RecallState.WITHDRAWN: "good",
    RecallState.REFUSED: "bad",
    RecallState.NOT_ADDRESSED: "",
}


@dataclass(frozen=True, slots=True)
class Bar:
    """The row of links over each page of the desk, and the agency that it is about."""

    agency: AgencyCode
    name: str
    here: str
    others: tuple[tuple[AgencyCode, str], ...]

    def link(self, path: str, **query: str) -> str:
        """An address of the desk, for this agency where the clerk has several."""
        chosen = {"agency": self.agency} if self.others else {}
        words = urlencode({name: value for name, value in (chosen | query).items() if value})
        return f"{ROOT}{path}?{words}" if words else f"{ROOT}{path}"


def bar_of(visit: Visit, here: str, agency: str = "") -> Bar:
    """The bar of the agency that the address names, else the first. ``NotPermitted`` for others'."""
    own = sorted(visit.caller.agencies)
    text = agency or visit.query.get("agency", "")
    chosen = visit.agency(text) if text else (own[0] if own else AgencyCode(""))
    desk.require_own(visit.caller, chosen)
    others = tuple((code, name_of(visit, code)) for code in own) if len(own) > 1 else ()
    return Bar(chosen, name_of(visit, chosen), here, others)


def name_of(visit: Visit, code: str) -> str:
    """What an agency is called today."""
    return visit.gw.directory.name(AgencyCode(code), local_day(visit.gw.clock.now())) or code


async def show_desk(visit: Visit) -> web.StreamResponse:
    """What waits for her, and what was sent, newest first."""
    bar = bar_of(visit, "desk")
    found = await desk.overview(visit.gw, visit.caller, bar.agency, visit.query.get("before", ""))
    last = found.sent[-1].letter.document if found.more else ""
    return visit.html(
        "desk.html",
        title=visit.page.title,
        bar=bar,
        found=found,
        stages=STAGES,
        tones=TONES,
        counted=COUNTED,
        name_of=lambda code: name_of(visit, code),
        next_page=bar.link("/desk", before=last) if last else "",
        first_page=not visit.query.get("before"),
    )


async def show_returned(visit: Visit) -> web.StreamResponse:
    """What came back or cannot go on, and why."""
    bar = bar_of(visit, "returned")
    before = _pair(visit.query.get("before", ""))
    lines, more = await desk.returned(visit.gw, visit.caller, bar.agency, before)
    last = lines[-1].item.delivery if more else None
    return visit.html(
        "desk_returned.html",
        title=visit.page.title,
        bar=bar,
        lines=lines,
        states=STATES,
        next_page=bar.link("/desk/returned", before=f"{last.document}~{last.id}") if last else "",
    )


async def show_sent(visit: Visit) -> web.StreamResponse:
    """One document, recipient by recipient."""
    document, stage = visit.part("document"), visit.query.get("stage", "")
    after = _pair(visit.query.get("after", ""))
    stage = stage if stage in STAGES else ""
    found = await desk.sent_document(visit.gw, visit.caller, document, stage, after, RECIPIENTS)
    last = found.lines[-1].delivery if found.more else None
    link = f"{ROOT}/desk/sent/{document}"
    return visit.html(
        "desk_sent.html",
        title=_sent_title(found),
        bar=bar_of(visit, "", found.letter.sender),
        found=found,
        stages=STAGES,
        stage=stage,
        tones=TONES,
        states=STATES,
        stage_of=desk.stage_of,
        status_words=status_words,
        link=link,
        next_page=f"{link}?{urlencode({'stage': stage, 'after': f'{last.recipient}~{last.id}'})}"
        if last
        else "",
    )


async def download_sent(visit: Visit) -> web.StreamResponse:
    """The envelope as it was sent."""
    document = visit.part("document")
    payload = await desk_files.open_sent(visit.gw, visit.caller, document)
    return await stream(visit, f"{document}.edxml", payload.size, each(payload.chunks), XML)


async def download_receipt(visit: Visit) -> web.StreamResponse:
    """The gateway's signed promise, for the records."""
    document, wanted = visit.part("document"), visit.part("receipt")
    found = await desk.sent_document(visit.gw, visit.caller, document, "", ("", ""), 1)
    jws = next((one["jws"] for one in found.receipts if one["id"] == wanted), None)
    if jws is None:
        raise NotFound(code="receipt.unknown")
    return whole(f"phieu-xac-nhan-{wanted}.jws", jws.encode(), "application/jose")


async def show_recall_page(visit: Visit) -> web.StreamResponse:
    """Everybody who was asked, with the answers; the silent first."""
    document = visit.part("document")
    sent = await desk.sent_document(visit.gw, visit.caller, document, "", ("", ""), 1)
    report = await show_recall(visit.gw, visit.caller, document)
    lines = _in_order(report)
    page = visit.number("page", 0, len(lines) // RECALL_LINES)
    return visit.html(
        "desk_recall.html",
        title=_RECALL,
        bar=bar_of(visit, "", sent.letter.sender),
        sent=sent,
        report=report,
        lines=lines[page * RECALL_LINES : (page + 1) * RECALL_LINES],
        total=len(lines),
        counts=_counts(lines),
        tones=RECALL_TONES,
        page=page,
        pages=max(1, -(-len(lines) // RECALL_LINES)),
        link=f"{ROOT}/desk/sent/{document}",
        not_asked=len(report.not_asked),
    )


async def ask_for_recall(visit: Visit) -> Moved:
    """Ask everybody who was not asked yet, or who refused, or one recipient again."""
    document = visit.part("document")
    await desk.sent_document(visit.gw, visit.caller, document, "", ("", ""), 1)  # hers alone
    reason = stated(visit.form.get("reason"))
    staff = StaffInfo(staff=visit.caller.name)
    report = await ask_back(visit.gw, visit.caller, document, reason, visit.form.all("to"), staff)
    return Moved(f"{ROOT}/desk/sent/{document}/recall", _asked(report))


async def show_by_hand(visit: Visit) -> web.StreamResponse:
    """What was done in place of the document system, for it to be told."""
    bar = bar_of(visit, "by_hand")
    rows, more = await desk.by_hand(visit.gw, visit.caller, bar.agency, visit.query.get("before", ""))
    return visit.html(
        "desk_by_hand.html",
        title=visit.page.title,
        bar=bar,
        rows=rows,
        who=_who(visit, rows),
        name_of=lambda code: name_of(visit, code),
        next_page=bar.link("/desk/by-hand", before=rows[-1].row.id) if more else "",
    )


async def download_by_hand(visit: Visit) -> web.StreamResponse:
    """The same as CSV, the newest thousand."""
    bar = bar_of(visit, "by_hand")
    rows, _ = await desk.by_hand(visit.gw, visit.caller, bar.agency, "", COUNTED)
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["what", "at", "sender", "document_id", "number", "notation", "delivery", "message"])
    for one in rows:
        head = one.letter.header
        writer.writerow(
            [_inert(text) for text in (one.row.what, f"{local(one.row.at):%Y-%m-%dT%H:%M:%S+07:00}")]
            + [_inert(text) for text in (one.letter.sender, one.letter.document_id)]
            + [_inert(str(head.get(name, ""))) for name in ("number", "notation")]
            + [one.row.delivery, one.row.message]
        )
    return whole("van-thu-lam-thay-phan-mem.csv", ("\ufeff" + out.getvalue()).encode(), "text/csv")


async def take_statuses(visit: Visit) -> Moved:
    """The statuses that wait for a document system that is not there are seen here, and taken."""
    bar = bar_of(visit, "desk", visit.form.get("agency"))
    count = await desk_files.take_statuses(visit.gw, visit.caller, bar.agency)
    said = Bilingual(f"Đã nhận {count} thông báo trạng thái.", f"{count} statuses taken.")
    return Moved(bar.link("/desk"), said)


def status_words(code: str) -> Bilingual:
    """A status as a screen prints it: 03 Đã tiếp nhận."""
    words = StatusCode(code).words
    return Bilingual(f"{code} {words.vi}", f"{code} {words.en}")


def _in_order(report: RecallReport) -> list[RecallLine]:
    """The silent first, then refusals, then what is settled; by name."""
    rank = {RecallState.ASKED: 0, RecallState.ATTEMPT: 1, RecallState.REFUSED: 2}
    return sorted(report.lines, key=lambda one: (rank.get(one.state, 3), one.name))


def _counts(lines: Sequence[RecallLine]) -> list[tuple[RecallState, int]]:
    return [
        (state, count)
        for state in RecallState
        if (count := sum(one.state is state for one in lines)) or state is RecallState.ASKED
    ]


def _asked(report: RecallReport) -> Bilingual:
    silent = sum(one.state is RecallState.ASKED for one in report.lines)
    return Bilingual(
        f"Đã ghi nhận yêu cầu thu hồi; {silent} nơi nhận được yêu cầu trả lời.",
        f"The recall is recorded; {silent} recipients are asked to answer.",
    )


def _sent_title(found: SentDocument) -> Bilingual:
    code = found.letter.code or found.letter.document_id
    return Bilingual(f"Văn bản {code}", f"Document {code}")


def _who(visit: Visit, rows: Sequence[Done]) -> list[str]:
    people = [visit.gw.people.principal(one.row.principal) for one in rows]
    return [one.name if one else "" for one in people]


def _pair(text: str) -> tuple[str, str]:
    first, _, second = text.partition("~")
    return first, second


def _inert(text: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


_TITLE = Bilingual("Bàn làm việc của văn thư", "The clerk's desk")
_RETURNED = Bilingual("Văn bản bị trả lại hoặc dừng lại", "What came back")
_SENT = Bilingual("Văn bản đã gửi", "A document that was sent")
_RECALL = Bilingual("Thu hồi văn bản", "Recall")
_BY_HAND = Bilingual("Văn thư làm thay phần mềm", "Done by hand")

PAGES = (
    Page("GET", "/desk", show_desk, _TITLE, DESK, "desk"),
    Page("POST", "/desk/statuses/take", take_statuses, _TITLE, DESK, "desk"),
    Page("GET", "/desk/returned", show_returned, _RETURNED, DESK, "desk"),
    Page("GET", "/desk/by-hand", show_by_hand, _BY_HAND, DESK, "desk"),
    Page("GET", "/desk/by-hand.csv", download_by_hand, _BY_HAND, DESK, "desk"),
    Page("GET", "/desk/sent/{document}", show_sent, _SENT, DESK, "desk"),
    Page("GET", "/desk/sent/{document}/envelope", download_sent, _SENT, DESK, "desk"),
    Page("GET", "/desk/sent/{document}/receipts/{receipt}", download_receipt, _SENT, DESK, "desk"),
    Page("GET", "/desk/sent/{document}/recall", show_recall_page, _RECALL, DESK, "desk"),
    Page("POST", "/desk/sent/{document}/recall", ask_for_recall, _RECALL, DESK, "desk"),
)
