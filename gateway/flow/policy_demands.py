"""Deliveries that their recipient's policy does not take: rejected as the message is accepted.

In charge of: the change of state, its event, and the notice to the sender, in the transaction that accepts.
Not in charge of: which deliveries (``checks/policies.py``), rejecting by a person (``hold.py``).
"""

from __future__ import annotations

from gateway.flow import record
from gateway.flow.accept import Plan
from gateway.flow.notices import tell_sender
from gateway.model.delivery import Delivery, State
from gateway.model.event import EventType
from gateway.services import Services
from gateway.store import deliveries, events
from gateway.store.contract import Tx
from gateway.store.deliveries import Change

ACTOR = "policy"


def reject_demanded(tx: Tx, gw: Services, plan: Plan) -> None:
    """Reject what ``commit`` has just created as held for a recipient that does not take it. Other recipients
    have theirs."""
    rejected = {hop.recipient: hop for hop in plan.exam.hops if hop.rejected_by}
    for delivery in deliveries.of_message(tx, plan.message) if rejected else ():
        hop = rejected.get(delivery.recipient)
        if hop and delivery.state is State.HELD and delivery.reason_code == hop.held_code:
            _reject(tx, gw, delivery, plan, hop.rejected_by)


def _reject(tx: Tx, gw: Services, delivery: Delivery, plan: Plan, policy: str) -> None:
    reason = delivery.reason
    assert reason is not None  # it was created held, with the policy's words
    change = Change(State.REJECTED, plan.at, reason_code=delivery.reason_code, reason=reason)
    if not deliveries.move(tx, delivery, change):
        return
    moved = record.delivery_moved(
        gw,
        EventType.DELIVERY_REJECTED,
        delivery,
        State.REJECTED,
        ACTOR,
        plan.at,
        reason_code=delivery.reason_code,
        facts={"policy": policy},
    )
    events.record(tx, moved)
    tell_sender(tx, gw, delivery, reason)
