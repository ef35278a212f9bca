"""The tree, built again leaf by leaf from stored bytes, and every checkpoint met on the way.

In charge of: what can be wrong with a log, in words; naming the first position that does not fit. Stands
alone: shares only ``merkle`` and ``checkpoint`` with the writer. Not in charge of: where leaves and
checkpoints come from (``verify`` reads an export, ``flow/log_verify.py`` a database).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from gateway.exchange_log.checkpoint import (
    NotANote,
    PublicKey,
    read_checkpoint,
    read_note,
    signed_by_log,
    verify,
)
from gateway.exchange_log.merkle import EMPTY_ROOT, complete_head, node_hash, root

GROUP = 256
EARLY_SECONDS = 300  # clocks may differ so much before a checkpoint counts as one of the future

# What can be wrong: Vietnamese, English.
WHAT: dict[str, tuple[str, str]] = {
    "changed": ("Nội dung sự kiện đã bị sửa", "The event was changed"),
    "deleted": ("Sự kiện đã bị xóa", "The event was deleted"),
    "inserted": ("Có sự kiện bị chèn vào", "An event was inserted"),
    "reordered": ("Thứ tự sự kiện đã bị đổi", "Events were reordered"),
    "rewritten": (
        "Sự kiện trong khoảng này bị sửa, chèn, xóa hoặc đổi chỗ cùng với mã băm; mốc chốt đã ký không còn "
        "khớp",
        "Events in this range were changed, inserted, deleted or moved together with their hashes: the "
        "signed checkpoint no longer fits",
    ),
    "column": ("Cột dữ liệu không khớp nội dung sự kiện", "A column differs from the event's bytes"),
    "private": (
        "Giá trị riêng lưu cạnh nhật ký không khớp cam kết trong sự kiện",
        "A private value beside the log does not fit the commitment in its event",
    ),
    "head_deleted": ("Một mốc chốt đã lưu bị xóa", "A stored checkpoint was deleted"),
    "truncated": (
        "Nhật ký ngắn hơn mốc chốt đã ký: phần cuối đã bị xóa",
        "The log is shorter than a signed checkpoint: its end was cut off",
    ),
    "forked": (
        "Hai mốc chốt cùng có chữ ký hợp lệ nhưng nói về hai nhật ký khác nhau",
        "Two checkpoints with valid signatures tell of two different logs",
    ),
    "future": ("Mốc chốt ghi thời điểm trong tương lai", "The checkpoint states a time in the future"),
    "unknown_key": (
        "Không có khóa công khai nào đã cho xác nhận mốc chốt này",
        "None of the given public keys has signed this checkpoint",
    ),
    "bad_signature": ("Chữ ký của mốc chốt không đúng", "The checkpoint's signature does not hold"),
    "foreign": ("Mốc chốt thuộc về một nhật ký khác", "The checkpoint belongs to another log"),
    "epoch": (
        "Kỳ nhật ký được khai không khớp sự kiện mở kỳ trong nhật ký",
        "An epoch that is claimed for the log is not the one that an event in it opened",
    ),
    "unreadable": ("Tệp nhật ký không đọc được", "The export cannot be read"),
}

OF_CHECKPOINTS = frozenset({"forked", "future", "unknown_key", "bad_signature", "foreign", "head_deleted"})


@dataclass(frozen=True, slots=True)
class Problem:
    """The first thing that does not fit. ``position``: leaf from 0 where it is, ``until``: before which leaf
    it lies when only a range is known; ``None``: beside the log. Of a checkpoint (``OF_CHECKPOINTS``)
    ``position`` is its size. ``notes``: the checkpoints concerned."""

    what: str  # a key of ``WHAT``
    position: int | None
    until: int | None = None
    detail: str = ""
    notes: tuple[str, ...] = ()

    def where(self) -> tuple[str, str]:
        """The place in words, Vietnamese and English."""
        if self.what in OF_CHECKPOINTS:
            return f"mốc chốt {self.position} sự kiện", f"the checkpoint over {self.position} events"
        if self.position is None:
            return "ngoài nhật ký", "beside the log"
        if self.until is not None and self.until > self.position + 1:
            span = f"{self.position}–{self.until - 1}"
            return f"trong khoảng vị trí {span}", f"between positions {span}"
        return f"tại vị trí {self.position}", f"at position {self.position}"


@dataclass(frozen=True, slots=True)
class Missing:
    """Leaves from ``first`` to before ``last`` that checkpoints of an earlier epoch cover and that are not
    here, because an older backup was restored. ``note``: the largest of these checkpoints."""

    origin: str
    first: int
    last: int
    note: str


class DoesNotFit(Exception):
    """Ends the verification; carries the problem."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(f"{problem.what} {problem.where()[1]}: {problem.detail}")


@dataclass(frozen=True, slots=True, order=True)
class Head:
    """A checkpoint to be met. ``given``: it comes from outside the log that is verified."""

    size: int
    number: int
    root: bytes = field(compare=False)
    note: str = field(compare=False)
    given: bool = field(compare=False, default=False)

    @property
    def origin(self) -> str:
        """The epoch of the log that signed it."""
        return self.note.partition("\n")[0]


@dataclass(frozen=True, slots=True)
class Report:
    """Everything fits: so many leaves, their head, and how many of them are under a checkpoint. ``missing``:
    what earlier epochs had and this log says it lost."""

    leaves: int
    root: bytes
    checkpoints: int
    covered: int
    missing: tuple[Missing, ...] = ()


def head_of(
    note: str, keys: Sequence[PublicKey], now: float, *, number: int = 0, given: bool = False
) -> Head:
    """A checkpoint that was read and whose signature holds. ``DoesNotFit`` otherwise; ``now``: seconds."""
    try:
        read = read_note(note)
        found = read_checkpoint(read.text)
        verify(read, keys)
    except NotANote as error:
        raise DoesNotFit(
            Problem("bad_signature", _stated_size(note), detail=str(error), notes=(note,))
        ) from error
    if not signed_by_log(read, keys):
        names = ", ".join(one.name for one in read.signatures)
        raise DoesNotFit(Problem("unknown_key", found.size, detail=names, notes=(note,)))
    if stated := found.stated("time"):
        try:
            ahead = datetime.fromisoformat(stated).timestamp() - now
        except (ValueError, TypeError):
            raise DoesNotFit(Problem("bad_signature", found.size, detail=stated, notes=(note,))) from None
        if ahead > EARLY_SECONDS:
            raise DoesNotFit(Problem("future", found.size, detail=stated, notes=(note,)))
    return Head(found.size, number, found.root, note, given)


def _stated_size(note: str) -> int:
    size = [*note.split("\n", 2), "", ""][1]
    return int(size) if size.isdigit() and len(size) < 19 else 0


class Replay:
    """Builds the tree again, leaf by leaf, and meets every checkpoint on the way."""

    def __init__(
        self,
        heads: Iterable[Head],
        start: int = 0,
        left: Sequence[bytes] = (),
        kept: Callable[[int], bytes | None] = lambda group: None,
    ) -> None:
        """``start`` is a multiple of ``GROUP``, ``left`` the complete subtrees before it, largest first;
        ``kept(group)`` is the stored head of that group of 256 leaves, if there is one."""
        self.heads = sorted(heads)
        self.met = 0
        self.covered = start
        self._kept = kept
        self._base = start
        self._stack = list(left)
        self._tail: list[bytes] = []
        self._bodies: list[bytes] = []
        self._last: Head | None = None
        self._suspect: Head | None = None  # did not fit; its group's stored head will tell more

    @property
    def size(self) -> int:
        """Leaves so far."""
        return self._base + len(self._tail)

    def expect(self, head: Head) -> None:
        """Meet this checkpoint too; it is not behind us."""
        if head.size < self.size:
            raise DoesNotFit(Problem("unreadable", head.size, detail="a checkpoint out of place"))
        self.heads = sorted([*self.heads, head])

    def feed(self, bodies: Sequence[bytes], hashes: Sequence[bytes]) -> None:
        """The next leaves and what is stored as their hashes. ``DoesNotFit`` names the first wrong one."""
        sha256 = hashlib.sha256
        computed = [sha256(b"\x00" + body).digest() for body in bodies]
        if computed != hashes:
            self._blame_leaf(computed, hashes)
        done = 0
        while done < len(computed):
            step = min(GROUP - len(self._tail), len(computed) - done)
            self._tail += computed[done : done + step]
            self._bodies += bodies[done : done + step]
            done += step
            self._meet()
            if len(self._tail) == GROUP:
                self._fold()

    def end(self) -> Report:
        """All leaves were fed: what fits. ``DoesNotFit`` when a checkpoint covers more than there is."""
        self._meet()
        if self._suspect is not None:
            self._blame_head(self._suspect)
        if self.heads:
            head = self.heads[0]
            detail = f"{head.size} > {self.size}"
            raise DoesNotFit(Problem("truncated", self.size, head.size, detail, (head.note,)))
        return Report(self.size, self.root(len(self._tail)), self.met, self.covered)

    def root(self, count: int) -> bytes:
        """The head over everything up to the first ``count`` leaves of the group that is not complete."""
        return self._root_of(self._tail[:count])

    def _root_of(self, tail: Sequence[bytes]) -> bytes:
        parts = [*self._stack]
        if tail:
            parts.append(root(_Row(tail).node, len(tail)))
        if not parts:
            return EMPTY_ROOT
        value = parts.pop()
        while parts:
            value = node_hash(parts.pop(), value)
        return value

    def _meet(self) -> None:
        while self._suspect is None and self.heads and self.heads[0].size <= self.size:
            head = self.heads.pop(0)
            if self.root(head.size - self._base) != head.root:
                self._suspect = head
                return
            self.met += 1
            self.covered = max(self.covered, head.size)
            if not head.given:
                self._last = head

    def _fold(self) -> None:
        """The group is complete: compare its stored head, and keep only its hash."""
        value, index = complete_head(self._tail), self._base // GROUP
        kept = self._kept(index)
        if kept is not None and kept != value:
            self._blame_group(kept)
        if self._suspect is not None:
            self._blame_head(self._suspect)
        while index % 2:
            value, index = node_hash(self._stack.pop(), value), index // 2
        self._stack.append(value)
        self._base += GROUP
        self._tail, self._bodies = [], []

    def _blame_leaf(self, computed: Sequence[bytes], hashes: Sequence[bytes]) -> None:
        place = next(at for at, pair in enumerate(zip(computed, hashes, strict=True)) if pair[0] != pair[1])
        moved = computed[place] in set(hashes)
        raise DoesNotFit(Problem("reordered" if moved else "changed", self.size + place))

    def _blame_head(self, head: Head) -> None:
        """A root is another: a fork when the checkpoint came from outside and our own ones fit."""
        ours = next((one for one in self.heads if not one.given), self._last)
        if head.given:
            notes = (head.note, ours.note) if ours else (head.note,)
            raise DoesNotFit(Problem("forked", head.size, notes=notes))
        twin = self._last
        if twin is not None and twin.size == head.size:
            raise DoesNotFit(Problem("forked", head.size, notes=(head.note, twin.note)))
        start, count = self.covered, head.size - self._base
        if start < self._base:
            raise DoesNotFit(Problem("rewritten", start, head.size, notes=(head.note,)))

        def fits(hashes: Sequence[bytes]) -> bool:
            return self._root_of(hashes) == head.root

        self._blame_range(start, self._base + count, fits, (head.note,))

    def _blame_group(self, kept: bytes) -> None:
        """A complete group is not what its stored head says; a checkpoint within it narrows the place."""
        head = self._suspect
        end = self._base + GROUP if head is None else head.size
        notes = () if head is None else (head.note,)
        self._blame_range(
            max(self._base, self.covered),
            end,
            lambda hashes: complete_head(hashes) == kept,
            notes,
            whole=True,
        )

    def _blame_range(
        self,
        start: int,
        end: int,
        fits: Callable[[Sequence[bytes]], bool],
        notes: tuple[str, ...] = (),
        *,
        whole: bool = False,
    ) -> None:
        """Rows of the present group do not fit together: were they only moved? ``whole``: ``fits`` wants the
        group and not only what lies before ``end``."""
        held = self._tail if whole else self._tail[: end - self._base]
        first = start - self._base
        order = sorted(range(first, len(held)), key=lambda at: _moment(self._bodies[at]))
        sorted_back = [*held[:first], *(held[at] for at in order)]
        if sorted_back != held and fits(sorted_back):
            place = next(at for at, value in enumerate(sorted_back) if value != held[at])
            raise DoesNotFit(Problem("reordered", self._base + place, notes=notes))
        raise DoesNotFit(Problem("rewritten", start, end, notes=notes))


class _Row:
    """Nodes over a few leaves in memory."""

    def __init__(self, hashes: Sequence[bytes]) -> None:
        self._hashes = hashes

    def node(self, level: int, index: int) -> bytes:
        return complete_head(self._hashes[index << level : (index + 1) << level])


def _moment(body: bytes) -> tuple[int, str]:
    """What the writer sorts by."""
    try:
        found = json.loads(body)
        return int(found["at"]), str(found["id"])
    except (ValueError, KeyError, TypeError):
        return 0, ""
