"""Events of the synthetic exchange, as the bytes that real ones have.

In charge of: the canonical body of each kind of event (``model/event.py``), written straight as text where
there are millions of them: six kinds make nine tenths of a log. A test compares every body with
``canonical_json`` and with what a real gateway writes. Not in charge of: what happens when.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from gateway.model.event import Event, EventType
from gateway.model.text import Instant
from gateway.practice.synthetic_units import Unit

GATEWAY = "gateway"
SOURCE = "scenario"
RULE_SET = "synthetic"


class Made(NamedTuple):
    """One event: its columns and its body."""

    at: Instant
    id: str
    type: str
    document: str | None
    message: str | None
    delivery: str | None
    sender: str | None
    recipient: str | None
    body: bytes


class Parcel(NamedTuple):
    """One delivery, as far as its events name it."""

    document: str
    message: str
    delivery: str
    sender: Unit
    recipient: Unit
    kind: str  # new, replace, update
    urgency: int


_CLOCK = '"clock":{"offset":null,"source":"scenario"}'


def queued(parcel: Parcel, at: Instant, id: str, actor: str, addressed: str = "") -> Made:
    """The delivery begins. ``addressed``: the closed code that the envelope named, if it did."""
    named = f'"addressed":"{addressed}",' if addressed else ""
    body = (
        f'{{"actor":"{actor}","adapter":"{parcel.recipient.adapter}",{named}"at":{at},{_CLOCK},'
        f'"delivery":"{parcel.delivery}","document":"{parcel.document}","id":"{id}","kind":"{parcel.kind}",'
        f'"message":"{parcel.message}","recipient":"{parcel.recipient.code}",'
        f'"recipient_level":"{parcel.recipient.level}","sender":"{parcel.sender.code}",'
        f'"sender_level":"{parcel.sender.level}","to_state":"queued","type":"delivery.queued",'
        f'"urgency":{parcel.urgency},"v":1}}'
    )
    return _of(parcel, at, id, "delivery.queued", body)


def fetched(parcel: Parcel, at: Instant, id: str) -> Made:
    """The recipient's system took all bytes; the delivery stays queued until it says done."""
    body = _moved(parcel, at, id, "delivery.fetched", parcel.recipient.principal, "queued", "queued", "", "")
    return _of(parcel, at, id, "delivery.fetched", body)


def delivered(parcel: Parcel, at: Instant, id: str) -> Made:
    """The recipient's system has it."""
    pulls = parcel.recipient.pulls
    actor, proof, attempts = (parcel.recipient.principal, "done", 0) if pulls else (GATEWAY, "200", 1)
    body = _moved(
        parcel, at, id, "delivery.delivered", actor, "queued", "delivered", f'"attempts":{attempts},',
        f'"proof":"{proof}",',
    )  # fmt: skip
    return _of(parcel, at, id, "delivery.delivered", body)


def _moved(
    parcel: Parcel,
    at: Instant,
    id: str,
    kind: str,
    actor: str,
    before: str,
    after: str,
    first: str,
    late: str,
) -> str:
    """A change of state; ``first`` and ``late``: further facts at their places in the order of names."""
    return (
        f'{{"actor":"{actor}","at":{at},{first}{_CLOCK},"delivery":"{parcel.delivery}",'
        f'"document":"{parcel.document}","from_state":"{before}","id":"{id}","kind":"{parcel.kind}",'
        f'"message":"{parcel.message}",{late}"recipient":"{parcel.recipient.code}",'
        f'"recipient_level":"{parcel.recipient.level}","sender":"{parcel.sender.code}",'
        f'"sender_level":"{parcel.sender.level}","to_state":"{after}","type":"{kind}","v":1}}'
    )


class Report(NamedTuple):
    """A status message: who says what about which document."""

    document: str
    document_id: str
    reporter: Unit
    addressee: Unit
    code: str
    declared: str  # yyyy/MM/dd HH:mm:ss by the reporter's clock
    automatic: bool = False
    refusal: str = ""  # R01 … of a 02


def status(report: Report, at: Instant, id: str, message: str, digests: tuple[str, str]) -> Made:
    """``status.reported``. ``digests``: of the content and of the envelope, of which neither exists."""
    actor = GATEWAY if report.automatic else report.reporter.principal
    refusal = f'"refusal":"{report.refusal}",' if report.refusal else ""
    body = (
        f'{{"actor":"{actor}","at":{at},"automatic":{"true" if report.automatic else "false"},{_CLOCK},'
        f'"content_digest":"{digests[0]}","decision":"accept","declared_time":"{report.declared}",'
        f'"document":"{report.document}","document_id":"{report.document_id}",'
        f'"envelope_sha256":"{digests[1]}","findings":[],"id":"{id}","kind":"status","message":"{message}",'
        f'"recipient":"{report.addressee.code}","recipient_level":"{report.addressee.level}",'
        f'"recipients":["{report.addressee.code}"],{refusal}"rule_set":"{RULE_SET}",'
        f'"sender":"{report.reporter.code}","sender_level":"{report.reporter.level}",'
        f'"status":"{report.code}","type":"status.reported","v":1,"verdicts":[]}}'
    )
    return Made(
        at, id, "status.reported", report.document, message, None, report.reporter.code,
        report.addressee.code, body.encode(),
    )  # fmt: skip


def parcel_event(
    kind: EventType, parcel: Parcel, at: Instant, id: str, actor: str, facts: Mapping[str, Any], **fields: Any
) -> Made:
    """Any other event about a delivery; ``fields`` are those of ``Event`` (``from_state`` …)."""
    return plain(
        kind,
        at,
        id,
        actor,
        {"kind": parcel.kind, **facts},
        document=parcel.document,
        message=parcel.message,
        delivery=parcel.delivery,
        sender=parcel.sender.code,
        sender_level=parcel.sender.level,
        recipient=parcel.recipient.code,
        recipient_level=parcel.recipient.level,
        **fields,
    )


def plain(
    kind: EventType,
    at: Instant,
    id: str,
    actor: str,
    facts: Mapping[str, Any],
    private: Mapping[str, tuple[bytes, str]] | None = None,
    **fields: Any,
) -> Made:
    """Any event, through the same class as real ones."""
    event = Event(
        id=id,
        type=kind,
        at=at,
        clock_source=SOURCE,
        actor=actor,
        facts=facts,
        private=private or {},
        **fields,
    )
    return Made(
        at, id, kind.value, event.document or None, event.message or None, event.delivery or None,
        event.sender or None, event.recipient or None, event.body(),
    )  # fmt: skip


def _of(parcel: Parcel, at: Instant, id: str, kind: str, body: str) -> Made:
    return Made(
        at, id, kind, parcel.document, parcel.message, parcel.delivery, parcel.sender.code,
        parcel.recipient.code, body.encode(),
    )  # fmt: skip


__all__ = ["GATEWAY", "RULE_SET", "SOURCE", "Made", "Parcel", "Report"]
