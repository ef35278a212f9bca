"""Merkle trees of RFC 6962 section 2.1: heads, inclusion proofs, consistency proofs, and their verification.

In charge of: the arithmetic. Stands alone, on the standard library. Not in charge of: what a leaf is, where
hashes are kept, who signs a head.

A *node* ``(level, index)`` is the hash of the complete subtree over the ``2**level`` leaves from
``index * 2**level`` on. A node never changes once its leaves are there, so nodes can be stored, and every
proof is made from O(log n) of them: the functions below ask a ``NodeSource`` for them. ``Tree`` keeps the
nodes of a tree in memory. Hashes are 32 bytes of SHA-256; indexes count from 0.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256().digest()  # RFC 6962 section 2.1: MTH({}) = SHA-256()

NodeSource = Callable[[int, int], bytes]  # (level, index) -> hash of a complete subtree; LookupError if not


def leaf_hash(data: bytes) -> bytes:
    """Hash of a leaf: SHA-256(0x00 || data)."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of an inner node: SHA-256(0x01 || left || right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def new_nodes(size: int, leaves: Iterable[bytes], node: NodeSource) -> Iterator[tuple[int, int, bytes]]:
    """``(level, index, hash)`` of each node that appending ``leaves`` (hashes) to a tree of ``size``
    completes, lowest first. ``node`` must know those yielded before."""
    for position, leaf in enumerate(leaves, size):
        level, index, value = 0, position, leaf
        yield level, index, value
        while index % 2:
            value = node_hash(node(level, index - 1), value)
            level, index = level + 1, index // 2
            yield level, index, value


def complete_head(hashes: Sequence[bytes]) -> bytes:
    """The head of a complete subtree over these nodes; their number is a power of two."""
    row, sha256 = hashes, hashlib.sha256
    while len(row) > 1:
        row = [
            sha256(b"\x01" + left + right).digest() for left, right in zip(row[::2], row[1::2], strict=True)
        ]
    return row[0]


def root(node: NodeSource, size: int) -> bytes:
    """The head of the tree over the first ``size`` leaves."""
    return _head(node, 0, size) if size else EMPTY_ROOT


def inclusion_proof(node: NodeSource, index: int, size: int) -> tuple[bytes, ...]:
    """PATH(index, D[size]) of RFC 6962 section 2.1.1: siblings from the leaf up."""
    if not 0 <= index < size:
        raise ValueError(f"no leaf {index} in a tree of {size}")
    proof, start, end = [], 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            proof.append(_head(node, middle, end))
            end = middle
        else:
            proof.append(_head(node, start, middle))
            start = middle
    return tuple(reversed(proof))


def consistency_proof(node: NodeSource, old: int, new: int) -> tuple[bytes, ...]:
    """PROOF(old, D[new]) of RFC 6962 section 2.1.2. Nothing is needed from an empty tree or to the same."""
    if not 0 <= old <= new:
        raise ValueError(f"a tree of {new} does not continue one of {old}")
    if old in (0, new):
        return ()
    proof, start, end = [], 0, new
    while old != end:
        middle = start + _split(end - start)
        if old <= middle:
            proof.append(_head(node, middle, end))
            end = middle
        else:
            proof.append(_head(node, start, middle))
            start = middle
    if start:  # else the old head itself is the subtree, and the verifier has it
        proof.append(_head(node, start, end))
    return tuple(reversed(proof))


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], head: bytes) -> bool:
    """True when ``proof`` leads from the leaf's hash to ``head`` (RFC 9162 section 2.1.3.2)."""
    if not 0 <= index < size or not _are_hashes((leaf, head, *proof)):
        return False
    place, last, value = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False  # longer than the tree is high
        if place % 2 or place == last:
            value = node_hash(sibling, value)
            place, last = _past_no_sibling(place, last)
        else:
            value = node_hash(value, sibling)
        place, last = place >> 1, last >> 1
    return last == 0 and value == head


def verify_consistency(old: int, new: int, old_head: bytes, new_head: bytes, proof: Sequence[bytes]) -> bool:
    """True when the tree of ``new`` leaves begins with that of ``old`` (RFC 9162 section 2.1.4.2)."""
    if not 0 <= old <= new or not _are_hashes((old_head, new_head, *proof)):
        return False
    if old == 0:
        return not proof and old_head == EMPTY_ROOT
    if old == new:
        return not proof and old_head == new_head
    path = list(proof) if old & (old - 1) else [old_head, *proof]
    if not path:
        return False
    place, last = _past_complete(old - 1, new - 1)
    first = second = path[0]
    for value in path[1:]:
        if last == 0:
            return False
        if place % 2 or place == last:
            first, second = node_hash(value, first), node_hash(value, second)
            place, last = _past_no_sibling(place, last)
        else:
            second = node_hash(second, value)
        place, last = place >> 1, last >> 1
    return last == 0 and first == old_head and second == new_head


class Tree:
    """All nodes of a tree in memory: about 64 bytes and two hashings for each leaf."""

    def __init__(self, leaves: Iterable[bytes] = ()) -> None:
        self._levels: list[list[bytes]] = [[]]
        self.extend(leaves)

    def __len__(self) -> int:
        return len(self._levels[0])

    def extend(self, leaves: Iterable[bytes]) -> None:
        """Append these leaf hashes."""
        for level, _, value in new_nodes(len(self), leaves, self.node):
            if level == len(self._levels):
                self._levels.append([])
            self._levels[level].append(value)

    def node(self, level: int, index: int) -> bytes:
        """See ``NodeSource``."""
        return self._levels[level][index]

    def root(self) -> bytes:
        """The head over all leaves."""
        return root(self.node, len(self))

    def inclusion_proof(self, index: int) -> tuple[bytes, ...]:
        """That leaf ``index`` is under ``root()``."""
        return inclusion_proof(self.node, index, len(self))

    def consistency_proof(self, old: int) -> tuple[bytes, ...]:
        """That ``root()`` continues the tree over the first ``old`` leaves."""
        return consistency_proof(self.node, old, len(self))


def _split(size: int) -> int:
    """The largest power of two smaller than ``size`` (at least 2)."""
    return 1 << ((size - 1).bit_length() - 1)


def _head(node: NodeSource, start: int, end: int) -> bytes:
    """MTH(D[start:end]) for a range as the RFC splits them: complete subtrees, folded from the right.

    ``start`` is a multiple of the first subtree's size, so each subtree is a node.
    """
    parts = []
    while start < end:
        level = (end - start).bit_length() - 1
        parts.append(node(level, start >> level))
        start += 1 << level
    value = parts.pop()
    while parts:
        value = node_hash(parts.pop(), value)
    return value


def _past_no_sibling(place: int, last: int) -> tuple[int, int]:
    """Up from the right edge to where there is a sibling on the left; nowhere when it is right here."""
    while place and not place % 2:
        place, last = place >> 1, last >> 1
    return place, last


def _past_complete(place: int, last: int) -> tuple[int, int]:
    """Up to the largest complete subtree that ends with leaf ``place``."""
    while place % 2:
        place, last = place >> 1, last >> 1
    return place, last


def _are_hashes(values: Iterable[bytes]) -> bool:
    return all(len(value) == HASH_BYTES for value in values)


__all__ = [
    "EMPTY_ROOT",
    "NodeSource",
    "Tree",
    "complete_head",
    "consistency_proof",
    "inclusion_proof",
    "leaf_hash",
    "new_nodes",
    "node_hash",
    "root",
    "verify_consistency",
    "verify_inclusion",
]
