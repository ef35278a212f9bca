"""Does a log fit together? For whoever does not trust the one who keeps it.

In charge of: reading an export in one pass and having it replayed (``replay``), and the command that does so.
Stands alone: shares only ``merkle`` and ``checkpoint`` with the writer. Not in charge of: reading a database
(``flow/log_verify.py``).

    python -m gateway.exchange_log.verify EXPORT --key KEYS [--checkpoint NOTE ...]

An export (``gateway log export``) is a text file, one thing a line::

    gateway-log 1 {"origin": …, "from": 0, "left": []}
    0 <hash, hex> {"actor": …}           place, SHA-256(0x00 || event), the event's canonical bytes
    checkpoint {"note": …, "token": …}   when so many leaves were there
    end 1                                number of leaves, so that a cut file shows

A log that went on after an older backup was restored has epochs (``epochs``): the header names them, and the
event that opened each proves it.

``left`` holds the heads of the complete subtrees before ``from`` (a multiple of 256): the first checkpoint
proves them along with the rest. Keys are never taken from the export.
"""

from __future__ import annotations

import argparse
import base64
import json
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

from gateway.exchange_log.checkpoint import (
    NotANote,
    PublicKey,
    compromised_keys,
    read_keys,
    read_note,
    verify,
)
from gateway.exchange_log.epochs import Chain, read_epochs
from gateway.exchange_log.replay import GROUP, WHAT, DoesNotFit, Problem, Replay, Report, head_of

FORMAT = "gateway-log 1 "


def verify_export(
    file: IO[bytes],
    keys: Sequence[PublicKey],
    now: float,
    given: Iterable[str] = (),
    lost: Mapping[PublicKey, int] | None = None,
) -> Report:
    """Replay an export. ``given``: notes of checkpoints from elsewhere. ``DoesNotFit`` names the problem.

    ``lost``: compromised keys, and since when (UTC microseconds): of their checkpoints only those count that
    a witness among ``keys`` cosigned before.
    """
    lost = lost or {}
    header = _header(file.readline())
    origin, start = str(header.get("origin", "")), header.get("from")
    left = [bytes.fromhex(one) for one in header.get("left", [])]
    if not isinstance(start, int) or start % GROUP or len(left) != (start // GROUP).bit_count():
        raise _unreadable(0, "header")
    try:
        chain = Chain(origin, read_epochs(header.get("epochs", [])))
    except ValueError as error:
        raise _unreadable(0, str(error)) from error
    heads = [head_of(note, keys, now, given=True) for note in given]
    replay = Replay([head for head in heads if chain.is_here(head)], start, left)
    counted = 0
    for kind, value in _chunks(file, start):
        if kind == "leaves":
            chain.meet(replay.size, value[0])
            replay.feed(*value)
        elif kind == "checkpoint":
            counted += 1
            head = head_of(value, (*keys, *lost), now, number=counted)
            if chain.is_here(head) and not _is_doubtful(value, keys, lost):
                replay.expect(head)
        elif value != replay.size:
            raise DoesNotFit(Problem("deleted", replay.size, detail=f"end {value}"))
    report = replace(replay.end(), missing=chain.end(start))
    if start and report.covered <= start:
        raise DoesNotFit(Problem("unknown_key", start, detail="no checkpoint over a partial export"))
    return report


def _is_doubtful(note: str, keys: Sequence[PublicKey], lost: Mapping[PublicKey, int]) -> bool:
    """True when only a lost key vouches for the checkpoint."""
    if not lost:
        return False
    seen = verify(read_note(note), (*keys, *lost))
    since = [lost[one.key] for one in seen if one.key in lost]
    witnessed = [one.time * 1_000_000 for one in seen if one.time is not None]
    return bool(since) and min(witnessed, default=min(since)) >= min(since)


def _header(line: bytes) -> dict[str, Any]:
    if not line.startswith(FORMAT.encode()):
        raise _unreadable(0, "not an export of a gateway log")
    try:
        found = json.loads(line[len(FORMAT) :])
    except ValueError as error:
        raise _unreadable(0, str(error)) from error
    if not isinstance(found, dict):
        raise _unreadable(0, "header")
    return found


def _chunks(file: IO[bytes], start: int) -> Iterator[tuple[str, Any]]:
    """What the lines say, leaves gathered; ``DoesNotFit`` for a place out of order or a file cut off."""
    place = start
    bodies: list[bytes] = []
    hashes: list[str] = []
    for line in file:
        number, _, rest = line.partition(b" ")
        if number == b"%d" % place and rest.endswith(b"\n"):
            hashes.append(rest[:64].decode("ascii", "replace"))
            bodies.append(rest[65:-1])
            place += 1
            if len(bodies) == 4096:
                yield "leaves", (bodies, _unhex(hashes, place))
                bodies, hashes = [], []
            continue
        if bodies:
            yield "leaves", (bodies, _unhex(hashes, place))
            bodies, hashes = [], []
        if number == b"checkpoint":
            yield "checkpoint", _note(rest, place)
        elif number == b"end" and rest.strip().isdigit():
            yield "end", int(rest)
            return
        else:
            raise _out_of_order(number, place)
    raise DoesNotFit(Problem("truncated", place, detail="the file has no last line"))


def _unhex(hashes: Sequence[str], place: int) -> list[bytes]:
    try:
        return [bytes.fromhex(one) for one in hashes]
    except ValueError as error:
        raise _unreadable(place - len(hashes), "hash") from error


def _note(rest: bytes, place: int) -> str:
    try:
        return str(json.loads(rest)["note"])
    except (ValueError, KeyError, TypeError) as error:
        raise _unreadable(place, "checkpoint") from error


def _out_of_order(number: bytes, place: int) -> DoesNotFit:
    if not number.isdigit():
        return _unreadable(place, number[:40].decode("utf-8", "replace"))
    found = int(number)
    what = "deleted" if found == place + 1 else "inserted" if found == place - 1 else "reordered"
    return DoesNotFit(Problem(what, place, detail=f"{place} → {found}"))


def _unreadable(place: int, detail: str) -> DoesNotFit:
    return DoesNotFit(Problem("unreadable", place, detail=detail))


def main(words: Sequence[str] | None = None) -> int:
    """The command of this file: 0 when everything fits, 1 when something does not."""
    parser = argparse.ArgumentParser(prog="verify", description="Verify an export of a gateway log.")
    parser.add_argument("export", type=Path)
    parser.add_argument("--key", type=Path, action="append", required=True, help="public keys, one a line")
    parser.add_argument("--checkpoint", type=Path, action="append", default=[], help="a signed note")
    given = parser.parse_args(words)
    try:
        texts = [file.read_text("utf-8") for file in given.key]
        keys = [key for text in texts for key in read_keys(text)]
        lost = {key: since for text in texts for key, since in compromised_keys(text).items()}
        notes = [file.read_text("utf-8") for file in given.checkpoint]
        with given.export.open("rb") as file:
            report = verify_export(file, keys, time.time(), notes, lost)
    except (OSError, NotANote) as error:
        print(f"✗ {error}")
        return 1
    except DoesNotFit as wrong:
        problem = wrong.problem
        for language in (0, 1):
            print(f"✗ {WHAT[problem.what][language]}, {problem.where()[language]}. {problem.detail}")
        for note in problem.notes:
            print(f"\n{note}")
        return 1
    print(f"✓ {report.leaves} leaves fit, {report.covered} under {report.checkpoints} signed checkpoints")
    print(f"  {base64.b64encode(report.root).decode()}")
    for gone in report.missing:
        print(f"! leaves {gone.first} to {gone.last - 1} of {gone.origin} are not here: a restore lost them")
    return 0


if __name__ == "__main__":
    sys.exit(main())
