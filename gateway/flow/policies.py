"""How strict the gate is: set, exempted from, ended, always by two persons and with a reason.

In charge of: what administrators propose about the policies, what another one makes of it, and recording
both. Not in charge of: what a policy makes of a document (``checks/policies.py``), showing what one would
have done (``policy_rehearsal.py``).

Nothing changes by a proposal. With ``key``, the API key of a second administrator, a proposal is approved at
once: the command line of this machine is one person, a second one shows a key.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from gateway.clock import local_day
from gateway.errors import BadRequest, NotFound, NotPermitted, WrongState
from gateway.flow import facts, record
from gateway.flow.door import Caller, authenticate, stated
from gateway.flow.look import SEES_ALL
from gateway.model.agency import Period
from gateway.model.event import EventType
from gateway.model.policy import EVERY_AGENCY, Action, Direction, Policy
from gateway.model.text import AgencyCode, Bilingual, Instant
from gateway.services import Services
from gateway.store import events, policies, policy_proposals
from gateway.store.contract import Tx
from gateway.store.people import Role
from gateway.store.policy_proposals import ENDED, EXEMPTED, SET, PolicyProposal

PROPOSALS = 200  # that one list shows
_RULE = re.compile(r"[a-z][a-z0-9_.]*\*?|\*")


@dataclass(frozen=True, slots=True)
class Listed:
    """A policy and where it stands today: ``in force``, ``future``, ``over``, ``ended``."""

    policy: Policy
    standing: str
    decided_by_name: str
    approved_by_name: str


async def list_policies(gw: Services, caller: Caller, over: bool = False) -> list[Listed]:
    """What is in force or will be; with ``over`` also what was."""
    caller.require(*SEES_ALL)
    today = local_day(gw.clock.now())
    rows = [(one, standing(one, today)) for one in await gw.store.read(policies.read)]
    return [
        Listed(one, where, _name(gw, one.decided_by), _name(gw, one.approved_by))
        for one, where in rows
        if over or where in ("in force", "future")
    ]


async def list_proposals(gw: Services, caller: Caller, decided: bool = False) -> list[PolicyProposal]:
    """What waits for a second person; with ``decided`` also what was decided, newest first."""
    caller.require(*SEES_ALL)
    look = policy_proposals.newest if decided else policy_proposals.undecided
    return await gw.store.read(lambda tx: look(tx, PROPOSALS))


async def set_policy(
    gw: Services,
    caller: Caller,
    rule: str,
    action: Action,
    reason: str,
    agency: str = "",
    direction: Direction = Direction.SENDS,
    valid_from: date | None = None,
    valid_to: date | None = None,
    key: str = "",
) -> PolicyProposal:
    """Propose to make the gate stricter about a rule. Lowering is an exemption."""
    if action is Action.ACCEPT_AND_REPORT:
        raise BadRequest(_USE_EXEMPT, code="policy.use_exempt")
    period = Period(valid_from, valid_to)
    new = _checked(gw, caller, SET, rule, action, reason, agency, direction, period)
    return await _propose(gw, caller, new, key)


async def exempt(
    gw: Services,
    caller: Caller,
    rule: str,
    agency: str,
    valid_to: date,
    reason: str,
    direction: Direction = Direction.SENDS,
    valid_from: date | None = None,
    key: str = "",
) -> PolicyProposal:
    """Propose to take a stricter policy back for one agency, until a day."""
    period, action = Period(valid_from, valid_to), Action.ACCEPT_AND_REPORT
    new = _checked(gw, caller, EXEMPTED, rule, action, reason, agency, direction, period)
    if new.agency == EVERY_AGENCY:
        raise BadRequest(_ONE_AGENCY, code="policy.agency_missing")
    _require_something_to_exempt(_policy(new, "", gw.clock.now()), gw.policies)
    return await _propose(gw, caller, new, key)


async def end_policy(gw: Services, caller: Caller, policy: str, reason: str, key: str = "") -> PolicyProposal:
    """Propose to withdraw a policy or an exemption before its end."""
    reason = _permitted(caller, reason)
    found = next((one for one in gw.policies if one.id == policy and one.ended_at is None), None)
    if found is None:
        raise NotFound(_UNKNOWN, code="policy.unknown")
    new = PolicyProposal(
        gw.new_id(),
        ENDED,
        found.id,
        found.agency,
        found.direction,
        found.rule,
        found.action,
        found.period,
        reason,
        caller.principal,
        gw.clock.now(),
    )
    return await _propose(gw, caller, new, key)


async def decide(
    gw: Services, caller: Caller, proposal: str, approve: bool, reason: str, key: str = ""
) -> PolicyProposal:
    """Approve or decline, as another administrator than who proposed. Who proposed may only decline: that
    takes the proposal back. ``WrongState``: decided before, or it cannot be done any more."""
    person = authenticate(gw, key) if key else caller
    reason = _permitted(person, reason)

    def unit(tx: Tx) -> PolicyProposal:
        found, at = _find(tx, proposal), gw.clock.now()
        if approve:
            _require_another(found.proposed_by, person)
        if not policy_proposals.decide(tx, found.id, approve, person.principal, at):
            raise WrongState(_DECIDED, code="policy.decided")
        if approve:
            _apply(tx, gw, found, person, reason)
        else:
            _record(tx, gw, EventType.POLICY_DECLINED, person, found, reason)
        return _find(tx, proposal)

    decided = await gw.store.write(unit)
    await gw.refresh()
    return decided


def standing(policy: Policy, today: date) -> str:
    """Where a policy stands on a day."""
    if policy.ended_at is not None:
        return "ended"
    if policy.period.holds_on(today):
        return "in force"
    return "future" if policy.period.start is not None and policy.period.start > today else "over"


async def _propose(gw: Services, caller: Caller, new: PolicyProposal, key: str) -> PolicyProposal:
    """Write the proposal; with a second person's key also that this person approves."""
    if key:
        second = authenticate(gw, key)
        second.require(Role.ADMINISTRATOR)
        _require_another(caller.principal, second)

    def unit(tx: Tx) -> None:
        policy_proposals.add(tx, new)
        _record(tx, gw, EventType.POLICY_PROPOSED, caller, new, new.reason)

    await gw.store.write(unit)
    return await decide(gw, caller, new.id, True, new.reason, key) if key else new


def _apply(tx: Tx, gw: Services, found: PolicyProposal, person: Caller, reason: str) -> None:
    """What was approved holds from now on. What was sent before is never judged by it."""
    at = gw.clock.now()
    if found.change == ENDED:
        if not policies.end(tx, found.policy, at):
            raise WrongState(_OVER, code="policy.over")
    else:
        if found.period.end is not None and found.period.end < local_day(at):
            raise WrongState(_OVER, code="policy.over")
        new = _policy(found, person.principal, at)
        if found.change == EXEMPTED:
            _require_something_to_exempt(new, policies.read(tx))
        policies.add(tx, new)
    _record(tx, gw, EventType.POLICY_CHANGED, person, found, reason)


def _policy(proposal: PolicyProposal, approved_by: str, at: Instant) -> Policy:
    """The policy that a proposal is about, once it is approved."""
    return Policy(
        id=proposal.policy,
        agency=proposal.agency,
        direction=proposal.direction,
        rule=proposal.rule,
        action=proposal.action,
        period=proposal.period,
        reason=proposal.reason,
        decided_by=proposal.proposed_by,
        approved_by=approved_by,
        decided_at=at,
    )


def _require_another(proposed_by: str, person: Caller) -> None:
    if proposed_by == person.principal:
        raise NotPermitted(_SAME_PERSON, code="policy.same_person")


def _require_something_to_exempt(new: Policy, known: Iterable[Policy]) -> None:
    if not any(takes_back(new, one) for one in known):
        raise BadRequest(_nothing_to_exempt(new.rule), code="policy.nothing_to_exempt")


def _find(tx: Tx, proposal: str) -> PolicyProposal:
    found = policy_proposals.find(tx, proposal)
    if found is None:
        raise NotFound(_NO_PROPOSAL, code="policy.proposal_unknown")
    return found


def _checked(
    gw: Services,
    caller: Caller,
    change: str,
    rule: str,
    action: Action,
    reason: str,
    agency: str,
    direction: Direction,
    period: Period,
) -> PolicyProposal:
    reason, at = _permitted(caller, reason), gw.clock.now()
    if not _RULE.fullmatch(rule):
        raise BadRequest(_wrong_rule(rule), code="policy.rule")
    new_id = gw.new_id()
    return PolicyProposal(
        id=new_id,
        change=change,
        policy=new_id,
        agency=_agency(gw, agency),
        direction=direction,
        rule=rule,
        action=action,
        period=_from_today(period, local_day(at)),
        reason=reason,
        proposed_by=caller.principal,
        proposed_at=at,
    )


def _permitted(caller: Caller, reason: str) -> str:
    caller.require(Role.ADMINISTRATOR)
    return stated(reason)


def _from_today(period: Period, today: date) -> Period:
    """What was sent before a decision is never judged by it."""
    start = period.start or today
    if start < today:
        raise BadRequest(_PAST, code="policy.past")
    if period.end is not None and period.end < start:
        raise BadRequest(_ENDS_EARLY, code="policy.period")
    return Period(start, period.end)


def _agency(gw: Services, text: str) -> AgencyCode:
    if not text:
        return EVERY_AGENCY
    code = gw.directory.resolve(text)
    if code is None:
        raise NotFound(_unknown_agency(text), code="agency.unknown")
    return code


def takes_back(exemption: Policy, strict: Policy) -> bool:
    """True when the exemption is from that policy, in whole or in part."""
    if strict.action is Action.ACCEPT_AND_REPORT or strict.ended_at is not None:
        return False
    if not strict.concerns(exemption.agency, exemption.direction):
        return False
    return strict.covers(exemption.rule.rstrip("*")) or exemption.covers(strict.rule.rstrip("*"))


def _record(
    tx: Tx, gw: Services, kind: EventType, person: Caller, about: PolicyProposal, reason: str
) -> None:
    period = about.period
    what = {
        "policy": about.policy,
        "proposal": about.id,
        "change": about.change,
        "direction": about.direction.value,
        "rule": about.rule,
        "action": about.action.value,
        "proposed_by": about.proposed_by,
    }
    said = {
        "agency": about.agency,
        "valid_from": period.start.isoformat() if period.start else "",
        "valid_to": period.end.isoformat() if period.end else "",
    }
    what |= {name: value for name, value in said.items() if value}
    private = facts.salted({"reason": reason})
    made = record.event(gw, kind, person.principal, gw.clock.now(), facts=what, private=private)
    events.record(tx, made)


def _name(gw: Services, principal: str) -> str:
    return next((p.name for p in gw.people.principals if p.id == principal), principal)


def _wrong_rule(rule: str) -> Bilingual:
    return Bilingual(
        f"“{rule}” không phải tên quy tắc. Hãy ghi tên quy tắc như signature.pdf_unsigned, hoặc phần đầu với "
        "dấu sao như signature.*",
        f"“{rule}” is no rule. Write a rule such as signature.pdf_unsigned, or a beginning with a star: "
        "signature.*",
    )


def _unknown_agency(text: str) -> Bilingual:
    return Bilingual(
        f"Danh mục không có mã {text}. Hãy kiểm tra mã định danh cơ quan.",
        f"The directory does not know {text}. Check the agency's code.",
    )


def _nothing_to_exempt(rule: str) -> Bilingual:
    return Bilingual(
        f"Không có quy định chặt hơn nào về {rule} đối với đơn vị này nên không có gì để miễn. Những gì trục "
        "luôn từ chối (giả mạo, bị sửa, chứng thư số đã bị thu hồi, văn bản mật…) thì không được miễn.",
        f"No stricter policy about {rule} concerns this agency, so there is nothing to exempt it from. What "
        "the gate always refuses (forged, tampered with, revoked, secret …) cannot be exempted.",
    )


_USE_EXEMPT = Bilingual(
    "Để nới lỏng cho một đơn vị, hãy dùng lệnh miễn áp dụng (gateway policy exempt), có người thứ hai phê "
    "duyệt và thời hạn.",
    "To lower a policy for one agency use gateway policy exempt, with an approver and an end.",
)
_ONE_AGENCY = Bilingual(
    "Miễn áp dụng phải nêu rõ một đơn vị.",
    "An exemption is for one agency; name it.",
)
_SAME_PERSON = Bilingual(
    "Người phê duyệt phải khác người đề nghị. Hãy nhờ một quản trị viên khác; trên dòng lệnh, dùng khóa của "
    "người đó (--key-file).",
    "Whoever approves must be another person than who proposed. Ask another administrator; at the command "
    "line, use that person's key (--key-file).",
)
_DECIDED = Bilingual("Đề nghị này đã được quyết định.", "This proposal was decided already.")
_NO_PROPOSAL = Bilingual(
    "Không có đề nghị này. Hãy xem: gateway policy proposals",
    "There is no such proposal. See: gateway policy proposals",
)
_OVER = Bilingual(
    "Đề nghị không còn thực hiện được: quy định đã được bãi bỏ hoặc thời hạn đã qua. Hãy bác đề nghị này.",
    "This cannot be done any more: the policy was ended, or the last day has passed. Decline it.",
)
_PAST = Bilingual(
    "Ngày bắt đầu không được trước hôm nay: văn bản đã gửi không bị xét lại theo quy định mới.",
    "The first day must not lie in the past: what was sent is not judged by a new policy.",
)
_ENDS_EARLY = Bilingual("Ngày kết thúc trước ngày bắt đầu.", "The last day is before the first.")
_UNKNOWN = Bilingual(
    "Không có quy định đang hiệu lực với mã này. Hãy xem: gateway policy list",
    "No policy with this id goes on. See: gateway policy list",
)
