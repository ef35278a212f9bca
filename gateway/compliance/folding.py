"""Events of the log laid onto the records, in order, and what that changes in the counts.

In charge of: which record an event belongs to, what it does there, counts of single events, and the
difference that a batch makes. Pure. Not in charge of: reading and writing records (``counting.py``), what a
record counts for (``contributions.py``). Defined by ``docs/figures.md``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import datetime

from gateway.clock import from_datetime
from gateway.compliance.contributions import (
    Key,
    Outage,
    Reference,
    Tally,
    day_number,
    iso,
    of_delivery,
    of_document,
)
from gateway.compliance.facts import (
    WRONG_PLACE,
    DeliveryRecord,
    DocumentRecord,
    Passage,
    document_made,
    judged_again,
    status_given,
)
from gateway.compliance.touched import (
    MAKES,
    Body,
    Pair,
    RecallRecord,
    Records,
    first_key,
    former_unit,
)
from gateway.model.text import Instant

CARRIES = frozenset({"new", "replace", "update"})  # kinds whose deliveries are looked at
REPORTS = frozenset({"01", "02", "03", "04", "05", "06"})  # statuses of a recipient about what it got
_TIME = re.compile(r"\d{4}([-/])\d{2}\1\d{2}[ T]\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2})?", re.ASCII)


class Fold:
    """One batch of events on the records it wants."""

    def __init__(self, records: Records, ref: Reference) -> None:
        self.records = records
        self.ref = ref
        self.of_records = Tally()  # can be made anew from the records
        self.of_events = Tally()  # can not
        self.new_firsts: set[Pair] = set()
        self.changed_documents: set[str] = set()
        self.changed_deliveries: set[Pair] = set()
        self.changed_recalls: set[Pair] = set()
        self.changed_outages: set[str] = set()
        self.made: list[DocumentRecord] = []
        self.latest = 0  # the latest ``at``

    def run(self, events: Iterable[Body]) -> None:
        """Lay all events on the records, then count what they came to."""
        for body in events:
            act = _ACTS.get(body["type"])
            if act is not None:
                act(self, body)
        for one in self.changed_documents:
            self.of_records.add(*of_document(self.records.documents[one], self.ref))
        for pair in self.changed_deliveries:
            self.of_records.add_all(of_delivery(self.records.deliveries[pair], self.ref))
        for pair in self.changed_recalls:
            self.of_events.add(*self.records.recalls[pair].counts())

    # -- records, about to change

    def _document(self, document: str) -> DocumentRecord | None:
        record = self.records.documents.get(document)
        if record is not None and document not in self.changed_documents:
            self.changed_documents.add(document)
            self.of_records.add(*of_document(record, self.ref), sign=-1)
        return record

    def _delivery(self, document: str, recipient: str) -> DeliveryRecord:
        pair = (document, recipient)
        record = self.records.deliveries.get(pair)
        if record is None:
            record = self.records.deliveries[pair] = DeliveryRecord(document, recipient)
            self.changed_deliveries.add(pair)
        elif pair not in self.changed_deliveries:
            self.changed_deliveries.add(pair)
            self.of_records.add_all(of_delivery(record, self.ref), sign=-1)
        return record

    def _r_of(self, document: str, more: int) -> None:
        """The document has one R more, or one less."""
        record = self._document(document)
        if record is None:
            known = self.records.made_before
            known[document] = known.get(document, 0) + more
        else:
            record.deliveries += more

    # -- documents

    def accepted(self, body: Body) -> None:
        if body.get("kind") not in MAKES:
            return
        document = body["document"]
        if document in self.records.documents:
            return
        record = document_made(body)
        key = first_key(body)
        record.first = key == ("", "") or self._first(key)
        record.deliveries = self.records.made_before.get(document, 0)
        self.records.documents[document] = record
        self.changed_documents.add(document)
        self.made.append(record)
        self._number(record)

    def _number(self, record: DocumentRecord) -> None:
        if not record.number_key:
            return
        same = self.records.numbers.setdefault(record.number_key, set())
        if same:
            record.twin = True
            for other in same:
                if (twin := self.records.documents.get(other)) is not None and not twin.twin:
                    self._document(other)
                    twin.twin = True
        same.add(record.id)

    def _first(self, key: Pair) -> bool:
        if key in self.records.firsts:
            return False
        self.records.firsts.add(key)
        self.new_firsts.add(key)
        return True

    def rejudged(self, body: Body) -> None:
        if (record := self._document(body.get("document", ""))) is not None:
            judged_again(record, body)

    def repeated(self, body: Body) -> None:
        self.of_events.add(_of_sender(body), {"G.repeated": 1})

    def refused(self, body: Body) -> None:
        rules = [one["rule"] for one in body.get("findings", ())]
        key = _of_sender(body)
        if any(rule.startswith("secrecy.") for rule in rules):
            self.of_events.add(key, {"G.secret": 1})
            return
        counts = {"G.refused": 1}
        reason = body.get("reason_code", "")
        if reason == "duplicate.conflict":
            counts["K14.conflict"] = 1
        if not reason.startswith("duplicate.") and body.get("kind", "new") in MAKES:
            named = first_key(body)
            if named == ("", "") or self._first(named):
                counts["Kf.n"] = 1
        self.of_events.add(key, counts)

    # -- deliveries

    def begun(self, body: Body) -> None:
        """Queued or held: the first of a pair makes an R."""
        if body.get("kind") not in CARRIES:
            return
        record = self._delivery(body["document"], body["recipient"])
        if record.made is not None:
            return
        level = body.get("recipient_level", "")
        record.made, record.level, record.made_level = Instant(body["at"]), level, level
        named = body.get("addressed", "")
        if named and named != record.recipient:
            day = iso(day_number(body["at"]))
            record.passages = (*record.passages, Passage(named, level, day))
        self._r_of(record.document, 1)

    def released(self, body: Body) -> None:
        record = self.records.documents.get(body["document"]) if body.get("kind") in CARRIES else None
        if record is not None and record.held and not record.released:
            self._document(record.id)
            record.released = True

    def rerouted(self, body: Body) -> None:
        """The R goes from the old unit to the new one; the old unit keeps its place in history."""
        if body.get("kind") not in CARRIES:
            return
        left, recipient = former_unit(body), body["recipient"]
        old = self.records.deliveries.get((body["document"], left))
        if old is None or old.made is None or old.ended or left == recipient:
            return
        old = self._delivery(body["document"], left)
        new = self._delivery(body["document"], recipient)
        passage = Passage(left, old.made_level, iso(day_number(old.made or 0)))
        if new.made is not None:
            old.passages, old.ended = (*old.passages, passage), True
            self._r_of(old.document, -1)
            return
        new.passages, old.passages = (*new.passages, *old.passages, passage), ()
        new.made, old.made = old.made, None
        new.made_level, new.level = old.made_level, body.get("recipient_level", "")
        new.fetched_first, old.fetched_first = old.fetched_first, None
        new.arrived, old.arrived = old.arrived, None
        new.withdrawn, old.withdrawn = old.withdrawn, False

    def fetched(self, body: Body) -> None:
        if body.get("kind") in CARRIES:
            record = self._delivery(body["document"], body["recipient"])
            if record.fetched_first is None:
                record.fetched_first = Instant(body["at"])

    def delivered(self, body: Body) -> None:
        if body.get("kind") in CARRIES:
            record = self._delivery(body["document"], body["recipient"])
            if record.arrived is None:
                record.arrived = Instant(body["at"])

    def taken_back(self, body: Body) -> None:
        if body.get("kind") in CARRIES:
            self._delivery(body["document"], body["recipient"]).withdrawn = True

    # -- statuses, recalls, outages

    def status(self, body: Body) -> None:
        self._clock(body)
        code, document, reporter = body.get("status", ""), body.get("document", ""), body.get("sender", "")
        if body.get("notice") or code not in REPORTS or not document:
            return
        refusal = body.get("refusal", "")
        status_given(self._delivery(document, reporter), code, Instant(body["at"]), refusal)
        if code == "02" and refusal == WRONG_PLACE:
            record = self.records.documents.get(document)
            if record is not None and not record.misaddressed:
                self._document(document)
                record.misaddressed = True

    def _clock(self, body: Body) -> None:
        """K13: how far the reporter's clock is off."""
        declared = None if body.get("automatic") else read_declared(body.get("declared_time", ""))
        if declared is None:
            return
        counts = {"K13.n": 1}
        if abs(declared - body["at"]) > self.ref.clocks.clock_seconds * 1_000_000:
            counts["K13.skewed"] = 1
        self.of_events.add(_of_sender(body), counts)

    def asked(self, body: Body) -> None:
        record = self._recall((body["message"], body["recipient"]))
        if record is not None:
            record.state = body.get("to_state", "")
            return
        record = RecallRecord(
            body["message"],
            body["recipient"],
            body.get("recipient_level", ""),
            body.get("document", ""),
            Instant(body["at"]),
            body.get("to_state", ""),
        )
        pair = (record.message, record.recipient)
        self.records.recalls[pair] = record
        self.changed_recalls.add(pair)

    def answered(self, body: Body) -> None:
        record = self._recall((body["message"], body["recipient"]))
        if record is not None:
            record.state = body.get("to_state", "")
            record.answered = Instant(body["at"]) if record.answered is None else record.answered

    def _recall(self, pair: Pair) -> RecallRecord | None:
        record = self.records.recalls.get(pair)
        if record is not None and pair not in self.changed_recalls:
            self.changed_recalls.add(pair)
            self.of_events.add(*record.counts(), sign=-1)
        return record

    def outage(self, body: Body) -> None:
        found = Outage(body.get("agency", ""), Instant(body["from"]), Instant(body["to"]))
        self.records.outages[body["outage"]] = found
        self.changed_outages.add(body["outage"])

    def outage_over(self, body: Body) -> None:
        self.records.outages.pop(body["outage"], None)
        self.changed_outages.add(body["outage"])


def _of_sender(body: Body) -> Key:
    return Key(iso(day_number(body["at"])), body.get("sender", ""), body.get("sender_level", ""))


def read_declared(text: str) -> int | None:
    """The instant that a status declares, when it has a time of day; without an offset +07:00 (K13)."""
    if not _TIME.fullmatch(text):
        return None
    try:
        return from_datetime(datetime.fromisoformat(text.replace("/", "-")))
    except (ValueError, OverflowError):
        return None


_ACTS: dict[str, Callable[[Fold, Body], None]] = {
    "document.accepted": Fold.accepted,
    "document.rejudged": Fold.rejudged,
    "document.repeated": Fold.repeated,
    "submission.refused": Fold.refused,
    "delivery.queued": Fold.begun,
    "delivery.held": Fold.begun,
    "delivery.released": Fold.released,
    "delivery.rerouted": Fold.rerouted,
    "delivery.fetched": Fold.fetched,
    "delivery.delivered": Fold.delivered,
    "delivery.cancelled": Fold.taken_back,
    "delivery.rejected": Fold.taken_back,
    "status.reported": Fold.status,
    "recall.asked": Fold.asked,
    "recall.answered": Fold.answered,
    "outage.recorded": Fold.outage,
    "outage.withdrawn": Fold.outage_over,
}
