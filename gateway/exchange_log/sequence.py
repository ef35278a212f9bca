"""From a recorded event to a published head, in four named steps.

In charge of: *sequence* (recorded events get their leaves), *integrate* (complete subtrees get their nodes),
*publish* (a head is signed, kept, and laid out for others). *Record* is ``store/events.py``: the event and
its place in the queue are written in the transaction that changes the state. Not in charge of: when
(``delivery/sequencer.py``), hashing (``merkle``), the form of a head (``checkpoint``).

Each step reads what the one before committed and moves a number that nobody else moved meanwhile, so that
each may die at any point and be done again: an event is in the queue or has a leaf; a head is signed from
what is integrated and is the same when it is computed again. Of several nodes the leader does the work
(``delivery/leader.py``); another that needs a leaf at once may do a step too: one of the two is ``Taken``.
What is published is never taken back: before the first leaf and before signing, the heads that were signed
before are compared, those that lie outside the database too, so that a restored old copy of the database
cannot begin a second history under the same name. It goes on in a new epoch (``epochs``).
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gateway.clock import Clock, to_rfc3339
from gateway.errors import GatewayError
from gateway.exchange_log.checkpoint import (
    Checkpoint,
    Note,
    PublicKey,
    key_name,
    read_checkpoint,
    read_note,
    sign,
)
from gateway.exchange_log.epochs import Chain, Epoch
from gateway.exchange_log.merkle import NodeSource, complete_head, leaf_hash, root
from gateway.model.text import Bilingual, Instant
from gateway.signature.keyring import LOG, Keyring
from gateway.store import epochs, restores
from gateway.store import log as rows
from gateway.store.contract import Store, Tx
from gateway.store.log import Node, SignedHead, State, Taken

BATCH = 1_000  # events in one transaction: all writers wait for it, so it stays well below 50 ms
WIDTH = 256  # nodes below one that is kept
TRIES = 8  # of a caller that another node gets ahead of
FILE = "checkpoint"  # in the folder of published heads


class LogBroken(GatewayError):
    """The log on disk is not the one that was published."""

    code = "log.broken"
    vi = "Nhật ký trên ổ đĩa không phải là nhật ký đã công bố."


@dataclass(frozen=True, slots=True)
class Sequencer:
    """The steps, for one process. ``folder``: where published heads lie, ``None``: in the database only;
    ``second``: another place for the newest of them, on another disk, which may be away."""

    store: Store
    keyring: Keyring
    clock: Clock
    folder: Path | None = None
    second: Path | None = None
    _compared: list[bool] = field(default_factory=list)  # not empty: the log is that of the published heads
    _one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def advance(self, *, publish: bool = False, closes: str = "") -> SignedHead | None:
        """All steps, up to a published head if ``publish``; calls within this process wait for each other.

        ``Taken``: other nodes got ahead again and again, so that they have done what was to be done, or most.
        """
        async with self._one_at_a_time:
            for _ in range(TRIES - 1):
                with contextlib.suppress(Taken):
                    return await self._advance(publish, closes)
            return await self._advance(publish, closes)

    async def _advance(self, publish: bool, closes: str) -> SignedHead | None:
        await self.catch_up()
        return await self.publish(closes) if publish else None

    async def catch_up(self) -> int:
        """Sequence and integrate until nothing waits; how many leaves that were."""
        total = 0
        if not self._compared:
            await self.must_continue()
            self._compared.append(True)
        while True:
            count = await self.sequence()
            await self.integrate()
            total += count
            if count < BATCH:
                return total

    async def sequence(self, most: int = 0) -> int:
        """Give leaves to recorded events, oldest first, at most ``most`` (0: ``BATCH``); how many.

        ``Taken``: another node moved the log meanwhile.
        """
        had, events = await self.store.read(lambda tx: (rows.state(tx), rows.waiting(tx, most or BATCH)))
        if not events:
            return 0
        hashes = [leaf_hash(one.body) for one in events]

        def unit(tx: Tx) -> None:
            rows.move(tx, had, had.sequenced + len(events), had.integrated)
            rows.add_leaves(tx, had.sequenced, events, hashes)

        await self.store.write(unit)
        return len(events)

    async def integrate(self) -> int:
        """Keep the nodes of subtrees that became complete; how many leaves more are integrated."""
        had = await self.store.read(rows.state)
        if had.integrated == had.sequenced:
            return 0
        nodes = await self.store.read(lambda tx: new_nodes(tx, had.integrated, had.sequenced))

        def unit(tx: Tx) -> None:
            rows.move(tx, had, had.sequenced, had.sequenced)
            rows.add_nodes(tx, nodes)

        await self.store.write(unit)
        return had.sequenced - had.integrated

    async def publish(self, closes: str = "") -> SignedHead | None:
        """Sign a head over what is integrated, keep it, lay it out; ``None`` for an empty log.

        A head that was signed and not yet laid out is laid out as it is, unless there is more to sign.
        """
        seen = self._laid_out()
        had, newest, chain = await self._stands()
        if had.integrated == 0:
            return None
        if newest is None or newest.size != had.integrated or closes not in ("", newest.closes):
            await self._must_be_settled()
            await self._must_continue(had.integrated, newest, chain, seen)
            newest = await self._sign(had, newest, closes, chain.newest)
        return await self._lay_out(newest)

    async def must_continue(self) -> None:
        """``LogBroken`` when heads were published that this database does not have, or a restore said that
        there may be some: an older copy of it."""
        for _ in range(TRIES):
            with contextlib.suppress(Taken):  # another node is at it
                await self.integrate()
                break
        seen = self._laid_out()
        had, newest, chain = await self._stands()
        await self._must_be_settled()
        await self._must_continue(had.integrated, newest, chain, seen)

    async def _must_be_settled(self) -> None:
        if await self.store.read(restores.pending) is not None:
            raise LogBroken(RESTORED, code="log.restored")

    async def _stands(self) -> tuple[State, SignedHead | None, Chain]:
        opened = log_origin(self.keyring)
        return await self.store.read(lambda tx: (rows.state(tx), rows.last(tx), Chain(opened, epochs_of(tx))))

    async def _sign(self, had: State, newest: SignedHead | None, closes: str, origin: str) -> SignedHead:
        now = self.clock.now()
        head = await self._root(had.integrated)
        signer = log_signer(self.keyring, origin)
        note = sign(checkpoint_of(self.keyring, had.integrated, head, now, closes, origin), *signer)
        number = 1 if newest is None else newest.number + 1
        signed = SignedHead(number, had.integrated, head, str(note), closes, now)

        def unit(tx: Tx) -> None:
            rows.move(tx, had, had.sequenced, had.integrated)  # holds the row: heads are signed in a row
            if (now_last := rows.last(tx)) is not None and now_last.number >= number:
                raise Taken
            rows.add_checkpoint(tx, signed)

        await self.store.write(unit)
        return signed

    async def _lay_out(self, head: SignedHead) -> SignedHead:
        """Write the head into the folder, then say so in the row. Done again after a failure in between."""
        laid_out = self.folder is None or (head.published_at is not None and (self.folder / FILE).exists())
        if self.folder is not None and not laid_out:
            lay_out(self.folder, head.note, head.closes)
            if self.second is not None:
                with contextlib.suppress(OSError):  # it only tells more after a loss of the first disk
                    lay_out(self.second, head.note, "")
        if head.published_at is None:
            await self.store.write(lambda tx: rows.set_published(tx, head.number, self.clock.now()))
        published = await self.store.read(rows.last)
        assert published is not None
        return published

    def _laid_out(self) -> list[Checkpoint]:
        """Heads in the folders. Looked at before the database: what another node lays out afterwards is
        newer than what we are about to read there, and would look as if rows had been lost."""
        return [head for folder in (self.folder, self.second) if (head := published_in(folder))]

    async def _must_continue(
        self, size: int, newest: SignedHead | None, chain: Chain, seen: Sequence[Checkpoint]
    ) -> None:
        """``LogBroken`` unless the heads signed before, in the table and in the folders, are of this tree, or
        an epoch was opened that says of them that they are not."""
        before = [] if newest is None else [read_checkpoint(read_note(newest.note).text)]
        for head in (*before, *seen):
            if chain.is_given_up(head.origin, head.size):
                continue
            if head.size > size:
                raise LogBroken(_shorter(head.size, size), code="log.truncated")
            if await self._root(head.size) != head.root:
                raise LogBroken(_other(head.size), code="log.forked")

    async def _root(self, size: int) -> bytes:
        return await self.store.read(lambda tx: root(stored_nodes(tx), size))


def epochs_of(tx: Tx) -> list[Epoch]:
    """The epochs of the stored log after the first."""
    return [Epoch(one.origin, one.shared, one.leaf, one.before_origin) for one in epochs.openings(tx)]


def stored_nodes(tx: Tx) -> NodeSource:
    """Nodes of the stored tree, read while the transaction lasts: at most 128 rows each."""

    def node(level: int, index: int) -> bytes:
        kept = level - level % 8
        start, count = index << (level - kept), 1 << (level - kept)
        found = rows.hashes(tx, kept, start, start + count)
        if len(found) != count:
            raise LookupError(f"the tree has no node {index} on level {level}")
        return complete_head(found)

    return node


def new_nodes(tx: Tx, size: int, new: int) -> list[Node]:
    """Nodes of the kept levels that become complete when ``size`` leaves become ``new``."""
    nodes: list[Node] = []
    below: dict[int, bytes] = {}
    level = 8
    while (first := size >> level) <= (last := new >> level) and last:
        made = {}
        for index in range(first, last):
            hashes = _children(tx, level - 8, index * WIDTH, below)
            made[index] = complete_head(hashes)
            nodes.append(Node(level, index, made[index]))
        below, level = made, level + 8
    return nodes


def _children(tx: Tx, level: int, start: int, fresh: dict[int, bytes]) -> list[bytes]:
    """``WIDTH`` nodes: those just made (not stored yet), and before them stored ones."""
    stop = start + WIDTH
    if level == 0:
        found = rows.hashes(tx, 0, start, stop)
    else:
        stored = rows.hashes(tx, level, start, stop)
        found = [*stored, *(fresh[index] for index in range(start + len(stored), stop))]
    if len(found) != WIDTH:
        raise LookupError(f"level {level}: rows are missing after {start}")
    return found


def checkpoint_of(
    keyring: Keyring, size: int, head: bytes, at: Instant, closes: str, origin: str = ""
) -> Checkpoint:
    """The head as text, with the time of signing and the day that it closes; ``origin`` of a later epoch."""
    extra = [f"time {to_rfc3339(at)}", *([f"closes {closes}"] if closes else [])]
    return Checkpoint(origin or log_origin(keyring), size, head, tuple(extra))


def published_in(folder: Path | None) -> Checkpoint | None:
    """The newest head that lies in a folder, not verified; ``None``: there is none, or no such folder now."""
    if folder is None:
        return None
    try:
        return read_checkpoint(read_note((folder / FILE).read_text("utf-8")).text)
    except OSError:
        return None


def log_origin(keyring: Keyring) -> str:
    """Which log this is: the gateway's first name and the hash of its first log key. Never changes; epochs
    after a restore add to it (``epochs``)."""
    first = keyring.note_keys(LOG)[-1]
    return f"{key_name(keyring.gateway)}/{hashlib.sha256(first).hexdigest()[:8]}"


def log_keys(keyring: Keyring) -> list[PublicKey]:
    """Public keys of our log, in all its epochs, the newest first."""
    origin = log_origin(keyring)
    return [PublicKey(origin, key) for key in keyring.note_keys(LOG)]


def log_signer(keyring: Keyring, origin: str = "") -> tuple[PublicKey, Callable[[bytes], bytes]]:
    """The key in use and what signs with it; ``origin`` of a later epoch."""
    key = log_keys(keyring)[0]
    return PublicKey(origin or key.name, key.key), lambda data: keyring.sign_note(LOG, data)


def with_cosignatures(note: str, lines: Sequence[str]) -> str:
    """The note with the lines of witnesses below our own signature."""
    return note + "".join(f"{line}\n" for line in lines)


def lay_out(folder: Path, note: str, closes: str) -> None:
    """On return the head lies in the folder, on disk; one that closes a day also under the day's name."""
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    for name in (FILE, *([closes] if closes else [])):
        temporary = folder / f".{name}.{os.getpid()}.new"  # nodes of one machine may share the folder
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        with os.fdopen(descriptor, "wb") as file:
            file.write(note.encode())
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(folder / name)
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def note_of(head: SignedHead) -> Note:
    """The signed note of a row."""
    return read_note(head.note)


RESTORED = Bilingual(
    "Cơ sở dữ liệu vừa được khôi phục từ bản sao lưu. Trước khi nhận văn bản, hãy mở kỳ nhật ký mới và lấy "
    "lại những gì có sau bản sao lưu: gateway recovery accept --reason LÝ_DO",
    "This database was just restored from a backup. Before it takes documents, open a new epoch of the log "
    "and take back what followed the backup: gateway recovery accept --reason WHY",
)


def _shorter(signed: int, here: int) -> Bilingual:
    return Bilingual(
        f"Nhật ký trong cơ sở dữ liệu có {here} sự kiện, ít hơn {signed} sự kiện đã chốt. Có thể cơ sở dữ "
        "liệu bị xóa bớt hoặc được khôi phục từ bản sao lưu cũ. Trục không ghi tiếp nhật ký. Hãy chạy: "
        "gateway log verify; nếu vừa khôi phục bản sao lưu: gateway recovery accept --reason LÝ_DO",
        f"The log in the database has {here} events, fewer than the {signed} under a checkpoint: rows were "
        "deleted, or an old backup was restored. The log does not go on. Run: gateway log verify; after a "
        "restore: gateway recovery accept --reason WHY",
    )


def _other(size: int) -> Bilingual:
    return Bilingual(
        f"Nhật ký trong cơ sở dữ liệu khác với mốc chốt đã ký cho {size} sự kiện đầu. Trục không ghi tiếp "
        "nhật ký. Hãy chạy: gateway log verify",
        f"The log in the database is not the one whose first {size} events a checkpoint covers. The log does "
        "not go on. Run: gateway log verify",
    )


__all__ = [
    "BATCH",
    "FILE",
    "RESTORED",
    "LogBroken",
    "Sequencer",
    "checkpoint_of",
    "epochs_of",
    "lay_out",
    "log_keys",
    "log_origin",
    "log_signer",
    "new_nodes",
    "note_of",
    "published_in",
    "stored_nodes",
    "with_cosignatures",
]
