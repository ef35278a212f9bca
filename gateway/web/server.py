"""The web application and its listening socket.

In charge of: TLS, client certificates, patience with connections, and leaving without dropping a request.
Not in charge of: what is served (``routes.py``).
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from gateway.config import Config, ServerSection
from gateway.errors import NotReady
from gateway.flow.door import Admission
from gateway.model.text import Bilingual
from gateway.services import Services
from gateway.web import openapi
from gateway.web.console.pages import add_pages
from gateway.web.endpoint import DESK, Desk
from gateway.web.problems import answer_errors
from gateway.web.routes import add_routes
from gateway.web.serve import add_headers, count_and_drain

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
    context = _tls(config.server, home)
    await runner.setup()
    try:
        site = _site(runner, config.server, context, shared)
        await site.start()
        if shared is not None:
            shared.listen(BACKLOG)  # starting shortened the queue
        closer = asyncio.create_task(_close_silent_connections(runner, app[DESK]))
        try:
            yield int(runner.addresses[0][1])
        finally:
            closer.cancel()
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


def _tls(server: ServerSection, home: Path) -> ssl.SSLContext | None:
    """TLS as configured; ``NotReady`` names the file that does not fit."""
    if not server.tls_certificate:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(
            home / server.tls_certificate, home / (server.tls_key or server.tls_certificate)
        )
        if server.client_ca:
            context.load_verify_locations(home / server.client_ca)
            context.verify_mode = ssl.CERT_OPTIONAL  # whoever shows none may still show an API key
    except OSError as error:  # SSLError is one
        raise NotReady(
            Bilingual(
                f"Không dùng được chứng thư hoặc khóa TLS ở mục server: {error}",
                f"The TLS certificate or key of the server section cannot be used: {error}",
            ),
            code="config.wrong",
        ) from error
    return context


async def _leave(runner: web.AppRunner, site: web.BaseSite | None, desk: Desk, seconds: float) -> None:
    """Let everybody go elsewhere in peace: a proxy sees ``/readyz`` fail, each answer closes its connection.

    ``site`` is given where other nodes listen on the same socket: new connections are theirs from now on.
    Without open connections there is nobody to wait for.
    """
    desk.leaving = True
    desk.gw.fleet.draining = True
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
