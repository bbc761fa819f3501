"""The evening of 27 November 2024 in the demo, and what stations do after it.  SYNTHETIC: times, slips, reasons and all troubles.

Every station sends the governor's form, then the mayor's.  Of the forms with a slip the operator sets half right within the hour;
the others wait for the district's plenary, the worst of them kept out of the totals until then.  The parts of ``cast`` are played
here as far as they are a station's; what they leave to the plenaries goes into ``fixes``, by village.
"""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from ledger.scenario.bengkulu import CONTESTS, DISTRICTS
from ledger.scenario.cast import Cast, Draw
from ledger.scenario.people import Actor
from ledger.scenario.roster import BAWASLU, COMMISSION, KPU_CHAIR, agent, chair, operator, registrar, supervisor
from ledger.scenario.split import Slip, StationForms, form_for
from ledger.scenario.stage import MINUTE, Stage
from ledger.tally.events import Figures, IncidentRecorded, RecommendationIssued, VotePostponed

__all__ = ["HELD", "Evening", "Fixes", "clock_time", "with_figures"]

WIB: Final = datetime.timezone(datetime.timedelta(hours=7))

HELD: Final = 4
"""The worst slips, which are kept out of the totals until the plenary."""

WATCHED: Final = 8
"""Stations of each district whose forms the supervisor compares with the own copy on the night."""

Fixes = dict[str, list[Callable[[int], None]]]
"""By village: what the plenary sets right before it reads the village's forms."""

_REASONS: Final[dict[str, tuple[str, ...]]] = {
    "digit-misread": ("misread-digit", "typing"),
    "leading-digit": ("misread-digit",),
    "columns-do-not-add": ("sum-wrong", "typing"),
    "users-differ": ("own-paper-check", "typing"),
    "valid-not-sum": ("sum-wrong",),
    "pairs-swapped": ("rows-swapped",),
    "left-blank": ("left-blank",),
}
"""Why a slip was set right, by its kind."""

_FIRST_ROUND: Final = {
    "pengguna-dpt-l": 5,
    "pengguna-dpt-p": 4,
    "pengguna-dpt-j": 9,
    "pengguna-total-l": 5,
    "pengguna-total-p": 4,
    "pengguna-total-j": 9,
    "surat-suara-digunakan": 9,
    "surat-suara-tidak-digunakan": -9,
    "suara-1": 10,
    "suara-2": -6,
    "suara-3": 3,
    "suara-4": 1,
    "suara-sah": 8,
    "suara-tidak-sah": 1,
    "suara-total": 9,
}
"""By how much the annulled vote's figures were others."""


def clock_time(month: int, day: int, hour: int, minute: int = 0) -> int:
    """A time of 2024 in WIB (ms since 1970)."""
    return int(datetime.datetime(2024, month, day, hour, minute, tzinfo=WIB).timestamp()) * 1000


_EVENING_MS: Final = clock_time(11, 27, 15)
_LAST_GOVERNOR_MS: Final = clock_time(11, 27, 23, 25)
_LAST_MAYOR_MS: Final = clock_time(11, 27, 23, 55)
_NEXT_MORNING_MS: Final = clock_time(11, 28, 8, 30)


def with_figures(contest: str, figures: Figures, changes: dict[str, int]) -> Figures:
    """The figures with some, by code, changed."""
    codes = [figure.code for figure in form_for(contest).figures]
    return tuple(changes.get(code, figure) for code, figure in zip(codes, figures, strict=True))


def figure(contest: str, figures: Figures, code: str) -> int:
    """One figure by its code; the true figures of the scenario are all numbers."""
    found = dict(zip((figure.code for figure in form_for(contest).figures), figures, strict=True))[code]
    return found if isinstance(found, int) else 0


def exchanged(contest: str, figures: Figures, one: str, other: str) -> Figures:
    """Two figures in each other's place."""
    return with_figures(contest, figures, {one: figure(contest, figures, other), other: figure(contest, figures, one)})


def first_round(figures: Figures) -> Figures:
    """The mayor's form of a vote that is held again later: a few voters more, other votes; sound in itself."""
    changes = {code: figure("mayor", figures, code) + more for code, more in _FIRST_ROUND.items()}
    return with_figures("mayor", figures, changes)


class _Sent(NamedTuple):
    """A form with a slip, and when it was sent."""

    station: StationForms
    slip: Slip
    time: int

    @property
    def label(self) -> str:
        """For draws."""
        return f"{self.station.station}/{self.slip.contest}"


class Evening:
    """Enters the evening's scenes into the stage's agenda.  ``fixes``: what is left to the plenaries."""

    def __init__(self, stage: Stage, stations: Sequence[StationForms], cast: Cast, draw: Draw) -> None:
        self.fixes: Fixes = defaultdict(list)
        self._stage = stage
        self._stations = stations
        self._cast = cast
        self._draw = draw
        self._first = _first_figures(cast)
        self._times: dict[tuple[str, str], int] = {}

    def enter(self) -> None:
        """Everything that happens at stations."""
        away = {self._cast.broken_phone.station, self._cast.continued.station}
        slips: list[_Sent] = []
        for row in self._stations:
            for contest, moment in _arrivals(row, self._draw).items():
                self._times[contest, row.station] = moment
                slip = next((slip for slip in row.slips if slip.contest == contest), None)
                if row.station not in away and (contest, row.station) != ("governor", self._cast.late.station):
                    self._enter_form(row, contest, moment, slip)
                if slip:
                    slips.append(_Sent(row, slip, moment))
        self._enter_slips(slips)
        self._enter_second_seats()
        self._enter_troubles()
        self._enter_attestations(away)

    def _enter_form(self, row: StationForms, contest: str, moment: int, slip: Slip | None) -> None:
        figures: Figures = slip.figures if slip else self._first.get((contest, row.station), row.figures[contest])
        actor, stage = operator(row.station), self._stage
        stage.agenda.at(moment, lambda now: _done(stage.submit(actor, contest, row.station, figures, now)))

    # --- slips -------------------------------------------------------------------------------------------------------------------

    def _enter_slips(self, slips: list[_Sent]) -> None:
        """The worst wait for the officer: half of all, and of those the first are kept out of the totals until then."""
        draw = self._draw
        slips.sort(key=lambda sent: (sent.slip.kind != "leading-digit", sent.slip.contest != "mayor", draw(0, 2**60, sent.label)))
        for number, sent in enumerate(slips):
            if number < len(slips) // 2:
                self._leave_to_plenary(sent, number)
            else:
                moment = sent.time + draw(4, 60, "own", sent.label) * MINUTE
                self._stage.agenda.at(moment, self._correcting(sent, operator(sent.station.station), ""))

    def _leave_to_plenary(self, sent: _Sent, number: int) -> None:
        actor: Actor = chair(sent.station.district)
        place, stage = (sent.slip.contest, sent.station.station), self._stage
        basis = f"SINTETIS/PPK-{sent.station.district}/{number + 1:03}"
        fixes = self.fixes[sent.station.village]
        if number < HELD:
            held = sent.time + self._draw(20, 50, "hold", sent.label) * MINUTE
            stage.agenda.at(held, lambda now: stage.hold(actor, *place, now, reason="figures-implausible", basis=basis))
        fixes.append(self._correcting(sent, actor, basis))
        if number < HELD:
            fixes.append(lambda now: stage.release(actor, *place, now, reason="paper-read", basis=basis))

    def _correcting(self, sent: _Sent, actor: Actor, basis: str) -> Callable[[int], None]:
        reasons = _REASONS[sent.slip.kind]
        reason = reasons[self._draw(0, len(reasons) - 1, "reason", sent.label)]
        station, contest = sent.station, sent.slip.contest

        def correct(now: int) -> None:
            self._stage.correct(actor, contest, station.station, station.figures[contest], now, reason=reason, basis=basis)

        return correct

    # --- second seats ------------------------------------------------------------------------------------------------------------

    def _enter_second_seats(self) -> None:
        """At some stations the second operator sends the mayor's form too: the same figures, and once others."""
        true = {row.station: row.figures["mayor"] for row in self._stations}
        for station in (*self._cast.confirmed, self._cast.differing.station):
            moment = self._times["mayor", station] + self._draw(3, 25, "second", station) * MINUTE
            self._stage.agenda.at(moment, self._sending(operator(station, "2"), "mayor", station, true[station]))

    def _sending(self, actor: Actor, contest: str, station: str, figures: Figures) -> Callable[[int], None]:
        return lambda now: _done(self._stage.submit(actor, contest, station, figures, now))

    # --- troubles ----------------------------------------------------------------------------------------------------------------

    def _enter_troubles(self) -> None:
        self._wrong_form()
        self._replaced_key()
        self._broken_phone()
        self._continued_vote()
        self._recommendations()

    def _wrong_form(self) -> None:
        """The operator typed the form of the next station, takes it back and sends the right one."""
        row, stage = self._cast.wrong_form, self._stage
        actor, sent = operator(row.station), self._times["mayor", row.station]
        gone = sent + 17 * MINUTE
        stage.agenda.at(gone, lambda now: stage.withdraw(actor, "mayor", row.station, now, reason="wrong-station"))
        stage.agenda.at(gone + 6 * MINUTE, self._sending(actor, "mayor", row.station, row.figures["mayor"]))

    def _replaced_key(self) -> None:
        """A phone is lost between its station's two forms.  The district's registrar alone puts a new key into the seat; the
        commission looks at that the next morning."""
        row, stage = self._cast.replaced, self._stage
        actor, by = operator(row.station), registrar(row.district)
        middle = (self._times["governor", row.station] + self._times["mayor", row.station]) // 2

        def replace(now: int) -> None:
            stage.people.revoke(actor, now, by=by, reason="device-lost", last_good=0)
            enrolled = stage.people.replace(actor, now, by=by)
            stage.agenda.at(_NEXT_MORNING_MS, lambda later: stage.people.approve(COMMISSION[1], enrolled, later))

        stage.agenda.at(middle, replace)

    def _broken_phone(self) -> None:
        """A phone breaks before it has sent anything; its key is revoked, with its two signed forms as the last good ones.  The
        district enters both from the paper.  A day later the phone is repaired and sends: kept as evidence, without effect."""
        row, stage = self._cast.broken_phone, self._stage
        actor = operator(row.station)

        def revoke(now: int) -> None:
            stage.people.revoke(actor, now, by=registrar(row.district), reason="device-broken", last_good=len(CONTESTS) - 1)

        def arrive(now: int) -> None:
            for contest in CONTESTS:
                data = stage.form(contest, row.station, row.figures[contest])
                signed_at = self._times[contest, row.station]
                stage.people.sign(actor, data, now, void="key-revoked", claimed_at=signed_at)

        stage.agenda.at(clock_time(11, 27, 22, 10), revoke)
        stage.agenda.at(clock_time(11, 29, 11, 5), arrive)
        for contest in CONTESTS:
            self.fixes[row.village].append(self._sending(chair(row.district), contest, row.station, row.figures[contest]))

    def _continued_vote(self) -> None:
        """Water in the hall at noon: the vote goes on two days later (PSL), still the same round."""
        row, stage = self._cast.continued, self._stage
        flood = IncidentRecorded(code=row.station, kind="flood", photos=(), basis="SINTETIS/KK-KPPS/001")

        def postpone(now: int) -> None:
            for contest in CONTESTS:
                data = VotePostponed(
                    contest=contest,
                    stations=(row.station,),
                    kind="psl",
                    until="2024-11-29",
                    reason="flood",
                    basis="SINTETIS/KPU-1771/PSL/001",
                )
                stage.people.sign(KPU_CHAIR, data, now)

        stage.agenda.at(clock_time(11, 27, 11, 50), lambda now: _done(stage.people.sign(operator(row.station), flood, now)))
        stage.agenda.at(clock_time(11, 27, 12, 40), postpone)
        for contest, minute in zip(CONTESTS, (20, 55), strict=True):
            sending = self._sending(operator(row.station), contest, row.station, row.figures[contest])
            stage.agenda.at(clock_time(11, 29, 16, minute), sending)

    def _recommendations(self) -> None:
        """One that nobody ever answers; the others are answered by the city (``plenary_days``)."""
        row, stage = self._cast.unanswered, self._stage
        data = RecommendationIssued(
            contest="mayor",
            kind="other",
            number="SINTETIS/BWS-1771/003",
            ground="voter-list",
            codes=(row.station,),
            deadline=clock_time(12, 2, 16),
        )
        stage.agenda.at(clock_time(11, 30, 10, 15), lambda now: _done(stage.people.sign(BAWASLU, data, now)))

    # --- attestations ------------------------------------------------------------------------------------------------------------

    def _enter_attestations(self, away: set[str]) -> None:
        """Supervisors and agents hold the forms of some stations against their own copies, and of all that are troubled."""
        true = {row.station: row for row in self._stations}
        told = self._cast.carried
        watched = {told.station: "mayor", self._cast.differing.station: "mayor", self._cast.accepted.station: "mayor"}
        for row in self._stations:
            if row.slips and self._draw(1, 3, "watched-slip", row.station) == 1:
                watched[row.station] = row.slips[0].contest
        for district in DISTRICTS:
            calm = sorted(
                (row.station for row in self._stations if row.district == district.code and row.station not in away),
                key=lambda code: self._draw(0, 2**60, "watched", code),
            )
            watched |= dict.fromkeys((code for code in calm[:WATCHED] if code not in watched), "mayor")
        for station in sorted(watched):
            contest = watched[station]
            self._attesting(supervisor(true[station].district), contest, true[station], 70)
            for number in (1, 2) if contest == "governor" else (3, 5):
                if station == told.station or self._draw(1, 3, "agent", station, number) == 1:
                    self._attesting(agent(f"{contest}-{number}", true[station].district), contest, true[station], 90 + number)

    def _attesting(self, actor: Actor, contest: str, row: StationForms, after: int) -> None:
        """The own copy says the true figures; where the form that stands says the same, no figures are given."""
        stage = self._stage
        moment = max(self._times[contest, row.station] + after * MINUTE, clock_time(11, 27, 19))

        def attest(now: int) -> None:
            figures = row.figures[contest]
            if stage.standing(contest, row.station):
                same = stage.last_figures(contest, row.station) == figures
                stage.attest(actor, contest, row.station, now, figures=None if same else figures)

        stage.agenda.at(moment, attest)


def _done(_event: bytes) -> None:
    """For scenes: nobody asks for the event's id."""


def _first_figures(cast: Cast) -> dict[tuple[str, str], Figures]:
    """What the parts of the cast send first, where it is not what stands in the end; the form of ``explained`` is so on paper."""
    mayor = {part: getattr(cast, part).figures["mayor"] for part in ("differing", "accepted", "carried", "again")}
    explained = cast.explained.figures["governor"]
    invalid = figure("mayor", mayor["differing"], "suara-tidak-sah")
    most = figure("mayor", mayor["accepted"], "suara-5")
    return {
        ("mayor", cast.differing.station): with_figures("mayor", mayor["differing"], {"suara-tidak-sah": invalid + 10}),
        ("mayor", cast.accepted.station): with_figures("mayor", mayor["accepted"], {"suara-5": max(0, most - 30)}),
        ("mayor", cast.carried.station): exchanged("mayor", mayor["carried"], "suara-4", "suara-5"),
        ("mayor", cast.again.station): first_round(mayor["again"]),
        ("mayor", cast.wrong_form.station): cast.neighbour.figures["mayor"],
        ("governor", cast.explained.station): paper_of(explained),
    }


def paper_of(figures: Figures) -> Figures:
    """The paper that does not add up: one disabled voter more among the men than in the total."""
    return with_figures("governor", figures, {"disabilitas-l": figure("governor", figures, "disabilitas-l") + 1})


def _arrivals(row: StationForms, draw: Draw) -> dict[str, int]:
    """When a station's forms come in.  Counting ends in the afternoon at the earliest; most forms are in by 19:00, all of the
    governor's by 23:30 and all of the mayor's by midnight, as that night was (domain.md 5.4)."""
    code = row.station
    minutes = draw(0, 150, "early", code) + draw(0, 120, "late", code)
    if draw(1, 100, "straggler", code) <= 14:
        minutes += draw(40, 235, "delay", code)
    governor = min(_EVENING_MS + minutes * MINUTE, _LAST_GOVERNOR_MS) + 1000 * draw(0, 59, "second", code)
    mayor = min(governor + draw(12, 55, "mayor", code) * MINUTE, _LAST_MAYOR_MS) + 1000 * draw(0, 59, "mayor-second", code)
    return {"governor": governor, "mayor": mayor}
