"""A made-up exchange of a whole province, from one seed, as the events that a real gateway would record.

In charge of: going through the days and handing out events in the order of their time, with the rows that
stand for documents and deliveries. Pure: no store, no clock, no disk. Not in charge of: writing them into an
installation (``synthetic_home``). All of it is invented and must be shown as such (``synthetic_plan.MARK``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, NamedTuple

from gateway.calendar_data import shipped_calendar
from gateway.clock import SECOND
from gateway.directory.snapshot import OUTSIDE
from gateway.model.event import EventType
from gateway.model.text import Instant
from gateway.practice import synthetic_bodies as bodies
from gateway.practice import synthetic_letters as letters
from gateway.practice import synthetic_time as times
from gateway.practice.synthetic_bodies import Made, Parcel
from gateway.practice.synthetic_dice import Dice, Table
from gateway.practice.synthetic_letters import Letter, Registers
from gateway.practice.synthetic_plan import Plan, WorkingDays
from gateway.practice.synthetic_rows import Filing
from gateway.practice.synthetic_stories import Planted, plant
from gateway.practice.synthetic_time import DAY, HOUR, MINUTE
from gateway.practice.synthetic_units import Census, Unit, Units
from gateway.practice.synthetic_way import (
    Recall,
    Rows,
    Run,
    old_code,
    recall_of,
    recipients_of,
    travel,
)

REASONS = Table(
    [
        ("recipient.unknown", 0.35),
        ("signature.pdf_tampered", 0.15),
        ("signature.pdf_revoked", 0.1),
        ("subject.missing", 0.2),
        ("duplicate.conflict", 0.17),
        ("secrecy.marked", 0.03),
    ]
)
CORRECTED, RELEASED = 0.8, 0.9
APPROVERS = ("00000000-0000-7000-8000-00000000000a", "00000000-0000-7000-8000-00000000000b")


class Batch(NamedTuple):
    """What happened before ``until``: events in the order of the log, and rows that they brought about."""

    until: Instant
    events: list[Made]
    rows: Rows


@dataclass(slots=True)
class _Province:
    """What lasts from day to day."""

    run: Run
    units: Units
    filing: Filing
    registers: Registers = field(default_factory=Registers)
    last_of: dict[str, str] = field(default_factory=dict)  # sender -> DocumentId of its newest document
    sent: Counter[tuple[date, str]] = field(default_factory=Counter)


class Exchange:
    """One run of a plan. ``told`` says what was planted."""

    def __init__(self, plan: Plan, calendar: WorkingDays | None = None) -> None:
        self.plan = plan
        self.calendar = calendar or shipped_calendar()
        self.version: str = getattr(self.calendar, "version", "")
        self.units = Units(plan)
        self.planted: Planted = plant(plan, self.units, self.calendar)
        self.begin = times.midnight(plan.first)
        self.end = times.midnight(plan.last + timedelta(days=1))

    def batches(self) -> Iterator[Batch]:
        """All events, an hour or more at a time; each call makes them anew, and the same."""
        run = Run(self.plan, Dice(self.plan.seed, "exchange"), self.calendar, self.planted, self.end)
        here = _Province(run, self.units, Filing(run, self.version))
        _outage_recorded(run)
        for number in range(self.plan.days):
            day = self.plan.first + timedelta(days=number)
            yield from _day(here, day)
        yield from _until(run, self.end)

    def events(self) -> Iterator[Made]:
        """All events in the order of the log."""
        for batch in self.batches():
            yield from batch.events


def events(plan: Plan, calendar: WorkingDays | None = None) -> Iterator[Made]:
    """The events of a plan in the order of the log; ``.body`` are their canonical bytes."""
    return Exchange(plan, calendar).events()


def _day(here: _Province, day: date) -> Iterator[Batch]:
    """A day's documents in the order in which they are sent."""
    run, census, start = here.run, here.units.on(day), times.midnight(day)
    count = times.count_of(day, run.plan, run.calendar, run.dice)
    moments = sorted(times.sending(start, run.dice) for _ in range(count))
    hour = start // HOUR
    for sent in moments:
        if sent // HOUR > hour:
            hour = sent // HOUR
            yield from _until(run, Instant(hour * HOUR))
        _document(here, census, sent)
    _totals(here, census, day, Instant(start + 24 * HOUR - 10 * MINUTE))
    yield from _until(run, Instant(start + 23 * HOUR))


def _until(run: Run, until: Instant) -> Iterator[Batch]:
    """What is complete: nothing that is yet to be made happens before ``until``."""
    hours = sorted(hour for hour in run.hours if (hour + 1) * HOUR <= until)
    if not hours and not run.rows.documents:
        return
    found = [made for hour in hours for made in sorted(run.hours.pop(hour))]
    rows, run.rows = run.rows, Rows()
    rows.private = [row for made in found if made.id in run.private for row in run.private.pop(made.id)]
    yield Batch(until, found, rows)


def _document(here: _Province, census: Census, sent: Instant) -> None:
    """One document: signed, handed in, perhaps refused first, and on its way."""
    run, dice = here.run, here.run.dice
    sender, shares = dice.of(census.senders), run.plan.shares
    urgency = letters.urgency_of(shares, dice)
    signed = (
        times.urgent_signing(sent, shares.urgent_in_time, dice)
        if urgency
        else times.signing(sent, sender.on_time, run.calendar, dice)
    )
    way = run.planted.way(sender, times.day_of(signed), letters.way_of(sender, dice))
    sent = run.planted.open(sent)
    replaces = here.last_of.get(sender.code, "") if dice.chance(shares.replaced) else ""
    kind = "replace" if replaces else "new"
    letter = letters.write(sender, sent, signed, urgency, way, here.registers, dice, kind)
    if dice.chance(shares.refused_at_gate):
        _refused(here, letter)
        if not dice.chance(CORRECTED):
            return
        letter = letters.again(letter, run.planted.open(Instant(sent + dice.whole(20 * MINUTE, 90 * MINUTE))))
    if letter.sent < run.end:
        _accepted(here, census, letter, replaces)


def _refused(here: _Province, letter: Letter) -> None:
    """``submission.refused``, and its row. Of what may be secret only hash, size and time are told."""
    run, dice, at = here.run, here.run.dice, letter.sent
    rule = dice.of(REASONS)
    facts: dict[str, Any] = {"size": letter.size, "findings": [{"rule": rule, "severity": "refuse"}]}
    if not rule.startswith("secrecy."):
        facts |= {"document_id": letter.document_id, "kind": letter.kind}
    made = bodies.plain(
        EventType.SUBMISSION_REFUSED,
        at,
        dice.id(at),
        letter.sender.principal,
        facts,
        sender=letter.sender.code,
        sender_level=letter.sender.level,
        envelope_sha256=dice.digest(),
        rule_set=bodies.RULE_SET,
        reason_code=rule,
    )
    run.put(made)
    here.filing.refusal(made, letter.sender)


def _accepted(here: _Province, census: Census, letter: Letter, replaces: str) -> None:
    """``document.accepted`` and everything that follows from it."""
    run, dice, at = here.run, here.run.dice, letter.sent
    document, message = dice.id(at), dice.id(Instant(at + 1))
    recipients = recipients_of(letter.sender, census, dice)
    held = dice.chance(run.plan.shares.held)
    envelope = here.filing.accepted(letter, document, message, recipients, held=held, replaces=replaces)
    here.last_of[letter.sender.code] = letter.document_id
    here.sent[times.day_of(at), letter.sender.code] += not held
    recall = None if held else recall_of(run, letter, document, recipients)
    parcels = [_parcel(run, letter, document, message, one, at) for at, one in enumerate(recipients)]
    for number, parcel in enumerate(parcels):
        (_keep_back if held else _go)(here, letter, parcel, number, recall)
    if dice.chance(run.plan.shares.repeated):
        _repeated(run, letter, document, message, envelope)
    if not held and recall is None and dice.chance(run.plan.shares.updated):
        _updated(here, census, letter, document, recipients)


def _parcel(
    run: Run, letter: Letter, document: str, message: str, unit: Unit, number: int, kind: str = ""
) -> Parcel:
    delivery = run.dice.id(Instant(letter.sent + 2 + number))
    return Parcel(document, message, delivery, letter.sender, unit, kind or letter.kind, letter.urgency)


def _go(here: _Province, letter: Letter, parcel: Parcel, number: int, recall: Recall | None) -> None:
    """Queued at once."""
    run, at = here.run, letter.sent
    addressed = old_code(run, parcel.recipient, at)
    id = run.dice.id(Instant(at + 1000 + number))
    run.put(bodies.queued(parcel, at, id, letter.sender.principal, addressed))
    way = travel(run, parcel, at, recall, letter.document_id)
    here.filing.delivery(letter, parcel, way, at, addressed)


def _keep_back(here: _Province, letter: Letter, parcel: Parcel, number: int, recall: Recall | None) -> None:
    """Held for a person, who mostly lets it go on the same day; all deliveries of a document together."""
    run, at = here.run, letter.sent
    dice = Dice(run.plan.seed, "held", parcel.document)
    released = run.planted.open(Instant(at + dice.whole(30 * MINUTE, 5 * HOUR)))
    rule, actor = "secrecy.suspected", letter.sender.principal
    facts = {"urgency": parcel.urgency, "adapter": parcel.recipient.adapter}
    id = run.dice.id(Instant(at + 1000 + number))
    run.put(
        bodies.parcel_event(
            EventType.DELIVERY_HELD, parcel, at, id, actor, facts, to_state="held", reason_code=rule
        )
    )
    if not dice.chance(RELEASED) or released >= run.end:
        here.filing.held(letter, parcel, rule)
        return
    run.put(
        bodies.parcel_event(
            EventType.DELIVERY_RELEASED, parcel, released, run.dice.id(Instant(released + number)),
            APPROVERS[0], {}, from_state="held", to_state="queued",
        )
    )  # fmt: skip
    here.sent[times.day_of(at), letter.sender.code] += number == 0
    way = travel(run, parcel, released, None, letter.document_id)
    here.filing.delivery(letter, parcel, way, released, "")


def _repeated(run: Run, letter: Letter, document: str, message: str, envelope: str) -> None:
    """The sender's software had no answer in time and sends the same bytes again."""
    at = run.planted.open(Instant(letter.sent + run.dice.whole(30 * SECOND, 30 * MINUTE)))
    run.put(
        bodies.plain(
            EventType.DOCUMENT_REPEATED, at, run.dice.id(at), letter.sender.principal, {"kind": letter.kind},
            document=document, message=message, sender=letter.sender.code, sender_level=letter.sender.level,
            envelope_sha256=envelope,
        )
    )  # fmt: skip


def _updated(here: _Province, census: Census, letter: Letter, document: str, had: list[Unit]) -> None:
    """An update sends the document to one more recipient."""
    run, dice = here.run, here.run.dice
    at = run.planted.open(Instant(letter.sent + dice.whole(1 * HOUR, 2 * DAY)))
    more = dice.pick(census.inside)
    if at >= run.end or more in had or more.code == letter.sender.code:
        return
    update = letters.again(letter, at, kind="update")
    message = dice.id(Instant(at + 1))
    here.filing.accepted(update, document, message, [more], held=False, known=True)
    _go(here, update, _parcel(run, update, document, message, more, 0, "update"), 0, None)


def _totals(here: _Province, census: Census, day: date, at: Instant) -> None:
    """What the registers hold of the day: all that went over the gateway, and what left on paper alone. One
    agency in a hundred declares less than was seen, now and then."""
    run, dice = here.run, here.run.dice
    for number, unit in enumerate(census.inside):
        if not unit.declares or unit.category == OUTSIDE:
            continue
        seen = here.sent[day, unit.code]
        paper = int(seen * 0.3 * dice.share() ** 2)
        total = max(seen + paper - (dice.chance(0.001) and seen > 1), 0)
        facts = {
            "agency": unit.code,
            "from": day.isoformat(),
            "to": day.isoformat(),
            "outgoing_total": total,
            "paper_only": min(paper, total),
            "secret_count": int(dice.chance(0.01)),
            "to_non_state": 0,
            "source": "api",
        }
        moment = Instant(at + number * SECOND)
        made = bodies.plain(EventType.TOTALS_DECLARED, moment, dice.id(moment), unit.principal, facts)
        run.put(made)
        here.filing.declared(made, facts, unit)


def _outage_recorded(run: Run) -> None:
    """The operators write the outage down in the afternoon."""
    if run.planted.outage is None:
        return
    begin, end = run.planted.outage
    dice = Dice(run.plan.seed, "outage")
    at = Instant(end + 3 * HOUR)
    facts = {
        "outage": dice.id(at),
        "agency": "",
        "from": begin,
        "to": end,
        "proposed_by": APPROVERS[0],
        "approver": APPROVERS[1],
    }
    private = {"reason": (dice.salt(), "Mất điện trung tâm dữ liệu (mô phỏng)")}
    made = bodies.plain(EventType.OUTAGE_RECORDED, at, dice.id(at), APPROVERS[1], facts, private)
    run.put(made, private)


__all__ = ["APPROVERS", "Batch", "Exchange", "Made", "events"]
