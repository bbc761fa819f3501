"""The acts of a governed season, random or by hand, against a naive model, a log in memory and a store.

Every event type but the founding's is among the acts, mostly plausible and often not; the model predicts each answer.  Composite
rules (a whole plenary, a revote with its approval) lead into the deep states, single ones poke at them.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from ledger.device.stream import Signed
from ledger.log.append import Appended
from ledger.node import Node
from ledger.tally import events as e
from ledger.tally.events import Figures
from ledger.tally.recaps import RECAPS, current_root
from ledger.tally.rollup import roll_up
from ledger.tally.signing import rotation_digest
from ledger.tally.state import AREAS as LISTED
from ledger.tally.state import CANDIDATES, CERTIFICATES, OBJECTIONS, PENDING, RECOMMENDATIONS, SLOTS, Change, area_key, slot_parts

from ..governed import CITY, DISTRICT_A, DISTRICT_B, PROVINCE, Governed, second_of
from ..world import (
    AREAS,
    GOOD,
    START_MS,
    STATIONS,
    MemoryLog,
    code_of,
    corrected,
    digest_of,
    make_node,
    station_row,
    submissions_of,
    submitted,
)
from .naive_acts import _kind
from .naive_election import CONTESTS, Round
from .naive_people import Naive

ONE = STATIONS[0]
LATER = ("1771011001003", "1771021001002")
FORMS: list[Figures] = [GOOD, GOOD, (300, 121, 100, 221, 5, 307), (300, 120, 100, 222, 5, 307), (None, 120, 100, 220, "x", "-")]
OFFICES = {DISTRICT_A: "chair-a", DISTRICT_B: "chair-b", CITY: "chair-city", PROVINCE: "chair-province"}
OFFICERS = [*OFFICES.values(), "member-a", "member-city"]
WATCHERS = ["agent-1", "agent-2", "supervisor"]
STRANGE = bytes(32)
BASIS = "BA 7/2024"

figures = st.sampled_from(FORMS)
stations = st.sampled_from([ONE, ONE, ONE, *STATIONS, LATER[0]])
contests = st.sampled_from(["mayor", "mayor", "governor"])
seats = st.sampled_from(["1", "2"])
areas = st.sampled_from([DISTRICT_A, DISTRICT_A, DISTRICT_B, CITY, CITY, PROVINCE])
officers = st.sampled_from(OFFICERS)
anybody = st.sampled_from([*OFFICERS, *OFFICERS, *WATCHERS, "importer", "administrator", f"{ONE}/1", "nobody"])
mostly = st.sampled_from([True, True, True, False])
approvals = st.sampled_from(["second", "second", "second", "self", "none"])

_template: list[tuple[Path, tempfile.TemporaryDirectory[str]]] = []


def founded_folder() -> Path:
    """A ledger folder with the founding in it, made once a process and then copied."""
    if not _template:
        place = tempfile.TemporaryDirectory()
        world = Governed()
        with make_node(Path(place.name) / "ledger", world, clock=lambda: START_MS) as node:
            assert all(isinstance(answer, Appended) for answer in node.submit(submissions_of(world.founding())))
        _template.append((Path(place.name) / "ledger", place))
    return _template[0][0]


def told(answer: object) -> str:
    """An answer in the model's words."""
    return "pending" if getattr(answer, "pending", False) else code_of(answer)


class Season(RuleBasedStateMachine):
    """``act`` signs, predicts, folds in memory and queues; ``flush`` sends what is queued as one batch to the store."""

    @initialize(stage=st.integers(0, 5))
    def open(self, stage: int) -> None:
        """``stage``: how far the election is when the season begins, from nothing to the province's certificate."""
        self.found()
        for number, (contest, place) in enumerate(
            (("mayor", DISTRICT_A), ("mayor", CITY), ("governor", CITY), ("governor", PROVINCE))
        ):
            if stage > number:
                self.night(contest, GOOD, second=number % 2 == 1)
            if stage > number + 1:
                self.plenary(place, contest)

    def found(self) -> None:
        """A ledger after its founding, in the model, in memory and in a store."""
        self.place = tempfile.TemporaryDirectory()
        folder = Path(self.place.name) / "ledger"
        shutil.copytree(founded_folder(), folder)
        self.node = Node.open(folder, clock=lambda: self.log.time)
        self.world = Governed()
        self.log = MemoryLog(self.world.founding())
        self.naive = Naive(self.world)
        self.queue: list[tuple[Signed, str]] = []
        self.proposed: list[tuple[bytes, str]] = []
        self.said: dict[str, list[bytes]] = {"objection": [], "recommendation": [], "order": []}
        self.keys: dict[str, str] = {}
        self.heard: set[tuple[str, str]] = set()

    def act(self, name: str, data: e.EventData) -> bytes:
        """One act by whoever has the name's seat now; its event id."""
        who = self.keys.get(name, name)
        signed = self.world.peek(who, data)
        self.naive.now, self.naive.time = len(self.log.entries), self.log.time
        position = self.world.stream(who).position
        expected = self.naive.answer(self.world.key(who).point, position, signed.event_id, data)
        answer = self.log.take(signed.submission, watched=True)
        assert told(answer) == expected, (who, data, answer)
        self.heard.add((_kind(data), expected))
        self.queue.append((signed, expected))
        if isinstance(answer, Change):
            self.world.sign(who, data)
        if expected == "pending":
            self.proposed.append((signed.event_id, name))
        return signed.event_id

    def propose(self, name: str, data: e.EventData, how: str) -> bytes:
        """An act and, if there is one to be given, an approval."""
        event = self.act(name, data)
        if self.proposed and self.proposed[-1][0] == event and how != "none":
            self.act(second_of(name) if how == "second" and name in SECONDED else name, e.Approved(event=event))
        return event

    def now(self, contest: str, station: str) -> tuple[int, Round | None]:
        """The round that holds at a station."""
        live = [(number, each) for _, number, each in self.naive.live(contest, station)]
        return live[0] if live else (0, None)

    def ids(self, contest: str, station: str, right: bool, seat: str | None = None) -> list[bytes]:
        """What stands there (of a seat), or something strange."""
        each = self.now(contest, station)[1]
        forms = [] if each is None else each.standing()
        return [form.id for form in forms if seat is None or form.seat == seat] if right and forms else [STRANGE]

    # --- tallies -------------------------------------------------------------------------------------------------------------

    @rule(contest=contests, form=figures, second=st.booleans())
    def night(self, contest: str, form: Figures, second: bool) -> None:
        """Every station sends."""
        for station in STATIONS:
            self.submit(f"{station}/1", station, contest, form)
            if second:
                self.submit(f"{station}/2", station, contest, GOOD)

    @rule(who=anybody, station=stations, contest=contests, form=figures)
    def submit(self, who: str, station: str, contest: str, form: Figures) -> None:
        self.act(who, submitted(station, form, contest=contest, round=self.now(contest, station)[0]))

    @rule(station=stations, seat=seats, contest=contests, form=figures)
    def send(self, station: str, seat: str, contest: str, form: Figures) -> None:
        self.submit(f"{station}/{seat}", station, contest, form)

    @rule(station=stations, seat=seats, contest=contests, form=figures, right=mostly, old=st.booleans())
    def correct_own(self, station: str, seat: str, contest: str, form: Figures, right: bool, old: bool) -> None:
        round_ = 0 if old else self.now(contest, station)[0]
        ids = self.ids(contest, station, right, seat) or [STRANGE]
        self.act(f"{station}/{seat}", corrected(station, ids, form, contest=contest, round=round_))

    @rule(who=anybody, station=stations, contest=contests, form=figures, right=mostly, basis=mostly, how=approvals)
    def correct(self, who: str, station: str, contest: str, form: Figures, right: bool, basis: bool, how: str) -> None:
        more: dict[str, Any] = {"basis": BASIS} if basis else {}
        ids = self.ids(contest, station, right)
        round_ = self.now(contest, station)[0]
        self.propose(who, corrected(station, ids, form, contest=contest, round=round_, **more), how)

    @rule(who=anybody, station=stations, contest=contests, right=mostly, how=approvals)
    def withdraw(self, who: str, station: str, contest: str, right: bool, how: str) -> None:
        seat = who.partition("/")[2] or None
        ids = tuple(sorted(self.ids(contest, station, right, seat) or [STRANGE]))
        round_ = self.now(contest, station)[0]
        self.propose(who, e.TallyWithdrawn(contest=contest, station=station, round=round_, withdraws=ids, reason="test"), how)

    @rule(who=anybody, station=stations, contest=contests, held=st.booleans(), basis=mostly)
    def hold(self, who: str, station: str, contest: str, held: bool, basis: bool) -> None:
        more: dict[str, Any] = {"basis": BASIS} if basis else {}
        kind = e.TallyHeld if held else e.TallyReleased
        self.act(who, kind(contest=contest, station=station, round=self.now(contest, station)[0], reason="r", **more))

    @rule(who=st.sampled_from([f"{ONE}/1", f"{ONE}/2", "chair-a", "agent-1"]), contest=contests, right=mostly, code=st.booleans())
    def explain(self, who: str, contest: str, right: bool, code: bool) -> None:
        event = self.ids(contest, ONE, right)[0]
        codes = ("r5", "r9") if code else ("r5",)
        round_ = self.now(contest, ONE)[0]
        data = e.FindingExplained(contest=contest, station=ONE, round=round_, event=event, findings=codes, reason="paper")
        self.act(who, data)

    # --- plenaries -----------------------------------------------------------------------------------------------------------

    def _readable(self, contest: str, area: str) -> tuple[e.ReadRow, ...]:
        """Certificates of the level below, or forms that no certificate binds."""
        lower = [length for length in CONTESTS[contest]["certify"] if length > len(area)]
        if lower:
            codes = self.naive.areas_below(contest, area, min(lower))
            signed = [(code, self.naive.certificates.get((contest, code))) for code in codes]
            return tuple(e.ReadRow(code, 0, each.id) for code, each in signed if each is not None and each.holds)
        words = ("single", "confirmed", "corrected")
        free = [
            (code, number, each)
            for code, number, each in self.naive.live(contest, area)
            if not any(
                len(place) <= len(area) and signed.binds(code, each.opened) for place, signed in self.naive.above(contest, code)
            )
        ]
        return tuple(e.ReadRow(code, number, each.standing()[0].id) for code, number, each in free if each.state() in words)

    @rule(area=areas, contest=contests, who=st.sampled_from(["office", "office", "chair-city"]))
    def read_all(self, area: str, contest: str, who: str) -> None:
        rows = self._readable(contest, area)
        if rows:
            self.act(OFFICES[area] if who == "office" else who, e.RecapRead(contest=contest, rows=rows))

    @rule(who=anybody, station=stations, contest=contests, right=mostly)
    def read_one(self, who: str, station: str, contest: str, right: bool) -> None:
        row = e.ReadRow(station, self.now(contest, station)[0], self.ids(contest, station, right)[0])
        self.act(who, e.RecapRead(contest=contest, rows=(row,)))

    @rule(who=officers, area=areas, contest=contests, right=mostly)
    def read_recap(self, who: str, area: str, contest: str, right: bool) -> None:
        signed = self.naive.certificates.get((contest, area))
        event = signed.id if signed is not None and right else STRANGE
        self.act(who, e.RecapRead(contest=contest, rows=(e.ReadRow(area, 0, event),)))

    def _certificate(self, contest: str, area: str, flaw: str) -> e.RecapCertified:
        sums = list(self.naive.total(contest, area)[0])
        sums[1] += flaw == "sums"
        missing = self.naive.missing(contest, area)[0]
        if flaw == "missing":
            missing = missing[:-1] if missing else [ONE]
        size = len(self.log.entries) + {"old": -10, "future": 10}.get(flaw, 0)
        commitment = self.naive.commitment(contest, area) if flaw != "commitment" else STRANGE
        return e.RecapCertified(
            contest=contest, area=area, size=size, commitment=commitment, sums=tuple(sums), paper=tuple(sums), differences=(),
            missing=tuple(e.MissingRow(code, "late", ()) for code in missing), document="D", held_at=1, photos=(),
        )  # fmt: skip

    @rule(
        who=st.sampled_from(["office"] * 4 + OFFICERS),
        area=areas,
        contest=contests,
        flaw=st.sampled_from(["none", "none", "sums", "missing", "old", "future", "commitment"]),
        how=approvals,
    )
    def certify(self, who: str, area: str, contest: str, flaw: str, how: str) -> None:
        self.propose(OFFICES[area] if who == "office" else who, self._certificate(contest, area, flaw), how)

    @rule(area=areas, contest=contests)
    def plenary(self, area: str, contest: str) -> None:
        """All is read and certified, of what lies below first."""
        below = [code for code in (DISTRICT_A, DISTRICT_B, CITY) if code.startswith(area) and code != area]
        for each in [*below, area]:
            self.read_all(each, contest, "office")
            self.certify("office", each, contest, "none", "second")

    @rule(
        who=st.sampled_from(["office"] * 3 + OFFICERS),
        area=areas,
        contest=contests,
        right=mostly,
        some=st.sampled_from([(), (), (ONE,)]),
        how=approvals,
    )
    def reopen(self, who: str, area: str, contest: str, right: bool, some: tuple[str, ...], how: str) -> None:
        signed = self.naive.certificates.get((contest, area))
        event = signed.id if signed is not None and right else STRANGE
        some = tuple(code for code in some if code.startswith(area))
        data = e.RecapReopened(contest=contest, area=area, certificate=event, stations=some, reason="r", basis=BASIS)
        self.propose(OFFICES[area] if who == "office" else who, data, how)

    @rule(good=mostly)
    def seal(self, good: bool) -> None:
        """The sealer's act is the log's own: decided by the fold, unknown to the model but for its answer."""
        size = len(self.log.entries)
        data = e.RecapSealed(size=size, root=current_root(self.log.state, size=size) if good else STRANGE)
        signed = self.world.peek("sealer", data)
        expected = "ok" if good else "refused seal-differs"
        assert told(self.log.take(signed.submission, watched=True)) == expected
        if good:
            self.world.sign("sealer", data)
        self.queue.append((signed, expected))

    # --- revotes -------------------------------------------------------------------------------------------------------------

    @rule(
        who=st.sampled_from(["chair-city", "chair-city", "chair-province", "chair-a"]),
        some=st.sampled_from([(ONE,), (ONE,), STATIONS[:2], STATIONS[2:]]),
        contest=contests,
        kind=st.sampled_from(["psu", "psu-mk"]),
        how=approvals,
    )
    def order(self, who: str, some: tuple[str, ...], contest: str, kind: Any, how: str) -> None:
        data = e.RevoteOrdered(contest=contest, stations=some, kind=kind, day="2024-12-05", reason="r", basis=BASIS)
        self.said["order"].append(self.propose(who, data, how))

    @rule(who=st.sampled_from(["chair-city", "chair-city", "chair-province", "chair-a"]), last=mostly, how=approvals)
    def take_back(self, who: str, last: bool, how: str) -> None:
        event = (self.said["order"] or [STRANGE])[-1 if last else 0]
        self.propose(who, e.RevoteWithdrawn(order=event, reason="r", basis=BASIS), how)

    @rule(who=officers, station=stations, contest=contests, kind=st.sampled_from(["psl", "pss", "resumed"]))
    def postpone(self, who: str, station: str, contest: str, kind: Any) -> None:
        data = e.VotePostponed(contest=contest, stations=(station,), kind=kind, until="2024-12-01", reason="r", basis=BASIS)
        self.act(who, data)

    @rule(who=anybody, which=st.integers(0, 50), last=mostly)
    def approve(self, who: str, which: int, last: bool) -> None:
        """Anything that was ever proposed, by anybody."""
        events = [event for event, _ in self.proposed] + [
            event for event, each in self.naive.waiting.items() if each.state == "review"
        ]
        event = (events[-1] if last else events[which % len(events)]) if events else STRANGE
        self.act(who, e.Approved(event=event))

    # --- what watchers say ---------------------------------------------------------------------------------------------------

    @rule(who=anybody, watcher=st.sampled_from(WATCHERS), station=stations, contest=contests, own=st.booleans())
    def attest(self, who: str, watcher: str, station: str, contest: str, own: bool) -> None:
        more: dict[str, Any] = {"figures": GOOD} if own else {}
        round_, event = self.now(contest, station)[0], self.ids(contest, station, True)[0]
        data = e.TallyAttested(contest=contest, station=station, round=round_, event=event, photos=(), **more)
        self.act(watcher if own else who, data)

    @rule(
        who=st.sampled_from([*WATCHERS, "chair-a"]),
        code=st.sampled_from([ONE, DISTRICT_A, CITY, PROVINCE]),
        contest=contests,
        kind=st.sampled_from(["object", "object", "recommend", "incident"]),
    )
    def speak(self, who: str, code: str, contest: str, kind: str) -> None:
        data: e.EventData
        if kind == "object":
            data = e.ObjectionRaised(contest=contest, code=code, ground="g", photos=())
            self.said["objection"].append(self.act(who, data))
        elif kind == "recommend":
            data = e.RecommendationIssued(contest=contest, kind="psu", number="1", ground="g", codes=(code,), deadline=1)
            self.said["recommendation"].append(self.act(who, data))
        else:
            self.act(who, e.IncidentRecorded(code=code, kind="flood", photos=()))

    @rule(
        who=st.sampled_from(["chair-a", "chair-a", "chair-city", "chair-province", "chair-b", *WATCHERS]),
        which=st.integers(0, 9),
        outcome=st.sampled_from(["accepted", "rejected", "carried", "carried", "withdrawn"]),
        station=st.sampled_from([ONE, ONE, STATIONS[1]]),
        right=mostly,
    )
    def settle(self, who: str, which: int, outcome: Any, station: str, right: bool) -> None:
        events = self.said["objection"] or [STRANGE]
        event = events[which % len(events)]
        contest = self.naive.objections[event].contest if event in self.naive.objections else "mayor"
        row = e.ReadRow(station, self.now(contest, station)[0], self.ids(contest, station, right)[0])
        rows = (row,) if outcome == "accepted" else ()
        self.act(who, e.ObjectionSettled(objection=event, outcome=outcome, corrections=rows, reason="r"))

    @rule(who=officers, which=st.integers(0, 9), done=st.booleans())
    def answer(self, who: str, which: int, done: bool) -> None:
        events = self.said["recommendation"] or [STRANGE]
        named, answer = ((STRANGE,), "executed") if done else ((), "refused")
        data = e.RecommendationAnswered(
            recommendation=events[which % len(events)],
            answer=answer,  # type: ignore[arg-type]
            events=named,
            reason="r",
        )
        self.act(who, data)

    # --- keys and the election -------------------------------------------------------------------------------------------------

    @rule(by=st.sampled_from(["commission-1", "registrar-a", "watchdog-1"]), which=st.integers(0, 2), how=approvals)
    def enrol(self, by: str, which: int, how: str) -> None:
        """A new key for an operator's seat that is free or not, or another officer."""
        name = f"new-{which}-{len(self.naive.people)}"
        place = [("operator", ONE, "1"), ("operator", ONE, "2"), ("officer", DISTRICT_A, f"extra-{len(self.naive.people)}")][which]
        self.propose(by, e.KeysEnrolled(keys=(self.world.key_row(name, *place),)), how)
        point = self.world.key(name).point
        if point in self.naive.people and place[0] == "operator":
            self.keys[f"{ONE}/{place[2]}"] = name

    @rule(name=st.sampled_from([*OFFICERS, f"{ONE}/1", "agent-1", "root-1"]), right=mostly, known=mostly)
    def rotate(self, name: str, right: bool, known: bool) -> None:
        who = self.keys.get(name, name)
        person = self.naive.people[self.world.key(who).point]
        new = f"{name}-{len(self.naive.people)}"
        key, old = self.world.key(new if known else "importer"), self.world.key(who)
        seat = person.seat if right else "other"
        proof = key.sign(rotation_digest(self.world.ledger, old=old.point, new=key.point, seat=seat))
        self.act(name, e.KeyRotated(point=key.point, seat=seat, proof=proof, reason="planned"))
        if known and key.point in self.naive.people:
            self.keys[name] = new

    @rule(
        by=st.sampled_from(["commission-1", "commission-1", "watchdog-1", "root-1", "registrar-a"]),
        whom=st.sampled_from([f"{ONE}/1", f"{ONE}/2", "chair-b", "registrar-a", "pair-2", "nobody"]),
        last_good=st.none() | st.integers(0, 6),
        first=st.booleans(),
    )
    def revoke(self, by: str, whom: str, last_good: int | None, first: bool) -> None:
        marks: dict[str, Any] = {} if last_good is None else {"last_good": last_good}
        name = whom if first else self.keys.get(whom, whom)
        self.act(by, e.KeyRevoked(key=self.world.key(name).point, reason="lost", **marks))

    @rule(
        who=officers,
        number=st.integers(1, 3),
        contest=contests,
        change=st.sampled_from(["withdrawn", "disqualified", "restored"]),
        how=approvals,
    )
    def candidate(self, who: str, number: int, contest: str, change: Any, how: str) -> None:
        data = e.CandidateChanged(contest=contest, number=number, change=change, reason="r", basis=BASIS)
        self.propose(who, data, how)

    @rule(who=st.sampled_from(["administrator", "administrator", "chair-city"]), add=st.booleans(), station=stations, how=approvals)
    def amend_areas(self, who: str, add: bool, station: str, how: str) -> None:
        none: dict[str, Any] = dict.fromkeys(("areas", "added", "merged", "cancelled", "corrected", "voters"), ())
        if add:
            none["added"] = (station_row(LATER[0], contests=("governor",) if station == ONE else ("mayor", "governor")),)
        else:
            none["cancelled"] = (station,)
        self.propose(who, e.JurisdictionsAmended(reason="r", basis=BASIS, **none), how)

    @rule(hours=st.sampled_from([20, 48]), how=approvals)
    def cut_off(self, hours: int, how: str) -> None:
        cutoffs = (e.Cutoff("operator", START_MS + hours * 3_600_000),)
        self.propose("root-1", e.ElectionAmended(reason="r", basis=BASIS, cutoffs=cutoffs), how)

    @rule(hours=st.sampled_from([1, 25]))
    def wait(self, hours: int) -> None:
        """Time goes on between batches; what was proposed a day ago expires."""
        self.flush()
        self.log.time += hours * 3_600_000

    # --- the store -----------------------------------------------------------------------------------------------------------

    @rule()
    def flush(self) -> None:
        answers = self.node.submit([signed.submission for signed, _ in self.queue])
        for (signed, expected), answer in zip(self.queue, answers, strict=True):
            assert told(answer) == expected
            assert not isinstance(answer, Appended) or answer.index == self.log.indexes[signed.event_id]
        self.queue = []
        replayed = self.node.replay(rebuilding=False)
        assert replayed.size == len(self.log.entries)
        assert replayed.standing == replayed.digest == digest_of(self.log.state), replayed.differences

    @invariant()
    def all_agree(self) -> None:
        if hasattr(self, "log"):
            self.tallies_agree()
            self.totals_agree()
            self.matters_agree()

    def tallies_agree(self) -> None:
        """Each round's state and standing events; of no station does more than one round hold."""
        slots = {slot_parts(key): slot for key, slot in self.log.state.under(SLOTS)}
        rounds = {(*place, number): each for place, all_ in self.naive.rounds.items() for number, each in enumerate(all_)}
        assert slots.keys() == rounds.keys()
        for place, each in rounds.items():
            slot = slots[place]
            assert slot.state == each.state(), place
            assert [(s.event, s.figures) for s in slot.standing] == [(form.id, form.figures) for form in each.standing()]
            marks = (slot.read > 0, slot.annulled, slot.postponed > 0, slot.changed, slot.changes, slot.opened)
            assert marks == (each.read, each.annulled, each.postponed, each.changed, each.changes, each.opened), place
        holding = [place[:2] for place, slot in slots.items() if not slot.annulled]
        assert len(set(holding)) == len(holding)

    def totals_agree(self) -> None:
        """Every total, and the commitment of the contests' areas."""
        totals = roll_up(self.log.state)
        tops = {contest: about["area"] for contest, about in CONTESTS.items()}
        assert totals.keys() == {
            (contest, area.code) for contest, top in tops.items() for area in AREAS if area.code.startswith(top)
        }
        for (contest, area), total in totals.items():
            assert tuple(map(list, (total.figures, total.present, total.counts))) == self.naive.total(contest, area)
        for contest, top in tops.items():
            recapped = self.log.state.get(RECAPS, area_key(contest, top))
            assert recapped is not None
            assert recapped.commitment == self.naive.commitment(contest, top)

    def matters_agree(self) -> None:
        """Certificates, objections, recommendations, pending acts, candidates, stations that are gone."""
        state = self.log.state
        held = {tuple(key.decode().split("/")): row for key, row in state.under(CERTIFICATES)}
        assert held.keys() == self.naive.certificates.keys()
        for place, row in held.items():
            signed = self.naive.certificates[place]  # type: ignore[index]
            assert (row.event, row.index, row.in_force) == (signed.id, signed.index, signed.holds)
            assert (row.read > 0, row.corrected, row.renew) == (signed.read, signed.corrected, signed.renew), place
        for table, matters in ((OBJECTIONS, self.naive.objections), (RECOMMENDATIONS, self.naive.recommendations)):
            done = {key: getattr(row, "outcome", None) or getattr(row, "answer", "") for key, row in state.under(table)}
            assert done == {key: matter.done for key, matter in matters.items()}
        levels = {key: row.level for key, row in state.under(OBJECTIONS)}
        assert levels == {key: matter.level for key, matter in self.naive.objections.items()}
        since = {key: row.state for key, row in state.under(PENDING) if row.index >= self.founding}
        assert since == {key: each.state for key, each in self.naive.waiting.items()}
        changed = {key.decode(): row.change for key, row in state.under(CANDIDATES)}
        assert changed == {f"{contest}/{number:02}": change for (contest, number), change in self.naive.candidates.items()}
        assert {key.decode() for key, row in state.under(LISTED) if row.gone} == self.naive.gone

    @property
    def founding(self) -> int:
        """How many entries the founding has."""
        return len(FOUNDING)

    def teardown(self) -> None:
        if hasattr(self, "node"):
            try:
                self.flush()
            finally:
                self.node.close()
                self.place.cleanup()


FOUNDING = Governed().founding()
SECONDED = {"commission-1", "watchdog-1", "administrator", "root-1", "chair-a", "chair-b", "chair-city", "chair-province"}
