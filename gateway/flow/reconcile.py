"""What we say a partner took, and what the partner says it has from us.

In charge of: comparing one day, keeping the result, and what of it is shown. Not in charge of: asking the
partner (``port.Collector``), when (``delivery/daily.py``).

A day is a Vietnamese one. Clocks differ, and lists are cut at a length of the partner's choosing. So a
delivery that the list lacks is asked for by its DocId, and a document that only they list is looked for among
our deliveries of the neighbouring days, before either is called a difference.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

from gateway.clock import VIETNAM, from_datetime, local_day
from gateway.errors import NotFound
from gateway.flow import record
from gateway.flow.door import Caller
from gateway.flow.peers import settings_of
from gateway.model.event import Event, EventType
from gateway.model.text import AgencyCode, Bilingual, Instant
from gateway.port import Collector, ListedDocument
from gateway.services import Services
from gateway.store import collected, events
from gateway.store.collected import Reconciliation
from gateway.store.contract import Row, Tx
from gateway.store.people import Role

ASKED_FOR = 500  # deliveries that the list lacks and that are asked for one by one
SHOWN_DAYS = 7
_DOC_ID = re.compile(r"DocId ([^\s;]+)")


async def reconcile(gw: Services, caller: Caller, partner: str, day: date | None = None) -> Reconciliation:
    """Compare one day (yesterday by default) and keep the result. May raise ``Unavailable``."""
    caller.require(Role.OPERATOR, Role.ADMINISTRATOR)
    code, collector = collector_of(gw, partner)
    on = day or local_day(gw.clock.now()) - timedelta(days=1)
    settings = await settings_of(gw, code)
    near = await gw.store.read(lambda tx: collected.delivered_to(tx, code, *_span(on, 1)))
    since, until = _span(on, 0)
    ours = {doc_id: row for row in near if since <= row["settled_at"] < until and (doc_id := doc_id_of(row))}
    listed = await collector.sent(settings)
    theirs = {one.doc_id: one for one in listed if one.doc_id and _is_of(one, on)}
    missing = [doc_id for doc_id in ours if doc_id not in {one.doc_id for one in listed}]
    lost = [doc_id for doc_id in missing[:ASKED_FOR] if not await collector.sent(settings, doc_id)]
    known = {doc_id_of(row) for row in near}
    made = Reconciliation(
        id=gw.new_id(),
        partner=code,
        day=on.isoformat(),
        ours=len(ours),
        theirs=len(theirs),
        only_ours=[_our_side(ours[doc_id], doc_id) for doc_id in lost],
        only_theirs=[_their_side(one) for doc_id, one in theirs.items() if doc_id not in known],
        made_at=gw.clock.now(),
    )
    await _keep(gw, caller, made)
    return made


def collector_of(gw: Services, partner: str) -> tuple[AgencyCode, Collector]:
    """The connection of a partner that keeps messages for us. ``NotFound`` if it has none."""
    code = gw.directory.resolve(partner)
    profile = gw.directory.profile(code) if code else None
    if profile is None or profile.agency != code or profile.adapter not in gw.collectors:
        raise NotFound(_no_partner(partner), code="partner.unknown")
    return profile.agency, gw.collectors[profile.adapter]


def doc_id_of(row: Row) -> str:
    """The partner's DocId in the proof of a delivery, or ``""``."""
    found = _DOC_ID.match(row["proof"])
    return found[1] if found else ""


def _span(day: date, around: int) -> tuple[Instant, Instant]:
    """From the beginning of a day to its end, with so many days around it."""
    start = datetime.combine(day - timedelta(days=around), time(), VIETNAM)
    return from_datetime(start), from_datetime(start + timedelta(days=1 + 2 * around))


def _is_of(one: ListedDocument, day: date) -> bool:
    """True when the partner took it on that day; a time that cannot be read counts as any day's."""
    return one.sent_at is None or local_day(one.sent_at) == day


def _our_side(row: Row, doc_id: str) -> Mapping[str, str]:
    kept = ("sender", "recipient", "document_id", "kind")
    return {"delivery": row["id"], "doc_id": doc_id} | {name: row[name] for name in kept}


def _their_side(one: ListedDocument) -> Mapping[str, str]:
    return {
        "doc_id": one.doc_id,
        "sender": one.sender,
        "recipient": one.recipient,
        "notation": one.notation,
        "sent_time": one.sent_time,
    }


async def _keep(gw: Services, caller: Caller, made: Reconciliation) -> None:
    def unit(tx: Tx) -> None:
        collected.add_reconciliation(tx, made)
        events.record(tx, _event(gw, caller, made))

    await gw.store.write(unit)
    since = (local_day(made.made_at) - timedelta(days=SHOWN_DAYS)).isoformat()
    newest = await gw.store.read(lambda tx: collected.reconciliations_since(tx, since, 1000))
    gauge = gw.metrics.reconciliation_differences
    gauge.labels("ours").set(sum(len(one.only_ours) for one in newest))
    gauge.labels("theirs").set(sum(len(one.only_theirs) for one in newest))


def _event(gw: Services, caller: Caller, made: Reconciliation) -> Event:
    found: dict[str, Any] = {
        "partner": made.partner,
        "day": made.day,
        "ours": made.ours,
        "theirs": made.theirs,
        "only_ours": [one["delivery"] for one in made.only_ours],
        "only_theirs": [one["doc_id"] for one in made.only_theirs],
    }
    return record.event(gw, EventType.RECONCILIATION_MADE, caller.principal, made.made_at, facts=found)


def _no_partner(partner: str) -> Bilingual:
    return Bilingual(
        f"{partner} không phải trục mà trục này đến lấy văn bản. Xem: gateway agency list.",
        f"{partner} is no connection that this gateway fetches from. See: gateway agency list.",
    )
