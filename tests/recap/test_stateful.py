"""Random acts of many people against a naive model, a log in memory and a store: all three agree after every step."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from ledger.device.stream import EventStream, Signed
from ledger.log.append import Appended
from ledger.node import Node
from ledger.tally.events import EventData, Figures, JurisdictionsListed, KeyRevoked, KeysEnrolled
from ledger.tally.rollup import roll_up
from ledger.tally.state import SLOTS, Change, slot_parts

from ..world import (
    AREAS,
    GOOD,
    STATIONS,
    Clock,
    MemoryLog,
    World,
    code_of,
    corrected,
    digest_of,
    held,
    make_node,
    released,
    station_row,
    submissions_of,
    submitted,
)
from .naive import Naive

LATER_STATIONS = ("1771011001003", "1771021001002")
FORMS: list[Figures] = [
    GOOD,
    (300, 121, 100, 221, 5, 307),
    (300, 120, 100, 221, 5, 307),
    (301, 120, 100, 220, 5, 307),
    (300, 120, 100, 220, 6, 306),
    (None, 120, 100, 220, "x", "-"),
    (1_000, 0, 0, 0, 0, 0),
]
STEPS = ["submit", "submit", "submit", "correct", "correct", "office", "hold", "release"]
OFFICES = ("officer", "officer-b", "importer")
OTHERS = ("administrator", "supervisor", "commission", "nobody")
STRANGE_ID = bytes(32)

figures = st.sampled_from(FORMS)
stations = st.sampled_from([STATIONS[0], STATIONS[0], STATIONS[1], *STATIONS[1:], *LATER_STATIONS])
contests = st.sampled_from(["mayor", "mayor", "governor"])
seats = st.sampled_from(["1", "2", "1", "2", "1b", "2b"])
offices = st.sampled_from(OFFICES)

_template: list[tuple[Path, tempfile.TemporaryDirectory[str]]] = []


def founded_folder() -> Path:
    """A ledger folder with the founding in it, made once a process and then copied."""
    if not _template:
        place = tempfile.TemporaryDirectory()
        world = World()
        with make_node(Path(place.name) / "ledger", world) as node:
            assert all(isinstance(answer, Appended) for answer in node.submit(submissions_of(world.founding())))
        _template.append((Path(place.name) / "ledger", place))
    return _template[0][0]


class Season(RuleBasedStateMachine):
    """``_act`` signs, predicts, folds in memory and queues; ``flush`` sends what is queued as one batch to the store."""

    @initialize()
    def open(self) -> None:
        self.place = tempfile.TemporaryDirectory()
        folder = Path(self.place.name) / "ledger"
        shutil.copytree(founded_folder(), folder)
        self.node = Node.open(folder, clock=Clock())
        self.world = World()
        self.log = MemoryLog(self.world.founding())
        self.naive = Naive()
        self.pending: list[tuple[Signed, str]] = []
        self.sent: list[Signed] = []
        self.seen: dict[tuple[str, str], list[bytes]] = {}

    def _act(self, who: str, data: EventData, act: dict[str, Any]) -> str:
        signed = self.world.peek(who, data)
        expected = self.naive.answer(who, self.world.stream(who).position, {**act, "id": signed.event_id})
        self._take(signed, expected)
        if expected == "ok" or expected.startswith("void"):
            self.world.sign(who, data)
            self.sent.append(signed)
            if "station" in act and act["kind"] in ("submit", "correct"):
                self.seen.setdefault((act["contest"], act["station"]), []).append(signed.event_id)
        return expected

    def _take(self, signed: Signed, expected: str) -> None:
        answer = self.log.take(signed.submission, watched=True)
        assert code_of(answer) == expected, (answer, expected)
        self.pending.append((signed, expected))

    @rule(
        station=st.sampled_from([STATIONS[0], STATIONS[3]]),
        steps=st.lists(
            st.tuples(st.sampled_from(STEPS), st.booleans(), st.sampled_from([GOOD, *FORMS])),
            min_size=4,
            max_size=8,
        ),
    )
    def evening(self, station: str, steps: list[tuple[str, bool, Figures]]) -> None:
        """Plausible acts on one tally, one after the other: how the deep states are reached."""
        for kind, second, form in steps:
            seat = "2" if second else "1"
            if kind == "submit":
                self.operator_submits(station, seat, "mayor", form)
            elif kind == "correct":
                self.operator_corrects(station, seat, "mayor", form, "right")
            elif kind == "office":
                self.office_corrects("importer", station, "mayor", form, "right")
            elif kind == "hold":
                self.hold("importer", station, "mayor")
            else:
                self.release("importer", station, "mayor")
            self.states_and_totals_agree()

    # --- acts on tallies -----------------------------------------------------------------------------------------------------

    @rule(station=stations, seat=seats, contest=contests, form=figures)
    def operator_submits(self, station: str, seat: str, contest: str, form: Figures) -> None:
        act = {"kind": "submit", "contest": contest, "station": station, "figures": form}
        self._act(f"{station}/{seat}", submitted(station, form, contest=contest), act)

    @rule(who=st.sampled_from([*OFFICES, *OTHERS, f"{STATIONS[2]}/1"]), station=stations, contest=contests, form=figures)
    def another_submits(self, who: str, station: str, contest: str, form: Figures) -> None:
        act = {"kind": "submit", "contest": contest, "station": station, "figures": form}
        self._act(who, submitted(station, form, contest=contest), act)

    def _names(self, contest: str, station: str, seat: str | None, how: str) -> list[bytes]:
        tally = self.naive.tallies.get((contest, station))
        before = self.seen.get((contest, station), [])
        if tally is None or how == "strange":
            return [STRANGE_ID]
        if how == "old":
            return before[:1] or [STRANGE_ID]
        standing = [tally["seats"][seat]] if seat in tally["seats"] else self.naive.standing(tally)
        return [one["id"] for one in standing] or [STRANGE_ID]

    @rule(
        station=stations,
        seat=seats,
        contest=contests,
        form=figures,
        how=st.sampled_from(["right", "right", "old", "strange"]),
    )
    def operator_corrects(self, station: str, seat: str, contest: str, form: Figures, how: str) -> None:
        names = self._names(contest, station, seat[0], how)
        act = {"kind": "correct", "contest": contest, "station": station, "figures": form, "names": names}
        self._act(f"{station}/{seat}", corrected(station, names, form, contest=contest), act)

    @rule(
        who=st.sampled_from([*OFFICES, "officer", "supervisor"]),
        station=stations,
        contest=contests,
        form=figures,
        how=st.sampled_from(["right", "right", "old", "strange"]),
    )
    def office_corrects(self, who: str, station: str, contest: str, form: Figures, how: str) -> None:
        names = self._names(contest, station, None, how)
        act = {"kind": "correct", "contest": contest, "station": station, "figures": form, "names": names}
        self._act(who, corrected(station, names, form, contest=contest), act)

    @rule(who=offices, station=stations, contest=contests)
    def hold(self, who: str, station: str, contest: str) -> None:
        self._act(who, held(station, contest=contest), {"kind": "hold", "contest": contest, "station": station})

    @rule(who=offices, station=stations, contest=contests)
    def release(self, who: str, station: str, contest: str) -> None:
        self._act(who, released(station, contest=contest), {"kind": "release", "contest": contest, "station": station})

    # --- keys and places -----------------------------------------------------------------------------------------------------

    @rule(
        by=st.sampled_from(["commission", "commission", "watchdog", "officer"]),
        whom=st.sampled_from([f"{STATIONS[0]}/1", f"{STATIONS[0]}/2", f"{STATIONS[1]}/1", "officer-b", "nobody", "root-2"]),
        last_good=st.none() | st.integers(0, 4),
    )
    def revoke(self, by: str, whom: str, last_good: int | None) -> None:
        marks = {} if last_good is None else {"last_good": last_good}
        data = KeyRevoked(key=self.world.key(whom).point, reason="lost", **marks)
        if whom == "root-2":
            self.naive.people.setdefault(whom, {"role": "root", "scope": "", "seat": "root-2", "rules": (), "revoked": False})
        self._act(by, data, {"kind": "revoke", "name": whom, "last_good": last_good})

    @rule(by=st.sampled_from(["commission", "commission", "watchdog"]), station=stations, seat=seats)
    def enrol(self, by: str, station: str, seat: str) -> None:
        if ("mayor", station) in self.naive.tallies:
            name = f"{station}/{seat}"
            data = KeysEnrolled(keys=(self.world.key_row(name, "operator", station, seat[0]),))
            self._act(by, data, {"kind": "enrol", "name": name, "role": "operator", "scope": station, "seat": seat[0]})

    @rule(station=st.sampled_from([STATIONS[0], *LATER_STATIONS]), who=st.sampled_from(["administrator", "officer"]))
    def list_station(self, station: str, who: str) -> None:
        data = JurisdictionsListed(areas=(), stations=(station_row(station),))
        self._act(who, data, {"kind": "list", "station": station})

    # --- streams out of order ------------------------------------------------------------------------------------------------

    @rule(station=stations, seat=seats, ahead=st.integers(1, 3))
    def gap(self, station: str, seat: str, ahead: int) -> None:
        who = f"{station}/{seat}"
        at = self.world.stream(who)
        stream = EventStream(at.key, ledger=at.ledger, position=at.position + ahead, previous=STRANGE_ID)
        expected = "waiting stream-gap" if who in self.naive.people else "waiting key-unknown"
        if self.naive.is_dead(who, stream.position):
            expected = "refused key-revoked"
        self._take(stream.sign(submitted(station), claimed_at=1), expected)

    @rule(station=stations, seat=seats, form=figures)
    def fork(self, station: str, seat: str, form: Figures) -> None:
        who = f"{station}/{seat}"
        at = self.world.stream(who)
        if at.position:
            before = STRANGE_ID if at.position > 1 else None
            taken = EventStream(at.key, ledger=at.ledger, position=at.position - 1, previous=before)
            dead = self.naive.is_dead(who, taken.position)
            expected = "refused key-revoked" if dead else "refused stream-position"
            self._take(taken.sign(submitted(station, form), claimed_at=2), expected)
            branch = EventStream(at.key, ledger=at.ledger, position=at.position, previous=STRANGE_ID)
            dead = self.naive.is_dead(who, branch.position)
            expected = "refused key-revoked" if dead else "refused stream-previous"
            self._take(branch.sign(submitted(station, form), claimed_at=2), expected)

    @rule(which=st.integers(0, 10**6))
    def send_again(self, which: int) -> None:
        if self.sent:
            self.pending.append((self.sent[which % len(self.sent)], "again"))

    # --- the store -----------------------------------------------------------------------------------------------------------

    @rule()
    def flush(self) -> None:
        answers = self.node.submit([signed.submission for signed, _ in self.pending])
        for (signed, expected), answer in zip(self.pending, answers, strict=True):
            if expected == "again":
                assert isinstance(answer, Appended)
                assert (answer.before, answer.index) == (True, self.log.indexes[signed.event_id])
            else:
                assert code_of(answer) == expected
                assert not isinstance(answer, Appended) or answer.index == self.log.indexes[signed.event_id]
        self.pending = []
        replayed = self.node.replay(rebuilding=False)
        assert replayed.size == len(self.log.entries)
        assert replayed.standing == replayed.digest == digest_of(self.log.state), replayed.differences

    @invariant()
    def states_and_totals_agree(self) -> None:
        if not hasattr(self, "log"):
            return
        slots = {slot_parts(key)[:2]: slot for key, slot in self.log.state.under(SLOTS)}
        assert slots.keys() == self.naive.tallies.keys()
        for place, tally in self.naive.tallies.items():
            slot = slots[place]
            assert slot.state == self.naive.state(tally)
            assert [s.event for s in slot.standing] == [one["id"] for one in self.naive.standing(tally)]
            assert [s.figures for s in slot.standing] == [one["figures"] for one in self.naive.standing(tally)]
        totals = roll_up(self.log.state)
        wanted = {("governor", area.code) for area in AREAS} | {("mayor", area.code) for area in AREAS[1:]}
        assert totals.keys() == wanted
        for (contest, area), total in totals.items():
            assert tuple(map(list, (total.figures, total.present, total.counts))) == self.naive.total(contest, area)

    def teardown(self) -> None:
        if hasattr(self, "node"):
            try:
                self.flush()
            finally:
                self.node.close()
                self.place.cleanup()


TestSeason = Season.TestCase
TestSeason.__doc__ = "Whatever people do, in whatever batches, the naive model, the fold in memory and the store agree."
TestSeason.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)


def test_the_machine_is_not_blind() -> None:
    """A tally that the naive model takes for another is noticed: the comparison can fail."""
    season = Season()
    season.open()
    try:
        season.operator_submits(STATIONS[0], "1", "mayor", GOOD)
        season.states_and_totals_agree()
        season.naive.tallies["mayor", STATIONS[0]]["held"] = True
        try:
            season.states_and_totals_agree()
        except AssertionError:
            return
        raise RuntimeError("a wrong state went unnoticed")
    finally:
        season.naive.tallies["mayor", STATIONS[0]]["held"] = False
        season.teardown()


def test_changes_are_what_is_appended() -> None:
    """The log in memory appends changes and nothing else: the same refused bytes twice leave it where it was."""
    world = World()
    log = MemoryLog(world.founding())
    refused = world.peek("supervisor", submitted(STATIONS[0]))
    for _ in range(2):
        assert not isinstance(log.take(refused.submission, watched=True), Change)
    assert len(log.entries) == 9
