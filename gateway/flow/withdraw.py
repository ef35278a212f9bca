"""A recall is accepted: what happens at once, without anybody's consent, and what has to be asked.

In charge of: cancelling what nobody has yet, holding the notice while an attempt runs, letting it go to those
who had the document and to nobody else, and what follows from a 15 or 16. Everything in the transaction that
accepts the message (or that ends the attempt). Not in charge of: which message asks whom (``follow.py``),
asking in the sender's name (``recall.py``), reminders (``delivery/remind.py``).

A recipient *had* the document when a delivery of it was delivered, or fetched in full.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from gateway.clock import SECOND
from gateway.flow import facts, record
from gateway.flow.destroy import freeze, let_go
from gateway.model.delivery import OPEN, Delivery, State
from gateway.model.event import Event, EventType
from gateway.model.recall import Recall, RecallCause, RecallState
from gateway.model.text import AgencyCode, Bilingual, Instant
from gateway.services import Services
from gateway.store import deliveries, events, recalls
from gateway.store.contract import Tx
from gateway.store.deliveries import Change
from gateway.store.payloads import StoredPayload

WITHDRAWN = "recall.withdrawn"
ATTEMPT_RUNS = "recall.attempt_running"
NOTHING_TO_RECALL = "recall.nothing_to_recall"
ANSWER_IS_PROOF = "the recipient's agreement to the recall"


@dataclass(frozen=True, slots=True)
class Notice:
    """A message that asks recipients to give a document back."""

    message: str
    document: str
    sender: AgencyCode
    cause: RecallCause
    actor: str
    at: Instant


@dataclass(frozen=True, slots=True)
class Asked:
    """A recipient, and the code by which the message named it (they differ after a succession)."""

    recipient: AgencyCode
    addressed: AgencyCode


@dataclass(frozen=True, slots=True)
class Answer:
    """A 15 (``agreed``) or 16. ``staff`` is the person whom the recipient names."""

    message: str
    document: str
    sender: AgencyCode
    reporter: AgencyCode
    agreed: bool
    actor: str
    at: Instant
    declared_time: str
    staff: str


def ask(tx: Tx, gw: Services, notice: Notice, asked: Iterable[Asked]) -> list[StoredPayload]:
    """Take back what nobody has, and see that the notice reaches those who have it, after their document."""
    if notice.cause is not RecallCause.UPDATE:  # there the document itself stays in force
        freeze(tx, gw, notice.document, notice.sender, notice.actor, notice.at)
    return [gone for one in asked for gone in _ask_one(tx, gw, notice, one)]


def answered(tx: Tx, gw: Services, answer: Answer) -> list[StoredPayload]:
    """What a recipient's answer changes. An agreement is final; after a refusal it may still agree."""
    answerable = {RecallState.ASKED, RecallState.REFUSED} if answer.agreed else {RecallState.ASKED}
    rows = recalls.of_recipient(tx, answer.document, answer.reporter)
    waiting = [row for row in rows if row.state in answerable]
    for row in waiting:
        state = RecallState.AGREED if answer.agreed else RecallState.REFUSED
        recalls.answer(tx, row, state, answer.message, answer.at)
        events.record(tx, _answered_event(gw, answer, row))
    if not waiting or not answer.agreed:
        return []
    found = recalls.lock_deliveries(tx, answer.document, answer.reporter)
    return [gone for one in found if one.recall for gone in _give_back(tx, gw, one, answer)]


def late(tx: Tx, gw: Services, message: str, recall: Recall, actor: str, at: Instant) -> list[StoredPayload]:
    """A repeat adds a recipient from whom the document was asked back after that message: it gets nothing."""
    gone = []
    for delivery in deliveries.of_message(tx, message):
        if delivery.recipient == recall.recipient and delivery.state in OPEN:
            recalls.mark(tx, delivery.id, recall.message)
            gone += cancel(tx, gw, delivery, WITHDRAWN, _WITHDRAWN, actor, at)
    return gone


def attempt_failed(tx: Tx, gw: Services, delivery: Delivery, lease: str, at: Instant) -> bool:
    """A recall waited for this attempt: the delivery is cancelled and not tried again. False: no recall.

    ``delivery`` as it is now, locked.
    """
    if not delivery.recall or delivery.state is not State.QUEUED:
        return False
    cancel(tx, gw, delivery, WITHDRAWN, _WITHDRAWN, record.GATEWAY, at, lease)
    _resolve(tx, gw, delivery, at)
    return True


def arrived(tx: Tx, gw: Services, delivery: Delivery, at: Instant) -> None:
    """What is asked back has arrived after all: now the notice may go. ``delivery`` as it is now."""
    if not delivery.recall:
        return
    _resolve(tx, gw, delivery, at)
    rows = recalls.of_recipient(tx, delivery.document, delivery.recipient)
    if rows and rows[-1].state is RecallState.AGREED:
        _recalled(tx, gw, delivery, record.GATEWAY, at, rows[-1].answer)


def cancel(
    tx: Tx,
    gw: Services,
    delivery: Delivery,
    code: str,
    reason: Bilingual,
    actor: str,
    at: Instant,
    lease: str = "",
) -> list[StoredPayload]:
    """Withdraw one delivery; nothing when somebody else moved it first."""
    change = Change(State.CANCELLED, at, lease=lease, reason_code=code, reason=reason)
    if not deliveries.move(tx, delivery, change):
        return []
    kind = EventType.DELIVERY_CANCELLED
    moved = record.delivery_moved(gw, kind, delivery, State.CANCELLED, actor, at, reason_code=code)
    events.record(tx, moved)
    return let_go(tx, gw, delivery, actor, at)


def _ask_one(tx: Tx, gw: Services, notice: Notice, one: Asked) -> list[StoredPayload]:
    gone = []
    codes = (one.recipient, one.addressed)
    for delivery in recalls.lock_deliveries(tx, notice.document, *codes, but=notice.message):
        gone += _take_back(tx, gw, notice, delivery)
    found = recalls.lock_deliveries(tx, notice.document, *codes, but=notice.message)
    recall = Recall(notice.message, notice.document, one.recipient, notice.cause, _state_of(found), notice.at)
    if recall.state is RecallState.AGREED:
        recall = _agreed_before(tx, recall)
    if recall.state is RecallState.ASKED:
        recall = replace(recall, remind_at=_remind_at(gw, notice.at))
    recalls.add(tx, recall)
    events.record(tx, _asked_event(gw, recall, notice.sender, notice.actor, notice.at))
    _steer(tx, gw, recall, notice.actor, notice.at)
    return gone


def _take_back(tx: Tx, gw: Services, notice: Notice, delivery: Delivery) -> list[StoredPayload]:
    """Cancel it, unless the recipient has it or may have it in a moment."""
    recalls.mark(tx, delivery.id, notice.message)
    if delivery.state is State.HELD and delivery.fetched_at is not None:
        _requeue(tx, gw, delivery, notice.actor, notice.at)  # it was fetched before it was held
        return []
    if delivery.state not in OPEN or _was_had(delivery) or delivery.leased_until is not None:
        return []
    return cancel(tx, gw, delivery, WITHDRAWN, _WITHDRAWN, notice.actor, notice.at)


def _was_had(delivery: Delivery) -> bool:
    return delivery.state is State.DELIVERED or (
        delivery.state is State.QUEUED and delivery.fetched_at is not None
    )


def _state_of(found: Sequence[Delivery]) -> RecallState:
    """What a recall means to a recipient with these deliveries, after what is open was cancelled."""
    if any(_was_had(delivery) for delivery in found):
        return RecallState.ASKED
    if any(delivery.leased_until is not None for delivery in found):
        return RecallState.ATTEMPT
    if any(delivery.state is State.RECALLED for delivery in found):
        return RecallState.AGREED
    return RecallState.WITHDRAWN if found else RecallState.NOT_ADDRESSED


def _agreed_before(tx: Tx, recall: Recall) -> Recall:
    """Everything that the recipient had was given back already: its earlier answer holds."""
    rows = recalls.of_recipient(tx, recall.document, recall.recipient)
    before = next((row for row in reversed(rows) if row.state is RecallState.AGREED), None)
    if before is None:  # given back under the code of a predecessor
        return replace(recall, state=RecallState.WITHDRAWN)
    return replace(recall, answer=before.answer, answered_at=before.answered_at)


def _steer(tx: Tx, gw: Services, recall: Recall, actor: str, at: Instant) -> None:
    """The notice goes to whom it concerns, waits for a running attempt, or goes nowhere."""
    for delivery in deliveries.of_message(tx, recall.message):
        if delivery.recipient != recall.recipient or delivery.state not in OPEN:
            continue
        if recall.state is RecallState.ASKED:
            if delivery.reason_code == ATTEMPT_RUNS:
                _requeue(tx, gw, delivery, actor, at)
        elif recall.state is RecallState.ATTEMPT:
            _keep_back(tx, gw, delivery, actor, at)
        else:
            cancel(tx, gw, delivery, NOTHING_TO_RECALL, _NOTHING, actor, at)


def _keep_back(tx: Tx, gw: Services, delivery: Delivery, actor: str, at: Instant) -> None:
    if delivery.state is not State.QUEUED:
        return
    change = Change(State.HELD, at, reason_code=ATTEMPT_RUNS, reason=_ATTEMPT_RUNS)
    if deliveries.move(tx, delivery, change):
        kind = EventType.DELIVERY_HELD
        held = record.delivery_moved(gw, kind, delivery, State.HELD, actor, at, reason_code=ATTEMPT_RUNS)
        events.record(tx, held)


def _requeue(tx: Tx, gw: Services, delivery: Delivery, actor: str, at: Instant) -> None:
    due_at = None if gw.kinds.get(delivery.adapter, False) else at
    if deliveries.move(tx, delivery, Change(State.QUEUED, at, due_at=due_at)):
        kind = EventType.DELIVERY_RELEASED
        events.record(tx, record.delivery_moved(gw, kind, delivery, State.QUEUED, actor, at))


def _resolve(tx: Tx, gw: Services, delivery: Delivery, at: Instant) -> None:
    """An attempt ended: recalls that waited for it go on."""
    for recall in recalls.of_recipient(tx, delivery.document, delivery.recipient):
        if recall.state is not RecallState.ATTEMPT:
            continue
        found = recalls.lock_deliveries(tx, recall.document, recall.recipient, but=recall.message)
        state = _state_of(found)
        if state is RecallState.ATTEMPT:
            continue
        if state is RecallState.AGREED:  # the attempt brought nothing new to what was given back before
            state = RecallState.WITHDRAWN
        remind_at = _remind_at(gw, at) if state is RecallState.ASKED else None
        recalls.set_state(tx, recall, state, remind_at)
        now = replace(recall, state=state)
        events.record(tx, _asked_event(gw, now, delivery.sender, record.GATEWAY, at))
        _steer(tx, gw, now, record.GATEWAY, at)


def _give_back(tx: Tx, gw: Services, delivery: Delivery, answer: Answer) -> list[StoredPayload]:
    """The recipient says that it destroyed its copy; what the gateway keeps for it goes too."""
    if delivery.state is State.QUEUED and delivery.fetched_at is not None:
        change = Change(State.DELIVERED, answer.at, proof=ANSWER_IS_PROOF)
        if not deliveries.move(tx, delivery, change):
            return []
        kind, proof = EventType.DELIVERY_DELIVERED, {"proof": ANSWER_IS_PROOF}
        moved = record.delivery_moved(
            gw, kind, delivery, State.DELIVERED, answer.actor, answer.at, facts=proof
        )
        events.record(tx, moved)
        delivery = deliveries.find(tx, delivery.id) or delivery
    return _recalled(tx, gw, delivery, answer.actor, answer.at, answer.message)


def _recalled(
    tx: Tx, gw: Services, delivery: Delivery, actor: str, at: Instant, answer: str
) -> list[StoredPayload]:
    if delivery.state is not State.DELIVERED:
        return []
    if not deliveries.move(tx, delivery, Change(State.RECALLED, at, proof=delivery.proof)):
        return []
    kind = EventType.DELIVERY_RECALLED
    moved = record.delivery_moved(gw, kind, delivery, State.RECALLED, actor, at, facts={"answer": answer})
    events.record(tx, moved)
    return let_go(tx, gw, delivery, actor, at)


def _remind_at(gw: Services, at: Instant) -> Instant | None:
    recall = gw.config.recall
    return Instant(at + recall.remind_hours * 3600 * SECOND) if recall.reminders else None


def _asked_event(gw: Services, recall: Recall, sender: str, actor: str, at: Instant) -> Event:
    return record.event(
        gw,
        EventType.RECALL_ASKED,
        actor,
        at,
        document=recall.document,
        message=recall.message,
        sender=sender,
        recipient=recall.recipient,
        to_state=recall.state.value,
        facts={"cause": recall.cause.value},
    )


def _answered_event(gw: Services, answer: Answer, recall: Recall) -> Event:
    return record.event(
        gw,
        EventType.RECALL_ANSWERED,
        answer.actor,
        answer.at,
        document=answer.document,
        message=recall.message,
        sender=answer.sender,
        recipient=answer.reporter,
        from_state=recall.state.value,
        to_state=(RecallState.AGREED if answer.agreed else RecallState.REFUSED).value,
        status="15" if answer.agreed else "16",
        declared_time=answer.declared_time,
        facts={"answer": answer.message, "asked_at": recall.asked_at},
        private=facts.salted({"staff": answer.staff}),
    )


_WITHDRAWN = Bilingual(
    "Cơ quan gửi đã thu hồi văn bản trước khi nơi nhận có văn bản.",
    "The sender recalled the document before the recipient had it.",
)
_ATTEMPT_RUNS = Bilingual(
    "Văn bản đang được gửi dở đến nơi này; yêu cầu thu hồi chờ kết quả của lần gửi đó.",
    "An attempt to deliver the document is running; the recall waits for how it ends.",
)
_NOTHING = Bilingual(
    "Nơi này không có văn bản nên không cần báo thu hồi.",
    "This recipient does not have the document, so it is told nothing.",
)
