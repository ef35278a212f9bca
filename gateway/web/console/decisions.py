"""/console/decisions: what needs a person's decision, or that of a second person.

In charge of: the page and its forms: incidents, policies, what may be erased, signers. Not in charge of: who
may decide, and that nobody does both halves (``flow/incident.py``, ``flow/policies.py``,
``flow/retention.py``, ``flow/signers.py``); outages have a page of their own (``outages.py``).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import TypeVar

from aiohttp import web

from gateway.errors import BadRequest
from gateway.flow import incident, outages, policies, retention, signers
from gateway.flow.door import stated
from gateway.model.policy import Action, Direction
from gateway.model.text import Bilingual
from gateway.store.incidents import IncidentState
from gateway.store.people import Role
from gateway.web.console.page import RULE, WATCH, Moved, Page, Visit

ROOT = "/console/decisions"
ROWS = 50  # of each kind
LOCAL = "local"  # the principal of the machine's command line
E = TypeVar("E")
ACTIONS = {
    Action.REFUSE: Bilingual("từ chối", "refuse"),
    Action.HOLD: Bilingual("tạm giữ", "hold"),
    Action.ACCEPT_AND_REPORT: Bilingual("miễn áp dụng", "exempt"),
}
DIRECTIONS = {
    Direction.SENDS: Bilingual("gửi đi", "sends"),
    Direction.RECEIVES: Bilingual("nhận về", "receives"),
}
CHANGES = {
    "set": Bilingual("Áp dụng chặt hơn", "Stricter"),
    "exempted": Bilingual("Miễn áp dụng", "Exemption"),
    "ended": Bilingual("Bãi bỏ", "End"),
}
STATES = {
    IncidentState.OPEN: Bilingual("chờ người thứ hai xác nhận", "waits for a second person"),
    IncidentState.PURGED: Bilingual("đã xóa, chờ đóng", "purged, to be closed"),
    IncidentState.CLOSED: Bilingual("đã đóng", "closed"),
    IncidentState.DISMISSED: Bilingual("không phải sự cố", "dismissed"),
}
STANDINGS = {
    "in force": Bilingual("đang áp dụng", "in force"),
    "future": Bilingual("sẽ áp dụng", "to come"),
}


async def show_decisions(visit: Visit) -> web.StreamResponse:
    """Everything that waits for somebody, and the forms with which it begins."""
    gw, caller = visit.gw, visit.caller
    waiting = await signers.list_proposals(gw, caller)
    kept = await retention.show(gw, caller, ROWS)
    due = [one for one in kept["classes"] if one.months]
    proposed = [one for one in await outages.list_outages(gw, caller) if one["standing"] == "proposed"]
    listed = await policies.list_policies(gw, caller)
    return visit.html(
        "decisions.html",
        title=visit.page.title,
        incidents=await incident.list_incidents(gw, caller, ROWS),
        states=STATES,
        proposals=(await policies.list_proposals(gw, caller))[:ROWS],
        policies=listed[:ROWS],
        changes=CHANGES,
        actions=ACTIONS,
        directions=DIRECTIONS,
        standings=STANDINGS,
        classes=due,
        class_names={one.name: one.text for one in kept["classes"]},
        erasures=kept["decisions"],
        signers=waiting[:ROWS],
        signers_in_all=len(waiting),
        outages=len(proposed),
        document=visit.query.get("document", "")[:200],
        rules=caller.role is Role.ADMINISTRATOR,
        mine=caller.principal,
        who=lambda principal: person(visit, principal),
    )


async def show_incident(visit: Visit) -> web.StreamResponse:
    """One incident: why, who has the document, and what the second person can do."""
    report = await incident.show_incident(visit.gw, visit.caller, visit.part("incident"))
    return visit.html(
        "decisions_incident.html",
        title=visit.page.title,
        report=report,
        states=STATES,
        rules=visit.caller.role is Role.ADMINISTRATOR,
        mine=visit.caller.principal,
        who=lambda principal: person(visit, principal),
    )


async def open_incident(visit: Visit) -> Moved:
    """Report a spill: from now on nobody gets the document."""
    form = visit.form
    document, reason = form.get("document"), stated(form.get("reason"))
    made = await incident.open_incident(visit.gw, visit.caller, document, reason)
    return Moved(f"{ROOT}/incidents/{made.id}", _OPENED)


async def confirm_incident(visit: Visit) -> Moved:
    """The second person: all of the document goes. It cannot be undone, so the box has to be ticked."""
    if not visit.form.on("sure"):
        raise BadRequest(_NOT_SURE, code="incident.not_sure")
    found = visit.part("incident")
    await incident.confirm_incident(visit.gw, visit.caller, found)
    return Moved(f"{ROOT}/incidents/{found}", _PURGED)


async def dismiss_incident(visit: Visit) -> Moved:
    """It was none."""
    reason = stated(visit.form.get("reason"))
    await incident.dismiss_incident(visit.gw, visit.caller, visit.part("incident"), reason)
    return Moved(ROOT, _DISMISSED)


async def close_incident(visit: Visit) -> Moved:
    """Recipients and backups are dealt with."""
    reason = stated(visit.form.get("reason"))
    await incident.close_incident(visit.gw, visit.caller, visit.part("incident"), reason)
    return Moved(ROOT, _CLOSED)


async def propose_policy(visit: Visit) -> Moved:
    """A stricter rule, or an exemption from one; a second person decides."""
    form = visit.form
    action = _one_of(Action, form.get("action"))
    direction = _one_of(Direction, form.get("direction"))
    start, end = _day(form.get("from")), _day(form.get("to"))
    rule, agency, reason = form.get("rule"), form.get("agency"), form.get("reason")
    gw, caller = visit.gw, visit.caller
    if action is Action.ACCEPT_AND_REPORT:
        if end is None:
            raise BadRequest(_NO_END, code="policy.no_end")
        await policies.exempt(gw, caller, rule, agency, end, reason, direction, start)
    else:
        await policies.set_policy(gw, caller, rule, action, reason, agency, direction, start, end)
    return Moved(ROOT, _PROPOSED)


async def propose_end(visit: Visit) -> Moved:
    """A policy is to end before its last day; a second person decides."""
    await policies.end_policy(visit.gw, visit.caller, visit.part("policy"), visit.form.get("reason"))
    return Moved(ROOT, _PROPOSED)


async def decide_policy(visit: Visit) -> Moved:
    """The second person."""
    approve, reason = _approves(visit), visit.form.get("reason")
    await policies.decide(visit.gw, visit.caller, visit.part("proposal"), approve, reason)
    return Moved(ROOT, _APPROVED if approve else _DECLINED)


async def propose_erasing(visit: Visit) -> Moved:
    """What is due in a class is to be erased; a second person decides."""
    form = visit.form
    await retention.propose(visit.gw, visit.caller, form.get("class"), form.get("reason"))
    return Moved(ROOT, _PROPOSED)


async def decide_erasing(visit: Visit) -> Moved:
    """The second person."""
    approve, reason = _approves(visit), visit.form.get("reason")
    await retention.decide(visit.gw, visit.caller, visit.part("decision"), approve, reason)
    return Moved(ROOT, _APPROVED if approve else _DECLINED)


async def run_erasing(visit: Visit) -> Moved:
    """Erase what was approved."""
    done = await retention.run_decision(visit.gw, visit.caller, visit.part("decision"))
    return Moved(
        ROOT, Bilingual(f"Đã xóa {done.erased} giá trị riêng.", f"{done.erased} private values were erased.")
    )


async def decide_signer(visit: Visit) -> Moved:
    """Register a proposed certificate, or leave it unregistered."""
    form, digest = visit.form, visit.part("certificate")
    if not _approves(visit):
        await signers.decline(visit.gw, visit.caller, digest, form.get("reason"))
        return Moved(ROOT, _SIGNER_DECLINED)
    agency, role, title = form.get("agency"), form.get("role"), form.get("position")
    await signers.confirm(visit.gw, visit.caller, digest, form.get("reason"), agency, role, title)
    return Moved(ROOT, _SIGNER_CONFIRMED)


def person(visit: Visit, principal: str | None) -> str:
    """The name of whoever decided or proposed."""
    if principal == LOCAL:
        return visit.t("dòng lệnh trên máy chủ", "command line of the machine")
    found = visit.gw.people.principal(principal) if principal else None
    return found.name if found else principal or "—"


def _approves(visit: Visit) -> bool:
    """What the button that was pressed says."""
    said = visit.form.get("decision")
    if said not in ("approve", "decline"):
        raise BadRequest(_NO_DECISION, code="decision.missing")
    return said == "approve"


def _one_of(kind: Callable[[str], E], text: str) -> E:
    """The value of an enumeration that a form names."""
    try:
        return kind(text)
    except ValueError as error:
        raise BadRequest(_NO_DECISION, code="decision.missing") from error


def _day(text: str) -> date | None:
    """A day as date fields send it; none when left empty."""
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise BadRequest(_WRONG_DAY, code="decision.day") from error


_OPENED = Bilingual(
    "Đã báo sự cố. Từ bây giờ không ai lấy được văn bản này; một quản trị viên khác phải xác nhận xóa.",
    "Reported. From now on nobody gets the document; another administrator has to confirm the purge.",
)
_PURGED = Bilingual(
    "Đã xóa mọi nội dung của văn bản trên trục; nơi đã nhận được yêu cầu hủy.",
    "Everything of the document was destroyed here; those who had it were told to destroy it.",
)
_DISMISSED = Bilingual(
    "Đã ghi nhận không phải sự cố; văn bản được chuyển tiếp.", "It was none; the document goes on."
)
_CLOSED = Bilingual("Đã đóng sự cố.", "The incident is closed.")
_NOT_SURE = Bilingual(
    "Việc xóa không thể hoàn tác. Hãy đánh dấu vào ô xác nhận rồi gửi lại. Chưa có gì bị xóa.",
    "A purge cannot be undone. Tick the box to confirm, then send again. Nothing was destroyed.",
)
_PROPOSED = Bilingual(
    "Đã ghi đề nghị; chưa có gì thay đổi cho đến khi một quản trị viên khác phê duyệt.",
    "Proposed; nothing changes until another administrator approves.",
)
_APPROVED = Bilingual("Đã phê duyệt.", "Approved.")
_DECLINED = Bilingual("Đã ghi nhận không đồng ý; không có gì thay đổi.", "Declined; nothing changes.")
_SIGNER_CONFIRMED = Bilingual(
    "Đã đăng ký người ký; các văn bản liên quan được xét lại.",
    "The signer is registered; the messages that wait for it are judged again.",
)
_SIGNER_DECLINED = Bilingual(
    "Đã ghi nhận không đăng ký chứng thư số này.", "The certificate stays unregistered."
)
_NO_DECISION = Bilingual(
    "Biểu mẫu thiếu lựa chọn. Hãy chọn rồi gửi lại.", "Nothing was chosen. Choose, then send."
)
_NO_END = Bilingual("Miễn áp dụng phải có ngày kết thúc.", "An exemption needs a last day.")
_WRONG_DAY = Bilingual("Ngày không đúng. Hãy chọn lại ngày.", "This is no day. Choose it again.")
_TITLE = Bilingual("Quyết định", "Decisions")
_INCIDENT = Bilingual("Sự cố lộ thông tin", "Incident")

PAGES = (
    Page("GET", "/decisions", show_decisions, _TITLE, WATCH, "decisions"),
    Page("POST", "/decisions/incidents", open_incident, _INCIDENT, RULE, "decisions"),
    Page("GET", "/decisions/incidents/{incident}", show_incident, _INCIDENT, WATCH, "decisions"),
    Page("POST", "/decisions/incidents/{incident}/confirm", confirm_incident, _INCIDENT, RULE, "decisions"),
    Page("POST", "/decisions/incidents/{incident}/dismiss", dismiss_incident, _INCIDENT, RULE, "decisions"),
    Page("POST", "/decisions/incidents/{incident}/close", close_incident, _INCIDENT, RULE, "decisions"),
    Page("POST", "/decisions/policies", propose_policy, _TITLE, RULE, "decisions"),
    Page("POST", "/decisions/policies/{policy}/end", propose_end, _TITLE, RULE, "decisions"),
    Page("POST", "/decisions/proposals/{proposal}", decide_policy, _TITLE, RULE, "decisions"),
    Page("POST", "/decisions/retention", propose_erasing, _TITLE, RULE, "decisions"),
    Page("POST", "/decisions/retention/{decision}", decide_erasing, _TITLE, RULE, "decisions"),
    Page("POST", "/decisions/retention/{decision}/run", run_erasing, _TITLE, RULE, "decisions"),
    Page("POST", "/decisions/signers/{certificate}", decide_signer, _TITLE, RULE, "decisions"),
)
