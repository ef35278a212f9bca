"""/console/agencies/CODE/connection: how an agency is connected, as a form of the kind that is chosen.

In charge of: fields from ``connection_kinds.py``, and showing the form again with what is wrong. A secret
that was typed is never shown again. Not in charge of: what is right (the adapters), setting it
(``flow/office.py``).
"""

from __future__ import annotations

from dataclasses import replace

from aiohttp import web

from gateway.errors import BadRequest
from gateway.flow import look_agency, office
from gateway.model.agency import Profile
from gateway.model.text import AgencyCode, Bilingual
from gateway.web.console.agencies import day_of
from gateway.web.console.connection_kinds import DIALECTS, KINDS, SIGNATURES, kind_of
from gateway.web.console.page import RULE, Moved, Page, Visit
from gateway.web.console.serve import ROOT


async def show_form(visit: Visit) -> web.StreamResponse:
    """The form of the present kind, or of ``?kind=``."""
    code = visit.agency(visit.part("agency"))
    view = await look_agency.agency(visit.gw, visit.caller, code, day_of(visit))
    present = view.profile if view.own_profile else Profile(code)
    kind = visit.query.get("kind", "")
    if kind in visit.gw.kinds and kind != present.adapter:
        present = replace(present, adapter=kind)
    return _form(visit, present, keeps_secret=view.own_profile and view.has_secret)


async def connect(visit: Visit) -> web.StreamResponse | Moved:
    """Set it, or show the form again with what is wrong."""
    code = visit.agency(visit.part("agency"))
    profile, secret = _profile(visit, code), visit.form.secret("password_secret").strip()
    try:
        await office.set_profile(visit.gw, visit.caller, profile, secret or None)
    except BadRequest as error:
        view = await look_agency.agency(visit.gw, visit.caller, code, day_of(visit))
        kept = view.own_profile and view.has_secret
        return _form(visit, profile, error=error, keeps_secret=kept, retype=bool(secret))
    return Moved(f"{ROOT}/agencies/{code}", _done(kind_of(profile.adapter).title))


def _form(
    visit: Visit,
    profile: Profile,
    *,
    error: BadRequest | None = None,
    keeps_secret: bool = False,
    retype: bool = False,
) -> web.StreamResponse:
    kind, settings = kind_of(profile.adapter), dict(profile.settings)
    known = {field.name for field in kind.fields}
    name = visit.gw.directory.name(profile.agency, day_of(visit))
    return visit.html(
        "connection.html",
        status=error.http_status if error else 200,
        title=Bilingual(f"Kết nối của {name}", f"Connection of {name}"),
        profile=profile,
        kind=kind,
        kinds={one: kind_of(one).title for one in sorted(visit.gw.kinds, key=_order)},
        values=settings,
        others="\n".join(f"{one}={value}" for one, value in settings.items() if one not in known),
        problems=_problems(error),
        retype=retype,
        keeps_secret=keeps_secret,
        signatures=SIGNATURES,
        dialects=DIALECTS,
    )


def _order(kind: str) -> tuple[int, str]:
    known = list(KINDS)
    return (known.index(kind) if kind in known else len(known), kind)


def _problems(error: BadRequest | None) -> list[Bilingual]:
    if error is None:
        return []
    return [error.text, *(one.text for one in error.findings)]


def _profile(visit: Visit, code: AgencyCode) -> Profile:
    """What the form says."""
    form = visit.form
    adapter = form.get("adapter", "inbox")
    given = {field.name: form.get(f"set-{field.name}") for field in kind_of(adapter).fields}
    settings = {name: value for name, value in (given | _others(form.get("others"))).items() if value}
    dialect, signature = form.get("dialect"), form.get("envelope_signature", "if_present")
    if dialect not in DIALECTS or signature not in SIGNATURES:
        raise BadRequest(_CHOOSE, code="profile.choice")
    return Profile(
        code, adapter, tuple(sorted(settings.items())), dialect, signature, form.on("reports_arrival")
    )


def _others(text: str) -> dict[str, str]:
    """Further settings, one NAME=VALUE in each line."""
    found = {}
    for line in filter(None, (line.strip() for line in text.splitlines())):
        name, equals, value = line.partition("=")
        if not equals or not name.strip():
            raise BadRequest(_no_pair(line), code="profile.setting")
        found[name.strip()] = value.strip()
    return found


def _no_pair(line: str) -> Bilingual:
    return Bilingual(
        f"Thiết lập khác phải ghi dạng TÊN=GIÁ TRỊ, mỗi dòng một thiết lập; “{line[:100]}” thiếu dấu bằng.",
        f"Further settings are NAME=VALUE, one in each line; “{line[:100]}” is not.",
    )


def _done(kind: Bilingual) -> Bilingual:
    return Bilingual(
        f"Đã đặt kết nối: {kind.vi}. Văn bản đang chờ sẽ đi theo kết nối này.",
        f"Connected: {kind.en}. What waits goes this way.",
    )


_CHOOSE = Bilingual("Hãy chọn một trong các giá trị của biểu mẫu.", "Choose one of the form's values.")
_TITLE = Bilingual("Kết nối", "Connection")

PAGES = (
    Page("GET", "/agencies/{agency}/connection", show_form, _TITLE, RULE, "agencies"),
    Page("POST", "/agencies/{agency}/connection", connect, _TITLE, RULE, "agencies"),
)
