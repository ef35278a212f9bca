"""Rows of the compliance figures: records as events made them so far, and counts by day.

In charge of: reading the rows that a batch touches, writing what became of them, sums. Rows are plain values
here. Not in charge of: what a state or a count means (``compliance/``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import orjson

from gateway.store import archive
from gateway.store.contract import Row, Tx, Value

RECORDS, EVENTS = "records", "events"
DOCUMENTS = "figure_documents_of_days"
DELIVERIES = "figure_deliveries_of_days"  # by the day on which they were made
ARRIVALS = "figure_arrivals_of_days"  # by the day on which they arrived
_TABLES = ("documents", "deliveries", "recalls", "firsts", "series", "outages", "rows")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far counting is. ``data_end``: the latest ``at`` among the counted leaves (microseconds)."""

    next_leaf: int
    data_end: int
    reference: str
    clock_seconds: int


@dataclass(slots=True)
class Change:
    """What one batch writes: parameters of the queries, and the counts as they are afterwards."""

    start: int
    end: int
    data_end: int
    reference: str
    documents: list[Mapping[str, Value]] = field(default_factory=list)
    deliveries: list[Mapping[str, Value]] = field(default_factory=list)
    recalls: list[Mapping[str, Value]] = field(default_factory=list)
    firsts: list[Mapping[str, Value]] = field(default_factory=list)
    series: list[Mapping[str, Value]] = field(default_factory=list)  # in the order of their days
    outages: list[Mapping[str, Value]] = field(default_factory=list)
    outages_over: list[Mapping[str, Value]] = field(default_factory=list)
    rows: list[Mapping[str, Value]] = field(default_factory=list)
    empty_rows: list[Mapping[str, Value]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a list of records goes on: after this one."""

    day: str = ""
    agency: str = ""
    document: str = ""


def progress(tx: Tx) -> Progress:
    """How far we are."""
    row = tx.one("figure_state")
    assert row is not None  # the migration wrote it
    return Progress(row["next_leaf"], row["data_end"], row["reference"], row["clock_seconds"])


def bodies(tx: Tx, start: int, limit: int) -> list[bytes]:
    """Bodies of the next leaves, in order."""
    archive.require_leaves(tx, start, start + limit)
    return [bytes(row["body"]) for row in tx.all("uncounted_leaves", next_leaf=start, limit=limit)]


def leaves_left(tx: Tx) -> int:
    """How many leaves are not counted yet."""
    row = tx.one("newest_leaf")
    newest = -1 if row is None or row["leaf"] is None else int(row["leaf"])
    return newest + 1 - progress(tx).next_leaf


def keyed(tx: Tx, query: str, name: str, keys: Iterable[object]) -> list[Row]:
    """Rows of some keys, given to the query as one JSON array; nothing is asked for none."""
    wanted = [list(key) if isinstance(key, tuple) else key for key in keys]
    return tx.all(query, **{name: orjson.dumps(wanted).decode()}) if wanted else []


def write(tx: Tx, change: Change) -> bool:
    """Write a batch. False: another process counted these leaves, or the reference data changed."""
    moved = tx.run(
        "move_figures",
        next_leaf=change.start,
        to_leaf=change.end,
        data_end=change.data_end,
        reference=change.reference,
    )
    if moved != 1:
        return False
    tx.many("put_figure_document", change.documents)
    tx.many("put_figure_delivery", change.deliveries)
    tx.many("put_figure_recall", change.recalls)
    tx.many("put_figure_first", change.firsts)
    tx.many("put_figure_series", change.series)
    tx.many("raise_figure_series", change.series)
    tx.many("put_figure_outage", change.outages)
    tx.many("drop_figure_outage", change.outages_over)
    tx.many("put_figure_row", change.rows)
    tx.many("drop_figure_row", change.empty_rows)
    return True


def outages(tx: Tx) -> list[Row]:
    """Outages that count: outage, agency, from_at, to_at."""
    return tx.all("figure_outages")


def set_reference(tx: Tx, start: int, reference: str, clock_seconds: int) -> bool:
    """The tables stand for it from now on. False: they moved on meanwhile."""
    moved = tx.run("set_figure_reference", next_leaf=start, reference=reference, clock_seconds=clock_seconds)
    return moved == 1


def replace_records(tx: Tx, from_day: str, to_day: str, rows: Sequence[Mapping[str, Value]]) -> None:
    """The counts of records of some days, made anew."""
    tx.run("drop_figure_records", from_day=from_day, to_day=to_day)
    tx.many("put_figure_row", rows)


def forget(tx: Tx) -> None:
    """Everything is to be counted anew, from the first leaf. ``Archived`` when some are away."""
    archive.require_leaves(tx, 0, None)
    for table in _TABLES:
        tx.run(f"forget_figure_{table}")
    tx.run("restart_figures")


def days(tx: Tx) -> tuple[str, str] | None:
    """The first and the last day that records count on; ``None`` without records."""
    row = tx.one("figure_days")
    return None if row is None or row["first"] is None else (row["first"], row["last"])


def counts(tx: Tx, from_day: str, to_day: str, agency: str = "") -> list[Row]:
    """Rows (agency, level, counts as JSON) of a period, of one agency or all."""
    return tx.all("figure_counts", from_day=from_day, to_day=to_day, agency=agency)


def counts_by_day(tx: Tx, from_day: str, to_day: str, agency: str = "") -> list[Row]:
    """The same with their days."""
    return tx.all("figure_counts_by_day", from_day=from_day, to_day=to_day, agency=agency)


def young(tx: Tx, query: str, from_day: str, to_day: str, since: int) -> list[Row]:
    """Rows (recipient, level, day, number) of what is still in its time."""
    return tx.all(query, from_day=from_day, to_day=to_day, since=since)


def records(
    tx: Tx, query: str, from_day: str, to_day: str, agency: str, level: str, after: Place, limit: int
) -> list[Row]:
    """Records of some days, in order, after a place."""
    return tx.all(
        query,
        from_day=from_day,
        to_day=to_day,
        agency=agency,
        level=level,
        after_day=after.day,
        after_agency=after.agency,
        after_document=after.document,
        limit=limit,
    )


def recalls(tx: Tx, from_day: str, to_day: str, agency: str = "") -> list[Row]:
    """Recalls asked in a period."""
    return tx.all("figure_recalls_of_days", from_day=from_day, to_day=to_day, agency=agency)


def series(tx: Tx, from_day: str, to_day: str) -> dict[str, int]:
    """Sender -> by how much its number series grew in a period, of the years that it touches."""
    years = {"from_year": int(from_day[:4]), "to_year": int(to_day[:4])}
    rows = tx.all("figure_series_of_days", from_day=from_day, to_day=to_day, **years)
    return {row["sender"]: int(row["grown"]) for row in rows if row["grown"]}


def place_of(row: Row) -> Place:
    """Where to go on after a record."""
    agency = row["sender" if "sender" in row.keys() else "recipient"]  # noqa: SIM118  (a row is no dict)
    return Place(row["day"], agency, row["document"])
