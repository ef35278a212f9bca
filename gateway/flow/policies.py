"""How strict the gate is: decided, exempted from, ended, always by a person and with a reason.

In charge of: what administrators may decide about the policies, and recording it. Not in charge of: what a
policy makes of a document (``checks/policies.py``), showing what one would have done
(``policy_rehearsal.py``).

An exemption needs two persons: who decides it, and another administrator who approved it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date

from gateway.clock import local_day
from gateway.errors import BadRequest, NotFound
from gateway.flow import facts, record
from gateway.flow.door import Caller, stated
from gateway.flow.look import SEES_ALL
from gateway.model.agency import Period
from gateway.model.event import EventType
from gateway.model.policy import EVERY_AGENCY, Action, Direction, Policy
from gateway.model.text import AgencyCode, Bilingual
from gateway.services import Services
from gateway.store import events, policies
from gateway.store.contract import Tx
from gateway.store.people import Role

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
) -> Policy:
    """Make the gate stricter about a rule. Lowering is an exemption."""
    if action is Action.ACCEPT_AND_REPORT:
        raise BadRequest(_USE_EXEMPT, code="policy.use_exempt")
    period = Period(valid_from, valid_to)
    new = _checked(gw, caller, rule, action, reason, agency, direction, period)
    return await _add(gw, caller, new)


async def exempt(
    gw: Services,
    caller: Caller,
    rule: str,
    agency: str,
    valid_to: date,
    reason: str,
    approved_by: str,
    direction: Direction = Direction.SENDS,
    valid_from: date | None = None,
) -> Policy:
    """Take a stricter policy back for one agency, until a day. ``approved_by``: name or id of another
    administrator."""
    period = Period(valid_from, valid_to)
    new = _checked(gw, caller, rule, Action.ACCEPT_AND_REPORT, reason, agency, direction, period)
    if new.agency == EVERY_AGENCY:
        raise BadRequest(_ONE_AGENCY, code="policy.agency_missing")
    new = replace(new, approved_by=_approver(gw, caller, approved_by))
    if not any(takes_back(new, one) for one in gw.policies):
        raise BadRequest(_nothing_to_exempt(rule), code="policy.nothing_to_exempt")
    return await _add(gw, caller, new)


async def end_policy(gw: Services, caller: Caller, policy: str, reason: str) -> Policy:
    """Withdraw a policy or an exemption now, before its end."""
    reason = _permitted(caller, reason)

    def unit(tx: Tx) -> Policy:
        at = gw.clock.now()
        if not policies.end(tx, policy, at):
            raise NotFound(_UNKNOWN, code="policy.unknown")
        ended = next(one for one in policies.read(tx) if one.id == policy)
        _record(tx, gw, caller, ended, "ended", reason)
        return ended

    ended = await gw.store.write(unit)
    await gw.refresh()
    return ended


def standing(policy: Policy, today: date) -> str:
    """Where a policy stands on a day."""
    if policy.ended_at is not None:
        return "ended"
    if policy.period.holds_on(today):
        return "in force"
    return "future" if policy.period.start is not None and policy.period.start > today else "over"


async def _add(gw: Services, caller: Caller, new: Policy) -> Policy:
    def unit(tx: Tx) -> None:
        policies.add(tx, new)
        change = "exempted" if new.action is Action.ACCEPT_AND_REPORT else "set"
        _record(tx, gw, caller, new, change, new.reason)

    await gw.store.write(unit)
    await gw.refresh()
    return new


def _checked(
    gw: Services,
    caller: Caller,
    rule: str,
    action: Action,
    reason: str,
    agency: str,
    direction: Direction,
    period: Period,
) -> Policy:
    reason, at = _permitted(caller, reason), gw.clock.now()
    if not _RULE.fullmatch(rule):
        raise BadRequest(_wrong_rule(rule), code="policy.rule")
    return Policy(
        id=gw.new_id(),
        agency=_agency(gw, agency),
        direction=direction,
        rule=rule,
        action=action,
        period=_from_today(period, local_day(at)),
        reason=reason,
        decided_by=caller.principal,
        approved_by="",
        decided_at=at,
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


def _approver(gw: Services, caller: Caller, text: str) -> str:
    """Another administrator who has an account, by id or name."""
    able = [p for p in gw.people.principals if p.active and p.role is Role.ADMINISTRATOR]
    found = next((p for p in able if text in (p.id, p.name)), None)
    if found is None:
        raise BadRequest(_unknown_approver(text), code="policy.approver_unknown")
    if found.id == caller.principal:
        raise BadRequest(_SAME_PERSON, code="policy.approver_same")
    return found.id


def takes_back(exemption: Policy, strict: Policy) -> bool:
    """True when the exemption is from that policy, in whole or in part."""
    if strict.action is Action.ACCEPT_AND_REPORT or strict.ended_at is not None:
        return False
    if not strict.concerns(exemption.agency, exemption.direction):
        return False
    return strict.covers(exemption.rule.rstrip("*")) or exemption.covers(strict.rule.rstrip("*"))


def _record(tx: Tx, gw: Services, caller: Caller, policy: Policy, change: str, reason: str) -> None:
    said = {
        "agency": policy.agency,
        "approved_by": policy.approved_by,
        "valid_from": policy.period.start.isoformat() if policy.period.start else "",
        "valid_to": policy.period.end.isoformat() if policy.period.end else "",
    }
    about = {
        "policy": policy.id,
        "change": change,
        "direction": policy.direction.value,
        "rule": policy.rule,
        "action": policy.action.value,
    }
    events.record(
        tx,
        record.event(
            gw,
            EventType.POLICY_CHANGED,
            caller.principal,
            gw.clock.now(),
            facts=about | {name: value for name, value in said.items() if value},
            private=facts.salted({"reason": reason}),
        ),
    )


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


def _unknown_approver(text: str) -> Bilingual:
    return Bilingual(
        f"Không có quản trị viên “{text}”. Người phê duyệt phải có tài khoản quản trị viên trên trục.",
        f"There is no administrator “{text}”. Whoever approves needs an administrator's account.",
    )


def _nothing_to_exempt(rule: str) -> Bilingual:
    return Bilingual(
        f"Không có quy định chặt hơn nào về {rule} đối với đơn vị này nên không có gì để miễn. Những gì trục "
        "luôn từ chối (giả mạo, bị sửa, chứng thư số đã bị thu hồi, văn bản mật…) thì không được miễn.",
        f"No stricter policy about {rule} concerns this agency, so there is nothing to exempt it from. What "
        "the gate always refuses (forged, tampered with, revoked, secret …) cannot be exempted.",
    )


_USE_EXEMPT = Bilingual(
    "Để nới lỏng cho một đơn vị, hãy dùng lệnh miễn áp dụng (gateway policy exempt), có người phê duyệt và "
    "thời hạn.",
    "To lower a policy for one agency use gateway policy exempt, with an approver and an end.",
)
_ONE_AGENCY = Bilingual(
    "Miễn áp dụng phải nêu rõ một đơn vị.",
    "An exemption is for one agency; name it.",
)
_SAME_PERSON = Bilingual(
    "Người phê duyệt phải khác người quyết định miễn áp dụng.",
    "Whoever approves an exemption must be another person than who decides it.",
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
