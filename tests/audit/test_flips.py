"""Every byte of a publication is covered: flip one, anywhere but in README.txt, and the verification fails and names the place."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.audit.report import Report
from ledger.audit.sources import FolderSource
from ledger.audit.verify import verify
from ledger.proof.tiles import TILE_WIDTH, decode_bundle
from ledger.tally.signing import reopen_entry

from ..governed import whole_season
from .conftest import SIGNER, Honest
from .forger import Files, publication, write

POSITIONS = 400
GOVERNED_POSITIONS = 100


@pytest.fixture(scope="module")
def published(honest: Honest) -> Files:
    """Twenty entries, published at 9 and at 20: two recaps, older tiles and bundles."""
    return publication(honest.entries[:20], SIGNER, older=(9,))


def positions(files: Files) -> list[tuple[str, int]]:
    """Every byte that is authenticated."""
    return [(path, at) for path, data in sorted(files.items()) if path != "README.txt" for at in range(len(data))]


def missed(folder: Path, files: Files, flips: list[tuple[str, int]], seed: int) -> Iterator[tuple[str, int, int]]:
    """The flips that were not found, or not with the place: the file, the byte, what it was changed by."""
    write(folder, files)
    source = random.Random(seed)
    for path, at in flips:
        change = source.randrange(1, 256)
        data = bytearray(files[path])
        data[at] ^= change
        (folder / path).write_bytes(data)
        report = verify(FolderSource(folder), ledger_id=None, executor=None, progress=None, known=None)
        (folder / path).write_bytes(files[path])
        if report.ok or not named(report, path, at, files):
            yield path, at, change


def named(report: Report, path: str, at: int, files: Files) -> bool:
    """Whether a failure names the file.  Two cases are told by what the file contradicts: of a changed time in the last entry its
    tile, with the entry's index; of another size in the checkpoint the bundles that are not there."""
    places = {failure.place for failure in report.failures}
    if path in places:
        return True
    if path == "checkpoint":
        return any(place.startswith("tile/entries/") for place in places)
    size = int(files["checkpoint"].split(b"\n")[1])
    width = size % TILE_WIDTH
    if path != f"tile/entries/000.p/{width}":
        return False
    last = len(files[path]) - len(decode_bundle(files[path], width)[-1])
    return at >= last and any(failure.index == size - 1 for failure in report.failures)


def test_flipped_bytes_are_found_with_their_place(published: Files, tmp_path: Path) -> None:
    """A bounded smoke of the campaign below: seeded positions, and every byte of the checkpoint."""
    every = positions(published)
    some = random.Random(1).sample(every, POSITIONS)
    assert list(missed(tmp_path, published, some, seed=1)) == []
    checkpoint = [each for each in every if each[0] == "checkpoint"]
    assert list(missed(tmp_path, published, checkpoint, seed=2)) == []


@pytest.fixture(scope="module")
def season() -> list[bytes]:
    """A governed election: certificates, seals, approvals, a revote."""
    return whole_season().entries


@pytest.fixture(scope="module")
def governed(season: list[bytes]) -> Files:
    """The season, published at 64 (in the midst of the plenaries) and at its end."""
    return publication(season, SIGNER, older=(64,))


def in_entries(entries: list[bytes], kinds: set[str], seed: int) -> Iterator[tuple[str, int]]:
    """A byte of the newest bundle in every entry of these types."""
    source = random.Random(seed)
    path, at = f"tile/entries/000.p/{len(entries)}", 0
    for entry in entries:
        at += 2
        if reopen_entry(entry).event.type in kinds:
            yield path, at + source.randrange(len(entry))
        at += len(entry)


def test_flipped_bytes_of_a_governed_election_are_found(season: list[bytes], governed: Files, tmp_path: Path) -> None:
    """A bounded smoke: seeded positions everywhere, and one byte in each certificate, seal, approval, revote and rotation."""
    assert list(missed(tmp_path, governed, random.Random(5).sample(positions(governed), GOVERNED_POSITIONS), seed=5)) == []
    kinds = {"approved", "key.rotated", "recap.certified", "recap.sealed", "revote.ordered"}
    acts = list(in_entries(season, kinds, seed=6))
    assert len(acts) > 20
    assert list(missed(tmp_path, governed, acts, seed=6)) == []


@pytest.mark.campaign
@pytest.mark.parametrize("part", range(32))
def test_every_flipped_byte_of_a_governed_election_is_found(part: int, governed: Files, tmp_path: Path) -> None:
    """All bytes, a thirty-second of them in each part."""
    assert list(missed(tmp_path, governed, positions(governed)[part::32], seed=part)) == []


def test_readme_is_for_people(published: Files, tmp_path: Path) -> None:
    """The one file that may say anything, and says so."""
    folder = write(tmp_path, published | {"README.txt": b"trust me\n"})
    assert verify(FolderSource(folder), ledger_id=None, executor=None, progress=None, known=None).ok


@pytest.mark.campaign
@pytest.mark.parametrize("part", range(8))
def test_every_flipped_byte_is_found_with_its_place(part: int, published: Files, tmp_path: Path) -> None:
    """All bytes, an eighth in each part."""
    assert list(missed(tmp_path, published, positions(published)[part::8], seed=part)) == []


@pytest.mark.campaign
@pytest.mark.parametrize("bit", range(8))
def test_every_flipped_bit_of_the_checkpoint_is_found(bit: int, published: Files, tmp_path: Path) -> None:
    """The one file whose text people compare by eye."""
    write(tmp_path, published)
    for at in range(len(published["checkpoint"])):
        data = bytearray(published["checkpoint"])
        data[at] ^= 1 << bit
        (tmp_path / "checkpoint").write_bytes(data)
        assert not verify(FolderSource(tmp_path), ledger_id=None, executor=None, progress=None, known=None).ok
