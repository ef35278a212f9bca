"""/console/compose: send a signed PDF where the document system is missing or down.

In charge of: the form, finding recipients, and showing what is wrong with everything still filled in. Not in
charge of: writing the message and sending it (``flow/letter.py``).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import date
from typing import Any

from aiohttp import web

from gateway.clock import local_day
from gateway.errors import GatewayError
from gateway.flow.letter import (
    TYPES,
    AgencyFinder,
    Draft,
    LetterFile,
    can_receive,
    problems,
    send_letter,
)
from gateway.model.text import AgencyCode, Bilingual, readable
from gateway.web.console.desk import Bar, bar_of, name_of
from gateway.web.console.forms import File, Form
from gateway.web.console.page import DESK, Moved, Page, Visit
from gateway.web.console.serve import ROOT
from gateway.web.console.transfer import parts_of, safe_name

FINDER = AgencyFinder()
FORM_BYTES = 1_048_576  # beside the files
LISTED = 100  # recipients that are listed by name; the others are counted
URGENCIES = (
    ("0", Bilingual("Thường", "Not urgent")),
    ("1", Bilingual("Khẩn", "Urgent")),
    ("2", Bilingual("Thượng khẩn", "Very urgent")),
    ("3", Bilingual("Hỏa tốc", "Most urgent")),
    ("4", Bilingual("Hỏa tốc hẹn giờ", "Most urgent, timed")),
)
COMPETENCES = ("", "TM.", "KT.", "TL.", "TUQ.", "Q.")  # NĐ 30/2020 PL I II.7
SEPARATORS = re.compile(r"[\s,;]+")


async def show_form(visit: Visit) -> web.StreamResponse:
    """The empty form, dated today."""
    bar = bar_of(visit, "compose")
    today = local_day(visit.gw.clock.now())
    return _page(visit, bar, Form({"day": (today.isoformat(),), "agency": (bar.agency,)}))


async def find_recipients(visit: Visit) -> web.StreamResponse:
    """Look agencies up by name, take and drop recipients; nothing that was typed is lost."""
    bar = bar_of(visit, "compose", visit.form.get("agency"))
    if visit.request.headers.get("HX-Request") == "true":
        return visit.part_html("compose_recipients.html", bar=bar, **_recipients(visit, visit.form))
    return _page(visit, bar, visit.form)


async def send(visit: Visit) -> web.StreamResponse | Moved:
    """Send it, or show the form again with what is wrong. Files have to be chosen again then."""
    limit = visit.gw.config.limits.upload_bytes + FORM_BYTES
    with ExitStack() as staged:
        form, files = await _read(visit, limit, staged)
        bar = bar_of(visit, "compose", form.get("agency"))
        draft = _draft(visit, bar, form)
        if wrong := problems(draft, files):
            return _page(visit, bar, form, wrong, status=400)
        try:
            done = await send_letter(visit.gw, visit.caller, draft, files)
        except GatewayError as error:
            return _page(visit, bar, form, (error.text,), error, status=error.http_status)
    return Moved(f"{ROOT}/desk/sent/{done.document}", _sent(done.repeated, done.decision.value))


async def _read(visit: Visit, limit: int, staged: ExitStack) -> tuple[Form, list[LetterFile]]:
    """The fields and the staged files, the document itself first."""
    form, main, more = Form(), list[LetterFile](), list[LetterFile]()
    async for part in parts_of(visit, limit):
        if isinstance(part, Form):
            form = part
            continue
        if not part.name:  # a field for files in which none was chosen
            continue
        file = await _staged(visit, part, staged)
        (main if part.field == "main" else more).append(file)
    return form, [*main[:1], *more] if main else []


async def _staged(visit: Visit, part: File, staged: ExitStack) -> LetterFile:
    staging = staged.enter_context(visit.gw.blobs.stage(visit.gw.config.limits.attachment_bytes))
    async for chunk in part.chunks:
        staging.write(chunk)
    return LetterFile(safe_name(part.name), staging)


def _draft(visit: Visit, bar: Bar, form: Form) -> Draft:
    def text(name: str) -> str:
        return " ".join(readable(form.get(name)).split())

    return Draft(
        sender=bar.agency,
        to=tuple(_chosen(visit, form)[0]),
        number=text("number"),
        notation=text("notation"),
        day=_day(form.get("day")),
        type_name=text("type"),
        subject=text("subject"),
        competence=text("competence"),
        position=text("position"),
        signer=text("signer"),
        urgency=text("urgency") or "0",
        place=text("place"),
        again=form.on("again"),
    )


def _page(
    visit: Visit,
    bar: Bar,
    form: Form,
    wrong: Sequence[Bilingual] = (),
    error: GatewayError | None = None,
    *,
    status: int = 200,
) -> web.StreamResponse:
    return visit.html(
        "compose.html",
        status=status,
        title=visit.page.title,
        bar=bar,
        form=form,
        wrong=wrong,
        refused=error,
        types=TYPES,
        urgencies=URGENCIES,
        competences=COMPETENCES,
        most=visit.gw.config.limits.attachment_bytes,
        **_recipients(visit, form),
    )


def _recipients(visit: Visit, form: Form) -> dict[str, Any]:
    """Who was chosen so far, and what the search found besides."""
    chosen, unknown = _chosen(visit, form)
    today = local_day(visit.gw.clock.now())
    found = [one for one in FINDER.find(visit.gw, form.get("find")) if one.code not in set(chosen)]
    return {
        "chosen": chosen,
        "named": [(code, name_of(visit, code)) for code in chosen[:LISTED]],
        "unknown": unknown,
        "find": form.get("find"),
        "results": [(one, len(visit.gw.directory.children(one.code, today))) for one in found],
    }


def _chosen(visit: Visit, form: Form) -> tuple[list[AgencyCode], list[str]]:
    """Recipients: those chosen before, those ticked now, what was pasted; without those dropped. And what of
    the pasted codes nobody knows."""
    directory, today = visit.gw.directory, local_day(visit.gw.clock.now())
    texts = SEPARATORS.split(f"{form.get('chosen')} {form.get('paste')} {' '.join(form.all('add'))}")
    below = [directory.resolve(text) for text in form.all("below")]
    codes = [(text, directory.resolve(text)) for text in texts if text]
    taken = [code for _, code in codes if code is not None and can_receive(visit.gw, code)]
    taken += [one.code for code in below if code for one in directory.children(code, today) if not one.test]
    dropped = {directory.resolve(text) for text in form.all("drop")}
    unknown = [text[:60] for text, code in codes if code is None or not can_receive(visit.gw, code)]
    return [code for code in dict.fromkeys(taken) if code not in dropped], unknown[:20]


def _day(text: str) -> date | None:
    """2026-11-24 as browsers send it, or 24/11/2026 as people type it."""
    if found := re.fullmatch(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})", text):
        text = f"{found[3]}-{int(found[2]):02}-{int(found[1]):02}"
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _sent(repeated: bool, decision: str) -> Bilingual:
    if repeated:
        return _REPEATED
    return _HELD if decision == "hold" else _ACCEPTED


_ACCEPTED = Bilingual(
    "Trục đã nhận văn bản; phiếu xác nhận ở bên dưới.",
    "The gateway took the document; its receipt stands below.",
)
_HELD = Bilingual(
    "Trục đã nhận văn bản nhưng tạm giữ để người phụ trách xem; phiếu xác nhận ở bên dưới.",
    "The gateway took the document and holds it for a person; its receipt stands below.",
)
_REPEATED = Bilingual(
    "Văn bản này đã được gửi trước đó; trục trả lại phiếu xác nhận cũ và không gửi lần thứ hai.",
    "This document was sent before: here is its first receipt, and nothing was sent twice.",
)
_TITLE = Bilingual("Soạn và gửi văn bản đã ký số", "Send a signed document")

PAGES = (
    Page("GET", "/compose", show_form, _TITLE, DESK, "desk"),
    Page("POST", "/compose", send, _TITLE, DESK, "desk", upload=True),
    Page("POST", "/compose/find", find_recipients, _TITLE, DESK, "desk"),
)
