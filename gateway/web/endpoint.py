"""What an endpoint is, and what its handler is handed.

In charge of: the words of the table in ``routes.py``. Not in charge of: serving it (``serve.py``) or
describing it (``openapi.py``).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from aiohttp import web
from aiohttp.web_protocol import RequestHandler
from pydantic import BaseModel

from gateway.errors import BadRequest, GatewayError, NotAuthenticated, NotFound
from gateway.flow.door import Admission, Caller
from gateway.flow.look import SEES_ALL
from gateway.model.text import AgencyCode, Bilingual
from gateway.services import Services
from gateway.store.people import Role
from gateway.web.gathering import Gathering
from gateway.web.models import NoQuery

Q = TypeVar("Q", bound=BaseModel)
B = TypeVar("B")

AGENCY = frozenset({Role.SYSTEM, Role.CLERK})  # who acts for agencies
EVERYBODY = frozenset(Role)
NOBODY: frozenset[Role] = frozenset()  # no credential is asked for
ENVELOPE_TYPES = ("application/xml", "text/xml", "application/octet-stream", "application/edxml")


@dataclass(slots=True)
class Desk:
    """What all requests of one application share.

    ``draining``: new requests are refused.
    ``idle`` is set when the last running request ended; ``spoken`` are the connections that sent one.
    ``gathering``: of the metrics of all processes behind one socket, where there are several.
    """

    gw: Services
    admission: Admission = field(default_factory=Admission)
    draining: bool = False
    running: int = 0
    idle: asyncio.Event = field(default_factory=asyncio.Event)
    spoken: set[RequestHandler] = field(default_factory=set)
    gathering: Gathering | None = None

    @property
    def leaving(self) -> bool:
        """Not ready any more, but what still comes is served."""
        return self.gw.fleet.leaving


DESK = web.AppKey("desk", Desk)


@dataclass(frozen=True, slots=True)
class Call(Generic[Q, B]):
    """One request that passed the door. ``who`` is ``None`` only where nobody is asked for."""

    gw: Services
    request: web.Request
    who: Caller | None
    query: Q
    body: B

    @property
    def caller(self) -> Caller:
        """Who calls; ``NotAuthenticated`` where the endpoint asked nobody."""
        if self.who is None:
            raise NotAuthenticated()
        return self.who

    def part(self, name: str) -> str:
        """A part of the path, decoded."""
        return self.request.match_info[name]

    def agency(self, text: str) -> AgencyCode:
        """The agency that a parameter names in any form, or the caller's only one when it is left out."""
        if text:
            found = self.gw.directory.resolve(text)
            if found is None:
                raise NotFound(_unknown(text), code="agency.unknown")
            return found
        if len(self.caller.agencies) != 1:
            raise BadRequest(_WHICH, code="agency.missing")
        return next(iter(self.caller.agencies))


def one_or_all(call: Call[Any, Any], text: str) -> str:
    """The agency that a parameter names; left out: all for who sees all ("" then), else the caller's own."""
    return "" if not text and call.caller.role in SEES_ALL else call.agency(text)


@dataclass(frozen=True, slots=True)
class Uploaded:
    """The body is an edXML envelope, streamed to the handler in chunks."""


@dataclass(frozen=True, slots=True)
class Bytes:
    """The answer is not JSON."""

    media_type: str
    says: str  # for the OpenAPI document


Handler = Callable[[Call[Any, Any]], Awaitable[BaseModel | web.StreamResponse]]
Upload = AsyncIterator[bytes]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One method on one path. ``errors`` names those beyond what every endpoint with a caller may answer."""

    method: str
    path: str
    name: str  # operationId
    summary: Bilingual
    handler: Handler
    answer: type[BaseModel] | Bytes
    roles: frozenset[Role] = EVERYBODY
    query: type[BaseModel] = NoQuery
    body: type[BaseModel] | Uploaded | None = None
    status: int = 200
    errors: tuple[type[GatewayError], ...] = ()


def _unknown(text: str) -> Bilingual:
    return Bilingual(
        f"Danh mục không có đơn vị mang mã {text}.", f"The directory does not know the agency {text}."
    )


_WHICH = Bilingual(
    "Hệ thống gọi không thuộc đúng một đơn vị. Hãy ghi rõ mã đơn vị ở tham số agency.",
    "The caller does not act for exactly one agency. Name one with the parameter agency.",
)
