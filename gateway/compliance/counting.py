"""The figures kept: new leaves counted as they come, and all records counted anew when reference data change.

In charge of: which leaves and records, in which batches; the tables stand for the first ``next_leaf`` leaves
of the log and for one version of the reference data. Not in charge of: what counts (``folding.py``,
``contributions.py``), when (``delivery/figures.py``), reading the counts (``sums.py``).

A batch is worked out on a reader and written in one short transaction, which does nothing when somebody else
counted the same leaves. Counting again with new reference data goes by days; the counting of leaves waits.
"""

from __future__ import annotations

import gc
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta

import orjson

from gateway.compliance.contributions import (
    Counts,
    Key,
    Reference,
    Tally,
    day_number,
    iso,
    of_delivery,
    of_document,
)
from gateway.compliance.drilling import deliveries, documents
from gateway.compliance.facts import (
    DeliveryRecord,
    DocumentRecord,
    dump_delivery,
    dump_document,
    load_delivery,
    load_document,
)
from gateway.compliance.folding import Fold
from gateway.compliance.reference import fingerprint, outages_of, reference
from gateway.compliance.sums import DataAsOf, as_of, sums
from gateway.compliance.touched import RecallRecord, Records, Wanted, looked_at, wanted
from gateway.services import Services
from gateway.store import figures
from gateway.store.contract import Row, Tx, Value
from gateway.store.figures import ARRIVALS, DELIVERIES, DOCUMENTS, EVENTS, RECORDS, Change, Place, Progress

BATCH = 5_000  # leaves of one transaction
PAGE = 5_000  # records read at a time
WINDOW = timedelta(days=7)  # days of one transaction when counting again
Params = dict[str, Value]


async def catch_up(gw: Services) -> int:
    """Count everything that the log holds now; how many leaves that were."""
    counted = 0
    await renew(gw)
    while new := await count(gw):
        counted += new
        await renew(gw)
    return counted


async def count(gw: Services, limit: int = BATCH) -> int:
    """Count the next leaves; how many they were. 0 also when another process was first, or when reference
    data changed (``renew``)."""
    if await gw.store.read(figures.leaves_left) == 0:
        return 0
    change = await gw.store.read(lambda tx: _work(tx, gw, limit))
    if change is None or not await gw.store.write(lambda tx: figures.write(tx, change)):
        return 0
    return change.end - change.start


async def renew(gw: Services) -> bool:
    """Count the records again if the reference data are others than the tables stand for. True: it did."""
    ref, had = await gw.store.read(lambda tx: (reference(tx, gw), figures.progress(tx)))
    name = fingerprint(ref)
    if had.reference == name:
        return False
    seconds = ref.clocks.clock_seconds
    if had.reference and had.clock_seconds != seconds:
        await gw.store.write(figures.forget)  # counts of single events hang on it
        had = Progress(0, 0, "", 0)
    elif had.reference:
        await _count_records_again(gw, ref)
    return await gw.store.write(lambda tx: figures.set_reference(tx, had.next_leaf, name, seconds))


async def rebuild(gw: Services) -> int:
    """Count everything anew from the first leaf."""
    await gw.store.write(figures.forget)
    return await catch_up(gw)


# ---- a batch of leaves


def _work(tx: Tx, gw: Services, limit: int) -> Change | None:
    """What the next leaves change; ``None`` when the tables stand for other reference data."""
    had, ref = figures.progress(tx), reference(tx, gw)
    if had.reference != fingerprint(ref):
        return None
    bodies = figures.bodies(tx, had.next_leaf, limit)
    with _no_collection():
        events = looked_at(bodies)
        fold = Fold(_load(tx, wanted(events)), ref)
        fold.run(events)
    end = max([had.data_end, *map(_at, bodies)])
    change = Change(had.next_leaf, had.next_leaf + len(bodies), end, had.reference)
    _describe(fold, change)
    for part, tally in ((RECORDS, fold.of_records), (EVENTS, fold.of_events)):
        _add_rows(tx, part, tally.changes(), change)
    return change


def _at(body: bytes) -> int:
    """The instant of an event, as a rule without reading the rest of it."""
    found = _AT.findall(body)
    return int(found[0]) if len(found) == 1 else int(orjson.loads(body)["at"])


_AT = re.compile(rb'"at":(\d+)')


@contextmanager
def _no_collection() -> Iterator[None]:
    """Thousands of events are read at once and none of them is garbage: looking for some costs a third."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _load(tx: Tx, keys: Wanted) -> Records:
    """The records of a batch as they are stored."""
    records = Records()
    rows = figures.keyed(tx, "figure_documents", "documents", keys.documents)
    for row in figures.keyed(tx, "figure_documents_by_number", "numbers", keys.numbers):
        records.numbers.setdefault(row["number_key"], set()).add(row["document"])
        rows.append(row)
    records.documents = {row["document"]: load_document(row["state"]) for row in rows}
    for row in figures.keyed(tx, "figure_deliveries", "pairs", keys.deliveries):
        record = load_delivery(row["document"], row["recipient"], row["state"])
        records.deliveries[row["document"], row["recipient"]] = record
    new = keys.made - records.documents.keys()
    for row in figures.keyed(tx, "figure_deliveries_of", "documents", new):
        records.made_before[row["document"]] = int(row["deliveries"])
    for row in figures.keyed(tx, "figure_recalls", "pairs", keys.recalls):
        records.recalls[row["message"], row["recipient"]] = _recall(row)
    firsts = figures.keyed(tx, "figure_firsts", "pairs", keys.firsts)
    records.firsts = {(row["sender"], row["document_id"]) for row in firsts}
    records.outages = outages_of(figures.outages(tx))
    return records


def _recall(row: Row) -> RecallRecord:
    return RecallRecord(
        row["message"],
        row["recipient"],
        row["level"],
        row["document"],
        row["asked_at"],
        row["state"],
        row["answered_at"],
    )


def _describe(fold: Fold, change: Change) -> None:
    """The changed records as rows."""
    records = fold.records
    change.documents = [_document_row(records.documents[one]) for one in sorted(fold.changed_documents)]
    change.deliveries = [_delivery_row(records.deliveries[one]) for one in sorted(fold.changed_deliveries)]
    change.recalls = [_recall_row(records.recalls[one]) for one in sorted(fold.changed_recalls)]
    firsts = sorted(fold.new_firsts)
    change.firsts = [{"sender": sender, "document_id": named} for sender, named in firsts]
    made = sorted(fold.made, key=lambda record: record.at)
    change.series = [row for record in made if (row := _series_row(record))]
    for outage in sorted(fold.changed_outages):
        found = records.outages.get(outage)
        if found is None:
            change.outages_over.append({"outage": outage})
        else:
            told: Params = {"agency": found.agency, "from_at": found.from_at, "to_at": found.to_at}
            change.outages.append({"outage": outage, **told})


def _document_row(record: DocumentRecord) -> Params:
    return {
        "document": record.id,
        "day": iso(day_number(record.at)),
        "sender": record.sender,
        "level": record.level,
        "number_key": record.number_key,
        "state": dump_document(record).decode(),
    }


def _delivery_row(record: DeliveryRecord) -> Params:
    """Statuses without an R have no day."""
    counts = record.counts and not record.excluded
    arrived = record.arrived if record.counts else None
    unmoved = record.accepted if counts and arrived is not None and record.moved is None else None
    return {
        "document": record.document,
        "recipient": record.recipient,
        "level": record.level,
        "day": "" if record.made is None else iso(day_number(record.made)),
        "arrived_day": "" if arrived is None else iso(day_number(arrived)),
        "unfetched_since": record.made if counts and record.fetched is None else None,
        "unmoved_since": unmoved,
        "state": dump_delivery(record).decode(),
    }


def _recall_row(record: RecallRecord) -> Params:
    return {
        "message": record.message,
        "recipient": record.recipient,
        "level": record.level,
        "document": record.document,
        "day": iso(day_number(record.asked)),
        "asked_at": record.asked,
        "state": record.state,
        "answered_at": record.answered,
    }


def _series_row(record: DocumentRecord) -> Params | None:
    """A number that is digits alone takes part in its sender's series of the year (NĐ 30/2020 Đ15.1)."""
    day = record.promulgation_date
    if day is None or not (record.number.isascii() and record.number.isdigit()) or len(record.number) > 9:
        return None
    return {
        "sender": record.sender,
        "year": day.year,
        "type_name": record.type_name,
        "day": iso(day_number(record.at)),
        "highest": int(record.number),
    }


def _add_rows(tx: Tx, part: str, changes: dict[Key, Counts], change: Change) -> None:
    """The counts as they are with these changes."""
    rows = figures.keyed(tx, "figure_rows", "keys", changes)
    had = {
        Key(row["day"], row["agency"], row["level"]): orjson.loads(row["counts"])
        for row in rows
        if row["part"] == part
    }
    for key, counts in changes.items():
        now = had.get(key, {})
        for name, number in counts.items():
            now[name] = now.get(name, 0) + number
        left = {name: number for name, number in now.items() if number}
        if left:
            change.rows.append(_row(key, part, left))
        else:
            change.empty_rows.append({**key._asdict(), "part": part})


def _row(key: Key, part: str, counts: Counts) -> Params:
    text = orjson.dumps(counts, option=orjson.OPT_SORT_KEYS).decode()
    return {**key._asdict(), "part": part, "counts": text}


# ---- all records again


async def _count_records_again(gw: Services, ref: Reference) -> None:
    span = await gw.store.read(figures.days)
    if span is None:
        return
    first, last = (date.fromisoformat(day) for day in span)
    while first <= last:
        begin, end = first.isoformat(), (first + WINDOW - timedelta(days=1)).isoformat()
        tally = Tally()
        for query in (DOCUMENTS, DELIVERIES, ARRIVALS):
            await _take(gw, ref, query, (begin, end), tally)
        rows = [_row(key, RECORDS, counts) for key, counts in tally.changes().items()]
        await gw.store.write(lambda tx: figures.replace_records(tx, begin, end, rows))  # noqa: B023
        first += WINDOW


async def _take(gw: Services, ref: Reference, query: str, span: tuple[str, str], tally: Tally) -> None:
    """Count the records that a query gives for these days, page by page."""
    place = Place()
    while True:
        rows = await gw.store.read(
            lambda tx: figures.records(tx, query, *span, agency="", level="", after=place, limit=PAGE)  # noqa: B023
        )
        for row in rows:
            tally.add_all(_found(query, row, ref))
        if len(rows) < PAGE:
            return
        place = figures.place_of(rows[-1])


def _found(query: str, row: Row, ref: Reference) -> Iterable[tuple[Key, Counts]]:
    """What a record adds to the day under which the query gave it."""
    if query == DOCUMENTS:
        return [of_document(load_document(row["state"]), ref)]
    record = load_delivery(row["document"], row["recipient"], row["state"])
    arrivals = query == ARRIVALS
    return [found for found in of_delivery(record, ref) if ("A.pulled" in found[1]) == arrivals]


__all__ = [
    "DataAsOf",
    "as_of",
    "catch_up",
    "count",
    "deliveries",
    "documents",
    "rebuild",
    "renew",
    "sums",
]
