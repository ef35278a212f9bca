"""Events of a log, one after the other, into what the recount counts.

In charge of: what each type of event changes. Written from ``docs/figures.md`` and ``docs/events.md`` alone.
Not in charge of: reading the log (``recount_log.py``), the counting (``recount_counts.py``).

The order of the events is that of the log: *first* and *newest* mean places there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from hashlib import blake2b
from typing import Any

from gateway.compliance.recount_calendar import MINUTE, day_of, instant_of, number_of
from gateway.compliance.recount_records import NO_DATE, Declared, Deliveries, Document, Recall, Reference
from gateway.compliance.recount_signatures import read_signatures

Body = Mapping[str, Any]
OUTSIDE = "outside"
_MAKES_D = frozenset({"new", "replace"})
_MAKES_R = frozenset({"new", "replace", "update"})
_MOVED_ON = frozenset({"04", "05", "06"})


class Ledger:
    """Everything that was read so far. ``plain``: counts that one event makes alone, by day, agency, its
    level, name."""

    def __init__(self, excluded: Iterable[str] = (), clock: int = 5 * MINUTE, paper_too: Iterable[str] = ()):
        self.documents: dict[str, Document] = {}
        self.deliveries = Deliveries()
        self.recalls: dict[tuple[str, str], Recall] = {}
        self.reference = Reference()
        self.twins: Counter[tuple[str, int, str, str]] = Counter()
        self.plain: Counter[tuple[int, str, str, str]] = Counter()
        self.days: set[int] = set()  # on which anything happened
        self.newest = 0
        self._excluded, self._clock, self._paper_too = frozenset(excluded), clock, frozenset(paper_too)
        self._submitted: set[bytes] = set()
        self._shared: dict[tuple[str, ...], tuple[str, ...]] = {}
        self._takes = self._table()

    def _table(self) -> dict[str, Callable[[Body], None]]:
        return {
            "document.accepted": self._accepted,
            "document.rejudged": self._rejudged,
            "document.repeated": self._repeated,
            "submission.refused": self._submission_refused,
            "status.reported": self._status,
            "delivery.queued": self._queued,
            "delivery.held": self._queued,
            "delivery.released": self._released,
            "delivery.rerouted": self._rerouted,
            "delivery.fetched": self._fetched,
            "delivery.delivered": self._delivered,
            "delivery.cancelled": self._withdrawn,
            "delivery.rejected": self._withdrawn,
            "recall.asked": self._asked,
            "recall.answered": self._answered,
            "calendar.approved": self._calendar,
            "outage.recorded": self._outage,
            "outage.withdrawn": self._outage_withdrawn,
            "totals.declared": self._totals,
        }

    def take(self, body: Body) -> None:
        """One more event. ``KeyError``, ``TypeError`` or ``ValueError`` when it lacks what it must have."""
        at = body["at"]
        self.newest = max(self.newest, at)
        self.days.add(day_of(at))
        handler = self._takes.get(body["type"])
        if handler is not None:
            handler(body)

    def is_counted(self, agency: str, level: str) -> bool:
        """False for agencies outside every figure."""
        return bool(agency) and level != OUTSIDE and agency not in self._excluded

    def _count(self, body: Body, role: str, name: str) -> None:
        agency, level = body.get(role, ""), body.get(f"{role}_level", "")
        if self.is_counted(agency, level):
            self.plain[day_of(body["at"]), agency, level, name] += 1

    # documents

    def _accepted(self, body: Body) -> None:
        if body["kind"] not in _MAKES_D:
            return
        first = self._is_first(body["sender"], body["document_id"])
        if first:
            self._count(body, "sender", "Kf.n")
        if body["document"] in self.documents:
            return
        document = self._document(body)
        document.first = first
        self.documents[document.id] = document
        if document.series is not None:
            self.twins[document.series] += 1

    def _document(self, body: Body) -> Document:
        promulgated, year = _promulgation(str(body.get("promulgation_date", "")))
        files, paper = body.get("files", ()), (body.get("paper") or "").strip()
        number = body.get("number", "")
        series = (body["sender"], year, number, body.get("notation", "")) if number and year else None
        about_signatures, others = self._rules(body)
        on_paper = paper not in ("", "0")
        return Document(
            id=body["document"],
            message=body["message"],
            agency=body["sender"],
            level=body.get("sender_level", ""),
            at=body["at"],
            day=day_of(body["at"]),
            replaces=body["kind"] == "replace",
            held=body["decision"] == "hold",
            urgent=body.get("urgency", 0) >= 1,
            paper=on_paper,
            paper_outside=on_paper and self._paper_too.isdisjoint(body.get("recipients", ())),
            promulgated=promulgated,
            series=series,
            authority=body.get("authority", "no_list"),
            metadata=not body.get("metadata", ()),
            subject=body.get("subject_present", True),
            pdfs=sum(one.get("format") == "pdf" for one in files),
            files=len(files),
            unopened=any(one.get("opens") is False for one in files),
            signatures=read_signatures(body.get("verdicts", ())),
            rules=others,
            signature_rules=about_signatures,
        )

    def _rules(self, body: Body) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Rules of the findings: about signatures, and others; each combination kept once in memory."""
        rules = sorted({finding["rule"] for finding in body.get("findings", ())})
        ours = tuple(rule for rule in rules if rule.startswith("signature."))
        others = tuple(rule for rule in rules if not rule.startswith("signature."))
        return self._shared.setdefault(ours, ours), self._shared.setdefault(others, others)

    def _rejudged(self, body: Body) -> None:
        document = self.documents.get(body["document"])
        if document is None or document.message != body["message"]:
            return
        document.signatures = read_signatures(body.get("verdicts", ()))
        document.authority = body.get("authority", document.authority)
        document.signature_rules = self._rules(body)[0]

    def _repeated(self, body: Body) -> None:
        self._count(body, "sender", "G.repeated")

    def _submission_refused(self, body: Body) -> None:
        rules = [finding["rule"] for finding in body.get("findings", ())]
        code = body.get("reason_code", "")
        if any(rule.startswith("secrecy.") for rule in (code, *rules)):
            self._count(body, "sender", "G.secret")
            return
        self._count(body, "sender", "G.refused")
        if code == "duplicate.conflict":
            self._count(body, "sender", "K14.conflict")
        if code.startswith("duplicate.") or body.get("kind", "new") not in _MAKES_D:
            return
        if self._is_first(body.get("sender", ""), body.get("document_id", "")):
            self._count(body, "sender", "Kf.n")

    def _is_first(self, sender: str, document_id: str) -> bool:
        """True when nobody submitted this before; without a DocumentId it is always so."""
        if not document_id:
            return True
        key = blake2b(f"{sender}\0{document_id}".encode(), digest_size=16).digest()
        if key in self._submitted:
            return False
        self._submitted.add(key)
        return True

    # deliveries

    def _queued(self, body: Body) -> None:
        if body["kind"] not in _MAKES_R:
            return
        document, agency = body["document"], body["recipient"]
        if self.deliveries.place(document, agency) >= 0:
            return
        level = body.get("recipient_level", "")
        self.deliveries.add(document, agency, level, body["at"])
        addressed = body.get("addressed", agency)
        if addressed != agency and self.is_counted(addressed, level):
            self.plain[day_of(body["at"]), addressed, level, "R.history"] += 1

    def _released(self, body: Body) -> None:
        document = self.documents.get(body["document"])
        if document is not None and body["kind"] in _MAKES_R:
            document.released = True

    def _rerouted(self, body: Body) -> None:
        if body["kind"] not in _MAKES_R:
            return
        document, new, all_ = body["document"], body["recipient"], self.deliveries
        old = body.get("rerouted_from") or body["addressed"]
        place = all_.place(document, old)
        if place < 0 or old == new:
            return
        level = all_.names[all_.level[place]]
        if self.is_counted(old, level):
            self.plain[day_of(all_.made[place]), old, level, "R.history"] += 1
        all_.move(document, old, new, body.get("recipient_level", ""))

    def _place(self, body: Body) -> int:
        if body["kind"] not in _MAKES_R:
            return -1
        return self.deliveries.place(body["document"], body["recipient"])

    def _fetched(self, body: Body) -> None:
        place = self._place(body)
        if place >= 0 and not self.deliveries.fetched[place]:
            self.deliveries.fetched[place] = body["at"]

    def _delivered(self, body: Body) -> None:
        place = self._place(body)
        if place >= 0 and not self.deliveries.arrived[place]:
            self.deliveries.arrived[place] = body["at"]

    def _withdrawn(self, body: Body) -> None:
        place = self._place(body)
        if place >= 0:
            self.deliveries.withdrawn[place] = 1

    # statuses and recalls

    def _status(self, body: Body) -> None:
        if body.get("notice"):
            return
        self._look_at_clock(body)
        place = self.deliveries.place(body["document"], body["sender"])
        code, at, all_ = body["status"], body["at"], self.deliveries
        if code == "02" and body.get("refusal") == "R01" and body["document"] in self.documents:
            self.documents[body["document"]].misaddressed = True
        if place < 0:
            return
        if code == "01":
            all_.system[place] = all_.system[place] or at
        elif code in ("02", "03"):
            all_.answered[place] = all_.answered[place] or at
            self._answer(place, code, at, str(body.get("refusal", "R99")))
        elif code in _MOVED_ON:
            all_.moved[place] = all_.moved[place] or at

    def _answer(self, place: int, code: str, at: int, refusal: str) -> None:
        all_ = self.deliveries
        if code == "02" and not all_.refused[place]:
            all_.refused[place], all_.refusal[place] = at, refusal
        elif code == "03" and not all_.accepted[place]:
            all_.accepted[place] = at
            all_.overturned[place] = all_.refused[place] > 0

    def _look_at_clock(self, body: Body) -> None:
        if body.get("automatic"):
            return
        declared = instant_of(body.get("declared_time", ""))
        if declared is None:
            return
        self._count(body, "sender", "K13.n")
        if abs(declared - body["at"]) > self._clock:
            self._count(body, "sender", "K13.skewed")

    def _asked(self, body: Body) -> None:
        key = (body["message"], body["recipient"])
        known = self.recalls.get(key)
        if known is None:
            level = body.get("recipient_level", "")
            self.recalls[key] = Recall(body["recipient"], level, body["at"], body["to_state"])
        else:
            known.state = body["to_state"]

    def _answered(self, body: Body) -> None:
        known = self.recalls.get((body["message"], body["recipient"]))
        if known is not None:
            known.state = body["to_state"]
            known.answered = known.answered or body["at"]

    # reference data

    def _calendar(self, body: Body) -> None:
        self.reference.calendars.pop(str(body["version"]), None)  # the newest approval stands last
        self.reference.calendars[str(body["version"])] = str(body["sha256"])

    def _outage(self, body: Body) -> None:
        self.reference.outages[body["outage"]] = (body["from"], body["to"], body.get("agency", ""))

    def _outage_withdrawn(self, body: Body) -> None:
        self.reference.outages.pop(body["outage"], None)

    def _totals(self, body: Body) -> None:
        first, last = (number_of(date.fromisoformat(body[end])) for end in ("from", "to"))
        self.reference.totals.append(Declared(body["agency"], first, last, body["outgoing_total"]))


def _promulgation(text: str) -> tuple[int, int]:
    """The day and its year; ``NO_DATE`` and 0 for what is no ISO day."""
    if len(text) != 10:
        return NO_DATE, 0
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return NO_DATE, 0
    return number_of(day), day.year


__all__ = ["OUTSIDE", "Body", "Ledger"]
