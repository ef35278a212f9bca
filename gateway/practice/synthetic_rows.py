"""Rows that stand for synthetic documents and deliveries in a store.

In charge of: what lists, drill-down and the deliveries' table show: documents, messages, deliveries as they
are at the end of the run, refusals, declared totals; and the event ``document.accepted``, whose facts the
message's row shares. There is no content: every payload is one that is not there. Not in charge of: writing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from gateway.model.event import EventType
from gateway.model.text import Instant
from gateway.practice import synthetic_bodies as bodies
from gateway.practice.synthetic_bodies import Made, Parcel
from gateway.practice.synthetic_letters import Letter
from gateway.practice.synthetic_units import Unit
from gateway.practice.synthetic_way import Journey, Run

HELD = {"rule": "secrecy.suspected", "severity": "hold"}
_HEADER = ("number", "notation", "type_name", "promulgation_date", "urgency", "paper", "file_count", "files")
_RANK = (3, 2, 1, 0, 0)  # as ``store/deliveries.URGENCY_RANK``
_SHOWN = (
    "indication", "sub_indication", "certificate_sha256", "agency", "role", "signing_time", "time_source",
    "algorithm", "rule_set", "coverage", "signed_sha256",
)  # fmt: skip
_REASON = {"vi": "Chữ ký số mô phỏng.", "en": "A simulated signature."}


class Filing:
    """Writes what happened into the rows of a run. ``calendar``: the version in force."""

    def __init__(self, run: Run, calendar: str) -> None:
        self._run, self._calendar = run, calendar

    def accepted(
        self, letter: Letter, document: str, message: str, recipients: Sequence[Unit],
        *, held: bool, replaces: str = "", known: bool = False,
    ) -> str:  # fmt: skip
        """The event of a message that passed the gate, and its rows; ``known``: its document is there. The
        SHA-256 that stands for its envelope."""
        run, dice, at = self._run, self._run.dice, letter.sent
        facts = letter.facts | {"recipients": [unit.code for unit in recipients], "calendar": self._calendar}
        if held:
            facts |= {"decision": "hold", "findings": [*facts["findings"], HELD]}
        private = {"subject": (dice.salt(), letter.subject), "signer": (dice.salt(), letter.sender.leader)}
        made = bodies.plain(
            EventType.DOCUMENT_ACCEPTED, at, dice.id(Instant(at + 2)), letter.sender.principal, facts,
            private, document=document, message=message, sender=letter.sender.code,
            sender_level=letter.sender.level, declared_time=letter.facts["promulgation_date"],
            envelope_sha256=(envelope := dice.digest()),
            rule_set=bodies.RULE_SET,
        )  # fmt: skip
        run.put(made, private)
        rows = run.rows
        if not known:
            rows.documents.append(
                {
                    "id": document, "sender": letter.sender.code, "document_id": letter.document_id,
                    "first_message": message, "number_key": letter.number_key, "created_at": at,
                }
            )  # fmt: skip
        if replaces:
            rows.links.append({"document": document, "replaces": replaces})
        self._message(letter, made, facts, bytes.fromhex(envelope))
        return envelope

    def _message(self, letter: Letter, made: Made, facts: Mapping[str, Any], envelope: bytes) -> None:
        size, rows = letter.size, self._run.rows
        rows.payloads.append({"sha256": envelope, "size": size, "at": made.at})
        rows.messages.append(
            {
                "id": made.message, "document": made.document, "kind": letter.kind, "duplicate_key": envelope,
                "sender": made.sender, "envelope_sha256": envelope,
                "content_digest": bytes.fromhex(facts["content_digest"]), "size": size, "dialect": "java",
                "decision": facts["decision"], "caller": letter.sender.principal, "rule_set": bodies.RULE_SET,
                "urgency": letter.urgency, "header": _json({name: facts[name] for name in _HEADER}),
                "findings": _json([_finding(one) for one in facts["findings"]]),
                "verdicts": _json([_verdict(one, letter) for one in facts["verdicts"]]), "timings": "{}",
                "event": made.id, "accepted_at": made.at,
            }
        )  # fmt: skip

    def delivery(self, letter: Letter, parcel: Parcel, way: Journey, begun: Instant, addressed: str) -> None:
        """The delivery as it is at the end."""
        self._run.rows.deliveries.append(
            {
                "id": parcel.delivery, "message": parcel.message, "document": parcel.document,
                "kind": parcel.kind, "sender": parcel.sender.code, "document_id": letter.document_id,
                "addressed": addressed or parcel.recipient.code, "recipient": parcel.recipient.code,
                "adapter": parcel.recipient.adapter, "pull": int(parcel.recipient.pulls),
                "urgency": parcel.urgency, "urgency_rank": _RANK[parcel.urgency], "state": way.state,
                "attempts": 0 if parcel.recipient.pulls or way.done is None else 1,
                "accepted_at": letter.sent, "queued_at": begun, "fetched_at": way.fetched,
                "settled_at": way.settled,
                "reason_code": way.reason_code, "status_code": way.status, "status_at": way.status_at,
            }
        )  # fmt: skip

    def held(self, letter: Letter, parcel: Parcel, rule: str) -> None:
        """A delivery that nobody let go."""
        self.delivery(letter, parcel, Journey("held", reason_code=rule), letter.sent, "")

    def refusal(self, made: Made, sender: Unit) -> None:
        """What the gate did not take."""
        if made.at < self._run.end:
            body = orjson.loads(made.body)
            self._run.rows.refusals.append(
                {
                    "caller": sender.principal, "envelope_sha256": bytes.fromhex(body["envelope_sha256"]),
                    "rule_set": bodies.RULE_SET, "at": made.at, "event": made.id,
                }
            )  # fmt: skip

    def declared(self, made: Made, facts: Mapping[str, Any], unit: Unit) -> None:
        """What an agency says of its register."""
        if made.at < self._run.end:
            names = ("agency", "outgoing_total", "paper_only", "secret_count", "to_non_state", "source")
            self._run.rows.declared.append(
                {name: facts[name] for name in names}
                | {
                    "id": made.id, "from_day": facts["from"], "to_day": facts["to"], "event": made.id,
                    "declared_by": unit.principal, "declared_at": made.at,
                }
            )  # fmt: skip


def _finding(fact: Mapping[str, str]) -> dict[str, str]:
    """The shape of ``Finding.as_json``."""
    return {**fact, "where": "", "clause": "", "vi": "Phát hiện mô phỏng.", "en": "A simulated finding."}


def _verdict(fact: Mapping[str, Any], letter: Letter) -> dict[str, Any]:
    """The shape of ``Verdict.as_json``."""
    number = fact["file"]
    return {name: fact[name] for name in _SHOWN} | {
        "where": f"phu-luc-{number}.pdf" if number else "van-ban.pdf",
        "signer": f"CN={letter.sender.name}",
        "checked_at": "",
        "proofs": [],
        "reason": _REASON,
    }


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()


__all__ = ["Filing"]
