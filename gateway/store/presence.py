"""Rows that tell when an agency or its software was last there.

In charge of: the newest calls of known callers, what an agency last sent and last took. Not in charge of:
noticing calls (``model/attendance.py``).
"""

from __future__ import annotations

import orjson

from gateway.model.event import EventType
from gateway.model.text import AgencyCode, Instant
from gateway.store.contract import Tx


def calls(tx: Tx, limit: int) -> tuple[dict[str, Instant], Instant | None]:
    """When each principal last came, among the newest ``limit`` notes of calls (one an hour and source). The
    instant up to which was looked; ``None`` when there are no more notes."""
    rows = tx.all("newest_calls", type=EventType.LOGIN_SUCCEEDED.value, limit=limit)
    seen: dict[str, Instant] = {}
    for row in rows:
        seen.setdefault(orjson.loads(bytes(row["body"]))["actor"], Instant(row["at"]))
    return seen, Instant(rows[-1]["at"]) if len(rows) == limit else None


def last_sent(tx: Tx, agency: AgencyCode) -> Instant | None:
    """When an agency last handed in a document."""
    row = tx.one("last_sent", sender=agency)
    return Instant(row["at"]) if row is not None and row["at"] is not None else None


def last_taken(tx: Tx, destination: AgencyCode) -> Instant | None:
    """When a destination last took or refused something."""
    row = tx.one("last_settled", destination=destination)
    return Instant(row["settled_at"]) if row is not None and row["settled_at"] is not None else None
