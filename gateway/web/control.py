"""The control socket: how the command line speaks to a running server (contracts: one writer).

In charge of: ``POST /run`` on a Unix socket in the home folder that only this user (and root) may use: the
server's side. Not in charge of: its file (``control_socket.py``), calling it (``control_call.py``), what
operations do (``flow/operate.py``).
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import orjson
from aiohttp import web

from gateway.errors import BadRequest, NotPermitted
from gateway.flow import operate
from gateway.services import Services
from gateway.web.control_socket import bound_socket
from gateway.web.problems import answer_errors

BODY_BYTES = 67_108_864  # an import file travels in the body
_PEER = struct.Struct("iII")  # pid, uid, gid (SO_PEERCRED)


@contextlib.asynccontextmanager
async def serve_control(gw: Services, home: Path, shared: socket.socket | None = None) -> AsyncIterator[None]:
    """Answer operations on ``home/control.sock`` (mode 0600); the socket is removed on leaving.

    ``shared`` is that socket where several nodes answer on it: whoever hands it to us removes it.
    ``NotReady`` when another server answers there already.
    """
    app = web.Application(middlewares=[answer_errors(gw.new_id), _only_ourselves], client_max_size=BODY_BYTES)
    app.router.add_post("/run", _runner(gw))
    runner = web.AppRunner(app, access_log=None)
    with contextlib.nullcontext(shared) if shared else bound_socket(home) as listening:
        await runner.setup()
        try:
            await web.SockSite(runner, listening).start()
            yield
        finally:
            await runner.cleanup()  # before the socket is closed: the loop still watches it


def _runner(gw: Services) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def run(request: web.Request) -> web.Response:
        name, arguments = _read(await request.read())
        value = await operate.run(gw, name, arguments)
        return web.Response(body=orjson.dumps(value), content_type="application/json")

    return run


def _read(body: bytes) -> tuple[str, dict[str, Any]]:
    try:
        call = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadRequest() from error
    match call:
        case {"operation": str(name), "arguments": dict(arguments)}:
            return name, arguments
        case _:
            raise BadRequest()


@web.middleware
async def _only_ourselves(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """The socket's mode keeps others out already; the kernel's word on the peer is the second lock."""
    peer = request.transport.get_extra_info("socket") if request.transport else None
    if peer is None or _user_of(peer) not in (os.geteuid(), 0):
        raise NotPermitted()
    return await handler(request)


def _user_of(peer: socket.socket) -> int:
    _, uid, _ = _PEER.unpack(peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size))
    return int(uid)
