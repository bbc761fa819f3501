"""Several processes at once: appending to one ledger, publishing into one folder, cosigning it.  The end is a good publication and
no older checkpoint ever takes the place of a newer one."""

from __future__ import annotations

import shutil
import time
from multiprocessing.connection import Connection, wait
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from ledger.audit.sources import FolderSource
from ledger.audit.verify import verify
from ledger.files import Files
from ledger.node import Node
from ledger.proof.note import parse_note
from ledger.tally.signing import open_entry
from ledger.witness.folder import WitnessFolder

from ..witness.stage import cosigner, make_witness, serving
from ..witness.test_faults import contents
from ..world import STATIONS, Clock, World, check_log, submitted
from . import racing
from .test_kill import Publication, _processes, founded, note_size

ROUNDS = pytest.mark.parametrize("rounds", [15, pytest.param(200, marks=pytest.mark.campaign)])


def raced(*runs: tuple[Any, ...]) -> list[list[bytes]]:
    """Runs each (target, argument, ...) as a process with a common gate; what each told."""
    gate = _processes.Barrier(len(runs))
    ends: list[Connection] = []
    children = []
    for target, *words in runs:
        ours, theirs = _processes.Pipe(duplex=False)
        child = _processes.Process(target=target, args=(*words, gate, theirs), daemon=True)
        child.start()
        theirs.close()
        ends.append(ours)
        children.append(child)
    told: dict[Any, list[bytes]] = {end: [] for end in ends}
    left = list(ends)
    while left:
        for end in wait(left, timeout=300) or pytest.fail("a process hangs"):
            try:
                message = end.recv_bytes()  # type: ignore[union-attr]
            except EOFError:
                message = b""
            if message:
                told[end].append(message)
            else:
                left.remove(end)  # type: ignore[arg-type]
    for child in children:
        child.join()
    assert [child.exitcode for child in children] == [0] * len(children)
    return [told[end] for end in ends]


def watched(public: Path, *runs: tuple[Any, ...]) -> tuple[Publication, list[list[bytes]]]:
    """The same, while a reader looks at the folder."""
    reader, stop = Publication(public, World()), Event()
    thread = Thread(target=reader.watch, args=(stop,))
    thread.start()
    try:
        told = raced(*runs)
    finally:
        stop.set()
        thread.join()
    reader.look()
    assert reader.wrong == []
    return reader, told


def witness_of(world: World, place: Path) -> Path:
    """A witness's folder that knows the log of this world."""
    make_witness(place)
    with WitnessFolder.open(place, files=Files()) as folder:
        folder.add_log(world.signer.key)
    return place


def verified(public: Path) -> int:
    """The size of a folder in which an auditor finds nothing."""
    report = verify(FolderSource(public), ledger_id=World().ledger, executor=None, progress=None, known=None)
    assert report.failures == ()
    return report.size


@ROUNDS
@pytest.mark.parametrize("anchored", [False, True], ids=["no anchor", "anchor"])
def test_two_processes_append_and_publish_at_once(tmp_path: Path, anchored: bool, rounds: int) -> None:
    """Of one ledger, into one folder: every acknowledged event is in the log once, what each published is never below what it
    published before, and the folder is that of a publisher who was alone."""
    folder, public = tmp_path / "ledger", tmp_path / "public"
    founded(folder)
    with Node.open(folder, clock=Clock()) as node:
        if anchored:
            node.set_anchor(tmp_path / "anchor")
    names = ("officer", "importer")
    reader, told = watched(public, *((racing.append_and_publish, folder, public, name, rounds) for name in names))
    with Node.open(folder, clock=Clock()) as node:
        there = [open_entry(entry).event.event_id for entry in check_log(node)]
        acknowledged = [ids[at : at + 32] for said in told for ids in said[::2] for at in range(0, len(ids), 32)]
        assert len(acknowledged) == 2 * sum(1 + number % 3 for number in range(rounds)) == len(there) - 9
        assert sorted(acknowledged) == sorted(there[9:])
        for said in told:
            sizes = [int.from_bytes(size) for size in said[1::2]]
            assert sizes == sorted(sizes)
        assert reader.seen[-1].size == node.head().size == verified(public)
        node.publish(tmp_path / "alone")
        assert contents(tmp_path / "alone").items() <= contents(public).items()
        if anchored:
            assert note_size((tmp_path / "anchor").read_bytes()) == node.head().size
    print(f"rounds {rounds}; checkpoints seen {len(reader.seen)}, pairs compared {reader.pairs}, inconsistent 0")


@ROUNDS
def test_a_node_that_is_behind_publishes_at_once_with_one_that_is_ahead(tmp_path: Path, rounds: int) -> None:
    """Two databases, the one an older copy of the other: whoever is first, the newer checkpoint stays; the one behind
    publishes before that or is refused."""
    world = founded(tmp_path / "behind")
    shutil.copytree(tmp_path / "behind", tmp_path / "ahead")
    with Node.open(tmp_path / "ahead", clock=Clock()) as node:
        node.submit([world.sign(f"{station}/1", submitted(station)).submission for station in STATIONS])
        assert node.head().size == 13
    place = tmp_path / "public"
    behind, ahead = raced(*((racing.publish_each, tmp_path / name, place, rounds) for name in ("behind", "ahead")))
    assert ahead == [b"13"] * rounds
    assert set(behind) <= {b"9", b"publication-diverges"}
    for number in range(rounds):
        assert verified(place / str(number)) == 13
    print(f"rounds {rounds}; behind was first in {behind.count(b'9')}, refused in {behind.count(b'publication-diverges')}")


@ROUNDS
def test_cosigning_and_publishing_at_once(tmp_path: Path, rounds: int) -> None:
    """Cosignatures of a checkpoint that was replaced meanwhile are never put over the newer one."""
    folder, public = tmp_path / "ledger", tmp_path / "public"
    world = founded(folder)
    with Node.open(folder, clock=Clock()) as node:
        node.publish(public)
    with serving(witness_of(world, tmp_path / "w")) as server:
        server.clock = lambda: int(time.time())
        lines = [f"log {world.signer.vkey}", f"witness w {cosigner(1).vkey} {server.url}", "quorum w", ""]
        reader, (_, said) = watched(
            public,
            (racing.append_and_publish, folder, public, "officer", rounds),
            (racing.cosign_each, public, "\n".join(lines).encode(), rounds),
        )
    assert len(said) == rounds
    cosigned = [int(size) for size in said if size.isdigit()]
    assert cosigned == sorted(cosigned)
    assert set(said) <= {b"moved", *(b"%d" % size for size in cosigned)}
    assert cosigned
    shown = parse_note((public / "checkpoint").read_bytes())
    assert len(shown.lines) in (1, 2)
    assert verified(public) == reader.seen[-1].size
    print(f"rounds {rounds}; cosigned {len(cosigned)}, published meanwhile {said.count(b'moved')}")
