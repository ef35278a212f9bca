"""Fingerprints that recognise a message that was sent again.

In charge of: ``content_digest`` of a document message and the key of a status (contracts: message, document,
delivery). A retry that a client library rebuilt, another order of elements, the other dialect, zipped or raw
files, ``cid:`` or not, empty or missing elements all give the same digest; another subject, recipient, file,
kind or reason does not. Not in charge of: what follows from a repetition (``checks/duplicate``).

Left out of the header are ``TraceHeader`` and ``StaffInfo``. Of unknown elements those within the header
count; unknown attributes do not (signing tools put random ids there).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from gateway.edxml import names
from gateway.model.canonical import canonical_json
from gateway.model.envelope import (
    Attachment,
    Business,
    DateText,
    Envelope,
    Extension,
    Organization,
    OtherInfo,
)
from gateway.model.text import nfc

Canonical = Callable[[str], str]
Value = str | list["Value"] | dict[str, "Value"]  # what is left of a header: nothing empty, no numbers

_LEFT_OUT = frozenset({"TraceHeader", "StaffInfo", "Signature", "DigitalSignature"})
_HEADER = f"{names.ROOT}/{names.ENVELOPE}/{names.HEADER}/"


class StatusKey(NamedTuple):
    """Two statuses with one key are one status, sent twice."""

    reporter: str  # canonical
    about: str  # ResponseFor/OrganId, canonical: one recall to thirty recipients is thirty statuses
    document_id: str
    code: str
    timestamp: str  # the partner's text


def content_digest(envelope: Envelope, canonical: Canonical) -> bytes:
    """SHA-256 over canonical JSON of header, recipients, kind and (name, SHA-256) of each file: 32 bytes.

    ``canonical`` turns any spelling of an OrganId into the canonical one and leaves an unknown one alone.
    """
    header = _status(envelope, canonical) if envelope.status else _header(envelope, canonical)
    recipients = sorted({canonical(one.organ_id) for one in envelope.recipients})
    content = {
        "header": header,
        "recipients": recipients,
        "kind": envelope.kind.value,
        "files": sorted(_file(one) for one in envelope.attachments),
    }
    return hashlib.sha256(canonical_json(content)).digest()


def status_key(envelope: Envelope, canonical: Canonical) -> StatusKey:
    """The key of a status message; what it does not say is empty. ``ValueError`` for a document message."""
    if envelope.status is None:
        raise ValueError("not a status message")
    about = canonical(envelope.response_for[0].organ_id) if envelope.response_for else ""
    status = envelope.status
    reporter = canonical(envelope.sender.organ_id)
    return StatusKey(reporter, about, nfc(envelope.document_id), status.code, nfc(status.timestamp))


def _header(envelope: Envelope, canonical: Canonical) -> Value:
    kind = envelope.document_type
    return _filled(
        {
            "from": _organization(envelope.sender, canonical),
            "to": _sorted(_organization(one, canonical) for one in envelope.recipients),
            "document_id": envelope.document_id,
            "code_number": envelope.code_number,
            "code_notation": envelope.code_notation,
            "place": envelope.place,
            "promulgation_date": _date(envelope.promulgation_date),
            "type": [kind.type, kind.detail, kind.name],
            "subject": envelope.subject,
            "content": envelope.content,
            "signer": [envelope.signer.competence, envelope.signer.position, envelope.signer.full_name],
            "due_date": _date(envelope.due_date),
            "to_places": list(envelope.to_places),
            "other": _other(envelope.other),
            "response_for": _answers(envelope, canonical),
            "steering_type": envelope.steering_type,
            "task_codes": list(envelope.task_codes),
            "application_type": envelope.application_type,
            "business": _business(envelope.business, canonical),
            "unknown": _sorted([one.path, one.text] for one in envelope.extensions if _counts(one)),
        }
    )


def _status(envelope: Envelope, canonical: Canonical) -> Value:
    assert envelope.status is not None
    return _filled(
        {
            "from": canonical(envelope.sender.organ_id),
            "response_for": _answers(envelope, canonical),
            "code": envelope.status.code,
            "description": envelope.status.description,
            "timestamp": envelope.status.timestamp,
        }
    )


def _organization(one: Organization, canonical: Canonical) -> Value:
    return _filled(
        {
            "organ_id": canonical(one.organ_id),
            "in_charge": one.in_charge,
            "name": one.name,
            "address": one.address,
            "email": one.email,
            "telephone": one.telephone,
            "fax": one.fax,
            "website": one.website,
        }
    )


def _other(other: OtherInfo) -> Value:
    """An urgency that was not given is 0; one that cannot be read counts as it was written."""
    readable = other.priority_raw in ("", str(other.priority))
    return _filled(
        {
            "priority": str(other.priority) if readable else other.priority_raw,
            "sphere": other.sphere,
            "typer_notation": other.typer_notation,
            "promulgation_amount": other.promulgation_amount,
            "page_amount": other.page_amount,
            "direction": _flag(other.direction),
            "reply_fors": other.reply_fors,
            "reference_codes": other.reference_codes,
            "appendixes": list(other.appendixes),
        }
    )


def _business(business: Business, canonical: Canonical) -> Value:
    changes = business.receiver_changes
    replaced = business.replacements
    return _filled(
        {
            "document_id": business.document_id,
            "reason": business.reason,
            "paper": business.paper,
            "content_changed": _flag(business.content_changed),
            "receivers_changed": _flag(business.receivers_changed),
            "receivers": _sorted([canonical(one.organ_id), _flag(one.added)] for one in changes),
            "replaced": _sorted(
                [one.document_id, *sorted(map(canonical, one.organ_ids))] for one in replaced
            ),
        }
    )


def _answers(envelope: Envelope, canonical: Canonical) -> Value:
    return _sorted(
        [canonical(one.organ_id), one.code, _date(one.promulgation_date), one.document_id]
        for one in envelope.response_for
    )


def _file(one: Attachment) -> list[str]:
    return [nfc(one.name), one.sha256.hex()]


def _counts(one: Extension) -> bool:
    """True for an unknown element of the header that says something."""
    inside = one.path.startswith(_HEADER) and not _LEFT_OUT.intersection(one.path.split("/"))
    return inside and bool(one.text) and "/@" not in one.path


def _date(one: DateText) -> str:
    return one.value.isoformat() if one.value else one.raw


def _flag(value: bool) -> str:
    """False and missing are equal (the national axis adds ``Direction=false``)."""
    return "true" if value else ""


def _filled(values: Mapping[str, Value]) -> Value:
    """Without what is empty; texts in NFC (an envelope that was not parsed may hold others)."""
    return {name: _nfc(value) for name, value in values.items() if _says_something(value)}


def _says_something(value: Value) -> bool:
    return any(map(_says_something, value)) if isinstance(value, list) else bool(value)


def _nfc(value: Value) -> Value:
    if isinstance(value, str):
        return nfc(value)
    return [_nfc(item) for item in value] if isinstance(value, list) else value


def _sorted(values: Iterable[Value]) -> Value:
    """In an order that does not depend on the sender; equal ones once."""
    return [value for _, value in sorted({canonical_json(value): value for value in values}.items())]
