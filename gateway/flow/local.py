"""What a person on this machine may do in the name of one agency: send, look into the inbox, fetch, say done.

In charge of: the operations behind ``gateway send`` and ``gateway inbox``. Whoever may open the home folder
may act for every agency in it, so each call is narrowed to exactly the agency that was named; the actor in
the record is the command line. Files are read and written by the process that holds the installation, which
runs under the same account. Like a server, they promise nothing on an older copy of the database
(``recovery.py``). Not in charge of: the gate and the inbox (``submit.py``, ``inbox.py``).
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, BinaryIO

from gateway.errors import BadRequest, NotFound
from gateway.flow import footprints, inbox
from gateway.flow.door import Caller, receive, stated
from gateway.flow.open_content import open_content
from gateway.flow.progress import report_status
from gateway.flow.recall import ask_back, show_recall
from gateway.flow.recovery import must_be_settled
from gateway.flow.submit import submit
from gateway.model.envelope import StaffInfo
from gateway.model.refusal import Refusal
from gateway.model.status import read_status_code
from gateway.model.text import AgencyCode, Bilingual
from gateway.services import Services
from gateway.store import deliveries, events, messages
from gateway.store.contract import Tx
from gateway.store.people import Role

CHUNK = 262_144  # bytes read from a file at one time


async def send_file(gw: Services, caller: Caller, agency: str, path: str) -> Any:
    """Take the edXML file at ``path`` through the gate as if ``agency``'s own software had sent it."""
    acting = _acting_for(gw, caller, agency)
    await must_be_settled(gw)
    with _opened(path) as file:
        upload = await receive(gw, _chunks(file))
    return await submit(gw, acting, upload)


async def list_inbox(gw: Services, caller: Caller, agency: str, cursor: str = "", limit: int = 100) -> Any:
    """What waits for ``agency``."""
    acting = _acting_for(gw, caller, agency)
    return await inbox.list_inbox(gw, acting, next(iter(acting.agencies)), cursor, limit)


async def fetch_file(gw: Services, caller: Caller, delivery: str, path: str, reason: str) -> Any:
    """Write the bytes of a waiting message to ``path``, which must not exist. On return they are on disk.

    A person opens content here, so there is a reason, and it is recorded.
    """
    reason = stated(reason)
    acting = await _recipient_of(gw, caller, delivery)
    await gw.store.write(lambda tx: _note_opened(tx, gw, caller, delivery, reason))
    parcel = await inbox.fetch(gw, acting, delivery)
    with created(path) as file:
        async for chunk in parcel.chunks:
            await asyncio.to_thread(file.write, chunk)
        file.flush()
        await asyncio.to_thread(os.fsync, file.fileno())
    return {
        "delivery": delivery,
        "path": path,
        "size": parcel.size,
        "envelope_sha256": parcel.envelope_sha256,
    }


def _note_opened(tx: Tx, gw: Services, caller: Caller, delivery_id: str, reason: str) -> None:
    delivery = deliveries.find(tx, delivery_id)
    assert delivery is not None  # somebody acts for its recipient
    [row] = messages.documents_named(tx, delivery.document)
    seen = footprints.opened(gw, caller, row, reason, message=delivery.message, delivery=delivery_id)
    events.record(tx, seen)


async def open_file(gw: Services, caller: Caller, document: str, path: str, reason: str) -> Any:
    """Write a document's envelope as received to ``path``, which must not exist; a person opens content."""
    payload = await open_content(gw, caller, document, reason)
    with created(path) as file:
        for chunk in payload.chunks:
            await asyncio.to_thread(file.write, chunk)
    return {"path": path, "size": payload.size, "envelope_sha256": payload.sha256.hex()}


async def confirm(gw: Services, caller: Caller, delivery: str) -> Any:
    """The recipient has stored the message durably."""
    acting = await _recipient_of(gw, caller, delivery)
    await must_be_settled(gw)
    return await inbox.done(gw, acting, delivery)


async def report(
    gw: Services,
    caller: Caller,
    delivery: str,
    code: str,
    description: str = "",
    refusal: Refusal | None = None,
) -> Any:
    """Report a status (02, 03 …) in the recipient's name; ``refusal``: why, with 02."""
    status = read_status_code(code)
    if status is None:
        raise BadRequest(_no_status(code), code="status.unknown")
    acting = await _recipient_of(gw, caller, delivery)
    await must_be_settled(gw)
    return await report_status(gw, acting, delivery, status, description, StaffInfo(), refusal)


async def recall(
    gw: Services,
    caller: Caller,
    document: str,
    reason: str,
    to: list[str] | None = None,
    agency: str = "",
) -> Any:
    """Ask for a document back in its sender's name; ``agency`` where several senders use the DocumentId."""
    sender = agency or (await show_recall(gw, caller, document)).sender
    acting = _acting_for(gw, caller, sender)
    await must_be_settled(gw)
    return await ask_back(gw, acting, document, reason, to or ())


def _acting_for(gw: Services, caller: Caller, agency: str) -> Caller:
    caller.require(Role.ADMINISTRATOR)
    code = gw.directory.resolve(agency)
    if code is None:
        raise NotFound(_unknown(agency), code="agency.unknown")
    return Caller(caller.principal, caller.name, Role.SYSTEM, frozenset({code}))


async def _recipient_of(gw: Services, caller: Caller, delivery_id: str) -> Caller:
    """The caller as the agency in whose inbox the delivery waits (and for which it is meant)."""
    caller.require(Role.ADMINISTRATOR)
    delivery = await gw.store.read(lambda tx: deliveries.find(tx, delivery_id))
    if delivery is None:
        raise NotFound(code="delivery.unknown")
    agencies = frozenset[AgencyCode]({delivery.destination, delivery.recipient})
    return Caller(caller.principal, caller.name, Role.SYSTEM, agencies)


def _opened(path: str) -> BinaryIO:
    try:
        return Path(path).open("rb")
    except OSError as error:
        raise BadRequest(_unreadable(path, error), code="file.unreadable") from error


def created(path: str) -> BinaryIO:
    """A new file that only its owner reads: it may hold an official document."""
    try:
        return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
    except OSError as error:
        raise BadRequest(_unwritable(path, error), code="file.unwritable") from error


async def _chunks(file: BinaryIO) -> AsyncIterator[bytes]:
    while chunk := await asyncio.to_thread(file.read, CHUNK):
        yield chunk


def _unknown(agency: str) -> Bilingual:
    return Bilingual(
        f"Danh mục không có cơ quan mang mã {agency}.", f"The directory does not know the agency {agency}."
    )


def _no_status(code: str) -> Bilingual:
    return Bilingual(
        f"Không có mã trạng thái “{code}”. Các mã: 01, 02, 03, 04, 05, 06, 13, 15, 16.",
        f"There is no status “{code}”. There are: 01, 02, 03, 04, 05, 06, 13, 15, 16.",
    )


def _unreadable(path: str, error: OSError) -> Bilingual:
    return Bilingual(
        f"Không đọc được tệp {path}: {error.strerror}.", f"Cannot read {path}: {error.strerror}."
    )


def _unwritable(path: str, error: OSError) -> Bilingual:
    return Bilingual(
        f"Không ghi được tệp {path}: {error.strerror}.", f"Cannot write {path}: {error.strerror}."
    )
