"""The published files, beside what they should hold: which paths a log of one size has, and how a file that differs is told.

Left to others: what a file should hold (tree.py, totals.py), and how it is read (sources.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from msgspec import Struct

from ledger.errors import NotVerified
from ledger.proof.tiles import TILE_WIDTH, parse_path

__all__ = ["UNAUTHENTICATED", "Difference", "Published"]

UNAUTHENTICATED: Final = frozenset({"README.txt"})
"""For people who find the folder; says so itself."""

_RECAP_DIGITS_LIMIT: Final = 16


class Difference(Struct, frozen=True):
    """Something published that is not as the entries give it.  ``index``: the first entry concerned, where one is."""

    code: str
    index: int | None
    place: str
    detail: str


class Published:
    """The files of a log of ``size`` entries.  ``read(path, limit_bytes)`` reads one of ``paths``.

    ``recaps``: tree size -> paths of its recap.  ``wrong``: files that no log of this size has.  ``compared`` counts the files
    that were found to be right.
    """

    def __init__(self, paths: Iterable[str], size: int, read: Callable[[str, int], bytes]) -> None:
        self._read = read
        self._widths: dict[tuple[int | None, int], set[int]] = {}
        self.recaps: dict[int, set[str]] = {}
        self.wrong: list[Difference] = []
        self.compared = 0
        for path in sorted(paths):
            self._sort(path, size)

    def _sort(self, path: str, size: int) -> None:
        tile = parse_path(path)
        recap = _recap_size(path) if tile is None else None
        if tile is not None and tile.number * TILE_WIDTH + tile.width <= size >> 8 * (tile.level or 0):
            self._widths.setdefault((tile.level, tile.number), set()).add(tile.width)
        elif recap is not None and recap <= size:
            self.recaps.setdefault(recap, set()).add(path)
        elif tile is not None or recap is not None:
            detail = "the checkpoint's tree is smaller than this file says; an unfinished publication leaves such files"
            self.wrong.append(Difference("file-beyond-checkpoint", None, path, detail))
        elif path != "checkpoint" and path not in UNAUTHENTICATED:
            self.wrong.append(Difference("file-stray", None, path, "no publication has such a file"))

    def widths(self, level: int | None, number: int) -> set[int]:
        """The published widths of a tile, or of a bundle where ``level`` is None."""
        return self._widths.get((level, number), set())

    def compare(
        self, path: str, expected: bytes, *, index: int | None, explain: Callable[[bytes, int], Difference]
    ) -> Iterator[Difference]:
        """Nothing where the file at ``path`` holds just ``expected``, else one difference.

        ``index``: what the file concerns, for one that is missing or too long.  ``explain(found, at)`` tells of one that differs
        from byte ``at`` on.
        """
        try:
            found = self._read(path, len(expected))
        except NotVerified as problem:
            yield Difference(problem.code, index, path, problem.detail)
            return
        if found == expected:
            self.compared += 1
        else:
            pairs = zip(found, expected, strict=False)
            yield explain(found, next((at for at, (one, other) in enumerate(pairs) if one != other), len(found)))


def _recap_size(path: str) -> int | None:
    """The tree size of a path ``recap/<size>/...``; None for other paths."""
    top, _, rest = path.partition("/")
    digits, slash, _ = rest.partition("/")
    if top != "recap" or not slash or not (digits.isascii() and digits.isdecimal()) or len(digits) > _RECAP_DIGITS_LIMIT:
        return None
    size = int(digits)
    return size if size and str(size) == digits else None
