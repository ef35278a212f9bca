"""One call for the XML signature of an envelope: cryptography, chain, register, in one verdict.

In charge of: ``verify_envelope``. Not in charge of: PDF signatures, what the gate does with a verdict
(``judge``), recognising that there is no signature at all (the reader's ``SignatureForm``).

The certificate is judged at ``at``, the moment at which the gateway received the message. A signing time in
SignatureProperties is shown (source ``declared``) but decides nothing: an enveloped signature does not cover
it, so anyone could backdate a signature to before a revocation.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace

from gateway.clock import local_day, to_rfc3339
from gateway.model.agency import Signer
from gateway.model.text import Bilingual, Instant
from gateway.model.verdict import Indication, SignerRole, Verdict
from gateway.signature import xmldsig_texts as texts
from gateway.signature.certificates import fingerprint, subject_text
from gateway.signature.proofs import proofs_of
from gateway.signature.register import SignerRegister
from gateway.signature.rules import RuleSets, shipped_rules
from gateway.signature.trust import TrustStore
from gateway.signature.xmldsig import Failure, TooLargeToVerify, XmlSignature, verify_xmldsig

WHERE = "envelope"
MESSAGE = "message"  # coverage: the only form that is verified covers all of the message


@dataclass(frozen=True, slots=True)
class Trust:
    """What a verdict rests on. ``signers`` is ``None`` when no register is at hand (preflight offline)."""

    store: TrustStore
    signers: SignerRegister | None
    rules: RuleSets = field(default_factory=shipped_rules)

    def rule_set_at(self, received: Instant) -> str:
        """Name of the rule set under which a message is judged that was received then (docs/adr/0005)."""
        return self.rules.at(received).name


@dataclass(frozen=True, slots=True)
class EnvelopeSignature:
    """The verdict, and the only bytes that may be used from now on: the canonical message without its
    signature. They are ``None`` when the signature does not hold or could not be computed."""

    verdict: Verdict
    signed_bytes: bytes | None


def verify_envelope(data: bytes, trust: Trust, at: Instant, now: Instant | None = None) -> EnvelopeSignature:
    """Judge the signature of an envelope that carries one, received at ``at``. Never raises for bad input.

    ``now`` is when it is judged, which decides whether revocation answers are fresh; ``at`` unless given.
    """
    now = at if now is None else now
    judged = _judge(data, trust, at, now)
    digest = hashlib.sha256(data).hexdigest()
    verdict = replace(judged.verdict, signed_sha256=digest, checked_at=to_rfc3339(now))
    return replace(judged, verdict=verdict)


def _judge(data: bytes, trust: Trust, at: Instant, now: Instant) -> EnvelopeSignature:
    try:
        signature = verify_xmldsig(data)
    except TooLargeToVerify:
        return EnvelopeSignature(too_large_to_verify(trust.rule_set_at(at), at), None)
    if signature.failure is not None or signature.certificate is None:
        return EnvelopeSignature(_broken(signature, trust, at), None)
    path = trust.store.check_path(signature.certificate, signature.others, at, now)
    reason = _with_content_held(path.reason) if path.indication is not Indication.PASSED else path.reason
    verdict = _verdict(signature, trust, at, path.indication, path.sub_indication, reason)
    verdict = replace(verdict, coverage=MESSAGE, proofs=proofs_of(signature.certificate, path))
    return EnvelopeSignature(verdict, signature.signed_bytes)


def too_large_to_verify(rule_set: str, at: Instant, sha256: str = "") -> Verdict:
    """The verdict on a signed envelope with a text over 10 000 000 bytes: chưa đủ căn cứ kết luận.

    ``sha256``: hex, of the message as received.
    """
    return Verdict(
        WHERE,
        Indication.INDETERMINATE,
        "SIGNED_DATA_NOT_FOUND",  # ETSI EN 319 102-1: the signed data could not be obtained
        texts.too_large(),
        signing_time=to_rfc3339(at),
        time_source="none",
        rule_set=rule_set,
        signed_sha256=sha256,
        checked_at=to_rfc3339(at),
    )


def _broken(signature: XmlSignature, trust: Trust, at: Instant) -> Verdict:
    """The signature itself does not hold: its certificate is a claim, so no agency is named."""
    failure = signature.failure or Failure("NO_SIGNING_CERTIFICATE_FOUND", texts.no_certificate())
    return _verdict(
        signature, trust, at, Indication.FAILED, failure.sub_indication, failure.reason, registered=False
    )


def _verdict(
    signature: XmlSignature,
    trust: Trust,
    at: Instant,
    indication: Indication,
    sub_indication: str,
    reason: Bilingual,
    registered: bool = True,
) -> Verdict:
    certificate = signature.certificate
    digest = fingerprint(certificate) if certificate is not None else ""
    row = _row(trust, digest, at) if registered else None
    time = signature.declared_time
    return Verdict(
        WHERE,
        indication,
        sub_indication,
        reason,
        signer=subject_text(certificate) if certificate is not None else "",
        certificate_sha256=digest,
        agency=row.agency if row else "",
        role=SignerRole(row.role) if row else SignerRole.NOT_CHECKABLE,
        signing_time=to_rfc3339(at if time is None else time),
        time_source="none" if time is None else "declared",
        algorithm=signature.algorithm,
        rule_set=trust.rule_set_at(at),
        proofs=proofs_of(certificate),
    )


def _row(trust: Trust, digest: str, at: Instant) -> Signer | None:
    return trust.signers.find(digest, local_day(at)) if trust.signers is not None else None


def _with_content_held(reason: Bilingual) -> Bilingual:
    """A clerk must not read "tampered" into a question about the certificate."""
    held = texts.content_unchanged()
    return Bilingual(f"{held.vi} {reason.vi}", f"{held.en} {reason.en}")
