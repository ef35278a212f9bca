"""One request through its endpoint.

In charge of: the order of things (who calls, rate, role, parameters, body, room for it, handler, answer), and
refusing new work while the server drains. Not in charge of: what any endpoint does.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web
from pydantic import BaseModel

from gateway.clock import steady_seconds
from gateway.errors import Busy, NotFound
from gateway.flow import footprints
from gateway.intake import is_secure
from gateway.model.text import Bilingual
from gateway.port import TURNED_AWAY
from gateway.services import Services
from gateway.web.auth import admitted
from gateway.web.body import announced_size, read_json, read_query, require_envelope_type, upload_chunks
from gateway.web.endpoint import DESK, NOBODY, Call, Endpoint, Uploaded

NOTED_BY_FLOWS = frozenset({"listDocuments", "showDocument", "listEvents"})
BEGAN: web.RequestKey[float] = web.RequestKey("began", float)  # when the request came, in steady seconds
DRAIN_RETRY = 10  # seconds until another process, or this one again, takes over


def serve(endpoint: Endpoint) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """The aiohttp handler of an endpoint."""

    async def handler(request: web.Request) -> web.StreamResponse:
        desk = request.app[DESK]
        caller = admitted(request, endpoint.roles) if endpoint.roles != NOBODY else None
        _require_plain_path(request)
        query = read_query(request, endpoint.query)

        def call(body: Any) -> Call[Any, Any]:
            return Call(desk.gw, request, caller, query, body)

        if isinstance(endpoint.body, Uploaded):
            require_envelope_type(request)
            size = announced_size(request, desk.gw.config.limits.upload_bytes)
            with desk.admission.room(desk.gw, caller.principal if caller else "", size) as room:
                answer = await endpoint.handler(call(room.filled(upload_chunks(request))))
        elif endpoint.body is not None:
            answer = await endpoint.handler(call(await read_json(request, endpoint.body)))
        else:
            answer = await endpoint.handler(call(None))
        if caller is not None and endpoint.method == "GET" and endpoint.name not in NOTED_BY_FLOWS:
            await footprints.viewed(desk.gw, caller, endpoint.name, searched=dict(request.match_info))
        return answer if isinstance(answer, web.StreamResponse) else json_response(answer, endpoint.status)

    return handler


def json_response(answer: BaseModel, status: int = 200) -> web.Response:
    """A model as the answer."""
    body = answer.model_dump_json().encode()
    return web.Response(body=body, status=status, content_type="application/json")


@web.middleware
async def count_and_drain(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Know how many requests run; take no new ones while draining (``/healthz`` answers to the end), and be
    ready for none from the moment that this node leaves."""
    desk = request.app[DESK]
    request[BEGAN] = steady_seconds()
    desk.spoken.add(request.protocol)
    if (desk.draining and request.path != "/healthz") or (desk.leaving and request.path == "/readyz"):
        away = Busy(_DRAINING, code="gateway.draining", retry_after=DRAIN_RETRY)
        if len(request.match_info.apps) == 1:
            raise away
        request[TURNED_AWAY] = away  # a partner's software reads no format but its own
    desk.running += 1
    desk.idle.clear()
    try:
        return await handler(request)
    finally:
        desk.running -= 1
        if not desk.running:
            desk.idle.set()


def add_headers(gw: Services) -> Callable[[web.Request, web.StreamResponse], Awaitable[None]]:
    """What every answer carries: its request id, and what browsers must not do with it."""

    async def prepare(request: web.Request, response: web.StreamResponse) -> None:
        _count(gw, request, response)
        headers = response.headers
        headers["X-Request-Id"] = gw.new_id()
        headers["Server"] = "gateway"
        headers["X-Content-Type-Options"] = "nosniff"
        headers["Referrer-Policy"] = "no-referrer"
        headers.setdefault("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
        headers.setdefault("Cache-Control", "no-store")
        if is_secure(request, gw.config.server.proxies):
            headers["Strict-Transport-Security"] = "max-age=31536000"
        desk = request.config_dict[DESK]  # the request may belong to a mounted application
        if desk.draining or desk.leaving:
            headers["Connection"] = "close"
            response.force_close()

    return prepare


def _count(gw: Services, request: web.Request, response: web.StreamResponse) -> None:
    gw.metrics.responses.labels(str(response.status)).inc()
    if BEGAN in request:  # not where the request could not be read
        gw.metrics.request_seconds.labels(_door(request)).observe(steady_seconds() - request[BEGAN])


def _door(request: web.Request) -> str:
    if len(request.match_info.apps) > 1:
        return "partner"
    first = request.path.split("/", 2)[1]
    return first if first in ("api", "console") else "service"


def _require_plain_path(request: web.Request) -> None:
    """No thing here has a control character or half a character in its name; databases refuse them."""
    if not all(_PLAIN.fullmatch(value) for value in request.match_info.values()):
        raise NotFound()


_PLAIN = re.compile("[^\x00-\x1f\x7f\ud800-\udfff\ufffd-\uffff]*")
_DRAINING = Bilingual(
    "Trục đang dừng để bảo trì; hãy gửi lại sau ít giây.",
    "The gateway is shutting down; try again in a few seconds.",
)
