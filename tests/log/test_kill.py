"""kill -9: whatever was acknowledged is in the log, whenever the writer dies."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from ledger.audit.sources import FolderSource
from ledger.audit.verify import verify
from ledger.log.append import Appended
from ledger.node import Node
from ledger.proof.checkpoint import parse_checkpoint
from ledger.proof.note import parse_note
from ledger.tally.signing import open_entry

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


def killed_after(target: Callable[[str, int, Connection], None], folder: Path, seed: int, acknowledgments: int) -> list[bytes]:
    """Runs the writer, kills it once that many events were acknowledged, and gives all that it acknowledged."""
    ours, theirs = _processes.Pipe(duplex=True)
    child = _processes.Process(target=target, args=(str(folder), seed, theirs), daemon=True)
    child.start()
    theirs.close()
    told: list[bytes] = []
    while len(told) < acknowledgments:
        told.append(ours.recv_bytes())
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


def publisher_rounds(place: Path, seed: int, kills: int) -> None:
    """Kills an appending and publishing process again and again.  After each: no note that was shown, or told, is ahead of the
    anchor; the anchor is not ahead of the log; publishing again completes the folder, which then restores to the very log."""
    folder, anchor, public = place / "ledger", place / "anchor", place / "public"
    founded(folder)
    with Node.open(folder, clock=Clock()) as node:
        node.set_anchor(anchor)
    chance = random.Random(seed)
    shown_before = 0
    for number in range(kills):
        told = killed_after(killed.publisher, folder, seed * 1_000 + number, chance.randrange(4))
        shown = note_size((public / "checkpoint").read_bytes()) if (public / "checkpoint").exists() else 0
        kept = note_size(anchor.read_bytes())
        assert max([shown_before, *(int.from_bytes(size) for size in told)]) <= shown <= kept
        with Node.open(folder, clock=Clock()) as node:
            assert kept <= node.head().size
            shown_before = node.publish(public).size
            assert note_size(anchor.read_bytes()) == shown_before == node.head().size
    source = FolderSource(public)
    report = verify(source, ledger_id=World().ledger, executor=None, progress=None, known=None)
    assert (report.failures, report.size) == ((), shown_before)
    with make_node(place / "again", World()) as again:
        assert again.append_missing(source.entries(0, shown_before), note=source.checkpoint()) == (0, shown_before)
        with Node.open(folder, clock=Clock()) as node:
            assert again.head() == node.head()
            assert check_log(again) == check_log(node)


def test_a_killed_publisher_shows_nothing_that_the_anchor_lacks(tmp_path: Path) -> None:
    """A smoke of the campaign below."""
    publisher_rounds(tmp_path, seed=1, kills=8)


@pytest.mark.campaign
@pytest.mark.parametrize("seed", range(2, 12))
def test_a_publisher_killed_two_hundred_times(tmp_path: Path, seed: int) -> None:
    """Twenty kills over each of ten ledgers."""
    publisher_rounds(tmp_path, seed=seed, kills=20)


def test_a_lost_acknowledged_event_is_noticed(tmp_path: Path) -> None:
    """The check above can fail: a writer that acknowledges before it appends is found out."""
    founded(tmp_path / "ledger")
    told = killed_after(killed.liar, tmp_path / "ledger", 0, 1)
    assert missing(tmp_path / "ledger", told) == (9, told)
