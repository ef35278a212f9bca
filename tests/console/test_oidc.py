"""Signing in with an identity provider: a small real one, its keys, and everything that may be forged."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from aiohttp import BasicAuth, web
from joserfc import jwt
from joserfc.jwk import KeySet, OctKey, RSAKey

from gateway.clock import SECOND
from gateway.config import Config, OidcSection, ServerSection, describe
from gateway.flow import accounts
from gateway.flow.footprints import SECRET_SETTINGS
from gateway.flow.operate import LOCAL
from gateway.model.text import Instant
from gateway.net import Net
from gateway.store.people import Role
from tests.console.conftest import Answer, Console, Person

CLIENT, SECRET, SUBJECT = "truc", "bí mật/của trục", "nguoi-dung-7"
RETURN = "https://truc.example/console/sign-in/oidc/return"


@dataclass(slots=True)
class Provider:
    """An identity provider at which everybody is SUBJECT. ``forge`` changes a token before it is signed."""

    now: Callable[[], int]
    base: str = ""
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "k1"}))
    signs_with: Any = None
    header: dict[str, str] = field(default_factory=lambda: {"alg": "RS256", "kid": "k1"})
    forge: Callable[[dict[str, Any]], dict[str, Any]] = lambda claims: claims
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    issuer: str = ""

    async def about(self, request: web.Request) -> web.Response:
        names = {"authorization_endpoint": "auth", "token_endpoint": "token", "jwks_uri": "jwks"}
        found = {name: f"{self.base}/{path}" for name, path in names.items()}
        return web.json_response(found | {"issuer": self.issuer or self.base})

    async def jwks(self, request: web.Request) -> web.Response:
        return web.json_response(KeySet([self.key]).as_dict(private=False))

    async def token(self, request: web.Request) -> web.Response:
        """A code is good once, for who proves that the sign-in was his (PKCE) and who he is (secret)."""
        form = await request.post()
        asked = self.codes.pop(str(form.get("code")), None)
        digest = hashlib.sha256(str(form.get("code_verifier")).encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        who = BasicAuth.decode(request.headers["Authorization"], "utf-8")
        proved = (who.login, who.password) == (CLIENT, "b%C3%AD+m%E1%BA%ADt%2Fc%E1%BB%A7a+tr%E1%BB%A5c")
        if asked is None or not proved or challenge != asked["code_challenge"]:
            return web.json_response({"error": "invalid_grant"}, status=400)
        if form.get("redirect_uri") != asked["redirect_uri"]:
            return web.json_response({"error": "invalid_grant"}, status=400)
        claims = {
            "iss": self.base,
            "aud": CLIENT,
            "sub": SUBJECT,
            "iat": self.now(),
            "exp": self.now() + 300,
            "nonce": asked["nonce"],
        }
        made = jwt.encode(self.header, self.forge(claims), self.signs_with or self.key, [self.header["alg"]])
        return web.json_response({"id_token": made, "access_token": "x", "token_type": "Bearer"})

    def signs_in(self, url: str) -> dict[str, str]:
        """The person agrees at the provider's form: what the browser brings back."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        assert (asked["response_type"], asked["client_id"]) == ("code", CLIENT)
        assert (asked["redirect_uri"], asked["code_challenge_method"]) == (RETURN, "S256")
        code = secrets.token_urlsafe()
        self.codes[code] = asked
        return {"code": code, "state": asked["state"]}


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    """Listening on this machine."""
    made = Provider(lambda: int(time.time()))
    app = web.Application()
    app.router.add_get("/.well-known/openid-configuration", made.about)
    app.router.add_get("/jwks", made.jwks)
    app.router.add_post("/token", made.token)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.base = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield made
    await runner.cleanup()


@pytest.fixture
def config(provider: Provider) -> Config:
    oidc = OidcSection(issuer=provider.base, client_id=CLIENT, client_secret=SECRET, redirect_url=RETURN)
    return Config(server=ServerSection(port=0), oidc=oidc)


@pytest.fixture
async def door(console: Console, provider: Provider) -> AsyncIterator[Console]:
    """A console whose provider may be called, and the account of SUBJECT."""
    provider.now = lambda: console.gw.clock.now() // SECOND
    console.gw.net = Net("127.0.0.0/8", 5)
    await accounts.open_account(console.gw, LOCAL, "lan.nt", "Lan", Role.AUDITOR, subject=SUBJECT)
    yield console
    await console.gw.net.close()


async def to_provider(person: Person, next_page: str = "") -> str:
    """The address to which the browser is sent."""
    query = f"?next={next_page}" if next_page else ""
    answer = await person.get(f"/sign-in/oidc{query}", follow=False)
    assert answer.status == 303, answer.text
    return answer.headers["location"]


async def back(person: Person, brought: dict[str, str]) -> Answer:
    query = "&".join(f"{name}={value}" for name, value in brought.items())
    return await person.get(f"/sign-in/oidc/return?{query}", follow=False)


async def test_a_person_of_the_provider_enters_where_he_wanted_to(door: Console, provider: Provider) -> None:
    person = door.stranger()
    assert 'href="/console/sign-in/oidc"' in (await person.get("/sign-in")).text
    brought = provider.signs_in(await to_provider(person, "/console/queue"))
    answer = await back(person, brought)
    assert (answer.status, answer.headers["location"]) == (303, "/console/queue")
    assert "Lan" in (await person.get("/me")).text


async def test_nobody_is_sent_elsewhere_afterwards(door: Console, provider: Provider) -> None:
    person = door.stranger()
    brought = provider.signs_in(await to_provider(person, "https://xau.example/"))
    assert (await back(person, brought)).headers["location"] == "/console/"


async def test_an_answer_counts_once_and_only_in_its_own_browser(door: Console, provider: Provider) -> None:
    person, thief = door.stranger(), door.stranger()
    brought = provider.signs_in(await to_provider(person))
    await to_provider(thief)
    assert (await back(thief, brought)).status == 401  # login CSRF: not the sign-in of this browser
    assert (await back(door.stranger(), brought)).status == 401
    assert (await back(person, brought)).status == 303
    assert (await back(person, brought)).status == 401


async def test_a_code_of_another_sign_in_does_not_pass(door: Console, provider: Provider) -> None:
    person, other = door.stranger(), door.stranger()
    mine = provider.signs_in(await to_provider(person))
    theirs = provider.signs_in(await to_provider(other))
    stolen = mine | {"code": theirs["code"]}
    assert (await back(person, stolen)).status == 401  # PKCE: the provider does not take our verifier


FORGERIES: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "issuer": lambda claims: claims | {"iss": "https://xau.example"},
    "audience": lambda claims: claims | {"aud": "phan-mem-khac"},
    "two audiences": lambda claims: claims | {"aud": [CLIENT, "khac"]},
    "authorised party": lambda claims: claims | {"azp": "khac"},
    "nonce": lambda claims: claims | {"nonce": "x"},
    "no nonce": lambda claims: {name: value for name, value in claims.items() if name != "nonce"},
    "expired": lambda claims: claims | {"exp": claims["iat"] - 61},
    "no end": lambda claims: {name: value for name, value in claims.items() if name != "exp"},
    "of the future": lambda claims: claims | {"nbf": claims["iat"] + 600},
    "nobody": lambda claims: claims | {"sub": ""},
    "a number": lambda claims: claims | {"sub": 7},
    "unprintable": lambda claims: claims | {"sub": "a\x00"},
}


@pytest.mark.parametrize("forgery", FORGERIES)
async def test_a_token_that_does_not_fit_opens_nothing(
    door: Console, provider: Provider, forgery: str
) -> None:
    provider.forge = FORGERIES[forgery]
    person = door.stranger()
    answer = await back(person, provider.signs_in(await to_provider(person)))
    assert (answer.status, "không thành công" in answer.words) == (401, True)
    assert (await person.get("/me")).status == 401


async def test_a_token_by_a_strangers_key_opens_nothing(door: Console, provider: Provider) -> None:
    provider.signs_with = RSAKey.generate_key(2048, {"kid": "k1"})
    person = door.stranger()
    assert (await back(person, provider.signs_in(await to_provider(person)))).status == 401


async def test_a_token_by_a_shared_secret_opens_nothing(door: Console, provider: Provider) -> None:
    provider.header = {"alg": "HS256", "kid": "k1"}
    provider.signs_with = OctKey.import_key(b"x" * 64, {"kid": "k1"})
    person = door.stranger()
    assert (await back(person, provider.signs_in(await to_provider(person)))).status == 401


async def test_who_has_no_account_here_is_told_so(door: Console, provider: Provider) -> None:
    provider.forge = lambda claims: claims | {"sub": "nguoi-la"}
    person = door.stranger()
    answer = await back(person, provider.signs_in(await to_provider(person)))
    assert (answer.status, "chưa có tài khoản" in answer.words) == (401, True)


async def test_a_closed_account_stays_closed(door: Console, provider: Provider) -> None:
    [line] = await accounts.list_accounts(door.gw, LOCAL)
    await accounts.set_active(door.gw, LOCAL, line.principal.id, False, "Nghỉ việc")
    person = door.stranger()
    assert (await back(person, provider.signs_in(await to_provider(person)))).status == 401


async def test_who_takes_too_long_begins_again(door: Console, provider: Provider) -> None:
    person = door.stranger()
    brought = provider.signs_in(await to_provider(person))
    door.world.clock.jump_to(Instant(door.gw.clock.now() + 601 * SECOND))
    assert (await back(person, brought)).status == 401


async def test_a_provider_that_calls_itself_otherwise_is_not_asked(door: Console, provider: Provider) -> None:
    provider.issuer = "https://xau.example"
    answer = await door.stranger().get("/sign-in/oidc", follow=False)
    assert (answer.status, "tự xưng khác" in answer.words) == (503, True)


async def test_a_provider_that_is_down_is_said_to_be(door: Console) -> None:
    door.gw.net = Net("", 5)  # this machine may not be called
    answer = await door.stranger().get("/sign-in/oidc", follow=False)
    assert (answer.status, "không trả lời" in answer.words) == (503, True)


def test_no_setting_that_holds_a_secret_is_written_into_the_log() -> None:
    secret = {one.name for one in describe() if re.search("secret|password", one.name)}
    assert "oidc.client_secret" in secret
    assert secret <= SECRET_SETTINGS
