"""Errors on the wire: RFC 9457 problem+json, Vietnamese first.

In charge of: an error as a problem, a problem as an error again (for the command line, which calls the
control socket), and the middleware that lets no exception out. Not in charge of: what an error says
(``errors.py``).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any

import structlog
from aiohttp import web

from gateway.errors import (
    Archived,
    BadRequest,
    Busy,
    DuplicateConflict,
    GatewayError,
    NotAuthenticated,
    NotFound,
    NotPermitted,
    NotReady,
    Refused,
    TooLarge,
    TooMany,
    TooSlow,
    Unreadable,
    UnsupportedMedia,
    WrongState,
)
from gateway.model.finding import Finding, Severity
from gateway.model.text import Bilingual
from gateway.web.models import FindingBody, Problem

log = structlog.get_logger("gateway.web")

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:problem-type:gateway:"
_CLASSES: tuple[type[GatewayError], ...] = (
    Unreadable,
    Refused,
    DuplicateConflict,
    NotAuthenticated,
    NotPermitted,
    NotFound,
    WrongState,
    Archived,
    BadRequest,
    UnsupportedMedia,
    TooSlow,
    TooLarge,
    TooMany,
    Busy,
    NotReady,
)
_HTTP_WORDS = {
    404: Bilingual("Không có địa chỉ này.", "There is no such address."),
    405: Bilingual("Địa chỉ này không nhận phương thức đó.", "This address does not take that method."),
}
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def problem_of(error: GatewayError, incident: str = "") -> Problem:
    """The error as it leaves: its class names the title, its own sentence is the detail."""
    title = type(error)().text
    return Problem(
        type=TYPE_PREFIX + error.code,
        title=title.vi,
        title_en=title.en,
        status=error.http_status,
        code=error.code,
        detail=error.text.vi,
        detail_en=error.text.en,
        findings=[FindingBody.model_validate(finding.as_json()) for finding in error.findings],
        retry_after=error.retry_after or None,
        incident=incident or None,
    )


def error_of(body: Mapping[str, Any]) -> GatewayError:
    """The error that a problem was made from: same class, code, sentence and findings."""
    problem = Problem.model_validate(body)
    return _class_of(problem)(
        Bilingual(problem.detail, problem.detail_en),
        code=problem.code,
        findings=tuple(_finding(finding) for finding in problem.findings),
        retry_after=problem.retry_after or 0,
    )


def problem_response(error: GatewayError, incident: str = "") -> web.Response:
    """The answer for an error, with the headers that belong to it."""
    headers = {}
    if error.retry_after:
        headers["Retry-After"] = str(error.retry_after)
    if error.http_status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="gateway"'
    return _response(problem_of(error, incident), headers)


def answer_errors(new_id: Callable[[], str]) -> Any:
    """Middleware: every error becomes a problem; an unexpected one gets an incident id and is logged."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except GatewayError as error:
            if error.http_status == 500:
                log.error("request failed", code=error.code, path=request.path)
            return problem_response(error)
        except web.HTTPException as error:
            return _http_error(error)
        except Exception:
            incident = new_id()
            log.exception("request failed", incident=incident, method=request.method, path=request.path)
            return problem_response(GatewayError(), incident)

    return middleware


def _http_error(error: web.HTTPException) -> web.Response:
    """What aiohttp itself refuses (no such route, method, …)."""
    phrase = HTTPStatus(error.status).phrase
    words = _HTTP_WORDS.get(error.status, Bilingual(f"Yêu cầu bị từ chối: {phrase}.", f"{phrase}."))
    code = f"http.{error.status}"
    problem = Problem(
        type=TYPE_PREFIX + code,
        title=words.vi,
        title_en=words.en,
        status=error.status,
        code=code,
        detail=words.vi,
        detail_en=words.en,
    )
    return _response(problem, {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {})


def _response(problem: Problem, headers: Mapping[str, str]) -> web.Response:
    body = problem.model_dump_json(exclude_none=True).encode()
    return web.Response(body=body, status=problem.status, content_type=MEDIA_TYPE, headers=headers)


def _class_of(problem: Problem) -> type[GatewayError]:
    """By status and title; an error of a room of its own (a full store, say) becomes the common one."""
    same = [found for found in _CLASSES if found.http_status == problem.status]
    named = [found for found in same if found().text.en == problem.title_en]
    return (named or same or [GatewayError])[0]


def _finding(body: FindingBody) -> Finding:
    text = Bilingual(body.vi, body.en)
    return Finding(body.rule, Severity[body.severity.upper()], body.where, text, body.clause)
