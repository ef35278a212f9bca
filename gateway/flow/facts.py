"""What an accepted message says in its row and in its event.

In charge of: the header summary that lists show, the facts that the figures need, and keeping personal values
(subject, names, file names, reasons) out of the event's body, behind salted commitments. Not in charge of:
writing any of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from gateway.checks.metadata import missing_metadata
from gateway.clock import random_bytes
from gateway.flow.competence import MAKES_A_DOCUMENT
from gateway.flow.examine import Examination, numbers_of
from gateway.model.envelope import Envelope, Kind
from gateway.model.finding import Finding
from gateway.model.refusal import read_refusal
from gateway.model.status import StatusCode
from gateway.model.verdict import ProofKind, Verdict

SALT_BYTES = 16


def header_of(envelope: Envelope) -> dict[str, Any]:
    """What lists show of a message; nothing personal."""
    if envelope.kind is Kind.STATUS:
        return {"status": envelope.status.code if envelope.status else ""}
    promulgated = envelope.promulgation_date
    header = {
        "number": envelope.code_number,
        "notation": envelope.code_notation,
        "type_name": envelope.document_type.name,
        "promulgation_date": promulgated.value.isoformat() if promulgated.value else promulgated.raw,
        "urgency": envelope.other.priority,
        "paper": envelope.business.paper,
        "file_count": len(envelope.attachments),
        "files": [
            {"sha256": file.sha256.hex(), "size": file.size, "format": file.format}
            for file in envelope.attachments
        ],
    }
    return header | ({"changed": _changed(envelope)} if envelope.kind is Kind.UPDATE else {})


def _changed(envelope: Envelope) -> dict[str, Any]:
    """What an update says that it changes; OrganIds as the sender wrote them."""
    business = envelope.business
    return {
        "content": business.content_changed,
        "receivers": business.receivers_changed,
        "added": [change.organ_id for change in business.receiver_changes if change.added],
        "removed": [change.organ_id for change in business.receiver_changes if not change.added],
    }


def facts_of(exam: Examination) -> dict[str, Any]:
    """What the figures need of an accepted message (contracts: events)."""
    assert exam.envelope is not None
    assert exam.identity is not None
    facts: dict[str, Any] = {
        "kind": exam.envelope.kind.value,
        "decision": exam.decision.value,
        "document_id": exam.envelope.document_id,
        "content_digest": exam.identity.content_digest.hex(),
        "findings": findings_of(exam),
        "verdicts": verdict_facts(exam.verdicts, exam.envelope),
    }
    return facts | header_of(exam.envelope) | _about(exam, exam.envelope)


def _about(exam: Examination, envelope: Envelope) -> dict[str, Any]:
    """What else the figures need of a document (docs/figures.md), and of a refusal its code."""
    if envelope.kind is Kind.STATUS:
        refused = envelope.status is not None and envelope.status.code == StatusCode.REFUSED.value
        code = read_refusal(envelope.status.description) if refused and envelope.status else None
        return {"refusal": code.value} if code else {}
    about: dict[str, Any] = {"files": _files(exam, envelope), "subject_present": bool(envelope.subject)}
    if envelope.kind in MAKES_A_DOCUMENT:
        about |= {"authority": exam.authority.value, "metadata": missing_metadata(envelope)}
    return about


def _files(exam: Examination, envelope: Envelope) -> list[dict[str, Any]]:
    """As in the header, and of a PDF that was read whether it opens, its pages and its version."""
    files: list[dict[str, Any]] = [dict(file) for file in header_of(envelope)["files"]]
    for index, pages in exam.pages.items():
        if pages.opens is not None:
            files[index] |= {"opens": pages.opens, "pages": pages.count}
        if pages.version:
            files[index]["pdf_version"] = pages.version
    return files


def refusal_facts(exam: Examination) -> dict[str, str]:
    """Which document a refused message would have been, for the figures over first submissions; nothing of
    what may be secret."""
    if exam.envelope is None or any(finding.rule.startswith("secrecy.") for finding in exam.findings):
        return {}
    said = {"document_id": exam.envelope.document_id, "kind": exam.envelope.kind.value}
    return {name: value for name, value in said.items() if value}


def findings_of(exam: Examination) -> list[dict[str, str]]:
    """Findings by rule and severity: the sentences may quote content, so they stay out of the log."""
    return [finding_fact(finding) for finding in exam.findings]


def finding_fact(finding: Finding) -> dict[str, str]:
    """Rule and severity, and the policies that decided about them."""
    decided = {"policy": finding.policy, "exempted_by": finding.exempted_by}
    fact = {"rule": finding.rule, "severity": finding.severity.name.lower()}
    return fact | {name: value for name, value in decided.items() if value}


def verdict_facts(verdicts: Iterable[Verdict], envelope: Envelope) -> list[dict[str, Any]]:
    """Verdicts, each with the number of the PDF that it is about."""
    numbers = numbers_of(envelope)
    return [verdict_fact(verdict) | _numbered(numbers.get(verdict.where)) for verdict in verdicts]


def _numbered(number: int | None) -> dict[str, int]:
    return {} if number is None else {"file": number}


def verdict_fact(verdict: Verdict) -> dict[str, Any]:
    """A verdict without the signer's name or the file's; certificates and answers by their hashes."""
    return {
        "indication": verdict.indication.value,
        "sub_indication": verdict.sub_indication,
        "role": verdict.role.value,
        "agency": verdict.agency,
        "certificate_sha256": verdict.certificate_sha256,
        "signing_time": verdict.signing_time,
        "time_source": verdict.time_source,
        "rule_set": verdict.rule_set,
        "algorithm": verdict.algorithm,
        "coverage": verdict.coverage,
        "signed_sha256": verdict.signed_sha256,
        "chain": [p.sha256 for p in verdict.proofs if p.kind is ProofKind.CERTIFICATE],
        "revocation": [
            {"sha256": p.sha256, "this_update": p.this_update}
            for p in verdict.proofs
            if p.kind in (ProofKind.CRL, ProofKind.OCSP)
        ],
        "timestamps": [p.sha256 for p in verdict.proofs if p.kind is ProofKind.TIMESTAMP],
    }


def private_of(envelope: Envelope) -> dict[str, tuple[bytes, str]]:
    """The personal values of a message, each with a fresh salt; absent ones are left out."""
    staff = envelope.status.staff if envelope.status else envelope.business.staff
    values = {
        "subject": envelope.subject,
        "content": envelope.content,
        "signer": " ".join(filter(None, (envelope.signer.position, envelope.signer.full_name))),
        "competence": envelope.signer.competence,
        "staff": ", ".join(filter(None, (staff.staff, staff.department, staff.email, staff.mobile))),
        "reason": envelope.status.description if envelope.status else envelope.business.reason,
        "file_names": orjson.dumps([file.name for file in envelope.attachments]).decode()
        if envelope.attachments
        else "",
    }
    return salted(values)


def salted(values: Mapping[str, str]) -> dict[str, tuple[bytes, str]]:
    """Each non-empty text with a salt of its own."""
    return {name: (random_bytes(SALT_BYTES), text) for name, text in values.items() if text}
