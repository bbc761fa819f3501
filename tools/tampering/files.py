"""Whoever holds the published folder alone: tiles, bundles and stray files."""

from __future__ import annotations

from tools.tampering.good import Good, base
from tools.tampering.kinds import Kind, Link, Must, Spoiled, add, dropped, kind

from ledger.proof.tiles import TILE_WIDTH, entries_path, tile_path

__all__: list[str] = []

TILES, STRAY = "Tiles and bundles", "Files that should not be there"
HASH = 32
ENTRIES, TREE, TOTALS = 2, 4, 9
EVERYTHING = frozenset({3, 4, 5})


def changed(good: Good, path: str, data: bytes, must: Must) -> Spoiled:
    """One file with other bytes."""
    return Spoiled({**good.files, path: data}, must)


def older_tile(good: Good) -> tuple[str, int]:
    """The partial tile of an earlier size that is still there, and its width."""
    size = good.older[-1]
    width = size % TILE_WIDTH
    return tile_path(0, size // TILE_WIDTH, width), width


# --- tiles ----------------------------------------------------------------------------------------------------------------------


@kind(TILES, "missing tile", "the newest partial tile is not served: nobody can prove inclusion of the last entries")
def missing_tile(good: Good) -> Spoiled:
    path = good.tile(good.size - 1)
    return Spoiled(dropped(good.files, path), Must(TREE, file=path))


@kind(TILES, "missing full tile", "a full tile is not served", base="long")
def missing_full_tile(good: Good) -> Spoiled:
    return Spoiled(dropped(good.files, good.tile(0)), Must(TREE, file=good.tile(0)))


@kind(TILES, "missing tile of level 1", "the tile above is not served", base="long")
def missing_upper_tile(good: Good) -> Spoiled:
    path = tile_path(1, 0, good.size // TILE_WIDTH)
    return Spoiled(dropped(good.files, path), Must(TREE, file=path))


@kind(TILES, "wrong hash in a full tile", "a false leaf hash, to prove the inclusion of what is not in the log", base="long")
def wrong_full_tile(good: Good) -> Spoiled:
    data = good.files[good.tile(0)]
    return changed(good, good.tile(0), data[: 7 * HASH] + bytes(HASH) + data[8 * HASH :], Must(TREE, 7, good.tile(0)))


@kind(TILES, "wrong hash in the tile of level 1", "a false subtree, to prove the inclusion of a whole false bundle", base="long")
def wrong_upper_tile(good: Good) -> Spoiled:
    path = tile_path(1, 0, good.size // TILE_WIDTH)
    return changed(good, path, bytes(HASH) + good.files[path][HASH:], Must(TREE, 0, path))


@kind(TILES, "wrong partial tile", "two hashes of the newest tile have changed places")
def wrong_partial_tile(good: Good) -> Spoiled:
    path = good.tile(good.size - 1)
    data = good.files[path]
    first = good.size // TILE_WIDTH * TILE_WIDTH
    return changed(good, path, data[HASH : 2 * HASH] + data[:HASH] + data[2 * HASH :], Must(TREE, first, path))


@kind(TILES, "wrong partial tile of an earlier size", "a client that is still at the earlier size is shown other hashes")
def wrong_older_tile(good: Good) -> Spoiled:
    path, width = older_tile(good)
    data = good.files[path]
    index = good.older[-1] // TILE_WIDTH * TILE_WIDTH + width - 1
    return changed(good, path, data[:-1] + bytes([data[-1] ^ 1]), Must(TREE, index, path))


@kind(TILES, "partial tile cut short", "the last hash is missing")
def short_tile(good: Good) -> Spoiled:
    path = good.tile(good.size - 1)
    return changed(good, path, good.files[path][:-HASH], Must(TREE, file=path))


@kind(TILES, "partial tile with a hash more", "a leaf beyond the signed size")
def long_tile(good: Good) -> Spoiled:
    path = good.tile(good.size - 1)
    return changed(good, path, good.files[path] + bytes(HASH), Must(TREE, file=path))


@kind(TILES, "empty tile", "the file is there and holds nothing")
def empty_tile(good: Good) -> Spoiled:
    path = good.tile(good.size - 1)
    return changed(good, path, b"", Must(TREE, file=path))


@kind(TILES, "tile of another log", "a mirror mixes up two logs", base="long")
def tile_of_another_log(good: Good) -> Spoiled:
    other = base("season").files[base("season").tile(0)]
    data = (other * 3)[: TILE_WIDTH * HASH]
    return changed(good, good.tile(0), data, Must(TREE, 0, good.tile(0)))


# --- bundles --------------------------------------------------------------------------------------------------------------------


def bundle(good: Good, change: str, data: bytes, index: int | None = None) -> Spoiled:
    """The last bundle with other bytes, so that it cannot be split: nothing after is evaluated."""
    del change
    path = good.bundle(good.size - 1)
    return changed(good, path, data, Must(ENTRIES, index, path))


@kind(TILES, "missing bundle", "the newest entries are not served")
def missing_bundle(good: Good) -> Spoiled:
    path = good.bundle(good.size - 1)
    return Spoiled(dropped(good.files, path), Must(ENTRIES, file=path))


@kind(TILES, "missing full bundle", "256 entries are not served, those after them are", base="long")
def missing_full_bundle(good: Good) -> Spoiled:
    path = entries_path(0)
    return Spoiled(dropped(good.files, path), Must(ENTRIES, 0, path))


@kind(TILES, "truncated bundle", "the transfer broke off inside an entry")
def truncated_bundle(good: Good) -> Spoiled:
    return bundle(good, "cut", good.files[good.bundle(good.size - 1)][:-100])


@kind(TILES, "bundle cut at an entry's end", "the last entry is missing, the file is whole in itself")
def bundle_without_the_last(good: Good) -> Spoiled:
    data = good.files[good.bundle(good.size - 1)]
    return bundle(good, "cut", data[: -2 - len(good.entries[-1])])


@kind(TILES, "bundle length lies: too long", "an entry's length reaches into the next")
def length_too_long(good: Good) -> Spoiled:
    data = good.files[good.bundle(good.size - 1)]
    length = int.from_bytes(data[:2], "big")
    return bundle(good, "length", (length + 1).to_bytes(2, "big") + data[2:])


@kind(TILES, "bundle length lies: too short", "an entry ends before its end; what is left is read as the next one's length")
def length_too_short(good: Good) -> Spoiled:
    data = good.files[good.bundle(good.size - 1)]
    return bundle(good, "length", (int.from_bytes(data[:2], "big") - 1).to_bytes(2, "big") + data[2:])


@kind(TILES, "bundle length lies: nothing", "an entry of no bytes")
def length_nothing(good: Good) -> Spoiled:
    return bundle(good, "length", b"\0\0" + good.files[good.bundle(good.size - 1)][2:])


@kind(TILES, "bundle with bytes behind", "something is smuggled in behind the last entry")
def bundle_with_more(good: Good) -> Spoiled:
    return bundle(good, "more", good.files[good.bundle(good.size - 1)] + b"\0")


@kind(TILES, "bundle with an entry more", "an entry beyond the signed size")
def bundle_with_an_entry_more(good: Good) -> Spoiled:
    last = good.entries[-1]
    return bundle(good, "more", good.files[good.bundle(good.size - 1)] + len(last).to_bytes(2, "big") + last)


@kind(TILES, "wrong bundle of an earlier size", "a client that is still at the earlier size is shown another entry")
def wrong_older_bundle(good: Good) -> Spoiled:
    size = good.older[-1]
    path = entries_path(size // TILE_WIDTH, size % TILE_WIDTH)
    data = good.files[path]
    return changed(good, path, data[:-1] + bytes([data[-1] ^ 1]), Must(TREE, size - 1, path))


@kind(TILES, "bundle of an earlier size cut short", "it is what a client at the earlier size would read")
def short_older_bundle(good: Good) -> Spoiled:
    size = good.older[-1]
    path = entries_path(size // TILE_WIDTH, size % TILE_WIDTH)
    return changed(good, path, good.files[path][:-1], Must(TREE, size - 1, path))


# --- what has no place there ----------------------------------------------------------------------------------------------------

STRAYS = {
    "a tile beyond the checkpoint": ("tile/0/{beyond}", "the log has more than it signed, and shows it to some", TREE),
    "a bundle beyond the checkpoint": ("tile/entries/{beyond}", "the same with entries", TREE),
    "a tile of a level that is empty": ("tile/6/000.p/1", "a tree that is not there", TREE),
    "a tile of width 0": ("tile/0/000.p/0", "empty tiles do not exist", TREE),
    "a width with a leading zero": ("tile/0/000.p/064", "one tile under two names", TREE),
    "a tile's number not in groups": ("tile/0/0", "one tile under two names", TREE),
    "a file in the root": ("figures.csv", "unverified numbers beside verified ones", TREE),
    "a temporary file": (".checkpoint.123.tmp", "a publisher broke off", TREE),
    "a name that plays with the terminal": ("a\x1b[2J\u202eb", "the report is to look like another", TREE),
    "a recap of a size that is to come": ("recap/{more}/recap_root", "a forecast", TREE),
    "a recap of size 0": ("recap/0/recap_root", "nothing has no recap", TREE),
    "a recap's size with a leading zero": ("recap/0{size}/recap_root", "one recap under two names", TREE),
    "a page of a contest that is none": ("recap/{size}/senate/17", "numbers that nobody reported", TOTALS),
    "a page of an area that is none": ("recap/{size}/mayor/99", "numbers that nobody reported", TOTALS),
    "a page of a station": ("recap/{size}/mayor/1771011001001", "stations have rows, not pages", TOTALS),
}


def _stray(name: str, template: str, story: str, step: int) -> Kind:
    def make(good: Good) -> Spoiled:
        beyond = good.size // TILE_WIDTH + 1
        path = template.format(beyond=f"{beyond:03}.p/1", more=good.size + 1, size=good.size)
        return Spoiled({**good.files, path: bytes(HASH)}, Must(step, file=path.encode("unicode_escape").decode()))

    return Kind(f"stray: {name}", STRAY, "folder", "season", story, make)


for _name, (_template, _story, _step) in STRAYS.items():
    add(_stray(_name, _template, _story, _step))


@kind(STRAY, "stray: a link in the place of a tile", "the verifier is led out of the folder")
def linked_tile(good: Good) -> Spoiled:
    path = good.tile(0)
    return Spoiled({**good.files, path: Link("../../../checkpoint")}, Must(TREE, file=path))


@kind(STRAY, "stray: a link of its own", "a file that is somewhere else")
def stray_link(good: Good) -> Spoiled:
    return Spoiled({**good.files, "more": Link("checkpoint")}, Must(TREE, file="more"))


@kind(STRAY, "stray: a link in the place of the checkpoint", "the verifier is led out of the folder")
def linked_checkpoint(good: Good) -> Spoiled:
    return Spoiled(
        {**good.files, "note": good.files["checkpoint"], "checkpoint": Link("note")},
        Must(1, file="checkpoint", also=frozenset({TREE})),
    )


@kind(STRAY, "stray: a link in the place of a bundle", "the verifier is led out of the folder")
def linked_bundle(good: Good) -> Spoiled:
    path = good.bundle(good.size - 1)
    return Spoiled({**good.files, path: Link("../../../checkpoint")}, Must(ENTRIES, file=path, also=frozenset({TREE})))


@kind(STRAY, "stray: a file that hides deep", "twenty folders down")
def deep(good: Good) -> Spoiled:
    return Spoiled({**good.files, "/".join("d" * 20): b"x"}, Must(TREE))
