"""Who came to the door: the calls of known callers and of strangers, few enough to be written down.

In charge of: noticing the first call of a caller from a source within an hour, and counting failed calls per
source and minute, so that an attacker cannot fill the log: at most one note for each source and minute, and
at most ``SOURCES`` sources in one minute; those beyond share one note. Pure. Not in charge of: writing
events (``flow/footprints.py``), metrics.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.model.text import Instant

MINUTE = 60_000_000
HOUR = 60 * MINUTE
SOURCES = 20  # written one by one in a minute
VISITORS = 10_000  # remembered at one time
MANY = "*"  # the source of the note that stands for all sources beyond ``SOURCES``


@dataclass(frozen=True, slots=True)
class Entry:
    """A caller that proved who it is, the first time from there within an hour."""

    principal: str
    source: str
    at: Instant


@dataclass(slots=True)
class Failures:
    """Calls in one minute that proved nothing. ``minute``: its beginning; ``sources``: how many."""

    source: str
    minute: Instant
    times: int = 0
    sources: int = 1


class Attendance:
    """What was noticed and not written down yet. Belongs to one event loop."""

    def __init__(self) -> None:
        self._last: dict[tuple[str, str], Instant] = {}
        self._entries: list[Entry] = []
        self._failures: dict[tuple[Instant, str], Failures] = {}

    def entered(self, principal: str, source: str, now: Instant) -> None:
        """A caller that we know."""
        key = (principal, source)
        last = self._last.get(key)
        if last is not None and now - last < HOUR:
            return
        if len(self._last) >= VISITORS:
            self._last = {seen: at for seen, at in self._last.items() if now - at < HOUR}
            if len(self._last) >= VISITORS:
                self._last.clear()
        self._last[key] = now
        self._entries.append(Entry(principal, source, now))

    def last_seen(self, principal: str) -> Instant | None:
        """The newest hour's first call of a caller, as far as this process knows."""
        return max((at for (who, _), at in self._last.items() if who == principal), default=None)

    def failed(self, source: str, now: Instant) -> None:
        """A call that proved nothing."""
        minute = Instant(now - now % MINUTE)
        key = (minute, source)
        if key not in self._failures:
            if sum(1 for at, _ in self._failures if at == minute) >= SOURCES:
                key = (minute, MANY)
                many = self._failures.setdefault(key, Failures(MANY, minute, 0, 0))
                many.sources += 1  # at most: a source that comes again counts again
            else:
                self._failures[key] = Failures(source, minute)
        self._failures[key].times += 1

    def take(self, now: Instant, *, all_of_it: bool = False) -> tuple[list[Entry], list[Failures]]:
        """What is to be written: entries at once, failures when their minute is over (or everything)."""
        entries, self._entries = self._entries, []
        over = [key for key in self._failures if all_of_it or key[0] + MINUTE <= now]
        return entries, [self._failures.pop(key) for key in sorted(over)]

    def give_back(self, entries: list[Entry], failures: list[Failures]) -> None:
        """They could not be written: the next time."""
        self._entries = [*entries, *self._entries]
        for one in failures:
            kept = self._failures.setdefault((one.minute, one.source), Failures(one.source, one.minute, 0, 0))
            kept.times += one.times
            kept.sources = max(kept.sources + (one.sources if one.source == MANY else 0), 1)
