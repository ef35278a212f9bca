"""What a message about an earlier document does to it, in the transaction that accepts the message.

In charge of: which messages ask for a document back, from whom, and which are answers. Not in charge of: what
that changes (``withdraw.py``).

13 asks the one recipient that it names; a revoke (kind 1) those in its ``To``; an update (kind 2) those that
it takes off the list of recipients. 15 and 16 answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gateway.flow import withdraw
from gateway.flow.accept import Plan
from gateway.flow.facts import private_of
from gateway.flow.withdraw import Answer, Asked, Notice
from gateway.model.delivery import Hop
from gateway.model.envelope import Kind
from gateway.model.recall import RecallCause
from gateway.model.status import StatusCode
from gateway.model.text import AgencyCode
from gateway.services import Services
from gateway.store import messages, recalls
from gateway.store.contract import Tx
from gateway.store.payloads import StoredPayload

CAUSES = {
    Kind.STATUS: RecallCause.STATUS,
    Kind.REVOKE: RecallCause.REVOKE,
    Kind.UPDATE: RecallCause.UPDATE,
}


def follow(tx: Tx, gw: Services, plan: Plan) -> list[StoredPayload]:
    """Do it; payloads whose key is gone with the commit."""
    code = plan.envelope.status.code if plan.envelope.status else ""
    if code in (StatusCode.CHANGE_AGREED.value, StatusCode.CHANGE_REFUSED.value):
        return withdraw.answered(tx, gw, _answer(plan, code == StatusCode.CHANGE_AGREED.value))
    gone = _late(tx, gw, plan) if plan.exam.known.repeats else []
    asked = tuple(_asked(gw, plan, code))
    if not asked and plan.identity.kind is not Kind.REVOKE:
        return gone
    notice = Notice(
        plan.message,
        plan.document,
        plan.identity.document_sender,
        CAUSES[plan.identity.kind],
        plan.actor,
        plan.at,
    )
    return gone + withdraw.ask(tx, gw, notice, asked)


def _asked(gw: Services, plan: Plan, code: str) -> Iterator[Asked]:
    kind, hops = plan.identity.kind, _new_hops(plan)
    if code == StatusCode.RECALL_ASKED.value:
        yield from _ways_to(plan.identity.about, hops)
    elif kind is Kind.REVOKE:
        for hop in hops:
            yield Asked(hop.recipient, hop.addressed)
    elif kind is Kind.UPDATE:
        removed = {
            AgencyCode(gw.directory.canonical(change.organ_id))
            for change in plan.envelope.business.receiver_changes
            if not change.added
        }
        known = plan.exam.known.addressed if plan.exam.known.repeats else frozenset[str]()
        for addressed in sorted(removed - known):
            yield from _ways_to(addressed, plan.exam.hops)


def _ways_to(code: AgencyCode, hops: Sequence[Hop]) -> Iterator[Asked]:
    """Everybody who stands for a code that the message names; the code itself when nobody does."""
    ways = [hop for hop in hops if code in (hop.addressed, hop.in_place_of)]
    if not ways:
        yield Asked(code, code)
    for hop in ways:
        yield Asked(hop.recipient, hop.addressed)


def _new_hops(plan: Plan) -> list[Hop]:
    """The hops that this upload adds: all, unless it repeats a message."""
    known = plan.exam.known
    return [hop for hop in plan.exam.hops if not known.repeats or hop.addressed not in known.addressed]


def _late(tx: Tx, gw: Services, plan: Plan) -> list[StoredPayload]:
    """A repeat of the document names further recipients: those that a later recall was about get nothing."""
    if plan.identity.kind not in (Kind.NEW, Kind.REPLACE, Kind.UPDATE):
        return []
    first = messages.find(tx, plan.message)
    assert first is not None
    gone = []
    for hop in _new_hops(plan):
        rows = recalls.of_recipient(tx, plan.document, hop.recipient)
        if rows and rows[-1].asked_at >= first["accepted_at"] and rows[-1].message != plan.message:
            gone += withdraw.late(tx, gw, plan.message, rows[-1], plan.actor, plan.at)
    return gone


def _answer(plan: Plan, agreed: bool) -> Answer:
    status = plan.envelope.status
    _, staff = private_of(plan.envelope).get("staff", (b"", ""))
    return Answer(
        message=plan.message,
        document=plan.document,
        sender=plan.identity.document_sender,
        reporter=plan.identity.sender,
        agreed=agreed,
        actor=plan.actor,
        at=plan.at,
        declared_time=status.timestamp if status else "",
        staff=staff,
    )
