"""Rows of the registers of outgoing and incoming documents, and of what happened in operation.

In charge of: reading them. Not in charge of: who may see them (``compliance/registers.py``), columns of the
registers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from gateway.model.text import AgencyCode, Instant
from gateway.store import archive
from gateway.store.contract import Tx

MOST_ROWS = 200_000  # of one register: the largest agency's year has some 40 000
_MOST_EVENTS = 500  # of one type of event


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A document that the agency sent. ``subject`` and ``signer`` are empty once they were erased."""

    document: str
    document_id: str
    sent_at: Instant
    kind: str
    held: bool
    frozen: bool  # recalled
    header: dict[str, Any]
    recipients: tuple[str, ...]
    subject: str
    signer: str


@dataclass(frozen=True, slots=True)
class Incoming:
    """A document that reached the agency. Of a recalled one nothing is told (NĐ 30/2020 PL VI)."""

    document: str
    sender: AgencyCode
    arrived_at: Instant
    header: dict[str, Any]
    recalled: bool
    status: str
    subject: str


@dataclass(frozen=True, slots=True)
class Happened:
    """One event of operation."""

    at: Instant
    type: str
    body: dict[str, Any]


def outgoing(tx: Tx, agency: str, start: Instant, stop: Instant) -> list[Outgoing]:
    """What an agency sent from ``start`` to before ``stop``, in the order of sending."""
    recipients: dict[str, list[str]] = {}
    for row in tx.all("register_recipients", agency=agency, from_at=start, to_at=stop):
        recipients.setdefault(row["document"], []).append(row["recipient"])
    private: dict[str, dict[str, str]] = {}
    for row in tx.all("register_outgoing_private", agency=agency, from_at=start, to_at=stop):
        private.setdefault(row["document"], {})[row["name"]] = row["value"]
    rows = tx.all("register_outgoing", agency=agency, from_at=start, to_at=stop, limit=MOST_ROWS)
    return [
        Outgoing(
            row["id"],
            row["document_id"],
            row["created_at"],
            row["kind"],
            row["decision"] == "hold",
            row["frozen_at"] is not None,
            orjson.loads(row["header"]),
            tuple(recipients.get(row["id"], ())),
            private.get(row["id"], {}).get("subject", ""),
            private.get(row["id"], {}).get("signer", ""),
        )
        for row in rows
    ]


def incoming(tx: Tx, agency: str, start: Instant, stop: Instant) -> list[Incoming]:
    """What reached an agency from ``start`` to before ``stop``, in the order of arrival."""
    rows = tx.all("register_incoming", agency=agency, from_at=start, to_at=stop, limit=MOST_ROWS)
    return [
        Incoming(
            row["document"],
            row["sender"],
            row["arrived_at"],
            {} if row["recalled"] else orjson.loads(row["header"]),
            bool(row["recalled"]),
            row["status_code"],
            "" if row["recalled"] else row["subject"] or "",
        )
        for row in rows
    ]


def happened(
    tx: Tx, types: Sequence[str], start: Instant, stop: Instant
) -> tuple[dict[str, int], list[Happened]]:
    """How many events of each type there were, and the first 500 of each, oldest first."""
    archive.require_since(tx, start)
    counts: dict[str, int] = {}
    found: list[Happened] = []
    for kind in types:
        counted = tx.one("count_events_of_type_between", type=kind, from_at=start, to_at=stop)
        counts[kind] = counted["events"] if counted else 0
        if counts[kind]:
            rows = tx.all("events_of_type_between", type=kind, from_at=start, to_at=stop, limit=_MOST_EVENTS)
            found += [Happened(row["at"], kind, orjson.loads(bytes(row["body"]))) for row in rows]
    return counts, sorted(found, key=lambda one: one.at)


__all__ = ["Happened", "Incoming", "Outgoing", "happened", "incoming", "outgoing"]
