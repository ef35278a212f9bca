"""The door: who is calling, how much may come in at one time, where the bytes go.

In charge of: authentication, the rights of a caller, admission by bytes and by rate, and streaming an upload
into an encrypted staging file while it is hashed and parsed. One door for the web API and for every adapter.
Not in charge of: judging the message (``examine.py``).
"""

from __future__ import annotations

import hashlib
import hmac
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from gateway.clock import SECOND, Clock
from gateway.edxml.limits import Limits
from gateway.edxml.parse import EnvelopeReader, Parsed
from gateway.errors import BadRequest, Busy, NotAuthenticated, NotPermitted, TooLarge, TooMany, Unreadable
from gateway.model.text import AgencyCode, Bilingual, Instant
from gateway.services import Services
from gateway.store.blobs import Blobs, Staging
from gateway.store.partners import PartnerCredential
from gateway.store.payloads import StoredPayload
from gateway.store.people import CredentialKind, Principal, Role

KEY_PREFIX = "gw_"
# Every XML signature names its namespace; a message that hides it (character references) is noticed later.
SIGNATURE_SIGN = b"http://www.w3.org/2000/09/xmldsig#"
SMALL_BYTES = 65_536  # of each upload are not counted (its connection buffers as much): small ones always fit
STEP_BYTES = 1_048_576  # by which the room of a larger one grows
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Caller:
    """A principal that proved who it is."""

    principal: str
    name: str
    role: Role
    agencies: frozenset[AgencyCode]
    partner: AgencyCode = AgencyCode("")  # the axis whose messages these are: it speaks for those beyond it

    def acts_for(self, agency: AgencyCode) -> bool:
        """True when the caller may send and receive as that agency."""
        return bool(self.partner) or agency in self.agencies

    def require(self, *roles: Role) -> None:
        """``NotPermitted`` unless the caller has one of the roles."""
        if self.role not in roles:
            raise NotPermitted()


def stated(reason: str) -> str:
    """The reason of a decision, which a person has to give; ``BadRequest`` (``reason.missing``) without."""
    if not reason.strip():
        raise BadRequest(_NO_REASON, code="reason.missing")
    return reason.strip()


@dataclass(frozen=True, slots=True)
class PartnerSecret:
    """One secret that may prove a partner's system. It is opened through the keyring only when it is used."""

    credential: PartnerCredential

    @property
    def fresh_seconds(self) -> int:
        """How old a call signed with it may be."""
        return self.credential.fresh_seconds

    def opened(self, gw: Services) -> bytes:
        """The secret itself, of a dialect that uses it (HMAC). ``ValueError`` where only a hash is kept."""
        if self.credential.sealed is None:
            raise ValueError("only the hash of this secret is kept")
        return gw.keyring.decrypt_secret(self.credential.sealed)

    def is_shown(self, text: str) -> bool:
        """True when ``text`` is the secret, where it is only compared. Always takes the same time."""
        kept = self.credential.hash or b""
        return hmac.compare_digest(kept, hash_api_key(text))


@dataclass(frozen=True, slots=True)
class Partner:
    """The system that a call names. It is nobody's word yet: one of the secrets has to prove it."""

    caller: Caller
    system_id: str
    secrets: tuple[PartnerSecret, ...]  # newest first; several during a rotation


@dataclass(slots=True)
class Upload:
    """Bytes that came in: staged (encrypted), hashed, and read as they passed.

    ``unreadable`` is set when they are no edXML message. Both it and ``parsed`` are ``None`` when the bytes
    may carry an XML signature: then they are read after it was verified (``examine.read``), and only then.
    """

    staging: Staging
    parsed: Parsed | None
    unreadable: Unreadable | None
    timings: dict[str, int] = field(default_factory=dict)  # stage -> microseconds
    durable: StoredPayload | None = None
    way: tuple[str, ...] = ()  # gateways of ours that it passed before this one, oldest first

    @property
    def sha256(self) -> bytes:
        return self.staging.sha256

    @property
    def size(self) -> int:
        return self.staging.size

    async def make_durable(self, gw: Services) -> StoredPayload:
        """On return the bytes are on disk, encrypted, under their final name. Done once."""
        if self.durable is None:
            kept = await gw.on_disk(self.size, self.staging.make_durable)
            wrapped = gw.keyring.wrap(self.staging.data_key)
            self.durable = StoredPayload(self.sha256, self.size, wrapped, kept.file, kept.inline)
        return self.durable


class Admission:
    """Counts what is being handled: bytes of uploads on this node, whose memory and disk they fill, and
    requests of each caller on all nodes together (token bucket).

    Bytes count once they arrive: an announced size costs its caller nothing, so it must not cost others. One
    caller holds at most half, so that no caller can keep all others out.
    """

    def __init__(self) -> None:
        self.bytes_in_flight = 0
        self._held: Counter[str] = Counter()  # principal -> its part of them
        self._buckets: dict[str, tuple[float, Instant]] = {}

    def take_token(self, gw: Services, principal: str) -> None:
        """``TooMany`` when the caller is over its rate (a burst of two seconds is allowed). What other nodes
        let in of it counts, as of their last heartbeat (``Fleet.share`` says how exactly)."""
        rate = gw.fleet.share(principal, gw.config.limits.requests_per_second)
        now = gw.clock.now()
        tokens, then = self._buckets.get(principal, (2.0 * rate, now))
        tokens = min(2.0 * rate, tokens + (now - then) * rate / SECOND)
        if tokens < 1:
            gw.metrics.turned_away.labels("rate").inc()
            raise TooMany(retry_after=1)
        self._buckets[principal] = (tokens - 1, now)
        gw.fleet.took(principal)

    @contextmanager
    def room(self, gw: Services, principal: str, announced: int) -> Iterator[Room]:
        """Room for one upload: taken as its bytes come in, given back at the end.

        An announced size (0: unknown) that finds no room now is refused before its bytes; it holds nothing.
        A connection test may turn the upload away as a full gateway does.
        """
        if seconds := gw.lessons.seconds_left(principal, "send", gw.clock.now()):
            raise Busy(retry_after=seconds)
        room = Room(self, gw, principal)
        if announced > SMALL_BYTES:
            self.require(room, announced - SMALL_BYTES)
        try:
            yield room
        finally:
            self.change(room, -room.held)

    def require(self, room: Room, size: int) -> None:
        """``TooMany`` when ``size`` more bytes are over the caller's share, ``Busy`` when over the whole.

        An upload with no other beside it always fits: the share may be less than the largest envelope.
        """
        limit = room.gw.config.limits.bytes_in_flight
        theirs = self._held[room.principal]
        if theirs > room.held and theirs + size > limit // 2:
            room.gw.metrics.turned_away.labels("share").inc()
            raise TooMany(_OVER_SHARE, code="caller.too_many_bytes", retry_after=2)
        if self.bytes_in_flight > room.held and self.bytes_in_flight + size > limit:
            room.gw.metrics.turned_away.labels("bytes").inc()
            raise Busy(retry_after=2)

    def change(self, room: Room, size: int) -> None:
        """Hold ``size`` more bytes for this upload (less when negative)."""
        room.held += size
        self.bytes_in_flight += size
        self._held[room.principal] += size
        if not self._held[room.principal]:
            del self._held[room.principal]
        room.gw.metrics.bytes_in_flight.set(self.bytes_in_flight)


@dataclass(slots=True)
class Room:
    """What one upload holds of the room that all uploads share; it grows in steps."""

    admission: Admission
    gw: Services
    principal: str
    received: int = 0
    held: int = 0

    async def filled(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """The chunks, each with room taken for it: ``TooMany`` or ``Busy`` at the first that finds none."""
        async for chunk in chunks:
            self.received += len(chunk)
            lacking = self.received - SMALL_BYTES - self.held
            if lacking > 0:
                step = -(-lacking // STEP_BYTES) * STEP_BYTES
                self.admission.require(self, step)
                self.admission.change(self, step)
            yield chunk


def authenticate(gw: Services, api_key: str = "", certificate: bytes = b"", source: str = "") -> Caller:
    """Who shows this API key or client certificate (DER) from that address. ``NotAuthenticated`` if nobody
    we know. Both are noted (``model/attendance.py``)."""
    principal: Principal | None = None
    if api_key:
        digest = hash_api_key(api_key)
        principal = gw.people.who(CredentialKind.API_KEY, digest, gw.clock.now())
    elif certificate:
        digest = hashlib.sha256(certificate).digest()
        principal = gw.people.who(CredentialKind.CERTIFICATE, digest, gw.clock.now())
    if principal is None:
        raise turned_away(gw, source=source)
    gw.attendance.entered(principal.id, source, gw.clock.now())
    return Caller(principal.id, principal.name, principal.role, gw.agencies_of(principal))


def partner_of(gw: Services, dialect: str, system_id: str, source: str = "") -> Partner:
    """Whose system id that is, and the secrets of which one must prove it. ``NotAuthenticated``: nobody's."""
    principal, secrets = gw.people.system(dialect, system_id, gw.clock.now())
    if principal is None:
        raise turned_away(gw, source=source)
    caller = Caller(principal.id, principal.name, principal.role, gw.agencies_of(principal))
    return Partner(caller, system_id, tuple(PartnerSecret(secret) for secret in secrets))


def turned_away(
    gw: Services, text: Bilingual | None = None, code: str = "", source: str = ""
) -> NotAuthenticated:
    """The error for a caller that did not prove who it is; counted, and noted once a minute and source."""
    gw.metrics.unauthenticated.inc()
    gw.attendance.failed(source, gw.clock.now())
    return NotAuthenticated(text, code=code)


def hash_api_key(api_key: str) -> bytes:
    """What is kept of an API key. It holds 256 random bits, so one SHA-256 is enough."""
    return hashlib.sha256(api_key.encode("utf-8", "surrogatepass")).digest()  # headers may hold any bytes


def limits_of(gw: Services) -> Limits:
    """The reader's limits, as configured."""
    limits = gw.config.limits
    return Limits(max_bytes=limits.upload_bytes, max_attachment=limits.attachment_bytes)


async def receive(gw: Services, chunks: AsyncIterator[bytes]) -> Upload:
    """Stream an upload in (``take_in``)."""
    return await take_in(gw.blobs, limits_of(gw), gw.clock, chunks)


async def take_in(blobs: Blobs, limits: Limits, clock: Clock, chunks: AsyncIterator[bytes]) -> Upload:
    """Stream an upload in: encrypted, hashed and parsed as it passes. Needs no running gateway.

    ``TooLarge`` above the limit. An unreadable upload is still taken to its end (unless too large), so that
    the refusal can name its SHA-256.
    """
    started = clock.now()
    staging = blobs.stage()
    reader = _Reader(limits)
    try:
        async for chunk in chunks:
            if staging.size + len(chunk) > limits.max_bytes:
                raise TooLarge(_too_large(limits.max_bytes))
            staging.write(chunk)
            reader.feed(chunk)
    except BaseException:
        staging.discard()
        raise
    parsed, unreadable = reader.close()
    return Upload(staging, parsed, unreadable, {"receive": clock.now() - started})


class _Reader:
    """The edXML reader, remembering the first reason why it could not go on.

    It stops at the first sign of an XML signature: such a message is read from its verified bytes.
    """

    def __init__(self, limits: Limits) -> None:
        self._reader = EnvelopeReader(limits)
        self._unreadable: Unreadable | None = None
        self._deferred = False
        self._tail = b""

    def feed(self, chunk: bytes) -> None:
        if self._deferred or self._unreadable is not None:
            return
        self._deferred = SIGNATURE_SIGN in self._tail + chunk
        self._tail = chunk[-len(SIGNATURE_SIGN) :]
        if not self._deferred:
            self._try(lambda: self._reader.feed(chunk))

    def close(self) -> tuple[Parsed | None, Unreadable | None]:
        parsed = None
        if not self._deferred and self._unreadable is None:
            parsed = self._try(self._reader.close)
        return parsed, self._unreadable

    def _try(self, step: Callable[[], T]) -> T | None:
        try:
            return step()
        except Unreadable as error:
            self._unreadable = error
            return None


def _too_large(limit: int) -> Bilingual:
    megabytes = limit // 1_048_576
    return Bilingual(
        f"Gói tin lớn hơn {megabytes} MB, là mức tối đa trục nhận. Hãy giảm dung lượng tệp đính kèm.",
        f"The envelope is larger than {megabytes} MB, the most this gateway takes. Reduce the attachments.",
    )


_OVER_SHARE = Bilingual(
    "Hệ thống gọi đang gửi cùng lúc quá nhiều dữ liệu. Hãy chờ các gói tin đang gửi hoàn tất rồi gửi lại.",
    "This caller uploads too much at one time. Wait until its other uploads are done, then send again.",
)
_NO_REASON = Bilingual("Phải ghi rõ lý do.", "A reason is required.")
