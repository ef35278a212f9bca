"""What the policies of the gate make of findings. Pure.

In charge of: raising a finding as far as a policy in force says, and lowering it again where an exemption
was approved; what a recipient's policy means for its delivery. Not in charge of: deciding policies
(``flow/policies.py``), acting on the result.

A policy never makes a finding weigh less than the rule itself says: what is forged, tampered with, revoked,
unreadable, unroutable or secret stays refused whatever anybody decided (contracts: decision at the gate).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from gateway.clock import local_day
from gateway.model.delivery import Hop
from gateway.model.finding import Finding, Severity
from gateway.model.policy import Action, Direction, Policy
from gateway.model.text import AgencyCode, Bilingual, Instant

HELD = "policy.delivery_held"
REJECTED = "policy.delivery_refused"
_WEIGHT = {Action.HOLD: Severity.HOLD, Action.REFUSE: Severity.REFUSE}


@dataclass(frozen=True, slots=True)
class Demand:
    """What a recipient's policy makes of its delivery. ``rule`` is the finding's that led to it."""

    action: Action  # hold or refuse
    rule: str
    text: Bilingual
    policy: str


def apply_policies(
    findings: Iterable[Finding], sender: AgencyCode | None, at: Instant, policies: Iterable[Policy]
) -> list[Finding]:
    """The findings as they weigh for ``sender`` at ``at``; ``None``: an agency nobody knows."""
    ours = _in_force(policies, sender, Direction.SENDS, at)
    return [_weigh(finding, ours) for finding in findings] if ours else list(findings)


def demand_of(
    recipient: AgencyCode, findings: Iterable[Finding], at: Instant, policies: Iterable[Policy]
) -> Demand | None:
    """What the recipient wants done with a delivery that carries these findings; the strictest counts."""
    ours = _in_force(policies, recipient, Direction.RECEIVES, at)
    demands = [demand for finding in findings if (demand := _demand(finding, ours)) is not None]
    return max(demands, key=lambda demand: _WEIGHT[demand.action], default=None)


def meet_demands(
    hops: Iterable[Hop], findings: Sequence[Finding], at: Instant, policies: Sequence[Policy]
) -> tuple[tuple[Hop, ...], list[Finding]]:
    """The ways to the recipients as these want them, and what the sender is to know of it."""
    met, told = [], []
    for hop in hops:
        demand = demand_of(hop.recipient, findings, at, policies)
        if demand is not None:
            refused = demand.policy if demand.action is Action.REFUSE else ""
            hop = replace(hop, held=demand.text, held_code=demand.rule, rejected_by=refused)
            told.append(finding_of(hop.recipient, demand))
        met.append(hop)
    return tuple(met), told


def finding_of(recipient: AgencyCode, demand: Demand) -> Finding:
    """How the sender learns of it, at the preflight already."""
    if demand.action is Action.REFUSE:
        return Finding(REJECTED, Severity.WARNING, recipient, demand.text)
    return Finding(HELD, Severity.INFO, recipient, demand.text)


def _in_force(
    policies: Iterable[Policy], agency: AgencyCode | None, direction: Direction, at: Instant
) -> tuple[Policy, ...]:
    day = local_day(at)
    return tuple(p for p in policies if p.concerns(agency, direction) and p.holds_at(at, day))


def _strictest(rule: str, policies: Sequence[Policy]) -> tuple[Policy | None, Policy | None]:
    """The policy that asks for most, and the exemption that takes it back."""
    covering = [policy for policy in policies if policy.covers(rule)]
    strict = [policy for policy in covering if policy.action in _WEIGHT]
    exempt = [policy for policy in covering if policy.action is Action.ACCEPT_AND_REPORT]
    return max(strict, key=lambda p: _WEIGHT[p.action], default=None), next(iter(exempt), None)


def _weigh(finding: Finding, policies: Sequence[Policy]) -> Finding:
    strict, exemption = _strictest(finding.rule, policies)
    if strict is None or _WEIGHT[strict.action] <= finding.severity:
        return finding
    if exemption is not None:
        return replace(finding, exempted_by=exemption.id)
    text = _stricter(finding.text, strict)
    return replace(finding, severity=_WEIGHT[strict.action], text=text, policy=strict.id)


def _demand(finding: Finding, policies: Sequence[Policy]) -> Demand | None:
    strict, exemption = _strictest(finding.rule, policies)
    if strict is None or exemption is not None:
        return None
    return Demand(strict.action, finding.rule, _demanded(finding.text, strict), strict.id)


def _stricter(text: Bilingual, policy: Policy) -> Bilingual:
    does = {
        Action.REFUSE: ("không chuyển văn bản này", "does not take such documents"),
        Action.HOLD: ("tạm giữ văn bản này để người phụ trách xem xét", "holds such documents for a person"),
    }[policy.action]
    return Bilingual(
        f"{text.vi} Theo quy định đang áp dụng, trục {does[0]}. Lý do: {policy.reason}",
        f"{text.en} By a policy in force the gateway {does[1]}. Reason: {policy.reason}",
    )


def _demanded(text: Bilingual, policy: Policy) -> Bilingual:
    does = {
        Action.REFUSE: ("không nhận văn bản này", "does not take such documents"),
        Action.HOLD: ("đề nghị tạm giữ văn bản này", "wants such documents held"),
    }[policy.action]
    return Bilingual(
        f"{text.vi} Theo quy định đang áp dụng, nơi nhận {does[0]}. Lý do: {policy.reason}",
        f"{text.en} By a policy in force the recipient {does[1]}. Reason: {policy.reason}",
    )
