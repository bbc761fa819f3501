"""Where bytes come from: a folder with things in it that are no files, a ledger's own entries, columns and views."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from ledger.audit import sources
from ledger.audit.report import Report
from ledger.audit.sources import EntriesSource, FolderSource, printable
from ledger.audit.verify import verify
from ledger.errors import BadInput, Broken
from ledger.node import Node
from ledger.store.entries import read_entries
from ledger.store.rows import projection_rows
from ledger.tally.projection import PROJECTION, SUMS, sums_key

from ..world import World, make_node, season, submissions_of
from .conftest import SIGNER, Honest
from .forger import checkpoint_of, publication, write
from .test_tampering import long_ledger, outcomes, told

Row = tuple[str, bytes, bytes]


def quiet(source: Any, **more: Any) -> Report:
    """The report, without an id, an executor or anything known."""
    return verify(source, ledger_id=None, executor=None, progress=None, known=None, **more)


# --- folders ----------------------------------------------------------------------------------------------------------


def test_a_folder_without_a_publication_is_the_callers_mistake(tmp_path: Path) -> None:
    """No alarm is raised over an address mistyped."""
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(BadInput) as caught:
            FolderSource(folder)
        assert caught.value.code == "no-publication"


def test_a_publication_without_its_checkpoint(honest: Honest, tmp_path: Path) -> None:
    """Tiles alone are nobody's word."""
    folder = write(tmp_path, honest.files)
    (folder / "checkpoint").unlink()
    report = quiet(FolderSource(folder))
    assert (told(report), outcomes(report)) == ([(1, "file-missing", None, "checkpoint")], "fnnnnnnnn")


def link_to_copy(path: Path) -> None:
    """The right bytes, but by a link."""
    copy = path.with_name("copy")
    copy.write_bytes(path.read_bytes())
    path.unlink()
    path.symlink_to(copy)


def pipe(path: Path) -> None:
    """Whoever opens it to read would wait for ever."""
    path.unlink()
    os.mkfifo(path)


def folder_of_that_name(path: Path) -> None:
    """A folder where a file should be; empty, so that it is not listed as files."""
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize(
    ("change", "code"), [(link_to_copy, "file-not-plain"), (pipe, "file-not-plain"), (folder_of_that_name, "file-missing")]
)
@pytest.mark.parametrize(("path", "step"), [("tile/0/000.p/38", 4), ("tile/entries/000.p/38", 2), ("recap/38/recap_root", 9)])
def test_what_is_no_plain_file_is_not_read(
    change: Callable[[Path], None], code: str, path: str, step: int, honest: Honest, tmp_path: Path
) -> None:
    """Links are not followed, pipes not waited for."""
    folder = write(tmp_path, honest.files)
    change(folder / path)
    assert (step, code, path) in [(step, code, place) for step, code, _, place in told(quiet(FolderSource(folder)))]


@pytest.mark.parametrize("change", [link_to_copy, pipe, folder_of_that_name])
def test_a_checkpoint_that_is_no_plain_file(change: Callable[[Path], None], honest: Honest, tmp_path: Path) -> None:
    """It is not read either."""
    folder = write(tmp_path, honest.files)
    change(folder / "checkpoint")
    assert told(quiet(FolderSource(folder))) == [(1, "file-not-plain", None, "checkpoint")]


def test_a_folder_that_is_a_link_is_not_entered(honest: Honest, tmp_path: Path) -> None:
    """Nothing behind the link is taken for published."""
    folder = write(tmp_path / "published", honest.files)
    (folder / "tile" / "entries").rename(tmp_path / "elsewhere")
    (folder / "tile" / "entries").symlink_to(tmp_path / "elsewhere")
    report = quiet(FolderSource(folder))
    assert told(report) == [(2, "file-missing", 0, "tile/entries/000.p/38"), (4, "file-stray", None, "tile/entries")]


def test_folders_within_folders_come_to_an_end(honest: Honest, tmp_path: Path) -> None:
    """Deeper than any publication: not entered, and stray."""
    folder = write(tmp_path, honest.files)
    (folder / "/".join("d" * 40)).mkdir(parents=True)
    assert told(quiet(FolderSource(folder))) == [(4, "file-stray", None, "/".join("d" * 17))]


def test_a_file_larger_than_it_can_be_is_not_read(honest: Honest, tmp_path: Path) -> None:
    """A gigabyte of nothing in the place of a bundle, and of the checkpoint."""
    folder = write(tmp_path, honest.files)
    for path, step in (("tile/entries/000.p/38", 2), ("checkpoint", 1)):
        os.truncate(folder / path, 2**30)
        assert [(step, code, place) for step, code, _, place in told(quiet(FolderSource(folder)))] == [
            (step, "file-too-large", path)
        ]


@pytest.mark.parametrize("refused", ["open", "scandir"])
def test_a_folder_that_may_not_be_read_is_the_callers_matter(
    refused: str, honest: Honest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No permission is no finding about a ledger."""
    folder = write(tmp_path, honest.files)

    def no(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(sources.os, refused, no)
    with pytest.raises(BadInput) as caught:
        FolderSource(folder)
    assert caught.value.code == "cannot-read"


def test_a_folder_of_more_files_than_anybody_publishes(honest: Honest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Listing comes to an end."""
    monkeypatch.setattr(sources, "FILES_LIMIT", 20)
    with pytest.raises(BadInput) as caught:
        FolderSource(write(tmp_path, honest.files))
    assert caught.value.code == "folder-too-large"


def test_names_that_are_no_text(honest: Honest, tmp_path: Path) -> None:
    """A file name of arbitrary bytes can be reported."""
    folder = write(tmp_path, honest.files)
    (folder / os.fsdecode(b"\xff\n")).write_bytes(b"")
    report = quiet(FolderSource(folder))
    assert told(report) == [(4, "file-stray", None, "\\udcff\\n")]
    assert b"udcff" in report.to_json()
    assert printable("TPS 001/\u202eabc\x1b") == "TPS 001/\\u202eabc\\x1b"


# --- a ledger's own entries -------------------------------------------------------------------------------------------


def given(entries: list[bytes]) -> EntriesSource:
    """A source as a node would be one."""
    return EntriesSource(checkpoint_of(entries, SIGNER), lambda start, stop: iter(entries[start:stop]), name="a ledger")


def test_entries_without_files(honest: Honest) -> None:
    """Everything but the totals can be verified from entries and checkpoint alone, and that is said."""
    report = quiet(given(honest.entries))
    assert (report.ok, outcomes(report), report.source) == (True, "ppppppppn", "a ledger")
    assert "no shown totals were compared" in report.sentence("en")


@pytest.mark.parametrize("raising", [False, True])
def test_an_entry_that_the_ledger_does_not_give(raising: bool, honest: Honest) -> None:
    """A row deleted behind the triggers: the entries before it are checked, none after it is taken for it."""

    def entries(start: int, stop: int) -> Iterator[bytes]:
        yield from honest.entries[start:20]
        if raising:
            raise Broken("store-damaged", "an entry is missing", index=20)

    report = quiet(EntriesSource(checkpoint_of(honest.entries, SIGNER), entries, name="a ledger"))
    assert told(report) == [(2, "entry-missing", 20, "entries/20")]
    assert outcomes(report) == "pfnnnnnnn"
    assert [step.checked for step in report.steps] == [1, 20, 20, 0, 20, 20, 20, 20, 0]


def test_a_store_that_cannot_be_read_is_no_finding() -> None:
    """A full disk or a locked database is for the administrator."""

    entries = long_ledger(300)

    def read(start: int, stop: int) -> Iterator[bytes]:
        yield from entries[start : min(stop, 280)]
        if stop > 280:
            raise Broken("disk-full", "the disk is full")

    source = EntriesSource(checkpoint_of(entries, SIGNER), read, name="a ledger")
    with ThreadPoolExecutor(1) as executor, pytest.raises(Broken):
        verify(source, ledger_id=None, executor=executor, progress=None, known=None)


class Ledger:
    """A node's rows, to be tampered with on their way to the auditor."""

    def __init__(self, node: Node) -> None:
        with node.entries() as rows:
            self.stored = [(row.index, row.event_id, row.leaf) for row in rows]
        with node.entries() as rows:
            self.entries = [row.entry for row in rows]
        with node.database.reading() as connection:
            self.projection: list[Row] = list(projection_rows(connection))
        self.checkpoint = node.head().checkpoint

    def report(self, *, stored: list[tuple[int, bytes, bytes]] | None = None, projection: list[Row] | None = None) -> Report:
        """The auditor's report on the ledger with these columns and views."""
        source = EntriesSource(self.checkpoint, lambda start, stop: iter(self.entries[start:stop]), name="a ledger")
        return quiet(source, stored=iter(stored or self.stored), projection=iter(projection or self.projection))


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    """Founding and season in a real ledger folder."""
    world = World()
    with make_node(tmp_path_factory.mktemp("ledger") / "ledger", world) as node:
        node.submit(submissions_of([*world.founding(), *season(world)]))
        return Ledger(node)


def test_a_ledger_folder_is_verified_with_its_views_and_columns(ledger: Ledger) -> None:
    """What intake wrote is, row by row, what the auditor's fold gives."""
    report = ledger.report()
    assert (told(report), outcomes(report)) == ([], "ppppppppp")
    assert report.steps[-1].checked == len(ledger.projection)


def test_every_single_row_of_the_views_is_compared(ledger: Ledger) -> None:
    """One row at a time changed, taken away, added: found with table and key, and nothing else is."""
    for at, (table, key, row) in enumerate(ledger.projection):
        before, after = ledger.projection[:at], ledger.projection[at + 1 :]
        changed = ledger.report(projection=[*before, (table, key, row + b"\0"), *after])
        assert [(failure.step, failure.code) for failure in changed.failures] == [(9, "projection-differs")]
        missing = ledger.report(projection=[*before, *after])
        assert [(failure.step, failure.code) for failure in missing.failures] == [(9, "projection-missing")]
        stray = ledger.report(projection=[*before, (table, key, row), (table, key + b"\0", row), *after])
        assert [(failure.step, failure.code) for failure in stray.failures] == [(9, "projection-stray")]
        assert missing.failures[0].place == changed.failures[0].place
        assert changed.failures[0].place.startswith(f"{table}/")


def test_a_total_changed_in_the_view_is_found_with_table_and_key(ledger: Ledger) -> None:
    """The very thing that happened in 2024: a sum that no form gives."""
    key = sums_key("mayor", "1771")
    rows = [
        (table, each, SUMS.encode(SUMS.decode(row).plus(SUMS.decode(row))) if (table, each) == ("sums", key) else row)
        for table, each, row in ledger.projection
    ]
    assert told(ledger.report(projection=rows)) == [(9, "projection-differs", None, "sums/mayor/1771")]


def test_places_in_views_can_be_read(ledger: Ledger) -> None:
    """Keys as their ids, versions and voids by log index."""
    places = {
        ledger.report(projection=[each for each in ledger.projection if each is not row]).failures[0].place
        for row in ledger.projection[:: len(ledger.projection) // 60]
    }
    assert all(place.isprintable() and place.isascii() for place in places)
    voids = [row for row in ledger.projection if row[0] == "voids"]
    assert {
        ledger.report(projection=[each for each in ledger.projection if each is not row]).failures[0].place for row in voids
    } == {f"voids/{int.from_bytes(key)}" for _, key, _ in voids}


def test_rows_of_an_unknown_table_and_no_rows_at_all(ledger: Ledger) -> None:
    """A table that no projection has; a projection that was dropped and not rebuilt."""
    assert told(ledger.report(projection=[*ledger.projection, ("zeros", b"a", b"b")])) == [(9, "projection-stray", None, "zeros/a")]
    gone = quiet(given(ledger.entries), projection=iter(()))
    assert {failure.code for failure in gone.failures} == {"projection-missing"}
    assert gone.stopped
    assert len(PROJECTION) == 22


@pytest.mark.parametrize("index", [0, 20, 37])
def test_columns_that_repeat_an_entry(index: int, ledger: Ledger) -> None:
    """Event id and leaf hash beside the entry are what is in the entry; no row is missing or too many."""
    rows = ledger.stored
    number, event_id, leaf = rows[index]

    def with_row(*row: tuple[int, bytes, bytes]) -> list[tuple[int, str, int | None, str]]:
        return told(ledger.report(stored=[*rows[:index], *row, *rows[index + 1 :]]))

    assert with_row((number, event_id, bytes(32))) == [(4, "stored-differs", index, f"entries/{index}/leaf")]
    assert with_row((number, bytes(32), leaf)) == [(2, "stored-differs", index, f"entries/{index}/event_id")]
    assert with_row() == [(2, "stored-missing", index, f"entries/{index}")]
    assert told(ledger.report(stored=[*rows, (38, event_id, leaf)])) == [(2, "stored-stray", 38, "entries/38")]


def test_a_row_deleted_from_a_real_store(tmp_path: Path) -> None:
    """Behind the triggers, with everything read from the database: one finding, and where."""
    world = World()
    with make_node(tmp_path / "ledger", world) as node:
        node.submit(submissions_of([*world.founding(), *season(world)]))
    with closing(sqlite3.connect(tmp_path / "ledger" / "ledger.db")) as database, database:
        database.execute("DROP TRIGGER entries_no_delete")
        database.execute("DELETE FROM entries WHERE idx = 20")
    with Node.open(tmp_path / "ledger", clock=lambda: 0) as node, node.database.reading() as connection:
        source = EntriesSource(
            node.head().checkpoint,
            lambda start, stop: (row.entry for row in read_entries(connection, start, stop)),
            name="a ledger",
        )
        stored = ((row.index, row.event_id, row.leaf) for row in read_entries(connection, 0, 38))
        report = quiet(source, stored=stored, projection=projection_rows(connection))
    assert told(report) == [(2, "entry-missing", 20, "entries/20")]


def test_columns_whose_store_says_that_one_is_missing(ledger: Ledger) -> None:
    """The entries came from elsewhere and are whole; the columns are not."""

    def stored() -> Iterator[tuple[int, bytes, bytes]]:
        yield from ledger.stored[:20]
        raise Broken("store-damaged", "an entry is missing", index=20)

    assert told(quiet(given(ledger.entries), stored=stored())) == [(2, "stored-missing", 20, "entries/20")]


def test_columns_that_cannot_be_read_are_no_finding(ledger: Ledger) -> None:
    """A full disk is for the administrator."""

    def stored() -> Iterator[tuple[int, bytes, bytes]]:
        yield from ledger.stored[:20]
        raise Broken("disk-full", "the disk is full")

    with pytest.raises(Broken):
        quiet(given(ledger.entries), stored=stored())


def test_a_ledger_without_an_entry() -> None:
    """Nothing is verified where nothing is."""
    report = quiet(EntriesSource(b"", lambda _start, _stop: iter(()), name="a ledger"))
    assert (told(report), outcomes(report)) == ([(1, "log-empty", None, "checkpoint")], "fnnnnnnnn")


def test_a_view_of_a_ledger_whose_entries_cannot_be_folded_is_not_evaluated(ledger: Ledger) -> None:
    """No comparison with a state that is not there."""
    entries = [*ledger.entries[:20], ledger.entries[20] + b"\0", *ledger.entries[21:]]
    source = EntriesSource(ledger.checkpoint, lambda start, stop: iter(entries[start:stop]), name="a ledger")
    report = quiet(source, projection=iter(ledger.projection))
    assert report.steps[-1].outcome == "not-evaluated"
    assert all(failure.step < 6 for failure in report.failures)


# --- the stranger's own needs -----------------------------------------------------------------------------------------


def test_a_whole_verification_runs_where_no_database_and_no_command_line_is(honest: Honest, tmp_path: Path) -> None:
    """With everything unimportable that an auditor need not install."""
    folder = write(tmp_path, publication(honest.entries, SIGNER))
    code = (
        "import sys\nfor name in ('sqlalchemy', 'click', 'rich', 'psycopg'):\n    sys.modules[name] = None\n"
        "from pathlib import Path\nfrom ledger.audit.sources import FolderSource\nfrom ledger.audit.verify import verify\n"
        "report = verify(FolderSource(Path(sys.argv[1])), ledger_id=None, executor=None, progress=None, known=None)\n"
        "print(report.ok, sorted(name for name in sys.modules if name.startswith(('ledger.store', 'ledger.node', 'ledger.log'))))\n"
    )
    source = Path(__file__).resolve().parents[2] / "src"
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder)],
        env={**os.environ, "PYTHONPATH": str(source)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "True []\n", done.stderr
