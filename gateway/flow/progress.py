"""A delivery arrives, and word of it travels back.

In charge of: marking a delivery as delivered, the automatic 01 in the recipient's name, the notice to a
sender whose document could not be delivered, and statuses reported through the native API. All statuses are
ordinary messages with ordinary deliveries. Not in charge of: trying again (``delivery/``).
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date

import orjson

from gateway.clock import SECOND, local, local_day
from gateway.directory.route import route
from gateway.edxml.build import build_status
from gateway.errors import NotFound
from gateway.flow import record
from gateway.flow.accept import commit, plan_for
from gateway.flow.door import Caller, receive
from gateway.flow.examine import Examination
from gateway.flow.identity import identify, look_up
from gateway.flow.submit import Submission, submit
from gateway.model.delivery import Delivery, State
from gateway.model.envelope import (
    DateText,
    Dialect,
    Envelope,
    Kind,
    Organization,
    ResponseFor,
    StaffInfo,
    StatusReport,
)
from gateway.model.event import EventType
from gateway.model.finding import Decision
from gateway.model.status import StatusCode
from gateway.model.text import AgencyCode, Bilingual, Instant
from gateway.services import Services
from gateway.store import deliveries, events, messages
from gateway.store.contract import Row, Tx
from gateway.store.deliveries import Change
from gateway.store.payloads import StoredPayload


def arrive(
    tx: Tx, gw: Services, delivery: Delivery, proof: str, *, lease: str = "", actor: str = record.GATEWAY
) -> bool:
    """The recipient's system has the message: state, event and, for a document, its 01 on the way back.

    False when the delivery is no longer where this attempt left it; nothing is written then.
    """
    at = gw.clock.now()
    if not deliveries.move(tx, delivery, Change(State.DELIVERED, at, lease=lease, proof=proof)):
        return False
    moved = record.delivery_moved(
        gw,
        EventType.DELIVERY_DELIVERED,
        delivery,
        State.DELIVERED,
        actor,
        at,
        facts={"proof": proof, "attempts": delivery.attempts},
    )
    events.record(tx, moved)
    if delivery.kind != Kind.STATUS.value and not gw.directory.profile(delivery.recipient).reports_arrival:
        _report_arrival(tx, gw, delivery, at)
    return True


def tell_sender(tx: Tx, gw: Services, delivery: Delivery, reason: Bilingual) -> None:
    """The sender's document did not reach a recipient: a 02 in the gateway's own name, with the reason.

    A status that cannot be delivered tells nobody, so that no notice ever follows a notice.
    """
    if delivery.kind == Kind.STATUS.value:
        return
    own = AgencyCode(gw.config.gateway.code or gw.config.gateway.name)
    name = gw.directory.name(delivery.recipient, local_day(gw.clock.now()))
    text = f"Trục không chuyển được đến {name} ({delivery.recipient}): {reason.vi}"
    _write_status(tx, gw, delivery, own, StatusCode.REFUSED, text, gw.clock.now())


async def report_status(
    gw: Services, caller: Caller, delivery_id: str, code: StatusCode, description: str, staff: StaffInfo
) -> Submission:
    """A recipient reports on a document that it was sent, without writing edXML itself.

    The status message is built here and goes through the gate like any other.
    """
    delivery, first = await gw.store.read(lambda tx: _delivery_and_message(tx, delivery_id))
    if not caller.acts_for(delivery.recipient):
        raise NotFound(code="delivery.unknown")
    at = gw.clock.now()
    while True:
        envelope = _status_envelope(gw, first, delivery, delivery.recipient, code, description, at, staff)
        if not await gw.store.read(lambda tx: _time_is_taken(tx, gw, envelope)):  # noqa: B023  (awaited here)
            break
        at = Instant(at + SECOND)
    data = build_status(envelope, Dialect.JAVA)
    upload = await receive(gw, _once(data))
    return await submit(gw, caller, upload)


def _time_is_taken(tx: Tx, gw: Services, envelope: Envelope) -> bool:
    """True when another report of this code carries the same second: statuses are told apart by it."""
    identity = identify(envelope, gw.directory)
    row = tx.one("message_by_key", duplicate_key=identity.duplicate_key)
    return row is not None and bytes(row["content_digest"]) != identity.content_digest


def _report_arrival(tx: Tx, gw: Services, delivery: Delivery, at: Instant) -> None:
    if messages.arrival_reported(tx, delivery.document, delivery.recipient):
        return
    text = f"{StatusCode.ARRIVED.words.vi} (trục ghi nhận tự động)"
    _write_status(tx, gw, delivery, delivery.recipient, StatusCode.ARRIVED, text, at)


def _write_status(
    tx: Tx,
    gw: Services,
    delivery: Delivery,
    reporter: AgencyCode,
    code: StatusCode,
    description: str,
    at: Instant,
) -> None:
    """Build a status in ``reporter``'s name and accept it within this transaction."""
    first = _first_message(tx, delivery)
    envelope = _status_envelope(gw, first, delivery, reporter, code, description, at, StaffInfo())
    exam = _examined(tx, gw, envelope)
    while exam.known.repeats:  # two notices about one document within one second
        at = Instant(at + SECOND)
        envelope = _status_envelope(gw, first, delivery, reporter, code, description, at, StaffInfo())
        exam = _examined(tx, gw, envelope)
    if exam.hops:
        payload = _payload(gw, build_status(envelope, Dialect.JAVA))
        commit(tx, gw, plan_for(gw, record.GATEWAY, exam, payload, automatic=True))


def _examined(tx: Tx, gw: Services, envelope: Envelope) -> Examination:
    """What the gate would say of our own status: it is routed and known, and needs no checks."""
    identity = identify(envelope, gw.directory)
    on = local_day(gw.clock.now())
    routing = route((identity.document_sender,), gw.directory, on, gw.kinds)
    known = look_up(tx, identity, lock=True)
    return Examination(Decision.ACCEPT, (), (), envelope, identity, routing.hops, known)


def _status_envelope(
    gw: Services,
    first: Row,
    delivery: Delivery,
    reporter: AgencyCode,
    code: StatusCode,
    description: str,
    at: Instant,
    staff: StaffInfo,
) -> Envelope:
    header = orjson.loads(first["header"])
    on = local_day(at)
    promulgated = header.get("promulgation_date", "")
    return Envelope(
        kind=Kind.STATUS,
        sender=Organization(_written(gw, reporter, on), name=gw.directory.name(reporter, on)),
        document_id=delivery.document_id,
        response_for=(
            ResponseFor(
                organ_id=_written(gw, AgencyCode(first["sender"]), on),
                code=f"{header.get('number', '')}/{header.get('notation', '')}",
                promulgation_date=_date_text(promulgated),
                document_id=delivery.document_id,
            ),
        ),
        status=StatusReport(code.value, description, local(at).strftime("%Y/%m/%d %H:%M:%S"), staff),
    )


def _written(gw: Services, code: AgencyCode, on: date) -> str:
    """The form that statuses carry: the one of QCVN 102:2016, which every client reads."""
    return gw.directory.written_form(code, "qcvn102", on)


def _date_text(text: str) -> DateText:
    try:
        value = date.fromisoformat(text)
    except ValueError:
        return DateText(text)
    return DateText(value.strftime("%Y/%m/%d"), value)


def _payload(gw: Services, data: bytes) -> StoredPayload:
    """A status is far below the limit up to which bytes stay in the row, so this touches no disk."""
    staging = gw.blobs.stage()
    staging.write(data)
    kept = staging.make_durable()
    wrapped = gw.keyring.wrap(staging.data_key)
    return StoredPayload(staging.sha256, staging.size, wrapped, kept.file, kept.inline)


def _delivery_and_message(tx: Tx, delivery_id: str) -> tuple[Delivery, Row]:
    delivery = deliveries.find(tx, delivery_id)
    if delivery is None or delivery.kind == Kind.STATUS.value:
        raise NotFound(code="delivery.unknown")
    return delivery, _first_message(tx, delivery)


def _first_message(tx: Tx, delivery: Delivery) -> Row:
    row = tx.one("first_new_message", document=delivery.document)
    assert row is not None  # a delivery belongs to a document, a document begins with a message
    return row


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data
