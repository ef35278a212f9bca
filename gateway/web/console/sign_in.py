"""/console/sign-in and /console/me: the door, and one's own account.

In charge of: the forms. Not in charge of: proving anything (``flow/sign_in.py``, ``flow/accounts.py``).
"""

from __future__ import annotations

import io

from aiohttp import web
from markupsafe import Markup

from gateway.errors import BadRequest, NotAuthenticated, TooMany
from gateway.flow import accounts, oidc, passwords, sign_in
from gateway.intake import source_of
from gateway.model.text import Bilingual
from gateway.web.console.page import ANYBODY, SIGNED_IN, Moved, Page, Visit
from gateway.web.console.serve import LANGUAGE, ROOT, drop_token, secure, set_token

YEAR_SECONDS = 31_536_000
PENDING = "gateway-oidc"  # what a sign-in with the identity provider has to remember, sealed
_RETURN = f"{ROOT}/sign-in/oidc"


async def show_sign_in(visit: Visit) -> web.StreamResponse:
    """The form."""
    return _form(visit, None, visit.query.get("next", ""))


async def do_sign_in(visit: Visit) -> web.StreamResponse:
    """Prove a person, then go where the browser wanted to."""
    form, request = visit.form, visit.request
    try:
        entered = await sign_in.sign_in(
            visit.gw,
            form.get("login"),
            form.secret("password"),
            form.get("code"),
            source_of(request, visit.gw.config.server.proxies),
            request.headers.get("User-Agent", ""),
        )
    except (NotAuthenticated, TooMany) as error:
        return _form(visit, error.text, form.get("next"), error.http_status)
    if form.get("resume").startswith(f"{ROOT}/"):
        response: web.Response = visit.html(
            "resume.html",
            title=_RESUME,
            action=form.get("resume"),
            kept=_kept(visit),
            csrf=entered.session.csrf,
        )
    else:
        response = web.Response(status=303, headers={"Location": _safe(form.get("next"))})
    set_token(response, request, entered.token)
    return response


async def go_to_provider(visit: Visit) -> web.StreamResponse:
    """To the identity provider's form."""
    request = visit.request
    next_page = visit.query.get("next", "")
    begun = await oidc.begin(visit.gw, source_of(request, visit.gw.config.server.proxies), next_page)
    response = web.Response(status=303, headers={"Location": begun.url})
    response.set_cookie(
        PENDING,
        begun.kept,
        path=_RETURN,
        max_age=oidc.PENDING_SECONDS,
        samesite="Lax",
        httponly=True,
        secure=secure(request),
    )
    return response


async def come_from_provider(visit: Visit) -> web.StreamResponse:
    """Back from it: signed in, or the form with the reason why not."""
    request = visit.request
    try:
        entered, next_page = await oidc.finish(
            visit.gw,
            visit.query,
            request.cookies.get(PENDING, ""),
            source_of(request, visit.gw.config.server.proxies),
            request.headers.get("User-Agent", ""),
        )
    except (NotAuthenticated, TooMany) as error:
        response = _form(visit, error.text, "", error.http_status)
    else:
        response = web.Response(status=303, headers={"Location": _safe(next_page)})
        set_token(response, request, entered.token)
    response.del_cookie(PENDING, path=_RETURN, secure=secure(request), httponly=True)
    return response


async def do_sign_out(visit: Visit) -> web.StreamResponse:
    """End this session."""
    assert visit.visitor is not None
    await sign_in.sign_out(visit.gw, visit.visitor.session)
    response = web.Response(status=303, headers={"Location": f"{ROOT}/sign-in"})
    drop_token(response, visit.request)
    return response


async def set_language(visit: Visit) -> web.StreamResponse:
    """Vietnamese or English from now on in this browser."""
    response = web.Response(status=303, headers={"Location": _safe(visit.form.get("next"))})
    response.set_cookie(
        LANGUAGE,
        "en" if visit.form.get("lang") == "en" else "vi",
        path="/",
        max_age=YEAR_SECONDS,
        samesite="Lax",
        httponly=True,
        secure=secure(visit.request),
    )
    return response


async def show_me(visit: Visit) -> web.StreamResponse:
    """One's own account: password, second factor, where one is signed in."""
    assert visit.visitor is not None
    mine = visit.caller.principal
    sessions = [one for one in await sign_in.list_sessions(visit.gw, visit.caller) if one.principal == mine]
    return visit.html(
        "me.html",
        title=visit.page.title,
        account=visit.visitor.account,
        session=visit.visitor.session,
        sessions=sessions,
        limited=visit.visitor.limited,
        least=passwords.LEAST,
        qr=None,
        secret="",
    )


async def change_password(visit: Visit) -> Moved:
    """A new password; all other sessions end."""
    assert visit.visitor is not None
    form = visit.form
    if form.secret("password_new") != form.secret("password_again"):
        raise BadRequest(_UNEQUAL, code="password.unequal")
    await accounts.change_password(
        visit.gw,
        visit.caller,
        form.secret("password_old"),
        form.secret("password_new"),
        visit.visitor.session.id,
    )
    return Moved(f"{ROOT}/me", _CHANGED)


async def begin_code(visit: Visit) -> web.StreamResponse:
    """A new secret, shown once as QR code and as text."""
    import segno  # a server starts without it

    assert visit.visitor is not None
    secret = await accounts.begin_second_factor(visit.gw, visit.caller)
    link = passwords.code_link(secret, visit.visitor.account.login, visit.gw.config.gateway.name)
    picture = io.BytesIO()
    segno.make(link, error="m").save(picture, kind="svg", scale=5, xmldecl=False, svgns=True)
    return visit.html(
        "me.html",
        title=visit.page.title,
        account=visit.visitor.account,
        session=visit.visitor.session,
        sessions=[],
        limited=visit.visitor.limited,
        least=passwords.LEAST,
        qr=Markup(picture.getvalue().decode()),
        secret=" ".join(secret[i : i + 4] for i in range(0, len(secret), 4)),
    )


async def confirm_code(visit: Visit) -> Moved:
    """The app shows the right code: from now on it is asked for."""
    await accounts.confirm_second_factor(visit.gw, visit.caller, visit.form.get("code"))
    return Moved(f"{ROOT}/me", _CODE_ON)


async def end_session(visit: Visit) -> Moved:
    """End one of one's own sessions."""
    await sign_in.end_session(visit.gw, visit.caller, visit.part("session"))
    return Moved(f"{ROOT}/me", _ENDED)


def _form(visit: Visit, error: Bilingual | None, next_page: str, status: int = 200) -> web.StreamResponse:
    return visit.html(
        "sign_in.html",
        status=status,
        title=visit.page.title,
        error=error,
        next=next_page,
        resume=visit.form.get("resume"),
        kept=_kept(visit),
        login=visit.form.get("login"),
        oidc=oidc.is_offered(visit.gw),
    )


def _kept(visit: Visit) -> list[tuple[str, str]]:
    """The fields of a form whose session expired; their names came with ``keep:`` before them."""
    return [
        (name.removeprefix("keep:"), value)
        for name, values in visit.form.fields.items()
        if name.startswith("keep:")
        for value in values
    ]


def _safe(path: str) -> str:
    """A page of the console: nobody is sent elsewhere."""
    plain = path.startswith(f"{ROOT}/") and "\\" not in path and path.isprintable() and "//" not in path
    return path if plain else f"{ROOT}/"


_RESUME = Bilingual("Gửi tiếp biểu mẫu", "Go on with your form")
_UNEQUAL = Bilingual("Hai lần nhập mật khẩu mới không giống nhau.", "The new passwords are not the same.")
_CHANGED = Bilingual(
    "Đã đổi mật khẩu; các phiên khác đã kết thúc.", "Password changed; other sessions ended."
)
_CODE_ON = Bilingual("Đã bật xác thực hai lớp.", "The second factor is on.")
_ENDED = Bilingual("Đã kết thúc phiên.", "The session was ended.")
_TITLE = Bilingual("Đăng nhập", "Sign in")
_ME = Bilingual("Tài khoản của tôi", "My account")

PAGES = (
    Page("GET", "/sign-in", show_sign_in, _TITLE, ANYBODY),
    Page("POST", "/sign-in", do_sign_in, _TITLE, ANYBODY),
    Page("GET", "/sign-in/oidc", go_to_provider, _TITLE, ANYBODY),
    Page("GET", "/sign-in/oidc/return", come_from_provider, _TITLE, ANYBODY),
    Page("POST", "/sign-out", do_sign_out, _TITLE, SIGNED_IN),
    Page("POST", "/language", set_language, _TITLE, ANYBODY),
    Page("GET", "/me", show_me, _ME, SIGNED_IN, "me"),
    Page("POST", "/me/password", change_password, _ME, SIGNED_IN, "me"),
    Page("POST", "/me/code", begin_code, _ME, SIGNED_IN, "me"),
    Page("POST", "/me/code/confirm", confirm_code, _ME, SIGNED_IN, "me"),
    Page("POST", "/me/sessions/{session}/end", end_session, _ME, SIGNED_IN, "me"),
)
