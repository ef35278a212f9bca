"""What the checks look at.

In charge of: the values that one run of the table is handed, and small readings of them that several rules
share. Not in charge of: any rule.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from gateway.clock import local_day
from gateway.directory import codes
from gateway.directory.snapshot import Directory
from gateway.model.envelope import Envelope, Kind
from gateway.model.finding import Finding, Severity
from gateway.model.text import AgencyCode, Bilingual, Instant, nfc


@dataclass(frozen=True, slots=True)
class Earlier:
    """What the store knows about the document that a message is about.

    For a ``new`` or ``replace`` that is (sender, DocumentId); for kinds 1 and 2 the document that
    ``amendment.affected_document`` names; for a status the document reported on, and ``statuses`` are the
    codes already recorded for that document and the reporting recipient (for 13: the one asked), oldest
    first.
    """

    known_document: bool = False
    first_message: str = ""  # gateway id of the first message with this DocumentId
    same_content: bool = False  # its content_digest equals ours
    same_files: bool = False  # at least the files are equal (the axis rewrites headers)
    document_sender: AgencyCode = AgencyCode("")
    document_recipients: frozenset[AgencyCode] = frozenset()  # with those that took over after a rerouting
    statuses: tuple[str, ...] = ()
    amended: bool = False  # a revoke or update of the document was accepted
    same_number: str = ""  # gateway id of another document of this sender, year, number and notation
    sent_by_hand: str = (
        ""  # DocumentId of that one, when a clerk sent it by hand with a file that we carry too
    )
    spilled_file: bool = False  # a file of it belongs to another document, about which there is an incident
    purged: bool = False  # an incident about it is open, or it was purged: nothing of it goes on


@dataclass(frozen=True, slots=True)
class Subject:
    """One message before the gate decides. ``None``: not at hand (an offline check), never: not allowed."""

    envelope: Envelope
    sender: AgencyCode | None  # canonical code of From; None: it spells no agency
    caller_agencies: frozenset[AgencyCode] | None  # for whom the caller may send
    directory: Directory | None
    now: Instant
    narrow_to: tuple[str, ...] = ()  # the only recipients that this call is for; empty: all
    earlier: Earlier | None = None
    from_axis: bool = False  # came through the national axis: recipients that are not ours are no error
    sender_is_here: bool = False  # came through an axis, and its sender is not an agency beyond that axis

    @property
    def today(self) -> date:
        """The Vietnamese calendar day of the check."""
        return local_day(self.now)

    def canonical(self, text: str) -> str:
        """A comparable spelling of an identifier, with or without a directory."""
        if self.directory is not None:
            return self.directory.canonical(text)
        return codes.to_canonical(text) or nfc(text).strip()

    def wanted(self) -> tuple[str, ...]:
        """The recipients that this call is for, as the partner spells them, each once."""
        seen: dict[str, str] = {}
        for text in self.narrow_to or (*(to.organ_id for to in self.envelope.recipients), *self.added()):
            seen.setdefault(self.canonical(text), text)
        return tuple(seen.values())

    def added(self) -> tuple[str, ...]:
        """The recipients that an update adds, as the partner spells them."""
        if self.envelope.kind is not Kind.UPDATE:
            return ()
        return tuple(change.organ_id for change in self.envelope.business.receiver_changes if change.added)


def info(rule: str, where: str, vi: str, en: str, clause: str = "") -> Finding:
    """Worth knowing."""
    return Finding(rule, Severity.INFO, where, Bilingual(vi, en), clause)


def warning(rule: str, where: str, vi: str, en: str, clause: str = "") -> Finding:
    """Travels with the document to the recipient's clerk."""
    return Finding(rule, Severity.WARNING, where, Bilingual(vi, en), clause)


def hold(rule: str, where: str, vi: str, en: str, clause: str = "") -> Finding:
    """A person decides before the document goes on."""
    return Finding(rule, Severity.HOLD, where, Bilingual(vi, en), clause)


def refuse(rule: str, where: str, vi: str, en: str, clause: str = "") -> Finding:
    """The gate does not take it."""
    return Finding(rule, Severity.REFUSE, where, Bilingual(vi, en), clause)
