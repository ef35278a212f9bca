"""Merkle trees against the definitions of RFC 6962 section 2.1, written down here once more as they stand."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.exchange_log.merkle import (
    EMPTY_ROOT,
    Tree,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    new_nodes,
    node_hash,
    root,
    verify_consistency,
    verify_inclusion,
)

MOST = 130  # every size up to here


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def split(n: int) -> int:
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def rfc_head(entries: Sequence[bytes]) -> bytes:
    """MTH."""
    if not entries:
        return sha256(b"")
    if len(entries) == 1:
        return sha256(b"\x00" + entries[0])
    k = split(len(entries))
    return sha256(b"\x01" + rfc_head(entries[:k]) + rfc_head(entries[k:]))


def rfc_path(m: int, entries: Sequence[bytes]) -> list[bytes]:
    """PATH."""
    if len(entries) == 1:
        return []
    k = split(len(entries))
    if m < k:
        return [*rfc_path(m, entries[:k]), rfc_head(entries[k:])]
    return [*rfc_path(m - k, entries[k:]), rfc_head(entries[:k])]


def rfc_proof(m: int, entries: Sequence[bytes], whole: bool = True) -> list[bytes]:
    """PROOF, as SUBPROOF."""
    if m == len(entries):
        return [] if whole else [rfc_head(entries)]
    k = split(len(entries))
    if m <= k:
        return [*rfc_proof(m, entries[:k], whole), rfc_head(entries[k:])]
    return [*rfc_proof(m - k, entries[k:], False), rfc_head(entries[:k])]


ENTRIES = [f"receipt {number}".encode() for number in range(MOST)]
LEAVES = [leaf_hash(entry) for entry in ENTRIES]
TREE = Tree(LEAVES)
HEADS = [root(TREE.node, size) for size in range(MOST + 1)]


def test_the_empty_tree_has_the_hash_of_nothing() -> None:
    assert Tree().root() == EMPTY_ROOT
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_small_trees_are_those_of_the_definition() -> None:
    a, b, c = (sha256(b"\x00" + x) for x in (b"a", b"b", b"c"))
    assert Tree([a]).root() == a
    assert Tree([a, b]).root() == sha256(b"\x01" + a + b)
    assert Tree([a, b, c]).root() == sha256(b"\x01" + sha256(b"\x01" + a + b) + c)


def test_the_published_head_of_the_eight_leaves_that_log_software_is_tested_with() -> None:
    """The inputs and head that Certificate Transparency implementations share as a test vector."""
    inputs = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657"]
    inputs.append("606162636465666768696a6b6c6d6e6f")
    tree = Tree(leaf_hash(bytes.fromhex(text)) for text in inputs)
    assert tree.root().hex() == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"


def test_a_leaf_is_never_an_inner_node() -> None:
    assert leaf_hash(LEAVES[0] + LEAVES[1]) != node_hash(LEAVES[0], LEAVES[1])


def test_heads_of_every_size_are_those_of_the_definition() -> None:
    assert [rfc_head(ENTRIES[:size]) for size in range(MOST + 1)] == HEADS


def test_every_inclusion_proof_is_that_of_the_definition_and_verifies() -> None:
    for size in range(1, MOST + 1):
        for index in range(size):
            proof = inclusion_proof(TREE.node, index, size)
            assert list(proof) == rfc_path(index, ENTRIES[:size])
            assert verify_inclusion(LEAVES[index], index, size, proof, HEADS[size])


def test_every_consistency_proof_is_that_of_the_definition_and_verifies() -> None:
    for new in range(1, MOST + 1):
        for old in range(1, new + 1):
            proof = consistency_proof(TREE.node, old, new)
            assert list(proof) == rfc_proof(old, ENTRIES[:new])
            assert verify_consistency(old, new, HEADS[old], HEADS[new], proof)


def test_everything_continues_the_empty_tree_and_itself() -> None:
    assert consistency_proof(TREE.node, 0, 9) == ()
    assert verify_consistency(0, 9, EMPTY_ROOT, HEADS[9], ())
    assert not verify_consistency(0, 9, HEADS[1], HEADS[9], ())
    assert not verify_consistency(0, 9, EMPTY_ROOT, HEADS[9], (HEADS[1],))
    assert verify_consistency(9, 9, HEADS[9], HEADS[9], ())
    assert not verify_consistency(9, 9, HEADS[9], HEADS[9], (HEADS[9],))
    assert not verify_consistency(9, 9, HEADS[9], HEADS[8], ())


def test_an_inclusion_proof_fits_no_other_leaf_place_or_head() -> None:
    for size in range(1, 40):
        for index in range(size):
            proof = inclusion_proof(TREE.node, index, size)
            places = [p for p in range(size) if verify_inclusion(LEAVES[index], p, size, proof, HEADS[size])]
            assert places == [index]
            assert not verify_inclusion(LEAVES[index + 1], index, size, proof, HEADS[size])
            assert not verify_inclusion(LEAVES[index], index, size, proof, HEADS[size + 1])
            assert not verify_inclusion(LEAVES[index], index, size, (*proof, LEAVES[0]), HEADS[size])
            assert not proof or not verify_inclusion(LEAVES[index], index, size, proof[:-1], HEADS[size])


def test_a_consistency_proof_fits_no_other_heads() -> None:
    for new in range(2, 40):
        for old in range(1, new):
            proof = consistency_proof(TREE.node, old, new)
            assert not verify_consistency(old, new, HEADS[old - 1], HEADS[new], proof)
            assert not verify_consistency(old, new, HEADS[old], HEADS[new + 1], proof)
            assert not verify_consistency(old, new, HEADS[old], HEADS[new], (*proof, HEADS[old]))
            assert not verify_consistency(old, new, HEADS[old], HEADS[new], proof[:-1])


def test_a_rewritten_history_is_not_consistent() -> None:
    forged = Tree([*LEAVES[:3], leaf_hash(b"forged"), *LEAVES[4:20]])
    for old in range(4, 20):
        proof = forged.consistency_proof(old)
        assert not verify_consistency(old, 20, HEADS[old], forged.root(), proof)


@pytest.mark.parametrize(("index", "size"), [(-1, 3), (3, 3), (0, 0)])
def test_no_proof_of_what_is_not_there(index: int, size: int) -> None:
    with pytest.raises(ValueError, match="no leaf"):
        inclusion_proof(TREE.node, index, size)
    assert not verify_inclusion(LEAVES[0], index, size, (), LEAVES[0])


def test_no_proof_that_a_tree_shrank() -> None:
    with pytest.raises(ValueError, match="does not continue"):
        consistency_proof(TREE.node, 4, 3)
    assert not verify_consistency(4, 3, HEADS[4], HEADS[3], ())


def test_hashes_of_another_length_prove_nothing() -> None:
    assert not verify_inclusion(LEAVES[0][:-1], 0, 1, (), LEAVES[0][:-1])
    assert not verify_consistency(1, 1, b"", b"", ())


def test_a_proof_over_many_leaves_asks_for_few_nodes() -> None:
    size = 100_003
    tree = Tree(leaf_hash(number.to_bytes(4)) for number in range(size))
    asked = []

    def counting(level: int, index: int) -> bytes:
        asked.append(level)
        return tree.node(level, index)

    proof = inclusion_proof(counting, 77_777, size)
    assert verify_inclusion(tree.node(0, 77_777), 77_777, size, proof, tree.root())
    assert len(asked) <= 2 * size.bit_length()
    asked.clear()
    consistency_proof(counting, 65_537, size)
    assert len(asked) <= 2 * size.bit_length()


def test_nodes_kept_elsewhere_make_the_same_tree() -> None:
    """What a table does: batches are appended, only complete nodes are kept, none is written twice."""
    kept: dict[tuple[int, int], bytes] = {}
    size = 0
    for batch in (1, 2, 7, 30, 64, 26):
        for level, index, value in new_nodes(size, LEAVES[size : size + batch], lambda lv, ix: kept[lv, ix]):
            assert (level, index) not in kept
            kept[level, index] = value
        size += batch
        assert root(lambda level, index: kept[level, index], size) == HEADS[size]
    assert len(kept) == sum(size >> level for level in range(size.bit_length()))


@settings(deadline=None, max_examples=30)
@given(st.integers(131, 3000), st.data())
def test_larger_trees(size: int, data: st.DataObject) -> None:
    tree = Tree(leaf_hash(number.to_bytes(4)) for number in range(size))
    index = data.draw(st.integers(0, size - 1))
    old = data.draw(st.integers(1, size))
    assert verify_inclusion(tree.node(0, index), index, size, tree.inclusion_proof(index), tree.root())
    head = root(tree.node, old)
    proof = tree.consistency_proof(old)
    assert verify_consistency(old, size, head, tree.root(), proof)
    for place in range(len(proof)):
        changed = [bytes(32) if n == place else value for n, value in enumerate(proof)]
        assert not verify_consistency(old, size, head, tree.root(), changed)


def test_heads_differ() -> None:
    assert all(a != b for a, b in pairwise(HEADS))
