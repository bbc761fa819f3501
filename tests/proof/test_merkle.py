"""The Merkle tree against the definitions of RFC 6962, all small trees exhaustively, and the sizes at which levels begin."""

from __future__ import annotations

import random

import pytest

from ledger.errors import BadInput, NotVerified
from ledger.proof.merkle import (
    EMPTY_ROOT,
    HASH_BYTES,
    TREE_LIMIT_LEAVES,
    Frontier,
    check_consistency,
    check_inclusion,
    leaf_hash,
    node_hash,
    prove_consistency,
    prove_inclusion,
    root_at,
    subtree_root,
)

from .models import EvenTree, TileStore, consistency_path, inclusion_path, leaves, raising, spoiled, tile_store, tree_root

# The inputs and roots that Certificate Transparency's tests have used since 2013.
CT_INPUTS = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
CT_ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
EDGES = [1, 2, 127, 128, 129, 255, 256, 257, 511, 512, 513, 65_535, 65_536, 65_537]


# The roots that all implementations share.
def test_known_roots() -> None:
    hashes = [leaf_hash(bytes.fromhex(text)) for text in CT_INPUTS]
    assert [Frontier.EMPTY.extend(hashes[:size]).root().hex() for size in range(9)] == CT_ROOTS
    assert CT_ROOTS[0] == EMPTY_ROOT.hex()


# A leaf can never be passed off as a node, since they are hashed under different first bytes.
def test_leaf_and_node_are_separated() -> None:
    left, right = leaves(2)
    assert leaf_hash(left + right) != node_hash(left, right)


# Growing leaf by leaf, all at once or in two steps gives the definition's root, for every small size.
def test_frontier_is_the_definition() -> None:
    every, grown = leaves(130), Frontier.EMPTY
    for size in range(131):
        assert (
            grown
            == Frontier.EMPTY.extend(every[:size])
            == Frontier.EMPTY.extend(every[: size // 3]).extend(every[size // 3 : size])
        )
        assert (grown.size, grown.root()) == (size, tree_root(every[:size]))
        assert Frontier.from_bytes(size, grown.to_bytes()) == grown
        if size < 130:
            grown = grown.append(every[size])


# The provers' root and the frontier's are one, on both sides of every level's first tile.
@pytest.mark.parametrize("size", EDGES)
def test_root_at_is_the_frontiers_root(size: int) -> None:
    root = Frontier.EMPTY.extend(leaves(size)).root()
    assert root == root_at(size, tile_store(size).fresh()) == tree_root(leaves(size))


# The empty tree has a root, and needs no tile for it.
def test_root_of_nothing_asks_for_no_tile() -> None:
    assert root_at(0, TileStore([])) == EMPTY_ROOT == Frontier.EMPTY.root()


# A frontier that does not fit its size is refused wherever it comes from.
@pytest.mark.parametrize(
    ("size", "data"),
    [
        (0, bytes(32)),
        (1, b""),
        (1, bytes(31)),
        (1, bytes(33)),
        (1, bytes(64)),
        (3, bytes(32)),
        (4, bytes(64)),
        (-1, b""),
        (2**53, bytes(32)),
        (1, bytes(32 * 54)),
    ],
)
def test_frontier_refuses_other_lengths(size: int, data: bytes) -> None:
    with raising(BadInput, "bad-frontier"):
        Frontier.from_bytes(size, data)


# A leaf that is not a hash never enters a frontier, nor a leaf too many.
def test_frontier_refuses_bad_leaves() -> None:
    with raising(BadInput, "bad-frontier"):
        Frontier.EMPTY.extend([bytes(32), bytes(31)])
    full = Frontier(TREE_LIMIT_LEAVES, (bytes(32),) * 53)
    with raising(BadInput, "bad-frontier"):
        full.append(bytes(32))


# A full tile's root is the definition's; a list that is no perfect subtree has none.
def test_subtree_root() -> None:
    assert [subtree_root(leaves(count)) for count in (1, 2, 4, 256)] == [tree_root(leaves(count)) for count in (1, 2, 4, 256)]
    for bad in ([], leaves(3), leaves(255), [bytes(32), bytes(33)]):
        with raising(BadInput, "bad-tile"):
            subtree_root(bad)


# Every inclusion proof of every small tree is the definition's, is good, and with any one hash changed is not.
def test_inclusion_exhaustively() -> None:
    for size in range(1, 65):
        every = leaves(size)
        root, store = tree_root(every), TileStore(every)
        for index, leaf in enumerate(every):
            path = prove_inclusion(index, size, store.fresh())
            assert path == inclusion_path(index, every)
            assert check_inclusion(index=index, size=size, leaf=leaf, path=path, root=root) == root
            for bad in spoiled(path):
                with raising(NotVerified, "proof-invalid"):
                    check_inclusion(index=index, size=size, leaf=leaf, path=bad, root=root)


# A good path is good for its own leaf, index and root only.
def test_inclusion_of_something_else_is_refused() -> None:
    for size in range(1, 33):
        every = leaves(size)
        root, store = tree_root(every), TileStore(every)
        for index, leaf in enumerate(every):
            path = prove_inclusion(index, size, store.fresh())
            claims = [(other, leaf, root) for other in range(-1, size + 1) if other != index]
            claims += [(index, bytes(32), root), (index, leaf, bytes(32)), (index, leaf[1:], root), (index, leaf, root[1:])]
            for other, claimed_leaf, claimed_root in claims:
                with raising(NotVerified, "proof-invalid"):
                    check_inclusion(index=other, size=size, leaf=claimed_leaf, path=path, root=claimed_root)


# Every consistency proof of every small pair is the definition's, is good, and with any one hash or root changed is not.
def test_consistency_exhaustively() -> None:
    every = leaves(64)
    roots = [tree_root(every[:size]) for size in range(65)]
    for new in range(1, 65):
        store = TileStore(every[:new])
        for old in range(1, new + 1):
            path = prove_consistency(old, new, store.fresh())
            assert path == consistency_path(old, every[:new])
            assert check_consistency(old=old, new=new, old_root=roots[old], new_root=roots[new], path=path) == roots[new]
            claims = [(roots[old], roots[new], bad) for bad in spoiled(path)]
            claims += [(bytes(32), roots[new], path), (roots[old], bytes(32), path), (roots[old][1:], roots[new], path)]
            claims += (
                []
                if old == new
                else [(roots[new], roots[old], path), (roots[new], roots[new], path), (roots[old], roots[old], path)]
            )
            for old_root, new_root, bad in claims:
                with raising(NotVerified, "proof-invalid"):
                    check_consistency(old=old, new=new, old_root=old_root, new_root=new_root, path=bad)


# From the empty tree there is nothing to prove: the path is empty, and the old root is known.
def test_consistency_from_nothing() -> None:
    (root,) = leaves(1)
    assert prove_consistency(0, 1, TileStore([root])) == []
    assert check_consistency(old=0, new=1, old_root=EMPTY_ROOT, new_root=root, path=[]) == root
    assert check_consistency(old=0, new=0, old_root=EMPTY_ROOT, new_root=EMPTY_ROOT, path=[]) == EMPTY_ROOT
    for new, old_root, new_root, path in [
        (1, root, root, []),
        (1, EMPTY_ROOT, root, [root]),
        (0, EMPTY_ROOT, root, []),
        (0, root, EMPTY_ROOT, []),
        (0, root, root, []),
        (0, EMPTY_ROOT, EMPTY_ROOT, [EMPTY_ROOT]),
    ]:
        with raising(NotVerified, "proof-invalid"):
            check_consistency(old=0, new=new, old_root=old_root, new_root=new_root, path=path)


# Sizes that cannot be are refused by maker and checker alike, and an endless path before it is walked.
def test_sizes_out_of_range() -> None:
    (root,), store = leaves(1), tile_store(1).fresh()
    for index, size in [(0, 0), (1, 1), (-1, 1), (0, -1), (0, 2**53)]:
        with raising(NotVerified, "proof-invalid"):
            check_inclusion(index=index, size=size, leaf=root, path=[], root=root)
        with raising(BadInput, "bad-tree-size"):
            prove_inclusion(index, size, store)
    for old, new in [(2, 1), (1, 0), (-1, 1), (1, 2**53)]:
        with raising(NotVerified, "proof-invalid"):
            check_consistency(old=old, new=new, old_root=root, new_root=root, path=[])
        with raising(BadInput, "bad-tree-size"):
            prove_consistency(old, new, store)
    for size in (-1, 2**53):
        with raising(BadInput, "bad-tree-size"):
            root_at(size, store)
    with raising(NotVerified, "proof-invalid"):
        check_inclusion(index=0, size=2**53 - 1, leaf=root, path=[root] * 64, root=root)


# Trees of several levels: only tiles that exist are asked for, in their width, once; and what comes out is good.
@pytest.mark.parametrize("size", [*EDGES, 70_000])
def test_proofs_from_tiles(size: int) -> None:
    every, store, chance = leaves(size), tile_store(size), random.Random(size)
    root = root_at(size, store.fresh())
    near_edges = [edge + step for edge in (1, 256, 65_536, size) for step in (-1, 0, 1)]
    for index in {at for at in near_edges if 0 <= at < size} | {chance.randrange(size) for _ in range(20)}:
        path = prove_inclusion(index, size, store.fresh())
        assert check_inclusion(index=index, size=size, leaf=every[index], path=path, root=root) == root
    for old in {at for at in near_edges if 0 < at <= size} | {chance.randint(1, size) for _ in range(5)}:
        path = prove_consistency(old, size, store.fresh())
        old_root = Frontier.EMPTY.extend(every[:old]).root()
        assert check_consistency(old=old, new=size, old_root=old_root, new_root=root, path=path) == root


# Sizes up to the limit, where no leaf list would fit into memory.
def test_proofs_of_huge_trees() -> None:
    chance = random.Random(6962)
    for size in [
        2**40,
        2**40 + 1,
        2**52,
        TREE_LIMIT_LEAVES,
        *(chance.randrange(1, 2 ** chance.randrange(20, 53)) for _ in range(60)),
    ]:
        tree = EvenTree(size)
        root = root_at(size, tree)
        assert root == tree.root(size)
        index, old = chance.randrange(size), chance.randint(1, size)
        path = prove_inclusion(index, size, tree)
        assert check_inclusion(index=index, size=size, leaf=tree.heights[0], path=path, root=root) == root
        path = prove_consistency(old, size, tree)
        assert check_consistency(old=old, new=size, old_root=tree.root(old), new_root=root, path=path) == root


# A store that gives another length than asked for is named, not believed.
def test_tile_of_another_length_is_refused() -> None:
    for wrong in (-1, 1, HASH_BYTES, -HASH_BYTES):
        with raising(BadInput, "bad-tile"):
            root_at(5, lambda level, number, width, wrong=wrong: bytes(width * HASH_BYTES + wrong))  # type: ignore[misc]
