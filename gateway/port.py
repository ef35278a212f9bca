"""What an adapter is: the one page that the author of an adapter reads.

An adapter carries one parcel to one partner system and says how that went. It never touches the database and
never decides about retries: it returns

* ``Delivered(proof)``      the partner's system has it, and ``proof`` says on what ground we believe that;
* ``TryLater(code, text)``  the world is unavailable (refused connection, timeout, 5xx, an unreadable answer);
* ``Refused(code, text)``   the partner said no, and trying again unchanged is pointless.

Any exception counts as ``TryLater``. A parcel may arrive twice (we die after the partner's yes), so it always
carries the same ``delivery_id`` and ``envelope_sha256``: partners recognise the repeat by them.
Registered in ``adapters.KINDS``; a pull kind (the recipient comes for it) has ``pull = True`` and is never
called.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Protocol

from gateway.model.envelope import Kind
from gateway.model.text import AgencyCode, Bilingual, DocumentId


@dataclass(frozen=True, slots=True)
class Parcel:
    """One message for one recipient. ``open()`` streams the envelope's bytes (``size`` of them)."""

    delivery_id: str
    message_id: str
    kind: Kind
    sender: AgencyCode
    document_id: DocumentId
    recipient: AgencyCode
    urgency: int  # 0 thường … 4 hỏa tốc hẹn giờ
    envelope_sha256: str  # hex, of the bytes that ``open()`` gives
    size: int
    attempt: int  # 1 for the first
    settings: Mapping[str, str]  # the recipient's connection profile
    open: Callable[[], AsyncIterator[bytes]]


@dataclass(frozen=True, slots=True)
class Delivered:
    """The partner has it. ``proof`` is short text kept with the delivery (status line, DocId, file name)."""

    proof: str


@dataclass(frozen=True, slots=True)
class TryLater:
    """Not now. ``code`` is stable (``connect.refused``); ``text`` is for the operator, with the partner's
    words.
    """

    code: str
    text: Bilingual
    retry_after: int = 0  # seconds that the partner asked for; 0: our schedule


@dataclass(frozen=True, slots=True)
class Refused:
    """No. The delivery becomes a dead letter, the original is kept, the sender is told."""

    code: str
    text: Bilingual


Outcome = Delivered | TryLater | Refused


class Adapter(Protocol):
    """One partner dialect, outbound half."""

    kind: ClassVar[str]
    pull: ClassVar[bool]

    def check_settings(self, settings: Mapping[str, str]) -> list[Bilingual]:
        """What is wrong with a connection profile, before anybody relies on it; empty when usable."""
        ...

    async def deliver(self, parcel: Parcel) -> Outcome:
        """Carry one parcel. May take four fifths of the lease (``delivery.lease_seconds``)."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...
