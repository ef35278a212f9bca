"""A person decides about one delivery: hold, release, reject, retry, give up. Always with a reason.

In charge of: the changes of transport state that people make. Who may: operators and administrators. Not in
charge of: holds that rules make (``checks/``), retries that the schedule makes (``delivery/``).
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.directory.route import SEVERAL_SUCCESSORS
from gateway.errors import NotFound, WrongState
from gateway.flow import facts, record
from gateway.flow.door import Caller, stated
from gateway.flow.notices import tell_sender
from gateway.flow.withdraw import ATTEMPT_RUNS
from gateway.model.delivery import ALLOWED, Delivery, State
from gateway.model.event import EventType
from gateway.model.text import Bilingual, Instant
from gateway.services import Services
from gateway.store import deliveries, events
from gateway.store.contract import Tx
from gateway.store.deliveries import Change
from gateway.store.people import Role


@dataclass(frozen=True, slots=True)
class _Decision:
    """One thing that a person may decide: from which states, to which, recorded how."""

    event: EventType
    from_states: frozenset[State]
    to_state: State
    reason_code: str = ""  # stands on the delivery while it lasts; queued deliveries carry none
    tells_sender: bool = False


INCIDENT_OPEN = "incident.open"  # held until the incident about its document is decided
NOT_TO_BE_RELEASED = frozenset({ATTEMPT_RUNS, INCIDENT_OPEN})

HOLD = _Decision(EventType.DELIVERY_HELD, frozenset({State.QUEUED}), State.HELD, "person.held")
RELEASE = _Decision(EventType.DELIVERY_RELEASED, frozenset({State.HELD}), State.QUEUED)
REJECT = _Decision(
    EventType.DELIVERY_REJECTED, frozenset({State.HELD}), State.REJECTED, "person.rejected", True
)
RETRY = _Decision(EventType.DELIVERY_REVIVED, frozenset({State.DEAD, State.QUEUED}), State.QUEUED)
GIVE_UP = _Decision(
    EventType.DELIVERY_CANCELLED,
    frozenset({State.QUEUED, State.HELD, State.DEAD}),
    State.CANCELLED,
    "person.gave_up",
    True,
)


async def hold(gw: Services, caller: Caller, delivery_id: str, reason: str) -> Delivery:
    """Keep a queued delivery back."""
    return await _decide(gw, caller, delivery_id, reason, HOLD)


async def release(gw: Services, caller: Caller, delivery_id: str, reason: str) -> Delivery:
    """Let a held delivery go on."""
    return await _decide(gw, caller, delivery_id, reason, RELEASE)


async def reject(gw: Services, caller: Caller, delivery_id: str, reason: str) -> Delivery:
    """Refuse a held delivery for good; the sender is told."""
    return await _decide(gw, caller, delivery_id, reason, REJECT)


async def retry(gw: Services, caller: Caller, delivery_id: str, reason: str) -> Delivery:
    """Put a dead delivery back into its lane, or try a waiting one now."""
    return await _decide(gw, caller, delivery_id, reason, RETRY)


async def give_up(gw: Services, caller: Caller, delivery_id: str, reason: str) -> Delivery:
    """Close a delivery that nobody has yet; the sender is told."""
    return await _decide(gw, caller, delivery_id, reason, GIVE_UP)


async def _decide(
    gw: Services, caller: Caller, delivery_id: str, reason: str, decision: _Decision
) -> Delivery:
    caller.require(Role.OPERATOR, Role.ADMINISTRATOR)
    reason = stated(reason)

    def unit(tx: Tx) -> Delivery:
        delivery = deliveries.find(tx, delivery_id, lock=True)
        if delivery is None:
            raise NotFound(code="delivery.unknown")
        _change(tx, gw, caller, delivery, reason, decision)
        return deliveries.find(tx, delivery_id) or delivery

    changed = await gw.store.write(unit)
    gw.bell.ring()
    return changed


def _change(
    tx: Tx, gw: Services, caller: Caller, delivery: Delivery, reason: str, decision: _Decision
) -> None:
    if delivery.state not in decision.from_states or decision.to_state not in ALLOWED[delivery.state]:
        raise WrongState(_wrong_state(delivery), code=f"delivery.{delivery.state.value}")
    if decision is RELEASE and delivery.reason_code == SEVERAL_SUCCESSORS:
        raise WrongState(_CLOSED, code=SEVERAL_SUCCESSORS)
    if decision is RELEASE and delivery.reason_code in NOT_TO_BE_RELEASED:
        raise WrongState(_DECIDED_ELSEWHERE, code=delivery.reason_code)
    if delivery.leased_until is not None:
        raise WrongState(_LEASED, code="delivery.leased")
    at = gw.clock.now()
    text = Bilingual(reason, reason)
    change = Change(
        decision.to_state,
        at,
        due_at=_due(gw, delivery, decision, at),
        reason_code=decision.reason_code,
        reason=text if decision.reason_code else None,
    )
    if not deliveries.move(tx, delivery, change):
        raise WrongState(_LEASED, code="delivery.leased")
    if decision.to_state is State.QUEUED:  # the connection may have been mended meanwhile
        profile = gw.directory.profile(delivery.destination)
        if profile.adapter != delivery.adapter and profile.adapter in gw.kinds:
            deliveries.reconnect(tx, delivery.destination, profile.adapter, gw.kinds[profile.adapter], at)
    if decision is RETRY:
        _open_lane(tx, delivery, at)
    moved = record.delivery_moved(
        gw,
        decision.event,
        delivery,
        decision.to_state,
        caller.principal,
        at,
        reason_code=decision.reason_code,
        private=facts.salted({"reason": reason}),
    )
    events.record(tx, moved)
    if decision.tells_sender:
        tell_sender(tx, gw, delivery, text)


def _due(gw: Services, delivery: Delivery, decision: _Decision, at: Instant) -> Instant | None:
    """A pushed delivery that is queued again is due now; a pull delivery waits for its recipient."""
    pull = gw.kinds.get(delivery.adapter, False)
    return at if decision.to_state is State.QUEUED and not pull else None


def _open_lane(tx: Tx, delivery: Delivery, at: Instant) -> None:
    """A person who says "now" does not wait for a resting destination; it is still probed one at a time."""
    lane = tx.one("lane", destination=delivery.destination)
    if lane is not None:
        tx.run("put_lane", destination=delivery.destination, failures=lane["failures"], not_before=at)


def _wrong_state(delivery: Delivery) -> Bilingual:
    return Bilingual(
        f"Không thể làm việc này khi lượt gửi đang ở trạng thái “{delivery.state.value}”.",
        f"This cannot be done while the delivery is “{delivery.state.value}”.",
    )


_CLOSED = Bilingual(
    "Đơn vị nhận đã ngừng hoạt động và có nhiều đơn vị kế thừa nên phải chọn nơi nhận trước khi cho gửi "
    "tiếp. Hãy dùng lệnh: gateway queue choose MÃ_LƯỢT_GỬI --to MÃ_ĐƠN_VỊ --reason LÝ_DO",
    "The recipient is closed and has several successors, so one has to be chosen before it goes on. Use: "
    "gateway queue choose DELIVERY --to CODE --reason WHY",
)
_DECIDED_ELSEWHERE = Bilingual(
    "Lượt gửi này chờ một yêu cầu thu hồi hoặc một sự cố được giải quyết nên chưa thể cho gửi tiếp.",
    "This delivery waits for a recall or an incident to be settled, so it cannot be released.",
)
_LEASED = Bilingual(
    "Lượt gửi này đang được thực hiện; hãy thử lại sau ít phút.",
    "An attempt of this delivery is running; try again in a minute.",
)
