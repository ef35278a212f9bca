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

A partner that we ourselves must ask for what waits for us (a national or provincial axis) is a ``Collector``
as well: its kind stands in ``adapters.COLLECTORS`` too, and ``gateway/delivery/collect.py`` calls it. Where
the partner calls us, the adapter has an inbound half: a web application under a prefix of its own, registered
in ``adapters.MOUNTS``, whose handlers call ``gateway/flow``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, runtime_checkable

from aiohttp.web import RequestKey

from gateway.model.envelope import Kind
from gateway.model.text import AgencyCode, Bilingual, DocumentId, Instant

# Where the server leaves (``request.get(TURNED_AWAY)``) the error that an inbound half has to
# answer with, in its partner's own format, before it does anything else: the gateway is shutting down, say.
TURNED_AWAY = RequestKey("gateway.turned_away", Exception)


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
    addressed: AgencyCode = AgencyCode("")  # how the envelope names the recipient; "": as ``recipient``
    named: str = ""  # the same in the partner's form of codes, where the envelope names others too
    way: tuple[str, ...] = ()  # gateways that it passed, this one last


@dataclass(frozen=True, slots=True)
class Delivered:
    """The partner has it. ``proof`` is short text kept with the delivery (status line, DocId, file name);
    ``answer`` is what the partner said, kept whole, where its words themselves prove something."""

    proof: str
    answer: str = ""


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


@dataclass(frozen=True, slots=True)
class Waiting:
    """One message that a partner keeps for us. ``kind`` is ``edoc`` or ``status``; ``declared`` holds the
    partner's own words about it (sender, times), for the record."""

    doc_id: str
    kind: str
    sender: str = ""
    declared: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ListedAgency:
    """One row of a partner's agency list, codes as the partner spells them. ``parent`` is the code of the
    agency above, or the ``ref`` of its row where the partner counts rows."""

    code: str
    name: str
    parent: str = ""
    other_code: str = ""
    mail: str = ""
    ref: str = ""
    closed: bool = False


@dataclass(frozen=True, slots=True)
class ListedDocument:
    """One document that a partner says it has from us."""

    doc_id: str
    sender: str
    recipient: str
    notation: str = ""
    sent_time: str = ""
    state: str = ""
    sent_at: Instant | None = None  # ``sent_time`` as we read it


class Unavailable(Exception):
    """The partner gave no usable answer. ``code`` is stable (``answer.not_json``); ``text`` is for people."""

    def __init__(self, code: str, text: Bilingual) -> None:
        self.code = code
        self.text = text
        super().__init__(f"{code}: {text.en}")


@runtime_checkable
class Tracer(Protocol):
    """A partner that can be asked what became of a delivery. May raise ``Unavailable``."""

    async def trace(self, settings: Mapping[str, str], answer: str) -> Mapping[str, Any]:
        """What the partner tells about what it answered ``answer`` to, as plain JSON values."""
        ...


class Collector(Protocol):
    """A partner that keeps messages for us until we come. Every method may raise ``Unavailable``.

    The order is: list, fetch, store durably, and only then ``confirm``. An item that was listed again after
    its confirmation is confirmed again and not taken twice.
    """

    async def waiting(self, settings: Mapping[str, str]) -> Sequence[Waiting]:
        """What waits, documents and statuses, in the partner's order. An empty answer is an answer."""
        ...

    def fetch(self, waiting: Waiting, settings: Mapping[str, str]) -> AsyncIterator[bytes]:
        """The bytes of one message, as the partner gives them."""
        ...

    async def confirm(
        self, waiting: Waiting, settings: Mapping[str, str], taken: bool, description: str = ""
    ) -> None:
        """Say that it is ours (``taken``), or why we do not take it."""
        ...

    def agencies(self, settings: Mapping[str, str]) -> AsyncIterator[ListedAgency]:
        """The partner's agency list, streamed: it may hold 120 000 rows."""
        ...

    async def sent(self, settings: Mapping[str, str], doc_id: str = "") -> Sequence[ListedDocument]:
        """What the partner has from us (of one DocId, or of all it lists), for reconciliation."""
        ...
