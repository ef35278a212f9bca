"""/console/agencies/CODE: everything about one agency on one page.

In charge of: laying it out, links to its lane, documents and scorecard. Not in charge of: reading it
(``flow/look_agency.py``), its connection (``connection.py``), its keys (``agency_keys.py``).
"""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from gateway.directory.codes import to_qcvn102
from gateway.directory.snapshot import StandingKind
from gateway.flow import look_agency
from gateway.flow.look_agency import AgencyView, System
from gateway.model.agency import SuccessionKind
from gateway.model.policy import Action, Direction
from gateway.model.text import Bilingual, Instant
from gateway.store.people import CredentialKind, Role
from gateway.web.console.agencies import day_of, level_name
from gateway.web.console.connection_kinds import DIALECTS, SIGNATURES, kind_of
from gateway.web.console.page import WATCH, Page, Visit

STANDINGS = {
    StandingKind.ACTIVE: ("good", Bilingual("đang hoạt động", "in force")),
    StandingKind.CLOSED: ("bad", Bilingual("đã kết thúc", "closed")),
    StandingKind.NOT_YET: ("warn", Bilingual("chưa bắt đầu", "not begun")),
    StandingKind.TEST: ("warn", Bilingual("mã thử", "test code")),
    StandingKind.UNKNOWN: ("bad", Bilingual("không có trong danh mục", "unknown")),
}
STEPS = {
    SuccessionKind.MERGE: Bilingual("sáp nhập", "merged"),
    SuccessionKind.SPLIT: Bilingual("chia tách", "split"),
    SuccessionKind.RENAME: Bilingual("đổi tên", "renamed"),
    SuccessionKind.DISSOLVE: Bilingual("giải thể", "dissolved"),
}
SCHEMES = {
    "qcvn102": Bilingual("mã 13 ký tự dạng cũ", "old form of 13 characters"),
    "qd20": Bilingual("QĐ 20/2020 (dạng mới)", "new form"),
    "vxp": Bilingual("mã hệ thống trục quốc gia", "system id of the national axis"),
    "other": Bilingual("cách ghi khác", "another spelling"),
}
ACTIONS = {
    Action.REFUSE: Bilingual("từ chối", "refuse"),
    Action.HOLD: Bilingual("tạm giữ", "hold"),
    Action.ACCEPT_AND_REPORT: Bilingual("miễn áp dụng", "exempt"),
}
DIRECTIONS = {
    Direction.SENDS: Bilingual("văn bản gửi đi", "what it sends"),
    Direction.RECEIVES: Bilingual("văn bản nhận về", "what it receives"),
}
SIGNER_ROLES = {"person": Bilingual("cá nhân", "person"), "agency": Bilingual("cơ quan", "agency")}


@dataclass(frozen=True, slots=True)
class Key:
    """One proof of a system, as a line. ``standing``: ``holds``, ``ending``, ``over``, ``revoked``."""

    id: str
    kind: Bilingual
    name: str
    issued_at: Instant
    until: Instant | None
    standing: str


@dataclass(frozen=True, slots=True)
class SystemCard:
    """One system or clerk with its keys. ``renewable``: (dialect, system id) whose secret can be renewed."""

    system: System
    keys: tuple[Key, ...]
    renewable: tuple[tuple[str, str], ...]


async def show_agency(visit: Visit) -> web.StreamResponse:
    """The page."""
    code, day = visit.agency(visit.part("agency")), day_of(visit)
    view = await look_agency.agency(visit.gw, visit.caller, code, day)
    name = visit.gw.directory.name(code, day)
    return visit.html(
        "agency.html",
        title=Bilingual(name, name),
        view=view,
        tone=STANDINGS[view.standing.kind],
        level_name=level_name,
        kind_of=kind_of,
        old_form=to_qcvn102(code) or "",
        names=_names(visit, view),
        cards=[_card(one, visit.gw.clock.now()) for one in view.people.systems],
        pull=visit.gw.kinds.get(view.profile.adapter, True),
        waiting=sum(row.deliveries for row in view.queue),
        rules=visit.caller.role is Role.ADMINISTRATOR,
        steps=STEPS,
        schemes=SCHEMES,
        actions=ACTIONS,
        directions=DIRECTIONS,
        signatures=SIGNATURES,
        dialects=DIALECTS,
        signer_roles=SIGNER_ROLES,
        today=day,
    )


def _names(visit: Visit, view: AgencyView) -> dict[str, str]:
    """Names of agencies that the page speaks of."""
    told = [step.new for step in view.gave_way] + [step.old for step in view.came_from]
    told += [*view.standing.successors, view.profile.agency, *(row.parent for row in view.rows)]
    return {code: visit.gw.directory.name(code, view.on) or code for code in told if code is not None}


def _card(system: System, now: Instant) -> SystemCard:
    keys = [
        Key(
            one.id,
            _API_KEY if one.kind is CredentialKind.API_KEY else _CERTIFICATE,
            one.hash.hex()[:12] if one.kind is CredentialKind.CERTIFICATE else "",
            one.issued_at,
            one.valid_until,
            _standing(one.holds_at(now), one.revoked_at, one.valid_until),
        )
        for one in system.credentials
    ]
    keys += [
        Key(
            one.id,
            Bilingual(f"khóa {one.dialect}", f"{one.dialect} secret"),
            one.system_id,
            one.issued_at,
            one.valid_until,
            _standing(one.holds_at(now), one.revoked_at, one.valid_until),
        )
        for one in system.partner
    ]
    keys.sort(key=lambda key: (key.standing in ("over", "revoked"), -key.issued_at))
    renewable = dict.fromkeys((one.dialect, one.system_id) for one in system.partner)
    return SystemCard(system, tuple(keys), tuple(renewable))


def _standing(holds: bool, revoked_at: Instant | None, until: Instant | None) -> str:
    if holds:
        return "holds" if until is None else "ending"
    return "revoked" if revoked_at is not None else "over"


_API_KEY = Bilingual("khóa API", "API key")
_CERTIFICATE = Bilingual("chứng thư máy khách", "client certificate")
_TITLE = Bilingual("Đơn vị", "Agency")

PAGES = (Page("GET", "/agencies/{agency}", show_agency, _TITLE, WATCH, "agencies"),)
