"""/console/totals: what agencies say of all their outgoing documents.

In charge of: the form, the list, a CSV file with its preview. Operators declare for any agency, a clerk for
her own. Not in charge of: what may be declared (``flow/declared.py``), which declarations cover a period.
"""

from __future__ import annotations

from datetime import date

from aiohttp import web

from gateway.clock import local_day
from gateway.compliance import periods
from gateway.compliance.periods import Period
from gateway.errors import BadRequest
from gateway.flow import declared
from gateway.flow.declared import COLUMNS, Taken
from gateway.model.text import AgencyCode, Bilingual
from gateway.store.people import Role
from gateway.web.console.page import DESK, RUN, SIGNED_IN, Moved, Page, Visit
from gateway.web.console.text_upload import form_with_text

ROOT = "/console/totals"
ROWS = 100
SOURCES = {
    "form": Bilingual("biểu mẫu", "form"),
    "csv": Bilingual("tệp CSV", "CSV file"),
    "api": Bilingual("phần mềm", "software"),
}
_COMMAND = "gateway totals import FILE.csv"


async def show_totals(visit: Visit) -> web.StreamResponse:
    """Declarations that touch a period, and the form for another."""
    period, agency = _period(visit), _agency(visit)
    rows = await declared.list_declared(visit.gw, visit.caller, period.from_, period.to, agency)
    first = visit.number("from", 0, 1_000_000)
    return visit.html(
        "totals.html",
        title=visit.page.title,
        rows=rows[first : first + ROWS],
        total=len(rows),
        first=first,
        step=ROWS,
        names={one.agency: _name(visit, one.agency, period) for one in rows[first : first + ROWS]},
        sources=SOURCES,
        period=period,
        presets=periods.presets(local_day(visit.gw.clock.now())),
        agency=agency,
        own=_own(visit),
        may=visit.caller.role in RUN | DESK,
        columns=COLUMNS,
    )


async def declare(visit: Visit) -> Moved:
    """Take what was typed."""
    form = visit.form
    numbers = [
        _number(form.get(name), name != "outgoing_total")
        for name in ("outgoing_total", "paper_only", "secret_count", "to_non_state")
    ]
    taken = await declared.declare_one(
        visit.gw,
        visit.caller,
        form.get("agency"),
        _day(form.get("from_day")),
        _day(form.get("to_day")),
        *numbers,
    )
    days = f"{taken.declared.from_day.isoformat()}..{taken.declared.to_day.isoformat()}"
    agency = taken.declared.agency if visit.caller.role is Role.CLERK else ""
    return Moved(f"{ROOT}?period={days}" + (f"&agency={agency}" if agency else ""), _said(taken))


async def preview(visit: Visit) -> web.StreamResponse:
    """What a CSV file would declare."""
    _, text = await form_with_text(visit, _COMMAND)
    found = await declared.preview_csv(visit.gw, visit.caller, text)
    today = local_day(visit.gw.clock.now())
    return visit.html(
        "totals_preview.html",
        title=_PREVIEW,
        rows=found[:ROWS],
        total=len(found),
        text=text,
        names={one.agency: visit.gw.directory.name(one.agency, today) for one in found[:ROWS]},
        below=sum(one.total.outgoing_total < one.observed for one in found),
        replaced=sum(one.replaces for one in found),
    )


async def take_csv(visit: Visit) -> Moved:
    """Take the file that was previewed, all lines or none."""
    _, text = await form_with_text(visit, _COMMAND)
    taken = await declared.declare_csv(visit.gw, visit.caller, text)
    first = min(one.declared.from_day for one in taken).isoformat()
    last = max(one.declared.to_day for one in taken).isoformat()
    said = Bilingual(f"Đã ghi nhận {len(taken)} lần khai.", f"{len(taken)} declarations were taken.")
    agency = f"&agency={taken[0].declared.agency}" if visit.caller.role is Role.CLERK else ""
    return Moved(f"{ROOT}?period={first}..{last}{agency}", said)


def _said(taken: Taken) -> Bilingual:
    vi, en = "Đã ghi nhận số liệu.", "The totals were taken."
    if taken.replaced:
        vi, en = f"{vi} Lần khai trước của cùng những ngày này được thay.", f"{en} They replace the earlier."
    if taken.overlaps:
        vi = f"{vi} Trùng ngày với {taken.overlaps} lần khai khác."
        en = f"{en} They share days with {taken.overlaps} others."
    if taken.contradicts:
        vi += f" Nhưng trục đã nhận {taken.observed} văn bản, nhiều hơn số khai: số khai này không được dùng."
        en += f" But the gateway took {taken.observed}, which is more: this total is not used."
    return Bilingual(vi, en)


def _own(visit: Visit) -> list[tuple[AgencyCode, str]]:
    """The agencies of a clerk; nothing for who declares for any."""
    if visit.caller.role is not Role.CLERK:
        return []
    today = local_day(visit.gw.clock.now())
    return [(code, visit.gw.directory.name(code, today)) for code in sorted(visit.caller.agencies)]


def _agency(visit: Visit) -> str:
    agency = visit.query.get("agency", "").strip()
    own = _own(visit)
    return agency or (own[0][0] if own else "")


def _period(visit: Visit) -> Period:
    """The one asked for; this year without one."""
    text = visit.query.get("other", "").strip() or visit.query.get("period", "").strip()
    return periods.parse(text or str(local_day(visit.gw.clock.now()).year))


def _name(visit: Visit, code: AgencyCode, period: Period) -> str:
    return visit.gw.directory.name(code, period.to) or code


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise BadRequest(_NO_DAY, code="totals.day") from error


def _number(text: str, may_lack: bool) -> int:
    """A whole number; dots and blanks between thousands are taken."""
    bare = text.replace(".", "").replace(" ", "")
    if not bare and may_lack:
        return 0
    if not (bare.isascii() and bare.isdigit() and len(bare) <= 9):
        raise BadRequest(_NO_NUMBER, code="totals.number")
    return int(bare)


_NO_DAY = Bilingual("Hãy ghi đủ ngày đầu và ngày cuối.", "Name the first and the last day.")
_NO_NUMBER = Bilingual(
    "Các con số phải là số nguyên không âm, ví dụ 1.234.", "Numbers are whole, for example 1,234."
)
_TOTALS = Bilingual("Số liệu sổ văn bản đi", "Declared totals")
_PREVIEW = Bilingual("Xem trước tệp số liệu", "Preview of the file")

PAGES = (
    Page("GET", "/totals", show_totals, _TOTALS, SIGNED_IN, "compliance"),
    Page("POST", "/totals", declare, _TOTALS, RUN | DESK, "compliance"),
    Page("POST", "/totals/preview", preview, _PREVIEW, RUN | DESK, "compliance", upload=True),
    Page("POST", "/totals/import", take_csv, _PREVIEW, RUN | DESK, "compliance", upload=True),
)
