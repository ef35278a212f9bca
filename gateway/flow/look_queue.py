"""Reading the queue: how old what is open is, one lane, one delivery with its attempts.

In charge of: views for people who keep the exchange running, and for auditors. Nothing here changes anything.
Not in charge of: decisions (``hold.py``, ``choose.py``), other views (``look.py``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gateway.clock import SECOND
from gateway.errors import NotFound
from gateway.flow.door import Caller
from gateway.flow.look import SEES_ALL
from gateway.model.delivery import Delivery
from gateway.model.text import AgencyCode, Bilingual, Instant
from gateway.services import Services
from gateway.store import deliveries, events
from gateway.store.contract import Tx

MINUTE = 60 * SECOND
# Ages as Postfix's qshape shows them: younger than these, and older than the last.
AGES = (5 * MINUTE, 20 * MINUTE, 60 * MINUTE, 240 * MINUTE, 1440 * MINUTE)


@dataclass(frozen=True, slots=True)
class AgeRow:
    """What is open towards a destination in one state. ``ages``: counts, youngest first."""

    destination: AgencyCode
    adapter: str
    state: str
    pull: bool
    ages: tuple[int, ...]
    deliveries: int
    oldest: Instant


@dataclass(frozen=True, slots=True)
class LaneView:
    """One destination. ``failures`` in a row; ``not_before``: when it is tried again."""

    destination: AgencyCode
    rows: tuple[AgeRow, ...]
    failures: int
    not_before: Instant | None
    last_settled: Instant | None
    words: tuple[dict[str, Any], ...]  # newest failed attempts
    deliveries: tuple[Delivery, ...]
    more: bool


@dataclass(frozen=True, slots=True)
class DeliveryView:
    """One delivery, its tries, and what people decided about it. ``subject``: "" once erased."""

    delivery: Delivery
    subject: str
    attempts: tuple[dict[str, Any], ...]
    decisions: tuple[dict[str, Any], ...]


async def ages(gw: Services, caller: Caller, destination: str = "") -> list[AgeRow]:
    """The queue by age, the destination that waits longest first."""
    caller.require(*SEES_ALL)
    return await gw.store.read(lambda tx: _ages(tx, gw.clock.now(), destination))


async def lane(
    gw: Services,
    caller: Caller,
    destination: AgencyCode,
    *,
    state: str = "",
    age: int | None = None,
    after: tuple[Instant, str] = (Instant(-1), ""),
    limit: int = 50,
) -> LaneView:
    """One destination; its open deliveries of a state and an age column, from a position on."""
    caller.require(*SEES_ALL)
    now = gw.clock.now()
    if gw.directory.resolve(destination) is None:
        raise NotFound(_unknown(destination), code="agency.unknown")

    def unit(tx: Tx) -> LaneView:
        since, until = _span(age, now)
        rows = tx.all(
            "queue_of_destination",
            destination=destination,
            state=state,
            since=since,
            until=until,
            at=after[0],
            id=after[1],
            limit=limit + 1,
        )
        failing = tx.one("lane", destination=destination)
        settled = tx.one("last_settled", destination=destination)
        return LaneView(
            destination,
            tuple(_ages(tx, now, destination)),
            failing["failures"] if failing else 0,
            failing["not_before"] if failing and failing["failures"] else None,
            settled["settled_at"] if settled else None,
            tuple(dict(row) for row in tx.all("last_attempts", destination=destination, limit=5)),
            tuple(deliveries.from_row(row) for row in rows[:limit]),
            len(rows) > limit,
        )

    return await gw.store.read(unit)


async def delivery(gw: Services, caller: Caller, delivery_id: str) -> DeliveryView:
    """One delivery; ``NotFound`` when there is none."""
    caller.require(*SEES_ALL)

    def unit(tx: Tx) -> DeliveryView | None:
        found = deliveries.find(tx, delivery_id)
        if found is None:
            return None
        decided = [
            dict(row) | {"reason": events.private_values(tx, row["id"]).get("reason", "")}
            for row in tx.all("decisions_of_delivery", document=found.document, delivery=delivery_id)
        ]
        attempts = tuple(dict(row) for row in tx.all("attempts_of_delivery", delivery=delivery_id))
        message = tx.one("message_by_id", id=found.message)
        subject = events.private_values(tx, message["event"]).get("subject", "") if message else ""
        return DeliveryView(found, subject, attempts, tuple(decided))

    view = await gw.store.read(unit)
    if view is None:
        raise NotFound(_NO_DELIVERY, code="delivery.unknown")
    return view


def _ages(tx: Tx, now: Instant, destination: str = "") -> list[AgeRow]:
    moments = [Instant(now - age) for age in AGES]
    names = ("minutes5", "minutes20", "hour", "hours4", "day")
    rows = tx.all("queue_ages", **dict(zip(names, moments, strict=True)))
    return [
        AgeRow(
            AgencyCode(row["destination"]),
            row["adapter"],
            row["state"],
            bool(row["pull"]),
            tuple(int(row[f"age{column}"]) for column in range(6)),
            row["deliveries"],
            row["oldest"],
        )
        for row in rows
        if destination in ("", row["destination"])
    ]


def _span(age: int | None, now: Instant) -> tuple[Instant, Instant]:
    """(accepted after, accepted not after) of an age column; everything without one."""
    if age is None or not 0 <= age <= len(AGES):
        return Instant(-1), now
    since = Instant(now - AGES[age]) if age < len(AGES) else Instant(-1)
    return since, Instant(now - AGES[age - 1]) if age else now


def _unknown(code: str) -> Bilingual:
    return Bilingual(
        f"Danh mục không có đơn vị mang mã {code}.", f"The directory does not know the agency {code}."
    )


_NO_DELIVERY = Bilingual("Không có lượt gửi này.", "There is no such delivery.")
