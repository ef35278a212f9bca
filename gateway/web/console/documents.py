"""/console/documents: finding documents, keeping searches, taking the result away as CSV or XLSX.

In charge of: the form, the list, addresses that hold no words of a subject (those are kept with the search).
Not in charge of: finding (``flow/find.py``), one document (``document.py``).
"""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from gateway.clock import local, local_day
from gateway.compliance import plain, xlsx
from gateway.compliance.sheet import Cell, Column, Kind, Row, Sheet, shown
from gateway.errors import BadRequest
from gateway.flow import searches
from gateway.flow.find import STATES, VERDICTS, Found, Line, Sought, find_documents
from gateway.flow.terms import folded
from gateway.model.status import StatusCode
from gateway.model.text import AgencyCode, Bilingual
from gateway.store import searches as rows
from gateway.store.people import Role
from gateway.web.console.page import SIGNED_IN, Moved, Page, Visit
from gateway.web.console.serve import ROOT

PATH = f"{ROOT}/documents"
MOST_ROWS = 10_000  # of a file
FILE_PAGE = 500
MOST_LISTED = 300  # agencies that the form suggests
LEVELS = {
    "province": Bilingual("Cấp tỉnh", "Province"),
    "district": Bilingual("Cấp huyện", "District"),
    "commune": Bilingual("Cấp xã", "Commune"),
    "outside": Bilingual("Ngoài tỉnh", "Outside"),
}
KINDS = {
    "new": Bilingual("Văn bản mới", "New"),
    "update": Bilingual("Cập nhật", "Update"),
    "replace": Bilingual("Thay thế", "Replacement"),
    "revoke": Bilingual("Thu hồi", "Recall"),
}
TONES = {"delivered": "good", "held": "warn", "dead": "bad", "rejected": "bad"}


@dataclass(frozen=True, slots=True)
class Shown:
    """A line with the names of its agencies. ``way``: how many deliveries are where, in words; ``number``:
    number and notation."""

    line: Line
    number: str
    sender: str
    recipient: str
    way: tuple[tuple[str, Bilingual, int], ...]


async def show_documents(visit: Visit) -> web.StreamResponse:
    """The form and one page of what it finds."""
    search, sought = await _sought(visit)
    found = await find_documents(visit.gw, visit.caller, sought, visit.query.get("after", "")[:64])
    return visit.html(
        "documents.html",
        title=visit.page.title,
        sought=sought,
        search=search,
        lines=[_shown(visit, line) for line in found.lines],
        found=found,
        kept=await searches.list_kept(visit.gw, visit.caller),
        here=_here(search, sought),
        first=_address(search, sought, {}),
        older=_address(search, sought, {"after": found.cursor}) if found.cursor else "",
        after=visit.query.get("after", ""),
        **await _choices(visit),
    )


async def find(visit: Visit) -> Moved:
    """One box, or the form. Words of a subject stay out of the address."""
    if text := visit.form.get("q"):
        document, sought = await searches.understand(visit.gw, text)
        if document:
            return Moved(f"{PATH}/{document}")
    else:
        given = {name: visit.form.get(name) for name in Sought.__slots__}
        given |= {name: _agency(visit, given[name]) for name in ("sender", "recipient")}
        sought = Sought.of(given)
    name = visit.form.get("name") if visit.form.on("keep") else ""
    if visit.form.on("keep") and not name:
        raise BadRequest(_NAMELESS, code="search.name")
    if name or sought.subject:
        search = await searches.keep(visit.gw, visit.caller, sought, name)
        return Moved(f"{PATH}?search={search}", _KEPT if name else None)
    return Moved(_address("", sought, {}))


async def forget(visit: Visit) -> Moved:
    """A saved search is needed no more."""
    await searches.forget(visit.gw, visit.caller, visit.part("search"))
    return Moved(PATH, _FORGOTTEN)


async def take_csv(visit: Visit) -> web.StreamResponse:
    """The result as CSV, page by page as it is found; at most ``MOST_ROWS`` lines."""
    _, sought = await _sought(visit)
    response = web.StreamResponse(headers=_file_headers(visit, "csv", "text/csv; charset=utf-8"))
    await response.prepare(visit.request)
    await response.write((plain.BOM + _csv(visit, [[title for title, _ in _titles(visit)]])).encode())
    async for found in _pages(visit, sought):
        lines = [[_text(cell) for cell in _cells(visit, line)] for line in found.lines]
        await response.write(_csv(visit, lines).encode())
    await response.write_eof()
    return response


async def take_xlsx(visit: Visit) -> web.StreamResponse:
    """The result as a workbook; at most ``MOST_ROWS`` lines."""
    _, sought = await _sought(visit)
    lines = [line async for found in _pages(visit, sought) for line in found.lines]
    sheet = Sheet(
        name=visit.t("Văn bản", "Documents"),
        title=visit.t("Danh sách văn bản tìm được", "Documents found"),
        head=((visit.t("Số dòng", "Lines"), str(len(lines))),),
        columns=tuple(Column(title, kind, 18) for title, kind in _titles(visit)),
        rows=tuple(Row(_cells(visit, line)) for line in lines),
        mark=visit.t(MARK.vi, MARK.en) if visit.gw.config.gateway.synthetic else "",
        lang=visit.lang,
    )
    body = await visit.gw.offload(len(lines) * 1000, xlsx.write, [sheet])
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    return web.Response(body=body, headers=_file_headers(visit, "xlsx", kind))


async def _sought(visit: Visit) -> tuple[str, Sought]:
    """The saved search that the address names, or the fields in it."""
    search = visit.query.get("search", "")
    if search:
        return search, await searches.kept(visit.gw, visit.caller, search)
    given = {name: text for name, text in visit.query.items() if name != "subject"}
    for name in ("sender", "recipient"):
        if text := given.get(name, ""):
            given[name] = visit.gw.directory.canonical(text)
    return "", Sought.of(given)


async def _pages(visit: Visit, sought: Sought) -> AsyncIterator[Found]:
    after, left = "", MOST_ROWS
    while left > 0:
        found = await find_documents(visit.gw, visit.caller, sought, after, min(FILE_PAGE, left))
        yield found
        left, after = left - len(found.lines), found.cursor
        if not after:
            return


def _here(search: str, sought: Sought) -> str:
    """The search behind a question mark, for links to the same result."""
    return urlencode({"search": search} if search else sought.as_query())


def _address(search: str, sought: Sought, more: dict[str, str]) -> str:
    query = ({"search": search} if search else sought.as_query()) | more
    return f"{PATH}?{urlencode(query)}" if query else PATH


def _agency(visit: Visit, text: str) -> str:
    """The agency that a field names by any code, or by its name (accents may be missing)."""
    if not text:
        return ""
    if code := visit.gw.directory.resolve(text):
        return code
    wanted, today = folded(text), local_day(visit.gw.clock.now())
    named = [row.code for row in visit.gw.directory.all(today) if wanted in folded(row.name)]
    exact = [code for code in named if folded(visit.gw.directory.name(code, today)) == wanted]
    if len(exact or named) == 1:
        return (exact or named)[0]
    if named:
        raise BadRequest(_several(text, len(named)), code="agency.ambiguous")
    return visit.agency(text)


async def _choices(visit: Visit) -> dict[str, Any]:
    """What the form offers."""
    agencies = visit.gw.directory.all(local_day(visit.gw.clock.now()))
    pairs = [
        (f"{one}>{other}", Bilingual(f"{a.vi} → {b.vi}", f"{a.en} → {b.en}"))
        for one, a in LEVELS.items()
        for other, b in LEVELS.items()
        if (one, other) != ("outside", "outside")
    ]
    reasons = await visit.gw.store.read(rows.reason_codes) if not visit.may(Role.CLERK) else []
    return {
        "agencies": agencies if len(agencies) <= MOST_LISTED else (),
        "states": STATES,
        "verdicts": VERDICTS,
        "statuses": {one.value: one.words for one in StatusCode},
        "pairs": pairs,
        "reasons": reasons,
        "kinds": KINDS,
    }


def _shown(visit: Visit, line: Line) -> Shown:
    day = local_day(line.created_at)
    name = visit.gw.directory.name
    one = line.outlook[0].recipient if line.deliveries == 1 else AgencyCode("")
    return Shown(
        line,
        number_of(line.header),
        name(line.sender, day) or line.sender,
        (name(one, day) or one) if one else "",
        _way(line),
    )


def number_of(header: dict[str, Any] | Any) -> str:
    """362/UBND-KGVX; "" when it has none."""
    parts = (str(header.get("number") or ""), str(header.get("notation") or ""))
    return "/".join(part for part in parts if part)


def _way(line: Line) -> tuple[tuple[str, Bilingual, int], ...]:
    """Deliveries by what became of them: the status where the recipient reported one, else the transport."""
    found: dict[tuple[str, Bilingual], int] = {}
    for part in line.outlook:
        code = part.status if part.state == "delivered" else ""
        tone = "bad" if code == "02" else TONES.get(part.state, "")
        words = StatusCode(code).words if code else STATES[part.state]
        found[tone, words] = found.get((tone, words), 0) + part.deliveries
    return tuple((tone, words, number) for (tone, words), number in found.items())


def _titles(visit: Visit) -> list[tuple[str, Kind]]:
    return [
        (visit.t("Thời điểm nhận", "Accepted"), Kind.MOMENT),
        (visit.t("Nơi gửi", "Sender"), Kind.TEXT),
        (visit.t("Mã nơi gửi", "Sender's code"), Kind.TEXT),
        (visit.t("Số, ký hiệu", "Number, notation"), Kind.TEXT),
        (visit.t("Ngày ban hành", "Date"), Kind.TEXT),
        (visit.t("Trích yếu", "Subject"), Kind.TEXT),
        (visit.t("Mã văn bản", "DocumentId"), Kind.TEXT),
        (visit.t("Loại gói tin", "Kind"), Kind.TEXT),
        (visit.t("Chữ ký số", "Signatures"), Kind.TEXT),
        (visit.t("Số nơi nhận", "Recipients"), Kind.COUNT),
        (visit.t("Tình trạng", "State"), Kind.TEXT),
        (visit.t("Mã của trục", "Gateway's id"), Kind.TEXT),
    ]


def _cells(visit: Visit, line: Line) -> tuple[Cell, ...]:
    told = _shown(visit, line)
    verdict = VERDICTS.get(line.verdict)
    return (
        local(line.created_at).replace(tzinfo=None),
        told.sender,
        line.sender,
        told.number,
        str(line.header.get("promulgation_date") or ""),
        line.subject,
        line.document_id,
        visit.t(KINDS[line.kind].vi, KINDS[line.kind].en),
        visit.t(verdict.vi, verdict.en) if verdict else "",
        line.deliveries,
        "; ".join(f"{visit.t(words.vi, words.en)}: {number}" for _, words, number in told.way),
        line.id,
    )


def _text(cell: Cell) -> str:
    return str(cell) if isinstance(cell, int) else plain.harmless(shown(cell))


def _csv(visit: Visit, lines: list[list[str]]) -> str:
    stream = io.StringIO()
    csv.writer(stream, delimiter=";", lineterminator="\r\n").writerows(lines)
    return stream.getvalue()


def _file_headers(visit: Visit, ending: str, kind: str) -> dict[str, str]:
    day = local_day(visit.gw.clock.now())
    name = f"van-ban-{day:%Y%m%d}.{ending}"
    return {"Content-Type": kind, "Content-Disposition": f'attachment; filename="{name}"'}


def _several(text: str, number: int) -> Bilingual:
    return Bilingual(
        f"Có {number} đơn vị có tên chứa “{text}”. Hãy chọn một đơn vị trong danh sách hoặc nhập mã.",
        f"The names of {number} agencies contain “{text}”. Choose one from the list, or give its code.",
    )


_NAMELESS = Bilingual("Hãy đặt tên cho lượt tìm kiếm cần lưu.", "Give the search a name to save it.")
_KEPT = Bilingual("Đã lưu tìm kiếm.", "The search is saved.")
_FORGOTTEN = Bilingual("Đã xóa tìm kiếm đã lưu.", "The saved search is gone.")
MARK = Bilingual("DỮ LIỆU MÔ PHỎNG", "SYNTHETIC")
_TITLE = Bilingual("Văn bản", "Documents")

PAGES = (
    Page("GET", "/documents", show_documents, _TITLE, SIGNED_IN, "documents"),
    Page("POST", "/documents/find", find, _TITLE, SIGNED_IN, "documents"),
    Page("GET", "/documents/result.csv", take_csv, _TITLE, SIGNED_IN, "documents"),
    Page("GET", "/documents/result.xlsx", take_xlsx, _TITLE, SIGNED_IN, "documents"),
    Page("POST", "/documents/searches/{search}/forget", forget, _TITLE, SIGNED_IN, "documents"),
)
