"""The Merkle tree of RFC 6962: roots, inclusion proofs and consistency proofs, made and checked.

Everywhere in this module a *leaf* is a leaf hash (32 bytes, from ``leaf_hash``), never an entry's bytes.

- Who appends holds a ``Frontier``: the few hashes from which the tree grows.
- Who proves reads tiles, through a function that the caller gives, and asks only for tiles that a tree of that size has.
- Who checks reads nothing.  Every failed check is the one error ``proof-invalid``: what a proof is wrong in is of no use to
  honest people.  Lengths are exact, so no proof has two spellings.

The makers follow the definitions of RFC 6962 section 2.1 from the top down; the checkers follow RFC 9162 sections 2.1.3.2 and
2.1.4.2 from the bottom up.  Neither calls the other, so the tests of one are tests of the other.

Left to others: where hashes are stored (ledger.store), which bytes are an entry (ledger.tally), whether a root is anybody's
word (note.py, checkpoint.py).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from ledger.errors import BadInput, NotVerified

__all__ = [
    "EMPTY_ROOT",
    "HASH_BYTES",
    "PATH_LIMIT_HASHES",
    "TREE_LIMIT_LEAVES",
    "Frontier",
    "Tiles",
    "check_consistency",
    "check_inclusion",
    "leaf_hash",
    "node_hash",
    "prove_consistency",
    "prove_inclusion",
    "root_at",
    "subtree_root",
]

HASH_BYTES = 32
TREE_LIMIT_LEAVES = 2**53 - 1
"""Larger sizes are refused everywhere: a browser's numbers end here."""
PATH_LIMIT_HASHES = 63

_TILE_LEVELS = 8
_TILE_WIDTH = 1 << _TILE_LEVELS

EMPTY_ROOT: bytes = hashlib.sha256(b"").digest()

Tiles = Callable[[int, int, int], bytes]
"""``(level, number, width)`` to the first ``width`` hashes of that tile, joined; ``width`` is 256 for a full tile."""


def leaf_hash(data: bytes) -> bytes:
    """The leaf of an entry: SHA-256 of a zero byte and the entry's bytes."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The node over two hashes of 32 bytes: SHA-256 of a one byte, left, right."""
    return hashlib.sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True, slots=True)
class Frontier:
    """The roots of the perfect subtrees that cover leaves [0, ``size``), largest first: enough to append and to give the root.

    There is one hash for each one bit of ``size``.  Raises ``BadInput`` ``bad-frontier`` for hashes that do not fit the size;
    that they are the right hashes, only a check of ``root()`` against a known root can say.
    """

    size: int
    hashes: tuple[bytes, ...]
    EMPTY: ClassVar[Frontier]

    def __post_init__(self) -> None:
        if not 0 <= self.size <= TREE_LIMIT_LEAVES:
            raise BadInput("bad-frontier", "size out of range", size=self.size)
        if len(self.hashes) != self.size.bit_count() or not _are_hashes(self.hashes):
            raise BadInput("bad-frontier", "the hashes do not fit the size", size=self.size)

    @classmethod
    def from_bytes(cls, size: int, data: bytes) -> Frontier:
        """The frontier whose ``to_bytes`` is ``data``; ``BadInput`` ``bad-frontier`` if the length does not fit the size."""
        if len(data) > HASH_BYTES * TREE_LIMIT_LEAVES.bit_length():
            raise BadInput("bad-frontier", "longer than any frontier", bytes=len(data))
        return cls(size, tuple(data[start : start + HASH_BYTES] for start in range(0, len(data), HASH_BYTES)))

    def to_bytes(self) -> bytes:
        """The hashes joined: 32 bytes for each one bit of the size."""
        return b"".join(self.hashes)

    def append(self, leaf: bytes) -> Frontier:
        """The frontier after one more leaf; errors as ``extend``."""
        return self.extend((leaf,))

    def extend(self, leaves: Sequence[bytes]) -> Frontier:
        """The frontier after ``leaves``, in order; one node hash for each leaf.  ``BadInput`` ``bad-frontier`` as the class."""
        if not _are_hashes(leaves):
            raise BadInput("bad-frontier", "a leaf is not a hash of 32 bytes", size=self.size)
        # Level by level: the old subtree of this level, if there is one, goes before the new nodes; what then has no partner is
        # a subtree of the new frontier, and the pairs are the new nodes of the level above.
        old, kept, nodes, level = list(self.hashes), list[bytes](), list(leaves), 0
        while nodes:
            if self.size >> level & 1:
                nodes = [old.pop(), *nodes]
            if len(nodes) & 1:
                kept.append(nodes.pop())
            nodes, level = _pair(nodes), level + 1
        return Frontier(self.size + len(leaves), (*old, *reversed(kept)))

    def root(self) -> bytes:
        """The root of the tree of ``size`` leaves."""
        return _fold(self.hashes) if self.hashes else EMPTY_ROOT


def subtree_root(hashes: Sequence[bytes]) -> bytes:
    """The root over 1, 2, 4, ... hashes of one level, such as a full tile; ``BadInput`` ``bad-tile`` for any other count."""
    if len(hashes).bit_count() != 1 or not _are_hashes(hashes):
        raise BadInput("bad-tile", "not a perfect subtree", hashes=len(hashes))
    nodes = list(hashes)
    while len(nodes) > 1:
        nodes = _pair(nodes)
    return nodes[0]


def root_at(size: int, tiles: Tiles) -> bytes:
    """The root of the tree of ``size`` leaves.  Errors as ``prove_inclusion``."""
    if not 0 <= size <= TREE_LIMIT_LEAVES:
        raise BadInput("bad-tree-size", "size out of range", size=size)
    return _Subtrees(size, tiles).root(0, size) if size else EMPTY_ROOT


def prove_inclusion(index: int, size: int, tiles: Tiles) -> list[bytes]:
    """The path that shows leaf ``index`` in the tree of ``size`` leaves, the leaf's sibling first (RFC 6962 section 2.1.1).

    Raises ``BadInput`` ``bad-tree-size`` unless 0 <= index < size <= TREE_LIMIT_LEAVES, and ``bad-tile`` for a tile of another
    length than was asked for.
    """
    if not 0 <= index < size <= TREE_LIMIT_LEAVES:
        raise BadInput("bad-tree-size", "no such leaf in a tree of this size", index=index, size=size)
    subtrees, path = _Subtrees(size, tiles), list[bytes]()
    low, high = 0, size
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            path.append(subtrees.root(middle, high))
            high = middle
        else:
            path.append(subtrees.root(low, middle))
            low = middle
    return path[::-1]


def prove_consistency(old: int, new: int, tiles: Tiles) -> list[bytes]:
    """The path that shows the tree of ``old`` leaves to be a prefix of that of ``new`` leaves (RFC 6962 section 2.1.2).

    Empty for equal sizes, and for ``old`` = 0, where there is nothing to show.  Raises ``BadInput`` ``bad-tree-size`` unless
    0 <= old <= new <= TREE_LIMIT_LEAVES, and ``bad-tile`` as ``prove_inclusion``.
    """
    if not 0 <= old <= new <= TREE_LIMIT_LEAVES:
        raise BadInput("bad-tree-size", "no such prefix of a tree of this size", old=old, new=new)
    if old == 0:
        return []
    subtrees, path = _Subtrees(new, tiles), list[bytes]()
    low, high = 0, new
    while old != high:
        middle = low + _split(high - low)
        if old <= middle:
            path.append(subtrees.root(middle, high))
            high = middle
        else:
            path.append(subtrees.root(low, middle))
            low = middle
    # The checker holds the old root itself; it lacks the last subtree of the old tree only when that is not the old tree.
    if low > 0:
        path.append(subtrees.root(low, high))
    return path[::-1]


def check_inclusion(*, index: int, size: int, leaf: bytes, path: Sequence[bytes], root: bytes) -> bytes:
    """``root``, now known to have ``leaf`` at ``index`` among ``size`` leaves (RFC 9162 section 2.1.3.2).

    Raises ``NotVerified`` ``proof-invalid`` for anything else: index, leaf, path length, a hash, the root.
    """
    if not 0 <= index < size <= TREE_LIMIT_LEAVES:
        raise _invalid("no such leaf in a tree of this size", index=index, size=size)
    _check_shape(path, leaf, root)
    node, last = index, size - 1
    result = leaf
    for sibling in path:
        if last == 0:
            raise _invalid("the path is too long", index=index, size=size)
        if node & 1 or node == last:
            result = node_hash(sibling, result)
            # The last node of a level may have had no partner for some levels: up to where it is a right child.
            while node and not node & 1:
                node, last = node >> 1, last >> 1
        else:
            result = node_hash(result, sibling)
        node, last = node >> 1, last >> 1
    if last != 0:
        raise _invalid("the path is too short", index=index, size=size)
    if result != root:
        raise _invalid("the path leads to another root", index=index, size=size)
    return root


def check_consistency(*, old: int, new: int, old_root: bytes, new_root: bytes, path: Sequence[bytes]) -> bytes:
    """``new_root``, now known to extend ``old_root``: the first ``old`` of the ``new`` leaves are the same (RFC 9162 2.1.4.2).

    From ``old`` = 0 the path is empty and ``old_root`` the empty tree's root; it shows nothing, as there was nothing.
    Raises ``NotVerified`` ``proof-invalid`` for anything else: sizes, path length, a hash, either root.
    """
    if not 0 <= old <= new <= TREE_LIMIT_LEAVES:
        raise _invalid("no such prefix of a tree of this size", old=old, new=new)
    _check_shape(path, old_root, new_root)
    if old == 0 and old_root != EMPTY_ROOT:
        raise _invalid("not the root of the empty tree", old=old, new=new)
    if old == new and old_root != new_root:
        raise _invalid("one size with two roots", old=old, new=new)
    if bool(path) != (0 < old < new):
        raise _invalid("the path is too long" if path else "the path is too short", old=old, new=new)
    if not path:
        return new_root
    node, last = old - 1, new - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    # A perfect old tree is a subtree of the new one, and its root is the checker's own.
    start, *rest = path if node else [old_root, *path]
    old_result = new_result = start
    for sibling in rest:
        if last == 0:
            raise _invalid("the path is too long", old=old, new=new)
        if node & 1 or node == last:
            old_result, new_result = node_hash(sibling, old_result), node_hash(sibling, new_result)
            while node and not node & 1:
                node, last = node >> 1, last >> 1
        else:
            new_result = node_hash(new_result, sibling)
        node, last = node >> 1, last >> 1
    if last != 0:
        raise _invalid("the path is too short", old=old, new=new)
    if old_result != old_root or new_result != new_root:
        raise _invalid("the path leads to another root", old=old, new=new)
    return new_root


class _Subtrees:
    """Roots of ranges of leaves in a tree of one size, read from its tiles; each tile is asked for once."""

    def __init__(self, size: int, tiles: Tiles) -> None:
        self._size = size
        self._tiles = tiles
        self._read: dict[tuple[int, int], bytes] = {}

    def root(self, low: int, high: int) -> bytes:
        """The root of leaves [low, high), a node of the tree: ``low`` is a multiple of the largest power of two in the range."""
        roots = list[bytes]()
        while low < high:
            level = (high - low).bit_length() - 1
            roots.append(self._perfect(level, low >> level))
            low += 1 << level
        return _fold(roots)

    def _perfect(self, level: int, number: int) -> bytes:
        """The root of leaves [number * 2^level, (number + 1) * 2^level), from the one tile that holds it or its children."""
        tile_level, height = divmod(level, _TILE_LEVELS)
        tile_number, first = divmod(number << height, _TILE_WIDTH)
        tile = self._tile(tile_level, tile_number)
        return subtree_root([tile[at * HASH_BYTES : (at + 1) * HASH_BYTES] for at in range(first, first + (1 << height))])

    def _tile(self, level: int, number: int) -> bytes:
        if (level, number) not in self._read:
            width = min(_TILE_WIDTH, (self._size >> _TILE_LEVELS * level) - number * _TILE_WIDTH)
            tile = self._tiles(level, number, width)
            if len(tile) != width * HASH_BYTES:
                raise BadInput("bad-tile", "another length than its width says", level=level, number=number, width=width)
            self._read[level, number] = tile
        return self._read[level, number]


def _split(count: int) -> int:
    """The largest power of two strictly below ``count`` > 1: where RFC 6962 splits that many leaves."""
    return 1 << (count - 1).bit_length() - 1


def _fold(roots: Sequence[bytes]) -> bytes:
    """The root over adjoining perfect subtrees, largest first; at least one."""
    result = roots[-1]
    for left in reversed(roots[:-1]):
        result = node_hash(left, result)
    return result


def _pair(nodes: list[bytes]) -> list[bytes]:
    """The level above an even number of nodes; ``node_hash`` written out, since all the appender's time goes here."""
    sha256, each = hashlib.sha256, iter(nodes)
    return [sha256(b"\x01" + left + right).digest() for left, right in zip(each, each, strict=True)]


def _are_hashes(values: Iterable[bytes]) -> bool:
    return {HASH_BYTES}.issuperset(map(len, values))


def _check_shape(path: Sequence[bytes], *hashes: bytes) -> None:
    """Raises unless the path is within its limit and it and the hashes are hashes."""
    if len(path) > PATH_LIMIT_HASHES:
        raise _invalid("the path is too long", hashes=len(path))
    if not _are_hashes([*path, *hashes]):
        raise _invalid("a hash is not 32 bytes long")


def _invalid(detail: str, **where: object) -> NotVerified:
    return NotVerified("proof-invalid", detail, **where)


Frontier.EMPTY = Frontier(0, ())
