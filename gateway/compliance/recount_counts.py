"""The recount: from the records of a log to counts of agencies over a period.

In charge of: every name of ``docs/figures.md``, counted again. Not in charge of: reading events
(``recount_events.py``), rates (``recount_rates.py``), comparing with a report (``recount.py``).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from gateway.compliance.recount_calendar import (
    DAY,
    HOUR,
    MINUTE,
    Limits,
    Outage,
    WorkingDays,
    day_of,
    is_excused,
    midnight,
)
from gateway.compliance.recount_events import Ledger
from gateway.compliance.recount_records import NO_DATE, Document, Recall

_RECALLS = {
    "withdrawn": "K7.withdrawn",
    "not_addressed": "K7.withdrawn",
    "agreed": "K7.confirmed",
    "refused": "K7.refused",
}
Found = defaultdict[tuple[str, str], Counter[str]]  # agency and level -> counts
_BEFORE_MIDNIGHT = 23 * HOUR + 59 * MINUTE


@dataclass(frozen=True, slots=True)
class Rules:
    """Which rules of findings make which clause fail (``schemas/rules/clauses.toml``)."""

    version: str = ""
    c1: frozenset[str] = frozenset()
    c3: frozenset[str] = frozenset()
    c7: frozenset[str] = frozenset()
    paper_too: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Frame:
    """What a count is made under: days from ``first`` to ``last``, ``end`` the instant of the data."""

    first: int
    last: int
    end: int
    days: WorkingDays
    limits: Limits
    rules: Rules

    def covers(self, day: int) -> bool:
        """True for the days of the period."""
        return self.first <= day <= self.last


@dataclass(frozen=True, slots=True)
class Counts:
    """Counts by agency and name, the same by level, and how long recalls took (minutes, sorted)."""

    by_agency: Mapping[str, Mapping[str, int]]
    by_level: Mapping[str, Mapping[str, int]]
    recall_minutes: Sequence[int] = field(default=())

    def recall_time(self, percent: int) -> int | None:
        """The nearest rank; ``None`` when nobody answered."""
        if not self.recall_minutes:
            return None
        rank = (percent * len(self.recall_minutes) + 99) // 100
        return self.recall_minutes[rank - 1]


def count(ledger: Ledger, frame: Frame) -> Counts:
    """All counts of the period, of every agency that has any."""
    outages = [Outage(*row) for row in ledger.reference.outages.values()]
    found: Found = defaultdict(Counter)
    for (day, agency, level, name), number in ledger.plain.items():
        if frame.covers(day):
            found[agency, level][name] += number
    for document in ledger.documents.values():
        if frame.covers(document.day) and ledger.is_counted(document.agency, document.level):
            found[document.agency, document.level].update(_of_document(ledger, document, frame, outages))
    _count_deliveries(ledger, frame, outages, found)
    minutes = _count_recalls(ledger, frame, found)
    return Counts(_summed(found, 0), _summed(found, 1), sorted(minutes))


def _summed(found: Found, part: int) -> dict[str, Counter[str]]:
    """By agency (0) or level (1)."""
    sums: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for key, names in found.items():
        sums[key[part]].update(names)
    return dict(sums)


# documents


@dataclass(frozen=True, slots=True)
class _Signing:
    """When a document was signed, and what that makes of it."""

    at: int = 0
    rough: bool = False
    qd28: bool = False
    nd30: bool = False
    in_time: bool = False  # at once, for what is urgent

    @property
    def known(self) -> bool:
        return self.at > 0


def _of_document(
    ledger: Ledger, document: Document, frame: Frame, outages: Sequence[Outage]
) -> Iterator[str]:
    if not document.sent:
        yield "D.held"
        return
    signing = _signing(document, frame)
    yield "D.sent"
    yield from _plain_names(ledger, document)
    yield from _names_of_signing(document, signing, frame, outages)
    state = document.signatures.state
    yield f"K2.{state}"
    unsigned = any(number not in document.signatures.sealed for number in range(1, document.pdfs))
    if unsigned:
        yield "K2.attachments_unsigned"
    outcomes = _clauses(document, signing, unsigned, frame.rules)
    yield from (f"{clause}.{outcome}" for clause, outcome in outcomes.items())
    whole = _whole(outcomes.values())
    yield f"K9.{whole}"
    if document.first and not document.held:
        if state == "both":
            yield "K2f.both"
        if whole == "pass":
            yield "K9f.pass"


def _plain_names(ledger: Ledger, document: Document) -> Iterator[str]:
    if document.replaces:
        yield "D.replace"
    if document.urgent:
        yield "D.urgent"
    for _ in range(ledger.deliveries.count_of(document.id)):
        yield "D.recipients"
    if document.metadata:
        yield "K10.full"
    if document.paper:
        yield "K12.paper"
    if document.paper_outside:
        yield "K12.outside"
    if document.series is not None and ledger.twins[document.series] > 1:
        yield "K14.number"


def _signing(document: Document, frame: Frame) -> _Signing:
    at, rough = document.signatures.signed_at, False
    if not at and document.promulgated != NO_DATE:
        at, rough = midnight(document.promulgated) + _BEFORE_MIDNIGHT, True
    if not at:
        return _Signing()
    at = min(at, document.at)
    start, end = _qd28_and_nd30(at, frame)
    in_time = document.at - at <= frame.limits.urgent
    return _Signing(at, rough, document.at <= start, document.at < end, in_time)


def _qd28_and_nd30(signed: int, frame: Frame) -> tuple[int, int]:
    """QĐ 28/2018 Đ6.2: until then, included; NĐ 30/2020 Đ18.1: before then."""
    begins = midnight(frame.days.after(day_of(signed)))
    return begins + frame.limits.morning_until, begins + DAY


def _names_of_signing(
    document: Document, signing: _Signing, frame: Frame, outages: Sequence[Outage]
) -> Iterator[str]:
    if not signing.known:
        yield "K3.unknown"
        return
    yield "K3.n"
    if signing.rough:
        yield "K3.rough"
    if not frame.days.works(day_of(signing.at)):
        yield "D.rest_day"
    qd28, nd30 = _qd28_and_nd30(signing.at, frame)
    for name, count_name, in_time, deadline in (
        ("qd28", "K3x.n", signing.qd28, qd28),
        ("nd30", "K3x.n30", signing.nd30, nd30),
    ):
        if in_time:
            yield from (f"K3.{name}", f"K3x.{name}", count_name)
        elif not is_excused(outages, document.agency, signing.at, deadline):
            yield count_name
    if document.urgent and not signing.rough:
        yield "K4.n"
        if signing.in_time:
            yield "K4.in_time"


def _clauses(document: Document, signing: _Signing, unsigned: bool, rules: Rules) -> dict[str, str]:
    signatures = document.signatures
    found = {*document.rules, *document.signature_rules}
    late = signing.known and not signing.qd28
    slow = document.urgent and signing.known and not signing.rough and not signing.in_time
    c5 = _outcome(signatures.state == "invalid" or signatures.changed, signatures.indeterminate)
    c4 = _outcome(signatures.state != "both" or unsigned, False)
    no_content = not document.files or not document.subject or bool(found & rules.c1)
    no_metadata = not document.metadata or document.misaddressed or bool(found & rules.c7)
    return {
        "C1": _outcome(no_content, document.unopened),
        "C2": _outcome(
            document.authority in ("not_listed", "prefix_not_allowed"),
            document.authority in ("no_list", "unregistered"),
        ),
        "C3": _outcome(bool(found & rules.c3), False),
        "C4": "unchecked" if signatures.state == "unchecked" else c4,
        "C5": c5 if signatures.any_at_all else "na",
        "C6": _outcome(late or slow, not signing.known),
        "C7": _outcome(no_metadata, False),
    }


def _outcome(fails: bool, unchecked: bool) -> str:
    return "fail" if fails else "unchecked" if unchecked else "pass"


def _whole(outcomes: object) -> str:
    found = set(outcomes)  # type: ignore[call-overload]
    return "fail" if "fail" in found else "unchecked" if "unchecked" in found else "pass"


# deliveries


def _count_deliveries(ledger: Ledger, frame: Frame, outages: Sequence[Outage], found: Found) -> None:
    all_ = ledger.deliveries
    begin, end = midnight(frame.first), midnight(frame.last + 1)
    for place in range(len(all_)):
        made, arrived = all_.made[place], all_.arrived[place]
        is_new, has_come = begin <= made < end, begin <= arrived < end
        if all_.ended[place] or not (is_new or has_come):
            continue
        agency, level = all_.names[all_.agency[place]], all_.names[all_.level[place]]
        if not ledger.is_counted(agency, level):
            continue
        if is_new:
            found[agency, level].update(_of_new(ledger, place, frame))
        if has_come:
            found[agency, level].update(_of_arrival(ledger, place, frame, outages))


def _of_new(ledger: Ledger, place: int, frame: Frame) -> Iterator[str]:
    """Counts on the day on which the R was made."""
    all_ = ledger.deliveries
    if all_.withdrawn[place] and not all_.arrived[place]:
        yield "R.excluded"
        return
    yield "R.n"
    if all_.refused[place]:
        yield "K6.refused"
        yield f"K6.{all_.refusal[place]}"
    if all_.overturned[place]:
        yield "K6.overturned"
    made, fetched = all_.made[place], all_.fetched[place] or all_.arrived[place]
    if not fetched:
        yield "K8.never"
        if frame.end - made < frame.limits.pull:
            yield "K8.young"
    elif fetched - made > frame.limits.pull:
        yield "K8.late"


def _of_arrival(ledger: Ledger, place: int, frame: Frame, outages: Sequence[Outage]) -> Iterator[str]:
    """Counts on the day of arrival."""
    all_ = ledger.deliveries
    arrived, answered = all_.arrived[place], all_.answered[place]
    day = day_of(arrived)
    yield "A.pulled"
    yield from _answer_names(ledger, place, day, frame, outages)
    if all_.system[place] and day_of(all_.system[place]) <= day:
        yield "K5.system"
    counts_as = day
    if not frame.days.works(day) or arrived - midnight(day) > frame.limits.working_until:
        counts_as = frame.days.after(day)
    if answered and day_of(answered) <= counts_as:
        yield "K5w.same_day"
    accepted, moved = all_.accepted[place], all_.moved[place]
    if accepted:
        yield "K11.n"
        if moved and moved - accepted <= frame.limits.status:
            yield "K11.moved"
        elif frame.end - accepted < frame.limits.status:
            yield "K11.young"


def _answer_names(
    ledger: Ledger, place: int, day: int, frame: Frame, outages: Sequence[Outage]
) -> Iterator[str]:
    all_ = ledger.deliveries
    arrived, answered = all_.arrived[place], all_.answered[place]
    yield "K5.n"
    if answered and day_of(answered) <= day:
        yield from ("K5.same_day", "K5x.same_day", "K5x.n")
        return
    if not answered:
        yield "K5.none"
    else:
        yield "K5.next_day" if day_of(answered) <= frame.days.after(day) else "K5.later"
    if not is_excused(outages, all_.names[all_.agency[place]], arrived, midnight(day + 1)):
        yield "K5x.n"


def _count_recalls(ledger: Ledger, frame: Frame, found: Found) -> list[int]:
    """Counts recalls; the minutes that the answered ones took."""
    minutes = []
    for recall in ledger.recalls.values():
        if frame.covers(day_of(recall.asked)) and ledger.is_counted(recall.agency, recall.level):
            found[recall.agency, recall.level].update(("K7.asked", _RECALLS.get(recall.state, "K7.open")))
            minutes += _minutes(recall)
    return minutes


def _minutes(recall: Recall) -> list[int]:
    return [(recall.answered - recall.asked) // MINUTE] if recall.answered else []


__all__ = ["Counts", "Frame", "Rules", "count"]
