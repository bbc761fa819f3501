"""Delete every total and replay: the same bytes; and the replay of any prefix is what was shown at that height."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest
from sqlalchemy import delete, insert, update

from ledger.errors import BadInput, Broken
from ledger.log.append import Appended
from ledger.node import Node, Snapshot
from ledger.recap.replay import replay
from ledger.recap.views import area_name, contests_of, election_of, entry_view, findings, history, recap
from ledger.store.schema import PROJECTION_TABLES
from ledger.tally.canonical import encode
from ledger.tally.events import DATA_TYPES
from ledger.tally.memory import Memory
from ledger.tally.pages import recap_pages
from ledger.tally.projection import PROJECTION, digest
from ledger.tally.rollup import frame_of
from ledger.tally.signing import open_entry, reopen_entry
from ledger.tally.state import CONTESTS, PENDING

from ..governed import submissions, whole_season
from ..world import (
    GOOD,
    STATIONS,
    MemoryLog,
    World,
    code_of,
    corrected,
    digest_of,
    held,
    make_node,
    season,
    submissions_of,
    submitted,
)

OTHER = (300, 121, 100, 221, 5, 307)
CONTESTS_AND_PLACES = [
    ("mayor", "1771"), ("mayor", "177101"), ("mayor", "1771011001"), ("mayor", STATIONS[0]), ("governor", "17"),
    ("governor", STATIONS[3]),
]  # fmt: skip


class Shown(NamedTuple):
    """What the store said at a height."""

    standing: str
    recaps: tuple[object, ...]
    pages: tuple[object, ...]
    entries: tuple[bytes, ...]


def views(snapshot: Snapshot) -> tuple[object, ...]:
    """Every recap, finding and history that a snapshot can show, errors included."""
    shown: list[object] = []
    for contest, place in CONTESTS_AND_PLACES:
        for look in (
            lambda c=contest, p=place: recap(snapshot.state, c, p, size=snapshot.size),
            lambda c=contest, p=place: tuple(findings(snapshot.state, p, c, not_evaluated=True)),
            lambda c=contest, p=place: history(snapshot.state, snapshot.entry, c, p, size=snapshot.size),
        ):
            try:
                shown.append(look())
            except BadInput as problem:
                shown.append(problem.code)
    return tuple(shown)


def _first_season() -> tuple[World, list[bytes]]:
    """About sixty acts of part 1."""
    world = World()
    events = [*world.founding(), *season(world)]
    for station in STATIONS:
        events.append(world.sign(f"{station}/2", submitted(station, OTHER, contest="governor")))
        events.append(world.sign(f"{station}/2", corrected(station, [events[-1].event_id], GOOD, contest="governor")))
        events.append(world.sign("officer", held(station, contest="governor")))
        events.append(world.sign("importer", held(station, contest="mayor")))
    return world, submissions_of(events)


def _governed_season() -> tuple[World, list[bytes]]:
    """A governed election with every event type, seals included."""
    log = whole_season()
    return log.world, submissions(log.entries)


@pytest.fixture(scope="module", params=[_first_season, _governed_season], ids=["first", "governed"])
def ledger(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Node, list[Shown]]]:
    """A ledger appended one entry at a time, with what it showed after each."""
    world, sent = request.param()
    with make_node(tmp_path_factory.mktemp("replay") / "ledger", world) as node:
        shown = []
        for submission in sent:
            node.submit([submission])
            with node.snapshot() as snapshot:
                pages = tuple(recap_pages(snapshot.state, snapshot.size))
                entries = tuple(row.entry for row in _rows(node))
                replayed = node.replay(rebuilding=False)
                assert replayed.digest == replayed.standing, replayed.differences
                shown.append(Shown(replayed.standing, views(snapshot), pages, entries))
        yield node, shown


def _rows(node: Node) -> list:
    with node.entries() as rows:
        return list(rows)


def test_every_prefix_replays_to_what_was_shown_then(ledger: tuple[Node, list[Shown]]) -> None:
    """At every height from 1 to the end: digest, recaps, findings, histories and pages of the replayed prefix are those of then."""
    node, shown = ledger
    assert len(shown[-1].entries) >= 45
    heights = {len(then.entries): then for then in shown}
    for size, then in heights.items():
        memory = replay(then.entries)
        rows = ((table.name, key, table.encode(row)) for table in PROJECTION for key, row in memory.under(table))
        assert digest(rows) == digest_of(memory) == then.standing
        with node.snapshot(at=size) as snapshot:
            assert snapshot.size == size
            assert tuple(recap_pages(snapshot.state, size)) == then.pages
            assert views(snapshot) == then.recaps
    assert len({then.standing for then in heights.values()}) == len(heights)


def test_nothing_and_too_much(ledger: tuple[Node, list[Shown]]) -> None:
    """Height 0 is an election that is not open; heights beyond the log are refused."""
    node, shown = ledger
    with node.snapshot(at=0) as snapshot:
        assert set(views(snapshot)) <= {"election-not-open", "area-unknown", "contest-unknown"}
    for at in (-1, len(shown[-1].entries) + 1):
        with pytest.raises(BadInput, match="size-beyond-log"), node.snapshot(at=at):
            pass


def test_prefixes_are_prefixes(ledger: tuple[Node, list[Shown]]) -> None:
    """Later entries change no earlier one, and every entry opens with its signature checked."""
    _, shown = ledger
    for before, after in pairwise(shown):
        assert after.entries[: len(before.entries)] == before.entries
    chain = bytes(32)
    for index, data in enumerate(shown[-1].entries):
        entry = open_entry(data)
        assert (entry.index, entry.chain) == (index, chain)
        chain = entry.leaf


PART_1 = {
    "contests.listed", "election.opened", "forms.defined", "jurisdictions.listed", "key.revoked", "keys.enrolled",
    "tally.corrected", "tally.held", "tally.released", "tally.submitted",
}  # fmt: skip
FIRST_VOIDS = {
    "already-submitted", "already-decided", "already-held", "not-held", "stale", "key-revoked", "key-already-revoked",
}  # fmt: skip


def test_the_season_has_every_kind_of_answer(ledger: tuple[Node, list[Shown]]) -> None:
    """The ledgers that the test above replays hold: the first every type of part 1 and void codes of several kinds, the governed
    one every event type there is, and pending acts."""
    node, shown = ledger
    with node.snapshot() as snapshot:
        entries = [entry_view(snapshot.state, reopen_entry(data)) for data in shown[-1].entries]
        types, voids = {entry.type for entry in entries}, {entry.void for entry in entries if entry.void}
        governed = "approved" in types
        assert types == (set(DATA_TYPES) - {"log.rekeyed"} if governed else PART_1)
        assert voids >= ({"key-revoked"} if governed else FIRST_VOIDS)
        assert any(True for _ in snapshot.state.under(PENDING)) == governed
        assert election_of(snapshot.state).ledger == node.ledger_id()
        assert area_name(snapshot.state, "1771") == "Kota"
        assert [code for code, _ in contests_of(snapshot.state, "17", None)] == ["governor"]


def test_totals_add_up_at_every_level(ledger: tuple[Node, list[Shown]]) -> None:
    """Each area's recap is the sum of its children's rows, counts included."""
    node, _ = ledger
    with node.snapshot() as snapshot:
        for contest, area in [("mayor", "1771"), ("mayor", "177101"), ("governor", "17"), ("governor", "1771")]:
            whole = recap(snapshot.state, contest, area, size=snapshot.size)
            votes = [candidate.votes for candidate in whole.candidates]
            assert [sum(child.votes[i] or 0 for child in whole.children) for i in range(2)] == votes
            for name, count in whole.counts.items():
                assert count == sum(child.counts[name] for child in whole.children)
        above = frame_of(snapshot.state, "mayor").above
        assert [above(code) for code in (STATIONS[0], "1771011001", "177101", "1771")] == ["1771011001", "177101", "1771", None]


# --- damaged projections -----------------------------------------------------------------------------------------------------


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Node]:
    """A ledger of its own to damage."""
    world = World()
    with make_node(tmp_path / "ledger", world) as node:
        node.submit(submissions_of([*world.founding(), *season(world)]))
        yield node


@pytest.mark.parametrize("damage", ["sums", "slots", "versions", "voids", "keys", "extra", "gone"])
def test_a_damaged_projection_is_found_and_rebuilt(small: Node, damage: str) -> None:
    """One changed, lost or invented row of any table shows as a difference by table and key; rebuilding puts it right."""
    good = small.replay(rebuilding=False)
    assert (good.digest, good.differences) == (good.standing, ())
    with small.database.writing() as connection:
        if damage == "extra":
            connection.execute(insert(PROJECTION_TABLES["sums"]).values(key=b"mayor/99", row=b"\x90"))
        elif damage == "gone":
            connection.execute(delete(PROJECTION_TABLES["slots"]))
        else:
            table = PROJECTION_TABLES[damage]
            key = connection.execute(table.select().order_by(table.c.key)).first().key
            connection.execute(update(table).where(table.c.key == key).values(row=b"\x90"))
    found = small.replay(rebuilding=False)
    assert found.digest == good.digest != found.standing
    assert found.differences
    assert all(line.startswith({"extra": "sums", "gone": "slots"}.get(damage, damage)) for line in found.differences)
    assert len(found.differences) <= 20
    rebuilt = small.replay(rebuilding=True)
    assert (rebuilt.digest, rebuilt.standing) == (good.digest, found.standing)
    assert small.replay(rebuilding=False) == good


def test_rebuilding_leaves_the_log_alone_and_intake_goes_on(small: Node) -> None:
    """After a rebuild head and entries are what they were, and the next event is decided as if nothing had been."""
    before, entries = small.head(), _rows(small)
    small.replay(rebuilding=True)
    assert (small.head(), _rows(small)) == (before, entries)
    event = reopen_entry(entries[-1].entry).event
    again, broken = small.submit([encode([event.payload, event.signature]), b"noise"])
    assert isinstance(again, Appended)
    assert (again.index, again.before, code_of(broken)) == (before.size - 1, True, "refused schema")
    assert small.head() == before


@pytest.mark.parametrize("change", ["swap", "drop", "twice", "noise", "index", "stream", "waits"])
def test_what_could_never_have_been_appended_is_not_folded(change: str) -> None:
    """Entries in another order, missing, twice or unreadable stop the replay at their index."""
    world = World()
    log = MemoryLog([*world.founding()])
    for signed in season(world):
        log.take(signed.submission)
    entries = list(log.entries)
    match change:
        case "swap":
            entries[10], entries[11] = entries[11], entries[10]
            place = 10
        case "drop":
            del entries[10]
            place = 10
        case "twice":
            entries.insert(10, entries[9])
            place = 10
        case "noise":
            entries[12] = b"noise"
            place = 12
        case "index":
            entries[5] = entries[6]
            place = 5
        case "stream":  # an entry with its right index whose event cannot stand there: refused by the fold
            other = MemoryLog(World(name="Lain").founding())
            entries[9:] = other.entries[8:9]
            entries[9] = _moved(entries[9], 9)
            place = 9
        case _:  # an event of an unknown key waits and would not have been appended
            entries = [log.entries[0], _moved(log.entries[9], 1)]
            place = 1
    with pytest.raises(Broken) as caught:
        replay(entries)
    assert (caught.value.code, caught.value.where["index"]) == ("entry-not-foldable", place)


def _moved(data: bytes, index: int) -> bytes:
    """The entry with another index in it."""
    plain = msgspec.msgpack.decode(data)
    plain[1] = index
    return msgspec.msgpack.encode(plain)


def test_replay_tells_how_far_it_is() -> None:
    """Progress is called with rising indexes, first with 0; an empty log gives an empty state."""
    log = MemoryLog(World().founding())
    told: list[int] = []
    assert digest_of(replay(log.entries, progress=told.append)) == digest_of(log.state)
    assert told == [0]
    assert list(replay([]).under(CONTESTS)) == list(Memory().under(CONTESTS)) == []
