"""Event bodies made up for tests of the figures, and counting them without a store."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from copy import deepcopy
from datetime import date, datetime
from typing import Any

from gateway.calendar_data import shipped_calendar
from gateway.clock import VIETNAM, from_datetime
from gateway.compliance.calendar import Clocks
from gateway.compliance.clauses import clause_rules
from gateway.compliance.contributions import Key, Outage, Reference, Tally
from gateway.compliance.facts import dump_delivery, dump_document, load_delivery, load_document
from gateway.compliance.folding import Fold
from gateway.compliance.touched import Records
from gateway.model.text import Instant

Body = dict[str, Any]
LEVELS = {"H37": "province", "H37.03": "province", "H37.31": "district", "H37.31.21": "commune"}
DOCUMENT = "d1"


def at(text: str) -> Instant:
    """``13/04 09:30`` of 2020, or a whole ``2025-07-01 09:30``, Vietnamese time."""
    form = "%d/%m %H:%M" if "/" in text else "%Y-%m-%d %H:%M"
    moment = datetime.strptime(text, form)
    moment = moment.replace(year=2020) if "/" in text else moment
    return from_datetime(moment.replace(tzinfo=VIETNAM))


def reference(*outages: Outage) -> Reference:
    """What is shipped, with these outages."""
    return Reference(shipped_calendar(), Clocks(), clause_rules(), outages)


def verdict(role: str, signed: str = "", **more: Any) -> Body:
    """A valid signature. ``signed`` as ``at`` reads it; "" is no signing time."""
    time = datetime.fromtimestamp(at(signed) / 1_000_000, VIETNAM).isoformat() if signed else ""
    given = {"indication": "TOTAL-PASSED", "role": role, "signing_time": time, "coverage": "revision"}
    return given | {"time_source": "timestamp" if signed else "none"} | more


def both(signed: str = "13/04 08:00") -> list[Body]:
    """The leader's and the agency's."""
    return [verdict("person", signed), verdict("agency", signed)]


def accepted(when: str, document: str = DOCUMENT, sender: str = "H37", **facts: Any) -> Body:
    """A document that passes every clause unless ``facts`` say otherwise."""
    body = _body("document.accepted", when, document, sender=sender, message=f"m-{document}")
    sound = {
        "kind": "new",
        "decision": "accept",
        "document_id": f"id-{document}",
        "number": "362",
        "notation": f"UBND-{document}",
        "type_name": "Công văn",
        "promulgation_date": "2020-04-13",
        "urgency": 0,
        "paper": "0",
        "verdicts": both(),
        "findings": [],
        "files": [{"sha256": "aa", "format": "pdf", "opens": True, "pages": 1}],
        "authority": "listed",
        "metadata": [],
        "recipients": ["H37.03"],
    }
    return body | sound | facts


def refused(
    when: str, document_id: str = "", sender: str = "H37", rule: str = "file.missing", **facts: Any
) -> Body:
    """A submission that the gate did not take."""
    findings = [{"rule": rule, "severity": "refuse"}]
    body = _body("submission.refused", when, "", sender=sender, reason_code=rule, findings=findings)
    return body | ({"document_id": document_id} if document_id else {}) | facts


def moved(step: str, when: str, recipient: str = "H37.03", document: str = DOCUMENT, **facts: Any) -> Body:
    """A ``delivery.*`` event; ``step`` is its last word."""
    return _body(f"delivery.{step}", when, document, recipient=recipient, kind="new") | facts


def status(code: str, when: str, reporter: str = "H37.03", document: str = DOCUMENT, **facts: Any) -> Body:
    """A status about a document."""
    return _body("status.reported", when, document, sender=reporter, status=code, kind="status") | facts


def recall(word: str, when: str, state: str, recipient: str = "H37.03", message: str = "r1") -> Body:
    """``recall.asked`` or ``recall.answered``."""
    body = _body(f"recall.{word}", when, DOCUMENT, recipient=recipient, message=message)
    return body | {"to_state": state}


def delivered(when: str, recipient: str = "H37.03", document: str = DOCUMENT) -> list[Body]:
    """Queued, fetched, delivered and 01, all at that moment."""
    steps = ("queued", "fetched", "delivered")
    found = [moved(step, when, recipient, document) for step in steps]
    return [*found, status("01", when, recipient, document, automatic=True)]


def _body(type_: str, when: str, document: str, **fields: Any) -> Body:
    body = {"type": type_, "at": at(when), **({"document": document} if document else {}), **fields}
    for role in ("sender", "recipient"):
        if role in fields:
            body[f"{role}_level"] = LEVELS.get(fields[role], "commune")
    return body


def tables(events: Iterable[Body], ref: Reference | None = None) -> dict[Key, dict[str, int]]:
    """Counts by day, agency and level, in one pass."""
    return in_batches([list(events)], ref)


def in_batches(batches: Sequence[Sequence[Body]], ref: Reference | None = None) -> dict[Key, dict[str, int]]:
    """The same, batch by batch, records stored and read again between them."""
    ref = ref or reference()
    records, sums = Records(), Tally()
    for events in batches:
        records = _stored(records)
        fold = Fold(records, ref)
        fold.run(deepcopy(list(events)))
        for tally in (fold.of_records, fold.of_events):
            sums.add_all(tally.changes().items())
    return sums.changes()


def _stored(records: Records) -> Records:
    """As a store gives them back."""
    documents = {one: load_document(dump_document(record)) for one, record in records.documents.items()}
    deliveries = {
        pair: load_delivery(*pair, dump_delivery(record)) for pair, record in records.deliveries.items()
    }
    known: dict[str, set[str]] = {}
    for record in documents.values():
        if record.number_key:
            known.setdefault(record.number_key, set()).add(record.id)
    made: dict[str, int] = {}
    for one in deliveries.values():
        if one.counts:
            made[one.document] = made.get(one.document, 0) + 1
    return Records(documents, deliveries, records.recalls, records.firsts, known, records.outages, made)


def sums(events: Iterable[Body], agency: str = "H37", ref: Reference | None = None) -> dict[str, int]:
    """Everything that an agency counts, days and levels together."""
    found: dict[str, int] = {}
    for key, counts in tables(events, ref).items():
        if key.agency == agency:
            for name, number in counts.items():
                found[name] = found.get(name, 0) + number
    return found


def day(text: str) -> date:
    """An ISO day."""
    return date.fromisoformat(text)
