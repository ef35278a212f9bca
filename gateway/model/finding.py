"""What a check has to say, and what the gate decides from it.

In charge of: ``Finding``, ``Severity``, ``Decision`` and ``decide()``. Not in charge of: the rules themselves
(``checks/``, ``edxml/schema.py``, ``signature/judge.py``).
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass

from gateway.model.text import Bilingual


class Severity(enum.IntEnum):
    """How much a finding weighs, lightest first."""

    INFO = 0  # worth knowing
    WARNING = 1  # travels with the document to the recipient's clerk
    HOLD = 2  # a person must decide before the document goes on
    REFUSE = 3  # the gate does not take it


class Decision(enum.Enum):
    """What the gate does (contracts: decision at the gate)."""

    ACCEPT = "accept"
    HOLD = "hold"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing a check has to say.

    ``rule`` is stable and dotted (``recipient.unknown``); ``where`` names a field in the standard's spelling,
    a recipient's code or a file's name; ``clause`` cites the regulation (it stands in docs/standards.md) or
    is empty. A finding about a secret document never quotes it.
    """

    rule: str
    severity: Severity
    where: str
    text: Bilingual
    clause: str = ""
    policy: str = ""  # the policy that made it weigh more than the rule says
    exempted_by: str = ""  # the policy by which it weighs no more than the rule says

    def as_json(self) -> dict[str, str]:
        """The shape of a finding at the API and in ``gateway check --json``."""
        body = {
            "rule": self.rule,
            "severity": self.severity.name.lower(),
            "where": self.where,
            "clause": self.clause,
            "vi": self.text.vi,
            "en": self.text.en,
        }
        decided = {"policy": self.policy, "exempted_by": self.exempted_by}
        return body | {name: value for name, value in decided.items() if value}


def decide(findings: Iterable[Finding]) -> Decision:
    """Refuse if anything refuses, else hold if anything holds, else accept."""
    worst = max((f.severity for f in findings), default=Severity.INFO)
    if worst is Severity.REFUSE:
        return Decision.REFUSE
    return Decision.HOLD if worst is Severity.HOLD else Decision.ACCEPT
