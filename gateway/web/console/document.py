"""/console/documents/{document}: one document's way, recipients, signatures, life, proof.

In charge of: laying it out, and taking content and evidence away. Not in charge of: reading it, and who sees
what (``flow/look_document.py``), the right to content (``flow/open_content.py``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from gateway.clock import local_day
from gateway.compliance.clause_words import outcome_words
from gateway.compliance.document_clauses import clauses_of
from gateway.exchange_log.container import MEDIA_TYPE
from gateway.flow.evidence import export_evidence
from gateway.flow.find import STATES
from gateway.flow.look_document import Asked, DocumentPage, show_document
from gateway.flow.open_content import open_content
from gateway.model.status import StatusCode
from gateway.model.text import AgencyCode, Bilingual, Instant
from gateway.model.verdict import Indication, SignerRole
from gateway.store.dossiers import Place
from gateway.store.people import Role
from gateway.web.console.documents import KINDS, PATH, TONES, number_of
from gateway.web.console.page import RULE, SIGNED_IN, Page, Visit

INDICATIONS = {
    Indication.PASSED.value: ("good", Bilingual("Hợp lệ", "Valid")),
    Indication.INDETERMINATE.value: ("warn", Bilingual("Chưa đủ căn cứ kết luận", "Undecided")),
    Indication.FAILED.value: ("bad", Bilingual("Không hợp lệ", "Not valid")),
}
SIGNERS = {
    SignerRole.PERSON.value: Bilingual("người có thẩm quyền", "competent person"),
    SignerRole.AGENCY.value: Bilingual("cơ quan, tổ chức", "agency"),
    SignerRole.NOT_CHECKABLE.value: Bilingual("chưa đăng ký", "not registered"),
}
SEVERITIES = {
    "refuse": ("bad", Bilingual("không nhận", "refuse")),
    "hold": ("warn", Bilingual("tạm giữ", "hold")),
    "warning": ("warn", Bilingual("cảnh báo", "warning")),
    "info": ("", Bilingual("ghi nhận", "note")),
}
STAGES = {
    "receive": Bilingual("nhận và đọc gói tin", "receiving and parsing"),
    "schema": Bilingual("đối chiếu lược đồ", "schema"),
    "signature": Bilingual("kiểm tra chữ ký số", "signatures"),
    "files": Bilingual("kiểm tra tệp", "files"),
    "checks": Bilingual("kiểm tra quy định", "rules"),
    "durable": Bilingual("ghi xuống đĩa", "to disk"),
}
OUTCOMES = {
    "": Bilingual("đang chạy", "running"),
    "delivered": Bilingual("đã nhận", "delivered"),
    "try_later": Bilingual("chưa được, sẽ thử lại", "not now"),
    "refused": Bilingual("nơi nhận từ chối", "refused"),
    "lease_expired": Bilingual("không có hồi âm", "never came back"),
}
LOOKS = {
    "document": Bilingual("xem thông tin", "looked"),
    "content": Bilingual("mở nội dung", "opened the content"),
}


@dataclass(frozen=True, slots=True)
class Step:
    """One thing on the way: when (or from when to when), what, how much of it."""

    at: Instant
    until: Instant | None
    title: Bilingual
    detail: Bilingual
    tone: str = ""


async def show(visit: Visit) -> web.StreamResponse:
    """The page."""
    asked = Asked(
        Place(visit.query.get("r", "")[:100], visit.query.get("d", "")[:64]),
        visit.query.get("state", "") if visit.query.get("state", "") in STATES else "",
    )
    page = await show_document(visit.gw, visit.caller, visit.part("document"), asked)
    day = local_day(page.created_at)
    clauses = await clauses_of(visit.gw, page.id) if page.whole and page.purged_at is None else []
    return visit.html(
        "document.html",
        title=_title(page),
        page=page,
        name=lambda code: visit.gw.directory.name(AgencyCode(code), day) or code,
        who=lambda principal: _who(visit, principal),
        steps=sorted(_steps(page), key=lambda step: step.at),
        clauses=[(one, outcome_words(one.outcome)) for one in clauses],
        asked=asked,
        older=_older(page, asked),
        title_number=number_of(page.messages[0].header) if page.messages else "",
        may_open=visit.may(*RULE),
        party=page.sender in visit.caller.agencies or visit.may(Role.CLERK),
        watches=not visit.may(Role.CLERK),
        statuses={one.value: one.words for one in StatusCode},
        states=STATES,
        tones=TONES,
        kinds=KINDS,
        indications=INDICATIONS,
        signers=SIGNERS,
        severities=SEVERITIES,
        outcomes=OUTCOMES,
        looks=LOOKS,
        timings=[_timings(one.timings) for one in page.messages],
    )


async def take_evidence(visit: Visit) -> web.StreamResponse:
    """The evidence container, as a download."""
    made = await export_evidence(visit.gw, visit.caller, visit.part("document"), visit.form.get("reason"))
    return web.Response(body=made.data, headers=_attachment(f"{made.document}.asice", MEDIA_TYPE))


async def take_content(visit: Visit) -> web.StreamResponse:
    """A message as received, or as one delivery sent it; the reason is recorded before a byte goes out."""
    message, delivery = visit.form.get("message"), visit.form.get("delivery")
    opened = await open_content(
        visit.gw, visit.caller, visit.part("document"), visit.form.get("reason"), message, delivery
    )
    name = f"{delivery or message or visit.part('document')}.edxml"
    headers = _attachment(name, "application/octet-stream") | {"Content-Length": str(opened.size)}
    response = web.StreamResponse(headers=headers)
    await response.prepare(visit.request)
    for chunk in opened.chunks:
        await response.write(chunk)
    await response.write_eof()
    return response


def _attachment(name: str, kind: str) -> dict[str, str]:
    """Headers of a download (RFC 6266). Names are ids of ours, nobody else's words."""
    safe = "".join(one for one in name if one.isascii() and (one.isalnum() or one in "-._"))[:100]
    return {
        "Content-Type": kind,
        "Content-Disposition": f'attachment; filename="{safe}"',
        "X-Content-Type-Options": "nosniff",
    }


def _title(page: DocumentPage) -> Bilingual:
    number = number_of(page.messages[0].header) if page.messages else ""
    return Bilingual(f"Văn bản {number}".strip(), f"Document {number}".strip())


def _who(visit: Visit, principal: str) -> str:
    known = visit.gw.people.principal(principal)
    return known.name if known else principal


def _older(page: DocumentPage, asked: Asked) -> str:
    """Where the list of recipients goes on."""
    if page.next_place is None:
        return ""
    place = {"r": page.next_place.recipient, "d": page.next_place.id}
    query = urlencode(place | ({"state": asked.state} if asked.state else {}))
    return f"{PATH}/{page.id}?{query}#recipients"


def _timings(timings: Mapping[str, int]) -> list[tuple[Bilingual, float]]:
    """The gate's own stages and their seconds, in their order."""
    return [(STAGES.get(name, Bilingual(name, name)), took / 1e6) for name, took in timings.items()]


def _steps(page: DocumentPage) -> Iterator[Step]:
    """The way of the whole document; of a part only the messages and the own deliveries."""
    for message in page.messages:
        yield _accepted(message.kind, message.accepted_at, message.decision)
    if page.whole:
        yield from _moved(page.moments)
        for row in page.status_moments:
            yield _reported(row)
    else:
        for delivery in page.deliveries:
            for at, words in ((delivery.fetched_at, _FETCHED), (delivery.settled_at, _DELIVERED)):
                if at is not None:
                    yield Step(at, None, words, Bilingual("", ""), "good")
        for status in page.statuses:
            yield Step(status.reported_at, None, _status(status.code), Bilingual("", ""))
    for recall in page.recalls[:1]:
        yield Step(recall.asked_at, None, _RECALL, recall.state.words, "bad")


def _accepted(kind: str, at: Instant, decision: str) -> Step:
    what = KINDS[kind]
    title = Bilingual(f"Trục nhận gói tin: {what.vi.lower()}", f"Accepted: {what.en.lower()}")
    held = decision == "hold"
    detail = (
        Bilingual("Đã kiểm tra, tạm giữ chờ người quyết định.", "Checked, held for a person to decide.")
        if held
        else Bilingual("Đã kiểm tra và cấp phiếu xác nhận.", "Checked, and a receipt was issued.")
    )
    return Step(at, None, title, detail, "bad" if held else "good")


def _moved(moments: Mapping[str, Any]) -> Iterator[Step]:
    """Queued, fetched, settled: from the first to the last recipient."""
    if moments["queued_first"] is not None:
        yield Step(moments["queued_first"], None, _QUEUED, _of(moments["deliveries"]))
    if moments["fetched_first"] is not None:
        yield _span(moments, "fetched", _FETCHED)
    if moments["settled_first"] is not None:
        yield _span(moments, "settled", _DELIVERED)


def _span(moments: Mapping[str, Any], name: str, title: Bilingual) -> Step:
    first, last = moments[f"{name}_first"], moments[f"{name}_last"]
    done, every = moments[name], moments["deliveries"]
    detail = Bilingual(f"{done} trên {every} lượt gửi", f"{done} of {every} deliveries")
    return Step(first, last if last != first else None, title, detail, "good" if done == every else "")


def _reported(row: Mapping[str, Any]) -> Step:
    last = row["last"] if row["last"] != row["first"] else None
    detail = Bilingual(f"{row['agencies']} đơn vị báo", f"reported by {row['agencies']}")
    tone = "bad" if row["code"] == StatusCode.REFUSED.value else "good"
    return Step(row["first"], last, _status(row["code"]), detail, tone)


def _status(code: str) -> Bilingual:
    words = StatusCode(code).words
    return Bilingual(f"{code} {words.vi}", f"{code} {words.en}")


def _of(number: int) -> Bilingual:
    return Bilingual(f"{number} lượt gửi theo nơi nhận", f"{number} deliveries")


_QUEUED = Bilingual("Xếp vào hàng đợi gửi", "Queued")
_FETCHED = Bilingual("Nơi nhận lấy về", "Fetched")
_DELIVERED = Bilingual("Gửi xong theo nơi nhận", "Deliveries settled")
_RECALL = Bilingual("Yêu cầu thu hồi", "Recall asked")
_TITLE = Bilingual("Văn bản", "Document")

PAGES = (
    Page("GET", "/documents/{document}", show, _TITLE, SIGNED_IN, "documents"),
    Page("POST", "/documents/{document}/evidence", take_evidence, _TITLE, SIGNED_IN, "documents"),
    Page("POST", "/documents/{document}/content", take_content, _TITLE, RULE, "documents"),
)
