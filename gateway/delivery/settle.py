"""How an attempt ended, written down.

In charge of: outcome -> next state, attempt row, lane, event, and the notice to the sender, in one
transaction. A late answer (its lease ran out and somebody else took over) changes nothing. Not in charge of:
the attempt itself (``worker.py``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from gateway.clock import SECOND
from gateway.delivery.retry import GIVE_UP_AFTER, LANE_WAIT, is_exhausted, lane_wait_after, wait_after
from gateway.flow import facts, record
from gateway.flow.notices import tell_sender
from gateway.flow.progress import arrive
from gateway.flow.withdraw import attempt_failed
from gateway.model.delivery import Delivery, State
from gateway.model.event import Event, EventType
from gateway.model.text import Bilingual, Instant, readable
from gateway.port import Delivered, Outcome, Refused, TryLater
from gateway.services import Services
from gateway.store import deliveries, events, peers
from gateway.store.contract import Tx
from gateway.store.deliveries import Change

LOCAL_FAULT = "attempt.error"
CODE_CHARACTERS = 100


@dataclass(frozen=True, slots=True)
class Attempt:
    """One leased try of a delivery. ``lease`` is the attempt's id; ``started_at`` when it was claimed."""

    delivery: Delivery
    lease: str
    started_at: Instant


def settle(tx: Tx, gw: Services, attempt: Attempt, outcome: Outcome) -> bool:
    """Write the outcome. True when this attempt still owned the delivery."""
    now = gw.clock.now()
    outcome = _in_readable_words(outcome)
    deliveries.find(tx, attempt.delivery.id, lock=True)  # a recall comes before this or after it
    match outcome:
        case Delivered():
            owned = _delivered(tx, gw, attempt, outcome, now)
            _end(tx, attempt.delivery, attempt.lease, now, "delivered", "", outcome.proof)
        case TryLater():
            owned = _postponed(tx, gw, attempt, outcome, now)
            _end(tx, attempt.delivery, attempt.lease, now, "try_later", outcome.code, outcome.text.en)
        case Refused():
            owned = _dead(tx, gw, attempt, outcome.code, outcome.text, now)
            _end(tx, attempt.delivery, attempt.lease, now, "refused", outcome.code, outcome.text.en)
    return owned


def _in_readable_words(outcome: Outcome) -> Outcome:
    """The same. A partner's words must never be why its answer cannot be written down."""
    if isinstance(outcome, Delivered):
        return replace(outcome, proof=readable(outcome.proof))
    return replace(outcome, code=readable(outcome.code)[:CODE_CHARACTERS], text=outcome.text.readable())


def lease_expired(tx: Tx, gw: Services, delivery: Delivery, lease: str) -> None:
    """The process of an attempt never came back: the delivery is due again at its stored time."""
    now = gw.clock.now()
    change = Change(State.QUEUED, now, due_at=max(delivery.due_at or now, now), lease=lease)
    recalled = _is_recalled(tx, gw, delivery.id, lease, now)
    if recalled or deliveries.move(tx, delivery, change):
        _end(tx, delivery, lease, now, "lease_expired", "lease.expired", "")
        if not recalled:
            events.record(tx, _postponed_event(gw, delivery, "lease.expired", change.due_at or now, now))


def give_up_unreachable(tx: Tx, gw: Services, limit: int) -> int:
    """Deliveries that waited for five days behind a failing destination without a turn of their own become
    dead letters too, and their senders are told. How many."""
    now = gw.clock.now()
    rows = tx.all("unreachable", before=now - GIVE_UP_AFTER, limit=limit)
    for row in rows:
        attempt = Attempt(deliveries.from_row(row), "", now)
        _dead(tx, gw, attempt, "retry.exhausted", _exhausted(_UNREACHABLE), now)
    return len(rows)


def _delivered(tx: Tx, gw: Services, attempt: Attempt, outcome: Delivered, now: Instant) -> bool:
    delivery = attempt.delivery
    tx.run("mark_handed_over", id=delivery.id, handed_over_at=attempt.started_at)
    owned = arrive(tx, gw, delivery, outcome.proof, lease=attempt.lease)
    if owned and outcome.answer:
        peers.keep_answer(tx, delivery.id, outcome.answer, now)
    lane = tx.one("lane", destination=delivery.destination)
    if lane is not None and lane["failures"]:
        tx.run("put_lane", destination=delivery.destination, failures=0, not_before=0)
        tx.run("wake_lane", destination=delivery.destination, now=now)
    return owned


def _postponed(tx: Tx, gw: Services, attempt: Attempt, outcome: TryLater, now: Instant) -> bool:
    delivery = attempt.delivery
    if outcome.code != LOCAL_FAULT:  # our own trouble with one document is no reason to spare its destination
        _rest_lane(tx, delivery.destination, now, outcome.retry_after)
    if _is_recalled(tx, gw, delivery.id, attempt.lease, now):
        return True
    due_at = Instant(now + wait_after(delivery.attempts, delivery.id, outcome.retry_after))
    if is_exhausted(delivery.queued_at, due_at):
        return _dead(tx, gw, attempt, "retry.exhausted", _exhausted(outcome.text), now)
    change = Change(State.QUEUED, now, due_at=due_at, lease=attempt.lease)
    if not deliveries.move(tx, delivery, change):
        return False
    events.record(tx, _postponed_event(gw, delivery, outcome.code, due_at, now))
    connection = gw.directory.profile(delivery.destination).adapter
    if connection != delivery.adapter and connection in gw.kinds:  # changed while the attempt ran
        deliveries.reconnect(tx, delivery.destination, connection, gw.kinds[connection], now)
    return True


def _rest_lane(tx: Tx, destination: str, now: Instant, retry_after: int) -> None:
    """The destination rests, longer with each failure; attempts that failed side by side count as one."""
    lane = tx.one("lane", destination=destination)
    if lane is not None and lane["not_before"] > now:
        return
    failures = (lane["failures"] if lane else 0) + 1
    rest = max(lane_wait_after(failures), min(retry_after * SECOND, LANE_WAIT))
    tx.run("put_lane", destination=destination, failures=failures, not_before=now + rest)


def _dead(tx: Tx, gw: Services, attempt: Attempt, code: str, text: Bilingual, now: Instant) -> bool:
    delivery = attempt.delivery
    if _is_recalled(tx, gw, delivery.id, attempt.lease, now):
        return True
    change = Change(State.DEAD, now, lease=attempt.lease, reason_code=code, reason=text)
    if not deliveries.move(tx, delivery, change):
        return False
    died = record.delivery_moved(
        gw,
        EventType.DELIVERY_DEAD,
        delivery,
        State.DEAD,
        record.GATEWAY,
        now,
        reason_code=code,
        facts={"attempts": delivery.attempts},
        private=facts.salted({"reason": text.vi}),
    )
    events.record(tx, died)
    tell_sender(tx, gw, delivery, text)
    return True


def _is_recalled(tx: Tx, gw: Services, delivery_id: str, lease: str, now: Instant) -> bool:
    """True when the sender asked for it back meanwhile: it is cancelled now, and nobody tries again."""
    current = deliveries.find(tx, delivery_id, lock=True)
    return current is not None and attempt_failed(tx, gw, current, lease, now)


def _end(tx: Tx, delivery: Delivery, lease: str, now: Instant, outcome: str, code: str, detail: str) -> None:
    tx.run(
        "end_attempt",
        id=lease,
        delivery=delivery.id,
        ended_at=now,
        outcome=outcome,
        code=code,
        detail=detail,
    )


def _postponed_event(gw: Services, delivery: Delivery, code: str, due_at: Instant, now: Instant) -> Event:
    return record.delivery_moved(
        gw,
        EventType.DELIVERY_POSTPONED,
        delivery,
        State.QUEUED,
        record.GATEWAY,
        now,
        reason_code=code,
        facts={"attempts": delivery.attempts, "due_at": due_at},
    )


def _exhausted(last: Bilingual) -> Bilingual:
    return Bilingual(
        f"Đã thử gửi nhiều lần trong 5 ngày mà không được. Lần cuối: {last.vi}",
        f"Tried for five days without success. The last time: {last.en}",
    )


_UNREACHABLE = Bilingual(
    "hệ thống của đơn vị nhận không kết nối được.", "the recipient's system could not be reached."
)
