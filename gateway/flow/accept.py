"""The accepting transaction: what "everything is there" means.

In charge of: writing payload, document, message, status, deliveries, events and receipt of one message in one
transaction, for uploads and for the statuses that the gateway writes itself. Not in charge of: deciding
(``examine.py``), making bytes durable (``submit.py``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from gateway.clock import SECOND
from gateway.exchange_log.receipts import receipt_digest
from gateway.flow import facts, record
from gateway.flow.dialect import Form, keep_forms
from gateway.flow.examine import Examination
from gateway.flow.identity import Identity
from gateway.flow.signatures import note_verdicts
from gateway.model.delivery import Hop
from gateway.model.envelope import Envelope, Kind
from gateway.model.event import Event, EventType
from gateway.model.finding import Decision, Severity
from gateway.model.receipt import Receipt
from gateway.model.status import StatusCode
from gateway.model.text import AgencyCode, Instant
from gateway.services import Services
from gateway.signature.seal import issue_receipt
from gateway.store import deliveries, events, messages, payloads, proofs
from gateway.store.contract import Tx
from gateway.store.payloads import StoredPayload

CLOCKS_DIFFER = 3600 * SECOND  # clocks further apart are wrong, and their times are not followed


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that the transaction writes. ``automatic``: the gateway wrote this status itself."""

    actor: str
    exam: Examination
    envelope: Envelope
    identity: Identity
    payload: StoredPayload
    message: str
    document: str
    document_id: str
    at: Instant
    forms: Mapping[AgencyCode, Form] = field(default_factory=dict)
    timings: Mapping[str, int] = field(default_factory=dict)
    automatic: bool = False
    notice: bool = False  # the gateway's own word about a delivery that failed: no refusal by a recipient


@dataclass(frozen=True, slots=True)
class Accepted:
    """The receipt, and the payload files that turned out superfluous because the bytes were kept already."""

    receipt: Receipt | None
    jws: str
    unused: tuple[StoredPayload, ...]


def plan_for(
    gw: Services,
    actor: str,
    exam: Examination,
    payload: StoredPayload,
    *,
    forms: Mapping[AgencyCode, Form] | None = None,
    timings: Mapping[str, int] | None = None,
    automatic: bool = False,
    notice: bool = False,
) -> Plan:
    """Give a message its ids: those of the message it repeats and of its document, where there are such."""
    assert exam.envelope is not None
    assert exam.identity is not None
    known = exam.known
    return Plan(
        actor,
        exam,
        exam.envelope,
        exam.identity,
        payload,
        message=known.repeats or gw.new_id(),
        document=known.document or gw.new_id(),
        document_id=known.document_id or exam.identity.document_ids[0],
        at=gw.clock.now(),
        forms=forms or {},
        timings=timings or {},
        automatic=automatic,
        notice=notice,
    )


def commit(tx: Tx, gw: Services, plan: Plan) -> Accepted:
    """Write a new message, or the recipients that a repeat adds. What the examination knew must have been
    looked up in this very transaction."""
    known = plan.exam.known
    if known.document:
        plan = replace(plan, at=_after(tx, known.document, plan.at))
    if known.repeats:
        return _supplement(tx, gw, plan)
    unused = [] if payloads.keep(tx, plan.payload, plan.at) else [plan.payload]
    again = _arrived_before(tx, plan)
    hops = () if again else plan.exam.hops
    receipt, jws = (None, "") if plan.automatic else _issue(gw, plan, hops)
    accepted = _accepted_event(gw, plan, _names(receipt, jws))
    _write_message(tx, gw, plan, known.document, accepted)
    if plan.identity.kind is Kind.STATUS:
        _write_status(tx, plan, forwarded=not again)
    unused += _queue(tx, gw, plan, hops)[0]
    if receipt is not None:
        messages.add_receipt(tx, receipt, jws, accepted.id)
    return Accepted(receipt, jws, tuple(unused))


def _after(tx: Tx, document: str, now: Instant) -> Instant:
    """``now``, or the moment after the document's newest message where that lies ahead of this node's clock:
    a recall must not look older than what it recalls, because another node, or this one before its clock was
    set, was some minutes ahead."""
    newest = messages.newest(tx, document)
    ahead = newest is not None and now <= newest < now + CLOCKS_DIFFER
    return Instant(newest + 1) if ahead and newest is not None else now


def _write_message(tx: Tx, gw: Services, plan: Plan, document: str, accepted: Event) -> None:
    if not document:
        messages.add_document(
            tx,
            plan.document,
            plan.identity.document_sender,
            plan.document_id,
            plan.message,
            plan.identity.number_key,
            plan.at,
        )
    messages.add(tx, _message_row(gw, plan, accepted.id))
    proofs.keep(tx, gw.known_proofs.new(plan.exam.proofs), plan.at)
    events.record(tx, accepted)
    note_verdicts(
        tx,
        gw,
        plan.exam.verdicts,
        plan.at,
        message=plan.message,
        document=plan.document,
        sender=plan.identity.sender,
    )
    if plan.identity.kind is Kind.REPLACE:
        for replaced in plan.envelope.business.replacements:
            messages.add_link(tx, plan.document, replaced.document_id)


def _arrived_before(tx: Tx, plan: Plan) -> bool:
    """True for a second 01 of the same recipient: it is recorded and not forwarded."""
    status = plan.envelope.status
    arrived = status is not None and status.code == StatusCode.ARRIVED.value
    return arrived and messages.arrival_reported(tx, plan.document, plan.identity.sender)


def _write_status(tx: Tx, plan: Plan, forwarded: bool) -> None:
    """Record the status."""
    status, hops = plan.envelope.status, plan.exam.hops
    assert status is not None
    messages.add_status(
        tx,
        messages.NewStatus(
            message=plan.message,
            document=plan.document,
            reporter=plan.identity.sender,
            addressee=hops[0].recipient if hops else "",
            code=status.code,
            declared_time=status.timestamp,
            automatic=plan.automatic,
            forwarded=forwarded,
            reported_at=plan.at,
        ),
    )


def _supplement(tx: Tx, gw: Services, plan: Plan) -> Accepted:
    """A repeat names recipients that had no delivery yet: they get one, with a receipt of their own."""
    first = messages.receipts_of(tx, plan.message)[0]
    message = messages.find(tx, plan.message)
    assert message is not None
    hops = [hop for hop in plan.exam.hops if hop.addressed not in plan.exam.known.addressed]
    kept = bytes(message["envelope_sha256"])  # what is delivered: the bytes of the first upload
    receipt, jws = _issue(gw, plan, hops, supplement_to=first["id"], envelope_sha256=kept)
    unused, queued = _queue(tx, gw, plan, hops, _names(receipt, jws))
    messages.add_receipt(tx, receipt, jws, queued[0])
    return Accepted(receipt, jws, (plan.payload, *unused))


def _queue(
    tx: Tx, gw: Services, plan: Plan, hops: Sequence[Hop], named: Mapping[str, str] | None = None
) -> tuple[list[StoredPayload], list[str]]:
    """Create the deliveries, and the payload rows of forms that were rebuilt for another dialect.

    Payload files that turned out superfluous, and the ids of the deliveries' events, which say ``named``.
    """
    queued = []
    forms = [plan.forms.get(hop.recipient) for hop in hops]
    unused = keep_forms(tx, (form for form in forms if form is not None), plan.at)
    for hop, form in zip(hops, forms, strict=True):
        new = _delivery(gw, plan, hop, form)
        deliveries.add(tx, new)
        said = (form.facts() if form else {}) | dict(named or {})
        created = record.delivery_created(gw, new, plan.actor, said)
        events.record(tx, created)
        queued.append(created.id)
    return unused, queued


def _delivery(gw: Services, plan: Plan, hop: Hop, form: Form | None) -> deliveries.NewDelivery:
    held, held_code = hop.held, hop.held_code
    if held is None and plan.exam.decision is Decision.HOLD:
        finding = next(f for f in plan.exam.findings if f.severity is Severity.HOLD)
        held, held_code = finding.text, finding.rule
    return deliveries.NewDelivery(
        id=gw.new_id(),
        message=plan.message,
        document=plan.document,
        kind=plan.identity.kind.value,
        sender=plan.identity.sender,
        document_id=plan.document_id,
        addressed=hop.addressed,
        recipient=hop.recipient,
        destination=hop.destination,
        adapter=hop.adapter,
        pull=hop.pull,
        order_key=plan.identity.order_key(plan.document_id),
        urgency=plan.envelope.other.priority,
        accepted_at=plan.at,
        payload=form.payload.sha256 if form else None,
        held_code=held_code,
        held=held,
        in_place_of=hop.in_place_of,
    )


def _accepted_event(gw: Services, plan: Plan, named: Mapping[str, str]) -> Event:
    status, hops = plan.envelope.status, plan.exam.hops
    return record.event(
        gw,
        EventType.STATUS_REPORTED if status else EventType.DOCUMENT_ACCEPTED,
        plan.actor,
        plan.at,
        document=plan.document,
        message=plan.message,
        sender=plan.identity.sender,
        recipient=hops[0].recipient if status and hops else "",
        status=status.code if status else "",
        declared_time=status.timestamp if status else plan.envelope.promulgation_date.raw,
        envelope_sha256=plan.payload.sha256.hex(),
        rule_set=gw.rule_set,
        facts=facts.facts_of(plan.exam)
        | {"automatic": plan.automatic, "recipients": [hop.recipient for hop in hops]}
        | ({} if status else {"calendar": gw.calendar.version})
        | ({"notice": True} if plan.notice else {})
        | dict(named),
        private=facts.private_of(plan.envelope),
    )


def _message_row(gw: Services, plan: Plan, event: str) -> messages.NewMessage:
    envelope, exam = plan.envelope, plan.exam
    return messages.NewMessage(
        id=plan.message,
        document=plan.document,
        kind=envelope.kind.value,
        duplicate_key=plan.identity.duplicate_key,
        sender=plan.identity.sender,
        envelope_sha256=plan.payload.sha256,
        content_digest=plan.identity.content_digest,
        size=plan.payload.size,
        dialect=envelope.dialect.value,
        decision=exam.decision.value,
        caller=plan.actor,
        rule_set=gw.rule_set,
        urgency=envelope.other.priority,
        header=facts.header_of(envelope),
        findings=[finding.as_json() for finding in exam.findings],
        verdicts=[verdict.as_json() for verdict in exam.verdicts],
        timings=dict(plan.timings),
        event=event,
        accepted_at=plan.at,
    )


def _issue(
    gw: Services, plan: Plan, hops: Sequence[Hop], supplement_to: str = "", envelope_sha256: bytes = b""
) -> tuple[Receipt, str]:
    """The receipt, signed; kept once the event that names it is recorded."""
    receipt = Receipt(
        id=gw.new_id(),
        gateway=gw.config.gateway.name,
        message=plan.message,
        sender=plan.identity.sender,
        document_id=plan.document_id,
        kind=plan.identity.kind.value,
        envelope_sha256=(envelope_sha256 or plan.payload.sha256).hex(),
        content_digest=plan.identity.content_digest.hex(),
        accepted_at=plan.at,
        decision=plan.exam.decision.value,
        recipients=tuple(hop.recipient for hop in hops),
        supplement_to=supplement_to,
    )
    return receipt, issue_receipt(gw.keyring, receipt)


def _names(receipt: Receipt | None, jws: str) -> dict[str, str]:
    """What an event says of its receipt, so that the receipt is proved through the event's leaf."""
    return {} if receipt is None else {"receipt": receipt.id, "receipt_sha256": receipt_digest(jws)}
