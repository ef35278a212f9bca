"""Rows of a made-up exchange, written in bulk.

In charge of: writing documents, deliveries as they ended, events that wait for their leaves, and payloads
that are not there (hash and size, no key, no bytes). Only ``gateway simulate province`` does so, into a home
of its own. Not in charge of: what is in the rows (``practice/synthetic*``), leaves
(``exchange_log/sequence.py``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from gateway.model.text import Instant
from gateway.store.contract import Tx, Value

Parameters = Mapping[str, Value]


class Fact(Protocol):
    """An event as a row. ``body`` is its canonical form."""

    @property
    def at(self) -> Instant: ...
    @property
    def id(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def document(self) -> str | None: ...
    @property
    def message(self) -> str | None: ...
    @property
    def delivery(self) -> str | None: ...
    @property
    def sender(self) -> str | None: ...
    @property
    def recipient(self) -> str | None: ...
    @property
    def body(self) -> bytes: ...


class Rows(Protocol):
    """What stands beside the events, as parameters of the queries below."""

    payloads: list[dict[str, Value]]
    documents: list[dict[str, Value]]
    links: list[dict[str, Value]]
    messages: list[dict[str, Value]]
    deliveries: list[dict[str, Value]]
    private: list[dict[str, Value]]
    refusals: list[dict[str, Value]]
    declared: list[dict[str, Value]]


def add_events(tx: Tx, events: Iterable[Fact]) -> None:
    """Write events; they wait for their leaves."""
    rows = [
        {
            "id": one.id,
            "at": one.at,
            "type": one.type,
            "document": one.document,
            "message": one.message,
            "delivery": one.delivery,
            "sender": one.sender,
            "recipient": one.recipient,
            "body": one.body,
        }
        for one in events
    ]
    tx.many("add_event", rows)
    tx.many("add_event_unsequenced", [{"at": row["at"], "event": row["id"]} for row in rows])


def add_rows(tx: Tx, rows: Rows) -> None:
    """Write what stands beside the events, which are there already."""
    tx.many("add_synthetic_payload", rows.payloads)
    tx.many("add_document", rows.documents)
    tx.many("add_document_unindexed", [{"document": row["id"]} for row in rows.documents])
    tx.many("add_document_link", rows.links)
    tx.many("add_message", rows.messages)
    tx.many("add_synthetic_delivery", rows.deliveries)
    tx.many("add_event_private", rows.private)
    tx.many("add_refusal", rows.refusals)
    tx.many("add_declared", rows.declared)
