"""Reading the event stream and its checkpoints, for auditors.

In charge of: filters, pages, one event with its private values and its proof. Nothing here changes anything.
Not in charge of: proofs (``log.py``), verifying the whole log (``log_verify.py``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from gateway.errors import NotFound
from gateway.flow import log as exchange_log
from gateway.flow.door import Caller
from gateway.flow.look import SEES_ALL
from gateway.model.text import Bilingual, Instant
from gateway.services import Services
from gateway.store import events, log
from gateway.store.contract import Row, Tx, Value
from gateway.store.log import Cosigned, SignedHead

LOOK = 20_000  # events looked at for one page: a rare agency costs no more than that
END = (Instant(2**62), "")
PAGE = 50


@dataclass(frozen=True, slots=True)
class Sought:
    """What is looked for; empty words mean any. ``actor``: a principal's id."""

    type: str = ""
    agency: str = ""
    actor: str = ""
    since: Instant = Instant(0)
    before: tuple[Instant, str] = END


@dataclass(frozen=True, slots=True)
class EventLine:
    """One line of the stream. ``facts``: the body."""

    id: str
    at: Instant
    type: str
    document: str
    facts: dict[str, Any]


@dataclass(frozen=True, slots=True)
class EventPage:
    """Newest first. ``before``: where the next page begins; ``None`` at the end."""

    lines: tuple[EventLine, ...]
    before: tuple[Instant, str] | None


@dataclass(frozen=True, slots=True)
class EventView:
    """One event. ``private``: values beside it that were not erased; ``proof``: ``None`` until it has a leaf
    under a published checkpoint."""

    line: EventLine
    body: bytes
    private: dict[str, str]
    proof: dict[str, Any] | None


async def stream(gw: Services, caller: Caller, sought: Sought) -> EventPage:
    """A page of the stream, newest first."""
    caller.require(*SEES_ALL)
    return await gw.store.read(lambda tx: _page(tx, sought))


async def event(gw: Services, caller: Caller, event_id: str) -> EventView:
    """One event with its proof; ``NotFound`` when there is none."""
    caller.require(*SEES_ALL)

    def unit(tx: Tx) -> tuple[Row | None, dict[str, str]]:
        row = tx.one("event_by_id", id=event_id)
        return row, events.private_values(tx, event_id) if row else {}

    row, private = await gw.store.read(unit)
    if row is None:
        raise NotFound(_NO_EVENT, code="event.unknown")
    try:
        proof = await exchange_log.inclusion(gw, event_id, None, 0)
    except NotFound:
        proof = None  # the next checkpoint covers it
    return EventView(_line(row), bytes(row["body"]), private, proof)


async def checkpoints(
    gw: Services, caller: Caller, before: int = 2**53
) -> list[tuple[SignedHead, list[Cosigned]]]:
    """Signed heads with the lines of witnesses, newest first."""
    caller.require(*SEES_ALL)

    def unit(tx: Tx) -> list[tuple[SignedHead, list[Cosigned]]]:
        heads = log.newest(tx, before, PAGE)
        return [(head, log.cosignatures(tx, head.number)) for head in heads]

    return await gw.store.read(unit)


def _page(tx: Tx, sought: Sought) -> EventPage:
    """At most ``PAGE`` lines of at most ``LOOK`` events."""
    position: dict[str, Value] = {"at": sought.before[0], "id": sought.before[1], "since": sought.since}
    position |= {"look": LOOK}
    given = position | {"agency": sought.agency, "limit": LOOK if sought.actor else PAGE + 1}
    if sought.type:
        rows = tx.all("newest_events_of_type", type=sought.type, **given)
    else:
        rows = tx.all("newest_events", **given)
    lines = [line for row in rows if _by(line := _line(row), sought.actor)][: PAGE + 1]
    if len(lines) > PAGE:
        last = lines[PAGE - 1]
        return EventPage(tuple(lines[:PAGE]), (last.at, last.id))
    further = None if sought.type else tx.one("oldest_looked_at", **position)
    return EventPage(tuple(lines), (further["at"], further["id"]) if further else None)


def _by(line: EventLine, actor: str) -> bool:
    return not actor or line.facts.get("actor") == actor


def _line(row: Row) -> EventLine:
    return EventLine(
        row["id"], row["at"], row["type"], row["document"] or "", orjson.loads(bytes(row["body"]))
    )


_NO_EVENT = Bilingual("Không có sự kiện này.", "There is no such event.")
