"""/console/agencies/import, /sync, /requests: the directory changes after somebody has seen how.

In charge of: files with their preview, comparing with a partner's list, requests of partner software. Not in
charge of: what an import does (``flow/office.py``), reading a partner's list (``flow/agency_sync.py``),
carrying out a request (``flow/requests.py``).

Between preview and import the file travels through the browser, packed into hidden fields. What is imported
is compared again: when the directory changed meanwhile, the new preview is shown instead.
"""

from __future__ import annotations

import base64
import hashlib
import zlib
from dataclasses import dataclass
from typing import Any

import orjson
from aiohttp import web

from gateway.clock import local_day
from gateway.directory.changes import Changes
from gateway.errors import BadRequest
from gateway.flow import operations, requests
from gateway.flow.agency_sync import Sync
from gateway.flow.door import stated
from gateway.flow.operate import plain
from gateway.model.text import AgencyCode, Bilingual
from gateway.store import collected
from gateway.store.people import Role
from gateway.web.console.agencies import level_name
from gateway.web.console.forms import FIELD_BYTES, File, Form
from gateway.web.console.page import RULE, RUN, WATCH, Moved, Page, Visit
from gateway.web.console.serve import ROOT
from gateway.web.console.transfer import parts_of

MOST_TEXT = 8_388_608  # bytes of a file: a national list in CSV
SHOWN = 100  # agencies of each kind of change
_PIECE = FIELD_BYTES - 1


@dataclass(frozen=True, slots=True)
class Sent:
    """A directory file as it came. ``seen``: the digest of the changes that were previewed, or empty."""

    text: str
    format: str
    seen: str


async def show_import(visit: Visit) -> web.StreamResponse:
    """The form."""
    return visit.html("directory_import.html", title=visit.page.title, changes=None)


async def preview_import(visit: Visit) -> web.StreamResponse:
    """What the file would change. Nothing is changed."""
    sent = await _sent(visit)
    changes = await operations.import_directory(visit.gw, visit.caller, sent.text, sent.format)
    return _preview(visit, sent, changes)


async def apply_import(visit: Visit) -> web.StreamResponse | Moved:
    """Import what was previewed, if it still is what the preview said."""
    sent = await _sent(visit)
    changes = await operations.import_directory(visit.gw, visit.caller, sent.text, sent.format)
    if _digest(changes) != sent.seen:
        return _preview(visit, sent, changes, moved_on=True)
    await operations.import_directory(visit.gw, visit.caller, sent.text, sent.format, apply=True)
    return Moved(f"{ROOT}/agencies", _imported(changes))


async def show_sync(visit: Visit) -> web.StreamResponse:
    """Partners that keep an agency list, and when each was compared."""
    return await _sync_page(visit, None)


async def preview_sync(visit: Visit) -> web.StreamResponse:
    """A partner's list beside our directory."""
    found = await operations.sync_directory(visit.gw, visit.caller, visit.form.get("partner"))
    return await _sync_page(visit, found)


async def apply_sync(visit: Visit) -> web.StreamResponse | Moved:
    """Take the list over; when it says something else than the preview, show that instead."""
    partner, seen = visit.form.get("partner"), visit.form.get("seen")
    found = await operations.sync_directory(visit.gw, visit.caller, partner)
    if _digest(found.changes) != seen:
        return await _sync_page(visit, found, moved_on=True)
    done = await operations.sync_directory(visit.gw, visit.caller, partner, apply=True)
    return Moved(f"{ROOT}/agencies", _imported(done.changes))


async def show_requests(visit: Visit) -> web.StreamResponse:
    """What partner software asks for, and what was decided."""
    everything = "all" in visit.query
    rows = await requests.list_requests(visit.gw, visit.caller, everything, SHOWN)
    people = {one.id: one.name for one in visit.gw.people.principals}
    return visit.html(
        "agency_requests.html",
        title=visit.page.title,
        rows=[(row, orjson.loads(row.body)) for row in rows],
        everything=everything,
        people=people,
        levels=_levels(visit),
        level_name=level_name,
        rules=visit.caller.role is Role.ADMINISTRATOR,
        runs=visit.caller.role in RUN,
    )


async def approve(visit: Visit) -> Moved:
    """Do what was asked for."""
    level = visit.form.get("level")
    if level and level not in _levels(visit):
        raise BadRequest(_NO_LEVEL, code="agency.level")
    await requests.approve(visit.gw, visit.caller, visit.part("request"), level)
    return Moved(f"{ROOT}/agencies/requests", _APPROVED)


async def decline(visit: Visit) -> Moved:
    """Do not do it, and say why."""
    reason = stated(visit.form.get("reason"))
    await requests.decline(visit.gw, visit.caller, visit.part("request"), reason)
    return Moved(f"{ROOT}/agencies/requests", _DECLINED)


async def _sent(visit: Visit) -> Sent:
    """The file of the form, else the one that its hidden fields carry."""
    form, name, data = Form(), "", b""
    async for part in parts_of(visit, MOST_TEXT + FIELD_BYTES):
        if isinstance(part, File):
            name = part.name or name
            data += b"".join([chunk async for chunk in part.chunks])
        else:
            form = part
    if len(data) > MOST_TEXT:
        raise BadRequest(_TOO_LONG, code="directory.too_long")
    data = data or _unpacked(form.all("packed"))
    if not data.strip():
        raise BadRequest(_NO_FILE, code="directory.no_file")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadRequest(_NO_TEXT, code="directory.not_text") from error
    looks_like = "json" if name.lower().endswith(".json") or text.lstrip()[:1] in ("{", "[") else "csv"
    return Sent(text, looks_like, form.get("seen"))


def _packed(text: str) -> list[str]:
    packed = base64.b64encode(zlib.compress(text.encode(), 9)).decode()
    return [packed[at : at + _PIECE] for at in range(0, len(packed), _PIECE)]


def _unpacked(pieces: list[str]) -> bytes:
    """What ``_packed`` made; never more than a file may have."""
    try:
        opener = zlib.decompressobj()
        data = opener.decompress(base64.b64decode("".join(pieces), validate=True), MOST_TEXT)
    except (ValueError, zlib.error) as error:
        raise BadRequest(_NO_FILE, code="directory.no_file") from error
    if opener.unconsumed_tail:
        raise BadRequest(_TOO_LONG, code="directory.too_long")
    return data


def _digest(changes: Changes) -> str:
    said = orjson.dumps(plain(changes), option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(said).hexdigest()


def _preview(visit: Visit, sent: Sent, changes: Changes, *, moved_on: bool = False) -> web.StreamResponse:
    return visit.html(
        "directory_import.html",
        title=visit.page.title,
        packed=_packed(sent.text),
        moved_on=moved_on,
        **_shown(changes),
    )


def _shown(changes: Changes) -> dict[str, Any]:
    return {
        "changes": changes,
        "seen": _digest(changes),
        "shown": SHOWN,
        "nothing": not (changes.added or changes.changed or changes.closed),
        "level_name": level_name,
        "columns": COLUMNS,
    }


async def _sync_page(visit: Visit, found: Sync | None, *, moved_on: bool = False) -> web.StreamResponse:
    states = {one.partner: one for one in await visit.gw.store.read(collected.states)}
    partners = [
        (one.agency, _name(visit, one.agency), states.get(one.agency))
        for one in visit.gw.directory.profiles
        if one.adapter in visit.gw.collectors
    ]
    shown = _shown(found.changes) if found is not None else {"changes": None}
    return visit.html(
        "directory_sync.html",
        title=visit.page.title,
        partners=partners,
        found=found,
        moved_on=moved_on,
        partner_name=_name(visit, found.partner) if found is not None else "",
        rules=visit.caller.role is Role.ADMINISTRATOR,
        **shown,
    )


def _name(visit: Visit, code: AgencyCode) -> str:
    return visit.gw.directory.name(code, local_day(visit.gw.clock.now())) or code


def _levels(visit: Visit) -> tuple[str, ...]:
    return visit.gw.directory.levels(local_day(visit.gw.clock.now()))


def _imported(changes: Changes) -> Bilingual:
    added, changed, closed = len(changes.added), len(changes.changed), len(changes.closed)
    return Bilingual(
        f"Đã cập nhật danh mục: thêm {added}, sửa {changed}, kết thúc {closed} đơn vị.",
        f"The directory was changed: {added} added, {changed} changed, {closed} closed.",
    )


COLUMNS = {
    "name": Bilingual("tên", "name"),
    "level": Bilingual("cấp", "level"),
    "parent": Bilingual("trực thuộc", "parent"),
    "valid_from": Bilingual("từ ngày", "from"),
    "valid_to": Bilingual("đến ngày", "to"),
    "test": Bilingual("mã thử", "test"),
    "made_up": Bilingual("dữ liệu mẫu", "demo data"),
    "aliases": Bilingual("cách ghi mã khác", "aliases"),
    "successors": Bilingual("kế thừa", "successors"),
    "certificates_until": Bilingual("chứng thư cũ dùng đến", "certificates until"),
}
_TOO_LONG = Bilingual(
    "Tệp lớn hơn 8 MB. Hãy nhập tại máy chủ bằng lệnh: gateway directory import TỆP --apply",
    "The file is larger than 8 MB. Import it on the server: gateway directory import FILE --apply",
)
_NO_FILE = Bilingual("Hãy chọn một tệp CSV hoặc JSON có nội dung.", "Choose a CSV or JSON file.")
_NO_TEXT = Bilingual(
    "Tệp không phải văn bản UTF-8. Trong Excel hãy lưu dạng “CSV UTF-8” rồi chọn lại.",
    "The file is no UTF-8 text. Save it as “CSV UTF-8”, then choose it again.",
)
_NO_LEVEL = Bilingual("Hãy chọn một cấp trong danh sách.", "Choose one of the levels.")
_APPROVED = Bilingual("Đã chấp thuận; danh mục đã được cập nhật.", "Approved; the directory was changed.")
_DECLINED = Bilingual("Đã từ chối đề nghị.", "The request was declined.")
_IMPORT = Bilingual("Nhập danh mục cơ quan", "Import the directory")
_SYNC = Bilingual("Đối chiếu danh mục với trục khác", "Compare with an axis")
_REQUESTS = Bilingual("Đề nghị thêm, đóng đơn vị", "Requests about agencies")

PAGES = (
    Page("GET", "/agencies/import", show_import, _IMPORT, RULE, "agencies"),
    Page("POST", "/agencies/import/preview", preview_import, _IMPORT, RULE, "agencies", upload=True),
    Page("POST", "/agencies/import/apply", apply_import, _IMPORT, RULE, "agencies", upload=True),
    Page("GET", "/agencies/sync", show_sync, _SYNC, WATCH, "agencies"),
    Page("POST", "/agencies/sync", preview_sync, _SYNC, RULE, "agencies"),
    Page("POST", "/agencies/sync/apply", apply_sync, _SYNC, RULE, "agencies"),
    Page("GET", "/agencies/requests", show_requests, _REQUESTS, WATCH, "agencies"),
    Page("POST", "/agencies/requests/{request}/approve", approve, _REQUESTS, RULE, "agencies"),
    Page("POST", "/agencies/requests/{request}/decline", decline, _REQUESTS, RUN, "agencies"),
)
