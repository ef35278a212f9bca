"""Statuses that the gateway writes itself: 01 in a recipient's name, 02 in its own, 13 again in a sender's.

In charge of: building them and accepting them within the transaction that gave cause; they are ordinary
messages with ordinary deliveries. Not in charge of: when they are due (``progress.py``, ``hold.py``,
``policy_demands.py``), statuses that agencies report.
"""

from __future__ import annotations

from dataclasses import astuple
from datetime import date
from functools import partial

import orjson

from gateway.clock import SECOND, local, local_day
from gateway.directory.route import route, way_back
from gateway.edxml.build import build_status
from gateway.flow import record
from gateway.flow.accept import commit, plan_for
from gateway.flow.dialect import recoded, wish_of
from gateway.flow.examine import Examination
from gateway.flow.identity import identify, look_up
from gateway.model.delivery import Delivery
from gateway.model.envelope import (
    DateText,
    Envelope,
    Kind,
    Organization,
    ResponseFor,
    StaffInfo,
    StatusReport,
)
from gateway.model.finding import Decision
from gateway.model.status import StatusCode
from gateway.model.text import AgencyCode, Bilingual, Instant, readable
from gateway.services import Services
from gateway.store import messages
from gateway.store.contract import Row, Tx
from gateway.store.payloads import StoredPayload


def tell_sender(tx: Tx, gw: Services, delivery: Delivery, reason: Bilingual) -> None:
    """The sender's document did not reach a recipient: a 02 in the gateway's own name, with the reason.

    A status that cannot be delivered tells nobody, so that no notice ever follows a notice.
    """
    if delivery.kind == Kind.STATUS.value:
        return
    own = AgencyCode(gw.config.gateway.code or gw.config.gateway.name)
    name = gw.directory.name(delivery.recipient, local_day(gw.clock.now()))
    text = f"Trục không chuyển được đến {name} ({delivery.recipient}): {reason.vi}"
    _write_status(tx, gw, delivery, own, StatusCode.REFUSED, text, gw.clock.now(), notice=True)


def report_arrival(tx: Tx, gw: Services, delivery: Delivery, at: Instant) -> None:
    """01 in the recipient's name, unless it stands already."""
    if messages.arrival_reported(tx, delivery.document, delivery.recipient):
        return
    text = f"{StatusCode.ARRIVED.words.vi} (trục ghi nhận tự động)"
    _write_status(tx, gw, delivery, delivery.recipient, StatusCode.ARRIVED, text, at)


def ask_again(tx: Tx, gw: Services, delivery: Delivery, recipient: AgencyCode, text: str) -> str:
    """13 to ``recipient`` in the sender's name, about the document that ``delivery`` carries; its message id,
    or ``""`` when there is no way to the recipient."""
    sender, at = AgencyCode(first_message(tx, delivery)["sender"]), gw.clock.now()
    return _write_status(tx, gw, delivery, sender, StatusCode.RECALL_ASKED, text, at, recipient)


def _write_status(
    tx: Tx,
    gw: Services,
    delivery: Delivery,
    reporter: AgencyCode,
    code: StatusCode,
    description: str,
    at: Instant,
    about: AgencyCode = AgencyCode(""),
    notice: bool = False,
) -> str:
    """Build a status in ``reporter``'s name and accept it within this transaction; its message id."""
    first = first_message(tx, delivery)
    say = partial(status_envelope, gw, first, delivery, reporter, code, description)
    exam = _examined(tx, gw, say(at, StaffInfo(), about))
    while exam.known.repeats:  # two notices about one document within one second
        at = Instant(at + SECOND)
        exam = _examined(tx, gw, say(at, StaffInfo(), about))
    if not exam.hops or exam.envelope is None:
        return ""
    payload = _payload(gw, _written_for(gw, exam.hops[0].recipient, exam.envelope))
    plan = plan_for(gw, record.GATEWAY, exam, payload, automatic=True, notice=notice)
    commit(tx, gw, plan)
    return plan.message


def _examined(tx: Tx, gw: Services, envelope: Envelope) -> Examination:
    """What the gate would say of our own status: it is routed and known, and needs no checks."""
    identity = identify(envelope, gw.directory)
    on = local_day(gw.clock.now())
    asked = identity.about != identity.sender  # a 13 goes to the recipient that it is about
    addressee = identity.about if asked else identity.document_sender
    known = look_up(tx, identity, lock=True)
    routing = route((addressee,), gw.directory, on, gw.kinds, stand_ins=known.stand_ins)
    hops = routing.hops or way_back(addressee, gw.directory, gw.kinds)
    return Examination(Decision.ACCEPT, (), (), envelope, identity, hops, known)


def status_envelope(
    gw: Services,
    first: Row,
    delivery: Delivery,
    reporter: AgencyCode,
    code: StatusCode,
    description: str,
    at: Instant,
    staff: StaffInfo,
    about: AgencyCode = AgencyCode(""),
) -> Envelope:
    """A status of ``reporter`` about the document that ``delivery`` carries and that began with ``first``.

    ``about``: the recipient whom a 13 asks; other statuses go to the document's sender.
    """
    header = orjson.loads(first["header"])
    on = local_day(at)
    promulgated = header.get("promulgation_date", "")
    return Envelope(
        kind=Kind.STATUS,
        sender=Organization(_written(gw, reporter, on), name=gw.directory.name(reporter, on)),
        document_id=delivery.document_id,
        response_for=(
            ResponseFor(
                organ_id=_written(gw, about or AgencyCode(first["sender"]), on),
                code=f"{header.get('number', '')}/{header.get('notation', '')}",
                promulgation_date=_date_text(promulgated),
                document_id=delivery.document_id,
            ),
        ),
        status=StatusReport(
            code.value,
            readable(description),
            local(at).strftime("%Y/%m/%d %H:%M:%S"),
            StaffInfo(*map(readable, astuple(staff))),
        ),
    )


def _written_for(gw: Services, recipient: AgencyCode, envelope: Envelope) -> bytes:
    """The bytes of our own status, as the recipient's connection wants them."""
    wish = wish_of(gw.directory, recipient, envelope)
    on = local_day(gw.clock.now())
    return build_status(recoded(envelope, gw.directory, wish.codes, on), wish.dialect)


def _written(gw: Services, code: AgencyCode, on: date) -> str:
    """The form that statuses carry by default: the one of QCVN 102:2016, which every client reads."""
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


def first_message(tx: Tx, delivery: Delivery) -> Row:
    """The message with which the document of a delivery began."""
    return messages.first_of(tx, delivery.document)
