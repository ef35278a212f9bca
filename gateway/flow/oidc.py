"""Signing in with an identity provider: OpenID Connect, authorization code with PKCE.

In charge of: what is asked of the provider, and what of its answer is believed: state, nonce, issuer,
audience and signature of the ID token. Not in charge of: sessions and accounts (``sign_in.py``,
``accounts.py``): a person of the provider enters as the account whose ``subject`` it names, or not at all.

Sources: OpenID Connect Core 1.0 (3.1.3.7 checks of the ID token), RFC 7636 (PKCE), RFC 9207 (issuer in the
answer). What has to be remembered between the two halves travels in the browser, encrypted under the
keyring, so any node may end what another began. The provider's keys are fetched at each sign-in.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus, urlencode

import orjson
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from yarl import URL

from gateway.clock import SECOND, random_bytes
from gateway.errors import Busy, NotFound, NotReady
from gateway.flow import sign_in
from gateway.flow.door import turned_away
from gateway.flow.sign_in import SignedIn
from gateway.model.text import Bilingual
from gateway.net import Answer, Unreachable
from gateway.services import Services
from gateway.store import accounts

PENDING_SECONDS = 600  # that a person may take at the provider's form
LEEWAY_SECONDS = 60  # by which the provider's clock may differ
ANSWER_BYTES = 262_144
ALGORITHMS = ("RS256", "PS256", "ES256")  # never "none", and no secret that two sides share
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, slots=True)
class Begun:
    """Where the browser goes, and what it keeps (a cookie) until it comes back."""

    url: str
    kept: str


@dataclass(frozen=True, slots=True)
class _Pending:
    """What belongs to one sign-in that began."""

    state: str
    nonce: str
    verifier: str
    next_page: str
    until: int


def is_offered(gw: Services) -> bool:
    """True when the settings name a provider."""
    return bool(gw.config.oidc.issuer)


async def begin(gw: Services, source: str, next_page: str) -> Begun:
    """Send a browser to the provider. ``Busy`` when that does not answer, ``NotFound`` without a provider."""
    if not is_offered(gw):
        raise NotFound(_NOT_OFFERED, code="oidc.off")
    now = gw.clock.now()
    await sign_in.require_source(gw, source)
    settings, about = gw.config.oidc, await _discover(gw)
    until = now + PENDING_SECONDS * SECOND
    pending = _Pending(_word(), _word(), _word(), next_page[:1000], until)
    asked = {
        "response_type": "code",
        "client_id": settings.client_id,
        "redirect_uri": settings.redirect_url,
        "scope": "openid",
        "state": pending.state,
        "nonce": pending.nonce,
        "code_challenge": _b64(hashlib.sha256(pending.verifier.encode()).digest()),
        "code_challenge_method": "S256",
    }
    url = str(URL(_endpoint(about, "authorization_endpoint")).update_query(asked))
    return Begun(url, _sealed(gw, pending))


async def finish(
    gw: Services, answer: Mapping[str, str], kept: str, source: str, agent: str
) -> tuple[SignedIn, str]:
    """The browser came back: its session, and where it wanted to go. ``NotAuthenticated`` when anything of
    the answer is not as it has to be, or nobody here is meant."""
    if not is_offered(gw):
        raise NotFound(_NOT_OFFERED, code="oidc.off")
    now = gw.clock.now()
    await sign_in.require_source(gw, source)
    try:
        pending = _opened(gw, kept)
        state = answer.get("state", "")
        if now > pending.until or not hmac.compare_digest(state.encode(), pending.state.encode()):
            raise ValueError("no such sign-in was begun here")
        if answer.get("iss", gw.config.oidc.issuer) != gw.config.oidc.issuer or not answer.get("code"):
            raise ValueError(f"the provider did not sign anybody in: {answer.get('error', '')[:100]}")
        subject = await _subject(gw, answer["code"], pending)
    except (ValueError, KeyError, TypeError, JoseError) as error:
        await sign_in.source_failed(gw, source)
        raise turned_away(gw, _WRONG, "oidc.wrong", source) from error
    account = await gw.store.read(lambda tx: accounts.by_subject(tx, subject))
    principal = gw.people.principal(account.principal) if account else None
    if principal is None or not principal.active:
        await sign_in.source_failed(gw, source)
        raise turned_away(gw, _NOBODY, "oidc.nobody", source)
    return await sign_in.open_session(gw, principal, source, agent), pending.next_page


async def _subject(gw: Services, code: str, pending: _Pending) -> str:
    """Whom the provider means: the ``sub`` of an ID token that was checked. ``ValueError``, ``JoseError``:
    it was not to be believed."""
    settings, about = gw.config.oidc, await _discover(gw)
    fields = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": settings.redirect_url,
        "client_id": settings.client_id,
        "code_verifier": pending.verifier,
    }
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    if settings.client_secret:
        pair = f"{quote_plus(settings.client_id)}:{quote_plus(settings.client_secret)}"
        headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
    url, body = _endpoint(about, "token_endpoint"), urlencode(fields).encode()
    try:
        given = await gw.net.post_bytes(url, body, headers, ANSWER_BYTES)
    except Unreachable as error:
        raise Busy(_SILENT, code="oidc.silent") from error
    token = str(_json(given)["id_token"])
    keys = KeySet.import_key_set(await _get(gw, _endpoint(about, "jwks_uri")))  # type: ignore[arg-type]
    return _checked(gw, jwt.decode(token, keys, algorithms=ALGORITHMS).claims, pending.nonce)


def _checked(gw: Services, claims: dict[str, Any], nonce: str) -> str:
    """The subject of a token whose signature holds, if it is for us, of now, and of this sign-in."""
    settings, now = gw.config.oidc, gw.clock.now() // SECOND
    rules = jwt.JWTClaimsRegistry(
        now=now,
        leeway=LEEWAY_SECONDS,
        iss={"essential": True, "value": settings.issuer},
        aud={"essential": True, "value": settings.client_id},
        exp={"essential": True},
        iat={"essential": True},
        sub={"essential": True},
        nonce={"essential": True, "value": nonce},
    )
    rules.validate(claims)
    several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
    if (several or "azp" in claims) and claims.get("azp") != settings.client_id:
        raise ValueError("the token was made for somebody else")
    if not isinstance(claims["sub"], str) or not claims["sub"] or not claims["sub"].isprintable():
        raise ValueError("the token names nobody")
    return claims["sub"]


async def _discover(gw: Services) -> dict[str, Any]:
    """What the provider says about itself; it has to be the issuer that the settings name."""
    issuer = gw.config.oidc.issuer
    about = await _get(gw, issuer.rstrip("/") + "/.well-known/openid-configuration")
    if about.get("issuer") != issuer:
        raise Busy(_OTHER_ISSUER, code="oidc.issuer")
    return about


async def _get(gw: Services, url: str) -> dict[str, Any]:
    try:
        return _json(await gw.net.get(_safe(url), ANSWER_BYTES))
    except (Unreachable, ValueError) as error:
        raise Busy(_SILENT, code="oidc.silent") from error


def _json(answer: Answer) -> dict[str, Any]:
    found = orjson.loads(answer.body) if answer.status == 200 else None
    if not isinstance(found, dict):
        raise ValueError(f"no JSON object came (status {answer.status})")
    return found


def _endpoint(about: dict[str, Any], name: str) -> str:
    try:
        return _safe(str(about.get(name, "")))
    except ValueError as error:
        raise Busy(_SILENT, code="oidc.silent") from error


def _safe(url: str) -> str:
    """Keys and tokens travel over TLS, or do not leave this machine. ``ValueError`` otherwise."""
    parsed = URL(url)
    if parsed.scheme != "https" and not (parsed.scheme == "http" and parsed.host in _LOOPBACK):
        raise ValueError("the provider has to be reached over https")
    return url


def _sealed(gw: Services, pending: _Pending) -> str:
    return _b64(gw.keyring.encrypt_secret(orjson.dumps(pending)))


def _opened(gw: Services, kept: str) -> _Pending:
    """What ``begin`` sealed; ``ValueError`` for anything else."""
    sealed = base64.urlsafe_b64decode(kept.encode("ascii") + b"=" * (-len(kept) % 4))
    try:
        return _Pending(**orjson.loads(gw.keyring.decrypt_secret(sealed)))
    except NotReady as error:
        raise ValueError("sealed under a key that is not ours") from error


def _word() -> str:
    """43 characters that nobody guesses."""
    return _b64(random_bytes(32))


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


_NOT_OFFERED = Bilingual(
    "Trục này không đăng nhập qua hệ thống định danh. Hãy dùng tên đăng nhập và mật khẩu.",
    "This gateway has no identity provider. Use login and password.",
)
_WRONG = Bilingual(
    "Đăng nhập qua hệ thống định danh không thành công hoặc đã quá thời gian. Hãy thử lại từ đầu.",
    "Signing in with the identity provider failed or took too long. Begin again.",
)
_NOBODY = Bilingual(
    "Hệ thống định danh đã xác nhận bạn, nhưng trên trục chưa có tài khoản gắn với mã định danh này. Hãy nhờ "
    "quản trị viên mở tài khoản.",
    "The identity provider knows you, but no account here belongs to you. Ask an administrator to open one.",
)
_SILENT = Bilingual(
    "Hệ thống định danh không trả lời hoặc trả lời sai. Hãy thử lại sau, hoặc dùng mật khẩu.",
    "The identity provider does not answer, or not as it should. Try again later, or use a password.",
)
_OTHER_ISSUER = Bilingual(
    "Hệ thống định danh tự xưng khác với cấu hình oidc.issuer. Hãy báo quản trị viên.",
    "The identity provider calls itself otherwise than oidc.issuer says. Tell an administrator.",
)
