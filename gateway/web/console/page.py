"""What a page is, and what its handler is handed.

In charge of: the words of the table in ``pages.py``. Not in charge of: serving it (``serve.py``).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from gateway.errors import BadRequest, NotFound
from gateway.flow.door import Caller
from gateway.flow.sign_in import Visitor
from gateway.model.text import AgencyCode, Bilingual
from gateway.services import Services
from gateway.store.people import Role
from gateway.web import render
from gateway.web.console.forms import Form

WATCH = frozenset({Role.AUDITOR, Role.OPERATOR, Role.ADMINISTRATOR})  # see all, whoever's it is
RUN = frozenset({Role.OPERATOR, Role.ADMINISTRATOR})  # keep the exchange running
RULE = frozenset({Role.ADMINISTRATOR})  # grant and revoke
DESK = frozenset({Role.CLERK})  # a person of one agency
SIGNED_IN = WATCH | DESK
ANYBODY: frozenset[Role] = frozenset()  # nobody is asked who it is


@dataclass(frozen=True, slots=True)
class Visit:
    """One request that passed the door of the console. ``visitor`` is ``None`` only where nobody is asked."""

    gw: Services
    request: web.Request
    page: Page
    lang: str
    visitor: Visitor | None
    form: Form = field(default_factory=Form)

    @property
    def caller(self) -> Caller:
        """Who is signed in."""
        assert self.visitor is not None
        return self.visitor.caller

    @property
    def query(self) -> Mapping[str, str]:
        """What stands behind the question mark."""
        return self.request.query

    def may(self, *roles: Role) -> bool:
        """True when the visitor has one of the roles: only to show or hide, flows decide."""
        return self.visitor is not None and self.visitor.caller.role in roles

    def part(self, name: str) -> str:
        """A part of the path, decoded. ``NotFound`` for what no database takes."""
        value = self.request.match_info[name]
        if not value.isprintable():
            raise NotFound()
        return value

    def number(self, name: str, default: int, most: int) -> int:
        """A number of the query between 0 and ``most``; what is none counts as ``default``."""
        text = self.query.get(name, "")
        return min(int(text), most) if text.isascii() and text.isdigit() and len(text) < 12 else default

    def agency(self, text: str) -> AgencyCode:
        """The agency that a field names in any form; ``BadRequest`` says that there is none."""
        found = self.gw.directory.resolve(text.strip()) if text.strip() else None
        if found is None:
            raise BadRequest(
                Bilingual(
                    f"Danh mục không có đơn vị mang mã “{text}”.",
                    f"The directory does not know “{text}”.",
                ),
                code="agency.unknown",
            )
        return found

    def t(self, vi: str, en: str) -> str:
        """One of two texts, in the visitor's language."""
        return en if self.lang == "en" else vi

    def html(self, template: str, *, status: int = 200, **values: Any) -> web.Response:
        """The page, within the console's frame."""
        return render.html(template, self.lang, status=status, visit=self, **values)

    def part_html(self, template: str, **values: Any) -> web.Response:
        """A piece of a page, for htmx."""
        return render.html(template, self.lang, visit=self, **values)


@dataclass(frozen=True, slots=True)
class Moved:
    """The answer to a form: the browser goes on to ``path``, where ``said`` is shown once."""

    path: str
    said: Bilingual | None = None


Handler = Callable[[Visit], Awaitable[web.StreamResponse | Moved]]


@dataclass(frozen=True, slots=True)
class Page:
    """One method on one path below ``/console``. ``nav``: the entry of the menu that it belongs to."""

    method: str
    path: str
    handler: Handler
    title: Bilingual
    roles: frozenset[Role]
    nav: str = ""
    upload: bool = False  # the form may carry files
    live: bool = False  # a piece that htmx fetches again and again: using it keeps no session alive
