"""Time and randomness, handed in and never reached for.

In charge of: the clocks (system, scenario), UUIDv7 ids, and turning instants into text. Every other module
receives a ``Clock``; none calls ``time.time()``. Not in charge of: working days (``compliance/calendar``).
"""

from __future__ import annotations

import os
import threading
import time
import uuid
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Protocol

from gateway.model.text import Instant

VIETNAM = timezone(timedelta(hours=7))  # QĐ 28/2018 Đ14.4; no daylight saving
SECOND = 1_000_000
_FIRST = -62_135_510_400 * SECOND  # a day after the first date there is, and two before the last
_LAST = 253_402_128_000 * SECOND - 1


class Clock(Protocol):
    """What the gateway asks of time."""

    @property
    def source(self) -> str:
        """``system`` or ``scenario``: stands in every event."""
        ...

    def now(self) -> Instant:
        """UTC microseconds; never steps back within one process."""
        ...


class SystemClock:
    """The machine's clock, held monotonic within the process."""

    source = "system"

    def __init__(self) -> None:
        self._last = 0
        self._lock = threading.Lock()

    def now(self) -> Instant:
        with self._lock:
            self._last = max(self._last + 1, time.time_ns() // 1000)
            return Instant(self._last)


class ScenarioClock:
    """A clock that starts at a chosen instant and runs at rate 1; the demo moves it forward in jumps."""

    source = "scenario"

    def __init__(self, start: Instant) -> None:
        self._base = SystemClock()
        self._shift = start - self._base.now()

    def now(self) -> Instant:
        return Instant(self._base.now() + self._shift)

    def jump_to(self, instant: Instant) -> None:
        """Move forward to ``instant``; a jump back is refused, because events are ordered by time."""
        if instant < self.now():
            raise ValueError("a scenario clock never goes back")
        self._shift += instant - self.now()


_uuid_lock = threading.Lock()
_uuid_last = 0


def new_id(at: Instant) -> str:
    """A UUIDv7 (RFC 9562 section 5.7) as text, for ``at``.

    The 12 bits after the version hold the microseconds within the millisecond (section 6.2, method 3), so
    ids of one process sort by time.
    """
    global _uuid_last
    with _uuid_lock:
        _uuid_last = at = Instant(max(at, _uuid_last + 1))
    milliseconds, microseconds = divmod(at, 1000)
    random = int.from_bytes(random_bytes(8)) & ((1 << 62) - 1)
    fraction = microseconds * 4096 // 1000
    return str(uuid.UUID(int=milliseconds << 80 | 7 << 76 | fraction << 64 | 2 << 62 | random))


class _RandomPool:
    """Random bytes of the operating system, drawn in blocks: a call for 8 bytes costs as much as one for
    4096,
    and a message needs some thirty. Bytes are handed out once; a forked child begins with an empty pool."""

    BLOCK = 4096

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._bytes = bytearray()
        os.register_at_fork(after_in_child=self._empty)

    def take(self, count: int) -> bytes:
        with self._lock:
            if len(self._bytes) < count:
                self._bytes += os.urandom(max(count, self.BLOCK))
            taken = bytes(self._bytes[-count:]) if count else b""
            del self._bytes[len(self._bytes) - count :]
            return taken

    def _empty(self) -> None:
        self._lock = threading.Lock()
        self._bytes = bytearray()


_pool = _RandomPool()


def random_bytes(count: int) -> bytes:
    """Random bytes: ids, salts, payload keys, API keys (private keys: ``signature/keyring.py``)."""
    return _pool.take(count)


def to_rfc3339(instant: Instant) -> str:
    """``2020-04-13T15:30:00.000000+07:00``: the form of the API and of reports."""
    return local(instant).isoformat(timespec="microseconds")


def local(instant: Instant) -> datetime:
    """The instant as Vietnamese wall-clock time.

    Outside the years 1 to 9999 the nearest that can be told: certificates without an end are valid until the
    last second of 9999 (RFC 5280 section 4.1.2.5), which is the year 10000 here.
    """
    at = max(_FIRST, min(instant, _LAST))
    return datetime.fromtimestamp(0, UTC).astimezone(VIETNAM) + timedelta(microseconds=at)


def local_day(instant: Instant) -> date:
    """The Vietnamese calendar day of the instant."""
    return local(instant).date()


def from_datetime(moment: datetime) -> Instant:
    """UTC microseconds of an aware datetime; a naive one is read as Vietnamese time."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=VIETNAM)
    return Instant((aware - datetime.fromtimestamp(0, UTC)) // timedelta(microseconds=1))
