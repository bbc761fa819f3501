"""What keys cannot do, by random acts over governed elections.

Agents and supervisors change no total and make no act of others fail; no single key changes a certified number; administrators,
registrars and root keys have no power over numbers; what waits for a second seat locks nothing.  The acts are drawn by hypothesis
(a type and a seed each) and made by ``random_acts`` over the log as it stands, so that they are about what is there.
"""

from __future__ import annotations

import hashlib
from functools import cache
from random import Random
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from ledger.device.stream import EventStream, Signed
from ledger.tally import events as e
from ledger.tally.events import DATA_TYPES
from ledger.tally.memory import Memory
from ledger.tally.recaps import RECAPS, current_root
from ledger.tally.rollup import roll_up
from ledger.tally.rows import Slot
from ledger.tally.signing import open_submission
from ledger.tally.state import CERTIFICATES, CONTESTS, ELECTION, FORMS, KEYS, PENDING, SLOTS, STREAMS, slot_parts

from ..governed import (
    BASIS,
    CITY,
    DISTRICT_A,
    DISTRICT_B,
    OTHER,
    PROVINCE,
    Governed,
    GovernedLog,
    first_night,
    keys_and_lists,
    plenaries,
    submissions,
    whole_season,
    witnesses,
)
from ..world import STATIONS, code_of, corrected
from .random_acts import MOVES, NOBODY, fork, play, role_of

ONE: Final = STATIONS[0]
WATCHERS: Final = ("agent-1", "agent-2", "supervisor", "supervisor-2")
OFFICES: Final = ("chair-a", "member-a", "chair-b", "chair-city", "member-city", "chair-province", "commission-1", "administrator")
SEASON_ACTS: Final = 110
"""About as many acts as a whole season has."""
DISTRICTS_CERTIFIED: Final = 76
"""The size at which the districts of both contests have certified, and the city has read them."""
Drawn = list[tuple[str, int]]


def test_every_type_of_event_is_drawn() -> None:
    """A new event type must be among the random acts."""
    assert set(MOVES) == set(DATA_TYPES) - {"election.opened"}


# --- in between the acts of others ----------------------------------------------------------------------------------------------


class Interrupted(GovernedLog):
    """A season in which others act in between.  ``plan``: after which act of the season, by whom, what, with which seed.

    ``answers`` are those to the season's own acts, but for the agents' and supervisors'; what is planned is played where it is
    allowed at all.
    """

    def __init__(self, plan: list[tuple[int, str, str, int]], *, only_pending: bool = False) -> None:
        self.plan: dict[int, list[tuple[str, str, int]]] = {}
        for step, *act in plan:
            self.plan.setdefault(step, []).append(tuple(act))  # type: ignore[arg-type]
        self.only_pending = only_pending
        self.steps = 0
        self.answers: list[tuple[str, str]] = []
        self.own: list[bytes] = []
        self.played: list[str] = []
        super().__init__(Governed())

    def append(self, signed: Signed) -> Signed:
        """One act of the season, whatever the answer, and then what is planned."""
        answer = super().take(signed.submission)
        if role_of(self, signed.submission) not in ("agent", "supervisor"):
            event = open_submission(signed.submission)
            self.answers.append((event.type, code_of(answer)))
            self.own.append(signed.event_id)
        self.steps += 1
        for name, kind, seed in self.plan.get(self.steps, ()):
            data = MOVES[kind](self, name, Random(seed))
            self.played.append(play(self, name, data, only_pending=self.only_pending))
        return signed


def told(log: Interrupted) -> Any:
    """What a season comes to, without what moves when entries move: log indexes, and the ids of the events that name them.

    Ids of standing events are put as the place of the event among the acts of others; the commitments are taken over slots that
    say so.
    """
    place = {event: hashlib.sha256(str(at).encode()).digest() for at, event in enumerate(log.own)}
    state = Memory()
    slots: dict[bytes, Slot] = {}
    for table in (ELECTION, CONTESTS, FORMS):
        for key, row in log.state.under(table):  # type: ignore[var-annotated]
            state.put(table, key, row)  # type: ignore[arg-type]
    for key, slot in log.state.under(SLOTS):
        slots[key] = _placed(slot, place)
        state.put(SLOTS, key, slots[key])
    certificates = {
        key: (row.sums, row.paper, row.differences, row.missing, row.in_force, bool(row.read), row.corrected, row.renew)
        for key, row in log.state.under(CERTIFICATES)
    }
    election = log.state.get(ELECTION, b"")
    assert election is not None
    return log.answers, roll_up(log.state), slots, certificates, current_root(state, size=0), election.now


INDEXES: Final = ("opened", "changed", "read", "annulled", "postponed", "withdrawn", "order")


def _placed(slot: Slot, place: dict[bytes, bytes]) -> Slot:
    """The slot with its events as places, and every log index as 0 or 1."""
    seats, decided = (
        tuple(replace(each, event=place[each.event], index=0) for each in standing) for standing in (slot.seats, slot.decided)
    )
    marks = {name: min(1, getattr(slot, name)) for name in INDEXES}
    return replace(slot, seats=seats, decided=decided, **marks)


def season_with(plan: list[tuple[int, str, str, int]], *, only_pending: bool = False) -> Interrupted:
    """A whole season, interrupted."""
    log = Interrupted(plan, only_pending=only_pending)
    first_night(log)
    keys_and_lists(log)
    witnesses(log)
    plenaries(log)
    return log


@cache
def undisturbed() -> Any:
    """The season without anybody in between."""
    return told(season_with([]))


def plans(names: tuple[str, ...], types: list[str], *, most: int) -> st.SearchStrategy[list[tuple[int, str, str, int]]]:
    """When, who, what, with which seed."""
    one = st.tuples(st.integers(20, SEASON_ACTS), st.sampled_from(names), st.sampled_from(types), st.integers(0, 2**20))
    return st.lists(one, min_size=1, max_size=most)


WATCHING: Final = sorted(
    {"incident.recorded", "objection.raised", "objection.settled", "recommendation.issued", "tally.attested", "approved"}
)
"""What agents and supervisors can do at all, and the approval that they might try."""


@settings(max_examples=25, deadline=None)
@given(plan=plans(WATCHERS, [*WATCHING, *WATCHING, "objection.settled", *sorted(MOVES)], most=40))
def test_agents_and_supervisors_change_no_total_and_make_no_act_of_others_fail(plan: list[tuple[int, str, str, int]]) -> None:
    """The others' answers, every slot, certificate, total and commitment of a whole season, with and without them."""
    plan = [each for each in plan if each[2] != "key.rotated"]  # the season's own agents would find their keys retired
    assert told(season_with(plan)) == undisturbed()


def test_an_agent_who_withdraws_makes_no_settlement_fail() -> None:
    """Every agent tries to withdraw every objection at every step between its raising and its settling."""
    plan = [
        (step, name, "objection.settled", seed) for step in range(52, 60) for name in ("agent-1", "agent-2") for seed in range(16)
    ]
    log = season_with(plan)
    assert "" in log.played, "nothing was withdrawn"
    assert told(log) == undisturbed()


@settings(max_examples=15, deadline=None)
@given(plan=plans(OFFICES, sorted(MOVES), most=60))
def test_what_waits_for_a_second_seat_locks_nothing(plan: list[tuple[int, str, str, int]]) -> None:
    """Of officers, registrars and administrators everything that is put down as pending, in between the acts of a season."""
    assert told(season_with(plan, only_pending=True)) == undisturbed()


def test_the_season_has_pending_acts_to_be_in_between() -> None:
    """The last test is about something: proposals of every kind that the manifest makes wait do get in."""
    names = {
        "recap.certified": "chair-a",
        "recap.reopened": "chair-a",
        "revote.ordered": "chair-city",
        "keys.enrolled": "commission-1",
    }
    plan = [(step, name, kind, seed) for step in range(40, 105, 4) for kind, name in names.items() for seed in range(2)]
    log = season_with(plan, only_pending=True)
    kinds = {open_submission(bytes_).type for bytes_ in submissions_beyond(log)}
    assert kinds >= {"recap.certified", "recap.reopened", "revote.ordered", "keys.enrolled"}
    assert told(log) == undisturbed()


def submissions_beyond(log: Interrupted) -> list[bytes]:
    """The submissions that are no act of the season."""
    own = set(log.own)
    return [each for each in submissions(log.entries) if open_submission(each).event_id not in own]


# --- one key -----------------------------------------------------------------------------------------------------------------


@cache
def certified() -> GovernedLog:
    """A whole season: certificates of districts, the city and the province are in force."""
    return whole_season()


@cache
def prefix(size: int) -> GovernedLog:
    """A whole season up to some acts after the founding, without the rest."""
    full = certified()
    log = GovernedLog(Governed())
    for submission in submissions(full.entries[len(log.entries) : size]):
        log.take(submission)
    for name, stream in full.world.streams.items():
        at = log.state.get(STREAMS, stream.key.point)
        position, previous = (0, None) if at is None else (at.position, at.previous)
        log.world.streams[name] = EventStream(stream.key, ledger=log.world.ledger, position=position, previous=previous)
    return log


def figures_of(log: GovernedLog, areas: list[bytes]) -> dict[bytes, Any]:
    """The totals of areas: figure by figure the sum, and of how many stations."""
    recaps = {area: log.state.get(RECAPS, area) for area in areas}
    return {area: (recap.sums.figures, recap.sums.present) for area, recap in recaps.items() if recap is not None}


def in_force(log: GovernedLog) -> list[bytes]:
    """The areas whose certificate holds."""
    return [key for key, row in log.state.under(CERTIFICATES) if row.in_force]


ALONE: Final = (
    f"{ONE}/1",
    f"{STATIONS[1]}/1",
    f"{STATIONS[3]}/2",
    "chair-a",
    "chair-a-new",
    "member-a",
    "chair-b",
    "chair-city",
    "member-city",
    "chair-province",
    "importer",
    "administrator",
    "registrar-a",
    "commission-1",
    "watchdog-1",
    "pair-1",
    "agent-1",
    "supervisor",
    "root-1",
    "sealer",
)


class Hand:
    """One hand: a key, what its seat was rotated to, and the keys that it alone got enrolled; and their proposals."""

    def __init__(self, log: GovernedLog, name: str) -> None:
        self.log = log
        self.names = [name]
        self.sent: list[bytes] = []

    def moves(self, kind: str, seed: int) -> str:
        """One act of one of its keys."""
        draw = Random(seed)
        name = draw.choice(self.names)
        if kind == "approved" and self.sent and draw.random() < 0.7:
            return self._plays(name, e.Approved(event=draw.choice(self.sent)))
        return self._plays(name, MOVES[kind](self.log, name, draw))

    def _plays(self, name: str, data: e.EventData) -> str:
        before = {key for key, _ in self.log.state.under(KEYS)}
        size = len(self.log.entries)
        code = play(self.log, name, data)
        if len(self.log.entries) > size and not code:
            self.sent.append(self.log.world.stream(name).previous or NOBODY)
        if {key for key, _ in self.log.state.under(KEYS)} - before:
            rows = data.keys if isinstance(data, e.KeysEnrolled) else ()
            self.names += [f"{name}~"] if isinstance(data, e.KeyRotated) else [self._named(row) for row in rows]
        return code

    def _named(self, row: e.KeyRow) -> str:
        return next(name for name in self._names(row) if self.log.world.key(name).point == row.point)

    def _names(self, row: e.KeyRow) -> list[str]:
        numbers = range(99)
        holders = [f"{row.scope}/{row.seat}x{number}" for number in numbers]
        return holders + [f"new-{name}-{row.role}-{number}" for name in self.names for number in numbers]


@pytest.mark.parametrize("name", ALONE)
@settings(max_examples=14, deadline=None)
@given(
    size=st.sampled_from([DISTRICTS_CERTIFIED, SEASON_ACTS]),
    drawn=st.lists(st.tuples(st.sampled_from(sorted(MOVES)), st.integers(0, 2**20)), min_size=4, max_size=40),
)
def test_no_single_key_changes_a_certified_number(name: str, size: int, drawn: Drawn) -> None:
    """Whatever one key does, with its successors and with keys that it alone enrolled, approving its own proposals too: over
    certificates of districts alone, and of districts, the city and the province."""
    log = fork(prefix(size))
    areas = in_force(log)
    before = figures_of(log, areas)
    assert before
    hand = Hand(log, name)
    for kind, seed in drawn:
        hand.moves(kind, seed)
    assert figures_of(log, areas) == before


def test_the_certificates_are_of_every_level() -> None:
    """What the tests of one key stand on."""
    assert {key.decode().partition("/")[2] for key in in_force(prefix(SEASON_ACTS))} >= {DISTRICT_A, CITY, PROVINCE}
    assert {key.decode().partition("/")[2] for key in in_force(prefix(DISTRICTS_CERTIFIED))} == {DISTRICT_A, DISTRICT_B}


@pytest.mark.parametrize("name", ["chair-city", "member-city", "chair-province", "importer"])
def test_every_act_that_would_change_a_certified_number_is_tried_by_one_key(name: str) -> None:
    """By keys that may propose it, three hundred times: proposals get in, and the number stays."""
    log = fork(prefix(DISTRICTS_CERTIFIED))
    areas = in_force(log)
    before = figures_of(log, areas)
    hand = Hand(log, name)
    kinds = ("tally.corrected", "tally.withdrawn", "tally.held", "tally.submitted", "revote.ordered", "recap.reopened", "approved")
    for seed in range(300):
        hand.moves(kinds[seed % len(kinds)], seed)
    proposed = {row.type for _, row in log.state.under(PENDING) if row.state == "open"}
    assert "tally.corrected" in proposed
    assert figures_of(log, areas) == before


def test_two_seats_of_one_office_do_change_it() -> None:
    """The tests above are about something: with the second seat's word the number changes."""
    log = fork(certified())
    before = figures_of(log, in_force(log))
    place = next(key for key, slot in log.state.under(SLOTS, f"governor/{ONE}".encode()) if not slot.annulled)
    contest, station, _ = slot_parts(place)
    bound = log.state.get(CERTIFICATES, f"{contest}/{PROVINCE}".encode())
    assert bound is not None
    opened = e.RecapReopened(contest=contest, area=PROVINCE, certificate=bound.event, stations=(), reason="found", basis=BASIS)
    log.propose("chair-province", opened)
    log.propose("chair-province", corrected(station, log.standing(station, contest), OTHER, contest=contest, basis=BASIS))
    assert figures_of(log, list(before)) != before


# --- administrators, registrars and roots ----------------------------------------------------------------------------------------


POWERLESS: Final = (
    "administrator",
    "administrator-2",
    "commission-1",
    "commission-2",
    "registrar-a",
    "watchdog-1",
    "watchdog-2",
    "pair-1",
    "root-1",
    "root-2",
)


RUNNING: Final = ("jurisdictions.amended", "election.amended", "keys.enrolled", "key.revoked")


@settings(max_examples=30, deadline=None)
@given(
    size=st.integers(20, SEASON_ACTS),
    drawn=st.lists(
        st.tuples(st.sampled_from(POWERLESS), st.sampled_from([*RUNNING, *sorted(MOVES)]), st.integers(0, 2**20)),
        min_size=4,
        max_size=30,
    ),
)
def test_administrators_registrars_and_roots_have_no_power_over_numbers(size: int, drawn: list[tuple[str, str, int]]) -> None:
    """All of them together, approving each other at once, over any prefix of a season: every total keeps its figures."""
    log = fork(prefix(size))
    before = {place: (sums.figures, sums.present) for place, sums in roll_up(log.state).items()}
    for name, kind, seed in drawn:
        _agreed(log, name, kind, seed)
    after = {place: (sums.figures, sums.present) for place, sums in roll_up(log.state).items()}
    assert {place: after[place] for place in before} == before


def _agreed(log: GovernedLog, name: str, kind: str, seed: int) -> str:
    """An act and, where it waits, the word of everybody else who has no power over numbers."""
    size = len(log.entries)
    code = play(log, name, MOVES[kind](log, name, Random(seed)))
    proposed = log.world.stream(name).previous or NOBODY
    if len(log.entries) > size and log.state.get(PENDING, proposed) is not None:
        for other in POWERLESS:
            play(log, other, e.Approved(event=proposed))
    return code


def test_administrators_try_every_change_of_the_area_tree_and_leave_the_numbers() -> None:
    """Two of them, agreeing, at a moment when many forms are in and nothing is certified."""
    log = fork(prefix(60))
    before = {place: (sums.figures, sums.present) for place, sums in roll_up(log.state).items()}
    codes = {_agreed(log, "administrator", "jurisdictions.amended", seed) for seed in range(200)}
    assert codes >= {"", "station-has-tally"}
    after = {place: (sums.figures, sums.present) for place, sums in roll_up(log.state).items()}
    assert {place: after[place] for place in before} == before


@pytest.mark.parametrize("name", ["commission-1", "watchdog-1", "pair-1", "registrar-a"])
@settings(max_examples=15, deadline=None)
@given(seeds=st.lists(st.tuples(st.sampled_from(["keys.enrolled", "key.revoked", "approved"]), st.integers(0, 2**20)), max_size=30))
def test_one_registrar_alone_gets_no_key_of_an_office(name: str, seeds: Drawn) -> None:
    """With second seats for enrolment one registrar alone puts new operators' keys into seats that had one, marked as alone, and
    nothing else into anything: what it enrols beyond that waits for another registrar."""
    log = fork(certified())
    before = {key for key, _ in log.state.under(KEYS)}
    hand = Hand(log, name)
    for kind, seed in seeds:
        hand.moves(kind, seed)
    new = [row for key, row in log.state.under(KEYS) if key not in before]
    assert all((row.role, row.alone) == ("operator", 1) for row in new)


def test_the_second_registrar_is_what_it_takes() -> None:
    """The same enrolment by two of the commission's registrars gives the key: the residual, which views show."""
    log = fork(certified())
    row = log.world.key_row("new-officer", "officer", DISTRICT_A, "clerk")
    signed = log.act("commission-1", e.KeysEnrolled(keys=(row,)))
    assert log.state.get(KEYS, row.point) is None
    log.append(log.world.approve("commission-2", signed.event_id))
    enrolled = log.state.get(KEYS, row.point)
    assert enrolled is not None
    assert (enrolled.role, enrolled.by) == ("officer", "commission-1")
