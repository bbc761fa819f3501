"""The tree that the entries give, grown bundle by bundle, beside the published tiles and bundles (C2SP tlog-tiles).

Holds one open tile of each level, never all leaves.  Each tile, and each older and narrower version of one that is still
published, must hold exactly the hashes that the entries give; each older bundle exactly the entries.  (The newest bundles are
where the entries were read from.)

Left to others: where the entries came from, whether they are any good, whose word the root is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ledger.audit.published import Difference, Published
from ledger.proof.merkle import EMPTY_ROOT, HASH_BYTES, Frontier, subtree_root
from ledger.proof.tiles import TILE_WIDTH, TilePath, encode_bundle

__all__ = ["Tree"]


class Tree:
    """The tree over the leaves added so far; ``published`` None: there are no files to compare with."""

    def __init__(self, published: Published | None) -> None:
        self._published = published
        self._open: list[list[bytes]] = []
        """The unfinished tile of each level: fewer than 256 hashes."""
        self._finished: list[int] = []
        """How many tiles of each level are finished."""
        self.size = 0

    def parts(self) -> tuple[list[list[bytes]], list[int]]:
        """The unfinished tile of each level, and how many of each are finished."""
        return [[*tile] for tile in self._open], [*self._finished]

    def go_on_from(self, size: int, tiles: Sequence[Sequence[bytes]], finished: Sequence[int]) -> None:
        """This tree is now the one of ``size`` leaves (whole bundles) that had these ``parts``; finished tiles are not compared."""
        self._open, self._finished, self.size = [[*tile] for tile in tiles], [*finished], size

    def add(self, entries: Sequence[bytes], leaves: Sequence[bytes]) -> Iterator[Difference]:
        """The next bundle's entries with their leaf hashes: 256, or fewer at the end of the log alone."""
        if self.size % TILE_WIDTH or not 0 < len(leaves) <= TILE_WIDTH:
            raise ValueError("bundles come whole, the last one excepted")
        yield from self._compare_bundles(self.size // TILE_WIDTH, entries)
        self.size += len(leaves)
        level, hashes = 0, list(leaves)
        while True:
            if level == len(self._open):
                self._open.append([])
                self._finished.append(0)
            tile = self._open[level]
            tile += hashes
            if len(tile) < TILE_WIDTH:
                return
            yield from self._compare_tiles(level, self._finished[level], tile)
            self._open[level] = []
            self._finished[level] += 1
            level, hashes = level + 1, [subtree_root(tile)]

    def finish(self) -> Iterator[Difference]:
        """Compares the tiles that stay partial; after the last bundle."""
        for level, tile in enumerate(self._open):
            if tile:
                yield from self._compare_tiles(level, self._finished[level], tile)

    def root(self, more: Sequence[bytes] = ()) -> bytes:
        """The root over the leaves added so far and, after whole bundles, up to 255 ``more``."""
        hashes = [root for tile in reversed(self._open) for root in Frontier.EMPTY.extend(tile).hashes]
        hashes += Frontier.EMPTY.extend(more).hashes
        size = self.size + len(more)
        return Frontier(size, tuple(hashes)).root() if size else EMPTY_ROOT

    def _compare_tiles(self, level: int, number: int, hashes: Sequence[bytes]) -> Iterator[Difference]:
        """Every published version of one tile; the newest must be there."""
        if self._published is None:
            return
        made = b"".join(hashes)
        first = number << 8 * (level + 1)

        def explain(path: str, at: int) -> Difference:
            place = at // HASH_BYTES
            detail = f"the published tile differs from the tree of the entries, from hash {place} on"
            return Difference("tile-differs", first + (place << 8 * level), path, detail)

        for width in sorted(self._published.widths(level, number) | {len(hashes)}):
            path = TilePath(level, number, width).path
            expected = made[: width * HASH_BYTES]
            yield from self._published.compare(
                path,
                expected,
                index=first,
                explain=lambda _, at, path=path: explain(path, at),  # type: ignore[misc]
            )

    def _compare_bundles(self, number: int, entries: Sequence[bytes]) -> Iterator[Difference]:
        """Every older version of one bundle."""
        if self._published is None:
            return
        first = number * TILE_WIDTH

        def explain(path: str, at: int) -> Difference:
            ends, end = 0, 0
            for entry in entries:
                end += 2 + len(entry)
                ends += end <= at
            return Difference("bundle-differs", first + ends, path, f"an older bundle differs from the newest, from byte {at} on")

        for width in sorted(self._published.widths(None, number)):
            if width < len(entries):
                path = TilePath(None, number, width).path
                expected = encode_bundle(entries[:width])
                yield from self._published.compare(
                    path,
                    expected,
                    index=first,
                    explain=lambda _, at, path=path: explain(path, at),  # type: ignore[misc]
                )
            else:
                self._published.compared += 1
