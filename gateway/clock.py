"""Time and randomness, handed in and never reached for.

In charge of: the clocks (system, scenario), UUIDv7 ids, and turning instants into text. Every other module
receives a ``Clock``; none calls ``time.time()``. Not in charge of: working days (``compliance/calendar``).
"""

from __future__ import annotations

import ctypes
import os
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Protocol

from gateway.model.text import Instant

VIETNAM = timezone(timedelta(hours=7))  # QĐ 28/2018 Đ14.4; no daylight saving
SECOND = 1_000_000
STEP = SECOND  # a jump of the machine's clock that is more than this between two looks is recorded
_FIRST = -62_135_510_400 * SECOND  # a day after the first date there is, and two before the last
_LAST = 253_402_128_000 * SECOND - 1


@dataclass(frozen=True, slots=True)
class Discipline:
    """Whether somebody keeps the machine's clock right, as the kernel knows it, and how far it is off
    (microseconds; ``None``: not known)."""

    synchronised: bool
    offset: int | None


@dataclass(frozen=True, slots=True)
class Look:
    """What a look at the clock found. ``step``: microseconds that it jumped since the last look (0: none)."""

    step: int
    discipline: Discipline


class Clock(Protocol):
    """What the gateway asks of time."""

    @property
    def source(self) -> str:
        """``ntp``, ``system`` (nobody is known to keep it right) or ``scenario``: stands in every event."""
        ...

    @property
    def offset(self) -> int | None:
        """Microseconds that the source is known to be off, as of the last look: stands in every event."""
        ...

    def now(self) -> Instant:
        """UTC microseconds; never steps back within one process, never the same twice."""
        ...

    def look(self) -> Look:
        """Look whether the clock jumped, and whether it is kept right; now and then, by one loop."""
        ...


class SystemClock:
    """The machine's clock, held monotonic within the process.

    A jump back shows: ``now`` creeps on by microseconds until the machine's time is past it again. What runs
    beside it (``steady``) only counts, also while the machine sleeps.
    """

    def __init__(
        self,
        wall: Callable[[], int] = time.time_ns,
        steady: Callable[[], int] = lambda: time.clock_gettime_ns(time.CLOCK_BOOTTIME),
        discipline: Callable[[], Discipline] = lambda: kernel_discipline(),
    ) -> None:
        self._wall, self._steady, self._measure = wall, steady, discipline
        self._last = 0
        self._lock = threading.Lock()
        self._discipline = Discipline(False, None)
        self._ahead = self._wall() - self._steady()  # constant unless somebody sets the clock

    @property
    def source(self) -> str:
        return "ntp" if self._discipline.synchronised else "system"

    @property
    def offset(self) -> int | None:
        return self._discipline.offset

    def now(self) -> Instant:
        with self._lock:
            self._last = max(self._last + 1, self._wall() // 1000)
            return Instant(self._last)

    def look(self) -> Look:
        ahead = self._wall() - self._steady()
        step, self._ahead = (ahead - self._ahead) // 1000, ahead
        self._discipline = self._measure()
        return Look(step if abs(step) > STEP else 0, self._discipline)


def steady_seconds() -> float:
    """Seconds since a moment that never changes: nobody can set it, and it counts while a machine sleeps.
    For spans only; two machines have nothing in common here."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class ScenarioClock:
    """A clock that starts at a chosen instant and runs at rate 1; the demo moves it forward in jumps."""

    source = "scenario"
    offset: int | None = None

    def __init__(self, start: Instant) -> None:
        self._base = SystemClock()
        self._shift = start - self._base.now()

    def now(self) -> Instant:
        return Instant(self._base.now() + self._shift)

    def look(self) -> Look:
        """A scenario jumps by intent: no step."""
        return Look(0, Discipline(False, None))

    def jump_to(self, instant: Instant) -> None:
        """Move forward to ``instant``; a jump back is refused, because events are ordered by time."""
        if instant < self.now():
            raise ValueError("a scenario clock never goes back")
        self._shift += instant - self.now()


class _Timex(ctypes.Structure):
    """``struct timex`` of Linux (adjtimex(2)), as far as it is read; the rest is room."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 256),
    )


_UNSYNCHRONISED, _NANOSECONDS = 0x0040, 0x2000  # STA_UNSYNC, STA_NANO


def kernel_discipline() -> Discipline:
    """What the kernel says of its clock (adjtimex(2), asked and not set; needs no right and no server).

    The offset is what the synchronising program has still to correct; unknown where nobody synchronises.
    """
    timex = _Timex()
    try:
        state = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(timex))
    except (OSError, AttributeError):  # no Linux
        return Discipline(False, None)
    return read_timex(state, timex.status, timex.offset)


def read_timex(state: int, status: int, offset: int) -> Discipline:
    """The meaning of what adjtimex(2) gave: ``state`` -1 is an error, 5 an unsynchronised clock."""
    if state in (-1, 5) or status & _UNSYNCHRONISED:
        return Discipline(False, None)
    return Discipline(True, offset // 1000 if status & _NANOSECONDS else offset)


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
