"""What is to go wrong in one process: the note that the harness hands to it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Plan:
    """``ahead``: seconds by which its clock is before the machine's, so that each process lives later than
    the last. Everything else begins when the process is told (SIGUSR1)."""

    home: str
    ahead: int = 0
    step: str = ""  # where it dies
    moment: str = "before"
    passage: int = 1
    commit_fails: float = 0.0  # share of commits after which the disk reports an error; half of them are kept
    fsync_fails: float = 0.0  # share of payload files whose fsync fails
    file_bytes: int = 0  # no file may grow beyond; 0: as it likes
    clock_step: int = 0  # seconds by which the clock jumps, there and back again
    pace: float = 0.0  # seconds between heartbeats; four of them are a lease; 0: as usual
    bug: str = ""  # a planted mistake of the program, for the oracle's own test
    seed: int = 0

    def as_json(self) -> dict[str, Any]:
        """For the pipe."""
        return asdict(self)
