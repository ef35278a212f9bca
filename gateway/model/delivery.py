"""One message for one recipient, and where it stands on its way.

In charge of: the transport states, their allowed changes, and the values that describe a delivery. Not in
charge of: changing a row (``store/``), deciding when (``delivery/``, ``flow/``).
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from gateway.model.text import AgencyCode, Bilingual, Instant


class State(enum.Enum):
    """Transport state (contracts). Business status is kept apart: 02 does not change it."""

    QUEUED = "queued"  # due now or at a time; leased while an attempt runs; pull kinds have no due time
    HELD = "held"  # kept back by a rule or a person, with a reason
    DELIVERED = "delivered"  # the recipient's system has it
    REJECTED = "rejected"  # refused after it was committed (from held); the sender gets a notice
    DEAD = "dead"  # retries exhausted, or refused by the partner; the original is kept
    CANCELLED = "cancelled"  # withdrawn before anyone had it, or closed by a person
    RECALLED = "recalled"  # delivered, then recall agreed


ALLOWED: dict[State, frozenset[State]] = {
    State.QUEUED: frozenset({State.QUEUED, State.DELIVERED, State.HELD, State.DEAD, State.CANCELLED}),
    State.HELD: frozenset({State.QUEUED, State.REJECTED, State.CANCELLED}),
    State.DELIVERED: frozenset({State.RECALLED}),
    State.REJECTED: frozenset(),
    State.DEAD: frozenset({State.QUEUED, State.CANCELLED}),
    State.CANCELLED: frozenset(),
    State.RECALLED: frozenset(),
}
OPEN = frozenset({State.QUEUED, State.HELD, State.DEAD})


@dataclass(frozen=True, slots=True)
class Hop:
    """How one recipient is reached: what ``directory/route.py`` says before rows exist."""

    recipient: AgencyCode  # who is to have it
    destination: AgencyCode  # whose lane it waits in
    adapter: str  # kind registered in adapters.KINDS
    pull: bool  # the recipient comes for it: never claimed, never dead
    held: Bilingual | None = None  # set: this delivery waits for a person, and why
    held_code: str = ""
    addressed: AgencyCode = AgencyCode("")  # the code that the envelope named
    rejected_by: str = ""  # held, and rejected at once, by this policy of the recipient
    in_place_of: AgencyCode = AgencyCode("")  # beside the first successor of this closed code


@dataclass(frozen=True, slots=True)
class Delivery:
    """A row of the queue. Instants are UTC microseconds; ``None`` means: has not happened."""

    id: str
    message: str
    document: str
    kind: str
    sender: AgencyCode
    document_id: str
    recipient: AgencyCode
    destination: AgencyCode
    adapter: str
    urgency: int
    state: State
    due_at: Instant | None
    leased_until: Instant | None
    attempts: int
    accepted_at: Instant
    queued_at: Instant  # when it last began to wait; retries count from it
    fetched_at: Instant | None = None
    settled_at: Instant | None = None
    reason_code: str = ""
    reason: Bilingual | None = None
    status_code: str = ""  # last business status that the recipient reported
    status_at: Instant | None = None
    proof: str = ""
    recall: str = ""  # the newest message that asks the recipient to give this back
    addressed: AgencyCode = AgencyCode("")  # the code that the envelope named: another one after a succession
