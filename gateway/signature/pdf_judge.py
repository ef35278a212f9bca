"""Signatures of a PDF against trust store and signer register, each judged at the time when it was made.

In charge of: the signing time and its source, and one verdict per signature. Not in charge of: reading the
file (``pdf_read``), what follows for the document (``pdf_findings``).

The time is that of a timestamp token whose authority we trust, else what the signer stated in the signature,
else the end of the declared day, else the moment of receipt. Only the token is proof; the source is shown.
Where the certificate had been revoked when the file came, a time that nothing proves is not enough: whoever
holds a stolen key states what he likes (ETSI EN 319 102-1, REVOKED_NO_POE).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time

from cryptography import x509

from gateway.clock import SECOND, VIETNAM, from_datetime, local_day, to_rfc3339
from gateway.model.text import Bilingual, Instant
from gateway.model.verdict import Indication, Proof, SignerRole, Verdict
from gateway.signature import pdf_texts as texts
from gateway.signature.certificates import fingerprint, is_for_timestamps, load_certificate, subject_text
from gateway.signature.pdf_facts import Coverage, Failure, Later, PdfSignature, Token
from gateway.signature.proofs import proofs_of, timestamp_proof
from gateway.signature.trust import PathResult
from gateway.signature.trust_texts import clock_text, holder
from gateway.signature.verify import Trust

# Signing tools that write local time as UTC are seven hours ahead, so a day is granted.
_AHEAD = 24 * 3600 * SECOND


@dataclass(frozen=True, slots=True)
class SigningTime:
    """When, and how we know: ``timestamp``, ``signed_attribute``, ``declared`` or ``none`` (receipt)."""

    at: Instant
    source: str
    proofs: tuple[Proof, ...] = ()  # of a timestamp: the token, its authority's chain, revocation answers


def judge_pdf(
    name: str,
    signatures: Sequence[PdfSignature],
    trust: Trust,
    at: Instant,
    declared: date | None,
    *,
    sha256: str = "",
    now: Instant | None = None,
) -> tuple[Verdict, ...]:
    """A verdict for each signature of the file ``name``, received at ``at``; none for an unsigned file.

    ``declared`` is the date of the document by its header, ``sha256`` the hash of the file (hex), ``now``
    when it is judged, which decides whether revocation answers are fresh (``at`` unless given). A document
    timestamp that holds gets no verdict: it is nobody's signature.
    """
    case = _Case(name, trust, at, at if now is None else now, declared, sha256)
    return tuple(
        _judge_one(case, one) for one in signatures if not one.is_timestamp or one.failure is not None
    )


@dataclass(frozen=True, slots=True)
class _Case:
    """What all signatures of one file have in common."""

    name: str
    trust: Trust
    at: Instant
    now: Instant
    declared: date | None
    sha256: str


def _judge_one(case: _Case, one: PdfSignature) -> Verdict:
    trust = case.trust
    when = _signing_time(case, one)
    certificate, others = _certificates(one.certificate, one.others)
    failure = one.failure
    if certificate is None:
        failure = failure or Failure("NO_SIGNING_CERTIFICATE_FOUND", texts.no_certificate())
    if failure is None and when.at > case.at + _AHEAD:
        reason = texts.signed_in_the_future(clock_text(when.at))
        failure = Failure("TIMESTAMP_ORDER_FAILURE", reason, Indication.INDETERMINATE)
    if failure is not None or certificate is None:
        return _failed(case, one, certificate, when, failure or _impossible())
    path = trust.store.check_path(certificate, others, at=when.at, now=max(case.now, when.at))
    path = _without_proof_of_time(case, when, path)
    row = trust.signers.find(fingerprint(certificate), local_day(when.at)) if trust.signers else None
    return replace(
        _verdict(case, one, certificate, when),
        indication=path.indication,
        sub_indication=path.sub_indication,
        reason=_joined(_held(one), path.reason),
        agency=row.agency if row else "",
        role=SignerRole(row.role) if row else SignerRole.NOT_CHECKABLE,
        proofs=(*proofs_of(certificate, path), *when.proofs),
    )


def _without_proof_of_time(case: _Case, when: SigningTime, path: PathResult) -> PathResult:
    """The path as it counts when something in it had been revoked before the file came: only a timestamp
    shows that the signature was there before that."""
    if path.indication is not Indication.PASSED or when.source == "timestamp":
        return path
    for answer, certificate in zip(path.answers, path.chain, strict=False):
        if answer.revoked_at is not None and answer.revoked_at <= case.at:
            sub = "REVOKED_NO_POE" if certificate == path.chain[0] else "REVOKED_CA_NO_POE"
            reason = texts.revoked_without_proof_of_time(
                holder(certificate), clock_text(answer.revoked_at), clock_text(when.at)
            )
            return replace(path, indication=Indication.INDETERMINATE, sub_indication=sub, reason=reason)
    return path


def _failed(
    case: _Case, one: PdfSignature, certificate: x509.Certificate | None, when: SigningTime, failure: Failure
) -> Verdict:
    """The signature does not hold: its certificate is a claim, so no agency is named."""
    return replace(
        _verdict(case, one, certificate, when),
        indication=failure.indication,
        sub_indication=failure.sub_indication,
        reason=failure.reason,
        unread=failure.is_passing,
        proofs=(*proofs_of(certificate), *when.proofs),
    )


def _verdict(
    case: _Case, one: PdfSignature, certificate: x509.Certificate | None, when: SigningTime
) -> Verdict:
    """What is known of a signature whatever it is worth; not yet judged."""
    return Verdict(
        case.name,
        Indication.INDETERMINATE,
        "",
        texts.no_certificate(),
        signer=subject_text(certificate) if certificate is not None else "",
        certificate_sha256=fingerprint(certificate) if certificate is not None else "",
        signing_time=to_rfc3339(when.at),
        time_source=when.source,
        algorithm=one.algorithm,
        rule_set=case.trust.rule_set_at(case.at),
        coverage=one.coverage.value,
        signed_sha256=case.sha256,
        checked_at=to_rfc3339(case.now),
    )


def _impossible() -> Failure:
    return Failure("NO_SIGNING_CERTIFICATE_FOUND", texts.no_certificate())


def _signing_time(case: _Case, one: PdfSignature) -> SigningTime:
    proofs: tuple[Proof, ...] = ()
    if one.token is not None:
        trusted, proofs = _weigh_token(case, one.token)
        if trusted:
            return SigningTime(one.token.time, "timestamp", proofs)
    if one.claimed_time is not None:
        return SigningTime(one.claimed_time, "signed_attribute", proofs)
    if case.declared is not None:
        end_of_day = from_datetime(datetime.combine(case.declared, time.max, VIETNAM))
        return SigningTime(min(end_of_day, case.at), "declared", proofs)
    return SigningTime(case.at, "none", proofs)


def _weigh_token(case: _Case, token: Token) -> tuple[bool, tuple[Proof, ...]]:
    """True when the token's authority leads to an anchor and is meant for timestamps alone (RFC 3161
    section 2.3); and what that rests on."""
    kept = (timestamp_proof(token.data),) if token.data else ()
    certificate, others = _certificates(token.certificate, token.others)
    if certificate is None or not is_for_timestamps(certificate):
        return False, kept
    path = case.trust.store.check_path(certificate, others, at=token.time, now=max(case.now, token.time))
    return path.indication is Indication.PASSED, (*kept, *proofs_of(certificate, path))


def _certificates(
    certificate: bytes, others: Sequence[bytes]
) -> tuple[x509.Certificate | None, list[x509.Certificate]]:
    """Of the other certificates those that can be read."""
    return load_certificate(certificate), [c for c in map(load_certificate, others) if c is not None]


def _held(one: PdfSignature) -> Bilingual:
    if one.coverage is Coverage.WHOLE_FILE or one.later is Later.NOTHING:
        return texts.holds_whole()
    if one.later is Later.SIGNATURES:
        return texts.holds_before_signatures()
    return texts.holds_before_long_term_data()


def _joined(first: Bilingual, second: Bilingual) -> Bilingual:
    return Bilingual(f"{first.vi} {second.vi}", f"{first.en} {second.en}")
