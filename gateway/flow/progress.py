"""A delivery arrives, and word of it travels back.

In charge of: marking a delivery as delivered, with the automatic 01, and statuses reported through the native
API. Not in charge of: what the gateway itself writes (``notices.py``), trying again (``delivery/``).
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from gateway.clock import SECOND
from gateway.edxml.build import build_status
from gateway.errors import BadRequest, NotFound
from gateway.flow import record, withdraw
from gateway.flow.door import Caller, receive
from gateway.flow.identity import identify
from gateway.flow.notices import first_message, report_arrival, status_envelope
from gateway.flow.submit import Submission, submit
from gateway.model.delivery import Delivery, State
from gateway.model.envelope import Dialect, Envelope, Kind, StaffInfo
from gateway.model.event import EventType
from gateway.model.refusal import Refusal, with_refusal
from gateway.model.status import StatusCode
from gateway.model.text import Bilingual, Instant
from gateway.services import Services
from gateway.store import deliveries, events
from gateway.store.contract import Row, Tx
from gateway.store.deliveries import Change

# Behind these another gateway or an axis stands: the arrival is reported when the recipient has the message.
RELAYS = frozenset({"gateway", "axis", "langson_axis"})


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
    profile = gw.directory.profile(delivery.recipient)
    reports_itself = profile.reports_arrival or delivery.adapter in RELAYS
    if delivery.kind != Kind.STATUS.value and not reports_itself:
        report_arrival(tx, gw, delivery, at)
    if now := deliveries.find(tx, delivery.id):
        withdraw.arrived(tx, gw, now, at)
    return True


async def report_status(
    gw: Services,
    caller: Caller,
    delivery_id: str,
    code: StatusCode,
    description: str,
    staff: StaffInfo,
    refusal: Refusal | None = None,
) -> Submission:
    """A recipient reports on a document that it was sent, without writing edXML itself.

    ``refusal`` goes with 02 only (``BadRequest``): edXML carries it at the beginning of the description.

    The status message is built here and goes through the gate like any other.
    """
    delivery, first = await gw.store.read(lambda tx: _delivery_and_message(tx, delivery_id))
    if not caller.acts_for(delivery.recipient):
        raise NotFound(code="delivery.unknown")
    if refusal is not None and code is not StatusCode.REFUSED:
        raise BadRequest(_NO_REFUSAL, code="status.no_refusal")
    description = with_refusal(refusal, description)
    at = gw.clock.now()
    while True:
        envelope = status_envelope(gw, first, delivery, delivery.recipient, code, description, at, staff)
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


def _delivery_and_message(tx: Tx, delivery_id: str) -> tuple[Delivery, Row]:
    delivery = deliveries.find(tx, delivery_id)
    if delivery is None or delivery.kind == Kind.STATUS.value:
        raise NotFound(code="delivery.unknown")
    return delivery, first_message(tx, delivery)


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data


_NO_REFUSAL = Bilingual(
    "Mã lý do từ chối (R01–R09, R99) chỉ dùng với trạng thái 02 (từ chối nhận). Hãy bỏ mã này hoặc sửa "
    "trạng thái.",
    "A refusal code (R01–R09, R99) goes with status 02 (refused) only. Leave it out or correct the status.",
)
