"""Recaps computed when asked, and kept until something below changes, are the recaps of the published pages, byte for byte.

Random seasons on the small election: forms sent, corrected, withdrawn, held and released, read, revotes ordered and taken back,
stations added and cancelled.  After each step some area, or all, is asked for, of a state in memory and of a batch inside a
transaction; what they say is compared with pages streamed from a fresh state.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from ledger.node import Node
from ledger.store.rows import Batch
from ledger.tally import events as e
from ledger.tally.fold import decide, more, needs
from ledger.tally.memory import Memory
from ledger.tally.pages import Page, recap_pages, recap_root
from ledger.tally.projection import SUMS, sums_key
from ledger.tally.recaps import RECAPS, Recapped, current_root, gaps
from ledger.tally.rollup import Sums, roll_up
from ledger.tally.signing import open_submission
from ledger.tally.state import AREAS as LISTED
from ledger.tally.state import ELECTION, REVOTES, SINGLE, SLOTS, At, Change, area_key, slot_key, slot_parts

from ..world import (
    AREAS,
    GOOD,
    STATIONS,
    MemoryLog,
    World,
    copied,
    corrected,
    held,
    make_node,
    released,
    station_row,
    submissions_of,
    submitted,
)

OTHER = (300, 121, 100, 221, 5, 307)
BLANK = (None, 120, 100, 999, "x", "-")
NEW_VILLAGE = e.AreaRow("1771021002", "Kelurahan B2")
LATER = ("1771021002001", "1771011001003", "1771021001002")
"""Stations that are added, the first in a village that is added with it."""
KINDS = ("submit", "submit", "submit", "correct", "withdraw", "hold", "release", "read", "order", "order", "back", "add", "cancel")
TOPS = {"mayor": "1771", "governor": "17"}
PLACES = [(contest, area.code) for contest, top in TOPS.items() for area in (*AREAS, NEW_VILLAGE) if area.code.startswith(top)]

Step = tuple[str, str, str, str, e.Figures, int, bool]
"""Kind, station, contest, seat, figures, which area is asked for afterwards (-1: all), whether the batch is flushed."""

seasons = st.lists(
    st.tuples(
        st.sampled_from(KINDS),
        st.sampled_from([STATIONS[0], *STATIONS, *LATER[:1]]),
        st.sampled_from(["mayor", "mayor", "governor"]),
        st.sampled_from(["1", "2"]),
        st.sampled_from([GOOD, OTHER, BLANK]),
        st.integers(-1, len(PLACES) - 1),
        st.sampled_from([False, False, True]),
    ),
    min_size=4,
    max_size=25,
)


def data_of(state: Memory, step: Step) -> tuple[str, e.EventData]:
    """Who does what, over the state as it is: mostly something that takes effect."""
    kind, station, contest, seat, figures, _, _ = step
    open_slots = {slot_parts(key)[1:]: slot for key, slot in state.under(SLOTS, f"{contest}/".encode()) if not slot.annulled}
    round_ = next((number for code, number in open_slots if code == station), 0)
    slot = open_slots.get((station, round_))
    ids = tuple(sorted(each.event for each in slot.standing)) if slot is not None else ()
    names = ids or (bytes(32),)
    reason: Any = {"reason": "r", "basis": "B"}
    match kind:
        case "submit":
            return f"{station}/{seat}", submitted(station, figures, contest=contest, round=round_)
        case "correct":
            return "officer", corrected(station, names, figures, contest=contest, round=round_)
        case "withdraw":
            return "officer", e.TallyWithdrawn(contest=contest, station=station, round=round_, withdraws=names, **reason)
        case "hold":
            return "officer", held(station, contest=contest, round_=round_)
        case "release":
            return "officer", released(station, contest=contest, round_=round_)
        case "read":
            return "officer", e.RecapRead(contest=contest, rows=(e.ReadRow(station, round_, names[0]),))
        case "order":
            return "officer", e.RevoteOrdered(contest=contest, stations=(station,), kind="psu", day="2024-12-01", **reason)
        case "back":
            orders = [(revote.index, key) for key, revote in state.under(REVOTES) if not revote.withdrawn]
            return "officer", e.RevoteWithdrawn(order=max(orders)[1] if orders else bytes(32), **reason)
    none: dict[str, Any] = dict.fromkeys(("areas", "added", "merged", "cancelled", "corrected", "voters"), ())
    there = {code for code, _ in open_slots}
    if kind == "add":
        code = next((code for code in LATER if code not in there), LATER[0])
        none["areas"] = () if state.get(LISTED, NEW_VILLAGE.code.encode()) else (NEW_VILLAGE,)
        none["added"] = (station_row(code, contests=("mayor", "governor") if seat == "1" else ("governor",)),)
    else:
        none["cancelled"] = (station,)
    return "administrator", e.JurisdictionsAmended(**{**none, **reason})


class Rolled(Exception):
    """Leaves a transaction without a trace."""


class Store:
    """The same acts over a batch in an open transaction."""

    def __init__(self, connection: Connection) -> None:
        self.batch = Batch(connection)
        self._connection = connection

    def take(self, submission: bytes, at: At, *, flushing: bool) -> Change:
        """As ``log.append`` does.  ``flushing``: the batch's rows are written, and a new batch goes on from there."""
        event = open_submission(submission)
        election = self.batch.get(ELECTION, SINGLE)
        assert election is not None
        self.batch.load(needs(event, election.digits))
        for further in more(self.batch, event):
            self.batch.load(further)
        change = decide(self.batch, event, at)
        assert isinstance(change, Change)
        self.batch.apply(change)
        if flushing:
            self.batch.flush()
            self.batch = Batch(self._connection)
        return change


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """A node with the founding in it; what examples do in it is rolled back."""
    world = World()
    with make_node(tmp_path_factory.mktemp("recaps") / "ledger", world) as node:
        node.submit(submissions_of(world.founding()))
        yield node


def pages_of(state: Memory, size: int) -> dict[tuple[str, str], Page]:
    """The pages, from a copy of the state that has asked for no recap."""
    fresh = copied(state)
    for (contest, area), sums in roll_up(fresh).items():
        fresh.put(SUMS, sums_key(contest, area), sums)
    return {(page.contest, page.area): page for page in recap_pages(fresh, size)}


class Wanted(NamedTuple):
    """What a recap says but for its gaps."""

    sums: Sums
    commitment: bytes
    below: tuple[str, ...]
    changed: int


def said(recapped: Recapped | None) -> Wanted | None:
    """The same of what was answered."""
    return None if recapped is None else Wanted(recapped.sums, recapped.commitment, recapped.below, recapped.changed)


def expected(state: Memory, pages: dict[tuple[str, str], Page], place: tuple[str, str]) -> Wanted | None:
    """The recap of an area, from the pages and from every slot below it; None where there is none."""
    contest, area = place
    below = [(slot_parts(key)[1], slot) for key, slot in state.under(SLOTS, area_key(contest, area))]
    if not below:
        return None
    changed = max(slot.changed for _, slot in below)
    totals = roll_up(state)[place]
    if all(slot.annulled for _, slot in below):
        return Wanted(totals, b"", (), changed)
    lengths = [2, 4, 6, 10]
    length = next((length for length in lengths if length > len(area)), None)
    children = () if length is None else sorted({code[:length] for code, slot in below if not slot.annulled})
    return Wanted(totals, pages[place].commitment, tuple(children), changed)


def same_gaps(view: Any, state: Memory, place: tuple[str, str]) -> None:
    """``gaps`` names what a look at every station of the list gives."""
    contest, area = place
    slots = [(slot_parts(key)[1], slot) for key, slot in state.under(SLOTS, area_key(contest, area)) if not slot.annulled]
    wholly_in = ("single", "confirmed", "corrected")
    found = gaps(view, contest, area)
    assert found.missing == tuple(code for code, slot in slots if slot.state not in wholly_in)
    assert found.unread == tuple(code for code, slot in slots if slot.state in wholly_in and not slot.read)


def compare(log: MemoryLog, store: Store, places: list[tuple[str, str]], seen: set[str]) -> None:
    """Both views against the pages."""
    size = len(log.entries)
    pages = pages_of(log.state, size)
    for place in places:
        wanted = expected(log.state, pages, place)
        key = area_key(*place)
        assert said(log.state.get(RECAPS, key)) == wanted
        assert said(store.batch.get(RECAPS, key)) == wanted
        for view in (log.state, store.batch):
            same_gaps(view, log.state, place)
        seen.add("none" if wanted is None else "empty" if not wanted.commitment else "some")
    if len(places) > 1:
        tops = [(page.contest, page.commitment) for page in pages.values() if page.top]
        election = log.state.get(ELECTION, SINGLE)
        assert election is not None
        root = recap_root(ledger=election.ledger, size=size, tops=tops)
        assert current_root(log.state, size=size) == current_root(store.batch, size=size) == root


def play(node: Node, steps: list[Step], seen: set[str]) -> None:
    """A season in memory and in a transaction that is rolled back."""
    world = World()
    log = MemoryLog(world.founding())
    with suppress(Rolled), node.database.writing() as connection:
        store = Store(connection)
        for step in steps:
            who, data = data_of(log.state, step)
            signed = world.peek(who, data)
            at = At(len(log.entries), log.time)
            answer = log.take(signed.submission)
            if isinstance(answer, Change):
                world.sign(who, data)
                assert store.take(signed.submission, at, flushing=step[6]) == answer
                seen.add(answer.void or f"{step[0]}")
            compare(log, store, PLACES if step[5] < 0 else [PLACES[step[5]]], seen)
        compare(log, store, PLACES, seen)
        raise Rolled


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=seasons)
def test_recaps_are_the_pages(founded: Node, steps: list[Step]) -> None:
    """After every step of a random season: sums, commitment, children and last change of areas, their gaps, and the root."""
    play(founded, steps, set())


def _step(kind: str, station: str = STATIONS[3], *, asked: int = -1, flushed: bool = False) -> Step:
    return kind, station, "mayor", "1", GOOD, asked, flushed


def test_a_season_by_hand(founded: Node) -> None:
    """Every kind of act with effect, and a district whose only station is cancelled: the random seasons do not pass for nothing."""
    seen: set[str] = set()
    kinds = ("submit", "read", "correct", "hold", "release", "withdraw", "submit", "order", "submit", "order", "back")
    steps = [_step(kind, STATIONS[0], asked=number, flushed=number % 3 == 0) for number, kind in enumerate(kinds)]
    play(founded, [*steps, _step("add"), _step("cancel"), _step("cancel", STATIONS[2], flushed=True)], seen)
    assert seen == {*kinds, "add", "cancel", "some", "empty", "none"}


def test_a_form_that_arrives_is_seen_at_once(founded: Node) -> None:
    """By hand: the commitment of each area above changes with the form, that of the district beside does not."""
    world = World()
    log = MemoryLog(world.founding())
    before = {area: log.state.get(RECAPS, area_key("mayor", area)) for area in ("1771", "177101", "1771011001", "177102")}
    log.append(world.sign(f"{STATIONS[0]}/1", submitted(STATIONS[0])))
    for area, old in before.items():
        new = log.state.get(RECAPS, area_key("mayor", area))
        assert old is not None
        assert new is not None
        inside = STATIONS[0].startswith(area)
        assert (new.commitment != old.commitment) == inside
        assert (new.sums.figures == GOOD) == inside
        assert (new.changed == 9) == inside
    assert gaps(log.state, "mayor", "177101") == (STATIONS[1:3], STATIONS[:1])
    assert log.state.get(SLOTS, slot_key("mayor", STATIONS[0], 0)) is not None
    assert log.state.get(RECAPS, area_key("mayor", "1772")) is None
