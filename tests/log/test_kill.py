"""kill -9: whatever was acknowledged is in the log, whenever the writer dies."""

from __future__ import annotations

import multiprocessing
import os
import random
import shutil
import signal
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Event, Thread

import pytest

from ledger.audit.sources import FolderSource
from ledger.audit.verify import verify
from ledger.errors import LedgerError
from ledger.files import Files
from ledger.log.append import Appended
from ledger.node import Node
from ledger.proof.checkpoint import Checkpoint, open_checkpoint, parse_checkpoint
from ledger.proof.merkle import check_consistency, leaf_hash, prove_consistency, root_at
from ledger.proof.note import parse_note
from ledger.proof.tiles import decode_bundle, entry_layout, tile_layout
from ledger.tally.signing import open_entry
from ledger.witness.collecting import folder_tiles

from ..world import STATIONS, Clock, World, check_log, make_node, submissions_of, submitted
from . import killed

ROUNDS = 20
ACKNOWLEDGED_MOST = 80

_processes = multiprocessing.get_context("forkserver")  # forks from a process without threads
_processes.set_forkserver_preload(["tests.log.killed"])


def founded(folder: Path) -> World:
    """A ledger with its founding, closed."""
    world = World()
    with make_node(folder, world) as node:
        node.submit(submissions_of(world.founding()))
    return world


def killed_after(
    target: Callable[[str, int, Connection], None], folder: Path, seed: int, acknowledgments: int, pause: float = 0
) -> list[bytes]:
    """Runs the writer, kills it ``pause`` seconds after that many acknowledgments, and gives all that it acknowledged."""
    ours, theirs = _processes.Pipe(duplex=True)
    child = _processes.Process(target=target, args=(str(folder), seed, theirs), daemon=True)
    child.start()
    theirs.close()
    told: list[bytes] = []
    while len(told) < acknowledgments:
        told.append(ours.recv_bytes())
    time.sleep(pause)
    assert child.pid is not None
    os.kill(child.pid, signal.SIGKILL)
    child.join()
    assert child.exitcode == -signal.SIGKILL
    try:
        while True:
            told.append(ours.recv_bytes())
    except (EOFError, OSError):  # the last message may be torn: that event was not acknowledged
        ours.close()
    return told


def missing(folder: Path, told: list[bytes]) -> tuple[int, list[bytes]]:
    """The log's size and the acknowledged events that are not in it; the log itself is found good."""
    with Node.open(folder, clock=Clock()) as node:
        there = {open_entry(entry).event.event_id for entry in check_log(node)}
        return len(there), [event_id for event_id in told if event_id not in there]


def rounds(folder: Path, seed: int) -> None:
    """Kills the writer again and again over one ledger, checking everything after each."""
    world = founded(folder)
    chance = random.Random(seed)
    told: list[bytes] = []
    before = 9
    for number in range(ROUNDS):
        told += killed_after(killed.run, folder, seed * 1_000 + number, chance.randrange(ACKNOWLEDGED_MOST))
        size, lost = missing(folder, told)
        assert lost == [], (seed, number)
        assert size >= before
        before = size
    assert len(set(told)) == len(told) > ROUNDS
    with Node.open(folder, clock=Clock()) as node:
        stream = node.stream(world.key("commission").point)
        at = world.stream("commission")
        assert (at.position, at.previous) == (stream.position, stream.previous)
        events = [world.enrol(world.key_row("late", "officer", "17", "late")), world.sign("late", submitted(STATIONS[0]))]
        assert all(isinstance(answer, Appended) for answer in node.submit(submissions_of(events)))
        assert len(check_log(node)) == before + 2


def test_acknowledged_events_survive_a_kill(tmp_path: Path) -> None:
    """Twenty kills at seeded moments: no acknowledged event is lost, chain, tree and replay are good, and the log goes on."""
    rounds(tmp_path / "ledger", seed=1)


@pytest.mark.campaign
@pytest.mark.parametrize("seed", range(2, 12))
def test_acknowledged_events_survive_many_kills(tmp_path: Path, seed: int) -> None:
    """Two hundred kills more, over ten ledgers."""
    rounds(tmp_path / "ledger", seed=seed)


def note_size(note: bytes) -> int:
    """The tree size of a signed checkpoint."""
    return parse_checkpoint(parse_note(note).text).size


class Publication:
    """What a reader has seen of a folder while it is being published, one checkpoint after the other, from every process."""

    def __init__(self, public: Path, world: World) -> None:
        self._public = public
        self._world = world
        self.seen: list[Checkpoint] = []
        self.pairs = 0
        self.wrong: list[str] = []

    def look(self) -> int:
        """Reads the checkpoint; if it is another than before, all that it implies, and compares it with every one before.  Its
        size.  What is wrong is in ``wrong``."""
        path = self._public / "checkpoint"
        if not path.exists():
            return 0
        checkpoint = open_checkpoint(path.read_bytes(), [self._world.signer.key], self._world.origin)
        if not self.seen or self.seen[-1] != checkpoint:
            try:
                self._check(checkpoint)
            except (LedgerError, OSError, AssertionError) as problem:
                self.wrong.append(f"{checkpoint.size}: {problem!r}")
            self.seen.append(checkpoint)
        return checkpoint.size

    def _check(self, new: Checkpoint) -> None:
        tiles = folder_tiles(self._public, Files(), size=new.size)
        hashes = b"".join(tiles(0, tile.number, tile.width) for tile in tile_layout(new.size) if tile.level == 0)
        for tile in entry_layout(new.size):
            entries = decode_bundle((self._public / tile.path).read_bytes(), tile.width)
            assert b"".join(leaf_hash(entry) for entry in entries) == hashes[tile.number * 8_192 :][: tile.width * 32]
        assert root_at(new.size, tiles) == new.root
        for old in self.seen:
            assert old.size <= new.size, "an older checkpoint replaced a newer one"
            path = prove_consistency(old.size, new.size, tiles)
            check_consistency(old=old.size, new=new.size, old_root=old.root, new_root=new.root, path=path)
            self.pairs += 1
        if not (self._public / "recap" / str(new.size) / "recap_root").exists():  # two publications later it is removed
            assert note_size((self._public / "checkpoint").read_bytes()) > new.size, "no recap"

    def watch(self, stop: Event) -> None:
        """Looks again and again."""
        while not stop.is_set():
            self.look()


def killed_while_watched(watched: Publication, folder: Path, seed: int, publications: int, pause: float) -> list[bytes]:
    """As ``killed_after``, and so many seconds later, so that it may be anywhere; a reader looks on all the time."""
    stop = Event()
    reader = Thread(target=watched.watch, args=(stop,))
    reader.start()
    try:
        return killed_after(killed.publisher, folder, seed, publications, pause)
    finally:
        stop.set()
        reader.join()


def publisher_rounds(place: Path, seed: int, kills: int) -> int:
    """Kills an appending and publishing process again and again, while a reader looks on: no two checkpoints that were ever shown
    contradict each other, and each had all that it implies.  After each kill: no note that was shown, or told, is ahead of the
    anchor; the anchor is not ahead of the log; an auditor finds nothing but what is not shown yet; publishing again completes the
    folder, which at the end restores to the very log.  How many kills fell into a publication."""
    folder, anchor, public = place / "ledger", place / "anchor", place / "public"
    world = founded(folder)
    with Node.open(folder, clock=Clock()) as node:
        node.set_anchor(anchor)
    chance = random.Random(seed)
    watched = Publication(public, world)
    shown_before = broken_off = 0
    for number in range(kills):
        told = killed_while_watched(watched, folder, seed * 1_000 + number, chance.randrange(3), chance.random() / 8)
        shown = watched.look()
        assert watched.wrong == []
        kept = note_size(anchor.read_bytes())
        assert max([shown_before, *(int.from_bytes(size) for size in told)]) <= shown <= kept
        if shown:
            report = verify(FolderSource(public), ledger_id=world.ledger, executor=None, progress=None, known=None)
            codes = {failure.code for failure in report.failures}
            assert codes <= {"file-beyond-checkpoint", "file-stray"}
            broken_off += bool(codes)
        with Node.open(folder, clock=Clock()) as node:
            assert kept <= node.head().size
            shown_before = node.publish(public).size
            assert note_size(anchor.read_bytes()) == shown_before == node.head().size
        assert watched.look() == shown_before
        assert watched.wrong == []
    source = FolderSource(public)
    report = verify(source, ledger_id=World().ledger, executor=None, progress=None, known=None)
    assert (report.failures, report.size) == ((), shown_before)
    with make_node(place / "again", World()) as again:
        assert again.append_missing(source.entries(0, shown_before), note=source.checkpoint()) == (0, shown_before)
        with Node.open(folder, clock=Clock()) as node:
            assert again.head() == node.head()
            assert check_log(again) == check_log(node)
    print(
        f"publisher: kills {kills}, within a publication {broken_off}; checkpoints seen {len(watched.seen)}, pairs compared "
        f"{watched.pairs}, inconsistent {len(watched.wrong)}; entries {shown_before}"
    )
    return broken_off


def test_a_killed_publisher_shows_nothing_that_the_anchor_lacks(tmp_path: Path) -> None:
    """A smoke of the campaign below."""
    publisher_rounds(tmp_path, seed=1, kills=8)


@pytest.mark.campaign
@pytest.mark.parametrize("seed", range(2, 12))
def test_a_publisher_killed_two_hundred_times(tmp_path: Path, seed: int) -> None:
    """Twenty kills over each of ten ledgers."""
    assert publisher_rounds(tmp_path, seed=seed, kills=20) > 0


def test_a_lost_acknowledged_event_is_noticed(tmp_path: Path) -> None:
    """The check above can fail: a writer that acknowledges before it appends is found out."""
    founded(tmp_path / "ledger")
    told = killed_after(killed.liar, tmp_path / "ledger", 0, 1)
    assert missing(tmp_path / "ledger", told) == (9, told)


def test_the_reader_can_fail(tmp_path: Path) -> None:
    """An older checkpoint put back, a tile that is gone, and another history of one size are each noticed."""
    world, public = founded(tmp_path / "ledger"), tmp_path / "public"
    other = World(name="Lain")
    with make_node(tmp_path / "other", other) as node:
        node.submit(submissions_of(other.founding()))
        node.publish(tmp_path / "second")
    with Node.open(tmp_path / "ledger", clock=Clock()) as node:
        node.publish(public)
        first = (public / "checkpoint").read_bytes()
        watched = Publication(public, world)
        assert (watched.look(), watched.wrong) == (9, [])
        node.submit([world.sign("officer", submitted(STATIONS[0])).submission])
        node.publish(public)
        assert (watched.look(), watched.pairs, watched.wrong) == (10, 1, [])
    (public / "checkpoint").write_bytes(first)
    assert watched.look() == 9
    (public / "tile" / "0" / "000.p" / "9").unlink()
    again = Publication(public, world)
    assert again.look() == 9
    assert [len(watched.wrong), len(again.wrong)] == [1, 1]
    shutil.rmtree(public)
    shutil.copytree(tmp_path / "second", public)
    assert watched.look() == 9
    assert len(watched.wrong) == 2
