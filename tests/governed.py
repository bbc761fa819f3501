"""A small governed election: powers, second seats, plenaries.  What the tests of part 2 stand on.

The areas, stations and forms are those of ``world``.  ``Governed`` has more people, and entry 0 gives them their powers;
``GovernedLog`` is a ``MemoryLog`` that also knows how offices work: it reads, certifies and approves from the state as it is.
``whole_season`` runs an election with at least one of every event type, from enrolment to the province's certificate.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any, Final

from ledger.device.stream import Signed
from ledger.tally import events as e
from ledger.tally.acts.plenaries import certifying_lengths
from ledger.tally.memory import Memory
from ledger.tally.recaps import RECAPS, current_root, gaps
from ledger.tally.signing import draft_digest, root_digest, rotation_digest
from ledger.tally.state import CERTIFICATES, CONTESTS, ELECTION, SINGLE, SLOTS, area_key, slot_parts

from .world import AREAS, FORM, GOOD, LEVELS, START_MS, STATIONS, MemoryLog, World, code_of, contest_row, corrected, submitted

DISTRICT_A: Final = "177101"
DISTRICT_B: Final = "177102"
CITY: Final = "1771"
PROVINCE: Final = "17"

SECOND_SEATS: Final = (
    "candidate.changed",
    "jurisdictions.amended",
    "keys.enrolled",
    "recap.certified",
    "recap.reopened",
    "revote.ordered",
    "revote.withdrawn",
)
POWERS: Final = (
    e.Power("objection.settled", ("city", "district", "province"), 0),
    e.Power("recap.read", ("city", "district", "province"), 0),
    e.Power("revote.ordered", ("city", "province"), 1),
    e.Power("revote.withdrawn", ("city", "province"), 1),
    e.Power("tally.corrected", ("city", "district", "province"), 0),
    e.Power("tally.held", ("city", "district", "province"), 0),
    e.Power("tally.released", ("city", "district", "province"), 1),
    e.Power("tally.submitted", ("city", "district"), 0),
    e.Power("tally.withdrawn", ("city", "district"), 0),
    e.Power("vote.postponed", ("city", "province"), 1),
)

COUNTING: Final = ("administrator", "importer", "officer", "operator", "registrar")
BODIES: Final[dict[str, tuple[str, ...]]] = {
    "commission-1": COUNTING,
    "commission-2": COUNTING,
    "watchdog-1": ("supervisor",),
    "watchdog-2": ("supervisor",),
    "pair-1": ("agent",),
    "pair-2": ("agent",),
}
"""Registrars and the roles that they enrol."""

PEOPLE: Final[dict[str, tuple[str, str, str, str]]] = {
    "administrator": ("administrator", "", "admin-1", "commission-1"),
    "administrator-2": ("administrator", "", "admin-2", "commission-1"),
    "registrar-a": ("registrar", DISTRICT_A, "district-a", "commission-1"),
    "chair-a": ("officer", DISTRICT_A, "chair", "commission-1"),
    "member-a": ("officer", DISTRICT_A, "member", "commission-1"),
    "chair-b": ("officer", DISTRICT_B, "chair", "commission-1"),
    "member-b": ("officer", DISTRICT_B, "member", "commission-1"),
    "chair-city": ("officer", CITY, "chair", "commission-1"),
    "member-city": ("officer", CITY, "member", "commission-1"),
    "chair-province": ("officer", PROVINCE, "chair", "commission-1"),
    "member-province": ("officer", PROVINCE, "member", "commission-1"),
    "importer": ("importer", PROVINCE, "import", "commission-1"),
    "supervisor": ("supervisor", CITY, "bawaslu-1", "watchdog-1"),
    "supervisor-2": ("supervisor", CITY, "bawaslu-2", "watchdog-1"),
    "agent-1": ("agent", CITY, "agent-1", "pair-1"),
    "agent-2": ("agent", CITY, "agent-2", "pair-2"),
}
"""Name: role, scope, seat, who enrols.  Operators are ``<station>/<seat>``, as in ``world``."""

SECOND_OF: Final = {
    "commission-1": "commission-2",
    "watchdog-1": "watchdog-2",
    "administrator": "administrator-2",
    "root-1": "root-2",
}
SECOND_OF_OFFICE: Final = {f"chair-{place}": f"member-{place}" for place in ("a", "b", "city", "province")}


def second_of(name: str) -> str:
    """Who approves what ``name`` proposes."""
    return SECOND_OF.get(name) or SECOND_OF_OFFICE[name]


class Governed(World):
    """The keys and streams of a governed election.  ``second_seats``, ``powers``, ``witnesses`` (of whom ``quorum`` are asked for):
    what entry 0 says."""

    def __init__(
        self,
        *,
        second_seats: tuple[str, ...] = SECOND_SEATS,
        powers: tuple[e.Power, ...] = POWERS,
        deadlines: tuple[e.Deadline, ...] = (),
        witnesses: tuple[str, ...] = (),
        quorum: int = 0,
        **more: Any,
    ) -> None:
        self.second_seats = second_seats
        self.powers = powers
        self.deadlines = deadlines
        self.witnesses = witnesses
        self.quorum = quorum
        super().__init__(**more)

    def _opening(self, cutoffs: tuple[e.Cutoff, ...], name: str) -> e.ElectionOpened:
        blank = bytes(64)
        names = ("root-1", "root-2", "sealer", *BODIES)
        draft = draft_digest(self._founders(dict.fromkeys(names, blank), cutoffs, name))
        signatures = {key: self.key(key).sign(root_digest(draft)) for key in ("root-1", "root-2")}
        for body in BODIES:
            signatures[body] = self._prove(draft, body, "registrar", "", body)
        signatures["sealer"] = self._prove(draft, "sealer", "sealer", "", "sealer")
        return self._founders(signatures, cutoffs, name)

    def _founders(self, signatures: dict[str, bytes], cutoffs: tuple[e.Cutoff, ...], name: str) -> e.ElectionOpened:
        more: dict[str, Any] = {}
        if self.powers:
            more["powers"] = self.powers
        if self.deadlines:
            more["deadlines"] = self.deadlines
        return e.ElectionOpened(
            name=name,
            kind="synthetic",
            day="2024-11-27",
            zones=("Asia/Jakarta", "Asia/Jayapura"),
            levels=LEVELS,
            origin=self.origin,
            log_key=self.signer.vkey,
            sealer=e.Root(self.key("sealer").point, signatures["sealer"]),
            witnesses=self.witnesses,
            quorum=self.quorum,
            roots=tuple(e.Root(self.key(key).point, signatures[key]) for key in ("root-1", "root-2")),
            registrars=tuple(
                e.Registrar(body, self.key(body).point, "", roles, signatures[body])  # type: ignore[arg-type]
                for body, roles in BODIES.items()
            ),
            second_seats=self.second_seats,
            cutoffs=cutoffs,
            **more,
        )

    def approve(self, name: str, event: bytes) -> Signed:
        """``approved``, by ``name``."""
        return self.sign(name, e.Approved(event=event))

    def proposed(self, name: str, data: e.EventData) -> list[Signed]:
        """An act and, where this election asks for it, its approval by the second seat."""
        signed = self.sign(name, data)
        if e.type_of(data) not in self.second_seats:
            return [signed]
        return [signed, self.approve(second_of(name), signed.event_id)]

    def founding(self) -> list[Signed]:
        """Entry 0 and everything up to the first tally, in order.  The contests: ``mayor`` (district and city certify, the city
        decides) and ``governor`` (district, city and province, which decides)."""
        contests = tuple(
            e.ContestRow(*self._fields(code, area, deciding), certifying, deciding)
            for code, area, certifying, deciding in (
                ("mayor", CITY, ("city", "district"), "city"),
                ("governor", PROVINCE, ("city", "district", "province"), "province"),
            )
        )
        offices = [name for name, who in PEOPLE.items() if who[3] == "commission-1"]
        listed = e.JurisdictionsListed(areas=(), stations=tuple(self.listed(code) for code in self.stations))
        events = [self.first]
        events += self.proposed("commission-1", e.KeysEnrolled(keys=tuple(self.row(name) for name in offices[:2])))
        events.append(self.sign("administrator", e.FormsDefined(forms=(FORM,))))
        facts = (e.ContestFacts("mayor", "plurality", 400_000),)
        events.append(self.sign("administrator", e.ContestsListed(contests=contests, facts=facts)))
        events.append(self.sign("administrator", e.JurisdictionsListed(areas=AREAS, stations=())))
        events.append(self.sign("administrator", listed))
        events += self.proposed("commission-1", e.KeysEnrolled(keys=tuple(self.row(name) for name in offices[2:])))
        supervisors = e.KeysEnrolled(keys=(self.row("supervisor"), self.row("supervisor-2")))
        events += self.proposed("watchdog-1", supervisors)
        if "keys.enrolled" in self.second_seats:
            events += self.agents()
        else:
            events += [self.sign(body, e.KeysEnrolled(keys=(self.row(agent),))) for agent, body in AGENTS.items()]
        rows = tuple(self.operator_row(code, seat) for code in self.stations for seat in ("1", "2"))
        return [*events, *self.proposed("commission-1", e.KeysEnrolled(keys=rows))]

    def agents(self) -> list[Signed]:
        """The pairs' second bodies by an amendment of two root keys, and the agents by both bodies of each pair."""
        bodies = tuple(
            e.Registrar(body, self.key(body).point, "", ("agent",), self._prove(self.ledger, body, "registrar", "", body))
            for body in ("pair-1-b", "pair-2-b")
        )
        amended = self.sign("root-1", e.ElectionAmended(reason="second-bodies", basis="SK 1/2024", registrars=bodies))
        events = [amended, self.approve("root-2", amended.event_id)]
        for agent, body in AGENTS.items():
            enrolled = self.sign(body, e.KeysEnrolled(keys=(self.row(agent),)))
            events += [enrolled, self.approve(f"{body}-b", enrolled.event_id)]
        return events

    def row(self, name: str) -> e.KeyRow:
        """The row that enrols one of ``PEOPLE``."""
        role, scope, seat, _by = PEOPLE[name]
        return self.key_row(name, role, scope, seat)

    def listed(self, station: str) -> e.StationRow:
        """A station with both contests."""
        return e.StationRow(station, f"TPS {station[-3:]}", "Asia/Jakarta", 150, 150, ("mayor", "governor"))

    @staticmethod
    def _fields(code: str, area: str, deciding: str) -> tuple[Any, ...]:
        row = contest_row(code, area, deciding=deciding)
        return row.code, row.name_id, row.name_en, row.form, row.version, row.area, row.candidates

    def rotate(self, name: str, new: str) -> Signed:
        """``key.rotated``: the seat of ``name`` passes to the key ``new``."""
        old = self.key(name).point
        seat = PEOPLE[name][2] if name in PEOPLE else name.partition("/")[2] or name
        proof = self.key(new).sign(rotation_digest(self.ledger, old=old, new=self.key(new).point, seat=seat))
        return self.sign(name, e.KeyRotated(point=self.key(new).point, seat=seat, proof=proof, reason="planned"))


AGENTS: Final = {"agent-1": "pair-1", "agent-2": "pair-2"}


def standing(state: Memory, contest: str, station: str) -> tuple[int, list[bytes]]:
    """The round that holds at a station and the events that stand there, ascending."""
    for key, slot in state.under(SLOTS, area_key(contest, station)):
        if not slot.annulled:
            return slot_parts(key)[2], sorted(each.event for each in slot.standing)
    raise AssertionError(f"{station} has no round that holds")


def reading(state: Memory, contest: str, area: str) -> e.RecapRead:
    """All that is to be read below ``area``: forms at the first level that certifies, certificates of the level below above it."""
    election, listed = state.get(ELECTION, SINGLE), state.get(CONTESTS, contest.encode())
    assert election is not None
    assert listed is not None
    below = [length for length in certifying_lengths(election, listed) if length > len(area)]
    if below:
        rows = [
            e.ReadRow(key.decode().partition("/")[2], 0, certificate.event)
            for key, certificate in state.under(CERTIFICATES, area_key(contest, area))
            if len(key.decode().partition("/")[2]) == below[0] and certificate.in_force
        ]
    else:
        rows = [
            e.ReadRow(slot_parts(key)[1], slot_parts(key)[2], slot.standing[0].event)
            for key, slot in state.under(SLOTS, area_key(contest, area))
            if slot.state in ("single", "confirmed", "corrected") and not slot.read
        ]
    return e.RecapRead(contest=contest, rows=tuple(rows))


def certificate(state: Memory, size: int, contest: str, area: str, **other: Any) -> e.RecapCertified:
    """The certificate that the state asks for; the paper says the same.  ``other`` fields replace the usual ones."""
    recapped = state.get(RECAPS, area_key(contest, area))
    election, listed = state.get(ELECTION, SINGLE), state.get(CONTESTS, contest.encode())
    assert recapped is not None
    assert election is not None
    assert listed is not None
    below = [length for length in certifying_lengths(election, listed) if length > len(area)]
    if below:
        held = [slot_parts(key)[1] for key, slot in state.under(SLOTS, area_key(contest, area)) if not slot.annulled]
        areas = {station[: below[0]] for station in held}
        rows = {code: state.get(CERTIFICATES, area_key(contest, code)) for code in sorted(areas)}
        open_ = [code for code, row in rows.items() if row is None or not row.in_force]
        counted = {code: state.get(RECAPS, area_key(contest, code)) for code in open_}
        missing = [code for code, row in counted.items() if row is None or not any(row.sums.present)]
    else:
        missing = list(gaps(state, contest, area).missing)
    usual: dict[str, Any] = {
        "size": size,
        "commitment": recapped.commitment,
        "sums": recapped.sums.figures,
        "paper": recapped.sums.figures,
        "differences": (),
        "missing": tuple(e.MissingRow(code, "not-in", ()) for code in missing),
        "document": f"BA {area}/{contest}",
        "held_at": START_MS,
        "photos": (),
    }
    return e.RecapCertified(contest=contest, area=area, **{**usual, **other})


class GovernedLog(MemoryLog):
    """A log in memory with offices that act on what it holds.  Every method signs, appends, and asserts that it took effect."""

    def __init__(self, world: Governed) -> None:
        self.world = world
        super().__init__()
        for signed in world.founding():
            self.append(signed)

    def act(self, name: str, data: e.EventData) -> Signed:
        """One act that must take effect (or be pending)."""
        return self.append(self.world.sign(name, data))

    def told(self, name: str, data: e.EventData) -> str:
        """One act, and the answer to it; appended where it is a change."""
        signed = self.world.peek(name, data)
        answer = self.take(signed.submission, watched=True)
        if not code_of(answer).startswith(("refused", "waiting")):
            self.world.sign(name, data)
        return code_of(answer)

    def propose(self, name: str, data: e.EventData) -> Signed:
        """An act and its approval by the second seat."""
        signed = self.act(name, data)
        self.append(self.world.approve(second_of(name), signed.event_id))
        return signed

    def send(self, station: str, figures: e.Figures = GOOD, *, contest: str = "mayor", seat: str = "1", **more: Any) -> Signed:
        """An operator's form."""
        return self.act(f"{station}/{seat}", submitted(station, figures, contest=contest, **more))

    def read(self, name: str, contest: str, area: str) -> Signed:
        """Everything that can be read there."""
        return self.act(name, reading(self.state, contest, area))

    def certify(self, name: str, contest: str, area: str, **other: Any) -> Signed:
        """The recap, by chair and member."""
        return self.propose(name, certificate(self.state, len(self.entries), contest, area, **other))

    def seal(self, by: str = "sealer") -> Signed:
        """What the log appends by itself."""
        return self.act(by, e.RecapSealed(size=len(self.entries), root=current_root(self.state, size=len(self.entries))))

    def standing(self, station: str, contest: str = "mayor") -> list[bytes]:
        """The events that stand at a station, ascending."""
        return standing(self.state, contest, station)[1]


ONE, TWO, THREE, FOUR = STATIONS
OTHER: Final[e.Figures] = (300, 121, 100, 221, 5, 307)
WRONG: Final[e.Figures] = (300, 120, 100, 222, 5, 307)
"""Breaks r5."""
BASIS: Final = "BA 7/2024"


def first_night(log: GovernedLog) -> None:
    """Forms of both contests from every station, with a differing pair, a withdrawal and a rule broken."""
    for station in STATIONS:
        for contest in ("mayor", "governor"):
            if (station, contest) not in {(TWO, "mayor"), (FOUR, "mayor")}:
                log.send(station, contest=contest)
    log.send(ONE, seat="2")
    log.send(TWO, WRONG)
    log.send(TWO, OTHER, seat="2")
    wrong = log.send(FOUR, OTHER)
    withdrawn = e.TallyWithdrawn(contest="mayor", station=FOUR, round=0, withdraws=(wrong.event_id,), reason="wrong-station")
    log.act(f"{FOUR}/1", withdrawn)
    three = log.standing(THREE)[0]
    log.act(f"{THREE}/1", corrected(THREE, [three], WRONG))
    explained = e.FindingExplained(
        contest="mayor", station=THREE, round=0, event=log.standing(THREE)[0], findings=("r5",), reason="paper-says-so"
    )
    log.act(f"{THREE}/1", explained)
    log.act("chair-a", e.TallyHeld(contest="mayor", station=THREE, round=0, reason="under-review"))
    log.act("chair-a", e.TallyReleased(contest="mayor", station=THREE, round=0, reason="reviewed", basis=BASIS))


def witnesses(log: GovernedLog) -> None:
    """Attestations, objections with several outcomes, recommendations answered and not, an incident."""
    event = log.standing(ONE)[0]
    log.act("agent-1", e.TallyAttested(contest="mayor", station=ONE, round=0, event=event, photos=()))
    log.act("supervisor", e.TallyAttested(contest="mayor", station=ONE, round=0, event=event, photos=(), figures=OTHER))
    log.act("supervisor", e.IncidentRecorded(code=TWO, kind="power-cut", photos=()))
    raised = {
        ground: log.act(who, e.ObjectionRaised(contest="mayor", code=code, ground=ground, photos=()))
        for who, code, ground in (
            ("agent-1", TWO, "copy-differs"),
            ("agent-2", ONE, "late-opening"),
            ("agent-1", THREE, "sum-wrong"),
            ("agent-2", DISTRICT_A, "agent-kept-out"),
        )
    }
    settled = {"late-opening": "rejected", "sum-wrong": "carried"}
    for ground, outcome in settled.items():
        log.act(
            "chair-a",
            e.ObjectionSettled(
                objection=raised[ground].event_id,
                outcome=outcome,  # type: ignore[arg-type]
                corrections=(),
                reason="heard",
            ),
        )
    log.act(
        "agent-2",
        e.ObjectionSettled(objection=raised["agent-kept-out"].event_id, outcome="withdrawn", corrections=(), reason="let-in"),
    )
    two = log.standing(TWO)
    chosen = log.act("chair-a", corrected(TWO, two, OTHER))
    accepted = e.ObjectionSettled(
        objection=raised["copy-differs"].event_id,
        outcome="accepted",
        corrections=(e.ReadRow(TWO, 0, chosen.event_id),),
        reason="paper-read",
    )
    log.act("chair-a", accepted)
    for number, code in (("PM 1/2024", ONE), ("PM 2/2024", FOUR)):
        issued = log.act(
            "supervisor",
            e.RecommendationIssued(
                contest="mayor", kind="psu", number=number, ground="voted-twice", codes=(code,), deadline=START_MS + 1
            ),
        )
        if code == FOUR:
            continue
        answered = e.RecommendationAnswered(
            recommendation=issued.event_id, answer="refused", events=(), reason="no-ground", basis=BASIS
        )
        log.act("chair-city", answered)


def plenaries(log: GovernedLog) -> None:
    """Reading and certificates at every level, a correction above a certificate, a reopening, a revote, seals."""
    world = log.world
    log.read("chair-a", "mayor", DISTRICT_A)
    log.certify("chair-a", "mayor", DISTRICT_A)
    log.read("chair-b", "governor", DISTRICT_B)
    log.read("member-a", "governor", DISTRICT_A)
    log.certify("chair-a", "governor", DISTRICT_A)
    log.certify("chair-b", "governor", DISTRICT_B)
    missing = (e.MissingRow(FOUR, "flooded", (BASIS,)),)
    log.act(
        "chair-city",
        e.VotePostponed(contest="mayor", stations=(FOUR,), kind="psl", until="2024-11-29", reason="flood", basis=BASIS),
    )
    log.certify("chair-b", "mayor", DISTRICT_B, missing=missing)
    log.read("chair-city", "mayor", CITY)
    # the city corrects over the district's certificate: with a second seat
    log.propose("chair-city", corrected(ONE, log.standing(ONE), OTHER, basis=BASIS))
    # the missing form comes: the district's recap is reopened for it, entered there, read and certified again
    bound = log.state.get(CERTIFICATES, area_key("mayor", DISTRICT_B))
    assert bound is not None
    log.propose(
        "chair-b",
        e.RecapReopened(
            contest="mayor", area=DISTRICT_B, certificate=bound.event, stations=(FOUR,), reason="form-came", basis=BASIS
        ),
    )
    log.act("chair-b", submitted(FOUR, GOOD))
    log.read("chair-b", "mayor", DISTRICT_B)
    paper = (300, 121, 100, 220, 5, 307)
    log.certify("chair-b", "mayor", DISTRICT_B, paper=paper, differences=(e.DifferenceRow(1, "slip-of-the-pen"),))
    log.read("chair-city", "mayor", CITY)
    log.certify("chair-city", "mayor", CITY)
    log.seal()
    ordered = log.propose(
        "chair-city",
        e.RevoteOrdered(contest="mayor", stations=(ONE, TWO), kind="psu-mk", day="2024-12-05", reason="court", basis=BASIS),
    )
    log.propose("chair-city", e.RevoteWithdrawn(order=ordered.event_id, reason="court-amended", basis=BASIS))
    log.propose(
        "chair-city",
        e.RevoteOrdered(contest="mayor", stations=(ONE,), kind="psu-mk", day="2024-12-05", reason="court", basis=BASIS),
    )
    again = int(standing(log.state, "mayor", ONE)[0])
    log.send(ONE, GOOD, round=again)
    for name, area in (("chair-a", DISTRICT_A), ("chair-city", CITY)):
        log.read(name, "mayor", area)
        log.certify(name, "mayor", area)
    log.read("chair-city", "governor", CITY)
    log.certify("chair-city", "governor", CITY)
    log.read("chair-province", "governor", PROVINCE)
    log.certify("chair-province", "governor", PROVINCE)
    log.seal()
    log.append(world.rotate("chair-a", "chair-a-new"))


def keys_and_lists(log: GovernedLog) -> None:
    """Replaced, rotated and revoked keys; stations added and cancelled; a candidate out; the manifest amended."""
    world = log.world
    log.propose(
        "chair-city",
        e.CandidateChanged(contest="mayor", number=2, change="disqualified", reason="ruling", basis=BASIS),
    )
    log.propose("chair-city", e.CandidateChanged(contest="mayor", number=2, change="restored", reason="appeal", basis=BASIS))
    added = e.StationRow("1771021001002", "TPS 2", "Asia/Jakarta", 100, 100, ("governor",))
    amended = {"reason": "new-list", "basis": BASIS, "areas": (), "merged": (), "corrected": (), "voters": ()}
    log.propose("administrator", e.JurisdictionsAmended(added=(added,), cancelled=(), **amended))  # type: ignore[arg-type]
    log.propose("administrator", e.JurisdictionsAmended(added=(), cancelled=(added.code,), **amended))  # type: ignore[arg-type]
    log.append(world.revoke(f"{ONE}/2", by="commission-1", last_good=2))
    replaced = log.append(world.enrol(world.key_row(f"{ONE}/2b", "operator", ONE, "2"), by="registrar-a"))
    log.append(world.approve("commission-2", replaced.event_id))
    late = corrected(ONE, [world.stream(f"{ONE}/2").previous or b""], OTHER)
    assert log.told(f"{ONE}/2", late) == "void key-revoked"
    cutoffs = (e.Cutoff("operator", log.time + 1_000_000_000),)
    log.propose("root-1", e.ElectionAmended(reason="longer-evening", basis=BASIS, cutoffs=cutoffs))


def whole_season(world: Governed | None = None) -> GovernedLog:
    """An election with every event type but ``log.rekeyed`` (``tests.rekeying`` has that); the log in memory, with its entries."""
    log = GovernedLog(world or Governed())
    first_night(log)
    keys_and_lists(log)
    witnesses(log)
    plenaries(log)
    return log


def submissions(entries: Iterable[bytes]) -> list[bytes]:
    """The submissions inside entries, to be sent to a node that makes no seals of its own."""
    import msgspec

    return [msgspec.msgpack.encode(msgspec.msgpack.decode(entry)[4]) for entry in entries]


def seed_key(label: str) -> bytes:
    """A seed that is nobody's secret."""
    return hashlib.sha256(label.encode()).digest()
