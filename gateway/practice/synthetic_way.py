"""What becomes of a synthetic document: deliveries, statuses, recalls.

In charge of: the events of one document from acceptance on, and the rows that stand for it at the end of the
run. Not in charge of: how it is signed (``synthetic_letters``), when documents come (``synthetic``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway.clock import SECOND
from gateway.directory.snapshot import OUTSIDE
from gateway.model.event import EventType
from gateway.model.text import Instant
from gateway.practice import synthetic_bodies as bodies
from gateway.practice.synthetic_bodies import GATEWAY, Made, Parcel, Report
from gateway.practice.synthetic_dice import Dice, Table
from gateway.practice.synthetic_letters import Letter
from gateway.practice.synthetic_plan import TO_OUTSIDE, Plan, WorkingDays
from gateway.practice.synthetic_stories import OLD_CODE_SHARE, Planted
from gateway.practice.synthetic_time import DAY, HOUR, MINUTE, acknowledging, day_of, declared
from gateway.practice.synthetic_units import Census, Unit

FEW: Table[int] = Table([(2, 0.45), (3, 0.3), (4, 0.15), (5, 0.1)])
REFUSALS = Table(
    [
        ("R01", 25), ("R02", 3), ("R03", 12), ("R04", 15), ("R05", 18), ("R06", 7), ("R07", 8), ("R09", 5),
        ("R99", 7),
    ]
)  # fmt: skip
Private = Mapping[str, tuple[bytes, str]]  # as ``Event.private``
LATE_PULL, OVERTURNED, ANSWERED, AGREED = 0.003, 0.15, 0.95, 0.93
WITHDRAWN = "recall.withdrawn"


@dataclass(slots=True)
class Rows:
    """Rows for the store, as parameters of its queries; what has not happened by the end is not in them."""

    payloads: list[dict[str, Any]] = field(default_factory=list)
    documents: list[dict[str, Any]] = field(default_factory=list)
    links: list[dict[str, Any]] = field(default_factory=list)
    messages: list[dict[str, Any]] = field(default_factory=list)
    deliveries: list[dict[str, Any]] = field(default_factory=list)
    private: list[dict[str, Any]] = field(default_factory=list)
    refusals: list[dict[str, Any]] = field(default_factory=list)
    declared: list[dict[str, Any]] = field(default_factory=list)


@dataclass(slots=True)
class Run:
    """What a document's way is made with. ``hours``: events by the hour in which they happen."""

    plan: Plan
    dice: Dice
    calendar: WorkingDays
    planted: Planted
    end: Instant  # nothing from here on
    rows: Rows = field(default_factory=Rows)
    hours: dict[int, list[Made]] = field(default_factory=dict)
    private: dict[str, list[dict[str, Any]]] = field(default_factory=dict)  # by event

    def put(self, made: Made, private: Private | None = None) -> None:
        """Take an event, with what stands beside it, unless it would happen after the end."""
        if made.at >= self.end:
            return
        self.hours.setdefault(made.at // HOUR, []).append(made)
        if private:
            self.private[made.id] = [
                {"event": made.id, "name": name, "salt": salt, "value": text}
                for name, (salt, text) in private.items()
            ]

    def digests(self) -> tuple[str, str]:
        """Of a content and of an envelope."""
        return self.dice.digest(), self.dice.digest()


@dataclass(slots=True)
class Journey:
    """How far a delivery came by the end of the run; ``None``: not yet, or never."""

    state: str = "queued"
    fetched: Instant | None = None
    done: Instant | None = None
    settled: Instant | None = None
    status: str = ""
    status_at: Instant | None = None
    reason_code: str = ""


@dataclass(frozen=True, slots=True)
class Recall:
    """The sender wants the document back. ``message`` is its status 13."""

    at: Instant
    message: str


def recipients_of(sender: Unit, census: Census, dice: Dice) -> list[Unit]:
    """Mostly one from the sender's surroundings; some go to many. Now and then somebody outside too."""
    share = dice.share()
    if share < 0.6:
        chosen = [dice.pick(census.near[sender.code])]
    elif share < 0.85:
        chosen = list(dict.fromkeys(dice.pick(census.near[sender.code]) for _ in range(dice.of(FEW) + 1)))
    else:
        count = dice.skewed(6, 30, 8) if share < 0.97 else dice.skewed(31, 300, 8)
        chosen = [unit for unit in dice.some(census.inside, count) if unit.code != sender.code]
    if sender.category == OUTSIDE:
        return [unit for unit in chosen if unit.category != OUTSIDE]
    if census.outside and dice.chance(TO_OUTSIDE):
        chosen.append(dice.pick(census.outside))
    return chosen


def travel(run: Run, parcel: Parcel, begun: Instant, recall: Recall | None, document_id: str) -> Journey:
    """Fetching, arriving, statuses; ``begun``: queued or released."""
    way = Journey()
    fetched, done = arrival(run, parcel, begun)
    if recall is not None and (done is None or done > recall.at):
        return withdrawn(run, parcel, recall, way)
    if done is None:
        return way
    if fetched is not None and fetched < run.end:
        way.fetched = fetched
        run.put(bodies.fetched(parcel, fetched, run.dice.id(fetched)))
    if done >= run.end:
        return way
    way.done, way.settled, way.state = done, done, "delivered"
    run.put(bodies.delivered(parcel, done, run.dice.id(done)))
    given_back = asked(run, parcel, recall, way, document_id) if recall is not None else None
    statuses(run, parcel, done, given_back, way, document_id)
    return way


def arrival(run: Run, parcel: Parcel, begun: Instant) -> tuple[Instant | None, Instant | None]:
    """When its bytes were fetched (pull only), and when it was there."""
    dice, unit = run.dice, parcel.recipient
    if not unit.pulls:
        return None, run.planted.open(Instant(begun + dice.whole(1 * SECOND, 20 * SECOND)))
    how = dice.share()
    if how < run.plan.shares.never_pulled:
        return None, None
    if how < run.plan.shares.never_pulled + LATE_PULL:
        fetched = begun + dice.whole(50 * HOUR, 120 * HOUR)
    else:
        fetched = begun + dice.whole(3 * SECOND, 300 * SECOND)
    fetched = run.planted.open(run.planted.fetching(unit, Instant(fetched)))
    return fetched, Instant(fetched + dice.whole(SECOND // 4, 3 * SECOND))


def statuses(
    run: Run, parcel: Parcel, done: Instant, given_back: Instant | None, way: Journey, document_id: str
) -> None:
    """01, then 02 or 03, then 04, unless it was given back before."""
    dice, unit, shares = run.dice, parcel.recipient, run.plan.shares
    arrived = (
        done + 1 if not unit.reports_arrival else run.planted.open(Instant(done + dice.whole(SECOND, MINUTE)))
    )
    report(run, parcel, "01", Instant(arrived), way, document_id, automatic=not unit.reports_arrival)
    if (taken := acknowledging(done, unit.same_day, run.calendar, dice)) is None:
        return
    taken = run.planted.open(Instant(max(taken, arrived + SECOND)))
    if given_back is not None and taken >= given_back:
        return
    if dice.chance(unit.refuses):
        report(run, parcel, "02", taken, way, document_id, refusal=dice.of(REFUSALS))
        if not dice.chance(OVERTURNED):
            return
        taken = run.planted.open(Instant(taken + dice.whole(HOUR, 2 * DAY)))
    report(run, parcel, "03", taken, way, document_id)
    if dice.chance(shares.moved_on):
        moved = Instant(taken + int((5 * MINUTE + 12 * DAY * dice.share() ** 4) // 1))
    elif dice.chance(0.3):
        moved = Instant(taken + dice.whole(16 * DAY, 25 * DAY))
    else:
        return
    report(run, parcel, "04" if dice.chance(0.8) else "06", run.planted.open(moved), way, document_id)


def report(
    run: Run, parcel: Parcel, code: str, at: Instant, way: Journey, document_id: str,
    *, automatic: bool = False, refusal: str = "",
) -> str:  # fmt: skip
    """One status of the recipient; the id of its message. Nothing after the end."""
    if at >= run.end:
        return ""
    unit = parcel.recipient
    told = declared(at if automatic else Instant(at + unit.skew))
    message = run.dice.id(at)
    made = Report(parcel.document, document_id, unit, parcel.sender, code, told, automatic, refusal)
    run.put(bodies.status(made, at, run.dice.id(at), message, run.digests()))
    if way.status_at is None or at >= way.status_at:
        way.status, way.status_at = code, at
    return message


def withdrawn(run: Run, parcel: Parcel, recall: Recall, way: Journey) -> Journey:
    """Nobody had it yet: it is cancelled at once."""
    if recall.at >= run.end:
        return way
    ask(run, parcel, recall, "withdrawn")
    way.state, way.settled, way.reason_code = "cancelled", recall.at, WITHDRAWN
    run.put(
        bodies.parcel_event(
            EventType.DELIVERY_CANCELLED, parcel, recall.at, run.dice.id(recall.at),
            parcel.sender.principal, {}, from_state="queued", to_state="cancelled", reason_code=WITHDRAWN,
        )
    )  # fmt: skip
    return way


def asked(run: Run, parcel: Parcel, recall: Recall, way: Journey, document_id: str) -> Instant | None:
    """The recipient has it and is asked; when it agreed, if it did."""
    if recall.at >= run.end:
        return None
    ask(run, parcel, recall, "asked")
    at = run.planted.open(Instant(recall.at + int(5 * MINUTE + 2 * DAY * run.dice.share() ** 3)))
    if not run.dice.chance(ANSWERED) or at >= run.end:
        return None
    agreed = run.dice.chance(AGREED)
    answer = report(run, parcel, "15" if agreed else "16", at, way, document_id)
    after, common = "agreed" if agreed else "refused", _between(parcel)
    run.put(
        bodies.plain(
            EventType.RECALL_ANSWERED, at, run.dice.id(Instant(at + 1)), parcel.recipient.principal,
            {"answer": answer, "asked_at": recall.at}, message=recall.message, from_state="asked",
            to_state=after, status="15" if agreed else "16",
            declared_time=declared(Instant(at + parcel.recipient.skew)), **common,
        )
    )  # fmt: skip
    if not agreed:
        return None
    way.state = "recalled"
    run.put(
        bodies.parcel_event(
            EventType.DELIVERY_RECALLED, parcel, at, run.dice.id(Instant(at + 2)), parcel.recipient.principal,
            {"answer": answer}, from_state="delivered", to_state="recalled",
        )
    )  # fmt: skip
    return at


def ask(run: Run, parcel: Parcel, recall: Recall, state: str) -> None:
    """``recall.asked`` for one recipient."""
    run.put(
        bodies.plain(
            EventType.RECALL_ASKED, recall.at, run.dice.id(recall.at), parcel.sender.principal,
            {"cause": "status"}, message=recall.message, to_state=state, **_between(parcel),
        )
    )  # fmt: skip


def recall_of(run: Run, letter: Letter, document: str, census: Sequence[Unit]) -> Recall | None:
    """Now and then a sender wants its document back; its status 13 goes to each recipient."""
    dice = run.dice
    if not dice.chance(run.plan.shares.recalled):
        return None
    at = run.planted.open(Instant(letter.sent + dice.whole(10 * MINUTE, 2 * DAY)))
    message = dice.id(at)
    for number, unit in enumerate(census):
        told = Report(document, letter.document_id, letter.sender, unit, "13", declared(at))
        run.put(bodies.status(told, at, dice.id(Instant(at + number)), message, run.digests()))
    return Recall(at, message)


def old_code(run: Run, unit: Unit, at: Instant) -> str:
    """The closed code by which the envelope names the recipient, where a story says so."""
    old = run.planted.old_code.get(unit.code, "")
    told = next((one for one in run.planted.told if one.agency == old), None)
    if not old or told is None or not told.first <= day_of(at) <= told.last:
        return ""
    return old if run.dice.chance(OLD_CODE_SHARE) else ""


def _between(parcel: Parcel) -> dict[str, Any]:
    return {
        "document": parcel.document,
        "sender": parcel.sender.code,
        "sender_level": parcel.sender.level,
        "recipient": parcel.recipient.code,
        "recipient_level": parcel.recipient.level,
    }


__all__ = ["GATEWAY", "Journey", "Recall", "Rows", "Run", "old_code", "recall_of", "recipients_of", "travel"]
