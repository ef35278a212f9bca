"""A gateway that listens on this machine, and callers of every role with real API keys."""

from __future__ import annotations

import asyncio
import contextlib
import io
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest
from aiohttp import web

from gateway.clock import SystemClock
from gateway.config import Config, LimitsSection, ServerSection
from gateway.flow import office
from gateway.flow.operate import LOCAL
from gateway.model.text import AgencyCode
from gateway.store import open_store
from gateway.store.people import Role
from gateway.web.endpoint import DESK, Desk
from gateway.web.server import make_web_app, serve_web
from tests.world import World, make_envelope, make_world

XML = {"Content-Type": "application/xml"}
# Who calls: a name in tests -> role and agencies.
PEOPLE: dict[str, tuple[Role, tuple[str, ...]]] = {
    "H37": (Role.SYSTEM, ("H37",)),
    "H37.03": (Role.SYSTEM, ("H37.03",)),
    "H37.05": (Role.SYSTEM, ("H37.05",)),
    "two": (Role.SYSTEM, ("H37.31", "H37.32")),
    "clerk": (Role.CLERK, ("H37",)),
    "auditor": (Role.AUDITOR, ()),
    "operator": (Role.OPERATOR, ()),
    "administrator": (Role.ADMINISTRATOR, ()),
}


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that was read to its end."""

    status: int
    headers: dict[str, str]  # names in lower case
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)

    @property
    def code(self) -> str:
        """The code of a problem; every problem speaks both languages."""
        assert self.headers["content-type"] == "application/problem+json"
        problem = self.json
        assert problem["status"] == self.status
        assert all(problem[name] for name in ("title", "title_en", "detail", "detail_en", "type"))
        return str(problem["code"])


@dataclass(slots=True)
class Site:
    """The listening gateway and a client. ``who`` names one of ``PEOPLE``; ``None`` shows no credential."""

    world: World
    app: web.Application
    url: str
    session: aiohttp.ClientSession
    keys: dict[str, str]

    @property
    def desk(self) -> Desk:
        return self.app[DESK]

    async def call(
        self,
        method: str,
        path: str,
        who: str | None = "H37",
        headers: dict[str, str] | None = None,
        **body: Any,
    ) -> Reply:
        shown = {"X-API-Key": self.keys[who]} if who else {}
        async with self.session.request(
            method, self.url + path, headers=shown | (headers or {}), **body
        ) as response:
            lower = {name.lower(): value for name, value in response.headers.items()}
            return Reply(response.status, lower, await response.read())

    async def get(self, path: str, who: str | None = "H37", **headers: str) -> Reply:
        return await self.call("GET", path, who, headers)

    async def post(self, path: str, who: str | None = "H37", **body: Any) -> Reply:
        return await self.call("POST", path, who, **body)

    async def send(self, data: bytes | None = None, who: str = "H37", **fields: Any) -> Reply:
        """Upload an envelope."""
        given = make_envelope(**fields) if data is None else data
        return await self.call("POST", "/api/v1/documents", who, XML, data=io.BytesIO(given))

    async def waiting(self, who: str = "H37.03") -> list[dict[str, Any]]:
        return list((await self.get("/api/v1/inbox", who)).json["items"])

    def staged(self) -> list[Path]:
        """Files of uploads that are not done; the probe of the sweep does not count."""
        return [path for path in self.world.gw.blobs.staging.iterdir() if path.name != ".now"]


def config_for(**limits: int) -> Config:
    return Config(server=ServerSection(port=0), limits=LimitsSection.model_validate(limits))


@pytest.fixture
def config() -> Config:
    """Override for other limits."""
    return config_for()


@pytest.fixture
async def world(tmp_path: Path, config: Config) -> AsyncIterator[World]:
    store = await open_store("sqlite:///gateway.db", tmp_path, clock=SystemClock(), purpose="test")
    async with make_world(store, tmp_path, config=config) as made:
        yield made
    await store.close()


@pytest.fixture
async def site(world: World) -> AsyncIterator[Site]:
    async with listening(world) as found:
        yield found


@contextlib.asynccontextmanager
async def listening(world: World) -> AsyncIterator[Site]:
    """Everybody has a key, and the gateway listens."""
    keys = {name: await issue_key(world, role, agencies) for name, (role, agencies) in PEOPLE.items()}
    app = make_web_app(world.gw)
    async with (
        serve_web(app, world.gw.config, world.home) as port,
        aiohttp.ClientSession(auto_decompress=False) as session,
    ):
        yield Site(world, app, f"http://127.0.0.1:{port}", session, keys)


async def issue_key(world: World, role: Role, agencies: tuple[str, ...]) -> str:
    principal = await office.add_principal(
        world.gw, LOCAL, f"{role.value} {' '.join(agencies)}", role, [AgencyCode(code) for code in agencies]
    )
    return await office.issue_api_key(world.gw, LOCAL, principal.id)


async def eventually(holds: Callable[[], bool]) -> None:
    """Wait until something has happened in the server, five seconds at most."""
    async with asyncio.timeout(5):
        while not holds():  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0.01)
