"""Forgetting without losing the proof: private values beside the log go, by decision; events and leaves stay.

In charge of: proposing what is due, deciding (another administrator than who proposed), erasing, freezing.
Nothing is erased without a recorded decision, and nothing that a freeze covers. Not in charge of: how long
what is kept (``schemas/rules/retention.toml``), recalls (``withdraw.py``), spills (``incident.py``).
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

from gateway.clock import VIETNAM, from_datetime, local_day
from gateway.errors import BadRequest, NotFound, NotPermitted, WrongState
from gateway.flow import facts, record
from gateway.flow.door import Caller, authenticate, stated
from gateway.flow.retention_data import RetentionClass, shipped_retention
from gateway.model.event import Event, EventType
from gateway.model.text import AgencyCode, Bilingual, Instant
from gateway.services import Services
from gateway.store import events, messages, retention
from gateway.store.contract import Row, Tx
from gateway.store.people import Role
from gateway.store.retention import Decision, Freeze

PAGE = 1000
EVER = Instant(2**53 - 1)  # the year 2255: the largest instant that an event can name
_READERS = (Role.AUDITOR, Role.OPERATOR, Role.ADMINISTRATOR)


async def propose(gw: Services, caller: Caller, name: str, reason: str) -> Decision:
    """Say what is due in a class as of today; nothing is erased. ``BadRequest``: no such class, or one whose
    values are kept as long as the document."""
    caller.require(Role.ADMINISTRATOR)
    reason, today = stated(reason), local_day(gw.clock.now())
    found = shipped_retention().find(name, today)
    due_before = found.due_before(today) if found else None
    if found is None or due_before is None:
        raise BadRequest(_no_class(name, today), code="retention.class")
    before = _start_of(due_before)
    due = len(await _due(gw, found, before))
    at = gw.clock.now()
    what = {"class": name, "version": shipped_retention().version, "before": before, "values_of": due}
    proposed = _event(gw, EventType.RETENTION_PROPOSED, caller, at, what, reason)
    new = Decision(
        gw.new_id(), name, shipped_retention().version, before, due, caller.principal, at, proposed.id
    )

    def unit(tx: Tx) -> None:
        events.record(tx, proposed)
        retention.propose(tx, new)

    await gw.store.write(unit)
    return new


async def decide(
    gw: Services, caller: Caller, decision: str, approve: bool, reason: str, key: str = ""
) -> Decision:
    """Approve or decline, as another administrator than who proposed (``key``: their API key).

    The command line of this machine is a person of its own.
    """
    person = authenticate(gw, key) if key else caller
    person.require(Role.ADMINISTRATOR)
    reason = stated(reason)

    def unit(tx: Tx) -> Decision:
        found, at = _find(tx, decision), gw.clock.now()
        if approve and found.proposed_by == person.principal:
            raise NotPermitted(_SAME_PERSON, code="retention.same_person")
        if not retention.decide(tx, found.id, approve, person.principal, at):
            raise WrongState(_DECIDED, code="retention.decided")
        what = {"decision": found.id, "approved": approve, "proposed_by": found.proposed_by}
        events.record(tx, _event(gw, EventType.RETENTION_DECIDED, person, at, what, reason))
        return _find(tx, decision)

    return await gw.store.write(unit)


async def run_decision(gw: Services, caller: Caller, decision: str) -> Decision:
    """Erase what was approved, page by page; may be repeated after a crash. What is frozen now stays."""
    caller.require(Role.ADMINISTRATOR)
    found = await gw.store.read(lambda tx: _find(tx, decision))
    if found.decision != "approved":
        raise WrongState(_NOT_APPROVED, code="retention.not_approved")
    chosen = shipped_retention().find(found.retention_class, local_day(found.proposed_at))
    assert chosen is not None  # it was proposed
    due = await _due(gw, chosen, found.before)
    for start in range(0, len(due), PAGE):
        page = due[start : start + PAGE]
        await gw.store.write(partial(retention.erase, decision=found.id, events=page, ended_at=None))

    def unit(tx: Tx) -> Decision:
        at = gw.clock.now()
        retention.erase(tx, found.id, (), at)
        now = _find(tx, decision)
        what = {"decision": found.id, "class": found.retention_class, "before": found.before}
        erased = _event(gw, EventType.RETENTION_ERASED, caller, at, what | {"values": now.erased})
        events.record(tx, erased)
        return now

    return await gw.store.write(unit)


async def freeze(
    gw: Services,
    caller: Caller,
    reason: str,
    document: str = "",
    agency: str = "",
    from_day: date | None = None,
    to_day: date | None = None,
) -> Freeze:
    """Let nothing be erased of a document, an agency, a period (days included), or all of these together."""
    caller.require(Role.ADMINISTRATOR)
    reason = stated(reason)
    if not (document or agency or from_day or to_day):
        raise BadRequest(_WHAT, code="retention.freeze_what")
    code = AgencyCode(gw.directory.canonical(agency)) if agency else AgencyCode("")
    start = _start_of(from_day) if from_day else Instant(0)
    stop = _start_of(to_day + timedelta(days=1)) if to_day else EVER

    def unit(tx: Tx) -> Freeze:
        row = _document(tx, document) if document else None
        named, at = row["id"] if row else "", gw.clock.now()
        what = {"agency": code, "from": start, "to": stop, "of_document": named}
        frozen = _event(gw, EventType.RETENTION_FROZEN, caller, at, what, reason)
        new = Freeze(gw.new_id(), named, code, start, stop, frozen.id, caller.principal, at)
        events.record(tx, frozen)
        retention.freeze(tx, new)
        return new

    return await gw.store.write(unit)


async def thaw(gw: Services, caller: Caller, freeze_id: str, reason: str) -> dict[str, str]:
    """End a freeze; what is due is erased only by a decision, as before."""
    caller.require(Role.ADMINISTRATOR)
    reason = stated(reason)

    def unit(tx: Tx) -> None:
        at = gw.clock.now()
        if not retention.thaw(tx, freeze_id, at):
            raise NotFound(_NO_FREEZE, code="retention.no_freeze")
        events.record(tx, _event(gw, EventType.RETENTION_THAWED, caller, at, {"freeze": freeze_id}, reason))

    await gw.store.write(unit)
    return {"thawed": freeze_id}


async def show(gw: Services, caller: Caller, limit: int = 50) -> dict[str, Any]:
    """Classes in force, what is frozen, and the newest decisions."""
    caller.require(*_READERS)
    today = local_day(gw.clock.now())
    data = shipped_retention()
    names = dict.fromkeys(one.name for one in data.classes)
    decisions, frozen = await gw.store.read(lambda tx: (retention.newest(tx, limit), retention.freezes(tx)))
    return {
        "version": data.version,
        "classes": [one for name in names if (one := data.find(name, today)) is not None],
        "freezes": frozen,
        "decisions": decisions,
    }


async def _due(gw: Services, chosen: RetentionClass, before: Instant) -> list[str]:
    """Events of the class whose values are due now and not frozen."""
    due: list[str] = []
    after, last = Instant(0), ""
    while page := await gw.store.read(
        partial(retention.due, after=after, last=last, before=before, limit=PAGE)
    ):
        due += [row["id"] for row in page if shipped_retention().class_of(row["type"]) == chosen.name]
        after, last = page[-1]["at"], page[-1]["id"]
    return due


def _find(tx: Tx, decision: str) -> Decision:
    found = retention.find(tx, decision)
    if found is None:
        raise NotFound(_NO_DECISION, code="retention.unknown")
    return found


def _document(tx: Tx, reference: str) -> Row:
    rows = messages.documents_named(tx, reference)
    if len(rows) != 1:
        raise NotFound(code="document.unknown" if not rows else "document.ambiguous")
    return rows[0]


def _start_of(day: date) -> Instant:
    return from_datetime(datetime(day.year, day.month, day.day, tzinfo=VIETNAM))


def _event(
    gw: Services, kind: EventType, caller: Caller, at: Instant, what: dict[str, Any], reason: str = ""
) -> Event:
    private = facts.salted({"reason": reason})
    return record.event(gw, kind, caller.principal, at, facts=what, private=private)


def _no_class(name: str, today: date) -> Bilingual:
    data = shipped_retention()
    listed = ", ".join(dict.fromkeys(one.name for one in data.classes if one.due_before(today)))
    return Bilingual(
        f"Không thể đề nghị xóa theo nhóm “{name}”. Các nhóm có thời hạn: {listed}.",
        f"Nothing can be proposed for the class “{name}”. Classes with an end: {listed}.",
    )


_SAME_PERSON = Bilingual(
    "Người phê duyệt phải khác người đề nghị. Hãy dùng khóa của quản trị viên thứ hai (--key-file).",
    "Whoever approves must be another person than who proposed. Use the key of a second administrator "
    "(--key-file).",
)
_DECIDED = Bilingual("Đề nghị này đã được quyết định.", "This proposal was decided already.")
_NOT_APPROVED = Bilingual(
    "Chưa có quyết định phê duyệt nên không xóa gì.", "It was not approved, so nothing is erased."
)
_NO_DECISION = Bilingual("Không có đề nghị này.", "There is no such proposal.")
_NO_FREEZE = Bilingual(
    "Không có lệnh phong tỏa này, hoặc đã được gỡ.", "There is no such freeze, or it was ended."
)
_WHAT = Bilingual(
    "Hãy ghi rõ phong tỏa văn bản nào, cơ quan nào hoặc khoảng thời gian nào.",
    "Name a document, an agency or a period to freeze.",
)
