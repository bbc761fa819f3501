"""Tiles and entry bundles: the immutable files from which anyone can serve, prove and verify a log.

    tile/0/x001/x234/067          hashes 1234067 * 256 ... of level 0, all 256 of them
    tile/1/001.p/17               the first 17 hashes of tile 1 of level 1
    tile/entries/000.p/5          the first 5 entries, each after its length

Level L holds the roots of 256^L leaves each; only full subtrees count, so a partial tile never feeds the level above.

Left to others: the hashes in a tile (merkle.py), writing and serving files (ledger.log, ledger.web).  Spec: C2SP tlog-tiles.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from ledger.errors import BadInput
from ledger.proof.merkle import HASH_BYTES, TREE_LIMIT_LEAVES, Tiles

__all__ = [
    "ENTRY_LIMIT_BYTES",
    "TILE_LIMIT_LEVEL",
    "TILE_WIDTH",
    "TilePath",
    "decode_bundle",
    "encode_bundle",
    "entries_path",
    "entry_layout",
    "new_tiles",
    "parse_path",
    "published_tiles",
    "tile_layout",
    "tile_path",
]

TILE_WIDTH = 256
TILE_LIMIT_LEVEL = 63
ENTRY_LIMIT_BYTES = 65_535

_NUMBER_LIMIT = TREE_LIMIT_LEAVES // TILE_WIDTH
_LEVELS = TREE_LIMIT_LEAVES.bit_length() // 8 + 1
_LENGTH_BYTES = 2
_PATH = re.compile(r"tile/(entries|[0-9]{1,2})/((?:x[0-9]{3}/){0,4}[0-9]{3})(?:\.p/([0-9]{1,3}))?")


@dataclass(frozen=True, slots=True)
class TilePath:
    """A tile, or an entry bundle if ``level`` is None; ``width`` is 256 when full, else 1..255.

    Raises ``BadInput`` ``bad-path`` for numbers that no tree of ours has.
    """

    level: int | None
    number: int
    width: int = TILE_WIDTH

    def __post_init__(self) -> None:
        level = 0 if self.level is None else self.level
        if not (0 <= level <= TILE_LIMIT_LEVEL and 0 <= self.number <= _NUMBER_LIMIT and 1 <= self.width <= TILE_WIDTH):
            raise BadInput("bad-path", "no such tile", level=self.level, number=self.number, width=self.width)

    @property
    def path(self) -> str:
        """The relative path: the number in groups of three digits, ``x`` before all but the last."""
        digits = str(self.number)
        digits = digits.zfill(-(-len(digits) // 3) * 3)
        *above, last = (digits[at : at + 3] for at in range(0, len(digits), 3))
        kind = "entries" if self.level is None else str(self.level)
        width = "" if self.width == TILE_WIDTH else f".p/{self.width}"
        return "/".join(["tile", kind, *(f"x{group}" for group in above), last]) + width


def tile_path(level: int, number: int, width: int = TILE_WIDTH) -> str:
    """The path of a tile of hashes; ``BadInput`` ``bad-path`` as ``TilePath``."""
    return TilePath(level, number, width).path


def entries_path(number: int, width: int = TILE_WIDTH) -> str:
    """The path of an entry bundle; ``BadInput`` ``bad-path`` as ``TilePath``."""
    return TilePath(None, number, width).path


def parse_path(path: str) -> TilePath | None:
    """The tile whose ``path`` is exactly ``path``, or None: most paths of a web server are no tile's."""
    match = _PATH.fullmatch(path)
    if match is None:
        return None
    kind, number, width = match.groups()
    try:
        tile = TilePath(
            level=None if kind == "entries" else int(kind),
            number=int(number.replace("x", "").replace("/", "")),
            width=TILE_WIDTH if width is None else int(width),
        )
    except BadInput:
        return None
    return tile if tile.path == path else None


def tile_layout(size: int) -> Iterator[TilePath]:
    """Every tile of hashes of a tree of ``size`` leaves, from the leaves up, from left to right; ``BadInput`` ``bad-tree-size``."""
    return _grown_tiles(0, _check_size(size))


def entry_layout(size: int) -> Iterator[TilePath]:
    """Every entry bundle of a tree of ``size`` leaves, from left to right; ``BadInput`` ``bad-tree-size``."""
    return _grown(None, 0, _check_size(size))


def new_tiles(old_size: int, new_size: int) -> Iterator[TilePath]:
    """What a publisher writes when a tree grows: bundles, then tiles, that the new tree has and the old one had not.

    A tile that only got wider is another path; it holds the narrower one's bytes, then more.  Raises ``BadInput``
    ``bad-tree-size`` unless 0 <= old_size <= new_size <= 2^53-1.
    """
    if old_size > new_size:
        raise BadInput("bad-tree-size", "a tree does not shrink", old=old_size, new=new_size)
    _check_size(old_size)
    _check_size(new_size)
    return _bundles_then_tiles(old_size, new_size)


def published_tiles(size: int, read: Callable[[str, int], bytes]) -> Tiles:
    """The tiles of a log published at ``size``; ``read(path, limit_bytes)`` gives a file.  A narrower tile, of an earlier size, is
    read from the one that is there now.  ``BadInput`` ``bad-tile`` for one of another length."""

    def tile(level: int, number: int, width: int) -> bytes:
        there = min(TILE_WIDTH, (size >> 8 * level) - number * TILE_WIDTH)
        data = read(tile_path(level, number, there), TILE_WIDTH * HASH_BYTES)
        if len(data) != there * HASH_BYTES:
            raise BadInput("bad-tile", "another length than its width says", level=level, number=number, width=there)
        return data[: width * HASH_BYTES]

    return tile


def encode_bundle(entries: Sequence[bytes]) -> bytes:
    """The bundle of 1..256 entries, each after its length in two bytes, big-endian; ``BadInput`` ``bad-bundle`` for others."""
    if not 1 <= len(entries) <= TILE_WIDTH:
        raise BadInput("bad-bundle", "not 1 to 256 entries", entries=len(entries))
    for entry in entries:
        if len(entry) > ENTRY_LIMIT_BYTES:
            raise BadInput("bad-bundle", "an entry is too long", bytes=len(entry), limit=ENTRY_LIMIT_BYTES)
    return b"".join(len(entry).to_bytes(_LENGTH_BYTES, "big") + entry for entry in entries)


def decode_bundle(data: bytes, count: int) -> list[bytes]:
    """The ``count`` (1..256) entries that ``data`` holds, and nothing after them; else ``BadInput`` ``bad-bundle``."""
    if not 1 <= count <= TILE_WIDTH:
        raise BadInput("bad-bundle", "not 1 to 256 entries", entries=count)
    entries = list[bytes]()
    at = 0
    for _ in range(count):
        start = at + _LENGTH_BYTES
        at = start + int.from_bytes(data[at:start], "big")
        if start > len(data) or at > len(data):
            raise BadInput("bad-bundle", "ends within an entry", expected=count, complete=len(entries))
        entries.append(data[start:at])
    if at != len(data):
        raise BadInput("bad-bundle", "bytes after the last entry", expected=count, bytes=len(data) - at)
    return entries


def _bundles_then_tiles(old_size: int, new_size: int) -> Iterator[TilePath]:
    yield from _grown(None, old_size, new_size)
    yield from _grown_tiles(old_size, new_size)


def _grown_tiles(old_size: int, new_size: int) -> Iterator[TilePath]:
    for level in range(_LEVELS):
        yield from _grown(level, old_size, new_size)
        old_size, new_size = old_size // TILE_WIDTH, new_size // TILE_WIDTH


def _grown(level: int | None, old_count: int, new_count: int) -> Iterator[TilePath]:
    """The files of one level whose width changed as the level grew from ``old_count`` to ``new_count`` hashes or entries."""
    if old_count == new_count:
        return
    for number in range(old_count // TILE_WIDTH, -(-new_count // TILE_WIDTH)):
        yield TilePath(level, number, min(TILE_WIDTH, new_count - number * TILE_WIDTH))


def _check_size(size: int) -> int:
    if not 0 <= size <= TREE_LIMIT_LEAVES:
        raise BadInput("bad-tree-size", "size out of range", size=size)
    return size
