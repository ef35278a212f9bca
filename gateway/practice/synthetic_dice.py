"""Chance that can be repeated.

In charge of: everything random of the synthetic exchange, from one seed: the same seed and plan give the same
events to the last byte. Not in charge of: what is drawn (``synthetic_units``, ``synthetic_letters`` …).

Nothing here is fit for secrets: real ids, salts and keys come from ``gateway/clock.py`` and the keyring.
"""

from __future__ import annotations

import bisect
import itertools
import random
from collections.abc import Sequence
from typing import Generic, TypeVar

from gateway.model.text import Instant

T = TypeVar("T")

_VARIANT = 2 << 62


class Table(Generic[T]):
    """Things with their weights, to be drawn from. ``ValueError`` for an empty table."""

    def __init__(self, weighted: Sequence[tuple[T, float]]) -> None:
        if not weighted:
            raise ValueError("nothing to draw from")
        self._things = [thing for thing, _ in weighted]
        self._sums = list(itertools.accumulate(weight for _, weight in weighted))

    def at(self, share: float) -> T:
        """The thing at this share (0 to below 1) of the whole weight."""
        place = bisect.bisect_right(self._sums, share * self._sums[-1])
        return self._things[min(place, len(self._things) - 1)]


class Dice:
    """One stream of chance. ``words`` tell streams of one seed apart, so that one part of the plan does not
    move what another part draws."""

    __slots__ = ("_bits", "_draw", "_random")

    def __init__(self, seed: int, *words: str) -> None:
        self._random = random.Random("\n".join((str(seed), *words)))
        self._draw = self._random.random
        self._bits = self._random.getrandbits

    def share(self) -> float:
        """0 to below 1."""
        return self._draw()

    def chance(self, probability: float) -> bool:
        """True so often."""
        return self._draw() < probability

    def between(self, low: float, high: float) -> float:
        """Even within the limits."""
        return low + (high - low) * self._draw()

    def whole(self, low: int, high: int) -> int:
        """An even whole number, both limits included."""
        return low + int((high - low + 1) * self._draw())

    def pick(self, things: Sequence[T]) -> T:
        """One of them."""
        return things[int(len(things) * self._draw())]

    def of(self, table: Table[T]) -> T:
        """One of the table, by its weight."""
        return table.at(self._draw())

    def some(self, things: Sequence[T], count: int) -> list[T]:
        """So many of them, none twice; all when there are fewer."""
        return self._random.sample(things, min(count, len(things)))

    def skewed(self, low: int, high: int, power: int) -> int:
        """A whole number within the limits, mostly near the low one; the more so, the higher ``power`` is."""
        return int(low * (high / low) ** (self._draw() ** power))

    def spread(self, median: float, sigma: float) -> float:
        """Log-normal around the median."""
        return median * self._random.lognormvariate(0.0, sigma)

    def digest(self) -> str:
        """64 hex digits, as of something that nobody has: there is no content behind it."""
        return f"{self._bits(256):064x}"

    def salt(self) -> bytes:
        """16 bytes."""
        return self._random.randbytes(16)

    def id(self, at: Instant) -> str:
        """A UUIDv7 for the instant, of the same form as ``clock.new_id``."""
        milliseconds, microseconds = divmod(at, 1000)
        first = f"{milliseconds << 16 | 0x7000 | microseconds * 4096 // 1000:016x}"
        second = f"{_VARIANT | self._bits(62) & ((1 << 62) - 1):016x}"
        return f"{first[:8]}-{first[8:12]}-{first[12:]}-{second[:4]}-{second[4:]}"


__all__ = ["Dice", "Table"]
