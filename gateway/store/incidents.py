"""Rows of incidents: what had to leave every place at once, and who decided it.

In charge of: these rows, and erasing words about a document from every table that has some. Not in charge of:
payloads (``payloads.py``), who may decide (``flow/incident.py``).
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

import orjson

from gateway.model.text import Instant
from gateway.store import searches
from gateway.store.contract import Row, Tx


class IncidentState(enum.Enum):
    """Where an incident stands."""

    OPEN = "open"  # one person reported it; the document is kept back
    PURGED = "purged"  # a second person confirmed; nothing of it is readable here
    CLOSED = "closed"  # recipients and backups are dealt with, as a person says
    DISMISSED = "dismissed"  # it was none; the document goes on


@dataclass(frozen=True, slots=True)
class Incident:
    """One row. ``payloads``: how many were destroyed; ``event``: its opening, where the reason stands."""

    id: str
    kind: str
    document: str
    state: IncidentState
    event: str
    opened_at: Instant
    opened_by: str
    confirmed_at: Instant | None = None
    confirmed_by: str = ""
    closed_at: Instant | None = None
    closed_by: str = ""
    payloads: int = 0
    backups_until: Instant | None = None


def add(tx: Tx, incident: Incident) -> None:
    """One person reports it."""
    tx.run(
        "add_incident",
        id=incident.id,
        kind=incident.kind,
        document=incident.document,
        event=incident.event,
        opened_at=incident.opened_at,
        opened_by=incident.opened_by,
    )


def find(tx: Tx, incident_id: str, *, lock: bool = False) -> Incident | None:
    """One incident; with ``lock`` it stays ours until the transaction ends."""
    row = tx.one("lock_incident" if lock else "incident_by_id", id=incident_id)
    return None if row is None else _from_row(row)


def open_for(tx: Tx, document: str) -> Incident | None:
    """The incident about a document that nobody has decided yet."""
    row = tx.one("open_incident_of", document=document)
    return None if row is None else _from_row(row)


def spilled_files(tx: Tx, but: str) -> frozenset[str]:
    """Hex SHA-256 of every file of every document with an incident, but for one document. Dismissed incidents
    were none."""
    rows = tx.all("messages_of_incidents", but=but)
    return frozenset(file["sha256"] for row in rows for file in orjson.loads(row["header"]).get("files", ()))


def newest(tx: Tx, limit: int) -> list[Incident]:
    """Incidents, newest first."""
    return [_from_row(row) for row in tx.all("newest_incidents", limit=limit)]


def confirm(tx: Tx, incident_id: str, by: str, at: Instant, payloads: int, backups_until: Instant) -> None:
    """A second person confirmed, and everything was purged."""
    tx.run("confirm_incident", id=incident_id, by=by, at=at, payloads=payloads, backups_until=backups_until)


def end(tx: Tx, incident_id: str, state: IncidentState, by: str, at: Instant) -> None:
    """Closed after the purge, or dismissed before it."""
    tx.run("end_incident", id=incident_id, state=state.value, by=by, at=at)


def erase_words(tx: Tx, document: str, at: Instant) -> int:
    """Erase what tables say in words about a document: private values, findings and verdicts (they name
    people and quote). The document is purged from now on. How many private values."""
    erased = tx.run("erase_private_values", document=document)
    searches.erase_subject(tx, document)
    tx.run("erase_findings", document=document)
    tx.run("erase_judgements", document=document)
    tx.run("mark_purged", document=document, at=at)
    return erased


def _from_row(row: Row) -> Incident:
    return Incident(
        id=row["id"],
        kind=row["kind"],
        document=row["document"],
        state=IncidentState(row["state"]),
        event=row["event"],
        opened_at=row["opened_at"],
        opened_by=row["opened_by"],
        confirmed_at=row["confirmed_at"],
        confirmed_by=row["confirmed_by"],
        closed_at=row["closed_at"],
        closed_by=row["closed_by"],
        payloads=row["payloads"],
        backups_until=row["backups_until"],
    )
