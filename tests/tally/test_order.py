"""A tally is a function of a set: however two seats' streams arrive, the tally ends the same."""

from __future__ import annotations

import itertools
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.device.stream import Signed
from ledger.tally.events import Figures
from ledger.tally.rows import Slot
from ledger.tally.state import SLOTS, Change, slot_key

from ..world import GOOD, STATIONS, MemoryLog, World, code_of, corrected, submitted

STATION = STATIONS[0]
OTHER = (300, 121, 100, 221, 5, 307)
BLANK = (None, 120, 100, 220, "x", "-")

FOUNDED = World()
FOUNDING = FOUNDED.founding()


def stream(seat: str, acts: list[tuple[str, Figures]]) -> list[Signed]:
    """A seat's events: ``submit``, ``correct`` (of what the seat believes to stand) and ``stale`` (of its first event)."""
    world = World()
    signed: list[Signed] = []
    standing: bytes | None = None
    for kind, figures in acts:
        if kind == "submit":
            signed.append(world.sign(f"{STATION}/{seat}", submitted(STATION, figures)))
            standing = standing or signed[-1].event_id
        else:
            named = (standing if kind == "correct" else signed[0].event_id if signed else None) or bytes(32)
            signed.append(world.sign(f"{STATION}/{seat}", corrected(STATION, [named], figures)))
            if named == standing:
                standing = signed[-1].event_id
    return signed


def without_index(slot: Slot) -> Slot:
    """The slot with no trace of where in the log its events stand."""
    return msgspec.structs.replace(slot, seats=tuple(msgspec.structs.replace(standing, index=0) for standing in slot.seats))


def ending(order: list[Signed]) -> tuple[Slot, dict[bytes, str]]:
    """The tally after these events, and the answer to each."""
    log = MemoryLog()
    for signed in FOUNDING:
        log.take(signed.submission)
    answers: dict[bytes, str] = {}
    for signed in order:
        answer = log.take(signed.submission)
        assert isinstance(answer, Change)
        answers[signed.event_id] = code_of(answer)
    slot = log.state.get(SLOTS, slot_key("mayor", STATION, 0))
    assert slot is not None
    return without_index(slot), answers


def interleavings(first: list[Any], second: list[Any]) -> list[list[Any]]:
    """Every order that keeps the order within each."""
    size = len(first) + len(second)
    orders = []
    for places in itertools.combinations(range(size), len(first)):
        left, right = iter(first), iter(second)
        orders.append([next(left) if at in places else next(right) for at in range(size)])
    return orders


acts = st.lists(
    st.tuples(st.sampled_from(["submit", "submit", "correct", "stale"]), st.sampled_from([GOOD, OTHER, BLANK])), max_size=3
)


@settings(max_examples=12, deadline=None)
@given(first=acts, second=acts)
def test_every_interleaving_of_two_seats_ends_equal(first: list[tuple[str, Figures]], second: list[tuple[str, Figures]]) -> None:
    """All orders of two streams of up to three events: one ending, and to each event one answer."""
    one, two = stream("1", first), stream("2", second)
    endings = [ending(order) for order in interleavings(one, two)]
    assert all(other == endings[0] for other in endings)


def test_one_full_case_by_hand() -> None:
    """Both seats submit and correct: 20 orders, one tally, confirmed with what both corrected to."""
    one = stream("1", [("submit", GOOD), ("correct", OTHER), ("stale", GOOD)])
    two = stream("2", [("submit", BLANK), ("correct", GOOD), ("correct", OTHER)])
    orders = interleavings(one, two)
    assert len(orders) == 20
    slots = {slot for slot, _ in map(ending, orders)}
    assert len(slots) == 1
    (slot,) = slots
    assert (slot.state, slot.changes, slot.seats[0].figures) == ("confirmed", 3, OTHER)
    assert ending(orders[0])[1][one[2].event_id] == "void stale"


def test_an_officer_breaks_the_independence_and_says_so() -> None:
    """With an officer's correction the order matters, and the late one is told: void, never silently lost."""
    world = World()
    a = world.sign(f"{STATION}/1", submitted(STATION))
    b = world.sign(f"{STATION}/2", submitted(STATION, OTHER))
    decision = world.sign("officer", corrected(STATION, [a.event_id], GOOD))
    first, answers = ending([a, decision, b])
    second, others = ending([a, b, decision])
    assert (answers[b.event_id], others[decision.event_id]) == ("void already-decided", "void stale")
    assert (first.state, second.state) == ("single", "differing")
