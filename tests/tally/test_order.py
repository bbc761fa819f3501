"""A tally is a function of a set: however two seats' streams arrive, and whatever watchers say in between, it ends the same."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.device.stream import Signed
from ledger.tally import events as e
from ledger.tally.events import Figures
from ledger.tally.memory import Memory
from ledger.tally.rollup import Totals, roll_up
from ledger.tally.rows import Slot
from ledger.tally.state import ATTESTATIONS, OBJECTIONS, SLOTS, Change, slot_key

from ..governed import Governed
from ..world import GOOD, STATIONS, MemoryLog, World, code_of, corrected, submitted

STATION = STATIONS[0]
OTHER = (300, 121, 100, 221, 5, 307)
BLANK = (None, 120, 100, 220, "x", "-")
SLOT = slot_key("mayor", STATION, 0)

FOUNDED = World()
FOUNDING = FOUNDED.founding()
GOVERNED = Governed()
GOVERNED_FOUNDING = GOVERNED.founding()


def stream(seat: str, acts: list[tuple[str, Figures]], *, of: Callable[[], World] = World) -> list[Signed]:
    """A seat's events: ``submit``, ``correct`` and ``withdraw`` (what the seat believes to stand), ``stale`` (a correction of its
    first event)."""
    world, who = of(), f"{STATION}/{seat}"
    signed: list[Signed] = []
    standing: bytes | None = None
    for kind, figures in acts:
        if kind == "submit":
            signed.append(world.sign(who, submitted(STATION, figures, crew=len(signed) % 8)))
            standing = standing or signed[-1].event_id
        elif kind == "withdraw":
            gone = e.TallyWithdrawn(contest="mayor", station=STATION, round=0, withdraws=(standing or bytes(32),), reason="test")
            signed.append(world.sign(who, gone))
            standing = None
        else:
            named = (standing if kind == "correct" else signed[0].event_id if signed else None) or bytes(32)
            signed.append(world.sign(who, corrected(STATION, [named], figures)))
            if named == standing:
                standing = signed[-1].event_id
    return signed


def without_indexes(slot: Slot) -> Slot:
    """The slot with no trace of where in the log its events stand: marks that are log indexes say only whether they are set."""
    return msgspec.structs.replace(
        slot,
        seats=tuple(msgspec.structs.replace(standing, index=0) for standing in slot.seats),
        decided=tuple(msgspec.structs.replace(standing, index=0) for standing in slot.decided),
        changed=0,
        **{mark: int(getattr(slot, mark) > 0) for mark in ("read", "annulled", "postponed", "withdrawn", "order")},
    )


class Ending(NamedTuple):
    """The tally after some events, all totals, and the answer to each event; and for whoever looks further the state."""

    slot: Slot
    totals: Totals
    answers: dict[bytes, str]
    state: Memory

    def shown(self) -> tuple[Any, ...]:
        """What must not depend on the order."""
        return self.slot, self.totals, self.answers


def ending(order: list[Signed], founding: list[Signed] = FOUNDING) -> Ending:
    """After these events."""
    log = MemoryLog()
    for signed in founding:
        log.take(signed.submission)
    answers: dict[bytes, str] = {}
    for signed in order:
        answer = log.take(signed.submission)
        assert isinstance(answer, Change)
        answers[signed.event_id] = code_of(answer)
    slot = log.state.get(SLOTS, SLOT)
    assert slot is not None
    return Ending(without_indexes(slot), roll_up(log.state), answers, log.state)


def interleavings(first: list[Any], second: list[Any]) -> list[list[Any]]:
    """Every order that keeps the order within each."""
    size = len(first) + len(second)
    orders = []
    for places in itertools.combinations(range(size), len(first)):
        left, right = iter(first), iter(second)
        orders.append([next(left) if at in places else next(right) for at in range(size)])
    return orders


@st.composite
def shuffles(draw: st.DrawFn, streams: list[list[Signed]]) -> list[Signed]:
    """One order that keeps the order within each of the streams."""
    turns = draw(st.permutations([number for number, each in enumerate(streams) for _ in each]))
    rest = [iter(each) for each in streams]
    return [next(rest[number]) for number in turns]


KINDS = ["submit", "submit", "correct", "withdraw", "stale"]
acts = st.lists(st.tuples(st.sampled_from(KINDS), st.sampled_from([GOOD, OTHER, BLANK])), max_size=3)
longer = st.lists(st.tuples(st.sampled_from(KINDS), st.sampled_from([GOOD, OTHER, BLANK])), min_size=1, max_size=5)


@settings(max_examples=14, deadline=None)
@given(first=acts, second=acts)
def test_every_interleaving_of_two_seats_ends_equal(first: list[tuple[str, Figures]], second: list[tuple[str, Figures]]) -> None:
    """All orders of two streams of up to three events: one ending, and to each event one answer."""
    one, two = stream("1", first), stream("2", second)
    endings = [ending(order).shown() for order in interleavings(one, two)]
    assert all(other == endings[0] for other in endings)


def test_one_full_case_by_hand() -> None:
    """Both seats submit and correct: 20 orders, one tally, confirmed with what both corrected to."""
    one = stream("1", [("submit", GOOD), ("correct", OTHER), ("stale", GOOD)])
    two = stream("2", [("submit", BLANK), ("correct", GOOD), ("correct", OTHER)])
    orders = interleavings(one, two)
    assert len(orders) == 20
    slots = {ending(order).slot for order in orders}
    assert len(slots) == 1
    (slot,) = slots
    assert (slot.state, slot.changes, slot.seats[0].figures) == ("confirmed", 3, OTHER)
    assert ending(orders[0]).answers[one[2].event_id] == "void stale"


def test_a_withdrawal_by_hand() -> None:
    """One seat withdraws and sends again, the other withdraws for good: what is left is the first seat's, in every order."""
    one = stream("1", [("submit", BLANK), ("withdraw", GOOD), ("submit", GOOD)])
    two = stream("2", [("submit", OTHER), ("withdraw", OTHER)])
    slots = {ending(order).slot for order in interleavings(one, two)}
    assert len(slots) == 1
    (slot,) = slots
    assert (slot.state, slot.changes, [standing.seat for standing in slot.standing]) == ("single", 2, ["1"])
    assert (slot.standing[0].figures, slot.withdrawn) == (GOOD, 0)


def test_an_officer_breaks_the_independence_and_says_so() -> None:
    """With an officer's correction the order matters, and the late one is told: void, never silently lost."""
    world = World()
    a = world.sign(f"{STATION}/1", submitted(STATION))
    b = world.sign(f"{STATION}/2", submitted(STATION, OTHER))
    decision = world.sign("officer", corrected(STATION, [a.event_id], GOOD))
    first, second = ending([a, decision, b]), ending([a, b, decision])
    assert (first.answers[b.event_id], second.answers[decision.event_id]) == ("void already-decided", "void stale")
    assert (first.slot.state, second.slot.state) == ("single", "differing")


# --- watchers in between -----------------------------------------------------------------------------------------------------


def watching(who: str, words: list[tuple[str, Figures]], ids: list[bytes]) -> list[Signed]:
    """What an agent or supervisor says: ``attest`` (agreeing with one of the seats' events), ``differ`` (with own figures),
    ``object``, ``withdraw`` (the own objection, if there is one), ``incident``, ``recommend`` (a supervisor; an agent objects)."""
    world = Governed()
    signed: list[Signed] = []
    objections: list[bytes] = []
    for number, (word, figures) in enumerate(words):
        event = ids[number % len(ids)] if ids else bytes(32)
        data: e.EventData
        match word:
            case "attest":
                data = e.TallyAttested(contest="mayor", station=STATION, round=0, event=event, photos=())
            case "differ":
                data = e.TallyAttested(contest="mayor", station=STATION, round=0, event=event, photos=(), figures=figures)
            case "withdraw" if objections:
                data = e.ObjectionSettled(objection=objections.pop(), outcome="withdrawn", corrections=(), reason="seen")
            case "incident":
                data = e.IncidentRecorded(code=STATION, kind="power-cut", photos=(), basis=f"K {number}")
            case "recommend" if who == "supervisor":
                data = e.RecommendationIssued(
                    contest="mayor", kind="psu", number=f"PM {number}", ground="voted-twice", codes=(STATION,), deadline=1
                )
            case _:
                data = e.ObjectionRaised(contest="mayor", code=STATION, ground="copy-differs", photos=(), event=event)
        signed.append(world.sign(who, data))
        if isinstance(data, e.ObjectionRaised):
            objections.append(signed[-1].event_id)
    return signed


WORDS = ["attest", "differ", "object", "withdraw", "incident", "recommend"]
words = st.lists(st.tuples(st.sampled_from(WORDS), st.sampled_from([GOOD, OTHER, BLANK])), max_size=4)


@settings(max_examples=40, deadline=None)
@given(first=longer, second=longer, agent=words, supervisor=words, draws=st.data())
def test_any_arrival_that_the_streams_allow_ends_equal(
    first: list[tuple[str, Figures]],
    second: list[tuple[str, Figures]],
    agent: list[tuple[str, Figures]],
    supervisor: list[tuple[str, Figures]],
    draws: st.DataObject,
) -> None:
    """Two seats, an agent and a supervisor, each in the own order, shuffled any way: the same tally, totals and answers.  Without
    the watchers: the same tally and totals, and the same answer to each of the seats' events."""
    one, two = stream("1", first, of=Governed), stream("2", second, of=Governed)
    ids = [signed.event_id for signed in (*one, *two)]
    watched = [watching("agent-1", agent, ids), watching("supervisor", supervisor, ids)]
    orders = [draws.draw(shuffles([one, two, *watched])) for _ in range(3)]
    endings = [ending(order, GOVERNED_FOUNDING) for order in orders]
    assert all(other.shown() == endings[0].shown() for other in endings)
    alone = ending([*two, *one], GOVERNED_FOUNDING)
    assert (alone.slot, alone.totals) == (endings[0].slot, endings[0].totals)
    assert alone.answers.items() <= endings[0].answers.items()
    assert all(endings[0].answers[signed.event_id] == "ok" for each in watched for signed in each)
    assert all(_said(other.state) == _said(endings[0].state) for other in endings)


def _said(state: Memory) -> tuple[Any, ...]:
    """What the watchers are heard to say in the end, without log indexes."""
    attested = {key: (row.event, row.figures) for key, row in state.under(ATTESTATIONS)}
    return attested, {key: (row.code, row.outcome) for key, row in state.under(OBJECTIONS)}
