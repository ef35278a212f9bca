"""Partner software asks to add or close an agency below its own; a person decides.

In charge of: what may be asked for at all, the list of what waits, and carrying out a decision through the
directory import. Not in charge of: the wire format of the request (the adapters), what an import must hold
(``office.import_directory``).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import orjson

from gateway.clock import local_day
from gateway.directory.codes import scheme_of, to_canonical
from gateway.directory.data import DirectoryData
from gateway.errors import BadRequest, NotFound, NotPermitted, WrongState
from gateway.flow import facts, office, record
from gateway.flow.door import Caller, stated
from gateway.model.agency import Agency, Alias, Period
from gateway.model.event import EventType
from gateway.model.text import AgencyCode, Bilingual, readable
from gateway.services import Services
from gateway.store import events, partners
from gateway.store.contract import Tx
from gateway.store.partners import AgencyRequest
from gateway.store.people import Role

MAX_REQUEST_BYTES = 16_384


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that was written down, or that waited already (``repeated``)."""

    request: AgencyRequest
    repeated: bool


async def ask(gw: Services, caller: Caller, kind: str, code: str, body: dict[str, Any]) -> Asked:
    """Partner software asks to add (``register``) or close (``delete``) an agency in its own subtree.

    ``BadRequest`` for a request that could never be granted, ``NotPermitted`` outside the caller's subtree.
    Asking again what nobody has decided yet changes nothing.
    """
    wanted = _wanted_code(gw, kind, code, body)
    above = [wanted] if kind == "delete" else _parents(gw, wanted, str(body.get("pcode", "")))
    own = caller.agencies - {wanted}
    if not above or not all(_within_any(gw, parent, own) for parent in above):
        raise NotPermitted(_OUTSIDE, code="agency.outside_subtree")
    text = orjson.dumps(body).decode()
    if len(text) > MAX_REQUEST_BYTES:
        raise BadRequest(code="agency.request_too_long")
    request = AgencyRequest(gw.new_id(), kind, wanted, text, caller.principal, gw.clock.now())
    asked = record.event(
        gw,
        EventType.AGENCY_REQUESTED,
        caller.principal,
        request.asked_at,
        facts={"request": request.id, "kind": kind, "agency": wanted},
    )

    def unit(tx: Tx) -> Asked:
        if waiting := partners.open_request(tx, caller.principal, kind, wanted):
            return Asked(waiting, True)
        partners.add_request(tx, request)
        events.record(tx, asked)
        return Asked(request, False)

    return await gw.store.write(unit)


async def list_requests(
    gw: Services, caller: Caller, everything: bool = False, limit: int = 200
) -> list[AgencyRequest]:
    """What partner software asked for and nobody has decided; with ``everything`` all there ever was."""
    caller.require(Role.OPERATOR, Role.AUDITOR, Role.ADMINISTRATOR)
    return await gw.store.read(lambda tx: partners.requests(tx, everything=everything, limit=limit))


async def approve(gw: Services, caller: Caller, request_id: str, level: str = "") -> AgencyRequest:
    """Import the agency that was asked for (or its end, as of today), and write the decision down.

    ``level``: its tier; empty: that of its parent.
    """
    caller.require(Role.ADMINISTRATOR)
    request = await _waiting_request(gw, request_id)
    made = _row_added(gw, request, level) if request.kind == "register" else _rows_closed(gw, request)
    await office.import_directory(gw, caller, made, apply=True)
    return await _decide(gw, caller, request, "approved", "")


async def decline(gw: Services, caller: Caller, request_id: str, reason: str) -> AgencyRequest:
    """Write down that it is not done, and why."""
    caller.require(Role.OPERATOR, Role.ADMINISTRATOR)
    reason = stated(reason)
    return await _decide(gw, caller, await _waiting_request(gw, request_id), "declined", reason)


async def _waiting_request(gw: Services, request_id: str) -> AgencyRequest:
    request = await gw.store.read(lambda tx: partners.request(tx, request_id))
    if request is None:
        raise NotFound(code="request.unknown")
    if request.decision:
        raise WrongState(_DECIDED, code="request.decided")
    return request


async def _decide(
    gw: Services, caller: Caller, request: AgencyRequest, decision: str, reason: str
) -> AgencyRequest:
    at = gw.clock.now()
    decided = record.event(
        gw,
        EventType.AGENCY_DECIDED,
        caller.principal,
        at,
        facts={"request": request.id, "kind": request.kind, "agency": request.code, "decision": decision},
        private=facts.salted({"reason": reason}),
    )

    def unit(tx: Tx) -> None:
        if not partners.decide_request(tx, request.id, decision, caller.principal, reason, at):
            raise WrongState(_DECIDED, code="request.decided")
        events.record(tx, decided)

    await gw.store.write(unit)
    return replace(request, decision=decision, decided_at=at, decided_by=caller.principal, reason=reason)


def _row_added(gw: Services, request: AgencyRequest, level: str) -> DirectoryData:
    """The agency as the partner described it; a code in another spelling is kept as an alias."""
    body, today = orjson.loads(request.body), local_day(gw.clock.now())
    parent = gw.directory.resolve(str(body.get("pcode", ""))) or _parent_by_code(gw, request.code)
    tier = level or (gw.directory.level(parent, today) if parent else "")
    code = AgencyCode(request.code)
    name = " ".join(readable(str(body.get("name", ""))).split())
    agency = Agency(code, name, tier, parent, Period(today))
    if any(replace(row, period=agency.period) != agency for row in gw.directory.periods_of(code)):
        raise WrongState(
            _exists(code), code="agency.exists"
        )  # since it was asked for, and not by this request
    spelled = str(body.get("code", "")).strip()
    aliases = () if spelled == code else (Alias(spelled, code, scheme_of(spelled), Period(today)),)
    return DirectoryData((agency,), aliases)


def _rows_closed(gw: Services, request: AgencyRequest) -> DirectoryData:
    """Every period of the agency, the one in force ending today; aliases and successions stay as they are."""
    today, code = local_day(gw.clock.now()), AgencyCode(request.code)
    rows = [row for row in gw.directory.agencies if row.code == code]
    if not any(row.period.holds_on(today) for row in rows):
        raise WrongState(_NOT_IN_FORCE, code="agency.not_in_force")
    closed = tuple(
        replace(row, period=Period(row.period.start, today)) if row.period.holds_on(today) else row
        for row in rows
    )
    kept = tuple(item for item in gw.directory.successions if item.old == code)
    return DirectoryData(closed, gw.directory.aliases_of(code), kept)


def _wanted_code(gw: Services, kind: str, code: str, body: dict[str, Any]) -> AgencyCode:
    """The code that is asked about, canonical; ``BadRequest`` where the request makes no sense."""
    known = gw.directory.resolve(code)
    if kind == "delete":
        if known is None:
            raise NotFound(_no_agency(code), code="agency.unknown")
        return known
    wanted = to_canonical(code)
    if wanted is None:
        raise BadRequest(_no_code(code), code="agency.code_malformed")
    if not str(body.get("name", "")).strip():
        raise BadRequest(_NO_NAME, code="agency.name_missing")
    if known is not None:  # a code that was closed is not given out again
        raise WrongState(_exists(code), code="agency.exists")
    return wanted


def _parents(gw: Services, wanted: AgencyCode, named: str) -> list[AgencyCode]:
    """Where the new agency would stand: under the parent that the request names, and by its own code.

    Both have to be the caller's: else a system could ask for a code of somebody else's under its own roof.
    """
    by_code = _parent_by_code(gw, wanted)
    by_name = gw.directory.resolve(named) if named else by_code
    if by_name is None:
        raise BadRequest(_no_agency(named or wanted), code="agency.parent_unknown")
    return [by_name] if by_code is None else [by_name, by_code]


def _within_any(gw: Services, code: AgencyCode, own: Iterable[AgencyCode]) -> bool:
    today = local_day(gw.clock.now())
    return any(gw.directory.within(code, agency, today) for agency in own)


def _parent_by_code(gw: Services, code: str) -> AgencyCode | None:
    """The nearest known agency whose code begins this one (QĐ 20/2020 Đ4: highest level first)."""
    while "." in code:
        code = code.rpartition(".")[0]
        if found := gw.directory.resolve(code):
            return found
    return None


def _no_agency(code: str) -> Bilingual:
    return Bilingual(
        f"Danh mục không có cơ quan mang mã {code}.", f"The directory does not know the agency {code}."
    )


def _no_code(code: str) -> Bilingual:
    return Bilingual(
        f"Mã định danh “{code}” không đúng dạng. Ví dụ đúng: H37.31.21 hoặc 000.21.31.H37.",
        f"“{code}” is no agency code. Examples: H37.31.21 or 000.21.31.H37.",
    )


def _exists(code: str) -> Bilingual:
    return Bilingual(
        f"Danh mục đã có cơ quan mang mã {code}; không cần đăng ký lại.",
        f"The directory has the agency {code} already; there is nothing to register.",
    )


_NO_NAME = Bilingual("Thiếu tên cơ quan (name).", "The agency's name is missing (name).")
_DECIDED = Bilingual("Đề nghị này đã được quyết định.", "This request was decided already.")
_NOT_IN_FORCE = Bilingual(
    "Cơ quan này không còn hoạt động nên không cần đóng.",
    "This agency is not in force, so it cannot be closed.",
)
_OUTSIDE = Bilingual(
    "Hệ thống chỉ được đề nghị thêm hoặc đóng đơn vị trực thuộc cơ quan của mình.",
    "A system may ask to add or close only agencies below its own.",
)
