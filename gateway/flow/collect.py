"""What a partner keeps for us goes through the gate.

In charge of: one item of a partner, from its bytes to what the partner is told about it, with the row that
remembers it in the same transaction as the message or the refusal. Not in charge of: asking for lists and
confirming (``delivery/collect.py``), the gate (``submit.py``).

Nothing is told to the partner before that row is on disk. If we die between the two, the item is listed
again, its row is found, and the partner is told then: it is never taken twice.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import structlog

from gateway.clock import SECOND
from gateway.errors import DuplicateConflict, GatewayError, NotPermitted, Refused, TooLarge, Unreadable
from gateway.flow import record
from gateway.flow.door import Caller, receive
from gateway.flow.examine import Examination
from gateway.flow.submit import Answer, Postponed, submit
from gateway.model.envelope import Kind
from gateway.model.event import EventType
from gateway.model.finding import Severity
from gateway.model.text import AgencyCode, Bilingual, Instant
from gateway.port import Unavailable, Waiting
from gateway.services import Services
from gateway.store import collected, events
from gateway.store.collected import Collected, Outcome
from gateway.store.contract import Tx
from gateway.store.people import Role

log = structlog.get_logger("gateway.collect")

EARLY = "status.unknown_document"  # checks/amendment.py
FETCHES = 5  # of what looks damaged, one in each look, before the partner is told ``fail``
SEALS = frozenset({"signature.tampered", "signature.malformed", "signature.pdf_tampered"})
PATIENCE = 24 * 3600 * SECOND  # a status may be here so long before its document
# The same bytes would get the same answer again. Everything else passes, and the item stays where it is.
FINAL = (Unreadable, Refused, DuplicateConflict, NotPermitted)


@dataclass(frozen=True, slots=True)
class Doubted:
    """The bytes cannot be read, or broke a seal: damaged on their way, perhaps. Nobody was told anything."""


async def collect(
    gw: Services,
    partner: AgencyCode,
    item: Waiting,
    chunks: AsyncIterator[bytes],
    *,
    seen: Collected | None = None,
    doubted: int = 0,
) -> Collected | Doubted:
    """Take one item in. On return its row is on disk (but for ``Doubted``).

    ``seen``: its row, when it waits for its document. ``doubted``: how often it looked damaged
    before. Raises what passes: ``Unavailable``, ``Busy``.
    """
    desk = _Desk(gw, partner, item, seen.first_seen if seen else gw.clock.now())
    try:
        upload = await receive(gw, chunks)
    except TooLarge as error:
        return await desk.refuse(error)
    if not upload.size:
        upload.staging.discard()
        raise Unavailable("answer.empty", _EMPTY)
    sha256 = upload.sha256
    try:
        await submit(
            gw,
            caller_of(partner),
            upload,
            beside=desk.keep,
            patience=lambda exam: desk.should_wait(exam, doubted + 1 < FETCHES),
        )
    except Postponed as wait:
        return await desk.wait(sha256) if desk.is_early(wait.exam) else Doubted()
    except FINAL as error:
        log.info("not taken", partner=partner, doc_id=item.doc_id, code=error.code)
    return await desk.kept()


def caller_of(partner: AgencyCode) -> Caller:
    """The axis as a caller: it speaks for agencies beyond it, and has no right besides."""
    return Caller(f"partner:{partner}", f"Trục {partner}", Role.SYSTEM, frozenset(), partner)


@dataclass(frozen=True, slots=True)
class _Desk:
    """One item on its way in."""

    gw: Services
    partner: AgencyCode
    item: Waiting
    first_seen: Instant

    def should_wait(self, exam: Examination, once_more: bool) -> bool:
        """True for what may look different the next time. ``once_more``: it was not fetched often enough."""
        return (once_more and looks_damaged(exam)) or self.is_early(exam)

    def is_early(self, exam: Examination) -> bool:
        """A status whose document may still come."""
        early = exam.envelope is not None and exam.envelope.kind is Kind.STATUS and _refusing(exam) == {EARLY}
        return early and self.gw.clock.now() - self.first_seen < PATIENCE

    def keep(self, tx: Tx, answer: Answer) -> None:
        """The item's row and event, in the transaction of the message or its refusal."""
        at = self.gw.clock.now()
        outcome = Outcome(answer.outcome)
        row = self._row(
            outcome, answer.envelope_sha256, at, answer.message, answer.reason_code, answer.reason
        )
        collected.put(tx, row)
        kept = record.event(
            self.gw,
            EventType.PARTNER_COLLECTED,
            record.GATEWAY,
            at,
            message=answer.message,
            envelope_sha256=answer.envelope_sha256.hex(),
            reason_code=answer.reason_code,
            facts={
                "partner": self.partner,
                "doc_id": self.item.doc_id,
                "kind": self.item.kind,
                "outcome": outcome.value,
            },
        )
        events.record(tx, kept)

    async def refuse(self, error: GatewayError) -> Collected:
        """An item whose bytes did not even come to their end."""
        answer = Answer(Outcome.REFUSED.value, b"", "", error.code, error.text.vi)
        await self.gw.store.write(lambda tx: self.keep(tx, answer))
        return await self.kept()

    async def wait(self, sha256: bytes) -> Collected:
        """A status whose document is not here yet."""
        row = self._row(Outcome.WAITING, sha256, self.gw.clock.now(), "", EARLY, "")
        await self.gw.store.write(lambda tx: collected.put(tx, row))
        return row

    async def kept(self) -> Collected:
        """The row as it stands; counted."""
        row = await self.gw.store.read(lambda tx: collected.find(tx, self.partner, self.item.doc_id))
        assert row is not None  # written with the answer
        adapter = self.gw.directory.profile(self.partner).adapter
        self.gw.metrics.collected.labels(adapter, row.outcome.value).inc()
        return row

    def _row(
        self, outcome: Outcome, sha256: bytes, at: Instant, message: str, code: str, reason: str
    ) -> Collected:
        return Collected(
            partner=self.partner,
            doc_id=self.item.doc_id,
            kind=self.item.kind,
            envelope_sha256=sha256 or None,
            message=message,
            outcome=outcome,
            reason_code=code,
            reason=reason,
            declared=self.item.declared,
            first_seen=self.first_seen,
            collected_at=at,
        )


def looks_damaged(exam: Examination) -> bool:
    """True for what a byte that changed on the way could have done: nothing readable, or a broken seal."""
    return exam.envelope is None or bool(_refusing(exam) & SEALS)


def _refusing(exam: Examination) -> set[str]:
    return {finding.rule for finding in exam.findings if finding.severity is Severity.REFUSE}


_EMPTY = Bilingual("Trục trả về gói tin rỗng.", "The partner gave an empty message.")
