"""Nodes: the running processes that share one database, and what each knows of the others.

In charge of: the words, and what a node may let a caller do when others serve the same caller. Not in charge
of: rows (``store/nodes.py``), heartbeats and who leads (``delivery/leader.py``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.model.text import Instant

WORTH_TELLING = 1.0  # requests a second below which a caller's use of a node is not told to the others


@dataclass(frozen=True, slots=True)
class Node:
    """One ``gateway serve``. ``started_at`` and ``seen_at`` are UTC microseconds of its own clock.

    ``used``: requests a second of each caller (principal) since its last beat.
    """

    id: str
    host: str
    pid: int
    version: str
    keys: str
    started_at: Instant
    seen_at: Instant
    beat: int
    draining: bool = False
    used: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Seen:
    """Another node, and for how many seconds, counted here, it has not been heard of."""

    node: Node
    silent: float
    alive: bool


@dataclass(slots=True)
class Fleet:
    """What this node knows: of itself, of the others as of the last beat, and who leads.

    ``epoch``: of the lease, as of the last beat; ``leads``: this node does the work of the clock, as one does
    that has never heard of others. Whoever sets ``draining`` makes it give that up within a beat.
    """

    me: Node | None = None
    others: tuple[Seen, ...] = ()
    leader: str = ""
    epoch: int = 0
    leads: bool = True
    draining: bool = False
    leaving: bool = False  # not ready any more, while what still comes is served: proxies are to notice
    _taken: Counter[str] = field(default_factory=Counter)  # requests of each caller since the last beat
    _elsewhere: Mapping[str, float] = field(default_factory=dict)  # a second, on all other nodes

    @property
    def alive(self) -> int:
        """How many nodes serve, this one included."""
        return 1 + sum(seen.alive for seen in self.others)

    def leave(self) -> None:
        """Say that this node is ready no longer; what still comes is served."""
        self.leaving = True

    def took(self, caller: str) -> None:
        """One request of a caller was let in here."""
        self._taken[caller] += 1

    def share(self, caller: str, rate: float) -> float:
        """How much of a caller's rate (requests a second) it may use on this node.

        What others let in is taken off, down to an equal part: so the parts of two nodes that a caller uses
        alike meet at half each. Others are known as of their last beat, so for two beats a caller who turns
        to ``n`` nodes at one moment gets up to ``n`` times its rate, and from then on no more than it.
        """
        elsewhere = self._elsewhere.get(caller, 0.0)
        return max(rate / self.alive, rate - elsewhere) if elsewhere else rate

    def use(self, seconds: float) -> dict[str, float]:
        """Requests a second of each caller since the last time, ``seconds`` ago; counting begins anew."""
        taken, self._taken = self._taken, Counter()
        rates = {caller: count / max(seconds, 0.001) for caller, count in taken.items()}
        return {caller: round(rate, 1) for caller, rate in rates.items() if rate >= WORTH_TELLING}

    def hear(self, others: tuple[Seen, ...]) -> None:
        """Take in what the others told."""
        elsewhere: dict[str, float] = {}
        for seen in others:
            for caller, rate in seen.node.used.items() if seen.alive else ():
                elsewhere[caller] = elsewhere.get(caller, 0.0) + rate
        self.others, self._elsewhere = others, elsewhere
