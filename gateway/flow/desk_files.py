"""A clerk takes files by hand, in place of her agency's document system.

In charge of: opening what her agency was sent and what it sent, one file out of an envelope, saying that a
message was taken, and the record of it. Not in charge of: what fetched and done mean (``inbox.py``).

Taking a file leaves the message waiting, so that the document system still gets it when it is back. Only
``take`` ends that, and is written down for the system to be told (``desk.by_hand``).
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

import orjson

from gateway.edxml.parse import EnvelopeReader
from gateway.errors import NotFound, WrongState
from gateway.flow import footprints, inbox
from gateway.flow.desk import own_document, own_incoming, require_own, row_of
from gateway.flow.door import Caller, limits_of
from gateway.flow.inbox import Parcel
from gateway.flow.payload import OpenPayload, of_message, open_stored
from gateway.model.delivery import Delivery, State
from gateway.model.text import AgencyCode, Bilingual
from gateway.services import Services
from gateway.store import desk, events, incidents, messages
from gateway.store.contract import Tx
from gateway.store.payloads import StoredPayload

BY_HAND = "taken by a clerk at the console"
STATUSES = 100  # taken in one go


@dataclass(frozen=True, slots=True)
class OpenFile:
    """One file of a message, whole."""

    name: str
    format: str
    data: bytes


async def open_envelope(gw: Services, caller: Caller, delivery_id: str) -> Parcel:
    """The message as the agency's system would fetch it. On return it is recorded who opened it; reading the
    chunks to the end counts as the fetch."""

    def unit(tx: Tx) -> None:
        delivery = own_incoming(tx, caller, delivery_id)
        document = tx.one("document_by_id", id=delivery.document)
        assert document is not None
        opened = footprints.opened(
            gw, caller, document, _OWN.vi, message=delivery.message, delivery=delivery.id
        )
        events.record(tx, opened)

    parcel = await inbox.fetch(gw, caller, delivery_id, by_hand=True)
    await gw.store.write(unit)
    return parcel


async def open_file(gw: Services, caller: Caller, delivery_id: str, number: int) -> OpenFile:
    """File ``number`` (from 1) of a message that the agency was sent; the whole message counts as fetched."""

    def unit(tx: Tx) -> tuple[bytes, str, str]:
        message = messages.find(tx, own_incoming(tx, caller, delivery_id).message)
        assert message is not None
        files = orjson.loads(message["header"]).get("files", [])
        if not 1 <= number <= len(files):
            raise NotFound(_NO_FILE, code="file.unknown")
        names = orjson.loads(events.private_values(tx, message["event"]).get("file_names", "[]"))
        name = names[number - 1] if number <= len(names) else ""
        return bytes.fromhex(files[number - 1]["sha256"]), files[number - 1]["format"], name

    sha256, form, name = await gw.store.read(unit)
    parcel = await open_envelope(gw, caller, delivery_id)
    data = await _file_in(gw, parcel.chunks, sha256)
    if data is None:
        raise NotFound(_NOT_FOUND, code="file.unreadable")
    return OpenFile(name, form, data)


async def open_sent(gw: Services, caller: Caller, document: str) -> OpenPayload:
    """The envelope that the agency itself sent, byte for byte. ``WrongState`` while it is kept back."""

    def unit(tx: Tx) -> StoredPayload | None:
        row = own_document(tx, caller, document)
        if row["frozen_at"] is not None or incidents.open_for(tx, document) is not None:
            raise WrongState(_KEPT_BACK, code="document.kept_back")
        events.record(tx, footprints.opened(gw, caller, row, _OWN.vi, message=row["first_message"]))
        return of_message(tx, row["first_message"])

    return await open_stored(gw, await gw.store.write(unit))


async def take(gw: Services, caller: Caller, delivery_id: str) -> Delivery:
    """The agency has the message; its document system will not be handed it. Saying it twice changes nothing.

    ``WrongState`` before every byte was taken.
    """

    def unit(tx: Tx) -> Delivery:
        before = own_incoming(tx, caller, delivery_id, lock=True)
        settled = inbox.settle(tx, gw, caller, delivery_id, BY_HAND, by_hand=True)
        if before.state is not State.DELIVERED:
            desk.add(tx, row_of(gw, caller, before.recipient, "taken", before.message, delivery_id))
        return settled

    settled = await gw.store.write(unit)
    gw.ring_for([settled.sender])  # its 01
    return settled


async def take_statuses(gw: Services, caller: Caller, agency: AgencyCode) -> int:
    """Statuses that wait for a document system that the agency does not have: taken, oldest first."""
    require_own(caller, agency)
    waiting = await gw.store.read(lambda tx: desk.statuses(tx, agency, STATUSES))
    for delivery in waiting:
        parcel = await inbox.fetch(gw, caller, delivery)
        async for _ in parcel.chunks:
            pass
    settled = await inbox.done_many(gw, caller, waiting)
    return sum(one.problem is None for one in settled)


async def _file_in(gw: Services, chunks: AsyncIterator[bytes], sha256: bytes) -> bytes | None:
    """The file with this hash; the chunks are read to their end, and one file is in memory at a time."""
    shelf = _Shelf(sha256)
    reader = EnvelopeReader(limits_of(gw), open_file=shelf.open)
    async for chunk in chunks:
        await gw.offload(len(chunk), reader.feed, chunk)
    reader.close()
    shelf.open(-1)
    return shelf.found


class _Shelf:
    """Where the reader writes: the file that is passing, and the one that is wanted."""

    def __init__(self, wanted: bytes) -> None:
        self._wanted = wanted
        self._passing: list[bytes] = []
        self.found: bytes | None = None

    def open(self, index: int) -> _Shelf:
        """A file begins, so the one before has ended."""
        passed = b"".join(self._passing)
        self._passing = []
        if self.found is None and hashlib.sha256(passed).digest() == self._wanted:
            self.found = passed
        return self

    def write(self, data: bytes, /) -> None:
        if self.found is None:
            self._passing.append(data)


_OWN = Bilingual("Văn thư của đơn vị mở văn bản của đơn vị mình", "A clerk opens her own agency's document")
_NO_FILE = Bilingual("Văn bản này không có tệp đó.", "This document has no such file.")
_NOT_FOUND = Bilingual(
    "Không tách được tệp này ra khỏi gói tin. Hãy tải cả gói tin edXML và báo đơn vị vận hành.",
    "This file cannot be taken out of the message. Download the whole message and tell the operator.",
)
_KEPT_BACK = Bilingual(
    "Văn bản đang được thu hồi hoặc đang xử lý sự cố nên không tải lại được nội dung.",
    "The document is being recalled, or there is an incident about it, so its content is not given out.",
)
