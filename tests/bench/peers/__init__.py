"""The same work through another gateway, beside ours, in one run: ``make bench-peers``."""

from __future__ import annotations

from dataclasses import dataclass

SENDERS = 8  # processes that send at one time, on both sides


@dataclass(frozen=True, slots=True)
class Round:
    """One timed round. ``seconds``: of each send, receipt verified; ``cpu``: of senders and servers."""

    documents: int
    failed: int
    wall: float
    cpu: float
    seconds: list[float]
    pss: int  # bytes, of the receiving server's processes
