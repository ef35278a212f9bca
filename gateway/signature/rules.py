"""Rule sets: under which dated rules a signature is judged.

In charge of: reading ``schemas/rules/signature-rules.toml`` and choosing the rule set of a day. Not in charge
of: applying the conditions (``trust``, ``pdf_judge``, ``xmldsig``); a test holds algorithms to the data.

The day on which the gateway receives a document chooses the rule set; what it demands of certificate, key and
content is judged at the time of signing (docs/adr/0005).
"""

from __future__ import annotations

import functools
import tomllib
from dataclasses import dataclass
from datetime import date
from typing import Any

from gateway.clock import local_day
from gateway.model.agency import Period
from gateway.model.text import Bilingual, Instant
from gateway.resources import shipped


@dataclass(frozen=True, slots=True)
class RuleSet:
    """One rule set. ``name`` is stored with each verdict and never changes its meaning: a correction gets a
    new name."""

    name: str
    period: Period
    text_obtained: bool  # False: known only by its number and its day
    clauses: tuple[str, ...]
    digests: frozenset[str]  # "SHA-256"
    rsa_bits: int  # the least
    signer_curves: tuple[str, ...]  # SEC 2 names
    issuer_curves: tuple[str, ...]
    signing_time: tuple[str, ...]  # sources of the signing time, the first that is there counts
    text: Bilingual


@dataclass(frozen=True, slots=True)
class RuleSets:
    """Rule sets without gap or overlap, oldest first; the first is open backwards, the last forwards."""

    all: tuple[RuleSet, ...]

    def __post_init__(self) -> None:
        """Two rule sets of one day, or a day without one, would make verdicts arbitrary: ``ValueError``."""
        if not self.all or self.all[0].period.start is not None or self.all[-1].period.end is not None:
            raise ValueError("the rule sets must be open at both ends")
        for earlier, later in zip(self.all, self.all[1:], strict=False):
            end, start = earlier.period.end, later.period.start
            if end is None or start is None or (start - end).days != 1:
                raise ValueError(f"{later.name} does not begin on the day after {earlier.name}")

    def on(self, day: date) -> RuleSet:
        """The rule set in force on a day (Vietnam time)."""
        return next(one for one in self.all if one.period.holds_on(day))

    def at(self, moment: Instant) -> RuleSet:
        """The rule set in force at a moment."""
        return self.on(local_day(moment))


@functools.cache
def shipped_rules() -> RuleSets:
    """The rule sets that ship with the program. ``ValueError``: the file is wrong."""
    text = shipped("schemas", "rules", "signature-rules.toml").read_text(encoding="utf-8")
    return RuleSets(tuple(_rule_set(row) for row in tomllib.loads(text)["rule_set"]))


def _rule_set(row: dict[str, Any]) -> RuleSet:
    return RuleSet(
        name=row["name"],
        period=Period(_day(row["valid_from"]), _day(row["valid_to"])),
        text_obtained=row["text_obtained"],
        clauses=tuple(row["clauses"]),
        digests=frozenset(row["digests"]),
        rsa_bits=row["rsa_bits"],
        signer_curves=tuple(row["signer_curves"]),
        issuer_curves=tuple(row["issuer_curves"]),
        signing_time=tuple(row["signing_time"]),
        text=Bilingual(row["vi"], row["en"]),
    )


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None
