"""Which records a batch of events touches, and the records as they are held while it is laid on them.

In charge of: telling events that figures look at from the others, the keys, recalls. Pure. Not in charge of:
what an event does to a record (``folding.py``), loading (``counting.py``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from gateway.compliance.contributions import Counts, Key, Outage, day_number, iso, recall_outcome
from gateway.compliance.facts import DeliveryRecord, DocumentRecord, iso_day, number_key
from gateway.model.text import Instant

Body = Mapping[str, Any]
Pair = tuple[str, str]
MAKES = frozenset({"new", "replace"})  # kinds that make a D
_OF_DOCUMENT = frozenset(  # they may change a D; what else happens to a delivery does not
    ("document.accepted", "document.rejudged", "delivery.queued", "delivery.held", "delivery.released")
) | {"delivery.rerouted"}
_STATUS = b'"kind":"status"'
_ANY = b'"type":"delivery.'
_LOOKED_AT = re.compile(
    rb'"type":"(?:document\.(?:accepted|repeated|rejudged)|delivery\.(?:queued|held|released|rerouted|fetched'
    rb"|delivered|cancelled|rejected)|status\.reported|submission\.refused|recall\.(?:asked|answered)"
    rb'|outage\.(?:recorded|withdrawn))"'
)


@dataclass(slots=True)
class RecallRecord:
    """One recall: (message, recipient). ``state`` is the newest that an event gave."""

    message: str
    recipient: str
    level: str
    document: str
    asked: Instant
    state: str
    answered: Instant | None = None  # the first time

    def counts(self) -> tuple[Key, Counts]:
        """What it adds to the day on which it was asked."""
        key = Key(iso(day_number(self.asked)), self.recipient, self.level)
        return key, {"K7.asked": 1, recall_outcome(self.state): 1}


@dataclass(frozen=True, slots=True)
class Wanted:
    """The records that a batch touches."""

    documents: set[str]
    deliveries: set[Pair]
    recalls: set[Pair]
    firsts: set[Pair]  # (sender, document id) of first submissions
    made: set[str]  # documents that it may make
    numbers: set[str]  # number keys of those


@dataclass(slots=True)
class Records:
    """Records by key, as far as they are stored; ``before`` the batch, then changed by it."""

    documents: dict[str, DocumentRecord] = field(default_factory=dict)
    deliveries: dict[Pair, DeliveryRecord] = field(default_factory=dict)
    recalls: dict[Pair, RecallRecord] = field(default_factory=dict)
    firsts: set[Pair] = field(default_factory=set)
    numbers: dict[str, set[str]] = field(default_factory=dict)  # number key -> documents
    outages: dict[str, Outage] = field(default_factory=dict)
    made_before: dict[str, int] = field(default_factory=dict)  # R of a document that is about to be made


def looked_at(bodies: Iterable[bytes]) -> list[Body]:
    """The events that figures look at, read; the others are told by their bytes (canonical JSON), cheaply."""
    return [
        orjson.loads(one) for one in bodies if _LOOKED_AT.search(one) and not (_STATUS in one and _ANY in one)
    ]


def wanted(events: Iterable[Body]) -> Wanted:
    """Which records the events touch."""
    documents, deliveries, recalls = set[str](), set[Pair](), set[Pair]()
    firsts, made, numbers = set[Pair](), set[str](), set[str]()
    for body in events:
        kind = body["type"]
        document = body.get("document", "")
        if kind in _OF_DOCUMENT or (kind == "status.reported" and body.get("status") == "02"):
            documents.add(document)
        if kind == "document.accepted" and body.get("kind") in MAKES:
            made.add(document)
            day = iso_day(body.get("promulgation_date", ""))
            named = (body.get("number", ""), body.get("notation", ""))
            numbers.add(number_key(body.get("sender", ""), day, *named))
            firsts.add(first_key(body))
        elif kind == "submission.refused":
            firsts.add(first_key(body))
        elif kind == "status.reported":
            deliveries.add((document, body.get("sender", "")))
        elif kind.startswith("delivery."):
            deliveries.add((document, body["recipient"]))
            if kind == "delivery.rerouted":
                deliveries.add((document, former_unit(body)))
        elif kind.startswith("recall."):
            recalls.add((body["message"], body["recipient"]))
    return Wanted(documents, deliveries, recalls, firsts - {("", "")}, made, numbers - {""})


def first_key(body: Body) -> Pair:
    """What is submitted for the first time once; empty when the event does not say."""
    document_id = body.get("document_id", "")
    return (body.get("sender", ""), document_id) if document_id else ("", "")


def former_unit(body: Body) -> str:
    """Who an R is taken from by a ``delivery.rerouted``."""
    return str(body.get("rerouted_from") or body.get("addressed") or "")
