"""The published folder: the same bytes however it grew, complete at every moment, and never a second history."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.errors import BadInput, Broken, Waiting
from ledger.files import Calls, Files
from ledger.log.anchor import Anchor
from ledger.log.publish import publish
from ledger.node import Node
from ledger.proof.checkpoint import parse_checkpoint
from ledger.proof.note import parse_note
from ledger.proof.tiles import decode_bundle, entries_path
from ledger.tally.pages import recap_pages, recap_root

from ..disk_faults import Crash, Failing, Unsynced
from ..governed import Governed, GovernedLog, submissions
from ..rekeying import LOG_2, log_private, log_signer, rekeyed
from ..test_files import Recorder, after_power_cut, also_if_it_reached_the_disk
from ..world import Clock, World, held, make_node, season, submissions_of

SIZES = (1, 2, 255, 256, 257, 300)


def filler(world: World, count: int) -> list[bytes]:
    """Events that are always appended (most of them void): to grow a log by ``count``."""
    stations = world.stations
    return [world.sign("officer", held(stations[at % 4])).submission for at in range(count)]


def contents(folder: Path) -> dict[str, bytes]:
    """Path -> bytes of every file below a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    """An empty ledger; tests hold their own world."""
    with make_node(tmp_path / "ledger", World()) as ledger:
        yield ledger


def test_a_folder_that_grew_holds_what_a_fresh_one_holds(node: Node, tmp_path: Path) -> None:
    """Published at sizes 1 to 300, across a full tile: every file of a fresh publication is there with the same bytes."""
    world = World()
    events = submissions_of(world.founding())
    events += filler(world, 300 - len(events))
    grown = tmp_path / "grown"
    at = 0
    for size in SIZES:
        node.submit(events[at:size])
        at = size
        done = node.publish(grown)
        assert (done.size, done.root) == (size, node.head().frontier.root())
        fresh = tmp_path / f"fresh-{size}"
        node.publish(fresh)
        made, new = contents(grown), contents(fresh)
        assert new.items() <= made.items()
        assert all(".p/" in path or path.startswith("recap/") for path in made.keys() - new.keys())
        assert parse_checkpoint(parse_note(made["checkpoint"]).text).size == size
    assert {path.split("/")[1] for path in contents(grown) if path.startswith("recap/")} == {"257", "300"}


def test_the_bundles_are_the_log(node: Node, tmp_path: Path) -> None:
    """Every entry can be taken from the published bundles, byte for byte, and the recap's root follows from its pages."""
    world = World()
    node.submit(submissions_of([*world.founding(), *season(world)]))
    node.publish(tmp_path / "public")
    files = contents(tmp_path / "public")
    size = node.head().size
    with node.entries() as rows:
        assert decode_bundle(files[entries_path(0, size)], size) == [row.entry for row in rows]
    with node.snapshot(at=size) as snapshot:
        pages = list(recap_pages(snapshot.state, size))
    tops = [(page.contest, page.commitment) for page in pages if page.top]
    assert files[f"recap/{size}/recap_root"] == recap_root(ledger=node.ledger_id() or b"", size=size, tops=tops)
    assert {page.data for page in pages} == {
        data for path, data in files.items() if path.startswith("recap/") and not path.endswith("recap_root")
    }
    assert len(tops) == 2


def test_publishing_again_changes_nothing(node: Node, tmp_path: Path) -> None:
    """Without new entries no file changes: also not the recap before, which its readers may still hold."""
    world = World()
    node.submit(submissions_of(world.founding()))
    folder = tmp_path / "public"
    node.publish(folder)
    node.submit(submissions_of(season(world)))
    node.publish(folder)
    before = contents(folder)
    inodes = {path: (folder / path).stat().st_ino for path in before if path != "checkpoint"}
    done = node.publish(folder)
    assert contents(folder) == before
    assert {path: (folder / path).stat().st_ino for path in inodes} == inodes
    assert (done.files, done.size) == (1, node.head().size)
    assert {path.split("/")[1] for path in before if path.startswith("recap/")} == {"9", str(node.head().size)}


def test_an_empty_log_is_not_published(node: Node, tmp_path: Path) -> None:
    """Nothing to publish before the election is opened; and no folder is made."""
    with pytest.raises(Broken, match="log-empty"):
        node.publish(tmp_path / "public")
    assert not (tmp_path / "public").exists()


# --- another history ---------------------------------------------------------------------------------------------------------


def diverges(node: Node, folder: Path) -> None:
    """Publishing there is refused, and not a byte of the folder changes."""
    before = contents(folder)
    with pytest.raises(Broken) as caught:
        node.publish(folder)
    assert caught.value.code == "publication-diverges"
    assert contents(folder) == before


def test_a_folder_of_another_ledger_is_left_alone(node: Node, tmp_path: Path) -> None:
    """Another election's folder, larger, smaller or of the same size."""
    world, other = World(), World(name="Lain")
    node.submit(submissions_of(world.founding()))
    with make_node(tmp_path / "other", other) as stranger:
        theirs = submissions_of([*other.founding(), *season(other)])
        for start, end in ((0, 5), (5, 9), (9, 21)):
            stranger.submit(theirs[start:end])
            stranger.publish(tmp_path / f"their-{end}")
            diverges(node, tmp_path / f"their-{end}")


def test_a_restored_backup_does_not_publish(tmp_path: Path) -> None:
    """A database rolled back behind what was published is told, also once it has grown past it on another branch."""
    world = World()
    founding = submissions_of(world.founding())
    folder, public = tmp_path / "ledger", tmp_path / "public"
    with make_node(folder, world) as node:
        node.submit(founding)
    shutil.copytree(folder, tmp_path / "backup")
    branch = World()
    branch.founding()
    with Node.open(folder, clock=Clock()) as node:
        node.submit(submissions_of(season(world)))
        node.publish(public)
    with Node.open(tmp_path / "backup", clock=Clock()) as node:
        diverges(node, public)
        node.submit(filler(branch, 100))
        assert node.head().size > 40
        diverges(node, public)
    with Node.open(folder, clock=Clock()) as node:
        assert node.publish(public).size == node.head().size


@pytest.mark.parametrize("damage", ["noise", "empty", "text", "size"])
def test_a_folder_with_a_strange_checkpoint_is_told(node: Node, tmp_path: Path, damage: str) -> None:
    """A checkpoint that cannot be read or says another size stops publishing with a code; nothing is written over it."""
    world = World()
    node.submit(submissions_of(world.founding()))
    folder = tmp_path / "public"
    node.publish(folder)
    good = (folder / "checkpoint").read_bytes()
    bad = {"noise": os.urandom(80), "empty": b"", "text": b"hello\n", "size": good.replace(b"\n9\n", b"\n8\n", 1)}[damage]
    (folder / "checkpoint").write_bytes(bad)
    with pytest.raises((Broken, BadInput)):
        node.publish(folder)
    assert (folder / "checkpoint").read_bytes() == bad


def test_an_immutable_file_with_other_bytes_is_told(node: Node, tmp_path: Path) -> None:
    """A tile that somebody put there before us is not overwritten, and the checkpoint stays behind."""
    world = World()
    node.submit(submissions_of(world.founding()))
    folder = tmp_path / "public"
    (folder / "tile" / "0" / "000.p").mkdir(parents=True)
    (folder / "tile" / "0" / "000.p" / "9").write_bytes(b"not the tile")
    with pytest.raises(Broken, match="file-exists-different"):
        node.publish(folder)
    assert not (folder / "checkpoint").exists()


def test_two_publishers_of_one_folder_take_turns(node: Node, tmp_path: Path) -> None:
    """While one holds the folder the other is told to wait and writes nothing; afterwards it publishes."""
    node.submit(submissions_of(World().founding()))
    folder = tmp_path / "public"
    folder.mkdir()
    with Files().locked(folder, wait=False), pytest.raises(Waiting) as caught:
        node.publish(folder)
    assert caught.value.code == "folder-busy"
    assert contents(folder) == {}
    assert node.publish(folder).size == 9


# --- crashes -----------------------------------------------------------------------------------------------------------------


class Stage:
    """A ledger at two sizes, with what a fresh publication holds at each."""

    def __init__(self, place: Path) -> None:
        self.node = make_node(place / "ledger", World())
        world = World()
        self.reference: dict[int, dict[str, bytes]] = {}
        self.node.submit(submissions_of(world.founding()))
        self.old = self._publish(place / "old")
        self.node.submit(submissions_of(list(season(world))[:12]))
        self._publish(place / "new")
        self.place = place

    def _publish(self, folder: Path) -> Path:
        done = self.node.publish(folder)
        self.reference[done.size] = contents(folder)
        return folder

    def complete(self, files: dict[str, bytes | None]) -> int:
        """The size that a folder's checkpoint shows (0: none), and all that it implies is there, whole."""
        if files.get("checkpoint") is None:
            assert "checkpoint" not in files
            return 0
        size = parse_checkpoint(parse_note(files["checkpoint"] or b"").text).size
        missing = [path for path, data in self.reference[size].items() if files.get(path) != data]
        assert missing == []
        return size


def anchor_of(folder: Path) -> Path:
    """Where the anchor of a stage's folder is: beside it."""
    return folder.with_name(f"{folder.name}.anchor")


def publish_staged(stage: Stage, folder: Path, calls: Calls) -> None:
    """Publishes with ``calls``, the anchor's among them; an anchor that was not there is that of the publication before."""
    path = anchor_of(folder)
    if not path.exists():
        path.write_bytes(stage.reference[9]["checkpoint"])
    files = Files(calls)
    anchor = Anchor(path, published=folder, key=stage.node.signer.key, files=files)
    publish(stage.node.database, folder, files, anchor=anchor)


def anchored_size(data: bytes | None) -> int:
    """The tree size that an anchor holds."""
    assert data is not None
    return parse_checkpoint(parse_note(data).text).size


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Made once; tests copy its folders."""
    made = Stage(tmp_path_factory.mktemp("stage"))
    yield made
    made.node.close()


@pytest.mark.parametrize("start", ["nothing", "the publication before"])
@pytest.mark.parametrize("step", [4, pytest.param(1, marks=pytest.mark.campaign)])
def test_a_crash_between_file_calls_leaves_a_good_folder(stage: Stage, tmp_path: Path, start: str, step: int) -> None:
    """Between two calls (each fourth; in the campaign all): the checkpoint names nothing that is not there, and publishing
    again completes the folder."""
    calls = Failing(0, Crash(), stored=True, over=Unsynced)
    publish_staged(stage, _copy(stage, tmp_path / "counted", start), calls)
    assert calls.count > 60
    shown = set()
    for at in (*range(1, calls.count, step), *range(calls.count - 2 * step, calls.count + 1)):
        folder = _copy(stage, tmp_path / str(at), start)
        with pytest.raises(Crash):
            publish_staged(stage, folder, Failing(at, Crash(), stored=True, over=Unsynced))
        shown.add(stage.complete(dict(contents(folder))))
        assert anchored_size(anchor_of(folder).read_bytes()) >= stage.complete(dict(contents(folder)))
        publish_staged(stage, folder, Unsynced())
        assert anchored_size(anchor_of(folder).read_bytes()) == stage.node.head().size
        assert stage.complete(dict(contents(folder))) == stage.node.head().size
        strange = contents(folder).keys() - stage.reference[9].keys() - stage.reference[stage.node.head().size].keys()
        assert all(Path(path).name.startswith(".") and path.endswith(".tmp") for path in strange)  # what the dead left
        shutil.rmtree(folder)
        anchor_of(folder).unlink()
    assert shown == {0 if start == "nothing" else 9, stage.node.head().size}


def _copy(stage: Stage, folder: Path, start: str) -> Path:
    if start != "nothing":
        shutil.copytree(stage.old, folder)
    return folder


@pytest.mark.parametrize("start", ["nothing", "the publication before"])
def test_a_power_cut_after_any_file_call_leaves_a_good_folder(stage: Stage, tmp_path: Path, start: str) -> None:
    """What was not synced is lost, after every call: whatever checkpoint the disk then has, all that it implies is on the disk, and
    the anchor there is not behind it."""
    folder = _copy(stage, tmp_path / "public", start)
    before = {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    before[str(anchor_of(folder))] = stage.reference[9]["checkpoint"]
    recorder = Recorder()
    publish_staged(stage, folder, recorder)
    shown = set()
    ends = [at for at, call in enumerate(recorder.log, 1) if call[0] not in ("create", "write")]  # which concern temporary names
    for end in (0, *ends):
        for disk in (after_power_cut, also_if_it_reached_the_disk):
            found = disk(before, recorder.log[:end])
            anchored = anchored_size(found.pop(str(anchor_of(folder))))
            found = {path: data for path, data in found.items() if Path(path).is_relative_to(folder)}  # without the anchor's own
            shown.add(stage.complete({str(Path(path).relative_to(folder)): data for path, data in found.items()}))
            assert anchored >= stage.complete({str(Path(path).relative_to(folder)): data for path, data in found.items()})
    assert shown == {0 if start == "nothing" else 9, stage.node.head().size}


def test_the_checkpoint_is_the_last_file(stage: Stage, tmp_path: Path) -> None:
    """In the order of calls nothing is made after the checkpoint was put in place."""
    recorder = Recorder()
    publish_staged(stage, tmp_path / "public", recorder)
    made = [Path(str(call[2])).name for call in recorder.log if call[0] in ("rename", "link")]
    assert made[-1] == "checkpoint"
    assert made.count("checkpoint") == 1


def test_a_full_disk_is_told_and_cured(stage: Stage, tmp_path: Path) -> None:
    """No space at any write: ``disk-full``; the folder stays good, and with space again it is completed."""

    class Full(Calls):
        def __init__(self, at: int) -> None:
            self.left = at

        def write(self, fd: int, data: bytes) -> int:
            self.left -= 1
            if self.left < 0:
                raise OSError(errno.ENOSPC, "no space")
            return super().write(fd, data)

    for at in range(12):
        folder = _copy(stage, tmp_path / str(at), "the publication before")
        with pytest.raises(Broken, match="disk-full"):
            publish_staged(stage, folder, Full(at))
        assert stage.complete(dict(contents(folder))) == 9
    stage.node.publish(folder)
    assert stage.complete(dict(contents(folder))) == stage.node.head().size


def test_the_readme_names_what_is_to_be_compared(tmp_path: Path) -> None:
    """In both languages; it is written anew where it was changed or the log was rekeyed, and stays where nothing is new."""
    log = GovernedLog(Governed())
    folder = tmp_path / "public"
    with make_node(tmp_path / "l", log.world) as node:
        node.signers.keep_log_key(log_private(LOG_2))
        for submission in submissions(log.entries):
            node.submit([submission])
        node.publish(folder)
        words = (folder / "README.txt").read_text()
        for said in ((node.ledger_id() or b"").hex(), node.key.vkey, node.key.name, "kunci log / log key", "NOT official results"):
            assert said in words
        (folder / "README.txt").write_bytes(b"x" * len(words.encode()))
        node.publish(folder)
        assert (folder / "README.txt").read_text() == words
        before = (folder / "README.txt").stat().st_mtime_ns
        node.publish(folder)
        assert (folder / "README.txt").stat().st_mtime_ns == before
        node.submit([signed.submission for signed in rekeyed(log.world, log=LOG_2)])
        node.publish(folder)
        assert log_signer(LOG_2).vkey in (folder / "README.txt").read_text()
        assert words.replace(log.world.signer.vkey, log_signer(LOG_2).vkey) == (folder / "README.txt").read_text()
