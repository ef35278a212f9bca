"""From a figure to the documents and deliveries behind it, each with why it counts there.

In charge of: lists of records by a name of ``docs/figures.md``, page by page. Not in charge of: sums
(``sums.py``), the documents themselves (``flow/look.py``).

A record counts under a name exactly when ``contributions`` says so: lists and sums cannot disagree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from gateway.clock import to_rfc3339
from gateway.compliance.clauses import judge_clauses
from gateway.compliance.contributions import (
    OUTSIDE,
    Counts,
    Reference,
    of_delivery,
    of_document,
    recall_outcome,
    timeliness,
)
from gateway.compliance.facts import DeliveryRecord, DocumentRecord, load_delivery, load_document
from gateway.compliance.reference import reference
from gateway.compliance.sums import DAY, HOUR, excluded
from gateway.model.text import AgencyCode
from gateway.services import Services
from gateway.store import figures
from gateway.store.contract import Row, Tx
from gateway.store.figures import ARRIVALS, DELIVERIES, DOCUMENTS, Place

SCANNED = 20_000  # records looked at for one page; a longer search goes on with the next page
_CHUNK = 500
_BY_ARRIVAL = ("A.", "K5", "K11")  # names that count on the day of arrival


@dataclass(frozen=True, slots=True)
class Found:
    """One record under a name. ``id`` is the gateway's id of the document; ``evidence`` is short and stable
    (``kind:value``)."""

    id: str
    document_id: str
    agency: AgencyCode
    level: str
    day: str
    outcome: tuple[str, ...]  # every name that it counts under
    evidence: tuple[str, ...]
    cursor: str


@dataclass(frozen=True, slots=True)
class Page:
    """Some of them; ``cursor`` is ``""`` when there are no more."""

    rows: tuple[Found, ...]
    cursor: str


async def documents(
    gw: Services,
    measure: str,
    *,
    agency: str = "",
    level: str = "",
    from_: date,
    to: date,
    limit: int = 100,
    after: str = "",
) -> Page:
    """D of the period that count under a name (``K2.none``, ``C4.fail`` …), in order of day and sender;
    ``K3.n-K3.qd28``: under the first and not under the second."""

    def unit(tx: Tx) -> Page:
        ref = reference(tx, gw)
        search = _Search(gw, DOCUMENTS, from_, to, agency, level, limit, after)
        return search.run(tx, lambda row: _document(row, measure, ref))

    return await gw.store.read(unit)


async def deliveries(
    gw: Services,
    measure: str,
    *,
    agency: str = "",
    level: str = "",
    from_: date,
    to: date,
    limit: int = 100,
    after: str = "",
) -> Page:
    """R of the period that count under a name (``K5.none``, ``K8.never`` …); recalls for ``K7.*``."""

    def unit(tx: Tx) -> Page:
        if measure.startswith("K7."):
            return _recalls(tx, gw, measure, from_, to, agency, level, limit, after)
        ref, end = reference(tx, gw), figures.progress(tx).data_end
        query = ARRIVALS if measure.startswith(_BY_ARRIVAL) else DELIVERIES
        search = _Search(gw, query, from_, to, agency, level, limit, after)
        return search.run(tx, lambda row: _delivery(row, measure, ref, end))

    return await gw.store.read(unit)


@dataclass(frozen=True, slots=True)
class _Search:
    gw: Services
    query: str
    from_: date
    to: date
    agency: str
    level: str
    limit: int
    after: str

    def run(self, tx: Tx, read: Callable[[Row], Found | None]) -> Page:
        """Look through the records until the page is full, or enough were looked at."""
        found: list[Found] = []
        for seen, row in enumerate(self._rows(tx), 1):
            if (one := read(row)) is not None:
                found.append(one)
            if len(found) == self.limit or seen == SCANNED:
                return Page(tuple(found), _cursor(row))
        return Page(tuple(found), "")

    def _rows(self, tx: Tx) -> Iterator[Row]:
        out, place = excluded(self.gw), _place(self.after)
        span = (self.from_.isoformat(), self.to.isoformat())
        while True:
            rows = figures.records(tx, self.query, *span, self.agency, self.level, place, _CHUNK)
            for row in rows:
                if row["level"] != OUTSIDE and figures.place_of(row).agency not in out:
                    yield row
            if len(rows) < _CHUNK:
                return
            place = figures.place_of(rows[-1])


def _document(row: Row, measure: str, ref: Reference) -> Found | None:
    record = load_document(row["state"])
    _, counts = of_document(record, ref)
    if not _counts_under(measure, counts):
        return None
    evidence = _document_evidence(record, measure, ref)
    return _row(row, record.document_id, record.sender, counts, evidence)


def _document_evidence(record: DocumentRecord, measure: str, ref: Reference) -> tuple[str, ...]:
    """What the clauses rest on (those of the measure, or all for K9), and the signing time."""
    when = timeliness(record, ref)
    wanted = measure.split(".")[0]
    told = [
        f"{clause.value}:{evidence}"
        for clause, result in judge_clauses(record, when, ref.rules).items()
        if wanted in (clause.value, "K9", "K9f", "D")
        for evidence in result.evidence
    ]
    if when.signed is not None:
        told.append(f"signed:{to_rfc3339(when.signed)}")
    told.append(f"sent:{to_rfc3339(record.at)}")
    return tuple(told)


def _delivery(row: Row, measure: str, ref: Reference, end: int) -> Found | None:
    record = load_delivery(row["document"], row["recipient"], row["state"])
    counts: Counts = {}
    for key, found in of_delivery(record, ref):
        if key.agency == record.recipient and key.day == row["day"]:
            counts |= found
    counts |= young(record, ref, end)
    if not _counts_under(measure, counts):
        return None
    return _row(row, "", record.recipient, counts, tuple(_moments(record)))


def _counts_under(measure: str, counts: Counts) -> bool:
    name, _, less = measure.partition("-")
    return name in counts and less not in counts


def young(record: DeliveryRecord, ref: Reference, end: int) -> Counts:
    """``K8.young`` and ``K11.young`` as of the data end."""
    found: Counts = {}
    if not record.counts or record.excluded or record.made is None:
        return found
    if record.fetched is None and end - record.made < ref.clocks.pull_hours * HOUR:
        found["K8.young"] = 1
    accepted = record.accepted if record.arrived is not None and record.moved is None else None
    if accepted is not None and end - accepted < ref.clocks.status_days * DAY:
        found["K11.young"] = 1
    return found


def _moments(record: DeliveryRecord) -> Iterable[str]:
    for name in ("made", "fetched", "arrived", "system", "acknowledged", "refused", "accepted", "moved"):
        if (at := getattr(record, name)) is not None:
            yield f"{name}:{to_rfc3339(at)}"
    if record.refusal:
        yield f"refusal:{record.refusal}"


def _recalls(
    tx: Tx,
    gw: Services,
    measure: str,
    from_: date,
    to: date,
    agency: str,
    level: str,
    limit: int,
    after: str,
) -> Page:
    out, found = excluded(gw), []
    for row in figures.recalls(tx, from_.isoformat(), to.isoformat(), agency):
        name = recall_outcome(row["state"])
        cursor = "|".join((row["day"], row["recipient"], row["message"]))
        if measure not in ("K7.asked", name) or cursor <= after or row["recipient"] in out:
            continue
        if row["level"] == OUTSIDE or (level and row["level"] != level):
            continue
        told = [f"asked:{to_rfc3339(row['asked_at'])}"]
        if row["answered_at"] is not None:
            told.append(f"answered:{to_rfc3339(row['answered_at'])}")
        names = ("K7.asked", name)
        code = AgencyCode(row["recipient"])
        found.append(Found(row["document"], "", code, row["level"], row["day"], names, tuple(told), cursor))
    return Page(tuple(found[:limit]), found[limit - 1].cursor if len(found) > limit else "")


def _row(row: Row, document_id: str, agency: str, counts: Counts, evidence: tuple[str, ...]) -> Found:
    names = tuple(sorted(counts))
    code = AgencyCode(agency)
    return Found(row["document"], document_id, code, row["level"], row["day"], names, evidence, _cursor(row))


def _cursor(row: Row) -> str:
    place = figures.place_of(row)
    return "|".join((place.day, place.agency, place.document))


def _place(cursor: str) -> Place:
    """Where a cursor points; nonsense begins anew."""
    parts = cursor.split("|")
    return Place(*parts) if len(parts) == 3 else Place()
