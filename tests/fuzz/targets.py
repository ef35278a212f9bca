"""What is fed, and what must not happen: each target takes bytes and raises only when the program is wrong.

In charge of: the envelope's walk through the gate, and three doors of a gateway that listens: the SDK's
calls (signed, so that what lies behind the signature is reached), the provincial axis' calls, the native API.
Not in charge of: making up bytes (``test_fuzz``, ``__main__``).

    envelope   the bytes of one message
    vxp        a line ``PATH``, lines ``name=value`` (parameters, signed), an empty line, the body
    langson    a line ``METHOD PATH?QUERY``, an empty line, the body
    api        the same; ``DELIVERY`` in it is the id of one that waits
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import tempfile
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from adapters import KINDS, MOUNTS
from adapters.vxp import sign
from gateway.checks.authority import AuthorityList
from gateway.cli.check import examine_alone
from gateway.clock import SystemClock
from gateway.config import Config, ServerSection
from gateway.directory.data import DirectoryData
from gateway.directory.snapshot import Directory
from gateway.edxml.limits import Limits
from gateway.flow import office, partners
from gateway.flow.examine import Bench
from gateway.flow.operate import LOCAL
from gateway.model.text import AgencyCode
from gateway.signature.register import SignerRegister
from gateway.signature.trust import TrustStore
from gateway.signature.verify import Trust
from gateway.signature.workers import PdfWorkers
from gateway.store import open_store
from gateway.store.people import Role
from gateway.web.server import make_web_app, serve_web
from tests.world import AGENCIES, make_envelope, make_world

PIECE = 1_000  # bytes that come at one time, so that marks are cut in two
SECONDS = 20  # in which anything is answered
AWAY = 503  # full or stopping: no mistake


class Wrong(AssertionError):
    """The program did what it must never do."""


class Doors:
    """A gateway that listens, on a loop of its own, and callers with real secrets."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._ready: Future[None] = Future()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self._ready.result(60)

    def ask(self, method: str, path: str, headers: dict[str, str], body: bytes) -> int:
        """The status of the answer; ``Wrong`` for a mistake of the program, or none in time."""
        asked = asyncio.run_coroutine_threadsafe(self._ask(method, path, headers, body), self._loop)
        status = asked.result(SECONDS)
        if status >= 500 and status != AWAY:
            raise Wrong(f"{status} for {method} {path}")
        return status

    def close(self) -> None:
        """Stop listening."""
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(60)

    async def _ask(self, method: str, path: str, headers: dict[str, str], body: bytes) -> int:
        data = io.BytesIO(body) if body else None
        try:
            async with self.session.request(
                method, self.url + path, headers=headers, data=data, allow_redirects=False
            ) as answer:
                await answer.read()
                return answer.status
        except (aiohttp.InvalidURL, aiohttp.ClientError, ValueError):
            return 0  # our own client would not send it, or the connection was closed on it

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._live())
        except BaseException as error:
            if not self._ready.done():
                self._ready.set_exception(error)
            raise
        finally:
            self._loop.close()

    async def _live(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            home = Path(folder)
            store = await open_store("sqlite:///gateway.db", home, clock=SystemClock(), purpose="fuzz")
            async with make_world(store, home) as world, self._listening(world) as app:
                self.gw, self.app = world.gw, app
                issued = await partners.add_system(
                    world.gw, LOCAL, "fuzz", "vxp", "fuzz", [AgencyCode("H37.03")], fresh_seconds=86_400
                )
                self.secret = issued.secret.encode()
                account = await office.add_principal(
                    world.gw, LOCAL, "Sở", Role.SYSTEM, [AgencyCode("H37.03")]
                )
                self.key = await office.issue_api_key(world.gw, LOCAL, account.id)
                await world.send("H37", ["H37.03"])
                self.delivery = (await world.waiting("H37.03"))[0].delivery
                self._ready.set_result(None)
                await self._stop.wait()
            await store.close()

    @contextlib.asynccontextmanager
    async def _listening(self, world: Any) -> AsyncIterator[web.Application]:
        world.gw.kinds = {kind: adapter.pull for kind, adapter in KINDS.items()}
        app = make_web_app(world.gw, MOUNTS)
        async with (
            serve_web(app, Config(server=ServerSection(port=0)), world.home) as port,
            aiohttp.ClientSession() as session,
        ):
            self.session, self.url = session, f"http://127.0.0.1:{port}"
            yield app


class Targets:
    """All targets over one gateway."""

    def __init__(self) -> None:
        self.doors = Doors()
        self._loop = asyncio.new_event_loop()
        directory = Directory(DirectoryData(AGENCIES).agencies)
        trust = Trust(TrustStore((), ()), SignerRegister(()))
        self._bench = Bench(SystemClock(), Limits(), trust, directory, {}, lists=AuthorityList())
        self.all: dict[str, Callable[[bytes], None]] = {
            "envelope": self.envelope,
            "vxp": self.vxp,
            "langson": self.langson,
            "api": self.api,
        }

    def close(self) -> None:
        self.doors.close()
        self._loop.close()

    def envelope(self, data: bytes) -> None:
        """Read, verified and judged as at the gate; whatever it is, an answer comes out."""
        workers = PdfWorkers(count=1)  # closed: a made-up file costs no process
        self._loop.run_until_complete(examine_alone(_pieces(data), self._bench, None, workers))

    def vxp(self, data: bytes) -> None:
        """A call of the national SDK, its parameters signed."""
        path, parameters, body = _call(data)
        common = {"systemid": "fuzz", "timestamp": sign.stamp(self.doors.gw.clock.now())}
        headers = sign.sign(common | parameters, self.doors.secret)
        self.doors.ask("POST", f"/vxp/{path}", headers, body)

    def langson(self, data: bytes) -> None:
        """A call of the provincial axis' known client, without a token or logging in."""
        (method, path), _, body = _request(data)
        self.doors.ask(method, f"/langson/{path}", {"Content-Type": "application/json"}, body)

    def api(self, data: bytes) -> None:
        """A call of the native API by a known system."""
        (method, path), kind, body = _request(data.replace(b"DELIVERY", self.doors.delivery.encode()))
        headers = {"X-API-Key": self.doors.key, "Content-Type": kind or "application/json"}
        self.doors.ask(method, f"/{path}", headers, body)


async def _pieces(data: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(data), PIECE):
        yield data[start : start + PIECE]


def _call(data: bytes) -> tuple[str, dict[str, str], bytes]:
    head, _, body = data.partition(b"\n\n")
    path, *lines = _text(head).split("\n")
    pairs = (line.partition("=")[::2] for line in lines)
    return path.strip(), {name: value for name, value in pairs if name.isascii() and name}, body


def _request(data: bytes) -> tuple[tuple[str, str], str, bytes]:
    head, _, body = data.partition(b"\n\n")
    first, _, kind = _text(head).partition("\n")
    method, _, path = first.partition(" ")
    return (method if method in METHODS else "POST", path.lstrip("/")), kind.strip(), body


def _text(head: bytes) -> str:
    """Without what a client could not send in a header."""
    return "".join(one for one in head.decode("utf-8", "replace") if one == "\n" or one.isprintable())


METHODS = ("GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS")
ENVELOPE = make_envelope("H37.03", ["H37"])
SEEDS: dict[str, tuple[bytes, ...]] = {
    "envelope": (ENVELOPE,),
    "vxp": (
        b"updateStatus\ndocid=DELIVERY\nstatus=done\n\n",
        b"getReceivedEdocList\nmessagetype=edoc\n\n",
        b"sendEdoc\nmessagetype=edoc\nfrom=H37.03\n\n" + ENVELOPE,
        b"getEdoc\ndocid=DELIVERY\n\n",
    ),
    "langson": (
        b'POST v1/auth/login\n\n{"username": "a", "password": "b", "typeObjs": [0]}',
        b"GET v1/syncReceivedEdocList?messageType=edoc&fromDate=&toDate=\n\n",
        b'POST v1/updateStatus\n\n{"docId": "DELIVERY", "status": "done"}',
        b"POST v1/sendEdoc\nmultipart/form-data; boundary=axis\n\n--axis\r\n",
    ),
    "api": (
        b'POST api/v1/inbox/DELIVERY/status\n\n{"code": "03", "description": "x", "staff": {"name": "A"}}',
        b'POST api/v1/inbox\n\n{"done": ["DELIVERY"]}',
        b"GET api/v1/inbox?agency=H37.03&limit=10&cursor=\n\n",
        b"GET api/v1/documents?limit=5&cursor=\n\n",
        b"POST api/v1/documents\napplication/xml\n\n" + ENVELOPE,
        b"POST api/v1/check\napplication/xml\n\n" + ENVELOPE,
        b"GET api/v1/log/consistency?from=1&to=2\n\n",
    ),
}
