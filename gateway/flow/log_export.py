"""The exchange log as a file that anybody can verify (format: ``exchange_log/verify.py``).

In charge of: its lines, in pieces. Not in charge of: writing the file (``cli/log.py``).
"""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import replace

import orjson

from gateway.exchange_log.replay import GROUP
from gateway.exchange_log.sequence import epochs_of, log_keys, log_origin, stored_nodes, with_cosignatures
from gateway.exchange_log.verify import FORMAT
from gateway.services import Services
from gateway.store import log
from gateway.store.contract import Tx
from gateway.store.log import Entry, SignedHead

PIECE = 2048


async def export_log(gw: Services, start: int = 0, stop: int = 0) -> AsyncIterator[bytes]:
    """The leaves from ``start`` (rounded down to a multiple of 256) to before ``stop`` (0: all) and the
    checkpoints over them, as bytes of the file. Reads in pieces; the log may grow meanwhile."""
    start -= start % GROUP
    state = await gw.store.read(log.state)
    end = min(stop or state.integrated, state.integrated)
    left = await gw.store.read(lambda tx: _left(tx, start))
    keys = [str(key) for key in log_keys(gw.keyring)]
    opened = [one.as_json() for one in await gw.store.read(epochs_of) if one.leaf < end]
    header = {"origin": log_origin(gw.keyring), "from": start, "left": left, "keys": keys}
    header |= {"epochs": opened} if opened else {}
    yield FORMAT.encode() + orjson.dumps(header) + b"\n"
    heads = await _heads(gw, start, end)
    for first in range(start, end, PIECE):
        last = min(first + PIECE, end)
        entries = await gw.store.read(lambda tx, a=first, b=last: log.entries(tx, a, b))  # type: ignore[misc]
        yield b"".join(_lines(entries, heads))
    yield b"end %d\n" % max(start, end)


def _left(tx: Tx, start: int) -> list[str]:
    """Heads of the complete subtrees before ``start``, largest first, hex."""
    node, done, found = stored_nodes(tx), 0, []
    for level in reversed(range(8, max(start.bit_length(), 8))):
        if start & (1 << level):
            found.append(node(level, done >> level).hex())
            done += 1 << level
    return found


async def _heads(gw: Services, start: int, end: int) -> list[SignedHead]:
    """Checkpoints over more than ``start`` and at most ``end`` leaves, oldest first."""
    found: list[SignedHead] = []
    number = 0
    while page := await gw.store.read(lambda tx, after=number: _with_lines(tx, after)):  # type: ignore[misc]
        found += [head for head in page if start < head.size <= end]
        number = page[-1].number
    return found


def _with_lines(tx: Tx, number: int) -> list[SignedHead]:
    return [
        replace(
            head, note=with_cosignatures(head.note, [one.line for one in log.cosignatures(tx, head.number)])
        )
        for head in log.after(tx, number)
    ]


def _lines(entries: Sequence[Entry], heads: list[SignedHead]) -> Iterator[bytes]:
    """One line a leaf, and after it the checkpoints over exactly so many; they are taken off the list."""
    for entry in entries:
        yield b"%d %s %s\n" % (entry.leaf, entry.hash.hex().encode(), entry.body)
        while heads and heads[0].size == entry.leaf + 1:
            head = heads.pop(0)
            line = {"note": head.note, "token": base64.b64encode(head.token).decode()}
            yield b"checkpoint " + orjson.dumps(line) + b"\n"
