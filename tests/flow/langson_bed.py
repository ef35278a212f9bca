"""A gateway that listens at ``/langson``, and software that behaves like the known client of the axis."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from adapters import KINDS, MOUNTS
from adapters.langson.axis import LangsonAxis
from gateway.clock import SystemClock
from gateway.config import Config, ServerSection
from gateway.flow import partners
from gateway.flow.operate import LOCAL
from gateway.model.envelope import Kind
from gateway.model.text import AgencyCode, DocumentId, Instant
from gateway.port import Outcome, Parcel, Waiting
from gateway.store import open_store
from gateway.web.server import make_web_app, serve_web
from tests.world import World, make_world

KNOWN_CODES = ("10", "15", "18", "19", "20", "21", "22", "23")


@dataclass(slots=True)
class Reply:
    """An answer as it came."""

    status: int
    body: bytes
    json: Any
    headers: dict[str, str]


@dataclass(slots=True)
class Software:
    """Calls as the known client does: logs in when it has no token, and once more after a 401."""

    url: str
    session: aiohttp.ClientSession
    username: str
    password: str
    system_id: str
    secret_key: str
    token: str = ""
    logins: int = 0

    async def log_in(self) -> Reply:
        body = {
            "username": self.username,
            "password": self.password,
            "applicationCode": "QLVB",
            "otp": None,
            "twoFactorProvider": None,
            "typeObjs": [0, 1],
        }
        self.logins += 1
        reply = await self.raw("POST", "/v1/auth/login?allow_anonymous=true", json=body)
        self.token = reply.json["data"]["token"] if reply.status == 200 else ""
        return reply

    async def call(self, method: str, path: str, **more: Any) -> Reply:
        form = more.pop("form", "")
        if not self.token:
            await self.log_in()
        reply = await self.raw(method, path, headers=self.headers(form), **more)
        if reply.status == 401:
            await self.log_in()
            reply = await self.raw(method, path, headers=self.headers(form), **more)
        return reply

    def headers(self, form: str = "") -> dict[str, str]:
        headers = {
            "Authorization": f"Bearer {self.token}",
            "X-SystemId": self.system_id,
            "X-SecretKey": self.secret_key,
        }
        return headers | ({"Content-Type": f"multipart/form-data; boundary={form}"} if form else {})

    async def raw(self, method: str, path: str, **more: Any) -> Reply:
        async with self.session.request(method, self.url + path, **more) as reply:
            body = await reply.read()
            json = await reply.json() if reply.content_type == "application/json" else None
            return Reply(reply.status, body, json, dict(reply.headers))

    async def send(self, data: bytes, kind: str = "edoc") -> Reply:
        """Multipart with a Content-Length."""
        return await self.post_form(around(data, kind))

    async def post_form(self, body: Any, boundary: str = "axis") -> Reply:
        """A form as it is given."""
        body = io.BytesIO(body) if isinstance(body, bytes) else body
        return await self.call("POST", "/v1/sendEdoc", data=body, form=boundary)

    async def listed(self, kind: str = "edoc", since: str = "", until: str = "") -> list[dict[str, Any]]:
        query = {"messageType": kind, "fromDate": since, "toDate": until}
        reply = await self.call("GET", "/v1/syncReceivedEdocList", params=query)
        assert reply.json["code"] == 200, reply.json
        assert reply.json["count"] == len(reply.json["data"])
        return list(reply.json["data"])

    async def get(self, doc_id: str) -> bytes:
        reply = await self.call("GET", "/v1/getEdoc", params={"docId": doc_id})
        return base64.b64decode(reply.json["data"]["data"])

    async def update(self, doc_id: str, status: str, **more: str) -> Reply:
        body = {"docId": doc_id, "status": status} | more
        return await self.call("POST", "/v1/updateStatus", json=body)


@dataclass(slots=True)
class Outbox:
    """What the known client does with an answer to a send."""

    software: Software

    async def turn(self, data: bytes, *, whole: bool = True) -> str:
        """``sent``, ``retry``, or the code with which it gives up."""
        reply = await self.software.post_form(around(data) if whole else data)
        if reply.status >= 500 or not isinstance(reply.json, dict):
            return "retry"
        code = str(reply.json["data"]["errorCode"])
        return "sent" if code == "0" else code if code in KNOWN_CODES else "retry"


def around(data: bytes, kind: str = "edoc", *, type_last: bool = False) -> bytes:
    """The form of ``sendEdoc`` with boundary ``axis``."""
    says = 'Content-Disposition: form-data; name="'
    file = f'--axis\r\n{says}edocFile"; filename="a.edxml"\r\n\r\n'.encode() + data + b"\r\n"
    type_ = f'--axis\r\n{says}messageType"\r\n\r\n{kind}\r\n'.encode()
    return (file + type_ if type_last else type_ + file) + b"--axis--\r\n"


@dataclass(slots=True)
class Axis:
    """The listening gateway."""

    world: World
    app: web.Application
    url: str
    session: aiohttp.ClientSession
    secrets: dict[str, str] = field(default_factory=dict)

    async def software(self, name: str, *agencies: str) -> Software:
        """Software of these agencies: one pair serves as login and as system id with its key."""
        codes = [AgencyCode(code) for code in agencies]
        issued = await partners.add_system(self.world.gw, LOCAL, name, "langson", name, codes)
        self.secrets[name] = issued.secret
        return Software(self.url, self.session, name, issued.secret, name, issued.secret)


async def listening(world: World) -> AsyncIterator[Axis]:
    world.gw.kinds = {kind: adapter.pull for kind, adapter in KINDS.items()}
    app = make_web_app(world.gw, MOUNTS)
    async with (
        serve_web(app, Config(server=ServerSection(port=0)), world.home) as port,
        aiohttp.ClientSession() as session,
    ):
        yield Axis(world, app, f"http://127.0.0.1:{port}/langson", session)


@contextlib.asynccontextmanager
async def on_one_engine(home: Path) -> AsyncIterator[Axis]:
    """A listening gateway on SQLite."""
    store = await open_store("sqlite:///gateway.db", home, clock=SystemClock(), purpose="test")
    async with make_world(store, home) as world:
        async for found in listening(world):
            yield found
    await store.close()


def jump(world: World, microseconds: int) -> None:
    world.clock.jump_to(Instant(world.clock.now() + microseconds))


@dataclass(slots=True)
class Client:
    """Our adapter, and the settings with which it calls an axis."""

    adapter: LangsonAxis
    settings: dict[str, str]

    async def deliver(self, data: bytes, kind: Kind = Kind.NEW, **changes: str) -> Outcome:
        async def opened() -> AsyncIterator[bytes]:
            for start in range(0, len(data), 65_536):
                yield data[start : start + 65_536]

        return await self.adapter.deliver(
            Parcel(
                delivery_id="01900000-0000-7000-8000-000000000001",
                message_id="01900000-0000-7000-8000-000000000002",
                kind=kind,
                sender=AgencyCode("H37.31"),
                document_id=DocumentId("x"),
                recipient=AgencyCode("H37.03"),
                urgency=0,
                envelope_sha256=hashlib.sha256(data).hexdigest(),
                size=len(data),
                attempt=1,
                settings=self.settings | changes,
                open=opened,
            )
        )

    async def waiting(self) -> list[Waiting]:
        return list(await self.adapter.waiting(self.settings))

    async def fetch(self, item: Waiting) -> bytes:
        return b"".join([chunk async for chunk in self.adapter.fetch(item, self.settings)])

    async def confirm(self, item: Waiting, taken: bool = True, words: str = "") -> None:
        await self.adapter.confirm(item, self.settings, taken, words)
