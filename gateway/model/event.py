"""Facts that are recorded and never changed (contracts: events).

In charge of: the event types with their one-sentence meaning (``docs/events.md`` is made from them), the body
of an event and its canonical bytes, and the salted commitments that stand in for personal values. Not in
charge of: storing (``store/events.py``) or hashing into the log (``exchange_log/``).
"""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.model.canonical import canonical_json
from gateway.model.text import Instant

VERSION = 1


class EventType(enum.Enum):
    """``noun.past``; the member's value is what stands in the log."""

    DOCUMENT_ACCEPTED = "document.accepted"
    DOCUMENT_REPEATED = "document.repeated"
    STATUS_REPORTED = "status.reported"
    SUBMISSION_REFUSED = "submission.refused"
    DELIVERY_QUEUED = "delivery.queued"
    DELIVERY_HELD = "delivery.held"
    DELIVERY_RELEASED = "delivery.released"
    DELIVERY_REROUTED = "delivery.rerouted"
    DELIVERY_FETCHED = "delivery.fetched"
    DELIVERY_UNPROCESSED = "delivery.unprocessed"
    DELIVERY_POSTPONED = "delivery.postponed"
    DELIVERY_DELIVERED = "delivery.delivered"
    DELIVERY_DEAD = "delivery.dead"
    DELIVERY_REVIVED = "delivery.revived"
    DELIVERY_REJECTED = "delivery.rejected"
    DELIVERY_CANCELLED = "delivery.cancelled"
    DELIVERY_RECALLED = "delivery.recalled"
    RECALL_ASKED = "recall.asked"
    RECALL_REMINDED = "recall.reminded"
    RECALL_ANSWERED = "recall.answered"
    DOCUMENT_FROZEN = "document.frozen"
    PAYLOAD_DESTROYED = "payload.destroyed"
    INCIDENT_OPENED = "incident.opened"
    INCIDENT_PURGED = "incident.purged"
    INCIDENT_DISMISSED = "incident.dismissed"
    INCIDENT_CLOSED = "incident.closed"
    DIRECTORY_IMPORTED = "directory.imported"
    SIGNERS_IMPORTED = "signers.imported"
    SIGNER_PROPOSED = "signer.proposed"
    SIGNER_DECIDED = "signer.decided"
    DOCUMENT_REJUDGED = "document.rejudged"
    CERTIFICATE_EXPIRING = "certificate.expiring"
    LOG_FORKED = "log.forked"
    LOG_EPOCH_OPENED = "log.epoch_opened"
    MESSAGE_RESTORED = "message.restored"
    RESTORE_RECORDED = "restore.recorded"
    PROFILE_CHANGED = "profile.changed"
    POLICY_PROPOSED = "policy.proposed"
    POLICY_DECLINED = "policy.declined"
    POLICY_CHANGED = "policy.changed"
    PRINCIPAL_CREATED = "principal.created"
    CREDENTIAL_ISSUED = "credential.issued"
    CREDENTIAL_REVOKED = "credential.revoked"
    CREDENTIAL_CHANGED = "credential.changed"
    AGENCY_REQUESTED = "agency.requested"
    AGENCY_DECIDED = "agency.decided"
    PARTNER_COLLECTED = "partner.collected"
    PARTNER_UNAVAILABLE = "partner.unavailable"
    PARTNER_AVAILABLE = "partner.available"
    DIRECTORY_COMPARED = "directory.compared"
    RECONCILIATION_MADE = "reconciliation.made"
    CONSERVATION_BROKEN = "conservation.broken"
    KEY_ROTATED = "key.rotated"
    KEY_COMPROMISED = "key.compromised"
    SETTINGS_CHANGED = "settings.changed"
    GATEWAY_STARTED = "gateway.started"
    CLOCK_STEPPED = "clock.stepped"
    LOGIN_SUCCEEDED = "login.succeeded"
    LOGIN_FAILED = "login.failed"
    PRINCIPAL_ERASED = "principal.erased"
    RETENTION_PROPOSED = "retention.proposed"
    RETENTION_DECIDED = "retention.decided"
    RETENTION_ERASED = "retention.erased"
    RETENTION_FROZEN = "retention.frozen"
    RETENTION_THAWED = "retention.thawed"
    PERSON_VIEWED = "person.viewed"
    PERSON_OPENED = "person.opened"
    EVIDENCE_EXPORTED = "evidence.exported"
    CALENDAR_APPROVED = "calendar.approved"
    AUTHORITY_IMPORTED = "authority.imported"
    TOTALS_DECLARED = "totals.declared"
    OUTAGE_RECORDED = "outage.recorded"
    OUTAGE_WITHDRAWN = "outage.withdrawn"
    REPORT_PUBLISHED = "report.published"
    OBJECTIVE_CHANGED = "objective.changed"
    ALERT_RAISED = "alert.raised"
    ALERT_ENDED = "alert.ended"
    ARCHIVE_DETACHED = "archive.detached"
    ARCHIVE_DROPPED = "archive.dropped"
    ARCHIVE_ATTACHED = "archive.attached"


MEANING: dict[EventType, str] = {
    EventType.DOCUMENT_ACCEPTED: "A document message passed the gate (accept or hold) and is durable.",
    EventType.DOCUMENT_REPEATED: "An accepted message came again; its first receipt was given.",
    EventType.STATUS_REPORTED: "A status was recorded: by an agency, or 01 by the gateway.",
    EventType.SUBMISSION_REFUSED: "The gate did not take an upload of a known caller; nothing was kept.",
    EventType.DELIVERY_QUEUED: "A delivery to one recipient was created and waits in its lane.",
    EventType.DELIVERY_HELD: "A delivery was kept back by a rule or a person, with a reason.",
    EventType.DELIVERY_RELEASED: "A person let a held delivery go on.",
    EventType.DELIVERY_REROUTED: "A person chose which successors of a closed recipient take its place.",
    EventType.DELIVERY_FETCHED: "The recipient's system took all bytes for the first time.",
    EventType.DELIVERY_UNPROCESSED: "The recipient's system works on it, or could not; it stays queued.",
    EventType.DELIVERY_POSTPONED: "An attempt failed for a passing reason; the next one has a time.",
    EventType.DELIVERY_DELIVERED: "The recipient's system has the message; the proof says how we know.",
    EventType.DELIVERY_DEAD: "No further attempt is made by itself; the original is kept, a person decides.",
    EventType.DELIVERY_REVIVED: "A person had a dead or waiting delivery tried again.",
    EventType.DELIVERY_REJECTED: "A person refused a held delivery; the sender was told.",
    EventType.DELIVERY_CANCELLED: "A delivery was withdrawn before anyone had it.",
    EventType.DELIVERY_RECALLED: "A recipient that had the document agreed to its recall.",
    EventType.RECALL_ASKED: "A recipient is to give a document back: withdrawn at once, or asked.",
    EventType.RECALL_REMINDED: "A recipient has not answered a recall in time.",
    EventType.RECALL_ANSWERED: "A recipient agreed to a recall (15) or refused it (16).",
    EventType.DOCUMENT_FROZEN: "The sender's copy is kept as it is from now on, because of a recall.",
    EventType.PAYLOAD_DESTROYED: "Bytes were destroyed here; the event says until when backups have them.",
    EventType.INCIDENT_OPENED: "A person reported that a document must be purged; it is kept back.",
    EventType.INCIDENT_PURGED: "A second person confirmed; nothing of the document is readable here.",
    EventType.INCIDENT_DISMISSED: "The incident was none; the document goes on.",
    EventType.INCIDENT_CLOSED: "Recipients and backups of a purged document are dealt with.",
    EventType.DIRECTORY_IMPORTED: "Agencies, aliases, successions or level sets were imported.",
    EventType.SIGNERS_IMPORTED: "The signer register was changed by an import.",
    EventType.SIGNER_PROPOSED: "A valid signature with an unregistered certificate proposed its signer.",
    EventType.SIGNER_DECIDED: "A person confirmed or declined a proposed signer.",
    EventType.DOCUMENT_REJUDGED: "Signatures were judged again, because an answer or a register row came.",
    EventType.CERTIFICATE_EXPIRING: "A certificate in use expires within 60 or 14 days.",
    EventType.LOG_FORKED: "As a witness we saw a log that does not continue what it showed before.",
    EventType.LOG_EPOCH_OPENED: "An older backup was restored: the log goes on under a new origin and names "
    "the last checkpoint that it gave up.",
    EventType.MESSAGE_RESTORED: "A message that a restore had lost is back from its second copy, under the "
    "same ids; its first events are leaves again.",
    EventType.RESTORE_RECORDED: "What a restore lost, took back and cannot honour, as its report says.",
    EventType.PROFILE_CHANGED: "How an agency is connected was changed.",
    EventType.POLICY_PROPOSED: "A person proposed to change how strict the gate is; nothing changed yet.",
    EventType.POLICY_DECLINED: "A proposal about a policy was declined, or taken back by who made it.",
    EventType.POLICY_CHANGED: "A second person approved: a rule is stricter, or an exemption began or ended.",
    EventType.PRINCIPAL_CREATED: "A system or person was given an account and a role.",
    EventType.CREDENTIAL_ISSUED: "An API key or client certificate was registered for a principal.",
    EventType.CREDENTIAL_REVOKED: "A credential was withdrawn.",
    EventType.CREDENTIAL_CHANGED: "How old a signed call of a partner's system may be was changed.",
    EventType.AGENCY_REQUESTED: "A partner's software asked to add or close an agency below its own.",
    EventType.AGENCY_DECIDED: "An operator approved or declined such a request.",
    EventType.PARTNER_COLLECTED: "A message that a partner kept for us was taken, or refused, by its DocId.",
    EventType.PARTNER_UNAVAILABLE: "A partner that we come to for messages failed several times in a row.",
    EventType.PARTNER_AVAILABLE: "A partner that had failed answers again.",
    EventType.DIRECTORY_COMPARED: "A partner's agency list was compared with the directory; nothing changed.",
    EventType.RECONCILIATION_MADE: "What a partner took on a day was compared with what it lists.",
    EventType.CONSERVATION_BROKEN: "What the events say of a delivery and its row do not agree.",
    EventType.KEY_ROTATED: "The gateway began to use a new key of its own.",
    EventType.KEY_COMPROMISED: "A key of the gateway is no longer trusted from a moment on; it was replaced.",
    EventType.SETTINGS_CHANGED: "Settings, or what is trusted, differ from the last start.",
    EventType.GATEWAY_STARTED: "The gateway began to serve.",
    EventType.CLOCK_STEPPED: "The system clock jumped against the clock that only counts seconds.",
    EventType.LOGIN_SUCCEEDED: "A caller proved who it is, the first time from there within an hour.",
    EventType.LOGIN_FAILED: "Calls from one source within a minute proved nothing; how many.",
    EventType.PRINCIPAL_ERASED: "The name behind an actor was erased; what it did stays recorded.",
    EventType.RETENTION_PROPOSED: "A person proposed to erase what is due in a class; nothing was erased.",
    EventType.RETENTION_DECIDED: "A second person approved or declined the proposal.",
    EventType.RETENTION_ERASED: "Values beside the log were erased under a decision; the events stay.",
    EventType.RETENTION_FROZEN: "Nothing of a document, an agency or a period may be erased from now on.",
    EventType.RETENTION_THAWED: "A freeze ended.",
    EventType.PERSON_VIEWED: "A person looked at or searched for something; the content was not opened.",
    EventType.PERSON_OPENED: "A person opened content, with the reason that was given.",
    EventType.EVIDENCE_EXPORTED: "An evidence container about a document was made and handed out.",
    EventType.CALENDAR_APPROVED: "A version of the working-day calendar was approved and is in force.",
    EventType.AUTHORITY_IMPORTED: "Who may sign for an agency, under which prefix, was changed by an import.",
    EventType.TOTALS_DECLARED: "An agency declared how many documents its register holds for some days.",
    EventType.OUTAGE_RECORDED: "An outage was approved: figures are also shown without its hours.",
    EventType.OUTAGE_WITHDRAWN: "An outage record was withdrawn; its hours count again.",
    EventType.REPORT_PUBLISHED: "A report was frozen: its period, what it counted, its SHA-256.",
    EventType.OBJECTIVE_CHANGED: "A delivery objective of an agency, or of all, was set or ended.",
    EventType.ALERT_RAISED: "A delivery objective of an agency is being missed faster than allowed.",
    EventType.ALERT_ENDED: "That is over.",
    EventType.ARCHIVE_DETACHED: "A closed month was taken out of the database into a file with this SHA-256.",
    EventType.ARCHIVE_DROPPED: "The tables of such a month were thrown away; it is in its file only.",
    EventType.ARCHIVE_ATTACHED: "A month that was away is in the database again.",
}


@dataclass(frozen=True, slots=True)
class Event:
    """One fact. Empty texts and ``None`` do not enter the body, so its bytes stay short and stable.

    ``facts`` holds what the figures need beyond the common fields (numbers, hashes, verdicts …), ``private``
    the personal values that stay outside the body: name -> (16-byte salt, text).
    """

    id: str
    type: EventType
    at: Instant
    clock_source: str
    actor: str  # principal id, or "gateway"
    document: str = ""
    message: str = ""
    delivery: str = ""
    sender: str = ""
    sender_level: str = ""
    recipient: str = ""
    recipient_level: str = ""
    from_state: str = ""
    to_state: str = ""
    status: str = ""
    reason_code: str = ""
    declared_time: str = ""
    envelope_sha256: str = ""
    rule_set: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    private: Mapping[str, tuple[bytes, str]] = field(default_factory=dict)
    clock_offset: int | None = None  # microseconds that the source is known to be off

    def body(self) -> bytes:
        """The canonical bytes (RFC 8785) that become the leaf of the log."""
        fields: dict[str, Any] = {
            "v": VERSION,
            "id": self.id,
            "type": self.type.value,
            "at": self.at,
            "clock": {"source": self.clock_source, "offset": self.clock_offset},
            "actor": self.actor,
        }
        for name in _OPTIONAL:
            if value := getattr(self, name):
                fields[name] = value
        fields.update(self.facts)
        if self.private:
            fields["commitments"] = {
                name: commitment(salt, text) for name, (salt, text) in self.private.items()
            }
        return canonical_json(fields)


_OPTIONAL = (
    "document",
    "message",
    "delivery",
    "sender",
    "sender_level",
    "recipient",
    "recipient_level",
    "from_state",
    "to_state",
    "status",
    "reason_code",
    "declared_time",
    "envelope_sha256",
    "rule_set",
)


def commitment(salt: bytes, text: str) -> str:
    """Hex SHA-256 over salt and text: proves a value that is shown, tells nothing once it is erased."""
    return hashlib.sha256(salt + text.encode()).hexdigest()
