"""What followed the backup: taken back from the second disk, looked for at partners and in exported logs.

In charge of: accepting lost messages again under the same ids, listing receipts that cannot be honoured, and
the restore report (NĐ 30/2020 PL VI IV.1e). Not in charge of: the epoch of the log (``flow/recovery.py``),
the files of the second disk (``store/second_copy.py``).

A message that comes back has its ids, its receipt and its times, and its first events are leaves again, so
that the receipt is proved as before. Its deliveries are queued anew under the same ids: a recipient who has
one already recognises it. What nobody can give back is listed with its sender, who hands it in again: the
same bytes are no repeat for a database that does not know them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from gateway.clock import SECOND, to_rfc3339
from gateway.errors import BadRequest, NotReady, WrongState
from gateway.exchange_log.replay import WHAT, DoesNotFit
from gateway.exchange_log.sequence import log_keys
from gateway.exchange_log.verify import verify_export
from gateway.flow import record
from gateway.flow.door import Caller
from gateway.flow.peers import settings_of
from gateway.flow.reconcile import doc_id_of
from gateway.flow.recovery import must_be_settled, open_epoch
from gateway.flow.second_copy import SCHEMA
from gateway.model.canonical import canonical_json
from gateway.model.event import EventType
from gateway.model.text import AgencyCode, Bilingual, Instant
from gateway.port import Collector, Unavailable
from gateway.services import Services
from gateway.signature.seal import sign_statement
from gateway.store import collected, epochs, events, log, messages, restores
from gateway.store.contract import Conflict, Impossible, Tx, Value
from gateway.store.epochs import Opening
from gateway.store.journal import Statement, decode, run_again
from gateway.store.people import Role
from gateway.store.places import Damaged
from gateway.store.restores import Fate, Item
from gateway.store.second_copy import Copy, accepted_at, read_copy

REPORT_TYPE = "gateway-restore-report+json"
AROUND = 3600 * SECOND  # clocks of nodes differ: look so much before the backup
ACCEPTED = frozenset({EventType.DOCUMENT_ACCEPTED.value, EventType.STATUS_REPORTED.value})


@dataclass(frozen=True, slots=True)
class Promise:
    """What an acceptance of the lost time promised, as far as its second copy or an exported log tells."""

    message: str
    event: str
    sender: str
    document_id: str
    receipt: str
    at: Instant
    document: str = ""

    def item(self, fate: Fate, detail: str) -> Item:
        """For the report."""
        return Item(fate, self.message, self.sender, self.document_id, self.receipt, detail, self.at)


async def accept_restore(
    gw: Services, caller: Caller, reason: str, checkpoints: Sequence[str] = (), key: str = ""
) -> dict[str, Any]:
    """Open the epoch and at once take back everything from the second disk, before anybody is served."""
    opened = await open_epoch(gw, caller, reason, checkpoints, key)
    return opened | {"reconciled": await reconcile(gw, caller, partners=False)}


async def reconcile(
    gw: Services, caller: Caller, logs: Sequence[str] = (), partners: bool = True
) -> dict[str, Any]:
    """Look for what followed the backup; may be repeated. ``logs``: files with exports newer than the backup.

    ``WrongState``: no epoch was opened, so nothing was restored here. ``NotReady``: the last one was not.
    """
    caller.require(Role.OPERATOR, Role.ADMINISTRATOR)
    await must_be_settled(gw)
    opening = await _last(gw)
    since = await _backup_time(gw, opening)
    for file in _copies(gw, since):
        await _take_back(gw, opening.number, file)
    for path in logs:
        await _look_into(gw, opening.number, Path(path))
    unanswered = await _ask_partners(gw, opening.number, since) if partners else []
    gw.bell.ring()
    await gw.sequencer.advance(publish=True)
    return await _record(gw, caller, opening, unanswered)


async def restore_report(gw: Services, caller: Caller) -> dict[str, Any]:
    """When and from what was restored, what was lost, came back, and cannot be honoured; signed (``jws``)."""
    caller.require(Role.AUDITOR, Role.OPERATOR, Role.ADMINISTRATOR)
    told = await _report(gw, await _last(gw))
    return told | {"jws": sign_statement(gw.keyring, REPORT_TYPE, told)}


async def _report(gw: Services, opening: Opening) -> dict[str, Any]:
    def unit(tx: Tx) -> tuple[dict[str, Any], str, list[dict[str, Any]]]:
        body = orjson.loads(events.body_of(tx, opening.event) or b"{}")
        reason = events.private_values(tx, opening.event).get("reason", "")
        return body, reason, [_told(tx, item) for item in restores.of_epoch(tx, opening.number)]

    body, reason, items = await gw.store.read(unit)
    backup = await _backup_time(gw, opening)
    return {
        "gateway": gw.config.gateway.name,
        "epoch": opening.origin,
        "epoch_before": opening.before_origin,
        "last_checkpoint_before": body.get("before", ""),
        "backup_at": to_rfc3339(backup),
        "opened_at": to_rfc3339(opening.opened_at),
        "opened_by": body.get("actor", ""),
        "reason": reason,
        "events_not_here": body.get("missing", 0),
        "counts": {fate.value: sum(one["fate"] == fate.value for one in items) for fate in Fate},
        "items": items,
        "made_at": to_rfc3339(gw.clock.now()),
    }


def _told(tx: Tx, item: Item) -> dict[str, Any]:
    """An item with what is to be done about it now."""
    known = item.fate is Fate.LOST and messages.document_of(tx, item.sender, item.document_id) is not None
    vi, en = _TO_DO["again"] if known else _TO_DO[item.fate.value]
    return {
        "fate": item.fate.value,
        "id": item.id,
        "sender": item.sender,
        "document_id": item.document_id,
        "receipt": item.receipt,
        "at": to_rfc3339(item.at),
        "detail": item.detail,
        "to_do": {"vi": vi, "en": en},
    }


async def _last(gw: Services) -> Opening:
    openings = await gw.store.read(epochs.openings)
    if not openings:
        raise WrongState(_NOTHING_RESTORED, code="restore.none")
    return openings[-1]


async def _backup_time(gw: Services, opening: Opening) -> Instant:
    """When the backup was made: as it says itself, else the time of the last event in it."""

    def unit(tx: Tx) -> Instant:
        body = orjson.loads(events.body_of(tx, opening.event) or b"{}")
        if str(body.get("backup", "")).isdigit():
            return Instant(int(body["backup"]))
        last = log.entries(tx, max(0, opening.shared - 1), opening.shared)
        return Instant(orjson.loads(last[0].body)["at"]) if last else Instant(0)

    return await gw.store.read(unit)


def _copies(gw: Services, since: Instant) -> Iterator[Path]:
    for file in gw.second.all() if gw.second is not None else ():
        at = accepted_at(file)  # a name that is none of ours is looked at, and listed
        if at is None or at >= since - AROUND:
            yield file


async def _take_back(gw: Services, epoch: int, file: Path) -> None:
    """Accept one message again from its second copy, if it is not here."""
    try:
        copy = await gw.on_disk(100_000, lambda: read_copy(file))
        if copy.schema != SCHEMA:
            raise ValueError(f"schema {copy.schema}")
        statements = decode(gw.keyring.decrypt_secret(copy.statements))
        promise = _promise(copy, statements)
    except (OSError, ValueError, KeyError, TypeError, StopIteration, NotReady) as error:
        unread = Promise(file.stem.partition("-")[2], "", "", "", "", accepted_at(file) or gw.clock.now())
        await _keep(gw, epoch, unread.item(Fate.LOST, f"{file.name}: {error}"))
        return
    if await gw.store.read(lambda tx: events.body_of(tx, promise.event) is not None):
        return
    try:
        await gw.on_disk(100_000, lambda: _put_back(gw, copy, statements))
        await gw.store.write(lambda tx: _accept_again(tx, gw, epoch, promise, statements))
    except (Conflict, Impossible, OSError, ValueError, NotReady, Damaged) as error:
        again = await gw.store.read(lambda tx: _is_here(tx, statements))
        await _keep(gw, epoch, promise.item(Fate.REPEATED if again else Fate.LOST, str(error)[:200]))


def _is_here(tx: Tx, statements: Sequence[Statement]) -> bool:
    """Whether the same message was handed in again."""
    keys = [row["duplicate_key"] for one in statements if one.query == "add_message" for row in one.rows]
    return any(tx.one("message_by_key", duplicate_key=key) is not None for key in keys)


def _put_back(gw: Services, copy: Copy, statements: Sequence[Statement]) -> None:
    """The payload files, each proven to be what was received: whoever can write to the second disk can give
    a copy other files and another digest. ``Damaged``: it is not, or not in the copy."""
    sealed = dict(copy.files)
    for row in (row for one in statements if one.query == "add_payload" for row in one.rows):
        if not row["file"]:
            continue
        name, key = str(row["file"]), gw.keyring.unwrap(_bytes(row["wrapped_key"]))
        is_new = name in sealed and gw.blobs.put_back(name, sealed[name])
        try:
            gw.blobs.prove(name, data_key=key, size=int(str(row["size"])), sha256=_bytes(row["sha256"]))
        except Damaged:
            if is_new:
                gw.blobs.remove(name)
            raise


def _bytes(value: Value) -> bytes:
    if not isinstance(value, bytes):
        raise ValueError("bytes were meant")
    return value


def _accept_again(
    tx: Tx, gw: Services, epoch: int, promise: Promise, statements: Sequence[Statement]
) -> None:
    """The same rows and events as then, and one that says so."""
    run_again(tx, statements)
    restored = record.event(
        gw,
        EventType.MESSAGE_RESTORED,
        record.GATEWAY,
        gw.clock.now(),
        document=promise.document,
        message=promise.message,
        sender=promise.sender,
        facts={"accepted_by": promise.event, "receipt": promise.receipt, "accepted_at": promise.at},
    )
    events.record(tx, restored)
    restores.put(tx, epoch, promise.item(Fate.RECOVERED, ""))


def _promise(copy: Copy, statements: Sequence[Statement]) -> Promise:
    first = {one.query: one.rows[0] for one in reversed(statements)}
    event = next(row for one in statements if one.query == "add_event" for row in one.rows)
    body = orjson.loads(bytes(event["body"]))  # type: ignore[arg-type]
    receipt = first.get("add_receipt", {}).get("id") or ""
    document = str(body.get("document", ""))
    return Promise(copy.message, str(event["id"]), *_who(body), str(receipt), copy.at, document)


def _who(body: dict[str, Any]) -> tuple[str, str]:
    return str(body.get("sender", "")), str(body.get("document_id", ""))


async def _look_into(gw: Services, epoch: int, path: Path) -> None:
    """What an exported log says was accepted and is not here. ``BadRequest``: it is not our log."""
    try:
        with path.open("rb") as file:
            verify_export(file, log_keys(gw.keyring), gw.clock.now() / SECOND)
        with path.open("rb") as file:
            promises = list(_accepted_in(file))
    except OSError as error:
        text = Bilingual(f"Không đọc được tệp: {error}", f"The file cannot be read: {error}")
        raise BadRequest(text, code="log.unreadable") from error
    except DoesNotFit as wrong:
        raise BadRequest(Bilingual(*WHAT[wrong.problem.what]), code="log.does_not_fit") from wrong
    for promise in promises:
        await _keep_if_lost(gw, epoch, promise)


def _accepted_in(file: Any) -> Iterator[Promise]:
    for line in file:
        place, _, rest = line.partition(b" ")
        if not place.isdigit():
            continue
        body = orjson.loads(rest[65:])
        if body.get("type") in ACCEPTED and body.get("receipt"):
            yield Promise(body["message"], body["id"], *_who(body), body["receipt"], Instant(body["at"]))


async def _keep_if_lost(gw: Services, epoch: int, promise: Promise) -> None:
    def unit(tx: Tx) -> None:
        if messages.receipt(tx, promise.receipt) is None:
            restores.put(tx, epoch, promise.item(Fate.LOST, ""))

    await gw.store.write(unit)


async def _ask_partners(gw: Services, epoch: int, since: Instant) -> list[dict[str, str]]:
    """What each partner lists from us since then and we know nothing of; who did not answer."""
    unanswered = []
    for code, collector in _partners(gw):
        try:
            await _ask(gw, epoch, code, collector, since)
        except Unavailable as error:
            unanswered.append({"partner": code, "code": error.code, "text": error.text.vi})
    return unanswered


def _partners(gw: Services) -> list[tuple[AgencyCode, Collector]]:
    profiles = gw.directory.profiles
    return [(one.agency, gw.collectors[one.adapter]) for one in profiles if one.adapter in gw.collectors]


async def _ask(gw: Services, epoch: int, code: AgencyCode, collector: Collector, since: Instant) -> None:
    listed = await collector.sent(await settings_of(gw, code))
    now = gw.clock.now()
    near = await gw.store.read(lambda tx: collected.delivered_to(tx, code, Instant(0), Instant(now + AROUND)))
    known = {doc_id_of(row) for row in near}
    for one in listed:
        after = one.sent_at is None or one.sent_at >= since - AROUND
        if after and one.doc_id and one.doc_id not in known:
            at = one.sent_at or now
            detail = f"{code}: {one.notation} {one.recipient} {one.state}".strip()
            item = Item(Fate.PARTNER_HAS, one.doc_id, one.sender, one.notation, "", detail, at)
            await _keep(gw, epoch, item)


async def _keep(gw: Services, epoch: int, item: Item) -> None:
    await gw.store.write(lambda tx: restores.put(tx, epoch, item))


async def _record(
    gw: Services, caller: Caller, opening: Opening, unanswered: list[dict[str, str]]
) -> dict[str, Any]:
    """Carry the report into the log by its hash; the numbers, for the command."""
    told = await _report(gw, opening)
    digest = hashlib.sha256(canonical_json(told)).hexdigest()
    facts = {"epoch": opening.origin, "counts": told["counts"], "report_sha256": digest}
    recorded = record.event(gw, EventType.RESTORE_RECORDED, caller.principal, gw.clock.now(), facts=facts)
    await gw.store.write(lambda tx: events.record(tx, recorded))
    return {"epoch": opening.origin, "counts": told["counts"], "unanswered": unanswered}


# What is to be done: Vietnamese, English.
_TO_DO = {
    "recovered": (
        "Không phải làm gì; đang gửi lại với mã cũ.",
        "Nothing; it is delivered under the same ids.",
    ),
    "lost": (
        "Yêu cầu cơ quan gửi gửi lại đúng gói tin này; trục sẽ cấp phiếu mới.",
        "Ask the sender to hand in the same message again; it gets a new receipt.",
    ),
    "again": ("Cơ quan gửi đã gửi lại.", "The sender has handed it in again."),
    "repeated": (
        "Cơ quan gửi đã gửi lại trước khi lấy lại được bản thứ hai; phiếu mới có hiệu lực.",
        "The sender handed it in again before its second copy was read; the newer receipt holds.",
    ),
    "partner_has": (
        "Trục kia đã có văn bản này; đối chiếu với cơ quan gửi, không gửi lại.",
        "The partner has it from us already; compare with the sender, do not send it again.",
    ),
}
_NOTHING_RESTORED = Bilingual(
    "Chưa mở kỳ nhật ký nào sau khôi phục. Nếu vừa khôi phục bản sao lưu, hãy chạy trước: gateway recovery "
    "accept --reason LÝ_DO",
    "No epoch was opened after a restore. If a backup was just restored, run first: gateway recovery accept "
    "--reason WHY",
)
