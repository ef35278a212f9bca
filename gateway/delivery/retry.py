"""When to try again.

In charge of: the schedule, in words and as a pure function. Not in charge of: doing it (``settle.py``).

After a failed attempt the gateway waits half a minute, then one, two, five, ten and thirty minutes, then an
hour between attempts. Five days after the delivery began to wait it gives up: the delivery becomes a dead
letter, the original is kept, the sender is told, and a person decides. A partner that names a time
(Retry-After) is believed, up to an hour.
"""

from __future__ import annotations

import zlib

from gateway.clock import SECOND
from gateway.model.text import Instant

MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
WAITS = (30 * SECOND, MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 30 * MINUTE, HOUR)
GIVE_UP_AFTER = 5 * 24 * HOUR
# A failing destination is probed at least this often, whatever waits for it.
LANE_WAIT = 10 * MINUTE


def wait_after(attempt: int, delivery_id: str, retry_after: int = 0) -> int:
    """Microseconds to wait after failed attempt number ``attempt`` (1 for the first).

    Spread by up to a tenth, by the delivery's id, so that a thousand of them do not come back as one.
    """
    if retry_after:
        return min(retry_after * SECOND, HOUR)
    wait = WAITS[min(attempt, len(WAITS)) - 1]
    spread = zlib.crc32(delivery_id.encode()) % 1000
    return wait + wait * spread // 10_000


def lane_wait_after(failures: int) -> int:
    """Microseconds for which a destination rests after ``failures`` failures in a row."""
    return min(WAITS[min(failures, len(WAITS)) - 1], LANE_WAIT)


def is_exhausted(queued_at: Instant, next_at: Instant) -> bool:
    """True when the next attempt would come later than we try."""
    return next_at - queued_at > GIVE_UP_AFTER
