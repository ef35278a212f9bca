"""The web application and its listening socket.

In charge of: patience with connections, and leaving without dropping a request. Not in charge of: TLS and
client certificates (``tls.py``), what is served (``routes.py``).
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from gateway.config import Config, ServerSection
from gateway.flow.door import Admission
from gateway.services import Services
from gateway.web import openapi
from gateway.web.api_service import show_readiness
from gateway.web.console.pages import add_pages
from gateway.web.endpoint import DESK, Desk
from gateway.web.gathering import Gathering
from gateway.web.problems import answer_errors
from gateway.web.routes import add_routes
from gateway.web.serve import add_headers, count_and_drain
from gateway.web.tls import ServerTls

KEEPALIVE_SECONDS = 75.0
FIRST_REQUEST_SECONDS = 30.0  # a connection that has not sent one whole request head by then is closed
LINGER_SECONDS = 5.0  # how long the rest of a refused upload is read, so that the answer is seen
DRAIN_SECONDS = 30.0
LOOK_SECONDS = 0.05  # between two looks whether connections are left
MAX_LINE = MAX_FIELD = 8_190
MAX_HEADERS = 64
BACKLOG = 1_024

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


Mounts = Mapping[str, Callable[[Services, Admission], web.Application]]


def make_web_app(gw: Services, mounts: Mounts | None = None) -> web.Application:
    """The application with every endpoint, and the partner dialects under their prefixes (``/vxp``)."""
    app = web.Application(middlewares=[answer_errors(gw.new_id), count_and_drain])
    app[DESK] = Desk(gw)
    app.on_response_prepare.append(add_headers(gw))
    add_routes(app)
    add_pages(app)
    app.router.add_get("/api/v1/openapi.json", _serve_document())
    for prefix, make in (mounts or {}).items():
        app.add_subapp(prefix, make(gw, app[DESK].admission))
    return app


@contextlib.asynccontextmanager
async def serve_web(
    app: web.Application, config: Config, home: Path = Path(), shared: socket.socket | None = None
) -> AsyncIterator[int]:
    """Listen as ``config.server`` says (its files are relative to ``home``); yields the port.

    ``shared`` is a socket that listens already and on which other nodes of this machine take connections too.
    On leaving, ``/readyz`` says so first while requests are still served (``_leave``); then new ones are
    refused (503) while running ones end, and connections are closed.
    """
    runner = web.AppRunner(
        app,
        access_log=None,
        keepalive_timeout=KEEPALIVE_SECONDS,
        lingering_time=LINGER_SECONDS,
        max_line_size=MAX_LINE,
        max_field_size=MAX_FIELD,
        max_headers=MAX_HEADERS,
        auto_decompress=False,  # compressed bodies are refused, not unpacked
        shutdown_timeout=DRAIN_SECONDS,
    )
    ends = app[DESK].gw.metrics.tls_certificate_ends.set
    tls = ServerTls(config.server, home, ends) if config.server.tls_certificate else None
    await runner.setup()
    try:
        site = _site(runner, config.server, tls.context if tls else None, shared)
        await site.start()
        if shared is not None:
            shared.listen(BACKLOG)  # starting shortened the queue
        beside = [asyncio.create_task(_close_silent_connections(runner, app[DESK]))]
        if tls is not None:
            beside.append(asyncio.create_task(tls.watch()))
        if shared is not None:
            desk = app[DESK]
            desk.gathering = Gathering(home, desk.gw.metrics.registry)
            beside.append(asyncio.create_task(desk.gathering.run(partial(show_readiness, desk))))
        try:
            yield int(runner.addresses[0][1])
        finally:
            for task in beside:
                task.cancel()
            if shared is None:
                await _give_notice(app[DESK], config.server.notice_seconds)
            await _leave(runner, site if shared else None, app[DESK], config.server.drain_seconds)
            await _drain(app[DESK])
    finally:
        await runner.cleanup()


def _site(
    runner: web.AppRunner, server: ServerSection, context: ssl.SSLContext | None, shared: socket.socket | None
) -> web.BaseSite:
    """Of a shared socket a node takes one connection at a time, so that one which is idle gets the next."""
    if shared is not None:
        return web.SockSite(runner, shared, ssl_context=context, backlog=1)
    return web.TCPSite(runner, server.host, server.port, ssl_context=context, backlog=BACKLOG)


def _serve_document() -> _Handler:
    document = openapi.rendered()

    async def serve_document(request: web.Request) -> web.Response:
        return web.Response(body=document, content_type="application/json")

    return serve_document


async def _give_notice(desk: Desk, seconds: float) -> None:
    """Let a proxy see that ``/readyz`` fails before it is refused a connection. Of several nodes behind one
    socket each only goes when others stay, or their supervisor gave notice (``Fleet.leaving``)."""
    desk.gw.fleet.leaving = True
    await asyncio.sleep(seconds)


async def _leave(runner: web.AppRunner, site: web.BaseSite | None, desk: Desk, seconds: float) -> None:
    """Let everybody go elsewhere in peace: a proxy sees ``/readyz`` fail, each answer closes its connection.

    ``site`` is given where other nodes listen on the same socket: new connections are theirs from now on.
    Without open connections there is nobody to wait for.
    """
    desk.gw.fleet.leaving = desk.gw.fleet.draining = True
    if site is not None:
        await site.stop()
    clock = asyncio.get_running_loop().time
    until = clock() + seconds
    while runner.server and runner.server.connections and clock() < until:  # noqa: ASYNC110 (nobody tells)
        await asyncio.sleep(LOOK_SECONDS)


async def _drain(desk: Desk) -> None:
    """Take nothing new, let running requests end."""
    desk.draining = True
    if desk.running:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS):
                await desk.idle.wait()


async def _close_silent_connections(runner: web.AppRunner, desk: Desk) -> None:
    """aiohttp waits without end for the first request of a connection; we do not."""
    clock = asyncio.get_running_loop().time
    since: dict[RequestHandler, float] = {}
    while True:
        await asyncio.sleep(FIRST_REQUEST_SECONDS / 6)
        connections = runner.server.connections if runner.server else []
        desk.spoken.intersection_update(connections)
        silent = [connection for connection in connections if connection not in desk.spoken]
        since = {connection: since.get(connection, clock()) for connection in silent}
        for connection, seen in since.items():
            if clock() - seen >= FIRST_REQUEST_SECONDS:
                connection.force_close()
