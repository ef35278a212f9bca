"""Rows of the conservation ledger: what events say of deliveries, and where the delivery table disagrees.

In charge of: adding counts, reading them by day, comparing stretches of deliveries, remembering differences.
Not in charge of: reading events and the equation (``flow/conservation.py``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from gateway.model.conservation import STATES, DayKey, Entered, OfDelivery, Succession, Totals
from gateway.model.text import AgencyCode, Instant
from gateway.store import archive
from gateway.store.contract import Row, Tx

LAST = "~"  # after every id


@dataclass(frozen=True, slots=True)
class Progress:
    """How far counting and comparing are. ``whole_at``: when all deliveries had been compared."""

    next_leaf: int
    compared_to: str
    whole_at: Instant | None


@dataclass(frozen=True, slots=True)
class Difference:
    """A delivery whose events and row do not agree. States are words, as ``queued`` or ``queued+dead``."""

    delivery: str
    document: str
    events_say: str
    row_says: str
    found_at: Instant
    event: str = ""


@dataclass(frozen=True, slots=True)
class Suspect:
    """The same before it is known whether the row is only ahead of what was counted."""

    delivery: str
    document: str
    events_say: str
    row_says: str


def progress(tx: Tx) -> Progress:
    """How far we are."""
    row = tx.one("conservation_state")
    assert row is not None  # the migration wrote it
    return Progress(row["next_leaf"], row["compared_to"], row["whole_at"])


def bodies(tx: Tx, next_leaf: int, limit: int) -> list[bytes]:
    """Bodies of the next leaves, in order."""
    archive.require_leaves(tx, next_leaf, next_leaf + limit)
    return [bytes(row["body"]) for row in tx.all("uncounted_leaves", next_leaf=next_leaf, limit=limit)]


def leaves_left(tx: Tx) -> int:
    """How many leaves are not counted yet."""
    row = tx.one("newest_leaf")
    newest = -1 if row is None or row["leaf"] is None else int(row["leaf"])
    return newest + 1 - progress(tx).next_leaf


def move(tx: Tx, next_leaf: int, to_leaf: int) -> bool:
    """Leaves up to ``to_leaf`` are counted in this transaction. False: another process did it."""
    return tx.run("move_conservation", next_leaf=next_leaf, to_leaf=to_leaf) == 1


def add(
    tx: Tx,
    days: Mapping[DayKey, Totals],
    of_deliveries: Mapping[str, OfDelivery],
    successions: Mapping[Succession, int],
) -> None:
    """Add what was counted."""
    tx.many("count_in_day", [{**key.as_columns(), **totals.as_columns()} for key, totals in days.items()])
    rows = [{"delivery": one, **counted.as_columns()} for one, counted in of_deliveries.items()]
    tx.many("count_in_delivery", rows)
    found = [key.as_columns() | {"deliveries": number} for key, number in successions.items()]
    tx.many("count_in_successor", found)


def forget(tx: Tx) -> None:
    """Everything is to be counted anew, from the first leaf."""
    for query in ("forget_conservation_days", "forget_conservation_deliveries"):
        tx.run(query)
    tx.run("forget_conservation_successors")
    tx.run("move_conservation", next_leaf=progress(tx).next_leaf, to_leaf=0)


def of_day(tx: Tx, day: str, agency: str = "") -> dict[DayKey, Totals]:
    """What happened on a day (ISO), of one agency or of all."""
    return {key_of(row): totals_of(row) for row in tx.all("conservation_days", day=day, agency=agency)}


def open_before(tx: Tx, day: str, agency: str = "") -> dict[tuple[str, str, str], tuple[int, int, int]]:
    """(side, agency, what) -> queued, held, dead at the beginning of the day."""
    rows = tx.all("conservation_open_before", day=day, agency=agency)
    return {
        (row["side"], row["agency"], row["what"]): (int(row["queued"]), int(row["held"]), int(row["dead"]))
        for row in rows
    }


def successions(tx: Tx, day: str, agency: str = "") -> dict[Succession, int]:
    """Who took whose place on a day."""
    rows = tx.all("conservation_successors", day=day, agency=agency)
    return {_succession(row): int(row["deliveries"]) for row in rows}


def everything(tx: Tx) -> tuple[dict[DayKey, Totals], dict[Succession, int]]:
    """The whole tables, for counting again."""
    days = {key_of(row): totals_of(row) for row in tx.all("all_conservation_days")}
    return days, {_succession(row): row["deliveries"] for row in tx.all("all_conservation_successors")}


def stretch_end(tx: Tx, after: str, length: int) -> str:
    """The last delivery of the next ``length``, or ``LAST`` when fewer are left."""
    row = tx.one("end_of_comparison", after=after, more=length - 1)
    return LAST if row is None else str(row["id"])


def suspects(tx: Tx, after: str, upto: str, limit: int) -> list[Suspect]:
    """Deliveries of a stretch whose rows and counted events differ, those ahead of the count left out."""
    rows = tx.all("unlike_events", after=after, upto=upto, limit=limit)
    rows += tx.all("without_row", after=after, upto=upto, limit=limit)
    next_leaf = progress(tx).next_leaf
    return [_suspect(row) for row in rows if not _is_ahead(tx, row, next_leaf)]


def suspect(tx: Tx, delivery: str) -> Suspect | None:
    """Whether one delivery still differs. A prefix stands right before what begins with it."""
    found = [one for one in suspects(tx, delivery[:-1], delivery, 100) if one.delivery == delivery]
    return found[0] if found else None


def note_compared(tx: Tx, compared_to: str, whole_at: Instant | None) -> None:
    """The stretch up to there is done; ``whole_at`` when it was the last one."""
    tx.run("note_compared", compared_to=compared_to, whole_at=whole_at)


def open_differences(tx: Tx, limit: int = 1000) -> list[Difference]:
    """What nobody set right, oldest first."""
    return [
        Difference(
            row["delivery"],
            row["document"],
            row["events_say"],
            row["row_says"],
            row["found_at"],
            row["event"],
        )
        for row in tx.all("open_differences", limit=limit)
    ]


def count_differences(tx: Tx) -> int:
    """How many there are."""
    row = tx.one("count_differences")
    return 0 if row is None else int(row["differences"])


def put_difference(tx: Tx, found: Difference) -> bool:
    """Remember it. False when exactly this is known already."""
    return (
        tx.run(
            "put_difference",
            delivery=found.delivery,
            document=found.document,
            events_say=found.events_say,
            row_says=found.row_says,
            found_at=found.found_at,
            event=found.event,
        )
        > 0
    )


def solve(tx: Tx, deliveries: Sequence[str], at: Instant) -> None:
    """These agree again."""
    tx.many("solve_difference", [{"delivery": one, "at": at} for one in deliveries])


def key_of(row: Row) -> DayKey:
    """The key of a row of the day table."""
    return DayKey(row["day"], row["side"], AgencyCode(row["agency"]), row["what"])


def totals_of(row: Row) -> Totals:
    """The counts of a row of the day table."""
    return Totals(**{name: int(row[name]) for name in Totals.names()})


def _succession(row: Row) -> Succession:
    return Succession(row["day"], AgencyCode(row["predecessor"]), AgencyCode(row["successor"]), row["what"])


def _is_ahead(tx: Tx, row: Row, next_leaf: int) -> bool:
    found = tx.one(
        "uncounted_event_of", document=row["document"], delivery=row["delivery"], next_leaf=next_leaf
    )
    return found is not None


def _suspect(row: Row) -> Suspect:
    said = "" if row["counted"] is None else _words(row["recipient"], row["made"], _entered(row))
    in_row = f"{row['row_state']} @{row['row_recipient']}" if row["row_state"] else ""
    return Suspect(row["delivery"], row["document"], said, in_row)


def _entered(row: Row) -> Iterable[tuple[str, int]]:
    return [(state, int(row[state])) for state in STATES]


def _words(recipient: str, made: int, entered: Iterable[Entered]) -> str:
    """``delivered @H37.03``; anything that is not once says so: ``delivered×2 queued×-1 made×0 @H37.03``."""
    shown = [state if number == 1 else f"{state}×{number}" for state, number in entered if number]
    return " ".join([*shown, *([] if made == 1 else [f"made×{made}"]), f"@{recipient}"])
