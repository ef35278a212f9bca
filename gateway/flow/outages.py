"""Outages: hours in which the gateway, or an agency's system, could not exchange documents.

In charge of: proposing, approving or declining (another person than who proposed), withdrawing, listing. Only
an approved outage is an event; figures are then shown with and without its hours. Not in charge of: the
figures (``compliance/``), what an outage takes out of them (``docs/figures.md``).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from gateway.clock import from_datetime
from gateway.errors import BadRequest, NotFound, NotPermitted, WrongState
from gateway.flow import facts, record
from gateway.flow.door import Caller, authenticate, stated
from gateway.model.event import Event, EventType
from gateway.model.text import AgencyCode, Bilingual, Instant
from gateway.services import Services
from gateway.store import events, outages
from gateway.store.contract import Tx
from gateway.store.outages import Outage
from gateway.store.people import Role

LONGEST_DAYS = 31
_MICROSECONDS_OF_A_DAY = 86_400_000_000
_MAY_DECIDE = (Role.OPERATOR, Role.ADMINISTRATOR)
_READERS = (Role.AUDITOR, Role.OPERATOR, Role.ADMINISTRATOR)


async def propose_outage(
    gw: Services, caller: Caller, from_at: datetime, to_at: datetime, reason: str, agency: str = ""
) -> Outage:
    """Propose an outage of the gateway, or of one agency's system; nothing is left out because of it.

    ``BadRequest``: it ends before it begins, is not over yet, or lasts longer than a month.
    """
    caller.require(*_MAY_DECIDE)
    reason, at = stated(reason), gw.clock.now()
    start, stop = from_datetime(from_at), from_datetime(to_at)
    if not start < stop <= at or stop - start > LONGEST_DAYS * _MICROSECONDS_OF_A_DAY:
        raise BadRequest(_TIMES, code="outage.times")
    code = gw.directory.resolve(agency) if agency else AgencyCode("")
    if code is None:
        raise NotFound(_unknown(agency), code="agency.unknown")
    new = Outage(gw.new_id(), code, start, stop, reason, caller.principal, at)
    await gw.store.write(lambda tx: outages.propose(tx, new))
    return new


async def decide_outage(
    gw: Services, caller: Caller, outage: str, approve: bool, reason: str = "", key: str = ""
) -> Outage:
    """Approve or decline, as another person than who proposed (``key``: their API key).

    ``reason``: what the approver adds. The command line of this machine is a person of its own.
    """
    person = authenticate(gw, key) if key else caller
    person.require(*_MAY_DECIDE)

    def unit(tx: Tx) -> Outage:
        found, at = _find(tx, outage), gw.clock.now()
        if approve and found.proposed_by == person.principal:
            raise NotPermitted(_SAME_PERSON, code="outage.same_person")
        recorded = _recorded(gw, found, person, at, reason) if approve else None
        if not outages.decide(tx, found.id, approve, person.principal, at, recorded.id if recorded else ""):
            raise WrongState(_DECIDED, code="outage.decided")
        if recorded is not None:
            events.record(tx, recorded)
        return _find(tx, outage)

    return await gw.store.write(unit)


async def withdraw_outage(gw: Services, caller: Caller, outage: str, reason: str) -> Outage:
    """Its hours count again in figures that are made from now on; a frozen report stays as it is."""
    caller.require(*_MAY_DECIDE)
    reason = stated(reason)

    def unit(tx: Tx) -> Outage:
        found, at = _find(tx, outage), gw.clock.now()
        if not outages.withdraw(tx, found.id, caller.principal, at):
            raise WrongState(_NOT_IN_FORCE, code="outage.not_in_force")
        what = {"outage": found.id, "agency": found.agency}
        private = facts.salted({"reason": reason})
        events.record(
            tx,
            record.event(gw, EventType.OUTAGE_WITHDRAWN, caller.principal, at, facts=what, private=private),
        )
        return _find(tx, outage)

    return await gw.store.write(unit)


async def list_outages(
    gw: Services, caller: Caller, from_at: datetime | None = None, to_at: datetime | None = None
) -> list[dict[str, Any]]:
    """Outages of any standing within a stretch of time (default: ever), with reason and standing."""
    caller.require(*_READERS)
    start = from_datetime(from_at) if from_at else Instant(0)
    stop = from_datetime(to_at) if to_at else Instant(2**53)

    def unit(tx: Tx) -> list[dict[str, Any]]:
        return [_line(tx, one) for one in outages.within(tx, start, stop)]

    return await gw.store.read(unit)


def standing(one: Outage) -> str:
    """``proposed``, ``declined``, ``in force`` or ``withdrawn``."""
    if one.withdrawn_at is not None:
        return "withdrawn"
    return {"": "proposed", "approved": "in force"}.get(one.decision, one.decision)


def _line(tx: Tx, one: Outage) -> dict[str, Any]:
    reason = one.reason or (events.private_values(tx, one.event).get("reason", "") if one.event else "")
    return {
        "id": one.id,
        "agency": one.agency,
        "from_at": one.from_at,
        "to_at": one.to_at,
        "reason": reason,
        "standing": standing(one),
        "proposed_by": one.proposed_by,
        "decided_by": one.decided_by,
        "event": one.event,
    }


def _recorded(gw: Services, found: Outage, person: Caller, at: Instant, reason: str) -> Event:
    what = {
        "outage": found.id,
        "agency": found.agency,
        "from": found.from_at,
        "to": found.to_at,
        "proposed_by": found.proposed_by,
        "approver": person.principal,
    }
    private = facts.salted({"reason": found.reason, "approval": reason.strip()})
    return record.event(gw, EventType.OUTAGE_RECORDED, person.principal, at, facts=what, private=private)


def _find(tx: Tx, outage: str) -> Outage:
    found = outages.find(tx, outage)
    if found is None:
        raise NotFound(_NO_OUTAGE, code="outage.unknown")
    return found


def _unknown(text: str) -> Bilingual:
    return Bilingual(
        f"Danh mục không có đơn vị mang mã {text}.", f"The directory does not know the agency {text}."
    )


_TIMES = Bilingual(
    f"Thời gian sự cố chưa hợp lệ: lúc kết thúc phải sau lúc bắt đầu, sự cố đã kết thúc và không kéo dài "
    f"quá {LONGEST_DAYS} ngày. Hãy kiểm tra lại hai mốc thời gian.",
    f"The times of the outage are wrong: its end comes after its start, it is over, and it lasted no "
    f"longer than {LONGEST_DAYS} days.",
)
_SAME_PERSON = Bilingual(
    "Người phê duyệt sự cố phải khác người đề nghị. Người thứ hai hãy đăng nhập rồi phê duyệt, hoặc dùng "
    "khóa của mình tại máy chủ (--key-file).",
    "Whoever approves an outage must be another person than who proposed it: a second person signs in and "
    "approves, or uses a key of theirs on the server (--key-file).",
)
_DECIDED = Bilingual("Đề nghị này đã được quyết định.", "This proposal was decided already.")
_NOT_IN_FORCE = Bilingual(
    "Sự cố này chưa được phê duyệt hoặc đã được rút.",
    "This outage was not approved, or was withdrawn.",
)
_NO_OUTAGE = Bilingual("Không có sự cố này.", "There is no such outage.")
