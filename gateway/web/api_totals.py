"""Totals that agencies declare of their registers: ``/api/v1/totals``.

In charge of: the endpoints. Not in charge of: checking and recording (``flow/declared.py``), which of them
cover a period (``docs/figures.md``).
"""

from __future__ import annotations

from gateway.clock import to_rfc3339
from gateway.errors import NotFound, NotPermitted, TooLarge, TooSlow, UnsupportedMedia
from gateway.flow import declared
from gateway.flow.declared import Taken, Total
from gateway.model.text import Bilingual
from gateway.store.declared import Declared
from gateway.store.people import Role
from gateway.web.endpoint import AGENCY, Call, Endpoint, one_or_all
from gateway.web.models import NoQuery
from gateway.web.models_totals import (
    TotalDeclared,
    TotalLine,
    TotalsAnswer,
    TotalsList,
    TotalsQuery,
    TotalsRequest,
    TotalTaken,
)


async def declare(call: Call[NoQuery, TotalsRequest]) -> TotalsAnswer:
    """Take declarations, all or none. When this answers, they are recorded."""
    totals = [_total(line) for line in call.body.totals]
    taken = await declared.declare(call.gw, call.caller, totals, "api")
    return TotalsAnswer(totals=[_taken(one) for one in taken])


async def list_totals(call: Call[TotalsQuery, None]) -> TotalsList:
    """Declarations that share a day with the period."""
    query = call.query
    agency = one_or_all(call, query.agency)
    found = await declared.list_declared(
        call.gw, call.caller, query.from_day, query.to_day, agency, query.replaced
    )
    return TotalsList(totals=[_declared(one) for one in found])


def _total(line: TotalLine) -> Total:
    return Total(
        line.agency,
        line.from_day,
        line.to_day,
        line.outgoing_total,
        line.paper_only,
        line.secret_count,
        line.to_non_state,
    )


def _taken(one: Taken) -> TotalTaken:
    row = one.declared
    return TotalTaken(
        id=row.id,
        agency=row.agency,
        from_day=row.from_day.isoformat(),
        to_day=row.to_day.isoformat(),
        outgoing_total=row.outgoing_total,
        observed=one.observed,
        contradicts=one.contradicts,
        replaced=one.replaced,
        overlaps=one.overlaps,
    )


def _declared(row: Declared) -> TotalDeclared:
    return TotalDeclared.model_validate(
        {
            "id": row.id,
            "agency": row.agency,
            "from_day": row.from_day.isoformat(),
            "to_day": row.to_day.isoformat(),
            "outgoing_total": row.outgoing_total,
            "paper_only": row.paper_only,
            "secret_count": row.secret_count,
            "to_non_state": row.to_non_state,
            "source": row.source,
            "declared_at": to_rfc3339(row.declared_at),
            "replaced_at": to_rfc3339(row.replaced_at) if row.replaced_at is not None else None,
            "event": row.event,
        }
    )


ENDPOINTS = (
    Endpoint(
        "POST",
        "/api/v1/totals",
        "declareTotals",
        Bilingual("Khai số văn bản đi theo sổ đăng ký", "Declare the totals of an agency's register"),
        declare,
        TotalsAnswer,
        roles=AGENCY | {Role.OPERATOR, Role.ADMINISTRATOR},
        body=TotalsRequest,
        errors=(NotPermitted, TooLarge, TooSlow, UnsupportedMedia),
    ),
    Endpoint(
        "GET",
        "/api/v1/totals",
        "listTotals",
        Bilingual("Số liệu sổ đăng ký đã khai", "Declared totals"),
        list_totals,
        TotalsList,
        query=TotalsQuery,
        errors=(NotFound,),
    ),
)
