"""Evidence about one document, for those who may have it.

In charge of: who gets what (the sender everything, a recipient its own deliveries, auditors, operators and
administrators everything with a reason), reading it together, and the event that says who took it. Content
that is destroyed is not there; frozen content goes only to auditors and administrators; a recipient gets
content only of what its system has and has not given back. Not in charge of: the container
(``exchange_log/evidence.py``), who sees a document at all (``look.py``).
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import hashlib
import io
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway.clock import local_day
from gateway.edxml.limits import Limits
from gateway.edxml.parse import EnvelopeReader
from gateway.errors import Busy
from gateway.exchange_log.compromised import lines_of, of_keyring, over
from gateway.exchange_log.evidence import (
    Dossier,
    File,
    KeptEvent,
    Letter,
    LogProof,
    key_text,
    make_container,
)
from gateway.exchange_log.evidence_check import Trusted
from gateway.exchange_log.merkle import inclusion_proof
from gateway.exchange_log.sequence import log_keys, stored_nodes
from gateway.flow import facts, look, payload, record
from gateway.flow.door import Caller, stated
from gateway.flow.local import CHUNK, created
from gateway.flow.look import Trace
from gateway.model.delivery import State
from gateway.model.envelope import Kind
from gateway.model.event import EventType
from gateway.model.text import AgencyCode, Bilingual
from gateway.model.verdict import Proof
from gateway.services import Services
from gateway.signature.keyring import LOG, Keyring
from gateway.store import events, log, proofs
from gateway.store import evidence as rows
from gateway.store.contract import Tx
from gateway.store.log import Taken
from gateway.store.payloads import StoredPayload
from gateway.store.people import Role

OPENS_FROZEN = (Role.AUDITOR, Role.ADMINISTRATOR)
TRIES, WAIT_SECONDS = 40, 0.25  # for the log, while another process moves it
UNSTATED = "không nêu lý do (lệnh tại máy chủ)"


@dataclass(frozen=True, slots=True)
class Evidence:
    """A container and what a caller is told of it."""

    document: str
    data: bytes = field(repr=False)
    sha256: str
    with_content: bool


@dataclass(slots=True)
class _Read:
    """What one reading of the store gave."""

    events: tuple[KeptEvent, ...] = ()
    received: dict[str, StoredPayload | None] = field(default_factory=dict)  # message -> payload
    sent: dict[str, StoredPayload] = field(default_factory=dict)  # delivery -> rebuilt payload
    proofs: tuple[Proof, ...] = ()


async def export_evidence(gw: Services, caller: Caller, reference: str, reason: str = "") -> Evidence:
    """The container about a document, found by its id here or its DocumentId; recorded before it is given.

    ``NotFound`` also when it is not the caller's; ``BadRequest`` (``reason.missing``) when somebody who is no
    party to it gives no reason.
    """
    trace = await look.trace(gw, caller, reference)
    party = trace.sender in caller.agencies or not _sees_all(caller)
    why = reason.strip() if party else stated(reason)
    found = await gw.store.read(lambda tx: _read(tx, trace, caller))
    proved = await _log_proof(gw, found.events)
    letters = tuple([await _letter(gw, caller, trace, message, found) for message in trace.messages])
    dossier = Dossier(
        gateway=gw.keyring.gateway,
        made_at=gw.clock.now(),
        record=_record(gw, caller, trace, letters),
        letters=letters,
        receipts={receipt["id"]: receipt["jws"] for receipt in trace.receipts},
        events=found.events,
        proofs=found.proofs,
        certificates=trusted_of(gw.keyring).certificates,
        log_keys=trusted_of(gw.keyring).log_keys,
        log=proved,
    )
    size = sum(len(one.received or b"") for one in letters)
    data = await gw.offload(size + 65_536, make_container, dossier, gw.keyring)
    held = any(letter.received is not None for letter in letters)
    made = Evidence(trace.id, data, hashlib.sha256(data).hexdigest(), held)
    await _tell(gw, caller, trace, made, why)
    return made


async def export_evidence_file(
    gw: Services, caller: Caller, reference: str, path: str, reason: str = ""
) -> dict[str, Any]:
    """Write the container to ``path``, which must not exist. On return it is on disk."""
    made = await export_evidence(gw, caller, reference, reason or UNSTATED)
    with created(path) as file:
        await asyncio.to_thread(file.write, made.data)
        file.flush()
        await asyncio.to_thread(os.fsync, file.fileno())
    return {
        "document": made.document,
        "path": path,
        "size": len(made.data),
        "sha256": made.sha256,
        "with_content": made.with_content,
    }


async def public_keys(gw: Services, caller: Caller) -> dict[str, str]:
    """The gateway's public keys as one text, for ``gateway evidence verify --key`` elsewhere."""
    return {
        "gateway": gw.keyring.gateway,
        "keys": own_key_text(gw.keyring),
    }


def _sees_all(caller: Caller) -> bool:
    return caller.role in look.SEES_ALL


def _read(tx: Tx, trace: Trace, caller: Caller) -> _Read:
    """Everything that the trace names, with its bytes."""
    shown = {event["id"] for event in trace.events}
    kept = tuple(
        KeptEvent(row["id"], bytes(row["body"]), rows.commitments_of(tx, row["id"]))
        for row in events.of_document(tx, trace.id)
        if row["id"] in shown
    )
    found = _Read(kept)
    for message in trace.messages:
        found.received[message["id"]] = payload.of_message(tx, message["id"])
    for delivery in trace.deliveries:
        stored = payload.of_delivery(tx, delivery.id)
        received = found.received.get(delivery.message)
        if stored is not None and received is not None and stored.sha256 != received.sha256:
            found.sent[delivery.id] = stored
    wanted = {
        proof["sha256"] for m in trace.messages for verdict in m["verdicts"] for proof in verdict["proofs"]
    }
    found.proofs = tuple(proof for one in sorted(wanted) if (proof := proofs.find(tx, one)) is not None)
    return found


async def _letter(
    gw: Services, caller: Caller, trace: Trace, message: dict[str, Any], found: _Read
) -> Letter:
    """A message with its content, or with the reason why it comes without."""
    stored = found.received.get(message["id"])
    withheld = _withheld(caller, trace, message, stored)
    told = (message["id"], message["kind"], message["verdicts"], message["findings"])
    if withheld or stored is None:
        return Letter(*told, withheld=withheld)
    data = await _bytes_of(gw, stored)
    files = () if message["kind"] == Kind.STATUS.value else await _files(gw, data)
    sent = []
    for delivery in trace.deliveries:
        rebuilt = found.sent.get(delivery.id)
        if delivery.message == message["id"] and rebuilt is not None and rebuilt.wrapped_key is not None:
            sent.append((str(delivery.recipient), await _bytes_of(gw, rebuilt)))
    return Letter(*told, data, tuple(sent), files)


def _withheld(caller: Caller, trace: Trace, message: dict[str, Any], stored: StoredPayload | None) -> str:
    """Why the content of a message stays out; empty when it goes in."""
    if stored is None or stored.wrapped_key is None or trace.purged_at is not None:
        return "destroyed"
    if message["kind"] == Kind.STATUS.value:
        return ""
    if trace.frozen_at is not None and caller.role not in OPENS_FROZEN:
        return "frozen"
    if _sees_all(caller) or message["sender"] in caller.agencies:
        return ""
    own = [d for d in trace.deliveries if d.message == message["id"] and d.recipient in caller.agencies]
    has = any(d.state is State.DELIVERED or (d.state is State.QUEUED and d.fetched_at) for d in own)
    return "" if has else "not_taken"


async def _bytes_of(gw: Services, stored: StoredPayload) -> bytes:
    opened = await payload.open_stored(gw, stored)
    return await gw.on_disk(stored.size, lambda: b"".join(opened.chunks))


async def _files(gw: Services, data: bytes) -> tuple[File, ...]:
    """The attachments of an accepted message, decoded and unwrapped."""

    def take() -> tuple[File, ...]:
        taken: dict[int, io.BytesIO] = {}
        reader = EnvelopeReader(Limits(), open_file=lambda index: taken.setdefault(index, io.BytesIO()))
        for start in range(0, len(data), CHUNK):
            reader.feed(data[start : start + CHUNK])
        names = [file.name for file in reader.close().envelope.attachments]
        return tuple(File(names[index], taken[index].getvalue()) for index in sorted(taken))

    return await gw.offload(len(data), take)


def _record(gw: Services, caller: Caller, trace: Trace, letters: Iterable[Letter]) -> dict[str, Any]:
    """The summary for people: what the page tells and ``record.json`` holds."""
    first = trace.messages[0] if trace.messages else {"header": {}}
    header = first["header"]
    whole = trace.sender in caller.agencies or _sees_all(caller)
    own = ", ".join(sorted(caller.agencies & {d.recipient for d in trace.deliveries}))
    withheld = {letter.id: letter.withheld for letter in letters}
    return {
        "v": 1,
        "gateway": gw.keyring.gateway,
        "made_at": gw.clock.now(),
        "whole": whole,
        "audience": _audience(caller, trace) if whole else f"nơi nhận {own} (chỉ phần của nơi nhận này)",
        "agencies": _agencies(gw, trace),
        "document": {
            "id": trace.id,
            "sender": trace.sender,
            "document_id": trace.document_id,
            "created_at": trace.created_at,
            "subject": trace.subject,
            "number": header.get("number", ""),
            "notation": header.get("notation", ""),
            "type_name": header.get("type_name", ""),
            "promulgation_date": header.get("promulgation_date", ""),
            "standing": trace.standing.words.vi,
            "frozen_at": trace.frozen_at,
            "purged_at": trace.purged_at,
            "replaces": list(trace.replaces),
            "replaced_by": list(trace.replaced_by),
        },
        "messages": [_message(message, withheld[message["id"]]) for message in trace.messages],
        "deliveries": [_delivery(gw, delivery) for delivery in trace.deliveries],
        "attempts": [
            {**attempt, "delivery": delivery}
            for delivery, attempts in sorted(trace.attempts.items())
            for attempt in attempts
        ],
        "statuses": [dict(status) for status in trace.statuses],
        "receipts": [{"id": one["id"], "message": one["message"]} for one in trace.receipts],
    }


def _audience(caller: Caller, trace: Trace) -> str:
    if trace.sender in caller.agencies:
        return f"cơ quan gửi {trace.sender}"
    names = {Role.AUDITOR: "kiểm toán viên", Role.OPERATOR: "người vận hành"}
    return names.get(caller.role, "người quản trị")


def _agencies(gw: Services, trace: Trace) -> dict[str, str]:
    """Names as of the day on which the document came."""
    day = local_day(trace.created_at)
    codes = {trace.sender, *(d.recipient for d in trace.deliveries), *(d.addressed for d in trace.deliveries)}
    codes |= {status["reporter"] for status in trace.statuses}
    return {code: gw.directory.name(AgencyCode(code), day) for code in sorted(codes) if code}


def _message(message: dict[str, Any], withheld: str) -> dict[str, Any]:
    names = ("id", "kind", "sender", "accepted_at", "envelope_sha256", "content_digest", "size")
    more = ("decision", "rule_set", "event", "verdicts")
    told = {name: message[name] for name in (*names, *more)}
    return told | {"files": message["header"].get("files", []), "withheld": withheld}


def _delivery(gw: Services, delivery: Any) -> dict[str, Any]:
    names = ("id", "message", "kind", "sender", "recipient", "addressed", "destination", "adapter")
    times = ("accepted_at", "queued_at", "fetched_at", "settled_at", "status_at")
    more = ("urgency", "attempts", "reason_code", "status_code", "proof")
    told = {name: getattr(delivery, name) for name in (*names, *times, *more)}
    reason = delivery.reason.as_json() if delivery.reason else None
    pull = gw.kinds.get(delivery.adapter, False)
    return told | {"state": delivery.state.value, "reason": reason, "pull": pull}


async def _log_proof(gw: Services, kept: Sequence[KeptEvent]) -> LogProof:
    """A head over every event of the document, the newest timestamped one if there is, and the ways up.

    Events without a leaf get theirs, and a head is signed, before the evidence is given: it never says
    “pending”. ``Busy`` when another process keeps the log to itself for longer than it should.
    """
    for _ in range(TRIES):
        proved = await gw.store.read(lambda tx: _proved(tx, gw.keyring, kept))
        if proved is not None:
            return proved
        with contextlib.suppress(Taken):
            await gw.sequencer.catch_up()
            await gw.sequencer.publish()
            continue
        await asyncio.sleep(WAIT_SECONDS)
    raise Busy(_LOG_BUSY, code="log.busy")


def _proved(tx: Tx, keyring: Keyring, kept: Sequence[KeptEvent]) -> LogProof | None:
    leaves = {event.id: log.leaf_of(tx, event.id) for event in kept}
    places = {event: found[0] for event, found in leaves.items() if found is not None}
    head = over(tx, keyring, max(places.values(), default=0))
    if head is None or len(places) < len(leaves):
        return None
    nodes = functools.cache(stored_nodes(tx))
    ways = {event: (leaf, inclusion_proof(nodes, leaf, head.size)) for event, leaf in places.items()}
    lines = tuple(one.line for one in log.cosignatures(tx, head.number))
    return LogProof(head.note, head.size, head.root, ways, lines, head.token)


def trusted_of(keyring: Keyring) -> Trusted:
    """Our own public keys, as a verifier believes them."""
    lost = of_keyring(keyring)
    certificates = tuple(one for one in keyring.receipt_certificates if one not in lost.certificates)
    ours = log_keys(keyring) if keyring.note_keys(LOG) else ()  # a keyring from before there was a log
    keys = tuple(key for key in ours if key not in lost.log_keys)
    return Trusted(certificates, keys, compromised=lost)


def own_key_text(keyring: Keyring) -> str:
    """The list of our public keys, lost ones in lines of their own."""
    own = trusted_of(keyring)
    return key_text(own.certificates, own.log_keys, lines_of(own.compromised))


async def _tell(gw: Services, caller: Caller, trace: Trace, made: Evidence, reason: str) -> None:
    event = record.event(
        gw,
        EventType.EVIDENCE_EXPORTED,
        caller.principal,
        gw.clock.now(),
        document=trace.id,
        sender=trace.sender,
        facts={
            "container_sha256": made.sha256,
            "size": len(made.data),
            "role": caller.role.value,
            "with_content": made.with_content,
        },
        private=facts.salted({"reason": reason}),
    )
    await gw.store.write(lambda tx: events.record(tx, event))


_LOG_BUSY = Bilingual(
    "Nhật ký đang được tiến trình khác chốt nên chưa lập được hồ sơ. Hãy thử lại sau ít phút.",
    "Another process is working on the log, so no evidence can be given now. Try again in a few minutes.",
)

__all__ = ["Evidence", "export_evidence", "export_evidence_file", "public_keys", "trusted_of"]
