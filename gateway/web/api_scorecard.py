"""The scorecard with its drill-down: ``/api/v1/scorecard``.

In charge of: the endpoints, and the links from a figure to its list, from a list to documents, their events
and evidence. Not in charge of: figures and rights (``compliance/board.py``).
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode

from gateway.clock import to_rfc3339
from gateway.compliance import board
from gateway.compliance.board import PATH, Board, Line
from gateway.compliance.catalogue import Measure
from gateway.compliance.drilling import Found, Page
from gateway.compliance.scorecard import ALL
from gateway.errors import NotFound
from gateway.model.text import Bilingual
from gateway.web.endpoint import Call, Endpoint, one_or_all
from gateway.web.models import Text
from gateway.web.models_scorecard import (
    CountBody,
    DataBody,
    FoundBody,
    FoundList,
    LineBody,
    ListQuery,
    MeasureBody,
    RateBody,
    ScorecardAnswer,
    ScorecardQuery,
)


async def show(call: Call[ScorecardQuery, None]) -> ScorecardAnswer:
    """The figures of a period, as of now."""
    query, agency = call.query, one_or_all(call, call.query.agency)
    found = await board.show(call.gw, call.caller, query.period, query.by, query.level, agency)
    words, data = found.period.words, found.data
    return ScorecardAnswer(
        period=found.period.name,
        words=Text(vi=words.vi, en=words.en),
        from_day=found.period.from_.isoformat(),
        to_day=found.period.to.isoformat(),
        provisional=found.provisional,
        synthetic=found.synthetic,
        by=found.by,
        data_as_of=DataBody(
            at=to_rfc3339(data.at), leaves=data.size, root=data.root, uncounted=found.uncounted
        ),
        lines=[_line(found, one) for one in found.lines],
        measures=_measures(found.measures),
    )


async def list_documents(call: Call[ListQuery, None]) -> FoundList:
    """The documents behind a figure."""
    query, agency = call.query, one_or_all(call, call.query.agency)
    measure = call.part("measure")
    return _page(
        await board.documents(
            call.gw, call.caller, measure, query.period, query.level, agency, query.limit, query.cursor
        )
    )


async def list_deliveries(call: Call[ListQuery, None]) -> FoundList:
    """The deliveries behind a figure."""
    query, agency = call.query, one_or_all(call, call.query.agency)
    measure = call.part("measure")
    return _page(
        await board.deliveries(
            call.gw, call.caller, measure, query.period, query.level, agency, query.limit, query.cursor
        )
    )


def _line(found: Board, line: Line) -> LineBody:
    """A list of agencies would be megabytes with every count: there only the line of its own has them."""
    whole = found.by == "level" or bool(found.agency)
    return LineBody(
        scope=line.scope,
        name=line.name,
        level=line.level,
        rates=[
            RateBody.model_validate(
                {name: value for name, value in one.as_json().items() if name != "scope"}
                | {"tenths": one.tenths}
            )
            for one in line.rates
        ],
        counts=[
            CountBody(name=name, number=number, href=found.href(name, line))
            for name, number in sorted(line.counts.items())
            if whole
        ],
        href=_line_href(found, line),
    )


def _line_href(found: Board, line: Line) -> str:
    query = {"period": found.period.name, "by": found.by}
    if line.scope != ALL:
        query["agency" if found.by == "agency" else "level"] = line.scope
    return f"{PATH}?{urlencode(query)}"


def _measures(measures: Sequence[Measure]) -> list[MeasureBody]:
    return [
        MeasureBody.model_validate(
            {
                "key": one.key,
                "name": one.name.as_json(),
                "unit": one.unit.value,
                "formula": one.formula,
                "hook": one.hook,
                "sentences": one.sentences.as_json(),
            }
        )
        for one in measures
    ]


def _page(page: Page) -> FoundList:
    return FoundList(found=[_found(one) for one in page.rows], cursor=page.cursor)


def _found(one: Found) -> FoundBody:
    href = f"/api/v1/documents/{one.id}"
    return FoundBody(
        document=one.id,
        document_id=one.document_id,
        agency=one.agency,
        level=one.level,
        day=one.day,
        counts=list(one.outcome),
        why=list(one.evidence),
        href=href,
        events=f"{href}/events",
        evidence=f"{href}/evidence",
    )


ENDPOINTS = (
    Endpoint(
        "GET",
        "/api/v1/scorecard",
        "showScorecard",
        Bilingual("Bảng chỉ tiêu gửi, nhận của một kỳ", "The compliance figures of a period"),
        show,
        ScorecardAnswer,
        query=ScorecardQuery,
        errors=(NotFound,),
    ),
    Endpoint(
        "GET",
        "/api/v1/scorecard/{measure}/documents",
        "listScorecardDocuments",
        Bilingual("Các văn bản đứng sau một con số", "The documents behind a figure"),
        list_documents,
        FoundList,
        query=ListQuery,
        errors=(NotFound,),
    ),
    Endpoint(
        "GET",
        "/api/v1/scorecard/{measure}/deliveries",
        "listScorecardDeliveries",
        Bilingual("Các lượt nhận đứng sau một con số", "The deliveries behind a figure"),
        list_deliveries,
        FoundList,
        query=ListQuery,
        errors=(NotFound,),
    ),
)
