"""The engine of the gate: what is this upload, is it genuine, may it be sent?

In charge of: the order of the checks, and one result that the gate (``submit.py``), the preflight
(``POST /api/v1/check``) and ``gateway check FILE`` share. Pure CPU: what the store knows is handed in.
Not in charge of: acting on the decision.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from typing import NamedTuple

from gateway.checks.authority import AuthorityList
from gateway.checks.policies import apply_policies, meet_demands
from gateway.checks.recipients import none_of_ours, not_ours
from gateway.checks.secrecy import MARKED, found_on_page
from gateway.checks.subject import Subject
from gateway.checks.table import run_checks
from gateway.clock import Clock, local_day
from gateway.directory.route import route, way_back
from gateway.directory.snapshot import OUTSIDE, Directory
from gateway.edxml.limits import Limits
from gateway.edxml.parse import Parsed, check_before_tree, parse_envelope
from gateway.edxml.schema import check_schema
from gateway.errors import Unreadable
from gateway.flow.competence import Registers, judge_signer
from gateway.flow.door import Upload
from gateway.flow.identity import NOTHING_KNOWN, Identity, Known, identify
from gateway.model.agency import Profile
from gateway.model.authority import SignerAuthority
from gateway.model.delivery import Hop
from gateway.model.envelope import Envelope, Kind, SignatureForm
from gateway.model.finding import Decision, Finding, decide
from gateway.model.policy import Policy
from gateway.model.text import AgencyCode, Instant
from gateway.model.verdict import Proof, Verdict
from gateway.signature.judge import Serves, judge
from gateway.signature.pdf_facts import Pages
from gateway.signature.pdf_findings import judge_file, judge_other_format, not_judged
from gateway.signature.verify import WHERE as ENVELOPE
from gateway.signature.verify import Trust, too_large_to_verify, verify_envelope

NOT_YOURS = "sender.not_yours"  # checks/competence.py
# Verifying builds a tree of five to eight times the envelope, so larger signed ones stay unverified.
VERIFIED_UP_TO = 33_554_432
PDF = "pdf"  # ``Attachment.format``: by its bytes


@dataclass(frozen=True, slots=True)
class Bench:
    """What the engine works with. ``None``: not at hand, so what needs it is "not machine-checkable"."""

    clock: Clock
    limits: Limits
    trust: Trust | None
    directory: Directory | None
    kinds: Mapping[str, bool] = field(default_factory=dict)
    caller_agencies: frozenset[AgencyCode] | None = None
    narrow_to: tuple[str, ...] = ()
    policies: tuple[Policy, ...] = ()
    received_at: Instant | None = None  # of a kept message that is judged again; ``None``: now
    partner: AgencyCode = AgencyCode("")  # the connection of the axis that it came through
    lists: AuthorityList = field(default_factory=AuthorityList)  # of authorised signers

    @property
    def at(self) -> Instant:
        """When the message was received."""
        return self.clock.now() if self.received_at is None else self.received_at


@dataclass(frozen=True, slots=True)
class Reading:
    """An upload that was read and whose signature was judged, before anything is known about it."""

    envelope: Envelope
    identity: Identity
    findings: tuple[Finding, ...]
    verdicts: tuple[Verdict, ...]
    # The only bytes of an XML-signed message that count, until its files are judged (``files.py``).
    signed_bytes: bytes | None = field(default=None, repr=False)
    marked_pages: tuple[int, ...] = ()  # attachments whose first page may bear a mark of secrecy
    pages: Mapping[int, Pages] = field(default_factory=dict)  # of attachments that were read, without text


@dataclass(frozen=True, slots=True)
class Examination:
    """What the gate found and what it would do. ``envelope`` is ``None`` for an unreadable upload."""

    decision: Decision
    findings: tuple[Finding, ...]
    verdicts: tuple[Verdict, ...] = ()
    envelope: Envelope | None = None
    identity: Identity | None = None
    hops: tuple[Hop, ...] = ()
    known: Known = NOTHING_KNOWN
    pages: Mapping[int, Pages] = field(default_factory=dict)  # see ``Reading``
    authority: SignerAuthority = SignerAuthority.NO_LIST

    @property
    def proofs(self) -> tuple[Proof, ...]:
        """All bytes that the verdicts rest on; some of them several times."""
        return tuple(proof for verdict in self.verdicts for proof in verdict.proofs)


def read(upload: Upload, bench: Bench) -> Reading | Examination:
    """Signature and schema of a staged upload; an ``Examination`` when there is nothing to go on with."""
    try:
        with _timed(upload, "signature", bench.clock):
            parsed, verdicts, signed = _genuine(upload, bench)
    except Unreadable as error:
        return Examination(Decision.REFUSE, error.findings)
    with _timed(upload, "schema", bench.clock):
        findings = parsed.findings + check_schema(parsed)
    directory = bench.directory or Directory()
    return Reading(parsed.envelope, identify(parsed.envelope, directory), findings, verdicts, signed)


def examine(upload: Upload, reading: Reading, known: Known, bench: Bench) -> Examination:
    """The decision of the gate on a message, given what the store knows about it."""
    with _timed(upload, "checks", bench.clock):
        envelope, directory = reading.envelope, bench.directory
        now = bench.clock.now()
        sender = directory.resolve(envelope.sender.organ_id) if directory else None
        subject = Subject(
            envelope=envelope,
            sender=sender,
            caller_agencies=bench.caller_agencies,
            directory=directory,
            now=now,
            narrow_to=bench.narrow_to,
            earlier=known.earlier,
            from_axis=bool(bench.partner),
            sender_is_here=_is_here(sender, bench),
        )
        findings = run_checks(subject)
        verdicts = reading.verdicts
        if discreet := _only_what_may_be_said(findings):
            findings, verdicts = discreet, ()  # a verdict names the file
            authority = SignerAuthority.NO_LIST
        else:
            pages = [found_on_page(index + 1) for index in reading.marked_pages]
            authority, competence = judge_authority(reading, bench)
            signed = judge_signatures(reading, bench)
            findings = [*reading.findings, *signed, *pages, *findings, *competence]
        hops = _ways(envelope, bench, known, findings)
        findings = apply_policies(findings, sender, bench.at, bench.policies)
        if envelope.kind is not Kind.STATUS:  # word of what became of a document always travels
            hops, told = meet_demands(hops, findings, bench.at, bench.policies)
            findings += told
    return Examination(
        decide(findings),
        tuple(findings),
        verdicts,
        envelope,
        reading.identity,
        hops,
        known,
        reading.pages,
        authority,
    )


def _is_here(sender: AgencyCode | None, bench: Bench) -> bool:
    """True when the message came through an axis, and its sender is an agency of ours, or one that another
    connection serves. Agencies of elsewhere (level ``outside``) are beyond even where no way leads there."""
    directory = bench.directory
    if not bench.partner or directory is None or sender is None:
        return False
    profile = directory.profile(sender)
    elsewhere = directory.level(sender, local_day(bench.at)) == OUTSIDE and profile == Profile(sender)
    return profile.agency != bench.partner and not elsewhere


def judge_signatures(reading: Reading, bench: Bench) -> list[Finding]:
    """Findings on the signatures of the message and of its files (all are named ``signature.…``)."""
    envelope, directory = reading.envelope, bench.directory
    sender = directory.resolve(envelope.sender.organ_id) if directory else None
    policy = directory.profile(sender).envelope_signature if directory and sender else "if_present"
    on = local_day(bench.at)

    def serves(agency: AgencyCode) -> date | None:
        return directory.signs_for(agency, sender, on) if directory and sender else None

    signed = judge(reading.verdicts, envelope.signature, policy, sender, serves)
    return [*signed, *_judge_files(reading, sender, bench, serves)]


def judge_authority(reading: Reading, bench: Bench) -> tuple[SignerAuthority, list[Finding]]:
    """Whether the sender's list of authorised signers names who signed the main file."""
    directory = bench.directory
    sender = directory.resolve(reading.envelope.sender.organ_id) if directory else None
    registers = Registers(bench.lists, directory, bench.trust.signers if bench.trust else None)
    places = numbers_of(reading.envelope)
    main = [verdict for verdict in reading.verdicts if places.get(verdict.where) == 0]
    found, told = judge_signer(reading.envelope, main, sender, registers, local_day(bench.at))
    return found, [told] if told else []


def _judge_files(reading: Reading, sender: AgencyCode | None, bench: Bench, serves: Serves) -> list[Finding]:
    """Findings on each attached file; the first is the document itself (NĐ 30/2020 Phụ lục I)."""
    findings = []
    files = zip(reading.envelope.attachments, places_of(reading.envelope), strict=True)
    for index, (file, place) in enumerate(files):
        verdicts = [verdict for verdict in reading.verdicts if verdict.where == place]
        if file.format != PDF:
            findings.append(judge_other_format(place, file.format, index == 0))
        elif bench.trust is None:
            findings.append(not_judged(place))
        else:
            findings += judge_file(place, verdicts, index == 0, sender, serves)
    return findings


def places_of(envelope: Envelope) -> tuple[str, ...]:
    """What each attachment is called in verdicts and findings: its name, numbered where that is not enough.

    No two are alike, none is empty, and none is the word for the message itself.
    """
    taken = {ENVELOPE}
    places = []
    for number, file in enumerate(envelope.attachments, start=1):
        name = file.name or f"tệp {number}"
        names = (name, *(f"{name} ({again})" for again in range(2, len(taken) + 2)))
        place = next(name for name in names if name not in taken)
        taken.add(place)
        places.append(place)
    return tuple(places)


def numbers_of(envelope: Envelope) -> dict[str, int]:
    """Which PDF a verdict's ``where`` means: 0 the main file, which is the first PDF, then the others in
    their order; -1 the message itself (docs/figures.md)."""
    files = zip(envelope.attachments, places_of(envelope), strict=True)
    pdfs = [place for file, place in files if file.format == PDF]
    return {ENVELOPE: -1} | {place: number for number, place in enumerate(pdfs)}


class _Genuine(NamedTuple):
    """The message to go on with, what its XML signature is worth, and the bytes it covers if it holds."""

    parsed: Parsed
    verdicts: tuple[Verdict, ...] = ()
    signed_bytes: bytes | None = None


def _genuine(upload: Upload, bench: Bench) -> _Genuine:
    """Where a signature covers the message, only the covered bytes are read."""
    if upload.unreadable is not None:
        raise upload.unreadable
    if upload.parsed is not None and upload.parsed.envelope.signature is not SignatureForm.XMLDSIG:
        return _Genuine(upload.parsed)
    if bench.trust is None:
        return _Genuine(parse_envelope(upload.staging.chunks(), bench.limits))
    if upload.size > VERIFIED_UP_TO:
        parsed = parse_envelope(upload.staging.chunks(), bench.limits)
        verdict = too_large_to_verify(bench.trust.rule_set_at(bench.at), bench.at, upload.sha256.hex())
        found = _Genuine(parsed, (verdict,))
    else:
        found = _verified(upload, bench, bench.trust)
    signed = found.parsed.envelope.signature is SignatureForm.XMLDSIG
    return found if signed else found._replace(verdicts=())


def _verified(upload: Upload, bench: Bench, trust: Trust) -> _Genuine:
    data = b"".join(upload.staging.chunks())
    check_before_tree(data, bench.limits)
    now = bench.clock.now()
    result = verify_envelope(data, trust, now if bench.received_at is None else bench.received_at, now)
    if result.signed_bytes is None:
        return _Genuine(parse_envelope(data, bench.limits), (result.verdict,))
    covered = parse_envelope(result.signed_bytes, bench.limits)
    envelope = replace(covered.envelope, signature=SignatureForm.XMLDSIG)
    return _Genuine(replace(covered, envelope=envelope), (result.verdict,), result.signed_bytes)


def _ways(envelope: Envelope, bench: Bench, known: Known, findings: list[Finding]) -> tuple[Hop, ...]:
    """How each recipient that this call asks for is reached; findings about the way are added."""
    directory = bench.directory
    if directory is None:
        return ()
    named = [directory.resolve(text) for text in addressees(envelope)]
    codes = tuple(dict.fromkeys(code for code in named if code is not None))
    if bench.narrow_to:
        wanted = {directory.resolve(text) for text in bench.narrow_to}
        codes = tuple(code for code in codes if code in wanted)
    sender = directory.resolve(envelope.sender.organ_id)
    on = local_day(bench.clock.now())
    routing = route(codes, directory, on, bench.kinds, sender, known.stand_ins)
    findings.extend(routing.findings)
    hops = routing.hops
    if envelope.kind is Kind.STATUS:
        hops += tuple(hop for text in addressees(envelope) for hop in way_back(text, directory, bench.kinds))
    return _ours(envelope, bench, hops, findings) if bench.partner else hops


def _ours(
    envelope: Envelope, bench: Bench, hops: tuple[Hop, ...], findings: list[Finding]
) -> tuple[Hop, ...]:
    """Of a message from an axis, the ways that do not lead back to it; the others are recorded only."""
    ours = tuple(hop for hop in hops if hop.destination != bench.partner)
    findings += [not_ours(hop.addressed) for hop in hops if hop.destination == bench.partner]
    if not ours and envelope.kind is not Kind.STATUS:
        findings.append(none_of_ours())
    return ours


def _only_what_may_be_said(findings: Sequence[Finding]) -> list[Finding]:
    """Of a secret message, nothing that may quote it; to somebody else's system, nothing about a document
    that is not its own. Empty: everything may be said."""
    rules = {finding.rule for finding in findings}
    if NOT_YOURS in rules:
        return [finding for finding in findings if finding.rule in (NOT_YOURS, MARKED)]
    return list(findings) if MARKED in rules else []


def addressees(envelope: Envelope) -> tuple[str, ...]:
    """The OrganIds to which a message goes: ``To`` (and whom an update adds or takes off), or
    ``ResponseFor/OrganId`` of a status."""
    if envelope.kind is Kind.STATUS:
        return tuple(about.organ_id for about in envelope.response_for[:1])
    named = [organization.organ_id for organization in envelope.recipients]
    if envelope.kind is Kind.UPDATE:
        named += [change.organ_id for change in envelope.business.receiver_changes]
    return tuple(named)


@contextmanager
def _timed(upload: Upload, stage: str, clock: Clock) -> Iterator[None]:
    started = clock.now()
    yield
    upload.timings[stage] = upload.timings.get(stage, 0) + clock.now() - started
