"""Guessing passwords and keys takes time.

In charge of: counting wrong tries of one source for one name, and of one source in all, and turning it away
for a while. In memory and for each node: a restart forgives. Not in charge of: who is right (``call.py``),
the rate of callers that proved who they are (``flow/door.py``).

Secrets that the gateway makes cannot be guessed, but an administrator may take over one that a partner's
software has already. A stranger can keep out only who shares its address: a token that was given before goes
on holding.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.clock import SECOND
from gateway.errors import TooMany
from gateway.model.text import Bilingual, Instant
from gateway.services import Services

TRIES = 10  # wrong ones of a source for one name
TRIES_IN_ALL = 50  # of a source
SECONDS = 300  # after the first wrong one they are forgotten
MAX_KEPT = 10_000
NAME = 100  # characters of a name that are kept


@dataclass(slots=True)
class Guard:
    """Wrong tries by source and name; the name ``""`` counts all of a source."""

    _wrong: dict[tuple[str, str], tuple[int, Instant]] = field(default_factory=dict)

    def require_patience(self, gw: Services, source: str, name: str) -> None:
        """``TooMany`` while this source has tried too often."""
        now = gw.clock.now()
        for key, most in (((source, name[:NAME]), TRIES), ((source, ""), TRIES_IN_ALL)):
            count, since = self._wrong.get(key, (0, now))
            left = SECONDS - (now - since) // SECOND
            if count >= most and left > 0:
                gw.metrics.turned_away.labels("guesses").inc()
                raise TooMany(_WAIT, code="caller.too_many_tries", retry_after=left)

    def note_wrong(self, gw: Services, source: str, name: str) -> None:
        """One more wrong try."""
        now = gw.clock.now()
        if len(self._wrong) >= MAX_KEPT:
            self._forget(now)
        for key in {(source, name[:NAME]), (source, "")}:
            count, since = self._wrong.get(key, (0, now))
            self._wrong[key] = (count + 1, since) if now - since < SECONDS * SECOND else (1, now)

    def _forget(self, now: Instant) -> None:
        """What is over goes; if that is too little, everything does."""
        kept = {key: kept for key, kept in self._wrong.items() if now - kept[1] < SECONDS * SECOND}
        self._wrong = kept if len(kept) < MAX_KEPT // 2 else {}


_WAIT = Bilingual(
    "Đã nhập sai tài khoản hoặc khóa quá nhiều lần. Hãy kiểm tra thiết lập của phần mềm rồi thử lại sau "
    "5 phút.",
    "Wrong credentials too many times. Check the settings of the software and try again in five minutes.",
)
