"""A key of the gateway was lost: it ends at once, and everything that rests on it is listed.

In charge of: ending the key without overlap, putting what it protected under the next one, the event, a
checkpoint by the next log key, and the report of what has to be confirmed anew. Not in charge of: what
verifiers make of it (``exchange_log/compromised.py``).

What a lost key signed before counts only where a timestamp or a witness saw it in time. Whatever was wrapped
under a lost key is wrapped anew, but whoever has the key and an old copy of the database reads those payloads
all the same: the report names their documents.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import orjson

from gateway.clock import SECOND, from_datetime, to_rfc3339
from gateway.errors import BadRequest, NotFound
from gateway.exchange_log.checkpoint import read_note, verify
from gateway.exchange_log.compromised import Compromised, is_doubtful, of_keyring
from gateway.exchange_log.evidence_check import json_header
from gateway.flow import facts, record
from gateway.flow.door import Caller, stated
from gateway.model.event import EventType
from gateway.model.text import Bilingual, Instant
from gateway.services import CHANGED, Services
from gateway.signature.certificates import fingerprint
from gateway.signature.keyring import KeyRow, key_id
from gateway.store import events, log, lost_keys
from gateway.store.contract import Row, Tx
from gateway.store.people import Role

REPORTS = "reports"  # folder beside the keys


@dataclass(slots=True)
class Rests:
    """What rests on a key. ``proved``: a timestamp or a witness saw it before the key was lost."""

    documents: set[str] = field(default_factory=set)
    receipts: list[dict[str, Any]] = field(default_factory=list)
    checkpoints: list[dict[str, Any]] = field(default_factory=list)
    payloads: int = 0
    secrets: int = 0


async def compromise_key(gw: Services, caller: Caller, key: str, since: str, reason: str) -> dict[str, Any]:
    """End ``key`` (its name in ``gateway key list``), believed no more from ``since`` (RFC 3339) on.

    On return a new key is in use, the event is under a checkpoint, and the report lies on disk. May be
    repeated: an earlier ``since`` stays.
    """
    caller.require(Role.ADMINISTRATOR)
    reason, when = stated(reason), _moment(gw, since)
    row = _row(gw, key)
    gw.keyring.compromise(key, when, gw.clock.now())
    gw.call(CHANGED)
    found = await _rests(gw, row)
    ended = record.event(
        gw,
        EventType.KEY_COMPROMISED,
        caller.principal,
        gw.clock.now(),
        facts={"key": key, "since": when, "documents": len(found.documents), **_counts(found)},
        private=facts.salted({"reason": reason}),
    )
    await gw.store.write(lambda tx: events.record(tx, ended))
    await gw.refresh()
    head = await gw.sequencer.advance(publish=True)
    answer = {
        "key": key,
        "since": to_rfc3339(when),
        "in_use": [one.name for one in gw.keyring.describe() if one.current],
        "event": ended.id,
        "checkpoint": head.number if head else None,
        "documents": len(found.documents),
        **_counts(found),
    }
    listed = {
        "documents": sorted(found.documents),
        "receipts": found.receipts,
        "checkpoints": found.checkpoints,
    }
    path = await asyncio.to_thread(_write, _folder(gw), f"{key}-{ended.id}.json", answer | listed)
    return answer | {"report": str(path)}


async def import_receipt_key(gw: Services, caller: Caller, container: bytes, password: str) -> list[KeyRow]:
    """Begin to use the receipt key of a PKCS#12 file. ``BadRequest`` says what is wrong with it."""
    caller.require(Role.ADMINISTRATOR)
    try:
        gw.keyring.import_receipt_key(container, password.encode(), gw.clock.now())
    except ValueError as error:
        text = Bilingual(f"Không dùng được tệp PKCS#12: {error}", f"The PKCS#12 file cannot be used: {error}")
        raise BadRequest(text, code="key.pkcs12") from error
    what = {"key": "receipt", "from": "pkcs12"}
    rotated = record.event(gw, EventType.KEY_ROTATED, caller.principal, gw.clock.now(), facts=what)
    await gw.store.write(lambda tx: events.record(tx, rotated))
    gw.call(CHANGED)
    return gw.keyring.describe()


async def _rests(gw: Services, row: KeyRow) -> Rests:
    found = Rests()
    kind = row.name.rpartition("-")[0]
    if kind == "receipt":
        await _receipts(gw, row, found)
    elif kind == "log":
        await _checkpoints(gw, found)
    elif kind == "wrapping":
        await _rewrap(gw, row.name, found)
    return found


async def _receipts(gw: Services, row: KeyRow, found: Rests) -> None:
    """Receipts that this key signed, and whether each was under a head that was stamped in time."""
    lost = of_keyring(gw.keyring)
    [certificate] = [one for one in lost.certificates if fingerprint(one) == row.certificate_sha256]
    kid, since = key_id(certificate), lost.certificates[certificate]
    async for one in _pages(gw):
        if _kid(one["jws"]) != kid:
            continue
        proved = await gw.store.read(partial(_seen_in_time, event=one["event"], since=since))
        found.documents.add(one["document"])
        told = {name: one[name] for name in ("id", "message", "document", "sender")}
        found.receipts.append(told | {"issued_at": to_rfc3339(one["issued_at"]), "proved": proved})


async def _pages(gw: Services) -> AsyncIterator[Row]:
    after = ""
    while page := await gw.store.read(partial(lost_keys.receipts, after=after)):
        for one in page:
            yield one
        after = page[-1]["id"]


def _seen_in_time(tx: Tx, event: str | None, since: Instant) -> bool:
    """True when a head over the event's leaf was timestamped, or cosigned, before."""
    place = log.leaf_of(tx, event) if event else None
    head = log.over(tx, place[0]) if place else None
    if head is None:
        return False
    stamped = head.stamped_at is not None and head.stamped_at < since
    return stamped or any(one.at < since for one in log.cosignatures(tx, head.number))


async def _checkpoints(gw: Services, found: Rests) -> None:
    """Heads that a lost log key signed."""
    lost, number = of_keyring(gw.keyring), 0
    while page := await gw.store.read(partial(log.after, number=number)):
        found.checkpoints += await gw.store.read(partial(_told, page=page, lost=lost))
        number = page[-1].number


def _told(tx: Tx, page: list[log.SignedHead], lost: Compromised) -> list[dict[str, Any]]:
    return [
        {
            "number": head.number,
            "size": head.size,
            "signed_at": to_rfc3339(head.signed_at),
            "proved": not is_doubtful(tx, lost, head),
        }
        for head in page
        if verify(read_note(head.note), lost.log_keys)
    ]


async def _rewrap(gw: Services, name: str, found: Rests) -> None:
    """Round after round until nothing is under the lost key: an upload that was under way comes late."""
    is_lost = partial(gw.keyring.is_wrapped_by, name=name)
    again = gw.keyring.rewrap
    found.secrets = await gw.store.write(lambda tx: lost_keys.reseal(tx, is_lost, again))
    before = -1
    while before != found.payloads:
        before, after = found.payloads, b""
        while page := await gw.store.read(partial(lost_keys.payloads, after=after)):
            after = page[-1][0]
            concerned = [one for one in page if is_lost(one[1])]
            for sha256, _ in concerned:
                found.documents.update(await gw.store.read(partial(lost_keys.documents_of, sha256=sha256)))
            await gw.store.write(partial(lost_keys.rewrap, page=concerned, again=again))
            found.payloads += len(concerned)


def _counts(found: Rests) -> dict[str, int]:
    return {
        "receipts": len(found.receipts),
        "checkpoints": len(found.checkpoints),
        "payloads": found.payloads,
        "secrets": found.secrets,
        "to_confirm": sum(not one["proved"] for one in (*found.receipts, *found.checkpoints)),
    }


def _row(gw: Services, key: str) -> KeyRow:
    found = next((row for row in gw.keyring.describe() if row.name == key), None)
    if found is None:
        listed = ", ".join(row.name for row in gw.keyring.describe())
        text = Bilingual(
            f"Không có khóa {key}. Các khóa: {listed}.", f"There is no key {key}. Keys: {listed}."
        )
        raise NotFound(text, code="key.unknown")
    return found


def _moment(gw: Services, text: str) -> Instant:
    """An instant of the past. A time of the future would leave the key believed until then."""
    try:
        at = from_datetime(datetime.fromisoformat(text))
    except ValueError as error:
        raise BadRequest(_WHEN, code="key.since") from error
    if not 0 < at <= gw.clock.now() + SECOND:
        raise BadRequest(_WHEN, code="key.since")
    return at


def _kid(jws: str) -> str:
    return json_header(jws.encode())["kid"]


def _folder(gw: Services) -> Path:
    return gw.keyring.folder.parent / REPORTS


def _write(folder: Path, name: str, answer: dict[str, Any]) -> Path:
    """On return the report is on disk; only its owner reads it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / name
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(orjson.dumps(answer, option=orjson.OPT_INDENT_2))
        file.flush()
        os.fsync(file.fileno())
    return path


_WHEN = Bilingual(
    "Hãy ghi thời điểm khóa bị lộ (không muộn hơn hiện tại), ví dụ: 2026-11-24T08:00:00+07:00.",
    "Say since when (not later than now), as in 2026-11-24T08:00:00+07:00.",
)
