"""Rows of proposed signers, and of the messages that wait for somebody to decide about them.

In charge of: proposing a certificate once, a person's decision, and handing the messages that carry a
certificate to ``rechecks`` when it is registered. Not in charge of: the register itself (``registry.py``).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from gateway.model.agency import Period
from gateway.model.text import Instant
from gateway.store.contract import Row, Tx
from gateway.store.dates import period_columns, period_of

CONFIRMED = "confirmed"
DECLINED = "declined"


@dataclass(frozen=True, slots=True)
class SignerProposal:
    """A certificate of no register row. ``decision`` is empty, ``confirmed`` or ``declined``."""

    certificate_sha256: str
    subject: str
    agency: str  # canonical, as the subject proposes, or ""
    role: str  # person, agency or ""
    period: Period
    message: str  # where it was first seen
    sender: str
    seen_at: Instant
    decision: str = ""
    decided_at: Instant | None = None
    decided_by: str = ""
    reason: str = ""


def propose(tx: Tx, new: SignerProposal) -> bool:
    """Keep a proposal. False when the certificate was proposed before."""
    added = tx.run(
        "add_signer_proposal",
        certificate_sha256=new.certificate_sha256,
        subject=new.subject,
        agency=new.agency,
        role=new.role,
        **period_columns(new.period),
        message=new.message,
        sender=new.sender,
        seen_at=new.seen_at,
    )
    return added > 0


def wait_for(tx: Tx, certificate_sha256: str, message: str, at: Instant) -> bool:
    """The message is judged again once the certificate is registered; at once when it just was.

    False: it has to be proposed first. The row of the proposal is held, so that a decision that is made
    meanwhile sees this message.
    """
    proposal = tx.one("hold_signer_proposal", certificate_sha256=certificate_sha256)
    if proposal is None:
        return False
    tx.run("add_signer_use", certificate_sha256=certificate_sha256, message=message, seen_at=at)
    if proposal["decision"] == CONFIRMED:
        _hand_over(tx, certificate_sha256, at)
    return True


def find(tx: Tx, certificate_sha256: str) -> SignerProposal | None:
    """The proposal about a certificate."""
    row = tx.one("signer_proposal", certificate_sha256=certificate_sha256)
    return None if row is None else _from_row(row)


def undecided(tx: Tx) -> list[SignerProposal]:
    """Proposals about which nobody has decided, oldest first."""
    return [_from_row(row) for row in tx.all("undecided_signer_proposals")]


def all_proposals(tx: Tx) -> list[SignerProposal]:
    """Every proposal, decided or not, oldest first."""
    return [_from_row(row) for row in tx.all("all_signer_proposals")]


def decide(tx: Tx, certificate_sha256: str, decision: str, by: str, reason: str, at: Instant) -> bool:
    """Record a decision; False when the certificate was never proposed."""
    changed = tx.run(
        "decide_signer_proposal",
        certificate_sha256=certificate_sha256,
        decision=decision,
        decided_at=at,
        decided_by=by,
        reason=reason,
    )
    return changed > 0


def registered(tx: Tx, certificates: Iterable[str], by: str, reason: str, at: Instant) -> int:
    """Certificates now stand in the register: what was proposed about them is decided, and the messages that
    carry them are judged again. How many messages."""
    moved = 0
    for certificate in sorted(set(certificates)):
        if decide(tx, certificate, CONFIRMED, by, reason, at):
            moved += _hand_over(tx, certificate, at)
    return moved


def forget_uses(tx: Tx, before: Instant) -> int:
    """Drop the note about messages that are too old to be judged again."""
    return tx.run("forget_signer_uses_before", before=before)


def _hand_over(tx: Tx, certificate_sha256: str, at: Instant) -> int:
    moved = tx.run("recheck_signer_uses", certificate_sha256=certificate_sha256, at=at)
    tx.run("forget_signer_uses_of", certificate_sha256=certificate_sha256)
    return moved


def _from_row(row: Row) -> SignerProposal:
    return SignerProposal(
        certificate_sha256=row["certificate_sha256"],
        subject=row["subject"],
        agency=row["agency"],
        role=row["role"],
        period=period_of(row),
        message=row["message"],
        sender=row["sender"],
        seen_at=row["seen_at"],
        decision=row["decision"],
        decided_at=row["decided_at"],
        decided_by=row["decided_by"],
        reason=row["reason"],
    )
