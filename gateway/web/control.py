"""The control socket: how the command line speaks to a running server (contracts: one writer).

In charge of: a Unix socket in the home folder that only this user (and root) may use, ``POST /run`` on it,
and the server's side. Not in charge of: calling it (``control_call.py``), what operations do
(``flow/operate.py``).
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
from aiohttp import web

from gateway.errors import BadRequest, NotPermitted, NotReady
from gateway.flow import operate
from gateway.model.text import Bilingual
from gateway.services import Services
from gateway.web.control_call import short_name
from gateway.web.problems import answer_errors

BODY_BYTES = 67_108_864  # an import file travels in the body
_PEER = struct.Struct("iII")  # pid, uid, gid (SO_PEERCRED)


@contextlib.asynccontextmanager
async def serve_control(gw: Services, home: Path) -> AsyncIterator[None]:
    """Answer operations on ``home/control.sock`` (mode 0600); the socket is removed on leaving.

    ``NotReady`` when another server answers there already.
    """
    app = web.Application(middlewares=[answer_errors(gw.new_id), _only_ourselves], client_max_size=BODY_BYTES)
    app.router.add_post("/run", _runner(gw))
    runner = web.AppRunner(app, access_log=None)
    with _bound_socket(home) as listening:
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


@contextlib.contextmanager
def _bound_socket(home: Path) -> Iterator[socket.socket]:
    """A socket bound to ``home/control.sock`` that nobody else can open, not for a moment."""
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    with listening, short_name(home) as name:
        _remove_stale(name)
        os.fchmod(listening.fileno(), 0o600)  # before bind: the file is made with this mode
        listening.bind(name)
        try:
            yield listening
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name)


def _remove_stale(name: str) -> None:
    """Remove the socket of a server that died; ``NotReady`` when one answers."""
    if not os.path.exists(name):
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(name)
        except ConnectionRefusedError:
            os.unlink(name)
            return
    raise NotReady(
        Bilingual(
            "Một tiến trình trục khác đang chạy trên thư mục này.",
            "Another gateway is running on this folder.",
        ),
        code="home.in_use",
    )
