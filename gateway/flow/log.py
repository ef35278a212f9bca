"""What others may ask of the exchange log, and what witnesses do.

In charge of: the newest checkpoint, proofs, entries for auditors; taking cosignatures of configured
witnesses; being the witness of another log. Not in charge of: fetching anything over the network
(``cli/log.py`` does), the steps of the log (``exchange_log/sequence.py``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from gateway.clock import SECOND, to_rfc3339
from gateway.errors import BadRequest, Busy, NotFound
from gateway.exchange_log.checkpoint import (
    WITNESS_KEY,
    Checkpoint,
    NotANote,
    Note,
    PublicKey,
    Signature,
    cosign,
    is_key_of,
    key_name,
    log_of,
    read_checkpoint,
    read_key,
    read_note,
    signed_by_log,
    verify,
)
from gateway.exchange_log.compromised import lines_of, of_keyring, over
from gateway.exchange_log.merkle import consistency_proof, inclusion_proof, verify_consistency
from gateway.exchange_log.sequence import log_keys, log_origin, stored_nodes, with_cosignatures
from gateway.flow.door import Caller
from gateway.flow.record import event
from gateway.model.event import EventType
from gateway.model.text import Bilingual, Instant
from gateway.services import Services
from gateway.signature.keyring import WITNESS, Keyring
from gateway.store import events, log
from gateway.store.contract import Tx
from gateway.store.log import Cosigned, SignedHead, Taken, Watched
from gateway.store.people import Role

MOST_ENTRIES = 1000  # in one answer
_READERS = (Role.AUDITOR, Role.OPERATOR, Role.ADMINISTRATOR)


async def newest_checkpoint(gw: Services) -> str:
    """The newest published checkpoint with the lines of its witnesses. ``NotFound`` before the first."""
    note = await gw.store.read(lambda tx: _cosigned(tx, log.published(tx)))
    if not note:
        raise NotFound(_NONE_YET, code="log.empty")
    return note


async def consistency(gw: Services, old: int, new: int) -> list[str]:
    """Hashes (hex) which prove that the first ``new`` leaves begin with the first ``old``."""
    size = (await gw.store.read(log.state)).integrated
    if not 0 <= old <= new <= size:
        raise BadRequest(_no_such(old, new, size), code="log.range")
    proof = await gw.store.read(lambda tx: consistency_proof(stored_nodes(tx), old, new))
    return [part.hex() for part in proof]


async def inclusion(gw: Services, event_id: str, leaf: int | None, size: int) -> dict[str, Any]:
    """Leaf, hash and the way up to the head over ``size`` leaves (0: the first published checkpoint over the
    leaf, one with a timestamp if there is), with that checkpoint when it is one of ours."""
    found = await gw.store.read(lambda tx: _inclusion(tx, gw.keyring, event_id, leaf, size))
    if found is None:
        raise NotFound(_NO_LEAF, code="log.no_leaf")
    return found


async def entries(gw: Services, caller: Caller, start: int, stop: int) -> list[dict[str, Any]]:
    """Leaves from ``start`` to before ``stop`` with their bytes, for auditors; at most ``MOST_ENTRIES``."""
    caller.require(*_READERS)
    last = min(stop, start + MOST_ENTRIES)
    found = await gw.store.read(lambda tx: log.entries(tx, start, last))
    return [{"leaf": one.leaf, "hash": one.hash.hex(), "event": one.body.decode()} for one in found]


async def make_checkpoint(gw: Services, caller: Caller) -> dict[str, Any]:
    """Carry everything recorded into the log and publish a checkpoint now."""
    caller.require(Role.ADMINISTRATOR, Role.OPERATOR)
    try:
        head = await gw.sequencer.advance(publish=True)
    except Taken:
        raise Busy(_HELD, code="log.held", retry_after=10) from None
    if head is None:
        raise NotFound(_NONE_YET, code="log.empty")
    note = await gw.store.read(lambda tx: _cosigned(tx, head))
    return {
        "checkpoint": note,
        "size": head.size,
        "root": head.root.hex(),
        "signed_at": to_rfc3339(head.signed_at),
        "stamped_at": to_rfc3339(head.stamped_at) if head.stamped_at else "",
    }


async def show_keys(gw: Services, caller: Caller) -> dict[str, Any]:
    """Public keys of the log, newest first, and of our witness, as others need them."""
    witness = [str(key) for key in _witness_keys(gw)]
    lost = of_keyring(gw.keyring)
    return {
        "origin": log_origin(gw.keyring),
        "log": [str(key) for key in log_keys(gw.keyring) if key not in lost.log_keys],
        "witness": witness,
        "compromised": [line.rstrip() for line in lines_of(lost)],
    }


async def take_cosignatures(gw: Services, note: str) -> list[str]:
    """Keep the lines of configured witnesses under a checkpoint of ours; the names of those that hold.

    ``BadRequest``: not a checkpoint that we signed, or no line of a configured witness holds."""
    keys = configured_witnesses(gw)
    try:
        read = read_note(note)
        head = read_checkpoint(read.text)
        seen = [one for one in verify(read, keys) if one.time is not None]
    except NotANote as error:
        raise BadRequest(_not_a_note(str(error)), code="log.note") from error
    if log_of(head.origin) != log_origin(gw.keyring) or not signed_by_log(read, log_keys(gw.keyring)):
        raise BadRequest(_NOT_OURS, code="log.not_ours")
    if not seen:
        raise BadRequest(_NO_WITNESS, code="log.no_witness")
    lines = {(one.name, one.key_hash): one for one in read.signatures}
    now = gw.clock.now()

    def unit(tx: Tx) -> bool:
        row = _row_of(tx, head, read)
        if row is None:
            return False
        for one in seen:
            line = lines[one.key.name, one.key.key_hash].line()
            log.cosign(tx, row.number, Cosigned(one.key.name, line, Instant((one.time or 0) * SECOND)), now)
        return True

    if not await gw.store.write(unit):
        raise BadRequest(_NOT_OURS, code="log.not_ours")
    return [one.key.name for one in seen]


def configured_witnesses(gw: Services) -> list[PublicKey]:
    """The witnesses of our settings (``exchange_log.witnesses``)."""
    given = [text for text in gw.config.exchange_log.witnesses.split(",") if text.strip()]
    return [read_key(text) for text in given]


async def remembered(gw: Services, caller: Caller, origin: str) -> dict[str, Any]:
    """The size of the largest head of that log that we cosigned; 0: none yet."""
    caller.require(Role.ADMINISTRATOR, Role.OPERATOR)
    seen = await gw.store.read(lambda tx: log.watched(tx, origin))
    return {"size": seen.size if seen else 0, "note": seen.note if seen else ""}


async def witness(gw: Services, caller: Caller, note: str, key: str, proof: Sequence[str]) -> dict[str, Any]:
    """Be the witness of a checkpoint of another log: when its key has signed it and it continues what we
    remember, remember it and sign. ``BadRequest`` when it does not; a fork is recorded with both notes."""
    caller.require(Role.ADMINISTRATOR, Role.OPERATOR)
    try:
        read, known = read_note(note), read_key(key)
        head = read_checkpoint(read.text)
        signed = signed_by_log(read, [known])
        hashes = [bytes.fromhex(part) for part in proof]
    except (NotANote, ValueError) as error:
        raise BadRequest(_not_a_note(str(error)), code="log.note") from error
    if not signed or not is_key_of(known, head.origin):
        raise BadRequest(_UNKNOWN_KEY, code="log.unknown_key")
    now = gw.clock.now()
    gw.keyring.ensure_note_key(WITNESS, now)

    def unit(tx: Tx) -> Watched | None:
        seen = log.watched(tx, head.origin)
        if seen is not None and not _continues(seen, head, hashes):
            _record_fork(tx, gw, caller, seen, head, note)
            return seen
        if seen is None or head.size > seen.size:
            log.watch(tx, head.origin, Watched(head.size, head.root, note, now))
        return None

    if other := await gw.store.write(unit):
        raise BadRequest(_forked(head, other, note), code="log.forked")
    line = cosign(
        read.text, _witness_keys(gw)[0], now // SECOND, lambda data: gw.keyring.sign_note(WITNESS, data)
    )
    return {"origin": head.origin, "size": head.size, "note": str(_with(read, line)), "line": line.line()}


def _with(note: Note, line: Signature) -> Note:
    """The log's own signature and our line."""
    origin = note.text.partition("\n")[0]
    return Note(note.text, (*(one for one in note.signatures if one.name == origin), line))


def _witness_keys(gw: Services) -> list[PublicKey]:
    name = key_name(gw.keyring.gateway)
    keys = gw.keyring.note_keys(WITNESS)
    if not keys:
        return []
    unique = f"{name}/witness-{hashlib.sha256(keys[-1]).hexdigest()[:8]}"
    return [PublicKey(unique, key, WITNESS_KEY) for key in keys]


def _continues(seen: Watched, head: Checkpoint, proof: Sequence[bytes]) -> bool:
    """An older head than ours is no fork by itself: nothing is remembered of it, and it is not signed."""
    if head.size < seen.size:
        raise BadRequest(_older(head.size, seen.size), code="log.older")
    return verify_consistency(seen.size, head.size, seen.root, head.root, proof)


def _record_fork(tx: Tx, gw: Services, caller: Caller, seen: Watched, head: Checkpoint, note: str) -> None:
    facts = {
        "origin": head.origin,
        "remembered": {"size": seen.size, "root": seen.root.hex(), "note": seen.note},
        "shown": {"size": head.size, "root": head.root.hex(), "note": note},
    }
    events.record(tx, event(gw, EventType.LOG_FORKED, caller.principal, gw.clock.now(), facts=facts))


def _cosigned(tx: Tx, head: SignedHead | None) -> str:
    if head is None:
        return ""
    return with_cosignatures(head.note, [one.line for one in log.cosignatures(tx, head.number)])


def _row_of(tx: Tx, head: Checkpoint, note: Note) -> SignedHead | None:
    """Our row with exactly this text."""
    rows = log.of_root(tx, head.size, head.root)
    return next((row for row in rows if read_note(row.note).text == note.text), None)


def _inclusion(tx: Tx, keyring: Keyring, event_id: str, leaf: int | None, size: int) -> dict[str, Any] | None:
    if event_id:
        place = log.leaf_of(tx, event_id)
        if place is None:
            return None
        leaf = place[0]
    if leaf is None or not (found := log.hashes(tx, 0, leaf, leaf + 1)):
        return None
    head = None if size else over(tx, keyring, leaf)
    size = size or (head.size if head else 0)
    if not leaf < size <= log.state(tx).integrated:
        return None
    proof = inclusion_proof(stored_nodes(tx), leaf, size)
    return {
        "leaf": leaf,
        "hash": found[0].hex(),
        "size": size,
        "inclusion_proof": [part.hex() for part in proof],
        "checkpoint": _cosigned(tx, head),
    }


_NONE_YET = Bilingual(
    "Nhật ký chưa có mốc chốt nào. Hãy hỏi lại sau ít phút.",
    "The log has no checkpoint yet. Ask again later.",
)
_NO_LEAF = Bilingual(
    "Nhật ký không có sự kiện này dưới mốc chốt nào.", "The log has no such event under a checkpoint."
)
_HELD = Bilingual(
    "Tiến trình khác đang ghi nhật ký; hãy thử lại sau mười giây.",
    "Another process is writing the log; try again in ten seconds.",
)
_NOT_OURS = Bilingual(
    "Đây không phải mốc chốt do nhật ký này ký.", "This is no checkpoint that this log has signed."
)
_NO_WITNESS = Bilingual(
    "Không có chữ ký hợp lệ của nhân chứng đã khai báo (exchange_log.witnesses).",
    "There is no valid line of a configured witness (exchange_log.witnesses).",
)
_UNKNOWN_KEY = Bilingual(
    "Mốc chốt không được ký bằng khóa đã cho.", "The checkpoint is not signed with the given key."
)


def _not_a_note(detail: str) -> Bilingual:
    return Bilingual(f"Mốc chốt không đọc được: {detail}", f"Not a checkpoint: {detail}")


def _no_such(old: int, new: int, size: int) -> Bilingual:
    return Bilingual(
        f"Nhật ký có {size} sự kiện; không có khoảng từ {old} đến {new}.",
        f"The log has {size} leaves; there is no range from {old} to {new}.",
    )


def _older(shown: int, seen: int) -> Bilingual:
    return Bilingual(
        f"Mốc chốt có {shown} sự kiện, cũ hơn mốc {seen} sự kiện đã ký trước đây; nhân chứng không ký lùi.",
        f"The checkpoint covers {shown} leaves, fewer than the {seen} cosigned before; a witness never goes "
        "back.",
    )


def _forked(head: Checkpoint, seen: Watched, note: str) -> Bilingual:
    return Bilingual(
        f"Nhật ký {head.origin} đã rẽ nhánh: mốc chốt {head.size} sự kiện không nối tiếp mốc {seen.size} sự "
        f"kiện đã thấy. Cả hai mốc được giữ làm bằng chứng:\n\n{seen.note}\n{note}",
        f"The log {head.origin} forked: its head over {head.size} leaves does not continue the one over "
        f"{seen.size} that was seen. Both are kept as evidence:\n\n{seen.note}\n{note}",
    )
