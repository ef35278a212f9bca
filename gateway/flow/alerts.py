"""Delivery objectives and alerts: set, ended, raised, over, shown.

In charge of: who may set an objective, the events, which messages about alerts are written (sending is later,
so no receiver of alerts ever holds anything up), and what people see. Not in charge of: when an alert begins
or ends (``compliance/objectives.py``), sending (``delivery/alert_senders.py``).

A message names agencies and numbers, never a document.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from gateway.clock import SECOND, local_day, to_rfc3339
from gateway.config import AlertsSection
from gateway.errors import BadRequest, NotFound, NotPermitted
from gateway.flow import facts, record
from gateway.flow.door import Caller, stated
from gateway.flow.record import GATEWAY
from gateway.model.agency import Period
from gateway.model.event import Event, EventType
from gateway.model.objective import EVERY_AGENCY, Alert, Measure, Objective
from gateway.model.text import AgencyCode, Bilingual, Instant
from gateway.services import Services
from gateway.store import alerts, events
from gateway.store.alerts import Notice
from gateway.store.contract import Tx
from gateway.store.people import Role

EMAIL, WEBHOOK = "email", "webhook"
_SEES_ALL = (Role.AUDITOR, Role.OPERATOR, Role.ADMINISTRATOR)
_HOUR = 3600 * SECOND


def channels(settings: AlertsSection) -> tuple[str, ...]:
    """Where messages about alerts go, as configured."""
    email = (EMAIL,) if settings.smtp_host and settings.email_to else ()
    return (*email, WEBHOOK) if settings.webhook_url else email


async def set_objective(
    gw: Services,
    caller: Caller,
    measure: Measure,
    per_mille: int,
    reason: str,
    minutes: int = 0,
    agency: str = "",
    valid_from: date | None = None,
    valid_to: date | None = None,
) -> Objective:
    """So many of a thousand in time, for one agency or all; 0: none. ``minutes`` of working time, 0: the same
    working day. What began to wait before a decision is never judged by it."""
    caller.require(Role.ADMINISTRATOR)
    reason, at = stated(reason), gw.clock.now()
    start = valid_from or local_day(at)
    if not 0 <= per_mille <= 999 or not 0 <= minutes <= 10_000:
        raise BadRequest(_NUMBERS, code="objective.numbers")
    if start < local_day(at) or (valid_to is not None and valid_to < start):
        raise BadRequest(_PERIOD, code="objective.period")
    code = gw.directory.resolve(agency) if agency else EVERY_AGENCY
    if code is None:
        raise NotFound(_unknown(agency), code="agency.unknown")
    what = {
        "objective": gw.new_id(),
        "change": "set",
        "agency": code,
        "measure": measure.value,
        "per_mille": per_mille,
        "minutes": minutes,
    }
    changed = _changed(gw, caller, at, what, reason)
    new = Objective(
        measure,
        per_mille,
        minutes,
        Period(start, valid_to),
        code,
        str(what["objective"]),
        caller.principal,
        at,
        changed.id,
    )

    def unit(tx: Tx) -> None:
        events.record(tx, changed)
        alerts.add_objective(tx, new)

    await gw.store.write(unit)
    return new


async def end_objective(gw: Services, caller: Caller, objective: str, reason: str) -> dict[str, str]:
    """It holds no more; what holds for everybody takes its place."""
    caller.require(Role.ADMINISTRATOR)
    reason = stated(reason)

    def unit(tx: Tx) -> None:
        at = gw.clock.now()
        if not alerts.end_objective(tx, objective, at):
            raise NotFound(_NO_OBJECTIVE, code="objective.unknown")
        events.record(tx, _changed(gw, caller, at, {"objective": objective, "change": "ended"}, reason))

    await gw.store.write(unit)
    return {"ended": objective}


async def show_alerts(gw: Services, caller: Caller, agency: str = "", limit: int = 50) -> dict[str, Any]:
    """The newest alerts. Who does not see all names one of its own agencies; messages and objectives are for
    those who see all."""
    code = AgencyCode(gw.directory.canonical(agency)) if agency else EVERY_AGENCY
    everything = caller.role in _SEES_ALL
    if not everything and not (code and caller.acts_for(code)):
        raise NotPermitted(code="alerts.not_yours")

    def unit(tx: Tx) -> dict[str, Any]:
        shown: dict[str, Any] = {"alerts": [item(gw, one) for one in alerts.newest(tx, limit, code)]}
        if everything:
            shown["objectives"] = [one for one in alerts.objectives(tx) if one.ended_at is None]
            shown["notices"] = alerts.newest_notices(tx, limit)
            shown["channels"] = channels(gw.config.alerts)
        return shown

    return await gw.store.read(unit)


async def try_channels(gw: Services, caller: Caller) -> dict[str, list[str]]:
    """Write a message that says it is a test, for every channel; ``gateway alerts`` shows how it went."""
    caller.require(Role.OPERATOR, Role.ADMINISTRATOR)
    if not channels(gw.config.alerts):
        raise BadRequest(_NO_CHANNEL, code="alerts.no_channel")
    written = await gw.store.write(lambda tx: _tell(tx, gw, {"test": True}, gw.clock.now()))
    return {"notices": written}


def write_changes(
    tx: Tx, gw: Services, raised: Sequence[Alert], ended: Sequence[Alert], at: Instant
) -> tuple[int, int]:
    """Raise and end alerts with their events, and write one message for each channel. How many of each:
    what another process wrote meanwhile is left out."""
    begun = [_raise(tx, gw, one) for one in raised]
    over = [one for one in ended if _end(tx, gw, one, at)]
    news = [one for one in begun if one is not None and one.told]
    old = [one for one in over if one.told]
    if news or old:
        body = {"raised": [item(gw, one) for one in news], "ended": [item(gw, one, at) for one in old]}
        _tell(tx, gw, body, at)
    return sum(one is not None for one in begun), len(over)


def item(gw: Services, alert: Alert, ended_at: Instant | None = None) -> dict[str, Any]:
    """An alert as messages, the API and the command line show it."""
    ended = ended_at or alert.ended_at
    return {
        "id": alert.id,
        "agency": alert.agency,
        "name": gw.directory.name(alert.agency, local_day(alert.raised_at)),
        "measure": alert.measure.value,
        "span": alert.span.value,
        "due": alert.due,
        "missed": alert.missed,
        "burn": round(alert.burn, 2),
        "worst": round(alert.worst, 2),
        "raised_at": to_rfc3339(alert.raised_at),
        "ended_at": to_rfc3339(ended) if ended is not None else "",
        "event": alert.event,
    }


def _raise(tx: Tx, gw: Services, alert: Alert) -> Alert | None:
    """Open an alert; ``told`` only when no message about the same went out within ``alerts.quiet_hours``."""
    since = Instant(alert.raised_at - gw.config.alerts.quiet_hours * _HOUR)
    told = not alerts.told_since(tx, alert, since)
    raised = record.event(
        gw, EventType.ALERT_RAISED, GATEWAY, alert.raised_at, facts=_facts(alert) | {"told": told}
    )
    opened = Alert(
        alert.id,
        alert.agency,
        alert.measure,
        alert.span,
        alert.raised_at,
        alert.due,
        alert.missed,
        alert.burn,
        alert.burn,
        raised.id,
        told,
    )
    if not alerts.put(tx, opened):
        return None
    events.record(tx, raised)
    return opened


def _end(tx: Tx, gw: Services, alert: Alert, at: Instant) -> bool:
    if not alerts.end(tx, alert.id, at):
        return False
    events.record(tx, record.event(gw, EventType.ALERT_ENDED, GATEWAY, at, facts=_facts(alert)))
    return True


def _facts(alert: Alert) -> dict[str, Any]:
    """Shares as whole numbers: hundredths of the burn rate."""
    return {
        "alert": alert.id,
        "agency": alert.agency,
        "measure": alert.measure.value,
        "span": alert.span.value,
        "due": alert.due,
        "missed": alert.missed,
        "burn_hundredths": round(100 * alert.burn),
    }


def _tell(tx: Tx, gw: Services, body: dict[str, Any], at: Instant) -> list[str]:
    said = {"gateway": gw.config.gateway.name, "at": to_rfc3339(at), **body}
    written = [Notice(gw.new_id(), channel, said, at, at) for channel in channels(gw.config.alerts)]
    for one in written:
        alerts.add_notice(tx, one)
    return [one.id for one in written]


def _changed(gw: Services, caller: Caller, at: Instant, what: dict[str, Any], reason: str) -> Event:
    private = facts.salted({"reason": reason})
    return record.event(gw, EventType.OBJECTIVE_CHANGED, caller.principal, at, facts=what, private=private)


def _unknown(text: str) -> Bilingual:
    return Bilingual(
        f"Danh mục không có đơn vị mang mã {text}.", f"The directory does not know the agency {text}."
    )


_NUMBERS = Bilingual(
    "Mục tiêu phải từ 0 đến 99,9 % và số phút làm việc từ 0 đến 10.000.",
    "An objective lies between 0 and 99.9 %, its working minutes between 0 and 10 000.",
)
_PERIOD = Bilingual(
    "Mục tiêu chỉ có hiệu lực từ hôm nay trở đi, và ngày kết thúc không được trước ngày bắt đầu.",
    "An objective holds from today on at the earliest, and does not end before it begins.",
)
_NO_OBJECTIVE = Bilingual(
    "Không có mục tiêu này, hoặc mục tiêu đã kết thúc.", "There is no such objective, or it was ended."
)
_NO_CHANNEL = Bilingual(
    "Chưa cấu hình nơi nhận cảnh báo. Hãy đặt alerts.email_to và alerts.smtp_host, hoặc alerts.webhook_url.",
    "Nobody is configured to be alerted. Set alerts.email_to and alerts.smtp_host, or alerts.webhook_url.",
)
