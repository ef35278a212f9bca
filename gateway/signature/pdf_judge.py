"""Signatures of a PDF against trust store and signer register, each judged at the time when it was made.

In charge of: the signing time and its source, and one verdict per signature. Not in charge of: reading the
file (``pdf_read``), what follows for the document (``pdf_findings``).

The time is that of a timestamp token whose authority we trust, else what the signer stated in the signature,
else the end of the declared day, else the moment of receipt. Only the token is proof; the source is shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from gateway.clock import SECOND, VIETNAM, from_datetime, local_day, to_rfc3339
from gateway.model.text import Bilingual, Instant
from gateway.model.verdict import Indication, SignerRole, Verdict
from gateway.signature import pdf_texts as texts
from gateway.signature.certificates import fingerprint, subject_text
from gateway.signature.pdf_facts import Coverage, Failure, Later, PdfSignature, Token
from gateway.signature.trust import TrustStore
from gateway.signature.trust_texts import clock_text
from gateway.signature.verify import Trust

# Signing tools that write local time as UTC are seven hours ahead, so a day is granted.
_AHEAD = 24 * 3600 * SECOND


@dataclass(frozen=True, slots=True)
class SigningTime:
    """When, and how we know: ``timestamp``, ``signed_attribute``, ``declared`` or ``none`` (receipt)."""

    at: Instant
    source: str


def judge_pdf(
    name: str, signatures: Sequence[PdfSignature], trust: Trust, at: Instant, declared: date | None
) -> tuple[Verdict, ...]:
    """A verdict for each signature of the file ``name``, received at ``at``; none for an unsigned file.

    ``declared`` is the date of the document by its header. A document timestamp that holds gets no verdict:
    it is nobody's signature.
    """
    return tuple(
        _judge_one(name, one, trust, at, declared)
        for one in signatures
        if not one.is_timestamp or one.failure is not None
    )


def _judge_one(name: str, one: PdfSignature, trust: Trust, at: Instant, declared: date | None) -> Verdict:
    when = _signing_time(one, trust.store, at, declared)
    certificate, others = _certificates(one.certificate, one.others)
    failure = one.failure
    if failure is None and certificate is None:
        failure = Failure("NO_SIGNING_CERTIFICATE_FOUND", texts.no_certificate())
    if failure is not None or certificate is None:
        return _failed(name, one, certificate, when, failure or _impossible(), trust.rule_set)
    if when.at > at + _AHEAD:
        reason = texts.signed_in_the_future(clock_text(when.at))
        late = Failure("TIMESTAMP_ORDER_FAILURE", reason, Indication.INDETERMINATE)
        return _failed(name, one, certificate, when, late, trust.rule_set)
    path = trust.store.check_path(certificate, others, at=when.at, now=max(at, when.at))
    row = trust.signers.find(fingerprint(certificate), local_day(when.at)) if trust.signers else None
    return Verdict(
        name,
        path.indication,
        path.sub_indication,
        _joined(_held(one), path.reason),
        signer=subject_text(certificate),
        certificate_sha256=fingerprint(certificate),
        agency=row.agency if row else "",
        role=SignerRole(row.role) if row else SignerRole.NOT_CHECKABLE,
        signing_time=to_rfc3339(when.at),
        time_source=when.source,
        algorithm=one.algorithm,
        rule_set=trust.rule_set,
    )


def _failed(
    name: str,
    one: PdfSignature,
    certificate: x509.Certificate | None,
    when: SigningTime,
    failure: Failure,
    rule_set: str,
) -> Verdict:
    """The signature does not hold: its certificate is a claim, so no agency is named."""
    return Verdict(
        name,
        failure.indication,
        failure.sub_indication,
        failure.reason,
        signer=subject_text(certificate) if certificate is not None else "",
        certificate_sha256=fingerprint(certificate) if certificate is not None else "",
        signing_time=to_rfc3339(when.at),
        time_source=when.source,
        algorithm=one.algorithm,
        rule_set=rule_set,
    )


def _impossible() -> Failure:
    return Failure("NO_SIGNING_CERTIFICATE_FOUND", texts.no_certificate())


def _signing_time(one: PdfSignature, store: TrustStore, at: Instant, declared: date | None) -> SigningTime:
    if one.token is not None and _is_trusted(one.token, store, at):
        return SigningTime(one.token.time, "timestamp")
    if one.claimed_time is not None:
        return SigningTime(one.claimed_time, "signed_attribute")
    if declared is not None:
        end_of_day = from_datetime(datetime.combine(declared, time.max, VIETNAM))
        return SigningTime(min(end_of_day, at), "declared")
    return SigningTime(at, "none")


def _is_trusted(token: Token, store: TrustStore, at: Instant) -> bool:
    """True when the token's authority leads to an anchor and is meant for timestamps alone (RFC 3161 2.3)."""
    certificate, others = _certificates(token.certificate, token.others)
    if certificate is None or not _is_for_timestamps(certificate):
        return False
    path = store.check_path(certificate, others, at=token.time, now=max(at, token.time))
    return path.indication is Indication.PASSED


def _is_for_timestamps(certificate: x509.Certificate) -> bool:
    try:
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    except (x509.ExtensionNotFound, ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        return False
    return usage.critical and list(usage.value) == [ExtendedKeyUsageOID.TIME_STAMPING]


def _certificates(
    certificate: bytes, others: Sequence[bytes]
) -> tuple[x509.Certificate | None, list[x509.Certificate]]:
    """Of the other certificates those that can be read."""
    return _certificate(certificate), [c for c in map(_certificate, others) if c is not None]


def _certificate(der: bytes) -> x509.Certificate | None:
    try:
        return x509.load_der_x509_certificate(der)
    except ValueError:
        return None


def _held(one: PdfSignature) -> Bilingual:
    if one.coverage is Coverage.WHOLE_FILE or one.later is Later.NOTHING:
        return texts.holds_whole()
    if one.later is Later.SIGNATURES:
        return texts.holds_before_signatures()
    return texts.holds_before_long_term_data()


def _joined(first: Bilingual, second: Bilingual) -> Bilingual:
    return Bilingual(f"{first.vi} {second.vi}", f"{first.en} {second.en}")
