"""What a connection test of partner software needs of a running gateway (``gateway conform``).

In charge of: whose software is tested and with which test agency, what the gateway recorded of it since a
moment, and turning away a call once so that it is seen how the software goes on. Not in charge of: the steps
and the report (``practice/conform.py``).

The test is real traffic between test codes: it goes through the same gate, queue and events as any other,
and never through an agency that works.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from gateway import __version__
from gateway.clock import local_day
from gateway.errors import BadRequest, NotFound, WrongState
from gateway.flow.door import Caller
from gateway.model.agency import Agency
from gateway.model.text import AgencyCode, Bilingual, Instant
from gateway.services import Lesson, Services
from gateway.store import events
from gateway.store.contract import Row, Tx
from gateway.store.people import Principal, Role

CALLS = ("send", "done")
MAX_SECONDS = 60
_PAGE = 2_000


@dataclass(frozen=True, slots=True)
class Office:
    """An agency of the test. ``written``: its code as its software writes it."""

    code: AgencyCode
    name: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """Whose software is tested, and who plays the other side."""

    principal: str
    name: str
    dialects: tuple[str, ...]  # native, vxp …
    agency: Office
    partner: Office
    version: str
    gateway: str
    rule_set: str
    now: Instant


async def who(gw: Services, caller: Caller, system: str, partner: str = "") -> Candidate:
    """The software behind an account or system id. ``WrongState`` when it has no test agency."""
    caller.require(Role.ADMINISTRATOR, Role.OPERATOR)
    principal = _principal(gw, system)
    own = _test_agencies(gw, principal)
    other = _partner(gw, principal, partner)
    dialects = {c.dialect for c in gw.people.partner_credentials if c.principal == principal.id}
    if any(c.principal == principal.id for c in gw.people.credentials):
        dialects.add("native")
    return Candidate(
        principal.id,
        principal.name,
        tuple(sorted(dialects)),
        _office(own[0]),
        _office(other),
        __version__,
        gw.config.gateway.name,
        gw.rule_set,
        gw.clock.now(),
    )


async def look(gw: Services, caller: Caller, principal: str, agency: str, since: int) -> Any:
    """Bodies of the events since a moment that concern the principal or its agency, oldest first; and how
    lessons went. No personal values: an event's body holds none."""
    caller.require(Role.ADMINISTRATOR, Role.OPERATOR)
    found = await gw.store.read(lambda tx: list(_concerning(tx, principal, agency, Instant(since))))
    return {"events": found, "lessons": gw.lessons.of(principal), "now": gw.clock.now()}


async def teach(gw: Services, caller: Caller, principal: str, call: str, seconds: int) -> Any:
    """Turn away the next ``send`` or ``done`` of a system, with Retry-After, until the seconds are over.

    ``WrongState`` where several nodes run: a lesson is known to one, and the call may come to another.
    """
    caller.require(Role.ADMINISTRATOR, Role.OPERATOR)
    if (running := gw.fleet.alive) > 1:
        raise WrongState(_several_nodes(running), code="conform.nodes")
    if call not in CALLS or not 0 < seconds <= MAX_SECONDS:
        raise BadRequest(code="conform.lesson")
    lesson = Lesson(principal, call, seconds, gw.clock.now())
    gw.lessons.teach(lesson)
    return lesson


def _principal(gw: Services, system: str) -> Principal:
    owners = {c.principal for c in gw.people.partner_credentials if c.system_id == system}
    for principal in gw.people.principals:
        if principal.id == system or principal.id in owners:
            return principal
    raise NotFound(_no_system(system), code="system.unknown")


def _test_agencies(gw: Services, principal: Principal) -> list[Agency]:
    today = local_day(gw.clock.now())
    rows = [gw.directory.agency(code, today) for code in sorted(principal.agencies)]
    own = [row for row in rows if row is not None and row.test]
    if not own:
        raise WrongState(_no_test_agency(principal.name), code="conform.no_test_agency")
    return own


def _partner(gw: Services, principal: Principal, wanted: str) -> Agency:
    """The test agency that plays the other side: one for which nobody's software acts, or the one named."""
    today = local_day(gw.clock.now())
    taken = {code for one in gw.people.principals if one.active for code in one.agencies}
    free = [
        row
        for row in gw.directory.all(today)
        if row.test
        and row.code not in principal.agencies
        and gw.directory.profile(row.code).adapter == "inbox"
    ]
    if wanted:
        free = [row for row in free if row.code == gw.directory.resolve(wanted)]
    else:
        free = [row for row in free if row.code not in taken] or free
    if not free:
        raise WrongState(_NO_PARTNER, code="conform.no_partner")
    return free[0]


def _office(agency: Agency) -> Office:
    return Office(agency.code, agency.name)


def _concerning(tx: Tx, principal: str, agency: str, since: Instant) -> Any:
    at, event_id = since, ""
    while rows := events.stream_after(tx, at, event_id, _PAGE):
        for row in rows:
            if agency in (row["sender"], row["recipient"]) or _actor(row) == principal:
                yield orjson.loads(row["body"])
        at, event_id = rows[-1]["at"], rows[-1]["id"]


def _actor(row: Row) -> str:
    return str(orjson.loads(row["body"])["actor"])


def _no_system(system: str) -> Bilingual:
    return Bilingual(
        f"Không có tài khoản hoặc mã hệ thống “{system}”. Xem danh sách: gateway agency list.",
        f"There is no account or system id “{system}”. See: gateway agency list.",
    )


def _no_test_agency(name: str) -> Bilingual:
    return Bilingual(
        f"Tài khoản {name} không đại diện cho mã thử nào. Hãy nhập một mã thử (cột test) vào danh mục và cấp "
        "cho phần mềm một tài khoản của mã đó: kiểm thử kết nối không dùng cơ quan đang hoạt động.",
        f"The account {name} acts for no test code. Import a test code (column test) and give the software "
        "an account for it: a connection test never uses an agency that works.",
    )


def _several_nodes(running: int) -> Bilingual:
    return Bilingual(
        f"Trục đang chạy {running} nút nên không thử được bước này. Hãy tạm dừng các nút khác rồi thử lại, "
        "hoặc chỉ chọn các bước còn lại (--step).",
        f"{running} nodes run, so this step cannot be tested. Stop the others for the test, or choose the "
        "other steps (--step).",
    )


_NO_PARTNER = Bilingual(
    "Cần thêm một mã thử khác, kết nối kiểu inbox, để đóng vai cơ quan đối tác. Hãy nhập mã thử (cột test) "
    "vào danh mục.",
    "A second test code, connected as inbox, has to play the other side. Import one (column test).",
)
