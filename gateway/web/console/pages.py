"""The table of pages. Everything that the console serves stands here; a test walks it once for each role.

In charge of: one list, the menu, static files, and registering them. Not in charge of: any page.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from gateway.errors import NotFound
from gateway.model.text import Bilingual
from gateway.resources import packaged
from gateway.store.people import Role
from gateway.web import render
from gateway.web.console import (
    agencies,
    agency,
    agency_keys,
    audit,
    calendar,
    check,
    compliance,
    compose,
    connection,
    decisions,
    desk,
    directory_changes,
    document,
    documents,
    incoming,
    objectives,
    outages,
    overview,
    people,
    queue,
    reports,
    sign_in,
    totals,
)
from gateway.web.console.forms import CSRF
from gateway.web.console.page import ANYBODY, DESK, SIGNED_IN, WATCH, Moved, Page, Visit
from gateway.web.console.serve import ROOT, said_of, serve

STATIC = {
    "console.css": "text/css",
    "icon.svg": "image/svg+xml",
    "console.js": "text/javascript",
    "htmx.min.js": "text/javascript",
}
STATIC_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the menu."""

    nav: str
    path: str
    title: Bilingual
    roles: frozenset[Role]


async def home(visit: Visit) -> Moved:
    """Where each role begins: the first entry of its menu."""
    entries = menu_of(visit.caller.role)
    return Moved(entries[0].path if entries else f"{ROOT}/me")


async def unknown(visit: Visit) -> Moved:
    """An address of the console that is none."""
    raise NotFound(_NO_PAGE, code="page.unknown")


PAGES: tuple[Page, ...] = (
    Page("GET", "/", home, Bilingual("Trang chủ", "Home"), SIGNED_IN),
    *sign_in.PAGES,
    *overview.PAGES,
    *desk.PAGES,
    *incoming.PAGES,
    *compose.PAGES,
    *check.PAGES,
    *documents.PAGES,
    *document.PAGES,
    *queue.PAGES,
    *agencies.PAGES,
    *directory_changes.PAGES,
    *connection.PAGES,
    *agency_keys.PAGES,
    *agency.PAGES,
    *audit.PAGES,
    *people.PAGES,
    *decisions.PAGES,
    *compliance.PAGES,
    *reports.PAGES,
    *totals.PAGES,
    *calendar.PAGES,
    *outages.PAGES,
    *objectives.PAGES,
)
MENU: tuple[Entry, ...] = (
    Entry("overview", f"{ROOT}/overview", Bilingual("Tổng quan", "Overview"), WATCH),
    Entry("desk", f"{ROOT}/desk", Bilingual("Bàn làm việc", "Desk"), DESK),
    Entry("documents", f"{ROOT}/documents", Bilingual("Văn bản", "Documents"), SIGNED_IN),
    Entry("queue", f"{ROOT}/queue", Bilingual("Hàng đợi", "Queue"), WATCH),
    Entry("agencies", f"{ROOT}/agencies", Bilingual("Đơn vị", "Agencies"), WATCH),
    Entry("compliance", f"{ROOT}/compliance", Bilingual("Chỉ tiêu", "Compliance"), WATCH),
    Entry("audit", f"{ROOT}/audit", Bilingual("Nhật ký", "Log"), WATCH),
    Entry("decisions", f"{ROOT}/decisions", Bilingual("Quyết định", "Decisions"), WATCH),
    Entry("people", f"{ROOT}/people", Bilingual("Người dùng", "People"), WATCH),
)


def menu_of(role: Role) -> list[Entry]:
    """What the menu shows to a role."""
    return [entry for entry in MENU if role in entry.roles]


def add_pages(app: web.Application) -> None:
    """Register every page below ``/console``."""
    app[audit.VERIFYING] = audit.Verifying()
    render.offer(
        menu=lambda visit: menu_of(visit.caller.role),
        csrf=lambda visit: render.hidden(CSRF, visit.visitor.session.csrf),
        said=lambda visit: said_of(visit.visitor),
        synthetic=lambda visit: visit.gw.config.gateway.synthetic,
    )
    for page in PAGES:
        app.router.add_route(page.method, f"{ROOT}{page.path}", serve(page))
    app.router.add_get(ROOT, serve(PAGES[0]))
    for name, kind in STATIC.items():
        app.router.add_get(f"{ROOT}/static/{name}", _static(name, kind))
    app.router.add_route("*", f"{ROOT}/{{rest:.*}}", serve(_UNKNOWN))


def _static(name: str, kind: str) -> Callable[[web.Request], Awaitable[web.Response]]:
    body = packaged("web", "static", name).read_bytes()

    async def handler(request: web.Request) -> web.Response:
        cached = {"Cache-Control": f"public, max-age={STATIC_SECONDS}"}
        return web.Response(body=body, content_type=kind, charset="utf-8", headers=cached)

    return handler


_NO_PAGE = Bilingual("Không có trang này.", "There is no such page.")
_UNKNOWN = Page("GET", "/{rest}", unknown, Bilingual("Không tìm thấy", "Not found"), ANYBODY)
