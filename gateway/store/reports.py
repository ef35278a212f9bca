"""Rows of published reports.

In charge of: keeping them as they were published, and reading them. There is no change and no deletion. Not
in charge of: what a report holds (``compliance/frozen.py``), who may publish (``compliance/reports.py``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from gateway.model.text import Instant
from gateway.store.contract import Row, Tx

LAST = Instant(2**53)


@dataclass(frozen=True, slots=True)
class Published:
    """What a list shows of a report. ``leaves``: how many of the exchange log were counted; ``earlier``: the
    report of the same period before it, or nothing."""

    id: str
    period: str
    from_: date
    to: date
    provisional: bool
    synthetic: bool
    sha256: str
    leaves: int
    earlier: str
    published_at: Instant
    published_by: str


def add(tx: Tx, new: Published, file: bytes, event: str) -> None:
    """Keep a report. ``Conflict`` when the earlier one has a successor already."""
    tx.run(
        "add_report",
        id=new.id,
        period=new.period,
        from_day=new.from_.isoformat(),
        to_day=new.to.isoformat(),
        provisional=int(new.provisional),
        synthetic=int(new.synthetic),
        sha256=new.sha256,
        file=file,
        leaves=new.leaves,
        earlier=new.earlier or None,
        published_at=new.published_at,
        published_by=new.published_by,
        event=event,
    )


def file_of(tx: Tx, report: str) -> bytes | None:
    """The bytes that were published."""
    row = tx.one("report_file", id=report)
    return None if row is None else bytes(row["file"])


def newest_of(tx: Tx, period: str) -> Published | None:
    """The last report of that period."""
    row = tx.one("newest_report_of", period=period)
    return None if row is None else _published(row)


def before(tx: Tx, at: Instant, report: str, limit: int, period: str = "") -> list[Published]:
    """Reports, newest first, after the position (``at``, ``report``); from ``LAST`` on: the newest."""
    found = tx.all("reports_before", at=at, id=report, limit=limit, period=period)
    return [_published(row) for row in found]


def events_since(tx: Tx, first: int, stop: int) -> dict[str, int]:
    """Type -> how many events stand on the leaves from ``first`` to before ``stop``."""
    rows = tx.all("event_types_from_leaf", from_leaf=first, to_leaf=stop)
    return {row["type"]: row["events"] for row in rows}


def _published(row: Row) -> Published:
    return Published(
        id=row["id"],
        period=row["period"],
        from_=date.fromisoformat(row["from_day"]),
        to=date.fromisoformat(row["to_day"]),
        provisional=bool(row["provisional"]),
        synthetic=bool(row["synthetic"]),
        sha256=row["sha256"],
        leaves=row["leaves"],
        earlier=row["earlier"] or "",
        published_at=row["published_at"],
        published_by=row["published_by"],
    )


__all__ = ["LAST", "Published", "add", "before", "events_since", "file_of", "newest_of"]
