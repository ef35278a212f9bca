"""One call of the dialect, proved: what every handler is handed, and what every answer has in common.

In charge of: login, token, ``X-SystemId`` with ``X-SecretKey``, errors in the dialect's shape, counting. Not
in charge of: what a call does (``inbound.py``, ``sending.py``).

A login name is a system id of this dialect, its password one of that system id's secrets. The pair in the
headers may be the same one or another system id of the same account. Both are kept as hashes.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import Any

import orjson
import structlog
from aiohttp import web
from aiohttp.typedefs import Middleware

from adapters.langson import tokens, wire
from adapters.langson.guard import Guard
from gateway.errors import BadRequest, GatewayError, NotAuthenticated, NotFound, NotPermitted
from gateway.flow.door import Admission, Caller, Partner, PartnerSecret, partner_of, turned_away
from gateway.intake import small_json, source_of
from gateway.model.text import Bilingual
from gateway.port import TURNED_AWAY
from gateway.services import Services

DIALECT = "langson"
MAX_ID = 100  # characters
Answer = dict[str, Any] | web.StreamResponse

log = structlog.get_logger("gateway.langson")


@dataclass(frozen=True, slots=True)
class Call:
    """A call that was proved."""

    gw: Services
    admission: Admission
    request: web.Request
    caller: Caller

    def query(self, name: str) -> str:
        """A parameter of the address, or nothing."""
        return self.request.query.get(name, "").strip()

    def doc_id(self, text: str) -> str:
        """A DocId; ``NotFound`` for what cannot be one."""
        if not text or not text.isprintable() or len(text) > MAX_ID:
            raise NotFound(code="delivery.unknown")
        return text


Handler = Callable[[Call], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Desk:
    """What the handlers of one gateway share."""

    gw: Services
    admission: Admission
    guard: Guard

    async def log_in(self, request: web.Request) -> web.StreamResponse:
        """Name and password for a token."""
        body = await small_json(request)
        name, password = _word(body, "username"), _word(body, "password")
        source = self._source(request)
        self.guard.require_patience(self.gw, source, name)
        secret = _shown_secret(_partner(self.gw, name), password)
        if secret is None:
            self.guard.note_wrong(self.gw, source, name)
            raise turned_away(self.gw, source=source)
        self.gw.attendance.entered(secret.credential.principal, source, self.gw.clock.now())
        token = tokens.issue(self.gw, name, secret.credential.id)
        return _json(wire.ok(data={"token": token, "tokenType": "Bearer", "expiresIn": tokens.SECONDS}))

    def served(self, handler: Handler) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """The aiohttp handler: proof first, then rate, then the call."""

        async def serve(request: web.Request) -> web.StreamResponse:
            caller = self._proved(request)
            self.admission.take_token(self.gw, caller.principal)
            answer = await handler(Call(self.gw, self.admission, request, caller))
            return answer if isinstance(answer, web.StreamResponse) else _json(answer)

        return serve

    def _proved(self, request: web.Request) -> Caller:
        """Whose token and whose key that are. ``NotAuthenticated`` for the token, so that the software logs
        in again; ``NotPermitted`` for the key, where that would not help."""
        caller = self._of_token(request)
        system_id = request.headers.get("X-SystemId", "").strip()
        self.guard.require_patience(self.gw, caller.principal, system_id)
        system = _partner(self.gw, system_id)
        shown = request.headers.get("X-SecretKey", "").strip()
        if _shown_secret(system, shown) is None or system is None or system.caller != caller:
            self.guard.note_wrong(self.gw, caller.principal, system_id)
            self.gw.metrics.unauthenticated.inc()
            self.gw.attendance.failed(self._source(request), self.gw.clock.now())
            raise NotPermitted(_WRONG_KEY, code="caller.system")
        return caller

    def _source(self, request: web.Request) -> str:
        return source_of(request, self.gw.config.server.proxies)

    def _of_token(self, request: web.Request) -> Caller:
        scheme, _, text = request.headers.get("Authorization", "").partition(" ")
        token = tokens.read(self.gw, text.strip()) if scheme.lower() == "bearer" else None
        partner = _partner(self.gw, token.username) if token else None
        if token is None or partner is None:
            raise turned_away(self.gw, source=self._source(request))
        if token.secret not in {secret.credential.id for secret in partner.secrets}:
            raise turned_away(self.gw, source=self._source(request))  # withdrawn, or run out, since the login
        return partner.caller


def _partner(gw: Services, system_id: str) -> Partner | None:
    try:
        return partner_of(gw, DIALECT, system_id)
    except NotAuthenticated:
        return None


def _shown_secret(partner: Partner | None, text: str) -> PartnerSecret | None:
    """The secret that ``text`` is, if it is one of theirs."""
    shown = [secret for secret in partner.secrets if secret.is_shown(text)] if partner and text else []
    return shown[0] if shown else None


def _word(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value or len(value) > 1_000:
        raise BadRequest(_no_word(name), code="login.malformed")
    return value


def _json(answer: dict[str, Any], status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    body = orjson.dumps(answer)
    return web.Response(body=body, status=status, content_type="application/json", headers=headers)


def answer_errors(gw: Services, names: Collection[str]) -> Middleware:
    """Middleware: whatever happens, the software gets an answer that it can read, and it is counted."""

    @web.middleware
    async def middleware(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        name = request.path.rpartition("/")[2]
        try:
            if away := request.get(TURNED_AWAY):
                raise away
            response = await handler(request)
            outcome = "ok"
        except GatewayError as error:
            response, outcome = _failed(error), type(error).__name__
        except web.HTTPException as error:
            response = _failed(NotFound(_NO_CALL, code=f"http.{error.status}"))
            outcome = "HTTPException"
        except Exception:
            incident = gw.new_id()
            log.exception("call failed", incident=incident, path=request.path)
            response, outcome = _failed(GatewayError(_incident(incident))), "Exception"
        gw.metrics.partner_calls.labels(DIALECT, name if name in names else "other", outcome).inc()
        return response

    return middleware


def _failed(error: GatewayError) -> web.Response:
    if isinstance(error, NotAuthenticated):
        return web.Response(body=wire.UNAUTHORIZED, status=401, content_type="application/json")
    retry = {"Retry-After": str(error.retry_after)} if error.retry_after else None
    return _json(wire.failure(error), wire.http_status(error), retry)


def _no_word(name: str) -> Bilingual:
    return Bilingual(f"Thiếu {name} trong lời gọi đăng nhập.", f"The login lacks {name}.")


def _incident(incident: str) -> Bilingual:
    return Bilingual(
        f"Trục gặp lỗi khi xử lý lời gọi này; mã sự cố {incident}. Hãy gửi lại sau.",
        f"The gateway failed on this call; incident {incident}. Try again later.",
    )


_WRONG_KEY = Bilingual(
    "Sai X-SystemId hoặc X-SecretKey, hoặc chúng không thuộc tài khoản đã đăng nhập. Hãy kiểm tra thiết lập "
    "kết nối của phần mềm.",
    "X-SystemId or X-SecretKey is wrong, or not of the account that logged in. Check the settings.",
)
_NO_CALL = Bilingual("Trục không có lời gọi này.", "There is no such call.")
