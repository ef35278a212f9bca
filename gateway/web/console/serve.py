"""One request through its page.

In charge of: the order of things (session, role, form with its hidden word, handler, answer), errors as
pages, and coming back to a form whose session expired. Not in charge of: what any page does.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import orjson
import structlog
from aiohttp import web

from gateway.errors import GatewayError, NotAuthenticated, NotPermitted
from gateway.flow import footprints, oidc, sign_in
from gateway.flow.sign_in import Visitor
from gateway.intake import is_secure
from gateway.model.text import Bilingual
from gateway.web import render
from gateway.web.console.forms import CSRF, Form, read_form, require_csrf, require_own_site
from gateway.web.console.page import ANYBODY, Moved, Page, Visit
from gateway.web.endpoint import DESK

ROOT = "/console"
COOKIE = "gateway-session"
LANGUAGE = "gateway-lang"
VISIT = web.RequestKey("visit", Visit)  # once it is known who comes
FORM_AGAIN = 20_000  # bytes of a form that are kept for its sender when the session expired

log = structlog.get_logger("gateway.web.console")


def serve(page: Page) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """The aiohttp handler of a page."""

    async def handler(request: web.Request) -> web.StreamResponse:
        try:
            answer = await _answer(page, request)
        except GatewayError as error:
            return _problem(page, request, error)
        except Exception:
            if request.transport is None or request.transport.is_closing():
                raise
            return _broken(page, request)
        return answer

    return handler


async def _answer(page: Page, request: web.Request) -> web.StreamResponse:
    gw = request.app[DESK].gw
    if page.method == "POST":
        require_own_site(request)
    form = await read_form(request) if page.method == "POST" and not page.upload else Form()
    visitor = None
    if page.roles != ANYBODY:
        try:
            visitor = await sign_in.visitor_of(gw, token_of(request))
        except NotAuthenticated as error:
            return _to_the_door(request, page, form, error)
    visit = request[VISIT] = Visit(gw, request, page, language_of(request), visitor, form)
    if visitor is not None:
        visitor.caller.require(*page.roles)
        request.app[DESK].admission.take_token(gw, visitor.caller.principal)
        if page.method == "POST" and not page.upload:
            require_csrf(form, visitor.session.csrf)
        if visitor.limited and not page.path.startswith("/me"):
            return _see_other(f"{ROOT}/me")
    answer = await page.handler(visit)
    if isinstance(answer, Moved):
        return await _moved(visit, answer)
    if visitor is not None and page.method == "GET" and not page.live:
        await _note(visit, visitor)
    return answer


async def _note(visit: Visit, visitor: Visitor) -> None:
    """Who looked at what; and the sentence of the last form was shown now."""
    searched = dict(visit.request.match_info) | dict(visit.query)
    await footprints.viewed(visit.gw, visitor.caller, f"console{visit.page.path}", searched=searched)
    if visitor.session.said:
        await sign_in.say(visit.gw, visitor.session, "")


async def _moved(visit: Visit, moved: Moved) -> web.StreamResponse:
    """POST, redirect, GET: reloading repeats nothing."""
    if moved.said is not None and visit.visitor is not None:
        said = orjson.dumps(moved.said.as_json()).decode()
        await sign_in.say(visit.gw, visit.visitor.session, said)
    return _see_other(moved.path)


def _see_other(path: str) -> web.Response:
    return web.Response(status=303, headers={"Location": path})


def said_of(visitor: Visitor | None) -> Bilingual | None:
    """The sentence about the last form, if it was not shown yet."""
    if visitor is None or not visitor.session.said:
        return None
    said = orjson.loads(visitor.session.said)
    return Bilingual(said["vi"], said["en"])


def token_of(request: web.Request) -> str:
    """What the browser's cookie says."""
    return request.cookies.get(cookie_name(request), "")


def cookie_name(request: web.Request) -> str:
    """Over TLS a name that browsers take from no other host or plain connection."""
    return f"__Host-{COOKIE}" if secure(request) else COOKIE


def secure(request: web.Request) -> bool:
    """True over TLS, ours or that of a proxy of ours."""
    return is_secure(request, request.app[DESK].gw.config.server.proxies)


def set_token(response: web.StreamResponse, request: web.Request, token: str) -> None:
    """Hand the browser its token."""
    response.set_cookie(
        cookie_name(request), token, path="/", httponly=True, samesite="Lax", secure=secure(request)
    )


def drop_token(response: web.StreamResponse, request: web.Request) -> None:
    """The browser forgets its token."""
    response.del_cookie(cookie_name(request), path="/", secure=secure(request), httponly=True)


def language_of(request: web.Request) -> str:
    """``?lang=`` for this page, else the cookie, else Vietnamese."""
    asked = request.query.get("lang") or request.cookies.get(LANGUAGE, "")
    return asked if asked in render.LANGUAGES else "vi"


def _to_the_door(request: web.Request, page: Page, form: Form, error: NotAuthenticated) -> web.StreamResponse:
    """Sign in, then go on: to the page, or to the form that was being sent (shown again before it counts)."""
    if page.live or request.headers.get("HX-Request"):
        return web.Response(status=401, headers={"HX-Redirect": f"{ROOT}/sign-in"})
    next_page = request.path_qs if page.method == "GET" else ""
    kept = [(name, value) for name, values in form.fields.items() for value in values if name != CSRF]
    if sum(len(value) for _, value in kept) > FORM_AGAIN or any("password" in name for name, _ in kept):
        kept = []
    return render.html(
        "sign_in.html",
        language_of(request),
        status=401,
        visit=None,
        title=_SIGN_IN,
        error=error.text if token_of(request) else None,
        next=next_page,
        resume=request.path if kept else "",
        kept=kept,
        login="",
        oidc=oidc.is_offered(request.app[DESK].gw),
    )


def _problem(page: Page, request: web.Request, error: GatewayError) -> web.StreamResponse:
    """What went wrong as a sentence, what to do next, and the way back. The form's words are not lost: the
    browser's own "back" still holds them."""
    text = _NOT_YOURS if error.code == NotPermitted.code else error.text
    response = _problem_page(page, request, text, error, error.http_status)
    if error.retry_after:
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def _broken(page: Page, request: web.Request) -> web.StreamResponse:
    incident = request.app[DESK].gw.new_id()
    log.exception("page failed", page=page.path, incident=incident)
    return _problem_page(page, request, _BROKEN, None, 500, incident)


def _problem_page(
    page: Page,
    request: web.Request,
    text: Bilingual,
    error: GatewayError | None,
    status: int,
    incident: str = "",
) -> web.Response:
    return render.html(
        "problem.html",
        language_of(request),
        status=status,
        visit=request.get(VISIT),
        title=page.title,
        error=error,
        text=text,
        incident=incident,
    )


_SIGN_IN = Bilingual("Đăng nhập", "Sign in")
_NOT_YOURS = Bilingual(
    "Tài khoản của bạn không có quyền dùng trang hoặc chức năng này. Hãy hỏi quản trị viên nếu cần.",
    "Your account may not use this page or function. Ask an administrator if you need it.",
)
_BROKEN = Bilingual(
    "Trang này gặp lỗi của phần mềm. Không có gì bị mất. Hãy báo mã sự cố cho người vận hành.",
    "This page failed because of a defect in the software. Nothing is lost. Tell the operator the incident.",
)
