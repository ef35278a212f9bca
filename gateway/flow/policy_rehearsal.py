"""What stricter rules would have refused or held, from what was kept of the messages that were accepted.

In charge of: reading their findings page by page and counting. Nothing is changed. Not in charge of: what a
policy makes of a finding (``checks/policies.py``: the very code of the gate).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from gateway.checks.policies import apply_policies, demand_of
from gateway.clock import SECOND, local_day
from gateway.errors import BadRequest
from gateway.flow.door import Caller
from gateway.flow.look import SEES_ALL
from gateway.flow.policies import standing, takes_back
from gateway.model.agency import Period
from gateway.model.finding import Finding, Severity
from gateway.model.policy import EVERY_AGENCY, Action, Direction, Policy
from gateway.model.text import AgencyCode, Bilingual, Instant
from gateway.services import Services
from gateway.store import policies
from gateway.store.contract import Tx
from gateway.store.policies import Judged

PAGE = 200  # messages in memory, and counted at one go: some 15 ms of the event loop
NAMED = 100  # documents that a row names; all are counted
STRICT = (Action.REFUSE, Action.HOLD)
_DAY = 86_400 * SECOND


@dataclass(slots=True)
class Row:
    """What one rule would have done to an agency's documents. ``documents``: their ids, at most ``NAMED``."""

    agency: AgencyCode
    name: str
    direction: Direction
    rule: str
    action: Action
    count: int = 0
    documents: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Rehearsal:
    """The outcome. ``messages`` were looked at; ``rejected`` counts deliveries, the others messages."""

    since: Instant
    until: Instant
    policies: tuple[Policy, ...]
    messages: int = 0
    refused: int = 0
    held: int = 0
    rejected: int = 0
    deliveries_held: int = 0
    exempted: int = 0
    rows: list[Row] = field(default_factory=list)


async def rehearse(
    gw: Services,
    caller: Caller,
    rule: str = "",
    action: Action = Action.REFUSE,
    agency: str = "",
    direction: Direction = Direction.SENDS,
    days: int = 30,
) -> Rehearsal:
    """What ``rule`` with ``action`` would have done in the last days; without ``rule``, what the policies
    would have done that are decided but not yet in force. Exemptions that go on are counted as such."""
    caller.require(*SEES_ALL)
    if not 0 < days <= 3660:
        raise BadRequest(_DAYS, code="policy.days")
    until = gw.clock.now()
    tried = _tried(gw, until, rule, action, agency, direction)
    tally = _Tally(gw, Rehearsal(Instant(until - days * _DAY), until, tried))
    async for page in _pages(gw, tally.found.since, until):
        recipients = await gw.store.read(lambda tx: _recipients(tx, page, tried))  # noqa: B023  (awaited here)
        for message in page:
            tally.add(message, recipients.get(message.message, ()))
    tally.found.rows.sort(key=lambda row: (-row.count, row.agency, row.rule))
    return tally.found


def _tried(
    gw: Services, now: Instant, rule: str, action: Action, agency: str, direction: Direction
) -> tuple[Policy, ...]:
    """The policies to try, as if they had always been in force, and the exemptions from them."""
    today = local_day(now)
    code = AgencyCode(gw.directory.canonical(agency)) if agency else EVERY_AGENCY
    going_on = [p for p in gw.policies if standing(p, today) in ("in force", "future")]
    if rule:
        strict = [Policy("rehearsed", code, direction, rule, action, Period(), "?", "", "", now)]
    else:
        strict = [p for p in going_on if p.action in STRICT and standing(p, today) == "future"]
    if not strict or strict[0].action not in STRICT:
        raise BadRequest(_NOTHING, code="policy.nothing_to_rehearse")
    exemptions = [p for p in going_on if p.action not in STRICT and any(takes_back(p, one) for one in strict)]
    always = {"period": Period(), "decided_at": Instant(0), "ended_at": None}
    return tuple(replace(p, **always) for p in (*strict, *exemptions))  # type: ignore[arg-type]


async def _pages(gw: Services, since: Instant, until: Instant) -> AsyncIterator[list[Judged]]:
    position = (since, "")
    while True:
        after = position
        page = await gw.store.read(lambda tx: policies.judged_page(tx, after, until, PAGE))  # noqa: B023
        if page:
            yield page
            position = page[-1].position
        if len(page) < PAGE:
            return


def _recipients(tx: Tx, page: Iterable[Judged], tried: Sequence[Policy]) -> dict[str, tuple[AgencyCode, ...]]:
    """Recipients of each message, where a policy about what agencies receive is tried."""
    if not any(policy.direction is Direction.RECEIVES for policy in tried):
        return {}
    return {one.message: tuple(policies.recipients_of(tx, one.message)) for one in page if one.findings}


class _Tally:
    """Counts message by message."""

    def __init__(self, gw: Services, found: Rehearsal) -> None:
        self.found = found
        self._directory = gw.directory
        self._on = local_day(found.until)
        self._rows: dict[tuple[str, Direction, str, Action], Row] = {}

    def add(self, message: Judged, recipients: Sequence[AgencyCode]) -> None:
        self.found.messages += 1
        findings = [finding_from(found) for found in message.findings]
        weighed = apply_policies(findings, message.sender, message.accepted_at, self.found.policies)
        raised = [f for f, before in zip(weighed, findings, strict=True) if f.severity > before.severity]
        self.found.exempted += any(f.exempted_by for f in weighed if f not in findings)
        worst = max((f.severity for f in raised), default=Severity.INFO)
        self.found.refused += worst is Severity.REFUSE
        self.found.held += worst is Severity.HOLD
        for rule, severity in dict.fromkeys((f.rule, f.severity) for f in raised):
            action = Action.REFUSE if severity is Severity.REFUSE else Action.HOLD
            self._count(message.sender, Direction.SENDS, rule, action, message)
        for recipient in recipients:
            self._demand(recipient, findings, message)

    def _demand(self, recipient: AgencyCode, findings: list[Finding], message: Judged) -> None:
        demand = demand_of(recipient, findings, message.accepted_at, self.found.policies)
        if demand is None:
            return
        self.found.rejected += demand.action is Action.REFUSE
        self.found.deliveries_held += demand.action is Action.HOLD
        self._count(recipient, Direction.RECEIVES, demand.rule, demand.action, message)

    def _count(
        self, agency: AgencyCode, direction: Direction, rule: str, action: Action, message: Judged
    ) -> None:
        key = (agency, direction, rule, action)
        if key not in self._rows:
            name = self._directory.name(agency, self._on)
            self._rows[key] = Row(agency, name, direction, rule, action)
            self.found.rows.append(self._rows[key])
        row = self._rows[key]
        row.count += 1
        if len(row.documents) < NAMED and message.document_id not in row.documents:
            row.documents.append(message.document_id)


def finding_from(stored: dict[str, Any]) -> Finding:
    """A finding as it was kept."""
    return Finding(
        stored["rule"],
        Severity[stored["severity"].upper()],
        stored["where"],
        Bilingual(stored["vi"], stored["en"]),
        stored.get("clause", ""),
        stored.get("policy", ""),
        stored.get("exempted_by", ""),
    )


_DAYS = Bilingual("Số ngày phải từ 1 đến 3660.", "The number of days must be 1 to 3660.")
_NOTHING = Bilingual(
    "Không có gì để diễn tập: chưa có quy định nào sẽ áp dụng sau này. Hãy nêu quy tắc, ví dụ: "
    "gateway policy rehearse --rule signature.pdf_unsigned --action refuse",
    "There is nothing to rehearse: no policy begins later. Name a rule, e.g. "
    "gateway policy rehearse --rule signature.pdf_unsigned --action refuse",
)
