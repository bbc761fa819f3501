"""The publisher's fault table: every file call of a publication fails once, having taken effect or not; then it is published again.

Three publications (the first, one over a tile's edge, one that removes an old recap), every call of each by its number, the
anchor's calls among them.  What a reader meets between the two is good, and the end is that of a publisher that never failed, byte
for byte.
"""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import pytest

from ledger.audit.sources import FolderSource
from ledger.audit.verify import verify
from ledger.errors import LedgerError
from ledger.files import Calls, Files
from ledger.log.anchor import Anchor
from ledger.log.publish import publish
from ledger.node import Node
from ledger.proof.checkpoint import parse_checkpoint
from ledger.proof.note import parse_note

from ..disk_faults import Crash, Failing, Told, Unsynced, as_if_dead
from ..world import World, make_node, season, submissions_of
from .test_publish import contents, filler

Content = dict[str, bytes]


class Case(NamedTuple):
    """A publication: the ledger at its head, the folder before (None: none) with its anchor's note, and what fresh publications
    hold at each size that may be shown."""

    node: Node
    start: Path | None
    anchor: bytes
    fresh: dict[int, Content]

    @property
    def sizes(self) -> set[int]:
        """What may be shown: before and after."""
        return {0 if self.start is None else min(self.fresh), self.node.head().size}


def size_of(note: bytes | None) -> int:
    """The tree size of a signed checkpoint; 0 for none."""
    return 0 if note is None else parse_checkpoint(parse_note(note).text).size


def grown(place: Path, sizes: tuple[int, ...], events: list[bytes]) -> Case:
    """A ledger that was published into one folder at each of ``sizes`` but the last, and stands at that one."""
    node = make_node(place / "ledger", World())
    fresh: dict[int, Content] = {}
    folder, note = place / "start", b""
    for before, size in zip((0, *sizes), sizes, strict=False):
        node.submit(events[before:size])
        assert node.head().size == size
        node.publish(place / f"fresh-{size}")
        fresh[size] = contents(place / f"fresh-{size}")
        if size != sizes[-1]:
            node.publish(folder)
            note = node.head().checkpoint
    published = sorted(fresh)[-2:]
    return Case(node, folder if folder.exists() else None, note, {size: fresh[size] for size in published})


SIZES: dict[str, tuple[int, ...]] = {"first": (12,), "over a tile's edge": (254, 259), "old recap removed": (9, 11, 14)}


@pytest.fixture(scope="module", params=list(SIZES))
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Case]:
    """Each publication, made once; tests copy its folder."""
    world = World()
    events = submissions_of([*world.founding(), *islice(season(world), 5)])
    events += filler(world, max(SIZES[request.param]))
    made = grown(tmp_path_factory.mktemp("case"), SIZES[request.param], events)
    yield made
    made.node.close()


class Tried:
    """One folder of a case, with its anchor beside it."""

    def __init__(self, case: Case, place: Path) -> None:
        self.case = case
        self.folder = place / "public"
        self.anchor = place / "anchor"
        place.mkdir()
        if case.start is not None:
            shutil.copytree(case.start, self.folder)
        self.anchor.write_bytes(case.anchor)

    def publish(self, calls: Calls) -> None:
        """As a process that has just started."""
        files = Files(calls)
        anchor = Anchor(self.anchor, published=self.folder, key=self.case.node.signer.key, files=files)
        publish(self.case.node.database, self.folder, files, anchor=anchor)

    def shown(self) -> int:
        """The size that a reader meets, who finds all that it implies, and the anchor not behind it."""
        found = contents(self.folder) if self.folder.exists() else {}
        size = size_of(found.get("checkpoint"))
        assert size in self.case.sizes
        if size:
            missing = {path for path, data in self.case.fresh[size].items() if found.get(path) != data}
            assert missing == set(), missing
        assert size_of(self.anchor.read_bytes() or None) >= size
        return size


def unsynced(made: list[Told]) -> list[Told]:
    """Names that were given and whose folder was not synced afterwards; those of files and folders that a checkpoint implies,
    before the last rename that put one in place."""
    shown = [at for at, (name, args) in enumerate(made) if name == "rename" and str(args[1]).endswith("/public/checkpoint")]
    last = max(shown)
    synced: dict[str, list[int]] = {}
    for at, (name, args) in enumerate(made):
        if name == "sync_folder":
            synced.setdefault(args[0], []).append(at)
    found = []
    for at, (name, args) in enumerate(made):
        if name not in ("make_folder", "link", "rename") or str(args[-1]).endswith(".tmp") or at in shown[:-1]:
            continue
        path = Path(args[-1] if name != "make_folder" else args[0])
        ends = last if at < last else len(made)
        if not any(at < moment < ends for moment in synced.get(str(path.parent), [])):
            found.append((name, args))
    return found


@pytest.mark.parametrize("stored", [False, True], ids=["not stored", "stored"])
@pytest.mark.parametrize(
    "how", [OSError(errno.EIO, "bad disk"), pytest.param(Crash(), marks=pytest.mark.campaign)], ids=["fails", "dies"]
)
def test_every_file_call_fails_once(case: Case, tmp_path: Path, how: BaseException, stored: bool) -> None:
    """The first try ends in a coded error and shows the checkpoint before or the new one; the second gives the very folder and
    anchor of a publisher that never failed, and every name in it was synced before the checkpoint that implies it."""
    whole = Tried(case, tmp_path / "whole")
    counting = Failing(0, Crash(), stored=True, over=Unsynced)
    whole.publish(counting)
    good, shown, failed = contents(whole.folder), set(), set()
    assert unsynced(counting.made) == []
    for at in range(1, counting.count + 1):
        tried = Tried(case, tmp_path / str(at))
        failing = Failing(at, how, stored=stored, over=Unsynced)
        with pytest.raises((LedgerError, Crash)) as told:
            tried.publish(failing)
        assert isinstance(told.value, Crash) == isinstance(how, Crash), at
        failing.forget()
        failed.add(failing.failed)
        between = tried.shown()
        shown.add(between)
        again = Failing(0, Crash(), stored=True, over=Unsynced)
        with as_if_dead():
            tried.publish(again)
        assert tried.shown() == case.node.head().size >= between
        assert contents(tried.folder) == good, (at, failing.failed)
        assert tried.anchor.read_bytes() == whole.anchor.read_bytes()
        assert unsynced([*failing.made, *again.made]) == [], (at, failing.failed)
        shutil.rmtree(tmp_path / str(at))
    assert shown == case.sizes
    assert failed == {name for name, _ in counting.made}
    assert {"create", "write", "sync", "rename", "link", "unlink", "lock", "sync_folder"} <= failed


@pytest.mark.parametrize("step", [7, pytest.param(1, marks=pytest.mark.campaign)])
def test_one_that_broke_off_and_a_log_that_grew_meanwhile(tmp_path: Path, step: int) -> None:
    """Nothing of a recap that was never shown is left, the one that was shown before is, and the folder verifies."""
    world = World()
    events = submissions_of([*world.founding(), *islice(season(world), 5)])
    start = grown(tmp_path / "case", (9, 11), events)
    whole = Tried(start, tmp_path / "whole")
    counting = Failing(0, Crash(), stored=True, over=Unsynced)
    whole.publish(counting)
    broken: list[tuple[Tried, int]] = []
    for at in (*range(1, counting.count, step), counting.count):
        tried = Tried(start, tmp_path / str(at))
        with pytest.raises(Crash):
            tried.publish(Failing(at, Crash(), stored=True, over=Unsynced))
        broken.append((tried, tried.shown()))
    start.node.submit(events[11:14])
    for tried, shown in broken:
        with as_if_dead():
            tried.publish(Unsynced())
        assert {path.name for path in (tried.folder / "recap").iterdir()} == {str(shown), "14"}
        report = verify(FolderSource(tried.folder), ledger_id=world.ledger, executor=None, progress=None, known=None)
        assert (report.failures, report.size) == ((), 14)
    assert {shown for _, shown in broken} == {9, 11}
    start.node.close()
