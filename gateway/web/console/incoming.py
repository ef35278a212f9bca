"""/console/incoming: what the clerk's agency was sent, and her answers.

In charge of: the pages and their forms. Not in charge of: what a status is (``flow/progress.py``), taking
files (``flow/desk_files.py``).
"""

from __future__ import annotations

from aiohttp import web

from gateway.errors import BadRequest, NotFound
from gateway.flow import desk, desk_files
from gateway.flow.desk import Incoming
from gateway.flow.door import stated
from gateway.flow.progress import report_status
from gateway.model.delivery import State
from gateway.model.envelope import StaffInfo
from gateway.model.refusal import Refusal
from gateway.model.status import StatusCode, read_status_code
from gateway.model.text import Bilingual
from gateway.web.console.desk import bar_of, name_of, status_words
from gateway.web.console.page import DESK, Moved, Page, Visit
from gateway.web.console.serve import ROOT
from gateway.web.console.transfer import ANY, PDF, XML, safe_name, stream, whole
from gateway.web.console.verdicts import shown_findings, shown_verdicts

FURTHER = (StatusCode.ASSIGNED, StatusCode.IN_WORK, StatusCode.DONE)
ANSWERS = (StatusCode.CHANGE_AGREED, StatusCode.CHANGE_REFUSED)
MAY_REPORT = frozenset({StatusCode.ACCEPTED, StatusCode.REFUSED, *FURTHER, *ANSWERS})
NEEDS_WORDS = frozenset({StatusCode.REFUSED, StatusCode.CHANGE_REFUSED})


async def show_list(visit: Visit) -> web.StreamResponse:
    """What waits for her agency's answer, or is being handled; most urgent and oldest first."""
    in_work = visit.query.get("list") == "work"
    bar = bar_of(visit, "in_work" if in_work else "incoming")
    after = _position(visit.query.get("after", ""))
    items, more = await desk.incoming(visit.gw, visit.caller, bar.agency, after, in_work=in_work)
    last = items[-1] if more else None
    place = f"{last.rank}~{last.delivery.accepted_at}~{last.delivery.id}" if last else ""
    return visit.html(
        "incoming.html",
        title=_IN_WORK if in_work else visit.page.title,
        bar=bar,
        items=items,
        in_work=in_work,
        name_of=lambda code: name_of(visit, code),
        status_words=status_words,
        next_page=bar.link("/incoming", list="work" if in_work else "", after=place) if last else "",
    )


async def show_one(visit: Visit) -> web.StreamResponse:
    """One message: what it is, its files and signatures, what was answered, what can be answered."""
    found = await desk.incoming_one(visit.gw, visit.caller, visit.part("delivery"))
    delivery = found.delivery
    return visit.html(
        "incoming_one.html",
        title=_title(found),
        bar=bar_of(visit, "", delivery.recipient),
        found=found,
        one=delivery,
        sender=name_of(visit, delivery.sender),
        verdicts=shown_verdicts(found.verdicts),
        findings=shown_findings(found.findings),
        refusals=list(Refusal),
        further=[code for code in FURTHER if code.value > delivery.status_code],
        status_words=status_words,
        fresh=delivery.status_code in desk.ARRIVED,
        open=delivery.state in (State.QUEUED, State.DELIVERED),
        readable=_readable(found),
        asked_back=desk.answers_recall(found),
        states=State,
        link=f"{ROOT}/incoming/{delivery.id}",
    )


async def download_envelope(visit: Visit) -> web.StreamResponse:
    """The whole message, byte for byte; counts as the fetch."""
    parcel = await desk_files.open_envelope(visit.gw, visit.caller, visit.part("delivery"))
    return await stream(visit, f"{parcel.delivery.id}.edxml", parcel.size, parcel.chunks, XML)


async def download_file(visit: Visit) -> web.StreamResponse:
    """One file out of the message."""
    text = visit.part("number")
    if not (text.isascii() and text.isdigit() and len(text) < 4):
        raise NotFound(code="file.unknown")
    found = await desk_files.open_file(visit.gw, visit.caller, visit.part("delivery"), int(text))
    name = safe_name(found.name, f"tep-{text}")
    return whole(name, found.data, PDF if found.format == "pdf" else ANY)


async def report(visit: Visit) -> Moved:
    """03, 02 with a code and words, 04 to 06, or 15 and 16 to a recall."""
    delivery, form = visit.part("delivery"), visit.form
    await desk.incoming_one(visit.gw, visit.caller, delivery)  # hers alone
    code = read_status_code(form.get("code"))
    if code not in MAY_REPORT or code is None:
        raise BadRequest(_WHICH_STATUS, code="status.unknown")
    words = stated(form.get("words")) if code in NEEDS_WORDS else form.get("words")
    refusal = _refusal(form.get("refusal")) if code is StatusCode.REFUSED else None
    staff = StaffInfo(staff=visit.caller.name)
    await report_status(visit.gw, visit.caller, delivery, code, words or code.words.vi, staff, refusal)
    said = status_words(code.value)
    return Moved(
        f"{ROOT}/incoming/{delivery}",
        Bilingual(f"Đã báo trạng thái {said.vi} cho cơ quan gửi.", f"Reported to the sender: {said.en}."),
    )


async def confirm_taken(visit: Visit) -> Moved:
    """The files are kept here; the document system is not to be handed them."""
    delivery = visit.part("delivery")
    await desk_files.take(visit.gw, visit.caller, delivery)
    return Moved(f"{ROOT}/incoming/{delivery}", _TAKEN)


async def go_to_recalled(visit: Visit) -> Moved:
    """The page on which a recall of a document is answered."""
    bar = bar_of(visit, "")
    delivery = await desk.recall_delivery(visit.gw, visit.caller, bar.agency, visit.part("document"))
    return Moved(f"{ROOT}/incoming/{delivery}")


def _readable(found: Incoming) -> bool:
    """True when the files may be taken now (``flow/inbox.py`` decides)."""
    state = found.delivery.state
    if state is State.DELIVERED:
        return not found.delivery.recall
    return state is State.QUEUED and not found.waits_for_earlier


def _refusal(text: str) -> Refusal:
    try:
        return Refusal(text)
    except ValueError as error:
        raise BadRequest(_WHICH_REFUSAL, code="status.refusal_missing") from error


def _position(text: str) -> tuple[int, int, str]:
    rank, _, rest = text.partition("~")
    at, _, delivery = rest.partition("~")
    if not (rank.isascii() and rank.isdigit() and at.isascii() and at.isdigit() and len(rank + at) < 19):
        return -1, 0, ""
    return int(rank), int(at), delivery


def _title(found: Incoming) -> Bilingual:
    code = found.letter.code or found.letter.document_id
    return Bilingual(f"Văn bản đến {code}", f"Incoming document {code}")


_WHICH_STATUS = Bilingual("Hãy chọn trạng thái cần báo.", "Choose the status to report.")
_WHICH_REFUSAL = Bilingual(
    "Hãy chọn mã lý do từ chối (R01–R09, R99).", "Choose the code of the refusal (R01–R09, R99)."
)
_TAKEN = Bilingual(
    "Đã ghi nhận đơn vị có văn bản; phần mềm sẽ không lấy lại văn bản này.",
    "Recorded: the agency has the document, its system will not be handed it again.",
)
_TITLE = Bilingual("Văn bản đến chờ tiếp nhận", "Incoming documents to be accepted")
_IN_WORK = Bilingual("Văn bản đến đang xử lý", "Incoming documents in work")
_ONE = Bilingual("Văn bản đến", "Incoming document")

PAGES = (
    Page("GET", "/incoming", show_list, _TITLE, DESK, "desk"),
    Page("GET", "/incoming/recalled/{document}", go_to_recalled, _ONE, DESK, "desk"),
    Page("GET", "/incoming/{delivery}", show_one, _ONE, DESK, "desk"),
    Page("GET", "/incoming/{delivery}/envelope", download_envelope, _ONE, DESK, "desk"),
    Page("GET", "/incoming/{delivery}/files/{number}", download_file, _ONE, DESK, "desk"),
    Page("POST", "/incoming/{delivery}/status", report, _ONE, DESK, "desk"),
    Page("POST", "/incoming/{delivery}/taken", confirm_taken, _ONE, DESK, "desk"),
)
