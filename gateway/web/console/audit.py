"""/console/audit: the event stream, its proofs and checkpoints, and who looked at what.

In charge of: filters, one event as a page, running the verification and showing what it says. Not in charge
of: finding events (``flow/look_log.py``), proving them (``flow/log.py``, ``flow/log_verify.py``).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from typing import Any
from urllib.parse import urlencode

import orjson
from aiohttp import web

from gateway.clock import SECOND, from_datetime, local_day
from gateway.flow import look_log
from gateway.flow.log_verify import verify_log
from gateway.flow.look_log import Sought
from gateway.model.event import MEANING, EventType
from gateway.model.text import Bilingual, Instant
from gateway.web.console.page import WATCH, Moved, Page, Visit
from gateway.web.console.serve import ROOT

VIETNAM = timezone(timedelta(hours=7))
DAY = 86_400 * SECOND
VIEWS = ("person.viewed", "person.opened", "evidence.exported")


@dataclass(slots=True)
class Verifying:
    """The one verification that runs, or ran last, in this process."""

    task: asyncio.Task[dict[str, Any]] | None = None
    began_at: Instant | None = None
    ended_at: Instant | None = None


VERIFYING = web.AppKey("verifying", Verifying)


async def show_stream(visit: Visit) -> web.StreamResponse:
    """Events, newest first, as filtered."""
    query = visit.query
    agency = visit.agency(query["agency"]) if query.get("agency", "").strip() else ""
    known = {kind.value for kind in EventType}
    sought = Sought(
        query.get("type", "") if query.get("type", "") in known else "",
        agency,
        query.get("actor", ""),
        _start(query.get("from", "")),
        _before(query.get("before", ""), query.get("to", "")),
    )
    page = await look_log.stream(visit.gw, visit.caller, sought)
    kept = {name: query.get(name, "") for name in ("type", "agency", "actor", "from", "to")}
    following = f"{page.before[0]}~{page.before[1]}" if page.before else ""
    return visit.html(
        "audit.html",
        title=visit.page.title,
        page=page,
        kept=kept,
        types=sorted(known),
        who={principal.id: principal.name for principal in visit.gw.people.principals},
        following=urlencode({**kept, "before": following}) if following else "",
        today=local_day(visit.gw.clock.now()).isoformat(),
    )


async def show_event(visit: Visit) -> web.StreamResponse:
    """One event: its body, what stands beside it, its leaf and the checkpoint over it."""
    view = await look_log.event(visit.gw, visit.caller, visit.part("event"))
    actor = visit.gw.people.principal(view.line.facts.get("actor", ""))
    body = orjson.dumps(view.line.facts, option=orjson.OPT_INDENT_2).decode()
    return visit.html(
        "event.html",
        title=visit.page.title,
        view=view,
        meaning=MEANING[EventType(view.line.type)],
        actor=actor.name if actor else view.line.facts.get("actor", ""),
        body=body,
    )


async def show_checkpoints(visit: Visit) -> web.StreamResponse:
    """Signed heads, newest first."""
    heads = await look_log.checkpoints(visit.gw, visit.caller, visit.number("before", 2**53, 2**53))
    return visit.html(
        "checkpoints.html", title=visit.page.title, heads=heads, more=len(heads) == look_log.PAGE
    )


async def show_checkpoint(visit: Visit) -> web.Response:
    """The signed note itself, as witnesses and auditors take it."""
    number = visit.part("number")
    before = int(number) + 1 if number.isascii() and number.isdigit() and len(number) < 12 else 0
    heads = await look_log.checkpoints(visit.gw, visit.caller, before)
    if not heads or str(heads[0][0].number) != number:
        return visit.html("audit_none.html", status=404, title=visit.page.title)
    head, cosigned = heads[0]
    note = head.note + "".join(f"{one.line}\n" for one in cosigned)
    name = f"checkpoint-{head.number}.txt"
    return web.Response(
        text=note,
        content_type="text/plain",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


async def show_verify(visit: Visit) -> web.StreamResponse:
    """What a verification of the whole stored log said, or that one runs."""
    return visit.html("verify.html", title=visit.page.title, **_verification(visit))


async def show_verify_live(visit: Visit) -> web.StreamResponse:
    """The same while one waits."""
    return visit.part_html("verify_live.html", **_verification(visit))


async def start_verify(visit: Visit) -> Moved:
    """Verify the stored log from its first leaf to its last. One at a time: a second asks for the same."""
    state = visit.request.app[VERIFYING]
    if state.task is None or state.task.done():
        state.began_at, state.ended_at = visit.gw.clock.now(), None
        state.task = asyncio.create_task(_verify(visit, state))
    return Moved(f"{ROOT}/audit/verify")


async def _verify(visit: Visit, state: Verifying) -> dict[str, Any]:
    try:
        return await verify_log(visit.gw, visit.caller)
    finally:
        state.ended_at = visit.gw.clock.now()


def _verification(visit: Visit) -> dict[str, Any]:
    state = visit.request.app[VERIFYING]
    running = state.task is not None and not state.task.done()
    result, failed = None, False
    if state.task is not None and state.task.done() and not state.task.cancelled():
        failed = state.task.exception() is not None
        result = None if failed else state.task.result()
    return {"running": running, "result": result, "failed": failed, "state": state}


def _start(day: str) -> Instant:
    found = _day(day)
    return from_datetime(datetime.combine(found, time(), VIETNAM)) if found else Instant(0)


def _before(position: str, to_day: str) -> tuple[Instant, str]:
    at, _, event = position.partition("~")
    if at.isascii() and at.isdigit() and len(at) < 18:
        return Instant(int(at)), event
    found = _day(to_day)
    if not found:
        return look_log.END
    return Instant(from_datetime(datetime.combine(found, time(), VIETNAM)) + DAY), ""


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


_TITLE = Bilingual("Nhật ký gửi, nhận", "Exchange log")
_EVENT = Bilingual("Sự kiện", "Event")
_CHECKPOINTS = Bilingual("Mốc chốt nhật ký", "Checkpoints")
_VERIFY = Bilingual("Kiểm tra nhật ký", "Verify the log")

PAGES = (
    Page("GET", "/audit", show_stream, _TITLE, WATCH, "audit"),
    Page("GET", "/audit/checkpoints", show_checkpoints, _CHECKPOINTS, WATCH, "audit"),
    Page("GET", "/audit/checkpoints/{number}", show_checkpoint, _CHECKPOINTS, WATCH, "audit"),
    Page("GET", "/audit/verify", show_verify, _VERIFY, WATCH, "audit"),
    Page("GET", "/audit/verify/live", show_verify_live, _VERIFY, WATCH, "audit", live=True),
    Page("POST", "/audit/verify", start_verify, _VERIFY, WATCH, "audit"),
    Page("GET", "/audit/{event}", show_event, _EVENT, WATCH, "audit"),
)
