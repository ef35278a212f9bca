"""Nothing is acknowledged before it is on a second disk (setting ``durability.second_copy``).

In charge of: noting what an acceptance writes, having it written to the second disk before the answer, and
again when the same message is handed in again. Not in charge of: the files (``store/second_copy.py``), taking
them back after a restore (``flow/recovered.py``).

The order: the acceptance commits here together with a row that says “still to be copied”; the copy is
fsynced there; the caller is answered. Without the copy the caller gets 503 and hands in again: the message is
here, so it is a repeat, and the repeat waits for the same copy. What a receipt promises is therefore on two
disks whenever somebody holds the receipt.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

from gateway.clock import local_day
from gateway.errors import BadRequest, Busy
from gateway.exchange_log.sequence import log_origin
from gateway.flow.door import Caller
from gateway.model.text import Bilingual, Instant
from gateway.services import Services
from gateway.store import second_copy
from gateway.store.contract import Row, Tx
from gateway.store.journal import Noted, decode, encode, files_of
from gateway.store.people import Role
from gateway.store.second_copy import FORGOTTEN_AT_ONCE, Copy, SecondCopies

SCHEMA = 24  # the migration that the noted statements fit; raise it with the first that changes them
RETRY_SECONDS = 60


class NoSecondCopy(Busy):
    """The second disk cannot be written, so nothing is acknowledged; hand in again."""

    code = "durability.second_copy"
    vi = (
        "Ổ đĩa lưu bản thứ hai (durability.second_copy) không ghi được nên trục chưa xác nhận. Hãy gửi lại "
        "sau; cùng một gói tin gửi lại sẽ không bị nhân đôi."
    )


def must_be_ready(gw: Services) -> None:
    """``NoSecondCopy`` at once while the second disk is away: no work is done in vain."""
    if gw.second is not None and not gw.second.is_there():
        raise NoSecondCopy(retry_after=RETRY_SECONDS)


def noted(gw: Services, tx: Tx) -> Tx:
    """``tx``, or one that notes what is written, where there is a second disk."""
    return Noted(tx) if gw.second is not None else tx


def enlist(gw: Services, tx: Tx, message: str, at: Instant) -> None:
    """In the transaction of the acceptance: its copy is to be written. ``tx`` as ``noted`` gave it."""
    if gw.second is not None and isinstance(tx, Noted):
        second_copy.add_due(tx.tx, message, at, gw.keyring.encrypt_secret(encode(tx.statements)))
        gw.second.forgetting[message] = list(gw.second.written)[:FORGOTTEN_AT_ONCE]
        second_copy.forget(tx.tx, gw.second.forgetting[message])


async def settle(gw: Services, message: str) -> None:
    """On return everything that was accepted of the message is on the second disk. ``NoSecondCopy``."""
    if gw.second is None:
        return
    for gone in gw.second.forgetting.pop(message, []):
        gw.second.written.pop(gone, None)
    rows = await gw.store.read(lambda tx: second_copy.due_of(tx, message))
    for row in rows:
        await _write(gw, gw.second, row)


async def settle_left(gw: Services) -> int:
    """Write what a process that died left to be written; how many."""
    count = 0
    while gw.second is not None:
        rows = await gw.store.read(lambda tx: second_copy.all_due(tx, FORGOTTEN_AT_ONCE))
        for row in rows:
            await _write(gw, gw.second, row)
        if not rows:
            break
        done = [(row["message"], row["at"]) for row in rows]
        await gw.store.write(lambda tx, done=done: second_copy.forget(tx, done))  # type: ignore[misc]
        count += len(rows)
    return count


async def prepare(gw: Services, caller: Caller) -> Mapping[str, str]:
    """Mark the folder of the settings as the second disk of this gateway."""
    caller.require(Role.ADMINISTRATOR)
    if gw.second is None:
        raise BadRequest(_NOT_SET, code="durability.not_set")
    try:
        gw.second.prepare(log_origin(gw.keyring))
    except OSError as error:
        text = Bilingual(f"Không dùng được thư mục này: {error}", f"The folder cannot be used: {error}")
        raise BadRequest(text, code="durability.folder") from error
    same = _is_same_disk(gw.second.folder, gw.log_folder)
    return {"folder": str(gw.second.folder), "same_disk": "yes" if same else "no"}


async def prune(gw: Services, caller: Caller, before: int) -> dict[str, int]:
    """Delete copies of what was accepted before that moment (UTC microseconds), which a backup holds."""
    caller.require(Role.ADMINISTRATOR)
    second = gw.second
    if second is None:
        raise BadRequest(_NOT_SET, code="durability.not_set")
    return {"pruned": await gw.on_disk(100_000, lambda: second.prune(Instant(before)))}


async def _write(gw: Services, second: SecondCopies, row: Row) -> None:
    key = (row["message"], row["at"])
    if key in second.written:
        return
    body = bytes(row["body"])
    work = asyncio.get_running_loop().run_in_executor(gw.disk_threads, _write_now, gw, second, *key, body)
    try:
        await work
    except OSError as error:
        raise NoSecondCopy(retry_after=RETRY_SECONDS) from error
    second.written[key] = None


def _write_now(gw: Services, second: SecondCopies, message: str, at: Instant, body: bytes) -> None:
    names = files_of(decode(gw.keyring.decrypt_secret(body)))
    files = [(name, b"".join(gw.blobs.sealed(name))) for name in names]
    second.write(Copy(message, at, SCHEMA, body, files), local_day(at).isoformat())


def _is_same_disk(folder: Path, other: Path | None) -> bool:
    return other is not None and folder.stat().st_dev == other.parent.stat().st_dev


_NOT_SET = Bilingual(
    "Chưa khai báo thư mục lưu bản thứ hai (durability.second_copy) trong phần cài đặt.",
    "No folder for second copies is set (durability.second_copy).",
)
