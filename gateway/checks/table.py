"""The checks in their order.

In charge of: which rule looks at which kind of message, and in what order findings are told. Not in charge
of: the rules (the files beside this one), the decision (``model/finding.decide``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from gateway.checks import amendment, competence, duplicate, form, recipients, secrecy
from gateway.checks.subject import Subject
from gateway.model.envelope import Kind
from gateway.model.finding import Finding, Severity

DOCUMENTS = frozenset({Kind.NEW, Kind.REVOKE, Kind.UPDATE, Kind.REPLACE})
WITH_FILES = DOCUMENTS - {Kind.REVOKE}
AMENDMENTS = frozenset({Kind.REVOKE, Kind.UPDATE})
STATUS = frozenset({Kind.STATUS})
EVERY = DOCUMENTS | STATUS


@dataclass(frozen=True, slots=True)
class Check:
    """One rule and the kinds of message it looks at."""

    rule: Callable[[Subject], Iterator[Finding]]
    kinds: frozenset[Kind]


TABLE = (
    Check(competence.sender_is_the_callers, EVERY),
    Check(competence.sender_is_beyond, EVERY),
    Check(secrecy.check_secrecy, EVERY),
    Check(recipients.recipients_can_be_reached, DOCUMENTS),
    Check(recipients.narrowed_recipients_are_named, DOCUMENTS),
    Check(duplicate.document_id_is_fresh, frozenset({Kind.NEW})),
    Check(amendment.amended_document_is_known, AMENDMENTS),
    Check(amendment.document_is_not_purged, DOCUMENTS),
    Check(amendment.files_are_not_spilled, WITH_FILES),
    Check(amendment.change_says_what, DOCUMENTS),
    Check(amendment.status_is_known, STATUS),
    Check(amendment.status_is_reported_by_its_party, STATUS),
    Check(amendment.status_order_is_usual, STATUS),
    Check(competence.sender_is_active, EVERY),
    Check(competence.signer_is_named, DOCUMENTS),
    Check(competence.signing_authority_is_known, DOCUMENTS),
    Check(form.parts_are_present, DOCUMENTS),
    Check(form.type_is_listed, DOCUMENTS),
    Check(form.date_is_possible, DOCUMENTS),
    Check(form.priority_is_known, DOCUMENTS),
    Check(form.lengths_fit, DOCUMENTS),
    Check(form.files_are_there, WITH_FILES),
    Check(form.recipients_are_distinct, DOCUMENTS),
    Check(duplicate.number_is_fresh, frozenset({Kind.NEW, Kind.REPLACE})),
)
# Rules that never quote the message: all that may be said of a secret document.
DISCREET = (competence.sender_is_the_callers, competence.sender_is_beyond, secrecy.check_secrecy)


def run_checks(subject: Subject) -> list[Finding]:
    """Every finding of every rule, in the order of the table.

    When a secrecy mark refuses the message, only the rules that quote nothing are heard.
    """
    marks = tuple(secrecy.check_secrecy(subject))  # once: it reads every word of the message
    secret = any(finding.severity is Severity.REFUSE for finding in marks)
    kind = subject.envelope.kind
    heard = [c.rule for c in TABLE if kind in c.kinds and (not secret or c.rule in DISCREET)]
    said = (marks if rule is secrecy.check_secrecy else rule(subject) for rule in heard)
    return [finding for findings in said for finding in findings]
