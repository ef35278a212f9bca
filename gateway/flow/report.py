"""What the gate found, as the JSON of ``gateway check --json`` and of ``POST /api/v1/check``.

In charge of: the shape. Of a message that may be secret nothing is repeated that its author wrote. Not in
charge of: finding anything (``examine.py``).
"""

from __future__ import annotations

from typing import Any

from gateway.flow.examine import Examination
from gateway.model.envelope import Envelope, Organization
from gateway.model.finding import Severity


def examination_json(exam: Examination, file_name: str = "") -> dict[str, Any]:
    """``{"decision", "document", "signatures", "findings"}``; ``document`` is ``{}`` for an unreadable file.

    ``where`` of signatures and findings names the part; the file itself, when a finding is about the whole.
    """
    signatures = [verdict.as_json() for verdict in exam.verdicts]
    findings = [finding.as_json() for finding in exam.findings]
    for item in (*signatures, *findings):
        item["where"] = item["where"] or file_name
    return {
        "decision": exam.decision.value,
        "document": document_json(exam) if exam.envelope else {},
        "signatures": signatures,
        "findings": findings,
    }


def document_json(exam: Examination) -> dict[str, Any]:
    """The header in short, recipients with the code that the directory knows them by, and the files."""
    envelope, identity = exam.envelope, exam.identity
    assert envelope is not None
    assert identity is not None
    document: dict[str, Any] = {
        "kind": envelope.kind.value,
        "sender": {"code": identity.sender, **_organization(envelope.sender)},
        "recipients": [_organization(to) for to in envelope.recipients],
        "routes": [{"recipient": hop.recipient, "adapter": hop.adapter} for hop in exam.hops],
        "content_digest": identity.content_digest.hex(),
        "dialect": envelope.dialect.value,
        "envelope_signature": envelope.signature.value,
    }
    return document | ({} if may_be_secret(exam) else _words(envelope))


def may_be_secret(exam: Examination) -> bool:
    """True when a secrecy rule refused or held it."""
    return any(
        finding.rule.startswith("secrecy.") and finding.severity >= Severity.HOLD for finding in exam.findings
    )


def _organization(organization: Organization) -> dict[str, str]:
    return {"organ_id": organization.organ_id, "name": organization.name}


def _words(envelope: Envelope) -> dict[str, Any]:
    promulgated = envelope.promulgation_date
    words: dict[str, Any] = {"document_id": envelope.document_id}
    if envelope.status is not None:
        return words | {"status": envelope.status.code, "description": envelope.status.description}
    return words | {
        "number": envelope.code_number,
        "notation": envelope.code_notation,
        "type_name": envelope.document_type.name,
        "promulgation_date": promulgated.value.isoformat() if promulgated.value else promulgated.raw,
        "subject": envelope.subject,
        "priority": envelope.other.priority,
        "files": [
            {"name": file.name, "size": file.size, "format": file.format, "sha256": file.sha256.hex()}
            for file in envelope.attachments
        ],
    }
