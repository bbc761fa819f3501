"""No false alarm: what a real node publishes is in order, at every size that tiles make interesting."""

from __future__ import annotations

import hashlib
import itertools
import random
from pathlib import Path

import pytest

from ledger.audit.published import Published
from ledger.audit.sources import FolderSource
from ledger.audit.tree import Tree
from ledger.audit.verify import Known, verify
from ledger.proof.merkle import EMPTY_ROOT, Frontier

from ..world import STATIONS, World, held, make_node, released, submissions_of, submitted
from .conftest import SIGNER, Honest
from .forger import publication, write

SIZES = (1, 2, 255, 256, 257, 513)


def test_a_node_publishes_what_the_auditor_finds_in_order(tmp_path: Path) -> None:
    """One folder that grows through all sizes, and a fresh one at each; every earlier checkpoint is a prefix of every later."""
    world = World()
    signed = [*world.founding(), world.sign(f"{STATIONS[0]}/1", submitted(STATIONS[0]))]
    while len(signed) < SIZES[-1]:
        act = held(STATIONS[0]) if len(signed) % 2 == 0 else released(STATIONS[0])
        signed.append(world.sign("officer", act))
    submissions = submissions_of(signed)
    earlier: list[Known] = []
    with make_node(tmp_path / "ledger", world) as node:
        done = 0
        for size in SIZES:
            node.submit(submissions[done:size])
            done = size
            for folder in (tmp_path / "grown", tmp_path / f"fresh-{size}"):
                assert node.publish(folder).size == size
                earlier.append(Known.from_note(node.head().checkpoint))
                for known in (None, *earlier):
                    report = verify(FolderSource(folder), ledger_id=world.ledger, executor=None, progress=None, known=known)
                    assert (report.ok, report.failures, report.size) == (True, (), size)
                    assert report.identity == "checked"


def test_the_forgers_files_are_the_nodes_own(honest: Honest, tmp_path: Path) -> None:
    """What the other tests tamper with is what a node publishes, byte for byte."""
    with make_node(tmp_path / "ledger", honest.world, clock=lambda: 1_732_700_000_000) as node:
        world = World()
        founding = submissions_of(world.founding())
        node.submit(founding)
        node.publish(tmp_path / "public")
        with node.entries() as rows:
            entries = [row.entry for row in rows]
    files = publication(entries, SIGNER)
    found = {
        str(path.relative_to(tmp_path / "public")): path.read_bytes()
        for path in (tmp_path / "public").rglob("*")
        if path.is_file() and path.name != "README.txt"
    }
    del files["README.txt"]
    assert found == files


def test_progress_is_told_to_the_end(honest: Honest, tmp_path: Path) -> None:
    """(entries done, entries in all), after each bundle."""
    seen: list[tuple[int, int]] = []
    source = FolderSource(write(tmp_path, honest.files))
    verify(source, ledger_id=None, executor=None, progress=lambda done, size: seen.append((done, size)), known=None)
    assert seen == [(38, 38)]


def leaves_of(count: int) -> list[bytes]:
    return [hashlib.sha256(b"leaf %d" % number).digest() for number in range(count)]


def grown(leaves: list[bytes]) -> Tree:
    tree = Tree(None)
    for first in range(0, len(leaves), 256):
        assert not list(tree.add([], leaves[first : first + 256]))
    return tree


def test_roots_of_trees_of_tiles() -> None:
    """The root is that of the frontier, whose tests hold it against RFC 6962; at every size to 300 and around three levels."""
    leaves = leaves_of(65_536 + 600)
    sizes = [*range(301), 511, 512, 513, 65_535, 65_536, 65_537, len(leaves)]
    for size in sizes:
        expected = Frontier.EMPTY.extend(leaves[:size]).root()
        assert grown(leaves[:size]).root() == expected
        whole = size // 256 * 256
        assert grown(leaves[:whole]).root(leaves[whole:size]) == expected
    assert Tree(None).root() == EMPTY_ROOT


def test_bundles_come_whole() -> None:
    """Whoever calls otherwise is told so, and no wrong tree comes of it."""
    tree = grown(leaves_of(10))
    with pytest.raises(ValueError, match="whole"):
        list(tree.add([], leaves_of(1)))


def tiles_of(leaves: list[bytes]) -> dict[str, bytes]:
    """Every version of every tile that was ever published, at sizes that leave many partial ones."""
    from ledger.proof.merkle import subtree_root
    from ledger.proof.tiles import new_tiles

    levels = [leaves]
    while len(levels[-1]) >= 256:
        hashes = levels[-1]
        levels.append([subtree_root(hashes[at : at + 256]) for at in range(0, len(hashes) // 256 * 256, 256)])
    files = {}
    sizes = [0, *sorted(random.Random(5).sample(range(1, len(leaves)), 40)), len(leaves)]
    for old, new in itertools.pairwise(sizes):
        for tile in new_tiles(old, new):
            if tile.level is not None:
                first = tile.number * 256
                files[tile.path] = b"".join(levels[tile.level][first : first + tile.width])
    return files


def test_every_tile_of_three_levels_is_compared() -> None:
    """Full and partial tiles, older and newer: one byte of any is found, with the first entry below that hash."""
    leaves = leaves_of(65_536 + 600)
    files = tiles_of(leaves)
    assert {path.split("/")[1] for path in files} == {"0", "1", "2"}

    def differences(files: dict[str, bytes]) -> list[tuple[str, int | None, str]]:
        published = Published(files, len(leaves), lambda path, limit: files[path])
        tree = Tree(published)
        found = [each for first in range(0, len(leaves), 256) for each in tree.add([], leaves[first : first + 256])]
        found += tree.finish()
        assert published.compared + len(found) == len(files)
        return [(each.code, each.index, each.place) for each in found]

    assert differences(files) == []
    for path, place, index in (
        ("tile/0/257", 3, 257 * 256 + 3),
        ("tile/1/000", 7, 7 * 256),
        ("tile/1/001.p/2", 1, 65_536 + 256),
        ("tile/2/000.p/1", 0, 0),
    ):
        changed = bytearray(files[path])
        changed[32 * place + 5] ^= 1
        assert differences(files | {path: bytes(changed)}) == [("tile-differs", index, path)]
