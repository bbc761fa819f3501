"""What the tests of this room hold the code against: the definitions of RFC 6962, word for word, and a strict reader of tiles."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ledger.errors import LedgerError


@contextmanager
def raising(error: type[LedgerError], code: str) -> Iterator[None]:
    """Passes only if the body raises exactly this branch of the error tree, with this code."""
    with pytest.raises(LedgerError) as caught:
        yield
    assert (type(caught.value), caught.value.code) == (error, code)


def private_key(seed: int) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)


def leaves(count: int) -> tuple[bytes, ...]:
    return tuple(hashlib.sha256(b"\0" + b"%d" % number).digest() for number in range(count))


def tree_root(of: Sequence[bytes]) -> bytes:
    """MTH, RFC 6962 section 2.1, over leaf hashes."""
    if len(of) < 2:
        return of[0] if of else hashlib.sha256(b"").digest()
    k = split(len(of))
    return hashlib.sha256(b"\x01" + tree_root(of[:k]) + tree_root(of[k:])).digest()


def inclusion_path(m: int, of: Sequence[bytes]) -> list[bytes]:
    """PATH, RFC 6962 section 2.1.1."""
    if len(of) == 1:
        return []
    k = split(len(of))
    if m < k:
        return [*inclusion_path(m, of[:k]), tree_root(of[k:])]
    return [*inclusion_path(m - k, of[k:]), tree_root(of[:k])]


def consistency_path(m: int, of: Sequence[bytes], whole: bool = True) -> list[bytes]:
    """PROOF and SUBPROOF, RFC 6962 section 2.1.2."""
    if m == len(of):
        return [] if whole else [tree_root(of)]
    k = split(len(of))
    if m <= k:
        return [*consistency_path(m, of[:k], whole), tree_root(of[k:])]
    return [*consistency_path(m - k, of[k:], False), tree_root(of[:k])]


def split(count: int) -> int:
    k = 1
    while k * 2 < count:
        k *= 2
    return k


class TileStore:
    """The tiles of one tree, which refuses to be asked for a tile or width that the tree does not have, or twice for one."""

    def __init__(self, of: Sequence[bytes]) -> None:
        self.levels = [list(of)]
        while len(self.levels[-1]) >= 256:
            below = self.levels[-1]
            self.levels.append([tree_root(below[at : at + 256]) for at in range(0, len(below) - 255, 256)])

    def __call__(self, level: int, number: int, width: int) -> bytes:
        tile = self.levels[level][number * 256 : (number + 1) * 256]
        assert (level, number) not in self.asked, "asked twice"
        assert 0 < width == len(tile), "a width that this size does not imply"
        self.asked.add((level, number))
        return b"".join(tile)

    def fresh(self) -> TileStore:
        self.asked: set[tuple[int, int]] = set()
        return self


@cache
def tile_store(count: int) -> TileStore:
    """The store of ``leaves(count)``; call ``fresh()`` before each use."""
    return TileStore(leaves(count))


class EvenTree:
    """A tree of any size whose leaves are all alike, so that a subtree's root depends on its height alone."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.heights = [leaves(1)[0]]
        for _ in range(64):
            self.heights.append(hashlib.sha256(b"\x01" + self.heights[-1] * 2).digest())

    def __call__(self, level: int, number: int, width: int) -> bytes:
        assert 0 < width == min(256, (self.size >> 8 * level) - 256 * number), "a width that this size does not imply"
        return self.heights[8 * level] * width

    def root(self, size: int) -> bytes:
        heights = [height for height in range(64) if size >> height & 1]
        root = self.heights[heights[0]]
        for height in heights[1:]:
            root = hashlib.sha256(b"\x01" + self.heights[height] + root).digest()
        return root


def spoiled(path: Sequence[bytes]) -> Iterator[list[bytes]]:
    """Every path that differs from ``path`` by one hash flipped, dropped, doubled, cut short, or by one more at either end."""
    for at, sibling in enumerate(path):
        before, after = list(path[:at]), list(path[at + 1 :])
        yield [*before, sibling[:-1] + bytes([sibling[-1] ^ 1]), *after]
        yield [*before, *after]
        yield [*before, sibling, sibling, *after]
        yield [*before, sibling[:-1], *after]
    yield [*path, bytes(32)]
    yield [bytes(32), *path]
