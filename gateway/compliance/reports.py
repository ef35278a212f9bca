"""Published reports: counted, frozen, signed, recorded; nothing of them changes later.

In charge of: publishing, reading and listing reports, and counting again to show what changed since. Not in
charge of: the form (``frozen``), what a report holds (``gathering``), printing (``forms``).

A later report of the same period is a new one: it names the one before and what differs. Publishing first
publishes a checkpoint of the exchange log, so the root that a report names is a signed one.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gateway.clock import to_rfc3339
from gateway.compliance import frozen, periods
from gateway.compliance.frozen import Cause, Difference, Frozen
from gateway.compliance.gathering import Count, body_of, counted
from gateway.compliance.periods import Period
from gateway.errors import NotFound, WrongState
from gateway.exchange_log.merkle import root
from gateway.exchange_log.sequence import stored_nodes
from gateway.flow import facts, record
from gateway.flow import log as exchange_log
from gateway.flow.door import Caller
from gateway.model.event import EventType
from gateway.model.text import Bilingual, Instant
from gateway.services import Services
from gateway.store import events, log, reports
from gateway.store.contract import Tx
from gateway.store.people import Role
from gateway.store.reports import LAST, Published

MOST = 100  # in one answer
_MAY_PUBLISH = (Role.OPERATOR, Role.ADMINISTRATOR)
_READERS = (Role.AUDITOR, Role.OPERATOR, Role.ADMINISTRATOR)


@dataclass(frozen=True, slots=True)
class RateChange:
    """A printed rate that differs. ``scope``: a level, or ``all``."""

    scope: str
    key: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """A published report against a count of now. ``events``: type -> how many the log holds more; ``days``:
    those of which the calendars differ."""

    report: str
    period: str
    size: int
    size_now: int
    causes: tuple[Cause, ...] = ()
    events: Mapping[str, int] = field(default_factory=dict)
    days: tuple[str, ...] = ()
    differences: tuple[Difference, ...] = ()
    rates: tuple[RateChange, ...] = ()

    @property
    def same(self) -> bool:
        """True when no figure moved."""
        return not self.differences and not self.rates


async def make(
    gw: Services, caller: Caller, period: str, query: str = "", count: Count | None = None
) -> dict[str, Any]:
    """The body of a report as of now, not published: without id and signature."""
    caller.require(*_READERS)
    chosen = periods.parse(period)
    found = await (count or counted)(gw, chosen)
    return await body_of(gw, chosen, found, query or f"gateway report make --period {chosen.name!r}")


async def publish(
    gw: Services,
    caller: Caller,
    period: str,
    query: str = "",
    count: Count | None = None,
    reason: str = "",
) -> Frozen:
    """Freeze the figures of a period as of now. A period that is not over is allowed: ``provisional``.
    ``reason``: why, where somebody was asked; it stands beside the event.

    ``WrongState`` (``report.raced``) when somebody published the same period meanwhile.
    """
    caller.require(*_MAY_PUBLISH)
    chosen = periods.parse(period)
    await exchange_log.make_checkpoint(gw, caller)
    said = query or f"gateway report publish --period {chosen.name!r}"
    body = await body_of(gw, chosen, await (count or counted)(gw, chosen), said)
    earlier = await gw.store.read(lambda tx: _newest(tx, chosen.name))
    at = gw.clock.now()
    named = {"id": gw.new_id(), "published_at": to_rfc3339(at), "publisher": caller.principal}
    report = frozen.freeze(gw.keyring, {**body, **named, "earlier": _named(earlier, {**body, **named})})
    await gw.store.write(lambda tx: _keep(tx, gw, caller, report, chosen, at, reason))
    file = report.file()
    await gw.on_disk(len(file), lambda: _lay_out(gw.reports_folder, report, file))
    return report


async def load(gw: Services, report: str) -> Frozen:
    """A report as it was published; anybody may read it. ``NotFound`` (``report.unknown``)."""
    file = await gw.store.read(lambda tx: reports.file_of(tx, report))
    if file is None:
        raise NotFound(_UNKNOWN, code="report.unknown")
    return await gw.offload(len(file), frozen.read, file)


async def file_of(gw: Services, report: str) -> bytes:
    """The bytes that were published: the same for everybody, for ever."""
    file = await gw.store.read(lambda tx: reports.file_of(tx, report))
    if file is None:
        raise NotFound(_UNKNOWN, code="report.unknown")
    return file


async def published(
    gw: Services, *, period: str = "", at: Instant = LAST, after: str = "", limit: int = MOST
) -> list[Published]:
    """Reports, newest first, after the position (``at``, ``after``); of one period or all."""
    name = periods.parse(period).name if period else ""
    return await gw.store.read(lambda tx: reports.before(tx, at, after, min(limit, MOST), name))


async def compare_now(gw: Services, caller: Caller, report: str, count: Count | None = None) -> Comparison:
    """Count the period again and say what changed since the report, and why. Nothing is published."""
    caller.require(*_READERS)
    old = await load(gw, report)
    period = periods.parse(old.body["period"]["name"])
    body = await body_of(gw, period, await (count or counted)(gw, period), "")
    blank = {"id": "", "published_at": "", "publisher": ""}
    return await gw.store.read(lambda tx: _compared(tx, old, Frozen({**body, **blank}, "", "")))


def _compared(tx: Tx, old: Frozen, new: Frozen) -> Comparison:
    size, now = old.body["data_as_of"]["size"], new.body["data_as_of"]["size"]
    why = frozen.causes(old, new)
    if _log_is_another(tx, old):
        why = [Cause("log.changed", _LOG_CHANGED), *why]
    return Comparison(
        report=old.id,
        period=old.body["period"]["name"],
        size=size,
        size_now=now,
        causes=tuple(why),
        events=reports.events_since(tx, size, now) if now > size else {},
        days=tuple(frozen.days_changed(old, new)),
        differences=tuple(frozen.compare(old, new, why)),
        rates=tuple(_rates_moved(old, new)),
    )


def _log_is_another(tx: Tx, old: Frozen) -> bool:
    """True when the log's first leaves are not those that the report counted."""
    size, stated = old.body["data_as_of"]["size"], str(old.body["data_as_of"]["root"])
    if size == 0 or log.state(tx).integrated < size:
        return False  # a shorter log is said elsewhere
    return root(stored_nodes(tx), size).hex() != stated


def _rates_moved(old: Frozen, new: Frozen) -> list[RateChange]:
    def printed(report: Frozen) -> dict[tuple[str, str], str]:
        return {(rate["scope"], rate["key"]): rate["text"] for rate in report.body["rates"]}

    had, has = printed(old), printed(new)
    return [
        RateChange(*place, had.get(place, "—"), has.get(place, "—"))
        for place in dict.fromkeys([*had, *has])
        if had.get(place) != has.get(place)
    ]


def _newest(tx: Tx, period: str) -> Frozen | None:
    found = reports.newest_of(tx, period)
    file = reports.file_of(tx, found.id) if found else None
    return frozen.read(file) if file else None


def _named(earlier: Frozen | None, body: Mapping[str, Any]) -> dict[str, Any] | None:
    """What a report says of the one before it."""
    if earlier is None:
        return None
    new = Frozen(body, "", "")
    return {
        "id": earlier.id,
        "sha256": earlier.sha256,
        "published_at": earlier.body["published_at"],
        "causes": [{"key": one.key, **one.text.as_json()} for one in frozen.causes(earlier, new)],
        "differences": [one.as_json() for one in frozen.compare(earlier, new)],
    }


def _keep(
    tx: Tx, gw: Services, caller: Caller, report: Frozen, period: Period, at: Instant, reason: str = ""
) -> None:
    """The row and the event, together."""
    earlier = report.body["earlier"]
    newest = reports.newest_of(tx, period.name)
    if (newest.id if newest else None) != (earlier["id"] if earlier else None):
        raise WrongState(_RACED, code="report.raced")
    told = {
        "report": report.id,
        "sha256": report.sha256,
        "period": period.as_json(),
        "data_as_of": report.body["data_as_of"],
    }
    private = facts.salted({"reason": reason})
    event = record.event(gw, EventType.REPORT_PUBLISHED, caller.principal, at, facts=told, private=private)
    events.record(tx, event)
    reports.add(tx, _row(report, period, caller, at), report.file(), event.id)


def _row(report: Frozen, period: Period, caller: Caller, at: Instant) -> Published:
    return Published(
        id=report.id,
        period=period.name,
        from_=period.from_,
        to=period.to,
        provisional=report.body["provisional"],
        synthetic=report.body["synthetic"],
        sha256=report.sha256,
        leaves=report.body["data_as_of"]["size"],
        earlier=report.body["earlier"]["id"] if report.body["earlier"] else "",
        published_at=at,
        published_by=caller.principal,
    )


def file_name(report: Frozen) -> str:
    """``2020-W16_0195….json``: the period in letters that every file system takes."""
    return f"{re.sub(r'[^0-9A-Za-z-]+', '_', report.body['period']['name'])}_{report.id}.json"


def _lay_out(folder: Path | None, report: Frozen, file: bytes) -> None:
    """A copy of the file in the installation's folder; the row is what counts."""
    if folder is None:
        return
    folder.mkdir(mode=0o755, exist_ok=True)
    target = folder / file_name(report)
    part = target.with_suffix(f".{os.getpid()}.part")  # nodes of one machine may share the folder
    part.write_bytes(file)
    part.replace(target)


# ---------------------------------------------------------------- operations (``operations.py``)


async def make_json(gw: Services, caller: Caller, period: str) -> dict[str, Any]:
    """``report.make``"""
    return await make(gw, caller, period)


async def publish_json(gw: Services, caller: Caller, period: str) -> dict[str, Any]:
    """``report.publish``"""
    report = await publish(gw, caller, period)
    return {**_summary(report), "file": file_name(report)}


async def list_json(gw: Services, caller: Caller, period: str = "") -> list[Published]:
    """``report.list``"""
    caller.require(*_READERS)
    return await published(gw, period=period)


async def show_json(gw: Services, caller: Caller, report: str) -> dict[str, Any]:
    """``report.show``: the whole file."""
    caller.require(*_READERS)
    found = await load(gw, report)
    return {"body": dict(found.body), "sha256": found.sha256, "jws": found.jws}


async def compare_json(gw: Services, caller: Caller, report: str) -> dict[str, Any]:
    """``report.compare``"""
    found = await compare_now(gw, caller, report)
    return {
        "report": found.report,
        "period": found.period,
        "size": found.size,
        "size_now": found.size_now,
        "same": found.same,
        "causes": causes_json(found.causes),
        "events": dict(found.events),
        "days": list(found.days),
        "differences": [one.as_json() for one in found.differences],
        "rates": list(found.rates),
    }


def causes_json(why: Sequence[Cause]) -> list[dict[str, str]]:
    """Key, Vietnamese and English."""
    return [{"key": one.key, **one.text.as_json()} for one in why]


def _summary(report: Frozen) -> dict[str, Any]:
    body = report.body
    return {
        "id": report.id,
        "period": body["period"],
        "provisional": body["provisional"],
        "synthetic": body["synthetic"],
        "sha256": report.sha256,
        "data_as_of": body["data_as_of"],
        "earlier": body["earlier"]["id"] if body["earlier"] else "",
        "differences": len(body["earlier"]["differences"]) if body["earlier"] else 0,
    }


_UNKNOWN = Bilingual(
    "Không có báo cáo nào mang số này. Hãy xem danh sách báo cáo đã công bố.",
    "There is no report with this id. See the list of published reports.",
)
_RACED = Bilingual(
    "Vừa có người khác công bố báo cáo của kỳ này. Hãy xem báo cáo đó rồi công bố lại nếu còn cần.",
    "Somebody else has just published this period. Look at that report, then publish again if still needed.",
)
_LOG_CHANGED = Bilingual(
    "Phần nhật ký đã đếm khi công bố không còn như cũ: sự kiện đã bị sửa. Hãy chạy gateway log verify.",
    "The part of the log that was counted then is another now: events were changed. Run gateway log verify.",
)

__all__ = [
    "Comparison",
    "RateChange",
    "compare_now",
    "file_name",
    "file_of",
    "load",
    "make",
    "publish",
    "published",
]
