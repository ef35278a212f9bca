"""/console/reports: published figures: look, publish, take away, verify, count again.

In charge of: the pages, and a preview before anything is published. Not in charge of: freezing and comparing
(``compliance/reports.py``), forms (``compliance/forms.py``), the public pages (``public_reports.py``).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from aiohttp import web

from gateway.clock import from_datetime, local_day
from gateway.compliance import forms, frozen, periods, reports
from gateway.compliance.behind import words_of
from gateway.compliance.frozen import Frozen
from gateway.flow.door import stated
from gateway.flow.evidence import trusted_of
from gateway.model.text import AgencyCode, Bilingual
from gateway.store.reports import Published
from gateway.web.console.page import RUN, WATCH, Moved, Page, Visit
from gateway.web.console.transfer import whole
from gateway.web.public_reports import LEVELS, Figure, cursor_after, figures_of, place

ROOT = "/console/reports"
MOST_DIFFERENCES = 100
_ALONE = ("F6",)  # made of documents, not of a report


async def show_reports(visit: Visit) -> web.StreamResponse:
    """What was published, newest first, and the forms of a period as counted now."""
    at, after = place(visit.query.get("cursor", ""))
    found = await reports.published(visit.gw, at=at, after=after, limit=50)
    return visit.html(
        "reports.html",
        title=visit.page.title,
        rows=[(one, periods.parse(one.period).words, _person(visit, one)) for one in found],
        older=cursor_after(found),
        presets=periods.presets(local_day(visit.gw.clock.now())),
        period=periods.parse(_last_week(visit)),
        forms=forms.FORMS,
        kinds=tuple(forms.MEDIA_TYPES),
        may=visit.caller.role in RUN,
    )


async def preview(visit: Visit) -> web.StreamResponse:
    """The figures of a period as they would be published now. Nothing is kept."""
    period = _asked(visit)
    body = await reports.make(visit.gw, visit.caller, period)
    earlier = await reports.published(visit.gw, period=body["period"]["name"], limit=1)
    return visit.html(
        "report_preview.html",
        title=_PREVIEW,
        **_about(Frozen(body, "", "")),
        earlier=earlier[0] if earlier else None,
        may=visit.caller.role in RUN,
    )


async def publish(visit: Visit) -> Moved:
    """Freeze, sign and record."""
    reason = stated(visit.form.get("reason"))
    period = visit.form.get("period")
    made = await reports.publish(visit.gw, visit.caller, period, reason=reason)
    return Moved(f"{ROOT}/{made.id}", _PUBLISHED)


async def show_report(visit: Visit) -> web.StreamResponse:
    """One report, with its signature checked now."""
    report = await reports.load(visit.gw, visit.part("report"))
    trusted = trusted_of(visit.gw.keyring)
    rows = await visit.gw.offload(
        len(report.counts) * 1000, frozen.verify, report, trusted.certificates, trusted.compromised
    )
    later = await reports.published(visit.gw, period=report.body["period"]["name"], limit=1)
    return visit.html(
        "report.html",
        title=_REPORT,
        **_about(report),
        report=report,
        checked=rows,
        holds=frozen.holds(rows),
        newest="" if not later or later[0].id == report.id else later[0].id,
        causes=[_text(one) for one in (report.body["earlier"] or {}).get("causes", ())],
        forms={key: words for key, words in forms.FORMS.items() if key not in _ALONE},
        kinds=tuple(forms.MEDIA_TYPES),
    )


async def compare(visit: Visit) -> web.StreamResponse:
    """Count again now; what changed since, and why."""
    found = await reports.compare_now(visit.gw, visit.caller, visit.part("report"))
    period = periods.parse(found.period)
    codes = {one.agency for one in found.differences}
    return visit.html(
        "report_compare.html",
        title=_COMPARE,
        found=found,
        words=period.words,
        levels=LEVELS,
        shown=found.differences[:MOST_DIFFERENCES],
        names={code: visit.gw.directory.name(AgencyCode(code), period.to) or code for code in codes},
        words_of=words_of,
    )


async def take_file(visit: Visit) -> web.StreamResponse:
    """The signed file, byte for byte as it was published."""
    report = visit.part("report")
    return whole(f"{report}.json", await reports.file_of(visit.gw, report), "application/json")


async def take_form(visit: Visit) -> web.StreamResponse:
    """A form of a published report as a file."""
    return await _form(visit, report=visit.part("report"))


async def take_form_now(visit: Visit) -> web.StreamResponse:
    """A form of a period as counted now."""
    return await _form(visit, period=_asked(visit))


async def _form(visit: Visit, period: str = "", report: str = "") -> web.StreamResponse:
    made = await forms.write(
        visit.gw,
        visit.caller,
        visit.query.get("form", ""),
        period,
        visit.query.get("kind", "xlsx"),
        report=report,
        agency=visit.query.get("agency", "").strip(),
        lang=visit.lang,
    )
    return whole(made.name, made.data, made.media_type.partition(";")[0])


def _asked(visit: Visit) -> str:
    """The period of the address; the last week without one."""
    return visit.query.get("other", "").strip() or visit.query.get("period", "") or _last_week(visit)


def _last_week(visit: Visit) -> str:
    year, number, _ = local_day(visit.gw.clock.now()).isocalendar()
    return periods.before(periods.week(year, number)).name


def _about(report: Frozen) -> dict[str, Any]:
    """What a page says of a body, published or not."""
    body = report.body
    figures: list[Figure] = figures_of(report)
    return {
        "body": body,
        "words": _text(body["period"]["words"]),
        "figures": figures,
        "as_of": from_datetime(datetime.fromisoformat(body["data_as_of"]["at"])),
    }


def _person(visit: Visit, one: Published) -> str:
    found = visit.gw.people.principal(one.published_by)
    return found.name if found else one.published_by


def _text(value: Mapping[str, str]) -> Bilingual:
    return Bilingual(value["vi"], value["en"])


_REPORTS = Bilingual("Báo cáo số liệu", "Reports")
_PREVIEW = Bilingual("Xem trước báo cáo", "Preview of a report")
_REPORT = Bilingual("Báo cáo đã công bố", "A published report")
_COMPARE = Bilingual("Đếm lại và so với báo cáo", "Counted again")
_PUBLISHED = Bilingual(
    "Đã công bố báo cáo. Báo cáo được ký số và không sửa được nữa.",
    "Published: signed, and changed no more.",
)

PAGES = (
    Page("GET", "/reports", show_reports, _REPORTS, WATCH, "compliance"),
    Page("GET", "/reports/preview", preview, _PREVIEW, WATCH, "compliance"),
    Page("POST", "/reports/publish", publish, _PREVIEW, RUN, "compliance"),
    Page("GET", "/reports/form", take_form_now, _REPORTS, WATCH, "compliance"),
    Page("GET", "/reports/{report}", show_report, _REPORT, WATCH, "compliance"),
    Page("GET", "/reports/{report}/file", take_file, _REPORT, WATCH, "compliance"),
    Page("GET", "/reports/{report}/form", take_form, _REPORT, WATCH, "compliance"),
    Page("GET", "/reports/{report}/compare", compare, _COMPARE, WATCH, "compliance"),
)
