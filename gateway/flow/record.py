"""Making events: the fields that every event of a kind has in common.

In charge of: who, when, under which clock, and the levels of the agencies as of now. Not in charge of:
writing the event (``store/events.py``) or what is special about it (the flow that records it).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.clock import local_day
from gateway.model.delivery import Delivery, State
from gateway.model.event import Event, EventType
from gateway.model.text import AgencyCode, Instant
from gateway.services import Services
from gateway.store.deliveries import NewDelivery

GATEWAY = "gateway"  # the actor when no principal acts


def event(gw: Services, kind: EventType, actor: str, at: Instant, **fields: Any) -> Event:
    """An event with its id, clock and levels filled in."""
    for role in ("sender", "recipient"):
        if code := fields.get(role):
            fields[f"{role}_level"] = gw.directory.level(AgencyCode(code), local_day(at))
    fields["clock_offset"] = gw.clock.offset
    return Event(id=gw.new_id(), type=kind, at=at, clock_source=gw.clock.source, actor=actor, **fields)


def delivery_created(gw: Services, new: NewDelivery, actor: str, facts: Mapping[str, Any]) -> Event:
    """A delivery begins: queued, or held with a reason."""
    held = new.held is not None
    named = {"addressed": new.named} if new.named != new.recipient else {}
    return event(
        gw,
        EventType.DELIVERY_HELD if held else EventType.DELIVERY_QUEUED,
        actor,
        new.accepted_at,
        document=new.document,
        message=new.message,
        delivery=new.id,
        sender=new.sender,
        recipient=new.recipient,
        to_state=(State.HELD if held else State.QUEUED).value,
        reason_code=new.held_code,
        facts={"kind": new.kind, "urgency": new.urgency, "adapter": new.adapter, **named, **facts},
    )


def delivery_moved(
    gw: Services,
    kind: EventType,
    delivery: Delivery,
    to_state: State,
    actor: str,
    at: Instant,
    *,
    reason_code: str = "",
    facts: Mapping[str, Any] | None = None,
    private: Mapping[str, tuple[bytes, str]] | None = None,
) -> Event:
    """A delivery changed its transport state (or stays queued for later)."""
    return event(
        gw,
        kind,
        actor,
        at,
        document=delivery.document,
        message=delivery.message,
        delivery=delivery.id,
        sender=delivery.sender,
        recipient=delivery.recipient,
        from_state=delivery.state.value,
        to_state=to_state.value,
        reason_code=reason_code,
        facts={"kind": delivery.kind, **(facts or {})},
        private=private or {},
    )
