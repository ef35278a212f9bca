"""One upload becomes a durable message with a receipt, or is refused with reasons.

In charge of: the order of the walk from staged bytes to the commit. Not in charge of: who calls
(``door.py``), what the checks say (``examine.py``), what the commit holds (``accept.py``), carrying
(``delivery/``).

The commit is the promise: when ``submit`` returns, payload, message, deliveries, receipt and events are on
disk. When it raises, nothing of the upload is (but for the record that it was refused).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from gateway.checks.competence import NOT_BEYOND
from gateway.clock import SECOND
from gateway.errors import DuplicateConflict, GatewayError, NotPermitted, Refused, Unreadable
from gateway.flow import facts, record, second_copy
from gateway.flow.accept import Accepted, Plan, commit, plan_for
from gateway.flow.dialect import forms_for
from gateway.flow.door import Caller, Upload, limits_of
from gateway.flow.examine import Bench, Examination, Reading, examine, read
from gateway.flow.files import judge_files
from gateway.flow.follow import follow
from gateway.flow.identity import look_up
from gateway.flow.policy_demands import reject_demanded
from gateway.model.envelope import Kind
from gateway.model.event import EventType
from gateway.model.finding import Decision, Finding, Severity
from gateway.model.text import AgencyCode
from gateway.services import Services
from gateway.store import events, messages, peers
from gateway.store.contract import Tx, surely_undone
from gateway.store.payloads import StoredPayload

DIRECT = AgencyCode("")  # came from its sender itself, through no axis


@dataclass(frozen=True, slots=True)
class Submission:
    """What the caller gets back. ``jws`` is the signed receipt; ``repeated``: the first answer again."""

    receipt: str
    message: str
    document: str
    decision: Decision
    repeated: bool
    jws: str
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What is about to be committed, for who keeps a row of their own with it: accepted, held, repeated or
    refused. ``reason`` of a refusal is its first."""

    outcome: str
    envelope_sha256: bytes
    message: str = ""
    reason_code: str = ""
    reason: str = ""  # Vietnamese


class Postponed(Exception):
    """The refusal that the caller did not want recorded yet; nothing was written."""

    def __init__(self, exam: Examination) -> None:
        self.exam = exam
        super().__init__("postponed")


Beside = Callable[[Tx, Answer], None]  # writes into the transaction that holds the answer
Patience = Callable[[Examination], bool]  # True: better not refused now


async def submit(
    gw: Services,
    caller: Caller,
    upload: Upload,
    narrow_to: Sequence[str] = (),
    *,
    beside: Beside | None = None,
    patience: Patience | None = None,
) -> Submission:
    """Take one upload through the gate.

    ``narrow_to``: codes of the envelope's recipients to which a partner's call restricts it. Raises
    ``Unreadable``, ``Refused``, ``DuplicateConflict`` or ``NotPermitted`` with the findings (recorded once
    for caller, bytes and rule set), ``Busy`` when a disk is full, ``Postponed`` where ``patience`` says so.
    """
    try:
        second_copy.must_be_ready(gw)
        bench = bench_for(gw, caller.agencies, narrow_to, caller.partner)
        reading = await read_upload(gw, upload, bench)
        exam = await examine_upload(gw, upload, reading, bench)
        if isinstance(reading, Reading) and not _answered(exam):
            accepted = await _accept(gw, caller, upload, reading, exam, bench, beside)
            if isinstance(accepted, Submission):
                return accepted
            exam = accepted
        if _is_repeat(exam):
            return await _repeat(gw, caller, upload, exam, beside)
        if patience is not None and patience(exam):
            raise Postponed(exam)
        raise await _refusal(gw, caller, upload, exam, beside)
    finally:
        upload.staging.discard()


async def turn_back(gw: Services, caller: Caller, upload: Upload, finding: Finding) -> GatewayError:
    """Refuse an upload for what only its carrier can see (a hash in the call that does not fit, say).

    Recorded like any refusal; the error to raise.
    """
    try:
        return await _refusal(gw, caller, upload, Examination(Decision.REFUSE, (finding,)))
    finally:
        upload.staging.discard()


async def preflight(gw: Services, caller: Caller, upload: Upload) -> Examination:
    """What ``submit`` would decide now, without keeping or recording anything."""
    try:
        bench = bench_for(gw, caller.agencies)
        reading = await read_upload(gw, upload, bench)
        return await examine_upload(gw, upload, reading, bench)
    finally:
        upload.staging.discard()


def bench_for(
    gw: Services,
    agencies: frozenset[AgencyCode],
    narrow_to: Sequence[str] = (),
    partner: AgencyCode = DIRECT,
) -> Bench:
    """The engine's inputs, as the running gateway has them."""
    return Bench(
        gw.clock,
        limits_of(gw),
        gw.trust,
        gw.directory,
        gw.kinds,
        agencies,
        tuple(narrow_to),
        gw.policies,
        partner=partner,
        lists=gw.lists,
    )


async def read_upload(gw: Services, upload: Upload, bench: Bench) -> Reading | Examination:
    """Read the message and judge its signature, then those of its files."""
    reading = await gw.offload(upload.size, read, upload, bench)
    if isinstance(reading, Examination):
        return reading
    return await judge_files(upload, reading, bench, gw.pdf_workers, gw.offload)


async def examine_upload(
    gw: Services, upload: Upload, reading: Reading | Examination, bench: Bench
) -> Examination:
    """Look up what the store knows, and let the engine decide."""
    if isinstance(reading, Examination):
        return reading
    rewritten = bool(bench.partner)
    known = await gw.store.read(lambda tx: look_up(tx, reading.identity, rewritten=rewritten))
    return await gw.offload(upload.size, examine, upload, reading, known, bench)


def _answered(exam: Examination) -> bool:
    """True when there is nothing to accept: the message was accepted before, or is refused."""
    return _is_repeat(exam) or exam.decision is Decision.REFUSE


def _is_repeat(exam: Examination) -> bool:
    """True for a message that was accepted before, unless this call names recipients without a delivery."""
    if not exam.known.repeats:
        return False
    status = exam.envelope is not None and exam.envelope.kind is Kind.STATUS
    return status or all(hop.addressed in exam.known.addressed for hop in exam.hops)


def _require_own_agency(caller: Caller, exam: Examination) -> None:
    if exam.identity is None or not caller.acts_for(exam.identity.sender):
        raise NotPermitted(code="sender.not_yours", findings=exam.findings)


async def _accept(
    gw: Services,
    caller: Caller,
    upload: Upload,
    reading: Reading,
    exam: Examination,
    bench: Bench,
    beside: Beside | None,
) -> Submission | Examination:
    """Make the bytes durable, then commit everything at once, then wake the worker.

    The examination again when the store, asked inside the transaction, knows something that changes the
    answer (the same upload at the same moment, say).
    """
    started = gw.clock.now()
    forms = await forms_for(gw, upload, exam)
    payload = await upload.make_durable(gw)
    upload.timings["durable"] = gw.clock.now() - started

    def unit(tx: Tx) -> tuple[Plan, Accepted] | Examination:
        known = look_up(tx, reading.identity, lock=True, rewritten=bool(bench.partner))
        current = exam if known == exam.known else examine(upload, reading, known, bench)
        if _answered(current):
            return current
        plan = plan_for(gw, caller.principal, current, payload, forms=forms, timings=upload.timings)
        promised = second_copy.noted(gw, tx)
        accepted = commit(promised, gw, plan)
        peers.keep_way(promised, plan.message, upload.way)
        reject_demanded(promised, gw, plan)
        gone = follow(promised, gw, plan)
        second_copy.enlist(gw, promised, plan.message, plan.at)
        if beside is not None:
            held = plan.exam.decision is Decision.HOLD
            beside(tx, Answer("held" if held else "accepted", upload.sha256, plan.message))
        return plan, replace(accepted, unused=(*accepted.unused, *gone))

    files = [payload, *(form.payload for form in forms.values())]
    try:
        result = await gw.store.write(unit)
    except BaseException as error:
        if surely_undone(error):  # else a row may have them: the janitor sweeps what has none
            _remove_files(gw, files)
        raise
    if isinstance(result, Examination):
        _remove_files(gw, files)
        return result
    plan, accepted = result
    gw.known_proofs.remember(plan.exam.proofs)
    _remove_files(gw, accepted.unused)
    _count(gw, upload, exam)
    gw.ring_for(hop.recipient for hop in plan.exam.hops)
    await second_copy.settle(gw, plan.message)
    return _submission(plan, accepted)


async def _repeat(
    gw: Services, caller: Caller, upload: Upload, exam: Examination, beside: Beside | None
) -> Submission:
    """The same message again: its first receipt, no new delivery."""
    _require_own_agency(caller, exam)
    assert exam.identity is not None
    await second_copy.settle(gw, exam.known.repeats)
    repeated = record.event(
        gw,
        EventType.DOCUMENT_REPEATED,
        caller.principal,
        gw.clock.now(),
        document=exam.known.document,
        message=exam.known.repeats,
        sender=exam.identity.sender,
        envelope_sha256=upload.sha256.hex(),
        facts={"kind": exam.identity.kind.value},
    )

    def unit(tx: Tx) -> Submission:
        if beside is not None:
            beside(tx, Answer("repeated", upload.sha256, exam.known.repeats))
        events.record(tx, repeated)
        message = messages.find(tx, exam.known.repeats)
        first = messages.receipts_of(tx, exam.known.repeats)
        assert message is not None
        return Submission(
            first[0]["id"] if first else "",
            message["id"],
            message["document"],
            Decision(message["decision"]),
            True,
            first[0]["jws"] if first else "",
            exam.findings,
        )

    return await gw.store.write(unit)


async def _refusal(
    gw: Services, caller: Caller, upload: Upload, exam: Examination, beside: Beside | None = None
) -> GatewayError:
    """Record the refusal, without payload or subject; the error to raise."""
    gw.metrics.submissions.labels("refuse").inc()
    worst = max(exam.findings, key=lambda finding: finding.severity)
    now = gw.clock.now()
    refusal = record.event(
        gw,
        EventType.SUBMISSION_REFUSED,
        caller.principal,
        now,
        sender=_own_sender(caller, exam),
        envelope_sha256=upload.sha256.hex(),
        rule_set=gw.rule_set,
        reason_code=worst.rule,
        facts={"size": upload.size, "findings": facts.findings_of(exam)}
        | (facts.refusal_facts(exam) if _own_sender(caller, exam) else {}),
    )

    def unit(tx: Tx) -> None:
        events.count_refusal(tx, caller.principal, upload.sha256, refusal.rule_set, now, refusal)
        if beside is not None:
            beside(tx, Answer("refused", upload.sha256, "", worst.rule, worst.text.vi))

    await gw.store.write(unit)
    return _error_for(exam)


def _own_sender(caller: Caller, exam: Examination) -> str:
    """The sender that a refusal is recorded under: never somebody else's code, never free text."""
    if any(finding.rule == NOT_BEYOND for finding in exam.findings):
        return ""
    return exam.identity.sender if exam.identity and caller.acts_for(exam.identity.sender) else ""


def _error_for(exam: Examination) -> GatewayError:
    refusing = [finding for finding in exam.findings if finding.severity is Severity.REFUSE]
    for finding in refusing:
        if finding.rule == "sender.not_yours":
            return NotPermitted(finding.text, code=finding.rule, findings=exam.findings)
    if all(finding.rule == "duplicate.conflict" for finding in refusing):
        return DuplicateConflict(refusing[0].text, findings=exam.findings)
    return (Refused if exam.envelope else Unreadable)(findings=exam.findings)


def _submission(plan: Plan, accepted: Accepted) -> Submission:
    receipt = accepted.receipt.id if accepted.receipt else ""
    exam = plan.exam
    return Submission(receipt, plan.message, plan.document, exam.decision, False, accepted.jws, exam.findings)


def _count(gw: Services, upload: Upload, exam: Examination) -> None:
    gw.metrics.submissions.labels(exam.decision.value).inc()
    for stage, microseconds in upload.timings.items():
        gw.metrics.stage_seconds.labels(stage).observe(microseconds / SECOND)


def _remove_files(gw: Services, unused: Iterable[StoredPayload]) -> None:
    for payload in unused:
        if payload.file is not None:
            gw.blobs.remove(payload.file)
