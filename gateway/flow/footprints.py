"""What people do leaves a trace: what they looked at, searched, opened, and how they came in.

In charge of: the events ``person.viewed``, ``person.opened``, ``login.succeeded``, ``login.failed``,
``settings.changed``, ``gateway.started``, and who may read who looked at a document (QCVN 12:2026 3.9.2.2.6:
access, views and exports of administrators are recorded too). Not in charge of: who may look (``look.py``).

The actor of an event is the principal's id. Who that is stands in the table of principals, where the name can
be erased; addresses and words of a search stand beside the event, where they can be erased too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import orjson

from gateway.calendar_data import shipped_calendar
from gateway.clock import SECOND, to_rfc3339
from gateway.config import describe, holds_secret
from gateway.errors import NotFound
from gateway.flow import facts, record
from gateway.flow.door import Caller
from gateway.model.event import Event, EventType
from gateway.model.text import Instant
from gateway.services import Services
from gateway.signature.certificates import fingerprint
from gateway.store import events, messages, settings
from gateway.store.contract import Row, Tx
from gateway.store.people import Role

# Secrets, and addresses that may hold one: only that it changed is recorded.
SECRET_SETTINGS = frozenset(
    {"database.url", "database.listen_url", *(one.name for one in describe() if holds_secret(one.name))}
)
ANCHORS = "trust.anchors"  # no setting, but what is trusted is configuration as well
CALENDAR = "calendar.shipped"  # a release may bring another one, which nobody here approved
WATCHERS = (Role.AUDITOR, Role.OPERATOR, Role.ADMINISTRATOR)
LOOKS = ("person.viewed", "person.opened", "evidence.exported")


@dataclass(frozen=True, slots=True)
class View:
    """That somebody looked at a document. ``actor``: a principal's id; ``reason``: as given, or erased."""

    event: str
    at: Instant
    actor: str
    role: str
    what: str
    content: bool  # the content was opened, not only what stands about it
    reason: str


def is_person(caller: Caller) -> bool:
    """People are watched; the software of an agency fetches and lists all day long."""
    return caller.role is not Role.SYSTEM


async def viewed(
    gw: Services,
    caller: Caller,
    what: str,
    *,
    document: str = "",
    sender: str = "",
    searched: Mapping[str, Any] | None = None,
    found: int | None = None,
) -> None:
    """A person looked at ``what``. On return it is on disk: who looks unseen has not looked."""
    if not is_person(caller):
        return
    said: dict[str, Any] = {"what": what, "role": caller.role.value}
    if found is not None:
        said["found"] = found
    words = {name: str(value) for name, value in (searched or {}).items() if value not in ("", None)}
    seen = record.event(
        gw,
        EventType.PERSON_VIEWED,
        caller.principal,
        gw.clock.now(),
        document=document,
        sender=sender,
        facts=said,
        private=facts.salted({"searched": orjson.dumps(words).decode() if words else ""}),
    )
    await gw.store.write(lambda tx: events.record(tx, seen))


def opened(
    gw: Services, caller: Caller, document: Row, reason: str, *, message: str = "", delivery: str = ""
) -> Event:
    """A person opens the content of a document; written before a byte of it is shown."""
    return record.event(
        gw,
        EventType.PERSON_OPENED,
        caller.principal,
        gw.clock.now(),
        document=document["id"],
        message=message,
        delivery=delivery,
        sender=document["sender"],
        facts={"what": "content", "role": caller.role.value},
        private=facts.salted({"reason": reason}),
    )


async def views_of(gw: Services, caller: Caller, reference: str) -> list[View]:
    """Who looked at a document, oldest first: for the agency that sent it, and for auditors and up.

    ``NotFound`` for anybody else, recipients included: it is not their document.
    """

    def unit(tx: Tx) -> list[View] | None:
        for row in messages.documents_named(tx, reference):
            if caller.role in WATCHERS or row["sender"] in caller.agencies:
                return [view(tx, one) for one in events.of_document(tx, row["id"]) if _is_look(one)]
        return None

    found = await gw.store.read(unit)
    if found is None:
        raise NotFound(code="document.unknown")
    return found


def _is_look(row: Row) -> bool:
    return row["type"] in LOOKS


def view(tx: Tx, row: Row) -> View:
    """A recorded look as a value."""
    body = orjson.loads(bytes(row["body"]))
    return View(
        event=row["id"],
        at=row["at"],
        actor=body["actor"],
        role=body.get("role", ""),
        what=body.get("what", row["type"]),
        content=row["type"] != EventType.PERSON_VIEWED.value,
        reason=events.private_values(tx, row["id"]).get("reason", ""),
    )


async def write_attendance(gw: Services, *, all_of_it: bool = False) -> int:
    """Write down who came and who failed since the last time; how many events that were."""
    entries, failures = gw.attendance.take(gw.clock.now(), all_of_it=all_of_it)
    if not entries and not failures:
        return 0
    noted = [_succeeded(gw, one.principal, one.source, one.at) for one in entries]
    noted += [_failed(gw, one.source, one.minute, one.times, one.sources) for one in failures]

    def unit(tx: Tx) -> None:
        for one in noted:
            events.record(tx, one)

    try:
        await gw.store.write(unit)
    except BaseException:
        gw.attendance.give_back(entries, failures)
        raise
    return len(noted)


def _succeeded(gw: Services, principal: str, source: str, at: Instant) -> Event:
    known = gw.people.principal(principal)
    said = {"role": known.role.value} if known else {}
    private = facts.salted({"source": source})
    return record.event(gw, EventType.LOGIN_SUCCEEDED, principal, at, facts=said, private=private)


def _failed(gw: Services, source: str, minute: Instant, times: int, sources: int) -> Event:
    said = {"minute": minute, "seconds": 60, "times": times, "sources": sources}
    private = facts.salted({"source": source})
    now = gw.clock.now()
    return record.event(gw, EventType.LOGIN_FAILED, record.GATEWAY, now, facts=said, private=private)


async def note_start(gw: Services) -> dict[str, list[str]]:
    """The gateway starts: recorded, with the settings that differ from the last start."""
    now = gw.clock.now()
    said = {"release": version("document-gateway"), "started": to_rfc3339(Instant(now - now % SECOND))}
    started = record.event(gw, EventType.GATEWAY_STARTED, record.GATEWAY, now, facts=said)
    await gw.store.write(lambda tx: events.record(tx, started))
    return await note_settings(gw)


async def note_settings(gw: Services) -> dict[str, list[str]]:
    """Record what differs from the last time: name -> [before, now]. The first time nothing differs."""
    present = _present(gw)

    def unit(tx: Tx) -> dict[str, list[str]]:
        before = settings.seen(tx)
        names = sorted(present.keys() | before.keys())
        differ = [name for name in names if before.get(name) != present.get(name)]
        if differ:
            settings.put(tx, present, gw.clock.now())
        changed = {name: _shown(name, before.get(name, ""), present.get(name, "")) for name in differ}
        if before and changed:
            now = gw.clock.now()
            what = {"changed": changed}
            events.record(tx, record.event(gw, EventType.SETTINGS_CHANGED, record.GATEWAY, now, facts=what))
        return changed if before else {}

    return await gw.store.write(unit)


def _present(gw: Services) -> dict[str, str]:
    """Every setting as text (secrets as a tag that tells nothing); what is trusted or shipped as a digest."""
    found = {
        f"{section}.{name}": _text(gw, f"{section}.{name}", value)
        for section, values in gw.config.model_dump().items()
        for name, value in values.items()
    }
    anchors = sorted(fingerprint(anchor.certificate) for anchor in gw.trust_store.anchors)
    shipped = shipped_calendar()
    return found | {
        ANCHORS: hashlib.sha256("".join(anchors).encode()).hexdigest()[:32],
        CALENDAR: f"{shipped.version} {shipped.sha256[:32]}",
    }


def _text(gw: Services, name: str, value: Any) -> str:
    if name in SECRET_SETTINGS:
        return gw.keyring.tag("setting", str(value).encode()).hex()
    return str(value)


def _shown(name: str, before: str, now: str) -> list[str]:
    return ["(secret)", "(secret)"] if name in SECRET_SETTINGS else [before, now]
