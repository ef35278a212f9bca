"""Outages and alerts: ``/api/v1/outages``, ``/api/v1/alerts``.

In charge of: the endpoints. An outage is proposed with the key of one person and approved with that of
another. Not in charge of: deciding (``flow/outages.py``), when an alert begins
(``compliance/objectives.py``).
"""

from __future__ import annotations

from gateway.clock import to_rfc3339
from gateway.errors import NotFound, NotPermitted, TooLarge, TooSlow, UnsupportedMedia, WrongState
from gateway.flow import alerts, outages
from gateway.model.text import Bilingual
from gateway.store.outages import Outage
from gateway.store.people import Role
from gateway.web.auth import WATCHERS
from gateway.web.endpoint import Call, Endpoint, one_or_all
from gateway.web.models import NoQuery
from gateway.web.models_totals import (
    AlertLine,
    AlertList,
    AlertsQuery,
    OutageAnswer,
    OutageDecision,
    OutageLine,
    OutageList,
    OutageRequest,
    OutageWithdrawal,
)

_DECIDERS = frozenset({Role.OPERATOR, Role.ADMINISTRATOR})
_BODY_ERRORS = (NotFound, NotPermitted, TooLarge, TooSlow, UnsupportedMedia)


async def propose(call: Call[NoQuery, OutageRequest]) -> OutageAnswer:
    """Propose an outage; nothing is left out of a figure because of it."""
    body = call.body
    return _outage(
        await outages.propose_outage(call.gw, call.caller, body.from_at, body.to_at, body.reason, body.agency)
    )


async def decide(call: Call[NoQuery, OutageDecision]) -> OutageAnswer:
    """Approve or decline, as another person than who proposed."""
    body = call.body
    return _outage(
        await outages.decide_outage(call.gw, call.caller, call.part("outage"), body.approve, body.reason)
    )


async def withdraw(call: Call[NoQuery, OutageWithdrawal]) -> OutageAnswer:
    """Its hours count again."""
    found = await outages.withdraw_outage(call.gw, call.caller, call.part("outage"), call.body.reason)
    return _outage(found)


async def list_outages(call: Call[NoQuery, None]) -> OutageList:
    """Outages of any standing, oldest first."""
    found = await outages.list_outages(call.gw, call.caller)
    return OutageList(
        outages=[
            OutageLine.model_validate(
                {
                    **one,
                    "from_at": to_rfc3339(one["from_at"]),
                    "to_at": to_rfc3339(one["to_at"]),
                }
            )
            for one in found
        ]
    )


async def list_alerts(call: Call[AlertsQuery, None]) -> AlertList:
    """The newest alerts."""
    agency = one_or_all(call, call.query.agency)
    shown = await alerts.show_alerts(call.gw, call.caller, agency, call.query.limit)
    return AlertList(alerts=[AlertLine.model_validate(one) for one in shown["alerts"]])


def _outage(one: Outage) -> OutageAnswer:
    return OutageAnswer.model_validate(
        {
            "id": one.id,
            "agency": one.agency,
            "from_at": to_rfc3339(one.from_at),
            "to_at": to_rfc3339(one.to_at),
            "standing": outages.standing(one),
            "proposed_by": one.proposed_by,
            "decided_by": one.decided_by,
            "event": one.event,
        }
    )


ENDPOINTS = (
    Endpoint(
        "POST",
        "/api/v1/outages",
        "proposeOutage",
        Bilingual("Đề nghị ghi nhận một sự cố", "Propose an outage"),
        propose,
        OutageAnswer,
        roles=_DECIDERS,
        body=OutageRequest,
        status=201,
        errors=_BODY_ERRORS,
    ),
    Endpoint(
        "GET",
        "/api/v1/outages",
        "listOutages",
        Bilingual("Các sự cố và lý do", "Outages and their reasons"),
        list_outages,
        OutageList,
        roles=frozenset(WATCHERS),
    ),
    Endpoint(
        "POST",
        "/api/v1/outages/{outage}/decision",
        "decideOutage",
        Bilingual("Người thứ hai phê duyệt sự cố hoặc không", "Approve or decline an outage"),
        decide,
        OutageAnswer,
        roles=_DECIDERS,
        body=OutageDecision,
        errors=(*_BODY_ERRORS, WrongState),
    ),
    Endpoint(
        "POST",
        "/api/v1/outages/{outage}/withdrawal",
        "withdrawOutage",
        Bilingual("Rút một sự cố đã ghi nhận", "Withdraw an outage"),
        withdraw,
        OutageAnswer,
        roles=_DECIDERS,
        body=OutageWithdrawal,
        errors=(*_BODY_ERRORS, WrongState),
    ),
    Endpoint(
        "GET",
        "/api/v1/alerts",
        "listAlerts",
        Bilingual("Cảnh báo về mục tiêu nhận văn bản", "Alerts about delivery objectives"),
        list_alerts,
        AlertList,
        query=AlertsQuery,
        errors=(NotFound,),
    ),
)
