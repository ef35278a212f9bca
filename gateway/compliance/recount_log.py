"""An exported log, read by who trusts neither its keeper nor the rest of this program.

In charge of: its lines, that none is missing, that each event is what its hash says, and the root of the tree
over the first leaves (RFC 6962 section 2.1), computed here anew. Not in charge of: signatures of checkpoints
(``exchange_log/verify.py``, when keys are given), what events mean (``recount_events.py``).
The format of an export: ``exchange_log/verify.py``.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import IO

import orjson

FORMAT = b"gateway-log 1 "
_HEX = 64


class LogFlaw(Exception):
    """The export does not hold. ``what``: unreadable, partial, missing, order, cut, changed or event;
    ``place``: the leaf, from 0; ``detail``: what was found."""

    def __init__(self, what: str, place: int, detail: str = "") -> None:
        super().__init__(what, place, detail)
        self.what, self.place, self.detail = what, place, detail
        self.after = 0  # instant of the newest event before it, where it is known


@dataclass(frozen=True, slots=True)
class Checked:
    """Leaves in the export, and the root over those that the report rests on (empty: there are fewer)."""

    leaves: int
    root: str


def is_log(file: Path) -> bool:
    """True for what begins as an export does."""
    with file.open("rb") as opened:
        return opened.read(len(FORMAT)) == FORMAT


def check_log(file: Path, size: int | None) -> Checked:
    """Hash every leaf, and the tree over the first ``size`` (``None``: over all). ``LogFlaw`` names the first
    thing that is wrong."""
    roots, found = _Roots(), ""
    with file.open("rb") as opened:
        for place, (stated, body) in enumerate(read_leaves(opened)):
            digest = sha256(b"\x00" + body).digest()
            if digest.hex().encode() != stated:
                raise LogFlaw("changed", place)
            if place == size:
                found = roots.root().hex()
            roots.add(digest)
    if size is None or size == roots.size:
        found = roots.root().hex()
    return Checked(roots.size, found)


def read_leaves(file: IO[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """(hash in hex, event) of each leaf, in order. ``LogFlaw`` for a line that is not the next one."""
    _must_begin(file.readline())
    place = 0
    for line in file:
        number, _, rest = line.partition(b" ")
        if number == b"%d" % place and rest[-1:] == b"\n":
            yield rest[:_HEX], rest[_HEX + 1 : -1]
            place += 1
        elif number == b"end" and rest.strip().isdigit():
            if int(rest) != place:
                raise LogFlaw("missing", place, f"end {int(rest)}")
            return
        elif number != b"checkpoint":
            raise _not_next(number, place)
    raise LogFlaw("cut", place)


def _must_begin(line: bytes) -> None:
    if not line.startswith(FORMAT):
        raise LogFlaw("unreadable", 0)
    try:
        start = orjson.loads(line[len(FORMAT) :])["from"]
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise LogFlaw("unreadable", 0) from error
    if start != 0:
        raise LogFlaw("partial", 0, str(start))


def _not_next(number: bytes, place: int) -> LogFlaw:
    if not number.isdigit():
        return LogFlaw("unreadable", place, number[:40].decode("utf-8", "replace"))
    found = int(number)
    return LogFlaw("missing" if found > place else "order", place, str(found))


class _Roots:
    """The tree over the leaves so far: heads of complete subtrees, the largest first."""

    def __init__(self) -> None:
        self.size = 0
        self._heads: list[bytes] = []

    def add(self, leaf: bytes) -> None:
        rest, self.size = self.size, self.size + 1
        while rest & 1:
            leaf = sha256(b"\x01" + self._heads.pop() + leaf).digest()
            rest >>= 1
        self._heads.append(leaf)

    def root(self) -> bytes:
        if not self._heads:
            return sha256().digest()
        value = self._heads[-1]
        for head in reversed(self._heads[:-1]):
            value = sha256(b"\x01" + head + value).digest()
        return value


def main(words: Sequence[str]) -> int:
    """``check_log`` in a process of its own: FILE and SIZE; leaves and root, or exit code 1 for a flaw."""
    file, size = words
    try:
        checked = check_log(Path(file), None if size == "None" else int(size))
    except LogFlaw:
        return 1
    print(checked.leaves, checked.root or "-")
    return 0


__all__ = ["Checked", "LogFlaw", "check_log", "is_log", "read_leaves"]

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
