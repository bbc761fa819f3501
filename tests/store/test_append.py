"""The one writer, on both databases: together or not at all, once and for ever, and told when it cannot be."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from pathlib import Path

import msgpack
import msgspec
import pytest
from sqlalchemy import delete, insert, text, update
from sqlalchemy.exc import DBAPIError

from ledger.errors import Broken, LedgerError, Moved, Refused, Waiting
from ledger.log import append
from ledger.log.append import BATCH_EVENTS, Appended, Log, admit
from ledger.node import Node
from ledger.proof.merkle import Frontier, leaf_hash
from ledger.recap.replay import replay_store
from ledger.store import engine
from ledger.store.engine import Database
from ledger.store.entries import StoredEntry, lock_head, read_entries, read_head, tile_reader, write_entries
from ledger.store.schema import ENTRIES, HEAD, SUBTREES
from ledger.tally.signing import CURVE_ORDER, open_entry

from ..proof.models import tree_root
from ..world import (
    GOOD,
    START_MS,
    STATIONS,
    Clock,
    MemoryLog,
    World,
    check_log,
    code_of,
    corrected,
    digest_of,
    make_node,
    season,
    submissions_of,
    submitted,
)

ONE, TWO, THREE, FOUR = STATIONS


def other_signature(submission: bytes) -> bytes:
    """The same payload under the other valid signature of its key."""
    payload, signature = msgpack.unpackb(submission)
    s = CURVE_ORDER - int.from_bytes(signature[32:])
    return msgpack.packb([payload, signature[:32] + s.to_bytes(32)])


# --- answers -----------------------------------------------------------------------------------------------------------------


def test_both_databases_hold_the_same(node: Node, world: World) -> None:
    """A season in the store: entries, answers and the projection's digest are those of a log in memory, which knows no SQL."""
    log = MemoryLog(World().founding())
    events = list(season(world))
    answers = node.submit(submissions_of(events))
    assert [code_of(answer) for answer in answers] == [code_of(log.take(event.submission)) for event in events]
    check_log(node)
    assert node.replay(rebuilding=False).standing == digest_of(log.state)
    with node.entries() as rows:
        assert [open_entry(row.entry).event for row in rows] == [open_entry(entry).event for entry in log.entries]


def test_batches_of_any_size_end_equal(make: Callable[[World], Node], tmp_path: Path) -> None:
    """All in one batch, or one at a time: the same entries (but their times) and the same projection."""
    world = World()
    submissions = submissions_of([*world.founding(), *season(world)])
    whole = make(world)
    whole.submit(submissions)
    with make_node(tmp_path / "other", world) as single:
        for submission in submissions:
            single.submit([submission])
        assert single.replay(rebuilding=False).standing == whole.replay(rebuilding=False).standing
        assert len(check_log(single)) == len(check_log(whole)) == len(submissions)


def test_the_same_bytes_twice(node: Node, world: World) -> None:
    """Sending again gives the first place, says that it stood there before, and appends nothing; void events keep their code."""
    good = world.sign(f"{ONE}/1", submitted(ONE))
    void = world.sign(f"{ONE}/1", submitted(ONE))
    first = node.submit(submissions_of([good, void]))
    before = node.head()
    assert node.submit(submissions_of([void, good, good])) == [
        msgspec.structs.replace(answer, before=True)
        for answer in (first[1], first[0], first[0])  # type: ignore[arg-type]
    ]
    assert (node.head(), [code_of(answer) for answer in first]) == (before, ["ok", "void already-submitted"])


def test_the_same_payload_under_another_signature(node: Node, world: World) -> None:
    """Both valid signatures of a payload are one event: same index, nothing appended, the first signature stays in the log."""
    signed = world.sign(f"{ONE}/1", submitted(ONE))
    other = other_signature(signed.submission)
    first, again = node.submit([signed.submission, other])
    assert isinstance(first, Appended)
    assert isinstance(again, Appended)
    assert (first.index, first.before, again.index, again.before) == (9, False, 9, True)
    (later,) = node.submit([other])
    assert later == again
    assert node.head().size == 10
    assert node.entry(9).event.signature == msgpack.unpackb(signed.submission)[1]
    check_log(node)


def test_duplicates_inside_a_batch_of_void_events(node: Node, world: World) -> None:
    """A void event twice in its own batch: one entry, both answers with its code."""
    events = [world.sign(f"{ONE}/1", submitted(ONE)), world.sign(f"{ONE}/1", submitted(ONE))]
    answers = node.submit([events[0].submission, events[1].submission, events[1].submission])
    assert [(a.index, a.void, a.before) for a in answers if isinstance(a, Appended)] == [
        (9, "", False),
        (10, "already-submitted", False),
        (10, "already-submitted", True),
    ]


def test_a_refused_event_leaves_no_trace(node: Node, make: Callable[[World], Node], world: World, tmp_path: Path) -> None:
    """A batch with refused and waiting events among good ones leaves the very same log as the good ones alone."""
    good = [world.sign(f"{station}/1", submitted(station)) for station in STATIONS]
    bad = [
        world.peek(f"{ONE}/2", submitted(TWO)).submission,
        world.peek("supervisor", submitted(ONE)).submission,
        world.peek("nobody", submitted(ONE)).submission,
        b"noise",
        good[0].submission[:-1] + bytes([good[0].submission[-1] ^ 1]),
        world.peek("officer", corrected(ONE, (), figures=GOOD[:3])).submission,
    ]
    first, second, third, fourth = submissions_of(good)
    mixed = [bad[0], first, bad[1], bad[2], second, bad[3], bad[4], third, bad[5], fourth]
    answers = node.submit(mixed)
    assert [isinstance(answer, Appended) for answer in answers] == [submission not in bad for submission in mixed]
    clean = World()
    with make_node(tmp_path / "clean", clean) as other:
        other.submit(submissions_of(clean.founding()))
        other.submit(submissions_of([clean.sign(f"{station}/1", submitted(station)) for station in STATIONS]))
        assert check_log(other) == check_log(node)
        assert other.head() == node.head()


def test_a_batch_of_refusals_alone_changes_nothing(node: Node) -> None:
    """No entry, no new checkpoint, no time."""
    before = node.head()
    assert [code_of(answer) for answer in node.submit([b"", b"noise"])] == ["refused not-msgpack", "refused schema"]
    assert node.submit([]) == []
    assert node.head() == before


def test_events_may_depend_on_events_of_their_own_batch(make: Callable[[World], Node]) -> None:
    """A whole founding with its first tallies, a correction and a revocation in one batch; and a stream out of order waits."""
    world = World()
    events = [*world.founding(), world.sign(f"{ONE}/1", submitted(ONE))]
    events.append(world.sign(f"{ONE}/1", corrected(ONE, [events[-1].event_id], (300, 1, 1, 2, 5, 307))))
    events += [world.revoke(f"{ONE}/1"), world.enrol(world.key_row("next", "operator", ONE, "1"))]
    events.append(world.sign("next", corrected(ONE, [events[-3].event_id])))
    node = make(world)
    swapped = [*events[:9], events[10], events[9], *events[11:]]
    answers = [code_of(answer) for answer in node.submit(submissions_of(swapped))]
    assert answers == ["ok"] * 9 + ["waiting stream-gap", "ok", "ok", "ok", "void stale"]
    check_log(node)


def test_more_than_one_transaction(make: Callable[[World], Node], monkeypatch: pytest.MonkeyPatch) -> None:
    """Submissions beyond the batch limit go into several transactions, in order; threads open them in the same order."""
    monkeypatch.setattr("ledger.log.append.BATCH_EVENTS", 7)
    monkeypatch.setattr("ledger.log.append._OPEN_CHUNK", 3)
    world = World()
    node = make(world)
    events = [*world.founding(), *season(world)]
    indexes = [answer.index for answer in node.submit(submissions_of(events)) if isinstance(answer, Appended)]
    assert indexes == list(range(len(events)))
    assert BATCH_EVENTS == 1_000
    check_log(node)
    assert [getattr(opened, "event_id", None) for opened in admit(submissions_of(events), None)] == [e.event_id for e in events]


def test_entry_0_of_another_log(make: Callable[[World], Node]) -> None:
    """A ledger takes no entry 0 that names another log's key, and an empty one nothing before entry 0."""
    node = make(World())
    other = World(origin="other.example/x")
    answers = node.submit(submissions_of(other.founding()[:2]))
    assert [code_of(answer) for answer in answers] == ["refused log-key-other", "refused not-opened"]
    assert node.head().size == 0
    assert node.ledger_id() is None


# --- time --------------------------------------------------------------------------------------------------------------------


def test_a_clock_that_goes_back(node: Node, world: World, clock: Clock) -> None:
    """Entries never go back in time: they bear the time of the one before, and the answer says so."""
    before = node.head().sequenced_at
    clock.now -= 10_000_000
    (answer,) = node.submit(submissions_of([world.sign(f"{ONE}/1", submitted(ONE))]))
    assert isinstance(answer, Appended)
    assert (answer.late, node.entry(9).sequenced_at, node.head().sequenced_at) == (True, before, before)
    clock.now = before + 5_000
    (answer,) = node.submit(submissions_of([world.sign(f"{TWO}/1", submitted(TWO))]))
    assert isinstance(answer, Appended)
    assert (answer.late, node.entry(10).sequenced_at) == (False, before + 5_000 + clock.step)
    check_log(node)


# --- what may never happen ---------------------------------------------------------------------------------------------------

CHANGES = [
    update(ENTRIES).where(ENTRIES.c.idx == 3).values(entry=b"x"),
    update(ENTRIES).values(leaf=bytes(32)),
    delete(ENTRIES).where(ENTRIES.c.idx == 3),
    delete(ENTRIES),
    update(SUBTREES).values(hash=bytes(32)),
    delete(SUBTREES),
]


def test_entries_and_subtrees_are_never_changed(node: Node) -> None:
    """The database itself refuses UPDATE and DELETE of the log, whoever asks."""
    with node.database.writing() as connection:
        connection.execute(insert(SUBTREES).values(level=1, number=9, hash=bytes(32)))
    entries = check_log(node)
    for change in CHANGES:
        with pytest.raises(Broken, match="log-immutable"), node.database.writing() as connection:
            connection.execute(change)
    assert check_log(node) == entries


def test_replace_and_truncate_are_refused(node: Node) -> None:
    """REPLACE on SQLite (which deletes without asking unless triggers recurse) and TRUNCATE on PostgreSQL are refused as well."""
    entries = check_log(node)
    if node.database.dialect == "sqlite":
        statements = [
            "REPLACE INTO entries SELECT idx, event_id, leaf, x'00' FROM entries WHERE idx = 3",
            "INSERT OR REPLACE INTO entries SELECT 99, event_id, leaf, entry FROM entries WHERE idx = 3",
        ]
    else:
        statements = [
            "TRUNCATE entries",
            "TRUNCATE subtrees",
            "INSERT INTO entries SELECT idx, event_id, leaf, entry FROM entries WHERE idx = 3 "
            "ON CONFLICT (idx) DO UPDATE SET entry = 'x'",
        ]
    for statement in statements:
        with pytest.raises(Broken, match="log-immutable"), node.database.writing() as connection:
            connection.execute(text(statement))
    assert check_log(node) == entries


def test_an_event_stands_once(node: Node) -> None:
    """The event id is unique in the database, not only in the program."""
    with node.entries() as rows:
        row = next(rows)
    with pytest.raises(Broken, match="store-conflict"), node.database.writing() as connection:
        connection.execute(insert(ENTRIES).values(idx=99, event_id=row.event_id, leaf=row.leaf, entry=row.entry))


# --- two writers -------------------------------------------------------------------------------------------------------------


def test_a_stale_head_is_moved(node: Node, world: World) -> None:
    """Whoever would write on a head that is no longer the head is told so before anything is written."""
    with node.database.reading() as connection:
        stale = read_head(connection)
    node.submit(submissions_of([world.sign(f"{ONE}/1", submitted(ONE))]))
    entries = check_log(node)
    leaf = leaf_hash(b"x")
    new = stale._replace(size=stale.size + 1, chain=leaf, frontier=stale.frontier.extend([leaf]))
    with pytest.raises(Moved, match="head-moved"), node.database.writing() as connection:
        write_entries(connection, stale, new, [StoredEntry(stale.size, bytes(32), leaf, b"x")])
    same_size = node.head()._replace(chain=bytes(32))
    with pytest.raises(Moved, match="head-moved"), node.database.writing() as connection:
        write_entries(connection, same_size, new, [StoredEntry(stale.size, bytes(32), leaf, b"x")])
    assert check_log(node) == entries


def test_two_threads_of_two_nodes_never_break_the_chain(node: Node, world: World) -> None:
    """Two nodes on one database, two threads each, all sending the same and different events: every event once, one chain."""
    second = Node.open(node.folder, clock=Clock())
    events = {
        station: [world.sign(f"{station}/{seat}", submitted(station)) for seat in ("1", "2")]
        + [world.sign(f"{station}/1", submitted(station, contest="governor")) for _ in range(3)]
        for station in STATIONS
    }
    answers: list[tuple[bytes, object]] = []
    failures: list[BaseException] = []
    start = threading.Barrier(4)

    def send(ledger: Node, stations: tuple[str, ...]) -> None:
        try:
            start.wait()
            for station in stations:
                for event in events[station]:
                    for _ in range(50):  # busy writers say: send the same bytes again
                        try:
                            answers.append((event.event_id, ledger.submit([event.submission])[0]))
                            break
                        except Waiting:
                            continue
        except BaseException as problem:
            failures.append(problem)

    plans = [(node, STATIONS), (second, STATIONS[::-1]), (node, STATIONS[2:]), (second, STATIONS[:2])]
    threads = [threading.Thread(target=send, args=plan) for plan in plans]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        second.close()
    assert failures == []
    assert len(check_log(node)) == 9 + sum(map(len, events.values()))
    places: dict[bytes, set[int]] = {}
    for event_id, answer in answers:
        if isinstance(answer, Appended):
            places.setdefault(event_id, set()).add(answer.index)
    assert {event_id: {node.find(event_id)} for event_id in places} == places
    assert len(places) == sum(map(len, events.values()))
    firsts = [answer for _, answer in answers if isinstance(answer, Appended) and not answer.before]
    assert len(firsts) == len(places)


def test_a_second_writer_waits(node: Node, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """While another holds the head, nothing is appended: SQLite answers ``busy`` after its time, PostgreSQL waits for its turn."""
    monkeypatch.setattr(engine, "_WRITER_PRAGMAS", ("PRAGMA busy_timeout = 1", *engine._WRITER_PRAGMAS[1:]))
    second = Node.open(node.folder, clock=Clock())
    signed = world.sign(f"{ONE}/1", submitted(ONE))
    results: list[object] = []

    def send() -> None:
        try:
            results.extend(second.submit([signed.submission]))
        except LedgerError as problem:
            results.append(problem)

    try:
        with node.database.writing() as connection:
            head = lock_head(connection)
            thread = threading.Thread(target=send)
            thread.start()
            if node.database.dialect == "sqlite":
                thread.join()
                assert isinstance(results[0], Waiting)
                assert results.pop().code == "busy"  # type: ignore[attr-defined]
            assert results == []
            assert read_head(connection) == head
        thread.join()
        if not results:
            send()
        assert isinstance(results[0], Appended)
        assert results[0].index == 9
    finally:
        second.close()
    check_log(node)


# --- when a transaction fails ------------------------------------------------------------------------------------------------


class FailingError(Exception):
    """Not one of ours: as if the process had died there."""


STEPS = ("lock_head", "find_events", "decide", "encode_entry", "sign_checkpoint", "write_entries")


def test_a_failure_at_any_step_appends_nothing(node: Node, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A failure before or after each step inside the transaction rolls all of it back; the same bytes then go in."""
    entries = check_log(node)
    signed = [world.sign(f"{ONE}/1", submitted(ONE)), world.sign(f"{TWO}/1", submitted(TWO))]
    for step, done in itertools.product(STEPS, (False, True)):
        real = getattr(append, step)

        def fails(*args: object, real: Callable[..., object] = real, done: bool = done, **named: object) -> object:
            if done:
                real(*args, **named)
            raise FailingError

        with monkeypatch.context() as patched:
            patched.setattr(append, step, fails)
            with pytest.raises(FailingError):
                node.submit(submissions_of(signed))
        assert check_log(node) == entries, (step, done)
    answers = node.submit(submissions_of(signed))
    assert [answer.before for answer in answers if isinstance(answer, Appended)] == [False, False]
    assert len(check_log(node)) == len(entries) + 2


def test_a_full_disk(tmp_path: Path) -> None:
    """SQLite says that the disk is full (here: the file may not grow): told, nothing appended; with room again it goes on."""
    world = World()
    with make_node(tmp_path / "ledger", world) as node:
        node.submit(submissions_of(world.founding()))
        entries = check_log(node)
        with node.database.writing() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
        signed = [world.sign("administrator", data) for data in _large()]
        with pytest.raises(Broken) as caught:
            node.submit(submissions_of(signed))
        assert caught.value.code == "disk-full"
        assert check_log(node) == entries
        with node.database.writing() as connection:
            connection.exec_driver_sql("PRAGMA max_page_count = 1000000")
        assert {code_of(answer) for answer in node.submit(submissions_of(signed))} == {"ok"}
        assert len(check_log(node)) == len(entries) + len(signed)


def _large() -> list:
    from ledger.tally.events import AreaRow, JurisdictionsListed

    return [
        JurisdictionsListed(areas=tuple(AreaRow(f"17710110{n:02d}", "x" * 100) for n in range(at, at + 40)), stations=())
        for at in (10, 50)
    ]


def test_errors_from_below_have_codes(node: Node) -> None:
    """No database error leaves the store as such: a missing table, a wrong statement."""
    for statement in ("SELECT * FROM nowhere", "NONSENSE"):
        with pytest.raises(Broken) as caught, node.database.reading() as connection:
            connection.execute(text(statement))
        assert caught.value.code in ("store-damaged", "store-failed")
        assert isinstance(caught.value.__cause__, DBAPIError)


def test_a_log_without_head_or_entries(node: Node) -> None:
    """A lost head, a missing entry: damaged, with the place."""
    with node.database.writing() as connection:
        connection.execute(delete(HEAD))
    with pytest.raises(Broken, match="store-damaged"):
        node.head()
    with pytest.raises(Broken) as caught, node.database.reading() as connection:
        list(read_entries(connection, 0, 12))
    assert (caught.value.code, caught.value.where["index"]) == ("store-damaged", 9)
    with node.database.writing() as connection:
        row = next(read_entries(connection, 8, 9))
        connection.execute(insert(ENTRIES).values(idx=11, event_id=bytes(32), leaf=row.leaf, entry=row.entry))
    with pytest.raises(Broken) as caught, node.database.reading() as connection:
        list(read_entries(connection, 0, 12))
    assert (caught.value.code, caught.value.where["index"]) == ("store-damaged", 9)
    with pytest.raises(Broken, match="store-damaged"), node.database.reading() as connection:
        tile_reader(connection)(0, 0, 12)


# --- the stored tree ---------------------------------------------------------------------------------------------------------

SIZES = [1, 2, 254, 255, 256, 257, 258, 511, 512, 513]


def test_stored_tiles_are_those_of_the_tree(database: str | Path) -> None:
    """Grown through every size around 256 and 512, then by leaps past 65,536: each tile is that of a tree built from the leaves."""
    store = Database.create(database, origin="x")
    try:
        leaves: list[bytes] = []
        for size in [*SIZES, 65_535, 65_536, 65_537]:
            with store.writing() as connection:
                old = lock_head(connection)
                fresh = [leaf_hash(index.to_bytes(8)) for index in range(len(leaves), size)]
                entries = [StoredEntry(at, leaf, leaf, b"e") for at, leaf in enumerate(fresh, len(leaves))]
                new = old._replace(size=size, chain=fresh[-1], frontier=old.frontier.extend(fresh))
                write_entries(connection, old, new, entries)
            leaves += fresh
            with store.reading() as connection:
                _check_tiles(connection, leaves)
        with store.reading() as connection:
            assert Frontier.EMPTY.extend(leaves) == read_head(connection).frontier
    finally:
        store.close()


def _check_tiles(connection: object, leaves: list[bytes]) -> None:
    tiles = tile_reader(connection)  # type: ignore[arg-type]
    level, hashes = 0, leaves
    while hashes:
        numbers = {0, len(hashes) // 256 - 1, (len(hashes) - 1) // 256} - {-1}
        for number in numbers:
            part = hashes[number * 256 : number * 256 + 256]
            for width in {1, len(part) // 2, len(part)} - {0}:
                assert tiles(level, number, width) == b"".join(part[:width])
        with pytest.raises(Broken, match="store-damaged"):
            tiles(level, len(hashes) // 256, len(hashes) % 256 + 1)
        hashes = [tree_root(hashes[at : at + 256]) for at in range(0, len(hashes) - 255, 256)]
        level += 1


# --- reading -----------------------------------------------------------------------------------------------------------------


def test_a_reader_sees_one_moment(node: Node, world: World) -> None:
    """What a snapshot shows stays the same while others append."""
    with node.snapshot() as snapshot:
        before = snapshot.size
        node.submit(submissions_of([world.sign(f"{ONE}/1", submitted(ONE))]))
        with node.entries() as rows:
            assert len(list(rows)) == before + 1
        assert open_entry(snapshot.entry(before - 1)).index == before - 1
    with node.snapshot() as snapshot:
        assert snapshot.size == before + 1


def test_a_stream_and_an_event_can_be_looked_up(node: Node, world: World) -> None:
    """A key's stream stands behind what it signed last; an event is found by its id, and one that is not there is not."""
    signed = world.sign(f"{ONE}/1", submitted(ONE))
    node.submit([signed.submission])
    stream = node.stream(world.key(f"{ONE}/1").point)
    assert (stream.position, stream.previous) == (1, signed.event_id)
    assert node.stream(world.key("nobody").point) == (type(stream))(0, None)
    assert node.find(signed.event_id) == 9
    assert node.find(bytes(32)) is None
    assert replay_store(node.database).size == 10
    assert node.head().sequenced_at > START_MS


def test_answers_are_ours(node: Node, world: World) -> None:
    """``Log`` alone, without threads, gives the same answers as the node: appended or refused, never an exception."""
    log = Log(node.database, signers=node.signers, clock=Clock())
    answers = log.append([world.sign(f"{ONE}/1", submitted(ONE)).submission, b""])
    assert isinstance(answers[0], Appended)
    assert isinstance(answers[1], Refused)
