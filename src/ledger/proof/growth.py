"""A tree that grew by some leaves, in memory: its new frontier, and the path of each new leaf, without reading a tile.

A path of a new leaf needs nothing of the old leaves but their frontier: a subtree on its left that is wholly old is one of the
frontier's own, and any other can be made from that and the new leaves.  RFC 6962 section 2.1.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ledger.errors import BadInput
from ledger.proof.merkle import Frontier, node_hash

__all__ = ["Growth"]


class Growth:
    """The tree of ``old`` and ``leaves`` after it.  ``BadInput`` ``bad-frontier`` as ``Frontier.extend``."""

    def __init__(self, old: Frontier, leaves: Sequence[bytes]) -> None:
        self.frontier: Final = old.extend(leaves)
        self._first: Final = old.size
        self._levels: Final = _levels(old, leaves)

    def path(self, index: int) -> list[bytes]:
        """The inclusion path of a new leaf, its sibling first.  Raises ``BadInput`` ``bad-tree-size`` for any other."""
        size = self.frontier.size
        if not self._first <= index < size:
            raise BadInput("bad-tree-size", "not one of the new leaves", index=index, size=size)
        path: list[bytes] = []
        level = 0
        while size - 1 >> level:
            sibling = index >> level ^ 1
            if sibling << level < size:
                path.append(self._subtree(level, sibling))
            level += 1
        return path

    def _subtree(self, level: int, number: int) -> bytes:
        """The root over the leaves from ``number << level`` on: a perfect subtree, or what there is of the last one."""
        start, nodes = self._levels[level]
        if number - start < len(nodes):
            return nodes[number - start]
        # What has no perfect subtree at this level is the tree's right end: the frontier's hashes of the lower levels.
        below = self.frontier.size & ((1 << level) - 1)
        hashes = self.frontier.hashes[-below.bit_count() :]
        root = hashes[-1]
        for left in reversed(hashes[:-1]):
            root = node_hash(left, root)
        return root


def _levels(old: Frontier, leaves: Sequence[bytes]) -> list[tuple[int, list[bytes]]]:
    """Per level the number of the first perfect subtree that is known there, and all from there on."""
    hashes, nodes, start = list(old.hashes), list(leaves), old.size
    levels: list[tuple[int, list[bytes]]] = []
    for level in range((old.size + len(leaves)).bit_length() + 1):
        if old.size >> level & 1:
            start, nodes = start - 1, [hashes.pop(), *nodes]
        levels.append((start, nodes))
        start, nodes = start // 2, [node_hash(nodes[at], nodes[at + 1]) for at in range(0, len(nodes) - 1, 2)]
    return levels
