"""A kept message is judged again: its bytes as they came, what is known of certificates now.

In charge of: judging as the gate does, as of the moment of receipt; comparing with the judgement that counts;
recording what changed, with its consequences, in one transaction. Not in charge of: when (the loop in
``delivery/recheck.py``, or a person).

A signature that turns out to be one that the gate refuses cannot be called back from whoever has it, so what
still waits is held for a person, and sender and recipient see the new finding with the document.
"""

from __future__ import annotations

import enum
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from gateway.checks.policies import apply_policies
from gateway.clock import SECOND
from gateway.errors import NotFound
from gateway.flow import facts, record
from gateway.flow.competence import MAKES_A_DOCUMENT
from gateway.flow.door import Caller, receive, stated
from gateway.flow.examine import Bench, Reading, judge_authority, judge_signatures
from gateway.flow.payload import of_message, open_stored
from gateway.flow.signatures import note_verdicts
from gateway.flow.submit import bench_for, read_upload
from gateway.model.delivery import Delivery, State
from gateway.model.event import EventType
from gateway.model.finding import Finding, Severity
from gateway.model.text import AgencyCode, Instant
from gateway.model.verdict import Indication, Verdict
from gateway.services import Services
from gateway.store import deliveries, events, messages, proofs, rechecks
from gateway.store.contract import Row, Tx
from gateway.store.deliveries import Change
from gateway.store.people import Role
from gateway.store.rechecks import Cause, Judgement, Recheck

# Rules of findings on signatures and on who signed begin so; all others stay as they were.
OURS = ("signature.", "competence.")
MINUTE = 60 * SECOND
WAITS = (MINUTE, 2 * MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE, 60 * MINUTE, 180 * MINUTE, 360 * MINUTE)
DROP_AFTER = 60 * 24 * 60 * MINUTE  # then the last verdict stands
MOST_READINGS = 5  # of a file that cannot be read: each may cost a worker its whole time
# What is compared: another sentence or a fresher answer alone is no other judgement.
_COMPARED = (
    "where",
    "certificate_sha256",
    "indication",
    "sub_indication",
    "agency",
    "role",
    "time_source",
    "coverage",
)


class Outcome(enum.Enum):
    """What came of judging again."""

    CHANGED = "changed"
    UNCHANGED = "unchanged"
    UNREAD = "unread"  # a worker failed, the verdicts stand: later
    GIVEN_UP = "given_up"  # the same for the last time
    GONE = "gone"  # the content was destroyed, or can no longer be read: the last verdict stands


@dataclass(frozen=True, slots=True)
class Judged:
    """``verdicts``: those that count from now on; ``held``: deliveries that now wait for a person."""

    message: str
    outcome: Outcome
    verdicts: tuple[dict[str, Any], ...] = ()  # as stored
    held: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _New:
    """The new judgement, before it is compared."""

    verdicts: tuple[Verdict, ...]
    findings: tuple[Finding, ...]  # on signatures and signer
    facts: dict[str, Any]  # of the event
    cause: Cause
    actor: str
    reason: str
    at: Instant


async def rejudge_due(gw: Services, message: str) -> Judged:
    """Judge a message again for the reasons that are due; they end, or wait for their next time."""
    seen = await gw.store.read(lambda tx: rechecks.of_message(tx, message))
    due = [one for one in seen if one.due_at <= gw.clock.now()]
    cause = next((one.cause for one in due if one.cause is not Cause.ANSWER), Cause.ANSWER)
    return await _rejudge(gw, message, due, cause, record.GATEWAY)


async def recheck_document(gw: Services, caller: Caller, reference: str, reason: str) -> list[Judged]:
    """A person asks: every message of a document is judged again, now."""
    caller.require(Role.OPERATOR, Role.ADMINISTRATOR)
    reason = stated(reason)
    found = await gw.store.read(lambda tx: _messages_of(tx, reference))
    if not found:
        raise NotFound(code="document.unknown")
    return [await _rejudge(gw, message, [], Cause.PERSON, caller.principal, reason) for message in found]


async def postpone(gw: Services, message: str) -> None:
    """It could not be judged now for a reason of our own: later."""
    now = gw.clock.now()

    def unit(tx: Tx) -> None:
        for one in rechecks.of_message(tx, message):
            if one.due_at <= now:
                _wait_or_end(tx, one, now)

    await gw.store.write(unit)


async def _rejudge(
    gw: Services, message: str, due: Sequence[Recheck], cause: Cause, actor: str, reason: str = ""
) -> Judged:
    row = await gw.store.read(lambda tx: messages.find(tx, message))
    if row is None:
        raise NotFound(code="message.unknown")
    bench = replace(bench_for(gw, frozenset()), received_at=row["accepted_at"])
    reading = await _read_again(gw, row["id"], bench)
    if reading is None:
        await gw.store.write(lambda tx: [rechecks.end(tx, one) for one in due])
        return Judged(message, Outcome.GONE)
    if await _was_read_better(gw, row, reading):
        await postpone(gw, message)
        outcome = _unchanged(due, True, gw.clock.now())
        gw.metrics.rechecks.labels(outcome.value).inc()
        return Judged(message, outcome)
    authority, competence = judge_authority(reading, bench)
    found = [*judge_signatures(reading, bench), *competence]
    findings = tuple(apply_policies(found, AgencyCode(row["sender"]), bench.at, bench.policies))
    said: dict[str, Any] = {"verdicts": facts.verdict_facts(reading.verdicts, reading.envelope)}
    if reading.envelope.kind in MAKES_A_DOCUMENT:
        said["authority"] = authority.value
    new = _New(reading.verdicts, findings, said, cause, actor, reason, gw.clock.now())
    judged = await gw.store.write(lambda tx: _record(tx, gw, row, due, new))
    gw.metrics.rechecks.labels(judged.outcome.value).inc()
    return judged


async def _was_read_better(gw: Services, row: Row, reading: Reading) -> bool:
    """True when signatures of a file were read before, and now the file was not: a worker hung or died. The
    bytes are the same, so what was found in them is not lost to that."""
    before = await gw.store.read(lambda tx: _verdicts_before(tx, row))
    read = {str(verdict["where"]) for verdict in before if verdict["certificate_sha256"]}
    unread = Indication.INDETERMINATE
    return any(
        one.where in read and one.indication is unread and not one.certificate_sha256
        for one in reading.verdicts
    )


def _verdicts_before(tx: Tx, row: Row) -> list[dict[str, Any]]:
    """The verdicts that count until now, as stored."""
    before = rechecks.newest_judgement(tx, row["id"])
    stored: list[dict[str, Any]] = before.verdicts if before else orjson.loads(row["verdicts"])
    return stored


async def _read_again(gw: Services, message: str, bench: Bench) -> Reading | None:
    """Message and files through the eyes of the gate; ``None``: destroyed, or not readable any more."""
    stored = await gw.store.read(lambda tx: of_message(tx, message))
    try:
        payload = await open_stored(gw, stored)
    except NotFound:
        return None

    async def chunks() -> AsyncIterator[bytes]:
        for chunk in payload.chunks:
            yield chunk

    upload = await receive(gw, chunks())
    try:
        reading = await read_upload(gw, upload, bench)
    finally:
        upload.staging.discard()
    return reading if isinstance(reading, Reading) else None


def _record(tx: Tx, gw: Services, row: Row, due: Sequence[Recheck], new: _New) -> Judged:
    """Settle the reasons that were due, and write the judgement if it differs from the one that counts."""
    unread = any(verdict.unread for verdict in new.verdicts)
    still_open = {verdict.certificate_sha256 for verdict in new.verdicts if verdict.is_open}
    still_open |= {rechecks.A_FILE} if unread else set()
    ours = [_settle(tx, one, one.waits_for in still_open, new.at) for one in due]
    before = rechecks.newest_judgement(tx, row["id"])
    verdicts = _verdicts_before(tx, row)
    if due and not any(ours):
        return Judged(row["id"], Outcome.UNCHANGED, tuple(verdicts))  # another process was first
    shown = tuple(verdict.as_json() for verdict in new.verdicts)
    if _essence(verdicts) == _essence(shown):
        return Judged(row["id"], _unchanged(due, unread, new.at), tuple(verdicts))
    stored = before.findings if before else orjson.loads(row["findings"])
    _write(tx, gw, row, stored, new)
    worse = _newly_refused(stored, new.findings)
    held = tuple(_hold(tx, gw, row["id"], worse, new.at)) if worse else ()
    return Judged(row["id"], Outcome.CHANGED, shown, held)


def _unchanged(due: Sequence[Recheck], unread: bool, at: Instant) -> Outcome:
    """How it is called that the verdicts stay what they were."""
    if not unread:
        return Outcome.UNCHANGED
    last = any(one.cause is Cause.UNREAD and _is_last(one, at) for one in due)
    return Outcome.GIVEN_UP if last else Outcome.UNREAD


def _settle(tx: Tx, one: Recheck, is_open: bool, now: Instant) -> bool:
    """Done with this reason, or, while its answer is missing, later. False: it was changed meanwhile."""
    return _wait_or_end(tx, one, now) if is_open and one.waits_for else rechecks.end(tx, one)


def _wait_or_end(tx: Tx, one: Recheck, now: Instant) -> bool:
    if _is_last(one, now):
        return rechecks.end(tx, one)
    return rechecks.postpone(tx, one, Instant(now + WAITS[min(one.tries, len(WAITS) - 1)]))


def _is_last(one: Recheck, now: Instant) -> bool:
    """After this try the last verdict stands."""
    too_often = one.cause is Cause.UNREAD and one.tries + 1 >= MOST_READINGS
    return too_often or now - one.since >= DROP_AFTER


def _write(tx: Tx, gw: Services, row: Row, stored: list[dict[str, str]], new: _New) -> None:
    rejudged = record.event(
        gw,
        EventType.DOCUMENT_REJUDGED,
        new.actor,
        new.at,
        document=row["document"],
        message=row["id"],
        sender=row["sender"],
        rule_set=gw.rule_set_at(row["accepted_at"]),
        facts={
            "cause": new.cause.value,
            **new.facts,
            "findings": [facts.finding_fact(finding) for finding in new.findings],
        },
        private=facts.salted({"reason": new.reason}),
    )
    others = [finding for finding in stored if not finding["rule"].startswith(OURS)]
    judgement = Judgement(
        id=gw.new_id(),
        message=row["id"],
        verdicts=[verdict.as_json() for verdict in new.verdicts],
        findings=[finding.as_json() for finding in new.findings] + others,
        rule_set=gw.rule_set_at(row["accepted_at"]),
        cause=new.cause,
        event=rejudged.id,
        judged_at=new.at,
    )
    events.record(tx, rejudged)
    rechecks.add_judgement(tx, judgement)
    proofs.keep(tx, [proof for verdict in new.verdicts for proof in verdict.proofs], new.at)
    note_verdicts(
        tx,
        gw,
        new.verdicts,
        new.at,
        message=row["id"],
        document=row["document"],
        sender=AgencyCode(row["sender"]),
    )


def _essence(verdicts: Sequence[dict[str, Any]]) -> list[tuple[str, ...]]:
    return [tuple(str(verdict.get(name, "")) for name in _COMPARED) for verdict in verdicts]


def _newly_refused(stored: list[dict[str, str]], findings: Sequence[Finding]) -> Finding | None:
    """The first finding for which the gate would refuse now, and for which it did not before."""
    refuse = Severity.REFUSE
    before = {(f["rule"], f["where"]) for f in stored if f["severity"] == refuse.name.lower()}
    return next((f for f in findings if f.severity is refuse and (f.rule, f.where) not in before), None)


def _hold(tx: Tx, gw: Services, message: str, finding: Finding, at: Instant) -> list[str]:
    """Keep back what nobody has yet: queued, no attempt running, not fetched."""
    held = []
    for waiting in deliveries.of_message(tx, message):
        delivery = deliveries.find(tx, waiting.id, lock=True)
        if delivery is None or not _may_be_held(delivery):
            continue
        change = Change(State.HELD, at, reason_code=finding.rule, reason=finding.text)
        if deliveries.move(tx, delivery, change):
            moved = record.delivery_moved(
                gw,
                EventType.DELIVERY_HELD,
                delivery,
                State.HELD,
                record.GATEWAY,
                at,
                reason_code=finding.rule,
            )
            events.record(tx, moved)
            held.append(delivery.id)
    return held


def _may_be_held(delivery: Delivery) -> bool:
    waits = delivery.state is State.QUEUED and delivery.leased_until is None
    return waits and delivery.fetched_at is None


def _messages_of(tx: Tx, reference: str) -> list[str]:
    """Ids of the messages of a document, by its id here or by its DocumentId."""
    return [
        message["id"]
        for row in messages.documents_named(tx, reference)
        for message in messages.of_document(tx, row["id"])
        if orjson.loads(message["verdicts"])
    ]
