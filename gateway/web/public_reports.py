"""Pages for everybody: what was published, each figure with what it means. No script, no login, no cookie.

In charge of: what the pages say, taken from frozen reports alone; Vietnamese first, English with
``?lang=en``. Not in charge of: HTML (``render.py``), publishing (``compliance/reports.py``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from aiohttp import web
from pydantic import Field

from gateway.clock import from_datetime
from gateway.compliance import periods, reports
from gateway.compliance.frozen import Frozen
from gateway.compliance.sheet import SMALL_MARK
from gateway.errors import BadRequest, NotFound
from gateway.model.text import Bilingual, Instant
from gateway.resources import packaged
from gateway.store.reports import LAST, Published
from gateway.web import render
from gateway.web.endpoint import NOBODY, Bytes, Call, Endpoint
from gateway.web.models import Cursor, Model, NoQuery

PAGE = 50
ALL = "all"  # the scope of a rate over all agencies
LEVELS: dict[str, Bilingual] = {
    ALL: Bilingual("Toàn tỉnh", "Whole province"),
    "province": Bilingual("Cấp tỉnh", "Province"),
    "district": Bilingual("Cấp huyện", "District"),
    "commune": Bilingual("Cấp xã", "Commune"),
}
_HTML = "text/html"
_CURSOR = re.compile(r"(\d{1,16})\.([0-9a-f-]{1,40})", re.ASCII)


class LanguageQuery(Model):
    """In which language."""

    lang: Literal["vi", "en"] = Field("vi", description="vi or en.")


class ListQuery(LanguageQuery):
    """And from where on."""

    cursor: Cursor = ""


@dataclass(frozen=True, slots=True)
class Cell:
    """One rate of one scope as it was printed in the report."""

    scope: Bilingual
    text: str
    numerator: int
    denominator: int | None  # none: a number alone
    small: bool


@dataclass(frozen=True, slots=True)
class Figure:
    """One measure: what it is, two sentences that can be quoted, its rates by level."""

    key: str
    name: Bilingual
    sentences: Bilingual
    cells: tuple[Cell, ...]


async def list_page(call: Call[ListQuery, None]) -> web.StreamResponse:
    """Published reports, newest first."""
    at, after = place(call.query.cursor)
    found = await reports.published(call.gw, at=at, after=after, limit=PAGE)
    return _page(
        "public_reports.html",
        call.query.lang,
        rows=[(one, periods.parse(one.period).words) for one in found],
        older=cursor_after(found),
        synthetic=any(one.synthetic for one in found),
    )


def place(cursor: str) -> tuple[Instant, str]:
    """Where a page of the list begins. ``BadRequest`` for what is no cursor of ours."""
    if not cursor:
        return LAST, ""
    found = _CURSOR.fullmatch(cursor)
    if found is None:
        raise BadRequest(code="cursor.unreadable")
    return Instant(int(found[1])), found[2]


def cursor_after(found: Sequence[Published]) -> str:
    """Where the page after this one begins; empty when this was the last."""
    return f"{found[-1].published_at}.{found[-1].id}" if len(found) == PAGE else ""


async def report_page(call: Call[LanguageQuery, None]) -> web.StreamResponse:
    """One report."""
    report = await reports.load(call.gw, call.part("report"))
    body = report.body
    later = await reports.published(call.gw, period=body["period"]["name"], limit=1)
    return _page(
        "public_report.html",
        call.query.lang,
        report=report,
        body=body,
        words=_text(body["period"]["words"]),
        figures=figures_of(report),
        published_at=_instant(body["published_at"]),
        as_of=_instant(body["data_as_of"]["at"]),
        newest="" if not later or later[0].id == report.id else later[0].id,
        causes=[_text(one) for one in (body["earlier"] or {}).get("causes", ())],
        synthetic=body["synthetic"],
    )


async def style(call: Call[NoQuery, None]) -> web.StreamResponse:
    """How the pages look, on a screen and on paper."""
    data = packaged("web", "static", "public.css").read_bytes()
    return web.Response(body=data, content_type="text/css", charset="utf-8")


def figures_of(report: Frozen) -> list[Figure]:
    """Every measure of a report that has a definition in it, in the order of the report's rates."""
    by_key: dict[str, list[Mapping[str, Any]]] = {}
    for rate in report.body["rates"]:
        by_key.setdefault(rate["key"], []).append(rate)
    definitions: Mapping[str, Any] = report.body.get("definitions", {})
    return [
        Figure(key, _text(definitions[key]["name"]), _text(definitions[key]["sentences"]), _cells(rates))
        for key, rates in by_key.items()
        if key in definitions
    ]


def _cells(rates: Sequence[Mapping[str, Any]]) -> tuple[Cell, ...]:
    return tuple(
        Cell(
            LEVELS.get(rate["scope"], Bilingual(rate["scope"], rate["scope"])),
            rate["text"].removesuffix(SMALL_MARK),
            rate["numerator"],
            rate["denominator"],
            rate["small"],
        )
        for rate in rates
    )


def _page(template: str, lang: str, **values: Any) -> web.Response:
    return render.html(template, lang, **values)


def _text(value: Mapping[str, str]) -> Bilingual:
    return Bilingual(value["vi"], value["en"])


def _instant(text: str) -> Instant:
    return from_datetime(datetime.fromisoformat(text))


PAGES = (
    Endpoint(
        "GET",
        "/public/reports",
        "listPublicReports",
        Bilingual("Trang công khai: các báo cáo", "Public page: the reports"),
        list_page,
        Bytes(_HTML, "A page without script."),
        roles=NOBODY,
        query=ListQuery,
        errors=(BadRequest,),
    ),
    Endpoint(
        "GET",
        "/public/reports/{report}",
        "readPublicReport",
        Bilingual("Trang công khai: một báo cáo", "Public page: one report"),
        report_page,
        Bytes(_HTML, "A page without script: each figure with its definition."),
        roles=NOBODY,
        query=LanguageQuery,
        errors=(BadRequest, NotFound),
    ),
    Endpoint(
        "GET",
        "/public/style.css",
        "showPublicStyle",
        Bilingual("Kiểu trình bày của trang công khai", "Style of the public pages"),
        style,
        Bytes("text/css", "A style sheet."),
        roles=NOBODY,
    ),
)
