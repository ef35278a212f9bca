"""The working-day calendar: shown, compared with a new one, replaced by a person who answers for it.

In charge of: what an import would change (days, and deadlines of days that are over), approving a version and
recording who did and why. A new version counts for what is counted from then on; reports that were published
keep theirs. Not in charge of: reading files (``calendar_data.py``), deadlines in hours
(``compliance/deadlines.py``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from gateway.calendar_data import read_calendar
from gateway.clock import local_day
from gateway.errors import BadRequest
from gateway.flow import facts, record
from gateway.flow.door import Caller, stated
from gateway.flow.look import SEES_ALL
from gateway.model.calendar import Calendar, CalendarVersion, Day
from gateway.model.event import EventType
from gateway.model.text import Bilingual, Instant
from gateway.services import Services
from gateway.store import calendars, events
from gateway.store.contract import Tx
from gateway.store.people import Role

_ONE = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Shown:
    """A version, whole or of one year. ``covered``: the data speaks about that year."""

    version: str
    sha256: str
    years: tuple[int, ...]
    covered: bool
    days: tuple[Day, ...]


@dataclass(frozen=True, slots=True)
class Listed:
    """A version and where it comes from. ``approved_by`` is empty for the shipped one."""

    version: str
    sha256: str
    days: int
    years: tuple[int, ...]
    doubtful: int
    valid_from: Instant
    approved_by: str
    reason: str
    in_force: bool


@dataclass(frozen=True, slots=True)
class Change:
    """A day that is other than before; ``None``: not named."""

    date: date
    before: Day | None
    after: Day | None


@dataclass(frozen=True, slots=True)
class Moved:
    """A day of signing whose next working day, and so both deadlines, is another. ``past``: it was over."""

    signed: date
    before: date
    after: date
    past: bool


@dataclass(frozen=True, slots=True)
class Preview:
    """What a new version would change against the one in force. ``approved``: it is in force now."""

    version: str
    sha256: str
    days: int
    years: tuple[int, ...]
    years_lost: tuple[int, ...]  # answered by weekends alone from then on
    doubtful: int
    against: str  # the version in force
    changes: tuple[Change, ...]
    deadlines: tuple[Moved, ...]
    approved: bool = False


async def show(gw: Services, caller: Caller, year: int = 0, version: str = "") -> Shown:
    """The version in force (or the named one), of one year or (0) whole."""
    versions = await gw.store.read(calendars.read)
    calendar = calendars.latest(versions, gw.clock.now()).calendar
    if version:
        found = next((one.calendar for one in versions if one.calendar.version == version), None)
        if found is None:
            raise BadRequest(_unknown(version), code="calendar.unknown")
        calendar = found
    days = tuple(calendar.days[day] for day in sorted(calendar.days) if year in (0, day.year))
    covered = not year or year in calendar.years
    return Shown(calendar.version, calendar.sha256, calendar.years, covered, days)


async def versions(gw: Services, caller: Caller) -> list[Listed]:
    """Every version, the shipped one first."""
    caller.require(*SEES_ALL)
    found = await gw.store.read(calendars.read)
    current = calendars.latest(found, gw.clock.now())
    return [_listed(gw, one, one is current) for one in found]


async def import_preview(gw: Services, caller: Caller, text: str, version: str = "") -> Preview:
    """What a file (TOML or CSV) would change. ``BadRequest`` says what is wrong with it."""
    caller.require(*SEES_ALL)
    return preview(gw.calendar, read_calendar(text, version), local_day(gw.clock.now()))


async def import_calendar(
    gw: Services, caller: Caller, text: str, version: str = "", approve_it: bool = False, reason: str = ""
) -> Preview:
    """The preview; with ``approve_it`` and a reason the file is in force from now on."""
    if not approve_it:
        return await import_preview(gw, caller, text, version)
    return await approve(gw, caller, read_calendar(text, version), reason)


async def approve(gw: Services, caller: Caller, calendar: Calendar, reason: str) -> Preview:
    """Put a version in force from now on; what it changed. ``BadRequest``: its name was used before, or it
    changes nothing."""
    caller.require(Role.OPERATOR, Role.ADMINISTRATOR)
    reason = stated(reason)

    def unit(tx: Tx) -> Preview:
        at = gw.clock.now()
        known = calendars.read(tx)
        current = calendars.latest(known, at).calendar
        _require_new(calendar, current, known)
        approved = record.event(
            gw,
            EventType.CALENDAR_APPROVED,
            caller.principal,
            at,
            facts={
                "version": calendar.version,
                "sha256": calendar.sha256,
                "days": len(calendar.days),
                "valid_from": at,
                "replaces": current.version,
            },
            private=facts.salted({"reason": reason}),
        )
        events.record(tx, approved)
        calendars.add(tx, CalendarVersion(calendar, at, caller.principal, reason), approved.id)
        return preview(current, calendar, local_day(at), approved=True)

    done = await gw.store.write(unit)
    await gw.refresh()
    return done


def preview(current: Calendar, new: Calendar, today: date, approved: bool = False) -> Preview:
    """What differs between two versions."""
    return Preview(
        version=new.version,
        sha256=new.sha256,
        days=len(new.days),
        years=new.years,
        years_lost=tuple(year for year in current.years if year not in new.years),
        doubtful=sum(day.doubtful for day in new.days.values()),
        against=current.version,
        changes=tuple(changes(current, new)),
        deadlines=tuple(moved_deadlines(current, new, today)),
        approved=approved,
    )


def changes(current: Calendar, new: Calendar) -> Iterator[Change]:
    """Days that are named otherwise, in order."""
    for day in sorted(current.days.keys() | new.days.keys()):
        before, after = current.days.get(day), new.days.get(day)
        if before != after:
            yield Change(day, before, after)


def moved_deadlines(current: Calendar, new: Calendar, today: date) -> Iterator[Moved]:
    """Days of signing after which another day is the next working day, in order."""
    touched = [day.date for day in changes(current, new) if _works(current, day) != _works(new, day)]
    for day in sorted({signed for one in touched for signed in _before(current, new, one)}):
        before, after = current.next_working_day(day), new.next_working_day(day)
        if before != after:
            yield Moved(day, before, after, past=min(before, after) < today)


def _before(current: Calendar, new: Calendar, touched: date) -> Iterator[date]:
    """Days of signing that a changed day can matter to: back to the last that both versions work on."""
    day = touched - _ONE
    while not (current.is_working(day) and new.is_working(day)):
        yield day
        day -= _ONE
    yield day


def _works(calendar: Calendar, change: Change) -> bool:
    return calendar.is_working(change.date)


def _require_new(calendar: Calendar, current: Calendar, known: tuple[CalendarVersion, ...]) -> None:
    if any(one.calendar.version == calendar.version for one in known):
        raise BadRequest(_used(calendar.version), code="calendar.version_used")
    if calendar.sha256 == current.sha256:
        raise BadRequest(_same(current.version), code="calendar.same")


def _listed(gw: Services, one: CalendarVersion, current: bool) -> Listed:
    names = {p.id: p.name for p in gw.people.principals}
    return Listed(
        version=one.calendar.version,
        sha256=one.calendar.sha256,
        days=len(one.calendar.days),
        years=one.calendar.years,
        doubtful=sum(day.doubtful for day in one.calendar.days.values()),
        valid_from=one.valid_from,
        approved_by=names.get(one.approved_by, one.approved_by),
        reason=one.reason,
        in_force=current,
    )


def _unknown(version: str) -> Bilingual:
    return Bilingual(
        f"Không có phiên bản lịch làm việc “{version}”. Hãy xem: gateway calendar versions",
        f"There is no calendar version “{version}”. See: gateway calendar versions",
    )


def _used(version: str) -> Bilingual:
    return Bilingual(
        f"Tên phiên bản “{version}” đã dùng rồi. Lịch đã phê duyệt thì không sửa; hãy đặt tên khác cho lịch "
        "mới.",
        f"The version name “{version}” was used before. An approved calendar never changes: name the new one "
        "otherwise.",
    )


def _same(version: str) -> Bilingual:
    return Bilingual(
        f"Tệp này không khác gì lịch đang áp dụng ({version}) nên không cần phê duyệt.",
        f"This file says the same as the calendar in force ({version}); there is nothing to approve.",
    )


__all__ = ["Preview", "approve", "import_calendar", "import_preview", "preview", "show", "versions"]
