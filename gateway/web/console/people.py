"""/console/people: who can sign in, with which role, and who is signed in now.

In charge of: the forms; a first password is shown once, on the page that answers the form. Not in charge of:
accounts (``flow/accounts.py``), software of agencies (``agencies.py``).
"""

from __future__ import annotations

from aiohttp import web

from gateway.errors import BadRequest
from gateway.flow import accounts, sign_in
from gateway.flow.accounts import NewAccount
from gateway.flow.door import stated
from gateway.model.text import Bilingual
from gateway.store.people import Role
from gateway.web.console.page import RULE, WATCH, Moved, Page, Visit
from gateway.web.console.serve import ROOT

ROLES = {
    Role.CLERK: Bilingual("Văn thư: chỉ thấy đơn vị của mình", "Clerk: sees her agency only"),
    Role.AUDITOR: Bilingual("Kiểm tra: xem mọi thứ, không thay đổi gì", "Auditor: sees all, changes nothing"),
    Role.OPERATOR: Bilingual(
        "Vận hành: giữ cho việc gửi, nhận thông suốt", "Operator: keeps the exchange running"
    ),
    Role.ADMINISTRATOR: Bilingual("Quản trị: cấp và thu hồi quyền", "Administrator: grants and revokes"),
}


async def show_people(visit: Visit) -> web.StreamResponse:
    """Accounts and open sessions."""
    lines = await accounts.list_accounts(visit.gw, visit.caller)
    sessions = await sign_in.list_sessions(visit.gw, visit.caller)
    logins = {line.principal.id: line.login for line in lines}
    return visit.html(
        "people.html",
        title=visit.page.title,
        lines=lines,
        roles=ROLES,
        sessions=[(one, logins.get(one.principal, "")) for one in sessions],
        rules=visit.caller.role is Role.ADMINISTRATOR,
        now=visit.gw.clock.now(),
        mine=visit.caller.principal,
    )


async def open_account(visit: Visit) -> web.StreamResponse:
    """A new account; its first password is on the answer, and nowhere else."""
    form = visit.form
    role = next((one for one in ROLES if one.value == form.get("role")), None)
    if role is None or not form.get("name"):
        raise BadRequest(_INCOMPLETE, code="account.incomplete")
    agencies = [visit.agency(code) for code in form.get("agencies").replace(",", " ").split()]
    made = await accounts.open_account(
        visit.gw, visit.caller, form.get("login"), form.get("name"), role, agencies, form.get("subject")
    )
    return _handed_out(visit, made)


async def reset_password(visit: Visit) -> web.StreamResponse:
    """A new first password; sessions and locks end."""
    reason = stated(visit.form.get("reason"))
    return _handed_out(
        visit, await accounts.reset_password(visit.gw, visit.caller, visit.part("principal"), reason)
    )


async def drop_code(visit: Visit) -> Moved:
    """For a lost telephone."""
    reason = stated(visit.form.get("reason"))
    await accounts.drop_second_factor(visit.gw, visit.caller, visit.part("principal"), reason)
    return Moved(f"{ROOT}/people", _DROPPED)


async def close(visit: Visit) -> Moved:
    """The account opens nothing any more."""
    reason = stated(visit.form.get("reason"))
    await accounts.set_active(visit.gw, visit.caller, visit.part("principal"), False, reason)
    return Moved(f"{ROOT}/people", _CLOSED)


async def open_again(visit: Visit) -> Moved:
    """A closed account may sign in again."""
    reason = stated(visit.form.get("reason"))
    await accounts.set_active(visit.gw, visit.caller, visit.part("principal"), True, reason)
    return Moved(f"{ROOT}/people", _OPENED)


async def end_session(visit: Visit) -> Moved:
    """Somebody is signed out now."""
    await sign_in.end_session(visit.gw, visit.caller, visit.part("session"))
    return Moved(f"{ROOT}/people", _ENDED)


def _handed_out(visit: Visit, made: NewAccount) -> web.StreamResponse:
    return visit.html("people_password.html", title=visit.page.title, made=made)


_INCOMPLETE = Bilingual("Hãy điền họ tên và chọn vai trò.", "Give the name and choose a role.")
_DROPPED = Bilingual("Đã gỡ xác thực hai lớp.", "The second factor was taken away.")
_CLOSED = Bilingual("Đã khóa tài khoản.", "The account is closed.")
_OPENED = Bilingual("Đã mở lại tài khoản.", "The account is open again.")
_ENDED = Bilingual("Đã kết thúc phiên.", "The session was ended.")
_TITLE = Bilingual("Người dùng", "People")

PAGES = (
    Page("GET", "/people", show_people, _TITLE, WATCH, "people"),
    Page("POST", "/people", open_account, _TITLE, RULE, "people"),
    Page("POST", "/people/sessions/{session}/end", end_session, _TITLE, RULE, "people"),
    Page("POST", "/people/{principal}/reset", reset_password, _TITLE, RULE, "people"),
    Page("POST", "/people/{principal}/drop-code", drop_code, _TITLE, RULE, "people"),
    Page("POST", "/people/{principal}/close", close, _TITLE, RULE, "people"),
    Page("POST", "/people/{principal}/open", open_again, _TITLE, RULE, "people"),
)
