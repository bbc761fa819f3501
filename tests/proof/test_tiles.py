"""Tiles: paths both ways, the layouts that x/mod gives too, and bundles that hold exactly what they say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import BadInput
from ledger.proof.tiles import (
    ENTRY_LIMIT_BYTES,
    TilePath,
    decode_bundle,
    encode_bundle,
    entries_path,
    entry_layout,
    new_tiles,
    parse_path,
    tile_layout,
    tile_path,
)

from .models import raising

LARGEST = (2**53 - 1) // 256

GOOD_PATHS = {
    "tile/0/x001/x234/067": TilePath(0, 1_234_067),
    "tile/0/005": TilePath(0, 5),
    "tile/0/x001/000": TilePath(0, 1_000),
    "tile/1/001.p/17": TilePath(1, 1, 17),
    "tile/63/999.p/255": TilePath(63, 999, 255),
    "tile/entries/000.p/1": TilePath(None, 0, 1),
    "tile/entries/x123/456": TilePath(None, 123_456),
    "tile/6/x035/x184/x372/x088/831": TilePath(6, LARGEST),
}

BAD_PATHS = [
    "",
    "tile",
    "/tile/0/000",
    "tile/0/000/",
    "tile/0/000\n",
    "tile//000",
    "tile/00/000",
    "tile/01/000",
    "tile/64/000",
    "tile/-1/000",
    "tile/+1/000",
    "tile/x/000",
    "tile/data/000",
    "tile/8/0/000",
    "tile/0/0",
    "tile/0/00",
    "tile/0/0000",
    "tile/0/x000/000",
    "tile/0/x000/001",
    "tile/0/001/000",
    "tile/0/x001",
    "tile/0/X001/000",
    "tile/0/x01/000",
    "tile/0/\u0660\u0660\u0660",
    "tile/\u0660/000",
    "tile/0/000.p/0",
    "tile/0/000.p/01",
    "tile/0/000.p/256",
    "tile/0/000.p/999",
    "tile/0/000.p/",
    "tile/0/000.p",
    "tile/0/000.p/1.p/1",
    "tile/0/000p/1",
    "tile/0/../000",
    "tile/0/x035/x184/x372/x088/832",
    "tile/0/x001/x000/x000/x000/x000/000",
    "tile/0/" + "x001/" * 10_000 + "000",
]


def paths(tiles: object) -> list[str]:
    return [tile.path for tile in tiles]  # type: ignore[attr-defined]


# The spec's examples, both ways.
@pytest.mark.parametrize("path", GOOD_PATHS)
def test_paths(path: str) -> None:
    tile = GOOD_PATHS[path]
    assert (tile.path, parse_path(path)) == (path, tile)
    assert path == (entries_path(tile.number, tile.width) if tile.level is None else tile_path(tile.level, tile.number, tile.width))


# A web server that reads paths leniently would serve one file under two names.
@pytest.mark.parametrize("path", BAD_PATHS, ids=range(len(BAD_PATHS)))
def test_no_paths(path: str) -> None:
    assert parse_path(path) is None


# Every tile has a path, and every path its tile.
@given(st.none() | st.integers(0, 63), st.integers(0, LARGEST), st.integers(1, 256))
def test_paths_round_trip(level: int | None, number: int, width: int) -> None:
    assert parse_path(TilePath(level, number, width).path) == TilePath(level, number, width)


# Whatever text is read as a path is the only text that is read as that path.
@given(st.text("0123456789xp./til", max_size=12))
def test_paths_have_one_spelling(rest: str) -> None:
    tile = parse_path(f"tile/0/{rest}")
    assert tile is None or tile.path == f"tile/0/{rest}"


# Numbers that no tree has make no path.
@pytest.mark.parametrize(
    ("level", "number", "width"), [(-1, 0, 1), (64, 0, 1), (0, -1, 1), (0, LARGEST + 1, 1), (0, 0, 0), (0, 0, 257)]
)
def test_impossible_tiles(level: int, number: int, width: int) -> None:
    with raising(BadInput, "bad-path"):
        tile_path(level, number, width)


# The layouts of docs/FORMATS.md, which x/mod's generator gives too.
def test_known_layouts() -> None:
    full = [f"tile/0/{number:03d}" for number in range(273)]
    assert paths(tile_layout(70_000)) == [*full, "tile/0/273.p/112", "tile/1/000", "tile/1/001.p/17", "tile/2/000.p/1"]
    assert paths(tile_layout(256)) == ["tile/0/000", "tile/1/000.p/1"]
    assert paths(tile_layout(255)) == ["tile/0/000.p/255"]
    assert paths(tile_layout(257)) == ["tile/0/000", "tile/0/001.p/1", "tile/1/000.p/1"]
    assert paths(tile_layout(0)) == paths(entry_layout(0)) == []
    assert paths(entry_layout(513)) == ["tile/entries/000", "tile/entries/001", "tile/entries/002.p/1"]


# The layout is the spec's formula: at level L there are floor(size / 256^L) hashes, in tiles of 256.
@given(st.integers(0, 300_000))
def test_layout_is_the_formula(size: int) -> None:
    tiles = list(tile_layout(size))
    assert len(set(tiles)) == len(tiles)
    for level in range(4):
        widths = [tile.width for tile in tiles if tile.level == level]
        count = size // 256**level
        assert widths == [256] * (count // 256) + [count % 256] * (count % 256 > 0)
    assert [(tile.number, tile.width) for tile in entry_layout(size)] == [
        (tile.number, tile.width) for tile in tiles if tile.level == 0
    ]


# What must be written when a tree grows is what the new layout has and the old has not, bundles first.
@given(st.integers(0, 70_000), st.integers(0, 70_000))
def test_new_tiles_are_the_difference(one: int, other: int) -> None:
    old, new = sorted((one, other))
    had = {*entry_layout(old), *tile_layout(old)}
    assert list(new_tiles(old, new)) == [tile for tile in [*entry_layout(new), *tile_layout(new)] if tile not in had]


# Sizes that cannot be are refused at the call, not at the first tile.
def test_impossible_sizes() -> None:
    for size in (-1, 2**53):
        with raising(BadInput, "bad-tree-size"):
            tile_layout(size)
        with raising(BadInput, "bad-tree-size"):
            entry_layout(size)
    for old, new in ((1, 0), (-1, 1), (0, 2**53)):
        with raising(BadInput, "bad-tree-size"):
            new_tiles(old, new)


# The bytes of the spec's form.
def test_bundle_bytes() -> None:
    assert encode_bundle([b"ab", b"", b"c" * 258]) == b"\0\x02ab\0\0\x01\x02" + b"c" * 258


# What was bundled comes back, and only with the right count and to the last byte.
@given(st.lists(st.binary(max_size=300), min_size=1, max_size=256))
def test_bundle_round_trip(entries: list[bytes]) -> None:
    data = encode_bundle(entries)
    assert decode_bundle(data, len(entries)) == entries
    for bad, count in [(data, len(entries) + 1), (data, len(entries) - 1), (data[:-1], len(entries)), (data + b"\0", len(entries))]:
        with raising(BadInput, "bad-bundle"):
            decode_bundle(bad, count)


# Longest and most entries are taken; one byte or one entry more is not; no count, no bundle.
def test_bundle_limits() -> None:
    longest = [b"x" * ENTRY_LIMIT_BYTES] * 256
    assert decode_bundle(encode_bundle(longest), 256) == longest
    for bad in ([], [b""] * 257, [b"x" * (ENTRY_LIMIT_BYTES + 1)]):
        with raising(BadInput, "bad-bundle"):
            encode_bundle(bad)
    for count in (-1, 0, 257):
        with raising(BadInput, "bad-bundle"):
            decode_bundle(b"\0\0" * max(count, 0), count)


# A bundle cut anywhere, or with any length made longer, does not decode.
def test_bundle_cut_anywhere() -> None:
    data = encode_bundle([b"first", b"", b"third"])
    for at in range(len(data)):
        with raising(BadInput, "bad-bundle"):
            decode_bundle(data[:at], 3)
    for at in (0, 1, 7, 8, 9, 10):
        with raising(BadInput, "bad-bundle"):
            decode_bundle(data[:at] + bytes([data[at] + 1]) + data[at + 1 :], 3)
