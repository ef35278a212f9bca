"""An agency's software that speaks the national SDK's calls, to our gateway or to the national axis.

In charge of: the client of ``agency`` over those calls, and a loop whose items are known only when they were
fetched. Not in charge of: signing calls (``adapters/vxp``), storing (``agency.Cabinet``).
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from adapters.vxp.client import Failed, VxpClient
from gateway.directory.snapshot import Directory
from gateway.edxml.parse import parse_envelope
from gateway.errors import Unreadable
from gateway.model.envelope import Envelope, Kind
from gateway.port import Unavailable
from gateway.practice import letters
from gateway.practice.agency import AgencySoftware, Cabinet, Item, Received, TurnedAway
from gateway.practice.letters import Office

EDOC, STATUS = "edoc", "status"


class SdkClient:
    """The calls of the SDK in the words of ``agency.Client``."""

    def __init__(self, vxp: VxpClient, office: Office) -> None:
        self._vxp = vxp
        self.office = office

    @property
    def code(self) -> str:
        """The agency."""
        return self.office.code

    async def submit(self, envelope: bytes) -> dict[str, Any]:
        """Send a message; the answer is only the id that the other side gave it."""
        kind = STATUS if parse_envelope(envelope).envelope.kind is Kind.STATUS else EDOC
        async with _told():
            doc_id = await self._vxp.send(envelope, self.code, kind)
        return {"message": str(UUID(doc_id))}  # becomes a file's name

    async def inbox(self) -> list[Item]:
        """What waits, documents before statuses; only the id is known."""
        async with _told():
            rows = [*await self._vxp.received(EDOC), *await self._vxp.received(STATUS)]
        return [Item(str(row["docId"]), "", str(row["messageType"]), "", "", "") for row in rows]

    async def fetch(self, delivery: str) -> bytes:
        """The bytes of one waiting message."""
        async with _told():
            return b"".join([chunk async for chunk in self._vxp.download(delivery)])

    async def done(self, delivery: str) -> None:
        """The message is on our disk."""
        async with _told():
            await self._vxp.update_status(delivery, "done")


class SdkSoftware(AgencySoftware):
    """The same loop as everybody's. ``client`` is an ``SdkClient``; ``now`` is the local time."""

    def __init__(
        self,
        client: SdkClient,
        cabinet: Cabinet,
        received: Received,
        poll_seconds: float,
        directory: Directory,
        now: Callable[[], datetime],
    ) -> None:
        super().__init__(client, cabinet, received, poll_seconds)
        self._office = client.office
        self._directory = directory
        self._now = now

    async def report(self, item: Item, code: str, text: str) -> None:
        """A status that we write ourselves, from the document in the cabinet."""
        about = parse_envelope(self.cabinet.bytes_of(item)).envelope
        await self.send(letters.status(self._office, about, code, self._now(), text))

    async def _fetched(self, item: Item) -> tuple[Item, bytes]:
        data = await self.client.fetch(item.delivery)
        try:
            envelope = parse_envelope(data).envelope
        except Unreadable as error:
            raise TurnedAway(502, {"code": error.code, "detail_en": error.text.en}) from error
        known = replace(
            item,
            message=name_of(envelope, self._directory),
            kind=envelope.kind.value,
            sender=envelope.sender.organ_id,
            document_id=envelope.document_id,
            envelope_sha256=hashlib.sha256(data).hexdigest(),
        )
        return known, data


def name_of(envelope: Envelope, directory: Directory) -> str:
    """What tells a message from others at both ends of an axis, which writes bytes and ids anew."""
    code = envelope.status.code if envelope.status else ""
    return name(
        envelope.kind.value, envelope.document_id, directory.canonical(envelope.sender.organ_id), code
    )


def name(kind: str, document_id: str, sender: str, code: str) -> str:
    """The same from a record."""
    return " ".join((kind, document_id, sender, code)).rstrip()


@contextlib.asynccontextmanager
async def _told() -> AsyncIterator[None]:
    try:
        yield
    except Unavailable as problem:
        raise TurnedAway(503, {"code": problem.code, "detail_en": problem.text.en}) from problem
    except Failed as no:
        raise TurnedAway(422, {"code": no.code, "detail": no.words}) from no
