"""People at the console of a listening gateway, without a browser: cookies, forms, hidden words."""

from __future__ import annotations

import html
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest

from gateway.clock import SystemClock
from gateway.config import Config, ServerSection
from gateway.flow import accounts
from gateway.flow.operate import LOCAL
from gateway.model.text import AgencyCode
from gateway.services import Services
from gateway.store import open_store
from gateway.store.people import Role
from gateway.web.server import make_web_app, serve_web
from tests.world import World, make_world

PASSWORD = "một câu dài dễ nhớ 2020"
ROLES = {
    "clerk": (Role.CLERK, ("H37",)),
    "auditor": (Role.AUDITOR, ()),
    "operator": (Role.OPERATOR, ()),
    "administrator": (Role.ADMINISTRATOR, ()),
}


@dataclass(slots=True)
class Answer:
    """A page, read to its end."""

    status: int
    url: str
    text: str
    headers: dict[str, str]

    @property
    def csrf(self) -> str:
        """The hidden word of the page's forms."""
        found = re.search(r'name="csrf" value="([^"]+)"', self.text)
        assert found, self.text
        return found.group(1)

    @property
    def words(self) -> str:
        """What a reader sees of the page's content."""
        main = self.text.partition("<main")[2].partition(">")[2].partition("</main>")[0]
        return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", main)).split())


@dataclass(slots=True)
class Person:
    """A browser of one person."""

    base: str
    session: aiohttp.ClientSession
    csrf: str = field(default="")

    async def get(self, path: str, *, follow: bool = True, **headers: str) -> Answer:
        """A page below ``/console``."""
        async with self.session.get(
            f"{self.base}/console{path}", allow_redirects=follow, headers=headers
        ) as response:
            return await _read(response)

    async def post(self, path: str, *, follow: bool = True, csrf: str | None = None, **fields: str) -> Answer:
        """Send a form, with the hidden word of the person's session unless another is given."""
        data = {"csrf": self.csrf if csrf is None else csrf} | fields
        async with self.session.post(
            f"{self.base}/console{path}", data=data, allow_redirects=follow
        ) as response:
            return await _read(response)

    async def sign_in(self, login: str, password: str = PASSWORD, code: str = "") -> Answer:
        """Through the form; the hidden word of later forms is learnt."""
        answer = await self.post("/sign-in", login=login, password=password, code=code, csrf="")
        if answer.status == 200 and "sign-out" in answer.text:
            self.csrf = answer.csrf
        return answer


async def _read(response: aiohttp.ClientResponse) -> Answer:
    text = (await response.read()).decode("utf-8", "replace")
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Answer(response.status, str(response.url), text, headers)


@dataclass(slots=True)
class Console:
    """The listening gateway and people who come to it."""

    world: World
    base: str
    people: list[Person]

    @property
    def gw(self) -> Services:
        return self.world.gw

    def stranger(self) -> Person:
        """A browser without a session."""
        jar = aiohttp.CookieJar(unsafe=True)
        person = Person(self.base, aiohttp.ClientSession(cookie_jar=jar))
        self.people.append(person)
        return person

    async def person(self, role: str) -> Person:
        """Somebody of that role, with an account and signed in."""
        await account(self.gw, role)
        return await self.person_again(role)

    async def person_again(self, role: str) -> Person:
        """The same from another browser."""
        person = self.stranger()
        answer = await person.sign_in(role)
        assert person.csrf, answer.text
        return person


async def account(gw: Services, role: str, login: str = "") -> str:
    """An account whose password is ``PASSWORD``; its principal."""
    kind, agencies = ROLES[role]
    codes = [AgencyCode(code) for code in agencies]
    login = login or role
    made = await accounts.open_account(gw, LOCAL, login, f"Người {login}", kind, codes)
    caller = LOCAL.__class__(made.principal.id, made.principal.name, kind, frozenset(codes))
    await accounts.change_password(gw, caller, made.password, PASSWORD)
    return made.principal.id


@pytest.fixture
def config() -> Config:
    """Override for other settings."""
    return Config(server=ServerSection(port=0))


@pytest.fixture
async def world(tmp_path: Path, config: Config) -> AsyncIterator[World]:
    store = await open_store("sqlite:///gateway.db", tmp_path, clock=SystemClock(), purpose="test")
    async with make_world(store, tmp_path, config=config) as made:
        yield made
    await store.close()


@pytest.fixture
async def console(world: World) -> AsyncIterator[Console]:
    """The console of a gateway that listens on this machine."""
    async with serve_web(make_web_app(world.gw), world.gw.config, world.home) as port:
        made = Console(world, f"http://127.0.0.1:{port}", [])
        yield made
        for person in made.people:
            await person.session.close()
