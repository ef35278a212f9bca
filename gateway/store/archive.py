"""Months of events and deliveries that are taken out of the database, and where they are.

In charge of: making, detaching, attaching and dropping months, their rows as lines, and the one question that
everybody who reads old rows asks: is a part of it away? Not in charge of: files (``flow/archive_file.py``)
and which month may go (``flow/archive.py``).

Only PostgreSQL has months (migration 23); on SQLite there are none and nothing is ever away.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from gateway.clock import VIETNAM, from_datetime
from gateway.errors import Archived
from gateway.model.text import Bilingual, Instant
from gateway.store.contract import Row, Tx

TABLES = ("delivery", "attempt", "delivery_answer", "event")  # what goes with a month, in the order of files
AWAY = frozenset({"detached", "dropped"})


@dataclass(frozen=True, slots=True)
class Month:
    """One month that was taken out at least once. ``state``: ``detached`` (its tables stand beside the
    others), ``dropped`` (in its file only), ``returned``. ``file`` and ``sha256`` are empty until the file
    was written and read back; ``low`` and ``high`` bound the ids; no leaf: it had no event in the log."""

    month: str  # 202601
    state: str
    low: str
    high: str
    file: str
    sha256: str
    rows: int
    first_leaf: int | None
    last_leaf: int | None
    detached_at: Instant
    changed_at: Instant

    @property
    def is_away(self) -> bool:
        return self.state in AWAY

    @property
    def ends_at(self) -> Instant:
        """The first moment of the next month."""
        return _starts(month_after(self.month))


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a month: where it stands in its table, and itself as JSON."""

    key: str
    rest: str
    text: str


def month_of(day: date) -> str:
    """The month of a day, as months are named here."""
    return f"{day:%Y%m}"


def month_after(month: str) -> str:
    """The next one."""
    year, number = int(month[:4]), int(month[4:])
    return f"{year + number // 12:04}{number % 12 + 1:02}"


def shown(month: str) -> str:
    """As people write it: 01/2026."""
    return f"{month[4:]}/{month[:4]}"


def make(tx: Tx, month: str) -> bool:
    """Have tables for a month; what lies of it among the rest moves in. False: nothing to do."""
    row = tx.one("make_month", month=month)
    return row is not None and row["made"] == 1


def present(tx: Tx) -> list[str]:
    """The months that are in the tables, oldest first; none on SQLite."""
    return [row["month"] for row in tx.all("months_present")]


def everything(tx: Tx) -> list[Month]:
    """Every month that was taken out at least once, oldest first."""
    return [_month(row) for row in tx.all("archived_months")]


def find(tx: Tx, month: str) -> Month | None:
    """One of them."""
    return next((one for one in everything(tx) if one.month == month), None)


def obstacles(tx: Tx, month: str) -> dict[str, int]:
    """What is still going on in a month: kind -> how many; empty when it may go."""
    low, high = _bounds(tx, month)
    row = tx.one("month_obstacles", low=low, high=high)
    assert row is not None
    return {name: row[name] for name in ("deliveries", "recalls", "leaves", "incidents") if row[name]}


def detach(tx: Tx, month: str, at: Instant) -> Month:
    """Take a month out of the tables. Its own tables stay beside them until ``drop``."""
    low, high = _bounds(tx, month)
    leaves = tx.one("leaves_of_month", low=low, high=high)
    assert leaves is not None
    tx.run("forget_archived_documents", month=month)
    tx.run("forget_archived_month", month=month)
    row = tx.one("count_month", low=low, high=high)
    assert row is not None
    given = {"low": low, "high": high, "first_leaf": leaves["first_leaf"], "last_leaf": leaves["last_leaf"]}
    tx.run("add_archived_month", month=month, at=at, rows=row["rows"], **given)
    tx.run("add_archived_documents", month=month, low=low, high=high)
    detached = tx.one("detach_month", month=month)
    if detached is None or detached["rows"] != row["rows"]:
        raise RuntimeError(f"month {month} changed while it was detached")  # nothing of this is kept
    found = find(tx, month)
    assert found is not None
    return found


def note_file(tx: Tx, month: str, file: str, sha256: str, at: Instant) -> None:
    """The file of a detached month was written and read back."""
    tx.run("note_archive_file", month=month, file=file, sha256=sha256, at=at)


def drop(tx: Tx, month: str, at: Instant) -> None:
    """Throw the tables of a detached month away; from here on it is in its file only."""
    tx.one("drop_month", month=month)
    tx.run("move_archived_month", month=month, state="dropped", at=at)


def lay(tx: Tx, month: str) -> None:
    """Empty tables for a dropped month, beside the others; what an earlier try left there goes."""
    tx.one("drop_month", month=month)
    tx.one("lay_month", month=month)


def fill(tx: Tx, month: str, table: str, lines: Sequence[str]) -> int:
    """Write rows into the tables of a month that stand beside the others; how many."""
    row = tx.one("fill_month", month=month, noun=table, lines=f"[{','.join(lines)}]")
    return int(row["filled"]) if row else 0


def attach(tx: Tx, month: str, at: Instant) -> None:
    """The month is a part of the tables again."""
    tx.one("attach_month", month=month)
    tx.run("move_archived_month", month=month, state="returned", at=at)
    tx.run("forget_archived_documents", month=month)


def lines(tx: Tx, month: str, table: str, after: Line | None, limit: int) -> list[Line]:
    """Rows of a detached month after a place, in the order of their keys."""
    key, rest = (after.key, after.rest) if after else ("", "")
    rows = tx.all("month_rows", month=month, noun=table, after_key=key, after_rest=rest, limit=limit)
    return [Line(row["key"], row["rest"], row["line"]) for row in rows]


def leaf_hashes(tx: Tx, first: str, last: str) -> dict[str, bytes]:
    """Leaf hashes of the events with these ids or between them; they stay when a month goes."""
    return {row["event"]: bytes(row["hash"]) for row in tx.all("leaves_of_events", first=first, last=last)}


def away(tx: Tx) -> list[Month]:
    """The months that are away now."""
    return [month for month in everything(tx) if month.is_away]


def require_leaves(tx: Tx, start: int, stop: int | None) -> None:
    """``Archived`` when events of leaves from ``start`` to before ``stop`` (``None``: all) are away."""
    _refuse(
        month
        for month in away(tx)
        if month.first_leaf is not None
        and month.last_leaf is not None
        and month.last_leaf >= start
        and (stop is None or month.first_leaf < stop)
    )


def require_since(tx: Tx, at: Instant) -> None:
    """``Archived`` when events since a moment are away."""
    _refuse(month for month in away(tx) if month.ends_at > at)


def require_until(tx: Tx, at: Instant) -> None:
    """``Archived`` when events before a moment are away."""
    _refuse(month for month in away(tx) if _starts(month.month) < at)


def require_document(tx: Tx, document: str) -> None:
    """``Archived`` when a part of a document's history is away."""
    gone = {row["month"] for row in tx.all("archived_of_document", document=document)}
    if gone:
        _refuse(month for month in away(tx) if month.month in gone)


def require_id(tx: Tx, row: str) -> None:
    """``Archived`` when the event, message or delivery with that id is of a month that is away."""
    _refuse(month for month in away(tx) if month.low <= row < month.high)


def _refuse(months: Iterable[Month]) -> None:
    names = sorted(month.month for month in months)
    if not names:
        return
    all_shown = ", ".join(map(shown, names))
    commands = [f"gateway archive attach {name[:4]}-{name[4:]} --reason " for name in names]
    vi, en = "; ".join(f"{one}LÝ_DO" for one in commands), "; ".join(f"{one}WHY" for one in commands)
    raise Archived(
        Bilingual(
            f"Dữ liệu tháng {all_shown} đã được tách ra lưu trữ nên chưa trả lời đầy đủ được. Người quản trị "
            f"hãy chạy: {vi}",
            f"Month {all_shown} was taken out into the archive, so there is no complete answer. An "
            f"administrator runs: {en}",
        )
    )


def _bounds(tx: Tx, month: str) -> tuple[str, str]:
    row = tx.one("bounds_of_month", month=month)
    if row is None:
        raise LookupError(f"no month {month} here")
    return row["low"], row["high"]


def _starts(month: str) -> Instant:
    return from_datetime(datetime(int(month[:4]), int(month[4:]), 1, tzinfo=VIETNAM))


def _month(row: Row) -> Month:
    return Month(
        month=row["month"],
        state=row["state"],
        low=row["low"],
        high=row["high"],
        file=row["file"],
        sha256=row["sha256"],
        rows=row["rows"],
        first_leaf=row["first_leaf"],
        last_leaf=row["last_leaf"],
        detached_at=row["detached_at"],
        changed_at=row["changed_at"],
    )
