"""What the verdicts of a message leave behind when it is accepted or judged again.

In charge of: the three things that come of a verdict in the transaction that records it: a proposal for a
signer nobody registered, a note to judge again while an answer is missing or a file was not read, and the
certificates in use. Not in charge of: verdicts (``signature``), judging again (``delivery/recheck.py``).
"""

from __future__ import annotations

from collections.abc import Sequence

from gateway.clock import SECOND
from gateway.flow.signers import note_unregistered
from gateway.model.text import AgencyCode, Instant
from gateway.model.verdict import Verdict
from gateway.services import Services
from gateway.store import rechecks
from gateway.store.contract import Tx
from gateway.store.rechecks import Cause

FIRST_RECHECK = 60 * SECOND


def note_verdicts(
    tx: Tx,
    gw: Services,
    verdicts: Sequence[Verdict],
    at: Instant,
    *,
    message: str,
    document: str,
    sender: AgencyCode,
) -> None:
    """Everything that follows from the verdicts on an accepted message, but for the findings."""
    gw.certificates_in_use.note(verdicts, at)
    note_unregistered(tx, gw, verdicts, at, message=message, document=document, sender=sender)
    due_at = Instant(at + FIRST_RECHECK)
    if any(verdict.unread for verdict in verdicts):
        rechecks.add(tx, message, rechecks.A_FILE, Cause.UNREAD, at, due_at)
    for verdict in verdicts:
        if verdict.is_open:
            rechecks.add(tx, message, verdict.certificate_sha256, Cause.ANSWER, at, due_at)
