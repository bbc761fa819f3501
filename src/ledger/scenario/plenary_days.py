"""The plenaries in the demo: the districts' from 28 November to 2 December, the city's on 4 December 2024.  SYNTHETIC but the dates
of the city's plenary and of the timetable (domain.md 2.7).

A district reads village by village, three officers side by side; what does not agree with the paper is set right first.  Chair and
one member certify.  Around that: a form that is missing at the certificate and comes later, a paper recap that differs, objections,
a repeated vote (PSU) that makes a certificate need renewal.  The city reads the districts' recaps, corrects one station over a
district's certificate, which needs its second seat, and determines the mayor; the governor's contest ends certified at the city,
since the province decides it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, Literal

from ledger.scenario.bengkulu import CITY_CODE, CONTESTS, DISTRICTS, District
from ledger.scenario.cast import Cast, Draw
from ledger.scenario.evening import Fixes, clock_time
from ledger.scenario.people import Actor
from ledger.scenario.roster import (
    BAWASLU,
    KPU_CHAIR,
    KPU_MEMBER,
    agent,
    chair,
    district_table,
    operator,
    readers,
    supervisor,
)
from ledger.scenario.split import StationForms
from ledger.scenario.stage import MINUTE, Paper, Stage, agent_marks
from ledger.tally.events import (
    FindingExplained,
    IncidentRecorded,
    ObjectionSettled,
    ReadRow,
    RecapReopened,
    RecommendationAnswered,
    RecommendationIssued,
    RevoteOrdered,
)

__all__ = ["PAPER_DISTRICT", "PlenaryDays"]

_DAYS: Final[dict[str, tuple[int, int]]] = {
    "177103": (11, 28),
    "177107": (11, 28),
    "177108": (11, 28),
    "177102": (11, 29),
    "177106": (11, 29),
    "177109": (11, 29),
    "177104": (11, 30),
    "177105": (11, 30),
    "177101": (11, 30),
}
"""Month and day of each district's plenary."""

_BEGINS: Final = 9
_FORM_MINUTES: Final = 3
_FIX_MINUTES: Final = 2
PAPER_DISTRICT: Final = "177105"
"""Where the paper recap of the governor's contest says another number than the ledger."""

Scene = Callable[[int], None]


class PlenaryDays:
    """Enters the plenaries' scenes into the stage's agenda."""

    def __init__(self, stage: Stage, stations: Sequence[StationForms], cast: Cast, draw: Draw) -> None:
        self._stage = stage
        self._cast = cast
        self._draw = draw
        self._certificates: dict[tuple[str, str], bytes] = {}
        self._counts: dict[str, int] = {}
        self._told = b""
        for row in stations:
            self._counts[row.village] = self._counts.get(row.village, 0) + 1

    def enter(self, fixes: Fixes) -> None:
        """All days.  ``fixes``: what the plenaries set right, by village; theirs are added to it."""
        self._choose_between_two(fixes)
        self._accept_objection(fixes)
        self._reject_objection(fixes)
        self._explain_finding(fixes)
        self._raise_what_is_carried(fixes)
        for district in DISTRICTS:
            self._district_day(district, fixes)
        self._late_form()
        self._repeated_vote()
        self._refused_recommendation()
        self._city_day()

    # --- a district's day --------------------------------------------------------------------------------------------------------

    def _district_day(self, district: District, fixes: Mapping[str, Sequence[Scene]]) -> None:
        agenda, officers = self._stage.agenda, readers(district.code)
        moment = clock_time(*_DAYS[district.code], _BEGINS)
        for number, village in enumerate(district.villages):
            wrongs = fixes.get(village.code, ())
            for at, fix in enumerate(wrongs):
                agenda.at(moment + (1 + at * _FIX_MINUTES) * MINUTE, fix)
            moment += max(_FORM_MINUTES * self._counts[village.code], _FIX_MINUTES * len(wrongs) + 4) * MINUTE
            agenda.at(moment, self._reading(officers[number % len(officers)], CONTESTS, district.code, village.code))
            moment += 2 * MINUTE
        if district.code == self._cast.carried.district:
            agenda.at(moment + 5 * MINUTE, self._carry_upward)
        for contest, minutes in zip(CONTESTS, (30, 45), strict=True):
            agenda.at(moment + minutes * MINUTE, self._certifying(contest, district.code, self._paper(contest, district.code)))
        if district.code == self._cast.again.district:
            self._stage.agenda.at(clock_time(12, 2, 10), self._reading(chair(district.code), ("mayor",), district.code, None))

    def _reading(self, actor: Actor, contests: Sequence[str], area: str, village: str | None) -> Scene:
        return lambda now: self._stage.read(actor, contests, area, now, within=village)

    def _certifying(self, contest: str, area: str, paper: Paper) -> Scene:
        table = (KPU_CHAIR, KPU_MEMBER) if area == CITY_CODE else district_table(area)

        def certify(now: int) -> None:
            self._certificates[contest, area] = self._stage.certify(table, contest, area, now, paper=paper)

        return certify

    def _paper(self, contest: str, district: str) -> Paper:
        """The district's paper recap: once a transposed number, once a form that is missing."""
        number = f"SINTETIS/D-{district}/{contest}/1"
        other = {"suara-tidak-sah": (transposed, "digits-transposed")}
        missing = {self._cast.late.station: ("paper-not-in-box", f"SINTETIS/KK-{district}/001")}
        return Paper(
            number,
            agent_marks(self._draw, contest, district),
            other if (district, contest) == (PAPER_DISTRICT, "governor") else {},
            missing if (district, contest) == (self._cast.late.district, "governor") else {},
        )

    # --- what is set right before the reading ------------------------------------------------------------------------------------

    def _choose_between_two(self, fixes: Fixes) -> None:
        """The two operators of a station sent different figures: the plenary looks at the paper and chooses."""
        row, stage = self._cast.differing, self._stage
        basis = f"SINTETIS/PPK-{row.district}/901"
        fixes[row.village].append(
            lambda now: _done(
                stage.correct(
                    chair(row.district), "mayor", row.station, row.figures["mayor"], now, reason="paper-chosen", basis=basis
                )
            )
        )

    def _accept_objection(self, fixes: Fixes) -> None:
        """An agent's copy gives the own pair thirty votes more, and the paper on the wall agrees with the copy."""
        row, stage = self._cast.accepted, self._stage
        basis = f"SINTETIS/PPK-{row.district}/902"
        raised: dict[str, bytes] = {}

        def object_(now: int) -> None:
            by = agent("mayor-5", row.district)
            raised["id"] = stage.object(by, "mayor", row.station, now, ground="copy-differs")

        def accept(now: int) -> None:
            office = chair(row.district)
            stage.correct(office, "mayor", row.station, row.figures["mayor"], now, reason="misread-digit", basis=basis)
            self._settle(office, raised["id"], "accepted", "copy-right", basis, now, corrected=row)

        fixes[row.village] += [object_, accept]

    def _reject_objection(self, fixes: Fixes) -> None:
        """An agent doubts a form; paper and all copies say the same."""
        row, stage = self._cast.rejected, self._stage
        raised: dict[str, bytes] = {}

        def object_(now: int) -> None:
            by = agent("mayor-2", row.district)
            raised["id"] = stage.object(by, "mayor", row.station, now, ground="count-doubted")

        def reject(now: int) -> None:
            basis = f"SINTETIS/PPK-{row.district}/903"
            self._settle(chair(row.district), raised["id"], "rejected", "copies-agree", basis, now)

        fixes[row.village] += [object_, reject]

    def _explain_finding(self, fixes: Fixes) -> None:
        """The paper itself does not add up; the plenary leaves it so and says so."""
        row, stage = self._cast.explained, self._stage

        def explain(now: int) -> None:
            event = stage.standing("governor", row.station)[0]
            data = FindingExplained(
                contest="governor",
                station=row.station,
                round=0,
                event=event,
                findings=("r1-disabilitas",),
                reason="stands-so-on-paper",
                basis=f"SINTETIS/PPK-{row.district}/904",
            )
            stage.people.sign(chair(row.district), data, now)

        fixes[row.village].append(explain)

    # --- the told station --------------------------------------------------------------------------------------------------------

    def _raise_what_is_carried(self, fixes: Fixes) -> None:
        """Two rows stand in each other's place on the paper itself; the agent of the pair that loses by it objects."""
        row, stage = self._cast.carried, self._stage
        by = agent("mayor-5", row.district)

        def object_(now: int) -> None:
            self._told = stage.object(by, "mayor", row.station, now, ground="rows-exchanged")

        fixes[row.village].append(object_)

    def _carry_upward(self, now: int) -> None:
        """Paper and copies disagree, and the district cannot open the box any more: the city shall."""
        row = self._cast.carried
        basis = f"SINTETIS/DKK-{row.district}/001"
        self._settle(chair(row.district), self._told, "carried", "paper-against-copies", basis, now)

    def _settle(
        self,
        office: Actor,
        objection: bytes,
        outcome: Literal["accepted", "rejected", "carried"],
        reason: str,
        basis: str,
        now: int,
        *,
        corrected: StationForms | None = None,
    ) -> None:
        rows: tuple[ReadRow, ...] = ()
        if corrected is not None:
            rows = (ReadRow(corrected.station, 0, self._stage.standing("mayor", corrected.station)[0]),)
        data = ObjectionSettled(objection=objection, outcome=outcome, corrections=rows, reason=reason, basis=basis)
        self._stage.people.sign(office, data, now)

    # --- after the certificates --------------------------------------------------------------------------------------------------

    def _late_form(self) -> None:
        """The governor's paper of a station lay in the mayor's box.  The district reopens its certificate for this station alone,
        enters the form, reads it and certifies again."""
        row, stage = self._cast.late, self._stage
        table = district_table(row.district)
        basis = f"SINTETIS/KK-{row.district}/002"

        def reopen(now: int) -> None:
            data = RecapReopened(
                contest="governor",
                area=row.district,
                certificate=self._certificates["governor", row.district],
                stations=(row.station,),
                reason="paper-found",
                basis=basis,
            )
            stage.people.both(*table, data, now)

        def enter(now: int) -> None:
            stage.submit(table[0], "governor", row.station, row.figures["governor"], now)

        again = Paper(f"SINTETIS/D-{row.district}/governor/2", agent_marks(self._draw, "governor", row.district))
        for minute, scene in (
            (0, reopen),
            (20, enter),
            (35, self._reading(table[0], ("governor",), row.district, None)),
            (55, self._certifying("governor", row.district, again)),
        ):
            stage.agenda.at(clock_time(11, 30, 9, minute), scene)

    def _repeated_vote(self) -> None:
        """Two voters were given a second ballot.  The supervisor recommends a repeated vote, the city orders it after the district
        has certified; the station votes again on Sunday, and the district's certificate is renewed."""
        row, stage = self._cast.again, self._stage
        told = IncidentRecorded(
            code=row.station, kind="voted-twice", photos=(), contest="mayor", basis=f"SINTETIS/LHP-{row.district}/001"
        )
        recommended = RecommendationIssued(
            contest="mayor",
            kind="psu",
            number="SINTETIS/BWS-1771/001",
            ground="voted-twice",
            codes=(row.station,),
            deadline=clock_time(11, 30, 16),
        )
        found: dict[str, bytes] = {}

        def recommend(now: int) -> None:
            found["recommendation"] = stage.people.sign(BAWASLU, recommended, now)

        def order(now: int) -> None:
            data = RevoteOrdered(
                contest="mayor",
                stations=(row.station,),
                kind="psu",
                day="2024-12-01",
                reason="voted-twice",
                basis="SINTETIS/KPU-1771/PSU/001",
            )
            found["order"] = stage.people.both(KPU_CHAIR, KPU_MEMBER, data, now)

        def answer(now: int) -> None:
            data = RecommendationAnswered(
                recommendation=found["recommendation"], answer="executed", events=(found["order"],), reason="revote-ordered"
            )
            stage.people.sign(KPU_CHAIR, data, now)

        def vote(now: int) -> None:
            stage.submit(operator(row.station), "mayor", row.station, row.figures["mayor"], now, round_=1)

        paper = Paper(f"SINTETIS/D-{row.district}/mayor/2", agent_marks(self._draw, "mayor", row.district))
        renewed = self._certifying("mayor", row.district, paper)
        agenda = stage.agenda
        agenda.at(clock_time(11, 28, 13, 30), lambda now: _done(stage.people.sign(supervisor(row.district), told, now)))
        agenda.at(clock_time(11, 28, 15), recommend)
        agenda.at(clock_time(11, 29, 20), order)
        agenda.at(clock_time(11, 29, 20, 20), answer)
        agenda.at(clock_time(12, 1, 16, 10), vote)
        agenda.at(clock_time(12, 2, 10, 20), renewed)

    def _refused_recommendation(self) -> None:
        row, stage = self._cast.refused, self._stage
        recommended = RecommendationIssued(
            contest="mayor",
            kind="psu",
            number="SINTETIS/BWS-1771/002",
            ground="voter-not-listed",
            codes=(row.station,),
            deadline=clock_time(12, 1, 16),
        )

        def recommend(now: int) -> None:
            issued = stage.people.sign(BAWASLU, recommended, now)
            answer = RecommendationAnswered(
                recommendation=issued, answer="refused", events=(), reason="one-voter-only", basis="SINTETIS/KPU-1771/JWB/002"
            )
            stage.agenda.at(clock_time(11, 30, 14), lambda later: _done(stage.people.sign(KPU_CHAIR, answer, later)))

        stage.agenda.at(clock_time(11, 29, 9, 30), recommend)

    # --- the city ----------------------------------------------------------------------------------------------------------------

    def _city_day(self) -> None:
        """4 December: the box of the told station is opened, the districts' recaps are read, both contests certified."""
        row, stage = self._cast.carried, self._stage
        basis, figures = "SINTETIS/KPU-1771/BA-PUSS/001", row.figures["mayor"]
        data: dict[str, bytes] = {}

        def propose(now: int) -> None:
            said = stage.correction(KPU_CHAIR, "mayor", row.station, figures, reason="ballots-recounted", basis=basis)
            data["correction"] = stage.people.sign(KPU_CHAIR, said, now)

        def approve(now: int) -> None:
            stage.people.approve(KPU_MEMBER, data["correction"], now)
            stage.took_effect(KPU_CHAIR, "mayor", row.station, figures, event=data["correction"])

        def accept(now: int) -> None:
            self._settle(KPU_CHAIR, self._told, "accepted", "ballots-recounted", basis, now, corrected=row)
            stage.read_station(KPU_CHAIR, "mayor", row.station, now)

        papers = {
            contest: Paper(f"SINTETIS/D-{CITY_CODE}/{contest}/1", agent_marks(self._draw, contest, CITY_CODE))
            for contest in CONTESTS
        }
        for hour, minute, scene in (
            (9, 40, propose),
            (9, 46, approve),
            (9, 50, accept),
            (11, 0, self._reading(KPU_CHAIR, ("governor",), CITY_CODE, None)),
            (13, 30, self._reading(KPU_MEMBER, ("mayor",), CITY_CODE, None)),
            (15, 20, self._certifying("governor", CITY_CODE, papers["governor"])),
            (16, 0, self._certifying("mayor", CITY_CODE, papers["mayor"])),
        ):
            stage.agenda.at(clock_time(12, 4, hour, minute), scene)
        stage.agenda.at(clock_time(12, 3, 8), lambda now: stage.people.rotate(KPU_MEMBER, now, reason="new-device"))


def transposed(number: int) -> int:
    """The number with its last two digits in each other's place, as a tired hand writes it; another where those are the same."""
    tens, ones = number // 10 % 10, number % 10
    return number - tens * 10 - ones + ones * 10 + tens if tens != ones else number + 9


def _done(_event: bytes) -> None:
    """For scenes: nobody asks for the event's id."""
