"""The anchor, on both databases: no answer and no note before it, no second history after an old database was put back."""

from __future__ import annotations

import errno
import itertools
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, text

from ledger import files
from ledger.audit.sources import FolderSource
from ledger.errors import BadInput, Broken, Waiting
from ledger.files import Calls, Files
from ledger.log.anchor import Anchor
from ledger.log.append import Appended
from ledger.node import Node
from ledger.proof.checkpoint import parse_checkpoint
from ledger.proof.note import parse_note
from ledger.proof.tlogproof import parse_proof
from ledger.store.engine import Database
from ledger.store.schema import METADATA

from ..disk_faults import Crash, Failing
from ..world import STATIONS, Clock, World, check_log, held, make_node, season, submissions_of

Rows = dict[str, list[Any]]


def size_in(path: Path) -> int:
    """The tree size of the note in a file; 0 for an empty one."""
    note = path.read_bytes()
    return parse_checkpoint(parse_note(note).text).size if note else 0


def backup(database: Database) -> Rows:
    """Every row of every table."""
    with database.reading() as connection:
        return {table.name: [row._asdict() for row in connection.execute(select(table))] for table in METADATA.sorted_tables}


def put_back(database: Database, rows: Rows) -> None:
    """The database is what it was: as whoever restores a backup of it does."""
    with database.writing() as connection:
        if database.dialect == "sqlite":
            for name in connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).scalars().all():
                connection.execute(text(f"DROP TRIGGER {name}"))
        else:
            connection.execute(text("SET LOCAL session_replication_role = replica"))
        for table in METADATA.sorted_tables:
            connection.execute(delete(table))
            if rows[table.name]:
                connection.execute(insert(table), rows[table.name])


@pytest.fixture
def anchor(tmp_path: Path) -> Path:
    """Where the anchor is: outside the ledger folder."""
    return tmp_path / "elsewhere" / "anchor"


@pytest.fixture
def anchored(node: Node, anchor: Path) -> Node:
    """A ledger with its founding in it, and an anchor."""
    node.set_anchor(anchor)
    return node


def reopened(node: Node, **more: Any) -> Node:
    """The same folder by another process."""
    return Node.open(node.folder, clock=Clock(), **more)


def code(act: Callable[[], object]) -> str:
    """The code that an act ends with."""
    with pytest.raises((Broken, BadInput)) as caught:
        act()
    return caught.value.code


# --- what is in it ----------------------------------------------------------------------------------------------------------


def test_the_anchor_is_the_heads_note_after_every_answer(anchored: Node, world: World, anchor: Path) -> None:
    """The signed checkpoint itself, byte for byte; ledger.toml names the file, and whoever opens the ledger uses it."""
    assert anchor.read_bytes() == anchored.head().checkpoint
    events = season(world)
    for signed in itertools.islice(events, 5):
        anchored.submit([signed.submission])
        assert anchor.read_bytes() == anchored.head().checkpoint
    with reopened(anchored) as again:
        again.submit([next(events).submission])
        assert anchor.read_bytes() == again.head().checkpoint
        assert size_in(anchor) == 15


def test_an_empty_log_has_an_empty_anchor(make: Callable[[World], Node], world: World, anchor: Path) -> None:
    """It is made with the ledger; the first entries fill it.  An empty store beside it afterwards is a rollback."""
    node = make(world)
    node.set_anchor(anchor)
    assert anchor.read_bytes() == b""
    empty = backup(node.database)
    node.submit(submissions_of(world.founding()))
    assert size_in(anchor) == 9
    put_back(node.database, empty)
    assert node.head().size == 0
    assert code(lambda: reopened(node)) == "log-rolled-back"
    assert code(lambda: node.submit(submissions_of(World(name="Lain").founding()))) == "log-rolled-back"
    assert node.head().size == 0


def test_an_older_note_never_replaces_a_newer_one(anchored: Node, world: World, anchor: Path) -> None:
    """Two processes whose commits and anchors cross: the larger tree stays."""
    old = anchored.head().checkpoint
    anchored.submit(submissions_of(season(world)))
    new = anchored.head().checkpoint
    Anchor(anchor, published=anchored.folder / "public", key=anchored.signer.key, files=Files()).advance(old)
    assert anchor.read_bytes() == new


def test_two_nodes_share_an_anchor(anchored: Node, world: World, anchor: Path) -> None:
    """Appending by turns from two threads: no false alarm, and at the end the anchor is the head."""
    events = submissions_of([world.sign(who, held(STATIONS[at % 4])) for at in range(30) for who in ("officer", "importer")])
    problems: list[BaseException] = []

    def send(node: Node, mine: list[bytes]) -> None:
        try:
            for submission in mine:
                node.submit([submission])
        except BaseException as problem:
            problems.append(problem)

    with reopened(anchored) as second:
        threads = [threading.Thread(target=send, args=pair) for pair in ((anchored, events[::2]), (second, events[1::2]))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert problems == []
    assert anchor.read_bytes() == anchored.head().checkpoint
    assert len(check_log(anchored)) == 9 + 60


def test_another_process_keeps_the_anchors_folder(
    anchored: Node, world: World, anchor: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one that was stopped: no answer, no receipt, and no end of the log; when it has gone, the same bytes have their place."""
    monkeypatch.setattr(files, "LOCK_SECONDS", 0.05)
    submission = world.sign("officer", held(STATIONS[0])).submission
    with Files().locked(anchor.parent, wait=False):
        for act in (lambda: anchored.submit([submission]), lambda: anchored.receipt(9), lambda: anchored.submit([submission])):
            with pytest.raises(Waiting, match="folder-busy"):
                act()
        assert (anchored.head().size, size_in(anchor)) == (10, 9)
    (answer,) = anchored.submit([submission])
    assert isinstance(answer, Appended)
    assert (answer.index, answer.before, size_in(anchor)) == (9, True, 10)
    assert len(check_log(anchored)) == 10


def test_a_shared_anchor_stops_the_node_that_signed_nothing(anchored: Node, world: World) -> None:
    """One node appends, the database is put back under both: the other, whose own last head the log still extends, is refused."""
    with reopened(anchored) as second:
        second.submit([world.sign("officer", held(STATIONS[0])).submission])
        old = backup(anchored.database)
        anchored.submit(submissions_of(season(world)))
        put_back(anchored.database, old)
        assert code(lambda: second.submit([world.sign("importer", held(STATIONS[1])).submission])) == "log-rolled-back"
        assert second.head().size == 10


# --- an old database ---------------------------------------------------------------------------------------------------------


def test_an_old_database_signs_nothing_until_the_published_entries_are_back(
    anchored: Node, world: World, anchor: Path, tmp_path: Path
) -> None:
    """Rolled back under a running node or before it is opened: refused, nothing signed.  Restoring cures it, byte for byte."""
    old = backup(anchored.database)
    anchored.submit(submissions_of(season(world)))
    anchored.publish(tmp_path / "public")
    before, note = check_log(anchored), anchored.head().checkpoint
    put_back(anchored.database, old)
    late = world.sign("officer", held(STATIONS[0])).submission
    assert code(lambda: anchored.submit([late])) == "log-rolled-back"
    assert code(lambda: reopened(anchored)) == "log-rolled-back"
    assert code(lambda: anchored.receipt(3)) == "log-rolled-back"
    assert code(lambda: anchored.publish(tmp_path / "other")) == "log-rolled-back"
    assert not (tmp_path / "other" / "checkpoint").exists()
    assert (anchored.head().size, anchor.read_bytes()) == (9, note)
    source = FolderSource(tmp_path / "public")
    with reopened(anchored, curing=True) as curing:
        done = curing.append_missing(source.entries(0, len(before)), note=source.checkpoint())
    assert (done.before, done.size) == (9, len(before))
    assert check_log(anchored) == before
    assert anchored.head().checkpoint == note
    with reopened(anchored) as again:
        (answer,) = again.submit([late])
        assert isinstance(answer, Appended)
        assert (answer.index, size_in(anchor)) == (len(before), len(before) + 1)


def test_a_second_branch_is_refused_however_long_it_grew(anchored: Node, world: World, anchor: Path, tmp_path: Path) -> None:
    """A copy without an anchor signs on from an old state, past the anchor's size: another root there, refused, and no cure."""
    old = backup(anchored.database)
    branch = World()
    branch.founding()
    anchored.submit(submissions_of(season(world)))
    anchored.publish(tmp_path / "public")
    put_back(anchored.database, old)
    Node.open(anchored.folder, clock=Clock(), curing=True).close()
    forked = Anchor(None, published=tmp_path / "nowhere", key=anchored.signer.key, files=Files())
    files = Files()
    with Node(anchored.folder, anchored.database, anchored.signers, clock=Clock(), files=files, anchor=forked) as fork:
        fork.submit([branch.sign("officer", held(STATIONS[at % 4])).submission for at in range(60)])
        assert fork.head().size > size_in(anchor)
    assert code(lambda: reopened(anchored)) == "log-rolled-back"
    source = FolderSource(tmp_path / "public")
    with reopened(anchored, curing=True) as curing:
        entries = source.entries(0, size_in(anchor))
        assert code(lambda: curing.append_missing(entries, note=source.checkpoint())) == "store-not-prefix"


def test_a_publication_behind_the_anchor_cures_nothing(anchored: Node, world: World, anchor: Path, tmp_path: Path) -> None:
    """What was signed after the last publication is missing still: refused, and the store is as it was."""
    old = backup(anchored.database)
    events = submissions_of(season(world))
    anchored.submit(events[:5])
    anchored.publish(tmp_path / "public")
    anchored.submit(events[5:])
    put_back(anchored.database, old)
    source = FolderSource(tmp_path / "public")
    with reopened(anchored, curing=True) as curing:
        assert code(lambda: curing.append_missing(source.entries(0, 14), note=source.checkpoint())) == "log-rolled-back"
        assert curing.head().size == 9
    assert size_in(anchor) == 9 + len(events)


def test_without_an_anchor_the_own_publication_remembers(node: Node, world: World) -> None:
    """``public`` in the ledger folder shows more than the store has: refused.  What another key signed says nothing."""
    old = backup(node.database)
    node.submit(submissions_of(season(world)))
    node.publish(node.folder / "public")
    put_back(node.database, old)
    assert code(lambda: reopened(node)) == "log-rolled-back"
    late = world.sign("officer", held(STATIONS[0])).submission
    assert code(lambda: node.submit([late])) == "log-rolled-back"
    checkpoint = node.folder / "public" / "checkpoint"
    checkpoint.write_bytes(checkpoint.read_bytes().replace("— ".encode(), "— other".encode()))
    reopened(node).close()


# --- a wrong file ------------------------------------------------------------------------------------------------------------


def test_an_anchor_is_made_once_and_never_in_silence(anchored: Node, anchor: Path, tmp_path: Path) -> None:
    """Missing, of another log, torn, inside the ledger folder, or a second one: each is told."""
    note = anchor.read_bytes()
    assert code(lambda: anchored.set_anchor(tmp_path / "second")) == "anchor-exists"
    assert not (tmp_path / "second").exists()
    inside = anchored.folder / "anchor"
    assert code(lambda: reopened(anchored, anchor=inside)) == "anchor-inside"
    with make_node(tmp_path / "other", World(name="Lain", origin="other.example/log")) as other:
        other.submit(submissions_of(World(name="Lain", origin="other.example/log").founding()))
        foreign = other.head().checkpoint
    for damage in (foreign, note[:-1], b"noise", note.replace(b"\n9\n", b"\n8\n", 1)):
        anchor.write_bytes(damage)
        assert code(lambda: reopened(anchored)) == "anchor-damaged"
    anchor.unlink()
    assert code(lambda: reopened(anchored)) == "anchor-missing"
    assert not anchor.exists()
    anchor.write_bytes(note)
    reopened(anchored).close()


def test_setting_an_anchor_again_after_a_crash(node: Node, world: World, anchor: Path) -> None:
    """The file was made and ledger.toml does not name it yet: the second time it is taken over, checked and brought up."""
    anchor.parent.mkdir()
    anchor.write_bytes(node.head().checkpoint)
    node.submit(submissions_of(season(world)))
    node.set_anchor(anchor)
    assert anchor.read_bytes() == node.head().checkpoint
    assert f'anchor = "{anchor.resolve()}"' in (node.folder / "ledger.toml").read_text()


# --- between commit and answer -----------------------------------------------------------------------------------------------


CALLS = ("lock", "create", "write", "sync", "close", "rename", "sync_folder")


def with_calls(node: Node, anchor: Path, calls: Calls) -> Node:
    """The same ledger, whose anchor is written with ``calls``."""
    files = Files(calls)
    made = Anchor(anchor, published=node.folder / "public", key=node.signer.key, files=files)
    return Node(node.folder, node.database, node.signers, clock=Clock(), files=files, anchor=made)


@pytest.mark.parametrize("call", CALLS)
def test_a_failed_anchor_is_no_answer(anchored: Node, world: World, anchor: Path, call: str) -> None:
    """``anchor-failed`` says to send the same bytes again; the log stops; opened again, they are answered with their place."""
    submissions = submissions_of(list(season(world))[:3])
    failing = with_calls(anchored, anchor, Failing(1, OSError(errno.EIO, "as the test wants"), stored=False, only=call))
    with pytest.raises(Broken, match="send the same bytes again") as caught:
        failing.submit(submissions)
    assert caught.value.code == "anchor-failed"
    assert code(lambda: failing.submit(submissions)) == "log-stopped"
    assert size_in(anchor) in (9, 12)
    with reopened(anchored) as again:
        answers = again.submit(submissions)
        assert [(answer.index, answer.before) for answer in answers if isinstance(answer, Appended)] == [
            (9, True),
            (10, True),
            (11, True),
        ]
        assert anchor.read_bytes() == again.head().checkpoint
    assert len(check_log(anchored)) == 12


@pytest.mark.parametrize("done", [False, True])
@pytest.mark.parametrize("call", CALLS)
def test_a_crash_between_commit_and_answer(anchored: Node, world: World, anchor: Path, call: str, done: bool) -> None:
    """The anchor is the old note or the new one; the log goes on, the same bytes are answered once, and no receipt goes out before
    the anchor has caught up."""
    submissions = submissions_of(list(season(world))[:3])
    old = anchor.read_bytes()
    with pytest.raises(Crash):
        with_calls(anchored, anchor, Failing(1, Crash(), stored=done, only=call)).submit(submissions)
    assert anchor.read_bytes() in (old, anchored.head().checkpoint)
    with reopened(anchored) as again:
        assert again.head().size == 12
        proof = parse_proof(again.receipt(11))
        assert anchor.read_bytes() == proof.checkpoint == again.head().checkpoint
        answers = again.submit(submissions)
        assert [answer.before for answer in answers if isinstance(answer, Appended)] == [True, True, True]
    assert len(check_log(anchored)) == 12


def test_a_copy_of_the_folder_is_told_by_the_shared_anchor(tmp_path: Path, world: World) -> None:
    """The whole ledger folder put back from a backup, as people do it: the anchor was not in it."""
    folder = tmp_path / "ledger"
    with make_node(folder, world) as node:
        node.set_anchor(tmp_path / "anchor")
        node.submit(submissions_of(world.founding()))
    shutil.copytree(folder, tmp_path / "backup")
    with Node.open(folder, clock=Clock()) as node:
        node.submit(submissions_of(season(world)))
    shutil.rmtree(folder)
    shutil.move(tmp_path / "backup", folder)
    assert code(lambda: Node.open(folder, clock=Clock())) == "log-rolled-back"
