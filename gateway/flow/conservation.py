"""The conservation ledger: counted from the leaves of the log alone, compared with the delivery table.

In charge of: what an event means for the equation, counting new leaves, comparing stretches of deliveries,
the alarm, the ledger of a day, and counting everything again. Not in charge of: when
(``delivery/conserve.py``), the equation (``model/conservation.py``).

An event counts by its own words: it leaves ``from_state`` and enters ``to_state``. So sums do not depend on
the order of leaves, an event that fits no other breaks the equation of its day, and a row that was changed
without an event (or the other way round) differs from the sum of its delivery's events.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from typing import Any

import orjson

from gateway.clock import local_day
from gateway.errors import Busy
from gateway.flow import record
from gateway.flow.door import Caller
from gateway.model.conservation import (
    OPEN_STATES,
    STATES,
    Balance,
    DayKey,
    OfDelivery,
    Succession,
    Totals,
    balance,
)
from gateway.model.event import EventType
from gateway.model.text import AgencyCode, Bilingual, Instant
from gateway.services import Services
from gateway.store import archive, conservation, deliveries, events
from gateway.store.conservation import Difference, Suspect
from gateway.store.contract import Tx
from gateway.store.people import Role

BATCH = 1000  # leaves counted in one transaction
STRETCH = 20_000  # deliveries compared in one round
MOST_FOUND = 500  # differences taken up in one round
WATCHERS = (Role.AUDITOR, Role.OPERATOR, Role.ADMINISTRATOR)
_REROUTED = EventType.DELIVERY_REROUTED.value
_PASSED = frozenset({"delivered", "rejected", "cancelled", "recalled"})


@dataclass(slots=True)
class Count:
    """What some events say, in all."""

    days: dict[DayKey, Totals] = field(default_factory=dict)
    deliveries: dict[str, OfDelivery] = field(default_factory=dict)
    successions: dict[Succession, int] = field(default_factory=dict)

    def take(self, body: dict[str, Any]) -> None:
        """Count one event, if it moves a delivery."""
        if not str(body["type"]).startswith("delivery.") or "delivery" not in body:
            return
        before, after = body.get("from_state", ""), body.get("to_state", "")
        rerouted = body["type"] == _REROUTED
        if after in STATES and (rerouted or before != after):
            self._take(body, before, after, rerouted)

    def _take(self, body: dict[str, Any], before: str, after: str, rerouted: bool) -> None:
        day = local_day(Instant(body["at"])).isoformat()
        what = "status" if body.get("kind") == "status" else "document"
        sender, recipient = AgencyCode(body["sender"]), AgencyCode(body["recipient"])
        left = AgencyCode(body.get("rerouted_from") or body.get("addressed") or recipient)
        sends = self._totals(DayKey(day, "sender", sender, what))
        receives = self._totals(DayKey(day, "recipient", recipient, what))
        leaves = self._totals(DayKey(day, "recipient", left, what)) if rerouted else receives
        counted = self.deliveries.setdefault(body["delivery"], OfDelivery(body["document"], recipient))
        counted.recipient = recipient
        if before:
            counted.add(before, -1)
        else:
            for totals in (sends, receives, counted):
                totals.add("made")
        counted.add(after)
        _move(sends, sends, before, after)
        _move(leaves, receives, before, after)
        if rerouted:
            leaves.add("handed_on")
            receives.add("taken_over")
        self._succeed(body, day, what, before, rerouted)

    def _succeed(self, body: dict[str, Any], day: str, what: str, before: str, rerouted: bool) -> None:
        named = body.get("addressed", body["recipient"])
        if named == body["recipient"] or (before and not rerouted):
            return
        key = Succession(day, AgencyCode(named), AgencyCode(body["recipient"]), what)
        self.successions[key] = self.successions.get(key, 0) + 1

    def _totals(self, key: DayKey) -> Totals:
        return self.days.setdefault(key, Totals())


def _move(leaves: Totals, enters: Totals, before: str, after: str) -> None:
    """Open states are a stock, the others a number of passages."""
    if before in OPEN_STATES:
        leaves.add(before, -1)
    if after in OPEN_STATES or after in _PASSED:
        enters.add(after)


@dataclass(frozen=True, slots=True)
class Ledger:
    """The lines of a day, the successions, what does not agree, and how far the count is."""

    day: str
    lines: tuple[dict[str, Any], ...]
    successions: tuple[dict[str, Any], ...]
    differences: tuple[Difference, ...]
    uncounted: int  # leaves of the log that are not counted yet
    compared_at: Instant | None  # when all deliveries had been compared
    holds: bool


async def count(gw: Services, limit: int = BATCH) -> int:
    """Count the next leaves; how many they were. Another process that counts them is no error."""

    def unit(tx: Tx) -> int:
        start = conservation.progress(tx).next_leaf
        bodies = conservation.bodies(tx, start, limit)
        if not bodies or not conservation.move(tx, start, start + len(bodies)):
            return 0
        counted = of_bodies(bodies)
        conservation.add(tx, counted.days, counted.deliveries, counted.successions)
        return len(bodies)

    if await gw.store.read(conservation.leaves_left) == 0:
        return 0
    return await gw.store.write(unit)


def of_bodies(bodies: Iterable[bytes], counted: Count | None = None) -> Count:
    """What these events say, added to ``counted``."""
    counted = counted or Count()
    for body in bodies:
        counted.take(orjson.loads(body))
    return counted


async def compare(gw: Services, length: int = STRETCH) -> int:
    """Lay the next stretch of deliveries beside the count, and look again at what differed; how many differ
    in all. A difference is recorded once, as an event."""
    looked = await gw.store.read(lambda tx: _look(tx, length))
    if looked.found or looked.agree or looked.is_progress:
        await gw.store.write(lambda tx: _note(tx, gw, looked))
    differences = await gw.store.read(conservation.count_differences)
    gw.metrics.conservation_differences.set(differences)
    return differences


async def show_conservation(
    gw: Services, caller: Caller, day: date | None = None, agency: str = ""
) -> Ledger:
    """The ledger of a day (today by default), of one agency or of all."""
    caller.require(*WATCHERS)
    on = (day or local_day(gw.clock.now())).isoformat()
    code = gw.directory.canonical(agency) if agency else ""
    return await gw.store.read(lambda tx: _ledger(tx, on, code))


async def recount(gw: Services, caller: Caller, rebuild: bool = False) -> dict[str, Any]:
    """Count everything again from the events, beside the tables; with ``rebuild`` write them anew.

    Rows that differ are named; the tables are right when there are none.
    """
    caller.require(*WATCHERS)
    if rebuild:
        caller.require(Role.ADMINISTRATOR)
        await gw.store.read(lambda tx: archive.require_leaves(tx, 0, None))
        await gw.store.write(conservation.forget)
        while await count(gw):
            pass
    counted, leaf = Count(), 0
    while bodies := await gw.store.read(partial(_counted_bodies, leaf=leaf)):
        of_bodies(bodies, counted)
        leaf += len(bodies)
    unlike = await gw.store.read(lambda tx: _unlike(tx, counted, leaf))
    return {"leaves": leaf, "rows": len(counted.days), "unlike": unlike}


def _counted_bodies(tx: Tx, leaf: int) -> list[bytes]:
    """The next bodies from ``leaf`` on that the tables have counted."""
    left = conservation.progress(tx).next_leaf - leaf
    return conservation.bodies(tx, leaf, min(5 * BATCH, left)) if left > 0 else []


def _unlike(tx: Tx, counted: Count, leaf: int) -> list[dict[str, Any]]:
    """Rows of the tables that are not what was counted, as {row, counted, stored}."""
    if conservation.progress(tx).next_leaf != leaf:
        raise Busy(_MOVED, code="conservation.moved", retry_after=1)
    days, successions = conservation.everything(tx)
    unlike: list[dict[str, Any]] = []
    for key in sorted(days.keys() | counted.days.keys(), key=str):
        stored, right = days.get(key, Totals()), counted.days.get(key, Totals())
        if stored != right:
            unlike.append(
                {"row": key.as_columns(), "counted": right.as_columns(), "stored": stored.as_columns()}
            )
    for one in sorted(successions.keys() | counted.successions.keys(), key=str):
        found = (counted.successions.get(one, 0), successions.get(one, 0))
        if found[0] != found[1]:
            unlike.append({"row": one.as_columns(), "counted": found[0], "stored": found[1]})
    return unlike


@dataclass(frozen=True, slots=True)
class _Looked:
    found: tuple[Suspect, ...]
    agree: tuple[str, ...]  # deliveries that differed before
    upto: str
    is_progress: bool


def _look(tx: Tx, length: int) -> _Looked:
    after = conservation.progress(tx).compared_to
    upto = conservation.stretch_end(tx, after, length)
    found = {one.delivery: one for one in conservation.suspects(tx, after, upto, MOST_FOUND)}
    agree = []
    for known in conservation.open_differences(tx, MOST_FOUND):
        if known.delivery in found:
            continue
        again = conservation.suspect(tx, known.delivery)
        if again is None:
            agree.append(known.delivery)
    return _Looked(tuple(found.values()), tuple(agree), upto, upto != after)


def _note(tx: Tx, gw: Services, looked: _Looked) -> None:
    at = gw.clock.now()
    for one in looked.found:
        _alarm(tx, gw, one, at)
    conservation.solve(tx, looked.agree, at)
    whole = looked.upto == conservation.LAST
    conservation.note_compared(tx, "" if whole else looked.upto, at if whole else None)


def _alarm(tx: Tx, gw: Services, one: Suspect, at: Instant) -> None:
    """Remember a difference; recorded when it is new, with what each side says."""
    delivery = deliveries.find(tx, one.delivery)
    broken = record.event(
        gw,
        EventType.CONSERVATION_BROKEN,
        record.GATEWAY,
        at,
        document=one.document,
        sender=delivery.sender if delivery else "",
        recipient=delivery.recipient if delivery else "",
        facts={"of_delivery": one.delivery, "events_say": one.events_say, "row_says": one.row_says},
    )
    found = Difference(one.delivery, one.document, one.events_say, one.row_says, at, broken.id)
    if conservation.put_difference(tx, found):
        events.record(tx, broken)


def _ledger(tx: Tx, day: str, agency: str) -> Ledger:
    today = conservation.of_day(tx, day, agency)
    before = conservation.open_before(tx, day, agency)
    for side, code, what in before:
        today.setdefault(DayKey(day, side, AgencyCode(code), what), Totals())
    lines = [
        balance(key, before.get((key.side, key.agency, key.what), (0, 0, 0)), t) for key, t in today.items()
    ]
    shown = [line for line in lines if _says_something(line)]
    shown.sort(key=lambda line: (line.side != "sender", line.what, line.agency))
    successions = conservation.successions(tx, day, agency)
    differences = tuple(conservation.open_differences(tx))
    return Ledger(
        day=day,
        lines=tuple(_line(line) for line in shown),
        successions=tuple(one.as_columns() | {"deliveries": n} for one, n in successions.items()),
        differences=differences,
        uncounted=conservation.leaves_left(tx),
        compared_at=conservation.progress(tx).whole_at,
        holds=not differences and all(line.holds for line in lines),
    )


def _says_something(line: Balance) -> bool:
    return replace(line, day="", side="", agency=AgencyCode(""), what="") != _NOTHING


def _line(line: Balance) -> dict[str, Any]:
    shown = {name: getattr(line, name) for name in Balance.__dataclass_fields__ if name != "day"}
    return shown | {"closing": line.closing, "difference": line.difference, "holds": line.holds}


_NOTHING = balance(DayKey("", "", AgencyCode(""), ""), (0, 0, 0), Totals())
_MOVED = Bilingual(
    "Số liệu bảo toàn đang được cập nhật trong lúc đếm lại. Hãy chạy lại lệnh.",
    "The ledger was moving on while it was counted again. Run the command again.",
)
