"""A spilled secret: everything of a document leaves every place at once, and two persons decide it.

In charge of: reporting (the document is kept back from that moment), confirming by a second administrator
(keys destroyed, words erased, deliveries withdrawn, those who had it asked to destroy it), dismissing,
closing. The log keeps hashes, ids and times. Not in charge of: ordinary recalls (``withdraw.py``).

Backups cannot be reached from here: they hold what was destroyed until the date in the record, and whoever
restores one purges again (docs/adr/0006). Luật 29/2018 Đ5; ADR 0006.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gateway.errors import BadRequest, NotFound, NotPermitted, WrongState
from gateway.flow import facts, record
from gateway.flow.destroy import backups_until, freeze, remove_files
from gateway.flow.door import Caller, authenticate, stated
from gateway.flow.hold import INCIDENT_OPEN
from gateway.flow.notices import ask_again
from gateway.flow.recall import RecallReport, show_recall
from gateway.flow.withdraw import Asked, Notice, ask, cancel
from gateway.model.delivery import OPEN, Delivery, State
from gateway.model.envelope import Kind
from gateway.model.event import Event, EventType
from gateway.model.recall import RecallCause
from gateway.model.text import AgencyCode, Bilingual, Instant
from gateway.services import Services
from gateway.store import deliveries, events, incidents, messages, payloads, recalls, retention
from gateway.store.contract import Row, Tx
from gateway.store.deliveries import Change
from gateway.store.incidents import Incident, IncidentState
from gateway.store.payloads import StoredPayload
from gateway.store.people import Role

KINDS = ("spill",)
PURGED = "incident.purged"
_ORDER = "Hủy ngay văn bản này, không mở, không sao chép, không chuyển tiếp; báo lại bằng trạng thái 15."


@dataclass(frozen=True, slots=True)
class IncidentReport:
    """An incident, why it was reported, and where its document still may be."""

    incident: Incident
    reason: str
    recall: RecallReport


async def open_incident(
    gw: Services, caller: Caller, document: str, reason: str, kind: str = "spill", key: str = ""
) -> Incident:
    """Report it. Whatever nobody has yet is held, and nobody can fetch the document, until it is decided."""
    person = _person(gw, caller, key)
    reason = stated(reason)
    if kind not in KINDS:
        raise BadRequest(_NO_REASON, code="reason.missing")

    def unit(tx: Tx) -> Incident:
        row = _document(tx, document)
        if incidents.open_for(tx, row["id"]) is not None:
            raise WrongState(_OPEN_ALREADY, code="incident.open")
        at = gw.clock.now()
        opened = _event(gw, EventType.INCIDENT_OPENED, person, row, at, {"kind": kind}, reason)
        incident = Incident(gw.new_id(), kind, row["id"], IncidentState.OPEN, opened.id, at, person.principal)
        events.record(tx, opened)
        incidents.add(tx, incident)
        freeze(tx, gw, row["id"], row["sender"], person.principal, at)
        for delivery in _locked(tx, row["id"]):
            _keep_back(tx, gw, delivery, person.principal, gw.clock.now())
        return incident

    return await gw.store.write(unit)


async def confirm_incident(gw: Services, caller: Caller, incident: str, key: str = "") -> IncidentReport:
    """A second person confirms; on return nothing of the document is readable here."""
    person = _person(gw, caller, key)

    def unit(tx: Tx) -> list[StoredPayload]:
        found = _open(tx, incident)
        if found.opened_by == person.principal:
            raise NotPermitted(_SAME_PERSON, code="incident.same_person")
        if retention.is_frozen(tx, found.document):
            raise WrongState(_FROZEN, code="retention.frozen")
        return _purge(tx, gw, found, person)

    remove_files(gw, await gw.store.write(unit))
    gw.bell.ring()
    return await show_incident(gw, caller, incident)


async def dismiss_incident(
    gw: Services, caller: Caller, incident: str, reason: str, key: str = ""
) -> Incident:
    """It was none: what was held for it goes on."""
    person = _person(gw, caller, key)
    reason = stated(reason)

    def unit(tx: Tx) -> Incident:
        found, at = _open(tx, incident), gw.clock.now()
        row = _document(tx, found.document)
        incidents.end(tx, found.id, IncidentState.DISMISSED, person.principal, at)
        events.record(tx, _event(gw, EventType.INCIDENT_DISMISSED, person, row, at, _named(found), reason))
        for delivery in _locked(tx, found.document):
            if delivery.state is State.HELD and delivery.reason_code == INCIDENT_OPEN:
                _let_on(tx, gw, delivery, person.principal, gw.clock.now())
        return incidents.find(tx, found.id) or found

    ended = await gw.store.write(unit)
    gw.bell.ring()
    return ended


async def close_incident(gw: Services, caller: Caller, incident: str, reason: str, key: str = "") -> Incident:
    """Recipients and backups are dealt with, as ``reason`` says."""
    person = _person(gw, caller, key)
    reason = stated(reason)

    def unit(tx: Tx) -> Incident:
        found = incidents.find(tx, incident, lock=True)
        if found is None:
            raise NotFound(code="incident.unknown")
        if found.state is not IncidentState.PURGED:
            raise WrongState(_NOT_PURGED, code=f"incident.{found.state.value}")
        at, row = gw.clock.now(), _document(tx, found.document)
        incidents.end(tx, found.id, IncidentState.CLOSED, person.principal, at)
        events.record(tx, _event(gw, EventType.INCIDENT_CLOSED, person, row, at, _named(found), reason))
        return incidents.find(tx, found.id) or found

    return await gw.store.write(unit)


async def show_incident(gw: Services, caller: Caller, incident: str) -> IncidentReport:
    """One incident with every recipient and the date from which no backup holds it."""
    caller.require(Role.AUDITOR, Role.OPERATOR, Role.ADMINISTRATOR)

    def unit(tx: Tx) -> tuple[Incident, str]:
        found = incidents.find(tx, incident)
        if found is None:
            raise NotFound(code="incident.unknown")
        return found, events.private_values(tx, found.event).get("reason", "")

    found, reason = await gw.store.read(unit)
    return IncidentReport(found, reason, await show_recall(gw, caller, found.document))


async def list_incidents(gw: Services, caller: Caller, limit: int = 100) -> list[Incident]:
    """Incidents, newest first."""
    caller.require(Role.AUDITOR, Role.OPERATOR, Role.ADMINISTRATOR)
    return await gw.store.read(lambda tx: incidents.newest(tx, limit))


def _person(gw: Services, caller: Caller, key: str) -> Caller:
    """Who decides: the person whose API key was shown, else the caller. The command line of this machine is
    one person; a second one shows a key."""
    person = authenticate(gw, key) if key else caller
    person.require(Role.ADMINISTRATOR)
    return person


def _purge(tx: Tx, gw: Services, incident: Incident, person: Caller) -> list[StoredPayload]:
    """``at`` dates the rows; each event has the time at which it is written, or the log would tell them in
    another order."""
    at, row = gw.clock.now(), _document(tx, incident.document)
    until = backups_until(gw, at)
    everybody = recalls.recipients(tx, incident.document)
    for delivery in _locked(tx, incident.document):
        if delivery.state in OPEN and delivery.leased_until is None and not _was_fetched(delivery):
            cancel(tx, gw, delivery, PURGED, _PURGED, person.principal, gw.clock.now())
    gone = [payloads.purge(tx, sha256, at, until) for sha256 in payloads.of_document(tx, incident.document)]
    destroyed = [payload for payload in gone if payload is not None]
    incidents.erase_words(tx, incident.document, at)
    for payload in destroyed:
        what = {"sha256": payload.sha256.hex(), "size": payload.size, "backups_until": until}
        events.record(tx, _event(gw, EventType.PAYLOAD_DESTROYED, person, row, gw.clock.now(), what))
    incidents.confirm(tx, incident.id, person.principal, at, len(destroyed), until)
    what = _named(incident) | {"payloads": len(destroyed), "backups_until": until}
    events.record(tx, _event(gw, EventType.INCIDENT_PURGED, person, row, gw.clock.now(), what))
    for recipient in everybody:
        _order_destruction(tx, gw, row, recipient, person)
    return destroyed


def _order_destruction(tx: Tx, gw: Services, row: Row, recipient: AgencyCode, person: Caller) -> None:
    """A 13 to those who had it, in the sender's name; ``ask`` withdraws it from the others."""
    found = recalls.lock_deliveries(tx, row["id"], recipient)
    message = ask_again(tx, gw, found[0], recipient, _ORDER)
    if message:
        sender, at = AgencyCode(row["sender"]), gw.clock.now()  # after the order was queued
        notice = Notice(message, row["id"], sender, RecallCause.INCIDENT, person.principal, at)
        ask(tx, gw, notice, [Asked(recipient, recipient)])


def _was_fetched(delivery: Delivery) -> bool:
    return delivery.kind != Kind.STATUS.value and delivery.fetched_at is not None


def _keep_back(tx: Tx, gw: Services, delivery: Delivery, actor: str, at: Instant) -> None:
    """Hold what nobody has: not what was fetched, nor what is being handed over, nor statuses."""
    waits = delivery.state is State.QUEUED and delivery.leased_until is None and delivery.fetched_at is None
    if not waits or delivery.kind == Kind.STATUS.value:
        return
    change = Change(State.HELD, at, reason_code=INCIDENT_OPEN, reason=_KEPT_BACK)
    if deliveries.move(tx, delivery, change):
        kind = EventType.DELIVERY_HELD
        held = record.delivery_moved(gw, kind, delivery, State.HELD, actor, at, reason_code=INCIDENT_OPEN)
        events.record(tx, held)


def _let_on(tx: Tx, gw: Services, delivery: Delivery, actor: str, at: Instant) -> None:
    due_at = None if gw.kinds.get(delivery.adapter, False) else at
    if deliveries.move(tx, delivery, Change(State.QUEUED, at, due_at=due_at)):
        kind = EventType.DELIVERY_RELEASED
        events.record(tx, record.delivery_moved(gw, kind, delivery, State.QUEUED, actor, at))


def _locked(tx: Tx, document: str) -> list[Delivery]:
    """Every delivery of every message of a document, ours until the transaction ends."""
    found = [deliveries.find(tx, one.id, lock=True) for one in deliveries.of_document(tx, document)]
    return [one for one in found if one is not None]


def _open(tx: Tx, incident_id: str) -> Incident:
    found = incidents.find(tx, incident_id, lock=True)
    if found is None:
        raise NotFound(code="incident.unknown")
    if found.state is not IncidentState.OPEN:
        raise WrongState(_DECIDED, code=f"incident.{found.state.value}")
    return found


def _document(tx: Tx, reference: str) -> Row:
    """Held until the transaction ends, so that no message of it is accepted beside this."""
    rows = messages.documents_named(tx, reference)
    if len(rows) != 1:
        raise NotFound(code="document.unknown" if not rows else "document.ambiguous")
    locked = messages.document_of(tx, rows[0]["sender"], rows[0]["document_id"], lock=True)
    assert locked is not None
    return locked


def _named(incident: Incident) -> dict[str, Any]:
    return {"incident": incident.id, "opened_by": incident.opened_by}


def _event(
    gw: Services,
    kind: EventType,
    person: Caller,
    row: Row,
    at: Instant,
    what: dict[str, Any],
    reason: str = "",
) -> Event:
    return record.event(
        gw,
        kind,
        person.principal,
        at,
        document=row["id"],
        sender=row["sender"],
        facts=what,
        private=facts.salted({"reason": reason}),
    )


_NO_REASON = Bilingual(
    "Phải ghi rõ lý do và loại sự cố (spill).", "A reason and a kind of incident (spill) are required."
)
_OPEN_ALREADY = Bilingual(
    "Văn bản này đã có sự cố chờ xác nhận.", "An incident about this document waits for confirmation."
)
_SAME_PERSON = Bilingual(
    "Người xác nhận phải khác người báo sự cố. Hãy dùng khóa của quản trị viên thứ hai (--key-file).",
    "Whoever confirms must be another person than who reported. Use the key of a second administrator "
    "(--key-file).",
)
_FROZEN = Bilingual(
    "Văn bản đang bị phong tỏa theo yêu cầu lưu giữ chứng cứ nên chưa thể xóa. Hãy gỡ phong tỏa trước: "
    "gateway retention show.",
    "A freeze covers the document, so nothing of it is destroyed. End the freeze first: gateway retention "
    "show.",
)
_DECIDED = Bilingual("Sự cố này đã được quyết định.", "This incident was decided already.")
_NOT_PURGED = Bilingual(
    "Chỉ đóng được sự cố đã xóa xong văn bản.", "Only an incident whose document was purged can be closed."
)
_KEPT_BACK = Bilingual(
    "Tạm giữ vì có sự cố về văn bản này đang chờ xác nhận.",
    "Held, because an incident about this document waits for confirmation.",
)
_PURGED = Bilingual(
    "Văn bản đã bị xóa khỏi trục theo sự cố.", "The document was purged here because of an incident."
)
