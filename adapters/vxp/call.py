"""One call of the SDK, proved: what every handler is handed, and what every answer has in common.

In charge of: the proof (signature, system id, freshness), the signed parameters, errors in the SDK's shape,
counting. Not in charge of: what a call does (``inbound.py``, ``sending.py``).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import Any

import orjson
import structlog
from aiohttp import web

from adapters.vxp import sign, wire
from gateway.errors import BadRequest, GatewayError, NotFound
from gateway.flow.door import Admission, Caller, partner_of, turned_away
from gateway.intake import source_of
from gateway.model.text import Bilingual, Instant
from gateway.port import TURNED_AWAY
from gateway.services import Services

DIALECT = "vxp"
MAX_ID = 100  # characters

log = structlog.get_logger("gateway.vxp")


@dataclass(frozen=True, slots=True)
class Call:
    """A call that was proved. ``parameters`` are the signed ones, names in lower case."""

    gw: Services
    admission: Admission
    request: web.Request
    caller: Caller
    system_id: str
    parameters: dict[str, str]

    def required(self, name: str) -> str:
        """A signed parameter; ``BadRequest`` when it is not there. An unsigned header is not believed."""
        value = self.parameters.get(name.lower(), "").strip()
        if not value:
            raise BadRequest(_unsigned(name), code="parameter.unsigned")
        return value

    def optional(self, name: str) -> str:
        """A signed parameter, or nothing."""
        return self.parameters.get(name.lower(), "").strip()

    def time(self, name: str, otherwise: Instant) -> Instant:
        """A signed time; ``BadRequest`` when it is none."""
        text = self.optional(name)
        at = wire.read_time(text) if text else otherwise
        if at is None:
            raise BadRequest(_no_time(name), code="parameter.time")
        return at

    def doc_id(self, *, required: bool = True) -> str:
        """``docId`` in whatever letters: ``docid`` is the same header. ``NotFound`` for what is no id."""
        text = self.required("docId") if required else self.optional("docId")
        if not text.isprintable() or len(text) > MAX_ID:
            raise NotFound(code="delivery.unknown")
        return text


Answer = dict[str, Any] | web.StreamResponse
Handler = Callable[[Call], Awaitable[Answer]]


def served(
    gw: Services, admission: Admission, handler: Handler
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """The aiohttp handler: proof first, then rate, then the call."""

    async def serve(request: web.Request) -> web.StreamResponse:
        caller, signed = _proved(gw, request)
        admission.take_token(gw, caller.principal)
        call = Call(gw, admission, request, caller, signed.system_id, dict(signed.parameters))
        answer = await handler(call)
        return answer if isinstance(answer, web.StreamResponse) else _json(answer)

    return serve


def _proved(gw: Services, request: web.Request) -> tuple[Caller, sign.Signed]:
    """Who calls; ``NotAuthenticated`` says what is wrong with the proof."""
    source = source_of(request, gw.config.server.proxies)
    try:
        signed = sign.read_signed(lambda name: request.headers.getall(name, []))
    except sign.BadSignature as problem:
        raise turned_away(gw, problem.text, problem.code, source) from problem
    partner = partner_of(gw, DIALECT, signed.system_id, source)
    proving = [secret for secret in partner.secrets if signed.proved_by(secret.opened(gw))]
    if not proving:
        raise turned_away(gw, _WRONG_HMAC, "signature.wrong", source)
    now = gw.clock.now()
    if not any(signed.fresh(now, secret.fresh_seconds) for secret in proving):
        hours = proving[0].fresh_seconds / 3600
        text = _stale(signed.parameters["timestamp"], sign.stamp(now), hours)
        raise turned_away(gw, text, "signature.stale", source)
    gw.attendance.entered(partner.caller.principal, source, now)
    return partner.caller, signed


def _json(answer: dict[str, Any], status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    body = orjson.dumps(answer)
    return web.Response(body=body, status=status, content_type="application/json", headers=headers)


def answer_errors(gw: Services, names: Collection[str]) -> Any:
    """Middleware: whatever happens, the SDK gets an answer that it can read, and it is counted."""

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
            response, outcome = _failed(request, error), type(error).__name__
        except web.HTTPException as error:
            response, outcome = _failed(request, _http_error(error)), "HTTPException"
        except Exception:
            incident = gw.new_id()
            log.exception("call failed", incident=incident, path=request.path)
            response, outcome = _failed(request, GatewayError(_incident(incident))), "Exception"
        gw.metrics.partner_calls.labels(DIALECT, name if name in names else "other", outcome).inc()
        return response

    return middleware


def _failed(request: web.Request, error: GatewayError) -> web.Response:
    """The answer for an error. A download says it in HTTP too: else the SDK would keep it as a file."""
    status = error.http_status if request.path.endswith("/downloadEdoc") else wire.http_status(error)
    retry = {"Retry-After": str(error.retry_after)} if error.retry_after else None
    return _json(wire.failure(error), status, retry)


def _http_error(error: web.HTTPException) -> GatewayError:
    return NotFound(_NO_CALL, code=f"http.{error.status}")


def _unsigned(name: str) -> Bilingual:
    return Bilingual(
        f"Thiếu tham số {name}, hoặc tham số này chưa được ký (không có trong sign-header-key).",
        f"The parameter {name} is missing or was not signed (it is not in sign-header-key).",
    )


def _no_time(name: str) -> Bilingual:
    return Bilingual(
        f"Tham số {name} phải có dạng dd/MM/yyyy HH:mm:ss.", f"{name} must be dd/MM/yyyy HH:mm:ss."
    )


def _stale(stamp: str, now: str, hours: float) -> Bilingual:
    return Bilingual(
        f"Thời điểm ký {stamp} lệch quá {hours:g} giờ so với đồng hồ của trục ({now}). Hãy chỉnh đồng hồ máy "
        "chủ hoặc khởi động lại phần mềm để SDK ký lại.",
        f"It was signed at {stamp}, more than {hours:g} hours from this gateway's clock ({now}). Set the "
        "clock, or restart the software so that the SDK signs anew.",
    )


def _incident(incident: str) -> Bilingual:
    return Bilingual(
        f"Trục gặp lỗi khi xử lý lời gọi này; mã sự cố {incident}. Hãy gửi lại sau.",
        f"The gateway failed on this call; incident {incident}. Try again later.",
    )


_WRONG_HMAC = Bilingual(
    "Chữ ký HMAC của lời gọi không đúng. Hãy kiểm tra khóa bí mật (secret) của mã hệ thống.",
    "The HMAC of the call is wrong. Check the secret of the system id.",
)
_NO_CALL = Bilingual("Trục không có lời gọi này của VXP.", "There is no such call of VXP.")
