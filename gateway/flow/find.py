"""Finding documents: by number, notation, subject, agency, days, status, verdict, levels, reason.

In charge of: what a search may ask, which index leads it, how far one page looks, and who sees what of the
result. Not in charge of: terms (``terms.py``), saved searches (``searches.py``), one document
(``look_document.py``).

The rarest condition leads along its index, newest first; the others are asked about a stretch of documents at
a time. One page looks at ``SCANNED`` documents at most: a longer search goes on with the next page, so no
search takes longer than that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date, datetime, timedelta
from typing import Any

import orjson

from gateway.clock import VIETNAM, from_datetime
from gateway.errors import NotPermitted
from gateway.flow import footprints, terms
from gateway.flow.door import Caller
from gateway.flow.look import SEES_ALL
from gateway.model.delivery import State
from gateway.model.text import AgencyCode, Bilingual, Instant
from gateway.services import Services
from gateway.store import searches
from gateway.store.contract import Row, Tx, Value

PAGE = 50
SCANNED = 10_000  # documents that one page looks at
STRETCH = 500
COUNTED = 2_000  # entries of an index beyond which it is not counted further
LAST_ID = "g"  # behind every id
MOST_OWN = 20  # agencies of a clerk that lead a search each by its own index


@dataclass(frozen=True, slots=True)
class Sought:
    """What a search asks; "" asks nothing. Agencies are canonical codes, days ISO."""

    subject: str = ""
    number: str = ""
    notation: str = ""
    sender: str = ""
    recipient: str = ""
    from_day: str = ""
    to_day: str = ""
    state: str = ""
    status: str = ""
    verdict: str = ""
    levels: str = ""  # "province>commune"
    reason: str = ""

    @classmethod
    def of(cls, given: Mapping[str, str]) -> Sought:
        """From the fields of a form or a saved search; others are left out."""
        return cls(**{name: str(given.get(name, "")).strip()[:200] for name in NAMES})

    def as_query(self) -> dict[str, str]:
        """The fields that ask something."""
        return {name: value for name in NAMES if (value := getattr(self, name))}

    @property
    def asks_nothing(self) -> bool:
        """True for a search that finds everything."""
        return not self.as_query()


NAMES = tuple(one.name for one in fields(Sought))


@dataclass(frozen=True, slots=True)
class Outlook:
    """How many deliveries of a document stand where; of one alone its recipient."""

    state: str
    status: str
    deliveries: int
    recipient: AgencyCode


@dataclass(frozen=True, slots=True)
class Line:
    """One document of a list. A recipient is shown its own deliveries only."""

    id: str
    sender: AgencyCode
    document_id: str
    kind: str
    decision: str
    urgency: int
    created_at: Instant
    header: dict[str, Any]
    subject: str
    verdict: str
    outlook: tuple[Outlook, ...]

    @property
    def deliveries(self) -> int:
        """How many it has."""
        return sum(one.deliveries for one in self.outlook)


@dataclass(frozen=True, slots=True)
class Found:
    """A page of a list. ``cursor``: where the next one begins, "" at the end; ``more_to_look``: it ended
    because enough was looked at."""

    lines: tuple[Line, ...]
    cursor: str
    more_to_look: bool = False


@dataclass(frozen=True, slots=True)
class _Condition:
    """Something that is asked of a document. ``leads``: indexes along which it is found, with their keys."""

    index: str
    key: Mapping[str, Value]
    leads: tuple[tuple[str, Mapping[str, Value]], ...] = ()


@dataclass(slots=True)
class _Search:
    """One search of one person. ``own``: the agencies that bound what is seen, or None."""

    sought: Sought
    own: frozenset[AgencyCode] | None
    limit: int
    since: str = ""
    until: str = LAST_ID
    conditions: list[_Condition] = field(default_factory=list)
    looked: int = 0


async def find_documents(
    gw: Services, caller: Caller, sought: Sought, after: str = "", limit: int = PAGE
) -> Found:
    """Documents that all of it is true of, newest first. A clerk finds what its agencies sent or have.

    Recorded with what was asked. ``NotPermitted`` for somebody of no agency who may not see all.
    """
    if caller.role not in SEES_ALL and not caller.agencies:
        raise NotPermitted(code="documents.not_yours")
    await terms.write_waiting(gw)
    own = None if caller.role in SEES_ALL else caller.agencies
    search = _Search(sought, own, limit, conditions=list(_conditions(sought)))
    if after:
        search.until = after
    found = await gw.store.read(lambda tx: _find(tx, search))
    asked = sought.as_query() | {"after": after}
    await footprints.viewed(gw, caller, "documents", searched=asked, found=len(found.lines))
    return found


def _conditions(sought: Sought) -> Iterator[_Condition]:
    wanted = [terms.SUBJECT + word for word in terms.words_of(sought.subject)]
    if sought.number:
        wanted.append(terms.number_term(sought.number))
    wanted += terms.notation_terms(sought.notation)
    if sought.verdict:
        wanted.append(terms.VERDICT + sought.verdict)
    if sought.levels:
        wanted.append(terms.LEVELS + sought.levels)
    for term in wanted:
        yield _Condition("by_term", {"term": term}, (("by_term", {"term": term}),))
    if sought.sender:
        key = {"sender": sought.sender}
        yield _Condition("by_sender", key, (("by_sender", key),))
    said = {name: getattr(sought, name) for name in ("recipient", "state", "status", "reason")}
    if any(said.values()):
        leads = tuple((f"by_{name}", {name: value}) for name, value in said.items() if value)
        yield _Condition("by_delivery", said, leads)


def _bound(tx: Tx, search: _Search) -> None:
    """Days as ids: those of one gateway are made in the order of time."""
    if first := _start(search.sought.from_day):
        search.since = searches.first_from(tx, first) or LAST_ID
    if end := _start(search.sought.to_day, 1):
        search.until = min(search.until, searches.first_from(tx, end) or LAST_ID)


def _find(tx: Tx, search: _Search) -> Found:
    _bound(tx, search)
    ids: list[str] = []
    place, over = search.until, False
    lead = _lead(tx, search)
    while len(ids) <= search.limit and search.looked < SCANNED and not over:
        stretch = _stretch(tx, search, lead, place)
        over = len(stretch) < STRETCH
        if stretch:
            place = stretch[-1]
        search.looked += len(stretch)
        ids += _true_of(tx, search, stretch)
    shown = ids[: search.limit]
    if len(ids) > search.limit:
        cursor, more = shown[-1], False
    else:
        cursor, more = ("", False) if over else (place, True)
    return Found(tuple(_lines(tx, search, shown)), cursor, more)


def _lead(tx: Tx, search: _Search) -> list[tuple[str, Mapping[str, Value]]]:
    """The index that is shortest: usually one; for a clerk without conditions those of its agencies."""
    leads = [one for condition in search.conditions for one in condition.leads]
    if not leads and search.own is not None and len(search.own) <= MOST_OWN:
        return [lead for code in sorted(search.own) for lead in _own_leads(code)]
    counted = [
        (len(searches.along(tx, *one, search.until, search.since, COUNTED)), number)
        for number, one in enumerate(leads)
    ]
    return [leads[min(counted)[1]]] if counted else [("all", {})]


def _own_leads(code: AgencyCode) -> tuple[tuple[str, Mapping[str, Value]], ...]:
    return ("by_sender", {"sender": code}), ("by_recipient", {"recipient": code})


def _stretch(
    tx: Tx, search: _Search, leads: Sequence[tuple[str, Mapping[str, Value]]], before: str
) -> list[str]:
    """The next documents along the leading indexes."""
    found: set[str] = set()
    for index, key in leads:
        found.update(searches.along(tx, index, key, before, search.since, STRETCH))
    return sorted(found, reverse=True)[:STRETCH]


def _true_of(tx: Tx, search: _Search, documents: list[str]) -> list[str]:
    """Those that every condition is true of and the person may see."""
    left = documents
    for condition in search.conditions:
        if not left:
            return []
        true = _seen(tx, search, condition, left)
        left = [one for one in left if one in true]
    if search.own is None or not left:
        return left
    seen = {one for code in search.own for one in searches.among(tx, "seen_by", {"agency": code}, left)}
    return [one for one in left if one in seen]


def _seen(tx: Tx, search: _Search, condition: _Condition, documents: list[str]) -> set[str]:
    """Of which documents the condition is true, as far as the person may know: of what others sent, it knows
    its own deliveries only."""
    true = searches.among(tx, condition.index, condition.key, documents)
    if search.own is None or condition.index != "by_delivery" or not true:
        return true
    left = sorted(true)
    known = {one for code in search.own for one in searches.among(tx, "by_sender", {"sender": code}, left)}
    for code in search.own:
        if condition.key["recipient"] in ("", code):
            known |= searches.among(tx, "by_delivery", {**condition.key, "recipient": code}, left)
    return known


def _lines(tx: Tx, search: _Search, documents: Sequence[str]) -> Iterator[Line]:
    verdicts = {row["document"]: row["term"][2:] for row in searches.described(tx, "terms", documents)}
    outlooks = _outlooks(searches.described(tx, "deliveries", documents))
    for row in searches.described(tx, "documents", documents):
        theirs = search.own is None or row["sender"] in search.own
        yield _line(row, verdicts.get(row["id"], ""), outlooks.get(row["id"], ()) if theirs else ())


def _outlooks(rows: Sequence[Row]) -> dict[str, tuple[Outlook, ...]]:
    found: dict[str, list[Outlook]] = {}
    for row in rows:
        one = Outlook(row["state"], row["status_code"], row["deliveries"], AgencyCode(row["recipient"]))
        found.setdefault(row["document"], []).append(one)
    return {document: tuple(several) for document, several in found.items()}


def _line(row: Row, verdict: str, outlook: tuple[Outlook, ...]) -> Line:
    return Line(
        id=row["id"],
        sender=AgencyCode(row["sender"]),
        document_id=row["document_id"],
        kind=row["kind"],
        decision=row["decision"],
        urgency=row["urgency"],
        created_at=row["created_at"],
        header=orjson.loads(row["header"]),
        subject=row["subject"] or "",
        verdict=verdict,
        outlook=outlook,
    )


def _start(text: str, later: int = 0) -> Instant | None:
    """When an ISO day (or one ``later``) begins in Vietnam; ``None`` for what is no day."""
    try:
        day = date.fromisoformat(text) + timedelta(days=later)
    except (ValueError, OverflowError):
        return None
    return from_datetime(datetime(day.year, day.month, day.day, tzinfo=VIETNAM))


STATES = {
    State.QUEUED.value: Bilingual("Chờ gửi", "Waiting"),
    State.HELD.value: Bilingual("Tạm giữ", "Held"),
    State.DELIVERED.value: Bilingual("Đã gửi đến", "Delivered"),
    State.REJECTED.value: Bilingual("Không cho gửi", "Rejected"),
    State.DEAD.value: Bilingual("Không gửi được", "Dead letter"),
    State.CANCELLED.value: Bilingual("Đã rút, không gửi", "Cancelled"),
    State.RECALLED.value: Bilingual("Đã thu hồi", "Recalled"),
}
VERDICTS = {
    terms.PASSED: Bilingual("Hợp lệ", "Valid"),
    terms.FAILED: Bilingual("Không hợp lệ", "Not valid"),
    terms.UNSURE: Bilingual("Chưa đủ căn cứ kết luận", "Undecided"),
    terms.UNSIGNED: Bilingual("Không có chữ ký số", "No signature"),
}
