"""Bytes flipped where a ledger keeps them: in its database past the triggers, and in a real publication of some five megabytes."""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from ledger.audit.report import Report
from ledger.audit.sources import EntriesSource, FolderSource
from ledger.audit.verify import verify
from ledger.node import Node
from ledger.scenario.kpu import import_kpu
from ledger.store.entries import read_entries, read_head
from ledger.store.rows import projection_rows

from ..governed import submissions, whole_season
from ..world import LOG_KEY, ORIGIN, START_MS, World, season

PARTS = 4
REAL_FLIPS = 1_000
SMOKE_FLIPS = 60


def verify_ledger(node: Node) -> Report:
    """As ``ledger verify`` does it for a ledger's own folder."""
    with node.database.reading() as connection:
        head = read_head(connection)
        return verify(
            EntriesSource(
                head.checkpoint, lambda start, stop: (row.entry for row in read_entries(connection, start, stop)), name="ledger"
            ),
            ledger_id=None,
            executor=None,
            progress=None,
            known=None,
            projection=projection_rows(connection),
            stored=((row.index, row.event_id, row.leaf) for row in read_entries(connection, 0, head.size)),
        )


@contextmanager
def flipped(database: Path, index: int, at: int, change: int) -> Iterator[None]:
    """The entry with one byte changed, by somebody with the file in hand and the triggers dropped."""
    with closing(sqlite3.connect(database, isolation_level=None)) as raw:
        raw.execute("DROP TRIGGER IF EXISTS entries_no_update")
        (honest,) = raw.execute("SELECT entry FROM entries WHERE idx = ?", (index,)).fetchone()
        data = bytearray(honest)
        data[at] ^= change
        raw.execute("UPDATE entries SET entry = ? WHERE idx = ?", (bytes(data), index))
        try:
            yield
        finally:
            raw.execute("UPDATE entries SET entry = ? WHERE idx = ?", (honest, index))


def missed_in_database(node: Node, flips: list[tuple[int, int]], seed: int) -> list[tuple[int, int]]:
    """The flips of (index, byte) that were not found with the entry's index."""
    source = random.Random(seed)
    missed = []
    for index, at in flips:
        with flipped(node.folder / "ledger.db", index, at, source.randrange(1, 256)):
            report = verify_ledger(node)
        if report.ok or index not in {failure.index for failure in report.failures}:
            missed.append((index, at))
    return missed


def entry_bytes(node: Node) -> list[tuple[int, int]]:
    """Every byte of every entry, as (index, position)."""
    with node.entries() as entries:
        return [(row.index, at) for row in entries for at in range(len(row.entry))]


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Node]:
    """Twenty entries in a database."""
    world = World()
    submissions = [signed.submission for signed in (*world.founding(), *season(world))][:20]
    with Node.create(tmp_path / "small", origin=ORIGIN, log_key=LOG_KEY, clock=lambda: START_MS) as node:
        node.submit(submissions)
        assert node.head().size == 20
        assert verify_ledger(node).ok
        yield node


def test_a_byte_flipped_in_the_database_is_found_with_its_entry(small: Node) -> None:
    """A bounded smoke of the campaign below."""
    some = random.Random(3).sample(entry_bytes(small), SMOKE_FLIPS)
    assert missed_in_database(small, some, seed=3) == []


def test_a_byte_flipped_in_the_database_of_a_governed_election_is_found(tmp_path: Path) -> None:
    """Certificates, seals and approvals among the entries."""
    entries = whole_season().entries
    with Node.create(tmp_path / "governed", origin=ORIGIN, log_key=LOG_KEY, clock=lambda: START_MS) as node:
        node.submit(submissions(entries))
        assert node.head().size == len(entries)
        assert verify_ledger(node).ok
        some = random.Random(4).sample(entry_bytes(node), SMOKE_FLIPS)
        assert missed_in_database(node, some, seed=4) == []


@pytest.mark.campaign
@pytest.mark.parametrize("part", range(PARTS))
def test_every_byte_flipped_in_the_database_is_found_with_its_entry(small: Node, part: int) -> None:
    """All bytes of all twenty entries."""
    assert missed_in_database(small, entry_bytes(small)[part::PARTS], seed=part) == []


@pytest.fixture(scope="module")
def bengkulu(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The imported ledger of Bengkulu, and its publication in ``public``."""
    folder = tmp_path_factory.mktemp("bengkulu") / "b17"
    import_kpu([shared_data / "pilpres2024" / "tps_versions_17_bengkulu.csv.gz"], folder, areas=None)
    with Node.open(folder, clock=lambda: START_MS) as node:
        node.publish(folder / "public")
    return folder


@pytest.mark.campaign
@pytest.mark.data
@pytest.mark.parametrize("part", range(PARTS))
def test_a_byte_flipped_in_a_real_publication_is_found(bengkulu: Path, tmp_path: Path, part: int) -> None:
    """A thousand seeded positions over all authenticated bytes of all files of Bengkulu, a quarter in each part."""
    folder = tmp_path / "public"
    shutil.copytree(bengkulu / "public", folder)
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != "README.txt")
    sizes = [path.stat().st_size for path in files]
    source = random.Random(1700 + part)
    missed = []
    for path in source.choices(files, weights=sizes, k=REAL_FLIPS // PARTS):
        honest = path.read_bytes()
        data = bytearray(honest)
        data[source.randrange(len(data))] ^= source.randrange(1, 256)
        path.write_bytes(data)
        report = verify(FolderSource(folder), ledger_id=None, executor=None, progress=None, known=None)
        path.write_bytes(honest)
        if report.ok or not report.failures[0].place:
            missed.append(path)
    assert missed == []


@pytest.mark.campaign
@pytest.mark.data
@pytest.mark.parametrize("part", range(PARTS))
def test_a_byte_flipped_in_a_real_database_is_found(bengkulu: Path, tmp_path: Path, part: int) -> None:
    """A thousand seeded positions over all entries of Bengkulu in the database, a quarter in each part."""
    shutil.copytree(bengkulu, tmp_path / "b17", ignore=shutil.ignore_patterns("public"))
    with Node.open(tmp_path / "b17", clock=lambda: START_MS) as node:
        some = random.Random(1750 + part).sample(entry_bytes(node), REAL_FLIPS // PARTS)
        assert missed_in_database(node, some, seed=part) == []
