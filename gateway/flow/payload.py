"""Reading a kept message.

In charge of: from a delivery (or a message) to its decrypted bytes. Not in charge of: who may read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from gateway.errors import NotFound
from gateway.model.delivery import Delivery
from gateway.model.text import Bilingual
from gateway.services import Services
from gateway.store import messages, payloads
from gateway.store.contract import Tx
from gateway.store.payloads import StoredPayload


@dataclass(frozen=True, slots=True)
class OpenPayload:
    """Bytes to stream. ``chunks`` raises ``store.places.Damaged`` if the hash does not fit, and then keeps
    the last chunk back: whoever passes the bytes on has not passed on the whole."""

    sha256: bytes
    size: int
    chunks: Iterator[bytes]


async def open_payload(gw: Services, delivery: Delivery) -> OpenPayload:
    """The bytes that this delivery hands over: as received, or as rebuilt for the recipient's dialect."""
    return await open_stored(gw, await gw.store.read(lambda tx: of_delivery(tx, delivery.id)))


async def open_stored(gw: Services, stored: StoredPayload | None) -> OpenPayload:
    """The bytes of a payload row; ``NotFound`` when they were destroyed. On return they are on this machine;
    ``Busy``: the bucket does not answer."""
    wrapped = _readable(stored)
    read = partial(_read, gw, wrapped)
    if not gw.blobs.is_far(wrapped.file):
        return read()
    return await asyncio.get_running_loop().run_in_executor(gw.disk_threads, read)


def inline_bytes(gw: Services, stored: StoredPayload) -> bytes:
    """The bytes of a payload that stands in its row."""
    assert stored.inline is not None
    return b"".join(_read(gw, _readable(stored)).chunks)


def _readable(stored: StoredPayload | None) -> StoredPayload:
    if stored is None or stored.wrapped_key is None:
        raise NotFound(
            Bilingual("Nội dung gói tin này đã được hủy.", "The content of this message was destroyed."),
            code="payload.destroyed",
        )
    return stored


def _read(gw: Services, stored: StoredPayload) -> OpenPayload:
    key = gw.keyring.unwrap(stored.wrapped_key or b"")
    chunks = gw.blobs.read(stored.file, stored.inline, data_key=key, size=stored.size, sha256=stored.sha256)
    return OpenPayload(stored.sha256, stored.size, _one_behind(chunks))


def _one_behind(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Each chunk only once the next one, or the proof that comes after the last, is there."""
    held = b""
    for chunk in chunks:
        if held:
            yield held
        held = chunk
    yield held


def of_delivery(tx: Tx, delivery_id: str) -> StoredPayload | None:
    """The payload row whose bytes a delivery hands over."""
    row = tx.one("delivery_by_id", id=delivery_id)
    if row is None:
        return None
    if row["payload"] is not None:
        return payloads.find(tx, bytes(row["payload"]))
    return of_message(tx, row["message"])


def of_message(tx: Tx, message_id: str) -> StoredPayload | None:
    """The payload row of a message as it came."""
    row = messages.find(tx, message_id)
    return None if row is None else payloads.find(tx, bytes(row["envelope_sha256"]))
