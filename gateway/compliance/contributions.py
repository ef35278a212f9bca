"""What one record adds to the counts of a day, an agency and a level.

In charge of: every ``D.*``, ``K*``, ``C*``, ``Kf*`` and ``R.*`` name of a document or a delivery, and the
counts of a single event. Pure. Not in charge of: the clauses (``clauses.py``), keeping sums
(``counting.py``), rates (``scorecard.py``). Defined by ``docs/figures.md``.

Days are whole numbers here (days since 1970 at +07:00): a month at ten times a province's load is counted in
one go, and dates are slow.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final, NamedTuple

from gateway.compliance.calendar import Clocks
from gateway.compliance.clauses import (
    ClauseRules,
    composite,
    judge_clauses,
    signed_as,
    unsigned_attachments,
)
from gateway.compliance.facts import (
    DAY_US,
    EPOCH_ORDINAL,
    OFFSET_US,
    DeliveryRecord,
    DocumentRecord,
    Timeliness,
)
from gateway.model.calendar import Calendar
from gateway.model.text import Instant

OUTSIDE = "outside"  # level whose agencies are in no figure
SOURCES = ("timestamp", "signed_attribute", "declared")  # of a signing time, the best first
_MINUTE: Final = 60_000_000
_HOUR: Final = 60 * _MINUTE


class Key(NamedTuple):
    """Whose counts: ``day`` is ISO at +07:00."""

    day: str
    agency: str
    level: str


@dataclass(frozen=True, slots=True)
class Outage:
    """An approved interval; ``agency`` is "" for the gateway itself."""

    agency: str
    from_at: Instant
    to_at: Instant


@dataclass(frozen=True, slots=True)
class Reference:
    """What counting needs beside the events: dated data, and how this installation reads the law."""

    calendar: Calendar
    clocks: Clocks
    rules: ClauseRules
    outages: tuple[Outage, ...] = ()
    _works: dict[int, bool] = field(default_factory=dict, repr=False, compare=False)
    _next: dict[int, int] = field(default_factory=dict, repr=False, compare=False)

    def works(self, day: int) -> bool:
        """True when offices are open on that day."""
        known = self._works.get(day)
        if known is None:
            known = self._works[day] = self.calendar.is_working(date.fromordinal(day + EPOCH_ORDINAL))
        return known

    def next_working(self, day: int) -> int:
        """The first working day after it."""
        known = self._next.get(day)
        if known is None:
            known = day + 1
            while not self.works(known):
                known += 1
            self._next[day] = known
        return known

    def disturbed(self, agency: str, begin: int, deadline: int) -> bool:
        """True when an outage lies at least in part between the two instants."""
        return any(
            one.from_at < deadline and one.to_at > begin and one.agency in ("", agency)
            for one in self.outages
        )


Counts = dict[str, int]


def day_number(at: int) -> int:
    """Days since 1970 at +07:00."""
    return (at + OFFSET_US) // DAY_US


def iso(day: int) -> str:
    """The ISO text of a day number."""
    known = _ISO.get(day)
    if known is None:
        known = _ISO[day] = date.fromordinal(day + EPOCH_ORDINAL).isoformat()
    return known


_ISO: dict[int, str] = {}


def midnight_of(day: int) -> int:
    """The instant at which a day begins."""
    return day * DAY_US - OFFSET_US


# ---- documents


def of_document(record: DocumentRecord, ref: Reference) -> tuple[Key, Counts]:
    """Everything that a D adds to the day of its acceptance."""
    key = Key(iso(day_number(record.at)), record.sender, record.level)
    counts: Counts = {"Kf.n": 1} if record.first else {}
    if not record.sent:
        counts["D.held"] = 1
        return key, counts
    when = timeliness(record, ref)
    signed = f"K2.{signed_as(record).value}"
    counts["D.sent"] = 1
    counts[signed] = 1
    if record.deliveries:
        counts["D.recipients"] = record.deliveries
    for name, holds in _yes_or_no(record, ref, when):
        if holds:
            counts[name] = 1
    _in_time(record, ref, when, counts)
    whole = _clauses(record, ref, when, counts)
    if record.first and not record.held and signed == "K2.both":
        counts["K2f.both"] = 1
    if record.first and not record.held and whole == "K9.pass":
        counts["K9f.pass"] = 1
    return key, counts


def _yes_or_no(record: DocumentRecord, ref: Reference, when: Timeliness) -> Iterable[tuple[str, bool]]:
    yield "D.replace", record.kind == "replace"
    yield "D.urgent", record.urgency >= 1
    yield "D.rest_day", when.signed is not None and not ref.works(day_number(when.signed))
    yield "K2.attachments_unsigned", bool(unsigned_attachments(record))
    yield "K10.full", not record.metadata
    paper = record.paper not in ("", "0")
    yield "K12.paper", paper
    yield "K12.outside", paper and ref.rules.paper_too.isdisjoint(record.recipients)
    yield "K14.number", record.twin


def _in_time(record: DocumentRecord, ref: Reference, when: Timeliness, counts: Counts) -> None:
    """K3 with and without outages, K4."""
    if when.signed is None:
        counts["K3.unknown"] = 1
        return
    counts["K3.n"] = 1
    if when.rough:
        counts["K3.rough"] = 1
    strict, wide = deadlines(when.signed, ref)
    for reading, deadline, denominator in (("qd28", strict, "K3x.n"), ("nd30", wide, "K3x.n30")):
        if when.qd28 if reading == "qd28" else when.nd30:
            counts[f"K3.{reading}"] = counts[f"K3x.{reading}"] = counts[denominator] = 1
        elif not ref.outages or not ref.disturbed(record.sender, when.signed, deadline):
            counts[denominator] = 1
    if when.urgent is not None:
        counts["K4.n"] = 1
        if when.urgent:
            counts["K4.in_time"] = 1


def _clauses(record: DocumentRecord, ref: Reference, when: Timeliness, counts: Counts) -> str:
    """Each clause with its outcome, and the composite of K9."""
    results = judge_clauses(record, when, ref.rules)
    for clause, result in results.items():
        counts[f"{clause.value}.{result.outcome.value}"] = 1
    whole = f"K9.{composite(results).value}"
    counts[whole] = 1
    return whole


def timeliness(record: DocumentRecord, ref: Reference) -> Timeliness:
    """When it was signed, and whether it was sent in time by each reading."""
    signed, rough = signing_time(record)
    if signed is None:
        return Timeliness(None)
    strict, wide = deadlines(signed, ref)
    urgent = None
    if record.urgency >= 1 and not rough:
        urgent = record.at - signed <= ref.clocks.urgent_minutes * _MINUTE
    return Timeliness(Instant(signed), rough, record.at <= strict, record.at < wide, urgent)


def signing_time(record: DocumentRecord) -> tuple[int | None, bool]:
    """The instant, never after the acceptance, and whether only the day is known (rough)."""
    times: dict[str, int] = {}
    for one in record.verdicts:
        if one.file >= 0 and one.passed and one.signing_time is not None:
            times[one.time_source] = max(one.signing_time, times.get(one.time_source, one.signing_time))
    for source in SOURCES:
        if source in times:
            return min(times[source], record.at), False
    promulgated = record.promulgation_date
    if promulgated is None:
        return None, False
    end = midnight_of(promulgated.toordinal() - EPOCH_ORDINAL + 1) - _MINUTE  # 23:59
    return min(end, record.at), True


def deadlines(signed: int, ref: Reference) -> tuple[int, int]:
    """By QĐ 28/2018 Đ6.2 (inclusive) and by NĐ 30/2020 Đ18.1 (exclusive)."""
    start = midnight_of(ref.next_working(day_number(signed)))
    morning = ref.clocks.morning_until
    microseconds = (morning.hour * 60 + morning.minute) * _MINUTE + morning.second * 1_000_000
    return start + microseconds + morning.microsecond, start + DAY_US


# ---- deliveries


def of_delivery(record: DeliveryRecord, ref: Reference) -> list[tuple[Key, Counts]]:
    """Everything that an R adds: to the day it was made, the day it arrived, and its former units."""
    found = [(Key(one.day, one.agency, one.level), {"R.history": 1}) for one in record.passages]
    if record.made is None or record.ended:
        return found
    made = Key(iso(day_number(record.made)), record.recipient, record.level)
    if record.excluded:
        return [*found, (made, {"R.excluded": 1})]
    found.append((made, _made(record, record.made, ref)))
    if record.arrived is not None:
        day = day_number(record.arrived)
        arrived = Key(iso(day), record.recipient, record.level)
        found.append((arrived, _arrived(record, record.arrived, day, ref)))
    return found


def _made(record: DeliveryRecord, made: int, ref: Reference) -> Counts:
    counts: Counts = {"R.n": 1}
    if record.refused is not None:
        counts["K6.refused"] = 1
        counts[f"K6.{record.refusal}"] = 1
        if record.overturned:
            counts["K6.overturned"] = 1
    fetched = record.fetched
    if fetched is None:
        counts["K8.never"] = 1
    elif fetched - made > ref.clocks.pull_hours * _HOUR:
        counts["K8.late"] = 1
    return counts


def _arrived(record: DeliveryRecord, arrived: int, day: int, ref: Reference) -> Counts:
    counts: Counts = {"A.pulled": 1, "K5.n": 1}
    band = ack_band(record, day, ref)
    counts[band] = 1
    if band == "K5.same_day":
        counts["K5x.n"] = counts["K5x.same_day"] = 1
    elif not ref.outages or not ref.disturbed(record.recipient, arrived, midnight_of(day + 1)):
        counts["K5x.n"] = 1
    if record.system is not None and day_number(record.system) <= day:
        counts["K5.system"] = 1
    if record.acknowledged is not None:
        counted_as = _office_day(arrived, day, ref)
        if day_number(record.acknowledged) <= counted_as:
            counts["K5w.same_day"] = 1
    if record.accepted is not None:
        counts["K11.n"] = 1
        limit = ref.clocks.status_days * DAY_US
        if record.moved is not None and record.moved - record.accepted <= limit:
            counts["K11.moved"] = 1
    return counts


def ack_band(record: DeliveryRecord, day: int, ref: Reference) -> str:
    """When it was acknowledged, seen from the day of arrival."""
    if record.acknowledged is None:
        return "K5.none"
    acknowledged = day_number(record.acknowledged)
    if acknowledged <= day:
        return "K5.same_day"
    return "K5.next_day" if acknowledged <= ref.next_working(day) else "K5.later"


def _office_day(arrived: int, day: int, ref: Reference) -> int:
    """The day on which an office sees it: the next working one after hours and on days off."""
    if not ref.works(day):
        return ref.next_working(day)
    until = ref.clocks.working_until
    end = midnight_of(day) + (until.hour * 60 + until.minute) * _MINUTE + until.second * 1_000_000
    return day if arrived <= end + until.microsecond else ref.next_working(day)


def recall_outcome(state: str) -> str:
    """The ``K7`` name of what became of a recall."""
    return _RECALLS.get(state, "K7.open")


_RECALLS = {
    "withdrawn": "K7.withdrawn",
    "not_addressed": "K7.withdrawn",
    "agreed": "K7.confirmed",
    "refused": "K7.refused",
}


class Tally:
    """Sums by key; what comes to nothing is not in it."""

    def __init__(self) -> None:
        self.rows: dict[Key, Counts] = {}

    def add(self, key: Key, counts: Mapping[str, int], sign: int = 1) -> None:
        """Add (or take away) what a record says; agencies outside are in no figure."""
        if key.level == OUTSIDE or not key.agency:
            return
        row = self.rows.setdefault(key, {})
        for name, number in counts.items():
            row[name] = row.get(name, 0) + sign * number

    def add_all(self, found: Iterable[tuple[Key, Mapping[str, int]]], sign: int = 1) -> None:
        """The same for several."""
        for key, counts in found:
            self.add(key, counts, sign)

    def changes(self) -> dict[Key, Counts]:
        """Rows in which something changed."""
        left = {key: {name: n for name, n in row.items() if n} for key, row in self.rows.items()}
        return {key: row for key, row in left.items() if row}
