"""Published reports over HTTP: ``/api/v1/reports``, and for everybody ``/public/reports``.

In charge of: the endpoints. What was published is public (QĐ 28/2018 Đ14.3): the pages and the signed file
ask nobody who it is. Not in charge of: publishing (``compliance/reports.py``), forms
(``compliance/forms.py``), what the pages say (``public_reports.py``).
"""

from __future__ import annotations

import base64
import hashlib

from aiohttp import web

from gateway.clock import to_rfc3339
from gateway.compliance import forms, periods, reports
from gateway.errors import BadRequest, NotFound, NotPermitted, TooLarge, TooSlow, UnsupportedMedia, WrongState
from gateway.model.text import Bilingual
from gateway.store.people import Role
from gateway.store.reports import Published
from gateway.web.auth import WATCHERS
from gateway.web.endpoint import NOBODY, Bytes, Call, Endpoint
from gateway.web.models import NoQuery, Text
from gateway.web.models_reports import FormQuery, PublishRequest, ReportLine, ReportsAnswer, ReportsQuery
from gateway.web.public_reports import PAGE, PAGES, cursor_after, place

_SIGNED = Bytes(
    "application/json", "frozen-report/1: body, SHA-256 over its canonical form, signature (JWS)."
)


async def publish(call: Call[NoQuery, PublishRequest]) -> ReportLine:
    """Freeze, sign and record the figures of a period as of now."""
    period = call.body.period
    report = await reports.publish(call.gw, call.caller, period, f"POST /api/v1/reports {period}")
    (newest,) = await reports.published(call.gw, period=report.body["period"]["name"], limit=1)
    return line_of(newest)


async def list_reports(call: Call[ReportsQuery, None]) -> ReportsAnswer:
    """What was published, newest first."""
    at, after = place(call.query.cursor)
    found = await reports.published(call.gw, period=call.query.period, at=at, after=after, limit=PAGE)
    cursor = cursor_after(found)
    return ReportsAnswer(reports=[line_of(one) for one in found], cursor=cursor)


async def show_report(call: Call[NoQuery, None]) -> web.StreamResponse:
    """The signed file, byte for byte as it was published."""
    return await signed_file(call)


async def print_report(call: Call[FormQuery, None]) -> web.StreamResponse:
    """A form of a published report as a file."""
    kind, query = call.part("kind"), call.query
    if kind not in forms.MEDIA_TYPES:
        raise NotFound()
    made = await forms.write(
        call.gw, call.caller, query.form, kind=kind, report=call.part("report"), lang=query.lang
    )
    name = f"{query.form}_{call.part('report')}.{kind}"
    headers = {"Content-Type": made.media_type, "Content-Disposition": f'attachment; filename="{name}"'}
    return web.Response(body=made.data, headers=headers)


async def signed_file(call: Call[NoQuery, None]) -> web.StreamResponse:
    """The bytes, with their digest (RFC 9530)."""
    data = await reports.file_of(call.gw, call.part("report"))
    digest = base64.b64encode(hashlib.sha256(data).digest()).decode()
    headers = {
        "Content-Type": "application/json",
        "Content-Disposition": f'attachment; filename="{call.part("report")}.json"',
        "Content-Digest": f"sha-256=:{digest}:",
    }
    return web.Response(body=data, headers=headers)


def line_of(one: Published) -> ReportLine:
    """A row of a list."""
    words = periods.parse(one.period).words
    return ReportLine(
        id=one.id,
        period=one.period,
        words=Text(vi=words.vi, en=words.en),
        from_day=one.from_.isoformat(),
        to_day=one.to.isoformat(),
        provisional=one.provisional,
        synthetic=one.synthetic,
        sha256=one.sha256,
        leaves=one.leaves,
        earlier=one.earlier,
        published_at=to_rfc3339(one.published_at),
    )


ENDPOINTS = (
    Endpoint(
        "POST",
        "/api/v1/reports",
        "publishReport",
        Bilingual("Công bố số liệu của một kỳ", "Publish the figures of a period"),
        publish,
        ReportLine,
        roles=frozenset({Role.OPERATOR, Role.ADMINISTRATOR}),
        body=PublishRequest,
        status=201,
        errors=(BadRequest, NotPermitted, NotFound, WrongState, TooLarge, TooSlow, UnsupportedMedia),
    ),
    Endpoint(
        "GET",
        "/api/v1/reports",
        "listReports",
        Bilingual("Các báo cáo đã công bố", "Published reports"),
        list_reports,
        ReportsAnswer,
        query=ReportsQuery,
        errors=(BadRequest,),
    ),
    Endpoint(
        "GET",
        "/api/v1/reports/{report}",
        "showReport",
        Bilingual("Một báo cáo đã công bố, có chữ ký", "A published report, signed"),
        show_report,
        _SIGNED,
        errors=(NotFound,),
    ),
    Endpoint(
        "GET",
        "/api/v1/reports/{report}/{kind}",
        "printReport",
        Bilingual("Biểu của báo cáo: xlsx, csv, pdf, json", "A form of a report: xlsx, csv, pdf or json"),
        print_report,
        Bytes("application/octet-stream", "The form, as a file of that kind."),
        roles=frozenset(WATCHERS),
        query=FormQuery,
        errors=(BadRequest, NotFound, NotPermitted),
    ),
    Endpoint(
        "GET",
        "/public/reports/{report}/file",
        "showPublicReport",
        Bilingual("Tệp báo cáo có chữ ký, cho mọi người", "The signed file, for everybody"),
        signed_file,
        _SIGNED,
        roles=NOBODY,
        errors=(NotFound,),
    ),
    *PAGES,
)
