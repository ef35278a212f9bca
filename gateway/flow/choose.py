"""A person chooses who takes the place of a closed recipient that several agencies succeeded.

In charge of: sending the held delivery on to one of the successors, or to several of them, each with a
delivery of its own. Only successors of the day can be chosen. Not in charge of: other decisions about
deliveries (``hold.py``); later messages of the document, which follow the choice (``directory/route.py``).

The first receipt stays as it is: it names the recipients as of acceptance, and that delivery is the one which
goes on. The sender learns who has its document from the trace, and from the 01 in the successor's own name.
What else keeps the document back (a hold of the gate, a policy of the chosen recipient) goes on to do so.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from gateway.checks.policies import demand_of
from gateway.clock import local_day
from gateway.directory.route import SEVERAL_SUCCESSORS, route
from gateway.errors import BadRequest, NotFound, WrongState
from gateway.flow import facts, record
from gateway.flow.destroy import let_go, remove_files
from gateway.flow.dialect import Form, forms_of, keep_forms
from gateway.flow.door import Caller, receive, stated
from gateway.flow.examine import Reading, read
from gateway.flow.hold import INCIDENT_OPEN
from gateway.flow.payload import of_message, open_stored
from gateway.flow.policy_rehearsal import finding_from
from gateway.flow.submit import bench_for
from gateway.model.delivery import Delivery, Hop, State
from gateway.model.envelope import Kind
from gateway.model.event import EventType
from gateway.model.finding import Decision, Severity
from gateway.model.policy import Action
from gateway.model.text import AgencyCode, Bilingual, Instant
from gateway.services import Services
from gateway.store import deliveries, events, incidents
from gateway.store.contract import Row, Tx, surely_undone
from gateway.store.deliveries import Change, NewDelivery
from gateway.store.payloads import StoredPayload
from gateway.store.people import Role

MERGED = "recipient.merged"
NOBODY = frozenset({State.REJECTED, State.CANCELLED})  # such a delivery gave its recipient nothing


@dataclass(frozen=True, slots=True)
class Choice:
    """What came of it: the delivery that was held, then those that were added beside it."""

    deliveries: tuple[Delivery, ...]
    had_it: tuple[AgencyCode, ...]  # chosen, and had a delivery of this message already


@dataclass(frozen=True, slots=True)
class _Way:
    """One successor, how it is reached, and the bytes it gets when they are not those received."""

    hop: Hop
    form: Form | None

    @property
    def payload(self) -> bytes | None:
        return self.form.payload.sha256 if self.form else None


@dataclass(frozen=True, slots=True)
class _Decision:
    """Who decided what, about which delivery."""

    actor: str
    reason: str
    at: Instant
    delivery: Delivery
    chosen: tuple[AgencyCode, ...]


async def choose(gw: Services, caller: Caller, delivery_id: str, to: list[str], reason: str) -> Choice:
    """Send a delivery that is held for several successors on to those named in ``to``.

    ``BadRequest`` names the successors when somebody else was chosen, ``WrongState`` when the delivery is
    held for another reason or not at all, or when the chosen agency's policy does not take the document.
    """
    caller.require(Role.OPERATOR, Role.ADMINISTRATOR)
    reason = stated(reason)
    held = await gw.store.read(lambda tx: _held(tx, delivery_id))
    chosen = _successors(gw, held, to)
    forms = await _forms(gw, held, chosen)

    def unit(tx: Tx) -> tuple[Choice, list[StoredPayload]]:
        delivery = _held(tx, delivery_id, lock=True)
        decision = _Decision(caller.principal, reason, gw.clock.now(), delivery, chosen)
        return _decide(tx, gw, decision, forms)

    try:
        choice, unused = await gw.store.write(unit)
    except BaseException as error:
        if surely_undone(error):
            remove_files(gw, [form.payload for form in forms.values()])
        raise
    remove_files(gw, unused)
    gw.bell.ring()
    return choice


def _held(tx: Tx, delivery_id: str, *, lock: bool = False) -> Delivery:
    delivery = deliveries.find(tx, delivery_id, lock=lock)
    if delivery is None:
        raise NotFound(code="delivery.unknown")
    if delivery.state is not State.HELD or delivery.reason_code != SEVERAL_SUCCESSORS:
        raise WrongState(_NOT_WAITING, code="delivery.no_choice")
    if incidents.open_for(tx, delivery.document) is not None:
        raise WrongState(_INCIDENT, code=INCIDENT_OPEN)
    return delivery


def _successors(gw: Services, delivery: Delivery, to: Sequence[str]) -> tuple[AgencyCode, ...]:
    """The chosen agencies, each once; every one of them a successor of the recipient today."""
    on = local_day(gw.clock.now())
    allowed = gw.directory.final_successors(delivery.recipient, on)
    named = [gw.directory.resolve(text) for text in to]
    if not named or any(code not in allowed for code in named):
        listed = "; ".join(f"{gw.directory.name(code, on)} ({code})" for code in allowed) or "—"
        raise BadRequest(_not_a_successor(delivery.recipient, listed), code="recipient.not_a_successor")
    return tuple(dict.fromkeys(code for code in named if code is not None))


async def _forms(gw: Services, delivery: Delivery, chosen: Iterable[AgencyCode]) -> dict[AgencyCode, Form]:
    """The message as the chosen agencies want it, where their connections ask for another form."""
    asking = [
        code
        for code in chosen
        if gw.directory.profile(code).dialect or gw.directory.preferred_codes(code) != "as_received"
    ]
    if not asking:
        return {}
    payload = await open_stored(gw, await gw.store.read(lambda tx: of_message(tx, delivery.message)))

    async def chunks() -> AsyncIterator[bytes]:
        for chunk in payload.chunks:
            yield chunk

    upload = await receive(gw, chunks())
    try:
        reading = await gw.offload(upload.size, read, upload, bench_for(gw, frozenset()))
        envelope = reading.envelope if isinstance(reading, Reading) else None
        return await forms_of(gw, upload, envelope, asking) if envelope else {}
    finally:
        upload.staging.discard()


def _decide(
    tx: Tx, gw: Services, decision: _Decision, forms: dict[AgencyCode, Form]
) -> tuple[Choice, list[StoredPayload]]:
    delivery = decision.delivery
    message = tx.one("message_by_id", id=delivery.message)
    assert message is not None  # a delivery carries a message
    served = {
        other.recipient
        for other in deliveries.of_message(tx, delivery.message)
        if other.id != delivery.id and other.state not in NOBODY
    }
    ways = [
        _Way(_hop(gw, code, decision, message), forms.get(code))
        for code in decision.chosen
        if code not in served
    ]
    unused = [form.payload for code, form in forms.items() if code in served]
    unused += let_go(tx, gw, delivery, decision.actor, decision.at)  # a form that the closed code wanted
    unused += keep_forms(tx, (way.form for way in ways if way.form is not None), decision.at)
    if not ways:
        _merge(tx, gw, decision)
    else:
        _send_on(tx, gw, decision, ways[0])
    added = [_add(tx, gw, decision, way, message) for way in ways[1:]]
    found = [deliveries.find(tx, one) for one in (delivery.id, *added)]
    had_it = tuple(code for code in decision.chosen if code in served)
    return Choice(tuple(one for one in found if one is not None), had_it), unused


def _hop(gw: Services, code: AgencyCode, decision: _Decision, message: Row) -> Hop:
    """The way to a successor, held where something else than the choice keeps the document back."""
    [hop] = route((code,), gw.directory, local_day(decision.at), gw.kinds).hops
    if decision.delivery.kind == Kind.STATUS.value:
        return hop  # word of what became of a document always travels
    findings = [finding_from(stored) for stored in orjson.loads(message["findings"])]
    demand = demand_of(code, findings, decision.at, gw.policies)
    if demand is not None and demand.action is Action.REFUSE:
        raise WrongState(demand.text, code=demand.rule)
    if demand is not None:
        return replace(hop, held=demand.text, held_code=demand.rule)
    if hop.held is None and message["decision"] == Decision.HOLD.value:
        kept = next((one for one in findings if one.severity is Severity.HOLD), None)
        held = kept.text if kept else _STILL_HELD
        return replace(hop, held=held, held_code=kept.rule if kept else "person.held")
    return hop


def _merge(tx: Tx, gw: Services, decision: _Decision) -> None:
    """Every chosen agency has the message by a delivery of its own: this one is closed. The sender is not
    told that something did not arrive, because it does."""
    delivery = decision.delivery
    change = Change(State.CANCELLED, decision.at, reason_code=MERGED, reason=_merged(decision.chosen))
    if not deliveries.move(tx, delivery, change):
        raise WrongState(_NOT_WAITING, code="delivery.no_choice")
    _record(tx, gw, decision, EventType.DELIVERY_CANCELLED, delivery, State.CANCELLED, MERGED)


def _send_on(tx: Tx, gw: Services, decision: _Decision, way: _Way) -> None:
    """The held delivery goes on to its new recipient."""
    if not deliveries.reroute(tx, decision.delivery, way.hop, way.payload, decision.at):
        raise WrongState(_NOT_WAITING, code="delivery.no_choice")
    moved = replace(decision.delivery, recipient=way.hop.recipient)
    state = State.HELD if way.hop.held else State.QUEUED
    rebuilt = way.form.facts() if way.form else {}
    rerouted = EventType.DELIVERY_REROUTED
    left = {"rerouted_from": decision.delivery.recipient}
    _record(tx, gw, decision, rerouted, moved, state, way.hop.held_code, left | rebuilt)


def _record(
    tx: Tx,
    gw: Services,
    decision: _Decision,
    kind: EventType,
    delivery: Delivery,
    state: State,
    code: str,
    more: dict[str, Any] | None = None,
) -> None:
    said = {"addressed": decision.delivery.addressed, "chosen": list(decision.chosen), **(more or {})}
    moved = record.delivery_moved(
        gw,
        kind,
        delivery,
        state,
        decision.actor,
        decision.at,
        reason_code=code,
        facts=said,
        private=facts.salted({"reason": decision.reason}),
    )
    events.record(tx, moved)


def _add(tx: Tx, gw: Services, decision: _Decision, way: _Way, message: Row) -> str:
    """A delivery beside the first, for a further successor; its id."""
    delivery, hop = decision.delivery, way.hop
    new = NewDelivery(
        id=gw.new_id(),
        message=delivery.message,
        document=delivery.document,
        kind=delivery.kind,
        sender=delivery.sender,
        document_id=delivery.document_id,
        addressed=hop.recipient,
        recipient=hop.recipient,
        destination=hop.destination,
        adapter=hop.adapter,
        pull=hop.pull,
        order_key=deliveries.order_key_of(tx, delivery.id),
        urgency=delivery.urgency,
        accepted_at=decision.at,
        payload=way.payload,
        held_code=hop.held_code,
        held=hop.held,
        in_place_of=delivery.addressed,
    )
    deliveries.add(tx, new)
    said = {"beside": delivery.id, **(way.form.facts() if way.form else {})}
    events.record(tx, record.delivery_created(gw, new, decision.actor, said))
    return new.id


def _not_a_successor(recipient: AgencyCode, listed: str) -> Bilingual:
    return Bilingual(
        f"Chỉ được chọn đơn vị kế thừa của {recipient}: {listed}. Nếu danh mục chưa đúng, hãy nhập lại danh "
        "mục trước khi chọn.",
        f"Only successors of {recipient} can be chosen: {listed}. Correct the directory first if it is "
        "wrong.",
    )


def _merged(chosen: Iterable[AgencyCode]) -> Bilingual:
    listed = ", ".join(chosen)
    return Bilingual(
        f"Đơn vị được chọn ({listed}) đã có lượt gửi riêng của gói tin này nên lượt gửi này được đóng lại.",
        f"The chosen agency ({listed}) has a delivery of this message already, so this one was closed.",
    )


_NOT_WAITING = Bilingual(
    "Lượt gửi này không chờ chọn đơn vị kế thừa.", "This delivery does not wait for a successor to be chosen."
)
_INCIDENT = Bilingual(
    "Văn bản này đang có sự cố chờ giải quyết nên chưa thể chọn nơi nhận.",
    "There is an open incident about this document, so nobody can be chosen yet.",
)
_STILL_HELD = Bilingual(
    "Văn bản này đã được tạm giữ khi trục tiếp nhận; người phụ trách cần xem xét trước khi cho gửi tiếp.",
    "This document was held when it was accepted; a person has to look at it before it goes on.",
)
